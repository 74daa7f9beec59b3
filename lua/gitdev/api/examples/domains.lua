return {
  ["domains.list"] = [[
git.domains:create { project = "my-app", name = "shop.example.org" }
for domain in git.domains:each { project = "my-app", status = "pending", search = "example.org" } do
  print(domain.name) --> shop.example.org
end
]],
  ["domains.create"] = [[
local domain = git.domains:create { project = "my-app", name = "www.example.com" }
for _, record in ipairs(domain.verification) do
  print(record.type, record.name, record.value) -- one of them is to be set
end
domain:wait()
print(domain.status) --> active
]],
  ["domains.get"] = [[
git.domains:create { project = "my-app", name = "Shop.Example.org" }
print(git.domains:get("shop.example.org").apex_name) --> example.org
]],
  ["domains.verify"] = [[
local domain = git.domains:create { project = "my-app", name = "shop.example.org" }
domain:verify() -- the records were set just now: do not wait for the next check
print(domain.status) --> pending
]],
  ["domains.delete"] = [[
git.domains:create { project = "my-app", name = "shop.example.org" }
git.domains:delete "shop.example.org"
print(#git.domains:list().data) --> 0
]],
}

return {
  ["certificates.list"] = [[
git.domains:create({ project = "my-app", name = "www.example.com" }):wait()
for certificate in git.certificates:each { domain = "www.example.com" } do
  print(certificate.status) --> issued
end
]],
  ["certificates.get"] = [[
local domain = git.domains:create { project = "my-app", name = "www.example.com" }
domain:wait()
print(git.certificates:get(domain.certificate_id).domains[1]) --> www.example.com
]],
}

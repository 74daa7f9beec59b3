return {
  ["organization.get"] = [[
local organization = git.organization:get()
print(organization.name, organization.plan) --> Acme enterprise
]],
}

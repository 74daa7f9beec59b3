return {
  ["api_keys.list"] = [[
git.api_keys:create { name = "ci" }
local names = {}
for key in git.api_keys:each { type = "secret" } do
  names[#names + 1] = key.name
end
print(table.concat(names, ", ")) --> ci, The emulator's secret key
]],
  ["api_keys.create"] = [[
local key = git.api_keys:create {
  name = "ci",
  projects = { "my-app" },
  scopes = { "deployments:write", "logs:read" },
}
local ci = gitdev.client { api_key = key.secret } -- the secret is told this once
print(ci.deployments:create({ project = "my-app" }).status) --> queued
]],
  ["api_keys.rotate"] = [[
local key = git.api_keys:create { name = "ci" }
local old = key.secret
key:rotate { expire_previous_in = 3600 } -- time to bring the new one everywhere
print(key.secret ~= old) --> true
]],
  ["api_keys.delete"] = [[
local key = git.api_keys:create { name = "ci" }
git.api_keys:delete(key)
local revoked = git.api_keys:list({ include_revoked = true, limit = 1 }).data[1]
print(revoked.name, revoked.revoked_at ~= nil) --> ci true
]],
}

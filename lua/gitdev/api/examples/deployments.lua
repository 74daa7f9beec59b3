return {
  ["deployments.list"] = [[
git.deployments:create({ project = "my-app" }):wait()
for deployment in git.deployments:each { project = "my-app", status = { "live", "failed" } } do
  print(deployment.status, deployment.current) --> live true
end
]],
  ["deployments.create"] = [[
local deployment = git.deployments:create {
  project = "my-app", branch = "main", env = { NODE_ENV = "production" },
}
deployment:wait()
print(deployment.url) --> https://my-app.git.dev
]],
  ["deployments.get"] = [[
local made = git.deployments:create { project = "my-app" }
print(git.deployments:get(made.id).status) --> queued
]],
  ["deployments.cancel"] = [[
local deployment = git.deployments:create { project = "my-app" }
deployment:cancel()
print(deployment.status, deployment.cancel_reason) --> canceled user
]],
  ["deployments.promote"] = [[
local preview = git.deployments:create({ project = "my-app", branch = "develop" }):wait()
preview:promote() -- what was looked at goes to production, without another build
print(git.projects:get("my-app").current_deployment_id == preview.id) --> true
]],
  ["deployments.rollback"] = [[
local good = git.deployments:create({ project = "my-app" }):wait()
git.deployments:create({ project = "my-app" }):wait()
good:rollback { reason = "the new one is slow" }
print(good.current) --> true
]],
  ["deployments.redeploy"] = [[
local first = git.deployments:create({ project = "my-app" }):wait()
local again = git.deployments:redeploy(first, { skip_cache = true })
print(again.parent_id == first.id, again.commit_sha == first.commit_sha) --> true true
]],
  ["deployments.delete"] = [[
local old = git.deployments:create({ project = "my-app" }):wait()
git.deployments:create({ project = "my-app" }):wait() -- production points to this one now
old:delete()
print(#git.deployments:list().data) --> 1
]],
  ["deployments.logs.stream"] = [[
local deployment = git.deployments:create { project = "my-app" }
for line in deployment:logs { follow = true, level = "warn" } do
  print(line.seq, line.message) --> 5 warning: 2 packages are out of date
end
for message in git.deployments.logs:stream(deployment, { tail = 0 }) do
  print(message.type, message.status) --> hello live end live
end
]],
  ["deployments.logs.list"] = [[
local deployment = git.deployments:create({ project = "my-app" }):wait()
for line in git.deployments.logs:each(deployment, { stage = "build", level = "warn" }) do
  print(line.seq, line.message) --> 5 warning: 2 packages are out of date
end
]],
}

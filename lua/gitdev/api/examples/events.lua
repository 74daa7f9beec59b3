return {
  ["events.list"] = [[
git.deployments:create({ project = "my-app" }):wait()
for event in git.events:each { type = "deployment.*", project = "my-app", order = "asc" } do
  print(event.type, event.data.status)
end
]],
  ["events.get"] = [[
git.deployments:create({ project = "my-app" }):wait()
local newest = git.events:list({ type = "deployment.completed", limit = 1 }).data[1]
local event = git.events:get(newest.id)
print(event.type, event.data.url) --> deployment.completed https://my-app.git.dev
]],
}

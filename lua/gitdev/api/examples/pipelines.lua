return {
  ["pipelines.list"] = [[
local jobs = { { name = "test", steps = { { run = "make test" } } } }
git.pipelines:create { project = "my-app", name = "ci", jobs = jobs }
for pipeline in git.pipelines:each { project = "my-app", enabled = true } do
  print(pipeline.name, pipeline.triggers.manual) --> ci true
end
]],
  ["pipelines.create"] = [[
local pipeline = git.pipelines:create {
  project = "my-app", name = "ci", triggers = { push = { branches = { "main", "release/*" } } },
  jobs = {
    { name = "build", steps = { { run = "make" } } },
    { name = "test", needs = { "build" }, steps = { { name = "unit", run = "make test" } } },
  },
}
print(#pipeline.jobs, pipeline.jobs[2].steps[1].name) --> 2 unit
]],
  ["pipelines.get"] = [[
local jobs = { { name = "test", steps = { { run = "make test" } } } }
local made = git.pipelines:create { project = "my-app", name = "ci", jobs = jobs }
print(git.pipelines:get(made.id).jobs[1].timeout_ms) --> 3600000
]],
  ["pipelines.update"] = [[
local jobs = { { name = "test", steps = { { run = "make test" } } } }
local pipeline = git.pipelines:create { project = "my-app", name = "nightly", jobs = jobs }
pipeline:update { triggers = { schedule = "30 4 * * MON-FRI", manual = false } } -- in UTC
print(pipeline.triggers.schedule) --> 30 4 * * MON-FRI
]],
  ["pipelines.delete"] = [[
local jobs = { { name = "test", steps = { { run = "make test" } } } }
local pipeline = git.pipelines:create { project = "my-app", name = "ci", jobs = jobs }
git.pipelines:delete(pipeline)
print(#git.pipelines:list().data) --> 0
]],
}

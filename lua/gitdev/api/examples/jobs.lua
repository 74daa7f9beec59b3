return {
  ["jobs.get"] = [[
local jobs = { { name = "test", steps = { { run = "true" }, { run = "sleep 2" } } } }
local pipeline = git.pipelines:create { project = "my-app", name = "ci", jobs = jobs }
local run = git.runs:create({ pipeline = pipeline }):wait()
local job = git.jobs:get(run:jobs().data[1].id)
print(job.status, #job.steps, job.steps[2].exit_code) --> succeeded 2 0
]],
  ["jobs.logs.stream"] = [[
local jobs = { { name = "test", steps = { { name = "unit", run = "make test\nexit 1" } } } }
local pipeline = git.pipelines:create { project = "my-app", name = "ci", jobs = jobs }
local run = git.runs:create { pipeline = pipeline }
for line in run:logs { follow = true, level = "error" } do -- its jobs, one after the other
  print(line.job, line.message) --> test The step ended with exit code 1
end
local stream = git.jobs.logs:stream(run:jobs().data[1])
print(stream:next().type, stream.status) --> hello failed
stream:close()
]],
  ["jobs.logs.list"] = [[
local jobs = { { name = "test", steps = { { name = "unit", run = "make test\nexit 1" } } } }
local pipeline = git.pipelines:create { project = "my-app", name = "ci", jobs = jobs }
local run = git.runs:create { pipeline = pipeline }
pcall(run.wait, run)
for line in git.jobs.logs:each(run:jobs().data[1], { stage = "unit", level = "error" }) do
  print(line.message) --> The step ended with exit code 1
end
]],
}

return {
  ["runs.list"] = [[
local jobs = { { name = "test", steps = { { run = "make test" } } } }
local pipeline = git.pipelines:create { project = "my-app", name = "ci", jobs = jobs }
git.runs:create({ pipeline = pipeline }):wait()
for run in git.runs:each { pipeline = pipeline, status = { "succeeded", "failed" } } do
  print(run.number, run.status) --> 1 succeeded
end
]],
  ["runs.create"] = [[
local pipeline = git.pipelines:create {
  project = "my-app", name = "release", inputs = { { name = "version", required = true } },
  jobs = { { name = "publish", steps = { { run = "make publish" } } } },
}
local run = git.runs:create { pipeline = pipeline, branch = "main", inputs = { version = "1.2.0" } }
run:wait()
print(run.status, run.inputs.version) --> succeeded 1.2.0
]],
  ["runs.get"] = [[
local jobs = { { name = "test", steps = { { run = "make test" } } } }
local pipeline = git.pipelines:create { project = "my-app", name = "ci", jobs = jobs }
local made = git.runs:create { pipeline = pipeline }
print(git.runs:get(made.id).status) --> queued
]],
  ["runs.cancel"] = [[
local jobs = { { name = "test", steps = { { run = "make test" } } } }
local pipeline = git.pipelines:create { project = "my-app", name = "ci", jobs = jobs }
local run = git.runs:create { pipeline = pipeline }
run:cancel()
print(run.status, run:jobs().data[1].failure_code) --> canceled canceled
]],
  ["runs.retry"] = [[
local jobs = { { name = "test", steps = { { run = "make test" } } } }
local pipeline = git.pipelines:create { project = "my-app", name = "ci", jobs = jobs }
local run = git.runs:create { pipeline = pipeline, inputs = { emulate = "job_failed:test" } }
local ok, err = pcall(run.wait, run)
print(ok, err.type, run.failure.job) --> false run_failed test
run:retry { failed_only = true }
run:wait()
print(run.attempt, run.status) --> 2 succeeded
]],
  ["runs.jobs.list"] = [[
local pipeline = git.pipelines:create { project = "my-app", name = "ci", jobs = {
  { name = "build", steps = { { run = "exit 2" } } },
  { name = "test", needs = { "build" }, steps = { { run = "make test" } } },
} }
local run = git.runs:create { pipeline = pipeline }
pcall(run.wait, run)
print(run:jobs({ attempt = 1, status = "failed" }).data[1].steps[1].exit_code) --> 2
print(run:jobs().data[2].status) --> skipped
]],
  ["runs.artifacts.list"] = [[
local build = { name = "build", steps = { { run = "make" } } }
build.artifacts = { { name = "app", path = "app.zip" } }
local pipeline = git.pipelines:create { project = "my-app", name = "ci", jobs = { build } }
local run = git.runs:create({ pipeline = pipeline }):wait()
for artifact in git.runs.artifacts:each(run, { job = "build" }) do
  print(artifact.name, artifact.content_type, artifact.size_bytes) --> app application/zip 4096
end
]],
}

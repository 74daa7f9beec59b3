-- Pipelines, their runs and jobs, logs of jobs, artifacts and their downloads.
local gitdev = require "gitdev"

local HOUR_MS = 3600 * 1000

local function same(a, b, words)
  assert(a == b, ("%s: %s, not %s"):format(words, tostring(a), tostring(b)))
end

-- The things of a page that `field` is taken of, as a text.
local function all(field, page)
  local list = {}
  for index, thing in ipairs(page.data) do
    list[index] = tostring(thing[field])
  end
  return table.concat(list, " ")
end

local function job_of(run, name, query)
  for _, job in ipairs(run:jobs(query).data) do
    if job.name == name then
      return job
    end
  end
  return error("the run has no job " .. name)
end

-- ---- pipelines ----

-- One with everything that a pipeline can have.
local function release_pipeline(git)
  return git.pipelines:create {
    project = "tour-app",
    name = "release",
    triggers = { push = { branches = { "main", "release/*", "**" } }, schedule = "30 4 * * MON-FRI", manual = true },
    inputs = {
      { name = "version", required = true },
      { name = "channel", default = "beta" },
      { name = "note", required = false, default = gitdev.null },
    },
    enabled = true,
    jobs = {
      {
        name = "build",
        steps = { { name = "compile", run = "make\necho compiled" }, { run = "truncate -s 300K dist/app.tgz" } },
        image = "debian:12",
        env = { CFLAGS = "-O2", MOTTO = "a=b\nc 😀" },
        timeout_ms = 600000,
        artifacts = { { name = "app", path = "dist/app.tgz" }, { name = "manifest", path = "dist/manifest.json" } },
      },
      { name = "lint", steps = { { run = "false" } }, allow_failure = true },
      {
        name = "test",
        needs = { "build" },
        steps = { { name = "unit", run = "sleep 3" } },
        artifacts = { { name = "report", path = "report.txt" } },
      },
      { name = "publish", needs = { "build", "test" }, steps = { { run = "echo published" } } },
    },
  }
end

local function pipelines(git)
  local release = release_pipeline(git)
  same(release.object, "pipeline", "a pipeline")
  same(release.project, "tour-app", "its project")
  assert(release.id:find "^pl_" and release.project_id:find "^prj_" and release.enabled, "its fields")
  same(release.triggers.push.branches[2], "release/*", "its branches")
  same(#release.jobs, 4, "its jobs")
  same(release.jobs[1].steps[2].name, "step 2", "a step without a name")
  same(release.jobs[2].timeout_ms, HOUR_MS, "the time limit unless told")
  same(#release.jobs[2].needs, 0, "no needs")
  assert(release.jobs[1].image == "debian:12" and release.jobs[2].image == nil, "images")
  same(release.jobs[1].env.MOTTO, "a=b\nc 😀", "a variable")
  assert(release.inputs[2].default == "beta" and release.inputs[2].required == false, "an input")

  local small = git.pipelines:create { project = release.project_id, name = "small", jobs = { { name = "a", steps = { { run = "true" } } } } }
  assert(small.triggers.manual and small.triggers.push == nil and small.triggers.schedule == nil and #small.inputs == 0, "the defaults")
  same(small:update({ enabled = false, name = "little" }).name, "little", "another name")
  same(git.pipelines:update(small, { triggers = { manual = false }, inputs = gitdev.array {} }).triggers.manual, false, "a trigger")
  same(git.pipelines:get(small.id).enabled, false, "read again")
  same(small:refresh().triggers.manual, false, "by its own method")

  same(all("name", git.pipelines:list { project = "tour-app", order = "asc" }), "release little", "all of a project")
  same(all("name", git.pipelines:list { enabled = false, limit = 1 }), "little", "those disabled")
  local count = 0
  for pipeline in git.pipelines:each { limit = 1, project = "tour-app", enabled = true } do
    same(pipeline.name, "release", "those enabled")
    count = count + 1
  end
  same(count, 1, "those enabled")
  small:delete()
  same(#git.pipelines:list({ project = "tour-app" }).data, 1, "after a deletion")
  return release
end

-- ---- runs ----

local function first_run(git, control, release)
  local run = git.runs:create {
    pipeline = release,
    branch = "main",
    inputs = { version = "1.2.0", emulate = "job_failed:test" },
    env = { NODE_ENV = "production", TOKEN = "per-run" },
  }
  same(run.object, "run", "a run")
  assert(run.status == "queued" and run.number == 1 and run.attempt == 1 and run.trigger == "api", "as it begins")
  assert(run.inputs.channel == "beta" and run.inputs.version == "1.2.0" and run.inputs.note == nil, "its inputs")
  assert(#run.commit_sha == 40 and run.started_at == nil and run.failure == nil, "its commit")
  control("POST", "clock", { advance_ms = HOUR_MS })

  local ok, err = gitdev.pcall(run.wait, run, { quiet = true, timeout = 60 })
  assert(not ok and err.type == "run_failed" and err.code == "exit_code" and err.run == run, "a wait that fails")
  same(run.failure.job, "test", "what failed")
  assert(run.duration_ms > 0 and run.finished_at >= run.started_at, "its times")
  same(all("status", run:jobs()), "succeeded failed failed skipped", "its jobs")
  return run
end

local function retry(git, control, run)
  local before = job_of(run, "build")
  same(run:retry({ failed_only = true }).attempt, 2, "another attempt")
  same(run.status, "queued", "from the beginning")
  control("POST", "clock", { advance_ms = HOUR_MS })
  run:wait { quiet = true, timeout = 60 }
  same(run.status, "succeeded", "with success")
  same(job_of(run, "build").id, before.id, "a job that was kept")
  same(job_of(run, "test").attempt, 2, "one that was not")

  local second = git.runs:create { pipeline = run.pipeline_id, commit_sha = run.commit_sha, inputs = { version = "2" } }
  same(second.number, 2, "the next number")
  same(git.runs:cancel(second).status, "canceled", "canceled")
  same(all("failure_code", second:jobs { status = "canceled" }), "canceled canceled canceled canceled", "its jobs")
  same(git.runs:retry(second.id).attempt, 2, "and retried")
  same(second:refresh().status, "queued", "read again")
  second:cancel()
  same(git.runs:get(second.id).status, "canceled", "and canceled")
  return second
end

local function lists(git, run, second)
  same(all("id", git.runs:list { pipeline = run.pipeline_id }), second.id .. " " .. run.id, "the runs of a pipeline")
  same(all("id", git.runs:list { project = "tour-app", status = { "succeeded", "failed" }, order = "asc" }), run.id, "those that ended")
  same(all("id", git.runs:list { branch = "main", trigger = "api", status = "canceled" }), second.id, "those canceled")
  same(#git.runs:list({ trigger = "schedule", project = "tour-app" }).data, 0, "those of the schedule")
  local count = 0
  for one in git.runs:each { limit = 1 } do
    assert(one.id:find "^run_", "each run")
    count = count + 1
  end
  same(count, 2, "each run")

  same(all("name", git.runs.jobs:list(run)), "build lint test publish", "the jobs of the latest attempt")
  same(all("attempt", git.runs.jobs:list(run.id, { attempt = 1 })), "1 1 1 1", "those of the first")
  same(all("name", git.runs.jobs:list(run, { attempt = "1", status = "skipped" })), "publish", "those skipped")
  same(#git.runs.jobs:list(run, { attempt = "all", limit = 100 }).data, 7, "those of all")
  same(all("name", git.runs.jobs:list(run, { order = "desc", limit = 2 })), "publish test", "the other way")
end

-- ---- jobs ----

local function jobs(git, run)
  local job = git.jobs:get(job_of(run, "build").id)
  same(job.object, "job", "a job")
  assert(job.run_id == run.id and job.status == "succeeded" and job.attempt == 1 and not job.allow_failure, "its fields")
  assert(#job.needs == 0 and #job.steps == 2 and job.duration_ms > 0 and job.failure_code == nil, "its steps")
  assert(job.steps[1].name == "compile" and job.steps[1].exit_code == 0 and job.steps[1].status == "succeeded", "a step")
  same(job_of(run, "publish").needs[2], "test", "what it needs")
  same(job:refresh().id, job.id, "read again")
  same(job:wait().status, "succeeded", "a wait that is over")

  local lint = job_of(run, "lint")
  assert(lint.allow_failure and lint.failure_code == "exit_code" and lint.steps[1].exit_code == 1, "one that may fail")
  local ok, err = gitdev.pcall(lint.wait, lint)
  assert(not ok and err.type == "run_failed" and err.job == lint, "a wait that fails")

  local lines = job:logs { stage = "compile", level = "info", limit = 1000 }
  same(lines.data[1].object, "log_line", "a line")
  assert(lines.data[1].seq == 1 and lines.data[1].stage == "compile" and lines.data[1].stream == "system", "the first")
  local later = git.jobs.logs:list(job, { cursor = lines.data[1].cursor, limit = 2 })
  same(later.data[1].seq, 2, "the next")
  same(#git.jobs.logs:list(job.id, { since_ms = lines.data[1].time_ms, until_ms = lines.data[1].time_ms }).data, 0, "none in no time")
  local text = {}
  for line in git.jobs.logs:each(job, { limit = 5 }) do
    text[#text + 1] = line.message
  end
  text = table.concat(text, "\n")
  assert(text:find("NODE_ENV=production", 1, true) and text:find("TOKEN=***", 1, true), "its environment, with secrets masked")
  same(git.jobs.logs:list(job, { order = "desc", limit = 1, level = "info" }).data[1].seq, select(2, text:gsub("\n", "")) + 1, "the last")
end

-- ---- artifacts ----

local function artifacts(git, run)
  same(all("name", git.runs.artifacts:list(run, { order = "asc" })), "app manifest report", "what the jobs left")
  same(all("name", run:artifacts { job = "test" }), "report", "what one of them left")
  local app = git.runs.artifacts:list(run.id, { name = "app", job = job_of(run, "build") }).data[1]
  same(app.object, "artifact", "an artifact")
  assert(app.size_bytes == 300 * 1024 and app.content_type == "application/gzip" and #app.sha256 == 64, "its fields")
  same(app.expires_at - app.created_at, 30 * 24 * 3600, "how long it is kept")
  local count = 0
  for artifact in git.runs.artifacts:each(run, { limit = 1 }) do
    assert(artifact.run_id == run.id and artifact.job_id, "each artifact")
    count = count + 1
  end
  same(count, 3, "each artifact")
  return app
end

local function downloads(git, run, app)
  local whole = git.artifacts:download(app.id)
  assert(whole.status == 200 and whole.size == app.size_bytes and whole.sha256 == app.sha256, "a download")
  same(#whole.body, app.size_bytes, "its bytes")
  local part = git.artifacts:download(app, { range = "1000-1009" })
  same(part.status, 206, "a part")
  same(part.body, whole.body:sub(1001, 1010), "its bytes")
  same(app:download({ range = "-10" }).body, whole.body:sub(-10), "the last bytes")

  local path = os.tmpname()
  local seen = 0
  local saved = git.artifacts:download(app.id, {
    to = path,
    sha256 = app.sha256,
    on_progress = function(done)
      seen = done
    end,
  })
  local file = assert(io.open(path, "rb"))
  local bytes = file:read "*a"
  file:close()
  os.remove(path)
  assert(saved.path == path and bytes == whole.body and seen == #bytes, "into a file")

  local pieces = {}
  git.artifacts:download(run:artifacts({ name = "manifest" }).data[1].id, {
    to = function(piece)
      pieces[#pieces + 1] = piece
    end,
  })
  assert(table.concat(pieces):find '^{"digest":', "into a function")
end

-- ---- what starts runs by itself ----

local function schedule(git, control, release)
  release:update { triggers = { schedule = "0 * * * *" }, inputs = { { name = "version", required = true, default = "nightly" } } }
  control("POST", "clock", { advance_ms = HOUR_MS })
  local run = git.runs:list({ trigger = "schedule", pipeline = release.id }).data[1]
  assert(run.inputs.version == "nightly" and run.branch == "main" and run.number == 3, "a run of the schedule")
  -- No other run may be under way when the pipeline is deleted.
  release:update { enabled = false }
  control("POST", "clock", { advance_ms = HOUR_MS / 2 })
  run:wait { quiet = true, timeout = 60 }
end

return function(git, control)
  git.projects:create { slug = "tour-app", repository = "my-app" }
  git.env:create("tour-app", { key = "TOKEN", value = "the project's", secret = true })
  local release = pipelines(git)
  local run = first_run(git, control, release)
  local second = retry(git, control, run)
  lists(git, run, second)
  jobs(git, run)
  downloads(git, run, artifacts(git, run))
  schedule(git, control, release)
  git.pipelines:delete(release.id)
  same(git.runs:get(run.id).status, "succeeded", "a run stays readable")
end

-- Runs and jobs, and their state machines (contract 2.8, 2.9, 3.2, 4.3). A run waits 200 ms, a step takes 600 ms unless it sleeps.
local ci = require "spec.lua.support.ci"
local events = require "gitdev.emulator.store.events"
local json = require "gitdev.json"
local world = require "spec.lua.support.world"

local codes = world.codes

local R = { "project_id", "run_id", "pipeline_id", "number", "attempt", "branch", "commit_sha" }

-- The `data` keys of each event, in order (contract 4.3); R follows in all of them, but for the fields that are there before.
local PAYLOADS = {
  ["run.created"] = { "project", "status" },
  ["run.started"] = { "project", "status" },
  ["run.completed"] = { "project", "status", "duration_ms", "failure" },
  ["run.failed"] = { "project", "status", "duration_ms", "failure" },
  ["run.canceled"] = { "project", "status", "duration_ms", "failure" },
  ["job.completed"] = { "project", "status", "duration_ms", "name", "job_id", "failure_code" },
  ["job.failed"] = { "project", "status", "duration_ms", "name", "job_id", "failure_code" },
  ["job.canceled"] = { "project", "status", "duration_ms", "name", "job_id", "failure_code" },
}

describe("the emulator's runs", function()
  local w

  before_each(function()
    w = world.new { rate_limit = false }
  end)

  local function act(run, verb, body)
    return w:post("/runs/" .. run.id .. "/" .. verb, body)
  end

  describe("are made", function()
    it("queued, with the jobs waiting", function()
      local pipeline = ci.pipeline(w, { "build", { "test", needs = { "build" }, allow_failure = true } })
      local answer = w:post("/runs", { pipeline = pipeline.id })
      assert.equal(201, answer.status)
      local run = answer.json
      assert.equal("", world.misfit(run, "run"))
      assert.same({
        id = run.id,
        object = "run",
        number = 1,
        pipeline_id = pipeline.id,
        project = "my-app",
        project_id = pipeline.project_id,
        branch = "main",
        commit_sha = w:deploy().commit_sha,
        trigger = "api",
        status = "queued",
        attempt = 1,
        inputs = {},
        failure = json.null,
        created_at = world.START,
        started_at = json.null,
        finished_at = json.null,
        duration_ms = json.null,
      }, run)
      assert.equal(answer.body, w:get("/runs/" .. run.id).body)
      local jobs = ci.jobs(w, run)
      assert.equal("", world.misfit(jobs[1], "job"))
      assert.same({
        id = jobs[2].id,
        object = "job",
        run_id = run.id,
        name = "test",
        attempt = 1,
        status = "queued",
        needs = { "build" },
        allow_failure = true,
        steps = { { name = "step 1", status = "queued", exit_code = json.null, started_at = json.null, finished_at = json.null } },
        created_at = world.START,
        started_at = json.null,
        finished_at = json.null,
        duration_ms = json.null,
        failure_code = json.null,
      }, jobs[2])
      assert.same(jobs[2], w:get("/jobs/" .. jobs[2].id).json)
    end)

    it("with numbers of their pipeline", function()
      local one, two = ci.pipeline(w, { "a" }), ci.pipeline(w, { "a" }, { name = "two" })
      local numbers = {}
      for _, pipeline in ipairs { one, two, one, one, two } do
        numbers[#numbers + 1] = ci.start(w, pipeline).number
      end
      assert.same({ 1, 1, 2, 3, 2 }, numbers)
    end)

    it("for a branch, or a commit that the repository has", function()
      local pipeline = ci.pipeline(w, { "a" })
      local head = w:deploy({ branch = "develop" }).commit_sha
      local run = ci.start(w, pipeline, { branch = "develop" })
      assert.equal("develop " .. head, run.branch .. " " .. run.commit_sha)
      run = ci.start(w, pipeline, { commit_sha = head })
      assert.equal("main " .. head, run.branch .. " " .. run.commit_sha)
      w:patch("/projects/my-app", { production_branch = "develop" })
      assert.equal("develop", ci.start(w, pipeline).branch)
    end)

    it("from any branch where the project has no repository", function()
      w:post("/projects", { slug = "bare" })
      local pipeline = ci.pipeline(w, { "a" }, { project = "bare" })
      assert.equal(json.null, ci.start(w, pipeline, { branch = "x" }).commit_sha)
      assert.equal("422 resource_missing commit_sha", codes(w:post("/runs", { pipeline = pipeline.id, commit_sha = ("a"):rep(40) })))
    end)

    it("with inputs: given, or their defaults, or any others", function()
      local pipeline = ci.pipeline(w, { "a" }, {
        inputs = { { name = "version", required = true }, { name = "channel", default = "beta" }, { name = "note" } },
      })
      local run = ci.start(w, pipeline, { inputs = { version = "1.2" } })
      assert.same({ version = "1.2", channel = "beta" }, run.inputs)
      run = ci.start(w, pipeline, { inputs = { version = "", channel = "stable", other = "x" } })
      assert.same({ version = "", channel = "stable", other = "x" }, run.inputs)
    end)
  end)

  describe("are refused", function()
    local cases = {
      { "an unknown pipeline", { pipeline = "pl_000000000000" }, "422 resource_missing pipeline" },
      { "an unknown branch", { branch = "nope" }, "422 resource_missing branch" },
      { "an unknown commit", { commit_sha = ("0"):rep(40) }, "422 resource_missing commit_sha" },
      { "what names no branch", { branch = "a b" }, "422 parameter_invalid branch" },
      { "a branch too long for an event", { branch = ("b"):rep(245) }, "422 parameter_invalid branch" },
      {
        "both",
        { branch = "nope", commit_sha = ("0"):rep(40) },
        "422 resource_missing branch, resource_missing commit_sha",
      },
      { "half a commit", { commit_sha = "abc" }, "422 parameter_invalid commit_sha" },
      { "no inputs", { inputs = json.null }, "422 invalid_type inputs" },
      { "no input", {}, "422 parameter_missing inputs.a, parameter_missing inputs.b", "inputs" },
      { "one input of two", { inputs = { b = "" } }, "422 parameter_missing inputs.a", "inputs" },
      { "an input that is no text", { inputs = { a = 1 } }, "422 invalid_type inputs.a" },
      { "a NUL in an input", { inputs = { a = "\0" } }, "422 invalid_encoding inputs.a" },
      { "a long input", { inputs = { ["a.b"] = ("x"):rep(65537) } }, "422 env_too_large inputs.a.b" },
      { "a reserved variable", { env = { GIT_BRANCH = "x" } }, "422 env_key_reserved env.GIT_BRANCH" },
      { "a variable that is null", { env = { A = json.null } }, "422 invalid_type env.A" },
      { "too many variables", { env = { A = ("x"):rep(40000), B = ("x"):rep(30000) } }, "422 env_too_large env" },
      { "variables that are too many with the job's", { env = { A = ("x"):rep(65530) } }, "422 env_too_large env" },
      { "an unknown field", { ref = "main" }, "422 parameter_unknown ref" },
    }
    for _, case in ipairs(cases) do
      it("for " .. case[1], function()
        local pipeline = ci.pipeline(w, { { "a", env = { JOB = "value" } } },
          case[4] and { inputs = { { name = "a", required = true }, { name = "b", required = true }, { name = "c" } } })
        local body = { pipeline = pipeline.id }
        for name, value in pairs(case[2]) do
          body[name] = value
        end
        assert.equal(case[3], codes(w:post("/runs", body)))
        assert.equal(0, #w:get("/runs").json.data)
        assert.equal(1, ci.start(w, pipeline, { inputs = { a = "", b = "" } }).number)
      end)
    end

    it("of a pipeline that is disabled, or not to be started by hand", function()
      local pipeline = ci.pipeline(w, { "a" }, { enabled = false })
      local answer = w:post("/runs", { pipeline = pipeline.id })
      assert.equal("409 invalid_state", codes(answer))
      assert.equal("disabled", answer.json.error.current_status)
      assert.same({ "enabled" }, answer.json.error.allowed_statuses)
      w:patch("/pipelines/" .. pipeline.id, { enabled = true, triggers = { manual = false } })
      answer = w:post("/runs", { pipeline = pipeline.id })
      assert.equal("409 invalid_state", codes(answer))
      assert.truthy(answer.json.error.message:find("manual: false", 1, true))
      w:patch("/pipelines/" .. pipeline.id, { triggers = { manual = true } })
      assert.equal(201, w:post("/runs", { pipeline = pipeline.id }).status)
    end)

    it("once, when the same request comes again under its key", function()
      local pipeline = ci.pipeline(w, { "a" })
      local extra = { headers = { ["idempotency-key"] = "k1" } }
      local first = w:post("/runs", { pipeline = pipeline.id }, extra)
      w:wait(30)
      local second = w:post("/runs", { pipeline = pipeline.id }, extra)
      assert.equal(first.body, second.body)
      assert.equal("true", second.headers["idempotent-replayed"])
      assert.equal(1, #w:get("/runs").json.data)
      extra.headers["idempotency-key"] = "k2"
      local retried = act(first.json, "retry", nil, extra)
      assert.equal(2, retried.json.attempt)
    end)
  end)

  it("are listed, newest first, and filtered", function()
    w:post("/projects", { slug = "shop" })
    local one = ci.pipeline(w, { { "a", run = "exit 1" } })
    local two = ci.pipeline(w, { "a" }, { name = "two" })
    local three = ci.pipeline(w, { { "a", run = "sleep 100" } }, { name = "three", project = "shop" })
    local names = {}
    for number, case in ipairs { { one }, { two }, { two, "develop" }, { three } } do
      names[ci.start(w, case[1], { branch = case[2] }).id] = ("r%d"):format(number)
      w:wait(1)
    end
    w:wait(10)
    local function listed(query)
      local list = {}
      for index, run in ipairs(w:get("/runs" .. query).json.data) do
        list[index] = names[run.id]
      end
      return table.concat(list, " ")
    end
    assert.equal("r4 r3 r2 r1", listed "")
    assert.equal("r1 r2 r3 r4", listed "?order=asc")
    assert.equal("r4", listed "?project=shop")
    assert.equal("r3 r2", listed("?pipeline=" .. two.id))
    assert.equal("", listed "?pipeline=pl_000000000000")
    assert.equal("r3", listed "?branch=develop")
    assert.equal("r1", listed "?status=failed")
    assert.equal("r4 r1", listed "?status=failed&status=running")
    assert.equal("r4 r3 r2 r1", listed "?trigger=api")
    assert.equal("", listed "?trigger=push")
    assert.equal("r2", listed("?status=succeeded&branch=main&pipeline=" .. two.id))
    assert.equal("400 parameter_invalid status", codes(w:get "/runs?status=done"))
    local first = w:get("/runs?limit=2").json
    ci.start(w, one)
    local second = w:get("/runs?limit=2&cursor=" .. first.next_cursor).json
    assert.equal("r2 r1", names[second.data[1].id] .. " " .. names[second.data[2].id])
    assert.is_false(second.has_more)
  end)

  describe("go through the states of 3.2", function()
    it("with the steps of a job one after the other", function()
      local run = ci.start(w, ci.pipeline(w, { { "a", steps = { { name = "one", run = "true" }, { name = "two", run = "sleep 2" } } } }))
      local function steps()
        local parts = {}
        for index, step in ipairs(ci.jobs(w, run)[1].steps) do
          parts[index] = ("%s %s %s %s %s"):format(step.name, step.status, tostring(ci.value(step.exit_code)),
            ci.value(step.started_at) and step.started_at - world.START or "-",
            ci.value(step.finished_at) and step.finished_at - world.START or "-")
        end
        return table.concat(parts, ", ")
      end
      w:wait(0.199)
      assert.equal("queued", ci.run(w, run).status)
      w:wait(0.001)
      local running = ci.run(w, run)
      assert.equal("running", running.status)
      assert.equal(world.START, running.started_at)
      assert.equal(json.null, running.finished_at)
      assert.equal(json.null, running.duration_ms)
      assert.equal("a running", ci.statuses(w, run))
      assert.equal("one running nil 0 -, two queued nil - -", steps())
      w:wait(0.599)
      assert.equal("one running nil 0 -, two queued nil - -", steps())
      w:wait(0.001)
      assert.equal("one succeeded 0 0 0, two running nil 0 -", steps())
      w:wait(2.599)
      assert.equal("running", ci.run(w, run).status)
      w:wait(0.001)
      assert.equal("one succeeded 0 0 0, two succeeded 0 0 3", steps())
      local job = ci.jobs(w, run)[1]
      assert.equal("succeeded", job.status)
      assert.equal(3200, job.duration_ms)
      assert.equal(world.START, job.started_at)
      assert.equal(world.START + 3, job.finished_at)
      local done = ci.run(w, run)
      assert.equal("succeeded", done.status)
      assert.equal(3200, done.duration_ms)
      assert.equal(world.START + 3, done.finished_at)
      assert.equal(json.null, done.failure)
      assert.equal("run.created, run.started, job.completed a, run.completed", ci.events(w))
    end)

    it("at their own times, even when nobody looks for an hour", function()
      local run = ci.ran(w, { "a", { "b", needs = { "a" } } })
      assert.equal(1200, run.duration_ms)
      assert.equal(world.START + 1, run.finished_at)
    end)

    it("in the time that the emulator was told to build in", function()
      w = world.new { build_ms = 40000 }
      assert.equal(10000, ci.ran(w, { "a" }).duration_ms)
      w = world.new { build_ms = 0 }
      local run = ci.start(w, ci.pipeline(w, { "a", { "b", needs = { "a" } } }))
      w:wait(0.2)
      assert.equal("succeeded", ci.run(w, run).status)
      assert.equal(0, ci.run(w, run).duration_ms)
    end)
  end)

  describe("are canceled", function()
    it("while queued", function()
      local run = ci.start(w, ci.pipeline(w, { "a", { "b", needs = { "a" } } }))
      w:wait(0.1)
      local answer = act(run, "cancel")
      assert.equal(200, answer.status)
      assert.equal("canceled", answer.json.status)
      assert.equal(world.START, answer.json.finished_at)
      assert.equal(json.null, answer.json.started_at)
      assert.equal(json.null, answer.json.duration_ms)
      assert.equal(json.null, answer.json.failure)
      assert.equal("a canceled, b canceled", ci.statuses(w, run))
      local job = ci.jobs(w, run)[1]
      assert.equal("canceled canceled", job.failure_code .. " " .. job.steps[1].status)
      assert.equal(json.null, job.duration_ms)
      w:wait(3600)
      assert.equal("run.created, job.canceled a, job.canceled b, run.canceled", ci.events(w))
    end)

    it("while running; what has ended stays as it is", function()
      local run = ci.start(w, ci.pipeline(w, { "a", { "b", run = { "sleep 5", "true" }, needs = { "a" } }, { "c", needs = { "b" } } }))
      w:wait(2.8)
      assert.equal("a succeeded, b running, c queued", ci.statuses(w, run))
      local answer = act(run, "cancel")
      assert.equal("canceled 2600", ("%s %d"):format(answer.json.status, answer.json.duration_ms))
      assert.equal("a succeeded, b canceled, c canceled", ci.statuses(w, run))
      local job = ci.job(w, run, "b")
      assert.equal("canceled canceled 2000", ("%s %s %d"):format(job.status, job.failure_code, job.duration_ms))
      assert.equal("canceled canceled", job.steps[1].status .. " " .. job.steps[2].status)
      assert.equal(world.START + 2, job.steps[1].finished_at)
      assert.equal(json.null, job.steps[2].finished_at)
      w:wait(3600)
      assert.equal("run.created, run.started, job.completed a, job.canceled b, job.canceled c, run.canceled", ci.events(w))
    end)

    for _, outcome in ipairs { "succeeded", "failed", "canceled" } do
      it("never when " .. outcome, function()
        local run = ci.start(w, ci.pipeline(w, { { "a", run = outcome == "failed" and "exit 1" or "true" } }))
        if outcome == "canceled" then
          act(run, "cancel")
        end
        w:wait(60)
        local answer = act(run, "cancel")
        assert.equal("409 invalid_state", codes(answer))
        assert.equal(outcome, answer.json.error.current_status)
        assert.same({ "queued", "running" }, answer.json.error.allowed_statuses)
      end)
    end
  end)

  describe("are retried", function()
    -- The first attempt fails at b; a second one does not.
    local function failed(jobs)
      local run = ci.start(w, ci.pipeline(w, jobs or { "a", { "b", needs = { "a" } }, { "c", needs = { "b" } } }), {
        inputs = { emulate = "job_failed:b" },
      })
      w:wait(60)
      assert.equal("failed", ci.run(w, run).status)
      return run
    end

    it("as the same run, from the beginning, with new jobs", function()
      local run = failed()
      local before = ci.jobs(w, run)
      local from = #w.emulator:events() + 1
      local answer = act(run, "retry")
      assert.equal(200, answer.status)
      local again = answer.json
      assert.equal("", world.misfit(again, "run"))
      assert.same({ run.id, 1, "queued", 2, world.START }, { again.id, again.number, again.status, again.attempt, again.created_at })
      for _, field in ipairs { "failure", "started_at", "finished_at", "duration_ms" } do
        assert.equal(json.null, again[field])
      end
      local jobs = ci.jobs(w, run)
      assert.equal("a queued, b queued, c queued", ci.statuses(w, run))
      for index, job in ipairs(jobs) do
        assert.are_not.equal(before[index].id, job.id)
        assert.equal(2, job.attempt)
        assert.equal(world.START + 60, job.created_at)
        assert.same(before[index], w:get("/jobs/" .. before[index].id).json)
      end
      w:wait(60)
      local done = ci.run(w, run)
      assert.equal("succeeded 1800", ("%s %d"):format(done.status, done.duration_ms))
      assert.equal(world.START + 60, done.started_at)
      assert.equal("run.created, run.started, job.completed a, job.completed b, job.completed c, run.completed", ci.events(w, from))
      local list = w.emulator:events()
      for index = from, #list do
        assert.equal(2, list[index].data.attempt)
      end
    end)

    it("with the jobs that succeeded kept as they are, if only the others are asked for", function()
      local run = failed()
      local before = ci.jobs(w, run)
      local from = #w.emulator:events() + 1
      assert.equal(200, act(run, "retry", { failed_only = true }).status)
      local jobs = ci.jobs(w, run)
      assert.same(before[1], jobs[1])
      assert.equal("a succeeded, b queued, c queued", ci.statuses(w, run))
      assert.equal("1 2 2", ("%d %d %d"):format(jobs[1].attempt, jobs[2].attempt, jobs[3].attempt))
      w:wait(60)
      assert.equal("a succeeded, b succeeded, c succeeded", ci.statuses(w, run))
      assert.equal(1200, ci.run(w, run).duration_ms)
      assert.equal("run.created, run.started, job.completed b, job.completed c, run.completed", ci.events(w, from))
    end)

    it("after being canceled, and again and again", function()
      local run = ci.start(w, ci.pipeline(w, { "a", { "b", run = "exit 1", needs = { "a" } } }))
      w:wait(1)
      act(run, "cancel")
      assert.equal("a succeeded, b canceled", ci.statuses(w, run))
      for attempt = 2, 4 do
        assert.equal(attempt, act(run, "retry", { failed_only = true }).json.attempt)
        w:wait(60)
        assert.equal("a succeeded, b failed", ci.statuses(w, run))
        assert.equal("b", ci.run(w, run).failure.job)
      end
      assert.equal("a succeeded, b canceled", ci.statuses(w, run, "?attempt=1"))
    end)

    it("with the project's variables of today", function()
      local run = failed()
      w:post("/projects/my-app/env", { key = "FRESH", value = "yes" })
      act(run, "retry", { failed_only = true })
      assert.is_nil(ci.environment(w, ci.job(w, run, "a")).FRESH)
      local all = ci.environment(w, ci.job(w, run, "b"))
      assert.equal("yes 2", all.FRESH .. " " .. all.GIT_RUN_ATTEMPT)
    end)

    it("whole, when it succeeded", function()
      local run = ci.ran(w, { "a", { "b", run = "false", allow_failure = true } })
      local answer = act(run, "retry", { failed_only = true })
      assert.equal("409 invalid_state", codes(answer))
      assert.equal("succeeded", answer.json.error.current_status)
      assert.same({ "failed", "canceled" }, answer.json.error.allowed_statuses)
      assert.equal(2, act(run, "retry").json.attempt)
    end)

    it("only when they have ended, and never without their pipeline", function()
      local run = ci.start(w, ci.pipeline(w, { "a" }))
      for _, status in ipairs { "queued", "running" } do
        local answer = act(run, "retry")
        assert.equal("409 invalid_state", codes(answer))
        assert.equal(status, answer.json.error.current_status)
        assert.same({ "succeeded", "failed", "canceled" }, answer.json.error.allowed_statuses)
        w:wait(0.2)
      end
      w:wait(60)
      w:delete("/pipelines/" .. run.pipeline_id)
      local answer = act(run, "retry")
      assert.equal("409 invalid_state", codes(answer))
      assert.same({}, answer.json.error.allowed_statuses)
      assert.equal(1, ci.run(w, run).attempt)
    end)

    it("though their pipeline has changed since", function()
      local run = failed()
      w:patch("/pipelines/" .. run.pipeline_id, { jobs = ci.jobs_of { "z" }, enabled = false })
      assert.equal(200, act(run, "retry").status)
      w:wait(60)
      assert.equal("a succeeded, b succeeded, c succeeded", ci.statuses(w, run))
    end)
  end)

  describe("list their jobs", function()
    local run

    before_each(function()
      run = ci.start(w, ci.pipeline(w, { "a", { "b", run = "exit 1", needs = { "a" } }, { "c", needs = { "b" } } }))
      w:wait(60)
      act(run, "retry", { failed_only = true })
      w:wait(60)
    end)

    local cases = {
      { "", "a1 b2 c2" },
      { "?order=desc", "c2 b2 a1" },
      { "?attempt=1", "a1 b1 c1" },
      { "?attempt=2", "a1 b2 c2" },
      { "?attempt=3", "" },
      { "?attempt=999999999", "" },
      { "?attempt=all", "a1 b1 c1 b2 c2" },
      { "?attempt=all&order=desc", "c2 b2 c1 b1 a1" },
      { "?attempt=all&status=failed", "b1 b2" },
      { "?status=skipped", "c2" },
      { "?status=succeeded&attempt=1", "a1" },
    }
    for _, case in ipairs(cases) do
      it(('of the attempts and statuses asked for: "%s"'):format(case[1]), function()
        local function listed(jobs)
          local list = {}
          for index, job in ipairs(jobs) do
            list[index] = ("%s%d"):format(job.name, job.attempt)
          end
          return table.concat(list, " ")
        end
        assert.equal(case[2], listed(ci.jobs(w, run, case[1])))
        local path = "/runs/" .. run.id .. "/jobs" .. (case[1] == "" and "?" or case[1] .. "&") .. "limit=1"
        assert.equal(case[2], listed((w:walk(path))))
      end)
    end

    it("and refuse an attempt that is none", function()
      for _, attempt in ipairs { "0", "01", "-1", "latest", "", "1.5", "ALL", "1all" } do
        assert.equal("400 parameter_invalid attempt", codes(w:get("/runs/" .. run.id .. "/jobs?attempt=" .. attempt)))
      end
      assert.equal("400 parameter_invalid status", codes(w:get("/runs/" .. run.id .. "/jobs?status=done")))
    end)
  end)

  it("tell of what happens with the contract's fields, in its order", function()
    local from = #w.emulator:events() + 1
    local run = ci.start(w, ci.pipeline(w, { "a", { "b", run = "exit 1" }, { "c", run = "sleep 9" } }))
    w:wait(1)
    local jobs = ci.jobs(w, run)
    act(run, "cancel")
    local failed = ci.start(w, w:get("/pipelines/" .. run.pipeline_id).json)
    w:wait(60)
    local good = ci.start(w, ci.pipeline(w, { "a" }, { name = "good" }))
    w:wait(60)
    local list, seen = w.emulator:events(), {}
    for index = from, #list do
      local event = list[index]
      local body, expected = events.body(event), {}
      for _, name in ipairs(PAYLOADS[event.type]) do
        expected[#expected + 1] = name
      end
      for _, name in ipairs(R) do
        expected[#expected + 1] = name
      end
      local names, data = {}, body:match '"data":{(.*)}}$'
      data = data:gsub('"failure":{.-}', '"failure":null')
      for name in data:gmatch '"([%l_]+)":' do
        names[#names + 1] = name
      end
      assert.same(expected, names, event.type)
      local owner = event.data.run_id == run.id and run or event.data.run_id == failed.id and failed or good
      for _, name in ipairs { "project", "project_id", "pipeline_id", "number", "branch", "commit_sha" } do
        assert.equal(owner[name], event.data[name])
      end
      seen[event.type] = event.data
    end
    for kind in pairs(PAYLOADS) do
      assert.is_table(seen[kind], kind)
    end
    assert.equal("canceled", seen["run.canceled"].status)
    assert.equal("c canceled canceled 800", ("%s %s %s %d"):format(
      seen["job.canceled"].name, seen["job.canceled"].status, seen["job.canceled"].failure_code, seen["job.canceled"].duration_ms))
    assert.equal(jobs[3].id, seen["job.canceled"].job_id)
    assert.equal("b", seen["run.failed"].failure.job)
    assert.equal("exit_code", seen["job.failed"].failure_code)
  end)
end)

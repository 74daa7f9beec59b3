-- The graph of a run's jobs, and what their steps do (contract 2.8, 3.2, 5). A run waits 200 ms, a step takes 600 ms unless it sleeps.
local ci = require "spec.lua.support.ci"
local json = require "gitdev.json"
local world = require "spec.lua.support.world"

describe("the emulator's runs", function()
  local w

  before_each(function()
    w = world.new { rate_limit = false }
  end)

  describe("run the graph of their jobs:", function()
    -- The jobs; how they and the run end; its duration; the events after run.created and run.started.
    local cases = {
      {
        "what needs nothing runs side by side",
        { "a", "b", "c" },
        "a succeeded, b succeeded, c succeeded",
        "succeeded 600",
        "job.completed a, job.completed b, job.completed c, run.completed",
      },
      {
        "what needs something waits for all of it",
        { { "d", needs = { "b", "c" } }, { "b", needs = { "a" } }, { "c", needs = { "a" }, run = "sleep 1" }, "a" },
        "d succeeded, b succeeded, c succeeded, a succeeded",
        "succeeded 2800",
        "job.completed a, job.completed b, job.completed c, job.completed d, run.completed",
      },
      {
        "a job whose need failed is skipped, and what needs that too",
        { { "a", run = "exit 3" }, { "b", needs = { "a" } }, { "c", needs = { "b" } } },
        "a failed, b skipped, c skipped",
        "failed 600 a exit_code",
        "job.failed a, run.failed",
      },
      {
        "also where that stands before it",
        { { "c", needs = { "b" } }, { "b", needs = { "a" } }, { "a", run = "false" } },
        "c skipped, b skipped, a failed",
        "failed 600 a exit_code",
        "job.failed a, run.failed",
      },
      {
        "what does not need it goes on to its end",
        { { "a", run = "exit 1" }, { "b", run = { "sleep 1", "true" } }, { "c", needs = { "b" } }, { "d", needs = { "a", "b" } } },
        "a failed, b succeeded, c succeeded, d skipped",
        "failed 2800 a exit_code",
        "job.failed a, job.completed b, job.completed c, run.failed",
      },
      {
        "the first that fails gives the reason",
        { { "a", run = { "true", "exit 1" } }, { "b", run = "exit 2" } },
        "a failed, b failed",
        "failed 1200 b exit_code",
        "job.failed b, job.failed a, run.failed",
      },
      {
        "one that may fail does not make the run fail",
        { { "a", run = "exit 1", allow_failure = true }, "b" },
        "a failed, b succeeded",
        "succeeded 600",
        "job.failed a, job.completed b, run.completed",
      },
      {
        "but what needs it is skipped all the same",
        { { "a", run = "exit 1", allow_failure = true }, { "b", needs = { "a" } } },
        "a failed, b skipped",
        "succeeded 600",
        "job.failed a, run.completed",
      },
      {
        "one that takes too long fails",
        { { "a", run = "sleep 10", timeout_ms = 2500 }, { "b", needs = { "a" } } },
        "a failed, b skipped",
        "failed 2500 a timeout",
        "job.failed a, run.failed",
      },
      {
        "the time limit is for all steps together",
        { { "a", run = { "sleep 1", "sleep 1", "sleep 1" }, timeout_ms = 4000 } },
        "a failed",
        "failed 4000 a timeout",
        "job.failed a, run.failed",
      },
      {
        "and may be used up",
        { { "a", run = { "sleep 1", "sleep 1" }, timeout_ms = 3200 } },
        "a succeeded",
        "succeeded 3200",
        "job.completed a, run.completed",
      },
    }
    for _, case in ipairs(cases) do
      it(case[1], function()
        local run = ci.ran(w, case[2])
        assert.equal(case[3], ci.statuses(w, run))
        local failure = ci.value(run.failure)
        assert.equal(case[4], ("%s %d"):format(run.status, run.duration_ms)
          .. (failure and (" %s %s"):format(failure.job, failure.code) or ""))
        assert.equal("run.created, run.started, " .. case[5], ci.events(w))
        assert.truthy(not failure or failure.message:find "%.$")
      end)
    end

    it("steps after the one that failed are skipped", function()
      local run = ci.ran(w, { { "a", run = { "true", "exit 7", "true" } } })
      local job, seen = ci.jobs(w, run)[1], {}
      for index, step in ipairs(job.steps) do
        seen[index] = step.status .. " " .. tostring(ci.value(step.exit_code))
      end
      assert.same({ "succeeded 0", "failed 7", "skipped nil" }, seen)
      assert.equal("failed exit_code 1200", ("%s %s %d"):format(job.status, job.failure_code, job.duration_ms))
      assert.equal('Step "step 2" of job a ended with exit code 7.', run.failure.message)
    end)

    it("a skipped job has an end, but neither beginning nor duration", function()
      local run = ci.ran(w, { { "a", run = "exit 1" }, { "b", needs = { "a" } } })
      local job = ci.job(w, run, "b")
      assert.equal("", world.misfit(job, "job"))
      assert.equal(json.null, job.started_at)
      assert.equal(world.START, job.finished_at)
      assert.equal(json.null, job.duration_ms)
      assert.equal(json.null, job.failure_code)
      assert.equal("skipped", job.steps[1].status)
    end)

    it("one that runs into its time limit has no exit code", function()
      local run = ci.ran(w, { { "a", run = { "sleep 9", "true" }, timeout_ms = 1000 } })
      local job = ci.jobs(w, run)[1]
      assert.equal("failed timeout 1000", ("%s %s %d"):format(job.status, job.failure_code, job.duration_ms))
      assert.equal("failed skipped", job.steps[1].status .. " " .. job.steps[2].status)
      assert.equal(json.null, job.steps[1].exit_code)
      assert.equal(world.START + 1, job.steps[1].finished_at)
    end)

    -- A small generator of our own, so that a failure can be repeated on any Lua.
    local function dice(seed)
      local state = seed
      return function(sides)
        state = (state * 16807) % 2147483647
        return state % sides + 1
      end
    end

    -- A graph of which each job needs some of those before it, in a shuffled order; and what must become of it: name -> status, start and
    -- end in milliseconds.
    local function random_graph(roll)
      local jobs, expected = {}, {}
      for number = 1, roll(12) do
        local name, needs, begins, skipped = "job " .. number, {}, 0, false
        for other = 1, number - 1 do
          if roll(4) == 1 then
            local before = expected["job " .. other]
            needs[#needs + 1] = "job " .. other
            begins, skipped = math.max(begins, before.ends), skipped or before.status ~= "succeeded"
          end
        end
        local seconds, fails = roll(5), roll(4) == 1
        expected[name] = {
          status = skipped and "skipped" or fails and "failed" or "succeeded",
          ends = skipped and 0 or begins + 600 + seconds * 1000,
          duration_ms = not skipped and 600 + seconds * 1000 or json.null,
        }
        local run = ("sleep %d\n%s"):format(seconds, fails and "exit 1" or "true")
        table.insert(jobs, roll(number), { name, needs = needs[1] and needs, run = run, allow_failure = roll(2) == 1 })
      end
      return jobs, expected
    end

    it("any of them, as its needs say", function()
      for seed = 1, 60 do
        w = world.new { rate_limit = false }
        local jobs, expected = random_graph(dice(seed))
        local run, ends, failed = ci.ran(w, jobs), 0, false
        for index, job in ipairs(ci.jobs(w, run)) do
          local wanted = expected[job.name]
          assert.same({ wanted.status, wanted.duration_ms }, { job.status, job.duration_ms }, ("seed %d %s"):format(seed, job.name))
          ends = math.max(ends, wanted.ends)
          failed = failed or job.status == "failed" and not jobs[index].allow_failure
        end
        assert.equal(ends, run.duration_ms)
        assert.equal(failed and "failed" or "succeeded", run.status)
      end
    end)

    it("also when the emulator's state was saved and loaded on the way", function()
      local run = ci.start(w, ci.pipeline(w, { "a", { "b", needs = { "a" }, run = "sleep 5", artifacts = { { name = "x", path = "x" } } } }, {
        triggers = { schedule = "0 4 * * *" },
      }))
      w:wait(2)
      local state = w.emulator:dump()
      w:wait(20)
      local done, jobs, artifact = ci.run(w, run), ci.jobs(w, run), w:get("/runs/" .. run.id .. "/artifacts").json.data[1]
      local other = world.new { seed = 2 }
      other.now = world.START + 2
      assert(other.emulator:restore(state))
      assert.equal("a succeeded, b running", ci.statuses(other, run))
      other:wait(20)
      assert.same(done, ci.run(other, run))
      assert.same(jobs, ci.jobs(other, run))
      assert.equal(artifact.sha256, other:get("/runs/" .. run.id .. "/artifacts").json.data[1].sha256)
      other:wait(3600)
      assert.equal("schedule", other:get("/runs").json.data[1].trigger)
    end)

    it("fifty of them in a row", function()
      local jobs = {}
      for number = 1, 50 do
        jobs[number] = { "job " .. number, needs = number > 1 and { "job " .. (number - 1) } or nil }
      end
      assert.equal(30000, ci.ran(w, jobs).duration_ms)
    end)
  end)

  describe("do what a step's commands say:", function()
    -- A step's commands, its exit code, and the job's duration.
    local cases = {
      { "make", 0, 600 },
      { "exit 0", 0, 600 },
      { "exit 42", 42, 600 },
      { "exit 256", 0, 600 },
      { "  exit 1  ", 1, 600 },
      { "exit", 0, 600 },
      { "exit one", 0, 600 },
      { "exit 1 2", 0, 600 },
      { "false", 1, 600 },
      { "true\nfalse\ntrue", 1, 600 },
      { "make\r\nexit 3\r\nmake", 3, 600 },
      { "exit 0\nexit 1", 0, 600 },
      { "sleep 2", 0, 2600 },
      { "sleep 0.25\nsleep 1", 0, 1850 },
      { "exit 5\nsleep 10", 5, 600 },
      { "sleep -5", 0, 600 },
      { "sleep x", 0, 600 },
      { "sleep nan", 0, 600 },
      { "sleep 1e9", 0, 600 },
      { "# exit 1", 0, 600 },
      { "echo exit 1", 0, 600 },
    }
    for _, case in ipairs(cases) do
      it(("%q"):format(case[1]):gsub("\n", "n"), function()
        local job = ci.jobs(w, ci.ran(w, { { "a", run = case[1] } }))[1]
        assert.equal(case[2], job.steps[1].exit_code)
        assert.equal(case[2] == 0 and "succeeded" or "failed", job.status)
        assert.equal(case[3], job.duration_ms)
      end)
    end
  end)

  describe("end as the input emulate asks:", function()
    local jobs = { { "a", run = { "true", "true" } }, { "b", needs = { "a" } }, { "c", needs = { "b" } } }
    local cases = {
      { "build_failed", "a failed, b skipped, c skipped", "failed 1200", "exit_code" },
      { "deploy_failed", "a succeeded, b succeeded, c failed", "failed 2400", "exit_code" },
      { "job_failed:b", "a succeeded, b failed, c skipped", "failed 1800", "exit_code" },
      { "build_failed:c", "a succeeded, b succeeded, c failed", "failed 2400", "exit_code" },
      { "runner_lost", "a failed, b skipped, c skipped", "failed 600", "runner_lost" },
      { "runner_lost:b", "a succeeded, b failed, c skipped", "failed 1800", "runner_lost" },
      { "hang", "a failed, b skipped, c skipped", "failed 3600000", "timeout" },
      { "slow", "a succeeded, b succeeded, c succeeded", "succeeded 24000" },
      { "slow:b", "a succeeded, b succeeded, c succeeded", "succeeded 7800" },
      { "job_failed", "a succeeded, b succeeded, c succeeded", "succeeded 2400" },
      { "job_failed:none", "a succeeded, b succeeded, c succeeded", "succeeded 2400" },
      { "nonsense", "a succeeded, b succeeded, c succeeded", "succeeded 2400" },
      { "", "a succeeded, b succeeded, c succeeded", "succeeded 2400" },
    }
    for _, case in ipairs(cases) do
      it('"' .. case[1] .. '"', function()
        local run = ci.start(w, ci.pipeline(w, jobs), { inputs = { emulate = case[1] } })
        w:wait(7200)
        assert.equal(case[2], ci.statuses(w, run))
        local ended = ci.run(w, run)
        assert.equal(case[3], ("%s %d"):format(ended.status, ended.duration_ms))
        assert.equal(case[4], ci.value(ended.failure) and ended.failure.code)
        assert.equal(case[1], ended.inputs.emulate)
        if case[4] then
          local again = w:post("/runs/" .. run.id .. "/retry")
          assert.equal(200, again.status)
          w:wait(7200)
          assert.equal("succeeded", ci.run(w, run).status)
        end
      end)
    end
  end)
end)

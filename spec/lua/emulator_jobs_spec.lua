-- What a job's process gets, and the logs of jobs (contract 1.10, 2.5, 2.9).
local ci = require "spec.lua.support.ci"
local json = require "gitdev.json"
local world = require "spec.lua.support.world"

local codes = world.codes

describe("the emulator's jobs", function()
  local w

  before_each(function()
    w = world.new { rate_limit = false }
  end)

  local function variable(fields)
    local answer = w:post("/projects/my-app/env", fields)
    assert(answer.status == 201, answer.body)
  end

  -- The one job of a run that is over.
  local function job_of(jobs, fields)
    return ci.jobs(w, ci.ran(w, jobs, fields))[1]
  end

  describe("get an environment", function()
    it("of what the platform sets", function()
      local pipeline = ci.pipeline(w, { "unit tests" })
      local run = ci.start(w, pipeline, { inputs = { version = "1.2", ["a-b.c"] = "x" } })
      local job = ci.jobs(w, run)[1]
      assert.same({
        CI = "true",
        GIT_PROJECT = "my-app",
        GIT_TARGET = "production",
        GIT_BRANCH = "main",
        GIT_COMMIT_SHA = run.commit_sha,
        GIT_PIPELINE_ID = pipeline.id,
        GIT_RUN_ID = run.id,
        GIT_RUN_NUMBER = "1",
        GIT_RUN_ATTEMPT = "1",
        GIT_RUN_TRIGGER = "api",
        GIT_JOB_ID = job.id,
        GIT_JOB_NAME = "unit tests",
        GIT_INPUT_VERSION = "1.2",
        GIT_INPUT_A_B_C = "x",
      }, ci.environment(w, job))
    end)

    it("of the run's variables over the job's over the project's", function()
      variable { key = "A", value = "project" }
      variable { key = "B", value = "project" }
      variable { key = "C", value = "project" }
      local pipeline = ci.pipeline(w, { { "a", env = { B = "job", C = "job", D = "job" } }, "b" })
      local run = ci.start(w, pipeline, { env = { C = "run", E = "run", CI = "" } })
      local env = ci.environment(w, ci.job(w, run, "a"))
      assert.equal("project job run job run ", table.concat({ env.A, env.B, env.C, env.D, env.E, env.CI }, " "))
      env = ci.environment(w, ci.job(w, run, "b"))
      assert.equal("project project run nil run", table.concat({ env.A, env.B, env.C, tostring(env.D), env.E }, " "))
    end)

    it("for the target and the branch that the run is for", function()
      variable { key = "T", value = "production", targets = { "production" } }
      variable { key = "T", value = "preview", targets = { "preview" } }
      variable { key = "P", value = "develop", targets = { "preview" }, branch = "develop" }
      local pipeline = ci.pipeline(w, { "a" })
      local env = ci.environment(w, ci.jobs(w, ci.start(w, pipeline))[1])
      assert.equal("production production nil", ("%s %s %s"):format(env.GIT_TARGET, env.T, tostring(env.P)))
      env = ci.environment(w, ci.jobs(w, ci.start(w, pipeline, { branch = "develop" }))[1])
      assert.equal("preview preview develop", ("%s %s %s"):format(env.GIT_TARGET, env.T, env.P))
    end)

    it("byte for byte", function()
      local values = {
        EQUALS = "a=b=c==", PEM = "-----BEGIN\nAB\n", BACKSLASH = "a\\nb", CRLF = "a\r\nb", UTF8 = "Fäncy", ASTRAL = "😀",
        DECOMPOSED = "e\204\129", URLISH = "a%20b+c&d", BLANKS = "  x ", EMPTY = "", SEPARATOR = "\226\128\168",
      }
      local run = ci.start(w, ci.pipeline(w, { { "a", env = values } }), { inputs = values })
      local env = ci.environment(w, ci.jobs(w, run)[1])
      for key, value in pairs(values) do
        assert.equal(value, env[key])
        assert.equal(value, env["GIT_INPUT_" .. key])
      end
    end)

    it("that stays what it was when the project changes", function()
      variable { key = "A", value = "old" }
      local run = ci.start(w, ci.pipeline(w, { "a" }))
      w:patch("/projects/my-app", { slug = "our-app" })
      w:post("/projects/our-app/env", { key = "B", value = "new" })
      local env = ci.environment(w, ci.jobs(w, run)[1])
      assert.equal("my-app old nil", ("%s %s %s"):format(env.GIT_PROJECT, env.A, tostring(env.B)))
    end)

    it("which nobody shows of a job that is not there", function()
      assert.equal(404, w:send("GET", "/jobs/job_000000000000/environment", nil, { base = "/_emulator" }).status)
    end)
  end)

  describe("write logs", function()
    it("of lines with the contract's fields, numbered from 1 without holes, in time, by step", function()
      local job = job_of { { "a", steps = { { name = "compile", run = "echo one\nsleep 2\necho two" }, { run = "exit 3" } } } }
      local list, before, stages = w:get("/jobs/" .. job.id .. "/logs").json.data, 0, {}
      for index, line in ipairs(list) do
        assert.equal("", world.misfit(line, "log_line"))
        assert.equal(index, line.seq)
        assert.truthy(line.time_ms >= before)
        before = line.time_ms
        stages[line.stage] = (stages[line.stage] or 0) + 1
      end
      assert.equal(world.START * 1000 + 200, list[1].time_ms)
      assert.truthy(stages.compile > 10)
      assert.equal(2, stages["step 2"])
      local text = ci.log(w, job, "?limit=1000&level=info")
      assert.equal(("Job a of run 1 started: attempt 1, branch main, commit %s\n$ echo one\nsleep 2\necho two\n"
        .. "one\ntwo\nThe step ended with exit code 0\n$ exit 3\nThe step ended with exit code 3")
        :format(w:deploy().commit_sha:sub(1, 7)), text)
    end)

    it("when their time has come", function()
      local run = ci.start(w, ci.pipeline(w, { { "a", run = "echo one\nsleep 2\necho two" }, { "b", needs = { "a" } } }))
      local a, b = ci.job(w, run, "a"), ci.job(w, run, "b")
      assert.equal("", ci.log(w, a))
      w:wait(0.2)
      assert.truthy(ci.log(w, a):find "\none$")
      w:wait(1.999)
      assert.truthy(ci.log(w, a):find "\none$")
      w:wait(0.001)
      assert.truthy(ci.log(w, a):find "\ntwo$")
      w:wait(0.6)
      assert.truthy(ci.log(w, a):find "exit code 0$")
      assert.truthy(ci.log(w, b):find "^Job b of run 1")
    end)

    local ends = {
      { { run = "exit 4" }, "error", "The step ended with exit code 4" },
      { { run = "sleep 9", timeout_ms = 700 }, "error", "The job ran into its time limit of 700 ms" },
      { {}, "error", "The runner was lost", { inputs = { emulate = "runner_lost" } } },
      { { run = "sleep 9\necho late" }, "warn", "The job was canceled", nil, "cancel" },
    }
    for _, case in ipairs(ends) do
      it("that tell how they end: " .. case[3], function()
        case[1][1] = "a"
        local run = ci.start(w, ci.pipeline(w, { case[1] }), case[4])
        w:wait(2)
        if case[5] then
          w:post("/runs/" .. run.id .. "/cancel")
        end
        w:wait(60)
        local job = ci.jobs(w, run)[1]
        assert.equal(case[3], ci.log(w, job, "?limit=1000&level=" .. case[2]))
        assert.is_nil(ci.log(w, job):find("\nlate", 1, true))
      end)
    end

    it("filtered and paged as the contract says", function()
      local job = job_of { { "a", steps = { { name = "x y", run = "echo one\nsleep 1\necho two" }, { name = "z", run = "make" } } } }
      local path = "/jobs/" .. job.id .. "/logs"
      assert.equal("$ make\nThe step ended with exit code 0", ci.log(w, job, "?stage=z"))
      assert.truthy(ci.log(w, job, "?stage=x%20y"):find "one\ntwo")
      assert.equal("", ci.log(w, job, "?stage=none"))
      assert.equal("", ci.log(w, job, "?level=warn"))
      local start = world.START * 1000 + 200
      assert.equal("two", ci.log(w, job, ("?since_ms=%d&until_ms=%d"):format(start + 1, start + 1600)))
      local all = w:get(path .. "?limit=1000").json.data
      local walked = w:walk(path .. "?limit=3")
      assert.equal(#all, #walked)
      for index, line in ipairs(w:walk(path .. "?limit=4&order=desc")) do
        assert.equal(#all + 1 - index, line.seq)
      end
      local polled = w:get(path .. "?cursor=" .. all[#all - 1].cursor).json.data
      assert.equal(1, #polled)
      assert.equal("400 cursor_mismatch cursor", codes(w:get(path .. "?level=info&cursor=" .. w:get(path .. "?limit=1").json.next_cursor)))
      assert.equal("400 parameter_invalid limit", codes(w:get(path .. "?limit=1001")))
    end)

    it("with the secrets of the project masked, wherever they come from", function()
      variable { key = "TOKEN", value = "top-secret-value", secret = true }
      variable { key = "CERT", value = "-----BEGIN\nline of it\n", secret = true }
      variable { key = "OPEN", value = "plain" }
      local pipeline = ci.pipeline(w, { { "a", run = "echo it is top-secret-value, not plain\necho given: per-run", env = { PLAIN = "per-job" } } }, {
        inputs = { { name = "key", default = "top-secret-value" } },
      })
      local run = ci.start(w, pipeline)
      w:wait(60)
      local text = ci.log(w, ci.jobs(w, run)[1])
      assert.is_nil(text:find("top-secret-value", 1, true))
      assert.is_nil(text:find("line of it", 1, true))
      for _, line in ipairs { "TOKEN=***", "CERT=***", "OPEN=plain", "PLAIN=per-job", "it is ***, not plain", "GIT_INPUT_KEY=***" } do
        assert.truthy(("\n" .. text .. "\n"):find("\n" .. line .. "\n", 1, true), line .. "\n" .. text)
      end
      run = ci.start(w, pipeline, { env = { TOKEN = "per-run", PLAIN = "shown" } })
      w:wait(60)
      text = ci.log(w, ci.jobs(w, run)[1])
      for _, line in ipairs { "TOKEN=***", "PLAIN=shown", "given: ***" } do
        assert.truthy(("\n" .. text .. "\n"):find("\n" .. line .. "\n", 1, true), line)
      end
    end)

    it("for 30 days after their end", function()
      local job = job_of { "a" }
      w:wait(30 * 86400 - 3600 - 1)
      assert.equal(200, w:get("/jobs/" .. job.id .. "/logs").status)
      w:wait(1)
      assert.equal("410 logs_expired", codes(w:get("/jobs/" .. job.id .. "/logs")))
      assert.equal("410 logs_expired", codes(w:get("/jobs/" .. job.id .. "/logs/stream")))
      assert.equal(200, w:get("/jobs/" .. job.id).status)
    end)

    it("and say that a stream wants a WebSocket", function()
      local job = job_of { "a" }
      local answer = w:get("/jobs/" .. job.id .. "/logs/stream?tail=10&follow=false&stage=x&level=warn")
      assert.equal("426 upgrade_required", codes(answer))
      assert.equal("websocket", answer.headers.upgrade)
      assert.equal("400 parameter_invalid tail", codes(w:get("/jobs/" .. job.id .. "/logs/stream?tail=1001")))
      assert.equal("401 ticket_invalid", codes(w:get("/jobs/" .. job.id .. "/logs/stream?ticket=tkt_none")))
    end)
  end)

  it("are gone, or were never there: 404", function()
    for _, path in ipairs { "/jobs/job_000000000000", "/jobs/job_000000000000/logs", "/runs/run_000000000000/jobs", "/runs/x" } do
      assert.equal("404 resource_missing", codes(w:get(path)))
    end
    assert.equal(json.null, w:get("/jobs/x").json.error.param)
  end)
end)

-- Pipelines: what they may be (contract 2.8), and who may have to do with them.
local ci = require "spec.lua.support.ci"
local json = require "gitdev.json"
local world = require "spec.lua.support.world"

local codes = world.codes

describe("the emulator's pipelines", function()
  local w

  before_each(function()
    w = world.new { rate_limit = false }
  end)

  local function get(pipeline)
    return w:get("/pipelines/" .. pipeline.id)
  end

  local function names(path)
    local list = {}
    for index, pipeline in ipairs(w:get(path).json.data) do
      list[index] = pipeline.name
    end
    return table.concat(list, " ")
  end

  it("are made with the contract's defaults", function()
    w:wait(7)
    local answer = w:post("/pipelines", { project = "my-app", name = "ci", jobs = { { name = "test", steps = { { run = "make" } } } } })
    assert.equal(201, answer.status)
    local pipeline = answer.json
    assert.equal("", world.misfit(pipeline, "pipeline"))
    assert.truthy(pipeline.id:match "^pl_%w+$")
    assert.same({
      id = pipeline.id,
      object = "pipeline",
      project = "my-app",
      project_id = w:get("/projects/my-app").json.id,
      name = "ci",
      enabled = true,
      triggers = { push = json.null, schedule = json.null, manual = true },
      jobs = {
        {
          name = "test",
          needs = {},
          steps = { { name = "step 1", run = "make" } },
          image = json.null,
          env = {},
          timeout_ms = 3600000,
          artifacts = {},
          allow_failure = false,
        },
      },
      inputs = {},
      created_at = world.START + 7,
      updated_at = world.START + 7,
    }, pipeline)
    assert.truthy(answer.body:find '"needs":%[%],"steps":%[{"name":"step 1","run":"make"}%],"image":null,"env":{},')
    assert.equal(answer.body, get(pipeline).body)
  end)

  it("take every field of the contract, by the project's id too", function()
    local fields = {
      project = w:get("/projects/my-app").json.id,
      name = "release",
      enabled = false,
      triggers = { push = { branches = { "main", "release/*" } }, schedule = "0 4 * * MON-FRI", manual = false },
      inputs = {
        { name = "version", required = true, default = json.null },
        { name = "channel", required = false, default = "beta" },
      },
      jobs = {
        {
          name = "build",
          needs = json.array {},
          steps = { { name = "compile", run = "make" }, { name = "pack", run = "make pack" } },
          image = "debian:12",
          env = { CFLAGS = "-O2", EMPTY = "" },
          timeout_ms = 60000,
          artifacts = { { name = "app", path = "dist/app.tgz" } },
          allow_failure = true,
        },
        {
          name = "publish",
          needs = { "build" },
          steps = { { name = "step 1", run = "make publish" } },
          image = json.null,
          env = {},
          timeout_ms = 1,
          artifacts = json.array {},
          allow_failure = false,
        },
      },
    }
    local pipeline = w:post("/pipelines", fields).json
    fields.project = nil
    for name, value in pairs(fields) do
      assert.same(value, pipeline[name])
    end
    assert.equal("my-app", pipeline.project)
  end)

  describe("are refused", function()
    local STEPS = { { run = "make" } }
    local many = {}
    for number = 1, 51 do
      many[number] = { name = "job " .. number, steps = STEPS }
    end

    local function with_jobs(...)
      return { jobs = ci.jobs_of { ... } }
    end

    -- What differs from a sound request, and the refusal.
    local cases = {
      { { project = "none" }, "422 resource_missing project" },
      { { name = "" }, "422 parameter_invalid name" },
      { { name = ("x"):rep(101) }, "422 parameter_invalid name" },
      { { jobs = json.array {} }, "422 parameter_invalid jobs" },
      { { jobs = many }, "422 parameter_invalid jobs" },
      { { jobs = { { name = "a" } } }, "422 parameter_missing jobs[1].steps" },
      { { jobs = { { name = "a", steps = json.array {} } } }, "422 parameter_invalid jobs[1].steps" },
      { { jobs = { { name = "a", steps = { { name = "x" } } } } }, "422 parameter_missing jobs[1].steps[1].run" },
      { { jobs = { { name = "a", steps = STEPS, timeout_ms = 0 } } }, "422 parameter_invalid jobs[1].timeout_ms" },
      { { jobs = { { name = "a", steps = STEPS, env = { GIT_X = "1" } } } }, "422 env_key_reserved jobs[1].env.GIT_X" },
      { { jobs = { { name = "a", steps = STEPS, env = { X = "a\0b" } } } }, "422 invalid_encoding jobs[1].env.X" },
      { { jobs = { { name = "a", steps = STEPS, env = { X = 1 } } } }, "422 invalid_type jobs[1].env.X" },
      { { jobs = { { name = "a", steps = STEPS, env = { X = ("x"):rep(65536) } } } }, "422 env_too_large jobs[1].env" },
      { { jobs = { { name = "a", steps = STEPS, tags = {} } } }, "422 parameter_unknown jobs[1].tags" },
      { with_jobs("a", "b", "a"), "422 parameter_invalid jobs[3].name" },
      { with_jobs("a", "a", "a"), "422 parameter_invalid jobs[2].name, parameter_invalid jobs[3].name" },
      { with_jobs("a", { "b", needs = { "c" } }), "422 parameter_invalid jobs[2].needs[1]" },
      { with_jobs("a", { "b", needs = { "a", "c" } }), "422 parameter_invalid jobs[2].needs[2]" },
      { with_jobs("a", { "b", needs = { "a", "a" } }), "422 parameter_invalid jobs[2].needs[2]" },
      { with_jobs { "a", needs = { "a" } }, "422 parameter_invalid jobs[1].needs[1]" },
      { with_jobs({ "a", needs = { "b" } }, { "b", needs = { "a" } }), "422 parameter_invalid jobs[2].needs[1]" },
      {
        with_jobs("x", { "a", needs = { "x", "c" } }, { "b", needs = { "a" } }, { "c", needs = { "b" } }),
        "422 parameter_invalid jobs[3].needs[1]",
      },
      {
        with_jobs({ "a", needs = { "b" } }, { "b", needs = { "a" } }, { "c", needs = { "d" } }, { "d", needs = { "c" } }),
        "422 parameter_invalid jobs[2].needs[1], parameter_invalid jobs[4].needs[1]",
      },
      {
        with_jobs { "a", artifacts = { { name = "x", path = "1" }, { name = "x", path = "2" } } },
        "422 parameter_invalid jobs[1].artifacts[2].name",
      },
      { { inputs = { { name = "a" }, { name = "a" } } }, "422 parameter_invalid inputs[2].name" },
      { { inputs = { { required = true } } }, "422 parameter_missing inputs[1].name" },
      { { inputs = { { name = "a", default = 1 } } }, "422 invalid_type inputs[1].default" },
      { { triggers = { schedule = "* * * *" } }, "422 parameter_invalid triggers.schedule" },
      { { triggers = { schedule = "0 0 30 2 *" } }, "422 parameter_invalid triggers.schedule" },
      { { triggers = { push = { branches = json.array {} } } }, "422 parameter_invalid triggers.push.branches" },
      { { triggers = { push = json.decode "{}" } }, "422 parameter_missing triggers.push.branches" },
      { { triggers = { push = { branches = { "main", "a b" } } } }, "422 parameter_invalid triggers.push.branches[2]" },
      { { triggers = { push = { branches = { "a[bc]" } } } }, "422 parameter_invalid triggers.push.branches[1]" },
      { { triggers = { push = { branches = { "" } } } }, "422 parameter_invalid triggers.push.branches[1]" },
      { { triggers = { manual = "no" } }, "422 invalid_type triggers.manual" },
      { { triggers = json.null }, "422 invalid_type triggers" },
      { { status = "on" }, "422 parameter_unknown status" },
    }
    for number, case in ipairs(cases) do
      it(("(%d) with %s"):format(number, case[2]), function()
        local body = { project = "my-app", name = "ci", jobs = ci.jobs_of { "a" } }
        for name, value in pairs(case[1]) do
          body[name] = value
        end
        assert.equal(case[2], codes(w:post("/pipelines", body)))
        assert.equal("", names "/pipelines")
        if body.project == "my-app" then
          body.project = nil
          local pipeline = ci.pipeline(w, { "a" })
          assert.equal(case[2], codes(w:patch("/pipelines/" .. pipeline.id, body)))
          assert.same(pipeline, get(pipeline).json)
        end
      end)
    end

    it("of a circle, which the message shows", function()
      local body = { project = "my-app", name = "ci", jobs = ci.jobs_of { { "a", needs = { "b" } }, { "b", needs = { "a" } } } }
      local message = w:post("/pipelines", body).json.error.message
      assert.truthy(message:find("a → b → a", 1, true), message)
    end)

    it("of a need that is misspelt, with the name that was meant", function()
      local body = { project = "my-app", name = "ci", jobs = ci.jobs_of { "build", { "test", needs = { "biuld" } } } }
      local message = w:post("/pipelines", body).json.error.message
      assert.truthy(message:find('did you mean "build"?', 1, true), message)
    end)

    it("of a name that the project has, but not of one that another has", function()
      ci.pipeline(w, { "a" })
      w:post("/projects", { slug = "shop" })
      assert.equal("409 already_exists name", codes(w:post("/pipelines", { project = "my-app", name = "ci", jobs = ci.jobs_of { "a" } })))
      assert.equal("shop", ci.pipeline(w, { "a" }, { project = "shop" }).project)
    end)
  end)

  it("are listed, newest first, and filtered", function()
    w:post("/projects", { slug = "shop" })
    ci.pipeline(w, { "a" }, { name = "one" })
    ci.pipeline(w, { "a" }, { name = "two", enabled = false })
    ci.pipeline(w, { "a" }, { name = "three", project = "shop" })
    assert.equal("three two one", names "/pipelines")
    assert.equal("one two three", names "/pipelines?order=asc")
    assert.equal("two one", names "/pipelines?project=my-app")
    assert.equal("three", names("/pipelines?project=" .. w:get("/projects/shop").json.id))
    assert.equal("", names "/pipelines?project=none")
    assert.equal("two", names "/pipelines?enabled=false")
    assert.equal("one", names "/pipelines?enabled=true&project=my-app")
    assert.equal("400 parameter_invalid enabled", codes(w:get "/pipelines?enabled=maybe"))
  end)

  it("keep their places in a list that changes meanwhile", function()
    local made = {}
    for number = 1, 6 do
      made[number] = ci.pipeline(w, { "a" }, { name = "p" .. number })
    end
    local found = w:walk("/pipelines?limit=2", function(page)
      w:delete("/pipelines/" .. made[7 - 2 * page].id)
      ci.pipeline(w, { "a" }, { name = "new " .. page })
    end)
    local seen = {}
    for index, pipeline in ipairs(found) do
      seen[index] = pipeline.name
    end
    assert.equal("p6 p5 p4 p3 p2 p1", table.concat(seen, " "))
    assert.equal("400 cursor_mismatch cursor",
      codes(w:get("/pipelines?enabled=true&cursor=" .. w:get("/pipelines?limit=2").json.next_cursor)))
  end)

  it("are told of a hundred faults, however many there are", function()
    local jobs, inputs = { { name = "a", steps = { { run = "make" } }, needs = {} } }, {}
    for number = 1, 1000 do
      jobs[1].needs[number], inputs[number] = "b", { name = "v" }
    end
    for _, fields in ipairs { { jobs = jobs }, { jobs = { { name = "a", steps = jobs[1].steps } }, inputs = inputs } } do
      fields.project, fields.name = "my-app", "many"
      assert.equal(100, #w:post("/pipelines", fields).json.error.errors)
    end
  end)

  describe("are changed", function()
    local pipeline

    before_each(function()
      pipeline = ci.pipeline(w, { "a", { "b", needs = { "a" } } }, {
        triggers = { push = { branches = { "main" } }, schedule = "0 4 * * *" },
        inputs = { { name = "x" } },
      })
      w:wait(3)
    end)

    local cases = {
      { { name = "other" } },
      { { enabled = false } },
      { { inputs = json.array {} } },
      { { jobs = ci.jobs_of { "c" } }, "jobs" },
      -- whole: what is not said is gone
      { { triggers = { push = { branches = { "x" } } } }, "triggers", { push = { branches = { "x" } }, schedule = json.null, manual = true } },
      { { triggers = { schedule = json.null } }, "triggers", { push = json.null, schedule = json.null, manual = true } },
    }
    for index, case in ipairs(cases) do
      it(("in one field, and no other (%d)"):format(index), function()
        local answer = w:patch("/pipelines/" .. pipeline.id, case[1])
        assert.equal(200, answer.status, answer.body)
        local name, value = next(case[1])
        if case[2] ~= "jobs" then
          assert.same(case[3] or value, answer.json[name])
        end
        assert.equal(world.START + 3, answer.json.updated_at)
        for field, before in pairs(pipeline) do
          if field ~= name and field ~= "updated_at" then
            assert.same(before, answer.json[field])
          end
        end
        assert.equal("", world.misfit(answer.json, "pipeline"))
        assert.same(answer.json, get(pipeline).json)
      end)
    end

    it("not at all by nothing new", function()
      local same = { name = "ci", jobs = ci.jobs_of { "a", { "b", needs = { "a" } } }, inputs = { { name = "x" } } }
      for _, body in ipairs { json.decode "{}", { name = "ci" }, same } do
        assert.same(pipeline, w:patch("/pipelines/" .. pipeline.id, body).json)
      end
    end)

    it("but to no name that another has", function()
      ci.pipeline(w, { "a" }, { name = "taken" })
      assert.equal("409 already_exists name", codes(w:patch("/pipelines/" .. pipeline.id, { name = "taken" })))
    end)

    it("and to no other project", function()
      assert.equal("422 parameter_unknown project", codes(w:patch("/pipelines/" .. pipeline.id, { project = "my-app" })))
    end)

    it("for later runs only", function()
      local run = ci.start(w, pipeline)
      w:patch("/pipelines/" .. pipeline.id, { jobs = ci.jobs_of { "c" } })
      local later = ci.start(w, pipeline)
      w:wait(60)
      assert.equal("a succeeded, b succeeded", ci.statuses(w, run))
      assert.equal("c succeeded", ci.statuses(w, later))
    end)
  end)

  describe("are deleted", function()
    it("with their runs staying readable", function()
      local pipeline = ci.pipeline(w, { "a" })
      local run = ci.start(w, pipeline)
      local answer = w:delete("/pipelines/" .. pipeline.id)
      assert.equal("409 invalid_state", codes(answer))
      assert.equal("queued", answer.json.error.current_status)
      assert.same({ "succeeded", "failed", "canceled" }, answer.json.error.allowed_statuses)
      w:wait(60)
      assert.equal(204, w:delete("/pipelines/" .. pipeline.id).status)
      assert.equal("404 resource_missing", codes(w:delete("/pipelines/" .. pipeline.id)))
      assert.equal("404 resource_missing", codes(get(pipeline)))
      assert.equal("succeeded", ci.run(w, run).status)
      assert.equal("a succeeded", ci.statuses(w, run))
      assert.equal(1, #w:get("/runs?pipeline=" .. pipeline.id).json.data)
      assert.equal("422 resource_missing pipeline", codes(w:post("/runs", { pipeline = pipeline.id })))
      assert.equal("ci", ci.pipeline(w, { "a" }).name)
    end)

    it("and start nothing any more", function()
      local pipeline = ci.pipeline(w, { "a" }, { triggers = { schedule = "0 * * * *" } })
      w:delete("/pipelines/" .. pipeline.id)
      w:wait(7200)
      assert.equal(0, #w:get("/runs").json.data)
    end)

    it("with their project, silently, whatever runs", function()
      w:post("/projects", { slug = "shop" })
      local pipeline = ci.pipeline(w, { { "a", artifacts = { { name = "x", path = "x" } } } },
        { project = "shop", triggers = { schedule = "* * * * *" } })
      local done = ci.start(w, pipeline)
      w:wait(10)
      local artifact = w:get("/runs/" .. done.id .. "/artifacts").json.data[1]
      local run = ci.start(w, pipeline)
      w:wait(0.5)
      local job = ci.jobs(w, run)[1]
      assert.equal(204, w:delete("/projects/shop").status)
      local from = #w.emulator:events() + 1
      w:wait(600)
      assert.equal("", ci.events(w, from))
      for _, path in ipairs {
        "/pipelines/" .. pipeline.id, "/runs/" .. run.id, "/jobs/" .. job.id, "/artifacts/" .. artifact.id .. "/download",
      } do
        assert.equal("404 resource_missing", codes(w:get(path)))
      end
      assert.equal(0, #w:get("/runs").json.data)
    end)
  end)

  it("follow their project's slug, their runs too", function()
    local pipeline = ci.pipeline(w, { "a" })
    local run = ci.start(w, pipeline)
    w:patch("/projects/my-app", { slug = "our-app" })
    assert.equal("our-app", get(pipeline).json.project)
    assert.equal("our-app", ci.run(w, run).project)
    w:wait(60)
    local events = w.emulator:events()
    assert.equal("our-app", events[#events].data.project)
  end)

  describe("belong to a project", function()
    it("that a key must hold", function()
      w:post("/projects", { slug = "shop" })
      local mine = ci.pipeline(w, { "a" })
      local theirs = ci.pipeline(w, { { "a", artifacts = { { name = "x", path = "x" } } } }, { project = "shop" })
      local run = ci.start(w, theirs)
      w:wait(60)
      local job, artifact = ci.jobs(w, run)[1], w:get("/runs/" .. run.id .. "/artifacts").json.data[1]
      local key = w.emulator:issue_key { projects = { "my-app" } }
      local function as(method, path, body)
        return w:send(method, path, body, { key = key })
      end
      assert.equal(1, #as("GET", "/pipelines").json.data)
      assert.equal(mine.id, as("GET", "/pipelines").json.data[1].id)
      assert.equal(0, #as("GET", "/runs").json.data)
      assert.equal(0, #as("GET", "/pipelines?project=shop").json.data)
      local hidden = {
        { "GET", "/pipelines/" .. theirs.id },
        { "PATCH", "/pipelines/" .. theirs.id, { name = "x" } },
        { "DELETE", "/pipelines/" .. theirs.id },
        { "GET", "/runs/" .. run.id },
        { "POST", "/runs/" .. run.id .. "/cancel" },
        { "POST", "/runs/" .. run.id .. "/retry" },
        { "GET", "/runs/" .. run.id .. "/jobs" },
        { "GET", "/runs/" .. run.id .. "/artifacts" },
        { "GET", "/jobs/" .. job.id },
        { "GET", "/jobs/" .. job.id .. "/logs" },
        { "GET", "/jobs/" .. job.id .. "/logs/stream" },
        { "GET", "/artifacts/" .. artifact.id .. "/download" },
      }
      for _, case in ipairs(hidden) do
        assert.equal("404 resource_missing", codes(as(case[1], case[2], case[3])), case[2])
      end
      assert.equal("422 resource_missing pipeline", codes(as("POST", "/runs", { pipeline = theirs.id })))
      assert.equal("422 resource_missing project",
        codes(as("POST", "/pipelines", { project = "shop", name = "x", jobs = ci.jobs_of { "a" } })))
    end)

    it("and ask for the contract's scopes", function()
      local pipeline = ci.pipeline(w, { { "a", artifacts = { { name = "x", path = "x" } } } })
      local run = ci.start(w, pipeline)
      w:wait(60)
      local job, artifact = ci.jobs(w, run)[1], w:get("/runs/" .. run.id .. "/artifacts").json.data[1]
      -- Method, path, the scope, the status with it.
      local cases = {
        { "GET", "/pipelines", "pipelines:read", 200 },
        { "POST", "/pipelines", "pipelines:write", 201, { project = "my-app", name = "new", jobs = ci.jobs_of { "a" } } },
        { "GET", "/pipelines/" .. pipeline.id, "pipelines:read", 200 },
        { "PATCH", "/pipelines/" .. pipeline.id, "pipelines:write", 200, { enabled = true } },
        { "GET", "/runs", "pipelines:read", 200 },
        { "POST", "/runs", "pipelines:write", 201, { pipeline = pipeline.id } },
        { "GET", "/runs/" .. run.id, "pipelines:read", 200 },
        { "GET", "/runs/" .. run.id .. "/jobs", "pipelines:read", 200 },
        { "GET", "/runs/" .. run.id .. "/artifacts", "pipelines:read", 200 },
        { "GET", "/jobs/" .. job.id, "pipelines:read", 200 },
        { "GET", "/jobs/" .. job.id .. "/logs", "logs:read", 200 },
        { "GET", "/jobs/" .. job.id .. "/logs/stream", "logs:read", 426 },
        { "GET", "/artifacts/" .. artifact.id .. "/download", "pipelines:read", 200 },
        { "POST", "/runs/" .. run.id .. "/retry", "pipelines:write", 200 },
        { "POST", "/runs/" .. run.id .. "/cancel", "pipelines:write", 200 },
      }
      local others = { "projects:write", "deployments:write", "events:read" }
      local reader = { "pipelines:read", "logs:read" }
      for _, case in ipairs(cases) do
        local refused = w:send(case[1], case[2], case[5], { key = w.emulator:issue_key { scopes = others } })
        assert.equal("403 insufficient_scope", codes(refused), case[2])
        assert.equal(case[3], refused.json.error.required_scope)
        if case[3]:find "write" then
          assert.equal(403, w:send(case[1], case[2], case[5], { key = w.emulator:issue_key { scopes = reader } }).status)
        end
        local given = w:send(case[1], case[2], case[5], { key = w.emulator:issue_key { scopes = { case[3] } } })
        assert.equal(case[4], given.status, case[2])
      end
      ci.start(w, pipeline)
      w:wait(60)
      local answer = w:delete("/pipelines/" .. pipeline.id, { key = w.emulator:issue_key { scopes = reader } })
      assert.equal("403 insufficient_scope", codes(answer))
      assert.equal(204, w:delete("/pipelines/" .. pipeline.id, { key = w.emulator:issue_key { scopes = { "pipelines:write" } } }).status)
    end)
  end)
end)

-- Deployments and their state machine (contract 2.4, 3.1, 4.3).
local compat = require "gitdev.compat"
local core = require "gitdev.core"
local events = require "gitdev.emulator.store.events"
local json = require "gitdev.json"
local world = require "spec.lua.support.world"

local codes = world.codes

local D = { "project_id", "deployment_id", "target", "branch", "commit_sha", "permalink_url", "created_at" }

-- The `data` keys of each event, in order (contract 4.3); D follows in all of them.
local PAYLOADS = {
  ["deployment.created"] = { "project", "status", "url" },
  ["deployment.completed"] = { "project", "status", "url", "duration_ms" },
  ["deployment.failed"] = { "project", "status", "url", "duration_ms", "failure" },
  ["deployment.canceled"] = { "project", "status", "url", "duration_ms", "cancel_reason" },
  ["deployment.promoted"] = { "project", "status", "url", "previous_deployment_id" },
  ["deployment.rolled_back"] = { "project", "status", "url", "previous_deployment_id", "reason" },
  ["deployment.deleted"] = { "project", "status", "url" },
  ["build.started"] = { "project", "status" },
  ["build.completed"] = { "project", "status", "duration_ms" },
  ["build.failed"] = { "project", "status", "duration_ms", "failure" },
  ["build.canceled"] = { "project", "status", "duration_ms" },
}

describe("the emulator's deployments", function()
  local w

  before_each(function()
    w = world.new()
  end)

  local function act(id, verb, body)
    return w:post("/deployments/" .. id .. "/" .. verb, body)
  end

  local function current_id()
    return w:get("/projects/my-app").json.current_deployment_id
  end

  local function statuses(...)
    local list = {}
    for index, made in ipairs { ... } do
      list[index] = w:deployment(made.id).status
    end
    return table.concat(list, " ")
  end

  describe("are made", function()
    it("queued, as the contract's worked exchange shows", function()
      local body = '{"project":"my-app","branch":"main","env":{"NODE_ENV":"production"}}'
      local answer = w:post("/deployments", body)
      assert.equal(201, answer.status)
      local made = answer.json
      assert.equal("", world.misfit(made, "deployment"))
      assert.truthy(made.id:match "^dep_%w+$")
      assert.truthy(made.commit_sha:match "^%x+$")
      assert.equal(40, #made.commit_sha)
      local expected = ('{"id":"%s","object":"deployment","project":"my-app","project_id":"%s","status":"queued",'
        .. '"target":"production","url":"https://my-app.git.dev","permalink_url":"https://my-app--%s.git.dev",'
        .. '"branch":"main","commit_sha":"%s","commit_message":"Initial commit","source":"api","parent_id":null,'
        .. '"preview_id":null,"current":false,"regions":["iad"],"env_keys":["NODE_ENV"],"metadata":{},"failure":null,'
        .. '"cancel_reason":null,"created_at":1718942298,"started_at":null,"finished_at":null,"duration_ms":null,'
        .. '"queued_ms":null}'):format(made.id, w:get("/projects/my-app").json.id, made.id:sub(5), made.commit_sha)
      assert.equal(expected, answer.body)
    end)

    it("for production from the production branch, for a preview from any other, unless told", function()
      assert.equal("production", w:deploy().target)
      assert.equal("main", w:deploy().branch)
      assert.equal("preview", w:deploy({ branch = "develop" }).target)
      assert.equal("production", w:deploy({ branch = "develop", target = "production" }).target)
      assert.equal("preview", w:deploy({ branch = "main", target = "preview" }).target)
      w:patch("/projects/my-app", { production_branch = "develop" })
      local made = w:deploy()
      assert.equal("develop production", made.branch .. " " .. made.target)
    end)

    it("from a commit that the repository has", function()
      local head = w:deploy({ branch = "develop" }).commit_sha
      local made = w:deploy { branch = "main", commit_sha = head }
      assert.equal(head, made.commit_sha)
    end)

    it("in the project's regions unless told", function()
      w:patch("/projects/my-app", { regions = { "fra", "sin" } })
      assert.same({ "fra", "sin" }, w:deploy().regions)
      assert.same({ "iad" }, w:deploy({ regions = { "iad" } }).regions)
    end)

    it("by a project's id too", function()
      assert.equal("my-app", w:deploy({ project = w:get("/projects/my-app").json.id }).project)
    end)

    it("with notes", function()
      assert.same({ ticket = "T-1" }, w:deploy({ metadata = { ticket = "T-1" } }).metadata)
    end)

    it("from any branch where the project has no repository", function()
      w:post("/projects", { slug = "bare" })
      local made = w:deploy { project = "bare", branch = "anything" }
      assert.equal(json.null, made.commit_sha)
      assert.equal(json.null, made.commit_message)
      local answer = w:post("/deployments", { project = "bare", commit_sha = ("a"):rep(40) })
      assert.equal("422 resource_missing commit_sha", codes(answer))
    end)
  end)

  describe("are refused", function()
    local pairs_21 = {}
    for number = 1, 21 do
      pairs_21["k" .. number] = "v"
    end
    local cases = {
      { "an unknown project", { project = "nope" }, "422 resource_missing project" },
      { "an unknown branch", { branch = "nope" }, "422 resource_missing branch" },
      { "an unknown commit", { commit_sha = ("0"):rep(40) }, "422 resource_missing commit_sha" },
      {
        "an unknown branch and region",
        { branch = "nope", regions = { "xxx" } },
        "422 resource_missing branch, parameter_invalid regions[1]",
      },
      {
        "an unknown branch and commit",
        { branch = "nope", commit_sha = ("0"):rep(40) },
        "422 resource_missing branch, resource_missing commit_sha",
      },
      { "half a commit", { commit_sha = "abc" }, "422 parameter_invalid commit_sha" },
      { "an unknown target", { target = "staging" }, "422 parameter_invalid target" },
      { "an empty branch", { branch = "" }, "422 parameter_invalid branch" },
      { "no region", { regions = json.array {} }, "422 parameter_invalid regions" },
      { "21 notes", { metadata = pairs_21 }, "422 parameter_invalid metadata" },
      { "a long note", { metadata = { a = ("x"):rep(501) } }, "422 parameter_invalid metadata.a" },
      { "a note that is no text", { metadata = { a = 1 } }, "422 invalid_type metadata.a" },
    }
    for _, case in ipairs(cases) do
      it("for " .. case[1], function()
        local body = { project = "my-app" }
        for name, value in pairs(case[2]) do
          body[name] = value
        end
        assert.equal(case[3], codes(w:post("/deployments", body)))
        assert.equal(0, #w:get("/deployments").json.data)
      end)
    end

    it("while the project is paused, redeploying too", function()
      local made = w:deployed()
      w:patch("/projects/my-app", { status = "paused" })
      for _, answer in ipairs { w:post("/deployments", { project = "my-app" }), act(made.id, "redeploy") } do
        assert.equal("409 invalid_state", codes(answer))
        assert.equal("paused", answer.json.error.current_status)
        assert.same({ "active" }, answer.json.error.allowed_statuses)
      end
      w:patch("/projects/my-app", { status = "active" })
      assert.equal(201, w:post("/deployments", { project = "my-app" }).status)
    end)

    it("beyond the quota", function()
      w = world.new { quotas = { deployments = 1 } }
      w:deploy()
      local answer = w:post("/deployments", { project = "my-app" })
      assert.equal("403 plan_limit_reached", codes(answer))
      assert.equal(1, answer.json.error.limit)
    end)
  end)

  it("make an unknown project where the emulator was told to", function()
    w = world.new { auto_create_projects = true }
    local from = #w.emulator:events() + 1
    local made = w:deploy { project = "new-shop" }
    assert.equal("new-shop", made.project)
    assert.equal("https://new-shop.git.dev", made.url)
    assert.equal(40, #made.commit_sha)
    assert.same({ "project.created", "deployment.created" }, w:events(from))
    assert.equal(200, w:get("/projects/new-shop").status)
    for _, slug in ipairs { "api", "No", "prj_000000000000" } do
      assert.equal("422 resource_missing project", codes(w:post("/deployments", { project = slug })))
    end
  end)

  it("run in each region once", function()
    local made = w:deploy { regions = { "fra", "iad", "fra" } }
    assert.same({ "fra", "iad" }, made.regions)
    assert.equal("fra", w.emulator:environment(made.id).GIT_REGION)
  end)

  describe("that would make a project", function()
    before_each(function()
      w = world.new { auto_create_projects = true, quotas = { projects = 3 } }
      w:post("/projects", { slug = "other" })
    end)

    -- What the request says, what its key holds, what it gets.
    local cases = {
      { "where it is there, but unseen", { project = "other" }, { projects = { "my-app" } }, "422 resource_missing project" },
      {
        "without the scope for it",
        { project = "fresh" },
        { scopes = { "deployments:write" } },
        "403 insufficient_scope",
      },
      { "of an unknown branch", { project = "fresh", branch = "none" }, {}, "422 resource_missing branch" },
      { "of an unknown commit", { project = "fresh", commit_sha = ("0"):rep(40) }, {}, "422 resource_missing commit_sha" },
      { "of too large an environment", { project = "fresh", env = { A = ("x"):rep(65536) } }, {}, "422 env_too_large env" },
    }
    for _, case in ipairs(cases) do
      it("are refused without a trace " .. case[1], function()
        local before = #w.emulator:events()
        local answer = w:post("/deployments", case[2], { key = w.emulator:issue_key(case[3]) })
        assert.equal(case[4], codes(answer))
        assert.equal(2, #w:get("/projects").json.data)
        assert.equal(before, #w.emulator:events())
      end)
    end

    it("name the scope that lacks", function()
      local key = w.emulator:issue_key { scopes = { "deployments:write" } }
      local answer = w:post("/deployments", { project = "fresh" }, { key = key })
      assert.equal("projects:write", answer.json.error.required_scope)
    end)

    it("are refused beyond the quota of projects", function()
      assert.equal("fresh", w:deploy({ project = "fresh" }).project)
      assert.equal("403 plan_limit_reached", codes(w:post("/deployments", { project = "too-many" })))
    end)

    it("give it to the key that asked", function()
      local key = { key = w.emulator:issue_key { projects = {} } }
      local made = w:post("/deployments", { project = "fresh" }, key)
      assert.equal(201, made.status)
      assert.equal(200, w:get("/projects/fresh", key).status)
      assert.equal(200, w:get("/deployments/" .. made.json.id, key).status)
    end)
  end)

  describe("addresses", function()
    local function hash(branch)
      return core.sha1(branch):sub(1, 4)
    end

    local cases = {
      { "develop", "develop" },
      { "a-b", "a-b" },
      { "Feature/Login", "feature-login-" .. hash "Feature/Login" },
      { "feature/login", "feature-login-" .. hash "feature/login" },
      { "exactly-16-chars", "exactly-16-chars" },
      { "a-branch-of-some-length", "a-branch-of-some-" .. hash "a-branch-of-some-length" },
      { "_x__y_", "x-y-" .. hash "_x__y_" },
      { "f\195\164hre", "f-hre-" .. hash "f\195\164hre" },
    }
    for _, case in ipairs(cases) do
      it("of branch " .. case[1], function()
        w = world.new { branches = { "main", case[1] } }
        local made = w:deploy { branch = case[1] }
        local label = "my-app--" .. case[2]
        assert.equal("https://" .. label .. ".git.dev", made.url)
        assert.truthy(#label <= 63)
        assert.equal("https://my-app--" .. made.id:sub(5) .. ".git.dev", made.permalink_url)
      end)
    end
  end)

  describe("run through the states of 3.1", function()
    it("to live: 200 ms queued, 2400 ms from building to live", function()
      local from = #w.emulator:events() + 1
      local made = w:deploy()
      w:wait(0.199)
      assert.equal("queued", w:deployment(made.id).status)
      w:wait(0.001)
      local building = w:deployment(made.id)
      assert.equal("building", building.status)
      assert.equal(200, building.queued_ms)
      assert.equal(world.START, building.started_at)
      assert.equal(json.null, building.finished_at)
      w:wait(1.799)
      assert.equal("building", w:deployment(made.id).status)
      w:wait(0.001)
      assert.equal("deploying", w:deployment(made.id).status)
      assert.equal(json.null, w:deployment(made.id).duration_ms)
      w:wait(0.599)
      assert.equal("deploying", w:deployment(made.id).status)
      w:wait(0.001)
      local live = w:deployment(made.id)
      assert.equal("live", live.status)
      assert.equal(2400, live.duration_ms)
      assert.equal(world.START + 2, live.finished_at)
      assert.is_true(live.current)
      assert.equal(made.id, current_id())
      assert.same({ "deployment.created", "build.started", "build.completed", "deployment.completed" }, w:events(from))
    end)

    it("at their own times, even when nobody looks for an hour", function()
      local made = w:deploy()
      w.now = w.now + 3600
      local live = w:deployment(made.id)
      assert.equal(2400, live.duration_ms)
      assert.equal(world.START + 2, live.finished_at)
      local list = w.emulator:events()
      assert.equal(world.START + 2, list[#list].timestamp)
    end)

    it("tell when the next step is due", function()
      local made = w:deploy()
      local steps = 0
      while w.emulator:next_due() do
        w.now = w.emulator:next_due()
        w.emulator:advance()
        steps = steps + 1
      end
      assert.equal(3, steps)
      assert.equal("live", w:deployment(made.id).status)
    end)

    it("in the time that the emulator was told", function()
      w = world.new { build_ms = 10000 }
      local made = w:deploy()
      w:wait(10.2)
      assert.equal(10000, w:deployment(made.id).duration_ms)
    end)

    it("without minding a clock that steps back", function()
      local made = w:deploy()
      w:wait(1)
      w.now = w.now - 500
      assert.equal("building", w:deployment(made.id).status)
      w.now = w.now + 502
      assert.equal("live", w:deployment(made.id).status)
    end)

    local outcomes = {
      {
        "build_failed",
        2.0,
        { status = "failed", stage = "build", code = "build_error", duration_ms = 1800 },
        { "deployment.created", "build.started", "build.failed", "deployment.failed" },
      },
      {
        "deploy_failed",
        2.6,
        { status = "failed", stage = "deploy", code = "health_check_failed", duration_ms = 2400 },
        { "deployment.created", "build.started", "build.completed", "deployment.failed" },
      },
      {
        "slow",
        24.2,
        { status = "live", duration_ms = 24000 },
        { "deployment.created", "build.started", "build.completed", "deployment.completed" },
      },
      {
        "hang",
        3600.2,
        { status = "failed", stage = "build", code = "build_timeout", duration_ms = 3600000 },
        { "deployment.created", "build.started", "build.failed", "deployment.failed" },
      },
    }
    for _, case in ipairs(outcomes) do
      it("as metadata.emulate = " .. case[1] .. " asks", function()
        local before = w:deployed()
        local from = #w.emulator:events() + 1
        local made = w:deploy { metadata = { emulate = case[1] } }
        w:wait(case[2] - 0.001)
        assert.are_not.equal(case[3].status, w:deployment(made.id).status)
        w:wait(0.001)
        local ended = w:deployment(made.id)
        assert.equal(case[3].status, ended.status)
        assert.equal(case[3].duration_ms, ended.duration_ms)
        assert.same(case[4], w:events(from))
        if case[3].code then
          assert.equal(case[3].stage, ended.failure.stage)
          assert.equal(case[3].code, ended.failure.code)
          assert.truthy(#ended.failure.message > 0)
          assert.is_false(ended.current)
          assert.equal(before.id, current_id())
        else
          assert.equal(json.null, ended.failure)
          assert.equal(made.id, current_id())
        end
      end)
    end

    it("one build per project and target at a time, first come first served", function()
      w = world.new { branches = { "main", "a", "b", "c" } }
      local a = w:deploy { branch = "a" }
      local b = w:deploy { branch = "b" }
      local p = w:deploy()
      w:wait(0.2)
      assert.equal("building queued building", statuses(a, b, p))
      local c = w:deploy { branch = "c" }
      w:wait(1.8)
      assert.equal("deploying building deploying queued", statuses(a, b, p, c))
      w:wait(1.8)
      assert.equal("live deploying live building", statuses(a, b, p, c))
      w:wait(2.4)
      assert.equal("live live live live", statuses(a, b, p, c))
      assert.equal(2000, w:deployment(b.id).queued_ms)
      assert.equal(3600, w:deployment(c.id).queued_ms)
    end)

    it("each project on its own", function()
      local made = {}
      for number = 1, 5 do
        w:post("/projects", { slug = "shop-" .. number })
        made[number] = w:deploy { project = "shop-" .. number }
      end
      w:wait(0.2)
      assert.equal("building building building building building", statuses(compat.unpack(made)))
      w:wait(2.4)
      assert.equal("live live live live live", statuses(compat.unpack(made)))
    end)

    it("to canceled, when a newer one of the branch supersedes one that is queued", function()
      local first = w:deploy()
      w:wait(0.2)
      local second = w:deploy()
      local other = w:deploy { branch = "develop" }
      w:wait(0.1)
      local third = w:deploy()
      assert.equal("building canceled queued queued", statuses(first, second, other, third))
      local canceled = w:deployment(second.id)
      assert.equal("superseded", canceled.cancel_reason)
      assert.equal(json.null, canceled.started_at)
      assert.equal(json.null, canceled.duration_ms)
      assert.equal(100, canceled.queued_ms)
      assert.same({ "deployment.created", "deployment.canceled" }, w:events(1, second.id))
      w:wait(6)
      assert.equal("live canceled live live", statuses(first, second, other, third))
      assert.equal(third.id, current_id())
    end)

    it("superseding also across targets, but not across projects", function()
      w:post("/projects", { slug = "other", repository = "my-app" })
      local first = w:deploy { branch = "develop" }
      local elsewhere = w:deploy { project = "other", branch = "develop" }
      local second = w:deploy { branch = "develop", target = "production" }
      assert.equal("canceled queued queued", statuses(first, elsewhere, second))
    end)

    it("production moving to the youngest that is live, not to one that was overtaken", function()
      local slow = w:deploy { metadata = { emulate = "slow" } }
      w:wait(18.2)
      assert.equal("deploying", w:deployment(slow.id).status)
      local quick = w:deploy()
      w:wait(2.6)
      assert.equal(quick.id, current_id())
      w:wait(6)
      local late = w:deployment(slow.id)
      assert.equal("live", late.status)
      assert.is_false(late.current)
      assert.equal(quick.id, current_id())
    end)

    it("a replaced one staying live, but no longer current", function()
      local first = w:deployed()
      local second = w:deployed()
      assert.equal("live live", statuses(first, second))
      assert.is_false(w:deployment(first.id).current)
      assert.is_true(w:deployment(second.id).current)
      assert.equal(second.id, current_id())
    end)

    it("a preview never being current by itself", function()
      local preview = w:deployed { branch = "develop" }
      assert.equal("live", preview.status)
      assert.is_false(preview.current)
      assert.equal(json.null, current_id())
    end)
  end)

  describe("are canceled", function()
    local cases = {
      { "queued", 0.1, { "deployment.canceled" }, json.null, 100 },
      { "building", 1.2, { "build.canceled", "deployment.canceled" }, 1000, 200 },
      { "deploying", 2.2, { "deployment.canceled" }, 2000, 200 },
    }
    for _, case in ipairs(cases) do
      it("while " .. case[1], function()
        local made = w:deploy()
        w:wait(case[2])
        assert.equal(case[1], w:deployment(made.id).status)
        local from = #w.emulator:events() + 1
        local answer = act(made.id, "cancel")
        assert.equal(200, answer.status)
        assert.equal("canceled", answer.json.status)
        assert.equal("user", answer.json.cancel_reason)
        assert.equal(case[4], answer.json.duration_ms)
        assert.equal(case[5], answer.json.queued_ms)
        assert.equal(json.null, answer.json.failure)
        assert.same(case[3], w:events(from))
        w:wait(3600)
        assert.equal("canceled", w:deployment(made.id).status)
        assert.same(case[3], w:events(from))
      end)
    end

    it("and free the builder at once", function()
      w = world.new { branches = { "main", "a", "b" } }
      local a, b = w:deploy { branch = "a", metadata = { emulate = "hang" } }, w:deploy { branch = "b" }
      w:wait(60)
      assert.equal("building queued", statuses(a, b))
      act(a.id, "cancel")
      assert.equal("canceled building", statuses(a, b))
    end)

    for _, outcome in ipairs { "live", "failed", "canceled" } do
      it("never when " .. outcome, function()
        local made = w:deploy { metadata = { emulate = outcome == "failed" and "build_failed" or "" } }
        if outcome == "canceled" then
          act(made.id, "cancel")
        end
        w:wait(3)
        local answer = act(made.id, "cancel")
        assert.equal("409 invalid_state", codes(answer))
        assert.equal(outcome, answer.json.error.current_status)
        assert.same({ "queued", "building", "deploying" }, answer.json.error.allowed_statuses)
      end)
    end
  end)

  describe("are promoted", function()
    it("without a build, previews too", function()
      local production = w:deployed()
      local preview = w:deployed { branch = "develop" }
      local from = #w.emulator:events() + 1
      local answer = act(preview.id, "promote")
      assert.equal(200, answer.status)
      assert.is_true(answer.json.current)
      assert.equal("preview", answer.json.target)
      assert.equal(preview.url, answer.json.url)
      assert.equal(preview.id, current_id())
      assert.is_false(w:deployment(production.id).current)
      assert.same({ "deployment.promoted" }, w:events(from))
      local list = w.emulator:events()
      assert.equal(production.id, list[#list].data.previous_deployment_id)
    end)

    it("never unless live, nor when current", function()
      local made = w:deploy()
      local answer = act(made.id, "promote")
      assert.equal("409 invalid_state", codes(answer))
      assert.equal("queued", answer.json.error.current_status)
      assert.same({ "live" }, answer.json.error.allowed_statuses)
      w:wait(3)
      for _, verb in ipairs { "promote", "rollback" } do
        answer = act(made.id, verb)
        assert.equal("409 invalid_state", codes(answer))
        assert.equal("live", answer.json.error.current_status)
        assert.same({ "live" }, answer.json.error.allowed_statuses)
        assert.truthy(answer.json.error.message:find("current already", 1, true))
      end
    end)
  end)

  describe("are rolled back to", function()
    it("when they were production before", function()
      local old, new = w:deployed(), w:deployed()
      local from = #w.emulator:events() + 1
      local answer = act(old.id, "rollback", { reason = "it is slow" })
      assert.equal(200, answer.status)
      assert.equal(old.id, answer.json.id)
      assert.is_true(answer.json.current)
      assert.equal(old.id, current_id())
      assert.same({ "deployment.rolled_back" }, w:events(from))
      local list = w.emulator:events()
      assert.equal(new.id, list[#list].data.previous_deployment_id)
      assert.equal("it is slow", list[#list].data.reason)
      local newest = w:deployed()
      assert.equal(newest.id, current_id())
    end)

    it("never otherwise", function()
      local preview = w:deployed { branch = "develop" }
      local current = w:deployed()
      local running = w:deploy()
      for _, made in ipairs { preview, current, running } do
        assert.equal("409 invalid_state", codes(act(made.id, "rollback")))
      end
      assert.equal(current.id, current_id())
      assert.equal("422 parameter_invalid reason", codes(act(current.id, "rollback", { reason = ("x"):rep(501) })))
    end)
  end)

  describe("are redeployed", function()
    it("as new ones of the same commit", function()
      local parent = w:deployed { branch = "develop", regions = { "fra" }, metadata = { ticket = "T-1" } }
      local answer = act(parent.id, "redeploy")
      assert.equal(201, answer.status)
      local made = answer.json
      assert.equal("", world.misfit(made, "deployment"))
      assert.are_not.equal(parent.id, made.id)
      assert.equal(parent.id, made.parent_id)
      assert.equal("redeploy", made.source)
      assert.equal("queued", made.status)
      for _, field in ipairs { "branch", "target", "commit_sha", "commit_message", "regions", "metadata" } do
        assert.same(parent[field], made[field])
      end
      w:wait(2.6)
      assert.equal("live", w:deployment(made.id).status)
    end)

    it("without the failure that the first was told to have", function()
      local failed = w:deployed { metadata = { emulate = "build_failed", ticket = "T-1" } }
      assert.equal("failed", failed.status)
      local made = act(failed.id, "redeploy", { skip_cache = true }).json
      assert.same({ ticket = "T-1" }, made.metadata)
      w:wait(2.6)
      assert.equal("live", w:deployment(made.id).status)
    end)
  end)

  describe("are deleted", function()
    it("when they have ended and are not current", function()
      local old = w:deployed()
      local new = w:deployed()
      assert.equal("409 resource_in_use", codes(w:delete("/deployments/" .. new.id)))
      assert.equal(204, w:delete("/deployments/" .. old.id).status)
      assert.equal(404, w:delete("/deployments/" .. old.id).status)
      assert.equal(404, w:get("/deployments/" .. old.id).status)
      assert.equal(404, w:get("/deployments/" .. old.id .. "/logs").status)
      assert.same({ "deployment.deleted" }, w:events(#w.emulator:events()))
    end)

    it("never before", function()
      local made = w:deploy()
      local answer = w:delete("/deployments/" .. made.id)
      assert.equal("409 invalid_state", codes(answer))
      assert.equal("queued", answer.json.error.current_status)
      assert.same({ "live", "failed", "canceled" }, answer.json.error.allowed_statuses)
    end)
  end)

  describe("are listed", function()
    local first, second, third, fourth

    before_each(function()
      first = w:deployed()
      second = w:deployed { branch = "develop" }
      third = w:deployed { metadata = { emulate = "build_failed" } }
      w:post("/projects", { slug = "other", repository = "my-app" })
      fourth = w:deploy { project = "other" }
    end)

    local function names(query)
      local list, by_id = {}, { [first.id] = "1", [second.id] = "2", [third.id] = "3", [fourth.id] = "4" }
      for index, made in ipairs(w:get("/deployments" .. query).json.data) do
        list[index] = by_id[made.id]
      end
      return table.concat(list)
    end

    it("newest first, by every filter of the contract", function()
      assert.equal("4321", names "")
      assert.equal("1234", names "?order=asc")
      assert.equal("321", names "?project=my-app")
      assert.equal("4", names("?project=" .. fourth.project_id))
      assert.equal("", names "?project=none")
      assert.equal("21", names "?status=live")
      assert.equal("432", names "?status=failed&status=queued&status=live&created_after=1718942298")
      assert.equal("2", names "?target=preview")
      assert.equal("2", names "?branch=develop")
      assert.equal("2", names("?commit_sha=" .. second.commit_sha))
      assert.equal("1", names "?current=true")
      assert.equal("432", names "?current=false")
      assert.equal("1", names(("?created_before=%d"):format(second.created_at)))
      assert.equal("21", names "?project=my-app&status=live")
      assert.equal("", names "?project=other&status=live")
    end)
  end)

  it("emit events whose data are those of 4.3, in order", function()
    local old = w:deployed()
    w:deployed { metadata = { emulate = "deploy_failed" } }
    w:deployed { metadata = { emulate = "build_failed" } }
    w:deployed()
    act(old.id, "rollback")
    local preview = w:deployed { branch = "develop" }
    act(preview.id, "promote")
    w:delete("/deployments/" .. old.id)
    local building = w:deploy()
    w:wait(1)
    act(building.id, "cancel")
    local seen = {}
    for _, event in ipairs(w.emulator:events()) do
      local own = PAYLOADS[event.type]
      if own then
        seen[event.type] = true
        local body, at = events.body(event), 1
        assert.truthy(core.json_check(body))
        assert.truthy(body:find '^{"id":"evt_%w+","type":"[%l_.]+","timestamp":%d+,"data":{')
        local keys = 0
        for _, list in ipairs { own, D } do
          for _, key in ipairs(list) do
            local found = body:find('"' .. key .. '":', at, true)
            assert.truthy(found, event.type .. " " .. key)
            at, keys = found, keys + 1
          end
        end
        assert.equal(keys, #json.keys(json.decode(body).data))
      end
    end
    for kind in pairs(PAYLOADS) do
      assert.is_true(seen[kind], kind)
    end
  end)

  it("emit deployment.completed in the shape of the page's sample", function()
    w:deployed()
    local list = w.emulator:events()
    local body = events.body(list[#list])
    local sample = '"type":"deployment.completed","timestamp":1718942300,"data":{"project":"my-app","status":"live",'
      .. '"url":"https://my-app.git.dev","duration_ms":2400,'
    assert.truthy(body:find(sample, 1, true))
  end)

  it("never change when they have ended", function()
    local made = w:deployed()
    local before = w:get("/deployments/" .. made.id).body
    w:wait(100000)
    assert.equal(before, w:get("/deployments/" .. made.id).body)
  end)
end)

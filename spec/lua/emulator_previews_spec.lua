-- Previews (contract 2.6, 3.5), and deployments that pushes make (3.1).
local json = require "gitdev.json"
local schema = require "gitdev.schema"
local world = require "spec.lua.support.world"

local codes = world.codes

-- Branches of every repository in these specs.
local BRANCHES = { "main", "develop", "feat/login", "fix" }

local DATA = { "project", "project_id", "preview_id", "branch", "pull_request", "url", "status" }

describe("the emulator's previews", function()
  local w

  before_each(function()
    w = world.new { branches = BRANCHES }
  end)

  local function create(fields, extra)
    local body = { project = "my-app", branch = "develop" }
    for name, value in pairs(fields or {}) do
      body[name] = value
    end
    return w:post("/previews", body, extra)
  end

  local function make(fields)
    local answer = create(fields)
    assert(answer.status == 201, answer.body)
    return answer.json
  end

  local function get(preview)
    return w:get("/previews/" .. (preview.id or preview)).json
  end

  local function list(query, extra)
    local found = {}
    for index, preview in ipairs(w:get("/previews" .. (query or ""), extra).json.data) do
      found[index] = preview.project .. ":" .. preview.branch
    end
    return table.concat(found, " ")
  end

  -- The events since `from`, in short: "preview.created develop", "deployment.canceled".
  local function told(from)
    local found = {}
    for index, event in ipairs(w.emulator:events()) do
      if index > from then
        found[#found + 1] = event.type .. (event.type:find "^preview" and " " .. event.data.branch or "")
      end
    end
    return table.concat(found, ", ")
  end

  local function count_events()
    return #w.emulator:events()
  end

  describe("are made", function()
    it("with a first deployment, which is queued", function()
      local before = count_events()
      local answer = create()
      local preview = answer.json
      assert.equal(201, answer.status)
      assert.equal("", world.misfit(preview, "preview"))
      assert.truthy(preview.id:match "^prv_%w+$")
      local project = w:get("/projects/my-app").json
      assert.same({
        id = preview.id,
        object = "preview",
        project = "my-app",
        project_id = project.id,
        branch = "develop",
        pull_request = json.null,
        url = "https://my-app--develop.git.dev",
        deployment_id = preview.deployment_id,
        status = "queued",
        protection = "none",
        expires_at = json.null,
        created_at = world.START,
        updated_at = world.START,
      }, preview)
      local made = w:deployment(preview.deployment_id)
      assert.equal("preview preview queued develop", ("%s %s %s %s"):format(made.source, made.target, made.status, made.branch))
      assert.equal(preview.id, made.preview_id)
      assert.equal(preview.url, made.url)
      assert.truthy(made.commit_sha:find "^%x+$")
      assert.equal("preview.created develop, deployment.created", told(before))
    end)

    it("with what the contract has for them", function()
      local preview = make {
        branch = "feat/login", pull_request = 7, protection = "password", password = "hunter22", expires_in = 300, env = { A = "1" },
      }
      assert.equal(7, preview.pull_request)
      assert.equal("password", preview.protection)
      assert.is_nil(preview.password)
      assert.equal(world.START + 300, preview.expires_at)
      assert.truthy(preview.url:find "^https://my%-app%-%-feat%-login%-%x%x%x%x%.git%.dev$")
      assert.same({ "A" }, w:deployment(preview.deployment_id).env_keys)
      assert.equal("1", w.emulator:environment(preview.deployment_id).A)
      assert.is_nil(w:get("/_emulator/events", { base = "", key = false }).body:find("hunter22", 1, true))
      assert.equal("organization", make({ branch = "fix", protection = "organization" }).protection)
    end)

    it("by a project's id too, and of any branch where there is no repository", function()
      w:post("/projects", { slug = "bare" })
      local preview = make { project = w:get("/projects/bare").json.id, branch = "anything" }
      assert.equal("bare", preview.project)
      assert.equal(json.null, w:deployment(preview.deployment_id).commit_sha)
    end)

    local refused = {
      { { branch = "main" }, "422 parameter_invalid branch" },
      { { branch = "nope" }, "422 resource_missing branch" },
      { { branch = "" }, "422 parameter_invalid branch" },
      { { project = "nope" }, "422 resource_missing project" },
      { { protection = "password" }, "422 parameter_missing password" },
      { { password = "x" }, "422 parameter_invalid password" },
      { { protection = "organization", password = "x" }, "422 parameter_invalid password" },
      { { protection = "password", password = "" }, "422 parameter_invalid password" },
      { { protection = "some" }, "422 parameter_invalid protection" },
      { { expires_in = 299 }, "422 parameter_invalid expires_in" },
      { { expires_in = 2592001 }, "422 parameter_invalid expires_in" },
      { { pull_request = 0 }, "422 parameter_invalid pull_request" },
      { { env = { GIT_A = "" } }, "422 env_key_reserved env.GIT_A" },
      { { env = { A = "a\0b" } }, "422 invalid_encoding env.A" },
      { { env = { A = json.null } }, "422 invalid_type env.A" },
      { { env = { A = ("x"):rep(65536) } }, "422 env_too_large env" },
      { { target = "preview" }, "422 parameter_unknown target" },
    }
    for _, case in ipairs(refused) do
      it("never with " .. json.encode(case[1]):sub(1, 50) .. ": " .. case[2], function()
        local before = count_events()
        assert.equal(case[2], codes(create(case[1])))
        assert.equal("", list())
        assert.equal(0, #w:get("/deployments").json.data)
        assert.equal("", told(before))
      end)
    end

    it("never without project and branch", function()
      assert.equal("422 parameter_missing project, parameter_missing branch", codes(w:post("/previews", {})))
    end)

    it("once for a branch", function()
      make()
      assert.equal("409 already_exists branch", codes(create()))
      assert.equal(1, #w:get("/deployments").json.data)
      make { branch = "fix" }
      w:post("/projects", { slug = "shop", repository = "my-app" })
      make { project = "shop" }
      assert.equal("shop:develop my-app:fix my-app:develop", list())
    end)

    it("once for an idempotency key", function()
      local extra = { headers = { ["idempotency-key"] = "k" } }
      local first = create({}, extra)
      assert.equal(first.body, create({}, extra).body)
      assert.equal(1, #w:get("/deployments").json.data)
    end)

    it("never while the project is paused, nor beyond the quota", function()
      w:patch("/projects/my-app", { status = "paused" })
      assert.equal("409 invalid_state", codes(create()))
      w = world.new { quotas = { deployments = 1 } }
      make()
      w:post("/projects", { slug = "bare" })
      local answer = create { project = "bare" }
      assert.equal("403 plan_limit_reached", codes(answer))
      assert.equal(1, answer.json.error.limit)
      assert.equal("my-app:develop", list())
    end)
  end)

  describe("are opened by", function()
    it("any deployment for a preview, and joined by the next ones", function()
      local before = count_events()
      local first = w:deploy { branch = "develop" }
      assert.equal("preview.created develop, deployment.created", told(before))
      local preview = get(first.preview_id)
      assert.equal("develop none", preview.branch .. " " .. preview.protection)
      assert.equal(first.id, preview.deployment_id)
      w:wait(3)
      local second = w:deploy { branch = "develop" }
      assert.equal(preview.id, second.preview_id)
      w:wait(3)
      local third = w:post("/deployments/" .. first.id .. "/redeploy").json
      assert.equal(preview.id, third.preview_id)
      assert.equal(third.id, get(preview).deployment_id)
      assert.equal("my-app:develop", list())
      assert.equal("409 already_exists branch", codes(create()))
    end)

    it("one of the production branch that is for a preview", function()
      local made = w:deploy { branch = "main", target = "preview" }
      assert.equal("main", get(made.preview_id).branch)
    end)

    it("none that is for production", function()
      assert.equal(json.null, w:deploy().preview_id)
      assert.equal(json.null, w:deploy({ branch = "develop", target = "production" }).preview_id)
      assert.equal("", list())
    end)
  end)

  describe("are where their newest deployment is:", function()
    local outcomes = {
      { nil, { "queued", 0.2, "building", 1.8, "deploying", 0.6, "live" } },
      { "build_failed", { "queued", 0.2, "building", 1.8, "failed" } },
      { "deploy_failed", { "queued", 0.2, "building", 1.8, "deploying", 0.6, "failed" } },
      { "hang", { "queued", 0.2, "building", 3600, "failed" } },
    }
    for _, case in ipairs(outcomes) do
      it(tostring(case[1] or "success"), function()
        local made = w:deploy { branch = "develop", metadata = case[1] and { emulate = case[1] } or nil }
        for _, step in ipairs(case[2]) do
          if type(step) == "number" then
            w:wait(step)
          else
            local preview = get(made.preview_id)
            assert.equal(step, preview.status)
            assert.equal(math.floor(w.now), preview.updated_at)
          end
        end
      end)
    end

    it("a way that the contract's table has", function()
      local known, seen = {}, {}
      for _, row in ipairs(schema.object("preview").states.transitions) do
        known[(row.from or "-") .. " " .. row.to] = true
      end
      local things = w.emulator.tenants[false].things.preview
      local set = things.set
      things.set = function(self, preview, field, value)
        if field == "status" and preview.status ~= value then
          seen[#seen + 1] = preview.status .. " " .. value
        end
        return set(self, preview, field, value)
      end
      local hanging = make { expires_in = 7200 }
      w:wait(0.2)
      w:post("/deployments/" .. hanging.deployment_id .. "/cancel")
      w:deployed { branch = "develop" }
      w:deployed { branch = "develop", metadata = { emulate = "deploy_failed" } }
      w:deploy { branch = "develop", metadata = { emulate = "hang" } }
      w:wait(1)
      local waiting = w:deploy { branch = "develop" }
      w:post("/deployments/" .. waiting.id .. "/cancel")
      w:delete("/deployments/" .. waiting.id)
      assert.equal("building", get(hanging).status)
      w:wait(7200)
      assert.equal("expired", get(hanging).status)
      assert.is_true(#seen > 12)
      for _, step in ipairs(seen) do
        assert.is_true(known[step], step)
      end
    end)

    it("canceled", function()
      local preview = make()
      w:post("/deployments/" .. preview.deployment_id .. "/cancel")
      assert.equal("canceled", get(preview).status)
    end)

    it("queued again with the next one, whatever becomes of those before", function()
      local preview = make()
      w:wait(3)
      assert.equal("live", get(preview).status)
      local second = w:deploy { branch = "develop" }
      assert.equal("queued", get(preview).status)
      w:wait(0.2)
      local third = w:deploy { branch = "develop" }
      assert.equal("queued", get(preview).status)
      w:wait(1.8)
      assert.equal("deploying", w:deployment(second.id).status)
      assert.equal("building", get(preview).status)
      assert.equal(third.id, get(preview).deployment_id)
      w:wait(3)
      assert.equal("live", get(preview).status)
    end)

    it("queued, when a newer one supersedes one that waits", function()
      local preview = make()
      local second = w:deploy { branch = "develop" }
      assert.equal("canceled", w:deployment(preview.deployment_id).status)
      assert.equal("queued", get(preview).status)
      assert.equal(second.id, get(preview).deployment_id)
    end)

    it("that of the one before, when the newest is deleted", function()
      local preview = make()
      w:wait(3)
      local second = w:deployed { branch = "develop", metadata = { emulate = "build_failed" } }
      assert.equal("failed", get(preview).status)
      w:delete("/deployments/" .. second.id)
      assert.equal("live", get(preview).status)
      assert.equal(preview.deployment_id, get(preview).deployment_id)
      w:delete("/deployments/" .. preview.deployment_id)
      assert.equal("live", get(preview).status)
      assert.equal(json.null, get(preview).deployment_id)
      assert.equal(preview.id, w:deploy({ branch = "develop" }).preview_id)
    end)
  end)

  describe("expire", function()
    it("at their time, with their deployments", function()
      local preview = make { expires_in = 300 }
      w:wait(3)
      local second = w:deployed { branch = "develop" }
      local before = count_events()
      w:wait(300 - 3 - 2.6 - 0.001)
      assert.equal("live", get(preview).status)
      w:wait(0.001)
      local over = get(preview)
      assert.equal("expired", over.status)
      assert.equal(json.null, over.deployment_id)
      assert.equal(world.START + 300, over.expires_at)
      assert.equal(world.START + 300, over.updated_at)
      for _, id in ipairs { preview.deployment_id, second.id } do
        assert.equal(404, w:get("/deployments/" .. id).status)
      end
      assert.equal(0, #w:get("/deployments").json.data)
      assert.equal("preview.expired develop", told(before))
      assert.equal("my-app:develop", list "?status=expired")
    end)

    it("also while they are built", function()
      local preview = make { expires_in = 300 }
      w:wait(299)
      w:deploy { branch = "develop", metadata = { emulate = "slow" } }
      local before = count_events()
      w:wait(1)
      assert.equal("expired", get(preview).status)
      assert.equal("build.started, build.canceled, deployment.canceled, preview.expired develop", told(before))
      w:wait(3600)
      assert.equal("expired", get(preview).status)
    end)

    it("for good: the next deployment of the branch opens another in their place", function()
      local preview = make { expires_in = 300 }
      w:wait(300)
      local again = make()
      assert.not_equal(preview.id, again.id)
      assert.equal(404, w:get("/previews/" .. preview.id).status)
      assert.equal("my-app:develop", list())
      assert.equal("queued", again.status)
      assert.equal(json.null, again.expires_at)
      w:wait(300)
      assert.equal("live", get(again).status)
    end)

    it("opened by a deployment too", function()
      local preview = make { expires_in = 300 }
      w:wait(300)
      local made = w:deploy { branch = "develop" }
      assert.not_equal(preview.id, made.preview_id)
      assert.equal("my-app:develop", list())
    end)

    it("not when they were deleted before", function()
      local preview = make { expires_in = 300 }
      w:delete("/previews/" .. preview.id)
      local before = count_events()
      w:wait(301)
      assert.equal("", told(before))
    end)
  end)

  describe("are deleted", function()
    it("with their deployments, which are canceled first", function()
      local preview = make { pull_request = 3 }
      w:wait(3)
      local second = w:deploy { branch = "develop" }
      w:wait(0.2)
      local third = w:deploy { branch = "develop" }
      local before = count_events()
      assert.equal(204, w:delete("/previews/" .. preview.id).status)
      assert.equal(
        "build.canceled, deployment.canceled, deployment.canceled, preview.deleted develop", told(before)
      )
      for _, id in ipairs { preview.deployment_id, second.id, third.id } do
        assert.equal(404, w:get("/deployments/" .. id).status)
      end
      assert.equal(404, w:get("/previews/" .. preview.id).status)
      assert.equal(404, w:delete("/previews/" .. preview.id).status)
      local events = w.emulator:events()
      local data = events[#events].data
      for _, name in ipairs(DATA) do
        assert.is_not_nil(data[name], name)
      end
      assert.equal("canceled 3", data.status .. " " .. data.pull_request)
      w:wait(10)
      assert.equal(0, #w:get("/deployments").json.data)
    end)

    it("and free the builder for others", function()
      local preview = make()
      w:wait(0.2)
      local other = w:deploy { branch = "fix" }
      w:wait(0.2)
      assert.equal("queued", w:deployment(other.id).status)
      w:delete("/previews/" .. preview.id)
      assert.equal("building", w:deployment(other.id).status)
    end)

    it("but not a deployment that production points to", function()
      local preview = make()
      w:wait(3)
      w:post("/deployments/" .. preview.deployment_id .. "/promote")
      w:delete("/previews/" .. preview.id)
      local made = w:deployment(preview.deployment_id)
      assert.is_true(made.current)
      assert.equal(json.null, made.preview_id)
      assert.equal(made.id, w:get("/projects/my-app").json.current_deployment_id)
    end)

    it("once they have expired, too", function()
      local preview = make { expires_in = 300 }
      w:wait(300)
      assert.equal(204, w:delete("/previews/" .. preview.id).status)
      assert.equal("", list())
    end)
  end)

  describe("are listed", function()
    before_each(function()
      w:post("/projects", { slug = "shop", repository = "my-app" })
      make { pull_request = 1 }
      make { branch = "fix", pull_request = 2, expires_in = 300 }
      w:wait(300)
      make { branch = "feat/login", pull_request = 1 }
      make { project = "shop" }
    end)

    local cases = {
      { "", "shop:develop my-app:feat/login my-app:fix my-app:develop" },
      { "?order=asc", "my-app:develop my-app:fix my-app:feat/login shop:develop" },
      { "?project=shop", "shop:develop" },
      { "?project=nope", "" },
      { "?branch=develop", "shop:develop my-app:develop" },
      { "?branch=feat%2Flogin", "my-app:feat/login" },
      { "?branch=dev", "" },
      { "?pull_request=1", "my-app:feat/login my-app:develop" },
      { "?pull_request=9", "" },
      { "?status=live", "my-app:develop" },
      { "?status=expired", "my-app:fix" },
      { "?status=queued", "shop:develop my-app:feat/login" },
      { "?project=my-app&branch=develop&pull_request=1&status=live", "my-app:develop" },
      { "?project=my-app&status=queued&pull_request=2", "" },
    }
    for _, case in ipairs(cases) do
      it("with " .. case[1], function()
        assert.equal(case[2], list(case[1]))
      end)
    end

    it("by id of the project too", function()
      assert.equal("shop:develop", list("?project=" .. w:get("/projects/shop").json.id))
    end)

    for _, case in ipairs {
      { "?status=done", "status" }, { "?pull_request=0", "pull_request" }, { "?pull_request=x", "pull_request" },
      { "?deployment=x", "deployment" },
    } do
      it("never with " .. case[1], function()
        local code = case[2] == "deployment" and "parameter_unknown" or "parameter_invalid"
        assert.equal("400 " .. code .. " " .. case[2], codes(w:get("/previews" .. case[1])))
      end)
    end

    it("page by page, while others come and go", function()
      local found = {}
      local walked, pages = w:walk("/previews?limit=1&order=asc", function(page)
        if page == 1 then
          w:deploy { project = "shop", branch = "fix" }
        end
      end)
      for index, preview in ipairs(walked) do
        found[index] = preview.project .. ":" .. preview.branch
      end
      assert.equal("my-app:develop my-app:fix my-app:feat/login shop:develop shop:fix", table.concat(found, " "))
      assert.equal(5, pages)
      local page = w:get("/previews?limit=1").json
      assert.equal("400 cursor_mismatch cursor", codes(w:get("/previews?limit=1&status=live&cursor=" .. page.next_cursor)))
    end)

    it("to those who hold the project and the scope", function()
      local key = w.emulator:issue_key { projects = { "shop" } }
      assert.equal("shop:develop", list("", { key = key }))
      assert.equal("", list("?project=my-app", { key = key }))
      local foreign = w:get("/previews?branch=fix").json.data[1]
      assert.equal("404 resource_missing", codes(w:get("/previews/" .. foreign.id, { key = key })))
      assert.equal("404 resource_missing", codes(w:delete("/previews/" .. foreign.id, { key = key })))
      assert.equal("422 resource_missing project", codes(create({ branch = "fix" }, { key = key })))
      local reader = w.emulator:issue_key { scopes = { "deployments:read" } }
      assert.equal(200, w:get("/previews/" .. foreign.id, { key = reader }).status)
      assert.equal("403 insufficient_scope", codes(w:delete("/previews/" .. foreign.id, { key = reader })))
      assert.equal("403 insufficient_scope", codes(create({}, { key = reader })))
      assert.equal("403 insufficient_scope", codes(w:get("/previews", { key = w.emulator:issue_key { scopes = { "env:write" } } })))
    end)
  end)

  it("move with their project, and go with it", function()
    local preview = make { expires_in = 300 }
    w:wait(3)
    w:patch("/projects/my-app", { slug = "shop" })
    local moved = get(preview)
    assert.equal("shop https://shop--develop.git.dev", moved.project .. " " .. moved.url)
    assert.equal(moved.url, w:deployment(preview.deployment_id).url)
    w:patch("/projects/shop", { name = "The shop" })
    assert.equal(moved.url, get(preview).url)
    w:delete "/projects/shop"
    assert.equal(404, w:get("/previews/" .. preview.id).status)
    local before = count_events()
    w:wait(300)
    assert.equal("", told(before))
  end)

  describe("and deployments by pushes:", function()
    local function push(fields)
      local tenant = w.emulator.tenants[false]
      local repository = tenant.things.repository:find("name", "my-app")
      local head = w:deploy({ branch = "develop" }).commit_sha
      w:wait(3)
      local data = { branch = "develop", before = head, after = head, forced = false, created = false, deleted = false }
      for name, value in pairs(fields) do
        data[name] = value
      end
      local before = count_events()
      tenant:emit("repository.pushed", repository, data)
      return before, data
    end

    local function newest()
      return w:get("/deployments?limit=1").json.data[1]
    end

    it("each active project that is built from the repository deploys the new head", function()
      w:post("/projects", { slug = "shop", repository = "my-app", production_branch = "develop", regions = { "fra" } })
      w:post("/projects", { slug = "paused", repository = "my-app" })
      w:patch("/projects/paused", { status = "paused" })
      w:post("/projects", { slug = "bare" })
      w:post("/projects/my-app/env", { key = "A", value = "1" })
      local _, data = push {}
      local made = w:get("/deployments?limit=2").json.data
      assert.equal("shop production push queued", ("%s %s %s %s"):format(
        made[1].project, made[1].target, made[1].source, made[1].status
      ))
      assert.equal("my-app preview push queued", ("%s %s %s %s"):format(
        made[2].project, made[2].target, made[2].source, made[2].status
      ))
      for _, deployment in ipairs(made) do
        assert.equal(data.after, deployment.commit_sha)
        assert.equal("develop", deployment.branch)
      end
      assert.same({ "fra" }, made[1].regions)
      assert.same({ "A" }, made[2].env_keys)
      assert.equal(made[2].id, get(made[2].preview_id).deployment_id)
      w:wait(3)
      assert.equal("live", w:deployment(made[1].id).status)
      assert.is_true(w:deployment(made[1].id).current)
    end)

    it("by a commit, a new branch, and its end", function()
      local function commit(fields)
        fields.message = fields.message or "Say hello"
        fields.actions = { { action = "create", path = fields.path or "hello.txt", content = "hello" } }
        fields.path = nil
        local answer = w:post("/repositories/my-app/commits", fields)
        assert.equal(201, answer.status, answer.body)
        return answer.json.sha
      end
      local from = count_events()
      local sha = commit { branch = "main" }
      assert.equal("repository.pushed, deployment.created", told(from))
      local made = newest()
      assert.equal("production push " .. sha, ("%s %s %s"):format(made.target, made.source, made.commit_sha))
      assert.equal("Say hello", made.commit_message)
      w:wait(3)
      assert.equal(made.id, w:get("/projects/my-app").json.current_deployment_id)

      sha = commit { branch = "feat/more", start_ref = "main", path = "more.txt" }
      made = newest()
      assert.equal("preview feat/more " .. sha, ("%s %s %s"):format(made.target, made.branch, made.commit_sha))
      assert.equal("feat/more", get(made.preview_id).branch)
      w:wait(3)
      from = count_events()
      assert.equal(204, w:delete("/repositories/my-app/branches/feat/more").status)
      assert.equal("repository.pushed", told(from))
      assert.equal("live", get(made.preview_id).status)
    end)

    it("the events follow that of the push", function()
      local before = push {}
      assert.equal("repository.pushed, deployment.created", told(before))
    end)

    it("of a branch that is deleted there is nothing to deploy", function()
      local before = push { deleted = true }
      assert.equal("repository.pushed", told(before))
    end)

    it("nor where the plan has no more deployments", function()
      w = world.new { quotas = { deployments = 1 } }
      local before = push {}
      assert.equal("repository.pushed", told(before))
      assert.equal("api", newest().source)
    end)
  end)
end)

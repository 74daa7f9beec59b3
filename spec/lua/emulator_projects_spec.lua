-- Organization and projects (contract 2.1, 2.2).
local json = require "gitdev.json"
local world = require "spec.lua.support.world"

local codes = world.codes

describe("the emulator's organization", function()
  it("has the contract's fields", function()
    local w = world.new { plan = "pro" }
    local organization = w:get("/organization").json
    assert.equal("", world.misfit(organization, "organization"))
    assert.equal("pro", organization.plan)
    assert.equal(w.emulator.public_key, organization.public_key)
    assert.equal(world.START, organization.created_at)
  end)

  it("knows the plans of the contract and no others", function()
    assert.has_error(function()
      world.new { plan = "gold" }
    end)
    assert.has_error(function()
      world.new { plann = "pro" }
    end)
  end)
end)

describe("the emulator's projects", function()
  local w

  before_each(function()
    w = world.new()
  end)

  local function slugs(path)
    local list = {}
    for index, project in ipairs(w:get(path).json.data) do
      list[index] = project.slug
    end
    return table.concat(list, " ")
  end

  local function last_event()
    local events = w.emulator:events()
    return events[#events]
  end

  it("begin with my-app, built from a repository", function()
    local project = w:get("/projects/my-app").json
    assert.equal("", world.misfit(project, "project"))
    assert.equal("https://my-app.git.dev", project.url)
    assert.truthy(project.repository_id:match "^repo_%w+$")
    assert.equal("main", project.production_branch)
    assert.equal(project.id, w:get("/projects/" .. project.id).json.id)
  end)

  it("are made with the contract's defaults", function()
    w:wait(7)
    local answer = w:post("/projects", { slug = "shop" })
    local project = answer.json
    assert.equal(201, answer.status)
    assert.equal("", world.misfit(project, "project"))
    assert.truthy(project.id:match "^prj_%w+$")
    assert.equal(16, #project.id)
    assert.same({
      id = project.id,
      object = "project",
      slug = "shop",
      name = "shop",
      framework = json.null,
      repository_id = json.null,
      production_branch = "main",
      url = "https://shop.git.dev",
      root_directory = "/",
      build_command = json.null,
      output_directory = json.null,
      regions = { "iad" },
      status = "active",
      current_deployment_id = json.null,
      created_at = world.START + 7,
      updated_at = world.START + 7,
    }, project)
    assert.same({ project = "shop", project_id = project.id }, last_event().data)
    assert.equal("project.created", last_event().type)
  end)

  it("take every field of the contract", function()
    local repository = w:get("/projects/my-app").json.repository_id
    local fields = {
      slug = "shop",
      name = "The Shop",
      repository = "my-app",
      production_branch = "release",
      framework = "next",
      root_directory = "/web",
      build_command = "make",
      output_directory = "out",
      regions = { "fra", "iad" },
    }
    local project = w:post("/projects", fields).json
    for name, value in pairs(fields) do
      if name ~= "repository" then
        assert.same(value, project[name])
      end
    end
    assert.equal(repository, project.repository_id)
  end)

  describe("are refused", function()
    local cases = {
      { { slug = "my-app" }, "409 already_exists slug" },
      { { slug = "api" }, "422 name_reserved slug" },
      { { slug = "ab" }, "422 parameter_invalid slug" },
      { { slug = ("a"):rep(41) }, "422 parameter_invalid slug" },
      { { slug = "a--b" }, "422 parameter_invalid slug" },
      { { slug = "-ab" }, "422 parameter_invalid slug" },
      { { slug = "A-b" }, "422 parameter_invalid slug" },
      { { slug = "shop", repository = "none" }, "422 resource_missing repository" },
      {
        { slug = "shop", repository = "none", regions = { "iad", "xxx" } },
        "422 resource_missing repository, parameter_invalid regions[2]",
      },
      { { slug = "shop", regions = { "Frankfurt" } }, "422 parameter_invalid regions[1]" },
      { { slug = "shop", regions = json.array {} }, "422 parameter_invalid regions" },
      { { slug = "shop", name = "" }, "422 parameter_invalid name" },
      { { slug = "shop", production_branch = "" }, "422 parameter_invalid production_branch" },
      { { slug = "shop", status = "active" }, "422 parameter_unknown status" },
    }
    for _, case in ipairs(cases) do
      it("with " .. json.encode(case[1]):sub(1, 50) .. ": " .. case[2], function()
        assert.equal(case[2], codes(w:post("/projects", case[1])))
        assert.equal(1, #w:get("/projects").json.data)
      end)
    end

    it("beyond the quota, which the error names", function()
      w = world.new { quotas = { projects = 2 } }
      assert.equal(201, w:post("/projects", { slug = "two" }).status)
      local answer = w:post("/projects", { slug = "three" })
      assert.equal("403 plan_limit_reached", codes(answer))
      assert.equal(2, answer.json.error.limit)
    end)
  end)

  it("are listed, newest first, and filtered", function()
    w:post("/projects", { slug = "shop", name = "Big Store" })
    w:post("/projects", { slug = "blog", repository = "my-app" })
    w:patch("/projects/shop", { status = "paused" })
    assert.equal("blog shop my-app", slugs "/projects")
    assert.equal("my-app shop blog", slugs "/projects?order=asc")
    assert.equal("shop", slugs "/projects?search=STORE")
    assert.equal("my-app", slugs "/projects?search=y-a")
    assert.equal("", slugs "/projects?search=%25")
    assert.equal("shop", slugs "/projects?status=paused")
    assert.equal("blog my-app", slugs "/projects?repository=my-app")
    assert.equal("", slugs "/projects?repository=none")
    assert.equal("", slugs "/projects?repository=my-app&status=paused")
  end)

  describe("are updated", function()
    it("by merging: what is absent stays, null clears", function()
      w:post("/projects", { slug = "shop", framework = "next", build_command = "make", repository = "my-app" })
      w:wait(10)
      local project = w:patch("/projects/shop", '{"framework":null,"name":"Shop","repository":null}').json
      assert.equal(json.null, project.framework)
      assert.equal(json.null, project.repository_id)
      assert.equal("make", project.build_command)
      assert.equal("Shop", project.name)
      assert.equal(world.START, project.created_at)
      assert.equal(world.START + 10, project.updated_at)
      assert.equal("project.updated", last_event().type)
      assert.same({ "name", "repository_id", "framework" }, last_event().data.changed)
    end)

    it("without a trace when nothing changes", function()
      local events = #w.emulator:events()
      w:wait(10)
      local project = w:patch("/projects/my-app", { name = "my-app", regions = { "iad" } }).json
      assert.equal(world.START, project.updated_at)
      assert.equal(events, #w.emulator:events())
    end)

    it("to regions, each once", function()
      local events = #w.emulator:events()
      assert.same({ "iad" }, w:patch("/projects/my-app", { regions = { "iad", "iad" } }).json.regions)
      assert.equal(events, #w.emulator:events())
      assert.same({ "fra", "iad" }, w:patch("/projects/my-app", { regions = { "fra", "iad", "fra" } }).json.regions)
      assert.same({ "fra" }, w:post("/projects", { slug = "one", regions = { "fra", "fra" } }).json.regions)
    end)

    it("to another slug, which leaves what is built and what was logged as they were", function()
      local built = w:deployed()
      local waiting = w:deploy()
      local function seen(id)
        local process = w.emulator:environment(id)
        return process.GIT_PROJECT .. " " .. process.GIT_URL
      end
      local log = w:get("/deployments/" .. built.id .. "/logs").json
      assert.truthy(#log.data > 5)
      w:patch("/projects/my-app", { slug = "shop" })
      local after = w:get("/deployments/" .. built.id .. "/logs").json
      assert.same(log.data, after.data)
      assert.equal("my-app https://my-app.git.dev", seen(built.id))
      assert.equal("shop https://shop.git.dev", seen(waiting.id))
      w:wait(3)
      local first = w:get("/deployments/" .. waiting.id .. "/logs").json.data[1].message
      assert.truthy(first:find("Build of shop started", 1, true))
    end)

    it("to another slug, which moves their addresses and those of their deployments", function()
      local made = w:deployed()
      local preview = w:deploy { branch = "develop" }
      local project = w:patch("/projects/my-app", { slug = "shop" }).json
      assert.equal("https://shop.git.dev", project.url)
      assert.equal(404, w:get("/projects/my-app").status)
      assert.equal(project.id, w:get("/projects/shop").json.id)
      local moved = w:deployment(made.id)
      assert.equal("shop", moved.project)
      assert.equal("https://shop.git.dev", moved.url)
      assert.equal("https://shop--" .. made.id:sub(5) .. ".git.dev", moved.permalink_url)
      assert.equal("https://shop--develop.git.dev", w:deployment(preview.id).url)
      assert.equal(201, w:post("/projects", { slug = "my-app" }).status)
    end)

    -- What a domain's status means for the slug; how it gets there is told elsewhere.
    for status, refused in pairs {
      pending = false, failed = false, verified = true, active = true, misconfigured = true,
    } do
      it(("to another slug with a domain that is %s: %s"):format(status, refused and "never" or "yes"), function()
        local made = w:post("/domains", { project = "my-app", name = "www.example.com" })
        assert.equal(201, made.status, made.body)
        local tenant = w.emulator.tenants[false]
        tenant:set(tenant.things.domain:get(made.json.id), { status = status })
        local answer = w:patch("/projects/my-app", { slug = "shop" })
        assert.equal(refused and "409 resource_in_use slug" or "200", refused and codes(answer) or "" .. answer.status)
        assert.equal(200, w:patch("/projects/" .. (refused and "my-app" or "shop"), { name = "Still" }).status)
        if refused then
          assert.truthy(answer.json.error.message:find("www.example.com", 1, true))
          w:delete("/domains/" .. made.json.id)
          assert.equal(200, w:patch("/projects/my-app", { slug = "shop" }).status)
        end
      end)
    end

    local cases = {
      { { slug = "other" }, "409 already_exists slug" },
      { { slug = "www" }, "422 name_reserved slug" },
      { { name = "" }, "422 parameter_invalid name" },
      { { production_branch = "" }, "422 parameter_invalid production_branch" },
      { { regions = json.array {} }, "422 parameter_invalid regions" },
      { { repository = "none" }, "422 resource_missing repository" },
      { { status = "gone" }, "422 parameter_invalid status" },
      { '{"name":null}', "422 invalid_type name" },
      { { id = "prj_000000000000" }, "422 parameter_unknown id" },
    }
    for _, case in ipairs(cases) do
      local text = type(case[1]) == "string" and case[1] or json.encode(case[1])
      it("never with " .. text .. ": " .. case[2], function()
        w:post("/projects", { slug = "other" })
        local before = w:get("/projects/my-app").body
        assert.equal(case[2], codes(w:patch("/projects/my-app", case[1])))
        assert.equal(before, w:get("/projects/my-app").body)
      end)
    end
  end)

  describe("are deleted", function()
    it("with their deployments and variables, but not their repository", function()
      local made = w:deployed()
      w:post("/projects/my-app/env", { key = "A", value = "b" })
      local project = w:get("/projects/my-app").json
      assert.equal(204, w:delete("/projects/my-app").status)
      assert.equal(404, w:delete("/projects/my-app").status)
      assert.equal(404, w:get("/deployments/" .. made.id).status)
      assert.equal(0, #w:get("/deployments").json.data)
      assert.equal("project.deleted", last_event().type)
      assert.same({ project = "my-app", project_id = project.id }, last_event().data)
      local again = w:post("/projects", { slug = "my-app", repository = "my-app" })
      assert.equal(201, again.status)
      assert.equal(0, #w:get("/projects/my-app/env").json.data)
      assert.equal(json.null, again.json.current_deployment_id)
    end)

    it("never while a deployment is on its way", function()
      local made = w:deploy()
      for _, status in ipairs { "queued", "building", "deploying" } do
        assert.equal(status, w:deployment(made.id).status)
        local answer = w:delete "/projects/my-app"
        assert.equal("409 invalid_state", codes(answer))
        assert.equal(status, answer.json.error.current_status)
        assert.same({ "live", "failed", "canceled" }, answer.json.error.allowed_statuses)
        w:wait(status == "queued" and 0.2 or 1.8)
      end
      w:wait(1)
      assert.equal(204, w:delete("/projects/my-app").status)
    end)
  end)
end)

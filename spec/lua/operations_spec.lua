-- The kinds of operation as their users meet them, through the client, in a virtual world.
local gitdev = require "gitdev"
local json = require "gitdev.json"
local object = require "gitdev.object"
local schema = require "gitdev.schema"
local test = require "gitdev.test"

local function within(fn)
  local world = test.world {}
  world:run(function()
    fn(gitdev.client(), world.emulator)
  end)
end

-- What a call raised.
local function raised(fn, ...)
  local ok, err = pcall(fn, ...)
  assert.is_false(ok, "nothing was raised")
  return err
end

local function targets(emulator)
  local list = {}
  for i, request in ipairs(emulator:requests()) do
    list[i] = request.method .. " " .. request.path
  end
  return list
end

describe("a walk", function()
  it("asks for no more pages than it needs", function()
    within(function(git, emulator)
      for i = 1, 7 do
        git.env:create("my-app", { key = "KEY_" .. i, value = "v" })
      end
      local before, seen = #emulator:requests(), 0
      for variable in git.env:each("my-app", { limit = 2, order = "asc" }) do
        seen = seen + 1
        if variable.key == "KEY_3" then
          break
        end
      end
      assert.equal(3, seen)
      assert.equal(2, #emulator:requests() - before)
    end)
  end)

  it("takes filters, one or several values of one", function()
    within(function(git)
      local jobs = { { name = "a", steps = { { run = "true" } } } }
      local pipeline = git.pipelines:create { project = "my-app", name = "ci", jobs = jobs }
      git.runs:create({ pipeline = pipeline }):wait()
      pcall(function()
        git.runs:create({ pipeline = pipeline, inputs = { emulate = "build_failed" } }):wait()
      end)
      git.runs:create { pipeline = pipeline }
      local found = {}
      for run in git.runs:each { pipeline = pipeline, status = { "succeeded", "failed" }, order = "asc" } do
        found[#found + 1] = run.number .. " " .. run.status
      end
      assert.same({ "1 succeeded", "2 failed" }, found)
      assert.equal(1, #git.runs:list({ status = "queued" }).data)
    end)
  end)
end)

describe("an update", function()
  it("clears with null, and leaves what it does not name", function()
    within(function(git)
      local project = git.projects:update("my-app", { framework = "lapis", build_command = "make" })
      assert.same({ "lapis", "make" }, { project.framework, project.build_command })
      project = project:update { framework = gitdev.null }
      assert.is_nil(project.framework)
      assert.equal("make", project.build_command)
    end)
  end)
end)

describe("what is set under a key", function()
  local VALUES = {
    '{"a":{},"b":[],"c":[[],{}],"d":{"e":null}}', "[]", "{}", '[null,1,"x"]', '"text"', "0", "false", "[1.5,-2,1e+100]",
  }

  it("comes back as it was given, and can be given again", function()
    within(function(git, emulator)
      local config = git.edge_configs:create { name = "store", projects = { "my-app" } }
      local function stored()
        local target = "/v2/edge_configs/" .. config.id .. "/items/key"
        local headers = { authorization = "Bearer " .. emulator.api_key }
        return emulator:handle({ method = "GET", target = target, headers = headers, body = "" }).body:match '"value":(.*),"version"'
      end
      for _, text in ipairs(VALUES) do
        local item = git.edge_configs.items:set(config, "key", { value = json.decode(text) })
        local first = stored()
        assert.same(json.decode(text), item.value)
        git.edge_configs.items:set(config, "key", { value = git.edge_configs.items:get(config, "key").value })
        assert.equal(first, stored())
        git.edge_configs.items:set(config, "key", { value = config:items().data[1].value })
        assert.equal(first, stored())
      end
      git.edge_configs.items:set(config, "key", { value = gitdev.null })
      assert.is_nil(git.edge_configs.items:get(config, "key").value)
      assert.equal("null", stored())
    end)
  end)
end)

describe("what a path names", function()
  it("may hold slashes where the API says so, and is escaped all the same", function()
    within(function(git, emulator)
      local repository = git.repositories:get "my-app"
      git.repositories.branches:create(repository, { name = "feature/ä-b", from = "main" })
      git.repositories.commits:create(repository, {
        branch = "feature/ä-b",
        message = "A file",
        actions = { { action = "create", path = "docs/a b/ü#?.md", content = "text" } },
      })
      local branch = git.repositories.branches:get("my-app", "feature/ä-b")
      assert.equal("feature/ä-b", branch.name)
      local file = git.repositories.files:get(repository, "docs/a b/ü#?.md", { ref = "feature/ä-b" })
      assert.same({ "docs/a b/ü#?.md", "text" }, { file.path, file.content })
      local asked = targets(emulator)
      assert.equal("GET /v2/repositories/" .. repository.id .. "/files/docs/a%20b/%C3%BC%23%3F.md", asked[#asked])
      branch:delete()
      assert.equal("resource_missing", raised(branch.refresh, branch).code)
    end)
  end)

  it("is refused where it would lead elsewhere, before anything is sent", function()
    within(function(git, emulator)
      for _, path in ipairs { "", "..", "a/../b", "a//b", "/a", "a/", ".", "a/./b" } do
        local err = raised(git.repositories.files.get, git.repositories.files, "my-app", path)
        assert.same({ "parameter_invalid", "path" }, { err.code, err.param }, path)
      end
      assert.same({}, emulator:requests())
    end)
  end)
end)

describe("a thing", function()
  it("knows what it belongs to", function()
    within(function(git)
      local webhook = git.webhooks:create { url = "https://example.com/hook", events = { "*" } }
      local delivery = webhook:ping():wait()
      assert.equal("succeeded", delivery.status)
      assert.equal(webhook.id, delivery:redeliver().webhook_id)
      assert.is_table(webhook:deliveries().data[1]:refresh().attempts)
      local config = git.edge_configs:create { name = "store", projects = { "my-app" }, items = { a = 1 } }
      assert.equal(1, config:items().data[1]:refresh().value)
      local repository = git.repositories:get "my-app"
      assert.equal("identical", repository:compare({ base = "main", head = "main" }).status)
      assert.equal("main", repository:branches({ search = "mai" }).data[1]:refresh().name)
    end)
  end)
end)

-- Everything that comes to rest can be waited for: what to make, and where it ends; `fails` makes one that ends badly.
local WAITS = {
  deployment = {
    makes = function(git)
      return git.deployments:create { project = "my-app" }
    end,
    ends = "live",
    fails = function(git)
      return git.deployments:create { project = "my-app", metadata = { emulate = "build_failed" } }
    end,
    error = "deployment_failed",
  },
  run = {
    makes = function(git)
      local jobs = { { name = "a", steps = { { run = "true" } } } }
      return git.runs:create { pipeline = git.pipelines:create { project = "my-app", name = "ci", jobs = jobs } }
    end,
    ends = "succeeded",
    fails = function(git)
      local jobs = { { name = "a", steps = { { run = "exit 3" } } } }
      return git.runs:create { pipeline = git.pipelines:create { project = "my-app", name = "bad", jobs = jobs } }
    end,
    error = "run_failed",
  },
  job = {
    makes = function(git)
      local jobs = { { name = "a", steps = { { run = "true" } } } }
      return git.runs:create({ pipeline = git.pipelines:create { project = "my-app", name = "ci", jobs = jobs } }):jobs().data[1]
    end,
    ends = "succeeded",
  },
  domain = {
    makes = function(git)
      return git.domains:create { project = "my-app", name = "www.example.com" }
    end,
    ends = "active",
    fails = function(git)
      return git.domains:create { project = "my-app", name = "nowhere.example.com" }
    end,
    error = "wait_failed",
    options = { timeout = 80 * 3600, interval = 600 },
  },
  certificate = {
    makes = function(git)
      local domain = git.domains:create({ project = "my-app", name = "www.example.com" }):wait()
      return git.certificates:get(domain.certificate_id)
    end,
    ends = "issued",
  },
  edge_function = {
    makes = function(git)
      return git.edge_functions:create { project = "my-app", name = "hello", code = "export default 1", routes = { "/a" } }
    end,
    ends = "active",
    fails = function(git)
      return git.edge_functions:create { project = "my-app", name = "bad", code = "// emulate: failed", routes = { "/b" } }
    end,
    error = "wait_failed",
  },
  cache_purge = {
    makes = function(git)
      return git.cache_purges:create { project = "my-app", everything = true }
    end,
    ends = "completed",
    fails = function(git)
      return git.cache_purges:create { project = "my-app", tags = { "emulate-failed" } }
    end,
    error = "wait_failed",
  },
  delivery = {
    makes = function(git)
      return git.webhooks:create({ url = "https://example.com/hook", events = { "*" } }):ping()
    end,
    ends = "succeeded",
  },
}

describe("waiting", function()
  for name, case in pairs(WAITS) do
    it("ends when a " .. name .. " is at rest", function()
      within(function(git)
        local thing = case.makes(git)
        assert.equal(thing, thing:wait(case.options))
        assert.equal(case.ends, thing.status)
        if case.fails then
          local bad = case.fails(git)
          local err = raised(bad.wait, bad, case.options)
          assert.same({ case.error, bad }, { err.type, err[name] })
          assert.equal("failed", bad.status)
        end
      end)
    end)
  end

  it("is there for every thing whose states have an end", function()
    -- Those without a case of their own above: what they wait for is somebody's decision.
    local OTHERS = { preview = true, security_alert = true, webhook = true }
    for _, name in ipairs(schema.objects()) do
      local states, kind = schema.object(name).states, object.kind(name)
      if states and states.field and next(states.terminal) and kind and kind.get then
        assert.is_function(kind.methods.wait, name)
        assert.is_true(WAITS[name] ~= nil or OTHERS[name] == true, name)
      end
    end
  end)
end)

local core = require "gitdev.core"
local emulator = require "gitdev.emulator"
local fake = require "spec.lua.support.fake"
local gitdev = require "gitdev"
local json = require "gitdev.json"
local safe = require "gitdev.safe"

local KEY = "gsk_test_abcdefghijklmnopqrstuvwxyz012345"

local function deployment(extra)
  local thing = { id = "dep_1", object = "deployment", project = "my-app", status = "queued", url = "https://my-app.git.dev" }
  for key, value in pairs(extra or {}) do
    thing[key] = value
  end
  return thing
end

local function env_var(extra)
  local thing = { id = "env_1", object = "env_var", key = "A", value = "1" }
  for key, value in pairs(extra or {}) do
    thing[key] = value
  end
  return thing
end

local NO_DRIVER = {}
for _, name in ipairs { "perform", "sleep", "now" } do
  NO_DRIVER[name] = function()
    error "nothing may be sent"
  end
end

-- Runs fn with the environment's variables replaced.
local function with_environment(variables, fn)
  local real = os.getenv
  os.getenv = function(name) -- luacheck: ignore 122
    return variables[name]
  end
  local ok, err = pcall(fn)
  os.getenv = real -- luacheck: ignore 122
  assert(ok, err)
end

describe("gitdev.client", function()
  local function options(extra)
    local given = { api_key = KEY, driver = NO_DRIVER }
    for key, value in pairs(extra) do
      given[key] = value
    end
    return given
  end

  it("takes an argument before the environment, and that before the default", function()
    local ENVIRONMENT = { GIT_API_KEY = KEY, GIT_API_URL = "https://one.example/v2", GIT_CA_FILE = "README.md" }
    with_environment(ENVIRONMENT, function()
      local _, seen = fake.client({}, { base_url = "https://two.example/v2" })
      assert.same({ "https://two.example/v2", "README.md" }, { seen.options.base_url, seen.options.ca_file })
      local _, plain = fake.client({})
      assert.equal("https://one.example/v2", plain.options.base_url)
      assert.equal("gitdev client gsk_test_***2345", tostring(gitdev.client { driver = NO_DRIVER }))
    end)
    with_environment({ GIT_API_URL = "", GIT_CA_FILE = "" }, function()
      local _, seen = fake.client({}, { timeout = 5, max_retries = 0, body_max = 1024 })
      assert.is_nil(seen.options.base_url)
      assert.is_nil(seen.options.ca_file)
      assert.same({ 5, 0, 1024 }, { seen.options.timeout, seen.options.max_retries, seen.options.body_max })
    end)
  end)

  it("says who it is", function()
    local _, seen = fake.client({})
    assert.matches("^gitdev%-lua/" .. core.version:gsub("%.", "%%.") .. " %(Lua", seen.options.user_agent)
    local driver = { agent = function()
      return "libcurl/7"
    end }
    for name, fn in pairs(NO_DRIVER) do
      driver[name] = fn
    end
    _, seen = fake.client({}, { driver = driver })
    assert.matches("; libcurl/7%)$", seen.options.user_agent)
  end)

  it("says what is wrong with its configuration, and raises it or returns it by style", function()
    local CASES = {
      { {}, "set the environment variable GIT_API_KEY" },
      { { api_key = "" }, "GIT_API_KEY" },
      { { api_key = "nope" }, "GIT_API_KEY" },
      { { api_key = "gsk_live_abc\n" }, "GIT_API_KEY" },
      { { api_key = KEY, base_url = "http://127.0.0.1/v2" }, "GIT_API_URL" },
      { { api_key = KEY, base_url = "api.git.dev" }, "GIT_API_URL" },
    }
    with_environment({}, function()
      for _, case in ipairs(CASES) do
        case[1].driver = NO_DRIVER
        local err = fake.raised(gitdev.client, case[1])
        assert.is_true(gitdev.is_error(err, "config_error"), tostring(err))
        assert.matches(case[2], err.message, 1, true)
        assert.is_nil(tostring(err):find("abc", 1, true))
        local git, returned = safe.client(case[1])
        assert.is_nil(git)
        assert.equal(err.message, returned.message)
      end
    end)
    with_environment({ GIT_API_KEY = KEY, GITDEV_PROGRESS = "loud" }, function()
      assert.matches("GITDEV_PROGRESS", fake.raised(gitdev.client, { driver = NO_DRIVER }).message)
    end)
  end)

  it("raises misuse in both styles, and names the nearest option", function()
    local CASES = {
      { "nonsense", nil, "takes a table" },
      { options { api_kee = "x" }, "api_kee", 'did you mean "api_key"?' },
      { options { verify = false }, "verify", "known are" },
      { options { [1] = "x" }, "1", "not an option" },
      { options { api_key = {} }, "api_key", "a string" },
      { options { timeout = 0 }, "timeout", "above 0" },
      { options { timeout = "10" }, "timeout", "a number of seconds" },
      { options { timeout = math.huge }, "timeout", "above 0" },
      { options { max_retries = -1 }, "max_retries", "a whole number" },
      { options { max_retries = 1.5 }, "max_retries", "a whole number" },
      { options { body_max = 0 }, "body_max", "above 0" },
      { options { progress = "loud" }, "progress", '"auto", "lines" or "off"' },
      { options { driver = {} }, "driver", "perform" },
    }
    for _, case in ipairs(CASES) do
      for _, module in ipairs { gitdev, safe } do
        local err = fake.raised(module.client, case[1])
        assert.equal(case[2], err.param)
        assert.matches(case[3], err.message, 1, true)
        assert.is_nil(tostring(err):find(KEY, 1, true))
      end
    end
  end)

  it("keeps the key out of every Lua value that can be reached from it", function()
    local git, seen = gitdev.client { api_key = KEY, driver = NO_DRIVER }, {}
    local create = git.deployments.create
    local function walk(value, path)
      assert.is_false(type(value) == "string" and value:find(KEY, 1, true) ~= nil, path)
      if (type(value) == "table" or type(value) == "function") and not seen[value] then
        seen[value] = true
        if type(value) == "table" then
          for key, element in next, value do
            walk(key, path .. ".key")
            walk(element, path .. "." .. tostring(key))
          end
          walk(getmetatable(value), path .. ".meta")
        else
          local i = 1
          local name, upvalue = debug.getupvalue(value, i)
          while name do
            if name ~= "_ENV" then
              walk(upvalue, path .. "^" .. name)
            end
            i = i + 1
            name, upvalue = debug.getupvalue(value, i)
          end
        end
      end
    end
    seen[_G], seen[NO_DRIVER] = true, true
    walk(git, "git")
    walk(create, "create")
    assert.is_true(seen[getmetatable(git)])
  end)

  it("closes", function()
    local git, seen = fake.client {}
    git:close()
    assert.is_true(seen.core.closed)
  end)
end)

describe("a method", function()
  it("sends the contract's request", function()
    local CASES = {
      { function(git)
        return git.deployments:create { project = "my-app", branch = "main", env = { NODE_ENV = "production" } }
      end, "POST", "/deployments", '{"project":"my-app","branch":"main","env":{"NODE_ENV":"production"}}' },
      { function(git)
        return git.projects:get "my-app"
      end, "GET", "/projects/my-app" },
      { function(git)
        return git.projects:update("my-app", { framework = gitdev.null })
      end, "PATCH", "/projects/my-app", '{"framework":null}' },
      { function(git)
        return git.projects:delete "a b"
      end, "DELETE", "/projects/a%20b" },
      { function(git)
        return git.env:create("my-app", { key = "A", value = "1" })
      end, "POST", "/projects/my-app/env", '{"key":"A","value":"1"}' },
      { function(git)
        return git.env:update("my-app", "env_1", {})
      end, "PATCH", "/projects/my-app/env/env_1", "{}" },
      { function(git)
        return git.deployments:cancel "dep_1"
      end, "POST", "/deployments/dep_1/cancel" },
      { function(git)
        return git.deployments:redeploy "dep_1"
      end, "POST", "/deployments/dep_1/redeploy" },
      { function(git)
        return git.deployments:redeploy("dep_1", { skip_cache = true })
      end, "POST", "/deployments/dep_1/redeploy", '{"skip_cache":true}' },
      { function(git)
        return git.organization:get()
      end, "GET", "/organization" },
    }
    for _, case in ipairs(CASES) do
      local git, seen = fake.client(function(call)
        return call.method == "DELETE" and { status = 204, body = "" } or deployment()
      end)
      assert.is_truthy(case[1](git))
      assert.same({ case[2], case[3], case[4] }, { seen[1].method, seen[1].path, seen[1].body })
      assert.equal(1, #seen)
    end
  end)

  it("takes options of the call after the fields, or in their place where there are none", function()
    local git, seen = fake.client(function()
      return deployment()
    end)
    local o = { timeout = 3, max_retries = 0, idempotency_key = "k1", headers = { ["X-Trace"] = "1" } }
    git.deployments:create({ project = "x" }, o)
    git.deployments:cancel("dep_1", o)
    git.deployments:cancel("dep_1", nil, o)
    git.deployments:cancel("dep_1", {}, o)
    git.deployments:redeploy("dep_1", nil, o)
    for i = 1, 5 do
      assert.same({ 3, 0, "k1", { ["X-Trace"] = "1" } }, {
        seen[i].timeout,
        seen[i].max_retries,
        seen[i].idempotency_key,
        seen[i].extra_headers,
      })
    end
  end)

  it("refuses an answer of another shape than the contract's", function()
    local function get(git)
      return git.organization:get()
    end
    local function list(git)
      return git.projects:list()
    end
    local function delete(git)
      return git.projects:delete "my-app"
    end
    local CASES = {
      { get, "[]", "not_an_object" },
      { get, " [ ]", "not_an_object" },
      { get, "[1]", "not_an_object" },
      { get, "", "not_json" },
      { get, "<html>", "not_json" },
      { get, '"text"', "not_json" },
      { list, "[]", "not_a_list" },
      { list, '{"data":{},"has_more":false}', "not_a_list" },
      { list, '{"data":[[]],"has_more":false}', "not_a_list" },
      { list, '{"data":[1],"has_more":false}', "not_a_list" },
      { list, '{"has_more":false}', "not_a_list" },
      { delete, "<html>welcome to this network</html>", "not_empty" },
    }
    for _, case in ipairs(CASES) do
      local git = fake.client({ { status = 200, body = case[2] } }, {}, "gitdev.safe")
      local value, err = case[1](git)
      assert.is_nil(value, case[2])
      assert.same({ "response_error", case[3], 200, "req_000000000001" }, { err.type, err.code, err.status, err.request_id })
    end
  end)

  it("returns true for what answers nothing", function()
    local git = fake.client { { status = 204, body = "" } }
    assert.is_true(git.projects:delete "my-app")
  end)

  it("is made once", function()
    local git = fake.client {}
    assert.equal(git.deployments, git.deployments)
    assert.equal(git.deployments.create, git.deployments.create)
    assert.equal(git.deployments.logs, git.deployments.logs)
  end)

  it("raises misuse in both styles, before anything is sent, with the line at fault", function()
    local page = { object = "list" }
    local CASES = {
      { function(git)
        git.deployments.create { project = "x" }
      end, nil, nil, "git.deployments:create(" },
      { function(git)
        git.deployments.cancel "dep_1"
      end, nil, nil, "git.deployments:cancel(" },
      { function(git)
        git.deployments.logs.list "dep_1"
      end, nil, nil, "git.deployments.logs:list(" },
      { function(git)
        git.deployments.each()
      end, nil, nil, "git.deployments:each(" },
      { function(git)
        git.deploymnts:create {}
      end, nil, nil, 'did you mean "deployments"?' },
      { function(git)
        git.deployments:creat {}
      end, nil, nil, 'did you mean "create"?' },
      { function(git)
        git.deployments.logs:create {}
      end, nil, nil, "known are list, each" },
      { function(git)
        git.deployments { project = "x" }
      end, nil, nil, "list, each, create" },
      { function(git)
        git.deployments:create()
      end, "parameter_missing", "project", "project is required" },
      { function(git)
        git.deployments:create "my-app"
      end, "invalid_type", nil, "takes its fields as a table" },
      { function(git)
        git.deployments:create { project = "x", brnch = "main" }
      end, "parameter_unknown", "brnch", 'did you mean "branch"?' },
      { function(git)
        git.deployments:create { project = "x", env = { PORT = 8080 } }
      end, "invalid_type", "env.PORT", 'got a number: write "8080"' },
      { function(git)
        git.deployments:create { project = "x", timeout = 3 }
      end, "parameter_unknown", "timeout", "is an option of the call" },
      { function(git)
        git.deployments:create({ project = "x" }, { tiemout = 3 })
      end, "parameter_unknown", "tiemout", 'did you mean "timeout"?' },
      { function(git)
        git.deployments:create({ project = "x" }, 3)
      end, "invalid_type", nil, "options of a call must be a table" },
      { function(git)
        git.deployments:create({ project = "x" }, { timeout = "3" })
      end, "invalid_type", "timeout", "a number of seconds" },
      { function(git)
        git.deployments:create({ project = "x" }, { headers = { "X: 1" } })
      end, "invalid_type", "headers", "names and string values" },
      { function(git)
        git.deployments:create({ project = "x" }, { idempotency_key = ("k"):rep(256) })
      end, "parameter_invalid", nil, "idempotency_key" },
      { function(git)
        git.deployments:create({ project = "x" }, {}, {})
      end, nil, nil, "no more than a table of fields, a table of options" },
      { function(git)
        git.deployments:get("dep_1", { timeout = 1 }, { timeout = 1 })
      end, nil, nil, "no more than deployment, a table of options" },
      { function(git)
        git.deployments:get("dep_1", { idempotency_key = "k" })
      end, "parameter_unknown", "idempotency_key", "only reads" },
      { function(git)
        git.deployments:get()
      end, "parameter_missing", "deployment", "deployments.get: deployment is required" },
      { function(git)
        git.deployments:get ""
      end, "parameter_invalid", "deployment", "must not be empty" },
      { function(git)
        git.deployments:get ".."
      end, "parameter_invalid", "deployment", 'must not be ".."' },
      { function(git)
        git.deployments:get(7)
      end, "invalid_type", "deployment", "got a number" },
      { function(git)
        git.deployments:get(page)
      end, "invalid_type", "deployment", "got an object" },
      { function(git)
        git.env:get "my-app"
      end, "parameter_missing", "env_var", "env_var is required" },
      { function(git)
        git.deployments:list { limit = 101 }
      end, "parameter_invalid", "limit", "from 1 to 100" },
      { function(git)
        git.deployments:each { limit = 101 }
      end, "parameter_invalid", "limit", "from 1 to 100" },
    }
    for _, module in ipairs { "gitdev", "gitdev.safe" } do
      local git, seen = fake.client({}, nil, module)
      for _, case in ipairs(CASES) do
        local err = fake.raised(case[1], git)
        assert.is_true(gitdev.is_error(err, "invalid_request_error"), tostring(err))
        assert.same({ case[2], case[3] }, { err.code, err.param })
        assert.matches(case[4], err.message, 1, true)
        assert.matches("client_spec.lua:%d+$", err.where)
        assert.is_nil(err.status)
      end
      assert.equal(0, #seen)
    end
  end)

  it("lists every field at fault", function()
    local git = fake.client {}
    local err = fake.raised(function()
      git.deployments:create { branch = 1, target = "x" }
    end)
    local params = {}
    for i, fault in ipairs(err.errors) do
      params[i] = fault.param .. " " .. fault.code
    end
    assert.same({ "project parameter_missing", "branch invalid_type", "target parameter_invalid" }, params)
  end)

  it("takes a returned thing where its id or name is wanted", function()
    local git, seen = fake.client(function(call)
      if call.path:find "^/projects" then
        return { id = "prj_1", object = "project", slug = "my-app" }
      elseif call.path:find "?" then
        return { body = '{"object":"list","data":[],"has_more":false}' }
      elseif call.path:find "^/edge_configs" then
        return call.method == "GET" and { object = "edge_config_item", key = "a.b", value = 1 } or { status = 204, body = "" }
      end
      return deployment()
    end)
    local edge_config_item = git.edge_configs.items:get("ecf_1", "a.b")
    seen[#seen] = nil
    local project, one = git.projects:get "my-app", git.deployments:get "dep_1"
    git.deployments:get(one)
    git.env:get(project, "env_1")
    git.deployments:create { project = project }
    git.deployments:list { project = project }
    assert.same(
      { "/deployments/dep_1", "/projects/prj_1/env/env_1", "/deployments", "/deployments?project=prj_1" },
      { seen[3].path, seen[4].path, seen[5].path, seen[6].path }
    )
    assert.equal('{"project":"prj_1"}', seen[5].body)
    git.edge_configs.items:delete("ecf_1", edge_config_item)
    assert.equal("/edge_configs/ecf_1/items/a.b", seen[#seen].path)
    local WRONG = {
      { function()
        git.deployments:get(project)
      end, "deployment must be an id, got a thing of type project" },
      { function()
        git.deployments:create { project = one }
      end, "project must be an id or a name, got a thing of type deployment" },
      { function()
        git.deployments:create { project = project, branch = one }
      end, "branch must be a string, got a thing of type deployment: give its id" },
    }
    for _, case in ipairs(WRONG) do
      local err = fake.raised(case[1])
      assert.equal("invalid_type", err.code)
      assert.matches(case[2], err.message, 1, true)
    end
  end)

  it("raises what the world did, or returns it beside nil, by style", function()
    local FAILURE = { type = "conflict_error", code = "invalid_state", message = "It is live.", status = 409, retryable = false }
    local function answers()
      local copy = {}
      for key, value in pairs(FAILURE) do
        copy[key] = value
      end
      return copy
    end
    local git = fake.client(answers)
    local err = fake.raised(function()
      git.deployments:cancel "dep_1"
    end)
    assert.is_true(gitdev.is_error(err, "conflict_error"))
    local value, returned = fake.client(answers, nil, "gitdev.safe").deployments:cancel "dep_1"
    assert.is_nil(value)
    assert.same({ "invalid_state", 409 }, { returned.code, returned.status })
  end)

  it("refuses answers that the contract does not allow", function()
    local CASES = {
      { status = 200, body = "<html>502 Bad Gateway</html>", code = "not_json" },
      { status = 200, body = "", code = "not_json" },
      { status = 200, body = '"text"', code = "not_json" },
      { status = 200, body = "null", code = "not_json" },
      { status = 200, body = '[{"id":"dep_1"}]', code = "not_an_object" },
      { status = 200, body = '{"id":', code = "not_json" },
    }
    for _, case in ipairs(CASES) do
      local git = fake.client({ case }, nil, "gitdev.safe")
      local value, err = git.deployments:get "dep_1"
      assert.is_nil(value)
      assert.same({ "response_error", case.code, 200, "req_000000000001" }, { err.type, err.code, err.status, err.request_id })
      assert.matches("GET /deployments/{deployment}", err.message, 1, true)
    end
  end)
end)

describe("a thing", function()
  it("holds the fields as they were sent: null reads as nil, whole numbers are integers", function()
    local body = '{"id":"dep_1","object":"deployment","failure":null,"duration_ms":2400,"ratio":0.5,"status":"paused_by_moon",'
      .. '"new_field":{"a":[1,null]}}'
    local git = fake.client { { status = 200, body = body } }
    local thing = git.deployments:get "dep_1"
    assert.is_nil(thing.failure)
    assert.equal("2400", tostring(thing.duration_ms))
    assert.equal(0.5, thing.ratio)
    assert.equal("paused_by_moon", thing.status)
    assert.same({ 1, gitdev.null }, thing.new_field.a)
    assert.equal("deployment dep_1 (paused_by_moon)", tostring(thing))
  end)

  it("has the operations on it as methods", function()
    local METHODS = {
      deployments = { "cancel", "delete", "logs", "promote", "redeploy", "refresh", "rollback", "wait" },
      projects = { "delete", "refresh", "update" },
    }
    for resource, names in pairs(METHODS) do
      local git = fake.client { { id = "x_1", object = resource:sub(1, -2), slug = "x" } }
      local thing = git[resource]:get "x_1"
      assert.same(names, json.keys(getmetatable(thing).__index))
      for _, name in ipairs(names) do
        assert.is_function(thing[name])
      end
      assert.is_nil(thing.nothing)
    end
  end)

  it("keeps a secret that is shown once, until there is another", function()
    local hint
    local git = fake.client(function(call)
      local secret = call.method == "POST" and "whsec_00000000000000000000000000abcd" or nil
      return { id = "whk_1", object = "webhook", url = "https://example.com/", secret = secret, secret_hint = hint or "abcd" }
    end)
    local hook = git.webhooks:create { url = "https://example.com/", events = { "*" } }
    local secret = assert(hook.secret)
    hook:refresh()
    assert.equal(secret, hook.secret)
    hook:update { description = "x" }
    assert.equal(secret, hook.secret)
    hint = "efgh"
    hook:refresh()
    assert.is_nil(hook.secret)
    assert.is_nil(git.webhooks:get("whk_1").secret)
  end)

  it("takes no other field of that name for one", function()
    local git = fake.client(function()
      return { id = "env_1", object = "env_var", key = "A", value = "b", secret = false }
    end)
    local variable = git.env:get("my-app", "env_1")
    assert.is_false(variable:refresh().secret)
  end)

  it("sends its own id", function()
    local git, seen = fake.client(function(call)
      if call.method == "DELETE" then
        return { status = 204, body = "" }
      elseif call.path:find "/logs" then
        return { object = "list", data = json.array { { object = "log_line", seq = 1 } }, has_more = false }
      end
      return deployment { id = call.path:find "/redeploy" and "dep_2" or "dep_1", status = call.path:match "cancel" or "live" }
    end)
    local thing = git.deployments:get "dep_1"
    assert.equal(thing, thing:cancel { timeout = 3 })
    assert.equal("cancel", thing.status)
    assert.equal(thing, thing:refresh())
    assert.equal("live", thing.status)
    assert.equal(thing, thing:rollback { reason = "broken" })
    local other = thing:redeploy { skip_cache = true }
    assert.same({ "dep_1", "dep_2" }, { thing.id, other.id })
    assert.equal(1, thing:logs({ limit = 5 }).data[1].seq)
    assert.is_true(thing:delete())
    local sent = {}
    for i = 2, #seen do
      sent[i - 1] = seen[i].method .. " " .. seen[i].path .. " " .. (seen[i].body or "")
    end
    assert.same({
      "POST /deployments/dep_1/cancel ",
      "GET /deployments/dep_1 ",
      'POST /deployments/dep_1/rollback {"reason":"broken"}',
      'POST /deployments/dep_1/redeploy {"skip_cache":true}',
      "GET /deployments/dep_1/logs?limit=5 ",
      "DELETE /deployments/dep_1 ",
    }, sent)
    assert.equal(3, seen[2].timeout)
  end)

  it("stands for its id where things of several kinds will do", function()
    local git, seen = fake.client(function(call)
      local kind = call.path:match "^/(%l+)s/"
      return kind and { id = ({ deployment = "dep_1", job = "job_1", project = "prj_1" })[kind], object = kind }
        or { object = "stream_ticket", ticket = "tkt_1", resource = "dep_1", url = "wss://x/" }
    end)
    local project = git.projects:get "my-app"
    for _, case in ipairs { { git.deployments:get "dep_1", "dep_1" }, { git.jobs:get "job_1", "job_1" }, { "dep_2", "dep_2" } } do
      git.stream_tickets:create { resource = case[1] }
      assert.equal('{"resource":"' .. case[2] .. '"}', seen[#seen].body)
    end
    for _, wrong in ipairs { project, { id = "dep_1" }, 5, "" } do
      local err = fake.raised(git.stream_tickets.create, git.stream_tickets, { resource = wrong })
      assert.equal("resource", err.param)
    end
    local err = fake.raised(git.stream_tickets.create, git.stream_tickets, { resource = project })
    assert.equal("invalid_type resource must be an id, got a thing of type project.", err.code .. " " .. err.message)
  end)

  it("remembers the parent that its path needs", function()
    local git, seen = fake.client(function(call)
      if call.path == "/projects/prj_1" then
        return { id = "prj_1", object = "project", slug = "my-app" }
      elseif call.method == "DELETE" then
        return { status = 204, body = "" }
      elseif call.method == "GET" and call.path:find "/env$" then
        return { object = "list", data = { env_var(), env_var { id = "env_2" } }, has_more = false }
      end
      return env_var { value = call.method }
    end)
    local one = git.env:create("my-app", { key = "A", value = "1" })
    assert.equal("PATCH", one:update({ value = "2" }).value)
    assert.is_true(one:delete())
    local listed = git.env:list(git.projects:get "prj_1").data[2]
    listed:refresh()
    assert.same({
      "/projects/my-app/env",
      "/projects/my-app/env/env_1",
      "/projects/my-app/env/env_1",
      "/projects/prj_1",
      "/projects/prj_1/env",
      "/projects/prj_1/env/env_2",
    }, { seen[1].path, seen[2].path, seen[3].path, seen[4].path, seen[5].path, seen[6].path })
  end)

  it("prefers a method to a field of its name, which gitdev.raw has", function()
    local git = fake.client { deployment { logs = "https://logs.example", wait = 5 } }
    local thing = git.deployments:get "dep_1"
    assert.is_function(thing.logs)
    assert.is_function(thing.wait)
    local raw = gitdev.raw(thing)
    assert.same({ "https://logs.example", 5, "dep_1" }, { raw.logs, raw.wait, raw.id })
    assert.is_nil(getmetatable(raw))
    assert.is_nil(rawget(thing, "logs"))
    raw.id = "changed"
    assert.equal("dep_1", thing.id)
  end)

  it("says how to call a method that was called with a dot", function()
    local git = fake.client { deployment() }
    local thing = git.deployments:get "dep_1"
    for _, args in ipairs { {}, { "dep_1" }, { {} }, { git } } do
      assert.matches("deployment:cancel()", fake.raised(thing.cancel, args[1]).message, 1, true)
    end
    assert.matches("deployment:wait()", fake.raised(thing.wait).message, 1, true)
  end)

  it("knows the answer that it came from", function()
    local git = fake.client { deployment() }
    local thing = git.deployments:get "dep_1"
    local answer = gitdev.answer(thing)
    assert.same({ "req_000000000001", 1 }, { answer.request_id, #answer.attempts })
    assert.is_nil(gitdev.answer {})
  end)

  it("follows the style of its client", function()
    local git = fake.client(function(_, seen)
      return #seen == 1 and deployment() or { type = "api_error", code = "unavailable", message = "Later.", status = 503 }
    end, nil, "gitdev.safe")
    local thing = git.deployments:get "dep_1"
    local value, err = thing:refresh()
    assert.is_nil(value)
    assert.equal("unavailable", err.code)
    assert.equal("queued", thing.status)
  end)
end)

describe("the module", function()
  it("names what it has not", function()
    local err = fake.raised(function()
      return gitdev.clinet
    end)
    assert.matches('did you mean "client"?', err.message, 1, true)
    assert.is_nil(gitdev.__index)
    assert.equal(core.version, gitdev.VERSION)
  end)

  it("shows what is known of the rate limit", function()
    local git, seen = fake.client { { object = "rate_limit", remaining = 7 } }
    seen.core.limit = { remaining = 9 }
    assert.equal(9, git:rate_limit().remaining)
    assert.equal(7, git.rate_limit:get().remaining)
  end)
end)

describe("against the emulator", function()
  local git, seen

  before_each(function()
    local emu
    git, seen = fake.client(function(call, world)
      emu = emu or emulator.new {
        clock = function()
          return 1718942298 + world.now - 1000
        end,
        seed = 1,
      }
      local headers = { authorization = "Bearer " .. emu.api_key, ["content-type"] = call.body and "application/json" or nil }
      headers["idempotency-key"] = call.idempotency_key or call.method ~= "GET" and core.uuid() or nil
      local answer = emu:handle { method = call.method, target = "/v2" .. call.path, headers = headers, body = call.body or "" }
      if answer.status < 300 then
        return { status = answer.status, body = answer.body or "" }
      end
      local failure = json.decode(answer.body).error
      failure.status, failure.body, failure.param = answer.status, answer.body, nil
      return failure
    end, { progress = "off" })
  end)

  it("runs the page's snippet", function()
    local thing = git.deployments:create { project = "my-app", branch = "main", env = { NODE_ENV = "production" } }
    assert.equal("https://my-app.git.dev", thing.url)
    assert.equal(thing, thing:wait())
    assert.same({ "live", 2400, true }, { thing.status, thing.duration_ms, thing.current })
  end)

  it("keeps the environment byte for byte", function()
    local VALUES = { "a=b=c==", "-----BEGIN\nAB\n", "a\\nb", "a\r\nb", "Fäncy", "😀", "e\204\129", "  x ", "", "\226\128\168", "/\127" }
    for i, value in ipairs(VALUES) do
      local made = git.env:create("my-app", { key = "K" .. i, value = value })
      assert.equal(value, made.value)
      assert.equal(value, made:refresh().value)
    end
    local keys = {}
    for variable in git.env:each("my-app", { limit = 2, order = "asc" }) do
      keys[#keys + 1] = variable.key
    end
    assert.equal(#VALUES, #keys)
  end)

  it("agrees with the local checks on what is wrong", function()
    local CASES = {
      { env = { GIT_X = "1" } },
      { env = { KEY = "a\0b" } },
      { env = { KEY = 8080 } },
      { env = { ["1A"] = "x" } },
      { env = { A = ("x"):rep(65536) } },
      { branch = 7 },
      { target = "moon" },
      { brnch = "main" },
      { metadata = { a = ("x"):rep(501) } },
      { regions = { "moon" } },
      { commit_sha = "9b1c" },
    }
    for _, case in ipairs(CASES) do
      case.project = "my-app"
      local here = fake.raised(function()
        git.deployments:create(case)
      end)
      local inner = getmetatable(git).inner
      local op = { op = "x", method = "POST", path = "/deployments", returns = "deployment" }
      local _, there = inner.exchange(inner, op, "/deployments", assert(json.encode(case)))
      assert.same({ there.type, there.code, there.errors[1].param }, { here.type, here.code, here.param })
      assert.equal(422, there.status)
    end
    assert.equal(#CASES, #seen)
  end)
end)

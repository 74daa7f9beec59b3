-- Edge functions (contract 2.11, 3.5).
local core = require "gitdev.core"
local json = require "gitdev.json"
local world = require "spec.lua.support.world"

local codes = world.codes

local CODE = "export default () => new Response('hi')\n"

describe("the emulator's edge functions", function()
  local w

  before_each(function()
    w = world.new()
  end)

  local function body(fields)
    local all = { project = "my-app", name = "hello", code = CODE, routes = { "/hello" } }
    for name, value in pairs(fields or {}) do
      all[name] = value
    end
    return all
  end

  local function post(fields)
    return w:post("/edge_functions", body(fields))
  end

  local function make(fields)
    local answer = post(fields)
    assert(answer.status == 201, answer.body)
    return answer.json
  end

  local function get(made)
    return w:get("/edge_functions/" .. made.id).json
  end

  local function patch(made, fields)
    return w:patch("/edge_functions/" .. made.id, fields)
  end

  local function active(fields)
    local made = make(fields)
    w:wait(2)
    return get(made)
  end

  local function events(from)
    local list = {}
    for index, event in ipairs(w.emulator:events()) do
      if index >= (from or 1) and event.type:find "^edge_function" then
        list[#list + 1] = event
      end
    end
    return list
  end

  local function names(path)
    local list = {}
    for index, thing in ipairs(w:get(path).json.data) do
      list[index] = thing.name
    end
    return table.concat(list, " ")
  end

  local function resolve(path)
    return w:send("POST", "/edge/resolve", { project = "my-app", path = path }, { base = "/_emulator" }).json
  end

  -- The name and the version of what answers a path.
  local function served(path)
    local found = resolve(path).edge_function
    return found ~= json.null and found.name .. " " .. found.version or nil
  end

  describe("are created", function()
    it("with the contract's fields and defaults, deploying", function()
      local made = make()
      assert.equal("-code", world.misfit(made, "edge_function"))
      assert.matches("^fn_%w+$", made.id)
      assert.same({ "my-app", "hello", "deploying", "edge-js-1" }, { made.project, made.name, made.status, made.runtime })
      assert.same({ { "/hello" }, { "*" }, {} }, { made.routes, made.regions, made.env_keys })
      assert.same({ 128, 10000, 1 }, { made.memory_mb, made.timeout_ms, made.version })
      assert.same({ core.sha256(CODE), #CODE, json.null }, { made.code_sha256, made.code_bytes, made.error })
      assert.same({ world.START, world.START }, { made.created_at, made.updated_at })
    end)

    it("as they are asked for", function()
      local made = make {
        regions = { "fra", "iad", "fra" }, memory_mb = 512, timeout_ms = 30000, env = { B = "1", A = "=\n\195\164" },
        routes = { "/a", "/b/:id/*", "/a" },
      }
      assert.same({ "fra", "iad" }, made.regions)
      assert.same({ "A", "B" }, made.env_keys)
      assert.same({ "/a", "/b/:id/*" }, made.routes)
      assert.same({ 512, 30000 }, { made.memory_mb, made.timeout_ms })
      assert.same({ "*" }, make({ name = "two", routes = { "/2" }, regions = { "fra", "*" } }).regions)
    end)

    it("once for one idempotency key", function()
      local extra = { headers = { ["idempotency-key"] = "k" } }
      local first = w:post("/edge_functions", body(), extra)
      local again = w:post("/edge_functions", body(), extra)
      assert.same({ 201, first.body, "true" }, { again.status, again.body, again.headers["idempotent-replayed"] })
      assert.equal("hello", names "/edge_functions")
    end)
  end)

  describe("are refused", function()
    local cases = {
      { { project = "none" }, "422 resource_missing project" },
      { { name = "Hello" }, "422 parameter_invalid name" },
      { { name = "" }, "422 parameter_invalid name" },
      { { code = "" }, "422 parameter_invalid code" },
      { { code = ("x"):rep(1048577) }, "422 parameter_invalid code" },
      { { code = ("\195\164"):rep(524289) }, "422 parameter_invalid code" },
      { { routes = json.array {} }, "422 parameter_invalid routes" },
      { { routes = { "hello" } }, "422 parameter_invalid routes[1]" },
      { { routes = { "/a", "/a*" } }, "422 parameter_invalid routes[2]" },
      { { routes = { "/:a/:a", "/a/../b" } }, "422 parameter_invalid routes[1], parameter_invalid routes[2]" },
      { { regions = { "Frankfurt" } }, "422 parameter_invalid regions[1]" },
      { { regions = { "iad", "xxx" } }, "422 parameter_invalid regions[2]" },
      { { regions = json.array {} }, "422 parameter_invalid regions" },
      { { memory_mb = 64 }, "422 parameter_invalid memory_mb" },
      { { timeout_ms = 30001 }, "422 parameter_invalid timeout_ms" },
      { { timeout_ms = 0 }, "422 parameter_invalid timeout_ms" },
      { { env = { GIT_X = "1" } }, "422 env_key_reserved env.GIT_X" },
      { { env = { ["A-B"] = "1" } }, "422 parameter_invalid env.A-B" },
      { { env = { A = "a\0b" } }, "422 invalid_encoding env.A" },
      { { env = { A = 1 } }, "422 invalid_type env.A" },
      { { env = { A = json.null } }, "422 invalid_type env.A" },
      { { env = { A = ("x"):rep(40000), B = ("x"):rep(40000) } }, "422 env_too_large env" },
      { { enabled = true }, "422 parameter_unknown enabled" },
    }
    for _, case in ipairs(cases) do
      it("with " .. json.encode(case[1]):sub(1, 40) .. ": " .. case[2], function()
        assert.equal(case[2], codes(post(case[1])))
        assert.equal("", names "/edge_functions")
      end)
    end

    it("with no more than a hundred faults told of", function()
      local routes, codes_of_regions = {}, {}
      for number = 1, 1000 do
        routes[number], codes_of_regions[number] = "/" .. number, "zzz"
      end
      local wanted = { project = "my-app", name = "many", code = "x", routes = routes }
      assert.equal(201, w:post("/edge_functions", wanted).status)
      wanted.name = "more"
      assert.equal(100, #w:post("/edge_functions", wanted).json.error.errors)
      wanted.routes, wanted.regions = { "/free" }, codes_of_regions
      assert.equal(100, #w:post("/edge_functions", wanted).json.error.errors)
    end)

    it("without what is required", function()
      assert.equal("422 parameter_missing project, parameter_missing name, parameter_missing code, parameter_missing routes",
        codes(w:post("/edge_functions", "{}")))
    end)

    it("with a name that the project has, and not with one that another has", function()
      w:post("/projects", { slug = "other" })
      make()
      assert.equal("409 already_exists name", codes(post { routes = { "/b" } }))
      assert.equal(201, post({ project = "other" }).status)
    end)

    it("with a route that is taken, by whatever name its segments go, and not with one in another project", function()
      w:post("/projects", { slug = "other" })
      make { routes = { "/a/:id", "/b/*", "/caf%C3%A9" } }
      for _, route in ipairs { "/a/:other", "/b/*", "/caf%c3%a9" } do
        local answer = post { name = "two", routes = { "/free", route } }
        assert.equal("422 rule_conflict routes[2]", codes(answer))
        assert.truthy(answer.json.error.message:find("hello", 1, true))
      end
      assert.equal(201, post({ name = "two", routes = { "/a/b", "/b/:x", "/a/:id/" } }).status)
      assert.equal(201, post({ project = "other", routes = { "/a/:id" } }).status)
    end)
  end)

  it("take one MiB of code", function()
    local made = make { code = ("\195\164"):rep(524288) }
    assert.equal(1048576, made.code_bytes)
  end)

  describe("are listed", function()
    before_each(function()
      w:post("/projects", { slug = "other" })
      active()
      make { name = "bad", routes = { "/bad" }, code = "// emulate: failed" }
      make { project = "other", name = "theirs" }
      w:wait(2)
      make { name = "young", routes = { "/young" } }
    end)

    it("newest first, and filtered", function()
      assert.equal("young theirs bad hello", names "/edge_functions")
      assert.equal("hello bad theirs young", names "/edge_functions?order=asc")
      assert.equal("young bad hello", names "/edge_functions?project=my-app")
      assert.equal("hello", names "/edge_functions?project=my-app&status=active")
      assert.equal("bad", names "/edge_functions?status=failed")
      assert.equal("young", names "/edge_functions?status=deploying")
      assert.equal("", names "/edge_functions?status=disabled")
      assert.equal("", names "/edge_functions?project=none")
      assert.equal("400 parameter_invalid status", codes(w:get "/edge_functions?status=live"))
    end)

    it("by pages that more functions do not upset", function()
      local found = w:walk("/edge_functions?limit=1&project=my-app", function(page)
        make { name = "more-" .. page, routes = { "/more/" .. page } }
      end)
      local seen = {}
      for index, thing in ipairs(found) do
        seen[index] = thing.name
      end
      assert.equal("young bad hello", table.concat(seen, " "))
    end)
  end)

  describe("are read", function()
    it("with their code where it is asked for, and only there", function()
      local made = make { code = "\239\187\191// ä\r\n" }
      assert.is_nil(get(made).code)
      assert.is_nil(w:get("/edge_functions/" .. made.id .. "?include_code=false").json.code)
      local shown = w:get("/edge_functions/" .. made.id .. "?include_code=true").json
      assert.equal("\239\187\191// ä\r\n", shown.code)
      assert.equal("", world.misfit(shown, "edge_function"))
      assert.is_nil(get(made).code)
    end)

    it("never with the values of their environment", function()
      local made = make { env = { TOKEN = "hunter22" } }
      for _, path in ipairs { "/edge_functions/" .. made.id .. "?include_code=true", "/edge_functions" } do
        assert.is_nil(w:get(path).body:find("hunter", 1, true))
      end
    end)

    it("not when there are none of that id", function()
      assert.equal("404 resource_missing", codes(w:get "/edge_functions/fn_000000000000"))
      assert.equal("404 resource_missing", codes(w:get "/edge_functions/hello"))
    end)
  end)

  describe("are deployed", function()
    it("in a while, and then serve", function()
      local made = make()
      w:wait(1)
      assert.equal("deploying", get(made).status)
      assert.is_nil(served "/hello")
      w:wait(0.5)
      local now = get(made)
      assert.same({ "active", world.START + 1 }, { now.status, now.updated_at })
      assert.equal("hello 1", served "/hello")
      assert.equal(1, #events())
      assert.equal("edge_function.completed", events()[1].type)
      assert.same({
        project = "my-app", project_id = made.project_id, edge_function_id = made.id, name = "hello", version = 1, status = "active",
      }, events()[1].data)
    end)

    local failures = {
      { "that says so", "// emulate: failed\n" .. CODE, "deploy_failed" },
      { "that says so at a line's end", CODE .. "let a = 1 //emulate:failed", "deploy_failed" },
      { "that throws at its top level", "let a = 1\nthrow new Error('no')\n", "startup_error" },
      { "that throws at once", "throw 1", "startup_error" },
    }
    for _, case in ipairs(failures) do
      it("and fail with code " .. case[1], function()
        local made = active { code = case[2] }
        assert.equal("failed", made.status)
        assert.equal(case[3], made.error.code)
        assert.is_string(made.error.message)
        assert.is_nil(served "/hello")
        assert.equal(1, #events())
        assert.equal("edge_function.failed", events()[1].type)
        assert.same({ "failed", made.error, 1 }, { events()[1].data.status, events()[1].data.error, events()[1].data.version })
      end)
    end

    it("and do not fail with a throw that is not at the top level", function()
      assert.equal("active", active({ code = "function f() {\n  throw 1\n}\nlet throws = 2 // emulate: slow" }).status)
    end)
  end)

  describe("are updated", function()
    it("to a new version, while the old one serves", function()
      local made = active { env = { A = "1" } }
      local from = #w.emulator:events() + 1
      local changed = patch(made, { code = "// two" }).json
      assert.same({ "deploying", 2, core.sha256 "// two", 6 },
        { changed.status, changed.version, changed.code_sha256, changed.code_bytes })
      assert.equal("hello 1", served "/hello")
      w:wait(2)
      assert.equal("active", get(made).status)
      assert.equal("hello 2", served "/hello")
      assert.equal(3, patch(made, { env = { A = "2" } }).json.version)
      w:wait(2)
      assert.equal(2, #events(from))
      assert.equal(3, events(from)[2].data.version)
    end)

    it("to a version that fails, while the old one serves; the next heals it", function()
      local made = active()
      patch(made, { code = "throw 1" })
      w:wait(2)
      assert.same({ "failed", 2 }, { get(made).status, get(made).version })
      assert.equal("hello 1", served "/hello")
      local healed = patch(made, { code = "// three" }).json
      assert.same({ "deploying", 3, json.null }, { healed.status, healed.version, healed.error })
      w:wait(2)
      assert.same({ "active", json.null }, { get(made).status, get(made).error })
      assert.equal("hello 3", served "/hello")
    end)

    it("to a newer version than the one on its way, which is not deployed", function()
      local made = active()
      patch(made, { code = "// two" })
      w:wait(1)
      patch(made, { code = "// three" })
      w:wait(1)
      assert.equal("hello 1", served "/hello")
      w:wait(1)
      assert.equal("hello 3", served "/hello")
      assert.equal(2, #events())
    end)

    it("in what makes no version at once", function()
      local made = active()
      local answer = patch(made, {
        name = "bye", routes = { "/bye/:x" }, regions = { "fra" }, memory_mb = 256, timeout_ms = 5,
      })
      local changed = answer.json
      assert.same({ "active", 1, "bye", 256, 5 },
        { changed.status, changed.version, changed.name, changed.memory_mb, changed.timeout_ms })
      assert.same({ { "/bye/:x" }, { "fra" } }, { changed.routes, changed.regions })
      assert.is_nil(served "/hello")
      assert.equal("bye 1", served "/bye/1")
      assert.equal(answer.body, w:get("/edge_functions/" .. made.id).body)
    end)

    it("without a trace when nothing changes", function()
      local made = active { env = { A = "1" } }
      local before, count = w:get("/edge_functions/" .. made.id).body, #w.emulator:events()
      w:wait(5)
      local answer = patch(made, body { project = nil, env = { A = "1" }, regions = { "*" }, enabled = true })
      assert.equal("422 parameter_unknown project", codes(answer))
      local same = body { env = { A = "1" }, enabled = true }
      same.project = nil
      assert.equal(before, patch(made, same).body)
      assert.equal(before, patch(made, "{}").body)
      assert.equal(count, #w.emulator:events())
    end)

    it("to an environment that is replaced whole", function()
      local made = active { env = { A = "1", B = "2" } }
      assert.same({ "B", "C" }, patch(made, { env = { C = "3", B = "2" } }).json.env_keys)
      assert.same({}, patch(made, '{"env":{}}').json.env_keys)
      assert.equal(3, get(made).version)
    end)

    it("if they are at the version that is expected", function()
      local made = active()
      assert.equal("409 version_conflict expected_version", codes(patch(made, { code = "// two", expected_version = 2 })))
      assert.equal(1, get(made).version)
      assert.equal(2, patch(made, { code = "// two", expected_version = 1 }).json.version)
      assert.equal("409 version_conflict expected_version", codes(patch(made, { timeout_ms = 1, expected_version = 1 })))
      assert.equal("422 parameter_invalid expected_version", codes(patch(made, { expected_version = 0 })))
    end)

    local refused = {
      { { name = "other" }, "409 already_exists name" },
      { { name = "no_slug" }, "422 parameter_invalid name" },
      { { routes = { "/x", "/other/:y" } }, "422 rule_conflict routes[2]" },
      { { routes = json.array {} }, "422 parameter_invalid routes" },
      { { code = ("x"):rep(1048577) }, "422 parameter_invalid code" },
      { { env = { GIT_A = "" } }, "422 env_key_reserved env.GIT_A" },
      { { regions = { "zzz" } }, "422 parameter_invalid regions[1]" },
      { { memory_mb = 129 }, "422 parameter_invalid memory_mb" },
      { '{"name":null}', "422 invalid_type name" },
      { '{"env":null}', "422 invalid_type env" },
      { { version = 2 }, "422 parameter_unknown version" },
    }
    for _, case in ipairs(refused) do
      local text = type(case[1]) == "string" and case[1] or json.encode(case[1]):sub(1, 40)
      it("never with " .. text .. ": " .. case[2], function()
        make { name = "other", routes = { "/other/:x" } }
        local made = active()
        local before = w:get("/edge_functions/" .. made.id).body
        assert.equal(case[2], codes(patch(made, case[1])))
        assert.equal(before, w:get("/edge_functions/" .. made.id).body)
        assert.equal("hello 1", served "/hello")
      end)
    end
  end)

  describe("are disabled and enabled", function()
    it("at once when they are active", function()
      local made = active()
      local count = #w.emulator:events()
      assert.equal("disabled", patch(made, { enabled = false }).json.status)
      assert.is_nil(served "/hello")
      assert.equal("disabled", patch(made, { enabled = false }).json.status)
      assert.equal("active", patch(made, { enabled = true }).json.status)
      assert.equal("hello 1", served "/hello")
      assert.equal(count, #w.emulator:events())
    end)

    it("with a version that was made meanwhile, which is deployed then", function()
      local made = active()
      patch(made, { enabled = false })
      local changed = patch(made, { code = "// two" }).json
      assert.same({ "disabled", 2 }, { changed.status, changed.version })
      w:wait(5)
      assert.equal("disabled", get(made).status)
      assert.equal("deploying", patch(made, { enabled = true }).json.status)
      assert.equal("hello 1", served "/hello")
      w:wait(2)
      assert.equal("hello 2", served "/hello")
    end)

    it("while they are deployed, as soon as that is done", function()
      local made = make()
      assert.equal("deploying", patch(made, { enabled = false }).json.status)
      w:wait(2)
      assert.equal("disabled", get(made).status)
      assert.is_nil(served "/hello")
      assert.equal("edge_function.completed", events()[1].type)
      assert.equal(1, #events())
    end)

    it("after they failed, from the next version that does not", function()
      local made = active()
      patch(made, { code = "throw 1" })
      w:wait(2)
      assert.equal("failed", patch(made, { enabled = false }).json.status)
      assert.is_nil(served "/hello")
      patch(made, { code = "// three" })
      w:wait(2)
      assert.equal("disabled", get(made).status)
      assert.equal("active", patch(made, { enabled = true }).json.status)
      assert.equal("hello 3", served "/hello")
    end)
  end)

  it("answer the paths that their routes say most exactly", function()
    make { name = "all", routes = { "/*" } }
    make { name = "any", routes = { "/a/:x", "/a/:x/" } }
    make { name = "one", routes = { "/a/b", "/a/b/*" } }
    w:wait(2)
    local cases = {
      ["/"] = "all 1", ["/a"] = "all 1", ["/a/b"] = "one 1", ["/a/%62"] = "one 1", ["/a/c"] = "any 1", ["/a/c/"] = "any 1",
      ["/a/b/c/d"] = "one 1", ["/a/b/"] = "one 1", ["/a/c/d"] = "all 1", ["/A/b?x=/a/b"] = "all 1",
    }
    for path, expected in pairs(cases) do
      assert.equal(expected, served(path), path)
    end
  end)

  it("get their environment byte for byte, that of the version that serves", function()
    local made = make { env = { A = "=\r\n\240\159\152\128", B = "" } }
    local function environment()
      return w:send("GET", "/edge_functions/" .. made.id .. "/environment", nil, { base = "/_emulator" })
    end
    assert.equal(404, environment().status)
    w:wait(2)
    patch(made, { env = { A = "2" } })
    assert.same({ A = "=\r\n\240\159\152\128", B = "" }, environment().json)
    w:wait(2)
    assert.same({ A = "2" }, environment().json)
    assert.equal(404, w:send("GET", "/edge_functions/fn_0/environment", nil, { base = "/_emulator" }).status)
  end)

  describe("are deleted", function()
    it("once, with an event, and free their name and routes", function()
      local made = active()
      assert.equal(204, w:delete("/edge_functions/" .. made.id).status)
      assert.equal(404, w:delete("/edge_functions/" .. made.id).status)
      assert.is_nil(served "/hello")
      local last = events()[2]
      assert.equal("edge_function.deleted", last.type)
      assert.same({ "my-app", made.id, "hello", 1, "active" },
        { last.data.project, last.data.edge_function_id, last.data.name, last.data.version, last.data.status })
      assert.equal(201, post().status)
    end)

    it("while they are deployed, which ends then", function()
      local made = make()
      w:delete("/edge_functions/" .. made.id)
      w:wait(5)
      assert.equal("", names "/edge_functions")
      assert.equal(1, #events())
    end)

    it("with their project, silently", function()
      local made = make()
      w:delete "/projects/my-app"
      w:wait(5)
      assert.equal(404, w:get("/edge_functions/" .. made.id).status)
      assert.equal("", names "/edge_functions")
      assert.equal(0, #events())
    end)
  end)

  it("go by their project's new slug", function()
    local made = active()
    w:patch("/projects/my-app", { slug = "shop" })
    assert.equal("shop", get(made).project)
    patch(made, { code = "// two" })
    w:wait(2)
    assert.equal("shop", events()[2].data.project)
  end)

  describe("are for keys", function()
    it("with the scope edge, to read or to write", function()
      local made = active()
      local reader = { key = w.emulator:issue_key { scopes = { "edge:read" } } }
      local none = { key = w.emulator:issue_key { scopes = { "deployments:write" } } }
      local path = "/edge_functions/" .. made.id
      assert.equal(200, w:get(path, reader).status)
      assert.equal(200, w:get("/edge_functions", reader).status)
      for _, answer in ipairs {
        w:post("/edge_functions", body { name = "b", routes = { "/b" } }, reader), w:patch(path, { enabled = false }, reader),
        w:delete(path, reader),
      } do
        assert.same({ "403 insufficient_scope", "edge:write" }, { codes(answer), answer.json.error.required_scope })
      end
      for _, answer in ipairs { w:get(path, none), w:get("/edge_functions", none) } do
        assert.same({ "403 insufficient_scope", "edge:read" }, { codes(answer), answer.json.error.required_scope })
      end
    end)

    it("that hold the project; for others they are not there", function()
      w:post("/projects", { slug = "other" })
      local made = active()
      make { project = "other", name = "theirs" }
      local theirs = { key = w.emulator:issue_key { projects = { "other" } } }
      local path = "/edge_functions/" .. made.id
      for _, answer in ipairs { w:get(path, theirs), w:patch(path, { enabled = false }, theirs), w:delete(path, theirs) } do
        assert.equal("404 resource_missing", codes(answer))
      end
      assert.equal("422 resource_missing project", codes(w:post("/edge_functions", body { name = "b" }, theirs)))
      local list = w:get("/edge_functions", theirs).json.data
      assert.same({ 1, "theirs" }, { #list, list[1].name })
      assert.equal(0, #w:get("/edge_functions?project=my-app", theirs).json.data)
      assert.equal("active", get(made).status)
    end)
  end)

  it("go on after their state was saved and loaded", function()
    local made = active { env = { A = "1" } }
    patch(made, { code = "// two" })
    local text = w.emulator:dump()
    local other = world.new()
    other.now = w.now
    assert(other.emulator:restore(text))
    other:wait(2)
    local found = other:get("/edge_functions/" .. made.id .. "?include_code=true", { key = w.key }).json
    assert.same({ "active", 2, "// two" }, { found.status, found.version, found.code })
  end)
end)

-- Environment variables (contract 2.3, 1.10).
local json = require "gitdev.json"
local process_of = require "spec.lua.support.process"
local world = require "spec.lua.support.world"

local codes = world.codes

-- The vectors of contract 1.10: the value as JSON on the wire, and the bytes that the process gets.
local VECTORS = {
  { "plain", '"production"', "production" },
  { "equals", '"a=b=c=="', "a=b=c==" },
  { "PEM", '"-----BEGIN\\nAB\\n"', "-----BEGIN\nAB\n" },
  { "literal backslash-n", '"a\\\\nb"', "a\\nb" },
  { "CRLF", '"a\\r\\nb"', "a\r\nb" },
  { "UTF-8", '"F\195\164ncy"', "F\195\164ncy" },
  { "UTF-8, escaped", '"F\\u00e4ncy"', "F\195\164ncy" },
  { "astral", '"\240\159\152\128"', "\240\159\152\128" },
  { "astral, escaped", '"\\ud83d\\ude00"', "\240\159\152\128" },
  { "decomposed", '"e\\u0301"', "e\204\129" },
  { "url-ish", '"a%20b+c&d"', "a%20b+c&d" },
  { "blanks", '"  x "', "  x " },
  { "empty", '""', "" },
  { "U+2028", '"\\u2028"', "\226\128\168" },
  { "dollar and quotes", [["$X \"'`#"]], [[$X "'`#]] },
  { "byte order mark", '"\\ufeffx"', "\239\187\191x" },
  { "control characters", '"\\u0001\\u007f\\t"', "\1\127\t" },
}

describe("the emulator's environment", function()
  local w

  before_each(function()
    w = world.new()
  end)

  local function set(fields)
    return w:post("/projects/my-app/env", fields)
  end

  local function process(fields)
    return w.emulator:environment(w:deploy(fields).id)
  end

  local function last_event()
    local events = w.emulator:events()
    return events[#events]
  end

  describe("keeps values byte for byte:", function()
    for _, case in ipairs(VECTORS) do
      it(case[1], function()
        local made = set('{"key":"KEY","value":' .. case[2] .. "}")
        assert.equal(201, made.status)
        assert.equal(case[3], made.json.value)
        assert.equal(3 + #case[3], made.json.size_bytes)
        assert.equal(case[3], w:get("/projects/my-app/env/" .. made.json.id).json.value)
        assert.equal(case[3], process().KEY)
        local answer = w:post("/deployments", '{"project":"my-app","env":{"OTHER":' .. case[2] .. "}}")
        assert.equal(case[3], w.emulator:environment(answer.json.id).OTHER)
      end)
    end
  end)

  it("hands every value to a real process, byte for byte", function()
    local expected, members = {}, {}
    for index, case in ipairs(VECTORS) do
      assert.equal(201, set(('{"key":"STORED_%d","value":%s}'):format(index, case[2])).status)
      members[index] = ('"GIVEN_%d":%s'):format(index, case[2])
      expected["STORED_" .. index], expected["GIVEN_" .. index] = case[3], case[3]
    end
    local answer = w:post("/deployments", '{"project":"my-app","env":{' .. table.concat(members, ",") .. "}}")
    assert.equal(201, answer.status)
    local all = w.emulator:environment(answer.json.id)
    local got = process_of.environ(all)
    for key, value in pairs(expected) do
      assert.equal(value, got[key], key)
    end
    assert.same(all, got)
    assert.equal(answer.json.id, got.GIT_DEPLOYMENT_ID)
  end)

  it("hands the largest environment to a real process", function()
    local value = ("\240\159\152\128"):rep(16383)
    assert.equal(201, set({ key = "BIG", value = value }).status)
    assert.equal(value, process_of.environ(process()).BIG)
  end)

  describe("refuses", function()
    local cases = {
      { "NUL in a value", '{"key":"KEY","value":"a\\u0000b"}', "422 invalid_encoding value" },
      { "a lone surrogate", '{"key":"KEY","value":"\\udc00"}', "400 invalid_json" },
      { "a number", '{"key":"KEY","value":1}', "422 invalid_type value" },
      { "a boolean", '{"key":"KEY","value":true}', "422 invalid_type value" },
      { "null", '{"key":"KEY","value":null}', "422 invalid_type value" },
      { "a list", '{"key":"KEY","value":[]}', "422 invalid_type value" },
      { "no value", '{"key":"KEY"}', "422 parameter_missing value" },
      { "a reserved key", '{"key":"GIT_URL","value":""}', "422 env_key_reserved key" },
      { "a reserved beginning", '{"key":"GIT_MINE","value":""}', "422 env_key_reserved key" },
      { "a key that begins with a digit", '{"key":"1A","value":""}', "422 parameter_invalid key" },
      { "a key with a dash", '{"key":"A-B","value":""}', "422 parameter_invalid key" },
      { "an empty key", '{"key":"","value":""}', "422 parameter_invalid key" },
      { "a long key", '{"key":"' .. ("A"):rep(129) .. '","value":""}', "422 parameter_invalid key" },
      { "no targets", '{"key":"KEY","value":"","targets":[]}', "422 parameter_invalid targets" },
      { "an unknown target", '{"key":"KEY","value":"","targets":["live"]}', "422 parameter_invalid targets[1]" },
      { "an empty branch", '{"key":"KEY","value":"","branch":""}', "422 parameter_invalid branch" },
      {
        "a branch for production",
        '{"key":"KEY","value":"","targets":["production"],"branch":"main"}',
        "422 parameter_invalid branch",
      },
      {
        "a branch for every target",
        '{"key":"KEY","value":"","targets":["production","preview","development"],"branch":"x"}',
        "422 parameter_invalid branch",
      },
    }
    for _, case in ipairs(cases) do
      it(case[1], function()
        assert.equal(case[3], codes(set(case[2])))
        assert.equal(0, #w:get("/projects/my-app/env").json.data)
      end)
    end

    local in_deployments = {
      { "NUL", '{"KEY":"a\\u0000b"}', "422 invalid_encoding env.KEY" },
      { "a lone surrogate", '{"KEY":"\\ud800"}', "400 invalid_json" },
      { "a number", '{"KEY":1}', "422 invalid_type env.KEY" },
      { "a reserved key", '{"GIT_REGION":"iad"}', "422 env_key_reserved env.GIT_REGION" },
      { "a bad key and a bad value", '{"B":true,"A-":"x"}', "422 parameter_invalid env.A-, invalid_type env.B" },
    }
    for _, case in ipairs(in_deployments) do
      it(case[1] .. " in deployments.create", function()
        assert.equal(case[3], codes(w:post("/deployments", '{"project":"my-app","env":' .. case[2] .. "}")))
      end)
    end

    it("neither GIT in another case nor a key like it", function()
      assert.equal(201, set({ key = "git_url", value = "" }).status)
      assert.equal(201, set({ key = "GITHUB", value = "" }).status)
      assert.equal(201, set({ key = "_" .. ("A"):rep(127), value = "" }).status)
    end)
  end)

  describe("has a size of at most 65536 bytes:", function()
    local function too_large(answer, size, param)
      assert.equal("422 env_too_large " .. param, codes(answer))
      assert.equal(size, answer.json.error.size_bytes)
      assert.equal(65536, answer.json.error.limit_bytes)
    end

    it("one variable", function()
      assert.equal(201, set({ key = "KEY", value = ("x"):rep(65533) }).status)
      too_large(set { key = "OTHER", value = ("x"):rep(65537) }, 65542, "value")
    end)

    it("all variables of a target together", function()
      set { key = "A", value = ("x"):rep(40000), targets = { "production" } }
      assert.equal(201, set({ key = "B", value = ("x"):rep(40000), targets = { "preview" } }).status)
      too_large(set { key = "C", value = ("x"):rep(25535), targets = { "production" } }, 65537, "value")
      assert.equal(201, set({ key = "C", value = ("x"):rep(25534), targets = { "production" } }).status)
    end)

    it("bytes, not characters", function()
      too_large(set { key = "A", value = ("\195\164"):rep(32768) }, 65537, "value")
    end)

    it("after an update", function()
      local made = set({ key = "A", value = "x" }).json
      set { key = "B", value = ("x"):rep(60000) }
      too_large(w:patch("/projects/my-app/env/" .. made.id, { value = ("x"):rep(5535) }), 65537, "value")
      assert.equal("x", w:get("/projects/my-app/env/" .. made.id).json.value)
    end)

    it("the request's own and the inherited ones together", function()
      set { key = "A", value = ("x"):rep(60000) }
      local function deploy(env)
        return w:post("/deployments", { project = "my-app", env = env })
      end
      too_large(deploy { B = ("x"):rep(5535) }, 65537, "env")
      assert.equal(201, deploy({ B = ("x"):rep(5534) }).status)
      assert.equal(201, deploy({ A = "y", B = ("x"):rep(60000) }).status)
      too_large(deploy { B = ("x"):rep(40000), C = ("x"):rep(40000) }, 80002, "env")
    end)
  end)

  describe("variables", function()
    it("have the contract's fields and defaults", function()
      w:wait(3)
      local answer = set { key = "NODE_ENV", value = "production" }
      assert.equal("", world.misfit(answer.json, "env_var"))
      assert.same({
        id = answer.json.id,
        object = "env_var",
        key = "NODE_ENV",
        value = "production",
        secret = false,
        targets = { "production", "preview", "development" },
        branch = json.null,
        size_bytes = 18,
        created_at = world.START + 3,
        updated_at = world.START + 3,
      }, answer.json)
      assert.equal("env_var.created", last_event().type)
      assert.same({
        project = "my-app",
        project_id = w:get("/projects/my-app").json.id,
        env_var_id = answer.json.id,
        key = "NODE_ENV",
        targets = { "production", "preview", "development" },
        secret = false,
      }, last_event().data)
    end)

    it("of a branch are for previews", function()
      local made = set({ key = "A", value = "b", branch = "develop" }).json
      assert.same({ "preview" }, made.targets)
    end)

    it("name each target once, in the contract's order", function()
      local made = set({ key = "A", value = "b", targets = { "preview", "production", "preview" } }).json
      assert.same({ "production", "preview" }, made.targets)
    end)

    it("that are secret never show their value", function()
      local made = set { key = "TOKEN", value = "hunter22", secret = true }
      assert.equal("", world.misfit(made.json, "env_var"))
      assert.equal(json.null, made.json.value)
      assert.equal(13, made.json.size_bytes)
      assert.equal(json.null, w:get("/projects/my-app/env").json.data[1].value)
      local changed = w:patch("/projects/my-app/env/" .. made.json.id, { value = "hunter23" })
      assert.equal(json.null, changed.json.value)
      assert.equal("hunter23", process().TOKEN)
      for _, event in ipairs(w.emulator:events()) do
        assert.is_nil(json.encode(event):find("hunter", 1, true))
      end
    end)

    -- What is there, what is added, and whether they collide.
    local collisions = {
      { { targets = { "production" } }, { targets = { "production" } }, 409 },
      { { targets = { "production" } }, { targets = { "preview" } }, 201 },
      { { targets = { "production", "preview" } }, { targets = { "preview", "development" } }, 409 },
      { {}, {}, 409 },
      { {}, { targets = { "production" } }, 201 },
      { { branch = "a" }, { branch = "a" }, 409 },
      { { branch = "a" }, { branch = "b" }, 201 },
      { { branch = "a" }, { targets = { "preview" } }, 201 },
      { { key = "a" }, { key = "A" }, 201 },
    }
    for number, case in ipairs(collisions) do
      it(("are unique by key, target and branch: case %d -> %d"):format(number, case[3]), function()
        for _, fields in ipairs(case) do
          if type(fields) == "table" then
            fields.key, fields.value = fields.key or "KEY", "x"
          end
        end
        assert.equal(201, set(case[1]).status)
        local answer = set(case[2])
        assert.equal(case[3], answer.status)
        if case[3] == 409 then
          assert.equal("409 already_exists key", codes(answer))
        end
      end)
    end

    it("may be set anew with upsert", function()
      local first = set { key = "A", value = "1", upsert = true }
      assert.equal(201, first.status)
      w:wait(5)
      local second = set { key = "A", value = "2", upsert = true }
      assert.equal(200, second.status)
      assert.equal(first.json.id, second.json.id)
      assert.equal("2", second.json.value)
      assert.equal(world.START + 5, second.json.updated_at)
      assert.equal("env_var.updated", last_event().type)
      local narrow = set { key = "A", value = "3", targets = { "production" }, upsert = true }
      assert.equal(201, narrow.status)
    end)

    it("stay secret under upsert", function()
      set { key = "A", value = "1", secret = true }
      local again = set { key = "A", value = "2", upsert = true }
      assert.equal(200, again.status)
      assert.is_true(again.json.secret)
      assert.equal(json.null, again.json.value)
    end)

    it("are not upserted where two are in the way", function()
      set { key = "A", value = "1", targets = { "production" } }
      set { key = "A", value = "2", targets = { "preview" } }
      local answer = set { key = "A", value = "3", targets = { "production", "preview" }, upsert = true }
      assert.equal("409 already_exists key", codes(answer))
    end)

    it("keep their other targets under upsert: overlapping ones that are not the same are refused", function()
      local there = set({ key = "A", value = "1", targets = { "production", "preview" } }).json
      for _, targets in ipairs { { "production" }, { "preview", "development" } } do
        local answer = set { key = "A", value = "2", targets = targets, upsert = true }
        assert.equal("409 already_exists key", codes(answer))
        local message = answer.json.error.message
        assert.truthy(message:find("production, preview already, by " .. there.id, 1, true))
        assert.truthy(message:find("targets are not the same", 1, true))
        assert.is_nil(message:find("upsert", 1, true))
      end
      assert.equal("1", process({ branch = "develop" }).A)
      local order = set { key = "A", value = "3", targets = { "preview", "production" }, upsert = true }
      assert.equal(200, order.status)
    end)

    it("advise upsert only where it would help", function()
      local one = set({ key = "A", value = "1", targets = { "production" } }).json
      local two = set({ key = "A", value = "1", targets = { "preview" } }).json
      local created = set { key = "A", value = "2", targets = { "production" } }
      assert.truthy(created.json.error.message:find("upsert", 1, true))
      local patched = w:patch("/projects/my-app/env/" .. two.id, { targets = { "production" } })
      assert.equal("409 already_exists key", codes(patched))
      assert.truthy(patched.json.error.message:find(one.id, 1, true))
      assert.is_nil(patched.json.error.message:find("upsert", 1, true))
    end)

    it("stay as they are when nothing changes", function()
      local made = set({ key = "A", value = "1", targets = { "preview" }, branch = "develop" }).json
      local events = #w.emulator:events()
      w:wait(5)
      for _, body in ipairs { "{}", '{"value":"1","secret":false,"targets":["preview"],"branch":"develop"}' } do
        local answer = w:patch("/projects/my-app/env/" .. made.id, body)
        assert.equal(200, answer.status)
        assert.same(made, answer.json)
      end
      local again = set { key = "A", value = "1", branch = "develop", upsert = true }
      assert.equal(200, again.status)
      assert.same(made, again.json)
      assert.equal(events, #w.emulator:events())
    end)

    it("are listed and filtered", function()
      set { key = "A", value = "1", targets = { "production" } }
      set { key = "B", value = "2", branch = "develop" }
      set { key = "A", value = "3" }
      local function keys(query)
        local list = {}
        for index, variable in ipairs(w:get("/projects/my-app/env" .. query).json.data) do
          list[index] = variable.key .. variable.value
        end
        return table.concat(list, " ")
      end
      assert.equal("A3 B2 A1", keys "")
      assert.equal("A1 B2 A3", keys "?order=asc")
      assert.equal("A3 A1", keys "?target=production")
      assert.equal("A3 B2", keys "?target=preview")
      assert.equal("B2", keys "?branch=develop")
      assert.equal("A3 A1", keys "?key=A")
      assert.equal("A1", keys "?key=A&limit=1&order=asc")
      assert.equal("", keys "?key=a")
    end)

    it("belong to one project", function()
      w:post("/projects", { slug = "other" })
      local made = set({ key = "A", value = "1" }).json
      assert.equal(404, w:get("/projects/other/env/" .. made.id).status)
      assert.equal(404, w:delete("/projects/other/env/" .. made.id).status)
      assert.equal(0, #w:get("/projects/other/env").json.data)
    end)

    it("are updated by merging", function()
      local made = set({ key = "A", value = "1", targets = { "preview" }, branch = "develop" }).json
      local path = "/projects/my-app/env/" .. made.id
      w:wait(4)
      local changed = w:patch(path, '{"branch":null}').json
      assert.equal(json.null, changed.branch)
      assert.equal("1", changed.value)
      assert.equal(world.START + 4, changed.updated_at)
      changed = w:patch(path, { targets = { "production" }, value = "22" }).json
      assert.same({ "production" }, changed.targets)
      assert.equal(3, changed.size_bytes)
      assert.equal("env_var.updated", last_event().type)
    end)

    it("become secret, and never public again", function()
      local made = set({ key = "A", value = "1" }).json
      local path = "/projects/my-app/env/" .. made.id
      assert.equal(json.null, w:patch(path, { secret = true }).json.value)
      assert.equal("422 parameter_invalid secret", codes(w:patch(path, { secret = false })))
      assert.equal(200, w:patch(path, { secret = true }).status)
      assert.equal("1", process().A)
    end)

    local refused = {
      { { targets = { "preview" } }, "409 already_exists key" },
      { { branch = "develop" }, "422 parameter_invalid branch" },
      { { targets = {} }, "422 invalid_type targets" },
      { { key = "B" }, "422 parameter_unknown key" },
      { '{"value":null}', "422 invalid_type value" },
      { '{"value":"\\u0000"}', "422 invalid_encoding value" },
    }
    for _, case in ipairs(refused) do
      local text = type(case[1]) == "string" and case[1] or json.encode(case[1])
      it("never with " .. text .. ": " .. case[2], function()
        set { key = "A", value = "1", targets = { "preview" } }
        local made = set({ key = "A", value = "2", targets = { "production" } }).json
        local path = "/projects/my-app/env/" .. made.id
        local before = w:get(path).body
        assert.equal(case[2], codes(w:patch(path, case[1])))
        assert.equal(before, w:get(path).body)
      end)
    end

    it("are deleted once", function()
      local made = set({ key = "A", value = "1" }).json
      local path = "/projects/my-app/env/" .. made.id
      assert.equal(204, w:delete(path).status)
      assert.equal(404, w:delete(path).status)
      assert.equal("env_var.deleted", last_event().type)
      assert.equal(201, set({ key = "A", value = "2" }).status)
    end)
  end)

  describe("of a deployment", function()
    it("prefers the request, then the branch, then the target, then all targets", function()
      set { key = "K", value = "all" }
      assert.equal("all", process({ branch = "develop" }).K)
      set { key = "K", value = "target", targets = { "preview" } }
      assert.equal("target", process({ branch = "develop" }).K)
      set { key = "K", value = "branch", branch = "develop" }
      assert.equal("branch", process({ branch = "develop" }).K)
      assert.equal("request", process({ branch = "develop", env = { K = "request" } }).K)
      assert.equal("all", process({ branch = "main" }).K)
      assert.equal("target", process({ branch = "main", target = "preview" }).K)
      assert.equal("all", process({ branch = "develop", target = "production" }).K)
    end)

    it("drops an inherited variable for null", function()
      set { key = "A", value = "1" }
      local made = w:deploy { env = { A = json.null, B = "2", C = json.null } }
      assert.same({ "B" }, made.env_keys)
      assert.is_nil(w.emulator:environment(made.id).A)
    end)

    it("is a snapshot: later changes do not touch it, redeploying takes today's", function()
      local variable = set({ key = "A", value = "old" }).json
      local made = w:deploy { env = { B = "request" } }
      w:patch("/projects/my-app/env/" .. variable.id, { value = "new" })
      assert.equal("old", w.emulator:environment(made.id).A)
      w:wait(3)
      assert.equal("old", w.emulator:environment(made.id).A)
      local again = w:post("/deployments/" .. made.id .. "/redeploy", { env = { C = "mine" } }).json
      assert.same({ "A", "C" }, again.env_keys)
      assert.equal("new", w.emulator:environment(again.id).A)
    end)

    it("shows its keys, sorted, and no values", function()
      set { key = "Z", value = "hunter22", secret = true }
      local answer = w:post("/deployments", { project = "my-app", env = { b = "1", A = "2" } })
      assert.same({ "A", "Z", "b" }, answer.json.env_keys)
      assert.is_nil(answer.body:find("hunter", 1, true))
    end)

    it("holds what the platform sets", function()
      local made = w:deploy { branch = "develop", regions = { "fra", "iad" } }
      assert.same({
        GIT_DEPLOYMENT_ID = made.id,
        GIT_PROJECT = "my-app",
        GIT_BRANCH = "develop",
        GIT_COMMIT_SHA = made.commit_sha,
        GIT_URL = "https://my-app--develop.git.dev",
        GIT_REGION = "fra",
        GIT_TARGET = "preview",
      }, w.emulator:environment(made.id))
    end)
  end)
end)

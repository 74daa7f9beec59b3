local core = require "gitdev.core"
local json = require "gitdev.json"
local schema = require "gitdev.schema"
local types = require "gitdev.types"
local check = require "gitdev.check"
local encode = require "gitdev.encode"

local null = json.null

-- All faults of a value, as "code param".
local function faults(fields, value, options)
  local list, messages = {}, {}
  local good = schema.check(fields, value, options, function(code, param, message)
    list[#list + 1] = code .. " " .. param
    messages[#messages + 1] = message
  end)
  assert.equal(#list == 0, good)
  return list, messages
end

-- A field list of a spec's own, for the types that no operation has yet.
local function own_fields(rows)
  local fields = types.fields(rows, "own")
  local function resolve(name)
    error("no object " .. name)
  end
  fields.check = check.compiler(resolve)(fields)
  fields.text = encode.compiler(resolve, false)(fields)
  return fields
end

describe("schema.operation", function()
  it("has all that a router and a client need", function()
    local op = schema.operation "env.update"
    assert.same({ "env.update", "env", "update", "PATCH", "update" }, { op.op, op.resource, op.name, op.method, op.kind })
    assert.same({ "projects", nil, "env", nil }, { op.segments[1].literal, op.segments[2].literal, op.segments[3].literal })
    assert.same({ "project", "ref", "prj" }, { op.path_params[1].name, op.path_params[1].kind, op.path_params[1].prefix })
    assert.same({ "env_var", "id", "env" }, { op.path_params[2].name, op.path_params[2].kind, op.path_params[2].prefix })
    assert.same({ "value", "secret", "targets", "branch" }, op.body.names)
    assert.is_nil(op.query)
    assert.is_false(op.paginated)
  end)

  it("takes from its kind what the row does not say", function()
    assert.same({ 201 }, schema.operation("deployments.redeploy").status)
    assert.same({ 200 }, schema.operation("deployments.cancel").status)
    assert.same({ 201, 200 }, schema.operation("env.create").status)
    assert.same({ "search", "repository", "status", "limit", "cursor", "order" }, schema.operation("projects.list").query.names)
  end)

  it("is the same one each time, and nil for a name that is none", function()
    assert.equal(schema.operation "env.get", schema.operation "env.get")
    for _, name in ipairs { "env.got", "nothing.get", "deployments", "deployments.logs" } do
      assert.is_nil(schema.operation(name), name)
    end
  end)
end)

describe("schema.object", function()
  it("knows where its things live", function()
    local object = schema.object "deployment"
    assert.same({ "deployments", "dep", "id", "deployment" }, { object.home, object.prefix, object.key, object.param })
    assert.equal("status", object.states.field)
    assert.equal("env", schema.object("env_var").home)
    assert.is_nil(schema.object("log_line").home)
    assert.is_nil(schema.object "nothing")
  end)
end)

describe("schema.check", function()
  local create = schema.operation("deployments.create").body
  local update = schema.operation("projects.update").body
  local list = schema.operation("deployments.list").query
  local PROJECT = { project = "my-app" }

  local function with(extra)
    local value = { project = "my-app" }
    for key, element in pairs(extra) do
      value[key] = element
    end
    return value
  end

  local CASES = {
    { "the least", create, PROJECT, {} },
    { "everything", create, with {
      branch = "main",
      commit_sha = ("0"):rep(40),
      env = { A = "1", B = null },
      target = "preview",
      regions = { "iad", "fra" },
      skip_cache = true,
      metadata = { note = "x" },
    }, {} },
    { "empty tables as maps", create, with { env = {}, metadata = {} }, {} },
    { "a missing field", create, {}, { "parameter_missing project" } },
    { "an empty reference", create, { project = "" }, { "parameter_invalid project" } },
    { "a long reference", create, { project = ("x"):rep(101) }, { "parameter_invalid project" } },
    { "null where it is not allowed", create, with { branch = null }, { "invalid_type branch" } },
    { "an unknown field", create, with { brnch = "main" }, { "parameter_unknown brnch" } },
    { "several at once, in order", create, { branch = 1, target = "x", zoo = 1, ape = 1 }, {
      "parameter_missing project",
      "invalid_type branch",
      "parameter_invalid target",
      "parameter_unknown ape",
      "parameter_unknown zoo",
    } },
    { "a list instead of fields", create, { "my-app" }, { "parameter_missing project", "parameter_unknown [1]" } },
    { "a number that is no index", create, with { [1.5] = "x" }, { "parameter_unknown [1.5]" } },
    { "no table", create, "my-app", { "invalid_type " } },
    { "a short commit", create, with { commit_sha = "9b1c" }, { "parameter_invalid commit_sha" } },
    { "a number for text", create, with { branch = 7 }, { "invalid_type branch" } },
    { "text for a boolean", create, with { skip_cache = "true" }, { "invalid_type skip_cache" } },
    { "a boolean for a map", create, with { env = true }, { "invalid_type env" } },
    { "an array for a map", create, with { env = { "A=1" } }, { "invalid_type env" } },
    { "a map for an array", create, with { regions = { a = "iad" } }, { "invalid_type regions" } },
    { "an array with a hole", create, with { regions = { "iad", nil, "fra" } }, { "invalid_type regions" } },
    { "null in an array", create, with { regions = { "iad", null } }, { "invalid_type regions[2]" } },
    { "an item of the wrong form", create, with { regions = { "iad", "xx", "fra", 4 } }, {
      "parameter_invalid regions[2]",
      "invalid_type regions[4]",
    } },
    { "a marked array for a map", create, with { metadata = json.array {} }, { "invalid_type metadata" } },
    { "a marked array for an array", create, with { regions = json.array { "iad" } }, {} },
    { "metadata's longest", create, with { metadata = { [("k"):rep(64)] = ("ä"):rep(500) } }, {} },
    { "too long metadata", create, with { metadata = { [("k"):rep(65)] = "", b = ("ä"):rep(501) } }, {
      "parameter_invalid metadata.b",
      "parameter_invalid metadata." .. ("k"):rep(65),
    } },
    { "text that is not UTF-8", create, with { branch = "ab\255", metadata = { a = "\237\160\128" } }, {
      "invalid_encoding branch",
      "invalid_encoding metadata.a",
    } },
    { "a change that clears", update, { framework = null, repository = null, build_command = null }, {} },
    { "a change that cannot", update, { name = null, regions = null }, { "invalid_type name", "invalid_type regions" } },
    { "an empty change", update, {}, {} },
    { "a slug that is reserved", update, { slug = "dashboard" }, { "name_reserved slug" } },
    { "a slug that is none", update, { slug = "My App" }, { "parameter_invalid slug" } },
    { "a slug of two letters", update, { slug = "ab" }, { "parameter_invalid slug" } },
    { "one of a repeatable filter", list, { status = "live" }, {} },
    { "several of a repeatable filter", list, { status = { "live", "failed" } }, {} },
    { "none of a repeatable filter, which would find all", list, { status = {} }, { "parameter_invalid status" } },
    { "a wrong one of several", list, { status = { "live", "lost" } }, { "parameter_invalid status[2]" } },
    { "a limit at its ends", list, { limit = 100 }, {} },
    { "a limit of none", list, { limit = 0 }, { "parameter_invalid limit" } },
    { "a limit of too many", list, { limit = 101 }, { "parameter_invalid limit" } },
    { "a limit with a fraction", list, { limit = 2.5 }, { "invalid_type limit" } },
    { "a limit that is no number", list, { limit = 0 / 0 }, { "invalid_type limit" } },
    { "a limit without end", list, { limit = math.huge }, { "invalid_type limit" } },
    { "a whole float", list, { created_after = 1718942301.0 }, {} },
    { "a limit as text", list, { limit = "20" }, { "invalid_type limit" } },
    { "an empty cursor", list, { cursor = "" }, { "parameter_invalid cursor" } },
    { "a filter that does not repeat", list, { branch = { "a", "b" } }, { "invalid_type branch" } },
  }

  for _, case in ipairs(CASES) do
    it(case[1], function()
      assert.same(case[4], (faults(case[2], case[3])))
    end)
  end

  it("counts the pairs of a map", function()
    local metadata = {}
    for i = 1, 21 do
      metadata["k" .. i] = "v"
    end
    assert.same({ "parameter_invalid metadata" }, (faults(create, with { metadata = metadata })))
    metadata.k21 = nil
    assert.same({}, (faults(create, with { metadata = metadata })))
  end)

  it("says what is wrong and what to do", function()
    local MESSAGES = {
      { { branch = 7 }, 'branch must be a string, got a number: write "7".' },
      { { branch = true }, 'branch must be a string, got a boolean: write "true".' },
      { { branch = {} }, "branch must be a string, got an empty table." },
      { { branch = { 1 } }, "branch must be a string, got an array." },
      { { branch = print }, "branch must be a string, got a function." },
      { { project = { id = "prj_1" } }, "project must be an id or a name, got an object." },
      { { regions = { "iad", nil, "fra" } }, "regions must be an array, got an array with gaps." },
      { { regions = { "iad", first = "fra" } }, "regions must be an array, got a table with both names and indexes." },
      { { env = { PORT = 8080 } }, 'env.PORT must be a string, got a number: write "8080".' },
      { { env = { PORT = 80.5 } }, 'env.PORT must be a string, got a number: write "80.5".' },
      { { skip_cache = "true" }, "skip_cache must be a boolean, got a string: write true." },
      { { target = "prodction" }, 'target must be one of production, preview, got "prodction": did you mean "production"?' },
      { { brnch = "x" }, 'brnch is not a field of deployments.create: did you mean "branch"?' },
      { { branch = "a\255" }, "branch is not valid UTF-8: see byte 2." },
    }
    for _, case in ipairs(MESSAGES) do
      local _, messages = faults(create, with(case[1]))
      assert.same({ case[2] }, messages)
    end
    local _, messages = faults(create, with { colour = "red" })
    assert.matches("known are project, branch, commit_sha, env,", messages[1], 1, true)
    _, messages = faults(list, { limit = "20" })
    assert.same({ "limit must be an integer, got a string: write 20." }, messages)
  end)

  it("asks what an empty table was when the value came as JSON", function()
    local text = '{"project":"x","env":[],"regions":{},"metadata":{}}'
    local options = { kind = function(...)
      return core.json_kind(text, ...)
    end }
    assert.same({ "invalid_type env", "invalid_type regions" }, (faults(create, json.decode(text), options)))
    text = "[]"
    assert.same({ "invalid_type " }, (faults(create, json.decode(text), options)))
  end)

  it("can be used from within a report", function()
    local seen = {}
    schema.check(create, { project = 1, branch = 2 }, nil, function(_, param)
      seen[#seen + 1] = param
      schema.check(create, { project = "x", env = { A = 1 } }, nil, function(_, inner)
        seen[#seen + 1] = inner
      end)
    end)
    assert.same({ "project", "env.A", "branch", "env.A" }, seen)
  end)

  it("stays in order after a report that raised", function()
    local function check_once(report)
      return schema.check(create, with { env = { A = 1 } }, nil, report)
    end
    assert.has_error(function()
      check_once(error)
    end)
    local param
    check_once(function(_, place)
      param = place
    end)
    assert.equal("env.A", param)
  end)

  it("carries every type that the contract's tables may use", function()
    local fields = own_fields {
      { "actions", "[str]", min_items = 1, max_items = 2 },
      { "author", { { "name", "str", required = true }, { "at", "ts" } } },
      { "settings", { { "list", "[str]" } }, null = true },
      { "redirect", "301|302?" },
      { "inputs", "{str:[int]}" },
      { "value", "json" },
      { "ids", "[id<prj>]" },
    }
    local GOOD = {
      { actions = { "a" }, author = { name = "x", at = 1 }, settings = null, redirect = 301, inputs = { a = { 1, 2 }, b = {} } },
      { redirect = null, value = { deep = { 1, { a = json.array {} } }, off = false, none = null }, ids = { "prj_1" } },
      { value = null },
      { value = json.array {} },
    }
    for _, value in ipairs(GOOD) do
      assert.same({}, (faults(fields, value)))
    end
    local BAD = {
      { { actions = {} }, "parameter_invalid actions" },
      { { actions = { "a", "b", "c" } }, "parameter_invalid actions" },
      { { author = {} }, "parameter_missing author.name" },
      { { author = { name = "x", at = "1" } }, "invalid_type author.at" },
      { { author = { name = "x", ad = 1 } }, "parameter_unknown author.ad" },
      { { author = null }, "invalid_type author" },
      { { redirect = 303 }, "parameter_invalid redirect" },
      { { redirect = "301" }, "invalid_type redirect" },
      { { inputs = { a = { 1, "2" } } }, "invalid_type inputs.a[2]" },
      { { value = print }, "invalid_type value" },
      { { value = { 1, a = 2 } }, "invalid_type value" },
      { { value = 0 / 0 }, "invalid_type value" },
      { { value = { "\255" } }, "invalid_encoding value" },
      { { ids = { "prj_1", "" } }, "parameter_invalid ids[2]" },
    }
    for _, case in ipairs(BAD) do
      assert.same({ case[2] }, (faults(fields, case[1])))
    end
    local loop = {}
    loop.loop = loop
    assert.same({ "invalid_type value" }, (faults(fields, { value = loop })))
  end)
end)

-- contract 1.10
describe("the environment's encoding contract", function()
  local create = schema.operation("deployments.create").body
  local set = schema.operation("env.create").body

  local VECTORS = {
    { "plain", "production", '"production"' },
    { "equals", "a=b=c==", '"a=b=c=="' },
    { "PEM", "-----BEGIN\nAB\n", '"-----BEGIN\\nAB\\n"' },
    { "literal backslash-n", "a\\nb", '"a\\\\nb"' },
    { "CRLF", "a\r\nb", '"a\\r\\nb"' },
    { "UTF-8", "F\195\164ncy", '"F\195\164ncy"' },
    { "astral", "\240\159\152\128", '"\240\159\152\128"' },
    { "decomposed", "e\204\129", '"e\204\129"' },
    { "url-ish", "a%20b+c&d", '"a%20b+c&d"' },
    { "blanks", "  x ", '"  x "' },
    { "empty", "", '""' },
    { "U+2028", "\226\128\168", '"\226\128\168"' },
    { "tab, quotes, dollar, hash", "\t\"'$#`", '"\\t\\"\'$#`"' },
    { "slashes", "https://x/\127\n", '"https://x/\127\\n"' },
    { "a BOM", "\239\187\191x", '"\239\187\191x"' },
  }

  for _, vector in ipairs(VECTORS) do
    it("keeps byte for byte: " .. vector[1], function()
      local name, value, wire = vector[1], vector[2], vector[3]
      assert.same({}, (faults(create, { project = "x", env = { KEY = value } })), name)
      local text = schema.encode(create, { project = "x", env = { KEY = value } })
      assert.equal('{"project":"x","env":{"KEY":' .. wire .. "}}", text)
      assert.is_true(core.json_check(text))
      assert.equal(value, json.decode(text).env.KEY)
      assert.same({}, (faults(set, { key = "KEY", value = value })))
      assert.equal('{"key":"KEY","value":' .. wire .. "}", schema.encode(set, { key = "KEY", value = value }))
    end)
  end

  it("reads both spellings of an astral character alike", function()
    assert.equal("\240\159\152\128", json.decode('["\\ud83d\\ude00"]')[1])
  end)

  local REFUSED = {
    { "a NUL", { KEY = "a\0b" }, "invalid_encoding env.KEY" },
    { "a lone surrogate", { KEY = "\237\176\128" }, "invalid_encoding env.KEY" },
    { "Latin-1", { KEY = "F\228ncy" }, "invalid_encoding env.KEY" },
    { "an overlong form", { KEY = "\192\175" }, "invalid_encoding env.KEY" },
    { "a cut-off character", { KEY = "x\240\159\152" }, "invalid_encoding env.KEY" },
    { "a number", { PORT = 8080 }, "invalid_type env.PORT" },
    { "a boolean", { DEBUG = true }, "invalid_type env.DEBUG" },
    { "an array", { LIST = { "a" } }, "invalid_type env.LIST" },
    { "an object", { MAP = { a = "b" } }, "invalid_type env.MAP" },
    { "a reserved key", { GIT_URL = "x" }, "env_key_reserved env.GIT_URL" },
    { "a key with a digit first", { ["1A"] = "x" }, "parameter_invalid env.1A" },
    { "a key with a dash", { ["A-B"] = "x" }, "parameter_invalid env.A-B" },
    { "an empty key", { [""] = "x" }, "parameter_invalid env." },
    { "a key too long", { [("K"):rep(129)] = "x" }, "parameter_invalid env." .. ("K"):rep(129) },
    { "a key that is not UTF-8", { ["\255"] = "x" }, "invalid_encoding env.\255" },
  }

  for _, case in ipairs(REFUSED) do
    it("refuses " .. case[1], function()
      assert.same({ case[3] }, (faults(create, { project = "x", env = case[2] })))
    end)
  end

  it("names the byte at fault, and never the value", function()
    local _, messages = faults(create, { project = "x", env = { KEY = "secret\255" } })
    assert.same({ "env.KEY is not valid UTF-8: see byte 7." }, messages)
    _, messages = faults(create, { project = "x", env = { KEY = "secret\0" } })
    assert.same({ "env.KEY holds a NUL byte, which a process environment cannot." }, messages)
  end)

  it("lets null drop an inherited variable in a deployment only", function()
    assert.same({}, (faults(create, { project = "x", env = { KEY = null } })))
    assert.equal('{"project":"x","env":{"KEY":null}}', schema.encode(create, { project = "x", env = { KEY = null } }))
    assert.same({ "invalid_type value" }, (faults(set, { key = "KEY", value = null })))
    assert.same({ "invalid_type value" }, (faults(schema.operation("env.update").body, { value = null })))
  end)

  it("allows 65536 bytes of keys and values together, not one more", function()
    local env = { A = ("x"):rep(32767), BB = ("\195\164"):rep(16383) }
    assert.same({}, (faults(create, { project = "x", env = env })))
    env.BB = env.BB .. "xx"
    assert.same({ "env_too_large env" }, (faults(create, { project = "x", env = env })))
    assert.same({ "env_too_large value" }, (faults(set, { key = "A", value = ("x"):rep(65537) })))
  end)

  it("keeps keys that differ in case apart", function()
    local text = schema.encode(create, { project = "x", env = { key = "1", KEY = "2", Key = "3" } })
    assert.equal('{"project":"x","env":{"KEY":"2","Key":"3","key":"1"}}', text)
  end)
end)

describe("schema.encode", function()
  it("writes the contract's order, sorted keys, and whole numbers", function()
    local body = schema.operation("deployments.create").body
    local value = { metadata = { b = "2", a = "1", c = "/" }, regions = {}, skip_cache = false, project = "x" }
    for _ = 1, 3 do
      local text = schema.encode(body, value)
      assert.equal('{"project":"x","regions":[],"skip_cache":false,"metadata":{"a":"1","b":"2","c":"/"}}', text)
    end
    local letters, pairs_of_letters = {}, {}
    for byte = ("a"):byte(), ("p"):byte() do
      letters[string.char(byte)] = ""
      pairs_of_letters[#pairs_of_letters + 1] = '"' .. string.char(byte) .. '":""'
    end
    local text = schema.encode(body, { project = "x", metadata = letters })
    assert.equal('{"project":"x","metadata":{' .. table.concat(pairs_of_letters, ",") .. "}}", text)
    assert.equal("{}", schema.encode(schema.operation("projects.update").body, {}))
    assert.equal('{"framework":null}', schema.encode(schema.operation("projects.update").body, { framework = null }))
  end)

  it("writes numbers as they are", function()
    local fields = own_fields { { "at", "ts" }, { "value", "json" } }
    local CASES = {
      { { at = 1718942301 }, '{"at":1718942301}' },
      { { at = 1718942301.0 }, '{"at":1718942301}' },
      { { at = 9007199254740992 }, '{"at":9007199254740992}' },
      { { at = -1 }, '{"at":-1}' },
      { { value = 0.1 }, '{"value":0.1}' },
      { { value = 1 / 3 }, '{"value":0.33333333333333331}' },
      { { value = 1e300 }, '{"value":1e+300}' },
      { { value = { b = 1, a = { json.array {}, {}, null, true } } }, '{"value":{"a":[[],{},null,true],"b":1}}' },
    }
    for _, case in ipairs(CASES) do
      local text = schema.encode(fields, case[1])
      assert.equal(case[2], text)
      assert.is_true(core.json_check(text))
    end
  end)

  it("writes an object's absent nullable fields as null, and nothing that is not a field", function()
    local fields = schema.object("project").fields
    local text = schema.encode(fields, { id = "prj_1", object = "project", slug = "x", secret_note = "y", regions = {} })
    assert.equal(
      '{"id":"prj_1","object":"project","slug":"x","framework":null,"repository_id":null,"build_command":null,'
        .. '"output_directory":null,"regions":[],"current_deployment_id":null}',
      text
    )
  end)

  it("writes an object within an object", function()
    local fields = schema.object("deployment").fields
    local text = schema.encode(fields, { id = "dep_1", failure = { message = "m", stage = "build", code = "internal" } })
    assert.matches('"failure":{"stage":"build","code":"internal","message":"m"}', text, 1, true)
  end)
end)

describe("schema.path", function()
  local get, one = schema.operation "deployments.get", schema.operation "env.get"

  it("escapes each parameter as one segment", function()
    local CASES = {
      { "dep_1", "/deployments/dep_1" },
      { "a b", "/deployments/a%20b" },
      { "a/b", "/deployments/a%2Fb" },
      { "a?b#c%d", "/deployments/a%3Fb%23c%25d" },
      { "..a", "/deployments/..a" },
      { "\195\164", "/deployments/%C3%A4" },
      { "~-_.x", "/deployments/~-_.x" },
    }
    for _, case in ipairs(CASES) do
      assert.equal(case[2], (schema.path(get, case[1])))
    end
    assert.equal("/projects/my-app/env/env_1", (schema.path(one, "my-app", "env_1")))
    assert.equal("/projects", (schema.path(schema.operation "projects.list")))
  end)

  it("refuses what would name something else", function()
    local CASES = {
      { "", "parameter_invalid", "deployment must not be empty." },
      { ".", "parameter_invalid", 'deployment must not be ".".' },
      { "..", "parameter_invalid", 'deployment must not be "..".' },
      { "a\0b", "parameter_invalid", "deployment must not hold a NUL byte." },
      { "a\255", "parameter_invalid", "deployment is not valid UTF-8." },
      { nil, "parameter_missing", "deployment is required." },
      { 12, "invalid_type", "deployment must be an id, got a number." },
      { {}, "invalid_type", "deployment must be an id, got an empty table." },
      { true, "invalid_type", "deployment must be an id, got a boolean." },
    }
    for i = 1, #CASES do
      local path, code, param, message = schema.path(get, CASES[i][1])
      assert.same({ nil, CASES[i][2], "deployment", CASES[i][3] }, { path, code, param, message })
    end
    local _, code, param = schema.path(one, "my-app", nil)
    assert.same({ "parameter_missing", "env_var" }, { code, param })
  end)

  it("keeps the slashes of a tail parameter", function()
    local node = { name = "path", kind = "str", greedy = true }
    local op = { path = "/files/{path*}", path_params = { node }, segments = { { literal = "files" }, { param = node } } }
    assert.equal("/files/src/a%20b/c%3F.lua", (schema.path(op, "src/a b/c?.lua")))
    for _, path in ipairs { "a//b", "/a", "a/", "a/../b", "./a", "" } do
      local text, code = schema.path(op, path)
      assert.same({ nil, "parameter_invalid" }, { text, code }, path)
    end
  end)
end)

describe("schema.query", function()
  local list = schema.operation "deployments.list"

  it("writes the contract's order, escaped, and repeats what repeats", function()
    local CASES = {
      { {}, nil },
      { { limit = 2, status = "live", project = "my-app" }, "project=my-app&status=live&limit=2" },
      { { status = { "live", "failed" }, branch = "a b&c" }, "status=live&status=failed&branch=a%20b%26c" },
      { { current = false, created_after = 1718942301.0 }, "current=false&created_after=1718942301" },
    }
    for _, case in ipairs(CASES) do
      assert.equal(case[2], schema.query(list, case[1]))
    end
  end)

  it("gives fields that schema.read reads back", function()
    local fields = list.query.by_name
    local CASES = {
      { "limit", "20", 20 },
      { "limit", "-3", -3 },
      { "limit", "2.5", nil },
      { "limit", "x", nil },
      { "limit", "99999999999999999999", nil },
      { "current", "true", true },
      { "current", "false", false },
      { "current", "1", nil },
      { "status", "live", "live" },
      { "branch", "7", "7" },
    }
    for _, case in ipairs(CASES) do
      assert.equal(case[3], schema.read(fields[case[1]], case[2]))
    end
  end)
end)

describe("schema.error", function()
  it("knows codes and types", function()
    local known = schema.error "insufficient_scope"
    assert.same({ "permission_error", { 403 }, { "required_scope" } }, { known.type, known.statuses, known.fields.names })
    assert.equal("str", schema.error("invalid_state").fields.by_name.allowed_statuses.item.kind)
    assert.same({ 404, 422 }, schema.error("resource_missing").statuses)
    assert.equal("client", schema.error("timeout_error").origin)
    assert.is_nil(schema.error "nothing")
  end)
end)

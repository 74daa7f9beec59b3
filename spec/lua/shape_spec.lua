-- A shape's walk is a second way to a request's text. Here it is held against the first, gitdev.check and gitdev.encode: whenever it answers
-- a text, they accept the value and write the same one.
local check = require "gitdev.check"
local encode = require "gitdev.encode"
local json = require "gitdev.json"
local schema = require "gitdev.schema"
local shape = require "gitdev.shape"
local types = require "gitdev.types"

local null = json.null

local function resolve(name)
  return schema.object(name).fields
end

local compile_check, compile_text = check.compiler(resolve), encode.compiler(resolve, false)

local function ignore() end

-- What the reference makes of a value: its text, or nil.
local function reference(fields, value)
  fields.checked = fields.checked or compile_check(fields)
  fields.written = fields.written or compile_text(fields)
  return check.run(fields.checked, value, nil, ignore) and fields.written(value) or nil
end

-- The walk's text, which the reference must share.
local function walk(fields, value, what)
  fields.walked = fields.walked or shape.compile(fields)
  local text = fields.walked(value)
  if text ~= nil then
    assert.equal(reference(fields, value), text, what)
  end
  return text
end

-- Every kind of field, with every rule.
local ALL = types.fields({
  { "text", "str" },
  { "note", "str?", min = 2, max = 5 },
  { "small", "str", max_bytes = 6 },
  { "sha", "str", format = "sha" },
  { "region", "str", format = "region" },
  { "slug", "str", format = "slug" },
  { "cursor", "str", format = "cursor" },
  { "key", "str", format = "env_key" },
  { "secret", "str", format = "env_value" },
  { "project", "ref<prj>" },
  { "parent", "id<dep>?" },
  { "count", "int" },
  { "limit", "int?", min = 1, max = 100 },
  { "at", "ts" },
  { "on", "bool" },
  { "off", "bool?" },
  { "target", "production|preview" },
  { "reason", "user|superseded?" },
  { "redirect", "301|302" },
  { "regions", "[str]", min_items = 1, max_items = 3, format = "region" },
  { "ids", "[id<prj>?]" },
  { "lists", "[[int]]" },
  { "env", "{str:str?}", key_format = "env_key", format = "env_value", max_bytes = 60 },
  { "names", "{str:str}", key_format = "slug" },
  { "metadata", "{str:str}", min_items = 1, max_items = 4, key_max = 6, max = 5 },
  { "inputs", "{str:[int]}" },
  { "author", { { "name", "str", required = true }, { "at", "ts" }, { "tags", "[str]" } } },
  { "settings", { { "deep", { { "on", "bool", required = true } } } }, null = true },
  { "free", "json" },
}, "all")

local NEEDED = types.fields({ { "a", "str", required = true }, { "b", "int" }, { "c", "bool", required = true } }, "needed")

describe("a shape", function()
  -- Values that are plain, each with its text; then some that are right but not plain.
  local PLAIN = {
    { {}, "{}" },
    { { text = "" }, '{"text":""}' },
    { { text = "a\"\\\b\t\n\v\f\r\0\31\127/b" }, '{"text":"a\\"\\\\\\b\\t\\n\\u000b\\f\\r\\u0000\\u001f\127/b"}' },
    { { text = "F\195\164ncy \240\159\152\128\226\128\168" }, '{"text":"F\195\164ncy \240\159\152\128\226\128\168"}' },
    { { text = ("x"):rep(8000) }, '{"text":"' .. ("x"):rep(8000) .. '"}' },
    { { note = null, parent = null, limit = null, off = null, reason = null, settings = null },
      '{"note":null,"parent":null,"limit":null,"off":null,"reason":null,"settings":null}' },
    { { note = "\195\164\195\164" }, '{"note":"\195\164\195\164"}' },
    { { note = "\240\159\152\128\240\159\152\128\240\159\152\128\240\159\152\128\240\159\152\128" } },
    { { small = "\195\164\195\164\195\164" } },
    { { sha = ("0a"):rep(20) } },
    { { region = "iad" } },
    { { cursor = "c" } },
    { { key = "_K9" } },
    { { secret = "a\r\nb" } },
    { { project = "my-app", parent = "dep_1" }, '{"project":"my-app","parent":"dep_1"}' },
    { { project = ("\195\164"):rep(100) } },
    { { count = -0.0 }, '{"count":0}' },
    { { count = 2 ^ 53 - 1, limit = 100.0, at = -1 }, '{"count":9007199254740991,"limit":100,"at":-1}' },
    { { on = true, off = false }, '{"on":true,"off":false}' },
    { { target = "preview", reason = "user" }, '{"target":"preview","reason":"user"}' },
    { { regions = { "iad", "fra" }, ids = {}, lists = { {}, { 1, 2 } } }, '{"regions":["iad","fra"],"ids":[],"lists":[[],[1,2]]}' },
    { { env = {} }, '{"env":{}}' },
    { { env = { B = "2", A = null, AB = "", b = "3", _ = "4" } }, '{"env":{"A":null,"AB":"","B":"2","_":"4","b":"3"}}' },
    { { env = { A = ("x"):rep(59) } } },
    { { metadata = { a = "1", ["\195\164\195\164\195\164\195\164\195\164\195\164"] = "2" } } },
    { { inputs = { a = { 1, 2 }, b = {} } }, '{"inputs":{"a":[1,2],"b":[]}}' },
    { { author = { at = 1, name = "x", tags = { "" } }, settings = { deep = { on = true } } },
      '{"author":{"name":"x","at":1,"tags":[""]},"settings":{"deep":{"on":true}}}' },
  }

  local NOT_PLAIN = {
    { text = ("x"):rep(8192) },
    { slug = "my-app" },
    { redirect = 301 },
    { regions = json.array { "iad" } },
    { ids = json.array() },
    { free = true },
    { free = null },
    { project = setmetatable({ id = "prj_1" }, { spec = { prefix = "prj", key = "id" } }) },
    setmetatable({ text = "x" }, {}),
  }

  local WRONG = {
    1,
    "text",
    { "text" },
    { [1.5] = "x" },
    { [true] = "x" },
    { texts = "x" },
    { tex = "x" },
    { text = 1 },
    { text = null },
    { text = {} },
    { text = print },
    { text = "\255" },
    { text = "\237\160\128" },
    { text = "\192\175" },
    { text = "x\240\159\152" },
    { note = "a" },
    { note = "\195\164" },
    { note = "abcdef" },
    { small = "1234567" },
    { small = "\195\164\195\164\195\164\195\164" },
    { sha = ("0"):rep(39) },
    { sha = ("0"):rep(41) },
    { sha = ("0A"):rep(20) },
    { region = "ia" },
    { region = "iadx" },
    { region = "ia1" },
    { slug = "a--b" },
    { cursor = "" },
    { cursor = "a\nb" },
    { cursor = ("x"):rep(513) },
    { key = "" },
    { key = "1A" },
    { key = "A-B" },
    { key = "GIT_URL" },
    { key = "GIT_" },
    { key = ("K"):rep(129) },
    { key = "A\0" },
    { secret = "a\0b" },
    { project = "" },
    { project = ("x"):rep(101) },
    { project = { id = "prj_1" } },
    { project = 7 },
    { parent = "\255" },
    { count = "1" },
    { count = 1.5 },
    { count = 0 / 0 },
    { count = math.huge },
    { count = -math.huge },
    { count = 2 ^ 53 },
    { count = 2 ^ 53 + 2 },
    { count = -2 ^ 53 - 2 },
    { count = null },
    { limit = 0 },
    { limit = 101 },
    { on = "true" },
    { on = null },
    { on = 0 },
    { target = "Preview" },
    { target = "" },
    { target = 1 },
    { target = "preview|" },
    { redirect = 303 },
    { regions = {} },
    { regions = { "iad", "fra", "ams", "sin" } },
    { regions = { "iad", nil, "fra" } },
    { regions = { "iad", a = "fra" } },
    { regions = { a = "iad" } },
    { regions = { [0] = "iad" } },
    { regions = { "iad", [2.5] = "fra" } },
    { regions = { "iad", null } },
    { regions = "iad" },
    { lists = { { 1, "2" } } },
    { lists = { 1 } },
    { ids = { "prj_1", null } },
    { env = { GIT_URL = "x" } },
    { env = { ["1A"] = "x" } },
    { env = { [""] = "x" } },
    { env = { "A=1" } },
    { env = { A = 1 } },
    { env = { A = true } },
    { env = { A = { "x" } } },
    { env = { A = "\0" } },
    { env = { A = "\255" } },
    { env = { A = ("x"):rep(60) } },
    { env = { A = ("x"):rep(30), BB = ("x"):rep(28) } },
    { env = { A = "1", [1] = "2" } },
    { env = json.array() },
    { metadata = {} },
    { metadata = { a = "1", b = "2", c = "3", d = "4", e = "5" } },
    { metadata = { abcdefg = "1" } },
    { metadata = { a = "123456" } },
    { metadata = { a = null } },
    { metadata = { ["\255"] = "1" } },
    { inputs = { a = { "1" } } },
    { author = {} },
    { author = { at = 1 } },
    { author = { name = "x", nick = "y" } },
    { author = null },
    { settings = { deep = {} } },
    { settings = { deep = { on = null } } },
  }

  it("writes what is plainly right, as the reference does", function()
    for i, case in ipairs(PLAIN) do
      local text = walk(ALL, case[1], "case " .. i)
      assert.is_string(text, "case " .. i)
      assert.equal(case[2] or text, text)
    end
  end)

  it("leaves to the reference what is right, but not plain", function()
    for i, value in ipairs(NOT_PLAIN) do
      assert.is_nil(walk(ALL, value), "case " .. i)
      assert.is_string(reference(ALL, value), "case " .. i)
    end
  end)

  it("answers nothing for what is wrong", function()
    for i, value in ipairs(WRONG) do
      assert.is_nil(reference(ALL, value), "case " .. i)
      assert.is_nil(walk(ALL, value), "case " .. i)
    end
  end)

  it("asks for what is required", function()
    assert.equal('{"a":"x","b":1,"c":false}', walk(NEEDED, { c = false, b = 1, a = "x" }))
    for _, value in ipairs { {}, { a = "x" }, { c = true, b = 1 }, { a = "x", b = 1, d = 2 } } do
      assert.is_nil(walk(NEEDED, value))
    end
  end)

  it("is not plain with more pairs than it sorts", function()
    local env = {}
    for i = 1, 33 do
      env["K" .. i] = ""
    end
    local many = types.fields({ { "env", "{str:str}" } }, "many")
    assert.is_nil(walk(many, { env = env }))
    env.K33 = nil
    assert.is_string(walk(many, { env = env }))
  end)

  it("is what requests are written with", function()
    local body = schema.operation("deployments.create").body
    local value = { project = "my-app", branch = "main", env = { NODE_ENV = "production" } }
    assert.equal('{"project":"my-app","branch":"main","env":{"NODE_ENV":"production"}}', body.plain(value))
  end)
end)

-- ---- values at random ----

local function generator(seed)
  local state = seed
  return function(count)
    state = state * 16807 % 2147483647 -- Park and Miller's
    return state % count + 1
  end
end

local ATOMS = { "", "a", "iad", "main", "my-app", "GIT_X", "A_1", "\0", "\n", '"', "\\", "\195\164", "\255", "preview", "production", ("0"):rep(40) }
local OTHERS = { true, false, 0, 1, -1, 1.5, 99, 101, 2 ^ 53, 2 ^ 53 - 1, math.huge, 0 / 0, null, "", {}, { 1 }, { a = 1 }, { "x" }, print }

local function text_at_random(random)
  local text = ATOMS[random(#ATOMS)]
  for _ = 1, random(4) - 1 do
    text = text .. ATOMS[random(#ATOMS)]
  end
  return random(40) == 1 and text:rep(100) or text
end

local value_of

local MAKERS = {
  int = function(_, random)
    return random(200) - 50
  end,
  bool = function(_, random)
    return random(2) == 1
  end,
  enum = function(node, random)
    return node.values[random(#node.values)]
  end,
  array = function(node, random)
    local list = {}
    for i = 1, random(4) - 1 do
      list[i] = value_of(node.item, random)
    end
    return list
  end,
  map = function(node, random)
    local map = {}
    for _ = 1, random(6) - 1 do
      map[random(4) == 1 and text_at_random(random) or "K" .. random(9)] = value_of(node.value, random)
    end
    return map
  end,
}

local function object_at_random(fields, random)
  local value = {}
  for _, field in ipairs(fields) do
    if field.required and random(20) > 1 or random(#fields) <= 3 then
      value[field.name] = value_of(field, random)
    end
  end
  if random(20) == 1 then
    value[text_at_random(random)] = true
  end
  return value
end

-- Something of the node's kind most often; sometimes anything.
function value_of(node, random)
  if random(12) == 1 then
    return OTHERS[random(#OTHERS)]
  elseif node.nullable and random(4) == 1 then
    return null
  elseif node.fields then
    return object_at_random(node.fields, random)
  end
  return (MAKERS[node.kind] or function()
    return random(3) == 1 and text_at_random(random) or ATOMS[2 + random(4)]
  end)(node, random)
end

-- How many of the values the reference accepts, and how many of those the walk wrote.
local function hold(fields, rounds, random)
  local right, plain = 0, 0
  for _ = 1, rounds do
    local value = object_at_random(fields, random)
    right = right + (reference(fields, value) and 1 or 0)
    plain = plain + (walk(fields, value) and 1 or 0)
  end
  return right, plain
end

describe("a shape and the reference", function()
  it("agree on values of all kinds", function()
    local right, plain = hold(ALL, 20000, generator(1))
    assert.is_true(plain > 1000 and right >= plain, right .. " right, " .. plain .. " plain")
  end)

  -- A body with a field of a format that the walk leaves to the reference is seldom plain; those that are sent most often are.
  local OFTEN = { ["deployments.create"] = true, ["env.create"] = true, ["deployments.redeploy"] = true }

  it("agree on every request of the contract", function()
    for i, name in ipairs(schema.operations()) do
      local body = schema.operation(name).body
      if body then
        local right, plain = hold(body, OFTEN[name] and 2000 or 400, generator(i + 1))
        assert.is_true(plain * 2 > right or not OFTEN[name], name .. ": " .. right .. " right, " .. plain .. " plain")
      end
    end
  end)
end)

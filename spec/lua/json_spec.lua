-- JSON texts: what is read from them, that reader and strict checker agree on what is JSON, and what is written.
local core = require "gitdev.core"
local json = require "gitdev.json"

local null = json.null

describe("json.read", function()
  local VALUES = {
    { "0", 0 },
    { "-0", 0 },
    { " \t\r\n-12 ", -12 },
    { "123456789012345", 123456789012345 },
    { "-123456789012345", -123456789012345 },
    { "9007199254740992", 9007199254740992 },
    { "9007199254740993", 9007199254740992 },
    { "-1234567890123456", -1234567890123456 },
    { "123456789012345678901234567890", 123456789012345678901234567890 },
    { "1.5", 1.5 },
    { "-0.1e-3", -0.0001 },
    { "2400.0", 2400 },
    { "1e3", 1000 },
    { "12E+2", 1200 },
    { "1e400", math.huge },
    { "-1e400", -math.huge },
    { "1e-400", 0 },
    { "true", true },
    { "false", false },
    { "null", null },
    { '""', "" },
    { '"a"', "a" },
    { '"12345678"', "12345678" },
    { '"1234567\\n"', "1234567\n" },
    { '"\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000\\u00e4\\u20AC\\ud83d\\ude00!"', '"\\/\b\f\n\r\t\0\195\164\226\130\172\240\159\152\128!' },
    { '"F\195\164ncy"', "F\195\164ncy" },
    { '"\255\192\175"', "\255\192\175" },
    { '"a\0b\nc\27[0m"', "a\0b\nc\27[0m" },
    { "[]", {} },
    { "[ ]", {} },
    { "{ }", {} },
    { '[1,"a",true,null,[],{"b":[2]}]', { 1, "a", true, null, {}, { b = { 2 } } } },
    { ' { "a" : 1 , "b" : { "c" : [ ] } } ', { a = 1, b = { c = {} } } },
    { '{"a":null}', {} },
    { '{"a":null,"b":{"c":null,"d":[null]},"e":1}', { b = { d = { null } }, e = 1 } },
    { '{"a":1,"a":2}', { a = 2 } },
    { '{"\\u0061":1,"":2}', { a = 1, [""] = 2 } },
    { '{"1":1}', { ["1"] = 1 } },
  }

  for _, case in ipairs(VALUES) do
    it("reads " .. case[1]:gsub("%c", "."), function()
      assert.same(case[2], (json.read(case[1])))
    end)
  end

  it("makes whole numbers integers, where Lua has them", function()
    local kind = math.type or function(value) -- luacheck: ignore 143
      return value % 1 == 0 and "integer" or "float"
    end
    for _, text in ipairs { "7", "-7", "7.0", "70e-1", "9007199254740992", "123456789012345" } do
      assert.equal("integer", kind(json.read(text)), text)
    end
    assert.equal("float", kind(json.read "7.5"))
  end)

  it("says whether it was an object", function()
    for text, expected in pairs { ["{}"] = true, [' {"a":1}'] = true, ["[]"] = false, ["[{}]"] = false, ["1"] = false, ['"{"'] = false } do
      local _, is_object = json.read(text)
      assert.equal(expected, is_object, text)
    end
  end)

  it("reads objects of any size", function()
    for _, count in ipairs { 1, 24, 25, 255, 256, 3000 } do
      local object, list = {}, {}
      for i = 1, count do
        object["k" .. i], list[i] = i, { i }
      end
      assert.same({ object, list, object }, (json.read(json.encode { object, list, object })))
    end
  end)

  it("goes 64 levels deep", function()
    assert.is_table((json.read(("["):rep(64) .. ("]"):rep(64))))
    assert.is_table((json.read(('{"a":'):rep(63) .. "{}" .. ("}"):rep(63))))
    assert.same({ nil, "arrays and objects nested too deep", 64 }, { json.read(("["):rep(65) .. ("]"):rep(65)) })
    assert.is_nil((json.read(("["):rep(1000000))))
  end)
end)

describe("json.decode", function()
  it("keeps members that are null", function()
    assert.same({ a = null, b = { null, { c = null } } }, json.decode '{"a":null,"b":[null,{"c":null}]}')
    assert.equal(null, json.decode "null")
  end)

  it("tells empty arrays from empty objects, so that they are written as they were", function()
    for _, text in ipairs { "[]", "{}", '{"a":[],"b":{},"c":[[],{},[[]]]}' } do
      assert.equal(text, json.encode((json.decode(text))))
    end
  end)

  it("says what is wrong", function()
    assert.same({ nil, "the text ends where a value is due" }, { json.decode "" })
    assert.same({ nil, "something else where a comma or } is due" }, { json.decode '{"a":1' })
  end)
end)

describe("json.encode", function()
  it("shares its null with cjson", function()
    assert.equal(require("cjson").null, null)
  end)

  it("writes canonically, and names what it cannot write", function()
    assert.equal('{"a":[1,2.5,"x\\ny"],"b":{}}', json.encode { b = {}, a = { 1, 2.5, "x\ny" } })
    assert.equal("[]", json.encode(json.array()))
    local BAD = { { print, "a function" }, { { 1, a = 2 }, "mixes" }, { { [2] = 1 }, "no first" }, { math.huge, "inf" }, { { 1, nil, 3 }, "" } }
    for _, case in ipairs(BAD) do
      local text, problem = json.encode(case[1])
      if case[2] ~= "" then
        assert.is_nil(text)
        assert.matches(case[2], problem, 1, true)
      end
    end
  end)

  it("quotes every byte so that it reads back", function()
    for byte = 0, 127 do
      local text = "a" .. string.char(byte) .. "/é"
      assert.equal(text, json.decode("[" .. json.quote(text) .. "]")[1])
      assert.is_true(core.json_check(json.quote(text)))
    end
  end)
end)

-- ---- texts at random ----

local function generator(seed)
  local state = seed
  return function(count)
    state = state * 16807 % 2147483647 -- Park and Miller's
    return state % count + 1
  end
end

local SCALARS = { 0, -1, 12.5, 1e300, 1718942298, "", "a", "id", "\n\"\\", "F\195\164ncy \240\159\152\128", ("x"):rep(50), true, false }

local function value_at_random(random, depth)
  local kind = depth > 0 and random(3) or 1
  if kind == 1 then
    return SCALARS[random(#SCALARS)]
  end
  local value = kind == 2 and json.array() or {}
  for i = 1, random(5) - 1 do
    value[kind == 2 and i or "k" .. random(20)] = value_at_random(random, depth - 1)
  end
  return value
end

local NOISE = { "{", "}", "[", "]", ",", ":", '"', "\\", "\\u", "d83d", "\\ud83d", "\\ude00", "0", "1", ".", "e", "-",
  "n", "null", "true", " ", "\n", "\255" }

-- One piece of the text replaced by another.
local function damaged(text, random)
  local at, cut = random(#text), random(3) - 1
  return text:sub(1, at - 1) .. NOISE[random(#NOISE)] .. text:sub(at + cut)
end

local TOLERATED = {
  ["bytes that are not UTF-8"] = true,
  ["a control character in a string"] = true,
  ["a key that the object already has"] = true,
}

describe("what is read and what is checked", function()
  it("is the same for what was written", function()
    local random = generator(1)
    for _ = 1, 2000 do
      local value = value_at_random(random, 4)
      local text = json.encode(value)
      assert.is_true(core.json_check(text))
      assert.same(value, json.decode(text))
      assert.same(value, (json.read(text)))
    end
  end)

  it("is JSON to both, or to neither for the same reason", function()
    local random, good, bad = generator(2), 0, 0
    for _ = 1, 40000 do
      local text = damaged(json.encode { a = value_at_random(random, 3) }, random)
      local fine, problem, offset = core.json_check(text)
      local value, cause, place = core.decode(text, true)
      if fine then
        good = good + 1
        assert.not_nil(value, text)
      elseif not TOLERATED[problem] then
        bad = bad + 1
        assert.same({ nil, problem, offset }, { value, cause, place }, text)
      end
    end
    assert.is_true(good > 1000 and bad > 1000)
  end)
end)

--- The emulator's state as a text, and back. The state is one graph of tables, reached from a few roots: things point to each other, timers
-- to their things. Each table becomes a row, with the class that its metatable stands for; what is no data (the functions of timers and of
-- ordered collections, a repository's objects) is written by a name.
local answers = require "gitdev.emulator.store.answers"
local base64 = require "gitdev.emulator.store.base64"
local bucket = require "gitdev.emulator.store.bucket"
local catalog = require "gitdev.emulator.catalog"
local collection = require "gitdev.emulator.store.collection"
local core = require "gitdev.core"
local cursors = require "gitdev.emulator.store.cursors"
local faults = require "gitdev.emulator.request.faults"
local json = require "gitdev.json"
local random = require "gitdev.emulator.store.random"
local request_log = require "gitdev.emulator.request.request_log"
local schedule = require "gitdev.schedule"
local series = require "gitdev.emulator.store.series"
local tenant = require "gitdev.emulator.tenant"

local FORMAT, VERSION = "gitdev emulator state", 1

local snapshot = {}

-- ---- what has a name ----

local CLASSES = {
  answers = answers,
  array = getmetatable(json.array {}),
  bucket = bucket,
  collection = collection,
  cursors = cursors,
  faults = faults,
  request_log = request_log,
  schedule = schedule,
  seeded = random.seeded,
  series = series,
  system = random.system,
  tenant = tenant,
}

local FUNCTIONS = { ring = tenant.ring }
for object, options in pairs(catalog.collections) do
  FUNCTIONS["key of " .. object] = options.key
end

local function inverse(map)
  local names = {}
  for name, value in pairs(map) do
    names[value] = name
  end
  return names
end

local CLASS_NAMES, FUNCTION_NAMES = inverse(CLASSES), inverse(FUNCTIONS)

-- ---- writing ----

local write_value

-- A table's row: its class, the part that is a list, and the rest as pairs. Rows are written in the order in which they are met.
local function write_table(state, value)
  local meta = getmetatable(value)
  local class = meta and CLASS_NAMES[meta]
  if meta and not class then
    error("the state holds a table of a class that cannot be saved", 0)
  end
  local list, rest, count = {}, {}, 0
  while value[count + 1] ~= nil do
    count = count + 1
    list[count] = write_value(state, value[count])
  end
  for key, element in next, value do
    local in_list = type(key) == "number" and key >= 1 and key <= count and key % 1 == 0
    if not in_list then
      rest[#rest + 1] = "[" .. write_value(state, key) .. "," .. write_value(state, element) .. "]"
    end
  end
  local head = class and '{"class":"' .. class .. '","list":[' or '{"list":['
  return head .. table.concat(list, ",") .. '],"rest":[' .. table.concat(rest, ",") .. "]}"
end

local function reference(state, value)
  local number = state.numbers[value]
  if not number then
    state.count = state.count + 1
    number = state.count
    state.numbers[value], state.waiting[number] = number, value
  end
  return ("[%d]"):format(number)
end

local function named(kind, text)
  return '["' .. kind .. '",' .. json.quote(text) .. "]"
end

-- Plain values stand for themselves; everything else is a list: [row], or [kind, text].
function write_value(state, value)
  local kind = type(value)
  if value == core.null then
    return named("null", "")
  elseif value == state.emulator then
    return named("emulator", "")
  elseif kind == "table" then
    return reference(state, value)
  elseif kind == "string" then
    return core.utf8(value) and json.quote(value) or named("bytes", base64.encode(value))
  elseif kind == "boolean" then
    return tostring(value)
  elseif kind == "number" and value == value and math.abs(value) ~= math.huge then
    return json.number(value)
  elseif kind == "function" and FUNCTION_NAMES[value] then
    return named("function", FUNCTION_NAMES[value])
  elseif kind == "userdata" then
    return named("repository", base64.encode(assert(value:dump())))
  end
  return error("the state holds a " .. kind .. ", which cannot be saved", 0)
end

--- Writes `roots`, a table of name -> value, and all that can be reached from it, short of `emulator`, which they belong to.
function snapshot.write(emulator, roots)
  local state = { emulator = emulator, numbers = {}, waiting = {}, count = 0 }
  reference(state, roots)
  local rows, at = {}, 1
  while at <= state.count do
    rows[at] = write_table(state, state.waiting[at])
    state.waiting[at] = nil
    at = at + 1
  end
  local head = ('{"format":%s,"version":%d,"rows":['):format(json.quote(FORMAT), VERSION)
  return head .. "\n" .. table.concat(rows, ",\n") .. "\n]}\n"
end

-- ---- reading ----

local READERS = {
  null = function()
    return core.null
  end,
  emulator = function(_, state)
    return state.emulator
  end,
  bytes = base64.decode,
  ["function"] = function(name)
    return FUNCTIONS[name]
  end,
  repository = function(text)
    return assert(require("gitdev.git").load(base64.decode(text)))
  end,
}

local function read_value(state, written)
  if type(written) ~= "table" then
    return written
  elseif type(written[1]) == "number" then
    return state[written[1]]
  end
  local reader = assert(READERS[written[1]], "there is no kind of value " .. tostring(written[1]))
  return reader(written[2], state)
end

local function read_row(state, row, into)
  for place, written in ipairs(row.list) do
    into[place] = read_value(state, written)
  end
  for _, pair in ipairs(row.rest) do
    local key = read_value(state, pair[1])
    assert(key ~= nil, "a row has a key that is nothing")
    into[key] = read_value(state, pair[2])
  end
  if row.class then
    setmetatable(into, assert(CLASSES[row.class], "there is no class " .. tostring(row.class)))
  end
end

local function build(emulator, rows)
  local state = { emulator = emulator }
  for number = 1, #rows do
    state[number] = {}
  end
  for number, row in ipairs(rows) do
    read_row(state, row, state[number])
  end
  return state[1]
end

--- The roots that `text` was written from, belonging to `emulator` now; nil and a sentence when it is no state, or one of another version.
function snapshot.read(emulator, text)
  local value = json.read(text)
  if type(value) ~= "table" or value.format ~= FORMAT or type(value.rows) ~= "table" then
    return nil, "This is no state of the emulator."
  elseif value.version ~= VERSION then
    return nil, ("This state has version %s; this emulator reads version %d."):format(tostring(value.version), VERSION)
  end
  local ok, roots = pcall(build, emulator, value.rows)
  if not ok or type(roots) ~= "table" then
    return nil, "This state is damaged: " .. tostring(roots) .. "."
  end
  return roots
end

return snapshot

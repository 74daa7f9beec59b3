-- Holds values against the contract's types. Each field becomes one closure, made once; a value without fault costs no allocation. A
-- closure is called with the value and the state of the check: where it is (`state[1 .. state.depth]`), whom to tell (`state.report`), and
-- what the caller knows (`state.options`).
local compat = require "gitdev.compat"
local core = require "gitdev.core"
local formats = require "gitdev.api.formats"
local json = require "gitdev.json"
local limits = require "gitdev.api.limits"
local nearest = require "gitdev.nearest"

local null, utf8, find = core.null, core.utf8, string.find

local NOTHING = {}

local function ignore() end

local check = {}

-- "actions[2].path": names joined by dots, indexes in brackets, counted from 1.
local function where(state)
  local text = ""
  for i = 1, state.depth do
    local step = state[i]
    if type(step) == "number" then
      text = text .. "[" .. string.format("%.14g", step) .. "]"
    else
      text = text .. (i > 1 and "." or "") .. tostring(step)
    end
  end
  return text
end

-- Tells of a fault at the present place; `text` goes on where the place's name ends. Answers false, as all checks of a faulty value do.
local function fault(state, code, text)
  local param = where(state)
  state.report(code, param, (param == "" and "The body" or param) .. " " .. text)
  return false
end

local function is_empty_kind(value, state, kind)
  local known = state.options and state.options.kind
  if known then
    return (known(compat.unpack(state, 1, state.depth)) or kind) == kind
  end
  return kind == "array" or not json.is_array(value)
end

local NAMES = {
  string = "a string",
  number = "a number",
  boolean = "a boolean",
  ["function"] = "a function",
  thread = "a coroutine",
}

-- What the client knows of a thing that it has returned (see gitdev.object); nil of any other value.
local function spec_of(value)
  local meta = type(value) == "table" and getmetatable(value)
  return type(meta) == "table" and meta.spec or nil
end

local function describe_table(value)
  local indexes, names = 0, 0
  for key in next, value do
    if type(key) == "number" then
      indexes = indexes + 1
    else
      names = names + 1
    end
  end
  if indexes == 0 then
    return names == 0 and "an empty table" or "an object"
  elseif names > 0 then
    return "a table with both names and indexes"
  end
  return indexes == #value and value[1] ~= nil and "an array" or "an array with gaps"
end

---What a value is, in words: "a number", "an array", "a thing of type deployment".
---@param value any
---@return string
function check.describe(value)
  if value == null then
    return "null"
  elseif type(value) ~= "table" then
    return NAMES[type(value)] or "a " .. type(value)
  end
  local spec = spec_of(value)
  return spec and "a thing of type " .. spec.name or describe_table(value)
end

-- How to write what was probably meant.
local function remedy(wanted, value)
  if wanted == "a string" and type(value) == "number" then
    return ': write "' .. (value % 1 == 0 and string.format("%.0f", value) or tostring(value)) .. '"'
  elseif wanted == "a string" and type(value) == "boolean" then
    return ': write "' .. tostring(value) .. '"'
  elseif wanted == "an integer" and type(value) == "string" and value:find("^%-?%d+$") then
    return ": write " .. value
  elseif wanted == "a boolean" and (value == "true" or value == "false") then
    return ": write " .. value
  elseif wanted == "a string" and spec_of(value) then
    return ": give its " .. spec_of(value).key
  end
  return ""
end

local function wrong_type(state, wanted, value)
  return fault(state, "invalid_type", "must be " .. wanted .. ", got " .. check.describe(value) .. remedy(wanted, value) .. ".")
end

-- Length in characters of a text that is valid UTF-8.
local function characters(text)
  local _, count = text:gsub("[^\128-\191]", "")
  return count
end

local function plural(count, noun)
  return count .. " " .. noun .. (count == 1 and "" or "s")
end

local function anchored(text)
  return "^" .. text:gsub("%p", "%%%0")
end

-- A function that answers the first rule of a format that a text breaks, or nil.
local function rule_finder(format)
  local all, none, whole, plain = format.lua or {}, {}, {}, {}
  for i, pattern in ipairs(format.never or {}) do
    none[i], plain[i] = pattern, false
    if pattern == "%z" then -- found faster as itself
      none[i], plain[i] = "\0", true
    end
  end
  for _, name in ipairs(format.reserved or {}) do
    whole[name] = "reserved"
  end
  local reserved = format.reserved_prefix and anchored(format.reserved_prefix)
  return function(text)
    for i = 1, #all do
      if not find(text, all[i]) then
        return "lua"
      end
    end
    for i = 1, #none do
      if find(text, none[i], 1, plain[i]) then
        return "never"
      end
    end
    if reserved and find(text, reserved) then
      return "reserved_prefix"
    end
    return whole[text]
  end
end

local function format_fault(state, format, rule)
  local code = format.codes and format.codes[rule] or "parameter_invalid"
  return fault(state, code, (format.says and format.says[rule] or "must be " .. format.doc) .. ".")
end

local function length_fault(state, text, min, max)
  local count = characters(text)
  if count < min then
    return fault(state, "parameter_invalid", "must have at least " .. plural(min, "character") .. ", has " .. count .. ".")
  elseif count > max then
    return fault(state, "parameter_invalid", "must have at most " .. plural(max, "character") .. ", has " .. count .. ".")
  end
  return true
end

local function within_bytes(state, size, max, code)
  if size <= max then
    return true
  end
  return fault(state, code, "must be at most " .. max .. " bytes of UTF-8, is " .. size .. ".")
end

-- Everything that a string may have to obey, in the order in which faults are told.
local function string_rules(node)
  local format = node.format and formats[node.format] or NOTHING
  local min, max = node.min or format.min or 0, node.max or format.max or math.huge
  -- A character is one to four bytes: most lengths are settled without counting.
  local enough = min > 1 and min * 4 or min
  local max_bytes = node.max_bytes or format.max_bytes or math.huge
  local bytes_code = format.codes and format.codes.max_bytes or "parameter_invalid"
  local broken = format ~= NOTHING and rule_finder(format)
  return function(value, state)
    local size = #value
    if (size < enough or size > max) and not length_fault(state, value, min, max) then
      return false
    elseif size > max_bytes then
      return within_bytes(state, size, max_bytes, bytes_code)
    end
    local rule = broken and broken(value)
    return not rule or format_fault(state, format, rule)
  end
end

local function text_check(node)
  local rules = (node.format or node.min or node.max or node.max_bytes) and string_rules(node)
  local numbers = (formats[node.format] or NOTHING).numbers
  return function(value, state)
    if numbers and type(value) == "number" then
      value = json.number(value)
    end
    if type(value) ~= "string" then
      return wrong_type(state, "a string", value)
    end
    local valid, offset = utf8(value)
    if not valid then
      return fault(state, "invalid_encoding", "is not valid UTF-8: see byte " .. offset .. ".")
    end
    return not rules or rules(value, state)
  end
end

-- An id or a reference: any text that is not empty. A thing that the client returned stands for its id.
local function reference_check(node)
  local max = node.kind == "ref" and limits.ref_chars or limits.id_chars
  local text = text_check { min = 1, max = max }
  return function(value, state)
    if type(value) == "table" then
      local id = check.identity(value, node.prefix)
      if id == nil then
        return wrong_type(state, node.kind == "ref" and "an id or a name" or "an id", value)
      end
      value = id
    end
    return text(value, state)
  end
end

local function integer_check(node)
  local min, max = node.min or -limits.integer_max, node.max or limits.integer_max
  return function(value, state)
    if type(value) ~= "number" then
      return wrong_type(state, "an integer", value)
    elseif value % 1 ~= 0 then
      return fault(state, "invalid_type", "must be an integer, got " .. tostring(value) .. ".")
    elseif value < min or value > max then
      local text = string.format("must be from %.0f to %.0f, is %.0f.", min, max, value)
      return fault(state, "parameter_invalid", text)
    end
    return true
  end
end

local function boolean_check()
  return function(value, state)
    return type(value) == "boolean" or wrong_type(state, "a boolean", value)
  end
end

local function enum_check(node)
  local known, names, wanted = {}, {}, node.integers and "an integer" or "a string"
  local lua_type = node.integers and "number" or "string"
  for i, value in ipairs(node.values) do
    known[value], names[i] = true, tostring(value)
  end
  return function(value, state)
    if known[value] then
      return true
    elseif type(value) ~= lua_type then
      return wrong_type(state, wanted, value)
    end
    local near = nearest.of(tostring(value), names)
    local text = "must be one of " .. table.concat(names, ", ") .. ', got "' .. tostring(value) .. '"'
    return fault(state, "parameter_invalid", text .. (near and ': did you mean "' .. near .. '"?' or "."))
  end
end

local function count_fault(state, count, node, noun)
  if node.min_items and count < node.min_items then
    return fault(state, "parameter_invalid", "must have at least " .. plural(node.min_items, noun) .. ".")
  elseif node.max_items and count > node.max_items then
    local text = "must have at most " .. plural(node.max_items, noun) .. ", has " .. count .. "."
    return fault(state, "parameter_invalid", text)
  end
  return true
end

-- Whether a table is a list without holes.
local function is_list(value, state)
  if next(value) == nil then
    return is_empty_kind(value, state, "array")
  end
  local count, length = 0, #value
  for key in next, value do
    if type(key) ~= "number" then
      return false
    end
    count = count + 1
  end
  return count == length
end

local function array_check(node, compile)
  local item = compile(node.item)
  return function(value, state)
    if type(value) ~= "table" or not is_list(value, state) then
      return wrong_type(state, "an array", value)
    end
    if not count_fault(state, #value, node, "item") then
      return false -- what is in a list that is too long is not looked at: there may be a million of it
    end
    local good, depth = true, state.depth + 1
    state.depth = depth
    for i = 1, #value do
      state[depth] = i
      good = item(value[i], state) and good
    end
    state.depth = depth - 1
    return good
  end
end

-- What looks at all pairs of a map. Answers whether they are good (nil: a key is no name) and the bytes of keys and values together.
local KEYS_KEPT = 64

-- Keys are the same few again and again: those found sound are not looked at twice.
local function key_check(node)
  local rules, sound, kept = text_check { format = node.key_format, max = node.key_max }, {}, 0
  return function(key, state)
    if sound[key] then
      return true
    end
    local good = rules(key, state)
    if good and kept < KEYS_KEPT then
      sound[key], kept = true, kept + 1
    end
    return good
  end
end

local function pairs_check(node, compile)
  local key_rules = key_check(node)
  local item, nullable = compile(node.value), node.value.nullable
  local function pair(key, value, state)
    local good = key_rules(key, state)
    if nullable and value == null then
      return good
    end
    return item(value, state) and good
  end
  local function look(value, state, depth)
    local good, size = true, 0
    for key, element in next, value do
      if type(key) ~= "string" then
        return nil, 0
      end
      state[depth] = key
      good = pair(key, element, state) and good
      size = size + #key + (type(element) == "string" and #element or 0)
    end
    return good, size
  end
  -- Faults are told in the keys' order; most often there are none, so the first look only finds whether there are.
  return function(value, state)
    local depth, report = state.depth + 1, state.report
    state.depth, state.report = depth, ignore
    local good, size = look(value, state, depth)
    state.report = report
    for _, key in ipairs(good == false and json.keys(value) or NOTHING) do
      state[depth] = key
      pair(key, value[key], state)
    end
    state.depth = depth - 1
    return good, size
  end
end

local function pairs_of(value)
  local count = 0
  for _ in next, value do
    count = count + 1
  end
  return count
end

local function map_check(node, compile)
  local all_pairs, counted = pairs_check(node, compile), node.min_items or node.max_items
  local format, max_bytes = formats[node.value.format] or NOTHING, node.max_bytes or math.huge
  local bytes_code = format.codes and format.codes.max_bytes or "parameter_invalid"
  return function(value, state)
    local good, size = nil, 0
    if type(value) == "table" and (next(value) ~= nil or is_empty_kind(value, state, "object")) then
      if counted and type(next(value)) == "string" and not count_fault(state, pairs_of(value), node, "pair") then
        return false -- as with lists: what is in one that is too long is not looked at
      end
      good, size = all_pairs(value, state)
    end
    if good == nil then
      return wrong_type(state, "an object with names as keys", value)
    elseif counted and next(value) == nil then
      good = count_fault(state, 0, node, "pair")
    end
    return within_bytes(state, size, max_bytes, bytes_code) and good
  end
end

local function free_value(value, state)
  if type(value) == "string" then
    local valid, offset = utf8(value)
    return valid or fault(state, "invalid_encoding", "is not valid UTF-8: see byte " .. offset .. ".")
  end
  local text, problem = json.encode(value)
  if not text then
    return fault(state, "invalid_type", "must be a JSON value, is " .. problem .. ".")
  end
  return core.json_check(text) or fault(state, "invalid_encoding", "holds text that is not valid UTF-8.")
end

local function unknown_names(fields, value)
  local unknown = {}
  for key in next, value do
    if not fields.by_name[key] then
      unknown[#unknown + 1] = key
    end
  end
  table.sort(unknown, function(a, b)
    return tostring(a) < tostring(b)
  end)
  return unknown
end

local function report_unknown(fields, value, state, depth)
  for _, key in ipairs(unknown_names(fields, value)) do
    state[depth] = key
    if type(key) == "string" then
      local hint = nearest.hint(key, fields.names)
      fault(state, "parameter_unknown", "is not a field of " .. fields.label .. hint)
    else
      fault(state, "parameter_unknown", "is not a field of " .. fields.label .. ": fields have names, as in { name = value }.")
    end
  end
  return false
end

local function is_object(value, state)
  return type(value) == "table" and (next(value) ~= nil or is_empty_kind(value, state, "object"))
end

-- Whether all that an object holds is known, sound, and complete: a look at what is there, in no order, which tells nothing.
local function soundness(fields, compile)
  local checks, nullable, required, needed = {}, {}, {}, 0
  for _, field in ipairs(fields) do
    local name = field.name
    checks[name], nullable[name], required[name] = compile(field), field.nullable, field.required
    needed = needed + (field.required and 1 or 0)
  end
  return function(value, state, depth)
    local missing = needed
    for name, element in next, value do
      local sound = checks[name]
      state[depth] = name
      if not sound or not (element == null and nullable[name] or sound(element, state)) then
        return false
      end
      if required[name] then
        missing = missing - 1
      end
    end
    return missing == 0
  end, checks
end

-- Most objects are sound, and have few of their fields. Only where one is not are the contract's fields gone through in their order, to
-- tell of all faults.
local function object_check(fields, compile)
  local is_sound, checks = soundness(fields, compile)
  local function tell(value, state, depth)
    local found = 0
    for _, field in ipairs(fields) do
      local name, element = field.name, value[field.name]
      state[depth] = name
      if element ~= nil then
        found = found + 1
        if element ~= null or not field.nullable then
          checks[name](element, state)
        end
      elseif field.required then
        fault(state, "parameter_missing", "is required.")
      end
    end
    for _ in next, value do
      found = found - 1
    end
    if found ~= 0 then
      report_unknown(fields, value, state, depth)
    end
  end
  return function(value, state)
    if not is_object(value, state) then
      return wrong_type(state, "an object", value)
    end
    local depth, report = state.depth + 1, state.report
    state.depth, state.report = depth, ignore
    local good = is_sound(value, state, depth)
    state.report = report
    if not good and report ~= ignore then
      tell(value, state, depth)
    end
    state.depth = depth - 1
    return good
  end
end

-- A parameter of a query that may come several times: one value, or a list of them. An empty list would be no filter at all, and so find
-- everything where nothing was asked for.
local function repeatable_check(node, one)
  local many = array_check({ item = node, min_items = 1 }, function()
    return one
  end)
  return function(value, state)
    return (type(value) == "table" and many or one)(value, state)
  end
end

local MAKERS = {
  str = text_check,
  id = reference_check,
  ref = reference_check,
  int = integer_check,
  bool = boolean_check,
  enum = enum_check,
  array = array_check,
  map = map_check,
  json = function()
    return free_value
  end,
}

---The id (or name) of a thing that the client returned, when it is of the kind wanted.
---@param value table
---@param wanted string  an id prefix, or the name of an object
---@return any id  nil when it is something else
function check.identity(value, wanted)
  local spec = spec_of(value)
  if spec and wanted and (spec.prefix == wanted or spec.name == wanted) then
    return value[spec.key]
  end
  return nil
end

---Makes the closure that checks one node, or a whole field list.
---@param resolve fun(object: string): table  finds the fields of a named object
---@return fun(fields: table): fun(value: any, state: table): boolean
function check.compiler(resolve)
  local compile
  local function object(node)
    local inner
    return function(value, state)
      inner = inner or object_check(node.fields or resolve(node.object), compile)
      return inner(value, state)
    end
  end
  function compile(node)
    local made = node.kind == "object" and object(node) or MAKERS[node.kind](node, compile)
    return node.repeatable and repeatable_check(node, made) or made
  end
  return function(fields)
    return object_check(fields, compile)
  end
end

-- The state of the last check, for the next to use. Taken while in use, so that a check inside a report has its own.
local idle = {}

---Runs a compiled check.
---@param compiled fun(value: any, state: table): boolean
---@param value any
---@param options? { kind: fun(...): string|nil }  what a table is in the JSON text it came from, by its place
---@param report fun(code: string, param: string, message: string)
---@return boolean good
function check.run(compiled, value, options, report)
  local state = idle or {}
  idle = nil
  state.depth, state.options, state.report = 0, options, report
  local good = compiled(value, state)
  state.options, state.report = nil, nil
  idle = state
  return good
end

return check

-- What holds other values: lists, maps, objects. See gitdev.check.
local compat = require "gitdev.compat"
local core = require "gitdev.core"
local faults = require "gitdev.check.faults"
local formats = require "gitdev.api.formats"
local json = require "gitdev.json"
local nearest = require "gitdev.nearest"
local texts = require "gitdev.check.texts"

local null = core.null
local fault, plural, wrong_type = faults.tell, faults.plural, faults.wrong_type

local NOTHING = {}

local function ignore() end

local containers = {}

local function is_empty_kind(value, state, kind)
  local known = state.options and state.options.kind
  if known then
    return (known(compat.unpack(state, 1, state.depth)) or kind) == kind
  end
  return kind == "array" or not json.is_array(value)
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

function containers.array(node, compile)
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

local KEYS_KEPT = 64

-- Keys are the same few again and again: those found sound are not looked at twice.
local function key_check(node)
  local rules, sound, kept = texts.check { format = node.key_format, max = node.key_max }, {}, 0
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

-- What looks at all pairs of a map. Answers whether they are good (nil: a key is no name) and the bytes of keys and values together.
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

function containers.map(node, compile)
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
    return texts.within_bytes(state, size, max_bytes, bytes_code) and good
  end
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
function containers.object(fields, compile)
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

return containers

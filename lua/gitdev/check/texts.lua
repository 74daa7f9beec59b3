-- Texts: their encoding, their length in characters and in bytes, and the rules of their format. See gitdev.check.
local core = require "gitdev.core"
local faults = require "gitdev.check.faults"
local formats = require "gitdev.api.formats"
local json = require "gitdev.json"

local find, utf8 = string.find, core.utf8
local fault, plural = faults.tell, faults.plural

local NOTHING = {}

local texts = {}

-- Length in characters of a text that is valid UTF-8.
local function characters(text)
  local _, count = text:gsub("[^\128-\191]", "")
  return count
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

--- Whether so many bytes are not too many; tells of it if they are.
function texts.within_bytes(state, size, max, code)
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
      return texts.within_bytes(state, size, max_bytes, bytes_code)
    end
    local rule = broken and broken(value)
    return not rule or format_fault(state, format, rule)
  end
end

--- What a text of a node has to be.
function texts.check(node)
  local rules = (node.format or node.min or node.max or node.max_bytes) and string_rules(node)
  local numbers = (formats[node.format] or NOTHING).numbers
  return function(value, state)
    if numbers and type(value) == "number" then
      value = json.number(value)
    end
    if type(value) ~= "string" then
      return faults.wrong_type(state, "a string", value)
    end
    local valid, offset = utf8(value)
    if not valid then
      return fault(state, "invalid_encoding", "is not valid UTF-8: see byte " .. offset .. ".")
    end
    return not rules or rules(value, state)
  end
end

return texts

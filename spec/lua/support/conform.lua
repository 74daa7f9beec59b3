--- Holds what the API answers against the contract's tables, exactly: every field that is due, none that is unknown, each of its type. (The SDK
-- and the OpenAPI document tolerate what a later version adds; here nothing is later.)
local formats = require "gitdev.api.formats"
local json = require "gitdev.json"
local regex = require "spec.lua.support.regex"
local schema = require "gitdev.schema"

local conform = {}

local look

local function fault(faults, place, text)
  faults[#faults + 1] = place .. " " .. text
end

local function shown(value)
  return type(value) == "table" and value ~= json.null and "a table" or tostring(value)
end

local function contains(list, value)
  for _, item in ipairs(list) do
    if item == value then return true end
  end
  return false
end

local KINDS = {
  str = function(node, value)
    local format = formats[node.format]
    return type(value) == "string" and (not format or not format.pattern or regex.matches(format.pattern, value))
  end,
  id = function(node, value)
    local prefix = type(value) == "string" and value:match("^(%l+)_" .. ("[0-9a-z]"):rep(12) .. "$")
    return prefix and (prefix == node.prefix or type(node.prefix) == "table" and contains(node.prefix, prefix)) or false
  end,
  int = function(node, value)
    return type(value) == "number" and value % 1 == 0 and value >= (node.min or value) and value <= (node.max or value)
  end,
  bool = function(_, value)
    return type(value) == "boolean"
  end,
  enum = function(node, value)
    return contains(node.values, value)
  end,
}

local function is_list(value)
  return type(value) == "table" and value ~= json.null and (next(value) == nil or value[1] ~= nil)
end

local function is_map(value)
  return type(value) == "table" and value ~= json.null and value[1] == nil
end

local function look_at_items(node, value, place, faults)
  if not is_list(value) then return fault(faults, place, "is no array") end
  for index, item in ipairs(value) do
    look(node.item, item, place .. "[" .. index .. "]", faults)
  end
end

local function look_at_pairs(node, value, place, faults)
  if not is_map(value) then return fault(faults, place, "is no object") end
  for _, key in ipairs(json.keys(value)) do
    look(node.value, value[key], place .. "." .. key, faults)
  end
end

--- Looks at one value. `faults` gets a line for each thing that is wrong.
function look(node, value, place, faults)
  if node.kind == "json" then
    return -- anything will do
  elseif value == json.null then
    if not node.nullable and node.kind ~= "json" then fault(faults, place, "is null") end
  elseif node.const ~= nil then
    if value ~= node.const then fault(faults, place, "is not " .. tostring(node.const)) end
  elseif node.kind == "array" then
    look_at_items(node, value, place, faults)
  elseif node.kind == "map" then
    look_at_pairs(node, value, place, faults)
  elseif node.kind == "object" then
    conform.fields(node.fields or schema.object(node.object).fields, value, place, faults)
  elseif not KINDS[node.kind](node, value) then
    fault(faults, place, "is no " .. node.kind .. ": " .. shown(value))
  end
end

--- Looks at an object. `with`: names of optional fields that must be there.
function conform.fields(fields, value, place, faults, with)
  if not is_map(value) then return fault(faults, place, "is no object") end
  for _, field in ipairs(fields) do
    local inner, due = value[field.name], not field.optional or contains(with or {}, field.name)
    if inner ~= nil then
      look(field, inner, place .. "." .. field.name, faults)
    elseif due then
      fault(faults, place .. "." .. field.name, "is missing")
    end
  end
  for _, name in ipairs(json.keys(value)) do
    if not fields.by_name[name] then fault(faults, place .. "." .. name, "is unknown") end
  end
end

local function look_at_page(op, fields, value, faults)
  local known = { object = true, data = true, has_more = true, next_cursor = true }
  for _, name in ipairs(json.keys(value)) do
    if not known[name] then fault(faults, name, "is unknown") end
  end
  if value.object ~= "list" or not is_list(value.data) or type(value.has_more) ~= "boolean" then
    return fault(faults, "page", "is no list")
  elseif value.has_more ~= (type(value.next_cursor) == "string") or not value.has_more and value.next_cursor ~= json.null then
    fault(faults, "next_cursor", "does not agree with has_more")
  end
  for index, item in ipairs(value.data) do
    conform.fields(fields, item, "data[" .. index .. "]", faults, op.with)
  end
end

--- What is wrong with the body of a 2xx answer; "" if nothing is.
function conform.answer(op, body)
  local faults = {}
  if not op.returns then
    return (body or "") == "" and "" or "a body where none is due"
  end
  local value = json.decode(body or "")
  if not is_map(value) then return "no JSON object: " .. tostring(body) end
  local fields = schema.object(op.returns).fields
  if op.kind == "list" then
    look_at_page(op, fields, value, faults)
  else
    conform.fields(fields, value, op.returns, faults, op.with)
  end
  return table.concat(faults, "; ")
end

--- What is wrong with an event as it is delivered; "" if nothing is.
function conform.event(body)
  local value, faults = json.decode(body), {}
  local event = value and schema.event(value.type)
  if not event then return "no event of a known type: " .. body end
  if not body:find '^{"id":"evt_[0-9a-z]+","type":"[%l_.]+","timestamp":%d+,"data":{' then
    fault(faults, value.type, "has not the four keys in their order")
  end
  conform.fields(event.fields, value.data, value.type, faults)
  return table.concat(faults, "; ")
end

return conform

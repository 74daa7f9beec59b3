-- Holds values against the contract's types. Each field becomes one closure, made once; a value without fault costs no allocation. A
-- closure is called with the value and the state of the check: where it is (`state[1 .. state.depth]`), whom to tell (`state.report`), and
-- what the caller knows (`state.options`).
local containers = require "gitdev.check.containers"
local core = require "gitdev.core"
local faults = require "gitdev.check.faults"
local json = require "gitdev.json"
local limits = require "gitdev.api.limits"
local nearest = require "gitdev.nearest"
local texts = require "gitdev.check.texts"

local utf8 = core.utf8
local fault, wrong_type = faults.tell, faults.wrong_type

local check = { describe = faults.describe }

-- An id or a reference: any text that is not empty. A thing that the client returned stands for its id.
local function reference_check(node)
  local max = node.kind == "ref" and limits.ref_chars or limits.id_chars
  local text = texts.check { min = 1, max = max }
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

-- A parameter of a query that may come several times: one value, or a list of them. An empty list would be no filter at all, and so find
-- everything where nothing was asked for.
local function repeatable_check(node, one)
  local many = containers.array({ item = node, min_items = 1 }, function()
    return one
  end)
  return function(value, state)
    return (type(value) == "table" and many or one)(value, state)
  end
end

local MAKERS = {
  str = texts.check,
  id = reference_check,
  ref = reference_check,
  int = integer_check,
  bool = boolean_check,
  enum = enum_check,
  array = containers.array,
  map = containers.map,
  json = function()
    return free_value
  end,
}

---The id (or name) of a thing that the client returned, when it is of the kind wanted.
---@param value table
---@param wanted string|string[]|nil  an id prefix, or the name of an object; or several prefixes
---@return any id  nil when it is something else
function check.identity(value, wanted)
  local spec = faults.spec_of(value)
  for _, one in ipairs(spec and (type(wanted) == "table" and wanted or { wanted }) or {}) do
    if spec.prefix == one or spec.name == one then
      return value[spec.key]
    end
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
      inner = inner or containers.object(node.fields or resolve(node.object), compile)
      return inner(value, state)
    end
  end
  function compile(node)
    local made = node.kind == "object" and object(node) or MAKERS[node.kind](node, compile)
    return node.repeatable and repeatable_check(node, made) or made
  end
  return function(fields)
    return containers.object(fields, compile)
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

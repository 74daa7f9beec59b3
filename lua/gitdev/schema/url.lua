-- What an operation's parameters are in a URL: its path and its query.
local core = require "gitdev.core"
local json = require "gitdev.json"

local url = {}

--- See schema.read.
function url.read(node, text)
  if node.kind == "int" or node.kind == "enum" and node.integers then
    return text:find("^%-?%d+$") and #text <= 17 and tonumber(text) or nil
  elseif node.kind == "bool" then
    if text == "true" or text == "false" then
      return text == "true"
    end
    return nil
  end
  return text
end

local function query_text(value, prefix)
  if type(value) == "table" then
    value = require("gitdev.check").identity(value, prefix)
  end
  if type(value) == "number" then
    return json.number(value)
  end
  return core.escape(tostring(value))
end

--- See schema.query.
function url.query(operation, params)
  local text
  for _, field in ipairs(operation.query) do
    local value = params[field.name]
    if field.repeatable and type(value) == "table" then
      for _, item in ipairs(value) do
        text = (text and text .. "&" or "") .. field.name .. "=" .. query_text(item, field.prefix)
      end
    elseif value ~= nil then
      text = (text and text .. "&" or "") .. field.name .. "=" .. query_text(value, field.prefix)
    end
  end
  return text
end

-- Why a text cannot be a path segment: URL parsers fold dot segments, and an empty one would name the collection (contract 1.2).
local function segment_problem(text)
  if text == "" then
    return "must not be empty"
  elseif text == "." or text == ".." then
    return 'must not be "' .. text .. '"'
  elseif not core.utf8(text) then
    return "is not valid UTF-8"
  elseif text:find("%z") then
    return "must not hold a NUL byte"
  end
  return nil
end

local function greedy(value)
  local parts = {}
  for part in (value .. "/"):gmatch("([^/]*)/") do
    local problem = segment_problem(part)
    if problem then
      return nil, "has a part between slashes that " .. problem
    end
    parts[#parts + 1] = core.escape(part)
  end
  return table.concat(parts, "/")
end

local function wanted(node)
  local what = node.kind == "ref" and "an id or a name" or "an id"
  return "must be " .. (node.prefix and what or "a string")
end

-- A path parameter's escaped text, or nil, the code and the sentence's end.
local function segment(node, value)
  if type(value) == "table" then
    local check = require "gitdev.check"
    local id = check.identity(value, node.prefix or node.object)
    if id == nil then
      return nil, "invalid_type", wanted(node) .. ", got " .. check.describe(value)
    end
    value = id
  end
  if value == nil then
    return nil, "parameter_missing", "is required"
  elseif type(value) ~= "string" then
    return nil, "invalid_type", wanted(node) .. ", got a " .. type(value)
  end
  if node.greedy then
    local text, problem = greedy(value)
    return text, text == nil and "parameter_invalid" or nil, problem
  end
  local problem = segment_problem(value)
  if problem then
    return nil, "parameter_invalid", problem
  end
  return core.escape(value)
end

--- See schema.path.
function url.path(operation, ...)
  local path, taken = "", 0
  for _, part in ipairs(operation.segments) do
    local text = part.literal
    if part.param then
      taken = taken + 1
      local code, problem
      text, code, problem = segment(part.param, (select(taken, ...)))
      if not text then
        return nil, code, part.param.name, part.param.name .. " " .. problem .. "."
      end
    end
    path = path .. "/" .. text
  end
  return path
end

return url

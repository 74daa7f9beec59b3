-- Writes values as the contract's types say: fields in the contract's order, map keys sorted, arrays as arrays even when empty. The
-- values have been checked before. Each field becomes one closure, made once, that answers the value's text.
local check = require "gitdev.check"
local core = require "gitdev.core"
local json = require "gitdev.json"

local null, quote, format, concat = core.null, json.quote, string.format, table.concat

local encode = {}

local function integer_text(value)
  return format("%d", value)
end

local function free_text(value)
  return assert(json.encode(value))
end

local function reference_text(node)
  return function(value)
    return quote(type(value) == "table" and check.identity(value, node.prefix) or value)
  end
end

local function array_text(node, compile)
  local item = compile(node.item)
  return function(value)
    local parts = {}
    for i = 1, #value do
      parts[i] = item(value[i])
    end
    return "[" .. concat(parts, ",") .. "]"
  end
end

local function map_text(node, compile)
  local item = compile(node.value)
  return function(value)
    local key, element = next(value)
    if key == nil then
      return "{}"
    elseif next(value, key) == nil then
      return "{" .. quote(key) .. ":" .. item(element) .. "}"
    end
    local parts = json.keys(value)
    for i, name in ipairs(parts) do
      parts[i] = quote(name) .. ":" .. item(value[name])
    end
    return "{" .. concat(parts, ",") .. "}"
  end
end

-- A request has few of its fields: joining them one by one is fastest.
local function few_fields_text(count, names, heads, texts)
  return function(value)
    local text, mark = "{", ""
    for i = 1, count do
      local element = value[names[i]]
      if element ~= nil then
        text, mark = text .. mark .. heads[i] .. texts[i](element), ","
      end
    end
    return text .. "}"
  end
end

-- An answer has all of them, null where it is nullable and absent: joined one by one, each would be copied many times.
local function all_fields_text(count, names, heads, texts, nullable)
  return function(value)
    local parts, n = {}, 0
    for i = 1, count do
      local element = value[names[i]]
      if element ~= nil then
        n = n + 1
        parts[n] = heads[i] .. texts[i](element)
      elseif nullable[i] then
        n = n + 1
        parts[n] = heads[i] .. "null"
      end
    end
    return "{" .. concat(parts, ",") .. "}"
  end
end

local function object_text(fields, compile, always)
  local names, heads, texts, nullable = {}, {}, {}, {}
  for i, field in ipairs(fields) do
    names[i], heads[i], texts[i] = field.name, quote(field.name) .. ":", compile(field)
    nullable[i] = field.nullable or false
  end
  return (always and all_fields_text or few_fields_text)(#fields, names, heads, texts, nullable)
end

local WRITERS = { str = quote, int = integer_text, bool = tostring, json = free_text }

local MAKERS = {
  id = reference_text,
  ref = reference_text,
  array = array_text,
  map = map_text,
  enum = function(node)
    return node.integers and integer_text or quote
  end,
}

local function or_null(writer)
  return function(value)
    return value == null and "null" or writer(value)
  end
end

---Makes the closure that writes a whole field list.
---@param resolve fun(object: string): table  finds the fields of a named object
---@param always boolean|nil  whether absent nullable fields are written as null
---@return fun(fields: table): fun(value: table): string
function encode.compiler(resolve, always)
  local compile
  local function object(node)
    local inner
    return function(value)
      inner = inner or object_text(node.fields or resolve(node.object), compile, always)
      return inner(value)
    end
  end
  function compile(node)
    local writer = WRITERS[node.kind]
    if not writer then
      writer = node.kind == "object" and object(node) or MAKERS[node.kind](node, compile)
    end
    return node.nullable and or_null(writer) or writer
  end
  return function(fields)
    return object_text(fields, compile, always)
  end
end

return encode

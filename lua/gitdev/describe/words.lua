-- The contract's types, limits and defaults in words. What is returned is inline text (see gitdev.describe.document): strings with `code` in
-- backticks, and links to topics.
local formats = require "gitdev.api.formats"
local json = require "gitdev.json"
local schema = require "gitdev.schema"

local words = {}

-- ---- small things ----

---An object's name as people write it: "env var", "API key".
---@param name string
---@return string
function words.spaced(name)
  return (name:gsub("_", " "):gsub("^api ", "API "))
end

---With its article: "a deployment", "an artifact".
---@param name string
---@return string
function words.one(name)
  return (name:find "^[aeiou]" and not name:find "^us" and "an " or "a ") .. words.spaced(name)
end

---A list as a sentence has it: "a, b or c".
---@param items string[]
---@param last string  "or" or "and"
---@return string
function words.series(items, last)
  local count = #items
  if count < 2 then
    return tostring(items[1] or "")
  end
  return table.concat(items, ", ", 1, count - 1) .. " " .. last .. " " .. items[count]
end

---@param text any
---@return string
function words.code(text)
  return "`" .. tostring(text) .. "`"
end

local function codes(values)
  local list = {}
  for i, value in ipairs(values) do
    list[i] = words.code(value)
  end
  return list
end

words.codes = codes

---A value as Lua writes it; maps by their keys' order.
---@param value any
---@return string
function words.literal(value)
  if type(value) == "string" then
    return '"' .. value .. '"'
  elseif type(value) ~= "table" then
    return tostring(value)
  elseif value == json.null then
    return "gitdev.null"
  end
  local parts = {}
  for _, item in ipairs(value) do
    parts[#parts + 1] = words.literal(item)
  end
  for _, key in ipairs(parts[1] and {} or json.keys(value)) do
    parts[#parts + 1] = key .. " = " .. words.literal(value[key])
  end
  return parts[1] and "{ " .. table.concat(parts, ", ") .. " }" or "{}"
end

-- ---- types ----

-- By prefix: the object that has such ids.
local function object_of(prefix)
  for _, name in ipairs(schema.objects()) do
    if schema.object(name).prefix == prefix then
      return schema.object(name)
    end
  end
  return nil
end

---The object that ids with this prefix name.
---@param prefix string
---@return table|nil
words.object_of = object_of

-- What a ref may be, beside an id.
local function natural_key(object)
  return object.fields.by_name.slug and "slug" or "name"
end

local BASIC = {
  str = { "text", "texts" },
  int = { "integer", "integers" },
  bool = { "boolean", "booleans" },
  json = { "any JSON value", "any JSON values" },
}

local UNITS = { ts = { "Unix seconds", "Unix seconds" }, ms = { "milliseconds", "milliseconds" } }

local phrase

local function add(parts, more)
  for _, part in ipairs(type(more) == "table" and not more.to and more or { more }) do
    parts[#parts + 1] = part
  end
  return parts
end

-- "id of a deployment or a job"
local function several_phrase(node, many)
  local kinds = {}
  for i, prefix in ipairs(node.prefix) do
    kinds[i] = words.one(object_of(prefix).name)
  end
  return { (many and "ids" or "id") .. " of " .. words.series(kinds, "or") }
end

local function identity_phrase(node, many)
  if type(node.prefix) == "table" then
    return several_phrase(node, many)
  end
  local object = object_of(node.prefix)
  local what = many and "ids" or "id"
  if node.kind == "ref" and object then
    local key = natural_key(object)
    what = what .. " or " .. key .. (many and "s" or "")
  end
  return { what .. " of " .. (object and words.one(object.name) or "a thing") }
end

local MAKERS = {
  enum = function(node)
    local list = codes(node.values)
    list[#list + 1] = node.nullable and "null" or nil
    return { words.series(list, "or") }
  end,
  id = identity_phrase,
  ref = identity_phrase,
  array = function(node)
    return add({ "list of " }, phrase(node.item, true))
  end,
  map = function(node)
    return add({ "map of names to " }, phrase(node.value, true))
  end,
  object = function(node, many)
    if node.object then
      return { { to = node.object, text = words.spaced(node.object) .. (many and "s" or "") } }
    end
    return { many and "objects" or "object" }
  end,
}

function phrase(node, many)
  local basic = node.unit and UNITS[node.unit] or BASIC[node.kind]
  if node.const ~= nil then
    basic = { words.code(node.const), words.code(node.const) }
  end
  local parts = basic and { basic[many and 2 or 1] } or MAKERS[node.kind](node, many)
  if node.nullable and node.kind ~= "enum" then
    parts[#parts + 1] = " or null"
  end
  return parts
end

---A node's type: { "list of ", { to = "job_def", text = "job defs" } }.
---@param node table  see gitdev.types
---@return table inline
function words.type(node)
  local parts = phrase(node, false)
  if node.repeatable then
    add(parts, ", or a list of such")
  end
  return parts
end

-- ---- limits ----

local function counted(count, noun)
  return count .. " " .. noun .. (count == 1 and "" or "s")
end

-- "1 to 100", "at least 3", "at most 20": of a noun, if one is given.
local function range(min, max, noun)
  local function with_noun(number)
    return noun and counted(number, noun) or tostring(number)
  end
  if min and max then
    return min == max and with_noun(min) or min .. " to " .. with_noun(max)
  elseif min then
    return "at least " .. with_noun(min)
  end
  return max and "at most " .. with_noun(max)
end

local function leaf(node)
  while node.item or node.value do
    node = node.item or node.value
  end
  return node
end

local function add_text_limits(list, node, each)
  local format = node.format and formats[node.format]
  if format then
    list[#list + 1] = each .. format.doc
  end
  if node.min == 1 and not node.max then
    list[#list + 1] = each .. "not empty"
  else
    list[#list + 1] = (node.min or node.max) and each .. range(node.min, node.max, "character")
  end
end

local function add_pair_limits(list, node)
  local format = node.key_format and formats[node.key_format]
  list[#list + 1] = format and "names " .. format.doc
  list[#list + 1] = node.key_max and "names of " .. range(nil, node.key_max, "character")
end

---What a node's values must keep to, besides their type: { "at most 20 pairs", "names of at most 64 characters" }.
---@param node table
---@return string[]
function words.limits(node)
  local list, bottom = {}, leaf(node)
  local map = node.kind == "map"
  local many = node.min_items or node.max_items
  list[#list + 1] = many and range(node.min_items, node.max_items, map and "pair" or "item")
  if map then
    add_pair_limits(list, node)
  end
  if bottom.kind == "str" then
    add_text_limits(list, bottom, bottom ~= node and (map and "values " or "each ") or "")
  elseif bottom.kind == "int" then
    list[#list + 1] = (bottom.min or bottom.max) and range(bottom.min, bottom.max)
  end
  list[#list + 1] = node.max_bytes and (map and "names and values " or "") .. "at most " .. node.max_bytes .. " bytes" .. (map and " together" or "")
  return list
end

---Whether a request must have a field, and what it is without it: "required", "default `main`", or nothing.
---@param node table
---@return string
function words.need(node)
  if node.required then
    return "required"
  elseif node.default ~= nil then
    return "default " .. words.code(words.literal(node.default))
  end
  return ""
end

---A scope as keys hold it: "deployments:w" as "deployments:write".
---@param scope string
---@return string
function words.scope(scope)
  return (scope:gsub(":r$", ":read"):gsub(":w$", ":write"))
end

---The first sentence of a text, without its full stop; and the whole text, if there is more of it.
---@param doc string
---@return string
---@return string|nil
function words.summary(doc)
  local first = doc:match "^(.-)%. " or doc:match "^(.-)%.?$"
  return first, first .. "." ~= doc and doc or nil
end

---An inline text without its marks.
---@param inline string|table
---@return string
function words.plain(inline)
  local text = ""
  for _, part in ipairs(type(inline) == "table" and not inline.to and inline or { inline }) do
    text = text .. (type(part) == "table" and part.text or part)
  end
  return (text:gsub("`", ""))
end

return words

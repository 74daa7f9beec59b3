-- JSON texts. Writing is canonical: map keys sorted, no blanks, whole numbers without a fraction, so that one value has one text.
local core = require "gitdev.core"

local json = {}

---Stands for null where Lua's nil cannot: in a call's fields, to clear one, and in arrays.
json.null = core.null

local array_mark = { __name = "gitdev.array" }

---Marks a table as a JSON array, which matters where it is empty and the contract leaves the kind open.
---@param list? table
---@return table list  the same
function json.array(list)
  return setmetatable(list or {}, array_mark)
end

---@return boolean
function json.is_array(value)
  return getmetatable(value) == array_mark
end

local decode = core.decode

---Reads a text; null is json.null, and empty arrays are marked as json.array() does. Whole numbers become integers where Lua has them. What
---strings hold is taken as it is: core.json_check() says whether it is UTF-8.
---@param text string
---@return any value  nil when it is no JSON
---@return string|nil problem
function json.decode(text)
  local value, problem = decode(text, true, array_mark)
  if value == nil then
    return nil, problem
  end
  return value
end

---Reads a text as callers get it: members that are null are left out (in an array null keeps its place, as json.null).
---@type fun(text: string): any, boolean|string  the value and whether it is an object; nil and a problem when it is no JSON
json.read = decode

---A string as JSON. Only quotes, backslashes and control bytes are escaped.
---@type fun(text: string): string  of valid UTF-8
json.quote = core.quote

local quote = core.quote

---A finite number as JSON.
---@param value number
---@return string
function json.number(value)
  if value % 1 == 0 and value >= -9007199254740992 and value <= 9007199254740992 then
    return string.format("%d", value)
  end
  local text = string.format("%.15g", value)
  if tonumber(text) ~= value then
    text = string.format("%.17g", value)
  end
  return text
end

---The keys of a table of strings, sorted.
---@param map table<string, any>
---@return string[]
function json.keys(map)
  local keys = {}
  for key in next, map do
    keys[#keys + 1] = key
  end
  table.sort(keys)
  return keys
end

---What a table is in JSON: "array" or "object" (an empty one without a mark is an object), or nil and why it is neither.
---@param value table
---@return "array"|"object"|nil
---@return string|nil problem
function json.table_kind(value)
  local count, length = 0, #value
  for key in next, value do
    if type(key) == "string" then
      if length > 0 then
        return nil, "mixes names and indexes"
      end
    elseif type(key) ~= "number" then
      return nil, "has a key that is neither a name nor an index"
    elseif length == 0 then
      return nil, "has an index, but no first element"
    end
    count = count + 1
  end
  if length > 0 and count ~= length then
    return nil, "has holes"
  end
  return (length > 0 or json.is_array(value)) and "array" or "object"
end

local write

local function write_list(value, out, depth)
  out[#out + 1] = "["
  for i = 1, #value do
    if i > 1 then
      out[#out + 1] = ","
    end
    write(value[i], out, depth)
  end
  out[#out + 1] = "]"
end

local function write_map(value, out, depth)
  out[#out + 1] = "{"
  for i, key in ipairs(json.keys(value)) do
    out[#out + 1] = (i > 1 and "," or "") .. quote(key) .. ":"
    write(value[key], out, depth)
  end
  out[#out + 1] = "}"
end

function write(value, out, depth)
  local kind = type(value)
  if kind == "string" then
    out[#out + 1] = quote(value)
  elseif kind == "number" and value == value and value ~= math.huge and value ~= -math.huge then
    out[#out + 1] = json.number(value)
  elseif kind == "boolean" then
    out[#out + 1] = tostring(value)
  elseif value == json.null then
    out[#out + 1] = "null"
  elseif kind ~= "table" then
    error("JSON cannot hold " .. (kind == "number" and tostring(value) or "a " .. kind), 0)
  elseif depth == 64 then
    error("more than 64 levels deep (or a table that holds itself)", 0)
  else
    local shape, problem = json.table_kind(value)
    if not shape then
      error("a table that " .. problem, 0)
    end
    (shape == "array" and write_list or write_map)(value, out, depth + 1)
  end
end

---Writes any value that JSON can hold.
---@param value any
---@return string|nil text
---@return string|nil problem
function json.encode(value)
  local out = {}
  local ok, problem = pcall(write, value, out, 0)
  if not ok then
    return nil, problem
  end
  return table.concat(out)
end

return json

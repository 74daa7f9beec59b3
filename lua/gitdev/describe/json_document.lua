-- JSON for people and for diffs: members stand in the order in which they were put, what fits on a line is on one, the rest is indented by
-- two blanks. The same document has the same text in every run.
local json = require "gitdev.json"

local document = {}

local WIDTH = 120

local function order_of(value)
  local meta = getmetatable(value)
  return type(meta) == "table" and meta.order or nil
end

-- The names of an object's members in their order; those of a plain table are sorted. Nil: it is no object.
local function names_of(value)
  if type(value) ~= "table" or value == json.null then
    return nil
  end
  return order_of(value) or json.table_kind(value) == "object" and json.keys(value) or nil
end

---Makes an object of its members: name, value, name, value, … Those that are nil are left out.
---@return table  its members by name; read them freely, add more with document.put
function document.object(...)
  local made = setmetatable({}, { order = {} })
  for i = 1, select("#", ...), 2 do
    local name, value = select(i, ...)
    document.put(made, name, value)
  end
  return made
end

---Puts a member at the end of an object; one that is there already keeps its place. Nil puts nothing.
---@param object table  of document.object
---@param name string
---@param value any
function document.put(object, name, value)
  if value == nil then
    return
  elseif object[name] == nil then
    local order = order_of(object)
    order[#order + 1] = name
  end
  object[name] = value
end

---Takes a member away.
---@param object table  of document.object
---@param name string
function document.remove(object, name)
  local order = order_of(object)
  for i, known in ipairs(order) do
    if known == name then
      table.remove(order, i)
    end
  end
  object[name] = nil
end

---Makes an array; only an empty one needs it.
document.array = json.array

-- What holds no other value.
local function is_scalar(value)
  return type(value) ~= "table" or value == json.null
end

-- Such a value as JSON.
local function scalar(value)
  if type(value) == "string" then
    return json.quote(value)
  end
  return assert(json.encode(value))
end

local flat

local function flat_members(value, order, room)
  local parts = {}
  for i, name in ipairs(order) do
    local text = flat(value[name], room)
    parts[i] = text and json.quote(name) .. ": " .. text
    room = room - #(parts[i] or "")
    if not text or room < 0 then
      return nil
    end
  end
  return parts[1] and "{ " .. table.concat(parts, ", ") .. " }" or "{}"
end

local function flat_items(value, room)
  local parts = {}
  for i, item in ipairs(value) do
    parts[i] = flat(item, room)
    room = room - #(parts[i] or "")
    if not parts[i] or room < 0 then
      return nil
    end
  end
  return "[" .. table.concat(parts, ", ") .. "]"
end

-- A value on one line, or nil if it is longer than `room`.
function flat(value, room)
  local text
  if is_scalar(value) then
    text = scalar(value)
  else
    local order = names_of(value)
    text = order and flat_members(value, order, room) or not order and flat_items(value, room)
  end
  return text and #text <= room and text or nil
end

local write

local function write_block(out, indent, open, close, count, write_one)
  out[#out + 1] = open .. "\n"
  for i = 1, count do
    out[#out + 1] = indent .. "  "
    write_one(i)
    out[#out + 1] = i < count and ",\n" or "\n"
  end
  out[#out + 1] = indent .. close
end

-- `used`: how much of the line is taken when the value begins.
function write(out, value, indent, used)
  local short = flat(value, WIDTH - used)
  local order = names_of(value)
  if short or is_scalar(value) then
    out[#out + 1] = short or scalar(value)
  elseif order then
    write_block(out, indent, "{", "}", #order, function(i)
      local name = json.quote(order[i]) .. ": "
      out[#out + 1] = name
      write(out, value[order[i]], indent .. "  ", #indent + #name + 3)
    end)
  else
    write_block(out, indent, "[", "]", #value, function(i)
      write(out, value[i], indent .. "  ", #indent + 3)
    end)
  end
end

---The text of a document, with a line's end after it.
---@param value table  of document.object; plain tables may stand in it
---@return string
function document.text(value)
  local out = {}
  write(out, value, "", 0)
  out[#out + 1] = "\n"
  return table.concat(out)
end

return document

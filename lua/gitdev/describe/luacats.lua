-- How LuaCATS annotations are written: the contract's types, and declarations of classes, functions and aliases.
local calls = require "gitdev.describe.calls"
local formats = require "gitdev.api.formats"
local words = require "gitdev.describe.words"

local luacats = {}

local WIDTH = 140

-- ---- names ----

---"security_alert" as "SecurityAlert".
---@param name string
---@return string
function luacats.pascal(name)
  return (("_" .. name):gsub("_(%l)", string.upper))
end

---The class of an object: "gitdev.SecurityAlert".
---@param name string
---@return string
function luacats.class_of(name)
  return "gitdev." .. luacats.pascal(name)
end

-- ---- types ----

local BASIC = { str = "string", int = "integer", bool = "boolean", json = "gitdev.Json", id = "string", ref = "string" }

-- Formats of texts that may be given as numbers.
local NUMERIC = {}
for name, format in pairs(formats) do
  NUMERIC[name] = format.numbers
end

local function literal(value)
  return type(value) == "string" and '"' .. value .. '"' or tostring(value)
end

local function union(parts)
  return table.concat(parts, "|")
end

-- A type as a part of another: a union, or a function, needs parentheses.
local function grouped(text)
  return text:find "|" and not text:find "^[%w%._]+%b<>$" and "(" .. text .. ")" or text
end

-- What stands for an id in a request: things of that kind too.
local function identity(node)
  local text = "string"
  for _, prefix in ipairs(type(node.prefix) == "table" and node.prefix or { node.prefix }) do
    local object = words.object_of(prefix)
    if object and calls.is_thing(object.name) then
      text = text .. "|" .. luacats.class_of(object.name)
    end
  end
  return text
end

local MAKERS = {
  enum = function(node)
    local parts = {}
    for i, value in ipairs(node.values) do
      parts[i] = literal(value)
    end
    return union(parts)
  end,
  array = function(node, context)
    return grouped(luacats.type(node.item, context)) .. "[]"
  end,
  map = function(node, context)
    return "table<string, " .. luacats.type(node.value, context) .. ">"
  end,
  object = function(node, context)
    return context.class(node)
  end,
}

---A node's type.
---@param node table  see gitdev.types
---@param context { request: boolean, class: fun(node: table): string }  whether a program gives the value or gets it; names the classes of objects
---@return string
function luacats.type(node, context)
  local text
  if node.const ~= nil then
    text = literal(node.const)
  elseif context.request and (node.kind == "id" or node.kind == "ref") then
    text = identity(node)
  else
    text = BASIC[node.kind] or MAKERS[node.kind](node, context)
    text = text .. (context.request and NUMERIC[node.format] and "|integer" or "")
  end
  if node.repeatable then
    text = text .. "|" .. grouped(text) .. "[]"
  end
  if node.nullable or node.kind == "json" and not context.request then -- null is a JSON value too, and reads as nil
    text = text .. (context.request and "|gitdev.Null" or "|nil")
  end
  return text
end

---The type of a path parameter: the id, the name, or a thing that has it.
---@param node table
---@return string
function luacats.path_type(node)
  if node.prefix then
    return identity(node)
  elseif node.object and calls.is_thing(node.object) then
    return "string|" .. luacats.class_of(node.object)
  end
  return node.kind == "int" and "integer" or "string"
end

-- ---- lines ----

local page = {}
page.__index = page

---A text that is being written.
---@return table
function luacats.new()
  return setmetatable({ lines = {}, used = {} }, page)
end

function page:line(text)
  self.lines[#self.lines + 1] = text
end

-- Breaks a text into lines of a comment.
local function folded(text)
  local lines, current = {}, nil
  for word in text:gmatch "%S+" do
    if current and #current + #word + 1 > WIDTH then
      lines[#lines + 1], current = current, word
    else
      current = current and current .. " " .. word or word
    end
  end
  lines[#lines + 1] = current
  return lines
end

function page:comment(text)
  for _, line in ipairs(folded(text)) do
    self:line("---" .. line)
  end
end

-- Before a field these say who may see it: a field of such a name is written as a key.
local VISIBILITIES = { public = true, protected = true, private = true, package = true }

---@param row table  { name, type, words }
function page:field(row)
  local name, mark = row[1]:match "^(.-)(%??)$"
  name = VISIBILITIES[name] and '["' .. name .. '"]' or name
  self:line("---@field " .. name .. mark .. " " .. row[2] .. (row[3] and row[3] ~= "" and "  " .. row[3] or ""))
end

---A class and its fields.
---@param name string
---@param text string|nil
---@param rows table[]
---@param parent string|nil
function page:class(name, text, rows, parent)
  self:line ""
  if text then
    self:comment(text)
  end
  self:line("---@class " .. name .. (parent and ": " .. parent or ""))
  for _, row in ipairs(rows) do
    self:field(row)
  end
end

---An alias, each member of a union on a line of its own.
---@param name string
---@param text string|nil
---@param members string[]
function page:alias(name, text, members)
  self:line ""
  if text then
    self:comment(text)
  end
  if #members == 1 then
    self:line("---@alias " .. name .. " " .. members[1])
    return
  end
  self:line("---@alias " .. name)
  for _, member in ipairs(members) do
    self:line("---| " .. member)
  end
end

local function parameter_name(row)
  return (row[1]:gsub("%?$", ""))
end

---A function, in the table that the local variable `owner` holds.
---@param owner string
---@param fn table   see gitdev.describe.classes
---@param colon boolean
function page:fn(owner, fn, colon)
  self:line ""
  for i, paragraph in ipairs(type(fn.words) == "table" and fn.words or { fn.words }) do
    if i > 1 then
      self:line "---"
    end
    self:comment(paragraph)
  end
  if fn.generic then
    self:line("---@generic " .. fn.generic)
  end
  local names = {}
  for i, row in ipairs(fn.parameters or {}) do
    names[i] = parameter_name(row)
    self:line("---@param " .. row[1] .. " " .. row[2] .. (row[3] and "  " .. row[3] or ""))
  end
  for _, row in ipairs(fn.returns or {}) do
    self:line("---@return " .. row[2] .. " " .. row[1] .. (row[3] and "  " .. row[3] or ""))
  end
  if fn.overload then
    self:line("---@overload " .. fn.overload)
  end
  self:line("function " .. owner .. (colon and ":" or ".") .. fn.name .. "(" .. table.concat(names, ", ") .. ") end")
end

---The table that a class's functions stand in.
---@param name string  of the class
---@return string owner  the name of a local variable
function page:holder(name)
  local owner = name:gsub("^gitdev%.?", ""):gsub("%.", "_")
  owner = owner == "" and "gitdev" or owner:sub(1, 1):lower() .. owner:sub(2)
  assert(not self.used[owner], owner .. " is used twice")
  self.used[owner] = true
  self:line("local " .. owner .. " = {}")
  return owner
end

function page:text()
  return table.concat(self.lines, "\n") .. "\n"
end

---The names of a field list's nodes with a mark on those that may be left out, their types and their words.
---@param fields table
---@param context table
---@param optional fun(node: table): boolean
---@param text fun(node: table): string
---@return table[] rows
function luacats.rows(fields, context, optional, text)
  local rows = {}
  for i, node in ipairs(fields) do
    rows[i] = { node.name .. (optional(node) and "?" or ""), luacats.type(node, context), text(node) }
  end
  return rows
end

return luacats

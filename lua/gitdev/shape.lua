-- Shapes: a field list compiled for one walk in C (core.shape) that checks a value and writes it in one go. The walk answers the canonical
-- text of a value that is plainly right, else nil: then gitdev.check says what is wrong, or gitdev.encode writes what is right but not
-- plain (a thing in an id's place, a value of any kind, a long text). Those two are the reference; a spec holds the walk against them.
local core = require "gitdev.core"
local formats = require "gitdev.api.formats"
local limits = require "gitdev.api.limits"

local shape = {}

-- What the walk leaves to the reference wherever it is given.
local OTHER = { kind = "other" }

-- ---- formats ----

-- Patterns like "^[A-Z_][0-9]*$" are byte classes, one after another, and say how often the last may come. The walk knows no others.
local function class_rules(pattern)
  local classes, quantifier = pattern:match "^%^(%[[^%%]+%])([+*]?)%$$"
  local rest, count = (classes or "?"):gsub("%[[^%[%]]+%]", "")
  if rest ~= "" then
    return nil
  end
  return { classes = classes, least = quantifier == "*" and count - 1 or count, most = quantifier == "" and count or nil }
end

local function compile_format(format)
  local patterns, never = format.lua or {}, format.never or {}
  local rules = patterns[1] and class_rules(patterns[1]) or not patterns[1] and {}
  if not rules or patterns[2] or never[2] or never[1] and never[1] ~= "%z" or format.reserved then
    return nil
  end
  rules.no_nul, rules.reserved = never[1] == "%z", format.reserved_prefix
  return rules
end

-- By the format's name; false for those that the walk does not know.
local compiled = {}

local function rules_of(name)
  if compiled[name] == nil then
    compiled[name] = compile_format(formats[name]) or false
  end
  return compiled[name]
end

-- ---- rows ----

local function text(node)
  local format = formats[node.format] or {}
  local rules = node.format and rules_of(node.format)
  if rules == false then
    return OTHER
  end
  local row = { kind = "text", max = node.max or format.max, bytes = node.max_bytes or format.max_bytes }
  row.min = node.min or format.min
  for key, value in pairs(rules or {}) do
    row[key] = value
  end
  return row
end

local function reference(node)
  return { kind = "text", min = 1, max = node.kind == "ref" and limits.ref_chars or limits.id_chars }
end

local function enum(node)
  if node.integers then
    return OTHER
  end
  local words = {}
  for i, value in ipairs(node.values) do
    words[i] = { kind = "word", name = value }
  end
  return { kind = "enum", inner = words }
end

local MAKERS = { str = text, id = reference, ref = reference, enum = enum }

function MAKERS.int(node)
  return { kind = "int", min = node.min or -limits.integer_max, max = node.max or limits.integer_max }
end

function MAKERS.bool()
  return { kind = "bool" }
end

-- A node's row, with its name, whether it is nullable and required, and its inner rows.
local function row_of(node)
  local maker, row = MAKERS[node.kind], {}
  for key, value in pairs(maker and not node.repeatable and maker(node) or OTHER) do
    row[key] = value
  end
  row.name, row.nullable, row.required = row.name or node.name, node.nullable, node.required
  return row
end

function MAKERS.array(node)
  local item = row_of(node.item)
  item.nullable = false -- as for the reference: no list of the contract holds null
  return { kind = "array", min = node.min_items, max = node.max_items, inner = { item } }
end

function MAKERS.map(node)
  local key = row_of { kind = "str", format = node.key_format, max = node.key_max }
  if key.kind == "other" then
    return OTHER
  end
  local row = { kind = "map", min = node.min_items, max = node.max_items, bytes = node.max_bytes }
  row.inner = { key, row_of(node.value) }
  return row
end

-- Objects that have a name are the API's own; no request holds one.
function MAKERS.object(node)
  if not node.fields then
    return OTHER
  end
  local inner = {}
  for i, field in ipairs(node.fields) do
    inner[i] = row_of(field)
  end
  return { kind = "object", inner = inner }
end

-- All rows in one list, those inside one row next to each other: `row.first` is where they begin, `row.count` how many there are.
local function flatten(root)
  local rows, at = { root }, 1
  while rows[at] do
    local row = rows[at]
    local inner = row.inner or {}
    row.first, row.count, row.inner = #rows + 1, #inner, nil
    for _, one in ipairs(inner) do
      rows[#rows + 1] = one
    end
    at = at + 1
  end
  return rows
end

---Makes a field list's walk.
---@param fields table  see gitdev.types
---@return fun(value: any): string|nil  the JSON text of a value that is plainly right
function shape.compile(fields)
  local rows = flatten(row_of { kind = "object", fields = fields })
  return core.shape(rows, #rows)
end

return shape

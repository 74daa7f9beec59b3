-- The contract's types as JSON Schema (2020-12, which is OpenAPI 3.1's). A request's schema is exact: what it does not name is refused, as the
-- API refuses it. An answer's is open: later versions of the API add fields (contract 1.15), so only what is due is asked for.
local document = require "gitdev.describe.json_document"
local formats = require "gitdev.api.formats"
local json = require "gitdev.json"
local limits = require "gitdev.api.limits"

local json_schema = {}

local object = document.object

---What a schema is made for.
---@class gitdev.SchemaContext
---@field request boolean              of a request (else of an answer)
---@field ref fun(name: string): string  where the schema of a named object stands

-- ---- strings ----

local function both(a, b)
  if a and b then
    return object("anyOf", { a, b })
  end
  return a or b
end

-- What no text of this format may be: names and beginnings that the platform keeps for itself.
local function reserved(format)
  local names = format.reserved and object("enum", format.reserved)
  local prefix = format.reserved_prefix and object("pattern", "^" .. format.reserved_prefix)
  return both(names, prefix)
end

-- A text of n bytes has at most n characters: the bytes themselves JSON Schema cannot count.
local function put_string(schema, node)
  local format = formats[node.format] or {}
  local max_bytes = node.max_bytes or format.max_bytes
  document.put(schema, "minLength", node.min or format.min)
  document.put(schema, "maxLength", node.max or format.max or max_bytes)
  document.put(schema, "pattern", format.pattern)
  document.put(schema, "not", reserved(format))
  document.put(schema, "x-max-bytes", max_bytes)
end

-- In a request an id is any text: the API answers one that it does not know with resource_missing, not with a complaint about its form.
local function put_id(schema, node, context)
  if context.request then
    document.put(schema, "minLength", 1)
    document.put(schema, "maxLength", node.kind == "ref" and limits.ref_chars or limits.id_chars)
  else
    local prefix = type(node.prefix) == "table" and "(?:" .. table.concat(node.prefix, "|") .. ")" or node.prefix
    document.put(schema, "pattern", "^" .. prefix .. "_[0-9a-z]{12}$")
  end
end

-- ---- the kinds ----

local function put_integer(schema, node, context)
  document.put(schema, "format", "int64")
  document.put(schema, "minimum", node.min or context.request and -limits.integer_max or nil)
  document.put(schema, "maximum", node.max or context.request and limits.integer_max or nil)
end

local function put_enum(schema, node)
  local values = {}
  for i, value in ipairs(node.values) do
    values[i] = value
  end
  values[#values + 1] = node.nullable and json.null or nil
  document.put(schema, "enum", values)
end

local function put_array(schema, node, context)
  document.put(schema, "items", json_schema.of(node.item, context))
  document.put(schema, "minItems", node.min_items)
  document.put(schema, "maxItems", node.max_items)
end

local function put_map(schema, node, context)
  if node.key_format or node.key_max then
    local names = object()
    put_string(names, { format = node.key_format, max = node.key_max })
    document.put(schema, "propertyNames", names)
  end
  document.put(schema, "additionalProperties", json_schema.of(node.value, context))
  document.put(schema, "minProperties", node.min_items)
  document.put(schema, "maxProperties", node.max_items)
  document.put(schema, "x-max-bytes", node.max_bytes)
end

local TYPES = {
  str = "string",
  id = "string",
  ref = "string",
  int = "integer",
  bool = "boolean",
  array = "array",
  map = "object",
  object = "object",
}

local PUT = {
  str = put_string,
  id = put_id,
  ref = put_id,
  int = put_integer,
  enum = put_enum,
  array = put_array,
  map = put_map,
  object = function(schema, node, context)
    json_schema.put_fields(schema, node.fields, context)
  end,
}

local function type_of(node)
  local name = node.kind == "enum" and (node.integers and "integer" or "string") or TYPES[node.kind]
  return node.nullable and name and { name, "null" } or name
end

-- A named object is referred to. Null stands beside the reference, since a reference has no place for it.
local function reference(node, context)
  local target = object("$ref", context.ref(node.object))
  if node.nullable then
    return object("anyOf", { target, object("type", "null") })
  end
  return target
end

---What a field is, in words.
---@param node table
---@return string|nil
function json_schema.sentence(node)
  if node.unit == "ts" and node.doc then
    return node.doc .. " Unix seconds."
  end
  return node.doc
end

---The schema of a node (see gitdev.types), without words.
---@param node table
---@param context gitdev.SchemaContext
---@return table schema  of document.object
function json_schema.of(node, context)
  if node.kind == "object" and not node.fields then
    return reference(node, context)
  end
  local schema, put = object("type", type_of(node)), PUT[node.kind]
  if node.const ~= nil then
    document.put(schema, "const", node.const)
  elseif put then
    put(schema, node, context)
  end
  document.put(schema, "default", node.default)
  document.put(schema, "writeOnly", node.write_only)
  return schema
end

---The schema of a field: that of its type, with its words after it.
---@param node table  see gitdev.types
---@param context gitdev.SchemaContext
---@return table schema
function json_schema.field(node, context)
  local schema = json_schema.of(node, context)
  document.put(schema, "description", json_schema.sentence(node))
  return schema
end

-- ---- objects ----

-- In a request: what the row requires. In an answer: every field, but for those that only some answers have (`optional`), and those that a
-- public key does not see (`private`).
local function is_required(field, context)
  if context.request then
    return field.required
  end
  return not (field.optional or field.private)
end

---Puts into a schema what a field list says of an object.
---@param schema table
---@param fields table
---@param context gitdev.SchemaContext
---@param required? table<string, boolean>  the names that are required, where the rows do not say it
function json_schema.put_fields(schema, fields, context, required)
  local properties, names = object(), {}
  for _, field in ipairs(fields) do
    document.put(properties, field.name, json_schema.field(field, context))
    local due = is_required(field, context)
    if required then
      due = required[field.name]
    end
    names[#names + 1] = due and field.name or nil
  end
  document.put(schema, "properties", properties)
  document.put(schema, "required", names[1] and names)
  if context.request then
    document.put(schema, "additionalProperties", false)
  end
end

---The schema of an object with these fields.
---@param fields table
---@param context gitdev.SchemaContext
---@param doc? string
---@param required? table<string, boolean>
---@return table schema
function json_schema.fields(fields, context, doc, required)
  local schema = object("type", "object", "description", doc)
  json_schema.put_fields(schema, fields, context, required)
  return schema
end

return json_schema

-- The parameters of operations in an OpenAPI document: of the path, of the query, and headers.
local document = require "gitdev.describe.json_document"
local json_schema = require "gitdev.describe.json_schema"
local kinds = require "gitdev.api.kinds"
local limits = require "gitdev.api.limits"
local schema = require "gitdev.schema"
local types = require "gitdev.types"

local parameters = {}

local object = document.object

local function parameter_ref(name)
  return object("$ref", "#/components/parameters/" .. name)
end

-- The field that a path's parameter holds.
local function field_of(param)
  for _, name in ipairs(schema.objects()) do
    local thing = schema.object(name)
    if thing.param == param.name and not thing.embedded then
      return thing, thing.fields.by_name[thing.key]
    end
  end
  return nil
end

local function path_parameter(param, request)
  local thing, field = field_of(param)
  local name = param.name:gsub("_", " ")
  local doc = field and field.doc or "The " .. name .. "."
  if param.kind == "ref" then
    local other = thing and thing.fields.by_name.slug and "slug" or "name"
    doc = "The " .. name .. ": its id or its " .. other .. "."
  elseif param.kind == "id" then
    doc = "The " .. name .. "'s id."
  end
  if param.greedy then
    doc = doc .. " It may hold slashes, which may go as they are or as %2F."
  end
  local made = json_schema.of(param, request)
  if param.kind == "str" then
    document.put(made, "minLength", made.minLength or 1)
  end
  return object(
    "name", param.name,
    "in", "path",
    "required", true,
    "description", doc,
    "schema", made,
    "x-tail", param.greedy or nil
  )
end

local function query_parameter(field, request)
  local one = json_schema.of(field, request)
  local made = field.repeatable and object("type", "array", "items", one) or one
  local is_list = made.type == "array" or nil
  return object(
    "name", field.name,
    "in", "query",
    "required", field.required or nil,
    "description", json_schema.sentence(field),
    "style", is_list and "form",
    "explode", is_list,
    "schema", made
  )
end

local function header_parameter(name, doc, pattern, max)
  local made = object("type", "string", "minLength", 1, "maxLength", max, "pattern", pattern)
  return object("name", name, "in", "header", "description", doc, "schema", made)
end

--- What many operations take: the paging of lists, and headers.
function parameters.shared(request)
  local made = object()
  for _, field in ipairs(types.fields(kinds.list.query, "list")) do
    document.put(made, field.name, query_parameter(field, request))
  end
  document.put(made, "idempotency_key", header_parameter(
    "Idempotency-Key",
    "Makes it safe to repeat the request: a new one for each request, the same for its repetitions. Kept for 24 hours.",
    "^[\\x21-\\x7e]+$",
    limits.idempotency.key_chars
  ))
  document.put(made, "range", header_parameter("Range", "Which bytes to send, such as `bytes=0-1023`."))
  document.put(made, "if_range", header_parameter("If-Range", "Send the range only if the file still has this ETag, else the whole."))
  document.put(made, "if_none_match", header_parameter("If-None-Match", "Send nothing if the file still has this ETag."))
  return made
end

-- A list's own paging stands in it, that of most is shared.
local function query_or_reference(self, field)
  local made, shared = query_parameter(field, self.request), self.parameters[field.name]
  if shared and document.text(shared) == document.text(made) then
    return parameter_ref(field.name)
  end
  return made
end

-- A ticket authenticates a stream: it is listed with the keys.
local function is_ticket(op, field)
  return op.kind == "stream" and field.name == "ticket"
end

--- Those of an operation, or nil. `self`: the document in the making, whose `parameters` are the shared ones.
function parameters.of(self, op)
  local list = {}
  for _, param in ipairs(op.path_params) do
    list[#list + 1] = path_parameter(param, self.request)
  end
  for _, field in ipairs(op.query or {}) do
    list[#list + 1] = not is_ticket(op, field) and query_or_reference(self, field) or nil
  end
  if op.method ~= "GET" then
    list[#list + 1] = parameter_ref "idempotency_key"
  elseif op.kind == "download" then
    for _, name in ipairs { "range", "if_range", "if_none_match" } do
      list[#list + 1] = parameter_ref(name)
    end
  end
  return list[1] and list
end

return parameters

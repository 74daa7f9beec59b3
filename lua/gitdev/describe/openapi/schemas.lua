-- The schemas of an OpenAPI document: the API's objects, its lists and its events.
local document = require "gitdev.describe.json_document"
local json_schema = require "gitdev.describe.json_schema"
local responses = require "gitdev.describe.responses"
local schema = require "gitdev.schema"

local schemas = {}

local object = document.object

-- Notes the named objects that a field list refers to, through all levels.
local function note(fields, found)
  local function visit(node)
    if node.item or node.value then
      visit(node.item or node.value)
    elseif node.fields then
      note(node.fields, found)
    elseif node.object and not found[node.object] then
      found[node.object] = true
      note(schema.object(node.object).fields, found)
    end
  end
  for _, node in ipairs(fields) do
    visit(node)
  end
end

--- The objects that requests hold, and those that answers and events hold.
function schemas.uses()
  local sent, answered = {}, {}
  for _, name in ipairs(schema.operations()) do
    local op = schema.operation(name)
    note(op.body or {}, sent)
    if op.returns then
      answered[op.returns] = true
      note(schema.object(op.returns).fields, answered)
    end
  end
  for _, kind in ipairs(schema.events()) do
    note(schema.event(kind).fields, answered)
  end
  return sent, answered
end

--- How json_schema names objects in requests and in answers: what both share has two schemas, since they do not ask for the same.
function schemas.contexts(answered)
  local answer = {
    request = false,
    ref = function(name)
      return "#/components/schemas/" .. name
    end,
  }
  local request = {
    request = true,
    name = function(name)
      return answered[name] and name .. "_input" or name
    end,
  }
  request.ref = function(name)
    return "#/components/schemas/" .. request.name(name)
  end
  return request, answer
end

-- Only the page's own four are sure to be in deployment.completed (contract 4.2).
local FIXED = { ["deployment.completed"] = { project = true, status = true, url = true, duration_ms = true } }

local function event_schema(event, context)
  local data = object("type", "object")
  json_schema.put_fields(data, event.fields, context, FIXED[event.type])
  return object(
    "type", "object",
    "description", event.doc,
    "properties", object(
      "id", object("type", "string", "pattern", "^evt_[0-9a-z]{12}$", "description", "The event's id: the same each time that it is delivered."),
      "type", object("type", "string", "const", event.type),
      "timestamp", object("type", "integer", "format", "int64", "description", "When it happened. Unix seconds."),
      "data", data
    ),
    "required", { "id", "type", "timestamp", "data" }
  )
end

-- The objects of which there are lists.
local function listed()
  local found = {}
  for _, name in ipairs(schema.operations()) do
    local op = schema.operation(name)
    found[op.kind == "list" and op.returns or false] = true
  end
  return found
end

--- All of them, by their names. `self`: what is sent and answered, with the two contexts (see gitdev.describe.openapi).
function schemas.components(self)
  local made, in_lists = object("error", responses.error_schema()), listed()
  local function add(name, one)
    assert(made[name] == nil, "two schemas are called " .. name)
    document.put(made, name, one)
  end
  for _, name in ipairs(schema.objects()) do
    local thing = schema.object(name)
    if self.answered[name] or not self.sent[name] then
      add(name, json_schema.fields(thing.fields, self.answer, thing.doc))
    end
    if in_lists[name] then
      add(name .. "_list", responses.list_schema(name))
    end
    if self.sent[name] then
      add(self.request.name(name), json_schema.fields(thing.fields, self.request, thing.doc))
    end
  end
  for _, kind in ipairs(schema.events()) do
    document.put(made, "event." .. kind, event_schema(schema.event(kind), self.answer))
  end
  return made
end

return schemas

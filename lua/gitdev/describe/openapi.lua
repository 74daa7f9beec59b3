-- The OpenAPI 3.1 document of the API, made from the contract's tables. The same tables give the same text.
local document = require "gitdev.describe.json_document"
local json_schema = require "gitdev.describe.json_schema"
local kinds = require "gitdev.api.kinds"
local limits = require "gitdev.api.limits"
local responses = require "gitdev.describe.responses"
local schema = require "gitdev.schema"
local types = require "gitdev.types"
local words = require "gitdev.describe.words"

local openapi = {}

local object = document.object

local SERVER = "https://api.git.dev/v2"

local DESCRIPTION = [[
The API of the .git platform. The organization is the one that the key belongs to.

**Keys.** Secret keys (`gsk_…`) go as `Authorization: Bearer`; they hold projects and scopes (`x-scope` names the one that an operation needs). A
thing outside of the key's projects is not found; without the scope the answer is 403.

**Writes** take an `Idempotency-Key`. The same key with the same body, within 24 hours, gets the stored answer and does nothing again.

**Lists** come in pages: pass `next_cursor` as `cursor` while `has_more` is true. A page may be shorter than `limit`, or empty, before the end.

**Changes** (PATCH) leave alone what they do not name; null clears what may be null. Maps and arrays are replaced whole.

**Rate limits.** One token a request, from a bucket of the organization: `X-RateLimit-Remaining`, `X-RateLimit-Reset`, and `Retry-After` on 429.

**Time** is in Unix seconds (`*_at`), durations are in milliseconds (`*_ms`), sizes in bytes (`*_bytes`).

**Versions.** Within `/v2` things are only added: operations, fields of requests that may be left out, fields of answers, values, event types.
Tolerate what you do not know. `x-since` is the version that brought an operation; without it, it was there in 2.0.]]

-- ---- schemas ----

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

-- The objects that requests hold, and those that answers and events hold.
local function uses()
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

-- What requests and answers share has two schemas, since they do not ask for the same.
local function contexts(answered)
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

local function schemas(self)
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

-- ---- parameters ----

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

-- What many operations take: the paging of lists, and headers.
local function shared_parameters(request)
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

local function parameters(self, op)
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

-- ---- operations ----

-- An action whose fields are all left out needs no body; one without fields takes an empty one.
local function request_body(self, op)
  local body
  if op.body then
    body = json_schema.fields(op.body, self.request)
  elseif op.kind == "action" then
    body = object("type", "object", "maxProperties", 0)
  else
    return nil
  end
  return object(
    "required", op.kind ~= "action" or body.required ~= nil,
    "content", object("application/json", object("schema", body))
  )
end

local function answers(self, op)
  local made = object()
  for _, status in ipairs(op.status) do
    local name, response = responses.success(op, status)
    local known = self.successes[name]
    assert(not known or document.text(known) == document.text(response), "two responses are called " .. name)
    self.successes[name] = known or response
    document.put(made, tostring(status), object("$ref", "#/components/responses/" .. name))
  end
  for _, row in ipairs(responses.refusals(op)) do
    self.refusals[row.name] = self.refusals[row.name] or row
    document.put(made, tostring(row.status), object("$ref", "#/components/responses/" .. row.name))
  end
  return made
end

-- Where it is not the secret key alone.
local function security(op)
  local also = op.public and "public_key" or op.kind == "stream" and "stream_ticket"
  return also and { object("secret_key", document.array()), object(also, document.array()) } or nil
end

local function summary(doc)
  local first = doc:match "^(.-)%. " or doc:match "^(.-)%.?$"
  return first, first .. "." ~= doc and doc or nil
end

local function operation(self, op)
  local short, long = summary(op.doc)
  return object(
    "operationId", op.op,
    "tags", { op.op:match "^[%l_]+" },
    "summary", short,
    "description", long,
    "parameters", parameters(self, op),
    "requestBody", request_body(self, op),
    "responses", answers(self, op),
    "security", security(op),
    "x-scope", op.scope and words.scope(op.scope),
    "x-tier", op.tier,
    "x-since", op.since
  )
end

-- "/repositories/{repository}/files/{path*}" as OpenAPI has it.
local function plain_path(path)
  return (path:gsub("%*}", "}"))
end

local function paths(self)
  local made = object()
  for _, name in ipairs(schema.operations()) do
    local op = schema.operation(name)
    local path = plain_path(op.path)
    document.put(made, path, made[path] or object())
    document.put(made[path], op.method:lower(), operation(self, op))
  end
  return made
end

local function tags()
  local list = {}
  for _, name in ipairs(schema.resources) do
    list[#list + 1] = object("name", name, "description", schema.resource(name).doc)
  end
  return list
end

-- ---- webhooks (contract 4.1) ----

local function webhook_header(name, doc, made)
  return object("name", name, "in", "header", "required", true, "description", doc, "schema", made)
end

local SIGNATURE = "^t=[0-9]{1,12}(?:,v1=[0-9a-f]{64}){1,2}$"
local STANDARD_SIGNATURE = "^v1,[A-Za-z0-9+/]{43}=(?: v1,[A-Za-z0-9+/]{43}=)?$"

-- What comes with every delivery (contract 4.1, 8): the component, the header, what it is, its schema.
local WEBHOOK_HEADERS = {
  { "webhook_delivery", "X-Git-Delivery", "The delivery's id.", object("type", "string", "pattern", "^dlv_[0-9a-z]{12}$") },
  { "webhook_attempt", "X-Git-Attempt", "Which attempt this is.", object("type", "integer", "minimum", 1, "maximum", 10) },
  {
    "webhook_signature",
    "X-Git-Signature",
    "When it was signed, and HMAC-SHA256 of that time, a dot and the raw body, with the endpoint's secret; two while a secret is rotated.",
    object("type", "string", "pattern", SIGNATURE),
  },
  { "webhook_user_agent", "User-Agent", "Who sends.", object("type", "string", "pattern", "^Git-Webhooks/") },
  {
    "webhook_id",
    "webhook-id",
    "The event's id: as Standard Webhooks has it, like the next two.",
    object("type", "string", "pattern", "^evt_[0-9a-z]{12}$"),
  },
  { "webhook_timestamp", "webhook-timestamp", "When it was signed. Unix seconds.", object("type", "integer", "minimum", 0) },
  { "standard_signature", "webhook-signature", "The same proof in their form.", object("type", "string", "pattern", STANDARD_SIGNATURE) },
}

local function webhook_headers(kind)
  local list = { webhook_header("X-Git-Event", "The event's type.", object("type", "string", "const", kind)) }
  for _, row in ipairs(WEBHOOK_HEADERS) do
    list[#list + 1] = object("$ref", "#/components/parameters/" .. row[1])
  end
  return list
end

local function put_webhook_parameters(made)
  for _, row in ipairs(WEBHOOK_HEADERS) do
    document.put(made, row[1], webhook_header(row[2], row[3], row[4]))
  end
end

local function webhook(event)
  local short, long = summary(event.doc)
  return object("post", object(
    "operationId", event.type,
    "tags", { event.resource },
    "summary", short,
    "description", long,
    "parameters", webhook_headers(event.type),
    "requestBody", object(
      "required", true,
      "content", object("application/json", object("schema", object("$ref", "#/components/schemas/event." .. event.type)))
    ),
    "responses", object(
      "2XX", object("description", "The event is taken. Anything else, or nothing within 15 seconds, and it is delivered again, up to 10 times.")
    ),
    "security", document.array()
  ))
end

local function webhooks()
  local made = object()
  for _, kind in ipairs(schema.events()) do
    document.put(made, kind, webhook(schema.event(kind)))
  end
  return made
end

-- ---- the document ----

local function sorted(map, comes_before)
  local names = {}
  for name in pairs(map) do
    names[#names + 1] = name
  end
  table.sort(names, comes_before)
  return names
end

-- Those that say yes by name, then those that say no by status and name.
local function response_components(self)
  local made, refusals = object(), self.refusals
  for _, name in ipairs(sorted(self.successes)) do
    document.put(made, name, self.successes[name])
  end
  local names = sorted(refusals, function(a, b)
    local first, second = responses.rank(refusals[a]), responses.rank(refusals[b])
    return first < second or first == second and a < b
  end)
  for _, name in ipairs(names) do
    document.put(made, name, responses.refusal(refusals[name]))
  end
  return made
end

local function security_schemes()
  return object(
    "secret_key", object("type", "http", "scheme", "bearer", "bearerFormat", "gsk_…", "description", "A secret key: for servers only."),
    "public_key", object("type", "http", "scheme", "bearer", "bearerFormat", "gpk_…", "description", "A public key: names the organization."),
    "stream_ticket", object(
      "type", "apiKey",
      "in", "query",
      "name", "ticket",
      "description", "A ticket of stream_tickets.create: opens one stream, within 60 seconds, where headers cannot be set."
    )
  )
end

local function components(self)
  put_webhook_parameters(self.parameters)
  return object(
    "schemas", schemas(self),
    "responses", response_components(self),
    "parameters", self.parameters,
    "headers", responses.headers(),
    "securitySchemes", security_schemes()
  )
end

---The document: tables that gitdev.describe.json_document writes.
---@return table
function openapi.document()
  local self = { successes = {}, refusals = {} }
  self.sent, self.answered = uses()
  self.request, self.answer = contexts(self.answered)
  self.parameters = shared_parameters(self.request)
  local described_paths = paths(self) -- before the components that it refers to
  return object(
    "openapi", "3.1.0",
    "info", object("title", ".git API", "version", limits.version, "description", DESCRIPTION),
    "servers", { object("url", SERVER) },
    "security", { object("secret_key", document.array()) },
    "tags", tags(),
    "paths", described_paths,
    "webhooks", webhooks(),
    "components", components(self)
  )
end

---The document as JSON.
---@return string
function openapi.text()
  return document.text(openapi.document())
end

return openapi

-- The OpenAPI 3.1 document of the API, made from the contract's tables. The same tables give the same text.
local document = require "gitdev.describe.json_document"
local json_schema = require "gitdev.describe.json_schema"
local limits = require "gitdev.api.limits"
local parameters = require "gitdev.describe.openapi.parameters"
local responses = require "gitdev.describe.responses"
local schema = require "gitdev.schema"
local schemas = require "gitdev.describe.openapi.schemas"
local webhooks = require "gitdev.describe.openapi.webhooks"
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

-- ---- operations ----

-- Of some fields exactly one is due.
local function alternatives(op)
  local list = {}
  for index, name in ipairs(op.one_of or {}) do
    list[index] = object("required", { name })
  end
  return list[1] and list
end

-- An action whose fields are all left out needs no body; one without fields takes an empty one.
local function request_body(self, op)
  local body
  if op.body then
    body = json_schema.fields(op.body, self.request)
    document.put(body, "oneOf", alternatives(op))
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

local function operation(self, op)
  local short, long = words.summary(op.doc)
  return object(
    "operationId", op.op,
    "tags", { op.op:match "^[%l_]+" },
    "summary", short,
    "description", long,
    "parameters", parameters.of(self, op),
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
  webhooks.put_parameters(self.parameters)
  return object(
    "schemas", schemas.components(self),
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
  self.sent, self.answered = schemas.uses()
  self.request, self.answer = schemas.contexts(self.answered)
  self.parameters = parameters.shared(self.request)
  local described_paths = paths(self) -- before the components that it refers to
  return object(
    "openapi", "3.1.0",
    "info", object("title", ".git API", "version", limits.version, "description", DESCRIPTION),
    "servers", { object("url", SERVER) },
    "security", { object("secret_key", document.array()) },
    "tags", tags(),
    "paths", described_paths,
    "webhooks", webhooks.all(),
    "components", components(self)
  )
end

---The document as JSON.
---@return string
function openapi.text()
  return document.text(openapi.document())
end

return openapi

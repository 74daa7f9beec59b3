-- The answers of operations as OpenAPI responses. Answers that are alike are one component: those that say yes are named after the object that
-- they hold, those that say no after their status and the codes that not every operation has.
local document = require "gitdev.describe.json_document"
local errors = require "gitdev.api.errors"
local json_schema = require "gitdev.describe.json_schema"
local limits = require "gitdev.api.limits"
local schema = require "gitdev.schema"

local responses = {}

local object = document.object

local function ref(kind, name)
  return object("$ref", "#/components/" .. kind .. "/" .. name)
end

-- ---- headers (contract 1.9) ----

local function header(doc, required, node)
  local made = json_schema.of(node, { request = false })
  return object("description", doc, "required", required or nil, "schema", made)
end

local STR, INT = { kind = "str" }, { kind = "int", min = 0 }

-- What may stand in an answer's head, in this order.
local HEADERS = {
  { "Date", "When the answer was sent. Read X-RateLimit-Reset and Retry-After against it.", true, STR },
  { "X-Request-Id", "The request's id; errors have it in their body as well.", true, { kind = "id", prefix = "req" } },
  { "X-Git-Version", "The version of the API that answered.", true, STR },
  { "X-RateLimit-Limit", "How many requests the full bucket holds.", false, INT },
  { "X-RateLimit-Remaining", "Requests left in the bucket after this one.", true, INT },
  { "X-RateLimit-Reset", "When the bucket is full again if nobody sends. Unix seconds.", true, INT },
  { "Retry-After", "How many seconds to wait before the next try.", false, INT },
  { "X-Should-Retry", "Whether to try again, whatever the status says.", false, { kind = "bool" } },
  { "Idempotent-Replayed", "True when this is the stored answer to an earlier request with the same Idempotency-Key.", false, { kind = "bool" } },
  { "WWW-Authenticate", "How to authenticate.", true, STR },
  { "Access-Control-Allow-Origin", "Browsers may read this answer.", false, { kind = "str", const = "*" } },
  { "Content-Length", "How many bytes follow.", false, INT },
  { "Accept-Ranges", "That ranges may be asked for.", true, { kind = "str", const = "bytes" } },
  { "Content-Range", "Which bytes follow, and how many there are in all.", true, STR },
  { "Content-Disposition", "The file's name.", true, STR },
  { "ETag", "The SHA-256 of the whole, in quotes.", true, STR },
}

---The headers as components.
---@return table
function responses.headers()
  local made = object()
  for _, row in ipairs(HEADERS) do
    document.put(made, row[1], header(row[2], row[3], row[4]))
  end
  return made
end

local GENERAL = { "Date", "X-Request-Id", "X-Git-Version" }
local RATE = { "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset" }

local function headers_of(...)
  local made = object()
  for _, list in ipairs { GENERAL, ... } do
    for _, name in ipairs(list) do
      document.put(made, name, ref("headers", name))
    end
  end
  return made
end

-- The rate limit where it is not always told: to those who are not known.
local function loosely(headers)
  for _, row in ipairs(HEADERS) do
    if row[1] == "X-RateLimit-Remaining" or row[1] == "X-RateLimit-Reset" then
      document.put(headers, row[1], header(row[2], false, row[4]))
    end
  end
  return headers
end

-- ---- errors (contract 1.8) ----

-- All codes that the API sends, by type.
local function api_types()
  local names = {}
  for _, group in ipairs(errors) do
    names[#names + 1] = group.origin ~= "client" and group.type or nil
  end
  return names
end

---The schema of the error envelope.
---@return table
function responses.error_schema()
  local fault = object(
    "type", "object",
    "properties", object(
      "param", object("type", { "string", "null" }),
      "code", object("type", "string"),
      "message", object("type", "string")
    ),
    "required", { "param", "code", "message" }
  )
  local inner = object(
    "type", object("type", "string", "enum", api_types(), "description", "The kind of error."),
    "code", object("type", "string", "description", "The error. More codes may come."),
    "message", object("type", "string", "description", "What is wrong, where, and what to do, in English."),
    "param", object("type", { "string", "null" }, "description", "The field or parameter at fault, such as `env.NODE_ENV`."),
    "request_id", object("type", "string", "pattern", "^req_[0-9a-z]{12}$", "description", "The request's id, for support."),
    "errors", object("type", "array", "items", fault, "description", "Every fault of a 422.")
  )
  return object(
    "type", "object",
    "description", "What every answer from 400 on holds.",
    "properties", object("error", object(
      "type", "object",
      "properties", inner,
      "required", { "type", "code", "message", "param", "request_id" }
    )),
    "required", { "error" }
  )
end

-- Status, the component's name, what it means.
local STATUSES = {
  { 400, "bad_request", "The request is malformed." },
  { 401, "unauthorized", "The key is missing, or does not authenticate." },
  { 403, "forbidden", "The key may not do this." },
  { 404, "not_found", "There is no such thing, or the key does not hold its project." },
  { 409, "conflict", "The present state does not allow it." },
  { 410, "gone", "It is no longer kept." },
  { 413, "payload_too_large", "The body is too large." },
  { 415, "unsupported_media_type", "The body is not application/json in UTF-8." },
  { 416, "range_not_satisfiable", "The range lies outside of the file." },
  { 422, "invalid", "The request is well-formed, but its values are not allowed." },
  { 426, "upgrade_required", "This path wants to be opened as a WebSocket." },
  { 429, "too_many_requests", "Too many requests." },
  { "5XX", "server_error", "The platform failed. Nothing was done." },
}

local place_of, STATUS_NAMES = {}, {}
for place, row in ipairs(STATUSES) do
  place_of[row[1]], STATUS_NAMES[row[1]] = place, row[2]
end

-- Whether a thing is named somewhere in these fields, which there may not be.
local function refers(fields)
  for _, node in ipairs(fields) do
    local inner = node.item or node.value or node
    if inner.kind == "ref" or inner.kind == "id" then
      return true
    end
  end
  return false
end

-- What every operation of some kind may say besides what its row names (contract 2): status, the variant's name, codes.
local function implied(op)
  local rows, writes = {}, op.method ~= "GET"
  local function add(status, variant, ...)
    rows[status] = { status = status, variant = variant, codes = { ... } }
  end
  if op.kind == "list" then
    add(400, "list", "parameter_unknown", "parameter_invalid", "cursor_invalid", "cursor_mismatch")
  elseif writes then
    add(400, "write", "invalid_json", "parameter_unknown", "parameter_invalid")
  else
    add(400, nil, "parameter_unknown", "parameter_invalid")
  end
  add(401, nil, "api_key_missing", "api_key_invalid", "api_key_expired", "api_key_revoked", not op.public and "public_key_not_allowed" or nil)
  if op.scope then
    add(403, nil, "insufficient_scope")
  end
  if op.path_params[1] then
    add(404, nil, "resource_missing")
  end
  if op.body then
    local missing = refers(op.body) and "resource_missing" or nil
    add(422, missing, "parameter_missing", "parameter_invalid", "parameter_unknown", "invalid_type", "idempotency_key_reused", missing)
  elseif writes then
    add(422, "empty", "parameter_unknown", "idempotency_key_reused")
  end
  if writes then
    add(409, nil, "idempotency_key_in_use")
    add(413, nil, "payload_too_large")
    add(415, nil, "unsupported_media_type")
  end
  add(429, nil, "rate_limited")
  add("5XX", nil, "internal_error", "bad_gateway", "unavailable", "timeout")
  return rows
end

local function has(list, value)
  for _, item in ipairs(list) do
    if item == value then
      return true
    end
  end
  return false
end

---The refusals that an operation may answer with, ordered by status: a list of { status (a number, or "5XX"), codes, name (of the component),
---public }.
---@param op table  a compiled operation
---@return table[]
function responses.refusals(op)
  local rows, list = implied(op), {}
  for _, row in ipairs(op.errors or {}) do
    local status, code = row[1], row[2]
    local made = rows[status] or { status = status, codes = {} }
    rows[status] = made
    if not has(made.codes, code) then
      made.codes[#made.codes + 1] = code
      made.more = (made.more or "") .. (STATUS_NAMES[status] ~= code and "." .. code or "")
    end
  end
  for _, known in ipairs(STATUSES) do
    local made = rows[known[1]]
    if made then
      made.public = op.public
      made.name = known[2] .. (made.variant and "." .. made.variant or "") .. (made.more or "") .. (op.public and ".public" or "")
      list[#list + 1], rows[known[1]] = made, nil
    end
  end
  local status = next(rows)
  assert(status == nil, op.op .. " has a status that describe/responses.lua does not know: " .. tostring(status))
  return list
end

local function types_of(codes)
  local list = {}
  for _, code in ipairs(codes) do
    local kind = schema.error(code).type
    if not has(list, kind) then
      list[#list + 1] = kind
    end
  end
  return list
end

-- "If the code is this, these fields are there."
local function condition(code, fields)
  return object(
    "if", object("properties", object("code", object("const", code))),
    "then", object("required", fields)
  )
end

-- What the envelope holds in this answer: of the codes one, with what they add.
local function error_of(status, codes)
  local properties = object("type", object("enum", types_of(codes)), "code", object("enum", codes))
  local conditions = {}
  for _, code in ipairs(codes) do
    local fields = schema.error(code).fields
    for _, node in ipairs(fields or {}) do
      document.put(properties, node.name, json_schema.field(node, { request = false }))
    end
    conditions[#conditions + 1] = fields and condition(code, fields.names)
  end
  local lists_faults = status == 422
  document.put(properties, "errors", lists_faults and object("type", "array", "minItems", 1) or nil)
  return object(
    "properties", properties,
    "required", lists_faults and { "errors" } or nil,
    "allOf", conditions[1] and conditions
  )
end

local function describe_codes(row)
  local known, lines = STATUSES[place_of[row.status]], {}
  for i, code in ipairs(row.codes) do
    local hint = schema.error(code).hint
    lines[i] = "- `" .. code .. "`" .. (hint and ": " .. hint or "")
  end
  return known[3] .. "\n\n" .. table.concat(lines, "\n")
end

local function headers_of_status(status)
  if status == 401 then
    return headers_of({ "WWW-Authenticate", "X-Should-Retry" })
  elseif status == 429 or status == "5XX" then
    return loosely(headers_of({ "X-RateLimit-Limit", "Retry-After", "X-Should-Retry" }))
  elseif status == 409 then
    return headers_of(RATE, { "Retry-After", "X-Should-Retry", "Idempotent-Replayed" })
  elseif status == 422 then
    return headers_of(RATE, { "X-Should-Retry", "Idempotent-Replayed" })
  end
  return headers_of(RATE, { "X-Should-Retry" })
end

-- Browsers may read the answers of public operations, those that say no as well.
local function refusal_headers(row)
  local headers = headers_of_status(row.status)
  if row.public then
    document.put(headers, "Access-Control-Allow-Origin", ref("headers", "Access-Control-Allow-Origin"))
  end
  return headers
end

---A refusal as a component.
---@param row table  of responses.refusals
---@return table
function responses.refusal(row)
  local body = object("allOf", {
    ref("schemas", "error"),
    object("properties", object("error", error_of(row.status, row.codes))),
  })
  return object(
    "description", describe_codes(row),
    "headers", refusal_headers(row),
    "content", object("application/json", object("schema", body))
  )
end

---Where a component of responses.refusals stands among the others: for sorting.
---@param row table
---@return integer
function responses.rank(row)
  return place_of[row.status]
end

-- ---- answers that say yes ----

---The schema of a page of things.
---@param name string  of their object
---@return table
function responses.list_schema(name)
  return object(
    "type", "object",
    "properties", object(
      "object", object("type", "string", "const", "list"),
      "data", object("type", "array", "items", ref("schemas", name)),
      "has_more", object("type", "boolean", "description", "Whether another page follows; only this ends a walk."),
      "next_cursor", object(
        "type", { "string", "null" },
        "maxLength", limits.cursor_chars,
        "description", "`cursor` of the next page; null at the end."
      )
    ),
    "required", { "object", "data", "has_more", "next_cursor" }
  )
end

-- A page, or a thing: of the fields that only some answers have, with those that this one has.
local function body_schema(op)
  local target = ref("schemas", op.returns .. (op.kind == "list" and "_list" or ""))
  return op.with and object("allOf", { target, object("required", op.with) }) or target
end

local function success_headers(op)
  return headers_of(
    RATE,
    op.method ~= "GET" and { "Idempotent-Replayed" } or {},
    op.public and { "Access-Control-Allow-Origin" } or {}
  )
end

-- Names say all in which answers differ, so that those of one name are the same.
local function success_name(op)
  local name = op.returns .. (op.kind == "list" and "_list" or "")
  if op.method ~= "GET" then
    name = name .. ".write"
  end
  return name .. (op.with and "." .. table.concat(op.with, ".") or "") .. (op.public and ".public" or "")
end

-- The component's name, its description, its headers, and whether bytes follow.
local DOWNLOAD = {
  [200] = { "download", "The whole file.", { "Content-Length", "Accept-Ranges", "Content-Disposition", "ETag" }, true },
  [206] = {
    "download.part",
    "The part of the file that was asked for.",
    { "Content-Length", "Accept-Ranges", "Content-Range", "Content-Disposition", "ETag" },
    true,
  },
  [304] = { "download.unchanged", "The file is the one that `If-None-Match` names.", { "ETag" } },
}

local function download(status)
  local row = DOWNLOAD[status]
  return row[1], object(
    "description", row[2],
    "headers", headers_of(RATE, row[3]),
    "content", row[4] and object("*/*", object())
  )
end

---The answer of an operation with one of its own statuses: the component's name and the component.
---@param op table  a compiled operation
---@param status integer
---@return string name
---@return table response
function responses.success(op, status)
  if op.kind == "download" then
    return download(status)
  elseif op.kind == "stream" then
    return "stream", object("description", "The connection is a WebSocket from here on; it speaks git.logs.v1.", "headers", headers_of())
  elseif not op.returns then
    return "done", object("description", "Done.", "headers", success_headers(op))
  end
  local doc = schema.object(op.returns).doc
  return success_name(op), object(
    "description", op.kind == "list" and "A page of a list. " .. doc or doc,
    "headers", success_headers(op),
    "content", object("application/json", object("schema", body_schema(op)))
  )
end

return responses

-- Ajv over what the emulator takes and answers: every body that the tours send and get, what each of their requests gets when it is spoiled,
-- and every event conforms to the OpenAPI document, and does not any more when a field is missing, null, unknown (in a request), or of another type.
local gitdev = require "gitdev"
local json = require "gitdev.json"
local openapi = require "gitdev.describe.openapi"
local schema = require "gitdev.schema"
local test = require "gitdev.test"
local tools = require "spec.contract.tools"
local tour = require "spec.lua.support.tour"

local document = openapi.document()

local function resolve(value)
  local kind, name = (value["$ref"] or ""):match "^#/components/(%l+)/(.+)$"
  return kind and document.components[kind][name] or value, name
end

-- The response that the document has for an answer, and its name; nil if it has none.
local function response_of(op, status)
  local path = document.paths[(op.path:gsub("%*}", "}"))]
  local declared = path[op.method:lower()].responses
  local found = declared[tostring(status)] or status >= 500 and declared["5XX"]
  if not found then return nil end
  return resolve(found)
end

-- ---- wrong values ----

-- Of another type than the field's; nil where none is.
local function wrong_value(field)
  if field.kind == "json" then return nil end
  local is_text = field.kind == "str" or field.kind == "id" or field.kind == "enum" and not field.integers
  return is_text and 7 or "x"
end

-- All ways to spoil an object's field.
local function spoil(list, at, field, due)
  local function put(value)
    list[#list + 1] = { at = at, name = field.name, value = value }
  end
  if due then put(nil) end
  if wrong_value(field) ~= nil then put(wrong_value(field)) end
  if field.kind == "enum" then put(field.integers and 999 or "no_such_word") end
  if field.kind == "id" then put "nope_000000000000" end
  if field.const ~= nil then put "another" end
  if not field.nullable and field.kind ~= "json" then put(json.null) end
end

local function contains(list, value)
  for _, item in ipairs(list or {}) do
    if item == value then return true end
  end
  return false
end

-- The ways to spoil a thing that stands at a path in the body.
local function spoiled(fields, at, with)
  local list = {}
  for _, field in ipairs(fields) do
    local always = not (field.optional or field.private)
    if always or contains(with, field.name) then spoil(list, at, field, true) end
  end
  return list
end

-- The four of the page are all that is sure to be in this event (contract 4.2).
local PAGE = { "project", "status", "url", "duration_ms" }

local function spoiled_event(event)
  local list, at = {}, json.array { "data" }
  for _, field in ipairs(event.fields) do
    spoil(list, at, field, event.type ~= "deployment.completed" or contains(PAGE, field.name))
  end
  for _, name in ipairs { "id", "type", "timestamp", "data" } do
    list[#list + 1] = { at = json.array {}, name = name }
  end
  return list
end

-- ---- what is collected ----

local lines, faults, spoiled_once, deliveries = {}, {}, {}, 0

local function add(pointer, body, wrong)
  local text = assert(json.encode(json.array(wrong or {})))
  lines[#lines + 1] = ('{"schema":"%s","wrong":%s,"value":%s}'):format(pointer, text, body)
end

local function fault(...)
  faults[#faults + 1] = table.concat({ ... }, " ")
end

-- Those that are due are there, those that are there are known.
local function look_at_headers(op, answer, declared)
  if answer.headers["x-git-version"] ~= document.info.version then fault(op.op, "is answered by another version") end
  local known = { ["content-type"] = true }
  for name, reference in pairs(declared or {}) do
    known[name:lower()] = true
    if resolve(reference).required and not answer.headers[name:lower()] then
      fault(op.op, answer.status, "has no header", name)
    end
  end
  for name in pairs(answer.headers) do
    if not known[name] then fault(op.op, answer.status, "has a header that is not in the document:", name) end
  end
end

-- What to spoil in the body of an answer, each kind of thing once.
local function spoil_answer(op, body)
  local mark = op.op
  local value = json.decode(body)
  if spoiled_once[mark] or op.kind == "list" and not value.data[1] then return nil end
  spoiled_once[mark] = true
  local at = op.kind == "list" and json.array { "data", 0 } or json.array {}
  return spoiled(schema.object(op.returns).fields, at, op.with)
end

local UNKNOWN_FIELD = { { at = json.array {}, name = "no_such_field", value = 1 } }

-- A request that was accepted.
local function note_request(op, request)
  local path = op.path:gsub("%*}", "}"):gsub("/", "~1"):gsub("{", "%%7B"):gsub("}", "%%7D")
  if op.method ~= "GET" and (request.body or "") ~= "" then
    add("#/paths/" .. path .. "/" .. op.method:lower() .. "/requestBody/content/application~1json/schema", request.body, UNKNOWN_FIELD)
  end
end

local function note(op, answer)
  local response, name = response_of(op, answer.status)
  if not response then return fault(op.op, "answers", answer.status, "which is not in the document:", tostring(answer.body)) end
  look_at_headers(op, answer, response.headers)
  if response.content and response.content["application/json"] then
    local is_success = answer.status < 400
    local pointer = "#/components/responses/" .. name .. "/content/application~1json/schema"
    add(pointer, answer.body, is_success and spoil_answer(op, answer.body))
  elseif not response.content and (answer.body or "") ~= "" then
    fault(op.op, answer.status, "has a body that is not in the document")
  end
end

-- ---- spoiled requests ----

-- How a good request is made a bad one: { body, headers, query }. None of these gets as far as being carried out.
local SPOILED = {
  { headers = { authorization = false } },
  { headers = { authorization = "Bearer gsk_test_unknown" } },
  { query = "no_such_parameter=1" },
  { query = "%ff" },
  { query = "limit=0", list = true },
  { query = "cursor=%20", list = true },
  { body = "{", writes = true },
  { body = "[]", writes = true },
  { body = '{"no_such_field":1}', writes = true },
  { body = "a=b", headers = { ["content-type"] = "text/plain" }, writes = true },
  { headers = { ["idempotency-key"] = "two words" }, writes = true },
}

local function spoiled_request(request, change)
  local headers = {}
  for name, value in pairs(request.headers) do
    headers[name] = value
  end
  headers["idempotency-key"] = nil
  if change.body then headers["content-type"] = "application/json" end
  for name, value in pairs(change.headers or {}) do
    headers[name] = value or nil
  end
  local mark = request.target:find("?", 1, true) and "&" or "?"
  return {
    method = request.method,
    target = request.target .. (change.query and mark .. change.query or ""),
    headers = headers,
    body = change.body or request.body,
    peer = request.peer,
  }
end

local probed = {}

-- Sends a request again in all the ways in which it is bad.
local function probe(send, op, request)
  probed[op.op] = true
  for _, change in ipairs(SPOILED) do
    if not (change.list and op.kind ~= "list" or change.writes and op.method == "GET") then
      local status = send(spoiled_request(request, change))
      if status < 400 then fault(op.op, "answers", status, "to a bad request") end
    end
  end
end

-- ---- the tours ----

local function note_event(kind, body)
  add("#/components/schemas/event." .. kind, body, not spoiled_once[kind] and spoiled_event(schema.event(kind)))
  spoiled_once[kind] = true
end

-- The heads of what was sent to webhooks; whole numbers count as such.
local function note_delivery(sent)
  local post = document.webhooks[sent.headers["X-Git-Event"]].post
  for _, reference in ipairs(post.parameters) do
    local header, name = resolve(reference)
    local value = sent.headers[header.name]
    if not value then
      fault("a delivery has no header", header.name)
    elseif name then
      local is_number = header.schema.type == "integer" and value:find "^%d+$"
      add("#/components/parameters/" .. name .. "/schema", is_number and value or json.quote(value))
    elseif value ~= header.schema.const then
      fault(header.name, "is", value)
    end
  end
  deliveries = deliveries + 1
end

local function walk(name)
  local world = test.world { seed = 1, rate_limit = false }
  local probing = false
  tour.watch(world.emulator, function(op, answer, request)
    note(op, answer)
    if answer.status < 300 then note_request(op, request) end
    if answer.status < 400 and not probed[op.op] and not probing then
      probing = true
      probe(function(bad)
        return world.emulator:handle(bad).status
      end, op, request)
      probing = false
    end
  end, note_event)
  world:run(function()
    tour.load(name)(gitdev.client { progress = "off", max_retries = 0 }, tour.control(world.emulator))
  end)
  for _, sent in ipairs(world.emulator:sent()) do
    note_delivery(sent)
  end
end

-- Ajv's verdict on a list of lines: what failed, as texts, and the sums.
local function validate(list)
  local on_one_line = openapi.text():gsub("\n", "")
  local _, out, err = tools.node("validate.mjs", on_one_line .. "\n" .. table.concat(list, "\n") .. "\n")
  local found = {}
  for line in out:gmatch "[^\n]+" do
    found[#found + 1] = line
  end
  local sums = json.decode(table.remove(found) or "null")
  return found, assert(type(sums) == "table" and sums.checked and sums, err)
end

describe("Ajv", function()
  setup(function()
    for _, name in ipairs(tour.names()) do
      walk(name)
    end
  end)

  it("finds every body and event of the tours valid, and no spoiled one", function()
    local found, sums = validate(lines)
    assert.same({}, found)
    assert.equal(#lines, sums.checked)
    assert.is_true(sums.refused > 10 * #schema.objects())
  end)

  it("saw the statuses and headers that the document has", function()
    assert.same({}, faults)
    assert.is_true(deliveries > 0)
  end)

  it("saw every operation, something of every kind that is answered, and every event", function()
    local missing = {}
    for _, name in ipairs(tour.operations()) do
      local op = schema.operation(name)
      if not probed[name] or op.returns and not spoiled_once[name] then missing[#missing + 1] = name end
    end
    for _, kind in ipairs(schema.events()) do
      missing[#missing + 1] = not spoiled_once[kind] and kind or nil
    end
    assert.same({}, missing)
  end)

  it("takes the page's sample of an event", function()
    lines = {}
    add("#/components/schemas/event.deployment.completed", '{"id":"evt_8x9y7z6w5v4u","type":"deployment.completed","timestamp":1718942301,'
      .. '"data":{"project":"my-app","status":"live","url":"https://my-app.git.dev","duration_ms":2400}}')
    assert.same({}, (validate(lines)))
  end)

  it("takes what a later version adds", function()
    local world = test.world { seed = 1 }
    local headers = { authorization = "Bearer " .. world.emulator.api_key }
    local answer = world.emulator:handle { method = "GET", target = "/v2/organization", headers = headers }
    lines = {}
    add("#/components/schemas/organization", '{"brand_new":{"a":1},' .. answer.body:sub(2))
    assert.same({}, (validate(lines)))
  end)
end)

-- The webhooks of an OpenAPI document (contract 4.1): what is delivered for each event.
local document = require "gitdev.describe.json_document"
local schema = require "gitdev.schema"
local words = require "gitdev.describe.words"

local webhooks = {}

local object = document.object

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

--- Puts what comes with every delivery among the parameters.
function webhooks.put_parameters(made)
  for _, row in ipairs(WEBHOOK_HEADERS) do
    document.put(made, row[1], webhook_header(row[2], row[3], row[4]))
  end
end

local function webhook(event)
  local short, long = words.summary(event.doc)
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

--- All of them, by event type.
function webhooks.all()
  local made = object()
  for _, kind in ipairs(schema.events()) do
    document.put(made, kind, webhook(schema.event(kind)))
  end
  return made
end

return webhooks

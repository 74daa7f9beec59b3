-- A delivery as it comes in over HTTP (contract 4.1): what it must be, and how it is answered. Who sends is told no more than it needs.
local core = require "gitdev.core"
local json = require "gitdev.json"

local request = {}

-- By reason: the status, the error's type and its message. Of a signature the reason is that of contract 4.4.
local REFUSALS = {
  malformed_header = { 401, "signature_error", "The signature's header is missing or malformed." },
  no_match = { 401, "signature_error", "The signature is not that of this body." },
  timestamp_outside_tolerance = { 401, "signature_error", "The signature is too old, or of the future." },
  bad_payload = { 400, "signature_error", "The body is no event." },
  resource_missing = { 404, "invalid_request_error", "Nothing is received at this path." },
  method_not_allowed = { 405, "invalid_request_error", "Deliveries are sent with POST." },
  payload_too_large = { 413, "invalid_request_error", "The body is larger than 64 KiB." },
  internal_error = { 500, "api_error", "The event was not handled." },
  queue_full = { 503, "api_error", "Too many events wait already." },
  claimed = { 503, "api_error", "The event is being handled elsewhere." },
  timeout = { 503, "api_error", "The event was not handled in time." },
  unavailable = { 503, "api_error", "The event cannot be taken now." },
}

-- Larger than any event (contract 4.1); more than this the listener does not read.
request.BODY_MAX = 64 * 1024

-- After so many seconds a sender may come again; it lengthens its next pause, and never shortens it (contract 3.4).
local AGAIN = { queue_full = "5", claimed = "5", timeout = "5", unavailable = "30" }

---Answers and closes an exchange. A peer that is gone is no error.
---@param exchange userdata
---@param status integer  204 or 202
function request.accept(exchange, status)
  exchange:answer(status, { "Date", core.date(core.time()) }, "")
  exchange:close()
end

---What a refusal is answered with.
---@param reason string
---@return integer status
---@return string[] fields  { name, value, … }
---@return string body
function request.refusal(reason)
  local row = REFUSALS[reason] or REFUSALS.internal_error
  local code = REFUSALS[reason] and reason or "internal_error"
  local fields = { "Content-Type", "application/json; charset=utf-8" }
  local function add(name, value)
    fields[#fields + 1], fields[#fields + 2] = name, value
  end
  if AGAIN[code] then
    add("Retry-After", AGAIN[code])
  end
  if code == "method_not_allowed" then
    add("Allow", "POST")
  end
  return row[1], fields, ('{"error":{"type":"%s","code":"%s","message":%s}}'):format(row[2], code, json.quote(row[3]))
end

---Answers with a refusal, and closes the exchange.
---@param exchange userdata
---@param reason string
function request.refuse(exchange, reason)
  local status, fields, body = request.refusal(reason)
  fields[#fields + 1], fields[#fields + 2] = "Date", core.date(core.time())
  exchange:answer(status, fields, body)
  exchange:close()
end

-- The path of a target, in its absolute form too (RFC 9112 3.2.2).
local function path_of(target)
  target = target:match "^[Hh][Tt][Tt][Pp][Ss]?://[^/?]*(.*)$" or target
  local path = target:match "^[^?]*"
  return path == "" and "/" or path
end

---What a delivery brings, if its signature is right, by the one function that verifies. Of the content type nothing is asked: the signature is of the
---bytes.
---@param verify fun(body: string, headers: table): table|nil, gitdev.Error|nil
---@param headers table  by their names in lower case
---@param body string
---@return table|nil event
---@return table|string delivery  { id, attempt, received_at, body }, or why it is refused
function request.open(verify, headers, body)
  if #body > request.BODY_MAX then
    return nil, "payload_too_large"
  end
  local event, err = verify(body, headers)
  if not event then
    return nil, err.reason
  elseif event.id == "" or event.id:find "%z" then
    return nil, "bad_payload"
  end
  local function header(name)
    return type(headers[name]) == "string" and headers[name] or nil -- of several none counts
  end
  return event, {
    id = header "x-git-delivery",
    attempt = tonumber((header "x-git-attempt" or ""):match "^%d%d?%d?$"),
    received_at = math.floor(core.time()),
    body = body,
  }
end

---Reads a delivery: HTTP first, then the signature.
---@param exchange userdata
---@param receiver table  path, verify
---@return table|nil event
---@return table|string delivery  or why it is refused
function request.read(exchange, receiver)
  local method, target, headers, body = exchange:request()
  if receiver.path and path_of(target) ~= receiver.path then
    return nil, "resource_missing"
  elseif method ~= "POST" then
    return nil, "method_not_allowed"
  end
  return request.open(receiver.verify, headers, body)
end

return request

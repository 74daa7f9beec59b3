--- What is sent to a webhook (contract 4.1, 4.4, 8).
local core = require "gitdev.core"

local USER_AGENT = "Git-Webhooks/2.4"
local SECRET_CHARS, HINT_CHARS = 32, 4

local webhook_request = {}

--- A new secret, and its hint.
function webhook_request.new_secret(random)
  local secret = "whsec_" .. random:token(SECRET_CHARS)
  return secret, secret:sub(-HINT_CHARS)
end

-- The secrets that sign now: during a rotation the one before signs too.
local function secrets_of(webhook, now_ms)
  local private = webhook.private
  local previous = private.previous
  return { private.secret, previous and previous.expires_ms > now_ms and previous.secret or nil }
end

-- X-Git-Signature: t=…,v1=…[,v1=…].
local function git_signature(secrets, seconds, body)
  local text
  for _, secret in ipairs(secrets) do
    local header = core.sign(secret, seconds, body)
    text = text and text .. header:match ",v1=%x+$" or header
  end
  return text
end

-- webhook-signature of Standard Webhooks 1.0: v1,… v1,….
local function standard_signature(secrets, id, seconds, body)
  local parts = {}
  for index, secret in ipairs(secrets) do
    parts[index] = core.sign(secret, seconds, body, "standard", id)
  end
  return table.concat(parts, " ")
end

--- The headers of an attempt, flat: { "Name", "value", … }.
function webhook_request.headers(webhook, delivery, now_ms)
  local secrets, seconds, body = secrets_of(webhook, now_ms), math.floor(now_ms / 1000), delivery.private.body
  return {
    "Content-Type", "application/json; charset=utf-8",
    "User-Agent", USER_AGENT,
    "X-Git-Event", delivery.event_type,
    "X-Git-Delivery", delivery.id,
    "X-Git-Attempt", ("%d"):format(delivery.attempt_count),
    "X-Git-Signature", git_signature(secrets, seconds, body),
    "webhook-id", delivery.event_id,
    "webhook-timestamp", ("%d"):format(seconds),
    "webhook-signature", standard_signature(secrets, delivery.event_id, seconds, body),
  }
end

--- The same as a map.
function webhook_request.map(headers)
  local map = {}
  for index = 1, #headers, 2 do
    map[headers[index]] = headers[index + 1]
  end
  return map
end

--- The same as a map for the record, in which nobody shall find a signature.
function webhook_request.masked(headers)
  local map = webhook_request.map(headers)
  map["X-Git-Signature"] = map["X-Git-Signature"]:gsub("v1=%x+", "v1=***")
  map["webhook-signature"] = map["webhook-signature"]:gsub("v1,[^ ]+", "v1,***")
  return map
end

return webhook_request

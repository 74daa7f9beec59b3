--- Sending an event to a receiver, as the platform does (contract 4.1): the same headers, signed, one attempt.
local core = require "gitdev.core"
local limits = require "gitdev.api.limits"
local loop = require "gitdev.loop"
local task = require "gitdev.task"

local SECRET_DIGITS = 32
-- What the secret is derived from besides the key: another purpose would have another text.
local PURPOSE = "gitdev webhooks: the secret for events that the command line sends"

local delivery = {}

--- The secret that events are signed with: the one given, else GIT_WEBHOOK_SECRET, else one that follows from the API key, the same in each run and
-- of no use for learning the key. Nil and a sentence when there is none of the three.
function delivery.secret(given)
  local secret, key = given or os.getenv "GIT_WEBHOOK_SECRET", os.getenv "GIT_API_KEY"
  if secret and secret ~= "" then
    return secret
  elseif not key or key == "" then
    return nil, "there is no secret to sign with: pass --secret, or set GIT_WEBHOOK_SECRET or GIT_API_KEY"
  end
  local hex = core.mac(key, PURPOSE):gsub(".", function(byte)
    return ("%02x"):format(byte:byte())
  end)
  return "whsec_" .. hex:sub(1, SECRET_DIGITS)
end

-- The whole url of what people type: a port alone, or with a path, is this machine's; without a scheme it is http.
local function complete(text)
  local scheme, rest = text:match "^(%a[%w+.-]*)(://.*)$"
  if scheme then
    return scheme:lower() .. rest
  end
  local port, path = text:match "^:?(%d+)(.*)$"
  if port and not path:find "^[^/?#]" then
    return "http://localhost:" .. port .. path
  end
  return "http://" .. text
end

-- A host of digits alone is a port that was meant for one.
local function is_authority(text)
  if text:find "^%d+$" or text:find "^%d+:" then
    return false
  end
  local port = text:match "^%[[%x:.]+%]:?(%d*)$" or text:match "^[^:%[%]]+:?(%d*)$"
  return port ~= nil and (port == "" or #port <= 5 and tonumber(port) >= 1 and tonumber(port) <= 65535)
end

--- What may be shown of a secret: a few characters of one that has many.
function delivery.hint(secret)
  return #secret >= SECRET_DIGITS and "whsec_…" .. secret:sub(-4) or "a secret of yours"
end

--- A receiver's address as it is typed: "localhost:3000/hooks" is http, "3000" and ":3000/hooks" are this machine. Nil and a sentence when it is
-- none; a sentence never has the credentials that somebody put into one.
function delivery.url(text)
  local url = complete(text)
  local authority = url:match "^https?://([^/?#]+)"
  if authority and authority:find("@", 1, true) then
    return nil, "the address must not hold credentials: what is sent is signed, verify that instead"
  elseif not authority or not is_authority(authority) or url:find "[^\33-\126]" then
    local shown = text:find("@", 1, true) and "this" or ("'%s'"):format(text)
    return nil, shown .. " is no address: write one such as http://localhost:3000/hooks"
  end
  return url
end

-- What is wrong with a file of certificates; nil when nothing is.
local function fault_of_certificates(path)
  local file, problem = io.open(path, "rb")
  local text
  if file then
    text, problem = file:read "*a"
    file:close()
  end
  if not text then
    return ("--ca-file: %s"):format(problem)
  end
  return not text:find("-----BEGIN ", 1, true) and ("--ca-file: %s holds no certificates in PEM"):format(path) or nil
end

--- Where events are to be sent: the url as it was typed, with the settings `secret` and `ca_file` of a command. Nil and a sentence when it cannot be.
function delivery.target(text, settings)
  local url, problem = delivery.url(text)
  local secret
  problem = problem or settings.ca_file and fault_of_certificates(settings.ca_file)
  if not problem then
    secret, problem = delivery.secret(settings.secret)
  end
  if problem then
    return nil, problem
  end
  return { url = url, secret = secret, ca_file = settings.ca_file }
end

-- Flat: { "Name", "value", … }. A secret that is no key of Standard Webhooks has no signature of that kind.
local function headers_of(event, secret, number)
  local webhooks, now = require("gitdev.safe").webhooks, math.floor(core.time())
  local signature, err = webhooks.sign(event.body, secret, { now = now })
  if not signature then
    error(err, 0)
  end
  local headers = {
    "Content-Type", "application/json; charset=utf-8",
    "User-Agent", ("Git-Webhooks/%s"):format(limits.version:match "^%d+%.%d+"),
    "X-Git-Event", event.type,
    "X-Git-Delivery", event.delivery,
    "X-Git-Attempt", ("%d"):format(number),
    "X-Git-Signature", signature,
  }
  local standard = webhooks.sign(event.body, secret, { now = now, scheme = "standard", id = event.id })
  for _, name in ipairs(standard and { "webhook-id", "webhook-timestamp", "webhook-signature" } or {}) do
    headers[#headers + 1] = name
    headers[#headers + 1] = standard[name]
  end
  return headers
end

-- Waits, in a task, until a request has been answered.
local function post(request)
  local me, answer = loop.current(), nil
  local sent, problem = loop.post(request, function(result)
    answer = result
    task.wake(me)
  end)
  if not sent then
    return { error = "refused", problem = problem, seconds = 0 }
  end
  while not answer do
    task.park(me, loop.unpost, sent)
  end
  return answer
end

--- Sends an event: id, type and body; it gets `delivery`, an id, at its first attempt. `target`: url, secret, ca_file. `number`: of the attempt,
-- from 1. In a task. Returns the answer: status, headers (flat), body; error and problem; seconds.
function delivery.send(target, event, number)
  event.delivery = event.delivery or "dlv_" .. core.random_id(12)
  return post {
    url = target.url,
    headers = headers_of(event, target.secret, number),
    body = event.body,
    timeout = limits.webhook.timeout,
    ca_file = target.ca_file,
    loopback = true,
    private = true,
  }
end

--- Whether an answer accepts the event.
function delivery.is_accepted(answer)
  return answer.status ~= nil and answer.status >= 200 and answer.status < 300
end

--- A header of an answer, or nil.
function delivery.header(answer, wanted)
  for index = 1, #(answer.headers or {}), 2 do
    if answer.headers[index]:lower() == wanted then
      return answer.headers[index + 1]
    end
  end
  return nil
end

--- An answer in a few words: "204 in 12 ms", "refused in 0 ms (why)".
function delivery.describe(answer)
  local text = ("%s in %d ms"):format(answer.status or answer.error, math.floor(answer.seconds * 1000 + 0.5))
  return answer.error and ("%s (%s)"):format(text, answer.problem) or text
end

--- The line that people see: when, what, which, how it went.
function delivery.line(event, text)
  return ("%s  %-24s %s  %s\n"):format(os.date "%H:%M:%S", event.type, event.id, text)
end

return delivery

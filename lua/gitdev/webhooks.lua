-- Webhook signatures (contract 4.4 and 8): verifying what was delivered, and signing. The C policy decides; here its arguments are gathered,
-- and what was verified becomes an event. There is one way in: no other function verifies, with other defaults.
local core = require "gitdev.core"
local errors = require "gitdev.error"
local json = require "gitdev.json"
local nearest = require "gitdev.nearest"
local options_of = require "gitdev.options"

local webhooks = {}

local VARIABLE = "GIT_WEBHOOK_SECRET"
local TOLERANCE = 300 -- seconds
local SECRETS_MAX = 8
local TIMESTAMP_MAX = 999999999999

-- The headers that schemes read, in lower case, and what their signatures look like.
local HEADERS = { git = "x-git-signature", standard = "webhook-signature", body = "x-git-signature" }
local FORMS = {
  git = '"t=<Unix seconds>,v1=<64 hex digits>"',
  standard = '"v1,<base64>", beside a webhook-id and a webhook-timestamp',
  body = '"sha256=<64 hex digits>"',
}

-- gitdev.VerifyOptions and gitdev.SignOptions: see gitdev.describe.classes.
local VERIFY_OPTIONS = { tolerance = "tolerance", now = "clock", scheme = "scheme" }
local SIGN_OPTIONS = { now = "clock", scheme = "scheme", id = "string" }
local NONE = {}

-- ---- events ----

local event_methods = {}
local event_meta = { __index = event_methods, __name = "gitdev.event" }

---Whether the event's type is the one named, or of the family ("deployment.*"), or "*".
function event_methods.is(event, wanted)
  if type(event) ~= "table" or type(wanted) ~= "string" then
    errors.misuse { message = 'event:is takes a type: event:is "deployment.completed", or a family of them: event:is "deployment.*".' }
  end
  local family = wanted:match "^(.*)%*$"
  return wanted == event.type or family == "" or family ~= nil and family:sub(-1) == "." and event.type:sub(1, #family) == family
end

-- Methods win over fields of their names: gitdev.raw() has those.
local function hide_fields(event)
  return require("gitdev.object").hide(event, { __index = event_methods, __tostring = event_meta.__tostring, hidden = {} })
end

function event_meta.__tostring(event)
  local text = tostring(event.type) .. " " .. tostring(event.id)
  return (text:gsub("%c", " ")) -- for terminals and logs
end

-- ---- arguments ----

local function wrong_type(param, message)
  errors.misuse { code = "invalid_type", param = param, message = message }
end

local NO_SECRET = "there is no secret: pass it, or set the environment variable " .. VARIABLE .. "."
  .. (_G.ngx and " nginx hands its own environment on to workers only where its configuration says so: env " .. VARIABLE .. ";" or "")

local function check_list(list)
  local count, problem = 0, nil
  for _ in pairs(list) do
    count = count + 1
    if type(list[count]) ~= "string" then
      wrong_type("secret", "secret must be a string or a list of strings without holes.")
    end
    problem = list[count] == "" and "one of the secrets is empty." or problem
  end
  if count > SECRETS_MAX then
    errors.misuse { code = "parameter_invalid", param = "secret", message = "there may be 8 secrets at most." }
  end
  return list, count == 0 and NO_SECRET or problem
end

-- The secrets as the C policy takes them, one or a list, and what is wrong with them by rule 1. Without any, that of the environment.
local function check_secrets(secret)
  if type(secret) == "table" then
    return check_list(secret)
  elseif secret ~= nil and type(secret) ~= "string" then
    wrong_type("secret", "secret must be a string or a list of strings, got a " .. type(secret) .. ".")
  end
  secret = secret or os.getenv(VARIABLE) or ""
  return secret, secret == "" and NO_SECRET or nil
end

local function check_options(options, known, name)
  if type(options) ~= "table" then
    wrong_type("options", "options of " .. name .. " must be a table, got a " .. type(options) .. ".")
  elseif getmetatable(options) ~= nil then
    wrong_type("options", "options of " .. name .. " must be a table without a metatable: what that adds would be passed over.")
  end
  options_of.check(options, known, name)
end

-- A parsed body, written again, is not what was signed.
local function check_body(body)
  if type(body) ~= "string" then
    errors.misuse {
      type = "signature_error",
      reason = "bad_payload",
      code = "invalid_type",
      param = "raw_body",
      message = "bad_payload: raw_body must be the body as it came, a string, got " .. (body == nil and "nil" or "a " .. type(body)) .. ".",
    }
  end
end

-- Unix seconds of a clock that was given: a number, or a function that returns one.
local function seconds_of(now)
  if type(now) == "function" then
    now = now()
  end
  if type(now) ~= "number" or not (now > -1e15 and now < 1e15) then
    wrong_type("now", "now must be Unix seconds, or a function that returns them.")
  end
  return now
end

-- The value of one header in a table of them, whatever the case of its name. One that comes twice is no value: nothing says which counts.
local function header_of(headers, wanted)
  local found
  for name, value in pairs(headers) do
    if type(name) ~= "string" then
      wrong_type("header", "header must be the header's value, or a table of headers by their names.")
    elseif name:lower() == wanted then
      if type(value) == "table" and #value == 1 then
        value = value[1]
      end
      if found ~= nil or type(value) ~= "string" then
        return ""
      end
      found = value
    end
  end
  return found
end

-- What the scheme reads: the signature, and of Standard Webhooks the id and the timestamp.
local function read_headers(headers, scheme)
  local signature = header_of(headers, HEADERS[scheme])
  if scheme ~= "standard" then
    return signature
  end
  return signature, header_of(headers, "webhook-id"), header_of(headers, "webhook-timestamp")
end

-- Raises what is wrong with the options of verify.
local function check_verify_options(options)
  check_options(options, VERIFY_OPTIONS, "gitdev.webhooks.verify")
  if options.scheme == "body" and options.tolerance then
    local text = 'scheme "body" signs no time: there is none to hold a tolerance against, and whoever has seen a delivery can repeat it.'
    errors.misuse { code = "parameter_invalid", param = "tolerance", message = text }
  end
  seconds_of(options.now or 0)
end

-- ---- errors ----

local explain = {}

function explain.no_secret(_, scheme)
  return 'a secret is no key of scheme "' .. scheme .. '", which takes whsec_ and the base64 of 24 to 64 bytes.'
end

function explain.malformed_header(call, scheme)
  local name = HEADERS[scheme]
  if call.signature == nil then
    return "there is no " .. name .. " header."
  end
  return "the " .. name .. " header is not of the form " .. FORMS[scheme] .. ", or comes twice."
end

function explain.no_match()
  return "no signature in the header is that of this body under the secret: the secret is another, or the body is not, byte for byte, what came."
end

function explain.timestamp_outside_tolerance(call, _, options)
  local at, now = tonumber(call.timestamp or ("," .. call.signature):match ",[ \t]*t=(%d+)"), seconds_of(options.now or core.time())
  local tolerance = options.tolerance or TOLERANCE
  return ("it was signed %.0f s from now, and %.0f s are tolerated, before and after."):format(math.abs(now - at), tolerance)
end

function explain.internal()
  return "OpenSSL failed to compute the signature."
end

local function refuse(reason, message)
  return nil, errors.new { type = "signature_error", reason = reason, message = reason .. ": " .. message }
end

-- ---- verifying and signing ----

-- Why it was refused; raises what is the program's own mistake.
local function refusal(reason, problem, call)
  local options = type(call.options) == "table" and call.options or NONE
  local _, missing = check_secrets(call.secret)
  if missing then
    return refuse("no_secret", missing)
  end
  check_body(call.body)
  if options.scheme == "standard" and type(call.header) == "string" then
    wrong_type("header", 'scheme "standard" reads three headers: pass the table of all of them.')
  elseif reason == "arguments" then
    check_verify_options(call.options == nil and NONE or call.options)
    wrong_type("header", "header must be a string, or the table of all headers, got a " .. type(call.header) .. ".")
  end
  return refuse(reason, problem and "the body is signed, but " .. problem .. "." or explain[reason](call, options.scheme or "git", options))
end

local event_of = core.event

-- The options and all rules are C's; what it refuses is looked at again only to say why.
local function verify(raw_body, header, secret, options)
  local signature, id, stamp = header, nil, nil
  if secret == nil then
    secret = os.getenv(VARIABLE)
  end
  if type(header) == "table" then
    signature, id, stamp = read_headers(header, type(options) == "table" and options.scheme or "git")
  end
  local event, reason, problem = event_of(event_meta, raw_body, signature, secret, options, id, stamp)
  if not event then
    local call = { body = raw_body, header = header, signature = signature, timestamp = stamp, secret = secret, options = options }
    return refusal(reason, problem, call)
  elseif rawget(event, "is") ~= nil then
    return hide_fields(event)
  end
  return event
end

-- The id that Standard Webhooks sign: the one given, or the event's own.
local function message_id(given, body)
  local event = given == nil and json.read(body)
  local id = given or type(event) == "table" and event.id
  if type(id) ~= "string" or #id > 256 or id:find "^[!-~]+$" == nil or id:find(".", 1, true) then
    local text = "id must be 1 to 256 visible characters without a full stop; it is the body's own by default."
    errors.misuse { code = "parameter_invalid", param = "id", message = text }
  end
  return id
end

-- The signatures of one body by all secrets, as the scheme writes several.
local function join(headers, scheme)
  local text = headers[1]
  for i = 2, #headers do
    text = text .. (scheme == "git" and headers[i]:match ",v1=%x+$" or " " .. headers[i])
  end
  return text
end

local function signing_time(now)
  local seconds = math.floor(now ~= nil and seconds_of(now) or core.time())
  if seconds < 0 or seconds > TIMESTAMP_MAX then
    errors.misuse { code = "parameter_invalid", param = "now", message = "now must have 1 to 12 digits." }
  end
  return seconds
end

local function sign(body, secret, options)
  options = options == nil and NONE or options
  check_options(options, SIGN_OPTIONS, "gitdev.webhooks.sign")
  local scheme, seconds = options.scheme or "git", signing_time(options.now)
  local secrets, missing = check_secrets(secret)
  if missing then
    return refuse("no_secret", missing)
  end
  check_body(body)
  secrets = type(secrets) == "string" and { secrets } or secrets
  if scheme == "body" and #secrets > 1 then
    errors.misuse { code = "parameter_invalid", param = "secret", message = 'scheme "body" has room for one signature: pass one secret.' }
  end
  local id, headers = scheme == "standard" and message_id(options.id, body) or nil, {}
  for i, one in ipairs(secrets) do
    headers[i] = core.sign(one, seconds, body, scheme, id)
    if not headers[i] then
      return refuse("no_secret", explain.no_secret(nil, scheme))
    end
  end
  if scheme == "standard" then
    return { ["webhook-id"] = id, ["webhook-timestamp"] = ("%d"):format(seconds), ["webhook-signature"] = join(headers, scheme) }
  end
  return join(headers, scheme)
end

local function unknown(names)
  return function(_, key)
    if type(key) == "string" and key:sub(1, 1) ~= "_" then
      errors.misuse { message = "gitdev.webhooks has no " .. key .. nearest.hint(key, names) }
    end
  end
end

---What gitdev.webhooks is, in one of the two styles: what each function takes and returns is said in gitdev.describe.classes.
---@param finish fun(value: any, err: gitdev.Error|nil): any  raises the error, or returns both
---@return table
function webhooks.new(finish)
  local surface = {}
  function surface.verify(raw_body, header, secret, options)
    return finish(verify(raw_body, header, secret, options))
  end
  function surface.sign(body, secret, options)
    return finish(sign(body, secret, options))
  end
  function surface.serve(options)
    return finish(require("gitdev.webhooks.receiver").serve(options))
  end
  surface.nginx = webhooks.nginx
  return setmetatable(surface, { __index = unknown { "nginx", "serve", "sign", "verify" } })
end

---Takes the delivery that the present request of nginx is. The same in both styles.
---@param options gitdev.NginxReceiverOptions
function webhooks.nginx(options)
  return require("gitdev.webhooks.nginx").receive(options)
end

return webhooks

-- One connection that speaks git.logs.v1 (contract 2.5): it is opened, its messages are taken one at a time, pings are answered, silence is
-- noticed, and its end is judged. What several connections make together, a log that is followed to its end, is gitdev.logs.
local errors = require "gitdev.error"
local json = require "gitdev.json"

local read = json.read

local stream = {}

local PROTOCOL = "git.logs.v1"

-- Seconds: until hello says how often something comes (contract 1.12, the idle timeout of streams); where it does not say; and at most.
local FIRST_PATIENCE, USUAL_HEARTBEAT, LONGEST_HEARTBEAT = 30, 15, 3600
-- Heartbeats without a message after which the connection is dead (contract 2.5).
local MISSED = 2.5

-- What the close codes mean: an error of the API where it has one for it, and the end of a sentence. With `again` the stream may be taken up on
-- another connection (contract 2.5).
local CLOSES = {
  [1001] = { again = true, type = "connection_error", code = "connection_lost", text = "the server is leaving" },
  [1002] = { type = "response_error", code = "malformed_message", text = "what came breaks the WebSocket protocol" },
  [1006] = { again = true, type = "connection_error", code = "connection_lost", text = "the connection broke off" },
  [1007] = { type = "response_error", code = "malformed_message", text = "what came is not UTF-8" },
  [1009] = { type = "response_error", code = "malformed_message", text = "a message was larger than 128 KiB" },
  [1011] = { again = true, type = "api_error", code = "internal_error", text = "the server failed" },
  [1012] = { again = true, type = "api_error", code = "unavailable", text = "the server restarts" },
  [4400] = { type = "response_error", code = "bad_message", text = "the server could not read what was sent to it" },
  [4401] = { type = "authentication_error", code = "api_key_revoked", status = 401, text = "the key was revoked, or has expired" },
  [4403] = { type = "permission_error", code = "insufficient_scope", status = 403, text = "the key may no longer read logs" },
  [4404] = { type = "invalid_request_error", code = "resource_missing", status = 404, text = "what the log is of was deleted" },
  [4408] = { again = true, type = "connection_error", code = "connection_lost", text = "the server missed an answer to its ping" },
  [4410] = { type = "invalid_request_error", code = "logs_expired", status = 410, text = "the place to go on from is no longer kept" },
  [4429] = { again = true, type = "rate_limit_error", code = "stream_limit", status = 429, text = "too many streams are open" },
}
local UNKNOWN_CLOSE = { type = "response_error", code = "unexpected_close", text = "the API never closes a stream so" }

local methods = {}
local class = { __index = methods, __name = "gitdev.connection" }

-- ---- its end ----

local function failure(self, known, message, close_code)
  return errors.new {
    type = known.type,
    code = known.code,
    status = known.status,
    message = "the stream " .. self.path .. " " .. message,
    retryable = known.again,
    request_id = self.request_id,
    close_code = close_code,
  }
end

local function closed_error(self, code, reason)
  local known = CLOSES[code] or UNKNOWN_CLOSE
  local quoted = reason and reason ~= "" and ' ("' .. reason:gsub("%c", " ") .. '")' or ""
  return failure(self, known, "was closed with " .. code .. quoted .. ": " .. known.text .. ".", code), known
end

-- The error that a closed connection ends with. The server's own words, if it had any, are better than the code's; whether the stream may be
-- taken up is the code's to say, unless the code is one that anything on the way can cause.
local function judge(self, code, reason)
  local err, known = closed_error(self, code, reason)
  local told = self.told
  if told then
    told.retryable = known.again ~= nil and (told.retryable or code >= 4000)
    told.close_code = code
    return told
  end
  return err
end

local MALFORMED = { type = "response_error", code = "malformed_message" }

---Ends the connection because of what came over it.
---@param what string  the end of a sentence
---@return gitdev.Error
function methods:refuse(what)
  self.socket:close(4400)
  return failure(self, MALFORMED, "sent a message that " .. what .. ".")
end

local SILENT = { again = true, type = "connection_error", code = "connection_silent" }

---Ends the connection because nothing has come for too long.
---@return gitdev.Error
function methods:silent()
  self.socket:close(1000)
  return self.told or failure(self, SILENT, ("was silent for %g seconds."):format(self.patience))
end

---Closes it. Idempotent.
function methods:close()
  self.socket:close(1000)
end

-- ---- messages ----

local TAKEN = {}

function TAKEN.hello(self, message)
  local heartbeat = tonumber(message.heartbeat_ms)
  heartbeat = heartbeat and heartbeat > 0 and heartbeat / 1000 or USUAL_HEARTBEAT
  self.patience = MISSED * math.min(heartbeat, LONGEST_HEARTBEAT)
  return message
end

function TAKEN.status(_, message)
  return message
end

TAKEN.gap = TAKEN.status

-- A server that pings is well, though there is nothing to tell.
function TAKEN.ping(self, message)
  local id = message.id
  self.pinged = true
  self.socket:send(json.encode { type = "pong", id = (type(id) == "string" or type(id) == "number") and id or nil })
  return false
end

-- The close code that follows says what to make of it.
function TAKEN.error(self, message)
  self.told = errors.of_message(message.error)
  return false
end

TAKEN["end"] = function(self, message)
  self.socket:close(1000)
  return message
end

local function take(self, message)
  local kind = message.type
  local taken = TAKEN[kind]
  if taken then
    return taken(self, message)
  elseif type(kind) ~= "string" then
    return nil, self:refuse "has no type"
  end
  return false -- what a later version of the API tells
end

-- No message came.
local function without_message(self, why, code, reason)
  if why == "timeout" then
    return nil, why
  elseif why == "binary" then
    return nil, self:refuse "is binary"
  end
  self.socket:close(1000)
  if code == 1000 and not self.told then
    return nil, "end"
  end
  return nil, judge(self, code, reason)
end

---Waits for the next message: yields in a task, blocks elsewhere.
---@param seconds number  at most so long
---@return table|false|nil message  log, status, gap, hello or end; false: one came that is dealt with already
---@return gitdev.Error|"timeout"|"end"|nil why  the connection is over: the error's `retryable` says whether to take the stream up on another.
---  "end": closed with 1000, though no end was told
function methods:receive(seconds)
  local text, why, code, reason = self.socket:receive(seconds)
  if not text then
    return without_message(self, why, code, reason)
  end
  local message, is_object = read(text)
  if is_object ~= true or message == nil then
    return nil, self:refuse "is no JSON object"
  elseif message.type == "log" then
    return message
  end
  return take(self, message)
end

-- ---- opening ----

local function no_websockets()
  return nil, errors.new {
    type = "config_error",
    code = "no_websockets",
    message = "the client's driver opens no WebSockets: read the log with logs.list.",
  }
end

---Opens a connection. Whoever closes the client closes it.
---@param client table
---@param target string  path and query, escaped
---@param o table        checked options of a call; its timeout bounds the opening alone
---@return table|nil connection  `patience`: the seconds of silence after which it is dead; `pinged`
---@return gitdev.Error|nil
function stream.open(client, target, o)
  local open = client.driver.open
  if not open then
    return no_websockets()
  end
  local headers = o.traceparent and require("gitdev.traceparent").add(o.headers, o.traceparent) or o.headers
  local call, problem = client.core:call("GET", target, nil, nil, headers, o.timeout, o.max_retries, nil, { upgrade = PROTOCOL })
  if not call then
    errors.misuse { code = "parameter_invalid", message = target:match "^[^?]*" .. ": " .. problem }
  end
  local socket = open(call)
  local status, failed = call:result()
  if not status then
    return nil, errors.of_call(failed, call)
  end
  local self = setmetatable({
    socket = socket,
    patience = FIRST_PATIENCE,
    path = target:match "^[^?]*",
    request_id = call:header "x-request-id",
  }, class)
  client.connections = client.connections or setmetatable({}, { __mode = "k" })
  client.connections[self] = true
  return self
end

return stream

-- The log of a client's calls on stderr, a line for each moment: GITDEV_LOG, or the client's option `log`. No secret gets into it, wherever
-- it may stand, and no text from outside can end a line or move the cursor.
local core = require "gitdev.core"
local loop = require "gitdev.loop"
local progress = require "gitdev.progress"

local log = {}

-- ---- lines ----

local function hex(text)
  return (text:gsub(".", function(byte)
    return string.format("\\x%02x", byte:byte())
  end))
end

---Shows what a terminal would obey, or take for the end of a line: control characters (those of ISO 6429 above ASCII too), Unicode's line ends
---and its turns of direction, and bytes that are no UTF-8.
---@param text string
---@return string
function log.escape(text)
  text = text:gsub("%c", hex)
  if not core.utf8(text) then
    return (text:gsub("[\128-\255]", hex))
  end
  return (text:gsub("\194[\128-\159]", hex):gsub("\226\128[\142\143\168-\174]", hex):gsub("\226\129[\166-\169]", hex))
end

local function quoted(value)
  local text = tostring(value)
  if text ~= "" and not text:find '[%s"\\=]' then
    return text
  end
  return '"' .. text:gsub('[\\"]', "\\%0") .. '"'
end

-- name=value for each pair of arguments whose value is not nil.
local function fields(...)
  local parts = {}
  for i = 1, select("#", ...), 2 do
    local name, value = select(i, ...)
    if value ~= nil then
      parts[#parts + 1] = " " .. name .. "=" .. quoted(value)
    end
  end
  return table.concat(parts)
end

local function seconds(number)
  return number and string.format("%.3f", number)
end

-- A moment of the clock that calls are made by, as the wall's time.
local function time_of(self, at)
  local ms = math.floor((loop.time() - (self.clock() - at)) * 1000 + 0.5)
  return os.date("!%Y-%m-%dT%H:%M:%S", math.floor(ms / 1000)) .. string.format(".%03dZ", ms % 1000)
end

local function write(self, at, text)
  progress.print(core.redact(log.escape("gitdev " .. time_of(self, at) .. " " .. text)))
end

local function write_of_call(self, at, record, word, text)
  write(self, at, string.format("#%d %s %s %s", record.number, word, record.method, record.path) .. text)
end

-- ---- what is told of a call ----

local debug_of = {}

function debug_of.on_request(self, m, record)
  write_of_call(self, m.at, record, "send", fields("try", m.attempt, "idempotency_key", m.idempotency_key, "traceparent", m.traceparent))
end

-- What a try's time was spent on.
local function timings(row)
  local text = ""
  for _, part in ipairs { "dns", "connect", "tls", "first_byte" } do
    text = text .. fields(part, seconds(row[part]))
  end
  return text
end

function debug_of.on_response(self, m, record)
  local text = fields("try", m.attempt, "status", m.status, "seconds", seconds(m.seconds), "verdict", m.verdict)
  text = text .. fields("reason", m.reason ~= "done" and m.reason or nil, "request", m.request_id)
  write_of_call(self, m.at, record, "answer", text .. timings(m))
end

local info_of = {}

function info_of.on_retry(self, m, record)
  local text = fields("after", m.attempt, "wait", seconds(m.wait), "reason", m.reason, "status", m.status, "request", m.request_id)
  write_of_call(self, m.at, record, "retry", text)
end

function info_of.on_wait(self, m, record)
  write_of_call(self, m.at, record, "wait", fields("wait", seconds(m.wait), "reason", m.reason))
end

function info_of.on_end(self, record, call)
  local attempts, at = call:attempts(), record.ended or self.clock()
  local last = attempts[#attempts] or {}
  local word = record.canceled and "canceled" or last.verdict == "ok" and "done" or "failed"
  local text = fields("status", last.status, "seconds", seconds(at - record.began), "tries", record.tries, "request", last.request_id)
  write_of_call(self, at, record, word, text)
end

-- ---- the log of a client ----

-- What the program is told of a call: each error once, whichever way it takes.
local function hear(self, err)
  if err == nil or self.heard[err] then
    return
  end
  self.heard[err] = true
  local id, text = err.request_id, err.message
  local all = fields("type", err.type, "code", err.code, "status", err.status, "param", err.param, "request", id, "message", text)
  write(self, self.clock(), "error" .. all)
end

-- A stream has broken off and will be taken up again, which the program is not told.
local function tell_of_resume(self, err, wait)
  local all = fields("wait", seconds(wait), "code", err.code, "close_code", err.close_code, "request", err.request_id, "message", err.message)
  write(self, self.clock(), "resume" .. all)
end

local CONFIGURATION = { "base_url", "ca_file", "timeout", "try_timeout", "connect_timeout", "max_retries" }

local function write_configuration(self, made)
  local configured = made:configuration()
  local text = fields("key", made:key_hint())
  for _, option in ipairs(CONFIGURATION) do
    text = text .. fields(option, configured[option])
  end
  write(self, self.clock(), "client" .. text)
end

---A client's log.
---@param level "info"|"debug"
---@param clock fun(): number  the time that the client's calls are made by
---@return { observer: table, hear: function, resumes: function, configured: function, note: function }
---  observer: see gitdev.hooks; hear(value, err) passes on what a call has come to, and writes the error; resumes(err, seconds) writes why a
---  stream is taken up again so much later; configured(client) writes what the C client is configured with, at the level debug;
---  note(word, name, value …) writes anything else
function log.new(level, clock)
  local self, observer = { level = level, clock = clock, heard = setmetatable({}, { __mode = "k" }) }, {}
  for _, methods in ipairs { info_of, level == "debug" and debug_of or {} } do
    for name, method in pairs(methods) do
      observer[name] = function(...)
        method(self, ...)
      end
    end
  end
  local function heard(value, err)
    hear(self, err)
    return value, err
  end
  local function configured(...)
    if level == "debug" then
      write_configuration(self, ...)
    end
  end
  local function resumes(...)
    tell_of_resume(self, ...)
  end
  local function note(word, ...)
    write(self, self.clock(), word .. fields(...))
  end
  return { observer = observer, hear = heard, resumes = resumes, configured = configured, note = note }
end

return log

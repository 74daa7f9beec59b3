--- A client whose log streams are scripted: what comes over each connection, and what is asked besides. Time is virtual.
local fake = require "spec.lua.support.fake"
local json = require "gitdev.json"

local scripted = {}

local socket_methods = {}
local socket_class = { __index = socket_methods }

-- Lets a silence pass, as far as the reader waits. Whether its time is over.
local function keep_silent(self, step, seconds)
  local left = step and step.after or math.huge
  assert(left < math.huge or seconds, "waits for ever")
  local passes = math.min(left, seconds or left)
  self.seen.now = self.seen.now + passes
  self.waited[#self.waited + 1] = passes
  if step then
    step.after = left - passes
    self.at = step.after <= 0 and self.at + 1 or self.at
  end
  return passes == seconds
end

function socket_methods:receive(seconds)
  if self.closed then
    return nil, "closed", 1006, ""
  end
  local step = self.script[self.at]
  while type(step) == "function" or step == nil or type(step) == "table" and step.after do
    if type(step) == "function" then
      self.at = self.at + 1
      step(self)
    elseif keep_silent(self, step, seconds) then
      return nil, "timeout"
    end
    step = self.script[self.at]
  end
  self.at = self.at + 1
  if type(step) == "string" then
    return step
  elseif step.close then
    return nil, "closed", step.close, step.reason or ""
  elseif step.binary then
    return nil, "binary"
  end
  return assert(json.encode(step))
end

function socket_methods:send(text)
  if self.closed then
    return nil, "closed"
  end
  self.sent[#self.sent + 1] = text
  return true
end

function socket_methods:close(code)
  self.closed = self.closed or code or 1000
end

--- A client. `scripts`: what comes over each connection, in order: tables are messages, strings are texts as they are, { after = seconds } is
-- silence, { close = code, reason = … }, { binary = true }; functions are called with the socket. A table with `refused` is an answer that opens
-- none. After its end a script is silent. `answers(call, seen)`: those of other calls. Returns git, seen, sockets.
function scripted.client(scripts, answers, options, module)
  local sockets, given = {}, { progress = "off" }
  for name, value in pairs(options or {}) do
    given[name] = value
  end
  function given.open(call, seen)
    local script = assert(scripts[#sockets + 1], "no connection more was expected: " .. call.path)
    local socket = script.refused or setmetatable({ script = script, at = 1, sent = {}, waited = {}, seen = seen }, socket_class)
    sockets[#sockets + 1] = socket
    socket.path, socket.timeout, socket.opened_at = call.path, call.timeout, seen.now
    socket.max_retries, socket.upgrade, socket.headers_sent = call.max_retries, call.upgrade, call.extra_headers
    return socket
  end
  local git, seen = fake.client(answers or function(call)
    error("nothing else was to be asked: " .. call.path)
  end, given, module)
  return git, seen, sockets
end

local function with(message, more)
  for name, value in pairs(more or {}) do
    message[name] = value
  end
  return message
end

function scripted.hello(more)
  local hello = { type = "hello", protocol = "git.logs.v1", resource = "dep_1", status = "building", cursor = "c0", heartbeat_ms = 15000 }
  return with(hello, more)
end

--- The line with that number, whose cursor is "c" and the number.
function scripted.log(seq, more)
  local line = { type = "log", cursor = "c" .. seq, seq = seq, time_ms = 1718942298000 + seq, stage = "build", stream = "stdout" }
  line.level, line.message, line.truncated = "info", "line " .. seq, false
  return with(line, more)
end

--- The same as logs.list has it.
function scripted.line(seq, more)
  local line = scripted.log(seq, more)
  line.type, line.object = nil, "log_line"
  return line
end

function scripted.status(status, cursor)
  return { type = "status", cursor = cursor, status = status, time_ms = 1718942299000 }
end

function scripted.gap(from, to, reason)
  return { type = "gap", cursor = "c" .. to, from_seq = from, to_seq = to, reason = reason or "slow_consumer" }
end

function scripted.finish(status)
  return { type = "end", cursor = "cend", status = status or "live" }
end

function scripted.page(lines, next_cursor)
  return { object = "list", data = json.array(lines), has_more = next_cursor ~= nil, next_cursor = next_cursor }
end

--- What make() says of each number, in order: scripted.log, scripted.line.
function scripted.each(make, first, last)
  local list = {}
  for seq = first, last do
    list[#list + 1] = make(seq)
  end
  return list
end

--- All that comes out of a stream until its end, each as brief() has it, and the error that ended it, if one did.
function scripted.all(stream, brief)
  local list = {}
  local ok, err = pcall(function()
    for one in stream do
      list[#list + 1] = brief(one)
    end
  end)
  return list, not ok and err or nil
end

--- An answer that something other than the API gives.
scripted.FOREIGN = { type = "api_error", code = "", message = "a proxy", status = 502, retryable = true }

return scripted

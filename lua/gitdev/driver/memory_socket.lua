-- A client's end of a WebSocket to an emulator in this Lua state: messages take half a latency each way, and wait in a window as they would
-- in the buffers of a connection. Its other end is a stream of the emulator (gitdev.emulator.deployments.log_stream). It has the methods of
-- gitdev.net's sockets, and like them is read until there is nothing, and then waited for.
local core = require "gitdev.core"
local limits = require "gitdev.api.limits"
local schedule = require "gitdev.schedule"

-- Bytes on the way and not read yet: from here on the sender waits, until half of it is read.
local WINDOW = 65536
-- The codes for what a client does not take.
local NORMAL, BROKEN_OFF, PROTOCOL_ERROR, NO_TEXT, TOO_LARGE = 1000, 1006, 1002, 1007, 1009

local socket = {}
socket.__index = socket

-- ---- from the emulator to the client ----

local arrive

local function expect(self)
  local next_one = self.items[self.arrived + 1]
  if next_one and not self.arrival then
    self.arrival = self.engine.timers:at(next_one.at, arrive, self)
  end
end

-- All that is due at this moment is there at once.
function arrive(self)
  self.arrival = nil
  local now, items = self.engine.now(), self.items
  while items[self.arrived + 1] and items[self.arrived + 1].at <= now do
    self.arrived = self.arrived + 1
  end
  expect(self)
  self.engine:tell(self)
end

local function push(self, item)
  if self.no_more then
    return
  end
  item.at = self.engine.now() + self.engine.latency / 2
  self.last = self.last + 1
  self.items[self.last] = item
  expect(self)
end

local function push_end(self, code, reason)
  push(self, { code = code, reason = reason or "" })
  self.no_more = true
end

-- What the codec of a real client would make of a message that breaks the protocol.
local function fault_of(text)
  if #text > limits.stream_message_bytes then
    return TOO_LARGE, "the message is too large"
  elseif not core.utf8(text) then
    return NO_TEXT, "the message is not UTF-8"
  end
  return nil
end

local function peer_of(self)
  return {
    send = function(text)
      self.bytes = self.bytes + #text
      push(self, { text = text })
      self.is_full = self.bytes >= WINDOW
      return not self.is_full
    end,
    send_binary = function()
      push(self, { binary = true })
    end,
    send_raw = function()
      push_end(self, PROTOCOL_ERROR, "the frame is not one of RFC 6455")
    end,
    close = function(code, reason)
      push_end(self, code, reason)
    end,
    abort = function()
      push_end(self, BROKEN_OFF, "the connection was closed")
    end,
  }
end

-- ---- from the client to the emulator ----

local function deliver(mail)
  local self = mail.socket
  self.stream[mail.method](self.stream, mail.text)
  self.engine:rouse()
end

local function post(self, method, text)
  local engine = self.engine
  engine.timers:at(engine.now() + engine.latency / 2, deliver, { socket = self, method = method, text = text })
end

-- ---- what a client does with it ----

local function close_with(self, code, reason)
  self.code, self.reason, self.no_more = code, reason, true
  schedule.cancel(nil, self.arrival)
  self.items, self.first, self.arrived = {}, 1, 0
  post(self, "closed")
  self.engine:forget_socket(self)
  return nil, "closed", code, reason
end

---The next message that has come.
---@return string|nil text
---@return string|nil problem  "binary" or "closed"; nil: there is none yet
---@return integer|nil code    why it is closed
---@return string|nil reason
function socket:read()
  if self.code then
    return nil, "closed", self.code, self.reason
  elseif self.arrived < self.first then
    return nil
  end
  local item = self.items[self.first]
  self.items[self.first] = nil
  self.first = self.first + 1
  if item.binary then
    return nil, "binary"
  elseif item.code then
    return close_with(self, item.code, item.reason)
  end
  self.bytes = self.bytes - #item.text
  if self.is_full and self.bytes <= WINDOW / 2 then
    self.is_full = false
    post(self, "writable")
  end
  local code, problem = fault_of(item.text)
  if code then
    return close_with(self, code, problem)
  end
  return item.text
end

---Sends a text message, without waiting.
---@return boolean|nil ok
---@return string|nil problem  "closed"
function socket:send(text)
  if self.code then
    return nil, "closed"
  end
  post(self, "receive", text)
  return true
end

---Closes it, at once.
---@param code integer|nil  1000
function socket:close(code)
  if not self.code then
    close_with(self, code or NORMAL, "")
    self.engine:tell(self)
  end
end

---Cuts the connection.
function socket:abort()
  self:close(BROKEN_OFF)
end

---Bytes that wait to be sent: none, ever.
function socket.unsent()
  return 0
end

---Whether it is closed, and nothing is left to read.
function socket:done()
  return self.code ~= nil
end

-- ---- making ----

local memory_socket = {}

---Opens the client's end of a stream.
---@param engine table  the memory driver's: now, timers, latency, tell(socket), rouse(), forget_socket(socket)
---@param stream table  the emulator's stream, not attached yet
---@return table socket
function memory_socket.open(engine, stream)
  local self = setmetatable({
    engine = engine,
    stream = stream,
    items = {}, -- in order: { at, text | binary | code, reason }
    first = 1, -- the first that is not read
    arrived = 0, -- the last that is there
    last = 0, -- the last that is on the way
    bytes = 0,
  }, socket)
  stream:attach(peer_of(self))
  return self
end

return memory_socket

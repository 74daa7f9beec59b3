-- A WebSocket as drivers give it to whoever speaks over it, here over one of gitdev.net's.
local loop = require "gitdev.loop"

local socket = {}

local methods = {}
local class = { __index = methods, __name = "gitdev.socket" }

--- Makes one of a socket of gitdev.net, which is its own from then on.
function socket.of(handle)
  return setmetatable({ handle = handle, closed = nil }, class)
end

---Waits up to `seconds` (nil: without end) for a message: yields in a task, blocks elsewhere. A cancellation raises as in every wait, and
---leaves the socket usable: its owner closes it.
---@param seconds number|nil
---@return string|nil text
---@return "timeout"|"binary"|"closed"|nil what  when there is no text. "binary": a message that is none; "closed": there will be no more
---@return integer|nil code   when closed: the peer's code (1005: it gave none), 1006 when the connection broke off, 1002, 1007 or 1009 when the
---peer broke the protocol; after close(), its own
---@return string|nil reason  when closed: the peer's, or what went wrong
function methods:receive(seconds)
  local handle, due, now = self.handle, nil, nil
  while not self.closed do
    local text, what, code, reason = handle:read()
    if text then
      return text
    elseif what then
      return nil, what, code, reason
    elseif due and now >= due then
      return nil, "timeout"
    end
    due = due or seconds and loop.now() + seconds
    loop.await_socket(handle, due)
    now = due and loop.now()
  end
  return nil, "closed", self.closed, ""
end

---Queues a text message. Never waits: see unsent().
---@param text string
---@return true|nil
---@return "closed"|nil
function methods:send(text)
  return self.handle:send(text)
end

---Says goodbye, and waits for no answer. What has come and was not received is dropped.
---@param code integer|nil  1000 when nil
function methods:close(code)
  if not self.closed then
    self.closed = code or 1000
    self.handle:close(self.closed)
  end
end

---Bytes that wait to be sent.
---@return integer
function methods:unsent()
  return self.handle:unsent()
end

return socket

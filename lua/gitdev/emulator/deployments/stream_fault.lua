--- What a fault does to a stream that was opened (see docs/emulator.md): once, when the line that it waits for has been sent.
local limits = require "gitdev.api.limits"

local BINARY = 2
local FINAL = 128

local stream_fault = {}
stream_fault.__index = stream_fault

--- `spec`: the fault's `stream`.
function stream_fault.new(spec)
  return setmetatable({ spec = spec, lines = 0, recent = {} }, stream_fault)
end

--- Whether it is to strike now, `at` being the number of the last line that was dealt with.
function stream_fault:is_due(at)
  local spec = self.spec
  return not self.struck and (not spec.seq or at >= spec.seq) and (not spec.lines or self.lines >= spec.lines)
end

--- A line was sent.
function stream_fault:sent(line)
  self.lines = self.lines + 1
  local recent = self.recent
  recent[#recent + 1] = line
  if #recent > (self.spec.duplicate or 0) then
    table.remove(recent, 1)
  end
end

-- A text that is a message of the protocol, and larger than any may be.
local function oversized(bytes)
  local head, tail = '{"type":"log","message":"', '"}'
  return head .. ("x"):rep(math.max(bytes, limits.stream_message_bytes + 1) - #head - #tail) .. tail
end

local ACTIONS = {
  { "duplicate", function(self, stream)
    for _, line in ipairs(self.recent) do
      stream:send(stream:message(line))
    end
  end },
  { "gap", function(_, stream, count)
    local last = math.min(stream.at + count, stream.channel.count)
    if last > stream.at then
      stream:gap(last, "slow_consumer")
    end
  end },
  { "text", function(_, stream, text)
    stream:send(text)
  end },
  { "oversize", function(_, stream, bytes)
    stream:send(oversized(bytes))
  end },
  { "opcode", function(_, stream, opcode)
    if opcode == BINARY then
      stream.peer.send_binary "binary"
    else
      stream.peer.send_raw(string.char(FINAL + opcode, 0))
    end
  end },
  { "raw", function(_, stream, bytes)
    stream.peer.send_raw(bytes)
  end },
  { "stall", function(_, stream)
    stream:stall()
  end },
  { "close", function(self, stream, code)
    stream:finish(code, self.spec.reason)
  end },
  { "drop", function(_, stream)
    stream:abort()
  end },
}

--- Strikes: does all that it says, in the order of the table above.
function stream_fault:strike(stream)
  self.struck = true
  for _, action in ipairs(ACTIONS) do
    local value = self.spec[action[1]]
    if value and not stream.over then
      action[2](self, stream, value)
    end
  end
end

return stream_fault

-- The messages of a log's stream, as the protocol has them (contract 2.5): in the order of seq, each once.
local connections = require "gitdev.logs.connections"

local messages = {}

function messages.is_count(value)
  return type(value) == "number" and value >= 1 and value % 1 == 0
end

-- Whether a message has a cursor, and what it numbers is what the contract says; else the error.
local function check(self, message)
  if type(message.cursor) ~= "string" then
    return nil, self.connection:refuse "has no cursor"
  end
  return true
end

local function check_numbered(self, message, first, last)
  if not (messages.is_count(first) and messages.is_count(last) and first <= last) then
    return nil, self.connection:refuse "has no seq, or one that is no whole number from 1"
  end
  return check(self, message)
end

local TAKEN = {}
messages.taken = TAKEN

-- Each takes a message: it, false when it is nothing new, nil and the error when it is none. `due` is the seq after the last line, if there was
-- one: what is below has come already (contract 2.5).
function TAKEN.log(self, message)
  local seq, due = message.seq, self.due
  local ok, err = check_numbered(self, message, seq, seq)
  if not ok then
    return nil, err
  elseif due and seq < due then
    return false
  end
  self.due, self.cursor = seq + 1, message.cursor
  return message
end

-- A gap, less what has come of it.
function messages.new_gap(self, message)
  local first, last, due = message.from_seq, message.to_seq, self.due
  local ok, err = check_numbered(self, message, first, last)
  if not ok then
    return nil, err
  elseif due and last < due then
    return false
  end
  message.from_seq = due and due > first and due or first
  return message
end

function TAKEN.gap(self, message)
  local gap, err = messages.new_gap(self, message)
  if gap then
    self.due, self.cursor = gap.to_seq + 1, gap.cursor
  end
  return gap, err
end

function TAKEN.status(self, message)
  local ok, err = check(self, message)
  if not ok then
    return nil, err
  elseif message.cursor == self.status_cursor and message.status == self.status then
    return false
  end
  self.cursor, self.status_cursor, self.status = message.cursor, message.cursor, message.status
  return message
end

-- Where it begins is before its first line: from there it can be taken up before one has come.
function TAKEN.hello(self, message)
  self.cursor = self.cursor or type(message.cursor) == "string" and message.cursor or nil
  self.begun_at = self.begun_at or self.cursor
  self.status = message.status
  return message
end

TAKEN["end"] = function(self, message)
  self.status, self.ended = message.status or self.status, true
  return message
end

-- Messages as the protocol has them.
function messages.next(self)
  while not self.ended do
    local message, err = connections.receive(self)
    if message then
      message, err = TAKEN[message.type](self, message)
    end
    if message ~= false then
      return message, err
    end
  end
  return nil
end

return messages

-- The lines of a log, without the rest of what its stream says. Lines that the server has skipped are read with logs.list and given in place; of
-- those that nobody has any more it is told.
local connections = require "gitdev.logs.connections"
local messages = require "gitdev.logs.messages"
local missing = require "gitdev.logs.missing"
local pages = require "gitdev.logs.pages"

local lines = {}

local TAKEN = messages.taken

-- ---- gaps ----

-- Lines that did not come are missing; but with filters only when it is known that some are gone.
local function is_incomplete(self)
  local gap = self.gap
  return gap.due <= gap.to and (not self.sparse or gap.gone or gap.reason == "expired" and not gap.found)
end

local function close_gap(self)
  local gap, note = self.gap, false
  self.due, self.cursor = gap.to + 1, gap.cursor or self.cursor
  if is_incomplete(self) then
    local from = gap.due
    gap.due = gap.to + 1
    note = missing.tell(self, from, gap.to, gap.cursor, gap.reason)
  end
  self.gap = nil
  self.steady = not self.held and not self.deadline and self.connection or nil
  return note
end

-- A line out of a page of the gap.
local function take_of_gap(self, line)
  local gap = self.gap
  if line.seq < gap.due then
    gap.at = gap.at + 1
    return false
  elseif line.seq > gap.due and not self.sparse then
    local from = gap.due
    gap.due = line.seq
    return missing.tell(self, from, line.seq - 1, gap.cursor, gap.reason)
  end
  gap.at, gap.due, gap.found = gap.at + 1, line.seq + 1, true
  self.due, self.cursor = line.seq + 1, line.cursor
  return line
end

-- What a page that cannot be had means: the lines are gone, or the call may pass another time, or not.
local function without_page(self, err)
  if self.over then -- another task has closed it meanwhile
    return nil, self.failure
  elseif not self.gap then -- another task has closed the gap
    return false
  elseif err.status == 410 or err.code == "cursor_invalid" or err.code == "cursor_mismatch" then
    self.gap.gone = true
    return close_gap(self)
  elseif not err.retryable or err.type == "timeout_error" and err.code == "stream_timeout" then
    return nil, err
  end
  if self.connection then
    self.connection:close()
  end
  local ok, last = connections.outlast(self, err)
  if not ok then
    return nil, last
  end
  return false
end

-- The next line of the gap; false: look again.
local function next_of_gap(self)
  local gap = self.gap
  local line = gap.page and gap.page.data[gap.at]
  if line and line.seq <= gap.to then
    return take_of_gap(self, line)
  elseif gap.due > gap.to or gap.page and (line or not gap.page.has_more) then
    return close_gap(self)
  end
  local limit = self.sparse and pages.MAX or math.min(pages.MAX, gap.to - gap.due + 1)
  local got, err = pages.fetch(self, { limit = limit }, gap.page and gap.page.next_cursor or gap.after)
  if not got then
    return without_page(self, err)
  end
  gap.page, gap.at = got, 1
  return false
end

-- ---- lines ----

local FOR_LINES = {}

-- Lines that are missing without a word are asked for as those of a gap are; the line after them is held until they have come.
local function open_gap(self, from, to, reason, cursor)
  if self.cursor ~= nil and type(self.cursor) ~= "string" then
    return nil, self.connection:refuse "has no cursor"
  end
  self.steady = nil
  self.gap = { to = to, due = from, after = self.cursor, reason = reason, cursor = cursor }
  return false
end

function FOR_LINES.log(self, message)
  local due, seq = self.due, message.seq
  if due and not self.sparse and messages.is_count(seq) and seq > due then
    self.held = message
    return open_gap(self, due, seq - 1, "not sent")
  end
  local line, err = TAKEN.log(self, message)
  if line then
    line.type, line.object = nil, "log_line"
  end
  return line, err
end

function FOR_LINES.gap(self, message)
  local gap, err = messages.new_gap(self, message)
  if not gap then
    return gap, err
  end
  local reason = type(gap.reason) == "string" and gap.reason:gsub("%c", " ") or "unknown"
  return open_gap(self, gap.from_seq, gap.to_seq, reason, gap.cursor)
end

function FOR_LINES.status(self, message)
  local taken, err = TAKEN.status(self, message)
  if taken == nil then
    return nil, err
  end
  return false
end

function FOR_LINES.hello(self, message)
  TAKEN.hello(self, message)
  return false
end

FOR_LINES["end"] = function(self, message)
  TAKEN["end"](self, message)
  return nil
end

-- Goes on without a stream.
local function fall_back(self)
  self.advance, self.connection = pages.next, nil
  return pages.next(self)
end

-- What is to be given for what has come: a line; false: nothing; nil and the error.
local function settle(self, message, err)
  if message then
    return FOR_LINES[message.type](self, message)
  elseif err and pages.is_foreign(err) then
    return fall_back(self)
  end
  return message, err
end

-- The next line, whatever it takes.
local function next_of_all(self)
  while true do
    local line, err
    if self.gap then
      line, err = next_of_gap(self)
    elseif self.held then
      line, self.held = self.held, nil
      self.steady = not self.deadline and self.connection or nil
      line, err = FOR_LINES.log(self, line)
    else
      line, err = settle(self, connections.receive(self))
    end
    if line ~= false then
      return line, err
    end
  end
end

---The next line. While nothing is amiss (`steady` is the connection), and it is the one that is due, the way is short: it is what a log costs.
function lines.next(self)
  local connection = self.steady
  if not connection then
    return next_of_all(self)
  end
  local line, why = connection:receive(connection.patience)
  if line and line.type == "log" then
    local seq, cursor = line.seq, line.cursor
    if seq and seq == self.due and cursor then
      self.due, self.cursor = seq + 1, cursor
      line.type, line.object = nil, "log_line"
      return line
    end
  end
  local err
  line, err = settle(self, connections.judge(self, line, why))
  if line == false then
    return next_of_all(self)
  end
  return line, err
end

return lines

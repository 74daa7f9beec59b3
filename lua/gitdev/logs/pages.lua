-- A log out of the pages of logs.list (contract 2.5): what a stream has skipped, and all of it where no WebSocket can be had.
local connections = require "gitdev.logs.connections"
local errors = require "gitdev.error"
local follower = require "gitdev.logs.follower"
local limits = require "gitdev.api.limits"
local messages = require "gitdev.logs.messages"
local missing = require "gitdev.logs.missing"
local page = require "gitdev.page"
local schema = require "gitdev.schema"

local pages = {}

-- Seconds between two looks for new lines: half as much again each time that none came.
local FIRST_PAUSE, PAUSE_GROWTH, LONGEST_PAUSE = 0.5, 1.5, 5

---The most lines that a page may hold.
pages.MAX = limits.log_page.max

-- Why lines of a page cannot be put in order; nil when they can.
local function fault_of(self, lines)
  for i = 1, #lines do
    if not messages.is_count(lines[i].seq) or type(lines[i].cursor) ~= "string" then
      local text = "the answer to " .. self.list.method .. " " .. self.subject .. "/logs has a line without seq or cursor."
      return errors.new { type = "response_error", code = "malformed_message", message = text }
    end
  end
  return nil
end

---Asks for a page of the log: `params` besides the filters.
---@return gitdev.Page|nil
---@return gitdev.Error|nil
function pages.fetch(self, params, cursor)
  for name, value in pairs(self.filters) do
    params[name] = value
  end
  local op = self.list
  local target = self.subject .. "/logs?" .. schema.query(op, params)
  local got, err = page.fetch({ client = self.client, op = op, target = target, options = follower.call_options(self) }, cursor)
  err = err and follower.timely(self, err) or got and fault_of(self, got.data)
  return not err and got or nil, err
end

local NO_STREAM = { not_upgraded = true, upgrade_required = true, unexpected_status = true, no_websockets = true }

---Whether no stream can be had because of something that is not the API: what is on the way, or the driver.
---@param err gitdev.Error
---@return boolean
function pages.is_foreign(err)
  local code = err.code
  return NO_STREAM[code or ""] or err.status ~= nil and (code == nil or code == "") and err.close_code == nil
end

-- Whether the thing whose log it is may still write. A key that may not read the thing cannot tell.
local function look(self)
  local got, err = self.client.exchange(self.client, self.get, self.subject, nil, follower.call_options(self))
  if got then
    self.status = got[self.states.field]
    local rest = self.states.terminal[self.status]
    self.at_rest = rest ~= nil and not (self.endless and rest == "ok")
    return true
  elseif err.code == "insufficient_scope" then
    return true
  end
  return nil, follower.timely(self, err)
end

-- The newest lines, of which `tail` are wanted, in one page of the right order.
local function fetch_tail(self)
  local found, wanted, cursor = {}, self.tail, nil
  repeat
    local got, err = pages.fetch(self, { order = "desc", limit = math.max(1, wanted) }, cursor)
    if not got then
      return nil, err
    end
    for i = 1, #got.data do
      found[#found + 1] = got.data[i]
    end
    cursor = got.next_cursor
  until not got.has_more or #found >= math.max(1, wanted)
  local lines = {}
  for i = math.min(wanted, #found), 1, -1 do
    lines[#lines + 1] = found[i]
  end
  self.cursor, self.tail = found[1] and found[1].cursor or self.cursor, nil
  return { data = lines, has_more = false }
end

---Goes on to the next page, or to what has come after the last. True, or false and the error.
function pages.turn(self)
  local last = self.page
  local got, err
  if self.tail and not self.cursor then
    got, err = fetch_tail(self)
  else
    got, err = pages.fetch(self, { limit = pages.MAX }, last and last.has_more and last.next_cursor or self.cursor)
  end
  if got then
    self.page, self.at, self.fruitless, self.cause = got, 0, 0, nil
  end
  return got ~= nil, err
end

---Looks whether more can come, after a pause that grows unless something has come meanwhile. True, nil at the end, or nil and the error.
function pages.rest(self)
  if self.at_rest or not self.follows then
    return nil
  end
  local ok, err = true, nil
  if self.rests > 0 then
    ok, err = follower.pause(self, math.min(LONGEST_PAUSE, FIRST_PAUSE * PAUSE_GROWTH ^ (self.rests - 1)))
  end
  self.rests = self.rests + 1
  if ok then
    ok, err = look(self)
  end
  return ok, err
end

-- Takes the line that is next on the page: it, what stands where lines before it are missing, or false when it has come already.
local function take(self, line)
  local due = self.due
  if due and line.seq > due and not self.sparse then
    self.due = line.seq
    return missing.tell(self, due, line.seq - 1, self.cursor, "not kept")
  end
  self.at = self.at + 1
  if due and line.seq < due then
    return false
  end
  self.due, self.cursor, self.rests = line.seq + 1, line.cursor, math.min(self.rests, 1)
  return line
end

---The next line, out of pages.
function pages.next(self)
  while true do
    local line = self.page and self.page.data[self.at + 1]
    if line then
      line = take(self, line)
      if line then
        return line
      end
    else
      local ok, err = true, nil
      if self.page and not self.page.has_more then
        ok, err = pages.rest(self)
      end
      if ok then
        ok, err = pages.turn(self)
      end
      if err then
        ok, err = connections.outlast(self, err)
      end
      if not ok then
        return nil, err
      end
    end
  end
end

return pages

-- Events on the disk: accepted, and not handled yet. A folder with a journal, and beside it what was given up (failed/) and what could not be
-- read (damaged/). It knows neither tasks nor time: gitdev.webhooks.deferred works it off.
--
-- The journal is a list of records, "SUM LENGTH\nPAYLOAD\n", of which a payload is one of
--   E ID DELIVERY ATTEMPT RECEIVED PROJECT\nBODY   an event was accepted; PROJECT is "-" without one
--   D ID                                           it was handled        X ID   it was put aside
--   F ID TRIES DUE                                 its handler failed, and is to be tried again at DUE (Unix seconds)
-- What was accepted in one turn is written and synced at once. Whoever dies while writing leaves a record without its end, which nobody
-- was told is accepted. When most of it is past, the journal is replaced by one of what is still to be done.
--
-- One receiver at a time: the journal's lock is held for as long as the spool is open.
local core = require "gitdev.core"
local errors = require "gitdev.error"
local json = require "gitdev.json"
local net = require "gitdev.net"

local spool = {}
spool.__index = spool

local HEADER = "gitdev.spool 1\n"
local LENGTH_MAX = 8 -- digits
local SUM = 16 -- hex digits of the payload's SHA-256: against a disk, not against a forger
local SIZE_MIN = 1024 * 1024 -- a journal below this is short enough
local GROWTH = 4 -- so many times what it must hold is too long
local ETIMEDOUT = 110

-- ---- records ----

local function sum_of(payload)
  return core.sha256(payload):sub(1, SUM)
end

local function record(payload)
  return ("%s %d\n%s\n"):format(sum_of(payload), #payload, payload)
end

local function event_record(entry)
  return record(("E %s %s %d %d %s\n%s"):format(core.escape(entry.id), core.escape(entry.delivery), entry.attempt, entry.received_at,
    entry.project and core.escape(entry.project) or "-", entry.body))
end

local function try_record(entry)
  return record(("F %s %d %d"):format(core.escape(entry.id), entry.tries, entry.due))
end

-- The payload at a place, where the next record begins, and whether it ends as it must; or nil.
local function read_record(text, at)
  local sum, length, from = text:match("^(%x+) (%d+)\n()", at)
  if not sum or #sum ~= SUM or #length > LENGTH_MAX then
    return nil
  end
  local last = from + length
  if last > #text or sum_of(text:sub(from, last - 1)) ~= sum then
    return nil
  end
  return text:sub(from, last - 1), last + 1, text:sub(last, last) == "\n"
end

-- Whether the text from here on is the beginning of a record that was never finished; not a whole one whose length is wrong.
local function is_torn(text, at)
  local sum, length, from = text:match("^(%x+) (%d+)\n()", at)
  if sum then
    return #length <= LENGTH_MAX and #text < from + length and sum_of(text:sub(from, -2)) ~= sum
  end
  return text:find("^%x* ?%d*$", at) ~= nil and #text - at <= SUM + LENGTH_MAX
end

-- The next place after `at` where a record begins, or nil.
local function find_record(text, at)
  local place = text:find("\n", at, true)
  while place and not read_record(text, place + 1) do
    place = text:find("\n", place + 1, true)
  end
  return place and place + 1
end

local APPLY = {
  E = function(self, rest)
    local id, delivery, attempt, received, project, body = rest:match "^(%S+) (%S*) (%d+) (%d+) (%S+)\n(.*)$"
    id = id and core.unescape(id)
    if not id then
      return false
    end
    self:keep {
      id = id,
      delivery = core.unescape(delivery),
      attempt = tonumber(attempt),
      received_at = tonumber(received),
      project = project ~= "-" and core.unescape(project) or nil,
      body = body,
      tries = 0,
    }
    return true
  end,
  F = function(self, rest)
    local id, tries, due = rest:match "^(%S+) (%d+) (%d+)$"
    local entry = id and self.entries[core.unescape(id)]
    if entry then
      entry.tries, entry.due = tonumber(tries), tonumber(due)
    end
    return id ~= nil
  end,
  D = function(self, rest)
    self:drop(core.unescape(rest))
    return true
  end,
}
APPLY.X = APPLY.D

-- Reads all records. Returns how many there are, where the last of them ends, and whether something was there that is none.
local function read_records(self, text)
  local at, last, count, damaged = #HEADER + 1, #HEADER, 0, false
  while at <= #text do
    local payload, following, is_ended = read_record(text, at)
    local apply = payload and APPLY[payload:sub(1, 1)]
    if payload then
      local is_good = apply and apply(self, payload:sub(3)) and is_ended
      count, last, damaged = count + 1, following - 1, damaged or not is_good
    else
      following = find_record(text, at)
      damaged = damaged or following ~= nil or not is_torn(text, at)
    end
    at = following or #text + 1
  end
  return count, last, damaged
end

-- ---- what is to be done ----

function spool:keep(entry)
  if not self.entries[entry.id] then
    self.last = self.last + 1
    entry.place, entry.size = self.last, #entry.body + 200
    self.entries[entry.id], self.count, self.live = entry, self.count + 1, self.live + entry.size
  end
end

function spool:drop(id)
  local entry = self.entries[id]
  if entry then
    self.entries[id], self.count, self.live = nil, self.count - 1, self.live - entry.size
  end
end

---All that is to be done, in order of arrival.
---@return table[] entries  { id, delivery, attempt, received_at, project, body, tries, due }
function spool:pending()
  local list = {}
  for _, entry in pairs(self.entries) do
    list[#list + 1] = entry
  end
  table.sort(list, function(a, b)
    return a.place < b.place
  end)
  return list
end

-- ---- writing ----

-- Puts a journal of what is to be done in the place of the old one.
local function rewrite(self)
  local out = { HEADER }
  for _, entry in ipairs(self:pending()) do
    out[#out + 1] = event_record(entry)
    if entry.tries > 0 then
      out[#out + 1] = try_record(entry)
    end
  end
  local text = table.concat(out)
  local ok, problem = self.journal:replace(text)
  if ok then
    self.size, self.enough, self.owed, self.is_synced = #text, SIZE_MIN, "", true
  end
  return ok, problem
end

-- When there is no room for a new journal the old one does as well, for longer.
local function tidy(self)
  if self.size > math.max(self.enough, GROWTH * self.live) and not rewrite(self) then
    self.enough = 2 * self.size
  end
end

-- What is past may be what fills the disk. When nothing is to be done the journal is emptied where it is, which takes no room; else there must be
-- some for a new one, and after a failure that is tried again when half as much is to be done. Returns whether there may be room now.
local function make_room(self)
  local ok
  if self.count == 0 then
    ok = self.journal:truncate(#HEADER)
    self.size, self.is_synced = ok and #HEADER or self.size, false
    return ok
  elseif self.size <= 2 * self.live or self.live > self.room then
    return false
  end
  ok = rewrite(self)
  self.room = ok and math.huge or self.live / 2
  return ok
end

-- Appends a text, and before it what could not be written when it was due.
local function append(self, text, sync)
  text = self.owed .. text
  local ok, problem = self.journal:append(text, sync)
  if not ok and make_room(self) then
    ok, problem = self.journal:append(text, sync)
  end
  if ok then
    self.size, self.owed, self.is_synced = self.size + #text, "", sync
  end
  return ok, problem
end

-- Notes what has happened anyway. It outlives this process at once, the machine's crash after the next sync. What a full disk does not
-- take is written as soon as it does.
local function note(self, text)
  local ok, problem = append(self, text, false)
  if not ok then
    self.owed = self.owed .. text
  end
  tidy(self)
  return ok, problem
end

---An event that is to be accepted with the next commit. `entry`: see pending().
function spool:add(entry)
  entry.tries = 0
  self.batch[#self.batch + 1] = entry
end

---Makes durable what was added. When that fails nothing of it is accepted.
---@return table[]|nil entries
---@return string|nil problem
function spool:commit()
  local batch, out = self.batch, {}
  self.batch = {}
  for i, entry in ipairs(batch) do
    out[i] = event_record(entry)
  end
  local ok, problem = append(self, table.concat(out), true)
  if not ok then
    return nil, problem
  end
  for _, entry in ipairs(batch) do
    self:keep(entry)
  end
  tidy(self)
  return batch
end

---The event has been handled.
---@return boolean|nil ok  false: noted here alone; it will be on the disk once there is room again
---@return string|nil problem
function spool:handled(entry)
  self:drop(entry.id)
  return note(self, record("D " .. core.escape(entry.id)))
end

---Its handler failed; `entry` has tries and due.
function spool:failed(entry)
  return note(self, try_record(entry))
end

---Makes durable what has been noted since the last commit.
---@return boolean|nil ok
---@return string|nil problem
function spool:sync()
  if self.is_synced and self.owed == "" then
    return true
  end
  return append(self, "", true)
end

-- A file, durably.
local function write_file(path, text)
  local file, problem = net.journal(path)
  local ok = file
  if file then
    ok, problem = file:lock(0)
    if ok then
      ok, problem = file:replace(text)
    end
    file:close()
  end
  return ok and true, problem
end

-- Ids of the contract are good names; another sender's may be anything.
local function failed_path(self, id)
  local name = id:find "^[%w_%-]+$" and #id <= 100 and id or core.sha256(id)
  return ("%s/failed/%s.json"):format(self.directory, name)
end

-- Errors may hold any bytes.
local function quote(text)
  return json.quote(core.utf8(text) and text or (text:gsub("[\128-\255]", "?")))
end

---Gives an event up: it is in failed/, and no longer to be done.
---@param problem string
---@param now number  Unix seconds
---@return boolean|nil ok  without it nothing has changed
---@return string|nil problem
function spool:put_aside(entry, problem, now)
  local text = ('{"id":%s,"error":%s,"tries":%d,"at":%d,"delivery":%s,"event":%s}\n'):format(
    quote(entry.id), quote(problem), entry.tries, now, quote(entry.delivery), entry.body)
  local ok, why = write_file(failed_path(self, entry.id), text)
  if not ok then
    return nil, why
  end
  self:drop(entry.id)
  note(self, record("X " .. core.escape(entry.id)))
  return true
end

---An event that had been given up was delivered again, and handled: its file is no longer true.
function spool:redeem(id)
  os.remove(failed_path(self, id))
end

-- ---- opening ----

local function failure(self, code, problem)
  return errors.new { type = "config_error", code = code, param = "spool", message = ("the spool %s %s."):format(self.directory, problem) }
end

local function make_directories(self)
  for _, path in ipairs { "", "/failed", "/damaged" } do
    local ok, problem = net.make_directory(self.directory .. path)
    if not ok then
      return nil, failure(self, "spool_failed", "cannot be used: " .. problem)
    end
  end
  return true
end

local function lock(self)
  local problem, number
  self.journal, problem = net.journal(self.directory .. "/spool.journal")
  if not self.journal then
    return nil, failure(self, "spool_failed", "cannot be used: " .. problem)
  end
  local ok
  ok, problem, number = self.journal:lock(0)
  if ok then
    return true
  elseif number == ETIMEDOUT then
    return nil, failure(self, "spool_in_use", "belongs to another receiver that runs: each needs a folder of its own")
  end
  return nil, failure(self, "spool_failed", "cannot be locked: " .. problem)
end

local function read_all(journal)
  local parts, offset = {}, 0
  repeat
    local text, problem = journal:read(offset)
    if not text then
      return nil, problem
    end
    parts[#parts + 1], offset = text, offset + #text
  until text == ""
  return table.concat(parts)
end

-- What is damaged, or another program's, is not thrown away. Without a header there may be records all the same, and no other program's file
-- has any.
local function load(self)
  local text, problem = read_all(self.journal)
  if not text then
    return nil, problem
  end
  local count, last, damaged = read_records(self, text)
  local is_ours = text:sub(1, #HEADER) == HEADER:sub(1, #text)
  if is_ours and not damaged then
    self.whole = #text >= #HEADER and last or nil
    return true
  end
  local path = ("%s/damaged/%s.journal"):format(self.directory, core.random_id(12))
  local ok
  ok, problem = write_file(path, text)
  self.damage = ok and ("the journal of the spool %s %s; a copy of it is %s"):format(self.directory,
    (is_ours or count > 0) and "was damaged: what could be read of it is taken up" or "was none: it was put aside", path)
  return ok, problem
end

-- Begins with a short journal, which also makes its name durable. When there is no room for it the old one does as well, without its torn
-- end, if all else of it could be read.
local function begin(self)
  local ok, problem = rewrite(self)
  local size = not ok and self.whole and self.journal:size()
  if size and (size <= self.whole or self.journal:truncate(self.whole)) then
    self.size, self.enough, self.is_synced = self.whole, 2 * self.whole, false
    return true
  end
  return ok, problem
end

---Opens a spool, which nobody else may have open, and reads what is to be done. The folder is made if it is not there.
---@param directory string
---@return table|nil spool  with `damage`: a sentence, when something could not be read
---@return gitdev.Error|nil
function spool.open(directory)
  local self = setmetatable({
    directory = directory,
    entries = {},
    count = 0,
    last = 0,
    live = 0,
    batch = {},
    owed = "",
    size = 0,
    enough = SIZE_MIN,
    room = math.huge, -- of `live`: for more than this there was none
  }, spool)
  local ok, problem = make_directories(self)
  if ok then
    ok, problem = lock(self)
  end
  if ok then
    ok, problem = load(self)
    if ok then
      ok, problem = begin(self)
    end
    problem = problem and failure(self, "spool_failed", "cannot be used: " .. problem)
  end
  if not ok then
    self:close()
    return nil, problem
  end
  return self
end

---Gives up the lock. What is to be done stays.
function spool:close()
  local journal = self.journal
  if journal and self.is_synced ~= nil then
    self:sync()
  end
  self.journal = nil
  if journal then
    journal:close()
  end
end

return spool

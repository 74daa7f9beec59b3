-- A store (see gitdev.store) in a file: for all processes of a machine, across their deaths. The file is a journal of lines: "done ENDS ID",
-- "claim ENDS TOKEN ID", "free TOKEN ID", with Unix milliseconds; and "limit NAME STATE" of a shared rate limit. Each call is a turn: the file is
-- locked, what others have appended is read, a line is appended, the lock is given up. When most of it says nothing any more, the file is replaced
-- by a short one.
local arguments = require "gitdev.store.arguments"
local core = require "gitdev.core"
local errors = require "gitdev.error"
local marks = require "gitdev.store.marks"

local file = {}
file.__index = file

-- gitdev.FileStoreOptions: see gitdev.describe.classes.
local OPTIONS = { path = "string", max = "limit", sync = "boolean", now = "function" }

local HEADER = "gitdev.store 1\n"
local LOCK_SECONDS = 5 -- a turn takes milliseconds: who holds the lock for longer has been stopped
local TAKE_SECONDS = 0.25 -- for a share of a rate limit: the loop stands still meanwhile, and its calls can do without
local ETIMEDOUT = 110
local LINES_MIN = 1000 -- a file with fewer is short enough

local function failure(self, what, problem)
  return errors.new { type = "config_error", code = "store_failed", message = what .. " " .. self.path .. ": " .. tostring(problem) .. "." }
end

-- Raises what a function of the journal could not do.
local function check(self, what, value, problem)
  if value == nil then
    error(failure(self, what, problem), 0)
  end
  return value
end

-- ---- reading ----

local APPLY = {
  done = function(known, rest)
    local ends, id = rest:match "^(%d+) (%S+)$"
    if ends then
      known:mark(id, tonumber(ends))
    end
  end,
  claim = function(known, rest)
    local ends, token, id = rest:match "^(%d+) (%S+) (%S+)$"
    if ends then
      known:claim(id, tonumber(ends), token)
    end
  end,
  limit = function(_, rest, limits)
    local name, state = rest:match "^(%S+) (.+)$"
    if name then
      limits[name] = state
    end
  end,
  free = function(known, rest)
    local token, id = rest:match "^(%S+) (%S+)$"
    if token then
      known:free(id, token)
    end
  end,
}

-- A line that is none, which the machine's crash may leave, says nothing.
local function apply(self, line)
  local kind, rest = line:match "^(%l+) (.+)$"
  self.lines = self.lines + 1
  if APPLY[kind] then
    APPLY[kind](self.marks, rest, self.limits)
  end
end

local function forget(self)
  self.marks, self.offset, self.lines = marks.new(self.max), 0, 0
  self.limits = {} -- by name: the state
end

local function append(self, text, sync)
  check(self, "cannot write", self.journal:append(text, sync))
  self.offset = self.offset + #text
end

-- The file of something else must not be written to.
local function read_header(self)
  local text = check(self, "cannot read", self.journal:read(0)):sub(1, #HEADER)
  if text ~= HEADER:sub(1, #text) then
    error(failure(self, "cannot use", "it is not the file of a store"), 0)
  elseif #text < #HEADER then
    check(self, "cannot write", self.journal:truncate(0))
    append(self, HEADER, false)
  end
  self.offset = #HEADER
end

-- Reads what has been appended since. A last line without its end is of somebody who died while writing it: it is cut off.
local function catch_up(self, size)
  while self.offset < size do
    local text = check(self, "cannot read", self.journal:read(self.offset))
    local last = text:match "^.*()\n"
    if not last then
      check(self, "cannot write", self.journal:truncate(self.offset))
      return
    end
    for line in text:sub(1, last):gmatch "([^\n]*)\n" do
      apply(self, line)
    end
    self.offset = self.offset + last
  end
end

-- ---- writing ----

local function done_line(id, ends)
  return ("done %d %s\n"):format(ends, id)
end

local function claim_line(id, ends, token)
  return ("claim %d %s %s\n"):format(ends, token, id)
end

local function limit_line(name, state)
  return ("limit %s %s\n"):format(name, state)
end

-- Puts a file of what is still true in the place of one that has grown to several times as much. The old one does as well: when that fails,
-- on a full disk say, it is tried again when there is twice as much to gain. Whether what is known is what the file has.
local function compact(self)
  local known = self.marks
  if self.lines < math.max(self.enough, LINES_MIN + 2 * (known.count + known.claimed)) then
    return true
  end
  local out = { HEADER }
  known:each(function(id, ends)
    out[#out + 1] = done_line(id, ends)
  end, function(id, ends, token)
    out[#out + 1] = claim_line(id, ends, token)
  end)
  for name, state in pairs(self.limits) do
    out[#out + 1] = limit_line(name, state)
  end
  local text = table.concat(out)
  if not self.journal:replace(text) then
    self.enough = 2 * self.lines
    return false
  end
  self.offset, self.lines, self.enough = #text, #out - 1, 0
  return true
end

-- Appends a line and does what it says.
local function write(self, line, sync)
  append(self, line, sync)
  apply(self, line:sub(1, -2))
end

local function work(self, is_new, action)
  local is_stale = is_new or self.is_stale
  self.is_stale = true -- until this turn has come to a good end
  local size = check(self, "cannot read", self.journal:size())
  if is_stale or size < self.offset then
    forget(self)
    read_header(self)
  end
  catch_up(self, size)
  local now = math.floor(self.now() * 1000)
  self.marks:prune(now)
  local first, second = action(now)
  self.is_stale = not compact(self)
  return first, second
end

local function lock(self, seconds)
  local state, problem, number = self.journal:lock(seconds)
  if number == ETIMEDOUT then
    problem = ("%s for more than %g seconds: look who has it open (fuser), and whether that one is stopped or its disk slow"):format(problem, seconds)
  end
  return check(self, "cannot lock", state, problem)
end

local function turn(self, action, seconds)
  if not self.journal then
    errors.misuse { message = "the store is closed." }
  end
  local state = lock(self, seconds or LOCK_SECONDS)
  local ok, first, second = pcall(work, self, state == "new", action)
  self.journal:unlock()
  if not ok then
    error(first, 0)
  end
  return first, second
end

-- ---- the store ----

-- Ids stand in lines, and between blanks.
local function key_of(id)
  return core.escape(arguments.key(id))
end

local function milliseconds(name, seconds)
  return math.ceil(arguments.seconds(name, seconds) * 1000)
end

---@param options gitdev.FileStoreOptions
---@return gitdev.Store|nil
---@return gitdev.Error|nil
function file.new(options)
  options = arguments.options(options, OPTIONS, "gitdev.store.file")
  if not options.path or options.path == "" or options.path:find "%z" then
    errors.misuse { code = "parameter_missing", param = "path", message = "gitdev.store.file needs the path of its file." }
  end
  local self = setmetatable({ path = options.path, max = options.max or arguments.MAX, now = options.now or core.time }, file)
  self.id, self.sync, self.enough = "file " .. options.path, options.sync ~= false, 0
  local problem
  self.journal, problem = require("gitdev.net").journal(options.path)
  if not self.journal then
    return nil, failure(self, "cannot open", problem)
  end
  local ok, err = pcall(turn, self, function() end)
  if not ok then
    self:close()
    return nil, err
  end
  return self
end

function file:seen(id, ttl)
  local key, time = key_of(id), milliseconds("ttl", ttl)
  return (turn(self, function(now)
    local state = self.marks:state(key, now)
    if not state then
      write(self, done_line(key, now + time), self.sync)
    end
    return state ~= nil
  end))
end

---Whether the id is marked. Nothing is written, for who has the file to itself.
function file:is_done(id)
  local key = key_of(id)
  return (turn(self, function(now)
    return self.marks:state(key, now) == "done"
  end))
end

function file:claim(id, lease)
  local key, time = key_of(id), milliseconds("lease", lease)
  return turn(self, function(now)
    local state = self.marks:state(key, now)
    if state then
      return nil, state
    end
    local token = core.random_id(16)
    -- A claim need not outlive the machine: its owner does not.
    write(self, claim_line(key, now + time, token), false)
    return token
  end)
end

function file:confirm(id, ttl)
  local key, time = key_of(id), milliseconds("ttl", ttl)
  turn(self, function(now)
    write(self, done_line(key, now + time), self.sync)
  end)
end

function file:release(id, token)
  local key, mine = key_of(id), arguments.token(token)
  turn(self, function()
    local claim = self.marks.claims[key]
    if claim and claim.token == mine then
      write(self, ("free %s %s\n"):format(mine, key), false)
    end
  end)
end

---A share of a rate limit: for the processes of this machine. The disk need not have it: a machine that comes up again begins anew.
function file:take(name, report)
  local bucket, key = require "gitdev.store.bucket", core.escape(name)
  return (turn(self, function()
    local grant, state = bucket.take(self.limits[key], report, self.now())
    write(self, limit_line(key, state), false)
    return grant
  end, TAKE_SECONDS))
end

function file:close()
  local journal = self.journal
  self.journal = nil
  if journal then
    journal:close()
  end
end

return file

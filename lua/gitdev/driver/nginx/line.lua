-- Those calls of a worker that share a rate limit, in the order in which they came. Only the first asks the machine: what one is told, all
-- would be told. It crosses requests, and any of those who stand in it may be dead without a word: nginx takes a request's coroutines away where
-- they wait. So each says until when it will be heard of again, and whoever wakes looks after the first.
local queue = require "gitdev.queue"

local line = {}
line.__index = line

-- Seconds that a first may be late: it may only be slow, and then comes back to the front.
local GRACE = 0.5
-- Each of those who wait looks after the first once in so many seconds, or more rarely if there are many: so many looks a second, at most, in all.
local LOOK, LOOKS_A_SECOND = 1, 500
-- Calls that one line has under way at once in a worker: each has a connection of its own.
local WIDTH = 128

---`members`: the calls that belong to it, wherever they are; `count`: those that stand in it; `flying`: those with a try under way; `due`: when the
---first is heard of again.
---@param name string
---@return table
function line.new(name)
  return setmetatable({ name = name, members = 0, jobs = queue.new(), count = 0, flying = 0, first = nil, due = 0 }, line)
end

local function wake(job)
  if job and job.waiter then
    job.waiter:post()
  end
end

local function call_next(self, at)
  self.first = self.jobs:pop()
  self.due = at
  wake(self.first)
end

---Puts a job into the line: at its end, or, if it has been first before, at its front.
---@param job table
---@param at number  now
function line:enter(job, at)
  self.count = self.count + 1
  job.standing = true
  if not self.first then
    self.first, self.due = job, at
  elseif job.was_first then
    self.jobs:push_front(self.first)
    self.first, self.due = job, at
  else
    self.jobs:push(job)
  end
end

---Takes a job out, wherever it stands; the next becomes the first.
function line:leave(job, at)
  if not job.standing then
    return
  end
  job.standing = false
  self.count = self.count - 1
  if self.first == job then
    call_next(self, at)
  else
    self.jobs:remove(job)
  end
end

---Whether it is this job's turn to ask.
function line:is_turn(job)
  return self.first == job
end

---Whether another may be sent.
function line:has_room()
  return self.flying < WIDTH
end

-- A first that has not been heard of is passed over. If it lives after all it enters again.
local function look_after_first(self, at)
  local first = self.first
  if first and at > self.due + GRACE then
    first.was_first = true
    self:leave(first, at)
  end
end

---How long a job that waits for its turn, or the first, may wait before it looks.
function line:patience()
  return math.max(LOOK, self.count / LOOKS_A_SECOND)
end

---The first waits, and is heard of again in so many seconds.
function line:hold(seconds, at)
  self.due = at + seconds
end

---To be called by whoever has waited.
function line:look(at)
  look_after_first(self, at)
end

---Something has changed that the first may have waited for.
function line:stir()
  wake(self.first)
end

return line

-- The turns of the loop, on one page. A turn waits, fires timers, lets services answer, and notes which tasks may go on: it resumes none. Who
-- waits for a task resumes them between turns; who blocks within one turns without.
local compat = require "gitdev.compat"
local task = require "gitdev.task"
local worlds = require "gitdev.loop.worlds"

local turning = {}

local settings = worlds.settings

-- Hands on what has come of calls, sockets, posts and commands.
local function collect(self)
  local engine = self.engine
  if engine then
    local one, is_socket = engine:news()
    while one do
      self.news:announce(one, is_socket)
      one, is_socket = engine:news()
    end
  end
  local told = self.posts and self.posts:collect()
  told = self.commands and self.commands:collect() or told
  if told and self.services then
    self.due = self.now() -- a service may have sent it, and have more to do now
  end
end

turning.collect = collect

-- Those that are set meanwhile have their turn when the tasks have had theirs.
local function fire_timers(self)
  local now, last = self.now(), self.sleepers.set
  local timer = self.sleepers:take(now, last)
  while timer do
    timer.action(timer.subject)
    timer = self.sleepers:take(now, last)
  end
end

-- How long the next wait may be: until the earliest of what is due, at most `limit` seconds (nil: without end).
local function patience(self, limit)
  if self.engine and self.engine.has_news and self.engine:has_news() then
    return 0
  end
  local due = self.sleepers:next_due()
  if self.due and (not due or self.due < due) then
    due = self.due
  end
  if not due then
    return limit
  end
  local wait = due - self.now()
  if wait < 0 then
    return 0
  end
  return limit and limit < wait and limit or wait
end

local function turn(self, limit)
  self:wait(patience(self, limit))
  if settings.interrupted() then
    error("interrupted", 0)
  end
  fire_timers(self)
  if self.services then
    require("gitdev.loop.services").call(self)
  end
  collect(self)
end

-- ---- what can still come ----

-- Whether nothing is waited for that sockets bring.
local function is_silent(self)
  return self.news.count == 0 and not (self.posts and self.posts.count > 0) and not (self.commands and self.commands.count > 0)
end

-- Whether no time is waited for either, and nothing runs beside the tasks.
local function is_idle(self)
  return is_silent(self) and not self.services and not self.sleepers:next_due()
end

--- Whether nothing but the running code could go on, whatever comes. Under step there is always the program, which waits for its frame.
function turning.is_alone(self)
  return self == worlds.real and not self.stepped and self.tasks.alive <= 1 and is_idle(self)
end

-- ---- who turns ----

local NOT_HERE = "inside a task, tasks cannot be waited for in a coroutine of the program's own, nor in a callback of sort or gsub"
  .. (compat.pcall ~= pcall and ", nor, on Lua 5.1, in pcall or an iterator: gitdev.pcall can wait, and page:next() or a stream's next" or "")

--- Raises an error where the code is in a task, so that no other can be resumed.
function turning.check_outside(self)
  if self.tasks.current then
    error(NOT_HERE, 0)
  end
end

--- Resumes tasks and turns until `one` is over. Outside of tasks only.
function turning.turn_until(one)
  local self = worlds.open()
  turning.check_outside(self)
  if one.scheduler ~= self.tasks then
    error("the task is of another world, or of a loop that was closed: it does not go on here", 0)
  end
  self.stepped = false -- an error may have left a step before its end
  while not one.finished do
    self.tasks:run_ready()
    if not one.finished then
      local is_ready = self.tasks:has_ready()
      if not is_ready and is_idle(self) then
        error("deadlock: every task waits for another one", 0)
      end
      turn(self, is_ready and 0 or nil)
    end
  end
end

worlds.turn_until = turning.turn_until

--- Turns for code that blocks. What interrupts the task that it belongs to, if any, ends its waiting too.
function turning.turn_blocking(self, limit)
  local current = self.tasks.current
  if current then
    task.check(current)
  end
  turn(self, limit)
  if current then
    task.check(current)
  end
end

--- Turns until is_over(): what goes wrong meanwhile is raised after release(subject) has taken back what was waited for.
function turning.block(self, is_over, release, subject)
  while not is_over(subject) do
    local ok, err = pcall(turning.turn_blocking, self)
    if not ok then
      release(subject)
      error(err, 0)
    end
  end
end

local function check_seconds(value, what)
  if value ~= nil and (type(value) ~= "number" or value ~= value) then
    require("gitdev.error").misuse { message = ("step takes %sa number of seconds, got %s."):format(what, tostring(value)) }
  end
end

--- For those who own the frame: resumes the tasks that are ready, waits up to `timeout` seconds for I/O (0, the default: not at all), and
-- resumes those that may go on then. When tasks have run for `budget` seconds (default: without a limit), those that had no turn yet are the
-- first in the next step. Raises the error of a task that has no parent and that nobody waited for.
---@param timeout number|nil
---@param budget number|nil
---@return integer alive  tasks that are not over yet
function turning.step(timeout, budget)
  check_seconds(timeout, "")
  check_seconds(budget, "as its budget ")
  timeout = math.max(0, timeout or 0)
  local self = worlds.open()
  local tasks = self.tasks
  if tasks.current then
    error("gitdev.step is for the program outside of tasks; inside one, gitdev.sleep lets the others go on", 2)
  end
  self.stepped = true
  local ends = budget and self.now() + budget
  local is_over = budget and function()
    return self.now() >= ends
  end
  local over = tasks:run_ready(is_over)
  local begun = budget and self.now()
  turn(self, tasks:has_ready() and 0 or timeout)
  ends = budget and ends + (self.now() - begun) -- what is waited is not what tasks take
  if not over then
    tasks:run_ready(is_over)
  end
  self.stepped = false
  local stray = tasks:take_stray()
  if stray then
    error(stray.error, 0)
  end
  return tasks.alive
end

return turning

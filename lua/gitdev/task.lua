-- Tasks: coroutines that wait, in a tree. A task that ends waits for its children; one that fails, or is canceled, cancels them. A child's error
-- reaches whoever waits for the child, else its parent, at the parent's next wait. Nothing here knows of time or of I/O: whoever parks a task
-- wakes it.
local compat = require "gitdev.compat"
local ending = require "gitdev.task.ending"
local scheduler = require "gitdev.task.scheduler"
local waiting = require "gitdev.task.waiting"

local task = {
  park = waiting.park,
  wake = waiting.wake,
  check = waiting.check,
  ended = ending.of_function,
}

local methods = {}
local class = { __index = methods, __name = "gitdev.task" }

function class.__tostring(self)
  return "task (" .. self:status() .. ")"
end

---Makes what runs tasks: see gitdev.task.scheduler.
function task.scheduler(block)
  return scheduler.new(block, class)
end

---A task and those above it.
function task.lineage(self)
  local one
  return function()
    if one then
      one = one.parent
    else
      one = self
    end
    return one
  end
end

---Raises an error that was raised elsewhere before, in the task that runs, if one does: it remembers where.
function task.raise(owner, err, traceback)
  local me = owner.current or owner:running_task()
  if me then
    me.inherited = { error = err, traceback = traceback }
  end
  error(err, 0)
end

---Cancels a task whose outcome nobody wants any more, not even an error, nor where it was raised.
function task.dismiss(self)
  self.heard, self.is_dismissed = true, true
  self:cancel()
end

-- ---- what its holder can do ----

local function check_self(self, name)
  if getmetatable(self) ~= class then
    require("gitdev.error").misuse { message = name .. " is a method of a task: call it with a colon, task:" .. name .. "()." }
  end
end

---Ends the task: its waits raise a canceled_error (or `reason`) from now on, what it waits for is taken back, and its children are
---canceled, those too that it makes from now on. It may still run to clean up; wait() tells when it is over. The first reason stays.
function methods:cancel(reason)
  check_self(self, "cancel")
  ending.cancel(self, reason)
end

---"running" (also while it waits), "done", "failed" or "canceled".
function methods:status()
  check_self(self, "status")
  if not self.finished then
    return "running"
  elseif not self.failed then
    return "done"
  end
  return ending.fell_to_cancel(self) and "canceled" or "failed"
end

---Where the task's error was raised, in its own stack and those of the tasks below that it came from; nil when it has not failed.
---@return string|nil
function methods:where()
  check_self(self, "where")
  return self.traceback
end

-- Waits in a task.
local function rest(self, me)
  for ancestor in task.lineage(me) do
    if ancestor == self then
      error("a task cannot wait for itself, nor for one that waits for it as its child", 3)
    end
  end
  local wait = ending.await(self, me)
  waiting.park(me, ending.stop_awaiting, wait)
  ending.stop_awaiting(wait, true)
end

-- Waits outside of all tasks.
local function block(self)
  local wait = ending.await(self)
  local ok, err = pcall(self.scheduler.block, self, wait)
  ending.stop_awaiting(wait, ok)
  if not ok then
    error(err, 0)
  end
end

---Waits until the task is over. Returns what its function returned, raises what it raised.
function methods:wait()
  check_self(self, "wait")
  local me = not self.finished and self.scheduler:running_task()
  if me then
    rest(self, me)
  elseif not self.finished then
    block(self)
  end
  self.heard = true
  if self.failed then
    task.raise(self.scheduler, self.error, self.traceback)
  end
  return compat.unpack(self.results, 1, self.results.n)
end

return task

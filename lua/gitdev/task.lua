-- Tasks: coroutines that wait, in a tree. A task that ends waits for its children; one that fails, or is canceled, cancels them. A
-- child's error reaches whoever waits for the child, else its parent, at the parent's next wait. Nothing here knows of time or of I/O:
-- whoever parks a task wakes it.
local compat = require "gitdev.compat"

local running, create, resume, status = compat.running, coroutine.create, coroutine.resume, coroutine.status
local yield, pack, unpack = coroutine.yield, compat.pack, compat.unpack

-- What a task yields when it waits; nothing else may yield to the scheduler.
local WAITING = {}

local task = {}
local methods = {}
local class = { __index = methods, __name = "gitdev.task" }

local scheduler = {}
local scheduler_class = { __index = scheduler }

function class.__tostring(self)
  return "task (" .. self:status() .. ")"
end

-- ---- the scheduler: who may go on ----

--- Where somebody else resumes coroutines (nginx), its owner sets: start(task) begins one, whose function is task.fn; rest(task) returns when the
--- running one is woken; wake(task); and running_task(). Then task.ended() is called when the function has ended.
---@param block fun(task: table)  turns the world, outside of all tasks, until the task is over
function task.scheduler(block)
  return setmetatable({
    ready = {},
    last = 0, -- of those in `ready`
    alive = 0, -- tasks that are not over
    strays = {}, -- tasks without a parent whose error nobody has heard
    current = nil, -- the task that is being resumed
    block = block,
  }, scheduler_class)
end

local function make_ready(self)
  local owner = self.scheduler
  if owner.wake then
    owner.wake(self)
    return
  end
  owner.last = owner.last + 1
  owner.ready[owner.last] = self
end

---Lets a parked task go on, when the scheduler runs next.
---@param self table  the task
function task.wake(self)
  if self.parked then
    self.parked = false
    make_ready(self)
  end
end

---The task that runs now, if the caller is it and may yield; nil in the main chunk, and in a coroutine of the program's own.
function scheduler:running_task()
  local current = self.current
  if current and current.thread == running() and compat.isyieldable() then
    return current
  end
  return nil
end

-- ---- waiting, and being interrupted ----

---Raises what interrupts a task, if anything does: its cancellation, or a child's error.
---@param self table  the running task
function task.check(self)
  local interruption = self.interruption
  if interruption then
    if not interruption.lasting then
      self.interruption = nil
    end
    error(interruption.error, 0)
  end
end

local function take_back(self)
  local release, subject = self.release, self.subject
  self.release, self.subject = nil, nil
  if release then
    release(subject)
  end
end

---Waits until somebody wakes this task. Raises what interrupts it instead.
---@param self table       the running task
---@param release function|nil  release(subject): called when it is interrupted, to take back what it waits for, which may have come by then
function task.park(self, release, subject)
  self.release, self.subject = release, subject
  if self.interruption then
    take_back(self)
  else
    self.parked = true
    if self.scheduler.rest then
      self.scheduler.rest(self)
    else
      yield(WAITING)
    end
    self.release, self.subject = nil, nil
  end
  task.check(self)
end

-- Has an error raised in a task that is not over: at once if it waits, else when it next does. The first stays the reason.
local function interrupt(self, interruption)
  if self.interruption and (self.interruption.lasting or not interruption.lasting) then
    return
  end
  self.interruption = interruption
  take_back(self)
  task.wake(self)
end

-- ---- beginning and ending ----

-- Children are kept in the order in which they were made, so that a run can be repeated.
local function add_child(self, child)
  child.older, self.youngest = self.youngest, child
  if child.older then
    child.older.younger = child
  else
    self.oldest = child
  end
end

local function remove_child(self, child)
  local older, younger = child.older, child.younger
  if older then
    older.younger = younger
  else
    self.oldest = younger
  end
  if younger then
    younger.older = older
  else
    self.youngest = older
  end
  child.older, child.younger = nil, nil
end

local function canceled_error()
  return require("gitdev.error").new { type = "canceled_error", code = "canceled", message = "the task was canceled." }
end

local function cancel_children(self, reason)
  local child = self.oldest
  reason = reason or child and canceled_error()
  while child do
    child:cancel(reason)
    child = child.younger
  end
end

local function remember_failure(self, err, traceback)
  if self.failed then
    return
  end
  -- A child's error that passed through unchanged brings where it was raised.
  local inherited = self.inherited
  if inherited and rawequal(inherited.error, err) then
    traceback = inherited.traceback .. "\n[the task that spawned it]\n" .. traceback
  end
  self.failed, self.error, self.traceback = true, err, traceback
end

-- Whether the task failed by being canceled, and of nothing else.
local function fell_to_cancel(self)
  return self.canceled ~= nil and rawequal(self.error, self.canceled)
end

local finish

-- A child is over: its parent may be, too; its error must be heard by somebody.
local function report_to_parent(self)
  local parent = self.parent
  if not parent then
    if self.failed and not self.heard and not fell_to_cancel(self) then
      self.scheduler.strays[#self.scheduler.strays + 1] = self
    end
    return
  end
  remove_child(parent, self)
  if self.failed and not self.heard and not fell_to_cancel(self) then
    parent.inherited = { error = self.error, traceback = self.traceback }
    if parent.ended then
      remember_failure(parent, self.error, "[the task that spawned it had ended]")
    else
      interrupt(parent, { error = self.error })
    end
    cancel_children(parent)
  end
  if parent.ended and not parent.oldest then
    finish(parent)
  end
end

-- The task and all its children are over.
function finish(self)
  self.finished = true
  self.scheduler.alive = self.scheduler.alive - 1
  for _, waiter in ipairs(self.waiters or {}) do
    self.heard = true
    task.wake(waiter)
  end
  report_to_parent(self)
end

-- The task's function has returned, or failed.
local function end_function(self)
  self.ended = true
  if self.failed then
    cancel_children(self)
  end
  if not self.oldest then
    finish(self)
  end
end

-- Nobody catches the error: what the function holds for the length of a block (Lua 5.4) is to be closed all the same.
local function fail(self, err)
  remember_failure(self, err, debug.traceback(self.thread))
  compat.close(self.thread)
  end_function(self)
end

---Ends a task that somebody else than the scheduler has run.
---@param self table
---@param failure table|nil  { error, traceback }
---@param results table|nil  what its function returned, packed
function task.ended(self, failure, results)
  if failure then
    remember_failure(self, failure.error, failure.traceback)
  else
    self.results = results
  end
  end_function(self)
end

local function after_resume(self, ok, ...)
  if not ok then
    fail(self, (...))
  elseif status(self.thread) == "dead" then
    self.results = pack(...)
    end_function(self)
  elseif ... ~= WAITING then
    fail(self, "attempt to yield from outside a coroutine") -- nobody would resume it
  end
end

local function run_one(self, one)
  local before = self.current
  self.current = one
  local arguments = one.arguments
  one.arguments = nil
  if arguments and one.interruption then
    after_resume(one, false, one.interruption.error) -- it never began
  elseif arguments then
    after_resume(one, resume(one.thread, unpack(arguments, 1, arguments.n)))
  else
    after_resume(one, resume(one.thread))
  end
  self.current = before
end

---Resumes each task that is ready now, once, in order.
function scheduler:run_ready()
  local ready, last = self.ready, self.last
  self.ready, self.last = {}, 0
  for i = 1, last do
    run_one(self, ready[i])
  end
end

---Whether any task may go on.
function scheduler:has_ready()
  return self.last > 0
end

---Makes a task of fn(...), a child of `parent` (nil: of nobody). It begins when the scheduler runs next.
---@return table task
function scheduler:spawn(parent, fn, ...)
  local self_task = setmetatable({
    scheduler = self,
    thread = not self.start and create(fn) or nil,
    fn = self.start and fn,
    parent = parent,
    arguments = pack(...),
  }, class)
  if parent then
    add_child(parent, self_task)
  end
  self.alive = self.alive + 1
  if self.start then
    self.start(self_task)
  else
    make_ready(self_task)
  end
  if parent and parent.canceled then
    self_task:cancel(parent.canceled)
  end
  return self_task
end

---A task without a parent that failed while nobody waited for it; each is told once.
function scheduler:take_stray()
  local stray = table.remove(self.strays, 1)
  while stray and stray.heard do -- somebody has asked since
    stray = table.remove(self.strays, 1)
  end
  return stray
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
  if self.finished or self.canceled then
    return
  end
  self.canceled = reason or canceled_error()
  interrupt(self, { error = self.canceled, lasting = true })
  if self.ended then
    remember_failure(self, self.canceled, "[the task had ended, and waited for those that it spawned]")
  end
  cancel_children(self, self.canceled)
end

---Cancels a task whose outcome nobody wants any more, not even an error.
function task.dismiss(self)
  self.heard = true
  self:cancel()
end

---"running" (also while it waits), "done", "failed" or "canceled".
function methods:status()
  check_self(self, "status")
  if not self.finished then
    return "running"
  elseif not self.failed then
    return "done"
  end
  return fell_to_cancel(self) and "canceled" or "failed"
end

---Raises an error that was raised elsewhere before, in the task that runs, if one does: it remembers where.
function task.raise(owner, err, traceback)
  local me = owner.current or owner:running_task()
  if me then
    me.inherited = { error = err, traceback = traceback }
  end
  error(err, 0)
end

-- Marks that somebody hears of the error, and raises it there.
local function outcome(self)
  self.heard = true
  if self.failed then
    task.raise(self.scheduler, self.error, self.traceback)
  end
  return unpack(self.results, 1, self.results.n)
end

local function stop_waiting(waiting)
  local waiters = waiting.target.waiters
  for i = #waiters, 1, -1 do
    if waiters[i] == waiting.task then
      table.remove(waiters, i)
    end
  end
end

---Waits until the task is over. Returns what its function returned, raises what it raised.
function methods:wait()
  check_self(self, "wait")
  if not self.finished then
    local me = self.scheduler:running_task()
    if not me then
      self.heard = true
      self.scheduler.block(self)
      return outcome(self)
    end
    for ancestor in task.lineage(me) do
      if ancestor == self then
        error("a task cannot wait for itself, nor for one that waits for it as its child", 2)
      end
    end
    self.waiters = self.waiters or {}
    self.waiters[#self.waiters + 1] = me
    task.park(me, stop_waiting, { target = self, task = me })
  end
  return outcome(self)
end

---Where the task's error was raised, in its own stack and those of the tasks below that it came from; nil when it has not failed.
---@return string|nil
function methods:where()
  check_self(self, "where")
  return self.traceback
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

return task

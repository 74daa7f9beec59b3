-- How tasks end: with their function and with those below them, by an error, or canceled; and who hears of an error.
--
-- An error is heard by who waits for the task, else by its parent, which it interrupts. No error is lost: one of a task whose waiter was itself
-- interrupted goes to the parent after all, and one raised in cleaning up after a cancellation counts more than that.
local chain = require "gitdev.task.chain"
local waiting = require "gitdev.task.waiting"

local ending = {}

-- Tracebacks of tasks below tasks are joined up to about here: of very many, the lowest ones tell enough.
local TRACEBACK_MAX = 32768

-- ---- why a task fails ----

local function canceled_error()
  return require("gitdev.error").new { type = "canceled_error", code = "canceled", message = "the task was canceled." }
end

---Whether a task failed by being canceled, and of nothing else.
function ending.fell_to_cancel(self)
  return self.canceled ~= nil and rawequal(self.error, self.canceled)
end

-- A child's error that passed through unchanged brings where it was raised.
local function full_traceback(self, err, traceback)
  local inherited = self.inherited
  if not (inherited and rawequal(inherited.error, err)) then
    return traceback
  elseif #inherited.traceback > TRACEBACK_MAX then
    return inherited.traceback
  end
  return inherited.traceback .. "\n[the task that spawned it]\n" .. traceback
end

local function remember_failure(self, err, traceback)
  if not self.failed or ending.fell_to_cancel(self) then
    self.failed, self.error, self.traceback = true, err, full_traceback(self, err, traceback)
  end
end

-- A child's error that the task's function does not hear any more: { error, traceback }.
local function take_over(self, childs, why)
  self.inherited = childs
  remember_failure(self, childs.error, why)
end

local ENDED, CANCELED = "[the task that spawned it had ended]", "[the task that spawned it was canceled]"

-- ---- canceling ----

-- The task that follows `one` in the tree below `top`, which is walked without recursion: it may be very deep.
local function next_below(top, one, is_inside)
  if is_inside and one.oldest then
    return one.oldest
  end
  while one ~= top and not one.younger do
    one = one.parent
  end
  return one ~= top and one.younger or nil
end

-- Cancels a task, and none below it. Whether there was anything to cancel.
local function cancel_one(self, reason)
  if self.finished or self.canceled then
    return false
  end
  self.canceled = reason
  local unheard = self.interruption
  if unheard then
    take_over(self, unheard, CANCELED)
  end
  waiting.interrupt(self, { error = reason, lasting = true })
  if self.ended then
    remember_failure(self, reason, "[the task had ended, and waited for those that it spawned]")
  end
  return true
end

local function cancel_below(self, reason)
  reason = reason or self.oldest and canceled_error()
  local one = next_below(self, self, true)
  while one do
    one = next_below(self, one, cancel_one(one, reason))
  end
end

---Cancels a task and those below it. The first reason stays.
function ending.cancel(self, reason)
  reason = reason or canceled_error()
  if cancel_one(self, reason) then
    cancel_below(self, reason)
  end
end

-- ---- who hears of an error ----

-- Without a parent, who runs the tasks is to hear of it: see take_stray.
local function tell_parent(self)
  local parent = self.parent
  while parent and parent.finished do
    parent = parent.parent
  end
  if not parent then
    chain.add(self.scheduler.strays, self)
    return
  end
  local told = { error = self.error, traceback = self.traceback }
  if parent.ended then
    take_over(parent, told, ENDED)
  elseif parent.canceled then
    take_over(parent, told, CANCELED)
  else
    waiting.interrupt(parent, told)
  end
  cancel_below(parent)
end

local function tell_unless_heard(self)
  local is_awaited = self.waiters and self.waiters.oldest
  if self.failed and not self.heard and not is_awaited and not ending.fell_to_cancel(self) then
    tell_parent(self)
  end
end

---Notes that somebody waits for a task's end.
---@param waiter table|nil  a task, which is woken then; nil: who is none, and sees it
---@return table wait  for ending.stop_awaiting
function ending.await(self, waiter)
  local wait = { target = self, task = waiter }
  self.waiters = self.waiters or {}
  chain.add(self.waiters, wait)
  return wait
end

---The wait is over; `is_taken`: whoever waited takes the outcome.
function ending.stop_awaiting(wait, is_taken)
  local target = wait.target
  chain.remove(target.waiters, wait)
  if is_taken then
    target.heard = true
  elseif target.finished then
    tell_unless_heard(target)
  end
end

-- ---- being over ----

local function wake_waiters(self)
  local wait = self.waiters and self.waiters.oldest
  while wait do
    if wait.task then
      waiting.wake(wait.task)
    end
    wait = wait.younger
  end
end

-- The task and all below it are over; so may be those above, of which only children were still to end.
local function finish(self)
  repeat
    local parent = self.parent
    self.finished = true
    self.scheduler.alive = self.scheduler.alive - 1
    wake_waiters(self)
    if parent then
      chain.remove(parent, self)
    end
    tell_unless_heard(self)
    self = parent
  until not self or not self.ended or self.oldest
end

---A task's function has ended.
---@param failure table|nil  { error, traceback }
---@param results table|nil  what it returned, packed
function ending.of_function(self, failure, results)
  if failure then
    remember_failure(self, failure.error, failure.traceback)
  end
  local unheard = self.interruption
  if unheard and not unheard.lasting then
    take_over(self, unheard, ENDED) -- it came while the function waited for something else than gitdev
  end
  self.results, self.ended = results, true
  if self.failed then
    cancel_below(self)
  end
  if not self.oldest then
    finish(self)
  end
end

return ending

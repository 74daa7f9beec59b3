-- How a task waits: it is parked, until it is woken, or interrupted by a cancellation or a child's error.
local yield = coroutine.yield

local waiting = {}

--- What a task yields when it waits; nothing else may yield to the scheduler.
local SIGN = {}

waiting.SIGN = SIGN

local function make_ready(self)
  local owner = self.scheduler
  if owner.wake then
    owner.wake(self)
    return
  end
  owner.last = owner.last + 1
  owner.ready[owner.last] = self
end

waiting.make_ready = make_ready

---Lets a parked task go on, when the scheduler runs next.
---@param self table  the task
function waiting.wake(self)
  if self.parked then
    self.parked = false
    make_ready(self)
  end
end

---Raises what interrupts a task, if anything does: its cancellation, or a child's error.
---@param self table  the running task
function waiting.check(self)
  local interruption = self.interruption
  if interruption then
    interruption.raised = true
    if not interruption.lasting then
      self.interruption, self.inherited = nil, interruption
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

-- A task that catches its cancellation again and again, and goes on, still lets the others have their turns.
local function give_way(self)
  if self.interruption.raised and not self.scheduler.rest then
    make_ready(self)
    yield(SIGN)
  end
end

---Waits until somebody wakes this task. Raises what interrupts it instead.
---@param self table       the running task
---@param release function|nil  release(subject): called when it is interrupted, to take back what it waits for, which may have come by then
function waiting.park(self, release, subject)
  self.release, self.subject = release, subject
  if self.interruption then
    take_back(self)
    give_way(self)
  else
    self.parked = true
    if self.scheduler.rest then
      self.scheduler.rest(self)
    else
      yield(SIGN)
    end
    self.release, self.subject = nil, nil
  end
  if self.interruption then
    waiting.check(self)
  end
end

---Has an error raised in a task that is not over: at once if it waits, else when it next does. The first stays the reason; only a cancellation
---takes the place of an error.
---@param interruption table  { error, traceback, lasting: each wait raises it from now on }
function waiting.interrupt(self, interruption)
  local before = self.interruption
  if before and (before.lasting or not interruption.lasting) then
    return
  end
  self.interruption = interruption
  take_back(self)
  waiting.wake(self)
end

return waiting

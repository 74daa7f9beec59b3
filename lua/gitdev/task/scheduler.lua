-- Who may go on: the tasks of one world, those that are ready, and the one that runs.
local chain = require "gitdev.task.chain"
local compat = require "gitdev.compat"
local ending = require "gitdev.task.ending"
local waiting = require "gitdev.task.waiting"

local running, resume, status = compat.running, coroutine.resume, coroutine.status
local pack, unpack = compat.pack, compat.unpack
local SIGN = waiting.SIGN

-- A list that was longer is not used again: it would keep its memory.
local KEPT = 1024

local scheduler = {}
local class = { __index = scheduler }

---Where somebody else resumes coroutines (nginx), its owner sets: start(task) begins one, whose function is task.fn; rest(task) returns when the
---running one is woken; wake(task); and running_task(). Then task.ended() is called when the function has ended.
---@param block fun(task: table, wait: table)  turns the world, outside of all tasks, until the task is over; or sets wait.task, which is woken then
---@param task_class table  the metatable of tasks
function scheduler.new(block, task_class)
  return setmetatable({
    ready = {}, -- tasks, from `first` to `last`
    first = 1,
    last = 0,
    alive = 0, -- tasks that are not over
    strays = {}, -- a chain of tasks without a parent whose error nobody has heard
    current = nil, -- the task that is being resumed
    block = block,
    task_class = task_class,
  }, class)
end

---The task that runs now, if the caller is it and may yield; nil in the main chunk, and in a coroutine of the program's own.
function scheduler:running_task()
  local current = self.current
  if current and current.thread == running() and compat.isyieldable() then
    return current
  end
  return nil
end

-- Its coroutine has ended, or will not be resumed. What is closed by that (Lua 5.4: what the function held for the length of a block) is no task's
-- running code any more.
local function let_go(self)
  local thread = self.thread
  self.thread = nil
  compat.close(thread)
end

local function fail(self, err)
  local traceback = self.is_dismissed and "" or debug.traceback(self.thread)
  let_go(self)
  ending.of_function(self, { error = err, traceback = traceback })
end

local function after_resume(self, ok, ...)
  if not ok then
    fail(self, (...))
  elseif status(self.thread) == "dead" then
    self.thread = nil
    ending.of_function(self, nil, pack(...))
  elseif ... ~= SIGN then
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
---@param is_over fun(): boolean|nil  asked after each: whether those behind it are left for the next time, as the first
---@return boolean over  what it said of the last one
function scheduler:run_ready(is_over)
  local ready, last, over = self.ready, self.last, false
  while self.first <= last and not over do
    local one = ready[self.first]
    ready[self.first] = nil
    self.first = self.first + 1
    run_one(self, one)
    over = is_over ~= nil and is_over()
  end
  local list = last > KEPT and {} or ready -- made before it is asked whether the old one is empty: a finalizer that runs meanwhile may spawn
  if self.first > self.last then
    self.ready, self.first, self.last = list, 1, 0
  end
  return over
end

---Whether any task may go on.
function scheduler:has_ready()
  return self.first <= self.last
end

---Makes a task of fn(...), a child of `parent` (nil: of nobody). It begins when the scheduler runs next.
---@return table task
function scheduler:spawn(parent, fn, ...)
  local task = setmetatable({
    scheduler = self,
    thread = not self.start and compat.create(fn) or nil,
    fn = self.start and fn,
    parent = parent,
    arguments = pack(...),
  }, self.task_class)
  if parent then
    chain.add(parent, task)
  end
  self.alive = self.alive + 1
  if self.start then
    self.start(task)
  else
    waiting.make_ready(task)
  end
  if parent and parent.canceled then
    ending.cancel(task, parent.canceled)
  end
  return task
end

---A task without a parent that failed while nobody waited for it; each is told once.
function scheduler:take_stray()
  local stray
  repeat
    stray = self.strays.oldest
    if stray then
      chain.remove(self.strays, stray)
    end
  until not stray or not stray.heard -- else somebody has asked since
  return stray
end

return scheduler

--- The event loop of this Lua state: tasks, sleeping, calls under way, and services (an emulator, a receiver) that run
-- beside them.
--
-- C never yields and never calls Lua. Here a task yields until what it waits for has come; code outside of the loop's tasks (or in
-- a coroutine of its own) blocks instead, in turns that serve I/O and services and resume no task.
local core = require "gitdev.core"
local compat = require "gitdev.compat"
local schedule = require "gitdev.schedule"

local loop = {}

local running = compat.running
local function nothing() end

local settings = { on_open = nothing, on_resume = nothing, interrupted = nothing }

-- What a task yields when it waits for the loop; nothing else may yield to it.
local WAITING = {}
local context -- made on first use: a script that makes no call pays for none of it

local function open()
  if not context then
    local net = require "gitdev.net"
    local handle = net.loop()
    context = {
      handle = handle,
      sleepers = schedule.new(),
      waiting = {}, -- by call: the task that waits for it
      ready = {}, -- tasks to be resumed, in order
      services = {},
      due = nil, -- when a service wants to be called anyway
      engine = nil, -- made with the first call
    }
    settings.on_open(handle:handle())
  end
  return context
end

local current -- the task that is being resumed

local function open_engine(self)
  self.engine = self.engine or require("gitdev.net").engine(self.handle, settings)
  return self.engine
end

--- Settings, before the first call: { connect_to = "HOST:PORT:HOST:PORT" reaches the first at the second, on_open = function(handle) is told
-- the loop's handle for C (a light userdata) when it is made, on_resume = function(thread) which task's thread runs from now on (nil: none),
-- interrupted = function() is asked after each wait whether to raise an error from it }.
function loop.configure(options)
  assert(not (context and context.engine), "calls have been made already")
  for name, value in pairs(options) do
    settings[name] = value
  end
end

--- Seconds of the monotonic clock.
loop.now = core.now

local function make_ready(self, task)
  self.ready[#self.ready + 1] = task
end

local function call_services(self)
  local due
  for _, service in ipairs(self.services) do
    local wait = service()
    if wait and (not due or wait < due) then due = wait end
  end
  self.due = due and core.now() + due
end

local function collect(self)
  local engine, waiting = self.engine, self.waiting
  local call = engine and engine:completed()
  while call do
    local task = waiting[call]
    if task then
      waiting[call] = nil
      make_ready(self, task)
    end
    call = engine:completed()
  end
end

local function wake_sleepers(self, now)
  local timer = self.sleepers:take(now)
  while timer do
    timer.action(self, timer.subject)
    timer = self.sleepers:take(now)
  end
end

--- How long the next wait may be: until the earliest of what is due, at most `limit` seconds (nil: without end).
local function patience(self, limit)
  local due = self.sleepers:next_due()
  if self.due and (not due or self.due < due) then due = self.due end
  if not due then return limit end
  local wait = due - core.now()
  if wait < 0 then wait = 0 end
  if limit and limit < wait then return limit end
  return wait
end

--- One turn: waits for I/O, lets services answer, and notes which tasks may go on, without resuming them.
local function turn(self, limit)
  self.handle:step(patience(self, limit))
  if settings.interrupted() then error("interrupted", 0) end
  if self.services[1] then call_services(self) end
  collect(self)
  wake_sleepers(self, core.now())
end

--- The running task, if it is a task of the loop and may yield here.
local function yielding_task()
  if current and current.thread == running() and compat.isyieldable() then return current end
  return nil
end

--- Waits until `call` is done: yields in a task, blocks elsewhere.
function loop.perform(call)
  local self = open()
  open_engine(self):submit(call)
  local task = yielding_task()
  if task and not call:done() then
    self.waiting[call] = task
    coroutine.yield(WAITING)
    return
  end
  while not call:done() do
    turn(self)
  end
  collect(self)
end

--- Waits for some seconds: yields in a task, blocks elsewhere.
function loop.sleep(seconds)
  local self = open()
  local due = core.now() + seconds
  local task = yielding_task()
  if task then
    self.sleepers:at(due, make_ready, task)
    coroutine.yield(WAITING)
    return
  end
  local left = seconds
  while left > 0 do
    turn(self, left)
    left = due - core.now()
  end
end

local function fail(task, err)
  task.failed, task.error = true, err
  task.traceback = debug.traceback(task.thread)
  task.finished = true
end

local function finish(task, ok, ...)
  if not ok then
    fail(task, (...))
  elseif coroutine.status(task.thread) == "dead" then
    task.results = compat.pack(...)
    task.finished = true
  elseif ... ~= WAITING then
    fail(task, "attempt to yield from outside a coroutine") -- nobody would ever resume it
  end
end

local function resume(task, ...)
  local before, on_resume = current, settings.on_resume
  current = task
  on_resume(task.thread)
  finish(task, coroutine.resume(task.thread, ...))
  current = before
  on_resume(before and before.thread)
end

local function resume_ready(self)
  local ready = self.ready
  self.ready = {}
  for _, task in ipairs(ready) do
    resume(task)
  end
end

--- Runs fn(...) as a task, turning the loop until it has ended. Returns true and its results, or false, its error and the traceback
-- of where it was raised. Not for use inside a task.
function loop.attempt(fn, ...)
  local task = { thread = coroutine.create(fn) }
  resume(task, ...)
  while not task.finished do
    local self = open()
    if self.ready[1] then
      resume_ready(self)
    else
      turn(self)
    end
  end
  if task.failed then return false, task.error, task.traceback end
  return true, compat.unpack(task.results, 1, task.results.n)
end

local function pass(ok, ...)
  if not ok then error((...), 0) end
  return ...
end

--- Runs fn(...) as a task, turning the loop until it has ended. Returns what it returns, raises what it raises.
-- Inside a task it just calls fn.
function loop.run(fn, ...)
  if yielding_task() then return fn(...) end
  return pass(loop.attempt(fn, ...))
end

--- Forgets all tasks, where they stand: none is resumed any more. For a host whose user has broken off what ran.
function loop.abandon()
  current = nil
  if context then
    context.waiting, context.ready, context.sleepers = {}, {}, schedule.new()
  end
end

--- Has `service()` called after each turn. It must not block; it returns the seconds after which it wants to be called anyway, or nil.
function loop.serve(service)
  local self = open()
  self.services[#self.services + 1] = service
  call_services(self)
end

function loop.unserve(service)
  local services = open().services
  for i = #services, 1, -1 do
    if services[i] == service then table.remove(services, i) end
  end
end

--- Makes a listener on the loop; see net.listener.
function loop.listen(options)
  return require("gitdev.net").listener(open().handle, options)
end

--- Closes what the loop holds: calls under way end as canceled, connections are closed. Using it again makes a new one.
function loop.close()
  if not context then return end
  local self = context
  context = nil
  if self.engine then self.engine:close() end
  self.handle:close()
end

return loop

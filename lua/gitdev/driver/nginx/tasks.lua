-- Tasks in nginx: the tree of gitdev.task, each task a light thread of its request. They wait on semaphores, so that what interrupts a task ends
-- its wait at once.
local core = require "gitdev.core"
local compat = require "gitdev.compat"
local phase = require "gitdev.driver.nginx.phase"
local task = require "gitdev.task"
local waiter_of = require "gitdev.driver.nginx.waiter"

local tasks = {}

local now = core.now
local LONG = 3600
-- A pause of 0 is one that nginx warns of.
local SHORTEST = 0.001

-- A request's tasks stand in its context, by their coroutine: nginx uses a coroutine again for other requests.
local KEY = "gitdev.tasks"

local function of_request()
  local context = ngx.ctx
  local own = context[KEY]
  if not own then
    own = { tasks = {}, ended = {} }
    context[KEY] = own
  end
  return own
end

-- Coroutines that have been tasks: so that a request without any is not asked for its context, which would make one. Of those that died without a
-- word some are another request's by now.
local known = setmetatable({}, { __mode = "k" })

---The task that runs, or nil.
function tasks.current()
  local running = coroutine.running()
  if not known[running or known] then
    return nil
  end
  local own = ngx.ctx[KEY]
  local one = own and own.tasks[running]
  known[running] = one and true
  return one
end

-- ---- waiting ----

-- Fires what is due of the timers that a task has set. Returns the seconds until the next one.
local function fire(one)
  local least
  for timer in pairs(one.timers or {}) do
    if timer.due <= now() then
      one.timers[timer] = nil
      timer.action(timer.subject)
    elseif not least or timer.due < least then
      least = timer.due
    end
  end
  return least and least - now() or LONG
end

-- Waits until the task is woken, or its waiter posted, at most so many seconds.
local function rest(one, seconds)
  one.parked = true
  local left = fire(one)
  if one.parked then
    one.waiter:wait(math.min(left, seconds or LONG))
  end
  local woken = not one.parked
  one.parked = false
  fire(one)
  return woken
end

---Raises what interrupts a task, if anything does.
---@param me table|nil  the running task; nil: none runs
function tasks.check(me)
  if me then
    task.check(me)
  end
end

---What the running coroutine waits on: the task's own waiter, or one that is to be given back.
---@return table waiter
---@return table|nil me  the running task
function tasks.waiter()
  local me = tasks.current()
  return me and me.waiter or waiter_of.new(), me
end

---Gives back what tasks.waiter() gave.
function tasks.done_with(waiter, me)
  if not me then
    waiter:rest()
  end
end

---Waits on what tasks.waiter() gave. Raises what interrupts the task.
---@param me table|nil
---@param waiter table
---@param seconds number
function tasks.wait(me, waiter, seconds)
  if not me then
    waiter:wait(seconds)
    return
  end
  task.check(me)
  rest(me, seconds)
  task.check(me)
end

---Waits some seconds.
function tasks.sleep(seconds)
  phase.check "gitdev.sleep"
  local due, me = now() + seconds, tasks.current()
  if not me then
    ngx.sleep(math.max(seconds, SHORTEST))
    return
  end
  repeat
    tasks.wait(me, me.waiter, math.max(0, due - now()))
  until now() >= due
end

-- ---- the scheduler ----

local function block(one, wait)
  local me = { parked = true, waiter = waiter_of.new(), scheduler = one.scheduler }
  wait.task = me
  while not one.finished do
    me.waiter:wait(LONG)
  end
  me.waiter:rest()
end

local scheduler = task.scheduler(block)

function scheduler.running_task()
  return tasks.current()
end

-- In place of the queue of those that are ready.
function scheduler.wake(one)
  if one.waiter then
    one.waiter:post()
  end
end

function scheduler.rest(one)
  while not rest(one) do -- luacheck: ignore 542
  end
end

-- Nobody waits for a light thread that has ended, and nginx keeps it until its parent ends: so its parent takes it away when it makes another.
local function tidy_up(own, parent)
  local ended = own.ended[parent] or {}
  for index = #ended, 1, -1 do
    if ended[index].finished then
      pcall(ngx.thread.wait, ended[index].thread)
      table.remove(ended, index)
    end
  end
  own.ended[parent] = ended
  return ended
end

local function traced(err)
  return { error = err, traceback = debug.traceback("", 2) }
end

-- A light thread begins at once: it waits until whoever made it goes on.
local function run(own, one)
  one.waiter:wait(LONG)
  local me = coroutine.running()
  own.tasks[me], known[me] = one, true
  local arguments = one.arguments
  one.arguments = nil
  local results = compat.pack(xpcall(function()
    task.check(one)
    return one.fn(compat.unpack(arguments, 1, arguments.n))
  end, traced))
  own.tasks[me], own.ended[me] = nil, nil
  local failure = not results[1] and results[2]
  task.ended(one, failure, failure or { n = results.n - 1, compat.unpack(results, 2, results.n) })
  local stray = scheduler:take_stray()
  if stray then
    local said = tostring(stray.error) .. "\n" .. (stray.traceback or "")
    ngx.log(ngx.ERR, "a task failed, and nobody waits for it: ", core.redact(said))
  end
end

function scheduler.start(one)
  phase.check "a task"
  local own = of_request()
  local ended = tidy_up(own, coroutine.running() or "main")
  one.waiter = waiter_of.new()
  one.thread = ngx.thread.spawn(run, own, one)
  ended[#ended + 1] = one
  one.waiter:post()
end

---Makes a task of fn(...), below the running one.
---@return table task
function tasks.spawn(fn, ...)
  return scheduler:spawn(tasks.current(), fn, ...)
end

---Calls action(subject) at a time of now(), in a wait of the running task.
function tasks.schedule(at, action, subject)
  local me = assert(tasks.current(), "in nginx a timer belongs to a task: gitdev.run makes one")
  local timer = { due = at, action = action, subject = subject, owner = me }
  me.timers = me.timers or {}
  me.timers[timer] = true
  return timer
end

function tasks.unschedule(timer)
  timer.owner.timers[timer] = nil
end

---Raises an error that was raised elsewhere before; `traceback` says where.
function tasks.raise(err, traceback)
  task.raise(scheduler, err, traceback)
end

return tasks

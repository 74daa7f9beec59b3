-- The event loop of this Lua state: time, sleeping, tasks, calls under way, and services (an emulator, a receiver) that run beside the tasks.
--
-- C never yields and never calls Lua. Here a task yields until what it waits for has come; code outside of the loop's tasks (or in
-- a coroutine of its own) blocks instead, in turns that serve I/O and services and resume no task.
local compat = require "gitdev.compat"

if compat.in_nginx then
  return require "gitdev.driver.nginx.loop"
end

local calls = require "gitdev.loop.calls"
local schedule = require "gitdev.schedule"
local task = require "gitdev.task"
local turning = require "gitdev.loop.turning"
local worlds = require "gitdev.loop.worlds"

local open, present, settings = worlds.open, worlds.present, worlds.settings

local loop = {
  start = calls.start,
  await = calls.await,
  perform = calls.perform,
  cancel = calls.cancel,
  cancel_all = calls.cancel_all,
  resume = calls.resume,
  poke = calls.poke,
  warm = calls.warm,
  turn_until = turning.turn_until,
  step = turning.step,
}

-- What few programs use is loaded when it is first called: sockets.lua, errands.lua and services.lua say what it does.
for name, room in pairs {
  open = "sockets", await_socket = "sockets",
  post = "errands", unpost = "errands", ask = "errands", unask = "errands", unlink = "errands", answer = "errands",
  serve = "services", serves = "services", unserve = "services", listen = "services",
} do
  loop[name] = function(...)
    loop[name] = require("gitdev.loop." .. room)[name]
    return loop[name](...)
  end
end

-- ---- the world ----

--- Settings, before the first call: { connect_to = "HOST:PORT:HOST:PORT" reaches the first at the second, on_open = function(handle) is told
-- the loop's handle for C (a light userdata) when it is made, and nil when it is closed,
-- interrupted = function() is asked after each wait whether to raise an error from it; hold, held: see loop.hold_signals }.
loop.configure = worlds.configure

--- Runs fn(...) in another world, and comes back. `other` has now() and time(), seconds; wait(self, limit): lets at most `limit` seconds pass
-- (nil: until something happens); engine: what calls are handed to, with the methods of net.engine; timers: a gitdev.schedule, which the loop
-- fires; driver: what clients send with by default.
loop.within = worlds.within

--- The driver of clients that name none.
function loop.driver()
  return present().driver or require "gitdev.driver.curl"
end

--- Seconds of the monotonic clock.
function loop.now()
  return present().now()
end

--- Seconds since the Unix epoch, with their fraction.
function loop.time()
  return present().time()
end

--- Forgets all tasks, where they stand: none is resumed any more. For a host whose user has broken off what ran.
loop.abandon = worlds.abandon

--- Closes what the loop holds: calls under way end as canceled, connections are closed. Using it again makes a new one.
loop.close = worlds.close

--- Under the host: while on, a first signal interrupts nothing, but ends the wait, and loop.held_signal() tells its number; so a service can end
-- in good order. Switched off, what is held interrupts as ever. A second signal is not held. Elsewhere the signals are the program's own.
function loop.hold_signals(on)
  settings.hold(on)
end

function loop.held_signal()
  return settings.held()
end

-- ---- time ----

--- Calls `action(subject)` at a time of now(), from the loop's turn: it must not wait. Returns a timer for loop.unschedule.
function loop.schedule(at, action, subject)
  return open().sleepers:at(at, action, subject)
end

function loop.unschedule(timer)
  schedule.cancel(nil, timer)
end

--- Waits for some seconds: yields in a task, blocks elsewhere. For 0 the others still have their turn.
function loop.sleep(seconds)
  if type(seconds) ~= "number" or seconds ~= seconds or seconds < 0 or seconds == math.huge then
    require("gitdev.error").misuse { message = "sleep takes a number of seconds from 0, got " .. tostring(seconds) .. "." }
  end
  local self = open()
  local due = self.now() + seconds
  local me = self.tasks:running_task()
  if me then
    task.park(me, loop.unschedule, self.sleepers:at(due, task.wake, me))
    return
  end
  local left = seconds
  repeat
    turning.turn_blocking(self, left)
    left = due - self.now()
  until left <= 0
end

-- ---- tasks ----

--- Runs fn(...) as a task and all that it spawns, turning the loop until they have ended. Returns true and its results, or false, its error
-- and the traceback of where it was raised. Not for use inside a task.
function loop.attempt(fn, ...)
  local one = open().tasks:spawn(nil, fn, ...)
  one.heard = true
  turning.turn_until(one)
  if one.failed then
    return false, one.error, one.traceback
  end
  return true, compat.unpack(one.results, 1, one.results.n)
end

--- Raises an error that was raised elsewhere before; `traceback` says where.
function loop.raise(err, traceback)
  task.raise(open().tasks, err, traceback)
end

--- Makes a task of fn(...). It begins when the loop turns next. Inside a task it is a child of that one: see gitdev.task.
---@return table task
function loop.spawn(fn, ...)
  if type(fn) ~= "function" then
    require("gitdev.error").misuse { message = "a task is made of a function, got a " .. type(fn) .. "." }
  end
  local tasks = open().tasks
  return tasks:spawn(tasks.current, fn, ...)
end

--- The task that runs, or nil.
function loop.current()
  return open().tasks:running_task()
end

--- Runs fn(...) as a task, and all that it spawns. Returns what fn returns, raises what it, or a task below it, raises.
function loop.run(fn, ...)
  local self = open()
  if not self.tasks:running_task() then
    turning.check_outside(self) -- before there is a task that nobody waits for
  end
  return loop.spawn(fn, ...):wait()
end

return loop

-- gitdev.loop in nginx: nginx owns the loop, so there is none to be turned. The same functions, over light threads and nginx's timers; nothing
-- ever blocks the worker.
local core = require "gitdev.core"
local engine = require "gitdev.driver.nginx.engine"
local errors = require "gitdev.error"
local tasks = require "gitdev.driver.nginx.tasks"

local loop = {
  now = core.now,
  time = core.time,
  perform = engine.perform,
  start = engine.start,
  await = engine.await,
  resume = engine.resume,
  cancel = engine.cancel,
  cancel_all = engine.cancel_all,
  current = tasks.current,
  schedule = tasks.schedule,
  unschedule = tasks.unschedule,
  raise = tasks.raise,
}

function loop.driver()
  return require "gitdev.driver.nginx"
end

--- See gitdev.loop.
function loop.sleep(seconds)
  if type(seconds) ~= "number" or seconds ~= seconds or seconds < 0 or seconds == math.huge then
    errors.misuse { message = "sleep takes a number of seconds from 0, got " .. tostring(seconds) .. "." }
  end
  tasks.sleep(seconds)
end

function loop.spawn(fn, ...)
  if type(fn) ~= "function" then
    errors.misuse { message = "a task is made of a function, got a " .. type(fn) .. "." }
  end
  return tasks.spawn(fn, ...)
end

function loop.run(fn, ...)
  return loop.spawn(fn, ...):wait()
end

-- What needs a loop of our own, by what stands in its place.
local TURNS = "nginx turns the loop"
local SERVER = "nginx is the server: let a location call what a %s would"
local SOCKETS = "its sockets are nginx's"
local OTHERS = "requests to others than the API are made with nginx's own sockets"
local SIGNALS = "signals are nginx's"
for name, instead in pairs {
  step = TURNS .. ": calls wait without it, and gitdev.spawn starts what is to run beside",
  turn_until = TURNS, attempt = TURNS, configure = TURNS, abandon = TURNS, close = TURNS,
  within = "there are no virtual worlds in nginx: test with gitdev.test outside of it, or with gitdev emulator",
  listen = SERVER:format "listener",
  serve = SERVER:format "service", serves = SERVER:format "service", unserve = SERVER:format "service",
  post = OTHERS, unpost = OTHERS, ask = OTHERS, unask = OTHERS, unlink = OTHERS, answer = OTHERS,
  open = SOCKETS, await_socket = SOCKETS,
  hold_signals = SIGNALS, held_signal = SIGNALS,
  warm = "a worker's connections are made by its requests",
  poke = "the first in line tends what rate limits are shared through",
} do
  loop[name] = function()
    errors.misuse { type = "config_error", code = "nginx_loop", message = "gitdev." .. name .. " is not for nginx: " .. instead .. "." }
  end
end

return loop

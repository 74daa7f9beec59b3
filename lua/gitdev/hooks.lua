-- Who is told what happens to a client's calls: the program's hooks, and the log. A watched call keeps its events in C; the task that waits
-- for the call takes them from there whenever it has news. A client that nobody watches never comes here.
local compat = require "gitdev.compat"
local core = require "gitdev.core"
local layer = require "gitdev.layer"
local progress = require "gitdev.progress"
local traceparent = require "gitdev.traceparent"

local hooks = {}

-- What a hook is given: gitdev.Moment, see gitdev.describe.classes.

local NAMES = { "on_request", "on_response", "on_retry", "on_wait" }

-- Tells calls apart in the log, for all clients of this Lua state.
local numbered = 0

-- ---- who is told ----

-- The observer that calls a program's functions; nil when it gave none.
local function of_program(given)
  local observer = {}
  for _, name in ipairs(NAMES) do
    local hook = given[name]
    observer[name] = hook and function(moment)
      progress.hide() -- it may print
      hook(moment)
    end
  end
  return next(observer) and observer
end

-- ---- what they are told ----

local function moment_of(record, event)
  event.kind = nil
  event.attempt, event.number = event.number, nil
  event.method, event.path = record.method, record.path
  return event
end

local function tell_of(self, record, event, call)
  local kind = event.kind
  local moment = moment_of(record, event)
  if kind == "request" then
    moment.idempotency_key = moment.idempotency_key and core.redact(moment.idempotency_key)
    moment.traceparent = record.traceparent
    record.tries = moment.attempt
  elseif kind == "wait" then
    moment.reason = "rate limit"
  end
  record.ended = kind == "response" and moment.verdict ~= "retry" and moment.at or nil
  for _, observer in ipairs(self.observers) do
    local hook = observer["on_" .. kind]
    if hook then
      hook(moment, record, call)
    end
  end
end

-- The call is over, or given up, which is told of once.
local function tell_of_end(self, call, given_up)
  local record = self.records[call]
  if not record then
    return
  end
  self.records[call] = nil
  record.canceled = given_up and not record.ended
  for _, observer in ipairs(self.observers) do
    if observer.on_end then
      observer.on_end(record, call)
    end
  end
end

-- Hands out what has happened to a call since the last time. A hook may wait: more may have happened then.
local function tell(self, call)
  local record = self.records[call]
  local events = record and call:events()
  while events do
    for _, event in ipairs(events) do
      tell_of(self, record, event, call)
    end
    events = call:events()
  end
  if call:done() then
    tell_of_end(self, call)
  end
end

-- ---- the driver, with ears ----

-- Does a step of a call, and tells of it. What is raised in it, by a hook or because the task is canceled, leaves no call under way.
local function step(self, call, how)
  local record = self.records[call] or {}
  local ok, err = compat.pcall(function()
    how(call)
    record.started = true
    tell(self, call)
  end)
  if not ok then
    if record.started and self.driver.cancel and not call:done() then
      self.driver.cancel(call)
    end
    tell_of_end(self, call, true)
    error(err, 0)
  end
end

-- A driver that only performs is heard when it has.
local function watched_driver(self)
  local driver, watched = self.driver, {}
  if driver.start and driver.await then
    function watched.start(call)
      step(self, call, driver.start)
    end
    function watched.await(call)
      step(self, call, driver.await)
    end
    function watched.perform(call)
      watched.start(call)
      while not call:done() do
        watched.await(call)
      end
    end
  else
    function watched.perform(call)
      step(self, call, driver.perform)
    end
  end
  if driver.open then
    function watched.open(call)
      local socket
      step(self, call, function()
        socket = driver.open(call)
      end)
      return socket
    end
  end
  function watched.cancel(call)
    driver.cancel(call)
    tell_of_end(self, call, true)
  end
  return setmetatable(watched, { __index = driver })
end

-- ---- making calls that are watched ----

local function new_record(method, path, headers, now)
  numbered = numbered + 1
  return {
    number = numbered,
    began = now,
    tries = 0,
    method = method,
    path = core.redact(path),
    traceparent = traceparent.of(headers),
  }
end

-- Has observers told of all calls that are made and driven by what this returns: functions in place of the C client's call, and a driver. An
-- observer has some of on_request, on_response, on_retry and on_wait, functions of the moment, the call's record and the call; and on_end, of
-- the last two. A record has number, method, path, tries; began, and ended when the last try is over; canceled.
local function watch(made, driver, observers, clock)
  local self = { driver = driver, observers = observers, records = setmetatable({}, { __mode = "k" }) }
  local function call(_, method, path, body, key, headers, timeout, max_retries, now, rarer)
    rarer = rarer or {}
    rarer.watched = true
    local one, problem = made:call(method, path, body, key, headers, timeout, max_retries, now, rarer)
    if one then
      self.records[one] = new_record(method, path, headers, clock())
    end
    return one, problem
  end
  return call, watched_driver(self)
end

-- Has a log hear what the program is told of each call.
local function listen(inner, log)
  local finish, exchange = inner.finish, inner.exchange
  inner.hear, inner.resumes, inner.note = log.hear, log.resumes, log.note
  function inner.finish(value, err)
    return finish(log.hear(value, err))
  end
  function inner.exchange(...)
    return log.hear(exchange(...))
  end
end

---Has the log and the program's hooks told of what happens to a client's calls.
---@param inner table      the client; changed
---@param given gitdev.ClientOptions
---@param level "off"|"info"|"debug"
function hooks.attach(inner, given, level)
  local observers, clock = {}, inner.driver.clock or core.now
  if level ~= "off" then
    local log = require("gitdev.log").new(level, clock)
    log.configured(inner.core)
    listen(inner, log)
    observers[1] = log.observer
  end
  observers[#observers + 1] = of_program(given)
  local call, driver = watch(inner.core, inner.driver, observers, clock)
  inner.core = layer.of(inner.core, { call = call })
  inner.driver, inner.perform = driver, driver.perform
end

return hooks

-- Waits until a thing that has a state machine (contract 3) comes to rest, by reading it again and again.
local errors = require "gitdev.error"
local limits = require "gitdev.api.limits"
local object = require "gitdev.object"
local options_of = require "gitdev.options"
local progress = require "gitdev.progress"
local schema = require "gitdev.schema"

local wait = {}

---@class gitdev.WaitOptions
---@field timeout? number    seconds, 1800 by default
---@field interval? number   seconds between two looks; by default from 0.5, growing to 5
---@field on_change? fun(thing: table, previous: string)  called when the status has changed
---@field quiet? boolean     no progress on stderr
local OPTIONS = { timeout = "seconds", interval = "seconds", on_change = "function", quiet = "boolean" }

local FIRST, GROWTH, LONGEST = 0.5, 1.5, 5

-- The shortest pause that leaves most of a small rate limit to others: when less than half the bucket is left, two tokens' time.
local function shortest(client)
  local limit = client.core:rate_limit()
  local low = limit.per_minute and limit.burst and limit.remaining and limit.remaining < limit.burst / 2
  return low and 2 * 60 / limit.per_minute or 0
end

local function failed_error(thing, spec, states)
  local status = thing[states.field]
  local failure, reason = states.failure and thing[states.failure], states.reason and thing[states.reason]
  local text, code = spec.name .. " " .. tostring(thing[spec.key]), reason
  if type(failure) == "table" then
    local place = failure.stage or failure.job
    code = failure.code
    text = text .. " failed" .. (place and " in " .. place or "") .. ": " .. tostring(failure.message or code)
  else
    text = text .. " was " .. status .. (reason and " (" .. tostring(reason) .. ")" or "")
  end
  return errors.new {
    type = states.error or "response_error",
    code = code or status,
    message = text .. ".",
    [spec.name] = thing,
  }
end

local function timeout_error(thing, spec, states, seconds)
  local text = spec.name .. " " .. tostring(thing[spec.key]) .. " is still " .. tostring(thing[states.field])
  return errors.new {
    type = "timeout_error",
    code = "wait_timeout",
    message = text .. string.format(" after %g seconds.", seconds),
    retryable = true,
    [spec.name] = thing,
  }
end

-- Sleeps, and keeps a live line's seconds running meanwhile.
local function pause(driver, view, thing, states, began, seconds)
  local wake = driver.now() + seconds
  while view.live and wake - driver.now() > 1 do
    driver.sleep(1)
    view:show(thing[states.field], driver.now() - began)
  end
  driver.sleep(math.max(0, wake - driver.now()))
end

-- Reads the thing anew, in what is left of the time. True, or nil and the error.
local function look(client, thing, spec, a, b, left)
  local time = math.min(left, client.timeout or limits.timeout)
  local newer, err = client.run(client, schema.operation(spec.get), a, b, { timeout = time })
  if not newer then
    return nil, err
  end
  object.adopt(thing, newer)
  return true
end

-- Looks until the thing is at rest. True, or nil and the error; nil alone when the time is over.
local function watch(client, thing, spec, a, b, o)
  local states, driver = spec.states, client.driver
  local interval = o.interval or FIRST
  while not states.terminal[thing[states.field]] do
    local left, previous = o.deadline - driver.now(), thing[states.field]
    if left <= 0 then
      return nil
    end
    pause(driver, o.view, thing, states, o.began, math.min(left, o.interval or math.max(interval, shortest(client))))
    local ok, err = look(client, thing, spec, a, b, math.max(0.001, o.deadline - driver.now()))
    if not ok then
      return nil, not (err.type == "timeout_error" and driver.now() >= o.deadline) and err or nil
    end
    o.view:show(thing[states.field], driver.now() - o.began)
    if thing[states.field] ~= previous and o.on_change then
      o.on_change(thing, previous)
    end
    interval = math.min(LONGEST, interval * GROWTH)
  end
  return true
end

---Waits for a thing.
---@param client table
---@param thing table
---@param spec table
---@param a any   its path parameters
---@param b any
---@param options gitdev.WaitOptions|nil
---@return table|nil thing
---@return gitdev.Error|nil  of the type that the state machine names ("deployment_failed", with err.deployment); a
---  timeout_error; or what kept it from looking
function wait.run(client, thing, spec, a, b, options)
  if options ~= nil and type(options) ~= "table" then
    errors.misuse { code = "invalid_type", message = "the options of wait must be a table, such as { timeout = 600 }." }
  end
  local given = options or {}
  options_of.check(given, OPTIONS, "wait")
  local states, driver = spec.states, client.driver
  local began, timeout = driver.now(), given.timeout or limits.wait_timeout
  local view = progress.new(given.quiet and "off" or client.progress, driver, tostring(thing.project or thing[spec.key]))
  view:show(thing[states.field], 0)
  local ok, err = watch(client, thing, spec, a, b, {
    began = began,
    deadline = began + timeout,
    interval = given.interval,
    on_change = given.on_change,
    view = view,
  })
  local result = states.terminal[thing[states.field]]
  view:close(driver.now() - began, ok and result == "ok" and thing.url or nil)
  if ok and result == "ok" then
    return thing
  end
  return nil, err or ok and failed_error(thing, spec, states) or timeout_error(thing, spec, states, timeout)
end

return wait

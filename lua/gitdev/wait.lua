-- Waits until a thing that has a state machine (contract 3) comes to rest, by reading it again and again.
local errors = require "gitdev.error"
local limits = require "gitdev.api.limits"
local object = require "gitdev.object"
local options_of = require "gitdev.options"
local progress = require "gitdev.progress"
local schema = require "gitdev.schema"

local wait = {}

-- gitdev.WaitOptions, see gitdev.describe.classes.
local OPTIONS = { timeout = "seconds", interval = "seconds", on_change = "function", quiet = "boolean" }

-- Seconds between two looks: a tenth more each time, so that a change is noticed late by about a tenth of the time it took; from the
-- beginning again after a change, as the next may follow soon.
local FIRST, GROWTH, LONGEST = 0.5, 1.1, 5

-- The shortest pause that leaves most of a small rate limit to others: when less than half the bucket is left, two tokens' time.
local function shortest(client)
  local limit = client.core:rate_limit()
  local low = limit.per_minute and limit.burst and limit.remaining and limit.remaining < limit.burst / 2
  return low and 2 * 60 / limit.per_minute or 0
end

-- Why a thing did not come to a good end: the code, and the sentence.
local function reason_of(thing, states)
  local failure, reason = thing[states.failure], thing[states.reason]
  if type(failure) == "table" then
    local place = failure.stage or failure.job
    return failure.code, "failed" .. (place and " in " .. place or "") .. ": " .. tostring(failure.message or failure.code)
  end
  return reason, "ended as " .. thing[states.field] .. (reason and " (" .. tostring(reason) .. ")" or "")
end

local function failed_error(thing, spec, states)
  local code, text = reason_of(thing, states)
  return errors.new {
    type = states.error,
    code = code or thing[states.field],
    message = spec.name .. " " .. tostring(thing[spec.key]) .. " " .. text:gsub("%.$", "") .. ".",
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
  local newer, err = client.run(client, schema.operation(spec.get), a, b, nil, { timeout = time })
  if not newer then
    return nil, err
  end
  object.adopt(thing, newer)
  return true
end

-- Tells of a look: to the view, and, if the status has changed, to on_change, which may print or raise.
local function tell(thing, states, previous, o, seconds)
  local status = thing[states.field]
  if status ~= previous and o.on_change then
    o.view:hide()
    o.on_change(thing, previous)
  end
  if not states.terminal[status] then
    o.view:show(status, seconds)
  end
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
    tell(thing, states, previous, o, driver.now() - o.began)
    interval = thing[states.field] ~= previous and FIRST or math.min(LONGEST, interval * GROWTH)
  end
  return true
end

-- Waits for a thing that is not at rest, and shows how it goes. Answers as watch() does.
local function show_and_watch(client, thing, spec, a, b, o)
  local field, driver = spec.states.field, client.driver
  local name = tostring(thing.project or thing[spec.key])
  o.view = progress.new(o.quiet and "off" or client.progress, driver, name)
  o.view:show(thing[field], 0)
  local ok, err = watch(client, thing, spec, a, b, o)
  local good = ok and spec.states.terminal[thing[field]] == "ok"
  o.view:close(thing[field], driver.now() - o.began, good and thing.url or nil)
  return ok, err
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
  options_of.check(options or {}, OPTIONS, "wait")
  local o, states = { began = client.driver.now() }, spec.states
  for name, value in pairs(options or {}) do
    o[name] = value
  end
  local timeout = o.timeout or limits.wait_timeout
  o.deadline = o.began + timeout
  if not states.terminal[thing[states.field]] then
    local ok, err = show_and_watch(client, thing, spec, a, b, o)
    if not ok then
      return nil, err or timeout_error(thing, spec, states, timeout)
    end
  end
  if states.terminal[thing[states.field]] ~= "ok" then
    return nil, failed_error(thing, spec, states)
  end
  return thing
end

return wait

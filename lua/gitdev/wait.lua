-- Waits until a thing that has a state machine (contract 3) comes to rest: by reading it again and again, and where it has a log, after some
-- looks, by listening to what the log's stream tells of its status (contract 2.5).
local compat = require "gitdev.compat"
local errors = require "gitdev.error"
local limits = require "gitdev.api.limits"
local listening = require "gitdev.wait.listening"
local object = require "gitdev.object"
local options_of = require "gitdev.options"
local progress = require "gitdev.progress"
local schema = require "gitdev.schema"
local turns = require "gitdev.wait.turns"

local wait = {}
local methods = {}
local class = { __index = methods }

-- gitdev.WaitOptions, see gitdev.describe.classes.
local OPTIONS = { timeout = "seconds", interval = "seconds", on_change = "function", quiet = "boolean" }

-- Seconds between two looks: a tenth more each time, so that a change is noticed late by about a tenth of the time it took; from the
-- beginning again after a change, as the next may follow soon.
local FIRST, GROWTH, LONGEST = 0.5, 1.1, 5

-- So many looks come first, or one where looks must wait for their turn: for what is at rest by then a stream would be one request more, not less.
local LOOKS_FIRST = 3

-- A script that has waited for a build should not end with a server that is away for some seconds.
local FAILURES_MAX = 5

-- ---- how it ends ----

-- Why a thing did not come to a good end: the code, and the sentence.
local function reason_of(thing, states)
  local failure, reason = thing[states.failure], thing[states.reason]
  if type(failure) == "table" then
    local place = failure.stage or failure.job
    return failure.code, "failed" .. (place and " in " .. place or "") .. ": " .. tostring(failure.message or failure.code)
  end
  return reason, "ended as " .. thing[states.field] .. (reason and " (" .. tostring(reason) .. ")" or "")
end

-- The options of a call that has what is left of the time, but no more than any other.
local function time_for(client, deadline)
  local left = math.max(0.001, deadline - client.driver.now())
  return { timeout = math.min(left, client.timeout or limits.timeout) }
end

-- What goes where another thing goes (`of`: its object, and the field with its id) has no reason of its own: that one is asked for it. Nil where it
-- cannot be read, in what is left of the time, or has gone on meanwhile.
local function reason_of_other(client, thing, states, deadline)
  local name, field = states.of[1], states.of[2]
  local other = schema.object(name)
  local found = thing[field] and client.run(client, schema.operation(other.home .. ".get"), thing[field], nil, nil, time_for(client, deadline))
  if not found or found[other.states.field] ~= thing[states.field] then
    return nil
  end
  return reason_of(found, other.states)
end

local function failed_error(client, thing, spec, states, deadline)
  local code, text
  if states.of then
    code, text = reason_of_other(client, thing, states, deadline)
  end
  if not text then
    code, text = reason_of(thing, states)
  end
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

-- ---- what is shown and told ----

--- Keeps a live line's seconds running.
function methods:show()
  if self.view.live then
    self.view:show(self.thing[self.spec.states.field], self.client.driver.now() - self.began)
  end
end

--- Tells of a look: to the view, and, if the status has changed, to on_change, which may print or raise.
function methods:tell(previous)
  local states = self.spec.states
  local status = self.thing[states.field]
  if status ~= previous and self.on_change then
    self.view:hide()
    self.on_change(self.thing, previous)
  end
  if not states.terminal[status] then
    self.view:show(status, self.client.driver.now() - self.began)
  end
end

-- Sleeps, but not past the end of the time.
local function pause(self, seconds)
  local driver = self.client.driver
  local wake = math.min(self.deadline, driver.now() + seconds)
  while self.view.live and wake - driver.now() > 1 do
    driver.sleep(1)
    self:show()
  end
  if wake > driver.now() then
    driver.sleep(wake - driver.now())
  end
end

-- ---- looking ----

-- Waits for the turn to ask. False when it does not come in time.
local function wait_for_turn(self)
  local seconds = self.client.closed and 0 or turns.take(self.client)
  self.in_line = seconds > 0
  if self.in_line then
    pause(self, seconds)
  end
  return not self.in_line or self.client.driver.now() < self.deadline
end

-- Waits until it is time for a look: for so long as there is something to listen to, where that is worth it. False when there is no time for one.
local function wait_for_look(self)
  local driver = self.client.driver
  if driver.now() >= self.deadline then
    return false
  end
  local is_long = self.looks >= LOOKS_FIRST and listening.is_possible(self)
  if not is_long then
    pause(self, self.interval or self.next_pause)
  end
  local in_time = wait_for_turn(self)
  if in_time and (is_long or self.in_line and self.looks > 0) and listening.is_possible(self) then
    listening.begin(self)
  end
  if self.connection then
    listening.run(self)
    in_time = driver.now() < self.deadline and wait_for_turn(self)
  end
  return in_time
end

-- Reads the thing anew, in what is left of the time. True, or nil and the error.
local function look(self)
  local client = self.client
  local newer, err = client.run(client, schema.operation(self.spec.get), self.a, self.b, nil, time_for(client, self.deadline))
  if not newer then
    return nil, err
  end
  object.adopt(self.thing, newer)
  return true
end

-- Whether another look may see what this one could not: as with streams, what passes is given so many tries in a row to pass.
local function may_pass(self, err)
  if listening.is_unsent(err) or err.type == "timeout_error" and self.client.driver.now() >= self.deadline then
    return true
  end
  self.failures = self.failures + 1
  return err.retryable and self.failures <= FAILURES_MAX
end

-- Looks, and tells of it. True, also when it saw nothing but another look may; nil and the error.
local function look_and_tell(self)
  local thing, field = self.thing, self.spec.states.field
  local previous = thing[field]
  local ok, err = look(self)
  if ok then
    self.looks, self.failures = self.looks + 1, 0
    self:tell(previous)
  elseif not may_pass(self, err) then
    return nil, err
  end
  self.next_pause = thing[field] ~= previous and FIRST or math.min(LONGEST, self.next_pause * GROWTH)
  return true
end

-- Waits until the thing is at rest. True, or nil and the error; nil alone when the time is over.
local function watch(self)
  local states, client = self.spec.states, self.client
  while not states.terminal[self.thing[states.field]] do
    if not wait_for_look(self) then
      return nil
    elseif client.closed then
      return nil, client.closed()
    end
    local ok, err = look_and_tell(self)
    if not ok then
      return nil, err
    end
  end
  return true
end

-- A wait that is broken off, by a cancellation say, does not leave its line on the terminal.
local function watch_live(self)
  local function settle(is_whole, ...)
    if not is_whole then
      self.view:hide()
      error((...), 0)
    end
    return ...
  end
  return settle(compat.pcall(watch, self))
end

-- Waits for a thing that is not at rest, and shows how it goes. Answers as watch() does.
local function show_and_watch(self)
  local thing, spec, client = self.thing, self.spec, self.client
  local field, driver = spec.states.field, client.driver
  local name = tostring(thing.project or thing[spec.key])
  self.view = progress.new(self.quiet and "off" or client.progress, driver, name)
  self.view:show(thing[field], 0)
  local ok, err = (self.view.live and watch_live or watch)(self)
  local good = ok and spec.states.terminal[thing[field]] == "ok"
  self.view:close(thing[field], driver.now() - self.began, good and thing.url or nil)
  return ok, err
end

-- ---- a wait ----

-- Beside what it was asked for: looks (that saw something, since listening was last tried), failures (in a row), next_pause (seconds), in_line
-- (whether its last turn was waited for); connection, heard_at, deaf are the listening half's.
local function new(client, thing, spec, a, b, options)
  local self = setmetatable({ client = client, thing = thing, spec = spec, a = a, b = b }, class)
  for name in pairs(OPTIONS) do
    self[name] = options[name]
  end
  self.timeout = options.timeout or limits.wait_timeout
  self.began = client.driver.now()
  self.deadline = self.began + self.timeout
  self.looks, self.failures, self.next_pause = 0, 0, FIRST
  return self
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
  local states = spec.states
  local self = new(client, thing, spec, a, b, options or {})
  if not states.terminal[thing[states.field]] then
    local ok, err = show_and_watch(self)
    if not ok then
      return nil, err or timeout_error(thing, spec, states, self.timeout)
    end
  end
  if states.terminal[thing[states.field]] ~= "ok" then
    return nil, failed_error(client, thing, spec, states, self.deadline)
  end
  return thing
end

return wait

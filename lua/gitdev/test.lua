-- For tests of one's own scripts: a world without sockets, where time is virtual and the platform is an emulator. A script runs in it as it
-- stands; an hour of waiting takes milliseconds, and the same seed gives the same run, byte for byte.
--
--     local test = require "gitdev.test"
--     local world = test.world { seed = 7, plan = "starter" }
--     world:run(function()
--       require("gitdev").client().deployments:create { project = "my-app" }:wait()
--     end)
local core = require "gitdev.core"
local emulator = require "gitdev.emulator"
local errors = require "gitdev.error"
local loop = require "gitdev.loop"
local memory = require "gitdev.driver.memory"
local options_of = require "gitdev.options"
local schedule = require "gitdev.schedule"
local socket = require "gitdev.driver.socket"

local test = {}

local world = {}
world.__index = world

-- 2024-06-21T03:58:18Z, the second of the platform's own sample.
local START = 1718942298
local LATENCY = 0.02

-- The emulator has a seed too.
local OWN_OPTIONS = { seed = "seed", start = "number", latency = "number" }

local OPTIONS = {
  plan = "plan",
  rate_limit = "boolean",
  build_ms = "number",
  branches = "table",
  dns = "table",
  auto_create_projects = "boolean",
  quotas = "table",
  repositories = "string",
  deliver = "function",
  on_error = "function",
}
for name, kind in pairs(OWN_OPTIONS) do
  OPTIONS[name] = kind
end

-- ---- the clock ----

local function clock_of(self)
  return function()
    return self.passed
  end, function()
    return self.start + self.passed
  end
end

-- Lets time pass, as far as the loop allows. It moves only when nothing can run.
function world:wait(limit)
  if not limit then
    error("deadlock: nothing is under way, and no time is waited for", 0)
  end
  self.passed = self.passed + limit
end

-- ---- the trace ----

local function line_of_trace(now, job, what, status)
  local request = job.request
  local key = "-"
  for i = 1, request and #request.headers or 0, 2 do
    if request.headers[i] == "Idempotency-Key" then
      key = request.headers[i + 1]
    end
  end
  local asked = request and request.method .. " " .. request.target or "-"
  return string.format("%.6f %s %s %s", now, what .. (status and " " .. status or ""), asked, key)
end

--- What was sent and how it ended, a line each: virtual seconds, what (send, complete and the status, sent: it was closed, bad answer,
-- timed out, cancel), method and target, idempotency key.
function world:trace()
  return table.concat(self.lines, "\n") .. (self.lines[1] and "\n" or "")
end

-- ---- the environment ----

-- A script reads its key from the environment, and must not find a real one there.
local function with_environment(self, fn, ...)
  local getenv = os.getenv
  local mine = { GIT_API_KEY = self.emulator.api_key, GIT_API_URL = false, GIT_CA_FILE = false }
  os.getenv = function(name) -- luacheck: ignore 122
    if mine[name] ~= nil then
      return mine[name] or nil
    end
    return getenv(name)
  end
  local function restore(ok, ...)
    os.getenv = getenv -- luacheck: ignore 122
    if not ok then
      error((...), 0)
    end
    return ...
  end
  return restore(pcall(fn, ...))
end

-- ---- running ----

local function check_function(what, fn)
  if type(fn) ~= "function" then
    errors.misuse { message = what .. " takes a function that is run in the world, got a " .. type(fn) .. "." }
  end
end

---Runs fn(...) as a task in this world, with all that it spawns. Clients made in it talk to the emulator, sleeping moves the clock.
---Returns what fn returns, raises what it raises. It may be called again: the world goes on from where it is.
function world:run(fn, ...)
  if getmetatable(self) ~= world then
    errors.misuse { message = "run is a method: call it with a colon, world:run(fn)." }
  end
  check_function("world:run", fn)
  self.traceback = nil
  if self.tasks and self.tasks.current then
    errors.misuse { message = "this world runs already: what is called in it is in it." }
  end
  local function settle(ok, value, ...)
    if not ok then
      self.traceback = ...
      loop.raise(value, self.traceback)
    end
    return value, ...
  end
  return settle(with_environment(self, loop.within, self, loop.attempt, fn, ...))
end

---Where the error was raised that the last run to fail ended with: a traceback.
---@return string|nil
function world:where()
  return self.traceback
end

---Runs a script in this world, as the host would: its arguments in `...` and in `arg`.
---@param path string
function world:script(path, ...)
  local chunk, problem = loadfile(path)
  if not chunk then
    error(problem, 0)
  end
  local before = _G.arg
  _G.arg = { [0] = path, ... }
  local function restore(ok, ...)
    _G.arg = before
    if not ok then
      error((...), 0)
    end
    return ...
  end
  return restore(pcall(self.run, self, chunk, ...))
end

---Virtual seconds since the world was made.
function world:elapsed()
  return self.passed
end

-- ---- making ----

-- A client of this world in another one would speak to that, in the worst case to the real one.
local function inside(self, fn)
  return function(subject)
    if loop.driver() ~= self.driver then
      errors.misuse { message = "this client was made in a world of gitdev.test: make one where it is used." }
    end
    return fn(subject)
  end
end

local function driver_of(self)
  local seed = self.seed
  return {
    world = self.number,
    perform = inside(self, loop.perform),
    start = inside(self, loop.start),
    await = inside(self, loop.await),
    resume = inside(self, loop.resume),
    cancel = inside(self, loop.cancel),
    open = inside(self, function(call)
      local handle = loop.open(call)
      return handle and socket.of(handle)
    end),
    close = function(client)
      self.engine:cancel_all(client)
    end,
    sleep = inside(self, loop.sleep),
    now = self.now,
    clock = self.now, -- calls are made by it
    supplies = "loop",
    seed = function() -- of each client's jitter and idempotency keys
      seed = seed + 1
      return seed
    end,
    agent = function()
      return "in memory"
    end,
  }
end

local function check(options)
  if type(options) ~= "table" then
    errors.misuse { message = "gitdev.test.world takes a table of options, { seed = 1 }, got a " .. type(options) .. "." }
  end
  options_of.check(options, OPTIONS, "gitdev.test.world")
end

---Makes a world. `options`: seed (a whole number, 1), start (Unix seconds), latency (seconds there and back, 0.02), and those of
---gitdev.emulator (plan, rate_limit, build_ms, branches, dns, auto_create_projects, quotas, repositories, deliver, on_error).
---@return table world  its `emulator` can be asked and told anything: see docs/emulator.md
function test.world(options)
  options = options == nil and {} or options
  check(options)
  local self = setmetatable({
    seed = options.seed or 1,
    start = options.start or START,
    passed = 0,
    lines = {},
  }, world)
  self.now, self.time = clock_of(self)
  local inner = {}
  for name, value in pairs(options) do
    if not OWN_OPTIONS[name] then
      inner[name] = value
    end
  end
  inner.clock, inner.seed = self.time, self.seed
  self.emulator = emulator.new(inner)
  self.timers = schedule.new()
  self.engine = memory.new {
    emulator = self.emulator,
    now = self.now,
    timers = self.timers,
    latency = options.latency or LATENCY,
    trace = function(now, job, what, status)
      self.lines[#self.lines + 1] = line_of_trace(now, job, what, status)
    end,
  }
  self.number = tonumber((core.uuid():gsub("%-", "")):sub(1, 12), 16)
  self.driver = driver_of(self)
  -- What clients of a key know of its rate limit, and of the budget for retries, they would forget between two of them: by when the first
  -- is collected, which is not the same in every run.
  self.anchor = core.client { api_key = self.emulator.api_key, world = self.number }
  return self
end

---Makes a world and runs fn(world) in it.
function test.run(fn, options)
  check_function("gitdev.test.run", fn)
  local made = test.world(options)
  return made:run(fn, made)
end

return test

--- All that one organization has in one mode: live and test data stand apart (contract 1.3).
local answers = require "gitdev.emulator.answers"
local bucket = require "gitdev.emulator.bucket"
local collection = require "gitdev.emulator.collection"
local core = require "gitdev.core"
local events = require "gitdev.emulator.events"
local limits = require "gitdev.api.limits"
local machine = require "gitdev.emulator.machine"

local tenant = {}
tenant.__index = tenant

--- `emulator`: the emulator that the tenant lives in, for its time, timers and ids. `organization`: the object of the
-- contract. `endless`: no rate limit.
function tenant.new(emulator, organization, endless)
  local plan = limits.plans[organization.plan]
  return setmetatable({
    emulator = emulator,
    organization = organization,
    bucket = bucket.new(plan.per_minute, plan.burst, endless),
    answers = answers.new(),
    log = {},
    lines = {},
    things = {
      project = collection.new { indexes = { "status", "repository_id" }, unique = { "slug" } },
      env_var = collection.new { indexes = { "project_id" } },
      deployment = collection.new { indexes = { "project_id", "status", "target", "branch", "current" } },
      repository = collection.new { unique = { "name" } },
    },
  }, tenant)
end

--- The time of what is happening, in epoch milliseconds.
function tenant:now()
  return self.emulator.now_ms
end

--- The same in Unix seconds, as the contract's `*_at` fields have it.
function tenant:seconds()
  return math.floor(self.emulator.now_ms / 1000)
end

function tenant:id(prefix)
  return prefix .. "_" .. self.emulator.random:id()
end

--- Stores a new thing in the collection of its `object`. Returns it.
function tenant:add(thing)
  return self.things[thing.object]:add(thing)
end

--- Sets fields of a stored thing. `changes`: field -> value; core.null clears.
function tenant:set(thing, changes)
  local things = self.things[thing.object]
  for field, value in pairs(changes) do
    if value == core.null then
      value = nil
    end
    things:set(thing, field, value)
  end
end

--- Records an event (contract 4.3). Its data come from `extra` first, then from the thing itself.
function tenant:emit(kind, thing, extra)
  self.log[#self.log + 1] = {
    id = self:id("evt"),
    type = kind,
    timestamp = self:seconds(),
    data = events.data(kind, thing, extra),
  }
end

--- Moves a thing along its state machine: what happened is `on`; `changes` are set in the same step, and the events of the
-- contract's table are emitted. Raises 409 `invalid_state` where the table has no such move.
function tenant:move(thing, on, changes, extra)
  local status, kinds = machine.next(thing, on)
  self:set(thing, { status = status })
  if changes then
    self:set(thing, changes)
  end
  for _, kind in ipairs(kinds) do
    self:emit(kind, thing, extra)
  end
end

return tenant

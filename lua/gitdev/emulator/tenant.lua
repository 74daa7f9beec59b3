--- All that one organization has in one mode: live and test data stand apart (contract 1.3).
local answers = require "gitdev.emulator.store.answers"
local bucket = require "gitdev.emulator.store.bucket"
local catalog = require "gitdev.emulator.catalog"
local collection = require "gitdev.emulator.store.collection"
local core = require "gitdev.core"
local events = require "gitdev.emulator.store.events"
local limits = require "gitdev.api.limits"
local machine = require "gitdev.emulator.store.machine"

local tenant = {}
tenant.__index = tenant

local function new_collections()
  local things = {}
  for object, options in pairs(catalog.collections) do
    things[object] = collection.new(options)
  end
  return things
end

--- `emulator`: the emulator that the tenant lives in, for its time, timers and ids. `organization`: the object of the
-- contract. `endless`: no rate limit.
function tenant.new(emulator, organization, endless)
  local plan = limits.plans[organization.plan]
  return setmetatable({
    emulator = emulator,
    organization = organization,
    bucket = bucket.new(plan.per_minute, plan.burst, endless),
    answers = answers.new(),
    lines = {},
    things = new_collections(),
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
  self.emulator.streams:stir(thing)
end

--- Says that something within a field of a stored thing was changed in its place.
function tenant:touch(thing)
  self.things[thing.object]:touch(thing)
  self.emulator.streams:stir(thing)
end

local function react(self, kind, thing, event)
  for _, reaction in ipairs(catalog.reactions[kind] or {}) do
    reaction(self, thing, event)
  end
end

--- Records an event (contract 4.3), and has the resources react to it. Its data come from `extra` first, then from the thing itself.
-- Returns it.
function tenant:emit(kind, thing, extra)
  local event = events.new(self, kind, thing, extra)
  react(self, kind, thing, event)
  react(self, "*", thing, event)
  return event
end

--- What every timer of a tenant does when it is due.
function tenant.ring(timer)
  catalog.timers[timer.name](timer.tenant, timer.thing)
end

--- Sets a timer of the catalogue: `name` is called with the tenant and `thing` (may be nil) so many milliseconds from now. Returns
-- it, for `cancel`.
function tenant:later(delay_ms, name, thing)
  assert(catalog.timers[name], name)
  return self.emulator.schedule:at(self:now() + delay_ms, tenant.ring, { tenant = self, name = name, thing = thing })
end

--- Cancels a timer; nil, and one that has rung, are nothing to cancel.
function tenant:cancel(timer)
  self.emulator.schedule:cancel(timer)
end

--- Removes the things of a kind whose indexed `field` is `value`, without an event.
function tenant:drop(object, field, value)
  local things = self.things[object]
  for _, thing in ipairs(things:list(field, value)) do
    things:remove(thing)
  end
end

--- Moves a thing along its state machine: what happened is `on`; `changes` are set in the same step, and the events of the
-- contract's table are emitted. Raises 409 `invalid_state` where the table has no such move.
function tenant:move(thing, on, changes, extra)
  local status, kinds = machine.next(thing, on)
  self:set(thing, { [machine.field(thing)] = status })
  if changes then
    self:set(thing, changes)
  end
  for _, kind in ipairs(kinds) do
    self:emit(kind, thing, extra)
  end
end

return tenant

--- What happened, in order (contract 4.3): the events of the last 30 days.
local limits = require "gitdev.api.limits"
local schema = require "gitdev.schema"

local KEPT_SECONDS = limits.webhook.kept_days * 24 * 3600

local events = {}

--- The `data` of an event: each field from `extra`, else from the thing itself; `<thing>_id` is the thing's own id.
function events.data(kind, thing, extra)
  local data, own_id = {}, thing.object .. "_id"
  for _, name in ipairs(schema.event(kind).fields.names) do
    local value = extra and extra[name]
    if value == nil then
      value = thing[name]
    end
    if value == nil and name == own_id then
      value = thing.id
    end
    data[name] = value
  end
  return data
end

--- An event as it is delivered: compact JSON, the four keys in the contract's order (contract 4.1).
function events.body(event)
  local data = schema.encode(schema.event(event.type).fields, event.data)
  return ('{"id":"%s","type":"%s","timestamp":%d,"data":%s}'):format(event.id, event.type, event.timestamp, data)
end

-- Halves the lists of objects in an event until its body is one that may be delivered: twenty commits can have messages of any length.
local function fit(event)
  for _, field in ipairs(schema.event(event.type).fields) do
    local list = field.kind == "array" and field.item.kind == "object" and event.data[field.name] or {}
    while list[1] and #events.body(event) > limits.webhook.body_bytes do
      local half = {}
      for index = 1, math.floor(#list / 2) do
        half[index] = list[index]
      end
      list, event.data[field.name] = half, half
    end
  end
end

-- The project that an event is about, also where its data do not say so; nil if it is about none, or about several: then those.
local function projects_of(thing, data)
  local several = thing.project_ids
  if several then
    return #several == 1 and several[1] or nil, #several > 1 and several or nil
  end
  return thing.object == "project" and thing.id or thing.project_id or data.project_id
end

--- Forgets what is older than 30 days.
function events.expire(tenant)
  local things, kept_from = tenant.things.event, tenant:seconds() - KEPT_SECONDS
  local oldest = things.all:walk()()
  while oldest and oldest.timestamp < kept_from do
    things:remove(oldest)
    oldest = things.all:walk()()
  end
end

--- Makes and stores an event: `id type timestamp data`, and `project_id` or, for a thing of several projects, `project_ids`, which say who
-- may see it and are not delivered.
function events.new(tenant, kind, thing, extra)
  local data = events.data(kind, thing, extra)
  local project_id, project_ids = projects_of(thing, data)
  local event = {
    id = tenant:id "evt",
    type = kind,
    timestamp = tenant:seconds(),
    data = data,
    project_id = project_id,
    project_ids = project_ids,
  }
  fit(event)
  events.expire(tenant)
  return tenant.things.event:add(event)
end

-- The key of the last event that is older than `time`; 0 if there is none. Keys are numbers that count up, and times grow with them.
local function last_before(things, time)
  local oldest = things.all:walk()()
  local low, high = oldest and oldest.private.key or 1, things.created + 1
  while low < high do
    local middle = math.floor((low + high) / 2)
    if things.all:at(middle).timestamp < time then
      low = middle + 1
    else
      high = middle
    end
  end
  return low - 1
end

--- The events from `since` on and before `until_time` (Unix seconds, nil: no bound), as paging takes a collection. A walk over them begins
-- and ends at the bounds, so a page costs the same however many events lie outside.
function events.between(tenant, since, until_time)
  local things = tenant.things.event
  local first = since and last_before(things, since) + 1 or 0
  local last = until_time and last_before(things, until_time) or math.huge
  local view = {}
  function view:narrow(where)
    self.series = things:narrow(where)
    return self
  end
  function view:walk(after, descending)
    local start = after or descending and last + 1 or first - 1
    local walk = self.series:walk(start, descending)
    return function()
      local event = walk()
      local key = event and event.private.key
      return key and key >= first and key <= last and event or nil
    end
  end
  return view
end

return events

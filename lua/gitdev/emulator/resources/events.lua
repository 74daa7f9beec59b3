--- contract 2.13: what has happened
local access = require "gitdev.emulator.organization.access"
local events = require "gitdev.emulator.store.events"
local subscription = require "gitdev.emulator.webhooks.subscription"

-- The answer is the event as it is delivered, byte for byte.
local function shown(event)
  event.private.encoded = event.private.encoded or events.body(event)
  return event
end

-- What paging cannot look up by itself: families, and the events of no project, which every key sees.
local function matcher(call, query)
  local family = query.type and query.type:find("*", 1, true) and query.type
  local key = not query.project and not access.sees_all(call.key) and call.key
  if not family and not key then
    return nil
  end
  return function(event)
    return (not family or subscription.covers(family, event.type)) and (not key or subscription.is_disclosed(call.tenant, event, key))
  end
end

local function list(call)
  local query, where = call.query, {}
  query.project = call:project_filter(query.project)
  where.project_id = query.project
  if query.type and not query.type:find("*", 1, true) then
    where.type = query.type
  end
  events.expire(call.tenant)
  local page = call:page(events.between(call.tenant, query.since, query["until"]), where, matcher(call, query))
  for _, event in ipairs(page.data) do
    shown(event)
  end
  return page
end

return {
  collections = {
    event = { indexes = { "project_id", "type" } },
  },
  find = {
    event = function(call, id)
      events.expire(call.tenant)
      local event = call.tenant.things.event:get(id)
      return event and subscription.is_disclosed(call.tenant, event, call.key) and event or nil
    end,
  },
  operations = {
    ["events.list"] = list,
    ["events.get"] = function(call)
      return shown(call.things.event)
    end,
  },
}

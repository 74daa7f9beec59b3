--- Which events a webhook wants, and who may see it (contract 1.4, 2.13).
local access = require "gitdev.emulator.organization.access"
local contains = require "gitdev.emulator.store.contains"
local schema = require "gitdev.schema"

local ALL = "*"

-- What a webhook is told of as a matter of its own, see deliveries.
local PING = "webhook.ping"

local subscription = {}

local names, known

--- All that `events` of a webhook may hold: "*", and event types and their families. A list.
function subscription.names()
  if names then
    return names
  end
  names, known = { ALL }, { [ALL] = true }
  for _, kind in ipairs(schema.events()) do
    for _, name in ipairs { kind:match("^[^.]+") .. ".*", kind } do
      if not known[name] then
        names[#names + 1], known[name] = name, true
      end
    end
  end
  return names
end

--- Whether `text` is an event type, a family of them ("deployment.*"), or "*".
function subscription.is_known(text)
  subscription.names()
  return known[text] == true
end

--- Whether an event type is what `wanted`, a type or a family or "*", stands for.
function subscription.covers(wanted, kind)
  if wanted == ALL or wanted == kind then
    return true
  end
  local family = wanted:match "^([%l_]+%.)%*$"
  return family ~= nil and kind:sub(1, #family) == family
end

--- The projects whose events the webhook gets: ids, or { "*" }. Its own "*" is all that the key sees which set it.
function subscription.projects(webhook)
  return webhook.projects[1] == ALL and webhook.private.owner.projects or webhook.projects
end

--- Whether a key sees a webhook: one of all projects does, another if it sees every project whose events are sent there.
function subscription.is_visible(webhook, key)
  if access.sees_all(key) then
    return true
  end
  for _, id in ipairs(subscription.projects(webhook)) do
    if id == ALL or not access.sees(key, id) then
      return false
    end
  end
  return true
end

--- Whether a key may know of an event: it sees its project (all of them, if they are several), or the webhook that it is about. Events of
-- neither are for every key.
function subscription.is_disclosed(tenant, event, key)
  local id = event.data.webhook_id
  if id and not access.sees_all(key) then
    local webhook = tenant.things.webhook:get(id)
    return webhook ~= nil and subscription.is_visible(webhook, key)
  end
  return access.sees(key, event.project_ids or event.project_id)
end

local function is_about_its_projects(tenant, webhook, event)
  if webhook.projects[1] == ALL then
    return subscription.is_disclosed(tenant, event, webhook.private.owner)
  end
  for _, id in ipairs(event.project_ids or { event.project_id }) do
    if not contains(webhook.projects, id) then
      return false
    end
  end
  return event.project_ids ~= nil or event.project_id ~= nil
end

--- Whether a webhook wants an event. Pings are not for it to choose; of no project's events it gets only those where it asks for all.
function subscription.wants(tenant, webhook, event)
  if event.type == PING or not is_about_its_projects(tenant, webhook, event) then
    return false
  end
  for _, wanted in ipairs(webhook.events) do
    if subscription.covers(wanted, event.type) then
      return true
    end
  end
  return false
end

return subscription

--- contract 2.13, 3.4, 3.5: endpoints and deliveries
local core = require "gitdev.core"
local deliveries = require "gitdev.emulator.webhooks.deliveries"
local destination = require "gitdev.emulator.webhooks.destination"
local distinct = require "gitdev.emulator.store.distinct"
local endpoints = require "gitdev.emulator.webhooks.endpoints"
local json = require "gitdev.json"
local limits = require "gitdev.api.limits"
local machine = require "gitdev.emulator.store.machine"
local nearest = require "gitdev.nearest"
local refusal = require "gitdev.emulator.refusal"
local same = require "gitdev.same"
local subscription = require "gitdev.emulator.webhooks.subscription"
local webhook_request = require "gitdev.emulator.webhooks.request"

local ALL = "*"

-- By which shapes of events payloads are made.
local API_VERSION = limits.version:match "^%d+%.%d+"

-- The answer that shows more than the thing.
local function with(thing, more)
  local answer = {}
  for name, value in pairs(thing) do
    answer[name] = value
  end
  answer.private = nil
  for name, value in pairs(more) do
    answer[name] = value
  end
  return answer
end

-- ---- what a body may say ----

local function add(faults, code, param, text)
  refusal.add(faults, { code = code, param = param, message = param .. " " .. text })
end

local function check_url(url, faults)
  local code, text = destination.problem(url)
  if code then
    add(faults, code, "url", text)
  end
end

local function check_events(wanted, faults)
  for place, name in ipairs(wanted) do
    if not subscription.is_known(name) then
      local near = nearest.of(name, subscription.names())
      local text = ('names no event type, nor a family of them: "%s"%s'):format(name, near and (', did you mean "%s"?'):format(near) or ".")
      add(faults, "unknown_event_type", ("events[%d]"):format(place), text)
    end
  end
end

local function check_projects(call, ids, faults)
  for place, id in ipairs(ids) do
    local param = ("projects[%d]"):format(place)
    local project = call:project(id)
    if id == ALL then
      if #ids > 1 then
        add(faults, "parameter_invalid", param, "is * for all projects, which stands alone.")
      end
    elseif not project or project.id ~= id then
      local hint = project and (": name it by its id, %s."):format(project.id) or "."
      add(faults, "resource_missing", param, ('names no project: there is no id "%s"%s'):format(id, hint))
    end
  end
end

local function check(call)
  local body, faults = call.body, {}
  if body.url then
    check_url(body.url, faults)
  end
  check_events(body.events or {}, faults)
  check_projects(call, body.projects or {}, faults)
  if faults[1] then
    refusal.unprocessable(faults)
  end
end

-- An endpoint that is disabled costs the platform nothing: the plan bounds those that are enabled.
local function check_quota(call)
  local count = 0
  for _ in call.tenant.things.webhook:each("status", "enabled") do
    count = count + 1
  end
  call.emulator:check_quota("webhooks", count)
end

-- ---- endpoints ----

local function list(call)
  local things = call.tenant.things.webhook
  return call:page(things, { status = call.query.status }, function(webhook)
    return subscription.is_visible(webhook, call.key)
  end)
end

local function create(call)
  local body, tenant = call.body, call.tenant
  check(call)
  local is_enabled = body.status == "enabled"
  if is_enabled then
    check_quota(call)
  end
  local secret, hint = webhook_request.new_secret(tenant.emulator.random)
  local webhook = tenant:add {
    id = tenant:id "whk",
    object = "webhook",
    url = body.url,
    description = body.description,
    events = distinct(body.events),
    projects = distinct(body.projects),
    status = body.status,
    disabled_reason = not is_enabled and "user" or nil,
    secret_hint = hint,
    api_version = API_VERSION,
    created_at = tenant:seconds(),
    updated_at = tenant:seconds(),
    -- owner: the key whose projects "*" stands for; in_flight, waiting: see deliveries
    private = { secret = secret, owner = call.key, in_flight = 0, waiting = {} },
  }
  call:about(subscription.projects(webhook))
  return with(webhook, { secret = secret })
end

-- The plain fields that a merge of the body changes: field -> new value (core.null: none).
local function changes_of(call, webhook)
  local body, changes = call.body, {}
  local wanted = {
    url = body.url,
    events = body.events and distinct(body.events),
    projects = body.projects and distinct(body.projects),
    description = body.description,
  }
  for field, value in pairs(wanted) do
    local present = webhook[field]
    if not same(value, present == nil and core.null or present) then
      changes[field] = value
    end
  end
  return changes
end

local function enable(call, webhook)
  check_quota(call)
  call.tenant:move(webhook, "enable", { disabled_reason = core.null, updated_at = call.tenant:seconds() })
  webhook.private.sound_ms = call.tenant:now()
end

local function update(call)
  local body, webhook, tenant = call.body, call.things.webhook, call.tenant
  check(call)
  local changes = changes_of(call, webhook)
  if body.status == "enabled" and webhook.status == "disabled" then
    enable(call, webhook)
  elseif body.status == "disabled" and webhook.status == "enabled" then
    deliveries.disable(tenant, webhook, "user")
  end
  if body.projects then
    webhook.private.owner = call.key
  end
  if next(changes) then
    changes.updated_at = tenant:seconds()
    tenant:set(webhook, changes)
  end
  return webhook
end

local function delete(call)
  local webhook, tenant = call.things.webhook, call.tenant
  deliveries.cancel(tenant, webhook, "endpoint_deleted")
  tenant.things.webhook:remove(webhook)
end

local function rotate_secret(call)
  local webhook, tenant = call.things.webhook, call.tenant
  local private, overlap_ms = webhook.private, call.body.expire_previous_in * 1000
  private.previous = { secret = private.secret, expires_ms = tenant:now() + overlap_ms }
  local hint
  private.secret, hint = webhook_request.new_secret(tenant.emulator.random)
  tenant:set(webhook, { secret_hint = hint, updated_at = tenant:seconds() })
  return with(webhook, { secret = private.secret })
end

local function refuse_disabled(webhook)
  if webhook.status ~= "enabled" then
    machine.refuse(webhook, "The endpoint is disabled: set its status to enabled first.", { "enabled" })
  end
end

local function ping(call)
  local webhook, tenant = call.things.webhook, call.tenant
  refuse_disabled(webhook)
  local event = tenant:emit("webhook.ping", webhook)
  return tenant.things.delivery:list("event_id", event.id)[1]
end

-- ---- deliveries ----

local function list_deliveries(call)
  local query = call.query
  deliveries.expire(call.tenant)
  return call:page(call.tenant.things.delivery, {
    webhook_id = call.things.webhook.id,
    status = query.status,
    event_type = query.event_type,
    event_id = query.event,
  })
end

local function get_delivery(call)
  local delivery = call.things.delivery
  return with(delivery, { attempts = delivery.private.attempts })
end

local function redeliver(call)
  local delivery, webhook = call.things.delivery, call.things.webhook
  refuse_disabled(webhook)
  if not machine.is_terminal(delivery) then
    local message = ("The delivery is %s: wait for its end."):format(delivery.status)
    machine.refuse(delivery, message, machine.ends "delivery")
  end
  return deliveries.repeat_one(call.tenant, webhook, delivery)
end

-- ---- the control plane ----

local function add_endpoint(emulator, body)
  local ok, problem = endpoints.add(emulator.endpoints, body)
  if not ok then
    return 400, problem
  end
  return 204
end

local function forget_endpoints(emulator)
  emulator.endpoints.rules = {}
  return 204
end

local function list_sent(emulator, _, id)
  return 200, { deliveries = json.array(emulator:sent(id)) }
end

return {
  collections = {
    webhook = { indexes = { "status" } },
    delivery = { indexes = { "webhook_id", "event_id" } },
  },
  timers = deliveries.timers,
  reactions = {
    ["*"] = deliveries.spread,
  },
  find = {
    webhook = function(call, id)
      local webhook = call.tenant.things.webhook:get(id)
      if not (webhook and subscription.is_visible(webhook, call.key)) then
        return nil
      end
      call:about(subscription.projects(webhook))
      return webhook
    end,
    delivery = function(call, id)
      deliveries.expire(call.tenant)
      local delivery, webhook = call.tenant.things.delivery:get(id), call.things.webhook
      return delivery and delivery.webhook_id == webhook.id and delivery or nil
    end,
  },
  control = {
    { "POST", "^/_emulator/endpoints$", add_endpoint },
    { "DELETE", "^/_emulator/endpoints$", forget_endpoints },
    { "GET", "^/_emulator/deliveries$", list_sent },
    { "GET", "^/_emulator/deliveries/([^/]+)$", list_sent },
  },
  operations = {
    ["webhooks.list"] = list,
    ["webhooks.create"] = create,
    ["webhooks.get"] = function(call)
      return call.things.webhook
    end,
    ["webhooks.update"] = update,
    ["webhooks.delete"] = delete,
    ["webhooks.rotate_secret"] = rotate_secret,
    ["webhooks.ping"] = ping,
    ["webhooks.deliveries.list"] = list_deliveries,
    ["webhooks.deliveries.get"] = get_delivery,
    ["webhooks.deliveries.redeliver"] = redeliver,
  },
}

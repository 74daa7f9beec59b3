--- The life of a webhook delivery (contract 3.4): made with its event, attempted up to ten times on the emulator's clock, accepted or given up.
--
-- How an attempt leaves the emulator is the option `deliver`, a function(request, done). `request`: url, headers (flat: { "Name", "value", … }),
-- body, timeout (seconds). It calls done(result) once, at once or later; `result`: status, headers (name -> value), body, duration_ms; or error, a
-- word of the contract's `attempt.error`, with duration_ms. Without it attempts are answered by the table of gitdev.emulator.endpoints, and so
-- are those to a url that the table has a rule for. Time that is moved ahead waits for what `deliver` has under way, see emulator:catch_up.
--
-- What is under way is data like all else (`private.flight`), so that it can be saved; an attempt whose sender is gone then counts as timed out.
local core = require "gitdev.core"
local endpoints = require "gitdev.emulator.webhooks.endpoints"
local events = require "gitdev.emulator.store.events"
local limits = require "gitdev.api.limits"
local machine = require "gitdev.emulator.store.machine"
local schema = require "gitdev.schema"
local subscription = require "gitdev.emulator.webhooks.subscription"
local webhook_request = require "gitdev.emulator.webhooks.request"

local SECOND, MINUTE, HOUR = 1000, 60 * 1000, 3600 * 1000

-- Milliseconds before each attempt, after the one before.
local SCHEDULE = { 0, 5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR }
local JITTER = 0.1
local RETRY_AFTER_MAX = 24 * HOUR
local TIMEOUT_MS = limits.webhook.timeout * 1000
-- How long beyond its timeout a sender may take to say so.
local GRACE_MS = 1000
local KEPT_SECONDS = limits.webhook.kept_days * 24 * 3600
local DIGITS = 6

local ERRORS = {}
for _, word in ipairs(schema.object("attempt").fields.by_name.error.values) do
  ERRORS[word] = true
end

local deliveries = {}

-- ---- when ----

-- A number from 0 up to 1, out of the emulator's randomness.
local function fraction(random)
  return tonumber(random:id():sub(1, DIGITS), 36) / 36 ^ DIGITS
end

-- What a receiver asks for in Retry-After, in milliseconds: a number of seconds or a date.
local function retry_after(tenant, result)
  local value
  for name, text in pairs(result.headers or {}) do
    value = name:lower() == "retry-after" and text or value
  end
  if not value or result.status ~= 429 and result.status ~= 503 then
    return 0
  end
  local date = core.read_date(value)
  local delay_ms = date and date * 1000 - tenant:now() or value:find "^%d+$" and tonumber(value) * 1000 or 0
  return math.min(RETRY_AFTER_MAX, delay_ms)
end

-- Milliseconds until the attempt after one that ended so.
local function pause(tenant, delivery, result)
  local spread = 1 - JITTER + 2 * JITTER * fraction(tenant.emulator.random)
  local delay_ms = math.floor(SCHEDULE[delivery.attempt_count + 1] * spread)
  return math.max(delay_ms, retry_after(tenant, result))
end

local function later(tenant, delivery, delay_ms, name)
  delivery.private.timer = tenant:later(delay_ms, name, delivery)
end

-- ---- what an endpoint has under way ----

local function webhook_of(tenant, delivery)
  return tenant.things.webhook:get(delivery.webhook_id)
end

local function is_open(delivery)
  return delivery.status == "pending" or delivery.status == "retrying"
end

--- Cancels what waits to go to a webhook. `on`: "endpoint_deleted" or "endpoint_disabled". Attempts that are under way come to their end.
function deliveries.cancel(tenant, webhook, on)
  webhook.private.waiting = {}
  for _, delivery in ipairs(tenant.things.delivery:list("webhook_id", webhook.id)) do
    if is_open(delivery) then
      tenant:cancel(delivery.private.timer)
      tenant:move(delivery, on, { finished_at = tenant:seconds(), next_attempt_at = core.null })
    end
  end
end

--- Disables a webhook and cancels what waits to go there. `reason`: "user", "failing" or "gone".
function deliveries.disable(tenant, webhook, reason)
  tenant:move(webhook, reason, { disabled_reason = reason, updated_at = tenant:seconds() })
  deliveries.cancel(tenant, webhook, "endpoint_disabled")
end

-- ---- the record ----

-- Text of anybody's making as JSON can hold it: no longer than `max` bytes, whole characters, what is no UTF-8 replaced.
local function clean(text, max)
  if #text > max then
    text = text:sub(1, max):gsub("[\194-\244][\128-\191]?[\128-\191]?$", function(last)
      return core.utf8(last) and last or ""
    end)
  end
  local valid, offset = core.utf8(text)
  while not valid do
    text = text:sub(1, offset - 1) .. "?" .. text:sub(offset + 1)
    valid, offset = core.utf8(text)
  end
  return text
end

local function response_of(result)
  if not result.status then
    return nil
  end
  local headers = {}
  for name, value in pairs(result.headers or {}) do
    headers[clean(name, limits.webhook.response_bytes)] = clean(tostring(value), limits.webhook.response_bytes)
  end
  return { headers = headers, body = clean(result.body or "", limits.webhook.response_bytes) }
end

local function error_of(result)
  if result.status then
    return result.status >= 300 and result.status < 400 and "redirect" or nil
  end
  return ERRORS[result.error] and result.error or "reset"
end

local function record(tenant, delivery, flight, result)
  local entry = flight.entry
  entry.status, entry.error = result.status, error_of(result)
  table.insert(delivery.private.attempts, {
    number = delivery.attempt_count,
    at = flight.at,
    duration_ms = math.floor(result.duration_ms or tenant:now() - flight.began_ms),
    status_code = result.status,
    error = entry.error,
    request = { headers = flight.headers, body = delivery.private.body },
    response = response_of(result),
  })
end

-- ---- what becomes of it ----

local function finish(tenant, delivery, on)
  tenant:move(delivery, on, { finished_at = tenant:seconds() })
end

-- Given up: the endpoint is disabled, unless something has reached it since the first attempt, or somebody has enabled it.
local function give_up(tenant, delivery, webhook)
  finish(tenant, delivery, "exhausted")
  local private = webhook and webhook.private
  if webhook and webhook.status == "enabled" and (private.sound_ms or 0) < delivery.private.first_ms then
    deliveries.disable(tenant, webhook, "failing")
  end
end

local function retry(tenant, delivery, webhook, result)
  local delay_ms = pause(tenant, delivery, result)
  tenant:move(delivery, "not_accepted", { next_attempt_at = math.floor((tenant:now() + delay_ms) / 1000) })
  if webhook and webhook.status == "enabled" then
    later(tenant, delivery, delay_ms, "delivery.due")
    return
  end
  local on = webhook and "endpoint_disabled" or "endpoint_deleted"
  tenant:move(delivery, on, { finished_at = tenant:seconds(), next_attempt_at = core.null })
end

local function judge(tenant, delivery, webhook, result)
  local status = result.status
  if status and status >= 200 and status < 300 then
    finish(tenant, delivery, "accepted")
    if webhook then
      webhook.private.sound_ms = tenant:now()
    end
  elseif status == 410 then
    finish(tenant, delivery, "gone")
    if webhook and webhook.status == "enabled" then
      deliveries.disable(tenant, webhook, "gone")
    end
  elseif delivery.attempt_count >= #SCHEDULE then
    give_up(tenant, delivery, webhook)
  else
    retry(tenant, delivery, webhook, result)
  end
end

local begin

-- The endpoint can take one more: the delivery that has waited longest.
local function next_waiting(tenant, webhook)
  local waiting = webhook.private.waiting
  while waiting[1] do
    local delivery = table.remove(waiting, 1)
    if is_open(delivery) then
      return begin(tenant, delivery, webhook)
    end
  end
end

-- An attempt has ended with `result`.
local function settle(tenant, delivery, result)
  local flight, webhook = delivery.private.flight, webhook_of(tenant, delivery)
  delivery.private.flight = nil
  tenant.emulator.in_flight[flight] = nil
  tenant:cancel(delivery.private.timer)
  record(tenant, delivery, flight, result)
  tenant:set(delivery, { last_status_code = result.status or core.null })
  judge(tenant, delivery, webhook, result)
  if webhook then
    webhook.private.in_flight = webhook.private.in_flight - 1
    next_waiting(tenant, webhook)
  end
end

-- ---- the attempt ----

-- What the program's own sender calls back. It may come late: when the attempt was given up, or the emulator was reset.
local function new_done(tenant, delivery, flight)
  local emulator, is_calling = tenant.emulator, true
  local function done(result)
    if type(result) ~= "table" then
      error("done takes a table: { status = …, headers = …, body = … } or { error = … }", 2)
    end
    if not is_calling then
      emulator:advance()
    end
    local is_here = emulator.tenants[tenant.organization.livemode] == tenant
    if is_here and delivery.private.flight == flight then
      settle(tenant, delivery, result)
    end
    if not is_calling then
      emulator:advance()
    end
  end
  return done, function()
    is_calling = false
  end
end

-- Attempts take the real time that they take: while the emulator catches up with its clock, none is late.
local function watch(tenant, delivery, left_ms)
  local emulator = tenant.emulator
  local behind_ms = math.max(0, emulator:present() - tenant:now())
  later(tenant, delivery, behind_ms + left_ms + GRACE_MS, "delivery.overdue")
end

local function clock_ms(emulator)
  return emulator:present() - emulator.skipped_ms + emulator.owed_ms
end

local function send(tenant, delivery, flight, request)
  local emulator = tenant.emulator
  local deliver = emulator.options.deliver
  if not deliver or endpoints.knows(emulator.endpoints, request.url) then
    flight.result = endpoints.answer(emulator.endpoints, request.url)
    later(tenant, delivery, flight.result.duration_ms, "delivery.answered")
    return
  end
  flight.clock_ms = clock_ms(emulator)
  emulator.in_flight[flight] = true
  watch(tenant, delivery, TIMEOUT_MS)
  local done, returned = new_done(tenant, delivery, flight)
  local ok, problem = pcall(deliver, request, done)
  if not ok and problem == "interrupted" then
    error(problem, 0) -- what the host raises for a signal: it ends the program, and is no failure of the sender
  elseif not ok then
    emulator.options.on_error("deliver failed: " .. tostring(problem))
    done { error = "reset" }
  end
  returned()
end

function begin(tenant, delivery, webhook)
  local private = delivery.private
  private.first_ms = private.first_ms or tenant:now()
  tenant:move(delivery, "due", { attempt_count = delivery.attempt_count + 1, next_attempt_at = core.null })
  webhook.private.in_flight = webhook.private.in_flight + 1
  local headers = webhook_request.headers(webhook, delivery, tenant:now())
  local flight = { at = tenant:seconds(), began_ms = tenant:now(), headers = webhook_request.masked(headers) }
  private.flight = flight
  flight.entry = endpoints.note(tenant.emulator.endpoints, {
    webhook_id = webhook.id,
    delivery_id = delivery.id,
    event_id = delivery.event_id,
    event_type = delivery.event_type,
    attempt = delivery.attempt_count,
    at = flight.at,
    url = webhook.url,
    headers = webhook_request.map(headers),
    body = private.body,
  })
  send(tenant, delivery, flight, { url = webhook.url, headers = headers, body = private.body, timeout = limits.webhook.timeout })
end

local function due(tenant, delivery)
  local webhook = webhook_of(tenant, delivery)
  if webhook.private.in_flight >= limits.webhook.parallel then
    table.insert(webhook.private.waiting, delivery)
  else
    begin(tenant, delivery, webhook)
  end
end

local function overdue(tenant, delivery)
  local flight = delivery.private.flight
  local passed_ms = clock_ms(tenant.emulator) - flight.clock_ms
  if passed_ms >= 0 and passed_ms < TIMEOUT_MS then
    watch(tenant, delivery, TIMEOUT_MS - passed_ms)
  else
    settle(tenant, delivery, { error = "timeout", duration_ms = TIMEOUT_MS })
  end
end

--- What the catalogue calls when a delivery's time has come.
deliveries.timers = {
  ["delivery.due"] = due,
  ["delivery.answered"] = function(tenant, delivery)
    settle(tenant, delivery, delivery.private.flight.result)
  end,
  ["delivery.overdue"] = overdue,
}

-- ---- making ----

--- Forgets what was made more than 30 days ago.
function deliveries.expire(tenant)
  local things, kept_from = tenant.things.delivery, tenant:seconds() - KEPT_SECONDS
  local oldest = things.all:walk()()
  while oldest and oldest.created_at < kept_from and machine.is_terminal(oldest) do
    things:remove(oldest)
    oldest = things.all:walk()()
  end
end

-- `event`: id, type, body.
local function make(tenant, webhook, event, is_redelivery)
  deliveries.expire(tenant)
  local delivery = tenant:add {
    id = tenant:id "dlv",
    object = "delivery",
    webhook_id = webhook.id,
    event_id = event.id,
    event_type = event.type,
    status = "pending",
    attempt_count = 0,
    max_attempts = #SCHEDULE,
    next_attempt_at = tenant:seconds(),
    redelivery = is_redelivery,
    created_at = tenant:seconds(),
    private = { body = event.body, attempts = {} },
  }
  later(tenant, delivery, SCHEDULE[1], "delivery.due")
  return delivery
end

--- Makes a delivery of an event for each webhook that wants it. It does not matter what `thing` the event is about, but for a ping, which goes
-- to the webhook that it is about and to no other.
function deliveries.spread(tenant, thing, event)
  local body
  for webhook in tenant.things.webhook:each("status", "enabled") do
    if event.type == "webhook.ping" and webhook == thing or subscription.wants(tenant, webhook, event) then
      body = body or events.body(event)
      make(tenant, webhook, { id = event.id, type = event.type, body = body }, false)
    end
  end
end

--- Delivers what a delivery carried once more. Returns the new one.
function deliveries.repeat_one(tenant, webhook, delivery)
  return make(tenant, webhook, { id = delivery.event_id, type = delivery.event_type, body = delivery.private.body }, true)
end

return deliveries

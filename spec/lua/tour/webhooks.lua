-- Webhooks and their deliveries, events, security alerts.
local gitdev = require "gitdev"

local URL = "https://hooks.example.com/git"
local HOUR = 3600 * 1000

local function same(a, b, words)
  assert(a == b, ("%s: %s, not %s"):format(words, tostring(a), tostring(b)))
end

local function all(field, page)
  local list = {}
  for index, thing in ipairs(page.data) do
    list[index] = tostring(thing[field])
  end
  return table.concat(list, " ")
end

local function pass(control, milliseconds)
  control("POST", "clock", { advance_ms = milliseconds })
end

-- ---- endpoints ----

local function endpoints(git)
  local project = git.projects:get "my-app"
  local made = git.webhooks:create {
    url = URL,
    events = { "deployment.*", "webhook.disabled" },
    projects = { project.id },
    description = "CI",
    status = "enabled",
  }
  assert(#made.secret == 38 and made.secret:find "^whsec_" and made.secret:sub(-4) == made.secret_hint, "the secret")
  assert(made.status == "enabled" and made.disabled_reason == nil and made.projects[1] == project.id, "what was made")
  local read = git.webhooks:get(made)
  assert(read.secret == nil and read.url == URL and read.description == "CI", "an endpoint without its secret")

  local idle = git.webhooks:create { url = URL .. "/idle", events = { "*" }, status = "disabled" }
  same(idle.disabled_reason, "user", "why it is disabled")
  same(all("id", git.webhooks:list { status = "disabled" }), idle.id, "the disabled ones")
  same(all("id", git.webhooks:list { order = "asc", limit = 1 }), made.id, "the first one")

  made:update { projects = { "*" }, events = { "*" }, description = gitdev.null }
  assert(made.description == nil and made.events[1] == "*" and made.projects[1] == "*", "an update")
  git.webhooks:update(idle.id, { status = "enabled" })
  same(git.webhooks:get(idle.id).disabled_reason, nil, "why it is enabled")
  idle:update { status = "disabled", url = URL .. "/none" }
  git.webhooks:delete(idle)

  local rotated = git.webhooks:rotate_secret(made.id, { expire_previous_in = 60 })
  assert(rotated.secret and rotated.secret_hint == rotated.secret:sub(-4), "a new secret")
  return made
end

-- ---- deliveries ----

local function deliveries(git, control, webhook)
  control("POST", "endpoints", { url = URL, status = 503, headers = { ["Retry-After"] = "30" }, body = "busy", times = 1 })
  local pinged = webhook:ping()
  assert(pinged.status == "pending" and pinged.event_type == "webhook.ping" and not pinged.redelivery, "a ping")
  pass(control, 1000)
  local waiting = git.webhooks.deliveries:get(webhook.id, pinged.id)
  assert(waiting.status == "retrying" and waiting.last_status_code == 503 and waiting.next_attempt_at >= waiting.created_at + 30, "a retry")
  local attempt = waiting.attempts[1]
  assert(attempt.number == 1 and attempt.status_code == 503 and attempt.response.body == "busy" and attempt.error == nil, "the attempt")
  assert(attempt.request.headers["X-Git-Signature"]:find "v1=%*%*%*$", "the signature is masked")
  same(all("id", webhook:deliveries { status = "retrying" }), pinged.id, "what is to be repeated")

  pass(control, HOUR)
  pinged:refresh()
  assert(pinged.status == "succeeded" and #pinged.attempts == 2 and pinged.finished_at, "it was accepted")
  local again = pinged:redeliver()
  assert(again.redelivery and again.event_id == pinged.event_id and again.id ~= pinged.id, "a redelivery")
  pass(control, 1000)
  same(git.webhooks.deliveries:redeliver(webhook.id, again.id).status, "pending", "another one")

  git.deployments:create { project = "my-app" }
  pass(control, 5000)
  local page = git.webhooks.deliveries:list(webhook.id, { event_type = "deployment.completed", order = "asc" })
  same(all("status", page), "succeeded", "the deployment's own")
  same(all("id", git.webhooks.deliveries:list(webhook, { event = page.data[1].event_id, limit = 1 })), page.data[1].id, "by event")
  for _ in git.webhooks.deliveries:each(webhook.id, { limit = 2, status = "failed" }) do
    error "nothing has failed"
  end

  control("POST", "endpoints", { url = URL, error = "refused" })
  webhook:ping()
  pass(control, 100 * HOUR)
  webhook:refresh()
  same(webhook.disabled_reason, "failing", "the platform gave up")
end

-- ---- events ----

local function events(git, since)
  local page = git.events:list { type = "deployment.*", project = "my-app", limit = 2 }
  same(all("type", page), "deployment.completed deployment.created", "a family of events")
  local event = git.events:get(page.data[1].id)
  assert(event.object == nil and event.type == "deployment.completed" and event.timestamp > 0, "an event")
  assert(event.data.project == "my-app" and event.data.status == "live" and event.data.duration_ms == 2400, "its data")
  local seen = {}
  for one in git.events:each { since = since, ["until"] = since + 5, order = "asc", limit = 3 } do
    assert(one.timestamp >= since and one.timestamp < since + 5, "an event of those five seconds")
    seen[one.type] = true
  end
  assert(seen["webhook.ping"] and not seen["webhook.disabled"], "what happened in them")
  same(all("type", git.events:list { type = "webhook.disabled" }), "webhook.disabled", "one type")
end

-- ---- alerts ----

local function alerts(git, control)
  local alert = git.security_alerts:list({
    state = "open", severity = "high", type = "dependency", project = "my-app", repository = "my-app",
  }).data[1]
  assert(alert.package.name == "lodash" and alert.location.path and alert.project == "my-app", "what is there from the start")
  git.security_alerts:update(alert.id, { state = "dismissed", dismissed_reason = "not_used", dismissed_comment = "A test." })
  local read = git.security_alerts:get(alert)
  assert(read.state == "dismissed" and read.dismissed_reason == "not_used" and read.dismissed_at, "dismissed")
  alert:update { state = "open" }
  assert(alert.state == "open" and alert.dismissed_reason == nil and alert.dismissed_comment == nil, "reopened")

  local found = control("POST", "security_alerts", { type = "code", severity = "low", summary = "Found in a tour" })
  same(all("id", git.security_alerts:list { type = "code", order = "asc" }), found.id, "what was found")
  control("POST", "security_alerts/" .. found.id .. "/fix")
  local fixed = git.security_alerts:get(found.id)
  assert(fixed.state == "fixed" and fixed.fixed_at, "fixed")
  same(fixed:wait().state, "fixed", "nothing is left to wait for")
  for one in git.security_alerts:each { state = "fixed", limit = 1 } do
    same(one.id, found.id, "the fixed ones")
  end
end

return function(git, control)
  local newest = git.events:list { limit = 1 }
  local webhook = endpoints(git)
  deliveries(git, control, webhook)
  events(git, webhook.created_at)
  alerts(git, control)
  webhook:delete()
  assert(#git.webhooks:list().data == 0 and newest.data[1].type, "nothing is left")
end

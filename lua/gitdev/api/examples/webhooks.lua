return {
  ["webhooks.list"] = [[
git.webhooks:create { url = "https://example.com/hooks", events = { "deployment.*" } }
for webhook in git.webhooks:each { status = "enabled" } do
  print(webhook.url, webhook.events[1]) --> https://example.com/hooks deployment.*
end
]],
  ["webhooks.create"] = [[
local webhook = git.webhooks:create {
  url = "https://example.com/hooks",
  events = { "deployment.completed", "build.failed", "security_alert.*" },
}
print(#webhook.secret, webhook.status) --> 38 enabled
-- Keep webhook.secret: it is shown this once, and deliveries are verified with it.
]],
  ["webhooks.get"] = [[
local made = git.webhooks:create { url = "https://example.com/hooks", events = { "*" } }
local webhook = git.webhooks:get(made.id)
print(webhook.secret, webhook.secret_hint == made.secret:sub(-4)) --> nil true
]],
  ["webhooks.update"] = [[
local webhook = git.webhooks:create { url = "https://example.com/hooks", events = { "*" } }
webhook:update { events = { "run.failed" }, description = "CI" }
webhook:update { status = "disabled", description = gitdev.null }
print(webhook.events[1], webhook.disabled_reason, webhook.description) --> run.failed user nil
]],
  ["webhooks.delete"] = [[
local webhook = git.webhooks:create { url = "https://example.com/hooks", events = { "*" } }
webhook:delete()
print(#git.webhooks:list().data) --> 0
]],
  ["webhooks.rotate_secret"] = [[
local webhook = git.webhooks:create { url = "https://example.com/hooks", events = { "*" } }
local rotated = git.webhooks:rotate_secret(webhook.id, { expire_previous_in = 3600 })
print(rotated.secret ~= webhook.secret) --> true
-- For an hour deliveries are signed with both: time enough to put the new one in place.
]],
  ["webhooks.ping"] = [[
local webhook = git.webhooks:create { url = "https://example.com/hooks", events = { "*" } }
local delivery = webhook:ping()
delivery:wait()
print(delivery.event_type, delivery.status) --> webhook.ping succeeded
print(delivery.last_status_code) --> 200
]],
  ["webhooks.deliveries.list"] = [[
local webhook = git.webhooks:create { url = "https://example.com/hooks", events = { "*" } }
git.deployments:create({ project = "my-app" }):wait()
for delivery in git.webhooks.deliveries:each(webhook.id, { event_type = "deployment.completed" }) do
  print(delivery.event_type, delivery.attempt_count) --> deployment.completed 1
end
]],
  ["webhooks.deliveries.get"] = [[
local webhook = git.webhooks:create { url = "https://example.com/hooks", events = { "*" } }
local pinged = webhook:ping():wait()
local delivery = git.webhooks.deliveries:get(webhook.id, pinged.id)
print(delivery.attempts[1].request.headers["X-Git-Event"]) --> webhook.ping
]],
  ["webhooks.deliveries.redeliver"] = [[
local webhook = git.webhooks:create { url = "https://example.com/hooks", events = { "*" } }
local first = webhook:ping():wait()
local again = git.webhooks.deliveries:redeliver(webhook.id, first.id)
print(again.redelivery, again.event_id == first.event_id) --> true true
]],
}

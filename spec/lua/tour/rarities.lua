-- What the tours of single resources leave out: events that take luck or patience.
local DAY_MS = 24 * 3600 * 1000

local function pass(control, milliseconds)
  control("POST", "clock", { advance_ms = milliseconds })
end

local function a_build_that_is_canceled(git, control)
  local deployment = git.deployments:create { project = "my-app" }
  pass(control, 500)
  assert(deployment:refresh().status == "building", "it is being built")
  assert(git.deployments:cancel(deployment).status == "canceled", "and not any more")
  assert(git.events:list({ type = "build.*", project = "my-app", limit = 1 }).data[1].type == "build.canceled", "which is told")
end

local function a_key_that_was_seen(git, control)
  local key = git.api_keys:create { name = "carelessly kept", scopes = { "projects:read" } }
  control("POST", "keys/expose", { id = key.id })
  local event = git.events:list({ type = "api_key.exposed" }).data[1]
  assert(event.data.api_key_id == key.id, "the key is named")
  assert(git.security_alerts:list({ type = "key_exposure", state = "open" }).data[1], "and there is an alert")
end

local function a_certificate_that_is_renewed(git, control)
  local domain = git.domains:create { project = "my-app", name = "www.patience.example" }
  control("POST", "dns", { ["www.patience.example"] = { CNAME = "my-app.git.dev" } })
  domain:verify()
  pass(control, 5000)
  local first = git.certificates:get(domain:wait().certificate_id)
  for _ = 1, 4 do
    pass(control, 16 * DAY_MS)
  end
  local second = git.certificates:get(domain:refresh().certificate_id)
  assert(second.status == "issued" and second.not_after > first.not_after, "30 days before its end")
  assert(git.events:list({ type = "certificate.renewed" }).data[1].data.certificate_id == second.id, "which is told")
end

return function(git, control)
  a_build_that_is_canceled(git, control)
  a_key_that_was_seen(git, control)
  a_certificate_that_is_renewed(git, control)
end

--- Security alerts (contract 2.14, 3.5): how one is opened, and what becomes of it.
local core = require "gitdev.core"
local secret_scan = require "gitdev.emulator.security.secret_scan"

local alerts = {}

-- What an alert says of itself where nobody says more. The first is a real one.
local USUAL = {
  dependency = {
    severity = "high",
    summary = "Command injection in lodash",
    description = "lodash before 4.17.21 lets templates run code of others. Upgrade to 4.17.21 or later.",
    location = { path = "package-lock.json", line = 5021 },
    package = {
      ecosystem = "npm",
      name = "lodash",
      version = "4.17.20",
      vulnerable_range = "<4.17.21",
      fixed_version = "4.17.21",
    },
    advisory_ids = { "CVE-2021-23337", "GHSA-35jh-r3h4-6jhm" },
  },
  secret = {
    severity = "critical",
    summary = "A secret was committed",
    description = "A file holds a secret. Replace the secret, then take it out of the file.",
    location = { path = "config.js", line = 1 },
  },
  code = {
    severity = "medium",
    summary = "Text of others becomes HTML",
    description = "A value out of a request is written into a page as it is. Escape it.",
    location = { path = "src/index.js", line = 1 },
  },
  certificate = {
    severity = "medium",
    summary = "A certificate is about to expire",
    description = "A certificate could not be renewed. Check the domain's records.",
  },
  key_exposure = {
    severity = "critical",
    summary = "An API key was exposed",
    description = "A secret API key was seen in clear. Revoke or rotate it.",
  },
}

local FIELDS = { "severity", "summary", "description", "location", "package", "advisory_ids" }

local function move(tenant, alert, on, changes)
  changes.updated_at = tenant:seconds()
  tenant:move(alert, on, changes, { alert_id = alert.id })
end

--- Opens an alert and returns it. `fields`: type, and what differs from the usual one of that type; `project` is the thing, or nil; `subject_id`
-- is the id of what only one alert can be about.
function alerts.open(tenant, fields)
  local usual, project = USUAL[fields.type], fields.project
  local alert = {
    id = tenant:id "alr",
    object = "security_alert",
    type = fields.type,
    state = "open",
    project = project and project.slug,
    project_id = project and project.id,
    repository_id = fields.repository_id,
    subject_id = fields.subject_id,
    created_at = tenant:seconds(),
    updated_at = tenant:seconds(),
  }
  for _, name in ipairs(FIELDS) do
    alert[name] = fields[name] or usual[name]
  end
  alert.advisory_ids = alert.advisory_ids or {}
  tenant:add(alert)
  tenant:emit("security_alert.created", alert, { alert_id = alert.id })
  return alert
end

--- Dismisses an open alert. `comment` may be nil.
function alerts.dismiss(tenant, alert, reason, comment)
  move(tenant, alert, "dismiss", {
    dismissed_reason = reason,
    dismissed_comment = comment,
    dismissed_at = tenant:seconds(),
  })
end

local NOT_DISMISSED = { dismissed_reason = core.null, dismissed_comment = core.null, dismissed_at = core.null }

local function standing_again()
  local changes = { fixed_at = core.null }
  for name, value in pairs(NOT_DISMISSED) do
    changes[name] = value
  end
  return changes
end

--- Reopens a dismissed alert.
function alerts.reopen(tenant, alert)
  move(tenant, alert, "reopen", standing_again())
end

--- The scanner no longer finds it.
function alerts.fix(tenant, alert)
  move(tenant, alert, "fix", { fixed_at = tenant:seconds() })
end

--- The scanner finds it again.
function alerts.come_back(tenant, alert)
  move(tenant, alert, "come_back", standing_again())
end

-- The alert about what only one can be about, or nil.
local function about(tenant, subject_id)
  return tenant.things.security_alert:list("subject_id", subject_id)[1]
end

-- ---- pushed secrets ----

-- The project that is built from a repository, if there is just one.
local function only_project(tenant, repository)
  local projects = tenant.things.project:list("repository_id", repository.id)
  return #projects == 1 and projects[1] or nil
end

--- Somebody pushed: opens an alert for each secret that nobody has pushed to this repository before.
function alerts.scan(tenant, repository, data)
  for _, secret in ipairs(secret_scan.push(repository, data)) do
    local subject_id = repository.id .. " " .. secret.id
    if not about(tenant, subject_id) then
      alerts.open(tenant, {
        type = "secret",
        project = only_project(tenant, repository),
        repository_id = repository.id,
        subject_id = subject_id,
        summary = ("%s was committed to %s"):format(secret.what, secret.path),
        location = { path = secret.path, line = secret.line, commit_sha = secret.commit_sha },
      })
    end
  end
end

-- ---- exposed keys ----

--- A secret key was seen in clear (contract 4.3). One that was dismissed stays so.
function alerts.key_exposed(tenant, key)
  local alert = about(tenant, key.id)
  if not alert then
    local summary = ("The API key %s… (%s) was exposed"):format(key.prefix, key.name)
    alerts.open(tenant, { type = "key_exposure", summary = summary, subject_id = key.id })
  elseif alert.state == "fixed" then
    alerts.come_back(tenant, alert)
  end
end

--- What was exposed opens nothing any more.
function alerts.key_replaced(tenant, key)
  local alert = about(tenant, key.id)
  if alert and alert.state ~= "fixed" then
    alerts.fix(tenant, alert)
  end
end

return alerts

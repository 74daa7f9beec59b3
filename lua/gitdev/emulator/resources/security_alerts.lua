--- contract 2.14
local access = require "gitdev.emulator.organization.access"
local alerts = require "gitdev.emulator.security.alerts"
local core = require "gitdev.core"
local machine = require "gitdev.emulator.store.machine"
local refusal = require "gitdev.emulator.refusal"
local schema = require "gitdev.schema"

local SEEDED_PROJECT = "my-app"

local function find_repository(tenant, reference)
  local repositories = tenant.things.repository
  return repositories:get(reference) or repositories:find("name", reference)
end

local function list(call)
  local query, tenant = call.query, call.tenant
  query.project = call:project_filter(query.project)
  if query.repository then
    local repository = find_repository(tenant, query.repository)
    query.repository = repository and repository.id or ""
  end
  return call:page(tenant.things.security_alert, {
    state = query.state,
    severity = query.severity,
    type = query.type,
    project_id = query.project,
    repository_id = query.repository,
  }, function(alert)
    return access.sees(call.key, alert.project_id)
  end)
end

-- ---- update ----

local function given(value)
  return value ~= nil and value ~= core.null and value or nil
end

local function refuse_reason(code, text)
  refusal.unprocessable { { code = code, param = "dismissed_reason", message = "dismissed_reason " .. text } }
end

-- Whether a merge of `value` would change a field.
local function differs(present, value)
  return value ~= nil and given(value) ~= present
end

-- Dismisses, or says something else about an alert that is dismissed already, which is no event.
local function dismiss(call, alert)
  local body, tenant = call.body, call.tenant
  local reason = given(body.dismissed_reason)
  if not reason and (alert.state ~= "dismissed" or body.dismissed_reason == core.null) then
    refuse_reason("parameter_missing", "is required to dismiss an alert.")
  elseif alert.state == "open" then
    alerts.dismiss(tenant, alert, reason, given(body.dismissed_comment))
  elseif reason and reason ~= alert.dismissed_reason or differs(alert.dismissed_comment, body.dismissed_comment) then
    tenant:set(alert, {
      dismissed_reason = reason,
      dismissed_comment = body.dismissed_comment,
      updated_at = tenant:seconds(),
    })
  end
end

local function open(call, alert)
  for _, name in ipairs { "dismissed_reason", "dismissed_comment" } do
    if given(call.body[name]) then
      refusal.unprocessable {
        { code = "parameter_invalid", param = name, message = name .. " is for alerts that are dismissed, not opened." },
      }
    end
  end
  if alert.state == "dismissed" then
    alerts.reopen(call.tenant, alert)
  end
end

local function update(call)
  local alert = call.things.security_alert
  if alert.state == "fixed" then
    machine.refuse(alert, "The alert is fixed: nothing is left to dismiss or to reopen.", { "open", "dismissed" })
  elseif call.body.state == "dismissed" then
    dismiss(call, alert)
  else
    open(call, alert)
  end
  return alert
end

-- ---- what projects and repositories do to them ----

local function rename(tenant, project)
  for _, alert in ipairs(tenant.things.security_alert:list("project_id", project.id)) do
    tenant:set(alert, { project = project.slug })
  end
end

local function begin(tenant)
  local project = tenant.things.project:find("slug", SEEDED_PROJECT)
  alerts.open(tenant, { type = "dependency", project = project, repository_id = project.repository_id })
end

-- ---- the control plane ----

local SETTABLE = {
  type = true,
  severity = true,
  project = true,
  repository_id = true,
  summary = true,
  description = true,
  location = true,
  package = true,
  advisory_ids = true,
}

local function problem_of(body)
  for name in pairs(body) do
    if not SETTABLE[name] then
      return ("An alert that is opened has no %s."):format(name)
    end
  end
  local problem
  schema.check(schema.object("security_alert").fields, body, nil, function(_, _, message)
    problem = problem or message
  end)
  return problem
end

-- Where an alert belongs that says nothing of it: to the seeded project, if it is about what a project has.
local function place_of(tenant, body)
  local projects = tenant.things.project
  local reference = body.project or body.type ~= "key_exposure" and not body.repository_id and SEEDED_PROJECT or nil
  local project = reference and (projects:get(reference) or projects:find("slug", reference))
  local repository = body.repository_id and find_repository(tenant, body.repository_id)
  if body.project and not project then
    return nil, ('There is no project "%s".'):format(body.project)
  elseif body.repository_id and not repository then
    return nil, ('There is no repository "%s".'):format(body.repository_id)
  end
  return { project = project, repository_id = repository and repository.id or project and project.repository_id }
end

local function open_alert(emulator, body)
  local problem = problem_of(body)
  if problem then
    return 400, problem
  end
  local tenant, fields = emulator.tenants[false], {}
  body.type = body.type or "dependency"
  local place, cause = place_of(tenant, body)
  if not place then
    return 400, cause
  end
  for name, value in pairs(body) do
    fields[name] = value
  end
  fields.project, fields.repository_id = place.project, place.repository_id
  return 201, schema.encode(schema.object("security_alert").fields, alerts.open(tenant, fields))
end

-- A route that has the scanner do something to the alert it names; `from`: the states in which that can be.
local function scanner(act, from)
  return function(emulator, _, id)
    local alert = emulator:find("security_alert", id)
    if not alert then
      return 404, "There is no such alert."
    elseif not from[alert.state] then
      return 409, ("The alert is %s."):format(alert.state)
    end
    for _, tenant in pairs(emulator.tenants) do
      if tenant.things.security_alert:get(id) then
        act(tenant, alert)
      end
    end
    return 200, schema.encode(schema.object("security_alert").fields, alert)
  end
end

return {
  collections = {
    -- subject_id: the thing that the alert is about, where there can be only one about it
    security_alert = { indexes = { "state", "project_id", "repository_id", "subject_id" } },
  },
  begin = begin,
  reactions = {
    ["project.updated"] = rename,
    ["project.deleted"] = function(tenant, project)
      tenant:drop("security_alert", "project_id", project.id)
    end,
    ["repository.deleted"] = function(tenant, repository)
      tenant:drop("security_alert", "repository_id", repository.id)
    end,
    ["repository.pushed"] = function(tenant, repository, event)
      alerts.scan(tenant, repository, event.data)
    end,
    ["api_key.exposed"] = alerts.key_exposed,
    ["api_key.rotated"] = alerts.key_replaced,
    ["api_key.revoked"] = alerts.key_replaced,
  },
  find = {
    security_alert = function(call, id)
      return call.tenant.things.security_alert:get(id)
    end,
  },
  control = {
    { "POST", "^/_emulator/security_alerts$", open_alert },
    { "POST", "^/_emulator/security_alerts/([^/]+)/fix$", scanner(alerts.fix, { open = true, dismissed = true }) },
    { "POST", "^/_emulator/security_alerts/([^/]+)/reopen$", scanner(alerts.come_back, { fixed = true }) },
  },
  operations = {
    ["security_alerts.list"] = list,
    ["security_alerts.get"] = function(call)
      return call.things.security_alert
    end,
    ["security_alerts.update"] = update,
  },
}

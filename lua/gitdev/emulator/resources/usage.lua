--- contract 2.1
local access = require "gitdev.emulator.organization.access"
local calendar = require "gitdev.emulator.organization.calendar"
local limits = require "gitdev.api.limits"
local meter = require "gitdev.emulator.organization.meter"
local refusal = require "gitdev.emulator.refusal"
local schema = require "gitdev.schema"

local METRICS = schema.object("usage_metric").fields.by_name.metric.values

local function refuse(param, message)
  refusal.raise("parameter_invalid", { status = 400, param = param, message = message })
end

-- The period that is asked for: as told, else this month; where only the end is told, the month that it is in.
local function period_of(query, now)
  local first, last = query.start, query["end"]
  last = last or calendar.next_month(now)
  first = first or calendar.month(query["end"] and last - 1 or now)
  if first >= last then
    refuse(query.start and "start" or "end", "start must lie before end.")
  elseif last - first > limits.usage.days * 24 * 3600 then
    refuse(query.start and "start" or "end", ("The period has more than %d days."):format(limits.usage.days))
  end
  return first, last
end

-- Which projects count: the one that is named, or those that the key holds; nil: all, and what is of no project.
local function filter_of(call)
  local wanted = call:project_filter(call.query.project)
  if wanted then
    return function(project_id)
      return project_id == wanted
    end
  elseif access.sees_all(call.key) then
    return nil
  end
  return function(project_id)
    return access.sees(call.key, project_id)
  end
end

-- ---- what is kept, rather than done: the bytes of things that were there in the period ----

local function sum_of(things, first, last, counts)
  local total = 0
  for thing in things and things.all:walk() or function() end do
    local was_there = thing.created_at < last and (not thing.expires_at or thing.expires_at > first)
    if was_there and counts(thing) then
      total = total + (thing.size_bytes or 0)
    end
  end
  return total
end

-- A repository counts for those who hold a project that is built from it.
local function is_linked(tenant, repository, counts)
  for project in tenant.things.project:each("repository_id", repository.id) do
    if counts(project.id) then
      return true
    end
  end
  return false
end

local KEPT = {}

function KEPT.storage_bytes(tenant, first, last, counts)
  return sum_of(tenant.things.repository, first, last, function(repository)
    return not counts or is_linked(tenant, repository, counts)
  end)
end

function KEPT.artifact_bytes(tenant, first, last, counts)
  return sum_of(tenant.things.artifact, first, last, function(artifact)
    return not counts or counts(artifact.project_id)
  end)
end

local function quantity_of(metric, ...)
  if KEPT[metric] then
    return KEPT[metric](...)
  end
  local tenant, first, last, counts = ...
  return meter.between(tenant, metric, first, last, counts)
end

local function get(call)
  local tenant, plan = call.tenant, call.tenant.organization.plan
  local first, last = period_of(call.query, tenant:seconds())
  local counts, metrics = filter_of(call), {}
  for place, metric in ipairs(METRICS) do
    metrics[place] = {
      metric = metric,
      quantity = quantity_of(metric, tenant, first, last, counts),
      limit = limits.usage.plans[plan][metric],
    }
  end
  return { object = "usage", period_start = first, period_end = last, plan = plan, metrics = metrics }
end

-- ---- what is counted when it happens; the pipeline counts requests ----

local function count_deployment(tenant, deployment)
  meter.add(tenant, "deployments", deployment.project_id, 1)
end

local function count_build(tenant, deployment, event)
  meter.add(tenant, "build_ms", deployment.project_id, event.data.duration_ms or 0)
end

return {
  reactions = {
    ["deployment.created"] = count_deployment,
    ["build.completed"] = count_build,
    ["build.failed"] = count_build,
    ["build.canceled"] = count_build,
  },
  operations = {
    ["usage.get"] = get,
  },
}

--- contract 2.4, 2.5, 3.1
local access = require "gitdev.emulator.organization.access"
local build_log = require "gitdev.emulator.deployments.build_log"
local builder = require "gitdev.emulator.deployments.builder"
local distinct = require "gitdev.emulator.store.distinct"
local launch = require "gitdev.emulator.deployments.launch"
local log_page = require "gitdev.emulator.deployments.log_page"
local log_stream = require "gitdev.emulator.deployments.log_stream"
local machine = require "gitdev.emulator.store.machine"
local refusal = require "gitdev.emulator.refusal"
local regions = require "gitdev.emulator.deployments.regions"
local schema = require "gitdev.schema"
local seed = require "gitdev.emulator.seed"

-- ---- list, get ----

local function list(call)
  local query = call.query
  query.project = call:project_filter(query.project)
  local where = call:only_visible({
    project_id = query.project,
    status = query.status,
    target = query.target,
    branch = query.branch,
    commit_sha = query.commit_sha,
    current = query.current,
  }, "project_id")
  local after, before = query.created_after, query.created_before
  return call:page(call.tenant.things.deployment, where, (after or before) and function(deployment)
    return (not after or deployment.created_at > after) and (not before or deployment.created_at < before)
  end)
end

-- ---- create, redeploy ----

local function refuse_unknown(reference)
  refusal.unprocessable {
    { code = "resource_missing", param = "project", message = ('project: there is no project "%s".'):format(reference) },
  }
end

-- A project for a slug that none has, and its repository, neither of them stored yet: the deployment may still be refused.
local function draft_project(call, slug)
  local projects = call.tenant.things.project
  local creation = schema.operation("projects.create")
  local is_slug = schema.check(creation.body, { slug = slug }, nil, function() end)
  if not (call.emulator.options.auto_create_projects and is_slug) then
    refuse_unknown(slug)
  end
  access.require(call.key, access.requirement(creation.scope))
  if projects:find("slug", slug) then
    refuse_unknown(slug)
  end
  call.emulator:check_quota("projects", projects.all.count)
  return seed.draft(call.tenant, slug)
end

local function create(call)
  local body, tenant = call.body, call.tenant
  local project, draft_repository = call:project(body.project), nil
  if project then
    call:about(project.id)
  else
    project, draft_repository = draft_project(call, body.project)
  end
  launch.refuse_paused(project)
  local branch = body.branch or project.production_branch
  local repository = draft_repository or tenant.things.repository:get(project.repository_id)
  regions.check(body.regions, launch.commit_faults(repository, branch, body.commit_sha))
  local commit = launch.commit(repository, branch, body.commit_sha)
  local target = body.target or launch.target(project, branch)
  local resolved = launch.environment(tenant, project, target, branch, body.env)
  call.emulator:check_quota("deployments", tenant.things.deployment.all.count)
  if draft_repository then
    seed.keep(tenant, project, draft_repository)
    call:admit(project)
  end
  return builder.queue(tenant, project, {
    on = "create",
    source = "api",
    branch = branch,
    commit = commit,
    target = target,
    regions = body.regions and distinct(body.regions) or project.regions,
    environment = resolved,
    metadata = body.metadata or {},
    skip_cache = body.skip_cache,
  })
end

-- A redeployment carries its parent's notes, but not the outcome that they asked the emulator for: one of a failed deployment
-- would fail for ever.
local function notes_of(parent)
  local metadata = {}
  for key, value in pairs(parent.metadata) do
    metadata[key] = key ~= "emulate" and value or nil
  end
  return metadata
end

local function redeploy(call)
  local parent, tenant = call.things.deployment, call.tenant
  local project = tenant.things.project:get(parent.project_id)
  launch.refuse_paused(project)
  return builder.queue(tenant, project, {
    on = "redeploy",
    source = "redeploy",
    parent_id = parent.id,
    branch = parent.branch,
    commit = parent.commit_sha and { sha = parent.commit_sha, message = parent.commit_message },
    target = parent.target,
    regions = parent.regions,
    environment = launch.environment(tenant, project, parent.target, parent.branch, call.body.env),
    metadata = notes_of(parent),
    skip_cache = call.body.skip_cache,
  })
end

-- ---- the other actions ----

local function cancel(call)
  builder.cancel(call.tenant, call.things.deployment, "user")
  return call.things.deployment
end

local function refuse_current(deployment)
  if deployment.current then
    machine.refuse(deployment, "This deployment is current already: production points to it.", { "live" })
  end
end

local function promote(call)
  local deployment = call.things.deployment
  machine.next(deployment, "promote")
  refuse_current(deployment)
  local previous = builder.point_production(call.tenant, deployment)
  call.tenant:move(deployment, "promote", nil, { previous_deployment_id = previous })
  return deployment
end

local function rollback(call)
  local deployment = call.things.deployment
  machine.next(deployment, "rollback")
  refuse_current(deployment)
  if not deployment.private.was_current then
    machine.refuse(deployment, "This deployment never was production: promote it instead.", { "live" })
  end
  local previous = builder.point_production(call.tenant, deployment)
  call.tenant:move(deployment, "rollback", nil, { previous_deployment_id = previous, reason = call.body.reason })
  return deployment
end

local function delete(call)
  local deployment, tenant = call.things.deployment, call.tenant
  if not machine.is_terminal(deployment) then
    local message = ("The deployment is %s: cancel it, or wait for its end."):format(deployment.status)
    machine.refuse(deployment, message, machine.ends "deployment")
  elseif deployment.current then
    refusal.raise("resource_in_use", { message = "Production points to this deployment: promote another one first." })
  end
  tenant.things.deployment:remove(deployment)
  tenant:emit("deployment.deleted", deployment)
end

-- ---- logs ----

local function logs(call)
  local deployment = call.things.deployment
  return log_page.of(call, deployment, build_log)
end

return {
  collections = {
    deployment = { indexes = { "project_id", "status", "target", "branch", "current", "preview_id" } },
  },
  timers = builder.timers,
  logs = { deployment = build_log },
  reactions = {
    ["repository.pushed"] = function(tenant, repository, event)
      launch.push(tenant, repository, event.data)
    end,
  },
  find = {
    deployment = function(call, id)
      return call.tenant.things.deployment:get(id)
    end,
  },
  operations = {
    ["deployments.list"] = list,
    ["deployments.create"] = create,
    ["deployments.get"] = function(call)
      return call.things.deployment
    end,
    ["deployments.cancel"] = cancel,
    ["deployments.promote"] = promote,
    ["deployments.rollback"] = rollback,
    ["deployments.redeploy"] = redeploy,
    ["deployments.delete"] = delete,
    ["deployments.logs.list"] = logs,
    ["deployments.logs.stream"] = function(call)
      return log_stream.open(call, call.things.deployment, build_log)
    end,
  },
}

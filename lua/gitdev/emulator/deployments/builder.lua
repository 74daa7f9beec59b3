--- The life of a deployment (contract 3.1): queued per project and target, built, deployed, live or not. The moves and
-- their events come from the contract's table; here is when they happen and what else they change.
local hosts = require "gitdev.emulator.deployments.hosts"
local machine = require "gitdev.emulator.store.machine"
local previews = require "gitdev.emulator.deployments.previews"

local QUEUE_MS = 200
local BUILD_SHARE = 0.75
local SLOWNESS = 10
local BUILD_TIMEOUT_MS = 60 * 60 * 1000

-- The outcomes that `metadata.emulate` asks for (contract 5).
local FAILURES = {
  build_failed = { stage = "build", code = "build_error", message = "The build command exited with status 1." },
  deploy_failed = { stage = "deploy", code = "health_check_failed", message = "No region answered the health check." },
  hang = { stage = "build", code = "build_timeout", message = "The build did not end within 60 minutes." },
}

local builder = {}

local function new_lane()
  return { first = 1, last = 0, building = nil }
end

-- What waits and builds in one project. `queued`: branch -> the deployment of it that waits; there is never a second one,
-- for a newer supersedes it.
local function line_of(tenant, project_id)
  local line = tenant.lines[project_id]
  if not line then
    line = { queued = {}, production = new_lane(), preview = new_lane() }
    tenant.lines[project_id] = line
  end
  return line
end

local function lane_of(tenant, deployment)
  return line_of(tenant, deployment.project_id)[deployment.target]
end

local function later(tenant, deployment, delay_ms, name)
  deployment.private.timer = tenant:later(delay_ms, name, deployment)
end

local function begin_stage(tenant, deployment, name, planned_ms)
  local stages = deployment.private.stages
  stages[#stages + 1] = { name = name, begun_ms = tenant:now(), planned_ms = planned_ms }
end

local function end_stage(tenant, deployment, outcome)
  local stages = deployment.private.stages
  local stage = stages[#stages]
  if stage then
    stage.ended_ms, stage.outcome = tenant:now(), outcome
  end
end

local function elapsed(tenant, deployment)
  local started_ms = deployment.private.started_ms
  return started_ms and tenant:now() - started_ms or nil
end

local function finish(tenant, deployment, on, changes)
  changes.finished_at = tenant:seconds()
  changes.duration_ms = elapsed(tenant, deployment)
  tenant:move(deployment, on, changes)
end

-- Whether a production deployment made after this one is live: then production must not go back to this one.
local function is_outrun(tenant, deployment)
  for other in tenant.things.deployment:each("project_id", deployment.project_id, true) do
    if other.private.born <= deployment.private.born then
      return false
    end
    if other.target == "production" and other.status == "live" then
      return true
    end
  end
  return false
end

--- Points production at `deployment`. Returns the id of the one that it pointed to, or nil.
function builder.point_production(tenant, deployment)
  local project = tenant.things.project:get(deployment.project_id)
  local previous = tenant.things.deployment:get(project.current_deployment_id)
  if previous then
    tenant:set(previous, { current = false })
  end
  tenant:set(deployment, { current = true })
  tenant:set(project, { current_deployment_id = deployment.id, updated_at = tenant:seconds() })
  deployment.private.was_current = true
  return previous and previous.id
end

local function deploy_done(tenant, deployment)
  local private = deployment.private
  if private.emulate == "deploy_failed" then
    end_stage(tenant, deployment, "failed")
    return finish(tenant, deployment, "unhealthy", { failure = FAILURES.deploy_failed })
  end
  end_stage(tenant, deployment, "ok")
  private.live_ms = tenant:now()
  local takes_production = deployment.target == "production" and not is_outrun(tenant, deployment)
  finish(tenant, deployment, "healthy", {})
  if takes_production then
    builder.point_production(tenant, deployment)
  end
end

local pump

local function build_done(tenant, deployment)
  local private = deployment.private
  local failure = FAILURES[private.emulate]
  if failure and failure.stage == "build" then
    end_stage(tenant, deployment, "failed")
    finish(tenant, deployment, failure.code, { failure = failure })
  else
    end_stage(tenant, deployment, "ok")
    begin_stage(tenant, deployment, "deploy", private.deploy_ms)
    tenant:move(deployment, "build_ok", nil, { duration_ms = elapsed(tenant, deployment) })
    later(tenant, deployment, private.deploy_ms, "deployment.deployed")
  end
  local lane = lane_of(tenant, deployment)
  lane.building = nil
  pump(tenant, lane)
end

local function start_build(tenant, deployment)
  local private, now = deployment.private, tenant:now()
  local total_ms = tenant.emulator.build_ms * (private.emulate == "slow" and SLOWNESS or 1)
  local build_ms = math.floor(total_ms * BUILD_SHARE)
  private.started_ms, private.deploy_ms = now, total_ms - build_ms
  -- What the process was told and the log has printed stays so when the project is renamed.
  private.built = { project = deployment.project, url = deployment.url, permalink_url = deployment.permalink_url }
  begin_stage(tenant, deployment, "build", build_ms)
  tenant:move(deployment, "builder_free", {
    started_at = tenant:seconds(), queued_ms = now - private.created_ms,
  })
  later(tenant, deployment, private.emulate == "hang" and BUILD_TIMEOUT_MS or build_ms, "deployment.built")
end

-- Starts the oldest waiting deployment of a lane, if the builder is free and it has waited its time.
function pump(tenant, lane)
  while lane.first <= lane.last and lane[lane.first].status ~= "queued" do
    lane[lane.first] = nil
    lane.first = lane.first + 1
  end
  local head = lane[lane.first]
  if lane.building or not head or head.private.ready_ms > tenant:now() then
    return
  end
  lane[lane.first] = nil
  lane.first = lane.first + 1
  lane.building = head
  line_of(tenant, head.project_id).queued[head.branch] = nil
  start_build(tenant, head)
end

local function ready(tenant, deployment)
  pump(tenant, lane_of(tenant, deployment))
end

--- What the catalogue calls when a deployment's time has come.
builder.timers = {
  ["deployment.ready"] = ready,
  ["deployment.built"] = build_done,
  ["deployment.deployed"] = deploy_done,
}

--- Cancels a deployment; `reason`: "user", "superseded" or "project_deleted". Raises 409 `invalid_state` if it has ended.
function builder.cancel(tenant, deployment, reason)
  local on = reason == "user" and "cancel" or reason
  machine.next(deployment, on)
  tenant:cancel(deployment.private.timer)
  local line, lane = line_of(tenant, deployment.project_id), lane_of(tenant, deployment)
  local changes = { cancel_reason = reason }
  if deployment.status == "queued" then
    line.queued[deployment.branch] = nil
    changes.queued_ms = tenant:now() - deployment.private.created_ms
  end
  end_stage(tenant, deployment, "canceled")
  finish(tenant, deployment, on, changes)
  if lane.building == deployment then
    lane.building = nil
    pump(tenant, lane)
  end
end

-- The addresses of a deployment under the project's present slug.
local function addresses(project, deployment)
  local production = deployment.target == "production"
  return {
    project = project.slug,
    url = production and project.url or hosts.preview(project.slug, deployment.branch),
    permalink_url = hosts.permalink(project.slug, deployment.id),
  }
end

--- Moves a project's deployments to its new slug.
function builder.rename(tenant, project)
  for _, deployment in ipairs(tenant.things.deployment:list("project_id", project.id)) do
    tenant:set(deployment, addresses(project, deployment))
  end
end

local function new_deployment(tenant, project, plan)
  local deployment = {
    id = tenant:id "dep",
    object = "deployment",
    project_id = project.id,
    status = "queued",
    target = plan.target,
    branch = plan.branch,
    commit_sha = plan.commit and plan.commit.sha,
    commit_message = plan.commit and plan.commit.message,
    source = plan.source,
    parent_id = plan.parent_id,
    preview_id = plan.preview_id,
    current = false,
    regions = plan.regions,
    env_keys = plan.environment.keys,
    metadata = plan.metadata,
    created_at = tenant:seconds(),
    private = {
      env = plan.environment.env,
      secrets = plan.environment.secrets,
      skip_cache = plan.skip_cache,
      emulate = plan.metadata.emulate,
      stages = {},
      created_ms = tenant:now(),
      ready_ms = tenant:now() + QUEUE_MS,
    },
  }
  for field, value in pairs(addresses(project, deployment)) do
    deployment[field] = value
  end
  return tenant:add(deployment)
end

--- Queues a new deployment and returns it; one for a preview joins that of its branch, or opens it. `plan`: branch, commit (nil, or { sha,
-- message }), target, regions, environment (as environment.resolve gives it), metadata, source, on (the contract's word for what made it),
-- parent_id, skip_cache.
function builder.queue(tenant, project, plan)
  plan.preview_id = plan.target == "preview" and previews.join(tenant, project, plan.branch).id or nil
  local deployment = new_deployment(tenant, project, plan)
  local line = line_of(tenant, project.id)
  local lane, older = line[deployment.target], line.queued[deployment.branch]
  lane.last = lane.last + 1
  lane[lane.last] = deployment
  for _, kind in ipairs(machine.birth_events("deployment", plan.on)) do
    tenant:emit(kind, deployment)
  end
  if older then
    builder.cancel(tenant, older, "superseded")
  end
  line.queued[deployment.branch] = deployment
  later(tenant, deployment, QUEUE_MS, "deployment.ready")
  return deployment
end

--- A deployment of the project that is on its way, or nil.
function builder.in_progress(tenant, project)
  for deployment in tenant.things.deployment:each("project_id", project.id, true) do
    if not machine.is_terminal(deployment) then
      return deployment
    end
  end
  return nil
end

--- Cancels the deployments of a preview and removes them. One that production points to was promoted: it stays, and is no preview any more.
function builder.remove_preview(tenant, preview)
  previews.each_deployment(tenant, preview, function(deployment)
    if deployment.current then
      tenant.things.deployment:set(deployment, "preview_id", nil)
      return
    end
    if not machine.is_terminal(deployment) then
      builder.cancel(tenant, deployment, "user")
    end
    tenant.things.deployment:remove(deployment)
  end)
end

--- Forgets a project's deployments, and that it ever built.
function builder.forget(tenant, project)
  for _, deployment in ipairs(tenant.things.deployment:list("project_id", project.id)) do
    tenant.things.deployment:remove(deployment)
  end
  tenant.lines[project.id] = nil
end

return builder

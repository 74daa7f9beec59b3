--- contract 2.6, 3.5
local builder = require "gitdev.emulator.deployments.builder"
local launch = require "gitdev.emulator.deployments.launch"
local previews = require "gitdev.emulator.deployments.previews"
local refusal = require "gitdev.emulator.refusal"

local function list(call)
  local query = call.query
  query.project = call:project_filter(query.project)
  local where = call:only_visible({
    project_id = query.project,
    branch = query.branch,
    pull_request = query.pull_request,
    status = query.status,
  }, "project_id")
  return call:page(call.tenant.things.preview, where)
end

local function unprocessable(code, param, message)
  refusal.unprocessable { { code = code, param = param, message = message } }
end

local function project_of(call)
  local project = call:project(call.body.project)
  if not project then
    unprocessable("resource_missing", "project", ('project: there is no project "%s".'):format(call.body.project))
  end
  call:about(project.id)
  return project
end

local function check(project, body)
  if body.branch == project.production_branch then
    unprocessable("parameter_invalid", "branch", "branch is the project's production branch: previews are of others.")
  elseif body.protection == "password" and not body.password then
    unprocessable("parameter_missing", "password", "password is required with protection = password.")
  elseif body.password and body.protection ~= "password" then
    unprocessable("parameter_invalid", "password", "password is only for protection = password.")
  end
end

local function refuse_second(tenant, project, branch)
  local preview = previews.find(tenant, project.id, branch)
  if preview and not previews.is_over(preview) then
    refusal.raise("already_exists", {
      param = "branch",
      message = ("The branch has a preview already, %s: deploy the branch to bring that up to date."):format(preview.id),
    })
  end
end

local function create(call)
  local body, tenant, project = call.body, call.tenant, project_of(call)
  check(project, body)
  launch.refuse_paused(project)
  local commit = launch.commit(tenant.things.repository:get(project.repository_id), body.branch)
  refuse_second(tenant, project, body.branch)
  local resolved = launch.environment(tenant, project, "preview", body.branch, body.env)
  call.emulator:check_quota("deployments", tenant.things.deployment.all.count)
  local preview = previews.open(tenant, project, body.branch, body)
  builder.queue(tenant, project, {
    on = "preview",
    source = "preview",
    branch = body.branch,
    commit = commit,
    target = "preview",
    regions = project.regions,
    environment = resolved,
    metadata = {},
    skip_cache = false,
  })
  return preview
end

local function delete(call)
  local preview, tenant = call.things.preview, call.tenant
  builder.remove_preview(tenant, preview)
  previews.remove(tenant, preview)
  tenant:emit("preview.deleted", preview)
end

-- ---- by itself ----

local function over(tenant, preview)
  builder.remove_preview(tenant, preview)
  previews.expire(tenant, preview)
end

local function rename(tenant, project, event)
  for _, field in ipairs(event.data.changed) do
    if field == "slug" then
      previews.rename(tenant, project)
    end
  end
end

-- A project takes its previews along.
local function forget(tenant, project)
  for _, preview in ipairs(tenant.things.preview:list("project_id", project.id)) do
    previews.remove(tenant, preview)
  end
end

local reactions = {
  ["project.updated"] = rename,
  ["project.deleted"] = forget,
}
for _, kind in ipairs {
  "deployment.created", "build.started", "build.completed", "deployment.completed", "deployment.failed", "deployment.canceled",
  "deployment.deleted",
} do
  reactions[kind] = previews.follow
end

return {
  collections = {
    preview = { indexes = { "project_id", "branch", "status" } },
  },
  timers = {
    ["preview.over"] = over,
  },
  reactions = reactions,
  find = {
    preview = function(call, id)
      return call.tenant.things.preview:get(id)
    end,
  },
  operations = {
    ["previews.list"] = list,
    ["previews.create"] = create,
    ["previews.get"] = function(call)
      return call.things.preview
    end,
    ["previews.delete"] = delete,
  },
}

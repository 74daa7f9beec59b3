--- contract 2.8
local complete = require "gitdev.emulator.store.complete"
local machine = require "gitdev.emulator.store.machine"
local refusal = require "gitdev.emulator.refusal"
local rules = require "gitdev.emulator.pipelines.rules"
local runner = require "gitdev.emulator.pipelines.runner"
local same = require "gitdev.same"
local schema = require "gitdev.schema"
local triggers = require "gitdev.emulator.pipelines.triggers"

local FIELDS = schema.object("pipeline").fields
local DEFINITION = { "name", "jobs", "triggers", "inputs", "enabled" }

local function list(call)
  local query = call.query
  query.project = call:project_filter(query.project)
  local where = call:only_visible({ project_id = query.project, enabled = query.enabled }, "project_id")
  return call:page(call.tenant.things.pipeline, where)
end

-- ---- create, update ----

-- Steps without a name are named by their place.
local function name_steps(jobs)
  for _, job in ipairs(jobs) do
    for index, step in ipairs(job.steps) do
      step.name = step.name or ("step %d"):format(index)
    end
  end
end

-- What a body says of a pipeline: field -> value as it is stored. Refuses with 422 what breaks the rules.
local function definition_of(body)
  local given, faults = {}, {}
  for _, name in ipairs(DEFINITION) do
    given[name] = complete(FIELDS.by_name[name], body[name])
    if given[name] ~= nil and rules[name] then
      rules[name](faults, given[name])
    end
  end
  if faults[1] then
    refusal.unprocessable(faults)
  end
  if given.jobs then
    name_steps(given.jobs)
  end
  return given
end

local function refuse_taken_name(tenant, project_id, name)
  for pipeline in tenant.things.pipeline:each("project_id", project_id) do
    if pipeline.name == name then
      refusal.raise("already_exists", {
        param = "name",
        message = ('The project has a pipeline "%s" already: %s.'):format(name, pipeline.id),
      })
    end
  end
end

local function create(call)
  local body, tenant = call.body, call.tenant
  local project = call:project(body.project)
  if not project then
    refusal.unprocessable {
      { code = "resource_missing", param = "project", message = ('project: there is no project "%s".'):format(body.project) },
    }
  end
  call:about(project.id)
  local pipeline = definition_of(body)
  refuse_taken_name(tenant, project.id, pipeline.name)
  pipeline.id, pipeline.object = tenant:id "pl", "pipeline"
  pipeline.project, pipeline.project_id = project.slug, project.id
  pipeline.created_at, pipeline.updated_at = tenant:seconds(), tenant:seconds()
  tenant:add(pipeline)
  triggers.arm(tenant, pipeline)
  return pipeline
end

local function update(call)
  local pipeline, tenant = call.things.pipeline, call.tenant
  local changes = definition_of(call.body)
  for name, value in pairs(changes) do
    if same(value, pipeline[name]) then
      changes[name] = nil
    end
  end
  if next(changes) == nil then
    return pipeline
  elseif changes.name then
    refuse_taken_name(tenant, pipeline.project_id, changes.name)
  end
  changes.updated_at = tenant:seconds()
  tenant:set(pipeline, changes)
  triggers.arm(tenant, pipeline)
  return pipeline
end

-- ---- delete, and what happens to the project ----

local function delete(call)
  local pipeline, tenant = call.things.pipeline, call.tenant
  local running = runner.in_progress(tenant, pipeline)
  if running then
    machine.refuse(running, ("Run %s is %s: cancel it, or wait for its end."):format(running.id, running.status),
      machine.ends "run")
  end
  triggers.disarm(tenant, pipeline)
  tenant.things.pipeline:remove(pipeline)
end

local function rename(tenant, project)
  for _, object in ipairs { "pipeline", "run" } do
    for _, thing in ipairs(tenant.things[object]:list("project_id", project.id)) do
      tenant:set(thing, { project = project.slug })
    end
  end
end

local function project_updated(tenant, project, event)
  for _, field in ipairs(event.data.changed) do
    if field == "slug" then
      rename(tenant, project)
    end
  end
end

local function project_deleted(tenant, project)
  for _, pipeline in ipairs(tenant.things.pipeline:list("project_id", project.id)) do
    triggers.disarm(tenant, pipeline)
  end
  tenant:drop("pipeline", "project_id", project.id)
  runner.forget(tenant, project.id)
end

return {
  collections = {
    pipeline = { indexes = { "project_id", "enabled" } },
  },
  timers = triggers.timers,
  reactions = {
    ["project.updated"] = project_updated,
    ["project.deleted"] = project_deleted,
    ["repository.pushed"] = function(tenant, repository, event)
      triggers.pushed(tenant, repository, event.data)
    end,
  },
  find = {
    pipeline = function(call, id)
      return call.tenant.things.pipeline:get(id)
    end,
  },
  operations = {
    ["pipelines.list"] = list,
    ["pipelines.create"] = create,
    ["pipelines.get"] = function(call)
      return call.things.pipeline
    end,
    ["pipelines.update"] = update,
    ["pipelines.delete"] = delete,
  },
}

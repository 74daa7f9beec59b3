--- contract 2.8, 2.9
local access = require "gitdev.emulator.organization.access"
local environment = require "gitdev.emulator.deployments.environment"
local job_environment = require "gitdev.emulator.pipelines.job_environment"
local json = require "gitdev.json"
local launch = require "gitdev.emulator.deployments.launch"
local machine = require "gitdev.emulator.store.machine"
local refusal = require "gitdev.emulator.refusal"
local runner = require "gitdev.emulator.pipelines.runner"
local triggers = require "gitdev.emulator.pipelines.triggers"

local function list(call)
  local query = call.query
  query.project = call:project_filter(query.project)
  return call:page(call.tenant.things.run, call:only_visible({
    project_id = query.project,
    pipeline_id = query.pipeline,
    branch = query.branch,
    status = query.status,
    trigger = query.trigger,
  }, "project_id"))
end

-- ---- create ----

-- The pipeline that a body names, if the key sees it.
local function find_pipeline(call)
  local pipeline = call.tenant.things.pipeline:get(call.body.pipeline)
  if not (pipeline and access.sees(call.key, pipeline.project_id)) then
    refusal.unprocessable {
      { code = "resource_missing", param = "pipeline", message = "pipeline: there is no such pipeline." },
    }
  end
  return pipeline
end

-- A pipeline has no status: what stands in its place says why it takes no run.
local function refuse_idle(pipeline)
  local why = not pipeline.enabled and "disabled" or not pipeline.triggers.manual and "not manual"
  if why then
    local remedy = pipeline.enabled and "its triggers say manual: false." or "set enabled first."
    refusal.raise("invalid_state", {
      message = ("The pipeline is %s: %s"):format(why, remedy),
      current_status = why,
      allowed_statuses = { "enabled" },
    })
  end
end

local function inputs_of(pipeline, given)
  local values, missing = triggers.inputs(pipeline, given)
  local faults = {}
  for index, name in ipairs(missing) do
    local param = "inputs." .. name
    faults[index] = { code = "parameter_missing", param = param, message = param .. " is required by the pipeline." }
  end
  if faults[1] then
    refusal.unprocessable(faults)
  end
  return values
end

-- No job may get a larger environment than a process can have.
local function check_sizes(tenant, project, branch, pipeline, env)
  for _, definition in ipairs(pipeline.jobs) do
    environment.check_size(job_environment.resolve(tenant, project, branch, definition, env), "env")
  end
end

local function create(call)
  local body, tenant = call.body, call.tenant
  local pipeline = find_pipeline(call)
  call:about(pipeline.project_id)
  refuse_idle(pipeline)
  local project = tenant.things.project:get(pipeline.project_id)
  local branch, env = body.branch or project.production_branch, body.env or {}
  local inputs = inputs_of(pipeline, body.inputs)
  local commit = launch.commit(tenant.things.repository:get(project.repository_id), branch, body.commit_sha)
  check_sizes(tenant, project, branch, pipeline, env)
  return runner.queue(tenant, pipeline, { trigger = "api", branch = branch, commit = commit, inputs = inputs, env = env })
end

-- ---- actions ----

local function cancel(call)
  runner.cancel(call.tenant, call.things.run)
  return call.things.run
end

local function retry(call)
  local run, tenant = call.things.run, call.tenant
  machine.next(run, "retry")
  if not tenant.things.pipeline:get(run.pipeline_id) then
    machine.refuse(run, "The pipeline was deleted: its runs can only be read.", json.array {})
  end
  runner.retry(tenant, run, call.body.failed_only)
  return run
end

-- ---- what belongs to a run ----

local function list_jobs(call)
  local run, query = call.things.run, call.query
  local where, wanted = { run_id = run.id, status = query.status }, nil
  if query.attempt ~= "all" then
    wanted = {}
    for _, job in ipairs(runner.jobs(call.tenant, run, tonumber(query.attempt or run.attempt))) do
      wanted[job.id] = true
    end
  end
  return call:page(call.tenant.things.job, where, wanted and function(job)
    return wanted[job.id]
  end)
end

local function list_artifacts(call)
  local wanted = call.query.job
  return call:page(call.tenant.things.artifact, { run_id = call.things.run.id, name = call.query.name }, wanted and function(artifact)
    return artifact.job_id == wanted or artifact.private.job == wanted
  end)
end

return {
  collections = {
    run = { indexes = { "project_id", "pipeline_id", "branch", "status", "trigger" } },
  },
  timers = runner.timers,
  find = {
    run = function(call, id)
      return call.tenant.things.run:get(id)
    end,
  },
  operations = {
    ["runs.list"] = list,
    ["runs.create"] = create,
    ["runs.get"] = function(call)
      return call.things.run
    end,
    ["runs.cancel"] = cancel,
    ["runs.retry"] = retry,
    ["runs.jobs.list"] = list_jobs,
    ["runs.artifacts.list"] = list_artifacts,
  },
}

--- What starts runs by itself (contract 2.8): pushes to branches, and schedules.
local branch_glob = require "gitdev.emulator.pipelines.branch_glob"
local cron = require "gitdev.emulator.pipelines.cron"
local history = require "gitdev.emulator.git.history"
local runner = require "gitdev.emulator.pipelines.runner"

local triggers = {}

--- The values of a pipeline's inputs: those given, and the defaults of the others. Also the names of the required ones that are missing.
function triggers.inputs(pipeline, given)
  local values, missing = {}, {}
  for name, value in pairs(given or {}) do
    values[name] = value
  end
  for _, input in ipairs(pipeline.inputs) do
    if values[input.name] == nil then
      values[input.name] = input.default
      missing[#missing + 1] = input.default == nil and input.required and input.name or nil
    end
  end
  return values, missing
end

-- Starts a run that nobody asked for. One that lacks an input cannot be.
local function start(tenant, pipeline, trigger, branch, commit)
  local values, missing = triggers.inputs(pipeline)
  if not missing[1] then
    runner.queue(tenant, pipeline, { trigger = trigger, branch = branch, commit = commit, inputs = values, env = {} })
  end
end

-- ---- pushes ----

local function wants(pipeline, branch)
  local push = pipeline.enabled and pipeline.triggers.push
  return push and branch_glob.matches_any(push.branches, branch)
end

--- Starts what a push to a repository starts. `data`: that of its event.
function triggers.pushed(tenant, repository, data)
  if data.deleted then
    return
  end
  for _, project in ipairs(tenant.things.project:list("repository_id", repository.id)) do
    for _, pipeline in ipairs(tenant.things.pipeline:list("project_id", project.id)) do
      if wants(pipeline, data.branch) then
        start(tenant, pipeline, "push", data.branch, { sha = data.after })
      end
    end
  end
end

-- ---- schedules ----

local function stop(tenant, pipeline)
  tenant:cancel(pipeline.private.timer)
  pipeline.private.timer = nil
end

--- Sets the timer of a pipeline's schedule anew: after it was made or changed.
function triggers.arm(tenant, pipeline)
  stop(tenant, pipeline)
  local schedule = pipeline.enabled and pipeline.triggers.schedule
  local due = schedule and cron.next(cron.parse(schedule), tenant:seconds())
  if due then
    pipeline.private.timer = tenant:later(due * 1000 - tenant:now(), "pipeline.due", pipeline)
  end
end

--- The same when it is deleted.
triggers.disarm = stop

-- A schedule is for the newest commit of the production branch; where the repository has no such branch there is nothing to run.
local function due(tenant, pipeline)
  local project = tenant.things.project:get(pipeline.project_id)
  local repository, branch = tenant.things.repository:get(project.repository_id), project.production_branch
  local head = repository and history.head(repository, branch)
  if head or not repository then
    start(tenant, pipeline, "schedule", branch, head and history.commit(repository, head))
  end
  triggers.arm(tenant, pipeline)
end

triggers.timers = { ["pipeline.due"] = due }

return triggers

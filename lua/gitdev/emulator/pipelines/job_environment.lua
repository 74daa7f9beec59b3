--- What the process of a job gets as its environment (contract 1.10, 2.8): the variables of the project for the run's target and branch, over them
-- those of the job's definition, over them those of the run; and what the platform sets.
local environment = require "gitdev.emulator.deployments.environment"
local launch = require "gitdev.emulator.deployments.launch"

local job_environment = {}

-- The request's own variables, as environment.resolve takes them: those of the run win over those of the job.
local function own_variables(definition, env)
  local merged = {}
  for _, map in ipairs { definition.env, env } do
    for key, value in pairs(map) do
      merged[key] = value
    end
  end
  return merged
end

--- The environment of one job: { env, keys, secrets, size_bytes }, see environment.resolve. `definition`: the job's; `env`: the run's variables.
function job_environment.resolve(tenant, project, branch, definition, env)
  local variables = tenant.things.env_var:list("project_id", project.id)
  return environment.resolve(variables, launch.target(project, branch), branch, own_variables(definition, env))
end

-- GIT_INPUT_ and an input's name, in capitals, with underscores in place of what a variable's name cannot hold.
local function input_key(name)
  return "GIT_INPUT_" .. name:upper():gsub("[^A-Z0-9_]", "_")
end

--- What the platform sets for a job. Names are those of the time when the job was made.
function job_environment.platform(run, job, target)
  local all = {
    CI = "true",
    GIT_PROJECT = run.project,
    GIT_TARGET = target,
    GIT_BRANCH = run.branch,
    GIT_COMMIT_SHA = run.commit_sha,
    GIT_PIPELINE_ID = run.pipeline_id,
    GIT_RUN_ID = run.id,
    GIT_RUN_NUMBER = ("%d"):format(run.number),
    GIT_RUN_ATTEMPT = ("%d"):format(job.attempt),
    GIT_RUN_TRIGGER = run.trigger,
    GIT_JOB_ID = job.id,
    GIT_JOB_NAME = job.name,
  }
  for name, value in pairs(run.inputs) do
    all[input_key(name)] = value
  end
  return all
end

--- The whole environment of a job: key -> value.
function job_environment.process(job)
  local all = {}
  for _, map in ipairs { job.private.platform, job.private.env } do
    for key, value in pairs(map) do
      all[key] = value
    end
  end
  return all
end

return job_environment

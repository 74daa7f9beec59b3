--- What the input `emulate` of a run asks for (contract 5), as "OUTCOME" or "OUTCOME:JOB":
--
--   build_failed    the first job (or the one named) fails in its last step
--   deploy_failed   the last job fails in its last step
--   job_failed:JOB  that job fails in its last step
--   runner_lost     the first job loses its runner in its first step
--   hang            the first job never ends its first step, and runs into its time limit
--   slow            every job (or the one named) takes ten times as long
--
-- Anything else asks for nothing. A retry of the run is without all that, so that one that failed can be repeated with success.
local SLOWNESS = 10

-- Word of the input -> what becomes of the job, and which job it is if none is named.
local WORDS = {
  build_failed = { "failed", "first" },
  deploy_failed = { "failed", "last" },
  job_failed = { "failed", "none" },
  runner_lost = { "runner_lost", "first" },
  hang = { "hang", "first" },
  slow = { "slow", "all" },
}

local outcomes = {}

local function is_meant(which, definitions, name)
  return which == "all"
    or which == "first" and definitions[1].name == name
    or which == "last" and definitions[#definitions].name == name
end

--- What shall become of a job of a run: "failed", "runner_lost", "hang", "slow", or nil.
function outcomes.of_job(run, job)
  local asked = job.attempt == 1 and run.inputs.emulate
  if not asked then
    return nil
  end
  local word, name = asked:match "^([%l_]+):(.+)$"
  local row = WORDS[word or asked]
  if not row then
    return nil
  elseif name then
    return name == job.name and row[1] or nil
  end
  return is_meant(row[2], run.private.jobs, job.name) and row[1] or nil
end

--- How many times as long a job takes.
function outcomes.slowness(outcome)
  return outcome == "slow" and SLOWNESS or 1
end

return outcomes

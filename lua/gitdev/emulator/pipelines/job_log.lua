--- The scripted log of a job (contract 2.5, 2.9): a line's stage is its step's name. Nothing is stored: the lines follow from what the job went
-- through, a part for each of its steps; see gitdev.emulator.deployments.log.
local json = require "gitdev.json"

-- How a step ends that did not succeed: outcome -> level, text.
local ENDS = {
  exit_code = { "error", "The step ended with exit code %d" },
  timeout = { "error", "The job ran into its time limit of %d ms" },
  runner_lost = { "error", "The runner was lost" },
  canceled = { "warn", "The job was canceled" },
}

local function write_head(writer, job, time_ms, stage)
  local private = job.private
  local platform = private.platform
  writer:write(time_ms, stage, "system", "info", ("Job %s of run %s started: attempt %d, branch %s, commit %s"):format(
    job.name, platform.GIT_RUN_NUMBER, job.attempt, platform.GIT_BRANCH, (platform.GIT_COMMIT_SHA or "none"):sub(1, 7)
  ))
  for _, map in ipairs { platform, private.env } do
    for _, key in ipairs(json.keys(map)) do
      writer:write(time_ms, stage, "stdout", "debug", key .. "=" .. map[key])
    end
  end
end

local function write_end(writer, job, step, stage)
  if step.outcome == "succeeded" then
    writer:write(step.ended_ms, stage, "system", "info", "The step ended with exit code 0")
    return
  end
  local last = ENDS[step.outcome]
  local number = step.exit_code or job.private.definition.timeout_ms
  writer:write(step.ended_ms, stage, "system", last[1], last[2]:format(number))
end

-- A step as it went: { begun_ms, slowness, plan, ended_ms, outcome, exit_code }; the latter three are there when it has ended.
local function write_step(writer, job, index, step)
  local definition = job.private.definition.steps[index]
  local stage = definition.name
  if index == 1 then
    write_head(writer, job, step.begun_ms, stage)
  end
  writer:write(step.begun_ms, stage, "system", "info", "$ " .. definition.run)
  for _, line in ipairs(step.plan.output) do
    local time_ms = step.begun_ms + line.at_ms * step.slowness
    if not step.ended_ms or time_ms <= step.ended_ms then
      writer:write(time_ms, stage, "stdout", "info", line.text)
    end
  end
  if step.outcome then
    write_end(writer, job, step, stage)
  end
end

local job_log = {}

--- How many parts the log has so far.
function job_log.parts(job)
  return #job.private.steps
end

--- Whether nothing will change any more about a part.
function job_log.is_over(job, index)
  return job.private.steps[index].outcome ~= nil
end

--- Writes a part as it is, or is planned to go on.
function job_log.write(writer, job, index)
  write_step(writer, job, index, job.private.steps[index])
end

--- Whether lines may be of that stage: a step of the job.
function job_log.has_stage(job, name)
  for _, step in ipairs(job.private.definition.steps) do
    if step.name == name then
      return true
    end
  end
  return false
end

--- The stage of what is written into the log by hand (see log.write).
function job_log.stage(job)
  return job.private.definition.steps[math.max(1, #job.private.steps)].name
end

return job_log

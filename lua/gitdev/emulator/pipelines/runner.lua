--- Runs and their jobs (contract 3.2): a run waits, then its jobs go through their steps, each as soon as what it needs has succeeded. The
-- moves and their events come from the contract's tables; here is when they happen and what else they change.
local artifacts = require "gitdev.emulator.pipelines.artifacts"
local core = require "gitdev.core"
local job_environment = require "gitdev.emulator.pipelines.job_environment"
local launch = require "gitdev.emulator.deployments.launch"
local machine = require "gitdev.emulator.store.machine"
local outcomes = require "gitdev.emulator.pipelines.outcomes"
local step_script = require "gitdev.emulator.pipelines.step_script"

local QUEUE_MS = 200
-- A step takes this part of the time that the emulator was told to build in, and what its sleeps add.
local STEP_SHARE = 0.25

local null = core.null

local runner = {}

-- ---- the jobs of a run ----

--- The jobs of an attempt, in the pipeline's order.
function runner.jobs(tenant, run, attempt)
  local jobs = {}
  for index, id in ipairs(run.private.attempts[attempt] or {}) do
    jobs[index] = tenant.things.job:get(id)
  end
  return jobs
end

local function new_steps(definition)
  local steps = {}
  for index, step in ipairs(definition.steps) do
    steps[index] = { name = step.name, status = "queued" }
  end
  return steps
end

-- A job of a run's next attempt.
local function new_job(tenant, project, run, attempt, definition)
  local resolved = job_environment.resolve(tenant, project, run.branch, definition, run.private.env)
  local job = {
    id = tenant:id "job",
    object = "job",
    run_id = run.id,
    project_id = run.project_id,
    name = definition.name,
    attempt = attempt,
    status = "queued",
    needs = definition.needs,
    allow_failure = definition.allow_failure,
    steps = new_steps(definition),
    created_at = tenant:seconds(),
    private = { definition = definition, env = resolved.env, secrets = resolved.secrets, steps = {} },
  }
  job.private.platform = job_environment.platform(run, job, launch.target(project, run.branch))
  return tenant:add(job)
end

-- Makes the jobs of an attempt; those in `kept` (name -> job) are taken over from the one before.
local function make_jobs(tenant, run, attempt, kept)
  local project, ids = tenant.things.project:get(run.project_id), {}
  for index, definition in ipairs(run.private.jobs) do
    local job = kept[definition.name] or new_job(tenant, project, run, attempt, definition)
    ids[index] = job.id
  end
  run.private.attempts[attempt] = ids
end

local function run_of(tenant, job)
  return tenant.things.run:get(job.run_id)
end

-- What a job's events say of its run.
local function event_fields(run)
  return {
    project = run.project,
    pipeline_id = run.pipeline_id,
    number = run.number,
    branch = run.branch,
    commit_sha = run.commit_sha,
  }
end

-- ---- steps ----

-- Sets fields of one step, in its place: a job may have any number of steps, and a copy of all for each would cost their square.
local function set_step(tenant, job, index, changes)
  local step = job.steps[index]
  for name, value in pairs(changes) do
    step[name] = value
  end
  tenant:touch(job)
end

-- Ends the step that runs, if there is one. `outcome`: how the log tells of it.
local function end_step(tenant, job, outcome, status, exit_code)
  local index = #job.private.steps
  local step = job.private.steps[index]
  if step then
    step.ended_ms, step.outcome, step.exit_code = tenant:now(), outcome, exit_code
    set_step(tenant, job, index, { status = status, exit_code = exit_code, finished_at = tenant:seconds() })
  end
end

-- The steps that have not begun will not.
local function leave_steps(tenant, job, status)
  for index = #job.private.steps + 1, #job.steps do
    set_step(tenant, job, index, { status = status })
  end
end

local function later(tenant, thing, delay_ms, name)
  thing.private.timer = tenant:later(delay_ms, name, thing)
end

local function begin_step(tenant, job, index)
  local private, now = job.private, tenant:now()
  local plan = step_script.plan(private.definition.steps[index].run)
  local slowness = outcomes.slowness(private.outcome)
  private.steps[index] = { begun_ms = now, plan = plan, slowness = slowness }
  set_step(tenant, job, index, { status = "running", started_at = tenant:seconds() })
  local takes_ms = (math.floor(tenant.emulator.build_ms * STEP_SHARE) + plan.ms) * slowness
  local left_ms = private.started_ms + private.definition.timeout_ms - now
  if takes_ms > left_ms or private.outcome == "hang" then
    later(tenant, job, left_ms, "job.timeout")
  else
    later(tenant, job, takes_ms, "job.step")
  end
end

-- ---- a job's life ----

local pump

local function end_job(tenant, job, on, changes)
  local run, started_ms = run_of(tenant, job), job.private.started_ms
  changes.finished_at = tenant:seconds()
  changes.duration_ms = started_ms and tenant:now() - started_ms
  tenant:move(job, on, changes, event_fields(run))
end

local function start_job(tenant, run, job)
  job.private.started_ms = tenant:now()
  job.private.outcome = outcomes.of_job(run, job)
  tenant:move(job, "start", { started_at = tenant:seconds() })
  begin_step(tenant, job, 1)
end

local function skip_job(tenant, job)
  leave_steps(tenant, job, "skipped")
  end_job(tenant, job, "need_failed", {})
end

-- `code`: the contract's failure_code; `exit_code`: of the step that runs, if it ended by itself.
local function fail_job(tenant, job, code, message, exit_code)
  local run = run_of(tenant, job)
  end_step(tenant, job, code, "failed", exit_code)
  leave_steps(tenant, job, "skipped")
  if not job.allow_failure then
    run.private.failure = run.private.failure or { job = job.name, code = code, message = message }
  end
  end_job(tenant, job, code, { failure_code = code })
  pump(tenant, run)
end

local function finish_job(tenant, job)
  artifacts.collect(tenant, run_of(tenant, job), job)
  end_job(tenant, job, "steps_ok", {})
  pump(tenant, run_of(tenant, job))
end

local function step_done(tenant, job)
  local private = job.private
  local index, last = #private.steps, #job.steps
  local code = private.steps[index].plan.exit_code
  if private.outcome == "runner_lost" then
    return fail_job(tenant, job, "runner_lost", ("The runner of job %s was lost."):format(job.name))
  elseif private.outcome == "failed" and index == last then
    code = 1
  end
  if code ~= 0 then
    local message = ('Step "%s" of job %s ended with exit code %d.'):format(job.steps[index].name, job.name, code)
    return fail_job(tenant, job, "exit_code", message, code)
  end
  end_step(tenant, job, "succeeded", "succeeded", 0)
  if index < last then
    return begin_step(tenant, job, index + 1)
  end
  return finish_job(tenant, job)
end

local function time_over(tenant, job)
  local message = ("Job %s did not end within %d ms."):format(job.name, job.private.definition.timeout_ms)
  fail_job(tenant, job, "timeout", message)
end

-- ---- a run's life ----

local function finish_run(tenant, run, on, changes)
  local started_ms = run.private.started_ms
  changes.finished_at = tenant:seconds()
  changes.duration_ms = started_ms and tenant:now() - started_ms
  tenant:move(run, on, changes)
end

-- "wait", "skip" or "start": what a queued job is to do now.
local function verdict(job, by_name)
  local result = "start"
  for _, need in ipairs(job.needs) do
    local status = by_name[need].status
    if status == "failed" or status == "skipped" then
      return "skip"
    elseif status ~= "succeeded" then
      result = "wait"
    end
  end
  return result
end

-- Starts and skips what can be. Answers whether a job was skipped, which may decide others, and whether any is left.
local function look(tenant, run, jobs, by_name)
  local skipped, open = false, false
  for _, job in ipairs(jobs) do
    local what = job.status == "queued" and verdict(job, by_name)
    if what == "start" then
      start_job(tenant, run, job)
    elseif what == "skip" then
      skip_job(tenant, job)
      skipped = true
    end
    open = open or not machine.is_terminal(job)
  end
  return skipped, open
end

-- Lets the graph go on, and ends the run when nothing is left of it.
function pump(tenant, run)
  local jobs, by_name = runner.jobs(tenant, run, run.attempt), {}
  for _, job in ipairs(jobs) do
    by_name[job.name] = job
  end
  local skipped, open
  repeat
    skipped, open = look(tenant, run, jobs, by_name)
  until not skipped
  if open then
    return
  elseif run.private.failure then
    finish_run(tenant, run, "job_failed", { failure = run.private.failure })
  else
    finish_run(tenant, run, "jobs_ok", {})
  end
end

local function start_run(tenant, run)
  run.private.started_ms = tenant:now()
  tenant:move(run, "first_job", { started_at = tenant:seconds() })
  pump(tenant, run)
end

--- What the catalogue calls when the time of a run or a job has come.
runner.timers = {
  ["run.ready"] = start_run,
  ["job.step"] = step_done,
  ["job.timeout"] = time_over,
}

-- ---- what others ask for ----

--- Queues a new run of a pipeline and returns it. `plan`: trigger ("api", "push", "schedule"), branch, commit (nil, or { sha }), inputs, env.
function runner.queue(tenant, pipeline, plan)
  pipeline.private.runs = (pipeline.private.runs or 0) + 1
  local run = tenant:add {
    id = tenant:id "run",
    object = "run",
    number = pipeline.private.runs,
    pipeline_id = pipeline.id,
    project = pipeline.project,
    project_id = pipeline.project_id,
    branch = plan.branch,
    commit_sha = plan.commit and plan.commit.sha,
    trigger = plan.trigger,
    status = "queued",
    attempt = 1,
    inputs = plan.inputs,
    created_at = tenant:seconds(),
    private = { jobs = pipeline.jobs, env = plan.env, attempts = {} },
  }
  make_jobs(tenant, run, 1, {})
  for _, kind in ipairs(machine.birth_events("run", plan.trigger == "api" and "create" or plan.trigger)) do
    tenant:emit(kind, run)
  end
  later(tenant, run, QUEUE_MS, "run.ready")
  return run
end

--- Cancels a run and those of its jobs that have not ended. Raises 409 `invalid_state` if it has ended.
function runner.cancel(tenant, run)
  machine.next(run, "cancel")
  tenant:cancel(run.private.timer)
  for _, job in ipairs(runner.jobs(tenant, run, run.attempt)) do
    if not machine.is_terminal(job) then
      tenant:cancel(job.private.timer)
      end_step(tenant, job, "canceled", "canceled")
      leave_steps(tenant, job, "canceled")
      end_job(tenant, job, "cancel", { failure_code = "canceled" })
    end
  end
  finish_run(tenant, run, "cancel", {})
end

--- Starts an ended run again as its next attempt. `failed_only`: the jobs that succeeded are kept as they are. Raises 409 `invalid_state`.
function runner.retry(tenant, run, failed_only)
  machine.next(run, "retry")
  if failed_only and run.status == "succeeded" then
    machine.refuse(run, "The run succeeded: there is no failed job to start again.", { "failed", "canceled" })
  end
  local kept = {}
  for _, job in ipairs(failed_only and runner.jobs(tenant, run, run.attempt) or {}) do
    kept[job.name] = job.status == "succeeded" and job or nil
  end
  run.private.failure, run.private.started_ms = nil, nil
  make_jobs(tenant, run, run.attempt + 1, kept)
  tenant:move(run, "retry", {
    attempt = run.attempt + 1, failure = null, started_at = null, finished_at = null, duration_ms = null,
  })
  later(tenant, run, QUEUE_MS, "run.ready")
end

--- A run of the pipeline that is on its way, or nil.
function runner.in_progress(tenant, pipeline)
  for run in tenant.things.run:each("pipeline_id", pipeline.id, true) do
    if not machine.is_terminal(run) then
      return run
    end
  end
  return nil
end

--- Forgets the runs of a project, with all that belongs to them, without an event.
function runner.forget(tenant, project_id)
  for _, object in ipairs { "run", "job" } do
    for _, thing in ipairs(tenant.things[object]:list("project_id", project_id)) do
      tenant:cancel(thing.private.timer)
    end
    tenant:drop(object, "project_id", project_id)
  end
  tenant:drop("artifact", "project_id", project_id)
end

return runner

local STATUSES = "queued|running|succeeded|failed|canceled"

-- An event's own fields, and after them what all events of a run carry.
local function run_data(fields)
  for _, name in ipairs { "project_id", "run_id", "pipeline_id", "number", "attempt", "branch", "commit_sha" } do
    fields[#fields + 1] = name
  end
  return fields
end

local function status(value)
  return { "status", "str", const = value, doc = "Always `" .. value .. "`." }
end

return {
  name = "runs",
  doc = "Runs: a pipeline at work on a commit.",
  objects = {
    {
      name = "run",
      prefix = "run",
      doc = "A run of a pipeline.",
      fields = {
        { "id", "id<run>", doc = "The run's id." },
        { "object", "str", const = "run", doc = "Always `run`." },
        { "number", "int", doc = "Its number among the pipeline's runs, from 1." },
        { "pipeline_id", "id<pl>", doc = "The pipeline that it is a run of." },
        { "project", "str", doc = "The project's slug." },
        { "project_id", "id<prj>", doc = "The project's id." },
        { "branch", "str", doc = "The branch that it is for." },
        { "commit_sha", "str?", doc = "The commit that it is for." },
        { "trigger", "api|push|schedule", doc = "What started it." },
        { "status", STATUSES, doc = "How far it is." },
        { "attempt", "int", doc = "How often it was started: 1, and one more for each retry." },
        { "inputs", "{str:str}", doc = "What it was given, and the defaults of what it was not given." },
        {
          "failure",
          {
            { "job", "str", doc = "The name of the job that failed first." },
            { "code", "exit_code|timeout|runner_lost", doc = "Why." },
            { "message", "str", doc = "Why, in words." },
          },
          null = true,
          doc = "Set if, and only if, it failed.",
        },
        { "created_at", "ts", doc = "When it was made." },
        { "started_at", "ts?", doc = "When the first job of this attempt started." },
        { "finished_at", "ts?", doc = "When this attempt succeeded, failed or was canceled." },
        { "duration_ms", "int?", doc = "From the start of the first job to the end." },
      },
    },
  },
  states = {
    -- contract 3.2
    run = {
      field = "status",
      initial = "queued",
      terminal = { succeeded = "ok", failed = "failed", canceled = "canceled" },
      error = "run_failed",
      failure = "failure",
      transitions = {
        { to = "queued", on = "create", events = { "run.created" } },
        { to = "queued", on = "push", events = { "run.created" } },
        { to = "queued", on = "schedule", events = { "run.created" } },
        { from = "queued", to = "running", on = "first_job", events = { "run.started" } },
        { from = "running", to = "succeeded", on = "jobs_ok", events = { "run.completed" } },
        { from = "running", to = "failed", on = "job_failed", events = { "run.failed" } },
        { from = "queued", to = "canceled", on = "cancel", events = { "run.canceled" } },
        { from = "running", to = "canceled", on = "cancel", events = { "run.canceled" } },
        { from = "succeeded", to = "queued", on = "retry", again = true, events = { "run.created" } },
        { from = "failed", to = "queued", on = "retry", again = true, events = { "run.created" } },
        { from = "canceled", to = "queued", on = "retry", again = true, events = { "run.created" } },
      },
    },
  },
  events = {
    {
      "run.created",
      object = "run",
      family = "build status",
      doc = "A run was made, or made to start again.",
      data = run_data { "project", status "queued" },
    },
    {
      "run.started",
      object = "run",
      family = "build status",
      doc = "The first job of a run started.",
      data = run_data { "project", status "running" },
    },
    {
      "run.completed",
      object = "run",
      family = "build status",
      doc = "A run succeeded.",
      data = run_data { "project", status "succeeded", "duration_ms", "failure" },
    },
    {
      "run.failed",
      object = "run",
      family = "build status",
      doc = "A run failed.",
      data = run_data { "project", status "failed", "duration_ms", "failure" },
    },
    {
      "run.canceled",
      object = "run",
      family = "build status",
      doc = "A run was canceled.",
      data = run_data { "project", status "canceled", "duration_ms", "failure" },
    },
  },
  operations = {
    {
      op = "runs.list",
      kind = "list",
      path = "/runs",
      scope = "pipelines:r",
      tier = 1,
      doc = "Lists runs, of one pipeline or project, or of all that the key holds.",
      query = {
        { "project", "ref<prj>", doc = "Only those of this project." },
        { "pipeline", "id<pl>", doc = "Only those of this pipeline." },
        { "branch", "str", doc = "Only those of this branch." },
        { "status", STATUSES, repeatable = true, doc = "Only those in this status, or in one of several." },
        { "trigger", "api|push|schedule", doc = "Only those that this started." },
      },
      returns = "run",
    },
    {
      op = "runs.create",
      kind = "create",
      path = "/runs",
      scope = "pipelines:w",
      tier = 1,
      doc = "Runs a pipeline.",
      body = {
        { "pipeline", "id<pl>", required = true, doc = "The pipeline to run." },
        { "branch", "str", format = "branch_name", doc = "The branch to run it for; the production branch if absent." },
        { "commit_sha", "str", format = "sha", doc = "The commit to run it for; the branch's newest if absent." },
        { "inputs", "{str:str}", key_max = 64, format = "env_value", doc = "Values for the pipeline's inputs, and for any others." },
        {
          "env",
          "{str:str}",
          key_format = "env_key",
          format = "env_value",
          max_bytes = 65536,
          doc = "Variables for this run, over those of the jobs and of the project.",
        },
      },
      returns = "run",
      errors = {
        { 409, "invalid_state" },
        { 422, "parameter_missing" },
        { 422, "resource_missing" },
        { 422, "env_key_reserved" },
        { 422, "invalid_encoding" },
        { 422, "env_too_large" },
      },
    },
    {
      op = "runs.get",
      kind = "get",
      path = "/runs/{run}",
      scope = "pipelines:r",
      tier = 1,
      doc = "Reads a run.",
      returns = "run",
    },
    {
      op = "runs.cancel",
      kind = "action",
      path = "/runs/{run}/cancel",
      scope = "pipelines:w",
      tier = 1,
      doc = "Cancels a run that is not finished, and its jobs.",
      returns = "run",
      errors = { { 409, "invalid_state" } },
    },
    {
      op = "runs.retry",
      kind = "action",
      path = "/runs/{run}/retry",
      scope = "pipelines:w",
      tier = 1,
      doc = "Starts a finished run again, as its next attempt, with new jobs.",
      body = {
        { "failed_only", "bool", default = false, doc = "Keep the jobs that succeeded, and start only the others again." },
      },
      returns = "run",
      errors = { { 409, "invalid_state" } },
    },
    {
      op = "runs.jobs.list",
      kind = "list",
      path = "/runs/{run}/jobs",
      scope = "pipelines:r",
      tier = 1,
      doc = "Lists the jobs of a run's latest attempt, of another one, or of all.",
      query = {
        { "attempt", "str", format = "attempt", doc = "The number of an attempt, or `all`; the latest if absent." },
        { "status", STATUSES .. "|skipped", doc = "Only those in this status." },
        { "order", "asc|desc", default = "asc", doc = "Oldest first, or newest first." },
      },
      returns = "job",
    },
    {
      op = "runs.artifacts.list",
      kind = "list",
      path = "/runs/{run}/artifacts",
      scope = "pipelines:r",
      tier = 1,
      doc = "Lists what the jobs of a run left behind, in all its attempts.",
      query = {
        { "name", "str", doc = "Only those with this name." },
        { "job", "ref<job>", doc = "Only those of this job, by its id or its name." },
      },
      returns = "artifact",
    },
  },
}

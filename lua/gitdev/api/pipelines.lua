local TRIGGERS = "What starts its runs: pushes to branches, a schedule, calls of runs.create."

-- What a pipeline is made of. `required` names the fields that a new one needs; the defaults are those of a new one too.
local function definition(is_new)
  return {
    { "name", "str", required = is_new, min = 1, max = 100, doc = "Its name, of which a project has only one." },
    {
      "jobs",
      "[job_def]",
      required = is_new,
      min_items = 1,
      max_items = 50,
      doc = "Its jobs; those that need no other start at once, side by side.",
    },
    { "triggers", "pipeline_triggers", default = is_new and { manual = true } or nil, doc = TRIGGERS },
    { "inputs", "[pipeline_input]", default = is_new and {} or nil, doc = "What a run may be given." },
    { "enabled", "bool", default = is_new and true or nil, doc = "Whether anything starts its runs." },
  }
end

local function creation()
  local fields = { { "project", "ref<prj>", required = true, doc = "The project that it belongs to." } }
  for _, field in ipairs(definition(true)) do
    fields[#fields + 1] = field
  end
  return fields
end

return {
  name = "pipelines",
  doc = "Pipelines: jobs that run when a branch is pushed, on a schedule, or when asked to.",
  objects = {
    {
      name = "pipeline",
      prefix = "pl",
      doc = "A pipeline: which jobs there are, what they need, and what starts them.",
      fields = {
        { "id", "id<pl>", doc = "The pipeline's id." },
        { "object", "str", const = "pipeline", doc = "Always `pipeline`." },
        { "project", "str", doc = "The project's slug." },
        { "project_id", "id<prj>", doc = "The project's id." },
        { "name", "str", doc = "Its name, of which a project has only one." },
        { "enabled", "bool", doc = "Whether anything starts its runs." },
        { "triggers", "pipeline_triggers", doc = TRIGGERS },
        { "jobs", "[job_def]", doc = "Its jobs, as they were written." },
        { "inputs", "[pipeline_input]", doc = "What a run may be given." },
        { "created_at", "ts", doc = "When it was made." },
        { "updated_at", "ts", doc = "When it last changed." },
      },
    },
    {
      name = "pipeline_triggers",
      embedded = true,
      doc = "What starts the runs of a pipeline.",
      fields = {
        {
          "push",
          {
            {
              "branches",
              "[str]",
              required = true,
              min_items = 1,
              format = "branch_glob",
              doc = "The branches whose pushes count: `*` stands for any text without a slash, `**` for any, `?` for a character.",
            },
          },
          null = true,
          doc = "Runs for each push to one of these branches.",
        },
        { "schedule", "str?", min = 1, max = 200, doc = "Runs at these times: five fields as cron has them, in UTC." },
        { "manual", "bool", default = true, doc = "Whether runs.create may start it." },
      },
    },
    {
      name = "job_def",
      embedded = true,
      doc = "A job as a pipeline describes it.",
      fields = {
        { "name", "str", required = true, min = 1, max = 100, doc = "Its name, which no other job of the pipeline has." },
        { "needs", "[str]", default = {}, doc = "Names of jobs that must succeed before it starts." },
        { "steps", "[step_def]", required = true, min_items = 1, doc = "What it does, one after the other." },
        { "image", "str?", min = 1, doc = "The container image that it runs in; null: the platform's own." },
        {
          "env",
          "{str:str}",
          key_format = "env_key",
          format = "env_value",
          max_bytes = 65536,
          default = {},
          doc = "Variables for this job, over the project's own.",
        },
        { "timeout_ms", "int", min = 1, default = 3600000, doc = "How long it may take before it fails." },
        { "artifacts", "[artifact_def]", max_items = 100, default = {}, doc = "Files to keep when it has succeeded." },
        { "allow_failure", "bool", default = false, doc = "Whether the run may succeed although this job fails." },
      },
    },
    {
      name = "step_def",
      embedded = true,
      doc = "A step of a job.",
      fields = {
        { "name", "str", min = 1, max = 100, doc = "Its name, which is the stage of its log lines; `step 1` and so on if absent." },
        { "run", "str", required = true, min = 1, doc = "The commands; the job fails with the first that does." },
      },
    },
    {
      name = "artifact_def",
      embedded = true,
      doc = "A file that a job leaves behind.",
      fields = {
        { "name", "str", required = true, min = 1, max = 200, doc = "Its name, which no other artifact of the job has." },
        { "path", "str", required = true, min = 1, doc = "Where the job leaves it." },
      },
    },
    {
      name = "pipeline_input",
      embedded = true,
      doc = "A value that a run is given.",
      fields = {
        { "name", "str", required = true, min = 1, max = 64, doc = "Its name, which no other input of the pipeline has." },
        { "required", "bool", default = false, doc = "Whether a run must be given it, if it has no default." },
        { "default", "str?", format = "env_value", doc = "What it is where a run is not given it." },
      },
    },
  },
  operations = {
    {
      op = "pipelines.list",
      kind = "list",
      path = "/pipelines",
      scope = "pipelines:r",
      tier = 1,
      doc = "Lists pipelines, of one project or of all that the key holds.",
      query = {
        { "project", "ref<prj>", doc = "Only those of this project." },
        { "enabled", "bool", doc = "Only those that are enabled, or are not." },
      },
      returns = "pipeline",
    },
    {
      op = "pipelines.create",
      kind = "create",
      path = "/pipelines",
      scope = "pipelines:w",
      tier = 1,
      doc = "Makes a pipeline.",
      body = creation(),
      returns = "pipeline",
      errors = {
        { 409, "already_exists" },
        { 422, "parameter_invalid" },
        { 422, "resource_missing" },
        { 422, "env_key_reserved" },
        { 422, "invalid_encoding" },
        { 422, "env_too_large" },
      },
    },
    {
      op = "pipelines.get",
      kind = "get",
      path = "/pipelines/{pipeline}",
      scope = "pipelines:r",
      tier = 1,
      doc = "Reads a pipeline.",
      returns = "pipeline",
    },
    {
      op = "pipelines.update",
      kind = "update",
      path = "/pipelines/{pipeline}",
      scope = "pipelines:w",
      tier = 1,
      doc = "Changes a pipeline, for later runs; fields left out stay as they are, the others are replaced whole.",
      body = definition(false),
      returns = "pipeline",
      errors = {
        { 409, "already_exists" },
        { 422, "parameter_invalid" },
        { 422, "env_key_reserved" },
        { 422, "invalid_encoding" },
        { 422, "env_too_large" },
      },
    },
    {
      op = "pipelines.delete",
      kind = "delete",
      path = "/pipelines/{pipeline}",
      scope = "pipelines:w",
      tier = 2,
      doc = "Deletes a pipeline; its runs stay readable.",
      errors = { { 409, "invalid_state" } },
    },
  },
}

local STATUS = "queued|building|deploying|live|failed|canceled|expired"

local DATA = { "project", "project_id", "preview_id", "branch", "pull_request", "url", "status" }

-- A preview goes where its newest deployment goes, and begins anew with the next one of its branch; at expires_at it is over wherever it was.
local function transitions()
  local rows = {
    { to = "queued", on = "deployment", events = { "preview.created" } },
    { from = "queued", to = "building", on = "builder_free", events = {} },
    { from = "building", to = "deploying", on = "build_ok", events = {} },
    { from = "building", to = "failed", on = "build_error", events = {} },
    { from = "building", to = "failed", on = "build_timeout", events = {} },
    { from = "deploying", to = "live", on = "healthy", events = {} },
    { from = "deploying", to = "failed", on = "unhealthy", events = {} },
  }
  for _, status in ipairs { "queued", "building", "deploying" } do
    rows[#rows + 1] = { from = status, to = "canceled", on = "cancel", events = {} }
  end
  for _, status in ipairs { "queued", "building", "deploying", "live", "failed", "canceled" } do
    local over = status == "live" or status == "failed" or status == "canceled"
    rows[#rows + 1] = { from = status, to = "queued", on = "newer_deployment", events = {}, again = over or nil }
    rows[#rows + 1] = { from = status, to = "expired", on = "time", events = { "preview.expired" }, again = over or nil }
  end
  -- When the newest one is deleted, which it can be when it has ended, the one before it says how the preview is.
  for _, status in ipairs { "live", "failed", "canceled" } do
    for _, other in ipairs { "building", "deploying", "live", "failed", "canceled" } do
      if other ~= status then
        rows[#rows + 1] = { from = status, to = other, on = "newest_deleted", events = {}, again = true }
      end
    end
  end
  return rows
end

return {
  name = "previews",
  doc = "Previews: what a branch looks like, at an address of its own.",
  objects = {
    {
      name = "preview",
      prefix = "prv",
      doc = "A preview. There is one for each branch of a project that has preview deployments.",
      fields = {
        { "id", "id<prv>", doc = "The preview's id." },
        { "object", "str", const = "preview", doc = "Always `preview`." },
        { "project", "str", doc = "The project's slug." },
        { "project_id", "id<prj>", doc = "The project's id." },
        { "branch", "str", doc = "The branch that it shows." },
        { "pull_request", "int?", doc = "The number of the pull request that it is for." },
        { "url", "str", doc = "Where it answers, with the newest live deployment of the branch." },
        { "deployment_id", "id<dep>?", doc = "Its newest deployment." },
        { "status", STATUS, doc = "The status of its newest deployment, or `expired`." },
        { "protection", "none|password|organization", doc = "Who may see it." },
        { "expires_at", "ts?", doc = "When it ends by itself." },
        { "created_at", "ts", doc = "When it was made." },
        { "updated_at", "ts", doc = "When it last changed." },
      },
    },
  },
  states = {
    -- contract 3.5
    preview = {
      field = "status",
      initial = "queued",
      terminal = { live = "ok", failed = "failed", canceled = "canceled", expired = "expired" },
      error = "wait_failed",
      of = { "deployment", "deployment_id" },
      transitions = transitions(),
    },
  },
  events = {
    {
      "preview.created",
      object = "preview",
      family = "deployments",
      doc = "A branch got a preview.",
      data = DATA,
    },
    {
      "preview.deleted",
      object = "preview",
      family = "deployments",
      doc = "A preview was deleted, with its deployments.",
      data = DATA,
    },
    {
      "preview.expired",
      object = "preview",
      family = "deployments",
      doc = "A preview's time was over; its deployments are gone.",
      data = DATA,
    },
  },
  operations = {
    {
      op = "previews.list",
      kind = "list",
      path = "/previews",
      scope = "deployments:r",
      since = "2.4.0",
      tier = 1,
      doc = "Lists previews, of one project or of all that the key holds.",
      query = {
        { "project", "ref<prj>", doc = "Only those of this project." },
        { "branch", "str", doc = "Only those of this branch." },
        { "pull_request", "int", min = 1, doc = "Only those for this pull request." },
        { "status", STATUS, doc = "Only those in this status." },
      },
      returns = "preview",
    },
    {
      op = "previews.create",
      kind = "create",
      path = "/previews",
      scope = "deployments:w",
      since = "2.4.0",
      tier = 1,
      doc = "Makes a preview of a branch, and queues its first deployment.",
      body = {
        { "project", "ref<prj>", required = true, doc = "The project." },
        { "branch", "str", required = true, min = 1, max_bytes = 244, doc = "The branch to show; any but the production branch." },
        { "pull_request", "int", min = 1, doc = "The number of the pull request that it is for." },
        { "protection", "none|password|organization", default = "none", doc = "Who may see it." },
        {
          "password",
          "str",
          min = 1,
          write_only = true,
          doc = "What visitors must know; with protection `password`, which needs it.",
        },
        { "expires_in", "int", min = 300, max = 2592000, doc = "How many seconds it lasts; for good if absent." },
        {
          "env",
          "{str:str}",
          key_format = "env_key",
          format = "env_value",
          max_bytes = 65536,
          doc = "Variables for the first deployment, over the project's own.",
        },
      },
      returns = "preview",
      errors = {
        { 409, "already_exists" },
        { 422, "parameter_invalid" },
        { 422, "resource_missing" },
        { 409, "invalid_state" },
        { 422, "env_key_reserved" },
        { 422, "invalid_encoding" },
        { 422, "env_too_large" },
        { 403, "plan_limit_reached" },
      },
    },
    {
      op = "previews.get",
      kind = "get",
      path = "/previews/{preview}",
      scope = "deployments:r",
      since = "2.4.0",
      tier = 1,
      doc = "Reads a preview.",
      returns = "preview",
    },
    {
      op = "previews.delete",
      kind = "delete",
      path = "/previews/{preview}",
      scope = "deployments:w",
      since = "2.4.0",
      tier = 1,
      doc = "Deletes a preview; its deployments are canceled and removed.",
    },
  },
}

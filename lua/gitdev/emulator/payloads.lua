--- The `data` of every event type that the emulator emits, in order and in the notation of the contract's tables
-- (contract 4.3). The four fields that the page's sample shows come first.
local project = { "project", "str" }
local project_id = { "project_id", "id<prj>" }
local url = { "url", "str" }
local duration_ms = { "duration_ms", "int?" }
local failure = {
  "failure",
  { { "stage", "build|deploy" }, { "code", "str" }, { "message", "str" } },
  null = true,
}
local status = { "status", "str" }

local DEPLOYMENT = {
  project_id,
  { "deployment_id", "id<dep>" },
  { "target", "production|preview" },
  { "branch", "str" },
  { "commit_sha", "str?" },
  { "permalink_url", "str" },
  { "created_at", "ts" },
}

-- `own`, and after it what every event of the family carries.
local function with(family, own)
  local fields = {}
  for _, field in ipairs(own) do
    fields[#fields + 1] = field
  end
  for _, field in ipairs(family) do
    fields[#fields + 1] = field
  end
  return fields
end

local PROJECT = { project, project_id, { "changed", "[str]?" } }
local ENV_VAR = {
  project,
  project_id,
  { "env_var_id", "id<env>" },
  { "key", "str" },
  { "targets", "[str]" },
  { "secret", "bool" },
}
local previous = { "previous_deployment_id", "id<dep>?" }

return {
  ["deployment.created"] = with(DEPLOYMENT, { project, status, url }),
  ["deployment.completed"] = with(DEPLOYMENT, { project, status, url, duration_ms }),
  ["deployment.failed"] = with(DEPLOYMENT, { project, status, url, duration_ms, failure }),
  ["deployment.canceled"] = with(DEPLOYMENT, { project, status, url, duration_ms, { "cancel_reason", "str?" } }),
  ["deployment.promoted"] = with(DEPLOYMENT, { project, status, url, previous }),
  ["deployment.rolled_back"] = with(DEPLOYMENT, { project, status, url, previous, { "reason", "str?" } }),
  ["deployment.deleted"] = with(DEPLOYMENT, { project, status, url }),
  ["build.started"] = with(DEPLOYMENT, { project, status }),
  ["build.completed"] = with(DEPLOYMENT, { project, status, duration_ms }),
  ["build.failed"] = with(DEPLOYMENT, { project, status, duration_ms, failure }),
  ["build.canceled"] = with(DEPLOYMENT, { project, status, duration_ms }),
  ["project.created"] = PROJECT,
  ["project.updated"] = PROJECT,
  ["project.deleted"] = PROJECT,
  ["env_var.created"] = ENV_VAR,
  ["env_var.updated"] = ENV_VAR,
  ["env_var.deleted"] = ENV_VAR,
}

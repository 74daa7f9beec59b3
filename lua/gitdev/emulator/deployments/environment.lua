--- What a deployment's process gets as its environment (contract 1.10).
local core = require "gitdev.core"
local limits = require "gitdev.api.limits"
local refusal = require "gitdev.emulator.refusal"

local environment = {}

-- A variable for every target stands behind one for the target, which stands behind one for the branch.
local ALL, TARGET, BRANCH = 1, 2, 3
local TARGETS = 3

local function rank(variable, target, branch)
  local applies = false
  for _, name in ipairs(variable.targets) do
    applies = applies or name == target
  end
  if not applies then
    return nil
  end
  if variable.branch then
    return variable.branch == branch and BRANCH or nil
  end
  return #variable.targets == TARGETS and ALL or TARGET
end

-- The project's variable of each key that wins for target and branch.
local function winners(variables, target, branch)
  local best, ranks = {}, {}
  for _, variable in ipairs(variables) do
    local place, key = rank(variable, target, branch), variable.key
    if place and place > (ranks[key] or 0) then
      best[key], ranks[key] = variable, place
    end
  end
  return best
end

--- The environment for `target` and `branch`, from the project's `variables` and the request's own `env` (may be nil; null
-- in it drops an inherited variable). Returns { env = key -> value, keys = sorted, secrets = values to mask, size_bytes }.
-- A key that the project holds as a secret stays one when the request gives it another value.
function environment.resolve(variables, target, branch, env)
  local values, secrets = {}, {}
  for key, variable in pairs(winners(variables, target, branch)) do
    local value = env and env[key] or variable.private.value
    if value ~= core.null then
      values[key] = value
      if variable.secret then
        secrets[#secrets + 1] = value
      end
    end
  end
  for key, value in pairs(env or {}) do
    if value ~= core.null then
      values[key] = value
    end
  end
  local keys, size = {}, 0
  for key, value in pairs(values) do
    keys[#keys + 1] = key
    size = size + #key + #value
  end
  table.sort(keys)
  return { env = values, keys = keys, secrets = secrets, size_bytes = size }
end

--- Refuses an environment that is too large, with 422 `env_too_large`. `param`: the field to blame.
function environment.check_size(resolved, param)
  if resolved.size_bytes <= limits.env_bytes then
    return
  end
  local message = "The environment would have %d bytes of keys and values; at most %d are allowed."
  refusal.unprocessable {
    {
      code = "env_too_large",
      param = param,
      message = message:format(resolved.size_bytes, limits.env_bytes),
      size_bytes = resolved.size_bytes,
      limit_bytes = limits.env_bytes,
    },
  }
end

--- The whole environment of a deployment's process: its variables and what the platform sets. Names and addresses are those of
-- the time when it was built.
function environment.process(deployment)
  local built = deployment.private.built or deployment
  local all = {
    GIT_DEPLOYMENT_ID = deployment.id,
    GIT_PROJECT = built.project,
    GIT_BRANCH = deployment.branch,
    GIT_COMMIT_SHA = deployment.commit_sha,
    GIT_URL = built.url,
    GIT_REGION = deployment.regions[1],
    GIT_TARGET = deployment.target,
  }
  for key, value in pairs(deployment.private.env) do
    all[key] = value
  end
  return all
end

return environment

--- How deployments begin, whatever asks for them: a request, a push, a preview. What they are made of is looked up and checked here; their life is
-- the builder's.
local builder = require "gitdev.emulator.deployments.builder"
local environment = require "gitdev.emulator.deployments.environment"
local history = require "gitdev.emulator.git.history"
local machine = require "gitdev.emulator.store.machine"
local refusal = require "gitdev.emulator.refusal"

local launch = {}

--- Refuses, with 409, a project that takes no deployments.
function launch.refuse_paused(project)
  if project.status ~= "active" then
    machine.refuse(project, "The project is paused: set its status to active first.", { "active" })
  end
end

local function missing(param, message)
  return { code = "resource_missing", param = param, message = message }
end

--- What is not there of a branch and a commit that are to be deployed (`sha` may be nil): a list of faults. A project without a repository (nil) has
-- no commits, and takes any branch.
function launch.commit_faults(repository, branch, sha)
  local faults = {}
  if repository and not history.head(repository, branch) then
    faults[1] = missing("branch", ('branch: the repository has no branch "%s".'):format(branch))
  end
  if sha and not history.commit(repository, sha) then
    faults[#faults + 1] = missing("commit_sha", "commit_sha: the repository has no such commit.")
  end
  return faults
end

--- The commit { sha, message } with the id `sha`, or the head of `branch`; nil in a project without a repository. Refuses with 422 what is not
-- there.
function launch.commit(repository, branch, sha)
  local faults = launch.commit_faults(repository, branch, sha)
  if faults[1] then
    refusal.unprocessable(faults)
  end
  return history.commit(repository, sha or history.head(repository, branch))
end

--- The environment of a new deployment: see environment.resolve. Refuses one that is too large.
function launch.environment(tenant, project, target, branch, env)
  local variables = tenant.things.env_var:list("project_id", project.id)
  local resolved = environment.resolve(variables, target, branch, env)
  environment.check_size(resolved, "env")
  return resolved
end

--- What `branch` is deployed for unless told.
function launch.target(project, branch)
  return branch == project.production_branch and "production" or "preview"
end

-- Deploys the new head of a branch of one project. Nobody waits for an answer: what a request would be refused for does not happen.
local function deploy_push(tenant, project, branch, commit)
  local target = launch.target(project, branch)
  local ok, resolved = pcall(launch.environment, tenant, project, target, branch)
  if not ok and refusal.is(resolved) or not tenant.emulator:allows("deployments", tenant.things.deployment.all.count) then
    return
  elseif not ok then
    error(resolved, 0)
  end
  builder.queue(tenant, project, {
    on = "push",
    source = "push",
    branch = branch,
    commit = commit,
    target = target,
    regions = project.regions,
    environment = resolved,
    metadata = {},
    skip_cache = false,
  })
end

--- Has every active project that is built from `repository` deploy what was pushed to it. `push`: the data of a repository.pushed.
function launch.push(tenant, repository, push)
  if push.deleted then
    return
  end
  local commit = history.commit(repository, push.after)
  for _, project in ipairs(tenant.things.project:list("repository_id", repository.id)) do
    if project.status == "active" and commit then
      deploy_push(tenant, project, push.branch, commit)
    end
  end
end

return launch

--- The life of an edge function (contract 3.5): its newest version is deployed, and serves or not; the one before serves until then. What a
-- function remembers in `private`:
--   code, env  those of the newest version
--   live       what serves: { version, env }, or nil before the first version was deployed
--   enabled    whether it shall serve
--   timer      that of the deployment under way
local core = require "gitdev.core"

local DEPLOY_MS = 1500

local FAILED = { code = "deploy_failed", message = "The code asks the emulator to fail: // emulate: failed." }

local deployer = {}

-- The line of a `throw` that stands at a line's beginning: at the top level of code that is indented as usual.
local function line_of_throw(code)
  local at = ("\n" .. code):find "\nthrow[ \t(]"
  if not at then
    return nil
  end
  return select(2, code:sub(1, at - 1):gsub("\n", "")) + 1
end

-- Why code cannot be deployed (contract 2.11 `error`), or nil.
local function failure_of(code)
  if code:find "//[ \t]*emulate:[ \t]*failed" then
    return FAILED
  end
  local line = line_of_throw(code)
  local message = "The code threw when it was loaded: see line %d."
  return line and { code = "startup_error", message = message:format(line) }
end

local function move(tenant, edge_function, on, changes)
  changes = changes or {}
  changes.updated_at = tenant:seconds()
  tenant:move(edge_function, on, changes)
end

local function deployed(tenant, edge_function)
  local private = edge_function.private
  local failure = failure_of(private.code)
  private.timer = nil
  if failure then
    return move(tenant, edge_function, "unhealthy", { error = failure })
  end
  private.live = { version = edge_function.version, env = private.env }
  move(tenant, edge_function, "healthy")
  if not private.enabled then
    move(tenant, edge_function, "disable")
  end
end

--- What the catalogue calls when a function's time has come.
deployer.timers = {
  ["edge_function.deployed"] = deployed,
}

--- Begins to deploy the newest version of a function that is `deploying`, in place of the one that may be on its way.
function deployer.start(tenant, edge_function)
  tenant:cancel(edge_function.private.timer)
  edge_function.private.timer = tenant:later(DEPLOY_MS, "edge_function.deployed", edge_function)
end

--- Deploys a new version. That of a disabled function waits until it is enabled.
function deployer.renew(tenant, edge_function)
  if edge_function.status == "disabled" then
    return
  elseif edge_function.status ~= "deploying" then
    move(tenant, edge_function, "new_version", { error = core.null })
  end
  deployer.start(tenant, edge_function)
end

--- Enables or disables a function. One that is disabled while it is deployed, or after that failed, is so from the next version that
-- can be deployed; it serves no more at once.
function deployer.enable(tenant, edge_function, enabled)
  local private = edge_function.private
  private.enabled = enabled
  if not enabled and edge_function.status == "active" then
    move(tenant, edge_function, "disable")
  elseif enabled and edge_function.status == "disabled" then
    move(tenant, edge_function, "enable")
    if private.live.version ~= edge_function.version then
      deployer.renew(tenant, edge_function)
    end
  end
end

--- Removes a function; it serves no more, and what is on its way is not deployed.
function deployer.remove(tenant, edge_function)
  tenant:cancel(edge_function.private.timer)
  tenant.things.edge_function:remove(edge_function)
end

--- What of a function serves now: { version, env }, or nil.
function deployer.live(edge_function)
  return edge_function.private.enabled and edge_function.private.live or nil
end

return deployer

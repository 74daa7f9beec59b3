-- Deployments with the SDK, many under way at once.  CALLS WARM_UP AT_ONCE
local at_once = require "at_once"
local gitdev = require "gitdev"
local repeated = require "repeated"

local git = gitdev.client {}

local function spawn(fn)
  local task = gitdev.spawn(fn)
  return function()
    task:wait()
  end
end

repeated(function()
  local deployment = git.deployments:create {
    project = "my-app", branch = "main", env = { NODE_ENV = "production" },
  }
  assert(deployment.status == "queued", deployment.status)
end, at_once(spawn, tonumber(arg[3])))

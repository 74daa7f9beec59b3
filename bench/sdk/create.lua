-- One deployment after another with the SDK.  CALLS WARM_UP
local gitdev = require "gitdev"
local repeated = require "repeated"

local git = gitdev.client {}

repeated(function()
  local deployment = git.deployments:create {
    project = "my-app", branch = "main", env = { NODE_ENV = "production" },
  }
  assert(deployment.status == "queued", deployment.status)
end)

-- All deployments with the SDK.
local gitdev = require "gitdev"
local walked = require "walked"

local git = gitdev.client {}

walked(function(visit)
  for deployment in git.deployments:each { limit = 100 } do
    visit(deployment)
  end
end)

-- A log followed with the SDK.  LINES
local followed = require "followed"
local gitdev = require "gitdev"

local git = gitdev.client {}

followed(function(deployment, visit)
  for line in git.deployments:get(deployment):logs { follow = true } do
    visit(line)
  end
end)

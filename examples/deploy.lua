-- Deploys the branch main of my-app and waits until it is live.
-- Try it offline: gitdev --emulator examples/deploy.lua
local gitdev = require "gitdev"
local git = gitdev.client { api_key = os.getenv "GIT_API_KEY" }

local deployment = git.deployments:create {
  project = "my-app", branch = "main", env = { NODE_ENV = "production" },
}
deployment:wait()                 -- shows its progress on stderr
print(deployment.url)             --> https://my-app.git.dev

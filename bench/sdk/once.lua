-- A script that makes one call.
local gitdev = require "gitdev"
local git = gitdev.client {}

print(git.deployments:create {
  project = "my-app", branch = "main", env = { NODE_ENV = "production" },
}.id)

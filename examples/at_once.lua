-- Deploys two branches at once. The first that fails cancels the other one's wait, and the script ends with its error.
local gitdev = require "gitdev"
local git = gitdev.client { api_key = os.getenv "GIT_API_KEY" }

local function deploy(branch)
  return function()
    local deployment = git.deployments:create { project = "my-app", branch = branch }
    deployment:wait { timeout = 600 }
    return deployment.url
  end
end

local urls = gitdev.all { main = deploy "main", develop = deploy "develop" }
print(urls.main)
print(urls.develop)

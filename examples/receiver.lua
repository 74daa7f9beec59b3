-- Hears of a deployment, and stops. To try it out: gitdev --emulator examples/receiver.lua
local gitdev = require "gitdev"
local git = gitdev.client { api_key = os.getenv "GIT_API_KEY" }

-- The platform sends to https urls alone; the emulator also to this machine.
local port = tonumber(os.getenv "PORT" or 8787)
local webhook = git.webhooks:create { url = ("http://127.0.0.1:%d/webhooks"):format(port), events = { "deployment.*" } }

local receiver
receiver = gitdev.webhooks.serve {
  port = port,
  path = "/webhooks",
  secret = webhook.secret,
  on = {
    ["deployment.completed"] = function(event)
      print(event.data.project .. " is live at " .. event.data.url)
      receiver:stop()
    end,
    ["deployment.failed"] = function(event)
      print(event.data.project .. " failed: " .. event.data.failure.message)
      receiver:stop()
    end,
    ["deployment.*"] = function(event, delivery)
      print(event.type, delivery.id)
    end,
  },
}

git.deployments:create { project = "my-app", branch = "main" }

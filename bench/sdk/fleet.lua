-- One of a fleet: makes as many calls as it is told, a few at once, none of them twice. Prints how many were made, and how many were refused.
--
--   bench/sdk/fleet.lua REDIS_SOCKET CALLS
local gitdev = require "gitdev"

local AT_ONCE = 8
local store = gitdev.store.redis { socket = arg[1], timeout = 2 }
local git = gitdev.client { rate_limit_store = store, max_retries = 0, timeout = 300 }
local left, made, refused = tonumber(arg[2]), 0, 0

local function work()
  while left > 0 do
    left = left - 1
    local ok, err = pcall(git.projects.get, git.projects, "my-app")
    if ok then
      made = made + 1
    elseif err.status == 429 then
      refused = refused + 1
    else
      error(err, 0)
    end
  end
end

gitdev.run(function()
  for _ = 1, AT_ONCE do
    gitdev.spawn(work)
  end
end)
print(made, refused)

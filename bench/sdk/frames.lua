-- A game's frames, sixty a second, and what gitdev takes of each, from the first connection on, while the game makes calls, reads pages of a
-- hundred, deploys and follows the logs: warmed, and with the budget for tasks, as docs/games.md advises.  FRAMES
local gitdev = require "gitdev"
local meter = require "meter"

local frames = tonumber(arg[1])
local FRAME, BUDGET = 1 / 60, 0.002

local git = gitdev.client {}
gitdev.warm(git) -- while the game loads

local counts = { calls = 0, things = 0, lines = 0 }

local function forever(seconds, fn)
  return gitdev.spawn(function()
    while true do
      fn()
      gitdev.sleep(seconds)
    end
  end)
end

local tasks = {
  forever(0.1, function()
    git.projects:get "my-app"
    counts.calls = counts.calls + 1
  end),
  forever(1, function()
    counts.things = counts.things + #git.deployments:list({ limit = 100 }).data
  end),
  forever(0.2, function()
    local deployment = git.deployments:create { project = "my-app", branch = "main" }
    for _ in deployment:logs { follow = true } do
      counts.lines = counts.lines + 1
    end
  end),
}

local took = {}
for i = 1, frames do
  took[i] = 0
end
local next_frame = meter.now()
for i = 1, frames do
  local begun = meter.now()
  gitdev.step(0, BUDGET)
  took[i] = meter.now() - begun
  next_frame = next_frame + FRAME
  meter.sleep_until(next_frame)
end
for _, task in ipairs(tasks) do
  assert(task:status() == "running", "a task has failed")
  task:cancel()
end

local sum = 0
for _, seconds in ipairs(took) do
  sum = sum + seconds
end
table.sort(took)
print(('{"frames":%d,"mean_ms":%.4f,"p99_ms":%.4f,"longest_ms":%.4f,"calls":%d,"things":%d,"lines":%d}'):format(frames, sum / frames * 1e3,
  took[math.ceil(frames * 0.99)] * 1e3, took[frames] * 1e3, counts.calls, counts.things, counts.lines))

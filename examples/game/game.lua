-- The script of game.c: deploys the branch main of my-app, shows what is deployed, live, and ends when that is at its end.
local board = require "board"
local gitdev = require "gitdev"

local git = gitdev.client { api_key = os.getenv "GIT_API_KEY" }
gitdev.warm(git) -- while the game loads: nothing of it is left for a frame

local shown = board.new(gitdev, git)
shown:load()
local deploying = shown:deploy("my-app", "main")

local function picture()
  local lines = {}
  for i, row in ipairs(shown.rows) do
    lines[i] = ("%-12s %-10s %s"):format(row.name, row.status, ("#"):rep(row.lines))
  end
  return table.concat(lines, "\n")
end

return function()
  gitdev.step(0, 0.002) -- everything that gitdev does, it does here, and what takes longer in the next frame
  if shown.problem then
    error(shown.problem, 0)
  end
  return deploying:status() == "running" and picture() or nil
end

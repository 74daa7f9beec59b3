-- Deployments on the screen, live: space deploys the branch main of my-app, escape ends.
--   love examples/game/love
-- GIT_API_KEY, GIT_API_URL and GIT_CA_FILE say as whom and where. With the word "demo" after it, it deploys by itself, and ends when that is
-- live; what the screen shows then is said, and saved as board.png in LÖVE's own folder.
local board = require "board"
local gitdev = require "gitdev"

local COLORS = {
  queued = { 0.55, 0.55, 0.60 }, building = { 0.95, 0.75, 0.20 }, deploying = { 0.30, 0.65, 0.95 },
  live = { 0.35, 0.80, 0.40 }, failed = { 0.90, 0.30, 0.25 }, canceled = { 0.60, 0.40, 0.60 },
}
local OTHER = { 0.8, 0.8, 0.8 }

local shown, demo -- the board; the task of the demonstration

function love.load(words)
  local git = gitdev.client { api_key = os.getenv "GIT_API_KEY" }
  gitdev.warm(git) -- the player sees a loading screen now, and no hitch later
  shown = board.new(gitdev, git)
  shown:load()
  demo = words[1] == "demo" and shown:deploy("my-app", "main")
end

-- Counts what is drawn: a window that stayed empty has one color.
local function save(image)
  local colors, count = {}, 0
  image:mapPixel(function(_, _, r, g, b, a)
    local color = ("%.2f %.2f %.2f"):format(r, g, b)
    count = count + (colors[color] and 0 or 1)
    colors[color] = true
    return r, g, b, a
  end)
  image:encode("png", "board.png")
  print(("the screen shows %d colors"):format(count))
  love.event.quit(shown.problem and 1 or 0)
end

function love.update()
  gitdev.step(0, 0.002) -- everything that gitdev does, it does here, and what takes longer in the next frame
  if demo and demo:status() ~= "running" then
    demo = nil
    love.graphics.captureScreenshot(save)
  end
end

function love.draw()
  for i, row in ipairs(shown.rows) do
    local y = 20 + (i - 1) * 54
    love.graphics.setColor(COLORS[row.status] or OTHER)
    love.graphics.rectangle("fill", 20, y, math.min(600, 40 + row.lines * 40), 40, 6)
    love.graphics.setColor(1, 1, 1)
    love.graphics.print(("%s  %s  %s"):format(row.name, row.status, row.line), 30, y + 12)
  end
  love.graphics.setColor(COLORS.failed)
  love.graphics.print(shown.problem or "", 20, 340)
end

function love.keypressed(key)
  if key == "space" then
    shown:deploy("my-app", "main")
  elseif key == "escape" then
    love.event.quit()
  end
end

-- The examples of games, as a player runs them: they show deployments live, and no frame waits for gitdev.
local emulator = require "spec.lua.support.emulator"
local process = require "spec.lua.support.process"

local build = process.host:match "^(.*)/bin/[^/]+$"

-- The statuses that a game printed of the one deployment there is, in order.
local function statuses(out)
  local id, list = nil, {}
  for one, status in out:gmatch "(dep_%w+) (%l+)\n" do
    id = id or one
    assert.equal(id, one)
    list[#list + 1] = status
  end
  return table.concat(list, " ")
end

describe("examples/game/game.c", function()
  local program = build .. "/bin/game_c"

  it("shows a deployment live, in frames of its own", function()
    local status, out, err = emulator.run(program .. " examples/game/game.lua", "--build-ms 1000")
    assert.equal(0, status, err)
    assert.equal("queued building deploying live", statuses(out))
    assert.matches("my%-app main%s+building%s+#+\n", out)
    local frames = tonumber(out:match "(%d+) frames; of each the script took")
    assert.is_true(frames > 10) -- to wait for the deployment in one would take a second
  end)

  it("says what is missing", function()
    local status, out, err = process.run("env -u GIT_API_KEY " .. program .. " examples/game/game.lua")
    assert.equal(1, status)
    assert.equal("", out)
    assert.matches("GIT_API_KEY", err)
  end)
end)

describe("examples/game/love", function()
  -- A screen for it alone; what it saves goes where the screen's number is written.
  local WINDOW = [[
root=$(mktemp -d)
Xvfb -displayfd 3 -screen 0 800x600x24 -nolisten tcp 3>$root/display 2>$root/xvfb &
screen=$!
trap 'kill $screen; wait $screen; rm -rf $root' EXIT
tries=0
until [ -s $root/display ] || [ $tries = 400 ]; do sleep 0.05; tries=$((tries + 1)); done
export DISPLAY=:$(cat $root/display) XDG_DATA_HOME=$root SDL_AUDIODRIVER=dummy
export LUA_PATH="lua/?.lua;lua/?/init.lua;;" LUA_CPATH="%s/lib/lua/5.1/?.so;;"
timeout 60 love examples/game/love demo
status=$?
wc -c <$root/love/gitdev-board/board.png
exit $status
]]

  it("shows a deployment live in a window", function()
    local script = process.file(WINDOW:format(build))
    local status, out, err = emulator.run("sh " .. script, "--build-ms 1000")
    os.remove(script)
    assert.equal(0, status, err)
    assert.equal("queued building deploying live", statuses(out))
    assert.is_true(tonumber(out:match "the screen shows (%d+) colors") > 10) -- the bar, its text and what is between them
    assert.is_true(tonumber(out:match "\n(%d+)\n$") > 500)
  end)
end)

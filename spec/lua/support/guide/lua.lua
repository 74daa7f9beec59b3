--- Runs a document's Lua: in the host, in a virtual world; unless it needs something real, which is seen by what it says.
local process = require "spec.lua.support.process"
local room = require "spec.lua.support.guide.room"
local sender = require "spec.lua.support.sender"

-- A receiver would serve for ever: here it stops as soon as it has started, on whatever port is free, and with a spool of its own.
local RECEIVE = [[
  local receiver = require "gitdev.webhooks.receiver"
  local serve = receiver.serve
  function receiver.serve(options)
    options.port, options.spool = 0, options.spool and "%s"
    local one = assert(serve(options))
    one:stop()
    return one
  end
]]

local function receiver(text)
  local script, folder = process.file(text), sender.folder()
  local status, out, err = process.gitdev({ "-e", RECEIVE:format(folder), script }, nil,
    "GIT_API_KEY=gsk_test_abcdefghijklmnopqrstuvwxyz012345 GIT_WEBHOOK_SECRET=" .. sender.SECRET)
  os.remove(script)
  sender.remove(folder)
  return status, out, err
end

-- A game's main.lua is played for two seconds, in a window that nobody sees. What is wrong with it already when it is read ends it as well.
local PLAYED = [[
function love.errorhandler(message)
  io.stderr:write(debug.traceback(tostring(message)), "\n")
  return function() return 1 end
end
require "block"
do
  local update, frames = love.update, 0
  function love.update(seconds)
    if update then update(seconds) end
    frames = frames + 1
    if frames == 120 then love.event.quit() end
  end
end
]]

local function game(text)
  local folder = room.folder()
  room.write(folder, "block.lua", text)
  room.write(folder, "main.lua", PLAYED)
  return room.run(folder, "xvfb-run -a love .", {
    LUA_PATH = room.root .. "/lua/?.lua;" .. room.root .. "/lua/?/init.lua;;",
    LUA_CPATH = room.build .. "/lib/lua/5.1/?.so;;",
    SDL_AUDIODRIVER = "dummy",
  })
end

local function with_redis(text)
  local script = process.file(room.with_redis(text))
  local status, out, err = process.gitdev { "--quiet", "--emulator", script }
  os.remove(script)
  return status, out, err
end

-- What makes no server of its own, and no world, runs in a virtual one: an emulator, and no waiting.
local function script_of(text)
  local script = process.file(text)
  local words = { "--quiet", script }
  if not text:find('require%(?%s*"gitdev%.emulator%.server"') and not text:find 'require%(?%s*"gitdev%.test"' then
    words = { "--quiet", "-e", ("require('gitdev.test').world():script(%q)"):format(script) }
  end
  local status, out, err = process.gitdev(words)
  os.remove(script)
  return status, out, err
end

local function in_nginx(text)
  return require("spec.lua.support.guide.nginx").content(text)
end

local KINDS = {
  { "%f[%w]love%.", game },
  { "%f[%w]ngx%.", in_nginx },
  { "store%.shared", in_nginx },
  { "webhooks%.nginx", in_nginx },
  { "store%.redis", with_redis },
  { "webhooks%.serve", receiver },
}

--- Returns the status, 0 if all was well, what was printed, and what was complained of.
return function(text)
  for _, kind in ipairs(KINDS) do
    if text:find(kind[1]) then
      return kind[2](text)
    end
  end
  return script_of(text)
end

--- Where the guides' blocks run: folders of their own, one emulator for all of them, and gitdev as it is when it is installed.
local openresty = require "spec.lua.support.openresty"
local process = require "spec.lua.support.process"

local room = {}

local LIMIT = 60

local function first_line(command)
  local pipe = assert(io.popen(command))
  local line = pipe:read "*l"
  pipe:close()
  return line
end

room.root = first_line "pwd"
room.build = first_line("cd " .. process.quote(os.getenv "GITDEV_BUILD" or "build") .. " && pwd")
room.host = first_line("dirname $(readlink -f " .. process.quote(process.host) .. ")")

local shared = {}

--- A folder, which room.close() removes.
function room.folder()
  local path = assert(first_line "mktemp -d /tmp/gitdev-guide-XXXXXX")
  shared.folders = shared.folders or {}
  table.insert(shared.folders, path)
  return path
end

function room.write(folder, name, text)
  local file = assert(io.open(folder .. "/" .. name, "wb"))
  assert(file:write(text))
  file:close()
end

--- The emulator, which is started when it is first wanted.
function room.emulator()
  shared.emulator = shared.emulator or openresty.emulator()
  return shared.emulator
end

--- The folder that gitdev is installed in: bin, include, lib, share.
function room.prefix()
  if not shared.prefix then
    local folder = room.folder()
    local status, out, err = process.run(("cmake --install %s --prefix %s"):format(process.quote(room.build), folder))
    assert(status == 0, out .. err)
    shared.prefix = folder
    shared.libraries = assert(first_line("dirname $(find " .. folder .. " -name libgitdev.so)"))
  end
  return shared.prefix, shared.libraries
end

--- The path of the socket of a Redis, which is started when it is first wanted.
function room.redis()
  if not shared.redis then
    local folder = room.folder()
    local socket = folder .. "/redis.sock"
    local server = "redis-server --port 0 --unixsocket " .. socket .. " --save '' --dir " .. folder .. " >/dev/null 2>&1"
    shared.redis = assert(io.popen(server .. " & child=$!; cat >/dev/null; kill $child; wait $child", "w"))
    openresty.await("Redis listens", function()
      return process.run("test -S " .. socket) == 0
    end)
    shared.socket = socket
  end
  return shared.socket
end

--- A text in which what a Redis is opened with leads to that of room.redis().
function room.with_redis(text)
  return (text:gsub("(store%.redis%s*)(%b{})", function(call, options)
    for _, name in ipairs { "host", "port", "socket", "username", "password", "database" } do
      options = options:gsub("%f[%w_]" .. name .. "%s*=%s*[^,}\n]+,?", "")
    end
    return call .. ("{ socket = %q, "):format(room.redis()) .. options:sub(2)
  end))
end

--- Runs a shell command in a folder, with the emulator's environment. `more`: variables by name. Returns as process.run does.
function room.run(folder, command, more)
  local emulator, words = room.emulator(), {}
  local variables = { GIT_API_KEY = emulator.api_key, GIT_API_URL = emulator.url, GIT_CA_FILE = emulator.ca_file }
  for name, value in pairs(more or {}) do
    variables[name] = value
  end
  for name, value in pairs(variables) do
    words[#words + 1] = name .. "=" .. process.quote(value)
  end
  return process.run(("cd %s && env %s timeout %d sh -c %s"):format(folder, table.concat(words, " "), LIMIT, process.quote(command)))
end

--- Ends and removes all of it.
function room.close()
  if shared.emulator then
    shared.emulator:stop()
  end
  if shared.redis then
    shared.redis:close()
  end
  for _, folder in ipairs(shared.folders or {}) do
    os.execute("rm -rf " .. folder)
  end
  shared = {}
end

return room

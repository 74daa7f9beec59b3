--- Runs a document's commands, in a folder that looks like the repository after a build. Those of the folder stand_ins change nothing on the
-- machine: they look at their words, and that is all. The real ones are the business of the part `packages` of the tests.
local process = require "spec.lua.support.process"
local room = require "spec.lua.support.guide.room"

local STAND_INS = "spec/lua/support/guide/stand_ins"

-- Servers of the machine: nothing.
local SERVERS = { "systemctl", "nginx", "openresty", "redis-server" }

-- A command fails its block wherever it stands: in a pipe, in $(…), in the background. What is in the background serves until the block is over:
-- it has a second in which to say that it cannot.
local BLOCK = [[
set -eo pipefail
command_not_found_handle() {
  echo "$1: there is no such command" >&2
  kill "$$"
  exit 127
}
trap 'servers=$(jobs -p); [ -z "$servers" ] || kill $servers 2>/dev/null || true; wait' EXIT
sh -n block.sh
. ./block.sh
for server in $(jobs -p); do
  for tenth in 1 2 3 4 5 6 7 8 9 10; do
    if kill -0 "$server" 2>/dev/null; then sleep 0.1; fi
  done
  kill "$server" 2>/dev/null || true
  code=0
  wait "$server" || code=$?
  [ "$code" = 0 ] || [ "$code" = 143 ] || { echo "what ran in the background has failed: $code" >&2; exit 1; }
done
]]

local function run(command)
  local status, _, err = process.run(command)
  assert(status == 0, err)
end

local function furnish(folder)
  local stand_ins = room.folder()
  for _, name in ipairs(SERVERS) do
    room.write(stand_ins, name, "#!/bin/sh\nexit 0\n")
    run("chmod +x " .. stand_ins .. "/" .. name)
  end
  run(("cp %s/%s/* %s/ && cp %s/apt-get %s/apt && mv %s/dev %s/dev"):format(room.root, STAND_INS, stand_ins, stand_ins, stand_ins, stand_ins, folder))
  run(("cd %s && cp -R README.md CMakeLists.txt rockspec dist.ini lua docs examples examples/deploy.lua %s/"):format(room.root, folder))
  run(("ln -s %s %s/build && cp %s/examples/c/deploy.c %s/main.c"):format(room.build, folder, room.root, folder))
  return stand_ins
end

-- Of a console's text what was typed.
local function typed(text)
  local lines = {}
  for line in text:gmatch "([^\n]*)\n" do
    lines[#lines + 1] = line:match "^%$ (.*)"
  end
  assert(lines[1], "nothing is typed here: commands begin with a dollar and a blank")
  return table.concat(lines, "\n") .. "\n"
end

return function(text, language)
  local folder = room.folder()
  local stand_ins = furnish(folder)
  local prefix, libraries = "", ""
  if text:find "pkg%-config" or text:find "cmake" or text:find "python" then
    prefix, libraries = room.prefix()
  end
  room.write(folder, "block.sh", language == "console" and typed(text) or text)
  room.write(stand_ins, "run", BLOCK)
  return room.run(folder, "bash " .. stand_ins .. "/run", {
    PATH = stand_ins .. ":" .. room.host .. ":" .. os.getenv "PATH",
    GUIDE_ROOT = room.root,
    GUIDE_BUILD = room.build,
    PKG_CONFIG_PATH = libraries .. "/pkgconfig",
    CMAKE_PREFIX_PATH = prefix,
    LD_LIBRARY_PATH = libraries,
    GIT_WEBHOOK_SECRET = "whsec_00000000000000000000000000000000",
  })
end

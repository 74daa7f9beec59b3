--- Debian's Redis server for specs: on loopback and on a socket, in a folder of its own, nothing on the disk. It ends with the spec, also when
-- that is killed: what starts it waits for a pipe from here to close.
local process = require "spec.lua.support.process"
local server = require "spec.lua.support.server"

local first_line, slurp = server.first_line, server.slurp

local redis = {}
redis.__index = redis

redis.await = server.await

-- Runs as long as its standard input is open. Whoever kills the server may have it started again: by a file.
local KEEPER = [[
cd %s
while :; do
  redis-server --port %d --bind 127.0.0.1 --unixsocket "$PWD/socket" --save "" --appendonly no --dir "$PWD" --daemonize no %s >>output 2>&1 &
  echo $! >pid
  wait $! 2>/dev/null
  rm -f pid
  while [ ! -e again ]; do [ -e stop ] && exit; sleep 0.01; done
  rm -f again
done &
cat >/dev/null
touch stop
[ -e pid ] && kill -CONT $(cat pid) && kill -KILL $(cat pid)
wait
rm -rf "$PWD"
]]

--- The program, or nil and what to say of it.
function redis.find()
  return first_line "command -v redis-server", "redis-server is not installed (Debian's package redis-server)"
end

--- Starts one. `words`: further ones of its command line, such as "--requirepass secret".
function redis.start(words)
  assert(redis.find())
  local root = server.folder "redis"
  local self = setmetatable({ root = root, port = server.free_port(), socket = root .. "/socket" }, redis)
  self.keeper = assert(io.popen(("exec 2>/dev/null\n" .. KEEPER):format(process.quote(root), self.port, words or ""), "w"))
  self:await_ready()
  return self
end

function redis:await_ready()
  redis.await("redis-server listens", function()
    local said = slurp(self.root .. "/output")
    return said:find("The server is now ready to accept connections at ", self.from or 1, true)
  end)
end

function redis:pid()
  return slurp(self.root .. "/pid"):match "^(%d+)"
end

--- Kills it; what it knew is gone.
function redis:kill()
  os.execute("kill -KILL " .. self:pid())
  redis.await("it is gone", function()
    return not self:pid()
  end)
end

--- Starts it again, after kill().
function redis:again()
  self.from = #slurp(self.root .. "/output") + 1
  process.run("touch " .. process.quote(self.root .. "/again"))
  self:await_ready()
end

--- Has it stand still, and go on.
function redis:stand_still()
  os.execute("kill -STOP " .. self:pid())
end

function redis:go_on()
  os.execute("kill -CONT " .. self:pid())
end

--- Runs a command by redis-cli; returns what it prints, without the last line end.
function redis:cli(words)
  local _, out = process.run(("redis-cli -s %s %s"):format(process.quote(self.socket), words))
  return (out:gsub("\n$", ""))
end

--- Stops it; nothing of it is left.
function redis:stop()
  self.keeper:close()
end

return redis

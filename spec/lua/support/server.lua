--- What the real servers of the specs have in common: a folder of their own, a port that nobody has, waiting until they are there.
local loop = require "gitdev.loop"
local process = require "spec.lua.support.process"

local server = {}

local STEP, PATIENCE = 0.01, 20

--- The first line that a shell command prints, or nil.
function server.first_line(command)
  local pipe = assert(io.popen(command))
  local line = pipe:read "*l"
  pipe:close()
  return line
end

--- What is in a file; "" if it is not there.
function server.slurp(path)
  local file = io.open(path, "rb")
  if not file then
    return ""
  end
  local text = file:read "*a"
  file:close()
  return text
end

function server.write(path, text)
  local file = assert(io.open(path, "wb"))
  assert(file:write(text))
  file:close()
end

--- A new folder below /tmp, readable by workers that run as somebody else.
function server.folder(name)
  local path = assert(server.first_line("mktemp -d /tmp/gitdev-" .. name .. "-XXXXXX"))
  assert(process.run("chmod 755 " .. path) == 0)
  return path
end

--- A port of loopback that nobody has.
function server.free_port()
  local listener = assert(loop.listen {})
  local port = listener:port()
  listener:close()
  return port
end

--- Waits until condition() is true, and returns what it returned.
function server.await(what, condition)
  local due = loop.now() + PATIENCE
  repeat
    local value = condition()
    if value then
      return value
    end
    loop.sleep(STEP)
  until loop.now() > due
  error("waited in vain until " .. what)
end

--- The processes that an nginx has for its workers, by the number of its master: a list of numbers, as texts.
function server.workers(master)
  local list = {}
  for pid in server.slurp("/proc/" .. master .. "/task/" .. master .. "/children"):gmatch "%d+" do
    local title = server.slurp("/proc/" .. pid .. "/cmdline")
    if title:find("worker process", 1, true) and not title:find("shutting down", 1, true) then
      list[#list + 1] = pid
    end
  end
  return list
end

return server

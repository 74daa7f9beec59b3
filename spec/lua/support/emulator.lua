--- An emulator in a process of its own, for specs of programs that cannot hold one.
local json = require "gitdev.json"
local process = require "spec.lua.support.process"

local emulator = {}

--- Runs a shell command with GIT_API_KEY, GIT_API_URL and GIT_CA_FILE of a fresh emulator, which is ended after it. Returns as process.run does.
function emulator.run(command, options)
  local pipe = process.file ""
  local start = string.format("%s emulator %s >%s & echo $!", process.host, options or "", pipe)
  local shell = assert(io.popen(start))
  local pid = shell:read "*l"
  shell:close()
  local line
  repeat
    local file = assert(io.open(pipe))
    line = file:read "*l"
    file:close()
  until line or process.run("kill -0 " .. pid) ~= 0
  local about = assert(json.decode(line), "the emulator said nothing")
  local environment = string.format("export GIT_API_KEY=%s GIT_API_URL=%s GIT_CA_FILE=%s; ", about.api_key, about.url, about.ca_file)
  local status, out, err = process.run(environment .. command)
  os.execute("kill " .. pid)
  os.remove(pipe)
  return status, out, err
end

return emulator

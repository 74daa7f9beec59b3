--- Prism as a proxy that holds requests and answers against a document: plain HTTP on loopback in front of an emulator. It lets all pass, and says
-- in an answer's header `sl-violations` what was wrong with it or with its request. It ends with the spec, and with the process if that is killed:
-- what starts it waits for the pipe from here to close.
local loop = require "gitdev.loop"
local process = require "spec.lua.support.process"
local tools = require "spec.contract.tools"

local prism = {}
prism.__index = prism

local KEEPER = [[
exec 2>/dev/null
NODE_EXTRA_CA_CERTS=%s %s proxy --host 127.0.0.1 --port %d --verboseLevel error %s %s >%s 2>&1 &
child=$!
cat >/dev/null
kill -TERM $child 2>/dev/null
wait $child
]]

local function free_port()
  local listener = assert(loop.listen {})
  local port = listener:port()
  listener:close()
  return port
end

--- Starts one in front of an emulator's server, with a document's file.
function prism.start(server, document)
  local self = setmetatable({ port = free_port(), log_file = os.tmpname() }, prism)
  local quote = process.quote
  local command = KEEPER:format(
    quote(server.ca_file), tools.command "prism", self.port, quote(document), quote(server.url), quote(self.log_file)
  )
  self.keeper = assert(io.popen(command, "w"))
  return self
end

--- What it has said so far.
function prism:log()
  local file = assert(io.open(self.log_file))
  local text = file:read "*a"
  file:close()
  return text
end

--- Stops it.
function prism:stop()
  self.keeper:close()
  os.remove(self.log_file)
end

return prism

--- An emulator in a process of its own, which ends with this one however this one ends, and its control plane.
local core = require "gitdev.core"
local json = require "gitdev.json"
local loop = require "gitdev.loop"

local peer = {}
peer.__index = peer

local PATIENCE = 1000 -- turns of 10 ms until the emulator must have said where it is

local function read_line(path)
  local file = io.open(path)
  local line = file and file:read "*l"
  if file then
    file:close()
  end
  return line
end

--- Starts one: `host` is the program, `options` are those of `gitdev emulator`. The shell between the two waits for the end of its
-- stdin, which is a pipe from here: it comes too when this process is killed, and a Ctrl-C ends its cat instead of it.
function peer.start(host, options)
  local announcement = os.tmpname()
  local self = setmetatable({}, peer)
  local script = "trap : INT TERM; %s emulator %s >%s & emulator=$!; cat; kill $emulator; wait $emulator; rm -f %s"
  self.pipe = assert(io.popen(script:format(host, options, announcement, announcement), "w"))
  local turns, line = 0
  repeat
    loop.sleep(0.01)
    turns, line = turns + 1, read_line(announcement)
  until line or turns == PATIENCE
  local about = assert(json.decode(line or "null"), "the emulator did not start")
  self.url, self.ca_file, self.api_key = about.url, about.ca_file, about.api_key
  self.core = assert(core.client { api_key = self.api_key, base_url = self.url:gsub("/v2$", ""), ca_file = self.ca_file })
  return self
end

local function control(self, method, path, body)
  local call = assert(self.core:call(method, "/_emulator/" .. path, body and assert(json.encode(body))))
  loop.perform(call)
  local status, err = call:result()
  assert(status, type(err) == "table" and err.message)
end

--- Injects a fault: see docs/emulator.md.
function peer:fault(fault)
  control(self, "POST", "faults", fault)
end

--- Writes into a log: see docs/emulator.md.
function peer:write_log(log)
  control(self, "POST", "logs", log)
end

--- Back to the beginning, without faults.
function peer:reset()
  control(self, "DELETE", "faults")
  control(self, "POST", "reset")
end

function peer:stop()
  self.core:close()
  self.pipe:close()
end

return peer

-- What origins inside this process have in common: a TLS listener with a certificate of its own, served on the loop, and clients of it.
local core = require "gitdev.core"
local loop = require "gitdev.loop"
local net = require "gitdev.net"

local listening = {}

listening.API_KEY = "gsk_test_abcdefghijklmnopqrstuvwxyz012345"

--- Has `self` listen: file, ca_file, listener, url, held (exchanges that are not answered). serve(self) is called after each turn.
function listening.start(self, serve, names)
  local certificate = net.certificate(names or { "localhost", "127.0.0.1" })
  self.held = {}
  self.file = assert(net.temporary_file("gitdev-spec-", certificate:authority_pem()))
  self.ca_file = self.file:path()
  self.listener = assert(loop.listen { certificate = certificate })
  self.url = "https://127.0.0.1:" .. self.listener:port() .. "/v2"
  self.service = function()
    serve(self)
  end
  loop.serve(self.service)
  return self
end

function listening.stop(self)
  loop.unserve(self.service)
  for _, exchange in ipairs(self.held) do
    exchange:close()
  end
  self.listener:close()
  self.file:close()
end

--- A core client of this origin.
function listening.client(self, options)
  local all = { api_key = listening.API_KEY, base_url = self.url, ca_file = self.ca_file }
  for name, value in pairs(options or {}) do
    all[name] = value
  end
  return assert(core.client(all))
end

return listening

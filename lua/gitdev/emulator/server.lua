--- The emulator behind a socket: TLS with a certificate of its own making, on the loop of this Lua state.
local compression = require "gitdev.emulator.request.compression"
local emulator = require "gitdev.emulator"
local limits = require "gitdev.api.limits"
local loop = require "gitdev.loop"
local net = require "gitdev.net"
local schedule = require "gitdev.schedule"

local NAMES = { "api.git.dev", "localhost", "127.0.0.1", "::1" }
local OWN_OPTIONS = { host = true, port = true, idle_timeout = true, request_timeout = true }

-- A body a little above the contract's limit reaches the emulator, which says so in the contract's words; the listener cuts off
-- what is larger.
local BODY_SLACK = 65536

local server = {}
server.__index = server

-- Those that have been started and not stopped.
local live = setmetatable({}, { __mode = "k" })

-- Wall time that never steps: the emulator's timers must not notice when somebody sets the computer's clock.
local function steady_clock()
  local offset = loop.time() - loop.now()
  return function()
    return loop.now() + offset
  end
end

local function finish(self, pending)
  self.pending[pending] = nil
  local exchange, response = pending.exchange, pending.response
  if response.raw or response.reset then
    exchange:raw(response.raw or "", response.reset == true)
  elseif not response.drop then
    exchange:answer(response.status, response.headers, response.body)
  end
  exchange:close()
end

local function serve(self, exchange)
  local method, target, headers, body, peer = exchange:request()
  target = target:match "^https?://[^/?]*(/.*)$" or target -- the absolute form, which a server must accept (RFC 9112 3.2.2)
  local response = self.emulator:handle { method = method, target = target, headers = headers, body = body, peer = peer }
  compression.apply(response, headers["accept-encoding"])
  local pending = { exchange = exchange, response = response }
  if response.delay then
    self.pending[pending] = true
    self.late:at(loop.now() + response.delay, finish, pending)
  else
    finish(self, pending)
  end
end

-- Seconds until a late answer is due, or the emulator's next transition; nil if nothing is.
local function patience(self)
  local late, due = self.late:next_due(), self.emulator:next_due()
  late = late and late - loop.now()
  due = due and due - self.clock()
  local wait = late and due and math.min(late, due) or late or due
  return wait and math.max(0, wait)
end

local function turn(self)
  self.emulator:advance()
  local exchange = self.listener:next()
  while exchange do
    serve(self, exchange)
    exchange = self.listener:next()
  end
  local timer = self.late:take(loop.now())
  while timer do
    timer.action(self, timer.subject)
    timer = self.late:take(loop.now())
  end
  return patience(self)
end

--- Stops serving, closes every connection, and removes the file with the certificate.
function server:stop()
  if not self.service then
    return
  end
  loop.unserve(self.service)
  self.service = nil
  for pending in pairs(self.pending) do
    pending.exchange:close()
  end
  self.listener:close()
  self.file:close()
  live[self] = nil
end

--- Stops all that run: for a host that is about to end the process.
function server.stop_all()
  for one in pairs(live) do
    one:stop()
  end
end

local function open(self, options)
  local certificate = net.certificate(NAMES)
  local listener, problem = loop.listen {
    host = options.host or "127.0.0.1",
    port = options.port or 0,
    certificate = certificate,
    body_max = limits.body_bytes + BODY_SLACK,
    idle_timeout = options.idle_timeout,
    request_timeout = options.request_timeout,
    version = limits.version,
  }
  if not listener then
    return nil, ("the emulator cannot listen on port %d: %s"):format(options.port or 0, problem)
  end
  self.listener = listener
  self.file, problem = net.temporary_file("gitdev-ca-", certificate:authority_pem())
  if not self.file then
    listener:close()
    return nil, "the emulator's certificate cannot be kept: " .. problem
  end
  self.ca_file = self.file:path()
  return self
end

--- Starts an emulator on this Lua state's loop. `options`: port (0: any), host ("127.0.0.1"), idle_timeout (75: seconds that a connection
-- may rest), request_timeout (30: seconds that a request may take to arrive), and those of gitdev.emulator.new; the clock is the real
-- one unless given. Returns nil and a problem, or a server:
--   url        base URL for clients: "https://127.0.0.1:PORT/v2"
--   ca_file    path of a PEM file with the authority to trust; only this user can read it, and stop() removes it
--   api_key    a gsk_test_ key        port        emulator
--   stop()
function server.start(options)
  options = options or {}
  local inner = { clock = steady_clock() }
  for name, value in pairs(options) do
    if not OWN_OPTIONS[name] then
      inner[name] = value
    end
  end
  local made = emulator.new(inner)
  local self, problem = open(setmetatable({
    emulator = made,
    api_key = made.api_key,
    clock = inner.clock,
    late = schedule.new(),
    pending = {},
  }, server), options)
  if not self then
    return nil, problem
  end
  self.port = self.listener:port()
  self.url = ("https://127.0.0.1:%d/v2"):format(self.port)
  self.service = function()
    return turn(self)
  end
  loop.serve(self.service)
  live[self] = true
  return self
end

return server

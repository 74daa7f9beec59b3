--- The emulator behind a socket: TLS with a certificate of its own making, on the loop of this Lua state.
local compression = require "gitdev.emulator.request.compression"
local emulator = require "gitdev.emulator"
local limits = require "gitdev.api.limits"
local loop = require "gitdev.loop"
local net = require "gitdev.net"
local schedule = require "gitdev.schedule"
local sender = require "gitdev.emulator.webhooks.sender"

local NAMES = { "api.git.dev", "localhost", "127.0.0.1", "::1" }
local OWN_OPTIONS = {
  deliver = true,
  deliver_ca_file = true,
  deliver_public = true,
  host = true,
  port = true,
  plain_port = true,
  idle_timeout = true,
  request_timeout = true,
}

-- Bytes of a log stream that wait for its client: from here on the stream does.
local STREAM_WINDOW = 64 * 1024

-- A body a little above the contract's limit reaches the emulator, which says so in the contract's words; the listener cuts off
-- what is larger.
local BODY_SLACK = 65536

local GOING_AWAY = 1001

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

-- ---- log streams ----

-- The end of a socket that a stream speaks to; see gitdev.emulator.deployments.log_stream.
local function peer_of(self, socket)
  return {
    send = function(text)
      socket:send(text)
      return socket:unsent() < STREAM_WINDOW
    end,
    send_binary = function(bytes)
      socket:send_binary(bytes)
    end,
    send_raw = function(bytes)
      socket:send_raw(bytes)
    end,
    close = function(code, reason)
      socket:close(code, reason)
    end,
    -- What was sent before goes out, as it does in a world without sockets.
    abort = function()
      self.cutting[socket] = true
      if socket:unsent() == 0 then
        socket:abort()
      end
    end,
  }
end

local function open_stream(self, exchange, response)
  local socket = exchange:upgrade(response.headers, response.protocol)
  if not socket then
    response.stream:closed()
    return
  end
  self.streams[socket] = response.stream
  response.stream:attach(peer_of(self, socket))
end

-- Hands a stream what its client has sent, and tells it where its connection is.
local function serve_stream(self, socket)
  local stream = self.streams[socket]
  if not stream then
    return
  end
  local text, problem = socket:read()
  while text or problem == "binary" do
    if text then
      stream:receive(text)
    else
      stream:receive_binary()
    end
    text, problem = socket:read()
  end
  if problem then
    self.streams[socket], self.cutting[socket] = nil, nil
    stream:closed()
  elseif socket:unsent() == 0 and self.cutting[socket] then
    socket:abort()
  elseif socket:unsent() == 0 then
    stream:writable()
  end
end

-- ---- requests ----

local function finish(self, pending)
  self.pending[pending] = nil
  local exchange, response = pending.exchange, pending.response
  if response.stream then
    open_stream(self, exchange, response)
  elseif response.raw or response.reset then
    exchange:raw(response.raw or "", response.reset == true)
  elseif not response.drop then
    exchange:answer(response.status, response.headers, response.body)
  end
  exchange:close()
end

-- A target in its absolute form too, which a server must accept (RFC 9112 3.2.2).
local function target_of(target)
  return target:match "^[Hh][Tt][Tt][Pp][Ss]?://[^/?]*(/.*)$" or target
end

local function serve(self, exchange)
  local method, target, headers, body, peer = exchange:request()
  target = target_of(target)
  local upgrade = headers.upgrade and exchange:upgrade_wish() or nil
  local response = self.emulator:handle {
    method = method, target = target, headers = headers, body = body, peer = peer, upgrade = upgrade,
  }
  compression.apply(response, headers["accept-encoding"])
  local pending = { exchange = exchange, response = response }
  if response.delay then
    self.pending[pending] = true
    self.late:at(loop.now() + response.delay, finish, pending)
  else
    finish(self, pending)
  end
end

-- Whatever is asked in clear has one answer.
local function serve_plain(self)
  local exchange = self.plain:next()
  while exchange do
    local method, target, headers = exchange:request()
    local response = self.emulator:handle_plain { method = method, target = target_of(target), headers = headers }
    exchange:answer(response.status, response.headers, response.body)
    exchange:close()
    exchange = self.plain:next()
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

-- What is asked of the emulator in this process, beside its socket, may have it do something sooner than it said.
local function rouse(self)
  self.roused = self.roused or loop.schedule(loop.now(), function() end)
end

local function turn(self)
  self.roused = nil
  self.emulator:advance()
  local socket = self.listener:news()
  while socket do
    serve_stream(self, socket)
    socket = self.listener:news()
  end
  local exchange = self.listener:next()
  while exchange do
    serve(self, exchange)
    exchange = self.listener:next()
  end
  if self.plain then
    serve_plain(self)
  end
  local timer = self.late:take(loop.now())
  while timer do
    timer.action(self, timer.subject)
    timer = self.late:take(loop.now())
  end
  return patience(self)
end

local function shut(self)
  self.listener:close()
  if self.plain then
    self.plain:close()
  end
end

--- Stops serving, closes every connection, and removes the file with the certificate.
function server:stop()
  if not self.service then
    return
  end
  loop.unserve(self.service)
  self.service, self.emulator.on_ready = nil, nil
  self.emulator.streams:close(GOING_AWAY, "the emulator stops")
  for pending in pairs(self.pending) do
    pending.exchange:close()
  end
  self.sender.close()
  shut(self)
  self.file:close()
  live[self] = nil
end

--- Stops all that run: for a host that is about to end the process.
function server.stop_all()
  for one in pairs(live) do
    one:stop()
  end
end

-- Listens with a certificate, or in clear without one. Returns nil and a problem if that is not possible.
local function listen(options, port, certificate)
  local listener, problem = loop.listen {
    host = options.host or "127.0.0.1",
    port = port,
    certificate = certificate,
    body_max = limits.body_bytes + BODY_SLACK,
    idle_timeout = options.idle_timeout,
    request_timeout = options.request_timeout,
    version = limits.version,
    https_only = not certificate,
  }
  return listener, ("the emulator cannot listen on port %d: %s"):format(port, problem or "")
end

local function open(self, options)
  local certificate = net.certificate(NAMES)
  local listener, problem = listen(options, options.port or 0, certificate)
  if not listener then
    return nil, problem
  end
  self.listener = listener
  if options.plain_port then
    self.plain, problem = listen(options, options.plain_port)
    if not self.plain then
      shut(self)
      return nil, problem
    end
    self.plain_port = self.plain:port()
    self.plain_url = ("http://127.0.0.1:%d/v2"):format(self.plain_port)
  end
  self.file, problem = net.temporary_file("gitdev-ca-", certificate:authority_pem())
  if not self.file then
    shut(self)
    return nil, "the emulator's certificate cannot be kept: " .. problem
  end
  self.ca_file = self.file:path()
  return self
end

--- Starts an emulator on this Lua state's loop. `options`: port (0: any), host ("127.0.0.1"), plain_port (a port in clear, 0: any; nil: none),
-- idle_timeout (75: seconds that a connection may rest), request_timeout (30: seconds that a request may take to arrive), deliver (false: no
-- webhook delivery leaves the emulator, as without a server), deliver_ca_file (what deliveries trust instead of the system's certificates),
-- deliver_public (true: deliveries may leave this machine), and those of gitdev.emulator.new; the clock is the real one unless given. Returns
-- nil and a problem, or a server:
--   url        base URL for clients: "https://127.0.0.1:PORT/v2"
--   ca_file    path of a PEM file with the authority to trust; only this user can read it, and stop() removes it
--   api_key    a gsk_test_ key        port        emulator
--   plain_port, plain_url   the same for requests in clear, if there is such a port
--   stop()
function server.start(options)
  options = options or {}
  local sending = sender.new { ca_file = options.deliver_ca_file, public = options.deliver_public }
  local inner = { clock = steady_clock(), deliver = sending.deliver }
  if options.deliver ~= nil then
    inner.deliver = options.deliver or nil
  end
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
    streams = {}, -- by socket, while it is open
    cutting = {}, -- sockets to be cut when all is sent
    sender = sending,
  }, server), options)
  if not self then
    return nil, problem
  end
  self.port = self.listener:port()
  self.url = ("https://127.0.0.1:%d/v2"):format(self.port)
  self.service = function()
    return turn(self)
  end
  made.on_ready = function()
    rouse(self)
  end
  loop.serve(self.service)
  live[self] = true
  return self
end

return server

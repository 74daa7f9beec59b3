--- A TLS origin inside this process whose answers are WebSockets.
local listening = require "spec.lua.support.listening"

local stream_origin = {}
stream_origin.__index = stream_origin

stream_origin.API_KEY = listening.API_KEY

local function answer(self, exchange)
  self.requests = self.requests + 1
  local refusal = self.options.refuse and self.options.refuse(self.requests)
  if refusal == "hold" then
    self.held[#self.held + 1] = exchange
    return
  elseif refusal or exchange:upgrade_wish() ~= "good" then
    refusal = refusal or { status = 426 }
    exchange:answer(refusal.status, refusal.fields or {}, refusal.body or "")
  else
    local peer = assert(exchange:upgrade({ "X-Request-Id", "req_" .. self.requests }, "git.logs.v1", 1048576))
    self.peers[#self.peers + 1] = peer
    if self.options.opened then
      self.options.opened(peer)
    end
  end
  exchange:close()
end

local function hear(self, peer)
  local text, what, code, reason = peer:read()
  while text do
    if self.options.heard then
      self.options.heard(peer, text)
    end
    text, what, code, reason = peer:read()
  end
  if what == "closed" then
    self.closed[peer] = { code, reason }
  end
end

local function serve(self)
  local exchange = self.listener:next()
  while exchange do
    answer(self, exchange)
    exchange = self.listener:next()
  end
  local peer = self.listener:news()
  while peer do
    hear(self, peer)
    peer = self.listener:news()
  end
end

--- Starts one. options: opened(peer), heard(peer, text), refuse(number) -> { status=, fields=, body= } | "hold" | nil. `peers` are the
-- server's ends in their order, `closed` says by peer how it was closed.
function stream_origin.start(options)
  local self = setmetatable({ options = options or {}, requests = 0, peers = {}, closed = {} }, stream_origin)
  return listening.start(self, serve)
end

stream_origin.stop, stream_origin.client = listening.stop, listening.client

return stream_origin

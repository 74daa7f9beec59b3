--- A TLS origin inside this process for specs: each request is handed to a function, which says what is sent back. What arrives is
-- counted, so that a spec can tell how often a request was really sent.
local listening = require "spec.lua.support.listening"
local loop = require "gitdev.loop"

local origin = {}
origin.__index = origin

origin.API_KEY = listening.API_KEY

local function json_answer(status, body)
  return { status = status, body = body, fields = { "Content-Type", "application/json", "X-RateLimit-Remaining", "100" } }
end

origin.json = json_answer

local function serve(self)
  local exchange = self.listener:next()
  while exchange do
    local method, target, headers, body = exchange:request()
    local request = { method = method, target = target, headers = headers, body = body }
    self.requests[#self.requests + 1] = request
    local answer = self.handler(request, #self.requests)
    if answer == "hold" then
      self.held[#self.held + 1] = exchange
    else
      if answer.raw then
        exchange:raw(answer.raw, answer.reset)
      else
        exchange:answer(answer.status, answer.fields or {}, answer.body)
      end
      exchange:close()
    end
    exchange = self.listener:next()
  end
end

--- Starts an origin. handler(request, number) returns { status=, fields=, body= }, { raw = bytes, reset= } or "hold".
function origin.start(handler, names)
  return listening.start(setmetatable({ handler = handler, requests = {} }, origin), serve, names)
end

origin.stop, origin.client = listening.stop, listening.client

--- Makes a call and returns what call:result() gives, and the call.
function origin:call(method, path, options)
  options = options or {}
  local client = options.client or self:client(options.client_options)
  local call = assert(client:call(method, path, options.body, options.key, options.headers, options.timeout, options.max_retries))
  loop.perform(call)
  local status, answer = call:result()
  return status, answer, call
end

return origin

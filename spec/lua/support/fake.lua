-- A client whose calls go nowhere: a spec says what each is answered, and sees what was asked. The C client is replaced while the client is
-- made; time is virtual.
local compat = require "gitdev.compat"
local core = require "gitdev.core"
local json = require "gitdev.json"

local fake = {}

local call_methods = {}

function call_methods:result()
  local answer = self.answer
  if answer.type then
    return false, answer
  end
  return answer.status or 200, answer.body
end

function call_methods:header(name)
  return self:headers()[name]
end

function call_methods:headers()
  return self.answer.headers or { ["x-request-id"] = "req_000000000001" }
end

function call_methods:attempts()
  return self.answer.attempts or { { verdict = "ok", status = self.answer.status } }
end

local client_methods = {}

function client_methods:call(method, path, body, idempotency_key, headers, timeout, max_retries, _, rarer)
  if idempotency_key and #idempotency_key > 255 then
    return nil, "idempotency_key: is longer than 255 characters"
  end
  return setmetatable({
    method = method,
    path = path,
    body = body,
    idempotency_key = idempotency_key,
    extra_headers = headers,
    timeout = timeout,
    max_retries = max_retries,
    upgrade = rarer and rarer.upgrade,
  }, { __index = call_methods })
end

function client_methods:key_hint()
  return self.api_key:sub(1, 9) .. "***" .. self.api_key:sub(-4)
end

function client_methods:rate_limit()
  return self.limit or {}
end

function client_methods:close()
  self.closed = true
end

local function answer_of(value)
  if value.object then
    return { body = json.encode(value) }
  end
  return value
end

---Makes a client. `answers` is a list of answers in order, or a function that is given each call: a thing to be sent as JSON, or
---{ status =, body =, headers = }, or { type =, code =, … } for a call that failed. With options.open the driver opens WebSockets: it is called
---as open(call, seen) and returns a socket, or such an answer.
---@return table git
---@return table seen  the calls in order; `now` is the clock; `slept` has each pause; `options` is what the C client was given
function fake.client(answers, options, module)
  local seen = { now = 1000, slept = {}, limit = nil }
  local driver = {
    perform = function(call)
      seen[#seen + 1] = call
      call.answer = answer_of(type(answers) == "function" and answers(call, seen) or answers[#seen])
    end,
    sleep = function(seconds)
      seen.slept[#seen.slept + 1] = seconds
      seen.now = seen.now + seconds
    end,
    now = function()
      return seen.now
    end,
  }
  local open = options and options.open
  driver.open = open and function(call)
    seen[#seen + 1] = call
    local socket = open(call, seen)
    call.answer = socket.receive and { status = 101, body = "" } or socket
    return socket.receive and socket or nil
  end
  local given = { api_key = "gsk_test_0000000000000000000000000000abcd", driver = driver }
  for key, value in pairs(options or {}) do
    given[key] = value
  end
  given.open = nil
  local real = core.client
  core.client = function(core_options)
    seen.options = core_options
    seen.core = setmetatable({ api_key = core_options.api_key }, { __index = client_methods })
    return seen.core
  end
  local ok, git = pcall(require(module or "gitdev").client, given)
  core.client = real
  assert(ok, git)
  return git, seen
end

---Runs a function that must raise; returns what it raised.
function fake.raised(fn, ...)
  local ok, err = compat.pcall(fn, ...)
  assert(not ok, "nothing was raised")
  return err
end

return fake

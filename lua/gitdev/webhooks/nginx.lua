-- gitdev.webhooks.nginx: takes a delivery in a location of nginx, verifies it, has it handled, and answers: as gitdev.webhooks.direct does on a
-- loop of our own, by the same rules and with the same answers. What is shared with the other workers is the store.
local compat = require "gitdev.compat"
local core = require "gitdev.core"
local errors = require "gitdev.error"
local handlers = require "gitdev.webhooks.handlers"
local options_of = require "gitdev.options"
local request = require "gitdev.webhooks.request"
local settings = require "gitdev.webhooks.settings"
local shared = require "gitdev.store.shared"

local ngx = _G.ngx -- nil elsewhere

local nginx = {}

-- gitdev.NginxReceiverOptions: see gitdev.describe.classes.
local OPTIONS = {
  secret = "secrets",
  secrets = "secrets",
  scheme = "scheme",
  tolerance = "tolerance",
  clock = "clock",
  on = "table",
  on_error = "function",
  timeout = "seconds",
  store = "table",
}

-- The dictionary that is the store, if none is given.
local DICTIONARY = "gitdev"
local TIMEOUT = 13 -- seconds, of the sender's 15: the rest is the network's
local LEASE_MARGIN = 30 -- seconds that a claim outlives the longest handler by
local TTL = 4 * 86400 -- a sender tries for 75.6 hours (contract 3.4)
local STORE_SECONDS = 5 -- two such waits and a handler are not much more than a sender's 15
local ON_ERROR_SECONDS = 10
local GRACE = 0.5 -- seconds after its time that a handler is waited for

-- By the table of options: what was made of it. One that is written where it is used is another one each time.
local receivers = setmetatable({}, { __mode = "k" })

-- ---- time ----

-- Waits until a thread has ended, at most so many seconds. Whether it has.
local function await(thread, seconds)
  local ended
  local alarm = ngx.thread.spawn(function()
    ngx.sleep(seconds)
    ended = false
  end)
  ngx.thread.wait(thread, alarm)
  if ended == nil then
    ngx.thread.kill(alarm)
    return true
  end
  return false
end

-- Runs what may wait for something else than this library: it is stopped when its time is over.
---@return boolean|nil ok  nil: its time was over
---@return any ...         what it returned, or raised
local function within(seconds, fn, ...)
  local results
  local thread = ngx.thread.spawn(function(...)
    results = compat.pack(pcall(fn, ...))
  end, ...)
  if not results and not await(thread, seconds) and not results then
    ngx.thread.kill(thread)
    return nil
  end
  return compat.unpack(results, 1, results.n)
end

-- The same for what never waits.
local function at_once(_, fn, ...)
  return pcall(fn, ...)
end

-- ---- options ----

local function open_store(options)
  if options.store then
    settings.check_store(options.store)
    return options.store
  end
  local store, err = shared.new(DICTIONARY)
  if not store then
    err.message = "webhooks that several workers receive need a store that they share, to handle each event once. " .. err.message
  end
  return store, err
end

local function make(options)
  if type(options) ~= "table" then
    local message = "gitdev.webhooks.nginx takes a table: nginx { on = { … } }, got a " .. type(options) .. "."
    errors.misuse { code = "invalid_type", param = "options", message = message }
  end
  options_of.check(options, OPTIONS, "gitdev.webhooks.nginx")
  local verify, err = settings.verifier(options)
  if not verify then
    error(err, 0)
  end
  local store
  store, err = open_store(options)
  if not store then
    error(err, 0)
  end
  local self = {
    verify = verify,
    store = store,
    run = getmetatable(store) == shared and at_once or within,
    handlers = handlers.new(options.on),
    timeout = options.timeout or TIMEOUT,
    on_error = options.on_error,
  }
  receivers[options] = self
  return self
end

-- ---- telling of errors ----

local function log(err, event, traceback)
  local text = "gitdev: webhooks: " .. (event and tostring(event) .. ": " or "") .. handlers.text_of(err)
  ngx.log(ngx.ERR, core.redact((text:gsub("%c", " "))), traceback and "\n" .. core.redact((traceback:gsub("^\n+", ""))) or "")
end

local function report(self, err, event, traceback)
  if not self.on_error then
    return log(err, event, traceback)
  end
  local ok, problem = within(ON_ERROR_SECONDS, self.on_error, err, event, traceback)
  if not ok then
    log(err, event, traceback)
    log("on_error " .. (ok == nil and "took too long" or "failed: " .. handlers.text_of(problem)), event)
  end
end

-- ---- answering ----

local function answer(status, fields, body)
  ngx.status = status
  for i = 1, #fields, 2 do
    ngx.header[fields[i]] = fields[i + 1]
  end
  if body then
    ngx.header["Content-Length"] = #body
    ngx.print(body)
  else
    ngx.send_headers()
  end
  ngx.eof()
end

local function accept()
  answer(204, {})
end

local function refuse(reason)
  answer(request.refusal(reason))
end

-- ---- one delivery ----

-- Asks the store about the event. What it cannot do is told of, and the event comes again.
---@return boolean|nil ok
---@return any ...  what the store returned
local function ask(self, event, name, ...)
  local store = self.store
  local ok, first, second = self.run(STORE_SECONDS, store[name], store, event.id, ...)
  if not ok then
    report(self, ok == nil and ("the store took more than %d seconds."):format(STORE_SECONDS) or first, event)
  end
  return ok, first, second
end

-- Runs a handler as a task, which ends when its time is over; but one that waits for something that is not this library's is not to be stopped.
-- It goes on after its delivery was answered, with its claim, and what becomes of it counts.
local function attempt(self, event, delivery, fn)
  local results, is_late
  local thread = ngx.thread.spawn(function()
    results = compat.pack(handlers.attempt({}, self.timeout, fn, event, delivery))
  end)
  if not results and not await(thread, self.timeout + GRACE) and not results then
    is_late = true
    refuse "timeout"
    report(self, ("its handler was to end after %g seconds, and goes on."):format(self.timeout), event)
    ngx.thread.wait(thread)
  end
  return is_late, compat.unpack(results, 1, results.n)
end

local function handle_claimed(self, event, delivery, fn, token)
  local is_answered, ok, err, traceback = attempt(self, event, delivery, fn)
  if ok then
    ask(self, event, "confirm", TTL)
  else
    ask(self, event, "release", token)
  end
  if not is_answered and ok then
    accept()
  elseif not is_answered then
    local is_late = errors.is(err, "timeout_error") or errors.is(err, "canceled_error")
    refuse(is_late and "timeout" or "internal_error")
  end
  if not ok then
    report(self, err, event, traceback)
  end
end

local function handle(self, event, delivery)
  local fn = self.handlers:pick(event.type)
  if not fn then
    return accept()
  end
  local ok, token, state = ask(self, event, "claim", self.timeout + LEASE_MARGIN)
  if not ok then
    return refuse "unavailable"
  elseif token then
    delivery.try = 1
    return handle_claimed(self, event, delivery, fn, token)
  elseif state == "done" then
    return accept()
  end
  return refuse "claimed"
end

-- The body, of which nginx may have put the larger part into a file. Nil when it is too large.
local function read_body()
  local req, limit = ngx.req, request.BODY_MAX
  if (tonumber(ngx.var.http_content_length) or 0) > limit then
    return nil
  end
  req.read_body()
  local body, path = req.get_body_data(), req.get_body_file()
  if not body and path then
    local file = assert(io.open(path, "rb"))
    body = file:read(limit + 1)
    file:close()
  end
  body = body or ""
  return #body <= limit and body or nil
end

local function receive(self)
  local req = ngx.req
  if req.get_method() ~= "POST" then
    req.discard_body()
    return refuse "method_not_allowed"
  end
  local body = read_body()
  if not body then
    req.discard_body()
    return refuse "payload_too_large"
  end
  local event, delivery = request.open(self.verify, req.get_headers(0), body)
  if not event then
    return refuse(delivery)
  end
  return handle(self, event, delivery)
end

local function check_place()
  local phase = ngx and ngx.get_phase()
  if phase ~= "content" then
    local where = phase and "not in the phase " .. phase or "and this is not nginx: elsewhere it is gitdev.webhooks.serve"
    error("gitdev.webhooks.nginx answers a request: it is called in content_by_lua, " .. where .. ".", 0)
  end
end

local function nothing() end

---Takes the delivery that the present request is, and answers it. Returns when that is done and its handler is over. What is wrong with the
---options is logged, and answered with 500: nothing is ever accepted for want of a look at what a function returned.
---@param options gitdev.NginxReceiverOptions
function nginx.receive(options)
  check_place()
  -- Who handles an event goes on when its sender goes away; without lua_check_client_abort nginx does not look for that anyway.
  ngx.on_abort(nothing)
  local ok, self = pcall(function()
    return receivers[options] or make(options)
  end)
  if not ok then
    log(self)
    ngx.req.discard_body()
    return refuse "internal_error"
  end
  return receive(self)
end

return nginx

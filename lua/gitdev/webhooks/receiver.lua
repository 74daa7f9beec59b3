-- gitdev.webhooks.serve: an HTTP server on the loop that takes deliveries, verifies them and has them handled: before the answer
-- (gitdev.webhooks.direct), or after it, from a spool (gitdev.webhooks.deferred).
--
-- A receiver is a task, and what handles its events are tasks below it: so it ends with what made it, and a script does not end before
-- it. The listener's requests are taken from it by a service, which wakes the task.
local compat = require "gitdev.compat"
local core = require "gitdev.core"
local errors = require "gitdev.error"
local handlers = require "gitdev.webhooks.handlers"
local loop = require "gitdev.loop"
local options_of = require "gitdev.options"
local request = require "gitdev.webhooks.request"
local scope = require "gitdev.scope"
local settings = require "gitdev.webhooks.settings"
local task = require "gitdev.task"

local receiver = {}

-- What is inside of one; `handle` is what the program holds.
local inner = {}
local inner_class = { __index = inner }

local methods = {}
local class = { __index = methods, __name = "gitdev.Receiver" }

-- By handle.
local inside = setmetatable({}, { __mode = "k" })

-- gitdev.ReceiverOptions: see gitdev.describe.classes.
local OPTIONS = {
  port = "port",
  host = "string",
  path = "string",
  secret = "secrets",
  secrets = "secrets",
  scheme = "scheme",
  tolerance = "tolerance",
  clock = "clock",
  on = "table",
  on_error = "function",
  timeout = "seconds",
  drain = "seconds",
  queue = "size",
  store = "table",
  spool = "string",
  parallel = "size",
  tries = "size",
  retry_pause = "seconds",
  cert_file = "string",
  key_file = "string",
}

-- What says something only where there is a spool, and its default.
local OF_SPOOL = { parallel = 16, tries = 6, retry_pause = 1 }

local HOST, QUEUE, DRAIN = "127.0.0.1", 1000, 10
local BODY_SLACK = 16 * 1024 -- what is a little too large is answered here, in full; the listener cuts off the rest
local STORE_SECONDS = 5 -- two such waits and a handler are not much more than a sender's 15
local REQUEST_TIMEOUT, IDLE_TIMEOUT = 15, 60 -- seconds

-- How many receivers there are: while there is one, a signal does not end what it is at.
local serving = 0

-- ---- options ----

local function misuse(param, message)
  errors.misuse { code = "parameter_invalid", param = param, message = message }
end

local function check_paths(options)
  if options.path and not options.path:find "^/[!-~]*$" then
    misuse("path", 'path must begin with a slash, such as "/webhooks"; what is not visible ASCII in it stands percent-encoded.')
  elseif options.path and options.path:find "[?#]" then
    misuse("path", "path must have no query: a delivery's own is not looked at.")
  elseif options.spool == "" then
    misuse("spool", "spool must name a folder.")
  elseif (options.cert_file == nil) ~= (options.key_file == nil) then
    misuse(options.cert_file and "key_file" or "cert_file", "cert_file and key_file go together: TLS takes a certificate and its key.")
  end
end

local function check(options)
  if type(options) ~= "table" then
    misuse("options", "gitdev.webhooks.serve takes a table: serve { port = 8080, on = { … } }, got a " .. type(options) .. ".")
  end
  options_of.check(options, OPTIONS, "gitdev.webhooks.serve")
  if not options.port then
    errors.misuse { code = "parameter_missing", param = "port", message = "gitdev.webhooks.serve needs a port, such as 8080; 0 is any that is free." }
  end
  check_paths(options)
  if options.store then
    settings.check_store(options.store)
  end
  for name in pairs(OF_SPOOL) do
    if options[name] and not options.spool then
      misuse(name, name .. " is of handlers that run after the answer: it takes a spool.")
    end
  end
end

local function set_up_verifying(self, options)
  local err
  self.verify, err, self.revive = settings.verifier(options)
  return self.verify, err
end

-- ---- errors of handlers ----

-- On stderr, if nobody asked for them.
local function write_error(err, event, traceback)
  local what = event and ("webhooks: %s: "):format(tostring(event)) or "webhooks: "
  io.stderr:write("gitdev: ", core.redact(what), handlers.text_of(err), "\n")
  if traceback then
    io.stderr:write(core.redact(traceback), "\n")
  end
end

local function tell(self, err, event, traceback)
  local ok, problem = compat.pcall(scope.timeout, self.grace, self.on_error, err, event, traceback)
  if not ok then
    write_error(err, event, traceback)
    write_error("on_error failed: " .. handlers.text_of(problem), event)
  end
end

---Tells of an error: in a task, since on_error may wait, but for no longer than stopping may take.
function inner:report(err, event, traceback)
  if self.on_error then
    loop.spawn(tell, self, err, event, traceback)
  else
    write_error(err, event, traceback)
  end
end

-- ---- the store ----

---Asks the store about an event. A store may be far away, and must not hold up what waits for it for ever. What it cannot do is told of, and the
---event comes again.
---@param one table     id, event; see handlers.perform
---@param name string   "claim", "confirm" or "release"; of its own file "is_done"
---@return boolean ok
---@return any ...      what the store returned
function inner:ask_store(one, name, ...)
  local store, ok, first, second = self.store, false, nil, nil
  if not self.has_own_store then
    ok, first, second = select(2, handlers.perform(one, STORE_SECONDS, store[name], store, one.id, ...))
  elseif not self.is_closed then -- with it the store was
    ok, first, second = compat.pcall(store[name], store, one.id, ...)
  end
  if not ok and not self.is_closed then
    self:report(first, one.event)
  end
  return ok, first, second
end

-- ---- the task ----

---Has the task look what there is to do.
function inner:nudge()
  task.wake(self.task)
end

-- Called after each turn of the loop.
local function service(self)
  local exchange = self.listener:next()
  while exchange do
    self.arrived[#self.arrived + 1] = exchange
    exchange = self.listener:next()
  end
  if loop.held_signal() then
    self:drain()
  end
  if self.arrived[1] or self.is_stopping then
    self:nudge()
  end
end

local function receive(self, exchange)
  local event, delivery = request.read(exchange, self)
  if event then
    self.way:take(exchange, event, delivery)
  else
    request.refuse(exchange, delivery)
  end
end

local function is_over(self)
  if not self.is_stopping or not self.way:is_idle() then
    return false
  end
  return self.is_late or self.listener:connections() == 0
end

local function work(self)
  if self.way.begin then
    self.way:begin()
  end
  repeat
    local arrived = self.arrived
    self.arrived = {}
    for _, exchange in ipairs(arrived) do
      receive(self, exchange)
    end
    self.way:turn()
    if is_over(self) then
      return
    end
    task.park(self.task)
  until false
end

-- Gives up what was opened, in whatever state it is.
local function give_up(self)
  for _, name in ipairs { "way", "listener", "own_store" } do
    if self[name] then
      self[name]:close()
    end
  end
end

local function close(self)
  self.is_closed = true
  loop.unserve(self.service)
  loop.unschedule(self.timer)
  for _, exchange in ipairs(self.arrived) do
    request.refuse(exchange, "unavailable")
  end
  give_up(self)
  serving = serving - 1
  if serving == 0 then
    loop.hold_signals(false)
  end
end

local function run(self)
  self.task = loop.current()
  local ok, err = compat.pcall(work, self)
  close(self)
  if not ok then
    loop.raise(err, debug.traceback())
  end
end

-- ---- stopping ----

local function be_late(self)
  self.is_late = true
  self.way:cut_off()
  self:nudge()
end

---Begins to stop: no connection is taken any more, no handler begun but for what was asked already.
function inner:drain()
  if self.is_stopping then
    return
  end
  self.is_stopping = true
  self.listener:drain()
  self.way:drain()
  self.timer = loop.schedule(loop.now() + self.grace, be_late, self)
  self:nudge()
end

local function inside_of(handle, name)
  return inside[handle] or errors.misuse { message = name .. " is a method of a receiver: call it with a colon, receiver:" .. name .. "()." }
end

---Stops: what was asked is answered, what runs is let finish, for `drain` seconds at most; what waits in the spool stays there. Returns when
---it is over; in one of its own handlers at once.
function methods.stop(handle)
  local self = inside_of(handle, "stop")
  if self.task:status() ~= "running" then
    return
  end
  self:drain()
  local me = loop.current()
  if me then
    for ancestor in task.lineage(me) do
      if ancestor == self.task then
        return
      end
    end
  end
  self.task:wait()
end

---Waits until it has stopped. Outside of tasks this turns the loop.
function methods.wait(handle)
  inside_of(handle, "wait").task:wait()
end

---How many events wait, or are being handled.
---@return integer
function methods.pending(handle)
  return inside_of(handle, "pending").way:pending()
end

function class.__tostring(self)
  return "receiver at " .. self.url
end

-- ---- starting ----

local function failure(code, param, message)
  return errors.new { type = "config_error", code = code, param = param, message = message }
end

local function url_of(self, options, port)
  local host = self.host:find(":", 1, true) and "[" .. self.host .. "]" or self.host
  return ("%s://%s:%d%s"):format(options.cert_file and "https" or "http", host, port, self.path or "/")
end

local function listen(self, options)
  local certificate, problem
  if options.cert_file then
    certificate, problem = require("gitdev.net").certificate_files(options.cert_file, options.key_file)
    if not certificate then
      local text = ("TLS with cert_file %s and key_file %s is not possible: %s."):format(options.cert_file, options.key_file, problem)
      return nil, failure("certificate_unusable", problem:find "^the key" and "key_file" or "cert_file", text)
    end
  end
  self.listener, problem = loop.listen {
    host = self.host,
    port = options.port,
    certificate = certificate,
    body_max = request.BODY_MAX + BODY_SLACK,
    idle_timeout = IDLE_TIMEOUT,
    request_timeout = REQUEST_TIMEOUT,
  }
  if not self.listener then
    local text = ("gitdev.webhooks.serve cannot listen on %s, port %d: %s."):format(self.host, options.port, problem)
    return nil, failure("listen_failed", "port", text)
  end
  return true
end

-- The store that there is unless one is given: with a spool it lasts as long as that.
local function open_store(self, options)
  if options.store then
    self.store = options.store
    return true
  end
  local err
  if options.spool then
    -- Unsynced, as what the spool notes of a success is synced a moment later: after a crash of the machine an event may be handled again.
    self.own_store, err = require("gitdev.store.file").new { path = options.spool .. "/handled", sync = false }
  else
    self.own_store = require("gitdev.store.memory").new()
  end
  self.store, self.has_own_store = self.own_store, true
  return self.store ~= nil, err
end

local function open_way(self, options)
  local way = require(options.spool and "gitdev.webhooks.deferred" or "gitdev.webhooks.direct")
  self.timeout = options.timeout or way.TIMEOUT
  for name, default in pairs(OF_SPOOL) do
    self[name] = options[name] or default
  end
  local err
  self.way, err = way.new(self)
  return self.way, err
end

local function open(self, options)
  for _, step in ipairs { set_up_verifying, listen, open_way, open_store } do -- a spool's store stands in its folder
    local ok, err = step(self, options)
    if not ok then
      give_up(self)
      return nil, err
    end
  end
  return true
end

local function begin(self)
  serving = serving + 1
  loop.hold_signals(true)
  self.task = loop.spawn(run, self)
  self.service = function()
    return service(self)
  end
  loop.serve(self.service)
end

---Starts a receiver on this Lua state's loop.
---@param options gitdev.ReceiverOptions
---@return gitdev.Receiver|nil
---@return gitdev.Error|nil
function receiver.serve(options)
  check(options)
  local self = setmetatable({
    host = options.host or HOST,
    path = options.path,
    spool = options.spool,
    queue = options.queue or QUEUE,
    grace = options.drain or DRAIN,
    on_error = options.on_error,
    handlers = handlers.new(options.on),
    arrived = {},
  }, inner_class)
  local ok, err = open(self, options)
  if not ok then
    return nil, err
  end
  begin(self)
  local port = self.listener:port()
  local handle = setmetatable({ port = port, url = url_of(self, options, port) }, class)
  inside[handle] = self
  return handle
end

return receiver

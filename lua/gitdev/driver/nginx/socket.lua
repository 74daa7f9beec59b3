-- A WebSocket over one of nginx's cosockets, as gitdev.driver.socket describes them.
--
-- A cosocket is its request's alone, and nobody can wake who reads it. So where what waits may have to be woken (a task that is canceled, a timer
-- whose worker is to end) a thread reads, and who waits for it does so on a semaphore. Elsewhere there is no such thread, which would hold up the
-- end of the request whenever a program leaves a stream without a word. One thread serves for long: each costs its request some memory until that
-- is over.
local core = require "gitdev.core"
local errors = require "gitdev.error"
local tasks = require "gitdev.driver.nginx.tasks"
local waiter_of = require "gitdev.driver.nginx.waiter"

local socket = {}

local BROKEN_OFF, GOING_AWAY = 1006, 1001
local PIECE = 16384
-- Seconds: a thread's read that is longer is begun anew, with a line in nginx's log; what a pong may take that the peer does not read; and a goodbye.
local READ_SECONDS, SEND_SECONDS, GOODBYE_SECONDS = 120, 10, 1
local LONG = 3600
-- How often it is looked whether a timer's worker is to end, which no time limit of nginx's does; and whether whom a thread reads for is over.
local LOOK_SECONDS = 1

local methods = {}
local class = { __index = methods, __name = "gitdev.socket" }

---Takes a cosocket over once the handshake is done.
---@param cosocket table
---@param rest string|nil  what came behind the answer's head
---@return table socket
function socket.of(cosocket, rest)
  local self = setmetatable({
    cosocket = cosocket,
    codec = core.websocket(),
    is_timer = ngx.get_phase() == "timer",
    is_reading = false, -- by the thread
    thread = nil,
  }, class)
  if rest and rest ~= "" then
    self.codec:feed(rest)
  end
  return self
end

---What ends a log that is followed: a timer that goes on and on would keep a worker that is to end, after a reload say, for ever.
---@return gitdev.Error|nil
function socket.ending()
  if ngx.get_phase() ~= "timer" or not ngx.worker.exiting() then
    return nil
  end
  local message = "nginx shuts this worker down: a log that is followed in a timer ends with it."
  return errors.new { type = "canceled_error", code = "worker_exiting", message = message }
end

-- ---- the connection ----

-- A cosocket raises when it is another request's, or when the phase has none.
local function use(self, name, ...)
  local cosocket = self.cosocket
  return pcall(cosocket[name], cosocket, ...)
end

local function set_times(self, send_seconds, read_seconds)
  use(self, "settimeouts", 1000, send_seconds * 1000, math.max(1, math.ceil(read_seconds * 1000)))
end

-- Sends what is queued. Whether this request may use the cosocket; a connection that is broken is for who reads it to find.
local function send(self)
  if not use(self, "send", "") then
    return false
  end
  local bytes = self.codec:output()
  return bytes == "" or use(self, "send", bytes)
end

-- Says what is left to say and lets the connection go. From elsewhere nothing happens: its reader does it, or the end of its request.
local function let_go(self)
  if self.is_gone or not use(self, "send", "") then
    return
  end
  set_times(self, GOODBYE_SECONDS, READ_SECONDS)
  send(self)
  -- Only who has made the thread can kill it; else it ends as it finds that this is closed, or by the peer's goodbye.
  if type(self.thread) == "thread" and ngx.thread.kill(self.thread) == 1 then
    self.thread, self.is_reading = nil, false
  elseif self.thread then
    self.wish:post()
  end
  local _, _, problem = use(self, "close")
  self.is_gone = problem ~= "socket busy reading"
end

local OTHER_REQUEST = "a stream belongs to the request, or timer, that opened it: nginx lets no other one read it."
local TWO_READERS = "another thread waits for this stream already: it has one reader at a time."

local function read(self)
  local ok, bytes, problem = use(self, "receiveany", PIECE)
  if ok and bytes then
    self.codec:feed(bytes)
  elseif problem == "socket busy reading" then
    errors.misuse { message = TWO_READERS }
  elseif problem ~= "timeout" then
    self.is_broken = true
  end
end

-- ---- the thread that reads ----

-- Reads when it is asked to, until the stream or whom it reads for is over.
local function run_thread(self, is_over)
  repeat
    self.is_broken = not pcall(read, self) or self.is_broken
    self.is_reading = false
    if self.waiter then
      self.waiter:post()
    end
    while not (self.is_reading or self.closed or self.is_broken or is_over()) do
      self.wish:wait(LOOK_SECONDS)
    end
  until not self.is_reading
  self.thread = nil
  if self.closed then
    let_go(self)
  end
end

local function end_of(me)
  local maker = coroutine.running()
  return function()
    return me and me.finished or coroutine.status(maker) == "dead"
  end
end

-- Has the thread read, or makes one. Others may run before it is known which thread it is.
local function have_it_read(self, me)
  self.is_reading = true
  if self.thread then
    self.wish:post()
    return
  end
  self.wish, self.thread = waiter_of.new(), true
  local thread = ngx.thread.spawn(run_thread, self, end_of(me))
  self.thread = self.thread and thread
end

-- ---- waiting ----

-- Who waits already, if it has not died meanwhile.
local function check_reader(self)
  if not use(self, "send", "") then
    errors.misuse { message = OTHER_REQUEST }
  elseif self.reader and coroutine.status(self.reader) ~= "dead" then
    errors.misuse { message = TWO_READERS }
  end
end

-- Waits for the thread's read.
local function wait(self, me, waiter, seconds)
  self.waiter = waiter
  if not self.is_reading then
    have_it_read(self, me)
  end
  if self.is_reading then
    tasks.wait(me, waiter, seconds)
  end
end

-- Waits until more has come, or the connection is over, at most so many seconds; or for nothing.
local function await(self, seconds)
  check_reader(self)
  local waiter, me = tasks.waiter()
  local by_thread = me or self.is_timer or self.is_reading
  set_times(self, SEND_SECONDS, by_thread and READ_SECONDS or seconds)
  self.reader = coroutine.running()
  send(self)
  local ok, err
  if by_thread then
    ok, err = pcall(wait, self, me, waiter, self.is_timer and math.min(seconds, LOOK_SECONDS) or seconds)
  else
    ok, err = pcall(read, self)
  end
  self.waiter, self.reader = nil, nil
  tasks.done_with(waiter, me)
  if not ok then
    error(err, 0)
  end
end

local function over(self, code, reason)
  self.closed, self.reason = code, reason
  let_go(self)
  return nil, "closed", code, reason
end

-- ---- what gitdev.driver.socket says of sockets ----

function methods:receive(seconds)
  local codec, due = self.codec, nil
  while not self.closed do
    local text, what, code, reason = codec:read()
    if text then
      return text
    elseif what == "closed" then
      return over(self, code, reason)
    elseif what then
      return nil, what
    elseif self.is_broken then
      return over(self, BROKEN_OFF, "the connection was closed")
    end
    local now = core.now()
    if due and now >= due then
      return nil, "timeout"
    end
    if self.is_timer and ngx.worker.exiting() then
      return over(self, GOING_AWAY, "nginx shuts the worker down")
    end
    due = due or seconds and now + seconds
    await(self, due and due - now or LONG)
  end
  let_go(self)
  return nil, "closed", self.closed, self.reason or ""
end

-- It leaves when the stream is read next.
function methods:send(text)
  if self.closed or not self.codec:send(text) then
    return nil, "closed"
  end
  return true
end

-- From another request it takes effect when whoever reads here is awake: at once, or with the next message.
function methods:close(code)
  if not self.closed then
    self.closed = code or 1000
    self.codec:close(self.closed)
    let_go(self)
    if self.waiter then
      self.waiter:post()
    end
  end
end

function methods:unsent()
  return self.codec:unsent()
end

return socket

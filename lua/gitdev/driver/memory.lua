-- Calls answered by an emulator in this Lua state, over no socket and in no real time: what the engine over libcurl is to the real world,
-- this is to a virtual one (gitdev.test). It obeys the same call machine, by the same rules: calls that wait for a rate limit stand in a
-- line, of which only the first asks.
local compat = require "gitdev.compat"
local memory_socket = require "gitdev.driver.memory_socket"
local queue = require "gitdev.queue"
local raw = require "gitdev.driver.raw"
local schedule = require "gitdev.schedule"

local unpack = compat.unpack

local PIECE = 16384

-- What is told of a try that failed.
local MESSAGES = { sent = "the connection was closed", ["bad answer"] = "the answer cannot be read" }

local memory = {}
memory.__index = memory

-- ---- news, as the loop asks for it ----

local function tell(self, one)
  if not one.told then
    one.told = true
    self.told:push(one)
  end
end

--- Whether there is news: time must not move before it is heard.
function memory:has_news()
  return self.told.first <= self.told.last
end

--- The next call that is done, has events, or whose stream has moved; or the next socket with something to read, and true. Nil when there
-- is none.
function memory:news()
  local one = self.told:pop()
  if one then
    one.told = false
    return one.call or one, not one.call
  end
  return nil
end

--- Notes news of a job, or a socket.
memory.tell = tell

-- ---- the line of those who share a rate limit ----

local function line_of(self, call)
  local name = call:limit()
  local line = self.lines[name]
  if not line then
    line = { jobs = queue.new() }
    self.lines[name] = line
  end
  return line
end

local advance, ask_first, to_front

-- ---- timers: each job has one, a line has another ----

local function clear(self, owner)
  schedule.cancel(self.timers, owner.timer)
  owner.timer = nil
end

local function set(self, owner, at, action, subject)
  clear(self, owner)
  owner.timer = self.timers:at(at, action, subject)
end

-- ---- the life of a job ----

local function finish(self, job)
  clear(self, job)
  self.jobs[job.call] = nil
  tell(self, job)
end

-- Connections are kept as libcurl keeps them, since one that was closed while it rested is made up for: each try takes one that rests, or a
-- new one, as after such a disappointment.
local function connect(self, job)
  job.reused = self.resting > 0 and not job.stale
  if job.reused then
    self.resting = self.resting - 1
  end
end

-- A stream that nobody has taken.
local function drop_stream(job)
  local stream = job.stream
  if stream then
    job.stream = nil
    stream:closed()
  end
end

local function end_try(self, job, kind, message)
  clear(self, job)
  drop_stream(job)
  local now, answer = self.now(), job.answer or {}
  self.trace(now, job, kind, answer.status)
  job.stale = kind == "sent" and answer.silent and job.reused
  if kind == "complete" and not answer.closes then
    self.resting = self.resting + 1
  end
  job.call:outcome(now, kind, message, now - job.sent_at, false, job.stale)
  job.answer, job.stalled, job.parts = nil, nil, nil
  to_front(self, job)
end

local function run_out(overdue)
  local self, job = overdue.engine, overdue.job
  schedule.cancel(self.timers, job.flight)
  end_try(self, job, "timed out", "it took too long")
end

-- When the try is over at the latest. A stream that waits for its program has until the end, one that waits for the server is idle.
local function give_until(self, job, at)
  set(self, job, at, run_out, { engine = self, job = job })
end

-- Hands over what is left of the body, until the sink is full. Whether all of it is over.
local function feed(job)
  local answer = job.answer
  while answer.at <= #answer.body do
    local taken = job.call:take_data(answer.body:sub(answer.at, answer.at + PIECE - 1))
    if taken == nil then
      return false
    elseif not taken then
      answer.refused = true
      return true
    end
    answer.at = answer.at + PIECE
  end
  return true
end

local function go_on_answering(self, job)
  job.stalled = not feed(job)
  tell(self, job)
  if job.stalled then
    give_until(self, job, job.till)
    return
  end
  local kind = job.answer.refused and "bad answer" or job.answer.failure or "complete"
  end_try(self, job, kind, MESSAGES[kind])
end

-- The answer as the client's side of a connection has it: a fault may have put another one in its place, or none.
local function answer_of(response)
  if response.drop or response.reset or response.raw then
    local bytes = response.raw or ""
    local answer = raw.read(bytes)
    answer.closes, answer.silent = true, not bytes:find("\n", 1, true)
    return answer
  end
  local body, headers = response.body or "", { unpack(response.headers) }
  if response.status >= 200 and response.status ~= 204 and response.status ~= 304 then
    headers[#headers + 1] = "Content-Length"
    headers[#headers + 1] = tostring(#body)
  end
  return { status = response.status, headers = headers, body = body }
end

-- Hands over the head. Whether it is one that the machine takes.
local function begin_answer(job, answer)
  local fine = answer.status ~= nil and job.call:begin(answer.status)
  for i = 1, fine and #answer.headers or 0, 2 do
    fine = fine and job.call:take_header(answer.headers[i], answer.headers[i + 1])
  end
  answer.at = 1
  job.answer = answer
  return fine
end

-- The upgrade is answered: the connection is a WebSocket from now on, and no request's any more.
local function open_socket(self, job, stream)
  job.stream = nil
  local socket = memory_socket.open(self, stream)
  self.sockets[#self.sockets + 1] = socket
  self.opened[job.call] = socket
  job.answer.closes = true
  self:rouse()
end

local function arrive_back(arrival)
  local self, job, answer = arrival.engine, arrival.job, answer_of(arrival.response)
  if begin_answer(job, answer) then
    if job.stream then
      open_socket(self, job, job.stream)
    end
    go_on_answering(self, job)
  else
    local kind = not answer.status and answer.failure or "bad answer"
    end_try(self, job, kind, MESSAGES[kind])
  end
end

local function lower_names(list)
  local headers = {}
  for i = 1, #list, 2 do
    headers[list[i]:lower()] = list[i + 1]
  end
  return headers
end

local function arrive(arrival)
  local self, job = arrival.engine, arrival.job
  local request, headers = job.request, lower_names(job.request.headers)
  headers["sec-websocket-protocol"] = request.upgrade
  local response = self.emulator:handle {
    method = request.method,
    target = request.target,
    headers = headers,
    body = request.body or "",
    peer = "127.0.0.1",
    upgrade = request.upgrade and "good",
  }
  arrival.response, job.stream = response, response.stream
  job.flight = self.timers:at(self.now() + self.latency / 2 + (response.delay or 0), arrive_back, arrival)
end

local function launch(self, job)
  if job.idle > 0 then
    give_until(self, job, math.min(job.till, self.now() + job.idle))
  end
  job.flight = self.timers:at(self.now() + self.latency / 2, arrive, { engine = self, job = job })
end

-- Reads the request's body from its source, as far as it has bytes.
local function gather(self, job)
  local parts = job.parts
  while true do
    local bytes = job.call:give_data()
    tell(self, job)
    if bytes == nil then
      return
    elseif not bytes then
      end_try(self, job, "sent", "the body could not be read")
      return
    elseif bytes == "" then
      break
    end
    parts[#parts + 1] = bytes
  end
  job.parts, job.request.body = nil, table.concat(parts)
  launch(self, job)
end

local function begin_try(self, job, till, request, idle)
  job.request, job.sent_at = request, self.now()
  job.till, job.idle = till, idle
  give_until(self, job, till)
  connect(self, job)
  self.trace(job.sent_at, job, "send")
  if request.source_size then
    job.parts = {}
    gather(self, job)
  else
    launch(self, job)
  end
end

local function back_in_line(waiting)
  to_front(waiting.engine, waiting.job)
end

local function ask_again(waiting)
  ask_first(waiting.engine, waiting.line)
end

local function too_late(overdue)
  local self, job = overdue.engine, overdue.job
  job.line.jobs:remove(job)
  advance(self, job)
  ask_first(self, job.line)
end

-- In line, the call's own deadline is what ends it.
local function stand_in_line(self, job)
  set(self, job, job.call:deadline(), too_late, { engine = self, job = job })
end

-- Who has been at the front once is not sent back to the end.
function to_front(self, job)
  job.line.jobs:push_front(job)
  stand_in_line(self, job)
  ask_first(self, job.line)
end

-- Does what the machine says. Whether the job is out of its line.
function advance(self, job)
  local kind, till, detail, idle = job.call:next(self.now())
  if kind == "wait" and detail then
    return false, till
  elseif kind == "wait" then
    set(self, job, till, back_in_line, { engine = self, job = job })
  elseif kind == "send" then
    begin_try(self, job, till, detail, idle)
  else
    finish(self, job)
  end
  tell(self, job)
  return true
end

-- Lets those in the line go on, in order, as far as they may.
function ask_first(self, line)
  if line.asking then
    return
  end
  line.asking = true
  clear(self, line)
  local job = line.jobs:pop()
  while job do
    local gone, till = advance(self, job)
    if not gone then
      line.jobs:push_front(job)
      set(self, line, till, ask_again, { engine = self, line = line })
      break
    end
    job = line.jobs:pop()
  end
  line.asking = false
end

-- ---- what the loop does with an engine ----

--- Takes a call under way.
function memory:submit(call)
  self.submitted = self.submitted + 1
  local job = { call = call, line = line_of(self, call), number = self.submitted }
  self.jobs[call] = job
  job.line.jobs:push(job)
  stand_in_line(self, job)
  ask_first(self, job.line)
  return true
end

--- Takes a call back: it ends as canceled, and is no news.
function memory:cancel(call)
  local job, socket = self.jobs[call], self:socket(call)
  call:cancel(self.now())
  if socket then
    socket:close()
  end
  if not job then
    return
  end
  job.line.jobs:remove(job)
  clear(self, job)
  drop_stream(job)
  schedule.cancel(self.timers, job.flight)
  self.jobs[call] = nil
  self.trace(self.now(), job, "cancel")
  ask_first(self, job.line)
end

-- The jobs whose call fits, in the order in which they were submitted, so that a run can be repeated.
local function jobs_of(self, fits)
  local found = {}
  for call, job in pairs(self.jobs) do
    if fits(call) then
      found[#found + 1] = job
    end
  end
  table.sort(found, function(a, b)
    return a.number < b.number
  end)
  return found
end

--- Ends the calls of a C client as canceled; they are news.
function memory:cancel_all(client)
  local found = jobs_of(self, function(call)
    return call:of(client)
  end)
  for _, job in ipairs(found) do
    job.line.jobs:remove(job)
    drop_stream(job)
    schedule.cancel(self.timers, job.flight)
    job.call:disown(self.now())
    finish(self, job)
  end
  for _, job in ipairs(found) do
    ask_first(self, job.line)
  end
end

--- A store has been visited for a shared rate limit (core's limit): its calls may go on.
function memory:poke(limit)
  local line = self.lines[limit:id()]
  if line then
    ask_first(self, line)
  end
end

--- A call's stream has bytes, or room, again.
function memory:resume(call)
  local job = self.jobs[call]
  if job and job.parts then
    gather(self, job)
  elseif job and job.stalled then
    go_on_answering(self, job)
  end
end

-- ---- WebSockets ----

--- The WebSocket that a call has opened: to be asked for once, when the call is done. Nil when it has none.
function memory:socket(call)
  local socket = self.opened[call]
  self.opened[call] = nil
  return socket
end

--- A socket is closed.
function memory:forget_socket(socket)
  for index, one in ipairs(self.sockets) do
    if one == socket then
      table.remove(self.sockets, index)
      return
    end
  end
end

local function go_on_serving(self)
  self.wakeup = nil
  self.emulator:advance()
  self:rouse()
end

--- Has the emulator go on when its next thing is due: streams speak without being asked. Without any it is looked at when it is asked.
function memory:rouse()
  schedule.cancel(self.timers, self.wakeup)
  local due = self.sockets[1] and self.emulator:next_due()
  local wait = due and math.max(0, due - self.emulator.options.clock())
  self.wakeup = wait and self.timers:at(self.now() + wait, go_on_serving, self) or nil
end

--- Ends what is under way as canceled.
function memory:close()
  for _, job in ipairs(jobs_of(self, function()
    return true
  end)) do
    self:cancel(job.call)
  end
  while self.sockets[1] do
    self.sockets[1]:close()
  end
end

--- Makes an engine. `options`: emulator; now = function() and timers (a gitdev.schedule), of its world; latency, seconds there and back;
-- trace = function(now, job, what, status).
function memory.new(options)
  local self = setmetatable({
    emulator = options.emulator,
    now = options.now,
    timers = options.timers,
    latency = options.latency,
    trace = options.trace,
    jobs = {}, -- by call
    resting = 0, -- connections that could be used again
    sockets = {}, -- that are open
    opened = {}, -- by call: its socket, until it is asked for
    lines = {},
    told = queue.new(),
    submitted = 0,
  }, memory)
  self.emulator.on_ready = function()
    self:rouse()
  end
  return self
end

return memory

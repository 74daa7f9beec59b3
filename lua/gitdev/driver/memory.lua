-- Calls answered by an emulator in this Lua state, over no socket and in no real time: what the engine over libcurl is to the real world,
-- this is to a virtual one (gitdev.test). It obeys the same call machine, by the same rules: calls that wait for a rate limit stand in a
-- line, of which only the first asks.
local queue = require "gitdev.queue"
local schedule = require "gitdev.schedule"

local PIECE = 16384

local memory = {}
memory.__index = memory

-- ---- news, as the loop asks for it ----

local function tell(self, job)
  if not job.told then
    job.told = true
    self.told:push(job)
  end
end

--- The next call that is done, has events, or whose stream has moved; nil when there is none.
function memory:news()
  local job = self.told:pop()
  if job then
    job.told = false
    return job.call
  end
  return nil
end

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

local function end_try(self, job, kind, message, unsent)
  clear(self, job)
  local now = self.now()
  self.trace(now, job, kind)
  job.call:outcome(now, kind, message, now - job.sent_at, unsent)
  job.answer, job.stalled, job.parts = nil, nil, nil
  to_front(self, job)
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
    return
  end
  if job.answer.refused then
    end_try(self, job, "bad answer", "it was refused")
  elseif job.answer.cut then
    end_try(self, job, "sent", "it ended before it was whole")
  else
    end_try(self, job, "complete")
  end
end

-- What an injected fault sends in place of an answer, as far as it is HTTP at all.
local function read_raw(raw)
  local head, body = raw:match "^HTTP/1%.1 (%d%d%d.-)\r\n\r\n(.*)$"
  local answer = head and { status = tonumber(head:sub(1, 3)), headers = {}, body = body }
  for name, value in (head or ""):gmatch "\r\n([^:\r\n]+): ?([^\r\n]*)" do
    answer.headers[#answer.headers + 1] = name
    answer.headers[#answer.headers + 1] = value
    if name:lower() == "content-length" then
      answer.cut = #body < (tonumber(value) or 0)
    end
  end
  return answer
end

local function begin_answer(job, answer)
  local fine = job.call:begin(answer.status)
  for i = 1, #answer.headers, 2 do
    fine = fine and job.call:take_header(answer.headers[i], answer.headers[i + 1])
  end
  job.answer = { at = 1, body = answer.body or "", cut = answer.cut }
  return fine
end

local function arrive_back(arrival)
  local self, job, response = arrival.engine, arrival.job, arrival.response
  if response.drop or response.reset then
    end_try(self, job, "sent", "it was closed")
    return
  end
  local answer = response.raw and read_raw(response.raw) or not response.raw and response
  if answer and begin_answer(job, answer) then
    go_on_answering(self, job)
  else
    end_try(self, job, "bad answer", "it is no HTTP")
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
  local request = job.request
  local response = self.emulator:handle {
    method = request.method,
    target = request.target,
    headers = lower_names(request.headers),
    body = request.body or "",
    peer = "127.0.0.1",
  }
  arrival.response = response
  job.flight = self.timers:at(self.now() + self.latency / 2 + (response.delay or 0), arrive_back, arrival)
end

local function launch(self, job)
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
    elseif bytes == "" or not bytes then
      job.parts = nil
      job.request.body = table.concat(parts)
      break
    end
    parts[#parts + 1] = bytes
  end
  launch(self, job)
end

local function run_out(overdue)
  local self, job = overdue.engine, overdue.job
  schedule.cancel(self.timers, job.flight)
  end_try(self, job, "timed out", "it took too long")
end

local function begin_try(self, job, till, request)
  job.request, job.sent_at = request, self.now()
  set(self, job, till, run_out, { engine = self, job = job })
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
  local kind, till, detail = job.call:next(self.now())
  if kind == "wait" and detail then
    return false, till
  elseif kind == "wait" then
    set(self, job, till, back_in_line, { engine = self, job = job })
  elseif kind == "send" then
    begin_try(self, job, till, detail)
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
  local job = { call = call, line = line_of(self, call) }
  self.jobs[call] = job
  job.line.jobs:push(job)
  stand_in_line(self, job)
  ask_first(self, job.line)
end

--- Takes a call back: it ends as canceled, and is no news.
function memory:cancel(call)
  local job = self.jobs[call]
  call:cancel(self.now())
  if not job then
    return
  end
  job.line.jobs:remove(job)
  clear(self, job)
  schedule.cancel(self.timers, job.flight)
  self.jobs[call] = nil
  self.trace(self.now(), job, "cancel")
  ask_first(self, job.line)
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

--- Ends what is under way as canceled.
function memory:close()
  for call in pairs(self.jobs) do
    self:cancel(call)
  end
end

--- Makes an engine. `options`: emulator; now = function() and timers (a gitdev.schedule), of its world; latency, seconds there and back;
-- trace = function(now, job, what).
function memory.new(options)
  return setmetatable({
    emulator = options.emulator,
    now = options.now,
    timers = options.timers,
    latency = options.latency,
    trace = options.trace,
    jobs = {}, -- by call
    lines = {},
    told = queue.new(),
  }, memory)
end

return memory

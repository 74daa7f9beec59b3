-- The calls of a worker that are under way, over nginx's sockets: what the engine over libcurl is elsewhere. It obeys the same call machine by
-- the same rules.
--
-- Whoever awaits a call drives it: asks the machine, waits in line, rests. Each try runs in a light thread, so that whatever it waits for ends
-- when the try's time is over, or the task that made the call is canceled.
--
-- A coroutine may die in any wait (its client is gone, its worker ends). It has said when it will be heard of again; a call whose time is over by far
-- is found by others (sweep), and what it holds of the rate limit is given back.
local core = require "gitdev.core"
local exchange = require "gitdev.driver.nginx.exchange"
local fleet = require "gitdev.fleet"
local line_of_calls = require "gitdev.driver.nginx.line"
local phase = require "gitdev.driver.nginx.phase"
local tasks = require "gitdev.driver.nginx.tasks"
local waiter_of = require "gitdev.driver.nginx.waiter"

local engine = {}

-- Seconds: who waits for a try says so often that it lives; how late it may be before it is suspected; and how long a suspicion must hold. In a
-- worker that stood still all are late: those who live are heard of in the turn of nginx's loop in which they are suspected, or the next.
local SIGN, LATE, SUSPECTED = 1, 1.5, 0.4
local SWEEP = 0.5
-- What a visit to a store may take.
local VISIT = 3

local now = core.now

local jobs = {} -- by call
local lines = {} -- by what shares a rate limit
local opened = {} -- by call: its WebSocket's { sock, rest }, until it is asked for
setmetatable(opened, { __mode = "k" })
local swept_at = 0

local function promise(job, seconds)
  job.heard_by, job.suspected_at = now() + seconds, nil
end

local function line_of(call)
  local name = call:limit()
  local line = lines[name]
  if not line then
    line = line_of_calls.new(name)
    lines[name] = line
  end
  line.members = line.members + 1
  return line
end

-- The job is nobody's any more.
local function forget(job)
  local line = job.line
  jobs[job.call] = nil
  job.over = true
  line.members = line.members - 1
  if line.members == 0 then
    lines[line.name] = nil
  end
end

-- ---- tries ----

local function post(job)
  if job.waiter then
    job.waiter:post()
  end
end

local function tell_of_stream(flight)
  flight.job.news = true
  post(flight.job)
end

local function fly(flight)
  local ok, err = pcall(exchange.run, flight)
  if not ok then
    flight.kind, flight.message = "not possible", "the driver failed: " .. tostring(err)
    pcall(flight.sock.close, flight.sock)
  end
  flight.over = true
  post(flight.job)
end

-- The light thread of a try ends, or is taken away: only who began it can do that. Else it finds out by itself.
local function end_thread(flight)
  flight.left = true
  if not flight.over then
    pcall(ngx.thread.kill, flight.thread)
    if flight.sock then
      pcall(flight.sock.close, flight.sock)
    end
  else
    pcall(ngx.thread.wait, flight.thread) -- it would be kept until the request is over
  end
  if flight.room then
    flight.room:post()
  end
end

local function take_off(job)
  local flight = job.flight
  job.flight = nil
  job.line.flying = job.line.flying - 1
  return flight
end

local function begin_try(job, till, request, idle)
  local flight = {
    job = job,
    call = job.call,
    request = request,
    till = till,
    idle = idle,
    fresh = job.stale,
    sent = false,
    began = now(),
    tell = tell_of_stream,
    room = (request.source_size or request.streamed) and waiter_of.new() or nil,
  }
  job.flight = flight
  job.line.flying = job.line.flying + 1
  flight.thread = ngx.thread.spawn(fly, flight)
end

-- Nginx's time is that of its turn, and some milliseconds behind: a try whose time is over may end a little before.
local SLACK = 0.1

-- Tells the machine how a try went.
local function land(job)
  local flight = take_off(job)
  end_thread(flight)
  job.stale = flight.stale
  local at = now()
  if flight.kind == "timed out" and at > flight.till - SLACK then
    at = math.max(at, flight.till)
  end
  job.call:outcome(at, flight.kind, flight.message, now() - flight.began, flight.unsent, flight.stale)
  if flight.opened then
    opened[job.call] = { flight.sock, flight.rest }
  end
  job.was_first, job.news = true, true
  job.line:stir()
end

local function give_up(flight)
  flight.kind, flight.unsent, flight.message = "timed out", not flight.sent, "it did not answer in time"
end

-- ---- a job's way ----

local sweep

-- Waits, at most so many seconds; whoever waits is heard of again by then. Raises what interrupts its task.
local function wait(job, seconds)
  promise(job, seconds)
  tasks.wait(job.task, job.waiter, seconds)
  sweep()
end

local function watch(job)
  local flight = job.flight
  while not (flight.over or job.news or job.over) do
    local left = flight.till - now()
    if left <= 0 then
      give_up(flight)
      break
    end
    wait(job, math.min(left, SIGN))
  end
  if not job.over and (flight.over or flight.kind == "timed out") then
    land(job)
  end
end

-- Rests until another try is due.
local function pause(job, till)
  while not job.over and now() < till do
    wait(job, math.min(till - now(), SIGN))
  end
end

-- Does what the machine says. False when the job must keep its place in the line.
local function advance(job)
  local kind, till, detail, idle = job.call:next(now())
  if kind == "wait" and detail then
    return false, till
  end
  job.line:leave(job)
  job.news = true
  if kind == "wait" then
    job.was_first = true
    job.rests_until = till
  elseif kind == "send" then
    begin_try(job, till, detail, idle)
  else
    forget(job)
  end
  return true
end

-- The first in line waits until it may ask again.
local function hold(job, till)
  local seconds = math.min(till - now(), job.deadline - now(), SIGN)
  job.line:hold(seconds)
  wait(job, seconds)
end

-- Where the rate limit is shared, the first in line goes to the store when that is due. Whether the machine has been told something.
local function visit_store(job)
  local supply = fleet.of(job.call)
  if not supply then
    return false
  end
  promise(job, VISIT)
  job.line:hold(VISIT)
  return supply:tend()
end

-- The first in line asks, or waits as it is told.
local function ask(job)
  if not job.line:has_room() and now() < job.deadline then
    hold(job, now() + SIGN)
    return
  end
  local gone, till = advance(job)
  if not gone and not visit_store(job) and job.line:is_turn(job) then
    hold(job, till)
  end
end

local function stand(job)
  local line = job.line
  if not job.standing then
    line:enter(job)
  elseif line:is_turn(job) then
    ask(job)
  elseif now() >= job.deadline then
    advance(job)
  else
    wait(job, math.min(line:patience(), job.deadline - now()))
    line:look()
  end
end

local function go_on(job)
  tasks.check(job.task)
  while not (job.news or job.over) do
    if job.flight then
      watch(job)
    elseif job.rests_until then
      pause(job, job.rests_until)
      job.rests_until = nil
    else
      stand(job)
    end
  end
  job.news = false
end

-- ---- those who are dead ----

-- Ends a job, wherever it stands. `how`: the call's method that ends the call.
local function drop(job, how)
  job.line:leave(job)
  forget(job)
  if job.flight then
    job.left = take_off(job)
    end_thread(job.left)
  end
  how(job.call, now())
  job.line:stir()
  post(job)
end

local function cancel_call(call, at)
  call:cancel(at)
end

local function is_dead(job, at)
  if at < job.heard_by + LATE then
    job.suspected_at = nil
    return false
  end
  local turn = ngx.now() -- which stands still in one
  if not job.suspected_at then
    job.suspected_at, job.suspected_in = at, turn
  end
  return at > job.suspected_at + SUSPECTED and turn ~= job.suspected_in
end

-- Drops the calls of those who are dead.
function sweep()
  local at = now()
  if at < swept_at + SWEEP then
    return
  end
  swept_at = at
  local dead = {}
  for _, job in pairs(jobs) do
    if is_dead(job, at) then
      dead[#dead + 1] = job
    end
  end
  for _, job in ipairs(dead) do
    drop(job, cancel_call)
  end
end

-- ---- the driver's functions ----

---Takes a call under way.
function engine.start(call)
  phase.check "an API call"
  sweep()
  local job = { call = call, line = line_of(call), deadline = call:deadline() }
  job.heard_by = job.deadline
  jobs[call] = job
end

---Drives a call until there is news of it. What interrupts the task that waits ends the call as canceled.
function engine.await(call)
  local job = jobs[call]
  if not job then
    return
  end
  job.waiter, job.task = tasks.waiter()
  local ok, err = pcall(go_on, job)
  tasks.done_with(job.waiter, job.task)
  job.waiter, job.task = nil, nil
  if not ok then
    engine.cancel(call)
    error(err, 0)
  elseif job.left then
    end_thread(job.left) -- whoever ended the call could not
  end
  promise(job, job.deadline - now())
end

---Takes a call under way and waits until it is done.
function engine.perform(call)
  engine.start(call)
  repeat
    engine.await(call)
  until call:done()
end

---A call's stream has bytes, or room, again.
function engine.resume(call)
  local job = jobs[call]
  local flight = job and job.flight
  if flight and flight.stalled then
    flight.stalled = false
    flight.room:post()
  end
end

---Takes a call back: it ends as canceled.
function engine.cancel(call)
  local job = jobs[call]
  if job then
    drop(job, cancel_call)
  else
    call:cancel(now())
  end
end

---Ends the calls of a C client as canceled; whoever waits for one goes on.
function engine.cancel_all(client)
  local found = {}
  for call, job in pairs(jobs) do
    if call:of(client) then
      found[#found + 1] = job
    end
  end
  for _, job in ipairs(found) do
    drop(job, job.call.disown)
  end
end

---Performs a call that opens a WebSocket. Returns the socket and the bytes that came behind the answer, or nil: the call's result says why.
function engine.open(call)
  engine.perform(call)
  local made = opened[call]
  opened[call] = nil
  if made then
    return made[1], made[2]
  end
  return nil
end

return engine

-- The calls of a worker that are under way, over nginx's sockets: what the engine over libcurl is elsewhere. It obeys the same call machine by
-- the same rules.
--
-- Whoever awaits a call drives it: asks the machine, waits in line, rests. Each try runs in a light thread, so that whatever it waits for ends
-- when the try's time is over, or the task that made the call is canceled.
--
-- A coroutine may die in any wait (its client is gone, its worker ends). It has said when it will be heard of again; a call whose time is over by far
-- is found by others (sweep), and what it holds of the rate limit is given back.
local core = require "gitdev.core"
local fleet = require "gitdev.fleet"
local flights = require "gitdev.driver.nginx.flights"
local line_of_calls = require "gitdev.driver.nginx.line"
local phase = require "gitdev.driver.nginx.phase"
local tasks = require "gitdev.driver.nginx.tasks"

local engine = {}

-- Seconds: who waits for a try says so often that it lives; how late it may be before it is suspected; and how long a suspicion must hold. In a
-- worker that stood still all are late: those who live are heard of in the turn of nginx's loop in which they are suspected, or the next.
local SIGN, LATE, SUSPECTED = 1, 1.5, 0.4
local SWEEP = 0.5
-- What a visit to a store may take.
local VISIT = 3

local now = core.now

local jobs = {} -- by call
local lines, idle = {}, nil -- by what shares a rate limit; the one that was left empty last
local opened = {} -- by call: its WebSocket's { sock, rest }, until it is asked for
setmetatable(opened, { __mode = "k" })
local swept_at = 0

local function promise(job, till)
  job.heard_by, job.suspected_at = till, false
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

-- A line that nobody stands in is kept for the next call, until another one is left empty.
local function leave_empty(line)
  if idle and idle ~= line and idle.members == 0 then
    lines[idle.name] = nil
  end
  idle = line
end

-- The job is nobody's any more.
local function forget(job)
  local line = job.line
  jobs[job.call] = nil
  job.over = true
  line.members = line.members - 1
  if line.members == 0 then
    leave_empty(line)
  end
end

-- ---- tries ----

local function post(job)
  if job.waiter then
    job.waiter:post()
  end
end

local function on_end(flight)
  post(flight.job)
end

local function tell_of_stream(flight)
  flight.job.news = true
  post(flight.job)
end

local function take_off(job)
  local flight = job.flight
  job.flight = false
  job.line.flying = job.line.flying - 1
  return flight
end

-- Nginx's time is that of its turn, and some milliseconds behind: a try whose time is over may end a little before.
local SLACK = 0.1

-- Tells the machine how a try went.
local function land(job)
  local flight = take_off(job)
  flights.finish(flight)
  job.stale = flight.stale
  local at, call = now(), job.call
  local took = at - flight.began
  if flight.kind == "timed out" and at > flight.till - SLACK then
    at = math.max(at, flight.till)
  end
  call:outcome(at, flight.kind, flight.message or nil, took, flight.unsent, flight.stale)
  if flight.opened then
    opened[call] = { flight.sock, flight.rest }
  end
  job.was_first, job.news = true, true
  job.line:stir()
  if call:done() then
    forget(job)
  end
end

local function give_up(flight)
  flight.kind, flight.unsent, flight.message = "timed out", not flight.sent, "it did not answer in time"
end

-- ---- a job's way ----

local sweep

-- Waits from `at` on, at most so many seconds; whoever waits is heard of again by then. Raises what interrupts its task.
local function wait(job, at, seconds)
  promise(job, at + seconds)
  tasks.wait(job.task, job.waiter, seconds)
  sweep()
end

local function watch(job)
  local flight = job.flight
  while not (flight.over or job.news or job.over) do
    local at = now()
    if at >= flight.till then
      give_up(flight)
      break
    end
    wait(job, at, math.min(flight.till - at, SIGN))
  end
  if not job.over and (flight.over or flight.kind == "timed out") then
    land(job)
  end
end

-- Rests until another try is due.
local function pause(job, till)
  local at = now()
  while not job.over and at < till do
    wait(job, at, math.min(till - at, SIGN))
    at = now()
  end
end

-- Does what the machine says. False when the job must keep its place in the line.
local function advance(job, at)
  local kind, till, detail, idle_max = job.call:next(at, true)
  if kind == "wait" and detail then
    return false, till
  end
  job.line:leave(job, at)
  job.news = true
  if kind == "wait" then
    job.was_first = true
    job.rests_until = till
  elseif kind == "send" then
    job.line.flying = job.line.flying + 1
    flights.begin(job, at, till, detail, idle_max, tell_of_stream, on_end)
  else
    forget(job)
  end
  return true
end

-- The first in line waits until it may ask again.
local function hold(job, at, till)
  local seconds = math.min(till - at, job.deadline - at, SIGN)
  job.line:hold(seconds, at)
  wait(job, at, seconds)
end

-- Where the rate limit is shared, the first in line goes to the store when that is due. Whether the machine has been told something.
local function visit_store(job, at)
  local supply = fleet.of(job.call)
  if not supply then
    return false
  end
  promise(job, at + VISIT)
  job.line:hold(VISIT, at)
  return supply:tend()
end

-- The first in line asks, or waits as it is told.
local function ask(job, at)
  if not job.line:has_room() and at < job.deadline then
    hold(job, at, at + SIGN)
    return
  end
  local gone, till = advance(job, at)
  if not gone and not visit_store(job, at) and job.line:is_turn(job) then
    hold(job, now(), till)
  end
end

local function stand(job)
  local line, at = job.line, now()
  if not job.standing then
    line:enter(job, at)
  end
  if line:is_turn(job) then
    ask(job, at)
  elseif at >= job.deadline then
    advance(job, at)
  else
    wait(job, at, math.min(line:patience(), job.deadline - at))
    line:look(now())
  end
end

local function step(job)
  if job.flight then
    watch(job)
  elseif job.rests_until then
    pause(job, job.rests_until)
    job.rests_until = false
  else
    stand(job)
  end
end

-- Until there is news, or `to_end` until the call is.
local function go_on(job, to_end)
  tasks.check(job.task)
  while not job.over and (to_end or not job.news) do
    if to_end then
      job.news = false
    end
    step(job)
  end
  job.news = false
end

-- ---- those who are dead ----

-- Ends a job, wherever it stands. `how`: the call's method that ends the call.
local function drop(job, how)
  local at = now()
  job.line:leave(job, at)
  forget(job)
  if job.flight then
    job.left = take_off(job)
    flights.finish(job.left)
  end
  how(job.call, at)
  job.line:stir()
  post(job)
end

local function cancel_call(call, at)
  call:cancel(at)
end

local function is_dead(job, at)
  if at < job.heard_by + LATE then
    job.suspected_at = false
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
---@param call table         of core's
---@param pool string|nil    the name of the connections that it may use; nil: those that all use
---@return table job
function engine.start(call, pool)
  phase.check "an API call"
  sweep()
  local deadline = call:deadline()
  local job = {
    call = call,
    pool = pool or "",
    line = line_of(call),
    deadline = deadline,
    heard_by = deadline,
    suspected_at = false,
    task = nil,
    waiter = nil,
    flight = false,
    rests_until = false,
    news = false,
    over = false,
    standing = false,
    was_first = false,
    stale = false,
    left = false,
  }
  jobs[call] = job
  return job
end

local function drive(job, to_end)
  local waiter, me = tasks.waiter()
  job.waiter, job.task = waiter, me
  local ok, err = pcall(go_on, job, to_end)
  tasks.done_with(waiter, me)
  job.waiter, job.task = nil, nil
  if not ok then
    engine.cancel(job.call)
    error(err, 0)
  elseif job.left then
    flights.finish(job.left) -- whoever ended the call could not
  end
  promise(job, job.deadline)
end

---Drives a call until there is news of it. What interrupts the task that waits ends the call as canceled.
function engine.await(call)
  local job = jobs[call]
  if job then
    drive(job, false)
  end
end

---Takes a call under way and waits until it is done.
function engine.perform(call, pool)
  drive(engine.start(call, pool), true)
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
function engine.open(call, pool)
  engine.perform(call, pool)
  local made = opened[call]
  opened[call] = nil
  if made then
    return made[1], made[2]
  end
  return nil
end

return engine

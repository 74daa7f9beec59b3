-- Events are on the disk before they are answered (gitdev.webhooks.spool), and handled after: in order for each project, and of the others
-- in order of arrival; projects beside each other. What fails is tried again after growing pauses, and given up in the end, so that one
-- bad event does not stop its project for ever.
local direct = require "gitdev.webhooks.direct"
local handlers = require "gitdev.webhooks.handlers"
local loop = require "gitdev.loop"
local queue = require "gitdev.queue"
local request = require "gitdev.webhooks.request"
local spool = require "gitdev.webhooks.spool"

local deferred = {}
deferred.__index = deferred

deferred.TIMEOUT = 300 -- seconds: no sender waits
local PAUSE_GROWTH, PAUSE_MAX = 4, 900 -- seconds
local TELL_PAUSE = 60
local TROUBLE_PAUSE = 5 -- after what is not the event's fault: a store or a disk that fails
local SYNC_SECONDS = 0.5 -- at most so long what was handled is not synced

-- ---- lanes: what is to be handled in order ----

local function lane_of(self, entry)
  local name = entry.project or "" -- no project has that name
  local lane = self.lanes[name]
  if not lane then
    lane = { name = name, line = queue.new(), count = 0 }
    self.lanes[name] = lane
  end
  return lane
end

local function make_ready(self, lane)
  if not lane.is_ready then
    lane.is_ready = true
    self.ready:push(lane)
  end
end

local function line_up(self, entry)
  local lane = lane_of(self, entry)
  lane.line:push(entry)
  lane.count = lane.count + 1
  if lane.count == 1 then
    make_ready(self, lane)
  end
end

-- The lane's first event is done with: the next one's turn.
local function go_on(self, lane)
  lane.count = lane.count - 1
  if lane.count == 0 then
    self.lanes[lane.name] = nil
  else
    make_ready(self, lane)
  end
end

local function end_pause(pause)
  pause.lane.pause = nil
  make_ready(pause.self, pause.lane)
  pause.self.receiver:nudge()
end

-- The lane's first event is to be tried again.
local function rest(self, lane, entry, seconds)
  lane.line:push_front(entry)
  lane.pause = loop.schedule(loop.now() + seconds, end_pause, { self = self, lane = lane })
end

-- ---- one event ----

-- Under load a disk fails a thousand times a second: each problem is told of now and then.
local function report_disk(self, ok, problem)
  local now = loop.now()
  if not ok and now >= (self.tell_again[problem] or 0) then
    self.tell_again[problem] = now + TELL_PAUSE
    self.receiver:report("the spool " .. self.receiver.spool .. " cannot be written: " .. problem)
  end
  return ok
end

local function settle(self, lane, entry)
  report_disk(self, self.spool:handled(entry))
  go_on(self, lane)
end

local function give_up(self, lane, entry, err)
  if report_disk(self, self.spool:put_aside(entry, handlers.text_of(err), math.floor(loop.time()))) then
    return go_on(self, lane)
  end
  return rest(self, lane, entry, TROUBLE_PAUSE)
end

local function fail(self, lane, entry, err)
  local receiver = self.receiver
  if entry.tries + 1 >= receiver.tries then
    return give_up(self, lane, entry, err)
  end
  entry.tries = entry.tries + 1
  local pause = math.min(receiver.retry_pause * PAUSE_GROWTH ^ (entry.tries - 1), math.max(PAUSE_MAX, receiver.retry_pause))
  entry.due = math.ceil(loop.time() + pause)
  report_disk(self, self.spool:failed(entry))
  return rest(self, lane, entry, pause)
end

-- Claims the event in the store. Where that is the spool's own nobody else can be at it: it is only asked, and a full disk can be worked off.
local function claim(self, entry)
  local receiver = self.receiver
  if not receiver.has_own_store then
    return receiver:ask_store(entry, "claim", receiver.timeout + direct.LEASE_MARGIN)
  end
  local ok, is_done = receiver:ask_store(entry, "is_done")
  return ok, not is_done, is_done and "done" or nil
end

local function release(self, entry, token)
  if not self.receiver.has_own_store then
    self.receiver:ask_store(entry, "release", token)
  end
end

local function run(self, lane, entry, fn)
  local receiver = self.receiver
  local ok, token, state = claim(self, entry)
  if self.is_closed then
    return
  elseif not ok or not token and state ~= "done" then
    return rest(self, lane, entry, TROUBLE_PAUSE)
  elseif not token then
    return settle(self, lane, entry)
  elseif self.is_cut_off then
    release(self, entry, token)
    return rest(self, lane, entry, TROUBLE_PAUSE)
  end
  local delivery = {
    id = entry.delivery ~= "" and entry.delivery or nil,
    attempt = entry.attempt > 0 and entry.attempt or nil,
    try = entry.tries + 1,
    received_at = entry.received_at,
    body = entry.body,
  }
  local fine, err, traceback = handlers.attempt(entry, receiver.timeout, fn, entry.event, delivery)
  if fine then
    receiver:ask_store(entry, "confirm", direct.TTL)
  else
    release(self, entry, token)
  end
  if self.is_closed then
    return -- the event is on the disk
  elseif fine then
    self.spool:redeem(entry.id)
    return settle(self, lane, entry)
  elseif self.is_cut_off then
    return rest(self, lane, entry, TROUBLE_PAUSE) -- it was not its fault
  end
  receiver:report(err, entry.event, traceback)
  return fail(self, lane, entry, err)
end

local function work(self, lane, entry)
  local event, err = self.receiver.revive(entry.body)
  local fn = event and self.receiver.handlers:pick(event.type)
  entry.event = event
  if not event then
    self.receiver:report(err)
    give_up(self, lane, entry, err)
  elseif fn then
    run(self, lane, entry, fn)
  elseif not self.is_closed then
    settle(self, lane, entry) -- it waited since before the program was changed
  end
  entry.event = nil
  self.running = self.running - 1
  self.receiver:nudge()
end

-- ---- what the receiver asks for ----

---@param receiver table  as of gitdev.webhooks.direct, and spool, parallel, tries, retry_pause, has_own_store, revive(body)
---@return table|nil
---@return gitdev.Error|nil
function deferred.new(receiver)
  local opened, err = spool.open(receiver.spool)
  if not opened then
    return nil, err
  end
  local self = setmetatable({
    receiver = receiver,
    spool = opened,
    lanes = {},
    ready = queue.new(),
    running = 0,
    accepting = {}, -- by id: the exchanges of an event that is not on the disk yet
    accepting_count = 0,
    tell_again = {}, -- by problem of the disk: when
  }, deferred)
  local now = loop.time()
  for _, entry in ipairs(opened:pending()) do
    line_up(self, entry)
    local lane = lane_of(self, entry)
    if lane.count == 1 and entry.due and entry.due > now then
      lane.line:remove(entry)
      lane.is_ready = false
      self.ready:remove(lane)
      rest(self, lane, entry, math.min(entry.due - now, PAUSE_MAX))
    end
  end
  return self
end

---Tells of what could not be read, once there is somebody to tell.
function deferred:begin()
  if self.spool.damage then
    self.receiver:report(self.spool.damage)
  end
end

local function project_of(event)
  local project = event.data.project
  return type(project) == "string" and project ~= "" and not project:find "%z" and project or nil
end

---Takes an event that was verified: it is answered when it is on the disk, by turn().
function deferred:take(exchange, event, delivery)
  local id = event.id
  if not self.receiver.handlers:pick(event.type) then
    return request.accept(exchange, 204)
  elseif self.spool.entries[id] then
    return request.accept(exchange, 202)
  elseif self.accepting[id] then
    table.insert(self.accepting[id], exchange)
    return
  elseif self:pending() >= self.receiver.queue then
    return request.refuse(exchange, "queue_full")
  end
  self.accepting[id], self.accepting_count = { exchange }, self.accepting_count + 1
  self.spool:add {
    id = id,
    delivery = delivery.id or "",
    attempt = delivery.attempt or 0,
    received_at = delivery.received_at,
    project = project_of(event),
    body = delivery.body,
  }
end

-- Puts on the disk what was taken, all at once, and answers it.
local function commit(self)
  local batch, problem = self.spool:commit()
  local accepting = self.accepting
  self.accepting, self.accepting_count = {}, 0
  for _, exchanges in pairs(accepting) do
    for _, exchange in ipairs(exchanges) do
      if batch then
        request.accept(exchange, 202)
      else
        request.refuse(exchange, "unavailable")
      end
    end
  end
  report_disk(self, batch, problem)
  for _, entry in ipairs(batch or {}) do
    line_up(self, entry)
  end
end

local sync

function sync(self)
  self.syncing = nil
  if not self.is_closed and not report_disk(self, self.spool:sync()) then
    self.syncing = loop.schedule(loop.now() + TROUBLE_PAUSE, sync, self)
  end
end

---Goes on with what there is.
function deferred:turn()
  if self.accepting_count > 0 then
    commit(self)
  end
  while self.running < self.receiver.parallel and not self.is_draining do
    local lane = self.ready:pop()
    if not lane then
      break
    end
    lane.is_ready, lane.entry = false, lane.line:pop()
    self.running = self.running + 1
    loop.spawn(work, self, lane, lane.entry)
  end
  if not self.spool.is_synced and not self.syncing then
    self.syncing = loop.schedule(loop.now() + SYNC_SECONDS, sync, self)
  end
end

---No further handler is begun: what waits stays on the disk.
function deferred:drain()
  self.is_draining = true
end

function deferred:pending()
  return self.spool.count + self.accepting_count
end

function deferred:is_idle()
  return self.running == 0
end

-- Running handlers are found by their lanes: of each, the first event is the one.
function deferred:cut_off()
  self.is_cut_off = true
  for _, lane in pairs(self.lanes) do
    if lane.entry and lane.entry.task then
      lane.entry.task:cancel()
    end
  end
end

---Makes durable what was handled, and gives up the spool.
function deferred:close()
  self.is_closed = true
  for _, exchanges in pairs(self.accepting) do
    for _, exchange in ipairs(exchanges) do
      request.refuse(exchange, "unavailable")
    end
  end
  for _, lane in pairs(self.lanes) do
    loop.unschedule(lane.pause)
  end
  loop.unschedule(self.syncing)
  self.spool:close()
end

return deferred

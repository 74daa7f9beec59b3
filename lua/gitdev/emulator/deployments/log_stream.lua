--- The streams of logs, protocol git.logs.v1 (contract 2.5), as an object without I/O. A deployment's and a job's are the same. It is
-- one side of a WebSocket, whose other end is behind a `peer`:
--   peer.send(text) -> boolean   takes a text message. False: it is full, the stream sends nothing more until `writable`
--   peer.send_binary(bytes), peer.send_raw(bytes)   a binary message; bytes as they are, past the codec
--   peer.close(code, reason)     closes; peer.abort(): cuts the connection
-- None of them calls back into the stream or the emulator, and one that is closed swallows what it is given. The transport calls
--   stream:attach(peer)          once the upgrade is answered; stream:closed() if that comes to nothing
--   stream:receive(text), stream:receive_binary(), stream:writable(), stream:closed()
local json = require "gitdev.json"
local log = require "gitdev.emulator.deployments.log"
local log_page = require "gitdev.emulator.deployments.log_page"
local machine = require "gitdev.emulator.store.machine"
local messages = require "gitdev.emulator.deployments.stream_messages"
local refusal = require "gitdev.emulator.refusal"
local right = require "gitdev.emulator.deployments.stream_right"
local stream_fault = require "gitdev.emulator.deployments.stream_fault"
local stream_request = require "gitdev.emulator.deployments.stream_request"
local tickets = require "gitdev.emulator.organization.tickets"

local HEARTBEAT_MS = 15000
local LIFE_MS = 60 * 60 * 1000

-- Lines that one stream sends before others have their turn, and how many it looks at for the price of one.
local TURN_LINES = 200
local LOOKS_PER_LINE = log.LOOKS / TURN_LINES
-- Who takes nothing for so long loses what waits for it, but for so many lines.
local SLOW_MS, SLOW_LINES = 30000, 1000

local DONE, GOING_AWAY, INTERNAL, BAD_MESSAGE, NO_PONG = 1000, 1001, 1011, 4400, 4408

local stream = {}
stream.__index = stream

-- ---- opening ----

--- What deployments.logs.stream and jobs.logs.stream do: the stream, not attached yet. `thing`: the deployment or the job, whose log `script`
-- writes (see log.lua). Raises 400, 410, 426 and 429.
local function open(call, thing, script)
  local emulator, query = call.emulator, call.query
  local protocol, after = stream_request.read(call, thing)
  local self = setmetatable({
    emulator = emulator,
    streams = emulator.streams,
    tenant = call.tenant,
    key = call.key,
    authorization = not query.ticket and call.request.headers.authorization or nil,
    requirement = call.route.requirement,
    request_id = call.id,
    thing = thing,
    protocol = protocol,
    fits = log_page.filter(query),
    cursor = emulator.cursors:numbered(log_page.binding(thing)),
    clock_ms = 0, -- of the connection: it does not move when the emulator's time is skipped
    pings = 0,
  }, stream)
  local lines = log.of(thing, script)
  self.channel = self.streams:open(self, lines, machine.is_terminal)
  local count = self.channel.count
  -- Nothing is left out silently: who comes with a cursor is told of the lines that are not kept any more. A cursor may be of a log that was longer,
  -- before another state was restored.
  self.at = after and math.min(after, count) or query.tail and count or lines:first() - 1
  self.wanted = query.tail or 0
  local follows_life = query.stage == "runtime" and thing.object == "deployment"
  self.stays = follows_life and function()
    return thing.status == "live"
  end
  local is_over = machine.is_terminal(thing) and not (self.stays and self.stays())
  self.last = (not query.follow or is_over) and count or nil
  if query.ticket then
    tickets.spend(call.tenant, query.ticket)
  end
  return self
end

-- ---- sending ----

local function clock(self)
  return self.emulator:present() - self.emulator:lead_ms()
end

--- Sends a text message.
function stream:send(text)
  if not self.peer.send(text) then
    self.full_ms = self.clock_ms
  end
  self.sent_ms = self.clock_ms
end

--- stream:message(line): the message of a line, which stream_fault sends too.
stream.message = messages.line

--- Tells that the lines up to `to_seq` are not sent, and goes on after them.
function stream:gap(to_seq, reason)
  self:send(messages.gap(self, to_seq, reason))
  self.at = to_seq
end

-- Goes back over the lines that are wanted of those before the beginning. Whether it is found.
local function find_beginning(self)
  local lines = self.channel.log
  while self.wanted > 0 do
    local line, at, looks = lines:find(self.at, lines:first(), -1, self.fits, self.looks)
    self.at, self.looks = line and at - 1 or at, looks
    if line then
      self.wanted = self.wanted - 1
    elseif at < lines:first() then
      self.at, self.wanted = lines:first() - 1, 0
    else
      return false
    end
  end
  return true
end

-- ---- the end ----

--- Is over: with a close frame, unless the code is nil.
function stream:finish(code, reason)
  if self.over then
    return
  end
  self.over, self.code, self.reason = true, code, reason
  local timers = self.streams.schedule
  self.streams.beats:cancel(self.heartbeat)
  timers:cancel(self.end_of_life)
  timers:cancel(self.end_of_right)
  self.streams:forget(self)
  if self.peer and code then
    self.peer.close(code, reason)
  end
end

-- Says what is wrong, and closes (contract 2.5).
local function fail(self, code, refused)
  self.complaint = messages.refusal(self, refused)
  if self.peer then
    self.peer.send(self.complaint)
  end
  self:finish(code, refused.code)
end

--- Cuts the connection.
function stream:abort()
  local peer = self.peer
  self:finish()
  peer.abort()
end

--- Sends nothing more, and holds the connection.
function stream:stall()
  self.stalled = true
  self.streams.beats:cancel(self.heartbeat)
  self.streams.schedule:cancel(self.end_of_life)
end

local function look_again(self)
  self:recheck()
end

--- Ends the stream if whoever opened it may not read on, else notes when that will be looked at next.
function stream:recheck()
  if self.over or self.stalled then
    return
  end
  local code, refused = right.lost(self)
  if code then
    fail(self, code, refused)
    return
  end
  local timers, ends_ms = self.streams.schedule, right.ends_ms(self)
  timers:cancel(self.end_of_right)
  self.end_of_right = ends_ms and timers:at(ends_ms, look_again, self)
end

-- ---- going on ----

-- The number of the last line that will come; nil while more may.
local function last_line(self)
  if self.last then
    return self.last
  end
  return not (self.stays and self.stays()) and self.channel.last or nil
end

-- Leaves out what is not kept any more, and what waited for one who took nothing for too long.
local function leave_gaps(self, count)
  local first = self.channel.log:first()
  if self.at < first - 1 then
    self:gap(math.min(first - 1, count), "expired")
  end
  if self.slow and self.at < count - SLOW_LINES then
    self:gap(count - SLOW_LINES, "slow_consumer")
  end
  self.slow = nil
end

-- Sends the lines up to the number `last`, as far as it is our turn and the peer takes them. Whether all of them are sent.
local function send_lines(self, last)
  local lines, fault = self.channel.log, self.fault
  while self.turn > 0 do
    if self.full_ms or self.over or self.stalled then
      return false
    elseif fault and fault:is_due(self.at) then
      fault:strike(self)
    else
      local line, reached, looks = lines:find(self.at + 1, last, 1, self.fits, self.looks)
      self.looks = looks
      if not line then
        self.at = math.max(self.at, math.min(reached - 1, last)) -- a gap may have led beyond `last`
        return reached > last and not (fault and fault:is_due(self.at))
      end
      self.at, self.turn = line.seq, self.turn - 1
      self:send(self:message(line))
      if fault then
        fault:sent(line)
      end
    end
  end
  return false
end

local function finish_well(self)
  self:send(messages.last(self))
  self:finish(DONE)
end

local set_heartbeat

-- Says hello, once it is known where the stream begins. Whether that is so.
local function begin(self)
  if not self.changed and find_beginning(self) then
    self.changed = #self.channel.changes
    self:send(messages.hello(self, HEARTBEAT_MS))
    set_heartbeat(self, self.clock_ms + HEARTBEAT_MS)
  end
  return self.changed ~= nil
end

-- Sends what there is. Whether more is to be sent at once.
local function go_on(self)
  if not begin(self) then
    return true
  end
  local channel = self.channel
  local last = last_line(self)
  local count = math.min(channel.count, last or math.huge)
  leave_gaps(self, count)
  while true do
    local change = channel.changes[self.changed + 1]
    local is_all = send_lines(self, change and math.min(change.after, count) or count)
    if not is_all or self.full_ms then
      return not (self.full_ms or self.over or self.stalled)
    elseif change and change.after <= count then
      self.changed = self.changed + 1
      self:send(messages.change(self, change))
    elseif last and self.at >= last then
      finish_well(self)
      return false
    else
      return false
    end
  end
end

--- Sends what there is, as far as it is its turn. Whether it wants another one at once, and what this one has cost, in lines.
function stream:go_on()
  if self.over or self.stalled or not self.peer or self.full_ms then
    return false, 0
  end
  self.clock_ms, self.turn, self.looks = clock(self), TURN_LINES, log.LOOKS
  local ok, result = pcall(go_on, self)
  if ok then
    return result, TURN_LINES - self.turn + (log.LOOKS - self.looks) / LOOKS_PER_LINE + 1
  elseif result == "interrupted" then
    error(result, 0)
  end
  self.emulator.options.on_error(tostring(result))
  self:finish(INTERNAL, "internal_error")
  return false, 1
end

-- ---- the heartbeat ----

function set_heartbeat(self, at_ms)
  self.heartbeat = self.streams.beats:at(at_ms + self.emulator:lead_ms(), self.beat, self)
end

local function ping(self)
  self.pings = self.pings + 1
  self.awaited, self.asked_ms = ("%d"):format(self.pings), self.clock_ms
  self:send(messages.ping(self.awaited, self.emulator.now_ms))
end

-- The silence is that of the connection: to skip time is not to be silent.
function stream.beat(self)
  self.clock_ms = clock(self)
  local now, due = self.clock_ms
  if self.awaited then
    due = self.asked_ms + HEARTBEAT_MS
    if now >= due then
      fail(self, NO_PONG, refusal.new("timeout", { message = "No pong came within 15 seconds." }))
      return
    end
  elseif self.full_ms then
    due = now + HEARTBEAT_MS
  else
    due = self.sent_ms + HEARTBEAT_MS
    if now >= due then
      ping(self)
      due = now + HEARTBEAT_MS
    end
  end
  set_heartbeat(self, due)
end

-- ---- what the transport calls ----

local function grow_old(self)
  self:finish(GOING_AWAY, "60 minutes are over: resume from the last cursor")
end

--- The upgrade was answered: `peer` takes messages from now on.
function stream:attach(peer)
  self.emulator:catch_up()
  if self.over then
    if self.complaint then
      peer.send(self.complaint)
    end
    peer.close(self.code, self.reason)
    return
  end
  self.peer, self.clock_ms = peer, clock(self)
  if self.wanted == 0 then
    begin(self)
  end
  self.end_of_life = self.streams.schedule:at(self.emulator.now_ms + LIFE_MS, grow_old, self)
  self:recheck()
  if not self.over then
    self.streams:wake(self)
  end
end

local function bad_message(self, message)
  fail(self, BAD_MESSAGE, refusal.new("parameter_invalid", { status = 400, message = message }))
end

--- A text message came.
function stream:receive(text)
  self.emulator:catch_up()
  if self.over or self.stalled then
    return
  end
  local message, is_object = json.read(text)
  if is_object ~= true or message.type ~= "pong" or type(message.id) ~= "string" then
    bad_message(self, 'A client sends nothing but {"type":"pong","id":"…"}.')
  elseif message.id == self.awaited then
    self.awaited = nil
  end
end

--- A binary message came: the protocol has none.
function stream:receive_binary()
  self.emulator:catch_up()
  if not (self.over or self.stalled) then
    bad_message(self, "A binary frame came: this protocol has none.")
  end
end

--- The peer has room again.
function stream:writable()
  self.emulator:catch_up()
  if self.full_ms and not self.over then
    self.slow = clock(self) - self.full_ms >= SLOW_MS
    self.full_ms = nil
    self.streams:wake(self)
  end
end

--- The connection is gone.
function stream:closed()
  self:finish()
end

--- Has a fault wait for its line; see stream_fault.
function stream:suffer(spec)
  self.fault = stream_fault.new(spec)
end

return { open = open }

--- The log streams of an emulator that are open: which of them something happens to, and when. They are connections, not state: no snapshot holds
-- them, and their timers stand beside the state's.
--
-- What happens to a thing (a deployment, a job, a key) is told with `stir`, in the middle of a step, that one may be gone with `notice`; `settle`
-- has the streams look at it when the step is over, and `serve` has some of them send.
local queue = require "gitdev.queue"
local schedule = require "gitdev.schedule"

-- How many streams an organization may have open at once, by its plan; the live and the test data count apart, as for the rate limit.
local LIMITS = { starter = 10, pro = 200, enterprise = 5000 }

-- What streams send, in lines, before whoever serves the emulator has its turn: a few milliseconds.
local ROUND_LINES = 400

local streams = {}
streams.__index = streams

--- The code that streams are closed with when the state behind them is another one (contract 2.5).
streams.SERVICE_RESTART = 1012

function streams.new(emulator)
  return setmetatable({
    emulator = emulator,
    schedule = schedule.new(),
    beats = schedule.new(), -- their heartbeats
    channels = {}, -- thing -> what its streams share
    by_key = {}, -- key -> a list of the streams that it opened
    counts = {}, -- tenant -> how many it has
    removed = {}, -- collection -> how many things it had lost when it was last looked at
    stirred = {}, -- things, and keys
    thinned = false, -- whether a thing that could have a stream is gone
    ready = queue.new(), -- streams that have something to send
    opened = 0,
  }, streams)
end

--- How many streams the organization of `tenant` may have open.
function streams.limit(tenant)
  return tenant.emulator.options.quotas.streams or LIMITS[tenant.organization.plan]
end

--- How many it has.
function streams:count(tenant)
  return self.counts[tenant] or 0
end

-- Tells whoever serves the emulator that there is something to do, unless it is being done just now.
local function rouse(self)
  local emulator = self.emulator
  if emulator.on_ready and not emulator.advancing then
    emulator.on_ready()
  end
end

--- Has a stream go on sending.
function streams:wake(stream)
  if not self.ready.place[stream] then
    self.ready:push(stream)
    rouse(self)
  end
end

--- Says that something about a thing or a key was changed.
function streams:stir(thing)
  if (self.channels[thing] or self.by_key[thing]) and not self.stirred[thing] then
    self.stirred[thing] = true
    self.stirred[#self.stirred + 1] = thing
    rouse(self)
  end
end

-- ---- channels ----

-- A line's time has come.
local function due(channel)
  channel.timer = nil
  channel.streams:refresh(channel)
end

--- Looks where a channel's log and its thing are, and lets its streams know.
function streams:refresh(channel)
  local now, thing, log = self.emulator.now_ms, channel.thing, channel.log
  local count, status = log:count(now), thing.status
  if status ~= channel.status then
    channel.status = status
    channel.changes[#channel.changes + 1] = { after = count, status = status, time_ms = now }
    channel.last = channel.last or channel.is_terminal(thing) and count or nil
  end
  channel.count = count
  self.schedule:cancel(channel.timer)
  local next_time = log:next_time()
  channel.timer = next_time and self.schedule:at(next_time, due, channel)
  for _, stream in ipairs(channel.members) do
    self:wake(stream)
  end
end

local function channel_of(self, thing, log, is_terminal)
  local channel = self.channels[thing]
  if not channel then
    channel = {
      streams = self,
      thing = thing,
      log = log,
      is_terminal = is_terminal,
      status = thing.status,
      changes = {}, -- of its status, since the channel is there: { after = how many lines came before it, status, time_ms }
      last = nil, -- the number of the last line that there was when the thing had ended
      members = {},
    }
    self.channels[thing] = channel
    self:refresh(channel)
    channel.last = is_terminal(thing) and channel.count or nil
  end
  return channel
end

local function remove_from(list, stream)
  for index, one in ipairs(list) do
    if one == stream then
      table.remove(list, index)
      return
    end
  end
end

--- Takes a stream in: `thing`, `key`, `tenant` of it are set. `log`: the log of its thing; is_terminal(thing): whether that has ended. Returns
-- the channel that it shares with the other streams of that log.
function streams:open(stream, log, is_terminal)
  local channel = channel_of(self, stream.thing, log, is_terminal)
  table.insert(channel.members, stream)
  self.by_key[stream.key] = self.by_key[stream.key] or {}
  table.insert(self.by_key[stream.key], stream)
  self.counts[stream.tenant] = self:count(stream.tenant) + 1
  self.opened = self.opened + 1
  stream.number = self.opened
  local things = stream.tenant.things[stream.thing.object]
  self.removed[things] = self.removed[things] or things.removed or 0
  return channel
end

--- Forgets a stream.
function streams:forget(stream)
  local channel, keyed = stream.channel, self.by_key[stream.key]
  self.ready:remove(stream)
  remove_from(channel.members, stream)
  if not channel.members[1] then
    self.schedule:cancel(channel.timer)
    self.channels[channel.thing] = nil
  end
  remove_from(keyed, stream)
  if not keyed[1] then
    self.by_key[stream.key] = nil
  end
  self.counts[stream.tenant] = self.counts[stream.tenant] - 1
end

-- ---- what the emulator asks ----

-- All streams, in the order in which they were opened: for what happens to them must be the same in every run.
local function all(self)
  local found = {}
  for _, channel in pairs(self.channels) do
    for _, stream in ipairs(channel.members) do
      found[#found + 1] = stream
    end
  end
  table.sort(found, function(a, b)
    return a.number < b.number
  end)
  return found
end

-- Looks whether a thing that could have a stream is gone. Whether one is.
local function look_for_losses(self)
  if self.opened == 0 then
    return false -- each request asks
  end
  for things, count in pairs(self.removed) do
    local lost = things.removed or 0
    self.thinned, self.removed[things] = self.thinned or lost ~= count, lost
  end
  return self.thinned
end

--- Says that things may have been removed.
function streams:notice()
  if not self.thinned and look_for_losses(self) then
    rouse(self)
  end
end

-- From the end: those that may not go on leave the list.
local function recheck(list)
  for index = #list, 1, -1 do
    list[index]:recheck()
  end
end

--- Has the streams look at what was stirred, and at what is gone.
function streams:settle()
  if look_for_losses(self) then
    self.thinned = false
    recheck(all(self))
  end
  while self.stirred[1] do
    local stirred = self.stirred
    self.stirred = {}
    for _, thing in ipairs(stirred) do
      if self.channels[thing] then
        self:refresh(self.channels[thing])
      elseif self.by_key[thing] then
        recheck(self.by_key[thing])
      end
    end
  end
end

--- Whether a stream has something to send.
function streams:are_ready()
  return next(self.ready.place) ~= nil
end

--- Has some streams send, each once at most; `next_due` says whether others wait for their turn.
function streams:serve()
  local waiting, left = self.ready.last - self.ready.first + 1, ROUND_LINES
  while waiting > 0 and left > 0 do
    local stream = self.ready:pop()
    if not stream then
      return
    end
    local more, cost = stream:go_on()
    waiting, left = waiting - 1, left - cost
    if more then
      self.ready:push(stream)
    end
  end
end

local function earliest(a, b)
  return a and b and math.min(a, b) or a or b
end

--- When there is something to do next, in epoch milliseconds; nil if there is nothing.
function streams:next_due()
  if self.stirred[1] or self.thinned or self:are_ready() then
    return self.emulator.now_ms
  end
  return earliest(self.schedule:next_due(), self.beats:next_due())
end

--- Closes all streams, with a code and the reason.
function streams:close(code, reason)
  for _, stream in ipairs(all(self)) do
    stream:finish(code, reason)
  end
end

return streams

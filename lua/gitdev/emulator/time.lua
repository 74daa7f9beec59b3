-- The methods of an emulator that have time pass: what is due happens, and streams send what they have.
local core = require "gitdev.core"

local time = {}

--- Where the clock is, in the emulator's epoch milliseconds: `now_ms` once all that is due has happened.
function time:present()
  return math.floor(self.options.clock() * 1000 + 0.5) + self:lead_ms()
end

local function sooner(timers, due, theirs)
  local at = theirs:next_due()
  if at and (not due or at < due) then
    return theirs, at
  end
  return timers, due
end

-- The schedule with the next timer, and when that is due. What happens to a thing comes before what its streams tell of it.
local function next_timer(self)
  local streams = self.streams
  local timers, due = sooner(self.schedule, self.schedule:next_due(), streams.schedule)
  return sooner(timers, due, streams.beats)
end

-- The next timer that is due at `now`, or nil. Streams send what they have before time goes on, but not before each of a thousand heartbeats: who
-- waits for an answer waits for all of it.
local function take_timer(self, now)
  local timers, due = next_timer(self)
  if not due or due > now then
    return nil
  elseif due > self.now_ms and timers ~= self.streams.beats then
    self.streams:serve()
    timers = next_timer(self)
  end
  return timers:take(now)
end

local function go_on(self)
  self.streams:settle()
  local now = math.max(self:present(), self.now_ms)
  local timer = take_timer(self, now)
  while timer do
    self.now_ms = math.max(self.now_ms, timer.due)
    timer.action(timer.subject)
    timer.action, timer.subject = nil, nil -- whoever holds it still holds no more than that
    self.streams:settle()
    timer = take_timer(self, now)
  end
  self.now_ms = now
end

--- Brings the world to the time of the clock: all that is due happens, each at its own time. A clock that steps back stops it.
--
-- Requests that the option `deliver` sends take real time, and what follows from them begins with their answers. So time that is moved ahead
-- (`skip`) goes from one thing that is due to the next, and goes no further while such a request is under way (`in_flight`, a set): what is
-- owed, `owed_ms`, follows when it is answered. Meanwhile the clock runs as ever, and nothing else waits.
function time:catch_up()
  self.advancing = true
  go_on(self)
  while self.owed_ms > 0 and not next(self.in_flight) do
    local due = self.schedule:next_due()
    local ahead = due and math.max(0, due - self:present()) or self.owed_ms
    self.owed_ms = math.max(0, self.owed_ms - ahead)
    go_on(self)
  end
  self.advancing = false
end

--- Catches up, and has log streams send some of what they have to: more may be due at once.
function time:advance()
  self:catch_up()
  self.streams:serve()
end

--- When the next thing happens by itself: a time of the clock (Unix seconds), or nil.
function time:next_due()
  local due, streams_due = self.schedule:next_due(), self.streams:next_due()
  if streams_due and (not due or streams_due < due) then
    due = streams_due
  end
  return due and (due - self:lead_ms()) / 1000
end

--- How far the emulator's time is ahead of the clock.
function time:lead_ms()
  return self.skipped_ms - self.owed_ms
end

--- Moves the emulator's time ahead of the clock by so many milliseconds more. Returns how many are still to come, see `catch_up`: 0 but where
-- requests that `deliver` has sent are awaited.
function time:skip(ms)
  self.skipped_ms = self.skipped_ms + math.floor(ms)
  self.owed_ms = self.owed_ms + math.floor(ms)
  self:advance()
  self:rouse()
  return self.owed_ms
end

--- The emulator's time in whole Unix seconds.
function time:seconds()
  return math.floor(self.now_ms / 1000)
end

--- The emulator's time as an HTTP date.
function time:date()
  local seconds = self:seconds()
  if self.dated ~= seconds then
    self.dated, self.date_text = seconds, core.date(seconds)
  end
  return self.date_text
end

return time

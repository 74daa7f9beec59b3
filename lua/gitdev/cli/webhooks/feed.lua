--- The events of an organization, as they happen: each once, by asking for the list again and again (contract 2.13).
--
-- The list is asked for from a little before the newest event that is known, the oldest first, through all its pages; what is known of that time is
-- left out. So an event of the same second, one that is made while pages are turned, and one that is listed a moment late, are all taken, once.
-- Now and then it is asked for from long before, for one that is listed later still. When so much time has passed since the newest came that nothing
-- can be late any more, the list is asked for from that event on.
-- All times are those of events: the clock of this machine, which may differ, has no say.
local feed = {}
feed.__index = feed

-- Seconds before the newest event from which each look asks; and from which one look a minute does, since what comes again each time costs requests.
local NEAR, FAR, FAR_EVERY = 10, 300, 60
local PAGE = 100

--- Seconds by which an event may be listed later than its time says.
feed.OVERLAP = FAR

local function is_wanted(self, kind)
  for _, wanted in ipairs(self.types) do
    local family = wanted:match "^(.*)%*$"
    if wanted == kind or family and kind:sub(1, #family) == family then
      return true
    end
  end
  return false
end

--- Makes a feed. `options`: events, a call space with `list` and `each`; types, what is wanted (types, families, "*"); project; since, Unix seconds
-- from which on events are taken (nil: those that come from now on); seen, a map of ids that are known already, to their times; resumes: `since` and
-- `seen` are where another feed was; now, a function that returns the seconds of a clock that never steps. `calls` of the feed says how many
-- requests the last look took.
function feed.new(options)
  return setmetatable({
    now = options.now,
    reached = options.now(),
    calls = 0,
    events = options.events,
    types = options.types,
    type = #options.types == 1 and options.types[1] ~= "*" and options.types[1] or nil,
    project = options.project,
    at = options.since,
    floors = { [NEAR] = options.since or 0, [FAR] = options.since or 0 }, -- times before which a look of either kind does not ask
    far_due = options.now() + FAR_EVERY,
    seen = options.seen or {},
    resumes = options.resumes,
    known = {}, -- ids that begin() found, and left out
    listed = false, -- whether the last look found anything
  }, feed)
end

local function params(self, more)
  more.type, more.project = self.type, self.project
  return more
end

local function each_since(self, time)
  return self.events:each(params(self, { since = time, order = "asc", limit = PAGE }))
end

-- Goes on at a time, with nothing behind it that is known to be settled.
local function start_at(self, time)
  self.at, self.floors[NEAR], self.floors[FAR] = time, 0, 0
end

-- Knows all that is there, up to what is now its newest event.
local function know(self)
  local newest = self.events:list(params(self, { limit = 1 })).data[1]
  start_at(self, newest and newest.timestamp or 0)
  if not newest then
    return
  end
  for event in each_since(self, math.max(0, self.at - FAR)) do
    self.seen[event.id], self.known[event.id] = event.timestamp, event.timestamp
    if event.id == newest.id then
      break
    end
  end
end

-- Whether the API has not come to the time of `at`: nothing at all has happened since. So it is where it began anew, as an emulator does.
local function is_behind(self)
  local newest = self.events:list({ limit = 1 }).data[1]
  return not newest or newest.timestamp < self.at
end

--- Finds out where to begin, before anything else. Raises what the calls raise. A time that the API has not come to is now, or if another feed was
-- there, the beginning of what is another API now.
function feed:begin()
  if self.at and is_behind(self) then
    start_at(self, self.resumes and 0 or nil)
  end
  if not self.at then
    know(self)
  end
end

-- The time from which on a look asks that goes back by `overlap`.
local function first_time(self, overlap)
  return math.max(self.floors[overlap], self.at - overlap)
end

-- How far back a look that begins now asks. It may have no room for all that it finds: what it leaves is not asked for at once, as far looks alone
-- would not come to what is new.
local function overlap_of(self, now)
  if now < self.far_due then
    return NEAR
  end
  self.far_due = now + FAR_EVERY
  return FAR
end

-- After a look through all of the list, that began at `began`: what cannot be late any more is not asked for again.
local function settle(self, overlap, began)
  for _, one in ipairs { NEAR, FAR } do
    if one <= overlap and began - self.reached > one then
      self.floors[one] = self.at
    end
  end
end

local function forget(self)
  for id, at in pairs(self.seen) do
    if at < first_time(self, FAR) then
      self.seen[id] = nil
    end
  end
end

-- Notes an event; returns whether it is new, and wanted.
local function take_new(self, event)
  if self.seen[event.id] then
    return false
  end
  self.seen[event.id] = event.timestamp
  if event.timestamp > self.at then
    self.at, self.reached = event.timestamp, self.now()
  end
  return is_wanted(self, event.type)
end

--- Asks once. Each new event that is wanted is given to take(event), in the order of the list; at most `room` of them, the next time brings the rest.
-- Raises what the calls raise; what was taken before is taken. Returns how many were new.
function feed:poll(take, room)
  local count, listed, began = 0, 0, self.now()
  local overlap = overlap_of(self, began)
  for event in each_since(self, first_time(self, overlap)) do
    listed = listed + 1
    if count == room then
      break
    elseif take_new(self, event) then
      count = count + 1
      take(event)
    end
  end
  self.calls = math.floor(listed / PAGE) + 1
  if count ~= room then
    settle(self, overlap, began)
  end
  if listed == 0 and self.listed and is_behind(self) then
    -- The newest event is gone: the API has begun anew. All that it will have is new.
    start_at(self, 0)
    self.seen = {}
  end
  self.listed = listed > 0
  forget(self)
  return count
end

return feed

--- `gitdev webhooks listen`: forwards events to a receiver on this machine, as they happen.
local arguments = require "gitdev.cli.arguments"
local core = require "gitdev.core"
local delivery = require "gitdev.cli.webhooks.delivery"
local exit_code = require "gitdev.cli.exit_code"
local feed = require "gitdev.cli.webhooks.feed"
local loop = require "gitdev.loop"
local record = require "gitdev.cli.webhooks.record"
local report = require "gitdev.cli.report"
local task = require "gitdev.task"

-- Seconds before each attempt, after the one before.
local SCHEDULE = { 0, 1, 5, 15, 60 }
local RETRY_AFTER_MAX = 60
local PARALLEL = 10
-- So many events are taken at once, and so many may wait here before more are asked for.
local TAKEN_MAX, WAITING_MAX = 1000, 1000
-- Seconds between two looks: while there is news, at most, and after a failure, at most.
local PAUSE, IDLE, OUTAGE = 1, 5, 30
-- No more than this share of the rate limit is spent on looking.
local SHARE = 0.25

local UNITS = { s = 1, m = 60, h = 3600, d = 86400 }

-- "10m", or Unix seconds.
local function read_since(text)
  local count, unit = text:match "^(%d+)([smhd]?)$"
  if not count or #count > 10 then
    return nil
  end
  return unit == "" and tonumber(count) or math.max(0, math.floor(loop.time()) - tonumber(count) * UNITS[unit])
end

local function read_types(text)
  local types = {}
  for one in text:gmatch "[^,%s]+" do
    types[#types + 1] = one
  end
  return types[1] and types or nil
end

local listen = {
  summary = "forward events to a receiver of yours, as they happen",
  usage = "listen --forward-to URL [options]",
  doc = {
    "Asks the API for new events and sends each to URL as the platform would: signed, with the same",
    "headers. One that is not accepted is sent again after 1 s, 5 s, 15 s and 60 s, while others go on;",
    "later if Retry-After says so, but after 60 s at most, and not after a 410. Events of one project are",
    "first sent in their order, one after another; what is sent again may come later. At most 10 are",
    "under way. It runs until it is interrupted. Your receiver verifies with the secret that",
    "--print-secret prints: it is the same in every run with the same API key.",
  },
  options = {
    { name = "forward-to", read = arguments.text, takes = "URL", doc = "the receiver, such as http://localhost:3000/hooks" },
    { name = "events", read = read_types, takes = "LIST", doc = "types and families to forward: a.completed,b.* (default: all)" },
    { name = "project", read = arguments.text, takes = "P", doc = "only events of this project, by slug or id" },
    { name = "since", read = read_since, takes = "WHEN", doc = "also events since then: 10m, 2h, 3d, or Unix seconds" },
    { name = "secret", read = arguments.text, takes = "S", doc = "sign with this (default: GIT_WEBHOOK_SECRET, or one of its own)" },
    { name = "print-secret", value = true, doc = "print the secret that events are signed with, and end" },
    { name = "record", read = arguments.text, takes = "FILE", doc = "add a line of JSON for each event; a next listen goes on there" },
    { name = "ca-file", sets = "ca_file", read = arguments.text, takes = "FILE", doc = "trust these certificates at URL" },
  },
  exit_codes = {
    exit_code.OK, { exit_code.ERROR, "the record cannot be written, or any other error" }, exit_code.USAGE,
    { exit_code.NOT_FOUND, "no such project" }, exit_code.NOT_ALLOWED, exit_code.RATE_LIMITED,
    { exit_code.NETWORK, "the API cannot be reached or trusted at the beginning" }, exit_code.TIMED_OUT, exit_code.SERVER,
    { exit_code.INTERRUPTED, "interrupted: how it ends (143 by SIGTERM)" },
  },
}

-- ---- one event ----

-- What cannot be shown is forwarded all the same.
local function show(self, text)
  local ok, problem = io.stdout:write(text)
  if ok then
    ok, problem = io.stdout:flush()
  end
  if not ok and not self.mute then
    report.say("stdout cannot be written: %s", problem)
  end
  self.mute = not ok
end

local function show_event(self, event, text)
  show(self, delivery.line(event, text))
end

-- The seconds that a receiver asks for: a number of them, or a date.
local function retry_after(answer)
  local asked = (answer.status == 429 or answer.status == 503) and delivery.header(answer, "retry-after") or ""
  local date = core.read_date(asked)
  return asked:find "^%d+$" and tonumber(asked) or date and date - math.floor(loop.time()) or 0
end

-- Seconds until the next attempt; nil when there is none.
local function pause_of(number, answer)
  local pause = answer.status ~= 410 and SCHEDULE[number + 1] or nil
  return pause and math.max(pause, math.min(RETRY_AFTER_MAX, retry_after(answer)))
end

-- The time before which all events have ended that were taken, and will be: a restart looks back as far as one may be listed late.
local function through(self)
  local oldest = self.feed.at - feed.OVERLAP
  for event in pairs(self.open) do
    oldest = math.min(oldest, event.timestamp)
  end
  return math.max(self.began, oldest)
end

local function finish(self, event, number, answer)
  self.open[event], self.waiting = nil, self.waiting - 1
  if self.record then
    self.record:add(event, self.target.url, number, answer, through(self))
  end
end

-- Waits for one of the places of those that are under way.
local function enter(self)
  while self.under_way >= PARALLEL do
    local me = loop.current()
    table.insert(self.doors, me)
    task.park(me, function() end)
  end
  self.under_way = self.under_way + 1
end

local function leave(self)
  self.under_way = self.under_way - 1
  local first = table.remove(self.doors, 1)
  if first then
    task.wake(first)
  end
end

-- One attempt. Returns the seconds until the next, nil if there is none.
local function attempt(self, event, number)
  enter(self)
  local answer = delivery.send(self.target, event, number)
  leave(self)
  local text = delivery.describe(answer)
  if delivery.is_accepted(answer) then
    show_event(self, event, text)
    finish(self, event, number, answer)
    return nil
  end
  local pause = pause_of(number, answer)
  if pause then
    show_event(self, event, ("%s; again in %d s (attempt %d of %d)"):format(text, pause, number, #SCHEDULE))
  else
    show_event(self, event, ("%s; given up after attempt %d"):format(text, number))
    finish(self, event, number, answer)
  end
  return pause
end

local function repeat_attempts(self, event, pause)
  local number = 1
  while pause do
    loop.sleep(pause)
    number = number + 1
    pause = attempt(self, event, number)
  end
end

-- The events of one project, one after another.
local function serve_lane(self, key, lane)
  while lane[1] do
    local event = table.remove(lane, 1)
    local pause = attempt(self, event, 1)
    if pause then
      loop.spawn(repeat_attempts, self, event, pause)
    end
  end
  self.lanes[key] = nil
end

local function take(self, made)
  local event, key = record.event(made), made.data.project or ""
  self.open[event], self.waiting = true, self.waiting + 1
  local lane = self.lanes[key]
  if lane then
    lane[#lane + 1] = event
  else
    lane = { event }
    self.lanes[key] = lane
    loop.spawn(serve_lane, self, key, lane)
  end
end

-- ---- all events ----

-- What passes by itself: the API cannot be reached, fails, or asks to wait.
local PASSING = { connection_error = true, timeout_error = true, api_error = true, rate_limit_error = true, response_error = true }

-- Asks once. Returns how many were new; nil when the API cannot be asked at present, which is said once for each reason.
local function look(self)
  local ok, count = pcall(self.feed.poll, self.feed, function(event)
    take(self, event)
  end, TAKEN_MAX)
  if ok then
    if self.outage then
      report.say "webhooks: the API answers again"
    end
    self.outage = nil
    return count
  elseif not (type(count) == "table" and PASSING[count.type]) then
    error(count, 0)
  end
  local reason = count.code or count.type
  if self.outage ~= reason then
    report.say("webhooks: %s; trying again, nothing is lost", tostring(count))
  end
  self.outage = reason
  return nil
end

-- Seconds until the next look: short while there is news, and never more often than the rate limit has room for.
local function pause_after(self, count)
  local per_minute = self.git:rate_limit().per_minute
  local least = per_minute and 60 / per_minute / SHARE * self.feed.calls or PAUSE
  if count == nil then
    self.pause = math.min(OUTAGE, self.pause * 2)
  else
    self.pause = count > 0 and PAUSE or math.min(IDLE, self.pause * 1.5)
  end
  return math.max(least, self.pause)
end

local function follow(self)
  while true do
    local pause = pause_after(self, look(self))
    loop.sleep(pause)
    while self.waiting > WAITING_MAX do
      loop.sleep(PAUSE)
    end
  end
end

-- ---- beginning ----

-- Where to begin: where it was said, or where the record ends.
local function open_record(self, settings)
  if not settings.record then
    return settings.since, nil, false
  end
  local kept, problem
  self.record, kept, problem = record.open(settings.record)
  if not self.record then
    error(problem, 0)
  end
  return settings.since or kept.through, kept.known, not settings.since and kept.through ~= nil
end

local function greet(self, settings)
  local what = settings.events and table.concat(settings.events, ", ") or "All events"
  show(self, ("%s%s go to %s, signed with %s (--print-secret prints it)\n"):format(what,
    settings.project and " of " .. settings.project or "", self.target.url, delivery.hint(self.target.secret)))
end

-- To find out where to begin must succeed: what is wrong with the key or the options shows here.
local function begin(self)
  self.feed:begin()
  self.began = self.feed.at
  if self.record and not self.feed.resumes then
    self.record:begin(self.began, self.feed.known)
  end
end

-- A project that is not there has no events, and the list says no more than that. A key that may not read projects is left in the dark.
local function check_project(git, project)
  local ok, err = pcall(function()
    return git.projects:get(project)
  end)
  if not ok and not (type(err) == "table" and err.type == "permission_error") then
    error(err, 0)
  end
end

local function run(settings, target)
  local git = require("gitdev").client()
  if settings.project then
    check_project(git, settings.project)
  end
  local self = {
    git = git, target = target, open = {}, waiting = 0, under_way = 0, doors = {}, lanes = {}, pause = PAUSE,
  }
  local since, seen, resumes = open_record(self, settings)
  self.feed = feed.new {
    events = git.events, types = settings.events or { "*" }, project = settings.project, since = since, seen = seen, resumes = resumes,
    now = loop.now,
  }
  begin(self)
  greet(self, settings)
  follow(self)
end

local function unknown_type(types)
  local subscription = require "gitdev.emulator.webhooks.subscription"
  for _, one in ipairs(types) do
    if not subscription.is_known(one) then
      local near = require("gitdev.nearest").of(one, subscription.names())
      return ("--events: there is no type or family '%s'%s"):format(one, near and (": did you mean '%s'?"):format(near) or "")
    end
  end
  return nil
end

--- Carries the command out, in a task. Returns the exit code, or nil and what is wrong with how it was called.
function listen.run(settings, words)
  if words[1] then
    return nil, ("unknown argument '%s'"):format(words[1])
  end
  if settings["print-secret"] then
    local secret, problem = delivery.secret(settings.secret)
    return secret and report.print(secret .. "\n"), problem
  elseif not settings["forward-to"] then
    return nil, "say where to, with --forward-to URL"
  end
  local problem = settings.events and unknown_type(settings.events)
  local target
  if not problem then
    target, problem = delivery.target(settings["forward-to"], settings)
  end
  if not target then
    return nil, problem
  end
  return run(settings, target)
end

return listen

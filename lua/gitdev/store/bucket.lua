-- One rate limit for many (contract 1.11): what a store does when a member of a fleet comes to it. The rule is one text, in what Lua 5.1 has:
-- the stores of this library run it here, and the one over Redis runs the same text on the server. It has no clock, and no state but a string.
--
--   bucket.take(packed, report, now) -> grant, packed
--       packed   the state as the last visit left it: a string without NUL and newline, or nil. One that cannot be read counts as none
--       report   what a member tells, and asks for: see below
--       now      seconds of the store's clock; it may stand still, and step back
--   bucket.TEXT    a chunk that returns that function; it uses string, math, table, tonumber and ipairs alone
--   bucket.KEEP    seconds after its last visit for which a state is worth keeping
--
--   report: member      who it is, for as long as it lives
--           visit       a number that grows with each: who has not heard what came of a visit may repeat it
--           wanted      tokens wanted now, or by the time that the answer is there
--           flying      its requests under way, and tokens that it has in hand
--           returned    tokens that it was granted and has not used: nobody will
--           answered, refused    answers since its last report; those of them that were 429
--           remaining, age       what the latest answer said is left; seconds since its request left. nil: there was none
--           paused_for           a 429 was met: seconds for which nobody is to send. nil: none was
--           per_minute, burst    the limits, as far as it knows them
--           asked       1: they are fresh from GET /rate_limit, and so are remaining and age
--           unreadable  1: GET /rate_limit does not tell them
--   grant:  granted     tokens: so many requests may be sent, soon
--           wait        seconds after which to come for the rest. nil: when more are wanted
--           paused_for  seconds for which nobody is to send. nil: none
--           per_minute, burst    the limits. nil: nobody knows them
--           ask         1: ask GET /rate_limit, which is free, and come again with what it says
--           alone       seconds for which each is to pace itself, as if there was no store: the limits cannot be read
--
-- A report that is lost, a grant that is, or a visit that is repeated, costs tokens and never makes any.
--
-- The mirror of the server's bucket never shows more than the server has, as long as nobody but the fleet spends: a token is taken here when it
-- is granted, there when the request arrives, so the mirror fills up to the capacity less what may be on its way. That is what the members say
-- is under way; but a request that is answered late arrived long ago, so it is no more than what was granted in the last second or so.
--
-- Who cannot have what it wants is given a place in the line, and told when its turn will be: tokens of those before it are not given away, and
-- each visits once for what it gets. Who does not come to its turn loses it.
local compat = require "gitdev.compat"

local bucket = { KEEP = 3600 }

bucket.TEXT = [==[
local WINDOW = 0.75 -- seconds: what was granted in the last one to two windows may be on its way
local HEARD = 2 * WINDOW -- for so long a member's word of what is under way is taken
local KNOWN = 3 -- seconds for which a member's latest visit is remembered: one may be repeated, or come late
local GRACE = 1 -- seconds after its turn for which a place is kept
local SPREAD = 0.05 -- seconds of refill that are given at a turn: 20 visits a second for the fastest plan
local LOOK = 0.1 -- seconds after which to see whether the limits have become known
local LOOK_MAX = 60 -- seconds between two looks of one in the line
local ASK_MAX, ASK_AGAIN = 5, 600 -- who is to ask has so long; plans change
local DOUBT = 10 -- seconds for which limits that were asked for are not in doubt, whatever speaks against them
local ALONE = 60 -- seconds
local PAUSE_MAX = 60 -- seconds; a member believes no longer one either
local NUMBER_MAX = 1e6 -- in a report; visits begin again at 1 behind it
local EARLY = 0.001 -- seconds: who comes that much late finds its tokens there, however clocks are rounded
local STEP = 1 -- a clock that goes back by more has been set; by less, it is another's
local MARGIN = 0.998 -- of the refill that is counted on: two clocks never go alike
-- Of the refill, what is taken to be the fleet's: less after a refusal, more with each answer, as in a client's own pace.
local SHARE_LESS, SHARE_MORE, SHARE_MIN = 0.7, 0.005, 0.05
local TINY = 1e-6

local FIELDS = {
  "tokens", "at", "per_minute", "burst", "share", "paused_until", "serial", "asked_at", "learned_at", "unreadable_until",
  "opened", "fresh", "stale",
}
local REPORTED = {
  "visit", "wanted", "flying", "returned", "answered", "refused", "remaining", "age", "paused_for", "per_minute", "burst", "asked", "unreadable",
}

-- ---- the state as a string ----

local function new_state(now)
  return {
    tokens = 0, at = now, per_minute = 0, burst = 0, -- 0: not known
    share = 1, paused_until = 0, serial = 0, -- of places in the line
    asked_at = -1e9, learned_at = -1e9, unreadable_until = 0,
    opened = now, fresh = 0, stale = 0, -- the windows: when the latest was opened, and what was granted in it and in the one before
    members = {},
  }
end

local function read_numbers(text, names, into)
  local at = 0
  for word in text:gmatch "%S+" do
    at = at + 1
    local number = tonumber(word)
    if not names[at] or not number or number ~= number then
      return nil
    end
    into[names[at]] = number
  end
  return at == #names and into or nil
end

-- A member: its id, its latest visit, when that was, requests under way, its place in the line, tokens kept for it there, until when.
local MEMBER = "%s %d %.6f %d %d %d %.6f"
local A_MEMBER = ";(%S+) (%S+) (%S+) (%S+) (%S+) (%S+) ([^;%s]+)"

local function read_member(id, visit, heard, flying, place, kept, come_by)
  local member = {
    id = id, visit = tonumber(visit), heard = tonumber(heard), flying = tonumber(flying),
    place = tonumber(place), kept = tonumber(kept), come_by = tonumber(come_by),
  }
  local is_whole = member.visit and member.heard and member.flying and member.place and member.kept and member.come_by
  return is_whole and member or nil
end

local function unpack_state(packed, now)
  local head, rest = (packed or ""):match "^1 ([^;]*)(.*)$"
  local state = head and read_numbers(head, FIELDS, { members = {} })
  if not state then
    return new_state(now)
  end
  local members = state.members
  for id, visit, heard, flying, place, kept, come_by in rest:gmatch(A_MEMBER) do
    members[#members + 1] = read_member(id, visit, heard, flying, place, kept, come_by)
  end
  return state
end

local function write_numbers(from, names)
  local words = {}
  for at, name in ipairs(names) do
    local number = from[name]
    words[at] = (number % 1 == 0 and "%d" or "%.6f"):format(number)
  end
  return table.concat(words, " ")
end

local function pack_state(state)
  local parts = { "1 " .. write_numbers(state, FIELDS) }
  for _, member in ipairs(state.members) do
    parts[#parts + 1] = MEMBER:format(member.id, member.visit, member.heard, member.flying, member.place, member.kept, member.come_by)
  end
  return table.concat(parts, ";")
end

-- ---- time ----

local function our_rate(state)
  return state.per_minute / 60 * state.share * MARGIN
end

-- What may have been granted and not have reached the server yet.
local function on_the_way(state, now)
  local flying = 0
  for _, member in ipairs(state.members) do
    if member.heard > now - HEARD then
      flying = flying + member.flying
    end
  end
  return math.min(flying, state.fresh + state.stale)
end

local function open_window(state, now)
  local age = now - state.opened
  if age >= WINDOW then
    state.stale = age < 2 * WINDOW and state.fresh or 0
    state.fresh, state.opened = 0, now
  end
end

-- All that lies ahead of a clock that has been set back is brought to it.
local function set_back(state, now)
  state.at, state.opened = now, now
  state.asked_at, state.learned_at = math.min(state.asked_at, now), math.min(state.learned_at, now)
  state.paused_until, state.unreadable_until = math.min(state.paused_until, now + 1), math.min(state.unreadable_until, now)
  for _, member in ipairs(state.members) do
    member.heard, member.come_by = math.min(member.heard, now), math.min(member.come_by, now + GRACE)
  end
end

local function refill(state, now)
  local passed = now - state.at
  if passed < -STEP then
    set_back(state, now)
  elseif passed > 0 then
    local room = state.burst - on_the_way(state, now)
    state.tokens = math.max(state.tokens, math.min(state.tokens + our_rate(state) * passed, room))
    state.at = now
    open_window(state, now)
  end
end

-- ---- members ----

-- Forgets those who do not matter any more. Returns the one that visits.
local function muster(state, id, now)
  local kept, visitor = {}, nil
  for _, member in ipairs(state.members) do
    if member.come_by < now then
      member.kept = 0
    end
    if member.id == id then
      visitor = member
    elseif member.kept > 0 or member.heard > now - KNOWN then
      kept[#kept + 1] = member
    end
  end
  visitor = visitor or { id = id, visit = 0, heard = now, flying = 0, place = 0, kept = 0, come_by = 0 }
  kept[#kept + 1] = visitor
  state.members = kept
  return visitor
end

-- Tokens that are kept for others: for those before a place in the line, and for all.
local function kept_for_others(state, visitor)
  local before, all = 0, 0
  for _, member in ipairs(state.members) do
    if member ~= visitor then
      all = all + member.kept
      before = before + (member.place < visitor.place and member.kept or 0)
    end
  end
  return visitor.kept > 0 and before or all, all
end

-- How many visits a report is behind the latest of its member: 0 when that is repeated. Nil when it is a new one.
local function visits_behind(visitor, report, now)
  local behind = (visitor.visit - report.visit) % NUMBER_MAX
  local is_known = visitor.visit > 0 and report.visit > 0 and visitor.heard > now - KNOWN
  return is_known and behind < NUMBER_MAX / 2 and behind or nil
end

-- ---- what a report tells ----

-- A report as the rest may take it, whoever has sent it: what there must be is there, and all of it within reason.
local function clean(given)
  local report = { member = given.member, visit = 0, wanted = 0, flying = 0, returned = 0, answered = 0, refused = 0 }
  for _, name in ipairs(REPORTED) do
    local number = tonumber(given[name])
    if number and number == number then
      report[name] = math.max(0, math.min(number, NUMBER_MAX))
    end
  end
  report.visit, report.wanted, report.flying = math.floor(report.visit), math.floor(report.wanted), math.floor(report.flying)
  return report
end

local function hear_limits(state, report, now)
  local per_minute, burst = report.per_minute or 0, report.burst or 0
  if report.unreadable then
    state.unreadable_until = now + ALONE
  end
  if per_minute == 0 or burst < 1 then
    return
  end
  local is_news = math.abs(per_minute - state.per_minute) + math.abs(burst - state.burst) > TINY
  if state.per_minute > 0 and not report.asked then
    return
  elseif is_news then
    -- Only what was asked for just now says how much is there: else it is as if nothing was.
    local flying = math.max(report.flying, on_the_way(state, now))
    state.tokens, state.share = report.asked and math.min(report.remaining or 0, burst) - flying or 0, 1
  end
  state.per_minute, state.burst = per_minute, burst
  state.learned_at = report.asked and now or state.learned_at
end

-- A refusal, or more left than there can be: the plan may be another by now. Who wants something next is to ask.
local function doubt(state, now)
  if now > state.learned_at + DOUBT then
    state.learned_at = -1e9
  end
end

-- There was no token, and there will be one when the pause ends. What is on its way may want it too; each that is refused as well gives back
-- the token that it did not cost.
local function hear_pause(state, pause, now)
  if now >= state.paused_until then
    state.share = math.max(state.share * SHARE_LESS, SHARE_MIN)
  end
  state.tokens = math.min(state.tokens, math.min(0, 1 - our_rate(state) * pause) - on_the_way(state, now))
  state.paused_until = math.max(state.paused_until, now + pause)
end

local function hear(state, visitor, report, now)
  hear_limits(state, report, now)
  if visits_behind(visitor, report, now) then
    report.returned, report.answered, report.refused, report.paused_for = 0, 0, 0, nil -- it has been heard
  end
  visitor.visit, visitor.flying, visitor.heard = report.visit, report.flying, now
  state.share = math.min(state.share + SHARE_MORE * report.answered, 1)
  local room = state.burst - on_the_way(state, now)
  state.tokens = math.max(state.tokens, math.min(state.tokens + report.returned + report.refused, room))
  local remaining = report.remaining
  if report.paused_for then
    hear_pause(state, math.min(report.paused_for, PAUSE_MAX), now)
  end
  if report.paused_for or state.per_minute > 0 and (remaining or 0) > state.burst then
    doubt(state, now)
  end
  -- More than the server can have: others spend too.
  if remaining and state.tokens > remaining + 1 + state.per_minute / 60 * (report.age or 0) then
    state.tokens = remaining - on_the_way(state, now)
  end
end

-- ---- what it is granted ----

local function should_ask(state, report, now)
  local due = state.per_minute == 0 or now > state.learned_at + ASK_AGAIN
  if not due or report.wanted < 1 or now < state.asked_at + ASK_MAX then
    return nil
  end
  state.asked_at = now
  return 1
end

local function take_place(state, visitor, wanted, ahead, now)
  local rate = our_rate(state)
  if visitor.kept == 0 then
    state.serial = state.serial + 1
    visitor.place = state.serial
  end
  visitor.kept = math.min(wanted, math.max(visitor.kept, 1, math.floor(state.per_minute / 60 * SPREAD)))
  local wait = math.max((ahead + visitor.kept - state.tokens) / rate, state.paused_until - now, 0) + EARLY
  visitor.come_by = now + wait + GRACE
  -- Those before it may leave the line: it is to have a look before the bucket can have run over.
  return math.min(wait, math.max(state.paused_until - now, 0) + math.min(math.max(1, state.burst / rate / 2), LOOK_MAX))
end

local function share_out(state, visitor, wanted, now)
  local ahead, others = kept_for_others(state, visitor)
  local granted = 0
  if now >= state.paused_until then
    local turn = math.min(visitor.kept, math.floor(state.tokens - ahead + TINY))
    granted = math.max(0, math.min(wanted, math.max(turn, math.floor(state.tokens - others + TINY))))
  end
  state.tokens = state.tokens - granted
  state.fresh = state.fresh + granted
  visitor.flying = visitor.flying + granted
  if granted > 0 or wanted == 0 then
    visitor.kept = 0
  end
  return granted, wanted > granted and take_place(state, visitor, wanted - granted, visitor.kept > 0 and ahead or others, now) or nil
end

return function(packed, given, now)
  local state, report = unpack_state(packed, now), clean(given)
  local visitor = muster(state, report.member, now)
  refill(state, now)
  if (visits_behind(visitor, report, now) or 0) > 0 then
    return { granted = 0, wait = LOOK }, pack_state(state) -- held up on its way: nobody waits for what comes of it
  end
  hear(state, visitor, report, now)
  local grant = { granted = 0, ask = should_ask(state, report, now) }
  if state.per_minute > 0 then
    grant.granted, grant.wait = share_out(state, visitor, report.wanted, now)
    grant.per_minute, grant.burst = state.per_minute, state.burst
  elseif state.unreadable_until > now then
    grant.alone = state.unreadable_until - now
  else
    grant.wait = LOOK
  end
  grant.paused_for = state.paused_until > now and state.paused_until - now or nil
  return grant, pack_state(state)
end
]==]

bucket.take = assert(compat.load(bucket.TEXT, "=gitdev.store.bucket"))()

return bucket

-- The rule of a shared rate limit (contract 1.11), against a server's bucket, in simulated time: whatever trips and clocks do, a fleet gets no
-- refusal from a bucket that is its own, and all but all of the plan.
local bucket = require "gitdev.store.bucket"
local compat = require "gitdev.compat"
local limits = require "gitdev.api.limits"
local schedule = require "gitdev.schedule"

-- Uniform in [0, 1), the same under each Lua.
local function generator(seed)
  local state = seed
  return function()
    state = (state * 16807) % 2147483647
    return state / 2147483647
  end
end

-- ---- a world: a server's bucket, a store, members with more to send than they may ----

local world = {}
world.__index = world

local function new_world(options)
  local plan = limits.plans[options.plan]
  return setmetatable({
    now = 0,
    timers = schedule.new(),
    random = generator(options.seed or 1),
    rate = plan.per_minute / 60,
    burst = plan.burst,
    tokens = plan.burst, -- the server's
    at = 0,
    options = options,
    sent = 0,
    refused = 0,
    visits = 0,
    members = 0,
  }, world)
end

-- A trip of a request or an answer: about half the latency, seldom much more.
function world:trip()
  local latency = self.options.latency or 0.1
  return latency / 2 * (0.5 + self.random() + (self.random() < 0.02 and 3 or 0))
end

-- The server: whether it takes a request, and what it says is left.
function world:serve()
  self.tokens = math.min(self.burst, self.tokens + (self.now - self.at) * self.rate)
  self.at = self.now
  if self.tokens < 1 then
    self.refused = self.refused + 1
    return false, 0
  end
  self.tokens = self.tokens - 1
  self.sent = self.sent + 1
  return true, math.floor(self.tokens)
end

-- The store's clock is the world's, but for what the test does to it.
function world:visit(report)
  self.visits = self.visits + 1
  local clock = self.options.clock
  local grant
  grant, self.packed = bucket.take(self.packed, report, clock and clock(self.now) or 1.7e9 + self.now)
  return grant
end

function world:after(seconds, action, subject)
  self.timers:at(self.now + seconds, action, subject)
end

function world:run(seconds)
  local till = self.now + seconds
  while self.timers:next_due() and self.timers:next_due() <= till do
    self.now = self.timers:next_due()
    local timer = self.timers:take(self.now)
    timer.action(timer.subject)
  end
  self.now = till
end

-- ---- a member: visits when it has nothing in hand, and sends at once ----

local member = {}
member.__index = member

local function answered(arrival)
  local self = arrival.member
  self.flying = self.flying - 1
  self.answers = self.answers + 1
  self.remaining, self.asked_at = arrival.left, arrival.sent_at
  if not arrival.ok then
    self.refusals = self.refusals + 1
    self.paused_until = self.world.now + 1
    self.demand = self.demand + 1
  end
  self:look()
end

local function arrived(arrival)
  local here = arrival.member.world
  arrival.ok, arrival.left = here:serve()
  here:after(here:trip() + (here.options.work or 0), answered, arrival)
end

function member:send()
  self.demand, self.flying, self.sends = self.demand - 1, self.flying + 1, self.sends + 1
  local here = self.world
  self.connected_at = self.connected_at or here.now + (here.options.connecting or 0)
  here:after(here:trip() + math.max(0, self.connected_at - here.now), arrived, { member = self, sent_at = here.now })
end

function member:report()
  local here = self.world
  local report = {
    member = self.id,
    wanted = math.min(self.demand, 16),
    flying = self.flying,
    answered = self.answers,
    refused = self.refusals,
    remaining = self.remaining,
    age = self.remaining and here.now - self.asked_at,
    paused_for = self.paused_until > here.now and self.paused_until - here.now or nil,
    per_minute = self.per_minute,
    burst = self.burst_known,
  }
  self.answers, self.refusals = 0, 0
  return report
end

local function look_again(self)
  self.looking = false
  self:look()
end

function member:obey(grant)
  self.per_minute, self.burst_known = grant.per_minute, grant.burst
  if grant.ask then
    local here = self.world
    here.tokens = math.min(here.burst, here.tokens + (here.now - here.at) * here.rate)
    here.at = here.now
    local report = self:report()
    report.asked, report.per_minute, report.burst = 1, here.rate * 60, here.burst
    report.remaining, report.age = math.floor(here.tokens), 0.01
    return self:obey(here:visit(report))
  end
  for _ = 1, grant.granted do
    self:send()
  end
  return grant.wait
end

function member:look()
  while self.demand > 0 and not self.looking and not self.dead do
    local wait = self:obey(self.world:visit(self:report()))
    if wait then
      self.looking = true
      self.world:after(wait, look_again, self)
    end
  end
end

local function join(here, demand)
  here.members = here.members + 1
  local self = setmetatable({
    world = here,
    id = "m." .. here.members,
    demand = demand,
    flying = 0,
    sends = 0,
    answers = 0,
    refusals = 0,
    paused_until = 0,
  }, member)
  here:after(here.random() * 0.01, member.look, self)
  return self
end

describe("the rule of a shared rate limit", function()
  it("is one text of Lua 5.1 that writes no global and reads none but the library's", function()
    local fn = assert(compat.load(bucket.TEXT, "=bucket"))
    local used = {}
    local environment = setmetatable({}, {
      __index = function(_, name)
        used[#used + 1] = name
        return _G[name]
      end,
      __newindex = function(_, name)
        error("it writes the global " .. name)
      end,
    })
    local in_there = setfenv and setfenv(fn, environment) or load(bucket.TEXT, "=bucket", "t", environment) -- luacheck: ignore 113
    local take = in_there()
    local grant, packed = take(nil, { member = "a", wanted = 1, flying = 0 }, 1)
    take(packed, { member = "a", wanted = 1, flying = 0, asked = 1, per_minute = 60, burst = 10, remaining = 10, age = 0 }, 1.1)
    assert.same({ granted = 0, ask = 1, wait = 0.1 }, grant)
    for _, name in ipairs(used) do
      assert.is_truthy(({ string = 1, math = 1, table = 1, tonumber = 1, ipairs = 1 })[name], name)
    end
  end)

  -- What the plan gives in some seconds, from a full bucket.
  local function plain(here, seconds)
    return here.burst + here.rate * seconds
  end

  local SECONDS = { starter = 60, pro = 40, enterprise = 20 }
  for _, plan in ipairs { "starter", "pro", "enterprise" } do
    for _, case in ipairs { { 1, 0.4 }, { 8, 0.005 }, { 8, 0.4 }, { 40, 0.1 } } do
      local members, latency = case[1], case[2]
      it(("gives %d members all of %s, over trips of %g s, and not one refusal"):format(members, plan, latency), function()
        local here = new_world { plan = plan, latency = latency, seed = members * 7 + latency * 1000 }
        local seconds = math.max(SECONDS[plan], members / here.rate * 4)
        for _ = 1, members do
          join(here, math.huge)
        end
        here:run(seconds)
        assert.equal(0, here.refused)
        assert.is_true(here.sent <= plain(here, seconds) + 1)
        -- While the first burst is on its way a full bucket does not refill: two trips are not the rule's to give.
        assert.is_true(here.sent >= 0.95 * (plain(here, seconds) - here.rate * latency * 2), here.sent .. " of " .. plain(here, seconds))
        -- One visit for each turn; who stands far back in the line looks once in a while how far it has come.
        local looks = members * seconds / math.max(1, here.burst / here.rate / 2)
        local turns = here.sent / math.max(1, here.rate * 0.05)
        assert.is_true(here.visits <= turns * 1.2 + looks + 20 * members, here.visits .. " visits for " .. here.sent .. " requests")
      end)
    end
  end

  it("gives all to those who want it, whatever the others want", function()
    local here = new_world { plan = "enterprise" }
    local greedy = join(here, math.huge)
    for _ = 1, 20 do
      join(here, 30)
    end
    here:run(30)
    assert.equal(0, here.refused)
    assert.is_true(here.sent >= 0.95 * plain(here, 30))
    assert.is_true(greedy.sends >= 0.95 * plain(here, 30) - 20 * 30, greedy.sends)
  end)

  it("is fair: who comes later waits for one round, and gets as much as the others", function()
    local here = new_world { plan = "pro" }
    for _ = 1, 5 do
      join(here, math.huge)
    end
    here:run(30)
    local late = join(here, 1000)
    here:run(60)
    local got = 1000 - late.demand
    assert.is_true(got >= 85 and got <= 115, got .. " of 600 for one of six")
  end)

  it("goes on as before when members die, with places in the line and requests under way", function()
    local here, doomed = new_world { plan = "pro" }, {}
    join(here, math.huge)
    for i = 1, 19 do
      doomed[i] = join(here, math.huge)
    end
    here:run(20)
    for _, one in ipairs(doomed) do
      one.dead = true
    end
    local before = here.sent
    here:run(40)
    assert.equal(0, here.refused)
    assert.is_true(here.sent - before >= 0.9 * 40 * here.rate, here.sent - before .. " of " .. 40 * here.rate)
    assert.is_true(#here.packed < 300, here.packed) -- and they are forgotten
  end)

  it("has a full bucket again after a rest, for whoever comes then", function()
    for _, plan in ipairs { "starter", "pro", "enterprise" } do
      local here = new_world { plan = plan }
      for _ = 1, 4 do
        join(here, 100)
      end
      here:run(500)
      assert.equal(400, here.sent)
      here:run(11)
      join(here, here.burst)
      here:run(0.5)
      assert.is_true(here.sent >= 400 + here.burst - 1 and here.refused == 0, plan .. ": " .. here.sent)
    end
  end)

  it("counts with requests that arrive late, when the first ones have to connect", function()
    for seed = 1, 8 do
      local here = new_world { plan = "pro", latency = 0.002, connecting = 0.3, seed = seed }
      for _ = 1, 50 do
        join(here, math.huge)
      end
      here:run(3) -- all have connected by then
      assert.equal(0, here.refused)
    end
  end)

  it("is not held up by requests that are answered late", function()
    for _, plan in ipairs { "starter", "pro", "enterprise" } do
      local here = new_world { plan = plan, work = 15 }
      for _ = 1, 8 do
        join(here, math.huge)
      end
      here:run(45)
      assert.equal(0, here.refused)
      assert.is_true(here.sent >= 0.93 * plain(here, 45), plan .. ": " .. here.sent .. " of " .. plain(here, 45))
    end
  end)

  it("finds out that the plan has changed: by a refusal, or by more being left than there can be", function()
    for _, case in ipairs { { "enterprise", "starter" }, { "pro", "starter" }, { "starter", "enterprise" }, { "pro", "enterprise" } } do
      local here, to = new_world { plan = case[1] }, limits.plans[case[2]]
      for _ = 1, 4 do
        join(here, math.huge)
      end
      here:run(100)
      here:serve()
      here.rate, here.burst = to.per_minute / 60, to.burst
      here.tokens = math.min(here.tokens, here.burst)
      here:run(30)
      local sent, refused = here.sent, here.refused
      here:run(60)
      assert.is_true(here.sent - sent >= 0.9 * here.rate * 60, case[1] .. " to " .. case[2] .. ": " .. here.sent - sent)
      assert.is_true(here.refused - refused <= 3 and refused <= 60, case[1] .. " to " .. case[2] .. ": " .. refused .. ", " .. here.refused - refused)
    end
  end)

  -- A store that is visited by hand, its bucket empty at time 0: a token each second.
  local function by_hand()
    local here = { now = 0 }
    function here.visit(id, report)
      local grant
      report.member, report.flying = id, report.flying or 0
      grant, here.packed = bucket.take(here.packed, report, here.now)
      return grant
    end
    here.visit("z", { wanted = 1 })
    here.visit("z", { wanted = 0, asked = 1, per_minute = 60, burst = 10, remaining = 0, age = 0 })
    return here
  end

  it("gives each its turn: who comes early, or late to the line, takes nobody's", function()
    local here = by_hand()
    local function granted(id)
      return here.visit(id, { wanted = 1 }).granted
    end
    local first, second = here.visit("a", { wanted = 1 }).wait, here.visit("b", { wanted = 1 }).wait
    assert.is_true(math.abs(first - 1) < 0.01 and math.abs(second - 2) < 0.02, first .. " " .. second)
    here.now = 1.1
    assert.same({ 0, 0, 1 }, { granted "b", granted "c", granted "a" })
    here.now = 2.1
    assert.same({ 0, 0, 1 }, { granted "c", granted "d", granted "b" })
    here.now = 3.1 -- nobody wants anything any more, but for one who stood behind
    here.visit("c", { wanted = 0 })
    assert.same({ 1 }, { granted "d" })
  end)

  it("loses its place who does not come to its turn", function()
    local here = by_hand()
    here.visit("a", { wanted = 1 })
    here.now = 1.5
    assert.equal(0, here.visit("b", { wanted = 1 }).granted)
    here.now = 2.1
    assert.equal(2, here.visit("c", { wanted = 1 }).granted + here.visit("b", { wanted = 1 }).granted)
  end)

  it("tells each that comes of a pause, and gives nothing in it", function()
    local here = by_hand()
    here.now = 20
    assert.equal(3, here.visit("a", { wanted = 3 }).granted)
    here.visit("a", { wanted = 0, refused = 1, answered = 1, paused_for = 5 })
    here.now = 23
    local grant = here.visit("b", { wanted = 2 })
    assert.same({ 0, 2 }, { grant.granted, grant.paused_for })
    assert.is_true(grant.wait >= 2)
    here.now = 26
    assert.is_nil(here.visit("b", { wanted = 2 }).paused_for)
  end)

  it("has one token when a pause ends, however many were refused before it", function()
    local here = by_hand()
    here.now = 20
    assert.equal(4, here.visit("a", { wanted = 4 }).granted)
    for left = 3, 0, -1 do
      here.visit("a", { wanted = 0, refused = 1, answered = 1, flying = left, paused_for = 5 })
    end
    here.now = 25.1
    assert.equal(1, here.visit("b", { wanted = 4 }).granted)
  end)

  it("counts on less of the refill after each pause, and on more with each answer", function()
    local here = by_hand()
    local function refill(from, to)
      here.now = from
      here.visit("a", { wanted = 16 })
      here.now = to
      return here.visit("a", { wanted = 16 }).granted
    end
    assert.equal(7, refill(100, 107.5))
    here.visit("a", { wanted = 0, refused = 1, paused_for = 1 })
    here.visit("b", { wanted = 0, refused = 1, paused_for = 1 }) -- the same pause
    assert.equal(5, refill(120, 127.5))
    here.visit("a", { wanted = 0, answered = 60 })
    assert.equal(7, refill(140, 147.5))
  end)

  it("takes back what is not used", function()
    local now, packed, grant = 0, nil, nil
    local function visit(report)
      report.member, report.flying = "a", report.flying or 0
      grant, packed = bucket.take(packed, report, now)
      return grant
    end
    visit { wanted = 16 }
    assert.equal(10, visit({ wanted = 16, asked = 1, per_minute = 60, burst = 10, remaining = 10, age = 0 }).granted)
    now = 0.8
    assert.equal(4, visit({ wanted = 4, returned = 7 }).granted)
    assert.equal(3, visit({ wanted = 4 }).granted)
    now = 100
    assert.equal(10, visit({ wanted = 16, returned = 1000 }).granted) -- never more than there can be
  end)

  it("hears a visit once that is repeated, since its answer was lost", function()
    local here = by_hand()
    here.now = 100
    assert.equal(10, here.visit("a", { visit = 1, wanted = 10 }).granted)
    here.now = 103
    for _ = 1, 5 do
      here.visit("b", { visit = 1, wanted = 0 })
      here.visit("a", { visit = 2, wanted = 0, returned = 4, refused = 1, answered = 1, paused_for = 2 })
    end
    here.now = 105.1
    assert.equal(1, here.visit("a", { visit = 3, wanted = 16 }).granted)
    here.now = 109
    here.visit("a", { visit = 4, wanted = 0, returned = 1 })
    assert.equal(3, here.visit("a", { visit = 5, wanted = 16 }).granted)
  end)

  it("hears no visit that comes behind a later one, however late it is, or the one that is repeated", function()
    local here = by_hand()
    here.now = 100
    assert.equal(10, here.visit("a", { visit = 999999, wanted = 10 }).granted)
    here.visit("a", { visit = 1e6, wanted = 0, returned = 2 })
    here.visit("a", { visit = 1, wanted = 0 }) -- they begin again
    here.now = 101.9
    here.visit("b", { visit = 1, wanted = 0 }) -- others come and go meanwhile
    assert.same({ granted = 0, wait = 0.1 }, here.visit("a", { visit = 1e6, wanted = 5, returned = 2 }))
    here.visit("a", { visit = 1, wanted = 0, returned = 5 })
    assert.equal(3, here.visit("a", { visit = 2, wanted = 16 }).granted) -- the 2 that it gave back, and the refill
    here.now = 200 -- whoever begins anew under its name is heard in the end
    assert.equal(10, here.visit("a", { visit = 1, wanted = 16 }).granted)
  end)

  it("takes back no more than there is room for beside what others have under way", function()
    local here = by_hand()
    here.now = 100
    assert.equal(4, here.visit("a", { visit = 1, wanted = 4 }).granted)
    here.now = 101.4
    assert.equal(6, here.visit("b", { visit = 1, wanted = 6 }).granted)
    here.now = 102.2 -- long after their time
    here.visit("a", { visit = 2, wanted = 0, returned = 1e6 })
    assert.equal(4, here.visit("c", { visit = 1, wanted = 16 }).granted)
  end)

  local CLOCKS = {
    { "goes back by milliseconds, as those of several workers do", function(now)
      return 1.7e9 + now - (math.floor(now * 1000) % 7) / 1000
    end },
    { "is set back by an hour", function(now)
      return 1.7e9 + now - (now > 20 and 3600 or 0)
    end },
    { "stands still for a second now and then", function(now)
      return 1.7e9 + now - (now % 10 < 1 and now % 10 or 0)
    end },
    { "goes wrong by a thousandth", function(now)
      return 1.7e9 + now * 1.001
    end },
  }
  for _, case in ipairs(CLOCKS) do
    it("bears a clock that " .. case[1], function()
      local here = new_world { plan = "pro", clock = case[2] }
      for _ = 1, 8 do
        join(here, math.huge)
      end
      here:run(100)
      assert.equal(0, here.refused)
      assert.is_true(here.sent >= 0.9 * plain(here, 100), here.sent)
    end)
  end

  it("is brought back to what answers say by a clock's leap ahead", function()
    local here = new_world { plan = "pro", clock = function(now)
      return 1.7e9 + now + (now > 20 and 3600 or 0)
    end }
    for _ = 1, 8 do
      join(here, math.huge)
    end
    here:run(200)
    assert.is_true(here.refused <= 16, here.refused)
    assert.is_true(here.sent >= 0.9 * plain(here, 200), here.sent)
  end)

  it("begins with nothing when its state is lost, or cannot be read: too slowly, and never too fast", function()
    for _, lost in ipairs { false, "", "1", "2 x;y", "1 1 2 3;a", "1 nan 0 0 0 0 0 0 0 0 0 0 0 0", ("1 "):rep(40) } do
      local here = new_world { plan = "pro" }
      for _ = 1, 3 do
        join(here, math.huge)
      end
      here:run(15)
      here.packed = lost or nil
      here:run(60)
      assert.equal(0, here.refused)
      assert.is_true(here.sent >= 0.9 * plain(here, 75), here.sent)
    end
  end)

  it("never makes tokens of what is lost on the way", function()
    local here = new_world { plan = "pro" }
    local visit, random = here.visit, generator(3)
    function here:visit(report)
      local grant = visit(self, report)
      if random() < 0.1 and not grant.ask then
        return { granted = 0, wait = 0.5 } -- the member heard nothing, and comes again
      end
      return grant
    end
    for _ = 1, 8 do
      join(here, math.huge)
    end
    here:run(100)
    assert.equal(0, here.refused)
    assert.is_true(here.sent >= 0.8 * plain(here, 100), here.sent)
  end)

  it("bears anything in a report", function()
    local random = generator(11)
    local packed
    local values = { 0, 1, 2, 16, 1e9, -1, 0.5, -1e300, 1e300, 0 / 0, math.huge, "12", "x", false }
    local names = { "visit", "wanted", "flying", "returned", "answered", "refused", "remaining", "age", "paused_for", "per_minute", "burst", "asked" }
    local now = 1.7e9
    for _ = 1, 2000 do
      local report = { member = "m" .. math.floor(random() * 9), wanted = 1, flying = 0 }
      for _, name in ipairs(names) do
        if random() < 0.4 then
          report[name] = values[math.floor(random() * #values) + 1]
        end
      end
      now = now + (random() - 0.2) * 3
      local grant
      grant, packed = bucket.take(packed, report, now)
      assert(grant.granted >= 0 and grant.granted <= math.max(0, tonumber(report.wanted) or 0, 0) and grant.granted % 1 == 0, grant.granted)
      assert(not grant.wait or grant.wait > 0 and grant.wait < 150, grant.wait)
      assert(#packed < 2000 and not packed:find "[%z\n]")
    end
  end)
end)

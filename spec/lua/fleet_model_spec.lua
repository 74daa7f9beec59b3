-- Fleets by chance (contract 1.11), in virtual time: members that come, go, rest and hurry, of a store that is far away or near, whose visits take
-- as long as they like, are carried out twice, or lost. Each seed is a fleet; it is the same under each Lua.
local gitdev = require "gitdev"
local limits = require "gitdev.api.limits"
local loop = require "gitdev.loop"
local safe = require "gitdev.safe"
local test = require "gitdev.test"

-- Uniform in [0, 1).
local function generator(seed)
  local state = seed
  local function next_one()
    state = (state * 16807) % 2147483647
    return state / 2147483647
  end
  for _ = 1, 10 do -- seeds that lie side by side begin alike
    next_one()
  end
  return next_one
end

-- What the server was sent, and what it refused; each trip takes another time.
local function watch(world, random, latency)
  local seen = { sent = 0, refused = 0, till = math.huge }
  local handle = world.emulator.handle
  function world.emulator.handle(emulator, request)
    world.engine.latency = latency * (0.4 + 1.2 * random())
    local response = handle(emulator, request)
    if request.target ~= "/v2/rate_limit" then
      seen.sent = seen.sent + (response.status == 200 and world:elapsed() < seen.till and 1 or 0)
      seen.refused = seen.refused + (response.status == 429 and 1 or 0)
    end
    return response
  end
  return seen
end

-- A store so far away. A visit is carried out late, or twice (the connection was lost before the answer, or the first try was held up on its
-- way), or never.
local function faulty_store(random, fleet)
  local inner, store = gitdev.store.memory { now = fleet.clock }, { pacing = "closed" }
  local function later(seconds, action)
    loop.schedule(loop.now() + seconds, action)
  end
  local function half()
    return fleet.trip / 2 * (0.5 + random()) + (random() < 0.02 and 0.3 * random() or 0)
  end
  function store.take()
    error "it was to be asked without waiting"
  end
  function store:take_async(name, report, done)
    local chance = random()
    later(half(), function()
      if chance < fleet.lost then
        return done(nil, "lost")
      elseif chance < fleet.lost + fleet.twice then
        inner:take(name, report)
        if random() < 0.5 then
          later(2 * random(), function()
            inner:take(name, report)
          end)
        end
      end
      local grant = inner:take(name, report)
      later(half(), function()
        done(grant)
      end)
    end)
  end
  return store
end

local function new_fleet(seed)
  local random = generator(seed)
  local function one_of(list)
    return list[math.floor(random() * #list) + 1]
  end
  local fleet = {
    random = random,
    plan = one_of { "starter", "pro", "enterprise" },
    members = one_of { 1, 2, 3, 6 },
    trip = one_of { 0.001, 0.02, 0.1, 0.3 },
    latency = one_of { 0.02, 0.1, 0.4 },
    lost = one_of { 0, 0, 0.01 },
    twice = one_of { 0, 0, 0.05 },
    wobble = one_of { 0, 0, 0.02 },
  }
  function fleet.clock()
    return 1.7e9 + loop.now() - fleet.wobble * random()
  end
  return fleet
end

-- A member's life: it rests, calls now and then, or has more to send than it may; and some leave in the middle of it.
local function live(world, fleet, store, till)
  local random, git = fleet.random, nil
  local function renew()
    if git then
      git:close()
    end
    git = safe.client { timeout = 36000, rate_limit_store = store, rate_limit_name = "acme", on_store_error = function() end,
      api_key = world.emulator:issue_key { livemode = false } }
  end
  local function work(tasks, pause, stop)
    gitdev.run(function()
      for _ = 1, tasks do
        gitdev.spawn(function()
          local mine = git
          while world:elapsed() < stop and mine == git do
            mine.projects:get "my-app"
            gitdev.sleep(pause * random())
          end
        end)
      end
      if random() < 0.1 then
        gitdev.sleep(random())
        renew()
      end
    end)
  end
  renew()
  while world:elapsed() < till do
    local stop = math.min(till, world:elapsed() + 0.5 + 8 * random())
    local kind = random()
    if kind < 0.3 then
      gitdev.sleep(stop - world:elapsed())
    elseif kind < 0.6 then
      work(1 + math.floor(random() * 4), 0.5 * random(), stop)
    else
      work(1 + math.floor(random() * 40), 0, stop)
    end
  end
  return git
end

local function text_of(fleet)
  return ("%s, %d members, trips of %g s, latency %g s, lost %g, twice %g, wobble %g"):format(fleet.plan, fleet.members, fleet.trip, fleet.latency,
    fleet.lost, fleet.twice, fleet.wobble)
end

-- All that members have to send, at once.
local function rush(world, list, till)
  gitdev.run(function()
    for _, git in ipairs(list) do
      for _ = 1, 60 do
        gitdev.spawn(function()
          while world:elapsed() < till do
            git.projects:get "my-app"
          end
        end)
      end
    end
  end)
end

local ROUNDS, LIFE, RUSH = 6, 8, 3 -- seconds
local LAST = 15 -- of a rush by which it is measured what is used

local function run(seed)
  local fleet = new_fleet(seed)
  local world = test.world { plan = fleet.plan, latency = fleet.latency, seed = seed }
  local seen, before = watch(world, fleet.random, fleet.latency), 0
  world:run(function()
    local store, list = faulty_store(fleet.random, fleet), {}
    for _ = 1, ROUNDS do
      gitdev.run(function()
        for i = 1, fleet.members do
          gitdev.spawn(function()
            list[i] = live(world, fleet, store, world:elapsed() + LIFE)
          end)
        end
      end)
      rush(world, list, world:elapsed() + RUSH)
    end
    before, seen.till = seen.sent, world:elapsed() + LAST
    rush(world, list, seen.till)
  end)
  return fleet, seen, seen.sent - before
end

describe("a fleet by chance #many", function()
  for seed = 1, tonumber(os.getenv "SEEDS") or 12 do
    it("is refused nothing and uses what there is: seed " .. seed, function()
      local fleet, seen, used = run(seed)
      local due = limits.plans[fleet.plan].per_minute / 60 * LAST
      local text = ("%s: %d sent, %d refused, %d of %d used in the end"):format(text_of(fleet), seen.sent, seen.refused, used, due)
      assert.equal(0, seen.refused, text)
      assert.is_true(fleet.lost > 0 or used >= 0.9 * due - 2, text) -- a visit that was carried out twice has cost a token, or more
    end)
  end
end)

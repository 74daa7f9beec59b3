-- A rate limit that several spend together through a store (contract 1.11), in virtual time: members with keys of their own in one organization,
-- as processes on many machines would be.
local core = require "gitdev.core"
local errors = require "gitdev.error"
local gitdev = require "gitdev"
local limits = require "gitdev.api.limits"
local loop = require "gitdev.loop"
local safe = require "gitdev.safe"
local server = require "gitdev.emulator.server"
local test = require "gitdev.test"

local LATENCY = 0.1

-- Counts what the emulator is asked, but for the limits themselves, and what it answers; each trip takes another time.
local function watch(world)
  local seen = { sent = 0, refused = 0, asked = 0, times = {} }
  local handle, state = world.emulator.handle, 1
  function world.emulator.handle(emulator, request)
    state = (state * 16807) % 2147483647
    world.engine.latency = LATENCY * (0.4 + 1.2 * state / 2147483647)
    local response = handle(emulator, request)
    if request.target == "/v2/rate_limit" then
      seen.asked = seen.asked + 1
    else
      seen.sent = seen.sent + 1
      seen.times[seen.sent] = world:elapsed()
      seen.refused = seen.refused + (response.status == 429 and 1 or 0)
    end
    return response
  end
  return seen
end

-- A store in memory whose visits are counted, and that can be away.
local function new_store(options)
  local inner = gitdev.store.memory()
  local store = { visits = 0, pacing = options and options.pacing }
  function store:take(name, report)
    self.visits = self.visits + 1
    self.name = name
    if self.away then
      error(self.away, 0)
    end
    return inner:take(name, report)
  end
  return store
end

-- A store in memory that is so many seconds away, half of them each way.
local function distant_store(trip)
  local inner, store = gitdev.store.memory(), { visits = 0 }
  function store.take()
    error "it was to be asked without waiting"
  end
  function store:take_async(name, report, done)
    self.visits = self.visits + 1
    loop.schedule(loop.now() + trip / 2, function()
      local grant = inner:take(name, report)
      loop.schedule(loop.now() + trip / 2, function()
        done(grant)
      end)
    end)
  end
  return store
end

-- Members of a fleet: clients of the same organization, none of which shares anything else with another.
local function members(world, count, store, options, style)
  local list = {}
  for i = 1, count do
    local given = { timeout = 36000, rate_limit_store = store, rate_limit_name = "acme", api_key = world.emulator:issue_key { livemode = false } }
    for name, value in pairs(options or {}) do
      given[name] = value
    end
    list[i] = (style or gitdev).client(given)
  end
  return list
end

-- Has each member make calls from so many tasks, until `calls` are made in all.
local function work(list, tasks, calls)
  for _, git in ipairs(list) do
    for _ = 1, tasks do
      gitdev.spawn(function()
        while calls > 0 do
          calls = calls - 1
          git.projects:get "my-app"
        end
      end)
    end
  end
end

local function least(plan, calls)
  local limit = limits.plans[plan]
  return (calls - limit.burst) / (limit.per_minute / 60)
end

describe("a shared rate limit #many", function()
  for _, plan in ipairs { "starter", "pro", "enterprise" } do
    for _, count in ipairs { 1, 3, 8 } do
      it(("of %s is used to 95 %% by %d members, and refuses none"):format(plan, count), function()
        local world = test.world { plan = plan, latency = LATENCY }
        local seen, store = watch(world), nil
        world:run(function()
          store = new_store()
          gitdev.run(work, members(world, count, store), 16, 1000)
        end)
        assert.same({ 1000, 0 }, { seen.sent, seen.refused })
        assert.is_true(seen.asked >= 1 and seen.asked <= 1 + world:elapsed() / 600) -- plans change
        assert.is_true(world:elapsed() <= least(plan, 1000) / 0.95, world:elapsed() .. " s, where at least " .. least(plan, 1000) .. " are needed")
        assert.is_true(store.visits <= 2200, store.visits .. " visits for 1000 calls")
      end)
    end
  end

  -- Calls that take a tenth of a second each, and a visit takes as long: in a line one behind the other they would get little more than half.
  for plan, tasks in pairs { pro = 2, enterprise = 16 } do
    for _, trip in ipairs { 0.02, 0.1, 0.2 } do
      for _, count in ipairs { 1, 4 } do
        it(("of %s is used to 95 %% by %d members from %g s away, and refuses none"):format(plan, count, trip), function()
          local world = test.world { plan = plan, latency = LATENCY }
          local calls = limits.plans[plan].burst + limits.plans[plan].per_minute / 2
          local seen = watch(world)
          world:run(function()
            gitdev.run(work, members(world, count, distant_store(trip)), tasks, calls)
          end)
          assert.same({ calls, 0 }, { seen.sent, seen.refused })
          local due = least(plan, calls)
          assert.is_true(world:elapsed() <= due / 0.95, world:elapsed() .. " s, where at least " .. due .. " are needed")
        end)
      end
    end
  end

  it("is fair to its members", function()
    local world = test.world { plan = "pro", latency = LATENCY }
    local done = {}
    world:run(function()
      for i, git in ipairs(members(world, 4, new_store())) do
        done[i] = 0
        gitdev.spawn(function()
          gitdev.sleep(i == 4 and 10 or 0)
          while world:elapsed() < 70 do
            gitdev.run(work, { git }, 8, 8)
            done[i] = done[i] + (world:elapsed() > 12 and 8 or 0)
          end
        end)
      end
    end)
    for i = 1, 4 do
      assert.is_true(math.abs(done[i] - 145) < 30, table.concat(done, " "))
    end
  end)

  it("is given back by members that want nothing, and by those that die", function()
    local world = test.world { plan = "pro", latency = LATENCY }
    local seen = watch(world)
    world:run(function()
      local list = members(world, 4, new_store(), nil, safe)
      gitdev.run(work, list, 8, 100)
      -- Three of them break off in the middle of it, with tokens in hand and places in the line.
      for i = 1, 3 do
        for _ = 1, 50 do
          gitdev.spawn(function()
            list[i].projects:get "my-app"
          end)
        end
      end
      gitdev.sleep(0.3)
      for i = 1, 3 do
        list[i]:close()
      end
      local before, began = seen.sent, world:elapsed()
      gitdev.run(work, { list[4] }, 16, 200)
      assert.is_true(seen.sent - before >= 200)
      assert.is_true(world:elapsed() - began <= 200 / 10 / 0.95 + 1.5, world:elapsed() - began .. " s")
    end)
    assert.equal(0, seen.refused)
  end)

  it("costs a program that calls now and then one visit for each call", function()
    local world = test.world { plan = "pro", latency = LATENCY }
    local store
    world:run(function()
      store = new_store()
      local git = members(world, 1, store)[1]
      for _ = 1, 20 do
        git.projects:get "my-app"
        gitdev.sleep(2)
      end
      assert.is_true(world:elapsed() < 20 * (2 + LATENCY * 1.01) + 2 * LATENCY)
    end)
    assert.is_true(store.visits <= 22, store.visits .. " visits")
  end)

  it("pauses all members when the server says no to one", function()
    local world = test.world { plan = "pro", latency = LATENCY }
    local seen = watch(world)
    world:run(function()
      local list = members(world, 3, new_store())
      gitdev.run(work, list, 4, 30)
      world.emulator:fault { status = 429, headers = { ["Retry-After"] = "10", ["X-RateLimit-Remaining"] = "0" } }
      list[1].projects:get "my-app"
      local before, paused_till = seen.sent, world:elapsed()
      assert.is_true(paused_till >= 10)
      gitdev.run(work, list, 4, 30)
      assert.is_true(seen.sent - before >= 30)
      for i = 32, before - 1 do
        assert.is_true(seen.times[i] < 1 or seen.times[i] > 10)
      end
    end)
    assert.equal(1, seen.refused)
  end)

  it("tells the others of a pause while calls wait", function()
    local world = test.world { plan = "pro", latency = LATENCY }
    local seen = watch(world)
    world:run(function()
      local list = members(world, 3, new_store())
      for i = 1, 3 do
        gitdev.spawn(function()
          for _ = 1, 100 do
            gitdev.spawn(function()
              list[i].projects:get "my-app"
            end)
            gitdev.sleep(0.4)
          end
        end)
      end
      gitdev.sleep(10)
      world.emulator:fault { status = 429, headers = { ["Retry-After"] = "10", ["X-RateLimit-Remaining"] = "0" } }
    end)
    local within = 0
    for _, time in ipairs(seen.times) do
      within = within + (time > 11 and time < 19.5 and 1 or 0)
    end
    assert.equal(0, within)
    assert.equal(301, seen.sent)
  end)

  it("that others use up too is kept to, at the price of few refusals", function()
    local world = test.world { plan = "pro", latency = LATENCY }
    local seen, stop = watch(world), false
    local headers = { authorization = "Bearer " .. world.emulator.api_key }
    world:run(function()
      gitdev.spawn(function()
        while not stop do
          world.emulator:handle { method = "GET", target = "/v2/projects", body = "", headers = headers }
          gitdev.sleep(0.2)
        end
      end)
      gitdev.run(work, members(world, 4, new_store()), 8, 1000)
      stop = true
    end)
    assert.is_true(seen.refused <= 0.06 * seen.sent, seen.refused .. " of " .. seen.sent .. " were refused")
    assert.is_true(world:elapsed() < 1000 / 5 * 1.3, world:elapsed() .. " s")
  end)

  it("is named by origin and key, or by the user for several keys of an organization", function()
    local world = test.world()
    world:run(function()
      local store = new_store()
      local key = world.emulator:issue_key { livemode = false }
      gitdev.client({ rate_limit_store = store, api_key = key }).projects:list()
      local first = store.name
      assert.is_truthy(first:match "^%x+$" and #first == 32)
      assert.is_nil(first:find(key, 1, true))
      gitdev.client({ rate_limit_store = store, api_key = key }).projects:list()
      assert.equal(first, store.name)
      gitdev.client({ rate_limit_store = store }).projects:list()
      assert.not_equal(first, store.name)
      gitdev.client({ rate_limit_store = store, rate_limit_name = "acme" }).projects:list()
      assert.equal("acme:test:" .. core.sha256("https://api.git.dev"):sub(1, 8), store.name)
      gitdev.client({ rate_limit_store = store, rate_limit_name = "acme", api_key = world.emulator:issue_key { livemode = true } }).projects:list()
      assert.equal("acme:live:", store.name:sub(1, 10))
    end)
  end)

  it("is not one with the limit of a client of the same key that does not share it", function()
    local world = test.world { plan = "starter", latency = LATENCY }
    world:run(function()
      local store = new_store()
      local alone, shared = gitdev.client(), gitdev.client { rate_limit_store = store }
      alone.projects:list()
      assert.equal(0, store.visits)
      shared.projects:list()
      assert.is_true(store.visits > 0)
      assert.is_nil(alone.rate_limit().shared)
      assert.equal("yes", shared.rate_limit().shared)
      assert.same({ 60, 10 }, { shared.rate_limit().per_minute, shared.rate_limit().burst })
    end)
  end)

  it("goes through the store that each client was given, whatever another of its key was", function()
    local world = test.world { plan = "starter", latency = LATENCY }
    world:run(function()
      local first, second = new_store(), new_store()
      local one, two = gitdev.client { rate_limit_store = first }, gitdev.client { rate_limit_store = second, on_store_error = function() end }
      one.projects:list()
      assert.is_true(first.visits > 0 and second.visits == 0)
      local before = first.visits
      two.projects:list()
      assert.is_true(first.visits == before and second.visits > 0)
      second.away = "away"
      for _ = 1, 3 do
        two.projects:list()
        one.projects:list()
      end
      assert.same({ "yes", "away" }, { one.rate_limit().shared, two.rate_limit().shared })
    end)
  end)

  it("is one member for clients whose stores are one", function()
    local world = test.world { plan = "starter", latency = LATENCY }
    world:run(function()
      local first, second, third = new_store(), new_store(), new_store { pacing = "closed" }
      first.id, second.id, third.id = "here", "here", "here"
      local one, two = gitdev.client { rate_limit_store = first }, gitdev.client { rate_limit_store = second }
      one.projects:list()
      one.projects:list()
      two.projects:list()
      assert.is_true(first.visits == 0 and second.visits > 0) -- the latest serves for both
      gitdev.client({ rate_limit_store = third }).projects:list() -- it is something else that is wanted
      assert.is_true(third.visits > 0)
    end)
  end)

  it("goes on through the store of a client that is left, when another and its store are closed", function()
    local world = test.world { latency = LATENCY }
    world:run(function()
      local first, second = new_store(), new_store()
      first.id, second.id = "here", "here"
      local one, two = gitdev.client { rate_limit_store = first }, gitdev.client { rate_limit_store = second }
      two.projects:list()
      second.away = "the store is closed"
      two:close()
      one.projects:list()
      one.projects:list()
      assert.equal("yes", one.rate_limit().shared)
      assert.is_true(first.visits > 0)
    end)
  end)

  it("says so once when its name is used for what has several limits, and not when the plan changes", function()
    for changes, count in pairs { plan = 0, key = 1 } do
      local world, messages = test.world { plan = "pro", latency = LATENCY }, {}
      local handle, plan = world.emulator.handle, "pro"
      local other = world.emulator:issue_key { livemode = false }
      function world.emulator.handle(emulator, request)
        local response = handle(emulator, request)
        local is_others = request.headers.authorization == "Bearer " .. other
        if request.target == "/v2/rate_limit" and (plan ~= "pro" or changes == "key" and is_others) then
          local limit = limits.plans.enterprise
          response.body = response.body:gsub('"burst": *%d+', '"burst":' .. limit.burst)
        end
        return response
      end
      world:run(function()
        local store, list = new_store(), {}
        for i = 1, 2 do
          list[i] = gitdev.client { rate_limit_store = store, rate_limit_name = "acme", api_key = i == 1 and other or nil,
            on_store_error = function(err)
              messages[#messages + 1] = err.code .. " " .. err.message
            end }
        end
        for round = 1, 8 do -- plans change: the limits are asked for every ten minutes
          plan = changes == "plan" and round > 3 and "enterprise" or "pro"
          list[round % 2 + 1].projects:list()
          list[round % 2 + 1].projects:list()
          list[(round + 1) % 2 + 1].projects:list()
          gitdev.sleep(601)
        end
      end)
      assert.equal(2 * count, #messages, changes .. ": " .. table.concat(messages, "\n")) -- each member, once
      for _, message in ipairs(messages) do
        assert.is_truthy(message:find("limits_differ rate_limit_name acme: keys of different limits share it", 1, true), message)
      end
    end
  end)

  it("outlives the client that it was first made with", function()
    local world = test.world { plan = "starter", latency = LATENCY }
    world:run(function()
      local store = new_store()
      local first = gitdev.client { rate_limit_store = store }
      local second = gitdev.client { rate_limit_store = store }
      first.projects:list()
      first:close()
      first = nil -- luacheck: ignore 311
      collectgarbage()
      collectgarbage()
      for _ = 1, 12 do
        second.projects:list()
      end
    end)
    assert.is_true(world:elapsed() < 5)
  end)

  it("tells on_wait of a wait that the store asks for, and of no other", function()
    local world = test.world { plan = "starter", latency = LATENCY }
    local waits = {}
    world:run(function()
      local git = members(world, 1, new_store(), { on_wait = function(moment)
        waits[#waits + 1] = moment.wait
      end })[1]
      for _ = 1, 10 do
        git.projects:list()
      end
      assert.same({}, waits)
      git.projects:list()
      git.projects:list()
    end)
    assert.is_true(#waits >= 1 and waits[1] > 0.05 and waits[1] < 1.1, table.concat(waits, " "))
  end)

  it("holds a call until its deadline, and says so", function()
    local world = test.world { plan = "starter", latency = LATENCY }
    world:run(function()
      local git = members(world, 1, new_store(), { timeout = 0.5 })[1]
      local err
      repeat
        local ok, problem = pcall(git.projects.list, git.projects)
        err = not ok and problem
      until err
      assert.same({ "timeout_error", "deadline" }, { err.type, err.code })
    end)
  end)
end)

describe("a shared rate limit whose store is away", function()
  local function problem()
    return errors.new { type = "config_error", code = "store_failed", message = "the store is away" }
  end

  it("is each member's own, which is told once, until the store is back", function()
    local world = test.world { plan = "pro", latency = LATENCY }
    local seen, told = watch(world), {}
    world:run(function()
      local store = new_store()
      local list = members(world, 2, store, { on_store_error = function(err)
        told[#told + 1] = err.code
      end })
      gitdev.run(work, list, 4, 60)
      assert.same({ "yes", 0 }, { list[1].rate_limit().shared, #told })
      store.away = problem()
      local began = world:elapsed()
      gitdev.run(work, list, 4, 300)
      assert.is_true(world:elapsed() - began < 300 / 10 * 2)
      assert.same({ "store_failed", "store_failed" }, told) -- once for each member
      assert.equal("away", list[1].rate_limit().shared)
      assert.is_true(store.visits < 400)
      store.away = nil
      gitdev.run(work, list, 4, 200)
      assert.equal("yes", list[1].rate_limit().shared)
      assert.equal("yes", list[2].rate_limit().shared)
      local refused = seen.refused
      gitdev.run(work, list, 4, 200)
      assert.equal(refused, seen.refused)
      store.away = problem()
      gitdev.run(work, list, 4, 50)
      assert.equal(4, #told)
    end)
    assert.is_true(seen.refused <= 0.05 * seen.sent, seen.refused .. " of " .. seen.sent .. " were refused")
  end)

  it("that was never there lets calls go at once", function()
    local world = test.world { latency = LATENCY }
    world:run(function()
      local store = new_store()
      store.away = "no such host"
      local messages = {}
      local git = gitdev.client { rate_limit_store = store, on_store_error = function(err)
        messages[#messages + 1] = err.message
      end }
      git.projects:list()
      assert.is_true(world:elapsed() < 2 * LATENCY)
      assert.same({ "the store of the rate limit failed: no such host" }, messages)
    end)
  end)

  it("sends nothing when it is to be closed, and says why", function()
    local world = test.world { latency = LATENCY }
    local seen = watch(world)
    world:run(function()
      local store = new_store { pacing = "closed" }
      store.away = problem()
      local git = gitdev.client { rate_limit_store = store, on_store_error = function() end }
      local ok, err = pcall(git.projects.list, git.projects, nil, { timeout = 5 })
      assert.is_false(ok)
      assert.same({ "timeout_error", "store_away", 0 }, { err.type, err.code, seen.sent })
      assert.is_truthy(err.message:find("store", 1, true))
      gitdev.spawn(function()
        gitdev.sleep(20)
        store.away = nil
      end)
      git.projects:list()
      assert.is_true(world:elapsed() >= 25 and world:elapsed() < 37, world:elapsed())
    end)
    assert.equal(1, seen.sent)
  end)

  it("that answers with nothing, nonsense or never is away", function()
    for _, take in ipairs {
      function() end,
      function()
        return 7
      end,
      function()
        return {}
      end,
    } do
      local world, told = test.world { latency = LATENCY }, 0
      world:run(function()
        local git = gitdev.client { rate_limit_store = { take = take }, on_store_error = function()
          told = told + 1
        end }
        git.projects:list()
        assert.equal("away", git.rate_limit().shared)
      end)
      assert.equal(1, told)
    end
    local world = test.world { latency = LATENCY }
    world:run(function()
      local told, canceled = 0, 0
      local function take_async()
        return function()
          canceled = canceled + 1
        end
      end
      local git = gitdev.client { rate_limit_store = { take = error, take_async = take_async }, on_store_error = function()
        told = told + 1
      end }
      git.projects:list()
      assert.same({ "away", 1, 1 }, { git.rate_limit().shared, told, canceled })
      assert.is_true(world:elapsed() >= 2.9 and world:elapsed() < 3.5)
    end)
  end)

  it("that grants nonsense neither stops calls for good nor makes them turn", function()
    local world, visits = test.world { latency = LATENCY }, 0
    world:run(function()
      local git = gitdev.client { rate_limit_store = { take = function()
        visits = visits + 1
        return { granted = -3, wait = 0 / 0, paused_for = "x", per_minute = {}, burst = -1, alone = -math.huge, ask = false }
      end } }
      pcall(git.projects.list, git.projects, nil, { timeout = 2 })
    end)
    assert.is_true(visits < 100, visits)
  end)

  it("that always wants the limits asked for is not obeyed without end", function()
    local world, visits = test.world { latency = LATENCY }, 0
    world:run(function()
      local git = gitdev.client { rate_limit_store = { take = function()
        visits = visits + 1
        assert(visits < 1000)
        return { granted = 0, ask = 1 }
      end } }
      pcall(git.projects.list, git.projects, nil, { timeout = 2 })
    end)
    assert.is_true(visits < 100, visits)
  end)

  it("says so in the log, and that it is back", function()
    local world = test.world { latency = LATENCY }
    local stderr, lines = io.stderr, {}
    io.stderr = { write = function(_, ...) -- luacheck: ignore 122
      lines[#lines + 1] = table.concat { ... }
    end, flush = function() end }
    local ok, err = pcall(world.run, world, function()
      local store = new_store()
      store.away = problem()
      local git = gitdev.client { rate_limit_store = store, log = "info" }
      git.projects:list()
      store.away = nil
      gitdev.sleep(2)
      git.projects:list()
      git.projects:list()
      store.away = problem()
      gitdev.client({ rate_limit_store = store, rate_limit_name = "other" }).projects:list()
    end)
    io.stderr = stderr -- luacheck: ignore 122
    assert.is_true(ok, tostring(err))
    local text = table.concat(lines)
    assert.is_truthy(text:find('store state=away meanwhile="each paces itself" code=store_failed message="the store is away"', 1, true), text)
    assert.is_truthy(text:find("store state=back\n", 1, true), text)
    assert.is_truthy(text:find("gitdev: the rate limit is not shared for now, each paces itself: ", 1, true), text)
  end)

  it("whose callback fails, does so aloud and to nobody's harm", function()
    local world = test.world { latency = LATENCY }
    local stderr, lines = io.stderr, {}
    io.stderr = { write = function(_, ...) -- luacheck: ignore 122
      lines[#lines + 1] = table.concat { ... }
    end, flush = function() end }
    local ok = pcall(world.run, world, function()
      local store = new_store()
      store.away = problem()
      gitdev.client({ rate_limit_store = store, on_store_error = function()
        error "mine"
      end }).projects:list()
    end)
    io.stderr = stderr -- luacheck: ignore 122
    assert.is_true(ok)
    assert.is_truthy(table.concat(lines):find("on_store_error failed: .*mine"))
  end)

  it("is checked as an option", function()
    local world = test.world()
    world:run(function()
      local store = new_store()
      for _, case in ipairs {
        { { rate_limit_store = {} }, "a table with a function take" },
        { { rate_limit_store = store, rate_limit_name = "a b" }, "rate_limit_name: must be up to 64 letters" },
        { { rate_limit_name = "acme" }, "rate_limit_store as well" },
        { { rate_limit_store = store, driver = { perform = print, sleep = print, now = print } }, "does not visit stores" },
      } do
        local ok, git, err = pcall(safe.client, case[1])
        local text = tostring(ok and err or git)
        assert.is_truthy(text:find(case[2], 1, true), text)
      end
    end)
  end)
end)

describe("limits that cannot be read", function()
  it("leave each member to itself, and are asked for again", function()
    local world = test.world { latency = LATENCY }
    local asked, handle = 0, world.emulator.handle
    function world.emulator.handle(emulator, request)
      if request.target == "/v2/rate_limit" then
        asked = asked + 1
        local body = '{"error":{"type":"permission_error","code":"x","message":"no"}}'
        return { status = 403, headers = { "Content-Type", "application/json" }, body = body }
      end
      return handle(emulator, request)
    end
    world:run(function()
      local list = members(world, 2, new_store())
      gitdev.run(work, list, 4, 30)
      assert.is_true(world:elapsed() < 20)
      assert.is_true(asked >= 1 and asked <= 4, asked)
      gitdev.sleep(120)
      gitdev.run(work, list, 4, 10)
      assert.is_true(asked >= 2)
    end)
  end)
end)

-- Over libcurl, in real time: nothing here says how long it may take.
describe("a shared rate limit over sockets", function()
  local running, seen

  before_each(function()
    running = assert(server.start { seed = 1, plan = "enterprise" })
    seen = { sent = 0, refused = 0 }
    local handle = running.emulator.handle
    function running.emulator.handle(emulator, request)
      local response = handle(emulator, request)
      seen.sent = seen.sent + (request.target == "/v2/rate_limit" and 0 or 1)
      seen.refused = seen.refused + (response.status == 429 and 1 or 0)
      return response
    end
  end)

  after_each(function()
    running:stop()
  end)

  local function client(options)
    local given = { base_url = running.url, ca_file = running.ca_file, rate_limit_name = "acme" }
    given.api_key = running.emulator:issue_key { livemode = false }
    for name, value in pairs(options) do
      given[name] = value
    end
    return gitdev.client(given)
  end

  -- A store that has to wait for its answers.
  local function slow_store()
    local inner, store = gitdev.store.memory(), { began = 0 }
    function store.take()
      error "it was to be asked without waiting"
    end
    function store:take_async(name, report, done)
      self.began = self.began + 1
      if not self.silent then
        loop.schedule(loop.now() + 0.002, function()
          if self.away then
            done(nil, "away")
          else
            done(inner:take(name, report))
          end
        end)
      end
    end
    return store
  end

  for name, new in pairs { ["that answers at once"] = gitdev.store.memory, ["that has to be waited for"] = slow_store } do
    it("is spent together by tasks of several members, through a store " .. name, function()
      local store = new()
      gitdev.run(work, { client { rate_limit_store = store }, client { rate_limit_store = store } }, 16, 300)
      assert.same({ 300, 0 }, { seen.sent, seen.refused })
    end)

    it("is kept to by calls that block, and by those that are repeated, through a store " .. name, function()
      local git = client { rate_limit_store = new() }
      running.emulator:fault { after = 1, drop = true }
      for _ = 1, 20 do
        assert.equal("my-app", git.projects:get("my-app").slug)
      end
      assert.equal("yes", git.rate_limit().shared)
      assert.equal(0, seen.refused)
    end)
  end

  it("is each one's own when its store falls silent, which is told, until it speaks again", function()
    local store, messages = slow_store(), {}
    local git = client { rate_limit_store = store, on_store_error = function(err)
      messages[#messages + 1] = err.message
    end }
    git.projects:get "my-app"
    store.silent = true
    git.projects:get "my-app"
    assert.equal("away", git.rate_limit().shared)
    assert.same({ "the store of the rate limit failed: it did not answer for 2.9 seconds" }, messages)
    store.silent = false
    repeat
      git.projects:get "my-app"
    until git.rate_limit().shared == "yes"
    store.away = true
    local told = 0
    local other = client { rate_limit_store = store, on_store_error = function()
      told = told + 1
    end }
    other.projects:get "my-app"
    assert.same({ "away", 1 }, { other.rate_limit().shared, told })
  end)

  it("does nothing while no call is under way, and holds nobody up who steps the loop", function()
    if loop.current() then
      return -- under the host, specs run in a task of the loop's
    end
    local git = client { rate_limit_store = gitdev.store.memory() }
    git.projects:get "my-app"
    local finished
    gitdev.spawn(function()
      git.projects:get "my-app"
      finished = true
    end)
    repeat
      gitdev.step(0.01)
    until finished
    git:close()
    assert.has_error(function()
      git.projects:get "my-app"
    end)
  end)

  it("is one service of the loop, however many limits are in use", function()
    local served, serve, clients = 0, loop.serve, {}
    loop.serve = function(...)
      served = served + 1
      return serve(...)
    end
    for i = 1, 20 do
      clients[i] = client { rate_limit_store = slow_store(), rate_limit_name = "limit-" .. i }
    end
    gitdev.run(work, clients, 1, 40)
    loop.serve = serve
    assert.same({ 40, 1 }, { seen.sent, served })
  end)

  it("outlives the loop that it was first used on", function()
    local git = client { rate_limit_store = gitdev.store.memory() }
    git.projects:get "my-app"
    running:stop()
    loop.close()
    running = assert(server.start { seed = 1, plan = "enterprise" })
    local again = client { rate_limit_store = slow_store() }
    for _ = 1, 3 do
      again.projects:get "my-app"
    end
    assert.equal("yes", again.rate_limit().shared)
  end)
end)

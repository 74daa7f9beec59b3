-- The rate limit and the budget for retries (contract 1.11 and 1.12), by the hour, in virtual time: what the server sees of a program that
-- asks for all that it may.
local gitdev = require "gitdev"
local limits = require "gitdev.api.limits"
local test = require "gitdev.test"
local pcall = gitdev.pcall -- tasks wait in it

local LATENCY = 0.1

-- Counts what the emulator is asked, but for the limits themselves, and what it answers. Its own log is bounded.
local function watch(world)
  local seen = { sent = 0, refused = 0, times = {} }
  local handle = world.emulator.handle
  function world.emulator.handle(emulator, request)
    local response = handle(emulator, request)
    if request.target ~= "/v2/rate_limit" then
      seen.sent = seen.sent + 1
      seen.times[seen.sent] = world:elapsed()
      seen.refused = seen.refused + (response.status == 429 and 1 or 0)
    end
    return response
  end
  return seen
end

-- So many tasks, which share so many calls.
local function share(tasks, calls, call)
  for i = 1, tasks do
    gitdev.spawn(function()
      while calls > 0 do
        calls = calls - 1
        call(i)
      end
    end)
  end
end

describe("a rate limit #many", function()
  -- The bucket is full at first: the least time for n calls is (n - burst) / rate. At least 95 % of the rate is measured over that time.
  local function least(plan, calls)
    local limit = limits.plans[plan]
    return (calls - limit.burst) / (limit.per_minute / 60)
  end

  for _, plan in ipairs { "starter", "pro", "enterprise" } do
    it("of " .. plan .. " is used to 95 % by 1,000 calls from 64 tasks, and never refuses one", function()
      local world = test.world { plan = plan, latency = LATENCY }
      local seen = watch(world)
      world:run(function()
        local git = gitdev.client { timeout = 3600 }
        share(64, 1000, function()
          git.projects:get "my-app"
        end)
      end)
      assert.same({ 1000, 0 }, { seen.sent, seen.refused })
      assert.is_true(world:elapsed() >= least(plan, 1000))
      assert.is_true(world:elapsed() <= least(plan, 1000) / 0.95, world:elapsed() .. " s, where at least " .. least(plan, 1000) .. " are needed")
    end)

    it("of " .. plan .. " is shared by the clients of a key", function()
      local world = test.world { plan = plan, latency = LATENCY }
      local seen = watch(world)
      world:run(function()
        local clients = {}
        for i = 1, 4 do
          clients[i] = gitdev.client { timeout = 3600 }
        end
        share(64, 1000, function(i)
          clients[i % 4 + 1].projects:get "my-app"
        end)
      end)
      assert.same({ 1000, 0 }, { seen.sent, seen.refused })
      assert.is_true(world:elapsed() <= least(plan, 1000) / 0.95)
    end)
  end

  it("is kept by clients that come and go", function()
    local world = test.world { plan = "pro", latency = LATENCY }
    local seen = watch(world)
    world:run(function()
      local made = 0
      share(16, 200, function()
        gitdev.client({ timeout = 3600 }).projects:get "my-app"
        made = made + 1
        if made % 60 == 0 then
          collectgarbage()
        end
      end)
    end)
    assert.same({ 200, 0 }, { seen.sent, seen.refused })
  end)

  -- The emulator has two organizations' worth of data: test and live.
  local function two_keys(world)
    local live = world.emulator:issue_key { livemode = true }
    return gitdev.client { timeout = 3600 }, gitdev.client { timeout = 3600, api_key = live }
  end

  it("of one organization does not slow another one down", function()
    local world = test.world { plan = "pro", latency = LATENCY }
    local seen, done = watch(world), {}
    world:run(function()
      local here, there = two_keys(world)
      for name, git in pairs { here = here, there = there } do
        gitdev.spawn(function()
          gitdev.run(share, 64, 500, function()
            git.projects:get "my-app"
          end)
          done[name] = world:elapsed()
        end)
      end
    end)
    assert.same({ 1000, 0 }, { seen.sent, seen.refused })
    for _, seconds in pairs(done) do
      assert.is_true(seconds >= least("pro", 500) and seconds <= least("pro", 500) / 0.95)
    end
  end)

  it("that the server says is used up pauses everyone on the key, and nobody on another", function()
    local world = test.world { latency = LATENCY }
    local times = { here = {}, there = {} }
    world:run(function()
      local here, there = two_keys(world)
      local function steadily(name, git)
        for _ = 1, 100 do
          gitdev.spawn(function()
            git.projects:list {}
            table.insert(times[name], world:elapsed())
          end)
          gitdev.sleep(0.25)
        end
      end
      gitdev.spawn(steadily, "here", here)
      gitdev.spawn(steadily, "there", there)
      gitdev.sleep(5)
      world.emulator:fault { status = 429, headers = { ["Retry-After"] = "10" } }
      here.projects:get "my-app"
      assert.is_true(world:elapsed() >= 15)
    end)
    local function between(name, from, to)
      local count = 0
      for _, time in ipairs(times[name]) do
        count = count + (time > from and time < to and 1 or 0)
      end
      return count
    end
    assert.equal(0, between("here", 5.3, 15))
    assert.is_true(between("here", 15, 16) >= 38) -- all that had waited
    assert.is_true(between("there", 5.3, 15) >= 38)
    assert.same({ 100, 100 }, { #times.here, #times.there })
  end)

  it("that others use up too is kept to, at the price of few refusals", function()
    local world = test.world { plan = "pro", latency = LATENCY }
    local seen, stop = watch(world), false
    local headers = { authorization = "Bearer " .. world.emulator.api_key }
    world:run(function()
      -- Somebody else, who does not pace: half the rate, by the clock.
      gitdev.spawn(function()
        while not stop do
          world.emulator:handle { method = "GET", target = "/v2/projects", body = "", headers = headers }
          gitdev.sleep(0.2)
        end
      end)
      local git = gitdev.client { timeout = 3600 }
      gitdev.run(share, 16, 500, function()
        git.projects:get "my-app"
      end)
      stop = true
    end)
    assert.is_true(seen.refused <= 0.05 * seen.sent, seen.refused .. " of " .. seen.sent .. " were refused")
  end)

  it("that a call cannot wait for ends it, before anything is sent", function()
    local world = test.world { plan = "starter", latency = LATENCY }
    local seen = watch(world)
    world:run(function()
      local git = gitdev.client()
      gitdev.run(share, 10, 10, function()
        git.projects:get "my-app"
      end)
      local before = world:elapsed()
      local ok, err = pcall(git.projects.get, git.projects, "my-app", { timeout = 0.5 })
      assert.is_false(ok)
      assert.same({ "timeout_error", "deadline", 0 }, { err.type, err.code, #err.attempts })
      assert.is_true(math.abs(world:elapsed() - before - 0.5) < 1e-6)
      local limit = git.rate_limit()
      assert.same({ 60, 10 }, { limit.per_minute, limit.burst })
    end)
    assert.equal(10, seen.sent)
  end)
end)

describe("the budget for retries #many", function()
  local HOUR = 3600
  -- What an hour gives: 20 at first, one a minute from the first retry on. It is never full again, as there is always somebody to take it.
  local function given(from, to, successes)
    return math.floor(20 + (to - from) / 60 + 0.1 * (successes or 0) + 1e-6)
  end

  -- Calls every two seconds from several tasks, for an hour.
  local function steady_load(world, tasks, options)
    local told = { calls = 0, tries = 0, verdicts = {}, successes = 0 }
    world:run(function()
      local git = gitdev.client(options)
      for i = 1, tasks do
        gitdev.spawn(function()
          gitdev.sleep(2 * (i - 1))
          for _ = 1, HOUR / (2 * tasks) do
            gitdev.spawn(function()
              local ok, err = pcall(git.projects.get, git.projects, "my-app")
              told.calls = told.calls + 1
              if ok then
                told.successes = told.successes + 1
              else
                told.tries = told.tries + #err.attempts
                local reason = err.attempts[#err.attempts].reason
                told.verdicts[reason] = (told.verdicts[reason] or 0) + 1
              end
            end)
            gitdev.sleep(2 * tasks)
          end
        end)
      end
    end)
    return told
  end

  local OUTAGES = {
    { "that answers 503 and a second to wait", { status = 503 }, { 1, 4, 20 } },
    { "that answers 503", { status = 503, retry_after = false }, { 1 } },
    { "that answers 503 and half a minute to wait", { status = 503, headers = { ["Retry-After"] = "30" } }, { 20 } },
    { "that drops every connection", { drop = true }, { 4 } },
    { "that resets every connection", { reset = true }, { 1 } },
    { "that answers late", { delay = 3 }, { 4 }, client = { try_timeout = 1 } },
  }
  for _, outage in ipairs(OUTAGES) do
    for _, tasks in ipairs(outage[3]) do
      it("bounds what a server sees " .. outage[1] .. " for an hour, from " .. tasks .. " tasks", function()
        local world = test.world { latency = LATENCY }
        local seen = watch(world)
        outage[2].times = 1e9
        world.emulator:fault(outage[2])
        local told = steady_load(world, tasks, outage.client)
        assert.equal(HOUR / 2, told.calls)
        -- The first failure is where the budget is taken from first, the last one where it is asked for last.
        local first, last = seen.times[1], seen.times[seen.sent]
        local retries = seen.sent - told.calls
        assert.equal(given(first, last), retries)
        assert.is_true(retries <= 20 + 60)
        assert.equal(told.calls + retries, told.tries) -- the ledgers have each try, and no other
        local empty = told.verdicts["retry budget empty"]
        local used_up = told.verdicts["retries used up"] or 0
        assert.equal(told.calls, empty + used_up)
        assert.is_true(empty > told.calls * 0.98)
      end)
    end
  end

  it("grows by a tenth for each success", function()
    local world = test.world { latency = LATENCY }
    local seen = watch(world)
    -- Every tenth request comes through.
    local handle = world.emulator.handle
    function world.emulator.handle(emulator, request)
      if seen.sent % 10 ~= 9 then
        emulator:fault { status = 500 }
      end
      return handle(emulator, request)
    end
    local told = steady_load(world, 4)
    local retries = seen.sent - told.calls
    assert.is_true(told.successes > 180)
    assert.is_true(math.abs(given(seen.times[1], seen.times[seen.sent], told.successes) - retries) <= 1)
  end)

  it("is one for all the clients of an origin, whatever their keys", function()
    local world = test.world { latency = LATENCY }
    local seen = watch(world)
    world.emulator:fault { status = 500, times = 1e9 }
    world:run(function()
      local live = world.emulator:issue_key { livemode = true }
      local clients = { gitdev.client(), gitdev.client(), gitdev.client { api_key = live } }
      for _ = 1, 20 do
        for _, git in ipairs(clients) do
          pcall(git.projects.get, git.projects, "my-app")
        end
      end
      assert.equal(60 + 20 + math.floor(world:elapsed() / 60), seen.sent)
      for _, git in ipairs(clients) do
        assert.is_true(git.rate_limit().retry_budget < 1)
      end
    end)
  end)

  it("comes back by the minute, as far as it goes", function()
    local world = test.world { latency = LATENCY }
    world:run(function()
      local git = gitdev.client()
      world.emulator:fault { status = 500, times = 1000 }
      for _ = 1, 11 do
        pcall(git.projects.get, git.projects, "my-app")
      end
      assert.is_true(git.rate_limit().retry_budget < 1)
      local _, err = pcall(git.projects.get, git.projects, "my-app")
      assert.same({ "error", "retry budget empty" }, { err.attempts[1].verdict, err.attempts[1].reason })
      assert.is_true(err.retryable)
      gitdev.sleep(600)
      assert.is_true(math.abs(git.rate_limit().retry_budget - 10) < 1)
      gitdev.sleep(36000)
      assert.equal(20, git.rate_limit().retry_budget)
    end)
  end)
end)

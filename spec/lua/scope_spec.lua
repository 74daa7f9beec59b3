-- gitdev.all, race and timeout, in virtual time.
local fake = require "spec.lua.support.fake"
local gitdev = require "gitdev"
local loop = require "gitdev.loop"
local made_of = require "spec.lua.support.tasks"
local test = require "gitdev.test"
local pcall = gitdev.pcall -- tasks wait in it

local raised = fake.raised

local sleeper, failer = made_of.sleeper, made_of.failer

-- What is begun says when it was canceled.
local function victim(log, name)
  return function()
    local ok, err = pcall(gitdev.sleep, 1e6)
    log[#log + 1] = name .. (ok and " slept" or " " .. tostring(err.code))
    error(err, 0)
  end
end

local function it_inside(name, fn)
  it(name, function()
    test.run(fn)
  end)
end

describe("gitdev.all", function()
  it_inside("runs functions at once and has the first result of each under its key", function(world)
    local results = gitdev.all {
      sleeper(3, "one", "more"),
      sleeper(1, "two"),
      named = sleeper(2, false),
      [true] = sleeper(2, "boolean"),
      none = sleeper(1),
    }
    assert.same({ "one", "two", named = false, [true] = "boolean" }, results)
    assert.equal(3, world:elapsed())
  end)

  it_inside("takes one function", function()
    assert.same({ "only" }, gitdev.all { sleeper(1, "only") })
    assert.same({ key = "only" }, gitdev.all { key = sleeper(1, "only") })
  end)

  it_inside("begins with the numbers in order, then the names in theirs", function()
    local order = {}
    local fns = {}
    for _, key in ipairs { "b", 2, "a", 1, 10, "c", 1.5 } do
      fns[key] = function()
        order[#order + 1] = tostring(key)
      end
    end
    gitdev.all(fns)
    assert.equal("1 1.5 2 10 a b c", table.concat(order, " "))
    fns, order = {}, {}
    for _, key in ipairs { "z", true, "a", false, 1, "s", "u", "c", "x", "b", "e", "g", "v" } do
      fns[key] = function()
        order[#order + 1] = tostring(key)
      end
    end
    gitdev.all(fns)
    assert.equal("1 a b c e false g s true u v x z", table.concat(order, " "))
  end)

  it_inside("raises the first error, and cancels the others before it does", function(world)
    local log = {}
    assert.equal("first", raised(gitdev.all, { victim(log, "a"), failer(1, "first"), failer(2, "second"), victim(log, "b") }))
    assert.same({ "a canceled", "b canceled" }, log)
    assert.equal(1, world:elapsed())
    gitdev.sleep(100) -- nothing of it is left
  end)

  it_inside("raises errors of any kind", function()
    for _, err in ipairs { "text", {}, 1, false } do
      assert.equal(err, raised(gitdev.all, { sleeper(5), failer(1, err) }))
    end
    local ok, err = pcall(gitdev.all, { sleeper(5), failer(1, nil) })
    assert.same({ false, nil }, { ok, err })
  end)

  it_inside("waits for what its functions spawn", function(world)
    gitdev.all { function()
      gitdev.spawn(sleeper(5))
    end }
    assert.equal(5, world:elapsed())
    assert.equal("grandchild's", raised(gitdev.all, { sleeper(100), function()
      gitdev.spawn(failer(1, "grandchild's"))
    end }))
    assert.equal(6, world:elapsed())
  end)

  it_inside("refuses what is no table of functions", function()
    assert.same({}, gitdev.all {}) -- of a list that was made as the program ran, say
    assert.matches("takes at least one function", raised(gitdev.race, {}).message)
    for _, case in ipairs { { "f", "takes a table of functions" }, { 1, "takes a table of functions" },
      { { 1 }, "what stands at 1 is a number" }, { { a = {} }, "what stands at a is a table" } } do
      assert.matches(case[2], raised(gitdev.all, case[1]).message, 1, true)
      assert.matches(case[2], raised(gitdev.race, case[1]).message, 1, true)
    end
  end)
end)

describe("gitdev.race", function()
  it_inside("gives the first result and its key, and cancels the others before it returns", function(world)
    local log = {}
    local result, key = gitdev.race { slow = victim(log, "slow"), fast = sleeper(1, "fast one"), slower = sleeper(2, "no") }
    assert.same({ "fast one", "fast" }, { result, key })
    assert.same({ "slow canceled" }, log)
    assert.equal(1, world:elapsed())
  end)

  it_inside("gives results that are nil or false", function()
    assert.same({ n = 2, nil, 1 }, { n = select("#", gitdev.race { sleeper(1), sleeper(2, "no") }), gitdev.race { sleeper(1), sleeper(2) } })
    assert.same({ false, "a" }, { gitdev.race { a = sleeper(1, false), b = sleeper(2, true) } })
  end)

  it_inside("takes one function", function()
    assert.same({ "only", 1 }, { gitdev.race { sleeper(1, "only") } })
    assert.equal("x", raised(gitdev.race, { failer(1, "x") }))
  end)

  it_inside("raises what the first one raised, if it failed", function(world)
    local log = {}
    assert.equal("first", raised(gitdev.race, { victim(log, "a"), failer(1, "first"), sleeper(2, "no") }))
    assert.same({ "a canceled" }, log)
    assert.equal(1, world:elapsed())
  end)

  it_inside("of two at the same time, takes the first", function()
    assert.same({ "one", 1 }, { gitdev.race { sleeper(1, "one"), failer(1, "late") } })
    assert.same({ "one", 1 }, { gitdev.race { sleeper(1, "one"), sleeper(1, "two") } })
    assert.equal("early", raised(gitdev.race, { failer(1, "early"), sleeper(1, "late") }))
    assert.same({ 1, 1 }, { gitdev.race { function()
      return 1
    end, function()
      error "never begun"
    end } })
  end)

  it_inside("does not mind what the others raise when they are canceled", function()
    assert.same({ "one", 1 }, { gitdev.race { sleeper(1, "one"), function()
      pcall(gitdev.sleep, 100)
      error("in cleaning up", 0)
    end } })
    gitdev.sleep(10)
  end)

  it_inside("waits for others that will not end at once, and for what the first one has spawned", function(world)
    local cleaned
    assert.equal("x", (gitdev.race { sleeper(1, "x"), function()
      pcall(gitdev.sleep, 100)
      cleaned = true
    end }))
    assert.is_true(cleaned)
    gitdev.race { function()
      gitdev.spawn(sleeper(5))
    end, sleeper(100) }
    assert.equal(6, world:elapsed())
  end)

  it_inside("takes a slow call back", function(world)
    world.emulator:fault { match = { op = "projects.get" }, delay = 20 }
    local git = gitdev.client()
    local _, key = gitdev.race {
      call = function()
        return git.projects:get "my-app"
      end,
      time = sleeper(1),
    }
    assert.equal("time", key)
    assert.matches(" cancel GET /v2/projects/my%-app ", world:trace())
  end)
end)

describe("gitdev.timeout", function()
  it_inside("gives the results of what is done in time, and leaves no timer", function(world)
    assert.same({ n = 3, 1, nil, 3 }, { n = select("#", gitdev.timeout(10, function(...)
      gitdev.sleep(1)
      return ...
    end, 1, nil, 3)), gitdev.timeout(10, function(...)
      return ...
    end, 1, nil, 3) })
    gitdev.sleep(100)
    assert.equal(101, world:elapsed())
  end)

  it_inside("raises a timeout_error when it is not", function(world)
    local log = {}
    local err = raised(gitdev.timeout, 2.5, victim(log, "a"))
    assert.same({ "timeout_error", "timeout", true }, { err.type, err.code, err.retryable })
    assert.matches("within 2.5 seconds", err.message, 1, true)
    assert.same({ "a timeout" }, log)
    assert.equal(2.5, world:elapsed())
    gitdev.sleep(1)
  end)

  it_inside("passes errors on", function()
    assert.equal("x", raised(gitdev.timeout, 10, failer(1, "x")))
    gitdev.sleep(100)
  end)

  -- The seconds of the outer one, of the inner one, of the sleep; which of them ends it, and when.
  local NESTED = {
    { 1, 5, 10, "1 seconds", 1 },
    { 5, 1, 10, "1 seconds", 1 },
    { 1, 1, 10, "1 seconds", 1 },
    { 5, 3, 1, nil, 1 },
    { 1, 1, 1, "1 seconds", 1 },
    { 0, 1, 1, "0 seconds", 0 },
    { 1, 0, 1, "0 seconds", 0 },
  }
  for _, case in ipairs(NESTED) do
    it_inside(("of %g seconds around one of %g around a sleep of %g"):format(case[1], case[2], case[3]), function(world)
      local ok, err = pcall(gitdev.timeout, case[1], gitdev.timeout, case[2], sleeper(case[3], "slept"))
      assert.equal(case[4] == nil, ok)
      if not ok then
        assert.matches("within " .. case[4], err.message, 1, true)
      end
      assert.equal(case[5], world:elapsed())
      gitdev.sleep(20)
    end)
  end

  it_inside("of the outer one stays the reason, whatever the inner one says while cleaning up", function(world)
    local err = raised(gitdev.timeout, 1, function()
      gitdev.timeout(1, function()
        pcall(gitdev.sleep, 10)
        coroutine.wrap(pcall)(gitdev.sleep, 10)
        return "in time?"
      end)
    end)
    assert.equal("timeout_error", err.type)
    assert.equal(1, world:elapsed())
  end)

  it_inside("of 0 seconds does not let it begin", function()
    local begun
    local err = raised(gitdev.timeout, 0, function()
      begun = true
    end)
    assert.equal("timeout_error", err.type)
    assert.is_nil(begun)
  end)

  it("of 0 seconds does not let it begin either where a program steps", function()
    local world = test.world()
    loop.within(world, function()
      local begun, refused = 0, 0
      for waits = 0, 3 do -- so that it comes to be at each point of a step
        gitdev.spawn(function()
          for _ = 1, waits do
            gitdev.spawn(function() end):wait()
          end
          pcall(gitdev.timeout, 0, function()
            begun = begun + 1
          end)
          refused = refused + 1
        end)
      end
      while gitdev.step() > 0 do end -- luacheck: ignore 542
      assert.same({ 0, 4 }, { begun, refused })
    end)
  end)

  it_inside("bounds what the function has spawned, too", function(world)
    local err = raised(gitdev.timeout, 2, function()
      gitdev.spawn(sleeper(100))
      return "done, but for a child"
    end)
    assert.equal("timeout_error", err.type)
    assert.equal(2, world:elapsed())
  end)

  it_inside("bounds calls, retries and waits", function(world)
    world.emulator:fault { status = 503, times = 100, headers = { ["Retry-After"] = "30" } }
    local git = gitdev.client()
    assert.equal("timeout", raised(gitdev.timeout, 10, git.projects.get, git.projects, "my-app").code)
    assert.equal(10, world:elapsed())
  end)

  it_inside("refuses what is no time", function()
    for _, wrong in ipairs { -1, 0 / 0, math.huge, "1", false } do
      assert.matches("seconds from 0", raised(gitdev.timeout, wrong, sleeper(1)).message, 1, true)
    end
    assert.matches("gitdev.timeout takes a number of seconds and a function", raised(gitdev.timeout, 1).message, 1, true)
  end)

  it_inside("says what to do about its error, which has no tries to look at", function()
    local err = raised(gitdev.timeout, 1, sleeper(2))
    assert.same({}, err.attempts)
    assert.matches("^Give it more time%. Of a call,", gitdev.hint(err))
  end)
end)

describe("all, race and timeout in each other", function()
  it_inside("end all that they began, however they end", function(world)
    local log = {}
    local function busy(name)
      return function()
        gitdev.all { victim(log, name .. "1"), function()
          gitdev.race { victim(log, name .. "2"), function()
            gitdev.timeout(1e5, victim(log, name .. "3"))
          end }
        end }
      end
    end
    assert.equal("first", (gitdev.race { sleeper(1, "first"), busy "a" }))
    assert.equal("error", raised(gitdev.all, { failer(1, "error"), busy "b" }))
    assert.equal("timeout", raised(gitdev.timeout, 1, busy "c").code)
    assert.equal(9, #log)
    assert.equal(3, world:elapsed())
    for i = 1, 6 do
      assert.matches("canceled", log[i])
    end
    for i = 7, 9 do
      assert.matches("timeout", log[i])
    end
  end)
end)

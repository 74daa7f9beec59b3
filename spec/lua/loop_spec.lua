-- The loop's turns: what runs beside tasks, when it is called, and what is told of links that are closed. Time is virtual where it is waited for.
local compat = require "gitdev.compat"
local fake = require "spec.lua.support.fake"
local gitdev = require "gitdev"
local loop = require "gitdev.loop"
local made_of = require "spec.lua.support.tasks"
local schedule = require "gitdev.schedule"
local test = require "gitdev.test"

local raised = fake.raised

-- Runs fn(world) in a virtual world, outside of all tasks.
local function within(fn)
  local world = test.world()
  return loop.within(world, fn, world)
end

describe("a service", function()
  it("is called after each turn, and when it wants to be", function()
    within(function(world)
      local times = {}
      loop.serve(function()
        times[#times + 1] = world:elapsed()
        return #times < 4 and 2 or nil
      end)
      gitdev.sleep(10)
      assert.same({ 0, 2, 4, 6, 10 }, times)
    end)
  end)

  it("may take itself out, and any other; those that stay have their turn all the same", function()
    within(function(world)
      local log, one, two, three = {}, nil, nil, nil
      function one()
        log[#log + 1] = "one " .. world:elapsed()
        if world:elapsed() == 2 then
          loop.unserve(one)
          loop.unserve(two)
        end
        return 1
      end
      function two()
        log[#log + 1] = "two " .. world:elapsed()
      end
      function three()
        log[#log + 1] = "three " .. world:elapsed()
        if world:elapsed() == 4 then
          loop.unserve(three)
        end
        return 2
      end
      loop.serve(two)
      loop.serve(three)
      loop.serve(one)
      log = {}
      gitdev.sleep(9)
      assert.same({ "two 1", "three 1", "one 1", "two 2", "three 2", "one 2", "three 4" }, log)
      assert.same({ false, false, false }, { loop.serves(one), loop.serves(two), loop.serves(three) })
    end)
  end)

  it("takes itself out, and the next one's time is not forgotten", function()
    test.run(function(world)
      local ticks, gone = {}, nil
      function gone()
        if world:elapsed() == 0 then
          return 1
        end
        loop.unserve(gone)
      end
      loop.serve(gone)
      loop.serve(function()
        ticks[#ticks + 1] = world:elapsed()
        return #ticks < 6 and 1 or nil
      end)
      ticks = {}
      gitdev.sleep(3.5)
      assert.same({ 1, 2, 3, 3.5 }, ticks)
    end)
  end)

  it("still has its time when all tasks are forgotten", function()
    within(function(world)
      local times = {}
      loop.serve(function()
        times[#times + 1] = world:elapsed()
        return 2
      end)
      loop.abandon()
      gitdev.sleep(3)
      assert.same({ 0, 2, 3 }, times)
    end)
  end)

  it("still has its timers then", function()
    made_of.outside(function()
      local fired = 0
      gitdev.spawn(gitdev.sleep, 1)
      gitdev.step()
      loop.schedule(loop.now(), function()
        fired = fired + 1
      end)
      loop.abandon()
      assert.equal(0, gitdev.step())
      assert.equal(1, fired)
    end)
  end)

  it("that raises is heard by who turns, and the loop goes on", function()
    within(function(world)
      local is_bad = false
      loop.serve(function()
        if is_bad then
          error("the service's", 0)
        end
        return 1
      end)
      is_bad = true
      assert.equal("the service's", raised(gitdev.run, gitdev.sleep, 5))
      is_bad = false
      assert.equal("fine", gitdev.run(function()
        gitdev.sleep(5)
        return "fine"
      end))
      assert.equal(6, world:elapsed())
    end)
  end)
end)

describe("sleep", function()
  it("of 0 seconds turns once, also where it blocks", function()
    within(function(world)
      local turns = 0
      loop.serve(function()
        turns = turns + 1
      end)
      turns = 0
      gitdev.sleep(0)
      assert.equal(1, turns)
      coroutine.wrap(gitdev.sleep)(0)
      assert.equal(2, turns)
      assert.equal(0, world:elapsed())
    end)
  end)

  it("ends in the order of the times, and of its beginning where those are the same", function()
    test.run(function()
      local order = {}
      for i, seconds in ipairs { 3, 1, 2, 1, 3, 0, 2 } do
        gitdev.spawn(function()
          gitdev.sleep(seconds)
          order[#order + 1] = i
        end)
      end
      gitdev.sleep(5)
      assert.same({ 6, 2, 4, 3, 7, 1, 5 }, order)
    end)
  end)

  it("of a very long time does not keep the loop from what comes before", function()
    local one = gitdev.spawn(gitdev.sleep, 1e300)
    assert.equal("timeout", raised(gitdev.timeout, 0.01, gitdev.sleep, 1e200).code)
    one:cancel()
    assert.equal("canceled_error", raised(one.wait, one).type)
  end)
end)

describe("timers and tasks", function()
  it("do not keep each other from their turn", function()
    test.run(function(world)
      local runs, fired, is_over = 0, 0, false
      local function again()
        fired = fired + 1
        if fired < 100 then
          loop.schedule(loop.now(), again)
        else
          is_over = true
        end
      end
      loop.schedule(loop.now(), again)
      gitdev.spawn(function()
        while not is_over do
          runs = runs + 1
          gitdev.sleep(0)
        end
      end):wait()
      assert.equal(100, fired)
      assert.is_true(runs > 0)
      assert.equal(0, world:elapsed())
    end)
  end)

  it("a timer may be set in a finalizer, while another is set", function()
    local jit = rawget(_G, "jit")
    if jit then
      jit.off()
      jit.flush() -- compiled code calls finalizers in the midst of anything
    end
    local timers, made, is_over = schedule.new(), 0, false
    local function arm()
      compat.finalizer(function()
        if not is_over then
          made = made + 1
          timers:at(made % 7, arm)
          arm()
        end
      end)
    end
    for _ = 1, 5 do
      arm()
    end
    local pause, speed = collectgarbage("setpause", 1), collectgarbage("setstepmul", 1000)
    for i = 1, 2000 do
      timers:at(i % 13, arm)
    end
    collectgarbage("setpause", pause)
    collectgarbage("setstepmul", speed)
    is_over = true
    if jit then
      jit.on()
    end
    local taken, last = 0, 0
    local timer = timers:take(100)
    while timer do
      assert.is_true(timer.due >= last)
      taken, last = taken + 1, timer.due
      timer = timers:take(100)
    end
    assert.equal(2000 + made, taken)
  end)
end)

it("a loop that was closed has nothing under way that could be told of anything", function()
  made_of.outside(function()
    loop.close()
    for _, name in ipairs { "resume", "poke", "cancel_all" } do
      assert.is_nil(loop[name] {})
    end
  end)
end)

describe("a link", function()
  -- One whose connections answer nothing; `closed` counts those that were closed.
  local function mute_link()
    local link = { made = 0, closed = 0 }
    function link.make()
      link.made = link.made + 1
      local connection = {}
      function connection:send() -- luacheck: ignore 212
        return { close = function() end }
      end
      function connection:news() end -- luacheck: ignore 212
      function connection:close() -- luacheck: ignore 212
        link.closed = link.closed + 1
      end
      return connection
    end
    return link
  end

  -- In a task, as under the host, there is no step.
  local function let_tasks_go_on()
    gitdev.run(gitdev.sleep, 0)
  end

  local function teller(log, name)
    return function(values, word, problem)
      log[#log + 1] = { name, values, word, problem }
    end
  end

  it("that is closed tells those who wait, and makes another connection for the next", function()
    local link, other, log = mute_link(), mute_link(), {}
    assert(loop.ask(link, teller(log, "one"), 5, "PING"))
    assert(loop.ask(other, teller(log, "other"), 5, "PING"))
    loop.unlink(link)
    assert.same({ { "one", nil, "away", "the connection was closed" } }, log)
    assert(loop.ask(link, teller(log, "two"), 5, "PING"))
    assert.same({ 2, 1, 0 }, { link.made, link.closed, other.closed })
    loop.unlink(link)
    loop.unlink(link)
    loop.unlink(other)
    assert.equal(3, #log)
    assert.same({ 2, 1 }, { link.closed, other.closed })
  end)

  it("does not tell of what was dropped by one who was told before", function()
    local link, told = mute_link(), 0
    local commands = {}
    for i = 1, 10 do
      commands[i] = loop.ask(link, function()
        told = told + 1
        for _, command in ipairs(commands) do
          loop.unask(command)
        end
      end, 5, "PING")
    end
    loop.unlink(link)
    assert.equal(1, told)
  end)

  it("is closed on its own loop, whichever world is present", function()
    local link, log = mute_link(), {}
    assert(loop.ask(link, teller(log, "one"), 5, "PING"))
    test.run(function()
      loop.unlink(link)
    end)
    assert.same({ { "one", nil, "away", "the connection was closed" } }, log)
    assert.equal(1, link.closed)
  end)

  it("tells of a loop that is closed, which takes nothing more", function()
    local link, log, problem = mute_link(), {}, nil
    assert(loop.ask(link, function(...)
      teller(log, "one")(...)
      problem = select(2, loop.ask(link, error, 5, "PING"))
    end, 5, "PING"))
    loop.close()
    assert.same({ { "one", nil, "away", "the loop was closed" } }, log)
    assert.equal("the loop was closed", problem)
    assert(loop.ask(link, teller(log, "two"), 5, "PING"))
    assert.equal(2, link.made)
    loop.unlink(link)
  end)

  it("that answers nothing is waited for in a task, until that is canceled", function()
    local link = mute_link()
    local one = gitdev.spawn(loop.answer, link, 5, "PING")
    let_tasks_go_on()
    one:cancel()
    assert.equal("canceled_error", raised(one.wait, one).type)
    local words = {}
    gitdev.spawn(function()
      words = { loop.answer(link, 5, "PING") }
    end)
    let_tasks_go_on()
    loop.unlink(link)
    let_tasks_go_on()
    assert.same({ nil, "away", "the connection was closed" }, words)
  end)

  it("has the command of a canceled task dropped, whichever world is present", function()
    local link, dropped = mute_link(), 0
    local make = link.make
    function link.make()
      local connection = make()
      function connection:send() -- luacheck: ignore 212
        return {
          close = function()
            dropped = dropped + 1
          end,
        }
      end
      return connection
    end
    local one = gitdev.spawn(loop.answer, link, 5, "PING")
    let_tasks_go_on()
    test.run(function()
      one:cancel()
    end)
    assert.equal(1, dropped)
    assert.equal("canceled_error", raised(one.wait, one).type)
    loop.unlink(link)
  end)
end)

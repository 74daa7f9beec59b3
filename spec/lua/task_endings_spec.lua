-- How tasks end in moments that are easy to get wrong: two things at once, trees that are very deep, finalizers, what is held afterwards. Time is
-- virtual.
local compat = require "gitdev.compat"
local fake = require "spec.lua.support.fake"
local gitdev = require "gitdev"
local loop = require "gitdev.loop"
local made_of = require "spec.lua.support.tasks"
local test = require "gitdev.test"
local pcall = gitdev.pcall -- tasks wait in it

local raised = fake.raised

local sleeper, failer = made_of.sleeper, made_of.failer

local function it_inside(name, fn)
  it(name, function()
    test.run(fn)
  end)
end

describe("no error is lost:", function()
  it_inside("one whose waiter is canceled in the same moment reaches the parent", function()
    local child = gitdev.spawn(failer(1, "child's"))
    local waiter = gitdev.spawn(child.wait, child)
    gitdev.spawn(function()
      gitdev.sleep(1)
      waiter:cancel()
    end)
    assert.equal("child's", raised(gitdev.sleep, 5))
    gitdev.sleep(5)
    assert.same({ "failed", "canceled" }, { child:status(), waiter:status() })
  end)

  it_inside("nor does it when another still waits", function()
    local child = gitdev.spawn(failer(1, "child's"))
    local waiter, other = gitdev.spawn(child.wait, child), gitdev.spawn(pcall, child.wait, child)
    gitdev.spawn(function()
      gitdev.sleep(1)
      waiter:cancel()
    end)
    gitdev.sleep(5)
    assert.same({ false, "child's" }, { other:wait() })
  end)

  it_inside("one whose parent is over by then reaches that one's parent", function()
    local waiter
    local parent = gitdev.spawn(function()
      local child = gitdev.spawn(failer(1, "child's"))
      waiter = gitdev.spawn(child.wait, child)
    end)
    gitdev.sleep(0)
    gitdev.spawn(function()
      gitdev.sleep(0.5)
      gitdev.sleep(0.5)
      waiter:cancel()
    end)
    assert.equal("child's", raised(gitdev.sleep, 5))
    assert.equal("failed", parent:status())
  end)

  it_inside("one that was to be waited for where tasks cannot be", function()
    local child = gitdev.spawn(failer(1, "child's"))
    coroutine.wrap(function()
      assert.matches("coroutine of the program's own", raised(child.wait, child))
    end)()
    assert.equal("child's", raised(gitdev.sleep, 5))
  end)

  -- How often each place is in where a task's error was raised.
  local function count_of(place, task)
    return select(2, task:where():gsub(place, ""))
  end

  it_inside("nor where the first was raised, when another follows before it is heard", function()
    local parent = gitdev.spawn(function()
      gitdev.spawn(function()
        local function at_first()
          gitdev.sleep(1)
          error "first"
        end
        at_first()
      end)
      gitdev.spawn(function()
        pcall(gitdev.sleep, 1)
        error "second"
      end)
      gitdev.sleep(5)
    end)
    assert.matches("first$", raised(parent.wait, parent))
    assert.equal(1, count_of("at_first", parent))
  end)

  it_inside("nor where it was raised, when its parent is canceled before it hears", function()
    local parent
    parent = gitdev.spawn(function()
      gitdev.spawn(function()
        local function at_first()
          gitdev.sleep(1)
          error "first"
        end
        at_first()
      end)
      gitdev.sleep(5)
    end)
    gitdev.sleep(0.5)
    gitdev.spawn(function()
      gitdev.sleep(0.5)
      parent:cancel()
    end)
    assert.matches("first$", raised(parent.wait, parent))
    assert.equal(1, count_of("at_first", parent))
  end)

  it("one that was waited for, in vain, outside of all tasks", function()
    local world = test.world()
    loop.within(world, function()
      local one
      one = gitdev.spawn(function()
        require("gitdev.task").park(loop.current())
        error("in the end", 0)
      end)
      assert.matches("deadlock", raised(one.wait, one))
      require("gitdev.task").wake(one)
      assert.equal("in the end", raised(gitdev.step))
      assert.equal(0, gitdev.step())
    end)
  end)

  it_inside("one that a canceled task's child raises in cleaning up", function()
    local where
    local parent = gitdev.spawn(function()
      where = gitdev.spawn(function()
        pcall(gitdev.sleep, 100)
        error("in cleaning up", 0)
      end)
      gitdev.sleep(100)
    end)
    gitdev.sleep(1)
    parent:cancel()
    assert.equal("in cleaning up", raised(gitdev.sleep, 5))
    assert.equal("failed", parent:status())
    assert.equal(1, select(2, parent:where():gsub(where:where():gsub("%p", "%%%0"), "")))
  end)

  it_inside("one of a child whose parent catches its cancellation", function()
    local parent = gitdev.spawn(function()
      gitdev.spawn(function()
        pcall(gitdev.sleep, 100)
        error("in cleaning up", 0)
      end)
      for _ = 1, 10 do
        pcall(gitdev.sleep, 100)
      end
      return "caught"
    end)
    gitdev.sleep(1)
    parent:cancel()
    assert.equal("in cleaning up", raised(parent.wait, parent))
  end)

  it_inside("one that the parent was to hear when it was canceled", function()
    local parent = gitdev.spawn(function()
      gitdev.spawn(failer(1, "child's"))
      gitdev.sleep(100)
    end)
    gitdev.spawn(function()
      gitdev.sleep(0.5)
      gitdev.sleep(0.5) -- so it is set after the child's
      parent:cancel()
    end)
    assert.equal("child's", raised(gitdev.sleep, 5))
    assert.matches("support/tasks.lua", parent:where(), 1, true)
  end)

  it_inside("but what nobody wants any more", function()
    assert.equal("won", (gitdev.race { sleeper(1, "won"), function()
      gitdev.spawn(function()
        pcall(gitdev.sleep, 100)
        error("in cleaning up", 0)
      end)
      gitdev.sleep(100)
    end }))
    gitdev.sleep(5)
  end)
end)

-- Each Lua has a stack that ends: what walks the tree must not need more of it the deeper the tree is.
describe("a very deep tree of tasks #many", function()
  local DEEP = 20000

  it_inside("is canceled", function()
    local ended = 0
    local function down(depth)
      if depth < DEEP then
        gitdev.spawn(down, depth + 1)
      end
      local ok, err = pcall(gitdev.sleep, 1e6)
      ended = ended + 1
      error(ok or err, 0)
    end
    local top = gitdev.spawn(down, 1)
    gitdev.sleep(1)
    top:cancel()
    assert.equal("canceled_error", raised(top.wait, top).type)
    assert.same({ DEEP, "canceled" }, { ended, top:status() })
  end)

  -- How the last one ends, and thereby all.
  local ENDS = {
    done = function() end,
    failed = failer(0, "the last one's"),
    canceled = sleeper(1e6),
  }
  for status, last in pairs(ENDS) do
    it_inside("each of which has ended but the last, ends as that one: " .. status, function()
      local function down(depth)
        if depth < DEEP then
          gitdev.spawn(down, depth + 1)
        else
          last()
        end
      end
      local top = gitdev.spawn(down, 1)
      pcall(gitdev.sleep, 1)
      top:cancel()
      pcall(top.wait, top)
      assert.equal(status, top:status())
    end)
  end

  it_inside("says where an error was raised, and not the whole way up", function()
    local depth, here = 0, nil
    local function down()
      depth = depth + 1
      if depth < 2000 then
        gitdev.run(down)
      end
      here = here or debug.traceback()
      error("deep", 0)
    end
    local top = gitdev.spawn(down)
    assert.equal("deep", raised(top.wait, top))
    assert.equal(here:match "task_endings_spec.lua:(%d+)" + 1, tonumber(top:where():match "task_endings_spec.lua:(%d+)"))
    assert.is_true(#top:where() < 64 * 1024)
  end)
end)

describe("a task that catches its cancellation and goes on", function()
  it("lets the others go on", function()
    test.run(function()
      local seen
      local stubborn = gitdev.spawn(function()
        local tries = 0
        repeat
          pcall(gitdev.sleep, 1)
          tries = tries + 1
        until seen or tries == 1000
        return tries
      end)
      gitdev.sleep(5)
      stubborn:cancel()
      gitdev.spawn(function()
        gitdev.sleep(0)
        seen = true
      end)
      assert.is_true(stubborn:wait() < 1000)
    end)
  end)

  it("does not keep a frame from ending", function()
    local world = test.world()
    loop.within(world, function()
      local on = true
      local stubborn = gitdev.spawn(function()
        local tries = 0
        while on and tries < 1000 do
          pcall(gitdev.sleep, 1)
          tries = tries + 1
        end
        return tries
      end)
      gitdev.step()
      stubborn:cancel()
      for _ = 1, 10 do
        assert.equal(1, gitdev.step())
      end
      on = false
      assert.is_true(stubborn:wait() < 100)
    end)
  end)
end)

describe("a task of another world", function()
  local world = test.world()

  -- A task in `world` that is in the midst of a call.
  local function caller()
    return loop.within(world, function()
      local one = gitdev.spawn(function()
        return gitdev.client({ api_key = world.emulator.api_key }).projects:list()
      end)
      gitdev.step()
      return one
    end)
  end

  it("can be canceled, and its call with it", function()
    local one = caller()
    one:cancel()
    assert.matches("cancel GET /v2/projects", world:trace())
    loop.within(world, function()
      assert.equal("canceled_error", raised(one.wait, one).type)
      assert.matches("deadlock", raised(gitdev.run, function() -- nothing is waited for any more
        require("gitdev.task").park(loop.current())
      end))
    end)
  end)

  it("is not waited for in this one", function()
    local one = caller()
    made_of.outside(function()
      assert.matches("the task is of another world", raised(one.wait, one))
    end)
    loop.within(world, one.wait, one)
    assert.equal("done", one:status())
  end)

  it("nor is one of a loop that was closed", function()
    made_of.outside(function()
      local one = gitdev.spawn(gitdev.sleep, 1000)
      gitdev.step()
      loop.close()
      one:cancel()
      assert.matches("of a loop that was closed", raised(one.wait, one))
    end)
  end)
end)

describe("a task may be made", function()
  it_inside("of one of C's functions", function()
    assert.equal(2, gitdev.spawn(math.max, 1, 2):wait())
    assert.equal("wrapped", gitdev.timeout(1, coroutine.wrap(function()
      return "wrapped"
    end)))
    assert.equal("x", raised(gitdev.run, error, "x", 0))
  end)

  it_inside("in a finalizer, at any moment", function()
    local made, ran, is_over = 0, 0, false
    local function arm()
      compat.finalizer(function()
        if not is_over then
          made = made + 1
          gitdev.spawn(function()
            ran = ran + 1
          end)
          loop.schedule(loop.now() + made % 3, arm)
        end
      end)
    end
    for _ = 1, 20 do
      arm()
    end
    collectgarbage()
    local pause, speed = collectgarbage("setpause", 1), collectgarbage("setstepmul", 1000)
    for _ = 1, 2000 do
      gitdev.sleep(0.1)
    end
    collectgarbage("setpause", pause)
    collectgarbage("setstepmul", speed)
    is_over = true
    gitdev.sleep(10)
    assert.is_true(made >= 20)
    assert.equal(made, ran)
  end)

  it_inside("by what closes with one that failed, where Lua closes things; that one waits without it", function(world)
    local log = {}
    local holder = setmetatable({}, { __close = function()
      gitdev.spawn(function()
        log[#log + 1] = "never begun"
      end)
      gitdev.sleep(3)
      log[#log + 1] = "closed"
    end })
    local one = gitdev.spawn(function()
      for _ in failer(0, "x"), nil, nil, holder do end
    end)
    assert.equal("x", raised(one.wait, one))
    gitdev.sleep(10)
    local closes = _VERSION == "Lua 5.4"
    assert.same(closes and { "closed" } or {}, log)
    assert.equal(closes and 13 or 10, world:elapsed())
  end)
end)

describe("a task that is over #many", function()
  -- KiB that are held by what make() returns.
  local function held_by(make)
    local held = { make() }
    collectgarbage()
    collectgarbage()
    local with = collectgarbage "count"
    rawset(held, 1, nil)
    collectgarbage()
    collectgarbage()
    return with - collectgarbage "count"
  end

  it_inside("holds no coroutine", function()
    local tasks = held_by(function()
      local list = {}
      for i = 1, 2000 do
        list[i] = gitdev.spawn(sleeper(1))
      end
      gitdev.sleep(5)
      return list
    end)
    assert.is_true(tasks < 2000 * 0.9, tasks .. " KiB for 2,000 tasks")
  end)

  it_inside("leaves nothing with a task that it waited for", function()
    local target = gitdev.spawn(sleeper(1e6))
    local function wait_in_vain(times)
      for _ = 1, times do
        pcall(gitdev.timeout, 0.001, target.wait, target)
      end
      collectgarbage()
      collectgarbage()
      return collectgarbage "count"
    end
    gitdev.spawn(pcall, target.wait, target)
    local before = wait_in_vain(50)
    assert.is_true(wait_in_vain(500) < before + 64)
    target:cancel()
  end)
end)

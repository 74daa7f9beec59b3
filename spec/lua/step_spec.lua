-- gitdev.step's budget: what a frame gives to tasks, and that none of them is passed over for it.
local gitdev = require "gitdev"
local made_of = require "spec.lua.support.tasks"

-- A task takes longer than the budget gives.
local LONG, BUDGET = 0.003, 0.002

local function raised(fn, ...)
  local ok, err = pcall(fn, ...)
  assert.is_false(ok)
  return err
end

describe("a step with a budget", function()
  local log, world

  local function it_outside(name, fn)
    it(name, function()
      made_of.outside(function(present)
        world = present
        fn()
      end)
    end)
  end

  -- Makes tasks that say their number and work, `rounds` times with a pause between.
  local function workers(count, rounds)
    log = {}
    for i = 1, count do
      gitdev.spawn(function()
        for round = 1, rounds do
          if round > 1 then
            gitdev.sleep(0)
          end
          log[#log + 1] = i
          world.clock = world.clock + LONG
        end
      end)
    end
  end

  it_outside("resumes no task after it is used up, and the others in the next steps", function()
    workers(3, 1)
    assert.equal(2, gitdev.step(0, BUDGET))
    assert.same({ 1 }, log)
    assert.equal(1, gitdev.step(0, BUDGET))
    assert.equal(0, gitdev.step(0, BUDGET))
    assert.same({ 1, 2, 3 }, log)
  end)

  it_outside("resumes one at least", function()
    for _, budget in ipairs { 0, -1 } do
      workers(2, 1)
      assert.equal(1, gitdev.step(0, budget))
      assert.equal(0, gitdev.step(0, budget))
    end
  end)

  it_outside("resumes none again that has used it up", function()
    workers(1, 2)
    assert.equal(1, gitdev.step(0, BUDGET))
    assert.same({ 1 }, log)
    assert.equal(0, gitdev.step(0, BUDGET))
    assert.same({ 1, 1 }, log)
  end)

  it_outside("lets nobody be served twice before all were served once", function()
    workers(3, 3)
    while gitdev.step(0, BUDGET) > 0 do end -- luacheck: ignore 542
    assert.equal(9, #log)
    for round = 0, 2 do
      local seen = {}
      for i = 1, 3 do
        seen[log[round * 3 + i]] = true
      end
      assert.same({ true, true, true }, seen)
    end
  end)

  it_outside("does not count what it waits", function()
    log = {}
    for i = 1, 2 do
      gitdev.spawn(function()
        gitdev.sleep(5)
        log[#log + 1] = i
      end)
    end
    while gitdev.step(10, 1) > 0 do
      assert.same({}, log)
    end
    assert.same({ 1, 2 }, log)
    assert.equal(5, world.clock)
  end)

  it_outside("is without a limit unless it is named, and of tasks that are done nothing is left", function()
    workers(3, 1)
    assert.equal(0, gitdev.step(0))
    assert.same({ 1, 2, 3 }, log)
  end)

  it_outside("still tells of a task that failed", function()
    workers(1, 1)
    gitdev.spawn(error, "lost", 0)
    assert.equal(1, gitdev.step(0, BUDGET))
    assert.equal("lost", raised(gitdev.step, 0, BUDGET))
    assert.equal(0, gitdev.step(0, BUDGET))
  end)

  it_outside("is a number", function()
    assert.matches("step takes as its budget a number of seconds, got soon", tostring(raised(gitdev.step, 0, "soon")))
    assert.matches("step takes as its budget a number of seconds", tostring(raised(gitdev.step, 0, 0 / 0)))
    assert.matches("step takes a number of seconds, got soon", tostring(raised(gitdev.step, "soon")))
  end)
end)

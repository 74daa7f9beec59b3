-- Tasks: who waits for whom, who hears of what, and what cancellation reaches. Time is virtual.
local compat = require "gitdev.compat"
local core = require "gitdev.core"
local fake = require "spec.lua.support.fake"
local gitdev = require "gitdev"
local loop = require "gitdev.loop"
local process = require "spec.lua.support.process"
local made_of = require "spec.lua.support.tasks"
local test = require "gitdev.test"
local pcall = gitdev.pcall -- tasks wait in it

local raised = fake.raised

-- Runs fn(world) in a world of its own. Returns what it returns.
local function inside(fn, options)
  return test.run(fn, options)
end

local sleeper, failer = made_of.sleeper, made_of.failer

describe("a task's method", function()
  it("says so when it is called with a dot", function()
    inside(function()
      local task = gitdev.spawn(sleeper(0))
      for _, name in ipairs { "wait", "cancel", "status", "where" } do
        assert.matches("call it with a colon, task:" .. name .. "()", raised(task[name]).message, 1, true)
        assert.matches("call it with a colon", raised(task[name], "reason").message, 1, true)
      end
      task:wait()
    end)
  end)
end)

describe("a parent", function()
  it("waits for its children, also when its function has returned", function()
    local order = {}
    inside(function(world)
      gitdev.spawn(function()
        gitdev.spawn(function()
          gitdev.sleep(3)
          order[#order + 1] = "grandchild"
        end)
        gitdev.sleep(2)
        order[#order + 1] = "child"
      end)
      order[#order + 1] = "parent"
      assert.equal(0, world:elapsed())
    end)
    assert.same({ "parent", "child", "grandchild" }, order)
  end)

  it("is not over before they are", function()
    inside(function(world)
      local parent = gitdev.spawn(function()
        gitdev.spawn(sleeper(5))
        return "result"
      end)
      gitdev.sleep(1)
      assert.equal("running", parent:status())
      assert.equal("result", parent:wait())
      assert.equal(5, world:elapsed())
      assert.equal("done", parent:status())
    end)
  end)

  it("cancels them when it fails, and fails when they are over", function()
    inside(function(world)
      local child
      local parent = gitdev.spawn(function()
        child = gitdev.spawn(function()
          pcall(gitdev.sleep, 100)
        end)
        gitdev.sleep(1)
        error("mine", 0)
      end)
      assert.equal("mine", raised(parent.wait, parent))
      assert.equal(1, world:elapsed())
      assert.same({ "failed", "done" }, { parent:status(), child:status() })
    end)
  end)

  it("hears a child's error at its next wait, and its siblings are canceled", function()
    inside(function(world)
      local sibling = gitdev.spawn(sleeper(100))
      local nephew
      gitdev.spawn(function()
        nephew = gitdev.spawn(sleeper(100))
      end)
      gitdev.spawn(failer(1, "child's"))
      assert.equal("child's", raised(gitdev.sleep, 50))
      assert.equal(1, world:elapsed())
      gitdev.sleep(0)
      assert.same({ "canceled", "canceled" }, { sibling:status(), nephew:status() })
      gitdev.sleep(7) -- it has been heard: the parent goes on
      assert.equal(8, world:elapsed())
    end)
  end)

  it("hears it while it is about to go on anyway", function()
    inside(function()
      local timely = gitdev.spawn(sleeper(1))
      gitdev.spawn(failer(1, "child's"))
      assert.equal("child's", raised(timely.wait, timely))
      assert.equal("done", timely:status())
    end)
  end)

  it("fails with it when its function has returned", function()
    inside(function()
      local parent = gitdev.spawn(function()
        gitdev.spawn(failer(1, "child's"))
        gitdev.spawn(sleeper(100))
        return "result"
      end)
      assert.equal("child's", raised(parent.wait, parent))
      assert.equal("failed", parent:status())
    end)
  end)

  it("hears the first of several errors, and then what the others' cleaning up raises", function()
    inside(function()
      gitdev.spawn(failer(1, "first"))
      gitdev.spawn(failer(1, "second"))
      assert.equal("first", raised(gitdev.sleep, 50))
      gitdev.sleep(10)
      gitdev.spawn(failer(1, "first"))
      gitdev.spawn(function()
        pcall(gitdev.sleep, 100)
        error("in cleaning up", 0)
      end)
      assert.equal("first", raised(gitdev.sleep, 50))
      assert.equal("in cleaning up", raised(gitdev.sleep, 50))
      gitdev.sleep(10)
    end)
  end)

  it("does not hear what a waiter hears in its place", function()
    inside(function(world)
      local heard
      local child = gitdev.spawn(failer(2, "child's"))
      local sibling = gitdev.spawn(sleeper(10, "fine"))
      gitdev.spawn(function()
        heard = raised(child.wait, child)
      end)
      gitdev.sleep(5)
      assert.equal("child's", heard)
      assert.equal("fine", sibling:wait())
      assert.equal("child's", raised(child.wait, child)) -- and whoever asks later
      assert.equal(10, world:elapsed())
    end)
  end)

  it("hears an error whose waiter was canceled before", function()
    inside(function()
      local child = gitdev.spawn(failer(2, "child's"))
      local waiter = gitdev.spawn(function()
        child:wait()
      end)
      gitdev.sleep(1)
      waiter:cancel()
      assert.equal("child's", raised(gitdev.sleep, 5))
    end)
  end)

  it("passes errors up as they are, whatever they are", function()
    local object = setmetatable({}, {
      __tostring = function()
        return "an object"
      end,
    })
    for _, err in ipairs { "text", { code = 1 }, object, 42, true, false } do
      inside(function()
        local child = gitdev.spawn(failer(1, err))
        assert.equal(err, raised(gitdev.sleep, 5))
        assert.equal("failed", child:status())
        assert.equal(err, raised(child.wait, child))
      end)
      assert.equal(err, raised(inside, failer(1, err)))
    end
  end)

  it("has what its function held for the length of a loop closed, where Lua can", function()
    local closed = {}
    inside(function()
      for name, fn in pairs {
        failed = function()
          error("stop", 0)
        end,
        canceled = function()
          gitdev.sleep(60)
        end,
      } do
        local holder = setmetatable({}, { __close = function()
          closed[#closed + 1] = name
        end })
        pcall(gitdev.timeout, 1, function()
          for _ in fn, nil, nil, holder do end
        end)
      end
    end)
    table.sort(closed)
    assert.same(_VERSION == "Lua 5.4" and { "canceled", "failed" } or {}, closed)
  end)

  it("hears an error that is nil", function()
    inside(function()
      local child = gitdev.spawn(function()
        error()
      end)
      local ok, err = pcall(gitdev.sleep, 5)
      assert.same({ false, nil, "failed" }, { ok, err, child:status() })
      ok, err = pcall(child.wait, child)
      assert.same({ false, nil }, { ok, err })
    end)
  end)
end)

describe("task:wait", function()
  it("returns all that the function returned", function()
    inside(function()
      local many = gitdev.spawn(function(...)
        gitdev.sleep(1)
        return nil, false, ..., nil
      end, 1, nil)
      assert.same({ n = 4, nil, false, 1, nil }, { n = select("#", many:wait()), many:wait() })
      local none = gitdev.spawn(function() end)
      assert.equal(0, select("#", none:wait()))
      assert.equal(0, select("#", none:wait()))
    end)
  end)

  it("passes arguments on, nils too", function()
    inside(function()
      local count = gitdev.spawn(function(...)
        return select("#", ...), (select(3, ...))
      end, nil, nil, "c", nil)
      local n, third = count:wait()
      assert.same({ 4, "c" }, { n, third })
    end)
  end)

  it("serves any number of waiters", function()
    inside(function()
      local target, sum = gitdev.spawn(sleeper(1, 7)), 0
      for _ = 1, 100 do
        gitdev.spawn(function()
          local result = target:wait()
          sum = sum + result
        end)
      end
      gitdev.sleep(2)
      assert.equal(700, sum)
    end)
  end)

  it("refuses oneself and one's ancestors", function()
    inside(function()
      local parent, child
      parent = gitdev.spawn(function()
        child = gitdev.spawn(function()
          return raised(child.wait, child), raised(parent.wait, parent)
        end)
        return child:wait()
      end)
      for _, err in ipairs { parent:wait() } do
        assert.matches("cannot wait for itself", err)
      end
    end)
  end)

  it("tells of a deadlock", function()
    local world = test.world()
    local err = raised(world.run, world, function()
      local one, other
      one = gitdev.spawn(function()
        other:wait()
      end)
      other = gitdev.spawn(function()
        one:wait()
      end)
      one:wait()
    end)
    assert.matches("deadlock", err)
  end)

  it("is refused where no task may be resumed, and leaves nothing behind", function()
    inside(function(world)
      local ran = false
      local function task()
        ran = true
      end
      local other = gitdev.spawn(sleeper(1))
      local REFUSED = { gitdev.run, gitdev.timeout, gitdev.all, gitdev.race, other.wait }
      local ARGUMENTS = { { task }, { 1, task }, { { task } }, { { task } }, { other } }
      for i, fn in ipairs(REFUSED) do
        local err = coroutine.wrap(function()
          return raised(fn, ARGUMENTS[i][1], ARGUMENTS[i][2])
        end)()
        assert.matches("coroutine of the program's own", err)
        local ok = pcall(table.sort, { 1, 2, 3 }, function(a, b)
          fn(ARGUMENTS[i][1], ARGUMENTS[i][2])
          return a < b
        end)
        assert.is_false(ok)
      end
      gitdev.sleep(2)
      assert.is_false(ran)
      assert.equal(2, world:elapsed())
    end)
  end)
end)

describe("canceling", function()
  -- Each waits for ever, in its own way.
  local function hang(git)
    return git.deployments:create { project = "my-app", metadata = { emulate = "hang" } }
  end

  local WAITS = {
    { "a sleep", function()
      gitdev.sleep(1e6)
    end },
    { "a call in flight", function(git)
      git.projects:get "my-app"
    end, fault = { delay = 1e6, times = 1000 } },
    { "a retry's pause", function(git)
      git.projects:get "my-app"
    end, fault = { status = 503, headers = { ["Retry-After"] = "60" }, times = 1000 } },
    { "deployment:wait", function(git)
      hang(git):wait()
    end },
    { "a wait for a task", function()
      gitdev.spawn(sleeper(1e6)):wait()
    end },
    { "children alone", function()
      gitdev.spawn(sleeper(1e6))
    end, ended = true },
    { "all", function()
      gitdev.all { sleeper(1e6), sleeper(1e6) }
    end },
    { "race", function()
      gitdev.race { sleeper(1e6), sleeper(1e6) }
    end },
    { "timeout", function()
      gitdev.timeout(1e5, gitdev.sleep, 1e6)
    end },
    { "run", function()
      gitdev.run(sleeper(1e6))
    end },
    { "all of it nested", function(git)
      gitdev.timeout(1e5, gitdev.all, { function()
        gitdev.race { sleeper(1e6), function()
          gitdev.run(function()
            hang(git):wait()
          end)
        end }
      end, sleeper(1e6) })
    end },
    { "a sleep in a coroutine of the program's own", function()
      coroutine.wrap(function()
        gitdev.sleep(1e6)
      end)()
    end, blocks = true },
    { "a call in a callback from C", function(git)
      ("abc"):gsub("b", function()
        return git.projects:get("my-app").slug
      end)
    end, fault = { delay = 1e6, times = 1000 }, blocks = true },
  }

  for _, case in ipairs(WAITS) do
    it("reaches into " .. case[1], function()
      inside(function(world)
        if case.fault then
          world.emulator:fault(case.fault)
        end
        local git = gitdev.client { timeout = 1e7, try_timeout = 1e7 }
        local task
        if case.blocks then -- no other task runs meanwhile, but a timer does
          local err = raised(gitdev.timeout, 50, case[2], git)
          assert.equal("timeout_error", err.type)
        else
          task = gitdev.spawn(case[2], git)
          gitdev.sleep(50)
          task:cancel()
          assert.equal("canceled_error", raised(task.wait, task).type)
          assert.equal("canceled", task:status())
        end
        assert.equal(50, world:elapsed())
        local sent = #world.emulator:requests()
        gitdev.sleep(1e6)
        assert.equal(sent, #world.emulator:requests()) -- and nothing goes on behind its back
      end)
    end)
  end

  it("reaches into a wait for the rate limit, and leaves the others in line", function()
    inside(function(world)
      local git = gitdev.client { timeout = 1000 }
      local tasks, ended = {}, {}
      for i = 1, 30 do
        tasks[i] = gitdev.spawn(function()
          git.projects:get "my-app"
          ended[i] = world:elapsed()
        end)
      end
      gitdev.sleep(5)
      for i = 16, 30 do
        tasks[i]:cancel()
        tasks[i]:cancel()
      end
      gitdev.sleep(60)
      local done = 0
      for i = 1, 30 do
        done = done + (ended[i] and 1 or 0)
      end
      assert.equal(15, done)
      assert.is_true(ended[15] < 7)
      assert.equal(15 + 1, #world.emulator:requests()) -- with the one for the limits
    end, { plan = "starter" })
  end)

  it("does not shorten a later wait by what it took back", function()
    inside(function(world)
      local task = gitdev.spawn(function()
        local child = gitdev.spawn(failer(1, "child's"))
        local other = gitdev.spawn(sleeper(1))
        raised(other.wait, other) -- woken, then interrupted before it goes on
        raised(child.wait, child)
        gitdev.sleep(50)
      end)
      task:wait()
      assert.equal(51, world:elapsed())
    end)
  end)

  it("takes a call back of which there was news in the same moment", function()
    inside(function(world)
      local client = core.client { api_key = world.emulator.api_key, world = world.number }
      local call = client:call("GET", "/projects/my-app", nil, nil, nil, nil, nil, world.now(), { watched = true })
      local task = gitdev.spawn(loop.perform, call)
      gitdev.spawn(function()
        gitdev.sleep(0)
        task:cancel()
      end)
      assert.equal("canceled_error", raised(task.wait, task).type)
      gitdev.sleep(5)
      assert.equal(0, #world.emulator:requests())
    end)
  end)

  it("cannot be held up by cleaning up", function()
    local TRICKS = {
      function()
        gitdev.sleep(1e6)
      end,
      function()
        gitdev.client().projects:get "my-app"
      end,
      function()
        gitdev.spawn(sleeper(1e6))
      end,
      function()
        gitdev.spawn(sleeper(1e6)):wait()
      end,
      function()
        gitdev.run(sleeper(1e6))
      end,
      function()
        gitdev.all { sleeper(1e6) }
      end,
      function()
        gitdev.timeout(1e5, gitdev.sleep, 1e6)
      end,
      function()
        coroutine.wrap(gitdev.sleep)(1e6)
      end,
      function()
        coroutine.wrap(function()
          gitdev.client().projects:get "my-app"
        end)()
      end,
    }
    inside(function(world)
      world.emulator:fault { delay = 1e6, times = 1000 }
      local tried = 0
      local task = gitdev.spawn(function()
        pcall(gitdev.sleep, 1e6)
        for _, trick in ipairs(TRICKS) do
          pcall(trick)
          tried = tried + 1
        end
        return "cleaned up"
      end)
      gitdev.sleep(1)
      task:cancel()
      assert.equal("cleaned up", task:wait())
      assert.equal(#TRICKS, tried)
      assert.equal(1, world:elapsed())
      assert.equal("", world:trace()) -- it sends nothing any more
      assert.equal("done", task:status())
    end)
  end)

  it("lets an error in cleaning up be heard", function()
    inside(function()
      local task = gitdev.spawn(function()
        pcall(gitdev.sleep, 1e6)
        error("in cleaning up", 0)
      end)
      gitdev.sleep(1)
      task:cancel()
      assert.equal("in cleaning up", raised(gitdev.sleep, 5))
      assert.equal("failed", task:status())
    end)
  end)

  it("keeps the first reason", function()
    inside(function()
      local first, second = {}, {}
      local child
      local task = gitdev.spawn(function()
        child = gitdev.spawn(sleeper(1e6))
        gitdev.sleep(1e6)
      end)
      gitdev.sleep(1)
      task:cancel(first)
      task:cancel(second)
      task:cancel()
      child:cancel(second)
      assert.equal(first, raised(task.wait, task))
      assert.same({ "canceled", "canceled" }, { task:status(), child:status() })
    end)
  end)

  it("does nothing to a task that is over", function()
    inside(function()
      local done, failed = gitdev.spawn(sleeper(1, "result")), gitdev.spawn(failer(1, "error"))
      raised(failed.wait, failed)
      done:wait()
      done:cancel()
      failed:cancel()
      assert.equal("result", done:wait())
      assert.equal("error", raised(failed.wait, failed))
      assert.same({ "done", "failed" }, { done:status(), failed:status() })
    end)
  end)

  it("keeps a task that has not begun from beginning", function()
    inside(function()
      local begun = false
      local task = gitdev.spawn(function()
        begun = true
      end)
      task:cancel()
      assert.equal("canceled_error", raised(task.wait, task).type)
      assert.is_false(begun)
    end)
  end)

  it("oneself lets the task run to its next wait", function()
    inside(function(world)
      local task, after
      task = gitdev.spawn(function()
        task:cancel()
        after = true
        gitdev.sleep(10)
      end)
      assert.equal("canceled", raised(task.wait, task).code)
      assert.is_true(after)
      local unhurt
      unhurt = gitdev.spawn(function()
        unhurt:cancel()
        return "result"
      end)
      assert.equal("result", unhurt:wait())
      assert.equal(0, world:elapsed())
    end)
  end)

  it("tells one who waits for a canceled task, and not its parent", function()
    inside(function()
      local task = gitdev.spawn(sleeper(1e6))
      local waiter = gitdev.spawn(function()
        return raised(task.wait, task).type
      end)
      gitdev.sleep(1)
      task:cancel()
      gitdev.sleep(5)
      assert.equal("canceled_error", waiter:wait())
    end)
  end)

  it("another from within cleaning up, and one's parent", function()
    inside(function(world)
      local parent, other
      local after
      parent = gitdev.spawn(function()
        other = gitdev.spawn(sleeper(1e6))
        local child = gitdev.spawn(function()
          pcall(gitdev.sleep, 1e6)
          other:cancel()
          parent:cancel()
          after = true
        end)
        gitdev.sleep(1)
        child:cancel()
        gitdev.sleep(1e6)
      end)
      assert.equal("canceled_error", raised(parent.wait, parent).type)
      assert.same({ true, "canceled", "canceled", 1 }, { after, other:status(), parent:status(), world:elapsed() })
    end)
  end)

  for _, name in ipairs { "on_request", "on_response", "on_retry", "on_wait" } do
    it("from within " .. name, function()
      inside(function(world)
        local task, told
        local git = gitdev.client { [name] = function()
          told = true
          task:cancel()
        end }
        world.emulator:fault { status = 503, times = 1000 }
        task = gitdev.spawn(function()
          for _ = 1, 20 do
            gitdev.spawn(git.projects.get, git.projects, "my-app")
          end
        end)
        assert.equal("canceled_error", raised(task.wait, task).type)
        assert.is_true(told)
        assert.equal("canceled", task:status())
        local sent = #world.emulator:requests()
        gitdev.sleep(100)
        assert.equal(sent, #world.emulator:requests())
      end, { plan = "starter" })
    end)
  end

  it("from within a change that a wait tells of", function()
    inside(function()
      local task, statuses = nil, {}
      task = gitdev.spawn(function()
        gitdev.client().deployments:create({ project = "my-app" }):wait {
          on_change = function(deployment)
            statuses[#statuses + 1] = deployment.status
            task:cancel()
          end,
        }
      end)
      assert.equal("canceled_error", raised(task.wait, task).type)
      assert.same({ "building" }, statuses)
    end)
  end)
end)

describe("a task", function()
  it("says how it is", function()
    inside(function()
      local cases = {
        running = gitdev.spawn(sleeper(1e6)),
        done = gitdev.spawn(sleeper(1)),
        canceled = gitdev.spawn(sleeper(1e6)),
      }
      local failed = gitdev.spawn(failer(1, "x"))
      cases.canceled:cancel()
      raised(failed.wait, failed)
      cases.failed = failed
      gitdev.sleep(1)
      for status, task in pairs(cases) do
        assert.equal(status, task:status())
        assert.equal("task (" .. status .. ")", tostring(task))
      end
      assert.is_nil(cases.done:where())
      assert.matches("support/tasks.lua", failed:where(), 1, true)
      cases.running:cancel()
    end)
  end)

  it("is made of functions", function()
    inside(function()
      for _, wrong in ipairs { 1, "f", {}, false } do
        assert.matches("a task is made of a function", raised(gitdev.spawn, wrong).message)
        assert.matches("a task is made of a function", raised(gitdev.run, wrong).message)
      end
    end)
  end)

  it("that yields to nobody fails", function()
    inside(function()
      local task = gitdev.spawn(function()
        coroutine.yield(1)
      end)
      assert.matches("attempt to yield from outside a coroutine", raised(task.wait, task))
    end)
  end)

  it("is a child of the one that runs, also out of a coroutine of the program's own", function()
    local ran
    inside(function(world)
      coroutine.wrap(function()
        gitdev.spawn(function()
          gitdev.sleep(3)
          ran = world:elapsed()
        end)
      end)()
    end)
    assert.equal(3, ran)
  end)

  it("sleeps for a sensible time", function()
    inside(function(world)
      gitdev.sleep(0)
      gitdev.sleep(0.25)
      assert.equal(0.25, world:elapsed())
      for _, wrong in ipairs { -1, 0 / 0, math.huge, "1", false } do
        assert.matches("sleep takes a number of seconds", raised(gitdev.sleep, wrong).message)
      end
      assert.matches("sleep takes", raised(gitdev.sleep).message)
    end)
  end)

  it("lets the others go on at each wait, in the order in which they were made", function()
    inside(function()
      local order = {}
      for i = 1, 3 do
        gitdev.spawn(function()
          for round = 1, 2 do
            order[#order + 1] = round .. i
            gitdev.sleep(0)
          end
        end)
      end
      gitdev.sleep(1)
      assert.equal("11 12 13 21 22 23", table.concat(order, " "))
    end)
  end)
end)

describe("gitdev.pcall", function()
  it("lets the other tasks go on while its function waits", function()
    inside(function()
      local order = {}
      gitdev.spawn(function()
        gitdev.sleep(1)
        order[#order + 1] = "other"
      end)
      local function nested(...)
        gitdev.sleep(2)
        order[#order + 1] = "inner"
        return ...
      end
      assert.same({ true, true, "a", nil, "c", n = 5 }, compat.pack(gitdev.pcall(gitdev.pcall, nested, "a", nil, "c")))
      assert.equal("other inner", table.concat(order, " "))
    end)
  end)

  it("catches what is raised before and after a wait, of any kind", function()
    inside(function()
      for _, seconds in ipairs { 0, 1 } do
        for _, thrown in ipairs { "text", { "table" }, false } do
          local ok, err = gitdev.pcall(function()
            gitdev.sleep(seconds)
            error(thrown, 0)
          end)
          assert.is_false(ok)
          assert.equal(thrown, err)
        end
      end
      assert.same({ false, nil, n = 2 }, compat.pack(gitdev.pcall(error)))
    end)
  end)

  it("catches a task's end, and a timeout's", function()
    inside(function()
      local caught
      local one = gitdev.spawn(function()
        local ok, err = gitdev.pcall(gitdev.sleep, 9)
        caught = not ok and err.type
      end)
      gitdev.sleep(1)
      one:cancel()
      one:wait()
      assert.equal("canceled_error", caught)
      local ok, err = gitdev.pcall(gitdev.timeout, 1, gitdev.sleep, 9)
      assert.same({ false, "timeout_error" }, { ok, err.type })
    end)
  end)

  it("is pcall outside of tasks, and in a coroutine of the program's own", function()
    assert.same({ true, 2 }, { gitdev.pcall(math.max, 1, 2) })
    assert.is_false((gitdev.pcall(error, "x")))
    inside(function()
      local yielded = coroutine.wrap(function()
        gitdev.pcall(coroutine.yield, "out")
      end)
      assert.equal("out", yielded())
    end)
  end)
end)

describe("where a task cannot yield, a call and a sleep block, and work", function()
  local function slug(git)
    gitdev.sleep(1)
    return git.projects:get("my-app").slug
  end

  local PLACES = {
    ["in a coroutine of the program's own"] = function(git)
      return coroutine.wrap(function()
        coroutine.yield(slug(git))
      end)()
    end,
    ["in an iterator over one"] = function(git)
      local last
      for found in coroutine.wrap(function()
        coroutine.yield(slug(git))
        coroutine.yield(slug(git))
      end) do
        last = found
      end
      return last
    end,
    ["in pcall"] = function(git)
      return select(2, _G.pcall(slug, git))
    end,
    ["in a for's iterator"] = function(git)
      local last
      for found in function(_, found)
        local name = not found and slug(git) or nil
        return name
      end do
        last = found
      end
      return last
    end,
    ["in sort"] = function(git)
      local found
      table.sort({ 2, 1 }, function(a, b)
        found = slug(git)
        return a < b
      end)
      return found
    end,
    ["in gsub"] = function(git)
      return (("x"):gsub("x", function()
        return slug(git)
      end))
    end,
    ["in an __index"] = function(git)
      return setmetatable({}, { __index = function()
        return slug(git)
      end }).anything
    end,
    ["in a __tostring"] = function(git)
      return tostring(setmetatable({}, { __tostring = function()
        return slug(git)
      end }))
    end,
    ["in require"] = function(git)
      package.preload["spec.blocks"] = function()
        return slug(git)
      end
      local found = require "spec.blocks"
      package.loaded["spec.blocks"], package.preload["spec.blocks"] = nil, nil
      return found
    end,
    ["in pcall in a coroutine in a gsub"] = function(git)
      return (("x"):gsub("x", function()
        return coroutine.wrap(function()
          return select(2, pcall(slug, git))
        end)()
      end))
    end,
  }

  if pcall ~= _G.pcall then
    PLACES["in an __index"] = nil -- plain 5.1 does not tell a metamethod from another function
  end

  for name, place in pairs(PLACES) do
    it(name, function()
      inside(function(world)
        local meanwhile = gitdev.spawn(sleeper(0.5))
        local before = world:elapsed()
        assert.equal("my-app", place(gitdev.client()))
        assert.is_true(world:elapsed() - before >= 1)
        meanwhile:wait()
      end)
    end)
  end

  it("outside of all tasks", function()
    local world = test.world()
    loop.within(world, function()
      local git = gitdev.client { api_key = world.emulator.api_key }
      assert.equal("my-app", slug(git))
      assert.equal("my-app", coroutine.wrap(slug)(git))
    end)
    assert.is_true(world:elapsed() > 2)
  end)
end)

describe("outside of tasks", function()
  local function within(fn)
    local world = test.world()
    loop.within(world, fn, world)
  end

  it("run runs a task and gives its results", function()
    within(function(world)
      assert.same({ 1, nil, 3, n = 3 }, { n = 3, gitdev.run(function(...)
        gitdev.sleep(1)
        return ...
      end, 1, nil, 3) })
      assert.equal("x", raised(gitdev.run, failer(1, "x")))
      assert.equal("inner", gitdev.run(function()
        return gitdev.run(function()
          return gitdev.run(sleeper(1, "inner"))
        end)
      end))
      assert.equal(3, world:elapsed())
    end)
  end)

  it("spawned tasks run as they are stepped", function()
    within(function(world)
      local log = {}
      for i = 1, 3 do
        gitdev.spawn(function()
          gitdev.sleep(i)
          log[#log + 1] = i
        end)
      end
      local steps = 0
      while gitdev.step(10) > 0 do
        steps = steps + 1
      end
      assert.same({ 1, 2, 3 }, log)
      assert.equal(3, world:elapsed())
      assert.is_true(steps < 10)
      assert.equal(0, gitdev.step())
    end)
  end)

  it("a step without a timeout lets no time pass", function()
    within(function(world)
      local task = gitdev.spawn(sleeper(1))
      for _ = 1, 10 do
        assert.equal(1, gitdev.step())
      end
      assert.equal(0, world:elapsed())
      task:cancel()
      gitdev.step()
      assert.equal(0, gitdev.step())
    end)
  end)

  it("a step raises the error of a task, once", function()
    within(function()
      gitdev.spawn(failer(1, "first"))
      gitdev.spawn(failer(1, "second"))
      assert.equal("first", raised(gitdev.step, 1))
      assert.equal("second", raised(gitdev.step, 1))
      assert.equal(0, gitdev.step(1))
    end)
  end)

  it("a step does not raise what somebody has heard", function()
    within(function()
      local waited = gitdev.spawn(failer(1, "x"))
      assert.equal("x", raised(waited.wait, waited))
      assert.equal("y", raised(gitdev.run, failer(1, "y")))
      local asked = gitdev.spawn(failer(1, "z"))
      gitdev.run(sleeper(5))
      assert.equal("z", raised(asked.wait, asked))
      assert.equal(0, gitdev.step(1))
    end)
  end)

  it("a step is refused in a task", function()
    within(function()
      gitdev.run(function()
        assert.matches("gitdev.sleep", raised(gitdev.step))
        assert.matches("gitdev.sleep", raised(gitdev.step, 1))
      end)
    end)
  end)

  it("a wait goes on turning until the task is over", function()
    within(function(world)
      local one, other = gitdev.spawn(sleeper(1, "one")), gitdev.spawn(sleeper(3, "other"))
      assert.equal("other", other:wait())
      assert.equal("one", one:wait())
      assert.equal(3, world:elapsed())
    end)
  end)
end)

-- Tagged, so that a run under an instrument that slows everything down can leave them out (--exclude-tags=many).
describe("many tasks #many", function()
  local jit = rawget(_G, "jit")

  -- How much memory there is after so many rounds. What a compiler makes of the code counts as memory too.
  local function memory_after(rounds, round)
    if jit then
      jit.off()
      jit.flush()
    end
    for _ = 1, rounds do
      round()
    end
    collectgarbage()
    collectgarbage()
    if jit then
      jit.on()
    end
    return collectgarbage "count"
  end

  it("sleep at once, 10,000 of them", function()
    inside(function(world)
      local done = 0
      for i = 1, 10000 do
        gitdev.spawn(function()
          gitdev.sleep(i % 100)
          done = done + 1
        end)
      end
      gitdev.sleep(100)
      assert.equal(10000, done)
      assert.equal(100, world:elapsed())
    end)
  end)

  it("call at once, 10,000 of them", function()
    inside(function(world)
      local git = gitdev.client { timeout = 1000 }
      local done, refused = 0, 0
      for _ = 1, 10000 do
        gitdev.spawn(function()
          local project = git.projects:get "my-app"
          done = done + (project.slug == "my-app" and 1 or 0)
          refused = refused + #gitdev.answer(project).attempts - 1
        end)
      end
      gitdev.spawn(function() end):wait()
      repeat
        gitdev.sleep(1)
      until done == 10000 or world:elapsed() > 200
      assert.same({ 10000, 0 }, { done, refused })
    end)
  end)

  it("are canceled at once, in line for the rate limit", function()
    inside(function(world)
      local git = gitdev.client { timeout = 1e6 }
      local parent = gitdev.spawn(function()
        for _ = 1, 2000 do
          gitdev.spawn(git.projects.get, git.projects, "my-app")
        end
      end)
      gitdev.sleep(60)
      parent:cancel()
      raised(parent.wait, parent)
      assert.equal(60, world:elapsed())
      assert.is_true(#world.emulator:requests() < 100)
    end, { plan = "starter" })
  end)

  it("leave no memory behind, round after round", function()
    local function round()
      inside(function(world)
        local git = gitdev.client()
        for _ = 1, 50 do
          pcall(gitdev.all, { sleeper(1), sleeper(2), failer(3, "x") })
          gitdev.race { sleeper(1), sleeper(1000), function()
            git.projects:get "my-app"
          end }
          gitdev.timeout(1000, sleeper(0.001))
          pcall(gitdev.timeout, 0.01, git.projects.get, git.projects, "my-app")
          gitdev.spawn(sleeper(1e6)):cancel()
        end
        world.lines = {}
      end)
    end
    local before, after = memory_after(2, round), memory_after(6, round)
    assert.is_true(after < before + 64, before .. " KiB became " .. after)
  end)

  it("leave nothing behind outside of tasks, whatever they raise", function()
    local world = test.world()
    loop.within(world, function()
      local function round()
        pcall(gitdev.run, failer(0, "x"))
      end
      local before, after = memory_after(100, round), memory_after(1000, round)
      assert.is_true(after < before + 64, before .. " KiB became " .. after)
    end)
  end)

  it("leave nothing in their world either, while it goes on", function()
    inside(function(world)
      local git = gitdev.client()
      local sleeping = gitdev.spawn(sleeper(1e5))
      local function round()
        gitdev.timeout(1e6, sleeper(0.001))
        gitdev.race { sleeper(0.001), sleeper(1e6) }
        gitdev.spawn(git.projects.get, git.projects, "my-app"):cancel()
        pcall(gitdev.timeout, 0.01, git.projects.get, git.projects, "my-app")
        pcall(gitdev.run, failer(0, "x"))
        world.lines = {}
        world.emulator.log = { add = function()
          return {}
        end }
      end
      local before, after = memory_after(100, round), memory_after(500, round)
      sleeping:cancel()
      assert.is_true(after < before + 64, before .. " KiB became " .. after)
    end)
  end)
end)

describe("the host, of an error in a task", function()
  local function traceback_of(text)
    local script = process.file(text)
    local status, _, err = process.gitdev { script }
    os.remove(script)
    return status, (err:gsub(script:gsub("%p", "%%%0"), "script.lua"))
  end

  it("shows where it was raised, and who spawned the task", function()
    local status, err = traceback_of [[
      local gitdev = require "gitdev"
      local function leaf()
        error "boom"
      end
      local function middle()
        gitdev.spawn(function()
          gitdev.sleep(0.001)
          leaf()
        end)
        gitdev.sleep(100)
      end
      gitdev.spawn(middle):wait()
    ]]
    assert.equal(1, status)
    assert.matches("^gitdev: script.lua:3: boom\nstack traceback:\n", err)
    local places = {}
    for place in err:gmatch "script.lua:(%d+): in" do
      places[#places + 1] = place
    end
    assert.equal("3 8 10 12", table.concat(places, " "))
    assert.equal(2, select(2, err:gsub("%[the task that spawned it%]", "")))
  end)

  it("shows one of a child that outlived its parent's function", function()
    local status, err = traceback_of [[
      local gitdev = require "gitdev"
      gitdev.spawn(function()
        gitdev.sleep(0.001)
        error { code = "mine" }
      end)
    ]]
    assert.equal(1, status)
    assert.matches("script.lua:4: in", err)
    assert.matches("had ended", err)
  end)

  it("shows one that is no text", function()
    local WORDS = { ["nil"] = "nil", ["{}"] = "table", ["setmetatable({}, { __tostring = function() return 'an object' end })"] = "an object" }
    for err, words in pairs(WORDS) do
      local status, told = traceback_of("local gitdev = require 'gitdev' gitdev.spawn(function() gitdev.sleep(0)\nerror(" .. err .. ") end)")
      assert.equal(1, status)
      assert.matches("^gitdev: [^\n]*" .. words, told)
      assert.matches("script.lua:2: in", told)
    end
  end)

  it("shows one from a virtual world", function()
    local status, err = traceback_of [[
      require("gitdev.test").run(function()
        require("gitdev").client().projects:get "nope"
      end)
    ]]
    assert.equal(3, status)
    assert.matches("resource_missing", err)
    assert.matches("script.lua:2: in", err)
  end)
end)

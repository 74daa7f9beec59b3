-- Tasks over real sockets: what a virtual world cannot show.
local fake = require "spec.lua.support.fake"
local gitdev = require "gitdev"
local loop = require "gitdev.loop"
local origin = require "spec.lua.support.origin"
local server = require "gitdev.emulator.server"

local raised = fake.raised

describe("tasks over sockets", function()
  local running, git

  local function start(options)
    running = assert(server.start(options))
    git = gitdev.client { api_key = running.api_key, base_url = running.url, ca_file = running.ca_file }
  end

  after_each(function()
    running:stop()
  end)

  it("make 2,000 calls at once", function()
    start { rate_limit = false }
    local done = 0
    gitdev.run(function()
      for _ = 1, 2000 do
        gitdev.spawn(function()
          local project = git.projects:get "my-app"
          assert(#gitdev.answer(project).attempts == 1)
          done = done + 1
        end)
      end
    end)
    assert.equal(2000, done)
  end)

  it("go on as they are stepped", function()
    start {}
    if loop.current() then -- under the host, specs run in a task
      assert.matches("gitdev.sleep", raised(gitdev.step))
      return
    end
    local slugs = {}
    for i = 1, 3 do
      gitdev.spawn(function()
        slugs[i] = git.projects:get("my-app").slug
      end)
    end
    while gitdev.step(1) > 0 do
      assert.is_nil(loop.current())
    end
    assert.same({ "my-app", "my-app", "my-app" }, slugs)
  end)

  it("call from where they cannot yield, and let the emulator beside them answer", function()
    start {}
    local meanwhile = 0
    gitdev.run(function()
      gitdev.spawn(function()
        meanwhile = meanwhile + 1
      end)
      assert.equal("my-app", (("x"):gsub("x", function()
        return git.projects:get("my-app").slug
      end)))
      assert.equal("my-app", coroutine.wrap(function()
        return git.projects:get("my-app").slug
      end)())
      assert.equal(0, meanwhile) -- no other task has run
      table.sort({ 2, 1 }, function(a, b)
        return git.projects:get("my-app").slug == "my-app" and a < b
      end)
    end)
    assert.equal(1, meanwhile)
  end)

  it("keep no descriptors", function()
    start { rate_limit = false }
    local function descriptors()
      local listing = io.popen "ls /proc/$PPID/fd | wc -l"
      local count = listing:read "*n"
      listing:close()
      return count
    end
    local function after(rounds)
      for _ = 1, rounds do
        gitdev.run(function()
          gitdev.all { function()
            return git.projects:get "my-app"
          end, function()
            return git.projects:list()
          end }
          gitdev.race { function()
            return git.projects:get "my-app"
          end, function()
            return git.projects:list()
          end }
          gitdev.spawn(git.projects.get, git.projects, "my-app"):cancel()
        end)
      end
      return descriptors()
    end
    local before = after(20)
    assert.is_true(after(100) <= before + 2)
  end)
end)

describe("canceling over sockets", function()
  local server_of_ours

  after_each(function()
    server_of_ours:stop()
  end)

  -- Turns until something is so, which takes as long as it takes.
  local function turn_until(condition)
    local deadline = loop.now() + 30
    while not condition() do
      assert(loop.now() < deadline, "it did not happen")
      loop.sleep(0.001)
    end
  end

  it("is seen by the server, and nothing is sent again", function()
    server_of_ours = origin.start(function()
      return "hold"
    end)
    local client = server_of_ours:client()
    gitdev.run(function()
      local tasks = {}
      for i = 1, 5 do
        tasks[i] = gitdev.spawn(function()
          loop.perform(client:call("POST", "/a"))
        end)
      end
      turn_until(function()
        return #server_of_ours.held == 5
      end)
      for i = 1, 4 do
        tasks[i]:cancel()
      end
      for i = 1, 4 do
        assert.equal("canceled_error", raised(tasks[i].wait, tasks[i]).type)
      end
      turn_until(function()
        local alive = 0
        for _, exchange in ipairs(server_of_ours.held) do
          alive = alive + (exchange:alive() and 1 or 0)
        end
        return alive == 1
      end)
      assert.equal(5, #server_of_ours.requests)
      tasks[5]:cancel()
    end)
  end)

  it("of a call that waits for a connection sends nothing", function()
    server_of_ours = origin.start(function()
      return "hold"
    end)
    local client = server_of_ours:client()
    gitdev.run(function()
      local parent = gitdev.spawn(function()
        for _ = 1, 500 do
          gitdev.spawn(function()
            loop.perform(client:call("GET", "/a"))
          end)
        end
      end)
      turn_until(function()
        return #server_of_ours.held > 0
      end)
      parent:cancel()
      raised(parent.wait, parent)
      assert.is_true(#server_of_ours.requests <= 8) -- blind, it sends no more at once
      assert.equal(#server_of_ours.requests, #server_of_ours.held)
    end)
  end)
end)

-- gitdev.test: a world without sockets, whose time is virtual, and which is the same each time.
local core = require "gitdev.core"
local fake = require "spec.lua.support.fake"
local gitdev = require "gitdev"
local loop = require "gitdev.loop"
local process = require "spec.lua.support.process"
local server = require "gitdev.emulator.server"
local test = require "gitdev.test"
local pcall = gitdev.pcall -- tasks wait in it

local raised = fake.raised

-- A day of everything that may go differently: faults, retries, races, cancellations, timeouts, a full bucket, clients that come and go.
local BUSY = [[
  local gitdev = require "gitdev"
  local test = require "gitdev.test"
  local world = test.world { seed = tonumber((...)), plan = "starter", auto_create_projects = true }
  local function try(fn, ...)
    local ok, err = gitdev.pcall(fn, ...)
    return ok and "ok" or err.code or err.type
  end
  local told = {}
  world:run(function()
    local git = gitdev.client { timeout = 3600 }
    for _, fault in ipairs {
      { status = 503, after = 3, times = 3 }, { drop = true, after = 5 }, { reset = true, execute = true, after = 6 },
      { status = 429, after = 9, headers = { ["Retry-After"] = 3 } }, { delay = 40, after = 12 },
      { truncate = 5, after = 15 }, { raw = "nonsense\r\n\r\n", after = 17 }, { status = 500, after = 20, times = 9 },
    } do
      world.emulator:fault(fault)
    end
    for i = 1, 12 do
      gitdev.spawn(function()
        gitdev.sleep(i / 3)
        for round = 1, 3 do
          local client = round == 2 and gitdev.client { timeout = 600 } or git
          told[#told + 1] = i .. try(client.deployments.create, client.deployments, { project = "project-" .. i })
          local _, key = gitdev.race {
            a = function() return try(client.projects.get, client.projects, "my-app") end,
            b = function() gitdev.sleep(i % 4) end,
          }
          told[#told + 1] = key
          told[#told + 1] = try(gitdev.timeout, 5, client.projects.list, client.projects, { limit = i })
          if i % 3 == round % 3 then
            local child = gitdev.spawn(function() client.projects:get "my-app" end)
            gitdev.sleep(0.01)
            child:cancel()
          end
        end
      end)
    end
  end)
  return world:trace() .. table.concat(told, " ") .. " " .. ("%.9f"):format(world:elapsed())
]]

local function busy(seed)
  return (loadstring or load)(BUSY)(seed) -- luacheck: ignore 113 143
end

describe("a world", function()
  it("is the same for the same seed, byte for byte, and another for another", function()
    local first = busy(7)
    assert.is_true(#first > 10000)
    for _, sign in ipairs { " send ", " cancel ", " timed out ", " bad answer ", " complete 503 ", " complete 429 ", " sent GET " } do
      assert.is_truthy(first:find(sign, 1, true), sign)
    end
    assert.is_true(first == busy(7))
    local others = {}
    for seed = 1, 5 do
      local trace = busy(seed)
      assert.is_nil(others[trace])
      others[trace] = true
    end
  end)

  it("is the same whenever memory is collected", function()
    local first = busy(3)
    local pause = collectgarbage("setpause", 0)
    local stepped = busy(3)
    collectgarbage("setpause", pause)
    assert.is_true(first == stepped)
    collectgarbage "stop"
    local never = busy(3)
    collectgarbage "restart"
    assert.is_true(first == never)
  end)

  it("is the same whether a client that is gone has been collected or not", function()
    local function trace(between)
      local world = test.world { plan = "starter" }
      world:run(function()
        for i = 1, 16 do
          gitdev.client().projects:get "my-app"
          if i % 6 == 0 then
            between()
          end
        end
      end)
      return world:trace()
    end
    assert.is_true(trace(collectgarbage) == trace(function() end))
  end)

  -- The host has a Lua of its own: under LuaJIT these are two interpreters.
  it("is the same in another process and in another Lua", function()
    local script = process.file(BUSY)
    local status, out, err = process.gitdev { "-e", ("io.write(require('gitdev.core').sha256(assert(loadfile(%q))(7)))"):format(script) }
    os.remove(script)
    assert.equal(0, status, err)
    assert.equal(out, core.sha256(busy(7)))
  end)

  it("lets time pass only when nothing can go on", function()
    local world = test.world()
    world:run(function()
      local ticks = {}
      gitdev.spawn(function()
        for _ = 1, 100 do
          gitdev.sleep(0)
          ticks[#ticks + 1] = gitdev.now()
        end
      end)
      gitdev.sleep(1)
      assert.equal(100, #ticks)
      assert.equal(0, ticks[100])
      assert.equal(1, gitdev.now())
    end)
    assert.equal(1, world:elapsed())
  end)

  it("gives those who use one idempotency key at once one and the same answer", function()
    local world = test.world()
    world:run(function()
      local git = gitdev.client()
      world.emulator:fault { match = { op = "projects.create" }, delay = 3 }
      local function create()
        return git.projects:create({ slug = "one" }, { idempotency_key = "k" })
      end
      local made, replayed = gitdev.all { create, create, create }, 0
      for _, one in ipairs(made) do
        local answer = gitdev.answer(one)
        replayed = replayed + (answer.headers["idempotent-replayed"] == "true" and 1 or 0)
        assert.same({ made[1].id, 201 }, { one.id, answer.attempts[#answer.attempts].status })
      end
      assert.equal(2, replayed)
      local statuses = {}
      for place, request in ipairs(world.emulator:requests()) do
        statuses[place] = tostring(request.status)
      end
      assert.equal("201 409 409 201 201", table.concat(statuses, " "))
      assert.is_true(world:elapsed() >= 3 and world:elapsed() < 6)
      local created = 0
      for _, event in ipairs(world.emulator:events()) do
        created = created + (event.type == "project.created" and event.data.project == "one" and 1 or 0)
      end
      assert.equal(1, created)
    end)
  end)

  it("takes as long as what it waits for, to the latency", function()
    local world = test.world { latency = 0.5 }
    world:run(function()
      local git = gitdev.client()
      git.projects:get "my-app"
      assert.equal(0.5, world:elapsed())
      world.emulator:fault { delay = 2 }
      git.projects:get "my-app"
      assert.equal(3, world:elapsed())
      gitdev.all { function()
        git.projects:get "my-app"
      end, function()
        git.projects:list()
      end }
      assert.equal(3.5, world:elapsed())
    end)
  end)

  it("goes on where it was when it is run again", function()
    local world = test.world()
    local id = world:run(function()
      gitdev.sleep(10)
      return gitdev.client().deployments:create({ project = "my-app" }).id
    end)
    world:run(function()
      gitdev.sleep(10)
      assert.equal("live", gitdev.client().deployments:get(id).status)
    end)
    assert.is_true(world:elapsed() > 20 and world:elapsed() < 21)
  end)

  it("begins when it is told", function()
    local world = test.world { start = 2000000000 }
    world:run(function()
      gitdev.sleep(5)
      assert.equal(2000000005, gitdev.client().deployments:create({ project = "my-app" }).created_at)
    end)
    assert.equal(2000000005, math.floor(world.time()))
  end)

  it("gives results, raises errors, and says where they were raised", function()
    assert.same({ 1, nil, 3, n = 3 }, { n = 3, test.run(function()
      return 1, nil, 3
    end) })
    local world = test.world()
    assert.is_nil(world:where())
    local err = {}
    assert.equal(err, raised(world.run, world, function()
      gitdev.spawn(function()
        gitdev.sleep(1)
        error(err)
      end)
      gitdev.sleep(10)
    end))
    assert.matches("test_world_spec.lua", world:where(), 1, true)
    world:run(function() end)
    assert.is_nil(world:where())
  end)

  it("tells of waiting for nothing", function()
    local world = test.world()
    assert.matches("deadlock", raised(world.run, world, function()
      local task
      task = gitdev.spawn(function()
        gitdev.spawn(function()
          pcall(task.wait, task)
          require("gitdev.task").park(loop.current())
        end)
      end)
    end))
  end)

  it("has no sockets", function()
    test.run(function()
      assert.matches("no sockets in a virtual world", raised(server.start))
    end)
  end)

  it("is refused in itself", function()
    local world = test.world()
    world:run(function()
      assert.matches("runs already", raised(world.run, world, function() end).message)
    end)
  end)

  it("has the emulator's options, and no others", function()
    test.run(function(world)
      assert.equal("starter", gitdev.client().organization:get().plan)
      gitdev.client().deployments:create { project = "made-for-it" }
      assert.equal("my-app", world.emulator.tenants[false].things.project:find("slug", "my-app").slug)
    end, { plan = "starter", auto_create_projects = true })
  end)

  it("may keep its repositories in a folder, and hand its deliveries to the program", function()
    local folder, sent = os.tmpname(), {}
    os.remove(folder)
    local world = test.world { repositories = folder, deliver = function(request, done)
      sent[#sent + 1] = request.url
      done { status = 204 }
    end }
    world:run(function()
      local git = gitdev.client()
      assert.equal("file://" .. folder .. "/my-app.git", git.repositories:get("my-app").clone_url)
      local webhook = git.webhooks:create { url = "https://hooks.example.com/", events = { "project.created" } }
      git.projects:create { slug = "one" }
      gitdev.sleep(1)
      assert.equal("succeeded", git.webhooks.deliveries:list(webhook.id).data[1].status)
    end)
    assert.same({ "https://hooks.example.com/" }, sent)
    assert(os.execute("rm -r '" .. folder .. "'"))
  end)

  it("refuses options that it cannot have, by name", function()
    for _, wrong in ipairs {
      { seed = "seven" }, { seed = 1.5 }, { seed = -1 }, { seed = 2 ^ 60 }, { latency = -1 }, { start = "now" }, { latency = 0 / 0 },
      { build_ms = -1 }, { build_ms = "soon" }, { quotas = 3 }, { plan = "free" }, { branches = "main" }, { rate_limit = 1 },
    } do
      local err = raised(test.world, wrong)
      assert.equal(next(wrong), err.param)
      assert.matches("an option of gitdev.test.world", err.message, 1, true)
    end
    local err = raised(test.world, { paln = "starter" })
    assert.matches('paln is not an option of gitdev.test.world: did you mean "plan"?', err.message, 1, true)
    assert.matches("gitdev.test.world takes a table of options", raised(test.world, 5).message, 1, true)
    assert.matches("quotas must be a table of numbers", raised(test.world, { quotas = { projects = "many" } }), 1, true)
    for name, value in pairs { build_ms = -1, quotas = 3, plan = "free" } do
      assert.matches(name, raised(require("gitdev.emulator").new, { clock = os.time, [name] = value }), 1, true)
    end
  end)

  it("wants a function to run", function()
    local world = test.world()
    assert.matches("world:run takes a function", raised(world.run, world).message, 1, true)
    assert.matches("call it with a colon", raised(world.run, function() end).message, 1, true)
    assert.matches("gitdev.test.run takes a function", raised(test.run, { seed = 1 }).message, 1, true)
  end)
end)

describe("in a world, time moves", function()
  local function it_inside(name, fn, options)
    it(name, function()
      test.run(fn, options)
    end)
  end

  it_inside("a build", function(world)
    local changes = {}
    local deployment = gitdev.client().deployments:create { project = "my-app" }
    deployment:wait {
      on_change = function(now)
        changes[#changes + 1] = now.status
      end,
    }
    assert.equal("live", deployment.status)
    assert.equal(600000, deployment.duration_ms)
    assert.is_true(world:elapsed() >= 600 and world:elapsed() < 610)
    assert.equal("building deploying live", table.concat(changes, " "))
  end, { build_ms = 600000 })

  it_inside("a rollout of an hour that fails in the end", function(world)
    local deployment = gitdev.client().deployments:create { project = "my-app", metadata = { emulate = "hang" } }
    local err = raised(deployment.wait, deployment, { timeout = 7200 })
    assert.same({ "deployment_failed", "build_timeout" }, { err.type, err.code })
    assert.is_true(world:elapsed() > 3600 and world:elapsed() < 3700)
  end)

  it_inside("the bucket of a rate limit", function(world)
    local git = gitdev.client { timeout = 1000 }
    for _ = 1, 40 do
      git.projects:get "my-app"
    end
    assert.is_true(world:elapsed() > 29 and world:elapsed() < 32)
    gitdev.sleep(10)
    assert.is_true(git.rate_limit().remaining >= 9)
  end, { plan = "starter" })

  it_inside("the memory of idempotency keys, to 24 hours", function()
    local git = gitdev.client()
    local function create()
      return git.deployments:create({ project = "my-app" }, { idempotency_key = "once" }).id
    end
    local first = create()
    gitdev.sleep(23 * 3600)
    assert.equal(first, create())
    gitdev.sleep(3600 + 1)
    assert.not_equal(first, create())
  end)

  it_inside("a key's end", function(world)
    local key = world.emulator:issue_key { expires_at = math.floor(world.time()) + 3600 }
    local git = gitdev.client { api_key = key }
    git.projects:get "my-app"
    gitdev.sleep(3601)
    assert.equal("authentication_error", raised(git.projects.get, git.projects, "my-app").type)
  end)

  it_inside("logs, which are kept for 30 days", function()
    local git = gitdev.client()
    local deployment = git.deployments:create({ project = "my-app" }):wait()
    assert.is_true(#deployment:logs().data > 0)
    gitdev.sleep(31 * 86400)
    assert.is_false(pcall(deployment.logs, deployment) and #deployment:logs().data > 0)
  end)
end)

describe("a world keeps to itself:", function()
  it("the environment is put back, after errors too", function()
    local getenv = os.getenv
    local world = test.world()
    world:run(function()
      assert.equal(world.emulator.api_key, os.getenv "GIT_API_KEY")
      assert.is_nil(os.getenv "GIT_API_URL")
      assert.is_nil(os.getenv "GIT_CA_FILE")
      assert.equal(getenv "PATH", os.getenv "PATH")
    end)
    assert.equal(getenv, os.getenv)
    raised(world.run, world, error, "x")
    assert.equal(getenv, os.getenv)
    raised(world.run, world, nil)
    assert.equal(getenv, os.getenv)
    raised(world.run, world, function()
      coroutine.yield()
    end)
    raised(world.run, world, function() -- a deadlock, told from outside of all tasks
      require("gitdev.task").park(loop.current())
    end)
    assert.equal(getenv, os.getenv)
  end)

  it("the real loop is back, after errors too", function()
    local real = loop.driver()
    local world = test.world()
    world:run(function()
      assert.equal(world.driver, loop.driver())
    end)
    assert.equal(real, loop.driver())
    raised(world.run, world, error, "x")
    raised(world.run, world, function()
      require("gitdev.task").park(loop.current())
    end)
    assert.equal(real, loop.driver())
    assert.is_true(loop.now() - core.now() < 1)
  end)

  it("a client of it speaks to it alone", function()
    local git
    local world = test.world()
    world:run(function()
      git = gitdev.client()
    end)
    assert.matches("world of gitdev.test", raised(git.projects.get, git.projects, "my-app").message)
    test.run(function()
      assert.matches("world of gitdev.test", raised(git.projects.get, git.projects, "my-app").message)
    end)
    world:run(function()
      assert.equal("my-app", git.projects:get("my-app").slug)
    end)
    assert.is_nil(git.rate_limit().paused_for ~= 0 or nil)
    git:close()
  end)

  it("what one knows of a key's limit the next one does not, whatever is loaded anew", function()
    for _ = 1, 3 do
      package.loaded["gitdev.test"] = nil
      require("gitdev.test").run(function(world)
        local git = gitdev.client { timeout = 3600 }
        assert.is_nil(git.rate_limit().remaining)
        for _ = 1, 12 do
          git.projects:get "my-app"
        end
        world.emulator:fault { status = 429, headers = { ["Retry-After"] = 60 } }
        raised(git.projects.get, git.projects, "my-app", { timeout = 10 })
      end, { plan = "starter" })
    end
  end)

  it("tasks of one are not those of another", function()
    local outer, inner = test.world(), test.world()
    local order = {}
    outer:run(function()
      gitdev.spawn(function()
        gitdev.sleep(1)
        order[#order + 1] = "outer"
      end)
      inner:run(function()
        gitdev.spawn(function()
          gitdev.sleep(100)
          order[#order + 1] = "inner"
        end)
      end)
      assert.equal(0, outer:elapsed())
      assert.equal(outer.driver, loop.driver())
    end)
    assert.same({ "inner", "outer" }, order)
    assert.same({ 1, 100 }, { outer:elapsed(), inner:elapsed() })
  end)

  it("a real emulator goes on beside it", function()
    local running = assert(server.start())
    local git = gitdev.client { api_key = running.api_key, base_url = running.url, ca_file = running.ca_file }
    gitdev.run(function()
      git.projects:get "my-app"
      test.run(function()
        gitdev.client().deployments:create({ project = "my-app" }):wait()
      end)
      git.projects:get "my-app"
    end)
    assert.equal(2, #running.emulator:requests())
    running:stop()
  end)
end)

describe("a script in a world", function()
  local function script(text)
    local path = process.file(text)
    finally(function()
      os.remove(path)
    end)
    return path
  end

  it("gets its arguments, and what it prints and returns is its own", function()
    local before = rawget(_G, "arg")
    local world = test.world()
    local path = script [[
      local first, second = ...
      assert(#arg == 2 and arg[1] == first and arg[2] == second and select("#", ...) == 2)
      local git = require("gitdev").client { api_key = os.getenv "GIT_API_KEY" }
      local deployment = git.deployments:create { project = first, branch = second }
      deployment:wait()
      return deployment.url, arg[0]
    ]]
    local url, name = world:script(path, "my-app", "main")
    assert.equal("https://my-app.git.dev", url)
    assert.equal(path, name)
    assert.equal(before, rawget(_G, "arg"))
    assert.is_true(world:elapsed() > 2.4)
  end)

  it("raises what it raises, and puts arg back", function()
    local before = rawget(_G, "arg")
    local world = test.world()
    local err = raised(world.script, world, script [[
      require("gitdev").client().projects:get "nope"
    ]])
    assert.equal("resource_missing", err.code)
    assert.matches(":1: in", world:where())
    assert.equal(before, rawget(_G, "arg"))
  end)

  it("must be there, and be Lua", function()
    local world = test.world()
    assert.matches("no/such.lua", raised(world.script, world, "/no/such.lua"))
    assert.matches(":1:", raised(world.script, world, script "x = = 1"))
  end)

  it("may begin with a #! line, and spawn what outlives it", function()
    local world = test.world()
    world:script(script [[#!/usr/bin/env gitdev
      require("gitdev").spawn(function()
        require("gitdev").sleep(3600)
      end)
    ]])
    assert.equal(3600, world:elapsed())
  end)

  it("may be a host's, which makes a world itself", function()
    local path = script [[
      local gitdev = require "gitdev"
      local seconds = require("gitdev.test").run(function(world)
        gitdev.client().deployments:create({ project = "my-app" }):wait { timeout = 7200 }
        return world:elapsed()
      end, { build_ms = 3600000 })
      assert(seconds > 3600)
      gitdev.spawn(function() print "after" end)
    ]]
    local status, out, err = process.gitdev { path }
    assert.same({ 0, "after\n", "" }, { status, out, err })
  end)
end)

describe("a trace", function()
  it("has a line for each thing that is sent, and for how it ended", function()
    local world = test.world { seed = 2 }
    world:run(function()
      local git = gitdev.client()
      world.emulator:fault { status = 503, retry_after = false }
      git.projects:update("my-app", { framework = "astro" })
      world.emulator:fault { delay = 40 }
      raised(gitdev.timeout, 5, git.projects.get, git.projects, "my-app")
    end)
    local lines = {}
    for line in world:trace():gmatch "[^\n]+" do
      lines[#lines + 1] = line
    end
    local key = lines[1]:match " (%x+%-%S+)$"
    assert.same({
      "0.000000 send PATCH /v2/projects/my-app " .. key,
      "0.020000 complete 503 PATCH /v2/projects/my-app " .. key,
      lines[3]:match "^[%d.]+" .. " send PATCH /v2/projects/my-app " .. key,
      lines[4]:match "^[%d.]+" .. " complete 200 PATCH /v2/projects/my-app " .. key,
      lines[5]:match "^[%d.]+" .. " send GET /v2/projects/my-app -",
      lines[6]:match "^[%d.]+" .. " cancel GET /v2/projects/my-app -",
    }, lines)
    assert.is_true(tonumber(lines[3]:match "^[%d.]+") >= 0.02 + 0.25)
    assert.equal("", test.world():trace())
    assert.is_nil(world:trace():find("gsk_", 1, true))
  end)
end)

-- Bodies in pieces, with more of them than the windows hold (256 KiB).
describe("a stream in a world", function()
  local LARGE = ("0123456789abcdef"):rep(65536)

  local function call_of(world, method, path, rarer, timeout)
    local client = assert(core.client { api_key = world.emulator.api_key, world = world.number })
    return assert(client:call(method, path, nil, nil, nil, timeout, 0, world.now(), rarer))
  end

  -- Hands the body over as far as there is room, then waits. Returns how often it had to wait.
  local function upload(call, body, piece)
    local driver, at, waits = loop.driver(), 1, 0
    driver.start(call)
    while at <= #body do
      local room, hungry = call:write(body:sub(at, at + piece - 1))
      assert(room ~= "again")
      at = at + piece
      if hungry then
        driver.resume(call)
      end
      if not room then
        waits = waits + 1
        driver.await(call)
      end
    end
    if call:finish() then
      driver.resume(call)
    end
    while not call:done() do
      driver.await(call)
    end
    return waits
  end

  it("sends a body as there is room for it", function()
    for _, size in ipairs { #LARGE, -1 } do
      test.run(function(world)
        local got
        local handle = world.emulator.handle
        function world.emulator.handle(emulator, request)
          got = request
          return handle(emulator, request)
        end
        local call = call_of(world, "POST", "/projects", { upload = size, content_type = "application/octet-stream" })
        upload(call, LARGE, 50000)
        assert.is_true(got.body == LARGE)
        assert.equal("application/octet-stream", got.headers["content-type"])
        local failed, err = call:result()
        assert.is_false(failed)
        assert.is_true(err.status >= 400 and err.status < 500) -- it is no project; but it has arrived
        assert.equal(#LARGE, (call:moved()))
      end)
    end
  end)

  it("fails when the body is shorter than was said, and sends none of it", function()
    test.run(function(world)
      local call = call_of(world, "POST", "/projects", { upload = 1000 })
      upload(call, "too short", 100)
      local failed, err = call:result()
      assert.is_false(failed)
      assert.equal("canceled_error", err.type)
      assert.equal(0, #world.emulator:requests())
    end)
  end)

  it("receives a body as there is room for it, and is held back meanwhile", function()
    test.run(function(world)
      world.emulator:fault { status = 200, body = LARGE, content_type = "application/octet-stream" }
      local driver, call = loop.driver(), call_of(world, "GET", "/projects/my-app", { download = 0 })
      local parts = {}
      driver.start(call)
      driver.await(call)
      gitdev.sleep(5) -- nobody reads: no more than the window has come
      local _, came = call:moved()
      assert.is_true(came >= 256 * 1024 and came < #LARGE)
      assert.is_false(call:done())
      repeat
        local bytes, waits = call:read()
        parts[#parts + 1] = bytes
        if waits then
          driver.resume(call)
        end
        if not bytes and not call:done() then
          driver.await(call)
        end
      until not bytes and call:done()
      assert.is_true(table.concat(parts) == LARGE)
      assert.equal(200, (call:result()))
      assert.equal(tostring(#LARGE), call:header "content-length")
    end)
  end)

  it("is over when the server has been idle too long, and not when its program is", function()
    test.run(function(world)
      world.emulator:fault { delay = 50 }
      local call = call_of(world, "GET", "/projects/my-app", { download = 0 })
      loop.perform(call)
      assert.equal("timeout_error", select(2, call:result()).type)
      assert.equal(30, world:elapsed())
      world.emulator:fault { status = 200, body = LARGE, content_type = "application/octet-stream" }
      call = call_of(world, "GET", "/projects/my-app", { download = 0 })
      loop.start(call)
      gitdev.sleep(100)
      assert.is_false(call:done())
      loop.cancel(call)
    end)
  end)

  it("is canceled while it is held back", function()
    test.run(function(world)
      world.emulator:fault { status = 200, body = LARGE, content_type = "application/octet-stream" }
      local call = call_of(world, "GET", "/projects/my-app", { download = 0 })
      local task = gitdev.spawn(loop.perform, call)
      gitdev.sleep(1)
      task:cancel()
      raised(task.wait, task)
      assert.equal("canceled_error", select(2, call:result()).type)
      assert.equal(1, world:elapsed())
    end)
  end)
end)

-- Hooks, and the traceparent that they show.
local environment = require "spec.lua.support.environment"
local fake = require "spec.lua.support.fake"
local gitdev = require "gitdev"
local origin = require "spec.lua.support.origin"
local safe = require "gitdev.safe"
local server = require "gitdev.emulator.server"
local test = require "gitdev.test"
local pcall = gitdev.pcall -- tasks wait in it

local HOOKS = { "on_request", "on_response", "on_retry", "on_wait" }
local TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
local SECRET = "gsk_live_abcdefghijklmnopqrstuvwxyz0123456789"

-- Options of a client whose hooks note what they are told, in `seen`: each moment, its hook's name as `hook`, and when it was told.
local function noting(seen, options)
  local all = {}
  for _, name in ipairs(HOOKS) do
    all[name] = function(moment)
      moment.hook, moment.told = name, gitdev.now()
      seen[#seen + 1] = moment
    end
  end
  for name, value in pairs(options or {}) do
    all[name] = value
  end
  return all
end

local function names(seen)
  local list = {}
  for i, moment in ipairs(seen) do
    list[i] = moment.hook:sub(4) .. " " .. moment.attempt
  end
  return table.concat(list, ", ")
end

-- Makes a client in a world of its own, and runs fn(git, world) there. Returns what the hooks noted, and the world.
local function watched(fn, options, world_options)
  local seen, world = {}, test.world(world_options)
  world:run(function()
    fn(gitdev.client(noting(seen, options)), world)
  end)
  return seen, world
end

local function near(expected, value)
  assert.is_true(math.abs(expected - value) < 1e-6, tostring(value) .. " where " .. expected .. " was due")
end

describe("a hook", function()
  it("is told of a call as it goes, and not before nor after", function()
    local seen = watched(function(git)
      git.projects:get "my-app"
    end, { traceparent = TRACE }, { latency = 0.5 })
    local first, last = seen[1], seen[2]
    near(0.5, last.seconds)
    assert.same({
      { hook = "on_request", method = "GET", path = "/projects/my-app", attempt = 1, at = 0, told = 0, traceparent = TRACE },
      {
        hook = "on_response", method = "GET", path = "/projects/my-app", attempt = 1, at = last.at, told = last.at, status = 200, verdict = "ok",
        reason = "done", request_id = last.request_id, seconds = last.seconds,
      },
    }, { first, last, seen[3] })
    near(0.5, last.at)
    assert.matches("^req_%w+$", last.request_id)
  end)

  it("is told of each try of a call, under one key", function()
    local seen, world = watched(function(git, world)
      world.emulator:fault { status = 503, headers = { ["Retry-After"] = 7 } }
      world.emulator:fault { drop = true }
      git.deployments:create { project = "my-app" }
    end)
    assert.equal("request 1, response 1, retry 1, request 2, response 2, retry 2, request 3, response 3", names(seen))
    local retry, lost = seen[3], seen[6]
    assert.same({ 503, "server error", 7, "retry" }, { retry.status, retry.reason, retry.wait, retry.verdict })
    assert.same({ "stale connection" }, { lost.reason, lost.status, lost.request_id })
    assert.equal(0, lost.wait)
    near(seen[2].at, retry.at)
    near(retry.at + retry.wait, seen[4].at)
    near(lost.at + lost.wait, seen[7].at)
    local keys = {}
    for i, request in ipairs(world.emulator:requests()) do
      keys[i] = request.idempotency_key
    end
    assert.same({ seen[1].idempotency_key, seen[4].idempotency_key, seen[7].idempotency_key }, keys)
    assert.matches("^%x%x%x%x%x%x%x%x%-%x%x%x%x%-4%x%x%x%-[89ab]%x%x%x%-%x+$", keys[1])
    assert.same({ keys[1], keys[1] }, { keys[2], keys[3] })
    for _, moment in ipairs(seen) do
      assert.equal(moment.at, moment.told)
    end
  end)

  it("is told of a wait for the rate limit, when it begins", function()
    local seen = watched(function(git)
      for _ = 1, 12 do
        git.projects:get "my-app"
      end
    end, nil, { plan = "starter" })
    local waits = {}
    for i, moment in ipairs(seen) do
      if moment.hook == "on_wait" then
        waits[#waits + 1] = moment
        local sent = seen[i + 1]
        assert.same({ "on_request", 1, "rate limit" }, { sent.hook, moment.attempt, moment.reason })
        assert.equal(moment.at, moment.told)
        assert.is_true(moment.wait > 0.5 and moment.at + moment.wait <= sent.at + 1e-6)
        assert.is_nil(moment.status or moment.verdict or moment.idempotency_key)
      end
    end
    assert.is_true(#waits >= 1 and #waits <= 3, #waits .. " waits")
  end)

  it("is told how a try ended", function()
    local CASES = {
      { function(git)
        git.projects:get "nope"
      end, nil, 404, "error", "done" },
      { function(git)
        git.projects:list()
      end, { drop = true, times = 9 }, nil, "error", "no retries left" },
      { function(git)
        git.projects:list(nil, { timeout = 2 })
      end, { delay = 60 }, nil, "error", nil },
    }
    for number, case in ipairs(CASES) do
      local seen = watched(function(git, world)
        if case[2] then
          world.emulator:fault(case[2])
        end
        assert.is_false(pcall(case[1], git))
      end)
      local last = seen[#seen]
      assert.same({ "on_response", case[3], case[4] }, { last.hook, last.status, last.verdict }, "case " .. number)
      assert.is_string(last.reason)
    end
  end)

  it("is not told of an answer to a call that was canceled", function()
    local seen = watched(function(git)
      local ok, err = pcall(gitdev.timeout, 0.01, function()
        git.projects:list()
      end)
      assert.is_true(not ok and gitdev.is_error(err, "timeout_error"))
      gitdev.sleep(60)
    end)
    assert.equal("request 1", names(seen))
  end)

  it("sees no secret in a path or a key", function()
    local seen = watched(function(git)
      pcall(function()
        git.projects:get(SECRET)
      end)
      git.deployments:create({ project = "my-app" }, { idempotency_key = SECRET })
    end)
    assert.equal("/projects/gsk_live_***", seen[1].path)
    assert.equal("gsk_live_***", seen[3].idempotency_key)
  end)

  it("runs in the task that called: it may wait, and call, while others go on", function()
    local order = {}
    test.run(function()
      local git = gitdev.client()
      local slow = gitdev.client {
        on_request = function()
          gitdev.sleep(5)
          order[#order + 1] = git.projects:get("my-app").slug
        end,
        on_response = function(moment)
          order[#order + 1] = "answer " .. moment.at
        end,
      }
      gitdev.all {
        function()
          slow.projects:list()
          order[#order + 1] = "slow " .. gitdev.now()
        end,
        function()
          git.projects:list()
          order[#order + 1] = "quick " .. gitdev.now()
        end,
      }
    end, { latency = 0.5 })
    assert.same({ "quick 0.5", "my-app", "answer 0.5", "slow 5.5" }, order)
  end)

  it("belongs to one client", function()
    local seen = {}
    test.run(function()
      local git = gitdev.client(noting(seen))
      gitdev.client().projects:list()
      assert.equal(0, #seen)
      git.projects:list()
      gitdev.client().projects:list()
    end)
    assert.equal("request 1, response 1", names(seen))
  end)

  it("keeps the calls of many tasks apart", function()
    local by_path = {}
    watched(function(git, world)
      world.emulator:fault { status = 503, times = 5 }
      local tasks = {}
      for i = 1, 20 do
        tasks[i] = function()
          git.projects:list { limit = i }
        end
      end
      gitdev.all(tasks)
    end, {
      on_request = function(moment)
        by_path[moment.path] = (by_path[moment.path] or "") .. "(" .. moment.attempt
      end,
      on_response = function(moment)
        by_path[moment.path] = by_path[moment.path] .. ")"
      end,
    })
    local counts = {}
    for i = 1, 20 do
      local text = by_path["/projects?limit=" .. i]
      counts[text] = (counts[text] or 0) + 1
    end
    assert.same({ ["(1)"] = 15, ["(1)(2)"] = 5 }, counts)
  end)

  it("is told of the same keys in every run of a world with a seed", function()
    local function keys(seed)
      local seen = watched(function(git)
        git.projects:create { slug = "one" }
        git.projects:create { slug = "two" }
      end, nil, { seed = seed })
      return seen[1].idempotency_key .. " " .. seen[3].idempotency_key
    end
    assert.equal(keys(1), keys(1))
    assert.are_not.equal(keys(1), keys(2))
    assert.are_not.equal(keys(1):match "^%S+", keys(1):match "%S+$")
  end)

  it("changes nothing by what it returns", function()
    local seen = watched(function(git)
      assert.equal("my-app", git.projects:get("my-app").slug)
    end, { on_request = function()
      return false, "stop"
    end })
    assert.equal("response 1", names(seen))
  end)
end)

describe("a hook that fails", function()
  local function boom(what)
    return function()
      error(what, 0)
    end
  end

  for _, style in ipairs { gitdev, safe } do
    for _, name in ipairs(HOOKS) do
      it(name .. " ends the call with its error, " .. (style == safe and "raised too by gitdev.safe" or "and leaves nothing under way"), function()
        local world, problem = test.world { plan = "starter" }, { "a table" }
        world:run(function()
          local git = style.client { [name] = boom(problem) }
          local plain = gitdev.client()
          if name == "on_wait" then
            for _ = 1, 10 do
              plain.projects:list()
            end
          end
          world.emulator:fault { status = 503 } -- the error comes before another try has been made
          local ok, err = pcall(function()
            git.projects:get "my-app"
          end)
          assert.is_true(not ok and rawequal(problem, err), tostring(err))
          local requests = #world.emulator:requests()
          gitdev.sleep(600)
          assert.equal(requests, #world.emulator:requests())
        end)
        assert.is_truthy(world:trace():find("cancel", 1, true))
      end)
    end
  end

  it("after the last answer, loses the answer alone", function()
    local world = test.world()
    world:run(function()
      local git = gitdev.client { on_response = boom "late" }
      local ok, err = pcall(function()
        git.projects:create { slug = "made" }
      end)
      assert.same({ false, "late" }, { ok, err })
      assert.equal("made", gitdev.client().projects:get("made").slug)
    end)
    assert.is_nil(world:trace():find("cancel", 1, true))
  end)
end)

describe("a driver of one's own", function()
  it("that only performs is told of after the call, in the true order", function()
    local seen, world = {}, test.world()
    world:run(function()
      local driver, performed = {}, 0
      for _, name in ipairs { "sleep", "now", "clock", "seed", "world" } do
        driver[name] = world.driver[name]
      end
      function driver.perform(call)
        world.driver.perform(call)
        performed = performed + 1
        assert.equal(0, #seen)
      end
      local git = gitdev.client(noting(seen, { driver = driver }))
      world.emulator:fault { status = 503 }
      git.projects:list()
      assert.equal(1, performed)
    end)
    assert.equal("request 1, response 1, retry 1, request 2, response 2", names(seen))
    assert.is_true(seen[1].at < seen[2].at and seen[2].at < seen[4].at and seen[4].at < seen[5].at)
    assert.equal(seen[5].at, seen[1].told)
  end)

  it("that is stepped by a part of the SDK is heard at each step", function()
    local seen, world = {}, test.world()
    world:run(function()
      local inner = getmetatable(gitdev.client(noting(seen))).inner
      local call = inner.core:call("GET", "/projects")
      inner.driver.start(call)
      assert.equal("request 1", names(seen))
      while not call:done() do
        inner.driver.await(call)
      end
    end)
    assert.equal("request 1, response 1", names(seen))
  end)

  it("is used as it is where there are no hooks", function()
    local world, performed = test.world(), 0
    world:run(function()
      local driver = setmetatable({
        perform = function(call)
          performed = performed + 1
          world.driver.perform(call)
          assert.is_nil(call:events())
        end,
      }, { __index = world.driver })
      gitdev.client({ driver = driver }).projects:list()
    end)
    assert.equal(1, performed)
  end)
end)

describe("over real sockets", function()
  local WAYS = {
    { "in a task", gitdev.run },
    { "where calls block", function(fn)
      fn()
    end },
  }
  for _, way in ipairs(WAYS) do
    it("on_request comes before the answer, " .. way[1], function()
      local emulator = assert(server.start {})
      local seen, at_hand = {}, {}
      way[2](function()
        local options = { api_key = emulator.api_key, base_url = emulator.url, ca_file = emulator.ca_file }
        for name, hook in pairs(noting(seen)) do
          options[name] = function(moment)
            hook(moment)
            at_hand[#at_hand + 1] = #emulator.emulator:requests()
          end
        end
        local git = gitdev.client(options)
        emulator.emulator:fault { status = 503, delay = 0.05, retry_after = false }
        git.projects:list()
        git.deployments:create { project = "my-app" } -- on a connection that is open already
      end)
      emulator:stop()
      assert.equal("request 1, response 1, retry 1, request 2, response 2, request 1, response 1", names(seen))
      assert.same({ 0, 1, 1 }, { at_hand[1], at_hand[2], at_hand[3] })
      assert.equal(2, at_hand[6])
      assert.is_true(seen[1].told + 0.05 <= seen[2].at)
      for i, moment in ipairs(seen) do
        assert.is_true(moment.at <= moment.told)
        assert.is_true(i == 1 or seen[i - 1].at <= moment.at)
      end
    end)
  end

  it("a hook's error ends its call, and no other", function()
    local emulator = assert(server.start {})
    local fail = false
    local git = gitdev.client {
      api_key = emulator.api_key,
      base_url = emulator.url,
      ca_file = emulator.ca_file,
      on_request = function()
        if fail then
          fail = false
          error("no", 0)
        end
      end,
    }
    for _ = 1, 3 do
      git.projects:list()
      fail = true
      assert.equal("no", fake.raised(git.projects.list, git.projects))
    end
    git.projects:list()
    emulator:stop()
  end)
end)

describe("a traceparent", function()
  local ANOTHER = "cc-00000000000000000000000000000001-0000000000000001-00"
  local KEY = "gsk_test_0000000000000000000000000000abcd"

  local function with_trace(value, fn)
    environment.with("TRACEPARENT", value, fn)
  end

  -- What a call brought to a real server, of whose tries so many are answered with a 503; what the hook says of it must be the same.
  local function sent(options, headers, failures)
    local told = {}
    local host = origin.start(function(_, number)
      return origin.json(number <= failures and 503 or 200, '{"object":"organization","id":"org_1"}')
    end)
    local all = { api_key = origin.API_KEY, base_url = host.url, ca_file = host.ca_file }
    function all.on_request(moment)
      told[#told + 1] = moment.traceparent or "none"
    end
    for name, value in pairs(options) do
      all[name] = value or nil
    end
    gitdev.client(all).organization:get { headers = headers }
    host:stop()
    assert.equal(failures + 1, #host.requests)
    assert.is_true(#told > failures or not all.on_request)
    local arrived = host.requests[1].headers.traceparent or "none"
    for _, request in ipairs(host.requests) do
      assert.equal(arrived, request.headers.traceparent or "none")
    end
    for _, value in ipairs(told) do
      assert.equal(arrived, value)
    end
    return arrived
  end

  it("passes through unchanged: the call's, then the client's, then the environment's", function()
    local CASES = {
      { nil, {}, nil, "none" },
      { nil, { traceparent = TRACE }, nil, TRACE },
      { ANOTHER, {}, nil, ANOTHER },
      { ANOTHER, { traceparent = TRACE }, nil, TRACE },
      { ANOTHER, { traceparent = TRACE }, { ["X-Note"] = "1" }, TRACE },
      { nil, {}, { traceparent = ANOTHER }, ANOTHER },
      { TRACE, { traceparent = TRACE }, { TraceParent = ANOTHER }, ANOTHER },
      { "", {}, nil, "none" },
      { TRACE .. "-more", {}, nil, "none" },
      { TRACE:upper(), { on_request = false }, nil, "none" },
      { TRACE, { on_request = false }, { ["X-Note"] = "1" }, TRACE },
    }
    for number, case in ipairs(CASES) do
      with_trace(case[1], function()
        assert.equal(case[4], sent(case[2], case[3], 0), "case " .. number)
      end)
    end
  end)

  it("is the same on every try", function()
    assert.equal(TRACE, sent({ traceparent = TRACE }, nil, 1))
  end)

  it("must have the W3C's form", function()
    local CASES = {
      { "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7", "hex digits in lower case" },
      { "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01", "hex digits in lower case" },
      { "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b71-01", "hex digits in lower case" },
      { "0-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "hex digits in lower case" },
      { TRACE:upper(), "hex digits in lower case" },
      { TRACE .. "\n", "hex digits in lower case" },
      { " " .. TRACE, "hex digits in lower case" },
      { "", "hex digits in lower case" },
      { (TRACE:gsub("^00", "ff")), "version ff" },
      { (TRACE:gsub("4bf9%x+", ("0"):rep(32))), "trace id of zeros" },
      { (TRACE:gsub("00f0%x+", ("0"):rep(16))), "parent id of zeros" },
      { 1, "got 1" },
    }
    for _, case in ipairs(CASES) do
      for _, module in ipairs { gitdev, safe } do
        local err = fake.raised(module.client, { api_key = KEY, traceparent = case[1] })
        assert.same({ "invalid_request_error", "invalid_type", "traceparent" }, { err.type, err.code, err.param })
        assert.matches(case[2], err.message, 1, true)
        if type(case[1]) == "string" then
          local git = fake.client({}, nil, module == safe and "gitdev.safe" or nil)
          err = fake.raised(git.organization.get, git.organization, { headers = { Traceparent = case[1] } })
          assert.same({ "invalid_type", "headers" }, { err.code, err.param })
          assert.matches("its traceparent .*" .. case[2], err.message)
        end
      end
    end
  end)
end)

describe("a hook that is none", function()
  it("is misuse", function()
    for _, name in ipairs(HOOKS) do
      local err = fake.raised(gitdev.client, { api_key = "gsk_test_0000000000000000000000000000abcd", [name] = "print" })
      assert.same({ "invalid_type", name }, { err.code, err.param })
      assert.matches("must be a function", err.message)
    end
  end)
end)

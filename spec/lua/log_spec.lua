-- GITDEV_LOG and the option `log`: what is written to stderr, and what never is.
local environment = require "spec.lua.support.environment"
local fake = require "spec.lua.support.fake"
local gitdev = require "gitdev"
local process = require "spec.lua.support.process"
local safe = require "gitdev.safe"
local test = require "gitdev.test"
local pcall = gitdev.pcall -- tasks wait in it

local SECRETS = {
  "gsk_live_abcdefghijklmnopqrstuvwxyz0123456789",
  "gsk_test_ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
  "gpk_test_abcdefghijklmnopqrstuvwxyz0123456789",
  "whsec_abcdefghijklmnopqrstuvwxyz01",
  "tkt_abcdefghijklmnopqrstuvwxyz0123456789",
}

-- What fn writes to stderr: the text, and the writes it was made of.
local function stderr_of(fn)
  local real, writes = io.stderr, {}
  io.stderr = { -- luacheck: ignore 122
    write = function(_, ...)
      writes[#writes + 1] = table.concat { ... }
    end,
    flush = function() end,
  }
  local ok, err = pcall(fn)
  io.stderr = real -- luacheck: ignore 122
  assert(ok, err)
  return table.concat(writes), writes
end

local function with_variable(value, fn)
  environment.with("GITDEV_LOG", value, fn)
end

-- What a client with these options writes while fn(git, world) runs in a world of its own.
local function logged(options, fn, world_options)
  local world, api_key = test.world(world_options), nil
  local text, writes = stderr_of(function()
    world:run(function()
      api_key = os.getenv "GIT_API_KEY"
      fn(gitdev.client(options), world)
    end)
  end)
  assert.is_nil(text:find(api_key:sub(-10), 1, true))
  return text, writes
end

-- The lines of a log, without what differs from run to run: the numbers of calls, and ids.
local function lines(text)
  local list, numbers, count = {}, {}, 0
  for line in text:gmatch "([^\n]*)\n" do
    line = line:gsub("#(%d+)", function(number)
      if not numbers[number] then
        count = count + 1
        numbers[number] = count
      end
      return "#" .. numbers[number]
    end)
    list[#list + 1] = line:gsub("req_%w+", "req_"):gsub("%x+%-%x+%-4%x+%-%x+%-%x+", "KEY"):gsub("test_%*%*%*%w+", "test_***")
  end
  return list
end

describe("the log", function()
  local function script(git, world)
    world.emulator:fault { status = 503, headers = { ["Retry-After"] = 3 } }
    git.deployments:create { project = "my-app" }
    pcall(function()
      git.projects:get "nope"
    end)
    git.projects:list { limit = 2 }
  end

  it("at info has each call's end, and what held it up", function()
    local text, writes = logged({ log = "info" }, script)
    assert.same({
      'gitdev 2024-06-21T03:58:18.020Z #1 retry POST /deployments after=1 wait=3.000 reason="server error" status=503 request=req_',
      "gitdev 2024-06-21T03:58:21.040Z #1 done POST /deployments status=201 seconds=3.040 tries=2 request=req_",
      "gitdev 2024-06-21T03:58:21.060Z #2 failed GET /projects/nope status=404 seconds=0.020 tries=1 request=req_",
      "gitdev 2024-06-21T03:58:21.060Z error type=invalid_request_error code=resource_missing status=404 request=req_ "
        .. 'message="There is no such project, or this key does not hold its project."',
      "gitdev 2024-06-21T03:58:21.080Z #3 done GET /projects?limit=2 status=200 seconds=0.020 tries=1 request=req_",
    }, lines(text))
    assert.equal(5, #writes)
  end)

  it("at debug has each try too, and the configuration once, without the key", function()
    local trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    local text = logged({ log = "debug", timeout = 60, max_retries = 2, try_timeout = 5, traceparent = trace }, script)
    trace = " traceparent=" .. trace
    assert.same({
      "gitdev 2024-06-21T03:58:18.000Z client key=gsk_test_*** base_url=https://api.git.dev/v2 timeout=60 try_timeout=5 "
        .. "connect_timeout=10 max_retries=2",
      "gitdev 2024-06-21T03:58:18.000Z #1 send POST /deployments try=1 idempotency_key=KEY" .. trace,
      'gitdev 2024-06-21T03:58:18.020Z #1 answer POST /deployments try=1 status=503 seconds=0.020 verdict=retry reason="server error" request=req_',
      'gitdev 2024-06-21T03:58:18.020Z #1 retry POST /deployments after=1 wait=3.000 reason="server error" status=503 request=req_',
      "gitdev 2024-06-21T03:58:21.020Z #1 send POST /deployments try=2 idempotency_key=KEY" .. trace,
      "gitdev 2024-06-21T03:58:21.040Z #1 answer POST /deployments try=2 status=201 seconds=0.020 verdict=ok request=req_",
      "gitdev 2024-06-21T03:58:21.040Z #1 done POST /deployments status=201 seconds=3.040 tries=2 request=req_",
      "gitdev 2024-06-21T03:58:21.040Z #2 send GET /projects/nope try=1" .. trace,
      "gitdev 2024-06-21T03:58:21.060Z #2 answer GET /projects/nope try=1 status=404 seconds=0.020 verdict=error request=req_",
      "gitdev 2024-06-21T03:58:21.060Z #2 failed GET /projects/nope status=404 seconds=0.020 tries=1 request=req_",
      "gitdev 2024-06-21T03:58:21.060Z error type=invalid_request_error code=resource_missing status=404 request=req_ "
        .. 'message="There is no such project, or this key does not hold its project."',
      "gitdev 2024-06-21T03:58:21.060Z #3 send GET /projects?limit=2 try=1" .. trace,
      "gitdev 2024-06-21T03:58:21.080Z #3 answer GET /projects?limit=2 try=1 status=200 seconds=0.020 verdict=ok request=req_",
      "gitdev 2024-06-21T03:58:21.080Z #3 done GET /projects?limit=2 status=200 seconds=0.020 tries=1 request=req_",
    }, lines(text))
  end)

  it("tells of waits for the rate limit", function()
    local text = logged({ log = "info" }, function(git)
      for _ = 1, 12 do
        git.projects:get "my-app"
      end
    end, { plan = "starter" })
    assert.matches('#%d+ wait GET /projects/my%-app wait=%d%.%d+ reason="rate limit"\n', text)
  end)

  it("tells why a stream is taken up again, and masks its ticket", function()
    local text = logged({ log = "info" }, function(git, world)
      local made = git.deployments:create { project = "my-app" }
      world.emulator:fault { match = { op = "deployments.logs.stream" }, stream = { lines = 2, close = 1012 } }
      local ticket = git.stream_tickets:create({ resource = made.id }).ticket
      for _ in made:logs { follow = true, ticket = ticket } do end
      assert.is_string(ticket)
    end)
    assert.matches('resume wait=0%.%d+ code=unavailable close_code=1012 request=req_%w+ message="the stream /dep[^"]+1012[^"]+"\n', text)
    assert.matches("logs/stream?follow=true&ticket=tkt_*** status=101", text, 1, true)
  end)

  it("tells how calls end that get no answer", function()
    local CASES = {
      { function(git)
        git.projects:list()
      end, { drop = true, times = 9 }, "failed GET /projects seconds=%d%.%d+ tries=3\n", "error type=connection_error .*message=" },
      { function(git)
        git.projects:list(nil, { timeout = 2 })
      end, { delay = 60 }, "failed GET /projects seconds=2%.000 tries=1\n", "error type=timeout_error code=deadline " },
      { function(git)
        gitdev.timeout(0.01, git.projects.list, git.projects)
      end, nil, "canceled GET /projects seconds=0%.010 tries=1\n", nil },
      { function(git)
        git.projects:list(nil, { timeout = 2 })
      end, { status = 429, times = 9 }, "failed GET /projects status=429 .*tries=%d ", "error type=rate_limit_error" },
      { function(git)
        git.projects:list()
      end, { body = "[]", status = 200 }, "done GET /projects status=200 ", "error type=response_error code=not_a_list status=200 " },
    }
    for number, case in ipairs(CASES) do
      local text = logged({ log = "info" }, function(git, world)
        if case[2] then
          world.emulator:fault(case[2])
        end
        assert.is_false(pcall(case[1], git), "case " .. number)
        gitdev.sleep(100)
      end)
      assert.matches(case[3], text)
      if case[4] then
        assert.matches(case[4], text)
      else
        assert.is_nil(text:find " error ")
      end
    end
  end)

  it("tells of a call that a part of the SDK gives up", function()
    local text = logged({ log = "info" }, function(git)
      local inner = getmetatable(git).inner
      local call = inner.core:call("GET", "/projects")
      inner.driver.start(call)
      inner.driver.cancel(call)
    end)
    assert.matches("^gitdev %S+ #%d+ canceled GET /projects seconds=0%.000 tries=1\n$", text)
  end)

  it("has the true times, also of what it is told of late", function()
    local world = test.world()
    local driver = {}
    for _, name in ipairs { "perform", "sleep", "now", "clock", "seed", "world" } do
      driver[name] = world.driver[name]
    end
    local text = stderr_of(function()
      world:run(function()
        script(gitdev.client { log = "info", driver = driver }, world)
      end)
    end)
    local times = {}
    for time, word in text:gmatch "gitdev %S+T03:58:(%S+)Z #%d+ (%a+)" do
      times[#times + 1] = word .. " " .. time
    end
    assert.same({ "retry 18.020", "done 21.040", "failed 21.060", "done 21.080" }, times)
  end)

  it("has each error once, whichever way the program gets it", function()
    local WAYS = {
      function(git)
        git.projects:list()
      end,
      function(git)
        for _ in git.projects:each() do
          error "nothing comes"
        end
      end,
      function(git)
        git.projects:get "my-app"
      end,
      function(_, thing)
        thing:refresh()
      end,
      function(_, thing)
        thing:wait()
      end,
      function(_, _, page)
        page:next()
      end,
    }
    for number, way in ipairs(WAYS) do
      for _, style in ipairs { gitdev, safe } do
        local text = logged({ log = "off" }, function(_, world)
          local git = style.client { log = "info" }
          local thing = git.deployments:create { project = "my-app" }
          git.projects:create { slug = "another" }
          local page = git.projects:list { limit = 1 }
          world.emulator:fault { status = 401, times = 9 }
          pcall(way, git, thing, page)
        end)
        local _, count = text:gsub(" error type=authentication_error ", "")
        assert.equal(1, count, "way " .. number)
      end
    end
  end)

  it("is of one client, and off unless it is asked for", function()
    local CASES = {
      { nil, nil, "" },
      { "", nil, "" },
      { "off", nil, "" },
      { "info", nil, "done" },
      { "debug", nil, "client" },
      { "debug", "off", "" },
      { "debug", "info", "done" },
      { "off", "debug", "client" },
      { "nonsense", "info", "done" },
    }
    for _, case in ipairs(CASES) do
      with_variable(case[1], function()
        local text = logged({ log = case[2] }, function(git)
          git.projects:get "my-app"
        end)
        local word = text:match "^gitdev %S+ #?%d* ?(%a+)" or ""
        assert.equal(case[3], word, tostring(case[1]) .. " " .. tostring(case[2]))
      end)
    end
  end)

  it("refuses another level, and names it", function()
    local KEY = "gsk_test_0000000000000000000000000000abcd"
    local CASES = {
      { "verbose", nil, 'GITDEV_LOG must be "off", "info" or "debug", got "verbose".' },
      { "INFO", nil, 'got "INFO"' },
      { nil, "trace", 'log must be "off", "info" or "debug", got "trace".' },
      { "debug", "", 'log must be "off", "info" or "debug", got "".' },
      { "a\27[2J\nb", nil, 'got "a [2J b"' },
      { SECRETS[1], nil, 'got "gsk_live_***"' },
    }
    for _, case in ipairs(CASES) do
      with_variable(case[1], function()
        local err = fake.raised(gitdev.client, { api_key = KEY, log = case[2] })
        assert.is_true(gitdev.is_error(err, "config_error"))
        assert.matches(case[3], err.message, 1, true)
        local git, returned = safe.client { api_key = KEY, log = case[2] }
        assert.is_nil(git)
        assert.equal(err.message, returned.message)
      end)
    end
    assert.equal("log", fake.raised(gitdev.client, { api_key = KEY, log = true }).param)
  end)
end)

describe("no secret", function()
  local function envelope(message, code)
    return '{"error":{"type":"invalid_request_error","code":"' .. (code or "parameter_invalid") .. '","message":"' .. message .. '"}}'
  end

  -- Each puts a secret somewhere, and has a call made.
  local PLACES = {
    ["in a path"] = function(git, _, secret)
      git.projects:get(secret)
    end,
    ["in a query"] = function(git, _, secret)
      git.projects:list { cursor = secret }
    end,
    ["in a query, behind other text"] = function(git, _, secret)
      git.deployments:list { branch = "release/" .. secret }
    end,
    ["in an idempotency key"] = function(git, _, secret)
      git.projects:create({ slug = "another" }, { idempotency_key = secret })
    end,
    ["in an idempotency key, behind other text"] = function(git, _, secret)
      git.projects:create({ slug = "another" }, { idempotency_key = "deploy-" .. secret })
    end,
    ["in metadata"] = function(git, _, secret)
      git.deployments:create { project = "my-app", metadata = { note = secret }, env = { TOKEN = secret } }
    end,
    ["in a header of the call"] = function(git, _, secret)
      git.projects:list(nil, { headers = { ["X-Note"] = secret } })
    end,
    ["in the server's message"] = function(git, world, secret)
      world.emulator:fault { status = 422, body = envelope("The key " .. secret .. " is not allowed here: " .. secret) }
      git.projects:list()
    end,
    ["in the server's code"] = function(git, world, secret)
      world.emulator:fault { status = 422, body = envelope("No.", secret) }
      git.projects:list()
    end,
    ["in the server's request id"] = function(git, world, secret)
      world.emulator:fault { headers = { ["X-Request-Id"] = secret } }
      git.projects:list()
    end,
    ["in the program's reason to cancel"] = function(git, _, secret)
      local task = gitdev.spawn(function()
        git.projects:get(secret)
      end)
      gitdev.sleep(0.01)
      task:cancel(secret)
      pcall(task.wait, task)
    end,
  }

  for place, fn in pairs(PLACES) do
    it(place .. " gets into the log", function()
      for _, secret in ipairs(SECRETS) do
        local text = logged({ log = "debug" }, function(git, world)
          pcall(fn, git, world, secret)
        end)
        assert.matches("\n.*\n", text) -- calls were made
        assert.is_nil(text:find(secret:match "_(%w+)$", 1, true), text)
        assert.is_nil(text:find(secret:match "_(%w+)$":sub(1, 12), 1, true), text)
      end
    end)
  end

  it("of the configuration gets into the log", function()
    local text = stderr_of(function()
      gitdev.client { api_key = SECRETS[1], base_url = "https://api.example/" .. SECRETS[3], log = "debug" }
    end)
    assert.matches("client key=gsk_live_%*%*%*6789 base_url=https://api.example/gpk_test_%*%*%*", text)
  end)
end)

describe("text from outside", function()
  -- In JSON, and in the log.
  local CASES = {
    { "one\\ngitdev 2024-06-21T03:58:18.000Z #9 done GET /faked", "one gitdev" },
    { "a\\u001b[2J\\u001b[1;1Hb", "a [2J [1;1Hb" },
    { "a\\rb\\u0000c\\u0007d\\u007f", "a b" },
    { "csi \\u009b2J", "csi \\xc2\\x9b2J" },
    { "a line\\u2028end\\u2029", "a line\\xe2\\x80\\xa8end\\xe2\\x80\\xa9" },
    { "turned \\u202e round \\u2066", "turned \\xe2\\x80\\xae round \\xe2\\x81\\xa6" },
    { 'said \\"status=200\\" \\\\', 'said \\"status=200\\" \\\\' },
    { "viele gr\\u00fc\\u00dfe", "viele gr\195\188\195\159e" },
  }

  it("cannot forge a line, nor move the cursor", function()
    for _, case in ipairs(CASES) do
      local text = logged({ log = "info" }, function(git, world)
        local body = '{"error":{"type":"invalid_request_error","code":"parameter_invalid","message":"' .. case[1] .. '"}}'
        world.emulator:fault { status = 422, body = body }
        pcall(git.projects.list, git.projects)
      end)
      local list = lines(text)
      assert.equal(2, #list)
      assert.matches('message="' .. case[2], text, 1, true)
      for _, line in ipairs(list) do
        assert.is_nil(line:find "%c")
        assert.is_nil(line:find "\194[\128-\159]")
        assert.matches("^gitdev 2024%-06%-21T03:58:18%.020Z [#e]", line)
      end
    end
  end)

  it("that is no UTF-8 is shown byte by byte", function()
    local text = stderr_of(function()
      gitdev.client { api_key = SECRETS[1], ca_file = "README.md", log = "debug" }
      require("gitdev.progress").print(require("gitdev.log").escape "caf\233 \195\169\n")
    end)
    assert.matches("caf\\xe9 \\xc3\\xa9\\x0a\n", text, 1, true)
  end)
end)

describe("a log beside a live line of progress", function()
  it("is written above it, a line in a write", function()
    local world = test.world()
    world.driver.isatty = function()
      return true
    end
    local _, writes = stderr_of(function()
      world:run(function()
        gitdev.client({ log = "info" }).deployments:create({ project = "my-app" }):wait()
      end)
    end)
    local live = 0
    for _, text in ipairs(writes) do
      if text:find("gitdev 2024", 1, true) and text:sub(1, 1) == "\r" then
        live = live + 1
        assert.matches("^\r\27%[Kgitdev 2024[^\n]*\nmy%-app  %a+  %d+s$", text)
      end
    end
    assert.is_true(live >= 3)
    assert.matches("^my%-app  live  %d+s  https://", writes[#writes])
  end)

  it("and a hook that prints, has the line to itself", function()
    local world, before = test.world(), {}
    world.driver.isatty = function()
      return true
    end
    local _, writes
    _, writes = stderr_of(function()
      world:run(function()
        local options = { on_response = function()
          io.stderr:write "hook\n"
        end }
        gitdev.client(options).deployments:create({ project = "my-app" }):wait()
      end)
    end)
    for i, text in ipairs(writes) do
      if text == "hook\n" and i > 1 then
        before[#before + 1] = writes[i - 1]
      end
    end
    assert.is_true(#before >= 3)
    for _, text in ipairs(before) do
      assert.equal("\r\27[K", text)
    end
  end)
end)

describe("the host", function()
  it("logs as GITDEV_LOG says, with the times of real connections", function()
    local file = process.file 'require("gitdev").client().projects:get "my-app"'
    local status, out, err = process.gitdev({ "--emulator", file }, "", "GITDEV_LOG=debug")
    assert.same({ 0, "" }, { status, out })
    assert.matches("#%d+ answer GET /projects/my%-app try=1 status=200 .*dns=%d.* connect=%d.* tls=%d.* first_byte=%d.*", err)
    status, out, err = process.gitdev({ "--emulator", file }, "", "GITDEV_LOG=loud")
    os.remove(file)
    assert.same({ 2, "" }, { status, out })
    assert.matches('GITDEV_LOG must be .* got "loud"', err)
  end)
end)

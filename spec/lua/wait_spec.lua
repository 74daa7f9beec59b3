local fake = require "spec.lua.support.fake"
local gitdev = require "gitdev"
local scripted = require "spec.lua.support.scripted"
local pcall = gitdev.pcall -- tasks wait in it

local function deployment(status, extra)
  local thing = { id = "dep_1", object = "deployment", project = "my-app", status = status, url = "https://my-app.git.dev" }
  for key, value in pairs(extra or {}) do
    thing[key] = value
  end
  return thing
end

-- A client whose deployment goes through `statuses`, one at each look; the last one stays.
local function going_through(statuses, options, module)
  local git, seen = fake.client(function(_, calls)
    local status = statuses[math.min(#calls, #statuses)]
    return type(status) == "table" and status or deployment(status)
  end, options or { progress = "off" }, module)
  return git.deployments:get "dep_1", seen
end

-- What fn writes to stderr.
local function stderr_of(fn)
  local real, text = io.stderr, {}
  io.stderr = { -- luacheck: ignore 122
    write = function(_, ...)
      for i = 1, select("#", ...) do
        text[#text + 1] = (select(i, ...))
      end
    end,
    flush = function() end,
  }
  local ok, err = pcall(fn)
  io.stderr = real -- luacheck: ignore 122
  assert(ok, err)
  return table.concat(text)
end

describe("deployment:wait", function()
  it("returns the same deployment, brought up to date", function()
    local thing = going_through { "queued", "building", "deploying", deployment("live", { duration_ms = 2400 }) }
    assert.equal(thing, thing:wait())
    assert.same({ "live", 2400 }, { thing.status, thing.duration_ms })
    assert.is_function(thing.promote)
  end)

  it("looks again half a second after a change, then less and less often, to every five seconds", function()
    local statuses = { "queued", "building" }
    for _ = 1, 40 do
      statuses[#statuses + 1] = "building"
    end
    statuses[#statuses + 1] = "deploying"
    statuses[#statuses + 1] = "live"
    local thing, seen = going_through(statuses)
    thing:wait()
    local slept = seen.slept
    assert.same({ 0.5, 0.5, 0.5 }, { slept[1], slept[2], slept[#slept] })
    for i = 3, #slept - 1 do
      assert.is_true(slept[i] >= slept[i - 1] and slept[i] <= 5)
    end
    assert.equal(5, slept[#slept - 1])
    assert.is_true(math.abs(slept[3] - 0.55) < 1e-6)
    assert.equal(43, #slept)
  end)

  it("looks as often as it is told", function()
    local thing, seen = going_through { "queued", "building", "building", "live" }
    thing:wait { interval = 2 }
    assert.same({ 2, 2, 2 }, seen.slept)
  end)

  it("leaves a small rate limit to others", function()
    local thing, seen = going_through { "queued", "building", "building", "live" }
    seen.core.limit = { per_minute = 60, burst = 10, remaining = 4 }
    thing:wait()
    assert.is_true(math.abs(seen.now - 1000 - (0.5 + 2 + 2)) < 1e-9)
    thing, seen = going_through { "queued", "live" }
    seen.core.limit = { per_minute = 60, burst = 10, remaining = 9 }
    thing:wait()
    assert.same({ 0.5 }, seen.slept)
  end)

  it("shares what is left of a rate limit with the client's other waits", function()
    local git, seen = fake.client({ deployment "queued", deployment "queued", deployment "live", deployment "live" }, { progress = "off" })
    seen.core.limit = { per_minute = 60, burst = 10, remaining = 0 }
    local one, two = git.deployments:get "dep_1", git.deployments:get "dep_1"
    one:wait()
    two:wait()
    assert.same({ 0.5, 0.5, 1.5 }, seen.slept)
  end)

  it("goes on where a look did not get its turn in its own time", function()
    local no_turn = { type = "timeout_error", code = "deadline", message = "Too late.", retryable = true, attempts = {} }
    local thing, seen = going_through { "queued", no_turn, no_turn, "live" }
    thing:wait()
    assert.equal(4, #seen)
  end)

  it("goes on where looks fail for a while, up to five times in a row", function()
    local away = { type = "connection_error", code = "not_connected", message = "Away.", retryable = true }
    local thing, seen = going_through { "queued", away, away, away, away, away, "building", away, "live" }
    thing:wait()
    assert.equal(9, #seen)
    thing, seen = going_through { "queued", away }
    assert.equal("not_connected", fake.raised(thing.wait, thing).code)
    assert.equal(7, #seen)
    thing = going_through { "queued", away }
    assert.equal("wait_timeout", fake.raised(thing.wait, thing, { timeout = 1 }).code)
  end)

  it("tells of each change, with the status before", function()
    local changes = {}
    local thing = going_through { "queued", "queued", "building", "building", "live" }
    thing:wait { on_change = function(changed, previous)
      assert.equal(thing, changed)
      changes[#changes + 1] = previous .. " " .. changed.status
    end }
    assert.same({ "queued building", "building live" }, changes)
  end)

  it("takes a status that it does not know for one on the way", function()
    local thing, seen = going_through { "queued", "warming_up", "warming_up", "live" }
    thing:wait()
    assert.equal(4, #seen)
  end)

  it("asks nothing when the deployment is at rest already", function()
    local thing, seen = going_through { "live" }
    assert.equal(thing, thing:wait())
    local failed = going_through { deployment("failed", { failure = { stage = "build", code = "no_output", message = "Nothing." } }) }
    assert.equal("no_output", fake.raised(failed.wait, failed).code)
    assert.same({ 1, 0 }, { #seen, #seen.slept })
  end)

  it("fails with the deployment's reason", function()
    local CASES = {
      {
        deployment("failed", { failure = { stage = "build", code = "build_error", message = "npm exited with 1." } }),
        "build_error",
        "deployment dep_1 failed in build: npm exited with 1.",
      },
      {
        deployment("failed", { failure = { stage = "deploy", code = "health_check_failed" } }),
        "health_check_failed",
        "deployment dep_1 failed in deploy: health_check_failed.",
      },
      { deployment "failed", "failed", "deployment dep_1 ended as failed." },
      { deployment("canceled", { cancel_reason = "superseded" }), "superseded", "deployment dep_1 ended as canceled (superseded)." },
      { deployment "canceled", "canceled", "deployment dep_1 ended as canceled." },
    }
    for _, case in ipairs(CASES) do
      local thing = going_through { "queued", "building", case[1] }
      local err = fake.raised(thing.wait, thing)
      assert.same({ "deployment_failed", case[2], false }, { err.type, err.code, err.retryable })
      assert.equal(case[3], err.message)
      assert.equal(thing, err.deployment)
      thing = going_through({ "queued", "building", case[1] }, nil, "gitdev.safe")
      local value, returned = thing:wait { quiet = true }
      assert.is_nil(value)
      assert.equal(case[2], returned.code)
    end
  end)

  it("fails with the reason of the deployment that a preview is of, where that can be read", function()
    local FAILED = deployment("failed", { failure = { stage = "build", code = "build_error", message = "npm exited with 1." } })
    local MISSING = { type = "invalid_request_error", code = "resource_missing", status = 404, message = "gone" }
    local CASES = {
      { "failed", FAILED, "build_error", "preview prv_1 failed in build: npm exited with 1." },
      { "canceled", deployment("canceled", { cancel_reason = "user" }), "user", "preview prv_1 ended as canceled (user)." },
      { "failed", deployment "building", "failed", "preview prv_1 ended as failed." }, -- another one, made since
      { "failed", MISSING, "failed", "preview prv_1 ended as failed." },
      { "expired", nil, "expired", "preview prv_1 ended as expired." },
    }
    for _, case in ipairs(CASES) do
      local git, seen = fake.client(function(call)
        return call.path:find "/deployments/" and assert(case[2])
          or { id = "prv_1", object = "preview", status = case[1], deployment_id = case[2] and "dep_1" or nil }
      end, { progress = "off" })
      local preview = git.previews:get "prv_1"
      local err = fake.raised(preview.wait, preview)
      assert.same({ "wait_failed", case[3], case[4] }, { err.type, err.code, err.message })
      assert.equal(preview, err.preview)
      assert.equal(case[2] and 2 or 1, #seen)
    end
  end)

  it("asks for the reason in what is left of its time", function()
    local git, seen = fake.client(function(call)
      return call.path:find "/deployments/" and deployment("failed", { failure = { stage = "build", code = "build_error", message = "x" } })
        or { id = "prv_1", object = "preview", status = "failed", deployment_id = "dep_1" }
    end, { progress = "off" })
    local preview = git.previews:get "prv_1"
    preview.status = "building"
    local began = seen.now
    local err = fake.raised(preview.wait, preview, { timeout = 5 })
    assert.equal("build_error", err.code)
    assert.equal("/deployments/dep_1", seen[3].path)
    assert.is_true(seen.now > began and seen[3].timeout <= 5 - (seen.now - began))
  end)

  it("gives up when the time is over, and says how far it was", function()
    local thing, seen = going_through { "queued", "building" }
    local began = seen.now
    local err = fake.raised(thing.wait, thing, { timeout = 20 })
    assert.same({ "timeout_error", "wait_timeout", true }, { err.type, err.code, err.retryable })
    assert.equal("deployment dep_1 is still building after 20 seconds.", err.message)
    assert.equal(thing, err.deployment)
    assert.equal(20, seen.now - began)
  end)

  it("waits half an hour unless it is told otherwise", function()
    local thing, seen = going_through { "queued", "building" }
    local began = seen.now
    fake.raised(thing.wait, thing)
    assert.equal(1800, seen.now - began)
  end)

  it("gives no look more time than is left", function()
    local thing, seen = going_through({ "queued", "building" }, { timeout = 60, progress = "off" })
    fake.raised(thing.wait, thing, { timeout = 100, interval = 45 })
    assert.same({ 55, 10 }, { seen[2].timeout, seen[3].timeout })
    assert.is_true(seen[4].timeout > 0 and seen[4].timeout < 1)
    thing, seen = going_through({ "queued", "live" }, { timeout = 60, progress = "off" })
    thing:wait()
    assert.equal(60, seen[2].timeout)
  end)

  it("passes on what keeps it from looking", function()
    local gone = { type = "invalid_request_error", code = "resource_missing", message = "Gone.", status = 404 }
    local thing = going_through { "queued", gone }
    assert.equal("resource_missing", fake.raised(thing.wait, thing).code)
    assert.equal("queued", thing.status)
  end)

  it("calls its own timeout by its name when the last look runs into it", function()
    local git = fake.client(function(call, calls)
      if #calls == 1 then
        return deployment "queued"
      end
      calls.now = calls.now + call.timeout
      return { type = "timeout_error", code = "timeout", message = "No answer." }
    end, { progress = "off" })
    local thing = git.deployments:get "dep_1"
    assert.equal("wait_timeout", fake.raised(thing.wait, thing, { timeout = 5 }).code)
  end)

  it("refuses options that it does not have", function()
    local thing, seen = going_through { "queued", "live" }
    local CASES = {
      { { timout = 1 }, "timout", 'did you mean "timeout"?' },
      { { timeout = 0 }, "timeout", "above 0" },
      { { interval = "1" }, "interval", "seconds" },
      { { on_change = true }, "on_change", "a function" },
      { 30, nil, "must be a table" },
    }
    for _, case in ipairs(CASES) do
      local err = fake.raised(thing.wait, thing, case[1])
      assert.equal(case[2], err.param)
      assert.matches(case[3], err.message, 1, true)
    end
    assert.equal(1, #seen)
  end)
end)

describe("deployment:wait, where there are streams", function()
  local hello, status, finish = scripted.hello, scripted.status, scripted.finish

  -- A deployment that is looked at with these statuses, the last of them again and again, and whose log is streamed so.
  local function listening(scripts, statuses, options, module)
    local looks = 0
    local git, seen, sockets = scripted.client(scripts, function()
      looks = looks + 1
      return deployment(statuses[math.min(looks, #statuses)])
    end, options, module)
    return git.deployments:get "dep_1", seen, sockets, git
  end

  local function paths(seen)
    local list = {}
    for i, call in ipairs(seen) do
      list[i] = call.path
    end
    return list
  end

  local PING = { type = "ping", id = "1" }
  local LOOK, LISTEN = "/deployments/dep_1", "/deployments/dep_1/logs/stream?level=error&tail=0"

  it("listens after three looks, and looks once more at the end", function()
    local thing, seen, sockets = listening({
      {
        hello { status = "building" }, { after = 30 }, PING, { after = 30 }, status("deploying", "s1"), { after = 9 }, scripted.log(7),
        status("live", "s2"), finish(),
      },
    }, { "queued", "building", "building", "building", "live" })
    local changes = {}
    thing:wait { on_change = function(now, previous)
      changes[#changes + 1] = previous .. " " .. now.status
    end }
    assert.same({ LOOK, LOOK, LOOK, LOOK, LISTEN, LOOK }, paths(seen))
    assert.same({ "queued building", "building deploying", "deploying live" }, changes)
    assert.equal(1000, sockets[1].closed)
    assert.same({ 0, 5 }, { sockets[1].max_retries, sockets[1].timeout })
    assert.equal(1, #sockets[1].sent)
    assert.equal(3, #seen.slept)
  end)

  it("asks for nothing more where the end comes soon", function()
    local thing, seen = listening({}, { "queued", "building", "building", "live" })
    thing:wait()
    assert.equal(4, #seen)
  end)

  it("takes the status of hello for news", function()
    local thing, seen = listening({ { hello { status = "live" }, finish() } }, { "queued", "queued", "queued", "queued", "live" })
    thing:wait()
    assert.equal(6, #seen)
  end)

  it("looks as ever where a stream is refused", function()
    local failed = { type = "connection_error", code = "not_connected", message = "No.", retryable = true }
    local thing, seen, sockets = listening({ { refused = failed } }, {
      "queued", "queued", "queued", "queued", "queued", "queued", "queued", "queued", "live",
    })
    thing:wait()
    assert.same({ 10, 1 }, { #seen, #sockets })
  end)

  it("tries no other, with the client's other waits too, for what no stream will do, and for a minute where too many are open", function()
    for code, later in pairs { insufficient_scope = 1, stream_limit = 2 } do
      local refused = { type = "permission_error", code = code, message = "No.", status = 403, retryable = later == 2 }
      local thing, _, sockets, git = listening({ { refused = refused }, { hello(), { after = 30 } } }, { "queued" })
      local other = git.deployments:get "dep_1"
      for _, one in ipairs { thing, other, other } do
        assert.is_true(#sockets <= 1)
        assert.equal("wait_timeout", fake.raised(one.wait, one, { timeout = 30 }).code)
      end
      assert.equal(later, #sockets)
      assert.is_true(later == 1 or sockets[2].opened_at - sockets[1].opened_at >= 60)
    end
  end)

  it("does not ask again at once when what it hears is not what it sees", function()
    local scripts = {}
    for i = 1, 5 do
      scripts[i] = { hello { status = "live" }, finish() }
    end
    local thing, seen, sockets = listening(scripts, { "building" })
    local err = fake.raised(thing.wait, thing, { timeout = 12 })
    assert.equal("wait_timeout", err.code)
    assert.is_true(#sockets <= 5 and #seen < 30 and #seen.slept > 10, #sockets .. " " .. #seen .. " " .. #seen.slept)
  end)

  it("ends with the client, as calls do", function()
    for module, raises in pairs { gitdev = true, ["gitdev.safe"] = false } do
      local closing
      local thing, _, sockets, git = listening({ { hello(), function() closing() end } }, { "building" }, nil, module)
      closing = function()
        git:close()
      end
      local ok, value, err = pcall(thing.wait, thing)
      assert.equal(not raises, ok)
      err = raises and value or err
      assert.same({ "canceled_error", "client_closed", 1000 }, { err.type, err.code, sockets[1].closed })
    end
  end)

  it("looks again for a while when the stream breaks off, by silence too, and listens again", function()
    for _, ending in ipairs { { close = 1006 }, { close = 4404 }, "{", { after = 100 } } do
      local thing, seen, sockets = listening({ { hello(), ending }, { hello(), finish() } }, {
        "queued", "building", "building", "building", "building", "building", "building", "live",
      })
      thing:wait()
      assert.same({ LOOK, LOOK, LOOK, LOOK, LISTEN, LOOK, LOOK, LOOK, LISTEN, LOOK }, paths(seen))
      assert.is_truthy(sockets[1].closed)
    end
  end)

  it("is out of time while it listens", function()
    local script = { hello(), status("deploying", "s1"), { after = 10 }, PING, { after = 30 } }
    local thing, seen, sockets = listening({ script }, { "building" })
    local err = fake.raised(thing.wait, thing, { timeout = 20 })
    assert.equal("deployment dep_1 is still deploying after 20 seconds.", err.message)
    assert.same({ 1020, 1000 }, { seen.now, sockets[1].closed })
  end)

  it("closes the stream when on_change raises", function()
    local thing, _, sockets = listening({ { hello(), status("deploying", "s1") } }, { "building" })
    assert.equal("enough", fake.raised(thing.wait, thing, { on_change = function()
      error("enough", 0)
    end }))
    assert.equal(1000, sockets[1].closed)
  end)

  it("does not listen where it is told how often to look", function()
    local thing, seen = listening({}, { "building", "building", "building", "building", "building", "live" })
    thing:wait { interval = 1 }
    assert.equal(6, #seen)
  end)

  it("keeps the seconds running on a terminal", function()
    local statuses = { "building", "building", "building", "building", "live" }
    local thing, _, sockets = listening({ { hello(), { after = 5 }, finish() } }, statuses, { progress = "auto" })
    getmetatable(thing).client.driver.isatty = function()
      return true
    end
    local text = stderr_of(function()
      thing:wait()
    end)
    assert.matches("building  5s", text, 1, true)
    for _, waited in ipairs(sockets[1].waited) do
      assert.is_true(waited <= 1)
    end
  end)
end)

describe("progress", function()
  local STATUSES = { "queued", "building", "building", "building", "building", "building", "live" }

  local function output(options, terminal, wait_options)
    local thing, seen = going_through(STATUSES, options)
    getmetatable(thing).client.driver.isatty = terminal ~= nil and function(fd)
      return terminal and fd == 2
    end or nil
    local text = stderr_of(function()
      thing:wait(wait_options)
    end)
    return text, seen
  end

  it("is one line on a terminal, with the address at the end", function()
    local text = output({}, true)
    local lines = {}
    for line in (text .. "\r\27[K"):gmatch "(.-)\r\27%[K" do
      lines[#lines + 1] = line
    end
    assert.equal("my-app  queued  0s", lines[2])
    assert.equal("my-app  building  0s", lines[3])
    assert.equal("my-app  live  3s  https://my-app.git.dev\n", lines[#lines])
    assert.equal(1, select(2, text:gsub("\n", "")))
  end)

  it("keeps the seconds running between two looks", function()
    local text, seen = output({}, true, { interval = 4 })
    for second = 5, 7 do
      assert.matches("building  " .. second .. "s", text, 1, true)
    end
    for _, pause in ipairs(seen.slept) do
      assert.is_true(pause <= 1)
    end
  end)

  it("is a line for each change where there is no terminal, or where lines are asked for", function()
    local LINES = "my-app  queued  0s\nmy-app  building  0s\nmy-app  live  3s  https://my-app.git.dev\n"
    assert.equal(LINES, (output({}, false)))
    assert.equal(LINES, (output({ progress = "lines" }, true)))
    assert.equal(LINES, (output { progress = "lines" }))
  end)

  it("is nothing where it is not wanted, or where the driver knows of no terminal", function()
    assert.equal("", (output {}))
    assert.equal("", (output({ progress = "off" }, true)))
    assert.equal("", (output({ quiet = true }, true)))
    assert.equal("", (output({}, true, { quiet = true })))
    assert.equal("", (output({ progress = "lines" }, true, { quiet = true })))
  end)

  it("ends with the status that a wait failed with", function()
    local thing = going_through({ "queued", deployment("failed", { url = "https://x" }) }, { progress = "lines" })
    local text = stderr_of(function()
      fake.raised(thing.wait, thing)
    end)
    assert.equal("my-app  queued  0s\nmy-app  failed  0s\n", text)
  end)

  it("gives the terminal's line to one wait at a time", function()
    local git = fake.client(function(call, calls)
      return deployment(#calls > 6 and "live" or "building", { id = call.path:match "dep_%d", project = call.path:match "dep_%d" })
    end)
    local one, two = git.deployments:get "dep_1", git.deployments:get "dep_2"
    getmetatable(one).client.driver.isatty = function()
      return true
    end
    one.status, two.status = "queued", "queued"
    local text = stderr_of(function()
      local inner = false
      one:wait { on_change = function()
        if not inner then
          inner = true
          two:wait()
        end
      end }
    end)
    assert.matches("dep_2  live  %ds  https://my%-app.git.dev\n", text)
    assert.matches("dep_1  live  %ds  https://my%-app.git.dev\n$", text)
  end)

  it("takes its live line away before on_change prints", function()
    local thing = going_through({ "queued", "live" }, {})
    getmetatable(thing).client.driver.isatty = function()
      return true
    end
    local text = stderr_of(function()
      thing:wait { on_change = function()
        io.stderr:write "[change]\n"
      end }
    end)
    assert.matches("queued  0s\r\27[K[change]\n", text, 1, true)
  end)

  it("takes its live line away when the wait is broken off", function()
    local thing = going_through({ "queued", "building" }, {})
    local driver = getmetatable(thing).client.driver
    function driver.isatty()
      return true
    end
    function driver.sleep()
      error("broken off", 0)
    end
    local text = stderr_of(function()
      assert.equal("broken off", fake.raised(thing.wait, thing))
      require("gitdev.progress").print "the next line"
    end)
    assert.matches("queued  0s\r\27[K" .. "the next line\n", text, 1, true)
    assert.matches("the next line\n$", text)
  end)

  it("is asked for by the environment", function()
    local real = os.getenv
    os.getenv = function(name) -- luacheck: ignore 122
      return name == "GITDEV_PROGRESS" and "lines" or nil
    end
    local ok, text = pcall(output, {})
    os.getenv = real -- luacheck: ignore 122
    assert(ok, text)
    assert.matches("my-app  queued  0s\n", text, 1, true)
    assert.is_table(gitdev)
  end)
end)

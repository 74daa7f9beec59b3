-- A log that is followed, with all that can happen on the way: over WebSockets to the emulator's server, and in a virtual world. Both must give
-- what is written down here.
local gitdev = require "gitdev"
local server = require "gitdev.emulator.server"
local test = require "gitdev.test"
local pcall = gitdev.pcall -- tasks wait in it

local STREAM = { op = "deployments.logs.stream" }

-- A deployment that is at rest, whose log has `count` lines, by name L and number, the first of them being line 1.
local function written(git, emulator, count)
  local made = git.deployments:create { project = "my-app", metadata = { emulate = "hang" } }
  made:cancel()
  emulator:expire_log(made.id, 0)
  local before = #made:logs({ limit = 1000 }).data
  assert(emulator:write_log(made.id, { count = count - before, message = "L{n}" }))
  return made, before
end

local function lose(times)
  return { match = STREAM, stream = { lines = 40, drop = true }, times = times }
end

-- What came, in short: runs of numbers ("1-200"), and what is no line.
local function brief(values)
  local parts, first, last = {}, nil, nil
  local function close()
    parts[#parts + 1] = first and (first == last and tostring(first) or first .. "-" .. last) or nil
    first, last = nil, nil
  end
  for _, value in ipairs(values) do
    if type(value) == "number" and last and value == last + 1 then
      last = value
    else
      close()
      if type(value) == "number" then
        first, last = value, value
      else
        parts[#parts + 1] = value
      end
    end
  end
  close()
  return table.concat(parts, " ")
end

-- On plain 5.1 a for would hold up the other tasks.
local function each(lines, fn)
  local line = lines:next()
  while line do
    fn(line)
    line = lines:next()
  end
end

local function follow(deployment, fields, options)
  local values = {}
  local ok, err = pcall(function()
    each(deployment:logs(fields or { follow = true }, options), function(line)
      values[#values + 1] = line.object == "log_gap" and line.from_seq .. ".." .. line.to_seq .. " " .. line.reason or line.seq
    end)
  end)
  if not ok then
    assert(gitdev.is_error(err), err)
    values[#values + 1] = "- " .. err.type .. " " .. tostring(err.code) .. " " .. tostring(err.close_code)
  end
  return brief(values)
end

-- { name, faults, expected, run = function(git, emulator) … end } where it is not simply followed.
local SCENARIOS = {
  { "a whole log", {}, "1-200" },
  { "one that is dropped, twice", { lose(2) }, "1-200" },
  { "one whose server leaves", { { match = STREAM, stream = { lines = 50, close = 1001 } } }, "1-200" },
  { "one whose server restarts", { { match = STREAM, stream = { lines = 50, close = 1012 } } }, "1-200" },
  { "one whose server fails", { { match = STREAM, stream = { close = 1011 } } }, "1-200" },
  { "one with lines again and again", { { match = STREAM, stream = { lines = 60, duplicate = 50 } } }, "1-200" },
  { "one with lines again, and a drop", { { match = STREAM, stream = { lines = 60, duplicate = 50, drop = true } } }, "1-200" },
  { "one with a gap", { { match = STREAM, stream = { lines = 20, gap = 100 } } }, "1-200" },
  { "one with a gap before a drop", { { match = STREAM, stream = { lines = 20, gap = 10, drop = true } } }, "1-200" },
  { "one with a gap at its beginning", { { match = STREAM, stream = { gap = 5 } } }, "1-200" },
  { "one that takes too many streams for a while", { { match = STREAM, stream = { lines = 9, close = 4429 } } }, "1-200" },
  { "one that missed a pong", { { match = STREAM, stream = { lines = 9, close = 4408 } } }, "1-200" },
  { "one whose key is revoked", { { match = STREAM, stream = { lines = 9, close = 4401 } } }, "1-9 - authentication_error api_key_revoked 4401" },
  { "one whose key lost its scope", { { match = STREAM, stream = { lines = 9, close = 4403 } } },
    "1-9 - permission_error insufficient_scope 4403" },
  { "one that is deleted", { { match = STREAM, stream = { lines = 9, close = 4404 } } }, "1-9 - invalid_request_error resource_missing 4404" },
  { "one that is no longer kept", { { match = STREAM, stream = { lines = 9, close = 4410 } } }, "1-9 - invalid_request_error logs_expired 4410" },
  { "one with a message that breaks off", { { match = STREAM, stream = { lines = 9, text = '{"type":"log"' } } },
    "1-9 - response_error malformed_message nil" },
  { "one with a message that is too large", { { match = STREAM, stream = { lines = 9, oversize = 0 } } },
    "1-9 - response_error malformed_message 1009" },
  { "one with a binary message", { { match = STREAM, stream = { lines = 9, opcode = 2 } } }, "1-9 - response_error malformed_message nil" },
  { "one with a frame of no known kind", { { match = STREAM, stream = { lines = 9, opcode = 3 } } },
    "1-9 - response_error malformed_message 1002" },
  { "one with bytes that are no UTF-8", { { match = STREAM, stream = { lines = 9, text = '{"type":"\255"}' } } },
    "1-9 - response_error malformed_message 1007" },
  { "one that cannot be opened for a while", { { match = STREAM, status = 503, times = 2 } }, "1-200" },
  { "one whose upgrade a proxy refuses", { { match = STREAM, status = 403, body = "<html>", content_type = "text/html", times = 9 } }, "1-200" },
  { "one whose upgrade a portal answers", { { match = STREAM, status = 200, body = "<html>", content_type = "text/html", times = 9 } }, "1-200" },
  { "one whose upgrade the API refuses", { { match = STREAM, status = 426, code = "upgrade_required", times = 9 } }, "1-200" },
  { "one that is refused", { { match = STREAM, status = 403, code = "insufficient_scope" } },
    "- permission_error insufficient_scope nil" },
  { "the last lines", { lose(1) }, "101-200", run = function(made)
    return follow(made, { follow = true, tail = 100 })
  end },
  { "none of those that are there", {}, "", run = function(made)
    return follow(made, { follow = true, tail = 0 })
  end },
  { "the rest", {}, "51-200", run = function(made)
    local lines = made:logs { follow = true }
    for _ = 1, 50 do
      lines:next()
    end
    lines:close()
    return follow(made, { follow = true, cursor = lines.cursor })
  end },
  { "lines that are gone", { { match = STREAM, stream = { lines = 20, gap = 100 } } }, "1-20 21..80 slow_consumer 81-200",
    run = function(made, emulator)
    local values = {}
    for line in made:logs { follow = true } do
      values[#values + 1] = line.object == "log_gap" and line.from_seq .. ".." .. line.to_seq .. " " .. line.reason or line.seq
      if line.seq == 20 then
        emulator:expire_log(made.id, 80)
      end
    end
    return brief(values)
  end },
  { "one that goes on, to its time", {}, "hello", run = function(_, emulator, git)
    local made = git.deployments:create { project = "my-app", metadata = { emulate = "hang" } }
    local ok, err
    gitdev.all {
      function()
        ok, err = pcall(follow, made, { follow = true, level = "error" }, { timeout = 6 })
      end,
      function()
        gitdev.sleep(0.1)
        emulator:write_log(made.id, { message = "hello", level = "error" })
      end,
    }
    assert(ok, err)
    return err:find "^%d+ %- timeout_error stream_timeout nil$" and "hello" or err
  end },
}

local function play(scenario, emulator, options)
  local git = gitdev.client(options)
  local made = written(git, emulator, 200)
  for _, fault in ipairs(scenario[2]) do
    emulator:fault(fault)
  end
  return (scenario.run or follow)(made, scenario.run and emulator or nil, scenario.run and git or nil)
end

local function over_sockets(scenario)
  local running = assert(server.start { seed = 1, rate_limit = false })
  local ok, told = pcall(play, scenario, running.emulator, { api_key = running.api_key, base_url = running.url, ca_file = running.ca_file })
  running:stop()
  return ok and told or "raised " .. tostring(told)
end

local function in_memory(scenario)
  return test.run(function(world)
    return play(scenario, world.emulator, {})
  end, { seed = 1, rate_limit = false })
end

describe("following", function()
  local real = {}

  -- What waits for another connection waits at once.
  setup(function()
    local runs = {}
    for _, scenario in ipairs(SCENARIOS) do
      runs[scenario[1]] = function()
        return over_sockets(scenario)
      end
    end
    real = gitdev.all(runs)
  end)

  for _, scenario in ipairs(SCENARIOS) do
    it(scenario[1] .. ", in a virtual world", function()
      assert.equal(scenario[3], in_memory(scenario))
    end)

    it(scenario[1] .. ", over sockets", function()
      assert.equal(scenario[3], real[scenario[1]])
    end)
  end
end)

describe("waiting for a deployment", function()
  local function waited(build_ms, options)
    return test.run(function(world)
      local git = gitdev.client(options)
      local made = git.deployments:create { project = "my-app" }
      local before = #world.emulator:requests()
      made:wait()
      local asked = {}
      for i, request in ipairs(world.emulator:requests()) do
        asked[#asked + 1] = i > before and request.path:match "[^/]+$" or nil
      end
      return made.status, table.concat(asked, " "):gsub("dep_%w+", "look"), world:elapsed()
    end, { build_ms = build_ms })
  end

  it("asks no more than five times, however long it takes", function()
    for _, build_ms in ipairs { 10000, 1000000 } do
      local status, asked, seconds = waited(build_ms)
      assert.equal("live", status)
      assert.equal("look look look stream look", asked)
      assert.is_true(seconds < build_ms / 1000 * 1.5 + 1)
    end
  end)

  it("looks, where it is soon over", function()
    local status, asked = waited(500)
    assert.same({ "live", "look look" }, { status, asked })
  end)

  it("a hundred at once, leaves room for other calls, and fails for none", function()
    test.run(function(world)
      local git, fns, longest = gitdev.client { progress = "off" }, {}, 0
      for i = 1, 100 do
        local made = git.deployments:create { project = "project-" .. i }
        fns[i] = function()
          return made:wait().status
        end
      end
      fns.other = function()
        for _ = 1, 20 do
          gitdev.sleep(5)
          local began = world:elapsed()
          git.projects:get "my-app"
          longest = math.max(longest, world:elapsed() - began)
        end
      end
      local began = world:elapsed()
      for _, status in pairs(gitdev.all(fns)) do
        assert.equal("live", status)
      end
      assert.is_true(longest <= 2, "another call took " .. longest)
      assert.is_true(world:elapsed() - began < 400, world:elapsed() - began)
    end, { plan = "starter", build_ms = 60000, auto_create_projects = true })
  end)
end)

-- In both worlds: fn(git, emulator, is_virtual).
local function in_both(fn)
  test.run(function(world)
    fn(gitdev.client(), world.emulator, true)
  end, { seed = 1 })
  local running = assert(server.start { seed = 1 })
  local ok, err = pcall(gitdev.run, function()
    fn(gitdev.client { api_key = running.api_key, base_url = running.url, ca_file = running.ca_file }, running.emulator)
  end)
  running:stop()
  assert(ok, err)
end

local function hanging(git)
  return git.deployments:create { project = "my-app", metadata = { emulate = "hang" } }
end

describe("a reader that waits for a line", function()
  it("is at the end when another task closes the stream", function()
    in_both(function(git)
      local lines = hanging(git):logs { follow = true, tail = 0, level = "error" }
      local reader = gitdev.spawn(function()
        each(lines, function(line)
          error(line.message)
        end)
        return "done"
      end)
      gitdev.sleep(0.1)
      assert.equal("running", reader:status())
      lines:close()
      assert.equal("done", reader:wait())
    end)
  end)

  it("is at the end soon, too, where the log is read page by page, and where it is a run's", function()
    in_both(function(git, emulator)
      local made = hanging(git)
      local pipeline = git.pipelines:create { project = "my-app", name = "ci", jobs = { { name = "build", steps = { { run = "make" } } } } }
      local run = git.runs:create { pipeline = pipeline, inputs = { emulate = "hang" } }
      emulator:fault { match = STREAM, status = 426, code = "upgrade_required", times = 9 }
      for _, lines in ipairs { made:logs { follow = true, tail = 0, level = "error" }, run:logs { follow = true, level = "error" } } do
        local reader = gitdev.spawn(function()
          return lines:next() or "done"
        end)
        gitdev.sleep(1)
        assert.equal("running", reader:status())
        lines:close()
        assert.equal("done", gitdev.timeout(9, reader.wait, reader))
      end
    end)
  end)

  it("hears of it when the client is closed", function()
    in_both(function(git)
      local lines = hanging(git):logs { follow = true, tail = 0 }
      local reader = gitdev.spawn(pcall, function()
        each(lines, function(line)
          assert(line.object == "log_line")
        end)
      end)
      gitdev.sleep(0.1)
      git:close()
      local ok, err = reader:wait()
      assert.is_false(ok)
      assert.equal("client_closed", err.code)
    end)
  end)

  it("can be canceled, and the stream be read on", function()
    in_both(function(git, emulator)
      local made = hanging(git)
      gitdev.sleep(0.1)
      local lines = made:logs { follow = true, tail = 0, level = "error" }
      local ok, err = pcall(gitdev.timeout, 2, lines.next, lines) -- it is open by then, and nothing has come
      assert.same({ false, "timeout_error" }, { ok, err.type })
      emulator:write_log(made.id, { message = "after", level = "error" })
      assert.equal("after", lines:next().message)
      local reader = gitdev.spawn(pcall, lines.next, lines)
      gitdev.sleep(0)
      reader:cancel()
      assert.equal("canceled", reader:status() == "running" and "canceled" or reader:status())
      lines:close()
    end)
  end)

  it("has the stream for itself", function()
    in_both(function(git, emulator)
      local made = hanging(git)
      emulator:fault { match = STREAM, stream = { lines = 3, drop = true } }
      emulator:write_log(made.id, { count = 20, message = "{n}" })
      local lines, seen, refused = made:logs { follow = true }, 0, nil
      local function reader()
        each(lines, function(line)
          seen = seen + 1
          assert.equal(seen, line.seq)
        end)
      end
      -- The second comes while the first waits for another connection, which is made once.
      local tasks = { gitdev.spawn(pcall, reader) }
      gitdev.sleep(0.1)
      tasks[2] = gitdev.spawn(pcall, reader)
      gitdev.sleep(1)
      emulator.options.quotas = { streams = 2 }
      made:logs({ follow = true }):close()
      lines:close()
      for _, one in ipairs(tasks) do
        local ok, err = one:wait()
        refused = not ok and tostring(err) or refused
      end
      assert.is_true(seen >= 20)
      assert.matches("another task waits for this stream already", refused, 1, true)
    end)
  end)

  it("leaves nothing open where its task is canceled, or fails", function()
    in_both(function(git, emulator)
      if _VERSION ~= "Lua 5.4" then
        return -- the collector's to close
      end
      local made = hanging(git)
      emulator:write_log(made.id, { count = 10, message = "{n}" })
      for _, ending in ipairs { "timeout", "enough" } do
        local ok, err = pcall(gitdev.timeout, ending == "timeout" and 0.3 or 30, function()
          for line in made:logs { follow = true } do
            if ending == "enough" and line.seq == 3 then
              error("enough", 0)
            end
          end
        end)
        assert.same({ false, ending }, { ok, ending == "timeout" and err.code or err })
      end
      gitdev.sleep(0.2)
      emulator.options.quotas = { streams = 1 }
      made:logs({ follow = true }):close()
    end)
  end)

  it("leaves nothing open where it leaves the loop: at once where Lua can tell, else when it is collected", function()
    in_both(function(git, emulator, is_virtual)
      if is_virtual and _VERSION ~= "Lua 5.4" then
        return -- a socket without a descriptor has nothing to be collected with
      end
      local made = hanging(git)
      emulator:write_log(made.id, { count = 10, message = "{n}" })
      for line in made:logs { follow = true } do
        if line.seq == 3 then
          break
        end
      end
      if _VERSION ~= "Lua 5.4" then
        collectgarbage()
        collectgarbage()
      end
      gitdev.sleep(0.2)
      emulator.options.quotas = { streams = 1 }
      made:logs({ follow = true }):close()
    end)
  end)
end)

describe("the opening of a stream", function()
  it("is a call, of which hooks and the ledger tell", function()
    test.run(function(world)
      local told = {}
      local git = gitdev.client {
        on_request = function(moment)
          told[#told + 1] = moment.path:match "logs/stream.*"
        end,
        on_response = function(moment)
          told[#told + 1] = moment.path:find "stream" and moment.status or nil
        end,
      }
      local made = git.deployments:create { project = "my-app" }
      world.emulator:fault { match = STREAM, status = 503 }
      made:logs({ follow = true }):close()
      assert.same({ "logs/stream?follow=true", 503, "logs/stream?follow=true", 101 }, told)
    end)
  end)
end)

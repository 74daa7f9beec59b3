-- The SDK against servers of other people's making: proxies before the emulator, a WebSocket library, and one that speaks unasked. #once
local emulator = require "gitdev.emulator.server"
local foreign = require "spec.lua.support.foreign"
local gitdev = require "gitdev"
local server = require "spec.lua.support.server"

local TIMEOUT = 60 -- only a bug makes anyone wait that long

-- Calls each of `count` functions, all at once, and returns what it returned, in their order.
local function at_once(count, fn)
  local results, tasks = {}, {}
  for i = 1, count do
    tasks[i] = function()
      results[i] = fn(i)
    end
  end
  gitdev.run(function()
    gitdev.all(tasks)
  end)
  return results
end

for _, name in ipairs { "haproxy", "nghttpx", "apache" } do
  describe("behind " .. name .. " #once", function()
    local running, front, git

    setup(function()
      running = assert(emulator.start { seed = 1, rate_limit = false, auto_create_projects = true, build_ms = 200 })
      front = foreign.start(name, running.port)
      git = gitdev.client { api_key = running.api_key, base_url = front.url, ca_file = front.ca_file, timeout = TIMEOUT, progress = "off" }
    end)

    teardown(function()
      git:close()
      front:stop()
      running:stop()
    end)

    it("calls are answered, one after another and at once", function()
      for _ = 1, 5 do
        assert.matches("^org_", git.organization:get().id)
      end
      for _, thing in ipairs(at_once(100, function()
        return git.organization:get()
      end)) do
        assert.matches("^org_", thing.id)
      end
    end)

    it("writes are done once each", function()
      local made = at_once(50, function(i)
        return git.projects:create { name = "P " .. i, slug = "once-" .. i }
      end)
      local seen = 0
      for project in git.projects:each() do
        seen = seen + (project.slug:find "^once%-" and 1 or 0)
      end
      assert.same({ 50, 50 }, { #made, seen })
    end)

    it("errors are the API's", function()
      local ok, err = pcall(git.projects.get, git.projects, "prj_000000000000")
      assert.is_false(ok)
      assert.same({ "resource_missing", 404 }, { err.code, err.status })
      assert.matches("^req_", err.request_id)
      ok, err = pcall(git.projects.get, git.projects, "a%2Fb c/\195\164?")
      assert.is_false(ok)
      assert.equal("resource_missing", err.code)
    end)

    it("bodies of any size come through, of known length and unknown", function()
      local pieces = 0
      for _, options in ipairs {
        { body = { name = ("y"):rep(2000000) } },
        { body = { name = ("y"):rep(50000) } },
        { content_type = "application/json", from = function()
          pieces = pieces + 1
          return pieces <= 20 and (" "):rep(10000) or pieces == 21 and "{}" or nil
        end },
      } do
        local ok, err = pcall(git.request, git, "POST", "/projects", options)
        assert.is_false(ok)
        assert.same({ "parameter_missing", 422 }, { err.code, err.status })
      end
    end)

    it("a log is followed to its end", function()
      local deployment = git.deployments:create { project = "my-app" }
      local count = 0
      for line in deployment:logs { follow = true, stage = "build" } do
        count = count + 1
        assert.equal("build", line.stage)
      end
      assert.equal("live", deployment:wait().status)
      for _ in git.deployments.logs:each(deployment, { stage = "build" }) do
        count = count - 1
      end
      assert.equal(0, count)
    end)

    if name == "apache" then
      it("nothing is lost or done twice while it is started anew, again and again", function()
        local restarts, left = 0, 300
        gitdev.run(function()
          for i = 1, 10 do
            gitdev.spawn(function()
              while left > 0 do
                left = left - 1
                git.projects:create { name = "S", slug = ("storm-%d-%d"):format(i, left) }
                gitdev.sleep(0.01)
              end
            end)
          end
          while left > 0 do
            front:restart()
            restarts = restarts + 1
            gitdev.sleep(0.2)
          end
        end)
        local seen = 0
        for project in git.projects:each() do
          seen = seen + (project.slug:find "^storm%-" and 1 or 0)
        end
        assert.equal(300, seen)
        assert.is_true(restarts > 0)
      end)
    end
  end)
end

describe("streams of a WebSocket library #once", function()
  local front, git

  setup(function()
    front = foreign.start "streams"
    git = gitdev.client { api_key = "gsk_test_abcdefghijklmnopqrstuvwxyz012345", base_url = front.url, ca_file = front.ca_file }
  end)

  teardown(function()
    git:close()
    front:stop()
  end)

  local function read(kind)
    local lines, last = {}, nil
    for message in git.deployments.logs:stream("dep_" .. kind, {}, { timeout = TIMEOUT }) do
      if message.type == "log" then
        lines[#lines + 1] = message
        assert.equal(#lines, message.seq)
      end
      last = message
    end
    assert.equal("end", last.type)
    return lines
  end

  it("are read, whole and in fragments, with pings in between", function()
    assert.equal("line 100", read("whole")[100].message)
    assert.equal("line 100 \195\164\226\130\172\240\159\152\128", read("fragments")[100].message)
  end)

  it("are read with lines of the largest size", function()
    local lines = read "large"
    assert.same({ 10, 65536 }, { #lines, #lines[10].message })
  end)

  it("are taken up again where they were closed, and where they broke off", function()
    assert.equal(4, #read "restarts")
    assert.equal(4, #read "drops")
  end)
end)

describe("a server of odd habits #once", function()
  local front, git

  before_each(function()
    front = foreign.start "bytes"
    git = gitdev.client {
      api_key = "gsk_test_abcdefghijklmnopqrstuvwxyz012345", base_url = front.url, ca_file = front.ca_file, max_retries = 0, timeout = TIMEOUT,
    }
  end)

  after_each(function()
    git:close()
    front:stop()
  end)

  -- Load balancers say 408 on a connection that has rested too long, and close it; others can say worse.
  for _, case in ipairs { { "answer", 2 }, { "timeout", 2 }, { "nothing", 1 } } do
    it("does not pass off for an answer what nobody asked for: " .. case[1], function()
      assert.equal(1, git:request("GET", "/" .. case[1]).from)
      server.await("it has spoken", function()
        return front:read "said" ~= ""
      end)
      assert.equal(1, git:request("GET", "/" .. case[1]).from)
      assert.equal(case[2], select(2, front:read("requests"):gsub(" 1\n", "")))
    end)
  end

  it("has its answer taken for whole only where that can be seen", function()
    assert.equal("some text", git:request("GET", "/whole-text"))
    assert.equal(1, git:request("GET", "/cut-json").from)
    for _, path in ipairs { "/cut-text", "/cut-short", "/cut-lines" } do
      local ok, err = pcall(git.request, git, "GET", path)
      assert.is_false(ok)
      assert.equal("connection_lost", err.code, path)
    end
  end)
end)

-- For programs that own the frame: gitdev.warm while they load, gitdev.step(0) in each frame, which waits for nothing.
local gitdev = require "gitdev"
local interpreter = require "spec.lua.support.interpreter"
local loop = require "gitdev.loop"
local net = require "gitdev.net"
local process = require "spec.lua.support.process"
local safe = require "gitdev.safe"
local test = require "gitdev.test"

local KEY = "gsk_test_abcdefghijklmnopqrstuvwxyz012345"

describe("gitdev.step", function()
  it("does not wait for the only call there is", function()
    if loop.current() then
      return -- under the host, specs run in a task of the loop's
    end
    local certificate = net.certificate { "localhost" }
    local file = assert(net.temporary_file("gitdev-spec-", certificate:authority_pem()))
    local mute = assert(loop.listen { certificate = certificate }) -- nobody answers what it takes
    local git = gitdev.client { api_key = KEY, base_url = "https://localhost:" .. mute:port() .. "/v2", ca_file = file:path(), timeout = 20 }
    local task = gitdev.spawn(function()
      git.projects:list()
    end)
    while not mute:next() do
      assert.equal(1, gitdev.step(0.05))
      assert.equal("running", task:status())
    end
    for _ = 1, 10 do
      assert.equal(1, gitdev.step(0))
    end
    assert.equal("running", task:status())
    task:cancel()
    pcall(task.wait, task)
    git:close()
    mute:close()
    file:close()
  end)
end)

describe("gitdev.warm", function()
  local function client(ca_file)
    return { api_key = KEY, base_url = "https://localhost:1/v2", ca_file = ca_file }
  end

  it("leaves no module to be loaded by calls, waits and logs", function()
    local script = process.file [[
      local gitdev = require "gitdev"
      assert(gitdev.warm() == true)
      local world = require("gitdev.test").world()
      local before = {}
      for name in pairs(package.loaded) do
        before[name] = true
      end
      world:run(function()
        local git = gitdev.client {}
        local deployment = git.deployments:create { project = "my-app", branch = "main" }
        deployment:wait()
        for _ in deployment:logs { follow = true } do
        end
        gitdev.all { function() git.projects:list() end, function() git.pipelines:list() end }
        git:request("GET", "/deployments?limit=1")
      end)
      local virtual = { ["gitdev.layer"] = true, ["gitdev.driver.memory_socket"] = true } -- what a game has no part in
      for name in pairs(package.loaded) do
        if name:find "^gitdev" and not name:find "^gitdev%.emulator" and not before[name] and not virtual[name] then
          print(name)
        end
      end
    ]]
    local status, out, err = process.run(interpreter.command() .. " " .. script)
    os.remove(script)
    assert.equal(0, status, err)
    assert.equal("", out)
  end)

  it("may be called again, and with a client", function()
    local git = gitdev.client(client())
    for _ = 1, 2 do
      assert.is_true(gitdev.warm(git))
      assert.is_true(gitdev.warm())
    end
    git:close()
  end)

  it("says when there is nothing to trust", function()
    local file = assert(net.temporary_file("gitdev-spec-", "no certificate\n"))
    local git = gitdev.client(client(file:path()))
    local ok, err = pcall(gitdev.warm, git)
    assert.is_false(ok)
    assert.equal("config_error", err.type)
    assert.matches("can be read in " .. file:path(), err.message, 1, true)
    local done, problem = safe.warm(git)
    assert.is_nil(done)
    assert.equal(err.message, problem.message)
    git:close()
    file:close()
  end)

  it("takes a client, or nothing", function()
    for _, wrong in ipairs { "git", {}, 7 } do
      local ok, err = pcall(safe.warm, wrong)
      assert.is_false(ok)
      assert.matches("warm takes a client", tostring(err))
    end
  end)

  it("says that the client is closed, as calls do", function()
    local git = gitdev.client(client())
    git:close()
    for _, warm in ipairs { gitdev.warm, safe.warm } do
      local ok, err = pcall(warm, git)
      assert.is_false(ok)
      assert.equal("client_closed", err.code)
    end
  end)

  it("has nothing to set up in a virtual world", function()
    local world = test.world()
    assert.is_true(world:run(function()
      return gitdev.warm(gitdev.client {})
    end))
  end)
end)

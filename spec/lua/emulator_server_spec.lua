-- The emulator behind its socket, met by the call machine over TLS.
local core = require "gitdev.core"
local json = require "gitdev.json"
local loop = require "gitdev.loop"
local server = require "gitdev.emulator.server"

describe("the emulator's server", function()
  local running, client

  -- The client does not retry by itself: a spec sees what the server did to each call.
  local function start(options)
    options = options or {}
    options.seed = 1
    running = assert(server.start(options))
    client = assert(core.client {
      api_key = running.api_key,
      base_url = running.url,
      ca_file = running.ca_file,
      user_agent = "spec",
      max_retries = 0,
      timeout = 10,
    })
    return running
  end

  after_each(function()
    client:close()
    running:stop()
  end)

  local function call(method, path, body)
    local made = assert(client:call(method, path, body and json.encode(body)))
    loop.perform(made)
    return made
  end

  it("answers the page's snippet", function()
    start()
    local made = call("POST", "/deployments", { project = "my-app", branch = "main", env = { NODE_ENV = "production" } })
    local status, body = made:result()
    assert.equal(201, status)
    assert.equal("https://my-app.git.dev", json.decode(body).url)
    assert.equal("2.4.1", made:header "x-git-version")
  end)

  it("lets time pass by the wall clock", function()
    start { build_ms = 0 }
    local _, body = call("POST", "/deployments", { project = "my-app" }):result()
    local made = json.decode(body)
    while made.status == "queued" do
      loop.sleep(0.05)
      _, body = call("GET", "/deployments/" .. made.id):result()
      made = json.decode(body)
    end
    assert.equal("live", made.status)
  end)

  it("keeps the clock steady and near the computer's", function()
    start()
    local _, body = call("GET", "/organization"):result()
    assert.truthy(math.abs(json.decode(body).created_at - os.time()) <= 2)
  end)

  it("gives its authority to this user only, and takes it away", function()
    start()
    local listing = io.popen("stat -c %a " .. running.ca_file)
    assert.equal("600", listing:read "*l")
    listing:close()
    local path = running.ca_file
    running:stop()
    assert.is_nil(io.open(path))
    running:stop()
  end)

  it("delays an answer", function()
    start()
    running.emulator:fault { delay = 0.05 }
    local began = core.now()
    assert.equal(200, (call("GET", "/projects"):result()))
    assert.truthy(core.now() - began >= 0.05)
  end)

  it("serves others while an answer is late, and minds not if nobody waits for it any more", function()
    start()
    running.emulator:fault { match = { op = "projects.get" }, delay = 1000 }
    running.emulator:fault { match = { op = "projects.list" }, delay = 0.05 }
    loop.run(function()
      local late = {}
      for index, path in ipairs { "/projects/my-app", "/projects" } do
        late[index] = loop.spawn(call, "GET", path)
      end
      while #running.emulator:requests() < 2 do
        loop.sleep(0.001)
      end
      assert.equal(200, (call("GET", "/organization"):result()))
      late[1]:cancel()
      late[2]:cancel()
      loop.sleep(0.1)
      assert.equal(200, (call("GET", "/organization"):result()))
    end)
  end)

  local losses = {
    { "dropped", { drop = true }, "connection_error" },
    { "reset", { reset = true }, "connection_error" },
    { "cut short", { truncate = 10 }, "connection_error" },
    { "answered with nonsense", { raw = "HTTP/9.9 what\r\n\r\n" }, "response_error" },
  }
  for _, case in ipairs(losses) do
    it("fails a call whose connection is " .. case[1] .. ", and serves the next", function()
      start()
      running.emulator:fault(case[2])
      local failed, problem = call("GET", "/projects/my-app"):result()
      assert.is_false(failed)
      assert.equal(case[3], problem.type)
      assert.equal(200, (call("GET", "/projects/my-app"):result()))
    end)
  end

  it("passes injected statuses and headers on", function()
    start()
    running.emulator:fault { status = 503, headers = { ["Retry-After"] = "7" } }
    local answer = call("GET", "/projects")
    local failed, problem = answer:result()
    assert.is_false(failed)
    assert.equal("unavailable", problem.code)
    assert.equal(503, problem.status)
    assert.equal("7", answer:header "retry-after")
  end)

  it("says which port it cannot have", function()
    start()
    local none, problem = server.start { port = running.port }
    assert.is_nil(none)
    assert.truthy(problem:find(tostring(running.port), 1, true))
  end)

  it("refuses options that it does not know", function()
    start()
    assert.has_error(function()
      server.start { prot = 1 }
    end)
  end)
end)

-- The emulator behind its socket, met by the call machine over TLS.
local core = require "gitdev.core"
local json = require "gitdev.json"
local loop = require "gitdev.loop"
local sender = require "spec.lua.support.sender"
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

  describe("in clear", function()
    local function say(method, key)
      local text = sender.say(running.plain_port, sender.request(method, "/v2/projects", method == "POST" and "{}" or nil,
        key and { "Authorization", "Bearer " .. key } or {}))
      local head, body = text:match "^(.-\r\n)\r\n(.*)$"
      assert.matches("^HTTP/1.1 403 Forbidden\r\n", head)
      assert.matches("\r\nX%-Git%-Version: 2.4.1\r\n", head)
      if method ~= "HEAD" then
        local fault = json.decode(body).error
        assert.equal("permission_error https_required", fault.type .. " " .. fault.code)
        assert.matches("\r\nX%-Request%-Id: " .. fault.request_id .. "\r\n", head)
      end
    end

    local function exposed()
      local count = 0
      for _, event in ipairs(running.emulator:events()) do
        count = count + (event.type == "api_key.exposed" and 1 or 0)
      end
      return count
    end

    it("answers 403 to everything, and tells of the secret keys that it saw", function()
      start { plain_port = 0 }
      assert.equal(("http://127.0.0.1:%d/v2"):format(running.plain_port), running.plain_url)
      say("GET", nil)
      say("GET", running.emulator.public_key)
      say("GET", running.api_key:sub(1, 13))
      assert.equal(0, exposed())
      for count, method in ipairs { "GET", "POST", "HEAD", "OPTIONS" } do
        say(method, running.api_key)
        assert.equal(count, exposed())
      end
      assert.equal(200, (call("GET", "/projects"):result()))
      local last = running.emulator:requests()
      assert.equal("OPTIONS /v2/projects 403", ("%s %s %d"):format(last[#last - 1].method, last[#last - 1].path, last[#last - 1].status))
    end)

    it("answers 403 to what it cannot read, too", function()
      start { plain_port = 0 }
      local head = "POST /v2/projects HTTP/1.1\r\nHost: a\r\nContent-Length: "
      for _, text in ipairs { head .. "99999999\r\n\r\n", head .. "-1\r\n\r\n", "PRI * HTTP/2.0\r\n\r\n", "hello\r\n\r\n" } do
        local answer = sender.say(running.plain_port, text)
        assert.matches("^HTTP/1.1 403 Forbidden\r\n", answer)
        assert.equal("https_required", json.decode(answer:match "\r\n\r\n(.*)$").error.code)
      end
    end)

    it("takes a target in its absolute form, and shows no secret in its answer", function()
      start { plain_port = 0 }
      local text = sender.say(running.plain_port, sender.request("GET", "HTTP://api.git.dev/v2/projects?key=" .. running.api_key, nil,
        { "Authorization", "Bearer " .. running.api_key }))
      assert.matches("^HTTP/1.1 403 Forbidden\r\n", text)
      assert.is_nil(text:find(running.api_key, 1, true))
      local last = running.emulator:requests()
      assert.equal("/v2/projects", last[#last].path)
      assert.is_nil(json.encode(last):find(running.api_key, 1, true))
    end)

    it("listens when it is told to, and says which port it cannot have", function()
      start()
      assert.is_nil(running.plain_port)
      local none, problem = server.start { plain_port = running.port }
      assert.is_nil(none)
      assert.truthy(problem:find(tostring(running.port), 1, true))
    end)
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

-- Calls from within nginx: real workers, whose Lua calls an emulator in another process. What a worker is to run is posted to it as text.
local nginx = require "spec.lua.support.nginx"
local openresty = require "spec.lua.support.openresty"
local process = require "spec.lua.support.process"
local sender = require "spec.lua.support.sender"

-- One client for each worker, as programs should have it. What a chunk returns is the answer.
local RUNNER = [[
  init_by_lua_block {
    local client
    function run_chunk(text)
      local ok, value = pcall(function()
        local gitdev = require "gitdev"
        client = client or gitdev.client { max_retries = 2 }
        return assert(loadstring(text, "=chunk"))(gitdev, client)
      end)
      return (ok and "" or "error ") .. tostring(value)
    end
  }
]]

local RUN = [[
  location = /run {
    client_max_body_size 1m;
    client_body_buffer_size 1m;
    content_by_lua_block {
      ngx.req.read_body()
      ngx.print(run_chunk(ngx.req.get_body_data()))
    }
  }
]]

describe("in nginx", function()
  local missing = select(2, openresty.find())
  if missing then
    pending(missing)
    return
  end

  local upstream, server

  local function start(more)
    local options = { emulator = upstream, http = RUNNER, server = RUN }
    for name, value in pairs(more or {}) do
      options[name] = (name == "server" or name == "http") and options[name] .. value or value
    end
    server = openresty.start(options)
    return server
  end

  setup(function()
    upstream = openresty.emulator "--no-rate-limit --auto-create-projects --build-ms 300"
  end)

  teardown(function()
    upstream:stop()
  end)

  after_each(function()
    if server then
      server:stop()
    end
    server = nil
  end)

  local function run(text)
    local status, body = server:post("/run", text)
    assert.equal(200, status, server:errors())
    return body
  end

  it("makes calls, turns pages, iterates and waits", function()
    start()
    assert.equal("queued my-app", run [[
      local gitdev, git = ...
      local d = git.deployments:create { project = "my-app", branch = "main" }
      return d.status .. " " .. d.project
    ]])
    assert.equal("live", run [[
      local gitdev, git = ...
      local d = git.deployments:create { project = "my-app" }
      return d:wait().status
    ]])
    assert.equal("5", run [[
      local gitdev, git = ...
      for i = 1, 3 do git.deployments:create { project = "paged" } end
      local count = 0
      for d in git.deployments:each { limit = 2 } do count = count + 1 end
      return count
    ]])
    assert.equal("resource_missing", run [[
      local git = require("gitdev.safe").client()
      local thing, err = git.deployments:get "dep_000000000000"
      return err.code
    ]])
  end)

  it("loads no libcurl into a worker", function()
    start()
    run [[ local gitdev, git = ... return gitdev.all { function() return git.rate_limit:get().burst end }[1] ]]
    for _, pid in ipairs(server:workers()) do
      local file = assert(io.open("/proc/" .. pid .. "/maps"))
      local maps = file:read "*a"
      file:close()
      assert.is_nil(maps:find("libcurl", 1, true))
      assert.is_nil(maps:find("gitdev/net", 1, true))
      assert.truthy(maps:find("gitdev/core", 1, true) or #server:workers() == 2)
    end
  end)

  it("has a loop with the same functions; those that nginx does itself say so", function()
    start()
    local names = {}
    for name in pairs(require "gitdev.loop") do
      names[#names + 1] = name
    end
    assert.is_true(#names > 30)
    assert.equal("", run(([[
      local missing = {}
      local loop = require "gitdev.loop"
      for name in ("%s"):gmatch "%%S+" do
        if type(loop[name]) ~= "function" then missing[#missing + 1] = name end
      end
      return table.concat(missing, " ")
    ]]):format(table.concat(names, " "))))
    assert.matches("gitdev.unlink is not for nginx: ", run [[
      local ok, err = pcall(require("gitdev.loop").unlink, {})
      return err.message
    ]], 1, true)
  end)

  it("says who it is", function()
    start()
    assert.truthy(run([[ return require("gitdev.loop").driver().agent() ]]):find "^nginx/%d+%.%d+%.%d+; ngx_lua/0%.%d+%.%d+$")
    assert.equal("off", run [[ return require("gitdev.loop").driver().progress ]])
  end)

  -- ---- tasks ----

  it("runs tasks at once", function()
    start()
    assert.equal("1 2 3", run [[
      local gitdev, git = ...
      local began = gitdev.now()
      local r = gitdev.all {
        function() gitdev.sleep(0.3) return 1 end,
        function() gitdev.sleep(0.3) git.rate_limit:get() return 2 end,
        x = function() gitdev.sleep(0.3) return 3 end,
      }
      assert(gitdev.now() - began < 0.8, "one after the other")
      return r[1] .. " " .. r[2] .. " " .. r.x
    ]])
    assert.equal("b two", run [[
      local gitdev = ...
      local value, key = gitdev.race { a = function() gitdev.sleep(20) end, b = function() gitdev.sleep(0.05) return "two" end }
      return key .. " " .. value
    ]])
    assert.equal("timeout_error", run [[
      local gitdev = ...
      local ok, err = pcall(gitdev.timeout, 0.1, gitdev.sleep, 20)
      return err.type
    ]])
    assert.equal("7", run [[ local gitdev = ... return gitdev.timeout(5, function() return 7 end) ]])
    assert.equal("done canceled failed", run [[
      local gitdev = ...
      local a = gitdev.spawn(function() return 1 end)
      local b = gitdev.spawn(function() gitdev.sleep(20) end)
      local c = gitdev.spawn(function() error("no", 0) end)
      a:wait()
      b:cancel()
      pcall(b.wait, b)
      local ok, err = pcall(c.wait, c)
      assert(err == "no", err)
      return a:status() .. " " .. b:status() .. " " .. c:status()
    ]])
    assert.equal("first canceled", run [[
      local gitdev = ...
      local other
      local ok, err = pcall(gitdev.all, {
        function() gitdev.sleep(0.05) error("first", 0) end,
        function() local fine, why = pcall(gitdev.sleep, 20) other = why error(why, 0) end,
      })
      return err .. " " .. other.code
    ]])
    assert.equal("false a child's", run [[
      local gitdev = ...
      local ok, err = pcall(gitdev.run, function()
        gitdev.spawn(error, "a child's", 0)
        ngx.sleep(0.05) -- meanwhile it fails
      end)
      return tostring(ok) .. " " .. tostring(err)
    ]])
    assert.equal("many 2000", run [[
      local gitdev = ...
      local count = 0
      gitdev.run(function()
        for i = 1, 2000 do gitdev.spawn(function() count = count + 1 end):wait() end
      end)
      return "many " .. count
    ]])
  end)

  it("tells nginx's log of a task that failed and that nobody waits for, without secrets", function()
    start()
    run [[ local gitdev = ... gitdev.spawn(function() error("it said whsec_" .. ("1"):rep(32)) end) return gitdev.sleep(0.01) ]]
    local said = openresty.await("it is told", function()
      return server:errors():match "nobody waits for it: ([^\n]*)"
    end)
    assert.matches("it said whsec_", said)
    assert.is_nil(server:errors():find(("1"):rep(32), 1, true))
  end)

  -- A timer may go on for days.
  it("keeps nothing of tasks that are over", function()
    start()
    local kept = tonumber(run [[
      local gitdev = ...
      local function tasks(count)
        for _ = 1, count do
          gitdev.all { function() return 1 end }
        end
        collectgarbage()
        collectgarbage()
        return collectgarbage "count"
      end
      local before = tasks(100)
      return tasks(2000) - before
    ]])
    assert.is_true(kept < 1000, kept .. " KB")
  end)

  it("takes back a call that nobody waits for any more", function()
    start()
    upstream:fault { match = { op = "organization.get" }, delay = 20 }
    assert.equal("timeout_error canceled true", run [[
      local gitdev, git = ...
      local began, inner = gitdev.now(), nil
      local ok, err = pcall(gitdev.timeout, 0.3, function()
        local fine, why = pcall(git.organization.get, git.organization)
        inner = why.type
        error(why, 0)
      end)
      return err.type .. " " .. (inner == "timeout_error" and "canceled" or inner) .. " " .. tostring(gitdev.now() - began < 5)
    ]])
  end)

  -- ---- what goes wrong ----

  it("tries again as the machine says", function()
    start()
    for number, fault in ipairs { { status = 503, retry_after = false }, { drop = true }, { reset = true }, { status = 500 } } do
      fault.match = { op = "projects.create" }
      upstream:fault(fault)
      local attempts = run(([[
        local gitdev, git = ...
        return #gitdev.answer(git.projects:create { slug = "again-%d" }).attempts
      ]]):format(number))
      assert.equal("2", attempts)
    end
    upstream:fault { match = { op = "projects.create" }, truncate = 20, times = 3 }
    assert.equal("connection_lost 3", run [[
      local gitdev, git = ...
      local ok, err = pcall(git.projects.create, git.projects, { slug = "cut" })
      return err.code .. " " .. #err.attempts
    ]])
    upstream:fault { match = { op = "projects.list" }, raw = "HTTP/1.1 200 OK\nfoo: bar\n\n" }
    assert.equal("malformed_response", run [[
      local gitdev, git = ...
      local ok, err = pcall(git.projects.list, git.projects)
      return err.code
    ]])
  end)

  it("makes up for a connection that was closed while it rested", function()
    start { workers = 1 }
    upstream:fault { match = { op = "rate_limit.get" }, after = 1, drop = true }
    assert.equal("2 stale connection 0", run [[
      local gitdev, git = ...
      git.rate_limit:get()
      local r = git.rate_limit:get(nil, { max_retries = 0 })
      local attempts = gitdev.answer(r).attempts
      return #attempts .. " " .. attempts[1].reason .. " " .. (20 - git.rate_limit().retry_budget)
    ]])
  end)

  it("ends in time, whatever it waits for", function()
    start()
    upstream:fault { match = { op = "organization.get" }, delay = 20 }
    assert.equal("timeout_error deadline true", run [[
      local gitdev, git = ...
      local began = gitdev.now()
      local ok, err = pcall(git.organization.get, git.organization, { timeout = 0.4 })
      return err.type .. " " .. err.code .. " " .. tostring(gitdev.now() - began < 5)
    ]])
  end)

  it("says what is missing in nginx.conf", function()
    start { trust = "/etc/ssl/certs/ca-certificates.crt" }
    local said = run [[
      local gitdev, git = ...
      local ok, err = pcall(git.projects.list, git.projects)
      return err.code .. " " .. err.message
    ]]
    assert.truthy(said:find "^certificate_not_trusted .*lua_ssl_trusted_certificate", said)
    said = run [[
      local gitdev = ...
      local git = gitdev.client { base_url = "https://api.example.test/v2" }
      local ok, err = pcall(git.projects.list, git.projects)
      return err.type .. " " .. err.message
    ]]
    assert.truthy(said:find "^config_error .*resolver", said)
    said = run [[ return select(2, require("gitdev.safe").client { ca_file = "/etc/ssl/certs/ca-certificates.crt" }) ]]
    assert.truthy(said:find "^config_error: ca_file.*lua_ssl_trusted_certificate", said)
  end)

  it("does not put it on nginx.conf when a certificate has expired", function()
    local root, port = sender.folder(), openresty.free_port()
    local made = process.run((([[
      cd %s && openssl ecparam -genkey -name prime256v1 -out key.pem
      openssl req -new -key key.pem -subj /CN=localhost -addext subjectAltName=DNS:localhost -out csr.pem
      openssl x509 -req -in csr.pem -signkey key.pem -days -1 -copy_extensions copy -out cert.pem]]):gsub("%%s", root)))
    assert.equal(0, made)
    start { env = { GIT_API_URL = "https://localhost:" .. port, GIT_API_KEY = nginx.API_KEY }, trust = root .. "/cert.pem", http = ([[
      server { listen 127.0.0.1:%d ssl; ssl_certificate %s/cert.pem; ssl_certificate_key %s/key.pem; }
    ]]):format(port, root, root) }
    -- nginx says what is wrong only of a handshake that takes more than a moment.
    local said
    openresty.await("nginx says what is wrong", function()
      said = run [[
        local gitdev, git = ...
        return select(2, pcall(git.rate_limit.get, git.rate_limit)).message
      ]]
      return said:find("expired", 1, true)
    end)
    sender.remove(root)
    assert.matches("certificate has expired$", said)
  end)

  it("ends at once when nginx has no socket to give", function()
    start { workers = 1 }
    assert.equal("config_error true", run [[
      local gitdev, git = ...
      local tcp, began = ngx.socket.tcp, gitdev.now()
      ngx.socket.tcp = function() error "none are left" end
      local ok, err = pcall(git.rate_limit.get, git.rate_limit)
      ngx.socket.tcp = tcp
      return err.type .. " " .. tostring(err.message:find("none are left", 1, true) ~= nil and gitdev.now() - began < 5)
    ]])
  end)

  it("writes no secret to nginx's log, at whatever level", function()
    start { workers = 1, http = "error_log error.log debug;" }
    assert.equal("my-app", run [[
      local gitdev, git = ...
      return git.deployments:create({ project = "my-app", env = { PASSWORD = "hush-hush-hush" } }).project
    ]])
    local log = server:errors()
    assert.is_nil(log:find(upstream.api_key, 1, true))
    assert.is_nil(log:find("hush-hush-hush\"}", 1, true)) -- as it is sent
  end)

  it("says how a worker gets the key", function()
    server = openresty.start { http = RUNNER, server = RUN }
    assert.truthy(run([[ return select(2, require("gitdev.safe").client()) ]]):find "env GIT_API_KEY;")
  end)

  it("turns no loop of its own", function()
    start()
    assert.truthy(run([[ local gitdev = ... return select(2, pcall(gitdev.step, 0)) ]]):find "nginx turns the loop")
  end)

  -- ---- many, and those who leave ----

  it("makes ten thousand calls for as many requests, though the API is slow", function()
    start { server = [[
      location = /call { content_by_lua_block {
        local gitdev = require "gitdev.safe"
        git = git or gitdev.client { timeout = 100 }
        local limit, err = git.rate_limit:get()
        if not limit then ngx.log(ngx.ERR, tostring(err)) end
        ngx.exit(limit and 204 or 502)
      } }
    ]] }
    upstream:fault { match = { op = "rate_limit.get" }, delay = 0.02, times = 10000 }
    local count, out = server:get_many("/call?[1-10000]", 400)
    assert.same({ [204] = 10000 }, count, out:sub(1, 500) .. server:errors():sub(-2000))
  end)

  it("loses no call when nginx reads its configuration again", function()
    start { server = [[
      location = /call { content_by_lua_block {
        local gitdev = require "gitdev.safe"
        git = git or gitdev.client { timeout = 100 }
        local limit, err = git.rate_limit:get()
        if not limit then ngx.log(ngx.ERR, tostring(err)) end
        ngx.exit(limit and 204 or 502)
      } }
    ]] }
    upstream:fault { match = { op = "rate_limit.get" }, delay = 0.05, times = 3000 }
    local reloading = assert(io.popen("for i in 1 2 3 4 5; do sleep 0.2; kill -HUP " .. server:master() .. " || exit; done"))
    local count = server:get_many("/call?[1-3000]", 64)
    reloading:close()
    assert.same({ [204] = 3000 }, count, server:errors():sub(-2000))
  end)

  it("has nothing stuck when clients leave in the midst of their calls", function()
    local small = openresty.emulator "--plan starter"
    server = openresty.start { emulator = small, workers = 1, http = RUNNER .. " lua_socket_log_errors off;", server = RUN .. [[
      location = /abort {
        lua_check_client_abort on;
        content_by_lua_block {
          ngx.on_abort(function() ngx.exit(499) end)
          git = git or require("gitdev").client { timeout = 100 }
          git.organization:get()
        }
      }
    ]] }
    assert.equal("10", run [[ local gitdev, git = ... return git.rate_limit:get().burst ]])
    small:fault { match = { op = "organization.get" }, delay = 60, times = 1000 }
    -- Ten are under way and thirty stand in line when all leave.
    local status = process.run(("curl -s -Z --parallel-immediate --parallel-max 40 --max-time 1.5 -o /dev/null '%s/abort?[1-40]'"):format(server.url))
    assert.is_true(status ~= 0)
    local said = run [[
      local gitdev, git = ...
      local began = gitdev.now()
      local list = git.projects:list(nil, { timeout = 25 })
      return list.object
    ]]
    assert.equal("list", said, server:errors():sub(-3000))
    small:stop()
  end)

  it("has the workers keep to one rate limit together", function()
    local small = openresty.emulator "--plan pro"
    server = openresty.start { emulator = small, http = RUNNER .. " lua_shared_dict gitdev 1m;", server = RUN .. [[
      location = /call { content_by_lua_block {
        local gitdev = require "gitdev.safe"
        git = git or gitdev.client { timeout = 60, rate_limit_store = gitdev.store.shared "gitdev" }
        local list, err = git.projects:list()
        if not list then ngx.log(ngx.ERR, tostring(err)) end
        ngx.exit(list and 204 or 502)
      } }
    ]] }
    local count = server:get_many("/call?[1-120]", 60)
    assert.same({ [204] = 120 }, count, server:errors():sub(-2000))
    local refused = 0
    for _, request in ipairs(small:requests()) do
      refused = refused + (request.status == 429 and 1 or 0)
    end
    small:stop()
    assert.equal(0, refused)
  end)

  it("goes on when a worker is killed that was to ask for the rate limit, and was first in line", function()
    local small = openresty.emulator "--plan pro"
    small:fault { match = { op = "rate_limit.get" }, delay = 60, times = 1 }
    server = openresty.start { emulator = small, http = RUNNER .. " lua_shared_dict gitdev 1m;", server = RUN .. [[
      location = /call { content_by_lua_block {
        local gitdev = require "gitdev.safe"
        git = git or gitdev.client { timeout = 60, rate_limit_store = gitdev.store.shared "gitdev" }
        if ngx.var.arg_die then
          ngx.timer.at(0, function() for _ = 1, 3 do ngx.thread.spawn(git.projects.list, git.projects) end end)
          ngx.timer.at(0.3, function() os.execute("kill -9 " .. ngx.worker.pid()) end)
          ngx.exit(204)
        end
        local list, err = git.projects:list()
        if not list then ngx.log(ngx.ERR, tostring(err)) end
        ngx.exit(list and 204 or 502)
      } }
    ]] }
    assert.equal(204, (server:get "/call?die=1"))
    openresty.await("the worker is dead", function()
      return server:errors():find("exited on signal 9", 1, true)
    end)
    assert.same({ [204] = 20 }, server:get_many("/call?[1-20]", 10), server:errors():sub(-2000))
    small:stop()
  end)

  it("goes on when a light thread is killed in a call", function()
    start { workers = 1 }
    upstream:fault { match = { op = "organization.get" }, delay = 2, times = 3 }
    assert.equal("live", run [[
      local gitdev, git = ...
      for i = 1, 3 do
        local thread = ngx.thread.spawn(git.organization.get, git.organization)
        ngx.sleep(0.1)
        ngx.thread.kill(thread)
      end
      return git.deployments:create({ project = "my-app" }):wait().status
    ]])
  end)

  -- ---- bodies that are streamed ----

  it("streams what it sends and what it gets", function()
    local files = nginx.start {
      http2 = false,
      http = "client_max_body_size 0;",
      server = "location /v2/files/ { alias %ROOT%/files/; dav_methods PUT; create_full_put_path on; }",
    }
    os.execute("mkdir -m 777 " .. files.root .. "/files")
    start { env = { GIT_API_URL = files.url, GIT_API_KEY = nginx.API_KEY }, trust = files.ca_file }
    local said = run [[
      local gitdev, git = ...
      local piece, count = ("0123456789abcdef"):rep(4096), 320
      local told = {}
      for name, size in pairs { known = #piece * count, unknown = false } do
        local left = count
        git:request("PUT", "/files/" .. name, { size = size or nil, from = function()
          left = left - 1
          return left >= 0 and piece or nil
        end })
        local got, sound = 0, true
        local about = git:request("GET", "/files/" .. name, { to = function(bytes)
          sound = sound and bytes == piece:rep(#bytes / #piece + 2):sub(got % #piece + 1):sub(1, #bytes)
          got = got + #bytes
          if got < 400000 then gitdev.sleep(0.01) end
        end })
        told[#told + 1] = name .. " " .. about.size .. " " .. tostring(sound)
      end
      table.sort(told)
      return table.concat(told, ", ")
    ]]
    files:stop()
    assert.equal("known 20971520 true, unknown 20971520 true", said)
  end)

  -- ---- ways there ----

  it("keeps its connections, and has one for each call at once", function()
    local origin = nginx.start { http2 = false }
    start { env = { GIT_API_URL = origin.url, GIT_API_KEY = nginx.API_KEY }, trust = origin.ca_file, workers = 1 }
    run [[
      local gitdev, git = ...
      for i = 1, 20 do git:request("GET", "/one") end
      local fns = {}
      for i = 1, 5 do fns[i] = function() git:request("GET", "/many") end end
      for i = 1, 4 do gitdev.all(fns) end
    ]]
    local connections, count = {}, 0
    for _, request in ipairs(origin:await_log(40)) do
      count = count + (connections[request.connection] and 0 or 1)
      connections[request.connection] = true
    end
    origin:stop()
    assert.equal(5, count)
  end)

  it("keeps the connections of a driver that stands apart to it", function()
    local origin = nginx.start { http2 = false }
    start { env = { GIT_API_URL = origin.url, GIT_API_KEY = nginx.API_KEY }, trust = origin.ca_file, workers = 1 }
    run [[
      local gitdev, git = ...
      local driver = require "gitdev.driver.nginx"
      local own = gitdev.client { driver = driver.apart "internal" }
      for i = 1, 3 do
        git:request("GET", "/one")
        own:request("GET", "/one")
        gitdev.client { driver = driver.apart "internal" }:request("GET", "/one")
        gitdev.client { driver = driver.apart "another" }:request("GET", "/one")
        own:request("GET", "/one", { to = function() end })
      end
    ]]
    local seen, count = {}, {}
    for _, request in ipairs(origin:await_log(15)) do
      count[request.connection] = (count[request.connection] or 0) + 1
    end
    for _, times in pairs(count) do
      seen[#seen + 1] = times
    end
    table.sort(seen)
    origin:stop()
    assert.same({ 3, 3, 9 }, seen)
    for _, name in ipairs { "nil", "7", "{}", '""', '"a\\nb"', '"a\\0"' } do
      assert.matches("apart takes a name", run(('return select(2, pcall(require("gitdev.driver.nginx").apart, %s))'):format(name)))
    end
  end)

  it("uses a connection again after an answer to HEAD, which has no body", function()
    local origin = nginx.start { http2 = false, server = "location /v2/long { return 200 '0123456789'; }" }
    start { env = { GIT_API_URL = origin.url, GIT_API_KEY = nginx.API_KEY }, trust = origin.ca_file, workers = 1 }
    assert.equal("0 0", run [[ local gitdev, git = ... return #git:request("HEAD", "/long") .. " " .. #git:request("HEAD", "/long") ]])
    local log = origin:await_log(2)
    origin:stop()
    assert.equal(log[1].connection, log[2].connection)
  end)

  it("uses no connection again on which more came than the answer", function()
    local origin = nginx.start {}
    local port = openresty.free_port()
    -- What speaks is nginx's Lua: an answer, the beginning of another, and then nothing but the end.
    start { env = { GIT_API_URL = "https://127.0.0.1:" .. port, GIT_API_KEY = nginx.API_KEY }, trust = origin.ca_file, http = ([[
      server {
        listen 127.0.0.1:%d ssl;
        ssl_certificate %s/server.pem;
        ssl_certificate_key %s/server.key;
        location / { content_by_lua_block {
          local sock = assert(ngx.req.socket(true))
          assert(sock:send "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\nConten")
          sock:receiveany(1000)
        } }
      }
    ]]):format(port, origin.root, origin.root) }
    local said = run [[
      local gitdev, git = ...
      git.rate_limit:get()
      return #gitdev.answer(git.rate_limit:get()).attempts
    ]]
    origin:stop()
    assert.equal("1", said)
  end)

  -- Anyone on the way can close a connection, and nginx does not tell how its TLS ended.
  it("takes no answer that may be cut off for a whole one", function()
    local origin = nginx.start {}
    local port = openresty.free_port()
    start { env = { GIT_API_URL = "https://127.0.0.1:" .. port, GIT_API_KEY = nginx.API_KEY }, trust = origin.ca_file, http = ([[
      server {
        listen 127.0.0.1:%d ssl;
        ssl_certificate %s/server.pem;
        ssl_certificate_key %s/server.key;
        location / { content_by_lua_block {
          local body = ngx.var.uri == "/whole" and '{"data":[]}' or '{"data":['
          local sock = assert(ngx.req.socket(true))
          assert(sock:send("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" .. body))
        } }
      }
    ]]):format(port, origin.root, origin.root) }
    local said = run [[
      local gitdev, git = ...
      local told = {}
      for _, path in ipairs { "/whole", "/cut" } do
        for _, options in ipairs { {}, { sha256 = ("0"):rep(64) } } do
          local ok, value = pcall(git.request, git, "GET", path, options)
          told[#told + 1] = ok and "whole" or value.type
        end
      end
      return table.concat(told, " ")
    ]]
    origin:stop()
    assert.equal("whole connection_error connection_error connection_error", said)
  end)

  it("gives connecting, a proxy's answer and TLS one time together", function()
    start { workers = 1, env = { https_proxy = "http://127.0.0.1:9", GIT_API_KEY = nginx.API_KEY } }
    local said = run [[
      local sock, given = {}, nil
      function sock.settimeouts(_, connecting) given = connecting end
      function sock.connect() ngx.sleep(0.2) return true end
      function sock.send() return true end
      function sock.getreusedtimes() return 0 end
      function sock.receiveany() ngx.sleep(0.2) return "HTTP/1.1 200 OK\r\n\r\n" end
      function sock.sslhandshake() return nil, "timeout" end
      local request = { host = "api.example", port = 443, connect_timeout = 60 }
      local _, problem = require("gitdev.driver.nginx.connection").open(sock, request, "", false, 120)
      return tostring(given <= 59700) .. " " .. problem.kind
    ]]
    assert.equal("true timed out", said)
  end)

  it("is not held by a proxy that only ever says that it goes on", function()
    start { workers = 1, env = { https_proxy = "http://127.0.0.1:9", GIT_API_KEY = nginx.API_KEY } }
    local said = run [[
      local told = {}
      for _, status in ipairs { "100", "101" } do
        local function fine() return true end
        local sock = { settimeouts = fine, connect = fine, send = fine, close = fine, getreusedtimes = function() return 0 end }
        function sock.receiveany()
          return "HTTP/1.1 " .. status .. " X\r\n\r\n"
        end
        local request = { host = "api.example", port = 443, connect_timeout = 5 }
        local _, problem = require("gitdev.driver.nginx.connection").open(sock, request, "", false, 5)
        told[#told + 1] = problem.kind .. ": " .. problem.message
      end
      return table.concat(told, "\n")
    ]]
    assert.matches("^unsent: the proxy 127.0.0.1:9 did not answer: it only ever says that it goes on.*\nunsent: .*refuses.*status 101", said)
  end)

  it("goes through the proxy that the environment names, and around it where no_proxy says so", function()
    local port = upstream.url:match ":(%d+)/"
    local output = os.tmpname()
    local build = os.getenv "GITDEV_BUILD" or "build"
    local proxy = assert(io.popen(("%s/soak/connect_proxy %s 'Basic dXNlcjpwYXNz' >%s"):format(build, port, output), "w"))
    local function said()
      local file = assert(io.open(output))
      local text = file:read "*a"
      file:close()
      return text
    end
    local proxy_port = openresty.await("the proxy says where it is", function()
      return said():match "^(%d+)\n"
    end)
    local call = [[
      local gitdev, git = ...
      git.rate_limit:get()
      return git.rate_limit:get().object
    ]]
    local function through(user, more)
      local env = { GIT_API_URL = "https://api.git.dev/v2", https_proxy = "http://" .. user .. "127.0.0.1:" .. proxy_port }
      for name, value in pairs(more or {}) do
        env[name] = value
      end
      start { env = env, workers = 1 }
      local answer = run(call)
      server:stop()
      server = nil
      return answer
    end
    assert.equal("rate_limit", through "user:p%61ss@")
    assert.equal(proxy_port .. "\nCONNECT api.git.dev:443 HTTP/1.1\n", said()) -- once for two calls
    local refused = through "user:wrong@"
    assert.truthy(refused:find("connection_error", 1, true) and refused:find("127.0.0.1:" .. proxy_port .. " refuses", 1, true), refused)
    assert.is_nil(refused:find("wrong", 1, true))
    assert.truthy(through("user:pass@", { no_proxy = "example.org,.git.dev" }):find "resolver")
    assert.truthy(through("", { https_proxy = "socks5://127.0.0.1:1" }):find "config_error.*socks5")
    proxy:close()
    os.remove(output)
  end)

  -- As libcurl 7.86 and later.
  it("reads in no_proxy names, domains, addresses and ranges of them", function()
    local no_proxy = require "gitdev.driver.nginx.no_proxy"
    for _, row in ipairs {
      { true, "*", "api.git.dev" },
      { false, "", "api.git.dev" },
      { true, "example.org,.git.dev", "api.git.dev" },
      { true, "example.org git.dev.", "API.git.dev" },
      { false, "it.dev, i.git.dev", "api.git.dev" },
      { true, "10.0.0.0/8", "10.2.3.4" },
      { false, "10.0.0.0/8", "11.2.3.4" },
      { true, "192.168.1.128/25", "192.168.1.200" },
      { false, "192.168.1.128/25", "192.168.1.127" },
      { true, "192.168.1.7/32", "192.168.1.7" },
      { false, "192.168.1.7/33", "192.168.1.7" },
      { true, "192.168.1.7", "192.168.1.7" },
      { false, "1.7", "192.168.1.7" }, -- no domain
      { false, "300.1.1.1/1", "192.168.1.7" },
      { true, "2001:db8::/33", "[2001:db8:7fff::1]" },
      { false, "2001:db8::/33", "[2001:db8:8000::1]" },
      { true, "[2001:db8::1]", "[2001:0DB8:0:0::0:1]" },
      { true, "::ffff:192.0.2.0/120", "[::ffff:c000:2ff]" },
      { false, "10.0.0.0/8", "[a00::1]" },
      { false, "10.0.0.0/8", "10.example.org" },
    } do
      assert.equal(row[1], no_proxy.names(row[2], row[3]), row[2] .. " " .. row[3])
    end
  end)

  it("tells hooks and the log what happens", function()
    start { env = { GITDEV_LOG = "debug" }, workers = 1 }
    upstream:fault { match = { op = "rate_limit.get" }, status = 503 }
    assert.equal("request response retry request response", run [[
      local gitdev = ...
      local told = {}
      local function tell(name) return function() told[#told + 1] = name end end
      local git = gitdev.client { on_request = tell "request", on_response = tell "response", on_retry = tell "retry" }
      git.rate_limit:get()
      return table.concat(told, " ")
    ]])
    assert.truthy(server:file("output"):find("GET /rate_limit", 1, true) or server:errors():find("GET /rate_limit", 1, true))
  end)

  -- ---- phases ----

  it("works in each phase that can wait, and says so in those that cannot", function()
    local call = [[ local gitdev, git = ... return git.rate_limit:get().object ]]
    local fine = ("run_chunk([==[%s]==])"):format(call)
    start {
      http = "lua_shared_dict said 1m;",
      server = [[
        location = /rewrite { rewrite_by_lua_block { ngx.ctx.said = ]] .. fine .. [[ } content_by_lua_block { ngx.print(ngx.ctx.said) } }
        location = /access { access_by_lua_block { ngx.ctx.said = ]] .. fine .. [[ } content_by_lua_block { ngx.print(ngx.ctx.said) } }
        location = /timer { content_by_lua_block { ngx.timer.at(0, function() ngx.shared.said:set("timer", ]] .. fine .. [[) end) } }
        location = /set { set_by_lua_block $said { return ]] .. fine .. [[ } return 200 $said; }
        location = /header_filter { header_filter_by_lua_block { ngx.shared.said:set("header_filter", ]] .. fine .. [[) } return 200 x; }
        location = /body_filter { body_filter_by_lua_block { ngx.shared.said:set("body_filter", ]] .. fine .. [[) } return 200 x; }
        location = /log { log_by_lua_block { ngx.shared.said:set("log", ]] .. fine .. [[) } return 200 x; }
        location = /said { content_by_lua_block { ngx.print(ngx.shared.said:get(ngx.var.arg_name) or "") } }
      ]],
    }
    local function said(name)
      return openresty.await("the phase " .. name .. " has spoken", function()
        local _, body = server:get("/said?name=" .. name)
        return body ~= "" and body
      end)
    end
    for _, name in ipairs { "rewrite", "access" } do
      assert.equal("rate_limit", select(2, server:get("/" .. name)))
    end
    server:get "/timer"
    assert.equal("rate_limit", said "timer")
    assert.truthy(select(2, server:get "/set"):find "config_error: .*phase set")
    for _, name in ipairs { "header_filter", "body_filter", "log" } do
      server:get("/" .. name)
      assert.truthy(said(name):find("config_error: .*phase " .. name), said(name))
    end
  end)

  it("works where a certificate is chosen, and in a request within another", function()
    local root, port = sender.folder(), openresty.free_port()
    local command = "cd %s && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=x -keyout key -out cert"
    assert.equal(0, (process.run(command:format(root))))
    local call = [[run_chunk("local gitdev, git = ... return git.rate_limit:get().object")]]
    start { workers = 1, http = ([[
      lua_shared_dict said 1m;
      server {
        listen 127.0.0.1:%d ssl; ssl_certificate %s/cert; ssl_certificate_key %s/key;
        ssl_certificate_by_lua_block { ngx.shared.said:set("said", %s) }
        location / { content_by_lua_block { ngx.print(ngx.shared.said:get "said") } }
      }
    ]]):format(port, root, root, call), server = [[ location = /inner { content_by_lua_block { ngx.print(]] .. call .. [[) } } ]] }
    assert.equal("rate_limit", select(2, process.run("curl -sk --max-time 60 https://127.0.0.1:" .. port)))
    sender.remove(root)
    assert.equal("rate_limit rate_limit", run [[
      local gitdev = ...
      return ngx.location.capture("/inner").body .. " " .. gitdev.run(function() return ngx.location.capture("/inner").body end)
    ]])
  end)

  it("ends the tasks of a request that goes elsewhere, or is over", function()
    start { workers = 1, server = [[
      location = /inner { content_by_lua_block { ngx.print(run_chunk "local gitdev, git = ... return git.rate_limit:get().object") } }
      location = /exec { content_by_lua_block {
        local gitdev = require "gitdev"
        gitdev.spawn(function() gitdev.sleep(60) end)
        gitdev.client().rate_limit:get()
        ngx.exec "/inner"
      } }
      location = /exit { content_by_lua_block {
        local gitdev = require "gitdev"
        gitdev.all { function() gitdev.client().rate_limit:get() ngx.exit(418) end, function() gitdev.sleep(60) end }
      } }
    ]] }
    for _ = 1, 3 do
      assert.equal("rate_limit", select(2, server:get "/exec"))
      assert.equal(418, (server:get "/exit"))
      assert.equal("rate_limit", run [[ local gitdev, git = ... return git.rate_limit:get().object ]])
    end
  end)

  it("says so in init_worker too", function()
    start {
      http = [[ lua_shared_dict said 1m; init_worker_by_lua_block {
        ngx.shared.said:set("said", run_chunk "local gitdev, git = ... return git.projects:list()") } ]],
      server = [[ location = /said { content_by_lua_block { ngx.print(ngx.shared.said:get "said") } } ]],
    }
    assert.truthy(select(2, server:get "/said"):find "config_error: .*phase init_worker.*timer")
  end)

  it("can be loaded, warmed and have a client before the workers are made", function()
    server = openresty.start {
      emulator = upstream,
      http = [[ init_by_lua_block {
        gitdev = require "gitdev"
        git = gitdev.client()
        warm = gitdev.warm(git)
        early = tostring(select(2, pcall(git.projects.list, git.projects)))
      } ]],
      server = [[ location = /said { content_by_lua_block {
        local d = git.deployments:create { project = "early" }
        ngx.print(tostring(warm), " ", d.project, " ", early)
      } } ]],
    }
    local _, said = server:get "/said"
    assert.truthy(said:find "^true early .*config_error: .*phase init", said .. server:errors())
  end)

  it("works where Lua's code is not cached, and in a coroutine of the program's own", function()
    start { http = "lua_code_cache off;" }
    for _ = 1, 3 do
      assert.equal("rate_limit", run [[
        local gitdev, git = ...
        return coroutine.wrap(function() return git.rate_limit:get().object end)()
      ]])
    end
  end)

  it("ends what waits when the client is closed elsewhere", function()
    start { workers = 1, server = [[
      location = /hold { content_by_lua_block {
        shared = require("gitdev.safe").client()
        local began = ngx.now()
        local thing, err = shared.organization:get()
        ngx.update_time()
        ngx.print(err.code, " ", ngx.now() - began < 10)
      } }
    ]] }
    upstream:fault { match = { op = "organization.get" }, delay = 30 }
    local held = assert(io.popen("curl -s --max-time 60 " .. server.url .. "/hold"))
    openresty.await("the call is under way", function()
      return run [[ return shared ~= nil ]] == "true"
    end)
    run [[ ngx.sleep(0.3) shared:close() ]]
    assert.equal("client_closed true", held:read "*a")
    held:close()
  end)
end)

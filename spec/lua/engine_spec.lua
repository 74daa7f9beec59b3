-- The call path over real TLS: the engine, the call machine and libcurl against an origin that misbehaves.
local core = require "gitdev.core"
local loop = require "gitdev.loop"
local net = require "gitdev.net"
local origin = require "spec.lua.support.origin"

local OK = origin.json(200, "{}")

local function open_descriptors()
  local listing = io.popen "ls /proc/$PPID/fd"
  local count = 0
  for _ in listing:lines() do
    count = count + 1
  end
  listing:close()
  return count
end

describe("the engine", function()
  local server

  local function start(handler, names)
    server = origin.start(handler, names)
    return server
  end

  after_each(function()
    if server then server:stop() end
    server = nil
  end)

  it("sends what the contract asks for", function()
    start(function()
      return origin.json(201, '{"id":"dep_1"}')
    end)
    local status, body, call = server:call("POST", "/deployments?x=1", { body = '{"a":1}', headers = { traceparent = "00-1" } })
    assert.equal(201, status)
    assert.equal('{"id":"dep_1"}', body)
    local request = server.requests[1]
    assert.equal("/v2/deployments?x=1", request.target)
    assert.equal("Bearer " .. origin.API_KEY, request.headers.authorization)
    assert.equal("application/json", request.headers["content-type"])
    assert.equal("7", request.headers["content-length"])
    assert.matches("^%x+%-%x+%-4%x+%-[89ab]%x+%-%x+$", request.headers["idempotency-key"])
    assert.equal("00-1", request.headers.traceparent)
    assert.is_nil(request.headers.expect)
    local attempts = call:attempts()
    assert.equal(1, #attempts)
    assert.equal("ok", attempts[1].verdict)
    assert.is_true(attempts[1].tls > 0 and attempts[1].first_byte >= attempts[1].tls and attempts[1].total > 0)
  end)

  it("sends every method as it is, with its body and without", function()
    start(function(request)
      return origin.json(200, '{"method":"' .. request.method .. '","body":' .. #request.body .. "}")
    end)
    local client = server:client()
    local cases = {
      { "GET", nil }, { "POST", "{}" }, { "DELETE", nil }, { "PATCH", '{"a":1}' }, { "GET", nil },
      { "PUT", '{"a":22}' }, { "POST", nil }, { "GET", nil }, { "POST", "[]" }, { "DELETE", nil },
    }
    for number, case in ipairs(cases) do
      local status, body = server:call(case[1], "/a", { client = client, body = case[2] })
      assert.equal(200, status)
      assert.equal('{"method":"' .. case[1] .. '","body":' .. #(case[2] or "") .. "}", body)
      local request = server.requests[number]
      assert.equal(case[2] and "application/json" or nil, request.headers["content-type"])
      assert.equal(case[1] ~= "GET", request.headers["idempotency-key"] ~= nil)
    end
    assert.equal(200, (server:call("HEAD", "/a", { client = client })))
    assert.equal("HEAD", server.requests[#cases + 1].method)
  end)

  it("carries a body of several megabytes both ways", function()
    local large = ("x"):rep(3000000)
    start(function(request)
      return origin.json(200, request.body)
    end)
    local status, body = server:call("POST", "/a", { body = large })
    assert.equal(200, status)
    assert.is_true(body == large)
  end)

  -- libcurl repeats a request by itself when a reused connection dies before an answer: the server must see each as often as the ledger
  -- says, and no more. A stale connection is made up for once, for free; the try after that meets a new one.
  for _, case in ipairs { { "POST", "{}" }, { "DELETE", nil }, { "POST", nil }, { "PATCH", "{}" }, { "GET", nil } } do
    local name = case[1] .. (case[2] and " with a body" or " without a body")
    it("sends a " .. name .. " as often as the ledger says when every connection is closed on it", function()
      start(function(_, number)
        if number == 1 then return OK end
        return { raw = "" }
      end)
      local client = server:client()
      assert.equal(200, (server:call("GET", "/warm", { client = client })))
      local status, err, call = server:call(case[1], "/a", { client = client, body = case[2], max_retries = 0 })
      assert.is_false(status)
      assert.equal("connection_error", err.type)
      assert.equal("connection_lost", err.code)
      local attempts = call:attempts()
      assert.equal(2, #attempts)
      assert.equal("stale connection", attempts[1].reason)
      assert.is_nil(attempts[1].tls)
      assert.is_true(attempts[2].tls > 0)
      assert.equal(3, #server.requests)
      assert.equal(server.requests[2].headers["idempotency-key"], server.requests[3].headers["idempotency-key"])
    end)
  end

  it("repeats a lost write with the same key, as often as the ledger says", function()
    start(function(_, number)
      if number == 2 then return { raw = "", reset = true } end
      return OK
    end)
    local client = server:client()
    server:call("GET", "/warm", { client = client })
    local status, _, call = server:call("POST", "/a", { client = client, body = "{}" })
    assert.equal(200, status)
    assert.equal(2, #call:attempts())
    assert.equal(3, #server.requests)
    assert.equal(server.requests[2].headers["idempotency-key"], server.requests[3].headers["idempotency-key"])
  end)

  -- Many times, since libcurl gives up on a handle that has met five of them.
  it("survives connections that are closed while they rest", function()
    start(function()
      return { raw = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}" }
    end)
    local client = server:client()
    for _ = 1, 40 do
      assert.equal(200, (server:call("GET", "/a", { client = client, max_retries = 0 })))
    end
  end)

  it("turns what is no answer of the API into typed errors", function()
    local head = "HTTP/1.1 200 OK\r\nX-Request-Id: req_7\r\n"
    local two, length, encoding = "Content-Length: 2\r\n", "Content-Length", "Content-Encoding"
    local cases = {
      { "no HTTP at all", "hello\r\n\r\n", "response_error" },
      { "nothing", "", "connection_error" },
      { "cut in the head", "HTTP/1.1 200 OK\r\nContent-Ty", "connection_error" },
      { "cut in the body", head .. "Content-Length: 10\r\n\r\n{}", "connection_error", 200, "req_7" },
      { "a header without a colon", head .. "Broken\r\nContent-Length: 2\r\n\r\n{}", "response_error", 200, "req_7" },
      { "an encoding that was not asked for", head .. "Content-Encoding: gzip\r\n" .. two .. "\r\n{}", "response_error", 200, "req_7", encoding },
      { "two lengths", head .. two .. "Content-Length: 4\r\n\r\n{}  ", "response_error", 200, "req_7", length },
      { "two lengths in one line", head .. "Content-Length: 2, 4\r\n\r\n{}  ", "response_error", 200, "req_7", length },
      { "a length that is none", head .. "Content-Length: +2\r\n\r\n{}", "response_error", 200, "req_7", length },
      { "a length beyond all numbers", head .. "Content-Length: 99999999999999999999999\r\n\r\n{}", "response_error", 200, "req_7", length },
      -- libcurl 7.88.1 would go on with the last line of the handle's former answer, whose memory is free.
      { "a first header line that goes on with none", "HTTP/1.1 200 OK\r\n X: y\r\n\r\n", "response_error", 200, nil, "header" },
      { "the same, after an interim answer", "HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 200 OK\r\n\tX: y\r\n\r\n", "response_error", 200, nil, "header" },
      { "a folded line", head .. "X: y\r\n z\r\nContent-Length: 2\r\n\r\n{}", "response_error", 200, "req_7", "no header" },
      { "control characters", head .. "X: a\27[31mb\r\nContent-Length: 2\r\n\r\n{}", "response_error", 200, "req_7", "control characters" },
      { "a trailer that is none", head .. "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nbad\r\n\r\n", "response_error", 200, "req_7" },
      { "a bad chunk", head .. "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n", "response_error", 200, "req_7" },
      { "a huge header", head .. "X: " .. ("y"):rep(200000) .. "\r\nContent-Length: 0\r\n\r\n", "response_error", 200, "req_7", "too large" },
      { "many headers", head .. ("X: y\r\n"):rep(1000) .. "Content-Length: 0\r\n\r\n", "response_error", 200, "req_7" },
      { "a flood of interim answers", ("HTTP/1.1 100 Continue\r\n\r\n"):rep(20000), "response_error" },
      { "another protocol", "HTTP/1.1 101 S\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", "response_error", nil, nil, "another protocol" },
      { "a redirect", "HTTP/1.1 302 Found\r\nLocation: https://example.com/\r\nContent-Length: 0\r\n\r\n", "response_error", 302 },
      { "an unknown status", "HTTP/1.1 799 What\r\nContent-Length: 0\r\n\r\n", "response_error", 799 },
      { "a proxy's page", "HTTP/1.1 404 No\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>", "invalid_request_error", 404 },
    }
    local raw
    start(function()
      return { raw = raw }
    end)
    for _, case in ipairs(cases) do
      raw = case[2]
      local status, err = server:call("GET", "/a", { max_retries = 0, timeout = 10 })
      assert.is_false(status, case[1])
      if case[3] then assert.equal(case[3], err.type, case[1]) end
      assert.is_true(#err.message > 10, case[1])
      if case[4] then assert.equal(case[4], err.status, case[1]) end
      if case[5] then assert.equal(case[5], err.request_id, case[1]) end
      if case[6] then assert.matches(case[6], err.message, 1, true) end
    end
  end)

  it("takes a length that is said twice, or no encoding by name", function()
    local two = "Content-Length: 2\r\n"
    local cases = { two .. "Content-Length: 2", "Content-Length: 2, 2", two .. "Content-Encoding: identity", two .. "Content-Encoding: " }
    start(function(_, number)
      return { raw = "HTTP/1.1 200 OK\r\n" .. cases[number] .. "\r\n\r\n{}" }
    end)
    for i = 1, #cases do
      assert.equal(200, (server:call("GET", "/a", { max_retries = 0 })), cases[i])
    end
  end)

  it("refuses a body that is too large, and stops reading it", function()
    start(function()
      return origin.json(200, ("x"):rep(100000))
    end)
    local status, err = server:call("GET", "/a", { client_options = { body_max = 50000 } })
    assert.is_false(status)
    assert.equal("response_error", err.type)
    assert.equal(1, #server.requests)
  end)

  it("does not trust another authority, another name, or a missing file", function()
    start(function()
      return OK
    end, { "elsewhere.test" })
    local status, err = server:call("GET", "/a", { max_retries = 2 })
    assert.is_false(status)
    assert.equal("certificate_not_trusted", err.code)
    status, err = server:call("GET", "/a", { client_options = { ca_file = "/etc/ssl/certs/ca-certificates.crt" } })
    assert.is_false(status)
    assert.equal("connection_error", err.type)
    local no_certificate = os.tmpname()
    status, err = server:call("GET", "/a", { client_options = { ca_file = no_certificate } })
    os.remove(no_certificate)
    assert.is_false(status)
    assert.equal("config_error", err.type)
    assert.matches(no_certificate, err.message, 1, true)
    assert.equal(0, #server.requests)
  end)

  it("keeps what one client trusts from the next one on the same handle", function()
    start(function()
      return OK
    end)
    assert.equal(200, (server:call("GET", "/a")))
    local system = core.client { api_key = origin.API_KEY, base_url = server.url }
    local status, err = server:call("GET", "/a", { client = system, max_retries = 0 })
    assert.is_false(status)
    assert.equal("certificate_not_trusted", err.code)
    assert.equal(200, (server:call("GET", "/a")))
  end)

  it("says who cannot be reached", function()
    local listener = assert(loop.listen { certificate = net.certificate { "127.0.0.1" } })
    local url = "https://127.0.0.1:" .. listener:port() .. "/v2"
    listener:close()
    start(function()
      return OK
    end)
    local status, err, call = server:call("POST", "/a", { client_options = { base_url = url }, max_retries = 1 })
    assert.is_false(status)
    assert.equal("not_connected", err.code)
    assert.is_true(err.retryable)
    assert.equal(2, #call:attempts())
    assert.equal("not connected", call:attempts()[1].reason)
    assert.matches(url:match "^https://[^/]+", err.message, 1, true)
  end)

  it("keeps one deadline over all tries", function()
    start(function()
      return "hold"
    end)
    local before = loop.now()
    local status, err = server:call("GET", "/a", { timeout = 0.3 })
    assert.is_false(status)
    assert.equal("timeout_error", err.type)
    assert.equal("deadline", err.code)
    assert.is_true(loop.now() - before >= 0.3)
  end)

  it("ends a call under way when it is canceled or its engine is closed", function()
    start(function()
      return "hold"
    end)
    local handle = net.loop()
    local engine = net.engine(handle)
    local client = server:client()
    local first, second = client:call("GET", "/a"), client:call("GET", "/b")
    engine:submit(first)
    engine:submit(second)
    handle:step(0.05)
    engine:cancel(first)
    local status, err = first:result()
    assert.is_false(status)
    assert.equal("canceled_error", err.type)
    assert.is_nil(second:result())
    engine:close()
    assert.equal("canceled_error", select(2, second:result()).type)
    assert.is_nil(pcall(engine.submit, engine, second) and "accepted" or nil)
    handle:close()
  end)

  it("is collected in any order", function()
    start(function()
      return "hold"
    end)
    for _ = 1, 20 do
      local handle = net.loop()
      local engine = net.engine(handle)
      engine:submit(server:client():call("GET", "/a"))
      handle:step(0)
    end
    collectgarbage()
    collectgarbage()
    assert.is_true(true == pcall(collectgarbage))
  end)

  it("neither grows nor leaks over ten thousand calls, some failing", function()
    start(function(_, number)
      if number % 50 == 0 then return origin.json(404, '{"error":{"type":"invalid_request_error","code":"resource_missing","message":"m"}}') end
      return OK
    end)
    local client = server:client()
    local function run(count)
      for _ = 1, count do
        server:call("POST", "/a", { client = client, body = "{}" })
        server.requests[#server.requests] = nil
        server.requests[1] = server.requests[1] or {}
      end
      collectgarbage()
      collectgarbage()
      return collectgarbage "count", open_descriptors()
    end
    local memory, descriptors = run(1000)
    local memory_after, descriptors_after = run(9000)
    assert.is_true(descriptors_after <= descriptors + 2, descriptors .. " descriptors became " .. descriptors_after)
    assert.is_true(memory_after < memory + 64, "Lua's memory went from " .. memory .. " to " .. memory_after .. " KiB")
  end)

  it("tells that a client is closed, in both styles as misuse", function()
    for _, module in ipairs { "gitdev", "gitdev.safe" } do
      local git = require(module).client { api_key = origin.API_KEY }
      git:close()
      local ok, err = pcall(function()
        return git.organization:get()
      end)
      assert.is_false(ok)
      assert.same({ "canceled_error", "client_closed" }, { err.type, err.code })
      assert.matches("the client is closed: make another", tostring(err), 1, true)
    end
  end)

  -- A finalizer may run whenever memory is asked for, in the middle of making a call too.
  it("survives a client that a finalizer closes", function()
    local gitdev = require "gitdev"
    for _ = 1, 200 do
      local owner = { git = gitdev.client { api_key = origin.API_KEY } }
      local git = owner.git
      local guard = newproxy and newproxy(true) or setmetatable({}, {}) -- luacheck: ignore 113
      getmetatable(guard).__gc = function()
        git:close()
      end
      if not newproxy then setmetatable(guard, getmetatable(guard)) end -- luacheck: ignore 113
      owner, guard = nil, nil -- luacheck: ignore 311
      local core_client = getmetatable(git).inner.core
      for _ = 1, 20 do
        local call, problem = core_client:call("GET", "/a")
        assert.is_true(call ~= nil or problem == "the client is closed")
      end
    end
    collectgarbage()
  end)

  it("shares the limit between clients of one key, and nothing between two keys", function()
    start(function()
      return { status = 200, body = "{}", fields = { "Content-Type", "application/json", "X-RateLimit-Remaining", "42" } }
    end)
    local one, twin = server:client(), server:client()
    local other = server:client { api_key = origin.API_KEY .. "x" }
    server:call("GET", "/a", { client = one })
    assert.equal(42, twin:rate_limit().remaining)
    assert.is_nil(other:rate_limit().remaining)
  end)
end)

describe("core.client", function()
  it("refuses what is insecure or malformed, before a socket is opened, and names it", function()
    local cases = {
      { {}, "api_key" },
      { { api_key = "" }, "api_key" },
      { { api_key = "sk_123" }, "api_key" },
      { { api_key = "gsk_live_abc\n" }, "api_key" },
      { { api_key = "gsk_live_a\0b" }, "api_key" },
      { { api_key = 5 }, "api_key" },
      { { api_key = origin.API_KEY, base_url = "http://127.0.0.1:1/v2" }, "base_url" },
      { { api_key = origin.API_KEY, base_url = "http://localhost/v2" }, "base_url" },
      { { api_key = origin.API_KEY, base_url = "https://user:pw@localhost/v2" }, "base_url" },
      { { api_key = origin.API_KEY, timeout = -1 }, "timeout" },
      { { api_key = origin.API_KEY, ca_file = "/no/such/file.pem" }, 'ca_file: "/no/such/file.pem" cannot be read' },
      { { api_key = origin.API_KEY, timeout = 0 / 0 }, "timeout" },
    }
    for _, case in ipairs(cases) do
      local client, problem = core.client(case[1])
      assert.is_nil(client)
      assert.matches(case[2], problem, 1, true)
      assert.is_nil(problem:find("abc", 1, true))
    end
  end)
end)

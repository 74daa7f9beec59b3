-- The driver's WebSockets over real TLS: opened by calls, waited for in tasks and outside of them.
local curl = require "gitdev.driver.curl"
local gitdev = require "gitdev"
local loop = require "gitdev.loop"
local nginx = require "spec.lua.support.nginx"
local origin = require "spec.lua.support.stream_origin"
local pcall = gitdev.pcall -- tasks wait in it

local PATIENCE = 60 -- only a bug makes anyone wait that long

local function echo(peer, text)
  peer:send("you said " .. text)
end

describe("a WebSocket", function()
  local server, client

  local function start(options)
    server = origin.start(options)
    client = server:client()
    return server
  end

  after_each(function()
    if server then
      server:stop()
    end
    server, client = nil, nil
  end)

  local function call_of(timeout, max_retries)
    return assert(client:call("GET", "/logs", nil, nil, nil, timeout, max_retries, nil, { upgrade = "git.logs.v1" }))
  end

  local function open()
    local call = call_of()
    local socket = curl.open(call)
    local status, err = call:result()
    return assert(socket, status == false and err.message), call
  end

  local function until_true(condition)
    local due = loop.now() + PATIENCE
    repeat
      if condition() then
        return
      end
      loop.sleep(0.002)
    until loop.now() > due
    error "it did not come"
  end

  -- In a task a wait yields, elsewhere it blocks: what can be seen of a socket is the same.
  local function both(name, fn)
    it(name .. ", in a task", function()
      gitdev.run(fn)
    end)
    it(name .. ", outside of tasks", function()
      if loop.current() then -- under the host, specs run in a task
        coroutine.wrap(fn)()
      else
        fn()
      end
    end)
  end

  both("carries messages both ways", function()
    start { heard = echo }
    local socket, call = open()
    assert.same({ 101, "" }, { call:result() })
    assert.equal("req_1", call:header "x-request-id")
    assert.equal("ok", call:attempts()[1].verdict)
    assert.is_true(socket:send "one")
    assert.is_true(socket:send "two")
    assert.equal("you said one", socket:receive(PATIENCE))
    assert.equal("you said two", socket:receive())
    socket:close()
    until_true(function()
      return server.closed[server.peers[1]]
    end)
    assert.same({ 1000, "" }, server.closed[server.peers[1]])
  end)

  both("waits as long as it is told to", function()
    start { heard = echo }
    local socket = open()
    assert.same({ nil, "timeout" }, { socket:receive(0) })
    local before = loop.now()
    assert.same({ nil, "timeout" }, { socket:receive(0.05) })
    assert.is_true(loop.now() - before >= 0.05)
    socket:send "x"
    local answer, tries = nil, 0
    while not answer do -- never waiting, and yet it comes
      answer, tries = socket:receive(0), tries + 1
      assert.is_true(tries < 100000)
    end
    assert.equal("you said x", answer)
  end)

  both("delivers what came before the end, and then says how it ended", function()
    local ends = {
      { function(peer) peer:close(4409, "enough") end, 4409, "enough" },
      { function(peer) peer:close() end, 1000, "" },
      { function(peer) peer:send_raw "\136\0" end, 1005, "" },
      { function(peer) peer:send_raw "\255\0" end, 1002 },
      { function(peer) peer:send_raw "\129\1\255" end, 1007 },
      { function(peer) peer:send(("x"):rep(131073)) end, 1009 },
      { function(peer) peer:abort() end, 1006 },
    }
    for _, case in ipairs(ends) do
      start {
        opened = function(peer)
          peer:send "first"
        end,
      }
      local socket = open()
      assert.equal("first", socket:receive(PATIENCE))
      case[1](server.peers[1])
      local text, what, code, reason = socket:receive(PATIENCE)
      assert.is_nil(text)
      assert.equal("closed", what)
      assert.equal(case[2], code)
      if case[3] then
        assert.equal(case[3], reason)
      else
        assert.is_true(#reason > 0)
      end
      assert.same({ nil, "closed" }, { socket:send "x" })
      assert.equal("closed", select(2, socket:receive(0)))
      socket:close()
      server:stop()
    end
    server = nil
  end)

  both("tells of a message that is no text, and goes on", function()
    start {
      opened = function(peer)
        peer:send_binary "\0\1"
        peer:send "text"
      end,
    }
    local socket = open()
    assert.same({ nil, "binary" }, { socket:receive(PATIENCE) })
    assert.equal("text", socket:receive(PATIENCE))
  end)

  both("gives nothing more once it is closed from here", function()
    start {
      opened = function(peer)
        peer:send "unread"
      end,
    }
    local socket = open()
    socket:close(4000)
    socket:close(1000)
    assert.same({ nil, "closed", 4000, "" }, { socket:receive() })
    assert.same({ nil, "closed" }, { socket:send "x" })
    until_true(function()
      return server.closed[server.peers[1]]
    end)
    assert.same({ 4000, "" }, server.closed[server.peers[1]])
  end)

  both("carries large messages", function()
    start { heard = echo }
    local socket = open()
    local large = ("ö"):rep(65000)
    for _ = 1, 20 do
      assert.is_true(socket:send(large))
    end
    for _ = 1, 20 do
      assert.is_true(socket:receive(PATIENCE) == "you said " .. large)
    end
    assert.equal(0, socket:unsent())
  end)

  both("holds the sender back while nothing is read", function()
    local line = ("x"):rep(1000)
    start()
    local socket = open()
    local peer, total = server.peers[1], 40000
    for number = 1, total do
      peer:send(number .. line)
    end
    loop.sleep(0.2)
    assert.is_true(peer:unsent() > 10000000, "most of 40 MB waits where it comes from")
    local received = 0
    while received < total do
      received = received + 1
      local text, what = socket:receive(PATIENCE)
      assert(text == received .. line, what)
    end
    assert.equal(0, peer:unsent())
  end)

  -- ---- opening ----

  local function refuse_with(...)
    local answers = { ... }
    start {
      heard = echo,
      refuse = function(number)
        return answers[number]
      end,
    }
  end

  both("is refused as any call is", function()
    local body = '{"error":{"type":"invalid_request_error","code":"cursor_expired","message":"It is gone."}}'
    refuse_with { status = 410, fields = { "Content-Type", "application/json" }, body = body }
    local call = call_of()
    assert.is_nil(curl.open(call))
    local status, err = call:result()
    assert.is_false(status)
    assert.equal("invalid_request_error cursor_expired 410 It is gone.", table.concat({ err.type, err.code, err.status, err.message }, " "))
    assert.equal(body, err.body)
    assert.is_false(err.retryable)
  end)

  both("is not what a middlebox answers", function()
    refuse_with { status = 200, fields = { "Content-Type", "text/html" }, body = "<html>" }
    local call = call_of()
    assert.is_nil(curl.open(call))
    local _, err = call:result()
    assert.equal("response_error not_upgraded", err.type .. " " .. err.code)
    assert.is_false(err.retryable)
    assert.equal(1, #call:attempts())
  end)

  both("is tried again where a call would be", function()
    refuse_with({ status = 503, fields = { "Retry-After", "0" } }, { status = 429, fields = { "Retry-After", "0", "X-RateLimit-Remaining", "1" } })
    local socket, call = open()
    assert.equal(3, #call:attempts())
    assert.same({ 503, 429, 101 }, { call:attempts()[1].status, call:attempts()[2].status, call:attempts()[3].status })
    socket:send "x"
    assert.equal("you said x", socket:receive(PATIENCE))
  end)

  both("is given up at the deadline", function()
    refuse_with "hold"
    local call = call_of(0.1)
    assert.is_nil(curl.open(call))
    local _, err = call:result()
    assert.equal("timeout_error deadline", err.type .. " " .. err.code)
  end)

  it("is not opened by a task that is canceled meanwhile", function()
    refuse_with "hold"
    gitdev.run(function()
      local call = call_of()
      local task = gitdev.spawn(curl.open, call)
      until_true(function()
        return server.requests == 1
      end)
      task:cancel()
      local fine, err = pcall(task.wait, task)
      assert.is_false(fine)
      assert.equal("canceled_error", err.type)
      assert.is_true(call:done())
    end)
  end)

  it("is closed again when the task that opened it is canceled before it goes on", function()
    start {}
    gitdev.run(function()
      local call = call_of()
      local task = gitdev.spawn(curl.open, call)
      repeat
        loop.sleep(0) -- so this task goes on before the other one does, in the turn in which the call is done
      until call:done()
      task:cancel()
      local fine, err = pcall(task.wait, task)
      assert.is_false(fine)
      assert.equal("canceled_error", err.type)
      assert.same({ 101, "" }, { call:result() }) -- it is there still, and holds nothing any more
      until_true(function()
        return server.closed[server.peers[1]]
      end)
      assert.equal(1001, server.closed[server.peers[1]][1])
    end)
  end)

  it("is opened by drivers of one's own: the machine says what to offer, and judges the status", function()
    start()
    local answers = { { 101, 101 }, { 200, "not_upgraded" }, { 304, "not_upgraded" }, { 426, "" } }
    for _, case in ipairs(answers) do
      local call = call_of(nil, 0)
      local what, _, request = call:next(0)
      assert.equal("send", what)
      assert.equal("git.logs.v1", request.upgrade)
      assert.is_true(call:begin(case[1]))
      call:outcome(0, "complete")
      local status, err = call:result()
      assert.equal(case[2], status or err.code or "")
    end
    local call = call_of(nil, 0)
    call:next(0)
    call:begin(101)
    call:outcome(0, "bad answer", "the accept header is wrong")
    local _, err = call:result()
    assert.equal("response_error not_upgraded false", table.concat({ err.type, err.code, tostring(err.retryable) }, " "))
    assert.matches("the accept header is wrong", err.message)
  end)

  -- ---- tasks ----

  it("stays usable when the task that waits for it is canceled, or runs out of time", function()
    start { heard = echo }
    gitdev.run(function()
      local socket = open()
      local task = gitdev.spawn(socket.receive, socket)
      loop.sleep(0.01)
      task:cancel()
      assert.is_false((pcall(task.wait, task)))
      assert.equal("canceled", task:status())
      for _, seconds in ipairs { 0.01, 0 } do
        assert.is_false((pcall(gitdev.timeout, seconds, socket.receive, socket, PATIENCE)))
      end
      socket:send "still here"
      assert.equal("you said still here", socket:receive(PATIENCE))
    end)
  end)

  it("is waited for by one task at a time", function()
    start { heard = echo }
    gitdev.run(function()
      local socket = open()
      local first = gitdev.spawn(socket.receive, socket)
      loop.sleep(0.01)
      local fine, err = pcall(socket.receive, socket, 1)
      assert.is_false(fine)
      assert.matches("another task waits", err)
      socket:send "x"
      assert.equal("you said x", first:wait())
    end)
  end)

  it("lets other tasks go on meanwhile, and calls too", function()
    start {
      heard = echo,
      refuse = function(number)
        return number > 1 and { status = 200, fields = { "Content-Type", "application/json" }, body = "{}" }
      end,
    }
    gitdev.run(function()
      local socket = open()
      local order = {}
      gitdev.spawn(function()
        for _ = 1, 3 do
          local call = assert(client:call("GET", "/a"))
          curl.perform(call)
          assert(call:result() == 200)
        end
        order[#order + 1] = "calls"
        socket:send "go"
      end)
      assert.equal("you said go", socket:receive(PATIENCE))
      order[#order + 1] = "socket"
      assert.same({ "calls", "socket" }, order)
    end)
  end)

  it("is opened a thousand times, and each has its own", function()
    start { heard = echo }
    gitdev.run(function()
      local tasks = {}
      for number = 1, 1000 do
        tasks[number] = gitdev.spawn(function()
          local socket, call = open()
          assert(#call:attempts() == 1)
          return socket
        end)
      end
      local sockets = {}
      for number, task in ipairs(tasks) do
        sockets[number] = task:wait()
      end
      for number, socket in ipairs(sockets) do
        assert(socket:send(tostring(number)))
      end
      for number, socket in ipairs(sockets) do
        assert(socket:receive(PATIENCE) == "you said " .. number)
      end
      assert.equal(1000, server.requests)
      for _, socket in ipairs(sockets) do
        socket:close()
      end
    end)
  end)

  -- ---- ends ----

  it("is closed when nobody holds it any more", function()
    start()
    open()
    collectgarbage()
    collectgarbage()
    until_true(function()
      return server.closed[server.peers[1]]
    end)
    assert.same({ 1001, "" }, server.closed[server.peers[1]])
  end)

  it("ends with its client, for whoever waits for it too", function()
    start()
    gitdev.run(function()
      local socket = open()
      local other = server:client { seed = 1 }
      local task = gitdev.spawn(function()
        return { socket:receive() }
      end)
      loop.sleep(0.01)
      curl.close(other)
      curl.close(client)
      assert.same({ nil, "closed", 1006, "the client was closed" }, task:wait())
      until_true(function()
        return server.closed[server.peers[1]]
      end)
      assert.same({ 1001, "" }, server.closed[server.peers[1]])
    end)
  end)

  it("ends with the loop, taken or not", function()
    if loop.current() then
      return -- under the host, specs run in a task of the loop's
    end
    start()
    local socket = open()
    local untaken, under_way = call_of(), call_of()
    curl.perform(untaken)
    curl.start(under_way)
    server:stop()
    server = nil
    loop.close()
    assert.equal(101, (untaken:result()))
    assert.equal("canceled", select(2, under_way:result()).code)
    local _, what, code = socket:receive()
    assert.same({ "closed", 1006 }, { what, code })
    assert.same({ nil, "closed" }, { socket:send "x" })
    socket:close()
    untaken, under_way = nil, nil -- luacheck: ignore 311
    collectgarbage()
    collectgarbage()
  end)

  it("is the parent's after a fork", function()
    local found, ffi = pcall(require, "ffi")
    if not found then
      return -- a fork is made through LuaJIT's FFI
    end
    ffi.cdef "int fork(void); int waitpid(int pid, int *status, int options); void _exit(int status);"
    start { heard = echo }
    local socket = open()
    local pid = ffi.C.fork()
    if pid == 0 then
      local text, what = socket:receive(1)
      local sent = socket:send "the child's"
      local fine = text == nil and what == "closed" and not sent
      socket:close()
      socket = nil -- luacheck: ignore 311
      collectgarbage()
      collectgarbage()
      ffi.C._exit(fine and 0 or 1)
    end
    local status = ffi.new "int[1]"
    assert.equal(pid, ffi.C.waitpid(pid, status, 0))
    assert.equal(0, status[0])
    socket:send "mine"
    assert.equal("you said mine", socket:receive(PATIENCE))
    assert.is_nil(server.closed[server.peers[1]])
  end)
end)

describe("a WebSocket through nginx", function()
  local found, problem = nginx.find()
  if not found then
    pending(problem)
    return
  end
  local LOCATION = [[
    location /v2/ {
      proxy_pass https://127.0.0.1:%d;
      proxy_http_version 1.1;
      proxy_set_header Host $host;
      %s
    }
  ]]
  local PASSES = 'proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade";'
  local server, front

  local function start(directives)
    server = origin.start { heard = echo }
    front = nginx.start { server = LOCATION:format(server.listener:port(), directives) }
    local call = assert(server:client({ base_url = front.url, ca_file = front.ca_file })
      :call("GET", "/logs", nil, nil, nil, nil, nil, nil, { upgrade = "git.logs.v1" }))
    return curl.open(call), call
  end

  after_each(function()
    front:stop()
    server:stop()
  end)

  it("carries messages, although nginx speaks HTTP/2 to others", function()
    local socket, call = start(PASSES)
    assert.same({ 101, "" }, { call:result() })
    for number = 1, 1000 do
      socket:send(tostring(number))
    end
    for number = 1, 1000 do
      assert.equal("you said " .. number, socket:receive(PATIENCE))
    end
    server.peers[1]:close(4410, "gone")
    assert.same({ nil, "closed", 4410, "gone" }, { socket:receive(PATIENCE) })
  end)

  it("is refused where nginx drops the upgrade", function()
    local socket, call = start ""
    assert.is_nil(socket)
    local _, err = call:result()
    assert.same({ "invalid_request_error", 426 }, { err.type, err.status })
  end)
end)

-- WebSockets on a listener, as Lua has them: requests that become one, messages, news, and the end. The clients are shells.
local core = require "gitdev.core"
local net = require "gitdev.net"
local process = require "spec.lua.support.process"

local PATIENCE = 60 -- only a bug makes anyone wait that long
local CRLF = "\r\n"

if process.run "command -v bash" ~= 0 then
  pending "bash is not there: nobody can connect"
  return
end

local HANDSHAKE = table.concat({
  "GET /v2/s HTTP/1.1", "Host: a", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  "Sec-WebSocket-Version: 13", "Sec-WebSocket-Protocol: git.logs.v1", "", "",
}, CRLF)
local ACCEPTED = table.concat({
  "HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "",
}, CRLF)

local TEXT, BINARY, CLOSE, PING, PONG = 0x81, 0x82, 0x88, 0x89, 0x8a

-- A client's frame, whose mask changes nothing.
local function frame(kind, payload)
  assert(#payload < 126)
  return string.char(kind, 128 + #payload) .. "\0\0\0\0" .. payload
end

-- A server's.
local function plain(kind, payload)
  assert(#payload < 126)
  return string.char(kind, #payload) .. payload
end

local function code(number, reason)
  return string.char(math.floor(number / 256), number % 256) .. (reason or "")
end

local function slurp(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "*a"
  file:close()
  return text
end

describe("a socket of a listener", function()
  local handle, listener, clients

  before_each(function()
    handle, clients = net.loop(), {}
    listener = assert(net.listener(handle, { version = "2.4.1" }))
  end)

  local function hang_up(one)
    if one.pipe then
      one.pipe:close()
      one.pipe = nil
      os.remove(one.path)
    end
  end

  after_each(function()
    listener:close()
    for _, one in ipairs(clients) do
      hang_up(one)
    end
    handle:close()
  end)

  -- Turns the loop until there is something.
  local function wait_for(fn)
    local began = core.now()
    while true do
      local first, second, third, fourth = fn()
      if first or second then
        return first, second, third, fourth
      end
      assert(core.now() - began < PATIENCE, "it did not come")
      handle:step(0.002)
    end
  end

  local script = process.file [[
exec 3<>/dev/tcp/127.0.0.1/$1
cat <&3 >$2 & reader=$!
cat >&3
kill $reader
]]

  teardown(function()
    os.remove(script)
  end)

  local function dial(bytes)
    local one = { path = os.tmpname() }
    one.pipe = io.popen(("bash %s %d %s 2>/dev/null"):format(script, listener:port(), one.path), "w")
    one.pipe:write(bytes)
    one.pipe:flush()
    clients[#clients + 1] = one
    return one
  end

  local function say(one, bytes)
    one.pipe:write(bytes)
    one.pipe:flush()
  end

  local function hears(one, expected)
    wait_for(function()
      return #slurp(one.path) >= #expected
    end)
    assert.equal(expected, slurp(one.path))
  end

  local function next_exchange()
    return wait_for(function()
      return listener:next()
    end)
  end

  -- A client, the socket that its request became, and what it has been told by then.
  local function open()
    local one = dial(HANDSHAKE)
    local exchange = next_exchange()
    local socket = assert(exchange:upgrade({}, nil))
    exchange:close()
    hears(one, ACCEPTED .. CRLF)
    return one, socket, ACCEPTED .. CRLF
  end

  local function read(socket)
    return wait_for(function()
      return socket:read()
    end)
  end

  local function news()
    return wait_for(function()
      return listener:news()
    end)
  end

  it("is made of a request that wishes it", function()
    local one = dial(HANDSHAKE)
    local exchange = next_exchange()
    assert.equal("good", exchange:upgrade_wish())
    local _, _, headers = exchange:request()
    assert.equal("git.logs.v1", headers["sec-websocket-protocol"])
    local socket = assert(exchange:upgrade({ "X-Request-Id", "req_1" }, "git.logs.v1"))
    assert.same({ nil, "an argument is wrong" }, { exchange:upgrade({}, nil) })
    exchange:close()
    assert.is_true(socket:send "hello")
    hears(one, ACCEPTED .. "Sec-WebSocket-Protocol: git.logs.v1" .. CRLF .. "X-Request-Id: req_1" .. CRLF .. CRLF .. plain(TEXT, "hello"))
    say(one, frame(TEXT, "to you") .. frame(TEXT, "") .. frame(TEXT, "and\0more"))
    assert.equal("to you", read(socket))
    assert.equal("", socket:read())
    assert.equal("and\0more", socket:read())
    assert.is_nil((socket:read()))
    assert.equal(1, listener:connections())
  end)

  it("is not made of another request", function()
    local one = dial("GET / HTTP/1.1" .. CRLF .. "Host: a" .. CRLF .. CRLF)
    local exchange = next_exchange()
    assert.equal("none", exchange:upgrade_wish())
    assert.is_nil((exchange:upgrade({}, nil)))
    exchange:answer(204, {}, "")
    exchange:close()
    say(one, (HANDSHAKE:gsub("Version: 13", "Version: 12")))
    exchange = next_exchange()
    local wish, problem = exchange:upgrade_wish()
    assert.equal("malformed", wish)
    assert.matches("Sec%-WebSocket%-Version", problem)
    exchange:answer(426, {}, "")
    exchange:close()
    say(one, HANDSHAKE)
    exchange = next_exchange()
    hang_up(one)
    wait_for(function()
      return not exchange:alive()
    end)
    assert.same({ nil, "the other side is closed" }, { exchange:upgrade({}, nil) })
  end)

  it("is news when something came, when all was sent, and when it closed", function()
    local first, one = open()
    local second, two = open()
    local _, silent = open()
    assert.is_nil((listener:news()))
    say(second, frame(TEXT, "b"))
    assert.equal(two, news())
    assert.is_nil((listener:news()))
    assert.equal("b", two:read())
    assert.is_nil((two:read()))
    one:send "a"
    assert.is_true(one:unsent() > 0)
    assert.equal(one, news())
    assert.equal(0, one:unsent())
    say(first, frame(CLOSE, code(1000)))
    assert.equal(one, news())
    assert.is_true(one:done())
    say(second, frame(TEXT, "c"))
    assert.equal(two, news())
    assert.is_nil((listener:news()))
    assert.is_false(two:done())
    assert.is_false(silent:done())
  end)

  it("tells what the client does against the contract", function()
    local one, socket, heard = open()
    say(one, frame(BINARY, "\1") .. frame(PING, "you"))
    assert.same({ nil, "binary" }, { read(socket) })
    assert.is_nil((socket:read()))
    hears(one, heard .. plain(PONG, "you"))
    say(one, plain(TEXT, "not masked"))
    local _, closed, number, reason = read(socket)
    assert.same({ "closed", 1002 }, { closed, number })
    assert.matches("mask", reason)
    wait_for(function()
      return slurp(one.path):find(plain(PONG, "you") .. "\136", 1, true)
    end)
  end)

  it("tells how it ended", function()
    local one, socket, heard = open()
    say(one, frame(TEXT, "last") .. frame(CLOSE, code(4001, "enough")))
    assert.equal("last", read(socket))
    assert.same({ nil, "closed", 4001, "enough" }, { read(socket) })
    assert.same({ nil, "closed", 4001, "enough" }, { socket:read() })
    assert.same({ nil, "closed" }, { socket:send "more" })
    hears(one, heard .. plain(CLOSE, code(4001)))
    local another, lost = open()
    hang_up(another)
    local _, closed, number = read(lost)
    assert.same({ "closed", 1006 }, { closed, number })
  end)

  it("says goodbye, once", function()
    local one, socket, heard = open()
    socket:send "last"
    socket:close(4408, "no pong")
    socket:close(1000)
    assert.same({ nil, "closed" }, { socket:send "more" })
    assert.is_false(socket:done())
    hears(one, heard .. plain(TEXT, "last") .. plain(CLOSE, code(4408, "no pong")))
    say(one, frame(TEXT, "dropped") .. frame(CLOSE, code(4408)))
    assert.same({ nil, "closed", 4408, "" }, { read(socket) })
    local another, plainly
    another, plainly, heard = open()
    plainly:close()
    hears(another, heard .. plain(CLOSE, code(1000)))
  end)

  it("is broken off, and says what no codec would", function()
    local one, socket, heard = open()
    assert.is_true(socket:send_binary "\255")
    assert.is_true(socket:ping())
    assert.is_true(socket:send_raw "\131\1x")
    hears(one, heard .. plain(BINARY, "\255") .. plain(PING, "") .. "\131\1x")
    socket:abort()
    socket:abort()
    assert.is_true(socket:done())
    assert.same({ nil, "closed", 1006, "the connection was closed" }, { socket:read() })
    assert.is_false(socket:ping())
    assert.same({ nil, "closed" }, { socket:send_raw "x" })
    assert.equal(0, socket:unsent())
    assert.equal(0, listener:connections())
  end)

  it("is closed with its listener, and can still be asked", function()
    local one, socket, heard = open()
    socket:send "bye"
    listener:close()
    hears(one, heard .. plain(TEXT, "bye") .. plain(CLOSE, code(1001)))
    assert.same({ nil, "closed", 1006, "the socket was freed" }, { socket:read() })
    assert.same({ nil, "closed" }, { socket:send "a" })
    assert.is_true(socket:done())
    assert.equal(0, socket:unsent())
    socket:close()
    socket:abort()
  end)

  it("is told to leave when its listener drains", function()
    local one, socket, heard = open()
    listener:drain()
    hears(one, heard .. plain(CLOSE, code(1001, "the server is leaving")))
    say(one, frame(CLOSE, code(1001)))
    assert.equal(socket, news())
    assert.is_true(socket:done())
  end)

  it("is closed when nobody holds it", function()
    local one, socket, heard = open()
    say(one, frame(TEXT, "unread"))
    assert.equal(socket, news())
    say(one, frame(TEXT, "and more"))
    socket = nil -- luacheck: ignore 311
    collectgarbage()
    collectgarbage()
    hears(one, heard .. plain(CLOSE, code(1001)))
    assert.is_nil((listener:news()))
  end)

  it("keeps its listener", function()
    local one, socket, heard = open()
    listener = assert(net.listener(handle, {}))
    collectgarbage()
    collectgarbage()
    say(one, frame(TEXT, "here"))
    assert.equal("here", read(socket))
    -- Both go now: before the loop does.
    socket = nil -- luacheck: ignore 311
    collectgarbage()
    collectgarbage()
    hears(one, heard .. plain(CLOSE, code(1001)))
  end)

  -- The loop is gone for Lua, not for what is on it: each of these used to be a use of freed memory.
  it("outlives its loop, as whatever is on it does", function()
    local function leave_loop()
      local one, socket = open()
      dial(HANDSHAKE)
      local exchange = next_exchange()
      local engine, poster = net.engine(handle), net.poster(handle)
      local client = core.client { api_key = "gsk_test_" .. ("a"):rep(32), base_url = "https://127.0.0.1:" .. listener:port() .. "/v2" }
      local call = client:call("GET", "/a")
      assert.is_true(engine:submit(call))
      local post = assert(poster:send { url = "http://127.0.0.1:" .. listener:port() .. "/", timeout = 5, loopback = true })
      handle:close()
      handle:close()
      assert.error_matches(function()
        handle:step(0)
      end, "the loop is closed")
      for _, on_it in ipairs { net.engine, net.poster, function(one_loop) return net.listener(one_loop, {}) end } do
        assert.has_error(function()
          on_it(handle)
        end)
      end
      return { one = one, socket = socket, exchange = exchange, engine = engine, poster = poster, client = client, call = call, post = post }
    end

    local left = leave_loop()
    assert.is_true(left.socket:send "last")
    assert.is_nil((left.socket:read()))
    assert.is_nil((listener:next()))
    assert.is_nil((left.engine:news()))
    assert.is_nil((left.poster:news()))
    local second = assert(left.exchange:upgrade({}, nil))
    left.exchange:close()
    left.engine:cancel(left.call)
    left.post:close()
    left.socket:close()
    listener:close()
    left.engine:close()
    left.poster:close()
    assert.is_true(second:done())
    local began = core.now()
    while not slurp(left.one.path):find(plain(TEXT, "last") .. plain(CLOSE, code(1000)), 1, true) do
      assert(core.now() - began < PATIENCE, "it was not told")
    end

    -- The same for the collector, which knows no order.
    handle = net.loop()
    listener = assert(net.listener(handle, {}))
    left = leave_loop()
    local names = { "exchange", "socket", "engine", "poster", "call", "post", "client" }
    for i = 1, #names do
      left[names[i]] = nil
      collectgarbage()
      collectgarbage()
    end
    listener:close()
  end)

  it("takes many messages, and none that is too large", function()
    local one = dial(HANDSHAKE)
    local exchange = next_exchange()
    local socket = assert(exchange:upgrade({}, nil, 64))
    exchange:close()
    local count, batch = 0, {}
    for i = 1, 1000 do
      batch[i] = frame(TEXT, ("message %6d"):format(i))
    end
    batch = table.concat(batch)
    for _ = 1, 5 do -- more than the window holds, and less than a pipe does at a time, so that nobody blocks
      say(one, batch)
      for i = 1, 1000 do
        assert.equal(("message %6d"):format(i), read(socket))
        count = count + 1
      end
    end
    assert.equal(5000, count)
    say(one, frame(TEXT, ("x"):rep(65)))
    local _, closed, number = read(socket)
    assert.same({ "closed", 1009 }, { closed, number })
  end)

  it("refuses what is no message, no code, no header", function()
    local _, socket = open()
    dial(HANDSHAKE)
    local exchange = next_exchange()
    for _, misuse in ipairs {
      function() socket:send() end,
      function() socket:send_raw {} end,
      function() socket:close(1005) end,
      function() socket:close(999) end,
      function() socket.read(listener) end,
      function() exchange:upgrade() end,
      function() exchange:upgrade({ "X-A", "b\r\nc" }, nil) end,
      function() exchange:upgrade({ "X-A", "b\0\r\nX-C: d" }, nil) end,
      function() exchange:answer(200, { "X-A\0\n", "b" }, "") end,
      function() exchange:upgrade({}, "a\r\nb") end,
      function() exchange:upgrade({}, "a\0b") end,
      function() exchange:upgrade({}, nil, -1) end,
    } do
      assert.has_error(misuse)
    end
    assert.is_true(exchange:alive())
    assert.is_false(socket:done())
    exchange:close()
    assert.has_error(function()
      exchange:upgrade({}, nil)
    end)
  end)
end)

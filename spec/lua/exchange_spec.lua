-- What core's calls do for drivers with sockets of their own, such as nginx's: a try as the bytes that leave, and its answer read from a reader.
local core = require "gitdev.core"

local KEY, ACCEPT = "dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" -- RFC 6455 1.3

describe("a call of core's, for drivers with sockets,", function()
  local worlds = 0

  -- One that shares no rate limit with those before it.
  local function client(url)
    worlds = worlds + 1
    local key = "gsk_test_abcdefghijklmnopqrstuvwxyz012345"
    return assert(core.client { api_key = key, base_url = url, user_agent = "spec", world = 1000 + worlds })
  end

  -- A call whose first try is under way.
  local function begin(method, path, body, more, url)
    local one, key = client(url or "https://api.example:8443/v2"), method == "POST" and "key-1" or nil
    local call = assert(one:call(method, path, body, key, nil, 10, 0, 0, more))
    assert.equal("send", (call:next(0, true)))
    return call
  end

  describe("as text,", function()
    local function text(...)
      return table.concat(begin(...):pieces(KEY))
    end

    it("is what HTTP/1.1 wants, the body with it", function()
      local said = text("POST", "/things?a=b", '{"a":1}')
      assert.matches("^POST /v2/things%?a=b HTTP/1%.1\r\nHost: api%.example:8443\r\nAuthorization: Bearer gsk_test_%w+\r\n", said)
      assert.matches("\r\nIdempotency%-Key: key%-1\r\n", said)
      assert.matches("\r\nContent%-Type: application/json\r\n", said)
      assert.matches('\r\nContent%-Length: 7\r\n\r\n{"a":1}$', said)
      for line in said:match("^(.-)\r\n\r\n"):gmatch "\r\n([^\r]*)" do
        assert.matches("^[%w-]+: %S", line)
      end
    end)

    it("says of a body what is known of it, and nothing where none is usual", function()
      local function length_of(...)
        local said = text(...)
        return said:match "\r\nContent%-Length: (%d+)\r\n" or said:match "\r\nTransfer%-Encoding: (%w+)\r\n"
      end
      assert.equal("0", length_of("POST", "/x"))
      assert.is_nil(length_of("GET", "/x"))
      assert.is_nil(length_of("HEAD", "/x"))
      assert.is_nil(length_of("DELETE", "/x"))
      assert.equal("1234567890123", length_of("PUT", "/x", nil, { upload = 1234567890123 }))
      assert.equal("0", length_of("PUT", "/x", nil, { upload = 0 }))
      assert.equal("chunked", length_of("PUT", "/x", nil, { upload = -1 }))
    end)

    it("names no port that goes without saying", function()
      assert.matches("\r\nHost: api.example\r\n", text("GET", "/x", nil, nil, "https://api.example/v2"))
      assert.matches("\r\nHost: %[::1%]:444\r\n", text("GET", "/x", nil, nil, "https://[::1]:444/v2"))
    end)

    it("offers a WebSocket with the key that is given", function()
      local said = text("GET", "/logs", nil, { upgrade = "git.logs.v1" })
      for _, line in ipairs { "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Protocol: git.logs.v1" } do
        assert.truthy(said:find("\r\n" .. line .. "\r\n", 1, true), line)
      end
      assert.truthy(said:find("\r\nSec-WebSocket-Key: " .. KEY .. "\r\n", 1, true))
      assert.is_nil(said:find("Content-Length", 1, true))
    end)

    -- Lua finds a string that it has by a few of its bytes: long ones that differ a little in the middle cost a look at each other.
    it("has pieces of which the long one is the same from call to call", function()
      local one = client "https://api.example/v2"
      local seen
      for _ = 1, 3 do
        local call = assert(one:call("POST", "/things", "{}", nil, nil, 10, 0, 0))
        call:next(0, true)
        local long = {}
        for _, piece in ipairs(call:pieces()) do
          long[#long + 1] = #piece > 60 and piece or nil
        end
        assert.equal(1, #long)
        assert.is_true(seen == nil or seen == long[1])
        seen = long[1]
      end
    end)

    it("is there while a try is under way", function()
      local call = begin("GET", "/x")
      call:outcome(1, "complete")
      assert.is_false((pcall(call.pieces, call)))
      assert.is_false((pcall(call.take_answer, call, core.http1 "response")))
    end)
  end)

  describe("takes of its answer", function()
    -- What each feed comes to, and what the call has made of it.
    local function take(call, key, ...)
      local reader, said = core.http1 "response", {}
      for _, bytes in ipairs { ... } do
        local event, what, reusable = call:take_answer(reader, key, bytes)
        said[#said + 1] = table.concat({ event, tostring(what), tostring(reusable) }, " ")
      end
      return table.concat(said, ", "), reader
    end

    local OK = "HTTP/1.1 200 OK\r\n"

    it("what has come, to its end", function()
      local call = begin("GET", "/x")
      local said = take(call, nil, OK .. "X-Req", "uest-Id: req_1\r\nContent-Length: 4\r\n\r\nna", "me")
      assert.equal("need nil nil, need nil nil, end 200 true", said)
      call:outcome(1, "complete")
      local status, body = call:result()
      assert.same({ 200, "name", "req_1" }, { status, body, call:header "x-request-id" })
    end)

    it("whether its connection can be used again", function()
      for text, expected in pairs {
        [OK .. "Content-Length: 0\r\n\r\n"] = "end 200 true",
        [OK .. "Content-Length: 0\r\nConnection: close\r\n\r\n"] = "end 200 false",
        [OK .. "Content-Length: 0\r\n\r\nHTTP/1.1 200"] = "end 200 false",
        ["HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"] = "end 200 false",
        ["HTTP/1.1 204 No\r\n\r\n"] = "end 204 true",
      } do
        assert.equal(expected, (take(begin("GET", "/x"), nil, text)))
      end
    end)

    it("no body after a HEAD", function()
      assert.equal("end 200 true", (take(begin("HEAD", "/x"), nil, OK .. "Content-Length: 1000\r\n\r\n")))
    end)

    it("no more than 64 answers that only say that it goes on", function()
      local interim = "HTTP/1.1 103 Early Hints\r\n\r\n"
      assert.equal("end 200 true", (take(begin("GET", "/x"), nil, interim:rep(64) .. OK .. "Content-Length: 0\r\n\r\n")))
      assert.matches("^bad it only ever says that it goes on", (take(begin("GET", "/x"), nil, interim:rep(65))))
    end)

    it("nothing that it cannot read, or did not ask for", function()
      for text, expected in pairs {
        ["HTTP/1.1 200 OK\nfoo: bar\n\n"] = "^bad .*line",
        ["HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"] = "^bad it changes the protocol",
        [OK .. ("X-A: b\r\n"):rep(201) .. "\r\n"] = "^bad its head is too large",
      } do
        assert.matches(expected, (take(begin("GET", "/x"), nil, text)))
      end
    end)

    it("a body as its sink takes it", function()
      local call = begin("GET", "/x", nil, { download = 0 })
      local reader, got = core.http1 "response", 0
      local event = call:take_answer(reader, nil, OK .. "Content-Length: 400000\r\n\r\n")
      local fed, full = 0, 0
      repeat
        if event == "full" then
          full = full + 1
          got = got + #(call:read() or "")
          event = call:take_answer(reader)
        else
          fed = fed + 40000
          event = call:take_answer(reader, nil, ("x"):rep(40000))
        end
      until event == "end" or event == "bad"
      assert.same({ "end", 400000 }, { event, fed })
      assert.is_true(full > 0)
      local more = call:read()
      while more and more ~= "" do
        got, more = got + #more, call:read()
      end
      assert.equal(400000, got)
    end)

    it("nothing new while it holds a piece that the sink has no room for: that lies where new bytes go", function()
      local call, reader = begin("GET", "/x", nil, { download = 0 }), core.http1 "response"
      local event = call:take_answer(reader, nil, OK .. "Content-Length: 800000\r\n\r\n")
      while event == "need" do
        event = call:take_answer(reader, nil, ("x"):rep(50000))
      end
      assert.equal("full", event)
      local more = ("y"):rep(400000)
      assert.matches("come again without bytes", select(2, pcall(call.take_answer, call, reader, nil, more)))
      assert.matches("has yet to take", select(2, pcall(reader.feed, reader, more)))
      local got = {}
      while event == "full" do
        got[#got + 1] = call:read()
        event = call:take_answer(reader)
      end
      got[#got + 1] = call:read()
      assert.matches("^x+$", table.concat(got))
    end)

    -- Anyone on the way can close a connection, and nginx does not tell how its TLS ended.
    it("of one that ends with its connection only what says itself where it ends", function()
      local TYPE = OK .. "Content-Type: application/json\r\n\r\n"
      for _, row in ipairs {
        { "end 200 false", TYPE .. '{"a":1}' },
        { "end 200 false", TYPE .. "[1]\n" },
        { "end 200 false", TYPE },
        { "end 502 false", "HTTP/1.1 502 Bad Gateway\r\n\r\n<h1>Bad" },
        { "bad it may be cut off", TYPE .. '{"a":1' },
        { "bad it may be cut off", OK .. "\r\nsome text" },
        { "bad it may be cut off", TYPE .. '{"a":1}', { download = 0 } },
        { "end 404 false", "HTTP/1.1 404 No\r\n\r\n{}", { download = 0 } },
        { "bad the connection was closed in the middle", OK .. "Content-Length: 3\r\n\r\n{}" },
        { "bad the connection was closed in the middle", OK .. "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n" },
      } do
        local call, reader = begin("GET", "/x", nil, row[3]), core.http1 "response"
        call:take_answer(reader, nil, row[2])
        reader:eof()
        local event, what, reusable = call:take_answer(reader)
        assert.matches("^" .. row[1], table.concat({ event, tostring(what), tostring(reusable) }, " "), 1, row[2])
      end
    end)

    it("whether the handshake of a WebSocket is right, and else which header is not", function()
      local function answer(change, status, version)
        local all = { Upgrade = "websocket", Connection = "Upgrade", ["Sec-WebSocket-Accept"] = ACCEPT, ["Sec-WebSocket-Protocol"] = "git.logs.v1" }
        for name, value in pairs(change or {}) do
          all[name] = value
        end
        local lines = { ("HTTP/1.%d %d X\r\n"):format(version or 1, status or 101) }
        for name, value in pairs(all) do
          lines[#lines + 1] = value and name .. ": " .. value .. "\r\n" or nil
        end
        return table.concat(lines) .. "\r\nfirst frame"
      end
      local function shake(...)
        return take(begin("GET", "/logs", nil, { upgrade = "git.logs.v1" }), KEY, answer(...))
      end
      local said, reader = shake()
      assert.matches("^end 101 ", said)
      assert.equal("first frame", reader:rest())
      assert.matches("^end 101 ", (shake { ["Sec-WebSocket-Protocol"] = false }))
      for _, row in ipairs { -- what is changed, and the header that is named
        { { Upgrade = "h2c" }, "Upgrade" },
        { { Upgrade = false }, "Upgrade" },
        { { Connection = "close" }, "Connection" },
        { { ["Sec-WebSocket-Accept"] = "x" }, "Accept" },
        { { ["Sec-WebSocket-Accept"] = false }, "Accept" },
        { { ["Sec-WebSocket-Extensions"] = "permessage-deflate" }, "Extensions" },
        { { ["Sec-WebSocket-Protocol"] = "other" }, "Protocol" },
      } do
        assert.matches("^bad .*" .. row[2], (shake(row[1])))
      end
      assert.matches("^bad .*101", (shake({}, 101, 0)))
      assert.matches("^end 200 false", (shake({}, 200))) -- it opens nothing: the machine says so
    end)
  end)
end)

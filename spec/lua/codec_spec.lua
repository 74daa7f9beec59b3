-- gitdev.core's WebSocket codec, for drivers with sockets of their own: bytes in, messages out. The codec itself is held to RFC 6455 in
-- spec/unit; here is what Lua sees of it.
local core = require "gitdev.core"

-- A frame as servers send it.
local function frame(opcode, payload, more)
  local head = string.char((more and 0 or 128) + opcode)
  if #payload < 126 then
    return head .. string.char(#payload) .. payload
  end
  return head .. string.char(126, math.floor(#payload / 256), #payload % 256) .. payload
end

local TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
local GOODBYE = frame(CLOSE, "\3\232bye") -- 1000

-- The frames of a client: { opcode, payload }.
local function unmask(bytes)
  local frames, at = {}, 1
  while at <= #bytes do
    local first, second = bytes:byte(at, at + 1)
    assert(second >= 128 and second < 254, "it is not masked, or long")
    local length, payload = second - 128, {}
    for i = 1, length do
      local mask, byte = bytes:byte(at + 2 + (i - 1) % 4), bytes:byte(at + 5 + i)
      local value, bit = 0, 1
      for _ = 1, 8 do
        value = value + (mask % 2 ~= byte % 2 and bit or 0)
        mask, byte, bit = math.floor(mask / 2), math.floor(byte / 2), bit * 2
      end
      payload[i] = string.char(value)
    end
    frames[#frames + 1] = { first % 16, table.concat(payload) }
    at = at + 6 + length
  end
  return frames
end

describe("core.websocket", function()
  local codec

  before_each(function()
    codec = core.websocket()
  end)

  local function feed(bytes)
    codec:feed(bytes)
    return codec
  end

  it("gives messages, however their bytes were cut", function()
    local bytes = frame(TEXT, "one") .. frame(TEXT, "tw", true) .. frame(0, "o") .. frame(TEXT, ("x"):rep(300)) .. frame(BINARY, "\0")
      .. frame(TEXT, "")
    for step = 1, 7 do
      local one, got = core.websocket(), {}
      for from = 1, #bytes, step do
        one:feed(bytes:sub(from, from + step - 1))
        while true do
          local text, what = one:read()
          if not text and not what then break end
          got[#got + 1] = text or what
        end
      end
      assert.same({ "one", "two", ("x"):rep(300), "binary", "" }, got)
      assert.equal("", one:output())
    end
    assert.equal(0, select("#", codec:read()))
  end)

  it("answers pings, and a goodbye", function()
    feed(frame(PING, "hi") .. GOODBYE)
    assert.same({ nil, "closed", 1000, "bye" }, { codec:read() })
    assert.same({ nil, "closed", 1000, "bye" }, { codec:read() })
    assert.is_true(codec:unsent() > 0)
    assert.same({ { PONG, "hi" }, { CLOSE, "\3\232" } }, unmask(codec:output()))
    assert.equal(0, codec:unsent())
    assert.is_false(codec:send "more")
    codec = core.websocket()
    assert.same({ nil, "closed", 1005, "" }, { feed(frame(CLOSE, "")):read() })
  end)

  it("sends texts, masked, each another way", function()
    assert.is_true(codec:send "hello")
    assert.is_true(codec:send "hello")
    local bytes = codec:output()
    assert.same({ { TEXT, "hello" }, { TEXT, "hello" } }, unmask(bytes))
    assert.not_equal(bytes:sub(1, #bytes / 2), bytes:sub(#bytes / 2 + 1))
    assert.is_true(codec:close(1001))
    assert.is_false(codec:close(1000))
    assert.same({ { CLOSE, "\3\233" } }, unmask(codec:output()))
    assert.is_false(codec:send "late")
    -- What the peer had sent before it heard is told all the same.
    assert.equal("before", (feed(frame(TEXT, "before")):read()))
  end)

  it("ends what breaks the protocol, and says so to the peer", function()
    for bytes, code in pairs {
      [frame(3, "")] = 1002,
      [string.char(129, 129) .. "abcdx"] = 1002, -- a server masks nothing
      [string.char(193, 1) .. "x"] = 1002, -- a reserved bit
      [frame(TEXT, "\255")] = 1007,
      [string.char(129, 127) .. "\0\0\0\0\0\2\0\1x"] = 1009, -- 128 KiB and one byte
      [frame(CLOSE, "\3\237")] = 1002, -- 1005 is never sent
    } do
      local one = core.websocket()
      one:feed(bytes)
      local text, what, got = one:read()
      assert.same({ nil, "closed", code }, { text, what, got })
      local goodbye = unmask(one:output())[1]
      assert.same({ CLOSE, string.char(3, code - 768) }, { goodbye[1], goodbye[2]:sub(1, 2) })
    end
  end)

  it("refuses codes that no close frame may have, and what is no text", function()
    assert.is_false((pcall(codec.close, codec, 1006)))
    assert.is_false((pcall(codec.close, codec, 999)))
    assert.is_false((pcall(codec.feed, codec)))
    assert.is_false((pcall(codec.read, {})))
  end)
end)

describe("the handshake of a WebSocket", function()
  it("has a key of its own each time", function()
    assert.matches("^[%w+/]+==$", core.websocket_key())
    assert.equal(24, #core.websocket_key())
    assert.not_equal(core.websocket_key(), core.websocket_key())
  end)
end)

-- Plain requests beside the API's calls, as Lua has them. What is sent, and what comes back, is in spec/unit/post_test.c.
local core = require "gitdev.core"
local net = require "gitdev.net"

local PATIENCE = 60 -- only a bug makes anyone wait that long

describe("a poster", function()
  local handle, listener, poster

  before_each(function()
    handle = net.loop()
    listener = assert(net.listener(handle, {}))
    poster = net.poster(handle)
  end)

  after_each(function()
    poster:close()
    listener:close()
    handle:close()
  end)

  local function send(timeout)
    return assert(poster:send { url = "http://127.0.0.1:" .. listener:port() .. "/", timeout = timeout, loopback = true })
  end

  local function next_news()
    local began = core.now()
    while true do
      local post, result = poster:news()
      if post then
        return post, result
      end
      assert(core.now() - began < PATIENCE, "it did not come")
      handle:step(0.002)
    end
  end

  -- As at the end of a scope that it was declared `<close>` in.
  local function leave_scope(post)
    debug.getmetatable(post).__close(post)
  end

  it("tells of the end of each, in their order, but of those that were closed", function()
    local early = send(0.001)
    local first = next_news()
    assert.equal(early, first)
    early:close()
    local over, under_way = send(0.001), send(PATIENCE)
    local before = core.now()
    while core.now() - before < 0.05 do -- it ends, and waits to be told of
      handle:step(0.01)
    end
    leave_scope(over)
    leave_scope(under_way)
    leave_scope(under_way)
    under_way:close()
    assert.is_nil((poster:news()))
    local last = send(0.001)
    local told, result = next_news()
    assert.equal(last, told)
    assert.equal("timeout", result.error)
    assert.is_nil((poster:news()))
  end)
end)

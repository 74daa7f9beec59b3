-- The example of a C program that follows a log, as a user runs it.
local emulator = require "spec.lua.support.emulator"
local loop = require "gitdev.loop"
local origin = require "spec.lua.support.stream_origin"
local process = require "spec.lua.support.process"

local program = process.host:gsub("[^/]+$", "follow_c")
local deploy = process.host:gsub("[^/]+$", "deploy_c")

describe("examples/c/follow.c", function()
  it("prints an emulator's messages until the log ends", function()
    local status, out, err = emulator.run(string.format([[%s $(%s | sed -n 's/^201 {"id":"\([^"]*\)".*/\1/p')]], program, deploy))
    assert.equal(0, status, err)
    assert.equal("", err)
    assert.matches('^{"type":"hello","protocol":"git.logs.v1","resource":"dep_', out)
    assert.matches('"seq":1,', out, 1, true)
    assert.matches('{"type":"end","cursor":"[^"]*","status":"live"}\n$', out)
  end)

  -- Beside a server in this process.
  local function run_against(options)
    local server, status, out = origin.start(options), os.tmpname(), os.tmpname()
    assert(os.execute(string.format("export GIT_API_KEY=%s GIT_API_URL=%s GIT_CA_FILE=%s; (%s dep_1 >%s 2>&1; echo $? >%s) &", origin.API_KEY,
      server.url, server.ca_file, program, out, status)))
    local code
    repeat
      loop.sleep(0.01)
      local file = assert(io.open(status))
      code = file:read "*l"
      file:close()
    until code
    server:stop()
    local file = assert(io.open(out))
    local text = file:read "*a"
    file:close()
    os.remove(out)
    os.remove(status)
    return tonumber(code), text
  end

  it("answers pings, and takes no line for one", function()
    local heard = {}
    local line, ping = [[{"type":"log","id":"1","message":"{\"type\":\"ping\"}"}]], [[{"type":"ping","id":"7","time_ms":1}]]
    local code, out = run_against {
      opened = function(peer)
        peer:send(line)
        peer:send(ping)
      end,
      heard = function(peer, text)
        heard[#heard + 1] = text
        peer:close(1000)
      end,
    }
    assert.same({ '{"type":"pong","id":"7"}' }, heard)
    assert.equal(line .. "\n" .. ping .. "\n", out)
    assert.equal(0, code)
  end)

  it("says how it ended before the log did", function()
    local code, out = run_against {
      opened = function(peer)
        peer:close(4401, "the key was revoked")
      end,
    }
    assert.equal(1, code)
    assert.matches("(4401) the key was revoked\n", out, 1, true)
    code, out = run_against {
      refuse = function()
        return { status = 403, body = '{"error":{"type":"permission_error","code":"scope_missing","message":"Not with this key."}}' }
      end,
    }
    assert.equal(1, code)
    assert.equal("Not with this key.\n", out)
  end)
end)

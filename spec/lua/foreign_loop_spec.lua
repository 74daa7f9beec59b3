-- The example of a program whose loop is not gitdev's, as a user runs it.
local emulator = require "spec.lua.support.emulator"
local process = require "spec.lua.support.process"

local program = process.host:gsub("[^/]+$", "libuv_c")

describe("examples/c/libuv.c", function()
  it("makes its calls while its own timer ticks", function()
    local status, out, err = emulator.run(program)
    assert.equal(0, status, err)
    assert.matches('201 {"id":"dep_', out, 1, true)
    assert.matches('200 {"id":"prj_', out, 1, true)
    assert.matches('200 {"id":"org_', out, 1, true)
    local ticks = tonumber(out:match "\n(%d+) ticks meanwhile\n$")
    assert.is_true(ticks > 0)
  end)

  it("says what is missing", function()
    local status, out, err = process.run("env -u GIT_API_KEY " .. program)
    assert.equal(1, status)
    assert.equal("", out)
    assert.matches("api_key", err)
  end)
end)

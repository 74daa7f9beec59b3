-- The soak of a log in short: the same script, the same judgement (spec/soak/stream.lua), under the interpreter that runs this spec.
local interpreter = require "spec.lua.support.interpreter"
local process = require "spec.lua.support.process"

local LINES = 50000

describe("fifty thousand lines of a log, broken off every few thousand,", function()
  it("come all, once, in order, and leave memory and descriptors as they were", function()
    local status, out, err = process.run(("%s spec/soak/stream.lua %d %s"):format(interpreter.command(), LINES, process.host))
    assert.equal(0, status, out .. err)
    assert.equal(LINES, tonumber(out:match "(%d+) lines of "))
    assert.equal("", err)
  end)
end)

-- The soak in short: the same script, the same judgement (spec/soak/), under the interpreter that runs this spec. It is counted in calls.
local interpreter = require "spec.lua.support.interpreter"
local process = require "spec.lua.support.process"

local CALLS = 20000

-- Of freed memory the address sanitizer holds back more and more, all through so short a run: it is kept small. Without it this says nothing.
local OPTIONS = 'ASAN_OPTIONS="$ASAN_OPTIONS:quarantine_size_mb=1:thread_local_quarantine_size_kb=64" '

describe("twenty thousand calls, some failing", function()
  it("leave memory and descriptors as they were", function()
    local status, out, err = process.run((OPTIONS .. "%s spec/soak/soak.lua %d %s"):format(interpreter.command(), CALLS, process.host))
    assert.equal(0, status, out .. err)
    -- A life that no longer fits is not begun: the last calls may be missing.
    assert.is_true(tonumber(out:match "^ *(%d+) calls") >= CALLS * 0.99, out)
    assert.equal("", err)
  end)
end)

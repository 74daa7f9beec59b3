-- The soak in short: the same script, the same judgement (spec/soak/), under the interpreter that runs this spec. It is counted in calls.
local process = require "spec.lua.support.process"

local CALLS = 20000

-- The interpreter itself, with the modules that this spec has: the first of its own arguments is before index 0.
local function interpreter()
  local first = 0
  while arg[first - 1] do
    first = first - 1
  end
  return process.quote(arg[first])
end

describe("twenty thousand calls, some failing", function()
  it("leave memory and descriptors as they were", function()
    -- What the address sanitizer keeps from reuse would be all that grows.
    local environment = ("ASAN_OPTIONS=$ASAN_OPTIONS:quarantine_size_mb=1 LUA_PATH=%s LUA_CPATH=%s"):format(
      process.quote(package.path), process.quote(package.cpath))
    local status, out, err = process.run(("%s %s spec/soak/soak.lua %d %s"):format(environment, interpreter(), CALLS, process.host))
    assert.equal(0, status, out .. err)
    -- A life that no longer fits is not begun: the last calls may be missing.
    assert.is_true(tonumber(out:match "^ *(%d+) calls") >= CALLS * 0.99, out)
    assert.equal("", err)
  end)
end)

--- The interpreter that runs the specs, for those that run a script of their own in another process.
local process = require "spec.lua.support.process"

local interpreter = {}

-- The first of its own arguments is before index 0.
local function program()
  local first = 0
  while arg[first - 1] do
    first = first - 1
  end
  return process.quote(arg[first])
end

--- The shell's words for it, with the modules that this spec has.
function interpreter.command()
  -- What the address sanitizer keeps from reuse would be all that grows.
  local environment = "ASAN_OPTIONS=$ASAN_OPTIONS:quarantine_size_mb=1 LUA_PATH=%s LUA_CPATH=%s "
  return environment:format(process.quote(package.path), process.quote(package.cpath)) .. program()
end

return interpreter

-- The environment's variables, as code that runs in this process sees them.
local environment = {}

--- Runs fn() with a variable that has another value (nil: it is not there).
function environment.with(name, value, fn)
  local real = os.getenv
  os.getenv = function(asked) -- luacheck: ignore 122
    if asked == name then
      return value
    end
    return real(asked)
  end
  local ok, err = pcall(fn)
  os.getenv = real -- luacheck: ignore 122
  assert(ok, err)
end

return environment

-- busted's --helper: the collector never rests. Without a pause between its cycles, and with steps as small as they get and as much work in
-- each as may be, something is collected at nearly every allocation; and around every so manieth call into C everything is. What Lua or C
-- fails to hold on to is gone by the time it is used.
local EVERY = 211 -- a prime, so that it falls on other calls in each turn of a loop

if _VERSION == "Lua 5.4" then
  collectgarbage("incremental", 1, 1000, 1)
end
collectgarbage("setpause", 0)

local calls = 0

local function collect(...)
  collectgarbage()
  return ...
end

local function stressed(fn)
  return function(...)
    calls = calls + 1
    if calls % EVERY > 0 then
      return fn(...)
    end
    collectgarbage()
    return collect(fn(...))
  end
end

local function wrap(functions)
  for name, value in pairs(functions) do
    if type(value) == "function" then
      functions[name] = stressed(value)
    end
  end
end

wrap(require "gitdev.core")
wrap(require "gitdev.net")
local wrapped = 0
for name, class in pairs(debug.getregistry()) do
  local methods = type(name) == "string" and name:find "^gitdev%." and type(class) == "table" and rawget(class, "__index")
  if methods then
    wrap(methods)
    wrapped = wrapped + 1
  end
end
assert(wrapped > 5, "the classes of gitdev.core and gitdev.net are not where they were")

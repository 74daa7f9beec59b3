-- busted's --helper, under Lua 5.4: what Lua or C fails to hold on to is gone by the time it is used. Of each function of C the first calls are
-- chosen, and ever fewer of those after them: before such a call and after it everything is collected, and within it at each of the first
-- allocations (spec/collector.c). In between the collector has little rest.
local FIRST, SELDOM = 4, 1009 -- calls; a prime, so that it falls on other calls in each turn of a loop
local WITHIN = 24 -- allocations

local collector = assert(package.loadlib((os.getenv "GITDEV_BUILD" or "build") .. "/soak/collector.so", "luaopen_collector"))()
collectgarbage("generational", 1, 25)

local function is_chosen(calls)
  return calls <= FIRST or calls % SELDOM == 0 or 2 ^ math.floor(math.log(calls, 2)) == calls
end

local function collect(...)
  collector.refuse(0)
  collectgarbage()
  return ...
end

local function stressed(fn)
  local calls = 0
  return function(...)
    calls = calls + 1
    if not is_chosen(calls) then
      return fn(...)
    end
    collectgarbage()
    collector.refuse(WITHIN)
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
wrap(require "gitdev.git")
local wrapped = 0
for name, class in pairs(debug.getregistry()) do
  local methods = type(name) == "string" and name:find "^gitdev%." and type(class) == "table" and rawget(class, "__index")
  if methods then
    wrap(methods)
    wrapped = wrapped + 1
  end
end
assert(wrapped > 5, "the classes of gitdev.core and gitdev.net are not where they were")

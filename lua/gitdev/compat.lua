--- What Lua 5.1, LuaJIT and 5.4 do not have in common, in one place.
local compat = {}

compat.unpack = table.unpack or unpack -- luacheck: ignore 113 143

compat.pack = table.pack or function(...) -- luacheck: ignore 143
  return { n = select("#", ...), ... }
end

--- Whether the running coroutine may yield here. Plain 5.1 cannot tell: it answers yes in every coroutine.
compat.isyieldable = coroutine.isyieldable -- luacheck: ignore 143
  or function()
    return coroutine.running() ~= nil
  end

--- Closes the variables that a coroutine which failed, or rests, has still to close: those of 5.4.
compat.close = coroutine.close or function() end -- luacheck: ignore 143

--- The running coroutine, or nil in the main one (5.2 and later return it there, with true).
function compat.running()
  local thread, main = coroutine.running()
  if main then return nil end
  return thread
end

--- A value that calls `fn()` when it is collected, or the state is closed. Tables have no finalizers on 5.1.
function compat.finalizer(fn)
  if newproxy then -- luacheck: ignore 113
    local proxy = newproxy(true) -- luacheck: ignore 113
    getmetatable(proxy).__gc = fn
    return proxy
  end
  return setmetatable({}, { __gc = fn })
end

--- load() of a text with a chunk name, in the global environment.
function compat.load(text, name)
  if setfenv then return loadstring(text, name) end -- luacheck: ignore 113
  return load(text, name, "t")
end

return compat

--- What Lua 5.1, LuaJIT and 5.4 do not have in common, in one place.
local compat = {}

compat.unpack = table.unpack or unpack -- luacheck: ignore 113 143

compat.pack = table.pack or function(...) -- luacheck: ignore 143
  return { n = select("#", ...), ... }
end

--- Whether the running coroutine may yield here. 5.1 and 5.2 cannot tell, so what they would forbid is looked for on its stack.
compat.isyieldable = coroutine.isyieldable -- luacheck: ignore 143
  or require("gitdev.core").yieldable

-- On plain 5.1: the coroutine that stands in its place, of each that compat.pcall has made.
local caller_of = setmetatable({}, { __mode = "k" })

--- coroutine.create, of C's functions too, which 5.1 refuses.
compat.create = coroutine.create
if not pcall(coroutine.create, print) then
  function compat.create(fn)
    local ok, thread = pcall(coroutine.create, fn)
    return ok and thread or coroutine.create(function(...)
      return fn(...)
    end)
  end
end

--- Closes the variables that a coroutine which failed, or rests, has still to close: those of 5.4.
compat.close = coroutine.close or function() end -- luacheck: ignore 143

--- The running coroutine, or nil in the main one (5.2 and later return it there, with true). Inside compat.pcall it is its caller's.
function compat.running()
  local thread, main = coroutine.running()
  if main then return nil end
  return caller_of[thread] or thread
end

local function can_yield_across_pcall()
  if type(jit) == "table" then -- luacheck: ignore 113
    return true -- and not to be tried: in nginx a coroutine cannot be resumed while a module is loaded
  end
  return coroutine.resume(coroutine.create(function()
    pcall(coroutine.yield)
    error "it went on"
  end))
end

local relay

-- After the inner coroutine has yielded, or ended: what it yields is yielded in its place.
local function after_resume(inner, ok, ...)
  if ok and coroutine.status(inner) == "suspended" then
    return relay(inner, coroutine.yield(...))
  end
  return ok, ...
end

function relay(inner, ...)
  return after_resume(inner, coroutine.resume(inner, ...))
end

--- pcall inside which the running coroutine can yield, if it can where this is called. On plain 5.1 the function has a coroutine of its own.
compat.pcall = pcall
if not can_yield_across_pcall() then
  function compat.pcall(fn, ...)
    local thread = compat.running()
    if not thread or not compat.isyieldable() then
      return pcall(fn, ...)
    end
    local inner = compat.create(fn)
    caller_of[inner] = thread
    return relay(inner, ...)
  end
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

--- Whether this Lua runs in nginx, which owns the loop.
compat.in_nginx = type(ngx) == "table" and type(ngx.get_phase) == "function" -- luacheck: ignore 113

return compat

-- How the store on Redis reaches its server: over hiredis, on the event loop of this Lua state. See gitdev.store.redis.
local loop = require "gitdev.loop"

local hiredis = {}
hiredis.__index = hiredis

hiredis.now = loop.now

---@param server table  socket | host and port; username, password, database
---@return table|nil
---@return string|nil problem
function hiredis.new(server)
  local connect = require("gitdev.net").redis
  if not connect then
    return nil, "it was built without hiredis (Debian's libhiredis-dev), which it takes outside of nginx"
  end
  local link = {}
  function link.make(handle)
    return connect(handle, server)
  end
  return setmetatable({ link = link }, hiredis)
end

---Sends a command and waits for the answer.
---@return table|nil values     strings, numbers, false for nothing
---@return string|nil word      "refused" by the server, "away", "lost" or "late" (both: it may have been carried out)
---@return string|nil problem
function hiredis:command(seconds, ...)
  return loop.answer(self.link, seconds, ...)
end

---The same without waiting: done() is given what command() returns, from the loop's turn.
---@return any|nil command
---@return string|nil problem
function hiredis:begin(done, seconds, ...)
  return loop.ask(self.link, done, seconds, ...)
end

function hiredis:close()
  loop.unlink(self.link)
end

return hiredis

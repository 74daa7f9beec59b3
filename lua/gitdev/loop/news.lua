-- Who waits for news of what: of calls, and of sockets. A socket is read before it is waited for, so news of it is never missed; what is said of a
-- call while nobody waits is kept.
local task = require "gitdev.task"

local wake = task.wake

local news = {}
news.__index = news

--- Stands for code that waits and is no task: it looks again after each turn.
local BLOCKED = {}

news.BLOCKED = BLOCKED

function news.new()
  return setmetatable({
    waiting = {}, -- by call or socket: the task that waits, or BLOCKED
    count = 0, -- how many
    unheard = {}, -- by call: there was news, and nobody waited
  }, news)
end

function news:expect(one, waiter)
  self.waiting[one], self.count = waiter, self.count + 1
end

--- Nobody waits for it any more. Who did, or nil.
function news:forget(one)
  local waiter = self.waiting[one]
  if waiter then
    self.waiting[one], self.count = nil, self.count - 1
  end
  return waiter
end

--- Whether there was news of a call that nobody has heard; it is heard by that.
function news:take(call)
  if self.unheard[call] then
    self.unheard[call] = nil
    return true
  end
  return false
end

--- Hands the news on to whoever waits for it.
function news:announce(one, is_socket)
  local waiter = self:forget(one)
  if not waiter then
    if not is_socket and not one:done() then
      self.unheard[one] = true
    end
  elseif waiter ~= BLOCKED then
    wake(waiter)
  end
end

return news

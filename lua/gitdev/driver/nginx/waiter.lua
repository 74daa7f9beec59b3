-- What a coroutine waits on in nginx: a semaphore that others post, also those of other requests in the same worker. Waits may end for
-- nothing: whoever waits looks again at what it waits for.
--
-- A coroutine can die in any wait: nginx takes it away with its request, and nothing of it runs any more. So nothing is kept here that it
-- would have to give back.
local semaphore = require "ngx.semaphore"

local waiter = {}
waiter.__index = waiter

-- A wait that rounding cannot turn into none, and one that a timer of nginx can take.
local SHORTEST, LONGEST = 0.001, 86400

-- Those that rest: making one costs more than the wait.
local spare, SPARE_MAX = {}, 256

---@return table
function waiter.new()
  local count = #spare
  local self = spare[count]
  if self then
    spare[count] = nil
    return self
  end
  return setmetatable({ semaphore = assert(semaphore.new(0)), posted = false }, waiter)
end

---Gives it back: nobody posts it any more.
function waiter:rest()
  if #spare < SPARE_MAX then
    spare[#spare + 1] = self
  end
end

---Waits until it is posted, at most so many seconds.
---@param seconds number
function waiter:wait(seconds)
  self.semaphore:wait(seconds < SHORTEST and SHORTEST or seconds > LONGEST and LONGEST or seconds)
  self.posted = false
end

---Ends the wait of whoever waits, or the next.
function waiter:post()
  if not self.posted then
    self.posted = true
    self.semaphore:post(1)
  end
end

return waiter

-- The connections of a log that is followed: each is taken up where the one before broke off (contract 2.5).
local core = require "gitdev.core"
local follower = require "gitdev.logs.follower"
local stream = require "gitdev.stream"

local connections = {}

-- Seconds before a stream is taken up again, and how often in vain (contract 1.12, 2.5).
local FIRST_DELAY, LONGEST_DELAY, FRUITLESS_MAX = 0.5, 8, 5
-- A Retry-After above this is not waited for (contract 1.12).
local RETRY_AFTER_MAX = 60

-- A number from 0 up to 1. A driver that has a seed makes a run that can be repeated; Park and Miller's generator is exact in a double.
local function random(client)
  local seed = client.driver.seed
  if not seed then
    return tonumber(core.uuid():sub(1, 8), 16) / 2 ^ 32
  end
  local state = client.chance or (seed() * 7919 + 1) % 2147483646 + 1
  client.chance = state * 16807 % 2147483647
  return client.chance / 2147483647
end

local function target_of(self)
  local query = self.query
  local start = self.cursor and "cursor=" .. core.escape(self.cursor) or self.tail and "tail=" .. self.tail
  for _, part in ipairs { start or false, self.ticket and "ticket=" .. core.escape(self.ticket) or false } do
    if part then
      query = query and query .. "&" .. part or part
    end
  end
  return self.subject .. "/logs/stream" .. (query and "?" .. query or "")
end

local function retry_after(err)
  return tonumber((err.headers["retry-after"] or ""):match "^%d+$") or 0
end

-- The last failure of several, and that it was not the first.
local function in_vain(err)
  err.message = ("%s. It was tried %d times to go on."):format(err.message:gsub("%.$", ""), FRUITLESS_MAX)
  return err
end

---A connection is gone, or none could be made: decides when the next try is due, `resume_at`. True, or nil and the error, when there is none.
function connections.lose(self, err)
  local driver = self.client.driver
  local ending = driver.ending and driver.ending()
  if ending then
    return nil, ending
  end
  local connection, now = self.connection, driver.now()
  if connection and self.cursor ~= nil and type(self.cursor) ~= "string" then
    err = connection:refuse "has no cursor"
  end
  if self.cursor ~= self.begun_at or connection and connection.pinged then
    self.fruitless = 0
  end
  self.connection, self.steady, self.begun_at = nil, nil, self.cursor
  self.fruitless, self.cause = self.fruitless + 1, err
  local told = retry_after(err)
  if not err.retryable or told > RETRY_AFTER_MAX then
    return nil, err
  elseif self.fruitless > FRUITLESS_MAX then
    return nil, in_vain(err)
  end
  local longest = math.min(LONGEST_DELAY, FIRST_DELAY * 2 ^ (self.fruitless - 1))
  local delay = math.max(told, longest * (1 + random(self.client)) / 2)
  self.resume_at = now + delay
  if self.client.resumes then
    self.client.resumes(err, delay)
  end
  return true
end

---Waits until what failed may be tried again. True; nil and the error when it may not.
function connections.outlast(self, err)
  local ok, last = connections.lose(self, err)
  if not ok then
    return nil, last
  end
  local wait = self.resume_at - self.client.driver.now()
  self.resume_at = nil
  return follower.pause(self, wait)
end

---Opens a connection, which takes a ticket's only use.
function connections.open(self, max_retries)
  local target = target_of(self)
  local ticket = self.ticket
  self.ticket = nil
  local connection, err = stream.open(self.client, target, follower.call_options(self, ticket and 0 or max_retries))
  if not connection and ticket and err.retryable then
    return connections.open(self, max_retries) -- it may have been used up: the key opens it too
  end
  if self.connection then -- another task was quicker
    if connection then
      connection:close()
    end
    return self.connection
  end
  self.connection = connection
  self.cause = not connection and self.cause or nil
  self.steady = not self.deadline and connection or nil
  return connection, err and follower.timely(self, err)
end

-- Takes the stream up on another connection. True; nil and the error.
local function reopen(self)
  while true do
    local wait = self.resume_at and self.resume_at - self.client.driver.now() or 0
    if wait > 0 then
      local ok, err = follower.pause(self, wait)
      if not ok then
        return nil, err
      end
    end
    self.resume_at = nil
    if self.connection then -- another task has
      return true
    end
    local connection, err = connections.open(self, 0)
    if self.over then -- another task has closed it meanwhile
      if connection then
        connection:close()
      end
      return nil, self.failure
    elseif connection then
      return true
    end
    local ok, last = connections.lose(self, err)
    if not ok then
      return nil, last
    end
  end
end

---What a connection's receive() has come to: the message; false: look again, perhaps on another connection; nil, or nil and the error: there is
---none any more.
function connections.judge(self, message, why)
  if message ~= nil or why == "end" then
    return message
  elseif self.over then -- another task has closed it meanwhile
    return nil, self.failure
  elseif why == "timeout" then
    if self.deadline and self.client.driver.now() >= self.deadline then
      return nil, follower.timeout_error(self)
    end
    why = self.connection:silent()
  end
  local ok, err = connections.lose(self, why)
  if not ok then
    return nil, err
  end
  return false
end

---The next message, over as many connections as it takes: a table; false: look again; nil: there is none any more, or the error.
function connections.receive(self)
  local connection = self.connection
  if not connection then
    local ok, err = reopen(self)
    if not ok then
      return nil, err
    end
    connection = self.connection
  end
  local seconds, deadline = connection.patience, self.deadline
  if deadline then
    seconds = math.min(seconds, deadline - self.client.driver.now())
    if seconds <= 0 then
      return nil, follower.timeout_error(self)
    end
  end
  return connections.judge(self, connection:receive(seconds))
end

return connections

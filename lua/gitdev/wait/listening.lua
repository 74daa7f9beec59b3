-- The listening half of a wait: a stream of the thing's log (contract 2.5), of which only what is said of the status is wanted. While it is open
-- nobody has to look.
local compat = require "gitdev.compat"
local schema = require "gitdev.schema"
local stream = require "gitdev.stream"

local listening = {}

-- Seconds: those that a stream's opening may take, in which nothing else is learned; those until one is tried again where too many were open.
local OPENING, FULL = 5, 60

---Whether a call came to nothing because its turn did not come: the rate limit's, not the world's fault.
function listening.is_unsent(err)
  return err.type == "timeout_error" and #err.attempts == 0
end

-- No stream could be had. What refuses it for good, or because too many are open, refuses it to this client's other waits too.
local function do_without(self, err)
  local client = self.client
  if err.code == "stream_limit" then
    client.deaf_till = client.driver.now() + FULL
  elseif listening.is_unsent(err) then
    self.looks = 0
  else
    self.deaf = true
    local for_all = err.status and not err.retryable and err.status ~= 404 and err.status ~= 410
    client.deaf_till = for_all and math.huge or client.deaf_till
  end
end

---Whether there may be something to listen to: the looks are not the caller's to time, there is a stream, and none was refused before.
---@param self table  the wait, see gitdev.wait
function listening.is_possible(self)
  local driver = self.client.driver
  return not self.interval
    and not self.deaf
    and driver.now() >= (self.client.deaf_till or 0)
    and driver.open ~= nil
    and not (driver.ending and driver.ending())
    and schema.operation(self.spec.home .. ".logs.stream") ~= nil
end

---Opens the stream, if it can be had: `self.connection`. The gravest of new lines come along.
function listening.begin(self)
  local client = self.client
  local path = schema.path(schema.operation(self.spec.home .. ".logs.stream"), self.a, self.b)
  local time = math.min(OPENING, self.deadline - client.driver.now())
  local connection, err = stream.open(client, path .. "?level=error&tail=0", { timeout = math.max(0.001, time), max_retries = 0 })
  if connection then
    self.connection, self.heard_at = connection, client.driver.now()
  else
    do_without(self, err)
  end
end

local function stop(self)
  if self.connection then
    self.connection:close()
    self.connection = nil
  end
end

-- Waits for news of the status. What came, or nil; then the connection may be over.
local function hear(self)
  local connection, now = self.connection, self.client.driver.now
  local left, patience = self.deadline - now(), self.heard_at + connection.patience - now()
  local message, why = connection:receive(math.max(0, math.min(left, patience, self.view.live and 1 or left)))
  if message ~= nil then
    self.heard_at = now()
  elseif why ~= "timeout" or now() >= self.heard_at + connection.patience then
    stop(self)
    self.looks = 0 -- it is looked at again for a while, and then listened to again
  end
  self:show()
  return message and message.status or nil
end

-- What is heard need not be what is seen a moment later: then the thing is looked at for a while, as where there was nothing to hear.
local function hear_all(self)
  local states = self.spec.states
  while self.connection and self.client.driver.now() < self.deadline do
    local status, previous = hear(self), self.thing[states.field]
    if status and states.terminal[status] then
      self.looks = 0
      return
    elseif type(status) == "string" and status ~= previous then
      self.thing[states.field] = status
      self:tell(previous)
    end
  end
end

---Listens until the thing is at rest, the time is over, or there is nothing to listen to. However it ends, the stream does not stay open.
function listening.run(self)
  local ok, err = compat.pcall(hear_all, self)
  stop(self)
  if not ok then
    error(err, 0)
  end
end

return listening

-- A log that is followed, as programs hold it: gitdev.LogStream, gitdev.LogLines (see gitdev.describe.classes). Where its messages or lines come
-- from is its `advance`; what they all share is here: its time, its end, and the methods.
local errors = require "gitdev.error"

local follower = {}

local methods = {}
local class = { __index = methods, __name = "gitdev.stream" }

-- ---- time ----

-- Why there was nothing to read from when its time was over; "" when there was.
local function in_vain(self)
  local cause = self.cause
  if not cause then
    return ""
  end
  return (" It was tried to go on (%d): %s."):format(self.fruitless, (cause.message:gsub("%.$", "")))
end

---What is raised when its time is over; the tries that it tells of are those of `err`, what it was over with, or of what it had failed with last.
function follower.timeout_error(self, err)
  local last = err and err.attempts[1] and err or self.cause or {}
  return errors.new {
    type = "timeout_error",
    code = "stream_timeout",
    message = ("the log %s was not at its end after %g seconds.%s"):format(self.subject, self.options.timeout, in_vain(self)),
    retryable = true,
    request_id = last.request_id,
    attempts = last.attempts,
  }
end

---The options of a call that it makes: no more time than is left of its own.
function follower.call_options(self, max_retries)
  local o = self.options
  return {
    timeout = self.deadline and math.max(0.001, self.deadline - self.client.driver.now()),
    max_retries = max_retries or o.max_retries,
    headers = o.headers,
    traceparent = o.traceparent,
  }
end

---Waits, unless that would pass the deadline. True; nil, and the error if there is one, when it is over by then.
function follower.pause(self, seconds)
  local driver = self.client.driver
  local ending = driver.ending and driver.ending()
  if ending then
    return nil, ending
  end
  if self.deadline and driver.now() + seconds >= self.deadline then
    return nil, follower.timeout_error(self)
  end
  driver.sleep(seconds)
  if self.over then -- another task has closed it meanwhile
    return nil, self.failure
  end
  return true
end

---An error that a call ended with, or its own when its time is over.
function follower.timely(self, err)
  if self.deadline and err.type == "timeout_error" and self.client.driver.now() >= self.deadline then
    return follower.timeout_error(self, err)
  end
  return err
end

-- ---- what its holder can do ----

local function ended(self)
  return nil, self.failure
end

---Ends it, with an error if there is one.
function follower.finish(self, err)
  self.over, self.failure, self.advance = true, err, ended
  local connection = self.connection
  self.connection, self.steady, self.gap, self.held, self.page = nil, nil, nil, nil, nil
  if connection then
    connection:close()
  end
  if self.inner then
    self.inner:close()
  end
  if err and self.client.hear then
    self.client.hear(nil, err)
  end
end

---Ends it from outside, unless it is over.
function follower.abort(self, err)
  if not self.over then
    follower.finish(self, err)
  end
end

---The next message or line; nil at the end, or nil and the error.
function follower.take(self)
  local item, err = self.advance(self)
  if item and not self.over then
    return item
  elseif not self.over then -- it may have been closed meanwhile, by another task
    follower.finish(self, err)
  end
  return nil, self.failure
end

local function check_self(self, name)
  if getmetatable(self) ~= class then
    errors.misuse { message = name .. " is a method of a stream: call it with a colon, stream:" .. name .. "()." }
  end
end

---The next one; nil at the end. Once it has failed, it fails the same way again.
---@return table|nil
---@return gitdev.Error|nil  from gitdev.safe
function methods:next()
  check_self(self, "next")
  return self.client.finish(follower.take(self))
end

---Closes it at once: it is at its end. Idempotent.
function methods:close()
  check_self(self, "close")
  if not self.over then
    follower.finish(self)
  end
end

-- In a for loop it raises in both styles of the API: a log that ended early would look complete.
function class:__call()
  local item, err = self.advance(self)
  if item and not self.over then -- in short what take() does
    return item
  elseif not self.over then
    follower.finish(self, err)
  end
  if self.failure then
    error(self.failure, 0)
  end
  return nil
end

function class:__close()
  methods.close(self)
end

function class:__tostring()
  return "stream of " .. self.subject .. (self.status and " (" .. tostring(self.status) .. ")" or "")
end

---Makes one of a table with client, subject (the path of what the log is of), options (those of the call), and advance: a function of it that
---returns the next message or line; nil at the end, or nil and the error. Whoever closes the client closes it.
---@param self table
---@return table self
function follower.new(self)
  local client = self.client
  self.deadline = self.options.timeout and client.driver.now() + self.options.timeout
  client.streams = client.streams or setmetatable({}, { __mode = "k" })
  client.streams[self] = true
  return setmetatable(self, class)
end

return follower

-- The commands to servers that are under way on one loop, over connections that live as long as it.
--
-- A link is a table of its owner's, with make(handle), which makes a connection with the methods of net.redis on a net.loop; its connection is
-- kept in it for as long as there is that loop.
local commands = {}
commands.__index = commands

local CLOSED = "the loop was closed"

---@param handle userdata  a net.loop
function commands.new(handle)
  return setmetatable({
    handle = handle,
    connections = setmetatable({}, { __mode = "kv" }), -- by link; weak values go before they are finalized
    asked = {}, -- by command: { link, done }
    count = 0,
  }, commands)
end

-- The link's connection on this loop: one of a loop that was closed, or of a fork's parent, is of no use.
local function connection_of(self, link)
  if link.list ~= self then
    link.list, link.connection = self, link.make(self.handle)
  end
  self.connections[link] = link.connection
  return link.connection
end

--- Sends a command. done(values | nil, word, problem) is called from `collect`, `unlink` or `close`. Returns the command; nil and why nothing
-- was sent; or false in a fork's child.
function commands:send(link, done, seconds, ...)
  if self.is_closed then
    return nil, CLOSED
  end
  local command, problem = connection_of(self, link):send(seconds, ...)
  if command then
    self.asked[command], self.count = { link = link, done = done }, self.count + 1
  end
  return command, problem
end

-- Nobody waits for it any more. What was asked, or nil.
local function forget(self, command)
  local asked = self.asked[command]
  if asked then
    self.asked[command], self.count = nil, self.count - 1
  end
  return asked
end

--- Ends one that is under way; nobody is told.
function commands:drop(command)
  if forget(self, command) then
    command:close()
  end
end

-- Tells of a connection's commands that have ended. Whether there were any.
local function tell(self, link, connection)
  local told = false
  local command, values, word, problem = connection:news()
  while command do
    local asked = forget(self, command)
    if asked then
      told = true
      asked.done(values, word, problem)
    end
    if link.connection ~= connection then
      return told
    end
    command, values, word, problem = connection:news()
  end
  return told
end

--- Tells of those that have ended; who is told may make connections, and close any. Whether there were any.
function commands:collect()
  local links, told = {}, false
  for link in pairs(self.connections) do
    links[#links + 1] = link
  end
  for _, link in ipairs(links) do
    local connection = self.connections[link]
    if connection and tell(self, link, connection) then
      told = true
    end
  end
  return told
end

-- Tells those who wait for an answer over a link (nil: over any) that none will come.
local function tell_away(self, link, problem)
  local waiting = {}
  for command, asked in pairs(self.asked) do
    if not link or asked.link == link then
      waiting[#waiting + 1] = command
    end
  end
  for _, command in ipairs(waiting) do
    local asked = forget(self, command) -- nil when one that was told before has dropped it
    if asked then
      asked.done(nil, "away", problem)
    end
  end
end

--- Closes a link's connection, on whichever loop it is; what waits for an answer over it is told "away". Its next command makes another.
function commands.unlink(link)
  local self, connection = link.list, link.connection
  link.list, link.connection = nil, nil
  if connection then
    connection:close()
  end
  if self then
    self.connections[link] = nil
    tell_away(self, link, "the connection was closed")
  end
end

--- Closes all connections; what waits for an answer is told "away".
function commands:close()
  self.is_closed = true
  for _, connection in pairs(self.connections) do
    connection:close()
  end
  tell_away(self, nil, CLOSED)
end

return commands

-- The commands to servers that are under way on one loop, over connections that live as long as it.
--
-- A link is a table of its owner's, with make(handle), which makes a connection with the methods of net.redis on a net.loop; its connection is
-- kept in it for as long as there is that loop.
local commands = {}
commands.__index = commands

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
  if link.handle ~= self.handle then
    link.handle, link.connection = self.handle, link.make(self.handle)
  end
  self.connections[link] = link.connection
  return link.connection
end

--- Sends a command. done(values | nil, word, problem) is called from `collect`, or `unlink`. Returns the command; nil and why nothing was
-- sent; or false in a fork's child.
function commands:send(link, done, seconds, ...)
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

--- Closes a link's connection; what waits for an answer over it is told "away". Its next command makes another.
function commands:unlink(link)
  local waiting = {}
  self.connections[link] = nil
  for command, asked in pairs(self.asked) do
    waiting[command] = asked.link == link and asked or nil
  end
  for command, asked in pairs(waiting) do
    forget(self, command)
    asked.done(nil, "away", "the connection was closed")
  end
end

function commands:close()
  for _, connection in pairs(self.connections) do
    connection:close()
  end
end

return commands

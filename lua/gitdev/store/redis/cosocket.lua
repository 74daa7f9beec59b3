-- How the store on Redis reaches its server in nginx: by the Redis client that OpenResty brings along (resty.redis; Debian packages it as
-- nginx.redis), on connections that the workers pool. See gitdev.store.redis.
local core = require "gitdev.core"
local phase = require "gitdev.driver.nginx.phase"

local ngx = _G.ngx

local cosocket = {}
cosocket.__index = cosocket

cosocket.now = core.now

-- Seconds before a worker looks again for a server that is away: at first, and at most.
local PAUSE_MIN, PAUSE_MAX = 0.05, 1

-- Connections that rest are kept in a pool for so long, and so many for each worker.
local IDLE_MS, POOLED = 60000, 64

local function load_client()
  for _, name in ipairs { "resty.redis", "nginx.redis" } do
    local ok, client = pcall(require, name)
    if ok then
      return client
    end
  end
  return nil
end

---@param server table  socket | host and port; username, password, database
---@return table|nil
---@return string|nil problem
function cosocket.new(server)
  local client = load_client()
  if not client then
    return nil, "there is no resty.redis, which OpenResty brings along, and no nginx.redis (Debian's lua-nginx-redis)"
  end
  local host = server.socket and "unix:" .. server.socket or server.host
  local words = { host, server.port or "", server.database or 0, server.username or "", server.password or "" }
  -- Who is logged in is part of what makes connections alike; no secret is to be read off the pool's name.
  local pool = "gitdev:redis:" .. core.sha256(table.concat(words, "\0"))
  return setmetatable({ client = client, server = server, host = host, pool = pool, pause = 0, look_again = 0 }, cosocket)
end

-- What the client says of a connection that ended, in a word.
local function word_of(problem)
  return problem == "timeout" and "late" or "lost"
end

-- Each step takes what is left of the time.
local function bound(connection, due)
  connection:set_timeout(math.max(1, math.ceil((due - core.now()) * 1000)))
end

-- Logs a fresh connection in.
local function log_in(self, connection, due)
  local server, ok, problem = self.server, true, nil
  bound(connection, due)
  if server.password and server.username then
    ok, problem = connection:auth(server.username, server.password)
  elseif server.password then
    ok, problem = connection:auth(server.password)
  end
  if ok and (server.database or 0) > 0 then
    bound(connection, due)
    ok, problem = connection:select(server.database)
  end
  return ok and true or nil, ok == false and "the server does not let us in: " .. tostring(problem) or problem
end

-- A connection, logged in; or nil and why there is none.
local function connect(self, due)
  local connection, problem = self.client:new()
  if not connection then
    return nil, problem
  end
  bound(connection, due)
  local ok
  if self.server.socket then
    ok, problem = connection:connect(self.host, { pool = self.pool })
  else
    ok, problem = connection:connect(self.host, self.server.port, { pool = self.pool })
  end
  if ok and (connection:get_reused_times() or 0) == 0 then
    ok, problem = log_in(self, connection, due)
  end
  if ok then
    return connection
  end
  connection:close()
  return nil, problem
end

-- The same; a server that was away a moment ago is not looked for.
local function reach(self, due)
  if core.now() < self.look_again then
    return nil, self.problem
  end
  local connection, problem = connect(self, due)
  if connection then
    self.pause = 0
    return connection
  end
  self.problem = problem == "timeout" and "it was not reached in time" or tostring(problem)
  if core.now() >= self.look_again then -- of those that failed at once, one
    self.pause = math.min(math.max(self.pause * 2, PAUSE_MIN), PAUSE_MAX)
    self.look_again = core.now() + self.pause
  end
  return nil, self.problem
end

-- A value of the client's as those of net.redis.
local function plain(value)
  if type(value) == "table" then
    local list = {}
    for i = 1, #value do
      list[i] = value[i] ~= ngx.null and value[i]
    end
    return list
  end
  return { value ~= ngx.null and value }
end

---Sends a command and waits for the answer: as gitdev.store.redis.hiredis does.
function cosocket:command(seconds, name, ...)
  phase.check "the store on Redis"
  local due = core.now() + seconds
  local connection, problem = reach(self, due)
  if not connection then
    return nil, "away", problem
  end
  local reused = (connection:get_reused_times() or 0) > 0
  local value
  bound(connection, due)
  value, problem = connection[name:lower()](connection, ...)
  if value == nil then
    connection:close()
    if reused and problem ~= "timeout" then
      return nil, "stale", problem
    end
    return nil, word_of(problem), problem == "timeout" and "it did not answer in time" or tostring(problem)
  end
  if value == false and problem:find "^READONLY " then
    connection:close() -- the server has become a replica: its host's name may lead to another by now
  else
    connection:set_keepalive(IDLE_MS, POOLED)
  end
  if value == false then
    return nil, "refused", problem
  end
  return plain(value)
end

function cosocket.close() end

return cosocket

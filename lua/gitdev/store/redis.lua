-- A store (see gitdev.store) on a Redis server: for all processes of all machines that reach it. Each method is one script on the server, by the
-- server's clock; nothing here blocks a loop or a worker. When the server is away, or refuses, replay protection raises ("closed") unless it was
-- told to let everything through ("open"); what holds for the rate limit is the client's to know: see gitdev.fleet.
local arguments = require "gitdev.store.arguments"
local compat = require "gitdev.compat"
local core = require "gitdev.core"
local errors = require "gitdev.error"
local json = require "gitdev.json"

local redis = {}
redis.__index = redis

-- gitdev.RedisStoreOptions: see gitdev.describe.classes.
local OPTIONS = {
  host = "string", port = "port", socket = "string", username = "string", password = "string", database = "count",
  prefix = "string", timeout = "seconds", replay = "string", pacing = "string", on_error = "function",
}

local TIMEOUT = 1 -- seconds
local TAKE_MAX = 2 -- of them for a share of a rate limit: after three its client takes the store for away
local STALE_MAX = 64 -- connections that have rested too long, one after the other

-- ---- options ----

local function misuse(param, message)
  errors.misuse { code = "parameter_invalid", param = param, message = message }
end

local function check_words(options)
  for _, name in ipairs { "host", "socket", "username", "password", "prefix" } do
    if options[name] and (options[name] == "" and name ~= "prefix" or options[name]:find "%z") then
      misuse(name, name .. " must not be empty, nor hold a NUL byte.")
    end
  end
  for _, name in ipairs { "replay", "pacing" } do
    if options[name] ~= nil and options[name] ~= "open" and options[name] ~= "closed" then
      misuse(name, name .. ' must be "open" or "closed": what holds while Redis is away.')
    end
  end
end

local function check(options)
  check_words(options)
  if options.socket and (options.host or options.port) then
    misuse("socket", "a Redis server is reached by a socket, or by host and port: say one of them.")
  elseif options.port == 0 then
    misuse("port", "port must be a whole number from 1 to 65535.")
  elseif options.username and not options.password then
    errors.misuse { code = "parameter_missing", param = "password", message = "a username goes with a password." }
  end
end

local function default_on_error(err)
  local text = "gitdev: " .. tostring(err)
  if compat.in_nginx then
    _G.ngx.log(_G.ngx.WARN, text)
  else
    require("gitdev.progress").print(text)
  end
end

-- Where the server is, as text; never what logs in there.
local function place_of(server)
  if server.socket then
    return "unix:" .. server.socket
  end
  return (server.host:find(":", 1, true) and "[" .. server.host .. "]" or server.host) .. ":" .. server.port
end

-- Two stores are one that lead to the same keys, as the same user. What is between the words is in none of them.
local function id_of(server, prefix)
  return table.concat({ "redis", place_of(server), server.database or 0, server.username or "", prefix }, "\0")
end

---@param options? gitdev.RedisStoreOptions
---@return gitdev.Store|nil
---@return gitdev.Error|nil
function redis.new(options)
  options = arguments.options(options, OPTIONS, "gitdev.store.redis")
  check(options)
  local server = { socket = options.socket, username = options.username, password = options.password, database = options.database }
  if not server.socket then
    server.host, server.port = options.host or "127.0.0.1", options.port or 6379
  end
  local transport = require(compat.in_nginx and "gitdev.store.redis.cosocket" or "gitdev.store.redis.hiredis")
  local link, problem = transport.new(server)
  if not link then
    return nil, errors.new { type = "config_error", code = "store_failed", message = "the store on Redis cannot be used: " .. problem .. "." }
  end
  return setmetatable({
    link = link,
    place = place_of(server),
    prefix = options.prefix or "gitdev:",
    id = id_of(server, options.prefix or "gitdev:"),
    timeout = options.timeout or TIMEOUT,
    replay = options.replay or "closed",
    pacing = options.pacing or "open",
    on_error = options.on_error or (options.replay == "open" and default_on_error) or nil,
    is_away = false,
  }, redis)
end

-- ---- asking the server ----

-- What a server says that is well, but not at the moment, or not the one to ask. Any other refusal is somebody's to mend.
local PASSING = { BUSY = true, LOADING = true, READONLY = true, MASTERDOWN = true, CLUSTERDOWN = true, TRYAGAIN = true }

local function failure(self, word, problem)
  local is_wrong = word == "refused" and not PASSING[problem:match "^%u+"]
  -- A server that does not know a command says what came with it: with AUTH, the password.
  problem = tostring(problem):gsub(", with args beginning with.*$", ""):gsub("[%s.]+$", "")
  return errors.new { type = is_wrong and "config_error" or "connection_error", code = "store_failed",
    message = ("the store on Redis at %s: %s."):format(self.place, problem) }
end

-- Whether a script is to be sent again: whole, since the server does not know it (any more); or because a connection ended before the answer.
-- `run` is what is remembered of its tries.
local function again(run, word, problem)
  if word == "refused" and not run.whole and problem:find "^NOSCRIPT" then
    run.whole = true
    return true
  elseif word == "lost" and not run.lost then
    run.lost = true
    return true
  end
  run.stale = (run.stale or 0) + (word == "stale" and 1 or 0)
  return word == "stale" and run.stale <= STALE_MAX
end

local function words_of(script, run)
  if run.whole then
    return "EVAL", script.text
  end
  return "EVALSHA", script.sha1
end

local function check_open(self)
  if not self.link then
    errors.misuse { message = "the store is closed." }
  end
end

-- Has a script carried out, and waits. Returns its values, or nil and an error.
local function perform(self, timeout, script, key, ...)
  check_open(self)
  local link, run = self.link, {}
  local due = link.now() + timeout
  local values, word, problem
  repeat
    local how, text = words_of(script, run)
    values, word, problem = link:command(math.max(0.001, due - link.now()), how, text, 1, key, ...)
  until values or not again(run, word, problem)
  if values then
    return values
  end
  return nil, failure(self, word, problem)
end

-- The same without waiting: done(values | nil, err) is called from the loop's turn.
local function begin(self, timeout, done, script, key, ...)
  check_open(self)
  local link, run, rest = self.link, {}, compat.pack(...)
  local due = link.now() + timeout
  local function try()
    local how, text = words_of(script, run)
    local sent, reason = link:begin(function(values, word, problem)
      if values then
        done(values)
      elseif self.link and again(run, word, problem) then
        try()
      else
        done(nil, failure(self, word, problem))
      end
    end, math.max(0.001, due - link.now()), how, text, 1, key, compat.unpack(rest, 1, rest.n))
    if not sent then
      done(nil, failure(self, "away", reason))
    end
  end
  try()
end

-- ---- what has been handled ----

-- Has a script of replay protection carried out. Nil when it was not, and everything is to be let through.
local function replay(self, script, id, ...)
  local values, err = perform(self, self.timeout, script, self.prefix .. "event:" .. arguments.key(id), ...)
  if values then
    self.is_away = false
    return values[1]
  end
  if not self.is_away and self.on_error then
    self.is_away = true
    self.on_error(err)
  end
  if self.replay == "closed" then
    error(err, 0)
  end
  return nil
end

local function milliseconds(name, seconds)
  return ("%.0f"):format(math.ceil(arguments.seconds(name, seconds) * 1000))
end

local function scripts()
  return require "gitdev.store.redis.scripts"
end

function redis:seen(id, ttl)
  return replay(self, scripts().seen, id, "done " .. core.random_id(16), milliseconds("ttl", ttl)) == 1
end

function redis:claim(id, lease)
  local token = core.random_id(16)
  local state = replay(self, scripts().claim, id, "claim " .. token, milliseconds("lease", lease))
  if state == nil or state == "mine" then
    return token
  end
  return nil, state
end

function redis:confirm(id, ttl)
  replay(self, scripts().confirm, id, "done " .. core.random_id(16), milliseconds("ttl", ttl))
end

function redis:release(id, token)
  replay(self, scripts().release, id, "claim " .. arguments.token(token))
end

-- ---- a rate limit ----

local function grant_of(self, values)
  local grant = type(values[1]) == "string" and json.decode(values[1])
  if type(grant) == "table" then
    return grant
  end
  return nil, failure(self, "refused", "its answer is no grant")
end

---A share of a rate limit: see gitdev.store.bucket. Whether it fails is the client's to report.
function redis:take(name, report)
  local script = scripts().take
  local values, err = perform(self, math.min(self.timeout, TAKE_MAX), script, self.prefix .. "rate:" .. name, json.encode(report), scripts().keep)
  local grant
  if values then
    grant, err = grant_of(self, values)
  end
  if not grant then
    error(err, 0)
  end
  return grant
end

---The same for those who cannot wait: done(grant | nil, err) is called once, from the loop's turn.
function redis:take_async(name, report, done)
  check_open(self)
  if not self.link.begin then
    error("there is no take_async in nginx: take yields", 2)
  end
  begin(self, math.min(self.timeout, TAKE_MAX), function(values, err)
    if values then
      done(grant_of(self, values))
    else
      done(nil, err)
    end
  end, scripts().take, self.prefix .. "rate:" .. name, json.encode(report), scripts().keep)
end

function redis:close()
  local link = self.link
  self.link = nil
  if link then
    link:close()
  end
end

return redis

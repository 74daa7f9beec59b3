-- A store (see gitdev.store) in one of nginx's shared dictionaries: for all workers of an nginx, over its reloads. Not for longer: a restart
-- empties it.
--
-- An id has one entry, whose end is the dictionary's to keep: its claim's token, or DONE. Nothing is ever pushed out for want of room: what does
-- not fit raises. Each method is a turn under a lock of the dictionary's own, which takes microseconds and never yields.
local arguments = require "gitdev.store.arguments"
local core = require "gitdev.core"
local errors = require "gitdev.error"

local shared = {}
shared.__index = shared

local ID, BUDGET, LOCK = "gitdev:id:", "gitdev:rate:", "gitdev:lock"
-- As long as a token: so a claim is confirmed in its place, which takes no memory.
local TOKEN_LENGTH = 16
local DONE = ("-"):rep(TOKEN_LENGTH)
local SHORTEST = 0.001 -- seconds that a dictionary can tell; what it takes for 0 is for ever
local SWEEP_SECONDS, SWEEP = 1, 1000

-- ---- the lock ----

-- Who holds the lock for so long (seconds) has been killed in the middle.
local STALE_SECONDS = 0.25

-- A number that nobody else adds, in sums that doubles hold exactly.
local function new_stamp()
  return math.floor(core.now() * 1e6) % 1e9 + 1
end

-- Waits until nobody holds the lock, and returns 0; or the stamp of one who has it for too long.
local function await(dict)
  local held, since = dict:get(LOCK), core.now()
  while held and held ~= 0 and core.now() - since < STALE_SECONDS do
    local now_held = dict:get(LOCK)
    if now_held ~= held then
      held, since = now_held, core.now()
    end
  end
  return held or 0
end

local function fail(message)
  error(errors.new { type = "config_error", code = "store_failed", message = message }, 0)
end

local function full(self)
  fail(("the shared dictionary %s is full: give it more memory (lua_shared_dict %s 10m; in nginx's configuration)."):format(self.name, self.name))
end

-- The lock is a number that is there always, so that it takes no memory: 0, or the stamp of who has it. Whoever wants it adds a stamp, and takes it
-- back if there was one: additions can come in any order. A dead holder's is taken off by who takes its place.
local function lock(self)
  local dict, mine, dead = self.dict, new_stamp(), 0
  while true do
    local value, wrong = dict:incr(LOCK, mine - dead)
    if value == mine then
      return mine
    elseif value then
      dict:incr(LOCK, dead - mine)
      dead = await(dict)
    elseif wrong ~= "not found" then
      fail(("the shared dictionary %s: its entry %s is not this library's: %s."):format(self.name, LOCK, tostring(wrong)))
    else -- somebody has emptied the dictionary
      local ok, problem = dict:safe_add(LOCK, 0)
      dead = (ok or problem == "exists") and 0 or full(self)
    end
  end
end

local function turn(self, action, ...)
  local mine = lock(self)
  local ok, first, second = pcall(action, self, ...)
  self.dict:incr(LOCK, -mine)
  if not ok then
    error(first, 0)
  end
  return first, second
end

-- ---- entries ----

-- The dictionary looks for what has ended only where it is oldest.
local function sweep(self)
  local now = core.now()
  if now < (self.sweep_at or 0) then
    return false
  end
  self.sweep_at = now + SWEEP_SECONDS
  return self.dict:flush_expired(SWEEP) > 0
end

-- `how`: "safe_set", or "safe_add" where nothing may stand yet. Whether it was put there.
local function put(self, how, key, value, seconds)
  local dict = self.dict
  repeat
    local ok, problem = dict[how](dict, key, value, math.max(seconds, SHORTEST))
    if ok or problem == "exists" then
      return ok
    elseif problem ~= "no memory" then
      fail(("the shared dictionary %s: %s."):format(self.name, tostring(problem)))
    end
  until not sweep(self)
  full(self)
end

-- Who stood still for so long that the lock was taken from it adds nothing to what another has put there meanwhile.
local function see(self, key, seconds)
  return not put(self, "safe_add", key, DONE, seconds)
end

local function claim(self, key, seconds, token)
  if put(self, "safe_add", key, token, seconds) then
    return token
  end
  return nil, self.dict:get(key) == DONE and "done" or "claimed"
end

local function confirm(self, key, seconds)
  local dict = self.dict
  if dict:get(key) ~= DONE or (dict:ttl(key) or 0) < seconds then
    put(self, "safe_set", key, DONE, seconds)
  end
end

local function release(self, key, token)
  if token ~= DONE and self.dict:get(key) == token then
    self.dict:delete(key)
  end
end

-- The rule is one for all stores. Its clock is the machine's, which all workers share.
local function visit(self, key, report, bucket)
  local grant, packed = bucket.take(self.dict:get(key), report, core.now())
  put(self, "safe_set", key, packed, bucket.KEEP)
  return grant
end

-- ---- the store ----

---@param name any  of a lua_shared_dict
---@return gitdev.Store|nil
---@return gitdev.Error|nil
function shared.new(name)
  if type(name) ~= "string" or name == "" then
    errors.misuse { code = "parameter_missing", param = "name", message = 'gitdev.store.shared takes a name: shared "gitdev".' }
  end
  local ngx = _G.ngx
  local dict = ngx and ngx.shared and ngx.shared[name]
  if not dict then
    local message = ("there is no shared dictionary %s: "):format(name) .. (ngx
      and ("put lua_shared_dict %s 10m; into the http block of nginx's configuration."):format(name)
      or "those are nginx's, and this is not nginx.")
    return nil, errors.new { type = "config_error", code = "store_failed", param = "name", message = message }
  end
  return setmetatable({ dict = dict, name = name, id = "shared " .. name }, shared)
end

function shared:seen(id, ttl)
  return (turn(self, see, ID .. arguments.key(id), arguments.seconds("ttl", ttl)))
end

function shared:claim(id, lease)
  return turn(self, claim, ID .. arguments.key(id), arguments.seconds("lease", lease), core.random_id(TOKEN_LENGTH))
end

function shared:confirm(id, ttl)
  turn(self, confirm, ID .. arguments.key(id), arguments.seconds("ttl", ttl))
end

function shared:release(id, token)
  turn(self, release, ID .. arguments.key(id), arguments.token(token))
end

---A share of a rate limit: see gitdev.store.bucket.
function shared:take(name, report)
  return (turn(self, visit, BUDGET .. name, report, require "gitdev.store.bucket"))
end

function shared.close() end

return shared

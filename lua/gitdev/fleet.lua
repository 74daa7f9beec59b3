-- A client's rate limit that is spent together with others, through a store (see docs/fleets.md). The machine says when the store is to be
-- visited, and what is to be told there (core's limit); the store's rule says what is granted (gitdev.store.bucket); a supply, here, goes between
-- the two, and says so once when the store is away. There is one for each limit and store, whatever clients there are: one limit through two stores
-- is two members, each of its store's fleet.
--
-- Under the loop a supply never waits: it visits when a call is begun, after each turn of the loop in which calls are under way, and when the
-- time has come that the store named. A driver with supplies = "driver" has it visit instead, by tend(), where it may wait: in nginx.
local errors = require "gitdev.error"

local fleet = {}

local supplies = setmetatable({}, { __mode = "v" }) -- by limit:id()

local supply = {}
supply.__index = supply

-- Seconds between visits to a store that is away: at first, and at most.
local PAUSE, PAUSE_MAX = 1, 10
local PATIENCE = 2.9 -- seconds

-- ---- telling that the store is away ----

local function warn(text)
  local ngx = _G.ngx
  if ngx then
    ngx.log(ngx.WARN, text)
  else
    require("gitdev.progress").print(text)
  end
end

local function error_of(problem)
  if type(problem) == "table" and problem.message then
    return problem
  end
  return errors.new { type = "config_error", code = "store_failed", message = "the store of the rate limit failed: " .. tostring(problem) }
end

-- Tells clients' hooks of an error, and their logs of the words that follow. What the program does when it hears of it must not end what the loop
-- does. Whether anybody has heard.
local function tell(self, err, ...)
  local heard = false
  for inner in pairs(self.clients) do
    local hook, note = inner.on_store_error, inner.note
    heard = heard or hook or note
    if note then
      note("store", ...)
    end
    local ok, problem = pcall(hook or type, err)
    if not ok then
      warn("gitdev: on_store_error failed: " .. tostring(problem))
    end
  end
  return heard
end

local function gone(self, problem)
  self.pause = self.away and math.min(self.pause * 2, PAUSE_MAX) or PAUSE
  self.limit:away(self.now() + self.pause)
  if self.away then
    return
  end
  self.away = true
  local err = error_of(problem)
  local meanwhile = self.store.pacing == "closed" and "nothing is sent" or "each paces itself"
  if not tell(self, err, "state", "away", "meanwhile", meanwhile, "code", err.code, "message", err.message) then
    warn("gitdev: the rate limit is not shared for now, " .. meanwhile .. ": " .. tostring(err))
  end
end

local function back(self)
  if not self.away then
    return
  end
  self.away = false
  for inner in pairs(self.clients) do
    if inner.note then
      inner.note("store", "state", "back")
    end
  end
end

-- ---- visits ----

-- The limits that a report or a grant tells.
local function words_of(told)
  return ("%g a minute, %g at once"):format(tonumber(told.per_minute) or 0, tonumber(told.burst) or 0)
end

-- One name for what has several limits: this member was told the same of its key twice, and in between, from another's, something else.
local function notice_mixture(self, report)
  if not report.asked then
    return
  end
  local own = words_of(report)
  if self.own == own and self.others and not self.is_mixed then
    self.is_mixed = true
    local message = "rate_limit_name %s: keys of different limits share it (%s here, %s elsewhere), so that neither is kept to: "
      .. "give each organization a name of its own."
    message = message:format(self.name:match "^[^:]*", own, self.others)
    local err = errors.new { type = "config_error", code = "limits_differ", param = "rate_limit_name", message = message }
    if not tell(self, err, "code", err.code, "message", err.message) then
      warn("gitdev: " .. tostring(err))
    end
  end
  self.own, self.others = own, nil
end

local function settle(self, grant, problem)
  if type(grant) == "table" and type(grant.granted) == "number" then
    self.limit:grant(self.now(), grant)
    if self.own and grant.per_minute and words_of(grant) ~= self.own then
      self.others = words_of(grant)
    end
    back(self)
  else
    gone(self, problem or "it granted nothing")
  end
  self.poke(self.limit)
end

-- Begins a visit to a store that has to wait. One that says nothing is given up just before the machine does.
local function begin_visit(self, report)
  local loop, store = require "gitdev.loop", self.store
  local over, timer, cancel
  local function finish(grant, problem)
    if not over then
      over = true
      loop.unschedule(timer)
      settle(self, grant, problem)
      self:tend()
    end
  end
  timer = loop.schedule(self.now() + PATIENCE, function()
    if type(cancel) == "function" then
      cancel()
    end
    finish(nil, "it did not answer for " .. PATIENCE .. " seconds")
  end)
  local ok, problem = pcall(store.take_async, store, self.name, report, finish)
  if ok then
    cancel = problem
  else
    finish(nil, problem)
  end
end

local function visit(self, report)
  local store = self.store
  notice_mixture(self, report)
  if self.is_async and store.take_async then
    begin_visit(self, report)
    return
  end
  local ok, grant = pcall(store.take, store, self.name, report)
  settle(self, ok and grant, not ok and grant)
end

---Makes the visits that are due.
---@return boolean  whether the machine has been told something, so that it may say something else
function supply:tend()
  local limit, told = self.limit, false
  local report, again = limit:report(self.now())
  while report do
    told = true
    visit(self, report)
    report, again = limit:report(self.now())
  end
  self.again = again
  self.watch(self)
  return told
end

-- ---- under the loop ----

local function on_time(self)
  self.timer = nil
  self:tend()
end

-- Whether a timer will fire. One that should have is of a loop that was closed, or is a fork's parent's.
local function is_set(self, timer)
  return timer and timer.action and timer.due >= self.now()
end

local function set_timer(self, loop, at)
  local timer = self.timer
  if is_set(self, timer) and timer.due <= at then
    return
  end
  loop.unschedule(timer)
  self.timer = loop.schedule(at, on_time, self)
end

-- The supplies of a world that have calls under way, as one service of its loop: it goes with the last call, so that a program that does nothing
-- has nothing to turn for.
local groups = setmetatable({}, { __mode = "v" }) -- by the driver's world

-- A service must not be taken out of the loop's list by itself.
local function rest(group)
  group.resting = nil
  if not group.busy[1] then
    require("gitdev.loop").unserve(group.service)
  end
end

-- From the end: whoever is done gives its place to the last, which has had its turn; who is new comes behind.
local function serve(group)
  local busy = group.busy
  for at = #busy, 1, -1 do
    local one = busy[at]
    if one then
      one:tend()
    end
    if one and busy[at] == one and not one.limit:busy() then
      one.is_served, busy[at] = false, busy[#busy]
      busy[#busy] = nil
    end
  end
  if not busy[1] and not is_set(group, group.resting) then
    group.resting = require("gitdev.loop").schedule(group.now(), rest, group)
  end
end

local function group_of(driver)
  local world = driver.world or "real"
  local group = groups[world] or { busy = {}, now = driver.clock or driver.now }
  group.service = group.service or function()
    serve(group)
  end
  groups[world] = group
  return group
end

-- After each visit that was due, or not: the loop is to come back to it.
local function watch(self)
  local loop, group = require "gitdev.loop", self.group
  if self.again then
    set_timer(self, loop, self.again)
  end
  if not self.limit:busy() then
    return
  end
  if not self.is_served then
    self.is_served = true
    group.busy[#group.busy + 1] = self
  end
  if not loop.serves(group.service) then
    loop.serve(group.service)
  end
end

local function poke(limit)
  require("gitdev.loop").poke(limit)
end

-- The driver of a client that is supplied by the loop.
local function tended(driver, self)
  local made = {}
  for _, name in ipairs { "perform", "start", "open" } do
    local how = driver[name]
    made[name] = how and function(call)
      self:tend()
      return how(call)
    end
  end
  return setmetatable(made, { __index = driver })
end

-- ---- making ----

local function nothing() end

local function new_supply(limit, driver)
  local by_loop = driver.supplies == "loop"
  return setmetatable({
    limit = limit,
    name = limit:name(),
    now = driver.clock or driver.now,
    clients = setmetatable({}, { __mode = "k" }), -- who is told when the store is away, and the store of each
    away = false,
    is_async = by_loop,
    poke = by_loop and poke or nothing,
    watch = by_loop and watch or nothing,
    group = by_loop and group_of(driver) or nil,
  }, supply)
end

---What is wrong with the options of a client that is to share its limit, or nil.
---@param given gitdev.ClientOptions
---@param driver table
---@return string|nil
function fleet.fault(given, driver)
  if given.rate_limit_name and not given.rate_limit_store then
    return "rate_limit_name: names a limit that is shared through a store: pass rate_limit_store as well."
  elseif given.rate_limit_store and driver.supplies ~= "loop" and driver.supplies ~= "driver" then
    return "rate_limit_store: this driver does not visit stores: see supplies in gitdev.driver.curl."
  end
  return nil
end

-- Numbers of stores: by the text that makes two of them one, or by the store itself.
local by_id, by_store, last = {}, setmetatable({}, { __mode = "k" }), 0

---A number that two stores have in common if they are one: the same table, or of the same id (see gitdev.store).
---@param store table
---@return integer
function fleet.number_of(store)
  local id = store.id
  local known, key = by_store, store
  if type(id) == "string" then
    known, key = by_id, ("%s %s"):format(store.pacing or "open", id)
  end
  if not known[key] then
    last = last + 1
    known[key] = last
  end
  return known[key]
end

---Has a client's calls wait for what the store grants.
---@param inner table  the client; changed
---@param given gitdev.ClientOptions
function fleet.join(inner, given)
  local limit = inner.made:limit()
  local id, driver = limit:id(), inner.driver
  local self = supplies[id] or new_supply(limit, driver)
  supplies[id] = self
  self.store = given.rate_limit_store
  self.clients[inner] = given.rate_limit_store
  inner.supply, inner.on_store_error = self, given.on_store_error
  if driver.supplies == "loop" then
    inner.driver = tended(driver, self)
    inner.perform = inner.driver.perform
  end
end

---A client is closed. Its store may be closed as well, so another's is visited from now on.
function fleet.leave(inner)
  local self = inner.supply
  self.clients[inner] = nil
  local _, other = next(self.clients)
  self.store = other or self.store
end

---What visits the store for a call; nil when its rate limit is not shared.
---@param call table  of core's
---@return table|nil
function fleet.of(call)
  return supplies[call:limit()]
end

return fleet

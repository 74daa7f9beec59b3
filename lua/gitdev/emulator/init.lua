--- The .git API, emulated: a request handler without sockets and without a clock of its own, so that a server, a virtual clock
-- or a test can drive it.
--
--     local emu = emulator.new { clock = function() return os.time() end }
--     local response = emu:handle { method = "GET", target = "/v2/projects", headers = { authorization = "Bearer " .. emu.api_key } }
local access = require "gitdev.emulator.organization.access"
local bucket = require "gitdev.emulator.store.bucket"
local catalog = require "gitdev.emulator.catalog"
local control = require "gitdev.emulator.control"
local core = require "gitdev.core"
local cursors = require "gitdev.emulator.store.cursors"
local dns = require "gitdev.emulator.domains.dns"
local endpoints = require "gitdev.emulator.webhooks.endpoints"
local environment = require "gitdev.emulator.deployments.environment"
local faults = require "gitdev.emulator.request.faults"
local folders = require "gitdev.emulator.git.folders"
local injection = require "gitdev.emulator.request.injection"
local keyring = require "gitdev.emulator.organization.keyring"
local limits = require "gitdev.api.limits"
local log = require "gitdev.emulator.deployments.log"
local pipeline = require "gitdev.emulator.request.pipeline"
local random = require "gitdev.emulator.store.random"
local refusal = require "gitdev.emulator.refusal"
local request_log = require "gitdev.emulator.request.request_log"
local router = require "gitdev.emulator.request.router"
local schedule = require "gitdev.schedule"
local schema = require "gitdev.schema"
local seed = require "gitdev.emulator.seed"
local snapshot = require "gitdev.emulator.snapshot"
local streams = require "gitdev.emulator.deployments.streams"
local tenant = require "gitdev.emulator.tenant"

local BASE = "/v2"
local CURSOR_SECRET_CHARS = 32
local STRANGERS_MAX = 1000
local SERVICE_RESTART = 1012
local STRANGER_PLAN = limits.plans.pro
local SEEDED_PROJECT = "my-app"

local emulator = {}
emulator.__index = emulator

local function report(text)
  io.stderr:write("gitdev emulator: ", text, "\n")
end

local DEFAULTS = {
  plan = "enterprise",
  rate_limit = true,
  auto_create_projects = false,
  build_ms = 2400,
  branches = { "main", "develop" },
  quotas = {},
  dns = { ["www.example.com"] = { CNAME = { "my-app.git.dev" } } },
  on_error = report,
}
local OPTIONAL = { clock = true, deliver = true, repositories = true, seed = true, state = true }

local function is_number(value)
  return type(value) == "number" and value >= 0 and value < math.huge
end

local function are_quotas(value)
  for _, limit in pairs(type(value) == "table" and value or { false }) do
    if not is_number(limit) then
      return false
    end
  end
  return true
end

local function options_of(given)
  local options = {}
  for name, value in pairs(DEFAULTS) do
    options[name] = value
  end
  for name, value in pairs(given) do
    if DEFAULTS[name] == nil and not OPTIONAL[name] then
      error(('emulator.new has no option "%s"'):format(tostring(name)), 3)
    end
    options[name] = value
  end
  if type(options.clock) ~= "function" then
    error("emulator.new needs clock: a function that returns Unix seconds", 3)
  elseif not limits.plans[options.plan] then
    error(('emulator.new: there is no plan "%s"; there are starter, pro, enterprise'):format(tostring(options.plan)), 3)
  elseif not is_number(options.build_ms) then
    error("emulator.new: build_ms must be a number of milliseconds from 0, got " .. tostring(options.build_ms), 3)
  elseif options.deliver ~= nil and type(options.deliver) ~= "function" then
    error("emulator.new: deliver must be a function, got a " .. type(options.deliver), 3)
  elseif options.repositories ~= nil and (type(options.repositories) ~= "string" or options.repositories == "") then
    error("emulator.new: repositories must be the path of a folder", 3)
  elseif not are_quotas(options.quotas) then
    error("emulator.new: quotas must be a table of numbers from 0, such as { projects = 3 }", 3)
  end
  local answers, problem = dns.read(options.dns)
  if not answers then
    error("emulator.new: dns: " .. problem, 3)
  end
  return options
end

-- ---- routes: the same for every emulator, made at first use ----

local routes

local function build_routes()
  local built = router.new()
  for _, op in ipairs(schema.operations()) do
    local operation = schema.operation(op)
    local run = catalog.operations[op]
    if run then
      built:add(operation.method, BASE .. operation.path, pipeline.route(operation, run, catalog.finders))
    end
  end
  return built
end

-- ---- making, resetting ----

-- A key that may do everything.
local function add_master_key(made, secret, kind)
  keyring.add(made, secret, { name = "The emulator's " .. kind .. " key", type = kind, projects = { "*" }, scopes = { "*" } })
end

local function add_tenant(self, livemode, public_key)
  local organization = seed.organization(self, self.options.plan, public_key, livemode)
  local made = tenant.new(self, organization, not self.options.rate_limit)
  self.tenants[livemode] = made
  add_master_key(made, public_key, "public")
  seed.project_with_repository(made, SEEDED_PROJECT)
  for _, begin in ipairs(catalog.beginnings) do
    begin(made)
  end
  return made
end

-- Tells whoever serves the emulator that what it knows of the next thing to happen may be wrong.
local function rouse(self)
  if self.on_ready then
    self.on_ready()
  end
end

--- Puts everything back to the beginning: things, faults, the log of requests, the skipped time, keys that were issued. Only
-- `api_key` and `public_key` stay, as clients hold them. Log streams are closed with 1012.
function emulator:reset()
  if self.streams then
    self.streams:close(SERVICE_RESTART, "the emulator was reset")
  end
  self.streams = streams.new(self)
  self.random = random.new(self.options.seed)
  self.schedule = schedule.new()
  self.faults = faults.new()
  self.log = request_log.new()
  self.endpoints = endpoints.new()
  self.keys, self.tenants, self.strangers, self.stranger_count = {}, {}, {}, 0
  self.skipped_ms, self.now_ms = 0, 0
  self.owed_ms, self.in_flight = 0, {}
  folders.begin(self)
  self:advance()
  local secret, public = keyring.secret(self, "secret", false), keyring.secret(self, "public", false)
  self.api_key, self.public_key = self.api_key or secret, self.public_key or public
  self.cursors = cursors.new(self.random:token(CURSOR_SECRET_CHARS))
  add_master_key(add_tenant(self, false, self.public_key), self.api_key, "secret")
  rouse(self)
end

-- ---- saving, loading ----

-- What the state hangs on. The options are the program's, and stay with it; the keys that clients hold are not forgotten either.
local ROOTS = {
  "random", "schedule", "faults", "log", "keys", "tenants", "strangers", "stranger_count", "skipped_ms", "now_ms", "cursors",
  "api_key", "public_key", "endpoints",
}

local function roots_of(self)
  local roots = {}
  for _, name in ipairs(ROOTS) do
    roots[name] = self[name]
  end
  return roots
end

--- The whole state as a text, for `restore`.
function emulator:dump()
  return snapshot.write(self, roots_of(self))
end

local function put_roots(self, roots)
  for _, name in ipairs(ROOTS) do
    self[name] = roots[name]
  end
end

-- Takes a state's roots over; the keys that are held now open what the state's own did.
local function adopt(self, roots)
  local api_key, public_key = self.api_key, self.public_key
  put_roots(self, roots)
  self.keys[api_key] = self.keys[api_key] or self.keys[self.api_key]
  self.keys[public_key] = self.keys[public_key] or self.keys[self.public_key]
  self.api_key, self.public_key = api_key, public_key
end

-- The first root that a state lacks; nil: it has them all.
local function find_gap(self, roots)
  for _, name in ipairs(ROOTS) do
    if type(roots[name]) ~= type(self[name]) then
      return name
    end
  end
  return getmetatable(roots.tenants[false]) ~= tenant and "tenants" or nil
end

-- What was under way when the state was written has nobody any more who answers: time waits for none of it.
local function continue(self, roots)
  adopt(self, roots)
  self.owed_ms, self.in_flight = 0, {}
  folders.restore(self)
  local behind = self.now_ms - math.floor(self.options.clock() * 1000 + 0.5) - self.skipped_ms
  self.skipped_ms = self.skipped_ms + math.max(0, behind)
  self:advance()
end

--- Puts a state that `dump` wrote in the place of the present one. Time goes on from when it was written, or from now if that is later;
-- `api_key` and `public_key` stay, and open what the state's own did; log streams are closed with 1012. Returns true, or nil and a sentence; then
-- nothing has changed.
function emulator:restore(text)
  local roots, problem = snapshot.read(self, text)
  local gap = roots and find_gap(self, roots)
  if not roots or gap then
    return nil, problem or ("This state is damaged: its %s are not there."):format(gap)
  end
  local before, owed_ms, in_flight = roots_of(self), self.owed_ms, self.in_flight
  local open_streams = self.streams
  self.streams = streams.new(self)
  local ok, cause = pcall(continue, self, roots)
  if ok then
    open_streams:close(SERVICE_RESTART, "another state was restored")
    rouse(self)
    return true
  end
  put_roots(self, before)
  self.streams = open_streams
  self.owed_ms, self.in_flight = owed_ms, in_flight
  folders.restore(self)
  if cause == "interrupted" then
    error(cause, 0)
  end
  return nil, "This state is damaged: " .. tostring(cause) .. "."
end

--- Saves the state in a file: written beside it and renamed, so that there is always a whole one. Returns true, or nil and a problem.
function emulator:save(path)
  local text, part = self:dump(), path .. "." .. core.random_id(8) .. ".part"
  local file, problem = io.open(part, "wb")
  if not file then
    return nil, problem
  end
  local written
  written, problem = file:write(text)
  local closed, cause = file:close()
  if written and closed then
    written, problem = os.rename(part, path)
  end
  if not (written and closed) then
    os.remove(part)
    return nil, problem or cause
  end
  return true
end

--- Restores what `save` left in a file. Returns true, or nil and a problem.
function emulator:load(path)
  local file, problem = io.open(path, "rb")
  if not file then
    return nil, problem
  end
  local text = file:read "*a"
  file:close()
  local ok, cause = self:restore(text or "")
  return ok, cause and path .. ": " .. cause
end

--- Makes an emulator. Options:
--   clock                 function() -> Unix seconds, with a fraction (required)
--   plan                  "enterprise", "pro" or "starter"
--   rate_limit            false: the bucket never empties
--   seed                  number or text: ids and keys are the same in every run
--   auto_create_projects  true: deploying to an unknown slug makes the project
--   build_ms              2400: from the start of a build to live
--   branches              { "main", "develop" }: what the repository of my-app begins with, and that of every project made by itself
--   repositories          a folder: each repository is a bare one there, which the git program reads
--   quotas                { projects = n, deployments = n, webhooks = n }: beyond them 403 plan_limit_reached
--   deliver               function(request, done): sends a webhook delivery, see gitdev.emulator.webhooks.deliveries; without it nothing leaves the
--                         emulator, and answers come from the table that endpoint() fills
--   state                 a file's path: `POST /_emulator/save` saves there (see save)
--   on_error              function(text): called when the emulator itself fails (it answers 500 then)
-- The result has `api_key` and `public_key`.
function emulator.new(options)
  routes = routes or build_routes()
  local self = setmetatable({ options = options_of(options or {}) }, emulator)
  self.build_ms = self.options.build_ms
  self:reset()
  return self
end

-- ---- time ----

--- Where the clock is, in the emulator's epoch milliseconds: `now_ms` once all that is due has happened.
function emulator:present()
  return math.floor(self.options.clock() * 1000 + 0.5) + self:lead_ms()
end

-- The schedule with the next timer, and when that is due. What happens to a thing comes before what its streams tell of it.
local function next_timer(self)
  local timers, due = self.schedule, self.schedule:next_due()
  for _, theirs in ipairs { self.streams.schedule, self.streams.beats } do
    local at = theirs:next_due()
    if at and (not due or at < due) then
      timers, due = theirs, at
    end
  end
  return timers, due
end

-- The next timer that is due at `now`, or nil. Streams send what they have before time goes on, but not before each of a thousand heartbeats: who
-- waits for an answer waits for all of it.
local function take_timer(self, now)
  local timers, due = next_timer(self)
  if due and due <= now and due > self.now_ms and timers ~= self.streams.beats then
    self.streams:serve()
    timers = next_timer(self)
  end
  return timers:take(now)
end

local function go_on(self)
  self.streams:settle()
  local now = math.max(self:present(), self.now_ms)
  local timer = take_timer(self, now)
  while timer do
    self.now_ms = math.max(self.now_ms, timer.due)
    timer.action(timer.subject)
    timer.action, timer.subject = nil, nil -- whoever holds it still holds no more than that
    self.streams:settle()
    timer = take_timer(self, now)
  end
  self.now_ms = now
end

--- Brings the world to the time of the clock: all that is due happens, each at its own time. A clock that steps back stops it.
--
-- Requests that the option `deliver` sends take real time, and what follows from them begins with their answers. So time that is moved ahead
-- (`skip`) goes from one thing that is due to the next, and goes no further while such a request is under way (`in_flight`, a set): what is
-- owed, `owed_ms`, follows when it is answered. Meanwhile the clock runs as ever, and nothing else waits.
function emulator:catch_up()
  self.advancing = true
  go_on(self)
  while self.owed_ms > 0 and not next(self.in_flight) do
    local due = self.schedule:next_due()
    local ahead = due and math.max(0, due - self:present()) or self.owed_ms
    self.owed_ms = math.max(0, self.owed_ms - ahead)
    go_on(self)
  end
  self.advancing = false
end

--- Catches up, and has log streams send some of what they have to: more may be due at once.
function emulator:advance()
  self:catch_up()
  self.streams:serve()
end

--- When the next thing happens by itself: a time of the clock (Unix seconds), or nil.
function emulator:next_due()
  local due, streams_due = self.schedule:next_due(), self.streams:next_due()
  if streams_due and (not due or streams_due < due) then
    due = streams_due
  end
  return due and (due - self:lead_ms()) / 1000
end

--- How far the emulator's time is ahead of the clock.
function emulator:lead_ms()
  return self.skipped_ms - self.owed_ms
end

--- Moves the emulator's time ahead of the clock by so many milliseconds more. Returns how many are still to come, see `catch_up`: 0 but where
-- requests that `deliver` has sent are awaited.
function emulator:skip(ms)
  self.skipped_ms = self.skipped_ms + math.floor(ms)
  self.owed_ms = self.owed_ms + math.floor(ms)
  self:advance()
  rouse(self)
  return self.owed_ms
end

--- The emulator's time in whole Unix seconds.
function emulator:seconds()
  return math.floor(self.now_ms / 1000)
end

--- The emulator's time as an HTTP date.
function emulator:date()
  local seconds = self:seconds()
  if self.dated ~= seconds then
    self.dated, self.date_text = seconds, core.date(seconds)
  end
  return self.date_text
end

-- ---- what the pipeline and the handlers ask ----

--- The bucket of an address that fails to authenticate. Their number is bounded: when there are too many all begin anew.
function emulator:stranger(peer)
  local name = peer or "unknown"
  if not self.strangers[name] then
    if self.stranger_count == STRANGERS_MAX then
      self.strangers, self.stranger_count = {}, 0
    end
    self.strangers[name] = bucket.new(STRANGER_PLAN.per_minute, STRANGER_PLAN.burst, not self.options.rate_limit)
    self.stranger_count = self.stranger_count + 1
  end
  return self.strangers[name]
end

--- Whether the quota allows one more thing, where there are `count`.
function emulator:allows(name, count)
  local limit = self.options.quotas[name]
  return not limit or count < limit
end

--- Refuses with 403 `plan_limit_reached` when there are as many things as the quota allows.
function emulator:check_quota(name, count)
  if not self:allows(name, count) then
    local limit = self.options.quotas[name]
    refusal.raise("plan_limit_reached", { message = ("The plan allows %d %s."):format(limit, name), limit = limit })
  end
end

-- ---- for tests ----

local function project_ids(made, references)
  local ids = {}
  for index, reference in ipairs(references) do
    local project = made.things.project:find("slug", reference)
    ids[index] = project and project.id or reference
  end
  return ids
end

--- Issues a key and returns its secret. `spec` (all optional): type ("secret", "public"), livemode, projects (ids, slugs or "*"),
-- scopes ({ "deployments:read", … }), expires_at (Unix seconds), revoked (bool), name. The first live key opens the live data.
function emulator:issue_key(spec)
  spec = spec or {}
  local kind, livemode = spec.type or "secret", spec.livemode == true
  local made = self.tenants[livemode] or add_tenant(self, true, keyring.secret(self, "public", true))
  local projects, scopes = project_ids(made, spec.projects or { "*" }), {}
  for index, scope in ipairs(spec.scopes or { "*" }) do
    scopes[index] = scope
  end
  local secret = keyring.secret(self, kind, livemode)
  keyring.add(made, secret, {
    name = spec.name or "An issued key",
    type = kind,
    projects = projects,
    scopes = scopes,
    expires_at = spec.expires_at,
    revoked_at = spec.revoked and self:seconds() or nil,
  })
  return secret
end

--- Tells that a key was seen in clear, as on plain HTTP (contract 1.1): event `api_key.exposed`. `reference`: the key's id, its prefix, or the
-- secret itself. Returns whether that was a secret key still in force: only such a one can be exposed.
function emulator:expose_key(reference)
  self:advance()
  return keyring.expose(self, reference)
end

-- What is wrong with the changes of a key; nil when nothing is.
local function key_problem(changes)
  for _, name in ipairs { "scopes", "projects" } do
    if changes[name] ~= nil and type(changes[name]) ~= "table" then
      return name .. " must be a list"
    end
  end
  for _, scope in ipairs(changes.scopes or {}) do
    if not access.is_scope(scope) then
      return ('there is no scope "%s"'):format(tostring(scope))
    end
  end
  for _, name in ipairs { "expires_at", "revoked_at" } do
    if changes[name] ~= nil and not is_number(changes[name]) then
      return name .. " must be Unix seconds"
    end
  end
  return nil
end

--- Changes a key while it is used, as no operation does. `reference`: its id, its prefix or its secret. `changes`: scopes, projects (ids, slugs or
-- "*"), expires_at, revoked_at (Unix seconds). Returns true, or nil and a sentence.
function emulator:change_key(reference, changes)
  self:advance()
  local key, problem = keyring.find(self, reference), key_problem(changes)
  if not key or problem then
    return nil, problem or "there is no such key"
  end
  local made = self.tenants[key.livemode]
  keyring.change(made, key, {
    scopes = changes.scopes,
    projects = changes.projects and project_ids(made, changes.projects),
    expires_at = changes.expires_at,
    revoked_at = changes.revoked_at,
  })
  return true
end

--- What has happened in the last 30 days: a list of { id, type, timestamp, data } (contract 4.3).
function emulator:events(livemode)
  local made, list = self.tenants[livemode == true], {}
  if made then
    for event in made.things.event.all:walk() do
      list[#list + 1] = { id = event.id, type = event.type, timestamp = event.timestamp, data = event.data }
    end
  end
  return list
end

--- The requests of late, the oldest first: a list of { id, method, path, idempotency_key, status, op, replayed }.
function emulator:requests()
  return self.log:list()
end

--- Injects a fault (see docs/emulator.md). Raises if it makes no sense.
function emulator:fault(spec)
  local ok, problem = self.faults:add(spec)
  if not ok then
    error(problem, 2)
  end
end

--- Says how a webhook's url answers, see gitdev.emulator.endpoints. Raises if it makes no sense.
function emulator:endpoint(spec)
  local ok, problem = endpoints.add(self.endpoints, spec)
  if not ok then
    error(problem, 2)
  end
end

--- The webhook requests of late, the oldest first; `id`: only those of this webhook, delivery or event.
function emulator:sent(id)
  return endpoints.list(self.endpoints, id)
end

--- A stored thing by the name of its object and its id, or nil.
function emulator:find(object, id)
  for _, livemode in ipairs { false, true } do
    local made = self.tenants[livemode]
    local thing = made and made.things[object]:get(id)
    if thing then
      return thing
    end
  end
  return nil
end

-- The log of a thing, and the thing; nil if there is no such deployment or job.
local function log_of(self, id)
  for object, script in pairs(catalog.logs) do
    local thing = self:find(object, id)
    if thing then
      return log.of(thing, script), thing
    end
  end
  return nil
end

local function change_log(self, id, method, argument)
  self:advance()
  local lines, thing = log_of(self, id)
  if not lines then
    return nil, "There is no such deployment or job."
  end
  local ok, problem = lines[method](lines, self.now_ms, argument)
  self.streams:stir(thing)
  return ok, problem
end

--- Writes into the log of a deployment or a job; `spec` as gitdev.emulator.deployments.log has it. Returns true, or nil and a sentence.
function emulator:write_log(id, spec)
  return change_log(self, id, "write", spec)
end

--- Keeps no line of a log up to the number `seq`. Returns true, or nil and a sentence.
function emulator:expire_log(id, seq)
  return change_log(self, id, "expire", seq)
end

--- The environment that the process of a deployment gets: key -> value (contract 1.10); nil if there is no such deployment.
function emulator:environment(deployment_id)
  local deployment = self:find("deployment", deployment_id)
  return deployment and environment.process(deployment)
end

-- ---- requests ----

-- What a request leads to: see pipeline.handle. HEAD works wherever GET does (contract 1.1), and is one with it from here on.
local function locate(request)
  local path, query = request.target:match "^([^?]*)%??(.*)$"
  local found, values = routes:find(path)
  local method = request.method == "HEAD" and "GET" or request.method
  return {
    method = method,
    target = path,
    query_text = query,
    is_api = path == BASE or path:sub(1, #BASE + 1) == BASE .. "/",
    routes = found,
    route = found and found.by_method[method],
    values = values,
  }
end

local function answer(self, request, match, id, entry)
  local fault = self.faults:take(request.method, match.target, entry.op, request.upgrade == "good")
  local response
  if not fault or fault.execute then
    local late_ms = fault and fault.delay and math.ceil(fault.delay * 1000) or 0
    response, entry.replayed = pipeline.handle(self, request, match, id, late_ms)
  else
    response = { status = 200, headers = pipeline.basic_headers(self, id) }
  end
  if fault then
    injection.apply(fault, response, id)
  end
  return response
end

--- Answers a request. `request`: method, target, headers (lower-case names), body, peer (the client's address), upgrade (whether it is
-- a handshake of a WebSocket: "good", "malformed" or nil).
-- Returns { status, headers = { "Name", "value", … }, body }, and what an injected fault wants done with it: `delay` (seconds),
-- `drop` (close without an answer), `reset` (the same by a reset), `raw` (send these bytes, then close). With status 101 there are `stream`,
-- which must be attached or closed (see gitdev.emulator.deployments.log_stream), and `protocol`, the subprotocol selected, if any.
--
-- Streams want `advance` when the time of `next_due` has come. `on_ready`, a function that whoever serves the emulator may set, is called
-- when that is sooner than it was.
function emulator:handle(request)
  self:catch_up()
  local match = locate(request)
  if control.owns(match.target) then
    local response = control.handle(self, request.method, match.target, request.body)
    self.streams:notice()
    return response
  end
  local id = "req_" .. self.random:id()
  local entry = self.log:add(id, request, match.target, match.route and match.route.operation.op)
  local response = answer(self, request, match, id, entry)
  entry.status = not (response.drop or response.reset) and response.status or nil
  self.streams:notice()
  return response
end

return emulator

--- The .git API, emulated: a request handler without sockets and without a clock of its own, so that a server, a virtual clock
-- or a test can drive it.
--
--     local emu = emulator.new { clock = function() return os.time() end }
--     local response = emu:handle { method = "GET", target = "/v2/projects", headers = { authorization = "Bearer " .. emu.api_key } }
local access = require "gitdev.emulator.access"
local bucket = require "gitdev.emulator.bucket"
local catalog = require "gitdev.emulator.catalog"
local control = require "gitdev.emulator.control"
local core = require "gitdev.core"
local cursors = require "gitdev.emulator.cursors"
local environment = require "gitdev.emulator.environment"
local faults = require "gitdev.emulator.faults"
local injection = require "gitdev.emulator.injection"
local limits = require "gitdev.api.limits"
local pipeline = require "gitdev.emulator.pipeline"
local random = require "gitdev.emulator.random"
local refusal = require "gitdev.emulator.refusal"
local request_log = require "gitdev.emulator.request_log"
local router = require "gitdev.emulator.router"
local schedule = require "gitdev.schedule"
local schema = require "gitdev.schema"
local seed = require "gitdev.emulator.seed"
local snapshot = require "gitdev.emulator.snapshot"
local tenant = require "gitdev.emulator.tenant"

local BASE = "/v2"
local SECRET_CHARS, PUBLIC_CHARS = 32, 28
local STRANGERS_MAX = 1000
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
  on_error = report,
}
local OPTIONAL = { clock = true, seed = true, state = true }

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
  elseif not are_quotas(options.quotas) then
    error("emulator.new: quotas must be a table of numbers from 0, such as { projects = 3 }", 3)
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

local function add_key(self, spec)
  self.keys[spec.secret] = access.key(spec)
  return spec.secret
end

local function add_tenant(self, livemode, public_key)
  local organization = seed.organization(self, self.options.plan, public_key, livemode)
  local made = tenant.new(self, organization, not self.options.rate_limit)
  self.tenants[livemode] = made
  add_key(self, { secret = public_key, tenant = made, type = "public", projects = { "*" }, scopes = { "*" } })
  seed.project_with_repository(made, SEEDED_PROJECT)
  for _, begin in ipairs(catalog.beginnings) do
    begin(made)
  end
  return made
end

local function token(self, prefix, count)
  return prefix .. self.random:token(count)
end

--- Puts everything back to the beginning: things, faults, the log of requests, the skipped time, keys that were issued. Only
-- `api_key` and `public_key` stay, as clients hold them.
function emulator:reset()
  self.random = random.new(self.options.seed)
  self.schedule = schedule.new()
  self.faults = faults.new()
  self.log = request_log.new()
  self.keys, self.tenants, self.strangers, self.stranger_count = {}, {}, {}, 0
  self.skipped_ms, self.now_ms = 0, 0
  self:advance()
  local secret, public = token(self, "gsk_test_", SECRET_CHARS), token(self, "gpk_test_", PUBLIC_CHARS)
  self.api_key, self.public_key = self.api_key or secret, self.public_key or public
  self.cursors = cursors.new(self.random:token(SECRET_CHARS))
  local made = add_tenant(self, false, self.public_key)
  add_key(self, { secret = self.api_key, tenant = made, type = "secret", projects = { "*" }, scopes = { "*" } })
end

-- ---- saving, loading ----

-- What the state hangs on. The options are the program's, and stay with it; the keys that clients hold are not forgotten either.
local ROOTS = {
  "random", "schedule", "faults", "log", "keys", "tenants", "strangers", "stranger_count", "skipped_ms", "now_ms", "cursors",
  "api_key", "public_key",
}

--- The whole state as a text, for `restore`.
function emulator:dump()
  local roots = {}
  for _, name in ipairs(ROOTS) do
    roots[name] = self[name]
  end
  return snapshot.write(self, roots)
end

-- Takes a state's roots over; the keys that are held now open what the state's own did.
local function adopt(self, roots)
  local api_key, public_key = self.api_key, self.public_key
  for _, name in ipairs(ROOTS) do
    self[name] = roots[name]
  end
  self.keys[api_key] = self.keys[api_key] or self.keys[self.api_key]
  self.keys[public_key] = self.keys[public_key] or self.keys[self.public_key]
  self.api_key, self.public_key = api_key, public_key
end

--- Puts a state that `dump` wrote in the place of the present one. Time goes on from when it was written, or from now if that is later;
-- `api_key` and `public_key` stay, and open what the state's own did. Returns true, or nil and a sentence; then nothing has changed.
function emulator:restore(text)
  local roots, problem = snapshot.read(self, text)
  if not roots then
    return nil, problem
  end
  adopt(self, roots)
  local behind = self.now_ms - math.floor(self.options.clock() * 1000 + 0.5) - self.skipped_ms
  self.skipped_ms = self.skipped_ms + math.max(0, behind)
  self:advance()
  return true
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
--   branches              { "main", "develop" }: what every repository begins with
--   quotas                { projects = n, deployments = n }: beyond them 403 plan_limit_reached
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

--- Brings the world to the time of the clock: all that is due happens, each at its own time. A clock that steps back stops it.
function emulator:advance()
  local now = math.floor(self.options.clock() * 1000 + 0.5) + self.skipped_ms
  now = math.max(now, self.now_ms)
  local timer = self.schedule:take(now)
  while timer do
    self.now_ms = math.max(self.now_ms, timer.due)
    timer.action(timer.subject)
    timer = self.schedule:take(now)
  end
  self.now_ms = now
end

--- When the next thing happens by itself: a time of the clock (Unix seconds), or nil.
function emulator:next_due()
  local due = self.schedule:next_due()
  return due and (due - self.skipped_ms) / 1000
end

--- Moves the emulator's time ahead of the clock by so many milliseconds more.
function emulator:skip(ms)
  self.skipped_ms = self.skipped_ms + math.floor(ms)
  self:advance()
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

--- Refuses with 403 `plan_limit_reached` when there are as many things as the quota allows.
function emulator:check_quota(name, count)
  local limit = self.options.quotas[name]
  if limit and count >= limit then
    refusal.raise("plan_limit_reached", { message = ("The plan allows %d %s."):format(limit, name), limit = limit })
  end
end

-- ---- for tests ----

--- Issues a key and returns its secret. `spec` (all optional): type ("secret", "public"), livemode, projects (ids, slugs or "*"),
-- scopes ({ "deployments:read", … }), expires_at (Unix seconds), revoked (bool). The first live key opens the live data.
function emulator:issue_key(spec)
  spec = spec or {}
  local mode = spec.livemode and "live_" or "test_"
  local made = self.tenants[spec.livemode == true]
    or add_tenant(self, true, token(self, "gpk_live_", PUBLIC_CHARS))
  local projects = {}
  for index, reference in ipairs(spec.projects or { "*" }) do
    local project = made.things.project:find("slug", reference)
    projects[index] = project and project.id or reference
  end
  local is_public = spec.type == "public"
  return add_key(self, {
    secret = is_public and token(self, "gpk_" .. mode, PUBLIC_CHARS) or token(self, "gsk_" .. mode, SECRET_CHARS),
    tenant = made,
    type = spec.type or "secret",
    projects = projects,
    scopes = spec.scopes or { "*" },
    expires_at = spec.expires_at,
    revoked = spec.revoked,
  })
end

--- What has happened so far: a list of { id, type, timestamp, data } (contract 4.3).
function emulator:events(livemode)
  local made, list = self.tenants[livemode == true], {}
  for index, event in ipairs(made and made.log or {}) do
    list[index] = event
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
  local fault = self.faults:take(request.method, match.target, entry.op)
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

--- Answers a request. `request`: method, target, headers (lower-case names), body, peer (the client's address).
-- Returns { status, headers = { "Name", "value", … }, body }, and what an injected fault wants done with it: `delay` (seconds),
-- `drop` (close without an answer), `reset` (the same by a reset), `raw` (send these bytes, then close).
function emulator:handle(request)
  self:advance()
  local match = locate(request)
  if control.owns(match.target) then
    return control.handle(self, request.method, match.target, request.body)
  end
  local id = "req_" .. self.random:id()
  local entry = self.log:add(id, request, match.target, match.route and match.route.operation.op)
  local response = answer(self, request, match, id, entry)
  entry.status = not (response.drop or response.reset) and response.status or nil
  return response
end

return emulator

--- The .git API, emulated: a request handler without sockets and without a clock of its own, so that a server, a virtual clock
-- or a test can drive it.
--
--     local emu = emulator.new { clock = function() return os.time() end }
--     local response = emu:handle { method = "GET", target = "/v2/projects", headers = { authorization = "Bearer " .. emu.api_key } }
local bucket = require "gitdev.emulator.store.bucket"
local catalog = require "gitdev.emulator.catalog"
local control = require "gitdev.emulator.control"
local cursors = require "gitdev.emulator.store.cursors"
local endpoints = require "gitdev.emulator.webhooks.endpoints"
local faults = require "gitdev.emulator.request.faults"
local folders = require "gitdev.emulator.git.folders"
local injection = require "gitdev.emulator.request.injection"
local keyring = require "gitdev.emulator.organization.keyring"
local limits = require "gitdev.api.limits"
local pipeline = require "gitdev.emulator.request.pipeline"
local random = require "gitdev.emulator.store.random"
local refusal = require "gitdev.emulator.refusal"
local request_log = require "gitdev.emulator.request.request_log"
local router = require "gitdev.emulator.request.router"
local schedule = require "gitdev.schedule"
local schema = require "gitdev.schema"
local seed = require "gitdev.emulator.seed"
local settings = require "gitdev.emulator.settings"
local streams = require "gitdev.emulator.deployments.streams"
local tenant = require "gitdev.emulator.tenant"

local BASE = "/v2"
local CURSOR_SECRET_CHARS = 32
local STRANGERS_MAX = 1000
local STRANGER_PLAN = limits.plans.pro
local SEEDED_PROJECT = "my-app"

local emulator = {}
emulator.__index = emulator

for _, room in ipairs { "saving", "staging", "time" } do
  for name, method in pairs(require("gitdev.emulator." .. room)) do
    emulator[name] = method
  end
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

--- Tells whoever serves the emulator that what it knows of the next thing to happen may be wrong.
function emulator:rouse()
  if self.on_ready then
    self.on_ready()
  end
end

--- Puts everything back to the beginning: things, faults, the log of requests, the skipped time, keys that were issued. Only
-- `api_key` and `public_key` stay, as clients hold them. Log streams are closed with 1012.
function emulator:reset()
  if self.streams then
    self.streams:close(streams.SERVICE_RESTART, "the emulator was reset")
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
  self:rouse()
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
  local self = setmetatable({ options = settings.of(options or {}) }, emulator)
  self.build_ms = self.options.build_ms
  self:reset()
  return self
end

-- ---- what the pipeline and the handlers ask ----

--- What belongs to live data, or to test data. The live one is made when it is first wanted.
function emulator:tenant_of(livemode)
  return self.tenants[livemode] or add_tenant(self, livemode, keyring.secret(self, "public", livemode))
end

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

--- Answers a request that came in clear, whatever it is: with 403 (contract 1.1). A secret key in it counts as exposed. As `handle`.
function emulator:handle_plain(request)
  self:catch_up()
  local id = "req_" .. self.random:id()
  local entry = self.log:add(id, request, locate(request).target)
  keyring.overhear(self, request.headers.authorization)
  local refused = refusal.new("https_required", { message = "Use https. A key that was sent in clear is to be replaced." })
  local headers = pipeline.basic_headers(self, id)
  headers[#headers + 1], headers[#headers + 2] = "Content-Type", "application/json; charset=utf-8"
  entry.status = refused.status
  self.streams:notice()
  return { status = refused.status, headers = headers, body = refused:body(id) }
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

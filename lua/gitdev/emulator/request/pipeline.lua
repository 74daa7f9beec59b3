--- What happens to a request under /v2, in this order: authentication, idempotency, rate limit, path, scopes, form, values,
-- execution. Whatever says no raises a refusal; the first one is the answer.
local access = require "gitdev.emulator.organization.access"
local answers = require "gitdev.emulator.store.answers"
local core = require "gitdev.core"
local download = require "gitdev.emulator.request.download"
local input = require "gitdev.emulator.request.input"
local keyring = require "gitdev.emulator.organization.keyring"
local limits = require "gitdev.api.limits"
local meter = require "gitdev.emulator.organization.meter"
local paging = require "gitdev.emulator.request.paging"
local refusal = require "gitdev.emulator.refusal"
local schema = require "gitdev.schema"
local tickets = require "gitdev.emulator.organization.tickets"

-- Refusals of an execution that are kept under the idempotency key (contract 1.9).
local KEPT = { [409] = true, [422] = true }

local pipeline = {}

-- ---- what handlers are called with ----

--- A call: `emulator`, `tenant`, `key`, `operation`, `things` (path parameter -> thing), `path` (path parameter -> text), `query`,
-- `body` (both checked, with defaults; null is core.null).
local call = {}
call.__index = call

--- One page of `things`; see paging.page.
function call:page(things, where, matches)
  return paging.page(self, things, where, matches)
end

--- One page of a plain list; see paging.rows.
function call:rows(items, key_of, matches)
  return paging.rows(self, items, key_of, matches)
end

--- Restricts `where` to the projects that the key holds. `field`: the field of the things that has a project's id.
function call:only_visible(where, field)
  if where[field] == nil and not access.sees_all(self.key) then
    where[field] = self.key.projects
  end
  return where
end

--- The project that an id or slug names, if the key sees it; else nil.
function call:project(reference)
  local projects = self.tenant.things.project
  local found = projects:get(reference) or projects:find("slug", reference)
  return found and access.sees(self.key, found.id) and found or nil
end

--- Notes which project the call is about: an answer kept under its idempotency key goes only to keys that hold that project.
function call:about(project_id)
  self.project_id = project_id
end

--- A project that the call has made joins what its key holds (contract 1.4).
function call:admit(project)
  access.admit(self.key, project.id)
  self:about(project.id)
end

--- The id to filter by for a project that a query names: an unknown one, or one that the key does not hold, matches nothing.
-- Lists put it in the place of the reference, so that cursors are bound to the project and not to how it was named.
function call:project_filter(reference)
  if reference == nil then
    return nil
  end
  local found = self:project(reference)
  return found and found.id or ""
end

-- ---- the steps ----

local function refuse_path(routes, method)
  if not routes then
    refusal.raise("resource_missing", { status = 404, message = "There is nothing at this path." })
  end
  local allow = {}
  for _, known in ipairs(routes.methods) do
    allow[#allow + 1] = known
    allow[#allow + 1] = known == "GET" and "HEAD" or nil
  end
  local list = table.concat(allow, ", ")
  refusal.raise("method_not_allowed", {
    message = ("%s is not allowed here; there are: %s."):format(method, list),
    headers = { "Allow", list },
  })
end

local function charge(bucket, now)
  local taken, seconds = bucket:take(now)
  if not taken then
    refusal.raise("rate_limited", {
      message = ("Too many requests: the next one is allowed in %d s."):format(seconds),
      headers = { "Retry-After", ("%d"):format(seconds) },
    })
  end
end

-- What a request costs the organization: a token, and one more in what its plan counts.
local function charge_tenant(self)
  charge(self.tenant.bucket, self.emulator.now_ms)
  self.counts = true
end

-- Requests that fail with 401 are counted by client address, in a bucket that no header shows (contract 1.11).
local function refuse_stranger(self, refused)
  charge(self.emulator:stranger(self.request.peer), self.emulator.now_ms)
  error(refused, 0)
end

local function find_things(self)
  for index, finder in ipairs(self.route.finders) do
    local param, value = finder.param, self.values[index]
    self.path[param] = value
    local thing = finder.find and finder.find(self, value)
    local project_id = thing and (param == "project" and thing.id or thing.project_id)
    if finder.find and not (thing and access.sees(self.key, project_id)) then
      local message = ("There is no such %s, or this key does not hold its project."):format(param)
      refusal.raise("resource_missing", { status = 404, message = message })
    end
    self.things[param] = thing
    self.project_id = project_id or self.project_id
  end
end

-- ---- answers ----

local function encoded(fields, thing)
  local private = thing.private
  if not private then
    return schema.encode(fields, thing)
  end
  local text = private.encoded
  if not text then
    text = schema.encode(fields, thing)
    private.encoded = text
  end
  return text
end

local function encoded_page(fields, page)
  local items = {}
  for index, thing in ipairs(page.data) do
    items[index] = encoded(fields, thing)
  end
  local cursor = page.next_cursor
  return ('{"object":"list","data":[%s],"has_more":%s,"next_cursor":%s}'):format(
    table.concat(items, ","), tostring(cursor ~= nil), cursor and '"' .. cursor .. '"' or "null"
  )
end

-- Answers the status, the body, and for bytes the headers that they come with.
local function execute(self)
  local route = self.route
  local result, status = route.run(self)
  if route.is_stream then
    self.stream = result
    return route.status
  elseif route.is_download then
    return download.answer(self.request.headers, self.request.method ~= "HEAD", result)
  end
  status = status or route.status
  if not route.fields then
    return status
  elseif route.is_list then
    return status, encoded_page(route.fields, result)
  end
  return status, encoded(route.fields, result)
end

-- ---- idempotency (contract 1.9) ----

local function reused()
  return refusal.new("idempotency_key_reused", {
    message = "This idempotency key was used with another body: use a new one for a new request.",
  })
end

local function in_use(entry, now)
  local seconds = math.max(1, math.ceil((entry.running_until - now) / 1000))
  return refusal.new("idempotency_key_in_use", {
    message = "The first request with this idempotency key is still running.",
    headers = { "Retry-After", ("%d"):format(seconds) },
  })
end

-- Whether the key that asks could have made the request that `entry` is the answer to.
local function is_entitled(self, entry)
  return access.permits(self.key, self.route.requirement) and access.sees(self.key, entry.project_id)
end

-- Answers a request whose idempotency key is known; nothing is executed again. This comes before all else, as the thing may be
-- gone that the path names; a replay is free, and all other answers cost what an answer costs (contract 1.11). A key that could
-- not have made the request learns what it would have learned without the idempotency key.
local function answer_known(self, entry)
  local now, problem = self.emulator.now_ms, nil
  if entry.fingerprint ~= self.fingerprint then
    problem = reused()
  elseif entry.running_until > now then
    problem = in_use(entry, now)
  elseif is_entitled(self, entry) then
    self.id, self.replayed = entry.request_id, true
    return entry.status, entry.body
  end
  charge_tenant(self)
  if problem then
    error(problem, 0)
  end
  find_things(self)
  access.require(self.key, self.route.requirement)
  return refusal.raise("resource_missing", {
    status = 422,
    message = "The first request with this idempotency key was about a project that this API key does not hold.",
  })
end

-- Runs the operation, and keeps its answer if it is one to keep.
local function execute_once(self)
  local ok, status, body = pcall(execute, self)
  if not ok then
    local refused = status
    if not (refusal.is(refused) and KEPT[refused.status]) then
      error(refused, 0)
    end
    status, body = refused.status, refused:body(self.id)
  end
  local now = self.emulator.now_ms
  self.tenant.answers:keep(self.name, {
    fingerprint = self.fingerprint,
    status = status,
    body = body,
    request_id = self.id,
    project_id = self.project_id,
    running_until = now + self.late_ms,
  }, now)
  return status, body
end

-- ---- the whole ----

-- The key that came with the request. Where a stream opens, a ticket stands in for it (contract 2.5).
local function credential(self)
  local ticket = self.route and self.route.is_stream and input.one(self.query_text, "ticket")
  if ticket then
    return tickets.key(self.emulator, ticket, self.values[1])
  end
  return keyring.authenticate(self.emulator, self.request.headers.authorization)
end

-- Who asks; sets `key` and `tenant`. Raises 401, also where there is nothing: a stranger does not learn which paths there are.
local function authenticate(self)
  local emulator = self.emulator
  local key, refused = credential(self)
  if key and key.type == "public" and not (self.route and self.route.public) then
    key, refused = nil, keyring.public_refusal()
  end
  if not key then
    refuse_stranger(self, refused)
  end
  keyring.touch(key, emulator:seconds())
  self.key, self.tenant = key, emulator.tenants[key.livemode]
end

-- The idempotency key, if the request has one and its verb heeds it. Returns the refusal of a malformed one, to be raised in its
-- turn.
local function read_key(self)
  local header = self.request.headers["idempotency-key"]
  if self.method == "GET" or header == nil then
    return nil
  end
  local ok, key = pcall(input.idempotency_key, header)
  if not ok then
    return key
  end
  self.name = answers.name(self.method, self.target, key)
  self.fingerprint = core.sha256(self.request.body or "")
  return nil
end

local function run(self)
  local route = self.route
  if not self.is_api then
    refuse_path()
  end
  authenticate(self)
  local malformed_key = route and read_key(self)
  local known = self.name and self.tenant.answers:find(self.name, self.emulator.now_ms)
  if known then
    return answer_known(self, known)
  end
  if not (route and route.free) then
    charge_tenant(self)
  end
  if not route then
    refuse_path(self.routes, self.request.method)
  end
  find_things(self)
  access.require(self.key, self.route.requirement)
  if malformed_key then
    error(malformed_key, 0)
  end
  self.query = input.query(route.operation, self.query_text)
  if self.method ~= "GET" then
    self.body = input.body(route.operation, self.request.headers, self.request.body)
  end
  return (self.name and execute_once or execute)(self)
end

local function add(headers, more)
  for _, item in ipairs(more or {}) do
    headers[#headers + 1] = item
  end
end

-- `is_json`: whether there is a body that says nothing of its own type.
local function response_headers(self, is_json)
  local emulator = self.emulator
  local headers = { "Date", emulator:date(), "X-Request-Id", self.id, "X-Git-Version", limits.version }
  if is_json then
    headers[7], headers[8] = "Content-Type", "application/json; charset=utf-8"
  end
  if self.tenant then
    local remaining, full_at = self.tenant.bucket:state(emulator.now_ms)
    local count = #headers
    headers[count + 1], headers[count + 2] = "X-RateLimit-Remaining", ("%d"):format(remaining)
    headers[count + 3], headers[count + 4] = "X-RateLimit-Reset", ("%d"):format(full_at)
  end
  if self.replayed then
    add(headers, { "Idempotent-Replayed", "true" })
  end
  if self.route and self.route.public then
    add(headers, { "Access-Control-Allow-Origin", "*" })
  end
  return headers
end

--- The headers that every answer carries, also an injected one: flat { "Name", "value", … }.
function pipeline.basic_headers(emulator, request_id)
  return { "Date", emulator:date(), "X-Request-Id", request_id, "X-Git-Version", limits.version }
end

-- A browser asks first whether it may send Authorization; only the public operations let it (contract 1.1).
local function preflight(self)
  local headers = pipeline.basic_headers(self.emulator, self.id)
  add(headers, {
    "Access-Control-Allow-Origin", "*", "Access-Control-Allow-Methods", "GET", "Access-Control-Allow-Headers",
    "Authorization", "Access-Control-Max-Age", "600",
  })
  return { status = 204, headers = headers }
end

local function failure(self, caught)
  if caught == "interrupted" then
    error(caught, 0) -- what the host raises for a signal: it ends the program, and is no failure of the emulator
  end
  if not refusal.is(caught) then
    self.emulator.options.on_error(tostring(caught))
    caught = refusal.new("internal_error", { message = "The emulator failed: " .. tostring(caught) })
  end
  return caught.status, caught:body(self.id), caught.details.headers
end

local function is_preflight(self)
  local get = self.routes and self.routes.by_method.GET
  return self.request.method == "OPTIONS" and get and get.public and self.request.headers.origin
end

--- Answers a request. `request`: method, headers, body, peer. `match`: what its method and target lead to, as the emulator
-- located it: `method` (GET for HEAD), `target` (the path), `query_text`, `is_api` (whether it is under /v2), `routes` and `values`
-- as the router found them, `route` (the one for the method).
-- `id`: the request's id. `late_ms`: how long an injected fault will hold the answer back.
-- Returns { status, headers, body }, and whether the answer was a stored one; with status 101 also `stream` (see
-- gitdev.emulator.deployments.log_stream) and its `protocol`, if one was selected.
function pipeline.handle(emulator, request, match, id, late_ms)
  local self = setmetatable({
    emulator = emulator,
    request = request,
    method = match.method,
    target = match.target,
    query_text = match.query_text,
    is_api = match.is_api,
    routes = match.routes,
    route = match.route,
    operation = match.route and match.route.operation,
    values = match.values,
    id = id,
    late_ms = late_ms,
    things = {},
    path = {},
  }, call)
  if is_preflight(self) then
    return preflight(self)
  end
  local ok, status, body, more = pcall(run, self)
  local is_download = ok and more ~= nil
  if not ok then
    status, body, more = failure(self, status)
  end
  if self.counts then
    meter.add(self.tenant, "api_requests", self.project_id, 1)
  end
  local headers = response_headers(self, body ~= nil and not is_download)
  add(headers, more)
  local response = { status = status, headers = headers, body = body }
  if self.stream then
    response.stream, response.protocol = self.stream, self.stream.protocol
  end
  return response, self.replayed
end

-- ---- routes ----

local function finders_of(operation, find)
  local finders = {}
  for index, param in ipairs(operation.path_params) do
    finders[index] = { param = param.name, find = find[param.name] }
  end
  return finders
end

--- The route of an operation: all that is known of it before a request comes. `run`: its handler; `find`: path parameter ->
-- function(call, text) that finds the thing.
function pipeline.route(operation, run_operation, find)
  local object = operation.returns and schema.object(operation.returns)
  return {
    operation = operation,
    run = run_operation,
    finders = finders_of(operation, find),
    requirement = access.requirement(operation.scope),
    public = operation.public,
    free = operation.free,
    status = operation.status[1],
    is_list = operation.kind == "list",
    is_stream = operation.kind == "stream",
    is_download = operation.kind == "download",
    fields = object and object.fields,
  }
end

return pipeline

-- The methods of an emulator by which a test sets its scene, and looks behind it: what no operation of the API does.
local access = require "gitdev.emulator.organization.access"
local catalog = require "gitdev.emulator.catalog"
local endpoints = require "gitdev.emulator.webhooks.endpoints"
local environment = require "gitdev.emulator.deployments.environment"
local keyring = require "gitdev.emulator.organization.keyring"
local log = require "gitdev.emulator.deployments.log"
local settings = require "gitdev.emulator.settings"

local staging = {}

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
function staging:issue_key(spec)
  spec = spec or {}
  local kind, livemode = spec.type or "secret", spec.livemode == true
  local made = self:tenant_of(livemode)
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
function staging:expose_key(reference)
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
    if changes[name] ~= nil and not settings.is_number(changes[name]) then
      return name .. " must be Unix seconds"
    end
  end
  return nil
end

--- Changes a key while it is used, as no operation does. `reference`: its id, its prefix or its secret. `changes`: scopes, projects (ids, slugs or
-- "*"), expires_at, revoked_at (Unix seconds). Returns true, or nil and a sentence.
function staging:change_key(reference, changes)
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
function staging:events(livemode)
  local made, list = self.tenants[livemode == true], {}
  if made then
    for event in made.things.event.all:walk() do
      list[#list + 1] = { id = event.id, type = event.type, timestamp = event.timestamp, data = event.data }
    end
  end
  return list
end

--- The requests of late, the oldest first: a list of { id, method, path, idempotency_key, status, op, replayed }.
function staging:requests()
  return self.log:list()
end

--- Injects a fault (see docs/emulator.md). Raises if it makes no sense.
function staging:fault(spec)
  local ok, problem = self.faults:add(spec)
  if not ok then
    error(problem, 2)
  end
end

--- Says how a webhook's url answers, see gitdev.emulator.endpoints. Raises if it makes no sense.
function staging:endpoint(spec)
  local ok, problem = endpoints.add(self.endpoints, spec)
  if not ok then
    error(problem, 2)
  end
end

--- The webhook requests of late, the oldest first; `id`: only those of this webhook, delivery or event.
function staging:sent(id)
  return endpoints.list(self.endpoints, id)
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
function staging:write_log(id, spec)
  return change_log(self, id, "write", spec)
end

--- Keeps no line of a log up to the number `seq`. Returns true, or nil and a sentence.
function staging:expire_log(id, seq)
  return change_log(self, id, "expire", seq)
end

--- The environment that the process of a deployment gets: key -> value (contract 1.10); nil if there is no such deployment.
function staging:environment(deployment_id)
  local deployment = self:find("deployment", deployment_id)
  return deployment and environment.process(deployment)
end

return staging

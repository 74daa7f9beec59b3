--- contract 1.4, 2.1, 3.5
local access = require "gitdev.emulator.organization.access"
local distinct = require "gitdev.emulator.store.distinct"
local keyring = require "gitdev.emulator.organization.keyring"
local machine = require "gitdev.emulator.store.machine"
local nearest = require "gitdev.nearest"
local refusal = require "gitdev.emulator.refusal"

local ALL = "*"

-- The one answer that tells the secret.
local function with_secret(key, secret)
  local answer = {}
  for name, value in pairs(key) do
    answer[name] = value
  end
  answer.private, answer.secret = nil, secret
  return answer
end

local function add(faults, code, param, message)
  refusal.add(faults, { code = code, param = param, message = param .. message })
end

-- The ids of the projects that a body names.
local function project_ids(call, references, faults)
  local ids = {}
  for place, reference in ipairs(references) do
    local param = ("projects[%d]"):format(place)
    local project = reference ~= ALL and call:project(reference)
    if reference == ALL and #references > 1 then
      add(faults, "parameter_invalid", param, ": * is for all projects, and stands alone.")
    elseif reference ~= ALL and not project then
      add(faults, "resource_missing", param, (': there is no project "%s".'):format(reference))
    end
    ids[place] = project and project.id or reference
  end
  return distinct(ids)
end

local function check_scopes(scopes, is_limited, faults)
  for place, scope in ipairs(scopes) do
    local param = ("scopes[%d]"):format(place)
    if not access.is_scope(scope) then
      local near = nearest.of(scope, access.scopes)
      local hint = near and (' did you mean "%s"?'):format(near) or " see the scopes of the reference."
      add(faults, "parameter_invalid", param, (': there is no scope "%s":%s'):format(scope, hint))
    elseif is_limited and access.is_for_all_projects(scope) then
      add(faults, "parameter_invalid", param, (": %s is only for keys of all projects."):format(scope))
    end
  end
end

-- Only a key of all projects gets here, so it is by scopes alone that the one whose secret is told could be wider (contract 1.4).
local function refuse_escalation(key, scopes, param, deed)
  for _, scope in ipairs(scopes) do
    if not access.covers(key, scope) then
      refusal.raise("scope_escalation", {
        param = param,
        message = ("The key in use does not hold %s, and cannot %s."):format(scope, deed),
      })
    end
  end
end

local function create(call)
  local body, faults = call.body, {}
  local projects, scopes = project_ids(call, body.projects, faults), distinct(body.scopes)
  check_scopes(body.scopes, projects[1] ~= ALL, faults)
  if body.expires_at and body.expires_at <= call.tenant:seconds() then
    add(faults, "parameter_invalid", "expires_at", " must lie ahead.")
  end
  if faults[1] then
    refusal.unprocessable(faults)
  end
  refuse_escalation(call.key, scopes, "scopes", "give it to another")
  local secret = keyring.secret(call.emulator, body.type, call.tenant.organization.livemode)
  local key = keyring.add(call.tenant, secret, {
    name = body.name,
    type = body.type,
    projects = projects,
    scopes = scopes,
    expires_at = body.expires_at,
  })
  keyring.announce(call.tenant, key)
  return with_secret(key, secret)
end

local function list(call)
  local query = call.query
  return call:page(call.tenant.things.api_key, { type = query.type }, not query.include_revoked and function(key)
    return key.revoked_at == nil
  end)
end

-- Whether this is the key by which the organization is named in client apps.
local function names_organization(call, key)
  return call.emulator.keys[call.tenant.organization.public_key] == key
end

local function rotate(call)
  local key, tenant = call.things.api_key, call.tenant
  local status = keyring.status(key, tenant:seconds())
  if status ~= "active" then
    local _, allowed = machine.derived("api_key", "rotate")
    refusal.raise("invalid_state", {
      message = ("The key is %s: make a new one."):format(status),
      current_status = status,
      allowed_statuses = allowed,
    })
  end
  if key.type == "secret" then
    refuse_escalation(call.key, key.scopes, nil, "be told the secret of a key that does")
  end
  local is_name = names_organization(call, key)
  local secret = keyring.rotate(tenant, key, call.body.expire_previous_in)
  if is_name then
    tenant.organization.public_key, tenant.organization.private.encoded = secret, nil
  end
  return with_secret(key, secret)
end

local function delete(call)
  local key = call.things.api_key
  if key.revoked_at then
    refusal.raise("resource_missing", { status = 404, message = "This key was revoked already." })
  elseif key == call.key then
    refusal.raise("resource_in_use", { message = "This is the key in use: revoke it with another one." })
  elseif names_organization(call, key) then
    refusal.raise("resource_in_use", { message = "The organization goes by this key in client apps: rotate it instead." })
  end
  keyring.revoke(call.tenant, key)
end

local function expose(emulator, body)
  local reference = body.id or body.prefix
  if type(reference) ~= "string" then
    return 400, "Give the id or the prefix of a key."
  elseif not keyring.expose(emulator, reference) then
    return 404, "There is no such secret key in force."
  end
  return 204
end

local function change(emulator, body)
  local reference = body.id or body.prefix
  if type(reference) ~= "string" then
    return 400, "Give the id or the prefix of a key."
  end
  local ok, problem = emulator:change_key(reference, { scopes = body.scopes, projects = body.projects, expires_at = body.expires_at })
  if not ok then
    return 400, problem
  end
  return 204
end

return {
  collections = {
    api_key = { indexes = { "type" } },
  },
  find = {
    api_key = function(call, id)
      return call.tenant.things.api_key:get(id)
    end,
  },
  control = {
    { "POST", "^/_emulator/keys/expose$", expose },
    { "POST", "^/_emulator/keys/change$", change },
  },
  operations = {
    ["api_keys.list"] = list,
    ["api_keys.create"] = create,
    ["api_keys.rotate"] = rotate,
    ["api_keys.delete"] = delete,
  },
}

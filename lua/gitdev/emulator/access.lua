--- Who asks, and what they may do: keys (contract 1.3) and scopes (contract 1.4).
local refusal = require "gitdev.emulator.refusal"

local ALL = "*"
local ACCESS = { r = "read", w = "write" }

local access = {}

local function set_of(list)
  local set = {}
  for _, item in ipairs(list) do
    set[item] = true
  end
  return set
end

--- A key record. `spec`: secret, tenant, type ("secret" or "public"), projects (list of project ids, or { "*" }), scopes
-- (list), expires_at (Unix seconds), revoked (bool).
function access.key(spec)
  return {
    secret = spec.secret,
    tenant = spec.tenant,
    type = spec.type,
    projects = spec.projects,
    sees = set_of(spec.projects),
    holds = set_of(spec.scopes),
    expires_at = spec.expires_at,
    revoked = spec.revoked,
  }
end

--- What an operation asks for, from the contract's notation ("deployments:w"): the scope by its full name, and the scopes of
-- which holding one is enough. Nil stays nil: any key may.
function access.requirement(scope)
  if not scope then
    return nil
  end
  local name, letter = scope:match("^([%l_]+):(%l)$")
  local enough = { ALL, name .. ":write" }
  if letter == "r" then
    enough[3] = name .. ":read"
  end
  return { scope = name .. ":" .. ACCESS[letter], enough = enough }
end

function access.permits(key, requirement)
  if not requirement then
    return true
  end
  for _, scope in ipairs(requirement.enough) do
    if key.holds[scope] then
      return true
    end
  end
  return false
end

--- Raises 403 `insufficient_scope` if the key does not permit what `requirement` asks for.
function access.require(key, requirement)
  if not access.permits(key, requirement) then
    refusal.raise("insufficient_scope", {
      message = "This key lacks the scope " .. requirement.scope .. ".",
      required_scope = requirement.scope,
    })
  end
end

function access.sees_all(key)
  return key.sees[ALL] == true
end

--- Whether the key holds the project; things of no project are seen by every key of the organization.
function access.sees(key, project_id)
  return project_id == nil or key.sees[ALL] or key.sees[project_id] or false
end

--- Adds a project to what the key sees.
function access.admit(key, project_id)
  if not access.sees(key, project_id) then
    key.projects[#key.projects + 1] = project_id
    key.sees[project_id] = true
  end
end

local function unauthenticated(code, message)
  return nil, refusal.new(code, { message = message, headers = { "WWW-Authenticate", 'Bearer realm="git"' } })
end

local function usable(key, now_seconds)
  if key.revoked then
    return unauthenticated("api_key_revoked", "This API key was revoked.")
  elseif key.expires_at and key.expires_at <= now_seconds then
    return unauthenticated("api_key_expired", "This API key has expired.")
  end
  return key
end

--- The key that an Authorization header names, or nil and the refusal. `keys`: secret -> key.
function access.authenticate(keys, header, now_seconds)
  if header == nil or header == "" then
    return unauthenticated("api_key_missing", "Send an API key: Authorization: Bearer gsk_…")
  end
  local scheme, secret = header:match "^(%a+) +([^ ]+)$"
  if not scheme or scheme:lower() ~= "bearer" then
    return unauthenticated("api_key_invalid", "The Authorization header is not of the form Bearer gsk_…")
  end
  local key = keys[secret]
  if not key then
    return unauthenticated("api_key_invalid", "This API key is not known.")
  end
  return usable(key, now_seconds)
end

--- The refusal of a public key where only secret ones may go.
function access.public_refusal()
  local _, refused = unauthenticated("public_key_not_allowed", "A gpk_ key only names the organization: use a gsk_ key here.")
  return refused
end

return access

--- The life of the API keys (contract 1.3, 2.1, 3.5). The keys themselves are things of their tenant; here is the way from a secret to its key,
-- which is kept in one place for all tenants: `emulator.keys`, secret -> key. A secret is nowhere else, so that nothing can tell it.
local access = require "gitdev.emulator.organization.access"
local machine = require "gitdev.emulator.store.machine"
local refusal = require "gitdev.emulator.refusal"

local PREFIX_CHARS, LAST_CHARS = 13, 4
local CHARS = { secret = 32, public = 28 }
local BEGINNINGS = { secret = "gsk_", public = "gpk_" }

local keyring = {}

--- A new secret. `kind`: "secret" or "public".
function keyring.secret(emulator, kind, livemode)
  return BEGINNINGS[kind] .. (livemode and "live_" or "test_") .. emulator.random:token(CHARS[kind])
end

local function marks(secret)
  return { prefix = secret:sub(1, PREFIX_CHARS), last4 = secret:sub(-LAST_CHARS) }
end

--- Makes a key that `secret` opens, and returns it. `spec`: name, type, projects (a list of ids, or { "*" }), scopes, expires_at, revoked_at.
function keyring.add(tenant, secret, spec)
  local shown = marks(secret)
  local key = tenant:add(access.prepare {
    id = tenant:id "key",
    object = "api_key",
    name = spec.name,
    type = spec.type,
    prefix = shown.prefix,
    last4 = shown.last4,
    projects = spec.projects,
    scopes = spec.scopes,
    livemode = tenant.organization.livemode,
    created_at = tenant:seconds(),
    expires_at = spec.expires_at,
    revoked_at = spec.revoked_at,
    -- Secrets that the key had before, and when (epoch milliseconds) each stopped, or will stop.
    private = { replaced = {} },
  })
  tenant.emulator.keys[secret] = key
  return key
end

--- The status of contract 3.5 that a key is in.
function keyring.status(key, now_seconds)
  local ended = math.min(key.revoked_at or math.huge, key.expires_at or math.huge)
  if ended > now_seconds then
    return "active"
  end
  return ended == key.revoked_at and "revoked" or "expired"
end

-- ---- who asks ----

local function unauthenticated(code, message)
  return nil, refusal.new(code, { message = message, headers = { "WWW-Authenticate", 'Bearer realm="git"' } })
end

local function usable(emulator, secret, key)
  local replaced_ms = secret and key.private.replaced[secret]
  if key.revoked_at then
    return unauthenticated("api_key_revoked", "This API key was revoked.")
  elseif key.expires_at and key.expires_at <= emulator:seconds() then
    return unauthenticated("api_key_expired", "This API key has expired.")
  elseif replaced_ms and replaced_ms <= emulator.now_ms then
    return unauthenticated("api_key_revoked", "This API key was rotated: use its new secret.")
  end
  return key
end

-- The secret in an Authorization header, or nil.
local function secret_of(header)
  local scheme, secret = header:match "^(%a+) +([^ ]+)$"
  return scheme and scheme:lower() == "bearer" and secret or nil
end

--- The key that an Authorization header names, or nil and the refusal.
function keyring.authenticate(emulator, header)
  if header == nil or header == "" then
    return unauthenticated("api_key_missing", "Send an API key: Authorization: Bearer gsk_…")
  end
  local secret = secret_of(header)
  if not secret then
    return unauthenticated("api_key_invalid", "The Authorization header is not of the form Bearer gsk_…")
  end
  local key = emulator.keys[secret]
  if not key then
    return unauthenticated("api_key_invalid", "This API key is not known.")
  end
  return usable(emulator, secret, key)
end

--- Whether a key is still what it was when it was let in: the key, or nil and the refusal. `header`: the one that it came with; nil: a ticket
-- stood in for it.
function keyring.still(emulator, key, header)
  return usable(emulator, header and secret_of(header), key)
end

--- When a key that was let in with `header` (nil: by a ticket) stops by itself, in epoch milliseconds; nil if that is not known.
function keyring.ends_ms(key, header)
  local replaced_ms = header and key.private.replaced[secret_of(header)]
  local expires_ms = key.expires_at and key.expires_at * 1000
  return expires_ms and replaced_ms and math.min(expires_ms, replaced_ms) or expires_ms or replaced_ms
end

--- The refusal of a public key where only secret ones may go.
function keyring.public_refusal()
  local _, refused = unauthenticated("public_key_not_allowed", "A gpk_ key only names the organization: use a gsk_ key here.")
  return refused
end

--- The refusal of a stream ticket.
function keyring.ticket_refusal(message)
  local _, refused = unauthenticated("ticket_invalid", message)
  return refused
end

--- Notes that the key came with a request.
function keyring.touch(key, now_seconds)
  if key.last_used_at ~= now_seconds then
    key.last_used_at, key.private.encoded = now_seconds, nil
  end
end

-- ---- what becomes of a key ----

local function emit(tenant, key, on)
  for _, kind in ipairs((machine.derived("api_key", on))) do
    tenant:emit(kind, key)
  end
end

--- Tells that the key was made.
function keyring.announce(tenant, key)
  emit(tenant, key, "create")
end

--- Gives the key a new secret, and returns that; the old one goes on for `overlap` seconds.
function keyring.rotate(tenant, key, overlap)
  local keys, replaced = tenant.emulator.keys, key.private.replaced
  for secret, owner in pairs(keys) do
    if owner == key and not replaced[secret] then
      replaced[secret] = tenant:now() + overlap * 1000
    end
  end
  local secret = keyring.secret(tenant.emulator, key.type, key.livemode)
  keys[secret] = key
  tenant:set(key, marks(secret))
  emit(tenant, key, "rotate")
  return secret
end

--- Revokes the key. One that has expired already only gets its mark.
function keyring.revoke(tenant, key)
  local was_active = keyring.status(key, tenant:seconds()) == "active"
  tenant:set(key, { revoked_at = tenant:seconds() })
  if was_active then
    emit(tenant, key, "delete")
  end
end

--- The key with that id, or that prefix, or that very secret; nil if there is none.
function keyring.find(emulator, reference)
  if emulator.keys[reference] then
    return emulator.keys[reference]
  end
  for _, livemode in ipairs { false, true } do
    local tenant = emulator.tenants[livemode]
    for key in tenant and tenant.things.api_key.all:walk() or function() end do
      if key.id == reference or key.prefix == reference then
        return key
      end
    end
  end
  return nil
end

--- Changes what a key may do, and until when. `changes`: scopes, projects (lists), expires_at, revoked_at; those given.
function keyring.change(tenant, key, changes)
  for name, value in pairs(changes) do
    key[name] = value
  end
  access.prepare(key)
  tenant:touch(key)
end

--- Tells that a key was seen in clear (contract 1.1). `reference`: its id, its prefix, or the secret itself. Whether it was a secret key that is
-- still in force: others cannot be exposed, nor can a secret that was replaced.
function keyring.expose(emulator, reference)
  local key = keyring.find(emulator, reference)
  if not key or key.type ~= "secret" or not usable(emulator, reference, key) then
    return false
  end
  emit(emulator.tenants[key.livemode], key, "exposure")
  return true
end

--- Tells of the key in an Authorization header that came in clear, if it is one that can be exposed.
function keyring.overhear(emulator, header)
  local secret = header and secret_of(header)
  if secret and emulator.keys[secret] then
    keyring.expose(emulator, secret)
  end
end

return keyring

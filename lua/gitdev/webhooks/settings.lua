-- What receivers of every kind are told: secrets, and a store.
local errors = require "gitdev.error"

local settings = {}

local function misuse(param, message)
  errors.misuse { code = "parameter_invalid", param = param, message = message }
end

local STORE_METHODS = { "claim", "confirm", "release" }

---Raises when it is no store.
---@param store table
function settings.check_store(store)
  for _, name in ipairs(STORE_METHODS) do
    if type(store[name]) ~= "function" then
      misuse("store", "store has no function " .. name .. ": it must be one of gitdev.store's, or have the same methods.")
    end
  end
end

local function both(value, err)
  return value, err
end

-- An event of a body that was verified before: signed anew, so that there is one way to read one. Standard Webhooks sign an id beside the
-- body, and the event's own may not be one.
local function reviver(surface, secret, scheme)
  local first = type(secret) == "table" and secret[1] or secret
  return function(body)
    local header, err = surface.sign(body, first, { scheme = scheme, now = 0, id = "evt_0" })
    if not header then
      return nil, err
    end
    return surface.verify(body, header, first, { scheme = scheme, now = 0 })
  end
end

---The function that verifies. Whether the secrets are any is asked at once, before a delivery comes; raises what is wrong with the options.
---@param options table  secret or secrets, scheme, tolerance, clock
---@return (fun(body: string, headers: table): table|nil, gitdev.Error|nil)|nil verify
---@return gitdev.Error|nil
---@return (fun(body: string): table|nil, gitdev.Error|nil)|nil revive  reads a body that was verified before
function settings.verifier(options)
  if options.secret ~= nil and options.secrets ~= nil then
    misuse("secrets", "secret and secrets are the same: say one of them.")
  end
  local surface = require("gitdev.webhooks").new(both)
  local secret, scheme = options.secret or options.secrets or os.getenv "GIT_WEBHOOK_SECRET", options.scheme
  local sample = '{"id":"evt_0"}'
  for _, one in ipairs(type(secret) == "table" and secret[1] and secret or { secret or "" }) do
    local signed, err = surface.sign(sample, one, { scheme = scheme, now = 0 })
    if not signed then
      return nil, err
    end
  end
  local rules = { tolerance = options.tolerance, now = options.clock, scheme = scheme }
  surface.verify(sample, {}, secret, rules) -- raises what is wrong with the options
  local function verify(body, headers)
    return surface.verify(body, headers, secret, rules)
  end
  return verify, nil, reviver(surface, secret, scheme)
end

return settings

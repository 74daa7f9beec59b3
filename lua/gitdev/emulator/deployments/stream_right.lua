-- Whether a log's stream may go on: its key, its ticket's key, its thing and the log itself may come to their end meanwhile (contract 2.5).
local access = require "gitdev.emulator.organization.access"
local keyring = require "gitdev.emulator.organization.keyring"
local log_page = require "gitdev.emulator.deployments.log_page"
local refusal = require "gitdev.emulator.refusal"

local KEY_LOST, SCOPE_LOST, THING_DELETED, LOG_EXPIRED = 4401, 4403, 4404, 4410

local right = {}

--- Whether whoever opened a stream may still read it: nil, or the code to close with and the refusal.
function right.lost(self)
  local emulator, thing, key = self.emulator, self.thing, self.key
  local good, refused = keyring.still(emulator, key, self.authorization)
  local till = log_page.kept_until(thing)
  if not good then
    return KEY_LOST, refused
  elseif self.tenant.things[thing.object]:get(thing.id) ~= thing or not access.sees(key, thing.project_id) then
    local message = ("The %s was deleted, or its project is no longer held."):format(thing.object)
    return THING_DELETED, refusal.new("resource_missing", { status = 404, message = message })
  elseif not access.permits(key, self.requirement) then
    return SCOPE_LOST, access.refusal(key, self.requirement)
  elseif till and emulator:seconds() >= till then
    return LOG_EXPIRED, log_page.expired(thing)
  end
  return nil
end

--- When that will be looked at next: the time at which the key or the log will have come to its end, or nil.
function right.ends_ms(self)
  local till = log_page.kept_until(self.thing)
  local ends_ms = math.min(keyring.ends_ms(self.key, self.authorization) or math.huge, till and till * 1000 or math.huge)
  return ends_ms < math.huge and ends_ms or nil
end

return right

--- Stream tickets (contract 2.5): each opens one log stream, for a minute, with what the key may do that asked for it. A tenant keeps its own in
-- `tenant.tickets`: ticket -> { resource, key, expires_ms }, and in `tenant.ticket_line` the order in which they were issued, which is the order
-- in which they expire.
local keyring = require "gitdev.emulator.organization.keyring"

local LIFE_MS = 60 * 1000
local CHARS = 32

local tickets = {}

-- The first tickets of the line that have expired leave it; no other one is looked at, however many there are.
local function forget_old(tenant, now)
  local kept, line = tenant.tickets, tenant.ticket_line
  while line.first <= line.last and line[line.first].expires_ms <= now do
    kept[line[line.first].ticket], line[line.first] = nil, nil
    line.first = line.first + 1
  end
end

--- Makes a ticket for the log of the thing with the id `resource`, on behalf of `key`. Returns it, and when it expires (Unix seconds).
function tickets.issue(tenant, key, resource)
  local now = tenant:now()
  tenant.tickets, tenant.ticket_line = tenant.tickets or {}, tenant.ticket_line or { first = 1, last = 0 }
  forget_old(tenant, now)
  local ticket, line = "tkt_" .. tenant.emulator.random:token(CHARS), tenant.ticket_line
  line.last = line.last + 1
  line[line.last] = { ticket = ticket, expires_ms = now + LIFE_MS }
  tenant.tickets[ticket] = { resource = resource, key = key, expires_ms = now + LIFE_MS }
  return ticket, math.floor((now + LIFE_MS) / 1000)
end

local function find(emulator, ticket)
  for _, tenant in pairs(emulator.tenants) do
    local entry = tenant.tickets and tenant.tickets[ticket]
    if entry then
      return entry
    end
  end
  return nil
end

--- The key on whose behalf a ticket opens the log of `resource`; nil and the refusal, 401 `ticket_invalid`, if it does not.
function tickets.key(emulator, ticket, resource)
  local entry = find(emulator, ticket)
  if not entry then
    return nil, keyring.ticket_refusal "This stream ticket is not known, or was used: ask for a new one."
  elseif entry.expires_ms <= emulator.now_ms then
    return nil, keyring.ticket_refusal "This stream ticket has expired: one is good for 60 seconds."
  elseif entry.resource ~= resource then
    return nil, keyring.ticket_refusal "This stream ticket is for another log."
  elseif keyring.status(entry.key, emulator:seconds()) ~= "active" then
    return nil, keyring.ticket_refusal "The key that asked for this stream ticket is no longer in force."
  end
  return entry.key
end

--- Uses a ticket up: for who opens the stream.
function tickets.spend(tenant, ticket)
  if tenant.tickets then
    tenant.tickets[ticket] = nil
  end
end

return tickets

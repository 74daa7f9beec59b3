--- The answers kept under idempotency keys (contract 1.9), for 24 hours from first use. One per tenant, so the key space
-- is organization + livemode + method + path.
local limits = require "gitdev.api.limits"

local KEPT_MS = limits.idempotency.hours * 3600 * 1000

local answers = {}
answers.__index = answers

function answers.new()
  return setmetatable({ entries = {}, first = 1, last = 0, by_name = {} }, answers)
end

local function forget_old(self, now)
  while self.first <= self.last and self.entries[self.first].used_at + KEPT_MS <= now do
    local old = self.entries[self.first]
    if self.by_name[old.name] == old then
      self.by_name[old.name] = nil
    end
    self.entries[self.first] = nil
    self.first = self.first + 1
  end
end

--- The name under which an answer is kept.
function answers.name(method, path, key)
  return method .. " " .. path .. " " .. key
end

--- The entry of `name` that is still held at `now` (milliseconds), or nil.
function answers:find(name, now)
  local entry = self.by_name[name]
  if entry and entry.used_at + KEPT_MS > now then
    return entry
  end
  return nil
end

--- Keeps `entry` = { fingerprint, status, body, request_id, project_id (nil: of no project), running_until } under `name` from
-- `now` on.
function answers:keep(name, entry, now)
  forget_old(self, now)
  entry.name, entry.used_at = name, now
  self.last = self.last + 1
  self.entries[self.last] = entry
  self.by_name[name] = entry
  return entry
end

return answers

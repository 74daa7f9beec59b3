--- Cursors (contract 1.6): opaque to clients, and bound to where they came from. A cursor holds a position, the fingerprint of
-- what it is bound to, and a seal that only this emulator can make.
local base64 = require "gitdev.emulator.store.base64"
local core = require "gitdev.core"
local refusal = require "gitdev.emulator.refusal"

local BINDING, SEAL = 8, 16

local cursors = {}
cursors.__index = cursors

--- `secret` seals the cursors.
function cursors.new(secret)
  return setmetatable({ secret = secret }, cursors)
end

local function seal(self, text)
  return core.sha256(self.secret .. text):sub(1, SEAL)
end

local function fingerprint(binding)
  return core.sha256(binding):sub(1, BINDING)
end

--- The cursor for `position` (a text) in what `binding` (a text) describes.
function cursors:make(binding, position)
  local text = fingerprint(binding) .. position
  return base64.encode(seal(self, text) .. text)
end

--- The position that a cursor holds. It must be bound to one of `bindings`. Raises 400 `cursor_invalid` or `cursor_mismatch`.
function cursors:read(cursor, bindings)
  local bytes = base64.decode(cursor) or ""
  local text = bytes:sub(SEAL + 1)
  if #text <= BINDING or bytes:sub(1, SEAL) ~= seal(self, text) then
    refusal.raise("cursor_invalid", {
      param = "cursor",
      message = "cursor is not one that this API made: pass next_cursor as it came.",
    })
  end
  for _, binding in ipairs(bindings) do
    if text:sub(1, BINDING) == fingerprint(binding) then
      return text:sub(BINDING + 1)
    end
  end
  return refusal.raise("cursor_mismatch", {
    param = "cursor",
    message = "cursor comes from a list with other filters or another order: keep them, or start without a cursor.",
  })
end

return cursors

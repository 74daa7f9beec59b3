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

--- A function that makes the cursor for a position which is a whole number, in what `binding` describes: for logs, which have a cursor for every
-- line. It costs a tenth of `make`.
function cursors:numbered(binding)
  local head, secret, sha256 = fingerprint(binding), self.secret, core.sha256
  return function(position)
    local text = head .. ("%d"):format(position)
    return sha256(secret .. text):sub(1, SEAL) .. "." .. text
  end
end

-- The seal of a cursor and the text that it seals.
local function open(cursor)
  local plain_seal, text = cursor:match "^(%x+)%.(%x+)$"
  if plain_seal then
    return plain_seal, text
  end
  local bytes = base64.decode(cursor) or ""
  return bytes:sub(1, SEAL), bytes:sub(SEAL + 1)
end

--- The position that a cursor holds. It must be bound to one of `bindings`. Raises 400 `cursor_invalid` or `cursor_mismatch`.
function cursors:read(cursor, bindings)
  local sealed, text = open(cursor)
  if #text <= BINDING or sealed ~= seal(self, text) then
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

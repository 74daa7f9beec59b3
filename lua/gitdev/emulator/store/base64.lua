--- base64 in the alphabet that is safe in URLs (RFC 4648, section 5), without padding.
local ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

local VALUES = {}
for place = 1, #ALPHABET do
  VALUES[ALPHABET:sub(place, place)] = place - 1
end

local base64 = {}

local function encode_group(group)
  local a, b, c = group:byte(1, 3)
  local bits, text = a * 65536 + (b or 0) * 256 + (c or 0), ""
  for shift = 3, 3 - #group, -1 do
    local place = math.floor(bits / 64 ^ shift) % 64 + 1
    text = text .. ALPHABET:sub(place, place)
  end
  return text
end

function base64.encode(bytes)
  return (bytes:gsub("..?.?", encode_group))
end

local function decode_group(group)
  local bits = 0
  for place = 1, 4 do
    bits = bits * 64 + (VALUES[group:sub(place, place)] or 0)
  end
  local bytes = string.char(math.floor(bits / 65536), math.floor(bits / 256) % 256, bits % 256)
  return bytes:sub(1, #group - 1)
end

--- The bytes, or nil if `text` is no base64 of this alphabet.
function base64.decode(text)
  if text:find("[^A-Za-z0-9_-]") or #text % 4 == 1 then
    return nil
  end
  return (text:gsub("..?.?.?", decode_group))
end

return base64

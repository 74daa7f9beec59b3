--- What artifacts hold: bytes that follow from a text (the seed) and a size, so that nothing needs to be kept, and the same job on the same commit
-- leaves the same file. Text files are text, JSON files are JSON, all others have bytes of every kind.
local core = require "gitdev.core"

local BLOCK = 4096
local DEFAULT_TYPE = "application/octet-stream"

-- A path's extension -> media type.
local TYPES = {
  css = "text/css; charset=utf-8",
  gz = "application/gzip",
  html = "text/html; charset=utf-8",
  js = "text/javascript; charset=utf-8",
  json = "application/json",
  log = "text/plain; charset=utf-8",
  pdf = "application/pdf",
  png = "image/png",
  svg = "image/svg+xml",
  tar = "application/x-tar",
  tgz = "application/gzip",
  txt = "text/plain; charset=utf-8",
  wasm = "application/wasm",
  xml = "application/xml",
  zip = "application/zip",
}

local artifact_bytes = {}

--- The size of a file that nothing asked another size of.
artifact_bytes.SIZE = 4096

--- The media type of a file.
function artifact_bytes.content_type(path)
  local extension = path:match "%.([%w]+)$"
  return extension and TYPES[extension:lower()] or DEFAULT_TYPE
end

local function byte(hex)
  return string.char(tonumber(hex, 16))
end

-- A block of noise: a chain of digests.
local function noise(seed, is_text)
  local parts, size, round = {}, 0, 0
  while size < BLOCK do
    round = round + 1
    local digest = core.sha256(("%s:%d"):format(seed, round))
    parts[round] = is_text and digest .. "\n" or digest:gsub("%x%x", byte)
    size = size + #parts[round]
  end
  return table.concat(parts):sub(1, BLOCK)
end

-- Blocks of noise, each with its number before it, so that no two stretches of a file are alike.
local function filled(seed, size, is_text)
  local block, parts = noise(seed, is_text), {}
  local form = is_text and "block %d\n" or "\0%d\255"
  local made = 0
  while made < size do
    local head = form:format(#parts)
    parts[#parts + 1] = head .. block
    made = made + #head + BLOCK
  end
  return table.concat(parts):sub(1, size)
end

-- An object with the seed's digest in it, and blanks up to the size; too small a size is an empty file.
local function json(seed, size)
  local text = '{"digest":"' .. core.sha256(seed) .. '"}'
  return #text <= size and text .. (" "):rep(size - #text) or ""
end

--- A file's bytes. `seed`: what they follow from; `size`: how many; `content_type`: what they shall look like.
function artifact_bytes.make(seed, size, content_type)
  if content_type == TYPES.json then
    return json(seed, size)
  end
  return filled(seed, size, content_type:find "^text/" ~= nil)
end

return artifact_bytes

--- Where the emulator's ids and secrets come from: the operating system's generator, or, with a seed, a chain of
-- SHA-256 digests, so that the same seed and the same requests give the same answers on every Lua.
local core = require "gitdev.core"

local IDS = "0123456789abcdefghijklmnopqrstuvwxyz"
local TOKENS = IDS .. "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

local seeded = {}
seeded.__index = seeded

--- `count` characters of `alphabet`. 256 is no multiple of an alphabet's size, so some characters come a little more
-- often: a seeded run asks for repeatability, not for secrecy.
function seeded:draw(alphabet, count)
  local out = {}
  local digest, at = "", 1
  for index = 1, count do
    if at > #digest then
      self.drawn = self.drawn + 1
      digest, at = core.sha256(("%s:%d"):format(self.seed, self.drawn)), 1
    end
    local byte = tonumber(digest:sub(at, at + 1), 16)
    local place = byte % #alphabet + 1
    out[index] = alphabet:sub(place, place)
    at = at + 2
  end
  return table.concat(out)
end

--- The 12 characters after the prefix of an id (contract 1.2).
function seeded:id()
  return self:draw(IDS, 12)
end

--- `count` characters of [0-9A-Za-z], for keys and other secrets (contract 1.2).
function seeded:token(count)
  return self:draw(TOKENS, count)
end

local system = {}
system.__index = system

function system.id()
  return core.random_id(12)
end

function system.token(_, count)
  return core.random_token(count)
end

--- The two kinds of source.
local random = { seeded = seeded, system = system }

--- A source of ids and tokens. `seed`: a number or text, or nil for the operating system's generator.
function random.new(seed)
  if seed == nil then
    return setmetatable({}, system)
  end
  return setmetatable({ seed = "gitdev emulator " .. tostring(seed), drawn = 0 }, seeded)
end

return random

-- Where an uploaded body comes from: a file by its path, or a function that gives a piece each time.
local errors = require "gitdev.error"

local source = {}

local PIECE = 65536

local file = {}

function file:read()
  local bytes, problem = self.handle:read(PIECE)
  if problem then
    self.failure = errors.new { type = "config_error", code = "file_failed", param = "from",
      message = ("%s cannot be read: %s."):format(self.path, problem) }
    error(self.failure, 0)
  end
  return bytes
end

function file:rewind()
  assert(self.handle:seek("set", 0))
end

function file:close()
  self.handle:close()
end

local fn = {}

local function refuse(text)
  errors.misuse { code = "parameter_invalid", param = "from", message = "the function that gives the body " .. text .. "." }
end

function fn:read()
  local bytes = self.give()
  if bytes ~= nil and type(bytes) ~= "string" then
    refuse("must return strings, and nil at the end, got a " .. type(bytes))
  end
  self.given = self.given + #(bytes or "")
  if self.size >= 0 and (self.given > self.size or not bytes and self.given < self.size) then
    refuse(string.format("was to give %d bytes in all, and gave %d", self.size, self.given))
  end
  return bytes
end

function fn.close() end

---Opens a source.
---@param from string|function  a file's path, or fn() -> the next bytes, nil at the end
---@param size integer|nil      of what a function gives, if it is known
---@return table source  read() -> bytes|nil, rewind() where there is a way back, close(); size, -1 unknown
function source.open(from, size)
  if type(from) == "function" then
    return setmetatable({ give = from, given = 0, size = size or -1 }, { __index = fn })
  end
  local handle, problem, _ = io.open(from, "rb")
  local length = handle and handle:seek "end"
  if length and handle:seek("set", 0) then
    _, problem = handle:read(0) -- a directory can be opened, and no more
  end
  if not length or problem then
    errors.misuse { param = "from", message = "what is to be sent cannot be read: " .. tostring(problem or from) .. "." }
  end
  return setmetatable({ handle = handle, path = from, size = length, rewindable = true }, { __index = file })
end

return source

-- Where a downloaded body goes: a file, written beside its name and renamed when it is whole; a function; or a text. Each counts and
-- digests what it takes.
local compat = require "gitdev.compat"
local core = require "gitdev.core"
local errors = require "gitdev.error"

local sink = {}

local PIECE = 65536

-- ---- what all have in common ----

local function new(kind)
  return setmetatable({ size = 0, digest = core.digest() }, { __index = kind })
end

local function count(self, bytes)
  self.size = self.size + #bytes
  self.digest:update(bytes)
end

-- What goes wrong here is the world's doing and no misuse: whoever sends finds the error in `failure` too, and returns it.
local function fail(self, kind, code, message)
  self.failure = errors.new { type = kind, code = code, param = "to", message = message }
  error(self.failure, 0)
end

local function begin_anew(self)
  self.size, self.digest = 0, core.digest()
end

-- ---- a text ----

local text = {}

function text:write(bytes)
  count(self, bytes)
  self.parts[#self.parts + 1] = bytes
end

function text:restart()
  begin_anew(self)
  self.parts = {}
end

function text:finish()
  return table.concat(self.parts)
end

function text.abandon() end

-- ---- a function ----

local fn = {}

function fn:write(bytes)
  count(self, bytes)
  self.take(bytes)
end

-- What a function has been given cannot be taken back.
function fn:restart()
  fail(self, "connection_error", "body_restarted",
    "The server sent the body from its beginning again, and the function cannot give back what it has: download anew.")
end

function fn.finish() end

function fn.abandon() end

-- ---- a file ----

local file = {}

local function check(self, ok, problem)
  if not ok then
    fail(self, "config_error", "file_failed", ("%s cannot be written: %s."):format(self.path, problem))
  end
  return ok
end

function file:write(bytes)
  count(self, bytes)
  check(self, self.handle:write(bytes))
end

function file:restart()
  begin_anew(self)
  self.handle:close()
  self.handle = check(self, io.open(self.part, "wb"))
end

local function close(self)
  local handle = self.handle
  self.handle = nil
  if io.type(handle) == "file" then -- by the collector's order it may have been closed already
    return handle:close()
  end
  return true
end

function file:finish()
  check(self, close(self))
  check(self, os.rename(self.part, self.path))
  self.armed = false
end

-- What is there stays when it may be taken up again.
function file:abandon()
  close(self)
  if not self.keep then
    os.remove(self.part)
  end
  self.armed = false
end

-- Reads what an earlier download has left. Its bytes are counted and digested like any others.
local function take_up(self)
  local old = io.open(self.part, "rb")
  if not old then
    return
  end
  local bytes = old:read(PIECE)
  while bytes do
    count(self, bytes)
    bytes = old:read(PIECE)
  end
  old:close()
end

local function open_file(path, resume)
  local self = new(file)
  -- What may be taken up again has a name that can be found; else each download has one of its own.
  self.path, self.part, self.keep = path, path .. (resume and ".part" or "." .. core.random_id(8) .. ".part"), resume
  if resume then
    take_up(self)
  end
  -- A script that is interrupted leaves nothing behind either, at whichever instruction: so this comes before the file.
  self.armed = true
  self.guard = compat.finalizer(function()
    if self.armed then
      self:abandon()
    end
  end)
  local problem
  self.handle, problem = io.open(self.part, resume and "ab" or "wb")
  if not self.handle then
    self.armed = false
    errors.misuse { code = "parameter_invalid", param = "to", message = "what comes cannot be written: " .. problem .. "." }
  end
  return self
end

---Opens a sink.
---@param to string|function|nil  a file's path, fn(bytes), or nil for a text
---@param resume boolean|nil      takes up what an earlier download of that file has left beside it
---@return table sink  write(bytes), restart(), finish(), abandon(); size and digest of what it has. All of them may raise
function sink.open(to, resume)
  if type(to) == "string" then
    return open_file(to, resume)
  end
  local self = new(to and fn or text)
  self.take, self.parts = to, {}
  return self
end

return sink

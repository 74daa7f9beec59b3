-- The methods of an emulator that save its state and take it up again.
local core = require "gitdev.core"
local folders = require "gitdev.emulator.git.folders"
local snapshot = require "gitdev.emulator.snapshot"
local streams = require "gitdev.emulator.deployments.streams"
local tenant = require "gitdev.emulator.tenant"

local saving = {}

-- What the state hangs on. The options are the program's, and stay with it; the keys that clients hold are not forgotten either.
local ROOTS = {
  "random", "schedule", "faults", "log", "keys", "tenants", "strangers", "stranger_count", "skipped_ms", "now_ms", "cursors",
  "api_key", "public_key", "endpoints",
}

local function roots_of(self)
  local roots = {}
  for _, name in ipairs(ROOTS) do
    roots[name] = self[name]
  end
  return roots
end

--- The whole state as a text, for `restore`.
function saving:dump()
  return snapshot.write(self, roots_of(self))
end

local function put_roots(self, roots)
  for _, name in ipairs(ROOTS) do
    self[name] = roots[name]
  end
end

-- Takes a state's roots over; the keys that are held now open what the state's own did.
local function adopt(self, roots)
  local api_key, public_key = self.api_key, self.public_key
  put_roots(self, roots)
  self.keys[api_key] = self.keys[api_key] or self.keys[self.api_key]
  self.keys[public_key] = self.keys[public_key] or self.keys[self.public_key]
  self.api_key, self.public_key = api_key, public_key
end

-- The first root that a state lacks; nil: it has them all.
local function find_gap(self, roots)
  for _, name in ipairs(ROOTS) do
    if type(roots[name]) ~= type(self[name]) then
      return name
    end
  end
  return getmetatable(roots.tenants[false]) ~= tenant and "tenants" or nil
end

-- What was under way when the state was written has nobody any more who answers: time waits for none of it.
local function continue(self, roots)
  adopt(self, roots)
  self.owed_ms, self.in_flight = 0, {}
  folders.restore(self)
  local behind = self.now_ms - math.floor(self.options.clock() * 1000 + 0.5) - self.skipped_ms
  self.skipped_ms = self.skipped_ms + math.max(0, behind)
  self:advance()
end

--- Puts a state that `dump` wrote in the place of the present one. Time goes on from when it was written, or from now if that is later;
-- `api_key` and `public_key` stay, and open what the state's own did; log streams are closed with 1012. Returns true, or nil and a sentence; then
-- nothing has changed.
function saving:restore(text)
  local roots, problem = snapshot.read(self, text)
  local gap = roots and find_gap(self, roots)
  if not roots or gap then
    return nil, problem or ("This state is damaged: its %s are not there."):format(gap)
  end
  local before, owed_ms, in_flight = roots_of(self), self.owed_ms, self.in_flight
  local open_streams = self.streams
  self.streams = streams.new(self)
  local ok, cause = pcall(continue, self, roots)
  if ok then
    open_streams:close(streams.SERVICE_RESTART, "another state was restored")
    self:rouse()
    return true
  end
  put_roots(self, before)
  self.streams = open_streams
  self.owed_ms, self.in_flight = owed_ms, in_flight
  folders.restore(self)
  if cause == "interrupted" then
    error(cause, 0)
  end
  return nil, "This state is damaged: " .. tostring(cause) .. "."
end

--- Saves the state in a file: written beside it and renamed, so that there is always a whole one. Returns true, or nil and a problem.
function saving:save(path)
  local text, part = self:dump(), path .. "." .. core.random_id(8) .. ".part"
  local file, problem = io.open(part, "wb")
  if not file then
    return nil, problem
  end
  local written
  written, problem = file:write(text)
  local closed, cause = file:close()
  if written and closed then
    written, problem = os.rename(part, path)
  end
  if not (written and closed) then
    os.remove(part)
    return nil, problem or cause
  end
  return true
end

--- Restores what `save` left in a file. Returns true, or nil and a problem.
function saving:load(path)
  local file, problem = io.open(path, "rb")
  if not file then
    return nil, problem
  end
  local text = file:read "*a"
  file:close()
  local ok, cause = self:restore(text or "")
  return ok, cause and path .. ": " .. cause
end

return saving

-- A store (see gitdev.store) in this Lua state's memory: for one process, and no longer than it lives.
local arguments = require "gitdev.store.arguments"
local core = require "gitdev.core"
local loop = require "gitdev.loop"
local marks = require "gitdev.store.marks"

local memory = {}
memory.__index = memory

-- gitdev.MemoryStoreOptions: see gitdev.describe.classes.
local OPTIONS = { max = "limit", now = "function" }

---@param options? gitdev.MemoryStoreOptions
---@return gitdev.Store
function memory.new(options)
  options = arguments.options(options, OPTIONS, "gitdev.store.memory")
  return setmetatable({ marks = marks.new(options.max or arguments.MAX), now = options.now or loop.now, limits = {} }, memory)
end

-- What the id is, and the time.
local function look(self, key)
  local now = self.now()
  self.marks:prune(now)
  return self.marks:state(key, now), now
end

function memory:seen(id, ttl)
  local key, seconds = arguments.key(id), arguments.seconds("ttl", ttl)
  local state, now = look(self, key)
  if not state then
    self.marks:mark(key, now + seconds)
  end
  return state ~= nil
end

function memory:claim(id, lease)
  local key, seconds = arguments.key(id), arguments.seconds("lease", lease)
  local state, now = look(self, key)
  if state then
    return nil, state
  end
  local token = core.random_id(16)
  self.marks:claim(key, now + seconds, token)
  return token
end

function memory:confirm(id, ttl)
  self.marks:mark(arguments.key(id), self.now() + arguments.seconds("ttl", ttl))
end

function memory:release(id, token)
  self.marks:free(arguments.key(id), arguments.token(token))
end

---A share of a rate limit: for the clients of this process.
function memory:take(name, report)
  local grant, state = require("gitdev.store.bucket").take(self.limits[name], report, self.now())
  self.limits[name] = state
  return grant
end

function memory.close() end

return memory

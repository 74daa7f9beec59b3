-- The worlds that the loop turns in: the real one, with a clock, sockets and the engine over libcurl, and virtual ones (gitdev.test). One of them
-- is present. What it holds is made on first use: a script that makes no call pays for none of it.
--
--   tasks      gitdev.task's scheduler            stepped   tasks are resumed by step, for a program that owns the frame
--   sleepers   a gitdev.schedule of timers        news      gitdev.loop.news: who waits for which call or socket
--   engine     what calls are handed to           services  gitdev.loop.services, or nil; due: when one wants to be called anyway
--   handle     the real world's net.loop          posts, commands   what is under way over sockets and is no call
--   take_back  cancels a call of this world
local compat = require "gitdev.compat"
local core = require "gitdev.core"
local news = require "gitdev.loop.news"
local schedule = require "gitdev.schedule"
local task = require "gitdev.task"

local worlds = {}

local function nothing() end

worlds.settings = { on_open = nothing, interrupted = nothing, hold = nothing, held = nothing }

local real = { now = core.now, time = core.time }

function real:wait(limit)
  self.handle:step(limit)
end

worlds.real = real

local present = real

-- `turn_until` is put here by turning.lua, which stands on this.
local function block_for(one)
  worlds.turn_until(one)
end

local function populate(self)
  self.tasks = task.scheduler(block_for)
  self.sleepers = self.timers or schedule.new()
  self.news = news.new()
  self.services, self.due = nil, nil
  self.stepped = false
end

--- The present world, which may hold nothing yet.
function worlds.present()
  return present
end

--- The present world, with tasks, timers and, in the real one, sockets.
function worlds.open()
  local self = present
  if not self.tasks then
    populate(self)
    if self == real then
      self.handle = require("gitdev.net").loop()
      worlds.settings.on_open(self.handle:handle())
    end
  end
  return self
end

--- What a world hands its calls to.
function worlds.engine(self)
  self.engine = self.engine or require("gitdev.net").engine(self.handle, worlds.settings)
  return self.engine
end

--- See gitdev.loop.
function worlds.configure(options)
  assert(not real.engine, "calls have been made already")
  for name, value in pairs(options) do
    worlds.settings[name] = value
  end
end

--- See gitdev.loop.
function worlds.within(other, fn, ...)
  local before = present
  present = other
  local results = compat.pack(pcall(fn, ...))
  present = before
  if not results[1] then
    error(results[2], 0)
  end
  return compat.unpack(results, 2, results.n)
end

--- In a fork's child the connections, the tasks and the services are the parent's: it begins with none. Whoever runs goes on, and blocks.
function worlds.begin_in_child()
  real.tasks, real.engine, real.posts, real.commands, real.handle = nil, nil, nil, nil, nil
end

--- See gitdev.loop.
function worlds.abandon()
  if present.tasks then
    local services, due, sleepers = present.services, present.due, present.sleepers -- what these have sent, and set, is theirs to hear of
    populate(present)
    present.services, present.due, present.sleepers = services, due, sleepers
  end
end

-- What is told of its end meanwhile finds the world as it was: it opens no other.
local function close_all(self)
  for _, name in ipairs { "engine", "posts", "commands" } do
    local one = self[name]
    if one then
      one:close()
    end
  end
end

--- See gitdev.loop.
function worlds.close()
  local self = present
  local handle = self.handle
  close_all(self)
  self.tasks, self.engine, self.posts, self.commands, self.handle = nil, nil, nil, nil, nil
  if handle then
    worlds.settings.on_open(nil) -- nobody is to wake it any more
    handle:close()
  end
end

return worlds

-- Functions for tasks to be made of.
local gitdev = require "gitdev"
local loop = require "gitdev.loop"

local tasks = {}

--- Runs fn(world) outside of all tasks, under the host too, in a world that has a clock and nothing else: it stands at world.clock, and moves in
-- waits. Returns what fn returns.
function tasks.outside(fn)
  local world = { clock = 0 }
  function world.now()
    return world.clock
  end
  world.time = world.now
  function world:wait(limit)
    self.clock = self.clock + (limit or error "nothing can come any more")
  end
  return loop.within(world, fn, world)
end

--- One that sleeps, and returns the rest of the arguments.
function tasks.sleeper(seconds, ...)
  local results = { ... }
  return function()
    gitdev.sleep(seconds)
    return results[1], results[2]
  end
end

--- One that sleeps, and raises.
function tasks.failer(seconds, err)
  return function()
    gitdev.sleep(seconds)
    error(err, 0)
  end
end

return tasks

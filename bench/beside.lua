-- The rows about nginx: how long a location takes that has nothing to do with it, while nginx's Lua makes calls in the same worker, over the same
-- while nginx proxies as many to the same place itself.
local programs = require "programs"
local samples = require "samples"

local beside = {}

local PROBED = "/unrelated"

-- What the probes saw while so many requests a second went to a location. Each must have been answered.
local function under(latency, port, path, size)
  local take = samples.of(programs.words({ latency, port, PROBED, path }, size.rate, size.at_once, size.seconds))
  return function()
    local sample = take()
    if sample.failed > 0 or sample.answered < size.rate * size.seconds then
      error(("%d of the requests to %s were not answered"):format(size.rate * size.seconds - sample.answered, path), 0)
    end
    return sample
  end
end

local function row(name, taken, of, bar)
  local function microseconds(list)
    return ("%.0f us"):format(samples.median_of(list, of))
  end
  return { what = ("nginx: another location beside calls, %s"):format(name), beside = "proxied", ours = microseconds(taken.lua),
    theirs = microseconds(taken.proxied), value = samples.ratio(taken.lua, taken.proxied, of), bar = bar, goal = 1.0 }
end

--- `size`: requests a second, connections at once, seconds, turns; `port`: where that nginx listens.
function beside.unrelated(build, size, port)
  local latency = build .. "/bench/latency"
  local lua, proxied = under(latency, port, "/lua", size), under(latency, port, "/proxied", size)
  lua() -- what the first calls take, LuaJIT's compiling among it, is not what is asked
  proxied()
  local taken = samples.in_turns(size.turns, { { name = "proxied", take = proxied }, { name = "lua", take = lua } })
  return {
    row("median", taken, function(sample)
      return sample.p50
    end, 1.20),
    row("99 in 100", taken, function(sample)
      return sample.p99
    end, 1.20),
  }
end

return beside

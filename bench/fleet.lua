-- The row about a fleet: how much of their plan eight processes use that share one key's rate limit through Redis.
local programs = require "programs"
local samples = require "samples"

local fleet = {}

local MEMBERS, RATE, BURST = 8, 100, 200 -- contract 1.11: of the plan enterprise, calls a second and at once

--- Whether it can be measured here.
function fleet.version()
  return programs.output "redis-server --version"
end

--- `calls`: of each process.
function fleet.rows(build, calls)
  local text = samples.run { "bench/fleet.sh", build, tostring(calls) }
  local seconds, made, refused = text:match "^([%d.]+) (%d+) (%d+)"
  seconds, made, refused = tonumber(seconds), tonumber(made), tonumber(refused)
  local plan = BURST + RATE * seconds
  return { { what = "of the plan used by 8 processes", beside = "the plan", ours = ("%.0f calls"):format(made), theirs = ("%.0f calls"):format(plan),
    value = made / plan, bar = 0.95, goal = 0.97, at_least = true,
    failed = (refused > 0 and refused .. " were refused") or (made ~= MEMBERS * calls and "only " .. made .. " were made") or nil } }
end

return fleet

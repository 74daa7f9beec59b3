-- A test of examples/deploy.lua: a build of 25 minutes on virtual time, and what the script does when the platform has a bad day. Takes milliseconds.
local test = require "gitdev.test"

local slow = test.world { build_ms = 25 * 60 * 1000 }
slow:script "examples/deploy.lua"
assert(slow:elapsed() > 25 * 60)

local bad_day = test.world()
bad_day.emulator:fault { status = 503, times = 2, match = { method = "POST" } } -- it is tried again
bad_day:script "examples/deploy.lua"
local _, tries = bad_day:trace():gsub("send POST /v2/deployments", "")
assert(tries == 3)

print(string.format("a long build and a bad day: fine (%.0f virtual seconds)", slow:elapsed() + bad_day:elapsed()))

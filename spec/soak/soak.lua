-- A long run of the SDK against an emulator in another process, with failures on purpose: what it holds must stay flat, and nothing may fail
-- in a way that nobody caused. From the repository: gitdev spec/soak/soak.lua [CALLS [HOST]], where HOST is the program for the emulator;
-- Lua and LuaJIT run it too. Exits with 1 if it was not so.
local gitdev = require "gitdev"
local peer = require "spec.soak.peer"
local usage = require "spec.soak.usage"
local work = require "spec.soak.work"

local CALLS, HOST = tonumber(arg[1]) or 1000000, arg[2] or "build/bin/gitdev"
local REPORT_EVERY = 50000
local PHASES = 25

local function list(counts)
  local names = {}
  for name in pairs(counts) do
    names[#names + 1] = name
  end
  table.sort(names)
  for index, name in ipairs(names) do
    names[index] = ("%d %s"):format(counts[name], name)
  end
  return #names > 0 and table.concat(names, ", ") or "none"
end

local function report(done, sample)
  print(("%8d calls  %6d retries  %6d KB  %3d descriptors  %6.0f KB of Lua  failures: %s"):format(
    done.calls, done.retries, sample.rss, sample.descriptors, sample.heap, list(done.failures)))
  io.stdout:flush()
end

local function run(done, held)
  local next_report = REPORT_EVERY
  for phase = 1, PHASES do
    done:phase(math.max(1, math.floor(CALLS * phase / PHASES) - done.calls))
    local sample = held:sample()
    if done.calls >= next_report or phase == PHASES then
      report(done, sample)
      next_report = (math.floor(done.calls / REPORT_EVERY) + 1) * REPORT_EVERY
    end
  end
end

local function complaints(done, held)
  local found = held:complaints()
  for _, text in ipairs(done.unexpected) do
    found[#found + 1] = "a failure that nobody caused: " .. text
  end
  for kind in pairs(work.EXPECTED) do
    if not done.failures[kind] then
      found[#found + 1] = "no call failed with a " .. kind .. ", although some were made to"
    end
  end
  return found
end

local function main()
  local emulator = peer.start(HOST, "--no-rate-limit")
  local done, held = work.new(emulator), usage.new()
  local ok, err = gitdev.pcall(run, done, held)
  done:stop()
  emulator:stop()
  if not ok then
    error(err, 0)
  end
  local found = complaints(done, held)
  for _, text in ipairs(found) do
    print("not so: " .. text)
  end
  return #found == 0
end

if not gitdev.run(main) then
  os.exit(1)
end

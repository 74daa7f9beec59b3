-- The rows about what comes by itself: webhooks, and logs that are followed. `size` says how much of each, `url` is the log server's.
local programs = require "programs"
local rows = require "rows"
local samples = require "samples"

local live = {}

local function at(url, ...)
  return programs.words({ "env", "GIT_API_URL=" .. url }, ...)
end

--- The page's webhook verified, again and again.
function live.verifying(host, size)
  local taken = samples.in_turns(size.lists, {
    { name = "bare", take = samples.of(programs.words({ "lua5.4", "bench/bare/verify.lua" }, size.verified, size.verified // 10)) },
    { name = "sdk", take = samples.of(programs.words({ host, "bench/sdk/verify.lua" }, size.verified, size.verified // 10)) },
  })
  return { rows.cpu("webhooks.verify, CPU", "bare", taken.sdk, taken.bare, 1.30, 1.15) }
end

--- A log followed from its first line to its end. `headers`: those that the SDK sends.
function live.following(host, size, url, headers)
  local taken = samples.in_turns(size.lists, {
    { name = "bare", take = samples.of(programs.words(at(url, "lua5.4", "bench/bare/follow.lua", size.lines), table.unpack(headers))) },
    { name = "sdk", take = samples.of(at(url, host, "bench/sdk/follow.lua", size.lines)) },
  })
  local last = taken.sdk[#taken.sdk]
  local row = rows.rate("following a log, lines per second", "bare", taken.sdk, taken.bare, 0.70, 0.90)
  row.failed = rows.not_flat(last.early_kb, last.peak_kb)
  return { row }
end

--- A log that could be read faster than it is: it must not pile up in memory.
function live.reading_slowly(host, size, url)
  local sample = samples.of(at(url, host, "bench/sdk/slow.lua", size.slow_lines, size.pauses))()
  local slack = rows.SLACK_KB / 1024
  return { { what = "a log read slowly, peak memory", beside = "its start", unit = " MB",
    ours = rows.megabytes(sample.peak_kb), theirs = rows.megabytes(sample.early_kb), value = (sample.peak_kb - sample.early_kb) / 1024,
    bar = slack, goal = slack } }
end

--- Many logs followed at once, none of which says anything.
function live.holding(host, build, size, url, ca_file)
  local taken = samples.in_turns(size.holds, {
    { name = "floor", take = samples.of(programs.words({ build .. "/bench/floor_tunnels" }, ca_file, url, size.streams)) },
    { name = "sdk", take = samples.of(at(url, host, "bench/sdk/streams.lua", size.streams)) },
  })
  return { rows.peak(("%d open log streams, memory"):format(size.streams), "the floor", taken.sdk, taken.floor, 1.50, 1.20) }
end

return live

-- The rows of the table: { what, beside, ours, theirs, value, bar, goal, at_least, unit, failed }.
local samples = require "samples"

local rows = {}

-- What a flat memory may still grow by: pages that the allocator or the collector had not touched before.
rows.SLACK_KB = 256

local function rate(list)
  return ("%.0f/s"):format(samples.median_of(list, samples.per_second))
end

local function cpu(list)
  return ("%.1f us"):format(samples.median_of(list, samples.cpu_us))
end

local function peak_kb(sample)
  return sample.peak_kb
end

function rows.megabytes(kb)
  return ("%.1f MB"):format(kb / 1024)
end

--- Two lists of samples, ours over theirs, by calls or things per second.
function rows.rate(what, beside, ours, theirs, bar, goal)
  return { what = what, beside = beside, ours = rate(ours), theirs = rate(theirs), bar = bar, goal = goal, at_least = true,
    value = samples.ratio(ours, theirs, samples.per_second) }
end

--- The same by CPU for each.
function rows.cpu(what, beside, ours, theirs, bar, goal)
  return { what = what, beside = beside, ours = cpu(ours), theirs = cpu(theirs), bar = bar, goal = goal,
    value = samples.ratio(ours, theirs, samples.cpu_us) }
end

--- The same by the largest resident set.
function rows.peak(what, beside, ours, theirs, bar, goal)
  return { what = what, beside = beside, ours = rows.megabytes(samples.median_of(ours, peak_kb)),
    theirs = rows.megabytes(samples.median_of(theirs, peak_kb)), bar = bar, goal = goal, value = samples.ratio(ours, theirs, peak_kb) }
end

--- A reason to fail, if a memory that is due to be flat has grown.
function rows.not_flat(early_kb, late_kb)
  return late_kb - early_kb > rows.SLACK_KB and ("grew by %d KiB on the way"):format(late_kb - early_kb) or nil
end

--- By how much the largest resident set is above theirs; ours is to be flat from its half on, each time.
function rows.more_memory(what, beside, ours, theirs, bar, goal)
  local more, failed = {}, nil
  for i, sample in ipairs(ours) do
    more[i] = samples.peak_mb(sample) - samples.peak_mb(theirs[i])
    failed = failed or rows.not_flat(sample.half_kb, sample.peak_kb)
  end
  local row = rows.peak(what, beside, ours, theirs, bar, goal)
  row.unit, row.value, row.failed = " MB", samples.median(more), failed
  return row
end

return rows

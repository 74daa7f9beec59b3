-- Measuring programs in turns, and what is made of the samples. A sample is what they print: { calls or things, wall, cpu, peak_kb }.
local cjson = require "cjson"
local meter = require "meter"

local samples = {}

--- Runs a program that has to succeed; what it prints, and the seconds from its start to its exit.
function samples.run(argv)
  local code, seconds, text = meter.run(argv)
  if code ~= 0 then
    error(("%s ended with exit code %d: %s"):format(table.concat(argv, " "), code, text), 0)
  end
  return text, seconds
end

--- A function that runs `argv` and returns the sample it prints.
function samples.of(argv)
  return function()
    return cjson.decode((samples.run(argv)))
  end
end

--- A function that runs `argv` and returns the seconds that took.
function samples.timed(argv)
  return function()
    local _, seconds = samples.run(argv)
    return seconds
  end
end

--- Measures `contenders`, a list of { name, take, every }, in turns, each time in the other order. One with `every` = n takes
-- part in each n-th turn. Returns name -> list of samples.
function samples.in_turns(turns, contenders)
  local taken = {}
  for _, contender in ipairs(contenders) do
    taken[contender.name] = {}
  end
  for turn = 1, turns do
    for i = 1, #contenders do
      local contender = contenders[turn % 2 == 1 and i or #contenders + 1 - i]
      if turn % (contender.every or 1) == 0 then
        table.insert(taken[contender.name], contender.take())
      end
    end
  end
  return taken
end

function samples.median(values)
  local sorted = { table.unpack(values) }
  table.sort(sorted)
  local middle = math.floor(#sorted / 2)
  if #sorted % 2 == 1 then
    return sorted[middle + 1]
  end
  return (sorted[middle] + sorted[middle + 1]) / 2
end

--- The median of what `of` makes of each.
function samples.median_of(list, of)
  local values = {}
  for i, sample in ipairs(list) do
    values[i] = of(sample)
  end
  return samples.median(values)
end

--- The median over the turns of ours over theirs, `of` applied to each.
function samples.ratio(ours, theirs, of)
  local values = {}
  for i, sample in ipairs(ours) do
    values[i] = of(sample) / of(theirs[i])
  end
  return samples.median(values)
end

function samples.per_second(sample)
  return (sample.calls or sample.things) / sample.wall
end

function samples.cpu_us(sample)
  return sample.cpu / (sample.calls or sample.things) * 1e6
end

function samples.peak_mb(sample)
  return sample.peak_kb / 1024
end

return samples

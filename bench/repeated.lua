-- Makes a call again and again: arg[2] times to warm up, then arg[1] times measured. Prints one line of JSON, as floor does.
local meter = require "meter"

local function one_after_another(count, call)
  for _ = 1, count do
    call()
  end
end

--- `times(count, call)` makes so many calls, when they are not to be made one after another.
return function(call, times)
  times = times or one_after_another
  local calls, warm_up = tonumber(arg[1]), tonumber(arg[2])
  local half = math.floor(calls / 2)
  times(warm_up, call)
  local wall, cpu = meter.now(), meter.cpu()
  times(half, call)
  local half_kb = meter.peak_kb()
  times(calls - half, call)
  print(('{"calls":%d,"wall":%.6f,"cpu":%.6f,"half_kb":%d,"peak_kb":%d}'):format(calls,
    meter.now() - wall, meter.cpu() - cpu, half_kb, meter.peak_kb()))
end

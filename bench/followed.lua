-- Follows the log of arg[1] lines: follow(deployment, visit) calls visit for each line. Prints one line of JSON, as walked does.
local meter = require "meter"

local EARLY = 5000

return function(follow)
  local due, lines, early_kb = tonumber(arg[1]), 0, nil
  local wall, cpu = meter.now(), meter.cpu()
  follow(("dep_%012d"):format(due), function(line)
    lines = lines + 1
    assert(line.seq == lines, "a line is missing")
    if lines == EARLY then
      early_kb = meter.peak_kb()
    end
  end)
  assert(lines == due, "the log has ended early")
  print(('{"things":%d,"wall":%.6f,"cpu":%.6f,"early_kb":%d,"peak_kb":%d}'):format(lines,
    meter.now() - wall, meter.cpu() - cpu, early_kb or meter.peak_kb(), meter.peak_kb()))
end

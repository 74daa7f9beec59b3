-- Walks a list: walk(visit) calls visit for each deployment. Prints one line of JSON; early_kb is the peak of the memory after
-- the first EARLY things, when it has to have found its level.
local meter = require "meter"

local EARLY = 5000

return function(walk)
  local things, early_kb = 0, nil
  local wall, cpu = meter.now(), meter.cpu()
  walk(function(deployment)
    assert(deployment.status == "live", "a deployment that is live is due")
    things = things + 1
    if things == EARLY then
      early_kb = meter.peak_kb()
    end
  end)
  print(('{"things":%d,"wall":%.6f,"cpu":%.6f,"early_kb":%d,"peak_kb":%d}'):format(things,
    meter.now() - wall, meter.cpu() - cpu, early_kb or meter.peak_kb(), meter.peak_kb()))
end

-- A log followed with the SDK, slowly after its first lines: what the process holds then.  LINES PAUSES
local gitdev = require "gitdev"
local meter = require "meter"

local EARLY, BETWEEN, PAUSE = 5000, 100, 0.05

local lines, pauses = tonumber(arg[1]), tonumber(arg[2])
local git = gitdev.client {}
local read, early_kb = 0, nil
for line in git.deployments:get(("dep_%012d"):format(lines)):logs { follow = true } do
  read = read + 1
  assert(line.seq == read, "a line is missing")
  if read == EARLY then
    early_kb = meter.peak_kb()
  elseif read > EARLY and read % BETWEEN == 0 then
    gitdev.sleep(PAUSE)
    pauses = pauses - 1
    if pauses == 0 then
      break
    end
  end
end
print(('{"things":%d,"early_kb":%d,"peak_kb":%d}'):format(read, early_kb, meter.peak_kb()))

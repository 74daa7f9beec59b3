-- Many logs followed at once with the SDK, none of which has anything to say: what the process holds then.  STREAMS
local gitdev = require "gitdev"
local meter = require "meter"

local count = tonumber(arg[1])
local git = gitdev.client { timeout = 120 }

local function open()
  local stream = git.deployments.logs:stream "dep_000000000000"
  assert(stream:next().type == "hello", "a stream begins with hello")
  return stream
end

gitdev.run(function()
  local tasks, streams = {}, {}
  for i = 1, count do
    tasks[i] = gitdev.spawn(open)
  end
  for i, task in ipairs(tasks) do
    streams[i] = task:wait()
  end
  print(('{"connections":%d,"peak_kb":%d}'):format(#streams, meter.peak_kb()))
  for _, stream in ipairs(streams) do
    stream:close()
  end
end)

-- measure: the table of how fast the SDK is. Started by run, which has the server up and the environment set.
--
--   lua5.4 bench/measure.lua full|quick BUILD_DIRECTORY SERVER_DIRECTORY RECORD_URL
--
-- Each row is a ratio, or a difference, of two programs measured one right after the other, in turns; what is printed is the
-- median over the turns. A bar that is missed is said, and is no failure of the run.
local cjson = require "cjson"
local meter = require "meter"

local mode, build, root, record_url = arg[1], arg[2], arg[3], arg[4]
local url, ca_file = os.getenv "GIT_API_URL", os.getenv "GIT_CA_FILE"
local FLOOR, HOST, LUA = build .. "/bench/floor", build .. "/bin/gitdev", "lua5.4"
local BODY = '{"project":"my-app","branch":"main","env":{"NODE_ENV":"production"}}'

local SIZES = {
  full = { turns = 15, calls = 3000, warm_up = 300, starts = 41, long = 20000, lists = 15 },
  quick = { turns = 3, calls = 500, warm_up = 100, starts = 5, long = 2000, lists = 3 },
}
local size = SIZES[mode]

-- Used while the SDK is not there to be recorded.
local DEFAULT_HEADERS = {
  "Authorization: Bearer " .. os.getenv "GIT_API_KEY",
  "Content-Type: application/json",
  "Idempotency-Key: 0f6b1f0e-6a0f-4b0e-9f55-0d5a3d1c7c11",
  "User-Agent: gitdev-lua/0.1.0 (Lua 5.4; libcurl/7.88.1)",
  "Accept: application/json",
}

---- numbers

local function median(values)
  local sorted = { (table.unpack or unpack)(values) }
  table.sort(sorted)
  local middle = math.floor(#sorted / 2)
  if #sorted % 2 == 1 then
    return sorted[middle + 1]
  end
  return (sorted[middle] + sorted[middle + 1]) / 2
end

local function each(samples, of)
  local values = {}
  for i, sample in ipairs(samples) do
    values[i] = of(sample)
  end
  return values
end

-- The median over the turns of what `of` makes of the two samples of a turn.
local function paired(ours, theirs, of)
  local values = {}
  for i, sample in ipairs(ours) do
    values[i] = of(sample, theirs[i])
  end
  return median(values)
end

---- programs

local function run(argv)
  local code, seconds, text = meter.run(argv)
  if code ~= 0 then
    error(("%s ended with exit code %d: %s"):format(table.concat(argv, " "), code, text), 0)
  end
  return text, seconds
end

local function words(first, ...)
  local argv = { (table.unpack or unpack)(first) }
  for _, word in ipairs { ... } do
    argv[#argv + 1] = tostring(word)
  end
  return argv
end

local function with_headers(argv, headers)
  for _, line in ipairs(headers) do
    argv[#argv + 1] = line
  end
  return argv
end

local function sample(argv)
  return cjson.decode((run(argv)))
end

local function exists(path)
  local file = io.open(path)
  return file and file:close()
end

local function floor_create(calls, warm_up, headers, base)
  return with_headers(words({ FLOOR, ca_file, (base or url) .. "/deployments" }, calls, warm_up, BODY), headers)
end

local function bare_create(calls, warm_up, headers)
  return with_headers(words({ LUA, "bench/bare/create.lua" }, calls, warm_up), headers)
end

local function sdk_create(calls, warm_up)
  return words({ HOST, "bench/sdk/create.lua" }, calls, warm_up)
end

-- Measures the programs of `contenders`, { name = argv }, in turns, each time in the other order.
local function in_turns(turns, order, contenders)
  local samples = {}
  for _, name in ipairs(order) do
    samples[name] = {}
  end
  for turn = 1, turns do
    for i = 1, #order do
      local name = order[turn % 2 == 1 and i or #order + 1 - i]
      local taken = contenders[name]()
      samples[name][turn] = taken
    end
  end
  return samples
end

---- what the SDK sends

-- The header lines of each request that was recorded, in order.
local function recorded_headers()
  local requests, lines = {}, {}
  for line in io.lines(root .. "/record.log") do
    if line:find("http request line:", 1, true) then
      lines = {}
    elseif line:find("http header done", 1, true) then
      requests[#requests + 1] = lines
    else
      lines[#lines + 1] = line:match('http header: "(.*)"$')
    end
  end
  return requests
end

local function recorded_bodies()
  local bodies = {}
  for line in io.lines(root .. "/record.body") do
    bodies[#bodies + 1] = line
  end
  return bodies
end

-- The header lines and the body of the last request. A body is written down once its answer is out, so it may be late.
local function recorded()
  local headers, bodies = recorded_headers(), recorded_bodies()
  for _ = 1, 100 do
    if #bodies == #headers then
      break
    end
    run { "sleep", "0.02" }
    bodies = recorded_bodies()
  end
  assert(#headers > 0 and #bodies == #headers, "nginx did not write down what was sent to " .. record_url)
  return headers[#headers], bodies[#bodies]
end

-- Headers are recorded over HTTP/1.1, whatever the measurements use.
local function record_sdk()
  run { "env", "GIT_API_URL=" .. record_url, HOST, "bench/sdk/create.lua", "1", "0" }
  return recorded()
end

-- What libcurl writes by itself is left to it.
local function to_send(lines)
  local headers = {}
  for _, line in ipairs(lines) do
    local name = line:match("^[^:]+"):lower()
    if name ~= "host" and name ~= "content-length" then
      headers[#headers + 1] = line
    end
  end
  return headers
end

local function comparable(lines, body)
  local text = table.concat(lines, "\n") .. "\n\n" .. tostring(body)
  return (text:gsub("(Idempotency%-Key:) %x+%-%x+%-%x+%-%x+%-%x+", "%1 UUID"))
end

-- The headers the floor has to send, so that its requests are the SDK's to the byte.
local function headers_of_the_sdk()
  if not exists(HOST) then
    print(HOST .. " is not there: only the floor and bare Lua are measured, with headers made up here")
    return DEFAULT_HEADERS, false
  end
  local lines, body = record_sdk()
  local headers = to_send(lines)
  run(floor_create(1, 0, headers, record_url))
  local ours, theirs = comparable(lines, body), comparable(recorded())
  if ours ~= theirs then
    error("the floor's request is not the SDK's.\nThe SDK's:\n" .. ours .. "\nThe floor's:\n" .. theirs, 0)
  end
  return headers, true
end

---- the table

local ROW = "%-58s %9s %9s %9s  %s"

local function verdict(row)
  local function reached(line)
    if row.at_least then
      return row.value >= line
    end
    return row.value <= line
  end
  if row.failed then
    return "BAR MISSED: " .. row.failed
  end
  return reached(row.goal) and "goal reached" or reached(row.bar) and "bar reached" or "BAR MISSED"
end

local function show(row)
  local format = row.format or "%.2f"
  local sign = row.at_least and ">= " or "<= "
  print(ROW:format(row.what, format:format(row.value), sign .. format:format(row.bar),
    sign .. format:format(row.goal), verdict(row)))
end

local function per_second(taken)
  return (taken.calls or taken.things) / taken.wall
end

local function cpu_us(taken)
  return taken.cpu / (taken.calls or taken.things) * 1e6
end

local function ratio(of)
  return function(ours, theirs)
    return of(ours) / of(theirs)
  end
end

local function show_absolute(what, samples)
  print(("%-24s %10.0f per second %10.2f us CPU each %8.1f MB peak"):format(what,
    median(each(samples, per_second)), median(each(samples, cpu_us)),
    median(each(samples, function(taken) return taken.peak_kb end)) / 1024))
end

---- the rows

local function one_after_another(headers, sdk)
  local contenders = {
    floor = function() return sample(floor_create(size.calls, size.warm_up, headers)) end,
    bare = function() return sample(bare_create(size.calls, size.warm_up, headers)) end,
    sdk = function() return sample(sdk_create(size.calls, size.warm_up)) end,
  }
  local samples = in_turns(size.turns, sdk and { "floor", "bare", "sdk" } or { "floor", "bare" }, contenders)
  show_absolute("create: floor", samples.floor)
  show_absolute("create: bare", samples.bare)
  if not sdk then
    return {}
  end
  show_absolute("create: sdk", samples.sdk)
  return {
    { what = "create, calls per second over the floor's", bar = 0.80, goal = 0.90, at_least = true,
      value = paired(samples.sdk, samples.floor, ratio(per_second)) },
    { what = "create, CPU per call over the floor's", bar = 1.40, goal = 1.25,
      value = paired(samples.sdk, samples.floor, ratio(cpu_us)) },
    { what = "create, calls per second over bare Lua's", bar = 0.92, goal = 1.0, at_least = true,
      value = paired(samples.sdk, samples.bare, ratio(per_second)) },
    { what = "create, CPU per call over bare Lua's", bar = 1.15, goal = 1.0,
      value = paired(samples.sdk, samples.bare, ratio(cpu_us)) },
  }
end

local function curl_once(headers)
  local argv = { "curl", "-s", "--fail", "--cacert", ca_file, "--data", BODY }
  for _, line in ipairs(headers) do
    argv[#argv + 1] = "--header"
    argv[#argv + 1] = line
  end
  argv[#argv + 1] = url .. "/deployments"
  return argv
end

local function timed(argv)
  return function()
    local _, seconds = run(argv)
    return seconds
  end
end

local function one_script(headers, sdk)
  local order = sdk and { "curl", "sdk" } or { "curl" }
  local samples = in_turns(size.starts, order, {
    curl = timed(curl_once(headers)), sdk = timed { HOST, "bench/sdk/once.lua" },
  })
  print(("%-24s %10.1f ms"):format("one call: curl", median(samples.curl) * 1e3))
  if not sdk then
    return {}
  end
  print(("%-24s %10.1f ms"):format("one call: sdk", median(samples.sdk) * 1e3))
  return { { what = "a script with one call, start to exit, over curl's", bar = 1.20, goal = 1.05,
    value = paired(samples.sdk, samples.curl, function(ours, theirs) return ours / theirs end) } }
end

-- What a flat memory may still grow by: pages that the allocator or the collector had not touched before.
local SLACK_KB = 256

local function not_flat(early_kb, late_kb)
  return late_kb - early_kb > SLACK_KB and ("grew by %d KiB on the way"):format(late_kb - early_kb) or nil
end

local function memory(headers, sdk)
  local theirs = sample(floor_create(size.long, 0, headers))
  print(("%-24s %10.1f MB after %d calls"):format("memory: floor", theirs.peak_kb / 1024, theirs.calls))
  if not sdk then
    return {}
  end
  local ours = sample(sdk_create(size.long, 0))
  print(("%-24s %10.1f MB after %d calls"):format("memory: sdk", ours.peak_kb / 1024, ours.calls))
  return { { what = ("peak memory after %d calls, MB over the floor's"):format(ours.calls), bar = 4, goal = 2,
    value = (ours.peak_kb - theirs.peak_kb) / 1024, failed = not_flat(ours.half_kb, ours.peak_kb) } }
end

local function listing(headers, sdk)
  local kept = {}
  for _, line in ipairs(headers) do
    if not line:find("^Content%-Type:") and not line:find("^Idempotency%-Key:") then
      kept[#kept + 1] = line
    end
  end
  local samples = in_turns(size.lists, sdk and { "bare", "sdk" } or { "bare" }, {
    bare = function() return sample(with_headers({ LUA, "bench/bare/list.lua" }, kept)) end,
    sdk = function() return sample { HOST, "bench/sdk/list.lua" } end,
  })
  show_absolute("list: bare", samples.bare)
  if not sdk then
    return {}
  end
  show_absolute("list: sdk", samples.sdk)
  local last = samples.sdk[#samples.sdk]
  return { { what = ("listing %d things, things per second over bare Lua's"):format(last.things), bar = 0.60,
    goal = 0.80, at_least = true, value = paired(samples.sdk, samples.bare, ratio(per_second)),
    failed = not_flat(last.early_kb, last.peak_kb) } }
end

local function main()
  local headers, sdk = headers_of_the_sdk()
  local rows = {}
  for _, part in ipairs { one_after_another, one_script, memory, listing } do
    for _, row in ipairs(part(headers, sdk)) do
      rows[#rows + 1] = row
    end
  end
  print()
  print(ROW:format("what", "measured", "bar", "goal", "verdict"))
  for _, row in ipairs(rows) do
    show(row)
  end
end

local ok, problem = pcall(main)
if not ok then
  io.stderr:write("bench: ", tostring(problem), "\n")
  os.exit(1)
end

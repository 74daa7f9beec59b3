-- A long log followed over a network that breaks it off every few thousand lines, anywhere, from an emulator that drops it, closes it, repeats
-- lines and leaves some out: every line must come, once, in order, and what is held must stay flat.
-- From the repository: gitdev spec/soak/stream.lua [LINES [HOST [SEED]]], where HOST is the program for the emulator; Lua and LuaJIT run it too.
-- Exits with 1 if it was not so.
local gitdev = require "gitdev"
local loop = require "gitdev.loop"
local peer = require "spec.soak.peer"
local usage = require "spec.soak.usage"

local LINES, HOST, SEED = tonumber(arg[1]) or 1000000, arg[2] or "build/bin/gitdev", arg[3] or tostring(os.time())
local CUTTER = HOST:gsub("bin/gitdev$", "soak/cutter")
local SAMPLES = 50
local TURNS, TURN = 1000, 0.01

-- Bytes after which a connection is broken off: about as many as 800 to 6,000 lines.
local CUT_MIN, CUT_MAX = 200000, 1500000

-- What happens to a stream, each to the next that is opened, once it has sent so many lines. What takes most memory comes first, when the run
-- still warms up.
local STREAM, FAULT_AFTER, FAULT_EVERY = "deployments.logs.stream", 1000, 4000
local FAULTS = {
  { duplicate = 1000, gap = 1500, close = 4429 },
  { gap = 700, drop = true },
  { drop = true },
  { duplicate = 100 },
  { close = 1001 },
  { duplicate = 1000, drop = true },
  { gap = 1000 },
  { close = 1011 },
  { gap = 30, close = 1012 },
  { close = 4408 },
}

-- Silence is noticed after 37.5 seconds: only a long run has one.
local SILENT_FROM = 1000000

-- A proxy that breaks connections to a server off. Returns its port; it ends with what reads from `pipe`.
local function start_cutter(port)
  local announcement = os.tmpname()
  local pipe = assert(io.popen(("%s %s %s %d %d >%s"):format(CUTTER, port, SEED, CUT_MIN, CUT_MAX, announcement), "w"))
  local line
  for _ = 1, TURNS do
    local file = assert(io.open(announcement))
    line = file:read "*l"
    file:close()
    if line then break end
    loop.sleep(TURN)
  end
  os.remove(announcement)
  return assert(line, "the proxy did not start"), pipe
end

local function inject(emulator)
  if LINES >= SILENT_FROM then
    emulator:fault { match = { op = STREAM }, after = #FAULTS, stream = { lines = FAULT_AFTER, stall = true } }
  end
  for number = 1, math.max(#FAULTS, math.floor(LINES / FAULT_EVERY)) do
    local stream = { lines = FAULT_AFTER }
    for name, value in pairs(FAULTS[(number - 1) % #FAULTS + 1]) do
      stream[name] = value
    end
    emulator:fault { match = { op = STREAM }, stream = stream }
  end
end

local function client_of(emulator, url, seen)
  return gitdev.client {
    api_key = emulator.api_key,
    base_url = url,
    ca_file = emulator.ca_file,
    quiet = true,
    on_request = seen and function()
      seen.requests = seen.requests + 1
    end,
  }
end

-- Lines of the build's own are among those that were written.
local function check(seen, line)
  seen.lines = seen.lines + 1
  assert(line.seq == seen.lines, ("line %d came when %d was due"):format(line.seq, seen.lines))
  local number = tonumber(line.message:match "^written (%d+)$")
  if number then
    seen.written = seen.written + 1
    assert(number == seen.written, ("what was written as %d came when %d was due"):format(number, seen.written))
  end
  return number
end

local function report(seen, sample)
  print(("%8d lines  %4d requests  %6d KB  %3d descriptors  %6.0f KB of Lua"):format(
    seen.written, seen.requests, sample.rss, sample.descriptors, sample.heap))
  io.stdout:flush()
end

local function follow(emulator, url, held, seen)
  local direct, git = client_of(emulator, emulator.url), client_of(emulator, url, seen)
  local id = direct.deployments:create({ project = "my-app", metadata = { emulate = "hang" } }).id
  emulator:write_log { id = id, count = LINES, message = "written {n}" }
  local every = math.floor(LINES / SAMPLES)
  for line in git.deployments:get(id):logs { follow = true } do
    local number = check(seen, line)
    if number and number % every == 0 then
      report(seen, held:sample())
    end
    if number == LINES then
      direct.deployments:cancel(id)
    end
  end
  git:close()
  direct:close()
end

local function main()
  local emulator, held, seen = peer.start(HOST, "--no-rate-limit"), usage.new(), { lines = 0, written = 0, requests = 0 }
  inject(emulator)
  local port, cutter = start_cutter(emulator.url:match ":(%d+)/")
  local began = loop.now()
  local ok, err = gitdev.pcall(follow, emulator, ("https://127.0.0.1:%s/v2"):format(port), held, seen)
  cutter:close()
  emulator:stop()
  print(("%d lines of %d  %d requests  %.1f s  seed %s"):format(seen.written, LINES, seen.requests, loop.now() - began, SEED))
  if not ok then
    error(err, 0)
  end
  local found = held:complaints()
  if seen.written ~= LINES then
    found[#found + 1] = "the log has ended before its last line"
  end
  for _, text in ipairs(found) do
    print("not so: " .. text)
  end
  return #found == 0
end

if not gitdev.run(main) then
  os.exit(1)
end

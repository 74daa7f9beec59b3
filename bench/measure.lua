-- measure: the table of how fast the SDK is. Started by run, which has the server up and the environment set.
--
--   lua5.4 bench/measure.lua full|quick BUILD_DIRECTORY SERVER_DIRECTORY PORT [record]
--
-- nginx listens on PORT and the next three: HTTP/1.1, HTTP/2, and both again with what is asked written down; the server of logs on the
-- one after. Each row is a ratio, or a difference, of two programs measured one right after the other, in turns; it is the median over
-- the turns. A bar that is missed is said, and is no failure of the run. With `record`, docs/speed.md and docs/speed.svg are written as
-- well.
local beside = require "beside"
local chart = require "chart"
local cjson = require "cjson"
local fleet = require "fleet"
local frames = require "frames"
local live = require "live"
local load = require "load"
local page = require "page"
local programs = require "programs"
local report = require "report"
local rows = require "rows"
local samples = require "samples"
local witness = require "witness"

local mode, build, root, port, record = arg[1], arg[2], arg[3], tonumber(arg[4]), arg[5]
local ca_file = os.getenv "GIT_CA_FILE"
local HOST = build .. "/bin/gitdev"
local BODY = '{"project":"my-app","branch":"main","env":{"NODE_ENV":"production"}}'
local AT_ONCE = 32

local SIZES = {
  full = { turns = 15, others_every = 3, calls = 3000, many = 10000, warm_up = 1000, starts = 41, long = 20000, long_runs = 7, lists = 15,
    load = 20000, verified = 200000, lines = 200000, slow_lines = 1000000, pauses = 40, holds = 5, streams = 1000, games = 3, frames = 1800 },
  quick = { turns = 3, others_every = 3, calls = 500, many = 1000, warm_up = 100, starts = 5, long = 2000, long_runs = 1, lists = 3,
    load = 1000, verified = 10000, lines = 20000, slow_lines = 1000000, pauses = 5, holds = 1, streams = 100, games = 1, frames = 900 },
}
SIZES.full.fleet, SIZES.quick.fleet = 250, 60 -- calls of each member
-- Calls a second: twice what the largest plan grants an organization (contract 1.11).
SIZES.full.nginx = { rate = 200, at_once = 64, seconds = 3, turns = 15 }
SIZES.quick.nginx = { rate = 200, at_once = 64, seconds = 1, turns = 1 }
local size = SIZES[mode]

local function url(offset)
  return ("https://127.0.0.1:%d/v2"):format(port + offset)
end

-- The two ways to call: where, how many at once, and how often.
local WAYS = {
  one = { url = url(0), at_once = 1, calls = size.calls, witness = url(2) },
  many = { url = url(1), at_once = AT_ONCE, calls = size.many, witness = url(3) },
}

---- what is sent

local function watch(client, name, headers)
  local way = { url = WAYS[name].witness, at_once = name == "one" and 1 or 2, calls = 1, warm_up = 0, body = BODY, headers = headers }
  return witness.watch(root, client[name](way))
end

-- What the SDK sends in each of the two ways, as { request, headers }: headers are those that the others have to be given. The
-- floors are held to sending the same, to the byte.
local function watch_both(own)
  local sent = {}
  for name in pairs(WAYS) do
    local ours = watch(own.sdk, name, {})
    local headers = witness.to_send(ours)
    local theirs = watch(own.floor, name, headers)
    if witness.text(theirs) ~= witness.text(ours) then
      error("the floor's request is not the SDK's.\nThe SDK's:\n" .. witness.text(ours) .. "\nThe floor's:\n" ..
        witness.text(theirs), 0)
    end
    sent[name] = { request = ours, headers = headers }
  end
  return sent
end

-- Has a client make one call, and notes how its request differs from the SDK's in client.differs[name]. False if it failed; it has
-- said why itself.
local function try_out(client, name, sent)
  local ok, request = pcall(watch, client, name, sent[name].headers)
  client.differs[name] = ok and witness.difference(request, sent[name].request) or nil
  return ok
end

-- The other clients here that can make a call, with what each sends; and the labels of what is left out.
local function try_others(sent)
  local able = {}
  local others, absent = programs.others(build)
  for _, client in ipairs(others) do
    client.differs = {}
    for name in pairs(WAYS) do
      if client[name] and not try_out(client, name, sent) then
        client[name] = nil
        absent[#absent + 1] = client.label .. ", which failed"
      end
    end
    if client.one or client.many then
      able[#able + 1] = client
    end
  end
  return able, absent
end

---- the same calls, by all

-- How a client is to be measured.
local function contender(client, name, headers, every)
  local part = client.slow and name == "many" and 5 or 1
  local way = { url = WAYS[name].url, at_once = WAYS[name].at_once, calls = WAYS[name].calls // part,
    warm_up = size.warm_up * (client.compiles and 5 or 1) // part, body = BODY, headers = headers }
  return { name = client.name, take = samples.of(client[name](way)), every = every or 1 }
end

-- Measures one way of calling, and notes in each client what came out (client.measured[name]). Returns the samples by client.
local function measure_way(name, own, clients, sent)
  local contenders = {}
  for _, client in ipairs(clients) do
    if client[name] then
      contenders[#contenders + 1] = contender(client, name, sent[name].headers, not own[client.name] and size.others_every)
    end
  end
  local taken = samples.in_turns(size.turns, contenders)
  for _, client in ipairs(clients) do
    local list = taken[client.name]
    client.measured[name] = list and { per_second = samples.median_of(list, samples.per_second),
      cpu_us = samples.median_of(list, samples.cpu_us), peak_mb = samples.median_of(list, samples.peak_mb) }
  end
  return taken
end

---- the rows

local function calls(own, clients, sent)
  local one = measure_way("one", own, clients, sent)
  local many = measure_way("many", own, clients, sent)
  return {
    rows.rate("one after another, calls per second", "the floor", one.sdk, one.floor, 0.80, 0.90),
    rows.cpu("one after another, CPU per call", "the floor", one.sdk, one.floor, 1.40, 1.25),
    rows.rate("one after another, calls per second", "bare", one.sdk, one.bare, 0.92, 1.0),
    rows.cpu("one after another, CPU per call", "bare", one.sdk, one.bare, 1.15, 1.0),
    rows.rate(AT_ONCE .. " at once, calls per second", "the floor", many.sdk, many.floor, 0.80, 0.95),
  }
end

local function curl_once(headers)
  local argv = { "curl", "-s", "--fail", "--cacert", ca_file, "--data", BODY }
  for _, line in ipairs(headers) do
    argv = programs.words(argv, "--header", line)
  end
  return programs.words(argv, WAYS.one.url .. "/deployments")
end

local function milliseconds(list)
  return ("%.1f ms"):format(samples.median(list) * 1e3)
end

local function one_script(_, _, sent)
  local taken = samples.in_turns(size.starts, {
    { name = "curl", take = samples.timed(curl_once(sent.one.headers)) },
    { name = "sdk", take = samples.timed { HOST, "bench/sdk/once.lua" } },
  })
  return { { what = "a script with one call, start to exit", beside = "curl", ours = milliseconds(taken.sdk),
    theirs = milliseconds(taken.curl), bar = 1.20, goal = 1.05,
    value = samples.ratio(taken.sdk, taken.curl, function(seconds) return seconds end) } }
end

local function memory(own, _, sent)
  local way = { url = WAYS.one.url, at_once = 1, calls = size.long, warm_up = 0, body = BODY, headers = sent.one.headers }
  local taken = samples.in_turns(size.long_runs, {
    { name = "floor", take = samples.of(own.floor.one(way)) },
    { name = "sdk", take = samples.of(own.sdk.one(way)) },
  })
  return { rows.more_memory(("peak memory after %d calls"):format(size.long), "the floor", taken.sdk, taken.floor, 4, 2) }
end

-- The headers of a GET, by those of a POST.
local function headers_to_get(sent)
  local headers = {}
  for _, line in ipairs(sent.one.headers) do
    if not line:find "^Content%-Type:" and not line:find "^Idempotency%-Key:" then
      headers[#headers + 1] = line
    end
  end
  return headers
end

local function listing(_, _, sent)
  local argv = programs.words({ "lua5.4", "bench/bare/list.lua" }, table.unpack(headers_to_get(sent)))
  local taken = samples.in_turns(size.lists, {
    { name = "bare", take = samples.of(argv) }, { name = "sdk", take = samples.of { HOST, "bench/sdk/list.lua" } },
  })
  local last = taken.sdk[#taken.sdk]
  local row = rows.rate(("listing %d things, things per second"):format(last.things), "bare", taken.sdk, taken.bare, 0.60, 0.80)
  row.failed = rows.not_flat(last.early_kb, last.peak_kb)
  return { row }
end

local function emulators()
  local file = assert(io.open(root .. "/emulator.json"))
  local about = cjson.decode(file:read "a")
  file:close()
  return about
end

-- The emulator at work: one thing read again and again, beside nginx with the same bytes; and a page, beside the same of a small store.
local function emulator(_, _, _, results)
  if not load.version() then
    table.insert(results.absent, "h2load, which is not on this machine, so the emulator was not loaded")
    return {}
  end
  local about = emulators()
  local function get(server, path)
    return load.of(server.url .. path, size.load, { "authorization: Bearer " .. server.api_key })
  end
  local one = "/deployments/" .. about.many.deployment
  local taken = samples.in_turns(size.lists, {
    { name = "nginx", take = load.of(url(0) .. "/one", size.load, { "authorization: Bearer " .. about.many.api_key }) },
    { name = "one", take = get(about.many, one) },
    { name = "page", take = get(about.many, "/deployments?limit=20") },
    { name = "small", take = get(about.few, "/deployments?limit=20") },
  })
  return {
    rows.rate("emulator: GET of one of 10000, per second", "nginx", taken.one, taken.nginx, 0.20, 0.25),
    rows.rate("emulator: a page of 10000, per second", "of 100", taken.page, taken.small, 0.80, 0.95),
  }
end

local function verifying()
  return live.verifying(HOST, size)
end

local function following(_, _, sent)
  return live.following(HOST, size, url(4), headers_to_get(sent))
end

local function reading_slowly()
  return live.reading_slowly(HOST, size, url(4))
end

local function holding()
  return live.holding(HOST, build, size, url(4), ca_file)
end

local function in_nginx()
  return beside.unrelated(build, size.nginx, port + 5)
end

local function sharing(_, _, _, results)
  if not fleet.version() then
    table.insert(results.absent, "eight processes that share a rate limit: redis-server is not on this machine")
    return {}
  end
  return fleet.rows(build, size.fleet)
end

-- Last of all: it deploys, and the emulator holds more then.
local function gaming()
  return frames.rows(build, size, emulators().few, root)
end

---- all of it

local function write(path, text)
  local file = assert(io.open(path, "w"))
  assert(file:write(text))
  assert(file:close())
  print("written: " .. path)
end

local function main()
  local own = programs.own(build, ca_file)
  local sent = watch_both(own)
  local others, absent = try_others(sent)
  local clients = { own.floor, own.bare, own.sdk, table.unpack(others) }
  for _, client in ipairs(clients) do
    client.measured = {}
  end
  local results = { clients = clients, absent = absent, rows = {}, at_once = AT_ONCE, size = size }
  for _, part in ipairs { calls, one_script, memory, listing, verifying, following, reading_slowly, holding, in_nginx, sharing, emulator, gaming } do
    for _, row in ipairs(part(own, clients, sent, results)) do
      row.verdict = report.verdict(row)
      table.insert(results.rows, row)
    end
  end
  report.show(results)
  if record then
    write("docs/speed.svg", chart.draw(results))
    write("docs/speed.md", page.text(results, HOST))
  end
end

local ok, problem = xpcall(main, function(problem)
  return type(problem) == "string" and not problem:find "^%S+%.lua:%d" and problem or debug.traceback(problem)
end)
if not ok then
  io.stderr:write("bench: ", tostring(problem), "\n")
  os.exit(1)
end

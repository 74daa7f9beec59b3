-- The results as docs/speed.md.
local bare = require "bare"
local programs = require "programs"
local report = require "report"

local page = {}

local PAGE = [[
# How fast it is

![calls per second of each client, and the ratios against their bars](speed.svg)

Written by `./dev bench --record`, as is the picture: the numbers of one run on one machine. Others will differ; the ratios should not by much.

| | |
|---|---|
@machine@

## What is measured

Each program makes the same call, `POST /v2/deployments`, over TLS to the same nginx on loopback, which answers with a deployment of 25 fields;
nginx has one CPU to itself, the program another. The measured calls come after @warm_up@ that are not (five times as many for Node, which compiles
while it runs). Clients take turns, and what is shown is the median over the turns: @turns@ for the first three, @other_turns@ for the other clients.
`bench/run` holds the floors to sending what the SDK sends, byte for byte.

- **the floor** is plain libcurl, from C (`bench/floor.c`), with nothing done to the answer; @at_once@ at once it is a loop over `curl_multi_poll`
  with one connection (`bench/floor_multi.c`). The SDK uses the same libcurl.
- **bare** is the least that Lua could do: a C module over that libcurl, and lua-cjson (`bench/bare/`).
- for webhooks, **bare** is OpenSSL's HMAC with a context that is made once, and lua-cjson. For logs it is libcurl's `CONNECT_ONLY`, wslay and
  lua-cjson, and both follow the log of a small server in C (`bench/log_server.c`), which makes lines as fast as they are taken. **The floor** of many
  open streams is as many TLS connections of plain libcurl, on which nothing is said (`bench/floor_tunnels.c`). The log that is read slowly has
  @slow_lines@ lines to give at once: what is not read must wait at the server.
- the other clients are small programs in `bench/others/`, written as their documentation has it, which turn the answer into a value of
  their language, as the SDK does.

## Beside the floors

A ratio is the median of the ratios of neighbours in time, not the ratio of the medians beside it. A bar is due, a goal is hoped for.

| what | gitdev | beside | theirs | ratio | bar | goal | |
|---|--:|---|--:|--:|--:|--:|---|
@rows@

## Beside other clients

CPU is user and system time of the process for each call; memory is the largest resident set.

| create a deployment | version | one after another, HTTP/1.1 | CPU | memory | @at_once@ at once, HTTP/2 | CPU | memory |
|---|---|--:|--:|--:|--:|--:|--:|
@clients@
@absent@
What their requests have otherwise than the SDK's, besides the order of headers and of the body's members, and the case of header names:

@differences@
]]

local function table_row(...)
  return "| " .. table.concat({ ... }, " | ") .. " |"
end

local function first_match(path, pattern)
  local file = io.open(path)
  local text = file and file:read "a"
  if file then
    file:close()
  end
  return text and text:match(pattern) or "unknown"
end

local function machine(host)
  local curl, nginx = bare.version(), programs.output "nginx -v 2>&1"
  return table.concat({
    table_row("date", os.date "!%Y-%m-%d"),
    table_row("processor", first_match("/proc/cpuinfo", "model name%s*:%s*([^\n]+)") .. ", " ..
      (programs.output "nproc --all" or "?") .. " CPUs"),
    table_row("system", first_match("/etc/os-release", 'PRETTY_NAME="([^"]+)"') .. ", " .. (programs.output "uname -sr" or "?")),
    table_row("gitdev", (programs.output(host .. " --version"):match "^gitdev (%S+)")),
    table_row("libcurl", ("%s, %s, %s"):format(curl:match "libcurl/(%S+)", curl:match "OpenSSL/%S+" or "another TLS",
      curl:match "nghttp2/%S+" or "no HTTP/2")),
    table_row("Lua", (_VERSION:gsub("^Lua ", ""))),
    table_row("nginx", nginx and nginx:match "nginx/(%S+)" or "unknown"),
  }, "\n")
end

local function rows(results)
  local lines = {}
  for i, row in ipairs(results.rows) do
    local value, bar, goal = report.numbers(row)
    lines[i] = table_row(row.what, row.ours, row.beside, row.theirs, value, bar, goal, row.verdict)
  end
  return (table.concat(lines, "\n"):gsub("<=", "≤"):gsub(">=", "≥"):gsub(" us ", " µs "))
end

local function cells(of)
  if not of then
    return " | |"
  end
  return ("%.0f/s | %.1f µs | %.1f MB"):format(of.per_second, of.cpu_us, of.peak_mb)
end

local function clients(results)
  local lines = {}
  for i, client in ipairs(results.clients) do
    lines[i] = table_row(client.label, client.version or "", cells(client.measured.one), cells(client.measured.many))
  end
  return table.concat(lines, "\n")
end

local function absent(results)
  if #results.absent == 0 then
    return ""
  end
  return "\nNot measured: " .. table.concat(results.absent, "; ") .. ".\n"
end

local function sentence(words)
  return words:sub(1, 1):upper() .. words:sub(2) .. "."
end

local function difference(one, many)
  if one and many and one ~= many then
    return ("over HTTP/1.1 %s; over HTTP/2 %s"):format(one, many)
  end
  return one or many
end

local function differences(results)
  local lines = {}
  for _, client in ipairs(results.clients) do
    local words = client.differs and difference(client.differs.one, client.differs.many)
    if words then
      lines[#lines + 1] = ("- %s: %s"):format(client.label, sentence(words) .. (client.note and " " .. client.note or ""))
    end
  end
  return table.concat(lines, "\n")
end

--- The page's text. `host` is the SDK's interpreter.
function page.text(results, host)
  local filled = {
    machine = machine(host), rows = rows(results), clients = clients(results), absent = absent(results),
    differences = differences(results), warm_up = results.size.warm_up, turns = results.size.turns,
    other_turns = results.size.turns // results.size.others_every, at_once = results.at_once,
    slow_lines = results.size.slow_lines,
  }
  return (PAGE:gsub("@([%w_]+)@", filled))
end

return page

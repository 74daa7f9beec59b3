--- `gitdev emulator`: serves the emulator on its own until it is interrupted.
local arguments = require "gitdev.cli.arguments"
local exit_code = require "gitdev.cli.exit_code"
local help = require "gitdev.cli.help"
local report = require "gitdev.cli.report"

local command = {}

local function port_number(text)
  local number = arguments.whole(text)
  return number and number <= 65535 and number or nil
end

--- See gitdev.cli.arguments; what they set are options of the server.
command.options = {
  { name = "port", sets = "port", read = port_number, takes = "N", doc = "the port to listen on, up to 65535 (default 0: any free one)" },
  { name = "plain-port", sets = "plain_port", read = port_number, takes = "N",
    doc = "answer in clear on this port that it must be https (0: any free one)" },
  { name = "plan", sets = "plan", read = arguments.one_of("starter", "pro", "enterprise"), takes = "PLAN",
    doc = "how fast calls may be made: starter, pro or enterprise (the default)" },
  { name = "no-rate-limit", sets = "rate_limit", value = false, doc = "never refuse a call for being too fast" },
  { name = "build-ms", sets = "build_ms", read = arguments.whole, takes = "N", doc = "milliseconds that a deployment takes (default 2400)" },
  { name = "auto-create-projects", sets = "auto_create_projects", value = true,
    doc = "create a project that a deployment names and nobody made" },
  { name = "state", sets = "state", read = arguments.text, takes = "FILE", doc = "go on from the state in this file, and leave it there in the end" },
  { name = "repositories", sets = "repositories", read = arguments.text, takes = "DIR",
    doc = "keep each repository in this folder, as a bare one that git clone reads" },
  { name = "no-deliver", sets = "deliver", value = false, doc = "send no webhook delivery: every url answers 200" },
  { name = "deliver-public", sets = "deliver_public", value = true,
    doc = "send webhook deliveries to public addresses too, not to this machine alone" },
  { name = "deliver-ca", sets = "deliver_ca_file", read = arguments.text, takes = "FILE",
    doc = "the certificates that deliveries trust instead of the system's" },
  { name = "seed", sets = "seed", read = arguments.whole, takes = "N", doc = "make the same ids and commits in every run" },
}

command.usage = "emulator [options]"
command.doc = {
  "The first line on stdout is a JSON object with url, ca_file, api_key and pid;",
  "with --plain-port also plain_url.",
}

local function help_text()
  return "usage: gitdev " .. command.usage .. "\n" .. help.section("options", arguments.rows(command.options))
    .. "\n" .. table.concat(command.doc, "\n") .. "\n"
end

local function announce(server, host)
  local json = require "gitdev.json"
  local plain = server.plain_url and ',"plain_url":' .. json.encode(server.plain_url) or ""
  io.stdout:write(string.format('{"url":%s,"ca_file":%s,"api_key":%s,"pid":%d%s}\n',
    json.encode(server.url), json.encode(server.ca_file), json.encode(server.api_key), host.pid(), plain))
  io.stdout:flush()
end

local function is_there(name)
  local file = io.open(name, "rb")
  return file and file:close() or false
end

-- Until a signal raises an error.
local function serve(host, settings, started)
  local loop = require "gitdev.loop"
  loop.configure { on_open = host.watch_loop, interrupted = host.signal }
  local server, problem = require("gitdev.emulator.server").start(settings)
  if not server then error(problem, 0) end
  host.doom(server.ca_file)
  if settings.state and is_there(settings.state) then
    local ok, cause = server.emulator:load(settings.state)
    if not ok then error(cause, 0) end
  end
  started.emulator = server.emulator
  announce(server, host)
  while true do
    loop.sleep(3600)
  end
end

-- Saves what is to be kept. From here on no signal interrupts.
local function leave(host, settings, emulator)
  host.calm()
  local ok, problem = true, nil
  if settings.state and emulator then
    ok, problem = emulator:save(settings.state)
  end
  if not ok then
    report.say("emulator: the state cannot be saved: %s", problem)
    return exit_code.ERROR
  end
  return exit_code.OK
end

--- Runs the command; returns the exit code. To be interrupted is how it ends: that is no failure.
function command.main(host, given)
  local settings, words = arguments.parse(command.options, given)
  local problem = not settings and words or words[1] and "unknown argument '" .. words[1] .. "'"
  if problem then
    report.say("emulator: %s (gitdev emulator --help tells what there is)", problem)
    return exit_code.USAGE
  end
  if settings.help then
    return report.print(help_text())
  end
  local started = {}
  local _, err = pcall(serve, host, settings, started)
  if not host.signal() then error(err, 0) end
  return leave(host, settings, started.emulator)
end

return command

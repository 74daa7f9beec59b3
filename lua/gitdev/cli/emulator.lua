--- `gitdev emulator`: serves the emulator on its own until it is interrupted.
local exit_code = require "gitdev.cli.exit_code"
local help = require "gitdev.cli.help"
local report = require "gitdev.cli.report"

local command = {}

local function port_number(text)
  local number = tonumber(text)
  return number and number >= 0 and number <= 65535 and number % 1 == 0 and number or nil
end

local function whole_number(text)
  local number = tonumber(text)
  return number and number >= 0 and number % 1 == 0 and number or nil
end

local function path(text)
  return text ~= "" and text or nil
end

local function one_of(...)
  local names = {}
  for _, name in ipairs { ... } do
    names[name] = name
  end
  return function(text)
    return names[text]
  end
end

--- Each option: its name, the option of the server that it sets, how its value is read (none: a flag that sets `value`), what it does.
command.options = {
  { name = "port", sets = "port", read = port_number, takes = "N", doc = "the port to listen on, up to 65535 (default 0: any free one)" },
  { name = "plan", sets = "plan", read = one_of("starter", "pro", "enterprise"), takes = "PLAN",
    doc = "how fast calls may be made: starter, pro or enterprise (the default)" },
  { name = "no-rate-limit", sets = "rate_limit", value = false, doc = "never refuse a call for being too fast" },
  { name = "build-ms", sets = "build_ms", read = whole_number, takes = "N", doc = "milliseconds that a deployment takes (default 2400)" },
  { name = "auto-create-projects", sets = "auto_create_projects", value = true,
    doc = "create a project that a deployment names and nobody made" },
  { name = "state", sets = "state", read = path, takes = "FILE", doc = "go on from the state in this file, and leave it there in the end" },
  { name = "repositories", sets = "repositories", read = path, takes = "DIR",
    doc = "keep each repository in this folder, as a bare one that git clone reads" },
  { name = "seed", sets = "seed", read = whole_number, takes = "N", doc = "make the same ids and commits in every run" },
}

local function help_text()
  local rows = {}
  for _, option in ipairs(command.options) do
    rows[#rows + 1] = { "--" .. option.name .. (option.takes and " " .. option.takes or ""), option.doc }
  end
  rows[#rows + 1] = help.row
  return "usage: gitdev emulator [options]\n" .. help.section("options", rows)
    .. "\nThe first line on stdout is a JSON object with url, ca_file, api_key and pid.\n"
end

local function find(name)
  for _, option in ipairs(command.options) do
    if option.name == name then return option end
  end
  return nil
end

--- Reads the arguments into the server's options. Returns nil and a sentence when one is wrong.
local function parse(arguments)
  local settings, i = {}, 1
  while arguments[i] do
    local name, inline = arguments[i]:match "^%-%-([%w-]+)=?(.*)$"
    local option = name and find(name)
    if help.asked(arguments[i]) then return { help = true } end
    if not option or (inline ~= "" and not option.read) then return nil, "unknown option '" .. arguments[i] .. "'" end
    local value = option.value
    if option.read then
      if inline == "" then
        i = i + 1
        inline = arguments[i]
        if not inline then return nil, "--" .. name .. " needs a value: " .. option.doc end
      end
      value = option.read(inline)
      if value == nil then return nil, "--" .. name .. " cannot be '" .. inline .. "': " .. option.doc end
    end
    settings[option.sets] = value
    i = i + 1
  end
  return settings
end

local function announce(server, host)
  local json = require "gitdev.json"
  io.stdout:write(string.format('{"url":%s,"ca_file":%s,"api_key":%s,"pid":%d}\n',
    json.encode(server.url), json.encode(server.ca_file), json.encode(server.api_key), host.pid()))
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
function command.main(host, arguments)
  local settings, problem = parse(arguments)
  if not settings then
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

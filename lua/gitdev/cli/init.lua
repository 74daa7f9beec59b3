--- The host, from the options on: what the C part read from the command line is carried out here.
local compat = require "gitdev.compat"
local exit_code = require "gitdev.cli.exit_code"
local report = require "gitdev.cli.report"

local cli = {}

local function version()
  local core = require "gitdev.core"
  local curl = require("gitdev.net").curl_version()
  return string.format("gitdev %s  %s  libcurl/%s", core.version, _VERSION, curl)
end

-- What must be undone before the process ends, however it ends.
local function clean_up()
  local server = package.loaded["gitdev.emulator.server"]
  if server then server.stop_all() end
end

-- os.exit ends the process without unwinding anything. From here on a signal interrupts nothing: what is begun is finished.
local function guard_exit(host)
  local exit = os.exit
  os.exit = function(...) -- luacheck: ignore 122
    host.calm()
    clean_up()
    exit(...)
  end
end

--- Starts an emulator in this process and points the environment at it.
local function start_emulator(host)
  local loop = require "gitdev.loop"
  local server = assert(require("gitdev.emulator.server").start())
  host.doom(server.ca_file)
  host.setenv("GIT_API_KEY", server.api_key)
  host.setenv("GIT_API_URL", server.url)
  host.setenv("GIT_CA_FILE", server.ca_file)
  loop.configure { connect_to = string.format("api.git.dev:443:127.0.0.1:%d", server.port) }
end

local function run_text(text, name)
  local fn, problem = compat.load(text, name)
  if not fn then error(problem, 0) end
  fn()
end

local function run_file(name, ...)
  local fn, problem = loadfile(name)
  if not fn then error(problem, 0) end
  fn(...)
end

local function run_environment()
  local name = "LUA_INIT_" .. _VERSION:match "%d.*":gsub("%.", "_")
  local text = os.getenv(name)
  if not text then
    name = "LUA_INIT"
    text = os.getenv(name)
  end
  if not text then return end
  if text:sub(1, 1) == "@" then
    run_file(text:sub(2))
  else
    run_text(text, "=" .. name)
  end
end

local function run_chunk(chunk)
  if chunk.kind == "e" then
    run_text(chunk.text, "=(command line)")
    return
  end
  local global, module = chunk.text:match "^([^=]+)=(.+)$"
  module = module or chunk.text
  local ok, loaded = pcall(require, module) -- called from C, it puts no place of ours before its message
  if not ok then error(loaded, 0) end
  _G[global or module:match "^[^-]*"] = loaded
end

local function is_there(name)
  local file = io.open(name, "rb")
  return file and file:close() or false
end

-- "-" is stdin.
local function run_script(name, ...)
  if name == "-" then return run_file(nil, ...) end
  local fn, problem = loadfile(name)
  if not fn then
    error(is_there(name) and problem or problem .. require("gitdev.cli.misuse").script(name), 0)
  end
  fn(...)
end

--- With no script, no -e and no -v, the program comes from stdin.
local function reads_stdin(options)
  if options.script or options.version then return false end
  for _, chunk in ipairs(options.chunks) do
    if chunk.kind == "e" then return false end
  end
  return true
end

--- Everything that runs the user's code, in the order of lua.c. Runs as a task of the loop.
local function run_all(options)
  if options.warnings then warn "@on" end -- luacheck: ignore 113
  if not options.ignore_environment then run_environment() end
  for _, chunk in ipairs(options.chunks) do
    run_chunk(chunk)
  end
  local arguments = _G.arg
  if options.script then
    run_script(options.script, compat.unpack(arguments))
  end
  if reads_stdin(options) and not require("gitdev.net").isatty(0) then run_file(nil) end
end

local function wants_repl(options)
  return options.interactive or reads_stdin(options) and require("gitdev.net").isatty(0)
end

--- Runs the user's code and reports its error. Returns the exit code.
local function run(host, options)
  local loop = require "gitdev.loop"
  loop.configure { on_open = host.watch_loop, interrupted = host.signal, hold = host.hold, held = host.held }
  if options.emulator then start_emulator(host) end
  local ok, err, traceback = loop.attempt(run_all, options)
  if host.signal() then error(err, 0) end
  if not ok then
    report.uncaught(err, traceback)
    return exit_code.of(err)
  end
  if wants_repl(options) then
    if not options.version then io.write(version(), "\n") end
    require("gitdev.cli.repl").run(host)
  end
  return exit_code.OK
end

-- The module of a command. The names of most scripts have a dot or a slash in them: for those no table is loaded.
local function command_of(name)
  if not name or name:find "[^%a]" then return nil end
  for _, command in ipairs(require "gitdev.cli.commands") do
    if command.name == name then return require(command.module) end
  end
  return nil
end

local function misused(word)
  report.say("%s (gitdev --help tells what there is)", require("gitdev.cli.misuse").option(word))
  return exit_code.USAGE
end

--- Carries the options out. `host` has the functions of the C part.
local function dispatch(host, options)
  if options.wrong then return misused(options.wrong) end
  if options.help then
    return report.print(require("gitdev.cli.help").text())
  end
  if options.version then io.stdout:write(version(), "\n") end
  if options.version_only then return exit_code.OK end
  if options.quiet then host.setenv("GITDEV_PROGRESS", "off") end
  local command = command_of(options.script)
  if command then return command.main(host, _G.arg) end
  return run(host, options)
end

local function with_traceback(err)
  return { value = err, traceback = debug.traceback() }
end

--- The host's main function: returns the exit code.
function cli.main(host, options)
  guard_exit(host)
  local ok, result = host.interruptible(dispatch, with_traceback, host, options)
  clean_up()
  if ok then return result end
  local signal = host.signal()
  if signal then
    report.say "interrupted"
    return 128 + signal
  end
  report.uncaught(result.value, result.traceback)
  return exit_code.of(result.value)
end

return cli

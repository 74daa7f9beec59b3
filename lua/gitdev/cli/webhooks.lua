--- `gitdev webhooks`: trying out, on this machine, what receives webhooks.
local arguments = require "gitdev.cli.arguments"
local exit_code = require "gitdev.cli.exit_code"
local help = require "gitdev.cli.help"
local nearest = require "gitdev.nearest"
local report = require "gitdev.cli.report"

local command = {}

--- The commands, in the order of the help. Each is a module: summary, usage, doc (lines), options (see gitdev.cli.arguments), exit_codes (codes, or
-- rows for those that mean something of their own), run(settings, words).
command.names = { "listen", "trigger", "resend", "verify" }

local function module_of(name)
  for _, known in ipairs(command.names) do
    if known == name then
      return require("gitdev.cli.webhooks." .. name)
    end
  end
  return nil
end

-- ---- help ----

local function overview()
  local rows = {}
  for index, name in ipairs(command.names) do
    rows[index] = { name, module_of(name).summary }
  end
  return "usage: gitdev webhooks COMMAND [options]\n"
    .. help.section("commands", rows)
    .. help.section("environment", help.some(help.environment, { "GIT_API_KEY", "GIT_API_URL", "GIT_CA_FILE", "GIT_WEBHOOK_SECRET" }))
    .. "\nEach says more: gitdev webhooks listen --help\n"
end

local function help_of(one)
  return "usage: gitdev webhooks " .. one.usage .. "\n\n"
    .. table.concat(one.doc, "\n") .. "\n"
    .. help.section("options", arguments.rows(one.options))
    .. help.section("exit codes", help.some(help.exit_codes, one.exit_codes))
end

-- ---- running ----

local function misused(name, problem)
  local whole = name and "webhooks " .. name or "webhooks"
  report.say("%s: %s (gitdev %s --help tells what there is)", whole, problem, whole)
  return exit_code.USAGE
end

-- Runs a command as a task of the loop, which it may turn. A signal ends the program as ever.
local function carry_out(host, one, settings, words)
  local loop = require "gitdev.loop"
  loop.configure { on_open = host.watch_loop, interrupted = host.signal }
  local ok, code, problem = loop.attempt(one.run, settings, words)
  if not ok then
    error(code, 0)
  end
  return code, problem
end

local function run(host, name, one, given)
  local settings, words = arguments.parse(one.options, given)
  if not settings then
    return misused(name, words)
  elseif settings.help then
    return report.print(help_of(one))
  end
  local code, problem = carry_out(host, one, settings, words)
  return code or misused(name, problem)
end

--- Runs the command; returns the exit code.
function command.main(host, given)
  local name = given[1]
  if name == nil or help.asked(name) then
    local code = report.print(overview())
    return name and code or exit_code.USAGE
  end
  local one = module_of(name)
  if not one then
    local near = nearest.of(name, command.names)
    return misused(nil, ("there is no '%s'%s"):format(name, near and (": did you mean '" .. near .. "'?") or ""))
  end
  local rest = {}
  for index = 2, #given do
    rest[index - 1] = given[index]
  end
  return run(host, name, one, rest)
end

return command

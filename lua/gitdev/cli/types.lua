--- `gitdev types`: prints the LuaCATS annotations of the SDK, for editors.
local exit_code = require "gitdev.cli.exit_code"
local help = require "gitdev.cli.help"
local report = require "gitdev.cli.report"

local command = {}

local function help_text()
  return "usage: gitdev types\n"
    .. "\nPrints the types of the SDK as LuaCATS annotations: every call, thing, event and error.\n"
    .. "Name the file in your editor's settings, as a library.\n"
    .. help.section("options", { help.row })
end

--- Runs the command; returns the exit code.
function command.main(_, arguments)
  local first = arguments[1]
  if help.asked(first) then
    return report.print(help_text())
  elseif first then
    report.say("types: unknown argument '%s' (gitdev types --help tells what there is)", first)
    return exit_code.USAGE
  end
  return report.print(require("gitdev.describe.annotations").text())
end

return command

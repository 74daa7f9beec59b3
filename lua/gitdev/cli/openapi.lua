--- `gitdev openapi`: prints the API's OpenAPI document.
local exit_code = require "gitdev.cli.exit_code"
local help = require "gitdev.cli.help"
local report = require "gitdev.cli.report"

local command = {}

local function help_text()
  return "usage: gitdev openapi\n"
    .. "\nPrints the OpenAPI 3.1 document of the API: operations, objects, errors, webhooks.\n"
    .. help.section("options", { help.row })
end

--- Runs the command; returns the exit code.
function command.main(_, arguments)
  local first = arguments[1]
  if help.asked(first) then
    return report.print(help_text())
  elseif first then
    report.say("openapi: unknown argument '%s' (gitdev openapi --help tells what there is)", first)
    return exit_code.USAGE
  end
  return report.print(require("gitdev.describe.openapi").text())
end

return command

--- `gitdev openapi`: prints the API's OpenAPI document.
local exit_code = require "gitdev.cli.exit_code"
local help = require "gitdev.cli.help"
local report = require "gitdev.cli.report"

local command = {}

local function help_text()
  return "usage: gitdev openapi\n"
    .. "\nPrints the OpenAPI 3.1 document of the API: operations, objects, errors, webhooks.\n"
    .. help.section("options", { { "--help", "show this help" } })
end

--- Runs the command; returns the exit code.
function command.main(_, arguments)
  local first = arguments[1]
  if first == "--help" then
    io.stdout:write(help_text())
    return exit_code.OK
  elseif first then
    report.say("openapi: unknown option '%s' (gitdev openapi --help tells what there is)", first)
    return exit_code.USAGE
  end
  local text = require("gitdev.describe.openapi").text()
  assert(io.stdout:write(text))
  assert(io.stdout:flush())
  return exit_code.OK
end

return command

--- `gitdev types`: prints the LuaCATS annotations of the SDK, for editors.
local exit_code = require "gitdev.cli.exit_code"
local report = require "gitdev.cli.report"

local command = {}

function command.main(_, arguments)
  if arguments[1] == "--help" then
    io.stdout:write "usage: gitdev types\nPrints LuaCATS annotations of every call, thing, event and error: name the file in your editor's library.\n"
    return exit_code.OK
  elseif arguments[1] then
    report.say("types takes no arguments, got '%s'", arguments[1])
    return exit_code.USAGE
  end
  io.stdout:write(require("gitdev.describe.annotations").text())
  return exit_code.OK
end

return command

--- `gitdev help`: the reference, in the terminal.
local exit_code = require "gitdev.cli.exit_code"
local help = require "gitdev.cli.help"
local nearest = require "gitdev.nearest"
local report = require "gitdev.cli.report"
local terminal = require "gitdev.describe.terminal"
local topics = require "gitdev.describe.topics"

local command = {}

local function show(doc)
  return report.print(terminal.write(doc))
end

--- Runs the command: what is asked for, or the list of what there is. Several words are one name: "deployments create".
function command.main(host, arguments)
  local name = table.concat(arguments, ".")
  if name == "" or help.asked(name) then return show(topics.overview()) end
  local doc = topics.of(name)
  if doc then return show(doc) end
  local names = topics.names()
  for _, one in ipairs(help.commands) do
    if one.name == name then return require(one.module).main(host, { "--help" }) end
    names[#names + 1] = one.name
  end
  local near = nearest.of(name, names)
  report.say("help: there is no '%s'%s", name, near and ": did you mean '" .. near .. "'?" or " (gitdev help tells what there is)")
  return exit_code.USAGE
end

return command

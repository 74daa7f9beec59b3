--- The manual page of the host, gitdev(1): what `gitdev --help` and the commands' own help say, from the same tables. `./dev docs` writes it to
-- docs/gitdev.1.
local arguments = require "gitdev.cli.arguments"
local core = require "gitdev.core"
local document = require "gitdev.describe.document"
local emulator = require "gitdev.cli.emulator"
local help = require "gitdev.cli.help"
local roff = require "gitdev.describe.roff"
local webhooks = require "gitdev.cli.webhooks"

local man_page = {}

local NAMES = { "", "" }

local EXAMPLES = [[
gitdev --emulator deploy.lua
GIT_API_KEY=$(cat key) gitdev deploy.lua production
gitdev help deployments.create
gitdev webhooks listen --forward-to localhost:3000/hooks]]

-- "usage: gitdev a\n       gitdev b\n" as a page shows it: a line for each.
local function synopsis(usage)
  return (usage:gsub("^usage: ", ""):gsub("\n%s+", "\n"):gsub("\n$", ""))
end

-- A command that has options of its own, and perhaps a meaning of its own for an exit status.
local function add_command(doc, name, usage, one)
  doc:heading(2, "gitdev " .. name)
  doc:code(synopsis("gitdev " .. usage))
  doc:text(table.concat(one.doc, " "))
  doc:table(NAMES, arguments.rows(one.options))
  for _, code in ipairs(one.exit_codes or {}) do
    if type(code) == "table" then
      doc:text(("Its exit status %d: %s."):format(code[1], code[2]))
    end
  end
end

local function make()
  local doc = document.new()
  doc:heading(1, "name"):text "gitdev - run Lua scripts that use the .git platform, and try them out offline"
  doc:heading(1, "synopsis"):code(synopsis(help.usage))
  doc:heading(1, "description")
  doc:text("`gitdev` is a Lua interpreter with the SDK of the .git platform inside: a script calls `require \"gitdev\"`, and nothing else has to be "
    .. "installed. It takes the options of lua, and some of its own. With a command in the script's place it does what the command says.")
  doc:heading(1, "options"):table(NAMES, help.options)
  doc:heading(1, "commands"):table(NAMES, help.commands)
  add_command(doc, "emulator", emulator.usage, emulator)
  for _, name in ipairs(webhooks.names) do
    local one = require("gitdev.cli.webhooks." .. name)
    add_command(doc, "webhooks " .. name, "webhooks " .. one.usage, one)
  end
  doc:heading(1, "environment"):table(NAMES, help.environment)
  doc:heading(1, "exit status"):table(NAMES, help.exit_codes)
  doc:heading(1, "examples"):code(EXAMPLES)
  doc:heading(1, "see also")
  doc:text "`gitdev help`, the reference of the whole API in the terminal; the guides beside this page, in the folder doc/gitdev of the same prefix."
  return doc
end

--- The page's text.
function man_page.text()
  return roff.write(make(), { name = "gitdev", section = 1, source = "gitdev " .. core.version, manual = "User Commands" })
end

return man_page

--- The tools of others, from npm, where `./dev test contract` puts them.
local openapi = require "gitdev.describe.openapi"
local process = require "spec.lua.support.process"

local tools = {}

local ROOT = os.getenv "GITDEV_CONTRACT" or "build/contract"

-- Nothing here speaks to anybody but this machine.
local QUIET = "REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true "

--- The shell's words for a tool of that name, to go before its arguments.
function tools.command(name)
  return QUIET .. process.quote(ROOT .. "/node_modules/.bin/" .. name)
end

--- Runs a script of this directory under Node, with the tools as its modules. Returns as process.run does.
function tools.node(script, input)
  return process.run(("node spec/contract/%s %s"):format(script, process.quote(ROOT)), input)
end

--- A file with an OpenAPI document, the SDK's own or that of a text. The caller removes it.
function tools.document(text)
  return process.file(text or openapi.text())
end

return tools

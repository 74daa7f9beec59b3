--- The tools of others, from npm, where `./dev test contract` puts them.
local openapi = require "gitdev.describe.openapi"
local loop = require "gitdev.loop"
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

local STEP, TRIES = 0.02, 4500

local function read(path)
  local file = io.open(path, "rb")
  local text = file and file:read "*a"
  if file then file:close() end
  return text
end

local function await(what, condition)
  for _ = 1, TRIES do
    local found = condition()
    if found then return found end
    loop.sleep(STEP)
  end
  error("waited in vain until " .. what)
end

local function words(script, ...)
  local list = { "node", "spec/contract/" .. script, process.quote(ROOT) }
  for _, word in ipairs { ... } do
    list[#list + 1] = process.quote(word)
  end
  return table.concat(list, " ")
end

--- Runs a script as tools.node does, with further words, and serves the loop of this process until it has ended.
function tools.node_beside(script, input, ...)
  local stdin, stdout, stderr, ended = process.file(input), os.tmpname(), os.tmpname(), os.tmpname()
  os.execute(("(%s <%s >%s 2>%s; echo $? >%s) &"):format(words(script, ...), stdin, stdout, stderr, ended))
  local status = await(script .. " has ended", function()
    return (read(ended) or ""):match "^(%d+)\n"
  end)
  local out, err = read(stdout), read(stderr)
  for _, path in ipairs { stdin, stdout, stderr, ended } do
    os.remove(path)
  end
  return tonumber(status), out, err
end

--- Starts a script that prints a port and serves it until its input ends. Returns the port, and a function that stops it.
function tools.serve(script, ...)
  local announcement = os.tmpname()
  local pipe = assert(io.popen(("%s >%s"):format(words(script, ...), announcement), "w"))
  local port = await(script .. " has a port", function()
    return (read(announcement) or ""):match "^(%d+)\n"
  end)
  os.remove(announcement)
  return tonumber(port), function()
    pipe:close()
  end
end

--- A file with an OpenAPI document, the SDK's own or that of a text. The caller removes it.
function tools.document(text)
  return process.file(text or openapi.text())
end

return tools

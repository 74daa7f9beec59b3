--- Runs the blocks of code of the guides, each by what its language has: a function of the text that returns a status, 0 if all was well, what was
-- printed, and what was complained of.
local json = require "gitdev.json"
local room = require "spec.lua.support.guide.room"

local guide = {}

--- The guides: what they show is run, whatever its language.
guide.pages = {
  "docs/scripting.md",
  "docs/openresty.md",
  "docs/games.md",
  "docs/c.md",
  "docs/fleets.md",
  "docs/installing.md",
}

local function python(text)
  local folder = room.folder()
  room.write(folder, "block.py", text)
  return room.run(folder, "python3 block.py", {
    LD_LIBRARY_PATH = room.build .. "/lib",
    PYTHONDONTWRITEBYTECODE = "1",
    PYTHONPATH = room.root .. "/examples/python",
  })
end

local function parse(text)
  local value, problem = json.decode(text)
  return value ~= nil and 0 or 1, "", problem
end

local shell = require "spec.lua.support.guide.shell"

--- By language.
guide.runners = {
  c = require "spec.lua.support.guide.c",
  cmake = require "spec.lua.support.guide.cmake",
  console = shell,
  json = parse,
  lua = require "spec.lua.support.guide.lua",
  nginx = require("spec.lua.support.guide.nginx").run,
  python = python,
  sh = shell,
}

--- What is no code: diagrams, and what programs print.
guide.silent = { [""] = true, text = true }

return guide

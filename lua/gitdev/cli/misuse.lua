--- What the host says of a word on its command line that it cannot take: with what was probably meant, if that is near.
local help = require "gitdev.cli.help"
local nearest = require "gitdev.nearest"

local misuse = {}

local function long_options()
  local names = {}
  for _, row in ipairs(help.options) do
    names[#names + 1] = row[1]:match "%-%-%w+"
  end
  return names
end

--- The sentence about an option that there is not, or that lacks its value.
function misuse.option(word)
  for _, row in ipairs(help.options) do
    if row[1]:find(word .. " ", 1, true) == 1 then
      return ("the option '%s' needs a value"):format(word)
    end
  end
  local near = word:find "^%-%-" and nearest.of(word, long_options())
  return ("there is no option '%s'%s"):format(word, near and (": did you mean '%s'?"):format(near) or "")
end

--- The end of a sentence about a script that cannot be opened: the command that was meant by its name, or nothing.
function misuse.script(name)
  if name:find("/", 1, true) then return "" end
  local names = {}
  for index, command in ipairs(help.commands) do
    names[index] = command.name
  end
  local near = nearest.of(name, names)
  return near and (": did you mean the command '%s'?"):format(near) or ""
end

return misuse

--- The options of a command: read from its arguments, and told in its help, by one table.
--
-- An option: name; doc; sets (the setting, or its name); and either `value`, which the option sets as a flag, or `read`, a function from the
-- text after it to a value (nil: it cannot be that), with `takes`, what the help calls that text. many: it may come several times, and sets a list.
local help = require "gitdev.cli.help"
local nearest = require "gitdev.nearest"

local arguments = {}

--- Readers of values.
function arguments.text(text)
  return text ~= "" and text or nil
end

function arguments.whole(text)
  return text:find "^%d+$" and #text <= 15 and tonumber(text) or nil
end

function arguments.one_of(...)
  local names = {}
  for _, name in ipairs { ... } do
    names[name] = name
  end
  return function(text)
    return names[text]
  end
end

local function find(options, name)
  for _, option in ipairs(options) do
    if option.name == name then
      return option
    end
  end
  return nil
end

local function unknown(options, word)
  local names = {}
  for index, option in ipairs(options) do
    names[index] = "--" .. option.name
  end
  local near = nearest.of(word, names)
  return nil, ("unknown option '%s'%s"):format(word, near and (": did you mean '%s'?"):format(near) or "")
end

local function put(settings, option, value)
  local name = option.sets or option.name
  if option.many then
    settings[name] = settings[name] or {}
    table.insert(settings[name], value)
  else
    settings[name] = value
  end
end

-- One option that has a value: in the same word after "=", or in the next, unless that is an option itself.
local function take(option, inline, following)
  local text = inline or following
  if not text or not inline and text:find "^%-%-" then
    return nil, ("--%s needs a value: %s"):format(option.name, option.doc)
  end
  local value = option.read(text)
  if value == nil then
    return nil, ("--%s cannot be '%s': %s"):format(option.name, text, option.doc)
  end
  return value
end

--- Reads the arguments. Returns the settings, with `help` if that was asked for, and the words that are no options; or nil and a sentence
-- when one is wrong.
function arguments.parse(options, given)
  local settings, words, index, only_words = {}, {}, 1, false
  while given[index] do
    local word = given[index]
    local name, inline = word:match "^%-%-([%w-]+)=?(.*)$"
    local has_value = name and word:find("=", 1, true) ~= nil
    if only_words or word == "-" or word:sub(1, 1) ~= "-" then
      words[#words + 1] = word
    elseif word == "--" then
      only_words = true
    elseif help.asked(word) then
      return { help = true }, words
    else
      local option = name and find(options, name)
      if not option then
        return unknown(options, word)
      elseif has_value and not option.read then
        return nil, ("--%s takes no value"):format(name)
      end
      local value = option.value
      if option.read then
        local problem
        value, problem = take(option, has_value and inline or nil, given[index + 1])
        if problem then
          return nil, problem
        end
        index = has_value and index or index + 1
      end
      put(settings, option, value)
    end
    index = index + 1
  end
  return settings, words
end

--- The rows of help for options.
function arguments.rows(options)
  local rows = {}
  for index, option in ipairs(options) do
    rows[index] = { "--" .. option.name .. (option.takes and " " .. option.takes or ""), option.doc }
  end
  rows[#rows + 1] = help.row
  return rows
end

return arguments

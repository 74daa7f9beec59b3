-- Holds option tables (of the client, of a call, of a wait) against what they may hold.
local errors = require "gitdev.error"
local json = require "gitdev.json"
local nearest = require "gitdev.nearest"

local options = {}

local function is_count(value)
  return type(value) == "number" and value % 1 == 0 and value >= 0
end

local KINDS = {
  string = { "a string", function(value)
    return type(value) == "string"
  end },
  boolean = { "true or false", function(value)
    return type(value) == "boolean"
  end },
  ["function"] = { "a function", function(value)
    return type(value) == "function"
  end },
  seconds = { "a number of seconds above 0", function(value)
    return type(value) == "number" and value > 0 and value < math.huge
  end },
  count = { "a whole number from 0", is_count },
  size = { "a number of bytes above 0", function(value)
    return is_count(value) and value > 0
  end },
  headers = { "a table of names and string values", function(value)
    if type(value) ~= "table" then
      return false
    end
    for name, text in pairs(value) do
      if type(name) ~= "string" or type(text) ~= "string" then
        return false
      end
    end
    return true
  end },
  progress = { '"auto", "lines" or "off"', function(value)
    return value == "auto" or value == "lines" or value == "off"
  end },
  driver = { "a table with the functions perform, sleep and now", function(value)
    return type(value) == "table" and value.perform and value.sleep and value.now and true or false
  end },
}

local function describe(value)
  if type(value) == "number" then
    return tostring(value)
  end
  return (type(value) == "userdata" or type(value) == "nil") and type(value) or "a " .. type(value)
end

---Raises unless every option is known and of its kind.
---@param given table
---@param known table<string, string>  option name to kind
---@param what string  whose options they are, for the message
function options.check(given, known, what)
  for name, value in pairs(given) do
    local kind = KINDS[known[name]]
    if not kind then
      local text = tostring(name) .. " is not an option of " .. what
      errors.misuse { code = "parameter_unknown", param = tostring(name), message = text .. nearest.hint(tostring(name), json.keys(known)) }
    elseif not kind[2](value) then
      local text = name .. ", an option of " .. what .. ", must be " .. kind[1] .. ", got " .. describe(value) .. "."
      errors.misuse { code = "invalid_type", param = name, message = text }
    end
  end
end

return options

-- Holds option tables (of the client, of a call, of a wait) against what they may hold.
local errors = require "gitdev.error"
local json = require "gitdev.json"

local options = {}

local function is_count(value)
  return type(value) == "number" and value % 1 == 0 and value >= 0
end

local function trace_fault(value)
  return require("gitdev.traceparent").fault(value)
end

-- By name: what such an option must be, and a function that says whether it is, and of some that are not, why.
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
  number = { "a number from 0", function(value)
    return type(value) == "number" and value >= 0 and value < 2 ^ 53
  end },
  seed = { "a whole number from 0", function(value)
    return is_count(value) and value < 2 ^ 53
  end },
  table = { "a table", function(value)
    return type(value) == "table"
  end },
  size = { "a number of bytes above 0", function(value)
    return is_count(value) and value > 0
  end },
  limit = { "a whole number above 0", function(value)
    return is_count(value) and value > 0
  end },
  headers = { "a table of names and string values", function(value)
    if type(value) ~= "table" then
      return false
    end
    for name, text in pairs(value) do
      if type(name) ~= "string" or type(text) ~= "string" then
        return false
      elseif name:lower() == "traceparent" and trace_fault(text) then
        return false, "its traceparent " .. trace_fault(text)
      end
    end
    return true
  end },
  progress = { '"auto", "lines" or "off"', function(value)
    return value == "auto" or value == "lines" or value == "off"
  end },
  plan = { '"starter", "pro" or "enterprise"', function(value)
    return type(value) == "string" and require("gitdev.api.limits").plans[value] ~= nil
  end },
  traceparent = { "a W3C traceparent, such as 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", function(value)
    if type(value) ~= "string" then
      return false
    end
    local fault = trace_fault(value)
    return not fault, fault and "it " .. fault
  end },
  body = { "a table or a string", function(value)
    return type(value) == "table" or type(value) == "string"
  end },
  place = { "a file's path or a function", function(value)
    return type(value) == "string" and value ~= "" or type(value) == "function"
  end },
  tolerance = { "a number of seconds from 0, or false for no check", function(value)
    return value == false or type(value) == "number" and value >= 0 and value < 1e15
  end },
  clock = { "Unix seconds, or a function that returns them", function(value)
    return type(value) == "function" or type(value) == "number" and value > -1e15 and value < 1e15
  end },
  scheme = { '"git", "standard" or "body"', function(value)
    return value == "git" or value == "standard" or value == "body"
  end },
  secrets = { "a string or a list of strings", function(value)
    return type(value) == "string" or type(value) == "table"
  end },
  port = { "a whole number up to 65535 (0: any that is free)", function(value)
    return is_count(value) and value <= 65535
  end },
  limit_store = { "a store that rate limits can be shared through: one of gitdev.store, or a table with a function take", function(value)
    return type(value) == "table" and type(value.take) == "function"
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
      local hint = require("gitdev.nearest").hint(tostring(name), json.keys(known))
      errors.misuse { code = "parameter_unknown", param = tostring(name), message = text .. hint }
    end
    local fine, why = kind[2](value)
    if not fine then
      local text = name .. ", an option of " .. what .. ", must be " .. kind[1] .. (why and ": " .. why or ", got " .. describe(value)) .. "."
      errors.misuse { code = "invalid_type", param = name, message = text }
    end
  end
end

return options

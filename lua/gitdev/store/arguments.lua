-- What the methods of this library's stores take (see gitdev.store).
local core = require "gitdev.core"
local errors = require "gitdev.error"
local options_of = require "gitdev.options"

local arguments = {}

-- How many marks a store keeps, if it is not told otherwise.
arguments.MAX = 100000

local ID_MAX = 200

local function wrong(param, message)
  errors.misuse { code = "invalid_type", param = param, message = message }
end

---@param given table|nil
---@param known table<string, string>
---@param name string  of the function
---@return table
function arguments.options(given, known, name)
  if given ~= nil and type(given) ~= "table" then
    wrong("options", "options of " .. name .. " must be a table, got a " .. type(given) .. ".")
  end
  options_of.check(given or {}, known, name)
  return given or {}
end

---The key that an id is kept under: itself, unless it is so long that many of them would take much room.
---@param id any
---@return string
function arguments.key(id)
  if type(id) ~= "string" or id == "" then
    wrong("id", "id must be a string, and not empty, got " .. (id == "" and "an empty one" or "a " .. type(id)) .. ".")
  end
  return #id > ID_MAX and "sha256:" .. core.sha256(id) or id
end

---@param name "ttl"|"lease"
---@param value any
---@return number
function arguments.seconds(name, value)
  if type(value) ~= "number" or not (value > 0 and value < 1e12) then
    wrong(name, name .. " must be a number of seconds above 0.")
  end
  return value
end

function arguments.token(value)
  if type(value) ~= "string" then
    wrong("token", "token must be what store:claim returned.")
  end
  return value
end

return arguments

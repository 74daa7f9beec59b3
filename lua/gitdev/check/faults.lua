-- What is wrong with a value, and how it is told: its place, what it is, and what was probably meant.
local core = require "gitdev.core"

local null = core.null

local faults = {}

-- "actions[2].path": names joined by dots, indexes in brackets, counted from 1.
local function where(state)
  local text = ""
  for i = 1, state.depth do
    local step = state[i]
    if type(step) == "number" then
      text = text .. "[" .. string.format("%.14g", step) .. "]"
    else
      text = text .. (i > 1 and "." or "") .. tostring(step)
    end
  end
  return text
end

-- Tells of a fault at the present place; `text` goes on where the place's name ends. Answers false, as all checks of a faulty value do.
function faults.tell(state, code, text)
  local param = where(state)
  state.report(code, param, (param == "" and "The body" or param) .. " " .. text)
  return false
end

local NAMES = {
  string = "a string",
  number = "a number",
  boolean = "a boolean",
  ["function"] = "a function",
  thread = "a coroutine",
}

-- What the client knows of a thing that it has returned (see gitdev.object); nil of any other value.
function faults.spec_of(value)
  local meta = type(value) == "table" and getmetatable(value)
  return type(meta) == "table" and meta.spec or nil
end

local function describe_table(value)
  local indexes, names = 0, 0
  for key in next, value do
    if type(key) == "number" then
      indexes = indexes + 1
    else
      names = names + 1
    end
  end
  if indexes == 0 then
    return names == 0 and "an empty table" or "an object"
  elseif names > 0 then
    return "a table with both names and indexes"
  end
  return indexes == #value and value[1] ~= nil and "an array" or "an array with gaps"
end

---What a value is, in words: "a number", "an array", "a thing of type deployment".
---@param value any
---@return string
function faults.describe(value)
  if value == null then
    return "null"
  elseif type(value) ~= "table" then
    return NAMES[type(value)] or "a " .. type(value)
  end
  local spec = faults.spec_of(value)
  return spec and "a thing of type " .. spec.name or describe_table(value)
end

-- How to write what was probably meant.
local function remedy(wanted, value)
  if wanted == "a string" and type(value) == "number" then
    return ': write "' .. (value % 1 == 0 and string.format("%.0f", value) or tostring(value)) .. '"'
  elseif wanted == "a string" and type(value) == "boolean" then
    return ': write "' .. tostring(value) .. '"'
  elseif wanted == "an integer" and type(value) == "string" and value:find("^%-?%d+$") then
    return ": write " .. value
  elseif wanted == "a boolean" and (value == "true" or value == "false") then
    return ": write " .. value
  elseif wanted == "a string" and faults.spec_of(value) then
    return ": give its " .. faults.spec_of(value).key
  end
  return ""
end

-- Tells that a value is of the wrong kind.
function faults.wrong_type(state, wanted, value)
  return faults.tell(state, "invalid_type", "must be " .. wanted .. ", got " .. faults.describe(value) .. remedy(wanted, value) .. ".")
end

-- "1 item", "2 items".
function faults.plural(count, noun)
  return count .. " " .. noun .. (count == 1 and "" or "s")
end

return faults

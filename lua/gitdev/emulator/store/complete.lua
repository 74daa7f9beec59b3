--- A value out of a request as it is stored: a copy with the defaults of the objects inside it, and with nothing where it has null.
local core = require "gitdev.core"
local schema = require "gitdev.schema"

local complete

local function complete_object(fields, value)
  local made = {}
  for _, field in ipairs(fields) do
    local element = value[field.name]
    if element == nil then
      element = field.default
    end
    made[field.name] = complete(field, element)
  end
  return made
end

local function complete_each(node, value)
  local made = {}
  for key, element in pairs(value) do
    made[key] = complete(node, element)
  end
  return made
end

--- `node`: the type of `value`, as gitdev.types has it; `value`: what was checked against it, or nil.
function complete(node, value)
  if value == nil or value == core.null then
    return nil
  elseif node.kind == "object" then
    return complete_object(node.fields or schema.object(node.object).fields, value)
  elseif node.kind == "array" or node.kind == "map" then
    return complete_each(node.item or node.value, value)
  end
  return value
end

return complete

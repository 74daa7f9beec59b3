-- The contract's examples: what stands in lua/gitdev/api/examples, by operation.
local schema = require "gitdev.schema"

local examples = {}

---What every example begins with, unseen.
examples.PRELUDE = 'local gitdev = require "gitdev"\nlocal git = gitdev.client {}'

---The examples of a resource, by operation.
---@param name string
---@return table<string, string>
function examples.of_resource(name)
  return require("gitdev.api.examples." .. name)
end

---An operation's example, without blank lines around it; nil if it has none.
---@param op string
---@return string|nil
function examples.of(op)
  local text = examples.of_resource(op:match "^[%l_]+")[op]
  return text and (text:gsub("^%s*\n", ""):gsub("%s+$", ""))
end

---The operations that have none.
---@return string[]
function examples.missing()
  local list = {}
  for _, op in ipairs(schema.operations()) do
    if not examples.of(op) then
      list[#list + 1] = op
    end
  end
  return list
end

return examples

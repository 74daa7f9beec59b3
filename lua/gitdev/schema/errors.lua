-- The contract's errors (gitdev.api.errors), by code and by type.
local groups = require "gitdev.api.errors"
local types = require "gitdev.types"

local errors = {}

local codes

--- See schema.error.
function errors.find(name)
  if not codes then
    codes = {}
    for _, group in ipairs(groups) do
      codes[group.type] = { type = group.type, statuses = {}, hint = group.hint, origin = group.origin }
      for _, row in ipairs(group.codes or {}) do
        local statuses, fields = { row[2], row[3] }, row.fields and types.fields(row.fields, row[1])
        codes[row[1]] = { code = row[1], type = group.type, statuses = statuses, fields = fields, hint = row.hint }
      end
    end
  end
  return codes[name]
end

--- See schema.error_types.
function errors.types()
  local names = {}
  for i, group in ipairs(groups) do
    names[i] = group.type
  end
  return names
end

--- See schema.error_codes.
function errors.codes()
  local names = {}
  for _, group in ipairs(groups) do
    for _, row in ipairs(group.codes or {}) do
      names[#names + 1] = row[1]
    end
  end
  return names
end

return errors

--- Answers that say no (contract 1.8). A handler raises a refusal with `error`; the pipeline turns it into the response.
-- Types, statuses and the fields that a code adds come from the contract's table of errors.
local json = require "gitdev.json"
local schema = require "gitdev.schema"

local FAULTS_MAX = 100

local refusal = {}
refusal.__index = refusal

local function allows(row, status)
  for _, known in ipairs(row.statuses) do
    if known == status then
      return true
    end
  end
  return false
end

--- A refusal. `details`:
--   message    what is wrong, where, and what to do
--   status     only for codes that have several
--   param      path of the field at fault
--   errors     every fault of a 422: list of { code, param, message }
--   headers    more response headers, flat: { "Name", "value", … }
--   and the fields that the contract adds to the code (`current_status`, …)
function refusal.new(code, details)
  local row = schema.error(code)
  local status = details.status or row and row.statuses[1]
  if not row or not allows(row, status) then
    error(("the contract has no error %s with status %s"):format(code, tostring(status)))
  end
  return setmetatable({ code = code, type = row.type, status = status, fields = row.fields and row.fields.names, details = details }, refusal)
end

--- Raises a refusal.
function refusal.raise(code, details)
  error(refusal.new(code, details), 0)
end

--- Raises a 422 for all of `faults`, a list of { code, param, message } and of the fields that their codes add. The first
-- one gives the error its code.
function refusal.unprocessable(faults)
  local first = faults[1]
  local details = { status = 422, param = first.param, message = first.message, errors = faults }
  local adds = schema.error(first.code).fields
  for _, name in ipairs(adds and adds.names or {}) do
    details[name] = first[name]
  end
  refusal.raise(first.code, details)
end

--- Adds a fault to a list, for `unprocessable`. At a hundred it is raised at once: a body may hold a hundred thousand, and nobody reads more.
function refusal.add(faults, fault)
  faults[#faults + 1] = fault
  if #faults == FAULTS_MAX then
    refusal.unprocessable(faults)
  end
end

--- Whether `value`, caught by pcall, is a refusal.
function refusal.is(value)
  return getmetatable(value) == refusal
end

local function text(value)
  return value == nil and "null" or assert(json.encode(value))
end

local function fault_text(fault)
  return ('{"param":%s,"code":%s,"message":%s}'):format(text(fault.param), text(fault.code), text(fault.message))
end

-- `errors` is there on every 422, also on one that found a single fault.
local function faults_text(self)
  local details, items = self.details, {}
  local faults = details.errors or { { code = self.code, param = details.param, message = details.message } }
  for index, fault in ipairs(faults) do
    items[index] = fault_text(fault)
  end
  return ',"errors":[' .. table.concat(items, ",") .. "]"
end

--- An error envelope as JSON. `more`: what follows the five fields that every error has.
function refusal.envelope(kind, code, message, param, request_id, more)
  return ('{"error":{"type":%s,"code":%s,"message":%s,"param":%s,"request_id":%s%s}}'):format(
    text(kind), text(code), text(message), text(param), text(request_id), more or ""
  )
end

--- This refusal's envelope.
function refusal:body(request_id)
  local details, more = self.details, {}
  if self.status == 422 then
    more[1] = faults_text(self)
  end
  for _, name in ipairs(self.fields or {}) do
    more[#more + 1] = (',"%s":%s'):format(name, text(details[name]))
  end
  return refusal.envelope(self.type, self.code, details.message, details.param, request_id, table.concat(more))
end

return refusal

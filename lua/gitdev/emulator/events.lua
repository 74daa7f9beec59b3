--- What happened, in order (contract 4.3).
local encode = require "gitdev.encode"
local payloads = require "gitdev.emulator.payloads"
local types = require "gitdev.types"

local compile = encode.compiler(function(name)
  error("no event has a field of type " .. name)
end, true)

local fields, writers = {}, {}

local function fields_of(kind)
  fields[kind] = fields[kind] or types.fields(payloads[kind], kind)
  return fields[kind]
end

local events = {}

--- The `data` of an event: each field from `extra`, else from the thing itself; `<thing>_id` is the thing's own id.
function events.data(kind, thing, extra)
  local data, own_id = {}, thing.object .. "_id"
  for _, name in ipairs(fields_of(kind).names) do
    local value = extra and extra[name]
    if value == nil then
      value = thing[name]
    end
    if value == nil and name == own_id then
      value = thing.id
    end
    data[name] = value
  end
  return data
end

--- An event as it is delivered: compact JSON, the four keys in the contract's order (contract 4.1).
function events.body(event)
  local kind = event.type
  writers[kind] = writers[kind] or compile(fields_of(kind))
  return ('{"id":"%s","type":"%s","timestamp":%d,"data":%s}'):format(
    event.id, kind, event.timestamp, writers[kind](event.data)
  )
end

return events

--- What happened, in order (contract 4.3).
local schema = require "gitdev.schema"

local events = {}

--- The `data` of an event: each field from `extra`, else from the thing itself; `<thing>_id` is the thing's own id.
function events.data(kind, thing, extra)
  local data, own_id = {}, thing.object .. "_id"
  for _, name in ipairs(schema.event(kind).fields.names) do
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
  local data = schema.encode(schema.event(event.type).fields, event.data)
  return ('{"id":"%s","type":"%s","timestamp":%d,"data":%s}'):format(event.id, event.type, event.timestamp, data)
end

return events

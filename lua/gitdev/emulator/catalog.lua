--- What the resources bring to the emulator, gathered once. A resource's module, gitdev.emulator.resources.<name>, returns any of
--   operations   op -> function(call) that answers the thing (or the page), and a status where it is not the usual one
--   find         path parameter -> function(call, text) that answers the thing it names, or nil
--   collections  object -> the options of its collection (see collection.new); `things.<object>` of a tenant is made of it
--   timers       name -> function(tenant, thing): what tenant:later(ms, name, thing) sets
--   reactions    event type, or "*" for all -> function(tenant, thing, event): called in the step that made the event
--   begin        function(tenant): called once for each new tenant, when its project is there
--   logs         object -> the script of its log (see deployments/log.lua)
--   control      { { method, pattern, function(emulator, body, capture) }, … }: what it adds to the control plane (see control.lua)
-- A tenant's state is data alone (things, their `private`, fields of the tenant): no functions, so that it can be saved.
local schema = require "gitdev.schema"

local catalog = {
  operations = {},
  finders = {},
  collections = {},
  timers = {},
  reactions = {},
  beginnings = {},
  logs = {},
  control = {},
}

local function put_all(into, from)
  for name, value in pairs(from or {}) do
    assert(into[name] == nil, name)
    into[name] = value
  end
end

local function append(into, name, value)
  into[name] = into[name] or {}
  table.insert(into[name], value)
end

for _, name in ipairs(schema.resources) do
  local resource = require("gitdev.emulator.resources." .. name)
  put_all(catalog.operations, resource.operations)
  put_all(catalog.finders, resource.find)
  put_all(catalog.collections, resource.collections)
  put_all(catalog.timers, resource.timers)
  put_all(catalog.logs, resource.logs)
  for kind, react in pairs(resource.reactions or {}) do
    append(catalog.reactions, kind, react)
  end
  table.insert(catalog.beginnings, resource.begin)
  for _, route in ipairs(resource.control or {}) do
    table.insert(catalog.control, route)
  end
end

return catalog

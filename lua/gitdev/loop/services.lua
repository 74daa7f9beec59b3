-- What runs beside the tasks of a world: functions that are called after each turn. One must not block; it returns the seconds after which it wants
-- to be called anyway, or nil.
local worlds = require "gitdev.loop.worlds"

local services = {}

--- Calls all of a world. Any of them may be taken out meanwhile, by itself too.
function services.call(self)
  local list, due, at = self.services, nil, 1
  while list[at] do
    local service = list[at]
    local wait = service()
    if list[at] == service then
      at = at + 1
      due = wait and math.min(wait, due or wait) or due
    end
  end
  self.due = due and self.services and self.now() + due
end

--- See gitdev.loop.
function services.serve(service)
  local self = worlds.open()
  self.services = self.services or {}
  self.services[#self.services + 1] = service
  services.call(self)
end

local function place_of(self, service)
  for at, one in ipairs(self.services or {}) do
    if one == service then
      return at
    end
  end
  return nil
end

--- See gitdev.loop.
function services.serves(service)
  return place_of(worlds.present(), service) ~= nil
end

--- See gitdev.loop.
function services.unserve(service)
  local self = worlds.present()
  local at = place_of(self, service)
  while at do
    table.remove(self.services, at)
    at = place_of(self, service)
  end
  if self.services and not self.services[1] then
    self.services, self.due = nil, nil
  end
end

--- See gitdev.loop.
function services.listen(options)
  local handle = worlds.open().handle
  if not handle then
    error("there are no sockets in a virtual world", 2)
  end
  return require("gitdev.net").listener(handle, options)
end

return services

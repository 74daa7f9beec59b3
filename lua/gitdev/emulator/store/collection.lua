--- The things of one kind that a tenant holds. A thing is a plain table with the contract's fields (a null field is
-- absent) and one more, `private`, for what the emulator remembers about it and never answers.
--
-- A stored thing is changed only through `collection:set`, which keeps the indexes true and forgets its encoded form; what changes within a
-- field is told with `collection:touch`.
local series = require "gitdev.emulator.store.series"

local collection = {}
collection.__index = collection

--- `options.indexes`: fields that lists filter on; a page walks the smallest index that fits its filters.
-- `options.unique`: fields that name one thing (a project's slug).
-- `options.key`: function(thing) -> the text or number that lists order by; by default the order of creation.
function collection.new(options)
  options = options or {}
  local self = { all = series.new(), by_id = {}, indexes = {}, unique = {}, key = options.key, created = 0 }
  for _, field in ipairs(options.indexes or {}) do
    self.indexes[field] = {}
  end
  for _, field in ipairs(options.unique or {}) do
    self.unique[field] = {}
  end
  return setmetatable(self, collection)
end

local function enter(self, field, thing)
  local index, value = self.indexes[field], thing[field]
  if value == nil then
    return
  end
  if not index[value] then
    index[value] = series.new()
  end
  index[value]:put(thing.private.key, thing)
end

local function leave(self, field, thing)
  local index, value = self.indexes[field], thing[field]
  if value == nil or not index[value] then
    return
  end
  index[value]:remove(thing.private.key)
  if index[value].count == 0 then
    index[value] = nil
  end
end

--- Stores `thing`, which must have an `id`, and gives it its place in the order of creation. Returns it.
function collection:add(thing)
  self.created = self.created + 1
  thing.private = thing.private or {}
  thing.private.born = self.created
  thing.private.key = self.key and self.key(thing) or self.created
  self.by_id[thing.id] = thing
  self.all:put(thing.private.key, thing)
  for field in pairs(self.indexes) do
    enter(self, field, thing)
  end
  for field, values in pairs(self.unique) do
    values[thing[field]] = thing
  end
  return thing
end

--- Takes `thing` out. How many have been is `removed` (nil: none): who holds one can see that it may be time to look for it again.
function collection:remove(thing)
  self.removed = (self.removed or 0) + 1
  self.by_id[thing.id] = nil
  self.all:remove(thing.private.key)
  for field in pairs(self.indexes) do
    leave(self, field, thing)
  end
  for field, values in pairs(self.unique) do
    values[thing[field]] = nil
  end
end

--- Sets one field of a stored thing; nil makes it null.
function collection:set(thing, field, value)
  if thing[field] == value then
    return
  end
  local index, unique = self.indexes[field], self.unique[field]
  if index then
    leave(self, field, thing)
  end
  if unique then
    unique[thing[field]] = nil
  end
  thing[field] = value
  if index then
    enter(self, field, thing)
  end
  if unique then
    unique[value] = thing
  end
  thing.private.encoded = nil
end

--- Forgets the encoded form of a thing that was changed within a field.
function collection:touch(thing)
  thing.private.encoded = nil
end

function collection:get(id)
  return self.by_id[id]
end

--- The thing whose unique `field` is `value`, or nil.
function collection:find(field, value)
  return self.unique[field][value]
end

local nothing = series.new()

--- The shortest series that holds every thing which `where` can match. `where`: field -> value, or a list of values
-- of which one must match.
function collection:narrow(where)
  local best = self.all
  for field, wanted in pairs(where) do
    local index = self.indexes[field]
    if type(wanted) == "table" then
      wanted = #wanted == 1 and wanted[1] or nil
    end
    if index and wanted ~= nil then
      local found = index[wanted] or nothing
      if found.count < best.count then
        best = found
      end
    end
  end
  return best
end

--- An iterator over the things with `field` = `value` (an indexed field), in falling or rising order.
function collection:each(field, value, descending)
  return (self.indexes[field][value] or nothing):walk(nil, descending)
end

--- The same as a list: for callers that change or remove what they walk.
function collection:list(field, value)
  local found = {}
  for thing in self:each(field, value) do
    found[#found + 1] = thing
  end
  return found
end

return collection

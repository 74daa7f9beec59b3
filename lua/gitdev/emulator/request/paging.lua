--- Pages of lists (contract 1.6): where a page begins, which things are on it, and how the next one is found.
local schema = require "gitdev.schema"

-- A page looks at no more things than this. Under a filter that little matches it comes out short, or empty, with
-- has_more true, as the contract allows; so no page costs more because the store is larger.
local SCAN_MAX = 2000

local paging = {}

--- What the cursors of this call's list are bound to: the operation, the things in its path, its filters and its order.
function paging.binding(call)
  local filters = {}
  for name, value in pairs(call.query) do
    filters[name] = value
  end
  filters.cursor, filters.limit = nil, nil
  local parts = { call.operation.op, schema.query(call.operation, filters) or "" }
  for _, param in ipairs(call.operation.path_params) do
    local thing = call.things[param.name]
    parts[#parts + 1] = thing and thing.id or call.path[param.name]
  end
  return table.concat(parts, "\n")
end

local function fits(thing, where)
  for field, wanted in pairs(where) do
    local value, found = thing[field], false
    if type(wanted) == "table" then
      for _, one in ipairs(wanted) do
        found = found or one == value
      end
    else
      found = value == wanted
    end
    if not found then
      return false
    end
  end
  return true
end

-- Walks until the page is full and one more is known to follow, or enough was looked at. Returns the things, and the key of
-- the last one looked at if there may be more.
local function collect(walk, limit, where, matches)
  local data, position, scanned = {}, nil, 0
  for thing in walk do
    if scanned == SCAN_MAX then
      return data, position
    end
    scanned = scanned + 1
    if fits(thing, where) and (not matches or matches(thing)) then
      if #data == limit then
        return data, position
      end
      data[#data + 1] = thing
    end
    position = thing.private.key
  end
  return data, nil
end

--- One page of `things` (a collection). `where`: field -> value, or a list of values of which one must match; `matches`: a
-- function for what `where` cannot say. Returns { data, next_cursor }.
function paging.page(call, things, where, matches)
  local query = call.query
  local cursors, binding = call.emulator.cursors, paging.binding(call)
  local after
  if query.cursor then
    after = cursors:read(query.cursor, { binding })
    after = things.key and after or tonumber(after)
  end
  local walk = things:narrow(where):walk(after, query.order == "desc")
  local data, position = collect(walk, query.limit, where, matches)
  local key = type(position) == "number" and ("%d"):format(position) or position
  return { data = data, next_cursor = key and cursors:make(binding, key) }
end

-- The first place in a rising list of keys that is beyond `after`, in the direction of `step`.
local function place_after(items, key_of, after, step)
  local low, high = 1, #items + 1
  while low < high do
    local middle = math.floor((low + high) / 2)
    if key_of(items[middle]) < after then
      low = middle + 1
    else
      high = middle
    end
  end
  if step < 0 then
    return low - 1
  end
  return items[low] and key_of(items[low]) == after and low + 1 or low
end

--- One page of `items`, things that are in no collection: a list in rising order of the different texts, or numbers, that
-- `key_of(item)` answers. `matches`: see paging.page. Returns { data, next_cursor }.
function paging.rows(call, items, key_of, matches)
  local query, cursors, binding = call.query, call.emulator.cursors, paging.binding(call)
  local step = query.order == "desc" and -1 or 1
  local at = step > 0 and 1 or #items
  if query.cursor then
    local after = cursors:read(query.cursor, { binding })
    if items[1] and type(key_of(items[1])) == "number" then
      after = tonumber(after)
    end
    at = place_after(items, key_of, after, step)
  end
  local data, last = {}, nil
  while items[at] do
    if not matches or matches(items[at]) then
      if #data == query.limit then
        local key = key_of(last)
        return { data = data, next_cursor = cursors:make(binding, type(key) == "number" and ("%d"):format(key) or key) }
      end
      data[#data + 1], last = items[at], items[at]
    end
    at = at + step
  end
  return { data = data }
end

return paging

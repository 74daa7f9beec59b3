--- From a path to what may be done there. A tree of segments: a literal one wins over a parameter, a parameter over a
-- tail, which takes the rest of the path with its slashes (contract 1.2).
local core = require "gitdev.core"

local router = {}
router.__index = router

local function node()
  return { literals = {} }
end

function router.new()
  return setmetatable({ root = node() }, router)
end

local function child(at, segment)
  if segment:sub(1, 1) ~= "{" then
    at.literals[segment] = at.literals[segment] or node()
    return at.literals[segment]
  end
  local place = segment:sub(-2) == "*}" and "tail" or "parameter"
  at[place] = at[place] or node()
  return at[place]
end

--- Adds a route. `path`: "/deployments/{deployment}/cancel".
function router:add(method, path, route)
  local at = self.root
  for segment in path:gmatch("[^/]+") do
    at = child(at, segment)
  end
  at.routes = at.routes or { methods = {}, by_method = {} }
  at.routes.by_method[method] = route
  table.insert(at.routes.methods, method)
end

-- Splits a path into decoded segments; nil if it is not one.
local function split(path)
  local segments, from = {}, 2
  while true do
    local slash = path:find("/", from, true)
    local segment = path:sub(from, (slash or 0) - 1)
    if segment:find("%", 1, true) then
      segment = core.unescape(segment)
    end
    if not segment then
      return nil
    end
    segments[#segments + 1] = segment
    if not slash then
      return segments
    end
    from = slash + 1
  end
end

local function descend(at, segments, index, values, count)
  local segment = segments[index]
  if segment == nil then
    if at.routes then
      return at.routes
    end
    return nil
  end
  local literal = at.literals[segment]
  local found = literal and descend(literal, segments, index + 1, values, count)
  if found or segment == "" then
    return found
  end
  if at.parameter then
    values[count + 1] = segment
    found = descend(at.parameter, segments, index + 1, values, count + 1)
    if found then
      return found
    end
  end
  if at.tail then
    values[count + 1] = table.concat(segments, "/", index)
    values[count + 2] = nil
    return at.tail.routes
  end
  return nil
end

--- What is at `path` (without the query): nil, or the routes there ({ by_method, methods }, the methods in the order they were
-- added) and the values of the parameters, in path order.
function router:find(path)
  local segments = path:byte() == 47 and split(path)
  if not segments then
    return nil
  end
  local values = {}
  local routes = descend(self.root, segments, 1, values, 0)
  return routes, values
end

return router

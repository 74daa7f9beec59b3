--- Patterns in their order, as a tree of segments: which is the first that matches a path is found without trying them all.
local core = require "gitdev.core"

local pattern_index = {}
pattern_index.__index = pattern_index

-- A node: `literals` (text -> node), `name` (the node for any text), and the places of the patterns that end here: `exact`, `splat`.
local function node()
  return { literals = {} }
end

function pattern_index.new()
  return setmetatable({ root = node() }, pattern_index)
end

local function lesser(a, b)
  return a and b and math.min(a, b) or a or b
end

--- Adds a pattern (of gitdev.emulator.edge.patterns) at a place in the order; the lowest place comes first.
function pattern_index:put(pattern, place)
  local at = self.root
  for _, segment in ipairs(pattern.segments) do
    if segment.name then
      at.name = at.name or node()
      at = at.name
    else
      at.literals[segment.literal] = at.literals[segment.literal] or node()
      at = at.literals[segment.literal]
    end
  end
  local field = pattern.splat and "splat" or "exact"
  at[field] = lesser(at[field], place)
end

-- The lowest place below a node for what is left of a path; nil if there is none.
local function descend(at, path, from)
  if from > #path + 1 then
    return at.exact
  end
  local slash = path:find("/", from, true) or #path + 1
  local part = path:sub(from, slash - 1)
  local literal = at.literals[core.unescape(part) or part]
  local best = at.splat
  if literal then
    best = lesser(best, descend(literal, path, slash + 1))
  end
  if at.name and part ~= "" then
    best = lesser(best, descend(at.name, path, slash + 1))
  end
  return best
end

--- The lowest place of the patterns that match a path; nil if none does.
function pattern_index:first(path)
  return descend(self.root, path, 2)
end

return pattern_index

--- Path patterns of the edge (contract 2.12): segments that are literal or `:name`, and a trailing `*`. A parsed pattern is data only:
--   segments   { { literal = text, unescaped, sent = as it was written } or { name = text }, … }
--   splat      whether it ends in `*`, which takes all that is left, also nothing
--   shape      the pattern without its names: two patterns of one shape match the same paths
-- Paths are compared segment by segment as they read unescaped; a slash at the end counts. What a segment took is kept as it was sent.
local core = require "gitdev.core"
local fits = require "gitdev.emulator.store.fits"

local patterns = {}

-- What stands for any text where a path is made up.
local ANY = "~"

local function unescape(text)
  return core.unescape(text) or text
end

-- A path's texts between slashes: "/a/" has two, the second one empty.
local function split(path)
  local parts = {}
  for part in (path:sub(2) .. "/"):gmatch("([^/]*)/") do
    parts[#parts + 1] = part
  end
  return parts
end

local function segment(part)
  local name = part:match "^:(.*)$"
  return name and { name = name } or { literal = unescape(part), sent = part }
end

local function shape_of(segments, splat)
  local parts = {}
  for index, one in ipairs(segments) do
    parts[index] = one.name and ":" or core.escape(one.literal)
  end
  parts[#parts + 1] = splat and "*" or nil
  return "/" .. table.concat(parts, "/")
end

local function build(text)
  local parts = split(text)
  local splat, segments = parts[#parts] == "*", {}
  for index = 1, #parts - (splat and 1 or 0) do
    segments[index] = segment(parts[index])
  end
  return { segments = segments, splat = splat, shape = shape_of(segments, splat) }
end

-- Why a pattern that has the format can still match nothing, or not say what it means; else nil.
local function problem_of(pattern)
  local seen = {}
  for _, one in ipairs(pattern.segments) do
    if one.literal == "." or one.literal == ".." then
      return ('has the segment "%s", which no request has: clients resolve it'):format(one.literal)
    elseif one.name and seen[one.name] then
      return ("has two segments :%s: give them different names"):format(one.name)
    end
    seen[one.name or false] = true
  end
  return nil
end

--- Parses a text of the format `edge_pattern`. Returns nil and the end of a sentence ("has …") if it makes no sense.
function patterns.parse(text)
  local pattern = build(text)
  local problem = problem_of(pattern)
  if problem then
    return nil, problem
  end
  return pattern
end

--- What a path ("/a/b", escaped as it was sent) gives to a pattern: name -> text, `*` for the splat; nil if it does not match.
function patterns.match(pattern, path)
  local parts, segments = split(path), pattern.segments
  if #parts < #segments or #parts > #segments and not pattern.splat or #parts == #segments and pattern.splat then
    return nil
  end
  local captures = {}
  for index, one in ipairs(segments) do
    local part = parts[index]
    if one.literal and one.literal ~= unescape(part) or one.name and part == "" then
      return nil
    end
    captures[one.name or 0] = part
  end
  captures[0] = nil
  captures["*"] = pattern.splat and table.concat(parts, "/", #segments + 1) or nil
  return captures
end

local RANKS = { literal = 3, name = 2, splat = 1 }

local function rank(pattern, index)
  local one = pattern.segments[index]
  if one then
    return one.literal and RANKS.literal or RANKS.name
  end
  return pattern.splat and RANKS.splat or 0
end

--- Whether `a` says more exactly than `b` what it matches: at the first segment where they differ in kind it has a literal rather than a
-- name, or a name rather than the splat.
function patterns.is_closer(a, b)
  for index = 1, math.max(#a.segments, #b.segments) + 1 do
    local first, second = rank(a, index), rank(b, index)
    if first ~= second then
      return first > second
    end
  end
  return false
end

-- A text that both segments can have, where one that is absent takes any; nil if there is none.
local function common(a, b)
  local literal = a and a.literal or b and b.literal
  if a and b and (a.literal and b.literal and a.literal ~= b.literal or not (a.literal and b.literal) and literal == "") then
    return nil
  end
  return literal and core.escape(literal) or ANY
end

--- A path that both patterns match, made up where they leave a choice; nil if there is none.
function patterns.meet(a, b)
  local parts = {}
  if #a.segments == #b.segments and a.splat ~= b.splat then
    return nil
  end
  for index = 1, math.max(#a.segments, #b.segments) do
    local first, second = a.segments[index], b.segments[index]
    local can_meet = (first or a.splat) and (second or b.splat)
    parts[index] = can_meet and common(first, second) or nil
    if not parts[index] then
      return nil
    end
  end
  parts[#parts + 1] = a.splat and b.splat and ANY or nil
  return "/" .. table.concat(parts, "/")
end

-- ---- destinations ----

local function names_of(pattern)
  local names = {}
  for _, one in ipairs(pattern.segments) do
    names[one.name or false] = true
  end
  names["*"] = pattern.splat or nil
  return names
end

-- What a destination uses that its source does not give, or nil.
local function find_unknown(target, source)
  local known = names_of(source)
  for name in pairs(names_of(target.path)) do
    if name and not known[name] then
      return name == "*" and "*" or ":" .. name
    end
  end
  return nil
end

--- Parses where a rule leads: a path, made as a pattern is, or an https address with one; either may go on with a query and a fragment, in
-- which `:name` stands for what the source took, too. Returns { origin (nil for a path), path (a pattern), tail }, or nil and the end of a
-- sentence ("must …"). `source`: the pattern that gives the names.
function patterns.destination(text, source)
  local address, tail = text:match "^([^?#]*)(.*)$"
  local origin, path = address:match "^(https://[A-Za-z0-9.-]+:?%d*)(.*)$"
  path = origin and (path == "" and "/" or path) or address
  if not fits(path, "edge_pattern") then
    return nil, "must be a path such as /new/:name/*, or an https address with one"
  end
  local target = { origin = origin, path = build(path), tail = tail }
  local unknown = find_unknown(target, source)
  if unknown then
    return nil, ("uses %s, which the source does not have"):format(unknown)
  end
  return target
end

--- The path that a destination's pattern becomes with what the source took.
function patterns.fill(pattern, captures)
  local parts = {}
  for index, one in ipairs(pattern.segments) do
    parts[index] = one.name and captures[one.name] or one.sent
  end
  parts[#parts + 1] = pattern.splat and captures["*"] or nil
  return "/" .. table.concat(parts, "/")
end

--- The whole address of a destination; `query`: that of the request ("?a=b" or ""), which goes along where the destination has none.
function patterns.address(target, captures, query)
  local tail = target.tail:gsub(":([A-Za-z_][A-Za-z0-9_]*)", captures)
  if tail:sub(1, 1) ~= "?" then
    tail = query .. tail
  end
  return (target.origin or "") .. patterns.fill(target.path, captures) .. tail
end

return patterns

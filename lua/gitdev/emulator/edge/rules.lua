--- Edge rules (contract 2.12): what each must be, the order in which they stand, and what a request meets. Of redirects and rewrites the
-- first that matches decides, and no other is looked at; header rules that match all apply. A rule keeps in `private` its source as a
-- pattern, its destination parsed, and its rank (see gitdev.emulator.store.ranks).
local pattern_index = require "gitdev.emulator.edge.pattern_index"
local patterns = require "gitdev.emulator.edge.patterns"
local project_hosts = require "gitdev.emulator.deployments.project_hosts"
local ranks = require "gitdev.emulator.store.ranks"
local refusal = require "gitdev.emulator.refusal"

local REDIRECT_STATUS = 308

-- Longer chains of redirects are refused as rings are: no client follows them.
local HOPS_MAX = 20

-- Headers that belong to a connection (RFC 9110 7.6.1), frame the body, or set cookies for others.
local FORBIDDEN = {}
for _, name in ipairs {
  "connection", "content-length", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "set-cookie", "te",
  "trailer", "transfer-encoding", "upgrade",
} do
  FORBIDDEN[name] = true
end

local rules = {}

-- ---- what a rule must be ----

local function invalid(param, text)
  return { code = "parameter_invalid", param = param, message = param .. " " .. text .. "." }
end

local function missing(param, kind)
  return { code = "parameter_missing", param = param, message = ("%s is required for %s rules."):format(param, kind) }
end

local function check_headers(headers, faults)
  local seen, names = {}, {}
  for name in pairs(headers) do
    names[#names + 1] = name
  end
  table.sort(names)
  for _, name in ipairs(names) do
    local lower, param = name:lower(), "headers." .. name
    if FORBIDDEN[lower] then
      faults[#faults + 1] = invalid(param, "cannot be set by a rule")
    elseif seen[lower] then
      faults[#faults + 1] = invalid(param, "is there twice, as " .. seen[lower] .. ", too")
    end
    seen[lower] = name
  end
end

local function check_header_rule(wanted, faults)
  if wanted.destination then
    faults[#faults + 1] = invalid("destination", "is for redirects and rewrites")
  end
  if wanted.headers then
    check_headers(wanted.headers, faults)
  else
    faults[#faults + 1] = missing("headers", "header")
  end
end

-- Parses the destination of a redirect or a rewrite; a rewrite stays with the project.
local function read_destination(wanted, pattern, faults)
  if not wanted.destination then
    faults[#faults + 1] = missing("destination", wanted.type)
    return nil
  end
  local target, problem = patterns.destination(wanted.destination, pattern)
  if not target then
    faults[#faults + 1] = invalid("destination", problem)
  elseif wanted.type == "rewrite" and target.origin then
    faults[#faults + 1] = invalid("destination", "must be a path, as that of every rewrite")
  end
  return target
end

--- Holds what a rule shall be against what its type needs: `wanted` has type, source, destination, status_code, headers. Gives a redirect
-- the status that it lacks. Returns the source and the destination (nil for headers), parsed; raises 422 for all faults.
function rules.check(wanted)
  local faults = {}
  local pattern, problem = patterns.parse(wanted.source)
  local target
  if not pattern then
    faults[1] = invalid("source", problem)
  end
  if wanted.type == "header" then
    check_header_rule(wanted, faults)
  else
    target = pattern and read_destination(wanted, pattern, faults)
    if wanted.headers then
      faults[#faults + 1] = invalid("headers", "is for header rules")
    end
  end
  if wanted.type == "redirect" then
    wanted.status_code = wanted.status_code or REDIRECT_STATUS
  elseif wanted.status_code then
    faults[#faults + 1] = invalid("status_code", "is for redirects")
  end
  if faults[1] then
    refusal.unprocessable(faults)
  end
  return pattern, target
end

-- ---- what a request meets ----

--- The rules of a project, the first in priority first.
function rules.of(tenant, project_id)
  return tenant.things.edge_rule:list("project_id", project_id)
end

-- What finds the redirect or rewrite that decides about a path.
local function index_of(list)
  local index = pattern_index.new()
  for place, rule in ipairs(list) do
    if rule.enabled and rule.type ~= "header" then
      index:put(rule.private.pattern, place)
    end
  end
  return index
end

local function first(list, index, path)
  local rule = list[index:first(path)]
  return rule, rule and patterns.match(rule.private.pattern, path)
end

--- The redirect or rewrite that decides about a path, and what its source took; nil if none does.
function rules.first(list, path)
  return first(list, index_of(list), path)
end

--- The headers that a path's answer gets, name -> value, and the rules that set them. Of two values for one header, in whatever case, that
-- of the rule with the better priority is taken.
function rules.headers(list, path)
  local headers, seen, applied = {}, {}, {}
  for _, rule in ipairs(list) do
    if rule.enabled and rule.type == "header" and patterns.match(rule.private.pattern, path) then
      applied[#applied + 1] = rule
      for name, value in pairs(rule.headers) do
        local lower = name:lower()
        headers[name] = not seen[lower] and value or headers[name]
        seen[lower] = true
      end
    end
  end
  return headers, applied
end

-- ---- conflicts ----

-- Where the path leads by rules of one type: the next path of the project, or nil, and the rule.
local function step(world, kind, path)
  local rule, captures = first(world.list, world.index, path)
  if not rule or rule.type ~= kind then
    return nil
  end
  local target = rule.private.target
  local host = target.origin and project_hosts.of(target.origin)
  if target.origin and not (host and project_hosts.owns(world.tenant, world.project, host)) then
    return nil
  end
  return patterns.fill(target.path, captures), rule
end

-- Whether the path comes back to itself. One rewrite may lead from many paths to one that it matches as well (`/*` to `/index.html`), or
-- on and on: as only one is applied, that is no ring; nor is it for a redirect that ends at a rewrite.
local function is_ring(world, kind, path)
  local seen = {}
  for _ = 1, HOPS_MAX do
    local after, rule = step(world, kind, path)
    if not after then
      return false
    elseif after == path then
      return kind == "redirect" or rule.source == rule.destination
    end
    seen[path] = true
    if seen[after] then
      return true
    end
    path = after
  end
  return kind == "redirect"
end

-- Paths to begin at: all that the changed sources share with the sources and destinations of the rules, in the rules' order. What a change
-- can make a ring of must lead through a path that one of the sources matches.
local function beginnings(world, sources)
  local paths, seen = {}, {}
  for _, source in ipairs(sources) do
    for _, rule in ipairs(world.list) do
      for _, pattern in ipairs(rule.type == "header" and {} or { rule.private.pattern, rule.private.target.path }) do
        local path = patterns.meet(source, pattern)
        if path and not seen[path] then
          paths[#paths + 1], seen[path] = path, true
        end
      end
    end
  end
  return paths
end

--- A path that goes round in a ring of redirects, or of rewrites, which a change of rules with these `sources` (patterns, before and after)
-- has made; nil if there is none. `list`: the project's rules as they are to be.
function rules.find_ring(tenant, project, list, sources)
  local world = { tenant = tenant, project = project, list = list, index = index_of(list) }
  for _, path in ipairs(beginnings(world, sources)) do
    if is_ring(world, "redirect", path) or is_ring(world, "rewrite", path) then
      return path
    end
  end
  return nil
end

--- The rule other than `itself` that has this type and matches the very paths of `pattern`, or nil.
function rules.twin(list, kind, pattern, itself)
  for _, rule in ipairs(list) do
    if rule ~= itself and rule.type == kind and rule.private.pattern.shape == pattern.shape then
      return rule
    end
  end
  return nil
end

-- ---- order ----

--- `list` with `rule` at the place of a priority (nil, or too large: the last).
function rules.with(list, rule, priority)
  local placed = {}
  for _, other in ipairs(list) do
    if other ~= rule then
      placed[#placed + 1] = other
    end
  end
  table.insert(placed, math.min(priority or #placed, #placed) + 1, rule)
  return placed
end

--- What collections order rules by. A blank comes before all digits, so the ranks decide.
function rules.order(rule)
  return rule.private.rank .. " " .. rule.id
end

--- Stores a rule at its place in `list` (of rules.with), if it is not there already.
function rules.place(tenant, list, rule)
  local things, at = tenant.things.edge_rule, nil
  for index, other in ipairs(list) do
    at = other == rule and index or at
  end
  local low, high = list[at - 1], list[at + 1]
  low, high = low and low.private.rank, high and high.private.rank
  local rank, is_stored = rule.private.rank, things:get(rule.id) ~= nil
  if rank and (not low or low < rank) and (not high or rank < high) then
    return
  end
  if is_stored then
    things:remove(rule)
  end
  rule.private.rank = ranks.between(low, high)
  tenant:add(rule)
end

--- Gives the rules of `list` their numbers.
function rules.number(tenant, list)
  for index, rule in ipairs(list) do
    if rule.priority ~= index - 1 then
      tenant:set(rule, { priority = index - 1 })
    end
  end
end

return rules

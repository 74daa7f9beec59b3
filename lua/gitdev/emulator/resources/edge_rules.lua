--- contract 2.12
local core = require "gitdev.core"
local edge_routes = require "gitdev.emulator.edge.routes"
local json = require "gitdev.json"
local patterns = require "gitdev.emulator.edge.patterns"
local refusal = require "gitdev.emulator.refusal"
local rules = require "gitdev.emulator.edge.rules"
local same = require "gitdev.same"
local schema = require "gitdev.schema"

local DEFAULT_STATUS = schema.operation("edge_rules.create").body.by_name.status_code.default

local function list(call)
  local query = call.query
  query.project = call:project_filter(query.project)
  return call:page(call.tenant.things.edge_rule, { project_id = query.project, type = query.type })
end

-- ---- conflicts ----

local function conflict(param, message)
  refusal.unprocessable { { code = "rule_conflict", param = param, message = message } }
end

local function refuse_twin(placed, rule)
  local twin = rules.twin(placed, rule.type, rule.private.pattern, rule)
  if twin then
    conflict("source", ("source: the %s rule %s has the paths of %s."):format(twin.type, twin.id, rule.source))
  end
end

-- Only a rule that is heeded can make a ring. (Deleting another one may have made one: that must not be in the way of what is harmless.)
local function refuse_ring(call, project, placed, rule, sources)
  local can_make_one = rule.enabled and rule.type ~= "header"
  local path = can_make_one and rules.find_ring(call.tenant, project, placed, sources)
  if path then
    conflict("destination", ("destination: with this rule, %s would lead round in a ring."):format(path))
  end
end

-- ---- create ----

-- The rule that a body wants, not stored yet. The default status is not one that the caller asked for.
local function draft(call, project)
  local body, tenant = call.body, call.tenant
  local rule = {
    id = tenant:id "rul",
    object = "edge_rule",
    project = project.slug,
    project_id = project.id,
    type = body.type,
    source = body.source,
    destination = body.destination,
    status_code = (body.type == "redirect" or body.status_code ~= DEFAULT_STATUS) and body.status_code or nil,
    headers = body.headers,
    enabled = body.enabled,
    created_at = tenant:seconds(),
    updated_at = tenant:seconds(),
    private = {},
  }
  rule.private.pattern, rule.private.target = rules.check(rule)
  return rule
end

local function create(call)
  local body, tenant = call.body, call.tenant
  local project = call:project(body.project)
  if not project then
    local message = ('project: there is no project "%s".'):format(body.project)
    refusal.unprocessable { { code = "resource_missing", param = "project", message = message } }
  end
  call:about(project.id)
  local rule = draft(call, project)
  local placed = rules.with(rules.of(tenant, project.id), rule, body.priority)
  refuse_twin(placed, rule)
  refuse_ring(call, project, placed, rule, { rule.private.pattern })
  rules.place(tenant, placed, rule)
  rules.number(tenant, placed)
  return rule
end

-- ---- update ----

local function merged(present, given)
  if given == nil then
    return present
  end
  return given ~= core.null and given or nil
end

-- The rule as the body wants it: a draft of the same id, which stands in for the rule until nothing speaks against it.
local function changed(body, rule)
  local wanted = { id = rule.id, type = rule.type, enabled = rule.enabled, private = {} }
  if body.enabled ~= nil then
    wanted.enabled = body.enabled
  end
  for _, field in ipairs { "source", "destination", "status_code", "headers" } do
    wanted[field] = merged(rule[field], body[field])
  end
  wanted.private.pattern, wanted.private.target = rules.check(wanted)
  return wanted
end

-- Gives the rule the fields of its draft. Returns whether one is new.
local function adopt(tenant, rule, wanted)
  local changes = {}
  for _, field in ipairs { "source", "destination", "status_code", "headers", "enabled" } do
    if not same(rule[field], wanted[field]) then
      changes[field] = wanted[field] == nil and core.null or wanted[field]
    end
  end
  tenant:set(rule, changes)
  rule.private.pattern, rule.private.target = wanted.private.pattern, wanted.private.target
  return next(changes) ~= nil
end

local function replaced(placed, rule, wanted)
  local list_of_wanted = {}
  for index, other in ipairs(placed) do
    list_of_wanted[index] = other == rule and wanted or other
  end
  return list_of_wanted
end

-- Whether requests may lead elsewhere when the rule is as its draft, at a priority (nil: where it is).
local function leads_elsewhere(rule, wanted, priority)
  return rule.source ~= wanted.source
    or rule.destination ~= wanted.destination
    or rule.enabled ~= wanted.enabled
    or priority ~= nil and priority ~= rule.priority
end

local function update(call)
  local body, tenant, rule = call.body, call.tenant, call.things.edge_rule
  local project = tenant.things.project:get(rule.project_id)
  local wanted = changed(body, rule)
  local placed = rules.with(rules.of(tenant, project.id), rule, body.priority or rule.priority)
  local planned = replaced(placed, rule, wanted)
  refuse_twin(planned, wanted)
  if leads_elsewhere(rule, wanted, body.priority) then
    refuse_ring(call, project, planned, wanted, { rule.private.pattern, wanted.private.pattern })
  end
  local before = rule.priority
  rules.place(tenant, placed, rule)
  rules.number(tenant, placed)
  if adopt(tenant, rule, wanted) or rule.priority ~= before then
    tenant:set(rule, { updated_at = tenant:seconds() })
  end
  return rule
end

local function delete(call)
  local rule, tenant = call.things.edge_rule, call.tenant
  tenant.things.edge_rule:remove(rule)
  rules.number(tenant, rules.of(tenant, rule.project_id))
end

-- ---- what follows the project ----

local function forget(tenant, project)
  tenant:drop("edge_rule", "project_id", project.id)
end

local function rename(tenant, project)
  for _, rule in ipairs(tenant.things.edge_rule:list("project_id", project.id)) do
    tenant:set(rule, { project = project.slug })
  end
end

-- ---- what a request would meet ----

local function ids_of(list_of_rules)
  local ids = json.array {}
  for index, rule in ipairs(list_of_rules) do
    ids[index] = rule.id
  end
  return ids
end

local function or_null(value)
  return value == nil and core.null or value
end

-- What a request for `target` (a path, with a query or without) meets in a project.
local function meet(tenant, project, target)
  local path, query = target:match "^([^?#]*)(%??[^#]*)"
  local placed = rules.of(tenant, project.id)
  local headers, applied = rules.headers(placed, path)
  local rule, captures = rules.first(placed, path)
  local to = rule and rule.private.target
  local is_redirect = rule and rule.type == "redirect"
  local served = rule and not is_redirect and patterns.fill(to.path, captures) or path
  local found, live, route
  if not is_redirect then
    found, live, route = edge_routes.find(tenant, project.id, served)
  end
  return {
    rule = or_null(rule and rule.id),
    action = rule and rule.type or "none",
    captures = captures or {},
    status_code = or_null(is_redirect and rule.status_code or nil),
    location = or_null(is_redirect and patterns.address(to, captures, query) or nil),
    path = or_null(not is_redirect and (rule and patterns.address(to, captures, query) or target) or nil),
    headers = headers,
    header_rules = ids_of(applied),
    edge_function = or_null(found and { id = found.id, name = found.name, version = live.version, route = route }),
  }
end

local function find_project(emulator, body)
  local tenant = emulator.tenants[body.livemode == true]
  local projects = tenant and tenant.things.project
  return projects and (projects:get(body.project) or projects:find("slug", body.project)), tenant
end

local function resolve(emulator, body)
  if type(body.project) ~= "string" or type(body.path) ~= "string" or body.path:sub(1, 1) ~= "/" then
    return 400, "Give project, an id or a slug, and path, which begins with a slash."
  end
  local project, tenant = find_project(emulator, body)
  if not project then
    return 404, "There is no such project."
  end
  return 200, meet(tenant, project, body.path)
end

return {
  collections = {
    edge_rule = { indexes = { "project_id" }, key = rules.order },
  },
  reactions = {
    ["project.deleted"] = forget,
    ["project.updated"] = rename,
  },
  control = {
    { "POST", "^/_emulator/edge/resolve$", resolve },
  },
  find = {
    edge_rule = function(call, id)
      return call.tenant.things.edge_rule:get(id)
    end,
  },
  operations = {
    ["edge_rules.list"] = list,
    ["edge_rules.create"] = create,
    ["edge_rules.get"] = function(call)
      return call.things.edge_rule
    end,
    ["edge_rules.update"] = update,
    ["edge_rules.delete"] = delete,
  },
}

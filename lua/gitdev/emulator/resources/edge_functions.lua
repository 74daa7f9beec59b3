--- contract 2.11, 3.5
local core = require "gitdev.core"
local deployer = require "gitdev.emulator.edge.deployer"
local distinct = require "gitdev.emulator.store.distinct"
local edge_routes = require "gitdev.emulator.edge.routes"
local machine = require "gitdev.emulator.store.machine"
local patterns = require "gitdev.emulator.edge.patterns"
local refusal = require "gitdev.emulator.refusal"
local regions = require "gitdev.emulator.deployments.regions"
local same = require "gitdev.same"

local EVERYWHERE = "*"

local function list(call)
  local query = call.query
  query.project = call:project_filter(query.project)
  local where = call:only_visible({ project_id = query.project, status = query.status }, "project_id")
  return call:page(call.tenant.things.edge_function, where)
end

-- ---- what a function is made of ----

local function project_of(call)
  local project = call:project(call.body.project)
  if not project then
    local message = ('project: there is no project "%s".'):format(call.body.project)
    refusal.unprocessable { { code = "resource_missing", param = "project", message = message } }
  end
  call:about(project.id)
  return project
end

local function refuse_taken_name(call, project_id, name, itself)
  for other in call.tenant.things.edge_function:each("project_id", project_id) do
    if other ~= itself and other.name == name then
      local message = ('The project has an edge function "%s" already: %s.'):format(name, other.id)
      refusal.raise("already_exists", { param = "name", message = message })
    end
  end
end

-- What is wrong with a route, or nil, and its pattern.
local function route_fault(holders, text, param)
  local pattern, problem = patterns.parse(text)
  if not pattern then
    return { code = "parameter_invalid", param = param, message = ("%s %s."):format(param, problem) }
  end
  local holder = holders[pattern.shape]
  local message = "%s: the edge function %s (%s) has the paths of %s."
  return holder and {
    code = "rule_conflict", param = param, message = message:format(param, holder.name, holder.id, text),
  }, pattern
end

-- Routes once each, and their patterns; raises 422 for all that are taken or make no sense.
local function read_routes(call, project_id, routes, itself)
  local faults, parsed, once = {}, {}, distinct(routes)
  local holders = edge_routes.holders(call.tenant, project_id, itself)
  for index, text in ipairs(once) do
    local fault, pattern = route_fault(holders, text, ("routes[%d]"):format(index))
    parsed[index] = pattern
    if fault then
      refusal.add(faults, fault)
    end
  end
  if faults[1] then
    refusal.unprocessable(faults)
  end
  return once, parsed
end

-- Regions once each; "*" is everywhere, whatever stands beside it. Raises 422 for those that there are not.
local function read_regions(codes)
  local faults, everywhere = {}, false
  for index, code in ipairs(codes) do
    everywhere = everywhere or code == EVERYWHERE
    if code ~= EVERYWHERE and not regions.get(code) then
      local param = ("regions[%d]"):format(index)
      local message = ('%s: there is no region "%s".'):format(param, code)
      refusal.add(faults, { code = "parameter_invalid", param = param, message = message })
    end
  end
  if faults[1] then
    refusal.unprocessable(faults)
  end
  return everywhere and { EVERYWHERE } or distinct(codes)
end

local function sorted_keys(env)
  local keys = {}
  for key in pairs(env) do
    keys[#keys + 1] = key
  end
  table.sort(keys)
  return keys
end

-- ---- create ----

local function create(call)
  local body, tenant = call.body, call.tenant
  local project = project_of(call)
  refuse_taken_name(call, project.id, body.name)
  local routes, parsed = read_routes(call, project.id, body.routes)
  local codes, env = read_regions(body.regions), body.env or {}
  local edge_function = tenant:add {
    id = tenant:id "fn",
    object = "edge_function",
    project = project.slug,
    project_id = project.id,
    name = body.name,
    status = "deploying",
    runtime = "edge-js-1",
    routes = routes,
    regions = codes,
    env_keys = sorted_keys(env),
    memory_mb = body.memory_mb,
    timeout_ms = body.timeout_ms,
    version = 1,
    code_sha256 = core.sha256(body.code),
    code_bytes = #body.code,
    created_at = tenant:seconds(),
    updated_at = tenant:seconds(),
    private = { code = body.code, env = env, enabled = true, routes = parsed },
  }
  for _, kind in ipairs(machine.birth_events("edge_function", "create")) do
    tenant:emit(kind, edge_function)
  end
  deployer.start(tenant, edge_function)
  return edge_function
end

-- ---- get ----

local function get(call)
  local edge_function = call.things.edge_function
  if not call.query.include_code then
    return edge_function
  end
  local shown = { code = edge_function.private.code }
  for field, value in pairs(edge_function) do
    shown[field] = field ~= "private" and value or nil
  end
  return shown
end

-- ---- update ----

local function check_version(edge_function, expected)
  if expected and expected ~= edge_function.version then
    local message = "The edge function is at version %d, not %d."
    refusal.raise("version_conflict", {
      param = "expected_version", message = message:format(edge_function.version, expected),
    })
  end
end

-- The fields that the body gives another value, apart from what makes a version; sets the patterns that go with new routes.
local function changes_of(call, edge_function)
  local body, changes = call.body, {}
  for _, field in ipairs { "name", "memory_mb", "timeout_ms" } do
    changes[field] = body[field] ~= edge_function[field] and body[field] or nil
  end
  local codes = body.regions and read_regions(body.regions)
  changes.regions = codes and not same(codes, edge_function.regions) and codes or nil
  if body.routes then
    local routes, parsed = read_routes(call, edge_function.project_id, body.routes, edge_function)
    changes.routes = not same(routes, edge_function.routes) and routes or nil
    edge_function.private.routes = parsed
  end
  return changes
end

-- What a body's code and environment change: the fields of a new version, or nothing.
local function version_of(body, edge_function)
  local private, changes = edge_function.private, {}
  if body.code and body.code ~= private.code then
    changes.code_sha256, changes.code_bytes = core.sha256(body.code), #body.code
  end
  if body.env and not same(body.env, private.env) then
    changes.env_keys = sorted_keys(body.env)
  end
  if next(changes) then
    changes.version = edge_function.version + 1
  end
  return changes
end

local function apply(tenant, edge_function, changes)
  if next(changes) then
    changes.updated_at = tenant:seconds()
    tenant:set(edge_function, changes)
  end
end

local function update(call)
  local body, edge_function, tenant = call.body, call.things.edge_function, call.tenant
  local private = edge_function.private
  check_version(edge_function, body.expected_version)
  if body.name then
    refuse_taken_name(call, edge_function.project_id, body.name, edge_function)
  end
  apply(tenant, edge_function, changes_of(call, edge_function))
  local version = version_of(body, edge_function)
  apply(tenant, edge_function, version)
  private.code, private.env = body.code or private.code, body.env or private.env
  if version.version then
    deployer.renew(tenant, edge_function)
  end
  if body.enabled ~= nil then
    deployer.enable(tenant, edge_function, body.enabled)
  end
  return edge_function
end

local function delete(call)
  deployer.remove(call.tenant, call.things.edge_function)
  call.tenant:emit("edge_function.deleted", call.things.edge_function)
end

-- ---- what follows the project ----

local function forget(tenant, project)
  for _, edge_function in ipairs(tenant.things.edge_function:list("project_id", project.id)) do
    deployer.remove(tenant, edge_function)
  end
end

local function rename(tenant, project)
  for _, edge_function in ipairs(tenant.things.edge_function:list("project_id", project.id)) do
    tenant:set(edge_function, { project = project.slug })
  end
end

-- The environment of the version that serves, as contract 1.10 hands it over.
local function show_environment(emulator, _, id)
  local edge_function = emulator:find("edge_function", id)
  local live = edge_function and deployer.live(edge_function)
  if not live then
    return 404, edge_function and "No version of this edge function serves." or "There is no such edge function."
  end
  return 200, live.env
end

return {
  collections = {
    edge_function = { indexes = { "project_id", "status" } },
  },
  timers = deployer.timers,
  reactions = {
    ["project.deleted"] = forget,
    ["project.updated"] = rename,
  },
  control = {
    { "GET", "^/_emulator/edge_functions/([^/]+)/environment$", show_environment },
  },
  find = {
    edge_function = function(call, id)
      return call.tenant.things.edge_function:get(id)
    end,
  },
  operations = {
    ["edge_functions.list"] = list,
    ["edge_functions.create"] = create,
    ["edge_functions.get"] = get,
    ["edge_functions.update"] = update,
    ["edge_functions.delete"] = delete,
  },
}

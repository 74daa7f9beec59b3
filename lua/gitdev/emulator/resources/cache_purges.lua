--- contract 2.12, 3.5
local distinct = require "gitdev.emulator.store.distinct"
local json = require "gitdev.json"
local machine = require "gitdev.emulator.store.machine"
local project_hosts = require "gitdev.emulator.deployments.project_hosts"
local refusal = require "gitdev.emulator.refusal"
local regions = require "gitdev.emulator.deployments.regions"

-- Regions purge one after the other.
local REGION_MS = 100

-- A value with this in it has the purge fail when half the regions are done.
local EMULATE_FAILED = "emulate-failed"

-- ---- what to purge ----

local function invalid(param, message)
  return { code = "parameter_invalid", param = param, message = param .. " " .. message }
end

-- The one of the four that the body gives. Raises 422 for none and for several.
local function scope_of(call)
  local body, scopes, given = call.body, call.operation.one_of, {}
  for _, scope in ipairs(scopes) do
    given[#given + 1] = body[scope] ~= nil and scope or nil
  end
  if #given == 1 and (body.everything == nil or body.everything) then
    return given[1]
  end
  local faults = {}
  for index, scope in ipairs(given) do
    local why = #given == 1 and "must be true; leave it out to purge less." or "cannot be there with " .. given[index == 1 and 2 or 1] .. "."
    faults[index] = invalid(scope, why)
  end
  local message = ("Give exactly one of %s and %s."):format(table.concat(scopes, ", ", 1, #scopes - 1), scopes[#scopes])
  refusal.unprocessable(faults[1] and faults or { { code = "parameter_invalid", message = message } })
end

-- Whether an address can be purged for the project; nil, or the end of a sentence.
local function address_problem(call, project, address)
  local host = project_hosts.of(address)
  if not host then
    return "must be an https address with a host, and no other port than 443"
  elseif not project_hosts.owns(call.tenant, project, host) then
    return ("is on %s, which is not a host of %s: neither its own, nor one of its previews, nor an active domain"):format(host, project.slug)
  end
  return nil
end

local function check_addresses(call, project, scope, values)
  local faults = {}
  for index, value in ipairs(values) do
    local is_path = scope == "prefixes" and value:sub(1, 1) == "/"
    local problem = not is_path and address_problem(call, project, value)
    if problem then
      faults[#faults + 1] = invalid(("%s[%d]"):format(scope, index), problem .. ".")
    end
  end
  if faults[1] then
    refusal.unprocessable(faults)
  end
end

local function values_of(call, project, scope)
  if scope == "everything" then
    return json.array {}
  end
  local values = call.body[scope]
  if scope ~= "tags" then
    check_addresses(call, project, scope, values)
  end
  return distinct(values)
end

local function is_to_fail(values)
  for _, value in ipairs(values) do
    if value:find(EMULATE_FAILED, 1, true) then
      return true
    end
  end
  return false
end

-- ---- how it goes ----

local function later(tenant, purge)
  purge.private.timer = tenant:later(REGION_MS, "cache_purge.region", purge)
end

local function finish(tenant, purge, on)
  tenant:cancel(purge.private.timer)
  purge.private.timer = nil
  tenant:move(purge, on, { finished_at = tenant:seconds() }, { duration_ms = tenant:now() - purge.private.created_ms })
end

-- One region more has purged.
local function region_done(tenant, purge)
  local done = purge.regions_done + 1
  if purge.private.fails and done * 2 > purge.regions_total then
    return finish(tenant, purge, "region_failed")
  end
  tenant:set(purge, { regions_done = done })
  if done == purge.regions_total then
    return finish(tenant, purge, "all_regions_done")
  end
  return later(tenant, purge)
end

local function create(call)
  local tenant, project = call.tenant, call:project(call.body.project)
  local scope = scope_of(call)
  if not project then
    local message = ('project: there is no project "%s".'):format(call.body.project)
    refusal.unprocessable { { code = "resource_missing", param = "project", message = message } }
  end
  call:about(project.id)
  local values = values_of(call, project, scope)
  local purge = tenant:add {
    id = tenant:id "prg",
    object = "cache_purge",
    project = project.slug,
    project_id = project.id,
    scope = scope,
    values = values,
    status = "queued",
    regions_done = 0,
    regions_total = #regions.list,
    created_at = tenant:seconds(),
    private = { created_ms = tenant:now(), fails = is_to_fail(values) },
  }
  for _, kind in ipairs(machine.birth_events("cache_purge", "create")) do
    tenant:emit(kind, purge)
  end
  later(tenant, purge)
  return purge
end

-- ---- what follows the project ----

local function forget(tenant, project)
  for _, purge in ipairs(tenant.things.cache_purge:list("project_id", project.id)) do
    tenant:cancel(purge.private.timer)
    tenant.things.cache_purge:remove(purge)
  end
end

local function rename(tenant, project)
  for _, purge in ipairs(tenant.things.cache_purge:list("project_id", project.id)) do
    tenant:set(purge, { project = project.slug })
  end
end

local function fail(emulator, _, id)
  for _, tenant in pairs(emulator.tenants) do
    local purge = tenant.things.cache_purge:get(id)
    if purge and machine.is_terminal(purge) then
      return 409, "The purge is " .. purge.status .. " already."
    elseif purge then
      finish(tenant, purge, "region_failed")
      return 204
    end
  end
  return 404, "There is no such purge."
end

return {
  collections = {
    cache_purge = { indexes = { "project_id" } },
  },
  timers = {
    ["cache_purge.region"] = region_done,
  },
  reactions = {
    ["project.deleted"] = forget,
    ["project.updated"] = rename,
  },
  control = {
    { "POST", "^/_emulator/cache_purges/([^/]+)/fail$", fail },
  },
  find = {
    cache_purge = function(call, id)
      return call.tenant.things.cache_purge:get(id)
    end,
  },
  operations = {
    ["cache_purges.create"] = create,
    ["cache_purges.get"] = function(call)
      return call.things.cache_purge
    end,
  },
}

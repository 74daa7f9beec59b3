--- contract 2.12
local access = require "gitdev.emulator.organization.access"
local config_store = require "gitdev.emulator.edge.config_store"
local contains = require "gitdev.emulator.store.contains"
local distinct = require "gitdev.emulator.store.distinct"
local fits = require "gitdev.emulator.store.fits"
local formats = require "gitdev.api.formats"
local json = require "gitdev.json"
local refusal = require "gitdev.emulator.refusal"

-- ---- configs ----

local function list(call)
  local query, tenant = call.query, call.tenant
  query.project = call:project_filter(query.project)
  local page = call:page(tenant.things.edge_config, {}, function(config)
    local wanted = not query.project or contains(config.project_ids, query.project)
    return wanted and access.sees(call.key, config.project_ids)
  end)
  for _, config in ipairs(page.data) do
    config_store.settle(tenant, config)
  end
  return page
end

-- The ids of the projects that a body names; raises 422 for those that there are not, or that the key does not hold.
local function project_ids(call, references)
  local ids, faults = {}, {}
  for index, reference in ipairs(references or {}) do
    local project, param = call:project(reference), ("projects[%d]"):format(index)
    if project then
      ids[#ids + 1] = project.id
    else
      local message = ('%s: there is no project "%s".'):format(param, reference)
      refusal.add(faults, { code = "resource_missing", param = param, message = message })
    end
  end
  if faults[1] then
    refusal.unprocessable(faults)
  end
  return json.array(distinct(ids))
end

local function check_items(items)
  for _, key in ipairs(json.keys(items)) do
    config_store.check_depth(items[key], "items." .. key)
  end
  config_store.check_size(config_store.size(items), "items")
end

local function create(call)
  local body, tenant = call.body, call.tenant
  local configs, items = tenant.things.edge_config, body.items or {}
  local ids = project_ids(call, body.projects)
  call:about(ids)
  if configs:find("name", body.name) then
    local message = ('There is an edge config "%s" already.'):format(body.name)
    refusal.raise("already_exists", { param = "name", message = message })
  end
  call.emulator:check_quota("edge_configs", configs.all.count)
  check_items(items)
  local config = tenant:add {
    id = tenant:id "ecf",
    object = "edge_config",
    name = body.name,
    project_ids = ids,
    item_count = 0,
    size_bytes = 0,
    version = 0,
    created_at = tenant:seconds(),
    updated_at = tenant:seconds(),
    private = { items = {} },
  }
  config_store.fill(tenant, config, items)
  return config_store.settle(tenant, config)
end

local function delete(call)
  call.tenant.things.edge_config:remove(call.things.edge_config)
end

-- ---- items ----

local function list_items(call)
  return call:rows(config_store.list(call.things.edge_config, call.query.prefix), function(item)
    return item.key
  end)
end

-- The item that the path names; raises 404.
local function item_of(call)
  local item = config_store.find(call.things.edge_config, call.path.key)
  if not item then
    local message = ('The store has no key "%s".'):format(call.path.key)
    refusal.raise("resource_missing", { status = 404, message = message })
  end
  return item
end

local function check_key(key)
  if not fits(key, "edge_config_key") then
    local message = ("key must be %s."):format(formats.edge_config_key.doc)
    refusal.unprocessable { { code = "parameter_invalid", param = "key", message = message } }
  end
end

local function check_version(item, expected)
  local present = item and item.version or 0
  if expected and expected ~= present then
    local message = item and ("The item is at version %d, not %d."):format(present, expected)
      or ("The key is not there, so its version is 0, not %d."):format(expected)
    refusal.raise("version_conflict", { param = "expected_version", message = message })
  end
end

local function set_item(call)
  local body, config, key = call.body, call.things.edge_config, call.path.key
  check_key(key)
  config_store.check_depth(body.value, "value")
  local item = config_store.find(config, key)
  check_version(item, body.expected_version)
  return config_store.set(call.tenant, config, item, key, body.value), item and 200 or 201
end

local function delete_item(call)
  config_store.delete(call.tenant, call.things.edge_config, item_of(call))
end

-- ---- what follows a project ----

-- A config goes with the last of its projects: as one of no project it would be seen by keys that it was kept from.
local function leave_project(tenant, project)
  local goners = {}
  for config in tenant.things.edge_config.all:walk() do
    if contains(config.project_ids, project.id) then
      goners[#goners + 1] = config
    end
  end
  for _, config in ipairs(goners) do
    local ids = json.array {}
    for _, id in ipairs(config.project_ids) do
      ids[#ids + 1] = id ~= project.id and id or nil
    end
    if ids[1] then
      tenant:set(config, { project_ids = ids })
    else
      tenant.things.edge_config:remove(config)
    end
  end
end

-- Who sees a config learns of all its projects, so a key must hold them all.
local function find_config(call, id)
  local config = call.tenant.things.edge_config:get(id)
  if not (config and access.sees(call.key, config.project_ids)) then
    return nil
  end
  call:about(config.project_ids)
  return config
end

return {
  collections = {
    edge_config = { unique = { "name" } },
  },
  reactions = {
    ["project.deleted"] = leave_project,
  },
  find = {
    edge_config = find_config,
  },
  operations = {
    ["edge_configs.list"] = list,
    ["edge_configs.create"] = create,
    ["edge_configs.get"] = function(call)
      return config_store.settle(call.tenant, call.things.edge_config)
    end,
    ["edge_configs.delete"] = delete,
    ["edge_configs.items.list"] = list_items,
    ["edge_configs.items.get"] = item_of,
    ["edge_configs.items.set"] = set_item,
    ["edge_configs.items.delete"] = delete_item,
  },
}

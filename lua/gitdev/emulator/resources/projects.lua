--- contract 2.2
local builder = require "gitdev.emulator.deployments.builder"
local core = require "gitdev.core"
local distinct = require "gitdev.emulator.store.distinct"
local hosts = require "gitdev.emulator.deployments.hosts"
local machine = require "gitdev.emulator.store.machine"
local refusal = require "gitdev.emulator.refusal"
local regions = require "gitdev.emulator.deployments.regions"
local same = require "gitdev.same"
local seed = require "gitdev.emulator.seed"

local function find_repository(call, reference)
  local repositories = call.tenant.things.repository
  return repositories:get(reference) or repositories:find("name", reference)
end

-- Refuses a repository and regions that are not there.
local function check_references(call)
  local body, faults = call.body, {}
  if body.repository and body.repository ~= core.null and not find_repository(call, body.repository) then
    faults[1] = { code = "resource_missing", param = "repository", message = "repository: there is no such repository." }
  end
  regions.check(body.regions, faults)
end

-- The id of the repository that a body names; null gives none. It is there, see check_references.
local function repository_id(call, reference)
  if reference == nil or reference == core.null then
    return nil
  end
  return find_repository(call, reference).id
end

local function refuse_taken_slug(call, slug)
  if call.tenant.things.project:find("slug", slug) then
    refusal.raise("already_exists", { param = "slug", message = ('There is a project with the slug "%s".'):format(slug) })
  end
end

local function list(call)
  local query, where = call.query, {}
  where.status = query.status
  if query.repository then
    local repository = find_repository(call, query.repository)
    query.repository = repository and repository.id or ""
    where.repository_id = query.repository
  end
  call:only_visible(where, "id")
  local wanted = query.search and query.search:lower()
  return call:page(call.tenant.things.project, where, wanted and function(project)
    return project.slug:find(wanted, 1, true) or project.name:lower():find(wanted, 1, true)
  end)
end

local function create(call)
  local body, tenant = call.body, call.tenant
  check_references(call)
  refuse_taken_slug(call, body.slug)
  call.emulator:check_quota("projects", tenant.things.project.all.count)
  local project = seed.project(tenant, body.slug, {
    name = body.name,
    repository_id = repository_id(call, body.repository),
    production_branch = body.production_branch,
    framework = body.framework,
    root_directory = body.root_directory,
    build_command = body.build_command,
    output_directory = body.output_directory,
    regions = distinct(body.regions),
  })
  call:admit(project)
  return project
end

-- The statuses of a domain that answers, or answered until its records went wrong: it is bound to the project's present host name.
local LIVE_DOMAIN = { verified = true, active = true, misconfigured = true }

local function refuse_live_domains(tenant, project)
  for domain in tenant.things.domain:each("project_id", project.id) do
    if LIVE_DOMAIN[domain.status] then
      refusal.raise("resource_in_use", {
        param = "slug",
        message = ("The domain %s is %s: delete it before the slug changes."):format(domain.name, domain.status),
      })
    end
  end
end

-- What a merge of the body changes: field -> new value (core.null: none), and the names of those fields in the contract's order.
local function changes_of(call, project)
  local changes, names = {}, {}
  for _, field in ipairs(call.operation.body.names) do
    local value = call.body[field]
    if field == "repository" and value ~= nil then
      field, value = "repository_id", repository_id(call, value) or core.null
    elseif field == "regions" and value ~= nil then
      value = distinct(value)
    end
    local present = project[field]
    if value ~= nil and not same(value, present == nil and core.null or present) then
      changes[field] = value
      names[#names + 1] = field
    end
  end
  return changes, names
end

local function update(call)
  local project, tenant = call.things.project, call.tenant
  check_references(call)
  local changes, names = changes_of(call, project)
  if changes.slug then
    refuse_taken_slug(call, changes.slug)
    refuse_live_domains(tenant, project)
    changes.url = hosts.production(changes.slug)
  end
  if not names[1] then
    return project
  end
  changes.updated_at = tenant:seconds()
  tenant:set(project, changes)
  if changes.slug then
    builder.rename(tenant, project)
  end
  tenant:emit("project.updated", project, { project = project.slug, changed = names })
  return project
end

local function delete(call)
  local project, tenant = call.things.project, call.tenant
  local running = builder.in_progress(tenant, project)
  if running then
    machine.refuse(running, ("Deployment %s is %s: cancel it first."):format(running.id, running.status),
      machine.ends("deployment"))
  end
  builder.forget(tenant, project)
  tenant.things.project:remove(project)
  tenant:emit("project.deleted", project, { project = project.slug })
end

return {
  collections = {
    project = { indexes = { "status", "repository_id" }, unique = { "slug" } },
  },
  find = {
    project = function(call, reference)
      return call:project(reference)
    end,
  },
  operations = {
    ["projects.list"] = list,
    ["projects.create"] = create,
    ["projects.get"] = function(call)
      return call.things.project
    end,
    ["projects.update"] = update,
    ["projects.delete"] = delete,
  },
}

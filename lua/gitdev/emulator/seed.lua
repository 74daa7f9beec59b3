--- What an organization begins with (contract 5): a repository and a project `my-app`, so that the page's snippet works as typed.
local hosts = require "gitdev.emulator.deployments.hosts"
local repositories = require "gitdev.emulator.git.repositories"

local PRODUCTION_BRANCH = "main"

local seed = {}

--- The organization itself. `public_key`: its gpk_ key.
function seed.organization(emulator, plan, public_key, livemode)
  return {
    id = "org_" .. emulator.random:id(),
    object = "organization",
    slug = "acme",
    name = "Acme",
    plan = plan,
    public_key = public_key,
    default_region = "iad",
    livemode = livemode,
    created_at = emulator:seconds(),
    private = {},
  }
end

local function new_project(tenant, slug, fields)
  local project = {
    id = tenant:id "prj",
    object = "project",
    slug = slug,
    name = slug,
    production_branch = PRODUCTION_BRANCH,
    url = hosts.production(slug),
    root_directory = "/",
    regions = { "iad" },
    status = "active",
    created_at = tenant:seconds(),
    updated_at = tenant:seconds(),
  }
  for name, value in pairs(fields) do
    project[name] = value
  end
  return project
end

local function store(tenant, project)
  tenant:add(project)
  tenant:emit("project.created", project, { project = project.slug })
  return project
end

--- Makes and stores a project. `fields`: what differs from a project that is created with nothing but a slug.
function seed.project(tenant, slug, fields)
  return store(tenant, new_project(tenant, slug, fields))
end

--- A project with a repository of its name, neither of them stored yet (the repository may be there already): see seed.keep.
function seed.draft(tenant, slug)
  local repository = tenant.things.repository:find("name", slug) or repositories.begun(tenant, slug)
  return new_project(tenant, slug, { repository_id = repository.id }), repository
end

--- Stores what seed.draft made. Returns the project.
function seed.keep(tenant, project, repository)
  if not tenant.things.repository:get(repository.id) then
    repositories.store(tenant, repository)
  end
  return store(tenant, project)
end

--- Makes and stores a project with a repository of its own.
function seed.project_with_repository(tenant, slug)
  return seed.keep(tenant, seed.draft(tenant, slug))
end

return seed

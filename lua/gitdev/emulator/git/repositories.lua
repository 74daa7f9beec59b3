--- Repositories as things: made, and given their addresses.
local beginning = require "gitdev.emulator.git.beginning"
local folders = require "gitdev.emulator.git.folders"
local refs = require "gitdev.emulator.git.refs"

local DEFAULT_BRANCH = "main"

local repositories = {}

--- The addresses of a repository of that name: field -> text.
function repositories.addresses(tenant, name)
  local path = tenant.organization.slug .. "/" .. name .. ".git"
  return {
    clone_url = folders.url(tenant, name) or "https://git.dev/" .. path,
    ssh_url = "git@git.dev:" .. path,
  }
end

--- A new repository, not stored yet. `fields`: name, description, visibility, default_branch.
function repositories.new(tenant, fields)
  local addresses, now = repositories.addresses(tenant, fields.name), tenant:seconds()
  local repository = {
    id = tenant:id "repo",
    object = "repository",
    name = fields.name,
    description = fields.description,
    visibility = fields.visibility or "private",
    default_branch = fields.default_branch or DEFAULT_BRANCH,
    empty = true,
    archived = false,
    size_bytes = 0,
    clone_url = addresses.clone_url,
    ssh_url = addresses.ssh_url,
    created_at = now,
    updated_at = now,
    private = {},
  }
  refs.begin(repository, {}, now)
  return repository
end

-- The branch that is read where none is named: main, or else the first.
local function default_of(branches)
  for _, branch in ipairs(branches) do
    if branch == DEFAULT_BRANCH then
      return branch
    end
  end
  return branches[1]
end

--- A new repository that holds a small program on the branches that the emulator was told of, not stored yet.
function repositories.begun(tenant, name)
  local branches = tenant.emulator.options.branches
  local repository = repositories.new(tenant, { name = name, default_branch = default_of(branches) })
  local made = beginning.of(name, branches)
  repository.private.begun = { name = name, branches = branches }
  refs.begin(repository, made.heads, repository.created_at)
  repository.empty, repository.size_bytes = branches[1] == nil, made.size
  repository.pushed_at = branches[1] and repository.created_at
  return repository
end

--- Stores a new repository, and makes its folder where repositories have folders.
function repositories.store(tenant, repository)
  tenant:add(repository)
  folders.publish(tenant, repository)
  return repository
end

return repositories

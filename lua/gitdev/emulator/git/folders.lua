--- Repositories as folders that the git program reads: with the emulator's option `repositories`, each is a bare repository DIR/<name>.git
-- beside the one in memory, and kept like it. Live data have a folder of their own, DIR/live. What Git pushes into a folder is taken over
-- when the API is next asked about that repository.
local core = require "gitdev.core"
local refs = require "gitdev.emulator.git.refs"
local store = require "gitdev.emulator.git.store"

local LIVE = "/live"
local BRANCH, TAG = "refs/heads/", "refs/tags/"

local folders = {}

-- The open folders, by repository: no part of the state.
local open = setmetatable({}, { __mode = "k" })

local function directory_of(tenant)
  local directory = tenant.emulator.options.repositories
  return directory and (tenant.organization.livemode and directory .. LIVE or directory)
end

local function path_of(tenant, name)
  return directory_of(tenant) .. "/" .. name .. ".git"
end

--- Whether there are folders.
local function are_wanted(tenant)
  return tenant.emulator.options.repositories ~= nil
end

--- The address of a repository's folder, or nil if repositories have none.
function folders.url(tenant, name)
  if not are_wanted(tenant) then
    return nil
  end
  local path = path_of(tenant, name)
  return "file://" .. core.escape(path):gsub("%%2F", "/")
end

local function folder_of(tenant, repository)
  if not open[repository] then
    local path = path_of(tenant, repository.name)
    local folder, problem = store.module().repository(path, repository.default_branch)
    if not folder then
      error(("%s cannot be a repository: %s"):format(path, problem), 0)
    end
    open[repository] = folder
  end
  return open[repository]
end

-- The branch that a reference of a folder is; nil: it is none, or has a name that the API does not know.
local function branch_of(name)
  local branch = name:sub(1, #BRANCH) == BRANCH and name:sub(#BRANCH + 1)
  return branch and refs.is_name(branch) and core.utf8(branch) and branch or nil
end

-- Brings the branches of the folder to where they are here: those that go first, for they may be in the way.
local function move_branches(folder, repository)
  local present = store.sound(folder:references())
  for name in pairs(present) do
    local branch = branch_of(name)
    if branch and not refs.branch(repository, branch) then
      store.sound(folder:remove_reference(name))
    end
  end
  for branch in refs.each(repository) do
    if present[BRANCH .. branch.name] ~= branch.commit_sha then
      store.sound(folder:set_reference(BRANCH .. branch.name, branch.commit_sha))
    end
  end
end

local function publish(tenant, repository)
  local folder = folder_of(tenant, repository)
  store.sound(folder:take(store.objects(repository)))
  move_branches(folder, repository)
  store.sound(folder:set_head(repository.default_branch))
end

-- The API's own repository is the one that counts: a folder that cannot follow is told of, and brought up to date by the next change that can be
-- written.
local function attempt(tenant, action, ...)
  local ok, problem = pcall(action, ...)
  if not ok then
    tenant.emulator.options.on_error("repositories: " .. tostring(problem))
  end
end

--- Brings a repository's folder to what the repository is now.
function folders.publish(tenant, repository)
  if are_wanted(tenant) then
    attempt(tenant, publish, tenant, repository)
  end
end

--- Moves a repository's folder; `name`: the repository's name before.
function folders.rename(tenant, repository, name)
  if are_wanted(tenant) then
    open[repository] = nil
    attempt(tenant, function()
      store.sound(os.rename(path_of(tenant, name), path_of(tenant, repository.name)))
    end)
    folders.publish(tenant, repository)
  end
end

--- Removes a repository's folder.
function folders.remove(tenant, repository)
  if are_wanted(tenant) then
    open[repository] = nil
    attempt(tenant, function()
      store.sound(store.module().remove(path_of(tenant, repository.name)))
    end)
  end
end

-- The branches of a folder that are not as they are here, by name: { branch, after (nil: it is deleted) }.
local function moved_branches(repository, present)
  local moved = {}
  for name, sha in pairs(present) do
    local branch = branch_of(name)
    local known = branch and refs.branch(repository, branch)
    if branch and not (known and known.commit_sha == sha) then
      moved[#moved + 1] = { branch = branch, after = sha }
    end
  end
  for branch in refs.each(repository) do
    if not present[BRANCH .. branch.name] then
      moved[#moved + 1] = { branch = branch.name }
    end
  end
  table.sort(moved, function(a, b)
    return a.branch < b.branch
  end)
  return moved
end

-- The tags of a folder, and whether one of them is new here.
local function tags_of(repository, present)
  local tags, is_new = {}, false
  for name, sha in pairs(present) do
    if name:sub(1, #TAG) == TAG then
      local tag = name:sub(#TAG + 1)
      tags[tag], is_new = sha, is_new or repository.private.tags[tag] ~= sha
    end
  end
  return tags, is_new
end

--- What Git has done to the branches of a folder since it was last looked at: a list of { branch, after (nil: it is deleted) }. The objects and the
-- tags that came with it are taken over.
function folders.news(tenant, repository)
  if not are_wanted(tenant) then
    return {}
  end
  local folder = folder_of(tenant, repository)
  local present = store.sound(folder:references())
  local news, tags, is_tagged = moved_branches(repository, present), tags_of(repository, present)
  if news[1] or is_tagged then
    store.sound(store.objects(repository):take(folder))
  end
  repository.private.tags = tags
  return news
end

-- ---- all of them ----

--- Makes the folder of repositories, and removes those that an emulator has left there. Raises a sentence if the folder cannot be used.
function folders.begin(emulator)
  local options = emulator.options
  if not options.repositories then
    return
  end
  local ok, git = pcall(store.module)
  if not ok then
    error(git.details.message, 0)
  end
  local directory, problem = git.folder(options.repositories)
  if not directory then
    error(("the emulator's repositories cannot be kept in %s: %s"):format(options.repositories, problem), 0)
  end
  options.repositories = directory
  for _, place in ipairs { options.repositories, options.repositories .. LIVE } do
    for _, path in ipairs(git.list(place)) do
      store.sound(git.remove(path))
    end
  end
end

--- Makes the folders anew, of all repositories: after a state was restored.
function folders.restore(emulator)
  folders.begin(emulator)
  for _, tenant in pairs(emulator.options.repositories and emulator.tenants or {}) do
    for repository in tenant.things.repository.all:walk() do
      folders.publish(tenant, repository)
    end
  end
end

return folders

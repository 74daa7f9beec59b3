--- contract 2.7
local actions = require "gitdev.emulator.git.actions"
local commits = require "gitdev.emulator.git.commits"
local comparison = require "gitdev.emulator.git.comparison"
local core = require "gitdev.core"
local folders = require "gitdev.emulator.git.folders"
local push = require "gitdev.emulator.git.push"
local refs = require "gitdev.emulator.git.refs"
local refusal = require "gitdev.emulator.refusal"
local repositories = require "gitdev.emulator.git.repositories"
local store = require "gitdev.emulator.git.store"
local text = require "gitdev.emulator.git.text"
local trees = require "gitdev.emulator.git.trees"

local function unprocessable(code, param, message)
  refusal.unprocessable { { code = code, param = param, message = param .. ": " .. message } }
end

-- ---- repositories ----

-- Where a repository is named, its id and its name are both accepted (contract 1.2): no name may look like an id.
local function is_reserved(name)
  return name:lower():find "%.git$" or #name == 17 and name:find "^repo_[0-9a-z]+$"
end

-- Refuses a name that is reserved, or that another repository than `itself` has.
local function check_name(call, name, itself)
  if is_reserved(name) then
    unprocessable("name_reserved", "name", ("%s is a name that the platform keeps for itself."):format(name))
  end
  local other = call.tenant.things.repository:find("name", name)
  if other and other ~= itself then
    refusal.raise("already_exists", { param = "name", message = ('There is a repository with the name "%s".'):format(name) })
  end
end

local function check_branch_name(param, name)
  if not refs.is_name(name) then
    unprocessable("parameter_invalid", param, "Git takes no such name for a branch: see git check-ref-format.")
  end
end

local function list(call)
  local query = call.query
  local where, wanted = { visibility = query.visibility, archived = query.archived }, query.search and query.search:lower()
  return call:page(call.tenant.things.repository, where, wanted and function(repository)
    return repository.name:lower():find(wanted, 1, true) or (repository.description or ""):lower():find(wanted, 1, true)
  end)
end

-- Who commits where nobody is named.
local function committer(tenant)
  local organization = tenant.organization
  return { name = organization.name, email = organization.slug .. "@users.git.dev", at = tenant:seconds() }
end

local function write_commit(tenant, repository, tree, parent, message, author)
  local objects, by = store.objects(repository), committer(tenant)
  local sha = store.sound(objects:write_commit {
    tree = tree,
    parents = { parent },
    message = message,
    author = author and { name = author.name, email = author.email, at = by.at } or by,
    committer = by,
  })
  return store.sound(objects:commit(sha))
end

local function readme(repository)
  local about = repository.description and "\n" .. repository.description .. "\n" or ""
  return { { action = "create", path = "README.md", content = "# " .. repository.name .. "\n" .. about } }
end

local function create(call)
  local body, tenant = call.body, call.tenant
  check_name(call, body.name)
  if body.init or body.default_branch ~= "main" then
    check_branch_name("default_branch", body.default_branch)
  end
  local repository = repositories.new(tenant, body)
  local tree = body.init and actions(store.objects(repository), nil, readme(repository))
  repositories.store(tenant, repository)
  tenant:emit("repository.created", repository, { repository = repository.name })
  if tree then
    local commit = write_commit(tenant, repository, tree, nil, "Initial commit")
    push.commit(tenant, repository, repository.default_branch, commit)
  end
  return repository
end

-- What a merge of the body changes: field -> new value (core.null: none).
local function changes_of(call, repository)
  local changes = {}
  for _, field in ipairs(call.operation.body.names) do
    local value, present = call.body[field], repository[field]
    if value ~= nil and value ~= (present == nil and core.null or present) then
      changes[field] = value
    end
  end
  return changes
end

local function update(call)
  local repository, tenant = call.things.repository, call.tenant
  local changes, name = changes_of(call, repository), repository.name
  if changes.name then
    check_name(call, changes.name, repository)
    for field, value in pairs(repositories.addresses(tenant, changes.name)) do
      changes[field] = value
    end
  end
  if changes.default_branch and not refs.branch(repository, changes.default_branch) then
    unprocessable("resource_missing", "default_branch", ('the repository has no branch "%s".'):format(changes.default_branch))
  end
  if next(changes) == nil then
    return repository
  end
  changes.updated_at = tenant:seconds()
  tenant:set(repository, changes)
  if changes.name then
    folders.rename(tenant, repository, name)
  end
  if changes.default_branch then
    refs.mark_default(repository)
    folders.publish(tenant, repository)
  end
  tenant:emit("repository.updated", repository, { repository = repository.name })
  return repository
end

local function delete(call)
  local repository, tenant = call.things.repository, call.tenant
  if tenant.things.project:list("repository_id", repository.id)[1] then
    refusal.raise("resource_in_use", { message = "A project is built from this repository: unlink it first." })
  end
  tenant.things.repository:remove(repository)
  folders.remove(tenant, repository)
  tenant:emit("repository.deleted", repository, { repository = repository.name })
end

-- ---- commits by name ----

-- The commit that a query names, in a repository that may have none at all.
local function named_commit(repository, param, reference)
  local sha = refs.resolve(repository, reference)
  if not sha then
    local message = ('%s: the repository has no branch, tag or commit "%s".'):format(param, reference)
    refusal.raise("resource_missing", { status = 404, param = param, message = message })
  end
  return sha
end

-- The commit to read at: the one that the query names, or else the default branch's. Nil where the repository is empty and none is
-- named.
local function commit_to_read(repository, reference)
  if not reference and repository.empty then
    return nil
  end
  return named_commit(repository, "ref", reference or repository.default_branch)
end

-- ---- branches ----

local function list_branches(call)
  local query, repository = call.query, call.things.repository
  local wanted = query.search and query.search:lower()
  return call:page(refs.view(repository), { protected = query.protected }, wanted and function(branch)
    return branch.name:lower():find(wanted, 1, true)
  end)
end

local function refuse_obstacle(param, branch, name)
  local message = branch.name == name and 'There is a branch "%s".'
    or 'There is a branch "%s": Git keeps branches as files, and none can be both a file and a directory.'
  refusal.raise("already_exists", { param = param, message = message:format(branch.name) })
end

local function create_branch(call)
  local body, repository = call.body, call.things.repository
  check_branch_name("name", body.name)
  local other = refs.branch(repository, body.name) or refs.obstacle(repository, body.name)
  if other then
    refuse_obstacle("name", other, body.name)
  end
  local sha = refs.resolve(repository, body.from)
  if not sha then
    unprocessable("resource_missing", "from", ('the repository has no branch or commit "%s".'):format(body.from))
  end
  return push.open(call.tenant, repository, body.name, sha, body.protected)
end

local function refuse_protected(branch)
  refusal.raise("branch_protected", { message = ("The branch %s is protected."):format(branch.name) })
end

local function delete_branch(call)
  local branch = call.things.branch
  if branch.protected then
    refuse_protected(branch)
  elseif branch.default then
    refusal.raise("resource_in_use", { message = "This is the default branch: make another one the default first." })
  end
  push.delete(call.tenant, call.things.repository, branch)
end

-- ---- commits ----

local function refuse_empty(repository)
  if repository.empty then
    refusal.raise("invalid_state", {
      message = "The repository is empty: it has no commits yet.",
      current_status = "empty",
      allowed_statuses = { "not_empty" },
    })
  end
end

local function list_commits(call)
  local repository = call.things.repository
  refuse_empty(repository)
  return commits.page(call, repository, function()
    return commit_to_read(repository, call.query.ref)
  end)
end

-- The commit that a new one on `name` follows; nil: it is the first of all.
local function parent_of(repository, name, start_ref)
  local branch = refs.branch(repository, name)
  if branch then
    if start_ref then
      unprocessable("parameter_invalid", "start_ref", ('the branch "%s" is there: leave start_ref out to commit to it.'):format(name))
    end
    return branch.commit_sha
  end
  local other = refs.obstacle(repository, name)
  if other then
    refuse_obstacle("branch", other, name)
  elseif repository.empty and not start_ref then
    return nil
  elseif not start_ref then
    unprocessable("resource_missing", "branch", ('there is no branch "%s"; start_ref opens one.'):format(name))
  end
  local sha = refs.resolve(repository, start_ref)
  if not sha then
    unprocessable("resource_missing", "start_ref", ('the repository has no branch, tag or commit "%s".'):format(start_ref))
  end
  return sha
end

local function check_writable(repository, name)
  local branch = refs.branch(repository, name)
  if repository.archived then
    refusal.raise("repository_archived", { message = "The repository is archived: it takes no commits." })
  elseif branch and branch.protected then
    refuse_protected(branch)
  end
end

local function check_head(expected, head)
  if expected and expected ~= head then
    local message = head and "The branch is at %s now." or "The branch has no commit yet."
    refusal.raise("head_moved", { param = "expected_head", message = message:format(head), head_sha = head })
  end
end

local function create_commit(call)
  local body, repository, tenant = call.body, call.things.repository, call.tenant
  check_writable(repository, body.branch)
  check_branch_name("branch", body.branch)
  local parent = parent_of(repository, body.branch, body.start_ref)
  check_head(body.expected_head, parent)
  local objects = store.objects(repository)
  local tree = actions(objects, parent and store.sound(objects:commit(parent)).tree_sha, body.actions)
  local commit = write_commit(tenant, repository, tree, parent, body.message, body.author)
  push.commit(tenant, repository, body.branch, commit)
  return text.commit(commit)
end

local function get_commit(call)
  local repository = call.things.repository
  local sha = refs.commit(repository, call.path.sha)
  if not sha then
    refusal.raise("resource_missing", { status = 404, message = "There is no such commit." })
  end
  return commits.detailed(repository, sha)
end

-- ---- trees, files, comparisons ----

local function list_tree(call)
  local repository = call.things.repository
  return trees.page(call, repository, function()
    return commit_to_read(repository, call.query.ref)
  end)
end

local function get_file(call)
  local repository, ref = call.things.repository, call.query.ref
  return trees.file(repository, commit_to_read(repository, ref), call.path.path, ref or repository.default_branch)
end

local function compare(call)
  local repository, found, faults = call.things.repository, {}, {}
  for _, param in ipairs { "base", "head" } do
    local reference = call.query[param]
    found[param] = refs.resolve(repository, reference)
    if not found[param] then
      local message = ('%s: the repository has no branch, tag or commit "%s".'):format(param, reference)
      faults[#faults + 1] = { code = "resource_missing", param = param, message = message }
    end
  end
  if faults[1] then
    refusal.unprocessable(faults)
  end
  return comparison(repository, found.base, found.head)
end

return {
  collections = {
    repository = { unique = { "name" } },
  },
  find = {
    repository = function(call, reference)
      local things = call.tenant.things.repository
      local repository = things:get(reference) or things:find("name", reference)
      if repository then
        push.absorb(call.tenant, repository)
      end
      return repository
    end,
    branch = function(call, name)
      return refs.branch(call.things.repository, name)
    end,
  },
  operations = {
    ["repositories.list"] = list,
    ["repositories.create"] = create,
    ["repositories.get"] = function(call)
      return call.things.repository
    end,
    ["repositories.update"] = update,
    ["repositories.delete"] = delete,
    ["repositories.branches.list"] = list_branches,
    ["repositories.branches.create"] = create_branch,
    ["repositories.branches.get"] = function(call)
      return call.things.branch
    end,
    ["repositories.branches.delete"] = delete_branch,
    ["repositories.commits.list"] = list_commits,
    ["repositories.commits.create"] = create_commit,
    ["repositories.commits.get"] = get_commit,
    ["repositories.tree.list"] = list_tree,
    ["repositories.files.get"] = get_file,
    ["repositories.compare.get"] = compare,
  },
}

--- What moves a branch, and tells of it (contract 4.3): commits over the API, branches that come and go, and what Git pushed into a folder.
local folders = require "gitdev.emulator.git.folders"
local limits = require "gitdev.api.limits"
local refs = require "gitdev.emulator.git.refs"
local store = require "gitdev.emulator.git.store"
local text = require "gitdev.emulator.git.text"

local NOWHERE = ("0"):rep(40)

local push = {}

local function as_pushed(commit)
  commit = text.commit(commit)
  return { sha = commit.sha, message = commit.message, author = commit.author }
end

-- The commits that a branch gains between two of its places: the newest of them, how many there are, and whether it lost some.
local function gained(repository, before, after)
  local objects = store.objects(repository)
  local ahead, behind = store.sound(objects:ahead_behind(before, after))
  return store.sound(objects:range(before, after, limits.git.pushed_commits)), ahead, behind > 0
end

local function tell(tenant, repository, branch, before, after, commits, total, forced)
  local list = {}
  for index, commit in ipairs(commits) do
    list[index] = as_pushed(commit)
  end
  tenant:emit("repository.pushed", repository, {
    repository = repository.name,
    branch = branch,
    before = before or NOWHERE,
    after = after or NOWHERE,
    forced = forced,
    created = before == nil,
    deleted = after == nil,
    commits = list,
    total_commits = total,
  })
end

local function note(tenant, repository)
  tenant:set(repository, {
    empty = refs.each(repository)() == nil,
    pushed_at = tenant:seconds(),
    size_bytes = store.objects(repository):size(),
  })
end

-- Moves the branch `name` to `after`, of which `commits` are the newest of the `total` that are new there.
local function move(tenant, repository, name, after, commits, total, forced)
  local branch = refs.branch(repository, name)
  local before = branch and branch.commit_sha
  local moved = refs.put(repository, name, after, tenant:seconds())
  note(tenant, repository)
  folders.publish(tenant, repository)
  tell(tenant, repository, name, before, after, commits, total, forced)
  return moved
end

--- Puts a new commit at the end of a branch, which need not be there yet.
function push.commit(tenant, repository, name, commit)
  return move(tenant, repository, name, commit.sha, { commit }, 1, false)
end

--- Opens a branch at a commit that is there. Returns it.
function push.open(tenant, repository, name, sha, is_protected)
  local branch = refs.put(repository, name, sha, tenant:seconds())
  branch.protected = is_protected
  note(tenant, repository)
  folders.publish(tenant, repository)
  tell(tenant, repository, name, nil, sha, {}, 0, false)
  return branch
end

--- Deletes a branch.
function push.delete(tenant, repository, branch)
  refs.remove(repository, branch.name)
  note(tenant, repository)
  folders.publish(tenant, repository)
  tell(tenant, repository, branch.name, branch.commit_sha, nil, {}, 0, false)
end

-- The commits that Git pushed onto a branch; one that is new has gained what the default branch has not.
local function take_over(tenant, repository, one)
  local branch = refs.branch(repository, one.branch)
  if not one.after then
    return push.delete(tenant, repository, branch)
  end
  local base = branch or refs.branch(repository, repository.default_branch)
  if base then
    local commits, total, forced = gained(repository, base.commit_sha, one.after)
    return move(tenant, repository, one.branch, one.after, commits, total, branch ~= nil and forced)
  end
  local commits = store.sound(store.objects(repository):log(one.after, {}))
  local total = #commits
  while #commits > limits.git.pushed_commits do
    commits[#commits] = nil
  end
  return move(tenant, repository, one.branch, one.after, commits, total, false)
end

--- Takes over what Git has pushed into the repository's folder.
function push.absorb(tenant, repository)
  local ok, news = pcall(folders.news, tenant, repository)
  if not ok then
    tenant.emulator.options.on_error("repositories: " .. tostring(news))
    return
  end
  for _, one in ipairs(news) do
    take_over(tenant, repository, one)
  end
end

return push

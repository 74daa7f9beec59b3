--- The names of commits in a repository: branches, tags, and ids. Branches are things of their own, kept by name in `private.branches`; tags,
-- which come only from outside, in `private.tags` (name -> commit id).
local formats = require "gitdev.api.formats"
local limits = require "gitdev.api.limits"
local series = require "gitdev.emulator.store.series"
local store = require "gitdev.emulator.git.store"

local refs = {}

--- The names of a new repository: its first branches, branch -> commit id, all of them moved at `now`.
function refs.begin(repository, heads, now)
  repository.private.branches, repository.private.tags = series.new(), {}
  for name, sha in pairs(heads) do
    refs.put(repository, name, sha, now)
  end
end

--- A branch, or nil.
function refs.branch(repository, name)
  return repository.private.branches:at(name)
end

--- An iterator over the branches, by name.
function refs.each(repository)
  return repository.private.branches:walk()
end

--- Makes or moves a branch. Returns it.
function refs.put(repository, name, sha, now)
  local branch = refs.branch(repository, name)
  if not branch then
    branch = {
      object = "branch",
      name = name,
      protected = false,
      default = name == repository.default_branch,
      private = { key = name },
    }
    repository.private.branches:put(name, branch)
  end
  branch.commit_sha, branch.updated_at, branch.private.encoded = sha, now, nil
  return branch
end

function refs.remove(repository, name)
  repository.private.branches:remove(name)
end

--- Has the branches know which of them is the default one.
function refs.mark_default(repository)
  for branch in refs.each(repository) do
    branch.default, branch.private.encoded = branch.name == repository.default_branch, nil
  end
end

--- The branches as paging takes a collection.
function refs.view(repository)
  return {
    key = true,
    narrow = function()
      return repository.private.branches
    end,
  }
end

--- A branch that leaves no room for one of that name: Git keeps branches as files, so that none can stand where another has a directory. Nil
-- if there is none.
function refs.obstacle(repository, name)
  for place in name:gmatch "()/" do
    local above = refs.branch(repository, name:sub(1, place - 1))
    if above then
      return above
    end
  end
  local below = repository.private.branches:walk(name .. "/")()
  return below and below.name:sub(1, #name + 1) == name .. "/" and below or nil
end

-- What Git takes for the commit that is checked out.
local CHECKED_OUT = { HEAD = true, ["@"] = true }

--- Whether Git takes a text for a branch's name, and the API too.
function refs.is_name(name)
  return #name <= formats.branch_name.max_bytes and not CHECKED_OUT[name] and store.module().valid_branch(name)
end

local function commit_of(repository, text)
  local digits = #text >= limits.git.sha_digits and text:find "^[0-9a-f]+$"
  return digits and store.objects(repository):commit_id(text) or nil
end

--- The id of the commit that a text names: a branch, a tag, or a commit's id of which the first seven digits are enough, in this order. Nil if it
-- names none.
function refs.resolve(repository, text)
  local branch = refs.branch(repository, text)
  if branch then
    return branch.commit_sha
  end
  return repository.private.tags[text] or commit_of(repository, text)
end

--- The id of the commit that a text names by itself.
refs.commit = commit_of

return refs

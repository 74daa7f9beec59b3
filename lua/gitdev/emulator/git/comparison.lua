--- How two commits stand to each other (contract 2.7).
local changes = require "gitdev.emulator.git.changes"
local limits = require "gitdev.api.limits"
local store = require "gitdev.emulator.git.store"
local text = require "gitdev.emulator.git.text"

local function status_of(ahead, behind)
  if ahead > 0 and behind > 0 then
    return "diverged"
  elseif ahead > 0 then
    return "ahead"
  end
  return behind > 0 and "behind" or "identical"
end

--- The comparison of two commits, by their ids: what `head` has that `base` has not. The files are those that changed since the two
-- parted; where they have no commit in common, since `base`.
return function(repository, base, head)
  local objects = store.objects(repository)
  local ahead, behind = store.sound(objects:ahead_behind(base, head))
  local merge_base = store.sound(objects:merge_base(base, head))
  local commits = {}
  for index, commit in ipairs(store.sound(objects:range(base, head, limits.git.compare_commits))) do
    commits[index] = text.commit(commit)
  end
  local files, stats = changes.between(repository, merge_base or base, head, limits.git.compare_files)
  return {
    object = "comparison",
    base_sha = base,
    head_sha = head,
    merge_base_sha = merge_base,
    status = status_of(ahead, behind),
    ahead_by = ahead,
    behind_by = behind,
    commits = commits,
    files = files,
    truncated = ahead > #commits or stats.files > #files,
  }
end

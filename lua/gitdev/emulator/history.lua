--- What the rest of the emulator asks of a repository's history: where a branch stands, and what a commit says.
local history = {}

--- The id of a branch's newest commit, or nil. `repository`: nil has no branches.
function history.head(repository, branch)
  return repository and repository.private.heads[branch]
end

--- A commit as { sha, message }, or nil.
function history.commit(repository, sha)
  return repository and repository.private.commits[sha]
end

return history

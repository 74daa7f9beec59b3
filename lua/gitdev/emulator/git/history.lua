--- What the rest of the emulator asks of a repository's history: where a branch stands, and what a commit says.
local beginning = require "gitdev.emulator.git.beginning"
local refs = require "gitdev.emulator.git.refs"
local text = require "gitdev.emulator.git.text"

local history = {}

--- The id of a branch's newest commit, or nil. `repository`: nil has no branches.
function history.head(repository, branch)
  local found = repository and refs.branch(repository, branch)
  return found and found.commit_sha
end

--- A commit as { sha, message }, or nil. `sha`: all 40 digits. What a repository began with is known without a look at its objects.
function history.commit(repository, sha)
  if not (repository and sha) then
    return nil
  end
  local private = repository.private
  local message = private.begun and beginning.of(private.begun.name, private.begun.branches).messages[sha]
  if not message and private.objects then
    local commit = private.objects:commit(sha)
    message = commit and text.clean(commit.message)
  end
  return message and { sha = sha, message = message }
end

return history

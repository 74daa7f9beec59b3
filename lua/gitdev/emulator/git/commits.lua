--- Commits as the API shows them (contract 2.7): lists of them, and single ones.
local changes = require "gitdev.emulator.git.changes"
local limits = require "gitdev.api.limits"
local paging = require "gitdev.emulator.request.paging"
local store = require "gitdev.emulator.git.store"
local text = require "gitdev.emulator.git.text"

-- A page looks at no more commits than this: under a filter that little matches it comes out short, with has_more true.
local SCAN_MAX = 2000

local commits = {}

-- A cursor holds the commit that the list began at, so that a branch which moves meanwhile moves nothing here, and the last one looked at. "l":
-- history was a line so far, so that the last one alone leads to all the rest.
local function read_cursor(call, binding)
  local cursor = call.query.cursor
  if not cursor then
    return nil
  end
  local kind, from, after = call.emulator.cursors:read(cursor, { binding }):match "^(%l)(%x+) (%x+)$"
  return { is_line = kind == "l", from = from, after = after }
end

local function make_cursor(call, binding, from, last, is_line)
  return last and call.emulator.cursors:make(binding, ("%s%s %s"):format(is_line and "l" or "g", from, last))
end

--- One page of the commits that lead to what `start()` answers, a commit's id; it is asked on the first page alone.
function commits.page(call, repository, start)
  local query, binding = call.query, paging.binding(call)
  local reversed = query.order == "asc"
  local place = read_cursor(call, binding)
  local from, was_line = place and place.from or start(), not place or place.is_line
  local options = {
    limit = query.limit,
    scan = SCAN_MAX,
    reversed = reversed,
    after = place and place.after,
    path = query.path,
    author = query.author,
    since = query.since,
    ["until"] = query["until"],
  }
  local walked = place and was_line and not reversed and place.after or from
  local found, last, merged = store.sound(store.objects(repository):log(walked, options))
  local data = {}
  for index, commit in ipairs(found) do
    data[index] = text.commit(commit)
  end
  return { data = data, next_cursor = make_cursor(call, binding, from, last, was_line and not merged) }
end

--- A commit with its size and its files.
function commits.detailed(repository, sha)
  local commit = text.commit(store.sound(store.objects(repository):commit(sha)))
  commit.files, commit.stats = changes.between(repository, commit.parents[1], sha, limits.git.commit_files)
  return commit
end

return commits

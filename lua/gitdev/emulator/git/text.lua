--- Git keeps bytes; JSON wants UTF-8. What came by way of the API is UTF-8 already, what Git pushed into a folder need not be.
local core = require "gitdev.core"

local REPLACEMENT = "\239\191\189" -- U+FFFD

local text = {}

--- The text with each byte that is no UTF-8 replaced.
function text.clean(bytes)
  local valid, offset = core.utf8(bytes)
  if valid then
    return bytes
  end
  local parts = {}
  while not valid do
    parts[#parts + 1] = bytes:sub(1, offset - 1) .. REPLACEMENT
    bytes = bytes:sub(offset + 1)
    valid, offset = core.utf8(bytes)
  end
  return table.concat(parts) .. bytes
end

local function person(who)
  return { name = text.clean(who.name), email = text.clean(who.email), at = who.at }
end

--- A commit of gitdev.git as the contract has it, but for stats and files.
function text.commit(commit)
  return {
    object = "commit",
    sha = commit.sha,
    tree_sha = commit.tree_sha,
    parents = commit.parents,
    message = text.clean(commit.message),
    author = person(commit.author),
    committer = person(commit.committer),
  }
end

return text

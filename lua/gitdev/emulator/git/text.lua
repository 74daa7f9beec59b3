--- Git keeps bytes; JSON wants UTF-8. What came by way of the API is UTF-8 already, what Git pushed into a folder need not be.
local core = require "gitdev.core"

local REPLACEMENT = "\239\191\189" -- U+FFFD

local text = {}

-- How many bytes the character at a byte beyond ASCII has; nil if there is none.
local function length_at(bytes, at)
  for length = 2, 4 do
    if at + length - 1 <= #bytes and core.utf8(bytes:sub(at, at + length - 1)) then
      return length
    end
  end
  return nil
end

--- The text with each byte that is no UTF-8 replaced.
function text.clean(bytes)
  if core.utf8(bytes) then
    return bytes
  end
  local parts, at, beyond = {}, 1, bytes:find "[\128-\255]"
  while beyond do
    local length = length_at(bytes, beyond)
    parts[#parts + 1] = bytes:sub(at, beyond - 1)
    parts[#parts + 1] = length and bytes:sub(beyond, beyond + length - 1) or REPLACEMENT
    at = beyond + (length or 1)
    beyond = bytes:find("[\128-\255]", at)
  end
  return table.concat(parts) .. bytes:sub(at)
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

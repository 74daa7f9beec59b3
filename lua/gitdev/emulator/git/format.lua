--- Git's objects as bytes, in Lua alone: what a repository begins with is known before libgit2 is needed, if it ever is.
local core = require "gitdev.core"

local format = {}

--- The id of an object: `kind` "blob", "tree" or "commit".
function format.id(kind, bytes)
  return core.sha1(kind .. " " .. #bytes .. "\0" .. bytes)
end

local function raw(id)
  return (id:gsub("%x%x", function(digits)
    return string.char(tonumber(digits, 16))
  end))
end

-- Git sorts a directory as if its name ended with a slash.
local function sort_key(entry)
  return entry.mode == "40000" and entry.name .. "/" or entry.name
end

--- A tree's bytes. `entries`: a list of { name, mode ("100644", "40000", …), id }.
function format.tree(entries)
  local sorted, parts = {}, {}
  for index, entry in ipairs(entries) do
    sorted[index] = entry
  end
  table.sort(sorted, function(a, b)
    return sort_key(a) < sort_key(b)
  end)
  for index, entry in ipairs(sorted) do
    parts[index] = entry.mode .. " " .. entry.name .. "\0" .. raw(entry.id)
  end
  return table.concat(parts)
end

local function person(who)
  return ("%s <%s> %d +0000"):format(who.name, who.email, who.at)
end

--- A commit's bytes. `commit`: tree, parents, message, author, committer, the two as { name, email, at }.
function format.commit(commit)
  local lines = { "tree " .. commit.tree }
  for _, parent in ipairs(commit.parents) do
    lines[#lines + 1] = "parent " .. parent
  end
  lines[#lines + 1] = "author " .. person(commit.author)
  lines[#lines + 1] = "committer " .. person(commit.committer)
  return table.concat(lines, "\n") .. "\n\n" .. commit.message
end

return format

--- Names that some file system takes for `.git`, which no repository may hold: Git refuses to check them out, and its fsck calls them errors.

-- Characters that HFS+ looks past.
local IGNORED = {}
for _, range in ipairs { { 0x8C, 0x8F, "\226\128" }, { 0xAA, 0xAE, "\226\128" }, { 0xAA, 0xAF, "\226\129" } } do
  for byte = range[1], range[2] do
    IGNORED[#IGNORED + 1] = range[3] .. string.char(byte)
  end
end
IGNORED[#IGNORED + 1] = "\239\187\191"

local function without_ignored(name)
  if name:find "[\226\239]" then
    for _, character in ipairs(IGNORED) do
      name = name:gsub(character, "")
    end
  end
  return name
end

-- NTFS drops blanks and dots at the end and what follows a colon, and knows a short name for it.
local function is_dotgit(name)
  name = name:lower()
  local plain = name:match "^[^:]*":gsub("[ .]+$", "")
  return plain == ".git" or plain == "git~1" or without_ignored(name) == ".git"
end

--- Whether a part of `path` is such a name. NTFS divides by backslashes too.
return function(path)
  if not path:lower():find("git", 1, true) and not path:find "[\226\239]" then
    return false
  end
  for part in path:gmatch "[^/\\]+" do
    if is_dotgit(part) then
      return true
    end
  end
  return false
end

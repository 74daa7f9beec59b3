--- Globs over branch names (contract 2.8): `*` stands for any text without a slash, `**` for any text, `?` for one character but a slash;
-- everything else stands for itself. A glob fits whole names only.
local branch_glob = {}

-- One character of UTF-8 that is no slash.
local ONE = "[^/\128-\191][\128-\191]*"

-- A glob as a list of parts: a plain text, or the pattern of what a wildcard may take.
local function parts_of(glob)
  local parts, at = {}, 1
  while at <= #glob do
    local plain = glob:match("^[^*?]+", at)
    local stars = glob:match("^%*+", at)
    local taken = plain or stars or "?"
    parts[#parts + 1] = plain and { text = plain } or stars and { many = true, deep = #stars > 1 } or { one = true }
    at = at + #taken
  end
  return parts
end

-- The places where a match of the parts read so far may end. Keeping them as a set makes the work grow with glob times name at worst,
-- whatever the glob is.
local function advance(places, part, name)
  local after = {}
  for place = 1, #name + 1 do
    if places[place] then
      if part.text and name:sub(place, place + #part.text - 1) == part.text then
        after[place + #part.text] = true
      elseif part.one then
        local _, last = name:find("^" .. ONE, place)
        if last then
          after[last + 1] = true
        end
      elseif part.many then
        after[place] = true
        if place <= #name and (part.deep or name:sub(place, place) ~= "/") then
          places[place + 1] = true
        end
      end
    end
  end
  return after
end

--- Whether a branch's name fits a glob.
function branch_glob.matches(glob, name)
  local places = { true }
  for _, part in ipairs(parts_of(glob)) do
    places = advance(places, part, name)
  end
  return places[#name + 1] or false
end

--- Whether it fits one of several.
function branch_glob.matches_any(globs, name)
  for _, glob in ipairs(globs) do
    if branch_glob.matches(glob, name) then
      return true
    end
  end
  return false
end

return branch_glob

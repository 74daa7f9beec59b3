-- The known name that someone who wrote an unknown one probably meant.
local nearest = {}

-- How many letters must be added, dropped, changed or swapped with their neighbour to make `a` into `b`.
local function distance(a, b)
  local before, last = {}, {}
  for j = 0, #b do
    last[j] = j
  end
  for i = 1, #a do
    local row = { [0] = i }
    for j = 1, #b do
      local same = a:byte(i) == b:byte(j)
      local least = math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (same and 0 or 1))
      if i > 1 and j > 1 and a:byte(i) == b:byte(j - 1) and a:byte(i - 1) == b:byte(j) then
        least = math.min(least, before[j - 2] + 1)
      end
      row[j] = least
    end
    before, last = last, row
  end
  return last[#b]
end

---The nearest of `names` to `wrong`, when it is near enough to be meant.
---@param wrong string
---@param names string[]
---@return string|nil
function nearest.of(wrong, names)
  if #wrong > 64 then
    return nil
  end
  local best, least = nil, math.max(1, math.floor(#wrong / 3)) + 1
  for _, name in ipairs(names) do
    local far = distance(wrong:lower(), name:lower())
    if far < least and far < #name then
      best, least = name, far
    end
  end
  return best
end

---The end of a sentence about an unknown name: `: did you mean "branch"?`, or what there is, or nothing.
---@param wrong string
---@param names string[]
---@return string
function nearest.hint(wrong, names)
  local near = nearest.of(wrong, names)
  if near then
    return ': did you mean "' .. near .. '"?'
  elseif #names == 0 then
    return ": there are none."
  end
  return ": known are " .. table.concat(names, ", ") .. "."
end

return nearest

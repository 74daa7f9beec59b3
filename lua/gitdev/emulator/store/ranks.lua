--- Places in an order that others can be put between, for ever: a thing keeps its rank when its neighbours come, go and move, so that
-- cursors which name a rank stay good (contract 1.6). A rank is a text of digits; ranks compare as texts, which is how they compare as the
-- decimal fractions that they can be read as. One before all or behind all costs no digit more, one between two adds one at times.
local WIDTH = 8
local MIDDLE = 5 * 10 ^ (WIDTH - 1)

local ranks = {}

local function beside(rank, step)
  return ("%0" .. WIDTH .. "d"):format(tonumber(rank:sub(1, WIDTH)) + step)
end

local function digit(text, at)
  return tonumber(text:sub(at, at)) or 0
end

-- Walks the digits of both until there is room for one between them. No rank ends in 0 behind its first digits, so there always is.
local function middle(low, high)
  local digits, at = {}, 1
  while true do
    local a, b = digit(low, at), high and digit(high, at) or 10
    if b - a > 1 then
      digits[at] = math.floor((a + b) / 2)
      return table.concat(digits)
    end
    digits[at] = a
    high = b == a and high or nil
    at = at + 1
  end
end

--- A rank behind `low` and before `high`; nil for either means that there is none.
function ranks.between(low, high)
  if low and high then
    return middle(low, high)
  elseif low then
    return beside(low, 1)
  elseif high then
    return beside(high, -1)
  end
  return ("%d"):format(MIDDLE)
end

return ranks

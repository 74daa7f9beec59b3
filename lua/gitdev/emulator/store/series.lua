--- Rows kept in the order of a key (a number or a text), for keyset paging: a page starts at a key, not at a position,
-- so rows that come and go meanwhile neither shift nor repeat the others (contract 1.6).
--
-- Finding a place costs a binary search. Rows nearly always arrive and leave at the young end, where that costs
-- nothing more; a row removed elsewhere leaves a hole, and the holes are closed when they outnumber the rows. Those before the
-- oldest row (`first`) are not walked over.
local series = {}
series.__index = series

function series.new()
  return setmetatable({ keys = {}, rows = {}, first = 1, size = 0, count = 0 }, series)
end

--- The first place whose key is not below `key`.
local function place(self, key)
  local keys, low, high = self.keys, self.first, self.size + 1
  while low < high do
    local middle = math.floor((low + high) / 2)
    if keys[middle] < key then
      low = middle + 1
    else
      high = middle
    end
  end
  return low
end

function series:put(key, row)
  local at = self.size + 1
  if self.size > 0 and self.keys[self.size] >= key then
    at = place(self, key)
  end
  if self.keys[at] == key then
    if not self.rows[at] then
      self.count = self.count + 1
    end
    self.rows[at] = row
    return
  end
  table.insert(self.keys, at, key)
  table.insert(self.rows, at, row)
  self.size = self.size + 1
  self.count = self.count + 1
end

local function close_holes(self)
  local keys, rows, size = {}, {}, 0
  for index = 1, self.size do
    if self.rows[index] then
      size = size + 1
      keys[size], rows[size] = self.keys[index], self.rows[index]
    end
  end
  self.keys, self.rows, self.first, self.size = keys, rows, 1, size
end

function series:remove(key)
  local at = place(self, key)
  if self.keys[at] ~= key or not self.rows[at] then
    return
  end
  self.rows[at] = false
  self.count = self.count - 1
  while self.size > 0 and not self.rows[self.size] do
    self.keys[self.size], self.rows[self.size] = nil, nil
    self.size = self.size - 1
  end
  while self.rows[self.first] == false do
    self.first = self.first + 1
  end
  self.first = self.size > 0 and self.first or 1
  if self.size > 32 and self.count * 2 < self.size then
    close_holes(self)
  end
end

--- The row of a key, or nil.
function series:at(key)
  local at = place(self, key)
  return self.keys[at] == key and self.rows[at] or nil
end

--- An iterator over the rows beyond `key` (all of them when `key` is nil), in falling or rising order of their keys.
-- The series must not be changed while it is walked.
function series:walk(key, descending)
  local step = descending and -1 or 1
  local at = descending and self.size or self.first
  if key ~= nil then
    at = place(self, key)
    if descending then
      at = at - 1
    elseif self.keys[at] == key then
      at = at + 1
    end
  end
  return function()
    while true do
      local row = self.rows[at]
      if row == nil or at < self.first then
        return nil
      end
      at = at + step
      if row then
        return row
      end
    end
  end
end

return series

-- What the stores of this library remember: ids that are marked until a time, and ids that are claimed. It has no clock of its own, and at
-- most `max` marks: then those go first that would end first.
local marks = {}
marks.__index = marks

-- So few claims, or ends that are none any more, are not worth tidying up for.
local IDLE_MIN = 64

---@param max integer
function marks.new(max)
  local self = { max = max, ends = {}, count = 0, claims = {}, claimed = 0, tidy_at = IDLE_MIN, size = 0, due = {}, ids = {} }
  return setmetatable(self, marks)
end

-- ---- a heap of marks by their end: two lists, since a table for each would take ten times the room ----

local function swap(self, a, b)
  local due, ids = self.due, self.ids
  due[a], due[b] = due[b], due[a]
  ids[a], ids[b] = ids[b], ids[a]
end

local function push(self, id, ends)
  local due, at = self.due, self.size + 1
  self.size, due[at], self.ids[at] = at, ends, id
  while at > 1 do
    local parent = (at - at % 2) / 2
    if due[parent] <= due[at] then
      return
    end
    swap(self, at, parent)
    at = parent
  end
end

local function pop(self)
  local due, size = self.due, self.size
  swap(self, 1, size)
  local id, ends, at = self.ids[size], due[size], 1
  due[size], self.ids[size] = nil, nil
  size = size - 1
  self.size = size
  while true do
    local least, child = at, at * 2
    if child <= size and due[child] < due[least] then
      least = child
    end
    if child < size and due[child + 1] < due[least] then
      least = child + 1
    end
    if least == at then
      return id, ends
    end
    swap(self, at, least)
    at = least
  end
end

-- Takes the mark that ends first off the heap; it is no more, unless it was made anew meanwhile.
local function drop_first(self)
  local id, ends = pop(self)
  if self.ends[id] == ends then
    self.ends[id] = nil
    self.count = self.count - 1
  end
end

-- ---- marks and claims ----

---Forgets what has ended.
function marks:prune(now)
  while self.size > 0 and self.due[1] <= now do
    drop_first(self)
  end
  if self.claimed >= self.tidy_at then
    for id, claim in pairs(self.claims) do
      if claim.ends <= now then
        self.claims[id], self.claimed = nil, self.claimed - 1
      end
    end
    self.tidy_at = math.max(IDLE_MIN, self.claimed * 2)
  end
end

---"done" or "claimed", or nil for an id that is neither.
function marks:state(id, now)
  local ends, claim = self.ends[id], self.claims[id]
  if ends and ends > now then
    return "done"
  end
  return claim and claim.ends > now and "claimed" or nil
end

-- A mark that is made to last longer leaves its earlier end on the heap.
local function tidy(self)
  if self.size > 2 * self.count + IDLE_MIN then
    self.size, self.due, self.ids = 0, {}, {}
    for id, ends in pairs(self.ends) do
      push(self, id, ends)
    end
  end
end

---Marks an id until `ends`, or for longer if it is marked already, and ends its claim.
---@param id string
---@param ends number
function marks:mark(id, ends)
  local before = self.ends[id]
  self:free(id)
  if before and before >= ends then
    return
  end
  self.count = self.count + (before and 0 or 1)
  self.ends[id] = ends
  push(self, id, ends)
  while self.count > self.max do
    drop_first(self)
  end
  tidy(self)
end

function marks:claim(id, ends, token)
  self.claimed = self.claimed + (self.claims[id] and 0 or 1)
  self.claims[id] = { ends = ends, token = token }
end

---Ends a claim: whoever's it is, if no token is given.
---@return boolean  whether there was one
function marks:free(id, token)
  local claim = self.claims[id]
  if not claim or token and claim.token ~= token then
    return false
  end
  self.claims[id], self.claimed = nil, self.claimed - 1
  return true
end

---Calls on_mark(id, ends) and on_claim(id, ends, token) for all that there are.
function marks:each(on_mark, on_claim)
  for id, ends in pairs(self.ends) do
    on_mark(id, ends)
  end
  for id, claim in pairs(self.claims) do
    on_claim(id, claim.ends, claim.token)
  end
end

return marks

--- What is due when: a binary heap of timers, over any clock. Timers due at the
-- same time fire in the order in which they were set, so that a run can be repeated.
local schedule = {}
schedule.__index = schedule

-- So many canceled timers are not worth tidying up for.
local IDLE_MIN = 32

function schedule.new()
  return setmetatable({ heap = {}, size = 0, set = 0, idle = 0 }, schedule)
end

local function before(a, b)
  if a.due ~= b.due then return a.due < b.due end
  return a.order < b.order
end

local function rise(heap, at)
  while at > 1 do
    local parent = math.floor(at / 2)
    if not before(heap[at], heap[parent]) then return end
    heap[at], heap[parent] = heap[parent], heap[at]
    at = parent
  end
end

local function sink(heap, size, at)
  while true do
    local least, child = at, at * 2
    if child <= size and before(heap[child], heap[least]) then least = child end
    if child < size and before(heap[child + 1], heap[least]) then least = child + 1 end
    if least == at then return end
    heap[at], heap[least] = heap[least], heap[at]
    at = least
  end
end

local function pop(self)
  local heap, top = self.heap, self.heap[1]
  heap[1] = heap[self.size]
  heap[self.size] = nil
  self.size = self.size - 1
  sink(heap, self.size, 1)
  if not top.action then self.idle = self.idle - 1 end
  top.owner = nil
  return top
end

-- Throws the canceled ones out.
local function tidy(self)
  local heap, kept = self.heap, 0
  for at = 1, self.size do
    local timer = heap[at]
    heap[at] = nil
    if timer.action then
      kept = kept + 1
      heap[kept] = timer
    end
  end
  self.size, self.idle = kept, 0
  for at = math.floor(kept / 2), 1, -1 do sink(heap, kept, at) end
end

--- Calls `action(subject)` when `due` has come. Returns the timer, for `cancel`.
function schedule:at(due, action, subject)
  -- Made first: a finalizer that runs meanwhile may set one, too.
  local timer = { due = due, order = 0, action = action, subject = subject, owner = self }
  self.set = self.set + 1
  self.size = self.size + 1
  timer.order, self.heap[self.size] = self.set, timer
  rise(self.heap, self.size)
  return timer
end

--- Makes `timer` (may be nil, may have fired) do nothing. It leaves the heap when it comes to the top, or when most there are canceled.
function schedule.cancel(_, timer)
  if not timer then return end
  local owner = timer.action and timer.owner
  timer.action, timer.subject = nil, nil
  if owner then
    owner.idle = owner.idle + 1
    if owner.idle > IDLE_MIN and owner.idle * 2 > owner.size then tidy(owner) end
  end
end

--- The time of the next timer, or nil.
function schedule:next_due()
  while self.size > 0 and not self.heap[1].action do pop(self) end
  return self.size > 0 and self.heap[1].due or nil
end

--- Removes and returns the next timer that is due at `now`, or nil. With `last`, a value that `set` had: none that was set later.
function schedule:take(now, last)
  local due = self:next_due()
  if due and due <= now and not (last and self.heap[1].order > last) then return pop(self) end
  return nil
end

return schedule

-- A line of things: first in, first out, with a way back to the front, and out of the middle. A thing stands in it once.
local queue = {}
queue.__index = queue

function queue.new()
  return setmetatable({ first = 1, last = 0, place = {} }, queue)
end

local function put(self, index, thing)
  self[index], self.place[thing] = thing, index
end

function queue:push(thing)
  self.last = self.last + 1
  put(self, self.last, thing)
end

function queue:push_front(thing)
  self.first = self.first - 1
  put(self, self.first, thing)
end

--- Removes and returns the first thing; nil when there is none.
function queue:pop()
  while self.first <= self.last do
    local thing = self[self.first]
    self[self.first] = nil
    self.first = self.first + 1
    if thing then
      self.place[thing] = nil
      return thing
    end
  end
  return nil
end

--- Takes a thing out, wherever it stands.
function queue:remove(thing)
  local index = self.place[thing]
  if index then
    self[index], self.place[thing] = false, nil -- a gap, which pop() passes over
  end
end

return queue

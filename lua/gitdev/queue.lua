-- A line of things: first in, first out, with a way back to the front, and out of the middle.
local queue = {}
queue.__index = queue

function queue.new()
  return setmetatable({ first = 1, last = 0 }, queue)
end

function queue:push(thing)
  self.last = self.last + 1
  self[self.last] = thing
end

function queue:push_front(thing)
  self.first = self.first - 1
  self[self.first] = thing
end

--- Removes and returns the first thing; nil when there is none.
function queue:pop()
  while self.first <= self.last do
    local thing = self[self.first]
    self[self.first] = nil
    self.first = self.first + 1
    if thing then
      return thing
    end
  end
  return nil
end

--- Takes a thing out, wherever it stands.
function queue:remove(thing)
  for i = self.first, self.last do
    if self[i] == thing then
      self[i] = false -- a gap, which pop() passes over
      return
    end
  end
end

return queue

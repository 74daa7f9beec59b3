-- What tasks and calls stand in: a line, and a heap of timers. Both are held against a plain list.
local queue = require "gitdev.queue"
local schedule = require "gitdev.schedule"

-- The same numbers in every run and in every Lua.
local function numbers(seed)
  return function(most)
    seed = (seed * 16807) % 2147483647
    return seed % most + 1
  end
end

local function position(list, thing)
  for index, one in ipairs(list) do
    if one == thing then
      return index
    end
  end
end

describe("a queue", function()
  it("is a line, with a way back to the front and out of the middle", function()
    local random, line, model = numbers(7), queue.new(), {}
    for name = 1, 20000 do
      local choice, thing = random(10), { name }
      if choice <= 4 then
        line:push(thing)
        model[#model + 1] = thing
      elseif choice <= 6 then
        line:push_front(thing)
        table.insert(model, 1, thing)
      elseif choice <= 8 and #model > 0 then
        line:remove(table.remove(model, random(#model)))
        line:remove(thing) -- one that does not stand there
      else
        assert.equal(table.remove(model, 1), line:pop())
      end
    end
    while #model > 0 do
      assert.equal(table.remove(model, 1), line:pop())
    end
    assert.is_nil(line:pop())
  end)

  it("takes one in again that has left", function()
    local line, thing, other = queue.new(), {}, {}
    for _ = 1, 3 do
      line:push(thing)
      line:push(other)
      line:remove(thing)
      line:push(thing)
      assert.equal(other, line:pop())
      assert.equal(thing, line:pop())
      assert.is_nil(line:pop())
    end
  end)
end)

describe("a schedule", function()
  local function earliest(model)
    local first
    for _, timer in ipairs(model) do
      if not first or timer.due < first.due or timer.due == first.due and timer.order < first.order then
        first = timer
      end
    end
    return first
  end

  it("gives what is due, in order, and forgets what was canceled", function()
    local random, timers, model = numbers(11), schedule.new(), {}
    local most = 0
    for name = 1, 5000 do
      local choice = random(10)
      if choice <= 5 then
        model[#model + 1] = timers:at(random(50) + name / 50, function() end, name)
      elseif choice <= 9 and #model > 0 then
        local timer = table.remove(model, random(#model))
        timers:cancel(timer)
        timers:cancel(timer)
      else
        local first = earliest(model)
        assert.equal(first and first.due, timers:next_due())
        assert.is_nil(first and timers:take(first.due - 0.001))
        assert.equal(first, timers:take(1e9))
        table.remove(model, position(model, first) or #model + 1)
        timers:cancel(first) -- it has fired: that is nothing
      end
      most = math.max(most, timers.size - 2 * #model)
    end
    assert.is_true(most <= 40, most .. " canceled timers were kept beside as many as are set")
    timers:cancel(nil)
  end)

  it("fires those of one time in the order in which they were set", function()
    local timers, fired = schedule.new(), {}
    local canceled = {}
    for i = 1, 200 do
      local timer = timers:at(5, table.insert, i)
      if i % 4 ~= 0 then
        canceled[#canceled + 1] = timer
      end
    end
    for _, timer in ipairs(canceled) do
      timers:cancel(timer)
    end
    local timer = timers:take(5)
    while timer do
      timer.action(fired, timer.subject)
      timer = timers:take(5)
    end
    assert.equal(50, #fired)
    for i = 1, 50 do
      assert.equal(4 * i, fired[i])
    end
  end)
end)

-- Several things at once, and an end to them: all, race, timeout. Each runs its functions in tasks below one of its own, so that what it
-- began is over when it returns, however it returns.
local compat = require "gitdev.compat"
local errors = require "gitdev.error"
local loop = require "gitdev.loop"
local task = require "gitdev.task"

local scope = {}

local function check_functions(name, fns)
  if type(fns) ~= "table" then
    errors.misuse { message = name .. " takes a table of functions, { function() … end, … }, got a " .. type(fns) .. "." }
  end
  for key, fn in pairs(fns) do
    if type(fn) ~= "function" then
      errors.misuse { message = name .. " takes functions: what stands at " .. tostring(key) .. " is a " .. type(fn) .. "." }
    end
  end
end

local function comes_before(a, b)
  local is_number = type(a) == "number"
  if is_number ~= (type(b) == "number") then
    return is_number
  elseif is_number then
    return a < b
  end
  return tostring(a) < tostring(b)
end

-- The keys of a table, numbers first, then the others by their text: so tasks begin in an order that can be repeated.
local function ordered_keys(fns)
  local keys = {}
  for key in pairs(fns) do
    keys[#keys + 1] = key
  end
  table.sort(keys, comes_before)
  return keys
end

---Runs functions at once and waits for all of them. The first error cancels the others and is raised.
---@param fns table<any, fun(): any>
---@return table results  the first result of each, under its function's key
function scope.all(fns)
  check_functions("gitdev.all", fns)
  return loop.run(function()
    local results, tasks = {}, {}
    for _, key in ipairs(ordered_keys(fns)) do
      tasks[#tasks + 1] = { key = key, task = loop.spawn(fns[key]) }
    end
    for _, one in ipairs(tasks) do
      results[one.key] = one.task:wait()
    end
    return results
  end)
end

---Runs functions at once until the first has returned, or failed: the others are canceled. Raises what that first one raised.
---@param fns table<any, fun(): any>
---@return any result  the first result of the one that was first
---@return any key     its key
function scope.race(fns)
  check_functions("gitdev.race", fns)
  if next(fns) == nil then
    errors.misuse { message = "gitdev.race takes at least one function: of none, none is first." }
  end
  local winner
  return loop.run(function()
    local me, tasks = loop.current(), {}
    for index, key in ipairs(ordered_keys(fns)) do
      tasks[index] = loop.spawn(function()
        local result = fns[key]()
        if winner then
          return
        end
        winner = { key = key, result = result }
        for other, one in ipairs(tasks) do
          if other ~= index then
            task.dismiss(one)
          end
        end
        task.wake(me)
      end)
    end
    task.park(me)
    return winner.result, winner.key
  end)
end

local function cancel_late(waiting)
  waiting.task:cancel(waiting.reason)
end

---Calls fn(...) with so many seconds for all that it does: what it waits for then is taken back, and a timeout_error is raised.
---@param seconds number  0: no time is left, fn does not begin
---@param fn fun(...): any
---@return any ...  what fn returns
function scope.timeout(seconds, fn, ...)
  if type(seconds) ~= "number" or seconds ~= seconds or seconds < 0 or seconds == math.huge then
    errors.misuse { message = "gitdev.timeout takes a number of seconds from 0, and a function, got " .. tostring(seconds) .. "." }
  elseif type(fn) ~= "function" then
    errors.misuse { message = "gitdev.timeout takes a number of seconds and a function, gitdev.timeout(5, fn), got a " .. type(fn) .. "." }
  end
  local reason = errors.new {
    type = "timeout_error",
    code = "timeout",
    message = string.format("what had to be done within %g seconds took longer.", seconds),
    retryable = true,
  }
  return loop.run(function(...)
    local one = loop.spawn(fn, ...)
    if seconds == 0 then
      one:cancel(reason)
    end
    local timer = loop.schedule(loop.now() + seconds, cancel_late, { task = one, reason = reason })
    local function settle(ok, ...)
      loop.unschedule(timer)
      if not ok then
        error((...), 0)
      end
      return ...
    end
    return settle(compat.pcall(one.wait, one))
  end, ...)
end

return scope

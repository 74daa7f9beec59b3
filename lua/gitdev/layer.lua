-- The C client as other parts see it, with some of its methods made anew: layers that can stand on each other.
local layer = {}

---A C client some of whose methods are replaced.
---@param made table
---@param methods table<string, function>
---@return table
function layer.of(made, methods)
  return setmetatable(methods, {
    __index = function(_, name)
      return function(_, ...)
        return made[name](made, ...)
      end
    end,
  })
end

---On a driver's clock: calls are made, and limits are told, by its time.
---@param made table
---@param clock fun(): number
---@return table
function layer.on_clock(made, clock)
  return layer.of(made, {
    call = function(_, method, path, body, key, headers, timeout, max_retries, _, rarer)
      return made:call(method, path, body, key, headers, timeout, max_retries, clock(), rarer)
    end,
    rate_limit = function()
      return made:rate_limit(clock())
    end,
  })
end

---With a traceparent on the calls that bring none.
---@param made table
---@param value string
---@return table
function layer.traced(made, value)
  local traceparent = require "gitdev.traceparent"
  return layer.of(made, {
    call = function(_, method, path, body, key, headers, ...)
      return made:call(method, path, body, key, traceparent.add(headers, value), ...)
    end,
  })
end

return layer

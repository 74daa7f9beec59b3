-- The header of W3C Trace Context, which ties a call to the trace of whoever makes it. It passes through as it was given.
local traceparent = {}

local HEX = "[0-9a-f]"
local FORM = string.format("^(%s)%%-(%s)%%-(%s)%%-%s$", HEX:rep(2), HEX:rep(32), HEX:rep(16), HEX:rep(2))

---Why a value is no traceparent (W3C Trace Context 3.2), to be read after "it"; nil for one that is fine.
---@param value any
---@return string|nil
function traceparent.fault(value)
  local version, trace, parent = tostring(value):match(FORM)
  if not version then
    return "is not made of 2, 32, 16 and 2 hex digits in lower case, with hyphens between"
  elseif version == "ff" then
    return "has the version ff, which is none"
  elseif not trace:find "[^0]" then
    return "has a trace id of zeros alone"
  elseif not parent:find "[^0]" then
    return "has a parent id of zeros alone"
  end
  return nil
end

---The traceparent among headers, however its name is written; nil when there is none.
---@param headers table<string, string>|nil
---@return string|nil value
---@return string|nil name  as it is written there
function traceparent.of(headers)
  for name, value in pairs(headers or {}) do
    if type(name) == "string" and name:lower() == "traceparent" then
      return value, name
    end
  end
  return nil
end

---A call's headers, and a traceparent among them: theirs, or else this one.
---@param headers table<string, string>|nil  left as they are
---@param value string
---@return table<string, string>
function traceparent.add(headers, value)
  if traceparent.of(headers) then
    return headers
  end
  local all = { traceparent = value }
  for name, text in pairs(headers or {}) do
    all[name] = text
  end
  return all
end

return traceparent

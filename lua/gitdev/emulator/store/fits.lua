--- Whether a text has a format of gitdev.api.formats: for texts that the checks of bodies and queries do not see, in paths and inside
-- other texts.
local formats = require "gitdev.api.formats"

return function(text, name)
  local format = formats[name]
  if #text < (format.min or 0) or #text > (format.max or math.huge) then
    return false
  end
  for _, pattern in ipairs(format.lua or {}) do
    if not text:find(pattern) then
      return false
    end
  end
  for _, pattern in ipairs(format.never or {}) do
    if text:find(pattern) then
      return false
    end
  end
  return true
end

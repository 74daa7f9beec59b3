-- The SDK of the .git platform. Calls raise error objects; `require "gitdev.safe"` is the same, returning nil and the error instead.
---@type gitdev
local gitdev = require("gitdev.surface").new(false)

return gitdev

-- The SDK of the .git platform, in the style that returns nil and an error object. What a program gets wrong (a field's
-- type, an unknown name) is raised here too, before anything is sent, and so is what an iterator runs into.
---@type gitdev
local gitdev = require("gitdev.surface").new(true)

return gitdev

-- The SDK of the .git platform. Calls raise error objects; `require "gitdev.safe"` is the same, returning nil and the error instead.
return require("gitdev.surface").new(false)

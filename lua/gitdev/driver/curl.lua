--- The default driver: calls over libcurl, on the loop of this Lua state. A driver is a table of what a client needs of the world:
-- perform(call), sleep(seconds), now(), and isatty(fd) where there may be a terminal to show progress on.
local loop = require "gitdev.loop"

return {
  perform = loop.perform,
  sleep = loop.sleep,
  now = loop.now,
  isatty = function(fd)
    return require("gitdev.net").isatty(fd)
  end,
  --- What a User-Agent says of the transport.
  agent = function()
    return "libcurl/" .. require("gitdev.net").curl_version()
  end,
}

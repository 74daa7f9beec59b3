--- The default driver: calls over libcurl, on the loop of this Lua state. A driver is a table of what a client needs of the world:
--   perform(call)   takes a call under way and waits until it is done
--   start(call), await(call), resume(call), cancel(call)   the same in steps: await returns when there is news of it (its stream has moved, it
--                   has events, it is done); resume when its stream has bytes, or room, again
--   sleep(seconds), now()
-- and, where it has them:
--   open(call)      performs a call that was made with `upgrade`; returns its WebSocket when it has come to be open (status 101), else nil. See
--                   gitdev.driver.socket for what a socket does
--   warm(ca_file)   does what the first connection would have to: true, or nil and what is wrong
--   ending()        the error that whatever has no end of its own is to end with now, or nil
--   close(client)   ends all calls of a C client that are under way
--   progress   what waits show where nobody has said: "off"
--   no_key   what is said of a missing key
--   refuses(given)   what is wrong with a client's options, a sentence that begins with the option's name, or nil
--   own_trust   true: whom to trust is not the SDK's matter: GIT_CA_FILE is left aside
--   isatty(descriptor)   whether there is a terminal to show progress on
--   agent()   what a User-Agent says of it
--   clock()   the time that calls are made by, if it is not the machine's
--   seed()    a number that a client's jitter and keys follow from
--   supplies  "loop": gitdev.loop turns for its calls, and visits stores that rate limits are shared through; "driver": it does so itself, see
--             gitdev.fleet. Without it rate limits cannot be shared
--   world     a number: clients share a rate limit only within one
local loop = require "gitdev.loop"

return {
  perform = loop.perform,
  start = loop.start,
  await = loop.await,
  resume = loop.resume,
  cancel = loop.cancel,
  open = function(call)
    local handle = loop.open(call)
    return handle and require("gitdev.driver.socket").of(handle)
  end,
  warm = function(ca_file)
    require "gitdev.driver.socket"
    require "gitdev.loop.sockets"
    return loop.warm(ca_file)
  end,
  close = loop.cancel_all,
  sleep = loop.sleep,
  now = loop.now,
  supplies = "loop",
  isatty = function(fd)
    return require("gitdev.net").isatty(fd)
  end,
  --- What a User-Agent says of the transport.
  agent = function()
    return "libcurl/" .. require("gitdev.net").curl_version()
  end,
}

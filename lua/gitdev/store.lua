-- Stores for replay protection: what remembers that an event has been handled. A store is a table with the methods below; whoever writes one
-- (over a shared dictionary, Redis, a database) needs no more. Each method takes effect at once or not at all, whoever else calls one.
--
--   store:seen(id, ttl) -> boolean            whether the id is marked, or claimed; marks it for `ttl` seconds if not
--   store:claim(id, lease) -> token           the id is the caller's to handle, for `lease` seconds; the token is a string
--                          -> nil, "done"     it is marked: it has been handled
--                          -> nil, "claimed"  somebody else is at it: come again later
--   store:confirm(id, ttl)                    it has been handled: marks it for `ttl` seconds, and ends its claim, whoever's it is
--   store:release(id, token)                  it has not, and may be claimed again. A claim that is no longer the token's stays; so does a mark
--   store:close()                             gives up what it holds open
--
-- A store that rate limits are to be shared through (see gitdev.fleet) has another method, and may have the rest of these:
--
--   store:take(name, report) -> grant         a visit: what gitdev.store.bucket's take says, with the state that is kept under `name`, by a clock
--                                             that all who share it have. It must not wait, but in nginx
--   store:take_async(name, report, done)      the same where it has to wait: done(grant) or done(nil, err) is called from the loop's turn, within
--                                             3 seconds
--   store.pacing                              "closed": nothing is sent while it fails. "open", the default: each client paces itself
--   store.id                                  a string: those of one id lead to the same state, so that clients of a process that pass one each are
--                                             one member of its fleets. Without it each table is a store of its own
--
-- An event is claimed before its handler runs, confirmed when that has succeeded, released when it has failed. Who dies in between leaves
-- a claim that ends by itself: the event is handled again. So it is handled at least once, and after a success no more, if the lease is
-- longer than any handler takes. A store that fails raises: silence would count as "not seen".
local errors = require "gitdev.error"
local nearest = require "gitdev.nearest"

local store = {}

local function unknown(_, key)
  if type(key) == "string" and key:sub(1, 1) ~= "_" then
    errors.misuse { message = "gitdev.store has no " .. key .. nearest.hint(key, { "file", "memory", "redis", "shared" }) }
  end
end

---What gitdev.store is, in one of the two styles.
---@param finish fun(value: any, err: gitdev.Error|nil): any  raises the error, or returns both
---@return table
function store.new(finish)
  local surface = {}
  function surface.memory(options)
    return require("gitdev.store.memory").new(options)
  end
  function surface.file(options)
    return finish(require("gitdev.store.file").new(options))
  end
  function surface.redis(options)
    return finish(require("gitdev.store.redis").new(options))
  end
  function surface.shared(name)
    return finish(require("gitdev.store.shared").new(name))
  end
  return setmetatable(surface, { __index = unknown })
end

return store

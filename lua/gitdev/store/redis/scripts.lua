-- What the store on Redis has the server carry out: one script for each of its methods, so that each takes effect at once or not at all. Each
-- touches one key, whose end is the server's to keep, by the server's clock. Each may be carried out twice, as when a connection is lost before
-- the answer: what the first did, the second finds to be its own.
--
-- A key of an id holds "done TOKEN" or "claim TOKEN", and ends when that does.
local core = require "gitdev.core"
local bucket = require "gitdev.store.bucket"

local scripts = {}

local function script(text)
  return { text = text, sha1 = core.sha1(text) }
end

-- ARGV: "done TOKEN", milliseconds. Whether it was there: 1, 0.
scripts.seen = script [[
local held = redis.call("GET", KEYS[1])
if held then
  return held == ARGV[1] and 0 or 1
end
redis.call("SET", KEYS[1], ARGV[1], "PX", ARGV[2])
return 0]]

-- ARGV: "claim TOKEN", milliseconds. "mine", "done" or "claimed".
scripts.claim = script [[
local held = redis.call("GET", KEYS[1])
if held and held ~= ARGV[1] then
  return held:sub(1, 5) == "done " and "done" or "claimed"
end
redis.call("SET", KEYS[1], ARGV[1], "PX", ARGV[2])
return "mine"]]

-- ARGV: "done TOKEN", milliseconds. A mark that lasts longer stays.
scripts.confirm = script [[
local held = redis.call("GET", KEYS[1])
if held and held:sub(1, 5) == "done " and redis.call("PTTL", KEYS[1]) >= tonumber(ARGV[2]) then
  return 0
end
redis.call("SET", KEYS[1], ARGV[1], "PX", ARGV[2])
return 1]]

-- ARGV: "claim TOKEN".
scripts.release = script [[
return redis.call("GET", KEYS[1]) == ARGV[1] and redis.call("DEL", KEYS[1]) or 0]]

-- ARGV: a report as JSON, seconds for which a state is kept. A grant as JSON.
scripts.take = script([[
local take = (function()
]] .. bucket.TEXT .. [[

end)()
local time = redis.call("TIME")
local packed = redis.call("GET", KEYS[1]) or nil
local grant, state = take(packed, cjson.decode(ARGV[1]), tonumber(time[1]) + tonumber(time[2]) / 1e6)
redis.call("SET", KEYS[1], state, "EX", ARGV[2])
return cjson.encode(grant)]])

-- What the last word of scripts.take is.
scripts.keep = bucket.KEEP

return scripts

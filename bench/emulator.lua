-- The emulator under measurement: two of them in one process, one with many deployments stored, one with few, behind TLS on loopback.
--
--   gitdev bench/emulator.lua MANY FEW FILE
--
-- Writes FILE when both can be asked: { many = …, few = … }, each { url, ca_file, api_key, deployment, body }. Runs until it is ended.
local cjson = require "cjson"
local loop = require "gitdev.loop"
local server = require "gitdev.emulator.server"

local many, few, path = tonumber(arg[1]), tonumber(arg[2]), arg[3]

-- More are not under way at once than a builder has lines for: the rest would be superseded.
local SETTLE_MS = 3000

local function ask(emulator, method, target, body)
  local headers = { authorization = "Bearer " .. emulator.api_key, ["content-type"] = body and "application/json" }
  local answer = emulator:handle { method = method, target = target, headers = headers, body = body or "", peer = "127.0.0.1" }
  assert(answer.status < 300, answer.body)
  return answer.body
end

local function start(count)
  local one = assert(server.start { rate_limit = false })
  local emulator, id = one.emulator, nil
  for _ = 1, count do
    local made = ask(emulator, "POST", "/v2/deployments", '{"project":"my-app"}')
    emulator:skip(SETTLE_MS)
    id = id or cjson.decode(made).id
  end
  return {
    url = one.url,
    ca_file = one.ca_file,
    api_key = one.api_key,
    deployment = id,
    body = ask(emulator, "GET", "/v2/deployments/" .. id),
  }
end

local about = cjson.encode { many = start(many), few = start(few) }
local file = assert(io.open(path .. ".part", "w"))
assert(file:write(about))
assert(file:close())
assert(os.rename(path .. ".part", path))
while true do
  loop.sleep(3600)
end

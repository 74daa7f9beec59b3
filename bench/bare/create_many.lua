-- Deployments over bare libcurl, many under way at once, cjson in and out.  CALLS WARM_UP AT_ONCE [HEADER…]
local bare = require "bare"
local cjson = require "cjson"
local repeated = require "repeated"

local url, at_once = os.getenv "GIT_API_URL" .. "/deployments", tonumber(arg[3])
local pool = bare.open_many(os.getenv "GIT_CA_FILE", { select(4, ...) }, at_once)

local function start(place)
  pool:start(place, url, cjson.encode {
    project = "my-app", branch = "main", env = { NODE_ENV = "production" },
  })
end

local function finish()
  local place, status, body = pool:next()
  assert(status == 201, body)
  assert(cjson.decode(body).status == "queued", body)
  return place
end

local function times(count)
  local first = math.min(at_once, count)
  for place = 1, first do
    start(place)
  end
  for _ = 1, count - first do
    start(finish())
  end
  for _ = 1, first do
    finish()
  end
end

repeated(nil, times)

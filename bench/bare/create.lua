-- One deployment after another over bare libcurl, cjson in and out.  CALLS WARM_UP AT_ONCE [HEADER…]
local bare = require "bare"
local cjson = require "cjson"
local repeated = require "repeated"

local url = os.getenv "GIT_API_URL" .. "/deployments"
local http = bare.open(os.getenv "GIT_CA_FILE", { select(4, ...) })

repeated(function()
  local status, body = http:send(url, cjson.encode {
    project = "my-app", branch = "main", env = { NODE_ENV = "production" },
  })
  assert(status == 201, body)
  assert(cjson.decode(body).status == "queued", body)
end)

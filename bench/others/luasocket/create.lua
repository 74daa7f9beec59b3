-- Deployments over LuaSocket and LuaSec, one after another.  CALLS WARM_UP AT_ONCE [HEADER…]
--
-- ssl.https opens a connection for each request. socket.http does so too, but takes any object for its socket: here one that
-- outlives its requests. LuaSec checks the certificate's chain, not the name in it.
local cjson = require "cjson"
local http = require "socket.http"
local ltn12 = require "ltn12"
local repeated = require "repeated"
local socket = require "socket"
local ssl = require "ssl"
local uuid = require "uuid"

local url = os.getenv "GIT_API_URL" .. "/deployments"
local given = { Connection = "keep-alive" }
for i = 4, #arg do
  local name, value = arg[i]:match "^([^:]+): (.*)$"
  given[name] = value
end

local function open(host, port)
  local plain = assert(socket.connect(host, port))
  assert(plain:setoption("tcp-nodelay", true)) -- a request goes out in three writes
  local connection = assert(ssl.wrap(plain, {
    mode = "client", protocol = "any", verify = "peer", cafile = os.getenv "GIT_CA_FILE",
  }))
  assert(connection:dohandshake())
  return connection
end

-- `connection` as socket.http is to see it: opened already, and closed by nobody.
local function keep(connection)
  local function done()
    return 1
  end
  local kept = { connect = done, close = done }
  for _, name in ipairs { "send", "receive", "settimeout", "getfd", "dirty" } do
    kept[name] = function(_, ...)
      return connection[name](connection, ...)
    end
  end
  return kept
end

local kept = keep(open(url:match "^https://([^:/]+):(%d+)"))

local function create()
  return kept
end

repeated(function()
  local body = cjson.encode { project = "my-app", branch = "main", env = { NODE_ENV = "production" } }
  local headers, answer = {}, {}
  for name, value in pairs(given) do
    headers[name] = value
  end
  headers["Idempotency-Key"] = uuid()
  headers["Content-Length"] = #body
  local _, status = assert(http.request {
    url = url, method = "POST", headers = headers, create = create, source = ltn12.source.string(body),
    sink = ltn12.sink.table(answer),
  })
  assert(status == 201, status)
  assert(cjson.decode(table.concat(answer)).status == "queued")
end)

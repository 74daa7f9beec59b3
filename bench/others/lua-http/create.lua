-- Deployments over lua-http.  CALLS WARM_UP AT_ONCE [HEADER…]
--
-- One after another over HTTP/1.1; more at once share one HTTP/2 connection. http.request opens a connection for each request,
-- so the streams of a connection are used, one floor below it. The keys stay out of HPACK's table: once it is full, lua-http 0.4
-- refers to entries that the server has dropped.
local at_once = require "at_once"
local cjson = require "cjson"
local client = require "http.client"
local cqueues = require "cqueues"
local http_headers = require "http.headers"
local http_tls = require "http.tls"
local repeated = require "repeated"
local uuid = require "uuid"

local many = tonumber(arg[3])
local host, port, path = (os.getenv "GIT_API_URL" .. "/deployments"):match "^https://([^:/]+):(%d+)(.*)$"

local function connect()
  local context = http_tls.new_client_context()
  context:getStore():add(os.getenv "GIT_CA_FILE")
  return assert(client.connect { host = host, port = tonumber(port), tls = true, ctx = context,
    version = many > 1 and 2 or 1.1 })
end

local given = {}
for i = 4, #arg do
  local name, value = arg[i]:match "^([^:]+): (.*)$"
  given[#given + 1] = { name:lower(), value }
end

local function headers_of(body)
  local headers = http_headers.new()
  headers:append(":method", "POST")
  headers:append(":scheme", "https")
  headers:append(":authority", host .. ":" .. port)
  headers:append(":path", path)
  for _, header in ipairs(given) do
    if header[1] == "idempotency-key" then
      headers:append(header[1], uuid(), true) -- never indexed: see above
    else
      headers:append(header[1], header[2])
    end
  end
  headers:append("content-length", tostring(#body))
  return headers
end

local function spawn_in(queue)
  return function(fn)
    queue:wrap(fn)
    return function()
      assert(queue:loop())
    end
  end
end

local queue = cqueues.new()
local connection

-- Keeps the streams answered last from the collector: lua-http knows a stream only as long as someone holds it, and a frame for
-- one that it does not know ends the connection. nginx resets a stream that it answered before it had read its body.
local KEPT = 256
local answered = { turn = 0 }

local function keep(stream)
  answered.turn = answered.turn % KEPT + 1
  answered[answered.turn] = stream
end

local function create()
  local body = cjson.encode { project = "my-app", branch = "main", env = { NODE_ENV = "production" } }
  local stream = assert(connection:new_stream())
  assert(stream:write_headers(headers_of(body), false))
  assert(stream:write_chunk(body, true))
  local headers = assert(stream:get_headers())
  local answer = assert(stream:get_body_as_string())
  keep(stream)
  assert(headers:get ":status" == "201", answer)
  assert(cjson.decode(answer).status == "queued", answer)
end

queue:wrap(function()
  connection = connect()
end)
assert(queue:loop())
repeated(create, at_once(spawn_in(queue), many))

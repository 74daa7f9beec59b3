--- What is asked of a log stream before it opens (contract 2.5): what is wrong is said in an ordinary answer.
local log_page = require "gitdev.emulator.deployments.log_page"
local refusal = require "gitdev.emulator.refusal"
local streams = require "gitdev.emulator.deployments.streams"

local PROTOCOL = "git.logs.v1"

local stream_request = { PROTOCOL = PROTOCOL }

-- The `seq` of the line after which to begin, or nil.
local function read_start(call, thing)
  local query = call.query
  if query.cursor and query.tail then
    refusal.raise("parameter_invalid", {
      status = 400,
      param = "tail",
      message = "cursor and tail both say where to begin: give one of them.",
    })
  end
  return query.cursor and log_page.read_cursor(call, thing, query.cursor)
end

local function bad_request(message, headers)
  refusal.raise("parameter_invalid", { status = 400, message = message, headers = headers })
end

local function check_upgrade(request)
  if request.upgrade == "malformed" then
    bad_request("This is no WebSocket handshake of RFC 6455, version 13.", { "Sec-WebSocket-Version", "13" })
  elseif request.upgrade ~= "good" or request.method ~= "GET" then
    refusal.raise("upgrade_required", {
      message = "A log stream is a WebSocket: open this path with Upgrade: websocket, or read the log with logs.list.",
      headers = { "Upgrade", "websocket", "Connection", "Upgrade", "Sec-WebSocket-Version", "13" },
    })
  end
end

-- The subprotocol to select; nil where none was offered.
local function choose_protocol(request)
  local offered = request.headers["sec-websocket-protocol"]
  for name in (offered or ""):gmatch "[^,%s]+" do
    if name == PROTOCOL then
      return PROTOCOL
    end
  end
  if offered then
    bad_request("Sec-WebSocket-Protocol offers other protocols only: offer " .. PROTOCOL .. ", or none.")
  end
  return nil
end

local function check_limit(call)
  local limit = streams.limit(call.tenant)
  if call.emulator.streams:count(call.tenant) >= limit then
    refusal.raise("stream_limit", {
      message = ("The organization has %d log streams open, which is all that its plan allows: close one first."):format(limit),
      headers = { "Retry-After", "1" },
    })
  end
end

--- The subprotocol to select (nil: none), and the `seq` of the line after which to begin (nil: none was named). Raises 400, 410, 426 and 429.
function stream_request.read(call, thing)
  local after = read_start(call, thing)
  log_page.refuse_expired(call, thing)
  check_upgrade(call.request)
  local protocol = choose_protocol(call.request)
  check_limit(call)
  return protocol, after
end

return stream_request

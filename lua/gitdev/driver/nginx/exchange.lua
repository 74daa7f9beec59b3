-- One try: a request is sent over a socket of nginx's and its answer handed to the call machine as it comes. It runs in a light thread of its
-- own, which may be killed in any wait; what it has found stands in its `flight`.
--
-- A flight: { call, request, till, idle, fresh; sock; sent (bytes of the request may have left); room: the waiter that the program posts when
-- its stream has moved; tell(flight): news of the stream; left: nobody wants it any more: the call must not be touched; over, kind, message,
-- unsent, stale: how it ended; socket, rest: of a WebSocket that it has opened }
local connection = require "gitdev.driver.nginx.connection"
local core = require "gitdev.core"

local exchange = {}

local PIECE = 16384
-- Answers 1xx: who sends them without end would go on for ever.
local INTERIM_MAX = 64
local HEAD_MAX = 128 * 1024

local now = core.now

local function finish(flight, kind, message)
  flight.kind, flight.message = kind, message
  return false
end

-- What the next operation may take.
local function give_time(flight)
  local left = flight.till - now()
  if flight.idle > 0 and flight.idle < left then
    left = flight.idle
  end
  connection.give(flight.sock, left, left)
end

-- Waits until the program has moved the stream. False when nobody wants the rest.
local function wait_for_program(flight)
  flight.stalled = true
  flight:tell()
  while flight.stalled and not flight.left do
    flight.room:wait(flight.till - now())
    if now() >= flight.till then
      return false
    end
  end
  return not flight.left
end

-- ---- the request ----

local function head_of(request, upgrade_key)
  local port = request.port ~= 443 and ":" .. request.port or ""
  local lines = { request.method, " ", request.target, " HTTP/1.1\r\nHost: ", request.host, port, "\r\n" }
  local headers, at = request.headers, #lines
  for i = 1, #headers, 2 do
    lines[at + 1], lines[at + 2], lines[at + 3], lines[at + 4] = headers[i], ": ", headers[i + 1], "\r\n"
    at = at + 4
  end
  local body, size = request.body, request.source_size
  if body or size and size >= 0 then
    lines[at + 1] = string.format("Content-Length: %d\r\n", body and #body or size)
  elseif size then
    lines[at + 1] = "Transfer-Encoding: chunked\r\n"
  elseif upgrade_key then
    lines[at + 1] = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: "
      .. request.upgrade .. "\r\nSec-WebSocket-Key: " .. upgrade_key .. "\r\n"
  elseif request.method ~= "GET" and request.method ~= "HEAD" and request.method ~= "DELETE" then
    lines[at + 1] = "Content-Length: 0\r\n"
  end
  lines[#lines + 1] = "\r\n"
  lines[#lines + 1] = body
  return lines
end

local function send(flight, bytes)
  give_time(flight)
  flight.sent = true
  local ok, err = flight.sock:send(bytes)
  if not ok then
    flight.send_failed = err
  end
  return ok
end

-- Sends the body as the program writes it. False when the try is over; true also when the server takes no more: it may have answered.
local function send_body(flight)
  local call, chunked = flight.call, flight.request.source_size < 0
  while true do
    local bytes = call:give_data()
    flight:tell()
    if bytes == nil then
      if not wait_for_program(flight) then
        return finish(flight, "timed out", "its body was not written in time")
      end
    elseif not bytes then
      return finish(flight, "sent", "the body could not be read")
    elseif bytes == "" then
      return not chunked or send(flight, "0\r\n\r\n") or true
    elseif not send(flight, chunked and { string.format("%x\r\n", #bytes), bytes, "\r\n" } or bytes) then
      return true
    end
    if flight.left then
      return false
    end
  end
end

-- ---- the answer ----

local function take_head(flight, message, upgrade_key)
  if message.status < 200 and message.status ~= 101 then
    flight.interim = (flight.interim or 0) + 1
    return flight.interim <= INTERIM_MAX or finish(flight, "bad answer", "it only ever says that it goes on (status 1xx)")
  end
  local call, headers = flight.call, message.headers
  local fine = call:begin(message.status)
  for i = 1, fine and #headers or 0, 2 do
    fine = fine and call:take_header(headers[i], headers[i + 1])
  end
  if not fine then
    return finish(flight, "bad answer", "its head is too large, or cannot be read here")
  end
  flight.message = nil
  flight.status, flight.keep_alive = message.status, message.keep_alive
  if upgrade_key then
    if message.status == 101 then
      local wrong = core.websocket_fault(101, message.minor_version, headers, upgrade_key, flight.request.upgrade)
      return not wrong or finish(flight, "bad answer", wrong)
    elseif message.status < 300 then
      return finish(flight, "complete") -- it opens nothing, whatever it goes on to say
    end
  elseif message.status == 101 then
    return finish(flight, "bad answer", "it changes the protocol, which nobody asked for")
  end
  return true
end

local function take_piece(flight, bytes)
  local taken = flight.call:take_data(bytes)
  while taken == nil do
    if not wait_for_program(flight) then
      return finish(flight, "timed out", "its body was not taken in time")
    end
    taken = flight.call:take_data(bytes)
  end
  if not taken then
    return finish(flight, "bad answer", "its body is too large, or was refused")
  end
  if flight.request.streamed then
    flight:tell()
  end
  return true
end

-- Takes what the reader has. True when it needs more bytes.
local function take_events(flight, upgrade_key)
  local reader = flight.reader
  while true do
    local event, what = reader:pull()
    local fine = true
    if event == "need" then
      return true
    elseif event == "head" then
      fine = take_head(flight, what, upgrade_key)
    elseif event == "data" then
      fine = take_piece(flight, what)
    elseif event == "error" then
      fine = finish(flight, "bad answer", what)
    elseif flight.status then
      return finish(flight, "complete")
    end
    if not fine or flight.left then
      return false
    end
  end
end

-- The connection ended, or nothing came: an answer may end so, one that is cut off is none.
local function take_end(flight, err, upgrade_key)
  if err == "timeout" then
    return finish(flight, "timed out", flight.idle > 0 and "nothing came any more" or "it did not answer in time")
  end
  flight.reader:eof()
  flight.keep_alive = false
  local more = take_events(flight, upgrade_key)
  if flight.kind ~= "complete" and (more or flight.kind == "bad answer") then
    finish(flight, "sent", flight.send_failed or "the connection was closed")
  end
  flight.keep_alive = false
  return false
end

local function receive(flight, upgrade_key)
  local sock, reader = flight.sock, flight.reader
  if flight.request.method == "HEAD" then
    reader:no_body()
  end
  local silent = true
  repeat
    give_time(flight)
    local bytes, err = sock:receiveany(PIECE)
    if flight.left then
      return
    end
    local more
    if bytes then
      silent = false
      reader:feed(bytes) -- pulling tells what was wrong
      more = take_events(flight, upgrade_key)
    else
      more = take_end(flight, err, upgrade_key)
    end
  until not more
  flight.stale = flight.kind == "sent" and silent and flight.reused
end

-- ---- a try ----

local function transfer(flight)
  local request = flight.request
  local upgrade_key = request.upgrade and core.websocket_key()
  flight.reader = core.http1("response", { head_max = HEAD_MAX })
  send(flight, head_of(request, upgrade_key))
  if not flight.send_failed and request.source_size and not send_body(flight) then
    return
  end
  receive(flight, upgrade_key)
end

-- Bytes behind an answer belong to nothing: what comes after them would be taken for the answer to another request.
local function is_reusable(flight)
  return flight.kind == "complete"
    and flight.keep_alive
    and not flight.send_failed
    and not flight.request.upgrade
    and flight.reader:rest() == ""
end

-- Lets the connection rest if it can be used again.
local function let_go(flight)
  local sock = flight.sock
  if flight.kind == "complete" and flight.status == 101 then
    flight.opened, flight.rest = true, flight.reader:rest()
  elseif is_reusable(flight) then
    connection.keep(sock)
  else
    sock:close()
  end
end

---Runs a try to its end; it raises nothing that the world does.
---@param flight table
function exchange.run(flight)
  flight.sock = ngx.socket.tcp()
  local reused, problem = connection.open(flight.sock, flight.request, flight.fresh, flight.till - now())
  if problem then
    flight.kind, flight.message, flight.unsent = problem.kind, problem.message, problem.unsent
  end
  if problem or flight.left then
    flight.sock:close()
    return
  end
  flight.reused = reused
  transfer(flight)
  let_go(flight)
  if flight.reader then
    flight.reader:close()
  end
end

return exchange

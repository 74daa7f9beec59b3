-- One try: a request is sent over a socket of nginx's and its answer handed to the call machine as it comes. It runs in a light thread of its
-- own, which may be killed in any wait; what it has found stands in its `flight`. See gitdev.driver.nginx.flights.
local connection = require "gitdev.driver.nginx.connection"
local core = require "gitdev.core"

local exchange = {}

local PIECE = 16384

local now = core.now

local function finish(flight, kind, message)
  flight.kind, flight.message = kind, message
  return false
end

-- What the next operation may take. As a rule the time of the try, which was set as it began and which its caller watches.
local function give_time(flight)
  if flight.idle > 0 then
    local seconds = math.min(flight.idle, flight.till - now())
    connection.give(flight.sock, seconds, seconds)
  end
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
  while not flight.left do
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
  end
  return false
end

-- ---- the answer ----

-- Hands what the reader has, and the bytes, to the machine. True when it needs more.
local function take(flight, bytes)
  repeat
    local event, what, reusable = flight.call:take_answer(flight.reader, flight.key, bytes)
    bytes = nil
    if event == "end" then
      flight.status, flight.reusable, flight.message = what, reusable, false
      return finish(flight, "complete")
    elseif event == "bad" then
      return finish(flight, "bad answer", what)
    elseif flight.request.streamed then
      flight:tell()
    end
    if event == "full" and not wait_for_program(flight) then
      return finish(flight, "timed out", "its body was not taken in time")
    end
  until event == "need"
  return true
end

-- The connection ended, or nothing came: an answer may end so, one that is cut off, or may be, is none.
local function take_end(flight, err)
  if err == "timeout" then
    return finish(flight, "timed out", flight.idle > 0 and "nothing came any more" or "it did not answer in time")
  end
  flight.reader:eof()
  local more = take(flight)
  if flight.kind ~= "complete" and (more or flight.kind == "bad answer") then
    finish(flight, "sent", flight.send_failed or "the connection was closed")
  end
  flight.reusable = false
  return false
end

local function receive(flight)
  local sock = flight.sock
  local silent, more = true, not flight.left
  while more do
    give_time(flight)
    local bytes, err = sock:receiveany(PIECE)
    if flight.left then
      return
    elseif bytes then
      silent = false
      more = take(flight, bytes)
    else
      more = take_end(flight, err)
    end
  end
  flight.stale = flight.kind == "sent" and silent and flight.reused
end

-- ---- a try ----

local function transfer(flight)
  local request = flight.request
  flight.key = request.upgrade and core.websocket_key()
  flight.reader = core.http1 "response"
  send(flight, flight.call:pieces(flight.key))
  if not flight.send_failed and request.source_size and not send_body(flight) then
    return
  end
  receive(flight)
end

-- Lets the connection rest if it can be used again.
local function let_go(flight)
  local sock = flight.sock
  if flight.kind == "complete" and flight.status == 101 then
    flight.opened, flight.rest = true, flight.reader:rest()
  elseif flight.kind == "complete" and flight.reusable and not flight.send_failed and not flight.request.upgrade then
    connection.keep(sock)
  else
    sock:close()
  end
end

---Runs a try to its end; it raises nothing that the world does.
---@param flight table
function exchange.run(flight)
  flight.sock = ngx.socket.tcp()
  local reused, problem = connection.open(flight.sock, flight.request, flight.pool, flight.fresh, flight.till - now())
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

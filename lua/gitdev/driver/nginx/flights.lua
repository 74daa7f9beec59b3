-- The light threads in which tries run: so that whatever a try waits for ends when its time is over, or whoever wants it is canceled.
--
-- A flight: { job; call, request, pool, till, idle, fresh: what is to be done; began; thread; sock, reader, key: what it does it with; sent: bytes of
-- the request may have left; stalled, room: it waits for the program's stream, and the waiter that is posted when that has moved; tell(flight): there
-- is news of the stream; left: nobody wants it any more, and the call must not be touched; over, kind, message, unsent, stale, status, reusable: how
-- it ended; opened, rest: it has opened a WebSocket, and what came behind the answer }
local exchange = require "gitdev.driver.nginx.exchange"
local waiter_of = require "gitdev.driver.nginx.waiter"

local flights = {}

local function close_socket(flight)
  if flight.sock then
    pcall(flight.sock.close, flight.sock)
  end
end

local function fly(flight, on_end)
  local ok, err = pcall(exchange.run, flight)
  if not ok then
    flight.kind, flight.message = "not possible", "the driver failed: " .. tostring(err)
    close_socket(flight)
  end
  flight.over = true
  on_end(flight)
end

---Begins a try of a job, as its flight. All fields are there from the beginning: a table that grows is made anew each time.
---@param job table
---@param at number         now
---@param till number       when the try is over, come what may
---@param request table     the machine's, see core's call:next()
---@param idle number       seconds without a byte after which it is over too; 0: any
---@param tell function     of the flight: its stream has moved
---@param on_end function   of the flight
function flights.begin(job, at, till, request, idle, tell, on_end)
  local flight = {
    job = job,
    call = job.call,
    request = request,
    pool = job.pool,
    till = till,
    idle = idle,
    fresh = job.stale,
    began = at,
    tell = tell,
    room = (request.source_size or request.streamed) and waiter_of.new(),
    thread = false,
    sock = false,
    reader = false,
    sent = false,
    over = false,
    left = false,
    kind = false,
    message = false,
    status = false,
    reusable = false,
    reused = false,
  }
  job.flight = flight
  flight.thread = ngx.thread.spawn(fly, flight, on_end)
end

---A flight that has ended, or is not wanted any more, is taken away. Only who began it can do that; else it finds out by itself.
---@param flight table
function flights.finish(flight)
  flight.left = true
  if not flight.over then
    pcall(ngx.thread.kill, flight.thread)
    close_socket(flight)
  else
    pcall(ngx.thread.wait, flight.thread) -- it would be kept until the request is over
  end
  if flight.room then
    flight.room:post()
  end
end

return flights

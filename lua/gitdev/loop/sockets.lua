-- WebSockets on the loop: opening one, and waiting for news of it.
local calls = require "gitdev.loop.calls"
local news = require "gitdev.loop.news"
local schedule = require "gitdev.schedule"
local task = require "gitdev.task"
local turning = require "gitdev.loop.turning"
local worlds = require "gitdev.loop.worlds"

local sockets = {}

--- Performs a call that opens a WebSocket. Returns the socket, one of gitdev.net's, or nil: the call's result says why.
function sockets.open(call)
  calls.perform(call)
  local engine = worlds.open().engine
  return engine and engine:socket(call) -- nil also when the loop was closed since
end

local function forget(wait)
  local self = wait.world
  if self.news.waiting[wait.socket] == wait.waiter then
    self.news:forget(wait.socket)
  end
  schedule.cancel(nil, wait.timer)
end

-- However late it is, it turns once: else who asks again and again, and never waits, would get nothing.
local function block(self, wait, due)
  local ok, err
  repeat
    ok, err = pcall(turning.turn_blocking, self, due and math.max(0, due - self.now()))
  until not ok or not self.news.waiting[wait.socket] or due and self.now() >= due
  forget(wait)
  if not ok then
    error(err, 0)
  end
end

--- Waits for news of a socket that has been read to its end, at most until `due` of now() (nil: without end). It may come back for nothing: read
-- again. Yields in a task, blocks elsewhere; what interrupts it leaves the socket as it is.
function sockets.await_socket(socket, due)
  local self = worlds.open()
  if self.news.waiting[socket] then
    require("gitdev.error").misuse { message = "another task waits for this stream already: it has one reader at a time." }
  end
  local me = self.tasks:running_task()
  local wait = { world = self, socket = socket, waiter = me or news.BLOCKED }
  self.news:expect(socket, wait.waiter)
  if me then
    wait.timer = due and self.sleepers:at(due, task.wake, me)
    task.park(me, forget, wait)
    forget(wait)
  else
    block(self, wait, due)
  end
end

return sockets

-- Calls on the loop: taken under way, waited for, taken back. In a task a wait yields; elsewhere it blocks.
local news = require "gitdev.loop.news"
local task = require "gitdev.task"
local turning = require "gitdev.loop.turning"
local worlds = require "gitdev.loop.worlds"

local open, engine_of = worlds.open, worlds.engine

local calls = {}

local function cancel_in(self, call)
  self.news:forget(call)
  self.news:take(call)
  engine_of(self):cancel(call)
end

--- Ends a call as canceled.
function calls.cancel(call)
  cancel_in(open(), call)
end

-- Who cancels a task may be in another world than the task, or have closed the loop since, which ended its calls. One function for all calls of a
-- world: to wait for one makes nothing new.
local function taker_back(self)
  self.take_back = self.take_back or function(call)
    if self.engine then
      cancel_in(self, call)
    end
  end
  return self.take_back
end

-- Tells the engine; without one nothing is under way.
local function tell(method, subject)
  local engine = worlds.present().engine
  if engine then
    engine[method](engine, subject)
  end
end

--- Ends all calls of a C client that are under way, as canceled; whoever waits for one goes on.
function calls.cancel_all(client)
  tell("cancel_all", client)
end

--- A store has been visited for a shared rate limit (core's limit): its calls may go on.
function calls.poke(limit)
  tell("poke", limit)
end

--- A call's stream has bytes, or room, again.
function calls.resume(call)
  tell("resume", call)
end

--- Does what the first connection that trusts a PEM file (nil: what the system trusts) would have to. Returns true, or nil and what is wrong
-- with the file.
function calls.warm(ca_file)
  local ok, problem = engine_of(open()):warm(ca_file)
  if ok == false then
    worlds.begin_in_child()
    return calls.warm(ca_file)
  end
  return ok, problem
end

--- Takes a call under way.
function calls.start(call)
  local self = open()
  if self.tasks.current then
    task.check(self.tasks.current) -- a canceled task sends nothing any more
  end
  if not engine_of(self):submit(call) then
    worlds.begin_in_child()
    engine_of(open()):submit(call)
  end
end

--- Waits until a call is done, or until there is other news of it: its stream has moved, or it has events.
function calls.await(call)
  local self = open()
  local heard = self.news
  if call:done() or heard:take(call) then
    return
  end
  local me = self.tasks:running_task()
  heard:expect(call, me or news.BLOCKED)
  if me then
    task.park(me, taker_back(self), call)
    return
  end
  turning.block(self, function()
    return not self.news.waiting[call]
  end, taker_back(self), call)
end

-- Turns where it stands: to yield would only lead back here. A signal is for the loop to raise, past all that the task would catch.
local function perform_alone(self, call)
  local handle, interrupted = self.handle, worlds.settings.interrupted
  while not call:done() do
    handle:step()
    if interrupted() then
      handle:wake()
      return
    end
  end
  turning.collect(self)
end

--- Takes a call under way and waits until it is done.
function calls.perform(call)
  calls.start(call)
  local self = worlds.present()
  if turning.is_alone(self) then
    perform_alone(self, call)
  end
  while not call:done() do
    calls.await(call)
  end
end

return calls

-- The event loop of this Lua state: time, sleeping, calls under way, and services (an emulator, a receiver) that run beside the tasks.
--
-- C never yields and never calls Lua. Here a task yields until what it waits for has come; code outside of the loop's tasks (or in
-- a coroutine of its own) blocks instead, in turns that serve I/O and services and resume no task.
--
-- A world is what the loop turns in: the real one, with a clock, sockets and the engine over libcurl; or a virtual one (gitdev.test).
local compat = require "gitdev.compat"

if compat.in_nginx then
  return require "gitdev.driver.nginx.loop"
end

local core = require "gitdev.core"
local schedule = require "gitdev.schedule"
local task = require "gitdev.task"

local loop = {}

local function nothing() end

local settings = { on_open = nothing, interrupted = nothing, hold = nothing, held = nothing }

-- ---- worlds ----

local real = { now = core.now, time = core.time }

function real:wait(limit)
  self.handle:step(limit)
end

local world = real -- the present one; what it holds is made on first use: a script that makes no call pays for none of it

local function block_for(one)
  loop.turn_until(one)
end

local function populate(self)
  self.tasks = task.scheduler(block_for)
  self.sleepers = self.timers or schedule.new()
  self.waiting = {} -- by call or socket: the task that waits for news of it, or BLOCKED
  self.calls = 0 -- how many of them
  self.unheard = {} -- by call: there was news, and nobody waited
  self.services = {}
  self.due = nil -- when a service wants to be called anyway
  self.stepped = false -- tasks are resumed by step, for a program that owns the frame
end

local function open()
  local self = world
  if not self.tasks then
    populate(self)
    if self == real then
      self.handle = require("gitdev.net").loop()
      settings.on_open(self.handle:handle())
    end
  end
  return self
end

local function open_engine(self)
  self.engine = self.engine or require("gitdev.net").engine(self.handle, settings)
  return self.engine
end

--- Settings, before the first call: { connect_to = "HOST:PORT:HOST:PORT" reaches the first at the second, on_open = function(handle) is told
-- the loop's handle for C (a light userdata) when it is made, and nil when it is closed,
-- interrupted = function() is asked after each wait whether to raise an error from it; hold, held: see loop.hold_signals }.
function loop.configure(options)
  assert(not real.engine, "calls have been made already")
  for name, value in pairs(options) do
    settings[name] = value
  end
end

--- Runs fn(...) in another world, and comes back. `other` has now() and time(), seconds; wait(self, limit): lets at most `limit` seconds pass
-- (nil: until something happens); engine: what calls are handed to, with the methods of net.engine; timers: a gitdev.schedule, which the loop
-- fires; driver: what clients send with by default.
function loop.within(other, fn, ...)
  local before = world
  world = other
  local results = compat.pack(pcall(fn, ...))
  world = before
  if not results[1] then
    error(results[2], 0)
  end
  return compat.unpack(results, 2, results.n)
end

--- The driver of clients that name none.
function loop.driver()
  return world.driver or require "gitdev.driver.curl"
end

--- Seconds of the monotonic clock.
function loop.now()
  return world.now()
end

--- Seconds since the Unix epoch, with their fraction.
function loop.time()
  return world.time()
end

-- ---- turning ----

local BLOCKED = {}

local function call_services(self)
  local due
  for _, service in ipairs(self.services) do
    local wait = service()
    if wait and (not due or wait < due) then
      due = wait
    end
  end
  self.due = due and world.now() + due
end

-- Hands the news of a call, or a socket, to whoever waits for it. A socket is read before it is waited for: news of it is never missed.
local function announce(self, one, is_socket)
  local waiter = self.waiting[one]
  if not waiter then
    if not is_socket then
      self.unheard[one] = not one:done() or nil
    end
    return
  end
  self.waiting[one], self.calls = nil, self.calls - 1
  if waiter ~= BLOCKED then
    task.wake(waiter)
  end
end

local function collect(self)
  local engine = self.engine
  if engine then
    local one, is_socket = engine:news()
    while one do
      announce(self, one, is_socket)
      one, is_socket = engine:news()
    end
  end
  local told = self.posts and self.posts:collect()
  told = self.commands and self.commands:collect() or told
  if told and self.services[1] then
    self.due = world.now() -- a service may have sent it, and have more to do now
  end
end

local function wake_sleepers(self, now)
  local timer = self.sleepers:take(now)
  while timer do
    timer.action(timer.subject)
    timer = self.sleepers:take(now)
  end
end

--- How long the next wait may be: until the earliest of what is due, at most `limit` seconds (nil: without end).
local function patience(self, limit)
  if self.engine and self.engine.has_news and self.engine:has_news() then
    return 0
  end
  local due = self.sleepers:next_due()
  if self.due and (not due or self.due < due) then
    due = self.due
  end
  if not due then
    return limit
  end
  local wait = due - world.now()
  if wait < 0 then
    wait = 0
  end
  if limit and limit < wait then
    return limit
  end
  return wait
end

--- One turn: waits for I/O, lets services answer, and notes which tasks may go on, without resuming them.
local function turn(self, limit)
  self:wait(patience(self, limit))
  if settings.interrupted() then
    error("interrupted", 0)
  end
  wake_sleepers(self, world.now())
  if self.services[1] then
    call_services(self)
  end
  collect(self)
end

-- Whether nothing is waited for that sockets bring.
local function is_silent(self)
  return self.calls == 0 and not (self.posts and self.posts.count > 0) and not (self.commands and self.commands.count > 0)
end

local function nothing_can_come(self)
  return is_silent(self) and not self.services[1] and not self.sleepers:next_due() and not self.tasks:has_ready()
end

local NOT_HERE = "inside a task, tasks cannot be waited for in a coroutine of the program's own, nor in a callback of sort or gsub"
  .. (compat.pcall ~= pcall and ", nor, on Lua 5.1, in pcall or an iterator: gitdev.pcall can wait, and page:next() or a stream's next" or "")

--- Resumes tasks and turns until `one` is over. Outside of tasks only.
function loop.turn_until(one)
  local self = open()
  if self.tasks.current then
    error(NOT_HERE, 0)
  end
  self.stepped = false -- an error may have left a step before its end
  while not one.finished do
    self.tasks:run_ready()
    if not one.finished then
      if nothing_can_come(self) then
        error("deadlock: every task waits for another one", 0)
      end
      turn(self, self.tasks:has_ready() and 0 or nil)
    end
  end
end

--- For those who own the frame: resumes the tasks that are ready, waits up to `timeout` seconds for I/O (0, the default: not at all), and
-- resumes those that may go on then. Raises the error of a task that has no parent and that nobody waited for.
---@param timeout number|nil
---@return integer alive  tasks that are not over yet
function loop.step(timeout)
  if timeout ~= nil and (type(timeout) ~= "number" or timeout ~= timeout) then
    require("gitdev.error").misuse { message = "step takes a number of seconds, got " .. tostring(timeout) .. "." }
  end
  timeout = math.max(0, timeout or 0)
  local self = open()
  local tasks = self.tasks
  if tasks.current then
    error("gitdev.step is for the program outside of tasks; inside one, gitdev.sleep lets the others go on", 2)
  end
  self.stepped = true
  tasks:run_ready()
  turn(self, tasks:has_ready() and 0 or timeout)
  tasks:run_ready()
  self.stepped = false
  local stray = tasks:take_stray()
  if stray then
    error(stray.error, 0)
  end
  return tasks.alive
end

-- ---- waiting ----

-- Turns for code that blocks. What interrupts the task that it belongs to, if any, ends its waiting too.
local function turn_blocking(self, limit)
  local current = self.tasks.current
  if current then
    task.check(current)
  end
  turn(self, limit)
  if current then
    task.check(current)
  end
end

local function forget_timer(timer)
  schedule.cancel(nil, timer)
end

--- Waits for some seconds: yields in a task, blocks elsewhere.
function loop.sleep(seconds)
  if type(seconds) ~= "number" or seconds ~= seconds or seconds < 0 or seconds == math.huge then
    require("gitdev.error").misuse { message = "sleep takes a number of seconds from 0, got " .. tostring(seconds) .. "." }
  end
  local self = open()
  local due = world.now() + seconds
  local me = self.tasks:running_task()
  if me then
    task.park(me, forget_timer, self.sleepers:at(due, task.wake, me))
    return
  end
  local left = seconds
  while left > 0 do
    turn_blocking(self, left)
    left = due - world.now()
  end
end

--- Ends a call as canceled.
function loop.cancel(call)
  local self = open()
  if self.waiting[call] then
    self.waiting[call], self.calls = nil, self.calls - 1
  end
  self.unheard[call] = nil
  open_engine(self):cancel(call)
end

--- Ends all calls of a C client that are under way, as canceled; whoever waits for one goes on.
function loop.cancel_all(client)
  local engine = open().engine
  if engine then
    engine:cancel_all(client)
  end
end

-- Blocks until there is news of a call.
local function block(self, call)
  self.waiting[call], self.calls = BLOCKED, self.calls + 1
  while self.waiting[call] do
    local ok, err = pcall(turn_blocking, self)
    if not ok then
      loop.cancel(call)
      error(err, 0)
    end
  end
end

-- In a fork's child the connections, the tasks and the services are the parent's: it begins with none. Whoever runs goes on, and blocks.
local function begin_in_child()
  real.tasks, real.engine, real.posts, real.commands, real.handle = nil, nil, nil, nil, nil
end

--- Takes a call under way.
function loop.start(call)
  local self = open()
  if self.tasks.current then
    task.check(self.tasks.current) -- a canceled task sends nothing any more
  end
  if not open_engine(self):submit(call) then
    begin_in_child()
    open_engine(open()):submit(call)
  end
end

--- Waits until a call is done, or until there is other news of it: its stream has moved, or it has events.
function loop.await(call)
  local self = open()
  if call:done() or self.unheard[call] then
    self.unheard[call] = nil
    return
  end
  local me = self.tasks:running_task()
  if not me then
    block(self, call)
    return
  end
  self.waiting[call], self.calls = me, self.calls + 1
  task.park(me, loop.cancel, call)
end

-- Whether nothing but the running code could go on, whatever comes. Under step there is always the program, which waits for its frame.
local function is_alone(self)
  return self == real and not self.stepped and self.tasks.alive <= 1 and is_silent(self) and not self.services[1] and not self.sleepers:next_due()
end

-- Turns where it stands: to yield would only lead back here. A signal is for the loop to raise, past all that the task would catch.
local function perform_alone(self, call)
  local handle, interrupted = self.handle, settings.interrupted
  while not call:done() do
    handle:step()
    if interrupted() then
      handle:wake()
      return
    end
  end
  collect(self)
end

--- Does what the first connection that trusts a PEM file (nil: what the system trusts) would have to. Returns true, or nil and what is wrong
-- with the file.
function loop.warm(ca_file)
  local ok, problem = open_engine(open()):warm(ca_file)
  if ok == false then
    begin_in_child()
    return loop.warm(ca_file)
  end
  return ok, problem
end

--- Takes a call under way and waits until it is done: yields in a task, blocks elsewhere.
function loop.perform(call)
  loop.start(call)
  if is_alone(world) then
    perform_alone(world, call)
  end
  while not call:done() do
    loop.await(call)
  end
end

--- A store has been visited for a shared rate limit (core's limit): its calls may go on.
function loop.poke(limit)
  local engine = open().engine
  if engine then
    engine:poke(limit)
  end
end

--- A call's stream has bytes, or room, again.
function loop.resume(call)
  open().engine:resume(call)
end

-- ---- sockets ----

--- Performs a call that opens a WebSocket. Returns the socket, one of gitdev.net's, or nil: the call's result says why.
function loop.open(call)
  loop.perform(call)
  local engine = open().engine
  return engine and engine:socket(call) -- nil also when the loop was closed since
end

local function forget_socket(wait)
  local self, socket = wait.world, wait.socket
  if self.waiting[socket] == wait.waiter then
    self.waiting[socket], self.calls = nil, self.calls - 1
  end
  schedule.cancel(nil, wait.timer)
end

-- However late it is, once: else who asks again and again, and never waits, would get nothing.
local function block_for_socket(self, wait, due)
  local ok, err
  repeat
    ok, err = pcall(turn_blocking, self, due and math.max(0, due - world.now()))
  until not ok or not self.waiting[wait.socket] or due and world.now() >= due
  forget_socket(wait)
  if not ok then
    error(err, 0)
  end
end

--- Waits for news of a socket that has been read to its end, at most until `due` of now() (nil: without end). It may come back for nothing: read
-- again. Yields in a task, blocks elsewhere; what interrupts it leaves the socket as it is.
function loop.await_socket(socket, due)
  local self = open()
  if self.waiting[socket] then
    require("gitdev.error").misuse { message = "another task waits for this stream already: it has one reader at a time." }
  end
  local me = self.tasks:running_task()
  local wait = { world = self, socket = socket, waiter = me or BLOCKED }
  self.waiting[socket], self.calls = wait.waiter, self.calls + 1
  if me then
    wait.timer = due and self.sleepers:at(due, task.wake, me)
    task.park(me, forget_socket, wait)
    forget_socket(wait)
  else
    block_for_socket(self, wait, due)
  end
end

-- ---- requests that are no calls ----

--- Sends a request to anybody's url, beside the API's calls: see net.poster's send. `done(result)` is called from the loop's turn, and must
-- neither wait nor close the loop. Returns what loop.unpost takes, or nil and why it cannot be sent.
function loop.post(request, done)
  local self = open()
  if not self.handle then
    error("there are no sockets in a virtual world", 2)
  end
  self.posts = self.posts or require("gitdev.loop.posts").new(self.handle)
  local post, problem = self.posts:send(request, done)
  if post == false then
    begin_in_child()
    return loop.post(request, done)
  end
  return post, problem
end

--- Ends a post that is under way; nobody is told.
function loop.unpost(post)
  local list = open().posts
  if list then
    list:drop(post)
  end
end

-- ---- commands to a server ----

--- Sends a command to a server over a link, see gitdev.loop.commands. done(values | nil, word, problem) is called from the loop's turn, and must
-- neither wait nor close the loop. Returns what loop.unask takes, or nil and why nothing was sent.
function loop.ask(link, done, seconds, ...)
  local self = open()
  if not self.handle then
    return nil, "there are no sockets in a virtual world"
  end
  self.commands = self.commands or require("gitdev.loop.commands").new(self.handle)
  local command, problem = self.commands:send(link, done, seconds, ...)
  if command == false then
    begin_in_child()
    return loop.ask(link, done, seconds, ...)
  end
  return command, problem
end

--- Ends a command that is under way; nobody is told.
function loop.unask(command)
  local list = open().commands
  if list then
    list:drop(command)
  end
end

--- Closes a link's connection; what waits for an answer over it is told "away". Its next command makes another.
function loop.unlink(link)
  local connection = link.connection
  link.handle, link.connection = nil, nil
  if connection then
    connection:close()
  end
  if world.commands then
    world.commands:unlink(link)
  end
end

-- Blocks until there is an answer.
local function block_for_answer(self, command, has_come)
  while not has_come() do
    local ok, err = pcall(turn_blocking, self)
    if not ok then
      loop.unask(command)
      error(err, 0)
    end
  end
end

--- Sends a command and waits for the answer: yields in a task, blocks elsewhere. Returns what loop.ask hands to done; "away" and why, when
-- nothing was sent.
function loop.answer(link, seconds, ...)
  local me, results
  local command, problem = loop.ask(link, function(...)
    results = compat.pack(...)
    if me then
      task.wake(me)
    end
  end, seconds, ...)
  if not command then
    return nil, "away", problem
  end
  local self = open()
  me = self.tasks:running_task()
  while me and not results do
    task.park(me, loop.unask, command)
  end
  block_for_answer(self, command, function() return results ~= nil end)
  return compat.unpack(results, 1, results.n)
end

-- ---- tasks ----

--- Runs fn(...) as a task and all that it spawns, turning the loop until they have ended. Returns true and its results, or false, its error
-- and the traceback of where it was raised. Not for use inside a task.
function loop.attempt(fn, ...)
  local one = open().tasks:spawn(nil, fn, ...)
  one.heard = true
  loop.turn_until(one)
  if one.failed then
    return false, one.error, one.traceback
  end
  return true, compat.unpack(one.results, 1, one.results.n)
end

--- Raises an error that was raised elsewhere before; `traceback` says where.
function loop.raise(err, traceback)
  task.raise(open().tasks, err, traceback)
end

--- Makes a task of fn(...). It begins when the loop turns next. Inside a task it is a child of that one: see gitdev.task.
---@return table task
function loop.spawn(fn, ...)
  if type(fn) ~= "function" then
    require("gitdev.error").misuse { message = "a task is made of a function, got a " .. type(fn) .. "." }
  end
  local tasks = open().tasks
  return tasks:spawn(tasks.current, fn, ...)
end

--- The task that runs, or nil.
function loop.current()
  return open().tasks:running_task()
end

--- Runs fn(...) as a task, and all that it spawns. Returns what fn returns, raises what it, or a task below it, raises.
function loop.run(fn, ...)
  local tasks = open().tasks
  if tasks.current and not tasks:running_task() then
    error(NOT_HERE, 0) -- before there is a task that nobody waits for
  end
  return loop.spawn(fn, ...):wait()
end

--- Calls `action(subject)` at a time of now(), from the loop's turn: it must not wait. Returns a timer for loop.unschedule.
function loop.schedule(at, action, subject)
  return open().sleepers:at(at, action, subject)
end

loop.unschedule = forget_timer

--- Forgets all tasks, where they stand: none is resumed any more. For a host whose user has broken off what ran.
function loop.abandon()
  if world.tasks then
    local services = world.services -- what these have sent is theirs to hear of
    populate(world)
    world.services = services
  end
end

-- ---- signals ----

--- Under the host: while on, a first signal interrupts nothing, but ends the wait, and loop.held_signal() tells its number; so a service can end
-- in good order. Switched off, what is held interrupts as ever. A second signal is not held. Elsewhere the signals are the program's own.
function loop.hold_signals(on)
  settings.hold(on)
end

function loop.held_signal()
  return settings.held()
end

-- ---- services ----

--- Has `service()` called after each turn. It must not block; it returns the seconds after which it wants to be called anyway, or nil.
function loop.serve(service)
  local self = open()
  self.services[#self.services + 1] = service
  call_services(self)
end

--- Whether it is among them.
function loop.serves(service)
  for _, one in ipairs(open().services) do
    if one == service then
      return true
    end
  end
  return false
end

function loop.unserve(service)
  local services = open().services
  for i = #services, 1, -1 do
    if services[i] == service then
      table.remove(services, i)
    end
  end
end

--- Makes a listener on the loop; see net.listener.
function loop.listen(options)
  local handle = open().handle
  if not handle then
    error("there are no sockets in a virtual world", 2)
  end
  return require("gitdev.net").listener(handle, options)
end

--- Closes what the loop holds: calls under way end as canceled, connections are closed. Using it again makes a new one.
function loop.close()
  local engine, posts, commands, handle = world.engine, world.posts, world.commands, world.handle
  world.tasks, world.engine, world.posts, world.commands, world.handle = nil, nil, nil, nil, nil
  for _, one in ipairs { engine or false, posts or false, commands or false } do
    if one then
      one:close()
    end
  end
  if handle then
    settings.on_open(nil) -- nobody is to wake it any more
    handle:close()
  end
end

return loop

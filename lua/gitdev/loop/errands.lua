-- What is sent on the loop and is no call: posts to anybody's url, and commands to a server over a link. Both tell of their end by calling
-- `done` from the loop's turn, which must neither wait nor close the loop.
local commands = require "gitdev.loop.commands"
local compat = require "gitdev.compat"
local posts = require "gitdev.loop.posts"
local task = require "gitdev.task"
local turning = require "gitdev.loop.turning"
local worlds = require "gitdev.loop.worlds"

local errands = {}

local NO_SOCKETS = "there are no sockets in a virtual world"

--- Sends a request to anybody's url, beside the API's calls: see net.poster's send. `done(result)` is told of its end. Returns what
-- loop.unpost takes, or nil and why it cannot be sent.
function errands.post(request, done)
  local self = worlds.open()
  if not self.handle then
    error(NO_SOCKETS, 2)
  end
  self.posts = self.posts or posts.new(self.handle)
  local post, problem = self.posts:send(request, done)
  if post == false then
    worlds.begin_in_child()
    return errands.post(request, done)
  end
  return post, problem
end

--- Ends a post that is under way; nobody is told.
function errands.unpost(post)
  local list = worlds.present().posts
  if list then
    list:drop(post)
  end
end

--- Sends a command to a server over a link, see gitdev.loop.commands. done(values | nil, word, problem) is told of its end. Returns what loop.unask
-- takes, or nil and why nothing was sent.
function errands.ask(link, done, seconds, ...)
  local self = worlds.open()
  if not self.handle then
    return nil, NO_SOCKETS
  end
  self.commands = self.commands or commands.new(self.handle)
  local command, problem = self.commands:send(link, done, seconds, ...)
  if command == false then
    worlds.begin_in_child()
    return errands.ask(link, done, seconds, ...)
  end
  return command, problem
end

--- Ends a command that is under way; nobody is told.
function errands.unask(command)
  local list = worlds.present().commands
  if list then
    list:drop(command)
  end
end

errands.unlink = commands.unlink

--- Sends a command and waits for the answer: yields in a task, blocks elsewhere. Returns what loop.ask hands to done; "away" and why, when
-- nothing was sent.
function errands.answer(link, seconds, ...)
  local me, results
  local command, problem = errands.ask(link, function(...)
    results = compat.pack(...)
    if me then
      task.wake(me)
    end
  end, seconds, ...)
  if not command then
    return nil, "away", problem
  end
  local self = worlds.open()
  local list = self.commands
  local function drop()
    list:drop(command) -- who cancels the task may be in another world
  end
  me = self.tasks:running_task()
  while me and not results do
    task.park(me, drop)
  end
  turning.block(self, function()
    return results ~= nil
  end, drop)
  return compat.unpack(results, 1, results.n)
end

return errands

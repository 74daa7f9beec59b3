-- Log streams of an emulator without a socket: the spec is the transport, and keeps what is sent.
local json = require "gitdev.json"

local streams = {}

local one = {}
one.__index = one

local function peer_of(self)
  return {
    send = function(text)
      self.texts[#self.texts + 1] = text
      self.messages[#self.messages + 1] = json.read(text) or text
      if self.room then
        self.room = self.room - 1
      end
      return not self.room or self.room > 0
    end,
    send_binary = function()
      self.messages[#self.messages + 1] = "binary"
    end,
    send_raw = function(bytes)
      self.messages[#self.messages + 1] = "raw " .. bytes
    end,
    close = function(code, reason)
      self.code, self.reason = code, reason
    end,
    abort = function()
      self.code = "cut"
    end,
  }
end

--- Opens a stream: the handshake alone, without `attach`. `extra`: as for world.send. Returns the answer, whose `raw.stream` is to be attached.
function streams.ask(w, path, extra)
  local all = { upgrade = "good", headers = { ["sec-websocket-protocol"] = "git.logs.v1" } }
  for name, value in pairs(extra or {}) do
    all[name] = value
  end
  return w:get(path, all)
end

--- Opens the stream of `thing` (a deployment or a job), with a peer that has `room` for so many messages (nil: for all).
-- `query` begins with "?". It has `messages` (decoded), `texts`, and when it is closed `code` and `reason`.
function streams.open(w, thing, query, extra, room)
  local path = ("/%ss/%s/logs/stream%s"):format(thing.object, thing.id, query or "")
  local answer = streams.ask(w, path, extra)
  assert(answer.status == 101, answer.body)
  local self = setmetatable({ w = w, answer = answer, stream = answer.raw.stream, messages = {}, texts = {}, room = room }, one)
  self.stream:attach(peer_of(self))
  self:go()
  return self
end

--- Whether the emulator has something to do at this moment.
function streams.is_due(w)
  return (w.emulator:next_due() or math.huge) < w.now + 0.0005
end

--- Has the emulator do all that it can at this moment.
function one:go()
  repeat
    self.w.emulator:advance()
  until not streams.is_due(self.w)
  return self
end

--- Lets seconds pass, and the emulator go on.
function one:wait(seconds)
  self.w:wait(seconds)
  return self:go()
end

--- Lets seconds pass in steps, and answers each ping.
function one:live(seconds, step)
  for _ = 1, seconds / (step or 1) do
    self:wait(step or 1)
    self:pong()
  end
  return self
end

--- Sends a message.
function one:say(text)
  self.stream:receive(text)
  return self:go()
end

--- Answers the last message, if it is a ping that has no answer.
function one:pong()
  local last = self.messages[#self.messages]
  if type(last) == "table" and last.type == "ping" and last.id ~= self.answered then
    self.answered = last.id
    self:say(('{"type":"pong","id":"%s"}'):format(last.id))
  end
end

--- Has room for so many messages again.
function one:make_room(room)
  self.room = room
  self.stream:writable()
  return self:go()
end

--- The messages of a type.
function one:of(kind)
  local found = {}
  for _, message in ipairs(self.messages) do
    found[#found + 1] = message.type == kind and message or nil
  end
  return found
end

--- The messages in short, from number `first` on: lines by their number, statuses by their word, others by their type.
function one:short(first)
  local words = {}
  for index = first or 1, #self.messages do
    local message = self.messages[index]
    if message.type == "log" and message.seq then
      words[#words + 1] = ("%d"):format(message.seq)
    elseif message.type == "gap" then
      words[#words + 1] = ("gap %d-%d %s"):format(message.from_seq, message.to_seq, message.reason)
    elseif message.type == "error" then
      words[#words + 1] = "error " .. message.error.code
    else
      words[#words + 1] = message.type and (message.type == "status" and message.status or message.type) or tostring(message)
    end
  end
  return table.concat(words, " ")
end

return streams

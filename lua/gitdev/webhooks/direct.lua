-- Events are handled before they are answered, which is within the sender's 15 seconds: what fails is answered 500, and comes again. An id
-- is claimed in the store first, so that of several receivers with one store one handles it.
local errors = require "gitdev.error"
local handlers = require "gitdev.webhooks.handlers"
local loop = require "gitdev.loop"
local request = require "gitdev.webhooks.request"

local direct = {}
direct.__index = direct

direct.TIMEOUT = 13 -- seconds, of the sender's 15: the rest is the network's
local LEASE_MARGIN = 30 -- seconds that a claim outlives the longest handler by
local TTL = 4 * 86400 -- a sender tries for 75.6 hours (contract 3.4)

direct.LEASE_MARGIN, direct.TTL = LEASE_MARGIN, TTL

---@param receiver table  handlers, timeout, queue, ask_store(one, name, ...), report(err, event, traceback), nudge()
function direct.new(receiver)
  return setmetatable({ receiver = receiver, under_way = {}, count = 0 }, direct)
end

local function finish(self, work, reason)
  if self.under_way[work.id] ~= work then
    return -- it was cut off, and answered then
  end
  self.under_way[work.id] = nil
  for _, exchange in ipairs(work.exchanges) do
    if reason then
      request.refuse(exchange, reason)
    else
      request.accept(exchange, 204)
    end
  end
  self.count = self.count - #work.exchanges
  self.receiver:nudge()
end

local function handle(self, work, fn)
  local receiver = self.receiver
  local ok, token, state = receiver:ask_store(work, "claim", receiver.timeout + LEASE_MARGIN)
  if not ok then
    return finish(self, work, "unavailable")
  elseif not token then
    return finish(self, work, state ~= "done" and "claimed" or nil)
  elseif self.is_cut_off then
    receiver:ask_store(work, "release", token)
    return finish(self, work, "unavailable")
  end
  local fine, err, traceback = handlers.attempt(work, receiver.timeout, fn, work.event, work.delivery)
  if fine then
    receiver:ask_store(work, "confirm", TTL)
    return finish(self, work)
  end
  receiver:report(err, work.event, traceback)
  receiver:ask_store(work, "release", token)
  local is_late = errors.is(err, "timeout_error") or errors.is(err, "canceled_error")
  return finish(self, work, is_late and "timeout" or "internal_error")
end

---Takes an event that was verified. The same id once more, while it is handled, waits for the same outcome.
function direct:take(exchange, event, delivery)
  local work, fn = self.under_way[event.id], self.receiver.handlers:pick(event.type)
  if not fn then
    return request.accept(exchange, 204)
  elseif self.count >= self.receiver.queue then
    return request.refuse(exchange, "queue_full")
  end
  self.count = self.count + 1
  if work then
    work.exchanges[#work.exchanges + 1] = exchange
    return
  end
  delivery.try = 1
  work = { id = event.id, event = event, delivery = delivery, exchanges = { exchange } }
  self.under_way[event.id] = work
  loop.spawn(handle, self, work, fn)
end

function direct.turn() end

function direct.drain() end

---How many events wait or are handled.
function direct:pending()
  return self.count
end

---Whether nothing is being handled.
function direct:is_idle()
  return next(self.under_way) == nil
end

---Ends the handlers that run, and waits for the store; begins no other. Their events are answered 503.
function direct:cut_off()
  self.is_cut_off = true
  for _, work in pairs(self.under_way) do
    if work.task then
      work.task:cancel()
    end
  end
end

---Answers what is still unanswered.
function direct:close()
  for _, work in pairs(self.under_way) do
    finish(self, work, "unavailable")
  end
end

return direct

-- Webhook deliveries over real sockets: contract 3.4, 4.1, from the emulator's server to receivers in this process. The emulator's clock is moved
-- by its control plane; nothing here depends on how long anything takes.
local gitdev = require "gitdev"
local json = require "gitdev.json"
local loop = require "gitdev.loop"
local net = require "gitdev.net"
local server = require "gitdev.emulator.server"

local HOUR_MS = 3600 * 1000
local PATIENCE = 60

describe("the emulator's sender", function()
  local started, receivers, git

  -- A receiver: handler(request, number) returns { status=, fields=, body=, raw=, reset= }, or "hold".
  local function receive(handler, certificate)
    local self = { requests = {}, held = {}, listener = assert(loop.listen { certificate = certificate }) }
    self.url = ("%s://127.0.0.1:%d/hooks"):format(certificate and "https" or "http", self.listener:port())
    self.service = function()
      local exchange = self.listener:next()
      while exchange do
        local method, target, headers, body = exchange:request()
        local request = { method = method, target = target, headers = headers, body = body, at = started.emulator.now_ms }
        self.requests[#self.requests + 1] = request
        local answer = handler and handler(request, #self.requests) or { status = 204 }
        if answer == "hold" then
          self.held[#self.held + 1] = exchange
        elseif answer.raw then
          exchange:raw(answer.raw, answer.reset)
          exchange:close()
        else
          exchange:answer(answer.status, answer.fields or {}, answer.body)
          exchange:close()
        end
        exchange = self.listener:next()
      end
    end
    loop.serve(self.service)
    receivers[#receivers + 1] = self
    return self
  end

  -- Answers those that are held.
  local function release(self, status)
    local held = self.held
    self.held = {}
    for _, exchange in ipairs(held) do
      exchange:answer(status, {})
      exchange:close()
    end
  end

  local function start(options)
    options = options or {}
    options.seed = 1
    started = assert(server.start(options))
    git = gitdev.client { api_key = started.api_key, base_url = started.url, ca_file = started.ca_file }
  end

  local function wait_until(what, fn)
    local till = loop.now() + PATIENCE
    while not fn() do
      assert(loop.now() < till, "in vain: " .. what)
      loop.sleep(0.002)
    end
  end

  local function control(method, path, body)
    local exchange = started.emulator:handle {
      method = method, target = "/_emulator" .. path, headers = {}, body = body and assert(json.encode(body)),
    }
    return json.decode(exchange.body or "") or exchange.status
  end

  -- Moves the emulator's time, and waits until it is there.
  local function move(ms)
    local clock = control("POST", "/clock", { advance_ms = ms })
    wait_until("the clock", function()
      clock = control("GET", "/clock")
      return clock.left_ms == 0
    end)
  end

  local function webhook_of(receiver, events)
    return git.webhooks:create { url = receiver.url, events = events or { "webhook.ping" } }
  end

  -- Pings, and waits for the delivery to be `status`.
  local function delivery_at(delivery, status)
    local now
    wait_until(status, function()
      now = git.webhooks.deliveries:get(delivery.webhook_id, delivery.id)
      return now.status == status
    end)
    return now
  end

  before_each(function()
    receivers = {}
  end)

  after_each(function()
    for _, one in ipairs(receivers) do
      loop.unserve(one.service)
      release(one, 204)
      one.listener:close()
    end
    git:close()
    started:stop()
    loop.close()
  end)

  it("tells nobody but this machine, unless it is told to", function()
    for _, public in ipairs { false, true } do
      start { deliver_public = public }
      local webhook = git.webhooks:create { url = "https://receiver.invalid/hooks", events = { "webhook.ping" } }
      local done = delivery_at(git.webhooks:ping(webhook), public and "retrying" or "succeeded")
      assert.equal(public and "dns" or nil, done.attempts[1].error)
      git:close()
      started:stop()
    end
    start()
  end)

  it("sends the bytes and headers of the contract, signed", function()
    start()
    local receiver = receive()
    local made = webhook_of(receiver)
    local delivery = git.webhooks:ping(made)
    local done = delivery_at(delivery, "succeeded")
    local sent = receiver.requests[1]
    assert.equal("POST", sent.method)
    assert.equal("/hooks", sent.target)
    assert.same({ "1", delivery.id, "webhook.ping" },
      { sent.headers["x-git-attempt"], sent.headers["x-git-delivery"], sent.headers["x-git-event"] })
    assert.equal("Git-Webhooks/2.4", sent.headers["user-agent"])
    assert.equal("application/json; charset=utf-8", sent.headers["content-type"])
    assert.is_nil(sent.headers.authorization)
    assert.is_nil(sent.headers.accept)
    assert.equal(delivery.event_id, gitdev.webhooks.verify(sent.body, sent.headers, made.secret).id)
    assert.equal(delivery.event_id, gitdev.webhooks.verify(sent.body, sent.headers, made.secret, { scheme = "standard" }).id)
    assert.same({ 204, nil, sent.body }, { done.attempts[1].status_code, done.attempts[1].error, done.attempts[1].request.body })
  end)

  it("goes through the whole schedule when time is moved over it, one attempt after another", function()
    start()
    local receiver = receive(function()
      return { status = 500, body = ("x"):rep(5000) }
    end)
    local delivery = git.webhooks:ping(webhook_of(receiver))
    move(90 * HOUR_MS)
    local failed = delivery_at(delivery, "failed")
    assert.equal(10, #receiver.requests)
    assert.equal(10, #failed.attempts)
    local after = { 0, 5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400 }
    for number, attempt in ipairs(failed.attempts) do
      assert.equal(tostring(number), receiver.requests[number].headers["x-git-attempt"])
      assert.equal(4096, #attempt.response.body)
      local wait = number > 1 and attempt.at - failed.attempts[number - 1].at or 0
      assert.is_true(math.abs(wait - after[number]) <= after[number] * 0.1 + 17, number .. ": " .. wait)
      assert.equal(receiver.requests[1].body, receiver.requests[number].body)
    end
    assert.same({ "disabled", "failing" }, { git.webhooks:get(delivery.webhook_id).status, git.webhooks:get(delivery.webhook_id).disabled_reason })
  end)

  it("tells how far a moved clock has come, and answers others meanwhile", function()
    start()
    local receiver = receive(function(_, number)
      return number == 1 and "hold" or { status = 204 }
    end)
    local made = webhook_of(receiver)
    git.webhooks:ping(made)
    wait_until("the attempt", function()
      return receiver.held[1] ~= nil
    end)
    local clock = control("POST", "/clock", { advance_ms = HOUR_MS })
    assert.equal(HOUR_MS, clock.left_ms)
    assert.equal("my-app", git.projects:get("my-app").slug)
    assert.equal(HOUR_MS, control("GET", "/clock").left_ms)
    release(receiver, 204)
    wait_until("the rest", function()
      return control("GET", "/clock").left_ms == 0
    end)
    assert.is_true(control("GET", "/clock").now_ms >= clock.now_ms + HOUR_MS)
  end)

  it("waits as long as Retry-After says, ends at 410, and follows no redirect", function()
    start()
    local receiver = receive(function(_, number)
      return number == 1 and { status = 503, fields = { "Retry-After", "7200" } }
        or number == 2 and { status = 302, fields = { "Location", "http://127.0.0.1:1/" } }
        or { status = 410 }
    end)
    local delivery = git.webhooks:ping(webhook_of(receiver))
    move(24 * HOUR_MS)
    local failed = delivery_at(delivery, "failed")
    assert.equal(3, #receiver.requests)
    assert.is_true(failed.attempts[2].at - failed.attempts[1].at >= 7200)
    assert.same({ 302, "redirect" }, { failed.attempts[2].status_code, failed.attempts[2].error })
    assert.equal("gone", git.webhooks:get(delivery.webhook_id).disabled_reason)
  end)

  it("signs with both secrets during a rotation, and redelivers the same event", function()
    start()
    local receiver = receive()
    local made = webhook_of(receiver)
    local rotated = git.webhooks:rotate_secret(made)
    local first = delivery_at(git.webhooks:ping(made), "succeeded")
    local again = delivery_at(git.webhooks.deliveries:redeliver(made.id, first.id), "succeeded")
    assert.is_true(again.redelivery)
    for number = 1, 2 do
      local sent = receiver.requests[number]
      local _, count = sent.headers["x-git-signature"]:gsub("v1=", "")
      assert.equal(2, count)
      for _, secret in ipairs { made.secret, rotated.secret } do
        assert.equal(first.event_id, gitdev.webhooks.verify(sent.body, sent.headers, secret).id)
      end
    end
    assert.equal(receiver.requests[1].body, receiver.requests[2].body)
  end)

  it("has ten attempts under way to an endpoint at most", function()
    start()
    local receiver = receive(function()
      return "hold"
    end)
    local made = webhook_of(receiver)
    for _ = 1, 12 do
      git.webhooks:ping(made)
    end
    wait_until("ten", function()
      return #receiver.held == 10
    end)
    control("POST", "/clock", { advance_ms = 0 })
    assert.equal(10, #receiver.requests)
    release(receiver, 204)
    wait_until("the rest", function()
      return #receiver.requests == 12
    end)
  end)

  it("names what went wrong with the contract's words", function()
    start()
    local certificate = net.certificate { "127.0.0.1" }
    local cases = {
      { "reset", { raw = "", reset = true } },
      { "reset", { raw = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort" } },
      { "reset", { raw = "what is this\r\n\r\n" } },
      { "too_large", { status = 200, body = ("x"):rep(2 * 1024 * 1024) } },
      { "tls", { status = 200 }, certificate },
    }
    for _, case in ipairs(cases) do
      local receiver = receive(function()
        return case[2]
      end, case[3])
      local delivery = git.webhooks:ping(webhook_of(receiver))
      local now = delivery_at(delivery, "retrying")
      assert.same({ case[1], nil, nil }, { now.attempts[1].error, now.attempts[1].status_code, now.attempts[1].response })
    end
    local delivery = git.webhooks:ping(webhook_of { url = "http://127.0.0.1:1/" })
    assert.equal("refused", delivery_at(delivery, "retrying").attempts[1].error)
  end)

  it("trusts a receiver's certificate when it is told to", function()
    local certificate = net.certificate { "127.0.0.1" }
    local file = assert(net.temporary_file("gitdev-spec-", certificate:authority_pem()))
    start { deliver_ca_file = file:path() }
    local receiver = receive(nil, certificate)
    delivery_at(git.webhooks:ping(webhook_of(receiver)), "succeeded")
    file:close()
    assert.equal(1, #receiver.requests)
  end)

  it("leaves to the table the urls that it knows, and everything with deliver = false", function()
    start()
    local receiver = receive()
    started.emulator:endpoint { url = receiver.url, status = 418 }
    assert.equal(418, delivery_at(git.webhooks:ping(webhook_of(receiver)), "retrying").last_status_code)
    git:close()
    started:stop()
    start { deliver = false }
    delivery_at(git.webhooks:ping(webhook_of(receiver)), "succeeded")
    assert.equal(0, #receiver.requests)
  end)

  it("forgets what is under way when the emulator is reset, or stopped", function()
    start()
    local receiver = receive(function()
      return "hold"
    end)
    local count = #started.emulator:events()
    git.webhooks:ping(webhook_of(receiver))
    wait_until("the attempt", function()
      return receiver.held[1] ~= nil
    end)
    control("POST", "/clock", { advance_ms = HOUR_MS })
    started.emulator:reset()
    assert.equal(0, control("GET", "/clock").left_ms)
    release(receiver, 500)
    git.projects:get "my-app"
    assert.equal(count, #started.emulator:events())
  end)
end)

-- gitdev.webhooks.serve: what it answers, what it hands to whom, and how it ends. Deliveries are real requests to real sockets.
local errors = require "gitdev.error"
local gitdev = require "gitdev"
local json = require "gitdev.json"
local loop = require "gitdev.loop"
local process = require "spec.lua.support.process"
local sender = require "spec.lua.support.sender"
local pcall = gitdev.pcall -- tasks wait in it

local SECRET = sender.SECRET
local serve = require("gitdev.safe").webhooks.serve

local function nothing() end

-- Runs fn(receiver) in a task with a receiver of its own, which is stopped after it. Errors are told to nobody, unless it `tells` on stderr.
local function with(options, fn, tells)
  options.port, options.secret = options.port or 0, options.secret or SECRET
  options.on = options.on or { ["*"] = nothing }
  options.on_error = options.on_error or not tells and nothing or nil
  loop.run(function()
    local receiver = assert(serve(options))
    fn(receiver)
    receiver:stop()
  end)
end

-- Runs fn(...). Returns what was written to stderr meanwhile.
local function listen_to_stderr(fn, ...)
  local before, said = io.stderr, {}
  io.stderr = { write = function(_, ...) said[#said + 1] = table.concat { ... } end } -- luacheck: ignore 122
  local ok, err = pcall(fn, ...)
  io.stderr = before -- luacheck: ignore 122
  assert.is_true(ok, err)
  return table.concat(said)
end

local function reason_of(result)
  return json.decode(result.body).error.code
end

local function wait_until(condition)
  while not condition() do
    loop.sleep(0.002)
  end
end

describe("gitdev.webhooks.serve", function()
  it("hands a delivery to its handler, and answers 204 when that has returned", function()
    local got
    local function handler(event, delivery)
      gitdev.sleep(0.01)
      got = { event = event, delivery = delivery }
    end
    with({ path = "/hooks", on = { ["deployment.completed"] = handler } }, function(receiver)
      local body = sender.body { id = "evt_8x9y7z6w5v4u", data = '"url":"https://my-app.git.dev"' }
      assert.equal("http://127.0.0.1:" .. receiver.port .. "/hooks", receiver.url)
      assert.equal("receiver at " .. receiver.url, tostring(receiver))
      local status, result = sender.deliver(receiver.url, body, { delivery = "dlv_8x9y7z6w5v4u", attempt = "3" })
      assert.equal(204, status)
      assert.equal("", result.body)
      assert.equal("evt_8x9y7z6w5v4u", got.event.id)
      assert.equal("my-app", got.event.data.project)
      assert.is_true(got.event:is "deployment.*")
      assert.same({ "dlv_8x9y7z6w5v4u", 3, 1, body }, { got.delivery.id, got.delivery.attempt, got.delivery.try, got.delivery.body })
      assert.is_true(math.abs(got.delivery.received_at - os.time()) < 60)
    end)
  end)

  it("chooses the most specific handler, and that one alone", function()
    local cases = {
      { "deployment.completed", "exact" },
      { "deployment.failed", "family" },
      { "deployment.of.the.future", "all" },
      { "build.failed", "all" },
      { "unheard_of.thing", "all" },
    }
    local heard
    local function note(name)
      return function()
        heard[#heard + 1] = name
      end
    end
    with({ on = { ["deployment.completed"] = note "exact", ["deployment.*"] = note "family", ["*"] = note "all" } }, function(receiver)
      for _, case in ipairs(cases) do
        heard = {}
        assert.equal(204, (sender.deliver(receiver.url, sender.body { type = case[1] })))
        assert.same({ case[2] }, heard, case[1])
      end
    end)
  end)

  it("answers 204 to what nobody handles", function()
    with({ on = { ["build.*"] = error } }, function(receiver)
      assert.equal(204, (sender.deliver(receiver.url)))
    end)
  end)

  local now = 1718942301
  local refusals = {
    { "another secret's signature", { secret = "whsec_other" }, 401, "no_match" },
    { "a malformed signature", { signature = "sha256=" .. ("0"):rep(64) }, 401, "malformed_header" },
    { "no signature", { headers = {} }, 401, "malformed_header" },
    { "an old signature", { now = now - 301 }, 401, "timestamp_outside_tolerance" },
    { "a signature of the future", { now = now + 301 }, 401, "timestamp_outside_tolerance" },
    { "a body that is no JSON", { body = "{" }, 400, "bad_payload" },
    { "a body that is no event", { body = '{"id":"evt_1"}' }, 400, "bad_payload" },
    { "an event without a name", { body = '{"id":"","type":"build.failed","timestamp":1,"data":{}}' }, 400, "bad_payload" },
    { "another path", { target = "/hooks/" }, 404, "resource_missing" },
    { "a body of 64 KiB and one byte", { size = 65537 }, 413, "payload_too_large" },
    { "a body far too large", { size = 300000 }, 413, "payload_too_large" },
  }
  for _, case in ipairs(refusals) do
    local options = case[2]
    it("refuses " .. case[1] .. ", and says the reason and no more", function()
      with({ path = "/hooks", clock = now, on = { ["*"] = error } }, function(receiver)
        local body = options.body or options.size and sender.body { data = ('"x":"%s"'):format(("x"):rep(options.size)) }:sub(1, options.size)
        options.now = options.now or now
        local url = receiver.url:gsub("/hooks$", options.target or "/hooks")
        local status, result = sender.deliver(url, body, options)
        assert.equal(case[3], status)
        assert.equal(case[4], reason_of(result))
        assert.is_nil(result.body:find(SECRET, 1, true))
        assert.is_nil(result.body:find "stack traceback")
      end)
    end)
  end

  it("takes an event of 64 KiB, of whatever content type, and with a query", function()
    with({ path = "/hooks" }, function(receiver)
      local body = sender.body { data = '"x":""' }
      body = body:gsub('"x":""', ('"x":"%s"'):format(("x"):rep(65536 - #body)))
      local headers = sender.headers(body)
      headers[2] = "text/plain"
      assert.equal(204, (sender.deliver(receiver.url .. "?from=here", body, { headers = headers })))
    end)
  end)

  it("answers 405 to what is no POST, and says what is allowed", function()
    with({}, function(receiver)
      for _, method in ipairs { "GET", "HEAD", "PUT", "OPTIONS" } do
        local text = sender.say(receiver.port, sender.request(method, "/"))
        assert.matches("^HTTP/1.1 405 .*\r\nAllow: POST\r\n", text)
      end
    end)
  end)

  it("takes a target in its absolute form", function()
    with({ path = "/hooks" }, function(receiver)
      for _, scheme in ipairs { "http", "HTTP" } do
        local body = sender.body()
        local text = sender.say(receiver.port, sender.request("POST", scheme .. "://example.com/hooks?x", body, sender.headers(body)))
        assert.matches("^HTTP/1.1 204 ", text)
      end
    end)
  end)

  it("accepts several secrets, as during a rotation", function()
    with({ secret = { "whsec_new", "whsec_old" } }, function(receiver)
      assert.equal(204, (sender.deliver(receiver.url, nil, { secret = "whsec_old" })))
      assert.equal(204, (sender.deliver(receiver.url, nil, { secret = "whsec_new" })))
      assert.equal(401, (sender.deliver(receiver.url, nil, { secret = "whsec_older" })))
    end)
  end)

  it("answers 500 when the handler fails, tells on_error, and takes the event again", function()
    local tries, told = 0, {}
    local options = {
      on = {
        ["*"] = function()
          tries = tries + 1
          if tries == 1 then
            error "the database is on fire"
          end
        end,
      },
      on_error = function(err, event, traceback)
        loop.sleep(0.001)
        told[#told + 1] = { err, event, traceback }
      end,
    }
    with(options, function(receiver)
      local body = sender.body { id = "evt_again" }
      local status, result = sender.deliver(receiver.url, body)
      assert.equal(500, status)
      assert.equal("internal_error", reason_of(result))
      assert.is_nil(result.body:find "fire")
      assert.equal(204, (sender.deliver(receiver.url, body)))
      assert.equal(204, (sender.deliver(receiver.url, body)))
      assert.equal(2, tries)
      wait_until(function() return told[1] end)
      assert.matches("the database is on fire", told[1][1])
      assert.equal("evt_again", told[1][2].id)
      assert.matches("receiver_spec", told[1][3])
    end)
  end)

  it("goes on when on_error fails too", function()
    local function fail() error "no" end
    local said = listen_to_stderr(with, { on = { ["*"] = fail }, on_error = fail }, function(receiver)
      assert.equal(500, (sender.deliver(receiver.url)))
      assert.equal(500, (sender.deliver(receiver.url)))
    end)
    assert.matches("on_error failed", said)
  end)

  local function fail() error "looked at" end
  local raised = {
    { "nil", nil, "nil" },
    { "a number", 7, "7" },
    { "a table", { message = "the table's message" }, "the table's message" },
    { "a table that raises when it is read", setmetatable({}, { __index = fail, __tostring = function() return "its text" end }), "its text" },
    { "a table whose text raises", setmetatable({}, { __tostring = fail }), "says nothing, a table" },
    { "a table whose text is none", setmetatable({}, { __tostring = function() return {} end }), "says nothing, a table" },
    { "a secret", "whsec_abcdefghijklmnopqrstuvwxyz012345 is no key", "is no key" },
  }
  for _, case in ipairs(raised) do
    it("goes on when a handler raises " .. case[1], function()
      local options = { on = { ["*"] = function() error(case[2], 0) end } }
      local said = listen_to_stderr(function()
        with(options, function(receiver)
          assert.equal(500, (sender.deliver(receiver.url)))
          assert.equal(500, (sender.deliver(receiver.url)))
        end, true)
      end)
      assert.is_truthy(said:find(case[3], 1, true), said)
      assert.is_nil(said:find("abcdefghij", 1, true))
    end)
  end

  it("handles an event once that comes twice, also at the same time, and gives both the same answer", function()
    local runs = 0
    local function handler()
      runs = runs + 1
      gitdev.sleep(0.05)
      if runs == 1 then
        error "the first time"
      end
    end
    with({ on = { ["*"] = handler } }, function(receiver)
      local body = sender.body()
      for _, expected in ipairs { 500, 204, 204 } do
        for _, result in ipairs(sender.all(receiver.url, { body, body, body })) do
          assert.equal(expected, result.status)
        end
      end
      assert.equal(2, runs)
    end)
  end)

  it("ends a handler whose time is over, and what it has begun, and answers 503", function()
    local ended = 0
    local function handler()
      gitdev.spawn(function()
        pcall(gitdev.sleep, 60)
        ended = ended + 1
      end)
      pcall(gitdev.sleep, 60)
      ended = ended + 1
      gitdev.sleep(60)
    end
    local told
    with({ timeout = 0.05, on = { ["*"] = handler }, on_error = function(err) told = err end }, function(receiver)
      local status, result = sender.deliver(receiver.url)
      assert.equal(503, status)
      assert.equal("timeout", reason_of(result))
      assert.equal("5", sender.header(result, "retry-after"))
      assert.equal(2, ended)
      wait_until(function() return told end)
      assert.equal("timeout_error", told.type)
    end)
  end)

  it("handles several at once, and answers 503 with Retry-After when too many wait", function()
    local running, most, go = 0, 0, false
    local function handler()
      running = running + 1
      most = math.max(most, running)
      wait_until(function() return go end)
      running = running - 1
    end
    with({ queue = 3, on = { ["*"] = handler } }, function(receiver)
      local results = {}
      for i = 1, 3 do
        sender.start(receiver.url, sender.body(), nil, function(result) results[i] = result end)
      end
      wait_until(function() return running == 3 end)
      assert.equal(3, receiver:pending())
      local status, result = sender.deliver(receiver.url)
      assert.equal(503, status)
      assert.equal("queue_full", reason_of(result))
      assert.equal("5", sender.header(result, "retry-after"))
      go = true
      wait_until(function() return results[1] and results[2] and results[3] end)
      assert.same({ 204, 204, 204 }, { results[1].status, results[2].status, results[3].status })
      assert.equal(204, (sender.deliver(receiver.url)))
      assert.equal(0, receiver:pending())
      assert.equal(3, most)
    end)
  end)

  it("is not held up by those who say nothing, or half of something", function()
    with({ drain = 0.2 }, function(receiver)
      local slow = {}
      for i, text in ipairs { "", "POST / HTTP/1.1\r\nContent-Le", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{" } do
        slow[i] = loop.spawn(sender.say, receiver.port, text)
      end
      loop.sleep(0.1)
      for _ = 1, 5 do
        assert.equal(204, (sender.deliver(receiver.url)))
      end
      receiver:stop() -- they have not asked for anything: they are not waited for any longer than `drain`
      for _, one in ipairs(slow) do
        one:wait()
      end
    end)
  end)

  it("answers what is no HTTP as the listener does", function()
    with({}, function(receiver)
      assert.matches("^HTTP/1.1 400 ", sender.say(receiver.port, "EHLO example.com\r\n\r\n"))
    end)
  end)

  describe("with a store", function()
    it("asks it before, and tells it after", function()
      local calls, state = {}, nil
      local store = {}
      for _, name in ipairs { "claim", "confirm", "release" } do
        store[name] = function(_, id, value)
          loop.sleep(0.001) -- a store may be far away
          calls[#calls + 1] = { name, id, type(value) }
          if name == "claim" then
            return not state and "token" or nil, state
          end
        end
      end
      local function handler(event)
        if event.data.bad then
          error "bad"
        end
      end
      with({ store = store, on = { ["*"] = handler } }, function(receiver)
        assert.equal(204, (sender.deliver(receiver.url, sender.body { id = "evt_good" })))
        assert.equal(500, (sender.deliver(receiver.url, sender.body { id = "evt_bad", data = '"bad":true' })))
        state = "done"
        assert.equal(204, (sender.deliver(receiver.url, sender.body { id = "evt_bad", data = '"bad":true' })))
        state = "claimed"
        local status, result = sender.deliver(receiver.url, sender.body { id = "evt_busy" })
        assert.equal(503, status)
        assert.is_string(sender.header(result, "retry-after"))
      end)
      assert.same({
        { "claim", "evt_good", "number" }, { "confirm", "evt_good", "number" },
        { "claim", "evt_bad", "number" }, { "release", "evt_bad", "string" },
        { "claim", "evt_bad", "number" }, { "claim", "evt_busy", "number" },
      }, calls)
    end)

    it("answers 503 when it fails before, and 204 when it fails after", function()
      local told, fails = {}, "claim"
      local store = {}
      for _, name in ipairs { "claim", "confirm", "release" } do
        store[name] = function()
          if name == fails then
            error "no such host"
          end
          return "token"
        end
      end
      with({ store = store, on_error = function(err) told[#told + 1] = err end }, function(receiver)
        assert.equal(503, (sender.deliver(receiver.url)))
        fails = "confirm"
        assert.equal(204, (sender.deliver(receiver.url)))
      end)
      assert.equal(2, #told)
      assert.matches("no such host", told[1])
    end)

    it("shares it with others: of two receivers one handles an event", function()
      local store, runs = gitdev.store.memory(), 0
      local function handler()
        runs = runs + 1
        gitdev.sleep(0.05)
      end
      with({ store = store, on = { ["*"] = handler } }, function(one)
        with({ store = store, on = { ["*"] = handler } }, function(other)
          local body, statuses = sender.body(), {}
          for _, receiver in ipairs { one, other } do
            sender.start(receiver.url, body, nil, function(result) statuses[#statuses + 1] = result.status end)
          end
          wait_until(function() return #statuses == 2 end)
          table.sort(statuses)
          assert.same({ 204, 503 }, statuses)
          assert.equal(204, (sender.deliver(other.url, body)))
          assert.equal(1, runs)
        end)
      end)
    end)
  end)

  describe("ends", function()
    it("when what was asked is answered", function()
      local results = {}
      loop.run(function()
        local receiver = assert(serve { port = 0, secret = SECRET, on = { ["*"] = function() gitdev.sleep(0.1) end } })
        for i = 1, 3 do
          sender.start(receiver.url, sender.body(), nil, function(result) results[i] = result end)
        end
        wait_until(function() return receiver:pending() == 3 end)
        receiver:stop()
        wait_until(function() return results[1] and results[2] and results[3] end)
        assert.same({ 204, 204, 204 }, { results[1].status, results[2].status, results[3].status })
        receiver:stop()
        receiver:wait()
        local _, result = sender.deliver(receiver.url)
        assert.equal("refused", result.error)
      end)
    end)

    it("in time, whatever its handlers do: they are canceled, and answered 503", function()
      local result
      loop.run(function()
        local receiver = assert(serve {
          port = 0, secret = SECRET, drain = 0.05, on_error = nothing,
          on = { ["*"] = function() gitdev.sleep(60) end },
        })
        sender.start(receiver.url, sender.body(), nil, function(one) result = one end)
        wait_until(function() return receiver:pending() == 1 end)
        receiver:stop()
        wait_until(function() return result end)
        assert.equal(503, result.status)
      end)
    end)

    it("in time, whatever on_error does", function()
      loop.run(function()
        local receiver = assert(serve {
          port = 0, secret = SECRET, drain = 0.05,
          on = { ["*"] = function() error "no" end },
          on_error = function() gitdev.sleep(60) end,
        })
        assert.equal(500, (sender.deliver(receiver.url)))
        local said = listen_to_stderr(receiver.stop, receiver)
        assert.matches("on_error failed: timeout_error", said)
      end)
    end)

    it("in time, whatever its store does: no handler is begun any more", function()
      local result, begun
      local store = { claim = function() pcall(loop.sleep, 60) return "token" end, confirm = nothing, release = nothing }
      with({ drain = 0.05, store = store, on = { ["*"] = function() begun = true end } }, function(receiver)
        sender.start(receiver.url, sender.body(), nil, function(one) result = one end)
        wait_until(function() return receiver:pending() == 1 end)
        receiver:stop()
        wait_until(function() return result end)
      end)
      assert.equal(503, result.status)
      assert.equal("unavailable", reason_of(result))
      assert.is_nil(begun)
    end)

    it("from one of its own handlers", function()
      local receiver
      loop.run(function()
        receiver = assert(serve { port = 0, secret = SECRET, on = { ["*"] = function() receiver:stop() end } })
        assert.equal(204, (sender.deliver(receiver.url)))
        receiver:wait()
      end)
    end)

    it("with the task that made it", function()
      local url, result
      local err
      loop.run(function()
        local one = loop.spawn(function()
          local receiver = assert(serve { port = 0, secret = SECRET, on_error = nothing, on = { ["*"] = function() gitdev.sleep(60) end } })
          url = receiver.url
        end)
        wait_until(function() return url end)
        sender.start(url, sender.body(), nil, function(answer) result = answer end)
        loop.sleep(0.05)
        one:cancel()
        err = select(2, pcall(one.wait, one))
        wait_until(function() return result end)
        assert.equal("refused", (select(2, sender.deliver(url))).error)
      end)
      assert.is_true(errors.is(err, "canceled_error"))
      assert.equal(503, result.status)
    end)

    it("outside of tasks, in wait, which turns the loop", function()
      local result
      local receiver
      receiver = assert(serve { port = 0, secret = SECRET, on = { ["*"] = function() receiver:stop() end } })
      sender.start(receiver.url, sender.body(), nil, function(one) result = one end)
      receiver:wait()
      assert.equal(204, result and result.status or 204)
      receiver:stop()
    end)
  end)

  describe("says what is wrong:", function()
    local good = { port = 0, secret = SECRET, on = { ["*"] = nothing } }
    local function options(changes)
      local made = {}
      for _, source in ipairs { good, changes } do
        for name, value in pairs(source) do
          made[name] = value
        end
      end
      for _, name in ipairs(changes.without or {}) do
        made[name] = nil
      end
      made.without = nil
      return made
    end

    local misuses = {
      { "no port", { without = { "port" } }, "port", "needs a port" },
      { "a port that is none", { port = 70000 }, "port", "up to 65535" },
      { "an option that is not known", { prot = 1 }, "prot", 'did you mean "port"' },
      { "no handlers", { without = { "on" } }, "on", "on must say" },
      { "an empty table of handlers", { on = {} }, "on", "on must say" },
      { "a misspelt type", { on = { ["deployment.complete"] = nothing } }, "on", 'did you mean "deployment.completed"' },
      { "a misspelt family", { on = { ["deploymnet.*"] = nothing } }, "on", 'did you mean "deployment.*"' },
      { "a type of nothing", { on = { xyzzy = nothing } }, "on", "gitdev help events" },
      { "a list of handlers", { on = { nothing } }, "on", "no event type 1" },
      { "a handler that is no function", { on = { ["*"] = "print" } }, "on", "must be a function" },
      { "a path without its slash", { path = "hooks" }, "path", "slash" },
      { "a path with a query", { path = "/hooks?key=1" }, "path", "query" },
      { "a path that no request has", { path = "/my hooks" }, "path", "percent-encoded" },
      { "a certificate without its key", { cert_file = "/x" }, "key_file", "go together" },
      { "a key without its certificate", { key_file = "/x" }, "cert_file", "go together" },
      { "two kinds of secrets", { secrets = { "a" } }, "secrets", "say one" },
      { "a secret that is none", { secret = { 1 } }, "secret", "string" },
      { "a tolerance that is none", { tolerance = -1 }, "tolerance", "false for no check" },
      { "a store that is none", { store = {} }, "store", "no function claim" },
      { "an option of spools without one", { tries = 3 }, "tries", "takes a spool" },
      { "a spool without a name", { spool = "" }, "spool", "folder" },
    }
    for _, case in ipairs(misuses) do
      it(case[1], function()
        local ok, err = pcall(serve, options(case[2]))
        assert.is_false(ok)
        assert.equal(case[3], err.param)
        assert.is_truthy(err.message:find(case[4], 1, true), err.message)
      end)
    end

    it("what it is called with", function()
      local ok, err = pcall(serve, "8080")
      assert.is_false(ok)
      assert.matches("takes a table", err.message)
    end)

    it("a method called with a dot", function()
      local receiver = assert(serve(options {}))
      local ok, err = pcall(receiver.stop)
      receiver:stop()
      assert.is_false(ok)
      assert.matches("receiver:stop%(%)", err.message)
    end)

    it("the secret is missing", function()
      local receiver, err = serve(options { secret = "" })
      assert.is_nil(receiver)
      assert.equal("no_secret", err.reason)
      assert.matches("GIT_WEBHOOK_SECRET", err.message)
    end)

    it("the port is taken, and leaves nothing open", function()
      local receiver = assert(serve(options {}))
      local folder = sender.folder()
      for _ = 1, 2 do
        local none, err = serve(options { port = receiver.port, spool = folder })
        assert.is_nil(none)
        assert.equal("config_error", err.type)
        assert.equal("port", err.param)
        assert.matches("port " .. receiver.port .. ": Address already in use", err.message)
      end
      receiver:stop()
      sender.remove(folder)
    end)

    it("the host is no address", function()
      local _, err = serve(options { host = "nowhere.invalid" })
      assert.equal("config_error", err.type)
    end)
  end)

  describe("speaks TLS", function()
    local folder

    -- A key and certificates of openssl's making: an authority, one below it, and the server's, which the latter has signed.
    setup(function()
      folder = sender.folder()
      local status, _, err = process.run("bash -c " .. process.quote(([[
        set -e; cd %s
        new() { openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" -subj "/CN=$2" "${@:3}"; }
        new ca "spec authority" -x509 -out ca.pem -days 2 -addext basicConstraints=critical,CA:TRUE
        new middle "spec middle" -out middle.csr
        echo basicConstraints=critical,CA:TRUE >middle.ext
        openssl x509 -req -in middle.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile middle.ext -out middle.pem
        new server localhost -out server.csr
        echo subjectAltName=IP:127.0.0.1 >server.ext
        openssl x509 -req -in server.csr -CA middle.pem -CAkey middle.key -CAcreateserial -days 2 -extfile server.ext -out server.pem
        cat server.pem middle.pem >chain.pem
        openssl x509 -req -in server.csr -CA middle.pem -CAkey middle.key -CAcreateserial -days -1 -out expired.pem
        openssl ec -in server.key -aes128 -passout pass:secret -out locked.key
        cat server.pem - middle.pem >torn.pem <<<"-----BEGIN CERTIFICATE-----"
      ]]):format(folder)))
      assert.equal(0, status, err)
    end)

    teardown(function()
      sender.remove(folder)
    end)

    it("with a certificate, those that lead to its authority, and its key", function()
      with({ cert_file = folder .. "/chain.pem", key_file = folder .. "/server.key" }, function(receiver)
        assert.matches("^https://127%.0%.0%.1:", receiver.url)
        assert.equal(204, (sender.deliver(receiver.url, nil, { ca_file = folder .. "/ca.pem" })))
        local _, result = sender.deliver(receiver.url, nil, { ca_file = folder .. "/server.key" })
        assert.equal("tls", result.error)
      end)
    end)

    it("and sends no more of the chain than the file has", function()
      with({ cert_file = folder .. "/server.pem", key_file = folder .. "/server.key" }, function(receiver)
        local _, result = sender.deliver(receiver.url, nil, { ca_file = folder .. "/ca.pem" })
        assert.equal("tls", result.error)
      end)
    end)

    local cases = {
      { "missing.pem", "server.key", "the certificate file cannot be opened: No such file or directory" },
      { "chain.pem", "missing.key", "the key file cannot be opened: No such file or directory" },
      { "server.key", "server.key", "the certificate file holds none" },
      { "chain.pem", "chain.pem", "the key file holds no private key" },
      { "chain.pem", "locked.key", "the key file has a password" },
      { "chain.pem", "ca.key", "the key is not that of the certificate" },
      { "expired.pem", "server.key", "the certificate has expired" },
      { "torn.pem", "server.key", "a certificate after the first cannot be read" },
    }
    for _, case in ipairs(cases) do
      it("or says what is wrong: " .. case[3], function()
        local receiver, err = serve {
          port = 0, secret = SECRET, on = { ["*"] = nothing },
          cert_file = folder .. "/" .. case[1], key_file = folder .. "/" .. case[2],
        }
        assert.is_nil(receiver)
        assert.equal("certificate_unusable", err.code)
        assert.equal(case[3]:find "^the key" and "key_file" or "cert_file", err.param)
        assert.is_truthy(err.message:find(case[3], 1, true), err.message)
      end)
    end
  end)
end)

describe("examples/receiver.lua", function()
  it("hears of its deployment from the emulator, and ends", function()
    local one = assert(serve { port = 0, secret = SECRET, on = { ["*"] = nothing } })
    one:stop() -- its port is free
    local status, out, err = process.gitdev({ "--emulator", "--quiet", "examples/receiver.lua" }, nil, "PORT=" .. one.port)
    assert.equal(0, status, err)
    assert.matches("deployment.created\tdlv_%w+\n", out)
    assert.matches("my%-app is live at https://my%-app%.git%.dev\n", out)
  end)
end)

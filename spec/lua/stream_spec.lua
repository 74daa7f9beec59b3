-- Streams of messages (contract 2.5): what is passed on, how they are taken up again, and how they end.
local fake = require "spec.lua.support.fake"
local gitdev = require "gitdev"
local json = require "gitdev.json"
local scripted = require "spec.lua.support.scripted"

local hello, log, status, gap, finish = scripted.hello, scripted.log, scripted.status, scripted.gap, scripted.finish

local function open(scripts, fields, options, module, answers, client_options)
  local git, seen, sockets = scripted.client(scripts, answers, client_options, module)
  local stream, err = git.deployments.logs:stream("dep_1", fields, options)
  return stream, seen, sockets, err, git
end

-- What a message is, in short.
local function brief(message)
  local kind = message.type
  return kind == "log" and message.seq or kind == "gap" and message.from_seq .. "-" .. message.to_seq
    or kind == "status" and message.status or kind
end

local function all(stream)
  return scripted.all(stream, brief)
end

local function lines(first, last)
  return scripted.each(log, first, last)
end

local function script(...)
  local list = {}
  for _, part in ipairs { ... } do
    if part[1] then
      for _, step in ipairs(part) do
        list[#list + 1] = step
      end
    else
      list[#list + 1] = part
    end
  end
  return list
end

describe("a stream of messages", function()
  it("passes on all but pings, in order, and ends at the end", function()
    local stream, _, sockets = open {
      { hello(), log(1), status("building", "s1"), { type = "ping", id = "7" }, log(2), gap(3, 5), log(6), finish() },
    }
    assert.same({ "hello", 1, "building", 2, "3-5", 6, "end" }, (all(stream)))
    assert.equal("live", stream.status)
    assert.equal("c6", stream.cursor)
    assert.equal(1000, sockets[1].closed)
    assert.is_nil(stream:next())
  end)

  it("is opened when it is asked for, with what it was asked", function()
    local _, seen, sockets = open({ { finish() } }, { tail = 5, stage = "build", level = "warn", follow = false })
    assert.equal("/deployments/dep_1/logs/stream?follow=false&stage=build&level=warn&tail=5", sockets[1].path)
    assert.equal("git.logs.v1", sockets[1].upgrade)
    assert.equal(1, #seen)
    _, _, sockets = open({ { finish() } }, { cursor = "a/b" }, { headers = { ["X-A"] = "b" }, max_retries = 1 })
    assert.equal("/deployments/dep_1/logs/stream?cursor=a%2Fb", sockets[1].path)
    assert.same({ { ["X-A"] = "b" }, 1 }, { sockets[1].headers_sent, sockets[1].max_retries })
  end)

  it("fails where it is made as any call does", function()
    local missing = { refused = { type = "invalid_request_error", code = "resource_missing", message = "Gone.", status = 404 } }
    assert.equal("resource_missing", fake.raised(open, { missing }).code)
    local stream, _, _, err = open({ missing }, nil, nil, "gitdev.safe")
    assert.is_nil(stream)
    assert.equal("resource_missing", err.code)
    for _, fields in ipairs { { tail = 1001 }, { tail = 1, cursor = "c" }, { stage = "test" }, { on_gap = print }, { colour = 1 } } do
      assert.equal("invalid_request_error", fake.raised(open, {}, fields).type)
    end
  end)

  it("says that a driver without WebSockets has none", function()
    local git = fake.client {}
    assert.equal("no_websockets", fake.raised(function()
      git.deployments.logs:stream "dep_1"
    end).code)
  end)

  it("answers pings with their id", function()
    local stream, _, sockets = open { { hello(), { type = "ping", id = 'a"b', time_ms = 1 }, { type = "ping", id = 8 }, finish() } }
    all(stream)
    assert.same({ type = "pong", id = 'a"b' }, json.decode(sockets[1].sent[1]))
    assert.same({ type = "pong", id = 8 }, json.decode(sockets[1].sent[2]))
    assert.equal(2, #sockets[1].sent)
  end)

  it("leaves out what has come already, be it a line, a part of a gap, or a status", function()
    local live = status("live", "s")
    local stream = open {
      { hello(), log(1), log(1), log(2), log(1), gap(2, 4), gap(2, 4), gap(3, 6), log(6), log(7), live, live, finish() },
    }
    assert.same({ "hello", 1, 2, "3-4", "5-6", 7, "live", "end" }, (all(stream)))
  end)

  it("passes over types and fields that it does not know", function()
    local stream = open { { hello { colour = "red" }, { type = "weather", seq = "x" }, log(1, { more = { 1 } }), finish() } }
    assert.same({ "hello", 1, "end" }, (all(stream)))
  end)

  it("ends when the server closes with 1000", function()
    local stream = open { { hello(), log(1), { close = 1000 } } }
    assert.same({ "hello", 1 }, (all(stream)))
  end)
end)

describe("a stream that breaks off", function()
  for _, code in ipairs { 1001, 1006, 1011, 1012, 4408, 4429 } do
    it("with " .. code .. " is taken up where it was", function()
      local stream, seen, sockets = open { { hello(), log(1), status("building", "s1"), { close = code } }, { hello(), log(2), finish() } }
      assert.same({ "hello", 1, "building", "hello", 2, "end" }, (all(stream)))
      assert.equal("/deployments/dep_1/logs/stream?cursor=s1", sockets[2].path)
      assert.equal(0, sockets[2].max_retries)
      assert.equal(1, #seen.slept)
      assert.is_true(seen.slept[1] >= 0.25 and seen.slept[1] <= 0.5)
    end)
  end

  it("by silence is taken up after 2.5 heartbeats", function()
    local stream, seen, sockets = open {
      { hello { heartbeat_ms = 2000 }, log(1), { after = 4.9 }, log(2), { after = 5.1 }, log(99) },
      { hello(), log(3), finish() },
    }
    assert.same({ "hello", 1, 2, "hello", 3, "end" }, (all(stream)))
    assert.equal(1000, sockets[1].closed)
    assert.is_true(math.abs(sockets[2].opened_at - 1000 - 4.9 - 5 - seen.slept[1]) < 1e-9)
    assert.equal("/deployments/dep_1/logs/stream?cursor=c2", sockets[2].path)
  end)

  it("before anything came is begun again as it was; after hello, from there", function()
    local scripts = { { { close = 1006 } }, { hello { cursor = "c7" }, { close = 1006 } }, { finish() } }
    local stream, _, sockets = open(scripts, { tail = 3, level = "info" })
    all(stream)
    assert.equal("/deployments/dep_1/logs/stream?level=info&tail=3", sockets[2].path)
    assert.equal("/deployments/dep_1/logs/stream?level=info&cursor=c7", sockets[3].path)
  end)

  it("waits longer each time that nothing comes, and gives up after five tries with the last error", function()
    local lost = { { close = 1006 } }
    local stream, seen, sockets = open {
      { hello(), log(1), { close = 1001 } }, lost, { hello(), { close = 1012 } }, lost, lost, { { close = 1011 } },
    }
    local got, err = all(stream)
    assert.same({ "hello", 1, "hello" }, got)
    assert.same({ "api_error", "internal_error", 1011, true }, { err.type, err.code, err.close_code, err.retryable })
    assert.matches("was closed with 1011: the server failed. It was tried 5 times to go on.", err.message, 1, true)
    assert.equal(6, #sockets)
    for i, most in ipairs { 0.5, 1, 2, 4, 8 } do
      assert.is_true(seen.slept[i] >= most / 2 and seen.slept[i] <= most, i .. ": " .. seen.slept[i])
    end
    assert.equal(err, fake.raised(stream))
    assert.equal(err, fake.raised(stream.next, stream))
  end)

  it("has no limit while it comes forward, by a line, or by a ping", function()
    local scripts = {}
    for seq = 1, 30 do
      scripts[seq] = { hello(), seq % 2 == 0 and log(seq) or { type = "ping", id = "1" }, { close = 1006 } }
    end
    scripts[31] = { finish() }
    local stream, seen = open(scripts)
    local got, err = all(stream)
    assert.is_nil(err)
    assert.equal("end", got[#got])
    for _, slept in ipairs(seen.slept) do
      assert.is_true(slept <= 0.5)
    end
  end)

  it("does not wait the same time twice", function()
    local stream, seen = open { { log(1), { close = 1006 } }, { log(2), { close = 1006 } }, { log(3), { close = 1006 } }, { finish() } }
    all(stream)
    assert.is_true(seen.slept[1] ~= seen.slept[2] or seen.slept[2] ~= seen.slept[3])
  end)

  it("counts an opening that fails for a while as a try, and keeps to its Retry-After", function()
    local busy = { type = "rate_limit_error", code = "stream_limit", message = "Busy.", status = 429, retryable = true }
    busy.headers = { ["retry-after"] = "12" }
    local stream, seen = open { { hello(), log(1), { close = 1006 } }, { refused = busy }, { hello(), log(2), finish() } }
    assert.same({ "hello", 1, "hello", 2, "end" }, (all(stream)))
    assert.equal(12, seen.slept[2])
  end)

  it("does not wait for a Retry-After above a minute", function()
    local busy = { type = "api_error", code = "unavailable", message = "Busy.", status = 503, retryable = true, headers = { ["retry-after"] = "61" } }
    local stream = open { { hello(), { close = 1006 } }, { refused = busy } }
    local _, err = all(stream)
    assert.equal("unavailable", err.code)
  end)

  it("ends when it may not be opened any more", function()
    local denied = { type = "authentication_error", code = "api_key_revoked", message = "Revoked.", status = 401 }
    local stream, _, sockets = open { { hello(), { close = 1006 } }, { refused = denied } }
    local _, err = all(stream)
    assert.same({ "api_key_revoked", 401, 2 }, { err.code, err.status, #sockets })
  end)

  it("uses a ticket once, and then the key", function()
    local stream, _, sockets = open({ { hello(), log(1), { close = 1006 } }, { finish() } }, { ticket = "tkt_1" })
    all(stream)
    assert.equal("/deployments/dep_1/logs/stream?ticket=tkt_1", sockets[1].path)
    assert.equal("/deployments/dep_1/logs/stream?cursor=c1", sockets[2].path)
    assert.equal(0, sockets[1].max_retries)
    local lost = { type = "connection_error", code = "connection_lost", message = "Lost.", retryable = true }
    stream, _, sockets = open({ { refused = lost }, { finish() } }, { ticket = "tkt_1", tail = 2 })
    all(stream)
    assert.equal("/deployments/dep_1/logs/stream?tail=2", sockets[2].path)
  end)
end)

describe("a stream that is closed for good", function()
  local CASES = {
    { 4400, "response_error", "bad_message" },
    { 4401, "authentication_error", "api_key_revoked", 401 },
    { 4403, "permission_error", "insufficient_scope", 403 },
    { 4404, "invalid_request_error", "resource_missing", 404 },
    { 4410, "invalid_request_error", "logs_expired", 410 },
    { 4499, "response_error", "unexpected_close" },
    { 1002, "response_error", "malformed_message" },
    { 1003, "response_error", "unexpected_close" },
    { 1005, "response_error", "unexpected_close" },
    { 1007, "response_error", "malformed_message" },
    { 1008, "response_error", "unexpected_close" },
    { 1009, "response_error", "malformed_message" },
  }
  for _, case in ipairs(CASES) do
    it("with " .. case[1] .. " fails with " .. case[2] .. " " .. case[3], function()
      local stream, seen, sockets = open { { hello(), log(1), { close = case[1], reason = "be\27cause" } } }
      local got, err = all(stream)
      assert.same({ "hello", 1 }, got)
      assert.same({ case[2], case[3], case[4], case[1], false }, { err.type, err.code, err.status, err.close_code, err.retryable })
      assert.matches('/deployments/dep_1/logs/stream was closed with ' .. case[1] .. ' ("be cause")', err.message, 1, true)
      assert.same({ 1, 0 }, { #sockets, #seen.slept })
    end)
  end

  it("says what the server said before", function()
    local told = { type = "authentication_error", code = "api_key_expired", message = "The key gsk_live_0123456789abcdefghijklmnopqrstuv expired." }
    told.request_id, told.param = "req_000000000009", json.null
    local stream = open { { hello(), { type = "error", error = told }, { close = 4401 } } }
    local _, err = all(stream)
    assert.same({ "authentication_error", "api_key_expired", 401, 4401 }, { err.type, err.code, err.status, err.close_code })
    assert.equal("req_000000000009", err.request_id)
    assert.is_nil(err.message:find("gsk_live_0123456789abcdef", 1, true))
    assert.is_nil(err.param)
  end)

  it("has the fields that the error adds", function()
    local told = { type = "permission_error", code = "insufficient_scope", message = "No.", required_scope = "logs:read" }
    local stream = open { { hello(), { type = "error", error = told }, { close = 4403 } } }
    assert.equal("logs:read", select(2, all(stream)).required_scope)
  end)

  it("makes something of an error that is none", function()
    for _, told in ipairs { json.null, "text", {}, { type = "signature_error" }, { type = 5, code = {}, message = 1 } } do
      local stream = open { { hello(), { type = "error", error = told }, { close = 4400 } } }
      local _, err = all(stream)
      assert.same({ "response_error", 4400 }, { err.type, err.close_code })
    end
  end)

  it("goes on all the same where the code says so", function()
    local told = { type = "rate_limit_error", code = "stream_limit", message = "Too many." }
    local error_message = { type = "error", error = told }
    local stream = open { { hello(), log(1), error_message, { close = 4429 } }, { hello(), log(2), finish() } }
    assert.same({ "hello", 1, "hello", 2, "end" }, (all(stream)))
  end)

  it("fails with what it was told when the connection breaks off after that", function()
    local told = { type = "invalid_request_error", code = "resource_missing", message = "Deleted." }
    local stream = open { { hello(), { type = "error", error = told }, { close = 1006 } } }
    assert.equal("resource_missing", select(2, all(stream)).code)
  end)
end)

describe("a malformed message", function()
  local huge = log(2, { message = ("x"):rep(70000) })
  local CASES = {
    { "that is no JSON", "{", true },
    { "that is a list", "[1]", true },
    { "that is a text", '"log"', true },
    { "that is null", "null", true },
    { "without a type", { seq = 2 }, true },
    { "with a type that is no text", { type = 5 }, true },
    { "that is binary", { binary = true }, true },
    { "without seq", log(2, { seq = json.null }), true },
    { "whose seq is a text", log(2, { seq = "2" }), true },
    { "whose seq is a fraction", log(2, { seq = 2.5 }), true },
    { "whose seq is 0", log(2, { seq = 0 }), true },
    { "without a cursor", log(2, { cursor = json.null }), true },
    { "with a gap that ends before it begins", gap(5, 3), true },
    { "with a gap without numbers", { type = "gap", cursor = "c6", reason = "expired" }, true },
    { "with a status without a cursor", status("live", nil), true },
    { "that is large, but not too large", huge, false },
  }
  for _, case in ipairs(CASES) do
    it(case[1] .. (case[3] and " is a response_error" or " is fine"), function()
      local stream, _, sockets = open { { hello(), log(1), case[2], finish() } }
      local got, err = all(stream)
      if not case[3] then
        assert.is_nil(err)
        return
      end
      assert.same({ "hello", 1 }, got)
      assert.same({ "response_error", "malformed_message", false }, { err.type, err.code, err.retryable })
      assert.equal(4400, sockets[1].closed)
    end)
  end
end)

describe("the reader of a stream", function()
  it("takes one message at a time", function()
    local stream, _, sockets = open { script(hello(), lines(1, 100), finish()) }
    assert.equal(1, sockets[1].at)
    assert.equal("hello", stream:next().type)
    assert.equal(1, stream:next().seq)
    assert.equal(3, sockets[1].at)
  end)

  it("closes it at once, once", function()
    local stream, _, sockets = open { { hello(), log(1), log(2) } }
    stream:next()
    stream:close()
    stream:close()
    assert.equal(1000, sockets[1].closed)
    assert.is_nil(stream:next())
    assert.same({}, (all(stream)))
  end)

  it("closes it by leaving the loop, where Lua can tell", function()
    local git, _, sockets = scripted.client { { hello(), log(1), log(2) } }
    for message in git.deployments.logs:stream "dep_1" do
      if message.seq == 1 then
        break
      end
    end
    assert.equal(_VERSION == "Lua 5.4" and 1000 or nil, sockets[1].closed)
  end)

  it("gets nil and the error from next in the safe style, and the error raised in a loop in both", function()
    local stream = open({ { hello(), { close = 4404 } } }, nil, nil, "gitdev.safe")
    assert.equal("hello", stream:next().type)
    local message, err = stream:next()
    assert.is_nil(message)
    assert.equal("resource_missing", err.code)
    assert.equal(err, fake.raised(function()
      for _ in stream do
        error "a message"
      end
    end))
  end)

  it("has so much time in all as the call is given", function()
    local stream, seen, sockets = open({ { hello(), log(1), { after = 7 }, log(2), { after = 4 }, log(3) } }, nil, { timeout = 10 })
    local got, err = all(stream)
    assert.same({ "hello", 1, 2 }, got)
    assert.same({ "timeout_error", "stream_timeout", true, 1010 }, { err.type, err.code, err.retryable, seen.now })
    assert.matches("/deployments/dep_1 was not at its end after 10 seconds", err.message, 1, true)
    assert.equal(10, sockets[1].timeout)
    assert.equal(1000, sockets[1].closed)
  end)

  it("is out of time when lines never stop coming, too, and when the next try would be too late", function()
    local function tick(socket)
      socket.seen.now = socket.seen.now + 3
    end
    local stream = open({ { hello(), tick, log(1), tick, log(2), tick, log(3), tick, log(4), tick, log(5) } }, nil, { timeout = 10 })
    local got, err = all(stream)
    assert.same({ "hello", 1, 2, 3, 4 }, got)
    assert.equal("stream_timeout", err.code)
    local seen
    stream, seen = open({ { hello(), { after = 9.9 }, { close = 1006 } } }, nil, { timeout = 10 })
    local _, late = all(stream)
    assert.equal("stream_timeout", late.code)
    assert.matches("after 10 seconds. It was tried to go on (1): the stream", late.message, 1, true)
    assert.matches("closed with 1006", late.message, 1, true)
    assert.same({}, seen.slept)
  end)

  it("is told, when its time is over, of what it had failed with last, and of the tries", function()
    local attempts = { { verdict = "unsent" }, { verdict = "unsent" } }
    local away = { type = "connection_error", code = "not_connected", message = "Nobody there.", retryable = true, request_id = "req_9" }
    away.attempts = attempts
    local stream = open({ { hello(), { close = 1006 } }, { refused = away }, { refused = away }, { refused = away } }, nil, { timeout = 2 })
    local _, err = all(stream)
    assert.same({ "timeout_error", "stream_timeout", "req_9", attempts }, { err.type, err.code, err.request_id, err.attempts })
    assert.matches("It was tried to go on %(%d%): Nobody there%.$", err.message)
    stream = open({ { hello(), { close = 1006 } }, { refused = away }, { hello(), { after = 20 } } }, nil, { timeout = 10 })
    _, err = all(stream)
    assert.matches("after 10 seconds%.$", err.message)
    assert.same({}, err.attempts)
  end)

  it("gives each opening what is left of its time, else the client's", function()
    local stream, _, sockets = open({ { hello(), log(1), { after = 4 }, { close = 1006 } }, { finish() } }, nil, { timeout = 10 })
    all(stream)
    assert.is_true(sockets[2].timeout < 6 and sockets[2].timeout > 5)
    stream, _, sockets = open { { hello(), { close = 1006 } }, { finish() } }
    all(stream)
    assert.is_nil(sockets[1].timeout)
    assert.is_nil(sockets[2].timeout)
  end)

  it("can go on where it was broken off while it waited", function()
    local broken = true
    local stream = open {
      { hello(), log(1), function()
        if broken then
          broken = false
          error("canceled", 0)
        end
      end, log(2), finish() },
    }
    assert.equal("hello", stream:next().type)
    assert.equal(1, stream:next().seq)
    assert.equal("canceled", fake.raised(stream.next, stream))
    assert.same({ 2, "end" }, (all(stream)))
  end)

  it("ends with the client", function()
    local stream, _, sockets, _, git = open { { hello(), log(1) } }
    stream:next()
    git:close()
    local err = fake.raised(stream)
    assert.same({ "canceled_error", "client_closed" }, { err.type, err.code })
    assert.equal(1000, sockets[1].closed)
  end)

  it("is told how to call its methods", function()
    local stream = open { { hello() } }
    assert.matches("colon, stream:next()", fake.raised(stream.next).message, 1, true)
    assert.matches("colon, stream:close()", fake.raised(stream.close, {}).message, 1, true)
    assert.equal("stream of /deployments/dep_1", tostring(stream))
    stream:next()
    assert.equal("stream of /deployments/dep_1 (building)", tostring(stream))
  end)

  it("may be of a job's log", function()
    local git, _, sockets = scripted.client { { hello(), finish "succeeded" } }
    for _ in git.jobs.logs:stream("job_1", { stage = "unit tests" }) do end
    assert.equal("/jobs/job_1/logs/stream?stage=unit%20tests", sockets[1].path)
    assert.is_table(gitdev)
  end)
end)

-- Log streams, protocol git.logs.v1 (contract 2.5): as the emulator speaks it, in a virtual world, and over a real socket.
local ci = require "spec.lua.support.ci"
local core = require "gitdev.core"
local json = require "gitdev.json"
local loop = require "gitdev.loop"
local server = require "gitdev.emulator.server"
local socket = require "gitdev.driver.socket"
local streams = require "spec.lua.support.streams"
local test = require "gitdev.test"
local world = require "spec.lua.support.world"

local codes = world.codes

local UPGRADE = { upgrade = "git.logs.v1" }

local function pong_for(text)
  return '{"type":"pong","id":"' .. text:match '"id":"(%d+)"' .. '"}'
end

-- Receives until the socket is closed, and answers pings. Returns the texts, then what receive returned at last.
local function read_all(one, on_text)
  local texts = {}
  while true do
    local text, what, code, reason = one:receive(30)
    if not text then
      return texts, what, code, reason
    elseif text:find '^{"type":"ping"' then
      one:send(pong_for(text))
    end
    texts[#texts + 1] = text
    if on_text then
      on_text(text, #texts)
    end
  end
end

describe("the emulator's log streams", function()
  local w

  before_each(function()
    w = world.new { rate_limit = false }
  end)

  -- A deployment that is live, with all of its 13 lines.
  local function deployed(fields)
    local made = w:deployed(fields)
    w:wait(1)
    return made
  end

  local function open(made, query, extra, room)
    return streams.open(w, made, query, extra, room)
  end

  local function ask(made, query, extra)
    return streams.ask(w, "/deployments/" .. made.id .. "/logs/stream" .. (query or ""), extra)
  end

  local function lines(made, query)
    return w:get(("/%ss/%s/logs%s"):format(made.object, made.id, query or "?limit=1000")).json.data
  end

  local function write(made, spec)
    assert(w.emulator:write_log(made.id, spec))
  end

  local function count()
    return w.emulator.streams:count(w.emulator.tenants[false])
  end

  -- ---- what they say ----

  it("say hello, the lines, each change of status, the end, and close", function()
    local made = w:deploy()
    local one = open(made)
    assert.same({
      type = "hello", protocol = "git.logs.v1", resource = made.id, status = "queued", heartbeat_ms = 15000,
      cursor = one.messages[1].cursor,
    }, one.messages[1])
    for _ = 1, 30 do
      one:wait(0.1)
    end
    assert.equal("hello 1 building 2 3 4 5 6 7 8 9 deploying 10 11 12 live end", one:short())
    assert.equal(1000, one.code)
    assert.equal(0, count())
  end)

  it("have the lines of logs.list, field for field", function()
    local made = w:deployed { env = { A = "b" } }
    local one = open(made)
    for index, line in ipairs(lines(made)) do
      local message = one.messages[index + 1]
      assert.equal("log", message.type)
      message.type, line.object = nil, nil
      assert.same(line, message)
    end
    assert.equal("end", one.messages[#one.messages].type)
  end)

  it("say the same, however time goes by", function()
    local said = {}
    for index, step in ipairs { 0.01, 0.1, 1, 10 } do
      local other = world.new { rate_limit = false }
      local made = other:deploy { env = { A = "b" } }
      local one = streams.open(other, made)
      for _ = 1, math.ceil(3 / step) do
        one:wait(step)
      end
      said[index] = table.concat(one.texts, "\n")
      assert.equal(1000, one.code)
    end
    assert.equal(said[1], said[2])
    assert.equal(said[1], said[3])
    assert.equal(said[1], said[4])
  end)

  it("tell when a status came to be", function()
    local one = open(w:deploy()):wait(3)
    local changes = one:of "status"
    assert.equal("building deploying live", ("%s %s %s"):format(changes[1].status, changes[2].status, changes[3].status))
    assert.equal(world.START * 1000 + 200, changes[1].time_ms)
    assert.equal(world.START * 1000 + 2000, changes[2].time_ms)
    assert.equal(world.START * 1000 + 2600, changes[3].time_ms)
    assert.equal(one:of("log")[9].cursor, changes[2].cursor)
  end)

  for _, case in ipairs {
    { "build_failed", "failed", "Build failed: The build command exited with status 1." },
    { "deploy_failed", "failed", "Deployment failed: No region answered the health check." },
  } do
    it("end with what became of the deployment: " .. case[1], function()
      local one = open(w:deploy { metadata = { emulate = case[1] } }):wait(3)
      assert.equal(case[2], one.messages[#one.messages].status)
      local list = one:of "log"
      assert.equal(case[3], list[#list].message)
      assert.equal(1000, one.code)
    end)
  end

  it("end when it is canceled, also in the queue", function()
    local made = w:deploy()
    local one = open(made)
    w:post("/deployments/" .. made.id .. "/cancel")
    assert.equal("hello canceled end", one:go():short())
    made = w:deploy()
    one = open(made):wait(1)
    w:post("/deployments/" .. made.id .. "/cancel")
    local list = one:go():of "log"
    assert.equal("Build canceled: user", list[#list].message)
    assert.equal(1000, one.code)
  end)

  it("are a job's as well", function()
    local run = ci.start(w, ci.pipeline(w, { { "a", run = { "echo one\nsleep 2\necho two", "exit 3" } } }))
    local job = ci.jobs(w, run)[1]
    local one = open(job)
    assert.equal("queued", one.messages[1].status)
    for _ = 1, 50 do
      one:wait(0.1)
    end
    local texts, list = {}, lines(job)
    for index, message in ipairs(one:of "log") do
      assert.equal(list[index].cursor, message.cursor)
      texts[index] = message.message
    end
    assert.equal(#list, #texts)
    assert.equal("The step ended with exit code 3", texts[#texts])
    assert.equal("running failed", one:of("status")[1].status .. " " .. one:of("status")[2].status)
    assert.equal(1000, one.code)
  end)

  it("make a part of a log once, however much they say", function()
    local build_log = require "gitdev.emulator.deployments.build_log"
    local write_part, calls = build_log.write, 0
    build_log.write = function(...) -- luacheck: ignore 122
      calls = calls + 1
      return write_part(...)
    end
    local made = w:deploy()
    local one = open(made)
    for _ = 1, 300 do
      write(made, { message = "by hand" })
      one:wait(0.01)
    end
    build_log.write = write_part -- luacheck: ignore 122
    assert.truthy(#one:of "log" > 200)
    assert.truthy(calls <= 6, calls)
  end)

  -- ---- where they begin, what they leave out ----

  describe("begin", function()
    local made, list

    before_each(function()
      made = deployed()
      list = lines(made)
    end)

    local function numbers(query)
      local one = open(made, query)
      assert.equal(1000, one.code)
      return one:short(2)
    end

    it("after a cursor: a line's, a status's, hello's, the end's", function()
      assert.equal("11 12 13 end", numbers("?cursor=" .. list[10].cursor))
      local one = open(made)
      assert.equal("1 2 3 4 5 6 7 8 9 10 11 12 13 end", numbers("?cursor=" .. one.messages[1].cursor))
      assert.equal("end", numbers("?cursor=" .. one.messages[#one.messages].cursor))
      local next_one = w:deploy()
      one = streams.open(w, next_one):wait(4)
      local change = one:of("status")[2]
      assert.equal("hello 10 11 12 13 end", open(next_one, "?cursor=" .. change.cursor):short())
    end)

    it("with the last lines, or with new ones", function()
      assert.equal("12 13 end", numbers "?tail=2")
      assert.equal("end", numbers "?tail=0")
      assert.equal("1 2 3 4 5 6 7 8 9 10 11 12 13 end", numbers "?tail=1000")
      local next_one = w:deploy()
      w:wait(1)
      local seen = #lines(next_one)
      local one = open(next_one, "?tail=0")
      assert.equal("hello", one:short())
      assert.equal(("%d"):format(seen + 1), one:wait(2):short(2):match "%d+")
    end)

    it("with the last lines that fit the filters", function()
      assert.equal("7 8 end", numbers "?tail=2&stage=build")
      assert.equal("10 11 end", numbers "?tail=2&stage=deploy")
      assert.equal("5 end", numbers "?tail=2&level=warn&stage=build")
    end)

    it("and leave out other stages and lesser levels", function()
      assert.equal("9 10 11 end", numbers "?stage=deploy")
      assert.equal("5 end", numbers "?level=warn")
      assert.equal("end", numbers "?level=error")
    end)
  end)

  it("send what exists, and the end, where they are not to follow", function()
    local made = w:deploy()
    w:wait(1)
    local one = open(made, "?follow=false")
    assert.equal("hello 1 2 3 4 end", one:short())
    assert.equal("building", one.messages[#one.messages].status)
    assert.equal(1000, one.code)
  end)

  it("follow the runtime while the deployment is live", function()
    local made = w:deploy()
    local one = open(made, "?stage=runtime"):live(40)
    assert.equal("hello building deploying 12 live 13 ping ping", one:short())
    write(made, { message = "GET /index.html 200" })
    assert.equal("GET /index.html 200", one:go().messages[#one.messages].message)
    assert.is_nil(one.code)
    local failed = open(w:deploy { metadata = { emulate = "build_failed" } }, "?stage=runtime"):wait(3)
    assert.equal(1000, failed.code)
  end)

  -- ---- before the upgrade ----

  describe("before the upgrade", function()
    local made

    before_each(function()
      made = deployed()
    end)

    local function protocols(text)
      return { headers = { ["sec-websocket-protocol"] = text } }
    end

    it("select the protocol that is offered, and serve those who offer none", function()
      assert.equal("git.logs.v1", ask(made).raw.protocol)
      assert.equal("git.logs.v1", ask(made, "", protocols "chat, git.logs.v1").raw.protocol)
      local plain = ask(made, "", { headers = {} })
      assert.equal(101, plain.status)
      assert.is_nil(plain.raw.protocol)
      assert.equal("400 parameter_invalid", codes(ask(made, "", protocols "chat, git.logs.v2")))
      assert.equal("400 parameter_invalid", codes(ask(made, "", protocols "")))
    end)

    local refused = {
      { "a plain request", "", { upgrade = false }, "426 upgrade_required" },
      { "a handshake that is none", "", { upgrade = "malformed" }, "400 parameter_invalid" },
      { "two beginnings", "?tail=1&cursor=x", {}, "400 parameter_invalid tail" },
      { "a cursor of no one", "?cursor=nonsense", {}, "400 cursor_invalid cursor" },
      { "an API key in the query", "?api_key=gsk_test_1", {}, "400 parameter_unknown api_key" },
      { "no key", "", { key = false }, "401 api_key_missing" },
      { "a ticket of no one", "?ticket=tkt_1", { key = false }, "401 ticket_invalid" },
    }
    for _, case in ipairs(refused) do
      it("refuse " .. case[1] .. ": " .. case[4], function()
        local answer = ask(made, case[2], case[3])
        assert.equal(case[4], codes(answer))
        assert.equal("application/json; charset=utf-8", answer.headers["content-type"])
        assert.equal(answer.headers["x-request-id"], answer.json.error.request_id)
        assert.equal(case[3].key ~= false, answer.headers["x-ratelimit-remaining"] ~= nil)
        assert.equal(0, count())
      end)
    end

    it("say which version they speak to those who want another (RFC 6455 4.2.2)", function()
      for _, upgrade in ipairs { "malformed", false } do
        assert.equal("13", ask(made, "", { upgrade = upgrade }).headers["sec-websocket-version"])
      end
    end)

    it("refuse HEAD, and what is gone", function()
      local path = "/deployments/" .. made.id .. "/logs/stream"
      assert.equal(426, w:send("HEAD", path, nil, { upgrade = "good" }).status)
      w:wait(30 * 24 * 3600)
      assert.equal("410 logs_expired", codes(ask(made)))
    end)

    it("cost a token; what is said afterwards costs none", function()
      w = world.new { plan = "starter" }
      made = deployed()
      w:wait(100)
      local answer = ask(made)
      assert.equal("9", answer.headers["x-ratelimit-remaining"])
      local one = streams.open(w, made, "?stage=runtime")
      for _ = 1, 100 do
        one:say '{"type":"pong","id":"0"}'
      end
      assert.equal("7", w:get("/organization").headers["x-ratelimit-remaining"])
    end)

    it("take no more of them than the plan allows", function()
      w = world.new { plan = "starter", rate_limit = false }
      made = w:deploy()
      local all = {}
      for number = 1, 10 do
        all[number] = streams.open(w, made)
      end
      local answer = ask(made)
      assert.equal("429 stream_limit", codes(answer))
      assert.equal("1", answer.headers["retry-after"])
      all[3].stream:closed()
      all[3] = streams.open(w, made)
      assert.equal("429 stream_limit", codes(ask(made)))
      all[1]:wait(3)
      assert.equal(0, count())
    end)

    it("count those that are never attached until they are closed, and those of a fault not at all", function()
      w = world.new { quotas = { streams = 1 } }
      made = w:deploy()
      local answer = ask(made)
      assert.equal("429 stream_limit", codes(ask(made)))
      answer.raw.stream:closed()
      for _, fault in ipairs { { status = 503, execute = true }, { drop = true, execute = true }, { raw = "x", execute = true } } do
        w.emulator:fault(fault)
        assert.is_nil(ask(made).raw.stream)
      end
      assert.equal(101, ask(made).status)
    end)
  end)

  -- ---- the heartbeat ----

  describe("keep a heartbeat", function()
    local made

    before_each(function()
      made = deployed()
    end)

    it("of pings after 15 s of silence, that want a pong within as many", function()
      local one = open(made, "?stage=runtime&tail=0"):wait(14.9)
      assert.equal("hello", one:short())
      one:wait(0.1)
      assert.equal("hello ping", one:short())
      assert.equal(w.emulator.now_ms, one.messages[2].time_ms)
      one:wait(14.9):pong()
      one:wait(0.1)
      assert.equal("hello ping ping", one:short())
      assert.not_equal(one.messages[2].id, one.messages[3].id)
      one:wait(15)
      assert.equal("hello ping ping error timeout", one:short())
      assert.equal(4408, one.code)
      assert.equal(0, count())
    end)

    it("for which a line is no silence", function()
      local one = open(made, "?stage=runtime&tail=0"):wait(10)
      write(made, { message = "a" })
      assert.equal("hello 14", one:go():wait(14):short())
      assert.equal("hello 14 ping", one:wait(1):short())
      write(made, { message = "b" })
      one:go():wait(14)
      assert.equal("hello 14 ping 15", one:short())
      one:wait(1)
      assert.equal(4408, one.code)
    end)

    it("for which time that is skipped is no silence", function()
      local one = open(made, "?stage=runtime&tail=0")
      w.emulator:skip(1800 * 1000)
      assert.equal("hello", one:go():short())
      assert.equal("hello ping", one:wait(15):short())
      w.emulator:skip(600 * 1000)
      one:go():pong()
      assert.equal("hello ping ping", one:wait(15):short())
    end)

    it("that pongs of no ping do not disturb", function()
      local one = open(made, "?stage=runtime&tail=0"):say '{"type":"pong","id":"77"}'
      one:wait(15):say '{"type":"pong","id":"0"}'
      one:wait(15)
      assert.equal(4408, one.code)
    end)

    it("until 60 minutes are over", function()
      local one = open(made, "?stage=runtime&tail=0"):live(3590, 5)
      assert.is_nil(one.code)
      one:live(10, 5)
      assert.equal(1001, one.code)
      assert.equal("ping", one.messages[#one.messages].type)
    end)
  end)

  describe("refuse", function()
    for _, text in ipairs {
      "", "hello", "{", "[]", "null", '"pong"', '{"type":"ping","id":"1"}', '{"type":"pong"}', '{"type":"pong","id":1}', "{}",
      '[{"type":"pong","id":"1"}]',
    } do
      it(("the message %q with 4400"):format(text), function()
        local one = open(w:deploy()):say(text)
        assert.equal("hello error parameter_invalid", one:short())
        assert.equal(4400, one.code)
        assert.equal(one.answer.headers["x-request-id"], one.messages[2].error.request_id)
      end)
    end

    it("binary messages with 4400", function()
      local one = open(w:deploy())
      one.stream:receive_binary()
      assert.equal(4400, one.code)
    end)
  end)

  -- ---- the right to read ----

  describe("end for who may not read on:", function()
    local made, key

    local function opened(extra)
      local one = open(made, "?stage=runtime&tail=0", extra or { key = key.secret })
      assert.is_nil(one.code)
      return one
    end

    before_each(function()
      made = deployed()
      key = w:post("/api_keys", { name = "ci" }).json
    end)

    it("the key was revoked", function()
      local one, other = opened(), opened { key = w.key }
      w:delete("/api_keys/" .. key.id)
      assert.equal("hello error api_key_revoked", one:go():short())
      assert.equal(4401, one.code)
      assert.is_nil(other.code)
    end)

    it("the key has expired", function()
      key = w:post("/api_keys", { name = "short", expires_at = math.floor(w.now) + 10 }).json
      local one = opened():wait(9)
      assert.is_nil(one.code)
      assert.equal("hello error api_key_expired", one:wait(2):short())
      assert.equal(4401, one.code)
    end)

    it("the key was rotated, and the old secret's time is over", function()
      local one = opened()
      local secret = w:post("/api_keys/" .. key.id .. "/rotate", { expire_previous_in = 10 }).json.secret
      local other = opened { key = secret }
      one:wait(9)
      assert.is_nil(one.code)
      one:wait(1)
      assert.equal(4401, one.code)
      assert.is_nil(other.code)
    end)

    it("the key behind the ticket was revoked", function()
      local ticket = w:post("/stream_tickets", { resource = made.id }, { key = key.secret }).json.ticket
      local one = open(made, "?stage=runtime&ticket=" .. ticket, { key = false })
      w:delete("/api_keys/" .. key.id)
      one:go()
      assert.equal(4401, one.code)
    end)

    it("the key has lost the scope", function()
      local one = opened()
      assert(w.emulator:change_key(key.id, { scopes = { "deployments:read" } }))
      assert.equal("hello error insufficient_scope", one:go():short())
      assert.equal("logs:read", one.messages[2].error.required_scope)
      assert.equal(4403, one.code)
    end)

    it("the key has lost the project", function()
      local one = opened()
      assert(w.emulator:change_key(key.secret, { projects = {} }))
      assert.equal("hello error resource_missing", one:go():short())
      assert.equal(4404, one.code)
    end)

    it("the deployment was deleted", function()
      local next_one = deployed()
      w:post("/deployments/" .. next_one.id .. "/promote")
      local one = opened()
      local other = open(next_one, "?stage=runtime&tail=0")
      assert.equal(204, w:delete("/deployments/" .. made.id).status)
      assert.equal("hello error resource_missing", one:go():short())
      assert.equal(4404, one.code)
      assert.is_nil(other.code)
    end)

    it("the project was deleted", function()
      local one = opened()
      assert.equal(204, w:delete("/projects/my-app").status)
      one:go()
      assert.equal(4404, one.code)
    end)

    it("the log is no longer kept", function()
      w:wait(30 * 24 * 3600 - 11)
      local one = opened():wait(9)
      assert.is_nil(one.code)
      assert.equal("hello error logs_expired", one:wait(1):short())
      assert.equal(4410, one.code)
    end)
  end)

  it("end as they are attached, for what has happened since the handshake", function()
    local function attach(answer)
      local closed = { texts = {} }
      answer.raw.stream:attach {
        send = function(text)
          table.insert(closed.texts, text)
        end,
        close = function(code, reason)
          closed.code, closed.reason = code, reason
        end,
      }
      return closed
    end
    local made, key = deployed(), w:post("/api_keys", { name = "ci" }).json
    local answer = ask(made, "?stage=runtime", { key = key.secret })
    w:delete("/api_keys/" .. key.id)
    local seen = attach(answer)
    assert.equal(4401, seen.code)
    assert.truthy(seen.texts[1]:find '^{"type":"error",.*api_key_revoked')
    answer = ask(made)
    w.emulator:reset()
    assert.same({ texts = {}, code = 1012, reason = "the emulator was reset" }, attach(answer))
    assert.equal(0, count())
  end)

  it("open with a ticket, once, for who could not send the header", function()
    local made = w:deploy()
    local ticket = w:post("/stream_tickets", { resource = made.id }).json.ticket
    local one = open(made, "?ticket=" .. ticket, { key = false }):wait(3)
    assert.equal(1000, one.code)
    assert.equal("401 ticket_invalid", codes(ask(made, "?ticket=" .. ticket, { key = false })))
    ticket = w:post("/stream_tickets", { resource = made.id }).json.ticket
    assert.equal("426 upgrade_required", codes(ask(made, "?ticket=" .. ticket, { key = false, upgrade = false })))
    assert.equal("400 parameter_invalid", codes(ask(made, "?ticket=" .. ticket, {
      key = false, headers = { ["sec-websocket-protocol"] = "other" },
    })))
    w:wait(59)
    assert.equal(101, ask(made, "?ticket=" .. ticket, { key = false }).status)
    ticket = w:post("/stream_tickets", { resource = made.id }).json.ticket
    w:wait(60)
    assert.equal("401 ticket_invalid", codes(ask(made, "?ticket=" .. ticket, { key = false })))
  end)

  -- ---- slow readers, lines that are gone ----

  it("wait for a slow reader", function()
    local made = deployed()
    local one = open(made, "", nil, 4)
    assert.equal("hello 1 2 3", one:short())
    assert.equal("hello 1 2 3", one:wait(40):short())
    assert.equal("hello 1 2 3 4 5", one:make_room(2):short())
    assert.equal("hello 1 2 3 4 5 6 7 8 9 10 11 12 13 end", one:make_room():short())
    assert.equal(1000, one.code)
  end)

  it("give up what waits for one who takes nothing for 30 s, but for the newest thousand lines", function()
    local made = deployed()
    write(made, { count = 5000, message = "{n}" })
    local one = open(made, "", nil, 3):wait(29)
    one:make_room(2)
    assert.equal("hello 1 2 3 4", one:short())
    one:wait(30):make_room(3)
    assert.equal("hello 1 2 3 4 gap 5-4013 slow_consumer 4014 4015", one:short())
    one:make_room()
    assert.equal("end", one.messages[#one.messages].type)
    assert.equal(5013, one:of("log")[#one:of "log"].seq)
    local first = lines(made, "?limit=1&cursor=" .. one:of("log")[4].cursor)[1]
    assert.equal(5, first.seq)
  end)

  it("begin with the first line that is kept, and tell who comes with a cursor what is gone", function()
    local made = deployed()
    local cursor = lines(made)[2].cursor
    assert(w.emulator:expire_log(made.id, 5))
    assert.equal("hello 6 7 8 9 10 11 12 13 end", open(made):short())
    assert.equal("hello gap 3-5 expired 6 7 8 9 10 11 12 13 end", open(made, "?cursor=" .. cursor):short())
    assert.equal("hello 6 7 8 9 10 11 12 13 end", open(made, "?tail=20"):short())
    assert.equal(6, lines(made)[1].seq)
    assert.equal(6, lines(made, "?cursor=" .. cursor)[1].seq)
    local back = lines(made, "?order=desc&limit=1000")
    assert.equal(6, back[#back].seq)
    local one = open(made, "?follow=false", nil, 3)
    assert(w.emulator:expire_log(made.id, 10))
    assert.equal("hello 6 7 gap 8-10 expired 11 12 13 end", one:make_room():short())
    assert.is_nil((w.emulator:expire_log(made.id, 1000)))
  end)

  it("send no line again that a gap has passed, when a status is still to be told", function()
    local made = w:deploy()
    local slow, late = open(made, "", nil, 2), open(made, "", nil, 2)
    assert.equal("hello 1", slow:wait(0.3):short())
    write(made, { count = 3000, message = "{n}" })
    w:wait(3)
    assert(w.emulator:expire_log(made.id, 3010))
    late:make_room()
    assert.equal("hello 1 gap 2-3010 expired building deploying 3011 3012 live end", late:short())
    slow:wait(30):make_room()
    assert.equal(late:short(), slow:short())
    made = w:deploy()
    slow = open(made, "", nil, 2):wait(0.3)
    write(made, { count = 3000, message = "{n}" })
    slow:wait(33):make_room()
    assert.truthy(slow:short():find "^hello 1 gap 2%-2012 slow_consumer building 2013 2014 ")
    local seen = slow:of "log"
    assert.equal(1001, #seen)
    assert.equal(3012, seen[#seen].seq)
  end)

  it("go on after a cursor of a log that was longer, in a state that was restored", function()
    local made = w:deploy()
    local text = w.emulator:dump()
    w:wait(3)
    local cursor = lines(made)[12].cursor
    assert(w.emulator:restore(text))
    assert(w.emulator:find("deployment", made.id).status == "live")
    write(made, { message = "x" })
    local other = world.new { rate_limit = false }
    assert(other.emulator:restore(text))
    local one = streams.open(other, made, "?cursor=" .. cursor, { key = w.key })
    assert.equal("hello 1 building 2 3 4 5 6 7 8 9 deploying 10 11 12 live end", one:wait(3):short())
    assert.not_equal(cursor, one.messages[1].cursor)
  end)

  -- ---- lines written by hand ----

  describe("have lines that were written by hand", function()
    it("in their place among the others", function()
      local made = w:deploy()
      local one = open(made)
      write(made, { message = "first" })
      one:wait(1)
      write(made, { lines = { "a\nb", { message = "c", level = "error", stream = "stderr", stage = "deploy" }, "d" } })
      one:wait(3)
      local list = lines(made)
      assert.equal("first", list[1].message)
      assert.equal("1 build stdout info first", ("%d %s %s %s %s"):format(
        list[1].seq, list[1].stage, list[1].stream, list[1].level, list[1].message
      ))
      local messages, seen = {}, one:of "log"
      for index, line in ipairs(list) do
        assert.equal(index, line.seq)
        assert.equal(line.message, seen[index] and seen[index].message or "GET / 200")
        assert.equal(line.cursor, seen[index] and seen[index].cursor or line.cursor)
        messages[index] = line.message
      end
      assert.equal("a b c d", table.concat(messages, " ", 6, 9))
      assert.equal("deploy stderr error", ("%s %s %s"):format(list[8].stage, list[8].stream, list[8].level))
      assert.equal(13 + 5, #list)
    end)

    it("with secrets masked, and cut", function()
      w:post("/projects/my-app/env", { key = "TOKEN", value = "hunter22", secret = true })
      local made = deployed()
      write(made, { count = 2, message = "it is hunter22, {n}" })
      write(made, { lines = { "it is hunter22", ("x"):rep(70000) } })
      local list = lines(made, "?limit=4&order=desc")
      assert.equal(65536, #list[1].message)
      assert.is_true(list[1].truncated)
      assert.equal("it is ***", list[2].message)
      assert.equal("it is ***, 2", list[3].message)
      local one = open(made, "?tail=1")
      assert.is_true(one:of("log")[1].truncated)
    end)

    it("cut where they would be larger than a message may be, or become so by a mask", function()
      w:post("/projects/my-app/env", { key = "LETTER", value = "q", secret = true })
      local made = deployed()
      write(made, { lines = { ("\27"):rep(65536), ("é\1"):rep(30000) } })
      write(made, { count = 1, message = ("q"):rep(60000) })
      assert.is_nil((w.emulator:write_log(made.id, { count = 1, message = ("\27"):rep(60000) })))
      local one = open(made, "?tail=3")
      for index, line in ipairs(lines(made, "?limit=3&cursor=" .. lines(made)[14].cursor)) do
        assert.is_true(line.truncated)
        assert.truthy(core.utf8(line.message))
        assert.truthy(#one.texts[index + 1] <= 128 * 1024 and #one.texts[index + 1] > 64 * 1024, #one.texts[index + 1])
        assert.equal(line.message, one.messages[index + 1].message)
      end
      assert.equal(4, #one:short(2):gsub("[^ ]", "") + 1)
    end)

    it("over the control plane", function()
      local made = deployed()
      local function post(path, body)
        return w:post(path, body, { base = "/_emulator", key = false })
      end
      assert.equal(204, post("/logs", { id = made.id, count = 3, message = "{n}", stage = "runtime" }).status)
      assert.equal(204, post("/logs", { id = made.id, lines = { "one", { message = "two", level = "warn" } } }).status)
      assert.equal("3 one two", ("%s %s %s"):format(
        lines(made)[16].message, lines(made)[17].message, lines(made)[18].message
      ))
      assert.equal(204, post("/logs/expire", { id = made.id, seq = 15 }).status)
      assert.equal(16, lines(made)[1].seq)
      for _, body in ipairs {
        {}, { id = made.id }, { id = "dep_none", message = "a" }, { id = made.id, message = "a", lines = { "b" } },
        { id = made.id, message = "a", count = 0 }, { id = made.id, message = "a", count = 1.5 }, { id = made.id, lines = { 5 } },
        { id = made.id, lines = { "a" }, count = 5 }, { id = made.id, message = "a\nb", count = 5 }, { id = made.id, message = "a", x = 1 },
        { id = made.id, message = "a", stage = "test" }, { id = made.id, lines = { { message = "a", stage = "" } } },
        { id = made.id, message = "a", level = "loud" }, { id = made.id, lines = { { message = "a", stream = "x" } } },
      } do
        assert.equal(400, post("/logs", body).status, json.encode(body))
      end
      assert.equal(400, post("/logs/expire", { id = made.id, seq = "x" }).status)
      assert.equal(400, post("/logs/expire", { seq = 1 }).status)
      assert.equal(18, #lines(made) + 15)
    end)

    it("by the million, which are read in pages and streamed from anywhere", function()
      local made = deployed()
      write(made, { count = 1000000, message = "Line {n}", level = "debug" })
      write(made, { message = "the last", level = "error" })
      local page = w:get("/deployments/" .. made.id .. "/logs?order=desc&limit=3").json
      assert.equal("the last", page.data[1].message)
      assert.equal("Line 999999", page.data[3].message)
      assert.is_true(page.has_more)
      assert.equal(1000014, page.data[1].seq)
      page = w:get("/deployments/" .. made.id .. "/logs?level=error").json
      assert.equal(1, #page.data)
      assert.is_false(page.has_more)
      page = w:get("/deployments/" .. made.id .. "/logs?order=desc&limit=2&level=info").json
      assert.equal("1000014 12", ("%d %d"):format(page.data[1].seq, page.data[2].seq))
      assert.equal("hello 1000013 1000014 end", open(made, "?tail=2"):short())
      assert.equal("hello 1000014 end", open(made, "?level=error&tail=5"):short())
      local cursor = lines(made, "?limit=2&order=desc")[2].cursor
      assert.equal("hello 1000014 end", open(made, "?cursor=" .. cursor):short())
    end)

    it("which a state keeps", function()
      local made = deployed()
      write(made, { count = 100000, message = "Line {n}" })
      write(made, { lines = { "ANSI \27[0m" } })
      local text = w.emulator:dump()
      assert.truthy(#text < 1000000)
      local before = lines(made, "?order=desc&limit=5")
      local other = world.new { rate_limit = false }
      assert(other.emulator:restore(text))
      local after = other:get("/deployments/" .. made.id .. "/logs?order=desc&limit=5", { key = w.key }).json.data
      assert.same(before, after)
    end)
  end)

  -- ---- faults ----

  describe("suffer faults:", function()
    local function hit(stream, query)
      w.emulator:fault { stream = stream }
      local one = open(deployed(), query)
      return one:short(), one.code, one
    end

    it("the connection is cut after a line", function()
      local said, code = hit { seq = 5, drop = true }
      assert.equal("hello 1 2 3 4 5", said)
      assert.equal("cut", code)
      assert.equal(0, count())
    end)

    it("or after so many lines of the stream, several times", function()
      local made = deployed()
      w.emulator:fault { match = { op = "deployments.logs.stream" }, times = 3, stream = { lines = 4, drop = true } }
      local cursor, said = nil, {}
      for number = 1, 4 do
        local one = open(made, cursor and "?cursor=" .. cursor)
        said[number] = one:short()
        cursor = one.messages[#one.messages].cursor
      end
      assert.same({ "hello 1 2 3 4", "hello 5 6 7 8", "hello 9 10 11 12", "hello 13 end" }, said)
    end)

    it("or at once, in a row, without a line", function()
      w.emulator:fault { times = 2, stream = { drop = true } }
      local made = deployed()
      assert.equal("hello", open(made):short())
      assert.equal("hello", open(made):short())
      assert.equal("end", open(made).messages[15].type)
    end)

    for _, case in ipairs { 1000, 1001, 1006 + 5, 1012, 4401, 4429, 4999 } do
      it("closed with " .. case, function()
        local said, code, one = hit { seq = 2, close = case, reason = "because" }
        assert.equal("hello 1 2", said)
        assert.equal(case, code)
        assert.equal("because", one.reason)
      end)
    end

    it("lines come twice", function()
      assert.equal("hello 1 2 3 4 3 4 5 6 7 8 9 10 11 12 13 end", (hit { seq = 4, duplicate = 2 }))
    end)

    it("lines are left out, which a gap tells", function()
      assert.equal("hello 1 2 gap 3-6 slow_consumer 7 8 9 10 11 12 13 end", (hit { lines = 2, gap = 4 }))
      assert.equal("hello 1 2 gap 3-13 slow_consumer end", (hit { lines = 2, gap = 400 }))
    end)

    it("nothing more comes, no heartbeat either, and nothing is minded", function()
      local said, code, one = hit({ seq = 3, stall = true })
      assert.equal("hello 1 2 3", said)
      assert.is_nil(code)
      one:wait(4000):say "nonsense"
      assert.equal("hello 1 2 3", one:short())
      assert.is_nil(one.code)
      assert.equal(1, count())
      one.stream:closed()
      assert.equal(0, count())
    end)

    it("a text that is no message", function()
      local said = hit { seq = 2, text = '{"type":"log",' }
      assert.equal('hello 1 2 {"type":"log", 3', said:match "^(.* 3) ")
    end)

    it("a message that is too large", function()
      local _, _, one = hit { seq = 2, oversize = 0 }
      assert.equal(128 * 1024 + 1, #one.texts[4])
      assert.truthy(json.read(one.texts[4]))
      _, _, one = hit { seq = 2, oversize = 200000 }
      assert.equal(200000, #one.texts[4])
    end)

    it("frames of another kind, or none", function()
      assert.equal("hello 1 2 binary 3", (hit { seq = 2, opcode = 2 }):match "^.- 3")
      assert.equal("hello 1 2 raw \131\0 3", (hit { seq = 2, opcode = 3 }):match "^.- 3")
      assert.equal("hello 1 2 raw xyz 3", (hit { seq = 2, raw = "xyz" }):match "^.- 3")
    end)

    it("several things at once, in order", function()
      local said, code = hit { seq = 3, duplicate = 1, gap = 2, close = 4429 }
      assert.equal("hello 1 2 3 3 gap 4-5 slow_consumer", said)
      assert.equal(4429, code)
    end)

    it("of lines to come", function()
      w.emulator:fault { stream = { seq = 4, close = 1012 } }
      local one = open(w:deploy()):wait(0.3)
      assert.equal("hello 1 building 2", one:short())
      one:wait(2)
      assert.equal("hello 1 building 2 3 4", one:short())
      assert.equal(1012, one.code)
    end)

    it("which pass other requests by", function()
      w.emulator:fault { stream = { drop = true } }
      local made = deployed()
      assert.equal(426, ask(made, "", { upgrade = false }).status)
      assert.equal("cut", open(made).code)
    end)

    it("none that make no sense", function()
      for _, stream in ipairs {
        { nonsense = true }, { close = 5 }, { close = 5000 }, { close = 1004 }, { close = 1005 }, { close = 1006 },
        { close = 1015 }, { close = 2999 }, { seq = 1.5 }, { seq = -1 }, { drop = 1 }, { opcode = 16 }, { gap = 0 },
      } do
        assert.is_false(pcall(w.emulator.fault, w.emulator, { stream = stream }))
      end
    end)
  end)

  -- ---- the emulator as a whole ----

  it("are closed when the world is reset, or another one is restored", function()
    local made = w:deploy()
    local one, text = open(made), w.emulator:dump()
    assert.is_nil(w.emulator:restore "nonsense")
    assert.is_nil(one.code)
    assert(w.emulator:restore(text))
    assert.equal(1012, one.code)
    one = open(made)
    w.emulator:reset()
    assert.equal(1012, one.code)
    assert.equal(0, count())
  end)

  it("are no part of the state", function()
    local made = w:deploy()
    local before = #w.emulator:dump()
    local all = {}
    for number = 1, 20 do
      all[number] = open(made)
    end
    -- What was asked is in the log of requests, and the bucket has lost tokens.
    assert.truthy(#w.emulator:dump() - before < 20 * 300)
    all[1]:wait(5)
    assert.equal(1000, all[20].code)
  end)

  it("count in what is due next, and say when that comes sooner", function()
    local made, told = deployed(), 0
    w:wait(60)
    assert.is_nil(w.emulator:next_due())
    local one = open(made, "?stage=runtime&tail=0")
    assert.equal(w.now + 15, w.emulator:next_due())
    w.emulator.on_ready = function()
      told = told + 1
    end
    write(made, { message = "new" })
    assert.equal(1, told)
    assert.is_true(streams.is_due(w))
    one:go()
    assert.equal("hello 14", one:short())
    one.stream:closed()
    assert.is_nil(w.emulator:next_due())
    one, told = open(deployed(), "?stage=runtime"), 0
    assert.equal(204, w:delete("/deployments/" .. made.id).status)
    assert.equal(1, told)
    assert.is_true(streams.is_due(w))
    assert.is_nil(one:go().code)
    w.emulator:skip(1000)
    assert.equal(2, told)
    w.emulator:reset()
    assert.equal(3, told)
    assert(w.emulator:restore(w.emulator:dump()))
    assert.equal(4, told)
  end)

  describe("let others have their turn:", function()
    local ROUND = 400

    -- So many streams of a log that have something to send, and have not sent it.
    local function waiting(made, number, query)
      local all = {}
      for index = 1, number do
        all[index] = open(made, query, nil, 1)
      end
      for _, one in ipairs(all) do
        one.room = nil
        one.stream:writable()
      end
      return all
    end

    local function sent(all)
      local sum = 0
      for _, one in ipairs(all) do
        sum = sum + #one.texts - 1
      end
      return sum
    end

    it("requests, and what others say, wait for no stream", function()
      local made, quiet = deployed(), open(deployed(), "?stage=runtime&tail=0")
      write(made, { count = 10000, message = "{n}" })
      local all = waiting(made, 20)
      for _ = 1, 10 do
        w:get "/organization"
        quiet:say '{"type":"pong","id":"0"}'
      end
      assert.equal(20 * 10014, sent(all)) -- to say something and go on is to let all be said
      all = waiting(made, 20)
      for _ = 1, 10 do
        w:get "/organization"
        quiet.stream:receive '{"type":"pong","id":"0"}'
        all[1].stream:writable()
      end
      assert.equal(0, sent(all))
      w.emulator:advance()
      assert.truthy(sent(all) > 0 and sent(all) < 2 * ROUND, sent(all))
      assert.is_true(streams.is_due(w))
    end)

    it("nobody waits for streams where a thousand heartbeats come at once", function()
      local made, quiet, idle = deployed(), deployed(), {}
      write(made, { count = 10000, message = "{n}" })
      for index = 1, 1000 do
        idle[index] = open(quiet, "?stage=runtime&tail=0")
        w.now = w.now + 0.001
      end
      local all = waiting(made, 20)
      w:wait(15)
      assert.truthy(sent(all) < 3 * ROUND, sent(all))
      idle[1]:go()
      assert.equal("hello ping", idle[1]:short())
      assert.equal("hello ping", idle[1000]:short())
    end)

    it("nor where lines are few that fit, however long the log", function()
      local made, list = deployed(), {}
      for number = 1, 20000 do
        list[number] = { message = "x", level = number % 200 == 0 and "error" or number % 2 == 0 and "info" or "debug" }
      end
      write(made, { lines = list })
      local all = waiting(made, 10, "?level=error")
      w.emulator:advance()
      assert.truthy(sent(all) > 0 and sent(all) < 100, sent(all))
      all[1]:go()
      assert.equal(10 * 101, sent(all))
      local answer = ask(made, "?level=error&tail=100")
      local texts = {}
      answer.raw.stream:attach {
        send = function(text)
          table.insert(texts, text)
          return true
        end,
        close = function() end,
      }
      w.emulator:advance()
      assert.equal(0, #texts)
      repeat
        w.emulator:advance()
      until not streams.is_due(w)
      assert.equal(102, #texts)
      assert.truthy(texts[1]:find '"hello"')
      local page = w:get("/deployments/" .. made.id .. "/logs?level=error&limit=1000").json
      assert.truthy(page.has_more and #page.data < 40)
      local found = #page.data
      while page.has_more do
        page = w:get("/deployments/" .. made.id .. "/logs?level=error&limit=1000&cursor=" .. page.next_cursor).json
        found = found + #page.data
      end
      assert.equal(100, found)
    end)
  end)

  it("are a thousand at once, each with all", function()
    local made, all = w:deploy(), {}
    for number = 1, 1000 do
      all[number] = open(made)
    end
    assert.equal(1000, count())
    all[1]:wait(1)
    write(made, { count = 100, message = "{n}" })
    all[1]:wait(3)
    for number = 1, 1000 do
      assert.equal(1000, all[number].code)
      assert.equal(113 - 1, #all[number]:of "log")
    end
    assert.equal(0, count())
  end)

  it("end with 1011 where the emulator fails, and it says so", function()
    local told
    w = world.new { on_error = function(text)
      told = text
    end }
    local made = w:deploy()
    local one = streams.open(w, made)
    one.stream.fits = function()
      error "a defect"
    end
    one:wait(1)
    assert.equal(1011, one.code)
    assert.truthy(told:find "a defect")
  end)
end)

-- What a client sees in a world without sockets.
describe("a log stream in a virtual world", function()
  local w, client, made

  -- Runs fn in a world where a deployment has just been made.
  local function run(options, fn)
    w = test.world(options)
    client = core.client { api_key = w.emulator.api_key, world = w.number }
    return w:run(function()
      made = require("gitdev").client().deployments:create { project = "my-app" }
      return fn()
    end)
  end

  local function call(query)
    local path = "/deployments/" .. made.id .. "/logs/stream" .. (query or "")
    return assert(client:call("GET", path, nil, nil, nil, nil, nil, w.now(), UPGRADE))
  end

  local function open(query)
    local one = call(query)
    local opened = w.driver.open(one)
    return opened, one:result()
  end

  local function count()
    return w.emulator.streams:count(w.emulator.tenants[false])
  end

  it("is opened, read to its end, and closed", function()
    run({}, function()
      local one, status, body = open()
      assert.equal("101 ", status .. " " .. body)
      local texts, what, code = read_all(one)
      assert.equal("closed 1000", what .. " " .. code)
      assert.truthy(texts[1]:find('"type":"hello"', 1, true))
      assert.truthy(texts[#texts]:find('"type":"end"', 1, true))
      assert.equal(1 + 12 + 3 + 1, #texts)
      assert.is_true(w:elapsed() > 2.6 and w:elapsed() < 2.7)
      assert.equal("closed 1000", table.concat({ select(2, one:receive()) }, " "):match "closed 1000")
      assert.is_nil((one:send "x"))
      assert.equal(0, count())
    end)
  end)

  it("is refused as any call", function()
    run({}, function()
      local one, status, err = open "?tail=1001"
      assert.is_nil(one)
      assert.is_false(status)
      assert.equal("parameter_invalid", err.code)
    end)
  end)

  it("says the same in each run of a seed", function()
    local said = {}
    for number = 1, 2 do
      run({ seed = 5 }, function()
        w.emulator:fault { stream = { lines = 5, drop = true } }
        local texts, _, code = read_all((open()))
        said[number] = table.concat(texts, "\n") .. code .. w:trace()
      end)
    end
    assert.equal(said[1], said[2])
  end)

  it("waits no longer than it is told, and is usable afterwards", function()
    run({}, function()
      local one = open()
      assert.truthy(one:receive(0) == nil and one:receive(1):find "hello")
      local before = w:elapsed()
      local text, what = one:receive(0.05)
      assert.equal("nil timeout", tostring(text) .. " " .. what)
      assert.is_true(math.abs(w:elapsed() - before - 0.05) < 1e-6)
      assert.truthy(one:receive():find '"seq":1,')
    end)
  end)

  it("is left usable by a canceled task", function()
    run({}, function()
      local one = open()
      one:receive()
      local waiter = loop.spawn(function()
        one:receive()
      end)
      loop.sleep(0.01)
      waiter:cancel()
      assert.is_false(pcall(waiter.wait, waiter))
      assert.truthy(one:receive():find '"seq":1,')
    end)
  end)

  it("hears at once what the program does to the emulator", function()
    run({}, function()
      local one = open "?stage=runtime&tail=0"
      loop.sleep(5)
      while one:receive(0) do end -- luacheck: ignore 542
      local before = w:elapsed()
      w.emulator:write_log(made.id, { message = "now" })
      assert.truthy(one:receive():find '"message":"now"')
      assert.is_true(w:elapsed() - before < 0.021)
      w.emulator:skip(3600 * 1000)
      local _, what, code = one:receive()
      assert.equal("closed 1001", what .. " " .. code)
    end)
  end)

  it("lives as long as its pings are answered", function()
    run({}, function()
      loop.sleep(5)
      local one = open "?stage=runtime&tail=0"
      local texts, _, code = read_all(one)
      assert.equal(1001, code)
      assert.equal(1 + 239, #texts)
      one = open "?stage=runtime&tail=0"
      for _ = 1, 3 do
        one:receive()
      end
      assert.equal(4408, (select(3, one:receive())))
    end)
  end)

  it("holds its server back while nobody reads", function()
    run({}, function()
      loop.sleep(5)
      w.emulator:write_log(made.id, { count = 20000, message = "Line {n}, " .. ("x"):rep(100) })
      local one = open()
      loop.sleep(10)
      local _, stream = next(w.emulator.streams.channels)
      assert.truthy(stream.members[1].at < 1000)
      local texts, _, code = read_all(one)
      assert.equal(1000, code)
      assert.equal(1 + 13 + 20000 + 1, #texts)
    end)
  end)

  it("is closed by the client at once", function()
    run({}, function()
      local one = open()
      one:receive()
      one:close()
      one:close()
      assert.equal("closed 1000", table.concat({ select(2, one:receive()) }, " "):match "^closed 1000")
      loop.sleep(0.02)
      assert.equal(0, count())
      assert.equal(0, one:unsent())
    end)
  end)

  it("that nobody waits for any more is given up", function()
    run({}, function()
      local waiter = loop.spawn(function()
        open()
      end)
      loop.sleep(0.015)
      assert.equal(1, count())
      waiter:cancel()
      loop.sleep(0.1)
      assert.equal(0, count())
    end)
  end)

  local broken = {
    { "is cut", { drop = true }, "closed", 1006 },
    { "is closed", { close = 4429, reason = "why" }, "closed", 4429, "why" },
    { "is too much for a client", { oversize = 0 }, "closed", 1009 },
    { "is no UTF-8", { text = "\255" }, "closed", 1007 },
    { "is no frame", { opcode = 3 }, "closed", 1002 },
    { "is no text", { opcode = 2 }, "binary" },
  }
  for _, case in ipairs(broken) do
    it(("that %s ends in %s %s"):format(case[1], case[3], case[4] or ""), function()
      run({}, function()
        case[2].seq = 3
        w.emulator:fault { stream = case[2] }
        local one = open()
        local texts, what, code, reason = read_all(one)
        assert.equal(1 + 3 + 1, #texts)
        assert.equal(case[3], what)
        assert.equal(case[4], code)
        assert.equal(case[5] or reason, reason)
      end)
    end)
  end

  it("that stalls says nothing", function()
    run({}, function()
      w.emulator:fault { stream = { stall = true } }
      local one = open()
      one:receive()
      assert.equal("timeout", (select(2, one:receive(1000))))
    end)
  end)
end)

-- The same over TLS.
describe("a log stream over a socket", function()
  local running, client

  local function start(options)
    options.seed, options.rate_limit = 1, false
    running = assert(server.start(options))
    client = assert(core.client {
      api_key = running.api_key, base_url = running.url, ca_file = running.ca_file, max_retries = 0, timeout = 20,
    })
  end

  after_each(function()
    client:close()
    running:stop()
  end)

  local function request(method, path, body)
    local made = assert(client:call(method, path, body and json.encode(body)))
    loop.perform(made)
    return json.decode((select(2, made:result())))
  end

  local function deploy()
    return request("POST", "/deployments", { project = "my-app" })
  end

  local function open(made, query)
    local path = "/deployments/" .. made.id .. "/logs/stream" .. (query or "")
    local call = assert(client:call("GET", path, nil, nil, nil, nil, nil, nil, UPGRADE))
    local handle = loop.open(call)
    local status, err = call:result()
    return handle and socket.of(handle), status, err, call
  end

  local function count()
    return running.emulator.streams:count(running.emulator.tenants[false])
  end

  local function wait_until(fn)
    while not fn() do
      loop.sleep(0.005)
    end
  end

  it("says the same", function()
    start { build_ms = 100 }
    local made = deploy()
    local one, status, _, call = open(made)
    assert.equal(101, status)
    assert.equal("git.logs.v1", call:header "sec-websocket-protocol")
    assert.truthy(call:header "x-request-id")
    local texts, what, code = read_all(one)
    assert.equal("closed 1000", what .. " " .. code)
    local path = "/deployments/" .. made.id .. "/logs?limit=1000"
    local at = 1
    for _, line in ipairs(request("GET", path).data) do
      while texts[at] and not texts[at]:find(('"seq":%d,'):format(line.seq), 1, true) do
        at = at + 1
      end
      assert.truthy(texts[at] or line.message == "GET / 200")
    end
    wait_until(function()
      return count() == 0
    end)
  end)

  it("is refused with an ordinary answer", function()
    start {}
    local made = deploy()
    local one, status, err = open(made, "?tail=5&cursor=x")
    assert.is_nil(one)
    assert.equal("false parameter_invalid 400", ("%s %s %d"):format(tostring(status), err.code, err.status))
    local plain = assert(client:call("GET", "/deployments/" .. made.id .. "/logs/stream"))
    loop.perform(plain)
    assert.equal("upgrade_required", (select(2, plain:result())).code)
  end)

  for _, case in ipairs {
    { { drop = true }, "closed", 1006 }, { { close = 1012, reason = "again" }, "closed", 1012 }, { { opcode = 3 }, "closed", 1002 },
    { { oversize = 0 }, "closed", 1009 }, { { text = "\255" }, "closed", 1007 }, { { opcode = 2 }, "binary" },
  } do
    it(("breaks as a fault says: %s %s"):format(case[2], case[3] or ""), function()
      start { build_ms = 0 }
      case[1].lines = 2
      running.emulator:fault { stream = case[1] }
      local texts, what, code = read_all((open(deploy())))
      assert.equal(case[2], what)
      assert.equal(case[3], code)
      assert.truthy(texts[#texts]:find('"seq":2', 1, true), texts[#texts])
    end)
  end

  it("is closed for a message that is none, and for a reader who leaves", function()
    start { build_ms = 60000 }
    local one = open(deploy())
    one:receive(5)
    one:send "hello"
    local texts, _, code = read_all(one)
    assert.equal(4400, code)
    assert.truthy(texts[#texts]:find '"type":"error"')
    one = open(deploy())
    one:receive(5)
    one:close()
    wait_until(function()
      return count() == 0
    end)
    one = open(deploy())
    one:receive(5)
    one.handle:abort()
    wait_until(function()
      return count() == 0
    end)
  end)

  it("hears at once what this process does to the emulator", function()
    start { build_ms = 60000 }
    local made = deploy()
    local one = open(made, "?tail=0")
    while not (one:receive(5) or ""):find '"status":"building"' do end -- luacheck: ignore 542
    running.emulator:write_log(made.id, { message = "now", level = "error" })
    local text
    repeat
      text = one:receive(10)
    until text:find '"level":"error"'
    running:stop()
    local _, _, code = read_all(one)
    assert.equal(1001, code)
  end)

  it("is long, and waits for its reader", function()
    start { build_ms = 0 }
    local made = deploy()
    running.emulator:write_log(made.id, { count = 30000, message = "Line {n}, " .. ("x"):rep(200) })
    loop.sleep(1)
    local one = open(made)
    local at
    local texts, _, code = read_all(one, function(_, number)
      if number == 10 then
        loop.sleep(0.2)
        local _, channel = next(running.emulator.streams.channels)
        at = channel.members[1].at
      end
    end)
    assert.equal(1000, code)
    assert.truthy(at < 29000, at)
    assert.truthy(#texts >= 30014)
    local last = 0
    for _, text in ipairs(texts) do
      local seq = tonumber(text:match '"seq":(%d+)')
      assert.equal(last + 1, seq or last + 1)
      last = seq or last
    end
    assert.truthy(last >= 30012)
  end)

  it("is one of two hundred", function()
    start { build_ms = 60000 }
    local made, all = deploy(), {}
    for number = 1, 200 do
      all[number] = assert(open(made, "?tail=0"))
    end
    assert.equal(200, count())
    request("POST", "/deployments/" .. made.id .. "/cancel")
    for number = 1, 200 do
      local texts, _, code = read_all(all[number])
      assert.equal(1000, code)
      assert.truthy(texts[#texts - 1]:find '"status":"canceled"')
    end
    wait_until(function()
      return count() == 0
    end)
  end)
end)

-- Logs that are followed: lines alone, in order and each once, with those that the server skipped; paging where no WebSocket can be had; the jobs
-- of a run one after the other.
local fake = require "spec.lua.support.fake"
local json = require "gitdev.json"
local scripted = require "spec.lua.support.scripted"

local hello, log, line, status = scripted.hello, scripted.log, scripted.line, scripted.status
local gap, finish, page = scripted.gap, scripted.finish, scripted.page

local function thing(kind, state, more)
  local made = { id = kind:sub(1, 3) .. "_1", object = kind, project = "my-app", status = state, url = "https://my-app.git.dev" }
  for name, value in pairs(more or {}) do
    made[name] = value
  end
  return made
end

-- Follows the log of a deployment. `answers`: of the calls besides, in order. Returns the lines' stream, and what was asked.
local function follow(scripts, answers, fields, options, client_options, module)
  local asked, at = {}, 0
  local git, seen, sockets = scripted.client(scripts, function(call, calls)
    if #calls == 1 then
      return thing("deployment", "building")
    end
    at = at + 1
    asked[at] = call.path
    local answer = assert(answers and answers[at], "not expected: " .. call.path)
    return type(answer) == "function" and answer(call, calls) or answer
  end, client_options, module)
  local given = { follow = true }
  for name, value in pairs(fields or {}) do
    given[name] = value
  end
  local deployment = git.deployments:get "dep_1"
  local stream, err = deployment:logs(given, options)
  return stream, asked, seen, sockets, err
end

local function brief(one)
  return one.object == "log_gap" and one.from_seq .. "-" .. one.to_seq .. " " .. one.reason or one.seq
end

local function all(stream)
  return scripted.all(stream, brief)
end

local function lines(first, last)
  return scripted.each(line, first, last)
end

describe("following a log", function()
  it("gives its lines as logs.list has them, and nothing else", function()
    local stream, asked, _, sockets = follow { { hello(), log(1), status("building", "s"), log(2), log(2), finish() } }
    assert.same(line(1), stream:next())
    assert.same(line(2), stream:next())
    assert.is_nil(stream:next())
    assert.same({ "live", 1000 }, { stream.status, sockets[1].closed })
    assert.same({}, asked)
  end)

  it("begins and filters as it is told", function()
    local _, _, _, sockets = follow({ {} }, nil, { tail = 100, level = "warn", stage = "build" })
    assert.equal("/deployments/dep_1/logs/stream?follow=true&stage=build&level=warn&tail=100", sockets[1].path)
    _, _, _, sockets = follow({ {} }, nil, { follow = false, cursor = "c9" })
    assert.equal("/deployments/dep_1/logs/stream?follow=false&cursor=c9", sockets[1].path)
  end)

  it("is not what logs does without follow", function()
    local git = scripted.client({}, { thing("deployment", "live"), page(lines(1, 2)) })
    assert.equal(2, #git.deployments:get("dep_1"):logs({ level = "info" }).data)
  end)

  it("says what goes with follow where that is missing", function()
    local git = scripted.client({}, { thing("deployment", "live"), thing("deployment", "live") })
    for _, fields in ipairs { { tail = 5 }, { on_gap = print } } do
      local deployment = git.deployments:get "dep_1"
      assert.matches("goes with follow: follow = true", fake.raised(deployment.logs, deployment, fields).message, 1, true)
    end
  end)

  it("refuses fields that it does not have", function()
    for _, fields in ipairs { { colour = 1 }, { on_gap = 5 }, { tail = -1 }, { follow = "yes" }, { level = "loud" }, { tail = 1, cursor = "c" } } do
      assert.equal("invalid_request_error", fake.raised(follow, {}, nil, fields).type)
    end
  end)

  it("leaves out filtered lines without looking for them", function()
    local stream, asked = follow({ { hello(), log(3), log(9), log(9), log(4), log(12), finish() } }, nil, { level = "warn" })
    assert.same({ 3, 9, 12 }, (all(stream)))
    assert.same({}, asked)
  end)

  it("goes on over many connections, complete and each line once", function()
    local scripts, expected = {}, {}
    for i = 1, 20 do
      local script, first = { hello() }, (i - 1) * 10 + 1
      for seq = math.max(1, first - i % 4), first + 9 do
        script[#script + 1] = log(seq)
        script[#script + 1] = seq % 3 == 0 and log(seq) or nil
      end
      script[#script + 1] = i < 20 and { close = ({ 1001, 1006, 1011, 1012, 4408, 4429 })[i % 6 + 1] } or finish()
      scripts[i] = script
    end
    for seq = 1, 200 do
      expected[seq] = seq
    end
    local stream, asked, _, sockets = follow(scripts)
    assert.same(expected, (all(stream)))
    assert.same({ 20, 0 }, { #sockets, #asked })
    assert.equal("/deployments/dep_1/logs/stream?follow=true&cursor=c10", sockets[2].path)
  end)

  it("raises what ends it", function()
    local stream = follow { { hello(), log(1), { close = 4401 } } }
    local got, err = all(stream)
    assert.same({ 1 }, got)
    assert.equal("api_key_revoked", err.code)
  end)
end)

describe("a gap", function()
  it("is filled with what logs.list has, in place", function()
    local stream, asked, _, sockets = follow({ { hello(), log(1), gap(2, 4), log(5), finish() } }, { page(lines(2, 4)) })
    local one, two = stream:next(), stream:next()
    assert.same({ line(1), line(2) }, { one, two })
    assert.equal("c2", stream.cursor)
    assert.same({ 3, 4, 5 }, (all(stream)))
    assert.same({ "/deployments/dep_1/logs?limit=3&cursor=c1" }, asked)
    assert.equal(1, #sockets)
  end)

  it("is filled page by page, as it is read, and no further than its end", function()
    local stream, asked = follow({ { hello(), log(1), gap(2, 6), log(7), finish() } }, {
      page({ line(2), line(3) }, "n1"),
      page({}, "n2"),
      page({ line(4), line(5), line(6), line(7), line(8) }, "n3"),
    })
    stream:next()
    stream:next()
    assert.equal(1, #asked)
    assert.same({ 3, 4, 5, 6, 7 }, (all(stream)))
    assert.equal("/deployments/dep_1/logs?limit=3&cursor=n1", asked[2])
    assert.equal(3, #asked)
  end)

  it("is filled with the filters of the stream", function()
    local stream, asked = follow({ { hello(), log(1), gap(2, 60), log(61), finish() } }, { page { line(9), line(40), line(77) } }, {
      level = "warn",
      stage = "build",
    })
    assert.same({ 1, 9, 40, 61 }, (all(stream)))
    assert.same({ "/deployments/dep_1/logs?stage=build&level=warn&limit=1000&cursor=c1" }, asked)
  end)

  it("at the very beginning is filled from where the stream began", function()
    local stream, asked = follow({ { hello { cursor = "c41" }, gap(42, 43), log(44), finish() } }, { page(lines(42, 43)) }, { tail = 3 })
    assert.same({ 42, 43, 44 }, (all(stream)))
    assert.same({ "/deployments/dep_1/logs?limit=2&cursor=c41" }, asked)
    stream, asked = follow({ { hello { cursor = json.null }, gap(1, 2), log(3), finish() } }, { page(lines(1, 2)) })
    assert.same({ 1, 2, 3 }, (all(stream)))
    assert.same({ "/deployments/dep_1/logs?limit=2" }, asked)
  end)

  it("that nobody told of is filled too", function()
    local stream, asked = follow({ { hello(), log(1), log(4), log(5), finish() } }, { page(lines(2, 3)) })
    assert.same({ 1, 2, 3, 4, 5 }, (all(stream)))
    assert.same({ "/deployments/dep_1/logs?limit=2&cursor=c1" }, asked)
  end)

  it("between two connections is filled too", function()
    local stream = follow({ { hello(), log(1), { close = 1006 } }, { hello(), log(3), finish() } }, { page { line(2) } })
    assert.same({ 1, 2, 3 }, (all(stream)))
  end)

  local GONE = { type = "invalid_request_error", code = "logs_expired", message = "Gone.", status = 410 }

  it("of lines that are gone is told, as something that can be printed", function()
    local stream = follow({ { hello(), log(1), gap(2, 32, "expired"), log(33), finish() } }, { GONE })
    stream:next()
    local note = stream:next()
    assert.same({
      object = "log_gap",
      seq = 32,
      cursor = "c32",
      from_seq = 2,
      to_seq = 32,
      reason = "expired",
      stage = "",
      stream = "system",
      level = "warn",
      message = "31 lines, 2 to 32, are missing here (expired).",
    }, note)
    assert.same({ 33 }, (all(stream)))
  end)

  it("of which some lines are gone is told of for these", function()
    local stream = follow({ { hello(), log(1), gap(2, 9), log(10), finish() } }, { page { line(4), line(5), line(8) } })
    assert.same({ 1, "2-3 slow_consumer", 4, 5, "6-7 slow_consumer", 8, "9-9 slow_consumer", 10 }, (all(stream)))
    stream = follow({ { hello(), log(1), log(4), finish() } }, { page {} })
    stream:next()
    assert.equal("2 lines, 2 to 3, are missing here (not sent).", stream:next().message)
    assert.same({ 4 }, (all(stream)))
  end)

  it("of lines that are gone is told of with filters only when that is known", function()
    local FILTER = { level = "error" }
    local function followed(reason, answer)
      return (all(follow({ { hello(), log(1), gap(2, 9, reason), log(10), finish() } }, { answer }, FILTER)))
    end
    assert.same({ 1, 10 }, followed("slow_consumer", page {}))
    assert.same({ 1, "2-9 slow_consumer", 10 }, followed("slow_consumer", GONE))
    assert.same({ 1, "2-9 expired", 10 }, followed("expired", page {}))
    assert.same({ 1, 7, 10 }, followed("expired", page { line(7) }))
  end)

  it("is told to on_gap instead, in place", function()
    local told, list = {}, {}
    local stream = follow({ { hello(), log(1), gap(2, 4), log(5), finish() } }, { page { line(3) } }, {
      on_gap = function(note)
        list[#list + 1] = "gap"
        told[#told + 1] = brief(note)
      end,
    })
    for one in stream do
      list[#list + 1] = one.seq
    end
    assert.same({ 1, "gap", 3, "gap", 5 }, list)
    assert.same({ "2-2 slow_consumer", "4-4 slow_consumer" }, told)
  end)

  it("is told once, though on_gap raises", function()
    local times = 0
    local stream = follow({ { hello(), log(1), gap(2, 4), log(5), finish() } }, { GONE }, {
      on_gap = function()
        times = times + 1
        error("stop", 0)
      end,
    })
    stream:next()
    assert.equal("stop", fake.raised(stream.next, stream))
    assert.same({ { 5 }, 1 }, { all(stream), times })
  end)

  it("that cannot be asked for just now is asked for again; what came is not asked for twice", function()
    local busy = { type = "api_error", code = "unavailable", message = "Busy.", status = 503, retryable = true }
    local stream, asked, seen, sockets = follow({ { hello(), log(1), gap(2, 4) }, { hello(), log(5), finish() } }, {
      page({ line(2) }, "n1"),
      busy,
      page(lines(3, 4)),
    })
    local got, err = all(stream)
    assert.is_nil(err)
    assert.same({ 1, 2, 3, 4, 5 }, got)
    assert.equal("/deployments/dep_1/logs?limit=2&cursor=n1", asked[3])
    assert.equal("/deployments/dep_1/logs/stream?follow=true&cursor=c4", sockets[2].path)
    assert.equal(1, #seen.slept)
  end)

  it("that cannot be asked for at all ends it", function()
    local denied = { type = "permission_error", code = "insufficient_scope", message = "No.", status = 403 }
    local got, err = all((follow({ { hello(), log(1), gap(2, 4) } }, { denied })))
    assert.same({ 1 }, got)
    assert.equal("insufficient_scope", err.code)
  end)
end)

describe("where no WebSocket can be had", function()
  local BUILDING, LIVE = thing("deployment", "building"), thing("deployment", "live")
  local REFUSALS = {
    { type = "response_error", code = "not_upgraded", message = "A portal.", status = 200 },
    { type = "invalid_request_error", code = "upgrade_required", message = "Upgrade.", status = 426 },
    { type = "response_error", code = "unexpected_status", message = "Elsewhere.", status = 302 },
    scripted.FOREIGN,
  }

  for _, refusal in ipairs(REFUSALS) do
    it("the log is read page by page: " .. refusal.message, function()
      local stream, asked, seen = follow({ { refused = refusal } }, {
        page({ line(1), line(2) }, "n1"),
        page { line(3) },
        BUILDING,
        page {},
        BUILDING,
        page { line(4) },
        LIVE,
        page { line(5) },
      })
      assert.same({ 1, 2, 3, 4, 5 }, (all(stream)))
      assert.same({
        "/deployments/dep_1/logs?limit=1000",
        "/deployments/dep_1/logs?limit=1000&cursor=n1",
        "/deployments/dep_1",
        "/deployments/dep_1/logs?limit=1000&cursor=c3",
        "/deployments/dep_1",
        "/deployments/dep_1/logs?limit=1000&cursor=c3",
        "/deployments/dep_1",
        "/deployments/dep_1/logs?limit=1000&cursor=c4",
      }, asked)
      assert.equal("live", stream.status)
      assert.is_true(#seen.slept > 0)
    end)
  end

  it("a driver without any does the same", function()
    local git = fake.client { thing("deployment", "live"), page { line(1) }, LIVE, page {} }
    assert.same({ 1 }, (all(git.deployments:get("dep_1"):logs { follow = true })))
  end)

  it("it looks less and less often while nothing comes, and soon again after a line", function()
    local answers = { page {} }
    for _ = 1, 9 do
      answers[#answers + 1] = BUILDING
      answers[#answers + 1] = page {}
    end
    answers[#answers + 1] = BUILDING
    answers[#answers + 1] = page { line(1) }
    answers[#answers + 1] = LIVE
    answers[#answers + 1] = page {}
    local stream, _, seen = follow({ { refused = scripted.FOREIGN } }, answers)
    all(stream)
    assert.same({ 0.5, 0.75, 1.125, 5, 0.5 }, { seen.slept[1], seen.slept[2], seen.slept[3], seen.slept[8], seen.slept[10] })
  end)

  it("it stops at what there is without follow", function()
    local stream, asked = follow({ { refused = scripted.FOREIGN } }, { page { line(1) } }, { follow = false })
    assert.same({ { 1 }, 1 }, { all(stream), #asked })
  end)

  it("it begins with the newest lines, and with new ones alone", function()
    local stream, asked = follow({ { refused = scripted.FOREIGN } }, {
      page({ line(9), line(8) }, "n1"),
      page { line(7), line(6) },
      LIVE,
      page { line(10) },
    }, { tail = 3, level = "warn" })
    assert.same({ 7, 8, 9, 10 }, (all(stream)))
    assert.same({
      "/deployments/dep_1/logs?level=warn&limit=3&order=desc",
      "/deployments/dep_1/logs?level=warn&limit=3&order=desc&cursor=n1",
      "/deployments/dep_1",
      "/deployments/dep_1/logs?level=warn&limit=1000&cursor=c9",
    }, asked)
    stream, asked = follow({ { refused = scripted.FOREIGN } }, { page { line(9) }, LIVE, page { line(10) } }, { tail = 0 })
    assert.same({ 10 }, (all(stream)))
    assert.equal("/deployments/dep_1/logs?limit=1&order=desc", asked[1])
    assert.equal("/deployments/dep_1/logs?limit=1000&cursor=c9", asked[3])
  end)

  it("it goes on where the stream was", function()
    local stream, asked = follow({ { hello(), log(1), { close = 1006 } }, { refused = REFUSALS[1] } }, { page { line(2) }, LIVE, page {} })
    assert.same({ 1, 2 }, (all(stream)))
    assert.equal("/deployments/dep_1/logs?limit=1000&cursor=c1", asked[1])
  end)

  it("what the API itself refuses is refused", function()
    for _, refusal in ipairs {
      { type = "permission_error", code = "insufficient_scope", message = "No.", status = 403 },
      { type = "rate_limit_error", code = "stream_limit", message = "Many.", status = 429, retryable = true },
      { type = "invalid_request_error", code = "logs_expired", message = "Gone.", status = 410 },
      { type = "connection_error", code = "not_connected", message = "Unreachable.", retryable = true },
    } do
      assert.equal(refusal.code, fake.raised(follow, { { refused = refusal } }).code)
    end
  end)

  it("a key that may not read the deployment follows on", function()
    local denied = { type = "permission_error", code = "insufficient_scope", message = "No.", status = 403 }
    local answers = { page { line(1) }, denied, page { line(2) }, denied, page { line(3) } }
    local stream = follow({ { refused = scripted.FOREIGN } }, answers, nil, { timeout = 1 })
    local got, err = all(stream)
    assert.same({ 1, 2, 3 }, got)
    assert.equal("stream_timeout", err.code)
  end)

  it("lines that cannot be put in order are a response_error", function()
    local err = fake.raised(follow, { { refused = scripted.FOREIGN } }, { page { line(1), line(2, { seq = json.null }) } })
    assert.same({ "response_error", "malformed_message" }, { err.type, err.code })
  end)

  it("lines that are missing between two looks are told of, without filters", function()
    local function followed(fields)
      return (all((follow({ { refused = scripted.FOREIGN } }, { page { line(1) }, BUILDING, page { line(4) }, LIVE, page {} }, fields))))
    end
    assert.same({ 1, "2-3 not kept", 4 }, followed())
    assert.same({ 1, 4 }, followed { level = "info" })
    local told = {}
    assert.same({ 1, 4 }, followed { on_gap = function(note)
      told[#told + 1] = brief(note)
    end })
    assert.same({ "2-3 not kept" }, told)
  end)

  it("a look that fails for a while is repeated, up to five times in a row", function()
    local busy = { type = "api_error", code = "unavailable", message = "Busy.", status = 503, retryable = true }
    local answers = { page { line(1) }, busy, BUILDING, busy, LIVE, page { line(2) } }
    assert.same({ 1, 2 }, (all((follow({ { refused = scripted.FOREIGN } }, answers)))))
    local stream = follow({ { refused = scripted.FOREIGN } }, { page { line(1) }, busy, busy, busy, busy, busy, busy })
    local got, err = all(stream)
    assert.same({ { 1 }, "unavailable" }, { got, err.code })
  end)

  it("what would be written while it is live ends where it never will be", function()
    local stream, asked = follow({ { refused = scripted.FOREIGN } }, { page {}, thing("deployment", "failed"), page {} }, { stage = "runtime" })
    assert.same({ {}, 3 }, { all(stream), #asked })
  end)

  it("what is written while it is live has no end", function()
    local answers = { page {}, LIVE, page {}, LIVE, page { line(1) }, LIVE, page {}, LIVE, page {} }
    local stream = follow({ { refused = scripted.FOREIGN } }, answers, { stage = "runtime" }, { timeout = 2 })
    local got, err = all(stream)
    assert.same({ 1 }, got)
    assert.equal("stream_timeout", err.code)
  end)
end)

describe("the log of a run", function()
  local function job(number, state)
    return { id = "job_" .. number, object = "job", run_id = "run_1", name = "step" .. number, attempt = 1, status = state or "running" }
  end

  -- `answers`: after the run itself.
  local function run(scripts, answers, fields, options, state)
    local all_answers, asked = { thing("run", state or "running") }, {}
    for _, answer in ipairs(answers) do
      all_answers[#all_answers + 1] = answer
    end
    local at = 0
    local git, _, sockets = scripted.client(scripts, function(call)
      at = at + 1
      asked[at] = call.path
      return assert(all_answers[at], "not expected: " .. call.path)
    end)
    return git.runs:get("run_1"):logs(fields, options), asked, sockets
  end

  it("is that of its jobs, one after the other, each line with the job's name", function()
    local stream, asked, sockets = run(
      { { hello(), log(1), log(2), finish "succeeded" }, { hello(), log(1), finish "failed" } },
      { page({ job(1) }, "n1"), page { job(2) }, thing("run", "failed"), page { job(1), job(2) } },
      { follow = true, level = "info" }
    )
    local list = {}
    for one in stream do
      list[#list + 1] = one.job .. " " .. one.seq
    end
    assert.same({ "step1 1", "step1 2", "step2 1" }, list)
    assert.equal("failed", stream.status)
    assert.equal("/runs/run_1/jobs?limit=100", asked[2])
    assert.equal("/jobs/job_1/logs/stream?follow=true&level=info", sockets[1].path)
    assert.equal("/jobs/job_2/logs/stream?follow=true&level=info", sockets[2].path)
    assert.equal(1000, sockets[1].closed)
  end)

  it("follows jobs that are made later", function()
    local stream = run(
      { { log(1), finish() }, { log(1), finish() } },
      { page {}, thing("run", "queued"), page {}, thing("run", "running"), page { job(1) }, thing("run", "running"), page { job(1), job(2) },
        thing("run", "succeeded"), page { job(1), job(2) } },
      { follow = true }
    )
    assert.same({ 1, 1 }, (all(stream)))
  end)

  it("is what there is without follow", function()
    local stream, asked, sockets = run({ { log(1), finish() } }, { page { job(1) } })
    assert.same({ 1 }, (all(stream)))
    assert.equal("/jobs/job_1/logs/stream?follow=false", sockets[1].path)
    assert.equal(2, #asked)
  end)

  it("of a run that is at rest needs no look at it", function()
    local stream, asked = run({ { log(1), finish() } }, { page { job(1) } }, { follow = true }, nil, "succeeded")
    assert.same({ { 1 }, 2 }, { all(stream), #asked })
  end)

  it("has one deadline over all of it", function()
    local scripts = { { log(1), { after = 4 }, finish() }, { log(1), { after = 9 }, finish() } }
    local stream, _, sockets = run(scripts, { page { job(1), job(2) } }, { follow = true }, { timeout = 10 })
    local got, err = all(stream)
    assert.same({ 1, 1 }, got)
    assert.equal("stream_timeout", err.code)
    assert.matches("/runs/run_1 was not at its end after 10 seconds", err.message, 1, true)
    assert.same({ 10, 6 }, { sockets[1].timeout, sockets[2].timeout })
  end)

  it("goes on where a look at the run, or a job's stream, fails for a while", function()
    local busy = { type = "api_error", code = "unavailable", message = "Busy.", status = 503, retryable = true }
    local stream, _, sockets = run(
      { { refused = busy }, { log(1), finish() }, { log(1), finish() } },
      { page { job(1) }, busy, thing("run", "running"), busy, thing("run", "succeeded"), page { job(1), job(2) } },
      { follow = true }
    )
    assert.same({ 1, 1 }, (all(stream)))
    assert.equal(3, #sockets)
    local denied = { type = "permission_error", code = "insufficient_scope", message = "No.", status = 403 }
    stream = run({ { refused = denied } }, { page { job(1) } }, { follow = true })
    assert.equal("insufficient_scope", select(2, all(stream)).code)
    stream = run({ { refused = busy }, { refused = busy } }, { page { job(1) } }, { follow = true }, { timeout = 0.6 })
    assert.equal("stream_timeout", select(2, all(stream)).code)
  end)

  it("names the job of lines that are missing, too", function()
    local scripts = { { hello(), log(1), gap(2, 4, "expired"), log(5), finish() } }
    local told
    local stream = run(scripts, { page { job(1) }, page {} }, { follow = true, on_gap = function(note)
      told = note.job .. " " .. brief(note)
    end }, nil, "succeeded")
    assert.same({ 1, 5 }, (all(stream)))
    assert.equal("step1 2-4 expired", told)
  end)

  it("is closed with its present job's", function()
    local stream, _, sockets = run({ { log(1), log(2) } }, { page { job(1) } }, { follow = true })
    stream:next()
    stream:close()
    assert.equal(1000, sockets[1].closed)
    assert.is_nil(stream:next())
  end)

  it("refuses what it does not have", function()
    for _, case in ipairs { { { tail = 3 } }, { { level = "loud" } }, { { follow = 1 } }, { 5 }, { {}, { retries = 1 } } } do
      assert.equal("invalid_request_error", fake.raised(run, {}, {}, case[1], case[2]).type)
    end
  end)
end)

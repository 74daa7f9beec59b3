-- Failures on demand, and the control plane (contract 5).
local json = require "gitdev.json"
local streams = require "spec.lua.support.streams"
local world = require "spec.lua.support.world"

describe("the emulator's faults", function()
  local w

  before_each(function()
    w = world.new()
  end)

  local function fault(spec)
    w.emulator:fault(spec)
  end

  local function create(slug, key)
    return w:post("/projects", { slug = slug }, { headers = { ["idempotency-key"] = key } })
  end

  local function count()
    return #w:get("/projects").json.data
  end

  describe("answer with a status", function()
    local cases = {
      { 500, "internal_error", "api_error" },
      { 502, "bad_gateway", "api_error" },
      { 503, "unavailable", "api_error" },
      { 504, "timeout", "api_error" },
      { 429, "rate_limited", "rate_limit_error" },
      { 409, "already_exists", "conflict_error" },
      { 401, "api_key_missing", "authentication_error" },
      { 418, "injected", "api_error" },
    }
    for _, case in ipairs(cases) do
      it(("%d, in the contract's envelope"):format(case[1]), function()
        fault { status = case[1] }
        local answer = create "one"
        assert.equal(case[1], answer.status)
        assert.equal(case[2], answer.json.error.code)
        assert.equal(case[3], answer.json.error.type)
        assert.equal(answer.headers["x-request-id"], answer.json.error.request_id)
        assert.equal("application/json; charset=utf-8", answer.headers["content-type"])
        assert.truthy(answer.headers.date)
        assert.equal(1, count())
      end)
    end

    for _, status in ipairs { 429, 503 } do
      it(("%d, with Retry-After unless told otherwise"):format(status), function()
        local function seconds(spec)
          spec.status = status
          fault(spec)
          return w:get("/projects").headers["retry-after"]
        end
        assert.equal("1", seconds {})
        assert.equal("7", seconds { headers = { ["retry-after"] = 7 } })
        assert.is_nil(seconds { retry_after = false })
      end)
    end

    it("500, without Retry-After", function()
      fault { status = 500 }
      assert.is_nil(w:get("/projects").headers["retry-after"])
    end)

    it("to HEAD as to GET", function()
      for _, match in ipairs { { method = "GET" }, { method = "HEAD" }, { op = "projects.list" } } do
        fault { match = match, status = 500 }
        assert.equal(500, w:send("HEAD", "/projects").status)
      end
      fault { match = { method = "HEAD" }, status = 500 }
      assert.equal(200, w:get("/projects").status)
      local seen = w.emulator:requests()[3]
      assert.equal("HEAD projects.list", seen.method .. " " .. seen.op)
    end)

    it("and a code, headers, a body of one's own", function()
      fault { status = 409, code = "idempotency_key_in_use", headers = { ["Retry-After"] = 3, ["X-Should-Retry"] = "true" } }
      local answer = w:get "/projects"
      assert.equal("idempotency_key_in_use", answer.json.error.code)
      assert.equal("idempotency_error", answer.json.error.type)
      assert.equal("3", answer.headers["retry-after"])
      assert.equal("true", answer.headers["x-should-retry"])
      fault { status = 502, body = "<h1>Bad gateway</h1>", content_type = "text/html" }
      answer = w:get "/projects"
      assert.equal("<h1>Bad gateway</h1>", answer.body)
      assert.equal("text/html", answer.headers["content-type"])
      fault { status = 302, headers = { Location = "https://example.com/" } }
      answer = w:get "/projects"
      assert.equal(302, answer.status)
      assert.is_nil(answer.body)
    end)

    it("in place of a header that is there", function()
      fault { headers = { date = "Thu, 01 Jan 1970 00:00:00 GMT", ["x-ratelimit-remaining"] = "0" }, execute = true }
      local answer = w:get "/projects"
      assert.equal(200, answer.status)
      assert.equal("Thu, 01 Jan 1970 00:00:00 GMT", answer.headers.date)
      assert.equal("0", answer.headers["x-ratelimit-remaining"])
    end)

    it("after the operation was executed, where that is asked for", function()
      fault { status = 502, execute = true }
      assert.equal(502, create("one", "k").status)
      assert.equal(2, count())
      local again = create("one", "k")
      assert.equal(201, again.status)
      assert.equal("true", again.headers["idempotent-replayed"])
    end)

    it("before anything else is looked at", function()
      fault { status = 503, times = 2 }
      assert.equal(503, w:get("/projects", { key = false }).status)
      assert.equal(503, w:get("/nope").status)
      assert.equal(401, w:get("/projects", { key = false }).status)
    end)
  end)

  describe("hit", function()
    local function pattern(spec, send, tries)
      spec.status = 503
      fault(spec)
      local hits = {}
      for try = 1, tries do
        hits[try] = send().status == 503 and "x" or "."
      end
      return table.concat(hits)
    end

    local function get()
      return w:get "/projects"
    end

    it("once, unless told how often", function()
      assert.equal("x...", pattern({}, get, 4))
      assert.equal("xxx.", pattern({ times = 3 }, get, 4))
    end)

    it("after some have gone by", function()
      assert.equal("..x.", pattern({ after = 2 }, get, 4))
      assert.equal(".xx.", pattern({ after = 1, times = 2 }, get, 4))
    end)

    it("what matches", function()
      local function miss(spec)
        assert.equal(".", pattern({ match = spec }, get, 1))
        w.emulator.faults:clear()
      end
      miss { method = "POST" }
      miss { path_prefix = "/v2/deployments" }
      miss { path_prefix = "/projects" }
      miss { op = "projects.get" }
      miss { op = "projects.list", method = "PUT" }
      assert.equal("x.", pattern({ match = { method = "GET" } }, get, 2))
      assert.equal("x.", pattern({ match = { path_prefix = "/v2/pro" } }, get, 2))
      assert.equal("x.", pattern({ match = { op = "projects.list", path_prefix = "/v2/" } }, get, 2))
    end)

    it("in the order they were added", function()
      fault { status = 500 }
      fault { status = 502 }
      assert.same({ 500, 502, 200 }, { get().status, get().status, get().status })
    end)

    it("no more when they are cleared", function()
      fault { status = 500, times = 100 }
      w.emulator.faults:clear()
      assert.equal(200, get().status)
    end)
  end)

  it("delay an answer that was executed", function()
    fault { delay = 1.5 }
    local answer = create "one"
    assert.equal(201, answer.status)
    assert.equal(1.5, answer.raw.delay)
    assert.equal(2, count())
    assert.is_nil(create("two").raw.delay)
  end)

  it("drop and reset a connection, without executing unless told", function()
    for _, way in ipairs { "drop", "reset" } do
      fault { [way] = true }
      assert.is_true(create(way .. "-1").raw[way])
      assert.equal(404, w:get("/projects/" .. way .. "-1").status)
      fault { [way] = true, execute = true }
      assert.is_true(create(way .. "-2").raw[way])
      assert.equal(200, w:get("/projects/" .. way .. "-2").status)
    end
  end)

  it("cut the body short of what Content-Length promises", function()
    local whole = w:get("/projects/my-app").body
    fault { truncate = 20 }
    local raw = w:get("/projects/my-app").raw.raw
    local head, rest = raw:match "^(.-\r\n\r\n)(.*)$"
    assert.truthy(head:find "^HTTP/1%.1 200 ")
    assert.truthy(head:find(("Content-Length: %d\r\n"):format(#whole), 1, true))
    assert.equal(whole:sub(1, 20), rest)
  end)

  it("send bytes as they are", function()
    fault { raw = "HTTP/1.1 OK\n\n" }
    assert.equal("HTTP/1.1 OK\n\n", w:get("/projects").raw.raw)
  end)

  describe("are refused", function()
    local cases = {
      { "an unknown field", { stauts = 500 }, "stauts" },
      { "a field of the wrong type", { status = "500" }, "status" },
      { "an unknown way to match", { match = { url = "/" } }, "url" },
      { "a status that is none", { status = 99 }, "status" },
      { "no times", { status = 500, times = 0 }, "times" },
      { "a negative delay", { delay = -1 }, "delay" },
      { "a header that ends its line", { headers = { ["X-A"] = "a\r\nSet-Cookie: b" } }, "X-A" },
      { "a header whose name is none", { headers = { ["X A"] = "a" } }, "X A" },
      { "a content type with a line end", { status = 500, content_type = "a\n" }, "Content-Type" },
      { "an unknown field of a stream", { stream = { drops = true } }, "drops" },
      { "a field of a stream of the wrong type", { stream = { close = "1001" } }, "fault.stream.close" },
      { "a close code that is none", { stream = { close = 999 } }, "from 1000 to 4999" },
      { "a line that is none", { stream = { seq = 1.5 } }, "fault.stream.seq must be a whole number from 0" },
      { "what is no table", "status=500", "table" },
    }
    for _, case in ipairs(cases) do
      it("for " .. case[1], function()
        local ok, problem = pcall(fault, case[2])
        assert.is_false(ok)
        assert.truthy(problem:find(case[3], 1, true))
      end)
    end
  end)
end)

describe("the emulator's control plane", function()
  local w

  before_each(function()
    w = world.new()
  end)

  local function control(method, path, body)
    return w:send(method, path, body, { base = "/_emulator", key = false })
  end

  it("takes faults of streams, which strike those that open, in the log with 101", function()
    local made = w:deployed()
    assert.equal(204, control("POST", "/faults", { times = 2, stream = { seq = 2, close = 1012 } }).status)
    assert.equal(400, control("POST", "/faults", { stream = { seq = -1 } }).status)
    for _ = 1, 2 do
      local one = streams.open(w, made)
      assert.equal("hello 1 2", one:short())
      assert.equal(1012, one.code)
    end
    assert.equal(1000, streams.open(w, made).code)
    local list = control("GET", "/requests").json.requests
    assert.equal("deployments.logs.stream 101", ("%s %d"):format(list[#list].op, list[#list].status))
  end)

  it("changes keys", function()
    local key = w:post("/api_keys", { name = "ci" }).json
    assert.equal(204, control("POST", "/keys/change", { id = key.id, scopes = { "projects:read" } }).status)
    assert.equal(403, w:get("/deployments", { key = key.secret }).status)
    assert.equal(204, control("POST", "/keys/change", { prefix = key.prefix, expires_at = math.floor(w.now) }).status)
    assert.equal("api_key_expired", w:get("/projects", { key = key.secret }).json.error.code)
    for _, body in ipairs { {}, { id = "key_none" }, { id = key.id, scopes = { "a:b" } }, { id = key.id, projects = "*" },
      { id = key.id, expires_at = "soon" } } do
      assert.equal(400, control("POST", "/keys/change", body).status)
    end
  end)

  it("tells which requests came", function()
    local made = w:post("/projects", { slug = "one" }, { headers = { ["idempotency-key"] = "k" } })
    w:post("/projects", { slug = "one" }, { headers = { ["idempotency-key"] = "k" } })
    w:get "/nope?x=1"
    w.emulator:fault { drop = true }
    w:get "/projects"
    local list = control("GET", "/requests").json.requests
    assert.equal(4, #list)
    assert.same({
      id = made.headers["x-request-id"],
      method = "POST",
      path = "/v2/projects",
      op = "projects.create",
      idempotency_key = "k",
      status = 201,
    }, list[1])
    assert.is_true(list[2].replayed)
    assert.same({ "GET", "/v2/nope", 404 }, { list[3].method, list[3].path, list[3].status })
    assert.is_nil(list[3].op)
    assert.is_nil(list[4].status)
    assert.equal(4, #control("GET", "/requests").json.requests)
  end)

  it("keeps the last 1000 of them", function()
    w = world.new { rate_limit = false }
    for number = 1, 1005 do
      w:get("/nope-" .. number)
    end
    local list = control("GET", "/requests").json.requests
    assert.equal(1000, #list)
    assert.equal("/v2/nope-6", list[1].path)
    assert.equal("/v2/nope-1005", list[1000].path)
  end)

  it("has no requests to tell at first", function()
    assert.equal('{"requests":[]}', control("GET", "/requests").body)
  end)

  it("injects faults and clears them", function()
    assert.equal(204, control("POST", "/faults", { status = 503, times = 5 }).status)
    assert.equal(503, w:get("/projects").status)
    assert.equal(204, control("DELETE", "/faults").status)
    assert.equal(200, w:get("/projects").status)
    local refused = control("POST", "/faults", { stauts = 503 })
    assert.equal(400, refused.status)
    assert.truthy(refused.json.error.message:find "stauts")
  end)

  it("moves the clock", function()
    local made = w:deploy()
    local answer = control("POST", "/clock", { advance_ms = 2600 })
    assert.equal(200, answer.status)
    assert.equal(world.START * 1000 + 2600, answer.json.now_ms)
    assert.equal("live", w:deployment(made.id).status)
    assert.equal("Fri, 21 Jun 2024 03:58:20 GMT", w:get("/projects").headers.date)
    for _, body in ipairs { { advance_ms = -1 }, { advance_ms = "5" }, {} } do
      assert.equal(400, control("POST", "/clock", body).status)
    end
    local next_one = w:deploy()
    assert.is_true(w.emulator:next_due() - w.now < 0.3)
    w:wait(2.6)
    assert.equal("live", w:deployment(next_one.id).status)
  end)

  it("puts everything back, but for the keys", function()
    w = world.new { seed = false }
    local begun = #w.emulator:events()
    w:deployed()
    w:post("/projects", { slug = "one" })
    control("POST", "/clock", { advance_ms = 100000 })
    control("POST", "/faults", { status = 500, times = 9 })
    assert.equal(204, control("POST", "/reset").status)
    assert.equal(404, w:get("/projects/one").status)
    assert.equal(0, #w:get("/deployments").json.data)
    assert.equal(begun, #control("GET", "/events").json.events)
    assert.equal(2, #control("GET", "/requests").json.requests)
    assert.equal(math.floor(w.now), w:get("/projects/my-app").json.created_at)
    assert.equal(200, w:get("/organization", { key = w.emulator.public_key }).status)
  end)

  it("shows the events, as they would be delivered", function()
    local begun = #w.emulator:events()
    w:deployed()
    local list = control("GET", "/events").json.events
    assert.equal(begun + 4, #list)
    assert.same({ "data", "id", "timestamp", "type" }, json.keys(list[#list]))
  end)

  it("shows the environment of a deployment's process", function()
    local made = w:deploy { env = { A = "\195\164\n" } }
    local answer = control("GET", "/deployments/" .. made.id .. "/environment")
    assert.equal("\195\164\n", answer.json.A)
    assert.equal(made.id, answer.json.GIT_DEPLOYMENT_ID)
    assert.equal(404, control("GET", "/deployments/dep_none/environment").status)
  end)

  it("says what it does not know", function()
    assert.equal(404, control("GET", "/nope").status)
    assert.equal(405, control("PUT", "/reset").status)
    assert.equal(400, control("POST", "/faults", "{").status)
    assert.equal(400, control("POST", "/faults", "3").status)
    assert.equal(404, w:get("/_emulator/requests").status)
  end)
end)

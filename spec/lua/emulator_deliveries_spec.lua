-- Webhook deliveries: contract 2.13, 3.4, 4.
local core = require "gitdev.core"
local events = require "gitdev.emulator.store.events"
local json = require "gitdev.json"
local safe = require "gitdev.safe"
local webhook_request = require "gitdev.emulator.webhooks.request"
local world = require "spec.lua.support.world"

local codes = world.codes

local URL = "https://example.com/hooks"
local HOUR, DAY = 3600, 86400

local function verifies(body, header, secrets, now, tolerance)
  return safe.webhooks.verify(body, header, secrets, { now = now, tolerance = tolerance }) ~= nil
end

describe("a delivery's signature", function()
  local BODY = '{"id":"evt_8x9y7z6w5v4u","type":"deployment.completed","timestamp":1718942301,"data":{"project":"my-app",'
    .. '"status":"live","url":"https://my-app.git.dev","duration_ms":2400}}'

  local function headers_of(secret, id, at, body)
    return webhook_request.map(webhook_request.headers({ private = { secret = secret } }, {
      id = "dlv_000000000000",
      event_id = id,
      event_type = "deployment.completed",
      attempt_count = 1,
      private = { body = body },
    }, at * 1000 + 999))
  end

  it("is the contract's known answer", function()
    local zero = "whsec_" .. ("0"):rep(32)
    local cases = {
      { zero, 1718942301, BODY, "65ec1026e057c1de364475f10b5c32f2f7be872b0981be344d9e67ae50b603ff" },
      {
        "whsec_abcdefghijklmnopqrstuvwxyz012345", 1718942301, BODY,
        "cba14886c789498d216fe3ba6beba360a1275c228acc2bfbffc4d0c07bc0cead",
      },
      { zero, 1718942306, BODY, "80b93380018e278ce411809b8da2953792944fc6b6026ae8185d2c4c97bca9fa" },
      {
        zero, 1718942301,
        '{"id":"evt_000000000000","type":"webhook.ping","timestamp":1718942301,"data":{"note":"é😀\\n="}}',
        "eade0033ef5896264174c93a90f846beec6c0a9863bad23d33ae88a33b0e9c37",
      },
    }
    for _, case in ipairs(cases) do
      local sent = headers_of(case[1], "evt_8x9y7z6w5v4u", case[2], case[3])
      assert.equal(("t=%d,v1=%s"):format(case[2], case[4]), sent["X-Git-Signature"])
    end
  end)

  it("is that of Standard Webhooks as well", function()
    local sent = headers_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, '{"test": 2432232314}')
    assert.equal("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", sent["webhook-signature"])
    assert.equal("1614265330", sent["webhook-timestamp"])
    assert.equal("msg_p5jXN8AQM9LWM0D4loKWxJek", sent["webhook-id"])
  end)
end)

describe("the emulator's deliveries", function()
  local w

  before_each(function()
    w = world.new()
  end)

  local function create(fields)
    local body = { url = URL, events = { "*" } }
    for name, value in pairs(fields or {}) do
      body[name] = value
    end
    local answer = w:post("/webhooks", body)
    assert(answer.status == 201, answer.body)
    return answer.json
  end

  local function webhook(made)
    return w:get("/webhooks/" .. made.id).json
  end

  local function deliveries(made, query)
    local answer = w:get("/webhooks/" .. made.id .. "/deliveries" .. (query or "?order=asc&limit=100"))
    assert(answer.status == 200, answer.body)
    return answer.json.data
  end

  local function delivery(made)
    return w:get("/webhooks/" .. made.webhook_id .. "/deliveries/" .. made.id).json
  end

  local function ping(made)
    local answer = w:post("/webhooks/" .. made.id .. "/ping")
    assert(answer.status == 202, answer.body)
    return answer.json
  end

  local function answering(fields)
    fields.url = fields.url or URL
    w.emulator:endpoint(fields)
  end

  local function types_of(list, field)
    local types = {}
    for index, one in ipairs(list) do
      types[index] = one[field or "event_type"]
    end
    return table.concat(types, " ")
  end

  -- ---- what is sent ----

  describe("send", function()
    it("the page's sample, unchanged in shape", function()
      w:wait(0.4)
      local made = create { events = { "deployment.completed" } }
      local deployed = w:deployed()
      w:wait(1)
      local sent = w.emulator:sent()
      assert.equal(1, #sent)
      local id, rest = sent[1].body:match('^{"id":"(evt_[0-9a-z]+)","type":"deployment.completed","timestamp":1718942301,"data":'
        .. '{"project":"my%-app","status":"live","url":"https://my%-app%.git%.dev","duration_ms":2400(.*)}}$')
      assert.equal(16, #id)
      assert.equal((',"project_id":"%s","deployment_id":"%s","target":"production","branch":"main","commit_sha":"%s","permalink_url":"%s",'
        .. '"created_at":%d'):format(deployed.project_id, deployed.id, deployed.commit_sha, deployed.permalink_url,
        deployed.created_at), rest)
      assert.equal(sent[1].body, w:get("/events/" .. id).body)
      assert.is_true(verifies(sent[1].body, sent[1].headers["X-Git-Signature"], { made.secret }, w.now, 300))
    end)

    it("the contract's headers", function()
      local made = create()
      local pinged = ping(made)
      w:wait(1)
      local sent = w.emulator:sent()[1]
      local signature, standard = sent.headers["X-Git-Signature"], sent.headers["webhook-signature"]
      assert.truthy(signature:find "^t=1718942298,v1=%x+$")
      assert.truthy(standard:find "^v1,[%w+/]+=$")
      assert.same({
        ["Content-Type"] = "application/json; charset=utf-8",
        ["User-Agent"] = "Git-Webhooks/2.4",
        ["X-Git-Event"] = "webhook.ping",
        ["X-Git-Delivery"] = pinged.id,
        ["X-Git-Attempt"] = "1",
        ["X-Git-Signature"] = signature,
        ["webhook-id"] = pinged.event_id,
        ["webhook-timestamp"] = "1718942298",
        ["webhook-signature"] = standard,
      }, sent.headers)
      assert.equal(('{"id":"%s","type":"webhook.ping","timestamp":1718942298,"data":{"webhook_id":"%s","events":["*"]}}'):format(
        pinged.event_id, made.id), sent.body)
    end)

    it("the same body on each attempt, signed anew", function()
      local made = create()
      answering { status = 500, times = 2 }
      ping(made)
      w:wait(HOUR)
      local sent = w.emulator:sent()
      assert.equal(3, #sent)
      for index, one in ipairs(sent) do
        local header = one.headers["X-Git-Signature"]
        assert.equal(sent[1].body, one.body)
        assert.equal(("%d"):format(index), one.headers["X-Git-Attempt"])
        assert.equal(one.at, tonumber(header:match "^t=(%d+),"))
        assert.is_true(verifies(one.body, header, { made.secret }, one.at, 0))
        assert.equal(sent[1].headers["webhook-id"], one.headers["webhook-id"])
      end
      assert.is_true(sent[2].at > sent[1].at)
    end)

    it("with both secrets during a rotation", function()
      local made = create()
      local new = w:post("/webhooks/" .. made.id .. "/rotate_secret").json.secret
      ping(made)
      w:wait(1)
      local sent = w.emulator:sent()[1]
      local header = sent.headers["X-Git-Signature"]
      assert.truthy(header:find "^t=%d+,v1=%x+,v1=%x+$")
      assert.truthy(sent.headers["webhook-signature"]:find "^v1,[%w+/]+= v1,[%w+/]+=$")
      for _, secret in ipairs { made.secret, new } do
        assert.is_true(verifies(sent.body, header, { secret }, w.now, 300))
      end
      assert.equal(core.sign(new, sent.at, sent.body), header:match "^t=%d+,v1=%x+")
    end)

    it("no more than 64 KiB", function()
      local tenant, commits = w.emulator.tenants[false], {}
      for index = 1, 20 do
        commits[index] = { sha = ("a"):rep(40), message = ("x"):rep(10000), author = { name = "A", email = "a@example.com" } }
      end
      local event = events.new(tenant, "repository.pushed", { object = "repository", id = "repo_000000000000" }, {
        repository = "my-app", branch = "main", before = ("0"):rep(40), after = ("a"):rep(40), forced = false, created = false,
        deleted = false, commits = commits, total_commits = 20,
      })
      local body = events.body(event)
      assert.is_true(#body <= 65536 and #body > 10000)
      local data = json.decode(body).data
      assert.is_true(#data.commits > 0 and #data.commits < 20)
      assert.equal(20, data.total_commits)
    end)
  end)

  -- ---- which events ----

  describe("are made for the events that an endpoint wants:", function()
    local cases = {
      { { "*" }, "deployment.created build.started build.completed deployment.completed" },
      { { "deployment.*" }, "deployment.created deployment.completed" },
      { { "build.*", "deployment.created" }, "deployment.created build.started build.completed" },
      { { "deployment.completed" }, "deployment.completed" },
      { { "run.*", "webhook.ping" }, "" },
    }
    for _, case in ipairs(cases) do
      it(table.concat(case[1], ", "), function()
        local made = create { events = case[1] }
        w:deployed()
        assert.equal(case[2], types_of(deliveries(made)))
      end)
    end

    it("of the projects that it names, and of none but those", function()
      local shop = w:post("/projects", { slug = "shop" }).json
      local made = create { projects = { shop.id } }
      w:deploy()
      w:deploy { project = "shop" }
      w.emulator:issue_key {}
      w:post("/api_keys", { name = "x" })
      assert.equal("deployment.created", types_of(deliveries(made)))
      assert.equal(shop.id, json.decode(w:get("/events/" .. deliveries(made)[1].event_id).body).data.project_id)
    end)

    it("of an edge config, where it gets those of all the config's projects", function()
      local shop = w:post("/projects", { slug = "shop" }).json.id
      local limited = w.emulator:issue_key { projects = { "shop" } }
      local function endpoint(projects, key)
        return w:post("/webhooks", { url = "https://example.com/config", events = { "edge_config.*" }, projects = projects }, { key = key }).json.id
      end
      local mine = w:get("/projects/my-app").json.id
      local of_shop, of_both, of_limited, of_all = endpoint { shop }, endpoint { shop, mine }, endpoint(nil, limited), endpoint()
      for name, projects in pairs { one = { "shop" }, other = { "my-app" }, two = { "shop", "my-app" } } do
        w:post("/edge_configs", { name = name, projects = projects, items = { a = 1 } })
      end
      w:wait(1)
      local function names(id)
        local list = {}
        for _, sent in ipairs(w.emulator:sent(id)) do
          list[#list + 1] = json.decode(sent.body).data.name
        end
        table.sort(list)
        return table.concat(list, " ")
      end
      assert.same({ "one", "one other two", "one", "one other two" }, { names(of_shop), names(of_both), names(of_limited), names(of_all) })
    end)

    it("a ping goes to the endpoint that is pinged, whatever it wants, and to no other", function()
      local one, other = create { events = { "run.failed" } }, create()
      local pinged = ping(one)
      assert.same({ one.id, "webhook.ping", "pending", false }, {
        pinged.webhook_id, pinged.event_type, pinged.status, pinged.redelivery,
      })
      assert.equal("webhook.ping", types_of(deliveries(one)))
      assert.equal("", types_of(deliveries(other)))
    end)

    it("one that is disabled gets nothing, not even a ping", function()
      local made = create { status = "disabled" }
      w:deploy()
      local refused = w:post("/webhooks/" .. made.id .. "/ping")
      assert.equal("409 invalid_state", codes(refused))
      assert.equal("disabled", refused.json.error.current_status)
      assert.same({ "enabled" }, refused.json.error.allowed_statuses)
      assert.equal("", types_of(deliveries(made)))
    end)

    it("in the step in which the event is made", function()
      local made = create { events = { "project.created" } }
      w:post("/projects", { slug = "shop" })
      local one = deliveries(made)[1]
      assert.equal("project.created", one.event_type)
      local all = w.emulator:events()
      assert.equal(all[#all].id, one.event_id)
    end)
  end)

  -- ---- how it goes ----

  it("go from pending over delivering to succeeded", function()
    local made = create()
    answering { status = 201, headers = { ["X-Answer"] = "yes" }, body = "thanks", delay_ms = 2500 }
    local pinged = ping(made)
    assert.same({ "pending", 0, w.now, json.null }, {
      pinged.status, pinged.attempt_count, pinged.next_attempt_at, pinged.finished_at,
    })
    local under_way = delivery(pinged)
    assert.same({ "delivering", 1, json.null, 0 }, {
      under_way.status, under_way.attempt_count, under_way.next_attempt_at, #under_way.attempts,
    })
    w:wait(3)
    local done = delivery(pinged)
    assert.equal("", world.misfit(done, "delivery"))
    local attempt = done.attempts[1]
    assert.equal("", world.misfit(attempt, "attempt"))
    done.attempts = nil
    assert.same({
      id = pinged.id,
      object = "delivery",
      webhook_id = made.id,
      event_id = pinged.event_id,
      event_type = "webhook.ping",
      status = "succeeded",
      attempt_count = 1,
      max_attempts = 10,
      next_attempt_at = json.null,
      redelivery = false,
      created_at = world.START,
      finished_at = world.START + 2,
      last_status_code = 201,
    }, done)
    assert.same({ 1, world.START, 2500, 201, json.null }, {
      attempt.number, attempt.at, attempt.duration_ms, attempt.status_code, attempt.error,
    })
    assert.same({ headers = { ["X-Answer"] = "yes" }, body = "thanks" }, attempt.response)
    assert.equal(w.emulator:sent()[1].body, attempt.request.body)
  end)

  it("do not show signatures in the record", function()
    local made = create()
    w:post("/webhooks/" .. made.id .. "/rotate_secret")
    local pinged = ping(made)
    w:wait(1)
    local headers = delivery(pinged).attempts[1].request.headers
    assert.equal("t=1718942298,v1=***,v1=***", headers["X-Git-Signature"])
    assert.equal("v1,*** v1,***", headers["webhook-signature"])
    assert.equal(pinged.id, headers["X-Git-Delivery"])
  end)

  describe("end by what the endpoint answers:", function()
    local cases = {
      { { status = 200 }, "succeeded", 200 },
      { { status = 204 }, "succeeded", 204 },
      { { status = 299 }, "succeeded", 299 },
      { { status = 300 }, "retrying", 300, "redirect" },
      { { status = 302 }, "retrying", 302, "redirect" },
      { { status = 400 }, "retrying", 400 },
      { { status = 404 }, "retrying", 404 },
      { { status = 410 }, "failed", 410 },
      { { status = 500 }, "retrying", 500 },
      { { error = "timeout" }, "retrying", nil, "timeout" },
      { { error = "dns" }, "retrying", nil, "dns" },
      { { error = "tls" }, "retrying", nil, "tls" },
      { { error = "refused" }, "retrying", nil, "refused" },
      { { error = "reset" }, "retrying", nil, "reset" },
      { { error = "too_large" }, "retrying", nil, "too_large" },
      { { delay_ms = 14999 }, "succeeded", 200 },
      { { delay_ms = 15000 }, "retrying", nil, "timeout" },
    }
    for _, case in ipairs(cases) do
      it(assert(json.encode(case[1])), function()
        local made = create()
        answering(case[1])
        local pinged = ping(made)
        w:wait(0)
        w:wait(case[1].error == "timeout" and 15 or (case[1].delay_ms or 50) / 1000)
        local done = delivery(pinged)
        local attempt = done.attempts[1]
        assert.same({ case[2], case[3] or json.null, case[3] or json.null, case[4] or json.null }, {
          done.status, done.last_status_code, attempt.status_code, attempt.error,
        })
        assert.equal(case[3] == nil, attempt.response == json.null)
        assert.equal(case[2] == "retrying", done.next_attempt_at ~= json.null)
        assert.equal(case[2] == "retrying", done.finished_at == json.null)
      end)
    end
  end)

  it("keep at most 4 KiB of an answer, as text", function()
    local made = create()
    local cases = {
      { ("x"):rep(5000), ("x"):rep(4096) },
      { ("x"):rep(4095) .. "é", ("x"):rep(4095) },
      { "a\255b\195", "a?b?" },
      { ("x"):rep(4095) .. "\255\255", ("x"):rep(4095) .. "?" },
      { "\237\160\128", "???" },
      { "é\0\"", "é\0\"" },
    }
    for _, case in ipairs(cases) do
      answering { body = case[1], headers = { ["X-Odd"] = "\255" } }
      local pinged = ping(made)
      w:wait(1)
      local response = delivery(pinged).attempts[1].response
      assert.equal(case[2], response.body)
      assert.equal("?", response.headers["X-Odd"])
    end
  end)

  describe("are attempted again", function()
    local STEPS = { 5, 300, 1800, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR }

    it("by the contract's schedule, ten times, with a little jitter", function()
      local made = create()
      answering { status = 500 }
      local pinged, began = ping(made), w.now
      w:wait(0)
      for number, step in ipairs(STEPS) do
        local before = delivery(pinged)
        assert.equal(number, #before.attempts + (before.status == "delivering" and 1 or 0), before.status)
        w:wait(0.1)
        local waiting = delivery(pinged)
        assert.equal("retrying", waiting.status)
        local delay = waiting.next_attempt_at - waiting.attempts[number].at
        assert.is_true(delay >= step * 0.9 - 1 and delay <= step * 1.1 + 1, number .. ": " .. delay)
        w:wait(waiting.next_attempt_at - w.now - 0.01)
        assert.equal(number, delivery(pinged).attempt_count)
        w:wait(1.01)
        assert.equal(number + 1, delivery(pinged).attempt_count)
      end
      w:wait(1)
      local done = delivery(pinged)
      assert.same({ "failed", 10, 10, 500, json.null }, {
        done.status, done.attempt_count, #done.attempts, done.last_status_code, done.next_attempt_at,
      })
      local hours = (done.finished_at - began) / HOUR
      assert.is_true(hours > 75.6 * 0.9 and hours < 75.6 * 1.1, hours)
    end)

    it("with jitter that differs from one to the next", function()
      local made, seen, count = create(), {}, 0
      answering { status = 500 }
      for _ = 1, 12 do
        ping(made)
      end
      w:wait(400)
      for _, one in ipairs(deliveries(made)) do
        if not seen[one.next_attempt_at] then
          seen[one.next_attempt_at], count = true, count + 1
        end
      end
      assert.is_true(count > 3)
    end)

    it("until one is accepted", function()
      local made = create()
      answering { error = "refused", times = 3 }
      local pinged = ping(made)
      w:wait(DAY)
      local done = delivery(pinged)
      assert.same({ "succeeded", 4, 200 }, { done.status, done.attempt_count, done.last_status_code })
      for number = 1, 4 do
        assert.equal(number < 4 and "refused" or json.null, done.attempts[number].error)
      end
    end)

    describe("no sooner than Retry-After says:", function()
      local function date(seconds)
        return function()
          return core.date(w.now + seconds)
        end
      end
      local cases = {
        { 429, "60", 60, 60 },
        { 503, "60", 60, 60 },
        { 429, "1", 4, 6 },
        { 429, "0", 4, 6 },
        { 500, "60", 4, 6 },
        { 400, "60", 4, 6 },
        { 503, "86400", DAY, DAY },
        { 503, "86401", DAY, DAY },
        { 503, "99999999999999999999", DAY, DAY },
        { 429, "soon", 4, 6 },
        { 429, "-5", 4, 6 },
        { 429, "1.5", 4, 6 },
        { 429, date(90), 89, 91 },
        { 429, date(-90), 4, 6 },
        { 503, date(10 * DAY), DAY, DAY },
      }
      for index, case in ipairs(cases) do
        it(("%d %s (%d)"):format(case[1], tostring(case[2]):gsub(":.*", ""), index), function()
          local made, value = create(), case[2]
          answering { status = case[1], headers = { ["retry-After"] = type(value) == "string" and value or value() }, times = 1 }
          local pinged = ping(made)
          w:wait(0)
          w:wait(0.05)
          local waiting = delivery(pinged)
          local delay = waiting.next_attempt_at - waiting.attempts[1].at
          assert.is_true(delay >= case[3] and delay <= case[4] + 0.1, delay)
          w:wait(DAY + 1)
          assert.equal("succeeded", delivery(pinged).status)
        end)
      end
    end)
  end)

  -- ---- endpoints that do not answer ----

  describe("disable an endpoint", function()
    it("that answers 410, at once; the others are told", function()
      local gone, other = create { url = URL .. "/gone" }, create { url = URL .. "/other" }
      local deaf = create { events = { "run.*" } }
      answering { url = gone.url, status = 410 }
      ping(gone)
      w:deploy()
      w:wait(0.1)
      local after = webhook(gone)
      assert.same({ "disabled", "gone" }, { after.status, after.disabled_reason })
      local found
      for _, event in ipairs(w.emulator:events()) do
        found = event.type == "webhook.disabled" and event or found
      end
      assert.same({ webhook_id = gone.id, url = gone.url, disabled_reason = "gone" }, found.data)
      assert.truthy(types_of(deliveries(other)):find("webhook.disabled", 1, true))
      assert.falsy(types_of(deliveries(gone)):find("webhook.disabled", 1, true))
      assert.equal("", types_of(deliveries(deaf)))
    end)

    it("when a delivery is given up that nothing has reached since it began", function()
      local made, other = create(), create { url = URL .. "/other", events = { "webhook.*" } }
      answering { status = 500 }
      local pinged = ping(made)
      w:wait(3.5 * DAY)
      assert.equal("failed", delivery(pinged).status)
      local after = webhook(made)
      assert.same({ "disabled", "failing" }, { after.status, after.disabled_reason })
      assert.equal("webhook.disabled", types_of(deliveries(other)))
      assert.equal("failing", json.decode(w.emulator:sent(other.id)[1].body).data.disabled_reason)
    end)

    it("but not if something was accepted meanwhile", function()
      local made = create()
      answering { status = 500 }
      local pinged = ping(made)
      w:wait(10 * HOUR)
      answering { status = 200, times = 1 }
      ping(made)
      w:wait(3 * DAY)
      assert.equal("failed", delivery(pinged).status)
      assert.equal("enabled", webhook(made).status)
    end)

    it("and not if somebody has enabled it meanwhile", function()
      local made = create()
      answering { status = 500, delay_ms = 14000 }
      local pinged = ping(made)
      for _ = 1, 9 do
        w:wait(1)
        assert.equal("delivering", delivery(pinged).status)
        w:wait(14)
        w:wait(delivery(pinged).next_attempt_at - w.now + 1)
      end
      assert.equal(10, delivery(pinged).attempt_count)
      w:patch("/webhooks/" .. made.id, { status = "disabled" })
      w:patch("/webhooks/" .. made.id, { status = "enabled" })
      w:wait(20)
      assert.equal("failed", delivery(pinged).status)
      assert.equal("enabled", webhook(made).status)
    end)

    it("cancels what waits to go there", function()
      local made = create()
      answering { status = 500, times = 1 }
      local retried = ping(made)
      w:wait(0)
      w:wait(1)
      answering { status = 410 }
      local refused = ping(made)
      w:wait(0)
      w:wait(0.05)
      assert.same({ "canceled", "failed" }, { delivery(retried).status, delivery(refused).status })
      assert.same({ math.floor(w.now), json.null }, { delivery(retried).finished_at, delivery(retried).next_attempt_at })
    end)
  end)

  describe("are canceled when their endpoint is", function()
    local made, retrying, under_way, pending

    before_each(function()
      made = create()
      answering { status = 500, times = 1 }
      answering { status = 500, delay_ms = 4000, times = 1 }
      retrying = ping(made)
      w:wait(0)
      w:wait(0.1)
      under_way = ping(made)
      w:wait(0)
      pending = ping(made)
      assert.same({ "retrying", "delivering", "pending" }, {
        delivery(retrying).status, delivery(under_way).status, pending.status,
      })
    end)

    local function statuses()
      local list = {}
      for index, one in ipairs { retrying, under_way } do
        list[index] = w.emulator:find("delivery", one.id).status
      end
      return list
    end

    it("disabled; an attempt that is under way comes to its end", function()
      w:patch("/webhooks/" .. made.id, { status = "disabled" })
      assert.same({ "canceled", "delivering" }, statuses())
      w:wait(5)
      local ended = delivery(under_way)
      assert.same({ "canceled", 1, 500, json.null }, { ended.status, #ended.attempts, ended.last_status_code, ended.next_attempt_at })
      w:patch("/webhooks/" .. made.id, { status = "enabled" })
      w:wait(DAY)
      assert.same({ "canceled", "canceled" }, statuses())
    end)

    it("deleted", function()
      w:delete("/webhooks/" .. made.id)
      assert.same({ "canceled", "delivering" }, statuses())
      w:wait(5)
      assert.same({ "canceled", "canceled" }, statuses())
      w:wait(DAY)
      assert.equal(w.now, w.emulator.now_ms / 1000)
    end)

    it("deleted, even if the endpoint accepts in the end", function()
      w.emulator:endpoint { url = URL, delay_ms = 3000, times = 1 }
      w:wait(10)
      local late = ping(made)
      w:wait(0)
      w:delete("/webhooks/" .. made.id)
      w:wait(4)
      assert.equal("succeeded", w.emulator:find("delivery", late.id).status)
    end)
  end)

  it("go out ten at a time", function()
    local made = create()
    answering { delay_ms = 3000 }
    for _ = 1, 25 do
      ping(made)
    end
    local function count(status)
      return #deliveries(made, "?limit=100&status=" .. status)
    end
    assert.same({ 10, 15, 0 }, { count "delivering", count "pending", count "succeeded" })
    w:wait(3.1)
    assert.same({ 10, 5, 10 }, { count "delivering", count "pending", count "succeeded" })
    w:wait(3.1)
    assert.same({ 5, 0, 20 }, { count "delivering", count "pending", count "succeeded" })
    w:wait(3.1)
    assert.equal(25, count "succeeded")
    local sent = w.emulator:sent(made.id)
    for index = 2, 25 do
      assert.is_true(sent[index].at >= sent[index - 1].at)
    end
  end)

  -- ---- reading, redelivering ----

  describe("are listed", function()
    local made

    before_each(function()
      made = create()
      answering { status = 500, times = 1 }
      w:deployed()
      w:wait(0)
      w:wait(0.1)
    end)

    it("newest first, without their attempts", function()
      local list = deliveries(made, "")
      assert.equal("deployment.completed build.completed build.started deployment.created", types_of(list))
      for _, one in ipairs(list) do
        assert.equal("", (world.misfit(one, "delivery"):gsub("%-attempts", "")))
        assert.is_nil(one.attempts)
      end
    end)

    it("by status, event and type", function()
      local all = deliveries(made)
      local cases = {
        { "?status=retrying", "deployment.created" },
        { "?status=succeeded&order=asc", "build.started build.completed deployment.completed" },
        { "?status=failed", "" },
        { "?event_type=build.started", "build.started" },
        { "?event_type=build.*", "" },
        { "?event=" .. all[3].event_id, "build.completed" },
        { "?event=" .. all[3].event_id .. "&status=failed", "" },
        { "?event=evt_000000000000", "" },
      }
      for _, case in ipairs(cases) do
        assert.equal(case[2], types_of(deliveries(made, case[1])), case[1])
      end
      assert.equal("400 parameter_invalid status", codes(w:get("/webhooks/" .. made.id .. "/deliveries?status=lost")))
    end)

    it("page by page while others are made", function()
      local found, pages = w:walk("/webhooks/" .. made.id .. "/deliveries?limit=1", function()
        ping(made)
      end)
      assert.equal("deployment.completed build.completed build.started deployment.created", types_of(found))
      assert.equal(4, pages)
    end)

    it("below their own endpoint only", function()
      local other = create()
      local one = deliveries(made)[1]
      assert.equal("404 resource_missing", codes(w:get("/webhooks/" .. other.id .. "/deliveries/" .. one.id)))
      assert.equal("404 resource_missing", codes(w:post("/webhooks/" .. other.id .. "/deliveries/" .. one.id .. "/redeliver")))
      assert.equal("404 resource_missing", codes(w:get("/webhooks/" .. made.id .. "/deliveries/dlv_000000000000")))
    end)

    it("for 30 days", function()
      local one = deliveries(made, "?status=succeeded&limit=1")[1]
      w:wait(30 * DAY - 5)
      assert.equal(200, w:get("/webhooks/" .. made.id .. "/deliveries/" .. one.id).status)
      w:wait(10)
      assert.equal("404 resource_missing", codes(w:get("/webhooks/" .. made.id .. "/deliveries/" .. one.id)))
      assert.same({}, deliveries(made))
    end)
  end)

  describe("are repeated", function()
    it("as a new delivery of the same event, with the same body and a fresh signature", function()
      local made = create()
      answering { status = 410, times = 1 }
      local first = ping(made)
      w:wait(HOUR)
      w:patch("/webhooks/" .. made.id, { status = "enabled" })
      local answer = w:post("/webhooks/" .. made.id .. "/deliveries/" .. first.id .. "/redeliver")
      assert.equal(202, answer.status)
      local second = answer.json
      assert.not_equal(first.id, second.id)
      assert.same({ first.event_id, "webhook.ping", true, "pending", 0, w.now }, {
        second.event_id, second.event_type, second.redelivery, second.status, second.attempt_count, second.created_at,
      })
      w:wait(1)
      assert.equal("succeeded", delivery(second).status)
      assert.equal("failed", delivery(first).status)
      local sent = w.emulator:sent(first.event_id)
      assert.equal(2, #sent)
      assert.equal(sent[1].body, sent[2].body)
      assert.equal("1", sent[2].headers["X-Git-Attempt"])
      assert.equal(second.id, sent[2].headers["X-Git-Delivery"])
      assert.equal(sent[1].headers["webhook-id"], sent[2].headers["webhook-id"])
      assert.is_true(verifies(sent[2].body, sent[2].headers["X-Git-Signature"], { made.secret }, w.now, 5))
    end)

    it("also when they had succeeded, or were canceled, and as often as one likes", function()
      local made = create()
      local first = ping(made)
      w:patch("/webhooks/" .. made.id, { status = "disabled" })
      w:patch("/webhooks/" .. made.id, { status = "enabled" })
      w:wait(1)
      assert.equal("succeeded", delivery(first).status)
      for _ = 1, 3 do
        local again = w:post("/webhooks/" .. made.id .. "/deliveries/" .. first.id .. "/redeliver").json
        w:wait(1)
        assert.equal("succeeded", delivery(again).status)
        first = again
      end
      assert.equal(4, #w.emulator:sent(first.event_id))
    end)

    it("once per idempotency key", function()
      local made = create()
      local first = ping(made)
      w:wait(1)
      local extra = { headers = { ["idempotency-key"] = "once" } }
      local path = "/webhooks/" .. made.id .. "/deliveries/" .. first.id .. "/redeliver"
      assert.equal(w:post(path, nil, extra).body, w:post(path, nil, extra).body)
      assert.equal(2, #deliveries(made))
    end)

    it("not while they are on their way, nor to an endpoint that is disabled", function()
      local made = create()
      answering { status = 500, times = 1, delay_ms = 2000 }
      local first = ping(made)
      local path = "/webhooks/" .. made.id .. "/deliveries/" .. first.id .. "/redeliver"
      for _, status in ipairs { "delivering", "retrying" } do
        local refused = w:post(path)
        assert.equal("409 invalid_state", codes(refused))
        assert.equal(status, refused.json.error.current_status)
        assert.same({ "succeeded", "failed", "canceled" }, refused.json.error.allowed_statuses)
        w:wait(2)
      end
      w:wait(HOUR)
      w:patch("/webhooks/" .. made.id, { status = "disabled" })
      local refused = w:post(path)
      assert.equal("409 invalid_state", codes(refused))
      assert.equal("disabled", refused.json.error.current_status)
    end)
  end)

  -- ---- the seam ----

  describe("leave by the program's own sender", function()
    local requests, answers, problems

    local function own(deliver)
      problems = {}
      w = world.new {
        deliver = deliver,
        on_error = function(text)
          problems[#problems + 1] = text
        end,
      }
    end

    local function keep(request, done)
      requests[#requests + 1], answers[#answers + 1] = request, done
    end

    before_each(function()
      requests, answers = {}, {}
    end)

    it("which is told url, headers, body and timeout", function()
      own(keep)
      local made = create()
      local pinged = ping(made)
      w:wait(0)
      local request = requests[1]
      assert.same({ URL, 15 }, { request.url, request.timeout })
      assert.equal("Content-Type", request.headers[1])
      assert.equal(pinged.id, webhook_request.map(request.headers)["X-Git-Delivery"])
      local map = webhook_request.map(request.headers)
      assert.is_true(verifies(request.body, map["X-Git-Signature"], { made.secret }, w.now, 0))
      assert.same(map, w.emulator:sent()[1].headers)
    end)

    it("and may answer at once", function()
      own(function(_, done)
        done { status = 202, headers = { a = "b" }, body = "ok", duration_ms = 7 }
      end)
      local pinged = ping(create())
      w:wait(0)
      local done = delivery(pinged)
      assert.equal("succeeded", done.status)
      assert.same({ 7, 202, { headers = { a = "b" }, body = "ok" } }, {
        done.attempts[1].duration_ms, done.attempts[1].status_code, done.attempts[1].response,
      })
    end)

    it("or later, once", function()
      own(keep)
      local pinged = ping(create())
      w:wait(0)
      w.now = w.now + 4.5
      answers[1] { status = 500 }
      answers[1] { status = 200 }
      local waiting = delivery(pinged)
      assert.equal("retrying", waiting.status)
      assert.equal(4500, waiting.attempts[1].duration_ms)
      assert.is_true(waiting.next_attempt_at >= math.floor(w.now + 4.5))
      w:wait(6)
      assert.equal(2, #requests)
      answers[2] { error = "nonsense" }
      assert.equal("reset", delivery(pinged).attempts[2].error)
    end)

    it("with errors of the contract", function()
      own(keep)
      local made = create()
      for index, word in ipairs { "timeout", "dns", "tls", "refused", "reset", "redirect", "too_large" } do
        local pinged = ping(made)
        w:wait(0)
        answers[index] { error = word, duration_ms = 1 }
        local ended = delivery(pinged).attempts[1]
        assert.same({ word, json.null, json.null }, { ended.error, ended.status_code, ended.response })
      end
    end)

    it("which is given up a second after its time", function()
      own(keep)
      local pinged = ping(create())
      w:wait(0)
      w:wait(15.9)
      assert.equal("delivering", delivery(pinged).status)
      w:wait(0.2)
      assert.equal("timeout", delivery(pinged).attempts[1].error)
      answers[1] { status = 200 }
      assert.equal("retrying", delivery(pinged).status)
    end)

    it("which has its time also when the emulator's moves ahead", function()
      own(keep)
      local pinged = ping(create())
      w:wait(0)
      w.emulator:skip(DAY * 1000)
      assert.equal("delivering", delivery(pinged).status)
      answers[1] { status = 200 }
      assert.equal("succeeded", delivery(pinged).status)
      w:wait(20)
      assert.equal("succeeded", delivery(pinged).status)
    end)

    it("whose failure is told, and counts as a lost connection", function()
      own(function()
        error("no network", 0)
      end)
      local pinged = ping(create())
      w:wait(0)
      assert.equal("reset", delivery(pinged).attempts[1].error)
      assert.same({ "deliver failed: no network" }, problems)
    end)

    it("which may come too late for an emulator that was reset", function()
      own(keep)
      ping(create())
      w:wait(0)
      w.emulator:reset()
      answers[1] { status = 500 }
      w:wait(DAY)
      assert.equal(1, #requests)
      assert.same({}, w.emulator:sent())
    end)

    it("which must be a function, as what answers must be a table", function()
      assert.has_error(function()
        world.new { deliver = "https" }
      end)
      own(keep)
      ping(create())
      w:wait(0)
      assert.has_error(function()
        answers[1] "200"
      end)
    end)
  end)

  it("are saved and loaded, also those that are under way", function()
    local made = create()
    answering { status = 500, times = 1 }
    answering { delay_ms = 3000, times = 1 }
    answering { status = 503 }
    local retrying = ping(made)
    w:wait(0)
    w:wait(0.1)
    local under_way = ping(made)
    w:wait(0)
    local text = w.emulator:dump()
    w.emulator:reset()
    assert(w.emulator:restore(text))
    assert.equal("delivering", delivery(under_way).status)
    w:wait(3.5)
    assert.equal("succeeded", delivery(under_way).status)
    w:wait(HOUR)
    assert.equal(503, delivery(retrying).last_status_code)
    assert.is_true(verifies(w.emulator:sent()[1].body, w.emulator:sent()[1].headers["X-Git-Signature"], { made.secret }, w.now, false))
  end)

  it("are lost to a sender that was not saved with them: then they time out", function()
    w = world.new { deliver = function() end }
    local made = create()
    local pinged = ping(made)
    w:wait(0)
    assert.equal(3600 * 1000, w.emulator:skip(3600 * 1000))
    local text = w.emulator:dump()
    w.emulator:reset()
    assert(w.emulator:restore(text))
    w:wait(20)
    local attempt = delivery(pinged).attempts[1]
    assert.same({ "timeout", 15000 }, { attempt.error, attempt.duration_ms })
  end)

  -- ---- the control plane ----

  describe("can be watched and answered over the control plane:", function()
    local function control(method, path, body)
      return w:send(method, path, body, { base = "/_emulator", key = false })
    end

    it("how a url answers, and what it was sent", function()
      local made = create()
      assert.equal(204, control("POST", "/endpoints", { url = URL, status = 503, body = "later", times = 1 }).status)
      local pinged = ping(made)
      w:wait(0)
      w:wait(60)
      local sent = control("GET", "/deliveries").json.deliveries
      assert.equal(2, #sent)
      assert.same({ 503, 200 }, { sent[1].status, sent[2].status })
      assert.same({ made.id, pinged.id, pinged.event_id, "webhook.ping", 1, URL }, {
        sent[1].webhook_id, sent[1].delivery_id, sent[1].event_id, sent[1].event_type, sent[1].attempt, sent[1].url,
      })
      assert.is_true(verifies(sent[2].body, sent[2].headers["X-Git-Signature"], { made.secret }, w.now, 300))
      for _, id in ipairs { made.id, pinged.id, pinged.event_id } do
        assert.equal(2, #control("GET", "/deliveries/" .. id).json.deliveries)
      end
      assert.same({}, control("GET", "/deliveries/evt_000000000000").json.deliveries)
    end)

    it("what answers for a while stands before what answers always", function()
      local made = create()
      control("POST", "/endpoints", { url = URL, status = 202 })
      control("POST", "/endpoints", { url = URL, status = 203, times = 2 })
      control("POST", "/endpoints", { url = URL, status = 204, times = 1 })
      local seen = {}
      for index = 1, 5 do
        local pinged = ping(made)
        w:wait(1)
        seen[index] = delivery(pinged).last_status_code
      end
      assert.same({ 203, 203, 204, 202, 202 }, seen)
      control("DELETE", "/endpoints")
      local pinged = ping(made)
      w:wait(1)
      assert.equal(200, delivery(pinged).last_status_code)
    end)

    it("what makes no sense is refused", function()
      local cases = {
        {}, { url = 1 }, { url = "" }, { url = URL, status = 199 }, { url = URL, status = 600 }, { url = URL, status = "200" },
        { url = URL, error = "broken" }, { url = URL, times = 0 }, { url = URL, delay_ms = -1 }, { url = URL, headers = { a = 1 } },
        { url = URL, body = {} }, { url = URL, code = 200 },
      }
      for _, case in ipairs(cases) do
        local refused = control("POST", "/endpoints", case)
        assert.equal(400, refused.status, json.encode(case))
        assert.truthy(refused.json.error.message:find "%.$")
        assert.has_error(function()
          w.emulator:endpoint(case)
        end)
      end
    end)

    it("the last thousand of them", function()
      local made = create()
      for _ = 1, 1010 do
        ping(made)
        w:wait(0.1)
      end
      local sent = w.emulator:sent()
      assert.equal(1000, #sent)
      local newest = deliveries(made, "?limit=1")[1]
      assert.equal(newest.id, sent[1000].delivery_id)
    end)
  end)
end)

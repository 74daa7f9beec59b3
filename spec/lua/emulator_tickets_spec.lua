-- Stream tickets, and log streams up to where they would open (contract 2.5).
local world = require "spec.lua.support.world"

local codes = world.codes

describe("the emulator's stream tickets", function()
  local w, made

  before_each(function()
    w = world.new()
    made = w:deployed()
  end)

  local function ticket(fields, extra)
    return w:post("/stream_tickets", fields or { resource = made.id }, extra)
  end

  -- What opening a stream answers; `query` begins with "?".
  local function open(query, extra)
    return w:get("/deployments/" .. made.id .. "/logs/stream" .. (query or ""), extra)
  end

  local function with_ticket(text, query)
    return codes(open("?ticket=" .. text .. (query or ""), { key = false }))
  end

  it("are made for a deployment, with an address that is ready to open", function()
    local answer = ticket(nil, { headers = { host = "127.0.0.1:8443" } })
    local one = answer.json
    assert.equal(201, answer.status)
    assert.equal("", world.misfit(one, "stream_ticket"))
    assert.truthy(one.ticket:match "^tkt_%w+$")
    assert.equal(4 + 32, #one.ticket)
    assert.equal(made.id, one.resource)
    local seconds = math.floor(w.now)
    assert.equal(seconds + 60, one.expires_at)
    assert.equal(("wss://127.0.0.1:8443/v2/deployments/%s/logs/stream?ticket=%s"):format(made.id, one.ticket), one.url)
    assert.equal("wss://api.git.dev/", ticket().json.url:match "^wss://[^/]*/")
    assert.equal("wss://api.git.dev/", ticket(nil, { headers = { host = "a/b?c" } }).json.url:match "^wss://[^/]*/")
  end)

  it("are made for a job", function()
    assert(w.emulator.tenants[false].things.job)
    local pipeline = w:post("/pipelines", {
      project = "my-app", name = "ci", jobs = { { name = "test", steps = { { name = "run", run = "make" } } } },
    })
    assert.equal(201, pipeline.status, pipeline.body)
    local run = w:post("/runs", { pipeline = pipeline.json.id }).json
    w:wait(60)
    local job = w:get("/runs/" .. run.id .. "/jobs").json.data[1]
    local one = ticket({ resource = job.id }).json
    assert.truthy(one.url:find("/v2/jobs/" .. job.id .. "/logs/stream?ticket=tkt_", 1, true))
    local path = "/jobs/" .. job.id .. "/logs/stream"
    assert.equal("426 upgrade_required", codes(w:get(path)))
    assert.equal("426 upgrade_required", codes(w:get(path .. "?ticket=" .. one.ticket, { key = false })))
    assert.equal("401 ticket_invalid", with_ticket(one.ticket))
    assert.equal("404 resource_missing", codes(w:get "/jobs/job_000000000000/logs/stream"))
  end)

  local refused = {
    { { resource = "dep_000000000000" }, "422 resource_missing resource" },
    { { resource = "job_000000000000" }, "422 resource_missing resource" },
    { { resource = "nonsense" }, "422 resource_missing resource" },
    { { resource = "" }, "422 parameter_invalid resource" },
    { {}, "422 parameter_missing resource" },
    { { resource = 5 }, "422 invalid_type resource" },
    { { resource = "dep_000000000000", ticket = "mine" }, "422 parameter_unknown ticket" },
  }
  for _, case in ipairs(refused) do
    it("are not made for " .. tostring(case[1].resource) .. ": " .. case[2], function()
      assert.equal(case[2], codes(ticket(case[1])))
    end)
  end

  it("are made for whoever may read the log", function()
    w:post("/projects", { slug = "other" })
    local foreign = w.emulator:issue_key { projects = { "other" } }
    assert.equal("422 resource_missing resource", codes(ticket(nil, { key = foreign })))
    local reader = w.emulator:issue_key { scopes = { "deployments:write" } }
    local answer = ticket(nil, { key = reader })
    assert.equal("403 insufficient_scope", codes(answer))
    assert.equal("logs:read", answer.json.error.required_scope)
    assert.equal(201, ticket(nil, { key = w.emulator:issue_key { scopes = { "logs:read" }, projects = { "my-app" } } }).status)
  end)

  describe("stand in for the key", function()
    it("for a minute", function()
      local one = ticket().json.ticket
      assert.equal("426 upgrade_required", with_ticket(one))
      w:wait(59)
      assert.equal("426 upgrade_required", with_ticket(one))
      w:wait(1)
      assert.equal("401 ticket_invalid", with_ticket(one))
    end)

    it("only where the stream of that log opens", function()
      local one, other = ticket().json.ticket, w:deployed()
      assert.equal("401 api_key_missing", codes(w:get("/deployments/" .. made.id .. "?ticket=" .. one, { key = false })))
      assert.equal("401 api_key_missing", codes(w:get("/deployments/" .. made.id .. "/logs?ticket=" .. one, { key = false })))
      local path = "/deployments/" .. other.id .. "/logs/stream?ticket=" .. one
      assert.equal("401 ticket_invalid", codes(w:get(path, { key = false })))
    end)

    it("until they are used", function()
      local one, another = ticket().json.ticket, ticket().json.ticket
      assert.equal(101, open("?ticket=" .. one, { key = false, upgrade = "good" }).status)
      assert.equal("401 ticket_invalid", with_ticket(one))
      assert.equal("426 upgrade_required", with_ticket(another))
    end)

    it("and not by who is refused", function()
      local one = ticket().json.ticket
      assert.equal("400 parameter_invalid tail", with_ticket(one, "&tail=x"))
      assert.equal("400 parameter_invalid", codes(open("?ticket=" .. one, { key = false, upgrade = "malformed" })))
      assert.equal(101, open("?ticket=" .. one, { key = false, upgrade = "good" }).status)
    end)

    it("with what the key may do that asked for it, also beside another key", function()
      local reader = w.emulator:issue_key { scopes = { "logs:read" }, projects = { "my-app" } }
      local one = ticket(nil, { key = reader }).json.ticket
      local answer = open("?ticket=" .. one, { upgrade = "good" })
      assert.equal(101, answer.status)
      assert.same({ "logs:read" }, answer.raw.stream.key.scopes)
    end)

    it("in a state that was saved", function()
      local one, used = ticket().json.ticket, ticket().json.ticket
      open("?ticket=" .. used, { key = false, upgrade = "good" })
      assert(w.emulator:restore(w.emulator:dump()))
      assert.equal("401 ticket_invalid", with_ticket(used))
      assert.equal(101, open("?ticket=" .. one, { key = false, upgrade = "good" }).status)
    end)

    it("as long as the key is in force", function()
      local key = w:post("/api_keys", { name = "ci" }).json
      local one = ticket(nil, { key = key.secret }).json.ticket
      w:delete("/api_keys/" .. key.id)
      assert.equal("401 ticket_invalid", with_ticket(one))
    end)

    for _, text in ipairs { "tkt_nonsense", "", "%zz", "gsk_test_00000000000000000000000000000000" } do
      it(('never as "%s"'):format(text), function()
        local answer = open("?ticket=" .. text, { key = false })
        assert.equal("401 ticket_invalid", codes(answer))
        assert.equal('Bearer realm="git"', answer.headers["www-authenticate"])
        assert.is_nil(answer.headers["x-ratelimit-remaining"])
      end)
    end

    it("never as a key in the query", function()
      assert.equal("401 api_key_missing", codes(open("?api_key=" .. w.key, { key = false })))
      assert.equal("401 ticket_invalid", codes(open("?ticket=" .. w.key, { key = false })))
      assert.equal("400 parameter_unknown api_key", codes(open("?api_key=" .. w.key)))
    end)
  end)

  it("are told once more under their idempotency key, and in no log", function()
    local extra = { headers = { ["idempotency-key"] = "k" } }
    local first = ticket(nil, extra)
    assert.equal(first.body, ticket(nil, extra).body)
    open("?ticket=" .. first.json.ticket, { key = false })
    local log = w:get("/_emulator/requests", { base = "", key = false }).body
    assert.truthy(log:find("/logs/stream", 1, true))
    assert.is_nil(log:find("tkt_", 1, true))
  end)

  it("are forgotten when they are over", function()
    for _ = 1, 20 do
      ticket()
    end
    w:wait(61)
    ticket()
    local count = 0
    for _ in pairs(w.emulator.tenants[false].tickets) do
      count = count + 1
    end
    assert.equal(1, count)
  end)
end)

describe("the emulator's log streams", function()
  local w, made

  before_each(function()
    w = world.new()
    made = w:deployed()
  end)

  local function open(query, extra)
    return w:get("/deployments/" .. made.id .. "/logs/stream" .. (query or ""), extra)
  end

  it("want a WebSocket, and say so", function()
    local answer = open()
    assert.equal("426 upgrade_required", codes(answer))
    assert.equal("websocket", answer.headers.upgrade)
    assert.equal("Upgrade", answer.headers.connection)
    assert.is_not_nil(answer.headers["x-ratelimit-remaining"])
  end)

  it("take what the contract has for them", function()
    local cursor = w:get("/deployments/" .. made.id .. "/logs?limit=3").json.data[3].cursor
    for _, query in ipairs {
      "?tail=0", "?tail=1000", "?follow=false&stage=build&level=warn", "?stage=runtime&follow=true", "?cursor=" .. cursor,
    } do
      assert.equal("426 upgrade_required", codes(open(query)), query)
    end
    assert.equal("400 parameter_invalid tail", codes(open("?tail=5&cursor=" .. cursor)))
    local other = w:deployed()
    assert.equal("400 cursor_mismatch cursor", codes(w:get("/deployments/" .. other.id .. "/logs/stream?cursor=" .. cursor)))
  end)

  local refused = {
    { "?tail=-1", "400 parameter_invalid tail" },
    { "?tail=1001", "400 parameter_invalid tail" },
    { "?tail=x", "400 parameter_invalid tail" },
    { "?follow=1", "400 parameter_invalid follow" },
    { "?stage=test", "400 parameter_invalid stage" },
    { "?level=loud", "400 parameter_invalid level" },
    { "?cursor=nonsense", "400 cursor_invalid cursor" },
    { "?limit=5", "400 parameter_unknown limit" },
  }
  for _, case in ipairs(refused) do
    it("refuse " .. case[1] .. ": " .. case[2], function()
      assert.equal(case[2], codes(open(case[1])))
    end)
  end

  it("are gone when the log is", function()
    w:wait(30 * 24 * 3600 - 3)
    assert.equal("426 upgrade_required", codes(open()))
    w:wait(3)
    assert.equal("410 logs_expired", codes(open()))
  end)

  it("are for those who hold the project and the scope", function()
    w:post("/projects", { slug = "other" })
    assert.equal("404 resource_missing", codes(open("", { key = w.emulator:issue_key { projects = { "other" } } })))
    assert.equal("403 insufficient_scope", codes(open("", { key = w.emulator:issue_key { scopes = { "deployments:read" } } })))
    assert.equal("401 api_key_missing", codes(open("", { key = false })))
    assert.equal("401 public_key_not_allowed", codes(open("", { key = w.emulator.public_key })))
    assert.equal("404 resource_missing", codes(w:get "/deployments/dep_000000000000/logs/stream"))
  end)

  it("answer no other verb", function()
    local answer = w:post("/deployments/" .. made.id .. "/logs/stream")
    assert.equal("405 method_not_allowed", codes(answer))
    assert.equal("GET, HEAD", answer.headers.allow)
  end)
end)

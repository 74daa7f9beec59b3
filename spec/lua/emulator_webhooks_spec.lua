-- Webhook endpoints: contract 2.13, 3.5.
local json = require "gitdev.json"
local safe = require "gitdev.safe"
local schema = require "gitdev.schema"
local world = require "spec.lua.support.world"

local codes = world.codes

local URL = "https://example.com/hooks"

describe("the emulator's webhooks", function()
  local w

  before_each(function()
    w = world.new()
  end)

  local function create(fields, extra)
    local body = { url = URL, events = { "*" } }
    for name, value in pairs(fields or {}) do
      body[name] = value
    end
    return w:post("/webhooks", body, extra)
  end

  local function project(slug)
    return w:post("/projects", { slug = slug }).json
  end

  local function ids(path, extra)
    local list = {}
    for index, webhook in ipairs(w:get(path, extra).json.data) do
      list[index] = webhook.id
    end
    return table.concat(list, " ")
  end

  describe("are made", function()
    it("with the contract's defaults, and a secret that is shown once", function()
      w:wait(3)
      local answer = create()
      local made = answer.json
      assert.equal(201, answer.status)
      assert.truthy(made.id:match "^whk_%w+$")
      assert.equal(38, #made.secret)
      assert.truthy(made.secret:match "^whsec_%w+$")
      assert.same({
        id = made.id,
        object = "webhook",
        url = URL,
        description = json.null,
        events = { "*" },
        projects = { "*" },
        status = "enabled",
        disabled_reason = json.null,
        secret_hint = made.secret:sub(-4),
        api_version = "2.4",
        created_at = world.START + 3,
        updated_at = world.START + 3,
        secret = made.secret,
      }, made)
      local shown = w:get("/webhooks/" .. made.id)
      made.secret = nil
      assert.same(made, shown.json)
      assert.is_nil(shown.body:find("whsec_", 1, true))
      assert.is_nil(w:get("/webhooks").body:find("whsec_", 1, true))
      assert.is_nil(w:patch("/webhooks/" .. made.id, { description = "x" }).body:find("whsec_", 1, true))
    end)

    it("with every field of the contract", function()
      local id = project("shop").id
      local fields = {
        url = "https://hooks.example.com:8443/a/b?c=d%20e",
        events = { "deployment.*", "run.failed" },
        projects = { id },
        description = "CI",
        status = "disabled",
      }
      local made = create(fields).json
      for name, value in pairs(fields) do
        assert.same(value, made[name], name)
      end
      assert.equal("user", made.disabled_reason)
    end)

    it("with lists in which nothing stands twice", function()
      local made = create({ events = { "build.failed", "*", "build.failed" } }).json
      assert.same({ "build.failed", "*" }, made.events)
    end)

    it("once per idempotency key, and the replay tells the secret again", function()
      local extra = { headers = { ["idempotency-key"] = "once" } }
      local first, second = create({}, extra), create({}, extra)
      assert.equal("true", second.headers["idempotent-replayed"])
      assert.equal(first.body, second.body)
      assert.equal(first.json.id, ids "/webhooks")
    end)

    it("for every event type there is, and every family", function()
      local wanted, families = schema.events(), {}
      for _, kind in ipairs(wanted) do
        families[kind:match "^[%l_]+" .. ".*"] = true
      end
      for family in pairs(families) do
        wanted[#wanted + 1] = family
      end
      assert.equal(201, create({ events = wanted }).status)
    end)
  end)

  describe("are refused", function()
    local cases = {
      { {}, "422 parameter_missing url, parameter_missing events", plain = true },
      { { events = json.array {} }, "422 parameter_invalid events" },
      { { events = "*" }, "422 invalid_type events" },
      { { events = { "deployment.complete" } }, "422 unknown_event_type events[1]" },
      { { events = { "deployment.created", "deploy.*", "**", "" } },
        "422 parameter_invalid events[4]" },
      { { events = { "deployment.created", "deploy.*", "**" } }, "422 unknown_event_type events[2], unknown_event_type events[3]" },
      { { events = { "deployment" } }, "422 unknown_event_type events[1]" },
      { { events = { "*.failed" } }, "422 unknown_event_type events[1]" },
      { { projects = json.array {} }, "422 parameter_invalid projects" },
      { { projects = { "prj_000000000000" } }, "422 resource_missing projects[1]" },
      { { projects = { "my-app" } }, "422 resource_missing projects[1]" },
      { { projects = { "*", "prj_000000000000" } }, "422 parameter_invalid projects[1], resource_missing projects[2]" },
      { { status = "paused" }, "422 parameter_invalid status" },
      { { description = json.null }, "422 invalid_type description" },
      { { secret = "whsec_x" }, "422 parameter_unknown secret" },
      { { url = "" }, "422 parameter_invalid url" },
      { { url = "https://" .. ("a"):rep(2048) }, "422 parameter_invalid url" },
      { { url = "http://example.com", events = { "x" } }, "422 url_not_allowed url, unknown_event_type events[1]" },
    }
    for _, case in ipairs(cases) do
      it(assert(json.encode(case[1])):sub(1, 80), function()
        assert.equal(case[2], codes(case.plain and w:post("/webhooks", case[1]) or create(case[1])))
        assert.equal("", ids "/webhooks")
      end)
    end

    it("with no more than a hundred faults told of", function()
      local kinds, projects = {}, {}
      for number = 1, 1000 do
        kinds[number], projects[number] = "nothing", "prj_000000000000"
      end
      for _, fields in ipairs { { events = kinds }, { projects = projects } } do
        assert.equal(100, #create(fields).json.error.errors)
      end
    end)

    it("beyond what the plan allows to be enabled", function()
      w = world.new { quotas = { webhooks = 1 } }
      local first = create().json
      local refused = create()
      assert.equal("403 plan_limit_reached", codes(refused))
      assert.equal(1, refused.json.error.limit)
      local second = create({ status = "disabled" }).json
      assert.equal("403 plan_limit_reached", codes(w:patch("/webhooks/" .. second.id, { status = "enabled" })))
      w:patch("/webhooks/" .. first.id, { status = "disabled" })
      assert.equal(200, w:patch("/webhooks/" .. second.id, { status = "enabled" }).status)
    end)
  end)

  describe("take urls", function()
    local NOT_ALLOWED, NO_URL = "422 url_not_allowed url", "422 parameter_invalid url"
    local cases = {
      { "https://example.com", 201 },
      { "https://example.com/", 201 },
      { "HTTPS://Example.COM./a?b=c", 201 },
      { "https://xn--nxasmq6b.example:443/a", 201 },
      { "https://8.8.8.8/a", 201 },
      { "https://[2606:4700::1111]/a", 201 },
      { "https://localhost:8443/a", 201 },
      { "http://localhost:8080/a", 201 },
      { "http://hooks.localhost/a", 201 },
      { "http://127.0.0.1:9/a", 201 },
      { "http://127.8.9.10/a", 201 },
      { "http://[::1]:9/a", 201 },
      { "http://[::ffff:127.0.0.1]:9/a", 201 },
      { "http://example.com/a", NOT_ALLOWED },
      { "http://localhost.example.com/a", NOT_ALLOWED },
      { "ftp://example.com/a", NOT_ALLOWED },
      { "https://user@example.com/a", NOT_ALLOWED },
      { "https://user:secret@example.com/a", NOT_ALLOWED },
      { "https://example.com@10.0.0.1/a", NOT_ALLOWED },
      { "https://0.0.0.0/a", NOT_ALLOWED },
      { "https://10.0.0.1/a", NOT_ALLOWED },
      { "https://100.64.0.1/a", NOT_ALLOWED },
      { "https://169.254.169.254/latest", NOT_ALLOWED },
      { "https://172.16.0.1/a", NOT_ALLOWED },
      { "https://172.31.255.255/a", NOT_ALLOWED },
      { "https://172.32.0.0/a", 201 },
      { "https://192.168.1.1/a", NOT_ALLOWED },
      { "https://224.0.0.1/a", NOT_ALLOWED },
      { "https://255.255.255.255/a", NOT_ALLOWED },
      { "https://2130706433/a", NOT_ALLOWED },
      { "https://0x7f000001/a", NOT_ALLOWED },
      { "https://0177.0.0.1/a", NOT_ALLOWED },
      { "https://127.1/a", NOT_ALLOWED },
      { "https://10.0.0.256/a", NOT_ALLOWED },
      { "https://[::]/a", NOT_ALLOWED },
      { "https://[fe80::1]/a", NOT_ALLOWED },
      { "https://[fc00::1]/a", NOT_ALLOWED },
      { "https://[fd12:3456::1]/a", NOT_ALLOWED },
      { "https://[ff02::1]/a", NOT_ALLOWED },
      { "https://[::ffff:10.0.0.1]/a", NOT_ALLOWED },
      { "https://[::ffff:a00:1]/a", NOT_ALLOWED },
      { "https://[64:ff9b::a00:1]/a", NOT_ALLOWED },
      { "example.com/hooks", NO_URL },
      { "https://", NO_URL },
      { "https:///a", NO_URL },
      { "https://?a", NO_URL },
      { "https://exa mple.com/", NO_URL },
      { "https://ex\195\164mple.com/", NO_URL },
      { "https://example.com/\195\164", NO_URL },
      { "https://example.com\\@10.0.0.1/", NO_URL },
      { "https://example.com/a#b", NO_URL },
      { "https://example.com:0/a", NO_URL },
      { "https://example.com:65536/a", NO_URL },
      { "https://example.com:http/a", NO_URL },
      { "https://-example.com/a", NO_URL },
      { "https://example..com/a", NO_URL },
      { "https://exa%6dple.com/a", NO_URL },
      { "https://" .. ("a"):rep(64) .. ".com/a", NO_URL },
      { "https://[::1", NO_URL },
      { "https://[1:2:3]/a", NO_URL },
      { "https://[1::2::3]/a", NO_URL },
      { "https://[1:2:3:4:5:6:7:8:9]/a", NO_URL },
      { "https://[::12345]/a", NO_URL },
    }
    for _, case in ipairs(cases) do
      it(case[1]:sub(1, 60) .. " -> " .. case[2], function()
        local answer = create { url = case[1] }
        assert.equal(case[2], answer.status == 201 and 201 or codes(answer))
        local made = create { url = URL }
        local changed = w:patch("/webhooks/" .. made.json.id, { url = case[1] })
        assert.equal(case[2], changed.status == 200 and 201 or codes(changed))
      end)
    end
  end)

  describe("are listed", function()
    it("newest first, by status, and page by page while others are made", function()
      local made = {}
      for index = 1, 7 do
        made[index] = create({ status = index % 2 == 0 and "disabled" or "enabled" }).json.id
      end
      assert.equal(table.concat({ made[7], made[6], made[5], made[4], made[3], made[2], made[1] }, " "), ids "/webhooks")
      assert.equal(table.concat({ made[2], made[4], made[6] }, " "), ids "/webhooks?status=disabled&order=asc")
      local found = w:walk("/webhooks?limit=2", function()
        create()
      end)
      assert.equal(7, #found)
      assert.equal(made[1], found[7].id)
      assert.equal("400 cursor_mismatch cursor", codes(
        w:get("/webhooks?limit=1&status=enabled&cursor=" .. w:get("/webhooks?limit=1").json.next_cursor)
      ))
      assert.equal("400 parameter_invalid status", codes(w:get "/webhooks?status=on"))
    end)
  end)

  describe("are changed", function()
    local made

    before_each(function()
      made = create({ description = "old" }).json
      w:wait(5)
    end)

    local function update(fields, extra)
      return w:patch("/webhooks/" .. made.id, fields, extra)
    end

    it("field by field; null clears the description", function()
      local id = project("shop").id
      local cases = {
        { { url = "https://other.example.com" } },
        { { events = { "run.*" } } },
        { { projects = { id } } },
        { { projects = { "*" } } },
        { { description = "new" } },
        { { description = json.null } },
      }
      for _, case in ipairs(cases) do
        w:wait(1)
        local changed = update(case[1]).json
        local name, value = next(case[1])
        assert.same(value, changed[name])
        assert.equal(w.now, changed.updated_at)
        assert.same(changed, w:get("/webhooks/" .. made.id).json)
      end
    end)

    it("not at all by what is so already", function()
      assert.equal(made.updated_at, update({ url = URL, events = { "*" }, projects = { "*" }, description = "old" }).json.updated_at)
      assert.equal(made.updated_at, update({ status = "enabled" }).json.updated_at)
      assert.equal(made.updated_at, update({}).json.updated_at)
    end)

    it("not into what they could not be made as", function()
      local cases = {
        { { url = json.null }, "422 invalid_type url" },
        { { url = "http://example.com" }, "422 url_not_allowed url" },
        { { events = { "no.such" } }, "422 unknown_event_type events[1]" },
        { { events = json.array {} }, "422 parameter_invalid events" },
        { { projects = { "none" } }, "422 resource_missing projects[1]" },
        { { status = json.null }, "422 invalid_type status" },
      }
      for _, case in ipairs(cases) do
        assert.equal(case[2], codes(update(case[1])))
      end
      made.secret = nil
      assert.same(made, w:get("/webhooks/" .. made.id).json)
    end)

    it("by being disabled and enabled, which is no event", function()
      local before = #w.emulator:events()
      local disabled = update({ status = "disabled" }).json
      assert.same({ "disabled", "user", w.now }, { disabled.status, disabled.disabled_reason, disabled.updated_at })
      w:wait(1)
      local enabled = update({ status = "enabled" }).json
      assert.same({ "enabled", json.null, w.now }, { enabled.status, enabled.disabled_reason, enabled.updated_at })
      assert.equal(before, #w.emulator:events())
    end)
  end)

  it("are deleted, once", function()
    local made = create().json
    assert.equal(204, w:delete("/webhooks/" .. made.id).status)
    assert.equal("404 resource_missing", codes(w:delete("/webhooks/" .. made.id)))
    assert.equal("404 resource_missing", codes(w:get("/webhooks/" .. made.id)))
    assert.equal("404 resource_missing", codes(w:get("/webhooks/" .. made.id .. "/deliveries")))
  end)

  describe("have their secret rotated", function()
    local made

    before_each(function()
      made = create().json
      w:wait(5)
    end)

    local function rotate(fields)
      return w:post("/webhooks/" .. made.id .. "/rotate_secret", fields)
    end

    -- The secrets of `list` that a delivery made now is signed with.
    local function signers(list)
      w:post("/webhooks/" .. made.id .. "/ping")
      w:wait(1)
      local sent, found = w.emulator:sent(), {}
      local last = sent[#sent]
      for index, secret in ipairs(list) do
        found[index] = safe.webhooks.verify(last.body, last.headers["X-Git-Signature"], secret, { now = w.now }) ~= nil
      end
      return found
    end

    it("and tell the new one", function()
      local answer = rotate()
      assert.equal(200, answer.status)
      assert.equal(made.id, answer.json.id)
      assert.not_equal(made.secret, answer.json.secret)
      assert.equal(answer.json.secret:sub(-4), answer.json.secret_hint)
      assert.equal(w.now, answer.json.updated_at)
      assert.is_nil(w:get("/webhooks/" .. made.id).json.secret)
    end)

    it("with both signing until the old one expires, a day later by default", function()
      local new = rotate().json.secret
      assert.same({ true, true }, signers { made.secret, new })
      w:wait(86400 - 3)
      assert.same({ true, true }, signers { made.secret, new })
      w:wait(3)
      assert.same({ false, true }, signers { made.secret, new })
    end)

    it("at once, if so asked", function()
      local new = rotate({ expire_previous_in = 0 }).json.secret
      assert.same({ false, true }, signers { made.secret, new })
    end)

    it("again, which leaves only the last two", function()
      local second = rotate({ expire_previous_in = 100 }).json.secret
      local third = rotate({ expire_previous_in = 100 }).json.secret
      assert.same({ false, true, true }, signers { made.secret, second, third })
    end)

    it("within the contract's bounds", function()
      assert.equal("422 parameter_invalid expire_previous_in", codes(rotate { expire_previous_in = 86401 }))
      assert.equal("422 parameter_invalid expire_previous_in", codes(rotate { expire_previous_in = -1 }))
      assert.equal("422 invalid_type expire_previous_in", codes(rotate { expire_previous_in = "1" }))
      assert.equal(200, rotate({ expire_previous_in = 86400 }).status)
    end)

    it("once per idempotency key", function()
      local extra = { headers = { ["idempotency-key"] = "once" } }
      local path = "/webhooks/" .. made.id .. "/rotate_secret"
      assert.equal(w:post(path, {}, extra).json.secret, w:post(path, {}, extra).json.secret)
    end)
  end)

  describe("are seen by keys that see all that is sent there:", function()
    local shop, blog, limited, all, of_shop, of_both

    before_each(function()
      shop, blog = project "shop", project "blog"
      limited = w.emulator:issue_key { projects = { "shop" } }
      all = create().json
      of_shop = create({ projects = { shop.id } }).json
      of_both = create({ projects = { shop.id, blog.id } }).json
    end)

    it("a key of one project sees those of that project", function()
      assert.equal(of_shop.id, ids("/webhooks", { key = limited }))
      assert.equal(200, w:get("/webhooks/" .. of_shop.id, { key = limited }).status)
      local both = w.emulator:issue_key { projects = { "shop", "blog" } }
      assert.equal(of_both.id .. " " .. of_shop.id, ids("/webhooks", { key = both }))
    end)

    it("others are not there for it, whatever it tries", function()
      local path = "/webhooks/" .. all.id
      local made = w:post(path .. "/ping").json
      for _, attempt in ipairs {
        { "GET", "" }, { "PATCH", "", { description = "x" } }, { "DELETE", "" }, { "POST", "/ping" }, { "POST", "/rotate_secret" },
        { "GET", "/deliveries" }, { "GET", "/deliveries/" .. made.id }, { "POST", "/deliveries/" .. made.id .. "/redeliver" },
      } do
        assert.equal("404 resource_missing", codes(w:send(attempt[1], path .. attempt[2], attempt[3], { key = limited })))
      end
    end)

    it("no other key is told their secret by an idempotency key", function()
      local body = { url = URL, events = { "*" }, projects = { blog.id } }
      local calls = { { "/webhooks", body } }
      for index, webhook in ipairs { of_both, all } do
        calls[index + 1] = { "/webhooks/" .. webhook.id .. "/rotate_secret", {} }
      end
      for index, case in ipairs(calls) do
        local headers = { ["idempotency-key"] = "key-" .. index }
        local first = w:post(case[1], case[2], { headers = headers }).json.secret
        assert.equal(first, w:post(case[1], case[2], { headers = headers }).json.secret)
        local answer = w:post(case[1], case[2], { headers = headers, key = limited })
        assert.equal(index == 1 and 422 or 404, answer.status)
        assert.is_nil(answer.body:find(first, 1, true))
      end
    end)

    it("it cannot name a project that it does not hold", function()
      local extra = { key = limited }
      assert.equal("422 resource_missing projects[2]", codes(create({ projects = { shop.id, blog.id } }, extra)))
      assert.equal("422 resource_missing projects[1]", codes(w:patch("/webhooks/" .. of_shop.id, { projects = { blog.id } }, extra)))
    end)

    it("all of its projects are what * means to it, also one that joins later", function()
      local mine = create({}, { key = limited }).json
      assert.same({ "*" }, mine.projects)
      assert.equal(mine.id .. " " .. of_shop.id, ids("/webhooks", { key = limited }))
      w:deploy { project = "blog" }
      w:deploy { project = "shop" }
      w:post("/projects", { slug = "late" }, { key = limited })
      w:deploy { project = "late" }
      w:wait(1)
      local seen = {}
      for _, sent in ipairs(w.emulator:sent(mine.id)) do
        seen[json.decode(sent.body).data.project] = true
      end
      assert.same({ shop = true, late = true }, seen)
    end)

    it("* set by a key of one project does not reach further than that key", function()
      w:patch("/webhooks/" .. of_shop.id, { projects = { "*" } }, { key = limited })
      assert.equal(200, w:get("/webhooks/" .. of_shop.id, { key = limited }).status)
      w:deploy { project = "blog" }
      w:wait(1)
      assert.same({}, w.emulator:sent(of_shop.id))
      w:patch("/webhooks/" .. of_shop.id, { projects = { "*" } })
      assert.equal(404, w:get("/webhooks/" .. of_shop.id, { key = limited }).status)
    end)
  end)

  it("ask for their scopes", function()
    local made = create().json
    local path = "/webhooks/" .. made.id
    local delivery = w:post(path .. "/ping").json.id
    local reads = { { "GET", "/webhooks" }, { "GET", path }, { "GET", path .. "/deliveries" }, { "GET", path .. "/deliveries/" .. delivery } }
    local writes = {
      { "POST", "/webhooks", { url = URL, events = { "*" } } },
      { "PATCH", path, {} },
      { "POST", path .. "/rotate_secret" },
      { "POST", path .. "/ping" },
      { "POST", path .. "/deliveries/" .. delivery .. "/redeliver" },
      { "DELETE", path },
    }
    local reader = w.emulator:issue_key { scopes = { "webhooks:read" } }
    local stranger = w.emulator:issue_key { scopes = { "events:read" } }
    for _, row in ipairs(reads) do
      assert.equal(200, w:send(row[1], row[2], nil, { key = reader }).status)
      assert.equal("webhooks:read", w:send(row[1], row[2], nil, { key = stranger }).json.error.required_scope)
    end
    for _, row in ipairs(writes) do
      local refused = w:send(row[1], row[2], row[3], { key = reader })
      assert.equal("403 insufficient_scope", codes(refused))
      assert.equal("webhooks:write", refused.json.error.required_scope)
    end
  end)

  it("of live data stand apart from those of test data", function()
    create()
    local live = w.emulator:issue_key { livemode = true }
    assert.equal("", ids("/webhooks", { key = live }))
    local made = create({}, { key = live }).json
    w:deploy()
    w:wait(1)
    assert.same({}, w.emulator:sent(made.id))
  end)
end)

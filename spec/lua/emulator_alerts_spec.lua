-- Security alerts: contract 2.14, 3.5.
local base64 = require "gitdev.emulator.store.base64"
local json = require "gitdev.json"
local world = require "spec.lua.support.world"

local codes = world.codes

local URL = "https://example.com/hooks"

describe("the emulator's security alerts", function()
  local w

  before_each(function()
    w = world.new()
  end)

  local function control(path, body)
    return w:send("POST", path, body, { base = "/_emulator", key = false })
  end

  local function open(fields)
    local answer = control("/security_alerts", fields or {})
    assert(answer.status == 201, answer.body)
    return answer.json
  end

  local function update(alert, fields, extra)
    return w:patch("/security_alerts/" .. alert.id, fields, extra)
  end

  local function read(alert)
    return w:get("/security_alerts/" .. alert.id).json
  end

  local function ids(query, extra)
    local answer, list = w:get("/security_alerts" .. query, extra), {}
    assert(answer.status == 200, answer.body)
    for index, alert in ipairs(answer.json.data) do
      list[index] = alert.id
    end
    return table.concat(list, " ")
  end

  -- The alerts' events since event number `from`, and the last one.
  local function events_of(alert, from)
    local list, last = {}, nil
    for index, event in ipairs(w.emulator:events()) do
      if index > (from or 0) and event.data.alert_id == alert.id then
        list[#list + 1], last = event.type:match "%.(.*)$", event
      end
    end
    return table.concat(list, " "), last
  end

  it("begin with one, of a dependency of my-app, and its event", function()
    local list = w:get("/security_alerts").json.data
    local project = w:get("/projects/my-app").json
    local alert = list[1]
    assert.equal(1, #list)
    assert.equal("", world.misfit(alert, "security_alert"))
    assert.truthy(alert.id:match "^alr_%w+$")
    assert.same({ "dependency", "high", "open", "my-app", project.id, project.repository_id, json.null, json.null, world.START }, {
      alert.type, alert.severity, alert.state, alert.project, alert.project_id, alert.repository_id, alert.dismissed_reason,
      alert.fixed_at, alert.created_at,
    })
    assert.equal("lodash", alert.package.name)
    assert.same({ "CVE-2021-23337", "GHSA-35jh-r3h4-6jhm" }, alert.advisory_ids)
    assert.same(alert, read(alert))
    local event = w:get("/events?type=security_alert.*").json.data[1]
    assert.equal("security_alert.created", event.type)
    local wanted = {
      alert_id = alert.id,
      type = "dependency",
    }
    for _, name in ipairs { "project", "project_id", "severity", "state", "summary", "repository_id", "location", "package" } do
      wanted[name] = alert[name]
    end
    assert.same(wanted, event.data)
  end)

  describe("are listed", function()
    it("newest first, by state, severity, type, project and repository", function()
      local shop = w:post("/projects", { slug = "shop", repository = "my-app" }).json
      local first = w:get("/security_alerts").json.data[1]
      local code = open { type = "code", severity = "low", project = "shop" }
      local secret = open { type = "secret" }
      local key = open { type = "key_exposure" }
      update(code, { state = "dismissed", dismissed_reason = "not_used" })
      control("/security_alerts/" .. secret.id .. "/fix")
      local cases = {
        { "", { key, secret, code, first } },
        { "?order=asc", { first, code, secret, key } },
        { "?state=open", { key, first } },
        { "?state=dismissed", { code } },
        { "?state=fixed", { secret } },
        { "?severity=critical", { key, secret } },
        { "?severity=medium", {} },
        { "?type=code", { code } },
        { "?type=certificate", {} },
        { "?project=my-app", { secret, first } },
        { "?project=" .. shop.id, { code } },
        { "?project=none", {} },
        { "?repository=my-app", { secret, code, first } },
        { "?repository=" .. shop.repository_id .. "&project=shop", { code } },
        { "?repository=none", {} },
        { "?state=open&type=dependency&severity=high", { first } },
      }
      for _, case in ipairs(cases) do
        local wanted = {}
        for index, alert in ipairs(case[2]) do
          wanted[index] = alert.id
        end
        assert.equal(table.concat(wanted, " "), ids(case[1]), case[1])
      end
    end)

    it("page by page while others are found", function()
      for _ = 1, 5 do
        open()
      end
      local found = w:walk("/security_alerts?limit=2", function()
        open()
      end)
      assert.equal(6, #found)
      local cursor = w:get("/security_alerts?limit=1&project=my-app").json.next_cursor
      assert.equal("400 cursor_mismatch cursor", codes(w:get("/security_alerts?limit=1&cursor=" .. cursor)))
    end)

    it("only for queries that make sense", function()
      for name, value in pairs { state = "closed", severity = "none", type = "virus" } do
        assert.equal("400 parameter_invalid " .. name, codes(w:get("/security_alerts?" .. name .. "=" .. value)))
      end
    end)
  end)

  describe("go", function()
    local alert, from

    before_each(function()
      alert = open { type = "code" }
      from = #w.emulator:events()
      w:wait(60)
    end)

    it("from open to dismissed, with a reason", function()
      for _, reason in ipairs { "fix_started", "inaccurate", "not_used", "tolerable_risk", "wont_fix" } do
        local one = open()
        w:wait(1)
        local answer = update(one, { state = "dismissed", dismissed_reason = reason, dismissed_comment = "é" })
        assert.equal(200, answer.status)
        assert.same({ "dismissed", reason, "é", w.now, w.now, json.null }, {
          answer.json.state, answer.json.dismissed_reason, answer.json.dismissed_comment, answer.json.dismissed_at,
          answer.json.updated_at, answer.json.fixed_at,
        })
        assert.same(answer.json, read(one))
        local types, event = events_of(one)
        assert.equal("created dismissed", types)
        assert.equal("dismissed", event.data.state)
      end
    end)

    it("back to open, which clears the dismissal", function()
      update(alert, { state = "dismissed", dismissed_reason = "not_used", dismissed_comment = "no" })
      w:wait(1)
      local answer = update(alert, { state = "open" })
      assert.same({ "open", json.null, json.null, json.null, w.now }, {
        answer.json.state, answer.json.dismissed_reason, answer.json.dismissed_comment, answer.json.dismissed_at, answer.json.updated_at,
      })
      local types, event = events_of(alert, from)
      assert.equal("dismissed reopened", types)
      assert.equal("open", event.data.state)
    end)

    it("to fixed, from open and from dismissed, and back when it is found again", function()
      local path = "/security_alerts/" .. alert.id
      local fixed = control(path .. "/fix").json
      assert.same({ "fixed", w.now, w.now }, { fixed.state, fixed.fixed_at, fixed.updated_at })
      w:wait(1)
      local back = control(path .. "/reopen").json
      assert.same({ "open", json.null, w.now }, { back.state, back.fixed_at, back.updated_at })
      update(alert, { state = "dismissed", dismissed_reason = "wont_fix" })
      control(path .. "/fix")
      assert.same({ "fixed", "wont_fix" }, { read(alert).state, read(alert).dismissed_reason })
      control(path .. "/reopen")
      assert.same({ "open", json.null }, { read(alert).state, read(alert).dismissed_reason })
      assert.equal("fixed reopened dismissed fixed reopened", (events_of(alert, from)))
    end)

    it("nowhere when they are there already", function()
      local same = update(alert, { state = "open" }).json
      assert.equal(alert.updated_at, same.updated_at)
      local dismissed = update(alert, { state = "dismissed", dismissed_reason = "not_used", dismissed_comment = "a" }).json
      w:wait(1)
      assert.equal(dismissed.updated_at, update(alert, { state = "dismissed" }).json.updated_at)
      assert.equal(dismissed.updated_at, update(alert, { state = "dismissed", dismissed_reason = "not_used" }).json.updated_at)
      local changed = update(alert, { state = "dismissed", dismissed_reason = "wont_fix", dismissed_comment = json.null }).json
      assert.same({ "wont_fix", json.null, dismissed.dismissed_at, w.now }, {
        changed.dismissed_reason, changed.dismissed_comment, changed.dismissed_at, changed.updated_at,
      })
      assert.equal("b", update(alert, { state = "dismissed", dismissed_comment = "b" }).json.dismissed_comment)
      assert.equal("dismissed", (events_of(alert, from)))
    end)

    it("not where they cannot go", function()
      local cases = {
        { {}, "422 parameter_missing state" },
        { { state = "fixed" }, "422 parameter_invalid state" },
        { { state = json.null }, "422 invalid_type state" },
        { { state = "dismissed" }, "422 parameter_missing dismissed_reason" },
        { { state = "dismissed", dismissed_reason = json.null }, "422 parameter_missing dismissed_reason" },
        { { state = "dismissed", dismissed_reason = "tired" }, "422 parameter_invalid dismissed_reason" },
        { { state = "dismissed", dismissed_reason = "not_used", dismissed_comment = ("é"):rep(281) },
          "422 parameter_invalid dismissed_comment" },
        { { state = "open", dismissed_reason = "not_used" }, "422 parameter_invalid dismissed_reason" },
        { { state = "open", dismissed_comment = "x" }, "422 parameter_invalid dismissed_comment" },
        { { state = "open", severity = "low" }, "422 parameter_unknown severity" },
      }
      for _, case in ipairs(cases) do
        assert.equal(case[2], codes(update(alert, case[1])))
      end
      assert.same(alert, read(alert))
      assert.equal(200, update(alert, { state = "dismissed", dismissed_reason = "not_used", dismissed_comment = ("é"):rep(280) }).status)
      assert.equal(200, update(alert, { state = "open", dismissed_reason = json.null }).status)
    end)

    it("nowhere by hand once they are fixed", function()
      control("/security_alerts/" .. alert.id .. "/fix")
      for _, fields in ipairs { { state = "open" }, { state = "dismissed", dismissed_reason = "not_used" } } do
        local refused = update(alert, fields)
        assert.equal("409 invalid_state", codes(refused))
        assert.equal("fixed", refused.json.error.current_status)
        assert.same({ "open", "dismissed" }, refused.json.error.allowed_statuses)
      end
    end)

    it("once per idempotency key", function()
      local extra = { headers = { ["idempotency-key"] = "once" } }
      local fields = { state = "dismissed", dismissed_reason = "not_used" }
      assert.equal(update(alert, fields, extra).body, update(alert, fields, extra).body)
      assert.equal("dismissed", (events_of(alert, from)))
    end)
  end)

  it("reach webhooks", function()
    local made = w:post("/webhooks", { url = URL, events = { "security_alert.*" } }).json
    local alert = open()
    update(alert, { state = "dismissed", dismissed_reason = "not_used" })
    w:wait(1)
    local sent = w.emulator:sent(made.id)
    assert.equal(2, #sent)
    assert.truthy(sent[1].body:find('"type":"security_alert.created","timestamp":1718942298,"data":{"project":"my-app","project_id":"', 1, true))
    assert.truthy(sent[2].body:find(('"alert_id":"%s","type":"dependency","severity":"high","state":"dismissed",'):format(alert.id), 1, true))
  end)

  it("follow their project's slug, and go with it, or with their repository", function()
    local alert = w:get("/security_alerts").json.data[1]
    w:patch("/projects/my-app", { slug = "renamed" })
    assert.equal("renamed", read(alert).project)
    local before = #w.emulator:events()
    assert.equal(204, w:delete("/projects/renamed").status)
    assert.equal("404 resource_missing", codes(w:get("/security_alerts/" .. alert.id)))
    assert.equal("", (events_of(alert, before)))
  end)

  describe("are seen by", function()
    it("keys that hold their project; those of no project by every key", function()
      w:post("/projects", { slug = "shop" })
      local limited = w.emulator:issue_key { projects = { "shop" } }
      local theirs = w:get("/security_alerts").json.data[1]
      local mine, nobodys = open { project = "shop" }, open { type = "key_exposure" }
      assert.equal(nobodys.id .. " " .. mine.id, ids("", { key = limited }))
      assert.equal("", ids("?project=my-app", { key = limited }))
      assert.equal("404 resource_missing", codes(w:get("/security_alerts/" .. theirs.id, { key = limited })))
      assert.equal("404 resource_missing", codes(update(theirs, { state = "open" }, { key = limited })))
      assert.equal(200, update(mine, { state = "open" }, { key = limited }).status)
    end)

    it("keys with the scope", function()
      local alert = w:get("/security_alerts").json.data[1]
      local reader, other = w.emulator:issue_key { scopes = { "security:read" } }, w.emulator:issue_key { scopes = { "events:read" } }
      assert.equal(alert.id, ids("", { key = reader }))
      assert.equal(200, w:get("/security_alerts/" .. alert.id, { key = reader }).status)
      local refused = update(alert, { state = "open" }, { key = reader })
      assert.equal("security:write", refused.json.error.required_scope)
      assert.equal("security:read", w:get("/security_alerts", { key = other }).json.error.required_scope)
    end)

    it("nobody under an id that is none", function()
      assert.equal("404 resource_missing", codes(w:get "/security_alerts/alr_000000000000"))
      assert.equal("404 resource_missing", codes(update({ id = "alr_000000000000" }, { state = "open" })))
    end)
  end)

  describe("of keys that were exposed", function()
    local key

    local function about()
      return w:get("/security_alerts?type=key_exposure").json.data
    end

    local function expose()
      assert.equal(204, control("/keys/expose", { id = key.id }).status)
    end

    before_each(function()
      key = w:post("/api_keys", { name = "CI" }).json
      expose()
    end)

    it("are opened, once, and tell no secret", function()
      local alert = about()[1]
      assert.same({ "critical", "open", json.null, json.null }, { alert.severity, alert.state, alert.project, alert.project_id })
      assert.truthy(alert.summary:find("CI", 1, true))
      assert.falsy(alert.summary:find(key.secret, 1, true))
      expose()
      assert.equal(1, #about())
      local types = {}
      for _, event in ipairs(w:get("/events?limit=3").json.data) do
        types[#types + 1] = event.type
      end
      assert.equal("api_key.exposed security_alert.created api_key.exposed", table.concat(types, " "))
    end)

    it("are fixed when the key is revoked, or gets a new secret", function()
      w:post("/api_keys/" .. key.id .. "/rotate")
      assert.equal("fixed", about()[1].state)
      expose()
      assert.equal("open", about()[1].state)
      w:delete("/api_keys/" .. key.id)
      assert.equal("fixed", about()[1].state)
      assert.equal("created fixed reopened fixed", (events_of(about()[1])))
    end)

    it("stay dismissed", function()
      update(about()[1], { state = "dismissed", dismissed_reason = "tolerable_risk" })
      expose()
      assert.equal("dismissed", about()[1].state)
    end)
  end)

  describe("of secrets that were pushed", function()
    local API_KEY, SECRET = "gsk_live_" .. ("a1"):rep(16), "whsec_" .. ("B2"):rep(16)

    local function commit(content, path, fields)
      local body = {
        branch = "main",
        message = "More",
        actions = { { action = "create", path = path or "config.js", content = content } },
      }
      for name, value in pairs(fields or {}) do
        body[name] = value
      end
      local answer = w:post("/repositories/my-app/commits", body)
      assert(answer.status == 201, answer.body)
      return answer.json
    end

    local function found()
      return w:get("/security_alerts?type=secret&order=asc").json.data
    end

    it("name the file, the line and the commit, and not the secret", function()
      local made = commit(("// settings\nexport const key = '%s';\nexport const hook = \"%s\";\n"):format(API_KEY, SECRET))
      local list = found()
      assert.equal(2, #list)
      assert.same({ path = "config.js", line = 2, commit_sha = made.sha }, list[1].location)
      assert.same({ path = "config.js", line = 3, commit_sha = made.sha }, list[2].location)
      local project = w:get("/projects/my-app").json
      assert.same({ "critical", "open", "my-app", project.id, project.repository_id }, {
        list[1].severity, list[1].state, list[1].project, list[1].project_id, list[1].repository_id,
      })
      assert.equal("A live API key was committed to config.js", list[1].summary)
      local body = w:get("/security_alerts?type=secret").body .. w:get("/events?type=security_alert.*").body
      assert.is_nil(body:find(API_KEY, 1, true) or body:find(SECRET, 1, true))
    end)

    it("are found in files that no answer shows: large ones, and ones that are no UTF-8", function()
      commit(("x\n"):rep(100000) .. API_KEY .. "\n", "large.js")
      local latin1 = base64.encode("caf\233s\n" .. SECRET .. "\n"):gsub("-", "+"):gsub("_", "/") -- 45 bytes: no padding
      commit(nil, nil, { actions = { { action = "create", path = "latin1.js", encoding = "base64", content = latin1 } } })
      local list = found()
      assert.equal(2, #list)
      assert.same({ "large.js", 100001, "latin1.js", 2 }, {
        list[1].location.path, list[1].location.line, list[2].location.path, list[2].location.line,
      })
    end)

    it("are opened once for each", function()
      commit(API_KEY .. "\n")
      commit(("x\n"):rep(20) .. API_KEY .. "\n" .. SECRET .. "\n", "b.js")
      local list = found()
      assert.equal(2, #list)
      assert.same({ "b.js", 22 }, { list[2].location.path, list[2].location.line })
    end)

    it("are not opened for what only looks a little like one", function()
      commit("gsk_live_\nwhsec_abc\n" .. API_KEY .. "x\nx" .. API_KEY .. "\ngpk_live_" .. ("a"):rep(28))
      assert.same({}, found())
    end)

    it("are not opened for what was there before", function()
      commit("a\n" .. API_KEY .. "\n")
      control("/security_alerts/" .. found()[1].id .. "/fix")
      commit("a\n" .. API_KEY .. "\nb\n", "config.js", {
        actions = { { action = "update", path = "config.js", content = "a\n" .. API_KEY .. "\nb\n" } },
      })
      w:post("/repositories/my-app/branches", { name = "other", from = "main" })
      w:delete("/repositories/my-app/branches/other")
      assert.equal(1, #found())
      assert.equal("fixed", found()[1].state)
    end)

    it("go with their repository", function()
      w:post("/repositories", { name = "tools", init = true })
      w:post("/repositories/tools/commits", {
        branch = "main", message = "x", actions = { { action = "create", path = "a", content = API_KEY } },
      })
      assert.same({ 1, json.null }, { #found(), found()[1].project })
      assert.equal(204, w:delete("/repositories/tools").status)
      assert.same({}, found())
    end)
  end)

  describe("are opened over the control plane", function()
    it("as usual for their type", function()
      for _, kind in ipairs { "dependency", "secret", "code", "certificate", "key_exposure" } do
        local alert = open { type = kind }
        assert.equal("", world.misfit(alert, "security_alert"), kind)
        assert.same({ kind, "open" }, { alert.type, alert.state })
        assert.equal(kind == "key_exposure", alert.project == json.null)
        assert.same(alert, read(alert))
        assert.equal("created", (events_of(alert)))
      end
    end)

    it("with any field", function()
      local fields = {
        type = "code",
        severity = "low",
        summary = "A",
        description = "B",
        location = { path = "a.js", line = 3, commit_sha = ("a"):rep(40) },
        advisory_ids = { "CWE-79" },
      }
      local alert = open(fields)
      for name, value in pairs(fields) do
        assert.same(value, alert[name])
      end
      local repository = w:get("/projects/my-app").json.repository_id
      local placed = open { repository_id = "my-app" }
      assert.same({ json.null, repository }, { placed.project, placed.repository_id })
    end)

    it("but not with what makes no sense", function()
      local cases = {
        { type = "virus" }, { severity = 1 }, { state = "fixed" }, { id = "alr_1" }, { project = "none" }, { repository_id = "none" },
        { location = { line = 1.5 } }, { location = { file = "a" } }, { advisory_ids = "CVE" },
      }
      for _, case in ipairs(cases) do
        local refused = control("/security_alerts", case)
        assert.equal(400, refused.status, json.encode(case))
        assert.truthy(refused.json.error.message:find "%.$")
      end
      assert.equal(1, #w:get("/security_alerts").json.data)
      local alert = open()
      assert.equal(404, control("/security_alerts/alr_000000000000/fix").status)
      assert.equal(409, control("/security_alerts/" .. alert.id .. "/reopen").status)
      control("/security_alerts/" .. alert.id .. "/fix")
      assert.equal(409, control("/security_alerts/" .. alert.id .. "/fix").status)
    end)
  end)
end)

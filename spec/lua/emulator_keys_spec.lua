-- API keys (contract 1.3, 1.4, 2.1, 3.5).
local json = require "gitdev.json"
local world = require "spec.lua.support.world"

local codes = world.codes

describe("the emulator's API keys", function()
  local w

  before_each(function()
    w = world.new()
  end)

  local function list(query, extra)
    return w:get("/api_keys" .. (query or ""), extra).json.data
  end

  local function make(fields, extra)
    local body = { name = "ci" }
    for name, value in pairs(fields or {}) do
      body[name] = value
    end
    local answer = w:post("/api_keys", body, extra)
    assert(answer.status == 201, answer.body)
    return answer.json
  end

  local function names(query)
    local found = {}
    for index, key in ipairs(list(query)) do
      found[index] = key.name
    end
    return table.concat(found, ", ")
  end

  local function verdict(secret, path)
    local answer = w:get(path or "/projects", { key = secret })
    return answer.status == 200 and "200" or codes(answer)
  end

  -- The api_key events since `from`, each with the name that it tells.
  local function told(from)
    local found = {}
    for index, event in ipairs(w.emulator:events()) do
      if index > (from or 0) and event.type:find "^api_key" then
        found[#found + 1] = event.type .. " " .. event.data.name
      end
    end
    return table.concat(found, ", ")
  end

  describe("are listed", function()
    it("with those that the emulator began with", function()
      local keys = list()
      assert.equal(2, #keys)
      for _, key in ipairs(keys) do
        assert.equal("-secret", world.misfit(key, "api_key"))
        assert.equal(13, #key.prefix)
        assert.equal(4, #key.last4)
      end
      local secret, public = keys[1], keys[2]
      assert.equal("secret public", secret.type .. " " .. public.type)
      assert.equal(w.key:sub(1, 13), secret.prefix)
      assert.equal(w.key:sub(-4), secret.last4)
      assert.equal(w.emulator.public_key:sub(1, 13), public.prefix)
      assert.same({ "*" }, secret.projects)
      assert.same({ "*" }, secret.scopes)
      assert.is_false(secret.livemode)
      assert.equal("", told())
    end)

    it("newest first, filtered, the revoked ones only when asked for", function()
      local first = make { name = "one" }
      make { name = "two", type = "public" }
      make { name = "three" }
      w:delete("/api_keys/" .. first.id)
      local rest = "The emulator's secret key, The emulator's public key"
      assert.equal("three, two, " .. rest, names "")
      assert.equal("three, two, one, " .. rest, names "?include_revoked=true")
      assert.equal("three, two, " .. rest, names "?include_revoked=false")
      assert.equal("two, The emulator's public key", names "?type=public")
      assert.equal("three, one, The emulator's secret key", names "?type=secret&include_revoked=true")
      assert.equal("The emulator's public key, The emulator's secret key, two, three", names "?order=asc")
      assert.equal("400 parameter_invalid type", codes(w:get "/api_keys?type=other"))
      assert.equal("400 parameter_invalid include_revoked", codes(w:get "/api_keys?include_revoked=1"))
    end)

    it("page by page, whatever is made meanwhile", function()
      for number = 1, 5 do
        make { name = "key " .. number }
      end
      local found = {}
      for _, key in ipairs((w:walk("/api_keys?limit=2", function(page)
        make { name = "late " .. page }
      end))) do
        found[#found + 1] = key.name
      end
      assert.equal(
        "key 5, key 4, key 3, key 2, key 1, The emulator's secret key, The emulator's public key",
        table.concat(found, ", ")
      )
    end)

    it("apart for live and test", function()
      local live = w.emulator:issue_key { livemode = true, name = "live" }
      assert.equal(2, #list "")
      local keys = list("", { key = live })
      assert.equal("live", keys[1].name)
      assert.is_true(keys[1].livemode)
      assert.equal("gsk_live_", keys[1].prefix:sub(1, 9))
      assert.equal(404, w:delete("/api_keys/" .. keys[1].id).status)
    end)

    it("also those that a test issued, by what it said of them", function()
      local project = w:get("/projects/my-app").json
      w.emulator:issue_key { projects = { "my-app" }, scopes = { "logs:read" }, expires_at = world.START + 9, revoked = true }
      local key = list("?include_revoked=true")[1]
      assert.same({ project.id }, key.projects)
      assert.same({ "logs:read" }, key.scopes)
      assert.equal(world.START + 9, key.expires_at)
      assert.equal(world.START, key.revoked_at)
      assert.equal("", told())
    end)

    it("with when they were last used, by whatever request", function()
      local made = make()
      local function last_used()
        return list()[1].last_used_at
      end
      assert.equal(json.null, last_used())
      w:wait(5)
      assert.equal(200, w:get("/projects", { key = made.secret }).status)
      w:wait(5)
      assert.equal(world.START + 5, last_used())
      assert.equal(404, w:get("/projects/nope", { key = made.secret }).status)
      w:wait(5)
      assert.equal(world.START + 10, last_used())
    end)
  end)

  describe("are made", function()
    it("to do everything, unless told", function()
      w:wait(3)
      local answer = w:post("/api_keys", { name = "ci" })
      local key = answer.json
      assert.equal(201, answer.status)
      assert.equal("", world.misfit(key, "api_key"))
      assert.truthy(key.id:match "^key_%w+$")
      assert.truthy(key.secret:match "^gsk_test_%w+$")
      assert.equal(9 + 32, #key.secret)
      assert.same({
        id = key.id,
        object = "api_key",
        name = "ci",
        type = "secret",
        prefix = key.secret:sub(1, 13),
        last4 = key.secret:sub(-4),
        projects = { "*" },
        scopes = { "*" },
        livemode = false,
        created_at = world.START + 3,
        last_used_at = json.null,
        expires_at = json.null,
        revoked_at = json.null,
        secret = key.secret,
      }, key)
      assert.equal("200", verdict(key.secret))
      assert.equal("api_key.created ci", told())
      local events = w.emulator:events()
      assert.same({ api_key_id = key.id, name = "ci", prefix = key.prefix }, events[#events].data)
    end)

    it("public ones too, which only name the organization", function()
      local key = make { type = "public" }
      assert.truthy(key.secret:match "^gpk_test_%w+$")
      assert.equal(9 + 28, #key.secret)
      assert.equal("200", verdict(key.secret, "/organization"))
      assert.equal("200", verdict(key.secret, "/regions"))
      assert.equal("401 public_key_not_allowed", verdict(key.secret))
    end)

    it("for projects by id or slug, each once, and see no others", function()
      local shop = w:post("/projects", { slug = "shop" }).json
      local mine = w:get("/projects/my-app").json
      local key = make { projects = { "shop", mine.id, shop.id } }
      assert.same({ shop.id, mine.id }, key.projects)
      w:post("/projects", { slug = "other" })
      assert.equal("200", verdict(key.secret, "/projects/shop"))
      assert.equal("404 resource_missing", verdict(key.secret, "/projects/other"))
      assert.equal(2, #w:get("/projects", { key = key.secret }).json.data)
    end)

    it("for projects that they make later, which the list shows", function()
      local key = make { projects = { "my-app" }, scopes = { "projects:write" } }
      assert.equal(1, #list()[1].projects)
      local made = w:post("/projects", { slug = "shop" }, { key = key.secret }).json
      assert.equal(made.id, list()[1].projects[2])
    end)

    it("with scopes of which write includes read", function()
      local key = make { scopes = { "projects:write", "projects:write", "env:read" } }
      assert.same({ "projects:write", "env:read" }, key.scopes)
      assert.equal("200", verdict(key.secret, "/projects/my-app/env"))
      local answer = w:post("/projects/my-app/env", { key = "A", value = "" }, { key = key.secret })
      assert.equal("403 insufficient_scope", codes(answer))
      assert.equal("env:write", answer.json.error.required_scope)
      assert.equal("200", verdict(key.secret))
      assert.equal("403 insufficient_scope", verdict(key.secret, "/deployments"))
    end)

    it("that end by themselves", function()
      local key = make { expires_at = world.START + 60 }
      assert.equal(world.START + 60, key.expires_at)
      w:wait(59)
      assert.equal("200", verdict(key.secret))
      w:wait(1)
      assert.equal("401 api_key_expired", verdict(key.secret))
      assert.equal(3, #list())
      assert.equal("409 invalid_state", codes(w:post("/api_keys/" .. key.id .. "/rotate")))
      assert.equal(204, w:delete("/api_keys/" .. key.id).status)
      assert.equal("api_key.created ci", told())
    end)

    it("once for one idempotency key; the secret is told again", function()
      local headers = { headers = { ["idempotency-key"] = "k-1" } }
      local first = w:post("/api_keys", { name = "ci" }, headers)
      local again = w:post("/api_keys", { name = "ci" }, headers)
      assert.equal("true", again.headers["idempotent-replayed"])
      assert.equal(first.body, again.body)
      assert.equal(3, #list())
      assert.equal("api_key.created ci", told())
    end)

    local refused = {
      { {}, "422 parameter_missing name" },
      { { name = "" }, "422 parameter_invalid name" },
      { { name = ("x"):rep(81) }, "422 parameter_invalid name" },
      { { name = "ci", type = "both" }, "422 parameter_invalid type" },
      { { name = "ci", projects = { "nope" } }, "422 resource_missing projects[1]" },
      { { name = "ci", projects = { "my-app", "*" } }, "422 parameter_invalid projects[2]" },
      { { name = "ci", projects = json.array {} }, "422 parameter_invalid projects" },
      { { name = "ci", scopes = json.array {} }, "422 parameter_invalid scopes" },
      { { name = "ci", scopes = { "projects:w" } }, "422 parameter_invalid scopes[1]" },
      { { name = "ci", scopes = { "env:read", "logs:write" } }, "422 parameter_invalid scopes[2]" },
      { { name = "ci", projects = { "my-app" }, scopes = { "api_keys:read" } }, "422 parameter_invalid scopes[1]" },
      { { name = "ci", expires_at = world.START }, "422 parameter_invalid expires_at" },
      { { name = "ci", expires_at = world.START - 1, scopes = { "x" } }, "422 parameter_invalid scopes[1], parameter_invalid expires_at" },
      { { name = "ci", secret = "gsk_test_mine" }, "422 parameter_unknown secret" },
    }
    for _, case in ipairs(refused) do
      it("never with " .. json.encode(case[1]):sub(1, 70) .. ": " .. case[2], function()
        assert.equal(case[2], codes(w:post("/api_keys", case[1])))
        assert.equal(2, #list())
        assert.equal("", told())
      end)
    end

    it("with a hint where a scope's name is nearly right", function()
      local answer = w:post("/api_keys", { name = "ci", scopes = { "deployment:write" } })
      assert.truthy(answer.json.error.message:find('did you mean "deployments:write"?', 1, true))
    end)
  end)

  describe("mint only what is no wider", function()
    local cases = {
      -- scopes of the key in use, scopes asked for, verdict
      { { "api_keys:write", "env:write" }, { "env:read" }, 201 },
      { { "api_keys:write", "env:write" }, { "env:write", "api_keys:read" }, 201 },
      { { "api_keys:write", "env:read" }, { "env:write" }, 403 },
      { { "api_keys:write", "env:read" }, { "env:read", "logs:read" }, 403 },
      { { "api_keys:write" }, { "*" }, 403 },
      { { "*" }, { "*" }, 201 },
    }
    for _, case in ipairs(cases) do
      local title = ("%s gives %s: %d"):format(table.concat(case[1], " "), table.concat(case[2], " "), case[3])
      it(title, function()
        local secret = w.emulator:issue_key { scopes = case[1] }
        local answer = w:post("/api_keys", { name = "child", scopes = case[2] }, { key = secret })
        assert.equal(case[3], answer.status)
        if case[3] == 403 then
          assert.equal("403 scope_escalation scopes", codes(answer))
          assert.equal(3, #list())
        end
      end)
    end

    it("nor by the new secret of one that holds more", function()
      local wide = w:post("/api_keys", { name = "wide" }).json
      local narrow = { key = w.emulator:issue_key { scopes = { "api_keys:write", "env:read" } } }
      assert.equal("403 scope_escalation", codes(w:post("/api_keys/" .. wide.id .. "/rotate", nil, narrow)))
      assert.equal("200", verdict(wide.secret))
      local equal = w:post("/api_keys", { name = "equal", scopes = { "env:read" } }, narrow).json
      assert.equal(200, w:post("/api_keys/" .. equal.id .. "/rotate", nil, narrow).status)
      local public = w:post("/api_keys", { name = "public", type = "public" }).json
      assert.equal(200, w:post("/api_keys/" .. public.id .. "/rotate", nil, narrow).status)
    end)

    it("and nothing at all without the scope", function()
      local answer = w:post("/api_keys", { name = "child" }, { key = w.emulator:issue_key { scopes = { "api_keys:read" } } })
      assert.equal("403 insufficient_scope", codes(answer))
      assert.equal("api_keys:write", answer.json.error.required_scope)
    end)

    it("nor with a key of some projects, whatever its scopes are", function()
      local secret = w.emulator:issue_key { projects = { "my-app" } }
      for _, answer in ipairs {
        w:post("/api_keys", { name = "child" }, { key = secret }),
        w:get("/api_keys", { key = secret }),
        w:delete("/api_keys/" .. list()[1].id, { key = secret }),
      } do
        assert.equal("403 insufficient_scope", codes(answer))
      end
      assert.equal("200", verdict(secret))
    end)
  end)

  describe("are rotated", function()
    local function rotate(id, body, extra)
      return w:post("/api_keys/" .. id .. "/rotate", body, extra)
    end

    it("to a new secret at once, under the same id", function()
      local made = make()
      local events = #w.emulator:events()
      local answer = rotate(made.id)
      local key = answer.json
      assert.equal(200, answer.status)
      assert.equal("", world.misfit(key, "api_key"))
      assert.equal(made.id, key.id)
      assert.not_equal(made.secret, key.secret)
      assert.equal(key.secret:sub(1, 13), key.prefix)
      assert.equal(key.secret:sub(-4), key.last4)
      assert.equal("200", verdict(key.secret))
      assert.equal("401 api_key_revoked", verdict(made.secret))
      assert.equal("api_key.rotated ci", told(events))
      assert.equal(key.prefix, list()[1].prefix)
    end)

    it("with the old secret going on for as long as is asked", function()
      local made = make()
      local first = rotate(made.id, { expire_previous_in = 100 }).json
      w:wait(50)
      local second = rotate(made.id, { expire_previous_in = 200 }).json
      for _, secret in ipairs { made.secret, first.secret, second.secret } do
        assert.equal("200", verdict(secret))
      end
      w:wait(49.999)
      assert.equal("200", verdict(made.secret))
      w:wait(0.001)
      assert.equal("401 api_key_revoked", verdict(made.secret))
      assert.equal("200", verdict(first.secret))
      w:wait(150)
      assert.equal("401 api_key_revoked", verdict(first.secret))
      assert.equal("200", verdict(second.secret))
    end)

    it("even the key in use", function()
      local made = make()
      local key = rotate(made.id, nil, { key = made.secret }).json
      assert.equal("401 api_key_revoked", verdict(made.secret))
      assert.equal("200", verdict(key.secret))
    end)

    it("once for one idempotency key; the secret is told again", function()
      local made = make()
      local extra = { headers = { ["idempotency-key"] = "k-1" } }
      local first = rotate(made.id, nil, extra)
      local again = rotate(made.id, nil, extra)
      assert.equal(first.body, again.body)
      assert.equal("200", verdict(first.json.secret))
    end)

    it("the organization's public one too, which then goes by the new one", function()
      local id = list("?type=public")[1].id
      local key = rotate(id).json
      assert.equal(key.secret, w:get("/organization").json.public_key)
      assert.equal("200", verdict(key.secret, "/organization"))
      assert.equal("401 api_key_revoked", verdict(w.emulator.public_key, "/organization"))
    end)

    it("never when they are revoked, or unknown, or for too long", function()
      local made = make()
      for _, seconds in ipairs { -1, 604801 } do
        local answer = rotate(made.id, { expire_previous_in = seconds })
        assert.equal("422 parameter_invalid expire_previous_in", codes(answer))
      end
      assert.equal(200, rotate(made.id, { expire_previous_in = 604800 }).status)
      w:delete("/api_keys/" .. made.id)
      local answer = rotate(made.id)
      assert.equal("409 invalid_state", codes(answer))
      assert.equal("revoked", answer.json.error.current_status)
      assert.same({ "active" }, answer.json.error.allowed_statuses)
      assert.equal("404 resource_missing", codes(rotate "key_000000000000"))
    end)
  end)

  describe("are deleted", function()
    it("for good, and stay on record", function()
      local made = make()
      w:wait(4)
      local events = #w.emulator:events()
      local answer = w:delete("/api_keys/" .. made.id)
      assert.equal(204, answer.status)
      assert.equal("401 api_key_revoked", verdict(made.secret))
      local key = list("?include_revoked=true")[1]
      assert.equal(made.id, key.id)
      assert.equal(world.START + 4, key.revoked_at)
      assert.equal("api_key.revoked ci", told(events))
      assert.equal("404 resource_missing", codes(w:delete("/api_keys/" .. made.id)))
      assert.equal("api_key.revoked ci", told(events))
      assert.equal("404 resource_missing", codes(w:delete "/api_keys/key_000000000000"))
    end)

    it("with the secrets that they had before", function()
      local made = make()
      local rotated = w:post("/api_keys/" .. made.id .. "/rotate", { expire_previous_in = 600 }).json
      w:delete("/api_keys/" .. made.id)
      assert.equal("401 api_key_revoked", verdict(made.secret))
      assert.equal("401 api_key_revoked", verdict(rotated.secret))
    end)

    it("never the key in use, nor the one that the organization goes by", function()
      for _, key in ipairs(list()) do
        assert.equal("409 resource_in_use", codes(w:delete("/api_keys/" .. key.id)))
      end
      assert.equal("200", verdict(w.key))
      local made = make()
      assert.equal("409 resource_in_use", codes(w:delete("/api_keys/" .. made.id, { key = made.secret })))
      assert.equal(204, w:delete("/api_keys/" .. made.id).status)
    end)
  end)

  describe("that were seen in clear", function()
    it("are told of, by secret, prefix or id", function()
      local made = make()
      local events = #w.emulator:events()
      assert.is_true(w.emulator:expose_key(made.secret))
      assert.is_true(w.emulator:expose_key(made.prefix))
      assert.is_true(w.emulator:expose_key(made.id))
      assert.equal("api_key.exposed ci, api_key.exposed ci, api_key.exposed ci", told(events))
      assert.equal("200", verdict(made.secret))
    end)

    it("are told of over the control plane", function()
      local made = make()
      local function expose(body)
        return w:post("/_emulator/keys/expose", body, { base = "", key = false }).status
      end
      assert.equal(204, expose { prefix = made.prefix })
      assert.equal(204, expose { id = made.id })
      assert.equal(404, expose { id = "key_000000000000" })
      assert.equal(400, expose {})
      assert.equal(400, expose { id = 5 })
      assert.equal("api_key.created ci, api_key.exposed ci, api_key.exposed ci", told())
    end)

    it("are not when there is nothing left to protect", function()
      local revoked = w.emulator:issue_key { revoked = true }
      local expired = w.emulator:issue_key { expires_at = world.START }
      for _, reference in ipairs { revoked, expired, w.emulator.public_key, "gsk_test_unknown" } do
        assert.is_false(w.emulator:expose_key(reference))
      end
      assert.equal("", told())
    end)

    it("are not by a secret that was replaced, once that is out of force", function()
      local made = make()
      local rotated = w:post("/api_keys/" .. made.id .. "/rotate", { expire_previous_in = 60 }).json
      assert.is_true(w.emulator:expose_key(made.secret))
      w:wait(60)
      assert.is_false(w.emulator:expose_key(made.secret))
      assert.is_true(w.emulator:expose_key(rotated.secret))
    end)
  end)

  it("keep their secrets out of lists, events and the log of requests", function()
    local made = make()
    local rotated = w:post("/api_keys/" .. made.id .. "/rotate", { expire_previous_in = 60 }).json
    w:get("/projects", { key = rotated.secret })
    w:delete("/api_keys/" .. made.id)
    local texts = {
      w:get("/api_keys?include_revoked=true").body,
      w:get("/_emulator/events", { base = "", key = false }).body,
      w:get("/_emulator/requests", { base = "", key = false }).body,
      json.encode(w.emulator:events()),
    }
    for index, text in ipairs(texts) do
      assert.truthy(#text > 100, index)
      for _, secret in ipairs { made.secret, rotated.secret, w.key, w.emulator.public_key } do
        assert.is_nil(text:find(secret, 1, true), index)
      end
    end
  end)

  it("of the emulator itself survive a reset, and those that were made do not", function()
    local made = make()
    w.emulator:reset()
    assert.equal("200", verdict(w.key))
    assert.equal("401 api_key_invalid", verdict(made.secret))
    assert.equal(2, #list())
  end)
end)

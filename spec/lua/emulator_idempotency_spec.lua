-- Idempotency keys (contract 1.9).
local world = require "spec.lua.support.world"

local HOUR = 3600

describe("the emulator's idempotency keys", function()
  local w

  before_each(function()
    w = world.new()
  end)

  local function with(key, extra)
    extra = extra or {}
    extra.headers = { ["idempotency-key"] = key }
    return extra
  end

  local function create(slug, key, extra)
    return w:post("/projects", { slug = slug }, with(key, extra))
  end

  local function count()
    return #w:get("/projects").json.data
  end

  local function code(answer)
    return answer.json and answer.json.error and answer.json.error.code
  end

  describe("(b) the same key and body", function()
    it("give the stored answer again, and nothing happens", function()
      local first = create("one", "k")
      local events = #w.emulator:events()
      w:wait(5)
      local again = create("one", "k")
      assert.equal(201, again.status)
      assert.equal(first.body, again.body)
      assert.equal("true", again.headers["idempotent-replayed"])
      assert.is_nil(first.headers["idempotent-replayed"])
      assert.equal(2, count())
      assert.equal(events, #w.emulator:events())
    end)

    it("cost no token, not even when the bucket is empty", function()
      w = world.new { plan = "starter" }
      create("one", "k")
      for _ = 1, 9 do
        w:get "/organization"
      end
      assert.equal(429, w:get("/organization").status)
      local again = create("one", "k")
      assert.equal(201, again.status)
      assert.equal("0", again.headers["x-ratelimit-remaining"])
    end)

    it("hold after the thing is gone", function()
      local id = create("one", "k").json.id
      assert.equal(204, w:delete("/projects/" .. id, with "d").status)
      local again = w:delete("/projects/" .. id, with "d")
      assert.equal(204, again.status)
      assert.equal("true", again.headers["idempotent-replayed"])
      assert.is_nil(again.body)
      assert.equal(404, w:delete("/projects/" .. id, with "other").status)
      assert.equal(201, create("one", "k").status)
    end)

    it("hold for 24 hours from first use, and no longer", function()
      create("one", "k")
      w:wait(23 * HOUR)
      assert.equal(201, create("one", "k").status)
      w:wait(HOUR - 0.001)
      assert.equal("true", create("one", "k").headers["idempotent-replayed"])
      w:wait(0.001)
      local later = create("one", "k")
      assert.equal("already_exists", code(later))
      assert.is_nil(later.headers["idempotent-replayed"])
    end)

    it("give back an error's own request id", function()
      local first = create("my-app", "k")
      local again = create("my-app", "k")
      assert.equal(409, again.status)
      assert.equal(first.body, again.body)
      assert.equal(again.json.error.request_id, again.headers["x-request-id"])
    end)
  end)

  it("(d) another body under the same key is refused, and changes nothing", function()
    create("one", "k")
    local other = create("two", "k")
    assert.equal(422, other.status)
    assert.equal("idempotency_key_reused", code(other))
    assert.equal("idempotency_error", other.json.error.type)
    assert.equal(2, count())
    assert.equal(201, create("one", "k").status)
  end)

  it("(d) compares the bytes of the body, not its meaning", function()
    w:post("/projects", '{"slug":"one"}', with "k")
    assert.equal("idempotency_key_reused", code(w:post("/projects", '{"slug": "one"}', with "k")))
  end)

  it("(d) holds where the path names nothing any more, and for a body that is invalid", function()
    create("one", "k")
    local path = "/projects/one"
    assert.equal(204, w:delete(path, with "d").status)
    assert.equal("idempotency_key_reused", code(w:send("DELETE", path, "{}", with "d")))
    for _, body in ipairs { '{"slug":"NO"}', '{"slug":', "", '{"nonsense":1}' } do
      local answer = w:post("/projects", body, with "k")
      assert.equal(422, answer.status)
      assert.equal("idempotency_key_reused", code(answer))
    end
  end)

  it("(d) costs a token", function()
    create("one", "k")
    local before = w:get("/rate_limit").json.remaining
    create("two", "k")
    assert.equal(before - 1, w:get("/rate_limit").json.remaining)
  end)

  it("(c) a request that is still running holds its key", function()
    w.emulator:fault { match = { op = "projects.create" }, delay = 3 }
    local slow = create("one", "k")
    assert.equal(3, slow.raw.delay)
    w:wait(1)
    local early = create("one", "k")
    assert.equal(409, early.status)
    assert.equal("idempotency_key_in_use", code(early))
    assert.equal("2", early.headers["retry-after"])
    w:wait(2)
    local late = create("one", "k")
    assert.equal(201, late.status)
    assert.equal(slow.body, late.body)
  end)

  describe("the key space", function()
    it("is divided by path and method", function()
      local made = w:deployed()
      assert.equal(201, create("one", "k").status)
      assert.equal(201, w:post("/deployments", { project = "my-app" }, with "k").status)
      assert.equal(201, w:post("/deployments/" .. made.id .. "/redeploy", nil, with "k").status)
      assert.equal(200, w:patch("/projects/one", { name = "x" }, with "k").status)
      assert.equal(204, w:delete("/projects/one", with "k").status)
    end)

    it("is divided by livemode, and shared by the keys of one mode", function()
      local live = w.emulator:issue_key { livemode = true }
      local first = create("one", "k")
      assert.is_nil(create("one", "k", { key = live }).headers["idempotent-replayed"])
      local again = create("one", "k", { key = w.emulator:issue_key() })
      assert.equal("true", again.headers["idempotent-replayed"])
      assert.equal(first.body, again.body)
    end)

    it("does not give an answer to a key that could not have made it", function()
      create("one", "k")
      local reader = w.emulator:issue_key { scopes = { "projects:read" } }
      assert.equal(403, create("one", "k", { key = reader }).status)
      local deployment = w:post("/deployments", { project = "one" }, with "d")
      assert.equal(201, deployment.status)
      local cancel = "/deployments/" .. deployment.json.id .. "/cancel"
      assert.equal(200, w:post(cancel, nil, with "c").status)
      local stranger = w.emulator:issue_key { projects = { "my-app" } }
      assert.equal(404, w:post(cancel, nil, with("c", { key = stranger })).status)
      local friend = w.emulator:issue_key { projects = { "one" } }
      local before = w:get("/rate_limit").json.remaining
      assert.equal("true", w:post(cancel, nil, with("c", { key = friend })).headers["idempotent-replayed"])
      assert.equal(before, w:get("/rate_limit").json.remaining)
    end)

    -- Of a project that the second key does not hold; what it gets, with and without the idempotency key.
    local function foreign(path, body, verdict)
      w:post("/projects", { slug = "other" })
      local stranger = w.emulator:issue_key { projects = { "my-app" } }
      assert.is_true(w:post(path, body, with "k").status < 300)
      local events = #w.emulator:events()
      local answer = w:post(path, body, with("k", { key = stranger }))
      assert.equal(verdict, answer.status .. " " .. code(answer))
      assert.is_nil(answer.headers["idempotent-replayed"])
      assert.is_nil(answer.body:find("other", 1, true))
      assert.equal(events, #w.emulator:events())
      assert.equal("true", w:post(path, body, with("k", { key = w.emulator:issue_key() })).headers["idempotent-replayed"])
    end

    it("does not give a deployment to a key that does not hold its project", function()
      foreign("/deployments", { project = "other" }, "422 resource_missing")
    end)

    it("does not give a project to a key that does not hold it, nor makes it again", function()
      foreign("/projects", { slug = "another" }, "422 resource_missing")
      w:delete "/projects/another"
      local stranger = w.emulator:issue_key { projects = { "my-app" } }
      assert.equal("resource_missing", code(create("another", "k", { key = stranger })))
      assert.equal(2, count())
    end)

    it("does not give the refusal about a project to a key that does not hold it", function()
      create "other"
      w:patch("/projects/other", { status = "paused" })
      local body = { project = "other" }
      assert.equal("invalid_state", code(w:post("/deployments", body, with "k")))
      local stranger = w.emulator:issue_key { projects = { "my-app" } }
      assert.equal("resource_missing", code(w:post("/deployments", body, with("k", { key = stranger }))))
    end)

    it("holds for every key while the first request runs", function()
      create "other"
      local stranger = w.emulator:issue_key { projects = { "my-app" } }
      for _, slug in ipairs { "other", "my-app" } do
        w.emulator:fault { match = { op = "deployments.create" }, delay = 3 }
        w:post("/deployments", { project = slug }, with(slug))
        local early = w:post("/deployments", { project = slug }, with(slug, { key = stranger }))
        assert.equal("idempotency_key_in_use", code(early))
        assert.equal("3", early.headers["retry-after"])
      end
    end)

    it("gives the answer for nothing to a key that holds the project", function()
      w = world.new { plan = "starter" }
      local first = w:post("/deployments", { project = "my-app" }, with "k")
      local friend = w.emulator:issue_key { projects = { "my-app" }, scopes = { "deployments:write" } }
      while w:get("/organization").status == 200 do end
      local again = w:post("/deployments", { project = "my-app" }, with("k", { key = friend }))
      assert.equal(201, again.status)
      assert.equal(first.body, again.body)
      local stranger = w.emulator:issue_key { projects = {} }
      assert.equal(429, w:post("/deployments", { project = "my-app" }, with("k", { key = stranger })).status)
    end)

    it("gives a key its own answers, also those about a project that it made", function()
      local founder = w.emulator:issue_key { projects = {} }
      local first = create("one", "k", { key = founder })
      assert.equal(201, first.status)
      assert.equal(first.body, create("one", "k", { key = founder }).body)
    end)

    it("takes a quoted key for the same as a bare one", function()
      create("one", "k")
      assert.equal("true", create("one", '"k"').headers["idempotent-replayed"])
    end)

    it("does not hold for GET", function()
      local before = w:get("/projects", with "k")
      create("one")
      local after = w:get("/projects", with "k")
      assert.is_nil(after.headers["idempotent-replayed"])
      assert.are_not.equal(before.body, after.body)
    end)
  end)

  describe("a malformed key is refused:", function()
    local cases = {
      { "an empty one", "" },
      { "an empty one in quotes", '""' },
      { "one with a blank", "a b" },
      { "two of them", "a, b" },
      { "one that is not ASCII", "sch\195\182n" },
      { "one with a control character", "a\1" },
      { "one of 256 characters", ("k"):rep(256) },
    }
    for _, case in ipairs(cases) do
      it(case[1], function()
        local answer = create("one", case[2])
        assert.equal(400, answer.status)
        assert.equal("parameter_invalid", code(answer))
        assert.equal(1, count())
      end)
    end

    it("but not one of 255", function()
      assert.equal(201, create("one", ("~"):rep(255)).status)
    end)
  end)

  -- What makes the second try run again, or not: the first answer, what changes meanwhile, the second answer.
  describe("what is stored", function()
    local function again(send, change)
      local first = send()
      change(first)
      return first, send()
    end

    local cases = {
      {
        "409 of a state: stored",
        function()
          return w:post("/projects", { slug = "taken" }, with "k")
        end,
        function()
          w:delete "/projects/taken"
        end,
        409,
        409,
        before = function()
          w:post("/projects", { slug = "taken" })
        end,
      },
      {
        "422 of the business: stored",
        function()
          return w:post("/deployments", { project = "later" }, with "k")
        end,
        function()
          w:post("/projects", { slug = "later" })
        end,
        422,
        422,
      },
      {
        "404: not stored",
        function()
          return w:patch("/projects/later", { name = "x" }, with "k")
        end,
        function()
          w:post("/projects", { slug = "later" })
        end,
        404,
        200,
      },
      {
        "403 of a quota: not stored",
        function()
          return w:post("/projects", { slug = "late" }, with "k")
        end,
        function()
          w:delete "/projects/my-app"
        end,
        403,
        201,
        before = function()
          w = world.new { quotas = { projects = 1 } }
        end,
      },
      {
        "429: not stored",
        function()
          return w:post("/projects", { slug = "late" }, with "k")
        end,
        function()
          w:wait(1)
        end,
        429,
        201,
        before = function()
          w = world.new { plan = "starter" }
          for _ = 1, 10 do
            w:get "/organization"
          end
        end,
      },
      {
        "an injected 503: not stored",
        function()
          return w:post("/projects", { slug = "late" }, with "k")
        end,
        function() end,
        503,
        201,
        before = function()
          w.emulator:fault { status = 503 }
        end,
      },
    }
    for _, case in ipairs(cases) do
      it(case[1], function()
        if case.before then
          case.before()
        end
        local first, second = again(case[2], case[3])
        assert.equal(case[4], first.status)
        assert.equal(case[5], second.status)
        assert.equal(case[4] == case[5] and "true" or nil, second.headers["idempotent-replayed"])
      end)
    end

    it("bodies that are refused by their form are not: the key is free for another", function()
      assert.equal(400, w:post("/projects", "{", with "k").status)
      assert.equal(415, w:post("/projects", "x", { headers = { ["idempotency-key"] = "k", ["content-type"] = "a/b" } }).status)
      assert.equal(422, w:post("/projects", { slug = "NO" }, with "k").status)
      assert.equal(401, create("one", "k", { key = false }).status)
      assert.equal(201, create("one", "k").status)
    end)

    it("an answer that was lost on its way is: the retry gets it", function()
      w.emulator:fault { match = { op = "projects.create" }, drop = true, execute = true }
      assert.is_true(create("one", "k").raw.drop)
      local again_ = create("one", "k")
      assert.equal(201, again_.status)
      assert.equal("true", again_.headers["idempotent-replayed"])
      assert.equal(2, count())
    end)
  end)
end)

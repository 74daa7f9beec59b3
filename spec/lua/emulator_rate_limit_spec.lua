-- The token bucket of contract 1.11.
local world = require "spec.lua.support.world"

local PLANS = {
  { plan = "starter", per_minute = 60, burst = 10, full_after = 10 },
  { plan = "pro", per_minute = 600, burst = 50, full_after = 5 },
  { plan = "enterprise", per_minute = 6000, burst = 200, full_after = 2 },
}

local function remaining(answer)
  return tonumber(answer.headers["x-ratelimit-remaining"])
end

local function reset(answer)
  return tonumber(answer.headers["x-ratelimit-reset"])
end

describe("the emulator's rate limit", function()
  for _, case in ipairs(PLANS) do
    describe("of " .. case.plan, function()
      local w

      before_each(function()
        w = world.new { plan = case.plan }
      end)

      local function empty()
        for _ = 1, case.burst do
          assert.equal(200, w:get("/organization").status)
        end
      end

      it("is what GET /rate_limit says, free of charge", function()
        for _ = 1, 3 do
          assert.same({
            object = "rate_limit",
            plan = case.plan,
            per_minute = case.per_minute,
            burst = case.burst,
            remaining = case.burst,
            reset_at = world.START,
          }, w:get("/rate_limit").json)
        end
        w:get "/organization"
        local answer = w:get "/rate_limit"
        assert.equal(case.burst - 1, answer.json.remaining)
        assert.equal(case.burst - 1, remaining(answer))
      end)

      it("lets the burst through, then refuses until one token is there", function()
        for left = case.burst - 1, 0, -1 do
          assert.equal(left, remaining(w:get "/organization"))
        end
        local refused = w:get "/organization"
        assert.equal(429, refused.status)
        assert.equal("rate_limited", refused.json.error.code)
        assert.equal("rate_limit_error", refused.json.error.type)
        assert.equal("1", refused.headers["retry-after"])
        assert.equal(0, remaining(refused))
        assert.equal(world.START + case.full_after, reset(refused))
        w:wait(60 / case.per_minute)
        assert.equal(200, w:get("/organization").status)
        assert.equal(429, w:get("/organization").status)
      end)

      it("charges nothing for a refusal, however often", function()
        empty()
        for _ = 1, 50 do
          assert.equal(429, w:get("/organization").status)
        end
        w:wait(case.full_after)
        assert.equal(case.burst - 1, remaining(w:get "/organization"))
      end)

      it("is full again at the second that Reset names, and not fuller", function()
        empty()
        local answer = w:get "/rate_limit"
        assert.equal(0, answer.json.remaining)
        w:wait(reset(answer) - w.now)
        assert.equal(case.burst, w:get("/rate_limit").json.remaining)
        w:wait(1000)
        assert.equal(case.burst, w:get("/rate_limit").json.remaining)
      end)

      it("refills evenly: a first minute sees rate + burst requests", function()
        local served = 0
        for _ = 1, 600 do
          while w:get("/organization").status == 200 do
            served = served + 1
          end
          w:wait(0.1)
        end
        assert.equal(case.per_minute + case.burst, served + w:get("/rate_limit").json.remaining)
      end)
    end)
  end

  local w

  before_each(function()
    w = world.new { plan = "starter" }
  end)

  it("counts errors too, but neither 401s nor requests without a key", function()
    local charged = {
      { "GET", "/nope" },
      { "PUT", "/projects" },
      { "GET", "/deployments/dep_000000000000" },
      { "GET", "/deployments?limit=0" },
      { "POST", "/projects", {} },
    }
    for count, case in ipairs(charged) do
      assert.equal(10 - count, remaining(w:send(case[1], case[2], case[3])))
    end
    w:get("/projects", { key = false })
    w:get("/projects", { key = "gsk_test_unknown" })
    w:get("/projects", { key = w.emulator.public_key })
    w:get("/nope", { key = false })
    assert.equal(5, w:get("/rate_limit").json.remaining)
  end)

  it("is shared by all keys of the organization, but not by its live data", function()
    w:get("/organization", { key = w.emulator:issue_key() })
    w:get("/organization", { key = w.emulator.public_key })
    assert.equal(7, remaining(w:get "/organization"))
    assert.equal(9, remaining(w:get("/organization", { key = w.emulator:issue_key { livemode = true } })))
  end)

  it("says 429 before 404 once the bucket is empty", function()
    for _ = 1, 10 do
      w:get "/organization"
    end
    assert.equal(429, w:get("/nope").status)
    assert.equal(401, w:get("/nope", { key = false }).status)
  end)

  it("still answers GET /rate_limit when the bucket is empty", function()
    for _ = 1, 11 do
      w:get "/organization"
    end
    assert.equal(200, w:get("/rate_limit").status)
    assert.equal(world.START + 10, w:get("/rate_limit").json.reset_at)
  end)

  it("slows strangers down by address, apart from the organization", function()
    local last
    for _ = 1, 51 do
      last = w:get("/projects", { key = "gsk_test_guess", peer = "192.0.2.1" })
    end
    assert.equal(429, last.status)
    assert.is_nil(last.headers["x-ratelimit-remaining"])
    assert.equal(401, w:get("/projects", { key = "gsk_test_guess", peer = "192.0.2.2" }).status)
    assert.equal(200, w:get("/projects", { peer = "192.0.2.1" }).status)
  end)

  -- And says so: a client that mirrors the plan's bucket would be as slow as the plan.
  it("never empties when it is switched off", function()
    w = world.new { plan = "starter", rate_limit = false }
    for _ = 1, 100 do
      local answer = w:get "/organization"
      assert.equal(200, answer.status)
      assert.equal(1000000, remaining(answer))
    end
    local limit = w:get("/rate_limit").json
    assert.equal(1000000, limit.remaining)
    assert.equal(1000000, limit.burst)
    assert.is_true(limit.per_minute >= 60 * limit.burst)
  end)
end)

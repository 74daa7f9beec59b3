-- Organization, usage, regions (contract 2.1).
local json = require "gitdev.json"
local limits = require "gitdev.api.limits"
local schema = require "gitdev.schema"
local world = require "spec.lua.support.world"

local codes = world.codes

local DAY = 24 * 3600

-- Seconds of 00:00 UTC on the first of a month, as `date -u` gives them.
local MONTHS = {
  ["2024-02"] = 1706745600, ["2024-03"] = 1709251200, ["2024-05"] = 1714521600, ["2024-06"] = 1717200000,
  ["2024-07"] = 1719792000, ["2024-12"] = 1733011200, ["2025-01"] = 1735689600, ["2025-02"] = 1738368000,
  ["2100-02"] = 4105123200, ["2100-03"] = 4107542400, ["1970-01"] = 0, ["1970-02"] = 2678400,
}

describe("the emulator's organization", function()
  local PUBLIC = { "id", "object", "slug", "name" }

  it("shows a public key what names it, and no more", function()
    local w = world.new()
    local secret, public = w:get("/organization").json, w:get("/organization", { key = w.emulator.public_key })
    local shown = {}
    for name, value in pairs(public.json) do
      assert.equal(secret[name], value)
      shown[#shown + 1] = name
    end
    table.sort(shown)
    local expected = { PUBLIC[1], PUBLIC[2], PUBLIC[3], PUBLIC[4] }
    table.sort(expected)
    assert.same(expected, shown)
    assert.equal("*", public.headers["access-control-allow-origin"])
  end)

  it("wants its scope of a secret key", function()
    local w = world.new()
    local key = w.emulator:issue_key { scopes = { "projects:read" } }
    for _, path in ipairs { "/organization", "/usage", "/regions", "/rate_limit" } do
      assert.equal("403 insufficient_scope", codes(w:get(path, { key = key })), path)
    end
    key = w.emulator:issue_key { scopes = { "organization:read" }, projects = { "my-app" } }
    for _, path in ipairs { "/organization", "/usage", "/regions", "/rate_limit" } do
      assert.equal(200, w:get(path, { key = key }).status, path)
    end
  end)
end)

describe("the emulator's usage", function()
  local w

  before_each(function()
    w = world.new()
  end)

  -- The quantities by metric.
  local function used(query, key)
    local answer = w:get("/usage" .. (query or ""), { key = key })
    assert(answer.status == 200, answer.body)
    local quantities = {}
    for _, row in ipairs(answer.json.metrics) do
      quantities[row.metric] = row.quantity
    end
    return quantities
  end

  it("has the contract's shape: every metric, once, in order", function()
    local usage = w:get("/usage").json
    assert.equal("", world.misfit(usage, "usage"))
    local metrics = {}
    for index, row in ipairs(usage.metrics) do
      metrics[index] = row.metric
      assert.equal("", world.misfit(row, "usage_metric"))
    end
    assert.same(schema.object("usage_metric").fields.by_name.metric.values, metrics)
  end)

  it("counts requests, but neither free ones, nor replays, nor those of strangers", function()
    assert.equal(0, used().api_requests)
    assert.equal(1, used().api_requests)
    w:get "/projects/nope"
    w:get "/nowhere"
    w:post("/projects", { slug = "A" })
    w:get "/rate_limit"
    w:get("/projects", { key = "gsk_test_wrong" })
    local extra = { headers = { ["idempotency-key"] = "k" } }
    w:post("/projects", { slug = "shop" }, extra)
    w:post("/projects", { slug = "shop" }, extra)
    w:post("/projects", { slug = "other" }, extra)
    assert.equal(7, used().api_requests)
  end)

  it("does not count what the rate limit refused", function()
    w = world.new { plan = "starter" }
    for _ = 1, 10 do
      w:get "/projects"
    end
    assert.equal(429, w:get("/projects").status)
    w:wait(60)
    assert.equal(10, used().api_requests)
  end)

  it("counts deployments, and what their builds took, however they ended", function()
    w:deployed() -- builds for 1800 ms
    w:deployed { metadata = { emulate = "build_failed" } }
    local canceled = w:deploy()
    w:wait(0.7)
    w:post("/deployments/" .. canceled.id .. "/cancel")
    local waiting = w:deploy()
    w:post("/deployments/" .. waiting.id .. "/cancel")
    local quantities = used()
    assert.equal(4, quantities.deployments)
    assert.equal(1800 + 1800 + 500, quantities.build_ms)
    for _, metric in ipairs { "bandwidth_bytes", "edge_requests", "edge_compute_ms" } do
      assert.equal(0, quantities[metric])
    end
  end)

  it("is asked for by project, by id or slug; of an unknown one there is none", function()
    local shop = w:post("/projects", { slug = "shop" }).json
    w:deployed()
    w:deployed()
    w:deployed { project = "shop" }
    w:get "/projects/shop"
    assert.equal(3, used().deployments)
    assert.equal(2, used("?project=my-app").deployments)
    assert.equal(1, used("?project=shop").deployments)
    assert.equal(1, used("?project=" .. shop.id).deployments)
    assert.equal(1800, used("?project=shop").build_ms)
    -- made, deployed, seen deployed, read
    assert.equal(4, used("?project=shop").api_requests)
    for metric, quantity in pairs(used "?project=nope") do
      assert.equal(0, quantity, metric)
    end
  end)

  it("counts what is of one project there, as that of an edge config or a webhook, and what is of several for none", function()
    local shop = w:post("/projects", { slug = "shop" }).json.id
    local before = used("?project=shop").api_requests
    local function make(name, projects)
      local config = w:post("/edge_configs", { name = name, projects = projects }).json
      w:get("/edge_configs/" .. config.id)
    end
    make("one", { "shop" })
    make("two", { "shop", "my-app" })
    w:post("/webhooks", { url = "https://example.com", events = { "*" }, projects = { shop } })
    assert.equal(before + 3, used("?project=shop").api_requests)
  end)

  it("is of the projects that the key holds", function()
    w:post("/projects", { slug = "shop" })
    w:deployed()
    w:deployed { project = "shop" }
    w:deployed { project = "shop" }
    local key = w.emulator:issue_key { projects = { "my-app" } }
    assert.equal(1, used("", key).deployments)
    assert.equal(1, used("?project=my-app", key).deployments)
    assert.equal(0, used("?project=shop", key).deployments)
    assert.equal(3, used().deployments)
  end)

  it("stays when the project goes", function()
    w:deployed()
    w:delete "/projects/my-app"
    assert.equal(1, used().deployments)
  end)

  it("stands apart for live and test", function()
    w:deployed()
    local key = w.emulator:issue_key { livemode = true }
    assert.equal(0, used("", key).deployments)
  end)

  it("has the bytes of the artifacts that were kept in the period", function()
    w:post("/projects", { slug = "shop" })
    local pipeline = w:post("/pipelines", {
      project = "my-app",
      name = "ci",
      jobs = { { name = "build", steps = { { name = "make", run = "make" } }, artifacts = { { name = "out", path = "out" } } } },
    })
    assert.equal(201, pipeline.status, pipeline.body)
    assert.equal(0, used().artifact_bytes)
    local run = w:post("/runs", { pipeline = pipeline.json.id }).json
    w:wait(60)
    local artifacts = w:get("/runs/" .. run.id .. "/artifacts").json.data
    assert.equal(1, #artifacts)
    assert.is_true(artifacts[1].size_bytes > 0)
    assert.equal(artifacts[1].size_bytes, used().artifact_bytes)
    assert.equal(artifacts[1].size_bytes, used("?project=my-app").artifact_bytes)
    assert.equal(0, used("?project=shop").artifact_bytes)
    local expires_at = artifacts[1].expires_at
    assert.equal(0, used(("?start=%d&end=%d"):format(world.START - DAY, world.START)).artifact_bytes)
    assert.equal(artifacts[1].size_bytes, used(("?start=%d&end=%d"):format(expires_at - 1, expires_at + DAY)).artifact_bytes)
    assert.equal(0, used(("?start=%d&end=%d"):format(expires_at, expires_at + DAY)).artifact_bytes)
  end)

  it("has the bytes of the repositories", function()
    local repository = w:get("/repositories/my-app").json
    assert.is_true(repository.size_bytes > 0)
    assert.equal(repository.size_bytes, used().storage_bytes)
    assert.equal(repository.size_bytes, used("?project=my-app").storage_bytes)
    local other = w:post("/repositories", { name = "other", init = true }).json
    assert.equal(repository.size_bytes + other.size_bytes, used().storage_bytes)
    assert.equal(repository.size_bytes, used("", w.emulator:issue_key { projects = { "my-app" } }).storage_bytes)
    w:post("/projects", { slug = "bare" })
    assert.equal(0, used("?project=bare").storage_bytes)
    assert.equal(0, used(("?start=%d&end=%d"):format(world.START - DAY, world.START)).storage_bytes)
  end)

  describe("in a period", function()
    it("is of this month unless told", function()
      local usage = w:get("/usage").json
      assert.equal(MONTHS["2024-06"], usage.period_start)
      assert.equal(MONTHS["2024-07"], usage.period_end)
    end)

    local months = {
      { "2024-02", "2024-03", 28 * DAY }, -- a leap day
      { "2024-12", "2025-01", 30 * DAY },
      { "2025-01", "2025-02", 0 },
      { "2100-02", "2100-03", 28 * DAY - 1 }, -- none
      { "1970-01", "1970-02", 31 * DAY - 1 },
    }
    for _, case in ipairs(months) do
      it("knows where " .. case[1] .. " begins and ends", function()
        local last = MONTHS[case[1]] + case[3] + 1
        local usage = w:get("/usage?end=" .. last).json
        assert.equal(MONTHS[case[1]], usage.period_start)
        assert.equal(last, usage.period_end)
        assert.is_true(last <= MONTHS[case[2]])
      end)
    end

    it("counts from its first second until before its last", function()
      w:deploy()
      w:wait(100)
      w:deploy()
      w:wait(DAY)
      w:deploy()
      local first, second, third = world.START, world.START + 100, world.START + 100 + DAY
      local cases = {
        { first, first + 1, 1 },
        { first, second, 1 },
        { first, second + 1, 2 },
        { first + 1, second + 1, 1 },
        { second + 1, third, 0 },
        { second, third + 1, 2 },
        { first - DAY, first, 0 },
        { first - DAY, third + DAY, 3 },
      }
      for _, case in ipairs(cases) do
        local quantities = used(("?start=%d&end=%d"):format(case[1], case[2]))
        assert.equal(case[3], quantities.deployments, case[1] .. " " .. case[2])
      end
      local usage = w:get(("/usage?start=%d&end=%d"):format(first, second)).json
      assert.equal(first, usage.period_start)
      assert.equal(second, usage.period_end)
    end)

    local function at(days)
      return world.START + days * DAY
    end

    local cases = {
      { ("?start=%d&end=%d"):format(at(-92), at(0)), "200" },
      { ("?start=%d&end=%d"):format(at(-92) - 1, at(0)), "400 parameter_invalid start" },
      { ("?start=%d&end=%d"):format(at(0), at(0)), "400 parameter_invalid start" },
      { ("?start=%d&end=%d"):format(at(1), at(0)), "400 parameter_invalid start" },
      { ("?start=%d"):format(at(-60)), "200" },
      { ("?start=%d"):format(at(-90)), "400 parameter_invalid start" },
      { ("?start=%d"):format(at(40)), "400 parameter_invalid start" },
      { ("?end=%d"):format(at(-300)), "200" },
      { "?end=0", "400 parameter_invalid end" },
      { "?start=-1", "400 parameter_invalid start" },
      { "?start=june", "400 parameter_invalid start" },
      { "?since=1", "400 parameter_unknown since" },
      { "?limit=1", "400 parameter_unknown limit" },
    }
    for _, case in ipairs(cases) do
      it("of " .. case[1] .. ": " .. case[2], function()
        local answer = w:get("/usage" .. case[1])
        assert.equal(case[2], answer.status == 200 and "200" or codes(answer))
      end)
    end
  end)

  it("has the plan's limits", function()
    for _, plan in ipairs { "starter", "pro", "enterprise" } do
      w = world.new { plan = plan }
      local usage = w:get("/usage").json
      assert.equal(plan, usage.plan)
      for _, row in ipairs(usage.metrics) do
        assert.equal(limits.usage.plans[plan][row.metric] or json.null, row.limit, row.metric)
      end
    end
  end)
end)

describe("the emulator's regions", function()
  local w

  before_each(function()
    w = world.new()
  end)

  it("are listed, for a public key too, and for browsers", function()
    local answer = w:get("/regions?limit=100", { key = w.emulator.public_key })
    assert.equal(200, answer.status)
    assert.equal("*", answer.headers["access-control-allow-origin"])
    local by_id, count = {}, 0
    for _, region in ipairs(answer.json.data) do
      assert.equal("", world.misfit(region, "region"))
      assert.truthy(region.id:find "^%l%l%l$")
      assert.truthy(region.country:find "^%u%u$")
      by_id[region.id], count = region, count + 1
    end
    assert.is_true(count > 10)
    assert.is_true(by_id.iad.compute and by_id.iad.edge)
    assert.equal("iad", w:get("/organization").json.default_region)
    assert.is_false(by_id.dub.compute)
  end)

  it("are paged, either way round", function()
    local function ids(order)
      local list = {}
      for index, region in ipairs((w:walk("/regions?limit=4&order=" .. order))) do
        list[index] = region.id
      end
      return list
    end
    local rising, falling = ids "asc", ids "desc"
    assert.equal(#w:get("/regions?limit=100").json.data, #rising)
    assert.equal("iad", rising[1])
    for index, id in ipairs(rising) do
      assert.equal(id, falling[#falling + 1 - index])
    end
  end)

  local refused = {
    { "POST", "/projects", { slug = "shop", regions = { "iad", "xyz" } } },
    { "POST", "/projects", { slug = "shop", regions = { "iad", "dub" } } },
    { "PATCH", "/projects/my-app", { regions = { "fra", "xyz" } } },
    { "POST", "/deployments", { project = "my-app", regions = { "fra", "dub" } } },
  }
  for _, case in ipairs(refused) do
    it(("must be there for %s %s: %s"):format(case[1], case[2], case[3].regions[2]), function()
      local answer = w:send(case[1], case[2], case[3])
      assert.equal("422 parameter_invalid regions[2]", codes(answer))
      assert.truthy(answer.json.error.message:find("fra", 1, true))
      assert.equal(1, #w:get("/projects").json.data)
      assert.equal(0, #w:get("/deployments").json.data)
    end)
  end
end)

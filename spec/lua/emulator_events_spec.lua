-- Events: contract 2.13, 4.1, 4.3.
local events = require "gitdev.emulator.store.events"
local json = require "gitdev.json"
local schema = require "gitdev.schema"
local world = require "spec.lua.support.world"

local codes = world.codes

local DAY = 86400

describe("the emulator's events", function()
  local w

  before_each(function()
    w = world.new()
  end)

  local function types(path, extra)
    local answer, list = w:get(path, extra), {}
    assert(answer.status == 200, answer.body)
    for index, event in ipairs(answer.json.data) do
      list[index] = event.type
    end
    return table.concat(list, " ")
  end

  local function newest()
    local all = w.emulator:events()
    return all[#all]
  end

  -- Puts `count` events into the log, one a second.
  local function fill(count, kind)
    local tenant = w.emulator.tenants[false]
    for _ = 1, count do
      w.now = w.now + 1
      tenant.emulator.now_ms = w.now * 1000
      events.new(tenant, kind or "webhook.ping", { object = "webhook", id = "whk_000000000000", events = { "*" } })
    end
  end

  describe("are read", function()
    it("with exactly four keys, in the order of a delivered body", function()
      w:deploy()
      local event = newest()
      local answer = w:get("/events/" .. event.id)
      assert.equal(200, answer.status)
      assert.equal(events.body(event), answer.body)
      assert.truthy(answer.body:find('^{"id":"evt_%w+","type":"deployment.created","timestamp":1718942298,"data":{"project":"my%-app",'))
      assert.same({ data = true, id = true, timestamp = true, type = true }, (function()
        local keys = {}
        for key in pairs(answer.json) do
          keys[key] = true
        end
        return keys
      end)())
    end)

    it("from a list byte for byte as one by one", function()
      w:deployed()
      local page = w:get "/events?limit=100"
      local bodies = {}
      for index, event in ipairs(page.json.data) do
        bodies[index] = w:get("/events/" .. event.id).body
      end
      assert.equal('{"object":"list","data":[' .. table.concat(bodies, ",") .. '],"has_more":false,"next_cursor":null}', page.body)
    end)

    it("as they were, whatever became of what they are about", function()
      local deployment = w:deploy()
      local body = w:get("/events/" .. newest().id).body
      w:wait(3)
      w:patch("/projects/my-app", { slug = "renamed" })
      local event = w:get("/events?type=deployment.created").json.data[1]
      assert.equal(body, w:get("/events/" .. event.id).body)
      assert.same({ deployment.id, "queued", "my-app" }, { event.data.deployment_id, event.data.status, event.data.project })
    end)

    it("with the fields of their type, all that ever happened here", function()
      local made = w:post("/webhooks", { url = "https://example.com", events = { "*" } }).json
      w:post("/webhooks/" .. made.id .. "/ping")
      w:deployed()
      w:delete("/projects/my-app")
      for _, event in ipairs(w:get("/events?limit=100").json.data) do
        local known, names = schema.event(event.type), {}
        for _, field in ipairs(known.fields) do
          names[field.name] = true
          assert.is_not_nil(event.data[field.name], event.type .. "." .. field.name)
          assert.is_true(field.nullable or event.data[field.name] ~= json.null, event.type .. "." .. field.name)
        end
        for name in pairs(event.data) do
          assert.is_true(names[name], event.type .. "." .. name)
        end
      end
    end)

    it("or are not there", function()
      assert.equal("404 resource_missing", codes(w:get "/events/evt_000000000000"))
      assert.equal("404 resource_missing", codes(w:get "/events/prj_000000000000"))
    end)
  end)

  describe("are listed", function()
    it("newest first, or oldest first", function()
      w:deployed()
      assert.equal("deployment.completed build.completed build.started deployment.created", types "/events?limit=4")
      assert.equal(w.emulator:events()[1].id, w:get("/events?limit=1&order=asc").json.data[1].id)
    end)

    it("by type, family, project and time", function()
      w:wait(10)
      local shop = w:post("/projects", { slug = "shop" }).json
      w:wait(10)
      w:deployed()
      w:wait(10)
      w:deployed { project = "shop" }
      local start = world.START
      local cases = {
        { "type=deployment.created", "deployment.created deployment.created" },
        { "type=deployment.created&project=shop", "deployment.created" },
        { "type=deployment.*&project=my-app", "deployment.completed deployment.created" },
        { "type=build.*&project=" .. shop.id, "build.completed build.started" },
        { "type=deploy.*", "" },
        { "type=deployment", "" },
        { "type=no.such", "" },
        { "project=none", "" },
        { "project=shop&limit=100&order=asc", "project.created deployment.created build.started build.completed deployment.completed" },
        { "since=" .. start + 30, "deployment.completed build.completed build.started deployment.created" },
        { "since=" .. start + 10 .. "&until=" .. start + 11, "project.created" },
        { "since=" .. start + 10 .. "&until=" .. start + 10, "" },
        { "since=" .. start + 20 .. "&until=" .. start + 30 .. "&order=asc",
          "deployment.created build.started build.completed deployment.completed" },
        { "since=" .. start + 20 .. "&type=build.started", "build.started build.started" },
        { "until=" .. start + 20 .. "&type=deployment.*", "" },
        { "since=" .. start + 1000, "" },
        { "until=0", "" },
        { "since=0&type=project.created&project=shop", "project.created" },
      }
      for _, case in ipairs(cases) do
        assert.equal(case[2], types("/events?" .. case[1]), case[1])
      end
    end)

    it("page by page, without one twice or left out while more happen", function()
      w:deployed()
      w:deployed()
      local before = w:get("/events?limit=100").json.data
      for _, limit in ipairs { 1, 3, 7 } do
        local found = w:walk("/events?until=" .. math.floor(w.now) + 1 .. "&limit=" .. limit, function()
          w:deploy()
        end)
        local seen = {}
        for _, event in ipairs(found) do
          assert.is_nil(seen[event.id])
          seen[event.id] = true
        end
        for _, event in ipairs(before) do
          assert.is_true(seen[event.id])
        end
      end
    end)

    it("oldest first page by page, up to what has just happened", function()
      local found = w:walk("/events?order=asc&limit=2", function(page)
        if page < 4 then
          w:post("/projects", { slug = "shop-" .. page })
        end
      end)
      local all = w.emulator:events()
      assert.equal(#all, #found)
      for index, event in ipairs(found) do
        assert.equal(all[index].id, event.id)
      end
    end)

    it("with cursors that are bound to the filters", function()
      w:deployed()
      local cursor = w:get("/events?limit=1&type=build.*").json.next_cursor
      assert.equal("build.started", types("/events?limit=1&type=build.*&cursor=" .. cursor))
      for _, other in ipairs { "", "&type=build.started", "&type=build.*&order=asc", "&type=build.*&since=0", "&type=build.*&project=my-app" } do
        assert.equal("400 cursor_mismatch cursor", codes(w:get("/events?limit=1&cursor=" .. cursor .. other)))
      end
      local by_slug = w:get("/events?limit=1&project=my-app").json.next_cursor
      local id = w:get("/projects/my-app").json.id
      assert.equal(200, w:get("/events?limit=1&project=" .. id .. "&cursor=" .. by_slug).status)
    end)

    it("only for queries that make sense", function()
      local cases = {
        { "since=yesterday", "400 parameter_invalid since" },
        { "until=1.5", "400 parameter_invalid until" },
        { "limit=0", "400 parameter_invalid limit" },
        { "kind=x", "400 parameter_unknown kind" },
      }
      for _, case in ipairs(cases) do
        assert.equal(case[2], codes(w:get("/events?" .. case[1])))
      end
    end)
  end)

  describe("are kept for 30 days", function()
    it("and then forgotten", function()
      w:deploy()
      local old = newest()
      w:wait(30 * DAY)
      assert.equal(200, w:get("/events/" .. old.id).status)
      assert.is_true(#w:get("/events?limit=100&until=" .. old.timestamp + 1).json.data > 0)
      w:wait(1)
      assert.equal("404 resource_missing", codes(w:get("/events/" .. old.id)))
      assert.equal("", types("/events?limit=100&until=" .. old.timestamp + 1))
    end)

    it("a cursor goes on where its event was", function()
      fill(10)
      w:wait(DAY)
      fill(10)
      local page = w:get "/events?order=asc&limit=5&type=webhook.ping"
      w:wait(29 * DAY + 100)
      local rest = w:get("/events?order=asc&limit=100&type=webhook.ping&cursor=" .. page.json.next_cursor).json
      assert.same({ 10, false }, { #rest.data, rest.has_more })
    end)

    it("so that their number does not grow for ever", function()
      fill(500)
      w:wait(31 * DAY)
      fill(3)
      assert.equal(3, #w.emulator:events())
      assert.equal("webhook.ping webhook.ping webhook.ping", types "/events?limit=100&order=asc")
      assert.equal("webhook.ping webhook.ping webhook.ping", types "/events?limit=100&since=0")
    end)
  end)

  it("cost no more to list for being many", function()
    -- What a page looks at is counted where the collection is walked.
    fill(20000)
    local things = w.emulator.tenants[false].things.event
    local reads = 0
    local rows = things.all.rows
    things.all.rows = setmetatable({}, {
      __index = function(_, at)
        reads = reads + 1
        return rows[at]
      end,
    })
    local middle = world.START + 10000
    for _, query in ipairs {
      "", "&order=asc", "&since=" .. middle, "&until=" .. middle, "&order=asc&since=" .. middle, "&since=" .. middle .. "&until=" .. middle + 10,
    } do
      reads = 0
      assert.equal(10, #w:get("/events?limit=10" .. query).json.data, query)
      assert.is_true(reads < 200, query .. " " .. reads)
    end
  end)

  describe("are seen by", function()
    local shop, limited

    before_each(function()
      shop = w:post("/projects", { slug = "shop" }).json
      limited = w.emulator:issue_key { projects = { "shop" }, scopes = { "events:read" } }
      w:deploy()
      w:deploy { project = "shop" }
    end)

    local function ping(fields, extra)
      local made = w:post("/webhooks", fields, extra).json
      w:post("/webhooks/" .. made.id .. "/ping")
      return newest().id, made
    end

    it("keys that hold their project; those of no project by every key", function()
      w:post("/repositories", { name = "tools" })
      local seen = {}
      for _, event in ipairs(w:get("/events?limit=100", { key = limited }).json.data) do
        assert.is_true(event.data.project_id == nil or event.data.project_id == shop.id, event.type)
        seen[event.type] = true
      end
      assert.is_true(seen["project.created"] and seen["deployment.created"] and seen["repository.created"])
    end)

    it("nobody else: not in lists, not by project, not by id", function()
      local theirs = w:get("/events?project=my-app&type=deployment.created").json.data[1]
      assert.equal("deployment.created", theirs.type)
      assert.equal("404 resource_missing", codes(w:get("/events/" .. theirs.id, { key = limited })))
      assert.equal("", types("/events?project=my-app", { key = limited }))
      assert.equal("", types("/events?project=" .. theirs.data.project_id, { key = limited }))
      assert.equal("deployment.created", types("/events?type=deployment.*", { key = limited }))
    end)

    it("keys that hold all projects of the edge config that they are about", function()
      local function of(name, projects)
        local config = w:post("/edge_configs", { name = name, projects = projects, items = { a = 1 } }).json
        for _, event in ipairs(w:get("/events?type=edge_config.updated").json.data) do
          if event.data.edge_config_id == config.id then
            return event.id
          end
        end
      end
      local theirs, both = of("theirs", { "my-app" }), of("both", { "shop", "my-app" })
      local mine, common = of("mine", { "shop" }), of("common")
      for id, status in pairs { [theirs] = 404, [both] = 404, [mine] = 200, [common] = 200 } do
        assert.equal(status, w:get("/events/" .. id, { key = limited }).status)
      end
      assert.equal("edge_config.updated edge_config.updated", types("/events?type=edge_config.*", { key = limited }))
      assert.equal("edge_config.updated", types("/events?type=edge_config.*&project=shop", { key = limited }))
    end)

    it("keys that see the webhook, if they are about one", function()
      local fields = { url = "https://example.com", events = { "*" } }
      local hidden = ping(fields)
      fields.projects = { shop.id }
      local shown, made = ping(fields)
      assert.equal("404 resource_missing", codes(w:get("/events/" .. hidden, { key = limited })))
      assert.equal(200, w:get("/events/" .. shown, { key = limited }).status)
      assert.equal("webhook.ping", types("/events?type=webhook.*", { key = limited }))
      w:delete("/webhooks/" .. made.id)
      assert.equal("", types("/events?type=webhook.*", { key = limited }))
      assert.equal("webhook.ping webhook.ping", types "/events?type=webhook.*")
    end)

    it("keys with the scope", function()
      local other = w.emulator:issue_key { scopes = { "webhooks:write" } }
      for _, path in ipairs { "/events", "/events/" .. newest().id } do
        local refused = w:get(path, { key = other })
        assert.equal("403 insufficient_scope", codes(refused))
        assert.equal("events:read", refused.json.error.required_scope)
      end
    end)

    it("the mode that they happened in", function()
      local live = w.emulator:issue_key { livemode = true }
      assert.falsy(types("/events?limit=100", { key = live }):find("deployment", 1, true))
    end)
  end)
end)

-- Pages and cursors (contract 1.6), also while the list changes.
local base64 = require "gitdev.emulator.store.base64"
local json = require "gitdev.json"
local series = require "gitdev.emulator.store.series"
local world = require "spec.lua.support.world"

-- A small generator of our own, so that a failure can be repeated on any Lua.
local function dice(seed)
  local state = seed
  return function(sides)
    state = (state * 16807) % 2147483647
    return state % sides + 1
  end
end

describe("the emulator's lists", function()
  local w

  before_each(function()
    w = world.new { rate_limit = false }
  end)

  local function add(count)
    local made = {}
    for number = 1, count do
      made[number] = w:post("/projects", { slug = ("shop-%d-%d"):format(#w.emulator:events(), number) }).json
    end
    return made
  end

  local function ids(list)
    local found = {}
    for index, thing in ipairs(list) do
      found[index] = thing.id
    end
    return found
  end

  it("have the contract's envelope", function()
    local body = w:get("/projects").body
    assert.truthy(body:find '^{"object":"list","data":%[{.*}%],"has_more":false,"next_cursor":null}$')
    add(1)
    body = w:get("/projects?limit=1").body
    assert.truthy(body:find '^{"object":"list","data":%[{.*}%],"has_more":true,"next_cursor":"[%w_-]+"}$')
    assert.equal('{"object":"list","data":[],"has_more":false,"next_cursor":null}', w:get("/deployments").body)
  end)

  it("hold 20 things a page unless told, and at most 100", function()
    add(120)
    assert.equal(20, #w:get("/projects").json.data)
    assert.equal(100, #w:get("/projects?limit=100").json.data)
  end)

  for _, limit in ipairs { 1, 2, 7, 23, 24, 25 } do
    it(("give every thing once, %d a page, in both orders"):format(limit), function()
      add(23)
      local all = ids(w:get("/projects?limit=100&order=asc").json.data)
      assert.equal(24, #all)
      local rising, pages = w:walk(("/projects?order=asc&limit=%d"):format(limit))
      assert.same(all, ids(rising))
      assert.equal(math.ceil(24 / limit), pages)
      local falling = ids(w:walk(("/projects?limit=%d"):format(limit)))
      for index, id in ipairs(falling) do
        assert.equal(all[#all + 1 - index], id)
      end
      assert.equal(24, #falling)
    end)
  end

  it("neither skip nor repeat when things come and go between pages", function()
    for round = 1, 25 do
      local roll = dice(round)
      w = world.new { rate_limit = false }
      local before = { [w:get("/projects/my-app").json.id] = true }
      for _, project in ipairs(add(roll(40))) do
        before[project.id] = true
      end
      local gone, added = {}, {}
      local order = roll(2) == 1 and "asc" or "desc"
      local list = w:walk(("/projects?limit=%d&order=%s"):format(roll(5), order), function(pages)
        -- A rising walk would never end if the list grew as fast as it is walked.
        for _ = 1, pages < 20 and roll(3) or 0 do
          added[add(1)[1].id] = true
        end
        local page = w:get(("/projects?limit=100&order=%s"):format(roll(2) == 1 and "asc" or "desc")).json.data
        local victim = page[roll(math.max(1, #page))]
        if victim then
          w:delete("/projects/" .. victim.id)
          gone[victim.id] = true
        end
      end)
      local seen = {}
      for _, project in ipairs(list) do
        assert.is_nil(seen[project.id])
        seen[project.id] = true
        assert.truthy(before[project.id] or added[project.id] and order == "asc")
      end
      for id in pairs(before) do
        assert.truthy(seen[id] or gone[id])
      end
    end
  end)

  it("go on after the thing that the cursor points to is deleted", function()
    local made = add(6)
    local first = w:get("/projects?limit=3").json
    w:delete("/projects/" .. first.data[3].id)
    local second = w:get("/projects?limit=3&cursor=" .. first.next_cursor).json
    assert.same({ made[3].id, made[2].id, made[1].id }, ids(second.data))
  end)

  it("go on with a page that has become empty", function()
    add(2)
    local first = w:get("/projects?limit=2").json
    w:delete "/projects/my-app"
    local second = w:get("/projects?limit=2&cursor=" .. first.next_cursor).json
    assert.same({}, second.data)
    assert.is_false(second.has_more)
  end)

  describe("cursors", function()
    local function code(path)
      local answer = w:get(path)
      return answer.json.error and answer.json.error.code or answer.status
    end

    local cursor

    before_each(function()
      for _ = 1, 4 do
        w:deployed { branch = "develop" }
      end
      cursor = w:get("/deployments?limit=2&branch=develop&status=live").json.next_cursor
    end)

    it("are opaque and short", function()
      assert.truthy(cursor:find "^[%w_-]+$")
      assert.truthy(#cursor <= 512)
    end)

    local cases = {
      { "the same", "branch=develop&status=live", 200 },
      { "the same in another order of names", "status=live&branch=develop", 200 },
      { "the same with the default named", "branch=develop&status=live&order=desc", 200 },
      { "another limit", "branch=develop&status=live&limit=1", 200 },
      { "another order", "branch=develop&status=live&order=asc", "cursor_mismatch" },
      { "another filter's value", "branch=main&status=live", "cursor_mismatch" },
      { "one filter less", "branch=develop", "cursor_mismatch" },
      { "one filter more", "branch=develop&status=live&current=false", "cursor_mismatch" },
      { "the same status twice", "branch=develop&status=live&status=live", 200 },
      { "one status more", "branch=develop&status=live&status=failed", "cursor_mismatch" },
    }
    for _, case in ipairs(cases) do
      it(("with %s: %s"):format(case[1], case[3]), function()
        assert.equal(case[3], code("/deployments?" .. case[2] .. "&cursor=" .. cursor))
      end)
    end

    it("belong to one operation, and to the thing in its path", function()
      w:post("/projects", { slug = "other" })
      assert.equal("cursor_mismatch", code("/projects?cursor=" .. cursor))
      for _, key in ipairs { "A", "B" } do
        w:post("/projects/my-app/env", { key = key, value = "" })
      end
      local own = w:get("/projects/my-app/env?limit=1").json.next_cursor
      assert.equal(200, code("/projects/my-app/env?cursor=" .. own))
      assert.equal("cursor_mismatch", code("/projects/other/env?cursor=" .. own))
    end)

    it("do not depend on the order of a repeated filter, nor on how a project or repository is named", function()
      local project = w:get("/projects/my-app").json
      w:post("/projects", { slug = "other", repository = "my-app" })
      local function go(path, first, second)
        local next_cursor = w:get(path .. first .. "&limit=1").json.next_cursor
        assert.equal(200, code(path .. second .. "&cursor=" .. next_cursor))
      end
      go("/deployments?", "status=live&status=queued&project=my-app", "project=" .. project.id .. "&status=queued&status=live")
      go("/projects?", "repository=my-app", "repository=" .. project.repository_id)
      assert.equal("cursor_mismatch", code("/deployments?project=other&cursor=" .. cursor))
    end)

    it("cannot be made up or changed", function()
      assert.equal("cursor_invalid", code "/deployments?cursor=b3BhcXVl")
      assert.equal("cursor_invalid", code "/deployments?cursor=%F0%9F%98%80")
      for place = 1, #cursor do
        local letter = cursor:sub(place, place) == "A" and "B" or "A"
        local changed = cursor:sub(1, place - 1) .. letter .. cursor:sub(place + 1)
        local answer = code("/deployments?branch=develop&status=live&cursor=" .. changed)
        -- The last letter may hold bits that are not used.
        assert.truthy(answer == "cursor_invalid" or place == #cursor and answer == 200)
      end
      assert.equal("cursor_invalid", code("/deployments?cursor=" .. cursor:sub(1, -2)))
    end)

    it("are worth nothing after a reset without a seed", function()
      w = world.new { seed = false }
      for slug = 1, 3 do
        w:post("/projects", { slug = "shop-" .. slug })
      end
      cursor = w:get("/projects?limit=1").json.next_cursor
      w.emulator:reset()
      assert.equal("cursor_invalid", code("/projects?cursor=" .. cursor))
    end)
  end)

  it("bound the work of a page: one may be short, or empty, and more follow", function()
    w = world.new { rate_limit = false, branches = { "main", "rare" } }
    local first = w:deployed { branch = "rare", metadata = { mark = "x" } }
    local after = first.created_at + 1
    w:wait(10)
    for _ = 1, 2100 do
      w:deploy()
    end
    local query = ("/deployments?created_before=%d&limit=5"):format(after)
    local page = w:get(query).json
    assert.same({}, page.data)
    assert.is_true(page.has_more)
    local list = w:walk(query)
    assert.same({ first.id }, ids(list))
    assert.is_false(w:get("/deployments?branch=rare").json.has_more)
  end)
end)

describe("a series", function()
  it("gives what is in it in the order of the keys, whatever came and went", function()
    for round = 1, 20 do
      local roll, made, model = dice(round), series.new(), {}
      for _ = 1, 400 do
        local key = roll(120)
        if roll(5) <= 2 then
          made:remove(key)
          model[key] = nil
        else
          made:put(key, { key = key })
          model[key] = true
        end
      end
      local keys = {}
      for key in pairs(model) do
        keys[#keys + 1] = key
      end
      table.sort(keys)
      assert.equal(#keys, made.count)
      local start = roll(120)
      local rising, falling = {}, {}
      for row in made:walk(start) do
        rising[#rising + 1] = row.key
      end
      for row in made:walk(start, true) do
        table.insert(falling, 1, row.key)
      end
      local expected_rising, expected_falling = {}, {}
      for _, key in ipairs(keys) do
        if key > start then
          expected_rising[#expected_rising + 1] = key
        elseif key < start then
          expected_falling[#expected_falling + 1] = key
        end
      end
      assert.same(expected_rising, rising)
      assert.same(expected_falling, falling)
    end
  end)
end)

describe("base64 for URLs", function()
  local cases = {
    { "", "" }, { "f", "Zg" }, { "fo", "Zm8" }, { "foo", "Zm9v" }, { "foob", "Zm9vYg" }, { "fooba", "Zm9vYmE" },
    { "\255\254\253", "__79" }, { "\0\0", "AAA" }, { "\251\239\190", "----" },
  }
  for _, case in ipairs(cases) do
    it(("of %s"):format(json.encode(case[2])), function()
      assert.equal(case[2], base64.encode(case[1]))
      assert.equal(case[1], base64.decode(case[2]))
    end)
  end

  it("refuses what is none", function()
    for _, text in ipairs { "Zg==", "Z", "Zm9vY", "Zm+v", "Zm/v", "Zm 9v" } do
      assert.is_nil(base64.decode(text))
    end
  end)
end)

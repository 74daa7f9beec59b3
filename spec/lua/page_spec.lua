local fake = require "spec.lua.support.fake"
local gitdev = require "gitdev"
local json = require "gitdev.json"

-- `count` things behind pages of the sizes given; the cursor of a page is its number.
local function pages(sizes)
  local next_id = 0
  return function(call)
    local number = tonumber(call.path:match "cursor=p(%d+)" or 1)
    local data = json.array {}
    for i = 1, sizes[number] do
      next_id = next_id + 1
      data[i] = { id = "dep_" .. next_id, object = "deployment" }
    end
    local more = number < #sizes
    return { object = "list", data = data, has_more = more, next_cursor = more and "p" .. number + 1 or gitdev.null }
  end
end

local function ids(iterator)
  local list = {}
  for thing in iterator do
    list[#list + 1] = thing.id
  end
  return table.concat(list, " ")
end

describe("list", function()
  it("returns one page, whose things have methods", function()
    local git, seen = fake.client(pages { 2, 1 })
    local page = git.deployments:list { project = "my-app", status = "live", limit = 2 }
    assert.equal("/deployments?project=my-app&status=live&limit=2", seen[1].path)
    assert.same({ 2, true, "p2" }, { #page.data, page.has_more, page.next_cursor })
    assert.is_function(page.data[1].cancel)
    assert.equal(1, #seen)
  end)

  it("goes on with the same filters and the cursor, until there is no more", function()
    local git, seen = fake.client(pages { 2, 1 })
    local params = { project = "my-app", limit = 2 }
    local first = git.deployments:list(params, { timeout = 7 })
    params.project, params.limit = "other", nil
    local second = first:next()
    assert.equal("/deployments?project=my-app&limit=2&cursor=p2", seen[2].path)
    assert.equal(7, seen[2].timeout)
    assert.same({ "dep_3", false }, { second.data[1].id, second.has_more })
    assert.is_nil(second.next_cursor)
    assert.is_nil(second:next())
    assert.equal(2, #seen)
  end)

  it("can begin at a cursor, and escapes it", function()
    local git, seen = fake.client(function(_, calls)
      return { object = "list", data = json.array {}, has_more = true, next_cursor = "c+/=&" .. #calls + 1 }
    end)
    local page = git.deployments:list { cursor = "a b", limit = 5 }
    page:next()
    assert.equal("/deployments?limit=5&cursor=a%20b", seen[1].path)
    assert.equal("/deployments?limit=5&cursor=c%2B%2F%3D%262", seen[2].path)
  end)

  it("returns what went wrong beside nil in the safe style, nil alone at the end", function()
    local git = fake.client(function(call)
      if call.path:find "cursor" then
        return { type = "api_error", code = "unavailable", message = "Later.", status = 503 }
      end
      return { object = "list", data = json.array {}, has_more = true, next_cursor = "c" }
    end, nil, "gitdev.safe")
    local page = git.deployments:list()
    local value, err = page:next()
    assert.is_nil(value)
    assert.equal("unavailable", err.code)
    local last = fake.client(pages { 1 }, nil, "gitdev.safe").deployments:list()
    assert.same({ 0 }, { select("#", last:next()) - 1 })
    assert.is_nil((last:next()))
  end)

  it("refuses answers that are no page", function()
    local CASES = {
      { '{"object":"list"}', "not_a_list" },
      { '{"object":"list","data":"x","has_more":false}', "not_a_list" },
      { '{"object":"list","data":{"a":1},"has_more":false}', "not_a_list" },
      { '{"object":"list","data":[1,2],"has_more":false}', "not_a_list" },
      { '{"object":"list","data":[null],"has_more":false}', "not_a_list" },
      { '{"object":"list","data":[],"has_more":true}', "no_cursor" },
      { '{"object":"list","data":[],"has_more":true,"next_cursor":null}', "no_cursor" },
      { '{"object":"list","data":[],"has_more":true,"next_cursor":"here"}', "same_cursor" },
      { "[]", "not_a_list" },
    }
    for _, case in ipairs(CASES) do
      local git = fake.client({ { status = 200, body = case[1] } }, nil, "gitdev.safe")
      local value, err = git.deployments:list { cursor = "here" }
      assert.is_nil(value)
      assert.same({ "response_error", case[2], 200 }, { err.type, err.code, err.status })
    end
  end)

  it("leaves things without operations plain", function()
    local git = fake.client { { object = "list", data = { { object = "log_line", seq = 1 } }, has_more = false } }
    assert.is_nil(getmetatable(git.deployments.logs:list("dep_1").data[1]))
  end)
end)

describe("each", function()
  it("walks all pages, empty ones too, and asks for a page when it is needed", function()
    local git, seen = fake.client(pages { 2, 0, 0, 1, 0 })
    local iterator = git.deployments:each { project = "my-app", limit = 2 }
    assert.equal(0, #seen)
    assert.equal("dep_1", iterator().id)
    assert.equal(1, #seen)
    assert.equal("dep_2 dep_3", ids(iterator))
    assert.equal(5, #seen)
    assert.is_nil(iterator())
    assert.equal(5, #seen)
    assert.equal("/deployments?project=my-app&limit=2&cursor=p5", seen[5].path)
  end)

  it("ends at once for an empty list, and asks no more after an early stop", function()
    assert.equal("", ids(fake.client(pages { 0 }).deployments:each()))
    local git, seen = fake.client(pages { 2, 2, 2 })
    for thing in git.deployments:each() do
      if thing.id == "dep_3" then
        break
      end
    end
    assert.equal(2, #seen)
    assert.equal("/deployments?cursor=p2", seen[2].path)
  end)

  it("takes path parameters first", function()
    local git, seen = fake.client(pages { 1, 1 })
    assert.equal("dep_1 dep_2", ids(git.env:each("my-app", { target = "preview" })))
    assert.equal("/projects/my-app/env?target=preview&cursor=p2", seen[2].path)
  end)

  it("raises in both styles", function()
    for _, module in ipairs { "gitdev", "gitdev.safe" } do
      local git = fake.client(function(call)
        if call.path:find "cursor" then
          return { type = "api_error", code = "unavailable", message = "Later.", status = 503 }
        end
        return { object = "list", data = { { id = "dep_1", object = "deployment" } }, has_more = true, next_cursor = "c" }
      end, nil, module)
      local iterator = git.deployments:each()
      assert.equal("dep_1", iterator().id)
      assert.is_true(gitdev.is_error(fake.raised(iterator), "unavailable"))
    end
  end)

  it("keeps one page in memory", function()
    local git = fake.client(function(call)
      local number = tonumber(call.path:match "cursor=(%d+)" or 1)
      local data = {}
      for i = 1, 100 do
        data[i] = { id = "dep_" .. number .. "_" .. i, object = "deployment", note = ("x"):rep(100) .. i .. number }
      end
      return { object = "list", data = data, has_more = number < 60, next_cursor = tostring(number + 1) }
    end)
    -- what has been asked is kept by the fake client; the things must not be
    local live, count = setmetatable({}, { __mode = "k" }), 0
    for thing in git.deployments:each() do
      live[thing] = true
      count = count + 1
    end
    collectgarbage()
    collectgarbage()
    local kept = 0
    for _ in pairs(live) do
      kept = kept + 1
    end
    assert.equal(6000, count)
    assert.is_true(kept <= 100, kept .. " things are still there")
  end)
end)

-- The emulator's state: written, read back, and kept between two runs.
local emulator = require "spec.lua.support.emulator"
local json = require "gitdev.json"
local process = require "spec.lua.support.process"
local schema = require "gitdev.schema"
local test = require "gitdev.test"
local tour = require "spec.lua.support.tour"
local world = require "spec.lua.support.world"

local function control(w, method, path, body)
  return w:send(method, path, body, { base = "/_emulator", key = false })
end

-- A world in which something is under way: a build, a fault, a skipped hour, an answer that is kept.
local function busy_world()
  local w = world.new {}
  w:post("/projects", { slug = "second" })
  w:post("/projects/my-app/env", { key = "TEXT", value = "ä\n\"\\ 😀", secret = true })
  w.emulator:skip(3600 * 1000)
  w:deploy { metadata = { note = "first" }, env = { A = "1" } }
  w:post("/projects", { slug = "third" }, { headers = { ["idempotency-key"] = "once" } })
  w.emulator:fault { status = 503, after = 2, match = { op = "projects.list" } }
  return w
end

-- What a world shows, and does from here on: with a seed, to the byte.
local function behaviour(w)
  local seen = {}
  local function note(answer)
    seen[#seen + 1] = answer.status .. " " .. tostring(answer.body)
  end
  note(w:get "/projects?limit=2")
  note(w:get "/deployments")
  note(w:get "/projects/my-app/env")
  note(w:post("/projects", { slug = "third" }, { headers = { ["idempotency-key"] = "once" } }))
  w:wait(3)
  note(w:get "/deployments?status=live")
  note(w:get "/projects")
  note(w:get "/projects")
  note(w:post("/deployments", { project = "second" }))
  seen[#seen + 1] = table.concat(w:events(), " ")
  seen[#seen + 1] = json.encode(w.emulator:requests())
  return table.concat(seen, "\n")
end

describe("a state", function()
  it("goes on as the world would have that it was taken from", function()
    local first = busy_world()
    local text = first.emulator:dump()
    local second = world.new { seed = 2 }
    second.key = first.key
    assert.is_true(second.emulator:restore(text))
    second.now = first.now
    assert.equal(behaviour(first), behaviour(second))
  end)

  it("opens to the keys of both, the one it was taken from and the one it is in", function()
    local first, second = busy_world(), world.new { seed = 2 }
    assert(second.emulator:restore(first.emulator:dump()))
    local mine = second:get "/projects"
    second.key = first.key
    assert.equal(mine.body, second:get("/projects").body)
    assert.equal(3, #mine.json.data)
  end)

  it("takes up time where it was, where the clock is behind it", function()
    local first, second = busy_world(), world.new { seed = 2 }
    first:wait(500)
    assert(second.emulator:restore(first.emulator:dump()))
    assert.equal(first.emulator.now_ms, second.emulator.now_ms)
    second:wait(7)
    assert.equal(first.emulator.now_ms + 7000, second.emulator.now_ms)
  end)

  it("has happened what was due meanwhile, where the clock is ahead", function()
    local first, second = busy_world(), world.new { seed = 2 }
    second.now = first.now + 60
    assert(second.emulator:restore(first.emulator:dump()))
    assert.equal("live", second:get("/deployments").json.data[1].status)
  end)

  it("is refused when it is none, and nothing changes", function()
    local w = busy_world()
    local text = w.emulator:dump()
    local CASES = {
      "", "{}", "[]", "null", text:sub(1, -10), text:gsub('"version":1', '"version":2', 1), text:gsub('"collection"', '"nonesuch"', 1),
      text:gsub('"rows":%[', '"rows":[{"list":[["nonesuch",""]],"rest":[]},', 1), '{"format":"gitdev emulator state","version":1,"rows":[]}',
    }
    for _, case in ipairs(CASES) do
      local ok, problem = w.emulator:restore(case)
      assert.is_nil(ok, case:sub(1, 60))
      assert.matches("^This .*%.$", problem)
    end
    assert.equal(text, w.emulator:dump())
  end)

  it("is forgotten by a reset", function()
    local w = busy_world()
    w.emulator:reset()
    assert.equal(1, #w:get("/projects").json.data)
    assert.same({}, w:get("/deployments").json.data)
  end)
end)

-- All things of both modes, as they would be answered, and all that has happened.
local function contents(made)
  local parts = {}
  for _, livemode in ipairs { false, true } do
    for object, collection in pairs(made.tenants[livemode] and made.tenants[livemode].things or {}) do
      local known = schema.object(object)
      for thing in collection.all:walk() do
        parts[#parts + 1] = known and object .. " " .. schema.encode(known.fields, thing) or nil
      end
    end
  end
  table.sort(parts)
  return table.concat(parts, "\n")
end

describe("whatever has been done in an emulator", function()
  local DAYS = 40

  for _, name in ipairs(tour.names()) do
    it("is kept, and goes on the same way: " .. name, function()
      local first, second = test.world { seed = 1 }, test.world { seed = 2 }
      first:run(function()
        tour.load(name)(require("gitdev").client(), tour.control(first.emulator))
      end)
      local text = first.emulator:dump()
      assert(second.emulator:restore(text))
      assert.equal(contents(first.emulator), contents(second.emulator))
      for _ = 1, DAYS do
        first.emulator:skip(24 * 3600 * 1000)
        second.emulator:skip(24 * 3600 * 1000)
      end
      assert.equal(contents(first.emulator), contents(second.emulator))
    end)
  end
end)

describe("a state's file", function()
  local path

  before_each(function()
    path = os.tmpname()
  end)

  after_each(function()
    os.remove(path)
  end)

  local function content()
    local file = assert(io.open(path, "rb"))
    local text = file:read "*a"
    file:close()
    return text
  end

  it("is whole, or as it was", function()
    local w = busy_world()
    assert.is_true(w.emulator:save(path))
    assert.equal(w.emulator:dump(), content())
    assert.is_true(w.emulator:load(path))
    local ok, problem = w.emulator:save "/no/such/directory/state"
    assert.is_nil(ok)
    assert.matches("No such file", problem)
    -- A state that cannot be written leaves the old file, and nothing beside it.
    local before = content()
    w.emulator.tenants[false].things.project.extra = coroutine.create(function() end)
    assert.has_error(function()
      w.emulator:save(path)
    end)
    assert.equal(before, content())
    local _, beside = process.run("ls " .. path .. ".*.part")
    assert.equal("", beside)
  end)

  it("says which file is no state", function()
    local w = world.new {}
    local ok, problem = w.emulator:load(path)
    assert.is_nil(ok)
    assert.equal(path .. ": This is no state of the emulator.", problem)
  end)

  it("keeps an emulator's world between two runs of the program", function()
    os.remove(path)
    local options = "--state " .. path
    local made = 'curl -sS --fail --cacert "$GIT_CA_FILE" -H "Authorization: Bearer $GIT_API_KEY"'
    local status, _, err = emulator.run(made .. [[ -H "Content-Type: application/json" -d '{"slug":"kept"}' "$GIT_API_URL/projects"]], options)
    assert.equal(0, status, err)
    local _, out = emulator.run(made .. ' "$GIT_API_URL/projects/kept"; ' .. made .. ' -X POST "${GIT_API_URL%/v2}/_emulator/save"', options)
    assert.equal("kept", json.decode(out).slug)
  end)

  it("is refused at the start if it is none, and stays as it is", function()
    local file = assert(io.open(path, "wb"))
    file:write "something else"
    file:close()
    local status, _, err = process.gitdev { "emulator", "--state", path }
    assert.equal(1, status)
    assert.matches("is no state of the emulator", err)
    assert.equal("something else", content())
  end)
end)

describe("the control plane", function()
  it("gives the state, and takes one", function()
    local first, second = busy_world(), world.new { seed = 2 }
    local shown = control(first, "GET", "/state")
    assert.equal(200, shown.status)
    assert.equal(204, control(second, "POST", "/state", shown.body).status)
    assert.equal(3, #second:get("/projects").json.data)
    assert.equal(400, control(second, "POST", "/state", "{}").status)
  end)

  -- States that can be read, and hold less than a world.
  local damaged = {
    ["nothing"] = '{"list":[],"rest":[]}',
    ["one table"] = '{"list":[],"rest":[["keys",[2]]]},{"list":[],"rest":[]}',
  }
  for what, rows in pairs(damaged) do
    it("refuses a state of " .. what .. ", and goes on as it was", function()
      local w = busy_world()
      local before = w.emulator:dump()
      local answer = control(w, "POST", "/state", '{"format":"gitdev emulator state","version":1,"rows":[' .. rows .. "]}")
      assert.equal(400, answer.status)
      assert.matches("^This state is damaged", answer.json.error.message)
      assert.equal(before, w.emulator:dump())
    end)
  end

  it("refuses a state that cannot go on, and goes on as it was", function()
    local w = busy_world()
    local before = w.emulator:dump()
    local broken, count = before:gsub('%["now_ms",%d+%]', '["now_ms",false]')
    assert.equal(1, count)
    assert.equal(400, control(w, "POST", "/state", broken).status)
    broken, count = before:gsub('"class":"schedule"', '"class":"bucket"')
    assert.equal(1, count)
    assert.equal(400, control(w, "POST", "/state", broken).status)
    assert.equal(before, w.emulator:dump())
    assert.equal(200, w:get("/projects").status)
  end)

  it("saves where the emulator was told to, and nowhere else", function()
    local path = os.tmpname()
    local w = world.new { state = path }
    assert.equal(204, control(w, "POST", "/save").status)
    assert.is_true(w.emulator:load(path))
    os.remove(path)
    assert.equal(409, control(world.new {}, "POST", "/save").status)
    assert.equal(500, control(world.new { state = "/no/such/directory/state" }, "POST", "/save").status)
  end)
end)

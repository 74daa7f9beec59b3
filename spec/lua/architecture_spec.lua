-- Arrows run down only: what a floor may include or require is written here once, and held against the sources.

-- Each floor of core/ and those that it stands on.
local FLOORS = {
  policy = { "policy", "wire" },
  wire = { "wire" },
  call = { "call", "policy", "wire" },
  net = { "net", "call", "policy", "wire" },
  lua = { "lua", "net", "call", "policy", "wire" },
  open = { "open" },
  host = { "open" },
}

-- What only some floors may know.
local SYSTEM = {
  { pattern = "^lua.*%.h$", floors = { lua = true, open = true, host = true } },
  { pattern = "^lauxlib%.h$", floors = { lua = true, open = true, host = true } },
  { pattern = "^curl/", floors = { net = true, lua = true } },
  { pattern = "^openssl/ssl", floors = { net = true } },
  { pattern = "^sys/socket", floors = { net = true } },
  { pattern = "^sys/epoll", floors = { net = true } },
  { pattern = "^git2", floors = { lua = true } },
}

local function files(pattern)
  local list = {}
  local pipe = assert(io.popen("git ls-files --cached --others --exclude-standard '" .. pattern .. "'"))
  for path in pipe:lines() do
    local file = io.open(path)
    if file then
      list[#list + 1] = { path = path, text = file:read "*a" }
      file:close()
    end
  end
  pipe:close()
  assert(#list > 0, "no file is like " .. pattern)
  return list
end

local function allowed(floor, path)
  if path == "gitdev.h" or not path:find "/" then return true end
  for _, below in ipairs(FLOORS[floor]) do
    if path:sub(1, #below + 1) == below .. "/" then return true end
  end
  return false
end

describe("core/", function()
  it("includes only what stands below", function()
    for _, pattern in ipairs { "core/*.c", "core/*.h" } do
      for _, file in ipairs(files(pattern)) do
        local floor = file.path:match "^core/(%w+)/"
        for path in ("\n" .. file.text):gmatch '\n#include "([^"]+)"' do
          assert.is_true(floor == "include" or allowed(floor, path), file.path .. " includes " .. path)
        end
      end
    end
  end)

  it("knows Lua, libcurl, TLS and sockets only where they belong", function()
    for _, pattern in ipairs { "core/*.c", "core/*.h" } do
      for _, file in ipairs(files(pattern)) do
        local floor = file.path:match "^core/(%w+)/"
        for path in ("\n" .. file.text):gmatch "\n#include <([^>]+)>" do
          for _, rule in ipairs(SYSTEM) do
            assert.is_true(not path:find(rule.pattern) or rule.floors[floor] == true, file.path .. " includes " .. path)
          end
        end
      end
    end
  end)
end)

describe("lua/gitdev/", function()
  local function requires(file)
    local names = {}
    for name in file.text:gmatch 'require%s*%(?%s*"([^"]+)"' do
      names[#names + 1] = name
    end
    return names
  end

  it("has a contract that requires nothing", function()
    for _, file in ipairs(files "lua/gitdev/api/*.lua") do
      assert.same({}, requires(file), file.path)
    end
  end)

  it("has an order in which modules require each other, downwards only", function()
    local ORDER = { { "surface" }, { "client" }, { "call", "request", "scope" }, { "loop", "sink", "source" }, { "task" }, { "schedule", "queue" } }
    local rank, seen = {}, 0
    for number, row in ipairs(ORDER) do
      for _, name in ipairs(row) do
        rank["gitdev." .. name] = number
      end
    end
    for _, file in ipairs(files "lua/gitdev/*.lua") do
      local own = rank["gitdev." .. (file.path:match "^lua/gitdev/(%w+)%.lua$" or "")]
      seen = seen + (own and 1 or 0)
      for _, name in ipairs(own and requires(file) or {}) do
        assert.is_true(not rank[name] or rank[name] > own, file.path .. " requires " .. name)
      end
    end
    assert.equal(11, seen)
  end)

  it("has a loop, and tasks, whose files require downwards only", function()
    local ORDER = {
      { "loop" },
      { "loop.errands", "loop.sockets" },
      { "loop.calls" },
      { "loop.turning" },
      { "loop.services" },
      { "loop.worlds" },
      { "loop.news", "loop.posts", "loop.commands" },
      { "task" },
      { "task.scheduler" },
      { "task.ending" },
      { "task.waiting", "task.chain" },
    }
    local rank, seen = {}, 0
    for number, row in ipairs(ORDER) do
      for _, name in ipairs(row) do
        rank["gitdev." .. name] = number
      end
    end
    for _, pattern in ipairs { "lua/gitdev/loop*.lua", "lua/gitdev/task*.lua" } do
      for _, file in ipairs(files(pattern)) do
        local name = file.path:match("^lua/(.+)%.lua$"):gsub("/", ".")
        local own = assert(rank[name], name .. " stands nowhere")
        seen = seen + 1
        for _, wanted in ipairs(requires(file)) do
          assert.is_true(not rank[wanted] or rank[wanted] > own, name .. " requires " .. wanted)
        end
      end
    end
    assert.equal(15, seen)
  end)

  it("has an SDK that knows neither the emulator nor the host", function()
    for _, file in ipairs(files "lua/gitdev/*.lua") do
      local room = file.path:match "^lua/gitdev/(%w+)/"
      if file.path == "lua/gitdev/test.lua" then
        room = "emulator" -- it puts the two together, for tests of one's own
      end
      for _, name in ipairs(requires(file)) do
        local wanted = name:match "^gitdev%.(%w+)"
        local fine = wanted ~= "cli" and wanted ~= "emulator" or room == "cli" or room == "emulator" and wanted == "emulator"
        assert.is_true(fine, file.path .. " requires " .. name)
      end
    end
  end)

  -- What is above may require what is below; rooms of one row do not know each other.
  it("has an emulator whose rooms require downwards only", function()
    local ORDER = {
      { "resources" },
      { "seed", "pipelines", "domains", "edge", "webhooks", "security" },
      { "deployments" },
      { "git" },
      { "request" },
      { "organization" },
      { "store" },
      { "refusal" },
    }
    local rank, looked = {}, 0
    for number, row in ipairs(ORDER) do
      for _, name in ipairs(row) do
        rank[name] = number
      end
    end
    for _, file in ipairs(files "lua/gitdev/emulator/*.lua") do
      local own = file.path:match "^lua/gitdev/emulator/([%l_]+)"
      for _, name in ipairs(rank[own] and requires(file) or {}) do
        local wanted = name:match "^gitdev%.emulator%.([%l_]+)"
        local fine = not wanted or wanted == own or rank[wanted] and rank[wanted] > rank[own]
        assert.is_true(fine, file.path .. " requires " .. name)
        looked = looked + 1
      end
    end
    assert.is_true(looked > 100)
  end)

  it("has descriptions that stand on the contract, and that only the host knows", function()
    local BELOW = { api = true, describe = true, json = true, object = true, schema = true, types = true }
    for _, file in ipairs(files "lua/gitdev/*.lua") do
      local room = file.path:match "^lua/gitdev/(%w+)/"
      for _, name in ipairs(requires(file)) do
        local wanted = name:match "^gitdev%.(%w+)"
        local fine = wanted ~= "describe" or room == "describe" or room == "cli"
        fine = fine and (room ~= "describe" or not wanted or BELOW[wanted] == true) -- the bare name stands in texts
        assert.is_true(fine, file.path .. " requires " .. name)
      end
    end
  end)
end)

-- What the documents show must work, and what they repeat must be what the source says.
local blocks = require "spec.lua.support.guide.blocks"
local emulator = require "spec.lua.support.emulator"
local guide = require "spec.lua.support.guides"
local process = require "spec.lua.support.process"
local room = require "spec.lua.support.guide.room"

local function slurp(path)
  local file = assert(io.open(path))
  local text = file:read "*a"
  file:close()
  return text
end

local function files(pattern)
  local list, names = {}, assert(io.popen("ls " .. pattern))
  for path in names:lines() do
    list[#list + 1] = path
  end
  names:close()
  return list
end

-- All pages there are, the reference's too, whose blocks examples_spec runs.
local function all_pages()
  return files "README.md docs/*.md docs/reference/*.md"
end

-- Those that are no guides: guides_spec runs every block of a guide, here the Lua of the others is run.
local function other_pages()
  local known, list = {}, {}
  for _, path in ipairs(guide.pages) do
    known[path] = true
  end
  for _, path in ipairs(files "README.md docs/*.md") do
    list[#list + 1] = not known[path] and path or nil
  end
  return list
end

describe("the documents", function()
  teardown(room.close)

  for _, path in ipairs(other_pages()) do
    for _, block in ipairs(blocks.read(path)) do
      if block.language == "lua" then
        it(("run: %s:%d"):format(path, block.line), function()
          local status, _, err = guide.runners.lua(block.text)
          assert.equal(0, status, err)
        end)
      end
    end
  end

  it("link to files that exist", function()
    for _, path in ipairs(all_pages()) do
      local folder = path:match "^(.*/)" or ""
      for target in slurp(path):gmatch "%]%(([^)#]+)[^)]*%)" do
        if not target:find "^https?:" then
          local file = io.open(folder .. target)
          assert.is_truthy(file, path .. " links to " .. target)
          file:close()
        end
      end
    end
  end)

  -- What a heading is called in a link, as renderers of Markdown make it.
  local function anchors(path)
    local known = {}
    for title in slurp(path):gsub("\n```.-\n```", ""):gmatch "\n#+ ([^\n]+)" do
      known[title:gsub("%[([^%]]*)%]%([^)]*%)", "%1"):gsub("[^%w%-_ \128-\255]", ""):lower():gsub(" ", "-")] = true
    end
    return known
  end

  it("link to headings that exist", function()
    local count = 0
    for _, path in ipairs(files "README.md docs/*.md") do
      local folder = path:match "^(.*/)" or ""
      for target, anchor in slurp(path):gmatch "%]%(([^)#:]*)#([^)]+)%)" do
        local page = target == "" and path or folder .. target
        assert.is_true(anchors(page)[anchor], path .. " links to #" .. anchor .. " of " .. page)
        count = count + 1
      end
    end
    assert.is_true(count > 20)
  end)

  it("have each of CMake's options once, with its default", function()
    local known, rows = {}, {}
    for _, path in ipairs { "CMakeLists.txt", "core/lua/CMakeLists.txt" } do
      local text = slurp(path)
      for name, default in text:gmatch 'option%(([%u_]+) "[^"]*" ([^%s)]+)%)' do
        known[name] = default == "${PROJECT_IS_TOP_LEVEL}" and "ON" or default
      end
      for name in text:gmatch 'set%((GITDEV_[%u_]+) "" CACHE' do
        known[name] = "a path or a list"
      end
    end
    for names, default in slurp("docs/installing.md"):gmatch "\n| (`GITDEV_[^|]+) | ([^|]+) |" do
      for name in names:gmatch "`([%u_]+)`" do
        assert.is_nil(rows[name], name)
        rows[name] = default:match "^`(O%u+)`$" or "a path or a list"
      end
    end
    assert.is_truthy(next(known))
    assert.same(known, rows)
  end)

  it("have the host's exit codes as the host has them", function()
    local rows = {}
    for code, meaning in slurp("docs/scripting.md"):gmatch "\n| (%d+) | (.-) |" do
      rows[#rows + 1] = { tonumber(code), meaning }
    end
    assert.same(require("gitdev.cli.help").exit_codes, rows)
  end)

  it("name the environment as the host's help does", function()
    local readme = slurp "README.md"
    for _, row in ipairs(require("gitdev.cli.help").environment) do
      assert.is_truthy(readme:find("| `" .. row[1] .. "` |", 1, true), row[1])
    end
  end)
end)

describe("the examples", function()
  it("begin with the README's snippet, which prints the page's URL", function()
    local snippet = slurp("README.md"):match "```lua\n(.-)```"
    assert.is_truthy(slurp("examples/deploy.lua"):find(snippet, 1, true))
    local script = process.file(snippet)
    local status, out, err = process.gitdev { "--emulator", script }
    os.remove(script)
    assert.equal(0, status, err)
    assert.equal("https://my-app.git.dev\n", out)
    assert.matches("building.*deploying.*live", err)
  end)

  it("deploy from C", function()
    local program = process.host:gsub("[^/]+$", "deploy_c")
    local status, out, err = emulator.run(program)
    assert.equal(0, status, err)
    assert.matches('^201 {"id":"dep_%w+","object":"deployment","project":"my%-app"', out)
    status, out, err = process.run("env -u GIT_API_KEY " .. program)
    assert.equal(1, status)
    assert.equal("", out)
    assert.matches("api_key", err)
  end)
end)

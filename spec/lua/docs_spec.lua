-- What the documents show must work, and what they repeat must be what the source says.
local compat = require "gitdev.compat"
local emulator = require "spec.lua.support.emulator"
local process = require "spec.lua.support.process"
local sender = require "spec.lua.support.sender"

local DOCUMENTS = {
  "README.md",
  "docs/scripting.md",
  "docs/logs.md",
  "docs/testing.md",
  "docs/webhooks.md",
  "docs/emulator.md",
  "docs/emulator-behaviour.md",
  "docs/emulator-choices.md",
  "docs/openapi.md",
  "docs/c.md",
  "docs/architecture.md",
}

local function slurp(path)
  local file = assert(io.open(path))
  local text = file:read "*a"
  file:close()
  return text
end

local function blocks(path, language)
  local list = {}
  for text in slurp(path):gmatch("```" .. language .. "\n(.-)```") do
    list[#list + 1] = text
  end
  return list
end

-- The documents, and the pages of the reference, whose blocks examples_spec runs.
local function with_reference()
  local list, pages = { compat.unpack(DOCUMENTS) }, assert(io.popen "ls docs/reference/*.md")
  for path in pages:lines() do
    list[#list + 1] = path
  end
  pages:close()
  return list
end

-- A receiver would serve for ever: here it stops as soon as it has started, on whatever port is free, and with a spool of its own.
local RECEIVE = [[
  local receiver = require "gitdev.webhooks.receiver"
  local serve = receiver.serve
  function receiver.serve(options)
    options.port, options.spool = 0, options.spool and "%s"
    local one = assert(serve(options))
    one:stop()
    return one
  end
]]

local function run_receiver(text)
  local script, folder = process.file(text), sender.folder()
  local status, out, err = process.gitdev({ "-e", RECEIVE:format(folder), script }, nil,
    "GIT_API_KEY=gsk_test_abcdefghijklmnopqrstuvwxyz012345 GIT_WEBHOOK_SECRET=" .. sender.SECRET)
  os.remove(script)
  sender.remove(folder)
  return status, out, err
end

-- A document's block runs in the host. What makes no server of its own, and no world, runs in a virtual one: an emulator, and no waiting.
local function run_block(text)
  if text:find "webhooks%.serve" then
    return run_receiver(text)
  end
  local script = process.file(text)
  local words = { "--quiet", script }
  if not text:find('require%(?%s*"gitdev%.emulator%.server"') and not text:find 'require%(?%s*"gitdev%.test"' then
    words = { "--quiet", "-e", ("require('gitdev.test').world():script(%q)"):format(script) }
  end
  local status, out, err = process.gitdev(words)
  os.remove(script)
  return status, out, err
end

describe("the documents", function()
  for _, path in ipairs(DOCUMENTS) do
    for number, text in ipairs(blocks(path, "lua")) do
      it("run: " .. path .. ", Lua block " .. number, function()
        local status, _, err = run_block(text)
        assert.equal(0, status, err)
      end)
    end
  end

  it("link to files that exist", function()
    for _, path in ipairs(with_reference()) do
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
    local snippet = blocks("README.md", "lua")[1]
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

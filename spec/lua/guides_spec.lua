-- Every block of code in the guides is run: the guides are for those who copy from them.
local blocks = require "spec.lua.support.guide.blocks"
local guide = require "spec.lua.support.guides"
local process = require "spec.lua.support.process"
local room = require "spec.lua.support.guide.room"

-- GITDEV_GUIDE=c.md runs the blocks of one alone, for who writes it.
local only = os.getenv "GITDEV_GUIDE" or ""

-- Of a guide that is not there, or has nothing to run, a test says so.
local function blocks_of(path)
  local ok, list = pcall(blocks.read, path)
  it("can be read: " .. path, function()
    assert.is_true(ok and #list > 0, ok and "it has no block" or list)
  end)
  return ok and list or {}
end

describe("the guides", function()
  teardown(room.close)

  for _, path in ipairs(guide.pages) do
    for _, block in ipairs(path:find(only, 1, true) and blocks_of(path) or {}) do
      if not guide.silent[block.language] then
        it(("run: %s:%d (%s)"):format(path, block.line, block.language), function()
          local run = assert(guide.runners[block.language], "nothing runs blocks of this language")
          local status, out, err = run(block.text, block.language)
          assert.equal(0, status, out .. (err or ""))
        end)
      end
    end
  end
end)

-- What runs the blocks must not let one pass that does not do what it shows.
local BROKEN = {
  { "lua", "local git = require('gitdev').client()\ngit.projects:get 'no-such-project'" },
  { "lua", "require('gitdev').spawn(function() error 'late' end)" },
  { "lua", "ngx.exit(444)" },
  { "lua", "ngx.timer.at(0.1, function() error 'late' end)" },
  { "lua", "function love.draw() love.graphics.prnt() end" },
  { "lua", "function love.load() = end" },
  { "nginx", "location = /x { retrun 200; }" },
  { "nginx", "location = /x { content_by_lua_block { error 'no' } }" },
  { "nginx", "location ^~ /x { content_by_lua_block { ngx.exit(444) } }" },
  { "nginx", "location ~ ^/x { content_by_lua_block { error 'no' } }" },
  { "nginx", "init_worker_by_lua_block { error 'no' }" },
  { "nginx", "log_by_lua_block { error 'no' }" },
  { "nginx", "server { listen 80; # here\n location = /x { return 500; } }" },
  { "c", "return 1;" },
  { "c", "gitdev_nothing();" },
  { "c", "static void f(void) {\n  gitdev_nothing();\n}" },
  { "c", "#include <gitdev.h>\nint main(void) { return 2; }" },
  { "cmake", "find_package(gitdev REQUIRED)\nadd_executable(x x.c)\ntarget_link_libraries(x gitdev::nothing)" },
  { "sh", "no-such-command | cat" },
  { "sh", "export GIT_API_KEY=$(no-such-command)" },
  { "sh", "false | cat" },
  { "sh", "gitdev emulator --no-such-option &" },
  { "sh", "./dev instal" },
  { "sh", "sudo apt-get install no-such-package" },
  { "sh", "luarocks make --dep-mode none" },
  { "sh", "man no-such-page" },
  { "sh", "cmake --preset no-such-preset" },
  { "sh", "cmake --preset release -DGITDEV_NO_SUCH_OPTION=1" },
  { "sh", "cmake --build no-such-folder" },
  { "sh", "cmake --install build --component no-such-component" },
  { "console", "$ no-such-command" },
  { "console", "nothing is typed" },
  { "json", "{ 'a': 1 }" },
  { "python", "raise SystemExit(3)" },
}

describe("a block that is broken", function()
  teardown(room.close)

  for _, case in ipairs(BROKEN) do
    local language, text = case[1], case[2]
    it(("does not pass: %s: %s"):format(language, (text:gsub("\n", " "))), function()
      local ran, status = pcall(guide.runners[language], text .. "\n", language)
      assert.is_false(ran and status == 0)
    end)
  end

  it("is one with a fence that is none", function()
    for _, text in ipairs { "  ```lua\n  x\n  ```\n", "~~~lua\nx\n~~~\n", "```lua\nx\n", "```lua\nx\n````\n" } do
      local path = process.file(text)
      local ok = pcall(blocks.read, path)
      os.remove(path)
      assert.is_false(ok, text)
    end
  end)

  it("leaves nothing running", function()
    local _, out = guide.runners.sh "sleep 4321 & echo $!\n"
    assert.is_truthy(process.run("kill -0 " .. assert(out:match "%d+")) ~= 0)
    _, out = guide.runners.sh "sleep 4321 & echo $!\nfalse\n"
    assert.is_truthy(process.run("kill -0 " .. assert(out:match "%d+")) ~= 0)
  end)
end)

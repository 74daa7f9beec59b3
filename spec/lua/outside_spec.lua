-- The libraries for C as others have them: installed, found by CMake and by pkg-config, shared and static, from C, C++ and Python; what they
-- show of themselves; and that they can be loaded and let go.
local emulator = require "spec.lua.support.emulator"
local process = require "spec.lua.support.process"

local quote = process.quote
local build = process.host:gsub("/bin/[^/]+$", "")

-- Its stdout; what goes wrong fails the spec with all that was said.
local function run(command)
  local status, out, err = process.run(command)
  assert(status == 0, command .. "\n" .. out .. err)
  return out
end

-- What a sanitizer has looked into needs a program that brings the sanitizer.
if run(string.format("nm -D %s/lib/libgitdev.so", quote(build))):find "__[at]san_init" then
  describe("an installed gitdev", function()
    pending "is not for others when it is built with a sanitizer"
  end)
  return
end

local folder, root

setup(function()
  folder = run("mktemp -d"):gsub("\n", "")
  root = folder .. "/root"
  for _, component in ipairs { "library", "development" } do
    run(string.format("cmake --install %s --prefix %s --component %s", quote(build), root, component))
  end
end)

teardown(function()
  os.execute("rm -rf " .. folder)
end)

local function pkg_config(words)
  return (run(string.format("PKG_CONFIG_PATH=$(dirname $(find %s -name gitdev.pc)) pkg-config %s", root, words)):gsub("%s+$", ""))
end

-- Where the libraries are, which on Debian is below lib.
local function libraries()
  return pkg_config "--variable=libdir gitdev"
end

-- Runs a program with an emulator's environment.
local function beside_emulator(program)
  local status, out, err = emulator.run(string.format("export LD_LIBRARY_PATH=%s; %s", libraries(), program))
  assert.equal(0, status, out .. err)
  return out, err
end

local LIBRARIES = { "gitdev", "gitdev-lua5.4" }

describe("an installed gitdev", function()
  it("is found by a CMake project, shared and static, for C and C++", function()
    local made = folder .. "/made"
    run(string.format("cmake -S spec/outside -B %s -DCMAKE_PREFIX_PATH=%s", made, root))
    run("cmake --build " .. made)
    for _, name in ipairs { "c_gitdev", "c_static" } do
      assert.equal("0.1.0 200 ok\n", (beside_emulator(made .. "/" .. name)))
    end
    for _, name in ipairs { "cxx_gitdev", "cxx_static" } do
      local out, err = beside_emulator(made .. "/" .. name)
      assert.equal("0.1.0 200\n", out)
      assert.matches("^gitdev %S+ #1 done GET /organization status=200 seconds=%d%.%d+ tries=1 request=req_%w+\n$", err)
    end
    for _, name in ipairs { "lua5.4", "lua5.4-static" } do
      assert.equal("live\ttrue\n", (beside_emulator(made .. "/" .. name)))
    end
    -- What is linked statically needs no library of ours.
    for _, name in ipairs { "c_static", "cxx_static", "lua5.4-static" } do
      assert.is_nil(run("ldd " .. made .. "/" .. name):find "libgitdev")
    end
  end)

  it("refuses a project that wants another version", function()
    local project = folder .. "/newer"
    run("mkdir " .. project)
    for _, version in ipairs { "0.2", "1.0" } do
      local file = assert(io.open(project .. "/CMakeLists.txt", "w"))
      file:write("cmake_minimum_required(VERSION 3.16)\nproject(newer C)\nfind_package(gitdev ", version, " REQUIRED)\n")
      file:close()
      local status, _, err = process.run(string.format("cmake -S %s -B %s/made -DCMAKE_PREFIX_PATH=%s", project, project, root))
      assert.not_equal(0, status)
      assert.matches("gitdev", err)
    end
  end)

  -- Neither flags of ours, nor tests, nor what nobody links; and nothing of ours is installed.
  it("can be a part of another project's build", function()
    local made = folder .. "/within"
    run(string.format("cmake -S spec/outside/within -B %s -G Ninja -DCMAKE_CXX_FLAGS=-Werror", made))
    run(string.format("cmake --build %s -j 2", made))
    assert.equal("0.1.0 200 ok\n", (beside_emulator(made .. "/c_gitdev")))
    assert.equal("0.1.0 200\n", (beside_emulator(made .. "/cxx_static")))
    local compiled = run(string.format("ninja -C %s -t commands c_gitdev", made)):match "[^\n]+outside/call%.c[^\n]*"
    assert.matches("core/include ", compiled)
    assert.is_nil(compiled:find "_GNU_SOURCE" or compiled:find "%-W")
    local products = "find %s -name '*.a' -o -name '*.so' -o -perm -u+x -type f"
    local wanted = "/(c_gitdev|cxx_static|CMakeFiles/.*|libgitdev.(a|so.*))$"
    assert.equal("", run(string.format(products .. " | grep -Ev '%s' || true", made, wanted)))
    assert.matches("Total Tests: 0", run("ctest --test-dir " .. made .. " -N"))
    run(string.format("cmake --install %s --prefix %s/installed", made, made))
    assert.equal(made .. "/installed/bin/c_gitdev\n", run(string.format("find %s/installed -type f", made)))
  end)

  it("is found by pkg-config, shared and static", function()
    local compile = "cc -std=c99 -Wall -Wextra -Wpedantic -Werror spec/outside/%s.c -o %s/%s %s"
    local CASES = {
      { "call", "gitdev", "0.1.0 200 ok\n" },
      { "call", "gitdev-static", "0.1.0 200 ok\n" },
      { "embed", "gitdev-lua5.4", "live\ttrue\n" },
      { "embed", "gitdev-lua5.4-static", "live\ttrue\n" },
    }
    for _, case in ipairs(CASES) do
      local source, package, out = case[1], case[2], case[3]
      local flags = pkg_config("--cflags --libs " .. package .. (source == "embed" and " lua5.4" or ""))
      run(compile:format(source, folder, package, flags))
      assert.equal(out, (beside_emulator(folder .. "/" .. package)))
      local needed = run("ldd " .. folder .. "/" .. package)
      assert.equal(package:find "%-static$" == nil, needed:find "libgitdev" ~= nil)
    end
  end)

  it("takes a Lua that the program has inside", function()
    local flags = pkg_config "--cflags --libs gitdev-lua5.4"
    run(string.format("cc spec/outside/embed.c -o %s/inside %s $(pkg-config --cflags lua5.4) -l:liblua5.4.a -lm -ldl", folder, flags))
    assert.equal("live\ttrue\n", (beside_emulator(folder .. "/inside")))
    assert.is_nil(run(string.format("LD_LIBRARY_PATH=%s ldd %s/inside", libraries(), folder)):find "liblua")
  end)

  it("tells a dynamic linker of itself alone, and a static one of all", function()
    for _, name in ipairs(LIBRARIES) do
      assert.equal("-L" .. libraries() .. " -l" .. name, pkg_config("--libs " .. name))
      local all = pkg_config("--static --libs " .. name)
      for _, library in ipairs { "curl", "ssl", "crypto", "z", "wslay" } do
        assert.matches(" %-l" .. library .. "%f[%s%z]", all)
      end
    end
  end)

  it("can be moved", function()
    local moved = folder .. "/moved"
    run(string.format("cp -a %s %s", root, moved))
    local where = run(string.format("PKG_CONFIG_PATH=$(dirname $(find %s -name gitdev.pc)) pkg-config --variable=libdir gitdev", moved))
    assert.equal(run(string.format("realpath $(dirname $(find %s -name libgitdev.a))", moved)), run("realpath " .. where))
    assert.is_nil(run(string.format("cat $(find %s -name '*.cmake' -o -name '*.pc')", moved)):find(folder, 1, true))
  end)

  it("has a header that is whole, in C99, C11 and C++11 to C++20", function()
    local CASES = { { "cc -xc", { "c99", "c11", "c17" } }, { "c++ -xc++", { "c++11", "c++17", "c++20" } } }
    for _, case in ipairs(CASES) do
      for _, standard in ipairs(case[2]) do
        local include = pkg_config "--cflags gitdev"
        run(string.format("echo '#include <gitdev.h>' | %s -std=%s -Wall -Wextra -Wpedantic -Werror -fsyntax-only %s -", case[1], standard, include))
      end
    end
  end)
end)

describe("a library", function()
  it("can be loaded and let go, also while a name is being resolved", function()
    run(string.format("cc spec/outside/closing.c -o %s/closing %s -ldl", folder, pkg_config "--cflags gitdev"))
    for _, name in ipairs(LIBRARIES) do
      -- The one takes the program's Lua.
      local preload = name == "gitdev" and "" or "LD_PRELOAD=liblua5.4.so.0 "
      local out = beside_emulator(string.format("%s%s/closing %s/lib%s.so", preload, folder, libraries(), name))
      assert.equal(("200 0 0\n"):rep(3), out)
    end
  end)

  it("can be let go inside a plug-in that has it linked statically", function()
    local whole = "-Wl,--whole-archive,$(find %s -name libgitdev.a),--no-whole-archive"
    run(string.format("cc -shared -o %s/plugin.so " .. whole .. " %s", folder, root, pkg_config "--libs gitdev-static"))
    assert.matches("NODELETE", run(string.format("readelf -d %s/plugin.so", folder)))
    run(string.format("cc spec/outside/closing.c -o %s/closing %s -ldl", folder, pkg_config "--cflags gitdev"))
    assert.equal(("200 0 0\n"):rep(3), (beside_emulator(string.format("%s/closing %s/plugin.so", folder, folder))))
  end)

  -- Names that nobody has to expect from us, in a product.
  local function strange(path, options, allowed)
    local names = {}
    for name in run(string.format("nm %s %s | awk 'NF >= 3 { print $NF }'", options, quote(path))):gmatch "[^\n]+" do
      local known = false
      for _, pattern in ipairs(allowed) do
        known = known or name:find(pattern) ~= nil
      end
      names[#names + 1] = not known and name or nil
    end
    return names
  end

  it("shows what begins with its name alone", function()
    local OWN = { "^gitdev_", "^luaopen_gitdev_" }
    for _, name in ipairs(LIBRARIES) do
      local path = build .. "/lib/lib" .. name
      assert.same({}, strange(path .. ".so", "-D --defined-only", OWN), name)
      assert.same({}, strange(path .. ".a", "-g --defined-only", OWN), name)
    end
    assert.is_true(#strange(build .. "/lib/libgitdev.so", "-D --defined-only", {}) > 40)
  end)

  it("has all functions of the header, and no others, in its dynamic table", function()
    local file = assert(io.open "core/include/gitdev.h")
    local text = file:read("*a"):gsub("/%*.-%*/", ""):gsub("#define[^\n]*", "")
    file:close()
    local declared = {}
    for name in text:gmatch "GITDEV_API [^;(]-([%w_]+)%(" do
      declared[name] = true
    end
    local shown = {}
    for _, name in ipairs(strange(build .. "/lib/libgitdev-lua5.4.so", "-D --defined-only", { "^luaopen_" })) do
      shown[name] = true
    end
    assert.same(declared, shown)
    declared.gitdev_open, shown = nil, {}
    for _, name in ipairs(strange(build .. "/lib/libgitdev.so", "-D --defined-only", {})) do
      shown[name] = true
    end
    assert.same(declared, shown)
  end)

  it("as a module of a Lua shows how it is opened", function()
    local count = 0
    for path in run(string.format("find %s/lib/lua -name '*.so'", quote(build))):gmatch "[^\n]+" do
      count = count + 1
      local name = path:match "gitdev/(%w+)%.so$"
      assert.same({ "luaopen_gitdev_" .. name }, strange(path, "-D --defined-only", {}), path)
    end
    assert.is_true(count >= 3)
  end)
end)

describe("the host", function()
  it("shows Lua to the modules that it loads, and nothing of its own", function()
    local shown = run(string.format("nm -D --defined-only %s | awk 'NF >= 3 { print $NF }'", quote(process.host)))
    assert.matches("\nlua_callk\n", shown)
    assert.matches("\nluaL_ref\n", shown)
    assert.matches("\nluaopen_base\n", shown)
    for _, name in ipairs { "gitdev_", "cjson", "strbuf_", "redis", "sds" } do
      assert.is_nil(shown:find(name, 1, true), name)
    end
  end)
end)

describe("examples/python/deploy.py", function()
  it("deploys by ctypes", function()
    local out = beside_emulator "python3 examples/python/deploy.py"
    assert.equal("live https://my-app.git.dev\n", out)
  end)

  it("can be interrupted", function()
    -- Nobody answers at an address that is only listened at.
    local TEXT = [[
import os, signal, socket, sys
sys.dont_write_bytecode = True
sys.path.insert(0, "examples/python")
import deploy
listener = socket.create_server(("127.0.0.1", 0))
os.environ["GIT_API_URL"] = "https://127.0.0.1:%d/v2" % listener.getsockname()[1]
git = deploy.Git()
signal.signal(signal.SIGALRM, signal.default_int_handler)
try:
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    git.call("GET", "/organization")
except KeyboardInterrupt:
    print("interrupted")
git.close()
]]
    local file = assert(io.open(folder .. "/interrupted.py", "w"))
    file:write(TEXT)
    file:close()
    local program = "GIT_API_KEY=gsk_test_%s LD_LIBRARY_PATH=%s timeout -s KILL 20 python3 %s/interrupted.py"
    local out = run(string.format(program, ("a"):rep(32), libraries(), folder))
    assert.equal("interrupted\n", out)
  end)

  it("passes the library's words on", function()
    local status, _, err = process.run(string.format("env -u GIT_API_KEY LD_LIBRARY_PATH=%s python3 examples/python/deploy.py", libraries()))
    assert.equal(1, status)
    assert.matches("RuntimeError: api_key: the API key is empty", err)
    local nobody = "GIT_API_KEY=gsk_test_%s GIT_API_URL=https://127.0.0.1:1/v2 LD_LIBRARY_PATH=%s python3 examples/python/deploy.py"
    status, _, err = process.run(nobody:format(("a"):rep(32), libraries()))
    assert.equal(1, status)
    assert.matches("RuntimeError: connection_error: https://127.0.0.1:1 cannot be reached: [^\n]*server\n$", err)
  end)

  it("lets everything go, also of what could not be made", function()
    local TEXT = [[
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, "examples/python")
import deploy
freed = []
for name in ("client", "engine", "loop"):
    def count(pointer, name=name, free=getattr(deploy.lib, f"gitdev_{name}_free")):
        freed.append(name if pointer else None)
        free(pointer)
    setattr(deploy.lib, f"gitdev_{name}_free", count)
with deploy.Git() as git:
    pass
git.close()
del deploy.os.environ["GIT_API_KEY"]
try:
    deploy.Git()
except RuntimeError:
    print(freed)
]]
    local file = assert(io.open(folder .. "/freed.py", "w"))
    file:write(TEXT)
    file:close()
    local out = run(("GIT_API_KEY=gsk_test_%s LD_LIBRARY_PATH=%s python3 %s/freed.py"):format(("a"):rep(32), libraries(), folder))
    assert.equal("['client', 'engine', 'loop', None, None, None, None, 'engine', 'loop']\n", out)
  end)
end)

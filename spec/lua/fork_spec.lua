-- A process that forks while connections are open. Lua has no fork of its own: LuaJIT's FFI does it here.
local ok = pcall(require, "ffi")

describe("a fork's child", function()
  if not ok then
    pending "is made through LuaJIT's FFI"
    return
  end
  local emulator = require "spec.lua.support.emulator"
  local process = require "spec.lua.support.process"

  -- Runs in a process of its own, against an emulator in another one.
  local SCRIPT = [[
    local ffi = require "ffi"
    ffi.cdef "int fork(void); int waitpid(int pid, int *status, int options); void _exit(int status);"
    local gitdev = require "gitdev"
    local git = gitdev.client()
    local function id() return git.projects:get("my-app").id end
    local function in_child(fn)
      local pid = ffi.C.fork()
      if pid == 0 then
        local fine, err = pcall(fn)
        if not fine then io.stderr:write(tostring(err), "\n") end
        ffi.C._exit(fine and 0 or 1)
      end
      local status = ffi.new "int[1]"
      assert(ffi.C.waitpid(pid, status, 0) == pid)
      assert(status[0] == 0, "the child failed")
    end
    local before = id()
    in_child(function()
      assert(id() == before)
      assert(gitdev.all { id, id, id }[3] == before)
      collectgarbage() collectgarbage() -- what is the parent's is let go
    end)
    in_child(function() -- what it warms is its own
      local wrong = os.tmpname()
      local fine = pcall(gitdev.warm, gitdev.client { ca_file = wrong })
      os.remove(wrong)
      assert(not fine and gitdev.warm(git) and id() == before)
    end)
    assert(id() == before)
    gitdev.run(function() -- a fork inside a task, while others are under way
      local slow = gitdev.spawn(function() gitdev.sleep(0.05) return id() end)
      in_child(function() assert(id() == before) end)
      assert(slow:wait() == before and id() == before)
    end)
    print(gitdev.answer(git.projects:get "my-app").attempts[1].connect)
  ]]

  it("makes connections of its own, and the parent keeps its own", function()
    local path = process.file(SCRIPT)
    local where = "LUA_PATH=" .. process.quote(package.path) .. " LUA_CPATH=" .. process.quote(package.cpath)
    local status, out, err = emulator.run(where .. " luajit " .. path)
    os.remove(path)
    assert.equal("", err)
    assert.equal(0, status)
    assert.equal("nil\n", out) -- no time for connecting: the parent's last call went over the connection of its first
  end)
end)

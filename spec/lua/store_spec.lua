-- The stores of gitdev.store, each held to what gitdev.store says of all of them; and the file store against death.
local core = require "gitdev.core"
local gitdev = require "gitdev"
local interpreter = require "spec.lua.support.interpreter"
local process = require "spec.lua.support.process"
local safe = require "gitdev.safe"

local clock
local paths = {}

local function tick()
  return clock
end

local function fresh_path()
  local path = os.tmpname()
  os.remove(path)
  paths[#paths + 1] = path
  return path
end

local function slurp(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "*a"
  file:close()
  return text
end

local function spill(path, text, mode)
  local file = assert(io.open(path, mode or "wb"))
  file:write(text)
  file:close()
end

local function remove_paths()
  for _, path in ipairs(paths) do
    os.remove(path)
    os.remove(path .. ".new")
  end
  paths = {}
end

local MAKERS = {
  memory = function(options)
    return gitdev.store.memory { now = tick, max = options and options.max }
  end,
  file = function(options)
    return gitdev.store.file { path = fresh_path(), now = tick, max = options and options.max, sync = false }
  end,
}

for kind, make in pairs(MAKERS) do
  describe("a store in " .. kind, function()
    local store

    before_each(function()
      clock = 1718942301.25
      store = make()
    end)

    after_each(function()
      store:close()
      remove_paths()
    end)

    it("has seen what it was asked about, for the time that was said then", function()
      assert.is_false(store:seen("evt_1", 10))
      assert.is_true(store:seen("evt_1", 10))
      assert.is_false(store:seen("evt_2", 1000))
      clock = clock + 9.9
      assert.is_true(store:seen("evt_1", 1000)) -- which makes it last no longer
      clock = clock + 0.2
      assert.is_false(store:seen("evt_1", 10))
      assert.is_true(store:seen("evt_2", 10))
    end)

    it("grants shares of a rate limit, by its name, as gitdev.store.bucket says", function()
      local function granted(name, member, wanted)
        local report = { member = member, wanted = wanted, flying = 0, asked = 1, per_minute = 60, burst = 10, remaining = 10, age = 0 }
        return store:take(name, report).granted
      end
      assert.same({ 7, 3, 0 }, { granted("one", "a", 7), granted("one", "b", 7), granted("one", "c", 7) })
      assert.same({ 8, 2 }, { granted("the other: 100 %\n", "a", 8), granted("the other: 100 %\n", "b", 8) })
      clock = clock + 5.1
      assert.same({ 4, 1 }, { granted("one", "b", 4), granted("one", "c", 7) })
      assert.is_false(store:seen("one", 10)) -- no id is meant
    end)

    it("keeps ids apart, whatever is in them", function()
      local ids = { "a", "a b", "a\n", "a\nb", "a%20b", "%", "\0", "é", "done 1 x", "A", ("x"):rep(300), ("x"):rep(301), " a" }
      for _, id in ipairs(ids) do
        assert.is_false(store:seen(id, 10), id)
      end
      for _, id in ipairs(ids) do
        assert.is_true(store:seen(id, 10), id)
      end
    end)

    it("lets one at a time handle an event, until one has", function()
      local token = assert(store:claim("evt_1", 30))
      assert.same({ nil, "claimed" }, { store:claim("evt_1", 30) })
      store:release("evt_1", token)
      token = assert(store:claim("evt_1", 30))
      store:confirm("evt_1", 100)
      assert.same({ nil, "done" }, { store:claim("evt_1", 30) })
      store:release("evt_1", token) -- too late: it has been handled
      clock = clock + 99
      assert.same({ nil, "done" }, { store:claim("evt_1", 30) })
      clock = clock + 2
      assert.is_string(store:claim("evt_1", 30))
    end)

    it("gives a claim to another when its lease is over", function()
      local first = assert(store:claim("evt_1", 30))
      clock = clock + 30.1
      local second = assert(store:claim("evt_1", 30))
      assert.not_equal(first, second)
      store:release("evt_1", first) -- it is not the first one's any more
      assert.same({ nil, "claimed" }, { store:claim("evt_1", 30) })
      store:confirm("evt_1", 100) -- but the first one's success is a fact
      assert.same({ nil, "done" }, { store:claim("evt_1", 30) })
    end)

    it("confirms what was not claimed, and never shortens a mark", function()
      store:confirm("evt_1", 100)
      store:confirm("evt_1", 10)
      clock = clock + 50
      assert.same({ nil, "done" }, { store:claim("evt_1", 30) })
      store:confirm("evt_1", 100)
      clock = clock + 60
      assert.is_true(store:seen("evt_1", 1))
    end)

    it("counts a claim as seen", function()
      store:claim("evt_1", 30)
      assert.is_true(store:seen("evt_1", 10))
      clock = clock + 31
      assert.is_false(store:seen("evt_1", 10))
    end)

    it("keeps as many marks as it may, those that last longest", function()
      store:close()
      store = make { max = 3 }
      local token = assert(store:claim("held", 1))
      for i, ttl in ipairs { 50, 10, 40, 20, 30 } do
        assert.is_false(store:seen("evt_" .. i, ttl))
      end
      assert.same({ true, true, true }, { store:seen("evt_1", 1), store:seen("evt_3", 1), store:seen("evt_5", 1) })
      assert.same({ nil, "claimed" }, { store:claim("held", 1) }) -- claims are not marks
      store:release("held", token)
      assert.is_false(store:seen("evt_2", 60))
      assert.same({ true, true, false }, { store:seen("evt_1", 1), store:seen("evt_3", 1), store:seen("evt_5", 1) })
    end)

    it("agrees with a simple one on whatever comes", function()
      local marked, claimed, tokens, seed = {}, {}, {}, 7
      local function random(n)
        seed = (seed * 1103515245 + 12345) % 2147483648
        return math.floor(seed / 65536) % n + 1
      end
      for _ = 1, 4000 do
        local id, what, time = "evt_" .. random(30), random(5), random(40)
        clock = clock + random(3) / 4
        local state = (marked[id] or 0) > clock and "done" or (claimed[id] or 0) > clock and "claimed" or nil
        if what == 1 then
          assert.equal(state ~= nil, store:seen(id, time))
          if not state then
            marked[id], claimed[id] = clock + time, nil
          end
        elseif what <= 3 then
          local token, why = store:claim(id, time)
          assert.equal(state, why)
          if token then
            claimed[id], tokens[id] = clock + time, token
          end
        elseif what == 4 then
          store:confirm(id, time)
          marked[id], claimed[id] = math.max(marked[id] or 0, clock + time), nil
        elseif tokens[id] then
          store:release(id, tokens[id])
          claimed[id] = nil
        end
      end
    end)

    it("raises what is no id, or no time", function()
      for _, call in ipairs {
        function() store:seen(nil, 1) end, function() store:seen("", 1) end, function() store:seen(12, 1) end,
        function() store:seen("a") end, function() store:seen("a", 0) end, function() store:seen("a", -1) end,
        function() store:seen("a", 0 / 0) end, function() store:seen("a", math.huge) end, function() store:seen("a", "10") end,
        function() store:claim("a") end, function() store:confirm("a") end, function() store:release("a") end,
      } do
        local ok, err = pcall(call)
        assert.is_false(ok)
        assert.is_true(gitdev.is_error(err, "invalid_type"), tostring(err))
      end
      assert.is_false(store:seen("a", 1))
    end)
  end)
end

describe("the store in memory", function()
  it("stays small, whatever passes through it", function()
    clock = 1000
    local store = gitdev.store.memory { now = tick, max = 1000 }
    local function pass(count)
      for i = 1, count do
        clock = clock + 0.01
        store:seen("evt_" .. clock .. i, 5)
        store:claim("job_" .. clock .. i, 1)
        store:confirm("same", 5)
      end
      collectgarbage() collectgarbage()
      return collectgarbage "count"
    end
    local before = pass(10000)
    local grown = pass(20000) - before
    assert.is_true(grown < 500, grown .. " KiB") -- tables may have doubled; an entry kept of each pass would be 1,800
  end)

  it("has a clock of its own", function()
    local store = gitdev.store.memory()
    assert.is_false(store:seen("a", 60))
    assert.is_true(store:seen("a", 60))
  end)
end)

describe("gitdev.store", function()
  it("checks its options, and names the nearest of what it has not", function()
    for _, call in ipairs {
      function() safe.store.memory { size = 1 } end, function() safe.store.memory { max = 0 } end, function() safe.store.memory "x" end,
      function() safe.store.file() end, function() safe.store.file { path = "" } end, function() safe.store.file { path = 1 } end,
      function() return safe.store.flie end,
    } do
      local ok, err = pcall(call)
      assert.is_false(ok)
      assert.is_true(gitdev.is_error(err, "invalid_request_error"), tostring(err))
    end
  end)
end)

describe("the store in a file", function()
  after_each(remove_paths)

  local function open(path, options)
    local all = { path = path, sync = false }
    for name, value in pairs(options or {}) do
      all[name] = value
    end
    return gitdev.store.file(all)
  end

  it("remembers over a restart, and shares with others", function()
    local path = fresh_path()
    local one, two = open(path), open(path, { sync = true })
    assert.is_false(one:seen("a", 60))
    assert.is_true(two:seen("a", 60))
    local token = two:claim("b", 60)
    assert.same({ nil, "claimed" }, { one:claim("b", 60) })
    one:close()
    one = open(path)
    assert.same({ nil, "claimed" }, { one:claim("b", 60) })
    one:release("b", token)
    two:confirm("c", 60)
    assert.is_string(two:claim("b", 60))
    assert.same({ nil, "done" }, { one:claim("c", 60) })
    one:close()
    two:close()
    one:close()
    assert.is_false((pcall(one.seen, one, "a", 1)))
  end)

  it("keeps shares of a rate limit for all who have it open, and stays small", function()
    clock = 1.7e9
    local path = fresh_path()
    local one, two = open(path, { now = tick }), open(path, { now = tick })
    local function granted(store, member, wanted)
      local report = { member = member, wanted = wanted, flying = 0, asked = 1, per_minute = 600, burst = 50, remaining = 50, age = 0 }
      return store:take("acme", report).granted
    end
    assert.same({ 30, 20, 0 }, { granted(one, "a", 30), granted(two, "b", 30), granted(one, "a", 30) })
    local sum, largest = 0, 0
    for i = 1, 5000 do
      clock = clock + 0.02
      sum = sum + granted(i % 3 == 0 and one or two, i % 3 == 0 and "a" or "b", 1)
      largest = math.max(largest, i % 100 == 0 and #slurp(path) or 0)
    end
    assert.is_true(sum > 950 and sum <= 1001, sum)
    assert.is_true(largest < 300000, largest)
    one:close()
    two:close()
    one = open(path, { now = tick })
    assert.is_true(granted(one, "c", 50) <= 1) -- a restart is no reason for more
    one:close()
  end)

  it("is readable to its user alone", function()
    local path = fresh_path()
    open(path):close()
    local _, out = process.run("stat -c %a " .. process.quote(path))
    assert.equal("600\n", out)
  end)

  it("cuts off what somebody left who died while writing, and passes over what is no line", function()
    local path = fresh_path()
    local store = open(path)
    store:seen("a", 60)
    local whole = slurp(path)
    for _, rest in ipairs { "d", "done 99999999999999 b", ("\0"):rep(4096), "claim 9", ("x"):rep(70000) } do
      spill(path, rest, "ab")
      assert.is_true(store:seen("a", 60))
      assert.equal(whole, slurp(path))
    end
    spill(path, "\n\0\0\0\nnonsense\ndone x y\ndone 1\nclaim 99999999999999 c\nfree\ndone 99999999999999 b\n", "ab")
    assert.is_true(store:seen("b", 60))
    assert.is_false(store:seen("c", 60))
    store:close()
    for _, head in ipairs { "", "gitdev.st", "gitdev.store 1" } do
      spill(path, head)
      store = open(path)
      assert.is_false(store:seen("a", 60))
      store:close()
      store = open(path)
      assert.is_true(store:seen("a", 60))
      store:close()
    end
  end)

  it("leaves the file of something else alone", function()
    local path = fresh_path()
    for _, text in ipairs { "precious\n", "gitdev.store 2\n", "gitdev.store 1 \n", "x" } do
      spill(path, text)
      local store, err = safe.store.file { path = path }
      assert.is_nil(store)
      assert.same({ "config_error", "store_failed" }, { err.type, err.code })
      assert.has_error(function() gitdev.store.file { path = path } end)
      assert.equal(text, slurp(path))
    end
    for _, where in ipairs { "/", path .. "/x", "/nowhere/at/all" } do
      assert.equal("store_failed", select(2, safe.store.file { path = where }).code)
    end
  end)

  it("goes on when its file is replaced, removed or emptied", function()
    local path, other = fresh_path(), fresh_path()
    local store = open(path)
    store:seen("a", 60)
    local text = slurp(path)
    os.remove(path)
    assert.is_false(store:seen("b", 60))
    spill(other, text)
    os.rename(other, path)
    assert.is_false(store:seen("b", 60))
    assert.is_true(store:seen("a", 60))
    spill(path, "")
    assert.is_false(store:seen("a", 60))
    assert.is_true(store:seen("a", 60))
    store:close()
  end)

  -- Has the file replaced by a short one.
  local function churn(store, count)
    for _ = 1, count or 1500 do
      store:seen("evt_1", 0.001)
      clock = clock + 1
    end
  end

  it("stays one file to those who know it by another name", function()
    local path, link = fresh_path(), fresh_path()
    os.execute(("ln -s %s %s"):format(process.quote(path), process.quote(link))) -- what it leads to is yet to be made
    local one, two = open(link, { now = tick }), open(path, { now = tick })
    churn(one)
    assert.is_false(one:seen("a", 1e6))
    assert.is_true(two:seen("a", 1e6))
    local _, kind = process.run("stat -c %F " .. process.quote(link))
    assert.equal("symbolic link\n", kind)
    one:close()
    two:close()
  end)

  it("is found again when the process goes to another directory", function()
    if not pcall(require, "ffi") then
      return -- Lua does not go to another directory: LuaJIT's FFI does it here
    end
    local path, script = fresh_path(), process.file [[
      local ffi, store = require "ffi", require("gitdev").store
      ffi.cdef "int chdir(const char *path);"
      store.file { path = arg[1], sync = false }:close() -- which loads all that it takes
      local directory, name = arg[1]:match "^(.*)/(.*)$"
      assert(ffi.C.chdir(directory) == 0)
      local seen = store.file { path = name, sync = false }
      assert(not seen:seen("a", 60))
      assert(ffi.C.chdir "/" == 0)
      assert(seen:seen("a", 60))
    ]]
    local status, _, err = process.run(interpreter.command() .. " " .. script .. " " .. process.quote(path))
    os.remove(script)
    assert.same({ 0, "" }, { status, err })
  end)

  it("lets those use it who could, when its file is replaced, and writes to no other", function()
    local path, victim = fresh_path(), fresh_path()
    spill(victim, "precious\n")
    local store = open(path, { now = tick })
    os.execute(("chmod 640 %s; ln -s %s %s.new"):format(process.quote(path), process.quote(victim), process.quote(path)))
    churn(store)
    assert.is_true(#slurp(path) < 30000)
    local _, out = process.run(("stat -c '%%a %%F' %s; ls %s.new"):format(process.quote(path), process.quote(path)))
    assert.equal("640 regular file\n", out)
    assert.equal("precious\n", slurp(victim))
    store:close()
  end)

  it("does not grow beyond what is true", function()
    clock = 1000
    local path = fresh_path()
    local one, two = open(path, { now = tick }), open(path, { now = tick })
    local token = one:claim("held", 1e6)
    two:confirm("kept", 1e6)
    local largest = 0
    for i = 1, 6000 do
      clock = clock + 0.1
      local store = i % 3 == 0 and two or one
      assert.is_false(store:seen("evt_" .. i, 5))
      if i % 100 == 0 then
        largest = math.max(largest, #slurp(path))
        assert.is_true((i % 200 == 0 and two or one):seen("evt_" .. i, 5))
      end
    end
    assert.is_true(largest > 10000 and largest < 60000, largest)
    assert.is_true(two:seen("kept", 1))
    assert.same({ nil, "claimed" }, { two:claim("held", 1) })
    two:release("held", token)
    assert.is_string(one:claim("held", 1))
    one:close()
    two:close()
  end)

  it("does not hold up a loop for a share of a rate limit, whoever has its lock", function()
    local path = fresh_path()
    local store = open(path)
    local holder = io.popen("flock " .. process.quote(path) .. " cat", "w")
    repeat
      local free = process.run("flock -n " .. process.quote(path) .. " true")
    until free ~= 0
    local began = core.time()
    local ok, err = pcall(store.take, store, "limit", { member = "a.1", wanted = 1, flying = 0 })
    local took = core.time() - began
    holder:close()
    assert.is_false(ok)
    assert.is_truthy(err.message:find("cannot lock " .. path .. ": another process keeps it locked for more than 0.25 seconds: look who", 1, true),
      err.message)
    assert.is_true(took < 4, took)
    assert.equal(0, store:take("limit", { member = "a.1", wanted = 1, flying = 0 }).granted)
  end)

  it("raises when it cannot write, and goes on when it can again", function()
    if not io.open "/dev/full" then
      return
    end
    local path = fresh_path()
    local script = process.file([[
      local safe = require "gitdev.safe"
      local store = safe.store.file { path = arg[1], sync = false }
      print(store:seen("a", 60))
      local ok, err
      for i = 1, 100 do -- the limit of the shell below is 1 KiB
        ok, err = pcall(store.seen, store, "evt_" .. i, 60)
        if not ok then break end
      end
      print(ok, err.type, err.code, (tostring(err):gsub(".*: ", "")))
      print(store:seen("a", 60))
    ]])
    local command = ("ulimit -f 1; trap '' XFSZ; %s %s %s"):format(interpreter.command(), script, process.quote(path))
    local status, out, err = process.run("bash -c " .. process.quote(command))
    os.remove(script)
    assert.same({ 0, "false\nfalse\tconfig_error\tstore_failed\tFile too large\ntrue\n", "" }, { status, out, err })
    assert.matches("\n$", slurp(path))
    local store = open(path)
    assert.is_true(store:seen("a", 60))
    assert.is_false(store:seen("evt_100", 60))
    store:close()
  end)
end)

describe("the store in a file, shared by processes that are killed,", function()
  -- Claims ids in turn, writes down that it handles one, confirms it, and writes down that it has. Dies at any moment.
  local WORKER = [[
    local gitdev = require "gitdev"
    local path, log, from, count, lease = arg[1], io.open(arg[2], "a"), tonumber(arg[3]), tonumber(arg[4]), tonumber(arg[5])
    local store = gitdev.store.file { path = path, sync = false }
    log:setvbuf "no"
    for round = 1, 1000 do
      local left = 0
      for i = 0, count - 1 do
        local id = "evt_" .. (from + i) % count
        local token, why = store:claim(id, lease)
        if token then
          log:write("begin " .. id .. "\n") -- one write: others write too
          store:confirm(id, 1000)
          log:write("end " .. id .. "\n")
        elseif why == "claimed" then
          left = left + 1
        end
      end
      if left == 0 then break end
      gitdev.sleep(0.02)
    end
    log:write "finished\n"
  ]]

  it("has each event handled, and none again after it was confirmed", function()
    local path, log, script = fresh_path(), fresh_path(), process.file(WORKER)
    local count = 300
    local function command(from)
      local words = { interpreter.command(), script, process.quote(path), process.quote(log), from, count, 0.2 }
      return table.concat(words, " ")
    end
    -- Workers are started and killed, two at a time, until they had time for it all; a last one finishes what is left.
    local lines = {}
    for i = 1, 12 do
      lines[i] = ("%s & a=$!; %s & b=$!; sleep 0.0%d; kill -9 $a; sleep 0.0%d; kill -9 $b; wait"):format(
        command(i * 37), command(i * 91), 2 + i % 5, 1 + i % 4)
    end
    lines[#lines + 1] = command(0)
    local status, _, err = process.run("exec 3>&2 2>/dev/null; " .. table.concat(lines, "\n") .. " 2>&3")
    os.remove(script)
    assert.same({ 0, "" }, { status, err })
    local begun, ended, again = {}, {}, 0
    for word, id in slurp(log):gmatch "(%l+) (evt_%d+)\n" do
      if word == "begin" then
        again = again + (ended[id] and 1 or 0)
        begun[id] = (begun[id] or 0) + 1
      else
        ended[id] = true
      end
    end
    assert.matches("finished\n$", slurp(log))
    assert.equal(0, again)
    local store = gitdev.store.file { path = path }
    for i = 0, count - 1 do
      assert.is_true(begun["evt_" .. i] ~= nil, i)
      assert.is_true(store:seen("evt_" .. i, 1))
    end
    store:close()
  end)

  it("gives each id to one of them, while they replace the file under each other", function()
    local path, script = fresh_path(), process.file [[
      local gitdev = require "gitdev"
      local store = gitdev.store.file { path = arg[1], sync = false }
      local mine, other = 0, 0
      for i = 1, 2500 do
        mine = mine + (store:seen("evt_" .. i, 1000) and 0 or 1)
        local token = store:claim("short_" .. i, 0.001) -- lines that say nothing soon
        if token then store:release("short_" .. i, token) end
      end
      print(mine)
    ]]
    local one = interpreter.command() .. " " .. script .. " " .. process.quote(path)
    local status, out, err = process.run(("%s & %s & %s & wait"):format(one, one, one))
    os.remove(script)
    assert.same({ 0, "" }, { status, err })
    local sum = 0
    for count in out:gmatch "%d+" do
      sum = sum + count
    end
    assert.equal(2500, sum)
  end)

  it("is one process's as well as another's after a fork", function()
    if not pcall(require, "ffi") then
      return -- Lua has no fork of its own: LuaJIT's FFI does it here
    end
    local path, script = fresh_path(), process.file [[
      local ffi = require "ffi"
      ffi.cdef "int fork(void); int waitpid(int pid, int *status, int options); void _exit(int status);"
      local store = require("gitdev").store.file { path = arg[1], sync = false }
      assert(not store:seen("before", 1000))
      local pid, mine = ffi.C.fork(), 0
      for i = 1, 2000 do
        mine = mine + (store:seen("evt_" .. i, 1000) and 0 or 1)
      end
      assert(store:seen("before", 1000))
      io.write(mine, "\n")
      io.flush()
      if pid == 0 then
        store = nil
        collectgarbage() collectgarbage()
        ffi.C._exit(0)
      end
      assert(ffi.C.waitpid(pid, nil, 0) == pid)
      assert(store:seen("evt_1", 1000))
    ]]
    local status, out, err = process.run(interpreter.command() .. " " .. script .. " " .. process.quote(path))
    os.remove(script)
    assert.same({ 0, "" }, { status, err })
    local first, second = out:match "^(%d+)\n(%d+)\n$"
    assert.equal(2000, first + second)
  end)
end)

-- The store on Redis, against a real server: what gitdev.store says of all stores, what holds while the server is away, and that no loop waits.
local gitdev = require "gitdev"
local interpreter = require "spec.lua.support.interpreter"
local loop = require "gitdev.loop"
local process = require "spec.lua.support.process"
local redis = require "spec.lua.support.redis"
local safe = require "gitdev.safe"
local sender = require "spec.lua.support.sender"
local test = require "gitdev.test"

local LONG = 3600

if not redis.find() then
  pending "the store on Redis: redis-server is not installed"
  return
end

local function failure_of(fn, ...)
  local ok, err = pcall(fn, ...)
  assert.is_false(ok)
  assert.is_true(gitdev.is_error(err), tostring(err))
  return err
end

-- A report with nothing in it but what is wanted.
local function report(member, wanted, more)
  local all = { member = member .. ".1", wanted = wanted, flying = 0, returned = 0, answered = 0, refused = 0 }
  for name, value in pairs(more or {}) do
    all[name] = value
  end
  return all
end

describe("the store on Redis", function()
  local server, store

  setup(function()
    server = redis.start()
  end)

  teardown(function()
    server:stop()
  end)

  local count = 0

  -- A store with keys of its own.
  local function open(options)
    count = count + 1
    local all = { port = server.port, prefix = "spec" .. count .. ":", timeout = 20 }
    for name, value in pairs(options or {}) do
      all[name] = value
    end
    return gitdev.store.redis(all), all.prefix
  end

  before_each(function()
    store = open()
  end)

  after_each(function()
    store:close()
  end)

  it("has seen what it was asked about", function()
    assert.is_false(store:seen("evt_1", LONG))
    assert.is_true(store:seen("evt_1", LONG))
    assert.is_false(store:seen("evt_2", LONG))
    assert.is_false((open()):seen("evt_1", LONG)) -- a prefix makes another store
  end)

  it("keeps ids apart, whatever is in them", function()
    local ids = { "a", "a b", "a\n", "a\r\nb", "a%20b", "{a}", "\0", "é", "*", "A", ("x"):rep(300), ("x"):rep(301), " a" }
    for _, id in ipairs(ids) do
      assert.is_false(store:seen(id, LONG), id)
    end
    for _, id in ipairs(ids) do
      assert.is_true(store:seen(id, LONG), id)
    end
  end)

  it("lets one at a time handle an event, until one has", function()
    local token = assert(store:claim("evt_1", LONG))
    assert.same({ nil, "claimed" }, { store:claim("evt_1", LONG) })
    assert.is_true(store:seen("evt_1", LONG))
    store:release("evt_1", "another")
    assert.same({ nil, "claimed" }, { store:claim("evt_1", LONG) })
    store:release("evt_1", token)
    token = assert(store:claim("evt_1", LONG))
    store:confirm("evt_1", LONG)
    assert.same({ nil, "done" }, { store:claim("evt_1", LONG) })
    store:release("evt_1", token) -- too late: it has been handled
    assert.same({ nil, "done" }, { store:claim("evt_1", LONG) })
  end)

  it("forgets in time: a mark, and a claim whose owner is gone", function()
    assert.is_false(store:seen("mark", 0.05))
    local first = assert(store:claim("claim", 0.05))
    redis.await("the mark is gone", function()
      return not store:seen("mark", 0.001)
    end)
    local second = redis.await("the claim is gone", function()
      return (store:claim("claim", LONG))
    end)
    store:release("claim", first) -- it is not the first one's any more
    assert.same({ nil, "claimed" }, { store:claim("claim", LONG) })
    store:release("claim", second)
    assert.is_string(store:claim("claim", LONG))
  end)

  it("leaves a key for an id, which ends by itself, and lasts no longer and no shorter than was said", function()
    local one, prefix = open()
    local function left(id)
      return tonumber(server:cli("pttl '" .. prefix .. "event:" .. id .. "'"))
    end
    one:seen("a", 100)
    one:seen("a", 100000)
    assert.is_true(left "a" > 0 and left "a" <= 100000)
    one:confirm("a", 100000)
    assert.is_true(left "a" > 100000 and left "a" <= 100000000)
    one:confirm("a", 1)
    assert.is_true(left "a" > 100000)
    one:claim("b", 1000)
    assert.is_true(left "b" > 0 and left "b" <= 1000000)
    one:confirm("c", 1e11)
    assert.is_true(left "c" > 1e13)
    assert.equal("3", server:cli("--scan --pattern '" .. prefix .. "*' | wc -l"):match "%d+")
    one:close()
  end)

  it("does what the store in memory does", function()
    local other, random = gitdev.store.memory(), 7
    local function pick(n)
      random = (random * 16807) % 2147483647
      return random % n + 1
    end
    local tokens, others = {}, {}
    for i = 1, 2000 do
      local id, what = "evt_" .. pick(40), pick(5)
      if what == 1 then
        assert.equal(other:seen(id, LONG), store:seen(id, LONG), i)
      elseif what <= 3 then
        local token, why = store:claim(id, LONG)
        local theirs, theirs_why = other:claim(id, LONG)
        assert.same({ theirs ~= nil, theirs_why }, { token ~= nil, why }, i)
        tokens[id], others[id] = token or tokens[id], theirs or others[id]
      elseif what == 4 and pick(3) == 1 then
        store:confirm(id, LONG)
        other:confirm(id, LONG)
      elseif tokens[id] then
        store:release(id, tokens[id])
        other:release(id, others[id])
      end
    end
  end)

  it("raises what is no id, or no time", function()
    for _, call in ipairs {
      function() store:seen(nil, 1) end, function() store:seen("", 1) end, function() store:seen("a") end, function() store:seen("a", 0) end,
      function() store:seen("a", 0 / 0) end, function() store:seen("a", math.huge) end, function() store:claim("a", "10") end,
      function() store:confirm("a") end, function() store:release("a") end,
    } do
      assert.equal("invalid_type", failure_of(call).code)
    end
    assert.is_false(store:seen("a", 1))
  end)

  it("checks its options", function()
    for _, case in ipairs {
      { { port = "x" }, "port" }, { { port = 0 }, "port" }, { { host = "" }, "host" }, { { host = "a\0b" }, "host" }, { { hosts = "a" }, "hosts" },
      { { socket = "/x", port = 1 }, "socket" }, { { replay = "ajar" }, "replay" }, { { pacing = true }, "pacing" }, { { timeout = 0 }, "timeout" },
      { { username = "a" }, "password" }, { { database = -1 }, "database" }, { { on_error = 1 }, "on_error" }, { "x", "options" },
    } do
      assert.equal(case[2], failure_of(safe.store.redis, case[1]).param)
    end
    assert.equal("open", gitdev.store.redis().pacing)
    assert.equal("closed", gitdev.store.redis({ pacing = "closed" }).pacing)
  end)

  it("is one with another that leads to the same keys", function()
    local function id(options)
      return gitdev.store.redis(options).id
    end
    assert.equal(id { port = 1, password = "a" }, id { host = "127.0.0.1", port = 1, prefix = "gitdev:", timeout = 3 })
    assert.is_nil(id({ port = 1, password = "hush" }):find("hush", 1, true))
    local ids = {
      id { socket = "/b", prefix = "c 0  d" }, id { socket = "/b 0  c", prefix = "d" }, -- alike, were they put together with blanks
      id(), id { port = 1 }, id { host = "b" }, id { socket = "/b" }, id { database = 1 }, id { prefix = "x" }, id { username = "u", password = "p" },
    }
    for i, one in ipairs(ids) do
      for j = i + 1, #ids do
        assert.not_equal(one, ids[j])
      end
    end
  end)

  it("makes its scripts known again to a server that has forgotten them", function()
    store:seen("a", LONG)
    assert.equal("OK", server:cli "script flush")
    assert.is_true(store:seen("a", LONG))
    assert.is_string(store:claim("b", LONG))
  end)

  it("finds its own doing when it is carried out twice, since its answer was lost", function()
    local command, lost = store.link.command, 0
    function store.link:command(...)
      local values = command(self, ...)
      lost = lost + 1
      if values and lost % 2 == 1 then
        return nil, "lost", "the server closed the connection"
      end
      return values
    end
    for _, name in ipairs { "seen", "claim" } do -- known from now on
      pcall(store[name], store, "first", LONG)
    end
    lost = 0
    assert.is_false(store:seen("a", LONG))
    lost = 0
    local token = assert(store:claim("b", LONG))
    store.link.command = nil
    assert.same({ nil, "claimed" }, { store:claim("b", LONG) })
    store:release("b", token)
    assert.is_string(store:claim("b", LONG))
  end)

  it("makes a new connection when the server has closed the old one", function()
    for i = 1, 20 do
      assert.is_false(store:seen("a" .. i, LONG))
      server:cli "client kill type normal skipme yes"
    end
  end)

  it("holds up no loop: tasks wait, others go on", function()
    local ticks, seen = 0, nil
    server:stand_still()
    gitdev.run(function()
      local waiting = gitdev.spawn(function() seen = store:seen("slow", LONG) end)
      for _ = 1, 20 do
        gitdev.sleep(0.005)
        ticks = ticks + 1
      end
      assert.is_nil(seen)
      server:go_on()
      waiting:wait()
    end)
    assert.equal(20, ticks)
    assert.is_false(seen)
  end)

  it("serves many tasks over one connection, and those that are canceled hurt no other", function()
    store:seen("first", LONG)
    local before = server:cli("client list"):gsub("[^\n]*cmd=client[^\n]*", "")
    gitdev.run(function()
      local fns, canceled = {}, {}
      for i = 1, 200 do
        fns[i] = function() return store:seen("m" .. i % 100, LONG) end
        canceled[i] = gitdev.spawn(function() store:seen("c" .. i, LONG) end)
      end
      gitdev.sleep(0)
      for i = 1, 200, 2 do
        canceled[i]:cancel()
      end
      local new = 0
      for _, seen in ipairs(gitdev.all(fns)) do
        new = new + (seen and 0 or 1)
      end
      assert.equal(100, new)
      for i = 2, 200, 2 do
        canceled[i]:wait()
        assert.is_true(store:seen("c" .. i, LONG))
      end
    end)
    local after = server:cli("client list"):gsub("[^\n]*cmd=client[^\n]*", "")
    assert.equal(select(2, before:gsub("id=", "")), select(2, after:gsub("id=", "")))
  end)

  it("lets its connection go when nobody holds it any more", function()
    local function clients()
      return select(2, server:cli("client list"):gsub("id=", ""))
    end
    local before = clients()
    for i = 1, 10 do
      open():seen("x" .. i, LONG)
    end
    collectgarbage() collectgarbage()
    redis.await("the connections are closed", function()
      loop.sleep(0.001)
      return clients() <= before
    end)
    store:close()
    store:close()
    assert.matches("closed", failure_of(store.seen, store, "a", 1).message)
  end)

  it("is refused in a virtual world", function()
    test.run(function()
      local err = failure_of(store.seen, store, "a", LONG)
      assert.same({ "connection_error", "store_failed" }, { err.type, err.code })
      assert.matches("there are no sockets in a virtual world", err.message, 1, true)
    end)
    assert.is_false(store:seen("a", LONG))
  end)

  it("is one process's as well as another's after a fork", function()
    if not pcall(require, "ffi") then
      return -- Lua has no fork of its own: LuaJIT's FFI does it here
    end
    local script = process.file [[
      local ffi = require "ffi"
      ffi.cdef "int fork(void); int waitpid(int pid, int *status, int options); void _exit(int status);"
      local store = require("gitdev").store.redis { port = tonumber(arg[1]), prefix = arg[2], timeout = 20 }
      assert(not store:seen("before", 1000))
      local pid, mine = ffi.C.fork(), 0
      for i = 1, 500 do
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
      local status = ffi.new "int[1]"
      assert(ffi.C.waitpid(pid, status, 0) == pid and status[0] == 0)
      assert(store:seen("evt_1", 1000))
    ]]
    local status, out, err = process.run(interpreter.command() .. " " .. script .. " " .. server.port .. " fork:")
    os.remove(script)
    assert.same({ 0, "" }, { status, err })
    local first, second = out:match "^(%d+)\n(%d+)\n$"
    assert.equal(500, first + second)
  end)

  it("gives each event to one of several processes", function()
    local script = process.file [[
      local store, mine = require("gitdev").store.redis { socket = arg[1], prefix = "many:", timeout = 20 }, 0
      for i = 1, 1000 do
        local id = "evt_" .. (i * tonumber(arg[2])) % 1009
        local token = store:claim(id, 1000)
        if token then
          mine = mine + 1
          store:confirm(id, 1000)
        end
      end
      print(mine)
    ]]
    local words = {}
    for i = 1, 4 do
      words[i] = interpreter.command() .. " " .. script .. " " .. server.socket .. " " .. i * 7
    end
    local status, out, err = process.run(table.concat(words, " & ") .. " & wait")
    os.remove(script)
    assert.same({ 0, "" }, { status, err })
    local sum = 0
    for number in out:gmatch "%d+" do
      sum = sum + number
    end
    assert.equal(tonumber(server:cli "--scan --pattern 'many:*' | wc -l"), sum)
  end)

  -- ---- a rate limit ----

  it("shares out a rate limit by the rule that all stores have", function()
    local grant = store:take("budget", report("a", 5))
    assert.same({ 0, 1 }, { grant.granted, grant.ask })
    grant = store:take("budget", report("a", 5, { asked = 1, per_minute = 60, burst = 10, remaining = 10, age = 0 }))
    assert.same({ 5, 60, 10 }, { grant.granted, grant.per_minute, grant.burst })
    local first = grant.granted
    grant = store:take("budget", report("b", 20))
    assert.is_true(grant.granted < 20 and grant.wait > 0)
    assert.is_true(first + grant.granted <= 11)
    assert.equal(0, (open()):take("budget", report("a", 5)).granted) -- a prefix makes another store
  end)

  it("answers those who cannot wait from the loop's turn", function()
    local got, problem, told = nil, nil, 0
    store:take_async("later", report("a", 1), function(grant, err)
      got, problem, told = grant, err, told + 1
    end)
    assert.equal(0, told)
    redis.await("the answer is there", function()
      return told > 0
    end)
    assert.same({ 0, nil, 1 }, { got.granted, problem, told })
    server:cli "script flush"
    store:take_async("later", report("a", 1), function(grant)
      got, told = grant, told + 1
    end)
    redis.await("the script is known again", function()
      return told == 2
    end)
    assert.equal(0, got.granted)
  end)
end)

describe("a Redis server", function()
  local server, stores

  before_each(function()
    stores = {}
  end)

  after_each(function()
    for _, store in ipairs(stores) do
      store:close()
    end
    server:stop()
  end)

  local function open(options)
    options.timeout = options.timeout or 20
    stores[#stores + 1] = gitdev.store.redis(options)
    return stores[#stores]
  end

  it("that is away fails replay protection closed, or open, and is told of once", function()
    server = redis.start()
    local told = {}
    local function on_error(err)
      told[#told + 1] = err
    end
    local closed, opened = open { port = server.port, on_error = on_error }, open { port = server.port, replay = "open", on_error = on_error }
    assert.is_false(closed:seen("a", LONG))
    assert.is_true(opened:seen("a", LONG))
    server:kill()
    for _, call in ipairs {
      function() closed:seen("a", LONG) end, function() closed:claim("a", LONG) end, function() closed:confirm("a", LONG) end,
      function() closed:release("a", "x") end, function() closed:take("a", report("a", 1)) end,
    } do
      local err = failure_of(call)
      assert.same({ "connection_error", "store_failed" }, { err.type, err.code })
      assert.matches("the store on Redis at 127.0.0.1:" .. server.port .. ": ", err.message, 1, true)
    end
    assert.equal(1, #told)
    assert.is_false(opened:seen("a", LONG))
    local token = assert(opened:claim("a", LONG))
    opened:confirm("a", LONG)
    opened:release("a", token)
    assert.equal(2, #told)
    assert.is_false((pcall(opened.take, opened, "a", report("a", 1)))) -- the client knows what holds then
    assert.equal(2, #told)
    local failed
    closed:take_async("a", report("a", 1), function(_, err) failed = err end)
    redis.await("it has failed", function()
      return failed
    end)
    assert.equal("store_failed", failed.code)
    server:again()
    redis.await("they find it again", function()
      return pcall(closed.seen, closed, "b", LONG) and opened:seen("b", LONG)
    end)
    server:kill()
    assert.is_false((pcall(closed.seen, closed, "a", LONG)))
    assert.equal(3, #told) -- another outage
  end)

  it("that stands still is waited for no longer than was said, and those behind are not stuck", function()
    server = redis.start()
    local store = open { socket = server.socket, timeout = 0.2 }
    assert.is_false(store:seen("a", LONG))
    server:stand_still()
    assert.matches("in time", failure_of(store.seen, store, "a", LONG).message)
    gitdev.run(function()
      local tasks = {}
      for i = 1, 20 do
        tasks[i] = gitdev.spawn(function()
          return (gitdev.pcall(store.seen, store, "b" .. i, LONG))
        end)
      end
      for i = 1, 20 do
        assert.is_false(tasks[i]:wait())
      end
    end)
    server:go_on()
    redis.await("it answers again", function()
      return (pcall(store.seen, store, "c", LONG))
    end)
  end)

  it("lets in who has the password, and no error says what it is", function()
    server = redis.start "--requirepass 'open sesame' --databases 4"
    for _, case in ipairs {
      { { port = server.port, password = "open sesame" } },
      { { socket = server.socket, username = "default", password = "open sesame", database = 3 } },
      { { port = server.port, password = "hush hush" }, "does not let us in: WRONGPASS" },
      { { port = server.port, username = "nobody", password = "hush hush" }, "does not let us in: WRONGPASS" },
      { { port = server.port, password = "open sesame", database = 9 }, "does not let us in: ERR DB index" },
      { { port = server.port }, "NOAUTH" },
    } do
      local store = open(case[1])
      local ok, err = pcall(store.seen, store, "a", LONG)
      assert.equal(case[2] == nil, ok, tostring(err))
      if not ok then
        assert.matches(case[2], err.message, 1, true)
        assert.is_nil(tostring(err):find("hush", 1, true))
      end
    end
    assert.equal("1", server:cli "-a 'open sesame' --no-auth-warning -n 3 exists gitdev:event:a")
  end)

  it("that does not know AUTH gives no password away", function()
    server = redis.start "--rename-command AUTH '\"\"'"
    for _, username in ipairs { false, "somebody" } do
      for _, password in ipairs { "hush hush", ("hush "):rep(60) } do
        local store = open { port = server.port, username = username or nil, password = password }
        local err = failure_of(store.seen, store, "a", LONG)
        assert.is_nil(tostring(err):find("hush", 1, true), tostring(err))
        assert.matches("does not let us in: ERR unknown command 'AUTH'.$", err.message)
      end
    end
  end)

  it("that is busy is one that is away for a moment", function()
    server = redis.start()
    local store = open { port = server.port, timeout = 20 }
    assert.is_false(store:seen("a", LONG))
    server:cli "config set lua-time-limit 10"
    local endless = io.popen(("redis-cli -s %s eval 'while true do end' 0"):format(process.quote(server.socket)))
    local err = failure_of(function()
      redis.await("it is busy", function()
        store:seen("a", LONG)
      end)
    end)
    server:cli "script kill"
    endless:close()
    assert.equal("connection_error", err.type)
    assert.matches(": BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.$", err.message)
    assert.is_true(store:seen("a", LONG))
  end)

  it("lets in who may do what the guide says, and says what others lack", function()
    server = redis.start()
    server:cli "acl setuser least on '>pw' '~gitdev:*' -@all +evalsha +eval +get +set +del +pttl +time"
    server:cli "acl setuser elsewhere on '>pw' '~other:*' +@all"
    server:cli "acl setuser voiceless on '>pw' '~*' +@all -evalsha"
    local least = open { port = server.port, username = "least", password = "pw" }
    assert.is_false(least:seen("a", LONG))
    local token = assert(least:claim("b", LONG))
    least:release("b", token)
    least:confirm("b", LONG)
    least:confirm("b", LONG)
    assert.equal(0, least:take("limit", report("a", 1)).granted)
    for username, lack in pairs { elsewhere = "NOPERM.* keys", voiceless = "NOPERM.*evalsha" } do
      local store = open { port = server.port, username = username, password = "pw" }
      for _, ask in ipairs { "seen", "claim" } do
        local err = failure_of(store[ask], store, "a", LONG)
        assert.equal("config_error", err.type)
        assert.matches(lack, err.message)
      end
    end
  end)

  it("that is full forgets nothing: it fails", function()
    server = redis.start "--maxmemory 3mb --maxmemory-policy noeviction"
    local store, told = open { port = server.port }, 0
    local opened = open { port = server.port, replay = "open", on_error = function() told = told + 1 end }
    assert.is_false(store:seen("first", LONG))
    server:cli "config set maxmemory 1"
    local err = failure_of(store.seen, store, "a", LONG)
    assert.same({ "config_error", "store_failed" }, { err.type, err.code })
    assert.matches("OOM", err.message)
    assert.is_false(opened:seen("a", LONG))
    assert.equal(1, told)
    server:cli "config set maxmemory 0"
    assert.is_true(store:seen("first", LONG))
  end)

  it("writes a line on stderr when it is away and everything is let through", function()
    server = redis.start()
    local script = process.file [[
      local store = require("gitdev").store.redis { port = tonumber(arg[1]), replay = "open", password = "open sesame" }
      print(store:seen("a", 60), store:seen("a", 60))
    ]]
    server:kill()
    local status, out, err = process.run(interpreter.command() .. " " .. script .. " " .. server.port)
    os.remove(script)
    assert.same({ 0, "false\tfalse\n" }, { status, out })
    assert.matches("^gitdev: connection_error: the store on Redis at 127.0.0.1:%d+: Connection refused\n$", err)
  end)

  it("keeps receivers on two machines from handling an event twice", function()
    server = redis.start()
    local handled, statuses = 0, {}
    local function handler()
      handled = handled + 1
      gitdev.sleep(0.01)
    end
    gitdev.run(function()
      local receivers, deliveries = {}, {}
      for i = 1, 2 do
        local store = open { port = server.port }
        receivers[i] = gitdev.webhooks.serve { port = 0, secret = sender.SECRET, store = store, on = { ["*"] = handler } }
      end
      for i = 1, 40 do
        deliveries[i] = function()
          local receiver = receivers[i % 2 + 1]
          local status = sender.deliver(receiver.url, sender.body { id = "evt_" .. math.ceil(i / 4) })
          statuses[status] = (statuses[status] or 0) + 1
        end
      end
      gitdev.all(deliveries)
      receivers[1]:stop()
      receivers[2]:stop()
    end)
    assert.equal(10, handled)
    assert.is_true(statuses[204] >= 10)
    assert.equal(40, statuses[204] + (statuses[503] or 0) + (statuses[409] or 0)) -- somebody else is at it: it comes again
  end)

  it("finds the new server when the old one has become its replica", function()
    server = redis.start()
    local store = open { port = server.port }
    store:seen("a", LONG)
    server:cli("replicaof 127.0.0.1 1")
    assert.matches("READONLY", failure_of(store.seen, store, "b", LONG).message, 1, true)
    redis.await("its connection is closed", function()
      return server:cli("client list type normal"):match "^[^\n]*$"
    end)
    server:cli "replicaof no one"
    assert.is_false(store:seen("b", LONG))
  end)

  it("says so when it is used after it was closed", function()
    server = redis.start()
    local store = open { port = server.port }
    store:close()
    for _, ask in ipairs { "take", "take_async", "seen" } do
      assert.matches("the store is closed", failure_of(store[ask], store, "a", ask == "seen" and LONG or {}).message, 1, true)
    end
  end)

  it("answers who waits when its store is closed", function()
    server = redis.start()
    local store = open { port = server.port }
    store:seen("a", LONG)
    server:stand_still()
    gitdev.run(function()
      local waiting = gitdev.spawn(function()
        return gitdev.pcall(store.seen, store, "b", LONG)
      end)
      gitdev.sleep(0)
      store:close()
      local ok, err = waiting:wait()
      assert.is_false(ok)
      assert.matches("closed", err.message)
    end)
  end)
end)

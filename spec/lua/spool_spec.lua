-- The spool of gitdev.webhooks.serve: that what was acknowledged is handled, in order, whatever becomes of the process, and once.
local gitdev = require "gitdev"
local json = require "gitdev.json"
local loop = require "gitdev.loop"
local process = require "spec.lua.support.process"
local sender = require "spec.lua.support.sender"
local spool = require "gitdev.webhooks.spool"
local pcall = gitdev.pcall -- tasks wait in it

local SECRET = sender.SECRET
local serve = require("gitdev.safe").webhooks.serve

local function nothing() end

local folder

before_each(function()
  folder = sender.folder()
end)

after_each(function()
  sender.remove(folder)
end)

local function slurp(path)
  local file = io.open(path, "rb")
  local text = file and file:read "*a"
  if file then
    file:close()
  end
  return text
end

local function write(path, text)
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
end

local function list(path)
  local names, pipe = {}, assert(io.popen("ls " .. process.quote(path)))
  for name in pipe:lines() do
    names[#names + 1] = name
  end
  pipe:close()
  return names
end

local function wait_until(condition)
  while not condition() do
    loop.sleep(0.002)
  end
end

local function entry(id, project)
  local body = ('{"id":"%s","type":"build.failed",\n"timestamp":1,"data":{}}'):format(id)
  return { id = id, delivery = "dlv_1", attempt = 2, received_at = 1718942301, project = project, body = body }
end

local function ids(opened)
  local names = {}
  for i, one in ipairs(opened:pending()) do
    names[i] = one.id
  end
  return table.concat(names, " ")
end

-- A spool with events a, b and c accepted, one commit each.
local function filled()
  local opened = assert(spool.open(folder))
  for _, id in ipairs { "a", "b", "c" } do
    opened:add(entry(id, "my-app"))
    assert(opened:commit())
  end
  return opened
end

describe("a spool", function()
  local JOURNAL

  before_each(function()
    JOURNAL = folder .. "/spool.journal"
  end)

  it("keeps what was committed, with all that is known of it, and no more", function()
    local opened = assert(spool.open(folder .. "/new"))
    local odd = entry("evt %\n é", "a b\n-")
    opened:add(odd)
    opened:add(entry "plain")
    assert(opened:commit())
    opened:add(entry "never committed")
    opened:close()
    opened = assert(spool.open(folder .. "/new"))
    local pending = opened:pending()
    assert.equal(2, #pending)
    for _, name in ipairs { "id", "delivery", "attempt", "received_at", "project", "body" } do
      assert.equal(odd[name], pending[1][name], name)
    end
    assert.equal(0, pending[1].tries)
    assert.is_nil(pending[2].project)
    assert.is_nil(opened.damage)
    opened:close()
  end)

  it("keeps what became of them", function()
    local opened = filled()
    local a, b, c = opened.entries.a, opened.entries.b, opened.entries.c
    assert.is_true(opened:handled(a))
    b.tries, b.due = 2, 1718950000
    assert.is_true(opened:failed(b))
    assert.is_true(opened:put_aside(c, "it \255 said \"no\"", 1718942302))
    opened:close()
    for _ = 1, 2 do -- the second time from a journal that was written anew
      opened = assert(spool.open(folder))
      assert.equal("b", ids(opened))
      assert.same({ 2, 1718950000 }, { opened.entries.b.tries, opened.entries.b.due })
      opened:close()
    end
    local failed = json.decode(slurp(folder .. "/failed/c.json"))
    assert.equal("c", failed.event.id)
    assert.equal('it ? said "no"', failed.error)
    assert.equal(1718942302, failed.at)
  end)

  it("survives a death at any byte of the last write, silently", function()
    filled():close()
    local whole = slurp(JOURNAL)
    local last = whole:match ".*()\n%x+ %d+\nE c "
    for size = last, #whole - 1 do
      write(JOURNAL, whole:sub(1, size))
      local opened = assert(spool.open(folder))
      assert.equal("a b", ids(opened), size)
      assert.is_nil(opened.damage)
      opened:close()
    end
    for size = 0, 14 do
      write(JOURNAL, whole:sub(1, size))
      local opened = assert(spool.open(folder))
      assert.equal("", ids(opened))
      assert.is_nil(opened.damage)
      opened:close()
    end
  end)

  it("takes up what can be read of a damaged journal, keeps a copy of it, and says so", function()
    filled():close()
    local whole = slurp(JOURNAL)
    local first, last = whole:match "E b ()", #whole
    local cases = {
      { whole:sub(1, first) .. "x" .. whole:sub(first + 2), "a c" },
      { whole:sub(1, first - 20) .. whole:sub(first + 30), "a c" },
      { whole:sub(1, 200) .. ("\0"):rep(100) .. whole:sub(201), nil },
      { whole .. ("\0"):rep(1000), "a b c" },
      { whole .. "some text\n", "a b c" },
      { whole:sub(1, last - 3) .. "x\0\n", "a b" },
      { whole .. "1be6f1a52ba0e5ef 4\nZ  ?\n", "a b c" },
      { "gitdev.spoon" .. whole:sub(13), "a b c" },
    }
    for number, case in ipairs(cases) do
      write(JOURNAL, case[1])
      local opened = assert(spool.open(folder))
      assert.is_truthy(opened.damage, number)
      local copy = opened.damage:match "(%S+)$"
      assert.equal(case[1], slurp(copy))
      if case[2] then
        assert.equal(case[2], ids(opened), number)
      end
      opened:close()
      opened = assert(spool.open(folder))
      assert.is_nil(opened.damage, number)
      opened:close()
    end
  end)

  it("loses one event at most to any byte that is wrong, and not silently", function()
    filled():close()
    local whole = slurp(JOURNAL)
    for at = 1, #whole do
      local byte = whole:byte(at)
      write(JOURNAL, whole:sub(1, at - 1) .. string.char(byte % 2 == 0 and byte + 1 or byte - 1) .. whole:sub(at + 1))
      local opened = assert(spool.open(folder))
      assert.is_truthy(opened.damage, at)
      assert.is_true(opened.count >= 2, at)
      assert(os.remove(opened.damage:match "(%S+)$"))
      opened:close()
    end
  end)

  it("puts aside a file that is another program's", function()
    write(JOURNAL, "# my own notes\n")
    write(folder .. "/notes.txt", "more of them")
    local opened = assert(spool.open(folder))
    assert.equal("# my own notes\n", slurp(opened.damage:match "(%S+)$"))
    assert.equal("more of them", slurp(folder .. "/notes.txt"))
    opened:close()
  end)

  it("does not grow with what is past", function()
    local opened, body = assert(spool.open(folder)), ('{"x":"%s"}'):format(("x"):rep(20000))
    for i = 1, 300 do
      local one = entry("evt_" .. i)
      one.body = body
      opened:add(one)
      assert(opened:commit())
      if i > 5 then
        opened:handled(opened.entries["evt_" .. i - 5])
      end
    end
    assert.is_true(#slurp(JOURNAL) < 2 * 1024 * 1024)
    opened:close()
    opened = assert(spool.open(folder))
    assert.equal("evt_296 evt_297 evt_298 evt_299 evt_300", ids(opened))
    opened:close()
  end)

  it("is one receiver's at a time", function()
    local opened = filled()
    local none, err = spool.open(folder)
    assert.is_nil(none)
    assert.equal("spool_in_use", err.code)
    assert.matches("another receiver", err.message)
    opened:close()
    spool.open(folder):close()
  end)

  it("says which folder cannot be used, and why", function()
    write(folder .. "/file", "")
    for path, why in pairs { ["/file"] = "Not a directory", ["/a/b"] = "No such file or directory", ["/file/a"] = "Not a directory" } do
      local none, err = spool.open(folder .. path)
      assert.is_nil(none)
      assert.equal("config_error", err.type)
      assert.is_truthy(err.message:find(folder .. path, 1, true), err.message)
      assert.is_truthy(err.message:find(why, 1, true), err.message)
    end
  end)
end)

describe("gitdev.webhooks.serve with a spool", function()
  -- Runs fn(receiver) in a task with a receiver over the folder, which is stopped after it.
  local function with(options, fn)
    options.port, options.secret, options.spool = 0, options.secret or SECRET, options.spool or folder
    options.on_error = options.on_error or nothing
    loop.run(function()
      local receiver = assert(serve(options))
      fn(receiver)
      receiver:stop()
    end)
  end

  local function deliver(receiver, fields)
    return (sender.deliver(receiver.url, sender.body(fields)))
  end

  it("answers 202 before the handler has run, and runs it after", function()
    local done, go = nil, false
    local function handler(event, delivery)
      wait_until(function() return go end)
      done = { event, delivery }
    end
    with({ on = { ["*"] = handler } }, function(receiver)
      assert.equal(202, deliver(receiver, { id = "evt_1", data = '"n":7' }))
      assert.is_nil(done)
      assert.equal(1, receiver:pending())
      go = true
      wait_until(function() return done end)
      assert.equal("evt_1", done[1].id)
      assert.equal(7, done[1].data.n)
      assert.is_true(done[1]:is "deployment.*")
      assert.same({ "dlv_000000000001", 1, 1 }, { done[2].id, done[2].attempt, done[2].try })
    end)
  end)

  it("handles the events of a project in order, and projects beside each other", function()
    local order, running, most = {}, {}, 0
    local function handler(event)
      local project = event.data.project or "none"
      assert(not running[project])
      running[project] = true
      local count = 0
      for _ in pairs(running) do
        count = count + 1
      end
      most = math.max(most, count)
      gitdev.sleep(0.003 * (event.data.n % 3))
      running[project] = nil
      order[project] = (order[project] or "") .. event.data.n
    end
    with({ on = { ["*"] = handler }, parallel = 2 }, function(receiver)
      for n = 1, 6 do
        for _, project in ipairs { "a", "b", "c", false } do
          assert.equal(202, deliver(receiver, { project = project, data = '"n":' .. n }))
        end
      end
      wait_until(function() return receiver:pending() == 0 end)
    end)
    assert.same({ a = "123456", b = "123456", c = "123456", none = "123456" }, order)
    assert.equal(2, most)
  end)

  it("tries again after growing pauses, in order, then puts the event aside and goes on", function()
    local tries, told = {}, {}
    local function handler(event, delivery)
      tries[#tries + 1] = event.id .. delivery.try
      if event.id == "bad" then
        error "the bad one"
      end
    end
    local function on_error(err, event)
      told[#told + 1] = { err, event.id }
    end
    local options = { on = { ["*"] = handler }, tries = 3, retry_pause = 0.002, on_error = on_error }
    with(options, function(receiver)
      deliver(receiver, { id = "bad" })
      deliver(receiver, { id = "good" })
      wait_until(function() return receiver:pending() == 0 end)
      assert.equal("bad1 bad2 bad3 good1", table.concat(tries, " "))
      assert.equal(3, #told)
      assert.matches("the bad one", told[1][1])
      local failed = json.decode(slurp(folder .. "/failed/bad.json"))
      assert.matches("the bad one", failed.error)
      assert.equal("bad", failed.event.id)
    end)
    options.on = { ["*"] = function(event) tries[#tries + 1] = "again " .. event.id end }
    with(options, function(receiver)
      assert.equal(0, receiver:pending())
      deliver(receiver, { id = "bad" }) -- redelivered, now that the handler is mended
      wait_until(function() return receiver:pending() == 0 end)
      assert.equal("again bad", tries[#tries])
      assert.same({}, list(folder .. "/failed"))
    end)
  end)

  it("remembers tries and pauses across a restart", function()
    local tries = {}
    local options = { tries = 2, retry_pause = 1000, on = { ["*"] = function(_, delivery) tries[#tries + 1] = delivery.try error "no" end } }
    with(options, function(receiver)
      deliver(receiver, { id = "evt_1" })
      wait_until(function() return #tries == 1 end)
      loop.sleep(0.01)
    end)
    with(options, function(receiver)
      loop.sleep(0.05)
      assert.same({ 1 }, tries)
      assert.equal(1, receiver:pending())
    end)
    local journal = slurp(folder .. "/spool.journal")
    assert.matches("F evt_1 1 %d+", journal)
  end)

  it("takes up after a restart what waits, in order, and what nobody handles any more is let go", function()
    local go, order = false, {}
    local function slow()
      wait_until(function() return go end)
    end
    with({ drain = 0.01, on = { ["*"] = slow } }, function(receiver)
      for n = 1, 4 do
        deliver(receiver, { id = "evt_" .. n })
      end
      deliver(receiver, { id = "evt_5", type = "build.failed", project = "other" })
    end)
    with({ on = { ["deployment.*"] = function(event, delivery) order[#order + 1] = event.id .. delivery.try end } }, function(receiver)
      wait_until(function() return receiver:pending() == 0 end)
      assert.equal("evt_11 evt_21 evt_31 evt_41", table.concat(order, " "))
    end)
  end)

  it("handles once what comes again: while it waits, when it was handled, and after a restart", function()
    local runs, go = 0, false
    local options = { on = { ["*"] = function() runs = runs + 1 wait_until(function() return go end) end } }
    with(options, function(receiver)
      local body = sender.body { id = "evt_1" }
      for _, result in ipairs(sender.all(receiver.url, { body, body, body })) do
        assert.equal(202, result.status)
      end
      assert.equal(202, (sender.deliver(receiver.url, body)))
      assert.equal(1, receiver:pending())
      go = true
      wait_until(function() return receiver:pending() == 0 end)
      assert.equal(202, (sender.deliver(receiver.url, body)))
      wait_until(function() return receiver:pending() == 0 end)
    end)
    with(options, function(receiver)
      assert.equal(202, deliver(receiver, { id = "evt_1" }))
      wait_until(function() return receiver:pending() == 0 end)
    end)
    assert.equal(1, runs)
  end)

  it("answers 503 when as many wait as may, and 204 to what nobody handles", function()
    local go = false
    with({ queue = 2, on = { ["deployment.*"] = function() wait_until(function() return go end) end } }, function(receiver)
      assert.equal(202, deliver(receiver))
      assert.equal(202, deliver(receiver))
      local status, result = sender.deliver(receiver.url)
      assert.equal(503, status)
      assert.equal("queue_full", json.decode(result.body).error.code)
      assert.equal(204, deliver(receiver, { type = "build.failed" }))
      go = true
      wait_until(function() return receiver:pending() == 0 end)
      assert.equal(202, deliver(receiver))
    end)
  end)

  it("puts aside also what failed with an error that says nothing", function()
    local options = { tries = 1, on = { ["*"] = function() error(setmetatable({}, { __index = error, __tostring = error })) end } }
    with(options, function(receiver)
      deliver(receiver, { id = "evt_1" })
      deliver(receiver, { id = "evt_2" })
      wait_until(function() return receiver:pending() == 0 end)
    end)
    assert.same({ "evt_1.json", "evt_2.json" }, list(folder .. "/failed"))
    assert.matches("says nothing, a table", json.decode(slurp(folder .. "/failed/evt_2.json")).error)
  end)

  it("handles an event of another scheme, whatever its id", function()
    local secret, got = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLasw", nil
    local body = sender.body { id = "evt with. a full stop" }
    local headers = {}
    for name, value in pairs(gitdev.webhooks.sign(body, secret, { scheme = "standard", id = "msg_1" })) do
      headers[#headers + 1], headers[#headers + 2] = name, value
    end
    with({ secret = secret, scheme = "standard", on = { ["*"] = function(event) got = event.id end } }, function(receiver)
      assert.equal(202, (sender.deliver(receiver.url, body, { headers = headers })))
      wait_until(function() return receiver:pending() == 0 end)
    end)
    assert.equal("evt with. a full stop", got)
  end)

  it("begins nothing more when it is stopped, whatever its store does", function()
    local asked, begun
    local store = { claim = function() asked = true pcall(loop.sleep, 60) return "token" end, confirm = nothing, release = nothing }
    with({ store = store, drain = 0.05, on = { ["*"] = function() begun = true end } }, function(receiver)
      deliver(receiver)
      wait_until(function() return asked end)
    end)
    assert.is_nil(begun)
    local opened = assert(spool.open(folder))
    assert.equal(1, opened.count)
    opened:close()
  end)

  it("keeps an event whose handler ends with the task that made the receiver, and says nothing of it", function()
    local told, begun, receiver = 0, nil, nil
    loop.run(function()
      local one = loop.spawn(function()
        receiver = assert(serve {
          port = 0, secret = SECRET, spool = folder, on_error = function() told = told + 1 end,
          on = { ["*"] = function() begun = true gitdev.sleep(60) end },
        })
      end)
      wait_until(function() return receiver end)
      deliver(receiver)
      wait_until(function() return begun end)
      one:cancel()
      pcall(one.wait, one)
    end)
    assert.equal(0, told)
    local opened = assert(spool.open(folder))
    assert.equal(1, opened.count)
    opened:close()
  end)

  it("waits, and does not count a try, while its store fails or another has the event", function()
    local state, runs = "fails", 0
    local store = {
      claim = function()
        if state == "fails" then
          state = "claimed"
          error "no such host"
        end
        return nil, state
      end,
      confirm = nothing,
      release = nothing,
    }
    local told = 0
    with({ store = store, on_error = function() told = told + 1 end, on = { ["*"] = function() runs = runs + 1 end } }, function(receiver)
      deliver(receiver)
      wait_until(function() return told == 1 end)
      assert.equal(1, receiver:pending())
    end)
    state = "done"
    with({ store = store, on = { ["*"] = function() runs = runs + 1 end } }, function(receiver)
      wait_until(function() return receiver:pending() == 0 end)
    end)
    assert.equal(0, runs)
  end)

  it("tells of a damaged journal", function()
    write(folder .. "/spool.journal", "gitdev.spool 1\nnonsense\nand more\n")
    local told
    with({ on_error = function(err, event) told = { err, event } end, on = { ["*"] = nothing } }, function()
      wait_until(function() return told end)
      assert.matches("was damaged", told[1])
      assert.is_nil(told[2])
    end)
  end)

  it("refuses a folder that another one has, and gives it up at its end", function()
    with({ on = { ["*"] = nothing } }, function()
      local none, err = serve { port = 0, secret = SECRET, spool = folder, on = { ["*"] = nothing } }
      assert.is_nil(none)
      assert.equal("spool_in_use", err.code)
    end)
    with({ on = { ["*"] = nothing } }, nothing)
  end)
end)

-- ---- in processes ----

-- A script for the host: writes its url to the file `ready`, and a line to `log` when a handler begins and one when it has succeeded.
local SCRIPT = [[
  local gitdev = require "gitdev"
  local folder, spool, pause = arg[1], arg[2], tonumber(arg[3])
  local log = assert(io.open(folder .. "/log", "ab"))
  log:setvbuf "no"
  local receiver = gitdev.webhooks.serve {
    port = 0,
    spool = spool == "spool" and folder .. "/spool" or nil,
    drain = tonumber(arg[5]),
    on = {
      ["*"] = function(event)
        log:write("begin ", event.id, "\n")
        gitdev.sleep(pause)
        log:write("end ", event.id, "\n")
      end,
    },
  }
  local ready = assert(io.open(folder .. "/ready.new", "wb"))
  ready:write(receiver.url)
  ready:close()
  os.rename(folder .. "/ready.new", folder .. "/ready")
  if arg[4] == "empty" then
    while receiver:pending() > 0 do gitdev.sleep(0.005) end
    receiver:stop()
  end
]]

describe("a receiver in a process of its own #once", function()
  -- Starts the host beside this process: { url, pid }. `before` stands in its shell before it.
  local function start(words, before)
    write(folder .. "/script.lua", SCRIPT)
    for _, name in ipairs { "ready", "pid", "status" } do
      os.remove(folder .. "/" .. name)
    end
    local command = ("%s GIT_WEBHOOK_SECRET=%s exec %s %s/script.lua %s %s"):format(before or "", SECRET, process.quote(process.host), folder,
      folder, words)
    write(folder .. "/start.sh", ("echo $$ >%s/pid.new; mv %s/pid.new %s/pid; %s\n"):format(folder, folder, folder, command))
    -- With job control, or the shell would have a process beside it ignore SIGINT.
    local beside = ("{ bash %s/start.sh >%s/out 2>%s/err </dev/null; echo $? >%s/status.new; mv %s/status.new %s/status; } 2>/dev/null &"):gsub(
      "%%s", folder)
    os.execute("bash -c " .. process.quote("set -m; " .. beside))
    wait_until(function() return slurp(folder .. "/ready") or slurp(folder .. "/status") end)
    return { url = assert(slurp(folder .. "/ready"), slurp(folder .. "/err")), pid = slurp(folder .. "/pid"):match "%d+" }
  end

  -- Its exit status, when it has ended.
  local function ended()
    wait_until(function() return slurp(folder .. "/status") end)
    return tonumber(slurp(folder .. "/status"))
  end

  local function log()
    return slurp(folder .. "/log") or ""
  end

  local function has(line)
    return function()
      return ("\n" .. log()):find("\n" .. line .. "\n", 1, true)
    end
  end

  -- Delivers the events of one project, one after the other, until told to stop; what was not acknowledged is delivered again.
  local function send(state, project)
    while not state.stop do
      local id = ("evt_%s_%05d"):format(project, state.next[project])
      local status = sender.deliver(state.url, sender.body { id = id, project = project })
      if status == 202 then
        state.acknowledged[#state.acknowledged + 1] = id
        state.next[project] = state.next[project] + 1
      else
        loop.sleep(0.001)
      end
    end
  end

  -- The ids that the process has recorded as handled.
  local function recorded()
    local set = {}
    for id in (slurp(folder .. "/spool/handled") or ""):gmatch "done %d+ (%S+)\n" do
      set[id] = true
    end
    return set
  end

  local function count_begun()
    local counts = {}
    for id in log():gmatch "begin (%S+)\n" do
      counts[id] = (counts[id] or 0) + 1
    end
    return counts
  end

  it("killed again and again under load, loses nothing that it acknowledged, and repeats nothing that it recorded", function()
    local state = { acknowledged = {}, next = { a = 1, b = 1, c = 1, d = 1, e = 1 } }
    local done, begun = {}, {}
    for round = 1, 8 do
      local running = start "spool 0.001"
      state.url, state.stop = running.url, false
      loop.run(function()
        for project in pairs(state.next) do
          loop.spawn(send, state, project)
        end
        local target = #state.acknowledged + 40 + 37 * round
        wait_until(function() return #state.acknowledged >= target end)
        os.execute("kill -KILL " .. running.pid)
        state.stop = true
      end)
      assert.equal(137, ended())
      for id in pairs(done) do
        assert.equal(begun[id], count_begun()[id], id)
      end
      done, begun = recorded(), count_begun()
    end
    start "spool 0 empty"
    assert.equal(0, ended(), slurp(folder .. "/err"))
    assert.equal("", slurp(folder .. "/err"))
    local counts, position, latest = count_begun(), {}, {}
    for id in pairs(done) do
      assert.equal(begun[id], counts[id], id)
    end
    local order = 0
    for id in log():gmatch "end (%S+)\n" do
      order = order + 1
      position[id] = position[id] or order
    end
    assert.is_true(#state.acknowledged > 1000)
    for _, id in ipairs(state.acknowledged) do
      assert.is_truthy(position[id], "lost: " .. id)
      local project = id:match "_(%l)_"
      assert.is_true(position[id] > (latest[project] or 0), "out of order: " .. id)
      latest[project] = position[id]
    end
  end)

  for _, signal in ipairs { { "TERM", 143 }, { "INT", 130 } } do
    it("finishes what is under way when it gets SIG" .. signal[1] .. ", and answers it", function()
      local result
      local running = start "direct 0.2"
      sender.start(running.url, sender.body { id = "evt_1" }, nil, function(one) result = one end)
      wait_until(has "begin evt_1")
      os.execute("kill -" .. signal[1] .. " " .. running.pid)
      wait_until(function() return result end)
      assert.equal(204, result.status)
      assert.equal(signal[2], ended())
      assert.is_truthy(has "end evt_1"())
      assert.equal("gitdev: interrupted\n", slurp(folder .. "/err"))
      loop.run(function()
        assert.equal("refused", (select(2, sender.deliver(running.url))).error)
      end)
    end)
  end

  it("leaves the rest in the spool", function()
    local running = start "spool 0.1"
    loop.run(function()
      for n = 1, 3 do
        assert.equal(202, (sender.deliver(running.url, sender.body { id = "evt_" .. n })))
      end
    end)
    wait_until(has "begin evt_1")
    os.execute("kill -TERM " .. running.pid)
    assert.equal(143, ended())
    assert.equal("begin evt_1\nend evt_1\n", log())
    start "spool 0 empty"
    assert.equal(0, ended())
    assert.equal("begin evt_1\nend evt_1\nbegin evt_2\nend evt_2\nbegin evt_3\nend evt_3\n", log())
  end)

  it("does not wait for what never ends", function()
    local running = start "spool 1000 serve 0.05"
    loop.run(function()
      assert.equal(202, (sender.deliver(running.url, sender.body { id = "evt_1" })))
    end)
    wait_until(has "begin evt_1")
    os.execute("kill -TERM " .. running.pid)
    assert.equal(143, ended())
    start "spool 0 empty"
    assert.equal(0, ended())
    assert.equal("begin evt_1\nbegin evt_1\nend evt_1\n", log())
  end)

  it("ends at once at the second signal", function()
    local running = start "spool 1000 serve 1000"
    loop.run(function()
      assert.equal(202, (sender.deliver(running.url, sender.body { id = "evt_1" })))
    end)
    wait_until(has "begin evt_1")
    os.execute("kill -TERM " .. running.pid)
    loop.sleep(0.6) -- what comes within half a second is the same signal once more
    assert.is_nil(slurp(folder .. "/status"))
    os.execute("kill -TERM " .. running.pid)
    assert.equal(143, ended())
  end)

  -- A limit on the size of files stands for a full disk.
  local FULL = "trap '' XFSZ; ulimit -f 24;"

  it("acknowledges nothing that it cannot write", function()
    local running = start("spool 1000 serve 0.01", FULL)
    local accepted = {}
    loop.run(function()
      local refused = 0
      while refused < 3 do
        local id = ("evt_%d_%d"):format(#accepted, refused)
        local status, result = sender.deliver(running.url, sender.body { id = id, data = ('"x":"%s"'):format(("x"):rep(3000)) })
        if status == 202 then
          accepted[#accepted + 1] = id
        else
          assert.equal(503, status)
          assert.equal("unavailable", json.decode(result.body).error.code)
          assert.is_string(sender.header(result, "retry-after"))
          refused = refused + 1
        end
      end
      assert.equal(202, (sender.deliver(running.url, sender.body { id = "evt_small" })))
      accepted[#accepted + 1] = "evt_small"
    end)
    os.execute("kill -TERM " .. running.pid)
    assert.equal(143, ended())
    local _, count = slurp(folder .. "/err"):gsub("cannot be written: File too large", "")
    assert.equal(1, count)
    os.remove(folder .. "/log")
    start "spool 0 empty"
    assert.equal(0, ended())
    local handled = {}
    for id in log():gmatch "end (%S+)\n" do
      handled[#handled + 1] = id
    end
    assert.is_true(#accepted > 3)
    assert.same(accepted, handled)
  end)

  -- Delivers events of 3000 bytes until one is refused. Returns how many were accepted.
  local function fill(url)
    local count = 0
    loop.run(function()
      while sender.deliver(url, sender.body { data = ('"x":"%s"'):format(("x"):rep(3000)) }) == 202 do
        count = count + 1
      end
    end)
    return count
  end

  local function count_ended()
    return select(2, log():gsub("end %S+\n", ""))
  end

  it("works off what has filled its disk, and then accepts again", function()
    local running = start("spool 0.05", FULL)
    local count = fill(running.url)
    wait_until(function() return count_ended() == count end)
    wait_until(function() return fill(running.url) > 3 end)
    os.execute("kill -TERM " .. running.pid)
    assert.equal(143, ended())
  end)

  it("works off after a restart what a disk has no room for a second time", function()
    local running = start "spool 1000 serve 0.01"
    loop.run(function()
      for _ = 1, 20 do
        sender.deliver(running.url, sender.body { data = ('"x":"%s"'):format(("x"):rep(3000)) })
      end
    end)
    os.execute("kill -KILL " .. running.pid)
    assert.equal(137, ended())
    local file = assert(io.open(folder .. "/spool/spool.journal", "ab"))
    file:write("0123456789abcdef 900\nE torn")
    file:close()
    os.remove(folder .. "/log")
    start("spool 0 empty", FULL)
    assert.equal(0, ended(), slurp(folder .. "/err"))
    assert.equal(20, count_ended())
  end)
end)

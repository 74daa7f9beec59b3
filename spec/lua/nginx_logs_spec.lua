-- Logs that are followed, and waits that listen, over WebSockets in a real nginx; the other end is an emulator in a process of its own.
local json = require "gitdev.json"
local openresty = require "spec.lua.support.openresty"
local process = require "spec.lua.support.process"

local HTTP = [[
lua_shared_dict notes 1m;
init_by_lua_block {
  gitdev = require "gitdev"
  notes = ngx.shared.notes

  -- Follows the log of a deployment until it has so many lines, or for ever. What it has read: how many, and whether none is missing or came twice.
  function follow(lines, count, each)
    local first, last, read = nil, nil, 0
    for line in lines do
      assert(line.object == "log_line", line.object)
      assert(not last or line.seq == last + 1, "line " .. line.seq .. " after " .. tostring(last))
      first, last, read = first or line.seq, line.seq, read + 1
      if each then each(line) end
      if read == count then break end
    end
    return read .. " lines from " .. tostring(first)
  end
}
]]

local SERVER = [[
location = /deploy {
  content_by_lua_block {
    ngx.print(gitdev.client().deployments:create({ project = "my-app", metadata = { emulate = "hang" } }).id)
  }
}
location = /whole {
  content_by_lua_block {
    local deployment = gitdev.client().deployments:create { project = "my-app" }
    ngx.say(follow(deployment:logs { follow = true }))
    ngx.print(deployment:refresh().status)
  }
}
location = /wait {
  access_by_lua_block {
    local deployment = gitdev.client().deployments:create { project = "my-app" }
    ngx.ctx.url = deployment:wait().url
  }
  content_by_lua_block { ngx.print(ngx.ctx.url) }
}
location = /follow {
  lua_check_client_abort on;
  content_by_lua_block {
    local git = gitdev.client()
    local lines = git.deployments:get(ngx.var.arg_id):logs { follow = true, tail = tonumber(ngx.var.arg_tail), stage = ngx.var.arg_stage }
    notes:incr("followers", 1, 0)
    ngx.print(follow(lines, tonumber(ngx.var.arg_count)))
    if ngx.var.arg_close then lines:close() end
  }
}
location = /timer {
  content_by_lua_block {
    local id = ngx.var.arg_id
    assert(ngx.timer.at(0, function()
      local git = gitdev.client()
      local ok, err = pcall(function()
        return follow(git.deployments:get(id):logs { follow = true, tail = 0 }, nil, function() notes:incr("lines", 1, 0) end)
      end)
      notes:set("ended", tostring(ok) .. " " .. tostring(err.code))
    end))
  }
}
location = /timer_wait {
  content_by_lua_block {
    assert(ngx.timer.at(0, function()
      local deployment = gitdev.client().deployments:create { project = "my-app" }
      notes:set("begun", true)
      notes:set("waited", deployment:wait().status)
    end))
  }
}
# Keeps a client and a stream where other requests of the worker find them.
location = /keep {
  content_by_lua_block {
    local git = gitdev.client()
    local lines = git.deployments:get(ngx.var.arg_id):logs { follow = true, tail = 0 }
    package.loaded.kept = { git = git, lines = lines }
    notes:incr("followers", 1, 0)
    local ok, err
    if ngx.var.arg_task then
      ok, err = pcall(gitdev.run, follow, lines)
    else
      ok, err = pcall(follow, lines)
    end
    ngx.print(tostring(ok), " ", err.code or err)
  }
}
location = /elsewhere {
  content_by_lua_block {
    local kept = package.loaded.kept
    ngx.say(tostring(select(2, pcall(kept.lines.next, kept.lines))))
    if ngx.var.arg_what == "client" then kept.git:close() else kept.lines:close() end
  }
}
location = /beside {
  content_by_lua_block {
    local git = gitdev.client()
    local lines = git.deployments:get(ngx.var.arg_id):logs { follow = true, tail = 0 }
    -- A wait that is broken off, and one at the same time.
    ngx.say(select(2, pcall(gitdev.timeout, 0.1, lines.next, lines)).code)
    local other = ngx.thread.spawn(function() return lines:next() end)
    ngx.say(tostring(select(2, pcall(lines.next, lines))))
    notes:set("waits", true)
    local _, line = ngx.thread.wait(other)
    ngx.say(line.message)
    other = ngx.thread.spawn(function() return lines:next() end)
    lines:close()
    ngx.print(tostring(select(2, ngx.thread.wait(other))))
  }
}
location = /note {
  content_by_lua_block { ngx.print(tostring(notes:get(ngx.var.arg_name))) }
}
]]

describe("in nginx,", function()
  local missing = select(2, openresty.find())
  if missing then
    pending(missing)
    return
  end

  local emulator, server

  -- Each has an nginx of its own: what is left over of one would be another's.
  local function start(options)
    emulator = openresty.emulator(options)
    server = openresty.start { emulator = emulator, http = HTTP, server = SERVER, workers = 1 }
  end

  after_each(function()
    server:stop()
    emulator:stop()
  end)

  local function control(path, body)
    local command = ("curl -s --cacert %s -d @- %s/_emulator%s"):format(process.quote(emulator.ca_file), emulator.url:match "^(.*)/v2", path)
    local status, out = process.run(command, assert(json.encode(body)))
    assert.equal(0, status)
    return out
  end

  local function requests()
    local command = ("curl -s --cacert %s %s/_emulator/requests"):format(process.quote(emulator.ca_file), emulator.url:match "^(.*)/v2")
    local count = 0
    for _, one in ipairs(json.read(select(2, process.run(command))).requests) do
      count = count + (one.op == "deployments.logs.stream" and 1 or 0)
    end
    return count
  end

  local function get(path)
    local status, body = server:get(path)
    assert.equal(200, status, body .. server:errors())
    return body
  end

  -- A deployment whose build never ends, so that its log does not either: the emulator writes seven lines of it.
  local function deploy()
    start "--build-ms 200"
    local id = get "/deploy"
    assert.equal("7 lines from 1", get("/follow?close=1&count=7&id=" .. id))
    return id
  end

  local function write(id, count)
    control("/logs", { id = id, count = count, message = "line {n}" })
  end

  -- Asks for a path beside this process. Returns a function that waits for the answer, and one that breaks it off.
  local function begin(path)
    local out = os.tmpname()
    local script = "{ curl -s --max-time 60 -o %s '%s' & echo $!; exec 1>&-; wait $!; echo >%s.over; } 2>/dev/null &"
    local pipe = assert(io.popen(script:format(out, server.url .. path, out)))
    local pid = pipe:read "*l"
    pipe:close()
    return function()
      openresty.await("it is answered", function()
        return io.open(out .. ".over")
      end)
      local file = assert(io.open(out, "rb"))
      local text = file:read "*a"
      file:close()
      os.remove(out)
      os.remove(out .. ".over")
      return text
    end, function()
      os.execute("kill " .. pid)
    end
  end

  local function note(name)
    return get("/note?name=" .. name)
  end

  local function await_followers(count)
    openresty.await(count .. " follow", function()
      return note "followers" == tostring(count)
    end)
  end

  -- How many connections a worker has.
  local function sockets(pid)
    local _, out = process.run("ls -l /proc/" .. pid .. "/fd | grep -c socket:")
    return tonumber(out)
  end

  it("a log is followed to its end, and a deployment waited for, in the phases that can wait", function()
    start()
    assert.matches("^%d%d lines from 1\nlive$", get "/whole")
    assert.equal("https://my-app.git.dev", get "/wait")
    assert.is_true(requests() >= 2)
    assert.is_nil(server:errors():find("[error]", 1, true))
  end)

  it("a log is taken up where its connection broke off, without a line missing or twice", function()
    local id = deploy()
    write(id, 5000)
    local before = requests()
    for _, fault in ipairs {
      { lines = 1000, drop = true },
      { lines = 700, close = 1012 },
      { lines = 10, duplicate = 10, gap = 20, close = 1001 },
      { drop = true },
    } do
      control("/faults", { match = { op = "deployments.logs.stream" }, stream = fault })
    end
    assert.equal("5000 lines from 1", get("/follow?count=5000&id=" .. id))
    assert.equal(5, requests() - before)
  end)

  it("many follow at once, each to the last line", function()
    local id, waits = deploy(), {}
    for i = 1, 30 do
      waits[i] = begin("/follow?count=3000&id=" .. id)
    end
    write(id, 3000)
    for _, wait in ipairs(waits) do
      assert.equal("3000 lines from 1", wait())
    end
  end)

  it("who leaves a stream without closing it, or goes away, leaves nothing behind", function()
    local id = deploy()
    local pid = server:workers()[1]
    get "/note"
    local before = sockets(pid)
    assert.equal("1 lines from 1", get("/follow?count=1&id=" .. id)) -- its answer does not wait for the stream
    local _, abort = begin("/follow?tail=0&id=" .. id)
    openresty.await("it follows", function()
      return sockets(pid) > before
    end)
    abort()
    openresty.await("its connections are closed", function()
      return sockets(pid) <= before
    end)
  end)

  -- Where a task reads it at once, elsewhere with the next message.
  it("a stream ends when it, or its client, is closed by another request, which cannot read it", function()
    local id, followers = deploy(), 1
    for _, task in ipairs { "&task=1", "" } do
      for _, what in ipairs { "client", "stream" } do
        local wait = begin("/keep?id=" .. id .. task)
        followers = followers + 1
        await_followers(followers)
        assert.matches("a stream belongs to the request, or timer, that opened it", get("/elsewhere?what=" .. what))
        if task == "" then
          write(id, 1)
        end
        assert.equal(what == "client" and "false client_closed" or "true 0 lines from nil", wait())
      end
    end
  end)

  it("a wait for a line can be broken off, and has one who waits", function()
    local id = deploy()
    local wait = begin("/beside?id=" .. id)
    openresty.await("it waits", function()
      return note "waits" == "true"
    end)
    local before = requests()
    write(id, 1)
    local said = wait()
    assert.matches("^timeout\n.*another thread waits for this stream already.*\nline 1\nnil$", said)
    assert.equal(before, requests()) -- all on one connection
  end)

  it("a reload lets a request follow to its end, in the worker that is to go", function()
    local id = deploy()
    local old = server:workers()[1]
    local wait = begin("/follow?tail=0&count=50&id=" .. id)
    await_followers(2)
    server:reload()
    openresty.await("there is another worker", function()
      local now = server:workers()[1]
      return now and now ~= old
    end)
    write(id, 50)
    assert.matches("^50 lines from %d+$", wait())
    openresty.await("the old worker is gone", function()
      return not io.open("/proc/" .. old .. "/stat")
    end)
  end)

  it("a reload ends what a timer follows, and its worker", function()
    local id = deploy()
    local old = server:workers()[1]
    local before = requests()
    get("/timer?id=" .. id)
    openresty.await("it follows", function()
      return requests() > before
    end)
    write(id, 3)
    openresty.await("it has read", function()
      return (tonumber(note "lines") or 0) >= 3
    end)
    server:reload()
    openresty.await("the old worker is gone", function()
      return not io.open("/proc/" .. old .. "/stat")
    end)
    assert.equal("false worker_exiting", note "ended")
  end)

  it("a reload lets a timer wait for a deployment", function()
    start "--build-ms 1500"
    local old = server:workers()[1]
    get "/timer_wait"
    openresty.await("it waits", function()
      return note "begun" == "true"
    end)
    server:reload()
    openresty.await("the old worker is gone", function()
      return not io.open("/proc/" .. old .. "/stat")
    end)
    assert.equal("live", note "waited")
  end)
end)

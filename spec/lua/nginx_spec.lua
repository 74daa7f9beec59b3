-- The engine against a real server of other people's making: pooling, multiplexing, and what reloads, restarts and limits do to calls.
local loop = require "gitdev.loop"
local nginx = require "spec.lua.support.nginx"

describe("against nginx", function()
  local missing = select(2, nginx.find())
  if missing then
    pending(missing)
    return
  end

  local server, client

  local function start(options)
    server = nginx.start(options)
    client = server:client { timeout = 60 }
    return server
  end

  after_each(function()
    if server then server:stop() end
    server = nil
  end)

  -- A call that is done, from a task or outside.
  local function perform(method, body, more)
    local call = assert(client:call(method, "/things", body, nil, nil, nil, nil, nil, more))
    loop.perform(call)
    return call
  end

  -- Makes `count` calls, `width` at once, while meanwhile(left) makes trouble in the task above them; left() tells how many are not done.
  -- Returns the calls.
  local function storm(count, width, method, body, meanwhile)
    local calls, begun, ended = {}, 0, 0
    loop.run(function()
      for _ = 1, width do
        loop.spawn(function()
          while begun < count do
            begun = begun + 1
            local number = begun
            calls[number] = perform(method, body)
            ended = ended + 1
          end
        end)
      end
      if meanwhile then meanwhile(function()
        return count - ended
      end) end
    end)
    assert.equal(count, #calls)
    return calls
  end

  local function assert_well(calls)
    for number, call in ipairs(calls) do
      local status, answer = call:result()
      if status ~= 200 then
        local told = {}
        for _, attempt in ipairs(call:attempts()) do
          told[#told + 1] = attempt.verdict .. ": " .. attempt.reason
        end
        error(number .. ": " .. tostring(answer.message) .. " (" .. table.concat(told, "; ") .. ")")
      end
    end
  end

  -- Some calls at once, from within a task.
  local function storm_once(count)
    local calls, tasks = {}, {}
    for number = 1, count do
      tasks[number] = loop.spawn(function()
        calls[number] = perform("GET")
      end)
    end
    for _, task in ipairs(tasks) do
      task:wait()
    end
    return calls
  end

  local function connections_of(log)
    local seen, count = {}, 0
    for _, request in ipairs(log) do
      if not seen[request.connection] then
        seen[request.connection] = true
        count = count + 1
      end
    end
    return count
  end

  -- How often the most frequent key was answered with a success.
  local function most_often(log)
    local times, most = {}, 0
    for _, request in ipairs(log) do
      if request.key and request.status < 300 then
        times[request.key] = (times[request.key] or 0) + 1
        most = math.max(most, times[request.key])
      end
    end
    return most
  end

  local function attempts_of(calls)
    local count = 0
    for _, call in ipairs(calls) do
      count = count + #call:attempts()
    end
    return count
  end

  -- libcurl reads what has come on a connection when it sends a request there. Nothing would wake the loop after that.
  it("wakes at once who waits for an answer that was read while another request was sent", function()
    start {
      http = "limit_req_zone $server_addr zone=one:1m rate=1r/m;",
      server = "location /v2/slow { limit_req zone=one burst=9; proxy_pass http://unix:%ROOT%/inner.sock; }",
    }
    local function call(path)
      return assert(client:call("GET", path, nil, nil, nil, 8)) -- a clock of libcurl's wakes the loop after 10 s
    end
    loop.perform(call "/slow") -- the next of them waits for a minute
    local quick, slow = call "/things", {}
    loop.run(function()
      local waiter = loop.spawn(loop.perform, quick)
      loop.spawn(function() -- in the same turn
        local late = loop.now() + 20
        repeat -- without turning the loop: the answer is there then, and not read
          assert.is_true(loop.now() < late)
        until #server:log() == 2
        assert.is_false(quick:done())
        repeat -- each reads a record
          slow[#slow + 1] = call "/slow"
          loop.start(slow[#slow])
        until quick:done() or #slow == 8
        assert.is_true(quick:done())
      end)
      waiter:wait()
      assert.equal(200, (quick:result()))
      for _, one in ipairs(slow) do
        assert.is_false(one:done())
        loop.cancel(one)
      end
    end)
  end)

  for _, http2 in ipairs { true, false } do
    local name = http2 and "HTTP/2" or "HTTP/1.1"

    it("makes one call after another on one connection, over " .. name, function()
      start { http2 = http2 }
      assert_well(storm(50, 1, "POST", "{}"))
      local log = server:await_log(50)
      assert.equal(50, #log)
      assert.equal(1, connections_of(log))
      assert.equal(http2 and "HTTP/2.0" or "HTTP/1.1", log[50].protocol)
    end)

    it("makes many calls at once on few connections, over " .. name, function()
      start { http2 = http2, http = "keepalive_requests 10000;" }
      local calls = storm(600, 64, "POST", "{}")
      assert_well(calls)
      assert.equal(600, attempts_of(calls))
      local log = server:await_log(600)
      assert.equal(600, #log)
      assert.equal(1, most_often(log))
      local connections = connections_of(log)
      assert.is_true(connections <= (http2 and 2 or 16), connections .. " connections")
    end)

    it("goes on when a connection is closed after three requests, over " .. name, function()
      start { http2 = http2, http = "keepalive_requests 3;" }
      for _, width in ipairs { 1, 16 } do
        local calls = storm(120, width, "POST", "{}")
        assert_well(calls)
        assert.equal(120, attempts_of(calls))
      end
      local log = server:await_log(240)
      assert.equal(240, #log)
      assert.equal(1, most_often(log))
    end)

    -- The pauses are around the moment in which nginx closes what rests.
    it("is not harmed by connections that are closed while they rest, over " .. name, function()
      start { http2 = http2, http = "keepalive_timeout 1;" }
      local calls = storm(8, 8, "POST", "{}", function()
        loop.sleep(0.95)
      end)
      for pause = 1, 4 do
        for _, call in ipairs(storm(8, 8, "POST", "{}")) do
          calls[#calls + 1] = call
        end
        loop.sleep(0.98 + pause / 100)
      end
      assert_well(calls)
      assert.equal(1, most_often(server:await_log(40)))
    end)

    -- nginx takes its time for each request, so that what happens to it meets calls under way.
    local function start_slow()
      start {
        http2 = http2,
        http = "limit_req_zone $server_addr zone=slow:1m rate=1500r/s;",
        server = "location /v2/ { limit_req zone=slow burst=100; proxy_pass http://unix:%ROOT%/inner.sock; }",
      }
    end

    it("loses no call and writes nothing twice through a storm of reloads, over " .. name, function()
      start_slow()
      local reloads = 0
      local calls = storm(2000, 32, "POST", '{"a":1}', function(left)
        while left() > 0 do
          loop.sleep(0.1)
          server:reload()
          reloads = reloads + 1
        end
      end)
      assert_well(calls)
      assert.equal(1, most_often(server:await_log(2000)))
      assert.is_true(reloads > 3)
    end)

    -- A worker that ends so drops what it has under way, also what it has done and not yet answered: such a write may be seen twice, under
    -- one key; it is the key that keeps it from being done twice. Sixteen at once and 200 in between: even if no break were forgiven, the
    -- retry budget (20, and 0.1 for each success) would pay for all.
    for _, signal in ipairs { "TERM", "KILL" } do
      it("loses no call when workers end by SIG" .. signal .. ", over " .. name, function()
        start_slow()
        local calls = storm(1600, 16, "POST", '{"a":1}', function(left)
          for step = 1, 7 do
            repeat
              loop.sleep(0.1)
            until left() < 1600 - 200 * step
            server:end_worker(signal)
          end
        end)
        assert_well(calls)
        assert.is_true(most_often(server:log()) <= 2)
      end)
    end
  end

  for _, limit in ipairs { 1, 4, 10 } do
    it("keeps to " .. limit .. " streams at once on a connection", function()
      start { http = "http2_max_concurrent_streams " .. limit .. ";" }
      local calls = storm(300, 64, "POST", "{}")
      assert_well(calls)
      assert.equal(300, attempts_of(calls))
      local log = server:await_log(300)
      assert.equal(300, #log)
      assert.is_true(connections_of(log) <= 16)
    end)
  end

  it("still makes calls at once where no connection is kept", function()
    start { http2 = false, http = "keepalive_timeout 0;" }
    local calls = storm(100, 32, "POST", "{}")
    assert_well(calls)
    assert.equal(100, attempts_of(calls))
    assert.equal(100, #server:await_log(100))
  end)

  -- ---- streams ----

  local PIECE, PIECES = ("0123456789abcdef"):rep(4096), 320 -- 20 MiB in all

  -- Directories that nginx's workers may read and write, whoever they are.
  local function start_with_files(http2)
    start {
      http2 = http2,
      http = "client_max_body_size 0;",
      server = "location /v2/files/ { alias %ROOT%/files/; dav_methods PUT; create_full_put_path on; }",
    }
    os.execute("mkdir -m 777 " .. server.root .. "/files")
  end

  local function put_file(name)
    local file = assert(io.open(server.root .. "/files/" .. name, "wb"))
    for _ = 1, PIECES do
      file:write(PIECE)
    end
    file:close()
  end

  -- Reads a download to its end, with meanwhile(bytes so far) after each part. Returns its size, and whether it was what it should be.
  local function read_all(call, meanwhile)
    local size, sound = 0, true
    loop.start(call)
    repeat
      local done = call:done()
      local bytes, waits = call:read()
      if bytes then
        local from = size % #PIECE
        sound = sound and bytes == PIECE:rep(math.ceil(#bytes / #PIECE) + 1):sub(from + 1, from + #bytes)
        size = size + #bytes
        if meanwhile then meanwhile(size) end
        if waits then loop.resume(call) end
      elseif not done then
        loop.await(call)
      end
    until done and not bytes
    return size, sound
  end

  for _, http2 in ipairs { true, false } do
    local name = http2 and "HTTP/2" or "HTTP/1.1"

    it("downloads slowly while other calls go on, over " .. name, function()
      start_with_files(http2)
      put_file "large"
      local others = 0
      loop.run(function()
        local call = client:call("GET", "/files/large", nil, nil, nil, nil, nil, nil, { download = 0 })
        local size, sound = read_all(call, function(so_far)
          if so_far < #PIECE * 40 then
            assert_well(storm_once(4))
            others = others + 4
          end
        end)
        assert.equal(200, (call:result()))
        assert.equal(#PIECE * PIECES, size)
        assert.is_true(sound)
      end)
      assert.is_true(others >= 4)
    end)

    it("makes other calls however many downloads nobody reads, over " .. name, function()
      start_with_files(http2)
      put_file "large"
      loop.run(function()
        local held = {}
        assert_well(storm_once(1)) -- so that the limit is known
        for number = 1, 70 do
          held[number] = client:call("GET", "/files/large", nil, nil, nil, nil, nil, nil, { download = 0 })
          loop.start(held[number])
        end
        loop.await(held[1])
        assert_well(storm_once(4))
        for number = 70, 2, -1 do
          assert.is_false(held[number]:done())
          loop.cancel(held[number])
        end
      end)
    end)

    it("downloads all, however many at once, over " .. name, function()
      start_with_files(http2)
      put_file "large"
      local calls, whole = {}, 0
      loop.run(function()
        for number = 1, 30 do
          calls[number] = client:call("GET", "/files/large", nil, nil, nil, nil, nil, nil, { download = #PIECE * (PIECES - 1) })
          loop.spawn(function()
            local size, sound = read_all(calls[number])
            whole = whole + (sound and size == #PIECE and 1 or 0)
          end)
        end
      end)
      assert.equal(30, whole)
      for _, call in ipairs(calls) do
        assert.equal(206, (call:result()))
      end
    end)

    it("takes a download up where a worker's end cut it off, over " .. name, function()
      start_with_files(http2)
      put_file "large"
      local cuts = 0
      local call = client:call("GET", "/files/large", nil, nil, nil, nil, nil, nil, { download = 0 })
      local size, sound
      loop.run(function()
        size, sound = read_all(call, function(so_far)
          if so_far > #PIECE * PIECES / 4 * (cuts + 1) and cuts < 2 then
            cuts = cuts + 1
            for _, pid in ipairs(server:workers()) do
              server:end_worker("KILL", pid)
            end
          end
        end)
      end)
      local status = call:result()
      assert.is_true(status == 200 or status == 206)
      assert.equal(#PIECE * PIECES, size)
      assert.is_true(sound)
      assert.equal(2, cuts)
      assert.is_true(#call:attempts() >= 2) -- what follows the second cut may have been sent already
    end)

    it("uploads what comes in pieces, of known size and unknown, over " .. name, function()
      start_with_files(http2)
      for _, told in ipairs { #PIECE * PIECES, -1 } do
        local call = client:call("PUT", "/files/put" .. told, nil, nil, nil, nil, nil, nil, { upload = told })
        loop.run(function()
          loop.start(call)
          local left = PIECES
          while not call:done() do
            local room = call:write(left > 0 and PIECE or "")
            left = left - 1
            if left == 0 then call:finish() end
            loop.resume(call)
            if not room or left <= 0 then loop.await(call) end
          end
        end)
        assert.equal(201, (call:result()))
        local file = assert(io.open(server.root .. "/files/put" .. told, "rb"))
        assert.equal(#PIECE * PIECES, file:seek "end")
        file:seek "set"
        for _ = 1, PIECES do
          assert.is_true(file:read(#PIECE) == PIECE)
        end
        file:close()
      end
    end)
  end
end)

-- gitdev.webhooks.nginx and gitdev.store.shared in a real nginx with two workers: what is answered, what is handled how often, and what is true
-- in all workers.
local json = require "gitdev.json"
local loop = require "gitdev.loop"
local openresty = require "spec.lua.support.openresty"
local sender = require "spec.lua.support.sender"

-- Of all handlers: what they note in a dictionary is what the specs look at.
local HTTP = [[
lua_shared_dict gitdev 1m;
lua_shared_dict hooks 1m;
lua_shared_dict tiny 12k;
lua_shared_dict notes 1m;
init_by_lua_block {
  function note(name, by)
    return ngx.shared.notes:incr(name, by or 1, 0)
  end
}
]]

local SERVER = [[
client_body_buffer_size 1k;
lingering_timeout 200ms;
location = /hooks {
  content_by_lua_block {
    require("gitdev.webhooks").nginx {
      secret = { "whsec_00000000000000000000000000000000", "whsec_11111111111111111111111111111111" },
      timeout = 0.3,
      on = {
        ["deployment.completed"] = function(event, delivery)
          note("completed")
          local told = { delivery.id, delivery.attempt, delivery.try, #delivery.body, event.data.project }
          ngx.shared.notes:set("delivery", table.concat(told, " "))
        end,
        ["deployment.failed"] = function()
          if note "failed" == 1 then
            error "not today"
          end
        end,
        ["deployment.canceled"] = function()
          require("gitdev").sleep(60)
          note "never"
        end,
        ["build.*"] = function(event)
          while not ngx.shared.notes:get "go on" do
            ngx.sleep(0.005)
          end
          note(event.id)
        end,
      },
    }
    note "returned"
  }
}
location = /calls {
  content_by_lua_block {
    require("gitdev.webhooks").nginx {
      secret = "whsec_00000000000000000000000000000000",
      on = {
        ["repository.*"] = function(event)
          local git = require("gitdev").client()
          ngx.shared.notes:set("seen", git.deployments:create({ project = event.data.project }):wait().url)
        end,
      },
    }
  }
}
location = /slow {
  lua_check_client_abort on;
  content_by_lua_block {
    require("gitdev").webhooks.nginx {
      secret = "whsec_00000000000000000000000000000000",
      store = require("gitdev").store.shared "hooks",
      timeout = 60,
      on = {
        ["*"] = function(event)
          note "begun"
          while not ngx.shared.notes:get "go on" do
            ngx.sleep(0.005)
          end
          note(event.id)
        end,
      },
    }
  }
}
location = /far {
  content_by_lua_block {
    local asked = {}
    local store = {
      claim = function(_, id)
        if id == "evt_down" then error "the database is down" end
        if id == "evt_stuck" then ngx.sleep(600) end
        return "token"
      end,
      confirm = function() ngx.sleep(0.001) note "confirmed" end,
      release = function() note "released" end,
    }
    require("gitdev.webhooks").nginx {
      secret = "whsec_00000000000000000000000000000000",
      store = store,
      on_error = function(err, event, traceback)
        ngx.shared.notes:set("told", (event and event.id or "") .. ": " .. tostring(err))
      end,
      on = { ["*"] = function(event) if event.id == "evt_wrong" then error { message = "it said whsec_11111111111111111111111111111111" } end end },
    }
  }
}
location = /full {
  content_by_lua_block {
    require("gitdev.webhooks").nginx {
      secret = "whsec_00000000000000000000000000000000",
      store = require("gitdev").store.shared "tiny",
      on = { ["*"] = function(event) note(event.id) end },
    }
  }
}
location = /misspelt {
  content_by_lua_block { require("gitdev.webhooks").nginx { secret = "whsec_1", on = { ["deployment.complete"] = print } } }
}
location = /unknown {
  content_by_lua_block { require("gitdev.webhooks").nginx { xxxxxxxxxxxxxxxx = 1 } }
}
location = /secretless {
  content_by_lua_block { require("gitdev.safe").webhooks.nginx { on = { ["*"] = print } } }
}
location = /no_dictionary {
  content_by_lua_block {
    require("gitdev.webhooks").nginx { secret = "whsec_1", on = { ["*"] = print }, store = require("gitdev").store.shared "no" }
  }
}
location = /access {
  access_by_lua_block { require("gitdev.webhooks").nginx { secret = "whsec_1", on = { ["*"] = print } } }
}
# Runs the body, and answers what it returns, or raises.
location = /run {
  content_by_lua_block {
    ngx.req.read_body()
    local gitdev = require "gitdev"
    local fn = assert(loadstring("local gitdev, store = ...\n" .. ngx.req.get_body_data()))
    local results = { pcall(fn, gitdev, gitdev.store.shared(ngx.var.arg_dict or "hooks")) }
    for i = 1, 4 do
      results[i] = tostring(results[i])
    end
    ngx.print(table.concat(results, " "))
  }
}
]]

describe("in nginx,", function()
  local missing = select(2, openresty.find())
  if missing then
    pending(missing)
    return
  end

  local emulator, server

  setup(function()
    emulator = openresty.emulator "--build-ms 0"
    server = openresty.start { http = HTTP, server = SERVER, emulator = emulator }
  end)

  teardown(function()
    server:stop()
    emulator:stop()
  end)

  local function deliver(path, fields, options)
    return sender.deliver(server.url .. path, type(fields) == "string" and fields or sender.body(fields), options)
  end

  local function code_of(result)
    return json.decode(result.body).error.code
  end

  -- Runs a piece of Lua in one of the workers. Returns what it returned, as words.
  local function run(text, dict)
    local status, result = sender.deliver(server.url .. "/run" .. (dict and "?dict=" .. dict or ""), text, { headers = {} })
    assert.equal(200, status, result.body)
    return result.body
  end

  local function noted(name)
    local text = run(("return ngx.shared.notes:get(%q)"):format(name)):match "^true (%S+)"
    return tonumber(text) or 0
  end

  local await = openresty.await

  -- What goes wrong is told after it was answered.
  local function await_log(pattern)
    await("the log has " .. pattern, function()
      return server:errors():find(pattern)
    end)
  end

  before_each(function()
    run "ngx.shared.notes:flush_all()"
  end)

  describe("a webhook's location", function()
    it("hands a delivery to its handler, and answers 204 when that has returned", function()
      local body = sender.body { project = "shop" }
      local status, result = deliver("/hooks", body, { attempt = "3" })
      assert.equal(204, status)
      assert.equal("", result.body)
      assert.equal(1, noted "completed")
      await("what comes after it in the block is run", function()
        return noted "returned" == 1
      end)
      assert.equal(("true dlv_000000000001 3 1 %d shop nil nil"):format(#body), run 'return ngx.shared.notes:get "delivery"')
    end)

    it("handles an event once, whichever worker it comes to", function()
      local body = sender.body()
      local bodies = {}
      for i = 1, 40 do
        bodies[i] = body
      end
      for _, result in ipairs(sender.all(server.url .. "/hooks", bodies)) do
        assert.is_true(result.status == 204 or result.status == 503 and code_of(result) == "claimed", result.status)
      end
      assert.equal(204, (deliver("/hooks", body)))
      assert.equal(1, noted "completed")
    end)

    it("reads a body of 64 KiB, that nginx has put into a file", function()
      local function body_of(size)
        local body = sender.body { data = '"x":""' }
        return body:gsub('"x":""', '"x":"' .. ("x"):rep(size - #body) .. '"')
      end
      assert.equal(204, (deliver("/hooks", (body_of(65536)))))
      assert.matches("file", server:errors()) -- nginx says so
      local status, result = deliver("/hooks", (body_of(65537)))
      assert.same({ 413, "payload_too_large" }, { status, code_of(result) })
      assert.equal(1, noted "completed")
    end)

    it("refuses a larger body before it has come, and one whose size is not told", function()
      local port = server.url:match ":(%d+)"
      local head = "POST /hooks HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
      assert.matches("^HTTP/1.1 413 .*payload_too_large", sender.say(port, head .. "Content-Length: 100000\r\n\r\n{"))
      local chunk = ("x"):rep(70000)
      assert.matches("^HTTP/1.1 413 .*payload_too_large",
        sender.say(port, head .. ("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n"):format(#chunk, chunk)))
      -- What was not read of the body is no request.
      local said = sender.say(port, "POST /hooks HTTP/1.1\r\nHost: x\r\nContent-Length: 70000\r\n\r\n" .. ("GET /x HTTP/1.1\r\n\r\n"):rep(3684)
        .. "1234", "GET /hooks HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
      assert.matches("^HTTP/1.1 413 .*HTTP/1.1 405 ", said)
      assert.is_nil(said:find " 40[04] ")
    end)

    it("takes a body that waits to be asked for, and none that is packed", function()
      local port, body = server.url:match ":(%d+)", sender.body()
      local function say(first, rest, more)
        local lines = { "POST /hooks HTTP/1.1", "Host: x", "Connection: close", "Content-Length: " .. #body, more }
        local headers = sender.headers(body)
        for i = 1, #headers, 2 do
          lines[#lines + 1] = headers[i] .. ": " .. headers[i + 1]
        end
        return sender.say(port, table.concat(lines, "\r\n") .. "\r\n\r\n" .. first, rest)
      end
      assert.matches("^HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 ", say("", body, "Expect: 100-continue"))
      body = "\31\139\8\0\0\0\0\0\0\3\171\174\5\0\67\191\166\163\2\0\0\0" -- {}
      assert.matches("^HTTP/1.1 400 .*bad_payload", say(body, nil, "Content-Encoding: gzip"))
    end)

    it("refuses as gitdev.webhooks.serve does", function()
      local body = sender.body()
      for _, row in ipairs {
        { 401, "malformed_header", body, { signature = "" } },
        { 401, "malformed_header", body, { headers = { "X-Git-Delivery", "dlv_1" } } },
        { 401, "no_match", body, { secret = "whsec_22222222222222222222222222222222" } },
        { 401, "timestamp_outside_tolerance", body, { now = 1718942301 } },
        { 400, "bad_payload", '{"id":"evt_1"}', {} },
        { 400, "bad_payload", "", {} },
      } do
        local status, result = deliver("/hooks", row[3], row[4])
        assert.same({ row[1], row[2] }, { status, code_of(result) })
        assert.equal("application/json; charset=utf-8", sender.header(result, "content-type"))
      end
      local twice = sender.headers(body)
      twice[#twice + 1], twice[#twice + 2] = "X-Git-Signature", twice[#twice]
      assert.equal("malformed_header", code_of(select(2, deliver("/hooks", body, { headers = twice }))))
      assert.equal(204, (deliver("/hooks", body, { secret = "whsec_11111111111111111111111111111111" })))
      local said = sender.say(server.url:match ":(%d+)", "GET /hooks HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
      assert.matches("^HTTP/1.1 405 ", said)
      assert.matches("\r\nAllow: POST\r\n", said)
    end)

    it("answers 500 when its handler fails, says why in nginx's log, and has it handled when it comes again", function()
      local body = sender.body { type = "deployment.failed", id = "evt_thatfails" }
      local status, result = deliver("/hooks", body)
      assert.same({ 500, "internal_error" }, { status, code_of(result) })
      await_log "%[error%][^\n]*gitdev: webhooks: deployment.failed evt_thatfails: [^\n]*not today\nstack traceback:\n"
      local traceback = server:errors():match "evt_thatfails.-, client:"
      assert.matches("content_by_lua%(nginx.conf:%d+%):%d+: in function", traceback)
      assert.equal(204, (deliver("/hooks", body)))
      assert.equal(204, (deliver("/hooks", body)))
      assert.equal(2, noted "failed")
    end)

    it("stops a handler whose time is over, and answers 503", function()
      local body = sender.body { type = "deployment.canceled" }
      for _ = 1, 2 do -- it may be claimed again at once
        local status, result = deliver("/hooks", body)
        assert.same({ 503, "timeout", "5" }, { status, code_of(result), sender.header(result, "retry-after") })
      end
      await_log "deployment.canceled evt_%d+: timeout_error: what had to be done within 0.3 seconds took longer"
      assert.equal(0, noted "never")
    end)

    it("answers 503 for a handler that cannot be stopped, and lets it go on", function()
      local body = sender.body { type = "build.started" }
      local status, result = deliver("/hooks", body)
      assert.same({ 503, "timeout" }, { status, code_of(result) })
      assert.equal("claimed", code_of(select(2, deliver("/hooks", body))))
      await_log "its handler was to end after 0.3 seconds, and goes on"
      run 'ngx.shared.notes:set("go on", true)'
      await("it is done", function()
        return deliver("/hooks", body) == 204
      end)
      assert.equal(1, noted(body:match '"id":"(.-)"'))
    end)

    it("lets a handler call the API, and wait for it", function()
      assert.equal(204, (deliver("/calls", { type = "repository.pushed", project = "my-app" })))
      assert.matches("^true https://my%-app%.git%.dev ", run 'return ngx.shared.notes:get "seen"')
    end)

    it("accepts what no handler is for", function()
      assert.equal(204, (deliver("/hooks", { type = "webhook.ping" })))
      assert.equal(204, (deliver("/hooks", { type = "something.new" })))
    end)

    it("goes on with a handler when the sender goes away", function()
      local body = sender.body { type = "build.started" }
      local id = body:match '"id":"(.-)"'
      assert.is_nil((deliver("/slow", body, { timeout = 0.5 })))
      await("the handler has begun", function()
        return noted "begun" == 1
      end)
      run 'ngx.shared.notes:set("go on", true)'
      await("the handler is over", function()
        return noted(id) == 1
      end)
      await("the event is done", function()
        return deliver("/slow", body) == 204
      end)
      assert.equal(1, noted(id))
    end)

    it("tells senders that an event is being handled elsewhere", function()
      local body, first = sender.body { type = "build.started" }, nil
      sender.start(server.url .. "/slow", body, nil, function(result)
        first = result
      end)
      await("the handler has begun", function()
        return noted "begun" == 1
      end)
      local status, result = deliver("/slow", body)
      assert.same({ 503, "claimed", "5" }, { status, code_of(result), sender.header(result, "retry-after") })
      run 'ngx.shared.notes:set("go on", true)'
      await("the first is answered", function()
        return first
      end)
      assert.equal(204, first.status)
    end)

    it("takes any store, and tells on_error of what fails", function()
      assert.equal(204, (deliver("/far", { id = "evt_fine" })))
      assert.equal(1, noted "confirmed")
      local status, result = deliver("/far", { id = "evt_down" })
      assert.same({ 503, "unavailable", "30" }, { status, code_of(result), sender.header(result, "retry-after") })
      await("on_error is told", function()
        return run('return ngx.shared.notes:get "told"'):find "evt_down: .*the database is down"
      end)
      assert.same({ 500, "internal_error" }, { (deliver("/far", { id = "evt_wrong" })), code_of(select(2, deliver("/far", { id = "evt_wrong" }))) })
      assert.equal(2, noted "released")
      assert.equal(503, (deliver("/far", { id = "evt_stuck" }))) -- after five seconds
      await("on_error is told", function()
        return run('return ngx.shared.notes:get "told"'):find "evt_stuck: the store took more than 5 seconds"
      end)
    end)

    it("accepts nothing that the store has no room for", function()
      local count, body, status, result = -1
      repeat
        count, body = count + 1, sender.body()
        status, result = deliver("/full", body)
      until status ~= 204
      assert.same({ 503, "unavailable" }, { status, code_of(result) })
      assert.equal(0, noted(body:match '"id":"(.-)"'))
      assert.is_true(count > 10)
      await_log "the shared dictionary tiny is full: give it more memory %(lua_shared_dict tiny 10m;"
    end)

    it("says what is wrong with its options in the log, and answers 500", function()
      for path, text in pairs {
        ["/misspelt"] = 'on has no event type "deployment.complete": did you mean "deployment.completed"?',
        ["/secretless"] = "nginx hands its own environment on to workers only where its configuration says so: env GIT_WEBHOOK_SECRET;",
      } do
        local status, result = deliver(path, {})
        assert.same({ 500, "internal_error" }, { status, code_of(result) })
        assert.is_truthy(server:errors():find(text, 1, true), server:errors())
      end
      assert.equal(500, (deliver("/unknown", {})))
      for _, class in ipairs(require("gitdev.describe.classes").list) do
        for _, field in ipairs(class.name == "gitdev.NginxReceiverOptions" and class.fields or {}) do
          await_log("xxxxxxxxxxxxxxxx[^\n]*%f[%w_]" .. field[1]:gsub("?", "") .. "%f[^%w_]")
        end
      end
      assert.equal(500, (deliver("/access", {})))
      await_log "it is called in content_by_lua, not in the phase access"
      assert.equal(500, (deliver("/no_dictionary", {})))
    end)
  end)

  describe("a store in a shared dictionary", function()
    it("is one for all workers, and over reloads", function()
      run 'store:confirm("evt_kept", 1000) store:claim("evt_held", 1000)'
      local before = table.concat(server:workers(), " ")
      server:reload()
      await("the workers are new", function()
        local now = table.concat(server:workers(), " ")
        return #now > 0 and not now:find(before:match "^%d+", 1, true)
      end)
      local seen, count = {}, 0
      await("both workers have been asked", function()
        local pid, kept, held = run 'return ngx.worker.pid(), store:seen("evt_kept", 1), select(2, store:claim("evt_held", 1))'
          :match "^true (%d+) (%S+) (%S+)"
        assert.same({ "true", "claimed" }, { kept, held })
        count = count + (seen[pid] and 0 or 1)
        seen[pid] = true
        return count == 2
      end)
    end)

    it("keeps to what gitdev.store says", function()
      local function expect(wanted, text)
        assert.equal("true " .. wanted, (run("return " .. text):gsub(" nil", "")))
      end
      run [[
        local a = assert(store:claim("evt_a", 1000))
        assert(select(2, store:claim("evt_a", 1)) == "claimed" and store:seen("evt_a", 1))
        store:release("evt_a", "another's")
        assert(select(2, store:claim("evt_a", 1)) == "claimed")
        store:release("evt_a", a)
        a = assert(store:claim("evt_a", 1000))
        store:confirm("evt_a", 1000)
        store:release("evt_a", a)
        store:release("evt_a", ("-"):rep(16))
      ]]
      expect("done", 'select(2, store:claim("evt_a", 1))')
      expect("true", 'store:seen("evt_a", 1)')
      -- A mark is never shortened, and may be prolonged; claims and marks end.
      run 'store:confirm("evt_b", 1000) store:confirm("evt_b", 0.05) store:confirm("evt_c", 0.01) store:confirm("evt_c", 1000)'
      run 'store:claim("evt_d", 0.05) store:seen("evt_e", 0.05) store:seen("evt_f", 0.0001)'
      for _, id in ipairs { "evt_d", "evt_e", "evt_f" } do
        await(id .. " has ended", function()
          return run(("return store:claim(%q, 1000)"):format(id)):match "^true %w+ nil"
        end)
      end
      expect("done", 'select(2, store:claim("evt_b", 1))')
      expect("done", 'select(2, store:claim("evt_c", 1))')
      -- Ids stay apart, whatever is in them.
      run [[
        local ids = { "a", "a b", "a\n", "\0", "\195\169", "A", ("x"):rep(300), ("x"):rep(301), "lock", "gitdev:lock" }
        for i = 1, #ids do assert(not store:seen(ids[i], 1000), ids[i]) end
        for i = 1, #ids do assert(store:seen(ids[i], 1000), ids[i]) end
      ]]
      assert.matches("^false .*invalid_type", (run 'store:claim("a", 0)'))
      assert.matches("^false .*invalid_type", (run 'store:seen(nil, 1)'))
    end)

    it("raises when it is full, forgets nothing, and has room again when something has ended", function()
      run "store.dict:flush_all() store.dict:flush_expired()"
      local filled = run([[
        local short, long = 0, 0
        while pcall(store.seen, store, "long_" .. long, 1000) do long = long + 1 end
        return long
      ]], "tiny")
      local count = tonumber(filled:match "^true (%d+)")
      run("store.dict:flush_all() store.dict:flush_expired()", "tiny")
      run(([[
        for i = 1, %d do assert(not store:seen("long_" .. i, 1000)) end
        assert(store:claim("evt_1", 1000))
        pcall(function() for i = 1, 1000 do store:seen("short_" .. i, 0.2) end end)
        local ok, err = pcall(store.claim, store, "evt_2", 1)
        assert(not ok and gitdev.is_error(err, "store_failed"), tostring(err))
        -- What was claimed can be confirmed all the same, and released.
        store:confirm("evt_1", 1000)
      ]]):format(count - 8), "tiny")
      await("there is room again", function()
        return run('return pcall(store.seen, store, "evt_3", 1000)', "tiny"):match "^true true false"
      end)
      assert.matches("^true true nil", run(([[
        for i = 1, %d do assert(store:seen("long_" .. i, 1000)) end
        return select(2, store:claim("evt_1", 1)) == "done"
      ]]):format(count - 8), "tiny"))
    end)

    -- Both workers at once, while one of them is killed again and again: an id is one's, and a lock that somebody died with is no end.
    it("gives each id to one, through workers that are killed", function()
      run "store.dict:flush_all()"
      local answered, asked = 0, 0
      local function ask(first)
        asked = asked + 1
        sender.start(server.url .. "/run", ([[
          for i = %d, %d do
            local id = "evt_" .. i
            local token = store:claim(id, 1000)
            if token then
              note(id)
              store:release(id, "another's")
              store:confirm(id, 1000)
            end
          end
        ]]):format(first, first + 199), { headers = {} }, function()
          answered = answered + 1
        end)
      end
      for round = 0, 9 do
        for _ = 1, 4 do
          ask(1 + 200 * round)
        end
        loop.sleep(0.002)
        local workers
        await("there is a worker again", function()
          workers = server:workers()
          return workers[1]
        end)
        os.execute("kill -KILL " .. workers[1])
        await("all are answered", function()
          return answered == asked
        end)
      end
      run [[
        for i = 1, 2000 do
          local times = ngx.shared.notes:get("evt_" .. i)
          assert(not times or times == 1, i)
        end
        store:claim("evt_after", 10)
      ]]
    end)

    it("gives an id to one, also when who holds the lock stands still until it is taken from it", function()
      run [[
        local real, second = store.dict, nil
        local function in_between(key)
          if not second and key:find "evt_still" then
            second = assert(gitdev.store.shared("hooks"):claim("evt_still", 1000))
          end
        end
        local slow = setmetatable({}, { __index = function(_, name)
          return function(_, key, ...)
            local found = name == "get" and real:get(key)
            in_between(key)
            if name == "get" then return found end
            return real[name](real, key, ...)
          end
        end })
        store = setmetatable({ dict = slow, name = "hooks" }, getmetatable(store))
        local token, why = store:claim("evt_still", 1000)
        ngx.shared.notes:set("still", tostring(token) .. " " .. tostring(why) .. " " .. tostring(second ~= nil))
      ]]
      assert.matches("^true nil claimed true ", run 'return ngx.shared.notes:get "still"')
      assert.matches("^true %w+ nil", run 'return store:claim("evt_then", 1000)') -- the lock is nobody's
    end)

    it("says so when its lock is another's entry, and does not turn in vain", function()
      run('store.dict:set("gitdev:lock", "mine")', "tiny")
      local said = run('return pcall(store.seen, store, "evt_1", 1)', "tiny")
      run('store.dict:delete "gitdev:lock"', "tiny")
      assert.matches("^true false .*the shared dictionary tiny: its entry gitdev:lock is not this library's: not a number", said)
    end)

    it("says what is missing where there is none", function()
      assert.matches('^false .*there is no shared dictionary no: put lua_shared_dict no 10m; into the http block', run 'gitdev.store.shared "no"')
      local store, err = require("gitdev.safe").store.shared "gitdev"
      assert.is_nil(store)
      assert.equal("store_failed", err.code)
      assert.matches("this is not nginx", err.message)
      assert.has_error(function()
        require("gitdev").webhooks.nginx { on = {} }
      end, "gitdev.webhooks.nginx answers a request: it is called in content_by_lua, and this is not nginx: elsewhere it is gitdev.webhooks.serve.")
    end)

    it("shares a rate limit among workers", function()
      local granted = 0
      for visit = 1, 40 do
        local text = run(([[
          local report = { member = "m%d", wanted = 1, flying = 0, returned = 0, answered = 1, refused = 0 }
          report.per_minute, report.burst, report.remaining, report.age, report.asked = 1, 10, 10, 0, 1
          return store:take("budget", report).granted
        ]]):format(visit % 2))
        granted = granted + tonumber((text:match "^true (%d+)"))
      end
      assert.equal(10, granted) -- what the bucket holds when it is full, and no more
      assert.matches("^true string", run 'return type(store.dict:get "gitdev:rate:budget")')
    end)
  end)
end)

-- The store on Redis in a real nginx with two workers, by Debian's client of Redis for nginx.
local gitdev = require "gitdev"
local openresty = require "spec.lua.support.openresty"
local process = require "spec.lua.support.process"
local redis = require "spec.lua.support.redis"
local sender = require "spec.lua.support.sender"

local missing = not openresty.find() and select(2, openresty.find()) or not redis.find() and select(2, redis.find())
if missing then
  pending("the store on Redis in nginx: " .. missing)
  return
end

local HTTP = [[
  init_by_lua_block {
    PORT, SOCKET = %d, "%s"
    function store(options)
      options = options or { port = PORT }
      options.timeout = options.timeout or 20
      return require("gitdev").store.redis(options)
    end
    -- What fn returns, or its error's line, as the answer.
    function answer(fn)
      local results = { pcall(fn) }
      for i = 1, #results do results[i] = tostring(results[i]) end
      ngx.say(table.concat(results, " "))
    end
  }
]]

local SERVER = [[
  location /seen { content_by_lua_block {
    shared = shared or store()
    answer(function() return shared:seen(ngx.var.arg_id, 3600) end)
  } }
  location /claim { content_by_lua_block {
    local one = store { socket = SOCKET }
    answer(function()
      local token = one:claim(ngx.var.arg_id, 3600)
      local _, why = one:claim(ngx.var.arg_id, 3600)
      one:release(ngx.var.arg_id, token)
      local again = one:claim(ngx.var.arg_id, 3600)
      one:confirm(ngx.var.arg_id, 3600)
      return why, again ~= nil, (select(2, one:claim(ngx.var.arg_id, 3600)))
    end)
  } }
  location /take { content_by_lua_block {
    answer(function()
      local report = { member = "nginx.1", wanted = 1, flying = 0, returned = 0, answered = 0, refused = 0 }
      local first = store():take("nginx", report)
      report.asked, report.per_minute, report.burst, report.remaining, report.age = 1, 60, 10, 10, 0
      return first.ask, store():take("nginx", report).granted
    end)
  } }
  location /slow { content_by_lua_block {
    answer(function() return store { port = PORT, timeout = 0.2 }:seen("slow", 3600) end)
  } }
  location /open { content_by_lua_block {
    answer(function() return store { port = PORT, replay = "open", password = "open sesame" }:seen("open", 3600) end)
  } }
  location /database { content_by_lua_block {
    answer(function() return store { port = PORT, database = tonumber(ngx.var.arg_n), timeout = 20 }:seen("database", 3600) end)
  } }
  location /password { content_by_lua_block {
    answer(function() return store { port = PORT, password = "open sesame" }:seen("password", 3600) end)
  } }
  location /phase {
    set_by_lua_block $phase { local _, err = pcall(function() store():seen("phase", 1) end) return tostring(err) }
    return 200 $phase;
  }
  location /async { content_by_lua_block { answer(function() store():take_async("x", {}, print) end) } }
  location /hooks { content_by_lua_block {
    require("gitdev.webhooks").nginx {
      secret = "%s", store = store(),
      on = { ["*"] = function() ngx.shared.count:incr("handled", 1, 0) ngx.sleep(0.01) end },
    }
  } }
  location /handled { content_by_lua_block { ngx.say(ngx.shared.count:get "handled" or 0) } }
]]

describe("the store on Redis in nginx", function()
  local server, nginx

  setup(function()
    server = redis.start()
    nginx = openresty.start { http = HTTP:format(server.port, server.socket) .. " lua_shared_dict count 1m;", server = SERVER:format(sender.SECRET) }
  end)

  teardown(function()
    nginx:stop()
    server:stop()
  end)

  local function said(path)
    local _, body = nginx:get(path)
    return (body:gsub("%s+$", ""))
  end

  it("is one for all workers, and pools its connections", function()
    local words = {}
    for i = 1, 4 do
      words[i] = ("curl -s -Z --parallel-max 40 %s"):format(process.quote(nginx.url .. "/seen?id=[1-500]&n=" .. i))
    end
    local status, out = process.run(table.concat(words, " & ") .. " & wait")
    assert.equal(0, status)
    assert.equal(500, select(2, out:gsub("true false\n", "")))
    assert.equal(1500, select(2, out:gsub("true true\n", "")))
    local connections = tonumber(server:cli("info stats"):match "total_connections_received:(%d+)")
    assert.is_true(connections < 1000, connections)
  end)

  it("does what it does elsewhere", function()
    assert.equal("true claimed true done", said "/claim?id=a")
    assert.equal("true 1 1", said "/take")
    assert.equal("OK", server:cli "script flush")
    assert.equal("true claimed true done", said "/claim?id=b")
  end)

  it("keeps connections apart that are logged in otherwise", function()
    assert.equal("true false", said "/database?n=1")
    assert.equal("true false", said "/database?n=2")
    assert.equal("true true", said "/database?n=1")
    assert.equal("true false", said "/database?n=0")
    local text = said "/password"
    assert.matches("the server does not let us in: ", text, 1, true)
    assert.is_nil(text:find("sesame", 1, true))
    assert.matches("does not let us in: ERR DB index", said "/database?n=99", 1, true)
  end)

  it("says where it cannot wait", function()
    assert.matches("the store on Redis cannot wait for the network in nginx's phase set", said "/phase", 1, true)
    assert.matches("there is no take_async in nginx", said "/async", 1, true)
  end)

  it("has an event handled once, whichever worker it comes to", function()
    local statuses = {}
    gitdev.run(function()
      local deliveries = {}
      for i = 1, 80 do
        deliveries[i] = function()
          local status = sender.deliver(nginx.url .. "/hooks", sender.body { id = "evt_" .. math.ceil(i / 4) })
          statuses[status] = (statuses[status] or 0) + 1
        end
      end
      gitdev.all(deliveries)
    end)
    assert.equal("20", said "/handled")
    assert.is_true(statuses[204] >= 20)
  end)

  it("outlives the server's death, and that of its pooled connections", function()
    local count = nginx:get_many("/seen?id=x[1-40]", 40)
    assert.equal(40, count[200])
    server:kill()
    local text = said "/seen?id=y"
    assert.matches("false connection_error: the store on Redis at 127.0.0.1:" .. server.port .. ": ", text, 1, true)
    assert.equal("true false", said "/open")
    openresty.await("it was written down", function()
      return nginx:errors():find("gitdev: connection_error: the store on Redis", 1, true)
    end)
    assert.is_nil(nginx:errors():find("sesame", 1, true))
    server:again()
    local found = 0
    redis.await("both workers find it again", function()
      found = said("/seen?id=z" .. found) == "true false" and found + 1 or 0
      server:cli "flushall"
      return found == 40
    end)
  end)

  it("waits no longer than it was told to", function()
    assert.equal("true false", said "/slow")
    server:stand_still()
    assert.matches("in time", said "/slow", 1, true)
    server:go_on()
    redis.await("it answers", function()
      return said "/slow" == "true true"
    end)
  end)

  it("takes pooled connections that the server has closed for what they are", function()
    for round = 1, 5 do
      nginx:get_many("/seen?id=r" .. round .. "[1-40]", 40)
      server:cli "client kill type normal skipme yes"
      assert.equal("true false", said("/seen?id=round" .. round))
    end
  end)
end)

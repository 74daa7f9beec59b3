-- `gitdev webhooks`: the host as its users run it, against an emulator and a receiver in this process. The loop turns here while the host runs.
local conform = require "spec.lua.support.conform"
local gitdev = require "gitdev"
local json = require "gitdev.json"
local loop = require "gitdev.loop"
local net = require "gitdev.net"
local process = require "spec.lua.support.process"
local sample = require "gitdev.webhooks.sample"
local schema = require "gitdev.schema"
local sender = require "spec.lua.support.sender"
local server = require "gitdev.emulator.server"

local PATIENCE = 60
local SECRET = "whsec_" .. ("0"):rep(32)

describe("an event that is made up", function()
  it("is valid by the tables, of every type, with every field", function()
    assert.equal(57, #schema.events())
    for _, kind in ipairs(schema.events()) do
      local event = assert(sample.event(kind))
      assert.equal("", conform.event(event.body))
      assert.equal(kind, event.type)
      local read = json.decode(event.body)
      for _, node in ipairs(schema.event(kind).fields) do
        assert.is_not_nil(read.data[node.name], kind .. " " .. node.name)
      end
    end
  end)

  it("is valid by the schemas of the OpenAPI document", function()
    local text = require("gitdev.describe.openapi").text()
    local schemas = json.decode(text).components.schemas
    local look
    local function fault(node, value)
      if node["$ref"] then
        return fault(schemas[node["$ref"]:match "[^/]+$"], value)
      elseif node.anyOf or node.oneOf then
        local last
        for _, one in ipairs(node.anyOf or node.oneOf) do
          last = fault(one, value)
          if not last then
            return nil
          end
        end
        return last
      end
      return look(node, value)
    end
    local IS = {
      null = function(value) return value == json.null end,
      string = function(value) return type(value) == "string" end,
      integer = function(value) return type(value) == "number" and value % 1 == 0 end,
      boolean = function(value) return type(value) == "boolean" end,
      array = function(value) return type(value) == "table" and value ~= json.null and (value[1] ~= nil or json.is_array(value)) end,
      object = function(value) return type(value) == "table" and value ~= json.null and value[1] == nil and not json.is_array(value) end,
    }
    local function is_type(types, value)
      for _, one in ipairs(type(types) == "table" and types or { types }) do
        if IS[one](value) then
          return true
        end
      end
      return types == nil
    end
    local function is_listed(values, value)
      for _, one in ipairs(values) do
        if one == value then
          return true
        end
      end
      return false
    end
    function look(node, value)
      if not is_type(node.type, value) then
        return "is of another type: " .. tostring(value)
      elseif node.const ~= nil and node.const ~= value then
        return "is not " .. tostring(node.const)
      elseif node.enum and not is_listed(node.enum, value) then
        return "is none of the enum: " .. tostring(value)
      end
      for _, name in ipairs(value ~= json.null and node.required or {}) do
        if value[name] == nil then
          return name .. " is missing"
        end
      end
      for name, inner in pairs(value ~= json.null and type(value) == "table" and node.properties or {}) do
        local found = value[name] ~= nil and fault(inner, value[name])
        if found then
          return name .. " " .. found
        end
      end
      for _, item in ipairs(node.items and value ~= json.null and value or {}) do
        local found = fault(node.items, item)
        if found then
          return "[] " .. found
        end
      end
      return nil
    end
    for _, kind in ipairs(schema.events()) do
      local one = assert(schemas["event." .. kind], kind)
      assert.is_nil(fault(one, json.decode(assert(sample.event(kind)).body)), kind)
    end
  end)

  it("has fields set by their paths, as the tables have them", function()
    local cases = {
      { "deployment.failed", "failure.code=out_of_memory", '"code":"out_of_memory"' },
      { "deployment.failed", "data.project=shop", '"project":"shop"' },
      { "deployment.failed", "duration_ms=7", '"duration_ms":7,' },
      { "deployment.failed", "commit_sha=null", '"commit_sha":null' },
      { "deployment.failed", "id=evt_000000000000", '{"id":"evt_000000000000"' },
      { "deployment.failed", "timestamp=5", '"timestamp":5,' },
      { "run.completed", "failure.message=It broke", '"failure":{"job":"job","code":"exit_code","message":"It broke"}' },
      { "repository.pushed", "commits.1.message=x=y", '"message":"x=y"' },
      { "repository.pushed", "forced=true", '"forced":true' },
      { "certificate.issued", "domains=a.dev,b.dev", '"domains":["a.dev","b.dev"]' },
      { "certificate.issued", 'domains=["a.dev"]', '"domains":["a.dev"]' },
      { "env_var.created", "targets=preview,production", '"targets":["preview","production"]' },
      { "deployment.failed", 'failure={"stage":"deploy"}', '"failure":{"stage":"deploy","code":"build_error","message":"It exited with 1."}' },
      { "repository.pushed", 'commits=[{"author":{"name":"x"}}]', '"author":{"name":"x","email":"ada@example.com"' },
      { "repository.pushed", 'commits.0={"message":"y"}', ',"message":"y","author":{"name":"Ada Lovelace",' },
    }
    for _, case in ipairs(cases) do
      local path, text = case[2]:match "^([^=]+)=(.*)$"
      local event = assert(sample.event(case[1], { { path, text } }))
      assert.truthy(event.body:find(case[3], 1, true), case[2] .. ": " .. event.body)
      assert.equal("", conform.event(event.body))
    end
  end)

  it("is refused with a sentence where the tables have no such field or value", function()
    local cases = {
      { "deployment.complete", nil, '^there is no event type "deployment.complete": did you mean "deployment.completed"%?$' },
      { "deployment.failed", "projct=x", '^deployment.failed has no field "projct": did you mean "project"%?$' },
      { "deployment.failed", "failure.cod=x", '^failure has no field "cod": did you mean "code"%?$' },
      { "deployment.failed", "failure.code=x", "^failure.code must be one of build_error" },
      { "deployment.failed", "status=live", "^status is always failed here%.$" },
      { "deployment.failed", "duration_ms=soon", "^duration_ms must be a whole number, got soon%.$" },
      { "deployment.failed", "deployment_id=dep_1", "^deployment_id must be an id such as dep_8x9y7z6w5v4u, got dep_1%.$" },
      { "deployment.failed", "project=null", nil },
      { "deployment.failed", "project.name=x", "^project is a single value, and has no fields%.$" },
      { "deployment.failed", "id=evt_1", "^id must be an id such as evt_8x9y7z6w5v4u, got evt_1%.$" },
      { "deployment.failed", "target=stage", "^target must be" },
      { "repository.pushed", "commits.5.message=x", "^commits is a list of 1: say commits.0" },
      { "repository.pushed", "forced=yes", "^forced must be true or false, got yes%.$" },
      { "repository.pushed", "commits=[", "^commits must be a JSON array, got %[%.$" },
      { "repository.pushed", "commits={}", "^commits must be a JSON array, got {}%.$" },
      { "repository.pushed", 'commits=[{"sha":null}]', "^commits%[1%]%.sha must be" },
      { "deployment.failed", "failure=[1]", "^failure must be a JSON object, got %[1%]%.$" },
      { "deployment.failed", 'failure={"stage":null}', "^failure%.stage must be" },
      { "deployment.failed", "project=" .. ("x"):rep(65536), "^The body is %d+ bytes long, and an event's has at most 65536%.$" },
      { "repository.pushed", ".=x", "names no field" },
    }
    for _, case in ipairs(cases) do
      local path, text = (case[2] or ""):match "^([^=]+)=(.*)$"
      local event, problem = sample.event(case[1], path and { { path, text } })
      if case[3] then
        assert.is_nil(event, case[2])
        assert.matches(case[3], problem)
      else
        assert.equal("", conform.event(event.body))
      end
    end
  end)

  it("keeps what a later version of the API adds", function()
    local event = { id = "evt_000000000000", type = "deployment.completed", timestamp = 1, data = { project = "x", later = { 1 } } }
    assert.equal('{"id":"evt_000000000000","type":"deployment.completed","timestamp":1,"data":{"later":[1],"project":"x"}}', sample.body(event))
    event.type, event.data = "later.happened", {}
    assert.equal('{"id":"evt_000000000000","type":"later.happened","timestamp":1,"data":{}}', sample.body(event))
  end)
end)

describe("the feed of events", function()
  local listed, asked, feeds, now

  -- An event of the API as it is now.
  local function happens(number, time, kind)
    listed[#listed + 1] = { id = "evt_" .. number, timestamp = time, type = kind or "project.created", data = {} }
  end

  local function matches(event, params)
    return (params.type == nil or event.type == params.type) and event.timestamp >= (params.since or 0)
  end

  local events = {}

  function events.list(_, params)
    for place = #listed, 1, -1 do
      if matches(listed[place], params) then
        return { data = { listed[place] } }
      end
    end
    return { data = {} }
  end

  function events.each(_, params)
    asked[#asked + 1] = params.since
    local place = 0
    return function()
      repeat
        place = place + 1
      until not listed[place] or matches(listed[place], params)
      return listed[place]
    end
  end

  local function begin(options)
    options.events, options.types = events, options.types or { "*" }
    options.now = function()
      return now
    end
    local one = require("gitdev.cli.webhooks.feed").new(options)
    one:begin()
    feeds = { one }
    return one
  end

  local function poll(room)
    local taken = {}
    feeds[1]:poll(function(event)
      taken[#taken + 1] = event.id:sub(5)
    end, room)
    return table.concat(taken, " ")
  end

  before_each(function()
    listed, asked, now = {}, {}, 1000
    happens(1, 100)
    happens(2, 105)
  end)

  it("takes what comes from now on, also within the same second", function()
    begin {}
    assert.equal("", poll())
    happens(3, 105)
    happens(4, 104) -- listed late
    assert.equal("3 4", poll())
    assert.equal("", poll())
  end)

  it("takes what is made while it begins", function()
    local list = events.list
    function events.list(...) -- luacheck: ignore 122
      local page = list(...)
      happens(3, 105)
      events.list = list -- luacheck: ignore 122
      return page
    end
    begin {}
    assert.equal("3", poll())
  end)

  it("takes a time that the API has not come to for now", function()
    begin { since = 5000 }
    happens(3, 106)
    assert.equal("3", poll())
    listed = {}
    begin { since = 5000 }
    happens(4, 10)
    assert.equal("4", poll())
  end)

  it("takes all of an API that is another than where it was", function()
    begin { since = 5000, seen = { evt_1 = 100, evt_9 = 5001 }, resumes = true }
    assert.equal("2", poll())
    happens(3, 106)
    assert.equal("3", poll())
    listed = {}
    happens(5, 50)
    assert.equal("", poll())
    assert.equal("5", poll())
  end)

  it("repeats nothing where it goes on with other types", function()
    happens(3, 200, "build.failed")
    begin { since = 150, seen = { evt_3 = 200 }, resumes = true, types = { "project.created" } }
    for _ = 1, 3 do
      assert.equal("", poll())
    end
    happens(4, 201)
    assert.equal("4", poll())
  end)

  it("asks for less when nothing can be late any more, and says what a look took", function()
    begin { since = 0 }
    for number = 3, 260 do
      happens(number, 106)
    end
    poll()
    assert.equal(3, feeds[1].calls)
    now = now + 11
    assert.equal("", poll())
    happens(261, 107)
    assert.equal("261", poll())
    now = now + 11
    for _ = 1, 2 do
      assert.equal("", poll())
    end
    assert.equal(1, feeds[1].calls)
    assert.same({ 0, 96, 106, 106, 107 }, asked)
  end)

  it("takes what is listed minutes late, once, by a look a minute that goes back so far", function()
    happens(3, 1000)
    begin {}
    happens(4, 1001)
    assert.equal("4", poll())
    happens(5, 705) -- 296 s before the newest
    happens(6, 700) -- more than five minutes: no event is listed so late
    assert.equal("", poll())
    now = now + 61
    assert.equal("5", poll())
    assert.equal("", poll())
    now = now + 61
    assert.equal("", poll())
    assert.same({ 700, 990, 991, 701, 1001, 701 }, asked)
  end)

  it("does not look back so far when nothing can be late any more, nor before where it was told to begin", function()
    begin { since = 100 }
    assert.equal("1 2", poll())
    happens(3, 99)
    for _ = 1, 2 do
      now = now + 301
      assert.equal("", poll())
    end
    assert.same({ 100, 100, 105 }, asked)
  end)

  it("comes to what is new though a look back has no room for all that is late", function()
    happens(3, 1000)
    begin {}
    for number = 4, 6 do
      happens(number, 900)
    end
    happens(7, 1001)
    now = now + 61
    assert.equal("4 5", poll(2))
    assert.equal("7", poll(2))
    now = now + 61
    assert.equal("6", poll(2))
  end)

  it("takes as many as there is room for, and the rest the next time", function()
    begin { since = 0 }
    for number = 3, 7 do
      happens(number, 106)
    end
    assert.equal("1 2 3", poll(3))
    assert.equal("4 5 6", poll(3))
    assert.equal("7", poll(3))
    assert.same({ 0, 96, 96 }, asked)
  end)
end)

describe("the record of what was forwarded", function()
  local record = require "gitdev.cli.webhooks.record"
  local path

  local function write(text)
    path = process.file(text)
  end

  local function slurp()
    local file = assert(io.open(path, "rb"))
    local text = file:read "*a"
    file:close()
    return text
  end

  local function event(number)
    return record.event(assert(sample.event("project.created", { { "id", "evt_00000000000" .. number }, { "timestamp", "5" } })))
  end

  after_each(function()
    os.remove(path)
  end)

  it("is taken up after a line that was cut short, of which nothing is left", function()
    write ""
    local one, list = record.open(path)
    assert.same({ known = {} }, list)
    one:begin(3, { evt_x = 3 })
    one:add(event(1), "http://x/", 1, { status = 204 }, 4)
    local whole = slurp()
    for _, cut in ipairs { 10, #whole - 10, #whole - 1 } do
      write(whole:sub(1, cut))
      one, list = record.open(path)
      assert.equal(cut < 20 and 0 or 3, list.through or 0)
      assert.is_nil(list[1])
      one:add(event(2), "http://x/", 1, { status = 204 }, 4)
      list = assert(record.read(path))
      assert.same({ "evt_000000000002", 4 }, { list[1].id, list.through })
    end
  end)

  it("leaves alone what is no record", function()
    for _, text in ipairs { "notes", "notes\n", '{"a":1}\n', '{"a":', "\0\0" } do
      write(text)
      local one, list, problem = record.open(path)
      assert.same({ nil, nil }, { one, list })
      assert.equal(path .. ":1: this is no line that listen --record writes", problem)
      assert.equal(text, slurp())
    end
  end)

  it("has an event that was forwarded twice as it went last", function()
    write ""
    local one = record.open(path)
    one:add(event(1), "http://x/", 5, { status = 500 }, 4)
    one:add(event(2), "http://x/", 1, { status = 204 }, 4)
    one:add(event(1), "http://x/", 1, { status = 204 }, 4)
    local list = record.read(path)
    assert.same({ 2, "evt_000000000001", 204 }, { #list, list[1].id, list[1].status })
  end)
end)

describe("the address of a receiver", function()
  local delivery = require "gitdev.cli.webhooks.delivery"

  it("is completed", function()
    local cases = {
      { "3000", "http://localhost:3000" }, { ":3000/hooks", "http://localhost:3000/hooks" }, { "3000/hooks", "http://localhost:3000/hooks" },
      { "127.0.0.1:3000", "http://127.0.0.1:3000" }, { "localhost:3000/x", "http://localhost:3000/x" },
      { "[::1]:3000/x", "http://[::1]:3000/x" }, { "HTTPS://Example.com/x?y=a@b", "https://Example.com/x?y=a@b" },
      { "example.com", "http://example.com" }, { "http://[::1]", "http://[::1]" },
    }
    for _, case in ipairs(cases) do
      assert.equal(case[2], delivery.url(case[1]))
    end
  end)

  it("is refused when it is none, and not shown when it holds credentials", function()
    local cases = {
      "", "http://", "ftp://x/", "a b", "http://x:0/", "x:65536", "http://x:y/", "http://\195\169/", "[::1", "::1", "http:///x", "?", "http://3000/",
      "3000:3000", ":x",
    }
    for _, text in ipairs(cases) do
      local url, problem = delivery.url(text)
      assert.is_nil(url, text)
      assert.matches("is no address: write one such as http://localhost:3000/hooks$", problem)
    end
    for _, text in ipairs { "http://user:hunter2@x/", "user:hunter2@x", "//user:hunter2@x", "https://hunter2@[::1]:1/" } do
      local url, problem = delivery.url(text)
      assert.is_nil(url)
      assert.is_nil(problem:find "hunter2", text)
    end
  end)

  it("has a secret of which a hint shows little", function()
    assert.equal("whsec_…0000", delivery.hint(SECRET))
    assert.equal("a secret of yours", delivery.hint "hunter2")
  end)
end)

describe("gitdev webhooks #once", function()
  local started, receiver, git, files, hosts

  local function wait_until(what, fn, pause)
    local till = loop.now() + PATIENCE
    while not fn() do
      assert(loop.now() < till, "in vain: " .. what)
      loop.sleep(pause or 0.005)
    end
  end

  -- The same for what asks the API: seldom enough that the key's rate limit is left to the host which is tested.
  local function ask_until(what, fn)
    wait_until(what, fn, 0.1)
  end

  local function slurp(path)
    local file = io.open(path, "rb")
    local text = file and file:read "*a" or ""
    return file and file:close() and text or ""
  end

  local function temporary(text)
    local path = process.file(text or "")
    files[#files + 1] = path
    return path
  end

  -- The host ends with this process, however that ends: its shell reads what nobody writes, until there is nobody left.
  local WATCHED = [[
    set -m
    bash -c 'echo $$ >@PID@; exec "$@"' x env @ENV@ @HOST@ webhooks @WORDS@ <@IN@ >@OUT@ 2>@ERR@ 3<&- &
    host=$!
    { cat <&3 >/dev/null; kill -KILL $host; } &
    watcher=$!
    exec 3<&-
    wait $host
    echo $? >@STATUS@
    kill -- -$watcher
  ]]

  -- Starts the host with `words`. Its status is in `status()` once it has ended, and what it wrote so far in `out()`, `err()`.
  local function begin(words, input, environment)
    local out, err, status, pid = temporary(), temporary(), temporary(), temporary()
    local quoted = {}
    for i, word in ipairs(words) do
      quoted[i] = process.quote(word)
    end
    local own = ("%s GIT_API_KEY=%s GIT_API_URL=%s GIT_CA_FILE=%s"):format(environment or "", started.api_key, started.url, started.ca_file)
    local script = WATCHED:gsub("@(%u+)@", {
      ENV = own, HOST = process.host, WORDS = table.concat(quoted, " "), IN = temporary(input), OUT = out, ERR = err, STATUS = status, PID = pid,
    })
    local pipe = assert(io.popen("exec bash " .. temporary(script) .. " 3<&0 2>/dev/null", "w"))
    local host = {
      pipe = pipe,
      out = function() return slurp(out) end,
      err = function() return slurp(err) end,
      status = function() return tonumber(slurp(status)) end,
      interrupt = function() os.execute("kill -INT " .. slurp(pid)) end,
      kill = function() os.execute("kill -KILL " .. slurp(pid)) end,
    }
    hosts[#hosts + 1] = host
    return host
  end

  local function finish(running)
    wait_until("the end of the host", running.status)
    return running.status(), running.out(), running.err()
  end

  local function run(words, input, environment)
    return finish(begin(words, input, environment))
  end

  local function receive(handler)
    receiver = { requests = {}, listener = assert(loop.listen {}) }
    receiver.url = ("http://127.0.0.1:%d/hooks"):format(receiver.listener:port())
    receiver.service = function()
      local exchange = receiver.listener:next()
      while exchange do
        local _, target, headers, body = exchange:request()
        receiver.requests[#receiver.requests + 1] = { target = target, headers = headers, body = body, event = json.decode(body) }
        local answer = handler and handler(receiver.requests[#receiver.requests], #receiver.requests) or { 204 }
        exchange:answer(answer[1], answer[2] or {}, "")
        exchange:close()
        exchange = receiver.listener:next()
      end
    end
    loop.serve(receiver.service)
    return receiver
  end

  local function types()
    local list = {}
    for i, request in ipairs(receiver.requests) do
      list[i] = request.event.type
    end
    return table.concat(list, " ")
  end

  -- Starts listening, and waits until it does.
  local function listen(...)
    local running = begin({ "listen", "--forward-to", receiver.url, "--secret", SECRET, ... })
    wait_until("the greeting", function()
      return running.out():find("signed with", 1, true) or running.status()
    end)
    assert.is_nil(running.status(), running.err())
    return running
  end

  local function stop(running)
    running.interrupt()
    local status, _, err = finish(running)
    assert.same({ 130, "gitdev: interrupted\n" }, { status, err })
  end

  before_each(function()
    files, hosts, receiver = {}, {}, nil
    started = assert(server.start { seed = 1, build_ms = 20, deliver = false })
    git = gitdev.client { api_key = started.api_key, base_url = started.url, ca_file = started.ca_file, progress = "off" }
  end)

  after_each(function()
    for _, host in ipairs(hosts) do
      if not host.status() then
        host.kill()
        wait_until("its end", host.status)
      end
      host.pipe:close()
    end
    if receiver then
      loop.unserve(receiver.service)
      receiver.listener:close()
    end
    git:close()
    started:stop()
    loop.close()
    for _, path in ipairs(files) do
      os.remove(path)
    end
  end)

  local function create_projects(from, to)
    for number = from, to do
      git.projects:create { slug = "listed-" .. number }
    end
  end

  -- ---- listen ----

  it("listen forwards each event once, signed, in the order of its project, until it is interrupted", function()
    receive()
    local running = listen()
    create_projects(1, 3)
    git.deployments:create({ project = "my-app" }):wait()
    wait_until("all events", function()
      return #receiver.requests == 7
    end)
    create_projects(4, 4)
    wait_until("one more", function()
      return #receiver.requests == 8
    end)
    local own = {}
    for _, request in ipairs(receiver.requests) do
      assert.equal(request.event.id, gitdev.webhooks.verify(request.body, request.headers, SECRET).id)
      assert.equal(request.event.id, gitdev.webhooks.verify(request.body, request.headers, SECRET, { scheme = "standard" }).id)
      assert.equal(request.body, started.emulator:handle {
        method = "GET", target = "/v2/events/" .. request.event.id, headers = { authorization = "Bearer " .. started.api_key },
      }.body)
      assert.is_nil(request.headers.authorization)
      if request.event.data.project == "my-app" then
        own[#own + 1] = request.event.type
      end
    end
    assert.equal("deployment.created build.started build.completed deployment.completed", table.concat(own, " "))
    assert.matches("\n%d%d:%d%d:%d%d  deployment.created +evt_%w+  204 in %d+ ms\n", running.out())
    stop(running)
  end)

  it("listen repeats what was not accepted, while others go on", function()
    receive(function(request)
      local number = request.headers["x-git-attempt"]
      return request.event.data.project == "listed-1" and number == "1" and { 503, { "Retry-After", "1" } }
        or request.event.data.project == "listed-2" and { 410 } or { 204 }
    end)
    local running = listen()
    create_projects(1, 3)
    wait_until("the second attempt", function()
      return #receiver.requests == 4
    end)
    assert.equal("2", receiver.requests[4].headers["x-git-attempt"])
    assert.equal(receiver.requests[1].body, receiver.requests[4].body)
    assert.equal(receiver.requests[1].headers["x-git-delivery"], receiver.requests[4].headers["x-git-delivery"])
    wait_until("its line", function()
      return select(2, running.out():gsub("204 in", "")) == 2
    end)
    assert.matches("503 in %d+ ms; again in 1 s %(attempt 1 of 5%)\n", running.out())
    assert.matches("410 in %d+ ms; given up after attempt 1\n", running.out())
    stop(running)
  end)

  it("listen chooses by type and project, and takes what was before when it is asked to", function()
    receive()
    git.deployments:create({ project = "my-app" }):wait()
    create_projects(1, 2)
    local running = listen("--since", "0", "--events", "project.created,build.*", "--project", "my-app")
    wait_until("three", function()
      return #receiver.requests == 3
    end)
    stop(running)
    assert.equal("project.created build.started build.completed", types())
  end)

  it("listen goes on with its record where it was, and resend reads that", function()
    receive(function(request)
      return { request.event.data.project == "listed-2" and 410 or 204 }
    end)
    local path = temporary()
    local running = listen("--record", path)
    create_projects(1, 2)
    wait_until("its lines", function()
      return select(2, slurp(path):gsub('"body"', "")) == 2
    end)
    running.kill()
    wait_until("its end", running.status)
    create_projects(3, 130)
    running = listen("--record", path)
    wait_until("the rest", function()
      return #receiver.requests == 130
    end)
    create_projects(131, 131)
    wait_until("one more", function()
      return #receiver.requests == 131
    end)
    stop(running)
    local seen = {}
    for _, request in ipairs(receiver.requests) do
      assert.is_nil(seen[request.event.data.project])
      seen[request.event.data.project] = true
    end
    local status, out = run { "resend", "--from", path, "--failed", "--secret", SECRET }
    assert.equal(10, status)
    assert.matches("^%d%d:%d%d:%d%d  project.created +evt_%w+  410 in %d+ ms\n$", out)
    assert.equal("listed-2", receiver.requests[132].event.data.project)
    assert.equal(0, (run { "resend", "--from", path, receiver.requests[1].event.id, "--to", receiver.url }))
    assert.equal(receiver.requests[1].body, receiver.requests[133].body)
  end)

  it("listen says that the API is away, and loses nothing of it", function()
    receive()
    local running = listen()
    for _ = 1, 3 do
      started.emulator:fault { match = { op = "events.list" }, status = 500, times = 1 }
    end
    wait_until("it is said", function()
      return running.err():find("trying again", 1, true)
    end)
    create_projects(1, 1)
    wait_until("the event", function()
      return #receiver.requests == 1
    end)
    assert.matches("the API answers again\n$", running.err())
    running.interrupt()
    assert.equal(130, (finish(running)))
  end)

  it("listen begins anew where the API does", function()
    receive()
    local running = listen()
    create_projects(1, 1)
    wait_until("the event", function()
      return #receiver.requests == 1
    end)
    started.emulator:reset()
    started.emulator:skip(3600 * 1000)
    create_projects(2, 2)
    wait_until("one of the new beginning", function()
      return types():find "project.created.*project.created"
    end)
    stop(running)
  end)

  it("listen goes on with its record after other types, and after it was killed in a line", function()
    receive()
    local path = temporary()
    local running = listen("--record", path, "--since", "0")
    create_projects(1, 2)
    wait_until("its lines", function()
      return select(2, slurp(path):gsub('"listed%-%d', "")) == 2
    end)
    stop(running)
    local count = #receiver.requests
    local file = io.open(path, "ab")
    file:write '{"at":17959'
    file:close()
    running = listen("--record", path, "--events", "build.started")
    git.deployments:create({ project = "my-app" }):wait()
    wait_until("the build", function()
      return #receiver.requests == count + 1 and slurp(path):find "build.started"
    end)
    stop(running)
    running = listen("--record", path, "--events", "project.deleted")
    git.projects:delete "listed-1"
    wait_until("the end of a project", function()
      return #receiver.requests == count + 2 and slurp(path):find "project.deleted"
    end)
    stop(running)
    assert.matches("project.created build.started project.deleted$", types())
    assert.equal(0, (run { "resend", "--from", path, receiver.requests[count + 1].event.id }))
  end)

  it("listen says so when its record cannot be written", function()
    if not io.open("/dev/full", "w") then
      return
    end
    receive()
    local running = begin { "listen", "--forward-to", receiver.url, "--record", "/dev/full" }
    local status, _, err = finish(running)
    assert.equal(1, status)
    assert.matches("^gitdev: /dev/full.*\n$", err)
  end)

  it("listen ends with what is wrong", function()
    receive()
    local cases = {
      { { "listen", "--forward-to", "http://user:hunter2@127.0.0.1/" }, 2, "must not hold credentials" },
      { { "listen", "--forward-to", receiver.url, "--ca-file", "/nowhere/x" }, 2, "%-%-ca%-file: /nowhere/x: No such file" },
      { { "listen", "--forward-to", receiver.url, "--ca-file", temporary "x" }, 2, "holds no certificates in PEM" },
      { { "listen", "--forward-to", "--events", "build.*" }, 2, "%-%-forward%-to needs a value" },
      { { "listen", "--print-secret=1" }, 2, "%-%-print%-secret takes no value" },
      { { "listen" }, 2, "say where to, with %-%-forward%-to URL" },
      { { "listen", "--forward-to", "x y" }, 2, "'x y' is no address" },
      { { "listen", "--forward-to", receiver.url, "--events", "deploymnt.*" }, 2, "no type or family 'deploymnt.%*': did you mean 'deployment.%*'" },
      { { "listen", "--forward-to", receiver.url, "--since", "yesterday" }, 2, "%-%-since cannot be 'yesterday'" },
      { { "listen", "--forward-to", receiver.url, "--project", "nobody" }, 3, "no such project" },
      { { "listen", "--forward-to", receiver.url, "--record", "/nowhere/x" }, 1, "/nowhere/x" },
      { { "listen", "--forward" }, 2, "unknown option '%-%-forward'" },
      { { "listn" }, 2, "there is no 'listn': did you mean 'listen'%?" },
    }
    for _, case in ipairs(cases) do
      local status, _, err = run(case[1])
      assert.equal(case[2], status, err)
      assert.matches(case[3], err)
    end
    started.emulator:fault { match = { op = "events.list" }, status = 401, times = 9 }
    local status, _, err = run { "listen", "--forward-to", receiver.url }
    assert.equal(4, status, err)
  end)

  it("makes the same secret in each run", function()
    local status, out = run { "listen", "--print-secret" }
    assert.equal(0, status)
    assert.matches("^whsec_" .. ("%x"):rep(32) .. "\n$", out)
    assert.equal(out, select(2, run { "listen", "--print-secret" }))
    assert.equal("mine\n", select(2, run({ "listen", "--print-secret" }, nil, "GIT_WEBHOOK_SECRET=mine")))
  end)

  -- ---- trigger ----

  it("trigger sends an event once, and says how it went", function()
    receive(function(_, number)
      return { number == 1 and 204 or 500 }
    end)
    local status, out = run { "trigger", "build.failed", "--set", "project=shop", "--to", receiver.url, "--secret", SECRET }
    assert.equal(0, status)
    assert.matches("^%d%d:%d%d:%d%d  build.failed +evt_%w+  204 in %d+ ms\n$", out)
    local sent = receiver.requests[1]
    assert.equal("shop", gitdev.webhooks.verify(sent.body, sent.headers, SECRET).data.project)
    status, out = run { "trigger", "build.failed", "--to", receiver.url }
    assert.equal(10, status)
    assert.matches("  500 in %d+ ms\n$", out)
    status, out = run { "trigger", "build.failed", "--to", "127.0.0.1:1/x" }
    assert.equal(7, status)
    assert.matches("  refused in %d+ ms %(", out)
    assert.equal(2, #receiver.requests)
  end)

  it("trusts an own certificate's authority when it is named", function()
    local certificate = net.certificate { "127.0.0.1" }
    local listener = assert(loop.listen { certificate = certificate })
    local function service()
      local exchange = listener:next()
      if exchange then
        exchange:answer(204, {})
        exchange:close()
      end
    end
    loop.serve(service)
    local url = ("https://127.0.0.1:%d/"):format(listener:port())
    local status, out = run { "trigger", "build.failed", "--to", url }
    assert.equal(7, status)
    assert.matches("  tls in ", out)
    assert.equal(0, (run { "trigger", "build.failed", "--to", url, "--ca-file", temporary(certificate:authority_pem()) }))
    loop.unserve(service)
    listener:close()
  end)

  it("trigger prints the body alone, and tells what it cannot make", function()
    local status, out = run { "trigger", "webhook.ping", "--print", "--set", "id=evt_000000000000" }
    assert.equal(0, status)
    assert.equal("", conform.event(out))
    local cases = {
      { { "trigger" }, "say which event" },
      { { "trigger", "webhook.ping" }, "say where to send it" },
      { { "trigger", "webhook.ping", "--print", "--to", "x" }, "say one of them" },
      { { "trigger", "webhook.pong", "--print" }, 'did you mean "webhook.ping"' },
      { { "trigger", "webhook.ping", "--print", "--set", "x" }, "%-%-set cannot be 'x'" },
      { { "trigger", "webhook.ping", "--print", "--set", "url=x" }, 'has no field "url"' },
      { { "trigger", "webhook.ping", "--to", "http://a:b@127.0.0.1/" }, "must not hold credentials" },
      { { "trigger", "webhook.ping", "--to", "https://x/", "--ca-file", "/nowhere/x" }, "/nowhere/x: No such file" },
    }
    for _, case in ipairs(cases) do
      local code, shown, err = run(case[1])
      assert.equal(2, code, err)
      assert.equal("", shown)
      assert.matches(case[2], err)
    end
  end)

  -- ---- resend ----

  it("resend has the platform deliver again, or sends from here", function()
    receive()
    local webhook = git.webhooks:create { url = "https://example.com/hooks", events = { "project.*" } }
    create_projects(1, 1)
    local delivery
    local function wait_for_delivery()
      ask_until("the delivery", function()
        delivery = git.webhooks.deliveries:list(webhook.id).data[1]
        return delivery and delivery.status == "succeeded"
      end)
    end
    wait_for_delivery()
    for _, id in ipairs { delivery.id, delivery.event_id } do
      wait_for_delivery()
      local status, out = run { "resend", id }
      assert.equal(0, status)
      assert.matches("^project.created of " .. delivery.event_id .. " goes to https://example.com/hooks again, as dlv_%w+\n$", out)
    end
    assert.equal(3, #git.webhooks.deliveries:list(webhook.id).data)
    for _, id in ipairs { delivery.id, delivery.event_id } do
      assert.equal(0, (run { "resend", id, "--to", receiver.url }))
      local sent = receiver.requests[#receiver.requests]
      assert.equal(delivery.event_id, sent.event.id)
    end
    local cases = {
      { { "resend" }, 2, "say which" },
      { { "resend", "x" }, 2, "neither the id of an event" },
      { { "resend", "evt_000000000000" }, 3, "went to no endpoint" },
      { { "resend", "dlv_000000000000" }, 3, "no endpoint has had such a delivery" },
      { { "resend", "evt_000000000000", "--to", receiver.url }, 3, "no such event" },
      { { "resend", "--from", "/nowhere" }, 2, "/nowhere" },
      { { "resend", "--from", temporary "{}\n" }, 2, ":1: this is no line that listen %-%-record writes" },
    }
    for _, case in ipairs(cases) do
      local status, _, err = run(case[1])
      assert.equal(case[2], status, err)
      assert.matches(case[3], err)
    end
  end)

  it("resend goes on where one endpoint is in no state for it, and says which events a file lacks", function()
    receive()
    local path = temporary()
    local sound = git.webhooks:create { url = "https://example.com/sound", events = { "project.*" } }
    local disabled = git.webhooks:create { url = "https://example.com/disabled", events = { "project.*" } }
    local running = listen("--record", path)
    create_projects(1, 1)
    local event
    ask_until("the deliveries", function()
      local one, other = git.webhooks.deliveries:list(sound.id).data[1], git.webhooks.deliveries:list(disabled.id).data[1]
      event = one and one.event_id
      return one and one.status == "succeeded" and other and other.status == "succeeded" and slurp(path):find(event, 1, true)
    end)
    stop(running)
    git.webhooks:update(disabled.id, { status = "disabled" })
    local status, out, err = run { "resend", event }
    assert.equal(5, status, err)
    assert.matches("goes to https://example.com/sound again", out)
    assert.matches("does not go to https://example.com/disabled: ", err)
    local count = #receiver.requests
    status, out, err = run { "resend", "--from", path, event, "evt_000000000000" }
    assert.equal(3, status, out)
    assert.matches("it has no event evt_000000000000\n", err)
    assert.equal(count + 1, #receiver.requests)
  end)

  -- ---- verify ----

  it("verify says whether a body is what was signed", function()
    local body = assert(sample.event "deployment.completed").body
    local at = 1718942301
    local header = gitdev.webhooks.sign(body, SECRET, { now = at })
    local standard = gitdev.webhooks.sign(body, SECRET, { now = at, scheme = "standard" })
    local lines = {}
    for name, value in pairs(standard) do
      lines[#lines + 1] = name .. ": " .. value
    end
    local path, when = temporary(body), { "--at", tostring(at + 10) }
    local function verify(words, input)
      local all = { "verify", "--secret", SECRET }
      for _, list in ipairs { when, words } do
        for _, word in ipairs(list) do
          all[#all + 1] = word
        end
      end
      return run(all, input)
    end
    local good = "^deployment.completed evt_%w+: the signature is good\n$"
    local cases = {
      { { "--header", header, path }, nil, 0, good },
      { { "--header", "X-Git-Signature: " .. header }, body, 0, good },
      { { "--header", header, "-" }, body, 0, good },
      { { "--headers", temporary(json.encode { ["x-git-signature"] = header }), path }, nil, 0, good },
      { { "--headers", temporary("POST / HTTP/1.1\r\nHost: x\r\nX-Git-Signature: " .. header .. "\r\n"), path }, nil, 0, good },
      { { "--headers", temporary(table.concat(lines, "\n")), "--scheme", "standard", path }, nil, 0, good },
      { { "--secret", "whsec_other", "--header", header, path }, nil, 0, good },
      { { "--header", header }, body .. " ", 4, "no_match" },
      { { "--header", header }, body .. "\n", 4, "without the line break at its end the body would be good.*no_match" },
      { { "--header", header }, "\239\187\191" .. body, 4, "without the byte order mark at its beginning the body would be good.*no_match" },
      { { "--header", header }, "", 4, "the body is empty.*no_match" },
      { { "--header", "sha256=00", path }, nil, 4, "malformed_header" },
      { { "--header", header, "--tolerance", "9", path }, nil, 4, "%-%-tolerance off.*timestamp_outside_tolerance" },
      { { "--headers", temporary("> Host: x\r\n> X-Git-Signature: " .. header .. "\r\n"), path }, nil, 0, good },
      { { "--headers", "-", path }, "X-Git-Signature: " .. header, 0, good },
      { { "--headers", "-" }, "X-Git-Signature: " .. header, 2, "cannot both come from stdin" },
      { { "--header", header, "--at", "0", "--tolerance", "off", path }, nil, 0, "its time was not checked" },
      { { path }, nil, 2, "say what the body was signed with" },
      { { "--header", header, "/nowhere" }, nil, 2, "/nowhere" },
      { { "--header", header, "--scheme", "standard", path }, nil, 2, "needs?" },
      { { "--header", header, "--tolerance", "x", path }, nil, 2, "%-%-tolerance cannot be 'x'" },
      { { "--headers", temporary "", path }, nil, 2, "holds no headers" },
    }
    for number, case in ipairs(cases) do
      local status, out, err = verify(case[1], case[2])
      assert.equal(case[3], status, number .. ": " .. err)
      if case[4] ~= "needs?" then
        assert.matches(case[4], out .. err)
      end
    end
    for _, case in ipairs { { " " .. SECRET .. " ", "without the blanks" }, { SECRET:sub(7), "with whsec_ at its beginning" } } do
      local code, _, text = run { "verify", "--secret", case[1], "--header", header, path }
      assert.equal(4, code)
      assert.matches(case[2] .. ".* the secret would be right", text)
      assert.is_nil(text:find(SECRET:sub(7), 1, true))
    end
    local status, _, err = run({ "verify", "--header", header, path }, nil, "GIT_WEBHOOK_SECRET=")
    assert.equal(4, status)
    assert.matches("no_secret.*GIT_WEBHOOK_SECRET", err)
  end)

  -- `gitdev` in the shell of a document: a listen ends when it has forwarded what it should, and what is verified was signed just now.
  local SHELL = [[
    gitdev() {
      case "$*" in
      *--forward-to*)
        HOST "$@" >/dev/null & pid=$!
        until grep -q '"status":410' events.jsonl 2>/dev/null; do kill -0 $pid || return 1; sleep 0.02; done
        kill -TERM $pid; wait $pid; [ $? = 143 ] ;;
      *--headers*)
        echo "X-Git-Signature: $(HOST -e 'print(require("gitdev").webhooks.sign(io.open("body.json"):read "*a"))')" >headers.txt
        HOST "$@" ;;
      *) HOST "$@" ;;
      esac
    }
    cd FOLDER
  ]]

  it("does what docs/webhooks.md shows", function()
    local refused = false
    receive(function(request)
      local refuse = request.event.type == "project.created" and not refused
      refused = refused or refuse
      return { refuse and 410 or 204 }
    end)
    local webhook = git.webhooks:create { url = "https://example.com/hooks", events = { "project.*" } }
    create_projects(1, 1)
    local delivery
    ask_until("the delivery", function()
      delivery = git.webhooks.deliveries:list(webhook.id).data[1]
      return delivery and delivery.status == "succeeded"
    end)
    local folder, blocks = sender.folder(), {}
    for block in slurp("docs/webhooks.md"):match("\n## On the command line\n(.*)$"):gmatch "```sh\n(.-)```" do
      blocks[#blocks + 1] = block
    end
    assert.equal(4, #blocks)
    local host = process.host:find "^/" and process.host or os.getenv "PWD" .. "/" .. process.host -- the script goes elsewhere
    local known = { HOST = host, FOLDER = folder }
    local script = SHELL:gsub("%u+", known) .. table.concat(blocks):gsub("localhost:3000", "127.0.0.1:" .. receiver.listener:port())
      :gsub("evt_8x9y7z6w5v4u", delivery.event_id):gsub(" +#[^\n]*", ""):gsub("\n", " || exit 1\n")
    local out, err, status = temporary(), temporary(), temporary()
    os.execute(("(env GIT_API_KEY=%s GIT_API_URL=%s GIT_CA_FILE=%s bash %s >%s 2>%s; echo $? >%s) &"):format(started.api_key, started.url,
      started.ca_file, temporary(script), out, err, status))
    wait_until("its end", function()
      return slurp(status) ~= ""
    end)
    sender.remove(folder)
    assert.equal("0\n", slurp(status), slurp(err))
    assert.matches("\nrepository.pushed evt_%w+: the signature is good\n$", slurp(out))
  end)

  it("tells what each command does, within 100 columns, with its exit codes", function()
    local command = require "gitdev.cli.webhooks"
    for _, name in ipairs(command.names) do
      local status, out = run { name, "--help" }
      assert.equal(0, status)
      assert.matches("^usage: gitdev webhooks " .. name .. " ", out)
      for _, option in ipairs(require("gitdev.cli.webhooks." .. name).options) do
        assert.truthy(out:find("--" .. option.name, 1, true))
      end
      assert.matches("\nexit codes:\n  0 +done\n", out)
      for line in out:gmatch "[^\n]+" do
        assert.is_true(#line:gsub("[\128-\191]", "") <= 100, line)
      end
    end
    local status, out = run { "--help" }
    assert.equal(0, status)
    assert.matches("  verify +check the signature", out)
    assert.equal(2, (run {}))
  end)
end)

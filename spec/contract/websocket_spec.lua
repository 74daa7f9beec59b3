-- WebSockets with ws at the other end: as a client of the emulator's log streams, and as a server of the SDK's; and with nginx as a proxy between.
local emulator_server = require "gitdev.emulator.server"
local gitdev = require "gitdev"
local json = require "gitdev.json"
local nginx = require "spec.lua.support.nginx"
local tools = require "spec.contract.tools"

local PROTOCOL = "git.logs.v1"
local LINES = 100

local PROXIED = [[
    location /v2/ {
      proxy_pass https://127.0.0.1:@PORT@;
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection "upgrade";
      proxy_ssl_verify on;
      proxy_ssl_trusted_certificate @CA@;
      proxy_ssl_name localhost;
    }
]]

local function proxy_of(port, ca_file)
  return nginx.start { server = PROXIED:gsub("@(%u+)@", { PORT = tostring(port), CA = ca_file }) }
end

describe("ws as a client of the emulator", function()
  local server, proxy, client

  setup(function()
    server = assert(emulator_server.start { seed = 1, rate_limit = false })
    proxy = proxy_of(server.port, server.ca_file)
    client = gitdev.client { api_key = server.api_key, base_url = server.url, ca_file = server.ca_file, progress = "off" }
  end)

  teardown(function()
    client:close()
    proxy:stop()
    server:stop()
  end)

  -- What ws saw of each stream that the list has it open, at the emulator or at a proxy.
  local function open(list, at)
    at = at or server
    local lines = {}
    for index, one in ipairs(list) do
      lines[index] = assert(json.encode {
        url = at.url:gsub("^https", "wss") .. "/deployments/" .. one.deployment .. "/logs/stream" .. (one.query or ""),
        headers = one.headers or { Authorization = "Bearer " .. server.api_key },
        protocols = json.array(one.protocols or { PROTOCOL }),
        act = one.act,
      })
    end
    local status, out, err = tools.node_beside("ws_client.mjs", table.concat(lines, "\n") .. "\n", at.ca_file)
    assert.equal(0, status, err)
    local seen = {}
    for line in out:gmatch "[^\n]+" do
      seen[#seen + 1] = assert(json.decode(line))
    end
    assert.equal(#list, #seen)
    return seen
  end

  -- One that has no end.
  local function hanging()
    return client.deployments:create({ project = "my-app", metadata = { emulate = "hang" } }).id
  end

  local function check_whole_log(seen, id)
    local lines, kinds = 0, {}
    for _, message in ipairs(seen.messages) do
      kinds[message.type] = (kinds[message.type] or 0) + 1
      if message.type == "log" then
        lines = lines + 1
        assert.equal(lines, message.seq)
      end
    end
    assert.equal("hello", seen.messages[1].type)
    assert.equal(id, seen.messages[1].resource)
    assert.equal("end", seen.messages[#seen.messages].type)
    assert.equal(1, kinds.hello)
    assert.equal(1, kinds["end"])
    assert.is_true(lines > 0)
    assert.same({ code = 1000, reason = "" }, seen.close)
    assert.is_nil(seen.error)
  end

  for _, name in ipairs { "directly", "through nginx" } do
    it("follows a build to its end, " .. name, function()
      local id = client.deployments:create({ project = "my-app" }).id
      local seen = open({ { deployment = id } }, name == "through nginx" and proxy or nil)[1]
      check_whole_log(seen, id)
      assert.equal(PROTOCOL, seen.protocol)
      assert.equal("", seen.extensions)
      assert.equal("live", seen.messages[#seen.messages].status)
    end)
  end

  it("is served when it offers no protocol, and refused when it offers only others", function()
    local id = client.deployments:create({ project = "my-app" }).id
    local seen = open { { deployment = id, protocols = {} }, { deployment = id, protocols = { "mqtt", "git.logs.v2" } } }
    check_whole_log(seen[1], id)
    assert.equal("", seen[1].protocol)
    assert.equal(400, seen[2].refused.status)
  end)

  it("opens with a ticket, once, and with neither it nor a key not at all", function()
    local id = hanging()
    local ticket = client.stream_tickets:create({ resource = id }).ticket
    local with = { deployment = id, query = "?ticket=" .. ticket, headers = json.decode "{}", act = "close" }
    local seen = open { with, with, { deployment = id, headers = json.decode "{}" } }
    assert.equal("hello", seen[1].messages[1].type)
    assert.equal("ticket_invalid", seen[2].refused.body.error.code)
    assert.equal(401, seen[3].refused.status)
  end)

  it("is answered by the rules of RFC 6455, and of the contract", function()
    local id = hanging()
    local CASES = {
      { act = "ping", code = 1000, pongs = 1 },
      { act = "pong_in_fragments", code = 1000, pongs = 1 },
      { act = "close", code = 1001 },
      { act = "terminate", code = 1006 },
      { act = "binary", code = 4400 },
      { act = "no_json", code = 4400 },
      { act = "too_large", code = 1009 },
    }
    local list = {}
    for index, case in ipairs(CASES) do
      list[index] = { deployment = id, act = case.act }
    end
    for _, at in ipairs { server, proxy } do
      for index, seen in ipairs(open(list, at)) do
        local case = CASES[index]
        assert.equal(case.code, seen.close.code, case.act)
        assert.equal(case.pongs or 0, seen.pongs, case.act)
      end
    end
  end)
end)

describe("ws as a server of the SDK", function()
  local through, port, stop, own, client, direct

  -- The certificate is the proxy's, which it trusts itself.
  setup(function()
    own = nginx.start {}
    port, stop = tools.serve("ws_server.mjs", own.root .. "/server.pem", own.root .. "/server.key")
    direct = { url = ("https://127.0.0.1:%d/v2"):format(port), ca_file = own.ca_file }
    through = proxy_of(port, own.ca_file)
  end)

  teardown(function()
    through:stop()
    stop()
    own:stop()
  end)

  after_each(function()
    if client then client:close() end
    client = nil
  end)

  local function connect(at)
    client = gitdev.client { api_key = nginx.API_KEY, base_url = at.url, ca_file = at.ca_file, progress = "off" }
    return client
  end

  local function id_of(word)
    return "dep_" .. ("0"):rep(12 - #word) .. word
  end

  -- The number of lines that came, in order and once; how often they were asked for; and the error, if there was one.
  local function follow(at, word, check)
    local lines = 0
    local ok, err = pcall(function()
      for message in connect(at).deployments.logs:stream(id_of(word)) do
        if message.type == "log" then
          lines = lines + 1
          assert.equal(lines, message.seq)
          if check then check(message) end
        end
      end
    end)
    return lines, not ok and err or nil
  end

  local WAYS = {
    { "in one piece", "fine" },
    { "in fragments with pings between them", "frag", function(message)
      assert.equal(("é😀 "):rep(20) .. message.seq, message.message)
    end },
    { "one by one, each after the answer to a ping", "ping" },
    { "each twice", "twice" },
    { "as long as lines can be", "large", function(message)
      assert.equal(65536, #message.message)
    end },
    { "with restarts of the server on the way", "leave" },
    { "with connections that break off on the way", "break" },
  }

  for _, name in ipairs { "directly", "through nginx" } do
    for _, way in ipairs(WAYS) do
      it("sends a log " .. way[1] .. ", " .. name, function()
        local lines, err = follow(name == "directly" and direct or through, way[2], way[3])
        assert.is_nil(err and tostring(err))
        assert.equal(LINES, lines)
      end)
    end

    it("ends a stream for good, " .. name, function()
      local lines, err = follow(name == "directly" and direct or through, "gone")
      assert.equal(10, lines)
      assert.is_true(gitdev.is_error(err), tostring(err))
    end)
  end

  it("is offered the protocol and no extension", function()
    follow(direct, "fine")
    local status, out = require("spec.lua.support.process").run(("curl -s --cacert %s %s/opened"):format(direct.ca_file, direct.url))
    assert.equal(0, status)
    local fine = json.decode(out).fine
    assert.same({ extensions = "", protocol = PROTOCOL, cursor = json.null }, fine[#fine])
  end)
end)

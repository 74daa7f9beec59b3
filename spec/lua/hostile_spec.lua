-- What others may send to the emulator, over its real socket: the answer is the contract's error, or the connection is closed, and the
-- next request is served as if nothing had been (contract 1.1, 1.7, 1.8).
local core = require "gitdev.core"
local json = require "gitdev.json"
local loop = require "gitdev.loop"
local process = require "spec.lua.support.process"
local schema = require "gitdev.schema"
local scope = require "gitdev.scope"
local server = require "gitdev.emulator.server"

local CRLF = "\r\n"
local PATIENCE = 60 -- only a bug makes anyone wait that long

-- HTTP's statuses that the contract uses (1.7).
local STATUSES = {}
for status in ("200 201 202 204 206 304 400 401 403 404 405 409 410 413 415 416 422 426 429 500 502 503 504"):gmatch "%d+" do
  STATUSES[tonumber(status)] = true
end

if process.run "command -v openssl && command -v bash" ~= 0 then
  pending "openssl and bash are not there: nobody can meet the emulator"
  return
end

describe("the emulator, met by others,", function()
  local running, client, failures

  local function start(options)
    failures = {}
    options = options or {}
    options.seed, options.rate_limit = 1, false
    options.on_error = function(text)
      failures[#failures + 1] = text
    end
    running = assert(server.start(options))
    client = assert(core.client {
      api_key = running.api_key, base_url = running.url, ca_file = running.ca_file, user_agent = "spec", max_retries = 0, timeout = PATIENCE,
    })
  end

  local function get(path)
    local call = assert(client:call("GET", path))
    loop.perform(call)
    return call:result()
  end

  -- The emulator serves others, and has not failed.
  local function still_serves()
    assert.equal(200, (get "/organization"))
    assert.same({}, failures)
  end

  after_each(function()
    client:close()
    running:stop()
  end)

  local function slurp(path)
    local file = io.open(path, "rb")
    local text = file and file:read "*a"
    if file then
      file:close()
    end
    return text
  end

  -- Runs a shell command beside the loop, which serves meanwhile. Returns what it wrote.
  local function beside(command)
    local out, over = os.tmpname(), os.tmpname()
    os.execute(("{ %s; } >%s 2>/dev/null; echo over >%s"):format(command, out, over):gsub("^(.*)$", "(%1) &"))
    local began = core.now()
    while slurp(over) == "" do
      assert(core.now() - began < PATIENCE, "nobody closed the connection")
      loop.sleep(0.002)
    end
    local text = slurp(out)
    os.remove(out)
    os.remove(over)
    return text
  end

  -- Says `bytes` over TLS, and listens until the other side closes. The pieces of a list are said one after another, each after so many
  -- seconds.
  local function say(bytes, pause)
    local files, source = {}, {}
    for index, piece in ipairs(type(bytes) == "table" and bytes or { bytes }) do
      files[index] = process.file(piece)
      source[index] = (pause and ("sleep %g; "):format(pause) or "") .. "cat " .. files[index]
    end
    local text = beside(("{ %s; } | openssl s_client -quiet -connect 127.0.0.1:%d -CAfile %s -verify_return_error"):format(
      table.concat(source, "; "), running.port, running.ca_file))
    for _, path in ipairs(files) do
      os.remove(path)
    end
    return text
  end

  -- The same in clear.
  local function say_plainly(bytes)
    local file = process.file(bytes)
    local text = beside(("bash -c 'exec 3<>/dev/tcp/127.0.0.1/%d; cat %s >&3; cat <&3'"):format(running.port, file))
    os.remove(file)
    return text
  end

  -- An answer, read: { status, headers, body }; nil for none.
  local function read(text)
    local status, fields, body = text:match "^HTTP/1%.1 (%d+) [^\r]*\r\n(.-\r\n)\r\n(.*)$"
    if not status then
      assert.equal("", text)
      return nil
    end
    local headers = {}
    for name, value in fields:gmatch "([^:\r\n]+): ([^\r\n]*)\r\n" do
      headers[name:lower()] = value
    end
    assert.equal(tonumber(headers["content-length"]), headers["content-length"] and #body)
    return { status = tonumber(status), headers = headers, body = body }
  end

  -- "400 invalid_json", or "closed"; and that the answer is one of the contract's.
  local function verdict(text)
    local answer = read(text)
    if not answer then
      return "closed"
    end
    assert.is_true(STATUSES[answer.status], "a status that the contract does not use: " .. answer.status)
    assert.is_string(answer.headers.date)
    assert.equal("2.4.1", answer.headers["x-git-version"])
    if answer.status < 400 or answer.body == "" then
      return tostring(answer.status)
    end
    assert.equal("application/json; charset=utf-8", answer.headers["content-type"])
    local fault = assert(json.decode(answer.body)).error
    assert.equal(answer.headers["x-request-id"], fault.request_id)
    assert.truthy(fault.request_id:match "^req_[0-9a-z]+$")
    assert.truthy(#fault.message > 10)
    local known = schema.error(fault.code)
    assert.equal(known.type, fault.type)
    assert.is_true(known.statuses[1] == answer.status or known.statuses[2] == answer.status, fault.code .. " " .. answer.status)
    return answer.status .. " " .. fault.code
  end

  local function head(line, more)
    return line .. CRLF .. "Host: api.git.dev" .. CRLF .. "Authorization: Bearer " .. running.api_key .. CRLF .. (more or "")
  end

  -- A whole request after which the connection is closed.
  local function request(line, more, body)
    local length = body and ("Content-Length: %d"):format(#body) .. CRLF or ""
    return head(line .. " HTTP/1.1", "Connection: close" .. CRLF .. length .. (more or "")) .. CRLF .. (body or "")
  end

  local function post(body, kind)
    return request("POST /v2/deployments", kind ~= false and "Content-Type: " .. (kind or "application/json") .. CRLF or "", body)
  end

  -- ---- what is no HTTP ----

  local MALFORMED = {
    { "nonsense", "nonsense\r\n\r\n", "400 parameter_invalid" },
    { "an empty line too many", "\r\n\r\n\r\n", "400 parameter_invalid" },
    { "HTTP/0.9", "GET /\r\n\r\n", "400 parameter_invalid" },
    { "HTTP/2's preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "400 parameter_invalid" },
    { "HTTP/3.1", "GET / HTTP/3.1\r\nHost: a\r\n\r\n", "400 parameter_invalid" },
    { "a blank in the target", "GET /v2 /projects HTTP/1.1\r\nHost: a\r\n\r\n", "400 parameter_invalid" },
    { "a control byte in the target", "GET /v2\1 HTTP/1.1\r\nHost: a\r\n\r\n", "400 parameter_invalid" },
    { "no host", "GET /v2/projects HTTP/1.1\r\n\r\n", "400 parameter_invalid" },
    { "two hosts", "GET /v2/projects HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400 parameter_invalid" },
    { "bare line feeds", "GET /v2/projects HTTP/1.1\nHost: a\n\n", "400 parameter_invalid" },
    { "a bare carriage return", "GET / HTTP/1.1\r\nHost: a\rX-A: b\r\n\r\n", "400 parameter_invalid" },
    { "a folded field", "GET / HTTP/1.1\r\nHost: a\r\nX-A: b\r\n c\r\n\r\n", "400 parameter_invalid" },
    { "a blank before the colon", "GET / HTTP/1.1\r\nHost : a\r\n\r\n", "400 parameter_invalid" },
    { "a field without a name", "GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n", "400 parameter_invalid" },
    { "a field without a colon", "GET / HTTP/1.1\r\nHost: a\r\nb\r\n\r\n", "400 parameter_invalid" },
    { "a NUL in a field", "GET / HTTP/1.1\r\nHost: a\r\nX-A: b\0c\r\n\r\n", "400 parameter_invalid" },
    { "two lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", "400 parameter_invalid" },
    { "a length below zero", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", "400 parameter_invalid" },
    { "a length in hexadecimal", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x2\r\n\r\nab", "400 parameter_invalid" },
    {
      "a length that no number holds",
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999\r\n\r\n",
      "413 payload_too_large",
    },
    {
      "a length beside chunks",
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "400 parameter_invalid",
    },
    { "an unknown coding", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", "400 parameter_invalid" },
    { "two codings", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "400 parameter_invalid" },
    { "a chunk that is none", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", "400 parameter_invalid" },
    {
      "a chunk longer than it says",
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n",
      "400 parameter_invalid",
    },
    {
      "a chunk beyond all limits",
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffff\r\n",
      "413 payload_too_large",
    },
  }

  it("answers what is no HTTP with the contract's error, and goes on", function()
    start()
    for _, case in ipairs(MALFORMED) do
      assert.equal(case[1] .. ": " .. case[3], case[1] .. ": " .. verdict(say(case[2])))
      still_serves()
    end
  end)

  it("answers the good request before a bad one, then the bad one", function()
    start()
    local text = say(head "GET /v2/projects/my-app HTTP/1.1" .. CRLF .. "nonsense" .. CRLF .. CRLF)
    local first, second = text:match "^(.-)(HTTP/1%.1 400 .*)$"
    assert.truthy(first:find "^HTTP/1.1 200 OK\r\n")
    assert.equal("400 parameter_invalid", verdict(second))
    still_serves()
  end)

  it("closes on noise, and tells plain HTTP that it must not be", function()
    start()
    assert.equal("403 https_required", verdict(say_plainly "GET /v2/projects HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer x\r\n\r\n"))
    assert.equal("403 https_required", verdict(say_plainly "POST /"))
    for _, noise in ipairs { "\0\0\0\0\0\0\0\0", ("\255"):rep(10000), "\22\3\1\255\255" .. ("\0"):rep(70000), "ssh-2.0-x\r\n" } do
      local text = say_plainly(noise)
      assert.is_nil(text:find("HTTP", 1, true)) -- an alert of TLS at most
      still_serves()
    end
  end)

  -- ---- too much ----

  it("refuses heads and bodies that are too large", function()
    start()
    local fields, lines = {}, {}
    for index = 1, 101 do
      fields[index] = ("X-%d: a"):format(index) .. CRLF
      lines[index] = ("X-%d: %s"):format(index, ("a"):rep(400)) .. CRLF
    end
    local body, chunk = ("a"):rep(11 * 1024 * 1024), "100000\r\n" .. ("a"):rep(1024 * 1024) .. CRLF
    local cases = {
      { "a long target", request("GET /v2/projects?search=" .. ("a"):rep(40000)) },
      { "a long field", request("GET /v2/projects", "X-A: " .. ("a"):rep(40000) .. CRLF) },
      { "many fields", request("GET /v2/projects", table.concat(fields)) },
      { "long fields", request("GET /v2/projects", table.concat(lines)) },
      { "a long line", ("a"):rep(100000) },
      { "a length beyond the limit", request("POST /v2/projects", "Content-Length: 99999999" .. CRLF) },
      { "a body beyond the limit", post(body) },
      { "a body one byte beyond the limit", post(body:sub(1, 10 * 1024 * 1024 + 1)) },
      {
        "chunks beyond the limit",
        head("POST /v2/projects HTTP/1.1", "Transfer-Encoding: chunked" .. CRLF) .. CRLF .. chunk:rep(11) .. "0" .. CRLF .. CRLF,
      },
    }
    for _, case in ipairs(cases) do
      assert.equal(case[1] .. ": 413 payload_too_large", case[1] .. ": " .. verdict(say(case[2])))
      still_serves()
    end
  end)

  it("takes a body of the limit's size", function()
    start()
    local text = '{"project":"my-app","branch":"nope","metadata":{"a":"' .. ("x"):rep(10 * 1024 * 1024 - 56) .. '"}}'
    assert.equal(10 * 1024 * 1024, #text)
    assert.equal("422 parameter_invalid", verdict(say(post(text))))
  end)

  it("refuses slow clients, and forgets those that say nothing", function()
    start { request_timeout = 2.5, idle_timeout = 2.5 }
    local answers = {}
    loop.run(function()
      scope.all {
        function()
          answers.half = verdict(say "GET /v2/projects HTTP/1.1\r\nHost:")
        end,
        function()
          answers.dribble = verdict(say({ "G", "E", "T", " ", "/", " ", "H", "T", "T", "P", "/", "1", ".", "1" }, 0.3))
        end,
        function()
          answers.body = verdict(say(head("POST /v2/projects HTTP/1.1", "Content-Length: 10" .. CRLF) .. CRLF .. "{"))
        end,
        function()
          answers.silent = verdict(say "")
        end,
        function()
          answers.plain = verdict(say_plainly "")
        end,
        function()
          answers.kept = read(say(head "GET /v2/projects/my-app HTTP/1.1" .. CRLF)).status
        end,
      }
    end)
    assert.same({
      half = "400 parameter_invalid",
      dribble = "400 parameter_invalid",
      body = "400 parameter_invalid",
      silent = "closed",
      plain = "closed",
      kept = 200,
    }, answers)
    still_serves()
  end)

  it("serves beside 1,000 connections that rest", function()
    start()
    local ready, leave = os.tmpname(), os.tmpname()
    local crowd = ([[bash -c 'ulimit -n 1100 2>/dev/null; for i in $(seq 1000); do exec {fd}<>/dev/tcp/127.0.0.1/%d || break; done
      echo $i >%s; while [ -e %s ]; do sleep 0.05; done']]):format(running.port, ready, leave)
    os.execute(("(%s) >/dev/null 2>&1 &"):format(crowd))
    local began = core.now()
    while slurp(ready) == "" and core.now() - began < PATIENCE do
      loop.sleep(0.005)
    end
    local count = tonumber(slurp(ready))
    for _ = 1, 5 do
      still_serves()
    end
    os.remove(leave)
    os.remove(ready)
    assert.equal(1000, count)
    while running.listener:connections() > 1 do
      assert(core.now() - began < PATIENCE, "connections are left")
      loop.sleep(0.005)
    end
    still_serves()
  end)

  it("minds not those who leave in the middle", function()
    start()
    for _, text in ipairs {
      "GET", head("POST /v2/projects HTTP/1.1", "Content-Length: 1000" .. CRLF) .. CRLF .. "{", request("GET /v2/projects"), "",
    } do
      local file = process.file(text)
      beside(("timeout 0.3 openssl s_client -connect 127.0.0.1:%d -no_ign_eof <%s"):format(running.port, file))
      os.remove(file)
      still_serves()
    end
  end)

  -- ---- HTTP, but not the contract's ----

  it("answers bodies that it cannot take with the contract's error", function()
    start()
    local good = '{"project":"my-app"}'
    local deep = ("["):rep(100000)
    local cases = {
      { "no type", post(good, false), "415 unsupported_media_type" },
      { "a form", post("project=my-app", "application/x-www-form-urlencoded"), "415 unsupported_media_type" },
      { "parts", post("--a\r\n\r\n--a--", "multipart/form-data; boundary=a"), "415 unsupported_media_type" },
      { "another charset", post(good, "application/json; charset=utf-16"), "415 unsupported_media_type" },
      { "a type that is none", post(good, ";;;"), "415 unsupported_media_type" },
      { "compressed", post(good, "application/json\r\nContent-Encoding: gzip"), "415 unsupported_media_type" },
      { "nothing", post "", "400 invalid_json" },
      { "no object", post "[1,2]", "400 invalid_json" },
      { "half an object", post '{"project":', "400 invalid_json" },
      { "deep arrays", post(deep), "400 invalid_json" },
      { "deep objects", post('{"metadata":' .. ('{"a":'):rep(50000) .. "1" .. ("}"):rep(50001)), "400 invalid_json" },
      { "a key twice", post '{"project":"my-app","project":"my-app"}', "400 invalid_json" },
      { "an inner key twice", post '{"project":"my-app","metadata":{"a":"1","a":"2"}}', "400 invalid_json" },
      { "a key twice, once in disguise", post '{"project":"my-app","pro\\u006aect":"my-app"}', "400 invalid_json" },
      { "bytes that are no UTF-8", post '{"project":"my-app\255"}', "400 invalid_json" },
      { "overlong UTF-8", post '{"project":"\192\175"}', "400 invalid_json" },
      { "a surrogate in UTF-8", post '{"project":"\237\160\128"}', "400 invalid_json" },
      { "a lone surrogate", post '{"project":"\\ud800"}', "400 invalid_json" },
      { "a byte order mark", post("\239\187\191" .. good), "400 invalid_json" },
      { "UTF-16", post "{\0\"\0a\0\"\0:\0001\0}\0", "400 invalid_json" },
      { "a NUL after the end", post(good .. "\0"), "400 invalid_json" },
      { "no number", post '{"project":NaN}', "400 invalid_json" },
      { "a number that none holds", post '{"project":1e999}', "422 invalid_type" },
      { "a NUL in a text", post '{"project":"my\\u0000app"}', "422 resource_missing" },
      { "Lua's own names", post '{"project":"my-app","__index":"a","__gc":1}', "422 parameter_unknown" },
    }
    for _, case in ipairs(cases) do
      assert.equal(case[1] .. ": " .. case[3], case[1] .. ": " .. verdict(say(case[2])))
    end
    still_serves()
  end)

  it("tells of a hundred faults, however many there are", function()
    start()
    local many = {}
    for index = 1, 100000 do
      many[index] = ('"k%06d":1'):format(index)
    end
    local list = table.concat(many, ",")
    local cases = {
      { "{" .. list .. "}", "422 parameter_missing" },
      { '{"project":"my-app",' .. list .. "}", "422 parameter_unknown" },
      { '{"project":"my-app","env":{' .. list .. "}}", "422 invalid_type" },
      { '{"project":"my-app","regions":[' .. ("{},"):rep(99999) .. "{}]}", "422 invalid_type" },
    }
    for _, case in ipairs(cases) do
      local text = say(post(case[1]))
      assert.equal(case[2], verdict(text))
      assert.equal(100, #json.decode(read(text).body).error.errors)
    end
    still_serves()
  end)

  it("answers lines and fields that it does not know with the contract's error", function()
    start()
    local cases = {
      { "GET /", "404 resource_missing" },
      { "GET /v2", "404 resource_missing" },
      { "GET /v2/", "404 resource_missing" },
      { "GET /v3/projects", "404 resource_missing" },
      { "GET /v2/projects/", "404 resource_missing" },
      { "GET //v2/projects", "404 resource_missing" },
      { "GET /v2/../v2/projects", "404 resource_missing" },
      { "GET /v2/%2e%2e/projects", "404 resource_missing" },
      { "GET /v2/projects/%00", "404 resource_missing" },
      { "GET /v2/projects/%ff", "404 resource_missing" },
      { "GET /v2/projects/%", "404 resource_missing" },
      { "GET /v2/projects/" .. ("a"):rep(7000), "404 resource_missing" },
      { "GET /v2/projects/" .. ("a/"):rep(3000), "404 resource_missing" },
      { "OPTIONS *", "404 resource_missing" },
      { "GET https://elsewhere.example/v2/nothing", "404 resource_missing" },
      { "CONNECT example.com:443", "404 resource_missing" },
      { "TRACE /v2/projects", "405 method_not_allowed" },
      { "FROB /v2/projects", "405 method_not_allowed" },
      { "get /v2/projects", "405 method_not_allowed" },
      { ("X"):rep(5000) .. " /v2/projects", "400 parameter_invalid" },
      { "PUT /v2/projects", "405 method_not_allowed" },
      { "DELETE /v2/projects", "405 method_not_allowed" },
      { "GET /v2/projects?limit=0", "400 parameter_invalid" },
      { "GET /v2/projects?limit=1e3", "400 parameter_invalid" },
      { "GET /v2/projects?limit=99999999999999999999999", "400 parameter_invalid" },
      { "GET /v2/projects?limit=1&limit=2", "400 parameter_invalid" },
      { "GET /v2/projects?limit", "400 parameter_invalid" },
      { "GET /v2/projects?=1", "400 parameter_invalid" },
      { "GET /v2/projects?search=%", "400 parameter_invalid" },
      { "GET /v2/projects?search=%ff", "400 parameter_invalid" },
      { "GET /v2/projects?frob=1", "400 parameter_unknown" },
      { "GET /v2/projects?__index=1", "400 parameter_unknown" },
      { "GET /v2/projects?" .. ("a%5B%5D=1&"):rep(700), "400 parameter_invalid" },
      { "GET /v2/projects?cursor=x", "400 cursor_invalid" },
      { "GET /v2/projects?cursor=" .. ("A"):rep(513), "400 cursor_invalid" },
      { "GET /v2/projects?cursor=%00%01", "400 parameter_invalid" },
      { "GET /v2/projects?search=%00", "400 parameter_invalid" },
      { "GET /v2/projects?search=%f0%9f%98%80%25", "200" },
      { "GET https://elsewhere.example/v2/projects", "200" },
      { "GET HTTPS://elsewhere.example/v2/projects", "200" },
    }
    for _, case in ipairs(cases) do
      local line = case[1]:sub(1, 60)
      assert.equal(line .. ": " .. case[2], line .. ": " .. verdict(say(request(case[1]))))
    end
    local fields = {
      { "Idempotency-Key: " .. ("k"):rep(256), "400 parameter_invalid" },
      { "Idempotency-Key: a b", "400 parameter_invalid" },
      { "Idempotency-Key: \228", "400 parameter_invalid" },
      { 'Idempotency-Key: ""', "400 parameter_invalid" },
      { "Idempotency-Key: a\r\nIdempotency-Key: b", "400 parameter_invalid" },
    }
    for _, case in ipairs(fields) do
      local more = "Content-Type: application/json" .. CRLF .. case[1] .. CRLF
      assert.equal(case[1] .. ": " .. case[2], case[1] .. ": " .. verdict(say(request("POST /v2/deployments", more, "{}"))))
    end
    still_serves()
  end)

  it("answers keys that are none with 401, however they are written", function()
    start()
    for _, value in ipairs { "Bearer", "Bearer  ", "Basic Og==", "Bearer a b", "Bearer \255\254", "Bearer " .. ("g"):rep(20000), "gsk_test_" } do
      local text = say(("GET /v2/projects HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: %s\r\n\r\n"):format(value))
      assert.equal("401 api_key_invalid", verdict(text))
    end
    local twice = "GET /v2/projects HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer %s\r\nAuthorization: Bearer %s\r\n\r\n"
    assert.equal("401 api_key_invalid", verdict(say(twice:format(running.api_key, running.api_key))))
    still_serves()
  end)

  it("answers nonsense at the control plane with a status and a sentence", function()
    start()
    local cases = {
      { "clock", '{"advance_ms":1e300}' },
      { "clock", '{"advance_ms":-1}' },
      { "clock", '{"advance_ms":"1"}' },
      { "clock", "{}" },
      { "clock", ("["):rep(100000) },
      { "clock", "\255" },
      { "clock", "7" },
      { "faults", '{"status":"x"}' },
      { "faults", '{"frob":1}' },
      { "faults", '{"match":[]}' , 204 },
      { "faults", '{"headers":{"a\\r\\nb":"c"}}' },
      { "faults", '{"times":-1}' },
      { "dns", "[1]" },
      { "dns", '{"a":7}' },
      { "domains/taken", '{"names":7}' },
      { "state", "{}" },
      { "state", '{"format":"gitdev emulator state","version":1,"rows":[{}]}' },
    }
    for _, case in ipairs(cases) do
      local answer = read(say(request("POST /_emulator/" .. case[1], nil, case[2])))
      assert.equal(case[1] .. case[2]:sub(1, 40) .. (case[3] or 400), case[1] .. case[2]:sub(1, 40) .. answer.status)
      if not case[3] then
        assert.is_string(json.decode(answer.body).error.message)
      end
    end
    assert.equal(204, read(say(request "DELETE /_emulator/faults")).status)
    still_serves()
  end)
end)

-- Compressed answers (contract 1.1): who gets them, and that they hold what the plain ones hold.
local compression = require "gitdev.emulator.request.compression"
local json = require "gitdev.json"
local loop = require "gitdev.loop"
local net = require "gitdev.net"
local process = require "spec.lua.support.process"
local server = require "gitdev.emulator.server"

local PATIENCE = 60 -- only a bug makes anyone wait that long

local function gunzip(bytes)
  local status, text, err = process.run("gzip -dc", bytes)
  assert(status == 0, err)
  return text
end

describe("net.gzip", function()
  it("makes what gzip reads", function()
    for _, text in ipairs { "", "a", ("abc"):rep(10000), "\0\255\n" } do
      assert.equal(text, gunzip(net.gzip(text)))
    end
  end)

  it("makes repetitive text much smaller", function()
    assert.is_true(#net.gzip(("abc"):rep(10000)) < 500)
  end)

  it("takes a text", function()
    assert.has_error(function()
      net.gzip()
    end)
  end)
end)

describe("an Accept-Encoding", function()
  local cases = {
    { nil, false },
    { "", false },
    { "gzip", true },
    { "GZip", true },
    { "x-gzip", true },
    { "deflate, gzip, br, zstd", true },
    { "gzip;q=1", true },
    { "gzip;q=1.000", true },
    { "gzip;q=0.001", true },
    { "gzip ; q=0.5", true },
    { "\tgzip ;\tQ=0.5 ", true },
    { "gzip;q=0", false },
    { "gzip;q=0.000", false },
    { "gzip;q=0.", false },
    { "gzip; q=0, *", false },
    { "*", true },
    { "*;q=0.1", true },
    { "*;q=0", false },
    { "deflate, *;q=0", false },
    { "*;q=0, gzip", true },
    { "identity", false },
    { "deflate", false },
    { "identity;q=1, gzip;q=0.5", false },
    { "identity;q=0.5, gzip;q=0.5", true },
    { "identity;q=0, gzip;q=0.2", true },
    { "gzip;q=1.1", false },
    { "gzip;q=2", false },
    { "gzip;q=01", false },
    { "gzip;q=0.0001", false },
    { "gzip;q=-1", false },
    { "gzip;q=", false },
    { "gzip;level=9", false },
    { "gzipped", false },
    { ";q=1", false },
    { ",,gzip,,", true },
    { ("a,"):rep(10000) .. "gzip", true },
  }
  for _, case in ipairs(cases) do
    it(("of %s %s gzip"):format(case[1] and ("%q"):format(case[1]:sub(1, 40)) or "nobody", case[2] and "takes" or "does not take"), function()
      assert.equal(case[2], compression.is_wanted(case[1]))
    end)
  end
end)

describe("the emulator's server", function()
  local running

  before_each(function()
    running = assert(server.start { seed = 1 })
  end)

  after_each(function()
    running:stop()
  end)

  local function slurp(path)
    local file = assert(io.open(path, "rb"))
    local text = file:read "*a"
    file:close()
    os.remove(path)
    return text
  end

  -- Says `bytes` over TLS by a program beside the loop, which serves meanwhile. Returns what came until the connection was closed.
  local function say(bytes)
    local sent, out, over = process.file(bytes), os.tmpname(), os.tmpname()
    os.remove(over)
    os.execute(("( openssl s_client -quiet -connect 127.0.0.1:%d -CAfile %s -verify_return_error <%s >%s 2>/dev/null; : >%s ) &"):format(
      running.port, running.ca_file, sent, out, over))
    local deadline = loop.now() + PATIENCE
    local file
    repeat
      loop.sleep(0.002)
      file = io.open(over)
    until file or loop.now() > deadline
    assert(file, "nobody closed the connection"):close()
    os.remove(sent)
    os.remove(over)
    return slurp(out)
  end

  -- Sends a request that takes what `accept` names (nil: says nothing). Returns status, headers by lower-case name, and the body as it came.
  local function ask(method, path, accept, body)
    local text = body and json.encode(body) or ""
    local lines = {
      method .. " " .. path .. " HTTP/1.1", "Host: localhost", "Authorization: Bearer " .. running.api_key, "Connection: close",
      "Content-Type: application/json", "Content-Length: " .. #text, accept and "Accept-Encoding: " .. accept,
    }
    local answer = say(table.concat(lines, "\r\n") .. "\r\n\r\n" .. text)
    local status, fields, rest = answer:match "^HTTP/1%.1 (%d+) [^\r]*\r\n(.-\r\n)\r\n(.*)$"
    local headers = {}
    for name, value in (fields or ""):gmatch "([^:\r\n]+): ([^\r\n]*)\r\n" do
      headers[name:lower()] = value
    end
    return tonumber(status), headers, rest or answer
  end

  local function fill(count)
    local items = {}
    for index = 1, count do
      items["key" .. index] = "value " .. index
    end
    local status, _, text = ask("POST", "/v2/edge_configs", nil, { name = "many", items = items })
    assert.equal(201, status, text)
    return "/v2/edge_configs/" .. json.decode(text).id .. "/items?limit=100"
  end

  it("compresses a long answer for who takes it, and tells caches of the difference", function()
    local path = fill(50)
    local _, plain, text = ask("GET", path)
    assert.same({ n = 2, nil, "Accept-Encoding" }, { n = 2, plain["content-encoding"], plain.vary })
    local status, squeezed, bytes = ask("GET", path, "gzip, deflate")
    assert.same({ 200, "gzip", "Accept-Encoding" }, { status, squeezed["content-encoding"], squeezed.vary })
    assert.equal("application/json; charset=utf-8", squeezed["content-type"])
    assert.equal(#bytes, tonumber(squeezed["content-length"]))
    assert.is_true(#bytes < #text / 3)
    assert.equal(text, gunzip(bytes))
    for _, accept in ipairs { "gzip;q=0", "br", "identity" } do
      local _, headers, same = ask("GET", path, accept)
      assert.is_nil(headers["content-encoding"])
      assert.equal(text, same)
    end
  end)

  it("tells with HEAD what GET would have", function()
    local path = fill(50)
    for _, accept in ipairs { "gzip", "identity" } do
      local _, get = ask("GET", path, accept)
      local status, head, nothing = ask("HEAD", path, accept)
      assert.same({ 200, "" }, { status, nothing })
      for _, name in ipairs { "content-length", "content-encoding", "vary", "content-type" } do
        assert.equal(get[name], head[name], accept .. " " .. name)
      end
    end
  end)

  it("leaves short answers, and those without a body, as they are", function()
    local path = fill(2)
    local _, headers, text = ask("GET", path, "gzip")
    assert.same({}, { headers["content-encoding"], headers.vary })
    assert.equal("list", json.decode(text).object)
    local status, deleted, nothing = ask("DELETE", path:gsub("/items.*$", ""), "gzip")
    assert.same({ 204, "" }, { status, nothing })
    assert.is_nil(deleted["content-encoding"])
  end)

  it("compresses long errors, too", function()
    local fields = {}
    for index = 1, 60 do
      fields["unknown" .. index] = index
    end
    local status, headers, bytes = ask("POST", "/v2/projects", "gzip", fields)
    assert.same({ 422, "gzip" }, { status, headers["content-encoding"] })
    assert.equal("invalid_request_error", json.decode(gunzip(bytes)).error.type)
  end)

  it("leaves what a fault cuts off as it is", function()
    local path = fill(50)
    running.emulator:fault { truncate = 20, times = 1 }
    local status, headers, text = ask("GET", path, "gzip")
    assert.equal(200, status)
    assert.is_nil(headers["content-encoding"])
    assert.equal('{"object":"list","da', text)
  end)

  it("does not compress bytes that something else names", function()
    local body = ("x"):rep(5000)
    for _, name in ipairs { "ETag", "Content-Range", "Accept-Ranges", "Content-Disposition", "Content-Encoding" } do
      local response = { status = 200, headers = { "Content-Type", "application/json", name, "x" }, body = body }
      compression.apply(response, "gzip")
      assert.same({ body, 4 }, { response.body, #response.headers }, name)
    end
    local response = { status = 200, headers = { "Content-Type", "application/zip" }, body = body }
    compression.apply(response, "gzip")
    assert.same({ body, 2 }, { response.body, #response.headers })
  end)
end)

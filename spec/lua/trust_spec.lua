-- Whom connections trust: a file of authorities that is read once, and what gitdev.warm does of it before it is needed.
local net = require "gitdev.net"
local origin = require "spec.lua.support.origin"
local process = require "spec.lua.support.process"

local SYSTEM = "/etc/ssl/certs/ca-certificates.crt"

local function slurp(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "*a"
  file:close()
  return text
end

local function write(path, text)
  local file = assert(io.open(path, "wb"))
  assert(file:write(text))
  file:close()
end

local function authority()
  return net.certificate({ "localhost" }):authority_pem()
end

describe("a connection", function()
  local server, files

  local function start()
    server = origin.start(function()
      return origin.json(200, "{}")
    end)
    return server
  end

  local function file(text)
    local path = process.file(text)
    files[#files + 1] = path
    return path
  end

  -- What a call ends with whose client trusts a file: "200", or the error's code and message.
  local function outcome(ca_file)
    local status, answer = server:call("GET", "/x", { client_options = { ca_file = ca_file, max_retries = 0 } })
    return status and tostring(status) or answer.code .. ": " .. answer.message
  end

  before_each(function()
    files = {}
  end)

  after_each(function()
    if server then server:stop() end
    server = nil
    for _, path in ipairs(files) do
      os.remove(path)
    end
  end)

  it("trusts the one that it needs, wherever it is in the file", function()
    local own = slurp(start().ca_file)
    local others = {}
    for i = 1, 20 do
      others[i] = authority()
    end
    local all = table.concat(others)
    for _, text in ipairs { own, own .. all, all .. own, own .. own, "some words\n" .. all .. "and more\n" .. own } do
      assert.equal("200", outcome(file(text)))
    end
    assert.matches("^certificate_not_trusted: ", outcome(file(all)))
  end)

  it("trusts one beside those of the system", function()
    assert.equal("200", outcome(file(slurp(SYSTEM) .. slurp(start().ca_file))))
    assert.matches("^certificate_not_trusted: ", outcome(SYSTEM))
  end)

  it("is never another client's, who trusts others", function()
    start()
    local wrong = file(authority())
    for _ = 1, 2 do
      assert.equal("200", outcome(server.ca_file))
      assert.matches("^certificate_not_trusted: ", outcome(wrong))
    end
    assert.equal(2, #server.requests)
  end)

  it("sees that the file is another one", function()
    local path = file(slurp(start().ca_file))
    assert.equal("200", outcome(path))
    server:stop()
    start()
    assert.matches("^certificate_not_trusted: ", outcome(path))
    write(path, slurp(server.ca_file))
    assert.equal("200", outcome(path))
  end)

  it("goes on with what was read when the file is gone", function()
    local path = file(slurp(start().ca_file))
    local client = server:client { ca_file = path }
    assert.equal(200, (server:call("GET", "/x", { client = client })))
    os.remove(path)
    assert.equal(200, (server:call("GET", "/x", { client = client })))
  end)

  it("is not made where there is nothing to trust", function()
    start()
    local good = slurp(server.ca_file)
    local cases = {
      "", "no certificate\n", (good:gsub("\n%-%-%-%-%-END.*", "\n")),
      (good:gsub("(%-%-\n)[^\n]*\n", "%1AAAA\n", 1)), good .. "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n",
    }
    for i, text in ipairs(cases) do
      assert.not_equal("200", outcome(file(text)), i)
    end
    assert.equal(0, #server.requests)
  end)

  it("keeps to what OpenSSL's own settings say in the file", function()
    local path = file(slurp(start().ca_file))
    local rejected = file ""
    assert.equal(0, (process.run(("openssl x509 -in %s -trustout -addreject serverAuth -out %s"):format(path, rejected))))
    assert.matches("^certificate_not_trusted: ", outcome(rejected))
  end)
end)

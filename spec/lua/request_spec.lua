-- git:request: requests by their path, and bodies that are streamed, against an origin over real TLS.
local core = require "gitdev.core"
local gitdev = require "gitdev"
local origin = require "spec.lua.support.origin"
local test = require "gitdev.test"
local pcall = gitdev.pcall -- tasks wait in it

local function exists(path)
  local file = io.open(path, "rb")
  local text = file and file:read "*a"
  if file then
    file:close()
  end
  return text
end

local function numbered_lines(count)
  local lines = {}
  for i = 1, count do
    lines[i] = string.format("%07d\n", i)
  end
  return table.concat(lines)
end

local BODY = numbered_lines(125000) -- 1 MB: several windows

-- Serves `body` with Range; `cut(n)` says after how many bytes the n-th answer breaks off, nil for not at all.
local function file_server(body, cut, etag)
  return function(request, n)
    local from = tonumber((request.headers.range or ""):match "^bytes=(%d+)%-$")
    local fresh = not from or request.headers["if-range"] and etag and request.headers["if-range"] ~= etag
    if from and from >= #body then
      return origin.json(416, '{"error":{"type":"invalid_request_error","code":"range_not_satisfiable","message":"Nothing is left."}}')
    end
    from = fresh and 0 or from
    local rest, status = body:sub(from + 1), fresh and 200 or 206
    local fields = { "Content-Type", "application/octet-stream" }
    if etag then
      fields[3], fields[4] = "ETag", etag
    end
    if status == 206 then
      fields[#fields + 1] = "Content-Range"
      fields[#fields + 1] = string.format("bytes %d-%d/%d", from, #body - 1, #body)
    end
    local bytes = cut and cut(n)
    if not bytes then
      return { status = status, fields = fields, body = rest }
    end
    local lines = { string.format("HTTP/1.1 %d \r\nContent-Length: %d\r\n", status, #rest) }
    for i = 1, #fields, 2 do
      lines[#lines + 1] = fields[i] .. ": " .. fields[i + 1] .. "\r\n"
    end
    return { raw = table.concat(lines) .. "\r\n" .. rest:sub(1, bytes) }
  end
end

describe("a request", function()
  local server, path

  local function start(handler)
    server = origin.start(handler)
    return gitdev.client { api_key = origin.API_KEY, base_url = server.url, ca_file = server.ca_file }
  end

  local function ranges()
    local list = {}
    for i, request in ipairs(server.requests) do
      list[i] = request.headers.range or "-"
    end
    return list
  end

  before_each(function()
    path = os.tmpname()
    os.remove(path)
  end)

  after_each(function()
    os.remove(path)
    os.remove(path .. ".part")
    if server then
      server:stop()
      server = nil
    end
  end)

  it("goes to a path, with a body as JSON, and brings the decoded answer", function()
    local git = start(function(request)
      return origin.json(200, '{"method":"' .. request.method .. '","length":' .. #request.body .. ',"none":null}')
    end)
    assert.same({ method = "POST", length = 7 }, git:request("POST", "/new_things?x=1", { body = { a = 1 } }))
    assert.equal("/v2/new_things?x=1", server.requests[1].target)
    assert.equal('{"a":1}', server.requests[1].body)
    assert.equal("application/json", server.requests[1].headers["content-type"])
    assert.truthy(server.requests[1].headers["idempotency-key"])
    assert.same({ method = "GET", length = 0 }, git:request("GET", "/new_things"))
    git:request("PUT", "/x", { body = "a,b\n", content_type = "text/csv", headers = { ["X-Mine"] = "1" } })
    assert.equal("text/csv", server.requests[3].headers["content-type"])
    assert.equal("1", server.requests[3].headers["x-mine"])
  end)

  it("brings nothing of an answer to HEAD, whatever it says of the body that there would be", function()
    local git = start(function()
      return { raw = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n" }
    end)
    assert.equal("", git:request("HEAD", "/x"))
  end)

  it("raises typed errors, and returns them in the safe style", function()
    local git = start(function()
      return origin.json(404, '{"error":{"type":"invalid_request_error","code":"resource_missing","message":"No."}}')
    end)
    local ok, err = pcall(git.request, git, "GET", "/nothing")
    assert.is_false(ok)
    assert.equal("resource_missing", err.code)
    local safe = require("gitdev.safe").client { api_key = origin.API_KEY, base_url = server.url, ca_file = server.ca_file }
    local value, returned = safe:request("GET", "/nothing", { to = path })
    assert.is_nil(value)
    assert.equal(404, returned.status)
    assert.is_nil(exists(path))
    assert.is_nil(exists(path .. ".part"))
  end)

  it("refuses what makes no sense before anything is sent", function()
    local git = start(function() end)
    for _, case in ipairs {
      { "POST", "/x", { to = "file" } },
      { "GET", "/x", { resume = true } },
      { "GET", "/x", { resume = true, to = path } }, -- without sha256 nobody knows whether it fits
      { "GET", "/x", { body = {} } },
      { "GET", "/x", { idempotency_key = "k" } },
      { "get", "/x" },
      { "PUT", "/x", { from = "." } },
      { "GET", "/x", { to = "/nonexistent/file" } },
      { "GET", "/x", { sha256 = "abc" } },
      { "PUT", "/x", { body = {}, from = path } },
      { "PUT", "/x", { from = path } }, -- it is not there
      { "PUT", "/x", { from = 12 } },
      { "PUT", "/x", { size = 12, body = "x" } },
      { "PUT", "/x", { bdy = "x" } },
      { "PUT", "/x", { body = { function() end } } },
      { "GET", "x" },
      { "GET", "/a/../b" },
      { "GET", 1 },
      { "GET", "/x", { to = path, headers = { Range = "bytes=1-" } } },
    } do
      local ok, err = pcall(git.request, git, case[1], case[2], case[3])
      assert.is_false(ok)
      assert.is_true(gitdev.is_error(err), tostring(err))
      assert.is_nil(exists(path .. ".part"))
    end
    assert.equal(0, #server.requests)
  end)

  it("downloads to a file beside its name, renames it, and tells how far it is", function()
    local git = start(file_server(BODY, nil, '"v1"'))
    local told = {}
    local got = git:request("GET", "/file", {
      to = path,
      sha256 = core.sha256(BODY):upper(),
      on_progress = function(done, total)
        assert.is_nil(exists(path))
        assert.equal(#BODY, total)
        told[#told + 1] = done
      end,
    })
    local about = { content_type = "application/octet-stream", etag = got.etag }
    about.status, about.size, about.sha256, about.path = 200, #BODY, core.sha256(BODY), path
    assert.same(about, got)
    assert.is_true(exists(path) == BODY)
    assert.is_nil(exists(path .. ".part"))
    assert.equal(#BODY, told[#told])
    assert.is_true(#told > 1)
  end)

  it("takes a download up where it was cut off", function()
    local git = start(file_server(BODY, function(n)
      return n < 4 and 100000 or nil
    end, '"v1"'))
    local got = git:request("GET", "/file", { to = path, sha256 = core.sha256(BODY) })
    assert.equal(#BODY, got.size)
    assert.is_true(exists(path) == BODY)
    assert.same({ "-", "bytes=100000-", "bytes=200000-", "bytes=300000-" }, ranges())
    assert.equal('"v1"', server.requests[2].headers["if-range"])
  end)

  it("goes on with what an earlier download has left", function()
    local git = start(file_server(BODY, nil, '"' .. core.sha256(BODY) .. '"'))
    local function leave(text)
      local file = assert(io.open(path .. ".part", "wb"))
      file:write(text)
      file:close()
    end
    leave(BODY:sub(1, 5000))
    local options = { to = path, resume = true, sha256 = core.sha256(BODY) }
    git:request("GET", "/file", options)
    assert.is_true(exists(path) == BODY)
    leave(BODY) -- it was whole already
    git:request("GET", "/file", options)
    assert.is_true(exists(path) == BODY)
    assert.same({ "bytes=5000-", "bytes=" .. #BODY .. "-" }, ranges())
    leave("something else altogether, of another version")
    local ok, err = pcall(git.request, git, "GET", "/file", options)
    assert.is_false(ok)
    assert.equal("checksum_mismatch", err.code)
    assert.is_nil(exists(path .. ".part"))
  end)

  it("keeps what came for the next time only if it is asked to", function()
    local git = start(file_server(BODY, function()
      return 100000
    end))
    for _, resume in ipairs { true, false } do
      local options = { to = path, resume = resume, sha256 = core.sha256(BODY), max_retries = 0 }
      local ok, err = pcall(git.request, git, "GET", "/file", options)
      assert.is_false(ok)
      assert.equal("connection_error", err.type)
      assert.equal(resume and 100000 or nil, #(exists(path .. ".part") or "") > 0 and #exists(path .. ".part") or nil)
      os.remove(path .. ".part")
    end
  end)

  it("leaves nothing behind when the bytes are not those that were due", function()
    local git = start(file_server(BODY))
    local ok, err = pcall(git.request, git, "GET", "/file", { to = path, sha256 = ("0"):rep(64) })
    assert.is_false(ok)
    assert.equal("checksum_mismatch", err.code)
    assert.is_nil(exists(path))
    assert.is_nil(exists(path .. ".part"))
    local got = git:request("GET", "/file", { sha256 = core.sha256(BODY) }) -- without `to`, it is the text
    assert.is_true(got.body == BODY)
  end)

  it("gives the body to a function, which holds the sender back", function()
    local git = start(file_server(BODY, nil, '"v1"'))
    local parts, most = {}, 0
    gitdev.run(function()
      git:request("GET", "/file", {
        to = function(bytes)
          most = math.max(most, #bytes)
          parts[#parts + 1] = bytes
          gitdev.sleep(0.001)
        end,
      })
    end)
    assert.is_true(table.concat(parts) == BODY)
    assert.is_true(most < 512 * 1024, most) -- the window, and what was on its way when it was full
  end)

  -- Until an answer has told what the rate limit leaves, eight calls are under way at most.
  it("begins a body anew that has changed meanwhile, but for a function, which cannot give back what it has", function()
    local function changing(_, n)
      return file_server(BODY, n % 2 == 1 and function() return 100000 end, ('"v%d"'):format(n))(_, n)
    end
    local git = start(changing)
    assert.equal(#BODY, git:request("GET", "/file", { to = path }).size)
    assert.is_true(exists(path) == BODY)
    local ok, err = pcall(git.request, git, "GET", "/file", { to = function() end })
    assert.same({ false, "connection_error", "body_restarted", "to" }, { ok, err.type, err.code, err.param })
  end)

  it("holds nobody up who waits for what the heads of the first answers tell", function()
    local serve = file_server(BODY)
    local git = start(function(request, n)
      local answer = request.target:find "/plain$" and origin.json(200, "{}") or serve(request, n)
      answer.fields = answer.fields or {}
      answer.fields[#answer.fields + 1], answer.fields[#answer.fields + 2] = "X-RateLimit-Remaining", "50"
      return answer
    end)
    local held, jobs = true, {}
    for i = 1, 8 do
      jobs[i] = function()
        git:request("GET", "/file", {
          to = function()
            while held do
              gitdev.sleep(0.005)
            end
          end,
        })
      end
    end
    jobs[9] = function()
      git:request("GET", "/plain", { timeout = 20 })
      held = false
    end
    gitdev.run(function()
      gitdev.all(jobs)
    end)
    assert.equal(9, #server.requests)
  end)

  it("ends at once when the function raises, with its error", function()
    local git = start(file_server(BODY))
    local ok, err = pcall(git.request, git, "GET", "/file", {
      to = function()
        error("the disk is full", 0)
      end,
    })
    assert.is_false(ok)
    assert.equal("the disk is full", err)
    local value = git:request("GET", "/file", { to = path }) -- and the client goes on
    assert.equal(#BODY, value.size)
  end)

  local function echo(request)
    return origin.json(200, string.format('{"length":%d,"sha256":"%s"}', #request.body, core.sha256(request.body)))
  end

  it("sends a file as it is read, and tells how far it is", function()
    local git = start(echo)
    local file = assert(io.open(path, "wb"))
    file:write(BODY)
    file:close()
    local told = {}
    local got = git:request("PUT", "/file", {
      from = path,
      on_progress = function(done, total)
        assert.equal(#BODY, total)
        told[#told + 1] = done
      end,
    })
    assert.same({ length = #BODY, sha256 = core.sha256(BODY) }, got)
    assert.equal(#BODY, told[#told])
    assert.is_true(#told > 1)
    assert.equal("application/octet-stream", server.requests[1].headers["content-type"])
    assert.equal(tostring(#BODY), server.requests[1].headers["content-length"])
  end)

  it("sends what a function gives, of a known length or not", function()
    local git = start(echo)
    for _, size in ipairs { false, #BODY } do
      local at = 1
      local got = git:request("PUT", "/file", {
        size = size or nil,
        from = function()
          local piece = BODY:sub(at, at + 9999)
          at = at + #piece
          return piece ~= "" and piece or nil
        end,
      })
      assert.same({ length = #BODY, sha256 = core.sha256(BODY) }, got)
    end
  end)

  it("sends a file again for another try, but not what a function gave", function()
    local git = start(function(request, n)
      return n == 1 and origin.json(503, "") or echo(request)
    end)
    local file = assert(io.open(path, "wb"))
    file:write(BODY)
    file:close()
    assert.equal(#BODY, git:request("PUT", "/file", { from = path }).length)
    assert.equal(2, #server.requests)
    assert.equal(server.requests[1].headers["idempotency-key"], server.requests[2].headers["idempotency-key"])
    server.requests = {}
    local given = false
    local ok, err = pcall(git.request, git, "PUT", "/file", {
      from = function()
        given = not given
        return given and "x" or nil
      end,
    })
    assert.is_false(ok)
    assert.equal(503, err.status)
    assert.equal("the body cannot be streamed again", err.attempts[1].reason)
    assert.equal(1, #server.requests)
  end)

  it("says so when a function gives less or more than it announced, or no text", function()
    local git = start(echo)
    local ok, err = pcall(git.request, git, "PUT", "/file", {
      size = 10,
      from = function() end,
    })
    assert.is_false(ok)
    assert.equal("parameter_invalid", err.code)
    assert.matches("was to give 10 bytes in all, and gave 0", err.message)
    ok, err = pcall(git.request, git, "PUT", "/file", {
      size = 10,
      from = function()
        return "0123456"
      end,
    })
    assert.is_false(ok)
    assert.matches("was to give 10 bytes in all, and gave 14", err.message)
    ok, err = pcall(git.request, git, "PUT", "/file", {
      from = function()
        return 7
      end,
    })
    assert.is_false(ok)
    assert.matches("must return strings", tostring(err))
    assert.equal(0, #server.requests) -- nothing arrived whole
  end)

  it("is not over before all has been dealt with, however slowly", function()
    local git = start(file_server(BODY))
    local got = gitdev.run(function()
      return git:request("GET", "/file", {
        to = path,
        on_progress = function()
          gitdev.sleep(0.02)
        end,
      })
    end)
    assert.equal(#BODY, got.size)
    assert.is_true(exists(path) == BODY)
  end)

  it("gives up by the number of retries when a server cannot go on where it was", function()
    local git = start(file_server(BODY, function()
      return 1000
    end)) -- no ETag: each try begins anew
    local ok = pcall(git.request, git, "GET", "/file", { to = path, timeout = 20 })
    assert.is_false(ok)
    assert.equal(3, #server.requests)
  end)

  it("of two downloads to one name leaves one of them, whole", function()
    local git = start(file_server(BODY, nil, '"v1"'))
    local function download()
      return git:request("GET", "/file", { to = path }).size
    end
    assert.same({ #BODY, #BODY }, gitdev.all { download, download })
    assert.is_true(exists(path) == BODY)
  end)

  it("works in a virtual world as well", function()
    test.run(function(world)
      world.emulator:fault { match = { path_prefix = "/v2/blob" }, times = 10, status = 200, body = BODY, content_type = "text/plain" }
      local git = gitdev.client()
      local got = git:request("GET", "/blob", { to = path, sha256 = core.sha256(BODY) })
      assert.equal(#BODY, got.size)
      assert.is_true(exists(path) == BODY)
      local text = git:request("PUT", "/blob", { from = path })
      assert.is_true(text == BODY)
    end)
  end)
end)

describe("closing a client", function()
  it("is heard at once in a virtual world", function()
    test.run(function(world)
      local git = gitdev.client()
      gitdev.spawn(gitdev.sleep, 3600)
      local waiting = gitdev.spawn(function()
        local ok, err = pcall(git.projects.get, git.projects, "my-app")
        return ok, err.code, world:elapsed()
      end)
      gitdev.sleep(0.3)
      git:close()
      assert.same({ false, "client_closed", 0.3 }, { waiting:wait() })
    end, { latency = 1 })
  end)

  it("ends its calls under way, each with a typed error, and no others", function()
    local server = origin.start(function()
      return "hold"
    end)
    local options = { api_key = origin.API_KEY, base_url = server.url, ca_file = server.ca_file, timeout = 60 }
    local closed, other = gitdev.client(options), gitdev.client(options)
    local codes = gitdev.run(function()
      local tasks, found = {}, {}
      for i = 1, 20 do
        tasks[i] = gitdev.spawn(function()
          local ok, err = pcall(function()
            return closed.projects:get "my-app"
          end)
          return not ok and err.code
        end)
      end
      local kept = gitdev.spawn(function()
        return pcall(gitdev.timeout, 0.05, function()
          return other.projects:get "my-app"
        end)
      end)
      gitdev.sleep(0.02) -- some are with the server, some connect, some stand in line
      closed:close()
      for i, task in ipairs(tasks) do
        found[i] = task:wait()
      end
      local ok, err = kept:wait()
      assert.is_false(ok)
      found[#found + 1] = err.code
      return found
    end)
    for i = 1, 20 do
      assert.equal("client_closed", codes[i])
    end
    assert.equal("timeout", codes[21])
    assert.has_error(function()
      closed.projects:get "my-app"
    end)
    server:stop()
  end)
end)

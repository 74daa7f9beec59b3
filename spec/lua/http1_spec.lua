-- core.http1, the reader of HTTP messages as drivers written in Lua have it. What the reader takes and refuses is told by its unit test in C.
local core = require "gitdev.core"

describe("core.http1", function()
  -- All events of what is fed, as one text; a piece of a body after a colon.
  local function events(reader)
    local told = {}
    while true do
      local event, what, status = reader:pull()
      if event == "need" then
        return table.concat(told, " ")
      elseif event == "head" then
        told[#told + 1] = "head " .. (what.status and ("%d"):format(what.status) or what.method .. " " .. what.target)
      elseif event == "data" then
        told[#told + 1] = "data:" .. what
      elseif event == "error" then
        told[#told + 1] = ("error %d %s"):format(status, what)
        return table.concat(told, " ")
      else
        told[#told + 1] = event
      end
    end
  end

  local function read(text, eof)
    local reader = core.http1 "response"
    assert.is_true(reader:feed(text))
    if eof then
      reader:eof()
    end
    return events(reader)
  end

  for name, case in pairs {
    ["a length"] = { "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "head 200 data:hi end" },
    chunks = { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", "head 200 data:hi end" },
    ["an answer that comes later"] = { "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No\r\n\r\n", "head 100 end head 204 end" },
    ["half of it"] = { "HTTP/1.1 200 OK\r\nContent-Le", "" },
    ["a body up to the end"] = { "HTTP/1.1 200 OK\r\n\r\nhi", "head 200 data:hi end", true },
  } do
    it("reads an answer with " .. name, function()
      assert.equal(case[2], read(case[1], case[3]))
    end)
  end

  it("tells what a head holds", function()
    local reader = core.http1 "response"
    reader:feed "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-One:  two \r\nConnection: close\r\n\r\n"
    local event, message = reader:pull()
    assert.equal("head", event)
    assert.same({ "content-length", "5", "x-one", "two", "connection", "close" }, message.headers)
    assert.equal(5, message.content_length)
    assert.equal(1, message.minor_version)
    assert.is_false(message.keep_alive)
    assert.is_false(message.upgrade)
  end)

  it("reads requests", function()
    local reader = core.http1("request", { head_max = 1000 })
    reader:feed "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nb"
    assert.equal("head POST /x data:b end", events(reader))
  end)

  it("expects no body where none is due, and leaves what follows an upgrade", function()
    local reader = core.http1 "response"
    reader:no_body()
    reader:feed "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
    assert.equal("head 200 end", events(reader))
    reader = core.http1 "response"
    reader:feed "HTTP/1.1 101 Switch\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nrest"
    assert.equal("head 101 end", events(reader))
    assert.equal("rest", reader:rest())
  end)

  it("says what is wrong, and goes on saying so", function()
    local reader = core.http1("response", { head_max = 64, field_max = 2, body_max = 3 })
    reader:feed "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"
    assert.truthy(events(reader):find "^error 413 ")
    assert.truthy(events(reader):find "^error 413 ")
    assert.is_false(reader:feed "more")
    assert.truthy(read("HTTP/1.1 200 OK\nX: y\n\n"):find "^error 400 ")
    assert.truthy(read("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab", true):find "error 400 ")
  end)

  it("is closed once, and refuses what it is not made for", function()
    local reader = core.http1 "response"
    reader:close()
    reader:close()
    assert.has_error(function()
      reader:pull()
    end)
    assert.has_error(function()
      core.http1 "answer"
    end)
    assert.has_error(function()
      core.http1("response", { head_max = 0 })
    end)
  end)
end)

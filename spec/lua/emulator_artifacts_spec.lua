-- Artifacts and their downloads (contract 2.9; RFC 9110 13 and 14 for ranges and conditions).
local ci = require "spec.lua.support.ci"
local core = require "gitdev.core"
local json = require "gitdev.json"
local world = require "spec.lua.support.world"

local codes = world.codes

describe("the emulator's artifacts", function()
  local w

  before_each(function()
    w = world.new { rate_limit = false }
  end)

  local function artifacts(run, query)
    local answer = w:get("/runs/" .. run.id .. "/artifacts" .. (query or ""))
    assert.equal(200, answer.status, answer.body)
    return answer.json.data
  end

  local function names(run, query)
    local list = {}
    for index, artifact in ipairs(artifacts(run, query)) do
      list[index] = artifact.name
    end
    return table.concat(list, " ")
  end

  -- Downloads; what comes is no JSON.
  local function download(artifact, headers, method)
    local all = { authorization = "Bearer " .. w.key }
    for name, value in pairs(headers or {}) do
      all[name] = value
    end
    local response = w.emulator:handle {
      method = method or "GET", target = "/v2/artifacts/" .. artifact.id .. "/download", headers = all, body = "", peer = "127.0.0.1",
    }
    local map = {}
    for index = 1, #response.headers, 2 do
      local name = response.headers[index]:lower()
      assert.is_nil(map[name], name)
      map[name] = response.headers[index + 1]
    end
    return { status = response.status, body = response.body, headers = map }
  end

  -- A run that has left files behind.
  local function left(files, run)
    local rows = {}
    for index, path in ipairs(files) do
      rows[index] = { name = "file " .. index, path = path }
    end
    return ci.ran(w, { { "build", run = run, artifacts = rows } })
  end

  it("are made when a job succeeds, and expire after 30 days", function()
    local run = left { "dist/app.tgz" }
    local artifact = artifacts(run)[1]
    assert.equal("", world.misfit(artifact, "artifact"))
    assert.truthy(artifact.id:match "^art_%w+$")
    assert.equal(run.id, artifact.run_id)
    assert.equal(ci.jobs(w, run)[1].id, artifact.job_id)
    assert.equal("file 1 application/gzip", artifact.name .. " " .. artifact.content_type)
    assert.equal(world.START, artifact.created_at)
    assert.equal(world.START + 30 * 86400, artifact.expires_at)
    local answer = download(artifact)
    assert.equal(200, answer.status)
    assert.equal(artifact.size_bytes, #answer.body)
    assert.equal(artifact.sha256, core.sha256(answer.body))
    w:wait(30 * 86400 - 3600 - 1)
    assert.equal(200, download(artifact).status)
    w:wait(1)
    answer = download(artifact)
    assert.equal(410, answer.status)
    assert.equal("artifact_expired", json.decode(answer.body).error.code)
    assert.equal("application/json; charset=utf-8", answer.headers["content-type"])
    assert.equal(1, #artifacts(run))
  end)

  it("are made by no job that does not succeed", function()
    local rows = { { name = "x", path = "x" } }
    local run = ci.ran(w, {
      { "bad", run = "exit 1", artifacts = rows }, { "after", needs = { "bad" }, artifacts = rows }, { "good", artifacts = rows },
    })
    local list = artifacts(run)
    assert.equal(1, #list)
    assert.equal(ci.job(w, run, "good").id, list[1].job_id)
  end)

  it("are the same bytes for the same job, file and commit, and others else", function()
    local pipeline = ci.pipeline(w, {
      { "a", artifacts = { { name = "x", path = "x.bin" }, { name = "y", path = "y.bin" } } },
      { "b", artifacts = { { name = "x", path = "x.bin" } } },
    })
    local seen = {}
    for number, fields in ipairs { {}, {}, { branch = "develop" } } do
      local run = ci.start(w, pipeline, fields)
      w:wait(60)
      local sums = {}
      for index, artifact in ipairs(artifacts(run, "?order=asc")) do
        sums[index] = artifact.sha256
      end
      assert.equal(3, #sums)
      assert.truthy(sums[1] ~= sums[2] and sums[2] ~= sums[3] and sums[1] ~= sums[3])
      seen[number] = table.concat(sums, " ")
    end
    assert.equal(seen[1], seen[2])
    assert.are_not.equal(seen[2], seen[3])
  end)

  describe("have the type of their path, and bytes to match:", function()
    local cases = {
      { "out/app.tar.gz", "application/gzip" },
      { "app.ZIP", "application/zip" },
      { "report.json", "application/json" },
      { "report.xml", "application/xml" },
      { "test.log", "text/plain; charset=utf-8" },
      { "index.html", "text/html; charset=utf-8" },
      { "bundle.js", "text/javascript; charset=utf-8" },
      { "bin/app", "application/octet-stream" },
      { "core.so.1", "application/octet-stream" },
    }
    for _, case in ipairs(cases) do
      it(case[1], function()
        local artifact = artifacts(left { case[1] })[1]
        local answer = download(artifact)
        assert.equal(case[2], artifact.content_type)
        assert.equal(case[2], answer.headers["content-type"])
        assert.equal(4096, #answer.body)
        if case[2] == "application/json" then
          assert.equal("table", type(json.decode(answer.body)))
        elseif case[2]:find "^text/" then
          assert.is_nil(answer.body:find "[^\n\32-\126]")
        else
          assert.truthy(answer.body:find "%z" and answer.body:find "\255")
        end
      end)
    end
  end)

  describe("have the size that a step gave them:", function()
    local cases = {
      { "truncate -s 300K big.bin", 300 * 1024 },
      { "truncate -s 1m big.bin", 1024 * 1024 },
      { "truncate -s 5 big.bin", 5 },
      { "truncate -s 0 big.bin", 0 },
      { "truncate -s0 big.bin", 0 },
      { "truncate -s 99999M big.bin", 16 * 1024 * 1024 },
      { "truncate -s 5 other.bin", 4096 },
      { "truncate -s 5G big.bin", 4096 },
      { "truncate -s 5 big.bin\ntruncate -s 7 big.bin", 7 },
      { "truncate big.bin", 4096 },
    }
    for _, case in ipairs(cases) do
      it(case[1]:gsub("\n", "; "), function()
        local artifact = artifacts(left({ "big.bin" }, case[1]))[1]
        assert.equal(case[2], artifact.size_bytes)
        local answer = download(artifact)
        assert.equal(case[2], #answer.body)
        assert.equal(artifact.sha256, core.sha256(answer.body))
      end)
    end

    it("text and JSON too", function()
      local run = left({ "a.txt", "b.json" }, "truncate -s 10K a.txt\ntruncate -s 20K b.json")
      assert.equal("10240 20480", ("%d %d"):format(artifacts(run, "?name=file%201")[1].size_bytes, artifacts(run, "?name=file%202")[1].size_bytes))
    end)
  end)

  it("are listed, newest first, and filtered, of all attempts", function()
    local pipeline = ci.pipeline(w, {
      { "build", artifacts = { { name = "app", path = "1" }, { name = "map", path = "2" } } },
      { "test", needs = { "build" }, artifacts = { { name = "report", path = "3" }, { name = "map", path = "4" } } },
    })
    local run = ci.start(w, pipeline)
    w:wait(60)
    assert.equal("map report map app", names(run))
    assert.equal("app map report map", names(run, "?order=asc"))
    assert.equal("map map", names(run, "?name=map"))
    assert.equal("map app", names(run, "?job=build"))
    assert.equal("map app", names(run, "?job=" .. ci.job(w, run, "build").id))
    assert.equal("map", names(run, "?job=test&name=map"))
    assert.equal("", names(run, "?job=none"))
    assert.equal("", names(run, "?name=nothing"))
    local paged = w:walk("/runs/" .. run.id .. "/artifacts?limit=1&job=test", function()
      ci.start(w, pipeline)
      w:wait(60)
    end)
    assert.equal(2, #paged)
    w:post("/runs/" .. run.id .. "/retry")
    w:wait(60)
    assert.equal("map report map app map report map app", names(run))
    assert.equal("map app", names(run, "?job=" .. ci.job(w, run, "build").id))
  end)

  it("of jobs that a retry keeps are kept", function()
    local run = ci.start(w, ci.pipeline(w, {
      { "build", artifacts = { { name = "app", path = "1" } } }, { "test", needs = { "build" }, run = "exit 1" },
    }))
    w:wait(60)
    w:post("/runs/" .. run.id .. "/retry", { failed_only = true })
    w:wait(60)
    assert.equal("app", names(run))
    assert.equal(ci.job(w, run, "build").id, artifacts(run)[1].job_id)
  end)

  describe("are downloaded", function()
    local artifact, whole

    before_each(function()
      artifact = artifacts(left({ "dist/app.bin" }, "truncate -s 1000 dist/app.bin"))[1]
      whole = download(artifact).body
    end)

    it("whole, with the contract's headers", function()
      local answer = download(artifact)
      assert.equal(200, answer.status)
      assert.equal('"' .. artifact.sha256 .. '"', answer.headers.etag)
      assert.equal("application/octet-stream", answer.headers["content-type"])
      assert.equal('attachment; filename="file 1"', answer.headers["content-disposition"])
      assert.equal("bytes", answer.headers["accept-ranges"])
      assert.is_nil(answer.headers["content-range"])
      for _, name in ipairs { "date", "x-request-id", "x-git-version", "x-ratelimit-remaining", "x-ratelimit-reset" } do
        assert.is_string(answer.headers[name])
      end
    end)

    -- The Range header, the status, and the first and the last byte that come.
    local ranges = {
      { "bytes=0-0", 206, 0, 0 },
      { "bytes=0-999", 206, 0, 999 },
      { "bytes=10-19", 206, 10, 19 },
      { "bytes=999-999", 206, 999, 999 },
      { "bytes=10-", 206, 10, 999 },
      { "bytes=0-", 206, 0, 999 },
      { "bytes=990-5000", 206, 990, 999 },
      { "bytes=0-99999999999999999999999", 206, 0, 999 },
      { "bytes=-1", 206, 999, 999 },
      { "bytes=-10", 206, 990, 999 },
      { "bytes=-1000", 206, 0, 999 },
      { "bytes=-5000", 206, 0, 999 },
      { "bytes = 10 - 19", 206, 10, 19 },
      { "Bytes=10-19", 206, 10, 19 },
      -- beyond the end
      { "bytes=1000-", 416 },
      { "bytes=1000-1000", 416 },
      { "bytes=5000-6000", 416 },
      { "bytes=99999999999999999999999-", 416 },
      { "bytes=-0", 416 },
      -- not understood: as if it were not there (RFC 9110 14.2)
      { "bytes=19-10", 200 },
      { "bytes=0-1,5-6", 200 },
      { "bytes=", 200 },
      { "bytes=-", 200 },
      { "bytes=a-b", 200 },
      { "bytes=1--2", 200 },
      { "items=0-1", 200 },
      { "0-1", 200 },
      { "", 200 },
    }
    for _, case in ipairs(ranges) do
      it(("in a range: %s gives %d"):format(case[1], case[2]), function()
        local answer = download(artifact, { range = case[1] })
        assert.equal(case[2], answer.status)
        if case[2] == 206 then
          assert.equal(whole:sub(case[3] + 1, case[4] + 1), answer.body)
          assert.equal(("bytes %d-%d/1000"):format(case[3], case[4]), answer.headers["content-range"])
          assert.equal('"' .. artifact.sha256 .. '"', answer.headers.etag)
          assert.equal("application/octet-stream", answer.headers["content-type"])
        elseif case[2] == 416 then
          assert.equal("bytes */1000", answer.headers["content-range"])
          assert.equal("range_not_satisfiable", json.decode(answer.body).error.code)
        else
          assert.equal(whole, answer.body)
          assert.is_nil(answer.headers["content-range"])
        end
      end)
    end

    it("not at all, if the caller has it", function()
      local tag = '"' .. artifact.sha256 .. '"'
      local cases = {
        { tag, 304 },
        { "W/" .. tag, 304 },
        { '"x", ' .. tag .. ', "y"', 304 },
        { "*", 304 },
        { ' "x",' .. tag, 304 },
        { '"x"', 200 },
        { artifact.sha256, 200 },
        { "", 200 },
      }
      for _, case in ipairs(cases) do
        local answer = download(artifact, { ["if-none-match"] = case[1] })
        assert.equal(case[2], answer.status, case[1])
        if case[2] == 304 then
          assert.is_nil(answer.body)
          assert.is_nil(answer.headers["content-type"])
          assert.equal(tag, answer.headers.etag)
        else
          assert.equal(whole, answer.body)
        end
        assert.equal(case[2] == 304 and 304 or 206, download(artifact, { ["if-none-match"] = case[1], range = "bytes=0-0" }).status)
      end
    end)

    it("in a range only as long as the file is the one that was begun", function()
      local tag = '"' .. artifact.sha256 .. '"'
      local cases = { { tag, 206 }, { '"x"', 200 }, { "W/" .. tag, 200 }, { "Fri, 21 Jun 2024 03:58:18 GMT", 200 }, { "", 200 } }
      for _, case in ipairs(cases) do
        local answer = download(artifact, { ["if-range"] = case[1], range = "bytes=990-" })
        assert.equal(case[2], answer.status, case[1])
        assert.equal(case[2] == 206 and whole:sub(991) or whole, answer.body)
      end
      assert.equal(200, download(artifact, { ["if-range"] = '"x"', range = "bytes=5000-" }).status)
    end)

    it("as a head, which knows no ranges", function()
      for _, headers in ipairs { {}, { range = "bytes=0-9" }, { range = "bytes=5000-" } } do
        local answer = download(artifact, headers, "HEAD")
        assert.equal(200, answer.status)
        assert.equal('"' .. artifact.sha256 .. '"', answer.headers.etag)
      end
      assert.equal(304, download(artifact, { ["if-none-match"] = "*" }, "HEAD").status)
    end)

    it("piece by piece to the same bytes", function()
      local pieces, at = {}, 0
      while at < 1000 do
        local answer = download(artifact, { range = ("bytes=%d-%d"):format(at, at + 332) })
        pieces[#pieces + 1] = answer.body
        at = at + #answer.body
      end
      assert.equal(4, #pieces)
      assert.equal(artifact.sha256, core.sha256(table.concat(pieces)))
    end)

    it("without a query, by no other verb", function()
      local path = "/artifacts/" .. artifact.id .. "/download"
      assert.equal("400 parameter_unknown a", codes(w:get(path .. "?a=b")))
      local answer = w:post(path, {})
      assert.equal("405 method_not_allowed", codes(answer))
      assert.equal("GET, HEAD", answer.headers.allow)
      assert.equal("404 resource_missing", codes(w:get "/artifacts/art_000000000000/download"))
    end)

    it("under any name", function()
      local cases = {
        { "app.tgz", 'attachment; filename="app.tgz"' },
        { 'a"b\\c', "attachment; filename=\"a_b_c\"; filename*=UTF-8''a%22b%5Cc" },
        { "Fäncy 😀", "attachment; filename=\"F_ncy _\"; filename*=UTF-8''F%C3%A4ncy%20%F0%9F%98%80" },
        { "a\r\nX-Evil: 1", "attachment; filename=\"a__X-Evil: 1\"; filename*=UTF-8''a%0D%0AX-Evil%3A%201" },
      }
      for number, case in ipairs(cases) do
        local pipeline = ci.pipeline(w, { { "a", artifacts = { { name = case[1], path = "x" } } } }, { name = "p" .. number })
        local run = ci.start(w, pipeline)
        w:wait(60)
        assert.equal(case[2], download(artifacts(run)[1]).headers["content-disposition"])
      end
    end)
  end)
end)

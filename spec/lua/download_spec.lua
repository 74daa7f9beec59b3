-- Downloads through the client: an artifact of a run, whole and in parts, into a text, a file and a function, over sockets and in memory.
local core = require "gitdev.core"
local gitdev = require "gitdev"
local interpreter = require "spec.lua.support.interpreter"
local process = require "spec.lua.support.process"
local sender = require "spec.lua.support.sender"
local server = require "gitdev.emulator.server"
local test = require "gitdev.test"
local pcall = gitdev.pcall -- tasks wait in it

local SIZE = 300 * 1024

-- A run whose one job leaves a file of SIZE bytes; the artifact.
local function artifact_of(git)
  local pipeline = git.pipelines:create {
    project = "my-app",
    name = "build",
    jobs = {
      {
        name = "make",
        steps = { { run = "truncate -s 300K out/app.bin" } },
        artifacts = { { name = "app.bin", path = "out/app.bin" } },
      },
    },
  }
  local run = git.runs:create({ pipeline = pipeline }):wait { interval = 0.01 }
  return run:artifacts().data[1]
end

local function read(path)
  local file = io.open(path, "rb")
  local bytes = file and file:read "*a"
  if file then
    file:close()
  end
  return bytes
end

local function write(path, bytes)
  local file = assert(io.open(path, "wb"))
  file:write(bytes)
  file:close()
end

-- fn(git, emulator) in a virtual world, or against a server on loopback.
local WORLDS = {
  memory = function(fn)
    local world = test.world { build_ms = 4 }
    world:run(function()
      fn(gitdev.client(), world.emulator)
    end)
  end,
  sockets = function(fn)
    local one = assert(server.start { build_ms = 4 })
    local ok, problem = pcall(fn, gitdev.client { api_key = one.api_key, base_url = one.url, ca_file = one.ca_file, quiet = true }, one.emulator)
    one:stop()
    assert(ok, problem)
  end,
}

for name, within in pairs(WORLDS) do
  describe("a download, " .. name, function()
    local path

    before_each(function()
      path = os.tmpname()
      os.remove(path)
    end)

    after_each(function()
      os.remove(path)
      os.remove(path .. ".part")
    end)

    it("is a text, with its digest checked", function()
      within(function(git)
        local artifact = artifact_of(git)
        local got = git.artifacts:download(artifact.id)
        assert.equal(SIZE, #got.body)
        assert.same({ 200, SIZE, artifact.sha256, artifact.content_type, '"' .. artifact.sha256 .. '"' }, {
          got.status, got.size, got.sha256, got.content_type, got.etag,
        })
        assert.equal(artifact.sha256, core.sha256(got.body))
        assert.equal(got.body, artifact:download().body)
        assert.equal(got.body, git.artifacts:download(artifact).body)
      end)
    end)

    it("goes to a file, with progress, and is taken up again", function()
      within(function(git, emulator)
        local artifact, told = artifact_of(git), {}
        local got = artifact:download {
          to = path,
          on_progress = function(done, total)
            told[#told + 1] = done .. "/" .. total
          end,
        }
        assert.equal(path, got.path)
        assert.is_nil(got.body)
        assert.equal(artifact.sha256, core.sha256(read(path)))
        assert.equal(SIZE .. "/" .. SIZE, told[#told])
        local whole = read(path)
        os.remove(path)
        write(path .. ".part", whole:sub(1, 1000))
        emulator:fault { match = { op = "artifacts.download" }, status = 503, headers = { ["Retry-After"] = "0" } }
        got = artifact:download { to = path, resume = true }
        assert.same({ 206, SIZE }, { got.status, got.size })
        assert.is_true(read(path) == whole)
        assert.is_nil(read(path .. ".part"))
      end)
    end)

    it("goes to a function", function()
      within(function(git)
        local artifact, parts = artifact_of(git), {}
        local got = artifact:download {
          to = function(bytes)
            parts[#parts + 1] = bytes
          end,
        }
        assert.is_nil(got.body or got.path)
        assert.equal(artifact.sha256, core.sha256(table.concat(parts)))
      end)
    end)

    it("is a part, as HTTP names it", function()
      within(function(git)
        local artifact = artifact_of(git)
        local whole = artifact:download().body
        local CASES = {
          { "0-99", whole:sub(1, 100), "bytes 0-99/" .. SIZE },
          { SIZE - 10 .. "-", whole:sub(-10), ("bytes %d-%d/%d"):format(SIZE - 10, SIZE - 1, SIZE) },
          { "-5", whole:sub(-5), ("bytes %d-%d/%d"):format(SIZE - 5, SIZE - 1, SIZE) },
        }
        for _, case in ipairs(CASES) do
          local got = artifact:download { range = case[1] }
          assert.same({ 206, #case[2], case[2], case[3] }, { got.status, got.size, got.body, got.content_range })
        end
        assert.equal(path, artifact:download({ range = "0-9", to = path }).path)
        assert.equal(whole:sub(1, 10), read(path))
        local ok, err = pcall(git.artifacts.download, git.artifacts, artifact, { range = SIZE .. "-" })
        assert.is_false(ok)
        assert.same({ 416, "range_not_satisfiable" }, { err.status, err.code })
      end)
    end)

    it("is nothing where there is nothing newer", function()
      within(function(git)
        local artifact = artifact_of(git)
        local got = artifact:download()
        for _, fields in ipairs { {}, { to = path }, { range = "0-1" } } do
          fields.if_none_match = got.etag
          local again = artifact:download(fields)
          assert.same({ 304, 0 }, { again.status, again.size })
          assert.is_nil(again.body)
          assert.is_nil(read(path))
        end
      end)
    end)

    it("is refused when it is not what the API says that it is", function()
      within(function(git, emulator)
        local artifact = artifact_of(git)
        for _, fields in ipairs { {}, { to = path } } do
          emulator:fault {
            match = { op = "artifacts.download" },
            body = "something else",
            content_type = "application/octet-stream",
            headers = { ETag = '"' .. artifact.sha256 .. '"' },
          }
          local ok, err = pcall(git.artifacts.download, git.artifacts, artifact.id, fields)
          assert.is_false(ok)
          assert.same({ "response_error", "checksum_mismatch" }, { err.type, err.code })
          assert.is_nil(read(path))
        end
      end)
    end)

    it("is gone after 30 days", function()
      within(function(git, emulator)
        local artifact = artifact_of(git)
        emulator:skip(30 * 24 * 3600 * 1000)
        local ok, err = pcall(artifact.download, artifact, { to = path })
        assert.is_false(ok)
        assert.same({ 410, "artifact_expired" }, { err.status, err.code })
        assert.is_nil(read(path))
      end)
    end)
  end)
end

describe("a download for which there is no room", function()
  -- A limit of the shell stands for a full disk.
  it("fails with an error that names the file, in both styles, and leaves nothing behind", function()
    local folder = sender.folder()
    local path = folder .. "/app.bin"
    local script = process.file([[
      local gitdev, safe, test = require "gitdev", require "gitdev.safe", require "gitdev.test"
      test.world({ build_ms = 4 }):run(function()
        local git = gitdev.client()
        git.pipelines:create { project = "my-app", name = "build", jobs = { { name = "make", steps = { { run = "truncate -s 300K app.bin" } },
          artifacts = { { name = "app.bin", path = "app.bin" } } } } }
        local id = git.runs:create({ pipeline = git.pipelines:list().data[1] }):wait({ interval = 0.01 }):artifacts().data[1].id
        local _, raised = gitdev.pcall(git.artifacts.download, git.artifacts, id, { to = arg[1] })
        local nothing, returned = safe.client().artifacts:download(id, { to = arg[1] })
        print(raised.type, raised.code, raised.param, raised.message)
        print(nothing, returned.type, returned.code, returned.param, returned.message)
      end)
    ]])
    local command = ("ulimit -f 64; trap '' XFSZ; %s %s %s"):format(interpreter.command(), script, process.quote(path))
    local status, out, err = process.run("bash -c " .. process.quote(command))
    os.remove(script)
    local told = "config_error\tfile_failed\tto\t" .. path .. " cannot be written: File too large.\n"
    assert.same({ 0, told .. "nil\t" .. told, "" }, { status, out, err })
    assert.equal("", (select(2, process.run("ls -A " .. folder))))
    sender.remove(folder)
  end)
end)

describe("what a download is asked with", function()
  it("is checked before anything is sent", function()
    test.run(function(world)
      local git = gitdev.client()
      local CASES = {
        { { range = "5-1" }, "range" },
        { { range = "bytes=0-1" }, "range" },
        { { range = "-" }, "range" },
        { { range = "0-1", resume = true }, "range" },
        { { too = "x" }, "too" },
        { { to = true }, "to" },
        { { resume = true, to = "x" }, "resume" },
        { { sha256 = "abc" }, "sha256" },
      }
      for _, case in ipairs(CASES) do
        local ok, err = pcall(git.artifacts.download, git.artifacts, "art_000000000000", case[1])
        assert.is_false(ok)
        assert.same({ "invalid_request_error", case[2] }, { err.type, err.param })
      end
      local ok, err = pcall(git.artifacts.download, git.artifacts, "art_000000000000", "out.bin")
      assert.is_false(ok)
      assert.matches("takes its fields as a table", tostring(err))
      assert.is_false(pcall(git.artifacts.download, git.artifacts, "art_000000000000", {}, {}, {}))
      assert.same({}, world.emulator:requests())
    end)
  end)

  it("leaves the options of a call to the call", function()
    test.run(function()
      local artifact = artifact_of(gitdev.client())
      local ok, err = pcall(artifact.download, artifact, nil, { timeout = 0.001 })
      assert.is_false(ok)
      assert.equal("timeout_error", err.type)
    end)
  end)
end)

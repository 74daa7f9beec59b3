-- The logs of deployments (contract 2.5).
local json = require "gitdev.json"
local world = require "spec.lua.support.world"

local RANK = { debug = 1, info = 2, warn = 3, error = 4 }

describe("the emulator's logs", function()
  local w

  before_each(function()
    w = world.new()
  end)

  local function page(made, query)
    local answer = w:get("/deployments/" .. made.id .. "/logs" .. (query or ""))
    assert.equal(200, answer.status, answer.body)
    return answer.json
  end

  local function lines(made, query)
    return page(made, query).data
  end

  local function seqs(list)
    local numbers = {}
    for index, line in ipairs(list) do
      numbers[index] = ("%d"):format(line.seq)
    end
    return table.concat(numbers, " ")
  end

  local function text(list)
    local messages = {}
    for index, line in ipairs(list) do
      messages[index] = line.message
    end
    return table.concat(messages, "\n")
  end

  it("are lines with the contract's fields, numbered from 1 without holes, in time", function()
    local list = lines(w:deployed { env = { A = "b" } })
    local before = 0
    for index, line in ipairs(list) do
      assert.equal("", world.misfit(line, "log_line"))
      assert.equal(index, line.seq)
      assert.truthy(line.time_ms >= before)
      assert.is_nil(line.message:find "[\r\n]")
      before = line.time_ms
    end
    assert.truthy(#list > 10)
    assert.equal(world.START * 1000 + 200, list[1].time_ms)
  end)

  it("have every stage, level and stream somewhere", function()
    local failed = lines(w:deployed { metadata = { emulate = "build_failed" } })
    local seen = {}
    for _, list in ipairs { lines(w:deployed()), failed } do
      for _, line in ipairs(list) do
        seen[line.stage], seen[line.level], seen[line.stream] = true, true, true
      end
    end
    for _, name in ipairs { "build", "deploy", "runtime", "debug", "info", "warn", "error", "stdout", "stderr", "system" } do
      assert.is_true(seen[name], name)
    end
  end)

  it("grow as the deployment goes on, and what was read stays as it was", function()
    local made = w:deploy()
    assert.equal(0, #lines(made))
    local before = {}
    for _ = 1, 40 do
      w:wait(0.1)
      local now = lines(made)
      assert.truthy(#now >= #before)
      for index, line in ipairs(before) do
        assert.same(line, now[index])
      end
      before = now
    end
    assert.equal("live", w:deployment(made.id).status)
  end)

  it("can be polled with the last line's cursor", function()
    local made = w:deploy()
    local seen, cursor = {}, nil
    for _ = 1, 30 do
      w:wait(0.1)
      for _, line in ipairs(lines(made, "?limit=1000" .. (cursor and "&cursor=" .. cursor or ""))) do
        seen[#seen + 1] = line
        cursor = line.cursor
      end
    end
    assert.same(lines(made), seen)
  end)

  it("a line's cursor goes with any filter and order", function()
    local made = w:deployed()
    local cursor = lines(made)[4].cursor
    assert.equal(5, lines(made, "?cursor=" .. cursor)[1].seq)
    assert.equal(3, lines(made, "?order=desc&cursor=" .. cursor)[1].seq)
    assert.equal("deploy", lines(made, "?stage=deploy&cursor=" .. cursor)[1].stage)
  end)

  it("but only with its own deployment", function()
    local one, other = w:deployed(), w:deployed()
    local answer = w:get("/deployments/" .. other.id .. "/logs?cursor=" .. lines(one)[1].cursor)
    assert.equal(400, answer.status)
    assert.equal("cursor_mismatch", answer.json.error.code)
  end)

  it("are paged, in both orders", function()
    local made = w:deployed()
    local all = seqs(lines(made))
    local base = "/deployments/" .. made.id .. "/logs"
    local walked, pages = w:walk(base .. "?limit=3")
    assert.equal(all, seqs(walked))
    assert.equal(math.ceil(#walked / 3), pages)
    local back = w:walk(base .. "?limit=4&order=desc")
    assert.equal(#walked, #back)
    assert.equal(#walked, back[1].seq)
    assert.equal(1, back[#back].seq)
  end)

  it("a page's cursor goes with its own filters only", function()
    local made = w:deployed()
    local cursor = page(made, "?limit=2").next_cursor
    assert.equal(3, lines(made, "?limit=5&cursor=" .. cursor)[1].seq)
    local answer = w:get("/deployments/" .. made.id .. "/logs?level=warn&cursor=" .. cursor)
    assert.equal("cursor_mismatch", answer.json.error.code)
  end)

  it("take limits up to 1000, and 100 by default", function()
    local made = w:deployed { env = { A = ("x\n"):rep(1500) } }
    assert.equal(100, #lines(made))
    assert.equal(1000, #lines(made, "?limit=1000"))
    assert.equal(400, w:get("/deployments/" .. made.id .. "/logs?limit=1001").status)
    local walked = w:walk("/deployments/" .. made.id .. "/logs?limit=1000")
    assert.truthy(#walked > 1500)
  end)

  it("are filtered by stage, least level and time", function()
    local made = w:deployed()
    for _, stage in ipairs { "build", "deploy", "runtime" } do
      local list = lines(made, "?stage=" .. stage)
      assert.truthy(#list > 0)
      for _, line in ipairs(list) do
        assert.equal(stage, line.stage)
      end
    end
    local all = lines(made)
    for _, level in ipairs { "debug", "info", "warn", "error" } do
      local expected = {}
      for _, line in ipairs(all) do
        expected[#expected + 1] = RANK[line.level] >= RANK[level] and line or nil
      end
      assert.equal(seqs(expected), seqs(lines(made, "?level=" .. level)))
    end
    local at = all[5].time_ms
    assert.equal(5, lines(made, ("?since_ms=%d"):format(at))[1].seq)
    local early = lines(made, ("?until_ms=%d"):format(at))
    assert.equal(4, early[#early].seq)
  end)

  it("end with what became of the deployment", function()
    local cases = {
      { "", "^Live at https://my%-app" },
      { "build_failed", "^Build failed: " },
      { "deploy_failed", "^Deployment failed: " },
    }
    for _, case in ipairs(cases) do
      local list = lines(w:deployed { metadata = { emulate = case[1] } })
      local found = false
      for _, line in ipairs(list) do
        found = found or line.message:find(case[2]) ~= nil
      end
      assert.is_true(found, case[2])
    end
  end)

  it("stop where the deployment was canceled", function()
    local made = w:deploy()
    w:wait(1)
    w:post("/deployments/" .. made.id .. "/cancel")
    local list = lines(made)
    assert.equal("Build canceled: user", list[#list].message)
    assert.equal(world.START * 1000 + 1000, list[#list].time_ms)
    w:wait(10)
    assert.same(list, lines(made))
    local queued = w:deploy()
    w:post("/deployments/" .. queued.id .. "/cancel")
    assert.equal(0, #lines(queued))
  end)

  describe("mask secrets:", function()
    local function log_of(value, extra)
      w:post("/projects/my-app/env", { key = "TOKEN", value = value, secret = true })
      return text(lines(w:deployed(extra), "?limit=1000"))
    end

    it("a whole one", function()
      local log = log_of "hunter22"
      assert.is_nil(log:find("hunter", 1, true))
      assert.truthy(log:find("TOKEN=***", 1, true))
    end)

    it("each line of one that has several", function()
      local log = log_of "-----BEGIN-----\nAAAABBBB\r\nCCCC\n"
      for _, part in ipairs { "BEGIN", "AAAA", "CCCC" } do
        assert.is_nil(log:find(part, 1, true))
      end
    end)

    it("wherever they stand, also inside another value", function()
      local log = log_of("hunter22", { env = { URL = "https://u:hunter22@h/?a=hunter22" } })
      assert.truthy(log:find("URL=https://u:***@h/?a=***", 1, true))
    end)

    it("the one that contains another first", function()
      w:post("/projects/my-app/env", { key = "SHORT", value = "hunter", secret = true })
      assert.truthy(log_of("hunter22"):find("TOKEN=***\n", 1, true))
    end)

    it("once each, however many are the same", function()
      for number = 1, 40 do
        w:post("/projects/my-app/env", { key = "STAR_" .. number, value = "*", secret = true })
      end
      assert.truthy(log_of("hunter22"):find("STAR_40=***\n", 1, true))
    end)

    it("of thousands of lines, in a text of thousands of lines", function()
      local secret = {}
      for number = 1, 5000 do
        secret[number] = ("%04x"):format(number)
      end
      local began = os.clock()
      log_of(table.concat(secret, "\n"), { env = { TEXT = ("\n"):rep(20000) } })
      assert.is_true(os.clock() - began < 30, "the log took half a minute")
    end)

    it("with the characters that patterns give a meaning", function()
      assert.is_nil(log_of("a%w+[b].*$"):find("a%w", 1, true))
    end)

    -- A secret, and how the log shows it.
    local lengths = {
      { "of one line, however short", "x~", "TOKEN=***" },
      { "of one line and its end, however short", "x~\n", "TOKEN=***\n" },
      { "of several lines, those of 4 characters", "abcd\n\195\164\195\182\195\188x", "TOKEN=***\n***" },
      { "of several lines, not those of fewer characters", "abc\n\195\164\195\182\195\188", "TOKEN=abc\n\195\164\195\182\195\188" },
      { "that is empty: nothing", "", "TOKEN=\n" },
    }
    for _, case in ipairs(lengths) do
      it("one " .. case[1], function()
        assert.truthy(log_of(case[2]):find(case[3], 1, true))
      end)
    end

    it("of one character in a long line, at once", function()
      local log = log_of("~", { env = { A = ("~"):rep(60000) } })
      assert.is_nil(log:find("~", 1, true))
    end)

    it("also the value that a request gives a secret key", function()
      local log = log_of("hunter22", { env = { TOKEN = "other-secret" } })
      assert.is_nil(log:find("other-secret", 1, true))
    end)

    it("nothing else", function()
      assert.truthy(text(lines(w:deployed { env = { A = "plain" } })):find("A=plain", 1, true))
    end)
  end)

  it("cut a line at 65536 bytes, between characters", function()
    w:post("/projects/my-app/env", { key = "A", value = "\195\164" .. ("\195\164"):rep(32766) })
    local made = w:deployed()
    local cut
    for _, line in ipairs(lines(made)) do
      if line.truncated then
        assert.is_nil(cut)
        cut = line
      end
    end
    assert.is_nil(cut)
    w = world.new()
    w:post("/projects/my-app/env", { key = "A", value = ("\195\164"):rep(32767) })
    made = w:deployed()
    for _, line in ipairs(lines(made)) do
      if line.message:sub(1, 2) == "A=" then
        cut = line
      end
    end
    assert.is_false(cut.truncated)
    assert.equal(65536, #cut.message)
    w = world.new()
    w:post("/projects/my-app/env", { key = "AB", value = ("\195\164"):rep(32767) })
    made = w:deployed()
    for _, line in ipairs(lines(made)) do
      if line.message:sub(1, 3) == "AB=" then
        cut = line
      end
    end
    assert.is_true(cut.truncated)
    assert.equal(65535, #cut.message)
  end)

  it("are gone 30 days after the deployment ended", function()
    local made = w:deployed()
    w:wait(30 * 24 * 3600 - 1)
    assert.equal(200, w:get("/deployments/" .. made.id .. "/logs").status)
    w:wait(1)
    local answer = w:get("/deployments/" .. made.id .. "/logs")
    assert.equal(410, answer.status)
    assert.equal("logs_expired", answer.json.error.code)
    assert.equal(json.null, answer.json.error.param)
  end)
end)

-- Webhook signatures: contract 4.4 and 8.
local gitdev = require "gitdev"
local interpreter = require "spec.lua.support.interpreter"
local process = require "spec.lua.support.process"
local safe = require "gitdev.safe"

local ZEROS = "whsec_00000000000000000000000000000000"
local LETTERS = "whsec_abcdefghijklmnopqrstuvwxyz012345"
local BODY = '{"id":"evt_8x9y7z6w5v4u","type":"deployment.completed","timestamp":1718942301,"data":{"project":"my-app",'
  .. '"status":"live","url":"https://my-app.git.dev","duration_ms":2400}}'
local REORDERED = '{"type":"deployment.completed","id":"evt_8x9y7z6w5v4u","timestamp":1718942301,"data":{"project":"my-app",'
  .. '"status":"live","url":"https://my-app.git.dev","duration_ms":2400}}'
local PING = '{"id":"evt_000000000000","type":"webhook.ping","timestamp":1718942301,"data":{"note":"é😀\\n="}}'
local NOW = 1718942301

local MAC = "65ec1026e057c1de364475f10b5c32f2f7be872b0981be344d9e67ae50b603ff"
local WRONG = ("0"):rep(64)

-- Secret, t, body, v1.
local ANSWERS = {
  { ZEROS, NOW, BODY, MAC },
  { LETTERS, NOW, BODY, "cba14886c789498d216fe3ba6beba360a1275c228acc2bfbffc4d0c07bc0cead" },
  { ZEROS, NOW + 5, BODY, "80b93380018e278ce411809b8da2953792944fc6b6026ae8185d2c4c97bca9fa" },
  { ZEROS, NOW, PING, "eade0033ef5896264174c93a90f846beec6c0a9863bad23d33ae88a33b0e9c37" },
}

local T = "t=1718942301"
local RIGHT = T .. ",v1=" .. MAC

local function at(seconds, more)
  local options = { now = seconds }
  for name, value in pairs(more or {}) do
    options[name] = value
  end
  return options
end

-- Verifies in both styles: the event, or the error; they must agree.
local function verify(...)
  local ok, value = pcall(gitdev.webhooks.verify, ...)
  local event, err = safe.webhooks.verify(...)
  if ok then
    assert.same(value, event)
    return value
  end
  assert.is_nil(event)
  assert.is_true(gitdev.is_error(err, "signature_error"))
  assert.is_true(gitdev.is_error(value, "signature_error"))
  assert.same({ value.reason, tostring(value) }, { err.reason, tostring(err) })
  return nil, err
end

local function reason(...)
  local event, err = verify(...)
  assert.is_nil(event)
  return err.reason, err
end

-- What a call that is wrong raises, in both styles.
local function misuse(name, ...)
  local raised
  for _, style in ipairs { gitdev, safe } do
    local ok, err = pcall(style.webhooks[name], ...)
    assert.is_false(ok)
    assert.is_true(gitdev.is_error(err), tostring(err))
    raised = err
  end
  return raised
end

describe("webhooks.verify and sign", function()
  it("give the known answers", function()
    assert.equal(172, #BODY)
    for _, row in ipairs(ANSWERS) do
      local secret, t, body, mac = row[1], row[2], row[3], row[4]
      local header = ("t=%d,v1=%s"):format(t, mac)
      assert.equal(header, gitdev.webhooks.sign(body, secret, { now = t }))
      assert.equal(header, safe.webhooks.sign(body, { secret }, { now = function() return t end }))
      assert.equal(1718942301, verify(body, header, secret, at(t)).timestamp)
    end
  end)

  it("return the event as it was sent, and what it is", function()
    local event = verify(BODY, RIGHT, ZEROS, at(NOW))
    assert.same({
      id = "evt_8x9y7z6w5v4u",
      type = "deployment.completed",
      timestamp = 1718942301,
      data = { project = "my-app", status = "live", url = "https://my-app.git.dev", duration_ms = 2400 },
    }, event)
    assert.equal("2400", tostring(event.data.duration_ms))
    assert.equal("deployment.completed evt_8x9y7z6w5v4u", tostring(event))
    for wanted, is in pairs {
      ["deployment.completed"] = true, ["deployment.*"] = true, ["*"] = true,
      ["deployment.created"] = false, ["deployment"] = false, ["deploy*"] = false, ["build.*"] = false,
      ["deployment.completed.*"] = false, [".*"] = false, [""] = false,
    } do
      assert.equal(is, event:is(wanted), wanted)
    end
    assert.has_error(function() return event.is "*" end)
    local body = '{"id":"e\\n1","type":"a.b\\u001b","timestamp":1,"data":{}}'
    assert.equal("a.b  e 1", tostring(verify(body, gitdev.webhooks.sign(body, ZEROS), ZEROS)))
  end)

  local PASS = {
    ["now = t+300"] = { RIGHT, now = NOW + 300 },
    ["now = t-300"] = { RIGHT, now = NOW - 300 },
    ["now = t+300, within the second"] = { RIGHT, now = NOW + 300.9 },
    ["upper-case hex"] = { T .. ",v1=" .. MAC:upper() },
    ["a wrong v1, then the right one"] = { T .. ",v1=" .. WRONG .. ",v1=" .. MAC },
    ["the right v1, then a wrong one"] = { RIGHT .. ",v1=" .. WRONG },
    ["an unknown extra key"] = { T .. ",v2=abc,v1=" .. MAC .. ",x=" },
    ["v0 beside v1"] = { T .. ",v0=" .. WRONG .. ",v1=" .. MAC },
    ["blanks around entries"] = { " " .. T .. " ,\tv1=" .. MAC .. " " },
    ["t last"] = { "v1=" .. MAC .. "," .. T },
    ["1024 characters"] = { RIGHT .. (" "):rep(1024 - #RIGHT) },
    ["the headers"] = { { ["X-Git-Signature"] = RIGHT, ["Content-Type"] = "application/json" } },
    ["the headers, in lower case"] = { { ["x-git-signature"] = RIGHT } },
    ["the headers, in lists"] = { { ["X-GIT-SIGNATURE"] = { RIGHT } } },
    ["several secrets"] = { RIGHT, secret = { LETTERS, ZEROS } },
    ["eight secrets"] = { RIGHT, secret = { LETTERS, LETTERS, LETTERS, ZEROS, LETTERS, LETTERS, LETTERS, LETTERS } },
    ["tolerance 0"] = { RIGHT, tolerance = 0 },
    ["no tolerance"] = { RIGHT, now = NOW + 1e9, tolerance = false },
    ["a large tolerance"] = { RIGHT, now = NOW + 1e6, tolerance = 1e6 },
    ["a clock"] = { RIGHT, now = function() return NOW + 300 end },
    ["the scheme by its name"] = { RIGHT, scheme = "git" },
  }

  for name, case in pairs(PASS) do
    it("pass: " .. name, function()
      local options = { now = case.now or NOW, tolerance = case.tolerance, scheme = case.scheme }
      assert.equal("evt_8x9y7z6w5v4u", verify(BODY, case[1], case.secret or ZEROS, options).id)
    end)
  end

  local REFUSE = {
    no_secret = {
      ["empty secret"] = { RIGHT, secret = "" },
      ["empty secret and header"] = { "", secret = "" },
      ["no secret at all"] = { RIGHT, secret = {} },
      ["an empty one among them"] = { RIGHT, secret = { ZEROS, "" } },
      ["an empty one first"] = { RIGHT, secret = { "", ZEROS } },
    },
    malformed_header = {
      ["header absent"] = {},
      ["header absent among them"] = { { ["Content-Type"] = "application/json" } },
      ["header twice among them"] = { { ["X-Git-Signature"] = RIGHT, ["x-git-signature"] = RIGHT } },
      ["header twice in a list"] = { { ["X-Git-Signature"] = { RIGHT, RIGHT } } },
      ["header empty"] = { "" },
      ["sha256=<hex>"] = { "sha256=" .. MAC },
      ["bare hex"] = { MAC },
      ["v1 only"] = { "v1=" .. MAC },
      ["t only"] = { T },
      ["two t"] = { T .. "," .. RIGHT },
      ["t signed"] = { "t=+1718942301,v1=" .. MAC },
      ["t negative"] = { "t=-1718942301,v1=" .. MAC },
      ["t with letters"] = { "t=17189x2301,v1=" .. MAC },
      ["t of 13 digits"] = { "t=1718942301000,v1=" .. MAC },
      ["t empty"] = { "t=,v1=" .. MAC },
      ["v1 of 63 digits"] = { T .. ",v1=" .. MAC:sub(2) },
      ["v1 of 65 digits"] = { T .. ",v1=0" .. MAC },
      ["v1 of 63 digits beside a good one"] = { RIGHT .. ",v1=" .. MAC:sub(2) },
      ["v1 with a letter"] = { T .. ",v1=g" .. MAC:sub(2) },
      ["the right mac under v0"] = { T .. ",v0=" .. MAC },
      ["the right mac under V1"] = { T .. ",V1=" .. MAC },
      ["blanks inside an entry"] = { T .. ",v1 = " .. MAC },
      ["an empty entry"] = { T .. ",,v1=" .. MAC },
      ["an entry without ="] = { RIGHT .. ",x" },
      ["1025 characters"] = { RIGHT .. (" "):rep(1025 - #RIGHT) },
      ["a NUL"] = { RIGHT .. "\0" },
    },
    no_match = {
      ["B with one space added"] = { RIGHT, body = BODY:gsub(":", ": ", 1) },
      ["B with a line's end"] = { RIGHT, body = BODY .. "\n" },
      ["B re-serialized with other key order"] = { RIGHT, body = REORDERED },
      ["an empty body"] = { RIGHT, body = "" },
      ["secret without its prefix"] = { RIGHT, secret = ZEROS:sub(7) },
      ["another secret"] = { RIGHT, secret = LETTERS },
      ["other secrets"] = { RIGHT, secret = { LETTERS, ZEROS .. "0" } },
      ["another t"] = { "t=1718942302,v1=" .. MAC },
      ["t with a zero before"] = { "t=01718942301,v1=" .. MAC },
      ["a wrong v1, the right mac under v0"] = { T .. ",v0=" .. MAC .. ",v1=" .. WRONG },
      ["wrong, and late as well"] = { T .. ",v1=" .. WRONG, now = NOW + 301 },
    },
    timestamp_outside_tolerance = {
      ["now = t+301"] = { RIGHT, now = NOW + 301 },
      ["now = t-301"] = { RIGHT, now = NOW - 301 },
      ["tolerance 0, a second late"] = { RIGHT, now = NOW + 1, tolerance = 0 },
      ["tolerance 0, a second early"] = { RIGHT, now = NOW - 1, tolerance = 0 },
      ["a clock"] = { RIGHT, now = function() return NOW + 301 end },
    },
  }

  for expected, cases in pairs(REFUSE) do
    for name, case in pairs(cases) do
      it("refuse: " .. name, function()
        local options = { now = case.now or NOW, tolerance = case.tolerance }
        local got, err = reason(case.body or BODY, case[1], case.secret or ZEROS, options)
        assert.equal(expected, got)
        assert.equal("signature_error", err.type)
        assert.is_false(err.retryable)
        assert.is_nil(tostring(err):find("00000000000", 1, true))
      end)
    end
  end

  it("tell the system's time by default", function()
    assert.equal("timestamp_outside_tolerance", (reason(BODY, RIGHT, ZEROS)))
    assert.is_table(verify(BODY, gitdev.webhooks.sign(BODY, ZEROS), ZEROS))
  end)

  it("refuse what is signed and no event", function()
    for _, body in ipairs {
      "", "null", "1", '"x"', "[]", "{}", "not JSON", BODY .. "x", BODY:sub(1, -2), "[" .. BODY .. "]",
      '{"type":"a.b","timestamp":1,"data":{}}', '{"id":"","type":"a.b","timestamp":1,"data":{}}',
      '{"id":1,"type":"a.b","timestamp":1,"data":{}}', '{"id":"e","timestamp":1,"data":{}}',
      '{"id":"e","type":"","timestamp":1,"data":{}}', '{"id":"e","type":{},"timestamp":1,"data":{}}',
      '{"id":"e","type":"a.b","data":{}}', '{"id":"e","type":"a.b","timestamp":"1","data":{}}',
      '{"id":"e","type":"a.b","timestamp":1.5,"data":{}}', '{"id":"e","type":"a.b","timestamp":-1,"data":{}}',
      '{"id":"e","type":"a.b","timestamp":1}', '{"id":"e","type":"a.b","timestamp":1,"data":null}',
      '{"id":"e","type":"a.b","timestamp":1,"data":"x"}', '{"id":"e","type":"a.b","timestamp":1,"data":[]}',
      '{"id":"e","type":"a.b","timestamp":1,"data":[{}]}', '{"id":null,"type":"a.b","timestamp":1,"data":{}}',
      '{"id":"e","type":null,"timestamp":1,"data":{}}', '{"id":"e","type":"a.b","timestamp":null,"data":{}}',
      '{"id":"e","type":"a.b","timestamp":1e999,"data":{}}', "\239\187\191" .. BODY, BODY .. "\0", BODY .. BODY,
      '{"id":"e","type":"a.b","timestamp":1,"data":{"a":' .. ("["):rep(63) .. ("]"):rep(63) .. "}}", ("["):rep(1e5),
      -- A key twice: which of them counts is not the same to all readers.
      '{"id":"e","type":"a.b","timestamp":1,"data":{"x":1},"id":"f"}', '{"id":"e","type":"a.b","timestamp":1,"data":{"x":1},"data":null}',
      '{"id":null,"id":"e","type":"a.b","timestamp":1,"data":{"x":1}}', '{"id":"e","type":"a.b","timestamp":1,"data":[],"data":{}}',
      '{"id":"e","type":"a.b","timestamp":1,"data":{"x":1},"i\\u0064":"f"}', '{"\\u0069d":"e","type":"a.b","timestamp":1,"data":{"x":1},"id":"f"}',
      '{"1":1,"2":1,"3":1,"4":1,"5":1,"id":"e","type":"a.b","timestamp":1,"data":{"x":1},"id":"f"}',
      '{"1":1,"2":1,"3":1,"4":1,"5":1,"id":"e","type":"a.b","timestamp":1,"data":{"x":1},"6":1,"6":null}',
    } do
      assert.equal("bad_payload", (reason(body, gitdev.webhooks.sign(body, ZEROS), ZEROS)), body)
    end
  end)

  it("take events of types, and with keys, that are not known yet", function()
    local body = '{"id":"e","type":"moon.landed","timestamp":1,"data":{},"is":"kept","more":[null]}'
    local event = verify(body, gitdev.webhooks.sign(body, ZEROS), ZEROS)
    assert.is_true(event:is "moon.*")
    assert.same({}, event.data)
    assert.equal("kept", gitdev.raw(event).is)
    assert.equal(gitdev.null, event.more[1])
    body = '{"a":1,"b":null,"c\\n":{"a":2},"d":4,"e":5,"f":6,"id":"e","type":"a.b","timestamp":1,"data":{"id":"f","a":[{"a":1}]}}'
    event = verify(body, gitdev.webhooks.sign(body, ZEROS), ZEROS)
    assert.same({ "e", "f", 2, nil }, { event.id, event.data.id, event["c\n"].a, event.b })
  end)

  it("do not mind what a clock does", function()
    local list = { ZEROS .. "" }
    local function clock()
      list[1] = nil
      collectgarbage()
      return NOW
    end
    assert.equal("no_secret", (reason(BODY, RIGHT, list, { now = clock })))
    local ok, err = pcall(safe.webhooks.verify, BODY, RIGHT, ZEROS, { now = function() error("stopped", 0) end })
    assert.same({ false, "stopped" }, { ok, err })
  end)

  it("tell by how much it is late, whatever other keys there are", function()
    local _, err = reason(BODY, "at=5,x=t=6, " .. RIGHT, ZEROS, at(NOW + 400))
    assert.matches("signed 400 s from now", tostring(err))
  end)

  it("read null in the data as nil", function()
    local body = '{"id":"e","type":"run.completed","timestamp":1,"data":{"project":"a","failure":null,"list":[null,1]}}'
    local event = verify(body, gitdev.webhooks.sign(body, ZEROS), ZEROS)
    assert.is_nil(event.data.failure)
    assert.same({ gitdev.null, 1 }, event.data.list)
  end)

  it("sign with several secrets, so that each verifies", function()
    local header = gitdev.webhooks.sign(BODY, { LETTERS, ZEROS }, { now = NOW })
    assert.equal(("%s,v1=%s,v1=%s"):format(T, ANSWERS[2][4], MAC), header)
    for _, secret in ipairs { ZEROS, LETTERS } do
      assert.is_table(verify(BODY, header, secret, at(NOW)))
    end
  end)

  it("do not sign without a secret", function()
    for _, secret in ipairs { "", {}, { ZEROS, "" } } do
      local header, err = safe.webhooks.sign(BODY, secret)
      assert.is_nil(header)
      assert.same({ "signature_error", "no_secret" }, { err.type, err.reason })
      assert.has_error(function() gitdev.webhooks.sign(BODY, secret) end)
    end
  end)

  it("take the secret of GIT_WEBHOOK_SECRET, when none is given", function()
    local script = process.file(([[
      local webhooks = require("gitdev.safe").webhooks
      local event, err = webhooks.verify(%q, %q, nil, { now = 1718942301 })
      print(event and event.id or err.reason)
      local header, problem = webhooks.sign(%q, nil, { now = 1718942301 })
      print(header or problem.reason)
    ]]):format(BODY, RIGHT, BODY))
    for value, expected in pairs {
      [ZEROS] = "evt_8x9y7z6w5v4u\n" .. RIGHT .. "\n",
      [LETTERS] = "no_match\nt=1718942301,v1=" .. ANSWERS[2][4] .. "\n",
      [""] = "no_secret\nno_secret\n",
    } do
      local _, out, err = process.run("GIT_WEBHOOK_SECRET=" .. value .. " " .. interpreter.command() .. " " .. script)
      assert.same({ expected, "" }, { out, err })
    end
    os.remove(script)
  end)
end)

describe("a call of webhooks that is wrong", function()
  it("raises in both styles", function()
    local event = verify(BODY, RIGHT, ZEROS, at(NOW))
    for _, case in ipairs {
      { "raw_body", event, RIGHT, ZEROS },
      { "raw_body", nil, RIGHT, ZEROS },
      { "raw_body", 12, RIGHT, ZEROS },
      { "header", BODY, 12, ZEROS },
      { "header", BODY, true, ZEROS },
      { "header", BODY, { "X-Git-Signature", RIGHT }, ZEROS },
      { "secret", BODY, RIGHT, 12 },
      { "secret", BODY, RIGHT, { 12 } },
      { "secret", BODY, RIGHT, { nil, ZEROS } },
      { "secret", BODY, RIGHT, { ZEROS, nil, ZEROS } },
      { "secret", BODY, RIGHT, { current = ZEROS } },
      { "secret", BODY, RIGHT, { "a", "b", "c", "d", "e", "f", "g", "h", "i" } },
      { "options", BODY, RIGHT, ZEROS, 300 },
      { "tolerence", BODY, RIGHT, ZEROS, { tolerence = 3 } },
      { "tolerance", BODY, RIGHT, ZEROS, { tolerance = -1 } },
      { "tolerance", BODY, RIGHT, ZEROS, { tolerance = true } },
      { "tolerance", BODY, RIGHT, ZEROS, { tolerance = "300" } },
      { "tolerance", BODY, RIGHT, ZEROS, { tolerance = math.huge } },
      { "tolerance", BODY, RIGHT, ZEROS, { tolerance = 0 / 0 } },
      { "tolerance", BODY, MAC, ZEROS, { tolerance = 300, scheme = "body" } },
      { "now", BODY, RIGHT, ZEROS, { now = "1718942301" } },
      { "now", BODY, RIGHT, ZEROS, { now = 0 / 0 } },
      { "now", BODY, RIGHT, ZEROS, { now = -math.huge } },
      { "now", BODY, RIGHT, ZEROS, { now = function() end } },
      { "scheme", BODY, RIGHT, ZEROS, { scheme = "stripe" } },
      { "scheme", BODY, RIGHT, ZEROS, { scheme = "git\0" } },
      { "scheme", BODY, { ["X-Git-Signature"] = RIGHT }, ZEROS, { scheme = "standard\0" } },
      { "tolerance\0", BODY, RIGHT, ZEROS, { ["tolerance\0"] = false } },
      { "1", BODY, RIGHT, ZEROS, { 300 } },
      { "options", BODY, RIGHT, ZEROS, setmetatable({}, { __index = { tolerance = 0 } }) },
      { "options", BODY, RIGHT, ZEROS, setmetatable({ now = NOW }, {}) },
      { "header", BODY, "v1,abc", ZEROS, { scheme = "standard" } },
    } do
      local err = misuse("verify", case[2], case[3], case[4], case[5])
      assert.equal(case[1], err.param, tostring(err))
      assert.matches("webhooks_spec.lua:%d+$", err.where)
    end
    assert.same({ "signature_error", "bad_payload" }, { misuse("verify", event, RIGHT, ZEROS).type, misuse("verify", event, RIGHT, ZEROS).reason })
    for _, case in ipairs {
      { "raw_body", {}, ZEROS },
      { "secret", BODY, 12 },
      { "now", BODY, ZEROS, { now = -1 } },
      { "now", BODY, ZEROS, { now = 1e12 } },
      { "tolerance", BODY, ZEROS, { tolerance = 1 } },
      { "options", BODY, ZEROS, setmetatable({}, { __index = { scheme = "body" } }) },
      { "secret", BODY, { ZEROS, LETTERS }, { scheme = "body" } },
      { "id", BODY, ZEROS, { scheme = "standard", id = "a.b" } },
      { "id", BODY, ZEROS, { scheme = "standard", id = "" } },
      { "id", BODY, ZEROS, { scheme = "standard", id = ("x"):rep(257) } },
      { "id", "{}", ZEROS, { scheme = "standard" } },
    } do
      assert.equal(case[1], misuse("sign", case[2], case[3], case[4]).param)
    end
    assert.matches('did you mean "verify"', tostring(select(2, pcall(function() return safe.webhooks.verfy end))))
  end)
end)

describe("the scheme of Standard Webhooks", function()
  -- The specification's own example, and the signature that its authors' library makes of it.
  local KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
  local TEXT = '{"test": 2432232314}'
  local OF_TEXT = { ["webhook-id"] = "msg_p5jXN8AQM9LWM0D4loKWxJek", ["webhook-timestamp"] = "1614265330",
    ["webhook-signature"] = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" }
  local STANDARD = { scheme = "standard", now = NOW }

  local function headers(changes)
    local map = gitdev.webhooks.sign(BODY, ZEROS, STANDARD)
    for name, value in pairs(changes or {}) do
      map[name] = value or nil
    end
    return map
  end

  it("signs as others do", function()
    assert.same(OF_TEXT, gitdev.webhooks.sign(TEXT, KEY, { scheme = "standard", now = 1614265330, id = OF_TEXT["webhook-id"] }))
    local at_then = { scheme = "standard", now = 1614265330 }
    assert.equal("bad_payload", (reason(TEXT, OF_TEXT, KEY, at_then))) -- the signature is good
    assert.equal("no_match", (reason(TEXT .. " ", OF_TEXT, KEY, at_then)))
  end)

  it("signs with the bytes that the secret's characters are", function()
    local map = headers()
    assert.same({ "evt_8x9y7z6w5v4u", "1718942301" }, { map["webhook-id"], map["webhook-timestamp"] })
    assert.equal("v1,X5LEPEw4bIbm73LyJl5gZrCI4EFsSp48xLrQnXuXX2M=", map["webhook-signature"])
  end)

  it("passes what is right", function()
    local right = headers()["webhook-signature"]
    for _, case in ipairs {
      { headers() },
      { headers(), now = NOW + 300 },
      { headers(), now = NOW - 300 },
      { headers(), now = NOW + 1e6, tolerance = false },
      { { ["Webhook-Id"] = "evt_8x9y7z6w5v4u", ["WEBHOOK-TIMESTAMP"] = " 1718942301 ", ["webhook-signature"] = right } },
      { headers { ["webhook-signature"] = "v1," .. ("A"):rep(43) .. "= " .. right } },
      { headers { ["webhook-signature"] = right .. " v1a,AAAA v2," } },
      { headers { ["webhook-signature"] = " " .. right .. "  v1," .. ("A"):rep(43) .. "= " } },
      { headers(), secret = { LETTERS, ZEROS } },
      { headers(), secret = ZEROS:sub(7) },
      { gitdev.webhooks.sign(BODY, { LETTERS, ZEROS }, STANDARD) },
    } do
      local options = { scheme = "standard", now = case.now or NOW, tolerance = case.tolerance }
      assert.equal("evt_8x9y7z6w5v4u", verify(BODY, case[1], case.secret or ZEROS, options).id)
    end
  end)

  it("takes keys of 24 to 64 bytes, with their padding or without", function()
    local letters = ("QUJD"):rep(22)
    for _, case in ipairs {
      { letters:sub(1, 32), true }, { letters:sub(1, 86) .. "==", true }, { letters:sub(1, 86), true }, { letters:sub(1, 43) .. "=", true },
      { "+/+/" .. letters:sub(1, 32), true },
      { letters:sub(1, 31), false }, { letters:sub(1, 87), false }, { letters:sub(1, 33), false }, { letters:sub(1, 42) .. "=", false },
      { letters:sub(1, 40) .. "====", false }, { letters:sub(1, 32) .. "=", false }, { "-_" .. letters:sub(1, 32), false },
      { letters:sub(1, 16) .. " " .. letters:sub(1, 16), false }, { "", false },
    } do
      for _, secret in ipairs { "whsec_" .. case[1], case[1] ~= "" and case[1] or "whsec_" } do
        local map, err = safe.webhooks.sign(BODY, secret, STANDARD)
        if case[2] then
          assert.is_table(verify(BODY, map, secret, STANDARD), secret)
          assert.is_table(verify(BODY, map, { ZEROS, secret }, STANDARD), secret)
        else
          assert.equal("no_secret", err.reason)
          assert.equal("no_secret", (reason(BODY, headers(), secret, STANDARD)))
          assert.equal("no_secret", (reason(BODY, headers(), { ZEROS, secret }, STANDARD)))
        end
      end
    end
  end)

  local right = headers()["webhook-signature"]
  local REFUSE = {
    malformed_header = {
      ["nothing"] = {},
      ["no signature"] = headers { ["webhook-signature"] = false },
      ["no id"] = headers { ["webhook-id"] = false },
      ["no timestamp"] = headers { ["webhook-timestamp"] = false },
      ["only the header of 4.4"] = { ["X-Git-Signature"] = RIGHT },
      ["empty"] = headers { ["webhook-signature"] = "" },
      ["blank"] = headers { ["webhook-signature"] = "  " },
      ["no version"] = headers { ["webhook-signature"] = right:sub(4) },
      ["an empty version"] = headers { ["webhook-signature"] = right:sub(3) },
      ["another version"] = headers { ["webhook-signature"] = "v1a" .. right:sub(3) },
      ["the form of 4.4"] = headers { ["webhook-signature"] = RIGHT },
      ["31 bytes"] = headers { ["webhook-signature"] = "v1," .. ("A"):rep(42) },
      ["33 bytes"] = headers { ["webhook-signature"] = "v1," .. ("A"):rep(44) },
      ["31 bytes beside a good one"] = headers { ["webhook-signature"] = right .. " v1," .. ("A"):rep(42) },
      ["base64 for URLs"] = headers { ["webhook-signature"] = "v1,-_" .. right:sub(6) },
      ["two joined by a comma"] = headers { ["webhook-signature"] = right .. ", " .. right },
      ["too long"] = headers { ["webhook-signature"] = right .. (" "):rep(1000) },
      ["an id with a full stop"] = headers { ["webhook-id"] = "evt_8x9y7z6w5v4u.1" },
      ["an id with a blank"] = headers { ["webhook-id"] = "evt 1" },
      ["an id with a line's end"] = headers { ["webhook-id"] = "evt_1\n" },
      ["an id of 257"] = headers { ["webhook-id"] = ("x"):rep(257) },
      ["a timestamp with letters"] = headers { ["webhook-timestamp"] = "17x" },
      ["a timestamp with a sign"] = headers { ["webhook-timestamp"] = "+1718942301" },
      ["a timestamp of 13 digits"] = headers { ["webhook-timestamp"] = "1718942301000" },
      ["a timestamp with a fraction"] = headers { ["webhook-timestamp"] = "1718942301.0" },
      ["a signature twice"] = headers { ["Webhook-Signature"] = right },
    },
    no_match = {
      ["another id"] = headers { ["webhook-id"] = "evt_8x9y7z6w5v4v" },
      ["another time"] = headers { ["webhook-timestamp"] = "1718942302" },
      ["another signature"] = headers { ["webhook-signature"] = "v1," .. ("A"):rep(43) .. "=" },
    },
  }

  for expected, cases in pairs(REFUSE) do
    for name, map in pairs(cases) do
      it("refuses: " .. name, function()
        assert.equal(expected, (reason(BODY, map, ZEROS, STANDARD)))
      end)
    end
  end

  it("refuses what is late, early, or under another key", function()
    for _, now in ipairs { NOW + 301, NOW - 301 } do
      assert.equal("timestamp_outside_tolerance", (reason(BODY, headers(), ZEROS, { scheme = "standard", now = now })))
    end
    assert.equal("no_match", (reason(BODY, headers(), LETTERS, STANDARD)))
    assert.equal("malformed_header", (reason(BODY, nil, ZEROS, STANDARD)))
  end)

  it("is not what another scheme takes", function()
    assert.equal("malformed_header", (reason(BODY, headers(), ZEROS, at(NOW))))
    assert.equal("malformed_header", (reason(BODY, headers()["webhook-signature"], ZEROS, at(NOW))))
  end)
end)

describe("the scheme of the body alone", function()
  local OF_BODY = { scheme = "body" }
  local header = gitdev.webhooks.sign(BODY, ZEROS, OF_BODY)

  it("is taken when it is asked for, with its name before it or not", function()
    assert.matches("^sha256=%x+$", header)
    assert.equal("sha256=0c2d25bd015e1a388755be11b4927e2e17b66bf0c2a89afbcd1cc618c56c36cb", header)
    for _, form in ipairs { header, header:sub(8), header:upper():gsub("SHA", "sha"), " " .. header .. " ", { ["x-git-signature"] = header } } do
      assert.is_table(verify(BODY, form, ZEROS, OF_BODY))
      assert.is_table(verify(BODY, form, { LETTERS, ZEROS }, { scheme = "body", tolerance = false }))
      assert.equal("malformed_header", (reason(BODY, form, ZEROS, { tolerance = false })))
    end
  end)

  it("refuses what is not right", function()
    for _, case in ipairs {
      { header, BODY .. " ", ZEROS, "no_match" },
      { header, BODY, LETTERS, "no_match" },
      { header, BODY, "", "no_secret" },
      { RIGHT, BODY, ZEROS, "malformed_header" },
      { "", BODY, ZEROS, "malformed_header" },
      { "sha256=", BODY, ZEROS, "malformed_header" },
      { "sha1=" .. header:sub(8), BODY, ZEROS, "malformed_header" },
      { header:sub(1, -2), BODY, ZEROS, "malformed_header" },
      { header .. "0", BODY, ZEROS, "malformed_header" },
      { header .. "," .. header, BODY, ZEROS, "malformed_header" },
      { "sha256= " .. header:sub(8), BODY, ZEROS, "malformed_header" },
      { nil, BODY, ZEROS, "malformed_header" },
    } do
      assert.equal(case[4], (reason(case[2], case[1], case[3], OF_BODY)))
    end
  end)
end)

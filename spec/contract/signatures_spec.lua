-- Signatures of webhooks, made here and verified by the libraries of others, and the other way round: Stripe's scheme is the contract's (4.4), Svix
-- and Standard Webhooks have theirs beside it.
local compat = require "gitdev.compat"
local gitdev = require "gitdev.safe"
local json = require "gitdev.json"
local tools = require "spec.contract.tools"
local world = require "spec.lua.support.world"

local SECRET, OTHER = "whsec_abcdefghijklmnopqrstuvwxyz012345", "whsec_543210zyxwvutsrqponmlkjihgfedcba"
local TIME, TOLERANCE = 1718942301, 300
local URL = "https://example.com/hooks"

-- Bodies whose bytes are easily spoiled on the way.
local BODIES = {
  ["the page's sample"] = '{"id":"evt_8x9y7z6w5v4u","type":"deployment.completed","timestamp":1718942301,"data":{"project":"my-app",'
    .. '"status":"live","url":"https://my-app.git.dev","duration_ms":2400}}',
  ["text beyond ASCII"] = '{"id":"evt_000000000000","type":"webhook.ping","timestamp":1718942301,"data":{"note":"é😀\\n=\226\128\168"}}',
  ["blanks, escapes and a fraction"] = '{ "id":"evt_000000000001", "type":"webhook.ping",\n"timestamp":1718942301,\t"data":'
    .. '{"a":"\\u0041\\/","b":1.50}}',
  ["64 KiB"] = '{"id":"evt_000000000002","type":"webhook.ping","timestamp":1718942301,"data":{"note":"' .. ("x"):rep(65000) .. '"}}',
}

-- By whom, and by which of our schemes it is understood.
local LIBRARIES = { stripe = "git", svix = "standard", standardwebhooks = "standard" }

-- Has the libraries do what the list says, in order.
local function ask(list)
  local lines = {}
  for index, one in ipairs(list) do
    lines[index] = assert(json.encode(one))
  end
  local status, out, err = tools.node("signatures.mjs", table.concat(lines, "\n") .. "\n")
  assert(status == 0, err)
  local answers = {}
  for line in out:gmatch "[^\n]+" do
    answers[#answers + 1] = assert(json.decode(line))
  end
  assert(#answers == #list, out)
  return answers
end

-- The headers of a body that is signed here, by their names in lower case.
local function sign(scheme, body, secret)
  local signed = assert(gitdev.webhooks.sign(body, secret, { now = TIME, scheme = scheme }))
  return scheme == "git" and { ["x-git-signature"] = signed } or signed
end

local function verification(library, body, headers, secret, now)
  return { library = library, act = "verify", secret = secret or SECRET, headers = headers, body = body, now = now or TIME }
end

local function lower(headers)
  local map = {}
  for name, value in pairs(headers) do
    map[name:lower()] = value
  end
  return map
end

for library, scheme in pairs(LIBRARIES) do
  describe("the library of " .. library, function()
    it("verifies what is signed here", function()
      local list, names = {}, {}
      for name, body in pairs(BODIES) do
        list[#list + 1], names[#names + 1] = verification(library, body, sign(scheme, body, SECRET)), name
      end
      for index, answer in ipairs(ask(list)) do
        assert.is_nil(answer.refused, names[index])
        assert.same(json.decode(BODIES[names[index]]), answer.event, names[index])
      end
    end)

    it("verifies either of two signatures during a rotation", function()
      local body = BODIES["the page's sample"]
      local headers = sign(scheme, body, { OTHER, SECRET })
      for _, answer in ipairs(ask { verification(library, body, headers, SECRET), verification(library, body, headers, OTHER) }) do
        assert.is_nil(answer.refused)
      end
    end)

    it("refuses what is refused here", function()
      local body = BODIES["the page's sample"]
      local headers = sign(scheme, body, SECRET)
      local cases = {
        { "another body", body .. " ", headers, SECRET, TIME },
        { "another secret", body, headers, OTHER, TIME },
        { "a second too late", body, headers, SECRET, TIME + TOLERANCE + 1 },
      }
      local list = {}
      for index, case in ipairs(cases) do
        list[index] = verification(library, case[2], case[3], case[4], case[5])
      end
      for index, answer in ipairs(ask(list)) do
        local name, given, with, secret, now = compat.unpack(cases[index])
        assert.is_string(answer.refused, name)
        local event, err = gitdev.webhooks.verify(given, with, secret, { now = now, scheme = scheme })
        assert.is_nil(event, name)
        assert.equal("signature_error", err.type, name)
      end
    end)

    it("signs what is verified here", function()
      local list, names = {}, {}
      for name, body in pairs(BODIES) do
        list[#list + 1], names[#names + 1] =
          { library = library, act = "sign", secret = SECRET, id = "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W", time = TIME, body = body }, name
      end
      for index, answer in ipairs(ask(list)) do
        local body, headers = BODIES[names[index]], answer.headers
        for _, now in ipairs { TIME, TIME + TOLERANCE, TIME - TOLERANCE } do
          local event, err = gitdev.webhooks.verify(body, headers, { OTHER, SECRET }, { now = now, scheme = scheme })
          assert.is_nil(err, names[index])
          assert.equal(json.decode(body).id, event.id)
        end
        local event, err = gitdev.webhooks.verify(body .. " ", headers, SECRET, { now = TIME, scheme = scheme })
        assert.is_nil(event)
        assert.equal("no_match", err.reason)
      end
    end)

    it("verifies every delivery of the emulator, also while the secret is rotated", function()
      local w = world.new()
      local made = w:post("/webhooks", { url = URL, events = { "*" } }).json
      w:deployed()
      local rotated = w:post("/webhooks/" .. made.id .. "/rotate_secret").json
      w:deployed { metadata = { emulate = "build_failed" } }
      w:wait(10)
      local list = {}
      for index, sent in ipairs(w.emulator:sent()) do
        local headers = lower(sent.headers)
        list[index] = verification(library, sent.body, headers, made.secret, tonumber(headers["webhook-timestamp"]))
      end
      assert.is_true(#list >= 6)
      local last = list[#list]
      list[#list + 1] = verification(library, last.body, last.headers, rotated.secret, last.now)
      for index, answer in ipairs(ask(list)) do
        assert.is_nil(answer.refused)
        assert.same(json.decode(list[index].body), answer.event)
      end
    end)
  end)
end

-- Certificates: issued, renewed, or not (contract 2.10, 3.3, 4.3).
local events = require "gitdev.emulator.store.events"
local json = require "gitdev.json"
local world = require "spec.lua.support.world"

local codes = world.codes

local MINUTE, HOUR, DAY = 60, 3600, 86400
local TARGET = "my-app.git.dev"
local FORBID = '0 issue "other.example"'

describe("the emulator's certificates", function()
  local w, heard

  before_each(function()
    heard = {}
    w = world.new { dns = { ["www.example.com"] = { CNAME = TARGET }, ["*.example.net"] = { CNAME = TARGET } } }
  end)

  local function dns(answers)
    assert.equal(204, w:send("POST", "/dns", answers, { base = "/_emulator", key = false }).status)
  end

  local function add(name, fields)
    local body = { project = "my-app", name = name }
    for field, value in pairs(fields or {}) do
      body[field] = value
    end
    local answer = w:post("/domains", body)
    assert.equal(201, answer.status, answer.body)
    return answer.json
  end

  local function domain_of(name)
    return w:get("/domains/" .. name).json
  end

  local function certificate_of(name)
    return w:get("/certificates/" .. domain_of(name).certificate_id).json
  end

  local function forbid()
    dns { ["example.com"] = { CAA = FORBID } }
  end

  local function allow()
    dns { ["example.com"] = {} }
  end

  -- Lets time pass, and hears of the events meanwhile: they are kept for 30 days only.
  local function pass(seconds)
    repeat
      w:wait(math.min(seconds, 20 * DAY))
      seconds = seconds - 20 * DAY
      for _, event in ipairs(w.emulator:events()) do
        local verb = event.type:match "^certificate%.(.+)"
        if verb and not heard[event.id] then
          heard[event.id] = true
          heard[#heard + 1] = { verb = verb, timestamp = event.timestamp }
        end
      end
    until seconds <= 0
  end

  -- The events about certificates that were heard, and when they came, in days after `from`.
  local function told(from)
    pass(0)
    local list = {}
    for index, event in ipairs(heard) do
      list[index] = event.verb .. (from and ("@%g"):format((event.timestamp - from) / DAY) or "")
    end
    return table.concat(list, " ")
  end

  it("are asked for when a domain is verified, and issued a moment later", function()
    add "www.example.com"
    assert.equal(json.null, domain_of("www.example.com").certificate_id)
    w:wait(1)
    local certificate = certificate_of "www.example.com"
    assert.equal("", world.misfit(certificate, "certificate"))
    assert.same({
      id = certificate.id,
      object = "certificate",
      domains = { "www.example.com" },
      source = "managed",
      status = "pending",
      issuer = json.null,
      serial = json.null,
      fingerprint_sha256 = json.null,
      not_before = json.null,
      not_after = json.null,
      error = json.null,
      created_at = world.START,
    }, certificate)
    w:wait(2)
    certificate = certificate_of "www.example.com"
    assert.equal("", world.misfit(certificate, "certificate"))
    assert.equal("issued", certificate.status)
    assert.equal("Git Edge CA 1", certificate.issuer)
    assert.truthy(certificate.serial:find "^%x+$" and #certificate.serial == 32)
    assert.truthy(certificate.fingerprint_sha256:find "^[0-9a-f]+$" and #certificate.fingerprint_sha256 == 64)
    assert.equal(world.START + 2, certificate.not_before)
    assert.equal(certificate.not_before + 90 * DAY, certificate.not_after)
  end)

  it("are told of with the contract's data", function()
    add "www.example.com"
    w:wait(3)
    local certificate = certificate_of "www.example.com"
    local found
    for _, event in ipairs(w.emulator:events()) do
      found = event.type == "certificate.issued" and event or found
    end
    assert.equal(
      ('{"certificate_id":"%s","domains":["www.example.com"],"not_after":%d,"error":null}'):format(
        certificate.id, certificate.not_after),
      events.body(found):match '"data":(.*)}$'
    )
  end)

  describe("are listed", function()
    before_each(function()
      w:post("/projects", { slug = "shop" })
      dns { ["c.example.com"] = { CNAME = "shop.git.dev" }, ["bad.example.com"] = { A = "203.0.113.21", CAA = FORBID } }
      add "www.example.com"
      add "a.example.net"
      add("c.example.com", { project = "shop" })
      add "bad.example.com"
      add "none.example.org"
      w:wait(3)
    end)

    local function names(path, extra)
      local list = {}
      for index, certificate in ipairs(w:get(path, extra).json.data) do
        list[index] = certificate.domains[1]
      end
      return table.concat(list, " ")
    end

    local cases = {
      { "", "bad.example.com c.example.com a.example.net www.example.com" },
      { "?order=asc", "www.example.com a.example.net c.example.com bad.example.com" },
      { "?status=failed", "bad.example.com" },
      { "?status=issued", "c.example.com a.example.net www.example.com" },
      { "?status=expired", "" },
      { "?domain=c.example.com", "c.example.com" },
      { "?domain=C.Example.com", "c.example.com" },
      { "?domain=c.example.com&status=failed", "" },
      { "?domain=none.example.org", "" },
      { "?domain=nope.example.org", "" },
    }
    for _, case in ipairs(cases) do
      it("with " .. case[1], function()
        assert.equal(case[2], names("/certificates" .. case[1]))
      end)
    end

    it("by a domain's id", function()
      assert.equal("c.example.com", names("/certificates?domain=" .. domain_of("c.example.com").id))
    end)

    it("page by page, without repeats while others come", function()
      local count = 0
      local found = w:walk("/certificates?limit=1", function()
        count = count + 1
        add("x" .. count .. ".example.net")
        w:wait(1)
      end)
      assert.equal(4, #found)
    end)

    it("to keys with the scope, and of their projects alone", function()
      local limited = { key = w.emulator:issue_key { projects = { "shop" }, scopes = { "edge:read" } } }
      local stranger = { key = w.emulator:issue_key { scopes = { "projects:read" } } }
      local mine, theirs = certificate_of "c.example.com", certificate_of "www.example.com"
      assert.equal("c.example.com", names("/certificates", limited))
      assert.equal("", names("/certificates?domain=www.example.com", limited))
      assert.equal(200, w:get("/certificates/" .. mine.id, limited).status)
      assert.equal("404 resource_missing", codes(w:get("/certificates/" .. theirs.id, limited)))
      assert.equal("404 resource_missing", codes(w:get("/certificates/crt_000000000000", limited)))
      assert.equal("403 insufficient_scope", codes(w:get("/certificates", stranger)))
      assert.equal("403 insufficient_scope", codes(w:get("/certificates/" .. mine.id, stranger)))
    end)

    it("never with an unknown status", function()
      assert.equal("400 parameter_invalid status", codes(w:get "/certificates?status=live"))
    end)
  end)

  describe("are issued or not, as CAA records say:", function()
    local ALLOWED = {
      { "none", "www.example.com", {} },
      { "the issuer's", "www.example.com", { ["example.com"] = { CAA = '0 issue "pki.git.dev"' } } },
      { "the issuer's among others", "www.example.com", { ["example.com"] = { CAA = { FORBID, '0 issue "PKI.git.dev; x=1"' } } } },
      { "another kind", "www.example.com", { ["example.com"] = { CAA = '0 iodef "mailto:a@example.com"' } } },
      { "an unknown kind", "www.example.com", { ["example.com"] = { CAA = '0 future "x"' } } },
      { "of wildcards alone", "www.example.com", { ["example.com"] = { CAA = '0 issuewild "other.example"' } } },
      { "of a name between, not above", "a.b.example.net",
        { ["example.net"] = { CAA = FORBID }, ["*.b.example.net"] = { CNAME = TARGET },
          ["b.example.net"] = { CAA = '0 issue "pki.git.dev"' } } },
      { "a wildcard's own", "*.example.net", { ["example.net"] = { CAA = { FORBID, '0 issuewild "pki.git.dev"' } } } },
    }
    local FORBIDDEN = {
      { "another issuer's", "www.example.com", { ["example.com"] = { CAA = FORBID } } },
      { "nobody's", "www.example.com", { ["example.com"] = { CAA = '0 issue ";"' } } },
      { "of the highest name", "www.example.com", { ["com"] = { CAA = FORBID } } },
      { "a critical one of an unknown kind", "www.example.com", { ["example.com"] = { CAA = '128 future "x"' } } },
      { "for a wildcard", "*.example.net", { ["example.net"] = { CAA = '0 issuewild "other.example"' } } },
      { "for a wildcard, as for all", "*.example.net", { ["example.net"] = { CAA = FORBID } } },
      { "for a wildcard, though not for others", "*.example.net",
        { ["example.net"] = { CAA = { '0 issue "pki.git.dev"', '0 issuewild ";"' } } } },
    }
    for verdict, cases in pairs { issued = ALLOWED, failed = FORBIDDEN } do
      for _, case in ipairs(cases) do
        it(verdict .. ", " .. case[1], function()
          if next(case[3]) then
            dns(case[3])
          end
          add(case[2])
          w:wait(3)
          local certificate = certificate_of(case[2])
          assert.equal(verdict, certificate.status)
          assert.equal(verdict == "failed" and "caa_forbidden", certificate.error ~= json.null and certificate.error.code)
        end)
      end
    end
  end)

  describe("that could not be had", function()
    it("leave the domain verified, and are tried for after 1 minute, 10 minutes, 1 hour, then every 6 hours", function()
      forbid()
      add "www.example.com"
      w:wait(3)
      local domain, certificate = domain_of "www.example.com", certificate_of "www.example.com"
      assert.equal("verified certificate_failed", domain.status .. " " .. domain.error.code)
      assert.equal("failed caa_forbidden", certificate.status .. " " .. certificate.error.code)
      w:wait(14 * HOUR)
      local times, last = {}, nil
      for _, event in ipairs(w.emulator:events()) do
        if event.type == "certificate.failed" then
          times[#times + 1] = last and event.timestamp - last - 2 -- an attempt takes two seconds
          last = event.timestamp
          assert.equal("caa_forbidden", event.data.error.code)
        end
      end
      assert.same({ MINUTE, 10 * MINUTE, HOUR, 6 * HOUR, 6 * HOUR }, times)
    end)

    it("are pending while they are tried for, and issued when nothing is in the way", function()
      forbid()
      add "www.example.com"
      w:wait(3 + MINUTE)
      assert.equal("pending", certificate_of("www.example.com").status)
      assert.equal(json.null, certificate_of("www.example.com").error)
      w:wait(2)
      assert.equal("failed", certificate_of("www.example.com").status)
      allow()
      w:wait(10 * MINUTE + 2)
      assert.equal("issued", certificate_of("www.example.com").status)
      local domain = domain_of "www.example.com"
      assert.equal("active", domain.status)
      assert.equal(json.null, domain.error)
      assert.equal("failed failed issued", told())
    end)

    it("because the traffic went elsewhere, say so", function()
      add "www.example.com"
      w:wait(1)
      dns { ["www.example.com"] = { CNAME = "example.net" } }
      w:wait(2)
      assert.equal("traffic_record_wrong", certificate_of("www.example.com").error.code)
      assert.equal("verified", domain_of("www.example.com").status)
      dns { ["www.example.com"] = { CNAME = TARGET } }
      w:wait(MINUTE + 2)
      assert.equal("active", domain_of("www.example.com").status)
    end)
  end)

  describe("are renewed", function()
    local from

    before_each(function()
      add "www.example.com"
      pass(3)
      from = certificate_of("www.example.com").not_before
    end)

    it("30 days before their end, again and again", function()
      local first = certificate_of "www.example.com"
      pass(60 * DAY - 1)
      assert.equal("renewing", certificate_of("www.example.com").status)
      assert.equal(first.serial, certificate_of("www.example.com").serial)
      pass(2)
      local second = certificate_of "www.example.com"
      assert.equal("issued", second.status)
      assert.equal(first.id, second.id)
      assert.not_equal(first.serial, second.serial)
      assert.not_equal(first.fingerprint_sha256, second.fingerprint_sha256)
      assert.equal(from + 60 * DAY + 2, second.not_before)
      assert.equal(second.not_before + 90 * DAY, second.not_after)
      pass(70 * DAY)
      assert.equal("issued renewed renewed", told())
      assert.equal("active", domain_of("www.example.com").status)
    end)

    it("or tell 14, 7 and 1 days before their end that they could not be, and expire", function()
      forbid()
      pass(60 * DAY + MINUTE)
      local certificate = certificate_of "www.example.com"
      assert.equal("renewing caa_forbidden", certificate.status .. " " .. certificate.error.code)
      pass(30 * DAY - 2 * MINUTE)
      assert.equal("renewing", certificate_of("www.example.com").status)
      local rest = told(from):gsub("failed@%S+ ?", "")
      assert.equal("issued@0 expiring@76 expiring@83 expiring@89 ", rest)
      pass(MINUTE)
      certificate = certificate_of "www.example.com"
      assert.equal("expired", certificate.status)
      assert.equal(from + 90 * DAY, certificate.not_after)
      assert.equal("active", domain_of("www.example.com").status)
    end)

    it("late, when it becomes possible: then nothing expires", function()
      forbid()
      pass(80 * DAY)
      allow()
      pass(7 * HOUR)
      local certificate = certificate_of "www.example.com"
      assert.equal("issued", certificate.status)
      assert.equal(json.null, certificate.error)
      assert.equal(1, select(2, told():gsub("expiring", "")))
      pass(50 * DAY)
      assert.equal("issued", certificate_of("www.example.com").status)
      assert.truthy(told():find "failed renewed$")
    end)

    it("even after their end", function()
      forbid()
      pass(91 * DAY)
      assert.equal("expired", certificate_of("www.example.com").status)
      allow()
      pass(7 * HOUR)
      local certificate = certificate_of "www.example.com"
      assert.equal("issued", certificate.status)
      assert.truthy(certificate.not_after > w.now)
      assert.truthy(told():find "failed renewed$")
    end)

    it("not without their traffic", function()
      dns { ["www.example.com"] = {} }
      pass(60 * DAY + 2)
      assert.equal("misconfigured", domain_of("www.example.com").status)
      assert.equal("renewing traffic_record_wrong",
        certificate_of("www.example.com").status .. " " .. certificate_of("www.example.com").error.code)
      dns { ["www.example.com"] = { CNAME = TARGET } }
      pass(6 * HOUR + 3)
      assert.equal("active issued", domain_of("www.example.com").status .. " " .. certificate_of("www.example.com").status)
    end)
  end)
end)

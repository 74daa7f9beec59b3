-- Domains and their state machine (contract 2.10, 3.3, 4.3).
local events = require "gitdev.emulator.store.events"
local json = require "gitdev.json"
local world = require "spec.lua.support.world"

local codes = world.codes

local MINUTE, HOUR, DAY = 60, 3600, 86400
local TARGET = "my-app.git.dev"
local A, AAAA = "203.0.113.21", "2001:db8:67::21"

describe("the emulator's domains", function()
  local w

  before_each(function()
    w = world.new { dns = {} }
  end)

  local function control(method, path, body)
    return w:send(method, path, body, { base = "/_emulator", key = false })
  end

  -- Sets what name servers answer; { name = {} } takes a name away.
  local function dns(answers)
    assert.equal(204, control("POST", "/dns", answers).status)
  end

  local function add(name, fields, extra)
    local body = { project = "my-app", name = name }
    for field, value in pairs(fields or {}) do
      body[field] = value
    end
    return w:post("/domains", body, extra)
  end

  local function added(name, fields, extra)
    local answer = add(name, fields, extra)
    assert.equal(201, answer.status, answer.body)
    return answer.json
  end

  local function read(name, extra)
    return w:get("/domains/" .. name, extra).json
  end

  local function verify(name)
    return w:post("/domains/" .. name .. "/verify")
  end

  local function proof(domain)
    return domain.verification[1].value
  end

  local function prove(domain)
    dns { [domain.verification[1].name] = { TXT = { proof(domain) } } }
  end

  -- The types of the events about domains and certificates so far.
  local function told(livemode)
    local list = {}
    for _, event in ipairs(w.emulator:events(livemode)) do
      if event.type:find "^domain" or event.type:find "^certificate" then
        list[#list + 1] = event.type
      end
    end
    return table.concat(list, " ")
  end

  local function names(path, extra)
    local list = {}
    for index, domain in ipairs(w:get(path, extra).json.data) do
      list[index] = domain.name
    end
    return table.concat(list, " ")
  end

  -- A domain that answers.
  local function active(name)
    dns { [name] = { CNAME = TARGET } }
    local domain = added(name)
    w:wait(3)
    domain = read(domain.id)
    assert.equal("active", domain.status)
    return domain
  end

  describe("are added", function()
    it("pending, with the records to set", function()
      w:wait(7)
      local answer = add "www.example.com"
      local domain = answer.json
      assert.equal(201, answer.status)
      assert.equal("", world.misfit(domain, "domain"))
      assert.truthy(domain.id:match "^dom_%w+$")
      assert.truthy(proof(domain):match "^git%-verify=[0-9a-z]+$")
      assert.equal(#"git-verify=" + 12, #proof(domain))
      assert.same({
        id = domain.id,
        object = "domain",
        project = "my-app",
        project_id = w:get("/projects/my-app").json.id,
        name = "www.example.com",
        apex_name = "example.com",
        status = "pending",
        branch = json.null,
        redirect_to = json.null,
        redirect_status = json.null,
        verification = {
          { type = "TXT", name = "_git-challenge.www.example.com", value = proof(domain), found = {}, ok = false },
          { type = "CNAME", name = "www.example.com", value = TARGET, found = {}, ok = false },
        },
        certificate_id = json.null,
        error = json.null,
        created_at = world.START + 7,
        verified_at = json.null,
        last_checked_at = json.null,
      }, domain)
      assert.equal("domain.created", told())
    end)

    it("with a branch and a redirect", function()
      local domain = added("www.example.com", { branch = "develop", redirect_to = "Example.com" })
      assert.equal("develop example.com 308", domain.branch .. " " .. domain.redirect_to .. " " .. domain.redirect_status)
      assert.equal(301, added("a.example.com", { redirect_to = "b.example.net", redirect_status = 301 }).redirect_status)
      assert.equal(json.null, added("b.example.com", { redirect_status = 301 }).redirect_status)
    end)

    it("to any branch of a project without a repository, which is named by its id too", function()
      local bare = w:post("/projects", { slug = "bare" }).json
      assert.equal("bare", added("www.example.com", { project = bare.id, branch = "any" }).project)
    end)

    it("once under an idempotency key", function()
      local extra = { headers = { ["idempotency-key"] = "one" } }
      local first = add("www.example.com", nil, extra)
      local second = add("www.example.com", nil, extra)
      assert.equal(first.body, second.body)
      assert.equal("true", second.headers["idempotent-replayed"])
      assert.equal("domain.created", told())
    end)

    local NAMES = {
      -- as given, as kept, what it belongs to, the record for traffic
      { "example.com", "example.com", "example.com", "A AAAA" },
      { "WWW.Example.COM", "www.example.com", "example.com", "CNAME" },
      { "*.example.com", "*.example.com", "example.com", "CNAME" },
      { "a.b.c.example.com", "a.b.c.example.com", "example.com", "CNAME" },
      { "example.co.uk", "example.co.uk", "example.co.uk", "A AAAA" },
      { "shop.example.co.uk", "shop.example.co.uk", "example.co.uk", "CNAME" },
      { "www.t.co", "www.t.co", "t.co", "CNAME" },
      { "com.example", "com.example", "com.example", "A AAAA" },
      { "xn--bcher-kva.example", "xn--bcher-kva.example", "xn--bcher-kva.example", "A AAAA" },
      { "www.xn--e1afmkfd.xn--p1ai", "www.xn--e1afmkfd.xn--p1ai", "xn--e1afmkfd.xn--p1ai", "CNAME" },
      { "1.2.3.4.example.com", "1.2.3.4.example.com", "example.com", "CNAME" },
      { "notgit.dev", "notgit.dev", "notgit.dev", "A AAAA" },
      { ("a"):rep(63) .. ".example.com", ("a"):rep(63) .. ".example.com", "example.com", "CNAME" },
    }
    for _, case in ipairs(NAMES) do
      it("as " .. case[1]:sub(1, 40), function()
        local domain = added(case[1])
        local kinds = {}
        for index = 2, #domain.verification do
          kinds[#kinds + 1] = domain.verification[index].type
        end
        assert.same({ case[2], case[3], case[4] }, { domain.name, domain.apex_name, table.concat(kinds, " ") })
        assert.equal("_git-challenge." .. case[2]:gsub("^%*%.", ""), domain.verification[1].name)
      end)
    end
  end)

  describe("are refused", function()
    local cases = {
      { { name = "git.dev" }, "422 name_reserved name" },
      { { name = "Shop.GIT.dev" }, "422 name_reserved name" },
      { { name = "*.git.dev" }, "422 name_reserved name" },
      { { name = "example" }, "422 parameter_invalid name" },
      { { name = "" }, "422 parameter_invalid name" },
      { { name = "a..example.com" }, "422 parameter_invalid name" },
      { { name = ".example.com" }, "422 parameter_invalid name" },
      { { name = "example.com." }, "422 parameter_invalid name" },
      { { name = "-a.example.com" }, "422 parameter_invalid name" },
      { { name = "a-.example.com" }, "422 parameter_invalid name" },
      { { name = "a_b.example.com" }, "422 parameter_invalid name" },
      { { name = "a b.example.com" }, "422 parameter_invalid name" },
      { { name = "bücher.example" }, "422 parameter_invalid name" },
      { { name = "*.com" }, "422 parameter_invalid name" },
      { { name = "a.*.example.com" }, "422 parameter_invalid name" },
      { { name = "*a.example.com" }, "422 parameter_invalid name" },
      { { name = "**.example.com" }, "422 parameter_invalid name" },
      { { name = "192.0.2.1" }, "422 parameter_invalid name" },
      { { name = "https://example.com" }, "422 parameter_invalid name" },
      { { name = "example.com/shop" }, "422 parameter_invalid name" },
      { { name = "example.com:443" }, "422 parameter_invalid name" },
      { { name = ("a"):rep(64) .. ".example.com" }, "422 parameter_invalid name" },
      { { name = ("a."):rep(122) .. "example.com" }, "422 parameter_invalid name" },
      { { name = 7 }, "422 invalid_type name" },
      { { project = "nope" }, "422 resource_missing project" },
      { { branch = "nope" }, "422 resource_missing branch" },
      { { branch = "a b" }, "422 parameter_invalid branch" },
      { { branch = "" }, "422 parameter_invalid branch" },
      { { redirect_to = "https://example.com" }, "422 parameter_invalid redirect_to" },
      { { redirect_to = "*.example.com" }, "422 parameter_invalid redirect_to" },
      { { redirect_to = "WWW.example.com" }, "422 parameter_invalid redirect_to" },
      { { redirect_status = 303 }, "422 parameter_invalid redirect_status" },
      { { redirect_status = "308" }, "422 invalid_type redirect_status" },
      { { status = "active" }, "422 parameter_unknown status" },
      {
        { project = "nope", name = "git.dev", redirect_to = "git.dev" },
        "422 resource_missing project, name_reserved name, parameter_invalid redirect_to",
      },
    }
    for _, case in ipairs(cases) do
      it("with " .. json.encode(case[1]):sub(1, 60) .. ": " .. case[2], function()
        assert.equal(case[2], codes(add("www.example.com", case[1])))
        assert.equal(0, #w:get("/domains").json.data)
        assert.equal("", told())
      end)
    end

    it("without a project or a name", function()
      assert.equal("422 parameter_missing project, parameter_missing name", codes(w:post("/domains", {})))
    end)

    it("where there is one of the name", function()
      added "www.example.com"
      assert.equal("409 already_exists name", codes(add "WWW.example.com"))
      w:post("/projects", { slug = "shop" })
      assert.equal("409 already_exists name", codes(add("www.example.com", { project = "shop" })))
      added "*.example.com"
    end)

    it("where redirects would go round", function()
      added("a.example.com", { redirect_to = "b.example.com" })
      added("b.example.com", { redirect_to = "c.example.com" })
      assert.equal("422 parameter_invalid redirect_to", codes(add("c.example.com", { redirect_to = "a.example.com" })))
      added("c.example.com", { redirect_to = "d.example.com" })
    end)
  end)

  describe("are listed", function()
    before_each(function()
      w:post("/projects", { slug = "shop" })
      dns { ["a.example.com"] = { CNAME = TARGET }, ["c.example.net"] = { CNAME = "shop.git.dev" } }
      added "a.example.com"
      added "b.example.com"
      added("c.example.net", { project = "shop" })
      w:wait(3)
    end)

    local cases = {
      { "", "c.example.net b.example.com a.example.com" },
      { "?order=asc", "a.example.com b.example.com c.example.net" },
      { "?project=shop", "c.example.net" },
      { "?project=my-app", "b.example.com a.example.com" },
      { "?project=nope", "" },
      { "?status=active", "c.example.net a.example.com" },
      { "?status=pending", "b.example.com" },
      { "?status=misconfigured", "" },
      { "?search=EXAMPLE.C", "b.example.com a.example.com" },
      { "?search=b.", "b.example.com" },
      { "?search=%25a", "" },
      { "?status=active&project=my-app&search=a", "a.example.com" },
    }
    for _, case in ipairs(cases) do
      it("with " .. case[1], function()
        assert.equal(case[2], names("/domains" .. case[1]))
      end)
    end

    it("page by page, without repeats while others come and go", function()
      local seen = {}
      local found = w:walk("/domains?limit=1", function(page)
        added("x" .. page .. ".example.org")
        if page == 1 then
          w:delete "/domains/b.example.com"
        end
      end)
      for index, domain in ipairs(found) do
        seen[index] = domain.name
      end
      assert.same({ "c.example.net", "a.example.com" }, seen)
    end)

    it("with cursors that hold to their filters", function()
      local page = w:get("/domains?limit=1").json
      assert.equal("400 cursor_mismatch cursor", codes(w:get("/domains?limit=1&status=active&cursor=" .. page.next_cursor)))
    end)

    it("never with an unknown status", function()
      assert.equal("400 parameter_invalid status", codes(w:get "/domains?status=live"))
    end)
  end)

  describe("are read", function()
    it("by id and by name, in any case", function()
      local domain = added "www.example.com"
      for _, name in ipairs { domain.id, "www.example.com", "WWW.EXAMPLE.COM", "www%2Eexample.com" } do
        assert.equal(domain.id, read(name).id)
      end
    end)

    it("by the name of a wildcard", function()
      local domain = added "*.example.com"
      assert.equal(domain.id, read("*.example.com").id)
      assert.equal(domain.id, read("%2A.example.com").id)
    end)

    it("or not", function()
      for _, name in ipairs { "www.example.com", "dom_000000000000" } do
        assert.equal("404 resource_missing", codes(w:get("/domains/" .. name)))
        assert.equal("404 resource_missing", codes(verify(name)))
        assert.equal("404 resource_missing", codes(w:delete("/domains/" .. name)))
      end
    end)
  end)

  describe("to keys", function()
    it("with the scope", function()
      local domain = added "www.example.com"
      local reader = { key = w.emulator:issue_key { scopes = { "edge:read" } } }
      local stranger = { key = w.emulator:issue_key { scopes = { "projects:write" } } }
      assert.equal(200, w:get("/domains/" .. domain.id, reader).status)
      assert.equal("403 insufficient_scope", codes(w:get("/domains", stranger)))
      assert.equal("edge:read", w:get("/domains", stranger).json.error.required_scope)
      for _, answer in ipairs {
        w:post("/domains", { project = "my-app", name = "a.example.com" }, reader),
        w:post("/domains/" .. domain.id .. "/verify", nil, reader),
        w:delete("/domains/" .. domain.id, reader),
      } do
        assert.equal("403 insufficient_scope", codes(answer))
        assert.equal("edge:write", answer.json.error.required_scope)
      end
    end)

    it("of their projects alone", function()
      w:post("/projects", { slug = "shop" })
      added("www.example.com", { project = "shop" })
      added "www.example.net"
      local limited = { key = w.emulator:issue_key { projects = { "my-app" } } }
      assert.equal("www.example.net", names("/domains", limited))
      assert.equal("", names("/domains?project=shop", limited))
      assert.equal("404 resource_missing", codes(w:get("/domains/www.example.com", limited)))
      assert.equal("404 resource_missing", codes(w:delete("/domains/www.example.com", limited)))
      assert.equal("404 resource_missing", codes(w:post("/domains/www.example.com/verify", nil, limited)))
      assert.equal("422 resource_missing project", codes(add("a.example.com", { project = "shop" }, limited)))
      assert.equal("409 already_exists name", codes(add("www.example.com", nil, limited)))
    end)
  end)

  -- ---- the state machine ----

  describe("are verified", function()
    local RIGHT = {
      { "the TXT record", "www.example.com", { ["_git-challenge.www.example.com"] = { TXT = "$" } }, "verified" },
      {
        "the TXT record among others",
        "www.example.com",
        { ["_git-challenge.www.example.com"] = { TXT = { "git-verify=aaaaaaaaaaaa", "$" } } },
        "verified",
      },
      {
        "the TXT record behind an alias",
        "www.example.com",
        { ["_git-challenge.www.example.com"] = { CNAME = "Proof.example.net." }, ["proof.example.net"] = { TXT = "$" } },
        "verified",
      },
      { "a wildcard's TXT record", "*.example.com", { ["_git-challenge.example.com"] = { TXT = "$" } }, "verified" },
      { "an alias", "www.example.com", { ["www.example.com"] = { CNAME = TARGET } }, "active" },
      { "an alias in other words", "www.example.com", { ["WWW.example.com."] = { CNAME = "My-App.git.dev." } }, "active" },
      {
        "an alias over another",
        "www.example.com",
        { ["www.example.com"] = { CNAME = "edge.example.com" }, ["edge.example.com"] = { CNAME = TARGET } },
        "active",
      },
      { "a wildcard's alias", "*.example.com", { ["*.example.com"] = { CNAME = TARGET } }, "active" },
      { "an alias that a wildcard gives", "a.b.example.com", { ["*.example.com"] = { CNAME = TARGET } }, "active" },
      { "addresses in the alias's place", "www.example.com", { ["www.example.com"] = { A = A, AAAA = { AAAA } } }, "active" },
      { "an apex's address", "example.com", { ["example.com"] = { A = { A } } }, "active" },
      { "an apex's addresses", "example.com", { ["example.com"] = { A = A, AAAA = AAAA } }, "active" },
      { "a flattened apex", "example.com", { ["example.com"] = { CNAME = TARGET } }, "active" },
    }
    for _, case in ipairs(RIGHT) do
      it("by " .. case[1], function()
        local domain = added(case[2])
        local text = json.encode(case[3]):gsub("%$", proof(domain))
        dns(text)
        w:wait(3)
        domain = read(domain.id)
        assert.equal(case[4], domain.status)
        assert.equal(world.START, domain.verified_at)
        assert.truthy(domain.certificate_id:match "^crt_")
      end)
    end

    local WRONG = {
      { "no record", "www.example.com", {} },
      { "another's proof", "www.example.com", { ["_git-challenge.www.example.com"] = { TXT = "git-verify=000000000000" } } },
      { "the proof elsewhere", "www.example.com", { ["www.example.com"] = { TXT = "$" } } },
      { "the proof of the name above", "www.example.com", { ["_git-challenge.example.com"] = { TXT = "$" } } },
      { "an alias of another project", "www.example.com", { ["www.example.com"] = { CNAME = "shop.git.dev" } } },
      { "an alias of something else", "www.example.com", { ["www.example.com"] = { CNAME = "example.net" } } },
      {
        "aliases that go round",
        "www.example.com",
        { ["www.example.com"] = { CNAME = "a.example.com" }, ["a.example.com"] = { CNAME = "www.example.com" } },
      },
      { "an alias beside right addresses", "www.example.com", { ["www.example.com"] = { CNAME = "example.net", A = A } } },
      { "another address", "example.com", { ["example.com"] = { A = "192.0.2.1" } } },
      { "another address too", "example.com", { ["example.com"] = { A = { A, "192.0.2.1" } } } },
      { "another address of the newer kind", "example.com", { ["example.com"] = { A = A, AAAA = "2001:db8::1" } } },
      { "an address of the newer kind alone", "example.com", { ["example.com"] = { AAAA = AAAA } } },
      {
        "a wildcard behind a name in between",
        "a.b.example.com",
        { ["*.example.com"] = { CNAME = TARGET }, ["b.example.com"] = { A = "192.0.2.1" } },
      },
      { "a wildcard for a name that is there", "www.example.com",
        { ["*.example.com"] = { CNAME = TARGET }, ["www.example.com"] = { TXT = "x" } } },
    }
    for _, case in ipairs(WRONG) do
      it("not by " .. case[1], function()
        local domain = added(case[2])
        local text = json.encode(case[3]):gsub("%$", proof(domain))
        if next(case[3]) then
          dns(text)
        end
        w:wait(3)
        domain = read(domain.id)
        assert.equal("pending", domain.status)
        assert.equal(json.null, domain.verified_at)
        assert.equal(world.START, domain.last_checked_at)
        assert.equal("domain.created", told())
      end)
    end

    it("and say what was found", function()
      dns {
        ["example.com"] = { A = { A, "192.0.2.1" }, AAAA = AAAA },
        ["_git-challenge.example.com"] = { TXT = { "other", "git-verify=x" } },
        ["www.example.com"] = { A = "192.0.2.1" },
      }
      local apex, www = added "example.com", added "www.example.com"
      w:wait(1)
      apex, www = read(apex.id), read(www.id)
      local txt = apex.verification[1].value
      assert.same({
        { type = "TXT", name = "_git-challenge.example.com", value = txt, found = { "other", "git-verify=x" }, ok = false },
        { type = "A", name = "example.com", value = A, found = { A, "192.0.2.1" }, ok = false },
        { type = "AAAA", name = "example.com", value = AAAA, found = { AAAA }, ok = true },
      }, apex.verification)
      assert.same({
        { type = "TXT", name = "_git-challenge.www.example.com", value = proof(www), found = {}, ok = false },
        { type = "CNAME", name = "www.example.com", value = TARGET, found = {}, ok = false },
        { type = "A", name = "www.example.com", value = A, found = { "192.0.2.1" }, ok = false },
        { type = "AAAA", name = "www.example.com", value = AAAA, found = {}, ok = false },
      }, www.verification)
    end)

    it("with the contract's events, in order, and their data", function()
      local domain = active "www.example.com"
      assert.equal("domain.created domain.verified certificate.issued domain.activated", told())
      local statuses = {}
      for _, event in ipairs(w.emulator:events()) do
        if event.type:find "^domain" then
          local keys = {}
          for key in events.body(event):match('"data":(.*)'):gmatch '"([%w_]+)":' do
            keys[#keys + 1] = key
          end
          assert.same({ "project", "project_id", "domain_id", "name", "status", "error" }, keys)
          assert.equal(domain.id, event.data.domain_id)
          statuses[#statuses + 1] = event.data.status
        end
      end
      assert.same({ "pending", "verified", "active" }, statuses)
    end)

    it("and wait for their traffic, then for their certificate", function()
      local domain = added "www.example.com"
      prove(domain)
      w:wait(1)
      domain = read(domain.id)
      assert.equal("verified", domain.status)
      assert.equal("pending", w:get("/certificates/" .. domain.certificate_id).json.status)
      w:wait(2 * DAY)
      assert.equal("domain.created domain.verified", told())
      dns { ["www.example.com"] = { CNAME = TARGET } }
      w:wait(HOUR + 3)
      assert.equal("active", read(domain.id).status)
      assert.equal("domain.created domain.verified certificate.issued domain.activated", told())
    end)
  end)

  describe("are looked at", function()
    -- The times of the checks, in seconds after `from`, that come within `span`.
    local function checks(id, from, span, grain)
      local seen, last = {}, nil
      for _ = 1, span / grain do
        w:wait(grain)
        local at = read(id).last_checked_at
        if at ~= last then
          seen[#seen + 1], last = at - from, at
        end
      end
      return seen
    end

    it("at once, after 1, 5, 15 and 60 minutes, then hourly", function()
      local domain = added "www.example.com"
      local from = domain.created_at
      assert.same({ 0, 60, 300, 900, 3600, 7200, 10800 }, checks(domain.id, from, 3 * HOUR + 30, 30))
    end)

    it("so again from when somebody asks", function()
      local domain = added "www.example.com"
      w:wait(2 * HOUR)
      assert.equal(200, verify(domain.id).status)
      local from = w.now
      assert.same({ 0, 60, 300, 900, 3600, 7200 }, checks(domain.id, from, 2 * HOUR + 30, 30))
    end)

    it("daily while they answer", function()
      local domain = active "www.example.com"
      local from = w.now
      w:wait(DAY - MINUTE)
      assert.equal(domain.last_checked_at, read(domain.id).last_checked_at)
      assert.same({ DAY - 1, 2 * DAY - 1 }, checks(domain.id, from, 2 * DAY, HOUR))
    end)

    it("no more when they have failed", function()
      local domain = added "www.example.com"
      w:wait(80 * HOUR)
      assert.equal(world.START + 72 * HOUR, read(domain.id).last_checked_at)
    end)
  end)

  describe("fail", function()
    it("after 72 hours without proof, and not before", function()
      local domain = added "www.example.com"
      w:wait(72 * HOUR - 1)
      assert.equal("pending", read(domain.id).status)
      w:wait(1)
      domain = read(domain.id)
      assert.equal("failed", domain.status)
      assert.equal("verification_timeout", domain.error.code)
      assert.equal("domain.created domain.failed", told())
      local last = w.emulator:events()[#w.emulator:events()]
      assert.equal("verification_timeout", last.data.error.code)
    end)

    it("not if the proof comes just in time", function()
      local domain = added "www.example.com"
      w:wait(72 * HOUR - 1)
      prove(domain)
      w:wait(1)
      assert.equal("verified", read(domain.id).status)
      w:wait(100 * HOUR)
      assert.equal("verified", read(domain.id).status)
    end)

    it("until somebody asks again: another 72 hours, the same challenge, no event", function()
      local domain = added "www.example.com"
      w:wait(73 * HOUR)
      local answer = verify(domain.id)
      assert.equal("pending", answer.json.status)
      assert.equal(json.null, answer.json.error)
      assert.equal(proof(domain), proof(answer.json))
      assert.equal("domain.created domain.failed", told())
      w:wait(72 * HOUR - 1)
      assert.equal("pending", read(domain.id).status)
      w:wait(1)
      assert.equal("failed", read(domain.id).status)
      prove(domain)
      assert.equal("verified", verify(domain.id).json.status)
      assert.equal("domain.created domain.failed domain.failed domain.verified", told())
    end)
  end)

  describe("verify", function()
    it("looks now, and finds no fault in nothing new", function()
      local domain = added "www.example.com"
      w:wait(30)
      local answer = verify "WWW.example.com"
      assert.equal(200, answer.status)
      assert.equal("pending", answer.json.status)
      assert.equal(w.now, answer.json.last_checked_at)
      prove(domain)
      w:wait(10)
      assert.equal("verified", verify(domain.id).json.status)
      w:wait(10)
      assert.equal("verified", verify(domain.id).json.status)
    end)

    it("is refused within 10 seconds of the last, and says when to come again", function()
      local domain, other = added "a.example.com", added "b.example.com"
      assert.equal(200, verify(domain.id).status)
      w:wait(6.5)
      local answer = verify(domain.id)
      assert.equal("429 rate_limited", codes(answer))
      assert.equal("4", answer.headers["retry-after"])
      assert.equal(200, verify(other.id).status)
      w:wait(3.5)
      assert.equal(200, verify(domain.id).status)
    end)

    it("is not refused for ever under the key of a refused one", function()
      local domain = added "a.example.com"
      local extra = { headers = { ["idempotency-key"] = "again" } }
      verify(domain.id)
      assert.equal(429, w:post("/domains/" .. domain.id .. "/verify", nil, extra).status)
      w:wait(10)
      assert.equal(200, w:post("/domains/" .. domain.id .. "/verify", nil, extra).status)
    end)

    it("takes no fields", function()
      local domain = added "a.example.com"
      assert.equal("422 parameter_unknown force", codes(w:post("/domains/" .. domain.id .. "/verify", { force = true })))
      assert.equal(200, w:post("/domains/" .. domain.id .. "/verify", "{}").status)
    end)
  end)

  describe("are misconfigured", function()
    it("when three checks, 10 minutes apart, find the traffic record wrong", function()
      local domain = active "www.example.com"
      dns { ["www.example.com"] = { CNAME = "example.net" } }
      w:wait(DAY + 20 * MINUTE - 2)
      assert.equal("active", read(domain.id).status)
      w:wait(2)
      domain = read(domain.id)
      assert.equal("misconfigured", domain.status)
      assert.equal("traffic_record_wrong", domain.error.code)
      assert.truthy(told():find "domain.activated domain.misconfigured$")
    end)

    it("not when one of them finds it right", function()
      local domain = active "www.example.com"
      dns { ["www.example.com"] = { CNAME = "example.net" } }
      w:wait(DAY + 11 * MINUTE)
      dns { ["www.example.com"] = { CNAME = TARGET } }
      w:wait(10 * MINUTE)
      dns { ["www.example.com"] = { CNAME = "example.net" } }
      w:wait(DAY - 10 * MINUTE)
      assert.equal("active", read(domain.id).status)
      w:wait(41 * MINUTE)
      assert.equal("misconfigured", read(domain.id).status)
    end)

    it("not sooner because somebody asks again and again", function()
      local domain = active "www.example.com"
      dns { ["www.example.com"] = {} }
      local from = w.now
      for _ = 1, 119 do
        assert.equal("active", verify(domain.id).json.status)
        w:wait(10)
      end
      w:wait(10)
      assert.equal("misconfigured", read(domain.id).status)
      assert.equal(from + 1200, w.now)
    end)

    it("until the record is right again, which an hourly check or somebody finds", function()
      local domain = active "www.example.com"
      for _, ask in ipairs { false, true } do
        dns { ["www.example.com"] = {} }
        w:wait(DAY + HOUR)
        assert.equal("misconfigured", read(domain.id).status)
        dns { ["www.example.com"] = { CNAME = TARGET } }
        if ask then
          assert.equal("active", verify(domain.id).json.status)
        else
          w:wait(HOUR)
        end
        domain = read(domain.id)
        assert.equal("active", domain.status)
        assert.equal(json.null, domain.error)
      end
      local again = "domain.misconfigured domain.activated"
      assert.truthy(told():find("domain.activated " .. again .. " " .. again .. "$"))
    end)
  end)

  -- ---- whose name it is ----

  describe("of another organization", function()
    local live

    before_each(function()
      live = { key = w.emulator:issue_key { livemode = true } }
    end)

    it("are refused when it has proven them, with the record that would prove otherwise", function()
      active "www.example.com"
      local answer = add("www.example.com", nil, live)
      assert.equal("409 already_exists name", codes(answer))
      local value = answer.json.error.message:match "git%-verify=%w+"
      assert.truthy(answer.json.error.message:find("_git-challenge.www.example.com", 1, true))
      dns { ["_git-challenge.www.example.com"] = { TXT = value } }
      local domain = added("www.example.com", nil, live)
      assert.equal("pending", domain.status)
      assert.equal(value, proof(domain))
      w:wait(3)
      assert.equal("active", read(domain.id, live).status)
      assert.equal("404 resource_missing", codes(w:get "/domains/www.example.com"))
      assert.equal(0, #w:get("/certificates").json.data)
      assert.truthy(told():find "domain.deleted$")
      assert.equal("domain.created domain.verified certificate.issued domain.activated", told(true))
      assert.equal("409 already_exists name", codes(add "www.example.com"))
    end)

    it("may be added while it has proven nothing; the first to prove has them", function()
      local mine, theirs = added "www.example.com", added("www.example.com", nil, live)
      assert.not_equal(proof(mine), proof(theirs))
      prove(theirs)
      w:wait(1)
      assert.equal("verified", read(theirs.id, live).status)
      dns { ["www.example.com"] = { CNAME = TARGET } }
      w:wait(10)
      local domain = verify(mine.id).json
      assert.equal("pending", domain.status)
      assert.equal("name_claimed", domain.error.code)
      dns { ["_git-challenge.www.example.com"] = { TXT = { proof(mine), proof(theirs) } } }
      w:wait(10)
      domain = verify(mine.id).json
      assert.equal("verified", domain.status)
      assert.equal(json.null, domain.error)
      assert.equal("404 resource_missing", codes(w:get("/domains/" .. theirs.id, live)))
    end)

    it("that is not emulated, too", function()
      local answer = control("POST", "/domains/taken", { names = { "WWW.example.com", "b.example.com" } })
      assert.equal(204, answer.status)
      assert.same({ "b.example.com", "www.example.com" }, control("GET", "/domains/taken").json.names)
      dns { ["www.example.com"] = { CNAME = TARGET } }
      answer = add "www.example.com"
      assert.equal("409 already_exists name", codes(answer))
      dns { ["_git-challenge.www.example.com"] = { TXT = answer.json.error.message:match "git%-verify=%w+" } }
      added "www.example.com"
      w:wait(3)
      assert.equal("active", read("www.example.com").status)
      assert.same({ "b.example.com" }, control("GET", "/domains/taken").json.names)
      assert.equal(204, control("DELETE", "/domains/taken").status)
      added "b.example.com"
    end)

    it("in the meantime, keep what waits from being verified by traffic alone", function()
      local domain = added "www.example.com"
      w:wait(1)
      control("POST", "/domains/taken", { names = { "www.example.com" } })
      dns { ["www.example.com"] = { CNAME = TARGET } }
      w:wait(MINUTE)
      assert.equal("pending name_claimed", read(domain.id).status .. " " .. read(domain.id).error.code)
      control("DELETE", "/domains/taken")
      w:wait(5 * MINUTE)
      assert.equal("active", read(domain.id).status)
    end)
  end)

  -- ---- ends ----

  describe("are deleted", function()
    it("with their certificate", function()
      local domain = active "www.example.com"
      assert.equal(204, w:delete("/domains/www.example.com").status)
      assert.equal("404 resource_missing", codes(w:delete("/domains/" .. domain.id)))
      assert.equal("404 resource_missing", codes(w:get("/certificates/" .. domain.certificate_id)))
      assert.truthy(told():find "domain.activated domain.deleted$")
      local last = w.emulator:events()[#w.emulator:events()]
      assert.same({ domain.id, "www.example.com", "active" }, { last.data.domain_id, last.data.name, last.data.status })
    end)

    it("whatever they wait for, and can be added again with the same challenge", function()
      for _, seconds in ipairs { 0, 1, 3, 90 } do
        dns { ["www.example.com"] = seconds == 90 and {} or { CNAME = TARGET } }
        local domain = added "www.example.com"
        w:wait(seconds)
        assert.equal(204, w:delete("/domains/" .. domain.id).status)
        local before = told()
        w:wait(100 * DAY)
        assert.equal(before, told())
        assert.equal(proof(domain), proof(added "www.example.com"))
        w:delete "/domains/www.example.com"
      end
    end)

    it("with their project, silently", function()
      active "www.example.com"
      added "b.example.com"
      assert.equal(204, w:delete("/projects/my-app").status)
      assert.equal(0, #w:get("/domains").json.data)
      assert.equal(0, #w:get("/certificates").json.data)
      w:wait(100 * DAY)
      assert.is_nil(told():find "deleted")
      w:post("/projects", { slug = "my-app" })
      added "www.example.com"
    end)
  end)

  it("follow their project's slug", function()
    local domain = added "www.example.com"
    w:wait(1)
    assert.equal(200, w:patch("/projects/my-app", { slug = "shop" }).status)
    domain = read(domain.id)
    assert.equal("shop", domain.project)
    assert.equal("shop.git.dev", domain.verification[2].value)
    dns { ["www.example.com"] = { CNAME = "shop.git.dev" } }
    w:wait(MINUTE + 3)
    assert.equal("active", read(domain.id).status)
  end)

  describe("ask name servers", function()
    it("whose answers the control plane shows, adds to and forgets", function()
      dns { ["A.example.com."] = { TXT = "x", A = { "192.0.2.1" } }, ["b.example.com"] = { CNAME = "a.example.com" } }
      dns { ["b.example.com"] = {}, ["c.example.com"] = { CAA = '0 issue "pki.git.dev"' } }
      assert.same({
        ["a.example.com"] = { TXT = { "x" }, A = { "192.0.2.1" } },
        ["c.example.com"] = { CAA = { '0 issue "pki.git.dev"' } },
      }, control("GET", "/dns").json.answers)
      assert.equal(204, control("DELETE", "/dns").status)
      assert.equal("{}", control("GET", "/dns").body:match '"answers":({.*})}$')
    end)

    local BAD = {
      { ["a.example.com"] = "x" },
      { ["a.example.com"] = { MX = "10 mail.example.com" } },
      { ["a.example.com"] = { A = "localhost" } },
      { ["a.example.com"] = { A = { 7 } } },
      { ["a.example.com"] = { AAAA = "192.0.2.1" } },
      { ["a.example.com"] = { TXT = 7 } },
      { ["a.example.com"] = { CAA = "letsencrypt.org" } },
      { ["a b"] = { TXT = "x" } },
      { [""] = { TXT = "x" } },
    }
    for _, bad in ipairs(BAD) do
      it("but take no " .. json.encode(bad), function()
        local answer = control("POST", "/dns", bad)
        assert.equal(400, answer.status)
        assert.truthy(answer.json.error.message:find "%.$")
        assert.has_error(function()
          world.new { dns = bad }
        end)
      end)
    end

    it("nor names that are none", function()
      for _, body in ipairs { {}, { names = "a.example.com" }, { names = { 7 } } } do
        assert.equal(400, control("POST", "/domains/taken", body).status)
      end
    end)

    it("which know www.example.com unless told otherwise, also after a reset", function()
      w = world.new()
      for _ = 1, 2 do
        added "www.example.com"
        w:wait(3)
        assert.equal("active", read("www.example.com").status)
        control("DELETE", "/dns")
        w.emulator:reset()
      end
    end)
  end)

  it("go the same way on the same seed", function()
    local function run()
      local one = world.new { seed = 9 }
      one:post("/domains", { project = "my-app", name = "www.example.com" })
      one:wait(200 * DAY)
      return one:get("/domains").body .. one:get("/certificates").body
    end
    assert.equal(run(), run())
  end)
end)

-- Edge rules and cache purges (contract 2.12, 3.5).
local json = require "gitdev.json"
local world = require "spec.lua.support.world"

local codes = world.codes

describe("the emulator's edge rules", function()
  local w

  before_each(function()
    w = world.new { rate_limit = false }
  end)

  local function post(fields, extra)
    if type(fields) == "table" then
      fields.project = fields.project or "my-app"
    end
    return w:post("/edge_rules", fields, extra)
  end

  local function make(fields)
    local answer = post(fields)
    assert(answer.status == 201, answer.body)
    return answer.json
  end

  local function redirect(source, destination, more)
    local fields = { type = "redirect", source = source, destination = destination }
    for name, value in pairs(more or {}) do
      fields[name] = value
    end
    return fields
  end

  local function rewrite(source, destination)
    return { type = "rewrite", source = source, destination = destination }
  end

  local function header(source, headers)
    return { type = "header", source = source, headers = headers or { ["X-A"] = "1" } }
  end

  local function path_of(rule)
    return "/edge_rules/" .. rule.id
  end

  local function get(rule)
    return w:get(path_of(rule)).json
  end

  local function patch(rule, fields)
    return w:patch(path_of(rule), fields)
  end

  -- The sources in a list's order, with their priorities.
  local function order(query)
    local list = {}
    for index, rule in ipairs(w:get("/edge_rules?project=my-app" .. (query or "")).json.data) do
      list[index] = rule.source .. rule.priority
    end
    return table.concat(list, " ")
  end

  local function resolve(path, project)
    return w:send("POST", "/edge/resolve", { project = project or "my-app", path = path }, { base = "/_emulator" }).json
  end

  -- Where a path leads: "308 /new", "rewrite /new", or the path itself.
  local function leads(path)
    local met = resolve(path)
    if met.action == "redirect" then
      return ("%d %s"):format(met.status_code, met.location)
    end
    return (met.action == "rewrite" and "rewrite " or "") .. met.path
  end

  describe("are created", function()
    it("with the contract's fields and defaults", function()
      local first = make(redirect("/old/:id", "/new/:id"))
      assert.equal("", world.misfit(first, "edge_rule"))
      assert.matches("^rul_%w+$", first.id)
      assert.same({ "my-app", "redirect", "/old/:id", "/new/:id", 308, json.null, 0, true },
        { first.project, first.type, first.source, first.destination, first.status_code, first.headers, first.priority, first.enabled })
      assert.same({ world.START, world.START }, { first.created_at, first.updated_at })
      local second = make(rewrite("/a", "/b"))
      assert.same({ json.null, json.null, 1 }, { second.status_code, second.headers, second.priority })
      local third = make(header("/*", { ["X-A"] = "1", ["cache-control"] = "no-store" }))
      assert.same({ json.null, json.null, 2 }, { third.destination, third.status_code, third.priority })
      assert.same({ ["X-A"] = "1", ["cache-control"] = "no-store" }, third.headers)
    end)

    it("at the priority asked for, which moves the others on", function()
      for _, source in ipairs { "/a", "/b", "/c" } do
        make(header(source))
      end
      w:wait(9)
      local first = make { type = "header", source = "/first", headers = { A = "" }, priority = 0 }
      assert.equal(0, first.priority)
      make { type = "header", source = "/mid", headers = { A = "" }, priority = 2 }
      assert.equal(5, make({ type = "header", source = "/last", headers = { A = "" }, priority = 99 }).priority)
      assert.equal("/first0 /a1 /mid2 /b3 /c4 /last5", order())
      local moved = w:get("/edge_rules?project=my-app").json.data[2]
      assert.same({ world.START, world.START }, { moved.created_at, moved.updated_at })
    end)

    it("once for one idempotency key", function()
      local extra = { headers = { ["idempotency-key"] = "k" } }
      local answer, again = post(header("/a"), extra), post(header("/a"), extra)
      assert.same({ 201, answer.body, "true" }, { again.status, again.body, again.headers["idempotent-replayed"] })
    end)

    it("with their project's own numbers", function()
      w:post("/projects", { slug = "other" })
      make(header "/a")
      assert.equal(0, make({ project = "other", type = "header", source = "/a", headers = { A = "" } }).priority)
      assert.equal("/a0", order())
    end)
  end)

  describe("are refused", function()
    local cases = {
      { "{}", "422 parameter_missing project, parameter_missing type, parameter_missing source" },
      { redirect("/a", "/b", { project = "none" }), "422 resource_missing project" },
      { { type = "proxy", source = "/a" }, "422 parameter_invalid type" },
      { redirect("a", "/b"), "422 parameter_invalid source" },
      { redirect("/a*", "/b"), "422 parameter_invalid source" },
      { redirect("/a?b=1", "/b"), "422 parameter_invalid source" },
      { redirect("/:a/:a", "/b"), "422 parameter_invalid source" },
      { redirect("/a/../b", "/b"), "422 parameter_invalid source" },
      { redirect("/a/%2e%2E/b", "/b"), "422 parameter_invalid source" },
      { { type = "redirect", source = "/a" }, "422 parameter_missing destination" },
      { { type = "rewrite", source = "/a" }, "422 parameter_missing destination" },
      { redirect("/a", ""), "422 parameter_invalid destination" },
      { redirect("/a", "b"), "422 parameter_invalid destination" },
      { redirect("/a", "//evil.example/"), "422 parameter_invalid destination" },
      { redirect("/a", "http://example.com/"), "422 parameter_invalid destination" },
      { redirect("/a", "https:///x"), "422 parameter_invalid destination" },
      { redirect("/a", "https://user@example.com/"), "422 parameter_invalid destination" },
      { redirect("/a", "/b\r\nX: y"), "422 parameter_invalid destination" },
      { redirect("/a/:id", "/b/:name"), "422 parameter_invalid destination" },
      { redirect("/a", "/b/*"), "422 parameter_invalid destination" },
      { rewrite("/a", "https://example.com/"), "422 parameter_invalid destination" },
      { redirect("/a", "/b", { status_code = 303 }), "422 parameter_invalid status_code" },
      { redirect("/a", "/b", { status_code = "301" }), "422 invalid_type status_code" },
      { { type = "rewrite", source = "/a", destination = "/b", status_code = 301 }, "422 parameter_invalid status_code" },
      { redirect("/a", "/b", { headers = { A = "b" } }), "422 parameter_invalid headers" },
      { { type = "header", source = "/a" }, "422 parameter_missing headers" },
      { '{"project":"my-app","type":"header","source":"/a","headers":{}}', "422 parameter_invalid headers" },
      { { type = "header", source = "/a", headers = { A = "b" }, destination = "/b" }, "422 parameter_invalid destination" },
      { header("/a", { ["a b"] = "" }), "422 parameter_invalid headers.a b" },
      { header("/a", { A = "b\nc" }), "422 parameter_invalid headers.A" },
      { header("/a", { A = 1 }), "422 invalid_type headers.A" },
      { header("/a", { ["X-A"] = "1", ["x-a"] = "2" }), "422 parameter_invalid headers.x-a" },
      { redirect("/a", "/b", { priority = -1 }), "422 parameter_invalid priority" },
      { redirect("/a", "/b", { enabled = 1 }), "422 invalid_type enabled" },
      { redirect("/a", "/b", { id = "rul_0" }), "422 parameter_unknown id" },
      { { type = "redirect", source = "/:a/:a", headers = { A = "" } },
        "422 parameter_invalid source, parameter_invalid headers" },
    }
    for _, case in ipairs(cases) do
      local text = type(case[1]) == "string" and case[1] or json.encode(case[1])
      it("with " .. text:sub(1, 90) .. ": " .. case[2], function()
        assert.equal(case[2], codes(post(case[1])))
        assert.equal("", order())
      end)
    end

    for _, name in ipairs { "Connection", "KEEP-ALIVE", "Proxy-Authenticate", "proxy-authorization", "TE", "Trailer", "Transfer-Encoding",
      "Upgrade", "Set-Cookie", "set-cookie", "Proxy-Connection", "Content-Length" } do
      it("with the header " .. name, function()
        assert.equal("422 parameter_invalid headers." .. name, codes(post(header("/a", { [name] = "x", ["X-A"] = "" }))))
      end)
    end

    it("with the type and the source of another, by whatever names", function()
      make(redirect("/a/:id/*", "/b"))
      assert.equal("422 rule_conflict source", codes(post(redirect("/a/:other/*", "/c"))))
      assert.equal("422 rule_conflict source", codes(post(redirect("/%61/:id/*", "/c"))))
      assert.equal(201, post(rewrite("/a/:id/*", "/c")).status)
      assert.equal(201, post(header "/a/:id/*").status)
      assert.equal("422 rule_conflict source", codes(post(header "/a/:id/*")))
      assert.equal(201, post(redirect("/a/:id", "/c")).status)
      w:post("/projects", { slug = "other" })
      assert.equal(201, post(redirect("/a/:id/*", "/b", { project = "other" })).status)
    end)
  end)

  describe("never make a ring:", function()
    local rings = {
      { "of one redirect", { redirect("/a", "/a") } },
      { "of one redirect with a name", { redirect("/a/:x", "/a/b") } },
      { "of one redirect that matches all", { redirect("/*", "/home") } },
      { "of one redirect that leads on for ever", { redirect("/*", "/a/*") } },
      { "of one redirect that leads on for ever below", { redirect("/a/*", "/a/b/*") } },
      { "of a redirect to the project's own host", { redirect("/a", "https://my-app.git.dev/a?x") } },
      { "of two redirects", { redirect("/a", "/b"), redirect("/b", "/a") } },
      { "of two redirects with names", { redirect("/a/:x", "/b/:x"), redirect("/b/:y", "/a/:y") } },
      { "of two redirects with splats", { redirect("/a/*", "/b/*"), redirect("/b/*", "/a/*") } },
      { "of two redirects for one path", { redirect("/old/:x", "/new/:x"), redirect("/new/special", "/old/special") } },
      { "of two redirects for one path, the other way round", { redirect("/new/special", "/old/special"), redirect("/old/:x", "/new/:x") } },
      { "of two redirects for paths that both match", { redirect("/:x/b", "/c/:x"), redirect("/c/a", "/a/b") } },
      { "of three redirects", { redirect("/a", "/b"), redirect("/b", "/c"), redirect("/c", "/a#top") } },
      { "of a rewrite onto itself", { rewrite("/a", "/a") } },
      { "of two rewrites", { rewrite("/a", "/b"), rewrite("/b", "/a") } },
    }
    for _, case in ipairs(rings) do
      it(case[1], function()
        local rules = case[2]
        for index = 1, #rules - 1 do
          make(rules[index])
        end
        local before = order()
        local answer = post(rules[#rules])
        assert.equal("422 rule_conflict destination", codes(answer))
        assert.equal(before, order())
        rules[#rules].enabled = false
        local asleep = make(rules[#rules])
        assert.equal("422 rule_conflict destination", codes(patch(asleep, { enabled = true })))
        assert.is_false(get(asleep).enabled)
      end)
    end

    local fine = {
      { "a rewrite of all to one page", { rewrite("/*", "/index.html") } },
      { "a rewrite of all below a folder", { rewrite("/*", "/app/*") } },
      { "a redirect, and a rewrite back", { redirect("/a", "/b"), rewrite("/b", "/a") } },
      { "a redirect of the page that all are rewritten to", { redirect("/index.html", "/"), rewrite("/*", "/index.html") } },
      { "a redirect without the slash at the end", { redirect("/blog/", "/blog"), redirect("/blog/:post/", "/blog/:post") } },
      { "a redirect to another host", { redirect("/*", "https://my-app.example.com/*") } },
      { "a redirect that a better one keeps from a ring", { redirect("/b/x", "/end"), redirect("/a/:x", "/b/:x"), redirect("/c", "/a/x") } },
      { "redirects that meet nowhere", { redirect("/:x/a", "/b/:x"), redirect("/b/c", "/d/b") } },
    }
    for _, case in ipairs(fine) do
      it("and it is none to have " .. case[1], function()
        for _, rule in ipairs(case[2]) do
          assert.equal(201, post(rule).status)
        end
      end)
    end

    it("not by an active domain either", function()
      local project = w:get("/projects/my-app").json
      local tenant = w.emulator.tenants[false]
      tenant:add { id = "dom_1", object = "domain", project_id = project.id, project = "my-app", name = "*.shop.example", status = "active" }
      assert.equal("422 rule_conflict destination", codes(post(redirect("/a", "https://www.shop.example/a"))))
      assert.equal(201, post(redirect("/a", "https://shop.example/a")).status)
    end)

    it("though deleting may, which is in the way of nothing harmless", function()
      local guard = make(redirect("/b/x", "/end"))
      make(redirect("/b/:y", "/a/:y"))
      local back = make(redirect("/a/x", "/b/x"))
      w:delete(path_of(guard))
      assert.equal(201, post(header "/b/*").status)
      assert.equal(302, patch(back, { status_code = 302 }).json.status_code)
      assert.equal("422 rule_conflict destination", codes(patch(back, { priority = 0 })))
      assert.is_false(patch(back, { enabled = false }).json.enabled)
    end)

    it("by a change of source, destination or priority", function()
      make(redirect("/a", "/b"))
      local rule = make(redirect("/c", "/d"))
      assert.equal("422 rule_conflict destination", codes(patch(rule, { source = "/b", destination = "/a" })))
      assert.equal("422 rule_conflict destination", codes(patch(rule, { destination = "/c" })))
      make(redirect("/x/y", "/end"))
      local guarded = make(redirect("/x/:z", "/x/y"))
      assert.equal("/a0 /c1 /x/y2 /x/:z3", order())
      assert.equal("422 rule_conflict destination", codes(patch(guarded, { priority = 0 })))
      assert.equal("/a0 /c1 /x/y2 /x/:z3", order())
      assert.equal("/d", get(rule).destination)
    end)
  end)

  describe("are listed", function()
    before_each(function()
      for index, source in ipairs { "/a", "/b", "/c", "/d", "/e" } do
        make(index % 2 == 0 and redirect(source, "/end") or header(source))
      end
    end)

    it("by priority, for one project", function()
      assert.equal("/a0 /b1 /c2 /d3 /e4", order())
      assert.equal("/e4 /d3 /c2 /b1 /a0", order "&order=desc")
      assert.equal("/b1 /d3", order "&type=redirect")
      assert.equal("/a0 /c2 /e4", order "&type=header")
      assert.equal("", order "&type=rewrite")
      assert.equal(0, #w:get("/edge_rules?project=none").json.data)
      assert.equal("400 parameter_invalid project", codes(w:get "/edge_rules"))
      assert.equal("400 parameter_invalid type", codes(w:get "/edge_rules?project=my-app&type=x"))
    end)

    for _, direction in ipairs { "asc", "desc" } do
      it("by pages that show each rule once, whatever moves around them: " .. direction, function()
        local seen = {}
        local found = w:walk("/edge_rules?project=my-app&limit=1&order=" .. direction, function(page)
          make { type = "header", source = "/new/" .. page, headers = { A = "" }, priority = direction == "asc" and 0 or nil }
        end)
        for index, rule in ipairs(found) do
          seen[index] = rule.source
        end
        assert.equal(direction == "asc" and "/a /b /c /d /e" or "/e /d /c /b /a", table.concat(seen, " "))
      end)
    end

    it("by pages that go on where a rule was, which is gone", function()
      local page = w:get("/edge_rules?project=my-app&limit=2").json
      w:delete(path_of(page.data[2]))
      local rest = w:get("/edge_rules?project=my-app&limit=2&cursor=" .. page.next_cursor).json
      assert.same({ "/c", "/d" }, { rest.data[1].source, rest.data[2].source })
      assert.equal("400 cursor_mismatch cursor", codes(w:get("/edge_rules?project=my-app&type=header&cursor=" .. page.next_cursor)))
    end)

    it("in their order after any number of moves", function()
      local expected, rules = {}, {}
      for index, rule in ipairs(w:get("/edge_rules?project=my-app").json.data) do
        expected[index], rules[rule.source] = rule.source, rule
      end
      local state = 7
      for _ = 1, 300 do
        state = state * 16807 % 2147483647
        local from, to = state % 5 + 1, math.floor(state / 5) % 5 + 1
        local source = table.remove(expected, from)
        table.insert(expected, to, source)
        assert.equal(to - 1, patch(rules[source], { priority = to - 1 }).json.priority)
      end
      local listed = {}
      for index, rule in ipairs(w:get("/edge_rules?project=my-app").json.data) do
        listed[index] = rule.source
        assert.equal(index - 1, rule.priority)
      end
      assert.same(expected, listed)
    end)
  end)

  describe("are updated", function()
    it("by merging", function()
      local rule = make(redirect("/a", "/b", { status_code = 301 }))
      w:wait(3)
      local changed = patch(rule, { destination = "/c" }).json
      assert.same({ "/a", "/c", 301, world.START + 3 }, { changed.source, changed.destination, changed.status_code, changed.updated_at })
      assert.equal(308, patch(rule, '{"status_code":null}').json.status_code)
      assert.equal("/x/:y", patch(rule, { source = "/x/:y" }).json.source)
      assert.equal("308 /c", leads "/x/1")
      assert.equal(false, patch(rule, { enabled = false }).json.enabled)
      assert.equal("/x/1", leads "/x/1")
      local headers = make(header("/a", { A = "1", B = "2" }))
      changed = patch(headers, '{"headers":{"C":"3"},"destination":null,"status_code":null}').json
      assert.same({ C = "3" }, changed.headers)
      assert.equal(json.null, changed.destination)
    end)

    it("without a trace when nothing changes", function()
      local rule = make(header("/a", { A = "1", B = "2" }))
      make(header "/b")
      local before = w:get(path_of(rule)).body
      w:wait(3)
      assert.equal(before, patch(rule, { source = "/a", headers = { B = "2", A = "1" }, priority = 0, enabled = true }).body)
      assert.equal(before, patch(rule, "{}").body)
      assert.equal(before, w:get(path_of(rule)).body)
    end)

    it("to another priority, which moves the others", function()
      local rules = {}
      for _, source in ipairs { "/a", "/b", "/c" } do
        rules[source] = make(header(source))
      end
      w:wait(3)
      assert.equal(2, patch(rules["/a"], { priority = 7 }).json.priority)
      assert.equal("/b0 /c1 /a2", order())
      assert.equal("/c0 /b1 /a2", patch(rules["/c"], { priority = 0 }) and order())
      assert.same({ world.START + 3, world.START }, { get(rules["/a"]).updated_at, get(rules["/b"]).updated_at })
    end)

    local cases = {
      { "redirect", { source = "/taken" }, "422 rule_conflict source" },
      { "redirect", { source = "/x y" }, "422 parameter_invalid source" },
      { "redirect", { destination = "/:x" }, "422 parameter_invalid destination" },
      { "redirect", '{"destination":null}', "422 parameter_missing destination" },
      { "redirect", { headers = { A = "" } }, "422 parameter_invalid headers" },
      { "redirect", { status_code = 200 }, "422 parameter_invalid status_code" },
      { "redirect", { type = "rewrite" }, "422 parameter_unknown type" },
      { "redirect", { project = "my-app" }, "422 parameter_unknown project" },
      { "redirect", '{"priority":null}', "422 invalid_type priority" },
      { "header", '{"headers":null}', "422 parameter_missing headers" },
      { "header", { headers = { Upgrade = "x" } }, "422 parameter_invalid headers.Upgrade" },
      { "header", { destination = "/b" }, "422 parameter_invalid destination" },
      { "header", { status_code = 308 }, "422 parameter_invalid status_code" },
    }
    for _, case in ipairs(cases) do
      local text = type(case[2]) == "string" and case[2] or json.encode(case[2])
      it(("never, a %s, with %s: %s"):format(case[1], text, case[3]), function()
        make(redirect("/taken", "/end"))
        local rule = make(case[1] == "header" and header "/a" or redirect("/a/b", "/b"))
        local before = w:get("/edge_rules?project=my-app").body
        assert.equal(case[3], codes(patch(rule, case[2])))
        assert.equal(before, w:get("/edge_rules?project=my-app").body)
      end)
    end
  end)

  describe("decide about requests:", function()
    local cases = {
      { "a name takes one segment", redirect("/a/:id", "/b/:id"), { ["/a/1"] = "308 /b/1", ["/a/"] = "/a/", ["/a/1/2"] = "/a/1/2", ["/a"] = "/a" } },
      { "a splat takes the rest", redirect("/a/*", "/b/*"),
        { ["/a/1/2"] = "308 /b/1/2", ["/a/"] = "308 /b/", ["/a"] = "/a", ["/a/1/"] = "308 /b/1/" } },
      { "names may change places", redirect("/:x/in/:y/*", "/:y/:x/*"), { ["/1/in/2/3"] = "308 /2/1/3" } },
      { "case counts", redirect("/A", "/b"), { ["/a"] = "/a", ["/A"] = "308 /b" } },
      { "escapes are compared by what they mean, and passed as they came", redirect("/caf%C3%A9/:x", "/:x"),
        { ["/caf%c3%a9/%20"] = "308 /%20", ["/caf%C3%A9/a%2Fb"] = "308 /a%2Fb" } },
      { "a query goes along", redirect("/a", "/b"), { ["/a?x=1&y"] = "308 /b?x=1&y", ["/a?"] = "308 /b?" } },
      { "but not where the destination has one", redirect("/a/:q", "/b?q=:q#:q"), { ["/a/1?x=2"] = "308 /b?q=1#1" } },
      { "a fragment stays behind the query", redirect("/a", "/b#c"), { ["/a?x"] = "308 /b?x#c" } },
      { "an address is built like a path", redirect("/a/*", "https://example.com:444/b/*?c"),
        { ["/a/1/2"] = "308 https://example.com:444/b/1/2?c" } },
      { "an address may have no path", redirect("/a", "https://example.com"), { ["/a"] = "308 https://example.com/" } },
      { "the status is the rule's", redirect("/a", "/b", { status_code = 302 }), { ["/a"] = "302 /b" } },
      { "a rewrite keeps the query", rewrite("/a/:x", "/b/:x"), { ["/a/1?y=2"] = "rewrite /b/1?y=2" } },
    }
    for _, case in ipairs(cases) do
      it(case[1], function()
        make(case[2])
        for path, expected in pairs(case[3]) do
          assert.equal(expected, leads(path), path)
        end
      end)
    end

    it("the first redirect or rewrite by priority wins, and no other is looked at", function()
      make(rewrite("/a/*", "/r/*"))
      make(redirect("/a/b", "/x"))
      make(redirect("/r/*", "/y"))
      assert.equal("rewrite /r/b", leads "/a/b")
      patch({ id = w:get("/edge_rules?project=my-app&type=redirect").json.data[1].id }, { priority = 0 })
      assert.equal("308 /x", leads "/a/b")
      assert.equal("308 /y", leads "/r/b")
    end)

    it("header rules all apply; of two values the better priority's is taken", function()
      local first = make(header("/*", { ["X-A"] = "all", ["X-B"] = "all" }))
      local second = make(header("/a/:id", { ["x-a"] = "one", ["X-C"] = "one" }))
      make(redirect("/a/1", "/b"))
      local met = resolve "/a/1"
      assert.same({ ["X-A"] = "all", ["X-B"] = "all", ["X-C"] = "one" }, met.headers)
      assert.same({ first.id, second.id }, met.header_rules)
      assert.equal("redirect", met.action)
      patch(second, { priority = 0 })
      assert.same({ ["x-a"] = "one", ["X-B"] = "all", ["X-C"] = "one" }, resolve("/a/1").headers)
      assert.same({ first.id }, resolve("/b").header_rules)
    end)

    it("the control plane says what a request meets", function()
      local rule = make(redirect("/a/:id", "/b/:id"))
      local function ask(body)
        return w:send("POST", "/edge/resolve", body, { base = "/_emulator" })
      end
      assert.same({
        action = "redirect", rule = rule.id, captures = { id = "1" }, status_code = 308, location = "/b/1", path = json.null,
        headers = {}, header_rules = {}, edge_function = json.null,
      }, ask({ project = rule.project_id, path = "/a/1" }).json)
      assert.equal("none", ask({ project = "my-app", path = "/" }).json.action)
      assert.equal(404, ask({ project = "none", path = "/" }).status)
      assert.equal(404, ask({ project = "my-app", path = "/", livemode = true }).status)
      assert.equal(400, ask({ project = "my-app", path = "a" }).status)
      assert.equal(400, ask({ path = "/" }).status)
    end)

    it("a rewritten path is answered by the function that has it", function()
      local answer = w:post("/edge_functions", { project = "my-app", name = "f", code = "1", routes = { "/api/*" } })
      w:wait(2)
      make(rewrite("/v1/*", "/api/*"))
      assert.same({ id = answer.json.id, name = "f", version = 1, route = "/api/*" }, resolve("/v1/x").edge_function)
      make(redirect("/api/old", "/api/new"))
      assert.equal(json.null, resolve("/api/old").edge_function)
      assert.equal("f", resolve("/api/new").edge_function.name)
    end)
  end)

  describe("are deleted", function()
    it("once, and those behind them move up", function()
      local rule = make(header "/a")
      make(header "/b")
      make(header "/c")
      assert.equal(204, w:delete(path_of(rule)).status)
      assert.equal("404 resource_missing", codes(w:delete(path_of(rule))))
      assert.equal("404 resource_missing", codes(w:get(path_of(rule))))
      assert.equal("/b0 /c1", order())
      assert.equal(201, post(header "/a").status)
    end)

    it("with their project", function()
      local rule = make(header "/a")
      w:delete "/projects/my-app"
      assert.equal(404, w:get(path_of(rule)).status)
    end)
  end)

  it("go by their project's new slug", function()
    local rule = make(header "/a")
    w:patch("/projects/my-app", { slug = "shop" })
    assert.equal("shop", get(rule).project)
    assert.equal(1, #w:get("/edge_rules?project=shop").json.data)
    assert.equal("422 rule_conflict destination", codes(post { project = "shop", type = "redirect", source = "/a",
      destination = "https://shop.git.dev/a" }))
  end)

  it("tell of nothing that happens to them", function()
    local count = #w.emulator:events()
    local rule = make(header "/a")
    patch(rule, { source = "/b" })
    w:delete(path_of(rule))
    assert.equal(count, #w.emulator:events())
  end)

  describe("are for keys", function()
    it("with the scope edge, to read or to write", function()
      local rule = make(header "/a")
      local reader = { key = w.emulator:issue_key { scopes = { "edge:read" } } }
      local none = { key = w.emulator:issue_key { scopes = { "projects:write" } } }
      for _, path in ipairs { path_of(rule), "/edge_rules?project=my-app" } do
        assert.equal(200, w:get(path, reader).status)
        assert.same({ "403 insufficient_scope", "edge:read" }, { codes(w:get(path, none)), w:get(path, none).json.error.required_scope })
      end
      for _, answer in ipairs { post(header "/b", reader), w:patch(path_of(rule), { enabled = false }, reader), w:delete(path_of(rule), reader) } do
        assert.same({ "403 insufficient_scope", "edge:write" }, { codes(answer), answer.json.error.required_scope })
      end
    end)

    it("that hold the project; for others they are not there", function()
      w:post("/projects", { slug = "other" })
      local rule = make(header "/a")
      local theirs = { key = w.emulator:issue_key { projects = { "other" } } }
      for _, answer in ipairs { w:get(path_of(rule), theirs), w:patch(path_of(rule), "{}", theirs), w:delete(path_of(rule), theirs) } do
        assert.equal("404 resource_missing", codes(answer))
      end
      assert.equal("422 resource_missing project", codes(post(header "/b", theirs)))
      assert.equal(0, #w:get("/edge_rules?project=my-app", theirs).json.data)
      assert.equal(1, #w:get("/edge_rules?project=my-app").json.data)
    end)
  end)

  it("go on after their state was saved and loaded", function()
    make(redirect("/a/:x", "/b/:x"))
    make(header "/b")
    make { type = "header", source = "/c", headers = { A = "" }, priority = 0 }
    local before = w:get("/edge_rules?project=my-app").body
    local other = world.new()
    assert(other.emulator:restore(w.emulator:dump()))
    other.key, w = w.key, other
    assert.equal(before, other:get("/edge_rules?project=my-app").body)
    assert.equal("308 /b/1", leads "/a/1")
    assert.equal("422 rule_conflict source", codes(post(redirect("/a/:y", "/z"))))
    make { type = "header", source = "/d", headers = { A = "" }, priority = 1 }
    assert.equal("/c0 /d1 /a/:x2 /b3", order())
  end)
end)

describe("the emulator's cache purges", function()
  local w

  before_each(function()
    w = world.new()
  end)

  local function post(fields, extra)
    fields.project = fields.project or "my-app"
    return w:post("/cache_purges", fields, extra)
  end

  local function make(fields)
    local answer = post(fields)
    assert(answer.status == 202, answer.body)
    return answer.json
  end

  local function get(purge)
    return w:get("/cache_purges/" .. purge.id).json
  end

  local function events()
    local list = {}
    for _, event in ipairs(w.emulator:events()) do
      if event.type:find "^cache_purge" then
        list[#list + 1] = event
      end
    end
    return list
  end

  it("are accepted, queued, with the contract's fields", function()
    local made = make { everything = true }
    assert.equal("", world.misfit(made, "cache_purge"))
    assert.matches("^prg_%w+$", made.id)
    assert.same({ "my-app", "everything", {}, "queued", 0, json.null, world.START },
      { made.project, made.scope, made.values, made.status, made.regions_done, made.finished_at, made.created_at })
    assert.equal(#w:get("/regions?limit=100").json.data, made.regions_total)
  end)

  local accepted = {
    { { urls = { "https://my-app.git.dev/a?b#c", "https://MY-APP.git.dev:443/", "https://my-app.git.dev" } }, "urls" },
    { { urls = { "https://my-app--develop.git.dev/", "https://my-app--3m9q1t7w5y2b.git.dev/a" } }, "urls" },
    { { urls = { "https://www.shop.example/", "https://a.tld.example/" } }, "urls" },
    { { prefixes = { "/blog/", "https://my-app.git.dev/blog", "/" } }, "prefixes" },
    { { tags = { "post:1", "a" } }, "tags" },
  }

  local function add_domains()
    local project = w:get("/projects/my-app").json
    local tenant = w.emulator.tenants[false]
    for index, row in ipairs { { "www.shop.example", "active" }, { "*.tld.example", "active" }, { "new.example", "pending" } } do
      tenant:add { id = "dom_" .. index, object = "domain", project_id = project.id, project = "my-app", name = row[1], status = row[2] }
    end
  end

  for _, case in ipairs(accepted) do
    it("are accepted for " .. json.encode(case[1]), function()
      add_domains()
      local made = make(case[1])
      assert.equal(case[2], made.scope)
      assert.same(case[1][case[2]], made.values)
    end)
  end

  it("name each value once", function()
    assert.same({ "a", "b" }, make({ tags = { "a", "b", "a" } }).values)
  end)

  local many = {}
  for index = 1, 101 do
    many[index] = "https://my-app.git.dev/" .. index
  end
  local few = {}
  for index = 1, 31 do
    few[index] = "t" .. index
  end
  local refused = {
    { {}, "422 parameter_invalid" },
    { { everything = false }, "422 parameter_invalid everything" },
    { { everything = true, tags = { "a" } }, "422 parameter_invalid everything, parameter_invalid tags" },
    { { urls = { "https://my-app.git.dev/" }, prefixes = { "/" }, tags = { "a" } },
      "422 parameter_invalid urls, parameter_invalid prefixes, parameter_invalid tags" },
    { { urls = json.array {} }, "422 parameter_invalid urls" },
    { { urls = many }, "422 parameter_invalid urls" },
    { { prefixes = few }, "422 parameter_invalid prefixes" },
    { { tags = few }, "422 parameter_invalid tags" },
    { { tags = { "a,b", "a b" } }, "422 parameter_invalid tags[1], parameter_invalid tags[2]" },
    { { urls = { "/a", "http://my-app.git.dev/" } }, "422 parameter_invalid urls[1], parameter_invalid urls[2]" },
    { { urls = { "https://my-app.git.dev/", "https://other.git.dev/" } }, "422 parameter_invalid urls[2]" },
    { { urls = { "https://my-app-2.git.dev/", "https://x--my-app.git.dev/" } }, "422 parameter_invalid urls[1], parameter_invalid urls[2]" },
    { { urls = { "https://my-app.git.dev.evil.example/" } }, "422 parameter_invalid urls[1]" },
    { { urls = { "https://my-app.git.dev@evil.example/" } }, "422 parameter_invalid urls[1]" },
    { { urls = { "https://my-app.git.dev:8443/" } }, "422 parameter_invalid urls[1]" },
    { { urls = { "https://new.example/", "https://tld.example/" } }, "422 parameter_invalid urls[1], parameter_invalid urls[2]" },
    { { urls = { "https://a.b.tld.example/" } }, "422 parameter_invalid urls[1]" },
    { { prefixes = { "blog", "https://example.com/" } }, "422 parameter_invalid prefixes[1], parameter_invalid prefixes[2]" },
    { { everything = true, project = "none" }, "422 resource_missing project" },
    { { everything = true, urgent = true }, "422 parameter_unknown urgent" },
    { { everything = "yes" }, "422 invalid_type everything" },
  }
  for _, case in ipairs(refused) do
    it("are refused for " .. json.encode(case[1]):sub(1, 70) .. ": " .. case[2], function()
      add_domains()
      assert.equal(case[2], codes(post(case[1])))
    end)
  end

  it("are done region by region, and completed with an event", function()
    local made = make { tags = { "a" } }
    local last = 0
    for _ = 1, made.regions_total - 1 do
      w:wait(0.1)
      local now = get(made)
      assert.same({ "queued", json.null }, { now.status, now.finished_at })
      assert.is_true(now.regions_done > last)
      last = now.regions_done
    end
    assert.equal(0, #events())
    w:wait(0.1)
    local now = get(made)
    assert.same({ "completed", made.regions_total }, { now.status, now.regions_done })
    assert.is_number(now.finished_at)
    assert.equal(1, #events())
    assert.equal("cache_purge.completed", events()[1].type)
    assert.same({
      project = "my-app", project_id = made.project_id, cache_purge_id = made.id, scope = "tags", duration_ms = made.regions_total * 100,
    }, events()[1].data)
  end)

  it("fail where a value asks for it, without an event", function()
    local made = make { urls = { "https://my-app.git.dev/emulate-failed" } }
    w:wait(5)
    local now = get(made)
    assert.same({ "failed", made.regions_total / 2 }, { now.status, now.regions_done })
    assert.is_number(now.finished_at)
    assert.equal(0, #events())
  end)

  it("fail on demand of the control plane", function()
    local made = make { everything = true }
    local function fail(id)
      return w:send("POST", "/cache_purges/" .. id .. "/fail", nil, { base = "/_emulator" }).status
    end
    w:wait(0.1)
    assert.equal(204, fail(made.id))
    assert.equal(409, fail(made.id))
    assert.equal(404, fail "prg_0")
    w:wait(5)
    assert.same({ "failed", 1 }, { get(made).status, get(made).regions_done })
  end)

  it("are made once for one idempotency key", function()
    local extra = { headers = { ["idempotency-key"] = "k" } }
    local first, again = post({ everything = true }, extra), post({ everything = true }, extra)
    assert.same({ 202, first.body, "true" }, { again.status, again.body, again.headers["idempotent-replayed"] })
    w:wait(5)
    assert.equal(1, #events())
  end)

  it("go with their project, silently, and by its new slug", function()
    local made = make { everything = true }
    w:patch("/projects/my-app", { slug = "shop" })
    assert.equal("shop", get(made).project)
    assert.equal("422 parameter_invalid urls[1]", codes(post { project = "shop", urls = { "https://my-app.git.dev/" } }))
    w:delete "/projects/shop"
    w:wait(5)
    assert.equal(404, w:get("/cache_purges/" .. made.id).status)
    assert.equal(0, #events())
  end)

  it("are for keys that hold the project and the scope edge", function()
    w:post("/projects", { slug = "other" })
    local made = make { everything = true }
    local reader = { key = w.emulator:issue_key { scopes = { "edge:read" } } }
    local none = { key = w.emulator:issue_key { scopes = { "deployments:write" } } }
    local theirs = { key = w.emulator:issue_key { projects = { "other" } } }
    assert.equal(200, w:get("/cache_purges/" .. made.id, reader).status)
    assert.equal("403 insufficient_scope", codes(w:get("/cache_purges/" .. made.id, none)))
    assert.equal("403 insufficient_scope", codes(post({ everything = true }, reader)))
    assert.equal("404 resource_missing", codes(w:get("/cache_purges/" .. made.id, theirs)))
    assert.equal("422 resource_missing project", codes(post({ everything = true }, theirs)))
    assert.equal("404 resource_missing", codes(w:get "/cache_purges/prg_000000000000"))
  end)

  it("go on after their state was saved and loaded", function()
    local made = make { everything = true }
    w:wait(1)
    local other = world.new()
    assert(other.emulator:restore(w.emulator:dump()))
    other.key, other.now = w.key, w.now
    other:wait(5)
    assert.equal("completed", other:get("/cache_purges/" .. made.id).json.status)
  end)
end)

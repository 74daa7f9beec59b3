-- What every request goes through, whatever it asks for (contract 1.1 to 1.9).
local json = require "gitdev.json"
local schema = require "gitdev.schema"
local world = require "spec.lua.support.world"

-- The code and the parameter of an error answer, as "status code param".
local function verdict(answer)
  local fault = answer.json and answer.json.error or {}
  local param = fault.param ~= json.null and fault.param or nil
  return table.concat({ tostring(answer.status), fault.code or "-", param }, " ")
end

describe("the emulator's pipeline", function()
  local w

  before_each(function()
    w = world.new()
  end)

  describe("paths", function()
    local cases = {
      { "GET", "/nope", "404 resource_missing" },
      { "GET", "", "404 resource_missing" },
      { "GET", "/deployments/", "404 resource_missing" },
      { "GET", "//deployments", "404 resource_missing" },
      { "GET", "/deployments/%zz", "404 resource_missing" },
      { "GET", "/webhook", "404 resource_missing" },
      { "GET", "/projects/my%2dapp", "200 -" },
      { "DELETE", "/organization", "405 method_not_allowed", "GET, HEAD" },
      { "PUT", "/deployments", "405 method_not_allowed", "GET, HEAD, POST" },
      { "POST", "/projects/my-app", "405 method_not_allowed", "GET, HEAD, PATCH, DELETE" },
      { "OPTIONS", "/projects", "405 method_not_allowed", "GET, HEAD, POST" },
    }
    for _, case in ipairs(cases) do
      it(("%s %s -> %s"):format(case[1], case[2], case[3]), function()
        local answer = w:send(case[1], case[2])
        assert.equal(case[3], verdict(answer))
        assert.equal(case[4], answer.headers.allow)
      end)
    end

    it("answers HEAD as GET", function()
      local get, head = w:get "/organization", w:send("HEAD", "/organization")
      assert.equal(200, head.status)
      assert.equal(get.headers["content-type"], head.headers["content-type"])
    end)

    it("does not answer outside of /v2", function()
      assert.equal("404 resource_missing", verdict(w:get("/organization", { base = "" })))
      assert.equal("404 resource_missing", verdict(w:get("/organization", { base = "/v3" })))
    end)
  end)

  describe("authentication", function()
    local function header(value)
      return { key = false, headers = { authorization = value } }
    end

    local cases = {
      { "no header", nil, "api_key_missing" },
      { "an empty header", "", "api_key_missing" },
      { "another scheme", "Basic Z3NrOg==", "api_key_invalid" },
      { "no key", "Bearer", "api_key_invalid" },
      { "two words", "Bearer gsk_test_a b", "api_key_invalid" },
      { "an unknown key", "Bearer gsk_test_00000000000000000000000000000000", "api_key_invalid" },
    }
    for _, case in ipairs(cases) do
      it("refuses " .. case[1], function()
        local answer = w:get("/projects", header(case[2]))
        assert.equal("401 " .. case[3], verdict(answer))
        assert.equal("authentication_error", answer.json.error.type)
        assert.equal('Bearer realm="git"', answer.headers["www-authenticate"])
        assert.is_nil(answer.headers["x-ratelimit-remaining"])
      end)
    end

    it("takes the scheme in any case", function()
      assert.equal(200, w:get("/projects", header("bearer " .. w.key)).status)
    end)

    it("refuses a key that has expired, from that second on", function()
      local key = w.emulator:issue_key { expires_at = world.START + 10 }
      assert.equal(200, w:get("/projects", { key = key }).status)
      w:wait(10)
      assert.equal("401 api_key_expired", verdict(w:get("/projects", { key = key })))
    end)

    it("refuses a revoked key", function()
      local key = w.emulator:issue_key { revoked = true }
      assert.equal("401 api_key_revoked", verdict(w:get("/projects", { key = key })))
    end)

    it("never reads a key from the query", function()
      local answer = w:get("/projects?api_key=" .. w.key, { key = false })
      assert.equal("401 api_key_missing", verdict(answer))
    end)

    it("shows a public key the organization's name and nothing else", function()
      local answer = w:get("/organization", { key = w.emulator.public_key })
      assert.equal(200, answer.status)
      local names = json.keys(answer.json)
      assert.same({ "id", "name", "object", "slug" }, names)
    end)

    it("refuses a public key elsewhere", function()
      local answer = w:get("/projects", { key = w.emulator.public_key })
      assert.equal("401 public_key_not_allowed", verdict(answer))
      assert.equal('Bearer realm="git"', answer.headers["www-authenticate"])
    end)

    it("asks for a key before it says 404 or 405", function()
      for _, case in ipairs { { "GET", "/nope" }, { "GET", "" }, { "PUT", "/projects" }, { "HEAD", "/nope" } } do
        local answer = w:send(case[1], case[2], nil, { key = false })
        assert.equal("401 api_key_missing", verdict(answer))
        assert.is_nil(answer.headers.allow)
        answer = w:send(case[1], case[2], nil, { key = w.emulator.public_key })
        assert.equal("401 public_key_not_allowed", verdict(answer))
      end
      assert.equal("404 resource_missing", verdict(w:get("/nope", { key = false, base = "/v3" })))
    end)

    it("keeps live and test data apart", function()
      local live = w.emulator:issue_key { livemode = true }
      assert.equal(201, w:post("/projects", { slug = "only-test" }).status)
      assert.equal(404, w:get("/projects/only-test", { key = live }).status)
      assert.is_true(w:get("/organization", { key = live }).json.livemode)
      assert.is_false(w:get("/organization").json.livemode)
    end)
  end)

  describe("scopes", function()
    before_each(function()
      w:post("/projects", { slug = "other" })
    end)

    local function try(scopes, method, path, body)
      return verdict(w:send(method, path, body, { key = w.emulator:issue_key { scopes = scopes } }))
    end

    it("asks for the scope of the operation", function()
      local answer = w:get("/deployments", { key = w.emulator:issue_key { scopes = { "projects:read" } } })
      assert.equal("403 insufficient_scope", verdict(answer))
      assert.equal("permission_error", answer.json.error.type)
      assert.equal("deployments:read", answer.json.error.required_scope)
    end)

    local cases = {
      { { "projects:read" }, "GET", "/projects", nil, "200 -" },
      { { "projects:write" }, "GET", "/projects", nil, "200 -" },
      { { "*" }, "GET", "/projects", nil, "200 -" },
      { { "projects:read" }, "POST", "/projects", { slug = "new" }, "403 insufficient_scope" },
      { { "projects:read" }, "POST", "/projects", "no json", "403 insufficient_scope" },
      { { "projects:read" }, "PATCH", "/projects/my-app", { name = "x" }, "403 insufficient_scope" },
      { { "projects:read" }, "PATCH", "/projects/none", { name = "x" }, "404 resource_missing" },
      { { "deployments:write" }, "GET", "/projects/my-app/env", nil, "403 insufficient_scope" },
      { { "logs:read" }, "GET", "/rate_limit", nil, "403 insufficient_scope" },
      { {}, "GET", "/organization", nil, "403 insufficient_scope" },
    }
    for _, case in ipairs(cases) do
      it(("%s: %s %s -> %s"):format(table.concat(case[1], " "), case[2], case[3], case[5]), function()
        assert.equal(case[5], try(case[1], case[2], case[3], case[4]))
      end)
    end

    it("hides what is outside of the key's projects", function()
      local mine, theirs = w:deploy(), w:deploy { project = "other" }
      local key = { key = w.emulator:issue_key { projects = { "my-app" } } }
      assert.equal(200, w:get("/projects/my-app", key).status)
      assert.equal("404 resource_missing", verdict(w:get("/projects/other", key)))
      assert.equal(200, w:get("/deployments/" .. mine.id, key).status)
      assert.equal("404 resource_missing", verdict(w:get("/deployments/" .. theirs.id, key)))
      assert.equal("404 resource_missing", verdict(w:post("/deployments/" .. theirs.id .. "/cancel", nil, key)))
      assert.equal("422 resource_missing project", verdict(w:post("/deployments", { project = "other" }, key)))
      local listed = w:get("/projects", key).json.data
      assert.equal("my-app", listed[1].slug)
      assert.is_nil(listed[2])
      assert.equal(mine.id, w:get("/deployments", key).json.data[1].id)
      assert.equal(1, #w:get("/deployments", key).json.data)
      assert.equal(0, #w:get("/deployments?project=other", key).json.data)
    end)

    it("adds a project that a scoped key makes to what the key sees", function()
      local key = { key = w.emulator:issue_key { projects = { "my-app" }, scopes = { "projects:write" } } }
      assert.equal(201, w:post("/projects", { slug = "mine" }, key).status)
      assert.equal(200, w:get("/projects/mine", key).status)
      assert.equal(2, #w:get("/projects", key).json.data)
    end)
  end)

  describe("bodies", function()
    local valid = '{"slug":"fresh"}'
    local cases = {
      { "JSON with a charset", valid, { ["content-type"] = "application/json; charset=UTF-8" }, "201 -" },
      { "JSON in capitals", valid, { ["content-type"] = "Application/JSON" }, "201 -" },
      { "no content type", valid, { ["content-type"] = false }, "415 unsupported_media_type" },
      { "a form", "slug=fresh", { ["content-type"] = "application/x-www-form-urlencoded" }, "415 unsupported_media_type" },
      { "JSON with a profile", valid, { ["content-type"] = "application/json; profile=x" }, "201 -" },
      { "JSON with several parameters", valid, { ["content-type"] = 'application/json;a="; b";charset="UTF-8"; c=d' }, "201 -" },
      {
        "another charset behind a profile",
        valid,
        { ["content-type"] = 'application/json; profile="x; charset=utf-8"; charset=latin1' },
        "415 unsupported_media_type",
      },
      { "two types", valid, { ["content-type"] = "application/json text/plain" }, "415 unsupported_media_type" },
      { "another charset", valid, { ["content-type"] = "application/json; charset=latin1" }, "415 unsupported_media_type" },
      { "something like JSON", valid, { ["content-type"] = "application/jsonp" }, "415 unsupported_media_type" },
      { "a compressed body", valid, { ["content-encoding"] = "gzip" }, "415 unsupported_media_type" },
      { "nothing", nil, {}, "400 invalid_json" },
      { "no JSON", "{slug:1}", {}, "400 invalid_json" },
      { "JSON and more", valid .. "x", {}, "400 invalid_json" },
      { "an array", "[]", {}, "400 invalid_json" },
      { "a string", '"x"', {}, "400 invalid_json" },
      { "a byte order mark", "\239\187\191" .. valid, {}, "400 invalid_json" },
      { "what is not UTF-8", '{"slug":"fr\228sh"}', {}, "400 invalid_json" },
      { "a lone surrogate", '{"slug":"\\ud800"}', {}, "400 invalid_json" },
      { "a name twice", '{"slug":"fresh","slug":"other"}', {}, "400 invalid_json" },
      { "too much", '{"slug":"' .. ("a"):rep(10 * 1024 * 1024) .. '"}', {}, "413 payload_too_large" },
      { "blanks around", " \r\n\t" .. valid .. "\n", {}, "201 -" },
    }
    for _, case in ipairs(cases) do
      it("with " .. case[1] .. " -> " .. case[4], function()
        assert.equal(case[4], verdict(w:post("/projects", case[2], { headers = case[3] })))
      end)
    end

    it("takes none, an empty one or {} where a row has no fields", function()
      for _, body in ipairs { false, "{}", " {} " } do
        local made = w:deploy()
        assert.equal(200, w:post("/deployments/" .. made.id .. "/cancel", body or nil).status)
      end
      local made = w:deploy()
      local answer = w:post("/deployments/" .. made.id .. "/cancel", { force = true })
      assert.equal("422 parameter_unknown force", verdict(answer))
    end)

    it("lists every fault of a 422, in the order of the fields", function()
      local answer = w:post("/projects", { slug = "A", regions = { "iad", 5 }, nmae = "x", name = 3 })
      local faults = {}
      for index, fault in ipairs(answer.json.error.errors) do
        faults[index] = fault.code .. " " .. fault.param
        assert.truthy(#fault.message > 0)
      end
      assert.same({
        "parameter_invalid slug", "invalid_type name", "invalid_type regions[2]", "parameter_unknown nmae",
      }, faults)
      assert.equal("422 parameter_invalid slug", verdict(answer))
      assert.equal("invalid_request_error", answer.json.error.type)
    end)

    it("names the parameter that is missing", function()
      assert.equal("422 parameter_missing slug", verdict(w:post("/projects", {})))
      assert.equal("422 parameter_missing project", verdict(w:post("/deployments", { branch = "main" })))
    end)

    it("tells an empty array from an empty object", function()
      assert.equal("422 invalid_type env", verdict(w:post("/deployments", '{"project":"my-app","env":[]}')))
      assert.equal("422 invalid_type regions", verdict(w:post("/deployments", '{"project":"my-app","regions":{}}')))
      assert.equal(201, w:post("/deployments", '{"project":"my-app","env":{}}').status)
    end)
  end)

  describe("queries", function()
    local cases = {
      { "/deployments?limit=0", "400 parameter_invalid limit" },
      { "/deployments?limit=101", "400 parameter_invalid limit" },
      { "/deployments?limit=ten", "400 parameter_invalid limit" },
      { "/deployments?limit=1.5", "400 parameter_invalid limit" },
      { "/deployments?limit=", "400 parameter_invalid limit" },
      { "/deployments?limit=2&limit=3", "400 parameter_invalid limit" },
      { "/deployments?order=up", "400 parameter_invalid order" },
      { "/deployments?status=done", "400 parameter_invalid status" },
      { "/deployments?status=live&status=done", "400 parameter_invalid status[2]" },
      { "/deployments?current=yes", "400 parameter_invalid current" },
      { "/deployments?commit_sha=main", "400 parameter_invalid commit_sha" },
      { "/deployments?created_after=soon", "400 parameter_invalid created_after" },
      { "/deployments?statsu=live", "400 parameter_unknown statsu" },
      { "/deployments?branch=%ff", "400 parameter_invalid" },
      { "/deployments?branch=%4", "400 parameter_invalid" },
      { "/deployments?cursor=x", "400 cursor_invalid cursor" },
      { "/deployments?cursor=" .. ("x"):rep(513), "400 cursor_invalid cursor" },
      { "/organization?x=1", "400 parameter_unknown x" },
      { "/organization?=1", "400 parameter_invalid" },
      { "/deployments?limit=1&=", "400 parameter_invalid" },
      { "/deployments?", "200 -" },
      { "/deployments?status=live&status=failed&current=false&limit=100&order=asc", "200 -" },
      { "/deployments?branch=a%20b+c%2Fd", "200 -" },
    }
    for _, case in ipairs(cases) do
      it(case[1]:sub(1, 60) .. " -> " .. case[2], function()
        assert.equal(case[2], verdict(w:get(case[1])))
      end)
    end
  end)

  describe("order of refusals", function()
    it("asks for the key, the thing, the scope, the query and the body, in this order", function()
      local poor = w.emulator:issue_key { scopes = { "projects:read" } }
      local path = "/deployments/dep_000000000000/redeploy?x=1"
      assert.equal("401 api_key_missing", verdict(w:post(path, "bad", { key = false })))
      assert.equal("404 resource_missing", verdict(w:post(path, "bad", { key = poor })))
      path = "/deployments/" .. w:deploy().id .. "/redeploy?x=1"
      assert.equal("403 insufficient_scope", verdict(w:post(path, "bad", { key = poor })))
      assert.equal("400 parameter_unknown x", verdict(w:post(path, "bad")))
      path = path:gsub("%?.*", "")
      assert.equal("415 unsupported_media_type", verdict(w:post(path, "bad", { headers = { ["content-type"] = "a/b" } })))
      assert.equal("400 invalid_json", verdict(w:post(path, "bad")))
      assert.equal("422 parameter_unknown x", verdict(w:post(path, { x = 1 })))
    end)
  end)

  describe("answers", function()
    it("carry the contract's headers", function()
      local headers = w:get("/organization").headers
      assert.equal("Fri, 21 Jun 2024 03:58:18 GMT", headers.date)
      assert.truthy(headers["x-request-id"]:match "^req_[0-9a-z]+$")
      assert.equal(16, #headers["x-request-id"])
      assert.equal("2.4.1", headers["x-git-version"])
      assert.equal("application/json; charset=utf-8", headers["content-type"])
      assert.equal("199", headers["x-ratelimit-remaining"])
      assert.equal("1718942299", headers["x-ratelimit-reset"])
    end)

    it("ignore a request id that the client sends", function()
      local answer = w:get("/nope", { headers = { ["x-request-id"] = "req_mine" } })
      assert.are_not.equal("req_mine", answer.headers["x-request-id"])
      assert.equal(answer.headers["x-request-id"], answer.json.error.request_id)
    end)

    it("have no body where there is nothing to say", function()
      local made = w:post("/projects", { slug = "gone" }).json
      local answer = w:delete("/projects/" .. made.id)
      assert.equal(204, answer.status)
      assert.is_nil(answer.body)
      assert.is_nil(answer.headers["content-type"])
    end)

    it("have every field of the error envelope, in order", function()
      local body = w:get("/nope").body
      local pattern = '^{"error":{"type":"invalid_request_error","code":"resource_missing","message":".-","param":null,'
        .. '"request_id":"req_%w+"}}$'
      assert.truthy(body:match(pattern))
    end)

    it("let browsers read the public operations only", function()
      assert.equal("*", w:get("/organization").headers["access-control-allow-origin"])
      assert.equal("*", w:get("/organization", { key = false }).headers["access-control-allow-origin"])
      assert.is_nil(w:get("/projects").headers["access-control-allow-origin"])
      local origin = { key = false, headers = { origin = "https://example.com" } }
      local preflight = w:send("OPTIONS", "/organization", nil, origin)
      assert.equal(204, preflight.status)
      assert.equal("Authorization", preflight.headers["access-control-allow-headers"])
      assert.equal(401, w:send("OPTIONS", "/projects", nil, origin).status)
      assert.is_nil(w:send("OPTIONS", "/projects", nil, origin).headers["access-control-allow-origin"])
    end)

    it("say what failed when the emulator itself does, and go on", function()
      local told
      w = world.new {
        on_error = function(text)
          told = text
        end,
      }
      local organization = w.emulator:find("project", w:get("/projects/my-app").json.id)
      organization.slug = {}
      organization.private.encoded = nil
      assert.equal("500 internal_error", verdict(w:get("/projects/" .. organization.id)))
      assert.truthy(told)
      assert.equal(200, w:get("/organization").status)
    end)

    it("repeat with the same seed", function()
      local one, other = world.new { seed = "a" }, world.new { seed = "a" }
      assert.equal(one.key, other.key)
      assert.same(one:deploy(), other:deploy())
      assert.are_not.same(one:deploy(), world.new({ seed = "b" }):deploy())
    end)

    it("differ without a seed", function()
      local one, other = world.new { seed = false }, world.new { seed = false }
      assert.truthy(one.key:match "^gsk_test_%w+$")
      assert.equal(9 + 32, #one.key)
      assert.equal(9 + 28, #one.emulator.public_key)
      assert.are_not.equal(one.key, other.key)
    end)
  end)

  -- With ids that nothing has: each is known, and none fails. (That each does what it should, the tours show.)
  it("knows every operation of the contract's tables", function()
    for _, op in ipairs(schema.operations()) do
      local operation = schema.operation(op)
      local path = operation.path:gsub("{([%l_]+)%*?}", function(name)
        return name == "project" and "my-app" or "x_000000000000"
      end)
      local answer = w:send(operation.method, path, operation.body and {} or nil)
      assert.truthy(answer.status < 500 and answer.status ~= 405, op .. " " .. verdict(answer))
      if answer.status == 404 then
        assert.are_not.equal("There is nothing at this path.", answer.json.error.message, op)
      end
    end
  end)
end)

local errors = require "gitdev.error"
local fake = require "spec.lua.support.fake"
local gitdev = require "gitdev"
local schema = require "gitdev.schema"

local SECRET = "gsk_live_0123456789abcdefghijklmnopqrstuv"

-- The error of a call that the API answered with a failure.
local function failure(fields, options)
  local git = fake.client({ fields }, options, "gitdev.safe")
  local value, err = git.deployments:get "dep_1"
  assert.is_nil(value)
  return err
end

describe("an error", function()
  it("takes nothing from a body that could forge it, and no control bytes or secrets", function()
    local err = failure {
      type = "invalid_request_error",
      message = "m",
      status = 422,
      body = '{"error":{"type":"api_error","code":["x"],"where":"FAKE.lua:1","status":200,"retryable":true,"headers":"h",'
        .. '"request_id":"req\\u001b[31m","attempts":7,"required_scope":"' .. SECRET .. '",'
        .. '"errors":[{"message":"a"},{"message":"b\\u001b]0;title\\u0007"}]}}',
    }
    assert.same({ "invalid_request_error", nil, nil, 422, false }, { err.type, err.code, err.where, err.status, err.retryable })
    assert.is_nil(err.request_id)
    assert.is_table(err.attempts)
    assert.is_table(err.headers)
    assert.is_nil(err.required_scope:find("0123", 1, true))
    assert.is_nil(tostring(err):find "%c")
    assert.equal("req_body", failure({ type = "api_error", message = "m", body = '{"error":{"request_id":"req_body"}}' }).request_id)
  end)

  it("has the contract's fields and what its code adds", function()
    local err = failure {
      type = "conflict_error",
      code = "invalid_state",
      message = "It is live.",
      status = 409,
      request_id = "req_1",
      retryable = false,
      headers = { ["x-request-id"] = "req_1" },
      attempts = { { verdict = "error", status = 409 } },
      body = '{"error":{"type":"conflict_error","code":"invalid_state","message":"other","param":null,"request_id":"req_1",'
        .. '"current_status":"live","allowed_statuses":["queued","building"],"limit_bytes":65536}}',
    }
    assert.same({ "conflict_error", "invalid_state", "It is live.", 409 }, { err.type, err.code, err.message, err.status })
    assert.same({ "live", { "queued", "building" } }, { err.current_status, err.allowed_statuses })
    assert.equal("65536", tostring(err.limit_bytes))
    assert.same({ "req_1", 409, false }, { err.headers["x-request-id"], err.attempts[1].status, err.retryable })
    assert.is_nil(err.param)
    assert.is_nil(err.body)
  end)

  it("survives bodies that are no JSON", function()
    local BODIES = { "", "<html>Bad Gateway</html>", "{", "[]", "null", '{"error":"text"}', '{"error":[1]}' }
    BODIES[#BODIES + 1] = '{"error":{"errors":"x"}}'
    BODIES[#BODIES + 1] = '{"error":{"errors":[1]}}'
    for _, body in ipairs(BODIES) do
      local err = failure { type = "api_error", code = "bad_gateway", message = "Bad gateway.", status = 502, body = body }
      assert.same({ "api_error", "bad_gateway", 502 }, { err.type, err.code, err.status })
      assert.equal("bad_gateway: Bad gateway (status 502)", tostring(err))
    end
  end)

  it("reads as one line", function()
    local CASES = {
      {
        { type = "invalid_request_error", code = "resource_missing", message = 'project "nope" does not exist.', param = "project",
          status = 422, request_id = "req_1" },
        'resource_missing: project "nope" does not exist (param project, status 422, request req_1)',
      },
      {
        { type = "connection_error", code = "refused", message = "nothing listens there", attempts = { {}, {}, {} } },
        "connection_error: nothing listens there (3 tries)",
      },
      { { type = "config_error", message = "no key" }, "config_error: no key" },
      { { type = "api_error", message = "odd", status = 500 }, "api_error: odd (status 500)" },
      { { type = "api_error", code = "unavailable" }, "unavailable: no message" },
      { { type = "new_kind_of_error", code = "new_code", message = "new" }, "new_code: new" },
      {
        { type = "invalid_request_error", code = "parameter_missing", message = "a is required.", param = "a", errors = {
          { message = "a is required." },
          { message = "b is required." },
          { message = "c is required." },
          { message = "d is required." },
          { message = "e is required." },
        } },
        "parameter_missing: a is required; b is required; c is required; d is required; and 1 more (param a)",
      },
    }
    for _, case in ipairs(CASES) do
      assert.equal(case[2], tostring(errors.new(case[1])))
    end
  end)

  it("can be joined to text", function()
    local err = errors.new { type = "config_error", message = "no key" }
    assert.equal("failed: config_error: no key!", "failed: " .. err .. "!")
  end)

  it("never shows a secret", function()
    local err = errors.new { type = "config_error", message = "key " .. SECRET .. " is bad", param = SECRET, where = "a" }
    err.request_id = "whsec_0123456789abcdefghijklmnopqrstuv"
    assert.is_nil(err.message:find("0123456789", 1, true))
    assert.is_nil(tostring(err):find("0123456789", 1, true))
    local git = fake.client {}
    local misuse = fake.raised(function()
      git.deployments:list { status = SECRET }
    end)
    assert.is_nil(tostring(misuse):find("0123456789", 1, true))
    assert.is_nil(misuse.message:find("0123456789", 1, true))
    for _, fault in ipairs(misuse.errors) do
      assert.is_nil(fault.message:find("0123456789", 1, true))
    end
  end)

  it("is told from other values, by type or code", function()
    local err = errors.new { type = "rate_limit_error", code = "rate_limited", message = "slow" }
    assert.is_true(gitdev.is_error(err))
    assert.is_true(gitdev.is_error(err, "rate_limit_error"))
    assert.is_true(gitdev.is_error(err, "rate_limited"))
    assert.is_false(gitdev.is_error(err, "api_error"))
    for _, other in ipairs { "rate_limited", 1, true, { type = "rate_limit_error" }, print } do
      assert.is_false(gitdev.is_error(other))
      assert.is_false(gitdev.is_error(other, "rate_limit_error"))
    end
    assert.is_false(gitdev.is_error(nil))
  end)

  it("says where the program called when the program is at fault", function()
    local git = fake.client {}
    local err = fake.raised(function()
      git.deployments:get()
    end)
    assert.matches("error_spec%.lua:%d+$", err.where)
    assert.matches("^[^ ]+:%d+: parameter_missing: ", tostring(err))
  end)
end)

describe("gitdev.hint", function()
  it("says what to do about every type and code", function()
    for _, kind in ipairs(schema.error_types()) do
      assert.is_string(gitdev.hint(errors.new { type = kind, message = "x" }), kind)
    end
    local CASES = {
      { "authentication_error", "api_key_missing", "GIT_API_KEY" },
      { "authentication_error", "unheard_of", "GIT_API_KEY" },
      { "config_error", nil, "setting" },
      { "timeout_error", "timeout", "more time" },
      { "api_error", "timeout", "try again later" },
      { "deployment_failed", "build_error", "log" },
      { "connection_error", "refused", "GIT_API_URL" },
    }
    for _, case in ipairs(CASES) do
      assert.matches(case[3], gitdev.hint { type = case[1], code = case[2] }, 1, true)
    end
  end)

  it("is silent about types that it does not know", function()
    assert.is_nil(gitdev.hint { type = "new_kind_of_error", code = "new_code" })
    assert.is_nil(gitdev.hint {})
  end)
end)

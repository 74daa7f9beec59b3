-- The tables against the text of the contract, where that is at hand.
local contract_text = require "spec.lua.support.contract_text"
local schema = require "gitdev.schema"

local OPERATIONS, EVENTS = 106, 57

if not contract_text.present then
  describe("the contract's text", function()
    pending "is not here: the tables were not held against it"
  end)
  return
end

-- Words of the text that stand for codes, and statuses that stand there alone.
local WORDS = {
  ["as there"] = "as deployments.logs.stream",
  ["env codes"] = "422 env_key_reserved, invalid_encoding, env_too_large",
  ["413 %(store full%)"] = "413 payload_too_large",
}
local ALONE = { ["410"] = "410 logs_expired;", ["416"] = "416 range_not_satisfiable;" }

-- What follows for an operation from the contract's prose, beyond its row: variables are variables wherever they are given (1.10), new names
-- obey the rules of all names (1.2), references lead to something (1.8), and a preview is a deployment.
local ENV = { "422 env_key_reserved", "422 invalid_encoding", "422 env_too_large" }
local BEYOND = {
  -- 1.4: a key cannot get at more than it holds, and the answer tells a secret
  ["api_keys.rotate"] = { "403 scope_escalation" },
  ["deployments.redeploy"] = ENV,
  ["edge_functions.create"] = ENV,
  ["edge_functions.update"] = ENV,
  ["pipelines.create"] = { "422 resource_missing", ENV[1], ENV[2], ENV[3] },
  ["pipelines.update"] = ENV,
  ["previews.create"] = { "422 resource_missing", "409 invalid_state", "403 plan_limit_reached", ENV[1], ENV[2], ENV[3] },
  ["projects.update"] = { "422 name_reserved" },
  ["repositories.commits.create"] = { "422 resource_missing" },
  ["repositories.update"] = { "422 name_reserved" },
  ["runs.create"] = ENV,
  ["webhooks.create"] = { "422 resource_missing" },
  ["webhooks.update"] = { "422 resource_missing" },
}

local texts = {}
for _, row in ipairs(contract_text.operations()) do
  texts[row.op] = row
end

-- The codes in an errors cell: "409 already_exists" -> true.
local function codes_of(row, seen)
  local text, found, status = row.errors, {}, nil
  for word, meaning in pairs(WORDS) do
    text = text:gsub(word, meaning)
  end
  text = (text:gsub("%b()", "") .. ";"):gsub("(%d%d%d)%s*;", ALONE)
  for other in text:gmatch "as ([%l_.]+)" do
    other = texts[other] and other or row.op:match "^(.+)%." .. "." .. other
    if texts[other] and not seen[other] then
      seen[other] = true
      for code in pairs(codes_of(texts[other], seen)) do
        found[code] = true
      end
    end
  end
  for word in text:gmatch "[%w_.]+" do
    if word:find "^%d%d%d$" then
      status = word
    elseif schema.error(word) and schema.error(word).code then
      found[status .. " " .. word] = true
    end
  end
  return found
end

local function sorted(set)
  local list = {}
  for key in pairs(set) do
    list[#list + 1] = key
  end
  table.sort(list)
  return list
end

describe("the contract's text", function()
  it("has the operations that the tables have", function()
    local named, found = {}, {}
    for _, row in ipairs(contract_text.operations()) do
      named[row.op] = true
    end
    for _, op in ipairs(schema.operations()) do
      found[op] = true
    end
    assert.same(sorted(named), sorted(found))
    assert.equal(OPERATIONS, #sorted(found))
  end)

  it("has their methods, paths, kinds, scopes, releases and tiers", function()
    for op, text in pairs(texts) do
      local row = schema.operation(op)
      assert(row, op)
      local scope, public = text.scope:match "^([%l_]+:%l)", text.scope:find("pub", 1, true) ~= nil
      assert.same({ text.method, text.path, text.kind, text.tier, public }, { row.method, row.path, row.kind, row.tier, row.public or false }, op)
      -- Job logs are as those of deployments, the release included.
      local since = text.since or texts[text.errors == "as there" and "deployments.logs.stream" or op].since
      assert.equal(since ~= "" and since or nil, row.since, op)
      -- A row that is only public is under the scope that contract 1.4 names for it.
      assert.equal(scope or "organization:r", row.scope, op)
    end
  end)

  it("has their statuses and what they return", function()
    for op, text in pairs(texts) do
      local row = schema.operation(op)
      local status = text.returns:match "^(%d%d%d)"
      if status then
        assert.equal(tonumber(status), row.status[1], op)
      end
      if row.returns then
        assert.is_truthy(text.returns:find(row.returns, 1, true) or text.kind ~= "get" and text.kind ~= "list", op)
      end
    end
  end)

  it("has their errors", function()
    local wrong = {}
    for op, text in pairs(texts) do
      local expected, found = codes_of(text, {}), {}
      for _, extra in ipairs(BEYOND[op] or {}) do
        expected[extra] = true
      end
      for _, row in ipairs(schema.operation(op).errors or {}) do
        found[("%d %s"):format(row[1], row[2])] = true
      end
      for code in pairs(expected) do
        wrong[#wrong + 1] = not found[code] and op .. " lacks " .. code or nil
      end
      for code in pairs(found) do
        wrong[#wrong + 1] = not expected[code] and op .. " has " .. code or nil
      end
    end
    table.sort(wrong)
    assert.same({}, wrong)
  end)

  it("names the fields of their requests", function()
    for op, text in pairs(texts) do
      local row = schema.operation(op)
      for name in text.request:gsub("%b()", ""):gsub("any create field but ([%w_]+)", ""):gsub("%b{}", ""):gmatch "([%l_]+)%*" do
        local field = row.body and row.body.by_name[name] or row.query and row.query.by_name[name]
        assert(field and field.required, op .. " requires " .. name)
      end
    end
  end)

  it("has the error codes, their types and statuses", function()
    local expected = contract_text.errors()
    for code, text in pairs(expected) do
      local row = assert(schema.error(code), code)
      assert.equal(text.type, row.type, code)
      for _, status in ipairs(row.statuses) do
        assert.is_true(text.statuses[status], code .. " " .. status)
      end
    end
    for _, group in ipairs(require "gitdev.api.errors") do
      for _, row in ipairs(group.codes or {}) do
        assert.is_table(expected[row[1]], row[1])
      end
    end
  end)

  it("has the event types, and their data in order", function()
    local expected, count = {}, 0
    for _, text in ipairs(contract_text.events()) do
      expected[text.type], count = true, count + 1
      local event = assert(schema.event(text.type), text.type)
      assert.same(text.fields, event.fields.names, text.type)
      assert.equal(text.family, event.family, text.type)
    end
    assert.equal(EVENTS, count)
    for _, kind in ipairs(schema.events()) do
      assert.is_true(expected[kind], kind)
    end
  end)

  for section, object in pairs { ["3.1"] = "deployment", ["3.2"] = "run", ["3.3"] = "domain", ["3.4"] = "delivery" } do
    it("has the arrows of a " .. object, function()
      local count = 0
      for _, text in ipairs(contract_text.transitions(section)) do
        local known = false
        for _, row in ipairs(schema.object(object).states.transitions) do
          local told = row.from == text.from and row.to == text.to
          for _, kind in ipairs(row.events or {}) do
            told = told and text.events[kind] ~= nil
          end
          known = known or told
        end
        assert.is_true(known, tostring(text.from) .. " → " .. tostring(text.to))
        count = count + 1
      end
      assert.is_true(count > 5)
    end)
  end
end)

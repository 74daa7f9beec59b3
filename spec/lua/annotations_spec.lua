-- The editors' types are made from the tables: they must say of each call, thing and event what the tables say, and be well-formed.
local annotations = require "gitdev.describe.annotations"
local calls = require "gitdev.describe.calls"
local classes = require "gitdev.describe.classes"
local gitdev = require "gitdev"
local json = require "gitdev.json"
local luacats = require "spec.lua.support.luacats"
local schema = require "gitdev.schema"
local test = require "gitdev.test"
local tour = require "spec.lua.support.tour"
local pcall = gitdev.pcall -- tasks wait in it

local FILE = "lua/gitdev/types.d.lua"

local text = annotations.text()
local read = luacats.read(text)

local function class(name)
  return assert(read.classes[name], "there is no class " .. name)
end

local function class_of(name)
  return class("gitdev." .. ("_" .. name):gsub("_(%l)", string.upper))
end

local function sorted(list)
  table.sort(list)
  return list
end

describe("the reader of annotations", function()
  it("takes the types that LuaCATS has", function()
    for _, case in ipairs {
      'string', '"a"|"b"|nil', "(string|integer)[]", "table<string, string|gitdev.Null>", "fun()", "integer[]?",
      'fun(self: A, ...: any): A|nil, gitdev.Error|nil', "fun(done: integer, total?: integer)", "table<K, fun(): V>",
    } do
      local _, rest = luacats.type(case .. "  and words, of them some")
      assert.equal("and words, of them some", rest, case)
    end
  end)

  it("refuses what is malformed", function()
    for _, case in ipairs {
      "---@class A\n---@class A\n", "---@field a string\n", "---@class A\n---@field a string\n---@field a string\n",
      "---@class A\n---@field a (string\n", "---@class A\n---@field a table<string\n", "---@class A\n---@field a string|\n",
      "---@class A\n---@field a string)\n", "---@class A\n---@field a 'x'\n", "---@class A B\n", "---@typo A\n", "---@alias A\n---| a b\n",
      "---@class A\n---@field package string\n", "---@class A\n---@field a string  [1] is one\n",
      "---@class A\nlocal a = {}\n\n---@param x string\nfunction a:f(y) end\n", "function b:f() end\n",
      "---@class A\nlocal a = {}\n\nfunction a:f() end\n\nfunction a:f() end\n", "x = 1\n",
    } do
      assert.is_false((pcall(luacats.read, case)), case)
    end
    assert.equal("B, in line 2", luacats.undefined(luacats.read "---@class A\n---@field a B[]\n"))
  end)
end)

describe("the annotations", function()
  it("are what lua/gitdev/types.d.lua has: else run ./dev docs", function()
    local file = assert(io.open(FILE, "rb"))
    local stored = file:read "*a"
    file:close()
    assert.is_true(stored == text, FILE .. " is stale: run ./dev docs")
  end)

  it("are a Lua file of the module gitdev, and name no type that is not defined", function()
    assert.equal("gitdev", read.meta)
    assert.equal("gitdev", read.locals[read.returned].name)
    assert.is_truthy(require("gitdev.compat").load(text, "=types"))
    assert.is_nil(luacats.undefined(read))
  end)

  it("have every operation, with what it takes", function()
    for _, op in ipairs(schema.operations()) do
      local operation = schema.operation(op)
      local methods = class("gitdev.resource." .. operation.resource).methods
      local method = methods[operation.name]
      assert.is_truthy(method, op)
      local names = {}
      for i, parameter in ipairs(method.parameters) do
        names[i] = parameter.name
      end
      assert.same(calls.arguments(operation), names, op)
      assert.is_true(method.method and method.parameters[#names].optional, op)
      assert.equal(operation.paginated == true, methods.each ~= nil and operation.name == "list", op)
      assert.equal("gitdev.Error", method.returns[2].type.union[1].name, op)
    end
  end)

  it("lead from the client to every resource, and from each to those below it", function()
    for _, group in ipairs(calls.groups()) do
      local at = class "gitdev.Client"
      for name in group.name:gmatch "[^%.]+" do
        at = class(at.fields[name].type.name)
      end
      assert.equal("gitdev.resource." .. group.name, at.name)
    end
  end)

  it("have the methods that things have", function()
    for _, name in ipairs(schema.objects()) do
      local methods = {}
      for i, method in ipairs(calls.methods(name)) do
        methods[i] = method.name
      end
      if methods[1] then
        local own = {}
        for method in pairs(class_of(name).methods) do
          own[#own + 1] = method
        end
        assert.same(sorted(methods), sorted(own), name)
      end
    end
  end)

  -- The members that a field's type must have: an enum's values, and null where it may be.
  local function check_node(field, node, null, label)
    assert.is_truthy(field, label)
    local members, found = {}, {}
    for _, value in ipairs(node.values or {}) do
      members[#members + 1] = type(value) == "string" and '"' .. value .. '"' or tostring(value)
    end
    members[#members + 1] = node.const ~= nil and (type(node.const) == "string" and '"' .. node.const .. '"' or tostring(node.const)) or nil
    local free = node.kind == "json" and null == "nil" and label ~= "event.data"
    members[#members + 1] = (node.nullable or free) and null or nil
    for _, member in ipairs(luacats.members(field.type)) do
      local counts = member == null or member == "nil" or (node.kind == "enum" or node.const ~= nil) and member ~= "[]"
      found[#found + 1] = counts and member or nil
    end
    assert.same(sorted(members), sorted(found), label)
  end

  it("have each thing's fields: enums with their values, nil where null may come, and only there", function()
    for _, op in ipairs(schema.operations()) do
      local name = schema.operation(op).returns
      for _, node in ipairs(name and schema.object(name).fields or {}) do
        local field = class_of(name).fields[node.name]
        check_node(field, node, "nil", name .. "." .. node.name)
        assert.equal(node.optional == true, field.optional, name .. "." .. node.name)
      end
    end
  end)

  it("have each call's fields: those that must be given, and null where it clears", function()
    for _, op in ipairs(schema.operations()) do
      local fields = calls.fields(schema.operation(op))
      local found = fields and class("gitdev.fields." .. op).fields
      for _, node in ipairs(fields or {}) do
        check_node(found[node.name], node, "gitdev.Null", op .. " " .. node.name)
        assert.equal(node.required == true, not found[node.name].optional, op .. " " .. node.name)
      end
    end
  end)

  it("have what may be given besides texts: things, and numbers", function()
    local function parameter(group, method, position)
      return table.concat(sorted(luacats.members(class("gitdev.resource." .. group).methods[method].parameters[position].type)), " ")
    end
    assert.equal("gitdev.Commit string", parameter("repositories.commits", "get", 2))
    assert.equal("gitdev.EdgeConfigItem string", parameter("edge_configs.items", "delete", 2))
    assert.equal("gitdev.Branch string", parameter("repositories.branches", "get", 2))
    assert.equal("string", parameter("repositories.files", "get", 2))
    local attempt = class("gitdev.fields.runs.jobs.list").fields.attempt
    assert.equal("integer string", table.concat(sorted(luacats.members(attempt.type)), " "))
  end)

  it("have every event; of its data the fields of the platform's sample alone are certain", function()
    local union = {}
    for i, member in ipairs(read.aliases["gitdev.AnyEvent"].members) do
      union[i] = member.name
    end
    for i, kind in ipairs(schema.events()) do
      assert.equal("gitdev.event." .. kind, union[i])
      assert.equal('"' .. kind .. '"', class(union[i]).fields.type.type.literal)
      local data = class("gitdev.data." .. kind).fields
      for _, node in ipairs(schema.event(kind).fields) do
        local certain = ("project status url duration_ms "):find(node.name .. " ", 1, true) ~= nil
        assert.equal(certain, not data[node.name].optional, kind .. " " .. node.name)
      end
    end
    assert.equal(#schema.events(), #union)
    assert.equal(#schema.events(), #read.aliases["gitdev.EventType"].members)
  end)

  it("have every error type, code, and what codes add", function()
    assert.equal(#schema.error_types(), #read.aliases["gitdev.ErrorType"].members)
    for _, member in ipairs(read.aliases["gitdev.ErrorCode"].members) do
      local known = schema.error((member.literal:gsub('"', "")))
      assert.is_truthy(known and known.code)
      for _, node in ipairs(known.fields or {}) do
        assert.is_true(class("gitdev.Error").fields[node.name].optional)
      end
    end
  end)
end)

-- What stands in gitdev.describe.classes by hand, against the code.
describe("what is declared by hand", function()
  -- The names in a message's "known are a, b, c."
  local function known_names(fn)
    local ok, err = pcall(fn)
    assert.is_false(ok)
    local list, names = tostring(err.message):match "known are (.-)%.$", {}
    for name in assert(list, tostring(err)):gmatch "[^%s,]+" do
      names[#names + 1] = name
    end
    return sorted(names)
  end

  local function declared(name)
    local names = {}
    for field in pairs(class(name).fields) do
      names[#names + 1] = field
    end
    return sorted(names)
  end

  -- A class's fields and its parent's; its own say what a field is.
  local function fields_with_parents(name)
    local fields, at = {}, read.classes[name]
    while at do
      for field, one in pairs(at.fields) do
        fields[field] = fields[field] or one
      end
      at = read.classes[at.parent]
    end
    return fields
  end

  local NONSENSE = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

  it("is what gitdev has", function()
    local names = declared "gitdev"
    for name, method in pairs(class("gitdev").methods) do
      names[#names + 1] = name
      assert.equal("function", type(gitdev[name]), name)
      assert.is_false(method.method)
    end
    assert.same(known_names(function()
      return gitdev[NONSENSE]
    end), sorted(names))
  end)

  it("are the options that there are", function()
    test.run(function()
      local git = gitdev.client()
      local deployment = git.deployments:create { project = "my-app" }
      local jobs = { { name = "a", steps = { { run = "true" } } } }
      local run = git.runs:create { pipeline = git.pipelines:create { project = "my-app", name = "ci", jobs = jobs } }
      local wrong = { [NONSENSE] = true }
      for name, use in pairs {
        ["gitdev.ClientOptions"] = function() gitdev.client(wrong) end,
        ["gitdev.CallOptions"] = function() git.projects:get("my-app", wrong) end,
        ["gitdev.WaitOptions"] = function() deployment:wait(wrong) end,
        ["gitdev.RequestOptions"] = function() git:request("GET", "/projects", wrong) end,
        ["gitdev.RunLogFields"] = function() run:logs(wrong) end,
        ["gitdev.DownloadFields"] = function() git.artifacts:download("art_000000000000", wrong) end,
        ["gitdev.VerifyOptions"] = function() gitdev.webhooks.verify("", "", "s", wrong) end,
        ["gitdev.ReceiverOptions"] = function() gitdev.webhooks.serve(wrong) end,
        ["gitdev.SignOptions"] = function() gitdev.webhooks.sign("", "s", wrong) end,
        ["gitdev.MemoryStoreOptions"] = function() gitdev.store.memory(wrong) end,
        ["gitdev.FileStoreOptions"] = function() gitdev.store.file(wrong) end,
        ["gitdev.RedisStoreOptions"] = function() gitdev.store.redis(wrong) end,
      } do
        assert.same(known_names(use), declared(name), name)
      end
    end)
  end)

  it("are the fields of following a log: those of the stream, and on_gap", function()
    for _, op in ipairs { "deployments.logs.stream", "jobs.logs.stream" } do
      local names = { "on_gap" }
      for _, node in ipairs(schema.operation(op).query) do
        names[#names + 1] = node.name
      end
      assert.same(sorted(names), declared "gitdev.FollowFields")
    end
  end)

  it("is what streams, their messages and lines hold", function()
    local function check_all(values, name)
      local held = fields_with_parents(name)
      for _, value in ipairs(values) do
        for key in pairs(value) do
          assert.is_truthy(held[key], name .. " has no " .. tostring(key))
        end
        for field, one in pairs(held) do
          local may = one.optional or table.concat(luacats.members(one.type), " "):find "nil"
          assert.is_true(may ~= nil and may ~= false or value[field] ~= nil, name .. " without " .. field)
        end
      end
    end
    test.run(function()
      local git = gitdev.client()
      local deployment, messages, lines = git.deployments:create { project = "my-app" }, {}, {}
      for line in deployment:logs { follow = true } do
        lines[#lines + 1] = line
      end
      for message in git.deployments.logs:stream(deployment) do
        messages[#messages + 1] = message
      end
      assert.is_true(#lines > 0 and #messages > #lines)
      check_all(lines, "gitdev.FollowedLine")
      check_all(messages, "gitdev.LogMessage")
    end)
  end)

  it("is what errors, their attempts, answers, pages, hooks and rate limits hold", function()
    local function check(value, name, seen)
      local fields = class(name).fields
      for key in pairs(value) do
        assert.is_truthy(fields[key], name .. " has no " .. tostring(key))
      end
      for field, one in pairs(fields) do
        local must = not one.optional and not table.concat(luacats.members(one.type), " "):find "nil"
        assert.is_true(not must or value[field] ~= nil or seen == field, name .. " without " .. field)
      end
    end
    test.run(function()
      local function on(moment)
        check(moment, "gitdev.Moment")
      end
      local git = gitdev.client { on_request = on, on_response = on, on_retry = on, on_wait = on }
      local _, err = pcall(git.projects.get, git.projects, "no-such-project")
      check(err, "gitdev.Error")
      check(err.attempts[1], "gitdev.Try")
      local page = git.projects:list()
      check(page, "gitdev.Page")
      check(gitdev.answer(page), "gitdev.Answer")
      check(git.rate_limit(), "gitdev.KnownRateLimit")
      local _, misuse = pcall(git.projects.create, git.projects, {})
      check(misuse.errors[1], "gitdev.Fault")
    end)
  end)

  it("leaves no class of its own to the sources", function()
    for _, one in ipairs(classes.list) do
      assert.is_truthy(one.words ~= "" and class(one.name), one.name)
    end
    local pipe = assert(io.popen "grep -rn -e '---@class' lua --include='*.lua' --exclude='*.d.lua' --exclude-dir=describe")
    local found = pipe:read "*a"
    pipe:close()
    assert.equal("", found)
  end)
end)

-- What the emulator answers while the tours call every operation, held against the types as an editor reads them.
describe("the types of answers", function()
  local fits

  -- A class's fields, its parents' with them; the nearest says what a field is.
  local function fields_of(name)
    local fields, at = {}, read.classes[name]
    while at do
      for field, one in pairs(at.fields) do
        fields[field] = fields[field] or one
      end
      at = read.classes[at.parent]
    end
    return fields
  end

  local function fits_class(value, name)
    local fields = fields_of(name)
    for key in pairs(type(value) == "table" and value or { [0] = true }) do
      if not fields[key] then
        return false
      end
    end
    for field, one in pairs(fields) do
      local present = value[field] ~= nil
      if not one.type.fun and not (present and fits(value[field], one.type)) and not (one.optional and not present) then
        return false, name .. "." .. field
      end
    end
    return true
  end

  local SIMPLE = {
    string = "string",
    boolean = "boolean",
    table = "table",
    integer = "number",
  }

  local function fits_name(value, node)
    local name = node.name
    if name == "nil" then
      return value == json.null
    elseif name == "true" then
      return value == nil
    elseif name == "gitdev.Json" then
      return true
    elseif read.aliases[name] then
      return fits(value, { union = read.aliases[name].members })
    elseif read.classes[name] then
      return fits_class(value, name)
    elseif name == "table" and node.arguments[2] then
      for _, inner in pairs(type(value) == "table" and value or { false }) do
        if not fits(inner, node.arguments[2]) then
          return false
        end
      end
      return true
    end
    return type(value) == SIMPLE[name] and (name ~= "integer" or value % 1 == 0)
  end

  function fits(value, node)
    if node.literal then
      return value == (node.literal:match '^"(.*)"$' or tonumber(node.literal))
    elseif node.union then
      local why
      for _, member in ipairs(node.union) do
        local good, place = fits(value, member)
        if good then
          return true
        end
        why = why or place
      end
      return false, why
    elseif node.array then
      for _, item in ipairs(type(value) == "table" and value or { false }) do
        local good, place = fits(item, node.array)
        if not good then
          return false, place
        end
      end
      return type(value) == "table"
    end
    return fits_name(value, node)
  end

  local function check(op, answer)
    local method = class("gitdev.resource." .. op.resource).methods[op.name]
    if answer.status >= 300 or op.kind == "download" or op.kind == "stream" then
      return
    end
    local value = answer.body and answer.body ~= "" and json.decode(answer.body) or nil
    local good, place = fits(value, method.returns[1].type)
    assert.is_true(good, op.op .. ": " .. tostring(place) .. " in " .. tostring(answer.body))
  end

  for _, name in ipairs(tour.names()) do
    it("are those that come in the tour of " .. name, function()
      local world, seen = test.world { rate_limit = false }, 0
      tour.watch(world.emulator, function(op, answer)
        seen = seen + 1
        check(op, answer)
      end, function(kind, body)
        local good, place = fits(json.decode(body), { name = "gitdev.event." .. kind })
        assert.is_true(good, kind .. ": " .. tostring(place))
      end)
      world:run(function()
        tour.load(name)(gitdev.client(), tour.control(world.emulator))
      end)
      assert.is_true(seen > 0)
    end)
  end

  it("are refused where they do not fit", function()
    local kind = { name = "gitdev.RateLimit" }
    local function limit(changes)
      local value = { object = "rate_limit", plan = "pro", per_minute = 600, burst = 50, remaining = 49, reset_at = 1718942299 }
      for field, one in pairs(changes) do
        value[field] = one
      end
      return (fits(value, kind))
    end
    assert.is_true(limit {})
    for _, wrong in ipairs { { plan = "gold" }, { burst = "50" }, { burst = 1.5 }, { burst = json.null }, { more = 1 } } do
      assert.is_false(limit(wrong))
    end
    assert.is_false((fits({ object = "rate_limit" }, kind)))
  end)
end)

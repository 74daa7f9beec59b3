-- Holds the contract's tables against themselves.
local errors = require "gitdev.api.errors"
local formats = require "gitdev.api.formats"
local kinds = require "gitdev.api.kinds"
local limits = require "gitdev.api.limits"
local regex = require "spec.lua.support.regex"
local schema = require "gitdev.schema"
local types = require "gitdev.types"

-- Calls fn(node, label) for a field list's nodes, and those inside them.
local function each_node(fields, fn)
  local function visit(node, label)
    fn(node, label)
    for _, inner in ipairs { node.item or false, node.value or false } do
      if inner then
        visit(inner, label .. "[]")
      end
    end
    for _, field in ipairs(node.fields or {}) do
      visit(field, label .. "." .. field.name)
    end
  end
  for _, field in ipairs(fields) do
    visit(field, fields.label .. "." .. field.name)
  end
end

local function each_field_list(fn)
  for _, name in ipairs(schema.operations()) do
    local op = schema.operation(name)
    for _, fields in ipairs { op.query or {}, op.body or {} } do
      if fields[1] then
        fn(fields, op)
      end
    end
  end
  for _, name in ipairs(schema.objects()) do
    fn(schema.object(name).fields)
  end
end

local function sentence(text, label)
  assert.is_string(text, label)
  assert.matches("^%S.*%.$", text, 1, false, label)
end

describe("the operations", function()
  it("are each named once, and have a path of their own", function()
    local seen = {}
    for _, name in ipairs(schema.operations()) do
      local op = schema.operation(name)
      local place = op.method .. " " .. op.path:gsub("{[^}]*}", "{}")
      assert.is_nil(seen[name], name)
      assert.is_nil(seen[place], name)
      seen[name], seen[place] = true, true
    end
  end)

  it("are named after their resource, of a known kind, and described", function()
    for _, name in ipairs(schema.resources) do
      local resource = schema.resource(name)
      assert.equal(name, resource.name)
      sentence(resource.doc, name)
      for _, row in ipairs(resource.operations) do
        assert.equal(name, row.op:match "^[%l_]+")
        assert.is_table(kinds[row.kind], row.op)
        assert.is_number(row.tier, row.op)
        sentence(row.doc, row.op)
      end
    end
  end)

  it("return objects that exist, or none: what deletes, and what answers bytes", function()
    for _, name in ipairs(schema.operations()) do
      local op = schema.operation(name)
      if op.kind == "delete" or op.special then
        assert.is_nil(op.returns, name)
      else
        assert.is_table(schema.object(op.returns), name)
      end
    end
  end)

  it("name errors that exist, with a status that the error may have", function()
    for _, name in ipairs(schema.operations()) do
      for _, row in ipairs(schema.operation(name).errors or {}) do
        local known = schema.error(row[2])
        assert.is_table(known and known.code and known, name .. " " .. row[2])
        assert.is_true(known.statuses[1] == row[1] or known.statuses[2] == row[1], name .. " " .. row[2])
      end
    end
  end)

  it("page with limit, cursor and order", function()
    for _, name in ipairs(schema.operations()) do
      local op = schema.operation(name)
      if op.kind == "list" then
        local page = op.returns == "log_line" and limits.log_page or limits.page
        local limit = op.query.by_name.limit
        assert.same({ 1, page.max, page.default }, { limit.min, limit.max, limit.default })
        assert.is_table(op.query.by_name.cursor, name)
        assert.is_truthy(op.query.by_name.order.default, name)
      end
    end
  end)
end)

-- Calls fn(name, body, the operation that creates or nil, the object's name) for each update.
local function each_update(fn)
  for _, name in ipairs(schema.operations()) do
    local op = schema.operation(name)
    if op.kind == "update" then
      fn(name, op.body, schema.operation(op.resource .. ".create"), op.returns)
    end
  end
end

describe("the fields", function()
  it("have types and formats that exist", function()
    each_field_list(function(fields)
      each_node(fields, function(node, label)
        if node.kind == "object" then
          assert.is_table(node.fields or schema.object(node.object), label)
        end
        for _, format in ipairs { node.format or "slug", node.key_format or "slug" } do
          assert.is_table(formats[format], label .. " " .. format)
        end
      end)
    end)
  end)

  it("are named once and described", function()
    each_field_list(function(fields)
      local seen = {}
      for _, field in ipairs(fields) do
        assert.is_nil(seen[field.name], fields.label .. "." .. field.name)
        seen[field.name] = true
        sentence(field.doc, fields.label .. "." .. field.name)
      end
    end)
  end)

  it("have defaults that they would accept", function()
    each_field_list(function(fields)
      for _, field in ipairs(fields) do
        if field.default ~= nil then
          local faults = {}
          schema.check(fields, { [field.name] = field.default }, nil, function(code, param, message)
            if code ~= "parameter_missing" then
              faults[#faults + 1] = param .. ": " .. message
            end
          end)
          assert.same({}, faults, fields.label)
          assert.is_false(field.required or false, fields.label .. "." .. field.name)
        end
      end
    end)
  end)

  it("of a change are those that can be given when it is made, and more", function()
    -- What only a change can say.
    local LATER = { status = true, state = true, dismissed_reason = true, dismissed_comment = true, enabled = true,
      expected_version = true, archived = true }
    each_update(function(update, changed, create)
      local given = create and create.body.by_name or {}
      for _, field in ipairs(changed) do
        local twin = given[field.name]
        assert.is_true(LATER[field.name] or twin ~= nil, update .. "." .. field.name)
        assert.is_nil(field.default, update .. "." .. field.name)
        if twin then
          assert.same({ twin.kind, twin.format }, { field.kind, field.format }, update .. "." .. field.name)
        end
      end
    end)
  end)

  it("that a change may clear are those that may be null", function()
    each_update(function(update, changed, _, returns)
      local object = schema.object(returns).fields.by_name
      for _, field in ipairs(changed) do
        local shown = object[field.name] or object[field.name .. "_id"]
        if shown and field.name ~= "value" then
          assert.equal(shown.nullable, field.nullable, update .. "." .. field.name)
        end
      end
    end)
  end)

  it("of objects begin with the id and name the object", function()
    for _, name in ipairs(schema.objects()) do
      local object = schema.object(name)
      local kind = object.fields.by_name.object
      if object.embedded or object.bare then
        assert.is_nil(kind and kind.const, name)
      else
        assert.equal(name, kind and kind.const, name)
      end
      if object.prefix then
        assert.same({ "id", "id", object.prefix }, { object.fields[1].name, object.fields[1].kind, object.fields[1].prefix })
      end
    end
  end)
end)

describe("types.parse", function()
  it("refuses what is no type", function()
    for _, text in ipairs { "", "Str", "[str", "{int:str}", "id<>", "id<dep|>", "id<|dep>", "id<dep||job>", "str??x", "a||b c" } do
      assert.has_error(function()
        types.parse(text)
      end, nil, text)
    end
  end)

  it("reads nested ones", function()
    local node = types.parse "{str:[id<dep>?]}?"
    assert.same({ "map", true, "array", false }, { node.kind, node.nullable, node.value.kind, node.value.nullable })
    assert.same({ "id", "dep", true }, { node.value.item.kind, node.value.item.prefix, node.value.item.nullable })
    assert.same({ "id", { "dep", "job" } }, { types.parse("id<dep|job>").kind, types.parse("id<dep|job>").prefix })
    assert.same({ 301, 302 }, types.parse("301|302").values)
    assert.same({ "int", "ms" }, { types.parse("ms").kind, types.parse("ms").unit })
    assert.equal("job_def", types.parse("[job_def]").item.object)
  end)
end)

describe("the events", function()
  it("are about objects that exist, in fields that do, and carry nothing secret", function()
    for _, kind in ipairs(schema.events()) do
      local event = schema.event(kind)
      sentence(event.doc, kind)
      assert.is_table(schema.object(event.object), kind)
      for _, field in ipairs(event.fields) do
        sentence(field.doc, kind .. "." .. field.name)
        assert.is_false(field.name == "secret" and field.kind == "str" or field.name == "value" or field.name == "code", kind)
      end
    end
  end)
end)

describe("the errors", function()
  it("have each code once, statuses of its type, and a hint", function()
    local seen, statuses = {}, {
      authentication_error = { 401 },
      permission_error = { 403 },
      conflict_error = { 409 },
      idempotency_error = { 409, 422 },
      rate_limit_error = { 429 },
      api_error = { 500, 502, 503, 504 },
      invalid_request_error = { 400, 404, 405, 410, 413, 415, 416, 422, 426 },
    }
    for _, group in ipairs(errors) do
      sentence((group.hint:gsub("%?$", ".")), group.type)
      for _, row in ipairs(group.codes or {}) do
        assert.is_nil(seen[row[1]], row[1])
        seen[row[1]] = true
        for i = 2, #row do
          local allowed = " " .. table.concat(statuses[group.type], " ") .. " "
          assert.is_truthy(allowed:find(" " .. row[i] .. " ", 1, true), row[1])
        end
        for _, node in ipairs(schema.error(row[1]).fields or {}) do
          sentence(node.doc, row[1] .. "." .. node.name)
        end
      end
    end
    assert.is_true(seen.idempotency_key_reused)
  end)

  it("of the SDK's own types have no codes", function()
    local own = {}
    for _, group in ipairs(errors) do
      if group.origin == "client" then
        own[#own + 1] = group.type
        assert.is_nil(group.codes)
      end
    end
    assert.same({
      "connection_error",
      "timeout_error",
      "response_error",
      "signature_error",
      "config_error",
      "canceled_error",
      "deployment_failed",
      "run_failed",
      "wait_failed",
    }, own)
  end)
end)

describe("the state machines", function()
  local function machines(fn)
    for _, name in ipairs(schema.objects()) do
      local object = schema.object(name)
      local states = object.states
      if states then
        local known = {}
        for _, status in ipairs(states.statuses or object.fields.by_name[states.field].values) do
          known[status] = true
        end
        fn(object, object.states, known)
      end
    end
  end

  it("know no status that their field does not", function()
    machines(function(object, states, known)
      assert.is_true(known[states.initial])
      for status in pairs(states.terminal) do
        assert.is_true(known[status], status)
      end
      for _, row in ipairs(states.transitions) do
        assert.is_true(known[row.to] and (row.from == nil or known[row.from]), object.name .. " " .. row.on)
      end
    end)
  end)

  it("reach every status, and leave no terminal one but to begin again", function()
    machines(function(object, states, known)
      local reached, grew = { [states.initial] = true }, true
      while grew do
        grew = false
        for _, row in ipairs(states.transitions) do
          if reached[row.from] and not reached[row.to] then
            reached[row.to], grew = true, true
          end
        end
      end
      assert.same(known, reached)
      for status in pairs(known) do
        local leaves = false
        for _, row in ipairs(states.transitions) do
          leaves = leaves or row.from == status and row.to ~= status and not row.again
        end
        assert.equal(states.terminal[status] == nil, leaves, object.name .. " " .. status)
      end
    end)
  end)

  it("tell of each step once, by events named thing.verb", function()
    machines(function(object, states)
      local seen = {}
      for _, row in ipairs(states.transitions) do
        local step = tostring(row.from) .. " " .. row.to .. " " .. row.on
        assert.is_nil(seen[step], step)
        seen[step] = true
        for _, event in ipairs(row.events or {}) do
          assert.is_table(schema.event(event), event)
        end
        assert.equal(row.from == nil, row.to == states.initial and row.from == nil, object.name)
      end
    end)
  end)

  it("name the error of a wait, and fields that say why a thing failed", function()
    machines(function(object, states)
      if next(states.terminal) then
        assert.is_table(schema.error(states.error), object.name)
      end
      for _, name in ipairs { states.failure or states.reason, states.reason or states.failure } do
        assert.is_table(object.fields.by_name[name], object.name .. "." .. name)
      end
    end)
  end)
end)

describe("the formats", function()
  local CASES = {
    slug = { "abc", "my-app", "a1-b2-c3", "ab", "", "-ab", "ab-", "a--b", "My-app", "a_b", "a.b", "ä-b", ("a"):rep(40), "abc\n" },
    sha = { ("0a"):rep(20), ("0A"):rep(20), ("0"):rep(39), ("0"):rep(41), "", ("g"):rep(40) },
    region = { "iad", "ia", "iadd", "IAD", "i1d", "" },
    cursor = { "x", "b3BhcXVl", "", ("x"):rep(512), ("x"):rep(513), "a\nb" },
    env_key = { "A", "_", "NODE_ENV", "a1", "1a", "A-B", "A B", "", "Ä", ("A"):rep(128), ("A"):rep(129), "A\n" },
    env_value = { "", "a", "a=b\r\n\t\"\\", "a\0b", "\0", "Fäncy" },
    branch_glob = { "main", "release/*", "**", "v?.x", "ä", "", "a b", "a^", "a~1", "a:b", "a[b]", "a\\b", "a\tb", "a\127", ("x"):rep(256) },
    attempt = { "1", "12", "999999999", "all", "0", "01", "1000000000", "a", "al", "alll", "aall", "la", "l", "all1", "1all", "", "-1" },
    edge_name = { "a", "cart", "geo-1", "", "-a", "a-", "a--b", "A", "a_b", ("a"):rep(40), ("a"):rep(41), "ä" },
    edge_region = { "*", "iad", "", "**", "ia", "iadd", "*iad", "iad*", "IAD", "i", "a*" },
    edge_pattern = {
      "/", "/*", "/a", "/a/", "/a/*", "/:id", "/:id/", "/:id/b/:_x9", "/a%20b", "/a.b~c!$&'()+,;=@-", "/a/:b/*", "/%C3%A9", ("/a"):rep(256),
      "", "a", "*", "//", "/a//b", "/a*", "/*/a", "/**", "/a:b", "/:", "/:/a", "/:1", "/:a-b", "/:a*", "/a%", "/a%2", "/a%2g", "/a%g2",
      "/a b", "/a?b", "/a#b", "/ä", "/a\n", ("/a"):rep(257),
    },
    edge_config_key = { "a", "A.b:c-d_e", "_", "9", "", ".a", ":a", "-a", "a b", "a/b", "ä", ("k"):rep(256), ("k"):rep(257), "a\n" },
    header_name = { "X-A", "cache-control", "a!#$%&'*+.^_`|~9", "", "a b", "a:", "ä", "a\n", ("x"):rep(128), ("x"):rep(129) },
    header_value = { "", "max-age=1, public", "a\tb", "a\nb", "a\rb", "a\0", "é", "\127", ("x"):rep(4096), ("x"):rep(4097) },
    https_url = { "https://a", "https://a.git.dev/b?c#d", "http://a", "https://", "https://a b", "HTTPS://a", "/a", "", "https://ä", "https://a\n" },
    visible = { "/a", "!~", "", "a b", "ä", "a\n", ("x"):rep(2048), ("x"):rep(2049) },
    cache_tag = { "a", "post:1", "a-b", "", "a,b", "a b", "ä", ("x"):rep(256), ("x"):rep(257) },
    repository_name = { "a", "My_repo-1.x", "-a", ".a", "_a", "", "a b", ("a"):rep(100), ("a"):rep(101), "a\n", "a/b", "ä" },
    branch_name = { "main", "a/b", "ä", "a b", "a~b", "a^", "a:b", "a?", "a*", "a[", "a\\b", "a\127", "a\0", "a\n", "" },
    git_path = {
      "a", "a/b", "a b", ".a", "..a", "...", ".g", ".gi", ".gitignore", "a/.gitx", "ä/ö", "a\nb", ".github/a", "x.git", "", "/", "/a", "a/",
      "a//b", ".", "..", "a/.", "./a", "../a", "a/../b", "a/./b", "a/..", ".git", ".GIT/a", "a/.Git", "a/.git/b", "a\0", ".gIt",
    },
    commit_message = { "a", "a\nb", "", "a\0b", "ä" },
    person_name = { "Ada", "Ada L. King", "", " ", ".", "a<b", "a>b", "a\nb", "ä", "a\127", "\"", "a\0" },
    person_email = { "a@b", "a.b@c.d", "", "a", "@", "a@", "@a", "a@b@c", "a b@c", "<a@b>", "a@b\n", "ä@b" },
    domain_name = {
      "example.com", "*.example.com", "A.b-c.EXAMPLE.co", "xn--bcher-kva.example", "a.xn--p1ai", "1.2.ab", "a--b.ab", ("a"):rep(63) .. ".ab",
      ("a."):rep(125) .. "abc", "", "com", ".com", "a.b", "a.1b", "1.2.3.4", "example.com.", ".example.com", "a..com", "-a.com", "a-.com",
      "a.-b.com", "a.b-", "*.com", "*", "*a.com", "**.example.com", "a.*.com", "a b.com", "a_b.com", "ä.com", "a.com\n", "a.com/", "a.com:1",
      ("a"):rep(64) .. ".ab", ("a."):rep(125) .. "abcd",
    },
    host_name = {
      "example.com", "A.b-c.EXAMPLE.co", "1.2.ab", "a.xn--p1ai", ("a"):rep(63) .. ".ab", ("a."):rep(125) .. "abc", "", "com", "a.b", "*.example.com",
      "1.2.3.4", "example.com.", ".example.com", "a..com", "-a.com", "a-.com", "a.b-", "a_b.com", "ä.com", "a.com\n", ("a"):rep(64) .. ".ab",
      ("a."):rep(125) .. "abcd",
    },
  }

  -- Only the shape: reserved names are the platform's choice, not the pattern's.
  local function by_lua(format, text)
    local length = select(2, text:gsub("[^\128-\191]", ""))
    local good = (not format.min or length >= format.min) and (not format.max or length <= format.max)
    for _, pattern in ipairs(format.lua or {}) do
      good = good and text:find(pattern) ~= nil
    end
    for _, pattern in ipairs(format.never or {}) do
      good = good and not text:find(pattern)
    end
    return good
  end

  for name, format in pairs(formats) do
    it("agree with the contract's expression: " .. name, function()
      assert.is_table(CASES[name], "no cases for " .. name)
      local seen = {}
      for _, text in ipairs(CASES[name]) do
        local length = select(2, text:gsub("[^\128-\191]", ""))
        local expected = regex.matches(format.pattern, text)
        -- slug's length stands beside its pattern in the contract
        expected = expected and (not format.min or length >= format.min) and (not format.max or length <= format.max)
        assert.equal(expected, by_lua(format, text), ("%s %q"):format(name, text))
        seen[expected] = true
      end
      assert.same({ [true] = true, [false] = true }, seen)
    end)
  end

  it("have the limits that the contract's numbers name", function()
    assert.equal(limits.env_bytes, formats.env_value.max_bytes)
    assert.equal(limits.cursor_chars, formats.cursor.max)
    local body = schema.operation("deployments.create").body.by_name
    assert.equal(limits.env_bytes, body.env.max_bytes)
    assert.same(
      { limits.metadata.pairs, limits.metadata.key_chars, limits.metadata.value_chars },
      { body.metadata.max_items, body.metadata.key_max, body.metadata.value.max }
    )
  end)
end)

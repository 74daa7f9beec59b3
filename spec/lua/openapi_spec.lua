-- The OpenAPI document is made from the contract's tables: that it has all that they have, and nothing else. (Tools of others check its form, and
-- hold the API against it: spec/contract.)
local formats = require "gitdev.api.formats"
local json = require "gitdev.json"
local json_document = require "gitdev.describe.json_document"
local json_schema = require "gitdev.describe.json_schema"
local openapi = require "gitdev.describe.openapi"
local process = require "spec.lua.support.process"
local responses = require "gitdev.describe.responses"
local schema = require "gitdev.schema"
local types = require "gitdev.types"

local made, text = openapi.document(), openapi.text()

local function resolve(value)
  local path = value["$ref"]
  if not path then return value end
  local found = made
  for name in path:match("^#/(.+)$"):gmatch "[^/]+" do
    found = found and found[name]
  end
  return assert(found, path .. " is not in the document")
end

local function path_of(op)
  return (op.path:gsub("%*}", "}"))
end

local function described(op)
  return made.paths[path_of(op)][op.method:lower()]
end

local function each_operation(fn)
  for _, name in ipairs(schema.operations()) do
    local op = schema.operation(name)
    fn(op, described(op))
  end
end

-- Calls fn(table) for every table in a value.
local function walk(value, fn)
  fn(value)
  for _, inner in pairs(value) do
    if type(inner) == "table" and inner ~= json.null then walk(inner, fn) end
  end
end

local function names_of(fields)
  local names = {}
  for index, field in ipairs(fields) do
    names[index] = field.name
  end
  return names
end

local function keys_in_order(object)
  return getmetatable(object).order
end

local function body_schema(op)
  local body = described(op).requestBody
  return body and body.content["application/json"].schema
end

describe("a JSON document", function()
  local object = json_document.object

  it("keeps the order of members, and puts on a line what fits", function()
    assert.equal('{ "b": 1, "a": [true, null, "x\\n"] }\n', json_document.text(object("b", 1, "a", { true, json.null, "x\n" })))
    assert.equal('{ "none": {}, "empty": [], "map": { "a": 1, "b": 2 } }\n',
      json_document.text(object("none", object(), "left out", nil, "empty", json_document.array(), "map", { b = 2, a = 1 })))
  end)

  it("indents what does not", function()
    local long = ("x"):rep(60)
    assert.equal(
      '{\n  "a": [\n    "' .. long .. '",\n    "' .. long .. '"\n  ],\n  "b": { "c": 1 }\n}\n',
      json_document.text(object("a", { long, long }, "b", object("c", 1)))
    )
  end)

  it("puts a member again where it was, and takes it away", function()
    local one = object("a", 1, "b", 2)
    json_document.put(one, "a", 3)
    json_document.put(one, "c", nil)
    assert.equal('{ "a": 3, "b": 2 }\n', json_document.text(one))
    json_document.remove(one, "a")
    assert.equal('{ "b": 2 }\n', json_document.text(one))
  end)

  it("is the JSON that it says", function()
    assert.same(json.decode(text), json.decode((json_document.text(made))))
  end)
end)

describe("a type as a schema", function()
  local REQUEST = {
    request = true,
    ref = function(name)
      return "#in/" .. name
    end,
  }
  local ANSWER = {
    request = false,
    ref = function(name)
      return "#out/" .. name
    end,
  }

  local function schema_of(context, row)
    return (json_document.text(json_schema.of(types.fields({ row }, "x")[1], context)):gsub("%s+", " "):gsub(" $", ""))
  end

  -- A row of a table, and what it is in a request and in an answer (false: the same).
  local CASES = {
    { { "a", "str" }, '{ "type": "string" }' },
    { { "a", "str?", min = 1, max = 5 }, '{ "type": ["string", "null"], "minLength": 1, "maxLength": 5 }' },
    { { "a", "str", const = "x" }, '{ "type": "string", "const": "x" }' },
    { { "a", "bool", default = false }, '{ "type": "boolean", "default": false }' },
    {
      { "a", "int", min = 1, max = 100, default = 20 },
      '{ "type": "integer", "format": "int64", "minimum": 1, "maximum": 100, "default": 20 }',
    },
    {
      { "a", "ts" },
      '{ "type": "integer", "format": "int64", "minimum": -9007199254740991, "maximum": 9007199254740991 }',
      '{ "type": "integer", "format": "int64" }',
    },
    {
      { "a", "id<dep>" },
      '{ "type": "string", "minLength": 1, "maxLength": 64 }',
      '{ "type": "string", "pattern": "^dep_[0-9a-z]{12}$" }',
    },
    {
      { "a", "id<dep|job>" },
      '{ "type": "string", "minLength": 1, "maxLength": 64 }',
      '{ "type": "string", "pattern": "^(?:dep|job)_[0-9a-z]{12}$" }',
    },
    { { "a", "ref<prj>" }, '{ "type": "string", "minLength": 1, "maxLength": 100 }', '{ "type": "string", "pattern": "^prj_[0-9a-z]{12}$" }' },
    { { "a", "one|two" }, '{ "type": "string", "enum": ["one", "two"] }' },
    { { "a", "301|302?" }, '{ "type": ["integer", "null"], "enum": [301, 302, null] }' },
    { { "a", "json" }, "{}" },
    { { "a", "json", write_only = true }, '{ "writeOnly": true }' },
    { { "a", "[bool]", min_items = 1, max_items = 9 }, '{ "type": "array", "items": { "type": "boolean" }, "minItems": 1, "maxItems": 9 }' },
    { { "a", "[x|y?]" }, '{ "type": "array", "items": { "type": ["string", "null"], "enum": ["x", "y", null] } }' },
    { { "a", "{str:bool}" }, '{ "type": "object", "additionalProperties": { "type": "boolean" } }' },
    {
      { "a", "{str:str}", max_items = 20, key_max = 64, max = 500, max_bytes = 9 },
      '{ "type": "object", "propertyNames": { "maxLength": 64 }, "additionalProperties": { "type": "string", "maxLength": 500 }, '
        .. '"maxProperties": 20, "x-max-bytes": 9 }',
    },
    {
      { "a", { { "b", "bool", required = true }, { "c", "bool", optional = true } }, null = true },
      '{ "type": ["object", "null"], "properties": { "b": { "type": "boolean" }, "c": { "type": "boolean" } }, "required": ["b"], '
        .. '"additionalProperties": false }',
      '{ "type": ["object", "null"], "properties": { "b": { "type": "boolean" }, "c": { "type": "boolean" } }, "required": ["b"] }',
    },
    { { "a", "thing" }, '{ "$ref": "#in/thing" }', '{ "$ref": "#out/thing" }' },
    {
      { "a", "[thing]" },
      '{ "type": "array", "items": { "$ref": "#in/thing" } }',
      '{ "type": "array", "items": { "$ref": "#out/thing" } }',
    },
    {
      { "a", "thing?" },
      '{ "anyOf": [{ "$ref": "#in/thing" }, { "type": "null" }] }',
      '{ "anyOf": [{ "$ref": "#out/thing" }, { "type": "null" }] }',
    },
    {
      { "a", "str", format = "slug" },
      '{ "type": "string", "minLength": 3, "maxLength": 40, "pattern": "^[a-z0-9]+(?:-[a-z0-9]+)*$", '
        .. '"not": { "enum": ["api", "www", "docs", "status", "dashboard", "repo", "hooks"] } }',
    },
    { { "a", "[str]", format = "region" }, '{ "type": "array", "items": { "type": "string", "pattern": "^[a-z]{3}$" } }' },
  }

  for index, case in ipairs(CASES) do
    local row = case[1]
    it(("%d: %s"):format(index, type(row[2]) == "string" and row[2] or "an object"), function()
      assert.equal(case[2], schema_of(REQUEST, row))
      assert.equal(case[3] or case[2], schema_of(ANSWER, row))
    end)
  end
end)

describe("the OpenAPI document", function()
  it("is the same each time", function()
    assert.is_true(text == openapi.text())
  end)

  it("has every operation once, and no other", function()
    local count = 0
    each_operation(function(op, one)
      assert.equal(op.op, one.operationId)
      assert.same({ op.op:match "^[%l_]+" }, one.tags)
      assert.equal(op.tier, one["x-tier"])
      assert.equal(op.since, one["x-since"])
      assert.equal(op.scope and op.scope:gsub(":r$", ":read"):gsub(":w$", ":write"), one["x-scope"])
      assert.is_true(op.doc:sub(1, #one.summary) == one.summary)
      count = count + 1
    end)
    for _, item in pairs(made.paths) do
      for _ in pairs(item) do
        count = count - 1
      end
    end
    assert.equal(0, count)
  end)

  it("refers to nothing that is not there", function()
    walk(made, function(value)
      resolve(value)
    end)
  end)

  it("asks of a path, a query and a head what the tables ask", function()
    each_operation(function(op, one)
      local wanted, found = {}, {}
      for _, param in ipairs(op.path_params) do
        wanted[#wanted + 1] = "path " .. param.name .. " required" .. (param.greedy and " tail" or "")
      end
      for _, field in ipairs(op.query or {}) do
        local is_ticket = op.kind == "stream" and field.name == "ticket"
        wanted[#wanted + 1] = not is_ticket and "query " .. field.name .. (field.required and " required" or "") or nil
      end
      if op.method ~= "GET" then wanted[#wanted + 1] = "header Idempotency-Key" end
      if op.kind == "download" then
        for _, name in ipairs { "Range", "If-Range", "If-None-Match" } do
          wanted[#wanted + 1] = "header " .. name
        end
      end
      for index, parameter in ipairs(one.parameters or {}) do
        local param = resolve(parameter)
        found[index] = param["in"] .. " " .. param.name .. (param.required and " required" or "") .. (param["x-tail"] and " tail" or "")
      end
      assert.same(wanted, found)
    end)
  end)

  it("has the values that a query may have", function()
    each_operation(function(op, one)
      for _, parameter in ipairs(one.parameters or {}) do
        local param = resolve(parameter)
        local field = param["in"] == "query" and op.query.by_name[param.name]
        if field then
          local is_list = param.schema.type == "array"
          local inner = is_list and param.schema.items or param.schema
          assert.equal(field.repeatable or field.kind == "array" or false, is_list and param.explode == true and param.style == "form")
          assert.same(field.kind == "enum" and field.values or nil, inner.enum)
          assert.equal(field.default, inner.default)
          assert.equal((formats[field.format] or {}).pattern, inner.pattern)
        end
      end
    end)
  end)

  it("takes bodies with the fields of the tables, and no others", function()
    each_operation(function(op, one)
      local body = body_schema(op)
      if op.body then
        assert.same(op.body.names, keys_in_order(body.properties), op.op)
        local required = {}
        for _, field in ipairs(op.body) do
          required[#required + 1] = field.required and field.name or nil
        end
        assert.same(required, body.required or {}, op.op)
        assert.equal(op.kind ~= "action" or required[1] ~= nil, one.requestBody.required, op.op)
      else
        assert.equal(op.kind == "action", body ~= nil and body.maxProperties == 0, op.op)
      end
    end)
  end)

  it("asks for one of some fields, and no more of them, where the rows do", function()
    local found = {}
    each_operation(function(op)
      local one_of
      for index, field in ipairs(op.one_of or {}) do
        assert.truthy(op.body.by_name[field], op.op .. " " .. field)
        one_of = one_of or {}
        one_of[index] = { required = { field } }
      end
      found[#found + 1] = one_of and op.op
      assert.same(one_of, (body_schema(op) or {}).oneOf, op.op)
    end)
    assert.same({ "cache_purges.create" }, found)
  end)

  -- Follows references, as those of requests may lead to components.
  local function each_schema(value, fn, seen)
    seen = seen or {}
    walk(value, function(one)
      local found = resolve(one)
      if found ~= one and not seen[found] then
        seen[found] = true
        each_schema(found, fn, seen)
      end
      fn(one)
    end)
  end

  it("refuses unknown fields in requests, at every level, and in no answer", function()
    each_operation(function(op)
      each_schema(body_schema(op) or {}, function(one)
        if one.properties and type(one.type) == "string" then assert.is_false(one.additionalProperties, op.op) end
      end)
    end)
    each_schema(made.components.responses, function(one)
      assert.is_true(one.additionalProperties ~= false)
    end)
    each_schema(made.webhooks, function(one)
      assert.is_true(one.additionalProperties ~= false)
    end)
  end)

  it("has every object, with its fields in their order, and those required that are always there", function()
    for _, name in ipairs(schema.objects()) do
      local one = assert(made.components.schemas[name], name)
      local object = schema.object(name)
      assert.same(object.fields.names, keys_in_order(one.properties), name)
      assert.equal(object.doc, one.description)
    end
    assert.same({ "id", "object", "slug", "name" }, made.components.schemas.organization.required)
    local required = made.components.schemas.api_key.required
    assert.same({ "revoked_at", nil }, { required[#required], made.components.schemas.api_key.properties.secret.const })
  end)

  it("has null, and only null, where the tables have it", function()
    for _, name in ipairs(schema.objects()) do
      local one, object = made.components.schemas[name], schema.object(name)
      if one.additionalProperties ~= false then -- not of a request
        for _, field in ipairs(object.fields) do
          local inner = one.properties[field.name]
          local takes_null = inner.anyOf ~= nil or type(inner.type) == "table" and inner.type[2] == "null"
          assert.equal(field.nullable and field.kind ~= "json" or false, takes_null, name .. "." .. field.name)
          assert.equal(field.kind == "enum", inner.enum ~= nil, name .. "." .. field.name)
        end
      end
    end
  end)

  it("answers with the statuses of the tables: the operation's own, then those of its refusals", function()
    each_operation(function(op, one)
      local wanted = {}
      for index, status in ipairs(op.status) do
        wanted[index] = tostring(status)
      end
      for _, row in ipairs(responses.refusals(op)) do
        wanted[#wanted + 1] = tostring(row.status)
      end
      assert.same(wanted, keys_in_order(one.responses), op.op)
    end)
  end)

  it("has things, lists and nothing where they are returned", function()
    local function schema_of(op)
      local response = resolve(described(schema.operation(op)).responses[tostring(schema.operation(op).status[1])])
      return response.content and (response.content["application/json"] or response.content["*/*"]).schema
    end
    assert.same({ ["$ref"] = "#/components/schemas/project" }, schema_of "projects.get")
    assert.same({ ["$ref"] = "#/components/schemas/project_list" }, schema_of "projects.list")
    assert.is_nil(schema_of "projects.delete")
    assert.is_nil(schema_of "artifacts.download")
    assert.same({ { ["$ref"] = "#/components/schemas/api_key" }, { required = { "secret" } } }, schema_of("api_keys.create").allOf)
  end)

  it("has the error codes that an operation may answer with, for each status", function()
    local function codes(op)
      local found = {}
      for status, response in pairs(described(schema.operation(op)).responses) do
        local content = resolve(response).content
        local inner = content and content["application/json"].schema.allOf
        local errors = inner and inner[2].properties and inner[2].properties.error
        if errors then
          local list = {}
          for index, code in ipairs(errors.properties.code.enum) do
            list[index] = code
          end
          table.sort(list)
          found[status] = table.concat(list, " ")
        end
      end
      return found
    end
    assert.same({
      ["400"] = "invalid_json parameter_invalid parameter_unknown",
      ["401"] = "api_key_expired api_key_invalid api_key_missing api_key_revoked public_key_not_allowed",
      ["403"] = "insufficient_scope plan_limit_reached",
      ["409"] = "already_exists idempotency_key_in_use",
      ["413"] = "payload_too_large",
      ["415"] = "unsupported_media_type",
      ["422"] = "idempotency_key_reused invalid_type name_reserved parameter_invalid parameter_missing parameter_unknown resource_missing",
      ["429"] = "rate_limited",
      ["5XX"] = "bad_gateway internal_error timeout unavailable",
    }, codes "projects.create")
    assert.same({
      ["400"] = "cursor_invalid cursor_mismatch parameter_invalid parameter_unknown",
      ["401"] = "api_key_expired api_key_invalid api_key_missing api_key_revoked",
      ["403"] = "insufficient_scope",
      ["429"] = "rate_limited",
      ["5XX"] = "bad_gateway internal_error timeout unavailable",
    }, codes "regions.list")
  end)

  it("names every refusal of the tables", function()
    each_operation(function(op)
      local known = {}
      for _, row in ipairs(responses.refusals(op)) do
        for _, code in ipairs(row.codes) do
          known[tostring(row.status) .. " " .. code] = true
        end
      end
      for _, row in ipairs(op.errors or {}) do
        assert.is_true(known[row[1] .. " " .. row[2]], op.op .. " " .. row[2])
      end
    end)
  end)

  it("has resource_missing as a 422 where a body names other things, and where a row has it", function()
    local function found(name)
      for _, row in ipairs(responses.refusals(schema.operation(name))) do
        for _, code in ipairs(row.status == 422 and row.codes or {}) do
          if code == "resource_missing" then return true end
        end
      end
      return false
    end
    for _, name in ipairs { "projects.update", "domains.create", "edge_configs.create", "stream_tickets.create", "repositories.compare.get" } do
      assert.is_true(found(name), name)
    end
    for _, name in ipairs { "env.create", "deployments.cancel", "repositories.create" } do
      assert.is_false(found(name), name)
    end
  end)

  it("lets keys, and tickets where there are any, in", function()
    each_operation(function(op, one)
      local names = {}
      for index, row in ipairs(one.security or made.security) do
        names[index] = keys_in_order(row)[1]
      end
      local also = op.public and "public_key" or op.kind == "stream" and "stream_ticket" or nil
      assert.same({ "secret_key", also }, names)
    end)
  end)

  it("has every event as a webhook, with the four keys in their order", function()
    local kinds = schema.events()
    assert.same(kinds, keys_in_order(made.webhooks))
    for _, kind in ipairs(kinds) do
      local post = made.webhooks[kind].post
      local one = resolve(post.requestBody.content["application/json"].schema)
      assert.same({ "id", "type", "timestamp", "data" }, keys_in_order(one.properties))
      assert.same({ "id", "type", "timestamp", "data" }, one.required)
      assert.equal(kind, one.properties.type.const)
      local data, names = one.properties.data, names_of(schema.event(kind).fields)
      assert.same(names, keys_in_order(data.properties))
      assert.same(kind == "deployment.completed" and { "project", "status", "url", "duration_ms" } or names, data.required)
    end
  end)

  it("tells what comes with a delivery", function()
    local found = {}
    for index, parameter in ipairs(made.webhooks["deployment.completed"].post.parameters) do
      found[index] = resolve(parameter).name
    end
    assert.same({
      "X-Git-Event",
      "X-Git-Delivery",
      "X-Git-Attempt",
      "X-Git-Signature",
      "User-Agent",
      "webhook-id",
      "webhook-timestamp",
      "webhook-signature",
    }, found)
  end)
end)

describe("gitdev openapi", function()
  it("prints the document", function()
    local status, out, err = process.gitdev { "openapi" }
    assert.same({ 0, "" }, { status, err })
    assert.is_true(out == text)
  end)

  it("refuses what it does not know", function()
    local status, out, err = process.gitdev { "openapi", "--yaml" }
    assert.same({ 2, "" }, { status, out })
    assert.matches("unknown argument '%-%-yaml'", err)
  end)

  it("has help", function()
    local status, out = process.gitdev { "openapi", "--help" }
    assert.equal(0, status)
    assert.matches("^usage: gitdev openapi", out)
  end)
end)

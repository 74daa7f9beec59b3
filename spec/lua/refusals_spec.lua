-- Every operation, with everything that can be wrong about a request: while a tour calls the operations as they are meant, each of its
-- requests is preceded by others that differ from it in one thing, and must be refused in the contract's words and change nothing.
local json = require "gitdev.json"
local schema = require "gitdev.schema"
local test = require "gitdev.test"
local tour = require "spec.lua.support.tour"

local NOBODY = "000000000000"

-- ---- what there is, as a text ----

-- Keys note when they were used last: that is no change of anything.
local NOTED = { api_key = true }

local function things_of(emulator)
  local parts = {}
  for _, livemode in ipairs { false, true } do
    local tenant = emulator.tenants[livemode]
    for object, collection in pairs(tenant and tenant.things or {}) do
      for thing in collection.all:walk() do
        parts[#parts + 1] = schema.object(object) and not NOTED[object]
          and object .. " " .. schema.encode(schema.object(object).fields, thing) or nil
      end
    end
    parts[#parts + 1] = tenant and #emulator:events(livemode) .. " events" or nil
  end
  table.sort(parts)
  return table.concat(parts, "\n")
end

-- ---- requests that differ in one thing ----

local function copy(request, changes)
  local made = { method = request.method, target = request.target, body = request.body, peer = request.peer, headers = {} }
  for name, value in pairs(request.headers) do
    made.headers[name] = value
  end
  made.headers["idempotency-key"] = nil
  for name, value in pairs(changes.headers or {}) do
    made.headers[name] = value or nil
  end
  made.method, made.target, made.body = changes.method or made.method, changes.target or made.target, changes.body or made.body
  return made
end

local function with_key(request, key)
  return copy(request, { headers = { authorization = "Bearer " .. key } })
end

local function header(response, wanted)
  for i = 1, #response.headers, 2 do
    if response.headers[i]:lower() == wanted then
      return response.headers[i + 1]
    end
  end
  return nil
end

local function error_of(response)
  local value = response.body and json.decode(response.body)
  return value and value.error or {}
end

local ACCESS = { r = "read", w = "write" }

local function full_name(scope)
  return scope:match "^[%l_]+:" .. ACCESS[scope:match ":(%l)$"]
end

-- Each: which operations it is for, the request made of a good one, and what the answer must be: status, code, param; `also` looks closer.
local WRONG = {
  {
    "without a key",
    make = function(request)
      return copy(request, { headers = { authorization = false } })
    end,
    status = 401,
    code = "api_key_missing",
    also = function(response)
      return header(response, "www-authenticate") == 'Bearer realm="git"'
    end,
  },
  {
    "with a key that holds no scope",
    make = function(request, _, keys)
      return with_key(request, keys.no_scope)
    end,
    status = 403,
    code = "insufficient_scope",
    also = function(response, op)
      return error_of(response).required_scope == full_name(op.scope)
    end,
  },
  {
    "with a key that may only read",
    when = function(op)
      return op.scope:find ":w$"
    end,
    make = function(request, op, keys)
      return with_key(request, keys.reading(op.scope:match "^[%l_]+"))
    end,
    status = 403,
    code = "insufficient_scope",
  },
  {
    "with an id that nothing has",
    when = function(op, request)
      return op.path_params[1] and request.target:find "/%l+_%w+"
    end,
    make = function(request)
      local path, query = request.target:match "^([^?]*)(.*)$"
      return copy(request, { target = path:gsub("^(.*/%l+_)%w%w%w%w%w%w%w%w%w%w%w%w", "%1" .. NOBODY) .. query })
    end,
    status = 404,
    code = "resource_missing",
  },
  {
    "with a query that it does not know",
    make = function(request)
      return copy(request, { target = request.target .. (request.target:find("?", 1, true) and "&" or "?") .. "nonsense=1" })
    end,
    status = 400,
    code = "parameter_unknown",
    param = "nonsense",
  },
  {
    "with a limit out of range",
    when = function(op)
      return op.paginated
    end,
    make = function(request)
      local target = request.target:gsub("limit=%d+&?", "")
      return copy(request, { target = target .. (target:find("?", 1, true) and "&" or "?") .. "limit=0" })
    end,
    status = 400,
    param = "limit",
    code = "parameter_invalid",
  },
  {
    "with a cursor that nobody made",
    when = function(op)
      local project = op.paginated and op.query.by_name.project
      return op.paginated and not (project and project.required)
    end,
    make = function(request)
      return copy(request, { target = request.target:match "^[^?]*" .. "?cursor=bm9uc2Vuc2U" })
    end,
    status = 400,
    param = "cursor",
    code = "cursor_invalid",
  },
  {
    "with a field that it does not know",
    when = function(_, request)
      return request.method ~= "GET" and request.method ~= "DELETE"
    end,
    make = function(request)
      local body = request.body ~= "" and request.body or "{}"
      local more = body:find "^{%s*}" and "" or ","
      return copy(request, {
        body = body:gsub("}%s*$", more .. '"nonsense":1}'),
        headers = { ["content-type"] = "application/json" },
      })
    end,
    status = 422,
    param = "nonsense",
    code = "parameter_unknown",
  },
  {
    "with a body that is no JSON",
    when = function(op)
      return op.body
    end,
    make = function(request)
      return copy(request, { body = '{"a":\255', headers = { ["content-type"] = "application/json" } })
    end,
    status = 400,
    code = "invalid_json",
  },
  {
    "with a body that is no object",
    when = function(op)
      return op.body
    end,
    make = function(request)
      return copy(request, { body = "[]", headers = { ["content-type"] = "application/json" } })
    end,
    status = 400,
    code = "invalid_json",
  },
  {
    "with a body of another type",
    when = function(op)
      return op.body
    end,
    make = function(request)
      return copy(request, { body = "{}", headers = { ["content-type"] = "text/plain" } })
    end,
    status = 415,
    code = "unsupported_media_type",
  },
  {
    "by a verb that the path does not have",
    make = function(request)
      return copy(request, { method = "BREW" })
    end,
    status = 405,
    code = "method_not_allowed",
    also = function(response, op)
      return (", " .. header(response, "allow") .. ","):find(", " .. op.method .. ",", 1, true) ~= nil
    end,
  },
}

-- What a key of another project reads must not be of this one's.
local function check_stranger(answer, op, keys)
  local text = answer.body or ""
  for id in text:gmatch '"project_id":"(prj_%w+)"' do
    assert(id == keys.other_project, op.op .. " shows things of " .. id .. " to a key of another project")
  end
end

local function try(handle, emulator, request, keys, seen)
  emulator:advance() -- what is due happens with any request
  local before = things_of(emulator)
  handle(emulator, copy(request, { headers = { authorization = false } }))
  local log = emulator:requests()
  local op = schema.operation(assert(log[#log].op, request.target))
  for _, case in ipairs(WRONG) do
    if not case.when or case.when(op, request) then
      local label = ("%s %s"):format(op.op, case[1])
      local response = handle(emulator, case.make(request, op, keys))
      local found = error_of(response)
      local told = ("%s: %s %s %s"):format(label, response.status, tostring(found.code), tostring(found.param))
      assert(response.status == case.status and found.code == case.code and (not case.param or found.param == case.param), told)
      assert(not case.also or case.also(response, op), label)
      seen[case[1]] = (seen[case[1]] or 0) + 1
    end
  end
  if request.method == "GET" then
    check_stranger(handle(emulator, with_key(request, keys.elsewhere)), op, keys)
    local head = handle(emulator, copy(request, { method = "HEAD" }))
    assert(head.status < 300, op.op .. " by HEAD")
  end
  assert(before == things_of(emulator), op.op .. ": a request that was refused, or only read, has changed something")
end

local function new_keys(emulator)
  local other = emulator.tenants[false].things.project:find("slug", "elsewhere")
  local reading = {}
  return {
    no_scope = emulator:issue_key { scopes = {} },
    elsewhere = emulator:issue_key { projects = { "elsewhere" } },
    other_project = other.id,
    reading = function(name)
      reading[name] = reading[name] or emulator:issue_key { scopes = { name .. ":read" } }
      return reading[name]
    end,
  }
end

-- Runs a tour with the requests that go wrong before each of its own.
local function run(name, seen)
  local world = test.world { rate_limit = false }
  world:run(function()
    require("gitdev").client():request("POST", "/projects", { body = { slug = "elsewhere" } })
  end)
  local emulator = world.emulator
  local handle, keys = emulator.handle, new_keys(emulator)
  function emulator.handle(self, request)
    if request.target:find "^/v2/" and request.headers.authorization then
      try(handle, self, request, keys, seen)
    end
    return handle(self, request)
  end
  world:run(function()
    tour.load(name)(require("gitdev").client(), tour.control(emulator))
  end)
end

describe("a request that is wrong in one thing is refused, and changes nothing", function()
  local seen = {}

  for _, name in ipairs(tour.names()) do
    it("in the tour of " .. name, function()
      run(name, seen)
    end)
  end

  it("in every way that there is", function()
    for _, case in ipairs(WRONG) do
      assert.is_true((seen[case[1]] or 0) > 5, case[1])
    end
  end)
end)

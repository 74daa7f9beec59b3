-- The contract's tables (gitdev.api), read once and compiled: what the client validates and encodes with, and the emulator routes and
-- checks with. A resource's table is loaded when something of it is first asked for.
local index = require "gitdev.api.index"
local types = require "gitdev.types"

local schema = {}

---The names of the resources, in the contract's order.
schema.resources = index

local is_resource = {}
for _, name in ipairs(index) do
  is_resource[name] = true
end

local kinds

-- What is loaded so far: resource tables by name, rows and compiled operations by op, object tables and compiled objects by name, event rows
-- and compiled events by type.
local resources, rows, operations, object_rows, objects, event_rows, events = {}, {}, {}, {}, {}, {}, {}

---A resource's table, as it stands in gitdev.api; nil when there is none of that name.
---@param name string
---@return table|nil
function schema.resource(name)
  local resource = resources[name]
  if not resource and is_resource[name] then
    resource = require("gitdev.api." .. name)
    resources[name] = resource
    for _, row in ipairs(resource.operations) do
      rows[row.op] = row
    end
    for _, row in ipairs(resource.objects) do
      object_rows[row.name] = { row = row, resource = resource }
    end
    for _, row in ipairs(resource.events or {}) do
      event_rows[row[1]] = { row = row, resource = resource }
    end
  end
  return resource
end

-- ---- operations ----

---The names of all operations, in the contract's order.
---@return string[]
function schema.operations()
  local names = {}
  for _, name in ipairs(index) do
    for _, row in ipairs(schema.resource(name).operations) do
      names[#names + 1] = row.op
    end
  end
  return names
end

local function resolve(name)
  return schema.object(name).fields
end

-- A field list with its check, its writer and its shape, each made at first use, for which its module is loaded: a call that is plainly
-- right needs the shape alone.
local function field_list(list, label, is_answer)
  local fields = types.fields(list, label)
  fields.check = function(value, state)
    fields.check = require("gitdev.check").compiler(resolve)(fields)
    return fields.check(value, state)
  end
  fields.text = function(value)
    fields.text = require("gitdev.encode").compiler(resolve, is_answer)(fields)
    return fields.text(value)
  end
  fields.plain = function(value)
    fields.plain = require("gitdev.shape").compile(fields)
    return fields.plain(value)
  end
  return fields
end

-- A list's own filters, then the paging parameters that its row does not override.
local function query_rows(row, kind)
  local list, named = {}, {}
  for _, field in ipairs(row.query or {}) do
    list[#list + 1], named[field[1]] = field, true
  end
  for _, field in ipairs(kind.query or {}) do
    if not named[field[1]] then
      list[#list + 1] = field
    end
  end
  return list[1] and list
end

-- The type of a path parameter: what the row says, or the id of the object that it stands for; with that object's name, as such things
-- may be given too.
local function parameter(row, resource, name)
  local node = row.params and row.params[name] and types.parse(row.params[name])
  for _, object in ipairs(resource.objects) do
    if (object.param or object.name) == name then
      node = node or { kind = "id", prefix = object.prefix }
      node.object = object.name
    end
  end
  assert(node, "no type for {" .. name .. "} of " .. row.op)
  node.name = name
  return node
end

-- "/projects/{project}/env" as segments: { literal = "projects" }, { param = node }, … ; a greedy one takes all that is left.
local function split_path(row, resource)
  local segments, params = {}, {}
  for part in row.path:gmatch("[^/]+") do
    local name, star = part:match("^{([%l_]+)(%*?)}$")
    if name then
      local node = parameter(row, resource, name)
      node.greedy = star == "*"
      segments[#segments + 1], params[#params + 1] = { param = node }, node
    else
      segments[#segments + 1] = { literal = part }
    end
  end
  return segments, params
end

local function compile_operation(row, resource)
  kinds = kinds or require "gitdev.api.kinds"
  local kind = assert(kinds[row.kind], row.op)
  local operation = {}
  for key, value in pairs(row) do
    operation[key] = value
  end
  operation.resource, operation.name = row.op:match("^(.+)%.([%l_]+)$")
  operation.method = row.method or kind.method
  operation.status = row.status or kind.status
  operation.segments, operation.path_params = split_path(row, resource)
  local query = query_rows(row, kind)
  operation.query = query and field_list(query, row.op)
  operation.body = row.body and field_list(row.body, row.op)
  operation.paginated = row.kind == "list"
  operation.special = row.kind == "download" or row.kind == "stream"
  operation.fixed_path = not operation.path_params[1] and row.path or nil
  return operation
end

---A compiled operation: its row (op, kind, path, scope, tier, doc, returns, errors, public, free, …) with
--- * `resource` and `name`: "deployments.logs" and "list";
--- * `method`, `status` (a list; the first is the usual one), `paginated`, `special` (its answer is no JSON: a download, a stream);
--- * `segments` of the path, each { literal = } or { param = node }, and `path_params`, those nodes in order, with `name` and `greedy`;
---   `fixed_path`, the path when it has no parameters;
--- * `query` and `body`: field lists (see gitdev.types), or nil; `one_of`: the fields of which a body has exactly one.
---@param op string  say "deployments.create"
---@return table|nil operation
function schema.operation(op)
  local operation = operations[op]
  if not operation then
    local resource = schema.resource(op:match("^[%l_]+"))
    if not (resource and rows[op]) then
      return nil
    end
    operation = compile_operation(rows[op], resource)
    operations[op] = operation
  end
  return operation
end

-- ---- objects ----

-- Loads resources until `found`, one of the tables above, has something of that name.
local function find(found, name)
  for _, resource in ipairs(index) do
    if found[name] then
      break
    end
    schema.resource(resource)
  end
  return found[name]
end

-- The resource in which single things of this kind live: that of the first operation whose path ends, or goes on into an action, with
-- the thing's own parameter.
local function home_of(row, resource)
  for _, operation in ipairs(resource.operations) do
    if operation.kind ~= "list" and operation.path:match(".*{([%l_]+)%*?}") == (row.param or row.name) then
      return operation.op:match("^(.+)%.")
    end
  end
  return nil
end

-- The fields are read when they are first asked for: a client that only names things needs none of them.
local function new_object(name, row, resource)
  local object = {
    name = name,
    prefix = row.prefix,
    doc = row.doc,
    key = row.key or "id",
    param = row.param or name,
    home = home_of(row, resource),
    embedded = row.embedded,
    bare = row.bare,
    resource = resource.name,
    states = resource.states and resource.states[name],
  }
  return setmetatable(object, {
    __index = function(_, key)
      if key == "fields" then
        object.fields = field_list(row.fields, name, true)
        return object.fields
      end
      return nil
    end,
  })
end

---A compiled object: `name`, `prefix`, `doc`, `fields` (a field list), `key` (the field that a path names it by), `param` (the path
---parameter that stands for it), `home` (the resource that has its operations, or nil), `states` (its state machine, or nil), `embedded`
---(whether it only stands inside others), `bare` (whether it stands alone and has no `object` all the same).
---@param name string
---@return table|nil object
function schema.object(name)
  local object = objects[name]
  if not object then
    local found = find(object_rows, name)
    if not found then
      return nil
    end
    object = new_object(name, found.row, found.resource)
    objects[name] = object
  end
  return object
end

---The names of all objects, in the contract's order.
---@return string[]
function schema.objects()
  local names = {}
  for _, resource in ipairs(index) do
    for _, row in ipairs(schema.resource(resource).objects) do
      names[#names + 1] = row.name
    end
  end
  return names
end

-- ---- events ----

-- A field of an event as a row: what is only named is the field of the object that the event is about, or that object's own id.
local function event_field(entry, object)
  if type(entry) == "table" then
    return entry
  elseif entry == object.name .. "_id" then
    return { entry, "id<" .. object.prefix .. ">", doc = "The " .. object.name:gsub("_", " ") .. "'s id." }
  end
  for _, row in ipairs(object.fields) do
    if row[1] == entry then
      return row
    end
  end
  return error("no field " .. entry .. " of " .. object.name)
end

local function new_event(row, resource)
  local object, list = find(object_rows, row.object).row, {}
  for i, entry in ipairs(row.data) do
    list[i] = event_field(entry, object)
  end
  return {
    type = row[1],
    object = row.object,
    family = row.family,
    doc = row.doc,
    resource = resource.name,
    fields = field_list(list, row[1], true),
  }
end

---A compiled event type (contract 4.3): `type`, `object` (the name of what it is about), `family` (as the platform's page groups it, or
---nil), `doc`, `resource`, `fields` (the field list of its data, in order).
---@param kind string  say "deployment.completed"
---@return table|nil event
function schema.event(kind)
  if not events[kind] then
    local found = find(event_rows, kind)
    if not found then
      return nil
    end
    events[kind] = new_event(found.row, found.resource)
  end
  return events[kind]
end

---The names of all event types, in the order of the resources.
---@return string[]
function schema.events()
  local names = {}
  for _, name in ipairs(index) do
    for _, row in ipairs(schema.resource(name).events or {}) do
      names[#names + 1] = row[1]
    end
  end
  return names
end

-- ---- errors ----

---What the contract says of an error code: { code, type, statuses, fields, hint }, or nil. `fields` are those that it adds to the error, a
---field list (see gitdev.types), or nil. A type's own entry, asked for by the type's name, has no code.
---@param name string  a code or a type
---@return table|nil
function schema.error(name)
  return require("gitdev.schema.errors").find(name)
end

---The names of all error types: those of the API, then those that the SDK makes itself.
---@return string[]
function schema.error_types()
  return require("gitdev.schema.errors").types()
end

---The names of all error codes, in the order of their types.
---@return string[]
function schema.error_codes()
  return require("gitdev.schema.errors").codes()
end

-- ---- values ----

---Holds a value against a field list (`operation.body`, `operation.query`). Each fault is reported with a code of contract 1.8, its place
---("env.NODE_ENV", "actions[2].path", counted from 1) and a sentence. json.null is null.
---@param fields table
---@param value any
---@param options? { kind: fun(...): string|nil }  for values that came as JSON: says of a place (its names and indexes) whether an
---  empty table was "array" or "object"; without it an empty table passes as both
---@param report fun(code: string, param: string, message: string)
---@return boolean good
function schema.check(fields, value, options, report)
  return require("gitdev.check").run(fields.check, value, options, report)
end

---Writes a checked value as canonical JSON. Members that no field names are left out; an object's nullable fields that are absent are
---written as null, a request's are left out.
---@param fields table
---@param value table
---@return string
function schema.encode(fields, value)
  return fields.text(value)
end

-- ---- URLs ----

---The path of an operation with its parameters filled in, each escaped as one segment. Things that the client returned may stand for
---their ids.
---@param operation table
---@return string|nil path
---@return string|nil code     what was wrong, as schema.check reports it
---@return string|nil param
---@return string|nil message
function schema.path(operation, ...)
  if operation.fixed_path then
    return operation.fixed_path
  end
  return require("gitdev.schema.url").path(operation, ...)
end

---Writes checked query parameters in the contract's order; a list for a repeatable one gives its name again for each item.
---@param operation table
---@param params table
---@return string|nil query  without the question mark; nil when there is nothing to say
function schema.query(operation, params)
  return require("gitdev.schema.url").query(operation, params)
end

---The value that a text, out of a query or a command line, has as this field: an integer, a boolean, or the text itself. Nil when it
---cannot be one.
---@param node table  a field, or an array's item
---@param text string
---@return any
function schema.read(node, text)
  return require("gitdev.schema.url").read(node, text)
end

return schema

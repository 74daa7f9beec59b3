-- How the contract's operations are called from Lua: their names, their arguments, and the methods of things that make the same calls. Taken
-- from the tables, and from gitdev.object, which makes those methods.
local object = require "gitdev.object"
local schema = require "gitdev.schema"

local calls = {}

---The fields that a call takes: those of the body or of the query; nil when it takes none.
---@param operation table  compiled, see gitdev.schema
---@return table|nil fields
---@return boolean required  whether one of them must be given
function calls.fields(operation)
  local fields, required = operation.body or operation.query, false
  for _, node in ipairs(fields or {}) do
    required = required or node.required == true
  end
  return fields, required
end

---The names of an operation's arguments, in order.
---@param operation table
---@return string[]
function calls.arguments(operation)
  local names = {}
  for i, node in ipairs(operation.path_params) do
    names[i] = node.name
  end
  if calls.fields(operation) or operation.kind == "download" then
    names[#names + 1] = "fields"
  end
  names[#names + 1] = "options"
  return names
end

local function text_of(space, name, arguments)
  return space .. ":" .. name .. "(" .. table.concat(arguments, ", ") .. ")"
end

---The call as it is written: "git.env:create(project, fields, options)".
---@param operation table
---@param name? string  "each" for the walk over a list's pages
---@return string
function calls.text(operation, name)
  return text_of("git." .. operation.resource, name or operation.name, calls.arguments(operation))
end

-- The methods of all things, by operation: { { object = "deployment", name = "cancel" }, … }.
local function all_methods()
  local by_op = {}
  local function add(op, name, method)
    by_op[op] = by_op[op] or {}
    table.insert(by_op[op], { object = name, name = method.name })
  end
  for _, name in ipairs(schema.objects()) do
    for _, method in ipairs(calls.methods(name)) do
      for _, op in ipairs { method.op, method.follows } do
        add(op, name, method)
      end
    end
  end
  return by_op
end

local methods_by_op

---The methods of things that make the same call: { { object = "deployment", name = "cancel", text = "deployment:cancel(options)" } }.
---@param operation table
---@return table[]
function calls.methods_of(operation)
  methods_by_op = methods_by_op or all_methods()
  local list = {}
  for i, method in ipairs(methods_by_op[operation.op] or {}) do
    local arguments = {}
    for _, name in ipairs(calls.arguments(operation)) do
      if name == "fields" or name == "options" then
        arguments[#arguments + 1] = name == "fields" and operation.kind == "stream" and "{ follow = true, … }" or name
      end
    end
    list[i] = { object = method.object, name = method.name, text = text_of(method.object, method.name, arguments) }
  end
  return list
end

---The methods of a kind of thing, sorted: { name, op, follows }; `wait` has no op, and with `follow` some are another one.
---@param name string  of the object
---@return table[]
function calls.methods(name)
  local kind, list = object.kind(name), {}
  for _, method in ipairs(kind and kind.names or {}) do
    list[#list + 1] = { name = method, op = kind.ops[method], follows = kind.follows[method] }
  end
  return list
end

---Whether things of a kind stand for their ids in calls.
---@param name string  of the object
---@return boolean
function calls.is_thing(name)
  return object.kind(name) ~= false
end

---The groups of operations: "deployments", "deployments.logs", …, in the contract's order, each { name, operations = { op, … },
---groups = { name, … } } with the short names of the groups below it.
---@return table[]
function calls.groups()
  local list, by_name = {}, {}
  local function group(name)
    if not by_name[name] then
      by_name[name] = { name = name, operations = {}, groups = {} }
      list[#list + 1] = by_name[name]
      local parent, own = name:match "^(.+)%.([%l_]+)$"
      if parent then
        table.insert(group(parent).groups, own)
      end
    end
    return by_name[name]
  end
  for _, resource in ipairs(schema.resources) do
    group(resource)
    for _, row in ipairs(schema.resource(resource).operations) do
      table.insert(group(row.op:match "^(.+)%.").operations, row.op)
    end
  end
  return list
end

return calls

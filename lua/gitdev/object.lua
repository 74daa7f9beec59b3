-- The things that calls return: plain tables with the API's fields, and the operations on such a thing as methods behind a metatable.
local compat = require "gitdev.compat"
local core = require "gitdev.core"
local errors = require "gitdev.error"
local json = require "gitdev.json"
local schema = require "gitdev.schema"

local object = {}

-- What is known of each kind of thing, by its name; false for kinds that have no methods. `parent` is the path parameter that comes before
-- the thing's own, if there is one.
local specs = {}

-- The call that each thing came from, for as long as the thing lives.
local answers = setmetatable({}, { __mode = "k" })

-- Whether the last parameter in an operation's path is this thing's, and what stands before it.
local function takes(row, param)
  local names = {}
  for name in row.path:gmatch "{([%l_]+)%*?}" do
    names[#names + 1] = name
  end
  return names[#names] == param, names[#names - 1]
end

-- The operations that become methods: name to op. Those of the thing's own resource keep their names (get is called refresh); what is
-- read below it goes by its resource: deployment:logs(), repository:compare{…}.
local function method_ops(spec, resource)
  local ops = {}
  for _, row in ipairs(resource.operations) do
    local home, name = row.op:match "^(.+)%.([%l_]+)$"
    local mine, parent = takes(row, spec.param)
    if mine and home == spec.home and row.kind ~= "list" then
      ops[name] = row.op
      spec.parent = parent
    elseif mine and (row.kind == "list" or row.kind == "get") and home:sub(1, #spec.home + 1) == spec.home .. "." then
      ops[home:sub(#spec.home + 2)] = row.op
    end
  end
  return ops
end

-- The field that has the last characters of a thing's secret, which is shown once (contract 2.1, 2.13).
local HINTS = { api_key = "last4", webhook = "secret_hint" }

-- A secret that a thing was made with stays with it, unless there is another one since.
local function secret_of(thing, newer)
  local secret = thing.secret
  local hint = type(secret) == "string" and newer.secret == nil and newer[HINTS[thing.object] or false]
  return type(hint) == "string" and hint == secret:sub(-#hint) and secret or nil
end

---Replaces what a thing holds by what a newer one of the same kind holds.
---@param thing table
---@param newer table
function object.adopt(thing, newer)
  local secret = secret_of(thing, newer)
  for key in pairs(thing) do
    thing[key] = nil
  end
  for key, value in pairs(newer) do
    thing[key] = value
  end
  if secret then
    thing.secret = secret
  end
  answers[thing] = answers[newer]
  return setmetatable(thing, getmetatable(newer))
end

-- The path parameters of a thing: its own id, after its parent's if it has one.
local function path_of(thing, meta, method)
  local spec = meta.spec
  local id = thing[spec.key]
  if not spec.parent then
    return id
  end
  local parent = meta.parent or thing[spec.parent .. "_id"]
  if parent == nil then
    local text = "this " .. spec.name .. " does not know its " .. spec.parent .. ": call git." .. spec.home .. ":" .. method
    errors.misuse { code = "parameter_missing", param = spec.parent, message = text .. "(" .. spec.parent .. ", id) instead." }
  end
  return parent, id
end

---The metatable of a thing, or an error that says how to call the method.
---@param thing any
---@param spec table
---@param method string
function object.meta(thing, spec, method)
  local meta = getmetatable(thing)
  if type(meta) ~= "table" or meta.spec ~= spec then
    local text = method .. " is a method: call it with a colon, " .. spec.name .. ":" .. method .. "()."
    errors.misuse { message = text }
  end
  return meta
end

-- The fields of a download, with the digest that the thing itself knows of a whole one.
local function vouched_for(thing, params)
  if params ~= nil and type(params) ~= "table" or params and (params.sha256 or params.range) then
    return params
  end
  local fields = { sha256 = thing.sha256 }
  for name, value in pairs(params or {}) do
    fields[name] = value
  end
  return fields
end

-- What a for loop takes of a stream.
local function looping(client, value, err)
  return require("gitdev.logs").loop(client.finish(value, err))
end

local function method(spec, name, op_name)
  local op, stream
  return function(thing, params, options, ...)
    op = op or schema.operation(op_name)
    stream = stream or spec.follows[name] and schema.operation(spec.follows[name])
    local meta = object.meta(thing, spec, name)
    local client = meta.client
    local a, b = path_of(thing, meta, name)
    if stream and type(params) == "table" and params.follow ~= nil then
      return looping(client, client.follow(client, stream, a, params, options, ...))
    elseif op.kind == "download" then
      params = vouched_for(thing, params)
    end
    local value, err = client.run(client, op, a, b, params, options, ...)
    if name == "refresh" and value or type(value) == "table" and value.object == spec.name and value[spec.key] == thing[spec.key] then
      value = object.adopt(thing, value)
    end
    return client.finish(value, err)
  end
end

local function waiter(spec)
  return function(thing, options)
    local meta = object.meta(thing, spec, "wait")
    local a, b = path_of(thing, meta, "wait")
    return meta.client.finish(require("gitdev.wait").run(meta.client, thing, spec, a, b, options))
  end
end

-- A run has no log of its own: its jobs' are read one after the other.
local function run_logs(spec)
  return function(run, fields, options)
    local client = object.meta(run, spec, "logs").client
    return looping(client, require("gitdev.logs.run_log").open(client, run, fields, options))
  end
end

local function make_spec(name)
  local known = schema.object(name)
  if not (known and known.home) then
    return false
  end
  local spec = { name = name, key = known.key, param = known.param, prefix = known.prefix, home = known.home, states = known.states }
  spec.methods, spec.ops, spec.follows = {}, {}, {}
  for op_method, op in pairs(method_ops(spec, schema.resource(known.resource))) do
    if op_method == "get" then
      spec.get, op_method = op, "refresh"
    end
    spec.methods[op_method], spec.ops[op_method] = method(spec, op_method, op), op
    spec.follows[op_method] = op:find "%.logs%.list$" and op:gsub("list$", "stream") or nil
  end
  if spec.states and spec.get and spec.states.field and next(spec.states.terminal) then
    spec.methods.wait = waiter(spec)
  end
  if name == "run" then
    spec.methods.logs, spec.ops.logs = run_logs(spec), "jobs.logs.stream"
  end
  spec.names = json.keys(spec.methods)
  return spec.names[1] ~= nil and spec
end

---What is known of a kind of thing: its `key`, `states`, `parent`, `methods`, and by the methods' names `ops`, the operations that they are (wait is
---none), and `follows`, those that they are with `follow`. False where such things have no methods.
---@param name string  of the object
---@return table|false
function object.kind(name)
  local spec = specs[name]
  if spec == nil then
    spec = make_spec(name)
    specs[name] = spec
  end
  return spec
end

local function to_string(thing)
  local spec = getmetatable(thing).spec
  local field = spec.states and spec.states.field
  local status = field and thing[field]
  return spec.name .. " " .. tostring(thing[spec.key]) .. (status and " (" .. tostring(status) .. ")" or "")
end

local function new_meta(client, spec, parent, hidden)
  return {
    __index = spec.methods,
    __name = "gitdev." .. spec.name,
    __tostring = to_string,
    spec = spec,
    client = client,
    parent = parent,
    hidden = hidden,
  }
end

-- The id of the parent, when the operation that returned a thing names it.
local function parent_id(spec, op, a)
  local first = op.path_params[1]
  if not (spec.parent and first and first.name == spec.parent) then
    return nil
  end
  return type(a) == "table" and require("gitdev.check").identity(a, first.prefix or first.name) or a
end

-- Wraps things of a kind that has no methods.
local function unchanged(value)
  return value
end

local function new_wrapper(client, spec, parent)
  local function hide(value)
    return object.hide(value, new_meta(client, spec, parent, {}))
  end
  return core.wrapper(new_meta(client, spec, parent), hide, compat.unpack(spec.names))
end

---What wraps the things of a call. Kept in client.wrappers, by the operation, unless it depends on the call.
---@param client table
---@param op table  the compiled operation that returned them
---@param a any     its first path parameter
---@return fun(value: table): table
function object.wrapper(client, op, a)
  local spec = object.kind(op.returns)
  local parent = spec and parent_id(spec, op, a)
  if parent then
    return new_wrapper(client, spec, parent)
  end
  local wrappers = client.wrappers
  wrappers[spec] = wrappers[spec] or (spec and new_wrapper(client, spec) or unchanged)
  wrappers[op] = wrappers[spec]
  return wrappers[op]
end

---Sets a metatable whose methods win over fields of the same names: those are kept aside, for object.raw().
function object.hide(value, meta)
  for name in pairs(meta.__index) do
    meta.hidden[name], value[name] = value[name], nil
  end
  return setmetatable(value, meta)
end

---A plain copy of a thing, with all fields that the API sent and no methods.
---@param thing table
---@return table
function object.raw(thing)
  local copy, meta = {}, getmetatable(thing)
  for key, value in pairs(thing) do
    copy[key] = value
  end
  for key, value in pairs(type(meta) == "table" and meta.hidden or {}) do
    copy[key] = value
  end
  return copy
end

---Remembers the call that a thing came from.
function object.remember(thing, call)
  answers[thing] = call
end

---What is known of the answer that a thing (or a page) came from; nil for things inside pages.
---@param thing table
---@return { request_id: string, headers: table<string, string>, attempts: table[] }|nil
function object.answer(thing)
  local call = answers[thing]
  if not call then
    return nil
  end
  local headers = call:headers()
  return { request_id = headers["x-request-id"], headers = headers, attempts = call:attempts() }
end

return object

-- One call: validate, encode, send, decode, wrap. What the program got wrong is raised before anything is sent; what the world did
-- is returned as nil and an error.
local errors = require "gitdev.error"
local json = require "gitdev.json"
local object = require "gitdev.object"
local options_of = require "gitdev.options"
local schema = require "gitdev.schema"

local read, remember = json.read, object.remember

local call = {}

local NOTHING = {}
local OPTIONS = {
  timeout = "seconds",
  max_retries = "count",
  idempotency_key = "string",
  headers = "headers",
  traceparent = "traceparent",
}

-- What following takes besides the fields of the operation, and what only following takes.
local FOLLOWING = { on_gap = "function" }
local OF_FOLLOWING = { tail = true, ticket = true, on_gap = true }

local function ignore() end

-- ---- what the program gave ----

local function check_options(op, options)
  if type(options) ~= "table" then
    errors.misuse {
      code = "invalid_type",
      message = "the options of a call must be a table, such as { timeout = 10 }, got a " .. type(options) .. ".",
    }
  end
  options_of.check(options, OPTIONS, "a call")
  if options.idempotency_key and op.method == "GET" then
    errors.misuse {
      code = "parameter_unknown",
      param = "idempotency_key",
      message = op.op .. " only reads: it takes no idempotency_key.",
    }
  end
end

-- Raises an error with all that is wrong with a call's fields.
local function complain(fields, params)
  local faults = {}
  schema.check(fields, params, nil, function(code, param, message)
    if code == "parameter_unknown" and OPTIONS[param] then
      message = param .. " is an option of the call, not a field of " .. fields.label .. ": give it in a table after the fields."
    elseif code == "parameter_unknown" and OF_FOLLOWING[param] and fields.label:find "%.logs%.list$" then
      message = param .. " goes with follow: follow = true to go on to the end, follow = false for what is there."
    end
    faults[#faults + 1] = { code = code, param = param, message = message }
  end)
  local first = faults[1]
  errors.misuse { code = first.code, param = first.param, message = first.message, errors = faults }
end

local function check_params(fields, params)
  if type(params) ~= "table" then
    local text = fields.label .. " takes its fields as a table, { " .. fields[1].name .. " = … }, got a " .. type(params) .. "."
    errors.misuse { code = "invalid_type", message = text }
  elseif not schema.check(fields, params, nil, ignore) then
    complain(fields, params)
  end
end

local function path_of(op, a, b)
  local path, code, param, message = schema.path(op, a, b)
  if not path then
    errors.misuse { code = code, param = param, message = op.op .. ": " .. message }
  end
  return path
end

-- The body where it is not plainly right, or nil: an action whose fields are all left out needs none.
local function body_of(op, params)
  if params == nil and op.kind == "action" then
    params = NOTHING
    if schema.check(op.body, params, nil, ignore) then
      return nil
    end
  end
  params = params == nil and NOTHING or params
  check_params(op.body, params)
  return schema.encode(op.body, params)
end

-- The target of a list or a get with query fields, without the cursor.
local function target_of(op, path, params)
  if params == nil then
    params = NOTHING
  end
  check_params(op.query, params)
  if params.cursor ~= nil then
    local rest = {}
    for key, value in pairs(params) do
      rest[key] = key ~= "cursor" and value or nil
    end
    params = rest
  end
  local query = schema.query(op, params)
  return query and path .. "?" .. query or path
end

local function too_many(op)
  local takes = {}
  for i, node in ipairs(op.path_params) do
    takes[i] = node.name
  end
  if op.body or op.query or op.kind == "download" then
    takes[#takes + 1] = "a table of fields"
  end
  takes[#takes + 1] = "a table of options"
  errors.misuse { message = op.op .. " takes no more than " .. table.concat(takes, ", ") .. "; it got more." }
end

-- ---- the exchange ----

-- An answer that the contract does not allow.
local function refuse(op, under_way, status, code, text)
  local message = "the answer to " .. op.method .. " " .. op.path .. " " .. text .. "."
  return nil, errors.of_answer(under_way, status, code, message)
end

local function without_nulls(thing)
  for name, value in pairs(thing) do
    if value == json.null then
      thing[name] = nil
    end
  end
  return thing
end

-- An answer in which values are of the caller's own making: what is inside them stays as it was written, so that it can be written again.
-- Empty arrays are marked as arrays, nulls are json.null; the things themselves are as ever.
local function read_verbatim(text)
  local answer = json.decode(text)
  if type(answer) ~= "table" then
    return answer
  end
  for _, thing in ipairs(type(answer.data) == "table" and answer.data or NOTHING) do
    if type(thing) == "table" then
      without_nulls(thing)
    end
  end
  return without_nulls(answer), text:find "^%s*{" ~= nil
end

---Sends a request and reads the answer.
---@param client table
---@param op table
---@param target string   path and query, escaped
---@param body string|nil
---@param options table|nil  checked ones
---@param fault? fun(answer: table, text: string): string|nil, string|nil  says what is wrong with the answer: a code and the end of a sentence
---@return table|true|nil
---@return gitdev.Error|nil
function call.exchange(client, op, target, body, options, fault)
  local o = options or NOTHING
  local headers = o.traceparent and require("gitdev.traceparent").add(o.headers, o.traceparent) or o.headers
  local under_way, problem = client.core:call(op.method, target, body, o.idempotency_key, headers, o.timeout, o.max_retries)
  if not under_way then
    errors.misuse { code = "parameter_invalid", message = op.op .. ": " .. problem }
  end
  client.perform(under_way)
  local status, text = under_way:result()
  if not status then
    return nil, errors.of_call(text, under_way)
  elseif not op.returns then
    if text ~= "" then
      return refuse(op, under_way, status, "not_empty", "has a body where none is due")
    end
    return true
  end
  local answer, is_object = (op.verbatim and read_verbatim or read)(text)
  local code, sentence = nil, nil
  if answer == nil or not is_object and type(answer) ~= "table" then
    code, sentence = "not_json", "is not a JSON object"
  elseif fault then
    code, sentence = fault(answer, text)
  elseif not is_object then
    code, sentence = "not_an_object", "is a list, not an object"
  end
  if code then
    return refuse(op, under_way, status, code, sentence)
  end
  remember(answer, under_way)
  return answer
end

-- What a list is asked with, by this and by the pages that follow.
local function walk_of(client, op, a, path, params, options)
  return { client = client, op = op, a = a, target = target_of(op, path, params), options = options }
end

-- The arguments of a call, sorted out: an operation without fields takes its options in their place, or after an empty table.
local function arguments(op, params, options, more)
  if not (op.body or op.query or op.kind == "download") then
    if options == nil then
      params, options = nil, params
    elseif params ~= nil and (type(params) ~= "table" or next(params) ~= nil) then
      too_many(op)
    end
  end
  if more ~= nil then
    too_many(op)
  end
  if options ~= nil then
    check_options(op, options)
  end
  return params, options
end

-- What is no exchange of JSON.
local SPECIAL = {
  download = function(...)
    return require("gitdev.download").run(...)
  end,
  stream = function(client, op, path, params, options)
    params = params == nil and NOTHING or params
    check_params(op.query, params)
    return require("gitdev.logs").messages(client, op, path, params, options)
  end,
}

---Makes a call.
---@param client table
---@param op table         the compiled operation
---@param a any            its path parameters
---@param b any
---@param params table|nil
---@param options table|nil
---@param more any         what was given beyond that: it is refused
---@return table|true|nil  the thing, the page, what was downloaded, or true when the operation returns nothing
---@return gitdev.Error|nil
function call.run(client, op, a, b, params, options, more)
  local fields, body = op.body, nil
  if options ~= nil or more ~= nil or not (fields or op.query) then
    params, options = arguments(op, params, options, more)
  end
  local path = op.fixed_path or path_of(op, a, b)
  if op.special then
    return SPECIAL[op.kind](client, op, path, params, options)
  elseif fields then
    body = fields.plain(params) or body_of(op, params)
  elseif op.paginated then
    local walk = walk_of(client, op, a, path, params, options)
    return require("gitdev.page").fetch(walk, params and params.cursor)
  elseif op.query then
    path = target_of(op, path, params)
  end
  local value, err = call.exchange(client, op, path, body, options)
  if not op.returns or not value then
    return value, err
  end
  local wrap = client.wrappers[op] or object.wrapper(client, op, a)
  return wrap(value)
end

---An iterator over all that a list holds.
---@return fun(): table|nil
function call.each(client, op, a, b, params, options, more)
  params, options = arguments(op, params, options, more)
  local walk = walk_of(client, op, a, path_of(op, a, b), params, options)
  return require("gitdev.page").each(walk, params and params.cursor)
end

---Follows a log: the lines of what an operation of the kind stream streams.
---@param client table
---@param op table
---@param a any              what the log is of
---@param params table       the operation's fields, and on_gap
---@param options table|nil
---@param more any           what was given beyond that: it is refused
---@return gitdev.LogLines|nil
---@return gitdev.Error|nil
function call.follow(client, op, a, params, options, more)
  params, options = arguments(op, params, options, more)
  local fields = {}
  for name, value in pairs(params) do
    fields[name] = value
  end
  options_of.check({ on_gap = fields.on_gap }, FOLLOWING, op.op)
  fields.on_gap = nil
  check_params(op.query, fields)
  fields.on_gap = params.on_gap
  return require("gitdev.logs").lines(client, op, path_of(op, a), fields, options)
end

return call

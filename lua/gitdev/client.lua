-- The client: its options, and the contract's operations as methods, made when they are first asked for.
local call = require "gitdev.call"
local core = require "gitdev.core"
local errors = require "gitdev.error"
local options_of = require "gitdev.options"
local schema = require "gitdev.schema"

local client = {}

-- gitdev.ClientOptions: what each of them means is said in gitdev.describe.classes, for the editors' types and the reference.
local OPTIONS = {
  api_key = "string",
  base_url = "string",
  ca_file = "string",
  timeout = "seconds",
  try_timeout = "seconds",
  connect_timeout = "seconds",
  max_retries = "count",
  body_max = "size",
  progress = "progress",
  quiet = "boolean",
  log = "string",
  traceparent = "traceparent",
  on_request = "function",
  on_response = "function",
  on_retry = "function",
  on_wait = "function",
  rate_limit_store = "limit_store",
  rate_limit_name = "string",
  on_store_error = "function",
  driver = "driver",
}

-- Where the environment has what an option does not say.
local VARIABLES = {
  api_key = "GIT_API_KEY",
  base_url = "GIT_API_URL",
  ca_file = "GIT_CA_FILE",
  progress = "GITDEV_PROGRESS",
  log = "GITDEV_LOG",
}

local NO_KEY = "there is no API key: set the environment variable GIT_API_KEY, or pass api_key to gitdev.client."

-- ---- configuration ----

-- What was given, else what the environment says; an empty variable says nothing.
local function setting(given, option)
  if given[option] ~= nil then
    return given[option]
  end
  local value = os.getenv(VARIABLES[option])
  return value ~= "" and value or nil
end

local function user_agent(driver)
  local lua = type(jit) == "table" and jit.version or _VERSION -- luacheck: ignore 113
  return "gitdev-lua/" .. core.version .. " (" .. lua .. (driver.agent and "; " .. driver.agent() or "") .. ")"
end

local function progress_mode(given, driver)
  local mode = given.quiet and "off" or setting(given, "progress") or driver.progress or "auto"
  if mode ~= "auto" and mode ~= "lines" and mode ~= "off" then
    return nil, 'GITDEV_PROGRESS must be "auto", "lines" or "off".'
  end
  return mode
end

local function log_level(given)
  local level = setting(given, "log") or "off"
  if level ~= "off" and level ~= "info" and level ~= "debug" then
    local name = given.log and "log" or "GITDEV_LOG"
    return nil, string.format('%s must be "off", "info" or "debug", got "%s".', name, (level:gsub("%c", " ")))
  end
  return level
end

-- A job's TRACEPARENT comes from whoever runs the script: what is wrong with it must not be the script's end.
local function trace_of(given)
  local inherited = os.getenv "TRACEPARENT"
  if given.traceparent or not inherited then
    return given.traceparent
  end
  return not require("gitdev.traceparent").fault(inherited) and inherited or nil
end

local function config_error(message)
  return nil, errors.new { type = "config_error", message = message }
end

local function fault_of_sharing(given, driver)
  local wanted = given.rate_limit_store or given.rate_limit_name
  return wanted and require("gitdev.fleet").fault(given, driver)
end

-- The C client that holds the key, or nil and what is wrong.
local function new_core(given, driver)
  local key = setting(given, "api_key")
  local problem = not key and (driver.no_key or NO_KEY) or driver.refuses and driver.refuses(given) or fault_of_sharing(given, driver)
  if problem then
    return config_error(problem)
  end
  local made
  made, problem = core.client {
    api_key = key,
    base_url = setting(given, "base_url"),
    ca_file = not driver.own_trust and setting(given, "ca_file") or nil,
    user_agent = user_agent(driver),
    timeout = given.timeout,
    try_timeout = given.try_timeout,
    connect_timeout = given.connect_timeout,
    max_retries = given.max_retries,
    body_max = given.body_max,
    seed = driver.seed and driver.seed(),
    limit_name = given.rate_limit_store and (given.rate_limit_name or ""),
    limit_closed = given.rate_limit_store and given.rate_limit_store.pacing == "closed",
    store = given.rate_limit_store and require("gitdev.fleet").number_of(given.rate_limit_store),
    world = driver.world,
  }
  if not made then
    return config_error((problem:gsub("^limit_name", "rate_limit_name"):gsub("^([%l_]+)", function(option)
      return VARIABLES[option] and option .. " (" .. VARIABLES[option] .. ")"
    end)))
  end
  return made
end

-- ---- operations as methods ----

local function raising(value, err)
  if err then
    error(err, 0)
  end
  return value
end

local function returning(value, err)
  if err then
    return nil, err
  end
  return value
end

local function check_self(self, space, label)
  if self ~= space then
    errors.misuse { message = label .. " is a method: call it with a colon, git." .. label:gsub("%.([%l_]+)$", ":%1") .. "(…)." }
  end
end

-- A method of an operation, or of the walk over its pages. Path parameters come first, then the fields, then the options.
local function method(inner, space, op, run, finish, label)
  local count = #op.path_params
  if count == 0 then
    return function(self, params, options, more)
      check_self(self, space, label)
      return finish(run(inner, op, nil, nil, params, options, more))
    end
  elseif count == 1 then
    return function(self, a, params, options, more)
      check_self(self, space, label)
      return finish(run(inner, op, a, nil, params, options, more))
    end
  end
  return function(self, a, b, params, options, more)
    check_self(self, space, label)
    return finish(run(inner, op, a, b, params, options, more))
  end
end

-- What an operation returns that opens a stream: fit for a for loop.
local function looping(inner)
  return function(...)
    return require("gitdev.logs").loop(inner.finish(...))
  end
end

-- What a resource has: its methods' names, and those of the resources below it.
local function members(name)
  local list, seen = {}, {}
  local function add(member)
    if not seen[member] then
      list[#list + 1], seen[member] = member, true
    end
  end
  for _, row in ipairs(schema.resource(name:match "^[%l_]+").operations) do
    local rest = row.op:sub(1, #name + 1) == name .. "." and row.op:sub(#name + 2)
    if rest then
      add(rest:match "^[%l_]+")
      if rest == "list" then
        add "each"
      end
    end
  end
  return list, seen
end

local new_space

local function unknown(name, key, list)
  errors.misuse { message = "git." .. name .. " has no " .. tostring(key) .. require("gitdev.nearest").hint(tostring(key), list) }
end

local function member(inner, space, name, key)
  local list, seen = members(name)
  if not seen[key] then
    return unknown(name, key, list)
  end
  local label = name .. "." .. key
  local op = schema.operation(label)
  if op then
    return method(inner, space, op, inner.run, op.kind == "stream" and looping(inner) or inner.finish, label)
  elseif key == "each" then
    return method(inner, space, schema.operation(name .. ".list"), call.each, raising, label)
  end
  return new_space(inner, label)
end

local function call_space(inner, name)
  if name == "rate_limit" then
    return inner.core:rate_limit()
  end
  local list = members(name)
  errors.misuse { message = "git." .. name .. " is a group of operations, not one: " .. table.concat(list, ", ") .. "." }
end

-- A resource, say git.deployments: its methods are made when first asked for, and kept.
function new_space(inner, name)
  return setmetatable({}, {
    __name = "gitdev.resource",
    __index = function(space, key)
      if type(key) ~= "string" or key:sub(1, 1) == "_" then
        return nil
      end
      local made = member(inner, space, name, key)
      rawset(space, key, made)
      return made
    end,
    __call = function()
      return call_space(inner, name)
    end,
    __tostring = function()
      return "git." .. name
    end,
  })
end

-- ---- the client ----

local function closed_fields()
  return {
    type = "canceled_error", -- as a call ends that was under way: a script need not tell on which side of close() it was
    code = "client_closed",
    message = "the client is closed: make another with gitdev.client.",
  }
end

local function closed_error()
  return errors.new(closed_fields())
end

local function refuse_closed()
  errors.misuse(closed_fields())
end

-- What stands in the C client's place from then on.
local CLOSED = {
  call = refuse_closed,
  rate_limit = refuse_closed,
  key_hint = function()
    return "(closed)"
  end,
}

local methods = {}

local function inner_of(self, name)
  local meta = getmetatable(self)
  if type(meta) ~= "table" or not meta.inner then
    errors.misuse { message = name .. " is a method: call it with a colon, git:" .. name .. "()." }
  end
  return meta.inner
end

---Ends the calls of this client that are under way, its streams and its waits, each with a canceled_error (code client_closed), and forgets the key.
---Calls made with it after that raise the same, in both styles.
function methods:close()
  local inner = inner_of(self, "close")
  if inner.driver.close then
    inner.driver.close(inner.made)
  end
  inner.made:close()
  inner.core, inner.closed = CLOSED, closed_error
  if inner.supply then
    require("gitdev.fleet").leave(inner)
  end
  for stream in pairs(inner.streams or {}) do
    require("gitdev.logs.follower").abort(stream, closed_error())
  end
  for connection in pairs(inner.connections or {}) do
    connection:close()
  end
end

---Makes a request by its method and path: for what there is no operation for, and for bodies that are streamed. See gitdev.RequestOptions.
---@param verb string  the HTTP method
---@param path string  after the base URL, percent-encoded: "/deployments?limit=2"
---@param options gitdev.RequestOptions|nil
function methods:request(verb, path, options)
  local inner = inner_of(self, "request")
  return inner.finish(require("gitdev.request").run(inner, verb, path, options))
end

local function lookup(inner, self, key)
  if methods[key] then
    return methods[key]
  elseif type(key) ~= "string" or key:sub(1, 1) == "_" then
    return nil
  elseif not schema.resource(key) then
    errors.misuse { message = "git has no " .. key .. require("gitdev.nearest").hint(key, schema.resources) }
  end
  local space = new_space(inner, key)
  rawset(self, key, space)
  return space
end

-- The client as programs see it: an empty table whose metatable leads to the resources.
local function front(inner)
  return setmetatable({}, {
    __name = "gitdev.client",
    inner = inner,
    __index = function(self, key)
      return lookup(inner, self, key)
    end,
    __tostring = function()
      return "gitdev client " .. inner.core:key_hint()
    end,
  })
end

-- Has the client's calls told of, and traced, where that is wanted: else nothing is changed.
local function equip(inner, given, level)
  if given.rate_limit_store then
    require("gitdev.fleet").join(inner, given)
  end
  if level ~= "off" or given.on_request or given.on_response or given.on_retry or given.on_wait then
    require("gitdev.hooks").attach(inner, given, level)
  end
  local trace = trace_of(given)
  if trace then
    inner.core = require("gitdev.layer").traced(inner.core, trace)
  end
  return inner
end

---Makes a client.
---@param given gitdev.ClientOptions|nil
---@param safe boolean  whether calls return nil, err instead of raising
---@return table|nil git
---@return gitdev.Error|nil  a config_error: a missing or malformed key, a base URL that is not https
function client.new(given, safe)
  given = given == nil and {} or given
  if type(given) ~= "table" then
    errors.misuse { message = "gitdev.client takes a table, { api_key = … }, got a " .. type(given) .. "." }
  end
  options_of.check(given, OPTIONS, "gitdev.client")
  local driver = given.driver or require("gitdev.loop").driver()
  local mode, mode_problem = progress_mode(given, driver)
  local level, level_problem = log_level(given)
  if not (mode and level) then
    return config_error(mode_problem or level_problem)
  end
  local made, err = new_core(given, driver)
  if not made then
    return nil, err
  end
  return front(equip({
    made = made,
    core = driver.clock and require("gitdev.layer").on_clock(made, driver.clock) or made,
    driver = driver,
    perform = driver.perform,
    finish = safe and returning or raising,
    run = call.run,
    follow = call.follow,
    exchange = call.exchange,
    wrappers = {},
    timeout = given.timeout,
    progress = mode,
  }, given, level))
end

client.raising, client.returning = raising, returning

return client

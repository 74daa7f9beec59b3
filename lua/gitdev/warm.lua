-- gitdev.warm: what is otherwise done when it is first needed, done before, for programs that count the time of each frame. It loads the modules that
-- calls, waits and logs are made with and compiles the contract's tables, and has the driver set its transport up.
local errors = require "gitdev.error"
local schema = require "gitdev.schema"

local warm = {}

local MODULES = {
  "gitdev.call", "gitdev.check", "gitdev.encode", "gitdev.logs", "gitdev.logs.connections", "gitdev.logs.follower", "gitdev.logs.lines",
  "gitdev.logs.messages", "gitdev.logs.missing", "gitdev.logs.pages", "gitdev.logs.run_log", "gitdev.object", "gitdev.page", "gitdev.progress",
  "gitdev.request", "gitdev.schema.url", "gitdev.scope", "gitdev.shape", "gitdev.sink", "gitdev.source", "gitdev.stream", "gitdev.wait",
  "gitdev.wait.listening", "gitdev.wait.turns",
}

local function load_modules()
  for _, name in ipairs(MODULES) do
    require(name)
  end
  for _, operation in ipairs(schema.operations()) do
    schema.operation(operation)
  end
  for _, name in ipairs(schema.resources) do
    for _, row in ipairs(schema.resource(name).objects) do
      schema.object(row.name)
    end
  end
end

-- What is inside a client, if it is one.
local function inner_of(git)
  local meta = getmetatable(git)
  return type(meta) == "table" and meta.inner
    or errors.misuse { message = "warm takes a client, or nothing, got " .. tostring(git) .. "." }
end

local function trusted(inner)
  if inner then
    return inner.made:configuration().ca_file
  end
  local file = os.getenv "GIT_CA_FILE"
  return file ~= "" and file or nil
end

local function run(git)
  local inner = git ~= nil and inner_of(git) or nil
  if inner and inner.closed then
    error(inner.closed(), 0)
  end
  load_modules()
  local driver = inner and inner.driver or require("gitdev.loop").driver()
  local ok, problem = true, nil
  if driver.warm then
    ok, problem = driver.warm(trusted(inner))
  end
  if not ok then
    return nil, errors.new { type = "config_error", message = problem }
  end
  return true
end

---@param finish fun(value: any, err: gitdev.Error|nil): any  raises the error, or returns both
---@return fun(git?: gitdev.Client): boolean
function warm.new(finish)
  ---Does what only the first calls pay for. Sends nothing.
  return function(git)
    return finish(run(git))
  end
end

return warm

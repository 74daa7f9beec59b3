--- The control plane under /_emulator (contract 5): for tests that meet the emulator over its socket.
local catalog = require "gitdev.emulator.catalog"
local core = require "gitdev.core"
local environment = require "gitdev.emulator.deployments.environment"
local events = require "gitdev.emulator.store.events"
local json = require "gitdev.json"

-- What is due in between happens, however long that takes.
local ADVANCE_MAX_MS = 10 * 366 * 24 * 3600 * 1000

local control = {}

local function answer(status, value)
  if value == nil then
    return { status = status, headers = {} }
  end
  local body = type(value) == "string" and value or assert(json.encode(value))
  return { status = status, headers = { "Content-Type", "application/json; charset=utf-8" }, body = body }
end

local function problem(status, message)
  return answer(status, { error = { message = message } })
end

-- The body as a table without nulls; an empty one is {}.
local function parse(body)
  if body == nil or body == "" then
    return {}
  end
  local ok, cause = core.json_check(body)
  if not ok then
    return nil, "The body is not JSON: " .. cause
  end
  local value = json.read(body)
  if type(value) ~= "table" then
    return nil, "The body must be a JSON object."
  end
  return value
end

local function list_requests(emulator)
  return 200, { requests = json.array(emulator:requests()) }
end

local function list_events(emulator)
  local items = {}
  for index, event in ipairs(emulator:events()) do
    items[index] = events.body(event)
  end
  return 200, '{"events":[' .. table.concat(items, ",") .. "]}"
end

local function add_fault(emulator, body)
  local ok, cause = emulator.faults:add(body)
  if not ok then
    return 400, cause
  end
  return 204
end

local function clear_faults(emulator)
  emulator.faults:clear()
  return 204
end

local function reset(emulator)
  emulator:reset()
  return 204
end

local function show_state(emulator)
  return 200, emulator:dump()
end

local function restore(emulator, _, _, text)
  local ok, cause = emulator:restore(text)
  if not ok then
    return 400, cause
  end
  return 204
end

local function save(emulator)
  local path = emulator.options.state
  if not path then
    return 409, "The emulator was started without a file for its state (--state FILE)."
  end
  local ok, cause = emulator:save(path)
  if not ok then
    return 500, "The state cannot be saved: " .. cause
  end
  return 204
end

-- `left_ms`: what is still to come of the time that it was moved ahead.
local function show_clock(emulator)
  return 200, { now_ms = emulator.now_ms, left_ms = emulator.owed_ms }
end

local function skip(emulator, body)
  local ms = body.advance_ms
  if type(ms) ~= "number" or not (ms >= 0 and ms <= ADVANCE_MAX_MS) then
    return 400, "advance_ms must be a number of milliseconds: not negative, and ten years at most."
  end
  emulator:skip(ms)
  return show_clock(emulator)
end

local function show_environment(emulator, _, id)
  local deployment = emulator:find("deployment", id)
  if not deployment then
    return 404, "There is no such deployment."
  end
  return 200, environment.process(deployment)
end

-- Method, path, and fn(emulator, body, what the path captures, the body's text) that answers a status and a value, or a sentence if
-- the status says no.
local ROUTES = {
  { "GET", "^/_emulator/requests$", list_requests },
  { "GET", "^/_emulator/events$", list_events },
  { "POST", "^/_emulator/faults$", add_fault },
  { "DELETE", "^/_emulator/faults$", clear_faults },
  { "POST", "^/_emulator/reset$", reset },
  { "GET", "^/_emulator/clock$", show_clock },
  { "POST", "^/_emulator/clock$", skip },
  { "GET", "^/_emulator/state$", show_state },
  { "POST", "^/_emulator/state$", restore },
  { "POST", "^/_emulator/save$", save },
  { "GET", "^/_emulator/deployments/([^/]+)/environment$", show_environment },
}

for _, route in ipairs(catalog.control) do
  ROUTES[#ROUTES + 1] = route
end

-- What fails is the emulator's failure, and must not end the program that serves it.
local function act(fn, emulator, ...)
  local ok, status, result = pcall(fn, emulator, ...)
  if not ok and status == "interrupted" then
    error(status, 0)
  elseif not ok then
    emulator.options.on_error(tostring(status))
    status, result = 500, "The emulator failed: " .. tostring(status)
  end
  return (status < 400 and answer or problem)(status, result)
end

--- Whether a path is the control plane's.
function control.owns(path)
  return path:find "^/_emulator/" ~= nil
end

--- Answers a request of the control plane: { status, headers, body }.
function control.handle(emulator, method, path, text)
  local known = false
  for _, route in ipairs(ROUTES) do
    local found, _, value = path:find(route[2])
    known = known or found ~= nil
    if found and route[1] == method then
      local body, cause = parse(text)
      if not body then
        return problem(400, cause)
      end
      return act(route[3], emulator, body, value, text)
    end
  end
  if known then
    return problem(405, "The method is not allowed here.")
  end
  return problem(404, "There is nothing at this path; see docs/emulator.md.")
end

return control

--- The tours: scripts that call the API's operations as a user would (spec/lua/tour/*.lua). Each returns fn(git, control), where
-- control(method, path, body) asks the emulator's control plane, and begins with a fresh emulator. Between them they call every operation.
local events = require "gitdev.emulator.store.events"
local json = require "gitdev.json"
local router = require "gitdev.emulator.request.router"
local schema = require "gitdev.schema"

local tour = {}

local DIRECTORY = "spec/lua/tour"

--- Their names, in order.
function tour.names()
  local names, pipe = {}, assert(io.popen("ls " .. DIRECTORY))
  for file in pipe:lines() do
    names[#names + 1] = file:match "^([%w_]+)%.lua$"
  end
  pipe:close()
  table.sort(names)
  return names
end

--- One of them.
function tour.load(name)
  return dofile(DIRECTORY .. "/" .. name .. ".lua")
end

--- The operations that tours have to call: all but the streams, which a proxy cannot pass on and a world without sockets does not have.
function tour.operations()
  local names = {}
  for _, name in ipairs(schema.operations()) do
    if schema.operation(name).kind ~= "stream" then names[#names + 1] = name end
  end
  return names
end

--- The control function for an emulator in this process.
function tour.control(emulator)
  return function(method, path, body)
    local answer = emulator:handle {
      method = method,
      target = "/_emulator/" .. path,
      headers = { ["content-type"] = "application/json" },
      body = body and assert(json.encode(body)) or "",
    }
    assert(answer.status < 400, method .. " /_emulator/" .. path .. ": " .. tostring(answer.body))
    return answer.body and answer.body ~= "" and json.decode(answer.body) or nil
  end
end

local routes

local function find_operation(method, target)
  if not routes then
    routes = router.new()
    for _, name in ipairs(schema.operations()) do
      local op = schema.operation(name)
      routes:add(op.method, op.path, op)
    end
  end
  local found = routes:find(target:match "^/v2(/[^?]*)" or "/")
  return found and found.by_method[method]
end

local function by_name(headers)
  local map = {}
  for index = 1, #headers, 2 do
    map[headers[index]:lower()] = headers[index + 1]
  end
  return map
end

-- Tells of the events that were not there before. Some are forgotten in time, so this is asked after every request.
local function tell_of_events(emulator, told, note)
  for _, event in ipairs(emulator:events()) do
    if not told[event.id] then
      told[event.id] = true
      note(event.type, events.body(event))
    end
  end
end

--- Has every answer that an emulator gives under /v2 told to `note(op, answer, request)`: the compiled operation, { status, headers (by
-- lower-case name), body }, and the request; and every event to `note_event(type, body)`, if that is given, as it is delivered.
function tour.watch(emulator, note, note_event)
  local handle, told = emulator.handle, {}
  emulator.handle = function(self, request)
    local answer = handle(self, request)
    local op = find_operation(request.method, request.target)
    if op then note(op, { status = answer.status, headers = by_name(answer.headers), body = answer.body }, request) end
    if note_event then tell_of_events(emulator, told, note_event) end
    return answer
  end
end

return tour

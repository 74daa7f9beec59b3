--- contract 2.5
local access = require "gitdev.emulator.organization.access"
local refusal = require "gitdev.emulator.refusal"
local schema = require "gitdev.schema"
local tickets = require "gitdev.emulator.organization.tickets"

local DEFAULT_HOST = "api.git.dev"

-- The kinds of things that have a log, and the operations that stream it.
local STREAMS = { deployment = "deployments.logs.stream", job = "jobs.logs.stream" }

-- The thing with that id and its kind; nil if there is none, or the key does not hold its project.
local function find(call, id)
  for object in pairs(STREAMS) do
    local things = call.tenant.things[object]
    local thing = things and things:get(id)
    if thing and access.sees(call.key, thing.project_id) then
      return thing, object
    end
  end
  return nil
end

-- Where the emulator is reached: as the request's Host says, if that is one.
local function host_of(call)
  local host = call.request.headers.host or ""
  return host:find "^[%w%.%-:%[%]]+$" and host or DEFAULT_HOST
end

local function create(call)
  local id = call.body.resource
  local thing, object = find(call, id)
  if not thing then
    refusal.unprocessable {
      {
        code = "resource_missing",
        param = "resource",
        message = "resource: there is no such deployment or job, or this key does not hold its project.",
      },
    }
  end
  call:about(thing.project_id)
  local ticket, expires_at = tickets.issue(call.tenant, call.key, id)
  local path = schema.path(schema.operation(STREAMS[object]), id)
  return {
    object = "stream_ticket",
    ticket = ticket,
    resource = id,
    url = ("wss://%s/v2%s?ticket=%s"):format(host_of(call), path, ticket),
    expires_at = expires_at,
  }
end

-- ---- the control plane: what is written into logs ----

-- `method` of the emulator, with the thing that the body names and what else it says.
local function on_log(method, argument_of)
  return function(emulator, body)
    local id = body.id
    body.id = nil
    if type(id) ~= "string" then
      return 400, "Give the id of a deployment or a job."
    end
    local ok, problem = emulator[method](emulator, id, argument_of(body))
    if not ok then
      return 400, problem
    end
    return 204
  end
end

return {
  control = {
    { "POST", "^/_emulator/logs$", on_log("write_log", function(body)
      return body
    end) },
    { "POST", "^/_emulator/logs/expire$", on_log("expire_log", function(body)
      return body.seq
    end) },
  },
  operations = {
    ["stream_tickets.create"] = create,
  },
}

-- An emulator with a clock that the spec moves, and a plain way to talk to it.
local emulator = require "gitdev.emulator"
local json = require "gitdev.json"
local schema = require "gitdev.schema"

local world = {}
world.__index = world

-- The second of the page's sample, so that answers are easy to compare with the contract's.
world.START = 1718942298

--- `options`: those of gitdev.emulator.new but for the clock; the seed is 1 unless given, false means none.
function world.new(options)
  local self = setmetatable({ now = world.START }, world)
  local all = {
    clock = function()
      return self.now
    end,
  }
  for name, value in pairs(options or {}) do
    all[name] = value
  end
  all.seed = all.seed == nil and 1 or all.seed or nil
  self.emulator = emulator.new(all)
  self.key = self.emulator.api_key
  return self
end

--- Lets seconds pass.
function world:wait(seconds)
  self.now = self.now + seconds
  self.emulator:advance()
end

--- A refusal in short: "422 parameter_missing project, invalid_type env.A".
function world.codes(answer)
  local list = {}
  for index, fault in ipairs(answer.json.error.errors or { answer.json.error }) do
    list[index] = fault.code .. (fault.param ~= json.null and " " .. fault.param or "")
  end
  return answer.status .. " " .. table.concat(list, ", ")
end

local function lower(headers)
  local map = {}
  for index = 1, #headers, 2 do
    local name = headers[index]:lower()
    assert(map[name] == nil, "header twice: " .. name)
    map[name] = headers[index + 1]
  end
  return map
end

--- Sends a request under /v2. `body`: a table, or a text as it shall go; `extra`: key (false: none), headers, peer, base, upgrade ("good": it is
-- the handshake of a WebSocket).
-- Returns status, headers (by lower-case name), body, json (decoded), and the handler's own answer as `raw`.
function world:send(method, path, body, extra)
  extra = extra or {}
  local headers = { authorization = extra.key ~= false and "Bearer " .. (extra.key or self.key) or nil }
  if body ~= nil then
    headers["content-type"] = "application/json"
    body = type(body) == "table" and assert(json.encode(body)) or body
  end
  for name, value in pairs(extra.headers or {}) do
    headers[name] = value or nil
  end
  local response = self.emulator:handle {
    method = method,
    target = (extra.base or "/v2") .. path,
    headers = headers,
    body = body or "",
    peer = extra.peer or "127.0.0.1",
    upgrade = extra.upgrade,
  }
  return {
    status = response.status,
    headers = lower(response.headers),
    body = response.body,
    json = response.body and json.decode(response.body),
    raw = response,
  }
end

function world:get(path, extra)
  return self:send("GET", path, nil, extra)
end

function world:post(path, body, extra)
  return self:send("POST", path, body, extra)
end

function world:patch(path, body, extra)
  return self:send("PATCH", path, body, extra)
end

function world:delete(path, extra)
  return self:send("DELETE", path, nil, extra)
end

--- Deploys my-app and returns the deployment. `fields`: more of the request.
function world:deploy(fields)
  local body = { project = "my-app" }
  for name, value in pairs(fields or {}) do
    body[name] = value
  end
  local answer = self:post("/deployments", body)
  assert(answer.status == 201, answer.body)
  return answer.json
end

--- A deployment as it is now.
function world:deployment(id)
  return self:get("/deployments/" .. id).json
end

--- Deploys, and waits until it has ended.
function world:deployed(fields)
  local made = self:deploy(fields)
  self:wait(2.6)
  return self:deployment(made.id)
end

--- The types of the events since `from` (1), of one deployment if it is named.
function world:events(from, deployment_id)
  local types = {}
  for index, event in ipairs(self.emulator:events()) do
    if index >= (from or 1) and (not deployment_id or event.data.deployment_id == deployment_id) then
      types[#types + 1] = event.type
    end
  end
  return types
end

--- Walks a list to its end. Returns the things, and how many pages there were.
function world:walk(path, step)
  local found, pages, cursor = {}, 0, nil
  repeat
    local page = self:get(path .. (cursor and "&cursor=" .. cursor or ""))
    assert(page.status == 200, page.body)
    pages = pages + 1
    for _, thing in ipairs(page.json.data) do
      found[#found + 1] = thing
    end
    cursor = page.json.has_more and page.json.next_cursor
    if cursor and step then
      step(pages)
    end
  until not cursor
  return found, pages
end

--- The fields of `thing` that are not those of the contract's object, missing or too many, as a text; "" if it conforms.
function world.misfit(thing, object)
  local fields, wrong = schema.object(object).fields, {}
  for _, field in ipairs(fields) do
    local value = thing[field.name]
    if value == nil or value == json.null and not field.nullable then
      wrong[#wrong + 1] = "-" .. field.name
    end
  end
  for name in pairs(thing) do
    if not fields.by_name[name] then
      wrong[#wrong + 1] = "+" .. name
    end
  end
  table.sort(wrong)
  return table.concat(wrong, " ")
end

return world

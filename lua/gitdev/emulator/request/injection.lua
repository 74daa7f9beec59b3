--- What a fault makes of an answer. The memory driver and the server both obey the result: `delay`, `drop`, `reset`, `raw`.
local errors = require "gitdev.api.errors"
local refusal = require "gitdev.emulator.refusal"
local schema = require "gitdev.schema"

local injection = {}

-- Statuses that the contract answers with Retry-After (contract 1.9), and the seconds that an injected one names.
local RETRY_AFTER = { [429] = "1", [503] = "1" }

-- The first code that the contract's table gives a status.
local function code_of(status)
  for _, kind in ipairs(errors) do
    for _, row in ipairs(kind.codes or {}) do
      if row[2] == status then
        return row[1]
      end
    end
  end
  return "injected"
end

local function error_body(fault, id)
  local code = fault.code or code_of(fault.status)
  local known = schema.error(code)
  return refusal.envelope(known and known.type or "api_error", code, "Injected by the emulator.", nil, id)
end

local function set_header(headers, name, value)
  for index = 1, #headers, 2 do
    if headers[index]:lower() == name:lower() then
      headers[index + 1] = value
      return
    end
  end
  headers[#headers + 1] = name
  headers[#headers + 1] = value
end

local function set_headers(headers, more)
  local names = {}
  for name in pairs(more or {}) do
    names[#names + 1] = name
  end
  table.sort(names)
  for _, name in ipairs(names) do
    set_header(headers, name, tostring(more[name]))
  end
end

-- The answer as HTTP/1.1, its body cut although Content-Length promises all of it.
local function cut_short(response, bytes)
  local body = response.body or ""
  local lines = { ("HTTP/1.1 %d "):format(response.status) }
  for index = 1, #response.headers, 2 do
    lines[#lines + 1] = response.headers[index] .. ": " .. response.headers[index + 1]
  end
  lines[#lines + 1] = ("Content-Length: %d"):format(#body)
  return table.concat(lines, "\r\n") .. "\r\n\r\n" .. body:sub(1, bytes)
end

--- Changes `response` as `fault` says. `id`: the request's id, for the error envelope.
function injection.apply(fault, response, id)
  if fault.status then
    response.status = fault.status
  end
  if fault.body then
    response.body = fault.body
  elseif fault.status then
    response.body = fault.status >= 400 and error_body(fault, id) or nil
  end
  if response.body then
    set_header(response.headers, "Content-Type", fault.content_type or "application/json; charset=utf-8")
  end
  local seconds = fault.retry_after ~= false and RETRY_AFTER[fault.status]
  if seconds then
    set_header(response.headers, "Retry-After", seconds)
  end
  set_headers(response.headers, fault.headers)
  response.delay, response.drop, response.reset = fault.delay, fault.drop, fault.reset
  response.raw = fault.raw or fault.truncate and cut_short(response, fault.truncate) or nil
  local stream = response.stream
  if stream and (response.status ~= 101 or response.drop or response.reset or response.raw) then
    response.stream = nil
    stream:closed()
  elseif stream and fault.stream then
    stream:suffer(fault.stream)
  end
  return response
end

return injection

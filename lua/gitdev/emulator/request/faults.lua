--- Failures on demand: what is injected, and which request it hits.
local faults = {}
faults.__index = faults

local FIELDS = {
  match = "table", times = "number", after = "number", status = "number", code = "string", headers = "table",
  body = "string", content_type = "string", delay = "number", drop = "boolean", reset = "boolean",
  retry_after = "boolean", truncate = "number", raw = "string", execute = "boolean", stream = "table",
}
local STREAM_FIELDS = {
  seq = "number", lines = "number", duplicate = "number", gap = "number", text = "string", oversize = "number", opcode = "number",
  raw = "string", stall = "boolean", close = "number", reason = "string", drop = "boolean",
}
-- The least and the most that the numbers of a stream's fault may be.
local STREAM_RANGES = {
  seq = { 0, math.huge }, lines = { 0, math.huge }, duplicate = { 1, 1000 }, gap = { 1, math.huge }, oversize = { 0, 2 ^ 24 },
  opcode = { 0, 15 }, close = { 1000, 4999 },
}
local MATCH_FIELDS = { method = "string", path_prefix = "string", op = "string" }

local function check(value, fields, where)
  for name, given in pairs(value) do
    local wanted = fields[name]
    if not wanted then
      local known = {}
      for field in pairs(fields) do
        known[#known + 1] = field
      end
      table.sort(known)
      return nil, ("%s has no field %q; there are: %s"):format(where, tostring(name), table.concat(known, ", "))
    end
    if type(given) ~= wanted then
      return nil, ("%s.%s is a %s; it must be a %s"):format(where, name, type(given), wanted)
    end
  end
  return true
end

function faults.new()
  return setmetatable({ list = {} }, faults)
end

-- What goes into a response's head must stay within its line.
local function check_headers(spec)
  local headers = { ["Content-Type"] = spec.content_type }
  for name, value in pairs(spec.headers or {}) do
    headers[name] = value
  end
  for name, value in pairs(headers) do
    if type(name) ~= "string" or not name:find "^[%w!#$%%&'*+.^_`|~-]+$" then
      return nil, ("fault.headers: %q is no header name"):format(tostring(name))
    elseif type(value) ~= "string" and type(value) ~= "number" or tostring(value):find "%c" then
      return nil, ("fault.headers.%s must be a text without control characters"):format(name)
    end
  end
  return true
end

-- Codes that only stand for what no close frame said (RFC 6455 7.4.1), or that nobody has given a meaning (7.4.2).
local function is_sendable(code)
  return code >= 3000 or code <= 1014 and code ~= 1004 and code ~= 1005 and code ~= 1006
end

local function check_stream(stream)
  local ok, problem = check(stream, STREAM_FIELDS, "fault.stream")
  if not ok then
    return nil, problem
  end
  for name, range in pairs(STREAM_RANGES) do
    local value = stream[name]
    if value and (value % 1 ~= 0 or value < range[1] or value > range[2]) then
      return nil, ("fault.stream.%s must be a whole number from %d%s"):format(
        name, range[1], range[2] < math.huge and (" to %d"):format(range[2]) or ""
      )
    end
  end
  if stream.close and not is_sendable(stream.close) then
    return nil, ("fault.stream.close: %d is in no close frame; drop cuts the connection, which clients see as 1006"):format(stream.close)
  end
  return true
end

-- Whether the operation runs although the fault hits: it does if only its answer is late or cut.
local function executes(spec)
  if spec.execute ~= nil then
    return spec.execute
  end
  return not (spec.status or spec.body or spec.raw or spec.drop or spec.reset)
end

--- Adds a fault. Returns true, or nil and what is wrong with it.
--
-- `spec.match` = { method, path_prefix, op }: all that are given must fit. `spec.after`: that many matching requests go
-- by first; `spec.times` (1): that many are hit. What happens to them: see docs/emulator.md.
function faults:add(spec)
  if type(spec) ~= "table" then
    return nil, "a fault is a table"
  end
  local ok, problem = check(spec, FIELDS, "fault")
  if ok and spec.match then
    ok, problem = check(spec.match, MATCH_FIELDS, "fault.match")
  end
  if ok then
    ok, problem = check_headers(spec)
  end
  if ok and spec.stream then
    ok, problem = check_stream(spec.stream)
  end
  if not ok then
    return nil, problem
  end
  if spec.status and (spec.status < 200 or spec.status > 599 or spec.status % 1 ~= 0) then
    return nil, "fault.status must be a whole number from 200 to 599"
  end
  for name, least in pairs { times = 1, after = 0, delay = 0, truncate = 0 } do
    if spec[name] and spec[name] < least then
      return nil, ("fault.%s must be at least %d"):format(name, least)
    end
  end
  local fault = { match = spec.match or {}, times = spec.times or 1, after = spec.after or 0, execute = executes(spec) }
  for name, value in pairs(spec) do
    if fault[name] == nil then
      fault[name] = value
    end
  end
  self.list[#self.list + 1] = fault
  return true
end

function faults:clear()
  self.list = {}
end

-- HEAD is a GET (contract 1.1), but not every GET is a HEAD.
local function is_method(wanted, method)
  return wanted == method or wanted == "GET" and method == "HEAD"
end

local function fits(match, method, path, op)
  if match.method and not is_method(match.method, method) then
    return false
  end
  if match.op and match.op ~= op then
    return false
  end
  return not match.path_prefix or path:sub(1, #match.path_prefix) == match.path_prefix
end

--- The fault that hits this request, or nil: the first, in the order they were added, that matches and has times left. `upgrades`: whether
-- it wants to open a stream; what is to happen to streams passes other requests by.
function faults:take(method, path, op, upgrades)
  for index, fault in ipairs(self.list) do
    if fits(fault.match, method, path, op) and (upgrades or not fault.stream) then
      if fault.after > 0 then
        fault.after = fault.after - 1
      elseif fault.times > 0 then
        fault.times = fault.times - 1
        if fault.times == 0 then
          table.remove(self.list, index)
        end
        return fault
      end
    end
  end
  return nil
end

return faults

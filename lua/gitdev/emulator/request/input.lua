--- Reads what a request brings, and refuses what the contract's tables do not allow: 400 for what is malformed, 422 for what is
-- well-formed but invalid (contract 1.1, 1.6, 1.8).
local core = require "gitdev.core"
local distinct = require "gitdev.emulator.store.distinct"
local json = require "gitdev.json"
local limits = require "gitdev.api.limits"
local refusal = require "gitdev.emulator.refusal"
local schema = require "gitdev.schema"

local input = {}

local function bad_query(param, message, code)
  refusal.raise(code or "parameter_invalid", { status = 400, param = param, message = message })
end

local function decode(text)
  local plain = core.unescape(text, true)
  if not plain or not core.utf8(plain) then
    bad_query(nil, "The query string is not percent-encoded UTF-8.")
  end
  return plain
end

-- "a=1&b=2" as { name, value } pairs.
local function pairs_of(text)
  local found = {}
  for piece in text:gmatch "[^&]+" do
    local name, value = piece:match "^(.-)=(.*)$"
    if name == "" then
      bad_query(nil, "The query has a parameter with an empty name.")
    end
    found[#found + 1] = { decode(name or piece), decode(value or "") }
  end
  return found
end

local function take(params, field, name, text)
  -- What cannot be read stays a text: the check then says what was wanted.
  local value = field and schema.read(field, text)
  if value == nil then
    value = text
  end
  local before = params[name]
  if before == nil then
    params[name] = value
  elseif field and field.repeatable then
    params[name] = type(before) == "table" and before or { before }
    table.insert(params[name], value)
  else
    bad_query(name, name .. " is given twice.")
  end
end

-- A parameter that may come several times is a list for handlers, also when it came once: sorted, each value once, as their order
-- and number mean nothing, and cursors are bound to them.
local function as_lists(fields, params)
  for _, field in ipairs(fields) do
    local value = params[field.name]
    if field.repeatable and value ~= nil then
      local list = distinct(type(value) == "table" and value or { value })
      table.sort(list)
      params[field.name] = list
    end
  end
end

local function fill(fields, values)
  for _, field in ipairs(fields) do
    if values[field.name] == nil then
      values[field.name] = field.default
    end
  end
  return values
end

local NONE = {}

local function report_query(code, param, message)
  if param == "cursor" then
    code = "cursor_invalid"
  elseif code ~= "parameter_unknown" then
    code = "parameter_invalid"
  end
  bad_query(param, message, code)
end

--- The first value of one parameter of a query string, as nobody has checked it yet; nil if it is not there.
function input.one(text, name)
  local found = ("&" .. (text or "")):match("&" .. name .. "=([^&]*)")
  return found and (core.unescape(found, true) or found)
end

--- The parameters of a query string (nil: none), read and checked against the operation's, with the defaults filled in.
-- Raises 400.
function input.query(operation, text)
  local fields = operation.query
  local given = text and text ~= "" and pairs_of(text) or NONE
  if not fields then
    if given[1] then
      bad_query(given[1][1], ("%s takes no query; %s is unknown."):format(operation.op, given[1][1]), "parameter_unknown")
    end
    return NONE
  end
  local params = {}
  for _, pair in ipairs(given) do
    take(params, fields.by_name[pair[1]], pair[1], pair[2])
  end
  schema.check(fields, params, nil, report_query)
  as_lists(fields, params)
  return fill(fields, params)
end

-- Whether a Content-Type is JSON in UTF-8. Its other parameters mean nothing here; what they quote may hold a semicolon.
local function is_json(content_type)
  local text = (content_type or ""):lower():gsub('"([^"]*)"', function(quoted)
    return (quoted:gsub(";", ""))
  end)
  local kind, params = text:match "^%s*([^;%s]*)%s*(.*)$"
  for charset in params:gmatch ";%s*charset%s*=%s*([^;%s]*)" do
    if charset ~= "utf-8" then
      return false
    end
  end
  return kind == "application/json" and (params == "" or params:sub(1, 1) == ";")
end

local function check_form(headers, body)
  if not is_json(headers["content-type"]) then
    refusal.raise("unsupported_media_type", { message = "Send the body as Content-Type: application/json." })
  elseif headers["content-encoding"] and headers["content-encoding"]:lower() ~= "identity" then
    refusal.raise("unsupported_media_type", { message = "Send the body without a Content-Encoding." })
  elseif #body > limits.body_bytes then
    local message = ("The body has %d bytes; at most %d are allowed."):format(#body, limits.body_bytes)
    refusal.raise("payload_too_large", { message = message })
  end
end

local function parse(body)
  local ok, problem, offset = core.json_check(body)
  if not ok then
    refusal.raise("invalid_json", { message = ("The body is not JSON: %s (at byte %d)."):format(problem, offset) })
  elseif not body:find "^[ \t\r\n]*{" then
    refusal.raise("invalid_json", { message = "The body must be a JSON object." })
  end
  local value, cause = json.decode(body)
  if not value then
    refusal.raise("invalid_json", { message = "The body is not JSON: " .. cause })
  end
  return value
end

-- What stands at a place such as "jobs[2].env.A", and its name there. The names in a map may have dots in them.
local function value_at(value, place)
  while value[place] == nil do
    local index, after = place:match "^%[(%d+)%]%.?(.*)$"
    if not index then
      index, after = place:match "^([^.%[]+)%.?(.*)$"
    end
    value, place = value[tonumber(index) or index], after
  end
  return value[place], place
end

-- The bytes that an env_too_large speaks of (contract 1.10).
local function env_bytes(values, param)
  local value, name = value_at(values, param)
  if type(value) ~= "table" then
    return #(param == name and values.key or name) + #value
  end
  local sum = 0
  for variable, text in pairs(value) do
    sum = sum + #variable + (type(text) == "string" and #text or 0)
  end
  return sum
end

-- Faults in the order of the operation's fields, then by name: a map is walked in no order, and the same request shall always
-- get the same answer.
local function in_order(fields, faults)
  local places = {}
  for place, name in ipairs(fields.names) do
    places[name] = place
  end
  local function place(fault)
    return places[(fault.param or ""):match "^[^.%[]*"] or #fields.names + 1
  end
  table.sort(faults, function(a, b)
    if place(a) ~= place(b) then
      return place(a) < place(b)
    end
    return (a.param or "") < (b.param or "")
  end)
  return faults
end

local function check(fields, values, body)
  local faults = {}
  local options = {
    kind = function(...)
      return core.json_kind(body, ...)
    end,
  }
  local ok, caught = pcall(schema.check, fields, values, options, function(code, param, message)
    local fault = { code = code, param = param ~= "" and param or nil, message = message }
    if code == "env_too_large" then
      fault.size_bytes, fault.limit_bytes = env_bytes(values, param), limits.env_bytes
    end
    refusal.add(faults, fault)
  end)
  if not ok and not refusal.is(caught) then
    error(caught, 0)
  elseif faults[1] then
    refusal.unprocessable(in_order(fields, faults))
  end
end

-- Rows without fields take no body, an empty one, or {}.
local function check_empty(operation, values)
  local name = next(values)
  if name ~= nil then
    refusal.unprocessable {
      { code = "parameter_unknown", param = name, message = ("%s takes no fields; %s is unknown."):format(operation.op, name) },
    }
  end
end

--- The body of a request, parsed, checked against the operation's fields, with the defaults filled in; null is core.null. Raises
-- 400, 413, 415, 422.
function input.body(operation, headers, body)
  local fields = operation.body
  if body == nil or body == "" then
    if fields and operation.kind ~= "action" then
      refusal.raise("invalid_json", { message = operation.op .. " needs a body: one JSON object." })
    end
    body = "{}"
  else
    check_form(headers, body)
  end
  local values = parse(body)
  if not fields then
    check_empty(operation, values)
    return NONE
  end
  check(fields, values, body)
  return fill(fields, values)
end

--- The idempotency key of a request (contract 1.9), or nil. Raises 400.
function input.idempotency_key(header)
  if header == nil then
    return nil
  end
  local key = header:match '^"(.*)"$' or header
  if #key < 1 or #key > limits.idempotency.key_chars or key:find "[^\33-\126]" then
    local message = "Idempotency-Key must be 1 to %d visible ASCII characters."
    refusal.raise("parameter_invalid", { status = 400, message = message:format(limits.idempotency.key_chars) })
  end
  return key
end

return input

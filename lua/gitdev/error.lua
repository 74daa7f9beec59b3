-- Error objects: what a call raises, or returns beside nil. A table with the contract's fields (1.8) and a readable tostring().
local core = require "gitdev.core"
local json = require "gitdev.json"
local schema = require "gitdev.schema"

-- What an error object has: gitdev.Error, see gitdev.describe.classes.
local errors = {}

local meta = { __name = "gitdev.Error" }

-- Other fields at fault than the one that the message tells of.
local function others(err)
  local list, text = err.errors or {}, ""
  for i = 2, math.min(#list, 4) do
    text = text .. "; " .. tostring(list[i].message):gsub("%.$", "")
  end
  return text .. (#list > 4 and "; and " .. #list - 4 .. " more" or "")
end

local function details(err)
  local parts = {}
  local function add(name, value)
    if value ~= nil then
      parts[#parts + 1] = name .. " " .. tostring(value)
    end
  end
  add("param", err.param)
  add("status", err.status)
  add("request", err.request_id)
  if err.attempts and #err.attempts > 1 then
    parts[#parts + 1] = #err.attempts .. " tries"
  end
  return parts[1] and " (" .. table.concat(parts, ", ") .. ")" or ""
end

-- A server's code says more than its type; of the SDK's own types each stands for one thing.
local function headline(err)
  local known = schema.error(err.type)
  return known and known.origin == "client" and err.type or err.code or err.type
end

function meta.__tostring(err)
  local message = tostring(err.message or "no message"):gsub("%.$", "")
  local place = err.where and err.where .. ": " or ""
  return core.redact(place .. tostring(headline(err)) .. ": " .. message .. others(err) .. details(err))
end

function meta.__concat(a, b)
  return tostring(a) .. tostring(b)
end

---Makes an error object of a table of its fields.
---@param fields table
---@return gitdev.Error
function errors.new(fields)
  fields.message = core.redact(fields.message or "no message")
  for _, fault in ipairs(fields.errors or {}) do
    fault.message = core.redact(tostring(fault.message or "no message"))
  end
  fields.retryable = fields.retryable or false
  fields.attempts = fields.attempts or {}
  fields.headers = fields.headers or {}
  return setmetatable(fields, meta)
end

---Whether a value is an error object, and of that type or code if one is given.
---@param value any
---@param kind? string  "rate_limit_error", "resource_missing", …
---@return boolean
function errors.is(value, kind)
  return getmetatable(value) == meta and (kind == nil or value.type == kind or value.code == kind)
end

-- Whether an answer's `errors` is a list of faults, as the contract says.
local function is_fault_list(value)
  for _, fault in ipairs(type(value) == "table" and value or { false }) do
    if type(fault) ~= "table" then
      return false
    end
  end
  return true
end

-- What only the SDK says of an error: an answer's body must not be able to.
local OWN = {}
for name in ("type code message param status retryable attempts headers where request_id body"):gmatch "%S+" do
  OWN[name] = true
end

-- Text from outside goes to terminals and logs: no control bytes, no secrets.
local function clean(value)
  if type(value) == "string" then
    return core.redact((value:gsub("%c", " ")))
  elseif type(value) == "table" then
    for key, element in pairs(value) do
      value[key] = clean(element)
    end
  end
  return value
end

-- What the contract adds to some codes (required_scope, current_status, errors, …), and what it may add later.
local function add_extras(fields, extras)
  for key, value in pairs(extras) do
    if type(key) == "string" and not OWN[key] and (key ~= "errors" or is_fault_list(value)) then
      fields[key] = clean(value)
    end
  end
  local id = extras.request_id
  if not fields.request_id and type(id) == "string" and id:find "^[%w_%-]+$" and #id <= 64 then
    fields.request_id = id
  end
end

local function add_extras_of(fields, body)
  local answer = body and body:find("^%s*{") and json.read(body)
  local extras = type(answer) == "table" and answer.error
  if type(extras) == "table" then
    add_extras(fields, extras)
  end
end

---The error of a call that failed.
---@param failure table  what call:result() gave
---@param call userdata
---@return gitdev.Error
function errors.of_call(failure, call)
  add_extras_of(failure, failure.body)
  failure.body = nil
  failure.attempts, failure.headers = call:attempts(), call:headers()
  return errors.new(failure)
end

---The error for an answer that came, but is not what the contract allows.
---@param call userdata
---@param status integer
---@param code string
---@param message string
---@return gitdev.Error
function errors.of_answer(call, status, code, message)
  return errors.new {
    type = "response_error",
    code = code,
    message = message,
    status = status,
    request_id = call:header "x-request-id",
    attempts = call:attempts(),
    headers = call:headers(),
  }
end

local PASSING = { rate_limit_error = true, api_error = true }

---The error that a stream's message tells of (contract 2.5), with the status that it has as an answer.
---@param told any  the message's `error`
---@return gitdev.Error
function errors.of_message(told)
  told = type(told) == "table" and told or {}
  local kind, code = schema.error(told.type or ""), type(told.code) == "string" and clean(told.code) or nil
  local known = schema.error(code or "")
  local fields = {
    type = kind and not kind.code and kind.origin ~= "client" and told.type or "response_error",
    code = code,
    message = type(told.message) == "string" and clean(told.message) or "the server ended the stream without saying why.",
    param = type(told.param) == "string" and clean(told.param) or nil,
    status = known and known.statuses[1],
  }
  fields.retryable = PASSING[fields.type]
  add_extras(fields, told)
  return errors.new(fields)
end

-- Where this library's files are, as chunk names begin; nil when that cannot be told.
local own = debug and debug.getinfo(1, "S").source:match "^(.*)error%.lua$"

-- The line of the program that called into the library.
local function caller()
  local level, info = 3, own and debug.getinfo(3, "Sl")
  while info do
    if info.what ~= "C" and info.currentline > 0 and info.source:sub(1, #own) ~= own then
      return info.short_src .. ":" .. info.currentline
    end
    level = level + 1
    info = debug.getinfo(level, "Sl")
  end
  return nil
end

---Raises an error for a call that the program got wrong; both styles of the API do, before anything is sent.
---@param fields { code: string|nil, param: string|nil, message: string, errors: table[]|nil, type: string|nil }
function errors.misuse(fields)
  fields.type = fields.type or "invalid_request_error"
  fields.where = caller()
  error(errors.new(fields), 0)
end

---What to do about an error, in one sentence, or nil.
---@param err gitdev.Error
---@return string|nil
function errors.hint(err)
  local known = schema.error(err.code or "")
  if not (known and known.hint and known.type == err.type) then
    known = schema.error(err.type or "")
  end
  return known and known.hint
end

return errors

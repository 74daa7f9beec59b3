-- Downloads: the operations whose answer is bytes, not a thing. Whole ones are streamed, taken up again after a cut, and held against the
-- SHA-256 that the API gives (contract 2.9); a part of one is read in one piece.
local errors = require "gitdev.error"
local options_of = require "gitdev.options"
local request = require "gitdev.request"
local sink_of = require "gitdev.sink"

local download = {}

-- gitdev.DownloadFields, see gitdev.describe.classes.
local FIELDS = {
  to = "place",
  resume = "boolean",
  sha256 = "string",
  on_progress = "function",
  range = "string",
  if_none_match = "string",
}

local function refuse(param, message)
  errors.misuse { code = "parameter_invalid", param = param, message = message }
end

-- Whether a range is one of the three forms that RFC 9110 (14.1.1) knows, and no empty one.
local function is_range(text)
  local first, last = text:match "^(%d+)%-(%d*)$"
  return text:find "^%-%d+$" ~= nil or first ~= nil and (last == "" or tonumber(first) <= tonumber(last))
end

local function check(op, fields)
  if type(fields) ~= "table" then
    local text = op.op .. " takes its fields as a table, { to = … }, got a " .. type(fields) .. "."
    errors.misuse { code = "invalid_type", message = text }
  end
  options_of.check(fields, FIELDS, op.op)
  if fields.range and not is_range(fields.range) then
    refuse("range", 'range must be as HTTP has it, "0-499", "500-" or "-500", got "' .. fields.range .. '".')
  elseif fields.range and (fields.resume or fields.sha256 or fields.on_progress) then
    refuse("range", "resume, sha256 and on_progress are for whole downloads: leave them out, or leave range out.")
  end
end

local function headers_of(fields, options)
  local headers = {}
  for name, value in pairs(options.headers or {}) do
    headers[name] = value
  end
  headers["Range"] = fields.range and "bytes=" .. fields.range
  headers["If-None-Match"] = fields.if_none_match
  return next(headers) and headers or nil
end

-- A part is not streamed: its caller knows how much it is.
local function part(client, path, fields, options)
  local answer, err = request.bytes(client, path, options)
  if not answer or answer.status == 304 then
    return answer, err
  end
  answer.size = #answer.body
  if fields.to then
    local sink = sink_of.open(fields.to)
    sink:write(answer.body)
    answer.body, answer.path = sink:finish(), sink.path
  end
  return answer
end

---Runs an operation of the kind download.
---@param client table
---@param op table
---@param path string  escaped
---@param fields gitdev.DownloadFields|nil
---@param options table|nil  checked ones, of the call
---@return gitdev.Download|nil
---@return gitdev.Error|nil
function download.run(client, op, path, fields, options)
  fields, options = fields == nil and {} or fields, options or {}
  check(op, fields)
  local all = { timeout = options.timeout, max_retries = options.max_retries, headers = headers_of(fields, options) }
  if fields.range then
    return part(client, path, fields, all)
  end
  for _, name in ipairs { "to", "resume", "sha256", "on_progress" } do
    all[name] = fields[name]
  end
  return request.download(client, path, all)
end

return download

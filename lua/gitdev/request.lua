-- A request by its method and path: for what the SDK has no operation for, and for bodies that are streamed rather than held. Under the same
-- deadline, retries, limits and errors as any call.
local compat = require "gitdev.compat"
local errors = require "gitdev.error"
local json = require "gitdev.json"
local options_of = require "gitdev.options"
local sink_of = require "gitdev.sink"
local source_of = require "gitdev.source"

local request = {}

-- gitdev.RequestOptions, see gitdev.describe.classes.
local OPTIONS = {
  body = "body",
  from = "place",
  size = "count",
  content_type = "string",
  to = "place",
  resume = "boolean",
  sha256 = "string",
  on_progress = "function",
  timeout = "seconds",
  max_retries = "count",
  idempotency_key = "string",
  headers = "headers",
  traceparent = "traceparent",
}

local function refuse(param, message)
  errors.misuse { code = "parameter_invalid", param = param, message = message }
end

local function check(method, path, o)
  if type(method) ~= "string" or not method:find "^%u+$" or type(path) ~= "string" then
    refuse(nil, 'git:request takes a method in capitals and a path, git:request("GET", "/projects"), and a table of options.')
  elseif type(o) ~= "table" then
    refuse(nil, "the options of a request must be a table, got a " .. type(o) .. ".")
  end
  options_of.check(o, OPTIONS, "a request")
  if o.body ~= nil and o.from ~= nil then
    refuse("from", "a request has either body or from.")
  elseif (o.to ~= nil or o.sha256) and method ~= "GET" then
    refuse("to", "to and sha256 go with GET alone.")
  elseif o.resume and not (type(o.to) == "string" and o.sha256) then
    refuse("resume", "resume goes on with a file, to = PATH, and needs sha256 to know that it fits what comes.")
  elseif (method == "GET" or method == "HEAD") and (o.body ~= nil or o.from ~= nil or o.idempotency_key) then
    refuse("body", "a " .. method .. " only reads: it takes no body, no from and no idempotency_key.")
  elseif o.sha256 and not (#o.sha256 == 64 and o.sha256:find "^%x+$") then
    refuse("sha256", "sha256 must be 64 hex digits.")
  elseif o.size and type(o.from) ~= "function" then
    refuse("size", "size goes with a function in from: a file's is known.")
  end
end

-- ---- making the call ----

local function new_call(client, method, path, o, rarer)
  local body = o.body
  if type(body) == "table" then
    local problem
    body, problem = json.encode(body)
    if not body then
      refuse("body", "body must be a JSON value, is " .. problem .. ".")
    end
  end
  local headers = o.traceparent and require("gitdev.traceparent").add(o.headers, o.traceparent) or o.headers
  local call, problem =
    client.core:call(method, path, body, o.idempotency_key, headers, o.timeout, o.max_retries, nil, rarer)
  if not call then
    errors.misuse { code = "parameter_invalid", message = "git:request: " .. problem }
  end
  return call
end

local function rarer_of(o, source, sink)
  return {
    content_type = o.content_type or o.from and "application/octet-stream" or nil,
    upload = source and source.size,
    rewindable = source and source.rewindable,
    download = sink and sink.size,
    etag = sink and sink.size > 0 and o.sha256 and '"' .. o.sha256:lower() .. '"' or nil,
  }
end

-- ---- streaming ----

-- Fills the window as far as there is room.
local function push(driver, call, source, state)
  while not state.ended do
    local bytes = source:read()
    if bytes == nil then
      state.ended = true
      if call:finish() then
        driver.resume(call)
      end
      return
    end
    local room, waits = call:write(bytes)
    if room == "again" then -- another try: what was just read is of no use
      source:rewind()
    elseif waits then
      driver.resume(call)
    end
    if not room then
      return
    end
  end
  if call:write "" == "again" then
    source:rewind()
    state.ended = false
    push(driver, call, source, state)
  end
end

local function pull(driver, call, sink, state)
  local bytes, waits = call:read()
  while bytes do
    if bytes == true then
      sink:restart()
      state.offset = 0
    else
      sink:write(bytes)
    end
    if waits then
      driver.resume(call)
    end
    bytes, waits = call:read()
  end
end

local function total_of(call, offset)
  local left = tonumber(call:header "content-length")
  return left and offset + left
end

local function progress(o, call, source, sink, state)
  if not o.on_progress then
    return
  end
  local sent, received = call:moved()
  local done = source and sent or received
  if done ~= state.reported and (source or sink.size > 0) then
    state.reported = done
    state.total = state.total or source and source.size >= 0 and source.size or sink and total_of(call, state.offset) or nil
    o.on_progress(done, state.total)
  end
end

local function stream(client, call, o, source, sink)
  local driver = client.driver
  local state = { ended = not source, offset = sink and sink.size or 0 }
  driver.start(call)
  local over
  repeat
    if source then
      push(driver, call, source, state)
    end
    driver.await(call)
    over = call:done() -- what comes while a piece is dealt with is for another round
    if sink then
      pull(driver, call, sink, state)
    end
    progress(o, call, source, sink, state)
  until over
end

-- ---- the answer ----

local function decoded(call, method, status, text)
  local kind = call:header "content-type" or ""
  if method == "HEAD" or not kind:find "^application/json" then -- the answer to a HEAD says of what the body would be
    return text
  end
  local value = json.read(text)
  if value == nil then
    return nil, errors.of_answer(call, status, "not_json", "the answer says that it is JSON, and is not.")
  end
  return value
end

local function check_whole(call, status, o, sink)
  local _, received = call:moved()
  if received ~= sink.size then
    return nil, errors.of_answer(call, status, "incomplete", string.format("%d bytes came, and %d were taken.", received, sink.size))
  end
  local sum, due = sink.digest:hex(), o.sha256 or o.vouched and (call:header "etag" or ""):match '^"(%x+)"$'
  if due and #due == 64 and sum ~= due:lower() then
    local message = string.format("what came has the SHA-256 %s, where %s was due.", sum, due:lower())
    return nil, errors.of_answer(call, status, "checksum_mismatch", message)
  end
  return sum
end

local function finish_download(call, status, o, sink)
  local about = { status = status, size = 0, etag = call:header "etag", content_type = call:header "content-type" }
  if status == 304 then
    sink:abandon()
    return about
  end
  local sum, err = check_whole(call, status, o, sink)
  if not sum then
    sink.keep = false
    sink:abandon()
    return nil, err
  end
  about.size, about.sha256, about.body, about.path = sink.size, sum, sink:finish(), sink.path
  return about
end

-- The earlier download that was taken up had come to its end already.
local function was_whole(err, o, sink)
  return err.status == 416 and sink and sink.size > 0 and o.sha256 ~= nil
end

local function answer(call, method, o, sink)
  local status, value = call:result()
  if status and sink then
    return finish_download(call, status, o, sink)
  elseif status then
    return decoded(call, method, status, value)
  end
  local err = errors.of_call(value, call)
  if was_whole(err, o, sink) then
    return finish_download(call, 206, o, sink)
  elseif sink then
    sink:abandon()
  end
  return nil, err
end

local function give_up(client, call, sink)
  if call and not call:done() then
    client.driver.cancel(call)
  end
  if sink then
    sink:abandon()
  end
end

-- A disk that is full is the world's doing, and comes back like a server's error; what a program's own function raises goes on up.
local function failed(problem, source, sink)
  local theirs = source and source.failure or sink and sink.failure
  if theirs and problem == theirs then
    return nil, theirs
  end
  error(problem, 0)
end

-- Sends what has been checked. `sink`: takes the answer's body, nil for one that is decoded.
local function send(client, method, path, o, sink)
  local source = o.from ~= nil and source_of.open(o.from, o.size) or nil
  local call
  local ok, value, err = compat.pcall(function()
    call = new_call(client, method, path, o, (source or sink or o.content_type) and rarer_of(o, source, sink) or nil)
    if source or sink then
      stream(client, call, o, source, sink)
    else
      client.perform(call)
    end
    return answer(call, method, o, sink)
  end)
  if source then
    source:close()
  end
  if not ok then
    give_up(client, call, sink)
    return failed(value, source, sink)
  end
  return value, err
end

---Makes a request.
---@param client table
---@param method string
---@param path string  after the base URL, percent-encoded: "/deployments?limit=2"
---@param o gitdev.RequestOptions|nil
---@return any value  the decoded body (a text where it is no JSON); of a download { status, size, sha256, path, body, etag, content_type }
---@return gitdev.Error|nil
function request.run(client, method, path, o)
  o = o or {}
  check(method, path, o)
  return send(client, method, path, o, (o.to ~= nil or o.sha256 ~= nil) and sink_of.open(o.to, o.resume) or nil)
end

---Downloads what is at a path of the API, whose etag is the SHA-256 of the whole (contract 2.9).
---@param client table
---@param path string
---@param o gitdev.RequestOptions
---@return gitdev.Download|nil
---@return gitdev.Error|nil
function request.download(client, path, o)
  check("GET", path, o)
  o.vouched = true
  return send(client, "GET", path, o, sink_of.open(o.to, o.resume))
end

---Reads the bytes at a path in one piece.
---@param client table
---@param path string
---@param o gitdev.RequestOptions
---@return gitdev.Download|nil  without its size
---@return gitdev.Error|nil
function request.bytes(client, path, o)
  check("GET", path, o)
  local call = new_call(client, "GET", path, o)
  client.perform(call)
  local status, body = call:result()
  if not status then
    return nil, errors.of_call(body, call)
  end
  return {
    status = status,
    size = 0,
    body = status ~= 304 and body or nil,
    etag = call:header "etag",
    content_type = call:header "content-type",
    content_range = call:header "content-range",
  }
end

return request

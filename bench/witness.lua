-- What a program sends: the server has two listeners, one for HTTP/1.1 and one for HTTP/2, that write down each request.
local cjson = require "cjson"
local meter = require "meter"
local same = require "gitdev.same"

local witness = {}

-- The header lines of each request, in order. What HTTP/2 says in pseudo-headers is in the URL and is left out.
local function headers_of_all(path)
  local requests = {}
  for line in io.lines(path) do
    if line:find "http request line:" or line:find 'http2 header: ":method:' then
      requests[#requests + 1] = {}
    elseif not line:find 'http2 header: ":' then
      local lines = requests[#requests]
      if lines then
        lines[#lines + 1] = line:match 'http2? header: "(.*)"$'
      end
    end
  end
  return requests
end

local function lines_of(path)
  local lines = {}
  for line in io.lines(path) do
    lines[#lines + 1] = line
  end
  return lines
end

--- The last request that was written down: { headers = list of lines, body = text }. A body is written down once its answer is
-- out, so it may be late.
local function last(root)
  local headers = headers_of_all(root .. "/witness.log")
  for _ = 1, 100 do
    local bodies = lines_of(root .. "/witness.body")
    if #headers > 0 and #bodies == #headers then
      return { headers = headers[#headers], body = bodies[#bodies] }
    end
    meter.run { "sleep", "0.02" }
  end
  error("the server did not write down what was sent to it", 0)
end

--- Runs `argv`, which is to send to one of the two listeners, and returns its last request.
function witness.watch(root, argv)
  local code, _, text = meter.run(argv)
  if code ~= 0 then
    error(("%s ended with exit code %d: %s"):format(table.concat(argv, " "), code, text), 0)
  end
  return last(root)
end

--- The header lines that a client has to be given, of those that were sent: what each writes by itself is left to it.
function witness.to_send(request)
  local headers = {}
  for _, line in ipairs(request.headers) do
    local name = line:match("^[^:]+"):lower()
    if name ~= "host" and name ~= "content-length" then
      headers[#headers + 1] = line
    end
  end
  return headers
end

--- A request as text; what differs from one call to the next is left out.
function witness.text(request)
  local text = table.concat(request.headers, "\n") .. "\n\n" .. request.body
  return (text:gsub("([Ii]dempotency%-[Kk]ey:) %x+%-%x+%-%x+%-%x+%-%x+", "%1 UUID"))
end

-- By lower-case name: the value, and the name as it was written.
local function by_name(request)
  local values, written = {}, {}
  for _, line in ipairs(request.headers) do
    local name, value = line:match "^([^:]+): ?(.*)$"
    values[name:lower()] = name:lower() == "idempotency-key" and "UUID" or value
    written[#written + 1] = name:lower()
  end
  return values, written
end

--- How the request `theirs` differs from `ours`, in words. "nothing" where only the order of headers, that of the body's members and
-- the case of names may.
function witness.difference(theirs, ours)
  local their_values, their_names = by_name(theirs)
  local our_values, our_names = by_name(ours)
  local words = {}
  for _, name in ipairs(their_names) do
    if not our_values[name] then
      words[#words + 1] = ("adds `%s: %s`"):format(name, their_values[name])
    elseif our_values[name] ~= their_values[name] then
      words[#words + 1] = ("`%s: %s`"):format(name, their_values[name])
    end
  end
  for _, name in ipairs(our_names) do
    if not their_values[name] then
      words[#words + 1] = ("no `%s`"):format(name)
    end
  end
  if #theirs.body ~= #ours.body or not same(cjson.decode(theirs.body), cjson.decode(ours.body)) then
    words[#words + 1] = "another body"
  end
  return #words > 0 and table.concat(words, ", ") or "nothing"
end

return witness

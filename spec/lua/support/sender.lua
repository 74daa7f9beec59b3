-- A sender of webhook deliveries for specs, on this Lua state's loop.
local compat = require "gitdev.compat"
local loop = require "gitdev.loop"
local process = require "spec.lua.support.process"
local webhooks = require("gitdev.webhooks").new(function(value, err)
  return assert(value, err)
end)

local sender = {}

sender.SECRET = "whsec_" .. ("0"):rep(32)

local last = 0

--- A body of an event; `fields`: id, type, project (false: none), data (JSON members after it).
function sender.body(fields)
  fields = fields or {}
  last = last + 1
  local members = {}
  if fields.project ~= false then
    members[1] = ('"project":"%s"'):format(fields.project or "my-app")
  end
  members[#members + 1] = fields.data
  return ('{"id":"%s","type":"%s","timestamp":1718942301,"data":{%s}}'):format(fields.id or ("evt_%012d"):format(last),
    fields.type or "deployment.completed", table.concat(members, ","))
end

--- The headers of a delivery.
function sender.headers(body, options)
  options = options or {}
  local signature = options.signature or webhooks.sign(body, options.secret or sender.SECRET, { now = options.now })
  local list = { "Content-Type", "application/json; charset=utf-8", "X-Git-Delivery", options.delivery or "dlv_000000000001" }
  for _, text in ipairs { "X-Git-Attempt", options.attempt or "1", "X-Git-Signature", signature } do
    list[#list + 1] = text
  end
  return list
end

--- Starts a delivery; `done(result)` is told of its end (see net.poster).
function sender.start(url, body, options, done)
  options = options or {}
  assert(loop.post({
    url = url,
    body = body,
    headers = options.headers or sender.headers(body, options),
    loopback = true,
    ca_file = options.ca_file,
    timeout = options.timeout or 20,
  }, done))
end

--- Delivers several bodies at once and waits. Returns their results, in order: { status, headers, body } or { error }.
function sender.all(url, bodies, options)
  local results, count = {}, 0
  for i, body in ipairs(bodies) do
    sender.start(url, body, options, function(result)
      results[i], count = result, count + 1
    end)
  end
  while count < #bodies do
    loop.sleep(0.002)
  end
  return results
end

--- Delivers one body and waits. Returns its status (nil when there was no answer), and the result.
function sender.deliver(url, body, options)
  local result = sender.all(url, { body or sender.body() }, options)[1]
  return result.status, result
end

--- A header of a result.
function sender.header(result, wanted)
  for i = 1, #(result.headers or {}), 2 do
    if result.headers[i]:lower() == wanted then
      return result.headers[i + 1]
    end
  end
  return nil
end

--- Runs a shell command beside the loop of this process, and waits for it. Returns its stdout.
function sender.beside(command)
  local out = os.tmpname()
  os.execute(("{ ( %s ) >%s 2>/dev/null </dev/null; mv %s %s.done; } &"):format(command, out, out, out))
  local file
  repeat
    loop.sleep(0.005)
    file = io.open(out .. ".done", "rb")
  until file
  local text = file:read "*a"
  file:close()
  os.remove(out .. ".done")
  return text
end

--- Says pieces to a port in clear, and listens until the other side closes. Returns what it said.
function sender.say(port, ...)
  local parts, files = {}, {}
  for i, piece in ipairs(compat.pack(...)) do
    files[i] = process.file(piece)
    parts[i] = "cat " .. files[i] .. " >&3"
  end
  local text = sender.beside(("bash -c 'exec 3<>/dev/tcp/127.0.0.1/%d; %s; cat <&3'"):format(port, table.concat(parts, "; ")))
  for _, path in ipairs(files) do
    os.remove(path)
  end
  return text
end

--- A request as text.
function sender.request(method, target, body, headers)
  local lines = { ("%s %s HTTP/1.1"):format(method, target), "Host: localhost", "Content-Length: " .. #(body or "") }
  for i = 1, #(headers or {}), 2 do
    lines[#lines + 1] = headers[i] .. ": " .. headers[i + 1]
  end
  return table.concat(lines, "\r\n") .. "\r\nConnection: close\r\n\r\n" .. (body or "")
end

--- A folder of its own; the caller removes it with sender.remove.
function sender.folder()
  local pipe = assert(io.popen "mktemp -d")
  local path = pipe:read "*l"
  pipe:close()
  return path
end

function sender.remove(path)
  os.execute("rm -rf " .. process.quote(path))
end

return sender

-- A connection of nginx's to where a request goes: one that rests in the worker's pool, or a new one, through the environment's proxy if it
-- names one, and always with TLS that is verified.
local core = require "gitdev.core"
local proxy = require "gitdev.driver.nginx.proxy"

local connection = {}

-- Connections that rest in a worker, for each way to a host, and for how long: less than servers usually keep them.
local POOL_SIZE, REST_MS = 128, 50000

local LONGEST_MS = 2 ^ 31 - 1

local function milliseconds(seconds)
  return math.max(1, math.min(LONGEST_MS, math.ceil(seconds * 1000)))
end

---Sets what the next operations on a socket may take, seconds.
---@param sock table
---@param connecting number
---@param moving number  each read, each write
function connection.give(sock, connecting, moving)
  local ms = milliseconds(moving)
  sock:settimeouts(milliseconds(connecting), ms, ms)
end

local function failure(kind, message, unsent)
  return nil, { kind = kind, message = message, unsent = unsent }
end

local NO_RESOLVER = 'nginx has no resolver for "%s": put the directive resolver into the http block of nginx.conf, such as "resolver 127.0.0.53;"'

local function not_connected(err, host, seconds)
  if err:find("no resolver", 1, true) then
    return failure("not possible", NO_RESOLVER:format(host))
  elseif err == "timeout" then
    return failure("timed out", string.format("it could not be connected to within %g seconds", seconds), true)
  end
  return failure("unsent", err)
end

-- What OpenSSL says of a certificate that it does not take ("20: unable to get local issuer certificate"), or nginx of one of another host.
local function is_about_trust(err)
  return err:find "^%d+: " ~= nil or err:find("certificate", 1, true) ~= nil
end

local TRUST_HINT = "; nginx trusts what the directive lua_ssl_trusted_certificate names, and nothing without it"
local DEPTH_HINT = "; nginx looks no further up than lua_ssl_verify_depth says, which is 1 where it is not set"

-- OpenSSL's numbers for an issuer that is not known, and for a chain that is too long. What else may be wrong is the certificate's own fault.
local HINTS = { [2] = TRUST_HINT, [18] = TRUST_HINT, [19] = TRUST_HINT, [20] = TRUST_HINT, [21] = TRUST_HINT, [22] = DEPTH_HINT, [27] = TRUST_HINT }

local NOT_ACCEPTED = "nginx did not accept its certificate"

local function not_secured(err, seconds)
  err = tostring(err)
  if err == "timeout" then
    return failure("timed out", string.format("its TLS was not up within %g seconds", seconds), true)
  elseif not is_about_trust(err) then
    return failure("unsent", err)
  end
  local number, text = err:match "^(%d+): (.*)$"
  local hint = number and HINTS[tonumber(number)] or err == NOT_ACCEPTED and TRUST_HINT or ""
  return failure("untrusted", (text or err) .. hint)
end

-- Where no session is wanted, a handshake that is over at once passes for a success though the certificate is not accepted; where one is, it
-- fails an assertion (lua-resty-core 0.1.25). A session may be a NULL; of ngx_lua before 0.10.21 it is a userdata.
local function secure(sock, name)
  local fine, session, err = pcall(sock.sslhandshake, sock, nil, name, true)
  if not fine then
    return nil, NOT_ACCEPTED
  end
  local kind = type(session)
  return kind == "cdata" or kind == "userdata", err
end

-- Nginx resolves no name without a resolver, and its certificates' checks know names alone: what is this machine itself is called so.
local function address_of(host)
  return host == "localhost" and "127.0.0.1" or host
end

local function name_of(host)
  return proxy.is_loopback(host) and "localhost" or (host:gsub("[%[%]]", ""))
end

-- ---- through a proxy ----

local CONNECT = "CONNECT %s HTTP/1.1\r\nHost: %s\r\n%s\r\n"

-- Answers that only say that it goes on; a proxy that sends them without end would hold the worker.
local INTERIM_MAX = 64

-- The head that counts, of what has been fed. Of those before it the end is told too.
local function pull_head(reader, seen)
  local event, message = reader:pull()
  while event == "end" or event == "head" and message.status < 200 and message.status ~= 101 do
    seen.interim = seen.interim + (event == "head" and 1 or 0)
    if seen.interim > INTERIM_MAX then
      return "error", "it only ever says that it goes on (status 1xx)"
    end
    event, message = reader:pull()
  end
  return event, message
end

local function read_answer(sock, reader)
  local seen = { interim = 0 }
  reader:no_body()
  while true do
    local bytes, err = sock:receiveany(4096)
    if not bytes then
      return nil, err
    end
    reader:feed(bytes)
    local event, message = pull_head(reader, seen)
    if event == "head" then
      return message.status
    elseif event == "error" then
      return nil, message
    end
  end
end

local function tunnel(sock, way, target)
  local authorization = way.authorization and "Proxy-Authorization: " .. way.authorization .. "\r\n" or ""
  local sent, err = sock:send(CONNECT:format(target, target, authorization))
  local reader = sent and core.http1("response", { head_max = 65536 })
  local status
  if sent then
    status, err = read_answer(sock, reader)
    reader:close()
  end
  if not status then
    return failure("unsent", "the proxy " .. way.name .. " did not answer: " .. tostring(err))
  elseif status < 200 or status > 299 then
    return failure("unsent", "the proxy " .. way.name .. " refuses to connect to it (status " .. status .. ")")
  end
  return true
end

-- ---- routes ----

-- What is the same for all connections to a place: nginx's environment does not change while a worker lives. By pool, host and port.
local routes, route_count, ROUTES_MAX = {}, 0, 256

-- A proxy's user has connections of its own; nginx may write the name of a pool to its log.
local function pool_of(pool, place, way)
  local path = way and way.name .. " " .. (way.authorization and ngx.md5(way.authorization) or "") or "direct"
  return string.format("gitdev %s tls %s %s", place, path, pool)
end

local function new_route(pool, request)
  local host, port = request.host, request.port
  local place = string.format("%s:%d", host, port)
  local way, wrong = proxy.of(host)
  return {
    place = place,
    way = way,
    wrong = wrong,
    host = address_of(way and way.host or host),
    port = way and way.port or port,
    name = name_of(host),
    options = { pool = pool_of(pool, place, way), pool_size = POOL_SIZE },
  }
end

local function route_of(pool, request)
  local hosts = routes[pool] or {}
  local ports = hosts[request.host] or {}
  local route = ports[request.port]
  if not route then
    route = new_route(pool, request)
    route_count = route_count + 1
    if route_count > ROUTES_MAX then
      routes, hosts, ports, route_count = {}, {}, {}, 1
    end
    routes[pool], hosts[request.host], ports[request.port] = hosts, ports, route
  end
  return route
end

-- ---- opening ----

local function connect(sock, route, seconds)
  local ok, err = sock:connect(route.host, route.port, route.options)
  if not ok then
    return not_connected(tostring(err), route.host, seconds)
  end
  return true
end

-- One that rests, or with `fresh` one that never did: those that rest have likely been left by the server together.
local function take(sock, route, fresh, seconds)
  local ok, problem = connect(sock, route, seconds)
  while ok and fresh and sock:getreusedtimes() > 0 do
    sock:close()
    ok, problem = connect(sock, route, seconds)
  end
  return ok, problem
end

-- Makes a connection that is new ready for use. What connecting may take, `seconds` in all, is over at `due`.
local function prepare(sock, route, seconds, due, left)
  local ok, problem = true, nil
  if route.way then
    local rest = due - core.now()
    connection.give(sock, rest, rest)
    ok, problem = tunnel(sock, route.way, route.place)
  end
  if ok then
    connection.give(sock, due - core.now(), left)
    ok, problem = secure(sock, route.name)
    if not ok then
      return not_secured(problem, seconds)
    end
  end
  return ok, problem
end

---Connects a socket.
---@param sock table      a new cosocket; each read and write of it may take `left` then
---@param request table   the machine's, see core's call:next()
---@param pool string     only connections of the same pool are shared
---@param fresh boolean   none that was used before
---@param left number     seconds until the try is over
---@return boolean|nil reused  whether the connection was used before
---@return table|nil problem   { kind, message, unsent } as call:outcome() wants them
function connection.open(sock, request, pool, fresh, left)
  local route = route_of(pool, request)
  if route.wrong then
    return failure("not possible", route.wrong)
  end
  local seconds = math.min(left, request.connect_timeout)
  local due = core.now() + seconds
  connection.give(sock, seconds, left)
  local ok, problem = take(sock, route, fresh, seconds)
  if ok and sock:getreusedtimes() > 0 then
    return true
  elseif ok then
    ok, problem = prepare(sock, route, seconds, due, left)
  end
  if not ok then
    return nil, problem
  end
  return false
end

---Puts a connection whose answer is whole back into the pool.
function connection.keep(sock)
  if not sock:setkeepalive(REST_MS, POOL_SIZE) then
    sock:close()
  end
end

return connection

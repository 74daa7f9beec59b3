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

local function not_secured(err, seconds)
  err = tostring(err)
  if err == "timeout" then
    return failure("timed out", string.format("its TLS was not up within %g seconds", seconds), true)
  elseif not is_about_trust(err) then
    return failure("unsent", err)
  end
  local hint = err:find("mismatch", 1, true) and "" or err:find("too long", 1, true) and DEPTH_HINT or TRUST_HINT
  return failure("untrusted", err:gsub("^%d+: ", "") .. hint)
end

-- Where no session is wanted, a handshake that is over at once passes for a success though the certificate is not accepted; where one is, it
-- fails an assertion (lua-resty-core 0.1.25).
local function secure(sock, name)
  local fine, session, err = pcall(sock.sslhandshake, sock, nil, name, true)
  if not fine then
    return nil, "nginx did not accept its certificate"
  end
  return type(session) == "cdata", err -- which may be a NULL, and is true all the same
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

local function read_answer(sock, reader)
  reader:no_body()
  while true do
    local bytes, err = sock:receiveany(4096)
    if not bytes then
      return nil, err
    end
    reader:feed(bytes)
    local event, message = reader:pull()
    while event == "end" or event == "head" and message.status < 200 do
      event, message = reader:pull()
    end
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

-- ---- opening ----

-- A proxy's user has connections of its own; nginx may write the name of a pool to its log.
local function pool_of(request, way)
  local path = way and way.name .. " " .. (way.authorization and ngx.md5(way.authorization) or "") or "direct"
  return string.format("gitdev %s:%d tls %s", request.host, request.port, path)
end

local function connect(sock, request, way, seconds)
  local host = address_of(way and way.host or request.host)
  local options = { pool = pool_of(request, way), pool_size = POOL_SIZE }
  local ok, err = sock:connect(host, way and way.port or request.port, options)
  if not ok then
    return not_connected(tostring(err), host, seconds)
  end
  return true
end

-- One that rests, or with `fresh` one that never did: those that rest have likely been left by the server together.
local function take(sock, request, way, fresh, seconds)
  local ok, problem = connect(sock, request, way, seconds)
  while ok and fresh and sock:getreusedtimes() > 0 do
    sock:close()
    ok, problem = connect(sock, request, way, seconds)
  end
  return ok, problem
end

---Connects a socket.
---@param sock table      a new cosocket
---@param request table   the machine's, see core's call:next()
---@param fresh boolean   none that was used before
---@param left number     seconds until the try is over
---@return boolean|nil reused  whether the connection was used before
---@return table|nil problem   { kind, message, unsent } as call:outcome() wants them
function connection.open(sock, request, fresh, left)
  local way, wrong = proxy.of(request.host)
  if wrong then
    return failure("not possible", wrong)
  end
  local seconds = math.min(left, request.connect_timeout)
  connection.give(sock, seconds, seconds)
  local ok, problem = take(sock, request, way, fresh, seconds)
  if not ok then
    return nil, problem
  elseif sock:getreusedtimes() > 0 then
    return true
  end
  if way then
    ok, problem = tunnel(sock, way, request.host .. ":" .. request.port)
    if not ok then
      return nil, problem
    end
  end
  ok, problem = secure(sock, name_of(request.host))
  if not ok then
    return not_secured(problem, seconds)
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

--- Debian's nginx for specs: a master and two workers on loopback, TLS, files under a directory of its own. It ends with the spec, and
-- with the process if that is killed: what starts it waits for the pipe from here to close.
local core = require "gitdev.core"
local process = require "spec.lua.support.process"
local server = require "spec.lua.support.server"

local first_line, slurp, write = server.first_line, server.slurp, server.write

local nginx = {}
nginx.__index = nginx

nginx.API_KEY = "gsk_test_abcdefghijklmnopqrstuvwxyz012345"

local CONFIGURATION = [[
worker_processes 2;
daemon off;
pid nginx.pid;
error_log error.log notice;
events { worker_connections 1024; }
http {
  # method, key, status, connection, its requests, protocol, worker, bytes of the answer's body
  log_format seen '$request_method $http_idempotency_key $status $connection $connection_requests $server_protocol $pid $body_bytes_sent';
  access_log access.log seen;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  ssl_certificate server.pem;
  ssl_certificate_key server.key;
  default_type application/json;
  @HTTP@
  server {
    listen 127.0.0.1:@PORT@ ssl @HTTP2@ backlog=1024;
    add_header X-RateLimit-Remaining 100000 always;
    @SERVER@
    location / { proxy_pass http://unix:%ROOT%/inner.sock; }
  }
  # Who answers: so nginx reads a request's body first. (Answered without, as "return" does, its answer can come before libcurl has sent
  # the body, and be lost: libcurl 7.88.1, HTTP/2.)
  server {
    listen unix:%ROOT%/inner.sock;
    access_log off;
    location / { return 200 '{}'; }
  }
}
]]

-- Runs as long as its standard input is open.
local KEEPER = [[
cd %s
%s -p "$PWD/" -c nginx.conf -e error.log >/dev/null 2>&1 &
child=$!
cat >/dev/null
kill -TERM $child 2>/dev/null
wait $child
rm -rf "$PWD"
]]

--- The program, or nil and what to say of it.
function nginx.find()
  local path = first_line "PATH=$PATH:/usr/sbin command -v nginx"
  if not path then return nil, "nginx is not installed (Debian's package nginx)" end
  if not first_line "command -v openssl" then return nil, "the openssl program is not installed" end
  return path
end

local function make_directory()
  local path = server.folder "nginx"
  local command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=gitdev-spec"
    .. " -addext subjectAltName=IP:127.0.0.1,DNS:localhost -keyout %s/server.key -out %s/server.pem"
  assert(process.run((command:gsub("%%s", path))) == 0, "openssl made no certificate")
  return path
end

local function fill_in(self, options)
  local words = {
    HTTP = options.http or "",
    SERVER = options.server or "",
    HTTP2 = options.http2 == false and "" or "http2",
    PORT = tostring(self.port),
  }
  return (CONFIGURATION:gsub("@(%w+)@", words):gsub("%%ROOT%%", self.root))
end

-- Someone else may have taken the port meanwhile.
local function run(self, options)
  self.port = server.free_port()
  write(self.root .. "/nginx.conf", fill_in(self, options))
  self.keeper = assert(io.popen(KEEPER:format(process.quote(self.root), self.program), "w"))
  server.await("it runs, or has failed", function()
    return self:master() or self:errors():find("[emerg]", 1, true)
  end)
  return self:master() ~= nil
end

--- Starts one. options: http2 (default true), http and server (further directives, in which %ROOT% is its directory).
function nginx.start(options)
  local self = setmetatable({ program = assert(nginx.find()), root = make_directory() }, nginx)
  self.ca_file = self.root .. "/server.pem"
  assert(run(self, options), self:errors())
  self.url = "https://127.0.0.1:" .. self.port .. "/v2"
  return self
end

--- Stops it; nothing of it is left.
function nginx:stop()
  self.keeper:close()
end

function nginx:errors()
  return slurp(self.root .. "/error.log")
end

--- The master's pid, once it is there.
function nginx:master()
  return slurp(self.root .. "/nginx.pid"):match "^(%d+)"
end

--- The pids of the workers that run now; those that are on their way out are not among them.
function nginx:workers()
  return server.workers(self:master())
end

local function signal(name, pid)
  os.execute("kill -" .. name .. " " .. pid)
end

--- Has the configuration read again: new workers take over, the old ones finish what they have begun.
function nginx:reload()
  signal("HUP", self:master())
end

--- Ends a worker, any one if its pid is not given, by a signal; the master replaces it.
function nginx:end_worker(name, pid)
  pid = pid or self:workers()[1]
  if pid then signal(name, pid) end
end

--- What was asked for so far: a list of { method, key, status, connection, request (its number there), protocol, worker, sent }.
function nginx:log()
  local seen = {}
  for method, key, status, connection, request, protocol, worker, sent in
    slurp(self.root .. "/access.log"):gmatch "(%S+) (%S+) (%d+) (%d+) (%d+) (%S+) (%d+) (%d+)\n"
  do
    seen[#seen + 1] = {
      method = method,
      key = key ~= "-" and key or nil,
      status = tonumber(status),
      connection = worker .. ":" .. connection,
      request = tonumber(request),
      protocol = protocol,
      sent = tonumber(sent),
    }
  end
  return seen
end

--- Waits until so many requests are in the log: nginx writes them down when they are over.
function nginx:await_log(count)
  server.await(count .. " requests are in the log", function()
    return #self:log() >= count
  end)
  return self:log()
end

--- A core client of this origin.
function nginx:client(options)
  local all = { api_key = nginx.API_KEY, base_url = self.url, ca_file = self.ca_file }
  for name, value in pairs(options or {}) do
    all[name] = value
  end
  return assert(core.client(all))
end

return nginx

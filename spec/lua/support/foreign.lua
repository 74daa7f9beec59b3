--- Servers of other people's making for specs: on loopback, in a folder of their own, with TLS. They end with the spec, also when that is
-- killed: what starts one waits for a pipe from here to close.
local process = require "spec.lua.support.process"
local server = require "spec.lua.support.server"

local foreign = {}
foreign.__index = foreign

-- Runs as long as its standard input is open.
local KEEPER = [[
exec 2>/dev/null
cd %s
%s >output 2>&1 &
child=$!
cat >/dev/null
kill -TERM $child
wait $child
rm -rf "$PWD"
]]

local HAPROXY = [[
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  timeout tunnel 60s
listen front
  bind 127.0.0.1:@PORT@ ssl crt @ROOT@/both.pem alpn h2,http/1.1
  server emulator 127.0.0.1:@ORIGIN@ ssl verify none
]]

local APACHE = [[
ServerRoot @ROOT@
PidFile @ROOT@/pid
ErrorLog @ROOT@/errors
DefaultRuntimeDir @ROOT@
Mutex pthread
Listen 127.0.0.1:@PORT@
ServerName 127.0.0.1
LoadModule mpm_event_module @MODULES@/mod_mpm_event.so
LoadModule authz_core_module @MODULES@/mod_authz_core.so
LoadModule ssl_module @MODULES@/mod_ssl.so
LoadModule http2_module @MODULES@/mod_http2.so
LoadModule proxy_module @MODULES@/mod_proxy.so
LoadModule proxy_http_module @MODULES@/mod_proxy_http.so
LoadModule proxy_wstunnel_module @MODULES@/mod_proxy_wstunnel.so
Protocols h2 http/1.1
SSLEngine on
SSLCertificateFile @ROOT@/server.pem
SSLCertificateKeyFile @ROOT@/server.key
SSLProxyEngine on
SSLProxyVerify none
SSLProxyCheckPeerName off
AllowEncodedSlashes NoDecode
ProxyPass "/" "https://127.0.0.1:@ORIGIN@/" upgrade=websocket nocanon
]]

local KINDS = {
  haproxy = { package = "haproxy", program = "haproxy", configuration = HAPROXY, command = "@PROGRAM@ -db -f configuration" },
  nghttpx = {
    package = "nghttp2-proxy",
    program = "nghttpx",
    configuration = "",
    command = "@PROGRAM@ --conf=configuration --workers=1 -k '-f127.0.0.1,@PORT@' '-b127.0.0.1,@ORIGIN@;;tls;proto=http/1.1'"
      .. " --accesslog-file=/dev/null --errorlog-file=errors server.key server.pem",
  },
  apache = {
    package = "apache2-bin",
    program = "apache2",
    needs = "/usr/lib/apache2/modules/mod_http2.so",
    configuration = APACHE,
    command = "@PROGRAM@ -f @ROOT@/configuration -DFOREGROUND",
  },
  streams = {
    package = "python3-websockets",
    program = "/usr/bin/python3",
    needs = "/usr/lib/python3/dist-packages/websockets/__init__.py",
    command = "@PROGRAM@ @HERE@/foreign_streams.py @PORT@",
  },
  bytes = { package = "python3", program = "/usr/bin/python3", command = "@PROGRAM@ @HERE@/foreign_bytes.py @PORT@" },
}

-- ./dev installs them all: one that is missing is a failure.
local function program_of(kind)
  local path = server.first_line("PATH=$PATH:/usr/sbin command -v " .. kind.program)
  local whole = path and (not kind.needs or process.run("test -e " .. kind.needs) == 0)
  return assert(whole and path, kind.program .. " is not installed (Debian's package " .. kind.package .. ")")
end

local function make_folder()
  local root = server.folder "foreign"
  local command = "cd %s && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=gitdev-spec"
    .. " -addext subjectAltName=IP:127.0.0.1 -keyout server.key -out server.pem && cat server.pem server.key >both.pem"
  assert(process.run(command:format(root)) == 0, "openssl made no certificate")
  return root
end

local function listens(port)
  return process.run(("bash -c 'exec 3<>/dev/tcp/127.0.0.1/%d'"):format(port)) == 0
end

--- Starts one of: haproxy, nghttpx, apache (each before the server whose port is `origin`), streams, bytes (see their files).
function foreign.start(name, origin)
  local kind = KINDS[name]
  local program = program_of(kind)
  local self = setmetatable({ root = make_folder(), port = server.free_port() }, foreign)
  local words = {
    ROOT = self.root, PORT = self.port, ORIGIN = origin or 0, PROGRAM = program, MODULES = "/usr/lib/apache2/modules",
    HERE = server.first_line "pwd" .. "/spec/lua/support",
  }
  local function fill_in(text)
    return (text:gsub("@(%u+)@", words))
  end
  self.ca_file = self.root .. "/server.pem"
  self.url = "https://127.0.0.1:" .. self.port .. "/v2"
  server.write(self.root .. "/configuration", fill_in(kind.configuration or ""))
  self.keeper = assert(io.popen(KEEPER:format(process.quote(self.root), fill_in(kind.command)), "w"))
  server.await(name .. " listens: " .. self.root, function()
    return listens(self.port)
  end)
  return self
end

--- Stops it; nothing of it is left.
function foreign:stop()
  self.keeper:close()
end

--- What it has left in a file of its folder; "" if it is not there.
function foreign:read(file)
  return server.slurp(self.root .. "/" .. file)
end

--- Apache's way of starting anew: what is under way is finished by the old workers.
function foreign:restart()
  os.execute("kill -USR1 " .. assert(self:read("pid"):match "%d+"))
end

return foreign

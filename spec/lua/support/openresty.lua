--- Debian's nginx with its Lua module for specs: a master and two workers on loopback, in clear, with a folder of their own; and what they call,
-- an emulator in a process of its own. Both end with the spec, also when that is killed: what starts them waits for a pipe from here to close.
local json = require "gitdev.json"
local process = require "spec.lua.support.process"
local server = require "spec.lua.support.server"

local first_line, slurp, write = server.first_line, server.slurp, server.write

local openresty = {}
openresty.__index = openresty

openresty.await, openresty.free_port = server.await, server.free_port

local MODULES = "/usr/lib/nginx/modules"

local CONFIGURATION = [[
load_module @MODULES@/ndk_http_module.so;
load_module @MODULES@/ngx_http_lua_module.so;
@USER@
worker_processes @WORKERS@;
worker_shutdown_timeout 60s;
daemon off;
pid nginx.pid;
error_log error.log notice;
@ENV@
@MAIN@
events { worker_connections 4096; }
http {
  access_log off;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  lua_package_path "@PATH@;;";
  lua_package_cpath "@CPATH@;;";
  default_type text/plain;
  @TRUST@
  @HTTP@
  server {
    listen 127.0.0.1:@PORT@ backlog=4096;
    @SERVER@
  }
}
]]

-- Runs as long as its standard input is open.
local KEEPER = [[
cd %s
%s >%s 2>&1 &
child=$!
cat >/dev/null
kill -TERM $child 2>/dev/null
wait $child
rm -rf %s
]]

local function exists(path)
  local file = io.open(path, "rb")
  return file ~= nil and file:close() and true
end

-- What nginx's workers load: this build's modules for LuaJIT, and the Lua files of this work tree.
local function build()
  return first_line("cd " .. process.quote(os.getenv "GITDEV_BUILD" or "build") .. " && pwd")
end

--- The program, or nil and what to say of it.
function openresty.find()
  local path = first_line "PATH=$PATH:/usr/sbin command -v nginx"
  local core = build() .. "/lib/lua/5.1/gitdev/core.so"
  if not path then
    return nil, "nginx is not installed (Debian's package nginx)"
  elseif not exists(MODULES .. "/ngx_http_lua_module.so") then
    return nil, "nginx has no Lua (Debian's package libnginx-mod-http-lua)"
  elseif not exists(core) then
    return nil, "there are no modules for LuaJIT (Debian's package libluajit2-5.1-dev)"
  elseif slurp(core):find("__asan_init", 1, true) then
    return nil, "nginx knows nothing of the address sanitizer that the modules are built with"
  end
  return path
end

local function keep(directory, command, output)
  return assert(io.popen(KEEPER:format(process.quote(directory), command, output, process.quote(directory)), "w"))
end

-- ---- the emulator ----

local emulator = {}
emulator.__index = emulator

function emulator:stop()
  self.keeper:close()
end

-- A request to its control plane, by curl: what it answers, decoded.
local function control(self, path, body)
  local words = body and " -d " .. process.quote(assert(json.encode(body))) or ""
  local url = self.url:gsub("/v2$", "/_emulator" .. path)
  local status, out = process.run("curl -s --cacert " .. process.quote(self.ca_file) .. words .. " " .. process.quote(url))
  assert(status == 0, "the emulator's control plane does not answer")
  return out ~= "" and assert(json.decode(out), out) or nil
end

--- Injects a fault: see docs/emulator.md.
function emulator:fault(fault)
  control(self, "/faults", fault)
end

--- The requests that it has seen, the last thousand.
function emulator:requests()
  return control(self, "/requests").requests
end

--- Starts an emulator. `options`: words of `gitdev emulator`. Returns { url, api_key, ca_file, pid; stop() }; its url names localhost.
function openresty.emulator(options)
  local root = server.folder "openresty"
  local output = root .. "/output"
  local host = first_line("readlink -f " .. process.quote(process.host))
  local keeper = keep(root, process.quote(host) .. " emulator " .. (options or ""), output)
  local line = openresty.await("the emulator says where it is", function()
    return slurp(output):match "^([^\n]*)\n"
  end)
  local self = setmetatable(assert(json.decode(line), line), emulator)
  self.keeper, self.root = keeper, root
  return self
end

-- ---- nginx ----

local function environment(variables)
  local names, words = {}, { "env" }
  for name, value in pairs(variables) do
    names[#names + 1] = "env " .. name .. ";"
    words[#words + 1] = process.quote(name .. "=" .. value)
  end
  return table.concat(names, "\n"), table.concat(words, " ")
end

local function fill_in(self, options, names)
  local root = first_line "pwd"
  local words = {
    MODULES = MODULES,
    USER = first_line "id -u" == "0" and "user root;" or "",
    WORKERS = tostring(options.workers or 2),
    ENV = names,
    MAIN = options.main or "",
    PATH = root .. "/lua/?.lua;" .. root .. "/lua/?/init.lua;" .. root .. "/?.lua",
    CPATH = build() .. "/lib/lua/5.1/?.so",
    TRUST = options.trust and "lua_ssl_trusted_certificate " .. options.trust .. ";" or "",
    HTTP = options.http or "",
    PORT = tostring(self.port),
    SERVER = options.server or "",
  }
  local text = CONFIGURATION:gsub("@(%u+)@", function(word)
    return words[word]
  end)
  return (text:gsub("%%ROOT%%", function()
    return self.root
  end))
end

--- Starts one. `options`: server, http, main: directives, in which %ROOT% is its folder; workers (2); trust: the file of authorities; env: variables
-- by name, which the workers have too; emulator: one of openresty.emulator(), from which env and trust are taken.
function openresty.start(options)
  local self = setmetatable({ root = server.folder "openresty", port = openresty.free_port(), options = options }, openresty)
  local variables = {}
  for name, value in pairs(options.env or {}) do
    variables[name] = value
  end
  local upstream = options.emulator
  if upstream then
    variables.GIT_API_KEY, variables.GIT_API_URL = variables.GIT_API_KEY or upstream.api_key, variables.GIT_API_URL or upstream.url
    options.trust = options.trust or upstream.ca_file
  end
  local names, words = environment(variables)
  self.configuration = function()
    return fill_in(self, options, names)
  end
  write(self.root .. "/nginx.conf", self.configuration())
  local command = words .. " " .. process.quote((assert(openresty.find()))) .. ' -p "$PWD/" -c nginx.conf -e error.log'
  self.keeper = keep(self.root, command, "output")
  openresty.await("nginx runs, or has failed", function()
    return self:errors():find("[emerg]", 1, true) or self:master() and #self:workers() == (options.workers or 2)
  end)
  self.url = "http://127.0.0.1:" .. self.port
  assert(self:master(), self:errors())
  return self
end

--- Stops it; nothing of it is left.
function openresty:stop()
  self.keeper:close()
end

function openresty:errors()
  return slurp(self.root .. "/error.log")
end

--- The text of a file in its folder.
function openresty:file(name)
  return slurp(self.root .. "/" .. name)
end

--- The master's pid, once it is there.
function openresty:master()
  return slurp(self.root .. "/nginx.pid"):match "^(%d+)"
end

--- The pids of the workers that run now; those that are on their way out are not among them.
function openresty:workers()
  return server.workers(self:master())
end

--- Has the configuration read again, with other `options` if they are given: new workers take over, the old ones end what they have begun.
function openresty:reload(options)
  for name, value in pairs(options or {}) do
    self.options[name] = value
  end
  write(self.root .. "/nginx.conf", self.configuration())
  os.execute("kill -HUP " .. self:master())
end

--- A request, by curl: the status, 0 without an answer, and the body. `more`: further words of curl's command line.
function openresty:get(path, more)
  local mark = "\n--status "
  local _, out = process.run(
    string.format("curl -s --max-time 60 -w '%s%%{http_code}' %s %s", mark:gsub("\n", "\\n"), more or "", process.quote(self.url .. path))
  )
  local body, status = out:match "^(.*)\n%-%-status (%d+)$"
  return tonumber(status) or 0, body or out
end

--- Posts a text; the location is likely to run it as Lua. Returns the status and the body.
function openresty:post(path, text)
  local file = process.file(text)
  local status, body = self:get(path, "--data-binary @" .. file)
  os.remove(file)
  return status, body
end

--- Many requests at once, by curl: a path with a range in it, such as /call?[1-1000]. Returns how often each status came, and the whole output.
function openresty:get_many(path, width)
  local config = string.format(
    "curl -s -Z --parallel-immediate --parallel-max %d --max-time 120 -w '%%{http_code}\\n' -o /dev/null %s",
    width,
    process.quote(self.url .. path)
  )
  local _, out = process.run(config)
  local count = {}
  for status in out:gmatch "(%d%d%d)\n" do
    count[tonumber(status)] = (count[tonumber(status)] or 0) + 1
  end
  return count, out
end

return openresty

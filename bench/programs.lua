-- The programs that make the same calls: the floors, bare Lua, the SDK, and the other clients that this machine has.
--
-- Each is { name, label, version, note, one, many }: one(way) gives the words of the command that makes one call after another over
-- HTTP/1.1, many(way) those that keep several under way over HTTP/2; nil where it cannot.
--   way = { url, calls, warm_up, at_once, body, headers }
local meter = require "meter"

local programs = {}

--- `first` and the words after it, in a new list.
function programs.words(first, ...)
  local argv = { table.unpack(first) }
  for _, word in ipairs { ... } do
    argv[#argv + 1] = tostring(word)
  end
  return argv
end

local words = programs.words

--- What a shell command prints; nil where there is no such command, or it fails.
function programs.output(command)
  local code, _, text = meter.run { "sh", "-c", "exec 2>/dev/null; PATH=$PATH:/usr/sbin; " .. command }
  return code == 0 and text:match "^%s*(.-)%s*$" or nil
end

local function floor(program, ca_file)
  return function(way)
    local argv = words({ program, ca_file, way.url .. "/deployments" }, way.calls, way.warm_up)
    if way.at_once > 1 then
      argv = words(argv, way.at_once)
    end
    return words(argv, way.body, table.unpack(way.headers))
  end
end

-- All but the floors are told the server by the environment, and the rest as CALLS WARM_UP AT_ONCE HEADER…
local function told(...)
  local first = { ... }
  return function(way)
    local argv = words({ "env", "GIT_API_URL=" .. way.url }, table.unpack(first))
    return words(words(argv, way.calls, way.warm_up, way.at_once), table.unpack(way.headers))
  end
end

--- The floors, bare Lua and the SDK.
function programs.own(build, ca_file)
  local host = build .. "/bin/gitdev"
  return {
    floor = { name = "floor", label = "libcurl from C (the floor)", one = floor(build .. "/bench/floor", ca_file),
      many = floor(build .. "/bench/floor_multi", ca_file) },
    bare = { name = "bare", label = "libcurl from Lua (bare)", one = told("lua5.4", "bench/bare/create.lua"),
      many = told("lua5.4", "bench/bare/create_many.lua") },
    sdk = { name = "sdk", label = "gitdev", one = told(host, "bench/sdk/create.lua"),
      many = told(host, "bench/sdk/create_many.lua") },
  }
end

-- Debian puts lua-http where Lua 5.1 to 5.3 look; it runs on 5.4 as well.
local LUA_HTTP = "LUA_PATH=" .. os.getenv "LUA_PATH" .. ";/usr/share/lua/5.1/?.lua;/usr/share/lua/5.1/?/init.lua"

-- `version` is a shell command that prints a version where the client can be run, `many_version` one that `many` needs besides.
-- One that `compiles` while it runs needs more calls to warm up; one that is `slow` makes fewer at once.
local function all_others(build)
  local go = build .. "/bench/go-create"
  local node_version = "node -e 'fetch; console.log(process.versions.node)'"
  local httpx = { "/usr/bin/python3", "bench/others/httpx/create.py" }
  local lua_http = { LUA_HTTP, "lua5.4", "bench/others/lua-http/create.lua" }
  return {
    { name = "go", label = "Go net/http", one = told(go), many = told(go),
      version = ("GO111MODULE=off GOCACHE=%s/bench/go-cache go build -o %s bench/others/go/create.go && go env GOVERSION | tr -d go")
        :format(build, go) },
    { name = "fetch", label = "Node fetch", one = told("node", "bench/others/node/fetch.mjs"), version = node_version, compiles = true,
      note = "It does not speak HTTP/2." },
    { name = "node-https", label = "Node https", one = told("node", "bench/others/node/https.mjs"), version = node_version, compiles = true },
    { name = "node-http2", label = "Node http2", many = told("node", "bench/others/node/http2.mjs"), version = node_version, compiles = true },
    { name = "httpx", label = "Python httpx", one = told(table.unpack(httpx)),
      many = told(table.unpack(httpx)), slow = true,
      note = "TCP_NODELAY is set on its connection: this version leaves it unset, and then each call waits for a delayed " ..
        "acknowledgement.",
      version = "/usr/bin/python3 -c 'import httpx, platform; print(httpx.__version__, \"on Python\", platform.python_version())'",
      many_version = "/usr/bin/python3 -c 'import h2'" },
    { name = "lua-http", label = "lua-http",
      note = "Its `http.request` opens a connection for each call, so the streams of one connection are used, a floor below it.",
      one = told(table.unpack(lua_http)), many = told(table.unpack(lua_http)),
      version = ("env '%s' lua5.4 -e 'require \"http.client\" print(require \"http.version\".version)'"):format(LUA_HTTP) },
    { name = "luasocket", label = "LuaSocket, LuaSec",
      note = "Its `ssl.https` opens a connection for each call, so `socket.http` is given one that stays open. It checks the " ..
        "certificate's chain, not the name in it.",
      one = told("lua5.4", "bench/others/luasocket/create.lua"),
      version = "lua5.4 -e 'print((require \"socket\"._VERSION:gsub(\"%a+ \", \"\")) .. \", \" .. require \"ssl\"._VERSION)'" },
  }
end

--- The other clients that can be run here, and a list of what cannot, in words.
function programs.others(build)
  local present, absent = {}, {}
  for _, client in ipairs(all_others(build)) do
    client.version = programs.output(client.version)
    if not client.version then
      absent[#absent + 1] = client.label .. ", which is not on this machine"
    else
      present[#present + 1] = client
      if client.many_version and not programs.output(client.many_version) then
        client.many = nil
        absent[#absent + 1] = client.label .. " over HTTP/2, which is not on this machine"
      end
    end
  end
  return present, absent
end

return programs

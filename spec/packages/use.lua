-- Uses the modules as any program does: a world of its own, a call that is made, one that fails, and the C modules, each of the version of this Lua.
-- Run by each Lua, with what was installed and nothing else. The arguments are where each module must have come from.
local gitdev = require "gitdev"
local safe = require "gitdev.safe"
local core, net = require "gitdev.core", require "gitdev.net"

local function loaded_from(prefix)
  local maps, found = assert(io.open "/proc/self/maps"), {}
  for line in maps:lines() do
    local path = line:match "(/%S*/gitdev/%w+%.so)$"
    found[path or ""] = path
  end
  maps:close()
  local count = 0
  for _, path in pairs(found) do
    assert(path:sub(1, #prefix) == prefix, path .. " was loaded, which is not below " .. prefix)
    count = count + 1
  end
  return count
end

require("gitdev.test").world():run(function()
  local git = gitdev.client()
  local deployment = git.deployments:create { project = "my-app", branch = "main" }
  assert(deployment:wait().status == "live" and deployment.url == "https://my-app.git.dev")
  local nothing, err = safe.client().projects:get "no-such-project"
  assert(nothing == nil and err.status == 404)
end)
assert(type(require("gitdev.git")) == "table")
assert(loaded_from(assert(arg[1], "say where the modules are")) == 3, "not all of core, net and git were loaded from files")
print(("%s: gitdev %s, libcurl %s"):format(type(rawget(_G, "jit")) == "table" and _G.jit.version or _VERSION, core.version, net.curl_version()))

-- The driver of nginx: calls over its own sockets, so that no worker is ever blocked. It is the default one where `ngx` is; libcurl is not loaded.
-- See gitdev.driver.curl for what a driver is.
local engine = require "gitdev.driver.nginx.engine"
local errors = require "gitdev.error"
local loop = require "gitdev.loop"

local NO_CA_FILE = "ca_file: nginx trusts what its directive lua_ssl_trusted_certificate names: put the file there, and leave ca_file out."

local NO_KEY = "there is no API key: pass api_key to gitdev.client, or let the workers have the environment variable GIT_API_KEY by the line"
  .. ' "env GIT_API_KEY;" at the top of nginx.conf: nginx clears its environment.'

-- 1022001 is 1.22.1.
local function version(number)
  return string.format("%d.%d.%d", math.floor(number / 1000000), math.floor(number / 1000) % 1000, number % 1000)
end

local nginx = {
  perform = engine.perform,
  start = engine.start,
  await = engine.await,
  resume = engine.resume,
  cancel = engine.cancel,
  close = engine.cancel_all,
  sleep = loop.sleep,
  now = loop.now,
  isatty = function()
    return false
  end,
  supplies = "driver",
  --- Nobody looks at a worker's stderr while it waits.
  progress = "off",
  no_key = NO_KEY,
  own_trust = true,
}

function nginx.open(call, pool)
  local sock, rest = engine.open(call, pool)
  return sock and require("gitdev.driver.nginx.socket").of(sock, rest)
end

function nginx.ending()
  return require("gitdev.driver.nginx.socket").ending()
end

function nginx.agent()
  local nginx_version, lua = ngx.config.nginx_version, ngx.config.ngx_lua_version
  return string.format("nginx/%s; ngx_lua/%s", version(nginx_version), version(lua))
end

--- What is wrong with a client's options here, or nil; the file of the environment, GIT_CA_FILE, is left aside, as it is for other programs.
function nginx.refuses(given)
  return given.ca_file and NO_CA_FILE
end

---This driver with connections of its own, which clients of the other name, or of none, do not use: for where lua_ssl_trusted_certificate is not
---what it is elsewhere in the worker.
---@param name string
---@return table driver
function nginx.apart(name)
  if type(name) ~= "string" or name == "" or name:find "%c" then
    errors.misuse { code = "parameter_invalid", param = "name", message = 'apart takes a name: driver.apart "internal".' }
  end
  local driver = setmetatable({}, { __index = nginx })
  for _, how in ipairs { "perform", "start", "open" } do
    driver[how] = function(call)
      return nginx[how](call, name)
    end
  end
  return driver
end

return nginx

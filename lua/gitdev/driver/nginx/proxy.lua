-- Which proxy leads to a host, by the environment, as for all programs: https_proxy, all_proxy, no_proxy, in small or in capital letters. In
-- nginx each needs its line, `env https_proxy;`, since nginx clears its environment.
local no_proxy = require "gitdev.driver.nginx.no_proxy"

local proxy = {}

-- What libcurl takes where the URL names no port.
local USUAL_PORT = 1080

local function variable(name)
  local value = os.getenv(name) or os.getenv(name:upper())
  return value ~= "" and value or nil
end

local function decode(text)
  return (text:gsub("%%(%x%x)", function(hex)
    return string.char(tonumber(hex, 16))
  end))
end

---Whether a host is this machine's own: no proxy leads there.
---@param host string  IPv6 in brackets
---@return boolean
function proxy.is_loopback(host)
  return host == "localhost" or host:find "^127%.%d+%.%d+%.%d+$" ~= nil or host:find "^%[[0:]*:0*1%]$" ~= nil
end

---The proxy that leads to a host.
---@param host string
---@return table|nil  { host, port, name: without a password, authorization: a header's value or nil }; nil: the way is direct
---@return string|nil problem  what is wrong with what the environment says; it holds no password
function proxy.of(host)
  local url = not proxy.is_loopback(host) and (variable "https_proxy" or variable "all_proxy")
  if not url or no_proxy.names(variable "no_proxy" or "", host) then
    return nil
  end
  local scheme, rest = url:match "^(%w+)://(.*)$"
  if scheme and scheme:lower() ~= "http" then
    return nil, "the proxy of the environment (https_proxy) speaks " .. scheme:lower() .. ", and nginx's sockets speak http alone"
  end
  local authority = (rest or url):match "^[^/?#]*"
  local userinfo, place = authority:match "^(.*)@([^@]*)$"
  place = place or authority
  local name, port = place:match "^(%[[%x:.]+%])(.*)$"
  if not name then
    name, port = place:match "^([^:]+)(.*)$"
  end
  port = port == "" and USUAL_PORT or tonumber((port or ""):match "^:(%d+)$")
  if not name or not port or port > 65535 then
    return nil, "the proxy of the environment (https_proxy) is no URL of a proxy, such as http://proxy.example:3128"
  end
  return {
    host = name,
    port = port,
    name = name .. ":" .. port,
    authorization = userinfo and "Basic " .. ngx.encode_base64(decode(userinfo)) or nil,
  }
end

return proxy

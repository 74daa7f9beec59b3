-- Where nginx lets Lua wait for the network, and where it does not.
local errors = require "gitdev.error"

local phase = {}

local FINE = {
  access = true,
  content = true,
  preread = true,
  rewrite = true,
  server_rewrite = true,
  ssl_cert = true,
  ssl_client_hello = true,
  ssl_session_fetch = true,
  timer = true,
}

local ADVICE = {
  init = "make the calls in the first request, or in a timer that init_worker_by_lua starts (ngx.timer.at)",
  init_worker = "make them in a timer (ngx.timer.at(0, function() … end))",
  log = "make them in a timer (ngx.timer.at(0, function() … end))",
}
local ELSEWHERE = "make them in rewrite_by_lua, access_by_lua, content_by_lua or a timer"

---Raises a config_error where nginx does not let Lua wait: before anything is sent.
---@param what string  what would have waited
function phase.check(what)
  local now = ngx.get_phase()
  if not FINE[now] then
    errors.misuse {
      type = "config_error",
      code = "nginx_phase",
      message = string.format("%s cannot wait for the network in nginx's phase %s: %s.", what, now, ADVICE[now] or ELSEWHERE),
    }
  end
end

return phase

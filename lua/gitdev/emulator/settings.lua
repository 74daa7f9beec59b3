-- What an emulator is made with: the options of emulator.new, checked and filled up.
local dns = require "gitdev.emulator.domains.dns"
local limits = require "gitdev.api.limits"

local settings = {}

local function report(text)
  io.stderr:write("gitdev emulator: ", text, "\n")
end

local DEFAULTS = {
  plan = "enterprise",
  rate_limit = true,
  auto_create_projects = false,
  build_ms = 2400,
  branches = { "main", "develop" },
  quotas = {},
  dns = { ["www.example.com"] = { CNAME = { "my-app.git.dev" } } },
  on_error = report,
}
local OPTIONAL = { clock = true, deliver = true, repositories = true, seed = true, state = true }

--- Whether it is a number from 0, and finite.
function settings.is_number(value)
  return type(value) == "number" and value >= 0 and value < math.huge
end

local function are_quotas(value)
  for _, limit in pairs(type(value) == "table" and value or { false }) do
    if not settings.is_number(limit) then
      return false
    end
  end
  return true
end

--- The options, with the defaults for those that were not given. Raises, at the caller of emulator.new, if they make no sense.
function settings.of(given)
  local options = {}
  for name, value in pairs(DEFAULTS) do
    options[name] = value
  end
  for name, value in pairs(given) do
    if DEFAULTS[name] == nil and not OPTIONAL[name] then
      error(('emulator.new has no option "%s"'):format(tostring(name)), 3)
    end
    options[name] = value
  end
  if type(options.clock) ~= "function" then
    error("emulator.new needs clock: a function that returns Unix seconds", 3)
  elseif not limits.plans[options.plan] then
    error(('emulator.new: there is no plan "%s"; there are starter, pro, enterprise'):format(tostring(options.plan)), 3)
  elseif not settings.is_number(options.build_ms) then
    error("emulator.new: build_ms must be a number of milliseconds from 0, got " .. tostring(options.build_ms), 3)
  elseif options.deliver ~= nil and type(options.deliver) ~= "function" then
    error("emulator.new: deliver must be a function, got a " .. type(options.deliver), 3)
  elseif options.repositories ~= nil and (type(options.repositories) ~= "string" or options.repositories == "") then
    error("emulator.new: repositories must be the path of a folder", 3)
  elseif not are_quotas(options.quotas) then
    error("emulator.new: quotas must be a table of numbers from 0, such as { projects = 3 }", 3)
  end
  local answers, problem = dns.read(options.dns)
  if not answers then
    error("emulator.new: dns: " .. problem, 3)
  end
  return options
end

return settings

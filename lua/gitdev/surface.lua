-- What `require "gitdev"` and `require "gitdev.safe"` give: the same names in two styles.
local client = require "gitdev.client"
local compat = require "gitdev.compat"
local core = require "gitdev.core"
local errors = require "gitdev.error"
local json = require "gitdev.json"
local limits = require "gitdev.api.limits"
local object = require "gitdev.object"

local surface = {}

-- What is loaded when it is first asked for: the event loop needs libcurl, which not every program does.
local LAZY = {
  all = { "gitdev.scope", "all" },
  now = { "gitdev.loop", "now" },
  race = { "gitdev.scope", "race" },
  run = { "gitdev.loop", "run" },
  sleep = { "gitdev.loop", "sleep" },
  spawn = { "gitdev.loop", "spawn" },
  step = { "gitdev.loop", "step" },
  timeout = { "gitdev.scope", "timeout" },
}

-- Likewise; what these are depends on the style: their modules make them of `finish`.
local STYLED = { store = "gitdev.store", warm = "gitdev.warm", webhooks = "gitdev.webhooks" }

local function known_names(gitdev)
  local names = {}
  for name in pairs(gitdev) do
    names[#names + 1] = name
  end
  for _, lazy in ipairs { LAZY, STYLED } do
    for name in pairs(lazy) do
      names[#names + 1] = rawget(gitdev, name) == nil and name or nil
    end
  end
  table.sort(names)
  return names
end

local function lookup(gitdev, key, finish)
  local lazy, styled = LAZY[key], STYLED[key]
  local value = lazy and require(lazy[1])[lazy[2]] or styled and require(styled).new(finish)
  if value then
    gitdev[key] = value
    return value
  elseif type(key) == "string" and key:sub(1, 1) ~= "_" then
    errors.misuse { message = "gitdev has no " .. key .. require("gitdev.nearest").hint(key, known_names(gitdev)) }
  end
  return nil
end

---@param safe boolean
---@return table gitdev
function surface.new(safe)
  local finish = safe and client.returning or client.raising
  local gitdev = {
    ---The SDK's version.
    VERSION = core.version,
    ---The version of the API that it is written for.
    API_VERSION = limits.version,
    null = json.null,
    array = json.array,
    raw = object.raw,
    answer = object.answer,
    is_error = errors.is,
    hint = errors.hint,
    ---pcall, inside which a task can wait: in every Lua but plain 5.1 it is pcall.
    pcall = compat.pcall,
  }
  ---Makes a client.
  ---@param options? gitdev.ClientOptions
  function gitdev.client(options)
    return finish(client.new(options, safe))
  end
  return setmetatable(gitdev, {
    __index = function(self, key)
      return lookup(self, key, finish)
    end,
  })
end

return surface

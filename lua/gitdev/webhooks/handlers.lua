-- Which function handles an event: what stands in the table `on` of gitdev.webhooks.serve, and how one is run.
local compat = require "gitdev.compat"
local core = require "gitdev.core"
local errors = require "gitdev.error"
local loop = require "gitdev.loop"
local nearest = require "gitdev.nearest"
local schema = require "gitdev.schema"
local scope = require "gitdev.scope"

local handlers = {}
handlers.__index = handlers

-- What a key of `on` may be: an event type of the tables, the family of one, or "*".
local function known_names()
  local names, seen = { "*" }, {}
  for _, kind in ipairs(schema.events()) do
    local family = kind:match "^(.*%.)" .. "*"
    if not seen[family] then
      seen[family] = true
      names[#names + 1] = family
    end
    names[#names + 1] = kind
  end
  return names
end

local function is_one_of(name, names)
  for _, known in ipairs(names) do
    if known == name then
      return true
    end
  end
  return false
end

local function check_row(name, fn, known)
  if type(name) ~= "string" or not is_one_of(name, known) then
    local text = ("on has no event type %s"):format(type(name) == "string" and '"' .. name .. '"' or tostring(name))
    local near = type(name) == "string" and nearest.of(name, known)
    text = text .. (near and (': did you mean "%s"?'):format(near) or " (gitdev help events lists them; deployment.* is a family, * is all).")
    errors.misuse { code = "unknown_event_type", param = "on", message = text }
  elseif type(fn) ~= "function" then
    local text = ("on[%q] must be a function that takes the event, got a %s."):format(name, type(fn))
    errors.misuse { code = "invalid_type", param = "on", message = text }
  end
end

---@param on any  the option
---@return table handlers
function handlers.new(on)
  if type(on) ~= "table" or next(on) == nil then
    errors.misuse {
      code = "parameter_missing",
      param = "on",
      message = 'on must say what handles which event: on = { ["deployment.completed"] = function(event) … end }; "*" is every event.',
    }
  end
  local known, by_name = known_names(), {}
  for name, fn in pairs(on) do
    check_row(name, fn, known)
    by_name[name] = fn
  end
  return setmetatable({ by_name = by_name }, handlers)
end

---The function for a type: its own, else that of its family, else that of "*". One event is handled by one function, so that when it
---fails nothing that has succeeded is done again.
---@param kind string
---@return function|nil
function handlers:pick(kind)
  local by_name, family = self.by_name, kind:match "^(.*%.)"
  return by_name[kind] or family and by_name[family .. "*"] or by_name["*"]
end

---Runs a function as a task below the present one, with an end to it, and all that it spawns with it.
---@param run table     `run.task` is the task while it runs, for those who cancel it
---@param seconds number
---@return table task   which is over
---@return boolean ok
---@return any ...      what it returned, or raised
function handlers.perform(run, seconds, fn, ...)
  local one = loop.spawn(scope.timeout, seconds, fn, ...)
  local function settle(...)
    run.task = nil
    return one, ...
  end
  run.task = one
  return settle(compat.pcall(one.wait, one))
end

---Runs a handler so.
---@return boolean ok
---@return any err        what it raised
---@return string|nil traceback
function handlers.attempt(run, seconds, fn, ...)
  local one, ok, err = handlers.perform(run, seconds, fn, ...)
  local traceback = not ok and one:where() or nil
  return ok, err, traceback and traceback:match "^(.-)\n%[the task" or traceback -- what is below are these functions
end

---What an error says. A handler may raise anything, also what raises when it is looked at.
---@param err any
---@return string
function handlers.text_of(err)
  local ok, text = pcall(function()
    local said = type(err) == "table" and not errors.is(err) and rawget(err, "message")
    return tostring(type(said) == "string" and said or err)
  end)
  return ok and type(text) == "string" and core.redact(text) or "an error that says nothing, a " .. type(err)
end

return handlers

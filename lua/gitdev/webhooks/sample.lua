-- Events made up from the contract's tables, for trying out who receives them: every type, with each field of its data, and single fields set
-- from texts as a command line has them.
local core = require "gitdev.core"
local json = require "gitdev.json"
local limits = require "gitdev.api.limits"
local nearest = require "gitdev.nearest"
local same = require "gitdev.same"
local schema = require "gitdev.schema"

local sample = {}

-- What fields of these names hold; of an array, the items.
local VALUES = {
  project = "my-app",
  url = "https://my-app.git.dev",
  branch = "main",
  default_branch = "main",
  duration_ms = 2400,
  repository = "my-app",
  after = ("b"):rep(40),
  before = ("a"):rep(40),
  sha = ("b"):rep(40),
  commit_sha = "9fceb02d0ae598e95dc970b74767f19372d61af8",
  message = "It exited with 1.",
  summary = "A dependency has a known vulnerability",
  key = "NODE_ENV",
  keys = "feature",
  domains = "www.example.com",
  events = "*",
  prefix = "gsk_test_ab12",
  cancel_reason = "user",
  pull_request = 7,
  number = 1,
  attempt = 1,
  version = 3,
  total_commits = 1,
}

-- The same for one object's events, or one type, before the above.
local SPECIAL = {
  job = { name = "build", failure_code = "exit_code" },
  repository = { name = "Ada Lovelace", email = "ada@example.com", message = "Fix the login page" },
  domain = { name = "www.example.com", status = "active", code = "dns_mismatch", message = "The record leads elsewhere." },
  certificate = { code = "challenge_failed", message = "The name servers do not answer.", not_after = 90 * 86400 },
  edge_function = { name = "hello", status = "active", code = "startup_error", message = "The module throws when it is loaded." },
  preview = { status = "live" },
  edge_config = { name = "settings" },
  api_key = { name = "CI" },
  security_alert = { name = "left-pad", version = "1.2.0", vulnerable_range = "< 1.3.0", fixed_version = "1.3.0", ecosystem = "npm" },
  webhook = { url = "https://example.com/hooks" },
  ["deployment.deleted"] = { status = "canceled" },
  ["deployment.rolled_back"] = { reason = "The new version fails." },
  ["preview.created"] = { status = "queued", url = "https://my-app--feature.git.dev", branch = "feature" },
  ["project.updated"] = { changed = "production_branch" },
}

-- Nullable fields that have a value in events of these types, or of any; otherwise they are null.
local FILLED = {
  { "duration_ms" }, { "commit_sha" }, { "project" }, { "project_id" }, { "cancel_reason" }, { "not_after" }, { "pull_request" },
  { "reason" }, { "package" }, { "previous_deployment_id" }, { "repository_id" },
  { "changed", "^project%.updated$" },
  { "failure", "%.failed$" },
  { "failure_code", "%.failed$" },
  { "error", "%.failed$" },
  { "error", "%.misconfigured$" },
}

local ID_CHARS = 12
local ID_OF = "^%s_" .. ("[0-9a-z]"):rep(ID_CHARS) .. "$"

local function is_filled(kind, name)
  for _, row in ipairs(FILLED) do
    if row[1] == name and kind:find(row[2] or ".") then
      return true
    end
  end
  return false
end

-- Where the thing is once this has happened to it, by its state machine: `status`, or what the machine's field is called.
local function state_of(event, name)
  local states = schema.object(event.object).states
  if not states or states.field ~= name then
    return nil
  end
  for _, row in ipairs(states.transitions) do
    for _, kind in ipairs(row.events or {}) do
      if kind == event.type then
        return row.to
      end
    end
  end
  return nil
end

local function known_value(event, name)
  for _, values in ipairs { SPECIAL[event.type] or {}, SPECIAL[event.object] or {}, VALUES } do
    if values[name] ~= nil then
      return values[name]
    end
  end
  return nil
end

local value_of

local function data_of(event, fields, now, inner)
  local data = {}
  for _, node in ipairs(fields) do
    if inner or not node.nullable or is_filled(event.type, node.name) then
      data[node.name] = value_of(event, node, node.name, now)
    end
  end
  return data
end

-- A value of one kind; `known` is what is usual under its name.
local KINDS = {
  str = function(_, _, name, _, known)
    return known or (name:find "url$" and "https://my-app.git.dev") or name
  end,
  int = function(_, node, _, now, known)
    return node.unit == "ts" and now + (known or 0) or known or 1
  end,
  bool = function(_, node)
    return node.default == true
  end,
  id = function(_, node)
    return node.prefix .. "_" .. core.random_id(ID_CHARS)
  end,
  enum = function(event, node, name, _, known)
    return state_of(event, name) or known or node.values[1]
  end,
  array = function(event, node, name, now)
    return json.array { value_of(event, node.item, name, now) }
  end,
  object = function(event, node, _, now)
    return data_of(event, node.fields or schema.object(node.object).fields, now, true)
  end,
}

function value_of(event, node, name, now)
  if node.const ~= nil then
    return node.const
  end
  return KINDS[node.kind](event, node, name, now, known_value(event, name))
end

-- ---- setting ----

local function shown(list)
  return table.concat(list, ", ")
end

local function unknown(what, name, names)
  local near = nearest.of(name, names)
  return nil, ('%s has no field "%s"%s'):format(what, name, near and (': did you mean "%s"?'):format(near) or ": it has " .. shown(names) .. ".")
end

-- The value that a text has as this field, or nil and what it should be. Lists of plain things may be written "a,b"; all else as JSON.
local function read(node, text)
  if node.kind == "array" and not text:find "^%s*%[" and node.item.kind ~= "object" then
    local list = json.array {}
    for part in text:gmatch "[^,]+" do
      list[#list + 1] = schema.read(node.item, part)
    end
    return list
  elseif node.kind == "array" or node.kind == "object" then
    local value = json.decode(text)
    local is_table = type(value) == "table" and value ~= json.null
    return is_table and json.table_kind(value) == node.kind and value or nil, "a JSON " .. node.kind
  end
  local value = schema.read(node, text)
  return value, node.kind == "int" and "a whole number" or "true or false"
end

local function fields_of(node)
  return node.kind == "object" and (node.fields or schema.object(node.object).fields) or nil
end

-- Gives the objects in what was read as JSON the fields that it leaves out.
local function complete(event, node, value, name, now)
  if type(value) ~= "table" or value == json.null then
    return value
  elseif node.kind == "array" then
    for index, item in ipairs(value) do
      value[index] = complete(event, node.item, item, name, now)
    end
  elseif node.kind == "object" and json.table_kind(value) == "object" then
    for _, field in ipairs(fields_of(node)) do
      local given = value[field.name]
      value[field.name] = given == nil and value_of(event, field, field.name, now) or complete(event, field, given, field.name, now)
    end
  end
  return value
end

local function assign(event, holder, key, node, path, text, now)
  if text == "null" and node.nullable then
    holder[key] = nil
    return true
  end
  local value, wanted = read(node, text)
  if value == nil then
    return nil, ("%s must be %s, got %s."):format(path, wanted, text)
  elseif node.kind == "id" and not text:find(ID_OF:format(node.prefix)) then
    return nil, ("%s must be an id such as %s_8x9y7z6w5v4u, got %s."):format(path, node.prefix, text)
  elseif node.const ~= nil and value ~= node.const then
    return nil, ("%s is always %s here."):format(path, tostring(node.const))
  end
  holder[key] = complete(event, node, value, path:match "[^.]*$", now)
  return true
end

-- Walks down one step of a path. Returns the holder and key of the next one and its node, or nil and a sentence.
local function step(event, holder, node, part, what, now)
  if node.kind == "array" then
    local index = part:find "^%d+$" and tonumber(part) + 1 or nil
    if not index or index > #holder + 1 then
      return nil, ("%s is a list of %d: say %s.0 for its first item, %s.%d for one more."):format(what, #holder, what, what, #holder)
    end
    holder[index] = holder[index] or value_of(event, node.item, what:match "[^.]*$", now)
    return index, node.item
  end
  local fields = fields_of(node)
  if not fields then
    return nil, ("%s is a single value, and has no fields."):format(what)
  end
  local found = fields.by_name[part]
  if not found then
    return unknown(what, part, fields.names)
  end
  return part, found
end

-- Sets what a dotted path names: "status", "failure.code", "commits.0.message". What stands on the way is made if it is null.
local function set(event, data, path, text, now)
  local holder, node, what = data, { kind = "object", fields = event.fields }, event.type
  local parts = {}
  for part in path:gmatch "[^.]+" do
    parts[#parts + 1] = part
  end
  for place, part in ipairs(parts) do
    local key, found = step(event, holder, node, part, what, now)
    if not key then
      return nil, found
    elseif place == #parts then
      return assign(event, holder, key, found, path, text, now)
    end
    if holder[key] == nil then
      holder[key] = value_of(event, found, part, now)
    end
    holder, node, what = holder[key], found, place == 1 and part or what .. "." .. part
  end
  return nil, ('"%s" names no field: it is a path such as project or failure.code.'):format(path)
end

-- ---- the whole ----

local ENVELOPE = {
  id = function(text)
    return text:find(ID_OF:format "evt") and text, "an id such as evt_8x9y7z6w5v4u"
  end,
  timestamp = function(text)
    return text:find "^%d+$" and #text <= 12 and tonumber(text), "Unix seconds"
  end,
}

local function set_one(event, made, path, text, now)
  local check = ENVELOPE[path]
  if check then
    local value, wanted = check(text)
    made[path] = value or nil
    return value and true, ("%s must be %s, got %s."):format(path, wanted, text)
  end
  return set(event, made.data, path:gsub("^data%.", ""), text, now)
end

---The fault of data by the tables, if there is one.
local function fault_of(event, data)
  local first
  schema.check(event.fields, data, nil, function(_, _, message)
    first = first or message
  end)
  return first
end

---Makes an event of a type, as it would be delivered: ids are new, times are now.
---@param kind string  say "deployment.completed"
---@param sets? { [1]: string, [2]: string }[]  what to set, in order: { path, text }; the path is one of `data`, or `id` or `timestamp`
---@param now? integer  Unix seconds
---@return table|nil event  id, type, timestamp, data, and `body`, the exact text
---@return string|nil problem  a sentence
function sample.event(kind, sets, now)
  local event = schema.event(kind)
  if not event then
    local near = nearest.of(kind, schema.events())
    return nil, ('there is no event type "%s"%s'):format(kind, near and (': did you mean "%s"?'):format(near) or " (gitdev help events lists them).")
  end
  now = now or math.floor(core.time())
  local made = { id = "evt_" .. core.random_id(ID_CHARS), type = kind, timestamp = now }
  made.data = data_of(event, event.fields, now)
  for _, pair in ipairs(sets or {}) do
    local ok, problem = set_one(event, made, pair[1], pair[2], now)
    if not ok then
      return nil, problem
    end
  end
  local fault = fault_of(event, made.data)
  if fault then
    return nil, fault
  end
  made.body = sample.body(made)
  if #made.body > limits.webhook.body_bytes then
    return nil, ("The body is %d bytes long, and an event's has at most %d."):format(#made.body, limits.webhook.body_bytes)
  end
  return made
end

-- The tables know the order of the fields, but not what a later version adds: then nothing is left out, and the order is another.
local function data_text(event)
  local known = schema.event(event.type)
  local ok, text = pcall(schema.encode, known and known.fields or {}, event.data)
  if known and ok and same(json.read(text), event.data) then
    return text
  end
  return assert(json.encode(event.data))
end

---An event as the text that is delivered (contract 4.1): compact, the four keys in their order.
---@param event table  id, type, timestamp, data
---@return string
function sample.body(event)
  return ('{"id":%s,"type":%s,"timestamp":%s,"data":%s}'):format(json.quote(event.id), json.quote(event.type),
    json.number(event.timestamp), data_text(event))
end

return sample

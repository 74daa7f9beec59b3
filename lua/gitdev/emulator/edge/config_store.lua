--- What an edge config holds (contract 2.12). `private.items` of a config is its items by key, `private.sorted` a list of them in the keys' order,
-- made when somebody asks for it. What the config tells about its items, their number, their size, its version, is kept true here; its
-- digest is worked out when it is asked for.
local core = require "gitdev.core"
local json = require "gitdev.json"
local limits = require "gitdev.api.limits"
local refusal = require "gitdev.emulator.refusal"

local EVENT_KEYS_MAX = 50

-- Whoever reads JSON reads 64 levels, and a list of items puts three around a value.
local DEPTH_MAX = 61

local config_store = {}

-- ---- values ----

local function is_deeper(value, levels)
  if type(value) ~= "table" then
    return false
  elseif levels == 0 then
    return true
  end
  for _, inner in pairs(value) do
    if is_deeper(inner, levels - 1) then
      return true
    end
  end
  return false
end

--- Refuses, with 422, a value that is nested too deep. `param`: the field to blame.
function config_store.check_depth(value, param)
  if is_deeper(value, DEPTH_MAX) then
    local message = ("%s must not be nested deeper than %d levels."):format(param, DEPTH_MAX)
    refusal.unprocessable { { code = "parameter_invalid", param = param, message = message } }
  end
end

--- Refuses, with 413, what would not fit. `param`: the field to blame.
function config_store.check_size(size, param)
  if size > limits.edge_config_bytes then
    local message = "The store would hold %d bytes of keys and values; at most %d are allowed."
    refusal.raise("payload_too_large", { param = param, message = message:format(size, limits.edge_config_bytes) })
  end
end

local function size_of(key, text)
  return #key + #text
end

--- The bytes that `items` (key -> value) count for.
function config_store.size(items)
  local size = 0
  for key, value in pairs(items) do
    size = size + size_of(key, assert(json.encode(value)))
  end
  return size
end

-- ---- reading ----

--- The item of that key, or nil.
function config_store.find(config, key)
  return config.private.items[key]
end

-- The first place in a list of items whose key is not below `key`.
local function place(list, key)
  local low, high = 1, #list + 1
  while low < high do
    local middle = math.floor((low + high) / 2)
    if list[middle].key < key then
      low = middle + 1
    else
      high = middle
    end
  end
  return low
end

local function sorted(config)
  local private = config.private
  if not private.sorted then
    private.sorted = {}
    for index, key in ipairs(json.keys(private.items)) do
      private.sorted[index] = private.items[key]
    end
  end
  return private.sorted
end

--- The items whose keys begin with `prefix` (nil: all of them), in the keys' order.
function config_store.list(config, prefix)
  local all = sorted(config)
  if not prefix or prefix == "" then
    return all
  end
  local found, at = {}, place(all, prefix)
  while all[at] and all[at].key:sub(1, #prefix) == prefix do
    found[#found + 1] = all[at]
    at = at + 1
  end
  return found
end

--- Brings the digest up to date: that of the keys and values as one canonical JSON object. Returns the config.
function config_store.settle(tenant, config)
  if config.private.stale then
    local parts = {}
    for index, item in ipairs(sorted(config)) do
      parts[index] = json.quote(item.key) .. ":" .. item.private.text
    end
    tenant:set(config, { digest = core.sha256("{" .. table.concat(parts, ",") .. "}") })
    config.private.stale = nil
  end
  return config
end

-- ---- writing ----

-- A new item goes on counting where deleted ones ended: a version that somebody has read never comes back with another value.
local function add_item(tenant, config, key, value)
  local private = config.private
  local item = {
    object = "edge_config_item",
    key = key,
    value = value,
    version = (private.last_deleted or 0) + 1,
    updated_at = tenant:seconds(),
    private = { text = assert(json.encode(value)) },
  }
  private.items[key] = item
  if private.sorted then
    table.insert(private.sorted, place(private.sorted, key), item)
  end
  return item
end

-- Records a write of `keys`, which changed the number of items and their size by so much.
local function written(tenant, config, keys, count, bytes)
  config.private.stale = true
  tenant:set(config, {
    item_count = config.item_count + count,
    size_bytes = config.size_bytes + bytes,
    version = config.version + 1,
    updated_at = tenant:seconds(),
  })
  tenant:emit("edge_config.updated", config, { keys = keys })
end

--- Fills a new config (version 0, nothing in it), which is its version 1.
function config_store.fill(tenant, config, items)
  local keys, first = json.keys(items), {}
  for index, key in ipairs(keys) do
    add_item(tenant, config, key, items[key])
    first[index] = index <= EVENT_KEYS_MAX and key or nil
  end
  if keys[1] then
    written(tenant, config, first, #keys, config_store.size(items))
  else
    config.private.stale = true
    tenant:set(config, { version = 1 })
  end
end

local function change_item(tenant, item, value, text)
  item.value, item.version, item.updated_at = value, item.version + 1, tenant:seconds()
  item.private = { text = text }
end

--- Sets a key. `item`: the one that has it, or nil. Returns the item; the same value again is no write.
function config_store.set(tenant, config, item, key, value)
  local text = assert(json.encode(value))
  local before = item and item.private.text
  if before == text then
    return item
  end
  local growth = size_of(key, text) - (before and size_of(key, before) or 0)
  config_store.check_size(config.size_bytes + growth, "value")
  if item then
    change_item(tenant, item, value, text)
  else
    item = add_item(tenant, config, key, value)
  end
  written(tenant, config, { key }, before and 0 or 1, growth)
  return item
end

--- Deletes an item.
function config_store.delete(tenant, config, item)
  local private = config.private
  private.items[item.key] = nil
  if private.sorted then
    table.remove(private.sorted, place(private.sorted, item.key))
  end
  private.last_deleted = math.max(private.last_deleted or 0, item.version)
  written(tenant, config, { item.key }, -1, -size_of(item.key, item.private.text))
end

return config_store

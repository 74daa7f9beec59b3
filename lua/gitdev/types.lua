-- Reads the contract's type notation into nodes. A node: `kind` (str int bool json enum id ref array map object), `nullable`, and by kind
-- `values` (enum: a list of strings or of integers), `prefix` (id, ref; a list of them where things of several kinds will do), `item` (array),
-- `value` (map), `fields` or `object` (an object, inline or by name), `unit` (an int that is "ts", Unix seconds, or "ms", milliseconds).
local types = {}

local BASIC = {
  str = { kind = "str" },
  int = { kind = "int" },
  bool = { kind = "bool" },
  json = { kind = "json" },
  ts = { kind = "int", unit = "ts" },
  ms = { kind = "int", unit = "ms" },
}

-- What a field's row may say besides its name and type, and which node takes it: the field itself, the array or map (`outer`), or the
-- value at the bottom (`leaf`).
local ATTRIBUTES = {
  required = "field",
  default = "field",
  write_only = "field",
  repeatable = "field",
  const = "field",
  private = "field",
  optional = "field",
  null = "field",
  doc = "field",
  min_items = "outer",
  max_items = "outer",
  key_format = "outer",
  key_max = "outer",
  max_bytes = "outer",
  min = "leaf",
  max = "leaf",
  format = "leaf",
}

local function enum(text)
  local values, integers = {}, true
  for word in text:gmatch("[^|]+") do
    values[#values + 1] = word
    integers = integers and word:find("^%d+$") ~= nil
  end
  if integers then
    for i, word in ipairs(values) do
      values[i] = tonumber(word)
    end
  end
  return { kind = "enum", values = values, integers = integers }
end

-- "dep", or of "dep|job" the list.
local function prefixes(text)
  return text:find("|", 1, true) and enum(text).values or text
end

local function bare(text)
  local basic = BASIC[text]
  if basic then
    return { kind = basic.kind, unit = basic.unit }
  end
  local kind, prefix = text:match("^(%l+)<(%l[%l|]*%l)>$")
  if (kind == "id" or kind == "ref") and not prefix:find("||", 1, true) then
    return { kind = kind, prefix = prefixes(prefix) }
  elseif text:find("^%[.+%]$") then
    return { kind = "array", item = types.parse(text:sub(2, -2)) }
  elseif text:find("^{str:.+}$") then
    return { kind = "map", value = types.parse(text:sub(6, -2)) }
  elseif text:find("|", 1, true) and not text:find("[^%w_|%-]") then
    return enum(text)
  elseif text:find("^%l[%l_]*$") then
    return { kind = "object", object = text }
  end
  error("unknown type in the contract's tables: " .. text)
end

---Reads a type, say `"{str:str?}"`.
---@param text string
---@return table node
function types.parse(text)
  local inner = text:match("^(.+)%?$")
  local node = bare(inner or text)
  node.nullable = inner ~= nil
  return node
end

local function leaf(node)
  while node.item or node.value do
    node = node.item or node.value
  end
  return node
end

-- A row of a table as a node that also has the field's name and attributes.
local function field(row, label)
  local node
  if type(row[2]) == "table" then
    node = { kind = "object", fields = types.fields(row[2], label .. "." .. row[1]) }
  else
    node = types.parse(row[2])
  end
  node.name = row[1]
  node.nullable = node.nullable or row.null == true
  for key, value in pairs(row) do
    local place = ATTRIBUTES[key]
    if place == "leaf" then
      leaf(node)[key] = value
    elseif place then
      node[key] = value
    elseif key ~= 1 and key ~= 2 then
      error("unknown attribute " .. tostring(key) .. " of " .. label .. "." .. row[1])
    end
  end
  return node
end

---Reads an ordered field list. The result is the list of nodes, with `by_name`, `names`, and the `label` that messages name it by.
---@param rows table[]
---@param label string
---@return table fields
function types.fields(rows, label)
  local fields = { by_name = {}, names = {}, label = label }
  for i, row in ipairs(rows) do
    local node = field(row, label)
    fields[i], fields.by_name[node.name], fields.names[i] = node, node, node.name
  end
  return fields
end

return types

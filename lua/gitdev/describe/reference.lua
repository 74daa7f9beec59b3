-- The parts of the reference: what is said of an operation, an object, a state machine, an event, an error. One source for the pages of
-- docs/reference (gitdev.describe.pages) and for `gitdev help` (gitdev.describe.topics); each writes it in its own way.
local calls = require "gitdev.describe.calls"
local error_groups = require "gitdev.api.errors"
local examples = require "gitdev.describe.examples"
local schema = require "gitdev.schema"
local words = require "gitdev.describe.words"

local reference = {}

local function link(topic, text)
  return { to = topic, text = text or topic }
end

-- ---- fields ----

local function with_limits(node)
  local parts, limits = {}, words.limits(node)
  for i, part in ipairs(words.type(node)) do
    parts[i] = part
  end
  if limits[1] then
    parts[#parts + 1] = "; " .. table.concat(limits, "; ")
  end
  return parts
end

local function no_need(node)
  return node.optional and "in some answers" or ""
end

-- Rows of a field list; those of an object inside it that has no name follow it, under its name.
local function field_rows(fields, type_of, need_of, rows, above)
  rows, above = rows or {}, above or ""
  for _, node in ipairs(fields) do
    rows[#rows + 1] = { name = above .. node.name, type = type_of(node), need = need_of(node), words = node.doc or "" }
    local inner = node
    while inner.item or inner.value do
      inner = inner.item or inner.value
    end
    if inner.fields then
      field_rows(inner.fields, type_of, need_of, rows, above .. node.name .. ".")
    end
  end
  return rows
end

-- ---- operations ----

local function add_forms(lines, operation)
  lines[#lines + 1] = calls.text(operation)
  lines[#lines + 1] = operation.paginated and calls.text(operation, "each") or nil
  for _, method in ipairs(calls.methods_of(operation)) do
    lines[#lines + 1] = method.text
  end
end

local function request_line(operation)
  local text = words.code(operation.method .. " " .. operation.path)
  if operation.public then
    text = text .. "; any key may, a public one too"
  elseif operation.scope then
    text = text .. "; scope " .. words.code(words.scope(operation.scope))
  end
  text = text .. (operation.free and "; not counted by the rate limit" or "")
  return text .. (operation.since and "; since " .. operation.since or "") .. "."
end

-- What stands for a path parameter.
local function path_type(node)
  local object = node.prefix and words.object_of(node.prefix) or node.object and schema.object(node.object)
  local text = node.prefix and words.plain(words.type(node)) or node.kind == "int" and "integer" or "text"
  if object and calls.is_thing(object.name) then
    text = text .. ", or the " .. words.spaced(object.name) .. " itself"
  end
  return text .. (node.greedy and "; it may have slashes in it" or "")
end

local function path_sentence(operation)
  local parts = {}
  for i, node in ipairs(operation.path_params) do
    parts[i] = words.code(node.name) .. ": " .. path_type(node) .. "."
  end
  return table.concat(parts, " ")
end

local function returned(operation)
  local status = words.series(operation.status, "or")
  if operation.paginated then
    return { "Returns a ", link("lists", "page"), " of ", link(operation.returns, words.spaced(operation.returns) .. "s"), "." }
  elseif operation.kind == "download" then
    return { "Returns a ", link("downloads", "download"), ": bytes." }
  elseif operation.kind == "stream" then
    local text = " of its messages; `logs` with `follow` is one of lines alone."
    return { "Opens a WebSocket (" .. status .. "). Returns a ", link("following", "stream"), text }
  elseif not operation.returns then
    return { "Returns `true` (" .. status .. ")." }
  end
  local text = { "Returns ", link(operation.returns, words.one(operation.returns)) }
  if operation.with then
    text[#text + 1] = " with its " .. words.series(words.codes(operation.with), "and")
  end
  text[#text + 1] = " (" .. status .. ")."
  return text
end

local function error_rows(operation)
  local rows = {}
  for i, row in ipairs(operation.errors or {}) do
    local known = schema.error(row[2])
    rows[i] = { tostring(row[1]), link(row[2], words.code(row[2])), known and known.hint or "" }
  end
  return rows
end

---Says of an operation all there is to say.
---@param doc table  a document
---@param op string
function reference.operation(doc, op)
  local operation, forms = schema.operation(op), {}
  add_forms(forms, operation)
  if forms[1] then
    doc:code(table.concat(forms, "\n"), "lua")
  end
  doc:text(operation.doc)
  local facts = { request_line(operation) .. " " }
  for _, part in ipairs(returned(operation)) do
    facts[#facts + 1] = part
  end
  doc:text(facts)
  if operation.path_params[1] then
    doc:text(path_sentence(operation))
  end
  local rows = field_rows(calls.fields(operation) or {}, with_limits, words.need)
  if rows[1] then
    doc:label "fields"
    doc:fields("field", rows)
  end
  local errors = error_rows(operation)
  if errors[1] then
    doc:label "errors"
    doc:table({ "status", "error", "what to do" }, errors)
  end
  local example = examples.of(op)
  if example then
    doc:label("example", true)
    doc:code(example, "lua")
  end
end

---Rows for a table of operations: the name, the request, the sentence.
---@param operations string[]
---@param short? boolean  without the request
---@return table[]
function reference.operation_rows(operations, short)
  local rows = {}
  for i, op in ipairs(operations) do
    local operation = schema.operation(op)
    rows[i] = { link(op, words.code(op)), operation.doc }
    if not short then
      table.insert(rows[i], 2, words.code(operation.method .. " " .. operation.path))
    end
  end
  return rows
end

-- ---- objects ----

---Says of an object what its fields and methods are.
---@param doc table
---@param name string
function reference.object(doc, name)
  local object, methods = schema.object(name), {}
  doc:text(object.doc)
  for i, method in ipairs(calls.methods(name)) do
    methods[i] = words.code(method.name)
  end
  if methods[1] then
    doc:text("Its methods: " .. words.series(methods, "and") .. ".")
  end
  -- What only stands inside others is written by requests too: there its limits and defaults matter.
  local rows = object.embedded and field_rows(object.fields, with_limits, words.need) or field_rows(object.fields, words.type, no_need)
  doc:fields("field", rows)
end

-- ---- state machines ----

local function keyed(list)
  return table.concat(list, "\0")
end

-- Rows that differ in one column alone become one.
local function merge(rows, column, key_of)
  local merged, by_key = {}, {}
  for _, row in ipairs(rows) do
    local key = key_of(row)
    local earlier = by_key[key]
    if earlier then
      for _, value in ipairs(row[column]) do
        if not ("\0" .. keyed(earlier[column]) .. "\0"):find("\0" .. value .. "\0", 1, true) then
          table.insert(earlier[column], value)
        end
      end
    else
      merged[#merged + 1], by_key[key] = row, row
    end
  end
  return merged
end

local function transitions(machine)
  local rows = {}
  for i, row in ipairs(machine.transitions) do
    rows[i] = { from = { row.from or "–" }, to = row.to, on = { words.spaced(row.on) }, events = row.events or {} }
  end
  rows = merge(rows, "on", function(row)
    return keyed { row.from[1], row.to, keyed(row.events) }
  end)
  return merge(rows, "from", function(row)
    return keyed { keyed(row.on), row.to, keyed(row.events) }
  end)
end

local function code_or_dash(values)
  return values[1] == "–" and "–" or table.concat(words.codes(values), ", ")
end

local function event_links(kinds)
  local parts = {}
  for i, kind in ipairs(kinds) do
    parts[#parts + 1] = i > 1 and ", " or nil
    parts[#parts + 1] = link(kind, words.code(kind))
  end
  return parts
end

-- What a wait makes of the statuses in which things rest.
local function ends(object)
  local good, bad, all = {}, {}, {}
  for _, status in ipairs(require("gitdev.json").keys(object.states.terminal)) do
    local list = object.states.terminal[status] == "ok" and good or bad
    list[#list + 1], all[#all + 1] = words.code(status), words.code(status)
  end
  if not all[1] then
    return "It has no last status."
  end
  local text = "It comes to rest as " .. words.series(all, "or") .. "."
  for _, method in ipairs(calls.methods(object.name)) do
    if method.name == "wait" and not method.op then
      text = text .. " `wait` returns"
        .. (good[1] and " when it is " .. words.series(good, "or") or " never")
        .. (bad[1] and ", and raises " .. words.code(object.states.error) .. " when it is " .. words.series(bad, "or") or "")
        .. "."
    end
  end
  return text
end

---Says how an object goes from one status to another.
---@param doc table
---@param name string
function reference.states(doc, name)
  local object, rows = schema.object(name), {}
  for i, row in ipairs(transitions(object.states)) do
    rows[i] = { code_or_dash(row.from), words.code(row.to), table.concat(row.on, ", "), event_links(row.events) }
  end
  doc:text(ends(object))
  doc:table({ "from", "to", "on", "events" }, rows)
end

-- ---- events ----

---Says of an event what its data is.
---@param doc table
---@param kind string
function reference.event(doc, kind)
  local event = schema.event(kind)
  doc:text(event.doc)
  doc:text {
    "An event has `id`, `type`, `timestamp` and `data`; it is about ",
    link(event.object, words.one(event.object)),
    event.family and ', and of the family "' .. event.family .. '".' or ".",
  }
  doc:label "data"
  doc:fields("field of data", field_rows(event.fields, words.type, no_need))
end

local function data_names(event)
  local list = {}
  for i, node in ipairs(event.fields) do
    list[i] = words.code(node.name) .. (node.const ~= nil and " (" .. words.code(node.const) .. ")" or "")
  end
  return table.concat(list, ", ")
end

-- The fields of events' data that the object does not have, each once.
local function own_data(kinds)
  local fields, seen = {}, {}
  for _, kind in ipairs(kinds) do
    local event = schema.event(kind)
    local object = schema.object(event.object)
    for _, node in ipairs(event.fields) do
      local known = object.fields.by_name[node.name] or node.name == event.object .. "_id" or node.const ~= nil
      if not known and not seen[node.name] then
        fields[#fields + 1], seen[node.name] = node, true
      end
    end
  end
  return fields
end

---Says of several events, of one kind of thing or of some, when they happen and what their data is.
---@param doc table
---@param kinds string[]
function reference.events(doc, kinds)
  local rows, alike = {}, true
  for i, kind in ipairs(kinds) do
    local event = schema.event(kind)
    rows[i] = { words.code(kind), event.doc, data_names(event) }
    alike = alike and rows[i][3] == rows[1][3]
  end
  doc:table({ "event", "when", not alike and "data, in order" or nil }, rows)
  if alike then
    doc:text("Their data, in order: " .. rows[1][3] .. ".")
  end
  local own = own_data(kinds)
  if own[1] then
    doc:text "In data a name means what it means in the object. Besides:"
    doc:fields("field of data", field_rows(own, words.type, no_need))
  end
end

-- ---- errors ----

local function adds(known)
  return known.fields and table.concat(words.codes(known.fields.names), ", ") or ""
end

-- Rows of a type's codes: code, status, what it adds to the error (not in `short` ones), what to do.
local function code_rows(group, short)
  local rows = {}
  for i, row in ipairs(group.codes or {}) do
    local known = schema.error(row[1])
    rows[i] = { words.code(row[1]), words.series(known.statuses, "or"), known.hint or group.hint or "" }
    if not short then
      table.insert(rows[i], 3, adds(known))
    end
  end
  return rows
end

---Says of every error type what to do about it, and what codes it has.
---@param doc table
---@param head string[]  of the tables: three columns leave out what the codes add
function reference.errors(doc, head)
  for _, group in ipairs(error_groups) do
    doc:heading(2, group.type)
    doc:text((group.hint or "") .. (group.origin == "client" and " Made by the SDK itself." or ""))
    doc:table(head, code_rows(group, #head == 3))
  end
end

---Says of an error code, or of an error's type, what it means and which operations have it of their own.
---@param doc table
---@param name string
function reference.error(doc, name)
  local known = schema.error(name)
  if known.code then
    doc:text("An error code of the type " .. words.code(known.type) .. "; status " .. words.series(known.statuses, "or") .. ".")
  else
    doc:text("An error's type" .. (known.origin == "client" and ", made by the SDK itself." or "."))
  end
  if known.hint then
    doc:text(known.hint)
  end
  if known.fields then
    doc:text("The error has more fields: " .. adds(known) .. ".")
  end
  local operations = {}
  for _, op in ipairs(schema.operations()) do
    for _, row in ipairs(known.code and schema.operation(op).errors or {}) do
      if row[2] == name and operations[#operations] ~= op then
        operations[#operations + 1] = op
      end
    end
  end
  if operations[1] then
    doc:label "operations that have it"
    doc:table({ "", "" }, reference.operation_rows(operations, true))
  end
end

return reference

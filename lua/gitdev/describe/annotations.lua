-- LuaCATS annotations of all that programs meet, for editors: `gitdev types`, lua/gitdev/types.d.lua. What the contract says comes from its
-- tables, what the SDK adds from gitdev.describe.classes.
local calls = require "gitdev.describe.calls"
local classes = require "gitdev.describe.classes"
local luacats = require "gitdev.describe.luacats"
local schema = require "gitdev.schema"
local words = require "gitdev.describe.words"

local annotations = {}

local HEAD = [[
---@meta gitdev
-- The types of the SDK, for editors. Made from the API's tables: do not edit, run `./dev docs`.
--
-- What is said of gitdev holds for gitdev.safe too; there a call that fails in the world returns nil and the error instead of raising it.]]

local SAFE_ERROR = { "err", "gitdev.Error|nil", "From gitdev.safe alone, beside nil." }

-- The four that the platform's own sample of an event has: only they are certain to be in an event's data (contract 4.2).
local PAGE_FIELDS = { project = true, status = true, url = true, duration_ms = true }

-- ---- field lists ----

local function sentence(text)
  return text and (text:find "[%.!?]$" and text or text .. ".") or ""
end

local function capital(text)
  return (text:gsub("^%l", string.upper))
end

-- What an answer's field says of itself.
local function answer_words(node)
  local unit = node.unit == "ts" and " Unix seconds." or ""
  return sentence(node.doc) .. unit
end

-- What a request's field says of itself: its limits, and what it is when it is left out.
local function request_words(node)
  local text = answer_words(node)
  local limits = words.limits(node)
  if limits[1] then
    text = text .. " " .. capital(table.concat(limits, "; ")) .. "."
  end
  if node.default ~= nil then
    text = text .. " Default: " .. words.code(words.literal(node.default)) .. "."
  end
  return text
end

local function is_optional_answer(node)
  return node.optional == true
end

local function is_optional_request(node)
  return not node.required
end

local function is_optional_event(node)
  return not PAGE_FIELDS[node.name]
end

-- Types that say more than the tables' own.
local FINER = {
  ["gitdev.Event"] = { type = "gitdev.EventType|string", data = "table" },
}

-- Writes a class of a field list, after those of the objects inside it that have no name of their own. `one` has: name, words, fields; parent, a
-- class; request, whether programs give such a table; optional(node), which fields may be absent; known(node), the class that there is of an
-- object inside it already, if any.
local function write_fields(self, one)
  local nested, context = {}, { request = one.request }
  function context.class(node)
    if node.object then
      return one.request and "gitdev.fields." .. node.object or luacats.class_of(node.object)
    elseif one.known and one.known(node) then
      return one.known(node)
    end
    nested[#nested + 1] = node
    return one.name .. "." .. node.name
  end
  local optional = one.optional or one.request and is_optional_request or is_optional_answer
  local rows = luacats.rows(one.fields, context, optional, one.request and request_words or answer_words)
  for _, node in ipairs(nested) do
    write_fields(self, { name = one.name .. "." .. node.name, fields = node.fields, request = one.request })
  end
  for i, node in ipairs(one.fields) do
    rows[i][2] = FINER[one.name] and FINER[one.name][node.name] or rows[i][2]
  end
  self.page:class(one.name, one.words, rows, one.parent)
end

-- ---- what there is ----

-- The named objects that a field list mentions.
local function each_object(fields, visit)
  local function look(node)
    if node.item or node.value then
      look(node.item or node.value)
    elseif node.kind == "object" and node.object then
      visit(node.object)
    elseif node.kind == "object" then
      each_object(node.fields, visit)
    end
  end
  for _, node in ipairs(fields or {}) do
    look(node)
  end
end

-- The objects that answers and events hold, and those that requests hold, each with all that they hold themselves.
local function survey()
  local answers, requests, listed = {}, {}, {}
  local function collector(set)
    local function visit(name)
      if not set[name] then
        set[name] = true
        each_object(schema.object(name).fields, visit)
      end
    end
    return visit
  end
  local answer, request = collector(answers), collector(requests)
  for _, op in ipairs(schema.operations()) do
    local operation = schema.operation(op)
    each_object(calls.fields(operation), request)
    if operation.returns then
      answer(operation.returns)
      listed[operation.returns] = listed[operation.returns] or operation.paginated
    end
  end
  for _, kind in ipairs(schema.events()) do
    each_object(schema.event(kind).fields, answer)
  end
  return answers, requests, listed
end

-- ---- operations ----

local function joined(list)
  return table.concat(list, ", ")
end

local function errors_of(operation)
  local list, seen = {}, {}
  for _, row in ipairs(operation.errors or {}) do
    local text = words.code(row[2])
    if not seen[text] then
      list[#list + 1], seen[text] = text, true
    end
  end
  return list
end

-- Two paragraphs: what it does; what it sends, and what it may fail with.
local function operation_words(operation)
  local facts = words.code(operation.method .. " " .. operation.path)
  if operation.scope then
    facts = facts .. ", scope " .. words.code(words.scope(operation.scope))
  end
  local errors = errors_of(operation)
  if errors[1] then
    facts = facts .. ". Errors of its own: " .. joined(errors)
  end
  return { sentence(operation.doc), facts .. "." }
end

-- A thing's type in answers: its class, but of an event one of those that its type may name.
local function class_of_thing(name)
  return name == "event" and "gitdev.AnyEvent" or luacats.class_of(name)
end

-- The type of what an operation returns, and its name: a page, the thing, or the thing with fields that only some answers have.
local function class_of_answer(operation)
  if operation.paginated then
    return luacats.class_of(operation.returns) .. "Page", "page"
  elseif operation.kind == "download" then
    return "gitdev.Download", "download"
  elseif operation.kind == "stream" then
    return "gitdev.LogStream", "stream"
  elseif not operation.returns then
    return "true", "done"
  end
  local name = class_of_thing(operation.returns)
  for _, field in ipairs(operation.with or {}) do
    name = name .. "With" .. luacats.pascal(field)
  end
  return name, operation.returns
end

local function path_rows(operation)
  local rows = {}
  for i, node in ipairs(operation.path_params) do
    rows[i] = { node.name, luacats.path_type(node) }
  end
  return rows
end

-- The arguments after the path: fields, options.
local function add_rest(rows, operation)
  local fields, required = calls.fields(operation)
  if fields then
    rows[#rows + 1] = { required and "fields" or "fields?", "gitdev.fields." .. operation.op }
  elseif operation.kind == "download" then
    rows[#rows + 1] = { "fields?", "gitdev.DownloadFields" }
  end
  rows[#rows + 1] = { "options?", "gitdev.CallOptions" }
  return rows
end

local function write_operation(self, owner, operation)
  local class, name = class_of_answer(operation)
  local text = operation_words(operation)
  self.page:fn(owner, {
    name = operation.name,
    words = text,
    parameters = add_rest(path_rows(operation), operation),
    returns = { { name, class }, SAFE_ERROR },
  }, true)
  if operation.paginated then
    self.page:fn(owner, {
      name = "each",
      words = { "Walks over all that " .. words.code(operation.op) .. " lists, page by page. It raises in both styles.", text[2] },
      parameters = add_rest(path_rows(operation), operation),
      returns = { { "iterator", "fun(): " .. class_of_thing(operation.returns) .. "|nil" } },
    }, true)
  end
end

local function write_request_class(self, operation)
  local fields = calls.fields(operation)
  if fields then
    local text = "Fields of " .. words.code(operation.op) .. "."
    write_fields(self, { name = "gitdev.fields." .. operation.op, words = text, fields = fields, request = true })
  end
end

local function write_group(self, group)
  local resource = schema.resource(group.name)
  local rows = {}
  for i, name in ipairs(group.groups) do
    rows[i] = { name, "gitdev.resource." .. group.name .. "." .. name }
  end
  self.page:class("gitdev.resource." .. group.name, resource and resource.doc, rows)
  if group.name == "rate_limit" then
    self.page:line "---@overload fun(): gitdev.KnownRateLimit"
  end
  local owner = self.page:holder("gitdev.resource." .. group.name)
  for _, op in ipairs(group.operations) do
    write_operation(self, owner, schema.operation(op))
  end
end

-- ---- things ----

local function waiter(object)
  local states = object.states
  local text = "Waits until it is at rest."
  if states.error then
    text = text .. " Raises " .. words.code(states.error) .. " if it comes to no good end, and a `timeout_error` when the time is over."
  end
  return {
    name = "wait",
    words = text,
    parameters = { { "options?", "gitdev.WaitOptions" } },
    returns = { { object.name, luacats.class_of(object.name) }, SAFE_ERROR },
  }
end

local FOLLOWING = "fun(self: %s, fields: gitdev.FollowFields, options?: gitdev.CallOptions): gitdev.LogLines, gitdev.Error|nil"

local function write_method(self, owner, object, method)
  if not method.op then
    self.page:fn(owner, waiter(object), true)
    return
  end
  local operation = schema.operation(method.op)
  local class, name = class_of_answer(operation)
  local text, parameters, overload = operation_words(operation), add_rest({}, operation), nil
  if method.name == "refresh" then
    text[1] = "Reads it anew, into the same table."
  elseif operation.kind == "stream" then -- of a thing without a log of its own
    text[1] = "Reads the logs of its jobs, one after the other, or follows them."
    class, name, parameters[1][2] = "gitdev.LogLines", "lines", "gitdev.RunLogFields"
  elseif method.follows then
    text[1] = text[1] .. " With `follow` it is a stream of the lines instead."
    overload = FOLLOWING:format(luacats.class_of(object.name))
  end
  local returns = { { name, class }, SAFE_ERROR }
  self.page:fn(owner, { name = method.name, words = text, parameters = parameters, returns = returns, overload = overload }, true)
end

local function never()
  return false
end

-- A thing with fields that only some operations' answers have.
local function write_fuller_classes(self, object)
  local done = {}
  for _, op in ipairs(schema.operations()) do
    local operation = schema.operation(op)
    local name = operation.with and operation.returns == object.name and class_of_answer(operation)
    if name and not done[name] then
      done[name] = true
      local fields = {}
      for i, field in ipairs(operation.with) do
        fields[i] = object.fields.by_name[field]
      end
      write_fields(self, { name = name, fields = fields, parent = luacats.class_of(object.name), optional = never })
    end
  end
end

local function write_object(self, name, listed)
  local object, class = schema.object(name), luacats.class_of(name)
  write_fields(self, { name = class, words = object.doc, fields = object.fields })
  local methods = calls.methods(name)
  if methods[1] then
    local owner = self.page:holder(class)
    for _, method in ipairs(methods) do
      write_method(self, owner, object, method)
    end
  end
  write_fuller_classes(self, object)
  if listed then
    self.page:class(class .. "Page", nil, {
      { "data", class_of_thing(name) .. "[]", "The things." },
      { "next", "fun(self: " .. class .. "Page): " .. class .. "Page|nil, gitdev.Error|nil", "The page after this one; nil when there is none." },
    }, "gitdev.Page")
  end
end

-- ---- events and errors ----

local function quoted(list)
  local out = {}
  for i, text in ipairs(list) do
    out[i] = '"' .. text .. '"'
  end
  return out
end

-- An object inside an event's data is often one that the thing has too.
local function class_in_object(object)
  return function(node)
    local own = object.fields.by_name[node.name]
    local same = own and own.fields and table.concat(own.fields.names, " ") == table.concat(node.fields.names, " ")
    return same and luacats.class_of(object.name) .. "." .. node.name or nil
  end
end

local function write_events(self)
  local union = {}
  for i, kind in ipairs(schema.events()) do
    local event = schema.event(kind)
    union[i] = "gitdev.event." .. kind
    self.page:class(union[i], event.doc, {
      { "type", '"' .. kind .. '"' },
      { "data", "gitdev.data." .. kind },
    }, "gitdev.Event")
    local name, known = "gitdev.data." .. kind, class_in_object(schema.object(event.object))
    write_fields(self, { name = name, fields = event.fields, optional = is_optional_event, known = known })
  end
  self.page:alias("gitdev.EventType", "The types of events.", quoted(schema.events()))
  self.page:alias("gitdev.AnyEvent", "Any of the events: its `type` says which.", union)
end

-- What errors have besides the usual: the fields of some codes, and the things that a wait was for.
local function error_extras()
  local rows = {}
  for _, code in ipairs(schema.error_codes()) do
    for _, node in ipairs(schema.error(code).fields or {}) do
      rows[#rows + 1] = { node.name .. "?", luacats.type(node, {}), "With the code " .. words.code(code) .. ". " .. sentence(node.doc) }
    end
  end
  for _, name in ipairs(schema.objects()) do
    for _, method in ipairs(calls.methods(name)) do
      if method.name == "wait" and not method.op then
        rows[#rows + 1] = { name .. "?", luacats.class_of(name), "What was waited for." }
      end
    end
  end
  return rows
end

-- ---- the SDK's own ----

local function write_class(self, class)
  local rows = {}
  for i, row in ipairs(class.fields) do
    rows[i] = row
  end
  for _, row in ipairs(class.name == "gitdev.Error" and error_extras() or {}) do
    rows[#rows + 1] = row
  end
  self.page:class(class.name, class.words, rows, class.parent)
  if class.call then
    self.page:line("---@overload " .. class.call)
  end
  if class.methods or class.functions then
    local owner = self.page:holder(class.name)
    for _, method in ipairs(class.methods or {}) do
      self.page:fn(owner, method, true)
    end
    for _, fn in ipairs(class.functions or {}) do
      self.page:fn(owner, fn, false)
    end
  end
end

local function write_client(self)
  local rows = {}
  for i, name in ipairs(schema.resources) do
    rows[i] = { name, "gitdev.resource." .. name, schema.resource(name).doc }
  end
  self.page:class("gitdev.Client", "A client: its fields are the resources.", rows)
  local owner = self.page:holder "gitdev.Client"
  for _, method in ipairs(classes.client_methods) do
    self.page:fn(owner, method, true)
  end
end

local function write_module(self)
  self.page:class("gitdev", 'What `require "gitdev"` gives.', classes.module_fields)
  local owner = self.page:holder "gitdev"
  for _, fn in ipairs(classes.module_functions) do
    self.page:fn(owner, fn, false)
  end
  self.page:line ""
  self.page:line("return " .. owner)
end

local function write_own(self)
  for _, row in ipairs(classes.aliases) do
    self.page:alias(row[1], row[3], { row[2] })
  end
  self.page:alias("gitdev.ErrorType", "The types of errors: those of the API, then the SDK's own.", quoted(schema.error_types()))
  self.page:alias("gitdev.ErrorCode", "The API's error codes.", quoted(schema.error_codes()))
  for _, class in ipairs(classes.list) do
    write_class(self, class)
  end
end

---The annotations, as the text of a file.
---@return string
function annotations.text()
  local self = { page = luacats.new() }
  local answers, requests, listed = survey()
  self.page:line(HEAD)
  write_own(self)
  for _, name in ipairs(schema.objects()) do
    if answers[name] then
      write_object(self, name, listed[name])
    end
    if requests[name] then
      local object = schema.object(name)
      write_fields(self, { name = "gitdev.fields." .. name, words = object.doc, fields = object.fields, request = true })
    end
  end
  write_events(self)
  for _, op in ipairs(schema.operations()) do
    write_request_class(self, schema.operation(op))
  end
  for _, group in ipairs(calls.groups()) do
    write_group(self, group)
  end
  write_client(self)
  write_module(self)
  return self.page:text()
end

return annotations

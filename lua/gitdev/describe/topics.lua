-- What `gitdev help` can be asked, and what it says.
local calls = require "gitdev.describe.calls"
local document = require "gitdev.describe.document"
local guide = require "gitdev.describe.guide"
local reference = require "gitdev.describe.reference"
local schema = require "gitdev.schema"
local words = require "gitdev.describe.words"

local topics = {}

local function with_title(title)
  return document.new():heading(1, title)
end

-- ---- kinds of topics: each makes the document, or nothing ----

local function operation(name)
  if not (schema.resource(name:match "^[%l_]*") and schema.operation(name)) then
    return nil
  end
  local doc = with_title(name)
  reference.operation(doc, name)
  return doc
end

local function add_events(doc, resource)
  local rows = {}
  for i, row in ipairs(resource.events or {}) do
    rows[i] = { row[1], row.doc }
  end
  if rows[1] then
    doc:label "events"
    doc:table({ "", "" }, rows)
  end
end

local function add_objects(doc, resource)
  for _, row in ipairs(resource.objects) do
    doc:heading(2, "the object " .. row.name)
    reference.object(doc, row.name)
  end
  for _, row in ipairs(resource.objects) do
    if schema.object(row.name).states then
      doc:heading(2, "states of " .. words.one(row.name))
      reference.states(doc, row.name)
    end
  end
end

-- A resource, or a group of operations below one.
local function resource(name)
  local own, operations = schema.resource(name), {}
  for _, group in ipairs(calls.groups()) do
    if group.name == name or group.name:sub(1, #name + 1) == name .. "." then
      for _, op in ipairs(group.operations) do
        operations[#operations + 1] = op
      end
    end
  end
  if not operations[1] then
    return nil
  end
  local doc = with_title(name)
  if own then
    doc:text(own.doc)
  end
  doc:label "operations"
  doc:table({ "", "" }, reference.operation_rows(operations, true))
  if own then
    add_objects(doc, own)
    add_events(doc, own)
  end
  if name == "events" then
    doc:label "all event types"
    doc:table({ "", "" }, topics.event_rows())
  end
  return doc
end

local function event(name)
  if not schema.event(name) then
    return nil
  end
  local doc = with_title(name)
  reference.event(doc, name)
  return doc
end

local function object(name)
  local known = schema.object(name)
  if not known then
    return nil
  end
  local doc = with_title(name)
  reference.object(doc, name)
  if known.states then
    doc:label "states"
    reference.states(doc, name)
  end
  return doc
end

local function fault(name)
  if not schema.error(name) then
    return nil
  end
  local doc = with_title(name)
  reference.error(doc, name)
  return doc
end

local function section(name)
  for _, one in ipairs(guide.sections) do
    if one.topic == name then
      local doc = with_title(one.topic)
      one.write(doc)
      return doc
    end
  end
  return nil
end

local function errors(name)
  if name ~= "errors" then
    return nil
  end
  local doc = with_title "errors"
  guide.implied(doc)
  reference.errors(doc, { "", "", "" })
  return doc
end

-- The first that knows a name has it: an object goes before an event or error of its name, a resource before its object.
local KINDS = { operation, resource, event, object, fault, section, errors }

-- ---- asking ----

---@return table[] rows
function topics.event_rows()
  local rows = {}
  for i, kind in ipairs(schema.events()) do
    rows[i] = { kind, schema.event(kind).doc }
  end
  return rows
end

-- What a thing is called: by its own name, or by that of its resource.
local function thing_of(name)
  if schema.object(name) then
    return name
  end
  for _, one in ipairs(schema.objects()) do
    if schema.object(one).home == name then
      return one
    end
  end
  return nil
end

-- A method of a thing, "deployment.cancel", is the operation that it calls; the walk over a list is the list.
local function method(name)
  local above, own = name:match "^([%l_%.]+)%.([%l_]+)$"
  if own == "each" and schema.operation(above .. ".list") then
    return above .. ".list"
  end
  local thing = above and thing_of(above)
  for _, one in ipairs(thing and calls.methods(thing) or {}) do
    if one.name == own then
      return one.op or "waiting"
    end
  end
  return nil
end

-- As it is written in a program: "git.deployments:create" is deployments.create.
local function normal(text)
  return (text:gsub("^git%.", ""):gsub(":", "."):gsub("%(.*$", ""))
end

---What there is to say of a topic: a document, or nil.
---@param text string
---@return table|nil
function topics.of(text)
  local name = normal(text)
  for _, find in ipairs(KINDS) do
    local doc = find(name)
    if doc then
      return doc
    end
  end
  return method(name) and topics.of(method(name))
end

---The list of resources, and what else can be asked.
---@return table
function topics.overview()
  local doc, rows = document.new(), {}
  for i, name in ipairs(schema.resources) do
    rows[i] = { name, schema.resource(name).doc }
  end
  doc:label "resources"
  doc:table({ "", "" }, rows)
  doc:label "more"
  doc:table({ "", "" }, {
    { "calls", "Calls: their arguments and options." },
    { "lists", "Lists: pages, and walks over all of them." },
    { "waiting", "Waiting: until a thing comes to rest." },
    { "following", "Following logs: lines as they are written." },
    { "downloads", "Downloads: operations whose answer is bytes." },
    { "scopes", "Scopes: what a key may be allowed." },
    { "errors", "Errors: their types and codes, and what to do about each." },
  })
  doc:text("`gitdev help NAME` says more: of a resource (deployments), an operation (deployments.create), an object (deployment), "
    .. "an event (deployment.completed) or an error code (invalid_state).")
  return doc
end

---All names that can be asked for.
---@return string[]
function topics.names()
  local names = { "errors" }
  local function add(list)
    for _, name in ipairs(list) do
      names[#names + 1] = name
    end
  end
  add(schema.resources)
  add(schema.operations())
  add(schema.objects())
  add(schema.events())
  add(schema.error_types())
  add(schema.error_codes())
  for _, one in ipairs(guide.sections) do
    names[#names + 1] = one.topic
  end
  for _, group in ipairs(calls.groups()) do
    names[#names + 1] = group.name
  end
  return names
end

return topics

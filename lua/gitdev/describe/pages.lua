-- The pages of docs/reference: one for each resource, an index, and one for the errors.
local calls = require "gitdev.describe.calls"
local document = require "gitdev.describe.document"
local examples = require "gitdev.describe.examples"
local guide = require "gitdev.describe.guide"
local markdown = require "gitdev.describe.markdown"
local reference = require "gitdev.describe.reference"
local schema = require "gitdev.schema"
local words = require "gitdev.describe.words"

local pages = {}

local INDEX, ERRORS = "README.md", "errors.md"
local MADE = "<!-- Made from the API's tables: do not edit, run ./dev docs. -->\n\n"

-- ---- where a topic is ----

local function object_heading(name)
  return "Object: " .. name
end

local function states_heading(name)
  return "States of " .. words.one(name)
end

local EVENTS_HEADING = "Events"

-- The page and the heading of each topic.
local function make_addresses()
  local at = {}
  for _, section in ipairs(guide.sections) do
    at[section.topic] = { INDEX, section.title }
  end
  for _, name in ipairs(schema.error_types()) do
    at[name] = { ERRORS, name }
  end
  for _, code in ipairs(schema.error_codes()) do
    at[code] = { ERRORS, schema.error(code).type }
  end
  for _, name in ipairs(schema.objects()) do
    at[name] = { schema.object(name).resource .. ".md", object_heading(name) }
  end
  for _, kind in ipairs(schema.events()) do
    at[kind] = { schema.event(kind).resource .. ".md", EVENTS_HEADING }
  end
  for _, op in ipairs(schema.operations()) do
    at[op] = { op:match "^[%l_]+" .. ".md", op }
  end
  return at
end

local addresses

-- How a page links to topics.
local function resolver(page)
  addresses = addresses or make_addresses()
  return function(topic)
    local at = addresses[topic]
    if not at then
      return topic:find "%.md$" and topic or nil
    end
    return (at[1] ~= page and at[1] or "") .. markdown.anchor(at[2])
  end
end

-- ---- pages ----

local function events_of(resource)
  local kinds = {}
  for _, row in ipairs(resource.events or {}) do
    kinds[#kinds + 1] = row[1]
  end
  return kinds
end

local function write_operations(doc, resource)
  local operations = {}
  for i, row in ipairs(resource.operations) do
    operations[i] = row.op
  end
  doc:table({ "operation", "request", "" }, reference.operation_rows(operations))
  for _, op in ipairs(operations) do
    doc:heading(2, op)
    reference.operation(doc, op)
  end
end

local function write_objects(doc, resource)
  for _, row in ipairs(resource.objects) do
    doc:heading(2, object_heading(row.name))
    reference.object(doc, row.name)
    if row.name == "event" then
      doc:text "What `data` holds follows from the `type`: see the table of all types below."
    end
  end
  for _, row in ipairs(resource.objects) do
    if schema.object(row.name).states then
      doc:heading(2, states_heading(row.name))
      reference.states(doc, row.name)
    end
  end
end

-- All event types there are, each with the resource whose page has more of it.
local function write_all_events(doc)
  local rows = {}
  for i, kind in ipairs(schema.events()) do
    local event = schema.event(kind)
    rows[i] = { { to = kind, text = words.code(kind) }, event.doc, event.family or "" }
  end
  doc:heading(2, "All event types")
  doc:table({ "event", "when", "family" }, rows)
end

local function resource_page(name)
  local resource, doc = schema.resource(name), document.new()
  doc:heading(1, name)
  doc:text(resource.doc)
  write_operations(doc, resource)
  write_objects(doc, resource)
  local kinds = events_of(resource)
  if kinds[1] then
    doc:heading(2, EVENTS_HEADING)
    reference.events(doc, kinds)
  end
  if name == "events" then
    write_all_events(doc)
  end
  return doc
end

local function group_names(resource)
  local list = {}
  for _, group in ipairs(calls.groups()) do
    if group.name:match "^[%l_]+" == resource and group.operations[1] then
      list[#list + 1] = words.code("git." .. group.name)
    end
  end
  return table.concat(list, ", ")
end

local function index_page()
  local doc, rows = document.new(), {}
  doc:heading(1, "Reference")
  doc:text("Every operation of the API, as it is called from Lua. `gitdev help deployments.create` prints the same in a terminal. "
    .. "Each example runs as it stands, against the emulator too, after these two lines:")
  doc:code(examples.PRELUDE, "lua")
  for i, name in ipairs(schema.resources) do
    rows[i] = { { to = name .. ".md", text = name }, schema.resource(name).doc, group_names(name) }
  end
  rows[#rows + 1] = { { to = ERRORS, text = "errors" }, "Errors: their types and codes, and what to do about each.", "" }
  doc:heading(2, "Resources")
  doc:table({ "page", "", "" }, rows)
  for _, section in ipairs(guide.sections) do
    doc:heading(2, section.title)
    section.write(doc)
  end
  return doc
end

local function errors_page()
  local doc = document.new()
  doc:heading(1, "Errors")
  guide.implied(doc)
  doc:text("An error is a table; `tostring` gives one line. `gitdev.is_error(err, name)` asks for a type or a code, "
    .. "`gitdev.hint(err)` says what to do.")
  guide.error_fields(doc)
  reference.errors(doc, { "code", "status", "adds", "what to do" })
  return doc
end

---All pages: their names, below docs/reference, and their texts.
---@return table<string, string>
function pages.all()
  local all = {}
  local function add(name, doc)
    all[name] = MADE .. markdown.write(doc, resolver(name))
  end
  add(INDEX, index_page())
  add(ERRORS, errors_page())
  for _, name in ipairs(schema.resources) do
    add(name .. ".md", resource_page(name))
  end
  return all
end

---All files that are made from the tables: their paths in the repository, and their texts.
---@return table<string, string>
function pages.files()
  local files = { ["lua/gitdev/types.d.lua"] = require("gitdev.describe.annotations").text() }
  for name, text in pairs(pages.all()) do
    files["docs/reference/" .. name] = text
  end
  return files
end

return pages

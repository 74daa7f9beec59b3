-- What holds for all operations alike, said once: how they are called, what lists, waits and downloads are, who may do what.
local classes = require "gitdev.describe.classes"
local words = require "gitdev.describe.words"

local guide = {}

local function class(name)
  for _, one in ipairs(classes.list) do
    if one.name == name then
      return one
    end
  end
  return error("there is no class " .. name)
end

local SIMPLE = {
  string = "text",
  integer = "integer",
  number = "number",
  boolean = "boolean",
  table = "table",
  ["gitdev.Sink"] = "path or function",
}

-- A LuaCATS type in words: what is not simple stands as it is.
local function type_of(text)
  local inner = text:match "^(.+)|nil$"
  local simple = SIMPLE[inner or text] or words.code((inner or text):gsub("gitdev%.", ""))
  return simple .. (inner and " or nil" or "")
end

-- The fields of a class of the SDK's own.
local function class_fields(doc, title, name)
  local rows = {}
  for i, row in ipairs(class(name).fields) do
    rows[i] = { name = row[1]:gsub("%?$", ""), type = type_of(row[2]), words = row[3] }
  end
  doc:fields(title, rows)
end

local function write_calls(doc)
  doc:text("A resource is a field of the client, an operation is a method of it, called with a colon. What stands in the path comes "
    .. "first, then one table of fields, then one table of options; both tables may be left out where nothing in them is required.")
  doc:code('git.env:create("my-app", { key = "GREETING", value = "hello" }, { timeout = 20 })', "lua")
  doc:list {
    "An id may be given as a text, or as the thing itself that a call has returned. Where a slug or a name will do, that is said.",
    "A field that is left out is not sent. `gitdev.null` sends null, which clears a field in an update; in answers null reads as `nil`.",
    "A thing that is returned is a plain table. Its methods make calls about it: `deployment:cancel()` is `git.deployments:cancel(deployment)`. "
      .. "`gitdev.raw(thing)` is a copy without methods, `gitdev.answer(thing)` knows the request id and the headers.",
    "Times that end in `_at` are Unix seconds, durations that end in `_ms` are milliseconds.",
    "A call that fails raises an error; with `gitdev.safe` it returns nil and the error.",
  }
  doc:label "options of a call"
  class_fields(doc, "option", "gitdev.CallOptions")
end

local function write_lists(doc)
  doc:text("`list` returns one page, `each` walks over all pages and may be left early. Both take the list's filters, and `limit` (the most "
    .. "things on a page), `cursor` (where to go on) and `order`. A list may be changed while it is walked: nothing that stays is skipped, "
    .. "or comes twice.")
  doc:code("for project in git.projects:each { limit = 50 } do\n  print(project.slug)\nend", "lua")
  doc:text "`page:next()` is the page after this one, nil when there is none."
  doc:label "a page"
  class_fields(doc, "field of a page", "gitdev.Page")
end

local function write_waiting(doc)
  doc:text("Things that come to rest have a method `wait`. It returns the thing when it came to a good end; else it raises an error of the type "
    .. "that the state machine names, with the thing in it (`err.deployment`), or a `timeout_error`. Progress goes to stderr.")
  doc:code('git.deployments:create({ project = "my-app" }):wait { timeout = 600 }', "lua")
  doc:label "options of wait"
  class_fields(doc, "option", "gitdev.WaitOptions")
end

local function write_following(doc)
  doc:text("What has a log has its lines with `logs`: a page of them, or with `follow` a stream, a WebSocket that is read one line at a time. "
    .. "It is taken up again where it broke off. `follow = true` ends with what writes the log, `follow = false` with what is there.")
  doc:code('for line in deployment:logs { follow = true, tail = 100, level = "warn" } do\n  print(line.stage, line.message)\nend', "lua")
  doc:text("In order, each line once. Lines that the server skipped are read with logs.list and come in place; where nobody has them any more "
    .. "stands one whose object is `log_gap`, which can be printed as any other. `timeout`, an option of the call, bounds all of it.")
  doc:label "fields"
  class_fields(doc, "field", "gitdev.FollowFields")
  doc:label "what a line has besides those of a log_line"
  class_fields(doc, "field of a line", "gitdev.FollowedLine")
  doc:text("`git.deployments.logs:stream(deployment)` is the stream of messages as they come: log, status, gap, hello, end. Both kinds "
    .. "of stream have `next()`, which returns nil at the end, `close()`, `status` and `cursor`. In Lua 5.4 leaving the loop closes the stream.")
  doc:label "messages"
  class_fields(doc, "field of a message", "gitdev.LogMessage")
end

local function write_downloads(doc)
  doc:text("An operation that downloads takes these fields, and streams what comes: it is taken up again where it was cut off, and held "
    .. "against its SHA-256.")
  doc:label "fields of a download"
  class_fields(doc, "field", "gitdev.DownloadFields")
  doc:label "what it returns"
  class_fields(doc, "field of what it returns", "gitdev.Download")
end

local function write_scopes(doc)
  doc:text("A secret key holds projects and scopes. A scope is written `name:read` or `name:write`, which includes the other; `*` is all of "
    .. "them. What is outside the key's projects does not exist for it: 404 `resource_missing`, and lists leave it out.")
  local rows = {}
  for i, scope in ipairs(require "gitdev.api.scopes") do
    local notes = (scope.read_only and " Read only." or "") .. (scope.all_projects and " Only on keys of all projects." or "")
    rows[i] = { words.code(scope[1]), scope.doc .. notes }
  end
  doc:table({ "scope", "covers" }, rows)
end

---The sections, each { topic, title, write }.
guide.sections = {
  { topic = "calls", title = "Calls", write = write_calls },
  { topic = "lists", title = "Lists", write = write_lists },
  { topic = "waiting", title = "Waiting", write = write_waiting },
  { topic = "following", title = "Following logs", write = write_following },
  { topic = "downloads", title = "Downloads", write = write_downloads },
  { topic = "scopes", title = "Scopes", write = write_scopes },
}

---Which errors any operation may fail with, by what it has; its own stand with it.
---@param doc table
function guide.implied(doc)
  doc:text "Each operation lists its own errors. Besides them, any call may fail with these:"
  doc:table({ "calls", "may fail with" }, {
    { "all", "401; 403 `insufficient_scope`; 429 `rate_limited`; 5xx" },
    { "with a name or an id in the path", "404 `resource_missing`" },
    { "that read with fields", "400 `parameter_invalid`, `parameter_unknown`, `cursor_invalid`, `cursor_mismatch`" },
    {
      "that write fields",
      "400 `invalid_json`; 413; 415; 422 `parameter_missing`, `parameter_invalid`, `parameter_unknown`, `invalid_type`, `invalid_encoding`",
    },
    { "that write", "409 `idempotency_key_in_use`; 422 `idempotency_key_reused`" },
  })
  doc:text("What is wrong with a call's own fields is told before anything is sent. Answers of 429 and 5xx are tried "
    .. "again as far as the deadline and the retry budget allow.")
end

---The fields of an error.
---@param doc table
function guide.error_fields(doc)
  class_fields(doc, "field", "gitdev.Error")
end

return guide

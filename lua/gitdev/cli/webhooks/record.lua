--- The file that `listen` keeps of what it forwarded: a line of JSON for each event, which `resend` and the next `listen` read.
local json = require "gitdev.json"
local net = require "gitdev.net"
local sample = require "gitdev.webhooks.sample"

local LOCK_SECONDS = 5

local record = {}
record.__index = record

-- ---- writing ----

-- Runs fn(self, …) with the file locked; returns what it returns, or nil and a problem.
local function turn(self, fn, ...)
  local ok, problem = self.journal:lock(LOCK_SECONDS)
  if not ok then
    return nil, problem
  end
  local result, cause = fn(self, ...)
  self.journal:unlock()
  return result, cause
end

local function append(self, text)
  return self.journal:append(text)
end

-- Raises if the line cannot be written; then nothing of it is in the file.
local function write(self, value)
  local ok, problem = turn(self, append, assert(json.encode(value)) .. "\n")
  if not ok then
    error(("%s cannot be written: %s"):format(self.path, problem), 0)
  end
end

--- Notes where a listen begins: at a time, with events of about then that are not to be forwarded (ids and their times).
function record:begin(through, known)
  write(self, { through = through, known = next(known) and known or nil })
end

--- Adds how an event ended. `through`: all events before that time (Unix seconds) have ended.
function record:add(event, url, attempts, answer, through)
  write(self, {
    id = event.id,
    type = event.type,
    url = url,
    at = os.time(),
    attempts = attempts,
    status = answer.status,
    error = answer.error,
    through = through,
    body = event.body,
  })
end

-- ---- reading ----

local function read_line(line, number, path)
  local value = json.read(line)
  if type(value) == "table" and value.body == nil and type(value.through) == "number" then
    return value
  end
  local event = type(value) == "table" and type(value.body) == "string" and json.read(value.body)
  if type(event) ~= "table" or type(event.id) ~= "string" or type(event.type) ~= "string" or type(event.timestamp) ~= "number" then
    return nil, ("%s:%d: this is no line that listen --record writes"):format(path, number)
  end
  value.id, value.type, value.timestamp = event.id, event.type, event.timestamp
  return value
end

-- An event that is there twice counts as it went last.
local function put(list, places, value)
  local place = places[value.id] or #list + 1
  places[value.id], list[place] = place, value
  list.known[value.id] = value.timestamp
end

local function parse(text, path)
  local list, places, number = { known = {} }, {}, 0
  for line in text:gmatch "([^\n]*)\n" do
    number = number + 1
    local value, problem = read_line(line, number, path)
    if not value then
      return nil, problem
    end
    list.through = value.through or list.through
    for id, at in pairs(value.known or {}) do
      list.known[id] = at
    end
    if value.body then
      put(list, places, value)
    end
  end
  return list
end

--- What a file holds: a list of { id, type, timestamp, url, status, error, body }, the oldest first, with `through`, the time at which the next
-- listen goes on, and `known`, the ids that it leaves out, with their times. An unfinished last line, of a listen that was killed, is left
-- out. Nil and a problem when the file cannot be read, or is none of these.
function record.read(path)
  local file, problem = io.open(path, "rb")
  if not file then
    return nil, problem
  end
  local text
  text, problem = file:read "*a"
  file:close()
  if not text then
    return nil, path .. ": " .. problem
  end
  return parse(text, path)
end

-- All that is there now; a device has no size.
local function slurp(self)
  local size, problem = self.journal:size()
  local parts, length = {}, 0
  while size and length < size do
    local part
    part, problem = self.journal:read(length)
    if not part then
      return nil, problem
    elseif part == "" then
      break
    end
    parts[#parts + 1], length = part, length + #part
  end
  return size and table.concat(parts), problem
end

-- Reads what is there, and cuts off a line that a listen could not finish: what is added would go on in it.
local function take_up(self)
  local text, problem = slurp(self)
  if not text then
    return nil, self.path .. ": " .. problem
  end
  local whole = #text - (text:reverse():find("\n", 1, true) or #text + 1) + 1
  if whole == 0 and text ~= "" and not text:find '^{"known":{' and not text:find '^{"through":' then
    return nil, self.path .. ":1: this is no line that listen --record writes"
  end
  local list
  list, problem = parse(text, self.path)
  if list and whole < #text then
    local ok, cause = self.journal:truncate(whole)
    if not ok then
      return nil, self.path .. ": " .. cause
    end
  end
  return list, problem
end

--- Opens a file for adding lines, or makes one that its user alone can read. Returns the record and what it holds (see record.read), or nil, nil
-- and a problem.
function record.open(path)
  local journal, problem = net.journal(path)
  if not journal then
    return nil, nil, path .. ": " .. problem
  end
  local self = setmetatable({ journal = journal, path = path }, record)
  local list
  list, problem = turn(self, take_up)
  if not list then
    journal:close()
    return nil, nil, problem
  end
  return self, list
end

--- An event of the API with the text that is sent.
function record.event(event)
  return { id = event.id, type = event.type, timestamp = event.timestamp, body = sample.body(event) }
end

return record

--- How the urls of webhooks answer when nothing leaves the emulator, and what was sent to them: for scripts and specs that want to see deliveries
-- without a network. All of it is plain data.
local json = require "gitdev.json"
local limits = require "gitdev.api.limits"
local schema = require "gitdev.schema"

local KEPT = 1000
local USUAL_DELAY_MS = 50
local TIMEOUT_MS = limits.webhook.timeout * 1000

local ERRORS = {}
for _, word in ipairs(schema.object("attempt").fields.by_name.error.values) do
  ERRORS[word] = true
end

local endpoints = {}

--- A table in which every url answers 200. `rules`: url -> { standing =, first =, last =, [n] = }; `sent`: a ring.
function endpoints.new()
  return { rules = {}, sent = {}, count = 0 }
end

-- ---- what is to be answered ----

local function is_count(value)
  return type(value) == "number" and value >= 0 and value % 1 == 0 and value < math.huge
end

local function are_headers(value)
  if type(value) ~= "table" then
    return false
  end
  for name, text in pairs(value) do
    if type(name) ~= "string" or type(text) ~= "string" then
      return false
    end
  end
  return true
end

local FIELDS = {
  url = function(value)
    return type(value) == "string" and value ~= "", "the url of a webhook"
  end,
  status = function(value)
    return is_count(value) and value >= 200 and value <= 599, "a status from 200 to 599"
  end,
  headers = function(value)
    return are_headers(value), "an object of strings"
  end,
  body = function(value)
    return type(value) == "string", "a string"
  end,
  error = function(value)
    return ERRORS[value] == true, "one of " .. table.concat(json.keys(ERRORS), ", ")
  end,
  delay_ms = function(value)
    return is_count(value), "a whole number of milliseconds"
  end,
  times = function(value)
    return is_count(value) and value >= 1, "a whole number from 1"
  end,
}

local function problem_of(spec)
  if type(spec) ~= "table" then
    return "An endpoint is a table with a url."
  end
  for name, value in pairs(spec) do
    local check = FIELDS[name]
    if not check then
      return ("An endpoint has no %s; there are %s."):format(tostring(name), table.concat(json.keys(FIELDS), ", "))
    end
    local good, wanted = check(value)
    if not good then
      return ("%s must be %s."):format(name, wanted)
    end
  end
  return spec.url == nil and "url is required: the url of a webhook." or nil
end

--- Says how a url answers. `spec`: url; status (200), headers, body, or error (a word of the contract's `attempt.error`); delay_ms (50) until it
-- answers, from 15000 on it is a timeout; times: only so often, before what stands without it. Returns true, or nil and a sentence.
function endpoints.add(self, spec)
  local problem = problem_of(spec)
  if problem then
    return nil, problem
  end
  local rule = {}
  for name, value in pairs(spec) do
    rule[name] = value
  end
  local rules = self.rules[rule.url] or { first = 1, last = 0 }
  self.rules[rule.url] = rules
  if rule.times then
    rules.last = rules.last + 1
    rules[rules.last] = rule
  else
    rules.standing = rule
  end
  return true
end

local function take(self, url)
  local rules = self.rules[url]
  local rule = rules and rules[rules.first]
  if not rule then
    return rules and rules.standing or {}
  end
  rule.times = rule.times - 1
  if rule.times == 0 then
    rules[rules.first] = nil
    rules.first = rules.first + 1
  end
  return rule
end

--- Whether something was said of a url, so that it is answered here and nothing is sent to it.
function endpoints.knows(self, url)
  return self.rules[url] ~= nil
end

--- What a url answers now: { status, headers, body } or { error }, with `duration_ms`.
function endpoints.answer(self, url)
  local rule = take(self, url)
  local delay_ms = rule.delay_ms or rule.error == "timeout" and TIMEOUT_MS or USUAL_DELAY_MS
  if rule.error or delay_ms >= TIMEOUT_MS then
    return { error = rule.error or "timeout", duration_ms = math.min(delay_ms, TIMEOUT_MS) }
  end
  return { status = rule.status or 200, headers = rule.headers or {}, body = rule.body or "", duration_ms = delay_ms }
end

-- ---- what was sent ----

--- Notes what is sent, a table of plain values. Returns it, to be completed with `status` or `error`.
function endpoints.note(self, entry)
  self.sent[self.count % KEPT + 1] = entry
  self.count = self.count + 1
  return entry
end

--- Copies of the notes, the oldest first; `id`: only those whose webhook_id, delivery_id or event_id it is.
function endpoints.list(self, id)
  local list = {}
  for number = math.max(0, self.count - KEPT), self.count - 1 do
    local entry = self.sent[number % KEPT + 1]
    if id == nil or entry.webhook_id == id or entry.delivery_id == id or entry.event_id == id then
      local copy = {}
      for name, value in pairs(entry) do
        copy[name] = value
      end
      list[#list + 1] = copy
    end
  end
  return list
end

return endpoints

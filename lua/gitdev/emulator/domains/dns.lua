--- What name servers answer, from a table (contract 5): name -> { A = {…}, AAAA = {…}, CAA = {…}, CNAME = {…}, TXT = {…} }. Aliases
-- are followed, and `*.` names answer for those below that are not in the table, as RFC 1034 and RFC 4592 have it.
local PLATFORM = "git.dev"
local ALIASES_MAX = 8
local NAME_MAX = 253

local dns = {
  --- Where the platform takes traffic: addresses of the ranges that are kept for documentation.
  addresses = { A = "203.0.113.21", AAAA = "2001:db8:67::21" },
}

local PLATFORM_RECORDS = { A = { dns.addresses.A }, AAAA = { dns.addresses.AAAA } }
local NONE = {}

-- What values of each type look like.
local FORMS = {
  A = "^%d+%.%d+%.%d+%.%d+$",
  AAAA = "^%x*:[%x:.]+$",
  CAA = '^%d+ +%w+ +"[^"]*"$',
  CNAME = "^[^%s]+$",
  TXT = "^.+$",
}

--- A name as the table has it: lower case, no dot at the end.
function dns.plain(name)
  return (name:lower():gsub("%.$", ""))
end

--- Whether a name is the platform's own: git.dev, or below it.
function dns.is_platform(name)
  return name == PLATFORM or name:sub(-#PLATFORM - 1) == "." .. PLATFORM
end

-- ---- reading a table that somebody gives ----

local function read_values(name, kind, given)
  if type(given) == "string" then
    given = { given }
  elseif type(given) ~= "table" then
    return nil, ("%s: %s must be a text or a list of texts."):format(name, kind)
  end
  local values = {}
  for place, value in ipairs(given) do
    if type(value) ~= "string" or not value:find(FORMS[kind]) then
      return nil, ("%s: %s record %d is not of that type's form."):format(name, kind, place)
    end
    values[place] = (kind == "TXT" or kind == "CAA") and value or dns.plain(value)
  end
  return values
end

local function read_records(name, given)
  if type(given) ~= "table" then
    return nil, name .. ': its records must be an object, such as {"TXT":["…"]}.'
  end
  local records = {}
  for kind, values in pairs(given) do
    if not FORMS[kind] then
      return nil, ("%s: there are no %s records here; there are A, AAAA, CAA, CNAME, TXT."):format(name, tostring(kind))
    end
    local read, problem = read_values(name, kind, values)
    if not read then
      return nil, problem
    end
    records[kind] = read[1] and read or nil
  end
  return records
end

--- A table of answers that somebody gives, as this module keeps it: a copy; a type's values may be one text instead of a list. A name
-- without records comes with an empty table. Nil and a sentence where it makes no sense.
function dns.read(given)
  if type(given) ~= "table" then
    return nil, "DNS answers must be a table of names."
  end
  local answers = {}
  for name, value in pairs(given) do
    if type(name) ~= "string" or name == "" or #name > NAME_MAX or name:find "%s" then
      return nil, ("%q is no DNS name."):format(tostring(name))
    end
    local records, problem = read_records(name, value)
    if not records then
      return nil, problem
    end
    answers[dns.plain(name)] = records
  end
  return answers
end

--- Puts what `dns.read` gave into a table of answers: each name is replaced whole, one without records is forgotten.
function dns.put(answers, more)
  for name, records in pairs(more) do
    answers[name] = next(records) and records or nil
  end
end

-- ---- asking ----

local function parent_of(name)
  return name:match "^[^.]+%.(.+)$"
end

-- The records of a name, or of the wildcard that stands for it: the one at its nearest ancestor, unless a name in between is there.
local function records_at(answers, name)
  if answers[name] then
    return answers[name]
  elseif dns.is_platform(name) then
    return PLATFORM_RECORDS
  end
  local parent = parent_of(name)
  while parent do
    local wildcard = answers["*." .. parent]
    if wildcard or answers[parent] then
      return wildcard
    end
    parent = parent_of(parent)
  end
  return nil
end

--- The values of a name's records of a type, aliases followed; an empty list where there are none.
function dns.ask(answers, name, kind)
  for _ = 0, ALIASES_MAX do
    local records = records_at(answers, name) or NONE
    local alias = records.CNAME
    if kind == "CNAME" or not alias then
      return records[kind] or NONE
    end
    name = alias[1]
  end
  return NONE
end

--- Whether a name is an alias of `target`, directly or over others.
function dns.leads_to(answers, name, target)
  for _ = 0, ALIASES_MAX do
    name = dns.ask(answers, name, "CNAME")[1]
    if not name or name == target then
      return name ~= nil
    end
  end
  return false
end

-- ---- CAA (RFC 8659) ----

local KNOWN_TAGS = { issue = true, issuewild = true, iodef = true }

-- The CAA records that count for a name: its own, or those of the nearest name above that has any.
local function relevant(answers, name)
  while name do
    local found = dns.ask(answers, name, "CAA")
    if found[1] then
      return found
    end
    name = parent_of(name)
  end
  return NONE
end

-- A record's flags, tag, and value; of the value only what stands before parameters.
local function parse(record)
  local flags, tag, value = record:match '^(%d+) +(%w+) +"([^"]*)"$'
  return tonumber(flags), tag:lower(), value:match "^%s*([^;%s]*)":lower()
end

--- Whether the CAA records that count for `name` (which may begin with `*.`) let the authority `identity` issue a certificate for it.
function dns.may_issue(answers, name, identity)
  local host = name:match "^%*%.(.+)$"
  local issuers = { issue = {}, issuewild = {} }
  for _, record in ipairs(relevant(answers, host or name)) do
    local flags, tag, value = parse(record)
    if issuers[tag] then
      issuers[tag].any = true
      issuers[tag][value] = true
    elseif flags >= 128 and not KNOWN_TAGS[tag] then
      return false -- critical, and nothing that is understood here
    end
  end
  local rule = host and issuers.issuewild.any and issuers.issuewild or issuers.issue
  return not rule.any or rule[identity] == true
end

return dns

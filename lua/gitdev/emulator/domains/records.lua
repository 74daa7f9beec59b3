--- Which DNS records a domain needs (contract 2.10), and whether they are there.
local contains = require "gitdev.emulator.store.contains"
local dns = require "gitdev.emulator.domains.dns"
local random = require "gitdev.emulator.store.random"

local CHALLENGE = "_git-challenge."
local PROOF = "git-verify="

-- Second-level names under which countries register, as in example.co.uk. The real list (publicsuffix.org) has ten thousand entries;
-- these are the ones most met with.
local SECOND_LEVEL = {}
for word in ("ac co com edu gob gov mil ne net nom or org sch"):gmatch "%l+" do
  SECOND_LEVEL[word] = true
end

local domain_records = {}

-- The name without the `*.` of a wildcard.
local function host_of(name)
  return name:match "^%*%.(.+)$" or name
end

--- The registered name that a name belongs to: its last two labels, or three below a country's second-level name.
function domain_records.apex(name)
  local host = host_of(name)
  local rest, second, top = host:match "^(.-)([^.]+)%.([^.]+)$"
  local third = rest:match "([^.]+)%.$"
  if third and #top == 2 and SECOND_LEVEL[second] then
    return third .. "." .. second .. "." .. top
  end
  return second .. "." .. top
end

--- The TXT record that proves a name to be an organization's: where it stands, and its value. It depends on nothing but the two, so it
-- is the same whenever the name is asked for again, and can be set before the domain is there.
function domain_records.proof(tenant, name)
  local token = random.new(tenant.organization.id .. " " .. name):id()
  return CHALLENGE .. host_of(name), PROOF .. token
end

-- Whether all of a list are `value`, and it is there.
local function only(list, value)
  for _, one in ipairs(list) do
    if one ~= value then
      return false
    end
  end
  return list[1] ~= nil
end

local function row(kind, name, value, found, ok)
  return { type = kind, name = name, value = value, found = found, ok = ok }
end

-- The rows for addresses, appended, and whether traffic that goes by them comes here: visitors may take either kind.
local function address_rows(rows, answers, name)
  local seen = {}
  for _, kind in ipairs { "A", "AAAA" } do
    local found = dns.ask(answers, name, kind)
    seen[kind] = row(kind, name, dns.addresses[kind], found, only(found, dns.addresses[kind]))
    rows[#rows + 1] = seen[kind]
  end
  return seen.A.ok and (seen.AAAA.ok or not seen.AAAA.found[1])
end

-- An apex can have no alias beside its other records, so it takes addresses; another name may take them instead of its alias.
local function traffic_rows(rows, answers, domain)
  local name, target = domain.name, domain.project .. ".git.dev"
  if name == domain.apex_name then
    return address_rows(rows, answers, name)
  end
  local alias = dns.ask(answers, name, "CNAME")
  local right = dns.leads_to(answers, name, target)
  rows[#rows + 1] = row("CNAME", name, target, alias, right)
  if not alias[1] and (dns.ask(answers, name, "A")[1] or dns.ask(answers, name, "AAAA")[1]) then
    return address_rows(rows, answers, name)
  end
  return right
end

--- Looks at a domain's records. `answers`: the table of DNS answers. Returns the rows for `verification`, whether the proof is there, and
-- whether the traffic comes here.
function domain_records.look(tenant, domain, answers)
  local place, value = domain_records.proof(tenant, domain.name)
  local found = dns.ask(answers, place, "TXT")
  local proven = contains(found, value)
  local rows = { row("TXT", place, value, found, proven) }
  local served = traffic_rows(rows, answers, domain)
  return rows, proven, served
end

return domain_records

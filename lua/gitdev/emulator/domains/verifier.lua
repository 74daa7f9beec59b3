--- The life of a domain (contract 3.3): when its DNS records are looked at, and what follows from what is found there.
local core = require "gitdev.core"
local dns = require "gitdev.emulator.domains.dns"
local domain_records = require "gitdev.emulator.domains.records"
local issuer = require "gitdev.emulator.domains.issuer"
local machine = require "gitdev.emulator.store.machine"
local schema = require "gitdev.schema"

local SECOND, MINUTE, HOUR = 1000, 60 * 1000, 60 * 60 * 1000
local FIRST_MS = 200
-- From one check to the next: they are 1, 5, 15 and 60 minutes after the beginning, then hourly.
local STEPS_MS = { MINUTE, 4 * MINUTE, 10 * MINUTE, 45 * MINUTE }
local ACTIVE_MS = 24 * HOUR
local DOUBT_MS, DOUBTS_MAX = 10 * MINUTE, 3
local PROOF_MS = 72 * HOUR
local ASK_MS = 10 * SECOND

local PROBLEMS = {
  name_claimed = "Another organization holds this name: only the TXT record proves it to be yours.",
  verification_timeout = "Neither the TXT record nor the traffic record was there within 72 hours: set one, then verify again.",
  traffic_record_wrong = "The name does not lead here: set the record that verification lists.",
  caa_forbidden = "The name's CAA records do not let " .. issuer.identity .. " issue certificates: add one that does.",
}

local verifier = {}

local function problem(code)
  return { code = code, message = PROBLEMS[code] }
end

-- Moves a domain along the contract's table. Events there that are about the certificate come from the certificate's own move, which is
-- made before.
local function move(tenant, domain, on, changes)
  local status, kinds = machine.next(domain, on)
  changes.status = status
  tenant:set(domain, changes)
  for _, kind in ipairs(kinds) do
    if schema.event(kind).object == "domain" then
      tenant:emit(kind, domain)
    end
  end
end

-- ---- whose name it is ----

--- Who else has proven a name to be theirs: a tenant and its domain; `true` for an organization that is not emulated; nil.
function verifier.holder(tenant, name)
  for _, other in pairs(tenant.emulator.tenants) do
    local domain = other ~= tenant and other.things.domain:find("name", name)
    if domain and domain.verified_at then
      return other, domain
    end
  end
  return tenant.dns.taken[name]
end

-- The TXT record moves a name: whoever had it loses it.
local function take_over(tenant, name)
  local other, domain = verifier.holder(tenant, name)
  if domain then
    verifier.remove(other, domain)
    other:emit("domain.deleted", domain)
  end
  tenant.dns.taken[name] = nil
end

-- ---- checks ----

-- When to look again, by the status. A status that is not here is not looked at.
local WAITS = {}

local function plan_check(tenant, domain)
  local private = domain.private
  tenant:cancel(private.check)
  local wait = WAITS[domain.status]
  private.check = wait and tenant:later(wait(tenant, private), "domain.check", domain)
end

local function step(_, private)
  private.step = private.step + 1
  return STEPS_MS[private.step] or HOUR
end

WAITS.pending, WAITS.verified, WAITS.misconfigured = step, step, step

function WAITS.active(tenant, private)
  return private.doubts > 0 and math.max(0, private.doubted_ms + DOUBT_MS - tenant:now()) or ACTIVE_MS
end

-- What a check does by the status: function(tenant, domain, proven, served).
local FINDINGS = {}

function FINDINGS.verified(tenant, domain, _, served)
  local certificate = tenant.things.certificate:get(domain.certificate_id)
  if served then
    issuer.begin(tenant, certificate)
  end
end

function FINDINGS.pending(tenant, domain, proven, served)
  local claimed = not proven and served and verifier.holder(tenant, domain.name) ~= nil
  if not proven and (claimed or not served) then
    return tenant:set(domain, { error = claimed and problem "name_claimed" or core.null })
  end
  if proven then
    take_over(tenant, domain.name)
  end
  tenant:cancel(domain.private.deadline)
  move(tenant, domain, "proof", {
    verified_at = tenant:seconds(), certificate_id = issuer.new(tenant, domain).id, error = core.null,
  })
  return FINDINGS.verified(tenant, domain, proven, served)
end

-- Checks that find the record wrong count when they are 10 minutes apart.
function FINDINGS.active(tenant, domain, _, served)
  local private, now = domain.private, tenant:now()
  if served then
    private.doubts = 0
  elseif private.doubts == 0 or now - private.doubted_ms >= DOUBT_MS then
    private.doubts, private.doubted_ms = private.doubts + 1, now
    if private.doubts == DOUBTS_MAX then
      private.doubts, private.step = 0, #STEPS_MS
      move(tenant, domain, "traffic_wrong", { error = problem "traffic_record_wrong" })
    end
  end
end

function FINDINGS.misconfigured(tenant, domain, _, served)
  if served then
    move(tenant, domain, "traffic_right", { error = core.null })
  end
end

local function look(tenant, domain)
  local rows, proven, served = domain_records.look(tenant, domain, tenant.dns.answers)
  tenant:set(domain, { verification = rows, last_checked_at = tenant:seconds() })
  FINDINGS[domain.status](tenant, domain, proven, served)
end

local function check(tenant, domain)
  look(tenant, domain)
  plan_check(tenant, domain)
end

-- 72 hours have passed: a last look.
local function deadline(tenant, domain)
  look(tenant, domain)
  if domain.status == "pending" then
    move(tenant, domain, "no_proof", { error = problem "verification_timeout" })
  end
  plan_check(tenant, domain)
end

-- ---- the certificate ----

local function obstacle(tenant, domain)
  local _, _, served = domain_records.look(tenant, domain, tenant.dns.answers)
  if not dns.may_issue(tenant.dns.answers, domain.name, issuer.identity) then
    return problem "caa_forbidden"
  end
  return not served and problem "traffic_record_wrong" or nil
end

-- An attempt to get a certificate has come to its end.
local function attempt(tenant, certificate)
  local domain = tenant.things.domain:get(certificate.domain_id)
  local cause = obstacle(tenant, domain)
  issuer.settle(tenant, certificate, cause)
  if domain.status ~= "verified" then
    return
  elseif cause then
    local failed = { code = "certificate_failed", message = "There is no certificate yet. " .. cause.message }
    return move(tenant, domain, "certificate_failed", { error = failed })
  end
  move(tenant, domain, "certificate_issued", { error = core.null })
  plan_check(tenant, domain)
end

--- What the catalogue calls when a domain's time has come.
verifier.timers = {
  ["domain.check"] = check,
  ["domain.deadline"] = deadline,
  ["certificate.attempt"] = attempt,
}

-- ---- what the operations ask for ----

local function begin(tenant, domain)
  domain.private.step = 0
  domain.private.deadline = tenant:later(PROOF_MS, "domain.deadline", domain)
end

--- Stores a new domain and tells of it; the first check follows at once. `fields`: those that the request decides.
function verifier.add(tenant, fields)
  local domain = {
    id = tenant:id "dom",
    object = "domain",
    apex_name = domain_records.apex(fields.name),
    status = "pending",
    created_at = tenant:seconds(),
    private = { doubts = 0 },
  }
  for name, value in pairs(fields) do
    domain[name] = value
  end
  domain.verification = domain_records.look(tenant, domain, {})
  tenant:add(domain)
  for _, kind in ipairs(machine.birth_events("domain", "create")) do
    tenant:emit(kind, domain)
  end
  begin(tenant, domain)
  domain.private.check = tenant:later(FIRST_MS, "domain.check", domain)
  return domain
end

--- Milliseconds until somebody may ask for a check again; nil: now.
function verifier.patience(tenant, domain)
  local asked_ms = domain.private.asked_ms
  local left = asked_ms and asked_ms + ASK_MS - tenant:now() or 0
  return left > 0 and left or nil
end

--- Looks at a domain now, because somebody asks. One that has failed gets another 72 hours.
function verifier.ask(tenant, domain)
  domain.private.asked_ms = tenant:now()
  domain.private.step = 0
  if domain.status == "failed" then
    move(tenant, domain, "verify", { error = core.null })
    begin(tenant, domain)
  end
  check(tenant, domain)
end

--- The domain's project has another slug: the alias that it needs is another one now.
function verifier.rename(tenant, domain, slug)
  tenant:set(domain, { project = slug })
  local rows = domain_records.look(tenant, domain, domain.last_checked_at and tenant.dns.answers or {})
  tenant:set(domain, { verification = rows })
end

--- Removes a domain and its certificate, without an event.
function verifier.remove(tenant, domain)
  tenant:cancel(domain.private.check)
  tenant:cancel(domain.private.deadline)
  local certificate = tenant.things.certificate:get(domain.certificate_id)
  if certificate then
    issuer.remove(tenant, certificate)
  end
  tenant.things.domain:remove(domain)
end

return verifier

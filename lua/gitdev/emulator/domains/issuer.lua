--- The life of a certificate (contract 3.3): asked for, issued, renewed 30 days before its end, or not. When an attempt fails others
-- follow. Whether one may succeed is the caller's to say.
local core = require "gitdev.core"

local SECOND, DAY_S = 1000, 24 * 60 * 60
local ATTEMPT_MS = 2 * SECOND
local VALID_S = 90 * DAY_S
-- Seconds from a failed attempt to the next; the last for all that follow.
local PAUSES_S = { 60, 10 * 60, 60 * 60, 6 * 60 * 60 }
-- What comes so many days before the end.
local MILESTONES = {
  { days = 30, on = "renew" },
  { days = 14, on = "expiring" },
  { days = 7, on = "expiring" },
  { days = 1, on = "expiring" },
  { days = 0, on = "expire" },
}

local issuer = {
  --- The authority's name in certificates, and in CAA records.
  name = "Git Edge CA 1",
  identity = "pki.git.dev",
}

--- Stores a certificate for a domain, not yet asked for. `domain_id` and `project_id` are for finding it, and are no fields of the
-- contract's object.
function issuer.new(tenant, domain)
  return tenant:add {
    id = tenant:id "crt",
    object = "certificate",
    domains = { domain.name },
    source = "managed",
    status = "pending",
    created_at = tenant:seconds(),
    domain_id = domain.id,
    project_id = domain.project_id,
    private = { failures = 0 },
  }
end

--- Begins an attempt, unless one is under way or planned; it takes a moment, and ends with the timer "certificate.attempt".
function issuer.begin(tenant, certificate)
  local private = certificate.private
  if not private.attempt then
    private.attempt = tenant:later(ATTEMPT_MS, "certificate.attempt", certificate)
  end
end

-- A failed attempt's pause is over.
local function again(tenant, certificate)
  certificate.private.attempt = nil
  if certificate.status == "failed" then
    tenant:move(certificate, "retry", { error = core.null })
  end
  issuer.begin(tenant, certificate)
end

local function plan_milestone(tenant, certificate, number)
  local private = certificate.private
  local due_s = certificate.not_after - MILESTONES[number].days * DAY_S
  private.milestone = number
  private.calendar = tenant:later(math.max(0, due_s * SECOND - tenant:now()), "certificate.milestone", certificate)
end

local function milestone(tenant, certificate)
  local private = certificate.private
  local number = private.milestone
  private.calendar = nil
  tenant:move(certificate, MILESTONES[number].on)
  if MILESTONES[number + 1] then
    plan_milestone(tenant, certificate, number + 1)
  end
  if number == 1 then
    issuer.begin(tenant, certificate)
  end
end

local function issue(tenant, certificate)
  local serial = core.sha256(tenant.emulator.random:token(32)):sub(1, 32)
  local from = tenant:seconds()
  tenant:cancel(certificate.private.calendar)
  certificate.private.failures = 0
  tenant:move(certificate, "issue", {
    issuer = issuer.name,
    serial = serial,
    fingerprint_sha256 = core.sha256(("%s %s %d"):format(serial, certificate.domains[1], from)),
    not_before = from,
    not_after = from + VALID_S,
    error = core.null,
  })
  plan_milestone(tenant, certificate, 1)
end

--- Ends the attempt that is under way. `problem`: nil, or { code, message }: why it failed.
function issuer.settle(tenant, certificate, problem)
  local private = certificate.private
  private.attempt = nil
  if not problem then
    return issue(tenant, certificate)
  end
  private.failures = private.failures + 1
  local pause_s = PAUSES_S[math.min(private.failures, #PAUSES_S)]
  tenant:move(certificate, "attempt_failed", { error = problem })
  private.attempt = tenant:later(pause_s * SECOND, "certificate.again", certificate)
end

--- Removes a certificate, without an event.
function issuer.remove(tenant, certificate)
  tenant:cancel(certificate.private.attempt)
  tenant:cancel(certificate.private.calendar)
  tenant.things.certificate:remove(certificate)
end

--- What the catalogue calls when a certificate's time has come; "certificate.attempt" is the verifier's.
issuer.timers = {
  ["certificate.again"] = again,
  ["certificate.milestone"] = milestone,
}

return issuer

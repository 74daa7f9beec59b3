--- contract 2.10
local issuer = require "gitdev.emulator.domains.issuer"

-- The id that a query's domain stands for; one that is not there, or not seen, matches nothing.
local function domain_filter(call, reference)
  local domains = call.tenant.things.domain
  local found = reference and (domains:get(reference) or domains:find("name", reference:lower()))
  return reference and (found and found.id or "")
end

local function list(call)
  local query = call.query
  query.domain = domain_filter(call, query.domain)
  return call:page(call.tenant.things.certificate, call:only_visible({
    domain_id = query.domain, status = query.status,
  }, "project_id"))
end

return {
  collections = {
    certificate = { indexes = { "project_id", "domain_id", "status" } },
  },
  timers = issuer.timers,
  find = {
    certificate = function(call, id)
      return call.tenant.things.certificate:get(id)
    end,
  },
  operations = {
    ["certificates.list"] = list,
    ["certificates.get"] = function(call)
      return call.things.certificate
    end,
  },
}

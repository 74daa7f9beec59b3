--- contract 2.10, 3.3
local dns = require "gitdev.emulator.domains.dns"
local domain_records = require "gitdev.emulator.domains.records"
local history = require "gitdev.emulator.git.history"
local json = require "gitdev.json"
local refusal = require "gitdev.emulator.refusal"
local verifier = require "gitdev.emulator.domains.verifier"

local function list(call)
  local query = call.query
  query.project = call:project_filter(query.project)
  local where = call:only_visible({ project_id = query.project, status = query.status }, "project_id")
  local wanted = query.search and query.search:lower()
  return call:page(call.tenant.things.domain, where, wanted and function(domain)
    return domain.name:find(wanted, 1, true) ~= nil
  end)
end

-- ---- create ----

local function fault(code, param, message)
  return { code = code, param = param, message = param .. ": " .. message }
end

local function missing_branch(call, project, branch)
  local repository = project and call.tenant.things.repository:get(project.repository_id)
  return branch and repository and not history.head(repository, branch)
end

-- Whether a name that sends its visitors to `target` would see them come back.
local function comes_back(call, name, target)
  local domains, seen = call.tenant.things.domain, {}
  while target and not seen[target] do
    if target == name then
      return true
    end
    seen[target] = true
    local next_one = domains:find("name", target)
    target = next_one and next_one.redirect_to
  end
  return false
end

-- What is wrong with a request beyond its form, in the order of the fields.
local function faults_of(call, project, name, target)
  local body, faults = call.body, {}
  if not project then
    faults[1] = fault("resource_missing", "project", ('there is no project "%s".'):format(body.project))
  end
  if dns.is_platform(name) then
    faults[#faults + 1] = fault("name_reserved", "name", "names under git.dev are the platform's own.")
  end
  if missing_branch(call, project, body.branch) then
    faults[#faults + 1] = fault("resource_missing", "branch", ('the repository has no branch "%s".'):format(body.branch))
  end
  if comes_back(call, name, target) then
    faults[#faults + 1] = fault("parameter_invalid", "redirect_to", "the visitors would come back here: name another target.")
  end
  return faults
end

local function refuse(message)
  refusal.raise("already_exists", { param = "name", message = message })
end

-- A name that another organization has proven to be its own moves only by the TXT record (contract 2.10), which is the same for this
-- organization at any time: so it can be set first, and the domain be added then.
local function refuse_taken(call, name)
  local tenant = call.tenant
  if tenant.things.domain:find("name", name) then
    refuse(('There is a domain "%s" already.'):format(name))
  elseif verifier.holder(tenant, name) then
    local place, value = domain_records.proof(tenant, name)
    for _, found in ipairs(dns.ask(tenant.dns.answers, place, "TXT")) do
      if found == value then
        return
      end
    end
    refuse(('Another organization holds "%s". If it is yours, set the TXT record %s to %s, and add the domain then.'):format(
      name, place, value))
  end
end

local function create(call)
  local body = call.body
  local name, target = body.name:lower(), body.redirect_to and body.redirect_to:lower()
  local project = call:project(body.project)
  local faults = faults_of(call, project, name, target)
  if faults[1] then
    refusal.unprocessable(faults)
  end
  call:about(project.id)
  refuse_taken(call, name)
  return verifier.add(call.tenant, {
    project = project.slug,
    project_id = project.id,
    name = name,
    branch = body.branch,
    redirect_to = target,
    redirect_status = target and body.redirect_status or nil,
  })
end

-- ---- the other operations ----

local function verify(call)
  local domain, tenant = call.things.domain, call.tenant
  local left_ms = verifier.patience(tenant, domain)
  if left_ms then
    local seconds = math.ceil(left_ms / 1000)
    refusal.raise("rate_limited", {
      message = ("A domain is looked at once in 10 seconds: ask again in %d s."):format(seconds),
      headers = { "Retry-After", ("%d"):format(seconds) },
    })
  end
  verifier.ask(tenant, domain)
  return domain
end

local function delete(call)
  local domain = call.things.domain
  verifier.remove(call.tenant, domain)
  call.tenant:emit("domain.deleted", domain)
end

local function forget_project(tenant, project)
  for _, domain in ipairs(tenant.things.domain:list("project_id", project.id)) do
    verifier.remove(tenant, domain)
  end
end

local function rename_project(tenant, project)
  for _, domain in ipairs(tenant.things.domain:list("project_id", project.id)) do
    if domain.project ~= project.slug then
      verifier.rename(tenant, domain, project.slug)
    end
  end
end

-- ---- the world outside ----

-- What name servers answer, and which names organizations outside have (`taken`: name -> true): one world for live and test data.
local function begin(tenant)
  local sibling = tenant.emulator.tenants[not tenant.organization.livemode]
  tenant.dns = sibling and sibling.dns or { answers = assert(dns.read(tenant.emulator.options.dns)), taken = {} }
end

local function world_of(emulator)
  return emulator.tenants[false].dns
end

local function show_answers(emulator)
  return 200, { answers = world_of(emulator).answers }
end

local function put_answers(emulator, body)
  local more, problem = dns.read(body)
  if not more then
    return 400, problem
  end
  dns.put(world_of(emulator).answers, more)
  return 204
end

local function forget_answers(emulator)
  world_of(emulator).answers = {}
  return 204
end

local function show_taken(emulator)
  return 200, { names = json.array(json.keys(world_of(emulator).taken)) }
end

local function put_taken(emulator, body)
  for _, name in ipairs(type(body.names) == "table" and body.names or { false }) do
    if type(name) ~= "string" then
      return 400, "names must be a list of names."
    end
  end
  for _, name in ipairs(body.names) do
    world_of(emulator).taken[dns.plain(name)] = true
  end
  return 204
end

local function forget_taken(emulator)
  world_of(emulator).taken = {}
  return 204
end

return {
  collections = {
    domain = { indexes = { "project_id", "status" }, unique = { "name" } },
  },
  timers = verifier.timers,
  reactions = {
    ["project.deleted"] = forget_project,
    ["project.updated"] = rename_project,
  },
  begin = begin,
  find = {
    domain = function(call, reference)
      local domains = call.tenant.things.domain
      return domains:get(reference) or domains:find("name", reference:lower())
    end,
  },
  operations = {
    ["domains.list"] = list,
    ["domains.create"] = create,
    ["domains.get"] = function(call)
      return call.things.domain
    end,
    ["domains.verify"] = verify,
    ["domains.delete"] = delete,
  },
  control = {
    { "GET", "^/_emulator/dns$", show_answers },
    { "POST", "^/_emulator/dns$", put_answers },
    { "DELETE", "^/_emulator/dns$", forget_answers },
    { "GET", "^/_emulator/domains/taken$", show_taken },
    { "POST", "^/_emulator/domains/taken$", put_taken },
    { "DELETE", "^/_emulator/domains/taken$", forget_taken },
  },
}

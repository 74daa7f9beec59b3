-- Domains, from the records to set until they answer, and their certificates.
local DAY_MS = 24 * 3600 * 1000

local function pass(control, milliseconds)
  control("POST", "clock", { advance_ms = milliseconds })
end

local function names_of(page)
  local names = {}
  for index, domain in ipairs(page.data) do
    names[index] = domain.name
  end
  return table.concat(names, " ")
end

local function found(domain)
  local list = {}
  for index, record in ipairs(domain.verification) do
    list[index] = record.type .. (record.ok and "+" or "-") .. #record.found
  end
  return table.concat(list, " ")
end

-- By the traffic record alone.
local function by_alias(git, control, project)
  local domain = git.domains:create { project = project, name = "WWW.Brew.example", branch = "main" }
  assert(domain.status == "pending" and domain.name == "www.brew.example" and domain.apex_name == "brew.example", "it is added")
  assert(domain.branch == "main" and domain.redirect_to == nil and domain.redirect_status == nil, "it answers by itself")
  assert(found(domain) == "TXT-0 CNAME-0" and domain.last_checked_at == nil, "nothing is known yet")
  assert(domain.verification[2].value == project.slug .. ".git.dev", "the alias to set")

  pass(control, 1000)
  assert(git.domains:get("www.brew.example").status == "pending", "by its name")
  control("POST", "dns", { ["www.brew.example"] = { CNAME = project.slug .. ".git.dev" } })
  domain:verify()
  assert(domain.status == "verified" and found(domain) == "TXT-0 CNAME+1" and domain.verified_at, "the alias proves it")
  pass(control, 3000)
  assert(domain:wait { timeout = 60 } == domain and domain.status == "active" and domain.error == nil, "it answers")

  local certificate = git.certificates:get(domain.certificate_id)
  assert(certificate.status == "issued" and certificate.domains[1] == "www.brew.example", "it has a certificate")
  assert(certificate.issuer and certificate.serial and #certificate.fingerprint_sha256 == 64, "which is signed")
  assert(certificate.not_after - certificate.not_before == 90 * 24 * 3600 and certificate:wait() == certificate, "for 90 days")
  return domain
end

-- An apex that sends its visitors on, proven by the TXT record, and whose certificate somebody forbids at first.
local function by_proof(git, control, project)
  local domain = git.domains:create {
    project = project.id, name = "brew.example", redirect_to = "www.brew.example", redirect_status = 301,
  }
  assert(domain.redirect_to == "www.brew.example" and domain.redirect_status == 301, "it sends them on")
  assert(found(domain) == "TXT-0 A-0 AAAA-0", "an apex has addresses")
  local proof, a, aaaa = domain.verification[1], domain.verification[2].value, domain.verification[3].value
  control("POST", "dns", {
    [proof.name] = { TXT = { "else", proof.value } },
    ["brew.example"] = { CAA = '0 issue "other.example"', A = a, AAAA = aaaa },
  })
  pass(control, 3000)
  domain:refresh()
  assert(domain.status == "verified" and found(domain) == "TXT+2 A+1 AAAA+1", "it is proven")
  assert(domain.error.code == "certificate_failed", "but not served")
  assert(git.certificates:list({ domain = domain, status = "failed" }).data[1].error.code == "caa_forbidden", "and why")

  control("POST", "dns", { ["brew.example"] = { A = a, AAAA = aaaa } })
  pass(control, 63000)
  assert(domain:wait().status == "active", "the next attempt succeeds")
  return domain
end

local function lists(git, project)
  local page = git.domains:list { project = project, search = "BREW", order = "asc", limit = 1 }
  assert(names_of(page) == "www.brew.example" and page.has_more, "the first page")
  assert(names_of(git.domains:list { project = project, status = "active", order = "desc" }) == "brew.example www.brew.example", "all")
  assert(names_of(git.domains:list { status = "failed" }) == "", "none has failed")
  local count = 0
  for certificate in git.certificates:each { status = "issued", order = "asc", limit = 1 } do
    count = count + (certificate.domains[1]:find("brew.example", 1, true) and 1 or 0)
  end
  assert(count == 2, "both certificates")
end

-- Nobody proves the wildcard; the alias of another goes astray, and its certificate ends.
local function bad_ends(git, control, project, www)
  local wildcard = git.domains:create { project = project, name = "*.brew.example" }
  control("POST", "dns", { ["www.brew.example"] = { CNAME = "elsewhere.example" } })
  pass(control, 4 * DAY_MS)
  wildcard:refresh()
  assert(wildcard.status == "failed" and wildcard.error.code == "verification_timeout", "72 hours are over")
  assert(wildcard:verify().status == "pending" and wildcard.error == nil, "another 72 hours")
  assert(www:refresh().status == "misconfigured" and www.error.code == "traffic_record_wrong", "it went astray")

  pass(control, 58 * DAY_MS)
  assert(git.certificates:list({ status = "renewing", domain = www }).data[1].error, "nor can its certificate be renewed")
  assert(#git.events:list({ type = "certificate.renewed" }).data >= 1, "the other one was")
  pass(control, 29 * DAY_MS)
  local ended = git.certificates:list { domain = "www.brew.example" }
  assert(ended.data[1].status == "expired", "it has expired")
  assert(git.certificates:list({ status = "issued", domain = "brew.example" }).data[1], "the other one has not")
  control("POST", "dns", { ["www.brew.example"] = { CNAME = project.slug .. ".git.dev" } })
  assert(www:verify().status == "active", "it is found again")
  wildcard:delete()
end

return function(git, control)
  local project = git.projects:create { slug = "brewery" }
  local www = by_alias(git, control, project)
  local apex = by_proof(git, control, project)
  lists(git, project)
  bad_ends(git, control, project, www)
  git.domains:delete(www)
  git.domains:delete "brew.example"
  assert(names_of(git.domains:list { project = project }) == "" and apex.status == "active", "all are gone")
  git.projects:delete(project)
end

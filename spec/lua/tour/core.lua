-- The organization and what it uses, its keys, projects with their variables, deployments with their logs, tickets for streams, previews.
local gitdev = require "gitdev"

local DAY = 24 * 3600

local function same(a, b, words)
  assert(a == b, ("%s: %s, not %s"):format(words, tostring(a), tostring(b)))
end

-- The things of a list that `field` is taken of, as a text.
local function all(field, page)
  local list = {}
  for index, thing in ipairs(page.data) do
    list[index] = tostring(thing[field])
  end
  return table.concat(list, " ")
end

local function pass(control, milliseconds)
  control("POST", "clock", { advance_ms = milliseconds })
end

-- ---- organization, rate limit, regions, usage ----

local function organization(git)
  local acme = git.organization:get()
  same(acme.object, "organization", "the organization")
  assert(acme.id:find "^org_" and acme.slug and acme.name and acme.plan and acme.default_region == "iad", "its fields")
  assert(acme.public_key:find "^gpk_test_" and acme.livemode == false and acme.created_at > 0, "with a secret key")

  local limit = git.rate_limit:get()
  same(limit.plan, acme.plan, "the plan of the limit")
  assert(limit.per_minute > 0 and limit.remaining <= limit.burst and limit.reset_at > 0, "the bucket")
  return acme
end

local function regions(git, acme)
  local page = git.regions:list { limit = 3, order = "asc" }
  assert(#page.data == 3 and page.has_more, "a page of regions")
  local home
  for region in git.regions:each { limit = 10 } do
    assert(#region.id == 3 and #region.country == 2 and region.status == "operational", "a region")
    home = region.id == acme.default_region and region or home
  end
  assert(home and home.compute and home.edge and home.name, "the default region")
end

local function quantity(usage, metric)
  for _, row in ipairs(usage.metrics) do
    if row.metric == metric then
      return row.quantity
    end
  end
  return error("there is no " .. metric)
end

-- Called last: by then something was used.
local function usage(git, now)
  local month = git.usage:get()
  assert(month.period_start <= now and month.period_end > now and #month.metrics == 8, "this month")
  assert(quantity(month, "deployments") > 3 and quantity(month, "build_ms") > 0 and quantity(month, "api_requests") > 20, "was used")
  local before = git.usage:get { start = now - 30 * DAY, ["end"] = now - DAY }
  same(before.period_end - before.period_start, 29 * DAY, "a period")
  same(quantity(before, "deployments"), 0, "before the beginning")
  local one = git.usage:get { project = "blog", start = now - 2 * DAY, ["end"] = now + 2 * DAY }
  same(quantity(one, "deployments"), 1, "of one project")
end

-- ---- keys ----

local function api_keys(git, now)
  local everything = git.api_keys:create { name = "everything" }
  assert(everything.secret:find "^gsk_test_%w+$" and #everything.secret == 41, "the secret is told")
  same(everything.prefix, everything.secret:sub(1, 13), "its beginning")
  same(everything.last4, everything.secret:sub(-4), "its end")
  local deployer = git.api_keys:create {
    name = "deployer",
    type = "secret",
    projects = { "my-app" },
    scopes = { "deployments:write", "logs:read" },
    expires_at = now + 30 * DAY,
  }
  assert(deployer.projects[1]:find "^prj_" and deployer.scopes[2] == "logs:read", "what it may do")
  same(deployer.expires_at, now + 30 * DAY, "until when")
  local public = git.api_keys:create { name = "storefront", type = "public" }
  assert(public.secret:find "^gpk_test_%w+$", "a public one")

  local rotated = git.api_keys:rotate(deployer, { expire_previous_in = 3600 })
  assert(rotated.id == deployer.id and rotated.secret ~= deployer.secret, "the same key, another secret")
  assert(git.api_keys:rotate(everything.id).secret, "at once")
  assert(public:rotate { expire_previous_in = 0 } and public.secret, "by its own method")

  git.api_keys:delete(everything)
  local seen = {}
  for key in git.api_keys:each { limit = 2, order = "asc" } do
    seen[key.name] = key
    same(key.secret, nil, "a list tells no secret")
  end
  assert(seen.deployer and seen.storefront and not seen.everything, "those in force")
  for key in git.api_keys:each { type = "secret", include_revoked = true } do
    same(key.type, "secret", "of one type")
    seen[key.name] = key
  end
  assert(seen.everything.revoked_at and seen.everything.last_used_at == nil, "the one that was revoked")
end

-- ---- projects, variables ----

local function projects(git)
  local shop = git.projects:create {
    slug = "shop",
    name = "The shop",
    repository = "my-app",
    production_branch = "main",
    framework = "lapis",
    root_directory = "/web",
    build_command = "make",
    output_directory = "public",
    regions = { "iad", "fra" },
  }
  same(shop.url, "https://shop.git.dev", "where it answers")
  assert(shop.status == "active" and shop.repository_id:find "^repo_" and shop.current_deployment_id == nil, "a new project")
  same(git.projects:get("shop").id, shop.id, "by its slug")
  same(git.projects:get(shop.id).slug, "shop", "by its id")

  local blog = git.projects:create { slug = "blog" }
  assert(blog.name == "blog" and blog.regions[1] == "iad" and blog.repository_id == nil, "the defaults")
  same(all("slug", git.projects:list { search = "o" }), "blog shop", "the newest first")
  same(all("slug", git.projects:list { search = "SHO", repository = "my-app", status = "active" }), "shop", "found")
  same(all("slug", git.projects:list { search = "o", order = "asc", limit = 1 }), "shop", "the oldest first")

  shop = git.projects:update(shop, { framework = gitdev.null, build_command = gitdev.null, output_directory = gitdev.null, name = "Shop" })
  assert(shop.framework == nil and shop.build_command == nil and shop.root_directory == "/web", "null clears")
  same(git.projects:update("shop", { slug = "store", repository = gitdev.null, regions = { "sin" } }).url, "https://store.git.dev", "moved")
  same(shop:refresh().slug, "store", "it goes by the new one")
  same(shop:update({ status = "paused" }).status, "paused", "by its own method")
  same(all("slug", git.projects:list { status = "paused" }), "store", "those that are paused")
  shop:delete()
  same(all("slug", git.projects:list { search = "o" }), "blog", "it is gone")
end

local MOTTO = "a=b\r\n\"ü\" \240\159\152\128 $X %20 "

local function variables(git)
  local motto = git.env:create("my-app", { key = "MOTTO", value = MOTTO, targets = { "preview" }, branch = "develop" })
  same(motto.value, MOTTO, "every byte is kept")
  same(motto.size_bytes, #"MOTTO" + #MOTTO, "its size")
  local token = git.env:create("my-app", { key = "TOKEN", value = "hush", secret = true })
  assert(token.value == nil and token.secret and #token.targets == 3, "a secret does not come back")
  local again = git.env:create("my-app", { key = "TOKEN", value = "hush hush", secret = true, upsert = true })
  same(again.id, token.id, "an upsert changes the one that is there")
  same(git.env:get("my-app", motto.id).value, MOTTO, "it is read")
  same(all("key", git.env:list("my-app", { order = "asc" })), "MOTTO TOKEN", "all")
  same(all("key", git.env:list("my-app", { target = "preview", branch = "develop", key = "MOTTO" })), "MOTTO", "found")
  local changed = git.env:update("my-app", motto.id, { value = "", branch = gitdev.null, targets = { "production" } })
  assert(changed.value == "" and changed.branch == nil and changed.targets[1] == "production", "the empty text is a value")
  same(changed:update({ secret = true }).value, nil, "it becomes secret")
  git.env:delete("my-app", motto.id)
  git.env:create("my-app", { key = "MOTTO", value = MOTTO })
end

-- ---- deployments, logs, tickets ----

local function environment(control, deployment)
  return control("GET", "deployments/" .. deployment.id .. "/environment")
end

local function first_deployments(git, control)
  local one = git.deployments:create {
    project = "my-app",
    branch = "main",
    env = { NODE_ENV = "production", TOKEN = gitdev.null },
    regions = { "fra", "iad" },
    skip_cache = true,
    metadata = { ticket = "T-1" },
  }
  assert(one.status == "queued" and one.target == "production" and one.source == "api" and #one.commit_sha == 40, "it waits")
  same(table.concat(one.env_keys, " "), "MOTTO NODE_ENV", "its variables")
  local process = environment(control, one)
  assert(process.MOTTO == MOTTO and process.GIT_REGION == "fra" and process.TOKEN == nil, "its environment")
  pass(control, 60000)
  one:wait { quiet = true }
  assert(one.status == "live" and one.current and one.duration_ms > 0 and one.queued_ms and one.finished_at, "it is live")
  same(git.projects:get("my-app").current_deployment_id, one.id, "production points to it")

  local two = git.deployments:create { project = one.project_id, commit_sha = one.commit_sha, target = "production" }
  pass(control, 60000)
  assert(two:wait({ quiet = true }).current and not one:refresh().current, "the newer one is current")
  same(one.status, "live", "the old one stays live")
  return one, two
end

local function traffic(git, one, two)
  assert(git.deployments:rollback(one, { reason = "the colours" }).current, "back to the old one")
  assert(git.deployments:promote(two.id).current, "and forth")
  assert(one:rollback().current and two:promote().current, "by their own methods")
  local again = git.deployments:redeploy(one, { skip_cache = true, env = { NODE_ENV = "test" } })
  assert(again.parent_id == one.id and again.source == "redeploy" and again.commit_sha == one.commit_sha, "the same commit again")
  same(git.deployments:cancel(again).cancel_reason, "user", "it is canceled")
  same(git.deployments:get(again.id).status, "canceled", "for good")
end

local function failures(git, control)
  local broken = git.deployments:create { project = "my-app", branch = "develop", metadata = { emulate = "build_failed" } }
  pass(control, 60000)
  broken:refresh()
  assert(broken.status == "failed" and broken.failure.stage == "build" and broken.failure.code == "build_error", "it failed")
  local found = git.deployments:list {
    project = "my-app",
    status = { "failed", "canceled" },
    target = "preview",
    branch = "develop",
    commit_sha = broken.commit_sha,
    current = false,
    created_after = broken.created_at - 3600,
    created_before = broken.created_at + 3600,
  }
  same(all("id", found), broken.id, "it is found")
  git.deployments:delete(broken)
  local count = 0
  for deployment in git.deployments:each { project = "my-app", limit = 1 } do
    count = count + 1
    assert(deployment.id ~= broken.id, "it is gone")
  end
  same(count, 3, "the others, page by page")
end

local function logs(git, deployment)
  local page = git.deployments.logs:list(deployment, { limit = 3, stage = "build", level = "info", since_ms = 0 })
  assert(#page.data == 3 and page.has_more and page.data[1].seq == 1 and not page.data[1].truncated, "the oldest line first")
  local line = page.data[3]
  assert(line.stage == "build" and line.stream and line.level and line.time_ms > 0 and line.message ~= "", "a line")
  local rest = git.deployments.logs:list(deployment.id, { cursor = line.cursor })
  assert(rest.data[1].seq > line.seq, "a line's cursor goes on after it")
  local back = deployment:logs { order = "desc", until_ms = line.time_ms + 1 }
  assert(back.data[1].seq >= line.seq, "the newest first")
  assert(#git.deployments.logs:list(deployment.id, { stage = "runtime", level = "warn" }).data == 0, "nothing to warn of")
  local ticket = git.stream_tickets:create { resource = deployment.id }
  same(ticket.resource, deployment.id, "whose log")
  assert(ticket.ticket:find "^tkt_%w+$" and ticket.expires_at > deployment.created_at, "a ticket")
  assert(ticket.url:find "^wss://" and ticket.url:find(deployment.id .. "/logs/stream?ticket=" .. ticket.ticket, 1, true), "ready to open")
end

-- ---- previews ----

local function previews(git, control, now)
  local left = git.previews:list({ project = "my-app" }).data[1]
  assert(left.branch == "develop" and left.deployment_id == nil and left.status == "failed", "what the failure left")
  left:delete()
  local develop = git.previews:create {
    project = "my-app",
    branch = "develop",
    pull_request = 7,
    protection = "password",
    password = "open sesame",
    expires_in = 3600,
    env = { DEBUG = "1" },
  }
  assert(develop.status == "queued" and develop.protection == "password" and develop.pull_request == 7, "it is made")
  same(develop.password, nil, "the password does not come back")
  assert(develop.url:find "^https://my%-app%-%-develop%.git%.dev$" and develop.expires_at > now, "where and how long")
  local first = git.deployments:get(develop.deployment_id)
  assert(first.preview_id == develop.id and first.source == "preview", "its first deployment")
  pass(control, 60000)
  same(develop:wait({ quiet = true }).status, "live", "it is live")

  local next_one = git.deployments:create { project = "my-app", branch = "develop" }
  same(next_one.preview_id, develop.id, "the next one joins it")
  same(git.previews:get(develop.id).deployment_id, next_one.id, "and is what it shows")
  local plain = git.deployments:create { project = "blog", branch = "any" }
  assert(plain.preview_id and plain.commit_sha == nil, "a deployment opens one")
  local opened = git.previews:get(plain.preview_id)
  assert(opened.protection == "none" and opened.expires_at == nil and opened.pull_request == nil, "a plain one")

  same(all("id", git.previews:list { project = "my-app", branch = "develop", pull_request = 7, status = "queued" }), develop.id, "found")
  same(all("project", git.previews:list { limit = 2 }), "blog my-app", "the newest first")
  pass(control, 3600 * 1000)
  same(develop:refresh().status, "expired", "its time is over")
  same(develop.deployment_id, nil, "its deployments are gone")
  same(all("id", git.previews:list { status = "expired" }), develop.id, "it is on record")
  git.previews:delete(develop)
  opened:delete()
  same(#git.previews:list({ project = "blog" }).data, 0, "both are gone")
end

return function(git, control)
  local acme = organization(git)
  local now = git.rate_limit:get().reset_at
  regions(git, acme)
  api_keys(git, now)
  projects(git)
  variables(git)
  local one, two = first_deployments(git, control)
  traffic(git, one, two)
  failures(git, control)
  logs(git, one)
  previews(git, control, now)
  usage(git, now)
end

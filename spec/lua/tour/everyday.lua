-- Projects, their variables, deployments and their logs; the organization and its rate limit.
local gitdev = require "gitdev"

local SHA = "^" .. ("%x"):rep(40) .. "$"

local function the_organization(git)
  local organization = git.organization:get()
  assert(organization.object == "organization" and organization.plan, "a secret key sees the plan")
  local limit = git.rate_limit:get()
  assert(limit.per_minute > 0 and limit.remaining <= limit.burst, "the bucket")
end

local function projects(git)
  local project = git.projects:create {
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
  assert(project.url == "https://shop.git.dev" and project.repository_id, "a project is made")
  assert(git.projects:get("shop").id == project.id and git.projects:get(project.id).slug == "shop", "an id or a slug")
  local found = git.projects:list { search = "sho", repository = "my-app", status = "active", limit = 5, order = "asc" }
  assert(#found.data == 1 and found.data[1].id == project.id, "it is found")

  project = git.projects:update(project, { framework = gitdev.null, build_command = gitdev.null, repository = gitdev.null, name = "Shop" })
  assert(project.framework == nil and project.repository_id == nil and project.name == "Shop", "null clears")
  assert(git.projects:update("shop", { status = "paused" }).status == "paused", "it is paused")
  assert(#git.projects:list({ status = "paused" }).data == 1, "those that are paused")
  git.projects:delete(project)
end

local function variables(git)
  local plain = git.env:create("my-app", { key = "MOTTO", value = "a=b\n\"ü\" 😀", targets = { "preview" }, branch = "develop" })
  assert(plain.value == "a=b\n\"ü\" 😀" and plain.branch == "develop", "every byte is kept")
  local secret = git.env:create("my-app", { key = "TOKEN", value = "hush", secret = true })
  assert(secret.value == nil and #secret.targets == 3, "a secret does not come back")
  local changed = git.env:create("my-app", { key = "TOKEN", value = "hush hush", secret = true, upsert = true })
  assert(changed.id == secret.id, "an upsert changes the one that is there")
  assert(git.env:get("my-app", plain.id).key == "MOTTO", "it is read")
  assert(#git.env:list("my-app", { target = "preview", branch = "develop", key = "MOTTO" }).data == 1, "it is found")
  assert(git.env:update("my-app", plain.id, { value = "", branch = gitdev.null, targets = { "production" } }).branch == nil, "null clears")
  git.env:delete("my-app", plain.id)
end

local function first_deployments(git)
  local one = git.deployments:create {
    project = "my-app",
    branch = "main",
    env = { NODE_ENV = "production" },
    regions = { "iad" },
    skip_cache = true,
    metadata = { ticket = "T-1" },
  }
  assert(one.status == "queued" and one.target == "production" and one.commit_sha:find(SHA), "it waits for a builder")
  one:wait { quiet = true }
  assert(one.status == "live" and one.current and one.duration_ms, "it is live")
  local two = git.deployments:create { project = one.project_id, commit_sha = one.commit_sha, target = "production" }
  two:wait { quiet = true }
  assert(two.current and not git.deployments:get(one.id).current, "the newer one is current")
  return one, two
end

local function traffic(git, one, two)
  assert(git.deployments:rollback(one, { reason = "the colours" }).current, "back to the old one")
  assert(git.deployments:promote(two.id).current, "and forth")
  local again = git.deployments:redeploy(one, { skip_cache = true, env = { NODE_ENV = "test" } })
  assert(again.parent_id == one.id and again.source == "redeploy", "the same commit again")
  assert(git.deployments:cancel(again).status == "canceled", "it is canceled")
end

local function failures(git, control)
  local broken = git.deployments:create { project = "my-app", branch = "develop", metadata = { emulate = "build_failed" } }
  control("POST", "clock", { advance_ms = 60000 })
  broken = git.deployments:get(broken.id)
  assert(broken.status == "failed" and broken.target == "preview" and broken.failure.stage == "build", "it failed")
  local page = git.deployments:list {
    project = "my-app",
    status = { "failed", "canceled" },
    target = "preview",
    branch = "develop",
    current = false,
    created_after = broken.created_at - 3600,
    created_before = broken.created_at + 3600,
    commit_sha = broken.commit_sha,
  }
  assert(#page.data == 1 and page.data[1].id == broken.id, "it is found")
  git.deployments:delete(broken)
end

local function pages(git)
  local seen = 0
  for _ in git.deployments:each { project = "my-app", limit = 1 } do
    seen = seen + 1
  end
  assert(seen == 3, "all pages")
end

local function logs(git, deployment)
  local page = git.deployments.logs:list(deployment.id, { limit = 3, stage = "build", level = "info", since_ms = 0 })
  assert(#page.data == 3 and page.has_more and page.data[1].seq == 1, "the oldest line first")
  local line = page.data[3]
  local rest = git.deployments.logs:list(deployment.id, { cursor = line.cursor, stage = "build", level = "info", since_ms = 0 })
  assert(rest.data[1].seq > line.seq, "a line's cursor goes on after it")
  local back = git.deployments.logs:list(deployment.id, { order = "desc", until_ms = line.time_ms + 1 })
  assert(back.data[1].seq >= line.seq, "the newest first")
end

return function(git, control)
  the_organization(git)
  projects(git)
  variables(git)
  local one, two = first_deployments(git)
  traffic(git, one, two)
  failures(git, control)
  pages(git)
  logs(git, one)
end

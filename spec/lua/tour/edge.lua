-- What answers at the edge: functions, configs and their items, purges, rules.
local gitdev = require "gitdev"

local function pass(control, milliseconds)
  control("POST", "clock", { advance_ms = milliseconds })
end

local function names_of(page, field)
  local names = {}
  for index, thing in ipairs(page.data) do
    names[index] = thing[field or "name"]
  end
  return table.concat(names, " ")
end

local CODE = "export default () => new Response('h\195\164')\n"

local function functions(git, control, project)
  local fn = git.edge_functions:create {
    project = project.slug, name = "hello", code = CODE, routes = { "/hello/:name", "/hi/*" }, regions = { "fra", "iad" },
    env = { GREETING = "a=b\n", EMPTY = "" }, memory_mb = 256, timeout_ms = 500,
  }
  assert(fn.status == "deploying" and fn.version == 1 and fn.project_id == project.id and fn.runtime == "edge-js-1", "it is made")
  assert(table.concat(fn.env_keys, " ") == "EMPTY GREETING" and fn.memory_mb == 256 and fn.timeout_ms == 500, "as it was asked for")
  assert(fn.code_bytes == #CODE and #fn.code_sha256 == 64 and fn.error == nil and fn.code == nil, "and tells no code by itself")
  local bad = git.edge_functions:create {
    project = project.id, name = "bad", code = "throw new Error('no')", routes = { "/bad" },
  }
  pass(control, 2000)
  assert(fn:wait { timeout = 60 } == fn and fn.status == "active", "it serves")
  local failed = git.edge_functions:get(bad.id)
  assert(failed.status == "failed" and failed.error.code == "startup_error" and failed.error.message, "the other one failed")
  assert(git.edge_functions:get(fn, { include_code = true }).code == CODE, "its code is kept byte for byte")

  fn:update { code = CODE .. "// two", env = {}, expected_version = 1 }
  assert(fn.version == 2 and fn.status == "deploying" and #fn.env_keys == 0, "a new version")
  pass(control, 2000)
  fn = git.edge_functions:update(fn.id, {
    name = "hello-2", routes = { "/hello" }, regions = { "*" }, memory_mb = 128, timeout_ms = 30000, enabled = false,
  })
  assert(fn.status == "disabled" and fn.version == 2 and fn.name == "hello-2" and fn.regions[1] == "*", "no new version, but disabled")
  assert(names_of(git.edge_functions:list { project = project.slug, status = "disabled" }) == "hello-2", "by status")
  assert(names_of(git.edge_functions:list { project = project, order = "asc" }) == "hello-2 bad", "in order")
  assert(fn:update({ enabled = true }).status == "active", "enabled again")
  bad:delete()
  git.edge_functions:delete(fn)
  assert(#git.edge_functions:list({ project = project.slug }).data == 0, "gone")
end

local function configs(git, project)
  local config = git.edge_configs:create {
    name = "tour-flags", projects = { project.slug },
    items = { ["ui.dark"] = true, ["ui.list"] = { 1, 2, { deep = "\226\152\131" } }, beta = false, none = gitdev.null },
  }
  assert(config.item_count == 4 and config.version == 1 and #config.digest == 64 and config.project_ids[1] == project.id, "it is made")
  local items, keys = git.edge_configs.items, {}
  for item in items:each(config, { prefix = "ui.", limit = 1 }) do
    keys[#keys + 1] = item.key
  end
  assert(table.concat(keys, " ") == "ui.dark ui.list", "by prefix")
  assert(names_of(items:list(config.id, { order = "desc" }), "key") == "ui.list ui.dark none beta", "by key")
  assert(items:get(config, "ui.list").value[3].deep == "\226\152\131" and items:get(config, "none").value == nil, "any value")

  local created = items:set(config, "new:key", { value = { 0.5, "x", gitdev.null, gitdev.array {} }, expected_version = 0 })
  assert(created.key == "new:key" and created.version == 1 and created.value[1] == 0.5, "a new key")
  local changed = items:set(config, "new:key", { value = gitdev.null, expected_version = 1 })
  assert(changed.version == 2 and changed.value == nil, "null is a value")
  items:delete(config, "new:key")
  local before = config.digest
  config:refresh()
  assert(config.version == 4 and config.item_count == 4 and config.digest == before, "three writes later it holds the same")
  assert(names_of(git.edge_configs:list { project = project.id }) == "tour-flags", "by project")
  local empty = git.edge_configs:create { name = "tour-empty" }
  assert(empty.item_count == 0 and #empty.project_ids == 0 and git.edge_configs:get(empty.id).size_bytes == 0, "an empty one")
  empty:delete()
  git.edge_configs:delete(config)
end

local function purges(git, control, project)
  local host = "https://" .. project.slug .. ".git.dev"
  local all = git.cache_purges:create { project = project.slug, everything = true }
  assert(all.scope == "everything" and #all.values == 0 and all.status == "queued" and all.regions_done == 0, "everything")
  pass(control, 1000)
  local half = git.cache_purges:get(all.id)
  assert(half.regions_done > 0, "on its way")
  pass(control, 5000)
  assert(all:wait { timeout = 60 }.regions_done == all.regions_total and all.finished_at, "everywhere")
  local urls = git.cache_purges:create { project = project.id, urls = { host .. "/a?b=c", host .. "/" } }
  local prefixes = git.cache_purges:create { project = project, prefixes = { "/blog/", host .. "/news/" } }
  local tags = git.cache_purges:create { project = project.slug, tags = { "post:1", "emulate-failed" } }
  assert(urls.scope == "urls" and #urls.values == 2 and prefixes.scope == "prefixes" and tags.scope == "tags", "by what is named")
  pass(control, 5000)
  assert(urls:refresh().status == "completed" and tags:refresh().status == "failed", "to a good end, and to a bad one")
end

local function rules(git, control, project)
  local function make(fields)
    fields.project = project.slug
    return git.edge_rules:create(fields)
  end
  local function resolve(path)
    return control("POST", "edge/resolve", { project = project.slug, path = path })
  end
  local page = make { type = "rewrite", source = "/*", destination = "/index.html" }
  assert(page.priority == 0 and page.status_code == nil and page.headers == nil and page.enabled, "a rewrite")
  local moved = make { type = "redirect", source = "/old/:id/*", destination = "/new/*?id=:id", status_code = 301, priority = 0 }
  assert(moved.priority == 0 and page:refresh().priority == 1 and moved.status_code == 301, "a redirect before it")
  local headers = make { type = "header", source = "/old/*", headers = { ["X-Robots-Tag"] = "none", ["Cache-Control"] = "no-store" } }
  assert(headers.headers["X-Robots-Tag"] == "none" and headers.destination == nil, "headers")
  local met = resolve "/old/7/a/b"
  assert(met.action == "redirect" and met.location == "/new/a/b?id=7" and met.headers["Cache-Control"] == "no-store", "all of it")
  assert(resolve("/else").path == "/index.html", "the rewrite")
  assert(names_of(git.edge_rules:list { project = project.slug }, "source") == "/old/:id/* /* /old/*", "by priority")
  assert(names_of(git.edge_rules:list { project = project, type = "header", order = "desc" }, "source") == "/old/*", "by type")
  headers:update { priority = 0, headers = { ["Cache-Control"] = "no-cache" }, source = "/:any" }
  assert(headers.priority == 0 and headers.headers["X-Robots-Tag"] == nil and headers.source == "/:any", "changed, and moved")
  moved:update { destination = "https://example.com/*", status_code = gitdev.null }
  assert(moved.status_code == 308 and moved.destination == "https://example.com/*", "null is the usual status")
  assert(git.edge_rules:update(page.id, { enabled = false }).enabled == false, "asleep")
  assert(git.edge_rules:get(moved.id).priority == 1, "in the middle")
  moved:delete()
  git.edge_rules:delete(headers)
  assert(page:refresh().priority == 0, "the only one left")
  page:delete()
end

return function(git, control)
  local project = git.projects:create { slug = "tour-edge" }
  functions(git, control, project)
  configs(git, project)
  purges(git, control, project)
  rules(git, control, project)
end

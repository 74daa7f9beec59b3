-- Repositories (contract 2.7, 4.3).
local git = require "gitdev.git"
local json = require "gitdev.json"
local world = require "spec.lua.support.world"

local codes = world.codes
local NOWHERE = ("0"):rep(40)

local w

local function names(path, field)
  local answer = w:get(path)
  assert(answer.status == 200, answer.body)
  local list = {}
  for index, thing in ipairs(answer.json.data) do
    list[index] = thing[field or "name"]
  end
  return table.concat(list, " ")
end

-- Commits to my-app; `actions` may be a map of path to content (false: delete).
local function commit(actions, more, repository)
  local list = {}
  for path, content in pairs(actions[1] == nil and actions or {}) do
    list[#list + 1] = content and { action = "create", path = path, content = content } or { action = "delete", path = path }
  end
  table.sort(list, function(a, b)
    return a.path < b.path
  end)
  local body = { branch = "main", message = "m", actions = actions[1] and actions or list }
  for name, value in pairs(more or {}) do
    body[name] = value
  end
  return w:post("/repositories/" .. (repository or "my-app") .. "/commits", body)
end

local function committed(...)
  local answer = commit(...)
  assert(answer.status == 201, answer.body)
  return answer.json
end

local function events(from)
  return table.concat(w:events(from), " ")
end

local function last_event()
  local list = w.emulator:events()
  return list[#list]
end

-- Events of other resources react to pushes; only those of repositories are looked at here.
local function pushes(from)
  local list = {}
  for index, event in ipairs(w.emulator:events()) do
    list[#list + 1] = index >= from and event.type == "repository.pushed" and event.data or nil
  end
  return list
end

local function mark()
  return #w.emulator:events() + 1
end

local function head(branch, repository)
  return w:get(("/repositories/%s/branches/%s"):format(repository or "my-app", branch or "main")).json.commit_sha
end

local function content(path, ref)
  local answer = w:get("/repositories/my-app/files/" .. path .. (ref and "?ref=" .. ref or ""))
  return answer.status == 200 and answer.json.content or answer.status
end

before_each(function()
  w = world.new { rate_limit = false }
end)

describe("the emulator's repositories", function()
  it("begin with my-app", function()
    local repository = w:get("/repositories/my-app").json
    assert.equal("", world.misfit(repository, "repository"))
    assert.equal(repository.id, w:get("/projects/my-app").json.repository_id)
    assert.equal(repository.id, w:get("/repositories/" .. repository.id).json.id)
    assert.same({ "main", false, false, "private" }, {
      repository.default_branch, repository.empty, repository.archived, repository.visibility,
    })
    assert.equal("develop main", names "/repositories/my-app/branches")
    assert.equal("Begin develop Initial commit", names("/repositories/my-app/commits?ref=develop", "message"))
    assert.equal(".gitignore README.md package.json public script src", names("/repositories/my-app/tree", "path"))
  end)

  it("have the same commits in every run, known before libgit2 is asked", function()
    local before = w:deploy().commit_sha
    assert.is_nil(w.emulator.tenants[false].things.repository:find("name", "my-app").private.objects)
    assert.equal(before, w:get("/repositories/my-app/commits/" .. before).json.sha)
    local other = world.new { seed = 2 }
    assert.equal(before, other:get("/repositories/my-app/branches/main").json.commit_sha)
    assert.equal("9d8681ad6cbcac9f32641fc5ba19ca130cee6a39", before)
  end)

  it("say how large they are, before their objects are made as after", function()
    local before = w:get("/repositories/my-app").json.size_bytes
    local made = committed { a = "12345" }
    local tree = w:get("/repositories/my-app/tree").json.data
    assert.is_true(w:get("/repositories/my-app").json.size_bytes > before + 5, made.sha)
    assert.equal(5, tree[3].size_bytes)
    local fresh = world.new()
    fresh:get "/repositories/my-app/tree"
    local repository = fresh.emulator.tenants[false].things.repository:find("name", "my-app")
    assert.equal(repository.size_bytes, repository.private.objects:size())
  end)

  it("have the branches that the emulator is told of", function()
    w = world.new { branches = { "trunk", "feature/x" } }
    local repository = w:get("/repositories/my-app").json
    assert.equal("trunk", repository.default_branch)
    assert.equal("feature/x trunk", names "/repositories/my-app/branches")
    w = world.new { branches = {} }
    assert.is_true(w:get("/repositories/my-app").json.empty)
    assert.equal("", names "/repositories/my-app/branches")
  end)

  describe("are made", function()
    it("bare, unless told", function()
      w:wait(5)
      local from = mark()
      local answer = w:post("/repositories", { name = "tools" })
      assert.equal(201, answer.status)
      assert.equal("", world.misfit(answer.json, "repository"))
      assert.matches("^repo_[0-9a-z]+$", answer.json.id)
      assert.same({
        id = answer.json.id,
        object = "repository",
        name = "tools",
        description = json.null,
        visibility = "private",
        default_branch = "main",
        empty = true,
        archived = false,
        size_bytes = 0,
        clone_url = "https://git.dev/acme/tools.git",
        ssh_url = "git@git.dev:acme/tools.git",
        pushed_at = json.null,
        created_at = world.START + 5,
        updated_at = world.START + 5,
      }, answer.json)
      assert.equal("repository.created", events(from))
      assert.same({
        repository = "tools", repository_id = answer.json.id, visibility = "private", default_branch = "main",
      }, last_event().data)
    end)

    it("with a README, if told", function()
      local from = mark()
      local made = w:post("/repositories", {
        name = "tools", init = true, default_branch = "trunk", description = "h\195\164", visibility = "public",
      }).json
      assert.same({ false, "trunk", "public", "h\195\164" }, { made.empty, made.default_branch, made.visibility, made.description })
      assert.equal("repository.created repository.pushed", events(from):sub(1, 36))
      local push = pushes(from)[1]
      assert.same({ "trunk", NOWHERE, true, false, false, 1 }, {
        push.branch, push.before, push.created, push.deleted, push.forced, push.total_commits,
      })
      assert.equal("# tools\n\nh\195\164\n", w:get("/repositories/tools/files/README.md").json.content)
      assert.equal(push.after, head("trunk", "tools"))
      assert.equal("Initial commit", names("/repositories/tools/commits", "message"))
    end)

    it("under names that are free and allowed", function()
      local cases = {
        { "my-app", "409 already_exists name" },
        { "x.git", "422 name_reserved name" },
        { "x.GIT", "422 name_reserved name" },
        { "repo_0123456789ab", "422 name_reserved name" },
        { "-x", "422 parameter_invalid name" },
        { "a/b", "422 parameter_invalid name" },
        { "..", "422 parameter_invalid name" },
        { "", "422 parameter_invalid name" },
        { ("a"):rep(101), "422 parameter_invalid name" },
        { json.null, "422 invalid_type name" },
      }
      for _, case in ipairs(cases) do
        assert.equal(case[2], codes(w:post("/repositories", { name = case[1] })), tostring(case[1]))
      end
      assert.equal("422 parameter_missing name", codes(w:post("/repositories", {})))
      for _, name in ipairs { "A", "My-App", "my.app", "a_b", "x.gitt", "repo_0123456789abc", ("a"):rep(100) } do
        assert.equal(201, w:post("/repositories", { name = name }).status, name)
      end
    end)

    it("with a default branch that Git takes", function()
      for _, name in ipairs { "a b", "a..b", ".a", "a.lock", "a/", "HEAD", "@", "-a", "a@{b", "" } do
        assert.equal("422 parameter_invalid default_branch", codes(w:post("/repositories", { name = "x", default_branch = name })), name)
      end
      assert.equal(201, w:post("/repositories", { name = "x", default_branch = "a/b.c" }).status)
    end)

    it("once under one idempotency key", function()
      local extra = { headers = { ["idempotency-key"] = "k" } }
      local first = w:post("/repositories", { name = "tools", init = true }, extra)
      local count = #w.emulator:events()
      local again = w:post("/repositories", { name = "tools", init = true }, extra)
      assert.same({ first.body, "true", count }, { again.body, again.headers["idempotent-replayed"], #w.emulator:events() })
    end)
  end)

  describe("are listed", function()
    before_each(function()
      w:post("/repositories", { name = "b", visibility = "public", description = "About Trees" })
      w:post("/repositories", { name = "c" })
      w:patch("/repositories/c", { archived = true })
    end)

    it("by every filter, in both orders", function()
      local cases = {
        { "", "c b my-app" }, { "?order=asc", "my-app b c" }, { "?visibility=public", "b" }, { "?visibility=private", "c my-app" },
        { "?archived=true", "c" }, { "?archived=false", "b my-app" }, { "?search=tree", "b" }, { "?search=MY", "my-app" },
        { "?search=%25", "" }, { "?visibility=public&archived=true", "" },
      }
      for _, case in ipairs(cases) do
        assert.equal(case[2], names("/repositories" .. case[1]), case[1])
      end
    end)

    it("page by page, whatever is made meanwhile", function()
      local found = w:walk("/repositories?limit=1", function(page)
        w:post("/repositories", { name = "new-" .. page })
      end)
      assert.equal(3, #found)
      local cursor = w:get("/repositories?limit=1").json.next_cursor
      assert.equal("400 cursor_mismatch cursor", codes(w:get("/repositories?limit=1&archived=true&cursor=" .. cursor)))
    end)
  end)

  describe("change", function()
    it("field by field", function()
      w:wait(9)
      local from = mark()
      local made = w:patch("/repositories/my-app", {
        name = "other", description = "d", visibility = "public", default_branch = "develop", archived = true,
      }).json
      assert.same({ "other", "d", "public", "develop", true, world.START + 9, world.START }, {
        made.name, made.description, made.visibility, made.default_branch, made.archived, made.updated_at, made.created_at,
      })
      assert.same({ "https://git.dev/acme/other.git", "git@git.dev:acme/other.git" }, { made.clone_url, made.ssh_url })
      assert.equal("repository.updated", events(from))
      assert.same({
        repository = "other", repository_id = made.id, visibility = "public", default_branch = "develop",
      }, last_event().data)
      assert.equal(404, w:get("/repositories/my-app").status)
      assert.equal("other", w:get("/repositories/other").json.name)
      assert.is_true(w:get("/repositories/other/branches/develop").json.default)
      assert.is_false(w:get("/repositories/other/branches/main").json.default)
      assert.equal(json.null, w:patch("/repositories/other", { description = json.null }).json.description)
    end)

    it("not at all when nothing does", function()
      w:wait(9)
      local before = mark()
      for _, body in ipairs { {}, { name = "my-app", archived = false, visibility = "private", description = json.null } } do
        assert.equal(world.START, w:patch("/repositories/my-app", body).json.updated_at)
      end
      assert.equal(before, mark())
    end)

    it("to nothing that is not allowed", function()
      w:post("/repositories", { name = "taken" })
      local cases = {
        { { name = "taken" }, "409 already_exists name" },
        { { name = "x.git" }, "422 name_reserved name" },
        { { name = json.null }, "422 invalid_type name" },
        { { default_branch = "gone" }, "422 resource_missing default_branch" },
        { { default_branch = json.null }, "422 invalid_type default_branch" },
        { { archived = "yes" }, "422 invalid_type archived" },
        { { visibility = "secret" }, "422 parameter_invalid visibility" },
        { { empty = true }, "422 parameter_unknown empty" },
        { { init = true }, "422 parameter_unknown init" },
      }
      for _, case in ipairs(cases) do
        assert.equal(case[2], codes(w:patch("/repositories/my-app", case[1])))
      end
    end)
  end)

  it("are deleted, unless a project is built from them", function()
    assert.equal("409 resource_in_use", codes(w:delete "/repositories/my-app"))
    w:patch("/projects/my-app", { repository = json.null })
    local id = w:get("/repositories/my-app").json.id
    assert.equal(204, w:delete("/repositories/my-app").status)
    assert.equal("repository.deleted", last_event().type)
    assert.same({ repository = "my-app", repository_id = id, visibility = "private", default_branch = "main" }, last_event().data)
    for _, path in ipairs { "", "/branches", "/branches/main", "/commits", "/tree", "/files/README.md", "/compare?base=main&head=main" } do
      assert.equal("404 resource_missing", codes(w:get("/repositories/my-app" .. path)), path)
    end
    assert.equal(404, w:delete("/repositories/my-app").status)
    assert.equal(201, w:post("/repositories", { name = "my-app" }).status)
  end)

  describe("are seen", function()
    local OPERATIONS = {
      { "GET", "/repositories", "read" },
      { "GET", "/repositories/my-app", "read" },
      { "GET", "/repositories/my-app/branches", "read" },
      { "GET", "/repositories/my-app/branches/main", "read" },
      { "GET", "/repositories/my-app/commits", "read" },
      { "GET", "/repositories/my-app/commits/9d8681a", "read" },
      { "GET", "/repositories/my-app/tree", "read" },
      { "GET", "/repositories/my-app/files/README.md", "read" },
      { "GET", "/repositories/my-app/compare?base=main&head=develop", "read" },
      { "POST", "/repositories", "write", { name = "n" } },
      { "PATCH", "/repositories/my-app", "write", { description = "d" } },
      { "POST", "/repositories/my-app/branches", "write", { name = "n", from = "main" } },
      { "POST", "/repositories/my-app/commits", "write",
        { branch = "n", message = "m", actions = { { action = "create", path = "p", content = "" } } } },
      { "DELETE", "/repositories/my-app/branches/n", "write" },
      { "DELETE", "/repositories/n", "write" },
    }

    it("by keys with the scope", function()
      local keys = {}
      for _, scope in ipairs { "repositories:read", "repositories:write", "projects:write" } do
        keys[scope] = w.emulator:issue_key { scopes = { scope } }
      end
      for _, case in ipairs(OPERATIONS) do
        local what = case[1] .. " " .. case[2]
        local refused = w:send(case[1], case[2], case[4], { key = keys["projects:write"] })
        assert.equal("403 insufficient_scope", codes(refused), what)
        assert.equal("repositories:" .. case[3], refused.json.error.required_scope, what)
        if case[3] == "write" then
          assert.equal(403, w:send(case[1], case[2], case[4], { key = keys["repositories:read"] }).status, what)
        else
          assert.equal(200, w:send(case[1], case[2], case[4], { key = keys["repositories:read"] }).status, what)
        end
        assert.is_true(w:send(case[1], case[2], case[4], { key = keys["repositories:write"] }).status < 300, what)
      end
    end)

    it("by keys of single projects too: they belong to the organization", function()
      w:post("/projects", { slug = "shop" })
      local key = w.emulator:issue_key { projects = { "shop" }, scopes = { "repositories:write" } }
      assert.equal(1, #w:get("/repositories", { key = key }).json.data)
      assert.equal(200, w:get("/repositories/my-app/commits", { key = key }).status)
    end)

    it("in their own mode alone", function()
      local live = w.emulator:issue_key { livemode = true }
      w:post("/repositories", { name = "tools" })
      assert.equal(404, w:get("/repositories/tools", { key = live }).status)
    end)
  end)
end)

describe("the emulator's branches", function()
  it("are opened at a branch, a commit, or the beginning of one's id", function()
    w:wait(3)
    local develop = head "develop"
    for index, from in ipairs { "develop", develop, develop:sub(1, 7) } do
      local place = mark()
      local answer = w:post("/repositories/my-app/branches", { name = "b" .. index, from = from })
      assert.equal(201, answer.status)
      assert.equal("", world.misfit(answer.json, "branch"))
      assert.same({
        object = "branch", name = "b" .. index, commit_sha = develop, protected = false, default = false, updated_at = world.START + 3,
      }, answer.json)
      assert.same({
        repository = "my-app",
        repository_id = w:get("/repositories/my-app").json.id,
        branch = "b" .. index,
        before = NOWHERE,
        after = develop,
        forced = false,
        created = true,
        deleted = false,
        commits = {},
        total_commits = 0,
      }, pushes(place)[1])
      assert.equal(world.START + 3, w:get("/repositories/my-app").json.pushed_at)
    end
  end)

  it("are not opened where they cannot be", function()
    w:post("/repositories/my-app/branches", { name = "f/x", from = "main" })
    local cases = {
      { { name = "main", from = "main" }, "409 already_exists name" },
      { { name = "main/x", from = "main" }, "409 already_exists name" },
      { { name = "f", from = "main" }, "409 already_exists name" },
      { { name = "f/x/y/z", from = "main" }, "409 already_exists name" },
      { { name = "n", from = "gone" }, "422 resource_missing from" },
      { { name = "n", from = NOWHERE }, "422 resource_missing from" },
      { { name = "n", from = head():sub(1, 6) }, "422 resource_missing from" },
      { { name = "n", from = "" }, "422 parameter_invalid from" },
      { { name = "n" }, "422 parameter_missing from" },
      { { from = "main" }, "422 parameter_missing name" },
      { { name = "a b", from = "main" }, "422 parameter_invalid name" },
      { { name = "a..b", from = "main" }, "422 parameter_invalid name" },
      { { name = "HEAD", from = "main" }, "422 parameter_invalid name" },
      { { name = ("a"):rep(245), from = "main" }, "422 parameter_invalid name" },
      { { name = "n", from = "main", protected = 1 }, "422 invalid_type protected" },
    }
    local before = mark()
    for _, case in ipairs(cases) do
      assert.equal(case[2], codes(w:post("/repositories/my-app/branches", case[1])), case[1].name)
    end
    assert.equal(before, mark())
    for _, name in ipairs { "f-x", "f/y", "\195\164/\226\152\131", ("a"):rep(244) } do
      assert.equal(201, w:post("/repositories/my-app/branches", { name = name, from = "main" }).status, name)
    end
  end)

  it("are listed by name, by every filter", function()
    for _, name in ipairs { "z", "a/b", "a-b", "A" } do
      w:post("/repositories/my-app/branches", { name = name, from = "main", protected = name == "z" })
    end
    local cases = {
      { "", "A a-b a/b develop main z" }, { "?order=desc", "z main develop a/b a-b A" }, { "?search=B", "a-b a/b" }, { "?protected=true", "z" },
      { "?protected=false&search=a", "A a-b a/b main" },
    }
    for _, case in ipairs(cases) do
      assert.equal(case[2], names("/repositories/my-app/branches" .. case[1]), case[1])
    end
    local walked = {}
    for index, branch in ipairs((w:walk("/repositories/my-app/branches?limit=2", function(page)
      w:post("/repositories/my-app/branches", { name = "a" .. page, from = "main" })
    end))) do
      walked[index] = branch.name
    end
    assert.equal("A a-b a/b a1 a2 develop main z", table.concat(walked, " "))
  end)

  it("are read with their slashes, plain and encoded", function()
    w:post("/repositories/my-app/branches", { name = "f/x", from = "main" })
    assert.equal("f/x", w:get("/repositories/my-app/branches/f/x").json.name)
    assert.equal("f/x", w:get("/repositories/my-app/branches/f%2Fx").json.name)
    for _, name in ipairs { "f", "f/", "f/x/y", "f//x", "%ff", "x%00" } do
      assert.equal("404 resource_missing", codes(w:get("/repositories/my-app/branches/" .. name)), name)
    end
  end)

  it("are deleted, but for protected ones and the default one", function()
    w:post("/repositories/my-app/branches", { name = "kept", from = "main", protected = true })
    assert.equal("403 branch_protected", codes(w:delete "/repositories/my-app/branches/kept"))
    assert.equal("409 resource_in_use", codes(w:delete "/repositories/my-app/branches/main"))
    local place, sha = mark(), head "develop"
    assert.equal(204, w:delete("/repositories/my-app/branches/develop").status)
    local push = pushes(place)[1]
    assert.same({ "develop", sha, NOWHERE, false, true, false, {}, 0 }, {
      push.branch, push.before, push.after, push.created, push.deleted, push.forced, push.commits, push.total_commits,
    })
    assert.equal(404, w:delete("/repositories/my-app/branches/develop").status)
    assert.equal("kept main", names "/repositories/my-app/branches")
    -- The commit itself is still there.
    assert.equal(sha, w:get("/repositories/my-app/commits/" .. sha).json.sha)
  end)
end)

describe("the emulator's commits", function()
  it("are made of actions, all at once", function()
    w:wait(60)
    local before, place = head(), mark()
    local made = committed({
      { action = "create", path = "docs/a.md", content = "a\n" },
      { action = "update", path = "README.md", content = "new\n" },
      { action = "delete", path = "package.json" },
      { action = "move", path = "bin/build", previous_path = "script/build" },
    }, { message = "Four things\n\nat once", author = { name = "Grace", email = "grace@example.com" } })
    assert.equal("", world.misfit(made, "commit"))
    assert.same({ before }, made.parents)
    assert.same({ name = "Grace", email = "grace@example.com", at = world.START + 60 }, made.author)
    assert.same({ name = "Acme", email = "acme@users.git.dev", at = world.START + 60 }, made.committer)
    assert.same({ json.null, json.null, "Four things\n\nat once" }, { made.stats, made.files, made.message })
    assert.equal(".gitignore README.md bin docs public src", names("/repositories/my-app/tree", "path"))
    for _, path in ipairs { "src//", "/src", "src/./", "src//index.js" } do
      assert.equal("404 resource_missing path", codes(w:get("/repositories/my-app/tree?path=" .. path)))
    end
    assert.same({ made.sha, world.START + 60 }, { head(), w:get("/repositories/my-app/branches/main").json.updated_at })
    assert.same({
      repository = "my-app",
      repository_id = w:get("/repositories/my-app").json.id,
      branch = "main",
      before = before,
      after = made.sha,
      forced = false,
      created = false,
      deleted = false,
      commits = { { sha = made.sha, message = made.message, author = made.author } },
      total_commits = 1,
    }, pushes(place)[1])
  end)

  it("keep every byte", function()
    local bytes = {}
    for byte = 0, 255 do
      bytes[byte + 1] = string.char(byte)
    end
    bytes = table.concat(bytes)
    committed {
      { action = "create", path = "crlf", content = "a\r\nb\r\n" },
      { action = "create", path = "empty", content = "" },
      { action = "create", path = "no-end", content = "x" },
      { action = "create", path = "nul", content = "a\0b" },
      { action = "create", path = "bytes", content = git.base64(bytes), encoding = "base64" },
      { action = "create", path = "text", content = git.base64 "h\195\164", encoding = "base64" },
      { action = "create", path = "none", content = "", encoding = "base64" },
    }
    local cases = {
      { "crlf", "utf-8", "a\r\nb\r\n", 6 }, { "empty", "utf-8", "", 0 }, { "no-end", "utf-8", "x", 1 }, { "nul", "utf-8", "a\0b", 3 },
      { "bytes", "base64", git.base64(bytes), 256 }, { "text", "utf-8", "h\195\164", 3 }, { "none", "utf-8", "", 0 },
    }
    for _, case in ipairs(cases) do
      local file = w:get("/repositories/my-app/files/" .. case[1]).json
      assert.same(case, { file.path, file.encoding, file.content, file.size_bytes })
    end
  end)

  it("open a branch, when told where", function()
    local develop, place = head "develop", mark()
    local made = committed({ a = "1" }, { branch = "feature/new", start_ref = "develop" })
    assert.same({ develop }, made.parents)
    local push = pushes(place)[1]
    assert.same({ "feature/new", NOWHERE, made.sha, true, 1 }, { push.branch, push.before, push.after, push.created, push.total_commits })
    local cases = {
      { { branch = "n" }, "422 resource_missing branch" },
      { { branch = "n", start_ref = "gone" }, "422 resource_missing start_ref" },
      { { branch = "main", start_ref = "develop" }, "422 parameter_invalid start_ref" },
      { { branch = "main/x", start_ref = "develop" }, "409 already_exists branch" },
      { { branch = "a..b", start_ref = "develop" }, "422 parameter_invalid branch" },
      { { branch = "n", start_ref = "develop", expected_head = head() }, "409 head_moved expected_head" },
    }
    for _, case in ipairs(cases) do
      assert.equal(case[2], codes(commit({ z = "1" }, case[1])), case[1].branch)
    end
    assert.equal(404, w:get("/repositories/my-app/branches/n").status)
    assert.same({ made.sha }, committed({ z = "1" }, { branch = "n", start_ref = made.sha:sub(1, 9), expected_head = made.sha }).parents)
  end)

  it("are the first of an empty repository, on any branch", function()
    w:post("/repositories", { name = "fresh" })
    assert.equal("409 invalid_state", codes(w:get "/repositories/fresh/commits"))
    assert.equal("", names "/repositories/fresh/tree")
    assert.equal("404 resource_missing ref", codes(w:get "/repositories/fresh/tree?ref=main"))
    assert.equal("404 resource_missing", codes(w:get "/repositories/fresh/files/a"))
    assert.equal("409 head_moved expected_head", codes(commit({ a = "1" }, { expected_head = NOWHERE }, "fresh")))
    assert.equal("422 path_missing actions[1].path", codes(commit({ a = false }, nil, "fresh")))
    assert.is_true(w:get("/repositories/fresh").json.empty)
    local made = committed({ a = "1" }, { branch = "dev" }, "fresh")
    assert.same({}, made.parents)
    local repository = w:get("/repositories/fresh").json
    assert.same({ false, "main", world.START }, { repository.empty, repository.default_branch, repository.pushed_at })
    -- The default branch has no commit yet.
    assert.equal("404 resource_missing ref", codes(w:get "/repositories/fresh/commits"))
    assert.equal("m", names("/repositories/fresh/commits?ref=dev", "message"))
  end)

  it("wait for nobody who is late", function()
    local before = head()
    local made = committed({ a = "1" }, { expected_head = before })
    local answer = commit({ b = "1" }, { expected_head = before })
    assert.equal("409 head_moved expected_head", codes(answer))
    assert.equal(made.sha, answer.json.error.head_sha)
    assert.equal(404, content "b")
  end)

  it("go to no protected branch, and to no archived repository", function()
    w:post("/repositories/my-app/branches", { name = "kept", from = "main", protected = true })
    assert.equal("403 branch_protected", codes(commit({ a = "1" }, { branch = "kept" })))
    w:patch("/repositories/my-app", { archived = true })
    assert.equal("403 repository_archived", codes(commit { a = "1" }))
    w:patch("/repositories/my-app", { archived = false })
    assert.equal(201, commit({ a = "1" }).status)
  end)

  it("are made once under one idempotency key", function()
    local extra = { headers = { ["idempotency-key"] = "k" } }
    local body = { branch = "main", message = "m", actions = { { action = "create", path = "a", content = "1" } } }
    local first = w:post("/repositories/my-app/commits", body, extra)
    local count = mark()
    local again = w:post("/repositories/my-app/commits", body, extra)
    assert.same({ first.body, "true", count }, { again.body, again.headers["idempotent-replayed"], mark() })
    assert.equal(first.json.sha, head())
  end)

  describe("refuse", function()
    local README = "f1d0ba718fd677ae59df3fd577e8af8d05649b4d"

    -- What is said, the actions, what is answered.
    local CASES = {
      { "a file that is there", { { action = "create", path = "README.md", content = "" } }, "422 path_exists actions[1].path" },
      { "a directory that is there", { { action = "create", path = "src", content = "" } }, "422 path_exists actions[1].path" },
      { "a file below a file", { { action = "create", path = "README.md/a/b", content = "" } }, "422 path_exists actions[1].path" },
      { "a file twice", { { action = "create", path = "a", content = "" }, { action = "create", path = "a", content = "" } },
        "422 path_exists actions[2].path" },
      { "a file below a new file", { { action = "create", path = "a", content = "" }, { action = "create", path = "a/b", content = "" } },
        "422 path_exists actions[2].path" },
      { "a file over a new directory", { { action = "create", path = "a/b", content = "" }, { action = "create", path = "a", content = "" } },
        "422 path_exists actions[2].path" },
      { "an update of nothing", { { action = "update", path = "gone", content = "" } }, "422 path_missing actions[1].path" },
      { "an update of a directory", { { action = "update", path = "src", content = "" } }, "422 path_missing actions[1].path" },
      { "a deletion of nothing", { { action = "delete", path = "src/gone" } }, "422 path_missing actions[1].path" },
      { "a deletion of a directory", { { action = "delete", path = "src" } }, "422 path_missing actions[1].path" },
      { "a deletion twice", { { action = "delete", path = "README.md" }, { action = "delete", path = "README.md" } },
        "422 path_missing actions[2].path" },
      { "a move of nothing", { { action = "move", path = "a", previous_path = "gone" } }, "422 path_missing actions[1].previous_path" },
      { "a move onto a file", { { action = "move", path = "README.md", previous_path = "src/index.js" } }, "422 path_exists actions[1].path" },
      { "a move onto itself", { { action = "move", path = "a", previous_path = "a" }, { action = "create", path = "b", content = "" } },
        "422 path_missing actions[1].previous_path" },
      { "all faults at once", { { action = "update", path = "x", content = "" }, { action = "delete", path = "y" } },
        "422 path_missing actions[1].path, path_missing actions[2].path" },
      { "a create without content", { { action = "create", path = "a" } }, "422 parameter_missing actions[1].content" },
      { "an update without content", { { action = "update", path = "README.md" } }, "422 parameter_missing actions[1].content" },
      { "a move without a beginning", { { action = "move", path = "a" } }, "422 parameter_missing actions[1].previous_path" },
      { "a beginning without a move", { { action = "create", path = "a", content = "", previous_path = "b" } },
        "422 parameter_invalid actions[1].previous_path" },
      { "content of what is deleted", { { action = "delete", path = "README.md", content = "" } }, "422 parameter_invalid actions[1].content" },
      { "no base64", { { action = "create", path = "a", content = "no!", encoding = "base64" } }, "422 parameter_invalid actions[1].content" },
      { "base64 with line breaks", { { action = "create", path = "a", content = "Zm9v\n", encoding = "base64" } },
        "422 parameter_invalid actions[1].content" },
      { "base64 without padding", { { action = "create", path = "a", content = "Zg", encoding = "base64" } },
        "422 parameter_invalid actions[1].content" },
      { "a blob that is not the one", { { action = "update", path = "README.md", content = "", sha = NOWHERE } },
        "409 blob_conflict actions[1].sha" },
      { "a blob of what is not there", { { action = "create", path = "a", content = "", sha = README } }, "409 blob_conflict actions[1].sha" },
      { "a blob that an action has changed", { { action = "update", path = "README.md", content = "" },
        { action = "delete", path = "README.md", sha = README } }, "409 blob_conflict actions[2].sha" },
      { "what else is wrong before a conflict", { { action = "update", path = "README.md", content = "", sha = NOWHERE },
        { action = "delete", path = "gone" } }, "422 path_missing actions[2].path" },
      { "no change", { { action = "update", path = "README.md", content = "old" },
        { action = "delete", path = "README.md" }, { action = "move", path = "README.md", previous_path = "a" } },
        "422 path_missing actions[3].previous_path" },
      { "nothing", { { action = "create", path = "a", content = "" }, { action = "delete", path = "a" } }, "422 nothing_to_commit actions" },
      { "a mode as it is", { { action = "update", path = "script/build", executable = true } }, "422 nothing_to_commit actions" },
      { "a way there and back", { { action = "move", path = "a", previous_path = "README.md" },
        { action = "move", path = "README.md", previous_path = "a" } }, "422 nothing_to_commit actions" },
      { "no actions", {}, "422 parameter_invalid actions" },
      { "an unknown action", { { action = "copy", path = "a" } }, "422 parameter_invalid actions[1].action" },
      { "an unknown field", { { action = "delete", path = "a", colour = 1 } }, "422 parameter_unknown actions[1].colour" },
      { "an action without a path", { { action = "delete" } }, "422 parameter_missing actions[1].path" },
      { "half a blob's id", { { action = "delete", path = "README.md", sha = "f1d0ba7" } }, "422 parameter_invalid actions[1].sha" },
    }

    for _, case in ipairs(CASES) do
      it(case[1], function()
        local before, place = head(), mark()
        assert.equal(case[3], codes(commit(case[2][1] and case[2] or {}, case[2][1] and {} or { actions = json.array {} })))
        assert.same({ before, place }, { head(), mark() })
      end)
    end

    it("paths that are none, naming each", function()
      local paths = {
        "../x", "a/../b", ".", "..", "./a", "a/.", "/a", "a/", "a//b", "", ".git/config", ".git", "a/.git", ".GIT/config", "a/.Git/b", "a\0b",
        ("x"):rep(4097), ("\195\164"):rep(2049), "git~1", "a/GIT~1/b", ".git ", ".git.", "a/.git. . /b", ".git::$INDEX_ALLOCATION",
        ".g\226\128\140it", "a\\.git\\b", "\239\187\191.git",
      }
      for _, path in ipairs(paths) do
        local answer = commit { { action = "create", path = "good", content = "" }, { action = "create", path = path, content = "" } }
        assert.equal("422 parameter_invalid actions[2].path", codes(answer), path)
        assert.equal("422 parameter_invalid actions[1].previous_path",
          codes(commit { { action = "move", path = "good", previous_path = path } }), path)
      end
      assert.equal(404, content "good")
      local raw = '{"branch":"main","message":"m","actions":[{"action":"create","path":"a\255b","content":""}]}'
      assert.equal("400 invalid_json", codes(w:post("/repositories/my-app/commits", raw)))
    end)

    it("bodies that are none", function()
      local actions = { { action = "create", path = "a", content = "" } }
      local cases = {
        { { branch = json.null }, "422 invalid_type branch" },
        { { branch = "a b" }, "422 parameter_invalid branch" },
        { { message = "" }, "422 parameter_invalid message" },
        { { message = "a\0b" }, "422 parameter_invalid message" },
        { { expected_head = "main" }, "422 parameter_invalid expected_head" },
        { { author = { name = "A" } }, "422 parameter_missing author.email" },
        { { author = { name = "A\nB", email = "a@b" } }, "422 parameter_invalid author.name" },
        { { author = { name = "A <b>", email = "a@b" } }, "422 parameter_invalid author.name" },
        { { author = { name = " ", email = "a@b" } }, "422 parameter_invalid author.name" },
        { { author = { name = "A", email = "a b@c" } }, "422 parameter_invalid author.email" },
        { { author = { name = "A", email = "a@b", at = 1 } }, "422 parameter_unknown author.at" },
        { { force = true }, "422 parameter_unknown force" },
      }
      for _, case in ipairs(cases) do
        assert.equal(case[2], codes(commit(actions, case[1])))
      end
      local many = {}
      for number = 1, 501 do
        many[number] = { action = "create", path = "f" .. number, content = "" }
      end
      assert.equal("422 parameter_invalid actions", codes(commit(many)))
    end)
  end)

  it("take paths as odd as Git does", function()
    local paths = {
      "a b", "..a", "...", ".gitignore2", ".github/x", "git", "\195\164/\226\152\131", "a\nb", "-", "a:b", "a\\b", "x.git/y", "CON", "a*?",
      ("x"):rep(4096), ("d/"):rep(2047) .. "f",
    }
    local actions = {}
    for index, path in ipairs(paths) do
      actions[index] = { action = "create", path = path, content = "c" .. index }
    end
    committed(actions)
    for index, path in ipairs(paths) do
      local escaped = path:gsub("[^/%w]", function(byte)
        return ("%%%02X"):format(byte:byte())
      end)
      assert.equal("c" .. index, content(escaped), path)
    end
    -- An iterator whose cursors cannot hold such paths still comes past each, once.
    for _, order in ipairs { "asc", "desc" } do
      local found, seen = w:walk("/repositories/my-app/tree?recursive=true&limit=100&order=" .. order), {}
      for _, entry in ipairs(found) do
        assert.is_nil(seen[entry.path])
        seen[entry.path] = true
      end
      for _, path in ipairs(paths) do
        assert.is_true(seen[path], path)
      end
    end
  end)

  it("let files and directories change places", function()
    committed { { action = "delete", path = "src/index.js" }, { action = "create", path = "src", content = "file now" } }
    assert.equal("file now", content "src")
    committed { { action = "move", path = "src/again/x", previous_path = "src" } }
    assert.equal("file now", content "src/again/x")
    committed { { action = "move", path = "README.md/x", previous_path = "README.md" }, { action = "create", path = "README.md/y", content = "" } }
    assert.equal("README.md/x README.md/y", names("/repositories/my-app/tree?path=README.md", "path"))
  end)

  it("follow a file through several actions", function()
    local readme = w:get("/repositories/my-app/files/README.md").json
    committed {
      { action = "update", path = "README.md", content = "one", sha = readme.sha },
      { action = "move", path = "a", previous_path = "README.md" },
      { action = "update", path = "a", executable = true },
      { action = "move", path = "b", previous_path = "a", content = "two" },
      { action = "create", path = "README.md", content = "three" },
    }
    assert.same({ 404, "two", "three" }, { content "a", content "b", content "README.md" })
    assert.is_true(w:get("/repositories/my-app/files/b").json.executable)
    committed { { action = "update", path = "b", content = "four" } }
    assert.is_true(w:get("/repositories/my-app/files/b").json.executable)
    committed { { action = "update", path = "b", executable = false } }
    assert.same({ false, "four" }, { w:get("/repositories/my-app/files/b").json.executable, content "b" })
  end)

  it("may be of 500 actions", function()
    local actions = {}
    for number = 1, 500 do
      actions[number] = { action = "create", path = ("many/%d/%d"):format(number % 7, number), content = ("%d\n"):format(number) }
    end
    local made = committed(actions)
    local whole = w:get("/repositories/my-app/commits/" .. made.sha).json
    assert.same({ 500, 500, 0, 300 }, { whole.stats.files, whole.stats.additions, whole.stats.deletions, #whole.files })
    for number = 1, 500 do
      actions[number].action, actions[number].content = "delete", nil
    end
    committed(actions)
    assert.equal("404 resource_missing path", codes(w:get "/repositories/my-app/tree?path=many"))
  end)

  describe("are listed", function()
    before_each(function()
      for number = 1, 5 do
        w:wait(10)
        committed({ ["src/f" .. number] = "1" }, { message = "c" .. number, author = {
          name = number % 2 == 0 and "Grace Hopper" or "Alan", email = "p" .. number .. "@example.com",
        } })
      end
    end)

    it("by every filter, in both orders", function()
      local cases = {
        { "", "c5 c4 c3 c2 c1 Initial commit" }, { "order=asc", "Initial commit c1 c2 c3 c4 c5" }, { "ref=develop", "Begin develop Initial commit" },
        { "ref=" .. head("develop"):sub(1, 7), "Begin develop Initial commit" }, { "author=grace", "c4 c2" }, { "author=P3%40", "c3" },
        { "path=src/f2", "c2" }, { "path=README.md", "Initial commit" }, { "path=src&author=alan", "c5 c3 c1" }, { "path=gone", "" },
        { "since=" .. world.START + 30, "c5 c4 c3" }, { "until=" .. world.START + 30, "c2 c1 Initial commit" },
        { ("since=%d&until=%d&order=asc"):format(world.START + 20, world.START + 40), "c2 c3" },
      }
      for _, case in ipairs(cases) do
        assert.equal(case[2], names("/repositories/my-app/commits?" .. case[1], "message"), case[1])
      end
    end)

    it("without their files", function()
      local one = w:get("/repositories/my-app/commits?limit=1").json.data[1]
      assert.equal("", world.misfit(one, "commit"))
      assert.same({ json.null, json.null }, { one.stats, one.files })
    end)

    it("page by page, whatever is committed meanwhile", function()
      for _, order in ipairs { "asc", "desc" } do
        local expected = names("/repositories/my-app/commits?order=" .. order, "message")
        local found = w:walk("/repositories/my-app/commits?limit=2&order=" .. order, function(page)
          committed { [order .. page] = "1" }
        end)
        local list = {}
        for index, one in ipairs(found) do
          list[index] = one.message
        end
        assert.equal(expected, table.concat(list, " "))
      end
    end)

    it("to the end also when the branch is gone", function()
      local found = w:walk("/repositories/my-app/commits?limit=1&ref=develop", function()
        w:delete "/repositories/my-app/branches/develop"
      end)
      assert.equal(2, #found)
    end)

    it("with cursors that are theirs alone", function()
      local cursor = w:get("/repositories/my-app/commits?limit=1").json.next_cursor
      for _, other in ipairs { "ref=main", "order=asc", "path=src", "author=a", "since=1" } do
        assert.equal("400 cursor_mismatch cursor", codes(w:get("/repositories/my-app/commits?limit=1&cursor=" .. cursor .. "&" .. other)), other)
      end
      assert.equal("400 cursor_mismatch cursor", codes(w:get("/repositories/my-app/tree?cursor=" .. cursor)))
      assert.equal("400 cursor_invalid cursor", codes(w:get "/repositories/my-app/commits?cursor=xyz"))
    end)

    it("from what is there alone", function()
      for _, ref in ipairs { "gone", NOWHERE, "a b", "HEAD~1", "main..develop", "%ff" } do
        local answer = w:get("/repositories/my-app/commits?ref=" .. ref:gsub(" ", "%%20"))
        assert.is_true(answer.status == 404 or ref == "%ff" and answer.status == 400, ref)
      end
      assert.equal("400 parameter_invalid ref", codes(w:get "/repositories/my-app/commits?ref="))
      assert.equal("400 parameter_invalid since", codes(w:get "/repositories/my-app/commits?since=yesterday"))
    end)
  end)

  it("are looked at 2000 by page", function()
    local repository = w.emulator.tenants[false].things.repository:find("name", "my-app")
    head()
    names "/repositories/my-app/tree"
    local objects, sha = repository.private.objects, repository.private.branches:at("main").commit_sha
    local tree = objects:commit(sha).tree_sha
    local who = { name = "A", email = "a@b", at = world.START }
    for number = 1, 2500 do
      sha = objects:write_commit { tree = tree, parents = { sha }, message = "n" .. number, author = who, committer = who }
    end
    repository.private.branches:at("main").commit_sha = sha
    local page = w:get("/repositories/my-app/commits?author=ada").json
    assert.same({ {}, true }, { page.data, page.has_more })
    page = w:get("/repositories/my-app/commits?author=ada&cursor=" .. page.next_cursor).json
    assert.same({ "Initial commit", false }, { page.data[1].message, page.has_more })
    assert.equal(2501, #w:walk "/repositories/my-app/commits?limit=100")
  end)

  it("are read with their size and files, by seven digits and more", function()
    local made = committed {
      { action = "update", path = "README.md", content = "a\nb\n" },
      { action = "create", path = "b", content = git.base64 "\0\1\2", encoding = "base64" },
      { action = "create", path = "latin", content = git.base64 "\228\n", encoding = "base64" },
      { action = "move", path = "moved", previous_path = "script/build" },
      { action = "delete", path = "package.json" },
    }
    for _, sha in ipairs { made.sha, made.sha:sub(1, 7), made.sha:sub(1, 20) } do
      assert.equal(made.sha, w:get("/repositories/my-app/commits/" .. sha).json.sha)
    end
    local whole = w:get("/repositories/my-app/commits/" .. made.sha).json
    assert.equal("", world.misfit(whole, "commit"))
    assert.same({ additions = 3, deletions = 8, files = 5 }, whole.stats)
    assert.same({
      { path = "README.md", previous_path = json.null, status = "modified", additions = 2, deletions = 3, binary = false,
        patch = "@@ -1,3 +1,2 @@\n-# my-app\n-\n-A small site, built by `script/build` and served from `dist/`.\n+a\n+b\n" },
      { path = "b", previous_path = json.null, status = "added", additions = 0, deletions = 0, binary = true, patch = json.null },
      { path = "latin", previous_path = json.null, status = "added", additions = 1, deletions = 0, binary = false, patch = json.null },
      { path = "moved", previous_path = "script/build", status = "renamed", additions = 0, deletions = 0, binary = false, patch = "" },
      { path = "package.json", previous_path = json.null, status = "removed", additions = 0, deletions = 5, binary = false,
        patch = '@@ -1,5 +0,0 @@\n-{\n-  "name": "my-app",\n-  "private": true,\n-  "scripts": { "build": "script/build" }\n-}\n' },
    }, whole.files)
    local blob = w:get("/repositories/my-app/files/README.md").json.sha
    for _, sha in ipairs { made.sha:sub(1, 6), NOWHERE, "main", made.sha:upper(), blob, "zzzzzzz", made.sha .. "0" } do
      local known = sha:lower() == sha and w:get("/repositories/my-app/commits/" .. sha) or w:get("/repositories/my-app/commits/" .. sha)
      assert.equal("404 resource_missing", codes(known), sha)
    end
  end)

  it("leave out a patch that is too large", function()
    local made = committed { big = ("line\n"):rep(20000), small = "1\n" }
    local files = w:get("/repositories/my-app/commits/" .. made.sha).json.files
    assert.same({ "big", 20000, json.null }, { files[1].path, files[1].additions, files[1].patch })
    assert.equal("@@ -0,0 +1 @@\n+1\n", files[2].patch)
  end)
end)

describe("the emulator's trees", function()
  before_each(function()
    committed {
      ["a/x"] = "1", ["a/y/z"] = "22", ["a-b"] = "3", ["a.b"] = "4", ["a0"] = "5", ["A"] = "6", ["\195\164"] = "7",
    }
  end)

  local function list(query)
    local found = w:walk("/repositories/my-app/tree?" .. query)
    local paths = {}
    for index, entry in ipairs(found) do
      paths[index] = entry.path
    end
    return paths
  end

  it("are listed in the order of paths, whole or by directory", function()
    assert.equal(".gitignore A README.md a a-b a.b a0 package.json public script src \195\164", table.concat(list "", " "))
    assert.equal("a/x a/y", table.concat(list "path=a", " "))
    assert.equal("a/x a/y", table.concat(list "path=a/", " "))
    assert.equal("a/x a/y a/y/z", table.concat(list "path=a&recursive=true", " "))
    local all = list "recursive=true"
    local sorted = {}
    for index, path in ipairs(all) do
      sorted[index] = path
    end
    table.sort(sorted)
    assert.same(sorted, all)
    assert.equal(18, #all)
    for limit = 1, 19 do
      assert.same(all, list("recursive=true&limit=" .. limit))
      local reversed = list("recursive=true&order=desc&limit=" .. limit)
      for index, path in ipairs(reversed) do
        assert.equal(all[#all + 1 - index], path)
      end
      assert.equal(#all, #reversed)
    end
  end)

  it("say what each entry is", function()
    local entries = {}
    for _, entry in ipairs(w:get("/repositories/my-app/tree?recursive=true&limit=100").json.data) do
      assert.equal("", world.misfit(entry, "tree_entry"))
      entries[entry.path] = entry
    end
    assert.same({ "z", "file", "100644", 2 }, { entries["a/y/z"].name, entries["a/y/z"].type, entries["a/y/z"].mode, entries["a/y/z"].size_bytes })
    assert.same({ "y", "dir", "040000", json.null }, { entries["a/y"].name, entries["a/y"].type, entries["a/y"].mode, entries["a/y"].size_bytes })
    assert.equal("100755", entries["script/build"].mode)
  end)

  it("stay as they were for who reads on", function()
    local expected = list "recursive=true"
    local page = 0
    local found = w:walk("/repositories/my-app/tree?recursive=true&limit=3", function()
      page = page + 1
      committed { { action = "create", path = "a/n" .. page, content = "" } }
    end)
    assert.equal(#expected, #found)
  end)

  it("are refused where there is none", function()
    local cases = {
      { "path=README.md", "422 parameter_invalid path" },
      { "path=gone", "404 resource_missing path" },
      { "path=a//y", "404 resource_missing path" },
      { "path=/a", "404 resource_missing path" },
      { "path=..", "404 resource_missing path" },
      { "path=a%00", "400 parameter_invalid" },
      { "ref=gone", "404 resource_missing ref" },
      { "recursive=maybe", "400 parameter_invalid recursive" },
    }
    for _, case in ipairs(cases) do
      assert.equal(case[2], codes(w:get("/repositories/my-app/tree?" .. case[1])), case[1])
    end
    assert.equal(200, w:get("/repositories/my-app/tree?path=").status)
  end)

  it("cost no more by page when they are large", function()
    local actions = {}
    for number = 1, 500 do
      actions[number] = { action = "create", path = ("big/%03d"):format(number), content = "" }
    end
    committed(actions)
    assert.equal(500, #w:walk "/repositories/my-app/tree?path=big&limit=7")
  end)
end)

describe("the emulator's files", function()
  it("are read at a branch or a commit", function()
    local first = head()
    committed { { action = "update", path = "README.md", content = "new" } }
    local file = w:get("/repositories/my-app/files/README.md").json
    assert.equal("", world.misfit(file, "file"))
    assert.same({
      object = "file",
      path = "README.md",
      name = "README.md",
      ref = "main",
      commit_sha = head(),
      sha = file.sha,
      size_bytes = 3,
      encoding = "utf-8",
      content = "new",
      executable = false,
    }, file)
    for _, ref in ipairs { first, first:sub(1, 7), "develop" } do
      local old = w:get("/repositories/my-app/files/README.md?ref=" .. ref).json
      assert.same({ ref, "# my-app" }, { old.ref, old.content:sub(1, 8) })
    end
    assert.equal("build", w:get("/repositories/my-app/files/script%2Fbuild").json.name)
  end)

  it("are refused where there is none, or too much of one", function()
    committed { big = ("x"):rep(1024 * 1024), bigger = ("x"):rep(1024 * 1024 + 1) }
    assert.equal(1024 * 1024, #content "big")
    local cases = {
      { "bigger", "422 file_too_large path" },
      { "src", "422 parameter_invalid path" },
      { "gone", "404 resource_missing" },
      { "README.md/x", "404 resource_missing" },
      { "README.md/", "404 resource_missing" },
      { "src//index.js", "404 resource_missing" },
      { "%2E%2E/x", "404 resource_missing" },
      { ".git/config", "404 resource_missing" },
      { "a%00b", "404 resource_missing" },
      { "%ff", "404 resource_missing" },
      { ("x"):rep(5000), "404 resource_missing" },
      { "README.md?ref=gone", "404 resource_missing ref" },
      { "README.md?ref=", "400 parameter_invalid ref" },
    }
    for _, case in ipairs(cases) do
      assert.equal(case[2], codes(w:get("/repositories/my-app/files/" .. case[1])), case[1]:sub(1, 50))
    end
  end)
end)

describe("the emulator's comparisons", function()
  local function compare(base, other)
    return w:get(("/repositories/my-app/compare?base=%s&head=%s"):format(base, other))
  end

  it("know where head is, seen from base", function()
    local first = head()
    local second = committed({ a = "1\n" }, { message = "second" })
    local cases = {
      { "main", "main", "identical", 0, 0, "", "" },
      { first, "main", "ahead", 1, 0, "second", "a" },
      { "main", first:sub(1, 8), "behind", 0, 1, "", "" },
      { "main", "develop", "diverged", 1, 1, "Begin develop", "CHANGES.md" },
      { "develop", second.sha, "diverged", 1, 1, "second", "a" },
    }
    for _, case in ipairs(cases) do
      local made = compare(case[1], case[2]).json
      assert.equal("", world.misfit(made, "comparison"))
      local messages, paths = {}, {}
      for index, one in ipairs(made.commits) do
        messages[index] = one.message
      end
      for index, file in ipairs(made.files) do
        paths[index] = file.path
      end
      assert.same(case, {
        case[1], case[2], made.status, made.ahead_by, made.behind_by, table.concat(messages, " "), table.concat(paths, " "),
      })
      assert.is_false(made.truncated)
    end
    assert.equal(first, compare("main", "develop").json.merge_base_sha)
    assert.same({ second.sha, head "develop" }, { compare("main", "develop").json.base_sha, compare("main", "develop").json.head_sha })
  end)

  it("are of two commits that are there", function()
    assert.equal("422 resource_missing base", codes(compare("gone", "main")))
    assert.equal("422 resource_missing head", codes(compare("main", NOWHERE)))
    assert.equal("422 resource_missing base, resource_missing head", codes(compare("x", "y")))
    assert.equal("400 parameter_invalid head", codes(w:get "/repositories/my-app/compare?base=main"))
    assert.equal("400 parameter_invalid base", codes(compare("", "main")))
  end)

  it("have no common commit where there is none", function()
    local repository = w.emulator.tenants[false].things.repository:find("name", "my-app")
    names "/repositories/my-app/tree"
    local objects, who = repository.private.objects, { name = "A", email = "a@b", at = 1 }
    local lonely = objects:write_commit { tree = objects:write_tree(nil, {}), parents = {}, message = "lonely", author = who, committer = who }
    local made = compare("main", lonely).json
    assert.same({ json.null, "diverged", 1, 1 }, { made.merge_base_sha, made.status, made.ahead_by, made.behind_by })
    assert.equal(6, #made.files)
  end)

  it("are cut at 250 commits and 300 files", function()
    local first, actions = head(), {}
    for number = 1, 251 do
      committed({ { action = number == 1 and "create" or "update", path = "n", content = tostring(number) } }, { message = "c" .. number })
    end
    local made = compare(first, "main").json
    assert.same({ 251, 250, "c251", "c2", true, 1 }, {
      made.ahead_by, #made.commits, made.commits[1].message, made.commits[250].message, made.truncated, #made.files,
    })
    assert.is_false(compare(first, made.commits[2].sha).json.truncated)
    for number = 1, 301 do
      actions[number] = { action = "create", path = "f" .. number, content = "" }
    end
    local before = head()
    committed(actions)
    made = compare(before, "main").json
    assert.same({ 300, true, 1 }, { #made.files, made.truncated, #made.commits })
  end)
end)

describe("without gitdev.git the emulator", function()
  local cpath

  before_each(function()
    cpath = package.cpath
    package.cpath, package.loaded["gitdev.git"] = "", nil
  end)

  after_each(function()
    package.cpath, package.loaded["gitdev.git"] = cpath, git
  end)

  it("says what is missing, and that trying again is of no use", function()
    for _, answer in ipairs { w:get "/repositories/my-app/tree", commit { a = "1" }, w:post("/repositories", { name = "n", init = true }) } do
      assert.equal("500 internal_error", codes(answer))
      assert.matches("need the module gitdev%.git.*libgit2", answer.json.error.message)
      assert.equal("false", answer.headers["x-should-retry"])
    end
    assert.equal(404, w:get("/repositories/n").status)
  end)

  it("does all that needs no objects", function()
    assert.equal("main", w:deployed().branch)
    assert.equal("develop main", names "/repositories/my-app/branches")
    assert.equal(201, w:post("/repositories", { name = "n" }).status)
    assert.equal("422 resource_missing commit_sha", codes(w:post("/deployments", { project = "my-app", commit_sha = NOWHERE })))
  end)

  it("does not begin with a folder of repositories", function()
    local ok, problem = pcall(world.new, { repositories = "/tmp/nowhere" })
    assert.is_false(ok)
    assert.matches("need the module gitdev%.git", problem)
  end)
end)

describe("the state of repositories", function()
  it("is saved and loaded with all that was committed", function()
    local made = committed { a = "\1\2", ["b/c"] = "3" }
    w:post("/repositories/my-app/branches", { name = "f/x", from = "main", protected = true })
    w:post("/repositories", { name = "bare" })
    local state = w.emulator:dump()
    local other = world.new { seed = 9, rate_limit = false }
    assert.is_true(other.emulator:restore(state))
    w = other
    assert.same({ made.sha, "develop f/x main" }, { head(), names "/repositories/my-app/branches" })
    assert.equal("\1\2", content "a")
    assert.is_true(w:get("/repositories/my-app/branches/f/x").json.protected)
    assert.equal("m Initial commit", names("/repositories/my-app/commits", "message"))
    assert.same({ made.sha }, committed({ d = "4" }).parents)
    assert.equal(201, commit({ a = "1" }, nil, "bare").status)
  end)

  it("is as at the beginning after a reset", function()
    local first = head()
    committed { a = "1" }
    w.emulator:reset()
    assert.equal(first, head())
    assert.equal(404, content "a")
  end)
end)

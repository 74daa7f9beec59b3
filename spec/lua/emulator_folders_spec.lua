-- The emulator's repositories as folders, and the git program that reads and writes them.
local compat = require "gitdev.compat"
local emulator = require "spec.lua.support.emulator"
local json = require "gitdev.json"
local process = require "spec.lua.support.process"
local program = require "spec.lua.support.git"
local schema = require "gitdev.schema"
local world = require "spec.lua.support.world"

local NOWHERE = ("0"):rep(40)

local folder, w, problems

local function new_world(options)
  local all = { repositories = folder .. "/repositories", rate_limit = false, on_error = function(text)
    problems[#problems + 1] = text
  end }
  for name, value in pairs(options or {}) do
    all[name] = value
  end
  return world.new(all)
end

local function path_of(name)
  return folder .. "/repositories/" .. name .. ".git"
end

local function head(branch, repository)
  return w:get(("/repositories/%s/branches/%s"):format(repository or "my-app", branch or "main")).json.commit_sha
end

local function commit(path, content, branch, more)
  local body = { branch = branch or "main", message = "m", actions = { { action = "create", path = path, content = content } } }
  for name, value in pairs(more or {}) do
    body[name] = value
  end
  local answer = w:post("/repositories/my-app/commits", body)
  assert(answer.status == 201, answer.body)
  return answer.json
end

local function branches(name)
  local list = {}
  for index, branch in ipairs(w:get("/repositories/" .. (name or "my-app") .. "/branches").json.data) do
    list[index] = branch.name .. " " .. branch.commit_sha
  end
  return table.concat(list, "\n")
end

local function git_branches(path)
  return program.run(path, "for-each-ref --format='%(refname:lstrip=2) %(objectname)' refs/heads")
end

-- A clone of my-app, as somebody has it who works with git.
local function clone(name)
  program.run(folder, ("clone -q %s %s"):format(path_of "my-app", name or "copy"))
  return folder .. "/" .. (name or "copy")
end

local function pushes()
  local list = {}
  for _, event in ipairs(w.emulator:events()) do
    list[#list + 1] = event.type == "repository.pushed" and event.data or nil
  end
  return list
end

describe("the folder of the emulator's repositories", function()
  before_each(function()
    folder, problems = program.folder(), {}
    w = new_world()
  end)

  after_each(function()
    program.remove(folder)
    assert.same({}, problems)
  end)

  it("is there from the beginning, and git clones from it", function()
    local copy = clone()
    assert.equal(head(), program.run(copy, "rev-parse HEAD"))
    assert.equal("main", program.run(copy, "symbolic-ref --short HEAD"))
    assert.equal(head "develop", program.run(copy, "rev-parse origin/develop"))
    assert.equal("", program.fsck(path_of "my-app"))
    assert.equal("Begin develop\nInitial commit", program.run(copy, "log --format=%s origin/develop"))
    local tree = {}
    for index, entry in ipairs(w:get("/repositories/my-app/tree?recursive=true&limit=100").json.data) do
      tree[index] = ("%s %s %s\t%s"):format(entry.mode, entry.type == "dir" and "tree" or "blob", entry.sha, entry.path)
    end
    assert.equal(program.run(copy, "ls-tree -r -t HEAD"), table.concat(tree, "\n"))
    local status = process.run(("test -x %s/script/build"):format(process.quote(copy)))
    assert.equal(0, status)
  end)

  it("is where clone_url points to", function()
    local url = w:get("/repositories/my-app").json.clone_url
    assert.equal("file://" .. path_of "my-app", url)
    program.run(folder, "clone -q " .. url .. " copy")
    assert.equal(head(), program.run(folder .. "/copy", "rev-parse HEAD"))
  end)

  it("is kept like the repositories", function()
    local made = commit("a b/h\195\164", "1\r\n")
    commit("x", "2", "feature/new", { start_ref = "develop" })
    w:post("/repositories/my-app/branches", { name = "kept", from = "main", protected = true })
    w:delete "/repositories/my-app/branches/develop"
    assert.equal(branches(), git_branches(path_of "my-app"))
    assert.equal("1\r", program.run(path_of "my-app", "cat-file blob 'main:a b/h\195\164'"))
    assert.equal(made.sha, program.run(path_of "my-app", "rev-parse main"))
    assert.equal("", program.fsck(path_of "my-app"))
    -- A branch may stand where another had a directory.
    w:delete "/repositories/my-app/branches/feature/new"
    assert.equal(201, w:post("/repositories/my-app/branches", { name = "feature", from = "main" }).status)
    assert.equal(branches(), git_branches(path_of "my-app"))
  end)

  it("follows names, the default branch and deletion", function()
    w:patch("/repositories/my-app", { name = "other", default_branch = "develop" })
    assert.equal("develop", program.run(path_of "other", "symbolic-ref --short HEAD"))
    assert.equal("file://" .. path_of "other", w:get("/repositories/other").json.clone_url)
    assert.equal(branches "other", git_branches(path_of "other"))
    assert.equal(1, (process.run("test -e " .. path_of "my-app")))
    w:post("/repositories", { name = "bare", default_branch = "trunk" })
    assert.equal("trunk", program.run(path_of "bare", "symbolic-ref --short HEAD"))
    assert.equal(204, w:delete("/repositories/bare").status)
    assert.equal(1, (process.run("test -e " .. path_of "bare")))
    w:post("/repositories", { name = "begun", init = true })
    assert.equal(branches "begun", git_branches(path_of "begun"))
  end)

  it("shows the same commits and differences as the API", function()
    local first = head()
    w:post("/repositories/my-app/commits", { branch = "main", message = "All at once\n", actions = {
      { action = "update", path = "README.md", content = "# other\n" },
      { action = "move", path = "tools/build", previous_path = "script/build" },
      { action = "create", path = "new", content = "a\nb\n" },
    } })
    local path = path_of "my-app"
    local whole = w:get("/repositories/my-app/commits/" .. head()).json
    local numbers = {}
    for index, file in ipairs(whole.files) do
      numbers[index] = ("%d\t%d\t%s"):format(file.additions, file.deletions, file.path)
    end
    assert.equal(program.run(path, ("diff -M --numstat -z %s main"):format(first)):gsub("\t%z[^%z]*%z", "\t"), table.concat(numbers, "\0") .. "\0")
    assert.equal(program.run(path, "diff " .. first .. " main -- README.md"):match "@@.*" .. "\n", whole.files[1].patch)
    assert.equal(("Acme <acme@users.git.dev> %d"):format(world.START), program.run(path, "log -1 --format='%cn <%ce> %ct' main"))
    assert.equal("All at once\n", program.run(path, "log -1 --format=%B main"))
  end)

  it("has what git pushes taken over", function()
    local copy, before = clone(), head()
    w:wait(30)
    program.run(copy, "commit -q --allow-empty -m one")
    program.run(copy, "commit -q --allow-empty -m two")
    program.run(copy, "push -q origin main main:topic/x")
    local sha = program.run(copy, "rev-parse HEAD")
    assert.equal(sha, head())
    assert.equal(world.START + 30, w:get("/repositories/my-app").json.pushed_at)
    assert.equal("two\n", w:get("/repositories/my-app/commits/" .. sha:sub(1, 8)).json.message)
    local main, topic = pushes()[1], pushes()[2]
    assert.same({ "main", before, sha, false, false, false, 2, "two\n", "one\n" }, {
      main.branch, main.before, main.after, main.forced, main.created, main.deleted, main.total_commits, main.commits[1].message,
      main.commits[2].message,
    })
    assert.same({ "topic/x", NOWHERE, sha, true }, { topic.branch, topic.before, topic.after, topic.created })
    -- Work goes on over the API, and git gets it.
    local made = commit("after", "1")
    assert.same({ sha }, made.parents)
    program.run(copy, "pull -q origin main")
    assert.equal(made.sha, program.run(copy, "rev-parse HEAD"))
    assert.equal("", program.fsck(path_of "my-app"))
  end)

  it("tells of the newest twenty commits of a push, and how many there are", function()
    local copy, shas = clone(), {}
    for number = 1, 23 do
      program.run(copy, "commit -q --allow-empty -m n" .. number)
      shas[24 - number] = program.run(copy, "rev-parse HEAD")
    end
    program.run(copy, "push -q origin main")
    assert.equal(shas[1], head())
    local push, told = pushes()[1], {}
    for place, one in ipairs(push.commits) do
      told[place] = one.sha
    end
    assert.same({ 23, 20 }, { push.total_commits, schema.event("repository.pushed").fields.by_name.commits.max_items })
    assert.same({ compat.unpack(shas, 1, 20) }, told)
  end)

  it("has forced pushes and deletions taken over", function()
    local copy, before = clone(), head()
    program.run(copy, "commit -q --amend --allow-empty -m amended")
    program.run(copy, "push -q --force origin main :develop")
    local sha = program.run(copy, "rev-parse HEAD")
    assert.equal("main " .. sha, branches())
    local events = {}
    for _, push in ipairs(pushes()) do
      events[push.branch] = push
    end
    assert.same({ true, before, sha, 1 }, { events.main.forced, events.main.before, events.main.after, events.main.total_commits })
    assert.same({ true, NOWHERE }, { events.develop.deleted, events.develop.after })
  end)

  it("has the first push to an empty repository taken over", function()
    w:post("/repositories", { name = "fresh" })
    local copy = clone()
    program.run(copy, "push -q " .. path_of "fresh" .. " main")
    assert.equal(head(), head("main", "fresh"))
    assert.is_false(w:get("/repositories/fresh").json.empty)
    local push = pushes()[1]
    assert.same({ "fresh", NOWHERE, 1, "Initial commit" }, { push.repository, push.before, push.total_commits, push.commits[1].message })
  end)

  it("has tags, which name commits", function()
    local copy = clone()
    program.run(copy, "tag -a -m annotated v1 origin/develop")
    program.run(copy, "tag light")
    program.run(copy, "push -q origin v1 light")
    local made = w:get("/repositories/my-app/compare?base=light&head=v1").json
    assert.same({ "ahead", head(), head "develop" }, { made.status, made.base_sha, made.head_sha })
    assert.equal("v1", w:get("/repositories/my-app/files/CHANGES.md?ref=v1").json.ref)
    assert.equal(201, w:post("/repositories/my-app/branches", { name = "from-tag", from = "v1" }).status)
    assert.equal(1, #pushes())
  end)

  it("may hold what is no UTF-8, which the API shows as well as it can", function()
    local copy = clone()
    process.run(("cd %s && printf 'h\\344' > \"$(printf 'n\\344me')\" && printf 'l\\344ne\\n' >> README.md"):format(copy))
    program.run(copy, "add -A")
    program.run(copy, "-c i18n.commitEncoding=latin1 -c user.name=\"$(printf 'J\\344n')\" commit -q -F -", "B\228d message\n")
    program.run(copy, "push -q origin main")
    local whole = w:get("/repositories/my-app/commits/" .. head())
    assert.equal(200, whole.status)
    assert.equal("B\239\191\189d message\n", whole.json.message)
    local paths = {}
    for index, file in ipairs(whole.json.files) do
      paths[index] = file.path .. " " .. tostring(file.patch == json.null)
    end
    assert.equal("README.md true n\239\191\189me true", table.concat(paths, " "))
    assert.equal(200, w:get("/repositories/my-app/tree").status)
    assert.equal("base64", w:get("/repositories/my-app/files/README.md").json.encoding)
  end)

  it("has links and submodules", function()
    local copy = clone()
    process.run(("cd %s && ln -s README.md link"):format(copy))
    program.run(copy, "add link")
    program.run(copy, ("update-index --add --cacheinfo 160000,%s,module"):format(head()))
    program.run(copy, "commit -q -m odd")
    program.run(copy, "push -q origin main")
    local types = {}
    for _, entry in ipairs(w:get("/repositories/my-app/tree").json.data) do
      types[entry.path] = entry.type .. " " .. entry.mode .. " " .. tostring(entry.size_bytes)
    end
    assert.same({ "symlink 120000 9", "submodule 160000 " .. tostring(json.null) }, { types.link, types.module })
    assert.equal("README.md", w:get("/repositories/my-app/files/link").json.content)
    assert.equal("422 parameter_invalid path", world.codes(w:get "/repositories/my-app/files/module"))
    assert.equal(200, w:get("/repositories/my-app/commits/" .. head()).status)
    commit("more", "1")
    assert.equal("", program.fsck(path_of "my-app"))
  end)

  it("is packed by git without harm", function()
    commit("a", "1")
    program.run(path_of "my-app", "gc -q --prune=now")
    commit("b", "2")
    assert.equal(head(), program.run(path_of "my-app", "rev-parse main"))
    assert.equal("", program.fsck(path_of "my-app"))
  end)

  it("begins anew with the emulator", function()
    local first = head()
    commit("a", "1")
    w:post("/repositories", { name = "gone" })
    w.emulator:reset()
    assert.equal(first, program.run(path_of "my-app", "rev-parse main"))
    assert.equal(1, (process.run("test -e " .. path_of "gone")))
    commit("a", "1")
    w = new_world()
    assert.equal(first, program.run(path_of "my-app", "rev-parse main"))
  end)

  it("follows a state that is restored", function()
    local made = commit("a", "1")
    w:post("/repositories", { name = "more", init = true })
    local state = w.emulator:dump()
    w = new_world { seed = 7 }
    assert.is_true(w.emulator:restore(state))
    assert.equal(made.sha, program.run(path_of "my-app", "rev-parse main"))
    assert.equal(head("main", "more"), program.run(path_of "more", "rev-parse main"))
    assert.equal(made.sha, head())
    assert.equal("", program.fsck(path_of "my-app"))
  end)

  it("has a room of its own for live data", function()
    local live = w.emulator:issue_key { livemode = true }
    w:post("/repositories", { name = "tools", init = true }, { key = live })
    assert.equal(0, (process.run("test -d " .. folder .. "/repositories/live/tools.git")))
    assert.equal(1, (process.run("test -e " .. path_of "tools")))
  end)

  it("is served by the host", function()
    local status, out, err = emulator.run(
      ("git clone -q %s/host/my-app.git %s/copy && git -C %s/copy log --format=%%s"):format(folder, folder, folder),
      "--repositories " .. folder .. "/host"
    )
    assert.same({ 0, "Initial commit\n", "" }, { status, out, err })
  end)
end)

describe("a folder for repositories that cannot be", function()
  before_each(function()
    folder, problems = program.folder(), {}
  end)

  after_each(function()
    program.remove(folder)
  end)

  it("keeps the emulator from beginning", function()
    for _, path in ipairs { "/dev/null/x", 7, "" } do
      local ok, problem = pcall(new_world, { repositories = path })
      assert.is_false(ok)
      assert.matches("repositories", problem)
    end
  end)

  it("is told of where it is somebody else's, and left alone", function()
    process.run("mkdir -p " .. folder .. "/repositories")
    program.run(folder .. "/repositories", "init -q --bare my-app.git")
    w = new_world()
    assert.equal(201, w:post("/repositories/my-app/branches", { name = "n", from = "main" }).status)
    assert.matches("my%-app%.git cannot be a repository: .*left alone", problems[1])
    assert.equal("", git_branches(path_of "my-app"))
  end)
end)

-- Repositories: branches, commits, trees, files, comparisons.
local gitdev = require "gitdev"

local function names_of(page, field)
  local names = {}
  for index, thing in ipairs(page.data) do
    names[index] = thing[field or "name"]
  end
  return table.concat(names, " ")
end

local function repositories(git)
  local bare = git.repositories:create { name = "Tour_1.x" }
  assert(bare.empty and bare.pushed_at == nil and bare.visibility == "private" and bare.default_branch == "main", "bare by default")
  assert(#git.repositories.tree:list(bare).data == 0 and #git.repositories.branches:list(bare).data == 0, "nothing in it")
  local repository = git.repositories:create {
    name = "tour", description = "A tour\nof repositories", visibility = "public", default_branch = "trunk", init = true,
  }
  assert(not repository.empty and repository.pushed_at and repository.size_bytes > 0, "begun with a README")
  assert(repository:refresh().id == repository.id and git.repositories:get("tour").id == repository.id, "by id and by name")
  assert(git.repositories.files:get("tour", "README.md").content == "# tour\n\nA tour\nof repositories\n", "which tells what it is")
  assert(names_of(git.repositories:list { visibility = "public" }) == "tour", "by visibility")
  assert(names_of(git.repositories:list { search = "TOUR", order = "asc" }) == "Tour_1.x tour", "by text")
  repository:update { name = "tour-2", description = gitdev.null, visibility = "private", archived = true }
  assert(repository.name == "tour-2" and repository.description == nil and repository.clone_url:find("tour-2", 1, true), "changed")
  assert(names_of(git.repositories:list { archived = true }) == "tour-2", "by its place in the archive")
  repository:update { archived = false }
  bare:delete()
  assert(names_of(git.repositories:list { search = "Tour_1" }) == "", "deleted")
  return repository
end

local function branches(git, repository)
  local made = git.repositories.branches
  local trunk = made:get(repository, "trunk")
  assert(trunk.default and not trunk.protected and #trunk.commit_sha == 40, "the default branch")
  local feature = made:create(repository, { name = "feature/one", from = "trunk" })
  local kept = made:create(repository, { name = "kept", from = trunk.commit_sha, protected = true })
  assert(feature.commit_sha == trunk.commit_sha and kept.protected and not kept.default, "opened at a branch and at a commit")
  assert(names_of(made:list(repository)) == "feature/one kept trunk", "by name")
  assert(names_of(made:list(repository, { order = "desc", limit = 2 })) == "trunk kept", "the other way round")
  assert(names_of(made:list(repository, { protected = true })) == "kept", "by protection")
  assert(names_of(repository:branches { search = "ONE" }) == "feature/one", "by text")
  assert(made:get(repository, "feature/one"):refresh().name == "feature/one", "slashes and all")
  repository:update { default_branch = "kept" }
  assert(made:get(repository, "kept").default and not made:get(repository, "trunk").default, "another default")
  repository:update { default_branch = "trunk" }
end

local function commits(git, repository)
  local made = git.repositories.commits
  local first = git.repositories.branches:get(repository, "trunk").commit_sha
  local commit = made:create(repository, {
    branch = "trunk",
    message = "Add things\n\nh\195\164\n",
    expected_head = first,
    author = { name = "Grace Hopper", email = "grace@example.com" },
    actions = {
      { action = "create", path = "src/a.txt", content = "one\r\ntwo\r\n" },
      { action = "create", path = "src/bytes", content = "AP/+", encoding = "base64" },
      { action = "create", path = "bin/run", content = "#!/bin/sh\n", executable = true },
      { action = "create", path = "src/empty", content = "" },
    },
  })
  assert(commit.parents[1] == first and commit.author.name == "Grace Hopper" and commit.stats == nil and commit.files == nil, "committed")
  local blob = git.repositories.files:get(repository, "src/a.txt").sha
  local second = made:create(repository, {
    branch = "topic",
    start_ref = "trunk",
    message = "Move things",
    actions = {
      { action = "update", path = "src/a.txt", content = "one\r\n2\r\n", sha = blob },
      { action = "move", path = "tools/run", previous_path = "bin/run" },
      { action = "move", path = "src/full", previous_path = "src/empty", content = "no more", executable = false },
      { action = "delete", path = "src/bytes" },
      { action = "update", path = "README.md", executable = true },
    },
  })
  local whole = second:refresh()
  assert(whole.stats.files == 6 and #whole.files == 6, "with its size and its files")
  assert(made:get(repository, commit.sha:sub(1, 7)).sha == commit.sha, "by the beginning of its id")
  assert(names_of(made:list(repository, { ref = "topic" }), "message"):find "^Move things Add things", "the newest first")
  assert(names_of(repository:commits { order = "asc", limit = 1 }, "message") == "Initial commit", "the oldest first")
  assert(names_of(made:list(repository, { path = "src", author = "grace" }), "sha") == commit.sha, "by path and author")
  assert(names_of(made:list(repository, { since = commit.committer.at + 1000 })) == "", "by time")
  assert(#made:list(repository, { ["until"] = commit.committer.at + 1000, ref = first }).data == 1, "from a commit")
  local count = 0
  for _ in made:each(repository, { ref = "topic", limit = 1 }) do
    count = count + 1
  end
  assert(count == 3, "page by page")
  return first, commit.sha, second.sha
end

local function trees(git, repository, first, head)
  local tree, files = git.repositories.tree, git.repositories.files
  assert(names_of(tree:list(repository), "path") == "README.md bin src", "the top")
  assert(names_of(repository:tree { path = "src" }) == "a.txt bytes empty", "a directory")
  local entry = tree:list(repository, { path = "bin", ref = head }).data[1]
  assert(entry.mode == "100755" and entry.type == "file" and entry.size_bytes == 10 and entry.path == "bin/run", "a program")
  assert(names_of(tree:list(repository, { recursive = true, order = "desc", limit = 2 }), "path") == "src/empty src/bytes", "all of it")
  assert(#tree:list(repository, { ref = first }).data == 1, "as it was")
  local text = files:get(repository, "src/a.txt")
  assert(text.content == "one\r\ntwo\r\n" and text.encoding == "utf-8" and text.ref == "trunk" and text.commit_sha == head, "a text")
  local bytes = files:get(repository, "src/bytes", { ref = head:sub(1, 10) })
  assert(bytes.content == "AP/+" and bytes.encoding == "base64" and bytes.size_bytes == 3, "bytes")
  assert(files:get(repository, "bin/run").executable and not text.executable, "what may be run")
end

local function compare(git, repository, first, topic)
  local made = git.repositories.compare
  local ahead = repository:compare { base = "trunk", head = "topic" }
  assert(ahead.status == "ahead" and ahead.ahead_by == 1 and ahead.commits[1].sha == topic and #ahead.files == 6, "ahead")
  local behind = made:get(repository, { base = "topic", head = first })
  assert(behind.status == "behind" and behind.behind_by == 2 and behind.merge_base_sha == first and #behind.files == 0, "behind")
  assert(made:get(repository, { base = "trunk", head = "trunk" }).status == "identical", "the same")
  git.repositories.commits:create(repository, {
    branch = "trunk", message = "Aside", actions = { { action = "create", path = "aside", content = "1\n" } },
  })
  assert(made:get(repository, { base = "trunk", head = "topic" }).status == "diverged", "apart")
end

return function(git)
  local repository = repositories(git)
  branches(git, repository)
  local first, head, topic = commits(git, repository)
  trees(git, repository, first, head)
  compare(git, repository, first, topic)
  git.repositories.branches:get(repository, "feature/one"):delete()
  assert(names_of(repository:branches()) == "kept topic trunk", "a branch less")
  repository:delete()
  assert(names_of(git.repositories:list { search = "tour" }) == "", "and a repository less")
end

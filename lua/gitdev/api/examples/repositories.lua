return {
  ["repositories.list"] = [[
git.repositories:create { name = "tools", visibility = "public" }
for repository in git.repositories:each { visibility = "public" } do
  print(repository.name) --> tools
end
]],
  ["repositories.create"] = [[
local repository = git.repositories:create {
  name = "tools", description = "Small things", init = true,
}
print(repository.default_branch, repository.empty) --> main false
]],
  ["repositories.get"] = [[
print(git.repositories:get("my-app").default_branch) --> main
]],
  ["repositories.update"] = [[
local repository = git.repositories:update("my-app", {
  default_branch = "develop", description = gitdev.null,
})
print(repository.default_branch) --> develop
]],
  ["repositories.delete"] = [[
local repository = git.repositories:create { name = "tools" }
repository:delete()
print(#git.repositories:list({ search = "tools" }).data) --> 0
]],
  ["repositories.branches.list"] = [[
for branch in git.repositories.branches:each "my-app" do
  print(branch.name, branch.default)
end
--> develop false
--> main true
]],
  ["repositories.branches.create"] = [[
local branches = git.repositories.branches
local branch = branches:create("my-app", { name = "feature/search", from = "main" })
print(branch.name, branch.protected) --> feature/search false
]],
  ["repositories.branches.get"] = [[
print(git.repositories.branches:get("my-app", "develop").protected) --> false
]],
  ["repositories.branches.delete"] = [[
git.repositories.branches:delete("my-app", "develop")
print(#git.repositories.branches:list("my-app").data) --> 1
]],
  ["repositories.commits.list"] = [[
for commit in git.repositories.commits:each("my-app", { ref = "develop" }) do
  print(commit.message)
end
--> Begin develop
--> Initial commit
]],
  ["repositories.commits.create"] = [[
local commit = git.repositories.commits:create("my-app", {
  branch = "main", message = "Say hello",
  actions = {
    { action = "create", path = "hello.txt", content = "Hello\n" },
    { action = "move", path = "docs/README.md", previous_path = "README.md" },
  },
})
print(commit.message, commit:refresh().stats.files) --> Say hello 2
]],
  ["repositories.commits.get"] = [[
local head = git.repositories.branches:get("my-app", "develop").commit_sha
local commit = git.repositories.commits:get("my-app", head:sub(1, 7))
print(commit.stats.additions, commit.files[1].path) --> 1 CHANGES.md
]],
  ["repositories.tree.list"] = [[
for entry in git.repositories.tree:each("my-app", { path = "script" }) do
  print(entry.path, entry.type, entry.mode) --> script/build file 100755
end
]],
  ["repositories.files.get"] = [[
local file = git.repositories.files:get("my-app", "src/index.js", { ref = "develop" })
print(file.content) --> console.log("It works.");
]],
  ["repositories.compare.get"] = [[
local comparison = git.repositories.compare:get("my-app", { base = "main", head = "develop" })
print(comparison.status, comparison.ahead_by, comparison.files[1].path) --> ahead 1 CHANGES.md
]],
}

return {
  ["projects.list"] = [[
git.projects:create { slug = "my-shop" }
local slugs = {}
for project in git.projects:each { search = "my-" } do
  slugs[#slugs + 1] = project.slug
end
print(table.concat(slugs, ", ")) --> my-shop, my-app
]],
  ["projects.create"] = [[
local project = git.projects:create {
  slug = "my-shop",
  repository = "my-app",
  root_directory = "/shop",
  regions = { "iad", "fra" },
}
print(project.url) --> https://my-shop.git.dev
]],
  ["projects.get"] = [[
print(git.projects:get("my-app").production_branch) --> main
]],
  ["projects.update"] = [[
local project = git.projects:update("my-app", { name = "My app", framework = gitdev.null })
print(project.name, project.framework) --> My app nil
]],
  ["projects.delete"] = [[
git.projects:delete "my-app"
print(#git.projects:list().data) --> 0
]],
}

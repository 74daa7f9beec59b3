return {
  ["previews.list"] = [[
git.deployments:create { project = "my-app", branch = "develop" } -- opens the preview of its branch
for preview in git.previews:each { project = "my-app" } do
  print(preview.branch, preview.url) --> develop https://my-app--develop.git.dev
end
]],
  ["previews.create"] = [[
local preview = git.previews:create {
  project = "my-app",
  branch = "develop",
  pull_request = 7,
  protection = "password",
  password = "open sesame",
  expires_in = 7 * 24 * 3600,
}
preview:wait()
print(preview.status, preview.url) --> live https://my-app--develop.git.dev
]],
  ["previews.get"] = [[
local deployment = git.deployments:create { project = "my-app", branch = "develop" }
print(git.previews:get(deployment.preview_id).status) --> queued
]],
  ["previews.delete"] = [[
local preview = git.previews:create { project = "my-app", branch = "develop" }
preview:delete() -- with its deployments
print(#git.deployments:list().data) --> 0
]],
}

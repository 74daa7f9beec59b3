return {
  ["usage.get"] = [[
git.deployments:create({ project = "my-app" }):wait()
for _, row in ipairs(git.usage:get({ project = "my-app" }).metrics) do
  if row.metric == "build_ms" then
    print(row.quantity) --> 1800
  end
end
]],
}

return {
  ["edge_rules.list"] = [[
git.edge_rules:create {
  project = "my-app", type = "rewrite", source = "/*", destination = "/index.html",
}
for rule in git.edge_rules:each { project = "my-app", type = "rewrite" } do
  print(rule.priority, rule.source, rule.destination) --> 0 /* /index.html
end
]],
  ["edge_rules.create"] = [[
local rule = git.edge_rules:create {
  project = "my-app", type = "redirect",
  source = "/blog/:post", destination = "/news/:post", status_code = 301,
}
git.edge_rules:create {
  project = "my-app", type = "header", source = "/*", headers = { ["X-Frame-Options"] = "DENY" },
}
print(rule.priority, rule.status_code) --> 0 301
]],
  ["edge_rules.get"] = [[
local made = git.edge_rules:create {
  project = "my-app", type = "redirect", source = "/old/*", destination = "https://example.com/*",
}
print(git.edge_rules:get(made.id).status_code) --> 308
]],
  ["edge_rules.update"] = [[
git.edge_rules:create {
  project = "my-app", type = "rewrite", source = "/*", destination = "/index.html",
}
local api = git.edge_rules:create {
  project = "my-app", type = "rewrite", source = "/api/*", destination = "/v2/*",
}
api:update { priority = 0 } -- it comes first now, and the other one second
print(api.priority) --> 0
]],
  ["edge_rules.delete"] = [[
local rule = git.edge_rules:create {
  project = "my-app", type = "redirect", source = "/a", destination = "/b",
}
rule:delete()
print(#git.edge_rules:list({ project = "my-app" }).data) --> 0
]],
}

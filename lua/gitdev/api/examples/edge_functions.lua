return {
  ["edge_functions.list"] = [[
git.edge_functions:create { project = "my-app", name = "geo", code = "// …", routes = { "/geo" } }
for fn in git.edge_functions:each { project = "my-app", status = "deploying" } do
  print(fn.name, fn.version) --> geo 1
end
]],
  ["edge_functions.create"] = [[
local fn = git.edge_functions:create {
  project = "my-app", name = "hello", routes = { "/hello/:name", "/hi/*" },
  code = "export default (request) => new Response('hi')", env = { GREETING = "hi" },
}
fn:wait()
print(fn.status, fn.version, fn.env_keys[1]) --> active 1 GREETING
]],
  ["edge_functions.get"] = [[
local made = git.edge_functions:create {
  project = "my-app", name = "geo", code = "// find the visitor", routes = { "/geo" },
}
print(git.edge_functions:get(made, { include_code = true }).code) --> // find the visitor
]],
  ["edge_functions.update"] = [[
local fn = git.edge_functions:create {
  project = "my-app", name = "geo", code = "// one", routes = { "/geo" },
}
fn:wait()
fn:update { code = "// two", expected_version = 1 } -- the first version serves until this one does
fn:wait()
print(fn.status, fn.version) --> active 2
]],
  ["edge_functions.delete"] = [[
local fn = git.edge_functions:create {
  project = "my-app", name = "geo", code = "// …", routes = { "/geo" },
}
fn:delete()
print(#git.edge_functions:list().data) --> 0
]],
}

return {
  ["edge_configs.list"] = [[
git.edge_configs:create { name = "flags", projects = { "my-app" } }
print(git.edge_configs:list({ project = "my-app" }).data[1].name) --> flags
]],
  ["edge_configs.create"] = [[
local config = git.edge_configs:create {
  name = "flags", projects = { "my-app" }, items = { beta = true, limits = { upload = 10 } },
}
print(config.item_count, config.version) --> 2 1
]],
  ["edge_configs.get"] = [[
local config = git.edge_configs:create { name = "flags", items = { beta = true } }
print(git.edge_configs:get(config).size_bytes) --> 8
]],
  ["edge_configs.delete"] = [[
local config = git.edge_configs:create { name = "flags" }
config:delete()
print(#git.edge_configs:list().data) --> 0
]],
  ["edge_configs.items.list"] = [[
local config = git.edge_configs:create {
  name = "flags", items = { ["ui.dark"] = true, beta = false },
}
for item in git.edge_configs.items:each(config, { prefix = "ui." }) do
  print(item.key, item.value) --> ui.dark true
end
]],
  ["edge_configs.items.get"] = [[
local config = git.edge_configs:create { name = "flags", items = { limits = { upload = 10 } } }
print(git.edge_configs.items:get(config, "limits").value.upload) --> 10
]],
  ["edge_configs.items.set"] = [[
local config = git.edge_configs:create { name = "flags" }
git.edge_configs.items:set(config, "beta", { value = true })
local item = git.edge_configs.items:set(config, "beta", { value = false, expected_version = 1 })
print(item.value, item.version) --> false 2
]],
  ["edge_configs.items.delete"] = [[
local config = git.edge_configs:create { name = "flags", items = { beta = true } }
git.edge_configs.items:delete(config, "beta")
print(config:refresh().item_count) --> 0
]],
}

return {
  ["cache_purges.create"] = [[
local purge = git.cache_purges:create {
  project = "my-app", urls = { "https://my-app.git.dev/news", "https://my-app.git.dev/feed" },
}
purge:wait()
print(purge.scope, purge.regions_done == purge.regions_total) --> urls true
]],
  ["cache_purges.get"] = [[
local purge = git.cache_purges:create { project = "my-app", everything = true }
print(git.cache_purges:get(purge).status) --> queued
]],
}

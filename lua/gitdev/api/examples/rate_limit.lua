return {
  ["rate_limit.get"] = [[
local limit = git.rate_limit:get()
print(limit.per_minute, limit.burst) --> 6000 200
]],
}

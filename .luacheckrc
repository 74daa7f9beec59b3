-- All Lua here runs on 5.1, LuaJIT and 5.4: only what they share is known, and gitdev.compat has the rest.
std = "min"
max_line_length = 150
self = false
files["lua/gitdev/compat.lua"] = { std = "max" }
files["lua/gitdev/driver/nginx.lua"] = { std = "min+ngx_lua" }
files["lua/gitdev/driver/nginx"] = { std = "min+ngx_lua" }
files["examples/game/love"] = { std = "min+love" }
files["spec"] = { std = "min+busted" }
files["bench"] = { std = "max" }
exclude_files = { "build/**", "**/*.d.lua" }

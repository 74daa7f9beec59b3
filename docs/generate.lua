-- Writes what is made from tables: docs/reference/, lua/gitdev/types.d.lua and docs/gitdev.1. Run it by `./dev docs`, from the repository's root.
local files = require("gitdev.describe.pages").files()
files["docs/gitdev.1"] = require("gitdev.cli.man_page").text()

local function write(path, text)
  local file = assert(io.open(path, "wb"))
  assert(file:write(text))
  assert(file:close())
end

assert(os.execute "mkdir -p docs/reference")
local count = 0
for path, text in pairs(files) do
  write(path, text)
  count = count + 1
end

-- Pages of resources that are no more.
local list = assert(io.popen "ls docs/reference")
for name in list:lines() do
  if not files["docs/reference/" .. name] then
    assert(os.remove("docs/reference/" .. name))
  end
end
list:close()
print(count .. " files written")

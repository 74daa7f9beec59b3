--- Configures, builds and runs a document's CMake, as a project outside of this one that finds gitdev where it is installed. Its sources are
-- examples/c/deploy.c; what it takes for a checkout of gitdev, vendor/gitdev, is this one.
local process = require "spec.lua.support.process"
local room = require "spec.lua.support.guide.room"

local HEAD = "cmake_minimum_required(VERSION 3.25)\nproject(block C)\n"

return function(text)
  local folder = room.folder()
  room.write(folder, "CMakeLists.txt", (text:find "cmake_minimum_required" and "" or HEAD) .. text)
  local target
  for name, sources in text:gmatch "add_executable%((%S+)%s+([^)]*)%)" do
    target = name
    for source in sources:gmatch "%S+%.c" do
      assert(process.run(("install -D %s/examples/c/deploy.c %s/%s"):format(room.root, folder, source)) == 0)
    end
  end
  if text:find("vendor/gitdev", 1, true) then
    assert(process.run(("mkdir -p %s/vendor && ln -s %s %s/vendor/gitdev"):format(folder, room.root, folder)) == 0)
  end
  local prefix = room.prefix()
  local run = target and " && build/" .. target or ""
  return room.run(folder, "cmake -B build -DCMAKE_PREFIX_PATH=" .. prefix .. " >&2 && cmake --build build --parallel 2 >&2" .. run)
end

-- How gitdev is packed; docs/installing.md is for those who install it, spec/packages/ tries all of it.
--   this file      LuaRocks. `luarocks make` builds the modules for the Lua that it is set to (5.1 to 5.4, LuaJIT) from this checkout,
--   build.cmake    by CMake's own rules, which this script runs. The host, which has a Lua of its own inside, and the C library are no rock.
--   debian/        the Debian package, which has them all: `./dev package`
--   ../dist.ini    OpenResty's opm, which looks for it there: Lua files alone
rockspec_format = "3.0"
package = "gitdev"
version = "0.1.0-1"
source = {
  url = "file://.", -- a checkout: `luarocks make` fetches nothing
}
description = {
  summary = "The SDK of the .git platform",
  detailed = "Deployments, repositories, pipelines, domains and the edge, from Lua: calls with one deadline, retries that never write twice, "
    .. "logs that are followed line by line, verified webhooks, and an emulator of the platform to test against.",
  homepage = "https://git.dev",
  license = "none chosen: all rights reserved",
  labels = { "api", "sdk", "deployment", "openresty" },
}
supported_platforms = { "unix" }
dependencies = { "lua >= 5.1, < 5.5" }
-- Libraries alone: of headers LuaRocks knows no folder for an architecture, where Debian keeps libcurl's. CMake finds those.
external_dependencies = {
  CURL = { library = "curl" },
  OPENSSL = { library = "ssl" },
  WSLAY = { library = "wslay" },
  ZLIB = { library = "z" },
  GIT2 = { library = "git2" },
  HIREDIS = { library = "hiredis" },
}
build = {
  type = "command",
  build_command = 'cmake "-DLUA=$(LUA)" "-DLUA_INCDIR=$(LUA_INCDIR)" "-DLUADIR=$(LUADIR)" "-DLIBDIR=$(LIBDIR)"'
    .. ' "-DPREFIXES=$(CURL_DIR);$(OPENSSL_DIR);$(WSLAY_DIR);$(ZLIB_DIR);$(GIT2_DIR);$(HIREDIS_DIR)" -P rockspec/build.cmake',
  install_command = 'cmake "-DLUA=$(LUA)" -DINSTALL=ON -P rockspec/build.cmake',
  copy_directories = { "docs" },
}

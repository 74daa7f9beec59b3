/* A program with a Lua of its own inside, and no Lua file anywhere. */
#include <gitdev.h>
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>

static const char SCRIPT[] =
    "package.path, package.cpath = '', ''\n"
    "local gitdev = require 'gitdev'\n"
    "local git = gitdev.client { quiet = true }\n"
    "local made = git.deployments:create { project = 'my-app', branch = 'main' }\n"
    "print(made:wait().status, require 'gitdev.safe' ~= nil)\n";

int main(void) {
  lua_State *L = luaL_newstate();
  if (!L || gitdev_open(L) != GITDEV_OK)
    return EXIT_FAILURE;
  luaL_openlibs(L);
  int failed = luaL_dostring(L, SCRIPT);
  if (failed)
    fprintf(stderr, "%s\n", luaL_tolstring(L, -1, NULL));
  lua_close(L);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

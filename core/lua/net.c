/* gitdev.net: the loop, the curl engine and the listener, for Lua. */
#include "lua/net.h"
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int net_isatty(lua_State *L) {
  lua_pushboolean(L, isatty((int)luaL_checkinteger(L, 1)));
  return 1;
}

/* net.curl_version() -> "7.88.1" */
static int net_curl_version(lua_State *L) {
  lua_pushstring(L, curl_version_info(CURLVERSION_NOW)->version);
  return 1;
}

/* net.temporary_file(prefix, text) -> path | nil, problem: a file that only this user can read,
 * with the text in it. */
static int net_temporary_file(lua_State *L) {
  size_t len;
  const char *prefix = luaL_checkstring(L, 1), *text = luaL_checklstring(L, 2, &len);
  const char *directory = getenv("TMPDIR");
  char path[512];
  luaL_argcheck(L, !strchr(prefix, '/'), 1, "must not hold a slash");
  int made = snprintf(path, sizeof path, "%s/%sXXXXXX",
                      directory && *directory ? directory : "/tmp", prefix);
  if (made < 0 || (size_t)made >= sizeof path)
    return gitdev_lua_fail(L, "the name of the temporary directory is too long");
  int fd = mkostemp(path, O_CLOEXEC);
  if (fd < 0)
    return gitdev_lua_fail(L, strerror(errno));
  ssize_t written = write(fd, text, len);
  if (close(fd) != 0 || written < 0 || (size_t)written != len) {
    unlink(path);
    return gitdev_lua_fail(L, "the temporary file could not be written");
  }
  lua_pushstring(L, path);
  return 1;
}

static const luaL_Reg functions[] = {{"curl_version", net_curl_version},
                                     {"isatty", net_isatty},
                                     {"temporary_file", net_temporary_file},
                                     {NULL, NULL}};

GITDEV_MODULE int luaopen_gitdev_net(lua_State *L);

/* The two modules share userdata, so they must be of one build. */
static void check_core(lua_State *L) {
  lua_getglobal(L, "require");
  lua_pushstring(L, "gitdev.core");
  lua_call(L, 1, 1);
  lua_getfield(L, -1, "version");
  const char *version = lua_tostring(L, -1);
  if (!version || strcmp(version, GITDEV_VERSION) != 0)
    luaL_error(L,
               "gitdev.net is of version %s, but the gitdev.core found is of version %s: install "
               "both from one build",
               GITDEV_VERSION, version ? version : "?");
  lua_pop(L, 2);
}

int luaopen_gitdev_net(lua_State *L) {
  check_core(L);
  lua_newtable(L);
  gitdev_lua_register(L, functions);
  gitdev_lua_open_loop(L);
  gitdev_lua_open_engine(L);
  gitdev_lua_open_listener(L);
  return 1;
}

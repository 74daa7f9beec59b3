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

/* ---- temporary files ---- */

static const char FILE_CLASS[] = "gitdev.temporary_file";

typedef struct temporary_file {
  char path[512]; /* "": it is removed, or was never made */
  pid_t owner;    /* a fork's child leaves it alone */
} temporary_file;

static int file_close(lua_State *L) {
  temporary_file *self = luaL_checkudata(L, 1, FILE_CLASS);
  if (self->path[0] && self->owner == getpid())
    unlink(self->path);
  self->path[0] = '\0';
  return 0;
}

static int file_path(lua_State *L) {
  const temporary_file *self = luaL_checkudata(L, 1, FILE_CLASS);
  luaL_argcheck(L, self->path[0], 1, "the file is closed");
  lua_pushstring(L, self->path);
  return 1;
}

/* Makes the file with the text in it; NULL, or what went wrong. */
static const char *make_file(temporary_file *self, const char *prefix, const char *text,
                             size_t len) {
  const char *directory = getenv("TMPDIR");
  int made = snprintf(self->path, sizeof self->path, "%s/%sXXXXXX",
                      directory && *directory ? directory : "/tmp", prefix);
  bool fits = made > 0 && (size_t)made < sizeof self->path;
  int fd = fits ? mkostemp(self->path, O_CLOEXEC) : -1;
  if (fd < 0) {
    self->path[0] = '\0';
    return fits ? strerror(errno) : "the name of the temporary directory is too long";
  }
  self->owner = getpid();
  ssize_t written = write(fd, text, len);
  bool whole = close(fd) == 0 && written >= 0 && (size_t)written == len;
  return whole ? NULL : "the temporary file could not be written";
}

/* net.temporary_file(prefix, text) -> file | nil, problem: a file that only this user can read,
 * with the text in it. file:path() names it; it is removed by file:close(), at the latest when the
 * file is collected or the state is closed, however that comes about. */
static int net_temporary_file(lua_State *L) {
  size_t len;
  const char *prefix = luaL_checkstring(L, 1), *text = luaL_checklstring(L, 2, &len);
  luaL_argcheck(L, !strchr(prefix, '/'), 1, "must not hold a slash");
  temporary_file *self = gitdev_lua_new(L, FILE_CLASS, sizeof *self);
  const char *problem = make_file(self, prefix, text, len);
  return problem ? gitdev_lua_fail(L, problem) : 1;
}

static const luaL_Reg file_methods[] = {{"close", file_close}, {"path", file_path}, {NULL, NULL}};

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
  gitdev_lua_class(L, FILE_CLASS, file_methods, file_close);
  gitdev_lua_open_loop(L);
  gitdev_lua_open_engine(L);
  gitdev_lua_open_listener(L);
  gitdev_lua_open_file(L);
  gitdev_lua_open_gzip(L);
  gitdev_lua_open_socket(L);
  gitdev_lua_open_post(L);
#ifdef GITDEV_REDIS
  gitdev_lua_open_redis(L);
#endif
  return 1;
}

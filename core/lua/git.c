/* gitdev.git: Git objects through libgit2, for the emulator's repositories. Nothing else of gitdev
 * needs libgit2, and nobody else loads this module.
 *
 * Misuse raises; what the world does wrong comes back as nil and a problem. */
#include "lua/git.h"
#include <string.h>

static const char LIBRARY[] = "gitdev.git.libgit2";

static int library_close(lua_State *L) {
  bool *counted = luaL_checkudata(L, 1, LIBRARY);
  if (*counted)
    git_libgit2_shutdown();
  *counted = false;
  return 0;
}

/* libgit2 counts its users. The state's own share keeps it from being set up anew for each
 * repository. */
static void count_in(lua_State *L) {
  static const luaL_Reg none[] = {{NULL, NULL}};
  gitdev_lua_class(L, LIBRARY, none, library_close);
  bool *counted = gitdev_lua_new(L, LIBRARY, sizeof *counted);
  *counted = git_libgit2_init() > 0;
  lua_setfield(L, LUA_REGISTRYINDEX, "gitdev.git.share");
}

/* git.valid_branch(name) -> whether Git takes it for a branch's name. libgit2 lets DEL pass. */
static int git_valid_branch(lua_State *L) {
  size_t len;
  int valid = 0;
  const char *name = luaL_checklstring(L, 1, &len);
  bool fits =
      strlen(name) == len && !strchr(name, '\x7f') && git_branch_name_is_valid(&valid, name) == 0;
  lua_pushboolean(L, fits && valid);
  return 1;
}

static const luaL_Reg functions[] = {{"valid_branch", git_valid_branch}, {NULL, NULL}};

GITDEV_MODULE int luaopen_gitdev_git(lua_State *L);

int luaopen_gitdev_git(lua_State *L) {
  count_in(L);
  gitdev_git_open_repository(L);
  gitdev_git_open_objects(L);
  gitdev_git_open_commits(L);
  gitdev_git_open_trees(L);
  gitdev_git_open_diff(L);
  gitdev_git_open_folder(L);
  lua_newtable(L);
  gitdev_lua_register(L, functions);
  gitdev_git_repository_functions(L);
  gitdev_git_folder_functions(L);
  gitdev_git_base64_functions(L);
  gitdev_git_object_functions(L);
  gitdev_lua_set_string(L, "libgit2_version", LIBGIT2_VERSION);
  return 1;
}

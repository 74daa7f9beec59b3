/* The objects that a saved state holds: whatever it is given, git.load makes a repository that dumps
 * and loads alike, or says what is wrong. The same bytes go through base64: what is read as such
 * is written so. */
#include "fuzz.h"
#include "lua/git.h"
#include <lualib.h>

int luaopen_gitdev_git(lua_State *L);

static const char CHUNK[] = "local git, bytes = ...\n"
                            "local plain = git.unbase64(bytes)\n"
                            "assert(not plain or git.base64(plain) == bytes)\n"
                            "assert(git.unbase64(git.base64(bytes)) == bytes)\n"
                            "local one, problem = git.load(bytes)\n"
                            "if not one then\n"
                            "  assert(type(problem) == 'string')\n"
                            "  return\n"
                            "end\n"
                            "local dump = assert(one:dump())\n"
                            "assert(one:size() < #bytes and #dump <= #bytes)\n"
                            "local other = assert(git.load(dump))\n"
                            "assert(other:dump() == dump)\n";

/* Setting libgit2 up takes far longer than a run: one share of it is kept. */
int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  (void)argc;
  (void)argv;
  REQUIRE(git_libgit2_init() > 0);
  return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  lua_State *L = luaL_newstate();
  REQUIRE(L != NULL);
  luaL_openlibs(L);
  REQUIRE(luaL_loadstring(L, CHUNK) == LUA_OK);
  lua_pushcfunction(L, luaopen_gitdev_git);
  lua_call(L, 0, 1);
  lua_pushlstring(L, (const char *)data, size);
  if (lua_pcall(L, 2, 0, 0) != LUA_OK) {
    (void)fprintf(stderr, "%s\n", lua_tostring(L, -1));
    abort();
  }
  lua_close(L);
  return 0;
}

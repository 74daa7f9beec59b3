/* gitdev.core: the policy, the call machine and the readers of outside bytes, for Lua. Needs
 * libcrypto and nothing else. */
#include "lua/call.h"

static int core_now(lua_State *L) {
  lua_pushnumber(L, gitdev_now());
  return 1;
}

static const luaL_Reg functions[] = {{"now", core_now}, {NULL, NULL}};

GITDEV_MODULE int luaopen_gitdev_core(lua_State *L);

int luaopen_gitdev_core(lua_State *L) {
  gitdev_lua_open_call(L);
  lua_newtable(L);
  gitdev_lua_register(L, functions);
  gitdev_lua_open_client(L);
  gitdev_lua_open_json(L);
  gitdev_lua_open_crypto(L);
  gitdev_lua_open_text(L);
  gitdev_lua_set_string(L, "version", GITDEV_VERSION);
  lua_pushlightuserdata(L, NULL);
  lua_setfield(L, -2, "null");
  return 1;
}

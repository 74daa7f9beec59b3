/* gitdev.core: the policy, the call machine and the readers of outside bytes, for Lua. Needs
 * libcrypto and nothing else. */
#include "lua/call.h"
#include "lua/http1.h"
#include <time.h>

static int core_now(lua_State *L) {
  lua_pushnumber(L, gitdev_now());
  return 1;
}

/* core.time() -> seconds since the Unix epoch, with their fraction */
static int core_time(lua_State *L) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  lua_pushnumber(L, (double)now.tv_sec + (double)now.tv_nsec * 1e-9);
  return 1;
}

static const luaL_Reg functions[] = {{"now", core_now}, {"time", core_time}, {NULL, NULL}};

GITDEV_MODULE int luaopen_gitdev_core(lua_State *L);

int luaopen_gitdev_core(lua_State *L) {
  gitdev_lua_open_call(L);
  gitdev_lua_open_stream(L);
  gitdev_lua_open_events(L);
  gitdev_lua_open_driver(L);
  gitdev_lua_open_exchange(L);
  gitdev_lua_open_limit(L);
  lua_newtable(L);
  gitdev_lua_register(L, functions);
  gitdev_lua_open_client(L);
  gitdev_lua_open_decode(L);
  gitdev_lua_open_http1(L);
  gitdev_lua_open_json(L);
  gitdev_lua_open_object(L);
  gitdev_lua_open_shape(L);
  gitdev_lua_open_crypto(L);
  gitdev_lua_open_signature(L);
  gitdev_lua_open_text(L);
  gitdev_lua_open_websocket(L);
  gitdev_lua_open_yieldable(L);
  gitdev_lua_set_string(L, "version", GITDEV_VERSION);
  lua_pushlightuserdata(L, NULL);
  lua_setfield(L, -2, "null");
  return 1;
}

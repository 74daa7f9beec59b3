/* What the strict checker accepts, the decoder reads; whatever it is given, it leaves the stack as
 * it should, and says where it stopped. */
#include "fuzz.h"
#include "lua/call.h"
#include "wire/json.h"
#include <lualib.h>

static lua_State *new_state(void) {
  lua_State *L = luaL_newstate();
  REQUIRE(L != NULL);
  lua_newtable(L);
  gitdev_lua_open_decode(L);
  lua_getfield(L, -1, "decode");
  lua_remove(L, 1);
  return L;
}

static void require_failure(lua_State *L, size_t size) {
  REQUIRE(lua_gettop(L) >= 3 && lua_isstring(L, -2));
  lua_Number offset = lua_tonumber(L, -1);
  REQUIRE(offset >= 0 && offset <= (lua_Number)size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  gitdev_json root;
  const char *text = (const char *)data;
  bool strict = gitdev_json_check(&root, text, size, GITDEV_JSON_DEPTH_MAX, NULL);
  lua_State *L = new_state();
  lua_pushlstring(L, text, size);
  lua_pushboolean(L, size % 2);
  REQUIRE(lua_pcall(L, 2, LUA_MULTRET, 0) == LUA_OK);
  int results = lua_gettop(L);
  REQUIRE(results == 2 || results >= 3);
  if (results == 2)
    REQUIRE(lua_isboolean(L, 2) && (!lua_toboolean(L, 2) || lua_istable(L, 1)));
  else
    require_failure(L, size);
  REQUIRE(!strict || results == 2);
  lua_close(L);
  return 0;
}

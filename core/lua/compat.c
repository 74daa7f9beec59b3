#include "lua/compat.h"
#include <math.h>
#include <string.h>

void gitdev_lua_register(lua_State *L, const luaL_Reg *functions) {
  for (; functions->name; functions++) {
    lua_pushcfunction(L, functions->func);
    lua_setfield(L, -2, functions->name);
  }
}

void gitdev_lua_class(lua_State *L, const char *name, const luaL_Reg *methods,
                      lua_CFunction close) {
  if (luaL_newmetatable(L, name)) {
    lua_newtable(L);
    gitdev_lua_register(L, methods);
    lua_setfield(L, -2, "__index");
    static const char *const closers[] = {"__gc", "__close"};
    for (size_t i = 0; i < 2; i++) {
      lua_pushcfunction(L, close);
      lua_setfield(L, -2, closers[i]);
    }
    gitdev_lua_set_string(L, "__name", name);
    gitdev_lua_set_string(L, "__metatable", name);
  }
  lua_pop(L, 1);
}

void *gitdev_lua_new(lua_State *L, const char *name, size_t size) {
  void *memory = lua_newuserdata(L, size);
  memset(memory, 0, size);
  luaL_getmetatable(L, name);
  lua_setmetatable(L, -2);
  return memory;
}

#if LUA_VERSION_NUM >= 504
void gitdev_lua_anchor(lua_State *L, int index) {
  lua_setiuservalue(L, index, 1);
}

void gitdev_lua_push_anchored(lua_State *L, int index) {
  lua_getiuservalue(L, index, 1);
}
#elif LUA_VERSION_NUM >= 502
void gitdev_lua_anchor(lua_State *L, int index) {
  lua_setuservalue(L, index);
}

void gitdev_lua_push_anchored(lua_State *L, int index) {
  lua_getuservalue(L, index);
}
#else
/* In 5.1 an environment is a table: the value stands in it. */
void gitdev_lua_anchor(lua_State *L, int index) {
  if (index < 0)
    index = lua_gettop(L) + 1 + index;
  lua_createtable(L, 1, 0);
  lua_insert(L, -2);
  lua_rawseti(L, -2, 1);
  lua_setfenv(L, index);
}

void gitdev_lua_push_anchored(lua_State *L, int index) {
  lua_getfenv(L, index);
  lua_rawgeti(L, -1, 1);
  lua_remove(L, -2);
}
#endif

void gitdev_lua_push_number(lua_State *L, double value) {
#if LUA_VERSION_NUM >= 503
  if (value >= -9007199254740992.0 && value <= 9007199254740992.0 && floor(value) >= value) {
    lua_pushinteger(L, (lua_Integer)value);
    return;
  }
#endif
  lua_pushnumber(L, value);
}

void gitdev_lua_set_string(lua_State *L, const char *name, const char *value) {
  if (!value)
    return;
  lua_pushstring(L, value);
  lua_setfield(L, -2, name);
}

void gitdev_lua_set_number(lua_State *L, const char *name, double value) {
  if (value < 0)
    return;
  gitdev_lua_push_number(L, value);
  lua_setfield(L, -2, name);
}

int gitdev_lua_fail(lua_State *L, const char *text) {
  lua_pushnil(L);
  lua_pushstring(L, text);
  return 2;
}

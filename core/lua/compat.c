#include "lua/compat.h"
#include <math.h>
#include <string.h>

#ifdef GITDEV_LUA_NUM
_Static_assert(LUA_VERSION_NUM == GITDEV_LUA_NUM, "these are the headers of another Lua");
#endif

void gitdev_lua_register(lua_State *L, const luaL_Reg *functions) {
  for (; functions->name; functions++) {
    lua_pushcfunction(L, functions->func);
    lua_setfield(L, -2, functions->name);
  }
}

/* Sets a field of the table on the top of the stack to a function that knows the class below it. */
static void set_method(lua_State *L, const char *name, lua_CFunction function) {
  lua_pushvalue(L, -2);
  lua_pushcclosure(L, function, 1);
  lua_setfield(L, -2, name);
}

void gitdev_lua_extend(lua_State *L, const char *name, const luaL_Reg *methods) {
  luaL_getmetatable(L, name);
  lua_getfield(L, -1, "__index");
  for (; methods->name; methods++)
    set_method(L, methods->name, methods->func);
  lua_pop(L, 2);
}

void *gitdev_lua_check(lua_State *L, int index, const char *name) {
  if (index == 1 && lua_getmetatable(L, index)) {
    bool own = lua_rawequal(L, -1, lua_upvalueindex(1)) != 0;
    lua_pop(L, 1);
    if (own)
      return lua_touserdata(L, index);
  }
  return luaL_checkudata(L, index, name);
}

void gitdev_lua_class(lua_State *L, const char *name, const luaL_Reg *methods,
                      lua_CFunction close) {
  if (luaL_newmetatable(L, name)) {
    lua_newtable(L);
    lua_setfield(L, -2, "__index");
    gitdev_lua_extend(L, name, methods);
    static const char *const closers[] = {"__gc", "__close"};
    for (size_t i = 0; i < 2; i++) {
      lua_pushvalue(L, -1);
      lua_pushcclosure(L, close, 1);
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
#elif LUA_VERSION_NUM >= 503
void gitdev_lua_anchor(lua_State *L, int index) {
  lua_setuservalue(L, index);
}

void gitdev_lua_push_anchored(lua_State *L, int index) {
  lua_getuservalue(L, index);
}
#else
#if LUA_VERSION_NUM < 502
#define lua_setuservalue lua_setfenv
#define lua_getuservalue lua_getfenv
#endif
/* Before 5.3 it is a table: the value stands in it. */
void gitdev_lua_anchor(lua_State *L, int index) {
  if (index < 0)
    index = lua_gettop(L) + 1 + index;
  lua_createtable(L, 1, 0);
  lua_insert(L, -2);
  lua_rawseti(L, -2, 1);
  lua_setuservalue(L, index);
}

void gitdev_lua_push_anchored(lua_State *L, int index) {
  lua_getuservalue(L, index);
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

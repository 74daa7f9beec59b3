/* core.wrapper: what makes things of the tables that calls return. */
#include "lua/call.h"

/* The upvalues of a wrapper; the names begin at FIRST_NAME. */
enum { META = 1, OTHERWISE, COUNT, FIRST_NAME };

static bool has_field(lua_State *L, int name) {
  lua_pushvalue(L, lua_upvalueindex(name));
  lua_rawget(L, 1);
  bool found = !lua_isnil(L, -1);
  lua_pop(L, 1);
  return found;
}

static int wrap(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  int end = FIRST_NAME + (int)lua_tointeger(L, lua_upvalueindex(COUNT));
  for (int name = FIRST_NAME; name < end; name++)
    if (has_field(L, name)) {
      lua_pushvalue(L, lua_upvalueindex(OTHERWISE));
      lua_insert(L, 1);
      lua_call(L, 1, 1);
      return 1;
    }
  lua_pushvalue(L, lua_upvalueindex(META));
  lua_setmetatable(L, 1);
  return 1;
}

/* core.wrapper(meta, otherwise, name, ...) -> a function that gives a table the metatable and
 * returns it. A table that has a field of one of the names goes to otherwise(table). */
static int core_wrapper(lua_State *L) {
  enum { NAMES_MAX = 200 };
  int count = lua_gettop(L) - 2;
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_checktype(L, 2, LUA_TFUNCTION);
  luaL_argcheck(L, count <= NAMES_MAX, 3, "too many names");
  lua_pushinteger(L, count);
  lua_insert(L, COUNT);
  lua_pushcclosure(L, wrap, FIRST_NAME - 1 + count);
  return 1;
}

static const luaL_Reg functions[] = {{"wrapper", core_wrapper}, {NULL, NULL}};

void gitdev_lua_open_object(lua_State *L) {
  gitdev_lua_register(L, functions);
}

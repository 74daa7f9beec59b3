/* core.shape: a call's fields, compiled for one walk over their values. */
#include "lua/call.h"
#include "lua/shape.h"
#include <math.h>

static const char *const KINDS[] = {"other", "text",  "word", "enum",   "int",
                                    "bool",  "array", "map",  "object", NULL};

/* A member of the row on the top of the stack. The row keeps the string alive. */
static const char *string_of(lua_State *L, const char *name, size_t *len) {
  lua_getfield(L, -1, name);
  const char *text = lua_tolstring(L, -1, len);
  lua_pop(L, 1);
  return text;
}

static double number_of(lua_State *L, const char *name, double otherwise) {
  lua_getfield(L, -1, name);
  double value = lua_isnumber(L, -1) ? lua_tonumber(L, -1) : otherwise;
  lua_pop(L, 1);
  return value;
}

static bool flag_of(lua_State *L, const char *name) {
  lua_getfield(L, -1, name);
  bool value = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return value;
}

static gitdev_lua_row_kind kind_of(lua_State *L) {
  lua_getfield(L, -1, "kind");
  int value = luaL_checkoption(L, -1, NULL, KINDS);
  lua_pop(L, 1);
  return (gitdev_lua_row_kind)value;
}

static void read_row(lua_State *L, gitdev_lua_row *row) {
  row->kind = kind_of(L);
  row->nullable = flag_of(L, "nullable");
  row->required = flag_of(L, "required");
  row->name = string_of(L, "name", &row->name_len);
  row->min = number_of(L, "min", 0);
  row->max = number_of(L, "max", HUGE_VAL);
  row->bytes = number_of(L, "bytes", HUGE_VAL);
  row->format = (gitdev_lua_format){
      .classes = string_of(L, "classes", NULL),
      .least = number_of(L, "least", 0),
      .most = number_of(L, "most", HUGE_VAL),
      .no_nul = flag_of(L, "no_nul"),
  };
  row->format.reserved = string_of(L, "reserved", &row->format.reserved_len);
  row->first = (size_t)number_of(L, "first", 1) - 1;
  row->count = (size_t)number_of(L, "count", 0);
}

/* core.shape(rows, count) -> a function: value -> its JSON text | nil. See gitdev.shape for the
 * rows; they must not change. */
static int core_shape(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  size_t count = (size_t)luaL_checkinteger(L, 2);
  gitdev_lua_row *rows = lua_newuserdata(L, count * sizeof *rows);
  for (size_t i = 0; i < count; i++) {
    lua_rawgeti(L, 1, (int)i + 1);
    read_row(L, &rows[i]);
    lua_pop(L, 1);
  }
  lua_pushvalue(L, 1);
  lua_pushcclosure(L, gitdev_lua_walk, 2);
  return 1;
}

static const luaL_Reg functions[] = {{"shape", core_shape}, {NULL, NULL}};

void gitdev_lua_open_shape(lua_State *L) {
  gitdev_lua_register(L, functions);
}

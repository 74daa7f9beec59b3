/* core's JSON: strict checks, and what cjson leaves open. Decoding and encoding themselves are
 * cjson's. */
#include "lua/call.h"
#include "wire/json.h"
#include <string.h>

/* core.json_check(text [, depth]) -> true | nil, problem, offset */
static int json_check(lua_State *L) {
  size_t len;
  const char *text = luaL_checklstring(L, 1, &len);
  int depth = (int)luaL_optinteger(L, 2, GITDEV_JSON_DEPTH_MAX);
  gitdev_json root;
  gitdev_json_error error;
  if (gitdev_json_check(&root, text, len, depth, &error)) {
    lua_pushboolean(L, 1);
    return 1;
  }
  gitdev_lua_fail(L, error.problem);
  lua_pushinteger(L, (lua_Integer)error.offset);
  return 3;
}

static const char *kind_name(gitdev_json_kind kind) {
  switch (kind) {
  case GITDEV_JSON_NULL: return "null";
  case GITDEV_JSON_FALSE:
  case GITDEV_JSON_TRUE: return "boolean";
  case GITDEV_JSON_NUMBER: return "number";
  case GITDEV_JSON_STRING: return "string";
  case GITDEV_JSON_ARRAY: return "array";
  case GITDEV_JSON_OBJECT: break;
  }
  return "object";
}

/* core.json_kind(text, name or index, ...) -> kind | nil. The text must be a valid one. */
static int json_kind(lua_State *L) {
  size_t len;
  const char *text = luaL_checklstring(L, 1, &len);
  gitdev_json value;
  if (!gitdev_json_check(&value, text, len, GITDEV_JSON_DEPTH_MAX, NULL))
    return 0;
  for (int i = 2, top = lua_gettop(L); i <= top; i++) {
    bool found;
    if (lua_type(L, i) == LUA_TNUMBER) {
      lua_Integer index = lua_tointeger(L, i);
      found = index >= 1 && gitdev_json_element(&value, (size_t)index - 1, &value);
    } else {
      const char *name = luaL_checklstring(L, i, &len);
      found = gitdev_json_member(&value, name, len, &value);
    }
    if (!found)
      return 0;
  }
  lua_pushstring(L, kind_name(value.kind));
  return 1;
}

static bool is_null(lua_State *L, int index) {
  return lua_type(L, index) == LUA_TLIGHTUSERDATA && lua_touserdata(L, index) == NULL;
}

/* Replaces the value on the top of the stack, which belongs to the key below it, in the table at
 * `table`. Changing a field that exists is allowed while the table is walked. */
static void replace(lua_State *L, int table) {
  lua_pushvalue(L, -2);
  lua_insert(L, -2);
  lua_rawset(L, table);
}

/* Settles the table on the top of the stack, and those in it. cjson has bounded their depth. */
static void settle_table(lua_State *L) {
  luaL_checkstack(L, 6, "JSON is nested too deeply");
  int table = lua_gettop(L);
  lua_pushnil(L);
  while (lua_next(L, table)) {
    int type = lua_type(L, -1);
    if (type == LUA_TTABLE) {
      settle_table(L);
#if LUA_VERSION_NUM >= 503
    } else if (type == LUA_TNUMBER && !lua_isinteger(L, -1)) {
      gitdev_lua_push_number(L, lua_tonumber(L, -1));
      lua_remove(L, -2);
      replace(L, table);
      continue;
#endif
    } else if (is_null(L, -1) && lua_type(L, -2) == LUA_TSTRING) {
      lua_pop(L, 1);
      lua_pushnil(L);
      replace(L, table);
      continue;
    }
    lua_pop(L, 1);
  }
}

/* core.settle(value) -> value: the members that are null are dropped (in an array they keep their
 * places as core.null), and whole floats become integers. */
static int settle(lua_State *L) {
  lua_settop(L, 1);
  if (lua_istable(L, 1))
    settle_table(L);
  return 1;
}

static void add_escape(luaL_Buffer *out, unsigned char c) {
  static const char digits[] = "0123456789abcdef", names[] = "btnvfr";
  char text[7] = "\\u00";
  size_t len = 2;
  if (c == '"' || c == '\\')
    text[1] = (char)c;
  else if (c >= '\b' && c <= '\r' && c != '\v')
    text[1] = names[c - '\b'];
  else {
    text[4] = digits[c >> 4];
    text[5] = digits[c & 15];
    len = 6;
  }
  luaL_addlstring(out, text, len);
}

/* core.quote(text) -> the text as a JSON string. Only quotes, backslashes and control bytes are
 * escaped, so that a text has one form. */
static int quote(lua_State *L) {
  size_t len, plain = 0;
  const char *text = luaL_checklstring(L, 1, &len);
  luaL_Buffer out;
  luaL_buffinit(L, &out);
  luaL_addchar(&out, '"');
  for (size_t i = 0; i < len; i++) {
    unsigned char c = (unsigned char)text[i];
    if (c >= ' ' && c != '"' && c != '\\')
      continue;
    luaL_addlstring(&out, text + plain, i - plain);
    add_escape(&out, c);
    plain = i + 1;
  }
  luaL_addlstring(&out, text + plain, len - plain);
  luaL_addchar(&out, '"');
  luaL_pushresult(&out);
  return 1;
}

static const luaL_Reg functions[] = {{"json_check", json_check},
                                     {"json_kind", json_kind},
                                     {"quote", quote},
                                     {"settle", settle},
                                     {NULL, NULL}};

void gitdev_lua_open_json(lua_State *L) {
  gitdev_lua_register(L, functions);
}

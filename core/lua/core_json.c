/* core's JSON: strict checks, kinds, and strings. */
#include "lua/call.h"
#include "wire/json_text.h"
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

/* core.quote(text) -> the text as a JSON string. Only quotes, backslashes and control bytes are
 * escaped, so that a text has one form. */
static int quote(lua_State *L) {
  size_t len;
  const char *at = luaL_checklstring(L, 1, &len), *end = at + len;
  luaL_Buffer out;
  luaL_buffinit(L, &out);
  luaL_addchar(&out, '"');
  for (;;) {
    const char *plain = at;
    at = skip_to(at, end, escaped_bits);
    luaL_addlstring(&out, plain, (size_t)(at - plain));
    if (at == end)
      break;
    char escape[GITDEV_JSON_ESCAPE_MAX];
    luaL_addlstring(&out, escape, gitdev_json_escape((unsigned char)*at++, escape));
  }
  luaL_addchar(&out, '"');
  luaL_pushresult(&out);
  return 1;
}

static const luaL_Reg functions[] = {
    {"json_check", json_check},
    {"json_kind", json_kind},
    {"quote", quote},
    {NULL, NULL},
};

void gitdev_lua_open_json(lua_State *L) {
  gitdev_lua_register(L, functions);
}

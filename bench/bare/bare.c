/* bare: the least that Lua could do. One function over plain libcurl:
 *
 *   bare.open(ca_file, headers) -> http
 *   http:send(url[, body])      -> status, body     a POST with a body, a GET without; raises when
 * no answer came */
#include "request.h"

#include <lauxlib.h>
#include <lua.h>

static const char HTTP[] = "bench.http";

enum { HEADERS_MAX = 32 };

static int bare_open(lua_State *L) {
  const char *ca_file = luaL_checkstring(L, 1), *headers[HEADERS_MAX];
  luaL_checktype(L, 2, LUA_TTABLE);
  luaL_checkstack(L, HEADERS_MAX + 4, "too many headers");
  size_t count = lua_rawlen(L, 2);
  luaL_argcheck(L, count <= HEADERS_MAX, 2, "too many headers");
  for (size_t i = 0; i < count; i++) {
    lua_rawgeti(L, 2, (lua_Integer)i + 1);
    headers[i] = luaL_checkstring(L, -1);
  }
  request *self = lua_newuserdatauv(L, sizeof *self, 0);
  bool ok = request_open(self, ca_file, headers, count);
  luaL_setmetatable(L, HTTP);
  return ok ? 1 : luaL_error(L, "libcurl could not be set up");
}

static int http_send(lua_State *L) {
  request *self = luaL_checkudata(L, 1, HTTP);
  size_t len = 0;
  const char *url = luaL_checkstring(L, 2), *body = luaL_optlstring(L, 3, NULL, &len);
  long status = request_send(self, url, body, len);
  if (status == 0)
    return luaL_error(L, "%s: %s", url, self->problem);
  lua_pushinteger(L, status);
  lua_pushlstring(L, self->body ? self->body : "", self->body_len);
  return 2;
}

static int http_gc(lua_State *L) {
  request_close(luaL_checkudata(L, 1, HTTP));
  return 0;
}

int luaopen_bare(lua_State *L);
int luaopen_bare(lua_State *L) {
  static const luaL_Reg methods[] = {{"send", http_send}, {"__gc", http_gc}, {NULL, NULL}};
  static const luaL_Reg functions[] = {{"open", bare_open}, {NULL, NULL}};
  luaL_newmetatable(L, HTTP);
  luaL_setfuncs(L, methods, 0);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  luaL_newlib(L, functions);
  return 1;
}

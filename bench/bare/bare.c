/* bare: the least that Lua could do. A few functions over plain libcurl:
 *
 *   bare.open(ca_file, headers) -> http
 *   http:send(url[, body])      -> status, body     a POST with a body, a GET without
 *
 *   bare.open_many(ca_file, headers, at_once) -> pool
 *   pool:start(place, url, body)                    one POST for each place from 1 to at_once
 *   pool:next()                 -> place, status, body     waits for one of them
 *
 *   bare.version()              -> what libcurl says of itself
 *
 * send and next raise when no answer came. */
#include "requests.h"

#include <lauxlib.h>
#include <lua.h>

static const char HTTP[] = "bench.http", POOL[] = "bench.pool";

enum { HEADERS_MAX = 32, AT_ONCE_MAX = 1000 };

/* The lines of the table at 2, which stay on the stack. */
static size_t get_headers(lua_State *L, const char **headers) {
  luaL_checktype(L, 2, LUA_TTABLE);
  luaL_checkstack(L, HEADERS_MAX + 4, "too many headers");
  size_t count = lua_rawlen(L, 2);
  luaL_argcheck(L, count <= HEADERS_MAX, 2, "too many headers");
  for (size_t i = 0; i < count; i++) {
    lua_rawgeti(L, 2, (lua_Integer)i + 1);
    headers[i] = luaL_checkstring(L, -1);
  }
  return count;
}

static int bare_open(lua_State *L) {
  const char *ca_file = luaL_checkstring(L, 1), *headers[HEADERS_MAX];
  size_t count = get_headers(L, headers);
  request *self = lua_newuserdatauv(L, sizeof *self, 0);
  bool ok = request_open(self, ca_file, headers, count);
  luaL_setmetatable(L, HTTP);
  return ok ? 1 : luaL_error(L, "libcurl could not be set up");
}

static int push_answer(lua_State *L, const request *one, long status) {
  lua_pushinteger(L, status);
  lua_pushlstring(L, one->body ? one->body : "", one->body_len);
  return 2;
}

static int http_send(lua_State *L) {
  request *self = luaL_checkudata(L, 1, HTTP);
  size_t len = 0;
  const char *url = luaL_checkstring(L, 2), *body = luaL_optlstring(L, 3, NULL, &len);
  long status = request_send(self, url, body, len);
  if (status == 0)
    return luaL_error(L, "%s: %s", url, self->problem);
  return push_answer(L, self, status);
}

static int http_gc(lua_State *L) {
  request_close(luaL_checkudata(L, 1, HTTP));
  return 0;
}

static int bare_open_many(lua_State *L) {
  const char *ca_file = luaL_checkstring(L, 1), *headers[HEADERS_MAX];
  lua_Integer at_once = luaL_checkinteger(L, 3);
  luaL_argcheck(L, at_once >= 1 && at_once <= AT_ONCE_MAX, 3, "1 to 1000");
  size_t count = get_headers(L, headers);
  requests *self = lua_newuserdatauv(L, sizeof *self, 1);
  lua_newtable(L); /* the bodies under way, by place */
  lua_setiuservalue(L, -2, 1);
  bool ok = requests_open(self, (size_t)at_once, ca_file, headers, count);
  luaL_setmetatable(L, POOL);
  return ok ? 1 : luaL_error(L, "libcurl could not be set up");
}

static int pool_start(lua_State *L) {
  requests *self = luaL_checkudata(L, 1, POOL);
  lua_Integer place = luaL_checkinteger(L, 2);
  size_t len = 0;
  const char *url = luaL_checkstring(L, 3), *body = luaL_checklstring(L, 4, &len);
  luaL_argcheck(L, place >= 1 && (size_t)place <= self->count, 2, "no such place");
  lua_getiuservalue(L, 1, 1);
  lua_pushvalue(L, 4);
  lua_rawseti(L, -2, place);
  if (!requests_start(self, (size_t)place - 1, url, body, len))
    return luaL_error(L, "%s: the call could not be started", url);
  return 0;
}

static int pool_next(lua_State *L) {
  requests *self = luaL_checkudata(L, 1, POOL);
  long status = 0;
  request *one = requests_next(self, &status);
  if (!one || status == 0)
    return luaL_error(L, "%s", one ? one->problem : "libcurl failed");
  lua_pushinteger(L, one - self->all + 1);
  return 1 + push_answer(L, one, status);
}

static int pool_gc(lua_State *L) {
  requests_close(luaL_checkudata(L, 1, POOL));
  return 0;
}

static int bare_version(lua_State *L) {
  lua_pushstring(L, curl_version());
  return 1;
}

static void new_type(lua_State *L, const char *name, const luaL_Reg *methods) {
  luaL_newmetatable(L, name);
  luaL_setfuncs(L, methods, 0);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}

int luaopen_bare(lua_State *L);
int luaopen_bare(lua_State *L) {
  static const luaL_Reg http[] = {{"send", http_send}, {"__gc", http_gc}, {NULL, NULL}};
  static const luaL_Reg pool[] = {
      {"start", pool_start}, {"next", pool_next}, {"__gc", pool_gc}, {NULL, NULL}};
  static const luaL_Reg functions[] = {
      {"open", bare_open}, {"open_many", bare_open_many}, {"version", bare_version}, {NULL, NULL}};
  new_type(L, HTTP, http);
  new_type(L, POOL, pool);
  luaL_newlib(L, functions);
  return 1;
}

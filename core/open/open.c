/* The SDK for programs that have a Lua of their own inside: what require() finds without a file. */
#include "gitdev.h"
#include "open/embedded.h"
#include <lauxlib.h>
#include <lua.h>
#include <stdint.h>
#include <string.h>

int luaopen_gitdev_core(lua_State *L);
int luaopen_gitdev_net(lua_State *L);

static int load_embedded(lua_State *L) {
  const gitdev_embedded *module = lua_touserdata(L, lua_upvalueindex(1));
  const char *code = (const char *)module->code;
  if (luaL_loadbufferx(L, code, module->len, module->chunk, "b") != LUA_OK)
    return lua_error(L);
  lua_pushvalue(L, 1);
  lua_call(L, 1, 1);
  return 1;
}

static void push_loader(lua_State *L, const gitdev_embedded *module) {
  lua_pushlightuserdata(L, (void *)(uintptr_t)module);
  lua_pushcclosure(L, load_embedded, 1);
}

int gitdev_open_searcher(lua_State *L) {
  const gitdev_embedded *module = lua_touserdata(L, lua_upvalueindex(1));
  size_t len;
  const char *name = luaL_checklstring(L, 1, &len);
  while (module->module && (module->module_len != len || memcmp(module->module, name, len) != 0))
    module++;
  if (!module->module)
    return 0;
  push_loader(L, module);
  return 1;
}

/* Everything that can raise. */
static int protected_open(lua_State *L) {
  static const luaL_Reg natives[] = {
      {"gitdev.core", luaopen_gitdev_core}, {"gitdev.net", luaopen_gitdev_net}, {NULL, NULL}};
  luaL_checkversion(L);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  luaL_setfuncs(L, natives, 0);
  for (const gitdev_embedded *module = gitdev_embedded_sdk; module->module; module++) {
    push_loader(L, module);
    lua_setfield(L, -2, module->module);
  }
  return 0;
}

int gitdev_open(lua_State *L) {
  if (!L || !lua_checkstack(L, 2))
    return L ? GITDEV_ENOMEM : GITDEV_EINVAL;
  lua_pushcfunction(L, protected_open);
  int status = lua_pcall(L, 0, 0, 0);
  if (status == LUA_OK)
    return GITDEV_OK;
  lua_pop(L, 1); /* the message */
  return status == LUA_ERRMEM ? GITDEV_ENOMEM : GITDEV_EINVAL;
}

/* What Lua 5.1, LuaJIT and 5.4 do not have in common, in one place. */
#ifndef GITDEV_LUA_COMPAT_H
#define GITDEV_LUA_COMPAT_H

#include <lauxlib.h>
#include <lua.h>

#include <stdbool.h>

/* The visible entry points of the modules. */
#define GITDEV_MODULE __attribute__((visibility("default")))

/* Makes the metatable `name`, once: methods under __index, `close` as __gc and __close too, `name`
 * under __name and __metatable. Leaves nothing on the stack. */
void gitdev_lua_class(lua_State *L, const char *name, const luaL_Reg *methods, lua_CFunction close);

/* Adds methods to a class that has been made. */
void gitdev_lua_extend(lua_State *L, const char *name, const luaL_Reg *methods);

/* The userdata of class `name` at `index`; raises when it is none. Methods have their class as an
 * upvalue, which makes it quick for their own first argument. */
void *gitdev_lua_check(lua_State *L, int index, const char *name);

/* A userdata of `size` zeroed bytes with the metatable of `name`, on the top of the stack. It is
 * made before its resource, so that an error in between leaks nothing. It may run finalizers, which
 * may close anything: what others hold is fetched after it, not before. */
void *gitdev_lua_new(lua_State *L, const char *name, size_t size);

/* Keeps the value on the top of the stack (and pops it) for as long as the userdata at `index`
 * lives. One for each userdata. */
void gitdev_lua_anchor(lua_State *L, int index);
/* Pushes what was anchored. */
void gitdev_lua_push_anchored(lua_State *L, int index);

/* Adds functions to the table on the top of the stack. */
void gitdev_lua_register(lua_State *L, const luaL_Reg *functions);

/* A whole number is pushed as an integer where Lua has them. */
void gitdev_lua_push_number(lua_State *L, double value);

/* Sets field `name` of the table on the top of the stack, unless the value is absent (NULL; a
 * negative number). */
void gitdev_lua_set_string(lua_State *L, const char *name, const char *value);
void gitdev_lua_set_number(lua_State *L, const char *name, double value);

/* Pushes nil and the text: how the world's failures are returned. Returns 2. */
int gitdev_lua_fail(lua_State *L, const char *text);

#endif

/* What the bindings of gitdev.net share. */
#ifndef GITDEV_LUA_NET_H
#define GITDEV_LUA_NET_H

#include "gitdev.h"
#include "lua/compat.h"

/* The loop at a stack index; raises when it is none, or closed. */
gitdev_loop *gitdev_lua_check_loop(lua_State *L, int index);

/* Each adds its functions to the table on the top of the stack. */
void gitdev_lua_open_loop(lua_State *L);
void gitdev_lua_open_engine(lua_State *L);
void gitdev_lua_open_listener(lua_State *L);
void gitdev_lua_open_gzip(lua_State *L);

#endif

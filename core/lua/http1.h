/* The HTTP/1.1 reader as a userdata of gitdev.core. */
#ifndef GITDEV_LUA_HTTP1_H
#define GITDEV_LUA_HTTP1_H

#include "lua/compat.h"
#include "wire/http1.h"

#define GITDEV_LUA_HTTP1 "gitdev.http1"

typedef struct gitdev_lua_http1 {
  gitdev_http1 *reader; /* NULL once closed */
} gitdev_lua_http1;

/* Adds http1() to the table on the top of the stack. */
void gitdev_lua_open_http1(lua_State *L);

#endif

/* The HTTP/1.1 reader as a userdata of gitdev.core. */
#ifndef GITDEV_LUA_HTTP1_H
#define GITDEV_LUA_HTTP1_H

#include "lua/compat.h"
#include "wire/http1.h"

#define GITDEV_LUA_HTTP1 "gitdev.http1"

typedef struct gitdev_lua_http1 {
  gitdev_http1 *reader; /* NULL once closed */
  bool held;            /* of what was pulled last a call has yet to take a piece of the body */
  bool eof, bodied;     /* the peer has closed; a call has taken some of a body */
  int interim;          /* answers 1xx before the one that counts */
} gitdev_lua_http1;

/* Adds http1() to the table on the top of the stack. */
void gitdev_lua_open_http1(lua_State *L);

#endif

/* The userdata of gitdev.core that gitdev.net works with too. Both modules come from one build: the
 * layout is shared, and the version is checked when gitdev.net is loaded. */
#ifndef GITDEV_LUA_CALL_H
#define GITDEV_LUA_CALL_H

#include "call/call.h"
#include "lua/compat.h"

#define GITDEV_LUA_CALL "gitdev.call"

typedef struct gitdev_lua_call {
  gitdev_call *call;                /* NULL once closed */
  struct gitdev_lua_engine *engine; /* while under way, with its anchor there */
  int reference;
  struct gitdev_lua_call *next_done;
} gitdev_lua_call;

/* Registers the class. */
void gitdev_lua_open_call(lua_State *L);
void gitdev_lua_open_client(lua_State *L);

/* The functions of gitdev.core, by unit; each adds to the table on the top of the stack. */
void gitdev_lua_open_json(lua_State *L);
void gitdev_lua_open_crypto(lua_State *L);
void gitdev_lua_open_text(lua_State *L);

#endif

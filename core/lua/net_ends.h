/* Things under way whose ends are listed in C, and asked for by Lua: requests of a poster, commands
 * of a connection. */
#ifndef GITDEV_LUA_NET_ENDS_H
#define GITDEV_LUA_NET_ENDS_H

#include "lua/compat.h"

typedef struct gitdev_lua_ends gitdev_lua_ends;

/* Part of the userdata of a thing. */
typedef struct gitdev_lua_end {
  gitdev_lua_ends *owner;
  struct gitdev_lua_end *next;
  void *thing;   /* whose it is */
  int reference; /* in the owner's anchored table, until its end is told */
  bool listed;
} gitdev_lua_end;

/* Part of the userdata of their owner: those that are over, in order. */
struct gitdev_lua_ends {
  gitdev_lua_end *first, *last;
};

/* For an owner that was made, on the top of the stack: it keeps the loop at `loop`, and each thing
 * whose end it is to tell of. */
void gitdev_lua_ends_open(lua_State *L, int loop);

/* For a thing that was made, on the top of the stack, by the owner at 1: each keeps the other. */
void gitdev_lua_end_expect(lua_State *L, gitdev_lua_ends *ends, gitdev_lua_end *end, void *thing);
/* It is over. */
void gitdev_lua_end_list(gitdev_lua_end *end);
/* Its end is told, or will not be. Its owner is at `owner`. */
void gitdev_lua_end_forget(lua_State *L, int owner, gitdev_lua_end *end);

/* Pushes the next thing that is over, of the owner at 1, and returns it; NULL, and nothing pushed,
 * when there is none. */
void *gitdev_lua_ends_next(lua_State *L, const gitdev_lua_ends *ends);

#endif

/* What the bindings of gitdev.net share. */
#ifndef GITDEV_LUA_NET_H
#define GITDEV_LUA_NET_H

#include "gitdev.h"
#include "lua/compat.h"

/* The loop at a stack index; raises when it is none, or closed. */
gitdev_loop *gitdev_lua_check_loop(lua_State *L, int index);

/* A WebSocket as a userdata of class "gitdev.socket"; its methods are in net_socket.c. */
typedef struct gitdev_lua_socket gitdev_lua_socket;

/* The WebSockets of an owner (an engine, a listener), part of its userdata: all that are open, so
 * that the owner can close them before it goes, and those among them that have news. C never calls
 * Lua; Lua takes the sockets from here. A zeroed one is empty. */
typedef struct gitdev_lua_sockets {
  gitdev_lua_socket *open;
  gitdev_lua_socket *first, *last; /* with news */
} gitdev_lua_sockets;

/* Pushes a userdata without a socket yet. All that can raise happens here. `owner` is the index of
 * the owner's userdata, which lives as long as the new one; what is anchored to the owner must be a
 * table, whose field "sockets" is used: it holds the new one weakly. */
gitdev_lua_socket *gitdev_lua_new_socket(lua_State *L, int owner);
/* Gives it its socket, which it frees, and lists it with its owner. */
void gitdev_lua_own_socket(gitdev_lua_socket *self, gitdev_lua_sockets *sockets,
                           gitdev_socket *socket);
/* Pushes the next socket that has news and returns 1, or returns 0: what news() returns. `owner` as
 * above. A socket has news when there is something to read, when all that was queued has been sent,
 * and when it is closed; it is listed anew when more comes after it was read to the end. */
int gitdev_lua_socket_news(lua_State *L, int owner, gitdev_lua_sockets *sockets);
/* Frees the sockets of an owner that is being closed. Their userdata stay, closed. */
void gitdev_lua_close_sockets(gitdev_lua_sockets *sockets);

/* Each adds its functions to the table on the top of the stack. */
void gitdev_lua_open_loop(lua_State *L);
void gitdev_lua_open_engine(lua_State *L);
void gitdev_lua_open_listener(lua_State *L);
void gitdev_lua_open_file(lua_State *L);
void gitdev_lua_open_gzip(lua_State *L);
void gitdev_lua_open_post(lua_State *L);
void gitdev_lua_open_redis(lua_State *L); /* where hiredis was there to build it with */
void gitdev_lua_open_socket(lua_State *L);

#endif

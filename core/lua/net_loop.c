/* net.loop: the event loop. */
#include "lua/net.h"
#include <errno.h>
#include <string.h>

static const char LOOP[] = "gitdev.loop";

typedef struct lua_loop {
  gitdev_loop *loop;
} lua_loop;

gitdev_loop *gitdev_lua_check_loop(lua_State *L, int index) {
  lua_loop *self = gitdev_lua_check(L, index, LOOP);
  luaL_argcheck(L, self->loop, index, "the loop is closed");
  return self->loop;
}

/* loop:close(). What is still on it keeps it in memory, and is not turned any more. */
static int loop_close(lua_State *L) {
  lua_loop *self = gitdev_lua_check(L, 1, LOOP);
  gitdev_loop *loop = self->loop;
  self->loop = NULL;
  gitdev_loop_free(loop);
  return 0;
}

static int net_loop(lua_State *L) {
  lua_loop *self = gitdev_lua_new(L, LOOP, sizeof *self);
  int rc = gitdev_loop_new(&self->loop);
  if (rc != GITDEV_OK)
    return luaL_error(L, "no event loop: %s",
                      rc == GITDEV_ESYSTEM ? strerror(errno) : gitdev_strerror(rc));
  return 1;
}

/* loop:step(timeout): seconds; nil or negative waits without end. */
static int loop_step(lua_State *L) {
  gitdev_loop *loop = gitdev_lua_check_loop(L, 1);
  if (gitdev_step(loop, luaL_optnumber(L, 2, -1)) != GITDEV_OK)
    return luaL_error(L, "the event loop failed: %s", strerror(errno));
  return 0;
}

static int loop_fd(lua_State *L) {
  lua_pushinteger(L, gitdev_fd(gitdev_lua_check_loop(L, 1)));
  return 1;
}

/* loop:timeout() -> seconds | nil: until the loop has work by itself. */
static int loop_timeout(lua_State *L) {
  double timeout = gitdev_timeout(gitdev_lua_check_loop(L, 1));
  if (timeout < 0)
    return 0;
  lua_pushnumber(L, timeout);
  return 1;
}

/* loop:handle() -> light userdata: the gitdev_loop, for a host written in C that wants to wake it.
 */
static int loop_handle(lua_State *L) {
  lua_pushlightuserdata(L, gitdev_lua_check_loop(L, 1));
  return 1;
}

static int loop_wake(lua_State *L) {
  gitdev_wake(gitdev_lua_check_loop(L, 1));
  return 0;
}

static const luaL_Reg methods[] = {
    {"close", loop_close}, {"fd", loop_fd},           {"handle", loop_handle},
    {"step", loop_step},   {"timeout", loop_timeout}, {"wake", loop_wake},
    {NULL, NULL},
};

void gitdev_lua_open_loop(lua_State *L) {
  gitdev_lua_class(L, LOOP, methods, loop_close);
  lua_pushcfunction(L, net_loop);
  lua_setfield(L, -2, "loop");
}

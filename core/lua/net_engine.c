/* net.engine: calls over libcurl. libcurl's callbacks end in lists in C; Lua asks for what is done.
 */
#include "lua/call.h"
#include "lua/net.h"

static const char ENGINE[] = "gitdev.engine";

typedef struct gitdev_lua_engine {
  gitdev_engine *engine;
  gitdev_lua_call *first_done, *last_done;
} lua_engine;

/* The value anchored to an engine: { the loop, and by reference number each call under way }. */
enum { ANCHORED_LOOP = 1 };

static lua_engine *check_engine(lua_State *L) {
  lua_engine *self = luaL_checkudata(L, 1, ENGINE);
  luaL_argcheck(L, self->engine, 1, "the engine is closed");
  return self;
}

static int engine_close(lua_State *L) {
  lua_engine *self = luaL_checkudata(L, 1, ENGINE);
  gitdev_engine *engine = self->engine;
  self->engine = NULL;
  gitdev_engine_free(engine);
  return 0;
}

/* net.engine(loop [, { connect_to = "HOST:PORT:HOST:PORT" }]) -> engine */
static int net_engine(lua_State *L) {
  gitdev_engine_options options = {0};
  lua_settop(L, 2);
  if (lua_istable(L, 2)) {
    lua_getfield(L, 2, "connect_to");
    options.connect_to = luaL_optstring(L, -1, NULL);
  }
  lua_engine *self = gitdev_lua_new(L, ENGINE, sizeof *self);
  gitdev_loop *loop = gitdev_lua_check_loop(L, 1);
  int rc = gitdev_engine_new(&self->engine, loop, &options);
  if (rc != GITDEV_OK)
    return luaL_error(L, "no engine: %s", gitdev_strerror(rc));
  lua_createtable(L, 8, 0);
  lua_pushvalue(L, 1);
  lua_rawseti(L, -2, ANCHORED_LOOP);
  gitdev_lua_anchor(L, -2);
  return 1;
}

static void on_done(gitdev_call *call, void *payload) {
  (void)call;
  gitdev_lua_call *done = payload;
  lua_engine *engine = done->engine;
  done->next_done = NULL;
  if (engine->last_done)
    engine->last_done->next_done = done;
  else
    engine->first_done = done;
  engine->last_done = done;
}

/* engine:submit(call): the call is kept alive until it is asked for by completed(). */
static int engine_submit(lua_State *L) {
  lua_engine *self = check_engine(L);
  gitdev_lua_call *call = luaL_checkudata(L, 2, GITDEV_LUA_CALL);
  luaL_argcheck(L, call->call && !gitdev_call_driver(call->call) && !gitdev_call_result(call->call),
                2, "the call is closed, done or under way");
  lua_settop(L, 2);
  gitdev_lua_push_anchored(L, 1);
  lua_pushvalue(L, 2);
  call->reference = luaL_ref(L, -2);
  call->engine = self;
  if (gitdev_submit(self->engine, call->call, on_done, call) != GITDEV_OK) {
    luaL_unref(L, -1, call->reference);
    return luaL_error(L, "memory is out");
  }
  return 0;
}

static int engine_cancel(lua_State *L) {
  lua_engine *self = check_engine(L);
  gitdev_lua_call *call = luaL_checkudata(L, 2, GITDEV_LUA_CALL);
  luaL_argcheck(L, call->call, 2, "the call is closed");
  bool under_way = gitdev_call_driver(call->call) != NULL;
  gitdev_cancel(self->engine, call->call);
  if (under_way) {
    gitdev_lua_push_anchored(L, 1);
    luaL_unref(L, -1, call->reference);
  }
  return 0;
}

/* engine:completed() -> call | nil: the next that is done. */
static int engine_completed(lua_State *L) {
  lua_engine *self = check_engine(L);
  gitdev_lua_call *done = self->first_done;
  if (!done)
    return 0;
  self->first_done = done->next_done;
  if (!self->first_done)
    self->last_done = NULL;
  gitdev_lua_push_anchored(L, 1);
  lua_rawgeti(L, -1, done->reference);
  luaL_unref(L, -2, done->reference);
  return 1;
}

static const luaL_Reg methods[] = {
    {"cancel", engine_cancel},
    {"close", engine_close},
    {"completed", engine_completed},
    {"submit", engine_submit},
    {NULL, NULL},
};

void gitdev_lua_open_engine(lua_State *L) {
  gitdev_lua_class(L, ENGINE, methods, engine_close);
  lua_pushcfunction(L, net_engine);
  lua_setfield(L, -2, "engine");
}

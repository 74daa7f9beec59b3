/* net.engine: calls over libcurl. libcurl's callbacks end in lists in C; Lua asks for what is done.
 */
#include "lua/call.h"
#include "lua/net.h"
#include "net/engine.h"

static const char ENGINE[] = "gitdev.engine";

typedef struct gitdev_lua_engine {
  gitdev_engine *engine;
  gitdev_lua_news news;
  gitdev_lua_sockets sockets;
} lua_engine;

/* The value anchored to an engine: { the loop, and by reference number each call under way }. */
enum { ANCHORED_LOOP = 1 };

static lua_engine *check_engine(lua_State *L) {
  lua_engine *self = gitdev_lua_check(L, 1, ENGINE);
  luaL_argcheck(L, self->engine, 1, "the engine is closed");
  return self;
}

static int engine_close(lua_State *L) {
  lua_engine *self = gitdev_lua_check(L, 1, ENGINE);
  gitdev_engine *engine = self->engine;
  self->engine = NULL;
  gitdev_lua_close_sockets(&self->sockets);
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
  gitdev_lua_call *self = payload;
  self->done = true;
  gitdev_lua_list(self);
}

/* engine:submit(call) -> true | false in a fork's child, where the engine is of no use: the call is
 * kept alive until news() has told that it is done. */
static int engine_submit(lua_State *L) {
  lua_engine *self = check_engine(L);
  gitdev_lua_call *call = gitdev_lua_check(L, 2, GITDEV_LUA_CALL);
  luaL_argcheck(L, call->call && !gitdev_call_driver(call->call) && !gitdev_call_result(call->call),
                2, "the call is closed, done or under way");
  lua_settop(L, 2);
  gitdev_lua_push_anchored(L, 1);
  lua_pushvalue(L, 2);
  call->reference = luaL_ref(L, -2);
  call->engine = self;
  call->news = &self->news;
  int rc = gitdev_submit(self->engine, call->call, on_done, call);
  if (rc != GITDEV_OK) {
    luaL_unref(L, -1, call->reference);
    call->news = NULL;
  }
  if (rc != GITDEV_OK && rc != GITDEV_ECLOSED)
    return luaL_error(L, "the call cannot be sent: %s", gitdev_strerror(rc));
  lua_pushboolean(L, rc == GITDEV_OK);
  return 1;
}

static void unlist(lua_engine *self, gitdev_lua_call *call) {
  gitdev_lua_call *before = NULL, *one = self->news.first;
  for (; one && one != call; one = one->next)
    before = one;
  if (one && before)
    before->next = one->next;
  else if (one)
    self->news.first = one->next;
  if (one && self->news.last == one)
    self->news.last = before;
  call->listed = false;
  call->news = NULL;
}

/* engine:cancel(call): it ends at once, and is no news. */
static int engine_cancel(lua_State *L) {
  lua_engine *self = check_engine(L);
  gitdev_lua_call *call = gitdev_lua_check(L, 2, GITDEV_LUA_CALL);
  luaL_argcheck(L, call->call, 2, "the call is closed");
  bool under_way = gitdev_call_driver(call->call) != NULL;
  luaL_argcheck(L, !under_way || call->engine == self, 2, "another engine has the call");
  gitdev_cancel(self->engine, call->call);
  if (under_way) {
    unlist(self, call);
    gitdev_lua_push_anchored(L, 1);
    luaL_unref(L, -1, call->reference);
  }
  return 0;
}

static int push_socket_with_news(lua_State *L, lua_engine *self) {
  if (!gitdev_lua_socket_news(L, 1, &self->sockets))
    return 0;
  lua_pushboolean(L, 1);
  return 2;
}

/* engine:news() -> call | socket, true | nil: the next call that is done, has events, or whose
 * stream has moved; the next socket that has something to read, has sent all, or is closed. */
static int engine_news(lua_State *L) {
  lua_engine *self = check_engine(L);
  gitdev_lua_call *call = self->news.first;
  if (!call)
    return push_socket_with_news(L, self);
  self->news.first = call->next;
  if (!self->news.first)
    self->news.last = NULL;
  call->listed = false;
  gitdev_lua_push_anchored(L, 1);
  lua_rawgeti(L, -1, call->reference);
  if (!call->done)
    return 1;
  call->news = NULL; /* nothing more can come */
  luaL_unref(L, -2, call->reference);
  return 1;
}

/* engine:has_news(): whether to look at it before waiting. What libcurl reads on a connection while a
 * request is sent there may end other calls, and nothing comes after that to wake the loop. */
static int engine_has_news(lua_State *L) {
  const lua_engine *self = check_engine(L);
  lua_pushboolean(L, self->news.first || self->sockets.first);
  return 1;
}

/* engine:socket(call) -> socket | nil: what a call with `upgrade` has opened, once it is done; to be
 * had once. */
static int engine_socket(lua_State *L) {
  gitdev_lua_check(L, 2, GITDEV_LUA_CALL);
  check_engine(L);
  gitdev_lua_socket *socket = gitdev_lua_new_socket(L, 1);
  lua_engine *self = check_engine(L); /* a finalizer may have closed it, and the call */
  gitdev_lua_call *call = gitdev_lua_check(L, 2, GITDEV_LUA_CALL);
  gitdev_socket *opened = call->call ? gitdev_call_socket(call->call) : NULL;
  if (!opened)
    return 0;
  gitdev_lua_own_socket(socket, &self->sockets, opened);
  return 1;
}

/* engine:resume(call): its stream has bytes, or room, again. */
static int engine_resume(lua_State *L) {
  lua_engine *self = check_engine(L);
  gitdev_lua_call *call = gitdev_lua_check(L, 2, GITDEV_LUA_CALL);
  if (call->call && gitdev_call_driver(call->call))
    gitdev_resume(self->engine, call->call);
  return 0;
}

/* engine:poke(limit): a store has been visited for a shared limit, whose calls may go on. */
static int engine_poke(lua_State *L) {
  lua_engine *self = check_engine(L);
  const gitdev_lua_limit *limit = gitdev_lua_check(L, 2, GITDEV_LUA_LIMIT);
  if (limit->pace)
    gitdev_engine_poke(self->engine, limit->pace);
  return 0;
}

/* engine:cancel_all(client): those of the client end as canceled, and are news. */
static int engine_cancel_all(lua_State *L) {
  lua_engine *self = check_engine(L);
  const gitdev_lua_client *client = gitdev_lua_check(L, 2, GITDEV_LUA_CLIENT);
  if (client->client)
    gitdev_cancel_all(self->engine, client->client);
  return 0;
}

/* engine:warm([ca_file]) -> true | nil, problem: does what its first connection would have to. false in a
 * fork's child: it must make an engine of its own. */
static int engine_warm(lua_State *L) {
  const char *ca_file = luaL_optstring(L, 2, NULL);
  gitdev_problem problem = {""};
  int rc = gitdev_warm(check_engine(L)->engine, ca_file, &problem);
  if (rc != GITDEV_OK && rc != GITDEV_ECLOSED)
    return gitdev_lua_fail(L, problem.text[0] ? problem.text : gitdev_strerror(rc));
  lua_pushboolean(L, rc == GITDEV_OK);
  return 1;
}

static const luaL_Reg methods[] = {
    {"cancel", engine_cancel},
    {"cancel_all", engine_cancel_all},
    {"close", engine_close},
    {"has_news", engine_has_news},
    {"news", engine_news},
    {"poke", engine_poke},
    {"resume", engine_resume},
    {"socket", engine_socket},
    {"submit", engine_submit},
    {"warm", engine_warm},
    {NULL, NULL},
};

void gitdev_lua_open_engine(lua_State *L) {
  gitdev_lua_class(L, ENGINE, methods, engine_close);
  lua_pushcfunction(L, net_engine);
  lua_setfield(L, -2, "engine");
}

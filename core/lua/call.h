/* The userdata of gitdev.core that gitdev.net works with too. Both modules come from one build: the
 * layout is shared, and the version is checked when gitdev.net is loaded. */
#ifndef GITDEV_LUA_CALL_H
#define GITDEV_LUA_CALL_H

#include "call/call.h"
#include "lua/compat.h"

#define GITDEV_LUA_CALL   "gitdev.call"
#define GITDEV_LUA_CLIENT "gitdev.client"
#define GITDEV_LUA_LIMIT  "gitdev.limit"

typedef struct gitdev_lua_client {
  gitdev_client *client; /* NULL once closed */
  double world;          /* clients of different worlds, with clocks of their own, share nothing */
  double store;          /* those whose limit goes through different stores do not share that */
} gitdev_lua_client;

/* A rate limit that is shared through a store. */
typedef struct gitdev_lua_limit {
  gitdev_shared_pace *pace; /* one of its owners; NULL once closed */
} gitdev_lua_limit;

/* Pushes the client's limit and returns 1; returns 0 when it is not shared. */
int gitdev_lua_push_limit(lua_State *L, gitdev_lua_client *client);
/* Pushes a text that is the same for all that is paced together. */
void gitdev_lua_push_limit_id(lua_State *L, const gitdev_shared_pace *pace);

/* The calls of an engine that have something to tell: they are done, their stream has moved, or an
 * event has come. C never calls Lua; Lua takes the calls from here. */
typedef struct gitdev_lua_news {
  struct gitdev_lua_call *first, *last;
} gitdev_lua_news;

typedef struct gitdev_lua_call {
  gitdev_call *call;                /* NULL once closed */
  struct gitdev_lua_stream *stream; /* of a call with a source or a sink, else NULL */
  struct gitdev_lua_events *events; /* of a call that is watched, else NULL */
  struct gitdev_lua_engine *engine; /* while under way, with its anchor there */
  int reference;
  gitdev_lua_news *news; /* the engine's; NULL before it is submitted */
  bool listed, done;     /* in `news`; no longer the engine's */
  struct gitdev_lua_call *next;
} gitdev_lua_call;

/* Lists the call, once, among those that have news. */
static inline void gitdev_lua_list(gitdev_lua_call *self) {
  gitdev_lua_news *news = self->news;
  if (!news || self->listed)
    return;
  self->listed = true;
  self->next = NULL;
  if (news->last)
    news->last->next = self;
  else
    news->first = self;
  news->last = self;
}

/* The call at 1; raises when it is none, or closed. */
static inline gitdev_lua_call *gitdev_lua_check_call(lua_State *L) {
  gitdev_lua_call *self = gitdev_lua_check(L, 1, GITDEV_LUA_CALL);
  luaL_argcheck(L, self->call, 1, "the call is closed");
  return self;
}

/* Makes the call's stream, owned by it, for a body that goes through Lua in pieces; the source or
 * sink, either may be NULL, is filled in for the machine. False when memory is out. */
bool gitdev_lua_stream_open(gitdev_lua_call *self, gitdev_source *source, bool rewindable,
                            gitdev_sink *sink);
void gitdev_lua_stream_close(gitdev_lua_call *self);

/* Has the call's events kept for Lua. False when memory is out. */
bool gitdev_lua_events_open(gitdev_lua_call *self, gitdev_call_options *options);
void gitdev_lua_events_close(gitdev_lua_call *self);

/* Registers the class. */
void gitdev_lua_open_call(lua_State *L);
void gitdev_lua_open_client(lua_State *L);
void gitdev_lua_open_limit(lua_State *L);

/* The further methods of a call, by unit: each adds its own to the class, which is there. */
void gitdev_lua_open_stream(lua_State *L);
void gitdev_lua_open_events(lua_State *L);
void gitdev_lua_open_driver(lua_State *L);
void gitdev_lua_open_exchange(lua_State *L);

/* Pushes what a JSON text is, as core.decode(text) does, and returns NULL; or returns what is wrong
 * with the text, with some of it left on the stack. Wrong is a name too that comes twice in the
 * outermost object: readers differ in which of the two counts. */
const char *gitdev_lua_decode(lua_State *L, const char *text, size_t len);

/* The functions of gitdev.core, by unit; each adds to the table on the top of the stack. */
void gitdev_lua_open_decode(lua_State *L);
void gitdev_lua_open_json(lua_State *L);
void gitdev_lua_open_object(lua_State *L);
void gitdev_lua_open_shape(lua_State *L);
void gitdev_lua_open_crypto(lua_State *L);
void gitdev_lua_open_signature(lua_State *L);
void gitdev_lua_open_text(lua_State *L);
void gitdev_lua_open_websocket(lua_State *L);
void gitdev_lua_open_yieldable(lua_State *L);

#endif

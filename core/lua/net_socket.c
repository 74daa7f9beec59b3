/* The WebSockets of an engine or a listener, for Lua. What happens to them ends in their owner's
 * list in C; Lua asks for what has news. */
#include "lua/net.h"
#include "net/socket.h"
#include <string.h>

static const char SOCKET[] = "gitdev.socket";

struct gitdev_lua_socket {
  gitdev_socket *socket;              /* NULL once freed */
  gitdev_lua_sockets *owner;          /* while it has a socket */
  gitdev_lua_socket *next, *previous; /* among the owner's open ones */
  gitdev_lua_socket *next_news;
  bool listed; /* among those with news */
};

/* ---- the owner's lists ---- */

static void list(gitdev_lua_socket *self) {
  gitdev_lua_sockets *owner = self->owner;
  if (self->listed)
    return;
  self->listed = true;
  self->next_news = NULL;
  if (owner->last)
    owner->last->next_news = self;
  else
    owner->first = self;
  owner->last = self;
}

static void unlist(gitdev_lua_socket *self) {
  gitdev_lua_sockets *owner = self->owner;
  if (!self->listed)
    return;
  gitdev_lua_socket *before = NULL;
  gitdev_lua_socket **link = &owner->first;
  for (; *link != self; link = &(*link)->next_news)
    before = *link;
  *link = self->next_news;
  if (owner->last == self)
    owner->last = before;
  self->listed = false;
}

static void on_news(void *payload, gitdev_socket *socket) {
  (void)socket;
  list(payload);
}

/* Pushes the table in which the owner's sockets are found by their address; weakly, so that one that
 * nobody holds is collected, and closed. */
static void push_found(lua_State *L, int owner) {
  gitdev_lua_push_anchored(L, owner);
  lua_getfield(L, -1, "sockets");
  lua_remove(L, -2);
}

static void make_found(lua_State *L, int owner) {
  push_found(L, owner);
  bool made = !lua_isnil(L, -1);
  lua_pop(L, 1);
  if (made)
    return;
  gitdev_lua_push_anchored(L, owner);
  lua_newtable(L);
  lua_createtable(L, 0, 1);
  gitdev_lua_set_string(L, "__mode", "v");
  lua_setmetatable(L, -2);
  lua_setfield(L, -2, "sockets");
  lua_pop(L, 1);
}

gitdev_lua_socket *gitdev_lua_new_socket(lua_State *L, int owner) {
  if (owner < 0)
    owner = lua_gettop(L) + 1 + owner;
  make_found(L, owner);
  gitdev_lua_socket *self = gitdev_lua_new(L, SOCKET, sizeof *self);
  lua_pushvalue(L, owner);
  gitdev_lua_anchor(L, -2);
  push_found(L, owner);
  lua_pushlightuserdata(L, self);
  lua_pushvalue(L, -3);
  lua_rawset(L, -3);
  lua_pop(L, 1);
  return self;
}

void gitdev_lua_own_socket(gitdev_lua_socket *self, gitdev_lua_sockets *sockets,
                           gitdev_socket *socket) {
  self->socket = socket;
  self->owner = sockets;
  self->previous = NULL;
  self->next = sockets->open;
  if (self->next)
    self->next->previous = self;
  sockets->open = self;
  gitdev_socket_on_news(socket, on_news, self);
}

static void let_go(gitdev_lua_socket *self) {
  if (!self->socket)
    return;
  unlist(self);
  if (self->next)
    self->next->previous = self->previous;
  *(self->previous ? &self->previous->next : &self->owner->open) = self->next;
  self->owner = NULL;
  gitdev_socket *socket = self->socket;
  self->socket = NULL;
  gitdev_socket_free(socket);
}

void gitdev_lua_close_sockets(gitdev_lua_sockets *sockets) {
  while (sockets->open)
    let_go(sockets->open);
}

int gitdev_lua_socket_news(lua_State *L, int owner, gitdev_lua_sockets *sockets) {
  if (!sockets->first)
    return 0;
  push_found(L, owner);
  while (sockets->first) {
    gitdev_lua_socket *self = sockets->first;
    unlist(self);
    lua_pushlightuserdata(L, self);
    lua_rawget(L, -2);
    /* One that is about to be collected is not found any more. */
    if (!lua_isnil(L, -1))
      return 1;
    lua_pop(L, 1);
  }
  return 0;
}

/* ---- methods ---- */

static gitdev_lua_socket *check_socket(lua_State *L) {
  return gitdev_lua_check(L, 1, SOCKET);
}

static int socket_gc(lua_State *L) {
  let_go(check_socket(L));
  return 0;
}

static int push_closed(lua_State *L, int code, const char *reason) {
  lua_pushnil(L);
  lua_pushliteral(L, "closed");
  lua_pushinteger(L, code);
  lua_pushstring(L, reason);
  return 4;
}

/* socket:read() -> text | nil: nothing yet | nil, "binary": a binary message, which is dropped |
 * nil, "closed", code, reason: nothing more will come. Read until there is nothing: only then is
 * what comes next news. */
static int socket_read(lua_State *L) {
  const gitdev_lua_socket *self = check_socket(L);
  const char *message;
  size_t len;
  bool binary;
  if (!self->socket)
    return push_closed(L, 1006, "the socket was freed");
  int rc = gitdev_socket_read(self->socket, &message, &len, &binary);
  if (rc == GITDEV_AGAIN)
    return 0;
  if (rc != GITDEV_OK)
    return push_closed(L, gitdev_socket_close_code(self->socket),
                       gitdev_socket_close_reason(self->socket));
  if (binary)
    return gitdev_lua_fail(L, "binary");
  lua_pushlstring(L, message, len);
  return 1;
}

typedef int sender(gitdev_socket *socket, const char *bytes, size_t len);

static int send_by(lua_State *L, sender *fn) {
  const gitdev_lua_socket *self = check_socket(L);
  size_t len;
  const char *bytes = luaL_checklstring(L, 2, &len);
  int rc = self->socket ? fn(self->socket, bytes, len) : GITDEV_ECLOSED;
  if (rc == GITDEV_ECLOSED)
    return gitdev_lua_fail(L, "closed");
  if (rc != GITDEV_OK)
    return luaL_error(L, "the message cannot be sent: %s", gitdev_strerror(rc));
  lua_pushboolean(L, 1);
  return 1;
}

/* socket:send(text) -> true | nil, "closed". Never refused for being much: see socket:unsent(). */
static int socket_send(lua_State *L) {
  return send_by(L, gitdev_socket_send);
}

/* socket:send_binary(bytes), socket:send_raw(bytes): what the contract does not know, for faults and
 * for tests of peers. Raw bytes go out as they are, frames or not. */
static int socket_send_binary(lua_State *L) {
  return send_by(L, gitdev_socket_send_binary);
}

static int socket_send_raw(lua_State *L) {
  return send_by(L, gitdev_socket_send_raw);
}

/* socket:ping() */
static int socket_ping(lua_State *L) {
  const gitdev_lua_socket *self = check_socket(L);
  lua_pushboolean(L, self->socket && gitdev_socket_ping(self->socket) == GITDEV_OK);
  return 1;
}

/* socket:close([code [, reason]]): says goodbye, after what is queued; 1000 when no code is given.
 * Does nothing when that has been said, or the socket is closed. */
static int socket_close(lua_State *L) {
  const gitdev_lua_socket *self = check_socket(L);
  int code = (int)luaL_optinteger(L, 2, 1000);
  const char *reason = luaL_optstring(L, 3, NULL);
  luaL_argcheck(L, gitdev_websocket_is_code(code), 2, "must be a code that a close frame may have");
  if (self->socket && gitdev_socket_close(self->socket, code, reason) == GITDEV_ENOMEM)
    gitdev_socket_abort(self->socket);
  return 0;
}

/* socket:abort(): closes the connection with a RST, and no word. */
static int socket_abort(lua_State *L) {
  const gitdev_lua_socket *self = check_socket(L);
  if (self->socket)
    gitdev_socket_abort(self->socket);
  return 0;
}

/* socket:unsent() -> bytes that wait to be sent */
static int socket_unsent(lua_State *L) {
  const gitdev_lua_socket *self = check_socket(L);
  lua_pushinteger(L, self->socket ? (lua_Integer)gitdev_socket_unsent(self->socket) : 0);
  return 1;
}

/* socket:done() -> closed, and nothing is left to read */
static int socket_done(lua_State *L) {
  const gitdev_lua_socket *self = check_socket(L);
  lua_pushboolean(L, !self->socket || gitdev_socket_done(self->socket));
  return 1;
}

void gitdev_lua_open_socket(lua_State *L) {
  static const luaL_Reg methods[] = {
      {"abort", socket_abort},
      {"close", socket_close},
      {"done", socket_done},
      {"ping", socket_ping},
      {"read", socket_read},
      {"send", socket_send},
      {"send_binary", socket_send_binary},
      {"send_raw", socket_send_raw},
      {"unsent", socket_unsent},
      {NULL, NULL},
  };
  gitdev_lua_class(L, SOCKET, methods, socket_gc);
}

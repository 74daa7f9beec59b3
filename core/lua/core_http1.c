/* core.http1: the strict reader of HTTP/1.1 messages, for drivers that bring their own sockets. */
#include "lua/http1.h"

static gitdev_lua_http1 *check_open(lua_State *L) {
  gitdev_lua_http1 *self = gitdev_lua_check(L, 1, GITDEV_LUA_HTTP1);
  luaL_argcheck(L, self->reader, 1, "the reader is closed");
  return self;
}

static gitdev_http1 *check_reader(lua_State *L) {
  return check_open(L)->reader;
}

static int http1_close(lua_State *L) {
  gitdev_lua_http1 *self = gitdev_lua_check(L, 1, GITDEV_LUA_HTTP1);
  gitdev_http1 *reader = self->reader;
  self->reader = NULL;
  gitdev_http1_free(reader);
  return 0;
}

static size_t limit_option(lua_State *L, const char *name, size_t fallback) {
  lua_getfield(L, 2, name);
  double value = luaL_optnumber(L, -1, (double)fallback);
  luaL_argcheck(L, value >= 1 && value <= 9007199254740992.0, 2, name);
  lua_pop(L, 1);
  return (size_t)value;
}

static void read_limits(lua_State *L, gitdev_http1_limits *limits) {
  luaL_checktype(L, 2, LUA_TTABLE);
  limits->head_max = limit_option(L, "head_max", limits->head_max);
  limits->field_max = limit_option(L, "field_max", limits->field_max);
  limits->body_max = limit_option(L, "body_max", limits->body_max);
}

/* core.http1(kind [, limits]) -> reader. `kind`: "request" or "response"; `limits`: { head_max,
 * field_max, body_max }, see gitdev_http1_limits. */
static int core_http1(lua_State *L) {
  static const char *const kinds[] = {"request", "response", NULL};
  int kind = luaL_checkoption(L, 1, NULL, kinds);
  gitdev_http1_limits limits = {
      .head_max = 128 << 10, .field_max = 256, .body_max = (size_t)1 << 53};
  if (!lua_isnoneornil(L, 2))
    read_limits(L, &limits);
  gitdev_lua_http1 *self = gitdev_lua_new(L, GITDEV_LUA_HTTP1, sizeof *self);
  self->reader =
      gitdev_http1_new(kind == 0 ? GITDEV_HTTP1_REQUEST : GITDEV_HTTP1_RESPONSE, &limits);
  if (!self->reader)
    return luaL_error(L, "memory is out");
  return 1;
}

/* reader:feed(bytes) -> whether they were taken; if not, pull() says why */
static int http1_feed(lua_State *L) {
  size_t len;
  const char *bytes = luaL_checklstring(L, 2, &len);
  gitdev_lua_http1 *self = check_open(L);
  luaL_argcheck(L, !self->held, 1, "a call has yet to take a piece, which lies where bytes go");
  lua_pushboolean(L, gitdev_http1_feed(self->reader, bytes, len));
  return 1;
}

/* reader:eof(): the peer has closed */
static int http1_eof(lua_State *L) {
  gitdev_lua_http1 *self = check_open(L);
  self->eof = true;
  gitdev_http1_eof(self->reader);
  return 0;
}

/* reader:no_body(): the answer is to a HEAD or a CONNECT. Before its head is pulled. */
static int http1_no_body(lua_State *L) {
  gitdev_http1_no_body(check_reader(L));
  return 0;
}

/* reader:rest() -> the bytes that follow the message that was an upgrade */
static int http1_rest(lua_State *L) {
  size_t len;
  const char *bytes = gitdev_http1_rest(check_reader(L), &len);
  lua_pushlstring(L, len ? bytes : "", len);
  return 1;
}

static void push_fields(lua_State *L, const gitdev_message *message) {
  lua_createtable(L, (int)message->field_count * 2, 0);
  for (size_t i = 0; i < message->field_count; i++) {
    const gitdev_field *field = &message->fields[i];
    lua_pushlstring(L, field->name, field->name_len);
    lua_rawseti(L, -2, (int)i * 2 + 1);
    lua_pushlstring(L, field->value, field->value_len);
    lua_rawseti(L, -2, (int)i * 2 + 2);
  }
}

static void push_message(lua_State *L, const gitdev_message *message) {
  lua_createtable(L, 0, 7);
  if (message->status) {
    gitdev_lua_set_number(L, "status", message->status);
  } else {
    lua_pushlstring(L, message->method, message->method_len);
    lua_setfield(L, -2, "method");
    lua_pushlstring(L, message->target, message->target_len);
    lua_setfield(L, -2, "target");
  }
  gitdev_lua_set_number(L, "minor_version", message->minor_version);
  gitdev_lua_set_number(L, "content_length", (double)message->content_length);
  lua_pushboolean(L, message->keep_alive);
  lua_setfield(L, -2, "keep_alive");
  lua_pushboolean(L, message->upgrade);
  lua_setfield(L, -2, "upgrade");
  push_fields(L, message);
  lua_setfield(L, -2, "headers");
}

/* reader:pull() -> "need": feed more | "head", message | "data", bytes | "end" | "error", problem,
 * status. A message: { status or method and target, minor_version, keep_alive, upgrade, content_length, headers =
 * { name in lower case, value, … } }. */
static int http1_pull(lua_State *L) {
  gitdev_http1 *reader = check_reader(L);
  size_t len;
  switch (gitdev_http1_pull(reader)) {
  case GITDEV_HTTP1_NEED: lua_pushliteral(L, "need"); return 1;
  case GITDEV_HTTP1_HEAD:
    lua_pushliteral(L, "head");
    push_message(L, gitdev_http1_message(reader));
    return 2;
  case GITDEV_HTTP1_DATA: {
    const char *bytes = gitdev_http1_piece(reader, &len);
    lua_pushliteral(L, "data");
    lua_pushlstring(L, bytes, len);
    return 2;
  }
  case GITDEV_HTTP1_END: lua_pushliteral(L, "end"); return 1;
  case GITDEV_HTTP1_ERROR: break;
  }
  lua_pushliteral(L, "error");
  lua_pushstring(L, gitdev_http1_problem(reader));
  lua_pushinteger(L, gitdev_http1_error_status(reader));
  return 3;
}

void gitdev_lua_open_http1(lua_State *L) {
  static const luaL_Reg methods[] = {{"close", http1_close},
                                     {"eof", http1_eof},
                                     {"feed", http1_feed},
                                     {"no_body", http1_no_body},
                                     {"pull", http1_pull},
                                     {"rest", http1_rest},
                                     {NULL, NULL}};
  gitdev_lua_class(L, GITDEV_LUA_HTTP1, methods, http1_close);
  lua_pushcfunction(L, core_http1);
  lua_setfield(L, -2, "http1");
}

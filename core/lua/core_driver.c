/* core's call, for drivers written in Lua: the machine itself (see gitdev_call_next() in gitdev.h).
 */
#include "lua/call.h"
#include <string.h>

static void push_headers(lua_State *L, const gitdev_request *request) {
  lua_createtable(L, (int)request->header_count * 2, 0);
  for (size_t i = 0; i < request->header_count; i++) {
    lua_pushstring(L, request->headers[i].name);
    lua_rawseti(L, -2, (int)i * 2 + 1);
    lua_pushstring(L, request->headers[i].value);
    lua_rawseti(L, -2, (int)i * 2 + 2);
  }
}

static void push_way(lua_State *L, const gitdev_request *request) {
  gitdev_lua_set_string(L, "host", request->host);
  gitdev_lua_set_number(L, "port", request->port);
  gitdev_lua_set_number(L, "connect_timeout", request->connect_timeout);
  gitdev_lua_set_string(L, "upgrade", request->upgrade);
  if (request->streamed) {
    lua_pushboolean(L, 1);
    lua_setfield(L, -2, "streamed");
  }
  if (request->source) {
    lua_pushnumber(L, (double)request->source->size);
    lua_setfield(L, -2, "source_size");
  }
}

static void push_content(lua_State *L, const gitdev_request *request) {
  gitdev_lua_set_string(L, "method", request->method);
  gitdev_lua_set_string(L, "url", request->url);
  gitdev_lua_set_string(L, "target", request->target);
  gitdev_lua_set_string(L, "ca_file", request->ca_file);
  push_headers(L, request);
  lua_setfield(L, -2, "headers");
  if (request->body) {
    lua_pushlstring(L, request->body, request->body_len);
    lua_setfield(L, -2, "body");
  }
}

/* call:next(now [, briefly]) -> "wait", until, early | "send", until, request, idle | "done". The
 * request: { method, url, target, host, port, headers = { name, value, … } (the first is
 * Authorization: never log it), body, source_size (with a source, read by give_data()), streamed
 * (whether the answer goes to a sink), connect_timeout, ca_file, upgrade (the subprotocol of the
 * WebSocket that it opens) }. `briefly`: without what call:pieces() says. */
static int driver_next(lua_State *L) {
  gitdev_action action = gitdev_call_next(gitdev_lua_check_call(L)->call, luaL_checknumber(L, 2));
  bool briefly = lua_toboolean(L, 3); /* before anything is pushed there */
  switch (action.kind) {
  case GITDEV_WAIT:
    lua_pushliteral(L, "wait");
    lua_pushnumber(L, action.until);
    lua_pushboolean(L, action.early);
    return 3;
  case GITDEV_SEND:
    lua_pushliteral(L, "send");
    lua_pushnumber(L, action.until);
    lua_createtable(L, 0, 10);
    push_way(L, action.request);
    if (!briefly)
      push_content(L, action.request);
    lua_pushnumber(L, action.idle);
    return 4;
  case GITDEV_DONE: break;
  }
  lua_pushliteral(L, "done");
  return 1;
}

/* call:begin(status), call:take_header(name, value): false when the answer is refused. */
static int driver_begin(lua_State *L) {
  gitdev_call *call = gitdev_lua_check_call(L)->call;
  lua_pushboolean(L, gitdev_call_begin(call, (int)luaL_checknumber(L, 2)));
  return 1;
}

static int driver_header(lua_State *L) {
  gitdev_call *call = gitdev_lua_check_call(L)->call;
  size_t name_len, value_len;
  const char *name = luaL_checklstring(L, 2, &name_len);
  const char *value = luaL_checklstring(L, 3, &value_len);
  lua_pushboolean(L, gitdev_call_header(call, name, name_len, value, value_len));
  return 1;
}

/* call:take_data(bytes) -> true | nil (the sink is full: offer them again) | false (refused) */
static int driver_data(lua_State *L) {
  gitdev_call *call = gitdev_lua_check_call(L)->call;
  size_t len;
  const char *bytes = luaL_checklstring(L, 2, &len);
  int rc = gitdev_call_data(call, bytes, len);
  if (rc == GITDEV_AGAIN)
    return 0;
  lua_pushboolean(L, rc == GITDEV_OK);
  return 1;
}

/* call:give_data() -> bytes of the source, "" at its end | nil (none yet) | false (it failed) */
static int driver_give(lua_State *L) {
  char bytes[16384];
  const gitdev_source *source = gitdev_call_source(gitdev_lua_check_call(L)->call);
  luaL_argcheck(L, source, 1, "no request with a source is under way");
  long got = source->read(source->payload, bytes, sizeof bytes);
  if (got == GITDEV_AGAIN)
    return 0;
  if (got < 0)
    lua_pushboolean(L, 0);
  else
    lua_pushlstring(L, bytes, (size_t)got);
  return 1;
}

static const struct {
  const char *name;
  gitdev_outcome_kind kind;
} OUTCOMES[] = {{"complete", GITDEV_COMPLETE},        {"unsent", GITDEV_FAILED_UNSENT},
                {"sent", GITDEV_FAILED_SENT},         {"untrusted", GITDEV_FAILED_TRUST},
                {"bad answer", GITDEV_FAILED_ANSWER}, {"timed out", GITDEV_TIMED_OUT},
                {"not possible", GITDEV_FAILED_LOCAL}};

static gitdev_outcome_kind check_kind(lua_State *L, int index) {
  const char *name = luaL_checkstring(L, index);
  for (size_t i = 0; i < sizeof OUTCOMES / sizeof *OUTCOMES; i++)
    if (strcmp(name, OUTCOMES[i].name) == 0)
      return OUTCOMES[i].kind;
  luaL_argerror(L, index, "is no outcome");
  return GITDEV_FAILED_LOCAL;
}

/* call:outcome(now, kind [, message [, seconds [, unsent [, stale]]]]): how the try went. `kind` is
 * one of the names above; `unsent` goes with "timed out", `stale` with "sent". */
static int driver_outcome(lua_State *L) {
  gitdev_call *call = gitdev_lua_check_call(L)->call;
  gitdev_outcome outcome = {.kind = check_kind(L, 3),
                            .unsent = lua_toboolean(L, 6) != 0,
                            .stale = lua_toboolean(L, 7) != 0,
                            .message = luaL_optstring(L, 4, NULL),
                            .dns = -1,
                            .connect = -1,
                            .tls = -1,
                            .first_byte = -1,
                            .total = luaL_optnumber(L, 5, -1)};
  gitdev_call_outcome(call, &outcome, luaL_checknumber(L, 2));
  return 0;
}

/* call:cancel(now): for one that no engine has. */
static int driver_cancel(lua_State *L) {
  gitdev_call *call = gitdev_lua_check_call(L)->call;
  luaL_argcheck(L, !gitdev_call_driver(call), 1, "an engine has the call: cancel it there");
  gitdev_call_cancel(call, luaL_checknumber(L, 2));
  return 0;
}

/* call:deadline() -> when it is over, come what may: seconds of the clock that it was made by */
static int driver_deadline(lua_State *L) {
  lua_pushnumber(L, gitdev_call_deadline(gitdev_lua_check_call(L)->call));
  return 1;
}

/* call:limit() -> a text that is the same for calls that share a rate limit */
static int driver_limit(lua_State *L) {
  gitdev_lua_push_limit_id(L, gitdev_call_client(gitdev_lua_check_call(L)->call)->pace);
  return 1;
}

/* call:of(client) -> whether it was made with that client of core's */
static int driver_of(lua_State *L) {
  const gitdev_call *call = gitdev_lua_check_call(L)->call;
  const gitdev_lua_client *other = gitdev_lua_check(L, 2, GITDEV_LUA_CLIENT);
  lua_pushboolean(L, gitdev_call_client(call) == other->client);
  return 1;
}

/* call:disown(now): ends as canceled, because its client is being closed */
static int driver_disown(lua_State *L) {
  gitdev_call_disown(gitdev_lua_check_call(L)->call, luaL_checknumber(L, 2));
  return 0;
}

void gitdev_lua_open_driver(lua_State *L) {
  static const luaL_Reg methods[] = {
      {"begin", driver_begin},    {"deadline", driver_deadline},  {"disown", driver_disown},
      {"of", driver_of},          {"limit", driver_limit},        {"cancel", driver_cancel},
      {"give_data", driver_give}, {"next", driver_next},          {"outcome", driver_outcome},
      {"take_data", driver_data}, {"take_header", driver_header}, {NULL, NULL}};
  gitdev_lua_extend(L, GITDEV_LUA_CALL, methods);
}

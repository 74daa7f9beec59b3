/* core's call: its userdata, and what is asked of it once it is done. */
#include "lua/call.h"
#include <string.h>

/* One that is under way goes on without us. */
static int call_close(lua_State *L) {
  gitdev_lua_call *self = gitdev_lua_check(L, 1, GITDEV_LUA_CALL);
  gitdev_call *call = self->call;
  self->call = NULL;
  if (call && (self->stream || self->events))
    gitdev_call_mute(call);
  gitdev_call_free(call);
  gitdev_lua_stream_close(self);
  gitdev_lua_events_close(self);
  return 0;
}

static void push_error(lua_State *L, const gitdev_result *result) {
  lua_createtable(L, 0, 8);
  gitdev_lua_set_string(L, "type", result->type);
  gitdev_lua_set_string(L, "code", result->code);
  gitdev_lua_set_string(L, "message", result->message);
  gitdev_lua_set_string(L, "param", result->param);
  gitdev_lua_set_string(L, "request_id", result->request_id);
  if (result->status)
    gitdev_lua_set_number(L, "status", result->status);
  lua_pushboolean(L, result->retryable);
  lua_setfield(L, -2, "retryable");
  lua_pushlstring(L, result->body, result->body_len);
  lua_setfield(L, -2, "body");
}

/* call:result() -> nil | status, body | false, error. The body can be had once: it is freed here,
 * so that calls that wait for the garbage collector are small. */
static int call_result(lua_State *L) {
  gitdev_call *call = gitdev_lua_check_call(L)->call;
  const gitdev_result *result = gitdev_call_result(call);
  if (!result)
    return 0;
  if (result->type) {
    lua_pushboolean(L, 0);
    push_error(L, result);
  } else {
    lua_pushinteger(L, result->status);
    lua_pushlstring(L, result->body, result->body_len);
  }
  gitdev_call_trim(call);
  return 2;
}

static int call_done(lua_State *L) {
  lua_pushboolean(L, gitdev_call_result(gitdev_lua_check_call(L)->call) != NULL);
  return 1;
}

static int call_header(lua_State *L) {
  gitdev_call *call = gitdev_lua_check_call(L)->call;
  const char *name = luaL_checkstring(L, 2);
  size_t count;
  const gitdev_header *headers = gitdev_call_headers(call, &count);
  for (size_t i = 0; i < count; i++)
    if (strcmp(headers[i].name, name) == 0) {
      lua_pushstring(L, headers[i].value);
      return 1;
    }
  return 0;
}

/* Adds a header to the table on the top of the stack; several of one name become one, as RFC
 * 9110 5.3 joins them. */
static void add_header(lua_State *L, const gitdev_header *header) {
  lua_getfield(L, -1, header->name);
  if (lua_isnil(L, -1)) {
    lua_pop(L, 1);
    lua_pushstring(L, header->value);
  } else {
    lua_pushfstring(L, "%s, %s", lua_tostring(L, -1), header->value);
    lua_remove(L, -2);
  }
  lua_setfield(L, -2, header->name);
}

static int call_headers(lua_State *L) {
  size_t count;
  const gitdev_header *headers = gitdev_call_headers(gitdev_lua_check_call(L)->call, &count);
  lua_newtable(L);
  for (size_t i = 0; i < count; i++)
    add_header(L, &headers[i]);
  return 1;
}

static void push_attempt(lua_State *L, const gitdev_attempt *attempt) {
  lua_createtable(L, 0, 10);
  gitdev_lua_set_string(L, "verdict", attempt->verdict);
  gitdev_lua_set_string(L, "reason", attempt->reason);
  if (attempt->status)
    gitdev_lua_set_number(L, "status", attempt->status);
  if (attempt->request_id[0])
    gitdev_lua_set_string(L, "request_id", attempt->request_id);
  gitdev_lua_set_number(L, "wait", attempt->wait);
  gitdev_lua_set_number(L, "dns", attempt->dns);
  gitdev_lua_set_number(L, "connect", attempt->connect);
  gitdev_lua_set_number(L, "tls", attempt->tls);
  gitdev_lua_set_number(L, "first_byte", attempt->first_byte);
  gitdev_lua_set_number(L, "total", attempt->total);
}

static int call_attempts(lua_State *L) {
  const gitdev_result *result = gitdev_call_result(gitdev_lua_check_call(L)->call);
  lua_newtable(L);
  for (size_t i = 0; result && i < result->attempt_count; i++) {
    push_attempt(L, &result->attempts[i]);
    lua_rawseti(L, -2, (int)i + 1);
  }
  return 1;
}

static const luaL_Reg methods[] = {
    {"attempts", call_attempts},
    {"close", call_close},
    {"done", call_done},
    {"header", call_header},
    {"headers", call_headers},
    {"result", call_result},
    {NULL, NULL},
};

void gitdev_lua_open_call(lua_State *L) {
  gitdev_lua_class(L, GITDEV_LUA_CALL, methods, call_close);
}

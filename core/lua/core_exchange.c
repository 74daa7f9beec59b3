/* core's call, for drivers with sockets of their own: a try as the bytes that leave, and its answer
 * taken from a reader, without a string of Lua's for each header. */
#include "call/request_text.h"
#include "lua/call.h"
#include "lua/http1.h"
#include "wire/handshake.h"
#include <stdint.h>
#include <string.h>

/* Whoever sends them without end would go on for ever. */
enum { INTERIM_MAX = 64 };

static const gitdev_request *check_request(lua_State *L) {
  const gitdev_request *request = gitdev_call_request(gitdev_lua_check_call(L)->call);
  luaL_argcheck(L, request, 1, "no try is under way");
  return request;
}

static void add_piece(lua_State *L, const char *bytes, size_t len, int *count) {
  if (len == 0)
    return;
  lua_pushlstring(L, bytes, len);
  lua_rawseti(L, -2, ++*count);
}

/* Lua keeps each string once, and finds it by some of its bytes: long texts that are nearly the same
 * would all be looked through. So a head is pushed in pieces. */
static void add_head(lua_State *L, const gitdev_buffer *head, const size_t *cuts, int *count) {
  size_t from = 0;
  for (size_t i = 0; i < GITDEV_HEAD_CUTS; i++) {
    add_piece(L, head->data + from, cuts[i] - from, count);
    from = cuts[i];
  }
  add_piece(L, head->data + from, head->len - from, count);
}

/* call:pieces([key]) -> the request under way as HTTP/1.1, in pieces, but for a body from a source.
 * `key`: the Sec-WebSocket-Key of one that upgrades. It holds the API key: never log it. */
static int exchange_pieces(lua_State *L) {
  lua_settop(L, 2);
  lua_createtable(L, GITDEV_HEAD_CUTS + 2, 0);
  const gitdev_request *request = check_request(L);
  const char *key = request->upgrade ? luaL_checkstring(L, 2) : NULL;
  size_t cuts[GITDEV_HEAD_CUTS];
  int count = 0;
  gitdev_buffer head;
  gitdev_buffer_init(&head, SIZE_MAX);
  bool fine = gitdev_request_head(&head, request, key, cuts) == GITDEV_OK;
  if (fine)
    add_head(L, &head, cuts, &count);
  gitdev_buffer_wipe(&head);
  if (!fine)
    return luaL_error(L, "memory is out");
  add_piece(L, request->body, request->body_len, &count);
  return 1;
}

/* What a step of the answer comes to. */
typedef enum step { GO_ON, NEED, FULL, END, BAD } step;

typedef struct exchange {
  gitdev_call *call;
  gitdev_lua_http1 *source;
  const gitdev_request *request;
  const char *key;     /* of a request that upgrades, else NULL */
  const char *problem; /* of BAD */
} exchange;

static step bad(exchange *self, const char *problem) {
  self->problem = problem;
  return BAD;
}

static step take_fields(exchange *self, const gitdev_message *message) {
  bool fine = gitdev_call_begin(self->call, message->status);
  for (size_t i = 0; fine && i < message->field_count; i++) {
    const gitdev_field *field = &message->fields[i];
    fine = gitdev_call_header(self->call, field->name, field->name_len, field->value,
                              field->value_len);
  }
  return fine ? GO_ON : bad(self, "its head is too large, or cannot be read here");
}

/* A 2xx opens nothing, whatever it goes on to say. */
static step judge_upgrade(exchange *self, const gitdev_message *message) {
  if (message->status != 101)
    return message->status < 300 ? END : GO_ON;
  const char *wrong = gitdev_handshake_check_answer(message, self->key, self->request->upgrade);
  return wrong ? bad(self, wrong) : GO_ON;
}

static bool is_interim(const gitdev_message *message) {
  return message->status < 200 && message->status != 101;
}

static step take_head(exchange *self) {
  const gitdev_message *message = gitdev_http1_message(self->source->reader);
  if (is_interim(message))
    return ++self->source->interim <= INTERIM_MAX
               ? GO_ON
               : bad(self, "it only ever says that it goes on (status 1xx)");
  step next = take_fields(self, message);
  if (next == GO_ON && self->key)
    return judge_upgrade(self, message);
  if (next == GO_ON && message->status == 101)
    return bad(self, "it changes the protocol, which nobody asked for");
  return next;
}

static step take_piece(exchange *self) {
  size_t len;
  const char *bytes = gitdev_http1_piece(self->source->reader, &len);
  int rc = gitdev_call_data(self->call, bytes, len);
  self->source->bodied = true;
  self->source->held = rc == GITDEV_AGAIN;
  if (rc == GITDEV_AGAIN)
    return FULL;
  return rc == GITDEV_OK ? GO_ON : bad(self, "its body is too large, or was refused");
}

/* Whose end is that of its connection. Anyone on the way can close one, and nginx does not tell how
 * TLS ended: only what says itself where it ends can be known to be whole. */
static bool is_cut_off(const exchange *self) {
  const gitdev_message *message = gitdev_http1_message(self->source->reader);
  return self->source->eof && self->source->bodied && message->content_length < 0 &&
         message->status < 300 && (self->request->streamed || !gitdev_call_is_answered(self->call));
}

static step take_end(exchange *self) {
  if (is_interim(gitdev_http1_message(self->source->reader)))
    return GO_ON;
  return is_cut_off(self) ? bad(self, "it may be cut off: it ends with its connection") : END;
}

static step take_event(exchange *self) {
  gitdev_http1 *reader = self->source->reader;
  if (self->source->held)
    return take_piece(self);
  switch (gitdev_http1_pull(reader)) {
  case GITDEV_HTTP1_NEED: return NEED;
  case GITDEV_HTTP1_HEAD: return take_head(self);
  case GITDEV_HTTP1_DATA: return take_piece(self);
  case GITDEV_HTTP1_END: return take_end(self);
  case GITDEV_HTTP1_ERROR: break;
  }
  return bad(self, gitdev_http1_problem(reader));
}

/* Bytes behind an answer belong to nothing: what comes after them would be taken for the answer to
 * another request. */
static int push_end(lua_State *L, const exchange *self) {
  const gitdev_message *message = gitdev_http1_message(self->source->reader);
  size_t behind;
  gitdev_http1_rest(self->source->reader, &behind);
  lua_pushliteral(L, "end");
  lua_pushinteger(L, message->status);
  lua_pushboolean(L, message->keep_alive && behind == 0);
  return 3;
}

static int push_step(lua_State *L, step what, const exchange *self) {
  switch (what) {
  case END: return push_end(L, self);
  case NEED: lua_pushliteral(L, "need"); return 1;
  case FULL: lua_pushliteral(L, "full"); return 1;
  case GO_ON:
  case BAD: break;
  }
  lua_pushliteral(L, "bad");
  lua_pushstring(L, self->problem);
  return 2;
}

/* call:take_answer(reader, key [, bytes]): takes of the answer to the try under way what the reader has, and
 * the bytes. -> "need": more bytes | "full": the sink is; come again without bytes | "end", status,
 * reusable: whether the connection may carry another request | "bad", problem: after the reader's eof()
 * it is that the answer is, or may be, cut off. `key`: that of
 * pieces(), for a request that upgrades, else nil: at its "end" with status 101 the handshake is right,
 * and what the reader still has is the new protocol's. */
static int exchange_take_answer(lua_State *L) {
  const gitdev_request *request = check_request(L);
  size_t len;
  const char *bytes = luaL_optlstring(L, 4, NULL, &len);
  exchange self = {.call = gitdev_lua_check_call(L)->call,
                   .source = gitdev_lua_check(L, 2, GITDEV_LUA_HTTP1),
                   .request = request,
                   .key = request->upgrade ? luaL_checkstring(L, 3) : NULL};
  luaL_argcheck(L, self.source->reader, 2, "the reader is closed");
  luaL_argcheck(L, !bytes || !self.source->held, 4, "the sink is full: come again without bytes");
  if (strcmp(request->method, "HEAD") == 0)
    gitdev_http1_no_body(self.source->reader);
  if (bytes)
    gitdev_http1_feed(self.source->reader, bytes, len); /* pulling tells what was wrong */
  step what;
  do
    what = take_event(&self);
  while (what == GO_ON);
  return push_step(L, what, &self);
}

void gitdev_lua_open_exchange(lua_State *L) {
  static const luaL_Reg methods[] = {
      {"pieces", exchange_pieces}, {"take_answer", exchange_take_answer}, {NULL, NULL}};
  gitdev_lua_extend(L, GITDEV_LUA_CALL, methods);
}

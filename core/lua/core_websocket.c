/* core's WebSockets, for drivers that bring their own sockets: the codec of wire/websocket as a
 * userdata, and the client's side of the opening handshake. */
#include "lua/call.h"
#include "wire/handshake.h"
#include "wire/websocket.h"

static const char CODEC[] = "gitdev.codec";

typedef struct codec {
  gitdev_websocket *codec; /* NULL once freed */
} codec;

static gitdev_websocket *check_codec(lua_State *L) {
  const codec *self = gitdev_lua_check(L, 1, CODEC);
  luaL_argcheck(L, self->codec, 1, "the codec was freed");
  return self->codec;
}

static int codec_gc(lua_State *L) {
  codec *self = gitdev_lua_check(L, 1, CODEC);
  gitdev_websocket_free(self->codec);
  self->codec = NULL;
  return 0;
}

/* core.websocket() -> a codec, the client's */
static int core_websocket(lua_State *L) {
  codec *self = gitdev_lua_new(L, CODEC, sizeof *self);
  self->codec = gitdev_websocket_new(GITDEV_WEBSOCKET_CLIENT, 0);
  if (!self->codec)
    return luaL_error(L, "memory is out");
  return 1;
}

/* codec:feed(bytes): what came; to be fed when read() has nothing. */
static int codec_feed(lua_State *L) {
  size_t len;
  gitdev_websocket *self = check_codec(L);
  const char *bytes = luaL_checklstring(L, 2, &len);
  if (!gitdev_websocket_feed(self, bytes, len))
    return luaL_error(L, "memory is out, or too much was fed and not read");
  return 0;
}

/* codec:read() -> text | nothing: feed more | nil, "binary": a binary message, which is dropped |
 * nil, "closed", code, reason: nothing more will come; what is left to send says so to the peer. */
static int codec_read(lua_State *L) {
  size_t len;
  const char *message;
  gitdev_websocket *self = check_codec(L);
  switch (gitdev_websocket_pull(self)) {
  case GITDEV_WEBSOCKET_NEED: return 0;
  case GITDEV_WEBSOCKET_BINARY: return gitdev_lua_fail(L, "binary");
  case GITDEV_WEBSOCKET_TEXT:
    message = gitdev_websocket_message(self, &len);
    lua_pushlstring(L, message, len);
    return 1;
  case GITDEV_WEBSOCKET_CLOSE:
  case GITDEV_WEBSOCKET_ERROR: break;
  }
  gitdev_lua_fail(L, "closed");
  lua_pushinteger(L, gitdev_websocket_close_code(self));
  lua_pushstring(L, gitdev_websocket_close_reason(self));
  return 4;
}

/* codec:send(text) -> true | false: no message can be sent any more, or it is no UTF-8 */
static int codec_send(lua_State *L) {
  size_t len;
  gitdev_websocket *self = check_codec(L);
  const char *text = luaL_checklstring(L, 2, &len);
  lua_pushboolean(L, gitdev_websocket_send(self, text, len));
  return 1;
}

/* codec:close(code): queues a close frame, unless one has been. */
static int codec_close(lua_State *L) {
  gitdev_websocket *self = check_codec(L);
  int code = (int)luaL_checkinteger(L, 2);
  luaL_argcheck(L, gitdev_websocket_is_code(code), 2, "must be a code that a close frame may have");
  lua_pushboolean(L, gitdev_websocket_close(self, code, NULL));
  return 1;
}

/* codec:output() -> the bytes to be sent, which are the caller's from then on; "" when there are
 * none */
static int codec_output(lua_State *L) {
  size_t len;
  gitdev_websocket *self = check_codec(L);
  const char *bytes = gitdev_websocket_output(self, &len);
  lua_pushlstring(L, bytes, len);
  gitdev_websocket_sent(self, len);
  return 1;
}

/* codec:unsent() -> bytes that output() would give */
static int codec_unsent(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)gitdev_websocket_unsent(check_codec(L)));
  return 1;
}

/* ---- the handshake ---- */

/* core.websocket_key() -> a fresh Sec-WebSocket-Key */
static int core_websocket_key(lua_State *L) {
  char key[GITDEV_HANDSHAKE_KEY_SIZE];
  if (!gitdev_handshake_key(key))
    return luaL_error(L, "the system has no randomness");
  lua_pushstring(L, key);
  return 1;
}

void gitdev_lua_open_websocket(lua_State *L) {
  static const luaL_Reg methods[] = {{"close", codec_close},
                                     {"feed", codec_feed},
                                     {"output", codec_output},
                                     {"read", codec_read},
                                     {"send", codec_send},
                                     {"unsent", codec_unsent},
                                     {NULL, NULL}};
  static const luaL_Reg functions[] = {
      {"websocket", core_websocket}, {"websocket_key", core_websocket_key}, {NULL, NULL}};
  gitdev_lua_class(L, CODEC, methods, codec_gc);
  gitdev_lua_register(L, functions);
}

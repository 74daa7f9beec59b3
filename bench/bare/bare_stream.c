/* bare_stream: the least that Lua could do to follow a log over a WebSocket: libcurl connects, wslay
 * reads the frames.
 *
 *   bare_stream.open(ca_file, url, headers) -> stream     url is https://host:port/path
 *   stream:next()                           -> text, or nil when the server has closed
 *
 * open raises when the server does not agree. */
#include "tunnel.h"

#include <lauxlib.h>
#include <lua.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wslay/wslay.h>

static const char STREAM[] = "bench.stream";

enum { RECORD = 16384, HEAD_MAX = 4096 };

/* Messages wait in `text`, each behind its length, until the record they came in is used up. */
typedef struct stream {
  tunnel tunnel;
  wslay_event_context_ptr frames;
  char record[RECORD];
  size_t record_at, record_len;
  char *text;
  size_t text_at, text_len, text_size;
  bool closed;
} stream;

static ssize_t take(wslay_event_context_ptr frames, uint8_t *bytes, size_t size, int flags,
                    void *payload) {
  stream *self = payload;
  size_t len = self->record_len - self->record_at;
  (void)flags;
  if (len == 0) {
    wslay_event_set_error(frames, WSLAY_ERR_WOULDBLOCK);
    return -1;
  }
  if (len > size)
    len = size;
  memcpy(bytes, self->record + self->record_at, len);
  self->record_at += len;
  return (ssize_t)len;
}

static ssize_t give(wslay_event_context_ptr frames, const uint8_t *bytes, size_t len, int flags,
                    void *payload) {
  stream *self = payload;
  (void)flags;
  if (tunnel_write(&self->tunnel, (const char *)bytes, len))
    return (ssize_t)len;
  wslay_event_set_error(frames, WSLAY_ERR_CALLBACK_FAILURE);
  return -1;
}

static int mask(wslay_event_context_ptr frames, uint8_t *bytes, size_t len, void *payload) {
  (void)frames;
  (void)payload;
  memset(bytes, 0x5a, len);
  return 0;
}

static void keep(wslay_event_context_ptr frames, const struct wslay_event_on_msg_recv_arg *message,
                 void *payload) {
  stream *self = payload;
  size_t needed = self->text_len + sizeof message->msg_length + message->msg_length;
  (void)frames;
  if (message->opcode != WSLAY_TEXT_FRAME) {
    self->closed |= message->opcode == WSLAY_CONNECTION_CLOSE;
    return;
  }
  if (needed > self->text_size) {
    char *grown = realloc(self->text, needed * 2);
    if (!grown) {
      self->closed = true;
      return;
    }
    self->text = grown;
    self->text_size = needed * 2;
  }
  memcpy(self->text + self->text_len, &message->msg_length, sizeof message->msg_length);
  memcpy(self->text + self->text_len + sizeof message->msg_length, message->msg,
         message->msg_length);
  self->text_len = needed;
}

/* Reads once, and keeps all messages that this completes. */
static void read_on(stream *self) {
  self->text_at = self->text_len = 0;
  if (self->record_at == self->record_len) {
    self->record_at = 0;
    self->record_len = tunnel_read(&self->tunnel, self->record, RECORD);
  }
  if (self->record_len == 0 || wslay_event_recv(self->frames) != 0 ||
      (wslay_event_want_write(self->frames) && wslay_event_send(self->frames) != 0))
    self->closed = true;
}

static int stream_next(lua_State *L) {
  stream *self = luaL_checkudata(L, 1, STREAM);
  size_t len;
  while (self->text_at == self->text_len && !self->closed)
    read_on(self);
  if (self->text_at == self->text_len)
    return 0;
  memcpy(&len, self->text + self->text_at, sizeof len);
  lua_pushlstring(L, self->text + self->text_at + sizeof len, len);
  self->text_at += sizeof len + len;
  return 1;
}

/* The request with the header lines of the table at 3, as bytes of the buffer. */
static void make_request(lua_State *L, luaL_Buffer *request, const char *url) {
  const char *host = strstr(url, "://");
  host = host ? host + 3 : url;
  const char *path = host + strcspn(host, "/");
  luaL_buffinit(L, request);
  luaL_addstring(request, "GET ");
  luaL_addstring(request, path);
  luaL_addstring(request, " HTTP/1.1\r\nHost: ");
  luaL_addlstring(request, host, (size_t)(path - host));
  luaL_addstring(request, "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                          "Sec-WebSocket-Version: 13\r\n"
                          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                          "Sec-WebSocket-Protocol: git.logs.v1\r\n");
  for (lua_Integer i = 1; i <= (lua_Integer)lua_rawlen(L, 3); i++) {
    lua_rawgeti(L, 3, i);
    luaL_addvalue(request);
    luaL_addstring(request, "\r\n");
  }
  luaL_addstring(request, "\r\n");
}

/* Whether the answer's head is a 101. What came after it stays in the record. */
static bool read_head(stream *self) {
  while (self->record_len < HEAD_MAX) {
    size_t got =
        tunnel_read(&self->tunnel, self->record + self->record_len, HEAD_MAX - self->record_len);
    if (got == 0)
      return false;
    self->record_len += got;
    char *head_end = memmem(self->record, self->record_len, "\r\n\r\n", 4);
    if (head_end) {
      self->record_at = (size_t)(head_end + 4 - self->record);
      return memcmp(self->record, "HTTP/1.1 101 ", 13) == 0;
    }
  }
  return false;
}

static bool start(stream *self, const char *request, size_t len) {
  static const struct wslay_event_callbacks callbacks = {.recv_callback = take,
                                                         .send_callback = give,
                                                         .genmask_callback = mask,
                                                         .on_msg_recv_callback = keep};
  return curl_easy_perform(self->tunnel.easy) == CURLE_OK &&
         tunnel_write(&self->tunnel, request, len) && read_head(self) &&
         wslay_event_context_client_init(&self->frames, &callbacks, self) == 0;
}

static int bare_stream_open(lua_State *L) {
  const char *ca_file = luaL_checkstring(L, 1), *url = luaL_checkstring(L, 2);
  luaL_Buffer buffer;
  size_t len = 0;
  luaL_checktype(L, 3, LUA_TTABLE);
  make_request(L, &buffer, url);
  luaL_pushresult(&buffer);
  const char *request = lua_tolstring(L, -1, &len);
  stream *self = lua_newuserdatauv(L, sizeof *self, 0);
  memset(self, 0, sizeof *self);
  bool ok = tunnel_open(&self->tunnel, ca_file, url);
  luaL_setmetatable(L, STREAM);
  if (!ok || !start(self, request, len))
    return luaL_error(L, "%s: no WebSocket: %s", url, self->tunnel.problem);
  return 1;
}

static int stream_gc(lua_State *L) {
  stream *self = luaL_checkudata(L, 1, STREAM);
  if (self->frames)
    wslay_event_context_free(self->frames);
  tunnel_close(&self->tunnel);
  free(self->text);
  memset(self, 0, sizeof *self);
  return 0;
}

int luaopen_bare_stream(lua_State *L);
int luaopen_bare_stream(lua_State *L) {
  static const luaL_Reg methods[] = {{"next", stream_next}, {"__gc", stream_gc}, {NULL, NULL}};
  static const luaL_Reg functions[] = {{"open", bare_stream_open}, {NULL, NULL}};
  luaL_newmetatable(L, STREAM);
  luaL_setfuncs(L, methods, 0);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  luaL_newlib(L, functions);
  return 1;
}

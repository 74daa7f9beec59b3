/* core's call: bodies that go through Lua in pieces. Each way has a window: C fills or empties it
 * from the transport's side and never calls Lua, Lua does the same from the other side when the
 * call is among its engine's news. A full window holds the sender back. */
#include "lua/call.h"
#include "wire/buffer.h"
#include "wire/memory.h"
#include <stdint.h>
#include <string.h>

enum { WINDOW = 256 << 10 };

typedef struct window {
  gitdev_buffer bytes;
  size_t taken; /* bytes at the front that are gone already */
} window;

typedef struct gitdev_lua_stream {
  gitdev_lua_call *owner;
  window out, in;
  bool out_ended;  /* Lua has written all there is */
  bool out_hungry; /* the transport has found nothing to read */
  bool out_again;  /* it wants the body from the beginning */
  bool in_full;    /* the transport was told to wait */
  bool in_again;   /* it brings the body from the beginning */
} gitdev_lua_stream;

/* ---- windows ---- */

static size_t window_len(const window *self) {
  return self->bytes.len - self->taken;
}

static void window_clear(window *self) {
  gitdev_buffer_reset(&self->bytes);
  self->taken = 0;
}

static size_t window_take(window *self, char *out, size_t room) {
  size_t len = window_len(self);
  len = len < room ? len : room;
  memcpy(out, self->bytes.data + self->taken, len);
  self->taken += len;
  if (window_len(self) == 0)
    window_clear(self);
  return len;
}

/* ---- the transport's side ---- */

static long on_read(void *payload, char *out, size_t room) {
  gitdev_lua_stream *stream = payload;
  size_t len = window_take(&stream->out, out, room);
  if (window_len(&stream->out) < WINDOW / 2)
    gitdev_lua_list(stream->owner);
  stream->out_hungry = len == 0 && !stream->out_ended;
  return stream->out_hungry ? GITDEV_AGAIN : (long)len;
}

static bool on_out_rewind(void *payload) {
  gitdev_lua_stream *stream = payload;
  window_clear(&stream->out);
  stream->out_ended = stream->out_hungry = false;
  stream->out_again = true;
  gitdev_lua_list(stream->owner);
  return true;
}

static int on_write(void *payload, const char *bytes, size_t len) {
  gitdev_lua_stream *stream = payload;
  gitdev_lua_list(stream->owner);
  stream->in_full = window_len(&stream->in) >= WINDOW;
  if (stream->in_full)
    return GITDEV_AGAIN;
  return gitdev_buffer_append(&stream->in.bytes, bytes, len) ? GITDEV_OK : GITDEV_ENOMEM;
}

static bool on_in_rewind(void *payload) {
  gitdev_lua_stream *stream = payload;
  window_clear(&stream->in);
  stream->in_full = false;
  stream->in_again = true;
  gitdev_lua_list(stream->owner);
  return true;
}

bool gitdev_lua_stream_open(gitdev_lua_call *self, gitdev_source *source, bool rewindable,
                            gitdev_sink *sink) {
  if (!source && !sink)
    return true;
  gitdev_lua_stream *stream = gitdev_calloc(1, sizeof *stream);
  if (!stream)
    return false;
  self->stream = stream;
  stream->owner = self;
  gitdev_buffer_init(&stream->out.bytes, SIZE_MAX / 2);
  gitdev_buffer_init(&stream->in.bytes, SIZE_MAX / 2);
  if (source) {
    source->read = on_read;
    source->rewind = rewindable ? on_out_rewind : NULL;
    source->payload = stream;
  }
  if (sink) {
    sink->write = on_write;
    sink->rewind = on_in_rewind;
    sink->payload = stream;
  }
  return true;
}

void gitdev_lua_stream_close(gitdev_lua_call *self) {
  gitdev_lua_stream *stream = self->stream;
  self->stream = NULL;
  if (!stream)
    return;
  gitdev_buffer_free(&stream->out.bytes);
  gitdev_buffer_free(&stream->in.bytes);
  gitdev_free(stream);
}

/* ---- Lua's side ---- */

static gitdev_lua_stream *check_stream(lua_State *L) {
  gitdev_lua_call *self = gitdev_lua_check_call(L);
  luaL_argcheck(L, self->stream, 1, "the call does not stream");
  return self->stream;
}

/* call:write(bytes) -> whether there is room for more, whether the transport waits for it (then it
 * wants to be resumed) | "again": first the body from its beginning. */
static int stream_write(lua_State *L) {
  gitdev_lua_stream *stream = check_stream(L);
  size_t len;
  const char *bytes = luaL_optlstring(L, 2, "", &len);
  if (stream->out_again) {
    stream->out_again = false;
    lua_pushliteral(L, "again");
    return 1;
  }
  if (!gitdev_buffer_append(&stream->out.bytes, bytes, len))
    return luaL_error(L, "memory is out");
  lua_pushboolean(L, window_len(&stream->out) < WINDOW);
  lua_pushboolean(L, stream->out_hungry);
  stream->out_hungry = stream->out_hungry && len == 0;
  return 2;
}

/* call:finish(): that was all. Returns whether the transport waits to hear it, as write does. */
static int stream_finish(lua_State *L) {
  gitdev_lua_stream *stream = check_stream(L);
  stream->out_ended = true;
  lua_pushboolean(L, stream->out_hungry);
  stream->out_hungry = false;
  return 1;
}

/* call:read() -> bytes | nil (none yet, or no more once the call is done) | true (what was read is
 * void: the body comes from its beginning), whether the transport waits for room. */
static int stream_read(lua_State *L) {
  gitdev_lua_stream *stream = check_stream(L);
  if (stream->in_again) {
    stream->in_again = false;
    lua_pushboolean(L, 1);
    return 1;
  }
  size_t len = window_len(&stream->in);
  if (len == 0)
    return 0;
  /* Making room may run finalizers, and those may turn the loop: the window is looked at anew. */
  char *bytes = lua_newuserdata(L, len);
  stream = check_stream(L);
  len = window_take(&stream->in, bytes, len);
  bool waits = stream->in_full;
  stream->in_full = false;
  lua_pushlstring(L, bytes, len);
  lua_pushboolean(L, waits);
  return 2;
}

/* call:moved() -> bytes of the request's body sent in this try, bytes of the answer's received */
static int stream_moved(lua_State *L) {
  const gitdev_call *call = gitdev_lua_check_call(L)->call;
  gitdev_lua_push_number(L, (double)gitdev_call_sent(call));
  gitdev_lua_push_number(L, (double)gitdev_call_received(call));
  return 2;
}

void gitdev_lua_open_stream(lua_State *L) {
  static const luaL_Reg methods[] = {{"finish", stream_finish},
                                     {"moved", stream_moved},
                                     {"read", stream_read},
                                     {"write", stream_write},
                                     {NULL, NULL}};
  gitdev_lua_extend(L, GITDEV_LUA_CALL, methods);
}

#define ZLIB_CONST
#include "net/gzip.h"
#include "gitdev.h"
#include "wire/memory.h"
#include <zlib.h>

/* The largest window, and 16 for gzip's frame instead of zlib's. */
enum { WINDOW_BITS = 15 + 16, MEMORY_LEVEL = 8 };

static void *take(void *payload, unsigned count, unsigned size) {
  (void)payload;
  return gitdev_calloc(count, size);
}

static void give_back(void *payload, void *block) {
  (void)payload;
  gitdev_free(block);
}

/* All of the text in one step, into the room that is there for it. */
static int compress_whole(z_stream *stream, gitdev_buffer *out, size_t room) {
  stream->next_out = (Bytef *)out->data + out->len;
  stream->avail_out = (uInt)room;
  if (deflate(stream, Z_FINISH) != Z_STREAM_END)
    return GITDEV_EINVAL;
  out->len += room - stream->avail_out;
  out->data[out->len] = '\0';
  return GITDEV_OK;
}

int gitdev_gzip(gitdev_buffer *out, const char *text, size_t len) {
  if (len > GITDEV_GZIP_MAX || out->failed)
    return GITDEV_EINVAL;
  z_stream stream = {
      .next_in = (const Bytef *)text, .avail_in = (uInt)len, .zalloc = take, .zfree = give_back};
  if (deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, WINDOW_BITS, MEMORY_LEVEL,
                   Z_DEFAULT_STRATEGY) != Z_OK)
    return GITDEV_ENOMEM;
  size_t room = deflateBound(&stream, (uLong)len), left = out->cap - out->len;
  room = room < left ? room : left;
  int rc = GITDEV_ENOMEM;
  if (gitdev_buffer_reserve(out, room))
    rc = compress_whole(&stream, out, room);
  else
    out->failed = false;
  deflateEnd(&stream);
  return rc;
}

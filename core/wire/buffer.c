#include "wire/buffer.h"
#include "wire/memory.h"

#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { FIRST_SIZE = 128 };

void gitdev_buffer_init(gitdev_buffer *buffer, size_t cap) {
  /* `data` is only written to when size > 0. SIZE_MAX would leave no room for the NUL. */
  *buffer = (gitdev_buffer){.data = "", .cap = cap < SIZE_MAX ? cap : SIZE_MAX - 1};
}

void gitdev_buffer_free(gitdev_buffer *buffer) {
  if (buffer->size > 0)
    gitdev_free(buffer->data);
  gitdev_buffer_init(buffer, buffer->cap);
}

void gitdev_buffer_wipe(gitdev_buffer *buffer) {
  if (buffer->size > 0)
    OPENSSL_cleanse(buffer->data, buffer->size);
  gitdev_buffer_free(buffer);
}

void gitdev_buffer_reset(gitdev_buffer *buffer) {
  buffer->len = 0;
  buffer->failed = false;
  if (buffer->size > 0)
    buffer->data[0] = '\0';
}

static size_t next_size(const gitdev_buffer *buffer, size_t needed) {
  size_t size = buffer->size > 0 ? buffer->size : FIRST_SIZE;
  while (size < needed)
    size = size <= buffer->cap / 2 ? size * 2 : buffer->cap + 1;
  return size <= buffer->cap ? size : buffer->cap + 1;
}

/* realloc() would leave the old bytes on the heap, where gitdev_buffer_wipe() could no longer reach
 * them. A large block holds a body, not a key, and there realloc() is much faster: it moves pages,
 * not bytes. */
static char *resize(const gitdev_buffer *buffer, size_t size) {
  if (buffer->size == 0)
    return gitdev_malloc(size);
  if (buffer->size > GITDEV_BUFFER_WIPED_MAX)
    return gitdev_realloc(buffer->data, size);
  char *data = gitdev_malloc(size);
  if (data == NULL)
    return NULL;
  memcpy(data, buffer->data, buffer->len);
  OPENSSL_cleanse(buffer->data, buffer->size);
  gitdev_free(buffer->data);
  return data;
}

bool gitdev_buffer_reserve(gitdev_buffer *buffer, size_t len) {
  if (buffer->failed || len > buffer->cap - buffer->len) {
    buffer->failed = true;
    return false;
  }
  size_t needed = buffer->len + len + 1;
  if (needed <= buffer->size)
    return true;
  size_t size = next_size(buffer, needed);
  char *data = resize(buffer, size);
  if (data == NULL) {
    buffer->failed = true;
    return false;
  }
  buffer->data = data;
  buffer->size = size;
  return true;
}

bool gitdev_buffer_append(gitdev_buffer *buffer, const char *bytes, size_t len) {
  if (!gitdev_buffer_reserve(buffer, len))
    return false;
  if (len > 0) {
    memcpy(buffer->data + buffer->len, bytes, len);
    buffer->len += len;
  }
  buffer->data[buffer->len] = '\0';
  return true;
}

bool gitdev_buffer_puts(gitdev_buffer *buffer, const char *text) {
  return gitdev_buffer_append(buffer, text, strlen(text));
}

bool gitdev_buffer_printf(gitdev_buffer *buffer, const char *format, ...) {
  va_list args;
  va_start(args, format);
  int len = vsnprintf(NULL, 0, format, args);
  va_end(args);
  if (len < 0) {
    buffer->failed = true;
    return false;
  }
  if (!gitdev_buffer_reserve(buffer, (size_t)len))
    return false;
  va_start(args, format);
  int written = vsnprintf(buffer->data + buffer->len, (size_t)len + 1, format, args);
  va_end(args);
  if (written != len) {
    buffer->data[buffer->len] = '\0';
    buffer->failed = true;
    return false;
  }
  buffer->len += (size_t)len;
  return true;
}

void gitdev_buffer_consume(gitdev_buffer *buffer, size_t len) {
  if (len >= buffer->len) {
    bool failed = buffer->failed;
    gitdev_buffer_reset(buffer);
    buffer->failed = failed;
    return;
  }
  if (len > 0) {
    memmove(buffer->data, buffer->data + len, buffer->len - len + 1);
    buffer->len -= len;
  }
}

/* A growing byte buffer with a mandatory cap: what comes from outside cannot make it larger than
 * that. */
#ifndef GITDEV_WIRE_BUFFER_H
#define GITDEV_WIRE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

/* A buffer this large or smaller overwrites the block that it outgrows, so that a wipe at the end
 * leaves no copy of a secret behind. Larger ones grow by realloc(). */
enum { GITDEV_BUFFER_WIPED_MAX = 16384 };

/* The bytes belong to the buffer and are always followed by a NUL (data is "" while nothing was
 * ever appended). A failed append (cap or memory) leaves what was there, sets `failed`, and every
 * later append fails too: so a chain of appends is checked once, at its end. */
typedef struct gitdev_buffer {
  char *data;
  size_t len, size, cap;
  bool failed;
} gitdev_buffer;

/* An empty buffer of at most `cap` bytes, the NUL apart. Allocates nothing. */
void gitdev_buffer_init(gitdev_buffer *buffer, size_t cap);
/* Frees the bytes; the buffer is empty and usable again. */
void gitdev_buffer_free(gitdev_buffer *buffer);
/* As free, but overwrites the bytes first (for what held a secret). */
void gitdev_buffer_wipe(gitdev_buffer *buffer);
/* Empties the buffer and keeps its memory; clears `failed`. */
void gitdev_buffer_reset(gitdev_buffer *buffer);

/* Each copies what it is given; the bytes must not be the buffer's own. False: see `failed`. */
/* Makes room for `len` more bytes, so that appending them moves nothing. */
bool gitdev_buffer_reserve(gitdev_buffer *buffer, size_t len);

bool gitdev_buffer_append(gitdev_buffer *buffer, const char *bytes, size_t len);
bool gitdev_buffer_puts(gitdev_buffer *buffer, const char *text);
bool gitdev_buffer_printf(gitdev_buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Drops the first `len` bytes (at most all of them) and moves the rest to the front. */
void gitdev_buffer_consume(gitdev_buffer *buffer, size_t len);

#endif

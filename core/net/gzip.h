/* gzip (RFC 1952), for bodies of answers. */
#ifndef GITDEV_NET_GZIP_H
#define GITDEV_NET_GZIP_H

#include "wire/buffer.h"

/* The longest text that is compressed. */
enum { GITDEV_GZIP_MAX = 64 * 1024 * 1024 };

/* Appends `len` bytes of text to `out`, compressed fast rather than small: one member, without a
 * name or a time, so that a text has one form. 0; GITDEV_EINVAL for a text that is longer than
 * GITDEV_GZIP_MAX, or does not fit the buffer's cap when it is compressed; GITDEV_ENOMEM. On
 * failure `out` is as it was. */
int gitdev_gzip(gitdev_buffer *out, const char *text, size_t len);

#endif

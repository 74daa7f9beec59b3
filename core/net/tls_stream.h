/* A connected TCP socket that does not block, with TLS on it or without: the server's end. It knows
 * no event loop: it says when it cannot go on, and what it waits for. */
#ifndef GITDEV_NET_TLS_STREAM_H
#define GITDEV_NET_TLS_STREAM_H

#include "net/certificate.h"
#include <stdbool.h>
#include <stddef.h>

/* What the streams of one server share. */
typedef struct gitdev_tls gitdev_tls;

/* TLS 1.2 or later, ALPN http/1.1, stateless session tickets, no renegotiation, no compression. The
 * certificate is borrowed during the call. The caller owns the result, which must outlive its
 * streams. 0, GITDEV_ENOMEM or GITDEV_ETLS. */
int gitdev_tls_new(gitdev_tls **out, const gitdev_certificate *certificate);
void gitdev_tls_free(gitdev_tls *tls);

typedef enum gitdev_io {
  GITDEV_IO_DONE,  /* it went on: some bytes, or the whole handshake */
  GITDEV_IO_AGAIN, /* wait until the socket is readable, or writable if `wants_writable` says so */
  GITDEV_IO_ENDED, /* the peer said that it will send no more */
  GITDEV_IO_BROKEN /* reset, not TLS, or broken off in the middle */
} gitdev_io;

/* Its memory is its user's and must stay where it is from gitdev_stream_start_tls() on. */
typedef struct gitdev_stream {
  int fd;
  SSL *ssl;     /* NULL without TLS */
  bool drained; /* a read came back short: the socket is empty until it is said to be ready again.
                   This saves every request a system call that would only say "nothing more" */
  bool wants_writable;
} gitdev_stream;

/* Takes over the descriptor, as a plain stream. */
void gitdev_stream_open(gitdev_stream *stream, int fd);
/* What the peer's first byte is, without taking it; -1 before it is there, or when the peer is gone
 * (`*io` tells). */
int gitdev_stream_peek(gitdev_stream *stream, gitdev_io *io);
/* Puts TLS on a plain stream that has not been read. 0 or GITDEV_ENOMEM. */
int gitdev_stream_start_tls(gitdev_stream *stream, const gitdev_tls *tls);
gitdev_io gitdev_stream_handshake(gitdev_stream *stream);

/* Tells that the socket was reported ready. */
void gitdev_stream_ready(gitdev_stream *stream);
/* Reads up to `size` bytes. `*len` is 0 unless GITDEV_IO_DONE. Read until it says something else:
 * the TLS state may hold bytes that no readiness of the socket tells of. */
gitdev_io gitdev_stream_read(gitdev_stream *stream, char *bytes, size_t size, size_t *len);
/* Writes as much as goes. After GITDEV_IO_AGAIN the next write must begin with the same bytes, and
 * be no shorter. */
gitdev_io gitdev_stream_write(gitdev_stream *stream, const char *bytes, size_t len,
                              size_t *written);

/* Says goodbye (close_notify, FIN): DONE, AGAIN or BROKEN. What the peer sends then is read with
 * gitdev_stream_discard() alone, which frees the TLS state. */
gitdev_io gitdev_stream_goodbye(gitdev_stream *stream);
/* Reads from the socket and throws away, up to `size` bytes into `scratch`. */
gitdev_io gitdev_stream_discard(gitdev_stream *stream, char *scratch, size_t size);
/* Frees everything and closes the descriptor; with `reset` the peer gets a RST. */
void gitdev_stream_close(gitdev_stream *stream, bool reset);

#endif

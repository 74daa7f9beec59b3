/* A strict HTTP/1.1 message reader without I/O (RFC 9112): feed bytes, pull events. It reads
 * requests (our listener) and responses (drivers that bring their own sockets).
 *
 * Strict means: bare CR or LF as a line end, blanks before a colon, obsolete line folding, control
 * bytes in a value, two different Content-Length, Content-Length beside Transfer-Encoding, any
 * coding but a single "chunked", an HTTP/1.1 request without exactly one Host (HTTP/1.0 may have
 * none): each is an error, never a guess, since every guess is a smuggling hole. Accepted on
 * purpose: one empty line before a request, a status line without a reason, field values with bytes
 * from 0x80 on, chunk extensions and trailers (both checked, bounded and dropped). */
#ifndef GITDEV_WIRE_HTTP1_H
#define GITDEV_WIRE_HTTP1_H

#include "wire/buffer.h"

#include <stdint.h>

/* Bytes that may lie fed and not yet pulled: far more than a caller that pulls between its feeds
 * ever needs. */
enum { GITDEV_HTTP1_UNREAD_MAX = 16 * 1024 * 1024 };

typedef enum gitdev_http1_kind { GITDEV_HTTP1_REQUEST, GITDEV_HTTP1_RESPONSE } gitdev_http1_kind;

typedef enum gitdev_http1_event {
  /* Feed more. */
  GITDEV_HTTP1_NEED,
  /* Start line and fields are complete: the message may be read until the next pull after END. */
  GITDEV_HTTP1_HEAD,
  /* A piece of the body: gitdev_http1_piece(), valid until the next pull or feed. */
  GITDEV_HTTP1_DATA,
  /* The message is complete; the next pull begins the next one on the connection. */
  GITDEV_HTTP1_END,
  /* See gitdev_http1_error_status() and gitdev_http1_problem(). Every later pull says so again. */
  GITDEV_HTTP1_ERROR,
} gitdev_http1_event;

typedef struct gitdev_http1_limits {
  size_t head_max;  /* bytes of start line and fields together; of the trailers again as many */
  size_t field_max; /* number of fields; of the trailers again as many */
  size_t body_max;  /* bytes of body, chunk framing apart */
} gitdev_http1_limits;

typedef struct gitdev_field { /* points into the reader's head buffer; neither is NUL-terminated */
  const char *name, *value;   /* the name is lower-cased, the value trimmed */
  size_t name_len, value_len;
} gitdev_field;

typedef struct gitdev_message {
  const char *method, *target; /* requests */
  size_t method_len, target_len;
  int status;        /* responses */
  int minor_version; /* HTTP/1.x */
  const gitdev_field *fields;
  size_t field_count;
  bool keep_alive;      /* by version and Connection */
  bool expect_continue; /* a request with Expect: 100-continue whose body is still to come */
  /* Connection: upgrade with an Upgrade field, in an HTTP/1.1 request or a 101: bytes after END
   * belong to the new protocol (after a request, when the server agrees). */
  bool upgrade;
  /* -1: none was given, or there is no body whatever was given (HEAD, 1xx, 204, 304). */
  int64_t content_length;
} gitdev_message;

typedef struct gitdev_http1 gitdev_http1;

/* Makes a reader; the caller owns it. NULL when memory is out. */
gitdev_http1 *gitdev_http1_new(gitdev_http1_kind kind, const gitdev_http1_limits *limits);
void gitdev_http1_free(gitdev_http1 *reader);

/* Hands over bytes that were read; they are copied. False when the reader has failed or was told of
 * the end, when memory is out, or when more than GITDEV_HTTP1_UNREAD_MAX bytes would wait; then
 * pull says why. */
bool gitdev_http1_feed(gitdev_http1 *reader, const char *bytes, size_t len);
/* The peer closed: ends a response whose body runs until close; otherwise an error if a message was
 * under way. */
void gitdev_http1_eof(gitdev_http1 *reader);
/* Responses only: the request was HEAD or CONNECT, so its answer has no body. Call before its head
 * is pulled. Interim answers (100, 103) that come first do not use it up. */
void gitdev_http1_no_body(gitdev_http1 *reader);

/* The next event. After the END of a 101 it is NEED for good: see gitdev_http1_rest(). */
gitdev_http1_event gitdev_http1_pull(gitdev_http1 *reader);

/* After HEAD. */
const gitdev_message *gitdev_http1_message(const gitdev_http1 *reader);
/* The value of a field of the current message by its lower-case name, or NULL. Of several the
 * first. */
const gitdev_field *gitdev_http1_field(const gitdev_http1 *reader, const char *lower_name);
/* After DATA. */
const char *gitdev_http1_piece(const gitdev_http1 *reader, size_t *len);
/* After ERROR: the status a server answers with (400, 413, 414, 431, 500, 501, 505), and a static
 * sentence. */
int gitdev_http1_error_status(const gitdev_http1 *reader);
const char *gitdev_http1_problem(const gitdev_http1 *reader);
/* Bytes that were fed and not yet read, after an upgrade's END: they belong to the new protocol. */
const char *gitdev_http1_rest(const gitdev_http1 *reader, size_t *len);

#endif

/* The bytes of an HTTP/1.1 response. */
#ifndef GITDEV_NET_ANSWER_H
#define GITDEV_NET_ANSWER_H

#include "wire/buffer.h"

typedef struct gitdev_answer {
  int status;         /* 200 to 999 */
  const char *fields; /* whole lines "Name: value\r\n" */
  size_t fields_len;
  const char *body;
  size_t body_len;
  bool to_head; /* the request was HEAD: the length is told, the body is not sent */
  bool to_old;  /* the request was HTTP/1.0, which has to be told that its connection stays */
  bool last;    /* the connection closes after it */
} gitdev_answer;

/* Appends the response. Its framing (Content-Length, Connection) is written here and must not be in
 * `fields`. */
void gitdev_answer_write(gitdev_buffer *out, const gitdev_answer *answer);

/* Appends an answer 101 to the handshake of a WebSocket; `protocol` is NULL for none. `fields` as
 * above. */
void gitdev_answer_switch(gitdev_buffer *out, const char *accept, const char *protocol,
                          const char *fields, size_t fields_len);

#endif

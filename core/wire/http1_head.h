/* The head of an HTTP/1.1 message: its start line and fields, taken line by line, and what they say
 * about the body. Not for others: http1.h is the interface. */
#ifndef GITDEV_WIRE_HTTP1_HEAD_H
#define GITDEV_WIRE_HTTP1_HEAD_H

#include "wire/http1.h"

/* What was wrong. All is well when `status` is 0. */
typedef struct gitdev_http1_fault {
  int status;
  const char *problem; /* static */
} gitdev_http1_fault;

typedef enum gitdev_http1_framing {
  GITDEV_FRAMING_NONE,
  GITDEV_FRAMING_LENGTH, /* message.content_length bytes */
  GITDEV_FRAMING_CHUNKED,
  GITDEV_FRAMING_CLOSE, /* until the connection closes */
} gitdev_http1_framing;

typedef struct gitdev_http1_head {
  gitdev_http1_kind kind;
  gitdev_http1_limits limits;
  gitdev_buffer text; /* method and target, then name and value of each field, back to back */
  size_t method_len, target_len;
  gitdev_field *fields;
  size_t field_count, field_size;
  gitdev_message message; /* whole after finish, and without pointers before */
  gitdev_http1_framing framing;
} gitdev_http1_head;

void gitdev_http1_head_init(gitdev_http1_head *head, gitdev_http1_kind kind,
                            const gitdev_http1_limits *limits);
void gitdev_http1_head_free(gitdev_http1_head *head);
/* Makes ready for the next message and keeps the memory. */
void gitdev_http1_head_reset(gitdev_http1_head *head);

/* Each takes one line without its CRLF. A trailer is checked as a field is, and dropped. */
gitdev_http1_fault gitdev_http1_head_start(gitdev_http1_head *head, const char *line, size_t len);
gitdev_http1_fault gitdev_http1_head_field(gitdev_http1_head *head, const char *line, size_t len);
gitdev_http1_fault gitdev_http1_head_trailer(const char *line, size_t len);

/* After the empty line. `no_body`: the request was HEAD or CONNECT. */
gitdev_http1_fault gitdev_http1_head_finish(gitdev_http1_head *head, bool no_body);

/* Whether these are bytes that a field value, or a chunk extension, may hold. */
bool gitdev_http1_is_value(const char *text, size_t len);

#endif

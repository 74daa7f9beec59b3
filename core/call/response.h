/* The answer to a try: collected within caps, and read for what the machine judges by. */
#ifndef GITDEV_CALL_RESPONSE_H
#define GITDEV_CALL_RESPONSE_H

#include "gitdev.h"
#include "wire/buffer.h"
#include <stdint.h>

enum {
  GITDEV_RESPONSE_HEAD_MAX = 64 << 10, /* bytes of header names and values */
  GITDEV_RESPONSE_FIELDS_MAX = 200,
  GITDEV_REQUEST_ID_SIZE = 65, /* ids have at most 64 characters (contract 1.2) */
};

typedef struct gitdev_response {
  int status;
  gitdev_buffer head; /* "name\0value\0" for each header */
  size_t header_count;
  gitdev_header *headers; /* into head; made by gitdev_response_headers() */
  gitdev_buffer body;
  char request_id[GITDEV_REQUEST_ID_SIZE];
  int64_t date;            /* Date as Unix seconds, -1 */
  double remaining, reset; /* X-RateLimit-*, -1 */
  double content_length;   /* as the answer claims it, -1 when it does not */
  size_t retry_after;      /* where its value stands in head, plus 1; 0: absent */
  int should_retry;        /* X-Should-Retry: 1, 0, -1 absent */
  const char *fault;       /* what of it was refused, as a sentence; NULL nothing */
} gitdev_response;

void gitdev_response_init(gitdev_response *response, size_t body_max);
void gitdev_response_free(gitdev_response *response);

/* Forgets an earlier try's answer and begins a new one; its memory is used again. */
void gitdev_response_begin(gitdev_response *response, int status);
/* False when a cap is passed, memory is out, the line is malformed (RFC 9110 5.5), or the body cannot
 * be read as it says; `fault` tells. */
bool gitdev_response_header(gitdev_response *response, const char *name, size_t name_len,
                            const char *value, size_t value_len);
bool gitdev_response_data(gitdev_response *response, const char *bytes, size_t len);
/* Whether it is seen from what has come that there is no more of it: it is as long as it says, or JSON
 * that is at its end. */
bool gitdev_response_is_whole(const gitdev_response *response);

/* The headers as an array of `header_count`, made on first use; NULL when there are none or memory
 * is out. */
const gitdev_header *gitdev_response_headers(gitdev_response *response);

/* The value of a header by its name in lower case, NULL when it is not there. */
const char *gitdev_response_find(gitdev_response *response, const char *name);

/* Retry-After and X-RateLimit-Reset as seconds from the answer, against its own Date
 * (contract 1.9); -1 when absent or unusable. */
double gitdev_response_retry_after(const gitdev_response *response);
double gitdev_response_reset_in(const gitdev_response *response);

#endif

/* The least that anyone could do to keep many calls under way with libcurl: as many easy handles,
 * reused, in one multi handle, on one HTTP/2 connection. curl_multi_poll and an epoll set with
 * curl_multi_socket_action were both tried, with one connection and with up to sixteen: this is the
 * fastest, if only just. */
#ifndef BENCH_REQUESTS_H
#define BENCH_REQUESTS_H

#include "request.h"

typedef struct requests {
  CURLM *multi;
  request *all;
  size_t count;
} requests;

/* Opens `count` requests as request_open does. False when memory is out. Close it in either case.
 */
bool requests_open(requests *self, size_t count, const char *ca_file, const char *const *headers,
                   size_t header_count);

/* Starts the call of self->all[i], which must not be under way. `body` has to stay until it ends.
 */
bool requests_start(requests *self, size_t i, const char *url, const char *body, size_t body_len);

/* Waits until one of the calls under way has ended, and returns it; *status is what request_send
 * would return. NULL when libcurl fails; some call must be under way. */
request *requests_next(requests *self, long *status);

void requests_close(requests *self);

#endif

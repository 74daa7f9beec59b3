/* The least that anyone could do to call the API with libcurl: one easy handle, reused. Shared by
 * the floors and by the bare Lua module, so that what lies between them is Lua and JSON alone. */
#ifndef BENCH_REQUEST_H
#define BENCH_REQUEST_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct request {
  CURL *easy;
  struct curl_slist *headers;
  char *key; /* the 36 characters of the Idempotency-Key in `headers`, or NULL */
  char *body;
  size_t body_len, body_size;
  char problem[CURL_ERROR_SIZE];
} request;

/* Opens `self` to speak to servers whose certificates the PEM file `ca_file` vouches for. `headers`
 * are whole lines, sent in their order and in place of those libcurl would make up;
 * "Idempotency-Key:" gets a fresh UUID for each call. False when memory is out. Close it in either
 * case. */
bool request_open(request *self, const char *ca_file, const char *const *headers, size_t count);

/* Makes one call. `body` may be NULL: then it is a GET, else a POST. The status, with the answer in
 * self->body until the next call; or 0, with the reason in self->problem. */
long request_send(request *self, const char *url, const char *body, size_t body_len);

/* The two halves of request_send, for those who perform self->easy on their own: what comes before
 * it, false when it cannot be done; and the status (or 0) once it ended with `code`. `url` is
 * copied, `body` is not. */
bool request_prepare(request *self, const char *url, const char *body, size_t body_len);
long request_status(request *self, CURLcode code);

void request_close(request *self);

#endif

#include "requests.h"

#include <stdlib.h>
#include <string.h>

enum { POLL_MS = 1000 };

static bool open_one(request *one, const char *ca_file, const char *const *headers, size_t count) {
  return request_open(one, ca_file, headers, count) &&
         curl_easy_setopt(one->easy, CURLOPT_PRIVATE, (void *)one) == CURLE_OK &&
         curl_easy_setopt(one->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS) ==
             CURLE_OK &&
         curl_easy_setopt(one->easy, CURLOPT_PIPEWAIT, 1L) == CURLE_OK;
}

bool requests_open(requests *self, size_t count, const char *ca_file, const char *const *headers,
                   size_t header_count) {
  memset(self, 0, sizeof *self);
  self->all = calloc(count, sizeof *self->all);
  if (!self->all)
    return false;
  self->count = count;
  for (size_t i = 0; i < count; i++)
    if (!open_one(&self->all[i], ca_file, headers, header_count))
      return false;
  self->multi = curl_multi_init();
  return self->multi &&
         curl_multi_setopt(self->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX) ==
             CURLM_OK &&
         curl_multi_setopt(self->multi, CURLMOPT_MAX_HOST_CONNECTIONS, 1L) == CURLM_OK;
}

bool requests_start(requests *self, size_t i, const char *url, const char *body, size_t body_len) {
  return request_prepare(&self->all[i], url, body, body_len) &&
         curl_multi_add_handle(self->multi, self->all[i].easy) == CURLM_OK;
}

/* The next message of a call that has ended, or NULL when libcurl fails. */
static CURLMsg *next_message(CURLM *multi) {
  int running, queued;
  for (;;) {
    CURLMsg *message = curl_multi_info_read(multi, &queued);
    if (message)
      return message;
    if (curl_multi_perform(multi, &running) != CURLM_OK)
      return NULL;
    message = curl_multi_info_read(multi, &queued);
    if (message)
      return message;
    if (curl_multi_poll(multi, NULL, 0, POLL_MS, NULL) != CURLM_OK)
      return NULL;
  }
}

request *requests_next(requests *self, long *status) {
  CURLMsg *message = next_message(self->multi);
  if (!message)
    return NULL;
  CURL *easy = message->easy_handle;
  CURLcode code = message->data.result;
  char *private = NULL;
  if (curl_multi_remove_handle(self->multi, easy) != CURLM_OK ||
      curl_easy_getinfo(easy, CURLINFO_PRIVATE, &private) != CURLE_OK)
    return NULL;
  request *one = (request *)(void *)private;
  *status = request_status(one, code);
  return one;
}

void requests_close(requests *self) {
  for (size_t i = 0; i < self->count; i++) {
    if (self->multi && self->all[i].easy)
      curl_multi_remove_handle(self->multi, self->all[i].easy);
    request_close(&self->all[i]);
  }
  curl_multi_cleanup(self->multi);
  free(self->all);
  memset(self, 0, sizeof *self);
}

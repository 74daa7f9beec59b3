#include "request.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

enum { UUID_LEN = 36 };

static const char KEY_HEADER[] = "Idempotency-Key:";
static const char KEY_BLANK[] = "Idempotency-Key: 00000000-0000-4000-8000-000000000000";

static size_t keep(char *bytes, size_t size, size_t count, void *payload) {
  request *self = payload;
  size_t len = size * count, needed = self->body_len + len + 1;
  if (needed > self->body_size) {
    char *grown = realloc(self->body, needed * 2);
    if (!grown)
      return 0;
    self->body = grown;
    self->body_size = needed * 2;
  }
  memcpy(self->body + self->body_len, bytes, len);
  self->body_len += len;
  self->body[self->body_len] = '\0';
  return len;
}

/* A version 4 UUID over the one before it; dashes, version and variant are in the blank. */
static bool renew_key(char *key) {
  static const char digits[] = "0123456789abcdef";
  unsigned char random[UUID_LEN];
  if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
    return false;
  for (size_t i = 0; i < UUID_LEN; i++)
    if (KEY_BLANK[sizeof KEY_HEADER + i] == '0')
      key[i] = digits[random[i] & 15];
  return true;
}

static bool add_header(request *self, const char *line) {
  struct curl_slist *grown = curl_slist_append(self->headers, line);
  if (!grown)
    return false;
  self->headers = grown;
  return true;
}

static bool add_headers(request *self, const char *const *headers, size_t count) {
  bool accept = false;
  for (size_t i = 0; i < count; i++) {
    bool key = strncasecmp(headers[i], KEY_HEADER, sizeof KEY_HEADER - 1) == 0;
    if (!add_header(self, key ? KEY_BLANK : headers[i]))
      return false;
    if (key) {
      struct curl_slist *last = self->headers;
      while (last->next)
        last = last->next;
      self->key = last->data + sizeof KEY_HEADER;
    }
    accept |= strncasecmp(headers[i], "Accept:", 7) == 0;
  }
  return accept || add_header(self, "Accept:");
}

bool request_open(request *self, const char *ca_file, const char *const *headers, size_t count) {
  memset(self, 0, sizeof *self);
  if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
    return false;
  self->easy = curl_easy_init();
  if (!self->easy || !add_headers(self, headers, count))
    return false;
  CURL *easy = self->easy;
  return curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_HTTPHEADER, self->headers) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, keep) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_WRITEDATA, self) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, self->problem) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK;
}

bool request_prepare(request *self, const char *url, const char *body, size_t body_len) {
  CURL *easy = self->easy;
  self->body_len = 0;
  if (self->key && !renew_key(self->key))
    return false;
  if (curl_easy_setopt(easy, CURLOPT_URL, url) != CURLE_OK)
    return false;
  if (!body)
    return curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L) == CURLE_OK;
  return curl_easy_setopt(easy, CURLOPT_POST, 1L) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body_len) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body) == CURLE_OK;
}

long request_status(request *self, CURLcode code) {
  long status = 0;
  if (code != CURLE_OK)
    return 0;
  if (curl_easy_getinfo(self->easy, CURLINFO_RESPONSE_CODE, &status) != CURLE_OK)
    return 0;
  return status;
}

long request_send(request *self, const char *url, const char *body, size_t body_len) {
  if (!request_prepare(self, url, body, body_len))
    return 0;
  return request_status(self, curl_easy_perform(self->easy));
}

void request_close(request *self) {
  curl_easy_cleanup(self->easy);
  curl_slist_free_all(self->headers);
  free(self->body);
  memset(self, 0, sizeof *self);
}

#include "tunnel.h"

#include <poll.h>
#include <string.h>

bool tunnel_open(tunnel *self, const char *ca_file, const char *url) {
  memset(self, 0, sizeof *self);
  if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
    return false;
  CURL *easy = self->easy = curl_easy_init();
  return easy && curl_easy_setopt(easy, CURLOPT_URL, url) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, self->problem) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK;
}

static bool await(tunnel *self, short events) {
  curl_socket_t fd = CURL_SOCKET_BAD;
  if (curl_easy_getinfo(self->easy, CURLINFO_ACTIVESOCKET, &fd) != CURLE_OK)
    return false;
  struct pollfd one = {.fd = fd, .events = events};
  return fd != CURL_SOCKET_BAD && poll(&one, 1, -1) == 1;
}

size_t tunnel_read(tunnel *self, char *bytes, size_t size) {
  for (;;) {
    size_t got = 0;
    CURLcode code = curl_easy_recv(self->easy, bytes, size, &got);
    if (code == CURLE_OK)
      return got;
    if (code != CURLE_AGAIN || !await(self, POLLIN))
      return 0;
  }
}

bool tunnel_write(tunnel *self, const char *bytes, size_t len) {
  while (len > 0) {
    size_t sent = 0;
    CURLcode code = curl_easy_send(self->easy, bytes, len, &sent);
    if (code != CURLE_OK && (code != CURLE_AGAIN || !await(self, POLLOUT)))
      return false;
    bytes += sent;
    len -= sent;
  }
  return true;
}

void tunnel_close(tunnel *self) {
  curl_easy_cleanup(self->easy);
  memset(self, 0, sizeof *self);
}

/* The least that anyone could do to speak something else than HTTP over libcurl: a TLS connection
 * that it makes and then leaves alone (CURLOPT_CONNECT_ONLY). Shared by the floor and by the bare
 * Lua module. */
#ifndef BENCH_TUNNEL_H
#define BENCH_TUNNEL_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct tunnel {
  CURL *easy;
  char problem[CURL_ERROR_SIZE];
} tunnel;

/* Makes the easy handle of a connection to the https `url`, whose certificate the PEM file `ca_file`
 * vouches for; the caller performs it. False when memory is out. Close it in either case. */
bool tunnel_open(tunnel *self, const char *ca_file, const char *url);

/* Connected, these wait as long as it takes. tunnel_read returns 0 at the end of the connection, or
 * when it failed; tunnel_write is false when it failed. */
size_t tunnel_read(tunnel *self, char *bytes, size_t size);
bool tunnel_write(tunnel *self, const char *bytes, size_t len);

void tunnel_close(tunnel *self);

#endif

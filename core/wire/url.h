/* Base URLs and percent-encoding (RFC 3986; contract 1.1 and 1.2). */
#ifndef GITDEV_WIRE_URL_H
#define GITDEV_WIRE_URL_H

#include "wire/buffer.h"

typedef enum gitdev_url_status {
  GITDEV_URL_OK = 0,
  GITDEV_URL_INSECURE, /* http: in any form, whatever follows; the platform is HTTPS only */
  GITDEV_URL_SCHEME,   /* another scheme, or none */
  GITDEV_URL_HOST,     /* no host, or bytes that no host has */
  GITDEV_URL_PORT,     /* not 1 to 65535, or a colon without a port */
  GITDEV_URL_USERINFO, /* user:password@ */
  GITDEV_URL_EXTRA,    /* a query or a fragment */
  GITDEV_URL_CHARS,    /* blanks, controls, non-ASCII, a backslash, a bad % escape (or %00), a dot
                          segment */
  GITDEV_URL_TOO_LONG,
} gitdev_url_status;

enum { GITDEV_URL_MAX = 2048, GITDEV_HOST_MAX = 255 };

/* `https://host[:port][/path]`, taken apart. The path has no trailing slash ("" for none). IPv6
 * hosts keep their brackets. The host is lower-cased; a trailing dot is refused, or one host would
 * be two origins. */
typedef struct gitdev_url {
  char host[GITDEV_HOST_MAX + 1];
  int port; /* 443 when the URL names none */
  char path[GITDEV_URL_MAX];
} gitdev_url;

/* On failure `url` is empty. */
gitdev_url_status gitdev_url_parse(gitdev_url *url, const char *text, size_t len);

/* What is wrong and what to do, as a static sentence. */
const char *gitdev_url_problem(gitdev_url_status status);

/* Appends `text` percent-encoded as one path segment or query value: all but RFC 3986's unreserved
 * characters. */
bool gitdev_url_escape(gitdev_buffer *out, const char *text, size_t len);

/* Appends `text` with its percent escapes decoded. False on a bad escape, a NUL (raw or encoded),
 * or when the buffer failed; then nothing is left appended. `+` stays `+` unless `plus_is_blank`
 * (queries as forms write them). */
bool gitdev_url_unescape(gitdev_buffer *out, const char *text, size_t len, bool plus_is_blank);

#endif

#include "wire/url.h"
#include "gitdev.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

enum { PORT_DIGITS_MAX = 5, PORT_DEFAULT = 443 };

/* A part of the text. */
typedef struct slice {
  const char *at;
  size_t len;
} slice;

static bool is_alnum(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool is_unreserved(char c) {
  return is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

static int hex_value(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  char lower = (char)(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* The byte that a %XX at `text` stands for, or -1. */
static int escaped_byte(const char *text, size_t len) {
  if (len < 3 || text[0] != '%')
    return -1;
  int high = hex_value(text[1]);
  int low = hex_value(text[2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/* Whether every byte is one that RFC 3986 has a place for. */
static bool is_uri_text(slice text) {
  for (size_t i = 0; i < text.len; i++)
    if (text.at[i] <= ' ' || text.at[i] > '~' || strchr("\"<>\\^`{|}", text.at[i]) != NULL)
      return false;
  return true;
}

static bool starts_with(slice text, const char *prefix) {
  size_t len = strlen(prefix);
  return text.len >= len && strncasecmp(text.at, prefix, len) == 0;
}

static slice take_until(slice *rest, const char *stops) {
  slice taken = {rest->at, 0};
  while (taken.len < rest->len && strchr(stops, taken.at[taken.len]) == NULL)
    taken.len++;
  rest->at += taken.len;
  rest->len -= taken.len;
  return taken;
}

/* Letters, digits, `-` and `_` between single dots. */
static bool is_name(slice host) {
  char before = '.';
  for (size_t i = 0; i < host.len; i++) {
    char c = host.at[i];
    if (c == '.' ? before == '.' : !is_alnum(c) && c != '-' && c != '_')
      return false;
    before = c;
  }
  return before != '.';
}

static bool is_ipv6(slice host) {
  char text[INET6_ADDRSTRLEN];
  struct in6_addr address;
  if (host.len < 4 || host.len - 2 >= sizeof text || host.at[0] != '[')
    return false;
  memcpy(text, host.at + 1, host.len - 2);
  text[host.len - 2] = '\0';
  return host.at[host.len - 1] == ']' && inet_pton(AF_INET6, text, &address) == 1;
}

static gitdev_url_status parse_host(gitdev_url *url, slice host) {
  if (host.len > GITDEV_HOST_MAX)
    return GITDEV_URL_TOO_LONG;
  if (!is_name(host) && !is_ipv6(host))
    return GITDEV_URL_HOST;
  for (size_t i = 0; i < host.len; i++) {
    char c = host.at[i];
    url->host[i] = (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
  }
  url->host[host.len] = '\0';
  return GITDEV_URL_OK;
}

static gitdev_url_status parse_port(gitdev_url *url, slice digits) {
  int port = 0;
  if (digits.len == 0 || digits.len > PORT_DIGITS_MAX)
    return GITDEV_URL_PORT;
  for (size_t i = 0; i < digits.len; i++) {
    if (digits.at[i] < '0' || digits.at[i] > '9')
      return GITDEV_URL_PORT;
    port = port * 10 + (digits.at[i] - '0');
  }
  url->port = port;
  return port >= 1 && port <= 65535 ? GITDEV_URL_OK : GITDEV_URL_PORT;
}

static gitdev_url_status parse_authority(gitdev_url *url, slice authority) {
  if (authority.len > 0 && memchr(authority.at, '@', authority.len) != NULL)
    return GITDEV_URL_USERINFO;
  slice host = take_until(&authority, authority.len > 0 && authority.at[0] == '[' ? "]" : ":");
  if (authority.len > 0 && authority.at[0] == ']') {
    host.len++;
    authority.at++;
    authority.len--;
  }
  gitdev_url_status status = parse_host(url, host);
  if (status != GITDEV_URL_OK || authority.len == 0)
    return status;
  if (authority.at[0] != ':')
    return GITDEV_URL_HOST;
  return parse_port(url, (slice){authority.at + 1, authority.len - 1});
}

/* `.` and `..`, also when they are written with %2E: a server may fold them, and the path would be
 * another. */
static bool is_dot_segment(slice segment) {
  size_t dots = 0;
  for (size_t i = 0; i < segment.len; dots++)
    if (segment.at[i] == '.')
      i++;
    else if (escaped_byte(segment.at + i, segment.len - i) == '.')
      i += 3;
    else
      return false;
  return dots == 1 || dots == 2;
}

static gitdev_url_status parse_path(gitdev_url *url, slice path) {
  while (path.len > 0 && path.at[path.len - 1] == '/')
    path.len--;
  for (size_t i = 0; i < path.len; i++)
    if (path.at[i] == '[' || path.at[i] == ']' ||
        (path.at[i] == '%' && escaped_byte(path.at + i, path.len - i) <= 0))
      return GITDEV_URL_CHARS;
  slice rest = path;
  while (rest.len > 0) {
    rest.at++;
    rest.len--;
    if (is_dot_segment(take_until(&rest, "/")))
      return GITDEV_URL_CHARS;
  }
  memcpy(url->path, path.at, path.len);
  url->path[path.len] = '\0';
  return GITDEV_URL_OK;
}

static gitdev_url_status parse(gitdev_url *url, slice text) {
  if (starts_with(text, "http:"))
    return GITDEV_URL_INSECURE;
  if (text.len > GITDEV_URL_MAX)
    return GITDEV_URL_TOO_LONG;
  if (!is_uri_text(text))
    return GITDEV_URL_CHARS;
  if (!starts_with(text, "https:"))
    return GITDEV_URL_SCHEME;
  if (!starts_with(text, "https://"))
    return GITDEV_URL_HOST;
  slice rest = {text.at + strlen("https://"), text.len - strlen("https://")};
  slice authority = take_until(&rest, "/?#");
  slice path = take_until(&rest, "?#");
  gitdev_url_status status = parse_authority(url, authority);
  if (status == GITDEV_URL_OK && rest.len > 0)
    status = GITDEV_URL_EXTRA;
  return status == GITDEV_URL_OK ? parse_path(url, path) : status;
}

gitdev_url_status gitdev_url_parse(gitdev_url *url, const char *text, size_t len) {
  *url = (gitdev_url){.port = PORT_DEFAULT};
  gitdev_url_status status = parse(url, (slice){text, len});
  if (status != GITDEV_URL_OK)
    *url = (gitdev_url){0};
  return status;
}

const char *gitdev_url_problem(gitdev_url_status status) {
  switch (status) {
  case GITDEV_URL_OK: return "the URL is well-formed";
  case GITDEV_URL_INSECURE:
    return "plain http: would send the key in clear, and the platform is HTTPS only: write "
           "https://";
  case GITDEV_URL_SCHEME: return "the URL must begin with https://";
  case GITDEV_URL_HOST:
    return "the URL has no valid host: write https://host, https://host:port or https://[IPv6]";
  case GITDEV_URL_PORT: return "the port must be a number from 1 to 65535";
  case GITDEV_URL_USERINFO:
    return "the URL must not hold a user or password before the host: the key is given apart from "
           "it";
  case GITDEV_URL_EXTRA: return "the URL must end with its path: remove the query or fragment";
  case GITDEV_URL_CHARS:
    return "the URL holds a blank, a control or non-ASCII character, a backslash, a bad % escape "
           "or a "
           "dot segment: remove it or write it as %XX";
  case GITDEV_URL_TOO_LONG:
    return "the URL is too long: at most 2048 bytes, of which the host has at most 255";
  }
  return "unknown URL status";
}

static const char HEX[] = "0123456789ABCDEF";

size_t gitdev_escape(char *out, size_t size, const char *text) {
  size_t len = 0, room = size > 0 ? size - 1 : 0, fits = 0;
  for (const char *p = text; *p; p++) {
    unsigned char byte = (unsigned char)*p;
    const char escape[3] = {'%', HEX[byte >> 4], HEX[byte & 15]};
    size_t step = is_unreserved(*p) ? 1 : sizeof escape;
    if (len + step <= room) {
      memcpy(out + len, step == 1 ? p : escape, step);
      fits = len + step;
    } else {
      room = fits; /* nothing goes where something before it did not */
    }
    len += step;
  }
  if (size > 0)
    out[fits] = '\0';
  return len;
}

bool gitdev_url_escape(gitdev_buffer *out, const char *text, size_t len) {
  size_t i = 0;
  while (i < len) {
    size_t from = i;
    while (i < len && is_unreserved(text[i]))
      i++;
    (void)gitdev_buffer_append(out, text + from, i - from);
    if (i < len) {
      unsigned char byte = (unsigned char)text[i++];
      const char escape[3] = {'%', HEX[byte >> 4], HEX[byte & 15]};
      (void)gitdev_buffer_append(out, escape, sizeof escape);
    }
  }
  return !out->failed;
}

/* Appends the one character at `text`; returns how many bytes it took, 0 when it is not allowed. */
static size_t unescape_one(gitdev_buffer *out, const char *text, size_t len, bool plus_is_blank) {
  size_t taken = 1;
  char c = *text;
  if (c == '%') {
    int byte = escaped_byte(text, len);
    c = (char)(byte < 0 ? 0 : byte);
    taken = 3;
  } else if (c == '+' && plus_is_blank) {
    c = ' ';
  }
  return c != '\0' && gitdev_buffer_append(out, &c, 1) ? taken : 0;
}

bool gitdev_url_unescape(gitdev_buffer *out, const char *text, size_t len, bool plus_is_blank) {
  size_t before = out->len;
  for (size_t i = 0; i < len;) {
    size_t taken = unescape_one(out, text + i, len - i, plus_is_blank);
    if (taken == 0) {
      if (out->len > before) {
        out->len = before;
        out->data[before] = '\0';
      }
      return false;
    }
    i += taken;
  }
  return !out->failed;
}

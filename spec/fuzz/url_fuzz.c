/* A base URL that was accepted is the same when it is written out of its parts and read again;
 * escapes come back as they went. */
#include "fuzz.h"
#include "wire/url.h"

#include <string.h>

static void require_parts(const gitdev_url *url) {
  size_t path_len = strlen(url->path);
  REQUIRE(url->host[0] != '\0' && url->port >= 1 && url->port <= 65535);
  REQUIRE(strpbrk(url->host, "/@?#% \\ABCDEFGHIJKLMNOPQRSTUVWXYZ") == NULL);
  REQUIRE(path_len == 0 || (url->path[0] == '/' && url->path[path_len - 1] != '/'));
  REQUIRE(strpbrk(url->path, "?# \\\r\n") == NULL);
  REQUIRE(strstr(url->path, "/../") == NULL && strstr(url->path, "/./") == NULL);
}

static void parse(const char *text, size_t size) {
  gitdev_url url;
  gitdev_url again;
  gitdev_url_status status = gitdev_url_parse(&url, text, size);
  REQUIRE(gitdev_url_problem(status)[0] != '\0');
  if (status != GITDEV_URL_OK) {
    REQUIRE(url.host[0] == '\0' && url.path[0] == '\0' && url.port == 0);
    return;
  }
  require_parts(&url);
  gitdev_buffer out;
  gitdev_buffer_init(&out, SIZE_MAX);
  REQUIRE(gitdev_buffer_printf(&out, "https://%s:%d%s", url.host, url.port, url.path));
  if (out.len <= GITDEV_URL_MAX) {
    REQUIRE(gitdev_url_parse(&again, out.data, out.len) == GITDEV_URL_OK);
    REQUIRE(strcmp(url.host, again.host) == 0 && strcmp(url.path, again.path) == 0);
    REQUIRE(url.port == again.port);
  }
  gitdev_buffer_free(&out);
}

static void escape(const char *text, size_t size) {
  gitdev_buffer escaped;
  gitdev_buffer plain;
  gitdev_buffer_init(&escaped, SIZE_MAX);
  gitdev_buffer_init(&plain, SIZE_MAX);
  REQUIRE(gitdev_url_escape(&escaped, text, size));
  REQUIRE(strlen(escaped.data) == escaped.len);
  REQUIRE(strpbrk(escaped.data, "/?#&=+ \r\n\"'<>") == NULL);
  bool has_nul = size > 0 && memchr(text, '\0', size) != NULL;
  REQUIRE(gitdev_url_unescape(&plain, escaped.data, escaped.len, true) == !has_nul);
  REQUIRE(plain.len == (has_nul ? 0 : size));
  REQUIRE(has_nul || size == 0 || memcmp(plain.data, text, size) == 0);
  gitdev_buffer_reset(&plain);
  if (gitdev_url_unescape(&plain, text, size, (size & 1) != 0))
    REQUIRE(plain.len <= size && strlen(plain.data) == plain.len);
  else
    REQUIRE(plain.len == 0);
  gitdev_buffer_free(&escaped);
  gitdev_buffer_free(&plain);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  parse((const char *)data, size);
  escape((const char *)data, size);
  return 0;
}

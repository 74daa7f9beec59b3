/* What the checks of a handshake pass is one, by what the HTTP reader says of the same head. The
 * input is one byte of options and a head. */
#include "fuzz.h"
#include "wire/handshake.h"

#include <string.h>

/* RFC 6455 1.3; its accept is in the dictionary. */
#define KEY "dGhlIHNhbXBsZSBub25jZQ=="

static const gitdev_http1_limits LIMITS = {.head_max = 1024, .field_max = 16, .body_max = 300};

static size_t count(const gitdev_message *message, const char *name) {
  size_t found = 0;
  for (size_t i = 0; i < message->field_count; i++)
    found += message->fields[i].name_len == strlen(name) &&
             memcmp(message->fields[i].name, name, strlen(name)) == 0;
  return found;
}

static void check_answer(const gitdev_message *answer, const char *protocol) {
  const char *problem = gitdev_handshake_check_answer(answer, KEY, protocol);
  if (problem != NULL) {
    REQUIRE(problem[0] != '\0');
    return;
  }
  REQUIRE(answer->status == 101 && answer->upgrade);
  REQUIRE(count(answer, "sec-websocket-accept") == 1);
  REQUIRE(count(answer, "sec-websocket-extensions") == 0);
  REQUIRE(count(answer, "sec-websocket-protocol") <= (protocol != NULL));
}

static void check_request(const gitdev_message *request) {
  char accept[GITDEV_HANDSHAKE_ACCEPT_SIZE] = "";
  const char *problem = "";
  gitdev_handshake_wish wish = gitdev_handshake_read(request, accept, &problem);
  REQUIRE((problem != NULL) == (wish == GITDEV_HANDSHAKE_MALFORMED));
  REQUIRE(strlen(accept) == (wish == GITDEV_HANDSHAKE_GOOD ? sizeof accept - 1 : 0));
  if (wish != GITDEV_HANDSHAKE_GOOD)
    return;
  REQUIRE(request->upgrade && request->method_len == 3);
  REQUIRE(count(request, "sec-websocket-key") == 1);
  REQUIRE(count(request, "sec-websocket-version") == 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 1)
    return 0;
  gitdev_http1_kind kind = data[0] & 1 ? GITDEV_HTTP1_RESPONSE : GITDEV_HTTP1_REQUEST;
  gitdev_http1 *reader = gitdev_http1_new(kind, &LIMITS);
  REQUIRE(reader != NULL);
  REQUIRE(gitdev_http1_feed(reader, (const char *)data + 1, size - 1));
  if (gitdev_http1_pull(reader) == GITDEV_HTTP1_HEAD) {
    const gitdev_message *message = gitdev_http1_message(reader);
    if (kind == GITDEV_HTTP1_REQUEST)
      check_request(message);
    else
      check_answer(message, data[0] & 2 ? "git.logs.v1" : NULL);
  }
  gitdev_http1_free(reader);
  return 0;
}

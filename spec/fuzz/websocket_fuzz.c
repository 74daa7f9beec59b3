/* The WebSocket codec tells the same whatever the cut, keeps to its limits, and sends nothing that a
 * codec of the other role refuses. The input is one byte of options, one of cutting, and what the
 * peer sends. */
#include "fuzz.h"
#include "wire/buffer.h"
#include "wire/utf8.h"
#include "wire/websocket.h"

#include <stdbool.h>
#include <string.h>

enum {
  MESSAGE_MAX = 300,
  CONTROL_FRAME_MAX = 2 + 4 + 125,
};

static void tell_message(const gitdev_websocket *codec, gitdev_websocket_event event,
                         gitdev_buffer *told) {
  size_t len;
  const char *message = gitdev_websocket_message(codec, &len);
  REQUIRE(len <= MESSAGE_MAX && message[len] == '\0');
  REQUIRE(event == GITDEV_WEBSOCKET_BINARY || gitdev_utf8_span(message, len) == len);
  REQUIRE(gitdev_websocket_close_code(codec) == 0);
  (void)gitdev_buffer_printf(told, "%d %zu ", (int)event, len);
  (void)gitdev_buffer_append(told, message, len);
}

static void tell_end(gitdev_websocket *codec, gitdev_websocket_event event, gitdev_buffer *told) {
  int code = gitdev_websocket_close_code(codec);
  const char *reason = gitdev_websocket_close_reason(codec);
  size_t len = strlen(reason);
  REQUIRE(gitdev_websocket_is_code(code) || (event == GITDEV_WEBSOCKET_CLOSE && code == 1005));
  REQUIRE(len <= GITDEV_WEBSOCKET_REASON_MAX && gitdev_utf8_span(reason, len) == len);
  REQUIRE(gitdev_websocket_feed(codec, "\x81\x00", 2));
  REQUIRE(gitdev_websocket_pull(codec) == event);
  REQUIRE(!gitdev_websocket_send(codec, "", 0));
  (void)gitdev_buffer_printf(told, "%d %d %s", (int)event, code, reason);
}

/* Pulls all there is. */
static bool pull_all(gitdev_websocket *codec, gitdev_buffer *told) {
  for (;;) {
    gitdev_websocket_event event = gitdev_websocket_pull(codec);
    if (event == GITDEV_WEBSOCKET_NEED)
      return true;
    if (event == GITDEV_WEBSOCKET_TEXT || event == GITDEV_WEBSOCKET_BINARY) {
      tell_message(codec, event, told);
      continue;
    }
    tell_end(codec, event, told);
    return false;
  }
}

/* What was sent of its own accord: pongs, and a close frame when it is over. */
static void check_output(gitdev_websocket *codec, gitdev_websocket_role role, bool alive) {
  gitdev_websocket *peer = gitdev_websocket_new(
      role == GITDEV_WEBSOCKET_CLIENT ? GITDEV_WEBSOCKET_SERVER : GITDEV_WEBSOCKET_CLIENT, 0);
  size_t len;
  REQUIRE(peer != NULL);
  REQUIRE(gitdev_websocket_unsent(codec) <= 2 * (size_t)CONTROL_FRAME_MAX);
  for (;;) {
    const char *bytes = gitdev_websocket_output(codec, &len);
    if (len == 0)
      break;
    REQUIRE(gitdev_websocket_feed(peer, bytes, len));
    gitdev_websocket_sent(codec, len);
  }
  REQUIRE(gitdev_websocket_unsent(codec) == 0);
  REQUIRE(gitdev_websocket_pull(peer) == (alive ? GITDEV_WEBSOCKET_NEED : GITDEV_WEBSOCKET_CLOSE));
  REQUIRE(gitdev_websocket_close_code(peer) == gitdev_websocket_close_code(codec));
  gitdev_websocket_free(peer);
}

/* Feeds pieces whose lengths come from a small generator; 0 feeds all at once. */
static void run(gitdev_websocket_role role, unsigned cutting, const char *bytes, size_t size,
                gitdev_buffer *told) {
  gitdev_websocket *codec = gitdev_websocket_new(role, MESSAGE_MAX);
  REQUIRE(codec != NULL);
  bool alive = true;
  for (size_t at = 0; at < size && alive;) {
    unsigned step = cutting == 0 ? (unsigned)size : 1 + cutting % 13;
    size_t piece = step < size - at ? step : size - at;
    cutting = cutting * 5 / 4 + (cutting > 0);
    REQUIRE(gitdev_websocket_feed(codec, bytes + at, piece));
    at += piece;
    alive = pull_all(codec, told);
  }
  check_output(codec, role, alive);
  gitdev_websocket_free(codec);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 2)
    return 0;
  gitdev_websocket_role role = data[0] & 1 ? GITDEV_WEBSOCKET_SERVER : GITDEV_WEBSOCKET_CLIENT;
  const char *bytes = (const char *)data + 2;
  gitdev_buffer whole;
  gitdev_buffer cut;
  gitdev_buffer_init(&whole, SIZE_MAX);
  gitdev_buffer_init(&cut, SIZE_MAX);
  run(role, 0, bytes, size - 2, &whole);
  run(role, 1U + data[1], bytes, size - 2, &cut);
  REQUIRE(!whole.failed && !cut.failed && whole.len == cut.len);
  REQUIRE(memcmp(whole.data, cut.data, whole.len) == 0);
  gitdev_buffer_free(&whole);
  gitdev_buffer_free(&cut);
  return 0;
}

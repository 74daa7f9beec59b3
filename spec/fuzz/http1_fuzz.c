/* The HTTP/1.1 reader tells the same whatever the cut, keeps to its limits, and lets no byte
 * through that its header rules out. The input is one byte of options, one of cutting, and what the
 * peer sends. */
#include "fuzz.h"
#include "wire/http1.h"

#include <string.h>

static const gitdev_http1_limits LIMITS = {.head_max = 512, .field_max = 8, .body_max = 300};

typedef struct options {
  gitdev_http1_kind kind;
  bool no_body, eof;
} options;

static void require_field(const gitdev_field *field) {
  REQUIRE(field->name_len > 0);
  for (size_t i = 0; i < field->name_len; i++) {
    char c = field->name[i];
    REQUIRE(c > ' ' && c < 0x7F && c != ':' && (c < 'A' || c > 'Z'));
  }
  for (size_t i = 0; i < field->value_len; i++) {
    unsigned char c = (unsigned char)field->value[i];
    REQUIRE((c >= ' ' || c == '\t') && c != 0x7F);
  }
  if (field->value_len > 0) {
    char first = field->value[0];
    char last = field->value[field->value_len - 1];
    REQUIRE(first != ' ' && first != '\t' && last != ' ' && last != '\t');
  }
}

static void tell_head(gitdev_http1 *reader, gitdev_http1_kind kind, gitdev_buffer *told) {
  const gitdev_message *message = gitdev_http1_message(reader);
  size_t len = message->method_len + message->target_len;
  REQUIRE(message->field_count <= LIMITS.field_max);
  REQUIRE(kind == GITDEV_HTTP1_REQUEST ? message->method_len > 0 && message->target_len > 0
                                       : message->status >= 100 && message->status < 600);
  REQUIRE(message->content_length < 0 || (size_t)message->content_length <= LIMITS.body_max);
  (void)gitdev_buffer_printf(told, "HEAD %.*s %.*s %d %d %d %d %d %lld\n", (int)message->method_len,
                             message->method, (int)message->target_len, message->target,
                             message->status, message->minor_version, message->keep_alive,
                             message->expect_continue, message->upgrade,
                             (long long)message->content_length);
  for (size_t i = 0; i < message->field_count; i++) {
    const gitdev_field *field = &message->fields[i];
    require_field(field);
    len += field->name_len + field->value_len;
    (void)gitdev_buffer_append(told, field->name, field->name_len);
    (void)gitdev_buffer_puts(told, "=");
    (void)gitdev_buffer_append(told, field->value, field->value_len);
    (void)gitdev_buffer_puts(told, "\n");
  }
  REQUIRE(len <= LIMITS.head_max);
}

/* Pulls all there is. `body` counts the bytes of body of the message under way. */
static bool pull_all(gitdev_http1 *reader, gitdev_http1_kind kind, size_t *body,
                     gitdev_buffer *told) {
  for (;;) {
    size_t len;
    const char *piece;
    switch (gitdev_http1_pull(reader)) {
    case GITDEV_HTTP1_NEED: return true;
    case GITDEV_HTTP1_HEAD:
      *body = 0;
      tell_head(reader, kind, told);
      break;
    case GITDEV_HTTP1_DATA:
      piece = gitdev_http1_piece(reader, &len);
      *body += len;
      REQUIRE(len > 0 && *body <= LIMITS.body_max);
      (void)gitdev_buffer_append(told, piece, len);
      break;
    case GITDEV_HTTP1_END:
      len = (size_t)gitdev_http1_message(reader)->content_length;
      REQUIRE(gitdev_http1_message(reader)->content_length < 0 || *body == len);
      (void)gitdev_buffer_puts(told, "\nEND\n");
      break;
    default:
      REQUIRE(gitdev_http1_error_status(reader) >= 400);
      REQUIRE(gitdev_http1_pull(reader) == GITDEV_HTTP1_ERROR);
      (void)gitdev_buffer_printf(told, "\nERROR %s\n", gitdev_http1_problem(reader));
      return false;
    }
  }
}

/* Feeds pieces whose lengths come from a small generator; 0 feeds all at once. */
static void run(const options *opts, unsigned cutting, const char *bytes, size_t size,
                gitdev_buffer *told) {
  gitdev_http1 *reader = gitdev_http1_new(opts->kind, &LIMITS);
  REQUIRE(reader != NULL);
  if (opts->no_body)
    gitdev_http1_no_body(reader);
  size_t body = 0;
  bool alive = true;
  for (size_t at = 0; at < size && alive;) {
    unsigned step = cutting == 0 ? (unsigned)size : 1 + cutting % 13;
    size_t piece = step < size - at ? step : size - at;
    cutting = cutting * 5 / 4 + (cutting > 0);
    REQUIRE(gitdev_http1_feed(reader, bytes + at, piece));
    at += piece;
    alive = pull_all(reader, opts->kind, &body, told);
  }
  if (alive && opts->eof) {
    gitdev_http1_eof(reader);
    (void)pull_all(reader, opts->kind, &body, told);
  }
  gitdev_http1_free(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 2)
    return 0;
  options opts = {.kind = data[0] & 1 ? GITDEV_HTTP1_RESPONSE : GITDEV_HTTP1_REQUEST,
                  .no_body = (data[0] & 2) != 0,
                  .eof = (data[0] & 4) != 0};
  const char *bytes = (const char *)data + 2;
  gitdev_buffer whole;
  gitdev_buffer cut;
  gitdev_buffer_init(&whole, SIZE_MAX);
  gitdev_buffer_init(&cut, SIZE_MAX);
  run(&opts, 0, bytes, size - 2, &whole);
  run(&opts, 1U + data[1], bytes, size - 2, &cut);
  REQUIRE(!whole.failed && !cut.failed && whole.len == cut.len);
  REQUIRE(memcmp(whole.data, cut.data, whole.len) == 0);
  gitdev_buffer_free(&whole);
  gitdev_buffer_free(&cut);
  return 0;
}

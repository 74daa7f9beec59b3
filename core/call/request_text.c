#include "call/request_text.h"
#include "call/client.h"
#include <stdint.h>
#include <string.h>

static void add_line(gitdev_buffer *out, const char *name, const char *value) {
  gitdev_buffer_puts(out, name);
  gitdev_buffer_append(out, ": ", 2);
  gitdev_buffer_puts(out, value);
  gitdev_buffer_append(out, "\r\n", 2);
}

static void add_number(gitdev_buffer *out, uint64_t number) {
  char digits[20];
  size_t at = sizeof digits;
  do
    digits[--at] = (char)('0' + number % 10);
  while ((number /= 10) > 0);
  gitdev_buffer_append(out, digits + at, sizeof digits - at);
}

static void add_host(gitdev_buffer *out, const gitdev_request *request) {
  gitdev_buffer_puts(out, " HTTP/1.1\r\nHost: ");
  gitdev_buffer_puts(out, request->host);
  if (request->port != 443) {
    gitdev_buffer_append(out, ":", 1);
    add_number(out, (uint64_t)request->port);
  }
  gitdev_buffer_append(out, "\r\n", 2);
}

static void add_headers(gitdev_buffer *out, const gitdev_request *request, size_t *cuts) {
  for (size_t i = 0; i < request->header_count; i++) {
    const gitdev_header *header = &request->headers[i];
    if (i == GITDEV_FIXED_HEADERS)
      cuts[1] = cuts[2] = cuts[3] = out->len;
    add_line(out, header->name, header->value);
    if (i >= GITDEV_FIXED_HEADERS && strcmp(header->name, "Idempotency-Key") == 0) {
      cuts[3] = out->len - 2;
      cuts[2] = cuts[3] - strlen(header->value);
    }
  }
}

static void add_handshake(gitdev_buffer *out, const char *protocol, const char *key) {
  add_line(out, "Upgrade", "websocket");
  add_line(out, "Connection", "Upgrade");
  add_line(out, "Sec-WebSocket-Version", "13");
  add_line(out, "Sec-WebSocket-Key", key);
  add_line(out, "Sec-WebSocket-Protocol", protocol);
}

/* Where a body would be usual and there is none, that is said (RFC 9110 8.6). */
static void add_length(gitdev_buffer *out, const gitdev_request *request) {
  const gitdev_source *source = request->source;
  if (source && source->size < 0) {
    add_line(out, "Transfer-Encoding", "chunked");
  } else if (source || request->body ||
             (!request->safe && strcmp(request->method, "DELETE") != 0)) {
    gitdev_buffer_puts(out, "Content-Length: ");
    add_number(out, source ? (uint64_t)source->size : request->body_len);
    gitdev_buffer_append(out, "\r\n", 2);
  }
}

static size_t size_of(const gitdev_request *request) {
  size_t size = 512 + strlen(request->target);
  for (size_t i = 0; i < request->header_count; i++)
    size += strlen(request->headers[i].name) + strlen(request->headers[i].value) + 4;
  return size;
}

int gitdev_request_head(gitdev_buffer *out, const gitdev_request *request, const char *key,
                        size_t cuts[GITDEV_HEAD_CUTS]) {
  size_t unwanted[GITDEV_HEAD_CUTS];
  cuts = cuts ? cuts : unwanted;
  gitdev_buffer_reserve(out, size_of(request));
  gitdev_buffer_puts(out, request->method);
  gitdev_buffer_append(out, " ", 1);
  gitdev_buffer_puts(out, request->target);
  cuts[0] = cuts[1] = cuts[2] = cuts[3] = out->len;
  add_host(out, request);
  add_headers(out, request, cuts);
  if (request->upgrade)
    add_handshake(out, request->upgrade, key);
  else
    add_length(out, request);
  gitdev_buffer_append(out, "\r\n", 2);
  return out->failed ? GITDEV_ENOMEM : GITDEV_OK;
}

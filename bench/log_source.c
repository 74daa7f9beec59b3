#include "log_source.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { FRAME_HEAD = 4, TEXT = 0x81, CLOSE = 0x88, LONG = 126, ACCEPT_SIZE = 29 };

static const char KEY[] = "\nSec-WebSocket-Key:", PROTOCOL[] = "\nSec-WebSocket-Protocol:";
static const char GUID[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
static const char STREAM[] = "/logs/stream", LOGS[] = "/logs",
                  DEPLOYMENT[] = "/v2/deployments/dep_";

static const char HEAD[] = "HTTP/1.1 %s\r\nContent-Type: application/json; charset=utf-8\r\n"
                           "Content-Length: %zu\r\nX-Request-Id: req_4k2n8v0c1x7z\r\n"
                           "X-Git-Version: 2.4.1\r\n\r\n%s";
static const char UPGRADE[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                              "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n%s"
                              "X-Request-Id: req_4k2n8v0c1x7z\r\nX-Git-Version: 2.4.1\r\n\r\n";

/* A bucket that never makes a client wait. */
static const char RATE_LIMIT[] =
    "{\"object\":\"rate_limit\",\"plan\":\"enterprise\",\"per_minute\":6000000,\"burst\":1000000,"
    "\"remaining\":1000000,\"reset_at\":1718942299}";
static const char NOTHING[] =
    "{\"object\":\"list\",\"data\":[],\"has_more\":false,\"next_cursor\":null}";
static const char NOT_FOUND[] =
    "{\"error\":{\"type\":\"not_found_error\",\"code\":\"resource_not_found\",\"message\":\"Not "
    "here.\",\"param\":null,\"request_id\":\"req_4k2n8v0c1x7z\",\"doc_url\":null}}";
static const char A_DEPLOYMENT[] =
    "{\"id\":\"dep_%012ld\",\"object\":\"deployment\",\"project\":\"my-app\",\"project_id\":"
    "\"prj_6h4f2d0s8a1k\",\"status\":\"building\",\"target\":\"production\",\"url\":"
    "\"https://my-app.git.dev\",\"permalink_url\":\"https://my-app--3m9q1t7w5y2b.git.dev\","
    "\"branch\":\"main\",\"commit_sha\":\"9b1c4e0f7a2d5863b1e9c0d4f6a8275310bcde94\","
    "\"commit_message\":\"Initial commit\",\"source\":\"api\",\"parent_id\":null,\"preview_id\":"
    "null,\"current\":false,\"regions\":[\"iad\"],\"env_keys\":[],\"metadata\":{},\"failure\":null,"
    "\"cancel_reason\":null,\"created_at\":1718942298,\"started_at\":null,\"finished_at\":null,"
    "\"duration_ms\":null,\"queued_ms\":null}";

static const char HELLO[] =
    "{\"type\":\"hello\",\"protocol\":\"git.logs.v1\",\"resource\":\"dep_%012ld\",\"status\":"
    "\"building\",\"cursor\":\"c%012ld\",\"heartbeat_ms\":15000}";
static const char LINE[] =
    "{\"type\":\"log\",\"cursor\":\"c%012ld\",\"seq\":%ld,\"time_ms\":%ld,\"stage\":\"build\","
    "\"stream\":\"stdout\",\"level\":\"info\",\"message\":\"[%ld/%ld] compiled "
    "src/components/Button.tsx in 12 ms\",\"truncated\":false}";
static const char END[] = "{\"type\":\"end\",\"cursor\":\"c%012ld\",\"status\":\"live\"}";

static const long FIRST_MS = 1718942298000;

static size_t answer(char *out, const char *status, const char *body) {
  return (size_t)snprintf(out, LOG_SOURCE_ROOM, HEAD, status, strlen(body), body);
}

static bool accept_key(const char *head, char accept[ACCEPT_SIZE]) {
  const char *key = strcasestr(head, KEY);
  unsigned char text[64], digest[SHA_DIGEST_LENGTH];
  if (!key)
    return false;
  key += sizeof KEY - 1;
  key += strspn(key, " ");
  if (strcspn(key, "\r ") != 24)
    return false;
  memcpy(text, key, 24);
  memcpy(text + 24, GUID, sizeof GUID - 1);
  SHA1(text, 24 + sizeof GUID - 1, digest);
  EVP_EncodeBlock((unsigned char *)accept, digest, sizeof digest);
  return true;
}

/* Makes a frame of the text that stands behind the room for the longer head; a short text has a
 * shorter one. The frame's length. */
static size_t frame(char *out, size_t len) {
  out[0] = (char)TEXT;
  if (len < LONG) {
    out[1] = (char)len;
    memmove(out + 2, out + FRAME_HEAD, len);
    return 2 + len;
  }
  out[1] = LONG;
  out[2] = (char)(len >> 8);
  out[3] = (char)(len & 0xff);
  return FRAME_HEAD + len;
}

static size_t upgrade(log_source *self, const char *head, long lines, char *out) {
  char accept[ACCEPT_SIZE], *text;
  const char *cursor = strstr(head, "cursor=c");
  if (!accept_key(head, accept))
    return answer(out, "426 Upgrade Required", NOT_FOUND);
  long seen = cursor && cursor < strchr(head, '\r') ? strtol(cursor + 8, NULL, 10) : 0;
  *self = (log_source){.next = seen + 1, .last = lines, .streaming = true};
  bool offered = strcasestr(head, PROTOCOL) != NULL;
  int len = snprintf(out, LOG_SOURCE_ROOM, UPGRADE, accept,
                     offered ? "Sec-WebSocket-Protocol: git.logs.v1\r\n" : "");
  text = out + len + FRAME_HEAD;
  int said = snprintf(text, 512, HELLO, lines, seen);
  return (size_t)len + frame(out + len, (size_t)said);
}

size_t log_source_answer(log_source *self, const char *head, char *out) {
  *self = (log_source){0};
  const char *target = strchr(head, ' ');
  if (!target)
    return answer(out, "400 Bad Request", NOT_FOUND);
  target++;
  if (strncmp(target, "/v2/rate_limit", 14) == 0)
    return answer(out, "200 OK", RATE_LIMIT);
  if (strncmp(target, DEPLOYMENT, sizeof DEPLOYMENT - 1) != 0)
    return answer(out, "404 Not Found", NOT_FOUND);
  char *rest, text[LOG_SOURCE_ROOM];
  long lines = strtol(target + sizeof DEPLOYMENT - 1, &rest, 10);
  if (strncmp(rest, STREAM, sizeof STREAM - 1) == 0)
    return upgrade(self, head, lines, out);
  if (strncmp(rest, LOGS, sizeof LOGS - 1) == 0)
    return answer(out, "200 OK", NOTHING);
  snprintf(text, sizeof text, A_DEPLOYMENT, lines);
  return answer(out, "200 OK", text);
}

static size_t line(char *out, long number, long last) {
  int len = snprintf(out + FRAME_HEAD, LOG_SOURCE_ROOM - FRAME_HEAD, LINE, number, number,
                     FIRST_MS + number, number, last);
  return frame(out, (size_t)len);
}

static size_t end(log_source *self, char *out) {
  static const char closing[] = {(char)CLOSE, 2, 1000 >> 8, (char)(1000 & 0xff)};
  int len = snprintf(out + FRAME_HEAD, LOG_SOURCE_ROOM - FRAME_HEAD, END, self->last);
  size_t sent = frame(out, (size_t)len);
  memcpy(out + sent, closing, sizeof closing);
  self->ended = true;
  return sent + sizeof closing;
}

size_t log_source_frames(log_source *self, char *out, size_t size) {
  size_t len = 0;
  while (self->next <= self->last && size - len >= LOG_SOURCE_ROOM)
    len += line(out + len, self->next++, self->last);
  if (self->last > 0 && self->next > self->last && !self->ended && size - len >= LOG_SOURCE_ROOM)
    len += end(self, out + len);
  return len;
}

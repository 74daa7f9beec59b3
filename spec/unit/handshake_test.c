/* The opening handshake: heads as the HTTP reader tells them, and what the checks say of them. */
#include "wire/handshake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* RFC 6455 1.3. */
#define KEY    "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

static const gitdev_http1_limits LIMITS = {.head_max = 4096, .field_max = 20, .body_max = 0};

/* A reader that has told the head of this text. */
static gitdev_http1 *read_head(gitdev_http1_kind kind, const char *text) {
  gitdev_http1 *reader = gitdev_http1_new(kind, &LIMITS);
  assert_non_null(reader);
  assert_true(gitdev_http1_feed(reader, text, strlen(text)));
  if (gitdev_http1_pull(reader) != GITDEV_HTTP1_HEAD)
    fail_msg("%s:\n%s", gitdev_http1_problem(reader), text);
  return reader;
}

/* What names the right problem: NULL for none, else a part of its text. */
static void check_problem(const char *head, const char *problem, const char *wanted) {
  bool is_right =
      wanted == NULL ? problem == NULL : problem != NULL && strstr(problem, wanted) != NULL;
  if (!is_right)
    fail_msg("%s\nis: %s\nshould be: %s", head, problem != NULL ? problem : "fine",
             wanted != NULL ? wanted : "fine");
}

/* ---- keys */

static void test_keys_are_fresh(void **state) {
  (void)state;
  char first[GITDEV_HANDSHAKE_KEY_SIZE];
  char second[GITDEV_HANDSHAKE_KEY_SIZE];
  assert_true(gitdev_handshake_key(first));
  assert_true(gitdev_handshake_key(second));
  assert_int_equal(strlen(first), 24);
  assert_string_equal(first + 22, "==");
  assert_string_not_equal(first, second);
}

static void test_accept_is_the_standards(void **state) {
  (void)state;
  char accept[GITDEV_HANDSHAKE_ACCEPT_SIZE];
  assert_true(gitdev_handshake_accept(KEY, strlen(KEY), accept));
  assert_string_equal(accept, ACCEPT);
}

/* ---- answers */

#define SWITCH "HTTP/1.1 101 Switching Protocols\r\n"
#define UP     "Upgrade: websocket\r\n"
#define CONN   "Connection: Upgrade\r\n"
#define ACC    "Sec-WebSocket-Accept: " ACCEPT "\r\n"
#define LOGS   "Sec-WebSocket-Protocol: git.logs.v1\r\n"

static const struct {
  const char *head, *problem;
} ANSWERS[] = {
    {SWITCH UP CONN ACC LOGS "\r\n", NULL},
    {SWITCH UP CONN ACC "\r\n", NULL},
    {SWITCH "upgrade: WebSocket\r\nCONNECTION: keep-alive , uPGRADE\r\n" ACC "\r\n", NULL},
    {SWITCH UP "Connection: keep-alive\r\nConnection: upgrade\r\n" ACC "\r\n", NULL},
    {SWITCH UP CONN ACC LOGS "Server: x\r\nSec-WebSocket-Version: 13\r\n\r\n", NULL},
    {"HTTP/1.0 101 x\r\n" UP CONN ACC "\r\n", "status"},
    {"HTTP/1.1 200 OK\r\n" UP CONN ACC "\r\n", "status"},
    {"HTTP/1.1 426 Upgrade Required\r\n" UP CONN ACC "\r\n", "status"},
    {SWITCH CONN ACC "\r\n", "Upgrade header"},
    {SWITCH "Upgrade: h2c\r\n" CONN ACC "\r\n", "Upgrade header"},
    {SWITCH "Upgrade: websocket, h2c\r\n" CONN ACC "\r\n", "Upgrade header"},
    {SWITCH UP UP CONN ACC "\r\n", "Upgrade header"},
    {SWITCH UP ACC "\r\n", "Connection"},
    {SWITCH UP "Connection: close\r\n" ACC "\r\n", "Connection"},
    {SWITCH UP "Connection: upgraded\r\n" ACC "\r\n", "Connection"},
    {SWITCH UP "Connection: ,,\r\n" ACC "\r\n", "Connection"},
    {SWITCH UP CONN "\r\n", "Sec-WebSocket-Accept"},
    {SWITCH UP CONN ACC ACC "\r\n", "Sec-WebSocket-Accept"},
    {SWITCH UP CONN "Sec-WebSocket-Accept:\r\n\r\n", "Sec-WebSocket-Accept"},
    {SWITCH UP CONN "Sec-WebSocket-Accept: " KEY "\r\n\r\n", "Sec-WebSocket-Accept"},
    {SWITCH UP CONN "Sec-WebSocket-Accept: S3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
     "Sec-WebSocket-Accept"},
    {SWITCH UP CONN ACC "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
     "Sec-WebSocket-Extensions"},
    {SWITCH UP CONN ACC "Sec-WebSocket-Protocol: GIT.logs.v1\r\n\r\n", "Sec-WebSocket-Protocol"},
    {SWITCH UP CONN ACC "Sec-WebSocket-Protocol: git.logs.v2\r\n\r\n", "Sec-WebSocket-Protocol"},
    {SWITCH UP CONN ACC "Sec-WebSocket-Protocol: git.logs.v1, chat\r\n\r\n",
     "Sec-WebSocket-Protocol"},
    {SWITCH UP CONN ACC LOGS LOGS "\r\n", "Sec-WebSocket-Protocol"},
};

static void test_answers(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof ANSWERS / sizeof *ANSWERS; i++) {
    gitdev_http1 *reader = read_head(GITDEV_HTTP1_RESPONSE, ANSWERS[i].head);
    const char *problem =
        gitdev_handshake_check_answer(gitdev_http1_message(reader), KEY, "git.logs.v1");
    check_problem(ANSWERS[i].head, problem, ANSWERS[i].problem);
    gitdev_http1_free(reader);
  }
}

static void test_an_answer_to_no_offer_names_no_protocol(void **state) {
  (void)state;
  gitdev_http1 *with = read_head(GITDEV_HTTP1_RESPONSE, SWITCH UP CONN ACC LOGS "\r\n");
  gitdev_http1 *without = read_head(GITDEV_HTTP1_RESPONSE, SWITCH UP CONN ACC "\r\n");
  check_problem("with", gitdev_handshake_check_answer(gitdev_http1_message(with), KEY, NULL),
                "Sec-WebSocket-Protocol");
  check_problem("without", gitdev_handshake_check_answer(gitdev_http1_message(without), KEY, NULL),
                NULL);
  gitdev_http1_free(with);
  gitdev_http1_free(without);
}

/* ---- requests */

#define GET     "GET /v2/x HTTP/1.1\r\nHost: a\r\n"
#define VERSION "Sec-WebSocket-Version: 13\r\n"
#define KEYED   "Sec-WebSocket-Key: " KEY "\r\n"
#define KEY_IS  UP CONN VERSION "Sec-WebSocket-Key: "

#define GOOD      GITDEV_HANDSHAKE_GOOD
#define NONE      GITDEV_HANDSHAKE_NONE
#define MALFORMED GITDEV_HANDSHAKE_MALFORMED

static const struct {
  const char *head;
  gitdev_handshake_wish wish;
  const char *problem;
} REQUESTS[] = {
    {GET UP CONN VERSION KEYED "\r\n", GOOD, NULL},
    {GET UP CONN VERSION KEYED LOGS "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n", GOOD,
     NULL},
    {GET "Upgrade: h2c, WebSocket\r\nConnection: keep-alive, Upgrade\r\n" VERSION KEYED "\r\n",
     GOOD, NULL},
    {GET "Upgrade: h2c\r\n" UP CONN VERSION KEYED "\r\n", GOOD, NULL},
    {GET "\r\n", NONE, NULL},
    /* As a proxy leaves it that takes Upgrade away. */
    {GET "Connection: close\r\n" VERSION KEYED "\r\n", NONE, NULL},
    {GET "Upgrade: h2c\r\n" CONN "\r\n", NONE, NULL},
    {GET "Upgrade: websockets\r\n" CONN VERSION KEYED "\r\n", NONE, NULL},
    {GET "Upgrade: websocket/13\r\n" CONN VERSION KEYED "\r\n", NONE, NULL},
    {"GET / HTTP/1.0\r\n" UP CONN VERSION KEYED "\r\n", NONE, NULL},
    {"POST / HTTP/1.1\r\nHost: a\r\n" UP CONN VERSION KEYED "\r\n", MALFORMED, "GET"},
    {"get / HTTP/1.1\r\nHost: a\r\n" UP CONN VERSION KEYED "\r\n", MALFORMED, "GET"},
    {GET UP VERSION KEYED "\r\n", NONE, NULL},
    {GET UP "Connection: close\r\n" VERSION KEYED "\r\n", NONE, NULL},
    {GET UP CONN KEYED "\r\n", MALFORMED, "Sec-WebSocket-Version"},
    {GET UP CONN KEYED "Sec-WebSocket-Version: 8\r\n\r\n", MALFORMED, "Sec-WebSocket-Version"},
    {GET UP CONN KEYED "Sec-WebSocket-Version: 13, 8\r\n\r\n", MALFORMED, "Sec-WebSocket-Version"},
    {GET UP CONN KEYED VERSION VERSION "\r\n", MALFORMED, "Sec-WebSocket-Version"},
    {GET UP CONN VERSION "\r\n", MALFORMED, "Sec-WebSocket-Key"},
    {GET UP CONN VERSION KEYED KEYED "\r\n", MALFORMED, "Sec-WebSocket-Key"},
    {GET KEY_IS "\r\n\r\n", MALFORMED, "Sec-WebSocket-Key"},
    {GET KEY_IS "dGhlIHNhbXBsZSBub25jZQ=\r\n\r\n", MALFORMED, "Sec-WebSocket-Key"},
    {GET KEY_IS "dGhlIHNhbXBsZSBub25jZQQ=\r\n\r\n", MALFORMED, "Sec-WebSocket-Key"},
    {GET KEY_IS "dGhlIHNhbXBsZSBub25jZQQQ\r\n\r\n", MALFORMED, "Sec-WebSocket-Key"},
    {GET KEY_IS "dGhlIHNhbXBsZSBub25j-Q==\r\n\r\n", MALFORMED, "Sec-WebSocket-Key"},
    {GET KEY_IS "dGhlIHNhbXBsZSBub25jZQ==, x\r\n\r\n", MALFORMED, "Sec-WebSocket-Key"},
};

static void test_requests(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof REQUESTS / sizeof *REQUESTS; i++) {
    char accept[GITDEV_HANDSHAKE_ACCEPT_SIZE] = "";
    const char *problem = "not set";
    gitdev_http1 *reader = read_head(GITDEV_HTTP1_REQUEST, REQUESTS[i].head);
    gitdev_handshake_wish wish =
        gitdev_handshake_read(gitdev_http1_message(reader), accept, &problem);
    check_problem(REQUESTS[i].head, problem, REQUESTS[i].problem);
    assert_int_equal(wish, REQUESTS[i].wish);
    assert_string_equal(accept, wish == GOOD ? ACCEPT : "");
    gitdev_http1_free(reader);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_keys_are_fresh),
      cmocka_unit_test(test_accept_is_the_standards),
      cmocka_unit_test(test_answers),
      cmocka_unit_test(test_an_answer_to_no_offer_names_no_protocol),
      cmocka_unit_test(test_requests),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

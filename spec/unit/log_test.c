/* The log of a client's calls: the lines that lua/gitdev/log.lua writes of the same moments
 * (spec/lua/log_spec.lua), and no secret, whatever comes. */
#include "gitdev.h"
#include <arpa/inet.h>
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const char KEY[] = "gsk_test_0123456789abcdefghijklmnopqrstuv";
static const char SECRET[] = "whsec_0123456789abcdefghijklmnopqrstuv";

enum { LINES = 16, LINE = 1024 };

typedef struct written {
  char lines[LINES][LINE];
  gitdev_log_level levels[LINES];
  size_t count;
} written;

/* Keeps a line from behind its time, which is the wall's. */
static void keep(void *payload, gitdev_log_level level, const char *line) {
  written *log = payload;
  static const char form[] = "gitdev dddd-dd-ddTdd:dd:dd.dddZ ";
  size_t at = 0;
  assert_true(log->count < LINES);
  for (; form[at]; at++)
    if (form[at] == 'd' && at > 6)
      assert_true(isdigit((unsigned char)line[at]));
    else
      assert_int_equal(line[at], form[at]);
  log->levels[log->count] = level;
  snprintf(log->lines[log->count++], LINE, "%s", line + at);
}

static gitdev_client *new_client(written *log, gitdev_log_level level) {
  gitdev_client *client;
  const gitdev_client_options options = {.api_key = KEY,
                                         .timeout = 60,
                                         .try_timeout = 5,
                                         .log_level = level,
                                         .log = keep,
                                         .log_payload = log};
  assert_int_equal(gitdev_client_new(&client, &options, NULL), GITDEV_OK);
  return client;
}

static gitdev_call *new_call(gitdev_client *client, const char *method, const char *path) {
  const gitdev_header trace = {"Traceparent", "00-1-2-01"};
  const gitdev_call_options options = {.method = method,
                                       .path = path,
                                       .idempotency_key = *method == 'P' ? "KEY" : NULL,
                                       .headers = &trace,
                                       .header_count = 1};
  gitdev_call *call;
  assert_int_equal(gitdev_call_new(&call, client, &options, 100, NULL), GITDEV_OK);
  return call;
}

static void header(gitdev_call *call, const char *name, const char *value) {
  assert_true(gitdev_call_header(call, name, strlen(name), value, strlen(value)));
}

static void answer(gitdev_call *call, double now, int status, const char *id, const char *body) {
  const gitdev_outcome outcome = {GITDEV_COMPLETE, false, false, NULL, 0.001, -1, -1, 0.01, 0.02};
  assert_int_equal(gitdev_call_next(call, now - 0.02).kind, GITDEV_SEND);
  assert_true(gitdev_call_begin(call, status));
  header(call, "X-Request-Id", id);
  header(call, "X-RateLimit-Remaining", "50");
  if (status == 503)
    header(call, "Retry-After", "3");
  assert_int_equal(gitdev_call_data(call, body, strlen(body)), GITDEV_OK);
  gitdev_call_outcome(call, &outcome, now);
}

static void expect(const written *log, const char *const *lines, size_t count) {
  for (size_t i = 0; i < count && i < log->count; i++)
    assert_string_equal(log->lines[i], lines[i]);
  assert_int_equal(log->count, count);
}

static const char MISSING[] =
    "{\"error\":{\"type\":\"invalid_request_error\",\"code\":\"resource_missing\","
    "\"message\":\"There is no such \\\"project\\\".\",\"param\":\"slug\"}}";

static void play(gitdev_client *client) {
  gitdev_call *call = new_call(client, "POST", "/deployments");
  answer(call, 100.02, 503, "req_1", "{}");
  answer(call, 103.04, 201, "req_2", "{}");
  gitdev_call_free(call);
  call = new_call(client, "GET", "/projects/nope?a=b");
  answer(call, 100.02, 404, "req_3", MISSING);
  gitdev_call_free(call);
}

static void test_info(void **state) {
  (void)state;
  static const char *const lines[] = {
      "#1 retry POST /deployments after=1 wait=3.000 reason=\"server error\" status=503 "
      "request=req_1",
      "#1 done POST /deployments status=201 seconds=3.040 tries=2 request=req_2",
      "#2 failed GET /projects/nope?a=b status=404 seconds=0.020 tries=1 request=req_3",
      "error type=invalid_request_error code=resource_missing status=404 param=slug request=req_3 "
      "message=\"There is no such \\\"project\\\".\""};
  written log = {.count = 0};
  gitdev_client *client = new_client(&log, GITDEV_LOG_INFO);
  play(client);
  expect(&log, lines, sizeof lines / sizeof *lines);
  for (size_t i = 0; i < log.count; i++)
    assert_int_equal(log.levels[i], GITDEV_LOG_INFO);
  gitdev_client_free(client);
}

static void test_debug(void **state) {
  (void)state;
  static const char *const lines[] = {
      "client key=gsk_test_***stuv base_url=https://api.git.dev/v2 timeout=60 try_timeout=5 "
      "connect_timeout=10 max_retries=2",
      "#1 send POST /deployments try=1 idempotency_key=KEY traceparent=00-1-2-01",
      "#1 answer POST /deployments try=1 status=503 seconds=0.020 verdict=retry reason=\"server "
      "error\" request=req_1 dns=0.001 first_byte=0.010",
      "#1 retry POST /deployments after=1 wait=3.000 reason=\"server error\" status=503 "
      "request=req_1",
      "#1 send POST /deployments try=2 idempotency_key=KEY traceparent=00-1-2-01",
      "#1 answer POST /deployments try=2 status=201 seconds=0.020 verdict=ok request=req_2 "
      "dns=0.001 "
      "first_byte=0.010",
      "#1 done POST /deployments status=201 seconds=3.040 tries=2 request=req_2",
      "#2 send GET /projects/nope?a=b try=1 traceparent=00-1-2-01",
      "#2 answer GET /projects/nope?a=b try=1 status=404 seconds=0.020 verdict=error request=req_3 "
      "dns=0.001 first_byte=0.010",
      "#2 failed GET /projects/nope?a=b status=404 seconds=0.020 tries=1 request=req_3",
      "error type=invalid_request_error code=resource_missing status=404 param=slug request=req_3 "
      "message=\"There is no such \\\"project\\\".\""};
  written log = {.count = 0};
  gitdev_client *client = new_client(&log, GITDEV_LOG_DEBUG);
  play(client);
  expect(&log, lines, sizeof lines / sizeof *lines);
  assert_int_equal(log.levels[1], GITDEV_LOG_DEBUG);
  assert_int_equal(log.levels[3], GITDEV_LOG_INFO);
  gitdev_client_free(client);
}

static void test_off(void **state) {
  (void)state;
  written log = {.count = 0};
  gitdev_client *client = new_client(&log, GITDEV_LOG_OFF);
  play(client);
  assert_int_equal(log.count, 0);
  gitdev_client_free(client);
}

/* How calls end that get no answer. */
static void test_ends(void **state) {
  (void)state;
  written log = {.count = 0};
  gitdev_client *client = new_client(&log, GITDEV_LOG_INFO);
  gitdev_call *call = new_call(client, "GET", "/a");
  assert_int_equal(gitdev_call_next(call, 100).kind, GITDEV_SEND);
  gitdev_call_cancel(call, 100.5);
  gitdev_call_free(call);
  call = new_call(client, "GET", "/b");
  assert_int_equal(gitdev_call_next(call, 161).kind, GITDEV_DONE);
  gitdev_call_free(call);
  static const char late[] =
      "error type=timeout_error code=deadline message=\"the call's timeout ends before its "
      "turn to be sent came\"";
  const char *const lines[] = {"#1 canceled GET /a seconds=0.500 tries=1",
                               "#2 failed GET /b seconds=61.000 tries=0", late};
  expect(&log, lines, sizeof lines / sizeof *lines);
  gitdev_client_free(client);
}

static void test_waits(void **state) {
  (void)state;
  written log = {.count = 0};
  gitdev_client *client = new_client(&log, GITDEV_LOG_INFO);
  gitdev_call *call = new_call(client, "GET", "/a");
  const gitdev_outcome outcome = {GITDEV_COMPLETE, false, false, NULL, -1, -1, -1, 0.01, 0.02};
  assert_int_equal(gitdev_call_next(call, 100).kind, GITDEV_SEND);
  assert_true(gitdev_call_begin(call, 429));
  header(call, "X-RateLimit-Remaining", "0");
  header(call, "Retry-After", "5");
  gitdev_call_outcome(call, &outcome, 100);
  gitdev_call *other = new_call(client, "GET", "/b");
  assert_int_equal(gitdev_call_next(other, 101).kind, GITDEV_WAIT);
  assert_int_equal(log.count, 2);
  assert_string_equal(log.lines[1], "#2 wait GET /b wait=4.000 reason=\"rate limit\"");
  gitdev_call_free(other);
  gitdev_call_free(call);
  gitdev_client_free(client);
}

/* Wherever a secret stands, and whatever a server writes, a line stays one line without it. */
static void test_hostile(void **state) {
  (void)state;
  /* `last` follows the message's start, which a compiler would else take for a turn of direction. */
  static const struct {
    const char *start;
    unsigned char last;
    const char *shown;
  } rows[] = {
      {"a\xc2", 0x85, "message=a\\xc2\\x85"},
      {"a\xe2\x80", 0xa8, "message=a\\xe2\\x80\\xa8"},
      {"a\xe2\x80", 0xae, "message=a\\xe2\\x80\\xae"},
      {"a\xe2\x80", 0x8e, "message=a\\xe2\\x80\\x8e"},
      {"a\xe2\x81", 0xa6, "message=a\\xe2\\x81\\xa6"},
      {"caf\xc3", 0xa9, "message=caf\xc3\xa9"},
      {"the gsk_live_0123456789abcdefghijklmnop was refuse", 'd', "the gsk_live_*** was"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    written log = {.count = 0};
    gitdev_client *client = new_client(&log, GITDEV_LOG_DEBUG);
    char body[256], path[128];
    snprintf(body, sizeof body, "{\"error\":{\"type\":\"api_error\",\"message\":\"%s%c\"}}",
             rows[i].start, rows[i].last);
    snprintf(path, sizeof path, "/projects/%s", SECRET);
    gitdev_call *call = new_call(client, "GET", path);
    answer(call, 100.02, 400, SECRET, body);
    gitdev_call_free(call);
    gitdev_client_free(client);
    assert_int_equal(log.count, 5);
    assert_non_null(strstr(log.lines[1], "GET /projects/whsec_***"));
    for (size_t k = 0; k < log.count; k++) {
      assert_null(strstr(log.lines[k], SECRET + 10));
      assert_null(strstr(log.lines[k], KEY + 10));
    }
    if (!strstr(log.lines[4], rows[i].shown))
      fail_msg("row %zu: %s", i, log.lines[4]);
  }
}

/* Somewhere to connect to where nobody answers; the caller closes it. Writes what reaches it. */
static int listen_mutely(char connect_to[64]) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  assert_true(fd >= 0);
  assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
  assert_int_equal(listen(fd, 1), 0);
  assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
  snprintf(connect_to, 64, "api.git.dev:443:127.0.0.1:%d", ntohs(address.sin_port));
  return fd;
}

/* A fork's child that frees what it has from before says nothing of the calls, which are the parent's. */
static void test_fork(void **state) {
  (void)state;
  written log = {.count = 0};
  gitdev_loop *loop;
  gitdev_engine *engine;
  char connect_to[64];
  int fd = listen_mutely(connect_to);
  const gitdev_engine_options there = {.connect_to = connect_to};
  gitdev_client *client = new_client(&log, GITDEV_LOG_INFO);
  assert_int_equal(gitdev_loop_new(&loop), GITDEV_OK);
  assert_int_equal(gitdev_engine_new(&engine, loop, &there), GITDEV_OK);
  const gitdev_call_options options = {.method = "GET", .path = "/a"};
  gitdev_call *call;
  assert_int_equal(gitdev_call_new(&call, client, &options, gitdev_now(), NULL), GITDEV_OK);
  assert_int_equal(gitdev_submit(engine, call, NULL, NULL), GITDEV_OK);
  int status = 0;
  pid_t child = fork();
  assert_true(child >= 0);
  gitdev_engine_free(engine);
  if (child == 0)
    _exit((int)log.count);
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
  assert_int_equal(log.count, 1);
  assert_non_null(strstr(log.lines[0], "#1 canceled GET /a"));
  gitdev_call_free(call);
  gitdev_client_free(client);
  gitdev_loop_free(loop);
  close(fd);
}

/* What comes from the program's side may hold controls too. */
static void test_controls(void **state) {
  (void)state;
  char path[] = "/tmp/gitdev\x1b[2J\n \x7f\xff_XXXXXX", wanted[128];
  written log = {.count = 0};
  gitdev_client *client;
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  close(fd);
  const gitdev_client_options options = {.api_key = KEY,
                                         .ca_file = path,
                                         .log_level = GITDEV_LOG_DEBUG,
                                         .log = keep,
                                         .log_payload = &log};
  assert_int_equal(gitdev_client_new(&client, &options, NULL), GITDEV_OK);
  unlink(path);
  gitdev_client_free(client);
  snprintf(wanted, sizeof wanted, " ca_file=\"/tmp/gitdev\\x1b[2J\\x0a \\x7f\\xff%s\" ",
           strrchr(path, '_'));
  assert_int_equal(log.count, 1);
  assert_non_null(strstr(log.lines[0], wanted));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_info), cmocka_unit_test(test_debug),    cmocka_unit_test(test_off),
      cmocka_unit_test(test_ends), cmocka_unit_test(test_waits),    cmocka_unit_test(test_hostile),
      cmocka_unit_test(test_fork), cmocka_unit_test(test_controls),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

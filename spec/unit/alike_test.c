/* A call that blocks and one that is stepped are the same call: whatever the server does, they end
 * alike, with the same ledger, and the server sees the same requests. */
#include "origin.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static const char LOST[] = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}";
static const char NONSENSE[] = "hello\r\n\r\n";

/* What the server does with the first request, and with those after it. */
typedef enum deed {
  OK,
  CREATED,
  EMPTY,
  LARGE,
  MISSING,
  BUSY,
  CLOSED,
  LIMITED,
  HOLD,
  CUT,
  RESET,
  MALFORMED
} deed;

typedef struct scenario {
  const char *name, *method;
  deed first, then;
  int max_retries;
  double timeout;
  bool nobody; /* no server at all */
  const char *type;
  size_t attempts;
  int requests;
} scenario;

enum { NONE = GITDEV_NO_RETRIES };

static const scenario SCENARIOS[] = {
    {"success", "POST", OK, OK, 0, 0, false, NULL, 1, 1},
    {"an empty answer", "DELETE", EMPTY, OK, 0, 0, false, NULL, 1, 1},
    {"a large answer", "GET", LARGE, OK, 0, 0, false, NULL, 1, 1},
    {"503, then success", "POST", BUSY, CREATED, 0, 0, false, NULL, 2, 2},
    {"503 for ever", "GET", BUSY, BUSY, 1, 0, false, "api_error", 2, 2},
    {"429, then success", "POST", LIMITED, OK, 0, 0, false, NULL, 2, 2},
    {"404", "GET", MISSING, OK, 0, 0, false, "invalid_request_error", 1, 1},
    {"nobody listens", "POST", OK, OK, 1, 0, true, "connection_error", 2, 0},
    {"no answer in time", "POST", HOLD, HOLD, 0, 1, false, "timeout_error", 1, 1},
    {"no time for a second try", "GET", CLOSED, OK, 0, 10, false, "api_error", 1, 1},
    {"a connection lost, then success", "POST", RESET, OK, 0, 0, false, NULL, 2, 2},
    {"a body cut off, no retries", "GET", CUT, OK, NONE, 0, false, "connection_error", 1, 1},
    {"no HTTP", "GET", MALFORMED, OK, 0, 0, false, "response_error", 1, 1},
};

static const char NOT_FOUND[] = "{\"error\":{\"type\":\"invalid_request_error\",\"code\":"
                                "\"resource_missing\",\"message\":\"m\"}}";

static void answer_large(gitdev_exchange *exchange) {
  enum { SIZE = 200000 };
  char *body = malloc(SIZE + 1);
  if (!body)
    abort();
  memset(body, 'x', SIZE);
  body[SIZE] = '\0';
  origin_answer(exchange, 200, "", body);
  free(body);
}

static void raw(gitdev_exchange *exchange, const char *bytes, bool reset) {
  gitdev_exchange_raw(exchange, bytes, strlen(bytes), reset);
}

static bool serve(void *payload, gitdev_exchange *exchange, int number) {
  const scenario *played = payload;
  switch (number == 1 ? played->first : played->then) {
  case OK: origin_answer(exchange, 200, "X-Request-Id: req_1\r\n", "{\"a\":1}"); break;
  case CREATED: origin_answer(exchange, 201, "X-Request-Id: req_2\r\n", "{\"a\":2}"); break;
  case EMPTY: origin_answer(exchange, 204, "", ""); break;
  case LARGE: answer_large(exchange); break;
  case MISSING: origin_answer(exchange, 404, "X-Request-Id: req_4\r\n", NOT_FOUND); break;
  case BUSY: origin_answer(exchange, 503, "X-Request-Id: req_3\r\n", "{}"); break;
  case CLOSED: origin_answer(exchange, 503, "Retry-After: 20\r\n", "{}"); break;
  case LIMITED: origin_answer(exchange, 429, "Retry-After: 1\r\n", "{}"); break;
  case CUT: raw(exchange, LOST, false); break;
  case RESET: raw(exchange, "", true); break;
  case MALFORMED: raw(exchange, NONSENSE, false); break;
  case HOLD: return false;
  }
  return true;
}

/* ---- the ways to make a call ---- */

typedef void (*way_fn)(gitdev_loop *loop, gitdev_engine *engine, gitdev_call *call);

static void perform(gitdev_loop *loop, gitdev_engine *engine, gitdev_call *call) {
  (void)loop;
  assert_int_equal(gitdev_perform(engine, call), GITDEV_OK);
}

static void count(gitdev_call *call, void *payload) {
  assert_non_null(gitdev_call_result(call));
  ++*(int *)payload;
}

static void step_and_wait(gitdev_loop *loop, gitdev_engine *engine, gitdev_call *call) {
  int done = 0;
  assert_int_equal(gitdev_submit(engine, call, count, &done), GITDEV_OK);
  while (!done)
    assert_int_equal(gitdev_step(loop, -1), GITDEV_OK);
}

/* As a program with frames does it. */
static void step_each_frame(gitdev_loop *loop, gitdev_engine *engine, gitdev_call *call) {
  const struct timespec frame = {.tv_nsec = 2000000};
  int done = 0;
  assert_int_equal(gitdev_submit(engine, call, count, &done), GITDEV_OK);
  while (!done) {
    assert_int_equal(gitdev_step(loop, 0), GITDEV_OK);
    nanosleep(&frame, NULL);
  }
}

static const way_fn STEPPED[] = {step_and_wait, step_each_frame};

/* ---- what came of it ---- */

enum { ACCOUNT_SIZE = 2048 };

static const char *or_dash(const char *text) {
  return text ? text : "-";
}

/* All that a result says which does not depend on the clock, the port, or chance. */
static void describe(char *out, const gitdev_result *result, const char *origin_text) {
  const char *message = or_dash(result->message), *named = strstr(message, origin_text);
  int before = named ? (int)(named - message) : (int)strlen(message);
  int len = snprintf(out, ACCOUNT_SIZE, "%d %s %s %s retryable=%d body=%zu:%.20s \"%.*s\"",
                     result->status, or_dash(result->type), or_dash(result->code),
                     or_dash(result->request_id), result->retryable, result->body_len,
                     or_dash(result->body), before, message);
  for (size_t i = 0; i < result->attempt_count && len < ACCOUNT_SIZE; i++) {
    const gitdev_attempt *attempt = &result->attempts[i];
    len += snprintf(out + len, (size_t)(ACCOUNT_SIZE - len), "; %s (%s) %d %s came=%d%d%d",
                    attempt->verdict, attempt->reason, attempt->status, attempt->request_id,
                    attempt->tls >= 0, attempt->first_byte >= 0, attempt->total >= 0);
  }
  assert_in_range(len, 1, ACCOUNT_SIZE - 1);
}

static gitdev_call *new_call(const scenario *played, gitdev_client *client) {
  bool body = strcmp(played->method, "POST") == 0;
  const gitdev_call_options options = {.method = played->method,
                                       .path = "/a",
                                       .body = body ? "{}" : NULL,
                                       .body_len = body ? 2 : 0,
                                       .timeout = played->timeout,
                                       .max_retries = played->max_retries};
  gitdev_call *call;
  assert_int_equal(gitdev_call_new(&call, client, &options, gitdev_now(), NULL), GITDEV_OK);
  return call;
}

static void judge(const scenario *played, const gitdev_result *result, int requests) {
  if (played->type)
    assert_string_equal(or_dash(result->type), played->type);
  else
    assert_null(result->type);
  assert_int_equal(result->attempt_count, played->attempts);
  assert_int_equal(requests, played->requests);
}

/* Plays the scenario once, with a server and a client of its own, since both remember. */
static void play(const scenario *played, way_fn way, char *account) {
  gitdev_loop *loop;
  gitdev_engine *engine;
  scenario copy = *played;
  origin *server = origin_start(serve, &copy);
  gitdev_client *client = origin_client(server, 0);
  char url[64];
  snprintf(url, sizeof url, "%.*s", (int)(strlen(origin_url(server)) - strlen("/v2")),
           origin_url(server));
  if (played->nobody) {
    origin_stop(server);
    server = NULL;
  }
  assert_int_equal(gitdev_loop_new(&loop), GITDEV_OK);
  assert_int_equal(gitdev_engine_new(&engine, loop, NULL), GITDEV_OK);
  gitdev_call *call = new_call(played, client);
  way(loop, engine, call);
  judge(played, gitdev_call_result(call), server ? origin_requests(server) : 0);
  describe(account, gitdev_call_result(call), url);
  gitdev_call_free(call);
  gitdev_engine_free(engine);
  gitdev_loop_free(loop);
  gitdev_client_free(client);
  origin_stop(server);
}

static void test_all_ways_end_alike(void **state) {
  const scenario *played = *state;
  char blocking[ACCOUNT_SIZE], stepped[ACCOUNT_SIZE];
  play(played, perform, blocking);
  for (size_t i = 0; i < sizeof STEPPED / sizeof *STEPPED; i++) {
    play(played, STEPPED[i], stepped);
    assert_string_equal(stepped, blocking);
  }
}

/* A test for each scenario, under its name. */
int main(void) {
  enum { COUNT = sizeof SCENARIOS / sizeof *SCENARIOS };
  struct CMUnitTest tests[COUNT];
  for (size_t i = 0; i < COUNT; i++)
    tests[i] = (struct CMUnitTest){.name = SCENARIOS[i].name,
                                   .test_func = test_all_ways_end_alike,
                                   .initial_state = (void *)(uintptr_t)&SCENARIOS[i]};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

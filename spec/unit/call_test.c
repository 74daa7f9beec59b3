/* The call machine, driven by hand: no socket, and no time but the one that is passed in. */
#include "gitdev.h"
#include "policy/pace.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char KEY[] = "gsk_test_0123456789abcdefghijklmnopqrstuv";

static gitdev_client *new_client(void) {
  gitdev_client *client;
  gitdev_problem problem;
  const gitdev_client_options options = {.api_key = KEY, .base_url = "https://api.test:8443/v2/"};
  assert_int_equal(gitdev_client_new(&client, &options, &problem), GITDEV_OK);
  return client;
}

static gitdev_call *new_call(gitdev_client *client, const char *method, double now) {
  gitdev_call *call;
  const gitdev_call_options options = {.method = method,
                                       .path = "/deployments",
                                       .body = strcmp(method, "POST") == 0 ? "{}" : NULL,
                                       .body_len = strcmp(method, "POST") == 0 ? 2 : 0};
  assert_int_equal(gitdev_call_new(&call, client, &options, now, NULL), GITDEV_OK);
  return call;
}

static const char *header_of(const gitdev_request *request, const char *name) {
  for (size_t i = 0; i < request->header_count; i++)
    if (strcmp(request->headers[i].name, name) == 0)
      return request->headers[i].value;
  return NULL;
}

static void header(gitdev_call *call, const char *name, const char *value) {
  assert_true(gitdev_call_header(call, name, strlen(name), value, strlen(value)));
}

/* Plays an answer: headers as "Name: value" lines, then a body. */
static void answer(gitdev_call *call, double now, int status, const char *const *lines,
                   const char *body) {
  const gitdev_outcome outcome = {GITDEV_COMPLETE, false, false, NULL, -1, -1, -1, 0.01, 0.02};
  assert_true(gitdev_call_begin(call, status));
  for (; lines && *lines; lines++) {
    char name[64];
    const char *colon = strchr(*lines, ':');
    snprintf(name, sizeof name, "%.*s", (int)(colon - *lines), *lines);
    header(call, name, colon + 2);
  }
  assert_int_equal(gitdev_call_data(call, body, strlen(body)), GITDEV_OK);
  gitdev_call_outcome(call, &outcome, now);
}

static void break_off(gitdev_call *call, double now, gitdev_outcome_kind kind, bool unsent) {
  const gitdev_outcome outcome = {kind, unsent, false, "the words", -1, -1, -1, -1, 0.02};
  gitdev_call_outcome(call, &outcome, now);
}

static const gitdev_request *expect_send(gitdev_call *call, double now) {
  gitdev_action action = gitdev_call_next(call, now);
  assert_int_equal(action.kind, GITDEV_SEND);
  assert_true(action.until > now);
  return action.request;
}

static double expect_wait(gitdev_call *call, double now) {
  gitdev_action action = gitdev_call_next(call, now);
  assert_int_equal(action.kind, GITDEV_WAIT);
  assert_true(action.until > now);
  return action.until;
}

static const gitdev_result *expect_done(gitdev_call *call, double now) {
  assert_int_equal(gitdev_call_next(call, now).kind, GITDEV_DONE);
  const gitdev_result *result = gitdev_call_result(call);
  assert_non_null(result);
  return result;
}

/* ---- requests ---- */

static void test_request(void **state) {
  (void)state;
  gitdev_client *client = new_client();
  gitdev_call *call = new_call(client, "POST", 0);
  const gitdev_request *request = expect_send(call, 0);
  assert_string_equal(request->method, "POST");
  assert_string_equal(request->url, "https://api.test:8443/v2/deployments");
  assert_string_equal(request->target, "/v2/deployments");
  assert_string_equal(request->host, "api.test");
  assert_int_equal(request->port, 8443);
  assert_string_equal(request->headers[0].name, "Authorization");
  assert_memory_equal(request->headers[0].value, "Bearer gsk_test_", 16);
  assert_string_equal(header_of(request, "Content-Type"), "application/json");
  assert_int_equal(strlen(header_of(request, "Idempotency-Key")), 36);
  assert_memory_equal(request->body, "{}", 2);
  gitdev_call_free(call);
  call = new_call(client, "GET", 0);
  request = expect_send(call, 0);
  assert_null(header_of(request, "Idempotency-Key"));
  assert_null(header_of(request, "Content-Type"));
  assert_null(request->body);
  gitdev_call_free(call);
  gitdev_client_free(client);
}

/* What no server takes is refused before it is sent. */
static void refuse_long(gitdev_client *client) {
  static char text[40000];
  gitdev_call *call;
  gitdev_problem problem;
  memset(text, 'x', sizeof text - 1);
  const gitdev_header header = {"X-Long", text};
  const gitdev_call_options headers = {
      .method = "GET", .path = "/a", .headers = &header, .header_count = 1};
  assert_int_equal(gitdev_call_new(&call, client, &headers, 0, &problem), GITDEV_EINVAL);
  assert_non_null(strstr(problem.text, "headers: are longer"));
  text[0] = '/';
  const gitdev_call_options path = {.method = "GET", .path = text};
  assert_int_equal(gitdev_call_new(&call, client, &path, 0, &problem), GITDEV_EINVAL);
  assert_non_null(strstr(problem.text, "path: is longer"));
}

static void test_refused_options(void **state) {
  (void)state;
  static const gitdev_header injected = {"X-Note", "a\r\nX-Evil: 1"}, own = {"authorization", "x"},
                             unnamed = {"X Note", "a"}, plain = {"traceparent", "00-1-2-01"};
  static const struct {
    gitdev_call_options options;
    const char *word; /* in the problem; NULL: accepted */
  } cases[] = {
      {{.method = "GET", .path = "/a", .headers = &plain, .header_count = 1}, NULL},
      {{.method = NULL, .path = "/a"}, "method"},
      {{.method = "GE T", .path = "/a"}, "method"},
      {{.method = "", .path = "/a"}, "method"},
      {{.method = "get", .path = "/a"}, "in capitals"},
      {{.method = "POST", .path = "/a", .body_len = 2}, "body: is NULL"},
      {{.method = "GET", .path = NULL}, "path"},
      {{.method = "GET", .path = "a"}, "path"},
      {{.method = "GET", .path = "/a b"}, "path"},
      {{.method = "GET", .path = "/a\r\nX: 1"}, "path"},
      {{.method = "GET", .path = "/a#b"}, "path"},
      {{.method = "GET", .path = "/a/../b"}, ".. segment"},
      {{.method = "GET", .path = "/a/."}, ".. segment"},
      {{.method = "GET", .path = "/a/.../b?x=/../"}, NULL},
      {{.method = "GET", .path = "/\xc3\xa9"}, "path"},
      {{.method = "POST", .path = "/a", .idempotency_key = ""}, "idempotency_key"},
      {{.method = "POST", .path = "/a", .idempotency_key = "a b"}, "idempotency_key"},
      {{.method = "POST", .path = "/a", .idempotency_key = "\"quoted\""}, NULL},
      {{.method = "GET", .path = "/a", .headers = &injected, .header_count = 1}, "X-Note"},
      {{.method = "GET", .path = "/a", .headers = &own, .header_count = 1}, "authorization"},
      {{.method = "GET", .path = "/a", .headers = &unnamed, .header_count = 1}, "header name"},
      {{.method = "GET", .path = "/a", .header_count = 1}, "headers: is NULL"},
      {{.method = "GET", .path = "/a", .timeout = -1}, "timeout"},
      {{.method = "GET", .path = "/a", .max_retries = 21}, "max_retries"},
  };
  gitdev_client *client = new_client();
  refuse_long(client);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    gitdev_call *call;
    gitdev_problem problem = {""};
    int rc = gitdev_call_new(&call, client, &cases[i].options, 0, &problem);
    assert_int_equal(rc, cases[i].word ? GITDEV_EINVAL : GITDEV_OK);
    if (cases[i].word)
      assert_non_null(strstr(problem.text, cases[i].word));
    gitdev_call_free(call);
  }
  gitdev_client_free(client);
}

static void test_refused_clients(void **state) {
  (void)state;
  static const struct {
    gitdev_client_options options;
    const char *word;
  } cases[] = {
      {{.api_key = NULL}, "api_key"},
      {{.api_key = "sk_1"}, "api_key"},
      {{.api_key = "gsk_1\n"}, "api_key"},
      {{.api_key = KEY, .base_url = "http://127.0.0.1/v2"}, "base_url"},
      {{.api_key = KEY, .base_url = "HTTP://localhost"}, "base_url"},
      {{.api_key = KEY, .base_url = "ftp://localhost"}, "base_url"},
      {{.api_key = KEY, .timeout = -1}, "timeout"},
      {{.api_key = KEY, .max_retries = 99}, "max_retries"},
      {{.api_key = KEY, .user_agent = "a\nb"}, "user_agent"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    gitdev_client *client;
    gitdev_problem problem = {""};
    assert_int_equal(gitdev_client_new(&client, &cases[i].options, &problem), GITDEV_EINVAL);
    assert_non_null(strstr(problem.text, cases[i].word));
    assert_null(strstr(problem.text, "gsk_1"));
    assert_null(client);
  }
}

/* ---- retries ---- */

static void test_retry_keeps_its_key(void **state) {
  (void)state;
  gitdev_client *client = new_client();
  gitdev_call *call = new_call(client, "POST", 100);
  char key[64];
  snprintf(key, sizeof key, "%s", header_of(expect_send(call, 100), "Idempotency-Key"));
  answer(call, 100.1, 503, NULL, "<html>busy</html>");
  double until = expect_wait(call, 100.1);
  assert_true(until >= 100.1 + 0.25 && until <= 100.1 + 0.5);
  assert_string_equal(header_of(expect_send(call, until), "Idempotency-Key"), key);
  break_off(call, until + 1, GITDEV_FAILED_SENT, false);
  double again = expect_wait(call, until + 1);
  assert_true(again >= until + 1 + 0.5 && again <= until + 1 + 1.0);
  assert_string_equal(header_of(expect_send(call, again), "Idempotency-Key"), key);
  answer(call, again, 201, (const char *const[]){"X-Request-Id: req_9", NULL}, "{\"id\":1}");
  const gitdev_result *result = expect_done(call, again);
  assert_null(result->type);
  assert_int_equal(result->status, 201);
  assert_string_equal(result->body, "{\"id\":1}");
  assert_string_equal(result->request_id, "req_9");
  assert_int_equal(result->attempt_count, 3);
  assert_string_equal(result->attempts[0].verdict, "retry");
  assert_string_equal(result->attempts[0].reason, "server error");
  assert_int_equal(result->attempts[0].status, 503);
  assert_string_equal(result->attempts[1].reason, "connection lost");
  assert_int_equal(result->attempts[1].status, 0);
  assert_string_equal(result->attempts[2].verdict, "ok");
  assert_true(result->attempts[1].wait >= 0.25);
  gitdev_call_free(call);
  gitdev_client_free(client);
}

typedef struct ending {
  const char *name;
  int status; /* 0: a failure of `kind` */
  gitdev_outcome_kind kind;
  const char *body, *type, *code, *reason;
  bool retryable;
} ending;

/* One try, no retries allowed: how each ending is named. */
static void test_endings(void **state) {
  (void)state;
  static const char envelope[] =
      "{\"error\":{\"type\":\"conflict_error\",\"code\":\"invalid_state\",\"message\":\"It is "
      "gsk_live_secretsecret\\u0007 done.\",\"param\":\"a\",\"request_id\":\"req_1\"}}";
  static const ending cases[] = {
      {"state", 409, 0, envelope, "conflict_error", "invalid_state", "done", false},
      {"unknown type", 422, 0,
       "{\"error\":{\"type\":\"new_error\",\"code\":\"c\",\"message\":\"m\"}}",
       "invalid_request_error", "c", "done", false},
      {"html", 502, 0, "<html>", "api_error", NULL, "retries used up", true},
      {"no body", 401, 0, "", "authentication_error", NULL, "done", false},
      {"teapot", 418, 0, "", "invalid_request_error", NULL, "done", false},
      {"redirect", 302, 0, "", "response_error", "unexpected_status", "done", false},
      {"unknown", 799, 0, "", "response_error", "unexpected_status", "done", false},
      {"refused", 0, GITDEV_FAILED_UNSENT, "", "connection_error", "not_connected",
       "retries used up", true},
      {"cut", 0, GITDEV_FAILED_SENT, "", "connection_error", "connection_lost", "retries used up",
       true},
      {"trust", 0, GITDEV_FAILED_TRUST, "", "connection_error", "certificate_not_trusted", "done",
       false},
      {"garbage", 0, GITDEV_FAILED_ANSWER, "", "response_error", "malformed_response", "done",
       false},
      {"slow", 0, GITDEV_TIMED_OUT, "", "timeout_error", "try_timeout", "retries used up", true},
      {"local", 0, GITDEV_FAILED_LOCAL, "", "config_error", "transport", "done", false},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const ending *one = &cases[i];
    gitdev_client *client = new_client();
    const gitdev_call_options options = {
        .method = "POST", .path = "/a", .max_retries = GITDEV_NO_RETRIES};
    gitdev_call *call;
    assert_int_equal(gitdev_call_new(&call, client, &options, 0, NULL), GITDEV_OK);
    expect_send(call, 0);
    if (one->status)
      answer(call, 1, one->status, NULL, one->body);
    else
      break_off(call, 1, one->kind, false);
    const gitdev_result *result = expect_done(call, 1);
    assert_string_equal(result->type, one->type);
    if (one->code)
      assert_string_equal(result->code, one->code);
    else
      assert_null(result->code);
    assert_int_equal(result->status, one->status);
    assert_string_equal(result->attempts[0].reason, one->reason);
    assert_int_equal(result->retryable, one->retryable);
    assert_null(strstr(result->message, "secretsecret"));
    assert_null(strchr(result->message, '\a'));
    gitdev_call_free(call);
    gitdev_client_free(client);
  }
}

static void test_times(void **state) {
  (void)state;
  static const struct {
    const char *retry_after;
    double wait_least, wait_most; /* 0: the call ends */
    const char *reason;
  } cases[] = {
      {"Retry-After: 3", 3, 3.6, NULL},
      {"Retry-After: 60", 0, 0, "no time left"},
      {"Retry-After: 61", 0, 0, "Retry-After too long"},
      {"Retry-After: -1", 0.25, 0.5, NULL},
      {"Retry-After: 99999999999999999999", 0, 0, "Retry-After too long"},
      {"Retry-After: Sun, 06 Nov 1994 08:49:39 GMT", 2, 2.6, NULL},
      {"X-Should-Retry: false", 0, 0, "told not to"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    gitdev_client *client = new_client();
    const gitdev_call_options options = {.method = "GET", .path = "/a", .timeout = 20};
    gitdev_call *call;
    assert_int_equal(gitdev_call_new(&call, client, &options, 50, NULL), GITDEV_OK);
    expect_send(call, 50);
    answer(call, 50, 503,
           (const char *const[]){"Date: Sun, 06 Nov 1994 08:49:37 GMT", cases[i].retry_after, NULL},
           "");
    if (cases[i].wait_most > 0) {
      double until = expect_wait(call, 50);
      assert_true(until - 50 >= cases[i].wait_least && until - 50 <= cases[i].wait_most);
    } else {
      assert_string_equal(expect_done(call, 50)->attempts[0].reason, cases[i].reason);
    }
    gitdev_call_free(call);
    gitdev_client_free(client);
  }
}

static void test_deadline(void **state) {
  (void)state;
  gitdev_client *client = new_client();
  const gitdev_call_options options = {.method = "GET", .path = "/a", .timeout = 5};
  gitdev_call *call;
  assert_int_equal(gitdev_call_new(&call, client, &options, 0, NULL), GITDEV_OK);
  gitdev_action action = gitdev_call_next(call, 1);
  assert_int_equal(action.kind, GITDEV_SEND);
  assert_true(action.until <= 5); /* the try is bounded by the call */
  break_off(call, 5, GITDEV_TIMED_OUT, false);
  const gitdev_result *result = expect_done(call, 5);
  assert_string_equal(result->type, "timeout_error");
  assert_string_equal(result->code, "deadline");
  gitdev_call_free(call);
  /* One that never got its turn. */
  assert_int_equal(gitdev_call_new(&call, client, &options, 0, NULL), GITDEV_OK);
  result = expect_done(call, 6);
  assert_string_equal(result->type, "timeout_error");
  assert_int_equal(result->attempt_count, 0);
  gitdev_call_free(call);
  gitdev_client_free(client);
}

/* ---- what clients share ---- */

static void test_a_limit_pauses_everyone(void **state) {
  (void)state;
  gitdev_client *client = new_client(), *twin = new_client();
  gitdev_client_share(twin, client);
  gitdev_call *first = new_call(client, "GET", 0), *second = new_call(twin, "GET", 0);
  expect_send(first, 0);
  answer(first, 0.1, 429, (const char *const[]){"Retry-After: 7", "X-RateLimit-Remaining: 0", NULL},
         "");
  assert_true(expect_wait(second, 0.1) >= 7.1 - 1e-9);
  assert_true(expect_wait(first, 0.1) >= 7.1 - 1e-9);
  gitdev_rate_limit limit;
  gitdev_client_rate_limit(twin, 1.1, &limit);
  assert_true(limit.paused_for > 5.9 && limit.paused_for < 6.1);
  gitdev_call_free(first);
  gitdev_call_free(second);
  gitdev_client_free(client);
  gitdev_client_free(twin);
}

/* A 429 that leaves tokens refuses one thing (a stream, a check), not the key. */
static void test_another_limit_pauses_nobody(void **state) {
  (void)state;
  gitdev_client *client = new_client();
  gitdev_call *first = new_call(client, "GET", 0), *second = new_call(client, "GET", 0);
  expect_send(first, 0);
  answer(first, 0.1, 429,
         (const char *const[]){"Retry-After: 7", "X-RateLimit-Remaining: 150", NULL}, "");
  expect_send(second, 0.2);
  gitdev_call_free(first);
  gitdev_call_free(second);
  gitdev_client_free(client);
}

static void test_limits_are_asked_for(void **state) {
  (void)state;
  gitdev_client *client = new_client();
  gitdev_call *first = new_call(client, "GET", 0);
  expect_send(first, 0);
  answer(first, 0.1, 200, (const char *const[]){"X-RateLimit-Remaining: 0", NULL}, "{}");
  expect_done(first, 0.1);
  gitdev_call *second = new_call(client, "GET", 0.2);
  const gitdev_request *probe = expect_send(second, 0.2);
  assert_string_equal(probe->url, "https://api.test:8443/v2/rate_limit");
  answer(second, 0.3, 200, NULL,
         "{\"plan\":\"starter\",\"per_minute\":60,\"burst\":10,\"remaining\":0}");
  double until = expect_wait(second, 0.3);
  assert_true(until > 0.3 && until <= 1.4);
  assert_string_equal(expect_send(second, until)->url, "https://api.test:8443/v2/deployments");
  answer(second, until, 200, NULL, "{}");
  assert_int_equal(expect_done(second, until)->attempt_count, 1);
  gitdev_rate_limit limit;
  gitdev_client_rate_limit(client, until, &limit);
  assert_true(limit.per_minute > 59.9 && limit.per_minute < 60.1);
  gitdev_call_free(first);
  gitdev_call_free(second);
  gitdev_client_free(client);
}

static void test_budget_ends_a_storm(void **state) {
  (void)state;
  gitdev_client *client = new_client();
  int tries = 0, calls = 40;
  const char *reason = NULL;
  for (int i = 0; i < calls; i++) {
    gitdev_call *call = new_call(client, "GET", 0);
    double now = 0;
    gitdev_action action;
    while ((action = gitdev_call_next(call, now)).kind != GITDEV_DONE) {
      if (action.kind == GITDEV_SEND) {
        tries++;
        answer(call, now, 500, NULL, "");
      } else {
        now = action.until;
      }
    }
    const gitdev_result *result = gitdev_call_result(call);
    reason = result->attempts[result->attempt_count - 1].reason;
    gitdev_call_free(call);
  }
  assert_int_equal(tries, calls + 20);
  assert_string_equal(reason, "retry budget empty");
  gitdev_client_free(client);
}

/* ---- endings by the caller ---- */

static void test_cancel(void **state) {
  (void)state;
  gitdev_client *client = new_client();
  gitdev_call *call = new_call(client, "POST", 0);
  expect_send(call, 0);
  gitdev_call_cancel(call, 1);
  assert_string_equal(expect_done(call, 1)->type, "canceled_error");
  break_off(call, 2, GITDEV_FAILED_SENT, false); /* a late report changes nothing */
  assert_string_equal(expect_done(call, 2)->type, "canceled_error");
  gitdev_client_free(client); /* before its call: allowed */
  gitdev_call_free(call);
}

static void test_answers_have_caps(void **state) {
  (void)state;
  gitdev_client *client;
  const gitdev_client_options options = {.api_key = KEY, .body_max = 10};
  assert_int_equal(gitdev_client_new(&client, &options, NULL), GITDEV_OK);
  gitdev_call *call = new_call(client, "GET", 0);
  expect_send(call, 0);
  assert_true(gitdev_call_begin(call, 200));
  assert_false(gitdev_call_header(call, "a", 1, "b\rc", 3));
  assert_false(gitdev_call_header(call, "a b", 3, "c", 1));
  assert_false(gitdev_call_header(call, "", 0, "c", 1));
  assert_int_equal(gitdev_call_data(call, "0123456789", 10), GITDEV_OK);
  assert_int_equal(gitdev_call_data(call, "x", 1), GITDEV_EINVAL);
  assert_true(gitdev_call_begin(call, 200));
  bool fits = true;
  int count = 0;
  while ((fits = gitdev_call_header(call, "a", 1, "b", 1)) && count < 1000)
    count++;
  assert_false(fits);
  gitdev_call_free(call);
  gitdev_client_free(client);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_request),
      cmocka_unit_test(test_refused_options),
      cmocka_unit_test(test_refused_clients),
      cmocka_unit_test(test_retry_keeps_its_key),
      cmocka_unit_test(test_endings),
      cmocka_unit_test(test_times),
      cmocka_unit_test(test_deadline),
      cmocka_unit_test(test_a_limit_pauses_everyone),
      cmocka_unit_test(test_another_limit_pauses_nobody),
      cmocka_unit_test(test_limits_are_asked_for),
      cmocka_unit_test(test_budget_ends_a_storm),
      cmocka_unit_test(test_cancel),
      cmocka_unit_test(test_answers_have_caps),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

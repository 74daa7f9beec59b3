/* Calls that open a WebSocket, over real TLS against a listener on the same loop: whatever may answer
 * them, and what becomes of the sockets when others end. */
#include "authority.h"
#include "net/certificate.h"
#include "net/listener.h"
#include "net/socket.h"
#include "wire/handshake.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const char KEY[] = "gsk_test_0123456789abcdefghijklmnopqrstuv";
static const char PROTOCOL[] = "git.logs.v1";

enum { PEERS_MAX = 64, ANSWERS_MAX = 4, TARGET_MAX = 64 };

/* How the server answers. In `text` the first %s becomes the accept header's right value; NULL: it
 * accepts. */
typedef struct answer {
  const char *text;
  bool held; /* it does not answer */
} answer;

typedef struct world {
  gitdev_loop *loop;
  gitdev_listener *listener, *mute; /* the second is never looked at */
  gitdev_engine *engine;
  gitdev_client *client;
  answer answers[ANSWERS_MAX]; /* by number of request; then the last again */
  size_t answer_count;
  size_t requests;
  gitdev_exchange *held[PEERS_MAX];
  size_t held_count;
  gitdev_socket *peers[PEERS_MAX]; /* the server's ends */
  size_t peer_count;
  char head[1024]; /* of the last request: "name: value\n" for each field */
  char ca_file[AUTHORITY_PATH_SIZE];
} world;

static gitdev_client *new_client(const world *w, const gitdev_listener *listener,
                                 gitdev_client_options options) {
  char url[64];
  gitdev_client *client;
  snprintf(url, sizeof url, "https://127.0.0.1:%d/v2", gitdev_listener_port(listener));
  options.api_key = KEY;
  options.base_url = url;
  options.ca_file = w->ca_file;
  assert_int_equal(gitdev_client_new(&client, &options, NULL), GITDEV_OK);
  return client;
}

static void use_client(world *w, const gitdev_listener *listener, gitdev_client_options options) {
  gitdev_client_free(w->client);
  w->client = new_client(w, listener, options);
}

static int set_up(void **state) {
  const char *const names[] = {"127.0.0.1"};
  world *w = calloc(1, sizeof *w);
  assert_non_null(w);
  gitdev_certificate certificate;
  assert_int_equal(gitdev_certificate_make(&certificate, names, 1, 1), GITDEV_OK);
  authority_write(w->ca_file, &certificate);
  assert_int_equal(gitdev_loop_new(&w->loop), GITDEV_OK);
  const gitdev_listener_options listen = {.certificate = &certificate};
  assert_int_equal(gitdev_listener_new(&w->listener, w->loop, &listen), GITDEV_OK);
  assert_int_equal(gitdev_listener_new(&w->mute, w->loop, &listen), GITDEV_OK);
  gitdev_certificate_free(&certificate);
  assert_int_equal(gitdev_engine_new(&w->engine, w->loop, NULL), GITDEV_OK);
  w->client = new_client(w, w->listener, (gitdev_client_options){0});
  *state = w;
  return 0;
}

static int tear_down(void **state) {
  world *w = *state;
  for (size_t i = 0; i < w->held_count; i++)
    gitdev_exchange_free(w->held[i]);
  for (size_t i = 0; i < w->peer_count; i++)
    gitdev_socket_free(w->peers[i]);
  gitdev_engine_free(w->engine);
  gitdev_client_free(w->client);
  gitdev_listener_free(w->listener);
  gitdev_listener_free(w->mute);
  gitdev_loop_free(w->loop);
  unlink(w->ca_file);
  free(w);
  return 0;
}

/* ---- the server ---- */

static void keep_head(world *w, const gitdev_message *message) {
  size_t len = 0;
  for (size_t i = 0; i < message->field_count; i++) {
    const gitdev_field *field = &message->fields[i];
    int wrote = snprintf(w->head + len, sizeof w->head - len, "%.*s: %.*s\n", (int)field->name_len,
                         field->name, (int)field->value_len, field->value);
    assert_in_range(wrote, 1, sizeof w->head - len - 1);
    len += (size_t)wrote;
  }
}

static void answer_raw(gitdev_exchange *exchange, const char *text) {
  char accept[GITDEV_HANDSHAKE_ACCEPT_SIZE] = "", bytes[2048];
  const char *problem;
  gitdev_handshake_read(gitdev_exchange_message(exchange), accept, &problem);
  const char *mark = strstr(text, "%s");
  int before = mark ? (int)(mark - text) : (int)strlen(text);
  int len = snprintf(bytes, sizeof bytes, "%.*s%s%s", before, text, mark ? accept : "",
                     mark ? mark + 2 : "");
  assert_in_range(len, 0, sizeof bytes - 1);
  assert_int_equal(gitdev_exchange_raw(exchange, bytes, (size_t)len, false), GITDEV_OK);
}

/* The machine may ask for the limits: those it does not get. */
static bool is_probe(const gitdev_exchange *exchange) {
  const gitdev_message *message = gitdev_exchange_message(exchange);
  static const char target[] = "/v2/rate_limit";
  return message->target_len == sizeof target - 1 &&
         memcmp(message->target, target, sizeof target - 1) == 0;
}

static void serve(world *w, gitdev_exchange *exchange) {
  if (is_probe(exchange)) {
    assert_int_equal(gitdev_exchange_answer(exchange, 404, "", 0, "", 0), GITDEV_OK);
    gitdev_exchange_free(exchange);
    return;
  }
  const answer *how =
      w->answer_count
          ? &w->answers[w->requests < w->answer_count ? w->requests : w->answer_count - 1]
          : &(const answer){0};
  w->requests++;
  keep_head(w, gitdev_exchange_message(exchange));
  if (how->held) {
    w->held[w->held_count++] = exchange;
    return;
  }
  if (how->text)
    answer_raw(exchange, how->text);
  else
    assert_int_equal(gitdev_exchange_upgrade(exchange, PROTOCOL, "X-Request-Id: req_1\r\n", 21, 0,
                                             &w->peers[w->peer_count++]),
                     GITDEV_OK);
  gitdev_exchange_free(exchange);
}

static void turn(world *w) {
  gitdev_exchange *exchange;
  assert_int_equal(gitdev_step(w->loop, 5), 0);
  while ((exchange = gitdev_listener_next(w->listener)))
    serve(w, exchange);
}

/* ---- the client ---- */

static gitdev_call *submit_within(world *w, double timeout) {
  gitdev_call *call;
  const gitdev_call_options options = {
      .method = "GET", .path = "/logs?tail=1", .upgrade = PROTOCOL, .timeout = timeout};
  assert_int_equal(gitdev_call_new(&call, w->client, &options, gitdev_now(), NULL), GITDEV_OK);
  assert_int_equal(gitdev_submit(w->engine, call, NULL, NULL), GITDEV_OK);
  return call;
}

static gitdev_call *submit(world *w) {
  return submit_within(w, 0);
}

static const gitdev_result *run(world *w, gitdev_call *call) {
  while (!gitdev_call_result(call))
    turn(w);
  return gitdev_call_result(call);
}

static gitdev_socket *open_one(world *w) {
  gitdev_call *call = submit(w);
  assert_null(run(w, call)->type);
  gitdev_socket *socket = gitdev_call_socket(call);
  assert_non_null(socket);
  gitdev_call_free(call);
  return socket;
}

static void expect_text(world *w, gitdev_socket *socket, const char *text) {
  const char *message;
  size_t len;
  bool binary;
  int rc;
  while ((rc = gitdev_socket_read(socket, &message, &len, &binary)) == GITDEV_AGAIN)
    turn(w);
  assert_int_equal(rc, GITDEV_OK);
  assert_false(binary);
  assert_string_equal(message, text);
}

static void expect_closed(world *w, gitdev_socket *socket, int code) {
  const char *message;
  size_t len;
  int rc;
  while ((rc = gitdev_socket_read(socket, &message, &len, NULL)) == GITDEV_AGAIN)
    turn(w);
  assert_int_equal(rc, GITDEV_ECLOSED);
  assert_int_equal(gitdev_socket_close_code(socket), code);
}

static void say(gitdev_socket *socket, const char *text) {
  assert_int_equal(gitdev_socket_send(socket, text, strlen(text)), GITDEV_OK);
}

/* ---- opening ---- */

static void test_a_call_opens_a_websocket(void **state) {
  world *w = *state;
  gitdev_call *call = submit(w);
  const gitdev_result *result = run(w, call);
  assert_null(result->type);
  assert_int_equal(result->status, 101);
  assert_string_equal(result->request_id, "req_1");
  assert_int_equal(result->body_len, 0);
  assert_int_equal(result->attempt_count, 1);
  const gitdev_attempt *attempt = result->attempts;
  assert_string_equal(attempt->verdict, "ok");
  assert_true(attempt->tls > 0 && attempt->first_byte >= attempt->tls);
  assert_true(attempt->total >= attempt->first_byte);
  gitdev_socket *socket = gitdev_call_socket(call);
  assert_non_null(socket);
  assert_null(gitdev_call_socket(call));
  gitdev_call_free(call);
  say(w->peers[0], "hello");
  expect_text(w, socket, "hello");
  say(socket, "and you");
  expect_text(w, w->peers[0], "and you");
  assert_int_equal(gitdev_socket_close(socket, 1000, "done"), GITDEV_OK);
  expect_closed(w, w->peers[0], 1000);
  expect_closed(w, socket, 1000);
  gitdev_socket_free(socket);
}

static void test_the_request_is_a_handshake_with_the_calls_headers(void **state) {
  static const char *const lines[] = {
      "host: 127.0.0.1:",     "authorization: Bearer gsk_test_",
      "user-agent: gitdev-c", "accept: application/json\n",
      "upgrade: websocket\n", "connection: Upgrade\n",
      "x-more: 1\n",          "sec-websocket-version: 13\n",
      "sec-websocket-key: ",  "sec-websocket-protocol: git.logs.v1\n"};
  world *w = *state;
  const gitdev_header header = {"X-More", "1"};
  const gitdev_call_options options = {
      .method = "GET", .path = "/logs", .upgrade = PROTOCOL, .headers = &header, .header_count = 1};
  gitdev_call *call;
  assert_int_equal(gitdev_call_new(&call, w->client, &options, gitdev_now(), NULL), GITDEV_OK);
  assert_int_equal(gitdev_submit(w->engine, call, NULL, NULL), GITDEV_OK);
  assert_null(run(w, call)->type);
  gitdev_call_free(call);
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
    assert_non_null(strstr(w->head, lines[i]));
  assert_null(strstr(w->head, "extensions"));
  assert_null(strstr(w->head, "idempotency-key"));
}

/* What libcurl would give a connection up for: more of them to a host than it keeps of others. */
static void test_many_are_open_at_once(void **state) {
  enum { MANY = 50 };
  world *w = *state;
  gitdev_call *calls[MANY];
  gitdev_socket *sockets[MANY];
  for (size_t i = 0; i < MANY; i++)
    calls[i] = submit(w);
  for (size_t i = 0; i < MANY; i++) {
    assert_null(run(w, calls[i])->type);
    assert_int_equal(gitdev_call_result(calls[i])->attempt_count, 1);
    sockets[i] = gitdev_call_socket(calls[i]);
    gitdev_call_free(calls[i]);
  }
  assert_int_equal(w->requests, MANY);
  for (size_t i = 0; i < MANY; i++)
    say(w->peers[i], "here");
  for (size_t i = 0; i < MANY; i++) {
    expect_text(w, sockets[i], "here");
    gitdev_socket_free(sockets[i]);
  }
}

static void test_what_comes_behind_the_head_are_frames(void **state) {
  world *w = *state;
  w->answers[0].text =
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Accept: %s\r\n\r\n\x81\x03one\x81\x03two\x88\x02\x0f\xa1";
  w->answer_count = 1;
  gitdev_socket *socket = open_one(w);
  expect_text(w, socket, "one");
  expect_text(w, socket, "two");
  expect_closed(w, socket, 4001);
  gitdev_socket_free(socket);
}

typedef struct refusal {
  const char *text;
  const char *type, *code;
  int status;
  const char *words; /* in the message */
  bool retryable;
} refusal;

#define UPGRADED(status, fields)                                                                   \
  "HTTP/1.1 " status "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" fields "\r\n"
#define REFUSED(status, fields, body)                                                              \
  "HTTP/1.1 " status "\r\nContent-Type: application/json\r\n" fields "\r\n" body
#define ACCEPTED   "Sec-WebSocket-Accept: %s\r\n"
#define FOUR(text) text text text text

static const refusal refusals[] = {
    {REFUSED("410 Gone", "Content-Length: 80\r\n",
             "{\"error\":{\"type\":\"invalid_request_error\",\"code\":\"cursor_expired\","
             "\"message\":\"x\"}}"),
     "invalid_request_error", "cursor_expired", 410, "x", false},
    {REFUSED("401 No", "Transfer-Encoding: chunked\r\n",
             "52\r\n{\"error\":{\"type\":\"authentication_error\",\"code\":\"ticket_invalid\","
             "\"message\":\"gone\"}}\r\n0\r\n\r\n"),
     "authentication_error", "ticket_invalid", 401, "gone", false},
    {"HTTP/1.1 426 Upgrade Required\r\n\r\n", "invalid_request_error", "", 426, "426", false},
    {"HTTP/1.1 403 No\r\nContent-Type: text/html\r\n\r\n<html>until it closes", "permission_error",
     "", 403, "proxy", false},
    {"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", "api_error", "", 503, "503", true},
    {"HTTP/1.1 301 No\r\nLocation: https://b/\r\nContent-Length: 0\r\n\r\n", "response_error",
     "unexpected_status", 301, "redirects", false},
    {"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n<html>", "response_error", "not_upgraded",
     200, "status 200)", false},
    {"HTTP/1.1 204 OK\r\n\r\n", "response_error", "not_upgraded", 204, "status 204)", false},
    {"HTTP/1.1 304 OK\r\n\r\n", "response_error", "not_upgraded", 304, "status 304)", false},
    {UPGRADED("101 OK", "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"), "response_error",
     "not_upgraded", 101, "Sec-WebSocket-Accept", false},
    {UPGRADED("101 OK", ""), "response_error", "not_upgraded", 101, "Sec-WebSocket-Accept", false},
    {UPGRADED("101 OK", ACCEPTED "Sec-WebSocket-Protocol: chat\r\n"), "response_error",
     "not_upgraded", 101, "Sec-WebSocket-Protocol", false},
    {UPGRADED("101 OK", ACCEPTED "Sec-WebSocket-Extensions: permessage-deflate\r\n"),
     "response_error", "not_upgraded", 101, "Sec-WebSocket-Extensions", false},
    {"HTTP/1.1 101 OK\r\nConnection: Upgrade\r\n" ACCEPTED "\r\n", "response_error", "not_upgraded",
     101, "Upgrade", false},
    {"HTTP/1.1 101 OK\r\nUpgrade: websocket\r\n" ACCEPTED "\r\n", "response_error", "not_upgraded",
     101, "Connection", false},
    {FOUR(FOUR(FOUR("HTTP/1.1 102\r\n\r\n"))) "HTTP/1.1 102\r\n\r\n", "response_error",
     "malformed_response", 0, "1xx", false},
    {"SSH-2.0-OpenSSH_9\r\n", "response_error", "malformed_response", 0, "malformed", false},
    {"HTTP/1.1 403 No\r\nA : b\r\n\r\n", "response_error", "malformed_response", 0, "malformed",
     false},
    {"HTTP/1.1 101 OK\r\nUpgrade: webso", "connection_error", "connection_lost", 0, "closed", true},
    {"HTTP/1.1 403 No\r\nContent-Length: 10\r\n\r\nabc", "connection_error", "connection_lost", 403,
     "closed", true},
    {"", "connection_error", "connection_lost", 0, "closed", true},
};

static void test_whatever_does_not_open_one_is_an_error(void **state) {
  world *w = *state;
  use_client(w, w->listener, (gitdev_client_options){.max_retries = GITDEV_NO_RETRIES});
  w->answer_count = 1;
  for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
    const refusal *one = &refusals[i];
    w->answers[0].text = one->text;
    gitdev_call *call = submit(w);
    const gitdev_result *result = run(w, call);
    assert_string_equal(result->type, one->type);
    assert_string_equal(result->code ? result->code : "", one->code);
    assert_int_equal(result->status, one->status);
    assert_non_null(strstr(result->message, one->words));
    assert_int_equal(result->retryable, one->retryable);
    assert_int_equal(result->attempt_count, 1);
    assert_null(gitdev_call_socket(call));
    gitdev_call_free(call);
  }
}

static void test_a_refusal_that_may_pass_is_repeated(void **state) {
  static const char *const passing[] = {
      "HTTP/1.1 429 No\r\nRetry-After: 0\r\nX-RateLimit-Remaining: 0\r\nContent-Length: 0\r\n\r\n",
      "HTTP/1.1 503 No\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n",
      "HTTP/1.1 503 No\r\nRetry-After: 0\r\nContent-Le", ""};
  world *w = *state;
  w->answer_count = 2;
  for (size_t i = 0; i < sizeof passing / sizeof *passing; i++) {
    w->requests = 0;
    w->answers[0].text = passing[i];
    gitdev_call *call = submit(w);
    const gitdev_result *result = run(w, call);
    assert_null(result->type);
    assert_int_equal(result->attempt_count, 2);
    assert_int_equal(w->requests, 2);
    gitdev_call_free(call);
  }
}

static void test_a_body_has_its_cap(void **state) {
  world *w = *state;
  use_client(w, w->listener,
             (gitdev_client_options){.max_retries = GITDEV_NO_RETRIES, .body_max = 4});
  w->answers[0].text = "HTTP/1.1 404 No\r\nContent-Length: 5\r\n\r\n12345";
  w->answer_count = 1;
  gitdev_call *call = submit(w);
  assert_string_equal(run(w, call)->code, "malformed_response");
  gitdev_call_free(call);
}

static void test_what_cannot_be_asked_for_is_refused(void **state) {
  world *w = *state;
  const gitdev_header own = {"Sec-WebSocket-Key", "x"};
  const gitdev_call_options wrong[] = {
      {.method = "POST", .path = "/a", .upgrade = PROTOCOL},
      {.method = "GET", .path = "/a", .upgrade = PROTOCOL, .body = "", .body_len = 0},
      {.method = "GET", .path = "/a", .upgrade = ""},
      {.method = "GET", .path = "/a", .upgrade = "a, b"},
      {.method = "GET", .path = "/a", .upgrade = "a\r\nb"},
      {.method = "GET", .path = "/a", .headers = &own, .header_count = 1},
  };
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    gitdev_call *call;
    gitdev_problem problem = {""};
    assert_int_equal(gitdev_call_new(&call, w->client, &wrong[i], gitdev_now(), &problem),
                     GITDEV_EINVAL);
    assert_true(strstr(problem.text, "upgrade: ") || strstr(problem.text, "headers: "));
  }
}

/* ---- time, and giving up ---- */

static void test_the_deadline_ends_it_at_every_stage(void **state) {
  world *w = *state;
  w->answers[0].held = true;
  w->answer_count = 1;
  gitdev_call *call = submit_within(w, 0.2); /* no answer */
  const gitdev_result *result = run(w, call);
  assert_string_equal(result->type, "timeout_error");
  assert_string_equal(result->code, "deadline");
  assert_int_equal(w->requests, 1);
  assert_true(result->attempts[0].tls > 0 && result->attempts[0].first_byte < 0);
  gitdev_call_free(call);
  use_client(w, w->mute, (gitdev_client_options){0});
  call = submit_within(w, 0.2); /* it shakes hands, and nobody reads the request */
  result = run(w, call);
  assert_string_equal(result->code, "deadline");
  assert_int_equal(result->attempt_count, 1);
  gitdev_call_free(call);
}

static void test_a_try_has_its_time(void **state) {
  world *w = *state;
  use_client(w, w->listener, (gitdev_client_options){.try_timeout = 0.1});
  w->answers[0].held = true;
  w->answer_count = 2;
  gitdev_call *call = submit(w);
  const gitdev_result *result = run(w, call);
  assert_null(result->type);
  assert_int_equal(result->attempt_count, 2);
  assert_string_equal(result->attempts[0].reason, "timed out");
  gitdev_call_free(call);
}

static void test_an_origin_that_is_not_there_was_not_reached(void **state) {
  world *w = *state;
  gitdev_listener *gone = w->mute;
  use_client(w, gone, (gitdev_client_options){.max_retries = GITDEV_NO_RETRIES});
  gitdev_listener_free(gone);
  w->mute = NULL;
  gitdev_call *call = submit(w);
  const gitdev_result *result = run(w, call);
  assert_string_equal(result->type, "connection_error");
  assert_string_equal(result->code, "not_connected");
  assert_true(result->retryable);
  gitdev_call_free(call);
}

/* The system knows nothing of the test's authority, and that another client does, whose TLS session
 * could be taken up, does not count. */
static void test_a_certificate_is_verified(void **state) {
  world *w = *state;
  char url[64];
  gitdev_socket *other = open_one(w);
  say(w->peers[0], "hello");
  expect_text(w, other, "hello");
  gitdev_socket_free(other);
  snprintf(url, sizeof url, "https://127.0.0.1:%d/v2", gitdev_listener_port(w->listener));
  const gitdev_client_options options = {.api_key = KEY, .base_url = url};
  gitdev_client_free(w->client);
  assert_int_equal(gitdev_client_new(&w->client, &options, NULL), GITDEV_OK);
  gitdev_call *call = submit(w);
  assert_string_equal(run(w, call)->code, "certificate_not_trusted");
  assert_int_equal(w->requests, 1);
  gitdev_call_free(call);
}

static void count(gitdev_call *call, void *payload) {
  (void)call;
  ++*(int *)payload;
}

static void test_a_call_is_canceled_at_every_stage(void **state) {
  world *w = *state;
  w->answers[0].held = true;
  w->answer_count = 1;
  for (size_t steps = 0; steps < 12; steps++) {
    gitdev_call *call;
    int done = 0;
    const gitdev_call_options options = {.method = "GET", .path = "/a", .upgrade = PROTOCOL};
    assert_int_equal(gitdev_call_new(&call, w->client, &options, gitdev_now(), NULL), GITDEV_OK);
    assert_int_equal(gitdev_submit(w->engine, call, count, &done), GITDEV_OK);
    for (size_t i = 0; i < steps; i++) {
      gitdev_exchange *exchange;
      gitdev_step(w->loop, 0);
      while ((exchange = gitdev_listener_next(w->listener)))
        serve(w, exchange);
    }
    gitdev_cancel(w->engine, call);
    assert_string_equal(gitdev_call_result(call)->type, "canceled_error");
    assert_int_equal(done, 0);
    assert_null(gitdev_call_socket(call));
    gitdev_call_free(call);
  }
  assert_true(w->requests > 0);
}

/* Whoever waits for a call may be interrupted when it is done already. */
static void test_what_was_opened_goes_with_a_call_that_is_canceled(void **state) {
  world *w = *state;
  gitdev_call *call = submit(w), *other = submit(w);
  assert_null(run(w, call)->type);
  assert_null(run(w, other)->type);
  gitdev_cancel(w->engine, call);
  assert_null(gitdev_call_result(call)->type);
  assert_null(gitdev_call_socket(call));
  expect_closed(w, w->peers[0], 1001);
  gitdev_socket *socket = gitdev_call_socket(other);
  gitdev_cancel(w->engine, other);
  say(w->peers[1], "here");
  expect_text(w, socket, "here");
  gitdev_socket_free(socket);
  gitdev_call_free(call);
  gitdev_call_free(other);
}

/* ---- ends that others make ---- */

static void note(void *payload, gitdev_socket *socket) {
  *(int *)payload = gitdev_socket_close_code(socket);
}

static void test_closing_a_client_closes_its_sockets_and_no_others(void **state) {
  world *w = *state;
  int told = 0;
  gitdev_socket *own = open_one(w);
  gitdev_client *first = w->client;
  w->client = new_client(w, w->listener, (gitdev_client_options){0});
  gitdev_socket *other = open_one(w);
  gitdev_socket_on_news(own, note, &told);
  gitdev_cancel_all(w->engine, first);
  assert_int_equal(told, 0); /* who closes is not called back */
  while (!told)
    turn(w);
  assert_int_equal(told, 1006);
  assert_string_equal(gitdev_socket_close_reason(own), "the client was closed");
  expect_closed(w, w->peers[0], 1001);
  say(w->peers[1], "still here");
  expect_text(w, other, "still here");
  gitdev_socket_free(own);
  gitdev_socket_free(other);
  gitdev_client_free(first);
}

/* In any order: sockets that somebody has, that a call still has, and calls under way. */
static void test_an_engine_ends_with_what_is_open(void **state) {
  world *w = *state;
  gitdev_socket *taken = open_one(w);
  gitdev_call *kept = submit(w);
  assert_null(run(w, kept)->type);
  gitdev_call *under_way = submit(w);
  gitdev_engine_free(w->engine);
  assert_string_equal(gitdev_call_result(under_way)->type, "canceled_error");
  assert_null(gitdev_call_socket(kept));
  assert_int_equal(gitdev_socket_send(taken, "x", 1), GITDEV_ECLOSED);
  expect_closed(w, taken, 1006);
  expect_closed(w, w->peers[0], 1001);
  expect_closed(w, w->peers[1], 1001);
  gitdev_socket_free(taken);
  gitdev_call_free(kept);
  gitdev_call_free(under_way);
  assert_int_equal(gitdev_engine_new(&w->engine, w->loop, NULL), GITDEV_OK);
}

static void test_a_socket_that_nobody_takes_goes_with_its_call(void **state) {
  world *w = *state;
  gitdev_call *call = submit(w);
  assert_null(run(w, call)->type);
  gitdev_call_free(call);
  expect_closed(w, w->peers[0], 1001);
}

static void test_a_socket_lives_without_its_client(void **state) {
  world *w = *state;
  gitdev_socket *socket = open_one(w);
  gitdev_client_free(w->client);
  w->client = NULL;
  say(socket, "hello");
  expect_text(w, w->peers[0], "hello");
  gitdev_socket_free(socket);
}

/* What is written in a child would be read by the parent's peer as the parent's. */
static void test_a_fork_leaves_the_parents_socket_alone(void **state) {
  world *w = *state;
  gitdev_socket *socket = open_one(w);
  for (int order = 0; order < 3; order++) {
    gitdev_call *under_way = submit(w);
    gitdev_step(w->loop, 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
      bool fine = order == 1 || gitdev_socket_send(socket, "not mine", 8) == GITDEV_ECLOSED;
      if (order == 0)
        gitdev_socket_free(socket);
      gitdev_engine_free(w->engine);
      if (order == 1)
        gitdev_socket_free(socket);
      _exit(fine ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_null(run(w, under_way)->type);
    gitdev_call_free(under_way);
    say(socket, "mine");
    expect_text(w, w->peers[0], "mine");
    say(w->peers[0], "yours");
    expect_text(w, socket, "yours");
  }
  gitdev_socket_free(socket);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(test_a_call_opens_a_websocket),
      TEST(test_the_request_is_a_handshake_with_the_calls_headers),
      TEST(test_many_are_open_at_once),
      TEST(test_what_comes_behind_the_head_are_frames),
      TEST(test_whatever_does_not_open_one_is_an_error),
      TEST(test_a_refusal_that_may_pass_is_repeated),
      TEST(test_a_body_has_its_cap),
      TEST(test_what_cannot_be_asked_for_is_refused),
      TEST(test_the_deadline_ends_it_at_every_stage),
      TEST(test_a_try_has_its_time),
      TEST(test_an_origin_that_is_not_there_was_not_reached),
      TEST(test_a_certificate_is_verified),
      TEST(test_a_call_is_canceled_at_every_stage),
      TEST(test_what_was_opened_goes_with_a_call_that_is_canceled),
      TEST(test_closing_a_client_closes_its_sockets_and_no_others),
      TEST(test_an_engine_ends_with_what_is_open),
      TEST(test_a_socket_that_nobody_takes_goes_with_its_call),
      TEST(test_a_socket_lives_without_its_client),
      TEST(test_a_fork_leaves_the_parents_socket_alone),
  };
#undef TEST
  return cmocka_run_group_tests(tests, NULL, NULL);
}

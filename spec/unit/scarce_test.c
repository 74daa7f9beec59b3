/* Memory that runs out, for one block or for good, at each place where the library takes some while it makes calls
 * of all kinds: nothing crashes, leaks or hangs, and every call has an end with words. libcurl keeps to the C
 * library's memory here: it does not survive all of that itself. */
#include "gitdev.h"
#include "net/listener.h"
#include "origin.h"
#include <curl/curl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { UPLOAD = 50000, SOCKETS = 2048, FOR_GOOD = 1 << 30 };

static const double PATIENCE = 60; /* only a bug makes anyone wait that long */

/* ---- an allocator that fails as it is told, on the test's thread alone ---- */

static _Thread_local struct {
  bool on;
  long taken;          /* blocks that were asked for since it is on */
  long good, short_of; /* so many are given, then so many refused */
} scarcity;

static atomic_long blocks;

static bool is_out(void) {
  if (!scarcity.on)
    return false;
  scarcity.taken++;
  if (scarcity.good > 0) {
    scarcity.good--;
    return false;
  }
  if (scarcity.short_of == 0)
    return false;
  scarcity.short_of--;
  return true;
}

static void *take(size_t size) {
  void *block = size == 0 || is_out() ? NULL : malloc(size);
  if (block)
    atomic_fetch_add(&blocks, 1);
  return block;
}

static void *resize(void *block, size_t size) {
  return is_out() ? NULL : realloc(block, size);
}

static void give_back(void *block) {
  atomic_fetch_sub(&blocks, 1);
  free(block);
}

/* ---- the server ---- */

typedef struct peer {
  gitdev_socket *sockets[SOCKETS]; /* which have said goodbye; freed when the server has gone */
  size_t count;
} peer;

static void upgrade(peer *self, gitdev_exchange *exchange) {
  if (self->count == SOCKETS)
    abort();
  gitdev_socket **made = &self->sockets[self->count];
  if (gitdev_exchange_upgrade(exchange, "git.logs.v1", "", 0, 0, made) != GITDEV_OK)
    return;
  self->count++;
  gitdev_socket_send(*made, "{}", 2);
  gitdev_socket_close(*made, 1000, "done");
}

static bool serve(void *payload, gitdev_exchange *exchange, int number) {
  (void)number;
  if (gitdev_exchange_message(exchange)->upgrade)
    upgrade(payload, exchange);
  else if (origin_is(exchange, "/nope"))
    origin_answer(exchange, 404, "", "{\"error\":{\"type\":\"invalid_request_error\"}}");
  else
    origin_answer(exchange, 200, "X-Request-Id: req_1\r\n", "{\"a\":1}");
  return true;
}

/* ---- the calls ---- */

static int write_on(void *payload, const char *bytes, size_t len) {
  (void)bytes;
  *(size_t *)payload += len;
  return GITDEV_OK;
}

static bool write_anew(void *payload) {
  *(size_t *)payload = 0;
  return true;
}

static long read_on(void *payload, char *out, size_t room) {
  size_t *left = payload, len = *left < room ? *left : room;
  memset(out, 'x', len);
  *left -= len;
  return (long)len;
}

static bool read_anew(void *payload) {
  *(size_t *)payload = UPLOAD;
  return true;
}

static void check_result(gitdev_call *call) {
  const gitdev_result *result = gitdev_call_result(call);
  size_t count;
  assert_non_null(result);
  if (result->type)
    assert_true(strlen(result->message) > 0);
  else
    assert_true(result->status == 101 || result->status / 100 == 2);
  for (size_t i = 0; i < result->attempt_count; i++)
    assert_non_null(result->attempts[i].verdict);
  gitdev_call_headers(call, &count);
}

static void read_to_the_end(gitdev_loop *loop, gitdev_socket *socket) {
  const char *message;
  size_t len;
  int rc = GITDEV_OK;
  double latest = gitdev_now() + PATIENCE;
  gitdev_socket_send(socket, "hello", 5);
  while (rc != GITDEV_ECLOSED && gitdev_now() < latest) {
    rc = gitdev_socket_read(socket, &message, &len, NULL);
    if (rc == GITDEV_AGAIN)
      gitdev_step(loop, PATIENCE);
  }
  assert_int_equal(rc, GITDEV_ECLOSED);
  assert_int_not_equal(gitdev_socket_close_code(socket), 0);
  gitdev_socket_free(socket);
}

static void make_call(gitdev_loop *loop, gitdev_engine *engine, gitdev_client *client,
                      const gitdev_call_options *options) {
  gitdev_problem problem = {""};
  gitdev_call *call;
  int rc = gitdev_call_new(&call, client, options, gitdev_now(), &problem);
  if (rc != GITDEV_OK) {
    assert_int_equal(rc, GITDEV_ENOMEM);
    assert_string_equal(problem.text, "memory is out");
    return;
  }
  rc = gitdev_perform(engine, call);
  if (rc == GITDEV_OK)
    check_result(call);
  else
    assert_int_equal(rc, GITDEV_ENOMEM);
  gitdev_socket *socket = gitdev_call_socket(call);
  if (socket)
    read_to_the_end(loop, socket);
  gitdev_call_free(call);
}

static void make_calls(gitdev_loop *loop, gitdev_engine *engine, gitdev_client *client) {
  size_t got = 0, left = UPLOAD;
  const gitdev_sink sink = {.write = write_on, .rewind = write_anew, .payload = &got};
  const gitdev_source source = {
      .read = read_on, .rewind = read_anew, .payload = &left, .size = UPLOAD};
  const gitdev_call_options rows[] = {
      {.method = "POST", .path = "/here", .body = "{}", .body_len = 2},
      {.method = "GET", .path = "/nope"},
      {.method = "GET", .path = "/there", .sink = &sink},
      {.method = "PUT", .path = "/here", .source = &source},
      {.method = "GET", .path = "/log", .upgrade = "git.logs.v1"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    make_call(loop, engine, client, &rows[i]);
}

static void count_line(void *payload, gitdev_log_level level, const char *line) {
  (void)level;
  assert_memory_equal(line, "gitdev ", 7);
  ++*(int *)payload;
}

static void play(const origin *server) {
  int lines = 0;
  const gitdev_client_options options = {.api_key = ORIGIN_KEY,
                                         .base_url = origin_url(server),
                                         .ca_file = origin_ca_file(server),
                                         .timeout = PATIENCE,
                                         .max_retries = GITDEV_NO_RETRIES,
                                         .log_level = GITDEV_LOG_DEBUG,
                                         .log = count_line,
                                         .log_payload = &lines};
  gitdev_loop *loop = NULL;
  gitdev_engine *engine = NULL;
  gitdev_client *client = NULL;
  if (gitdev_loop_new(&loop) == GITDEV_OK && gitdev_engine_new(&engine, loop, NULL) == GITDEV_OK &&
      gitdev_client_new(&client, &options, NULL) == GITDEV_OK)
    make_calls(loop, engine, client);
  gitdev_client_free(client);
  gitdev_engine_free(engine);
  gitdev_loop_free(loop);
}

/* ---- the tests ---- */

/* Plays with `good` blocks, `short_of` that are refused, and all that follow; returns how many were
 * asked for. What is there afterwards on this side is what was there before. */
static long play_short(const origin *server, long good, long short_of) {
  double began = gitdev_now();
  scarcity.good = good;
  scarcity.short_of = short_of;
  scarcity.taken = 0;
  scarcity.on = true;
  play(server);
  scarcity.on = false;
  assert_true(gitdev_now() - began < PATIENCE / 2); /* nothing waits for a deadline */
  return scarcity.taken;
}

static void play_all(void **state, long short_of) {
  origin *server = origin_start(serve, *state);
  play(server);
  long places = play_short(server, FOR_GOOD, 0);
  assert_true(places > 100);
  for (long good = 0; good < places; good++)
    play_short(server, good, short_of);
  origin_stop(server);
  peer *self = *state;
  while (self->count > 0)
    gitdev_socket_free(self->sockets[--self->count]);
  assert_int_equal(atomic_load(&blocks), 0);
}

static void test_one_block_is_missing(void **state) {
  play_all(state, 1);
}

static void test_memory_is_out_for_good(void **state) {
  play_all(state, FOR_GOOD);
}

static int setup(void **state) {
  static const gitdev_allocator scarce = {take, resize, give_back};
  if (curl_global_init(CURL_GLOBAL_DEFAULT) || gitdev_setup(&scarce) != GITDEV_OK)
    return -1;
  *state = calloc(1, sizeof(peer));
  return *state ? 0 : -1;
}

static int teardown(void **state) {
  free(*state);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_one_block_is_missing),
                                     cmocka_unit_test(test_memory_is_out_for_good)};
  return cmocka_run_group_tests(tests, setup, teardown);
}

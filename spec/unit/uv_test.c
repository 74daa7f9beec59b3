/* gitdev on somebody else's loop: libuv turns it by way of gitdev_fd() and gitdev_timeout(), as the
 * file for users to copy does it. The server has a thread of its own. */
#include "../../examples/c/uv_driver.h"
#include "origin.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TICK_MS = 5, AT_ONCE = 20, CALLS_MAX = 32 };

typedef struct world {
  origin *server;
  bool refused; /* the server's, see serve() */
  gitdev_loop *loop;
  gitdev_engine *engine;
  gitdev_client *client;
  uv_loop_t uv;
  uv_driver driver;
  uv_timer_t ticker;
  unsigned ticks;
  uv_check_t waits; /* run once for each wait of the uv loop */
  unsigned wait_count;
  gitdev_call *calls[CALLS_MAX];
  size_t call_count, left;
} world;

/* "/wait" is refused once, with a second to wait; "/hold" is never answered; "/last" closes its
 * connection. */
static bool serve(void *payload, gitdev_exchange *exchange, int number) {
  static const char LAST[] =
      "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
  bool *refused = payload;
  (void)number;
  if (origin_is(exchange, "/hold"))
    return false;
  if (origin_is(exchange, "/last")) {
    gitdev_exchange_raw(exchange, LAST, sizeof LAST - 1, false);
  } else if (origin_is(exchange, "/wait") && !*refused) {
    *refused = true;
    origin_answer(exchange, 503, "Retry-After: 1\r\n", "{}");
  } else {
    origin_answer(exchange, 200, "", "{}");
  }
  return true;
}

static void on_tick(uv_timer_t *ticker) {
  world *w = ticker->data;
  w->ticks++;
}

static void on_wait(uv_check_t *waits) {
  world *w = waits->data;
  w->wait_count++;
}

static int set_up(void **state) {
  world *w = calloc(1, sizeof *w);
  assert_non_null(w);
  w->server = origin_start(serve, &w->refused);
  w->client = origin_client(w->server, 0);
  assert_int_equal(gitdev_loop_new(&w->loop), GITDEV_OK);
  assert_int_equal(gitdev_engine_new(&w->engine, w->loop, NULL), GITDEV_OK);
  assert_int_equal(uv_loop_init(&w->uv), 0);
  assert_int_equal(uv_driver_open(&w->driver, &w->uv, w->loop), 0);
  uv_timer_init(&w->uv, &w->ticker);
  uv_check_init(&w->uv, &w->waits);
  uv_check_start(&w->waits, on_wait);
  uv_unref((uv_handle_t *)&w->waits);
  w->ticker.data = w->waits.data = w;
  *state = w;
  return 0;
}

static int tear_down(void **state) {
  world *w = *state;
  uv_driver_close(&w->driver);
  uv_close((uv_handle_t *)&w->ticker, NULL);
  uv_close((uv_handle_t *)&w->waits, NULL);
  uv_run(&w->uv, UV_RUN_DEFAULT);
  assert_int_equal(uv_loop_close(&w->uv), 0); /* UV_EBUSY if a handle were left */
  for (size_t i = 0; i < w->call_count; i++)
    gitdev_call_free(w->calls[i]);
  gitdev_engine_free(w->engine);
  gitdev_client_free(w->client);
  gitdev_loop_free(w->loop);
  origin_stop(w->server);
  free(w);
  return 0;
}

static void on_done(gitdev_call *call, void *payload) {
  world *w = payload;
  (void)call;
  w->left--;
  uv_driver_release(&w->driver);
}

static gitdev_call *start(world *w, const char *path, double timeout) {
  gitdev_call *call;
  const gitdev_call_options options = {.method = "GET", .path = path, .timeout = timeout};
  assert_int_equal(gitdev_call_new(&call, w->client, &options, gitdev_now(), NULL), GITDEV_OK);
  w->calls[w->call_count++] = call;
  w->left++;
  uv_driver_hold(&w->driver);
  assert_int_equal(gitdev_submit(w->engine, call, on_done, w), GITDEV_OK);
  return call;
}

static void tick(world *w) {
  uv_timer_start(&w->ticker, on_tick, TICK_MS, TICK_MS);
  uv_unref((uv_handle_t *)&w->ticker);
}

/* Runs until nothing holds the uv loop any more. */
static void run(world *w) {
  assert_int_equal(uv_run(&w->uv, UV_RUN_DEFAULT), 0);
  assert_int_equal(w->driver.error, 0);
  assert_int_equal(w->left, 0);
}

static void expect(const gitdev_call *call, const char *type, size_t attempts) {
  const gitdev_result *result = gitdev_call_result(call);
  assert_non_null(result);
  if (type)
    assert_string_equal(result->type, type);
  else
    assert_null(result->type);
  assert_int_equal(result->attempt_count, attempts);
}

static void test_many_calls_end_while_other_timers_run(void **state) {
  world *w = *state;
  tick(w);
  gitdev_call *retried = start(w, "/wait", 0), *late = start(w, "/hold", 0.3);
  for (int i = 0; i < AT_ONCE; i++)
    start(w, "/a", 0);
  run(w);
  expect(retried, NULL, 2);
  assert_true(gitdev_call_result(retried)->attempts[1].wait >= 1);
  expect(late, "timeout_error", 1);
  for (size_t i = 2; i < w->call_count; i++)
    expect(w->calls[i], NULL, 1);
  assert_int_equal(origin_requests(w->server), AT_ONCE + 3);
  /* In the second of Retry-After alone there was room for 200; a stalled machine has fewer. */
  assert_true(w->ticks >= 10);
}

typedef struct canceler {
  uv_timer_t timer;
  world *w;
  gitdev_call *victim;
} canceler;

/* Once the server has the request. */
static void cancel(uv_timer_t *timer) {
  canceler *self = timer->data;
  if (origin_requests(self->w->server) == 0)
    return;
  gitdev_cancel(self->w->engine, self->victim);
  self->w->left--; /* its `done` is not called */
  uv_driver_release(&self->w->driver);
  uv_close((uv_handle_t *)timer, NULL);
}

static void test_a_canceled_call_lets_the_loop_end(void **state) {
  world *w = *state;
  canceler ends = {.w = w, .victim = start(w, "/hold", 0)};
  uv_timer_init(&w->uv, &ends.timer);
  ends.timer.data = &ends;
  uv_timer_start(&ends.timer, cancel, TICK_MS, TICK_MS);
  run(w);
  expect(ends.victim, "canceled_error", 1);
}

static void submit_next(uv_timer_t *timer) {
  start(timer->data, "/a", 0);
}

static void test_a_call_from_a_callback_is_noticed(void **state) {
  world *w = *state;
  uv_timer_start(&w->ticker, submit_next, TICK_MS, 0);
  run(w);
  assert_int_equal(w->call_count, 1);
  expect(w->calls[0], NULL, 1);
}

/* A connection that rests, and one that the server has closed, must not keep the uv loop busy: what
 * wakes it then is the test's own timer, once. */
static void test_nothing_under_way_costs_nothing(void **state) {
  static const char *const last[] = {"/a", "/last"};
  world *w = *state;
  for (size_t i = 0; i < sizeof last / sizeof *last; i++) {
    start(w, last[i], 0);
    run(w);
    w->wait_count = w->ticks = 0;
    uv_timer_start(&w->ticker, on_tick, 300, 0);
    run(w);
    assert_int_equal(w->ticks, 1);
    assert_in_range(w->wait_count, 1, 10);
  }
}

/* A wait of a second is one wait, not a thousand. */
static void test_a_wait_is_slept_through(void **state) {
  world *w = *state;
  gitdev_call *retried = start(w, "/wait", 0);
  run(w);
  expect(retried, NULL, 2);
  assert_in_range(w->wait_count, 1, 100);
}

int main(void) {
#define UNIT(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      UNIT(test_many_calls_end_while_other_timers_run),
      UNIT(test_a_canceled_call_lets_the_loop_end),
      UNIT(test_a_call_from_a_callback_is_noticed),
      UNIT(test_nothing_under_way_costs_nothing),
      UNIT(test_a_wait_is_slept_through),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

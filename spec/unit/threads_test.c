/* Many threads at once, each with objects of its own, calling one server and opening WebSockets to it,
 * while another thread wakes their loops. Run under the thread sanitizer it shows that nothing is shared behind their backs. */
#include "origin.h"
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { THREADS = 8, ROUNDS = 3, BLOCKING = 10, STEPPED = 20, GOODBYE = 1000 };

static const char PROTOCOL[] = "git.logs.v1";

/* Made and freed by the main thread: what hangs on the loop belongs to the worker. */
typedef struct worker {
  pthread_t thread;
  pthread_barrier_t *start;
  const origin *server;
  gitdev_loop *loop;
  gitdev_engine *engine;
  gitdev_client *client;
  int made, succeeded, failed;
  const char *problem; /* NULL: none. cmocka's assertions belong to the main thread */
} worker;

/* The server's ends of the WebSockets: its thread's, until it has ended. */
typedef struct peers {
  gitdev_socket *all[ROUNDS * THREADS];
  size_t count;
} peers;

static bool greet(peers *self, gitdev_exchange *exchange) {
  const char *problem;
  gitdev_socket *peer;
  if (gitdev_exchange_wish(exchange, &problem) != GITDEV_HANDSHAKE_GOOD)
    return false;
  if (gitdev_exchange_upgrade(exchange, PROTOCOL, "", 0, 0, &peer) == GITDEV_OK) {
    self->all[self->count++] = peer;
    gitdev_socket_send(peer, "hello", 5);
    gitdev_socket_close(peer, GOODBYE, NULL);
  }
  return true;
}

/* Every fifth request meets an error, every seventh a lost connection: retries, and handles that are
 * thrown away. */
static bool serve(void *payload, gitdev_exchange *exchange, int number) {
  if (greet(payload, exchange))
    return true;
  if (number % 7 == 0)
    gitdev_exchange_raw(exchange, "", 0, true);
  else if (number % 5 == 0)
    origin_answer(exchange, 404, "", "{}");
  else
    origin_answer(exchange, 200, "", "{\"a\":1}");
  return true;
}

static void note(worker *self, const gitdev_call *call) {
  const gitdev_result *result = gitdev_call_result(call);
  if (!result)
    self->problem = "a call ended without a result";
  else if (!result->type)
    self->succeeded++;
  else
    self->failed++;
}

static gitdev_call *new_call(worker *self) {
  gitdev_call *call = NULL;
  const gitdev_call_options options = {.method = "POST",
                                       .path = "/a",
                                       .body = "{}",
                                       .body_len = 2,
                                       .max_retries = GITDEV_NO_RETRIES};
  if (gitdev_call_new(&call, self->client, &options, gitdev_now(), NULL) != GITDEV_OK)
    self->problem = "a call could not be made";
  else
    self->made++;
  return call;
}

static void call_blocking(worker *self) {
  for (int i = 0; i < BLOCKING && !self->problem; i++) {
    gitdev_call *call = new_call(self);
    if (call && gitdev_perform(self->engine, call) != GITDEV_OK)
      self->problem = "gitdev_perform failed";
    else if (call)
      note(self, call);
    gitdev_call_free(call);
  }
}

static void on_done(gitdev_call *call, void *payload) {
  note(payload, call);
}

static void call_stepped(worker *self) {
  for (int i = 0; i < STEPPED && !self->problem; i++) {
    gitdev_call *call = new_call(self);
    if (call && gitdev_submit(self->engine, call, on_done, self) != GITDEV_OK)
      self->problem = "gitdev_submit failed";
    gitdev_call_free(call);
  }
  while (!self->problem && self->succeeded + self->failed < self->made)
    if (gitdev_step(self->loop, 0.01) != GITDEV_OK)
      self->problem = "gitdev_step failed";
}

static gitdev_socket *open_stream(worker *self) {
  gitdev_call *call;
  const gitdev_call_options options = {.method = "GET", .path = "/a", .upgrade = PROTOCOL};
  if (gitdev_call_new(&call, self->client, &options, gitdev_now(), NULL) != GITDEV_OK)
    return NULL;
  gitdev_socket *socket =
      gitdev_perform(self->engine, call) == GITDEV_OK ? gitdev_call_socket(call) : NULL;
  gitdev_call_free(call);
  return socket;
}

static void follow(worker *self) {
  const char *message;
  size_t len;
  int rc, messages = 0;
  gitdev_socket *socket = open_stream(self);
  if (!socket) {
    self->problem = "no WebSocket was opened";
    return;
  }
  while ((rc = gitdev_socket_read(socket, &message, &len, NULL)) != GITDEV_ECLOSED)
    if (rc == GITDEV_OK)
      messages++;
    else if (gitdev_step(self->loop, -1) != GITDEV_OK)
      self->problem = "gitdev_step failed";
  if (messages != 1 || gitdev_socket_close_code(socket) != GOODBYE)
    self->problem = "the WebSocket carried something else";
  gitdev_socket_free(socket);
}

static void *work(void *payload) {
  worker *self = payload;
  const gitdev_client_options options = {.api_key = ORIGIN_KEY,
                                         .base_url = origin_url(self->server),
                                         .ca_file = origin_ca_file(self->server)};
  pthread_barrier_wait(self->start); /* so that all meet in libcurl's and OpenSSL's first use */
  if (gitdev_engine_new(&self->engine, self->loop, NULL) != GITDEV_OK ||
      gitdev_client_new(&self->client, &options, NULL) != GITDEV_OK)
    self->problem = "an engine or a client could not be made";
  call_blocking(self);
  call_stepped(self);
  if (!self->problem)
    follow(self);
  gitdev_engine_free(self->engine);
  gitdev_client_free(self->client);
  return NULL;
}

typedef struct waker {
  worker *workers;
  atomic_bool stopping;
} waker;

static void *wake(void *payload) {
  waker *self = payload;
  while (!atomic_load(&self->stopping))
    for (size_t i = 0; i < THREADS; i++)
      gitdev_wake(self->workers[i].loop);
  return NULL;
}

static void play_round(const origin *server) {
  worker workers[THREADS] = {0};
  waker alarm = {.workers = workers};
  pthread_t thread;
  pthread_barrier_t start;
  assert_int_equal(pthread_barrier_init(&start, NULL, THREADS), 0);
  for (size_t i = 0; i < THREADS; i++) {
    workers[i].server = server;
    workers[i].start = &start;
    assert_int_equal(gitdev_loop_new(&workers[i].loop), GITDEV_OK);
  }
  assert_int_equal(pthread_create(&thread, NULL, wake, &alarm), 0);
  for (size_t i = 0; i < THREADS; i++)
    assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
  for (size_t i = 0; i < THREADS; i++)
    pthread_join(workers[i].thread, NULL);
  atomic_store(&alarm.stopping, true);
  pthread_join(thread, NULL);
  pthread_barrier_destroy(&start);
  for (size_t i = 0; i < THREADS; i++) {
    gitdev_loop_free(workers[i].loop);
    assert_string_equal(workers[i].problem ? workers[i].problem : "none", "none");
    assert_int_equal(workers[i].succeeded + workers[i].failed, BLOCKING + STEPPED);
  }
}

static void test_threads_with_objects_of_their_own(void **state) {
  (void)state;
  peers ends = {.count = 0};
  origin *server = origin_start(serve, &ends);
  for (int round = 0; round < ROUNDS; round++)
    play_round(server);
  /* A connection that is lost after it has served before is made up for, once in a call. */
  const unsigned calls = ROUNDS * THREADS * (BLOCKING + STEPPED + 1);
  assert_in_range(origin_requests(server), calls, calls + calls / 5);
  origin_stop(server);
  assert_int_equal(ends.count, ROUNDS * THREADS);
  for (size_t i = 0; i < ends.count; i++)
    gitdev_socket_free(ends.all[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_threads_with_objects_of_their_own)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

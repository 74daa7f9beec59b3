/* The engine over real TLS against a listener on the same loop: what only C can ask of it. */
#include "gitdev.h"
#include "net/certificate.h"
#include "net/listener.h"
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const char KEY[] = "gsk_test_0123456789abcdefghijklmnopqrstuv";

static const char PLENTY[] = "X-RateLimit-Remaining: 1000\r\n";

typedef struct world {
  gitdev_loop *loop;
  gitdev_listener *listener;
  gitdev_engine *engine;
  gitdev_client *client;
  int requests;
  char ca_file[64];
} world;

static void write_authority(world *w, const gitdev_certificate *certificate) {
  char *pem = gitdev_certificate_authority_pem(certificate);
  assert_non_null(pem);
  strcpy(w->ca_file, "/tmp/gitdev-engine-test-XXXXXX");
  int fd = mkstemp(w->ca_file);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, pem, strlen(pem)), strlen(pem));
  close(fd);
  free(pem);
}

static int set_up(void **state) {
  const char *const names[] = {"127.0.0.1"};
  world *w = calloc(1, sizeof *w);
  gitdev_certificate certificate;
  char url[64];
  assert_int_equal(gitdev_certificate_make(&certificate, names, 1, 1), GITDEV_OK);
  write_authority(w, &certificate);
  assert_int_equal(gitdev_loop_new(&w->loop), GITDEV_OK);
  const gitdev_listener_options listen = {.certificate = &certificate};
  assert_int_equal(gitdev_listener_new(&w->listener, w->loop, &listen), GITDEV_OK);
  gitdev_certificate_free(&certificate);
  assert_int_equal(gitdev_engine_new(&w->engine, w->loop, NULL), GITDEV_OK);
  snprintf(url, sizeof url, "https://127.0.0.1:%d/v2", gitdev_listener_port(w->listener));
  const gitdev_client_options options = {.api_key = KEY, .base_url = url, .ca_file = w->ca_file};
  assert_int_equal(gitdev_client_new(&w->client, &options, NULL), GITDEV_OK);
  *state = w;
  return 0;
}

static int tear_down(void **state) {
  world *w = *state;
  gitdev_engine_free(w->engine);
  gitdev_client_free(w->client);
  gitdev_listener_free(w->listener);
  gitdev_loop_free(w->loop);
  unlink(w->ca_file);
  free(w);
  return 0;
}

static gitdev_call *new_call_within(world *w, double timeout) {
  gitdev_call *call;
  const gitdev_call_options options = {
      .method = "POST", .path = "/a", .body = "{}", .body_len = 2, .timeout = timeout};
  assert_int_equal(gitdev_call_new(&call, w->client, &options, gitdev_now(), NULL), GITDEV_OK);
  return call;
}

static gitdev_call *new_call(world *w) {
  return new_call_within(w, 0);
}

/* Turns the loop until the call is done, answering what arrives. */
static const gitdev_result *run(world *w, gitdev_call *call) {
  while (!gitdev_call_result(call)) {
    assert_int_equal(gitdev_step(w->loop, 5), 0);
    gitdev_exchange *exchange;
    while ((exchange = gitdev_listener_next(w->listener))) {
      w->requests++;
      gitdev_exchange_answer(exchange, 200, PLENTY, sizeof PLENTY - 1, "{}", 2);
      gitdev_exchange_free(exchange);
    }
  }
  return gitdev_call_result(call);
}

static void count(gitdev_call *call, void *payload) {
  (void)call;
  ++*(int *)payload;
}

static void test_a_call_is_taken_once(void **state) {
  world *w = *state;
  int done = 0;
  gitdev_call *call = new_call(w);
  assert_int_equal(gitdev_submit(w->engine, call, count, &done), GITDEV_OK);
  assert_int_equal(gitdev_submit(w->engine, call, count, &done), GITDEV_EINVAL);
  assert_null(run(w, call)->type);
  assert_int_equal(gitdev_submit(w->engine, call, count, &done), GITDEV_EINVAL);
  assert_int_equal(done, 1);
  assert_int_equal(w->requests, 1);
  gitdev_call_free(call);
}

typedef struct chain {
  world *w;
  gitdev_call *next, *victim;
  int done;
} chain;

static void submit_and_cancel(gitdev_call *call, void *payload) {
  (void)call;
  chain *c = payload;
  c->done++;
  gitdev_cancel(c->w->engine, c->victim);
  assert_int_equal(gitdev_submit(c->w->engine, c->next, count, &c->done), GITDEV_OK);
}

static void test_done_may_submit_and_cancel(void **state) {
  world *w = *state;
  chain c = {w, new_call(w), new_call(w), 0};
  gitdev_call *first = new_call(w);
  assert_int_equal(gitdev_submit(w->engine, first, submit_and_cancel, &c), GITDEV_OK);
  assert_int_equal(gitdev_submit(w->engine, c.victim, NULL, NULL), GITDEV_OK);
  gitdev_call_free(first); /* the engine keeps it until it is done */
  assert_null(run(w, c.next)->type);
  assert_int_equal(c.done, 2);
  assert_non_null(gitdev_call_result(c.victim));
  gitdev_call_free(c.next);
  gitdev_call_free(c.victim);
}

static void test_an_engine_ends_what_is_under_way(void **state) {
  world *w = *state;
  int done = 0;
  gitdev_call *call = new_call(w);
  assert_int_equal(gitdev_submit(w->engine, call, count, &done), GITDEV_OK);
  gitdev_step(w->loop, 0);
  gitdev_engine_free(w->engine);
  w->engine = NULL;
  assert_string_equal(gitdev_call_result(call)->type, "canceled_error");
  assert_int_equal(done, 0);
  gitdev_call_free(call);
}

/* More calls than there are connections, or places in libcurl, to a server that answers nobody: one that has little time ends in
 * time, wherever it waits. */
static void test_a_deadline_holds_in_any_queue(void **state) {
  world *w = *state;
  static const size_t counts[] = {0, 17, 70};
  gitdev_call *first = new_call(w);
  assert_int_equal(gitdev_submit(w->engine, first, NULL, NULL), GITDEV_OK);
  assert_null(run(w, first)->type);
  gitdev_call_free(first);
  for (size_t n = 0; n < sizeof counts / sizeof *counts; n++) {
    gitdev_call *slow[70], *hasty = new_call_within(w, 0.2);
    for (size_t i = 0; i < counts[n]; i++) {
      slow[i] = new_call(w);
      assert_int_equal(gitdev_submit(w->engine, slow[i], NULL, NULL), GITDEV_OK);
    }
    assert_int_equal(gitdev_submit(w->engine, hasty, NULL, NULL), GITDEV_OK);
    while (!gitdev_call_result(hasty))
      assert_int_equal(gitdev_step(w->loop, 5), 0);
    assert_string_equal(gitdev_call_result(hasty)->type, "timeout_error");
    gitdev_call_free(hasty);
    for (size_t i = 0; i < counts[n]; i++) {
      assert_null(gitdev_call_result(slow[i]));
      gitdev_cancel(w->engine, slow[i]);
      gitdev_call_free(slow[i]);
    }
  }
}

/* Connected sockets of this process that a program started from it would inherit. */
static int inheritable_connections(void) {
  int found = 0;
  for (int fd = 3; fd < 256; fd++) {
    struct sockaddr_storage peer;
    socklen_t len = sizeof peer;
    int flags = fcntl(fd, F_GETFD);
    bool internet = flags >= 0 && getpeername(fd, (struct sockaddr *)&peer, &len) == 0 &&
                    peer.ss_family != AF_UNIX;
    found += internet && !(flags & FD_CLOEXEC);
  }
  return found;
}

static void test_connections_are_not_inherited(void **state) {
  world *w = *state;
  gitdev_call *call = new_call(w);
  assert_int_equal(gitdev_submit(w->engine, call, NULL, NULL), GITDEV_OK);
  assert_null(run(w, call)->type);
  assert_int_equal(inheritable_connections(), 0);
  gitdev_call_free(call);
}

/* A child that frees what it got from the fork leaves the parent's connection as it was. */
static void test_a_fork_leaves_the_parent_alone(void **state) {
  world *w = *state;
  gitdev_call *call = new_call(w);
  assert_int_equal(gitdev_submit(w->engine, call, NULL, NULL), GITDEV_OK);
  assert_null(run(w, call)->type);
  assert_true(gitdev_call_result(call)->attempts[0].tls > 0);
  gitdev_call_free(call);
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    gitdev_engine_free(w->engine);
    gitdev_listener_free(w->listener);
    gitdev_loop_free(w->loop);
    _exit(0);
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  call = new_call(w);
  assert_int_equal(gitdev_submit(w->engine, call, NULL, NULL), GITDEV_OK);
  const gitdev_result *result = run(w, call);
  assert_null(result->type);
  assert_int_equal(result->attempt_count, 1);
  assert_true(result->attempts[0].tls < 0); /* no new handshake */
  gitdev_call_free(call);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_a_call_is_taken_once, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_done_may_submit_and_cancel, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_an_engine_ends_what_is_under_way, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_a_deadline_holds_in_any_queue, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_connections_are_not_inherited, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_a_fork_leaves_the_parent_alone, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

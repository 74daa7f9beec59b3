/* The engine over real TLS against a listener on the same loop: what only C can ask of it. */
#include "authority.h"
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

enum { BODY_MAX = 2 << 20 };

static const char PLENTY[] = "X-RateLimit-Remaining: 100000\r\n";

typedef struct world {
  gitdev_loop *loop;
  gitdev_listener *listener, *mute; /* the second is never looked at */
  gitdev_engine *engine;
  gitdev_client *client;
  int requests;
  char body[BODY_MAX], answer[BODY_MAX]; /* of the last request; of all answers, "{}" when empty */
  size_t body_len, answer_len;
  char ca_file[AUTHORITY_PATH_SIZE];
} world;

static gitdev_client *new_client(const world *w, const gitdev_listener *listener,
                                 double try_timeout) {
  char url[64];
  gitdev_client *client;
  snprintf(url, sizeof url, "https://127.0.0.1:%d/v2", gitdev_listener_port(listener));
  const gitdev_client_options options = {
      .api_key = KEY, .base_url = url, .ca_file = w->ca_file, .try_timeout = try_timeout};
  assert_int_equal(gitdev_client_new(&client, &options, NULL), GITDEV_OK);
  return client;
}

static int set_up(void **state) {
  const char *const names[] = {"127.0.0.1"};
  world *w = calloc(1, sizeof *w);
  gitdev_certificate certificate;
  assert_int_equal(gitdev_certificate_make(&certificate, names, 1, 1), GITDEV_OK);
  authority_write(w->ca_file, &certificate);
  assert_int_equal(gitdev_loop_new(&w->loop), GITDEV_OK);
  const gitdev_listener_options listen = {.certificate = &certificate};
  assert_int_equal(gitdev_listener_new(&w->listener, w->loop, &listen), GITDEV_OK);
  assert_int_equal(gitdev_listener_new(&w->mute, w->loop, &listen), GITDEV_OK);
  gitdev_certificate_free(&certificate);
  assert_int_equal(gitdev_engine_new(&w->engine, w->loop, NULL), GITDEV_OK);
  w->client = new_client(w, w->listener, 0);
  *state = w;
  return 0;
}

static int tear_down(void **state) {
  world *w = *state;
  gitdev_engine_free(w->engine);
  gitdev_client_free(w->client);
  gitdev_listener_free(w->listener);
  gitdev_listener_free(w->mute);
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

/* One turn of the loop, in which what has arrived is answered. */
static void turn(world *w) {
  gitdev_exchange *exchange;
  assert_int_equal(gitdev_step(w->loop, 5), 0);
  while ((exchange = gitdev_listener_next(w->listener))) {
    size_t len;
    const char *body = gitdev_exchange_body(exchange, &len);
    w->requests++;
    assert_true(len <= sizeof w->body);
    memcpy(w->body, body, len);
    w->body_len = len;
    size_t answer_len = w->answer_len ? w->answer_len : 2;
    const char *answer = w->answer_len ? w->answer : "{}";
    gitdev_exchange_answer(exchange, 200, PLENTY, sizeof PLENTY - 1, answer, answer_len);
    gitdev_exchange_free(exchange);
  }
}

/* Turns the loop until the call is done. */
static const gitdev_result *run(world *w, gitdev_call *call) {
  while (!gitdev_call_result(call))
    turn(w);
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

/* More calls than there are connections, or places in libcurl, to a server that answers nobody: one
 * that has little time ends in time, wherever it waits. */
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
    gitdev_listener_free(w->mute);
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

/* ---- lanes ---- */

static void test_ten_thousand_at_once(void **state) {
  enum { MANY = 10000 };
  world *w = *state;
  int done = 0;
  for (int i = 0; i < MANY; i++) {
    gitdev_call *call = new_call(w);
    assert_int_equal(gitdev_submit(w->engine, call, count, &done), GITDEV_OK);
    gitdev_call_free(call);
  }
  while (done < MANY) {
    turn(w);
    assert_true(gitdev_listener_connections(w->listener) <= 16);
  }
  assert_in_range(w->requests, MANY, MANY + 1); /* it may have asked for the limit */
}

/* However many calls another origin leaves unanswered. */
static void test_a_mute_origin_blocks_no_other(void **state) {
  enum { MANY = 100 };
  world *w = *state;
  gitdev_client *answering = w->client;
  gitdev_call *unheard[MANY];
  w->client = new_client(w, w->mute, 0);
  for (int i = 0; i < MANY; i++) {
    unheard[i] = new_call(w);
    assert_int_equal(gitdev_submit(w->engine, unheard[i], NULL, NULL), GITDEV_OK);
  }
  gitdev_client_free(w->client);
  w->client = answering;
  for (int i = 0; i < MANY; i++) {
    gitdev_call *call = new_call(w);
    assert_int_equal(gitdev_submit(w->engine, call, NULL, NULL), GITDEV_OK);
    assert_null(run(w, call)->type);
    gitdev_call_free(call);
  }
  for (int i = 0; i < MANY; i++) {
    assert_null(gitdev_call_result(unheard[i]));
    gitdev_cancel(w->engine, unheard[i]);
    gitdev_call_free(unheard[i]);
  }
}

typedef struct crowd {
  world *w;
  gitdev_call *calls[100];
  int done, late;
} crowd;

static void note_late(gitdev_call *call, void *payload) {
  (void)call;
  ++((crowd *)payload)->late;
}

/* Each end takes back another call, and one makes a new call. */
static void interfere(gitdev_call *call, void *payload) {
  crowd *c = payload;
  assert_string_equal(gitdev_call_result(call)->code, "client_closed");
  gitdev_cancel(c->w->engine, c->calls[99 - c->done]);
  if (c->done++ > 0)
    return;
  gitdev_call *late = new_call(c->w);
  assert_int_equal(gitdev_submit(c->w->engine, late, note_late, c), GITDEV_OK);
  gitdev_call_free(late);
}

static void test_the_calls_of_a_client_end_together(void **state) {
  world *w = *state;
  crowd c = {.w = w};
  gitdev_client *mute = new_client(w, w->mute, 0), *answering = w->client;
  for (int i = 0; i < 100; i++) {
    w->client = mute;
    c.calls[i] = new_call(w);
    w->client = answering;
    assert_int_equal(gitdev_submit(w->engine, c.calls[i], interfere, &c), GITDEV_OK);
  }
  gitdev_step(w->loop, 0);
  gitdev_cancel_all(w->engine, mute);
  assert_in_range(c.done, 50, 60); /* most of the others were taken back before they were told */
  for (int i = 0; i < 100; i++) {
    assert_string_equal(gitdev_call_result(c.calls[i])->type, "canceled_error");
    gitdev_call_free(c.calls[i]);
  }
  while (c.late == 0)
    turn(w);
  gitdev_client_free(mute);
}

/* ---- streams ---- */

/* A body in pieces, one for each time that somebody says that there is more. */
typedef struct feed {
  world *w;
  gitdev_call *call;
  size_t at, len, piece, allowed;
  long failure;
  int again;
} feed;

static char byte_at(size_t place) {
  return (char)('a' + place % 23);
}

static long read_feed(void *payload, char *out, size_t room) {
  feed *f = payload;
  size_t end = f->allowed < f->len ? f->allowed : f->len;
  if (f->at == end && f->failure)
    return f->failure;
  if (f->at == end && end < f->len) {
    f->again++;
    return GITDEV_AGAIN;
  }
  size_t n = end - f->at < room ? end - f->at : room;
  for (size_t i = 0; i < n; i++)
    out[i] = byte_at(f->at++);
  return (long)n;
}

static gitdev_call *new_upload(world *w, feed *f, long long size) {
  const gitdev_source source = {.read = read_feed, .payload = f, .size = size};
  const gitdev_call_options options = {.method = "POST", .path = "/a", .source = &source};
  assert_int_equal(gitdev_call_new(&f->call, w->client, &options, gitdev_now(), NULL), GITDEV_OK);
  assert_int_equal(gitdev_submit(w->engine, f->call, NULL, NULL), GITDEV_OK);
  return f->call;
}

static void test_a_body_comes_in_pieces(void **state) {
  world *w = *state;
  static const struct {
    size_t len, piece;
    bool told;
  } cases[] = {
      {0, 1, true},
      {1, 1, true},
      {1, 1, false},
      {100000, 30000, true},
      {100000, 30000, false},
      {BODY_MAX, 1 << 19, true},
      {BODY_MAX, 1 << 19, false},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    feed f = {.w = w, .len = cases[i].len, .piece = cases[i].piece};
    gitdev_call *call = new_upload(w, &f, cases[i].told ? (long long)f.len : -1);
    for (int seen = 0; !gitdev_call_result(call); turn(w))
      if (f.again > seen) {
        seen = f.again;
        f.allowed += f.piece;
        gitdev_resume(w->engine, call);
      }
    assert_null(gitdev_call_result(call)->type);
    assert_int_equal(w->body_len, f.len);
    for (size_t place = 0; place < f.len; place++)
      if (w->body[place] != byte_at(place))
        fail_msg("byte %zu is wrong", place);
    gitdev_call_free(call);
    call = new_call(w); /* the handle sends an ordinary body again */
    assert_int_equal(gitdev_submit(w->engine, call, NULL, NULL), GITDEV_OK);
    assert_null(run(w, call)->type);
    assert_memory_equal(w->body, "{}", w->body_len);
    gitdev_call_free(call);
  }
}

static void test_a_source_may_fail(void **state) {
  world *w = *state;
  feed f = {.w = w, .len = 10, .allowed = 5, .failure = GITDEV_ESYSTEM};
  gitdev_call *call = new_upload(w, &f, 10);
  assert_string_equal(run(w, call)->code, "stream_refused");
  assert_int_equal(w->requests, 0);
  gitdev_call_free(call);
}

/* A place that fills up. */
typedef struct vessel {
  size_t at, room;
  int full, failure;
  bool wrong;
} vessel;

static int fill(void *payload, const char *bytes, size_t len) {
  vessel *v = payload;
  if (v->failure)
    return v->failure;
  if (v->at >= v->room) {
    v->full++;
    return GITDEV_AGAIN;
  }
  for (size_t i = 0; i < len; i++)
    v->wrong |= bytes[i] != byte_at(v->at++);
  return GITDEV_OK;
}

static gitdev_call *new_download(world *w, gitdev_client *client, vessel *v) {
  gitdev_call *call;
  const gitdev_sink sink = {.write = fill, .payload = v};
  const gitdev_call_options options = {
      .method = "GET", .path = "/a", .sink = &sink, .max_retries = GITDEV_NO_RETRIES};
  assert_int_equal(gitdev_call_new(&call, client, &options, gitdev_now(), NULL), GITDEV_OK);
  assert_int_equal(gitdev_submit(w->engine, call, NULL, NULL), GITDEV_OK);
  return call;
}

static void prepare_answer(world *w) {
  w->answer_len = BODY_MAX;
  for (size_t i = 0; i < w->answer_len; i++)
    w->answer[i] = byte_at(i);
}

static void test_a_full_sink_holds_the_answer_back(void **state) {
  world *w = *state;
  vessel v = {0};
  prepare_answer(w);
  gitdev_call *call = new_download(w, w->client, &v);
  for (int seen = 0; !gitdev_call_result(call); turn(w))
    if (v.full > seen) {
      seen = v.full;
      v.room += BODY_MAX / 8;
      gitdev_resume(w->engine, call);
    }
  assert_null(gitdev_call_result(call)->type);
  assert_int_equal(v.at, BODY_MAX);
  assert_false(v.wrong);
  assert_true(v.full >= 8);
  gitdev_call_free(call);
}

static void test_a_sink_may_fail(void **state) {
  world *w = *state;
  for (int paused = 0; paused < 2; paused++) {
    vessel v = {.failure = paused ? 0 : GITDEV_ESYSTEM};
    prepare_answer(w);
    gitdev_call *call = new_download(w, w->client, &v);
    while (paused && !v.full)
      turn(w);
    v.failure = GITDEV_ESYSTEM;
    if (paused)
      gitdev_resume(w->engine, call);
    assert_string_equal(run(w, call)->code, "stream_refused");
    assert_int_equal(v.at, 0);
    gitdev_call_free(call);
  }
}

static void rest(world *w, double seconds) {
  double end = gitdev_now() + seconds, left = seconds;
  while (left > 0) {
    assert_int_equal(gitdev_step(w->loop, left), 0);
    left = end - gitdev_now();
  }
}

/* What is held back here may rest; a server that sends nothing may not. */
static void test_silence_ends_a_stream(void **state) {
  world *w = *state;
  static const double idle = 0.4;
  vessel v = {0};
  prepare_answer(w);
  gitdev_client *hasty = new_client(w, w->listener, idle);
  gitdev_call *call = new_download(w, hasty, &v);
  while (!v.full)
    turn(w);
  rest(w, idle * 3);
  assert_null(gitdev_call_result(call));
  v.room = BODY_MAX;
  gitdev_resume(w->engine, call);
  assert_null(run(w, call)->type);
  gitdev_call_free(call);
  gitdev_client_free(hasty);
  hasty = new_client(w, w->mute, idle);
  call = new_download(w, hasty, &v);
  assert_string_equal(run(w, call)->type, "timeout_error");
  gitdev_call_free(call);
  gitdev_client_free(hasty);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_a_call_is_taken_once, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_done_may_submit_and_cancel, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_an_engine_ends_what_is_under_way, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_a_deadline_holds_in_any_queue, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_ten_thousand_at_once, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_a_mute_origin_blocks_no_other, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_the_calls_of_a_client_end_together, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_a_body_comes_in_pieces, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_a_source_may_fail, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_a_full_sink_holds_the_answer_back, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_a_sink_may_fail, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_silence_ends_a_stream, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_connections_are_not_inherited, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_a_fork_leaves_the_parent_alone, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The event loop, on real pipes and socket pairs. */
#include "net/loop.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { PATIENCE = 30, MANY = 300, TIMERS = 1000 };

static int setup(void **state) {
  gitdev_loop *loop = NULL;
  assert_int_equal(gitdev_loop_new(&loop), 0);
  *state = loop;
  return 0;
}

static int teardown(void **state) {
  gitdev_loop_free(*state);
  return 0;
}

/* A socket pair with a watch on one end, which counts what it is told. */
typedef struct probe {
  gitdev_loop *loop;
  gitdev_watch watch;
  int fd, far;
  int calls, seen;
  void (*act)(struct probe *probe);
  struct probe *other;
} probe;

static void note(void *payload, int ready) {
  probe *told = payload;
  told->calls++;
  told->seen |= ready;
  if (told->act)
    told->act(told);
}

static void probe_open(probe *made, gitdev_loop *loop, int want) {
  int pair[2];
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
  *made = (probe){.loop = loop, .fd = pair[0], .far = pair[1]};
  assert_int_equal(gitdev_watch_start(loop, &made->watch, made->fd, want, note, made), 0);
}

static void probe_feed(probe *fed) {
  assert_int_equal(write(fed->far, "x", 1), 1);
}

static void probe_drain(probe *drained) {
  char bytes[16];
  while (read(drained->fd, bytes, sizeof bytes) > 0)
    ;
}

static void probe_close(probe *closed) {
  gitdev_unwatch(closed->loop, &closed->watch);
  close(closed->fd);
  if (closed->far >= 0)
    close(closed->far);
}

static void expect_calls(probe *told, int calls, int seen) {
  assert_int_equal(told->calls, calls);
  assert_int_equal(told->seen, seen);
  told->calls = told->seen = 0;
}

static void step(gitdev_loop *loop) {
  assert_int_equal(gitdev_step(loop, 0), 0);
}

/* ---- watches ---- */

static void test_wants_and_gets(void **state) {
  static const struct {
    int want;
    bool feed;
    int seen;
  } cases[] = {
      {GITDEV_READABLE, false, 0},
      {GITDEV_READABLE, true, GITDEV_READABLE},
      {GITDEV_WRITABLE, true, GITDEV_WRITABLE},
      {GITDEV_READABLE | GITDEV_WRITABLE, true, GITDEV_READABLE | GITDEV_WRITABLE},
      {0, true, 0},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    probe a;
    probe_open(&a, *state, cases[i].want);
    if (cases[i].feed)
      probe_feed(&a);
    step(*state);
    expect_calls(&a, cases[i].seen != 0, cases[i].seen);
    probe_close(&a);
  }
}

static void test_want_changes_before_the_next_wait(void **state) {
  probe a;
  probe_open(&a, *state, GITDEV_READABLE);
  probe_feed(&a);
  gitdev_watch_want(*state, &a.watch, 0);
  step(*state);
  expect_calls(&a, 0, 0);
  gitdev_watch_want(*state, &a.watch, GITDEV_WRITABLE);
  gitdev_watch_want(*state, &a.watch, GITDEV_READABLE);
  step(*state);
  expect_calls(&a, 1, GITDEV_READABLE);
  gitdev_unwatch(*state, &a.watch);
  gitdev_watch_want(*state, &a.watch, GITDEV_READABLE | GITDEV_WRITABLE);
  step(*state);
  expect_calls(&a, 0, 0);
  probe_close(&a);
}

static void test_a_hangup_comes_unasked_and_once_if_nothing_is_wanted(void **state) {
  probe a;
  probe_open(&a, *state, 0);
  close(a.far);
  a.far = -1;
  step(*state);
  expect_calls(&a, 1, GITDEV_HANGUP);
  step(*state);
  expect_calls(&a, 0, 0);
  gitdev_watch_want(*state, &a.watch, GITDEV_READABLE);
  step(*state);
  expect_calls(&a, 1, GITDEV_READABLE | GITDEV_HANGUP);
  probe_close(&a);
}

static void test_the_end_of_the_stream_is_told_when_asked_for(void **state) {
  probe a, b;
  probe_open(&a, *state, GITDEV_HANGUP);
  probe_open(&b, *state, GITDEV_WRITABLE);
  shutdown(a.far, SHUT_WR);
  shutdown(b.far, SHUT_WR);
  step(*state);
  expect_calls(&a, 1, GITDEV_HANGUP);
  expect_calls(&b, 1, GITDEV_WRITABLE);
  probe_close(&a);
  probe_close(&b);
}

/* Closes the other one and takes its descriptor number for a new, silent watch. */
static void replace_other(probe *self) {
  probe *other = self->other;
  if (!other)
    return;
  int number = other->fd;
  self->other = other->other = NULL;
  probe_close(other);
  probe_open(other, self->loop, GITDEV_READABLE);
  if (other->fd != number && other->far == number) {
    /* The pair's other half got the number: watch that one. */
    gitdev_unwatch(self->loop, &other->watch);
    other->far = other->fd;
    other->fd = number;
    assert_int_equal(
        gitdev_watch_start(self->loop, &other->watch, number, GITDEV_READABLE, note, other), 0);
  }
  assert_int_equal(other->fd, number);
}

static void test_an_event_never_reaches_the_next_user_of_a_number(void **state) {
  probe a, b;
  probe_open(&a, *state, GITDEV_READABLE);
  probe_open(&b, *state, GITDEV_READABLE);
  a.other = &b;
  b.other = &a;
  a.act = b.act = replace_other;
  probe_feed(&a);
  probe_feed(&b);
  step(*state);
  /* Whoever came first replaced the other, whose event was in the same batch. */
  assert_int_equal(a.calls + b.calls, 1);
  probe_drain(&a);
  probe_drain(&b);
  a.calls = b.calls = a.seen = b.seen = 0;
  probe_feed(&a);
  probe_feed(&b);
  step(*state);
  expect_calls(&a, 1, GITDEV_READABLE);
  expect_calls(&b, 1, GITDEV_READABLE);
  probe_close(&a);
  probe_close(&b);
}

static void unwatch_self(probe *self) {
  gitdev_unwatch(self->loop, &self->watch);
}

static void test_a_watch_ends_itself(void **state) {
  probe a;
  probe_open(&a, *state, GITDEV_READABLE);
  a.act = unwatch_self;
  probe_feed(&a);
  step(*state);
  step(*state);
  expect_calls(&a, 1, GITDEV_READABLE);
  probe_close(&a);
}

static void test_a_number_closed_while_watched_belongs_to_the_next(void **state) {
  probe a, b;
  probe_open(&a, *state, GITDEV_READABLE);
  close(a.fd);
  close(a.far);
  probe_open(&b, *state, GITDEV_READABLE);
  assert_int_equal(a.fd, b.fd);
  gitdev_watch_want(*state, &a.watch, GITDEV_WRITABLE);
  gitdev_unwatch(*state, &a.watch);
  probe_feed(&b);
  step(*state);
  expect_calls(&a, 0, 0);
  expect_calls(&b, 1, GITDEV_READABLE);
  probe_close(&b);
}

/* What nobody waits for may be closed by others without a word: libcurl does it. */
static void test_a_number_closed_while_it_rests_is_forgotten(void **state) {
  probe a;
  int other[2];
  probe_open(&a, *state, GITDEV_READABLE);
  gitdev_watch_want(*state, &a.watch, 0);
  close(a.fd);
  step(*state);
  gitdev_watch_want(*state, &a.watch, GITDEV_READABLE);
  gitdev_watch_want(*state, &a.watch, 0);
  assert_int_equal(pipe(other), 0); /* takes the number, and is none of the loop's */
  assert_int_equal(other[0], a.fd);
  close(other[1]); /* a hangup, which must reach nobody */
  step(*state);
  expect_calls(&a, 0, 0);
  gitdev_unwatch(*state, &a.watch);
  close(other[0]);
  close(a.far);
}

static void test_unwatching_a_zeroed_watch_does_nothing(void **state) {
  gitdev_watch never = {0};
  gitdev_unwatch(*state, &never);
  gitdev_watch_want(*state, &never, GITDEV_READABLE);
  step(*state);
  assert_int_equal(never.want, 0);
}

static void test_what_cannot_wait_is_refused(void **state) {
  gitdev_watch watch;
  FILE *plain = tmpfile();
  assert_non_null(plain);
  int error = gitdev_watch_start(*state, &watch, fileno(plain), GITDEV_READABLE, note, NULL);
  assert_int_equal(error, GITDEV_ESYSTEM);
  assert_int_equal(errno, EPERM);
  fclose(plain);
  assert_int_equal(gitdev_watch_start(*state, &watch, -1, GITDEV_READABLE, note, NULL),
                   GITDEV_ESYSTEM);
  assert_int_equal(errno, EBADF);
}

static void test_many_descriptors_in_one_step(void **state) {
  static probe all[MANY];
  for (int i = 0; i < MANY; i++) {
    probe_open(&all[i], *state, GITDEV_READABLE);
    probe_feed(&all[i]);
    all[i].act = probe_drain;
  }
  step(*state);
  for (int i = 0; i < MANY; i++)
    expect_calls(&all[i], 1, GITDEV_READABLE);
  step(*state);
  for (int i = 0; i < MANY; i++) {
    expect_calls(&all[i], 0, 0);
    probe_close(&all[i]);
  }
}

static void step_inside(probe *self) {
  self->act = NULL;
  probe_drain(self);
  step(self->loop);
}

static void test_a_step_inside_a_step(void **state) {
  probe a, b;
  probe_open(&a, *state, GITDEV_READABLE);
  probe_open(&b, *state, GITDEV_READABLE);
  a.act = b.act = step_inside;
  probe_feed(&a);
  probe_feed(&b);
  step(*state);
  assert_true(a.calls >= 1 && b.calls >= 1);
  a.calls = b.calls = 0;
  step(*state);
  assert_int_equal(a.calls + b.calls, 0);
  probe_close(&a);
  probe_close(&b);
}

static void test_a_forks_child_leaves_the_parents_set_alone(void **state) {
  probe a;
  probe_open(&a, *state, GITDEV_READABLE);
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    bool knows = gitdev_loop_forked(*state);
    probe_close(&a);
    gitdev_loop_free(*state);
    _exit(knows ? 0 : 1);
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
  assert_false(gitdev_loop_forked(*state));
  probe_feed(&a);
  step(*state);
  expect_calls(&a, 1, GITDEV_READABLE);
  probe_close(&a);
}

/* ---- chores ---- */

static void count(void *payload) {
  ++*(int *)payload;
}

static void test_a_chore_is_done_once_before_the_next_wait(void **state) {
  int done = 0, other = 0;
  gitdev_chore chore = {0}, dropped = {0};
  for (int i = 0; i < 3; i++)
    gitdev_chore_set(*state, &chore, count, &done);
  gitdev_chore_set(*state, &dropped, count, &other);
  gitdev_chore_clear(*state, &dropped);
  gitdev_chore_clear(*state, &dropped);
  assert_int_equal(done, 0);
  step(*state);
  step(*state);
  assert_int_equal(done, 1);
  gitdev_chore_set(*state, &chore, count, &done);
  gitdev_timeout(*state); /* a foreign loop is about to wait */
  assert_int_equal(done, 2);
  assert_int_equal(other, 0);
}

/* ---- timers ---- */

typedef struct log {
  gitdev_loop *loop;
  size_t fired;
  double last;
  bool sorted;
} log;

typedef struct alarm_clock {
  gitdev_timer timer;
  log *log;
  struct alarm_clock *victim;
  double again; /* arms itself for then, unless negative */
} alarm_clock;

static void ring(void *payload) {
  alarm_clock *rung = payload;
  log *kept = rung->log;
  kept->sorted = kept->sorted && rung->timer.at >= kept->last;
  kept->last = rung->timer.at;
  kept->fired++;
  if (rung->victim)
    gitdev_timer_clear(kept->loop, &rung->victim->timer);
  if (rung->again >= 0)
    assert_int_equal(gitdev_timer_set(kept->loop, &rung->timer, rung->again, ring, rung), 0);
}

static void set(alarm_clock *set_up, log *kept, double at) {
  set_up->log = kept;
  set_up->again = -1;
  assert_int_equal(gitdev_timer_set(kept->loop, &set_up->timer, at, ring, set_up), 0);
}

static void test_timers_fire_in_order_and_once(void **state) {
  static alarm_clock all[TIMERS];
  log kept = {.loop = *state, .sorted = true};
  uint32_t random = 1;
  size_t due = 0;
  double later = gitdev_now() + 3600;
  for (int turn = 0; turn < 3; turn++) /* twice they are moved */
    for (int i = 0; i < TIMERS; i++) {
      random = random * 1664525 + 1013904223;
      set(&all[i], &kept, (random >> 8) % 7 == 0 ? later : (random >> 8) * 1e-9);
    }
  for (int i = 0; i < TIMERS; i += 3)
    gitdev_timer_clear(*state, &all[i].timer);
  for (int i = 0; i < TIMERS; i++)
    due += all[i].timer.place && all[i].timer.at < later;
  assert_true(due > TIMERS / 3);
  step(*state);
  assert_int_equal(kept.fired, due);
  assert_true(kept.sorted);
  step(*state);
  assert_int_equal(kept.fired, due);
  for (int i = 0; i < TIMERS; i++)
    gitdev_timer_clear(*state, &all[i].timer);
  assert_true(gitdev_timeout(*state) < 0);
}

static void test_a_timer_for_now_lets_the_others_in(void **state) {
  log kept = {.loop = *state, .sorted = true};
  alarm_clock greedy = {0}, modest = {0};
  set(&greedy, &kept, 0);
  greedy.again = 0;
  set(&modest, &kept, 1);
  step(*state);
  assert_int_equal(kept.fired, 2);
  assert_int_equal(modest.timer.place, 0);
  assert_true(greedy.timer.place > 0);
  assert_true(gitdev_timeout(*state) < 1e-3);
  step(*state);
  assert_int_equal(kept.fired, 3);
  gitdev_timer_clear(*state, &greedy.timer);
}

static void test_a_timer_clears_another_that_is_due(void **state) {
  log kept = {.loop = *state, .sorted = true};
  alarm_clock first = {0}, second = {0};
  set(&first, &kept, 1);
  set(&second, &kept, 2);
  first.victim = &second;
  step(*state);
  assert_int_equal(kept.fired, 1);
  gitdev_timer_clear(*state, &second.timer);
}

static void test_the_wait_ends_with_the_first_timer(void **state) {
  log kept = {.loop = *state, .sorted = true};
  alarm_clock soon = {0};
  set(&soon, &kept, gitdev_now() + 0.005);
  double left = gitdev_timeout(*state);
  assert_true(left >= 0 && left <= 0.005);
  double start = gitdev_now();
  while (!kept.fired)
    assert_int_equal(gitdev_step(*state, -1), 0);
  assert_true(gitdev_now() - start < PATIENCE);
  assert_true(gitdev_now() >= kept.last);
}

/* ---- wake-ups, signals, foreign loops ---- */

static void test_a_wake_up_is_remembered_and_used_up(void **state) {
  gitdev_wake(*state);
  gitdev_wake(*state);
  assert_int_equal(gitdev_step(*state, -1), 0);
  struct pollfd all = {.fd = gitdev_fd(*state), .events = POLLIN};
  assert_int_equal(poll(&all, 1, 0), 0);
  gitdev_wake(*state);
  assert_int_equal(poll(&all, 1, 0), 1);
}

static void *wake_from_afar(void *loop) {
  gitdev_wake(loop);
  return NULL;
}

static void test_a_wake_up_from_another_thread(void **state) {
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, wake_from_afar, *state), 0);
  assert_int_equal(gitdev_step(*state, -1), 0);
  assert_int_equal(pthread_join(thread, NULL), 0);
}

static volatile sig_atomic_t signals;

static void on_signal(int number) {
  (void)number;
  signals++;
}

static void test_a_signal_ends_the_wait(void **state) {
  struct sigaction action = {.sa_handler = on_signal}, before;
  assert_int_equal(sigaction(SIGALRM, &action, &before), 0);
  /* Again and again: the first might come before the wait. */
  struct itimerval often = {.it_interval.tv_usec = 5000, .it_value.tv_usec = 5000}, never = {0};
  signals = 0;
  assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
  assert_int_equal(gitdev_step(*state, -1), 0);
  assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
  assert_int_equal(sigaction(SIGALRM, &before, NULL), 0);
  assert_true(signals > 0);
}

static void test_a_foreign_loop_sees_what_was_put_off(void **state) {
  probe a;
  probe_open(&a, *state, GITDEV_READABLE);
  struct pollfd all = {.fd = gitdev_fd(*state), .events = POLLIN};
  assert_int_equal(poll(&all, 1, 0), 0);
  gitdev_watch_want(*state, &a.watch, GITDEV_WRITABLE);
  assert_true(gitdev_timeout(*state) < 0);
  assert_int_equal(poll(&all, 1, 0), 1);
  step(*state);
  expect_calls(&a, 1, GITDEV_WRITABLE);
  gitdev_watch_want(*state, &a.watch, GITDEV_READABLE);
  step(*state);
  assert_int_equal(poll(&all, 1, 0), 0);
  probe_close(&a);
}

int main(void) {
#define UNIT(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      UNIT(test_wants_and_gets),
      UNIT(test_want_changes_before_the_next_wait),
      UNIT(test_a_hangup_comes_unasked_and_once_if_nothing_is_wanted),
      UNIT(test_the_end_of_the_stream_is_told_when_asked_for),
      UNIT(test_an_event_never_reaches_the_next_user_of_a_number),
      UNIT(test_a_watch_ends_itself),
      UNIT(test_a_number_closed_while_watched_belongs_to_the_next),
      UNIT(test_a_number_closed_while_it_rests_is_forgotten),
      UNIT(test_unwatching_a_zeroed_watch_does_nothing),
      UNIT(test_what_cannot_wait_is_refused),
      UNIT(test_many_descriptors_in_one_step),
      UNIT(test_a_step_inside_a_step),
      UNIT(test_a_forks_child_leaves_the_parents_set_alone),
      UNIT(test_a_chore_is_done_once_before_the_next_wait),
      UNIT(test_timers_fire_in_order_and_once),
      UNIT(test_a_timer_for_now_lets_the_others_in),
      UNIT(test_a_timer_clears_another_that_is_due),
      UNIT(test_the_wait_ends_with_the_first_timer),
      UNIT(test_a_wake_up_is_remembered_and_used_up),
      UNIT(test_a_wake_up_from_another_thread),
      UNIT(test_a_signal_ends_the_wait),
      UNIT(test_a_foreign_loop_sees_what_was_put_off),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
